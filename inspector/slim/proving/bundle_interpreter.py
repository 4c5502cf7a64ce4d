"""The bundle's own Python: which program it is, how it is started in an unpacked tree, and what it says of itself.

Its environment is what the launcher makes, read and not run, over a scrubbed one with a throw-away home, an empty working directory, no display and
a closed stdin.  It is not started where that is forbidden or cannot work; the reason is for the report ("not checked, because …").
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.launchers.launcher_facts import Launcher, Start
from inspector.facts.launchers.shell_script import UNKNOWN
from inspector.formats.elf import architecture_name, looks_like_elf
from inspector.formats.elf.identification import decode_header
from inspector.patterns import lazy_pattern
from inspector.slim.proving.bounded_process import Finished, ThrowAwayHome, describe_status, run_bounded

PYTHON_PROGRAM = lazy_pattern(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?[a-z]{0,2}$")
"""File names of interpreters."""

_PYTHON_2 = lazy_pattern(r"(?:python|pypy)2(?:\.\d+)?$")
_BIN_PYTHON = lazy_pattern(r"(?:.*/)?bin/(?:python|pypy)3(?:\.\d+)?[a-z]{0,2}$")
_FLAG = lazy_pattern(r"-[bBdEIOPqsSuvx]+$|-[XW].+$")  # those that take no value, or have it with them
_PROBE_SECONDS = 30
_RUNS_ALSO = {"x86_64": ("i686",), "aarch64": ("armv7l", "armv5tel", "arm"), "ppc64": ("ppc",), "s390x": ("s390",)}
"""Other architectures that a machine's kernel can run; whether it does, the probe tells."""

_OURS = frozenset(
    (
        "HOME",
        "TMPDIR",
        "QT_QPA_PLATFORM",
        "TERM",
        "XDG_RUNTIME_DIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    )
)
"""Variables that keep our value whatever the launcher says."""

_STEADY = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

_PROBE = """\
import os, sys
if sys.version_info < (3, 6):
    sys.exit("Python %d.%d is older than 3.6" % sys.version_info[:2])
loader = sys.modules["_frozen_importlib_external"]
import _imp
def say(name, *values):
    sys.stdout.write(" ".join([name] + [os.fsencode(str(value)).hex() or "-" for value in values]) + "\\n")
say("version", *sys.version_info[:2])
say("cache_tag", sys.implementation.cache_tag or "")
say("magic", int.from_bytes(loader.MAGIC_NUMBER[:2], "little"))
say("standard_library", os.path.realpath(os.path.dirname(os.__file__)))
say("search_path", *[os.path.realpath(place) for place in sys.path if place])
say("suffixes", *(_imp.extension_suffixes() + loader.SOURCE_SUFFIXES + loader.BYTECODE_SUFFIXES))
say("optimization", sys.flags.optimize)
say("builtin", *sys.builtin_module_names)
"""
"""Imports nothing that an interpreter has not loaded by then: a slimmed bundle need not have more.  3.6 is the oldest that our workers run under."""


class NotChecked(Struct, frozen=True):
    """Nothing of the bundle is run.

    :ivar reason: a clause that follows "because".
    """

    reason: str


class BundleInterpreter(Struct, frozen=True):
    """How the bundle's Python is started.

    :ivar program: tree path of the ELF executable.
    :ivar loader: tree path of a loader of the bundle by which it is started, or None.
    :ivar loader_library_path: what that loader is told to search; run-time paths.
    :ivar options: interpreter options that the launcher gives ("-E", "-O").
    :ivar environment: variables that the launcher sets; run-time paths that begin with ``mount_root``.
    :ivar mount_root: what run-time paths in the values begin with (``$APPDIR``).
    """

    program: str
    loader: str | None = None
    loader_library_path: str | None = None
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mount_root: str = "$APPDIR"

    def command(self, root: Path, arguments: Sequence[str]) -> list[str]:
        """The words that start it in an unpacked tree; it reads no user's site-packages and writes no bytecode."""
        words = [str(root / self.program)]
        if self.loader is not None:
            search = self._in_tree(self.loader_library_path or "", root)
            words = [str(root / self.loader), *(("--library-path", search) if search else ()), *words]
        return [*words, *self.options, "-s", "-B", *arguments]

    def environment_in(self, root: Path, home: ThrowAwayHome) -> dict[str, str]:
        """Its environment in an unpacked tree; what the launcher's reader did not know of a value is left out of it."""
        environment = home.environment()
        for name, value in self.environment.items():
            known = self._in_tree(value, root)
            if known is not None and name not in _OURS:
                environment[name] = known
        if "PATH" in self.environment:
            environment["PATH"] = f"{environment['PATH']}:/usr/local/bin:/usr/bin:/bin"
        return environment | _STEADY

    def run(self, root: Path, home: ThrowAwayHome, arguments: Sequence[str], *, seconds: float) -> Finished:
        """Run it in an unpacked tree.

        :raises OSError: where it cannot be started.
        """
        command = self.command(root, arguments)
        return run_bounded(command, directory=home.empty, environment=self.environment_in(root, home), seconds=seconds)

    def _in_tree(self, value: str, root: Path) -> str | None:
        """A value with the tree's place in it; None where nothing of it is known."""
        if UNKNOWN not in value and not (value.startswith("$") and not value.startswith(self.mount_root)):
            return value.replace(self.mount_root, str(root)) if self.mount_root else value
        known = [part for part in value.split(":") if part and UNKNOWN not in part]
        known = [part for part in known if part.startswith(("/", self.mount_root))]
        return ":".join(known).replace(self.mount_root, str(root)) if known else None


class InterpreterAnswer(Struct, frozen=True, kw_only=True):
    """What an interpreter says of itself.

    :ivar cache_tag: part of the names of bytecode files ("cpython-311"), or "" where it keeps none.
    :ivar magic: the number of bytecode files that it takes.
    :ivar standard_library: tree path of the directory of ``os.py``.
    :ivar search_path: tree paths of ``sys.path``, archives too, in order; what lies outside of the tree is left out.
    :ivar suffixes: endings of the files that it imports, in its order (".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so", ".py", ".pyc").
    :ivar optimization: the level at which it runs, 0 to 2.
    """

    version: tuple[int, int]
    cache_tag: str
    magic: int
    standard_library: str
    search_path: tuple[str, ...]
    suffixes: tuple[str, ...]
    optimization: int
    builtin: tuple[str, ...] = ()


def find_interpreter(
    launcher: Launcher, tree: Tree, *, mount_root: str = "$APPDIR", run: bool = True, machine: str | None = None
) -> BundleInterpreter | NotChecked:
    """The Python that the launcher starts, else one in a ``bin`` directory of the bundle.

    :param mount_root: what run-time paths in the launcher's facts begin with (:func:`inspector.facts.loading.run_time_paths.mount_of`).
    :param run: False where the user forbids to run anything of the bundle.
    :param machine: the architecture that this machine runs, as ``uname -m`` says it; by default asked.
    """
    if not run:
        return NotChecked("nothing of the bundle is to be run (--no-run)")
    host = machine or os.uname().machine
    foreign = old = None
    for start, node in _candidates(launcher, tree):
        if _PYTHON_2.match(posixpath.basename(node.path)):
            old = node.path
            continue
        architecture = _architecture(node)
        if architecture != host and architecture not in _RUNS_ALSO.get(host, ()):
            foreign = f"{node.path} is for {architecture or 'no known architecture'} and this machine is {host}"
            continue
        loader_path = None if launcher.library_path_inherited else launcher.library_path
        return BundleInterpreter(
            program=node.path,
            loader=start.loader,
            loader_library_path=loader_path if start.loader is not None else None,
            options=interpreter_options(start.arguments),
            environment=launcher.environment,
            mount_root=mount_root,
        )
    if foreign is not None:
        return NotChecked(foreign)
    if old is not None:
        return NotChecked(f"{old} is Python 2, which nothing is checked with")
    return NotChecked("the bundle has no Python interpreter that can be started by itself")


def ask_interpreter(
    interpreter: BundleInterpreter, root: Path, *, below: Path | None = None
) -> InterpreterAnswer | NotChecked:
    """Start it in an unpacked tree and ask it what it is; it is refused where it does not start or uses a standard library of the host.

    :param below: where its throw-away home is made; by default where temporary files go.
    """
    root = root.resolve()
    with ThrowAwayHome(below) as home:
        # As a file: for "-c" Python 3.13 wants the module linecache, which a slimmed bundle need not have.
        script = home.root / "ask.py"
        script.write_text(_PROBE, encoding="utf-8")
        try:
            done = interpreter.run(root, home, [str(script)], seconds=_PROBE_SECONDS)
        except OSError as error:
            return NotChecked(f"{interpreter.program} cannot be started: {error.strerror}")
    if done.status != 0:
        said = f": {done.last_line}" if done.last_line else ""
        return NotChecked(f"{interpreter.program} {describe_status(done.status)}{said}")
    answer = _answer(done.stdout)
    if answer is None:
        return NotChecked(f"{interpreter.program} does not answer like a Python interpreter")
    standard_library = _tree_path(answer.standard_library, root)
    if standard_library is None:
        return NotChecked(
            f"{interpreter.program} takes its standard library from {answer.standard_library} of this machine"
        )
    inside = tuple(path for place in answer.search_path if (path := _tree_path(place, root)) is not None)
    return replace(answer, standard_library=standard_library, search_path=inside)


def _answer(output: bytes) -> InterpreterAnswer | None:
    """What :data:`_PROBE` printed: lines of a name and values in hexadecimal."""
    said: dict[str, list[str]] = {}
    try:
        for line in output.splitlines():
            name, *values = line.decode("ascii").split(" ")
            said[name] = [
                bytes.fromhex("" if value == "-" else value).decode("utf-8", "surrogateescape") for value in values
            ]
        major, minor = map(int, said["version"])
        return InterpreterAnswer(
            version=(major, minor),
            cache_tag=said["cache_tag"][0],
            magic=int(said["magic"][0]),
            standard_library=said["standard_library"][0],
            search_path=tuple(said["search_path"]),
            suffixes=tuple(said["suffixes"]),
            optimization=int(said["optimization"][0]),
            builtin=tuple(said["builtin"]),
        )
    except (ValueError, LookupError):  # a program that calls itself python and is none
        return None


def _tree_path(place: str, root: Path) -> str | None:
    prefix = f"{root}/"
    return place[len(prefix) :] if place.startswith(prefix) else None


def _candidates(launcher: Launcher, tree: Tree) -> Iterator[tuple[Start, Node]]:
    seen = set()
    for start in (*launcher.starts, *launcher.further):
        node = tree.resolve(start.program)
        if node is not None and node.is_file and PYTHON_PROGRAM.match(node.name) and node.path not in seen:
            seen.add(node.path)
            yield start, node
    others = (node for node in tree if node.kind in {Kind.FILE, Kind.SYMLINK} and _BIN_PYTHON.match(node.path))
    for other in sorted(others, key=lambda node: (node.path.count("/"), node.path)):
        node = tree.resolve(other.path)
        if node is not None and node.is_executable and node.path not in seen and PYTHON_PROGRAM.match(node.name):
            seen.add(node.path)
            if looks_like_elf(_head(node)):
                yield Start(node.path, loader=launcher.own_loader if launcher.own_loader_up_to is None else None), node


def _head(node: Node) -> bytes:
    try:
        return node.read_at(0, 64)
    except (FormatError, OSError):
        return b""


def _architecture(node: Node) -> str | None:
    try:
        return architecture_name(decode_header(_head(node)))
    except FormatError:
        return None


def interpreter_options(arguments: Sequence[str]) -> tuple[str, ...]:
    """The interpreter's own options at the head of its arguments, up to a script, ``-c`` or ``-m``."""
    found: list[str] = []
    for word in arguments:
        if not _FLAG.match(word):
            break
        found.append(word)
    return tuple(found)
