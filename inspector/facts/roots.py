"""What is started or loaded by name: the roots from which everything else is reached."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from inspector.artifact.tree import Tree
from inspector.facts.desktop_entries import desktop_commands
from inspector.facts.elf_objects import ElfObject
from inspector.facts.launcher import Launcher
from inspector.resources import load_table

Role = Literal["entry", "extension", "plugin", "optional"]

_EXTENSION_SUFFIX = re.compile(r"\.(?:cpython-\d+\w*(?:-[\w-]+)?|abi3t?|pypy\d+-pp\w+(?:-[\w-]+)?)\.so$")
_PYTHON_PROGRAM = re.compile(r"(?:python|pypy)\d*(?:\.\d+)*(?:[a-z]{0,2})$")


@dataclass(frozen=True, slots=True)
class Root:
    """An object that is loaded for its own sake.

    :ivar path: tree path.
    :ivar program: tree path of the executable in whose process it is loaded, itself for a program; None where no one is known.
    """

    path: str
    role: Role
    program: str | None = None


def find_roots(objects: Sequence[ElfObject], tree: Tree, launcher: Launcher) -> tuple[Root, ...]:
    """The roots that names and places tell; objects that none of them reaches become optional roots of the load graph.

    A bundle without a launcher has every program in a ``bin`` directory as an entry, and one without programs in such a place every program.
    """
    by_path = {found.path: found for found in objects}
    programs = [found for found in objects if found.elf.is_program]
    entries = _entries(by_path, programs, tree, launcher)
    roots = [Root(path, "entry", path) for path in entries]
    roots += [Root(found.path, "optional", found.path) for found in programs if found.path not in entries]
    interpreters = [root.path for root in roots if is_python_program(by_path[root.path])]
    patterns = load_table("libraries/plugins.toml")["plugin"]
    for found in objects:
        if found.elf.is_program or not found.elf.has_dynamic or found.elf.type != "DYN":
            continue
        if is_extension_module(found):
            roots.append(Root(found.path, "extension", nearest(interpreters, found.path)))
        elif any(fnmatch.fnmatchcase(f"/{found.path}", pattern["path"]) for pattern in patterns):
            roots.append(Root(found.path, "plugin", nearest(entries, found.path)))
    return tuple(roots)


def _entries(by_path: dict[str, ElfObject], programs: Sequence[ElfObject], tree: Tree, launcher: Launcher) -> list[str]:
    if len(by_path) == 1 and len(programs) <= 1:
        return [found.path for found in programs]
    if launcher.path is not None:
        names = [*launcher.programs, *_desktop_programs(tree)]
        found = list(dict.fromkeys(path for path in names if path in by_path and by_path[path].elf.is_program))
        if found:
            return found
    in_bin = [
        found.path for found in programs if posixpath.basename(posixpath.dirname(found.path)) in ("bin", "sbin", "")
    ]
    return in_bin or [found.path for found in programs]


def _desktop_programs(tree: Tree) -> Iterable[str]:
    for command in desktop_commands(tree):
        for directory in ("usr/bin", "bin", ""):
            node = tree.resolve(posixpath.join(directory, posixpath.basename(command.words[0])))
            if node is not None and node.is_file:
                yield node.path


def is_python_program(found: ElfObject) -> bool:
    """Whether an executable is a Python interpreter or embeds one."""
    return bool(_PYTHON_PROGRAM.fullmatch(found.name)) or any(name.startswith("libpython") for name in found.elf.needed)


def is_extension_module(found: ElfObject) -> bool:
    """Whether a shared object is imported by Python: by its suffix (PEP 3149, PEP 384), or a plain ``name.so`` among Python packages."""
    if _EXTENSION_SUFFIX.search(found.name):
        return True
    return (
        found.name.endswith(".so")
        and not found.name.startswith("lib")
        and found.elf.soname is None
        and any(part in ("site-packages", "dist-packages", "lib-dynload") for part in found.path.split("/")[:-1])
    )


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
