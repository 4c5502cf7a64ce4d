"""What the launcher does: which environment it makes, which programs of the bundle it starts.

Reads AppRun and what it calls: shell scripts, their hooks, wrapper scripts behind them, the compiled AppRun of AppImageKit, a link to the
program itself, a bundled loader that is started by name.  Nothing is executed.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import Literal

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.run_time_paths import Mount, mount_of
from inspector.facts.shell_script import ARGUMENTS, UNKNOWN, ScriptEnvironment, read_script

LauncherKind = Literal["shell", "python", "elf", "other", "absent"]

_ELF_MAGIC = b"\x7fELF"
_MOST_SCRIPT = 1 << 20
_MOST_COMPILED = 4 << 20
_DEEPEST = 6
_STARTERS = frozenset({"exec", "env", "nohup", "setsid", "command", "eval", "sudo", "nice", "stdbuf"})
_SHELLS = re.compile(rb"#!\s*(?:/\S*/)?(?:env\s+(?:-S\s+)?)?(?:ba|da|k|z|a)?sh\b")
_PYTHON = re.compile(rb"#!.*python")
_COMPILED_SEARCH_PATH = re.compile(rb"LD_LIBRARY_PATH=((?:%s/[\w./-]*:?)+)(%s)?")
_LOADER_NAME = re.compile(r"ld-(?:linux|musl).*\.so(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Launcher:
    """How the bundle starts.

    :ivar path: tree path of the launcher, or None where the layout names none.
    :ivar executable: whether its mode lets it be executed.
    :ivar environment: what its children see, by name; run-time paths.
    :ivar library_path: the value of LD_LIBRARY_PATH that they see, empty elements kept, or None where it is not set.
    :ivar library_path_from: tree path of the file that sets it.
    :ivar programs: tree paths of the ELF executables that it starts, links followed, in order.
    :ivar scripts: tree paths of the scripts that were read on the way.
    :ivar passes_arguments: whether the user's arguments reach the last program.
    """

    path: str | None = None
    kind: LauncherKind = "absent"
    executable: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    library_path: str | None = None
    library_path_from: str | None = None
    programs: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    passes_arguments: bool = False


def read_launcher(artifact: Artifact) -> Launcher:
    """The launcher of an artifact; what cannot be read is left out."""
    layout = artifact.layout
    if layout.launcher is None:
        return Launcher()
    node = artifact.tree.resolve(layout.launcher)
    if node is None or not node.is_file:
        return Launcher(path=layout.launcher)
    return _LauncherReader(artifact, mount_of(artifact)).read(node, layout.launcher)


class _LauncherReader:
    def __init__(self, artifact: Artifact, mount: Mount) -> None:
        self.tree: Tree = artifact.tree
        self.mount = mount
        self.state = ScriptEnvironment()
        self.state.variables["APPDIR"] = mount.run_time(artifact.layout.bundle_root)
        for name, value in artifact.layout.environment.items():
            self.state.variables[name] = value.replace("{root}", mount.root)
            self.state.exported.add(name)
        self.programs: dict[str, None] = {}
        self.scripts: dict[str, None] = {}
        self.library_path_from: str | None = None
        self.passes_arguments = False

    def read(self, node: Node, launcher: str) -> Launcher:
        kind = self._follow(node, launcher, 0)
        if kind == "elf" and launcher == "AppRun":
            self._compiled(node)
        library_path = self.state.variables.get("LD_LIBRARY_PATH")
        return Launcher(
            path=launcher,
            kind=kind,
            executable=node.is_executable,
            environment=self.state.environment(),
            library_path=library_path,
            library_path_from=self.library_path_from,
            programs=tuple(self.programs),
            scripts=tuple(self.scripts),
            passes_arguments=self.passes_arguments or kind == "elf",
        )

    def _follow(self, node: Node, path: str, depth: int) -> LauncherKind:
        """Read a file that is started; ``path`` is the tree path by which it is called."""
        if depth > _DEEPEST or path in self.scripts or node.path in self.programs:
            return "other"
        try:
            head = node.read_at(0, 256)
        except FormatError:
            return "other"
        if head.startswith(_ELF_MAGIC):
            self.programs[node.path] = None
            return "elf"
        if _SHELLS.match(head) or (not head.startswith(b"#!") and node.is_executable and _is_text(head)):
            self.scripts[path] = None
            self._shell(node, path, depth)
            return "shell"
        if head.startswith(b"#!"):
            self.scripts[path] = None
            self._start_words(tuple(head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()), depth)
            return "python" if _PYTHON.match(head) else "other"
        return "other"

    def _shell(self, node: Node, path: str, depth: int) -> None:
        text = _read_text(node)
        before, known = self.state.variables.get("LD_LIBRARY_PATH"), len(self.state.commands)
        read_script(text, self.mount.run_time(path), into=self.state, source=self._sourced)
        if self.state.variables.get("LD_LIBRARY_PATH") != before and self.library_path_from is None:
            self.library_path_from = path
        for words in self.state.commands[known:]:
            self._start_words(words, depth)

    def _sourced(self, target: str) -> list[tuple[str, str]]:
        tree_path = self.mount.tree_path(target)
        if tree_path is None:
            return []
        found: list[tuple[str, str]] = []
        directory, pattern = posixpath.split(tree_path)
        for child in sorted(self.tree.children(directory), key=lambda node: node.path):
            node = self.tree.resolve(child.path)
            if (
                fnmatch.fnmatchcase(child.name, pattern)
                and node is not None
                and node.is_file
                and child.path not in self.scripts
            ):
                self.scripts[child.path] = None
                text = _read_text(node)
                if "LD_LIBRARY_PATH=" in text:
                    self.library_path_from = child.path
                found.append((self.mount.run_time(child.path), text))
        return found

    def _start_words(self, words: tuple[str, ...], depth: int) -> None:
        rest = list(words)
        while rest and (
            posixpath.basename(rest[0]) in _STARTERS or "=" in rest[0].partition("/")[0] or rest[0].startswith("-")
        ):
            rest.pop(0)
        if not rest:
            return
        node, path = self._find_program(rest[0])
        if node is None or path is None:
            return
        if ARGUMENTS in rest[1:]:
            self.passes_arguments = True
        if _LOADER_NAME.fullmatch(node.name):
            self._bundled_loader(rest[1:], depth)
        self._follow(node, path, depth + 1)

    def _bundled_loader(self, words: list[str], depth: int) -> None:
        """``ld-linux-x86-64.so.2 --library-path DIRS program``: the loader's own options, then a program (ld.so(8))."""
        while words and words[0].startswith("--"):
            option = words.pop(0)
            if (
                option
                in ("--library-path", "--argv0", "--preload", "--inhibit-rpath", "--audit", "--glibc-hwcaps-prepend")
                and words
            ):
                value = words.pop(0)
                if option == "--library-path":
                    self.state.variables["LD_LIBRARY_PATH"] = value
        self._start_words(tuple(words), depth)

    def _find_program(self, word: str) -> tuple[Node | None, str | None]:
        if UNKNOWN in word or not word or len(word) > 4096:
            return None, None
        search_path = self.state.variables.get("PATH", "").split(":")
        places = [word] if "/" in word else [f"{directory}/{word}" for directory in search_path if directory]
        for place in places:
            tree_path = self.mount.tree_path(place)
            node = self.tree.resolve(tree_path) if tree_path else None
            if node is not None and node.is_file and tree_path is not None:
                return node, tree_path
        return None, None

    def _compiled(self, node: Node) -> None:
        """AppImageKit's compiled AppRun: its search path stands in a format string, its program in the desktop file (src/AppRun.c)."""
        if node.size > _MOST_COMPILED:
            return
        try:
            match = _COMPILED_SEARCH_PATH.search(node.read_at(0, node.size))
        except FormatError:
            return
        if match is None:
            return
        root = self.state.variables["APPDIR"]
        directories = match[1].decode("ascii").rstrip(":").replace("%s", root)
        # LD_LIBRARY_PATH is not set on most systems, and what the format string puts in its place is empty: the classic trailing colon.
        self.state.variables["LD_LIBRARY_PATH"] = f"{directories}:" if match[2] else directories
        self.state.exported.add("LD_LIBRARY_PATH")
        self.library_path_from = node.path
        self.state.variables["PATH"] = ":".join(
            f"{root}/{directory}" for directory in ("usr/bin", "usr/sbin", "usr/games", "bin", "sbin")
        )
        for name in desktop_commands(self.tree):
            self._start_words((name,), 0)


def desktop_commands(tree: Tree) -> list[str]:
    """The first word of ``Exec`` in each desktop file at the root (Desktop Entry Specification, "The Exec key")."""
    commands: list[str] = []
    for node in tree.children(""):
        target = tree.resolve(node.path) if node.name.endswith(".desktop") else None
        if target is None or not target.is_file:
            continue
        section = ""
        for line in _read_text(target).splitlines():
            if line.startswith("["):
                section = line.strip()
            name, _, value = line.partition("=")
            if section == "[Desktop Entry]" and name.strip() == "Exec":
                try:
                    words = shlex.split(value)
                except ValueError:
                    words = value.split()
                commands.extend(words[:1])
    return commands


def _read_text(node: Node) -> str:
    try:
        return node.read_at(0, min(node.size, _MOST_SCRIPT)).decode("utf-8", "replace")
    except FormatError:
        return ""


def _is_text(head: bytes) -> bool:
    return bool(head) and b"\0" not in head
