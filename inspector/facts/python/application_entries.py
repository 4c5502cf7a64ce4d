"""From what a bundle starts to the modules that its Python begins with: a closed application, or an interpreter that is open to its user.

A launcher that hands the user's words to the interpreter before a script is fixed (``exec python "$@"``) lets the user import anything, and so does
one that nobody can follow.  In doubt an interpreter is open: an open one keeps every module.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError, UsageError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.launchers.launcher_facts import Launcher, Start
from inspector.facts.launchers.shell_script import ARGUMENTS, UNKNOWN
from inspector.facts.loading.run_time_paths import Mount, mount_of
from inspector.facts.python.extension_modules import is_python_program
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.module_index import ModuleIndex
from inspector.patterns import lazy_pattern

_PROGRAM = lazy_pattern(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?[a-z]{0,2}$")
_PYTHON_SCRIPT = lazy_pattern(rb"#![^\n]*python")
_TAKES_VALUE = frozenset("WX")  # python(1): -W arg, -X opt
_MODULE = lazy_pattern(r"[A-Za-z_]\w*(?:\.\w+)*(?::\w[\w.]*)?")


class ApplicationEntries(Struct, frozen=True):
    """Where the application's Python begins.

    :ivar closed: whether only ``modules``, ``files`` and ``code`` are started; otherwise the user may import every module.
    :ivar modules: full names that are started or imported first.
    :ivar files: tree paths of scripts, and of directories and archives with a ``__main__``.
    :ivar code: pieces of code (``-c``).
    :ivar reasons: for each of the modules, then of the files, then of the pieces of code a clause that says who starts it; for an open
        interpreter why it is open.
    """

    closed: bool
    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def application_entries(
    artifact: Artifact,
    launcher: Launcher,
    index: ModuleIndex,
    objects: Sequence[ElfObject] = (),
    entries: Sequence[str] = (),
) -> ApplicationEntries:
    """What the launcher starts of Python, or what the user declares.

    :param objects: the ELF objects, for programs that embed Python.
    :param entries: tree paths of scripts, or names of modules ("package.module", "module:function"); they make a closed application.
    :raises UsageError: for an entry that the bundle does not have.
    """
    reader = _EntryReader(artifact, index, objects)
    if not entries:
        return reader.of_launcher(launcher)
    declared = reader.declared(entries)
    started = reader.of_launcher(launcher)
    return started if started.closed else declared


class _EntryReader:
    def __init__(self, artifact: Artifact, index: ModuleIndex, objects: Sequence[ElfObject]) -> None:
        self._tree: Tree = artifact.tree
        self._mount: Mount = mount_of(artifact)
        self._index = index
        self._embedding = {
            found.path for found in objects if is_python_program(found) and not _PROGRAM.fullmatch(found.name)
        }
        self._modules: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._code: dict[str, str] = {}

    def declared(self, entries: Sequence[str]) -> ApplicationEntries:
        """What the user names; what the launcher starts is added to it later."""
        for entry in entries:
            path = entry.strip("/")
            node = self._tree.resolve(path)
            if node is not None and (node.is_file or f"{path}/__main__.py" in self._tree):
                self._files[path] = "--entry names it"
            elif _MODULE.fullmatch(entry) and self._index.find(entry.partition(":")[0]):
                self._modules[entry.partition(":")[0]] = "--entry names it"
            else:
                raise UsageError(f"--entry {entry}: the bundle has no such file and no such module")
        return self._result()

    def of_launcher(self, launcher: Launcher) -> ApplicationEntries:
        """What is declared and what the launcher starts, or why its interpreter is open."""
        if launcher.path is None:
            return _open("nothing says how it is started")
        starts = launcher.commands or launcher.starts
        embedding = next((start.program for start in starts if start.program in self._embedding), None)
        if embedding is not None:
            return _open(f"{embedding} has Python built in, and nothing shows what it imports")
        pythons = [start for start in starts if _PROGRAM.fullmatch(posixpath.basename(start.program))]
        if not pythons:
            return _open("no launcher that could be read starts Python")
        for start in pythons:
            why_open = self._take(start, launcher)
            if why_open is not None:
                return _open(why_open)
        return self._result()

    def _result(self) -> ApplicationEntries:
        return ApplicationEntries(
            closed=True,
            modules=tuple(self._modules),
            files=tuple(self._files),
            code=tuple(self._code),
            reasons=(*self._modules.values(), *self._files.values(), *self._code.values()),
        )

    def _take(self, start: Start, launcher: Launcher) -> str | None:
        """Note what one start of an interpreter runs; a clause where that may be anything."""
        by = start.by or launcher.path or "the launcher"
        words = list(start.arguments)
        while words:
            word = words.pop(0)
            if ARGUMENTS in word:
                return f"{by} hands the user's arguments to {start.program}"
            if UNKNOWN in word and not word.endswith((".py", ".pyc", ".pyz")):
                return f"{by} starts {start.program} with words that cannot be told"
            if word == "-":
                return f"{by} starts {start.program} with code from its input"
            if not word.startswith("-"):
                return self._script(word, by, start)
            if word.startswith("--"):
                continue
            for number, letter in enumerate(word[1:], 1):
                if letter in "cm":
                    value = word[number + 1 :] or (words.pop(0) if words else "")
                    return self._module(value, by) if letter == "m" else self._text(value, by, start)
                if letter == "i":
                    return f"{by} starts {start.program} with -i"
                if letter in _TAKES_VALUE:
                    if number + 1 == len(word) and words:
                        words.pop(0)
                    break
        return f"{by} starts {start.program} without a script"

    def _module(self, name: str, by: str) -> str | None:
        if not _MODULE.fullmatch(name):
            return f"{by} starts Python with a module that cannot be told"
        if name.partition(".")[0] in implicit_imports().open_programs:
            return f"{by} starts {name}, which runs any code"
        self._modules[name] = f"{by} starts it (-m)"
        return None

    def _text(self, code: str, by: str, start: Start) -> str | None:
        if UNKNOWN in code or ARGUMENTS in code or not code:
            return f"{by} starts {start.program} with code that cannot be told"
        if re.search(r"\b(?:exec|eval|compile|runpy|interact|execfile)\b", code):
            return f"{by} starts {start.program} with code that runs other code"
        self._code[code] = f"{by} starts it (-c)"
        return None

    def _script(self, word: str, by: str, start: Start) -> str | None:
        path = self._mount.tree_path(word)
        node = self._tree.resolve(path) if path is not None else None
        if node is None or path is None:
            return f"{by} starts {start.program} with {word.replace(UNKNOWN, '…')}, which the bundle does not have"
        module = self._index.at(node.path)
        name = module.top_level if module is not None and not module.loose else _console_script_module(node)
        if name in implicit_imports().open_programs:
            return f"{by} starts {path}, which runs any code"
        self._files[path] = f"{by} starts it"
        return None


def _console_script_module(node: Node) -> str | None:
    """The top-level module that an installer's wrapper script calls: its first import that is not the standard library's."""
    if not node.is_file or node.size > 4096:
        return None
    try:
        text = node.read_at(0, 4096)
    except (FormatError, OSError):
        return None
    if not _PYTHON_SCRIPT.match(text):
        return None
    match = re.search(rb"^from (\w+)[\w.]* import (?:main|\w+)", text, re.MULTILINE)
    return None if match is None else match[1].decode("ascii")


def _open(reason: str) -> ApplicationEntries:
    return ApplicationEntries(closed=False, reasons=(reason,))


def with_modules(entries: ApplicationEntries, modules: Sequence[str], reason: str) -> ApplicationEntries:
    """The same entries and more modules."""
    more = [name for name in dict.fromkeys(modules) if name not in entries.modules]
    known = len(entries.modules)
    reasons = (*entries.reasons[:known], *(reason for _ in more), *entries.reasons[known:])
    return replace(entries, modules=(*entries.modules, *more), reasons=reasons)
