"""A tree that is a whole root file system, or is unpacked over one: its loader, and the directories that a loader searches by default.

glibc's loader reads ``/etc/ld.so.cache``, which ldconfig makes of ``/etc/ld.so.conf`` and the built-in directories; musl's reads
``/etc/ld-musl-<arch>.path`` or has three of its own.  A cache in the tree may be of another day, so the directories are taken as ldconfig takes them.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.launchers.launcher_facts import Launcher
from inspector.patterns import lazy_pattern

_LARGEST_FILE = 1 << 20
_MOST_FILES = 1000
_MOST_DIRECTORIES = 200
_BUILT_IN = ("lib64", "usr/lib64", "lib", "usr/lib")  # elf/dl-load.c, system_dirs
_MUSL = ("lib", "usr/local/lib", "usr/lib")  # ldso/dynlink.c
_MULTIARCH = lazy_pattern(r"[a-z0-9_]+-linux-(?:gnu|musl)\w*")
"""Names of Debian's directories for one architecture, which are built into its loader (Debian's glibc, debian/rules.d)."""


def with_own_loader(launcher: Launcher, artifact: Artifact, objects: Sequence[ElfObject]) -> Launcher:
    """The launcher of a root file system whose programs are started by the loader in it; the same launcher where it has none."""
    if not artifact.layout.file_system_root or launcher.own_loader is not None:
        return launcher
    named = Counter(found.elf.interpreter for found in objects if found.elf.is_program and found.elf.interpreter)
    for name, _ in named.most_common():
        node = artifact.tree.resolve(name, root="") if name is not None else None
        if node is not None and node.is_file:
            return replace(launcher, own_loader=node.path)
    return launcher


def default_directories(artifact: Artifact, objects: Sequence[ElfObject]) -> tuple[str, ...]:
    """Tree paths of the directories that the system's loader searches by default and that hold libraries; () of other trees."""
    if not artifact.layout.file_system_root:
        return ()
    tree = artifact.tree
    holding = {posixpath.dirname(found.path) for found in objects}
    found: dict[str, None] = {}
    for directory in (*_configured(tree), *_multiarch(holding), *_BUILT_IN, *_MUSL):
        node = tree.resolve(directory, root="")
        if node is not None and node.kind is Kind.DIRECTORY and node.path in holding:
            found.setdefault(node.path)
    return tuple(found)[:_MOST_DIRECTORIES]


def _multiarch(holding: set[str]) -> list[str]:
    places = ("lib", "usr/lib")
    return sorted(
        path for path in holding if posixpath.dirname(path) in places and _MULTIARCH.fullmatch(posixpath.basename(path))
    )


def _configured(tree: Tree) -> Iterator[str]:
    """The directories of ``/etc/ld.so.conf`` and what it includes, and those of musl's path file."""
    for node in tree.children("etc"):
        if node.is_file and fnmatchcase(node.name, "ld-musl-*.path"):
            yield from (part.strip("/") for part in re.split(r"[\n:]", _text(tree, node.path)) if part)
    pending, seen = ["etc/ld.so.conf"], set[str]()
    while pending and len(seen) < _MOST_FILES:
        file = pending.pop(0)
        if file in seen:
            continue
        seen.add(file)
        for written in _text(tree, file).splitlines():
            line = written.partition("#")[0].strip()
            if line.startswith(("include ", "include\t")):
                for pattern in line.split()[1:]:
                    path = (
                        pattern.lstrip("/")
                        if pattern.startswith("/")
                        else posixpath.join(posixpath.dirname(file), pattern)
                    )
                    pending += _matches(tree, path)
            elif line.startswith("/"):
                yield line.partition("=")[0].strip("/")


def _matches(tree: Tree, pattern: str) -> list[str]:
    directory, _, last = pattern.rpartition("/")
    return sorted(
        node.path for node in tree.children(directory) if fnmatchcase(node.name, last) and not node.name.startswith(".")
    )


def _text(tree: Tree, path: str) -> str:
    node = tree.resolve(path, root="")
    if node is None or not node.is_file:
        return ""
    try:
        return node.read_at(0, min(node.size, _LARGEST_FILE)).decode("utf-8", "replace")
    except FormatError:
        return ""
