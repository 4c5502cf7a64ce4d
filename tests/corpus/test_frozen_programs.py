"""Programs made by freezers: the tree equals what the freezer's own tools and the programs themselves unpack; licences and chains in each form."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import corpus
from corpus.registry import recipes
from corpus.store import record_of
from inspector.artifact import Artifact, Kind, open_artifact
from inspector.errors import UsageError
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.pipeline import audit
from inspector.render.html_report.document import render as render_page
from inspector.render.html_report.size_tree import size_tree
from inspector.render.registry import RenderOptions
from inspector.render.spdx_json import render as render_spdx
from inspector.render.terminal import render_text
from inspector.slim.rebuilding.pyinstaller_rebuild import check as check_rebuild
from inspector.slim.rebuilding.rebuild_options import RebuildOptions

pytestmark = pytest.mark.corpus

MARSHALLED = {"m", "s", "M"}

ASK_PYINSTALLER = """
import hashlib, json, sys
from PyInstaller.archive.readers import CArchiveReader
archive = CArchiveReader(sys.argv[1])
members, modules = {}, {}
for name, (offset, stored, size, compressed, kind) in archive.toc.items():
    if kind in "od":
        continue
    if kind == "n":
        members[name] = [kind, stored, size, archive.extract(name).rstrip(b"\\0").decode()]
        continue
    content = archive.extract(name)
    members[name] = [kind, stored, size, hashlib.sha256(content).hexdigest()]
pyz = archive.open_embedded_archive(next(name for name, row in archive.toc.items() if row[4] == "z"))
for name, row in pyz.toc.items():
    content = pyz.extract(name, raw=True)
    modules[name] = [row[0], row[2], None if content is None else len(content), None if content is None else hashlib.sha256(content).hexdigest()]
print(json.dumps([members, modules, list(archive.options)]))
"""

ASK_ABOUT_ENCRYPTED = """
import hashlib, json, sys
from PyInstaller.archive.readers import CArchiveReader
archive = CArchiveReader(sys.argv[1])
members, modules = {}, {}
for name, (offset, stored, size, compressed, kind) in archive.toc.items():
    content = archive.extract(name)
    members[name] = [kind, len(content), hashlib.sha256(content).hexdigest()]
name = next(name for name, row in archive.toc.items() if row[4] == "z")
whole = archive.extract(name)
for module, (kind, offset, stored) in archive.open_embedded_archive(name).toc.items():
    modules[module] = [kind, stored, hashlib.sha256(whole[offset:offset + stored]).hexdigest()]
print(json.dumps([members, modules, []]))
"""

COMPILED = ("nuitka-folder", "nuitka-2-folder", "nuitka", "nuitka-stored", "nuitka-2", "nuitka-2-archive")


@pytest.fixture
def frozen(request: pytest.FixtureRequest, corpus_artifact: Callable[[str], Path]) -> Callable[[str], Path]:
    """``frozen(name) -> Path``; what takes a compiler minutes is used where it is built already, and built with --heavy only."""

    def artifact(name: str) -> Path:
        recipe = recipes()[f"frozen/{name}"]
        if name in COMPILED and record_of(recipe) is None and not request.config.getoption("--heavy"):
            pytest.skip(f"{recipe.name} takes a compiler minutes and is not built yet: give --heavy")
        return corpus_artifact(recipe.name)

    return artifact


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digests(artifact: Artifact) -> dict[str, tuple[int, str]]:
    """Size and digest of every regular file of a tree."""
    return {node.path: (node.size, sha256(node.read_at(0, node.size))) for node in artifact.tree.files()}


def digests_below(directory: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(directory)): (path.stat().st_size, sha256(path.read_bytes()))
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@contextmanager
def running(program: Path, temporary: Path) -> Iterator[Path]:
    """The directory that a one-file program unpacked itself into, while it waits for the end of its input."""
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
        "XDG_CACHE_HOME": str(temporary / "cache"),
    }
    with subprocess.Popen(
        [program, "--wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            assert said[:2] == ["hello", ["--wait"]]
            found = [
                path
                for path in (*temporary.iterdir(), *temporary.glob("cache/*"))
                if path.is_dir() and path.name != "cache"
            ]
            assert len(found) == 1
            yield found[0]
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def ask_pyinstaller(
    program: Path, tool: str, ask: str = ASK_PYINSTALLER
) -> tuple[dict[str, list[object]], dict[str, list[object]], list[str]]:
    """What PyInstaller's own reader finds; an older release does not tell stored options and raw modules, so the newer one reads all."""
    from corpus.frozen.tools import freezer

    try:
        python = freezer(tool)
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    said = subprocess.run([python, "-c", ask, program], capture_output=True, text=True, check=True).stdout
    members, modules, options = json.loads(said)
    return members, modules, options


def mapped_below(folder: Path, program: Path) -> set[str]:
    """Files of a folder that a program has mapped while it waits for the end of its input."""
    with subprocess.Popen([program, "--wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        maps = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        process.stdin.close()
    folder = folder.resolve()  # as the system writes paths
    paths = {Path(line.split(maxsplit=5)[5]) for line in maps.splitlines() if line.count(" ") >= 5 and "/" in line}
    return {str(path.relative_to(folder)) for path in paths if path.is_relative_to(folder)}


def open_members(program: Path, member: str) -> bytes:
    """A member's content."""
    with open_artifact(program) as artifact:
        node = artifact.tree.get(member)
        assert node is not None
        return node.read()


def list_dependencies(program: Path) -> list[str]:
    """What PyInstaller's viewer lists as members of another program."""
    from corpus.frozen.tools import freezer

    viewer = freezer("pyinstaller").with_name("pyi-archive_viewer")
    said = subprocess.run([viewer, "-l", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r", 'd', '(.*)'", said)


def check_against_pyinstaller(artifact: Artifact, program: Path) -> None:
    members, modules, _ = ask_pyinstaller(program, "pyinstaller")
    names = {name: f"{name}.pyc" if row[0] in MARSHALLED else name for name, row in members.items()}
    own = {
        node.path
        for node in artifact.tree
        if node.kind in (Kind.FILE, Kind.SYMLINK) and "!/" not in node.path and node.path != "bootloader"
    }
    assert own == set(names.values())
    for name, (kind, stored, size, content) in members.items():
        node = artifact.tree.get(names[name])
        assert node is not None
        if kind == "n":
            assert node.target == content
            continue
        assert (node.size, sha256(node.read_at(0, node.size))) == (size, content), name
        if kind != "z":
            assert node.stored_size == stored
    archive = next(name for name, row in members.items() if row[0] == "z")
    check_modules(artifact, modules, f"{archive}!/")


def check_modules(artifact: Artifact, modules: dict[str, list[object]], prefix: str) -> None:
    suffixes = {0: ".pyc", 1: "/__init__.pyc", 3: ""}
    paths = {prefix + name.replace(".", "/") + suffixes[int(str(row[0]))]: row for name, row in modules.items()}
    files = {node.path for node in artifact.tree.files() if node.path.startswith(prefix)}
    assert files == {path for path, row in paths.items() if row[0] != 3}
    for path, (kind, stored, size, content) in paths.items():
        node = artifact.tree.get(path)
        assert node is not None
        if kind != 3:
            assert (node.stored_size, node.size, sha256(node.read_at(0, node.size))) == (stored, size, content), path


def check_refused(program: Path, other: str) -> None:
    """It starts nowhere, and what is said of it is what its bootloader prints, from whose words process and directory are left out."""
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    said = run.stderr.replace(f"{program.parent}/", "…/")
    result = audit(program)
    messages = {host.message for host in result.hosts if host.verdict == "fails" and host.libc == "glibc"}
    assert len(messages) == 1
    assert messages.pop() in said
    assert {host.verdict for host in result.hosts} == {"fails"}
    (finding,) = [found for found in result.findings if found.rule == "program-without-its-members"]
    assert (finding.subject, finding.severity) == (other, "error")
    assert finding.evidence[0] in said
    assert result.verdict.gate == "failed"


def facts_of(path: Path) -> Facts:
    with open_artifact(path) as artifact:
        return collect_facts(artifact, Limits())


class TestPyInstaller:
    @pytest.mark.parametrize("name", ["pyinstaller-onefile", "pyinstaller-5-onefile"])
    def test_tree_equals_what_its_own_reader_extracts(self, name: str, frozen: Callable[[str], Path]) -> None:
        program = frozen(name)
        with open_artifact(program) as artifact:
            assert artifact.format == "pyinstaller"
            assert not artifact.problems
            check_against_pyinstaller(artifact, program)

    @pytest.mark.parametrize("name", ["pyinstaller-onefile", "pyinstaller-5-onefile"])
    def test_tree_equals_what_the_program_unpacks(
        self, name: str, frozen: Callable[[str], Path], tmp_path: Path
    ) -> None:
        program = frozen(name)
        with open_artifact(program) as artifact, running(program, tmp_path) as unpacked:
            assert unpacked.name.startswith("_MEI")
            found = digests_below(unpacked)
            ours = digests(artifact)
            assert found
            assert {path: ours[path] for path in found} == found
            assert {path for path in ours if path not in found} == {
                path for path in ours if path.endswith((".pyc", ".pyz")) or path == "bootloader"
            }
            for node in artifact.tree.files():
                if node.path in found:
                    assert node.mode == (unpacked / node.path).stat().st_mode & 0o777

    @pytest.mark.parametrize("name", ["pyinstaller-onefile", "pyinstaller-5-onefile"])
    def test_every_byte_is_accounted_for(self, name: str, frozen: Callable[[str], Path]) -> None:
        with open_artifact(frozen(name)) as artifact:
            assert sum(artifact.byte_map.values()) == artifact.size
            assert artifact.byte_map["unexplained"] == artifact.byte_map["appended"] == 0
            assert sum(node.stored_size for node in artifact.tree.files()) <= artifact.size

    def test_bootloader_is_the_one_that_pyinstaller_ships(self, frozen: Callable[[str], Path], tmp_path: Path) -> None:
        from corpus.frozen.tools import freezer

        with open_artifact(frozen("pyinstaller-onefile")) as artifact:
            node = artifact.tree.get("bootloader")
            assert node is not None
            ours = node.read()
        (shipped,) = freezer("pyinstaller").parent.parent.glob(
            "lib/*/site-packages/PyInstaller/bootloader/Linux-64bit-intel/run"
        )
        theirs = shipped.read_bytes()
        # Behind the last loaded byte the linker's leftovers may lie in another order; what runs is equal
        assert ours[64:0x11000] == theirs[64:0x11000]
        written = tmp_path / "bootloader"
        written.write_bytes(ours)
        written.chmod(0o755)
        ended = subprocess.run([written], capture_output=True, text=True, check=False)
        assert ended.returncode == 255
        assert "PyInstaller" in ended.stderr or "archive" in ended.stderr

    def test_layout(self, frozen: Callable[[str], Path]) -> None:
        with open_artifact(frozen("pyinstaller-onefile")) as artifact:
            layout = artifact.layout
            assert (layout.launcher, layout.search_path) == ("bootloader", ("",))
            assert layout.roots[0] == "bootloader"
            assert layout.roots[1].startswith("libpython3.")
            assert layout.members_at == "/tmp/_MEIxxxxxx"
        facts = facts_of(frozen("pyinstaller-onefile"))
        extensions = [root for root in facts.graph.roots if root.role == "extension"]
        assert len(extensions) > 10
        assert {root.program for root in extensions} == {layout.roots[1]}
        assert not [row for row in facts.graph.missing if row[1].role != "optional"]

    def test_run_time_paths_are_those_of_the_directory_that_it_unpacks_itself_into(
        self, frozen: Callable[[str], Path]
    ) -> None:
        result = audit(frozen("pyinstaller-onefile"))
        ways = {need.via for library in result.libraries for need in library.needed if need.origin == "bundle"}
        assert "LD_LIBRARY_PATH /tmp/_MEIxxxxxx" in ways
        assert not [way for way in ways if way is not None and "APPDIR" in way]
        folder = audit(frozen("pyinstaller-folder"))
        ways = {need.via for library in folder.libraries for need in library.needed if need.origin == "bundle"}
        assert "LD_LIBRARY_PATH $ROOT/_internal" in ways

    def test_folder(self, frozen: Callable[[str], Path]) -> None:
        folder = frozen("pyinstaller-folder")
        _, modules, options = ask_pyinstaller(folder / "hello", "pyinstaller")
        with open_artifact(folder) as artifact:
            assert artifact.format == "pyinstaller-folder"
            assert not artifact.problems
            assert artifact.layout.launcher == "hello"
            assert artifact.layout.search_path == ("_internal",)
            assert options == ["pyi-contents-directory _internal"]
            check_modules(artifact, modules, "hello!/PYZ.pyz!/")
            on_disk = {path for path in digests(artifact) if "!/" not in path}
            assert on_disk == set(digests_below(folder))
        facts = facts_of(folder)
        assert {root.program for root in facts.graph.roots if root.role == "extension"} == {artifact.layout.roots[1]}

    def test_program_of_a_folder_alone_says_what_is_missing(self, frozen: Callable[[str], Path]) -> None:
        with open_artifact(frozen("pyinstaller-folder") / "hello") as artifact:
            (problem,) = artifact.problems
            assert problem.kind == "members-elsewhere"
            assert "_internal" in problem.message

    @pytest.mark.parametrize(("name", "folder"), [("pyinstaller-onefile", ""), ("pyinstaller-folder", "_internal/")])
    def test_copyleft_and_its_chain(self, name: str, folder: str, frozen: Callable[[str], Path]) -> None:
        facts = facts_of(frozen(name))
        chains = {
            exposure.component: exposure.chain
            for exposure in facts.exposures
            if exposure.license_class == "strong-copyleft"
        }
        assert set(chains) == {"GNU Readline", "GNU dbm"}
        suffix = "cpython-311-x86_64-linux-gnu.so"
        for component, module, library in (
            ("GNU Readline", "readline", "libreadline.so.8"),
            ("GNU dbm", "_gdbm", "libgdbm.so.6"),
        ):
            *way, before, last = chains[component]
            assert last == f"{folder}{library}"
            assert before.endswith(f"{module}.{suffix}")
            assert way[-1].startswith(f"{folder}libpython3.")

    def test_encrypted_modules_are_named_and_their_bytes_are_those_that_lie_there(
        self, frozen: Callable[[str], Path]
    ) -> None:
        """PyInstaller's own reader of that release tells names and places; what it gives as raw bytes is what was encrypted."""
        program = frozen("pyinstaller-encrypted")
        members, modules, _ = ask_pyinstaller(program, "pyinstaller-key", ASK_ABOUT_ENCRYPTED)
        facts = facts_of(program)
        with open_artifact(program) as artifact:
            (problem,) = artifact.problems
            assert (problem.kind, problem.subject) == ("encrypted-members", "PYZ-00.pyz")
            assert "encrypted" in problem.message
            ours = digests(artifact)
            prefix = "PYZ-00.pyz!/"
            suffixes = {0: ".pyc", 1: "/__init__.pyc"}
            assert {path.removeprefix(prefix): row for path, row in ours.items() if path.startswith(prefix)} == {
                name.replace(".", "/") + suffixes[int(str(row[0]))]: (row[1], row[2]) for name, row in modules.items()
            }
            assert len(modules) > 50
            assert members["pyimod00_crypto_key"][0] == "m"
            for name, (kind, *row) in members.items():
                assert ours[f"{name}.pyc" if kind in MARSHALLED else name] == tuple(row), name
            assert sum(artifact.byte_map.values()) == artifact.size
            assert artifact.byte_map["unexplained"] == 0
        exposed = {one.component for one in facts.exposures if one.license_class == "strong-copyleft"}
        assert exposed == {"GNU Readline", "GNU dbm"}

    @pytest.mark.parametrize(
        ("name", "other"),
        [
            ("pyinstaller-multipackage", "first"),
            pytest.param("pyinstaller-5-multipackage", "first", marks=pytest.mark.slow),
            pytest.param("pyinstaller-multipackage-folder", "first/first", marks=pytest.mark.slow),
        ],
    )
    def test_members_of_another_program(
        self, name: str, other: str, frozen: Callable[[str], Path], tmp_path: Path
    ) -> None:
        """A program of a multipackage bundle has what it unpacks when it runs, and without the other program what PyInstaller's viewer lists."""
        directory = frozen(name)
        listed = list_dependencies(directory / "second")
        assert f"{other}:libreadline.so.8" in listed
        with open_artifact(directory / "second") as artifact, running(directory / "second", tmp_path) as unpacked:
            assert not artifact.problems
            assert artifact.envelope is not None
            assert artifact.envelope.members_from == (other,)
            found = digests_below(unpacked)
            ours = digests(artifact)
            assert {path: ours[path] for path in found} == found
            assert {one.partition(":")[2] for one in listed} <= set(found)
            for node in artifact.tree.files():
                if node.path in found:
                    assert node.mode == (unpacked / node.path).stat().st_mode & 0o777
            assert sum(artifact.byte_map.values()) == artifact.size
            assert sum(node.stored_size for node in artifact.tree.files()) <= artifact.size
            with pytest.raises(UsageError, match="takes members from"):
                check_rebuild(artifact, RebuildOptions())
        exposed = {one.component for one in facts_of(directory / "second").exposures}
        assert exposed >= {"GNU Readline", "GNU dbm"}
        assert "starts" in {host.verdict for host in audit(directory / "second").hosts}
        alone = tmp_path / "alone"
        shutil.copy2(directory / "second", alone)
        with open_artifact(alone) as artifact:
            assert {problem.kind for problem in artifact.problems} == {"member-elsewhere"}
            assert sorted(problem.subject for problem in artifact.problems) == sorted(
                one.partition(":")[2] for one in listed
            )
            with pytest.raises(UsageError, match="takes members from"):
                check_rebuild(artifact, RebuildOptions())
        check_refused(alone, other)
        if other == "first":
            shutil.copy2(
                frozen("pyinstaller-folder") / "hello", tmp_path / "first"
            )  # its archive has not these members
            check_refused(alone, other)
            (tmp_path / "first").write_bytes(Path("/bin/true").read_bytes())
            check_refused(alone, other)

    def test_members_of_another_program_inside_a_directory(self, frozen: Callable[[str], Path]) -> None:
        result = audit(frozen("pyinstaller-multipackage"))
        assert not result.problems
        assert {nested.path for nested in result.nested} >= {"first", "second"}
        assert not [
            library for library in result.libraries if any(needed.origin == "missing" for needed in library.needed)
        ]

    def test_files_inside_are_named_with_their_digests(self, frozen: Callable[[str], Path], tmp_path: Path) -> None:
        """In the Result, and so in SPDX; the map of sizes keeps to the artifact's own files, as the bytes of the others are theirs."""
        directory = frozen("pyinstaller-multipackage")
        result = audit(directory, digest_files=True)
        entries = {entry.path: entry for entry in result.files.entries or ()}
        with running(directory / "second", tmp_path) as unpacked:
            found = digests_below(unpacked)
        assert {f"second!/{path}": row for path, row in found.items()} == {
            f"second!/{path}": (entries[f"second!/{path}"].size, entries[f"second!/{path}"].sha256) for path in found
        }
        (tmp_path / "base_library.zip").write_bytes(open_members(directory / "first", "base_library.zip"))
        with zipfile.ZipFile(tmp_path / "base_library.zip") as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            for name in names:
                entry = entries[f"first!/base_library.zip!/{name}"]
                assert (entry.size, entry.sha256) == (archive.getinfo(name).file_size, sha256(archive.read(name))), name
        assert len(names) > 100
        document = json.loads(render_spdx([result], RenderOptions()))
        sums = {file["fileName"]: {one["checksumValue"] for one in file["checksums"]} for file in document["files"]}
        assert sha256((directory / "first").read_bytes()) in sums["./first"]
        size, digest = found["libreadline.so.8"]
        assert size
        assert digest in sums["./second!/libreadline.so.8"]
        mapped = size_tree(result)
        assert mapped.root.raw == sum(path.stat().st_size for path in directory.iterdir())
        assert mapped.root.files == 2
        assert audit(directory).files.entries is None

    @pytest.mark.parametrize("tool", ["pyinstaller", pytest.param("pyinstaller-5", marks=pytest.mark.slow)])
    def test_options_and_splash_screen(self, tool: str, frozen: Callable[[str], Path]) -> None:
        program = frozen(f"{tool}-splash")
        members, _, options = ask_pyinstaller(program, "pyinstaller")
        with open_artifact(program) as artifact:
            check_against_pyinstaller(artifact, program)
            assert artifact.envelope is not None
            assert list(artifact.envelope.options) == options
            assert {"pyi-bootloader-ignore-signals", "pyi-runtime-tmpdir /var/tmp"} <= set(options)
            splash = artifact.envelope.splash_screen
            assert splash is not None
            ((kind, _, size, _),) = [row for name, row in members.items() if name == splash.member]
            assert (kind, splash.size) == ("l", size)
            assert len(splash.libraries) == 2
            assert set(splash.libraries) <= set(members)
            # Where they cannot be loaded the starter (5.13, 6.22) says so, shows no splash screen, and starts the program.
            assert not set(splash.libraries) & set(artifact.layout.roots)
            assert artifact.layout.members_at == "/var/tmp/_MEIxxxxxx"
        result = audit(program)
        shown = " ".join(render_text(result, 100, color=False, detail="full").split())
        assert "pyi-runtime-tmpdir /var/tmp" in shown
        assert splash.libraries[1] in shown
        page = render_page([result], RenderOptions()).decode()
        assert "pyi-runtime-tmpdir /var/tmp" in page
        assert f"shown with {', '.join(splash.libraries)}" in page
        assert result.artifact.envelope == artifact.envelope

    @pytest.mark.slow
    def test_numpy(self, frozen: Callable[[str], Path]) -> None:
        program = frozen("pyinstaller-numpy-onefile")
        with open_artifact(program) as artifact:
            check_against_pyinstaller(artifact, program)
        facts = facts_of(program)
        assert not [row for row in facts.graph.missing if row[1].role != "optional"]
        assert any(component.name == "numpy" for component in facts.components)


def check_compiled_modules(artifact: Artifact, modules: dict[str, tuple[int, str]]) -> None:
    """Each module that stayed bytecode is one of Python's own, and its code says of itself where it comes from."""
    assert "hello.bin!/compiled modules/__main__" in modules
    bytecode = [path for path in modules if path.endswith(".pyc")]
    assert len(bytecode) > 100
    for path in bytecode:
        node = artifact.tree.get(path)
        assert node is not None
        said = marshal.loads(node.read()).co_filename.removesuffix(".py").removesuffix("/__init__")
        assert said.endswith(path.removeprefix("hello.bin!/").removesuffix(".pyc").removesuffix("/__init__")), path


class TestNuitka:
    @pytest.mark.parametrize(
        ("name", "compression", "appended"),
        [
            pytest.param("nuitka", "zstd", False, marks=pytest.mark.slow),
            pytest.param("nuitka-stored", None, False, marks=pytest.mark.slow),
            pytest.param("nuitka-2", "zstd", True, marks=pytest.mark.slow),
            pytest.param("nuitka-2-archive", "zstd", True, marks=pytest.mark.slow),
        ],
    )
    def test_tree_equals_what_was_packed_and_what_the_program_unpacks(
        self, name: str, compression: str | None, appended: bool, frozen: Callable[[str], Path], tmp_path: Path
    ) -> None:
        directory = frozen(name)
        packed = digests_below(directory / "hello.dist")
        with open_artifact(directory / "hello.bin") as artifact, running(directory / "hello.bin", tmp_path) as unpacked:
            assert artifact.format == "nuitka"
            assert not artifact.problems
            assert artifact.envelope is not None
            assert artifact.envelope.compression == compression
            ours = digests(artifact)
            modules = {path: ours.pop(path) for path in list(ours) if "!/" in path}
            starter = ours.pop("bootstrap")
            check_compiled_modules(artifact, modules)
            assert ours == packed
            assert ours == digests_below(unpacked)
            assert (starter[0] < artifact.size) == appended
            assert sum(artifact.byte_map.values()) == artifact.size
            assert artifact.byte_map["unexplained"] == artifact.byte_map["appended"] == 0
            assert artifact.layout.roots == ("bootstrap", "hello.bin")
            for path in ours:
                node = artifact.tree.get(path)
                assert node is not None
                assert node.is_executable == bool((unpacked / path).stat().st_mode & 0o100)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "below"),
        [("nuitka", "hello.dist"), ("nuitka-2", "hello.dist"), ("nuitka-folder", ""), ("nuitka-2-folder", "")],
    )
    def test_folder(self, name: str, below: str, frozen: Callable[[str], Path], tmp_path: Path) -> None:
        """The folder as it lies there, with the modules of its program; what its program maps when it runs is what the graph says."""
        folder = frozen(name) / below
        with open_artifact(folder) as artifact:
            assert artifact.format == "nuitka-folder"
            assert not artifact.problems
            ours = digests(artifact)
            modules = {path: ours.pop(path) for path in list(ours) if "!/" in path}
            assert ours == digests_below(folder)
            check_compiled_modules(artifact, modules)
            assert artifact.arch == "x86_64"
            assert (artifact.layout.launcher, artifact.layout.roots) == ("hello.bin", ("hello.bin",))
        facts = facts_of(folder)
        assert not facts.graph.missing
        found = {root.path for root in facts.graph.roots}
        found |= {need.path for needs in facts.graph.needs.values() for need in needs if need.path is not None}
        mapped = mapped_below(folder, folder / "hello.bin")
        assert {"hello.bin", "readline.so", "libreadline.so.8"} <= mapped <= found
        assert ("libpython3.11.so.1.0" in mapped) == name.endswith("-folder")
        with open_artifact(folder / "hello.bin") as artifact:
            assert artifact.format == "elf"
        shutil.copy2(folder / "readline.so", tmp_path / "readline.so")
        subprocess.run(
            ["patchelf", "--remove-rpath", "--output", tmp_path / "hello.bin", folder / "hello.bin"], check=True
        )
        with open_artifact(tmp_path) as artifact:
            assert artifact.format == "directory"  # without its run path it is no program that runs from a folder

    @pytest.mark.slow
    def test_slim_folder_still_runs(self, frozen: Callable[[str], Path], tmp_path: Path) -> None:
        folder = frozen("nuitka") / "hello.dist"
        command = [sys.executable, "-m", "inspector", "slim", folder, "-o", tmp_path / "smaller"]
        subprocess.run(command, check=True, capture_output=True)
        assert json.loads(subprocess.check_output([tmp_path / "smaller/hello.bin", "x"]))[:2] == ["hello", ["x"]]
        before, after = (sum(size for size, _ in digests_below(one).values()) for one in (folder, tmp_path / "smaller"))
        assert after < before

    @pytest.mark.slow
    def test_appended_starter_still_starts(self, frozen: Callable[[str], Path], tmp_path: Path) -> None:
        with open_artifact(frozen("nuitka-2") / "hello.bin") as artifact:
            node = artifact.tree.get("bootstrap")
            assert node is not None
            program = tmp_path / "bootstrap"
            program.write_bytes(node.read())
        program.chmod(0o755)
        ended = subprocess.run([program], capture_output=True, check=False)
        assert ended.returncode not in (0, -11)  # it finds no payload, and says so by its status

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["nuitka", "nuitka-2"])
    def test_copyleft_and_its_chain(self, name: str, frozen: Callable[[str], Path]) -> None:
        directory = frozen(name)
        for path in (directory / "hello.bin", directory / "hello.dist"):
            facts = facts_of(path)
            chains = {
                exposure.component: exposure.chain
                for exposure in facts.exposures
                if exposure.license_class == "strong-copyleft"
            }
            assert chains == {
                "GNU Readline": ("hello.bin", "readline.so", "libreadline.so.8"),
                "GNU dbm": ("hello.bin", "_gdbm.so", "libgdbm.so.6"),
            }


class TestStaticPrograms:
    def test_frozen_modules(self, frozen: Callable[[str], Path]) -> None:
        from corpus.frozen.static_programs import OWN_MODULES

        program = frozen("frozen-modules")
        with open_artifact(program) as artifact:
            assert artifact.format == "frozen-python"
            names = {
                "application": "application.pyc",
                "package": "package/__init__.pyc",
                "package.part": "package/part.pyc",
            }
            for module, path in names.items():
                node = artifact.tree.get(f"frozen-modules!/{path}")
                assert node is not None
                code = marshal.dumps(compile(OWN_MODULES[module], f"<frozen {module}>", "exec", dont_inherit=True))
                assert (node.size, node.read()) == (len(code), code)
            assert "frozen-modules!/encodings/__init__.pyc" in artifact.tree
            assert sum(artifact.byte_map.values()) == artifact.size

    def test_table_is_told_by_symbol_too(self, tmp_path: Path) -> None:
        """A library whose symbols are there names CPython's own table."""
        import sysconfig

        from inspector.formats.elf import read_elf
        from inspector.formats.frozen_modules import read_frozen_tables
        from inspector.source import FileSource

        del tmp_path
        name, place = sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LIBDIR")
        library = Path(place or "/") / (name or "none")
        if not library.is_file() or ".so" not in library.name:
            pytest.skip("this Python has no shared library")
        with FileSource(library) as source:
            tables = read_frozen_tables(source, read_elf(source, Limits()), Limits())
        if not tables:
            pytest.skip("this Python keeps its own frozen modules as objects, as 3.11 does")
        assert "zipimport" in {module.name for table in tables for module in table.modules}

    def test_packed_resources(self, frozen: Callable[[str], Path]) -> None:
        from corpus.frozen.static_programs import embedded_resources

        with open_artifact(frozen("packed-resources")) as artifact:
            assert artifact.format == "pyoxidizer"
            assert not artifact.problems
            found = {
                node.path.removeprefix("packed-resources!/"): node.read()
                for node in artifact.tree.files()
                if "!/" in node.path
            }
            package, part, *_ = embedded_resources()
            assert found == {
                "application/__init__.py": package.contents["source"],
                "application/__init__.pyc": package.contents["bytecode"],
                "application/data.txt": package.files["package-resource"]["data.txt"],
                "application.dist-info/METADATA": package.files["distribution-file"]["METADATA"],
                "application/part.pyc": part.contents["bytecode"],
                "application/part.opt-1.pyc": part.contents["bytecode-1"],
                "application/part.opt-2.pyc": part.contents["bytecode-2"],
                "tool.sh": b"#!/bin/sh\nexit 0\n",
                "built-in modules/readline": b"",
                "built-in modules/_gdbm": b"",
                "frozen modules/zipimport": b"",
            }
            assert sum(artifact.byte_map.values()) == artifact.size

    @pytest.mark.parametrize("name", ["frozen-modules", "packed-resources"])
    def test_copyleft_and_its_chain(self, name: str, frozen: Callable[[str], Path]) -> None:
        facts = facts_of(frozen(name))
        chains = {exposure.component: (exposure.linkage, exposure.chain) for exposure in facts.exposures}
        assert chains == {
            "GNU Readline": ("static", (name, "built-in module readline", "GNU Readline 8.2")),
            "GNU dbm": ("static", (name, "built-in module _gdbm", "GNU dbm")),
        }

    def test_packed_resources_distribution_is_a_component(self, frozen: Callable[[str], Path]) -> None:
        facts = facts_of(frozen("packed-resources"))
        assert {component.name for component in facts.components if component.kind == "python"} >= {"application"}
