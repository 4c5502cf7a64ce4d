"""What is started or loaded by name: the roots from which everything else is reached."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from inspector.artifact.tree import Kind, Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.launchers.desktop_entries import desktop_commands
from inspector.facts.launchers.launcher import Launcher
from inspector.facts.loading.opened_libraries import find_opened_libraries
from inspector.facts.loading.plugins import PluginFolders
from inspector.facts.python.extension_modules import (
    Abi,
    fits,
    interpreter_abi,
    is_extension_module,
    is_python_library,
    is_python_program,
    is_test_module,
    module_abi,
    suffix_rank,
)
from inspector.patterns import lazy_pattern

__all__ = ["Role", "Root", "find_roots", "is_extension_module", "is_python_program", "nearest"]

Role = Literal["entry", "extension", "plugin", "optional"]

_STARTED_BY_FORMAT = "is started by the starter of the bundle's own format"
_STANDARD_LIBRARY = lazy_pattern(r"(?:python|pypy)\d\.\d+[a-z]?")


class Root(Struct, frozen=True):
    """An object that is loaded for its own sake.

    :ivar path: tree path.
    :ivar program: tree path of the executable in whose process it is loaded, itself for a program; None where no one is known.
    :ivar reason: why it is one, a clause that goes on from its path: "is started by AppRun".
    :ivar loader: tree path of a loader of the bundle by which its process is started, None for the loader that the program names.
    """

    path: str
    role: Role
    program: str | None = None
    reason: str = ""
    loader: str | None = None


def find_roots(
    objects: Sequence[ElfObject],
    tree: Tree,
    launcher: Launcher,
    format_roots: Sequence[str] = (),
    mount_root: str = "$APPDIR",
) -> tuple[Root, ...]:
    """The roots that names and places tell; objects that none of them reaches become optional roots of the load graph.

    A bundle without a launcher has every program in a ``bin`` directory as an entry, and one without programs in such a place every program.

    :param format_roots: :attr:`RuntimeLayout.roots`, what the format's own starter starts or loads: its programs are entries.  A library of
        Python among them is an interpreter: in its scope extension modules are judged, as the starter opens it for all to see.
    :param mount_root: what run-time paths in the launcher's environment begin with.
    """
    by_path = {found.path: found for found in objects}
    programs = [found for found in objects if found.elf.is_program]
    opened = [by_path[path] for path in format_roots if path in by_path]
    entries = _entries(by_path, programs, tree, launcher, [found.path for found in opened if found.elf.is_program])
    further = {start.program: f"is started by {start.by}" for start in launcher.further if start.by is not None}
    loaders = {start.program: start.loader for start in (*launcher.starts, *launcher.further)}
    roots = [Root(path, "entry", path, reason, loaders.get(path)) for path, reason in entries.items()]
    for found in programs:
        if found.path not in entries:
            reason = further.get(found.path, "is a program that the launcher does not start")
            roots.append(Root(found.path, "optional", found.path, reason, loaders.get(found.path)))
    starters = {root.path: root.loader for root in roots}
    folders = PluginFolders(objects, tree, launcher.environment, mount_root)
    interpreters = [by_path[root.path] for root in roots if is_python_program(by_path[root.path])]
    interpreters += [found for found in opened if is_python_library(found)]
    modules = _Interpreters(interpreters, tree)
    others = _opened_by_format(opened, list(entries))
    named = {root.path for root in others}
    extensions: list[ElfObject] = []
    for found in objects:
        if found.elf.is_program or not found.elf.has_dynamic or found.elf.type != "DYN" or found.path in named:
            continue
        if is_extension_module(found):
            extensions.append(found)
        elif (plugin := folders.of(found.path)) is not None:
            others.append(Root(found.path, plugin.role, nearest(list(entries), found.path), plugin.reason))
    others += modules.roots(extensions)
    known = {root.path for root in others}
    others += _preloaded(launcher, by_path, list(entries), known)
    known.update(root.path for root in others)
    others += _opened(objects, list(entries), known)
    roots += [
        Root(root.path, root.role, root.program, root.reason, starters.get(root.program or "")) for root in others
    ]
    return tuple(roots)


def _entries(
    by_path: Mapping[str, ElfObject],
    programs: Sequence[ElfObject],
    tree: Tree,
    launcher: Launcher,
    started_by_format: Sequence[str],
) -> dict[str, str]:
    """Tree paths of what is started first, each with the reason."""
    if len(by_path) == 1 and len(programs) <= 1:
        return {found.path: "is the artifact itself" for found in programs}
    if launcher.path is not None:
        entries: dict[str, str] = {}
        for path, reason in (*_started(launcher), *_named_in_menus(tree, launcher)):
            if path in by_path and by_path[path].elf.is_program:
                entries.setdefault(path, reason)
        if entries:
            return entries | dict.fromkeys(started_by_format, _STARTED_BY_FORMAT) | entries
    if started_by_format:
        return dict.fromkeys(started_by_format, _STARTED_BY_FORMAT)
    in_bin = [
        found.path for found in programs if posixpath.basename(posixpath.dirname(found.path)) in ("bin", "sbin", "")
    ]
    if in_bin:
        return dict.fromkeys(in_bin, "is a program in a bin directory")
    return {found.path: "is a program" for found in programs}


def _opened_by_format(opened: Sequence[ElfObject], entries: Sequence[str]) -> list[Root]:
    """Libraries and modules that the format's starter opens itself, each in the process of the program nearest to it: without them nothing starts."""
    return [
        Root(found.path, "entry", nearest(entries, found.path), "is opened by the starter of the bundle's own format")
        for found in opened
        if not found.elf.is_program and found.elf.has_dynamic and found.elf.type == "DYN"
    ]


def _started(launcher: Launcher) -> Iterator[tuple[str, str]]:
    for start in launcher.starts:
        yield (
            start.program,
            f"is started by {start.by}" if start.by is not None else f"is {launcher.path}, the launcher",
        )


def _named_in_menus(tree: Tree, launcher: Launcher) -> Iterator[tuple[str, str]]:
    """The programs that desktop files name, themselves or behind a script."""
    for command in desktop_commands(tree):
        for directory in ("usr/bin", "bin", ""):
            node = tree.resolve(posixpath.join(directory, posixpath.basename(command.words[0])))
            if node is None or not node.is_file:
                continue
            yield node.path, f"is named in {command.path}"
            for start in launcher.further:
                if start.by == node.path:
                    yield start.program, f"is started by {start.by}, which {command.path} names"


def _preloaded(
    launcher: Launcher, by_path: Mapping[str, ElfObject], entries: Sequence[str], known: set[str]
) -> Iterator[Root]:
    names = {posixpath.basename(name) for name in launcher.preloads}
    for path, found in by_path.items():
        if path not in known and not found.elf.is_program and names & {found.name, found.elf.soname}:
            yield Root(path, "plugin", nearest(entries, path), "is loaded before all others (LD_PRELOAD)")


def _opened(objects: Sequence[ElfObject], entries: Sequence[str], known: set[str]) -> Iterator[Root]:
    """Libraries of the bundle that no DT_NEEDED names and that some object is known to open by name."""
    needed = {name for found in objects for name in found.elf.needed}
    openers = {soname: opened for opened in reversed(find_opened_libraries(objects)) for soname in opened.sonames}
    for found in objects:
        name = found.elf.soname or found.name
        opened = openers.get(name) or openers.get(found.name)
        if opened is None or found.elf.is_program or found.path in known or name in needed or found.name in needed:
            continue
        role: Role = "optional" if opened.priority == "suggested" else "plugin"
        yield Root(found.path, role, nearest(entries, found.path), f"is opened by {opened.opener} ({opened.feature})")


class _Interpreters:
    """The bundle's Python interpreters, and which of them imports a module."""

    def __init__(self, programs: Sequence[ElfObject], tree: Tree) -> None:
        prefixes = []
        if programs:
            prefixes = [
                node.path
                for node in tree
                if node.kind is Kind.DIRECTORY
                and _STANDARD_LIBRARY.fullmatch(node.name)
                and "lib" in node.path.split("/")
            ]
        self.programs = [(found, interpreter_abi(found, prefixes)) for found in programs]

    def roots(self, modules: Sequence[ElfObject]) -> list[Root]:
        """The extension modules as roots: in the process of the nearest interpreter that fits; "optional" where nobody imports them."""
        rows = [(found, *self._reader(found)) for found in modules]
        ranks: dict[tuple[str, str], int] = {}
        for found, _, refusal in rows:
            if not refusal:
                name, rank = suffix_rank(found.name)
                place = (posixpath.dirname(found.path), name)
                ranks[place] = min(rank, ranks.get(place, rank))
        roots = []
        for found, program, refusal in rows:
            name, rank = suffix_rank(found.name)
            if not refusal and rank > ranks[posixpath.dirname(found.path), name]:
                refusal = "is passed over: Python takes the file of the same module with a more exact suffix"
            if not refusal and is_test_module(found.path):
                refusal = "is a module for tests"
            reason = refusal or (
                f"is imported by {program}" if program else "is imported by a Python that is not in the bundle"
            )
            roots.append(Root(found.path, "optional" if refusal else "extension", program, reason))
        return roots

    def _reader(self, module: ElfObject) -> tuple[str | None, str]:
        """The interpreter in whose process it is loaded, and why it is never imported ("" where it is)."""
        if not self.programs:
            return None, ""
        wanted = module_abi(module)
        candidates = [
            found.path for found, abi in self.programs if fits(wanted, abi) and found.elf.machine == module.elf.machine
        ]
        if candidates:
            return nearest(candidates, module.path), ""
        return nearest([found.path for found, _ in self.programs], module.path), self._refusal(module, wanted)

    def _refusal(self, module: ElfObject, wanted: Abi) -> str:
        if all(found.elf.machine != module.elf.machine for found, _ in self.programs):
            return f"is for {module.elf.arch}, and no interpreter of the bundle is"
        present = ", ".join(sorted({str(abi) for _, abi in self.programs}))
        return f"is for {wanted}, and the bundle has {present}: it is never imported"


def nearest(candidates: Sequence[str], path: str) -> str | None:
    """The candidate with the longest common path with ``path``, the first of equals; None where there is none."""
    parts = path.split("/")

    def common(candidate: str) -> int:
        shared = 0
        for one, other in zip(candidate.split("/"), parts, strict=False):
            if one != other:
                break
            shared += 1
        return shared

    return max(candidates, key=common) if candidates else None
