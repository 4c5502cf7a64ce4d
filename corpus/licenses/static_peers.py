"""The peers on the static benchmark's programs: cve-bin-tool and ScanCode, in a virtual environment of their own below the corpus's cache.

cve-bin-tool names products with versions; its checkers run as they are, without its database of vulnerabilities, which decides nothing about what is
inside.  Its SQLite checker fetches its versions from the network and has none here.  ScanCode names components where a reader of package metadata
does; the licence words that it reads out of programs name no component.  Products are matched with projects generously: by the project's name, the
archive's, and the names in ``static_archives.toml``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from corpus.licenses.static import Found, figures, judge
from corpus.licenses.static_archives import POPULATION, REVISION, StaticProgram, drawn_archives
from corpus.programs import ProgramFailed, run
from corpus.store import cache_directory, locked

_PACKAGES = (
    "cve-bin-tool==3.4",
    "scancode-toolkit==32.5.0",
    "pluggy<1.6",
)  # ScanCode's plugin loader fails with pluggy 1.6

_ASK_CVE_BIN_TOOL = """
import json, logging, sys
logging.disable(logging.CRITICAL)
import cve_bin_tool.version_signature
cve_bin_tool.version_signature.VersionSignatureDb.get_mapping_data = lambda self: []
from cve_bin_tool.version_scanner import VersionScanner
scanner = VersionScanner(should_extract=False)
for path in sys.stdin.read().split("\\n"):
    found = [[scan.product_info.product, scan.product_info.version] for scan in scanner.scan_file(path) if scan]
    print(json.dumps([path, found]), flush=True)
"""


def print_peers(programs: Sequence[StaticProgram]) -> None:
    """A line for each peer, in the measure of :mod:`corpus.licenses.static`."""
    try:
        python = _environment()
    except ProgramFailed as failure:
        print(f"peers cannot be installed: {str(failure).splitlines()[-1]}")
        return
    print(f"\n{'peer':34}{'recall':>18}{'false alarms':>14}{'versions right':>18}{'on clients':>12}")
    for title, found in (
        ("cve-bin-tool 3.4", _cve_bin_tool(python, programs)),
        ("ScanCode 32.5.0 (packages)", _scancode_packages(python, programs)),
    ):
        judged = judge(programs, lambda path, found=found: found.get(str(path), {}))  # type: ignore[misc]
        inside = figures([one for one in judged if one.program.half is not None])
        clients = figures([one for one in judged if one.program.half is None])
        print(
            f"{title:34}{inside.named:6}/{inside.inside} = {inside.recall:.3f}{inside.false:14}"
            f"{inside.versions_right:10} of {inside.versions_named:4}{clients.false:12}"
        )


def _environment() -> Path:
    directory = cache_directory() / "licenses" / "static" / "peers"
    python = directory / "bin" / "python"
    with locked("licenses-static-peers"):
        if not (directory / "installed").exists():
            run(["python3", "-m", "venv", directory])
            run([python, "-m", "pip", "install", "--quiet", *_PACKAGES])
            (directory / "installed").touch()
    return python


def _cve_bin_tool(python: Path, programs: Sequence[StaticProgram]) -> dict[str, Found]:
    """Products by path; each program is asked about once and the answer kept."""
    answers = cache_directory() / "licenses" / "static" / f"cve-bin-tool-revision-{REVISION}.jsonl"
    known = _read(answers)
    missing = [str(program.path) for program in programs if str(program.path) not in known]
    if missing:
        home = answers.parent / "home"
        (home / ".cache" / "cve-bin-tool").mkdir(parents=True, exist_ok=True)
        script, list_file = answers.parent / "ask.py", answers.parent / "ask.txt"
        script.write_text(_ASK_CVE_BIN_TOOL.replace("sys.stdin.read()", f"open({str(list_file)!r}).read()"))
        list_file.write_text("\n".join(missing))
        said = run([python, script], environment={"HOME": str(home)})
        with answers.open("a", encoding="utf-8") as stream:
            stream.write(said)
        known = _read(answers)
    return {path: _projects(products) for path, products in known.items()}


def _read(answers: Path) -> dict[str, list[tuple[str, str]]]:
    if not answers.exists():
        return {}
    lines = answers.read_text(encoding="utf-8").splitlines()
    return {path: [(product, version) for product, version in found] for path, found in map(json.loads, lines)}


def _scancode_packages(python: Path, programs: Sequence[StaticProgram]) -> dict[str, Found]:
    directory = cache_directory() / "licenses" / "static"
    answer = directory / f"scancode-revision-{REVISION}.json"
    if not answer.exists():
        scancode = python.parent / "scancode"
        whole = directory / f"revision-{REVISION}"
        run([scancode, "--package", "--system-package", "--ignore", "archives", "-n", "2", "--json", answer, whole])
    found: dict[str, Found] = {}
    by_name = {f"{program.path.parent.name}/{program.path.name}": str(program.path) for program in programs}
    for file in json.loads(answer.read_text(encoding="utf-8"))["files"]:
        path = by_name.get("/".join(file["path"].split("/")[-2:]))
        packages = [(package["name"], package["version"] or "") for package in file.get("package_data", [])]
        if path is not None and packages:
            found[path] = _projects(packages)
    return found


def _projects(products: Sequence[tuple[str, str]]) -> Found:
    """Products as projects, several names of one thing together; the version that is told first."""
    names = _names()
    found: Found = {}
    for product, version in products:
        project = names.get(_plain(product), product)
        if not found.get(project):
            found[project] = version if re.match(r"\d", version) else None
    return found


def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for archive in drawn_archives():
        names[_plain(archive.project)] = archive.project
        for library in archive.archives:
            names.setdefault(_plain(library.removesuffix(".a")), archive.project)
    for project, products in tomllib.loads(POPULATION.read_text(encoding="utf-8"))["peer_products"].items():
        names.update((_plain(product), project) for product in products)
    return names


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("lib")
