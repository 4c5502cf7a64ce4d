"""Rewritten archives do what the originals do: PEX, shiv and zipapp run, a wheel installs; their own records are true."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.slim.making.planned_tree import unchanged_tree
from inspector.slim.options import SlimOptions
from inspector.slim.rebuilding.archive_records import build_id
from inspector.slim.request import SlimRequest
from inspector.slim.slimming import slim
from inspector.slim.undoing.unslim import unslim

Artifact = Callable[[str], Path]


def slimmed(path: Path, output: Path, undo: Path | None = None) -> Path:
    request = SlimRequest(
        path=str(path), options=SlimOptions(), output=str(output), undo_file=None if undo is None else str(undo)
    )
    outcome = slim(request)
    assert outcome.passed, outcome.result.slim
    assert not [check for check in outcome.result.slim.checks if check.outcome == "failed"]  # type: ignore[union-attr]
    return output


def says(program: Path, home: Path) -> str:
    """What a program says whose cache lies in ``home``; files that it cannot write there make it fail."""
    command = [sys.executable, program / "__main__.py" if program.is_dir() else program, "corpus"]
    environment = {**os.environ, "HOME": str(home), "PEX_ROOT": str(home / "pex"), "SHIV_ROOT": str(home / "shiv")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def total(path: Path) -> int:
    return (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("pex-zipapp", "pex-sh-boot", "pex-loose", "pex-loose-wheels")
        ),
        "pex-packed",
        "pex-wheels",
        pytest.param("pex-packed-wheels", marks=pytest.mark.slow),
        "shiv",
        "shiv-no-modify",
    ],
)
def test_it_runs_as_before_and_is_smaller(corpus_artifact: Artifact, tmp_path: Path, name: str) -> None:
    """In a cache of its own, and in one where the original left its files: those must not be what runs."""
    path = corpus_artifact(f"archives/{name}")
    output = slimmed(path, tmp_path / name)
    assert total(output) < total(path)
    home = tmp_path / "home"
    assert says(path, home) == says(output, home) == says(output, tmp_path / "fresh") == "hello &lt;corpus&gt;\n"
    if output.is_file():
        assert output.stat().st_mode == path.stat().st_mode
        assert (
            subprocess.run(["unzip", "-qq", "-t", output], check=False).returncode in (0, 1)
            if shutil.which("unzip")
            else True
        )
        assert zipfile.ZipFile(output).testzip() is None
    used = [place for place in (home / "pex", home / "shiv") if place.is_dir()]
    stubs = {file.parent for place in used for file in place.rglob("_speedups.pyi")}
    modules = {file.parent for place in used for file in place.rglob("_speedups.*.so")}
    assert name == "pex-loose" or modules - stubs, "the slimmed one ran from the directory of the original"


def test_a_pex_records_its_new_distributions(corpus_artifact: Artifact, tmp_path: Path) -> None:
    """The hashes of the output are those that pex itself makes of these files."""
    output = slimmed(corpus_artifact("archives/pex-zipapp"), tmp_path / "hello.pex")
    with zipfile.ZipFile(corpus_artifact("archives/pex-zipapp")) as before, zipfile.ZipFile(output) as after:
        old, new = (json.loads(archive.read("PEX-INFO")) for archive in (before, after))
        [changed] = [name for name in new["distributions"] if name.startswith("markupsafe")]
        assert old["distributions"].keys() == new["distributions"].keys()
        assert old["distributions"][changed] != new["distributions"][changed]
        assert old["code_hash"] == new["code_hash"]
        layout = json.loads(after.read(f".deps/{changed}/.layout.json"))
        assert layout["fingerprint"] == new["distributions"][changed]
        assert new["pex_hash"] != old["pex_hash"]
        assert new["pex_hash"].encode() in after.read("__main__.py")
        listed = json.loads(after.read(f".deps/{changed}/markupsafe-3.0.4.pex-info/original-whl-info.json"))
        names = {name.removeprefix(f".deps/{changed}/") for name in after.namelist()}
        assert {row[0] for row in listed["entries"]} <= names
        prefix = f".deps/{changed}/"
        files = sorted(
            name.removeprefix(prefix)
            for name in after.namelist()
            if name.startswith(prefix) and not name.endswith(("/", ".layout.json"))
        )
        digest = hashlib.sha256("".join(files).encode())
        for name in files:
            digest.update(after.read(prefix + name))
        assert digest.hexdigest() == new["distributions"][changed]


def test_wheels_in_a_packed_pex_have_the_records_of_those_in_a_zipapp(
    corpus_artifact: Artifact, tmp_path: Path
) -> None:
    """Both layouts hold the same files, so that all hashes are the same; only what changed is written anew."""
    packed = slimmed(corpus_artifact("archives/pex-packed"), tmp_path / "packed")
    zipapp = slimmed(corpus_artifact("archives/pex-zipapp"), tmp_path / "hello.pex")
    info = json.loads((packed / "PEX-INFO").read_bytes())
    with zipfile.ZipFile(zipapp) as archive:
        other = json.loads(archive.read("PEX-INFO"))
        assert info["distributions"] == other["distributions"]
        for name, fingerprint in info["distributions"].items():
            with zipfile.ZipFile(packed / ".deps" / name) as wheel:
                prefix = f".deps/{name}/"
                inside = {one: wheel.read(one) for one in wheel.namelist()}
                loose = {one: archive.read(one) for one in archive.namelist() if one.startswith(prefix)}
                assert {one: content for one, content in inside.items() if not one.endswith("/")} == {
                    one.removeprefix(prefix): content for one, content in loose.items() if not one.endswith("/")
                }
                assert json.loads(inside[".layout.json"])["fingerprint"] == fingerprint
    for path in (packed / "__main__.py", packed / "__pex__/__init__.py"):
        assert info["pex_hash"] in path.read_text(encoding="utf-8")
    unchanged = ".deps/hello_archives-1.0-py3-none-any.whl"
    assert (packed / unchanged).read_bytes() == (corpus_artifact("archives/pex-packed") / unchanged).read_bytes()


def test_whole_wheels_in_a_pex_keep_their_records(corpus_artifact: Artifact, tmp_path: Path) -> None:
    """Each wheel's RECORD, its digest in PEX-INFO, and what pex's own tool makes of the output."""
    path = corpus_artifact("archives/pex-wheels")
    output = slimmed(path, tmp_path / "hello.pex", tmp_path / "undo")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(output) as after:
        old, new = (json.loads(archive.read("PEX-INFO")) for archive in (before, after))
        assert old["distributions"].keys() == new["distributions"].keys()
        for name, digest in new["distributions"].items():
            wheel = tmp_path / name
            wheel.write_bytes(after.read(f".deps/{name}"))
            assert hashlib.sha256(wheel.read_bytes()).hexdigest() == digest
            assert after.getinfo(f".deps/{name}").compress_type == zipfile.ZIP_STORED
            check_record(wheel)
            assert (digest != old["distributions"][name]) == name.startswith("markupsafe")
    back = unslim(str(output), str(tmp_path / "undo"), str(tmp_path / "back"))
    assert back.is_exact
    extracted = extracted_by_pex(output, tmp_path / "extracted")
    assert {wheel.name for wheel in extracted} == set(new["distributions"])
    for wheel in extracted:
        check_record(wheel)


def extracted_by_pex(path: Path, directory: Path) -> list[Path]:
    """The wheels that pex's own tool makes of what lies in a PEX."""
    from corpus.frozen.tools import freezer
    from corpus.recipe import Unavailable

    try:
        tool = freezer("pex").with_name("pex-tools")
    except Unavailable as reason:
        pytest.skip(f"pex: {reason}")
    command = [tool, path, "repository", "extract", "--dest-dir", directory]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PEX_ROOT"] = str(directory.with_name("pex-root"))
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return sorted(directory.glob("*.whl"))


def test_a_packed_pex_of_an_older_release(corpus_artifact: Artifact, tmp_path: Path) -> None:
    """The archives of pex 2.1.137 have a directory "../", without anything in it."""
    path = tmp_path / "hello"
    shutil.copytree(corpus_artifact("archives/pex-packed"), path, symlinks=True)
    [wheel] = (path / ".deps").glob("markupsafe*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("../", b"")
    output = slimmed(path, tmp_path / "slim")
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(output / ".deps" / wheel.name) as after:
        assert "../" in after.namelist()
        assert set(before.namelist()) - set(after.namelist()) == {"markupsafe/_speedups.pyi", "markupsafe/py.typed"}
    assert says(output, tmp_path / "home") == "hello &lt;corpus&gt;\n"


def test_a_damaged_wheel_in_a_pex_stays_as_it_is(corpus_artifact: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "hello"
    shutil.copytree(corpus_artifact("archives/pex-packed"), path, symlinks=True)
    wheel = path / ".deps/hello_archives-1.0-py3-none-any.whl"
    content = wheel.read_bytes()
    for damage in (content[:-30], content + b"appended", b"nothing" * 9):
        wheel.write_bytes(damage)
        outcome = slim(SlimRequest(path=str(path), options=SlimOptions(), output=str(tmp_path / "slim"), force=True))
        assert outcome.passed
        assert (tmp_path / "slim/.deps" / wheel.name).read_bytes() == damage
        assert outcome.result.slim is not None
        assert [notice for notice in outcome.result.slim.notices if "stays as it is" in notice and wheel.name in notice]


@pytest.mark.slow
def test_a_shell_header_looks_for_the_new_hash(corpus_artifact: Artifact, tmp_path: Path) -> None:
    output = slimmed(corpus_artifact("archives/pex-sh-boot"), tmp_path / "hello.pex")
    with zipfile.ZipFile(output) as archive:
        new = json.loads(archive.read("PEX-INFO"))["pex_hash"]
    header = output.read_bytes().partition(b"PK\3\4")[0]
    assert new.encode() in header
    ended = subprocess.run(
        [output, "corpus"],
        env={**os.environ, "PEX_ROOT": str(tmp_path / "pex")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "hello &lt;corpus&gt;\n", ended.stderr


def test_shiv_names_its_files_by_what_they_are(corpus_artifact: Artifact, tmp_path: Path) -> None:
    output = slimmed(corpus_artifact("archives/shiv-no-modify"), tmp_path / "hello.shiv")
    with zipfile.ZipFile(output) as archive, open_artifact(output) as opened:
        environment = json.loads(archive.read("environment.json"))
        assert environment["build_id"] == build_id(unchanged_tree(opened.tree))
        for name, digest in environment["hashes"].items():
            assert hashlib.sha256(archive.read(f"site-packages/{name}")).hexdigest() == digest


def test_undo_gives_the_original_byte_for_byte(corpus_artifact: Artifact, tmp_path: Path) -> None:
    path = corpus_artifact("archives/shiv")
    output = slimmed(path, tmp_path / "hello.shiv", tmp_path / "undo")
    back = unslim(str(output), str(tmp_path / "undo"), str(tmp_path / "back"))
    assert back.is_exact
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_writing_twice_gives_the_same_bytes(corpus_artifact: Artifact, tmp_path: Path) -> None:
    path = corpus_artifact("archives/pex-zipapp")
    assert slimmed(path, tmp_path / "one").read_bytes() == slimmed(path, tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("name", "program"),
    [
        (
            "msgpack-1.2.4-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
            "import msgpack, msgpack._cmsgpack; assert msgpack.unpackb(msgpack.packb([1, 2])) == [1, 2]",
        ),
        pytest.param(
            "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            "import numpy; assert numpy.linalg.inv(numpy.eye(3)).sum() == 3",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_wheel_installs_into_a_clean_environment_and_imports(
    corpus_artifact: Artifact, tmp_path: Path, name: str, program: str
) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the wheels are for Python 3.11")
    path = corpus_artifact(f"wheels/{name}")
    output = slimmed(path, tmp_path / name)
    assert output.stat().st_size < path.stat().st_size
    check_record(output)
    target = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "--isolated",
        "install",
        "--no-index",
        "--no-deps",
    ]
    installed = subprocess.run([*command, "--target", target, output], capture_output=True, text=True, check=False)
    if "No module named pip" in installed.stderr:
        pytest.skip("this environment has no pip")
    assert installed.returncode == 0, installed.stderr
    subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(target)!r}); {program}"], check=True
    )


def check_record(wheel: Path) -> None:
    """Every file of the wheel stands in RECORD with its digest and size, and nothing else does."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if not name.endswith("/")}
        [record] = [name for name in files if name.endswith(".dist-info/RECORD")]
        rows = {row[0]: row for row in csv.reader(io.StringIO(archive.read(record).decode()))}
        assert set(rows) == files
        for name, (_, digest, size) in rows.items():
            if name == record:
                continue
            content = archive.read(name)
            assert int(size) == len(content)
            assert (
                digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            )
