"""From what was written while a bundle ran to the tree paths that it used: reports of the audit hook, of strace, of the loader, and memory maps."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf
from inspector.formats.pyc import split_cached_path
from inspector.patterns import lazy_pattern

_LONGEST_LINE = 1 << 16
_LINK_HOPS = 40  # Linux: MAXSYMLINKS, include/linux/namei.h
_MODULE_SUFFIX = lazy_pattern(r"(?:\.(?:cpython|pypy|abi3)[\w-]*)?\.(?:so|py|pyc)$")

# strace -y: call(AT_FDCWD</cwd>, "path", …) = 3</resolved/path>
_CALL = lazy_pattern(
    rb'(\w+)\((?:(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, )?(?:"((?:[^"\\]|\\.)*)")?.*\) += (\d+)(?:<((?:[^>\\]|\\.)*)>)?'
)
_WORKING_DIRECTORY = lazy_pattern(rb"AT_FDCWD<((?:[^>\\]|\\.)*)>")
_ESCAPE = lazy_pattern(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_OPENING = frozenset((b"open", b"openat", b"openat2", b"creat", b"execve", b"execveat"))
_EXAMINING = frozenset(
    (
        b"stat",
        b"lstat",
        b"newfstatat",
        b"fstatat64",
        b"statx",
        b"access",
        b"faccessat",
        b"faccessat2",
        b"readlink",
        b"readlinkat",
    )
)

# LD_DEBUG=files: "     4711:	calling init: /lib/libc.so.6"
_LOADED = lazy_pattern(r"^\s*\d+:\s+(?:calling init|initialize program|calling fini): (/.*?)(?: \[\d+\])?$")
_MAPPED = lazy_pattern(r"^[0-9a-f]+-[0-9a-f]+ ..x. .* (/.*)$")


class Sightings(Struct):
    """Absolute paths and module names, as they were seen.

    :ivar loaded: paths that were mapped as code.
    :ivar wanted: modules that an import asked for; whether it found them is not said.
    """

    opened: set[str] = field(default_factory=set)
    examined: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    processes: set[int] = field(default_factory=set)


class UsedPaths(Struct, frozen=True):
    """The same within a tree."""

    files: frozenset[str]
    examined: frozenset[str]
    libraries: frozenset[str]
    modules: frozenset[str]


def read_hook_reports(directory: Path, seen: Sightings) -> None:
    """The files that :mod:`inspector.slim.tracing.trace_hook` writes, one a process."""
    for report in _reports(directory):
        seen.processes.add(_number(report.name))
        for line in _lines(report):
            kind, _, text = line.partition(b" ")
            try:
                said = os.fsdecode(bytes.fromhex(text.decode("ascii")))
            except ValueError:
                continue
            if kind in {b"open", b"cached"}:
                seen.opened.add(said)
            elif kind == b"dlopen" and said.startswith("/"):
                seen.loaded.add(said)
            elif kind == b"module":
                seen.modules.add(said)
            elif kind == b"wanted":
                seen.wanted.add(said)


def read_strace_reports(directory: Path, seen: Sightings) -> None:
    """The files that ``strace -ff -y -o directory/call`` writes, one a process."""
    for report in _reports(directory):
        seen.processes.add(_number(report.name.rpartition(".")[2]))
        here = b"/"
        for line in _lines(report):
            if (found := _WORKING_DIRECTORY.search(line)) is not None:
                here = _unescaped(found[1])
            call = _CALL.match(line)
            if call is None:
                continue
            name, directory_path, given, _, resolved = call.groups()
            base = _unescaped(directory_path) if directory_path is not None else here
            path = posixpath.join(base, _unescaped(given)) if given else b""
            if name in _OPENING:
                seen.opened.update(os.fsdecode(p) for p in (path, _unescaped(resolved or b"")) if p.startswith(b"/"))
            elif name in _EXAMINING and path.startswith(b"/"):
                seen.examined.add(os.fsdecode(path))
            elif name == b"chdir" and path:
                here = path


def read_loader_reports(directory: Path, seen: Sightings) -> None:
    """The files that glibc's loader writes for ``LD_DEBUG=files`` with ``LD_DEBUG_OUTPUT``, one a process."""
    for report in _reports(directory):
        seen.processes.add(_number(report.name.rpartition(".")[2]))
        for line in _lines(report):
            found = _LOADED.match(os.fsdecode(line))
            if found is not None:
                seen.loaded.add(found[1])


def read_memory_map(process: int, seen: Sightings) -> None:
    """The files that a running process has mapped as code (proc(5), "/proc/pid/maps"); nothing where it has ended."""
    try:
        text = Path(f"/proc/{process}/maps").read_bytes()
    except OSError:
        return
    seen.processes.add(process)
    for line in os.fsdecode(text).splitlines():
        found = _MAPPED.match(line)
        if found is not None:
            seen.loaded.add(found[1])


def used_paths(seen: Sightings, root: Path, tree: Tree) -> UsedPaths:
    """What was seen, as paths of a tree that lay at ``root``; everything outside of it is left out."""
    seen.processes.discard(0)
    prefix = f"{root}/"
    files: set[str] = set()
    libraries: set[str] = set()
    for path in (*seen.opened, *seen.loaded):
        trail = _trail(path, prefix, tree)
        files.update(trail)
        if path in seen.loaded and trail:
            libraries.update(trail[-1:])
    libraries |= {path for path in files if _is_elf(path, tree)}
    examined = {found for path in seen.examined for found in _trail(path, prefix, tree)} - files
    modules = seen.modules | {name for name in seen.wanted if name in _module_names(files)}
    return UsedPaths(frozenset(files), frozenset(examined), frozenset(libraries), frozenset(modules))


def _trail(path: str, prefix: str, tree: Tree) -> list[str]:
    """Tree paths of the links that are followed on the way, in order, and last of the file they lead to; [] where it is no file of the tree."""
    if not path.startswith(prefix):
        return []
    found: list[str] = []
    done: list[str] = []
    todo = path[len(prefix) :].split("/")[::-1]
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                return []
            done.pop()
            continue
        done.append(part)
        node = tree.get("/".join(done))
        if node is None:
            if not todo:
                return []
        elif node.kind is Kind.SYMLINK:
            found.append(node.path)
            target = node.target or ""
            if len(found) > _LINK_HOPS or (target.startswith("/") and not target.startswith(prefix)):
                return found[:1]
            if target.startswith(prefix):
                target, done = target[len(prefix) :], []
            else:
                done.pop()
            todo.extend(target.split("/")[::-1])
        elif node.kind is Kind.FILE:
            return [*found, node.path] if not todo else []
    return []


def _module_names(files: Iterable[str]) -> frozenset[str]:
    """Every dotted name by which one of these files may have been imported."""
    names: set[str] = set()
    for path in files:
        cached = split_cached_path(path)
        stem, count = _MODULE_SUFFIX.subn("", cached.source if cached is not None else path)
        if not count:
            continue
        parts = stem.removesuffix("/__init__").split("/")
        names.update(".".join(parts[start:]) for start in range(len(parts)))
    return frozenset(names)


def _is_elf(path: str, tree: Tree) -> bool:
    node = tree.get(path)
    try:
        return node is not None and node.is_file and looks_like_elf(node.read_at(0, 4))
    except (FormatError, OSError):
        return False


def _reports(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_file())


def _lines(report: Path) -> Iterator[bytes]:
    """Lines without their ends; of a line that is too long, its parts."""
    with report.open("rb") as stream:
        while line := stream.readline(_LONGEST_LINE):
            yield line.rstrip(b"\n")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 12 else 0


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[bytes]) -> bytes:
    text = match[1]
    if text[0] in b"01234567":
        return bytes([int(text, 8) & 0xFF])
    if text[:1] == b"x" and len(text) == 3:
        return bytes([int(text[1:], 16)])
    return _LETTERS.get(text, text)
