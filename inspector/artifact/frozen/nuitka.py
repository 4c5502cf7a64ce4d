"""Nuitka's one-file programs: a starter that unpacks its payload, a folder with the compiled program in it, and starts that.

The tree's root is that folder.  The starter lies in it under a name of its own, without the payload: where it is appended the bytes in front of
it, where
it is linked in the whole file with zeros in the payload's place.
"""

from __future__ import annotations

from functools import partial

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map, ranges_between
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.frozen_tree import BlankedSource, FrozenTree, mode_of
from inspector.errors import FormatError, NothingInspected
from inspector.formats.elf import ElfFile, looks_like_elf, read_elf
from inspector.formats.nuitka import NuitkaPayload, find_payload, read_compiled_modules
from inspector.formats.spliced_program import spliced_program
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.result import EnvelopeInfo, RuntimeInfo
from inspector.source import BytesSource, SliceSource, Source

FORMAT = "nuitka"
_BOOTSTRAP = "bootstrap"
_MARK = b"NUITKA_ONEFILE_PARENT"  # a variable that the starter sets, and the program that it starts reads
_COMPILED = b"__nuitka_binary_dir\0"  # a name that a compiled program has and a starter has not
_PLACE = lazy_pattern(
    rb"\0(\{(?:TEMP|CACHE_DIR|HOME|PROGRAM|PROGRAM_BASE|PROGRAM_DIR|PID|COMPANY|PRODUCT)\}[ -~]{1,300})\0"
)
_PLACE_SCAN = MIB
_LINKED_PAYLOAD = b"KAY\x28\xb5\x2f\xfd"  # the payload's magic, and that of zstd
_CACHE_TEMPLATE = b"{HOME}/.cache"  # what the starter puts for {CACHE_DIR}


def recognises(candidate: Candidate) -> bool:
    """Whether an ELF file is a Nuitka one-file program."""
    if not candidate.is_elf:
        return False
    if not _has_mark(candidate.source, _MARK):
        return _is_cut_off(candidate)
    # The program that a one-file program unpacks reads the variable too; a payload that is stored near the end may hold that program as it is
    return not _has_mark(candidate.source, _COMPILED) or find_payload(candidate.source, candidate.limits) is not None


def _is_cut_off(candidate: Candidate) -> bool:
    """Whether a program with a payload linked in was cut within it, so that the starter's own constants behind it are not there."""
    elf, source = candidate.elf, candidate.source
    if elf is None or elf.header.shoff + elf.header.shnum * elf.header.shentsize <= source.size:
        return False
    return _LINKED_PAYLOAD in source.read_at(0, 2 * MIB)


def _has_mark(source: Source, mark: bytes) -> bool:
    """Whether a mark is among the first or last megabytes, in front of the payload or behind it."""
    return any(mark in source.read_at(start, 2 * MIB) for start in {0, max(source.size - 2 * MIB, 0)})


def open_program(candidate: Candidate) -> Artifact:
    """The program as an artifact.

    :raises NothingInspected: where it cannot be read as one.
    :raises FormatError: where its archive is damaged.
    """
    elf, source = candidate.elf, candidate.source
    if elf is None:
        raise NothingInspected(
            f"{candidate.path} is a Nuitka program whose ELF headers cannot be read: {candidate.elf_error}",
            "the file may be cut off; compare its size with the original",
        )
    payload = find_payload(source, candidate.limits)
    if payload is None:
        raise NothingInspected(
            f"{candidate.path} is the starter of a Nuitka one-file program without its payload",
            "the file is cut off, or a tool such as strip removed what was appended; build it again",
        )
    members = FrozenTree(candidate.limits, [])
    first = add_entries(members, payload)
    if first is not None:
        add_compiled_modules(members, first, candidate.limits)
    bootstrap = members.free_path(_BOOTSTRAP)
    _add_bootstrap(members, bootstrap, elf, payload)
    return Artifact(
        path=candidate.path,
        format=FORMAT,
        arch=elf.arch,
        size=source.size,
        tree=members.tree(),
        layout=RuntimeLayout(
            launcher=bootstrap,
            roots=tuple(path for path in (bootstrap, first) if path is not None and path in members),
            members_at=_members_at(source, payload),
        ),
        envelope=EnvelopeInfo(
            runtime=RuntimeInfo(
                kind="Nuitka one-file starter",
                compressors=("zstd",),
                needs=elf.needed,
                linkage=elf.linkage,
            ),
            payload_size=payload.end - payload.start,
            compression=None if payload.layout == "stored" else "zstd",
        ),
        source=source,
        problems=members.problems,
        byte_map=_byte_map(source, elf, payload),
    )


def add_entries(members: FrozenTree, payload: NuitkaPayload) -> str | None:
    """The entries of a payload as nodes; gives the path of the first file, which is what the starter starts."""
    first = None
    for entry in payload.entries:
        path = members.path_of(entry.name)
        if entry.target is not None:
            members.add_link(path, entry.target)
            continue
        opener = partial(payload.open, entry)
        mode = 0o755 if entry.executable else 0o644
        if members.add_file(path, entry.size, entry.stored, opener, mode=mode) is not None and first is None:
            first = path
    return first


def add_compiled_modules(members: FrozenTree, path: str, limits: Limits) -> None:
    """The modules of a compiled program below ``NAME!/``: bytecode as ``.pyc``, of compiled modules their constants, below ``compiled modules``.

    They have no stored bytes of their own: the program's are those of all.
    """
    node = members.get(path)
    if node is None:
        return
    try:
        if looks_like_elf(node.read_at(0, 4)):
            add_modules_of(members, node, read_elf(node, limits, load_symbols=False), f"{path}!/", limits)
    except FormatError:
        return  # whoever reads all files says that this one is damaged


def add_modules_of(members: FrozenTree, program: Source, elf: ElfFile, prefix: str, limits: Limits) -> None:
    """The modules of a compiled program, with a prefix of their paths.

    :raises FormatError: where the program cannot be decoded.
    """
    for module in read_compiled_modules(program, elf, limits):
        name = members.path_of(module.name.replace(".", "/").encode())
        if not module.is_bytecode:
            name = f"compiled modules/{module.name}"
        else:
            name += "/__init__.pyc" if module.is_package else ".pyc"
        if prefix + name not in members:
            content = SliceSource(program, module.offset, module.size)
            members.add_file(prefix + name, module.size, 0, content=content)


def _add_bootstrap(members: FrozenTree, path: str, elf: ElfFile, payload: NuitkaPayload) -> None:
    source = payload.source
    if not payload.appended:
        stored = source.size - (payload.end - payload.start)
        content = BlankedSource(source, payload.start, payload.end)
        members.add_file(path, source.size, stored, mode=mode_of(source), content=content)
        return
    try:
        head, tail = spliced_program(source, elf, payload.start, source.size).around(0)
    except FormatError as error:
        members.problems.append(problem_of(path, error))
        return
    program = BytesSource(head + tail)
    members.add_file(path, program.size, program.size, mode=mode_of(source), content=program)


def _members_at(source: Source, payload: NuitkaPayload) -> str:
    """Where the program unpacks itself to, as it was told when it was built; otherwise what Nuitka's manual names as the usual place."""
    for start, end in ((0, min(payload.start, _PLACE_SCAN)), (payload.end, payload.end + _PLACE_SCAN)):
        for found in _PLACE.findall(source.read_at(start, end - start)):
            if found != _CACHE_TEMPLATE:
                return str(found.decode())
    return "{TEMP}/onefile_{PID}_{TIME}"


def _byte_map(source: Source, elf: ElfFile, payload: NuitkaPayload) -> dict[str, int]:
    entries = [payload.stored_range(entry) for entry in payload.entries]
    if payload.appended:
        headers = [(0, payload.start), (payload.end, source.size)]
    else:
        headers = [(0, payload.start), (payload.end, min(elf.image_end, source.size))]
    headers += ranges_between(entries, payload.start, payload.end)
    end = source.size if payload.appended else elf.image_end
    return byte_map(source, headers=headers, entries=entries, end=end, padding_end=end)
