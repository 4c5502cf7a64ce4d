"""What the launcher does: which environment it makes, which programs of the bundle it starts.

Reads AppRun and what it calls: shell scripts, their hooks, wrapper scripts behind them, the compiled launchers of
:mod:`inspector.facts.launchers.compiled_launchers`, a link to the program itself, a bundled loader that is started by name.  Nothing is executed.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Mapping

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.launchers.compiled_launchers import LauncherFamily, recognise_launcher
from inspector.facts.launchers.launcher_facts import Launcher, LauncherKind, Start
from inspector.facts.launchers.shell_files import ShellFiles, read_text
from inspector.facts.launchers.shell_script import ARGUMENTS, UNKNOWN, ScriptEnvironment, read_script
from inspector.facts.loading.run_time_paths import Mount, mount_of
from inspector.patterns import lazy_pattern

__all__ = ["Launcher", "LauncherKind", "Start", "read_launcher"]

_ELF_MAGIC = b"\x7fELF"
_DEEPEST = 8
_MOST_SCRIPTS = 200
_MOST_SCRIPT_SIZE = 64 << 10  # a larger file in a directory of programs is a program, or an archive that unpacks itself
_STARTERS = frozenset({"exec", "env", "nohup", "setsid", "command", "eval", "sudo", "nice", "stdbuf", "time"})
_SHELLS = lazy_pattern(rb"#!\s*(?:/\S*/)?(?:env\s+(?:-S\s+)?)?(?:ba|da|k|z|a)?sh\b")
_PYTHON = lazy_pattern(rb"#!.*python")
_LOADER_NAME = lazy_pattern(r"ld-(?:linux|musl)[\w.-]*\.so(?:\.\d+)?|ld64\.so\.\d|ld\.so\.1|ld-2\.\d+\.so")
_LOADER_VALUES = frozenset(
    {
        "--library-path",
        "--argv0",
        "--preload",
        "--inhibit-rpath",
        "--audit",
        "--glibc-hwcaps-prepend",
        "--glibc-hwcaps-mask",
    }
)


def read_launcher(artifact: Artifact, environment: Mapping[str, str] | None = None) -> Launcher:
    """The launcher of an artifact; what cannot be read is left out.

    :param environment: variables that have these values whatever a launcher does; run-time paths begin as :func:`mount_of` says (``$APPDIR``).
    """
    reader = _LauncherReader(artifact, mount_of(artifact), environment or {})
    launcher = artifact.layout.launcher
    if launcher is None:
        return reader.result(None, "absent", executable=False)
    node = artifact.tree.resolve(launcher)
    if node is None or not node.is_file:
        return reader.result(launcher, "absent", executable=False)
    kind = reader.follow(node, launcher, None, (), 0)
    return reader.result(launcher, kind, executable=node.is_executable)


class _LauncherReader:
    def __init__(self, artifact: Artifact, mount: Mount, environment: Mapping[str, str]) -> None:
        self.tree: Tree = artifact.tree
        self.mount = mount
        self.files = ShellFiles(artifact.tree, mount)
        self.machine = artifact.arch
        self.state = ScriptEnvironment(fixed=frozenset(environment))
        self.state.variables.update(environment)
        self.state.exported.update(environment)
        self.state.set("APPDIR", mount.run_time(artifact.layout.bundle_root))
        if artifact.format.startswith(
            "appimage"
        ):  # what the runtimes set: type2-runtime src/runtime/runtime.c, AppImageKit src/runtime.c
            self.state.exported.add("APPDIR")
            for name in ("APPIMAGE", "ARGV0", "OWD"):
                self.state.set(name, f"${name}")
                self.state.exported.add(name)
        for name, value in artifact.layout.environment.items():
            self.state.set(name, value.replace("{root}", mount.root))
            self.state.exported.add(name)
        self.starts: dict[str, Start] = {}
        self.commands: dict[Start, None] = {}
        self.scripts: dict[str, None] = {}
        self.library_path_from: str | None = None
        self.loader_library_path: str | None = None
        self.passes_arguments = False
        self.family: LauncherFamily | None = None
        self.own_loader: str | None = None
        self.own_loader_up_to: str | None = None
        self.own_loader_library_path: str | None = None
        self.preloads: dict[str, None] = {}

    def result(self, path: str | None, kind: LauncherKind, *, executable: bool) -> Launcher:
        """What was found, and then what the scripts beside the programs start."""
        environment = self.state.environment()
        inherited = environment.get("LD_LIBRARY_PATH")
        library_path = self.loader_library_path if self.loader_library_path is not None else inherited
        preloads = [*self.preloads, *re.split(r"[\s:]+", environment.get("LD_PRELOAD", ""))]
        starts = tuple(self.starts.values())
        launcher = Launcher(
            path=path,
            kind=kind,
            executable=executable,
            environment=environment,
            library_path=library_path,
            library_path_from=self.library_path_from if library_path is not None else None,
            programs=tuple(start.program for start in starts),
            scripts=tuple(self.scripts),
            passes_arguments=self.passes_arguments or kind == "elf",
            library_path_inherited=library_path == inherited,
            family=self.family,
            starts=starts,
            commands=tuple(self.commands),
            own_loader=self.own_loader,
            own_loader_up_to=self.own_loader_up_to,
            own_loader_library_path=self.own_loader_library_path,
            preloads=tuple(dict.fromkeys(name for name in preloads if name and UNKNOWN not in name)),
        )
        further = self._further(set(self.starts))
        return replace(launcher, further=further) if further else launcher

    def follow(self, node: Node, path: str, by: str | None, arguments: tuple[str, ...], depth: int) -> LauncherKind:
        """Read a file that is started; ``path`` is the tree path by which it is called, ``by`` that of its caller."""
        if depth > _DEEPEST or path in self.scripts or len(self.scripts) > _MOST_SCRIPTS:
            return "other"
        try:
            head = node.read_at(0, 256)
        except (FormatError, OSError):
            return "other"
        if head.startswith(_ELF_MAGIC):
            self._program(node, path, by, arguments, depth)
            return "elf"
        if _SHELLS.match(head) or (not head.startswith(b"#!") and node.is_executable and _is_text(head)):
            self.scripts[path] = None
            self._shell(node, path, depth)
            return "shell"
        if head.startswith(b"#!"):
            self.scripts[path] = None
            interpreter = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
            self._start_words((*interpreter, self.mount.run_time(path), *arguments), path, depth)
            return "python" if _PYTHON.match(head) else "other"
        return "other"

    # -- programs ------------------------------------------------------------------------------------------------------------------------

    def _program(self, node: Node, path: str, by: str | None, arguments: tuple[str, ...], depth: int) -> None:
        compiled = recognise_launcher(node, path, self.tree, self.mount, self.machine, self.state.variables)
        if compiled is None or compiled.family != "sharun":
            start = Start(node.path, arguments, by, self._loader_of(node))
            self.starts.setdefault(node.path, start)
            self.commands[start] = None
        if compiled is None:
            return
        self.family = compiled.family
        for name in compiled.unset:
            self.state.unset(name)
        for name, value in compiled.variables.items():
            self.state.set(name, value)
            self.state.exported.add(name)
        if compiled.family == "appimagekit" or compiled.settings is not None:
            self.library_path_from = compiled.settings or node.path
        self.preloads.update(dict.fromkeys(compiled.preloads))
        if compiled.own_loader is not None:
            self.own_loader = compiled.own_loader
            self.own_loader_up_to = compiled.own_loader_up_to
        if compiled.family == "sharun":
            self.loader_library_path = compiled.own_loader_library_path
        else:
            self.own_loader_library_path = compiled.own_loader_library_path
        for words in compiled.commands:
            self._start_words(words, path, depth)

    def _loader_of(self, node: Node) -> str | None:
        return self.own_loader if self.own_loader_up_to is None and node.path != self.own_loader else None

    def _shell(self, node: Node, path: str, depth: int) -> None:
        text = read_text(node)
        before, known = self.state.environment().get("LD_LIBRARY_PATH"), len(self.state.commands)
        read_script(
            text,
            self.mount.run_time(path),
            into=self.state,
            source=self._sourced,
            files=self.files,
            machine=self.machine,
        )
        if self.state.environment().get("LD_LIBRARY_PATH") != before and self.library_path_from is None:
            self.library_path_from = path
        for words in self.state.commands[known:]:
            self._start_words(words, path, depth)

    def _sourced(self, target: str) -> list[tuple[str, str]]:
        tree_path = self.mount.tree_path(target)
        if tree_path is None or UNKNOWN in target:
            return []
        found: list[tuple[str, str]] = []
        directory, pattern = posixpath.split(tree_path)
        for child in sorted(self.tree.children(directory), key=lambda node: node.path):
            if not fnmatch.fnmatchcase(child.name, pattern):
                continue
            node = self.tree.resolve(child.path)
            if node is not None and node.is_file and child.path not in self.scripts:
                self.scripts[child.path] = None
                text = read_text(node)
                if "LD_LIBRARY_PATH=" in text:
                    self.library_path_from = child.path
                found.append((self.mount.run_time(child.path), text))
        return found

    def _start_words(self, words: tuple[str, ...], by: str, depth: int) -> None:
        rest = list(words)
        while rest and (
            posixpath.basename(rest[0]) in _STARTERS or "=" in rest[0].partition("/")[0] or rest[0].startswith("-")
        ):
            takes_value = rest.pop(0) in ("-u", "-a", "-C")  # env -u NAME, exec -a NAME
            if takes_value and rest:
                rest.pop(0)
        if not rest:
            return
        node, path = self._find_program(rest[0])
        if node is None or path is None:
            return
        if ARGUMENTS in rest[1:]:
            self.passes_arguments = True
        if _LOADER_NAME.fullmatch(node.name):
            self._bundled_loader(node, rest[1:], by, depth)
            return
        self.follow(node, path, by, tuple(rest[1:]), depth + 1)

    def _bundled_loader(self, loader: Node, words: list[str], by: str, depth: int) -> None:
        """``ld-linux-x86-64.so.2 --library-path DIRS program``: the loader's own options, then a program (ld.so(8))."""
        while words and words[0].startswith("--"):
            option, _, value = words.pop(0).partition("=")
            if option in _LOADER_VALUES and not value and words:
                value = words.pop(0)
            if option == "--library-path":
                self.loader_library_path = value
                self.library_path_from = by
            elif option == "--preload":
                self.preloads.update(dict.fromkeys(re.split(r"[\s:]+", value)))
        if words:
            self.own_loader = loader.path
            self.own_loader_up_to = None
            self._start_words(tuple(words), by, depth)

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

    # -- scripts beside the programs -------------------------------------------------------------------------------------------------------

    def _further(self, known: set[str]) -> tuple[Start, ...]:
        """What the scripts in the bundle's directories of programs start, each in the environment that the launcher leaves."""
        before = (dict(self.state.variables), set(self.state.exported), dict(self.scripts))
        found: dict[str, Start] = {}
        for node in self._bin_scripts():
            self.state.variables, self.state.exported = dict(before[0]), set(before[1])
            self.state.commands.clear()
            self.starts.clear()
            self.follow(node, node.path, None, (), 1)
            for path, start in self.starts.items():
                if path not in known:
                    found.setdefault(path, start)
        return tuple(found.values())

    def _bin_scripts(self) -> list[Node]:
        directories = [
            node.path
            for node in self.tree
            if node.kind is Kind.DIRECTORY and node.name in ("bin", "sbin", "libexec", "games")
        ]
        scripts = [
            node
            for directory in directories
            for node in self.tree.children(directory)
            if node.is_executable and node.path not in self.scripts and node.size < _MOST_SCRIPT_SIZE
        ]
        return sorted(scripts, key=lambda node: node.path)[:_MOST_SCRIPTS]


def _is_text(head: bytes) -> bool:
    return bool(head) and b"\0" not in head
