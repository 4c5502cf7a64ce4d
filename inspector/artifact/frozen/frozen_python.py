"""Programs with their own frozen modules: made by PyRun, by CPython's Tools/freeze, or by hand.

The program lies in the tree under its own name; the modules of its tables, as ``.pyc``, below ``NAME!/``.  What CPython itself freezes into every
program
does not make a program one of these.
"""

from __future__ import annotations

import posixpath
from functools import cache

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.frozen_tree import FrozenTree, mode_of
from inspector.errors import FormatError, NothingInspected
from inspector.formats.frozen_modules import FrozenModule, FrozenTable, read_frozen_tables
from inspector.limits import MIB
from inspector.resources import load_table
from inspector.result import EnvelopeInfo, RuntimeInfo
from inspector.source import SliceSource, Source

FORMAT = "frozen-python"
_INTERPRETER_MARKS = (b"frozen object named ", b"PyImport_FrozenModules")
"""What CPython's import.c says of a frozen module that is none; every version since 2.x has it."""
_PYRUN = b"pyrun"
_CHUNK = MIB


@cache
def _own_modules() -> frozenset[str]:
    return frozenset(load_table("python/frozen_by_python.toml")["modules"])


def recognises(candidate: Candidate) -> bool:
    """Whether an ELF file is a program with frozen modules that are not CPython's own."""
    if candidate.elf is None or not candidate.elf.is_program or not _holds(candidate.source, _INTERPRETER_MARKS):
        return False
    return bool(_tables(candidate))


def _holds(source: Source, marks: tuple[bytes, ...]) -> bool:
    longest = max(len(mark) for mark in marks)
    position = 0
    while position < source.size:
        chunk = source.read_at(position, _CHUNK + longest)
        if any(mark in chunk for mark in marks):
            return True
        position += _CHUNK
    return False


def _tables(candidate: Candidate) -> tuple[FrozenTable, ...]:
    """The tables of a program, where one of them has modules that are not CPython's own."""
    elf = candidate.elf
    if elf is None or not elf.is_program:
        return ()
    try:
        tables = read_frozen_tables(candidate.source, elf, candidate.limits)
    except FormatError:
        return ()
    known = _own_modules()
    return tables if any(module.name not in known for table in tables for module in table.modules) else ()


def open_program(candidate: Candidate) -> Artifact:
    """The program as an artifact.

    :raises NothingInspected: where it cannot be read as one.
    :raises FormatError: where its archive is damaged.
    """
    elf, source = candidate.elf, candidate.source
    tables = _tables(candidate)
    if elf is None or not tables:
        raise NothingInspected(f"{candidate.path} has no frozen modules that can be read", "audit it as an ELF file")
    members = FrozenTree(candidate.limits, [])
    name = members.path_of(posixpath.basename(candidate.path).encode("utf-8", "surrogateescape"))
    known: set[int] = set()  # two names may share one code
    own = 0
    program = members.add_file(name, source.size, source.size, mode=mode_of(source), content=source)
    for module in (module for table in tables for module in table.modules):
        path = f"{name}!/{_path_of(module)}"
        if path in members:
            continue  # the same module in two tables: the first is found first
        stored = 0 if module.offset in known else module.size
        known.add(module.offset)
        own += stored
        members.add_file(path, module.size, stored, content=SliceSource(source, module.offset, module.size))
    if program is not None:
        program.stored_size = max(source.size - own, 0)
    end = min(elf.image_end, source.size)
    modules = [module for table in tables for module in table.modules]
    return Artifact(
        path=candidate.path,
        format=FORMAT,
        arch=elf.arch,
        size=source.size,
        tree=members.tree(),
        layout=RuntimeLayout(launcher=name, roots=(name,)),
        envelope=EnvelopeInfo(
            runtime=RuntimeInfo(
                kind="PyRun" if _holds(source, (_PYRUN,)) else "CPython with frozen modules",
                needs=elf.needed,
                linkage=elf.linkage,
            ),
            payload_size=own,
        ),
        source=source,
        problems=members.problems,
        byte_map=byte_map(
            source,
            headers=_around(modules, end),
            entries=[(module.offset, module.offset + module.size) for module in modules],
            end=end,
            padding_end=end,
        ),
    )


def _around(modules: list[FrozenModule], end: int) -> list[tuple[int, int]]:
    """The program's own bytes: all that no module has."""
    found = []
    position = 0
    for start, stop in sorted((module.offset, module.offset + module.size) for module in modules):
        if start > position:
            found.append((position, start))
        position = max(position, stop)
    return [*found, (position, end)]


def _path_of(module: FrozenModule) -> str:
    path = module.name.replace(".", "/")
    return f"{path}/__init__.pyc" if module.is_package else f"{path}.pyc"
