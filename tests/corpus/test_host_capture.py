"""Captures of real systems, against what their own loaders find: this machine, debootstrap trees, Debian's musl."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from corpus import debian
from corpus.recipe import Unavailable
from corpus.store import cache_directory
from inspector.cli.host import execute, make_parser
from inspector.errors import ExitCode, FormatError
from inspector.facts.hosts.capture import capture
from inspector.facts.hosts.profile_file import read_profile
from inspector.facts.hosts.profile_writing import profile_to_toml
from inspector.facts.hosts.profiles import load_profile
from inspector.facts.hosts.root_directory import RootDirectory
from inspector.facts.loading.default_search import configured_directories, system_directories
from inspector.formats.elf import read_elf
from inspector.loader.host_profile import HostProfile, ProvidedLibrary
from inspector.source import FileSource

pytestmark = pytest.mark.corpus

TREES = {"bullseye": "debian-11", "bookworm": "debian-12", "trixie": "debian-13", "testing": "debian-testing"}
_LOADER = Path("/lib64/ld-linux-x86-64.so.2")


@pytest.fixture(scope="module", params=TREES)
def suite(request: pytest.FixtureRequest) -> str:
    """A suite whose tree somebody has made; making one takes root and minutes, and `python -m corpus.truth` does it."""
    name: str = request.param
    if not (cache_directory() / "truth/trees" / name).is_dir():
        pytest.skip(f"no debootstrap tree of {name} is in the corpus's cache")
    return name


@pytest.fixture(scope="module")
def tree(suite: str) -> Path:
    return cache_directory() / "truth/trees" / suite


@pytest.fixture(scope="module")
def captured(tree: Path) -> HostProfile:
    return capture(tree)


@pytest.mark.peer
def test_this_machine_finds_what_its_loader_finds(tmp_path: Path) -> None:
    """A program that needs every name of the capture, listed by the real loader: it names the path that it takes for each."""
    if not _LOADER.is_file() or shutil.which("patchelf") is None:
        pytest.skip("needs glibc's loader for x86-64 and patchelf")
    profile = capture("/")
    if profile.libc != "glibc" or profile.arch != "x86_64":
        pytest.skip("this machine does not run glibc on x86-64")
    loaders = {_LOADER.name}
    names = sorted(
        name
        for name, library in profile.libraries.items()
        if name not in loaders and "/" not in name and _may_be_needed(library)
    )
    assert len(names) > 50
    found: dict[str, str] = {}
    rest = names
    while (
        rest
    ):  # a name whose file another name has brought in already is not listed again, so it is asked in the next round
        answers, broken = _listed_by_the_loader(tmp_path / "program", rest)
        assert broken or answers.keys() & set(rest), f"the loader lists none of {rest[:5]}"
        found |= {name: path for name, path in answers.items() if name in rest}
        rest = [name for name in rest if name not in answers and name not in broken]
        names = [name for name in names if name not in broken or name in found]
    assert len(found) > 50
    assert found == {name: profile.libraries[name].path for name in names}


def _listed_by_the_loader(program: Path, names: list[str]) -> tuple[dict[str, str], set[str]]:
    """What ``ld.so --list`` finds for each of a program's needs, and the needs that do not load here, as their own needs are missing."""
    shutil.copyfile("/bin/true", program)
    subprocess.run(["patchelf", *(part for name in names for part in ("--add-needed", name)), str(program)], check=True)
    command = [str(_LOADER), "--list", str(program)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    lines = [line.strip().partition(" => ") for line in listed.stdout.splitlines()]
    answers = {name: path.rpartition(" (")[0] for name, arrow, path in lines if arrow}
    if answers or "error while loading" not in listed.stderr:
        return answers, set()
    if len(names) == 1:
        return {}, set(names)
    middle = len(names) // 2
    first, second = _listed_by_the_loader(program, names[:middle]), _listed_by_the_loader(program, names[middle:])
    return {**first[0], **second[0]}, first[1] | second[1]


def _may_be_needed(library: ProvidedLibrary) -> bool:
    return (
        library.object is not None and not library.object.position_independent_program and not library.object.nodeflib
    )


def test_a_name_that_no_default_place_has_is_not_in_the_capture(captured: HostProfile) -> None:
    assert captured.library("libthere-is-none.so.7", "desktop") == "absent"
    assert captured.complete


def test_what_a_capture_says_of_glibc_is_what_the_files_say(captured: HostProfile, tree: Path) -> None:
    root = RootDirectory(tree)
    assert captured.arch == "x86_64"
    for name in ("libc.so.6", "libm.so.6", "libz.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2"):
        library = captured.libraries[name]
        assert library.path is not None
        real = root.resolve(library.path)
        assert real is not None
        with FileSource(root.outside(real)) as source:
            elf = read_elf(source)
        assert library.versions == {row.name for row in elf.verdef if not row.is_base}
        assert library.object is not None
        assert library.object.needed == elf.needed
        assert library.exports is not None
        assert len(library.exports) > 5
        names = {word.partition("@")[0] for word in library.exports}
        assert names == {symbol.name for symbol in elf.symbols.exported()}
        view = library.object.symbols
        assert view is not None
        assert set(view.exports()) == names
        assert {name for name, _ in view.imports()} == elf.symbols.undefined_names()
    assert "printf@@GLIBC_2.2.5" in (captured.libraries["libc.so.6"].exports or ())
    assert "memcpy@GLIBC_2.2.5" in (captured.libraries["libc.so.6"].exports or ())
    assert captured.libraries["libc.so.6"].package == "libc6"


def test_links_count_under_their_own_name(captured: HostProfile) -> None:
    by_link = captured.libraries["libz.so.1"]
    real = next(library for name, library in captured.libraries.items() if name.startswith("libz.so.1."))
    assert by_link.object is not None
    assert real.object is not None
    assert by_link.object.identity == real.object.identity
    assert by_link.path != real.path


def test_a_capture_reads_back_equal_and_fast(captured: HostProfile) -> None:
    text = profile_to_toml(captured, as_of="2026-11-21", source="a test").encode()
    began = time.perf_counter()
    back = read_profile(text, "test")
    for name in back.libraries:
        assert back.library(name, "minimal") == captured.library(name, "minimal")
    took = time.perf_counter() - began
    assert back == captured
    assert took < 1.5, "the bar is 0.3 s on a machine that does nothing else"


def test_directories_of_the_loader_and_of_its_configuration(tree: Path) -> None:
    root = RootDirectory(tree)
    assert system_directories(root, "/lib64/ld-linux-x86-64.so.2") == [
        "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib",
    ]  # fmt: skip
    assert configured_directories(root)[:2] == ["/usr/local/lib", "/usr/local/lib/x86_64-linux-gnu"]


def test_without_a_cache_the_configuration_is_taken_as_ldconfig_takes_it(tree: Path, tmp_path: Path) -> None:
    """A small root with one library in a configured directory, which only /etc/ld.so.conf names."""
    (tmp_path / "etc/ld.so.conf.d").mkdir(parents=True)
    (tmp_path / "etc/ld.so.conf").write_text("include ld.so.conf.d/*.conf # all\n")
    (tmp_path / "etc/ld.so.conf.d/extra.conf").write_text("# nothing\n/opt/extra\n")
    (tmp_path / "opt/extra").mkdir(parents=True)
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib/x86_64-linux-gnu").mkdir(parents=True)
    root = RootDirectory(tree)
    for name, target in {
        "ld-linux-x86-64.so.2": "lib64/ld-linux-x86-64.so.2",
        "libc.so.6": "lib/x86_64-linux-gnu/libc.so.6",
        "libz.so.1": "opt/extra/libz.so.1",
    }.items():
        real = root.resolve(f"/lib/x86_64-linux-gnu/{name}")
        assert real is not None
        shutil.copyfile(root.outside(real), tmp_path / target)
    profile = capture(tmp_path)
    assert profile.libraries["libz.so.1"].path == "/opt/extra/libz.so.1"
    assert set(profile.libraries) == {"libc.so.6", "libz.so.1"}
    assert profile.id == "captured"


def test_the_shipped_profile_says_what_the_captured_one_says(suite: str, captured: HostProfile) -> None:
    """Names and versions of the smallest installation, in both directions."""
    shipped = load_profile(TREES[suite], "x86_64")
    assert shipped.libc_version == captured.libc_version
    assert shipped.isa_level == captured.isa_level
    there = {name for name, library in shipped.libraries.items() if library.presence == "minimal"}
    assert there == set(captured.libraries), "the archive has moved on: python -m corpus.hosts.debian_profiles"
    for name, library in captured.libraries.items():
        versions = shipped.libraries[name].versions
        assert versions is None or versions == library.versions, name
        assert shipped.libraries[name].package == library.package
    known = [name for name in there if shipped.libraries[name].versions is not None]
    assert {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libz.so.1"} <= set(known)


@pytest.fixture(scope="module")
def asked_of_hosts() -> tuple[set[str], set[tuple[str, str]]]:
    """Every name and every pair of library and version that the objects of the corpus's artifacts ask for."""
    names: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for directory, _, files in os.walk(cache_directory() / "artifacts"):
        for file in files:
            path = Path(directory, file)
            if path.is_symlink() or (".so" not in file and not os.access(path, os.X_OK)):
                continue
            try:
                with FileSource(path) as source:
                    elf = read_elf(source, load_symbols=False, load_sections=False)
            except (FormatError, OSError):
                continue
            if elf.arch == "x86_64":
                names.update(elf.needed)
                pairs.update((need.library, need.version) for need in elf.verneed)
    if len(pairs) < 100:
        pytest.skip("the corpus's cache holds too few artifacts")
    return names, pairs


@pytest.mark.slow
def test_real_objects_get_the_same_answers_from_the_shipped_and_the_captured_profile(
    suite: str, captured: HostProfile, asked_of_hosts: tuple[set[str], set[tuple[str, str]]]
) -> None:
    shipped = load_profile(TREES[suite], "x86_64")
    names, pairs = asked_of_hosts
    for name in names:
        ours, theirs = shipped.library(name, "minimal"), captured.library(name, "minimal")
        assert isinstance(ours, str) == isinstance(theirs, str), name
    for name, version in pairs:
        ours, theirs = shipped.library(name, "minimal"), captured.library(name, "minimal")
        if isinstance(ours, ProvidedLibrary) and isinstance(theirs, ProvidedLibrary):
            assert ours.versions is not None, name
            assert theirs.versions is not None
            assert (version in ours.versions) == (version in theirs.versions), (name, version)


def test_the_desktop_of_the_shipped_profile_holds_what_packages_bring(suite: str) -> None:
    tree = cache_directory() / "truth/trees" / f"{suite}-desktop"
    if not tree.is_dir():
        pytest.skip(f"no tree {tree.name} is in the corpus's cache")
    shipped = load_profile(TREES[suite], "x86_64")
    with_desktop = capture(tree)
    for name in (
        "libGL.so.1",
        "libEGL.so.1",
        "libX11.so.6",
        "libxcb.so.1",
        "libwayland-client.so.0",
        "libasound.so.2",
        "libfontconfig.so.1",
    ):
        found = shipped.library(name, "desktop")
        assert isinstance(found, ProvidedLibrary)
        assert found.versions == with_desktop.libraries[name].versions
        assert found.package == with_desktop.libraries[name].package
    assert with_desktop.programs["fusermount"] == "minimal"


def test_debians_musl(tmp_path: Path) -> None:
    """musl reads its own list of directories, knows no cache, and takes the first file of a name."""
    if platform.machine() != "x86_64":
        pytest.skip("the packages are for x86-64")
    try:
        for package in debian.download(["musl", "zlib1g"]):
            debian.unpack(package, tmp_path)
    except Unavailable as reason:
        pytest.skip(f"musl: {reason}")
    profile = capture(tmp_path)
    assert (profile.libc, profile.arch) == ("musl", "x86_64")
    assert profile.libc_version.startswith("1.2.")
    assert "libz.so.1" not in profile.libraries, "Debian's multiarch directory is none of musl's own"
    configured = tmp_path / "etc/ld-musl-x86_64.path"
    configured.parent.mkdir(exist_ok=True)
    configured.write_text("/empty:/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu")
    assert "libz.so.1" in capture(tmp_path).libraries
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/libz.so.1").write_text("this is no library, and musl goes no further")
    assert "libz.so.1" not in capture(tmp_path).libraries


def test_the_command_writes_a_profile_that_loads(tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "fleet.toml"
    options = make_parser().parse(["capture", str(tree), "-o", str(target), "--id", "fleet"])
    assert execute(options) is ExitCode.PASSED
    assert "names of libraries" in capfd.readouterr().err
    profile = load_profile(str(target), "x86_64")
    assert (profile.id, profile.basis) == ("fleet", "captured")
    assert execute(make_parser().parse(["show", str(target), "libc.so.6"])) is ExitCode.PASSED
    assert "GLIBC_PRIVATE" in capfd.readouterr().out
