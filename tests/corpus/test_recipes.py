"""The recipes build what they promise: genuine files have their known digests, built ones start."""

from __future__ import annotations

import csv
import multiprocessing
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
from corpus import appimage_runtime, store
from corpus.recipe import Bounds, Digest, Recipe, sha256_of
from inspector.artifact import open_artifact
from inspector.facts.hosts.libraries import host_library

Artifact = Callable[[str], Path]

pytestmark = pytest.mark.corpus


# ---- the store ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(store.BUILD_VARIABLE, raising=False)
    monkeypatch.setattr(store, "_unavailable", {})
    return tmp_path / "cache"


def text_recipe(
    text: str, check: Digest | Bounds | None = None, revision: int = 1, needs: tuple[str, ...] = ()
) -> Recipe:
    return Recipe(
        "family/text", "a text", lambda path: path.write_text(text), check or Bounds((0, 100)), needs, revision
    )


def test_an_artifact_is_built_once_and_recorded(own_cache: Path) -> None:
    path = store.ensure(text_recipe("first"))
    assert path == own_cache / "artifacts" / "family" / "text"
    record = store.record_of(text_recipe("first"))
    assert record is not None
    assert (record.raw_bytes, record.file_count) == (5, 1)
    assert store.ensure(text_recipe("second")).read_text() == "first"


def test_a_new_revision_replaces_the_artifact(own_cache: Path) -> None:
    store.ensure(text_recipe("first"))
    assert store.ensure(text_recipe("second", revision=2)).read_text() == "second"


def test_a_failed_check_leaves_nothing_behind(own_cache: Path) -> None:
    with pytest.raises(corpus.CheckFailed, match="sha256"):
        store.ensure(text_recipe("other", Digest("0" * 64)))
    with pytest.raises(corpus.CheckFailed, match="5 bytes"):
        store.ensure(text_recipe("other", Bounds((6, 9))))
    assert not store.artifact_path("family/text").exists()
    assert list((own_cache / "scratch").iterdir()) == []


def test_a_missing_program_is_named(own_cache: Path) -> None:
    with pytest.raises(corpus.Unavailable, match="no-such-program"):
        store.ensure(text_recipe("x", needs=("no-such-program",)))


def test_building_can_be_forbidden(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ensure(text_recipe("first"))
    monkeypatch.setenv(store.BUILD_VARIABLE, "0")
    assert store.ensure(text_recipe("first")).read_text() == "first"
    with pytest.raises(corpus.Unavailable, match="forbids building"):
        store.ensure(text_recipe("second", revision=2))


def _build_slowly(path: Path) -> None:
    (path.parents[2] / "builds").open("a").write("x")
    subprocess.run(["sleep", "0.3"], check=True)
    path.write_text("slow")


def _ensure_slow(_: int) -> str:
    return store.ensure(Recipe("slow", "slow", _build_slowly, Bounds((4, 4)))).read_text()


def test_several_workers_build_an_artifact_once(own_cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.map(_ensure_slow, range(4)) == ["slow"] * 4
    assert (own_cache / "builds").read_text() == "x"


# ---- genuine AppImages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*corpus.names("libappimage/"), *corpus.names("shared-mime-info/"), *corpus.names("shared/")]
)
def test_genuine_files_have_their_known_digest(name: str, corpus_artifact: Artifact) -> None:
    check = corpus.recipe(name).check
    assert isinstance(check, Digest)
    assert sha256_of(corpus_artifact(name)) == check.sha256


# Measured by others: ../shared/facts/appimage.md section 6.
PAYLOAD_OFFSETS = {
    "libappimage/Echo-x86_64.AppImage": 187_784,
    "libappimage/Echo-no-integrate-x86_64.AppImage": 188_392,
    "libappimage/Echo-test1234-x86_64.AppImage": 155_552,
    "libappimage/appimaged-i686.AppImage": 91_148,
    "libappimage/appimagetool-x86_64.AppImage": 155_552,
    "libappimage/broken-desktop-file-x86_64.AppImage": 187_784,
    "shared/Hello_World-x86_64.gzip.AppImage": 193_728,
    "shared/Hello_World-x86_64.xz.AppImage": 193_728,
    "shared/Hello_World-x86_64.zstd.AppImage": 696_720,
    "shared/hello-static-runtime-x86_64.AppImage": 944_632,
}


@pytest.mark.parametrize("name", PAYLOAD_OFFSETS)
def test_the_runtime_is_cut_where_the_payload_starts(name: str, corpus_artifact: Artifact) -> None:
    content = corpus_artifact(name).read_bytes()
    offset = appimage_runtime.payload_offset(content)
    assert offset == PAYLOAD_OFFSETS[name]
    magic, major, minor = struct.unpack_from("<4s24xHH", content, offset)  # squashfs 4.0 superblock
    assert (magic, major, minor) == (b"hsqs", 4, 0)


def test_a_cut_runtime_carries_nothing_of_its_old_payload(corpus_artifact: Artifact) -> None:
    content = corpus_artifact("libappimage/appimagetool-x86_64.AppImage").read_bytes()
    runtime = appimage_runtime.blanked_prefix(content)
    for section in appimage_runtime.sections(content):
        kept = runtime[section.offset : section.offset + section.size]
        if section.name in appimage_runtime.PAYLOAD_SECTIONS:
            assert content[section.offset : section.offset + section.size].strip(b"\0"), (
                f"{section.name!r} was empty already"
            )
            assert not kept.strip(b"\0")
    assert b"-----BEGIN PGP" not in runtime


@pytest.mark.peer
@pytest.mark.parametrize("name", ["libappimage/Echo-x86_64.AppImage", "shared/hello-static-runtime-x86_64.AppImage"])
def test_genuine_appimages_are_executable_files(name: str, corpus_artifact: Artifact) -> None:
    path = corpus_artifact(name)
    assert path.stat().st_mode & stat.S_IXUSR
    if shutil.which("unsquashfs") is None:
        pytest.skip("unsquashfs is not installed")
    offset = str(appimage_runtime.payload_offset_of(path))
    listed = subprocess.run(["unsquashfs", "-o", offset, "-l", str(path)], capture_output=True, text=True, check=True)
    assert "squashfs-root/AppRun" in listed.stdout


# ---- the Python applications -------------------------------------------------------------------------------------------------------


APPLICATIONS = {
    # name: (arguments, what it must print)
    "python-runtime": (
        [
            "-c",
            "import sys, readline, _gdbm, _tkinter, _curses, ssl, sqlite3, ctypes, pip; print(sys.prefix, sys.version_info[:2])",
        ],
        "/usr (3, 11)",
    ),
    "flask-app": (["--self-test"], "<li>&lt;bread &amp; butter&gt;</li>"),
    "pandas-report": ([], "correlation 0.9"),
    "pyqt5-widgets": (["--self-test"], "offscreen window of"),
}
# The interpreter alone, and one application with wheels and libraries, are enough of this kind for every run.
EVERY_RUN = ("python-runtime.AppDir", "flask-app.AppDir", "flask-app.AppImage")


def bundles(suffix: str) -> list[object]:
    """The applications, those marked ``heavy`` that the default run leaves out."""
    return [
        name if f"{name}{suffix}" in EVERY_RUN else pytest.param(name, marks=pytest.mark.heavy) for name in APPLICATIONS
    ]


_NOT_FOUND = re.compile(r"([^\s:'\"(]+\.so[.\d]*): cannot open shared object file")


def lacking_on_this_host(words: str) -> list[str]:
    """Libraries that a program did not find, that AppImages leave to the host, and that no program finds here."""
    return [
        soname
        for soname in dict.fromkeys(_NOT_FOUND.findall(words))
        if (entry := host_library(soname)) is not None
        and entry.supplier != "bundle"
        and subprocess.run(
            [sys.executable, "-c", f"import ctypes; ctypes.CDLL({soname!r})"], capture_output=True, check=False
        ).returncode
    ]


def start(command: list[str | Path], **environment: str) -> str:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LD_", "APPIMAGE", "APPDIR"))
    }
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**kept, "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        timeout=300,
        check=False,
    )
    if finished.returncode and (lacking := lacking_on_this_host(finished.stderr)):
        pytest.skip(f"this host lacks {', '.join(lacking)}, which AppImages leave to the host")
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", bundles(".AppDir"))
def test_a_python_appdir_starts(name: str, corpus_artifact: Artifact) -> None:
    arguments, expected = APPLICATIONS[name]
    appdir = corpus_artifact(f"{name}.AppDir")
    before = corpus.measure(appdir)
    assert expected in start([appdir / "AppRun", *arguments])
    assert corpus.measure(appdir) == before, "starting it wrote into the AppDir"


@pytest.mark.slow
@pytest.mark.parametrize("name", bundles(".AppImage"))
def test_a_python_appimage_starts(name: str, corpus_artifact: Artifact, tmp_path: Path) -> None:
    arguments, expected = APPLICATIONS[name]
    appimage = corpus_artifact(f"{name}.AppImage")
    assert expected in start([appimage, *arguments], APPIMAGE_EXTRACT_AND_RUN="1", TMPDIR=str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", bundles(".AppDir"))
def test_a_python_appdir_is_laid_out_as_make_install_leaves_it(name: str, corpus_artifact: Artifact) -> None:
    appdir = corpus_artifact(f"{name}.AppDir")
    library = appdir / "usr/lib/python3.11"
    for path in (
        appdir / "usr/bin/python3.11",
        appdir / "usr/lib/libpython3.11.so.1.0",
        appdir / "usr/include/python3.11/pyconfig.h",
        library / "config-3.11-x86_64-linux-gnu/libpython3.11.a",
        library / "lib-dynload/readline.cpython-311-x86_64-linux-gnu.so",
        library / "lib-dynload/_gdbm.cpython-311-x86_64-linux-gnu.so",
        library / "test/test_os.py",
        library / "idlelib/idle_test/htest.py",
        library / "ensurepip/__init__.py",
        appdir / "usr/lib/libreadline.so.8",
        appdir / "usr/lib/libgdbm.so.6",
    ):
        assert path.is_file(), path
    for suffix in ("", ".opt-1", ".opt-2"):
        assert (library / f"__pycache__/os.cpython-311{suffix}.pyc").is_file()
        assert list(library.glob(f"site-packages/*/__pycache__/__init__.cpython-311{suffix}.pyc"))
    assert not list(appdir.rglob("libc.so.6")), "glibc comes from the host"
    links = [path for path in appdir.rglob("*") if path.is_symlink()]
    assert [path for path in links if path.readlink().is_absolute() or not path.exists()] == []


@pytest.mark.heavy
def test_the_pyqt5_application_is_as_large_as_the_benchmark_needs(corpus_artifact: Artifact) -> None:
    measured = corpus.measure(corpus_artifact("pyqt5-widgets.AppDir"))
    assert measured.raw_bytes >= 400_000_000
    assert measured.file_count >= 9_000


# ---- other layouts -----------------------------------------------------------------------------------------------------------------


LAYOUTS = {
    "layouts/python-appimage": (
        [
            "-c",
            "import os, readline, ssl, sys, _tkinter; print(sys.prefix, len(ssl.create_default_context().get_ca_certs()) > 50)",
        ],
        "/opt/python3.11 True",
    ),
    "layouts/linuxdeploy": ([":memory:", "select 'sqlite', 6 * 7"], "sqlite|42"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_starts_as_appdir_and_as_appimage(name: str, corpus_artifact: Artifact, tmp_path: Path) -> None:
    arguments, expected = LAYOUTS[name]
    assert expected in start([corpus_artifact(f"{name}.AppDir") / "AppRun", *arguments])
    assert expected in start(
        [corpus_artifact(f"{name}.AppImage"), *arguments], APPIMAGE_EXTRACT_AND_RUN="1", TMPDIR=str(tmp_path)
    )


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "program"),
    [("layouts/python-appimage", "opt/python3.11/bin/python3.11"), ("layouts/linuxdeploy", "usr/bin/sqlite3")],
)
def test_a_layout_finds_its_own_libraries_by_runpath(name: str, program: str, corpus_artifact: Artifact) -> None:
    appdir = corpus_artifact(f"{name}.AppDir")
    objects = [
        appdir / program,
        *appdir.glob("usr/lib/*.so*"),
        *appdir.glob("opt/python3.11/lib/python3.11/lib-dynload/*.so"),
    ]
    bundled = {path.name for path in appdir.glob("usr/lib/*")}
    for path in objects:
        # Direct dependencies only: what a library of the host needs in turn, the host supplies, as RUNPATH is not inherited.
        dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) & bundled
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        places = dict(line.strip().split(" => ", 1) for line in listed.splitlines() if " => " in line)
        assert [soname for soname in sorted(needed) if not places[soname].startswith(str(appdir))] == [], path.name


# ---- the matrix and the bad inputs -------------------------------------------------------------------------------------------------


COMPRESSOR_IDS = {"gzip": 1, "lzo": 3, "xz": 4, "lz4": 5, "zstd": 6}  # squashfs 4.0 superblock
NO_FRAGMENTS, ALWAYS_FRAGMENTS, EXPORT_TABLE = 0x10, 0x20, 0x80


def superblock(path: Path) -> tuple[int, int, int]:
    """(block size, compressor, flags) of a type 2 AppImage."""
    content = path.read_bytes()
    offset = appimage_runtime.payload_offset(content)
    assert content[offset : offset + 4] == b"hsqs"
    (block_size,) = struct.unpack_from("<I", content, offset + 12)
    compressor, _, flags = struct.unpack_from("<HHH", content, offset + 20)
    return block_size, compressor, flags


IMAGES = [name for name in corpus.names("appimage-matrix/") if name.endswith(".AppImage")]


@pytest.mark.parametrize("name", IMAGES)
def test_a_matrix_image_is_packed_as_its_name_says(name: str, corpus_artifact: Artifact) -> None:
    block_size, compressor, flags = superblock(corpus_artifact(name))
    compressor_name, size, *label = name.removeprefix("appimage-matrix/").removesuffix(".AppImage").split("-", 2)
    assert block_size == int(size.removesuffix("K")) * 1024
    assert compressor == COMPRESSOR_IDS[compressor_name]
    assert bool(flags & NO_FRAGMENTS) == (label == ["no-fragments"])
    assert bool(flags & ALWAYS_FRAGMENTS) == (label == ["always-fragments"])
    assert bool(flags & EXPORT_TABLE) == (label != ["no-export-table"])


@pytest.mark.peer
@pytest.mark.parametrize("name", [name for name in IMAGES if "128K" in name])
def test_unsquashfs_takes_the_tree_out_of_a_matrix_image(name: str, corpus_artifact: Artifact, tmp_path: Path) -> None:
    if shutil.which("unsquashfs") is None:
        pytest.skip("unsquashfs is not installed")
    appimage = corpus_artifact(name)
    offset = appimage_runtime.payload_offset_of(appimage)
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-o", str(offset), "-d", tmp_path / "tree", appimage],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["diff", "-r", "--no-dereference", corpus_artifact("appimage-matrix/tree.AppDir"), tmp_path / "tree"],
        check=True,
    )


@pytest.mark.parametrize(
    "name",
    [
        "gzip-128K.AppImage",
        "xz-128K.AppImage",
        "zstd-128K.AppImage",
        "gzip-128K-libfuse2-runtime.AppImage",
        "zstd-128K-libfuse2-runtime.AppImage",
    ],
)
def test_a_matrix_image_starts_where_its_runtime_reads_it(name: str, corpus_artifact: Artifact, tmp_path: Path) -> None:
    """And what Inspector says that a runtime reads is what it reads."""
    appimage = corpus_artifact(f"appimage-matrix/{name}")
    with open_artifact(str(appimage)) as artifact:
        envelope = artifact.envelope
        assert envelope is not None
        assert envelope.runtime is not None
        is_read = envelope.compression in envelope.runtime.compressors
    extraction = subprocess.run([appimage, "--appimage-extract"], cwd=tmp_path, check=False, capture_output=True)
    apprun = tmp_path / "squashfs-root" / "AppRun"
    if is_read:
        assert extraction.returncode == 0, extraction.stderr
        assert start([apprun]) == "Hello from the matrix\n"
    else:
        assert extraction.returncode != 0
        assert not apprun.exists()


@pytest.mark.parametrize("name", corpus.names("bad-input/"))
def test_a_bad_input_can_be_built(name: str, corpus_artifact: Artifact) -> None:
    assert os.path.lexists(corpus_artifact(name))


@pytest.mark.peer
@pytest.mark.parametrize(
    "name",
    [name for name in corpus.names("bad-input/") if "cut-in-" in name or "-squashfs" in name or "squashfs-" in name],
)
def test_unsquashfs_refuses_a_cut_or_foreign_image(name: str, corpus_artifact: Artifact, tmp_path: Path) -> None:
    if shutil.which("unsquashfs") is None:
        pytest.skip("unsquashfs is not installed")
    offset = appimage_runtime.payload_offset_of(corpus_artifact("appimage-matrix/zstd-128K.AppImage"))
    command = ["unsquashfs", "-n", "-o", str(offset), "-d", tmp_path / "tree", corpus_artifact(name)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_a_upx_packed_apprun_runs_and_hides_its_sections(corpus_artifact: Artifact) -> None:
    apprun = corpus_artifact("bad-input/upx-packed.AppDir") / "AppRun"
    content = apprun.read_bytes()
    assert b"UPX!" in content
    assert struct.unpack_from("<H", content, 60) == (0,), "e_shnum"
    assert start([apprun, "-c", "echo unpacked"]) == "unpacked\n"


# ---- wheels ------------------------------------------------------------------------------------------------------------------------


def test_there_are_enough_wheels_of_enough_kinds() -> None:
    wheels = corpus.names("wheels/")
    assert len(wheels) >= 24
    for kind in ("musllinux", "aarch64", "s390x", "ppc64le", "i686", "armv7l", "abi3", "manylinux1_"):
        assert any(kind in name for name in wheels), kind


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [name for name in corpus.names("unpacked-wheels/") if "cffi" in name or "psycopg2" in name or "ruff" in name],
)
def test_an_unpacked_wheel_holds_what_its_record_lists(name: str, corpus_artifact: Artifact) -> None:
    directory = corpus_artifact(name)
    (record,) = directory.glob("*.dist-info/RECORD")
    listed = {row[0] for row in csv.reader(record.read_text().splitlines())}
    # the binary distribution format allows signatures of RECORD that RECORD does not list
    found = {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and path.suffix not in (".jws", ".p7s")
    }
    assert listed == found
