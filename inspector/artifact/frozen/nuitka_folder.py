"""Nuitka's standalone folder: the compiled program, and beside it the extension modules and libraries that it loads.

The program's own DT_RPATH is ``$ORIGIN``, so that whatever it opens is looked for in the folder first; it sets no variable and starts nothing else.
Modules that stayed bytecode lie in the program.  Observed in folders of Nuitka 2.8 and 4.3, with libpython linked in and beside the program.
"""

from __future__ import annotations

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.frozen.nuitka import add_compiled_modules, add_modules_of
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Node
from inspector.artifact.tree_making.frozen_tree import FrozenTree
from inspector.errors import FormatError
from inspector.formats.elf import ElfFile, looks_like_elf, read_elf
from inspector.formats.nuitka import is_compiled_program
from inspector.limits import Limits
from inspector.result import EnvelopeInfo, RuntimeInfo

FORMAT = "nuitka-folder"
_OWN_DIRECTORY = "$ORIGIN"
_MOST_PROGRAMS = 32  # in one folder; more are not looked at


def open_folder(artifact: Artifact, limits: Limits) -> Artifact:
    """The folder with the modules of its programs; the artifact as it is where no program of it was compiled by Nuitka to run from a folder."""
    programs: dict[str, ElfFile] = {}
    for node in [child for child in artifact.tree.children("") if child.is_executable][:_MOST_PROGRAMS]:
        try:
            elf = _headers(node, limits)
            if elf is not None and is_compiled_program(node, elf):
                programs[node.path] = elf
        except FormatError:
            continue  # the sweep over all ELF files reports it
    if not programs:
        return artifact
    members = FrozenTree(limits, artifact.problems)
    members.take(artifact.tree)
    for path in programs:
        add_compiled_modules(members, path, limits)
    first = next(iter(programs.values()))
    return replace(
        artifact,
        format=FORMAT,
        arch=first.arch,
        tree=members.tree(),
        layout=RuntimeLayout(launcher=next(iter(programs)), roots=tuple(programs)),
        envelope=EnvelopeInfo(
            runtime=RuntimeInfo(kind="Nuitka compiled program", needs=first.needed, linkage=first.linkage)
        ),
    )


def is_compiled(candidate: Candidate) -> bool:
    """Whether a member of another artifact is the program of such a folder: compiled by Nuitka, and its run path begins in its own directory."""
    elf = candidate.elf
    return (
        elf is not None and any(path.startswith(_OWN_DIRECTORY) for path in _run_paths(elf)) and
        is_compiled_program(candidate.source, elf)
    )  # fmt: skip


def open_compiled(candidate: Candidate) -> Artifact:
    """The modules of such a program.

    :raises FormatError: where the program cannot be decoded.
    """
    elf = candidate.elf
    members = FrozenTree(candidate.limits, [])
    if elf is not None:
        add_modules_of(members, candidate.source, elf, "", candidate.limits)
    return Artifact(
        path=candidate.path,
        format=FORMAT,
        arch=None if elf is None else elf.arch,
        size=candidate.source.size,
        tree=members.tree(),
        source=candidate.source,
        problems=members.problems,
    )


def _headers(node: Node, limits: Limits) -> ElfFile | None:
    """The headers of a program that looks for libraries in its own directory; None of everything else."""
    if not looks_like_elf(node.read_at(0, 4)):
        return None
    elf = read_elf(node, limits, load_symbols=False)
    return elf if elf.is_program and any(path.rstrip("/") == _OWN_DIRECTORY for path in _run_paths(elf)) else None


def _run_paths(elf: ElfFile) -> list[str]:
    return f"{elf.rpath or ''}:{elf.runpath or ''}".split(":")
