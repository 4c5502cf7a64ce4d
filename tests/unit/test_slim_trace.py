"""slim/tracing/trace*.py: real programs are run, and what they use is in the trace, however they are started and however they end."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.artifact import Kind, Node, Tree
from inspector.errors import NothingInspected, UsageError
from inspector.slim.tracing.trace import Trace, TraceRun, TraceTarget, load_trace, merge_traces, trace_json
from inspector.slim.tracing.trace_collection import (
    Sightings,
    read_hook_reports,
    read_loader_reports,
    read_strace_reports,
    used_paths,
)
from inspector.slim.tracing.trace_recording import record_trace, strace_command
from tests.appimage_builder import runtime
from tests.python_appdir import make_python_appdir
from tests.python_interpreters import interpreters
from tests.squashfs_images import make_squashfs

VERSION = sys.version_info[:2]
PYTHON = "python{}.{}".format(*VERSION)
PACKAGES = f"usr/lib/{PYTHON}/site-packages"
MODULES = {
    "app/__init__.py": "",
    "app/run.py": """
import os, sys
import app.used
with open(os.path.join(os.environ["APPDIR"], "usr/share/by-link/data.txt")) as stream:
    stream.read()
os.path.exists(os.environ["APPDIR"] + "/usr/share/asked.txt")
try:
    import app.nowhere
except ImportError:
    pass
if "child" in sys.argv:
    import subprocess
    subprocess.run([sys.executable, "-I", "-c", "import app.only_in_child"], check=True)
if "fork" in sys.argv:
    if not os.fork():
        import app.only_in_fork
        os._exit(0)
    os.wait()
if "abrupt" in sys.argv:
    import app.late
    os._exit(3)
if "forever" in sys.argv:
    import app.late, time
    time.sleep(600)
if "home" in sys.argv:
    print(os.environ["HOME"], file=open(sys.argv[-1], "w"))
""",
    "app/used.py": "",
    "app/unused.py": "",
    "app/late.py": "",
    "app/only_in_child.py": "",
    "app/only_in_fork.py": "",
}
strace_permitted = pytest.mark.skipif(
    strace_command(Path("/tmp/call")) is None, reason="strace is not installed, or not permitted here"
)
BOTH = [
    pytest.param(True, marks=[pytest.mark.peer, strace_permitted], id="strace"),
    pytest.param(False, id="no strace"),
]


def make(appdir: Path, version: tuple[int, int] = VERSION, *, options: str = "", prefix: str = "") -> Path:
    make_python_appdir(appdir, interpreters()[version], version, MODULES, options=options)
    (appdir / "usr/share/real").mkdir(parents=True)
    (appdir / "usr/share/real/data.txt").write_text("data")
    (appdir / "usr/share/by-link").symlink_to("real")
    (appdir / "usr/share/asked.txt").write_text("asked")
    (appdir / "usr/share/never.txt").write_text("never")
    apprun = appdir / "AppRun"
    apprun.write_text(
        apprun.read_text().replace('exec "', f'cat "$APPDIR/usr/share/asked.txt" >/dev/null\nexec {prefix} "')
        if prefix
        else apprun.read_text()
    )
    return appdir


@pytest.fixture(scope="module")
def appdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("trace") / "Test App.AppDir")


@pytest.mark.parametrize("use_strace", BOTH)
def test_what_is_used_is_there_and_nothing_else(use_strace: bool, appdir: Path) -> None:
    before = sorted(str(path) for path in appdir.rglob("*"))
    trace = record_trace(appdir, ["-m", "app.run", "child", "fork"], use_strace=use_strace)
    assert {"app", "app.used", "app.only_in_child", "app.only_in_fork"} <= set(trace.modules)
    assert {"app.unused", "app.late", "app.nowhere"}.isdisjoint(trace.modules)
    own = {path for path in trace.files if path.startswith((PACKAGES, "usr/share", "AppRun", "usr/bin"))}
    expected = {
        "AppRun",
        f"usr/bin/{PYTHON}",
        "usr/share/by-link",
        "usr/share/real/data.txt",
        *(f"{PACKAGES}/app/{name}.py" for name in ("__init__", "run", "used", "only_in_child", "only_in_fork")),
    }
    assert own == expected
    assert f"usr/bin/{PYTHON}" in trace.libraries
    assert f"usr/lib/{PYTHON}/encodings/__init__.py" in trace.files
    assert {path for path in trace.python_sources() if path.startswith(PACKAGES)} == {
        path for path in expected if path.endswith(".py")
    }
    if use_strace:
        assert "usr/share/asked.txt" in trace.examined
    assert "usr/share/never.txt" not in {*trace.examined, *trace.files}
    run = trace.runs[0]
    assert (run.status, run.arguments) == (0, ("-m", "app.run", "child", "fork"))
    assert run.processes >= 3
    assert ("strace" in run.sources) is use_strace
    assert sorted(str(path) for path in appdir.rglob("*")) == before  # a copy was run
    assert not [path for path in (*trace.files, *trace.examined) if "inspector" in path]


def test_an_interpreter_that_ignores_the_environment_is_reached(tmp_path: Path) -> None:
    """It finds its standard library without PYTHONHOME, as usr/lib lies beside usr/bin."""
    appdir = make(tmp_path / "Test.AppDir", options="-I -m app.run ")
    trace = record_trace(appdir, [], use_strace=False)
    assert trace.runs[0].status == 0
    assert "app.used" in trace.modules
    assert f"{PACKAGES}/app/used.py" in trace.files
    assert f"{PACKAGES}/app/unused.py" not in trace.files


@pytest.mark.parametrize("use_strace", BOTH)
def test_an_empty_environment_is_survived(use_strace: bool, tmp_path: Path) -> None:
    prefix = 'env -i "APPDIR=$APPDIR" "PYTHONHOME=$PYTHONHOME"'
    trace = record_trace(make(tmp_path / "Test.AppDir", prefix=prefix), ["-m", "app.run"], use_strace=use_strace)
    assert trace.runs[0].status == 0
    assert "app.used" in trace.modules
    if use_strace:  # cat is no Python: only strace sees what it opens
        assert "usr/share/asked.txt" in trace.files


@pytest.mark.parametrize("use_strace", BOTH)
def test_a_program_that_ends_without_ceremony(use_strace: bool, appdir: Path) -> None:
    trace = record_trace(appdir, ["-m", "app.run", "abrupt"], use_strace=use_strace)
    assert trace.runs[0].status == 3
    assert {"app.used", "app.late"} <= set(trace.modules)
    assert "app.nowhere" not in trace.modules


@pytest.mark.parametrize("use_strace", BOTH)
def test_a_program_that_does_not_end(use_strace: bool, appdir: Path) -> None:
    began = time.monotonic()
    trace = record_trace(appdir, ["-m", "app.run", "forever"], seconds=2.0, use_strace=use_strace)
    assert time.monotonic() - began < 30
    assert trace.runs[0].status is None
    assert {"app.used", "app.late"} <= set(trace.modules)


def test_home(appdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/home")
    record_trace(appdir, ["-m", "app.run", "home", str(tmp_path / "said")], use_strace=False)
    assert (tmp_path / "said").read_text() == "/some/home\n"
    record_trace(appdir, ["-m", "app.run", "home", str(tmp_path / "said")], use_strace=False, clean_home=True)
    assert (tmp_path / "said").read_text() != "/some/home\n"


@pytest.mark.parametrize(
    "version", sorted({min(interpreters()), max(interpreters())}), ids=lambda version: "{}.{}".format(*version)
)
def test_the_hook_runs_under_the_oldest_and_the_newest(version: tuple[int, int], tmp_path: Path) -> None:
    trace = record_trace(make(tmp_path / "Test.AppDir", version), ["-m", "app.run", "child"], use_strace=False)
    assert trace.runs[0].status == 0
    assert {"app.used", "app.only_in_child"} <= set(trace.modules)
    assert {"app.unused", "app.nowhere"}.isdisjoint(trace.modules)


def test_runs_are_added_up_and_bound_to_their_artifact(appdir: Path, tmp_path: Path) -> None:
    first = record_trace(appdir, ["-m", "app.run"], use_strace=False)
    (tmp_path / "t.json").write_bytes(trace_json(first))
    second = record_trace(
        appdir, ["-m", "app.run", "abrupt"], append_to=load_trace(tmp_path / "t.json"), use_strace=False
    )
    assert [run.status for run in second.runs] == [0, 3]
    assert "app.late" not in first.modules
    assert "app.late" in second.modules
    assert set(first.files) < set(second.files)
    other = shutil.copytree(appdir, tmp_path / "Other.AppDir", symlinks=True)
    assert record_trace(other, ["-V"], use_strace=False).target.digest == first.target.digest
    (other / "usr/share/never.txt").write_text("another")
    with pytest.raises(UsageError, match="another artifact"):
        record_trace(other, ["-V"], append_to=first, use_strace=False)


@pytest.mark.peer
def test_an_appimage_is_run_from_a_copy(appdir: Path, tmp_path: Path) -> None:
    image = make_squashfs(appdir, tmp_path / "image", "-noI", "-noD", "-noF")
    appimage = tmp_path / "Test.AppImage"
    head = runtime()
    appimage.write_bytes(head + image.read_bytes())
    appimage.chmod(0o755)
    trace = record_trace(appimage, ["-m", "app.run"], use_strace=False)
    assert trace.target.format == "appimage-2"
    assert trace.runs[0].status == 0
    assert "app.used" in trace.modules
    assert "usr/share/real/data.txt" in trace.files


def test_what_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(NothingInspected):
        record_trace(tmp_path / "nowhere")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("x")
    with pytest.raises(UsageError, match="no launcher"):
        record_trace(tmp_path / "data")


# -- the document


def trace_of(**fields: object) -> Trace:
    target = TraceTarget(path="A", format="appdir", digest="d")
    return Trace(tool="t", target=target, runs=(TraceRun(arguments=(), status=0, seconds=1.0),), **fields)  # type: ignore[arg-type]


def test_merging() -> None:
    both = merge_traces(
        trace_of(files=("a",), examined=("b", "c"), modules=("m",)), trace_of(files=("b",), libraries=("l",))
    )
    assert (both.files, both.examined, both.modules, both.libraries, len(both.runs)) == (
        ("a", "b"),
        ("c",),
        ("m",),
        ("l",),
        2,
    )
    assert trace_of(files=("a/b/c", "x"), libraries=("a/l",)).with_directories() == {"a", "a/b", "a/b/c", "a/l", "x"}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"schema": "inspector/result/1"}', b"\xff"])
def test_other_documents_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="inspector/trace/1"):
        load_trace(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_trace(tmp_path / "nowhere")


# -- reports


def test_lines_of_strace(tmp_path: Path) -> None:
    (tmp_path / "call.12").write_bytes(
        b'execve("/r/b/AppRun", ["/r/b/AppRun"], 0x7ffc /* 42 vars */) = 0\n'
        b'openat(AT_FDCWD</home/me>, "/r/b/lib/liba.so", O_RDONLY|O_CLOEXEC) = 3</r/b/lib/liba.so.1>\n'
        b'openat(AT_FDCWD</r/b>, "rel/data", O_RDONLY) = 3</r/b/rel/data>\n'
        b'openat(7</r/b/dir>, "in dir", O_RDONLY) = 8</r/b/dir/in dir>\n'
        b'openat(AT_FDCWD</home/me>, "/r/b/missing", O_RDONLY) = -1 ENOENT (No such file or directory)\n'
        b'open("old", O_RDONLY)  = 4</home/me/old>\n'
        b'newfstatat(AT_FDCWD</home/me>, "/r/b/seen", {st_mode=S_IFREG|0644, st_size=9, ...}, 0) = 0\n'
        b'readlink("/r/b/link", "target", 4096) = 6\n'
        b'newfstatat(3</r/b/lib/liba.so.1>, "", {st_mode=S_IFREG}, AT_EMPTY_PATH) = 0\n'
        b'openat(AT_FDCWD</home/me>, "/r/b/Z\\303\\274rich \\"q\\"", O_RDONLY) = 5</r/b/Z\\303\\274rich \\"q\\">\n'
        b"--- SIGCHLD {si_signo=SIGCHLD} ---\n+++ exited with 0 +++\n" + b"x" * 200_000 + b"\n\xff\xfe\n"
    )
    seen = Sightings()
    read_strace_reports(tmp_path, seen)
    assert {path for path in seen.opened if path.startswith("/r/b")} == {
        "/r/b/AppRun", "/r/b/lib/liba.so", "/r/b/lib/liba.so.1", "/r/b/rel/data", "/r/b/dir/in dir", '/r/b/Zürich "q"',
    }  # fmt: skip
    assert seen.examined == {"/r/b/seen", "/r/b/link"}
    assert seen.processes == {12}


def test_lines_of_the_loader(tmp_path: Path) -> None:
    lines = (
        "file=libm.so.6 [0];  needed by x [0]",
        "calling init: /r/b/lib/libm.so.6",
        "calling init: /r/b/x y.so [0]",
    )
    (tmp_path / "load.77").write_text("".join(f"        77:\t{line}\n" for line in lines))
    seen = Sightings()
    read_loader_reports(tmp_path, seen)
    assert seen.loaded == {"/r/b/lib/libm.so.6", "/r/b/x y.so"}


def test_lines_of_the_hook(tmp_path: Path) -> None:
    told = [
        ("open", "/r/b/Zürich"),
        ("module", "a.b"),
        ("wanted", "c"),
        ("dlopen", "libc.so.6"),
        ("dlopen", "/r/b/l.so"),
    ]
    lines = [f"{kind} {text.encode().hex()}" for kind, text in told]
    (tmp_path / "5").write_text("\n".join([*lines, "open xyz", "bad", "open ü"]))
    seen = Sightings()
    read_hook_reports(tmp_path, seen)
    assert "/r/b/Zürich" in seen.opened
    assert (seen.modules, seen.wanted, seen.loaded) == ({"a.b"}, {"c"}, {"/r/b/l.so"})


@given(
    st.lists(
        st.binary(max_size=60)
        | st.builds(
            lambda name, path, result: b'%s(AT_FDCWD<%s>, "%s", O_RDONLY) = 3<%s>' % (name, path, path, result),
            st.sampled_from([b"openat", b"execve", b"readlink", b"chdir", b"stat"]),
            st.binary(max_size=20),
            st.binary(max_size=20),
        )
        | st.builds(
            lambda kind, text: kind + b" " + text.hex().encode(),
            st.sampled_from([b"open", b"module", b"wanted", b"dlopen"]),
            st.binary(max_size=30),
        ),
        max_size=10,
    )
)
def test_whatever_is_in_a_report_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """A traced program can write into the reports about it."""
    directory = tmp_path_factory.mktemp("reports")
    (directory / "call.1").write_bytes(b"\n".join(lines))
    seen = Sightings()
    for read in (read_hook_reports, read_strace_reports, read_loader_reports):
        read(directory, seen)
    used = used_paths(seen, Path("/r"), Tree([Node("", Kind.DIRECTORY), Node("a", Kind.FILE)]))
    assert used.files <= {"a"}


def test_links_on_the_way_are_used_too() -> None:
    tree = Tree(
        [
            Node("", Kind.DIRECTORY),
            *(Node(path, Kind.DIRECTORY) for path in ("lib", "lib/real", "usr")),
            Node("lib/real/x.so.1", Kind.FILE),
            Node("lib/real/x.so", Kind.SYMLINK, target="x.so.1"),
            Node("lib/alias", Kind.SYMLINK, target="/r/lib/real"),
            Node("usr/lib", Kind.SYMLINK, target="../lib"),
            Node("loop", Kind.SYMLINK, target="loop"),
            Node("out", Kind.SYMLINK, target="/etc/passwd"),
            Node("up", Kind.SYMLINK, target="../../etc"),
        ]
    )
    paths = {
        "/r/usr/lib/alias/x.so",
        "/r/loop",
        "/r/out",
        "/r/up/passwd",
        "/r/lib/real",
        "/etc/passwd",
        "/r/lib/../../r/x",
        "/r/nowhere",
    }
    used = used_paths(Sightings(opened=paths), Path("/r"), tree)
    assert used.files == {"usr/lib", "lib/alias", "lib/real/x.so", "lib/real/x.so.1", "loop", "out"}


def test_names_that_an_import_asked_for_count_where_a_file_bears_them() -> None:
    files = (
        "p/a/b.py",
        "p/a/__pycache__/c.cpython-311.pyc",
        "p/a/__init__.py",
        "p/d.cpython-311-x86_64-linux-gnu.so",
        "p/e.abi3.so",
        "p/data.txt",
    )
    tree = Tree([Node(path, Kind.FILE) for path in files])
    seen = Sightings(
        opened={f"/r/{path}" for path in files}, wanted={"a", "a.b", "a.c", "d", "e", "a.nowhere", "data", "os"}
    )
    assert used_paths(seen, Path("/r"), tree).modules == {"a", "a.b", "a.c", "d", "e"}


def test_environment_of_the_run_is_the_callers(appdir: Path, tmp_path: Path) -> None:
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ.get('OWN', '') + os.getcwd())"
    record_trace(
        appdir, ["-c", code, str(tmp_path / "said")], use_strace=False, environment={**os.environ, "OWN": "mine"}
    )
    assert (tmp_path / "said").read_text() == f"mine{Path.cwd()}"
