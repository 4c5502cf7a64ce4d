"""PyInstaller's programs: one file with everything in it, or the program of a folder, which carries its own modules only.

The tree's root is the directory that the program unpacks its members into when it starts, so that binaries and data lie at their own paths.  What
stays in
the program lies there too: the archive of modules (its modules below ``PYZ.pyz!/``), start scripts and start modules as ``.pyc``, the bootloader,
which is
the program without its archive.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace as replaced

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.decoded_ahead import decoded_ahead
from inspector.artifact.frozen.pyinstaller_dependencies import OtherPrograms
from inspector.artifact.frozen.pyinstaller_starter import (
    contents_folder,
    envelope_of,
    is_bootloader,
    members_at,
    says_contents_folder,
)
from inspector.artifact.gaps import byte_map
from inspector.artifact.names import text_of
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Node
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.frozen_tree import FrozenTree, mode_of
from inspector.errors import FormatError, NothingInspected
from inspector.formats.decoded_blocks import DecodedBlocks
from inspector.formats.elf import ElfFile
from inspector.formats.pyinstaller import (
    Cookie,
    Entry,
    PyInstallerArchive,
    archive_of,
    find_cookie,
    read_module_archive,
)
from inspector.formats.spliced_program import spliced_program
from inspector.formats.zlib_member import ZlibMember, check_ratio, decoded_size
from inspector.limits import Limits
from inspector.model import Problem
from inspector.source import BytesSource, FileSource, SliceSource, Source

FORMAT = "pyinstaller"
_BOOTLOADER = "bootloader"
_SECTION = "pydata"
_ENCRYPTION_KEY = b"pyimod00_crypto_key"


def recognises(candidate: Candidate) -> bool:
    """Whether an ELF file is a PyInstaller program."""
    if not candidate.is_elf or (candidate.elf is not None and not candidate.elf.is_program):
        return False  # headers that cannot be read may be those of a program that is cut off
    try:
        cookie = find_cookie(candidate.source)
    except FormatError:
        return is_bootloader(candidate.source)
    return cookie is not None or (is_bootloader(candidate.source) and _is_cut_off(candidate))


def _is_cut_off(candidate: Candidate) -> bool:
    """Whether an archive was there: the headers point behind the file's end, or name its section."""
    elf = candidate.elf
    if elf is None:
        return True
    header = elf.header
    end = header.shoff + header.shnum * header.shentsize
    section = elf.section(_SECTION)
    return end > candidate.source.size or (section is not None and section.size > 0)


def open_program(candidate: Candidate) -> Artifact:
    """The program as an artifact.

    :raises NothingInspected: where it cannot be read as one.
    :raises FormatError: where its archive is damaged.
    """
    elf, source = candidate.elf, candidate.source
    cookie = find_cookie(source)
    if elf is None or cookie is None:
        raise NothingInspected(
            f"{candidate.path} is a PyInstaller program without its archive"
            + ("" if elf is not None else f", and its ELF headers cannot be read: {candidate.elf_error}"),
            "the file is cut off, or a tool such as strip removed the archive; build it again, or compare its size with the original",
        )
    problems: list[Problem] = []
    archive = archive_of(source, cookie, candidate.limits)
    members = FrozenTree(candidate.limits, problems)
    others = OtherPrograms(archive, candidate.beside, candidate.limits)
    started = add_members(members, archive, "", candidate.limits, others)
    library = text_of(cookie.python_library.encode("utf-8", "surrogateescape"))
    is_one_file = any(entry.is_extracted or entry.kind == "d" for entry in archive.entries)
    bootloader = None
    if is_one_file or isinstance(source, FileSource):
        bootloader = members.free_path(_BOOTLOADER)
        _add_bootloader(members, bootloader, source, elf, cookie)
    if (
        not is_one_file and bootloader is not None
    ):  # nested in something else, its folder is there, and itself it is what starts
        folder = contents_folder(archive)
        problems.append(
            Problem(
                kind="members-elsewhere",
                subject="",
                message=f"the program of a PyInstaller folder: its libraries lie in {folder or 'the directory'} beside it;"
                " audit the whole directory",
            )
        )
    return Artifact(
        path=candidate.path,
        format=FORMAT,
        arch=elf.arch,
        size=source.size,
        tree=members.tree(decoded_ahead),
        layout=RuntimeLayout(
            launcher=bootloader,
            search_path=("",),
            roots=tuple(path for path in (bootloader, library, *started) if path is not None and path in members),
            members_at=members_at(archive) if is_one_file else None,
            refusal=others.refusal,
        ),
        envelope=replaced(envelope_of(archive, elf), members_from=tuple(others.found)),
        source=source,
        problems=problems,
        byte_map=_byte_map(source, elf, archive),
    )


def add_members(
    members: FrozenTree, archive: PyInstallerArchive, prefix: str, limits: Limits, others: OtherPrograms | None = None
) -> list[str]:
    """The entries of an archive as nodes; those that cannot be read become problems.  Gives the paths of what stays in the program when it runs.

    :param prefix: of every path: "" for a tree of its own, "app!/" inside a directory.
    :param others: the programs that this one takes members from.
    """
    staying: list[str] = []
    # PyInstaller 6, which says where the folder's contents lie, makes data not executable; releases before made everything so
    data_mode = 0o600 if says_contents_folder(archive) else 0o700
    encrypted = any(entry.name == _ENCRYPTION_KEY for entry in archive.entries)
    for entry in archive.entries:
        if entry.kind == "o":
            continue
        if entry.kind == "d":
            _add_dependency(members, entry.name, prefix, others, data_mode)
            continue
        path = prefix + members.path_of(entry.name)
        if entry.kind == "n":
            _add_link(members, archive, entry, path)
        else:
            path = member_path(path, entry)
            if not entry.is_extracted:
                staying.append(path)
            node = members.add_file(
                path, entry.size, entry.stored, archive.opener(entry), mode=0o700 if entry.kind == "b" else data_mode
            )
            if node is not None and entry.kind == "z":
                _add_modules(members, node, archive.open(entry), limits, encrypted=encrypted)
    return staying


def _add_dependency(
    members: FrozenTree, name: bytes, prefix: str, others: OtherPrograms | None, data_mode: int
) -> None:
    """A member of another program, which has no stored bytes in this one."""
    program, _, member = name.rpartition(b":")
    path = prefix + members.path_of(member)
    try:
        found = others.member(name) if others is not None else None
    except FormatError as error:
        members.problems.append(problem_of(path, error))
        return
    if found is None:
        message = (
            f"it lies in {text_of(program)}, another program of the multipackage bundle, and was not found there: without"
            " it this program does not start; audit the programs beside each other, as they are installed"
        )
        members.problems.append(Problem(kind="member-elsewhere", subject=path, message=message))
        return
    if prefix:
        return  # the directory has it: as a file, or below the other program
    mode = found.mode if found.mode is not None else 0o700 if found.kind == "b" else data_mode
    members.add_file(path, found.size, 0, found.opener, mode=mode)


def member_path(path: str, entry: Entry) -> str:
    """Where a member lies in the tree: code under a name that says so, so that a script "app" stands beside a directory "app"."""
    return f"{path}.pyc" if entry.is_code else path


def _add_link(members: FrozenTree, archive: PyInstallerArchive, entry: Entry, path: str) -> None:
    try:
        target = archive.open(entry).read_at(0, min(entry.size, 65_535)).split(b"\0", 1)[0]
    except FormatError as error:
        members.problems.append(problem_of(path, error))
        return
    members.add_link(path, target)


def _add_modules(members: FrozenTree, container: Node, source: Source, limits: Limits, *, encrypted: bool) -> None:
    """The modules below their archive; its own node keeps what no module has of its stored bytes, so that all add up."""
    if encrypted:
        message = "its modules are encrypted (PyInstaller's option --key, removed in 6.0): their names and stored sizes are known, not their content"
        members.problems.append(Problem(kind="encrypted-members", subject=container.path, message=message))
    try:
        archive = read_module_archive(source, limits)
    except FormatError as error:
        members.problems.append(problem_of(container.path, error))
        return
    blocks = DecodedBlocks()
    left = limits.decoded_data
    for module in archive.modules:
        path = f"{container.path}!/{members.path_of(module.path.encode('utf-8', 'surrogateescape'))}"
        if module.kind == "namespace":
            members.add_directory(path)
            continue
        if encrypted:
            content = SliceSource(source, module.offset, module.stored)
            if members.add_file(path, module.stored, module.stored, content=content) is not None:
                container.stored_size -= module.stored
            continue
        try:
            size, start = decoded_size(source, module.offset, module.stored, left)
            check_ratio(module.stored, size, limits)
        except FormatError as error:
            members.problems.append(problem_of(path, error))
            continue
        left -= size
        opener = partial(ZlibMember, source, module.offset, module.stored, size, blocks, limits, start=start)
        if members.add_file(path, size, module.stored, opener) is not None:
            container.stored_size -= module.stored


def _add_bootloader(members: FrozenTree, path: str, source: Source, elf: ElfFile, cookie: Cookie) -> None:
    try:
        head, tail = spliced_program(source, elf, cookie.start, cookie.end).around(0)
    except FormatError as error:
        members.problems.append(problem_of(path, error))
        return
    program = BytesSource(head + tail)
    members.add_file(path, program.size, program.size, mode=mode_of(source), content=program)


def _byte_map(source: Source, elf: ElfFile, archive: PyInstallerArchive) -> dict[str, int]:
    cookie = archive.cookie
    end = max(cookie.end, elf.image_end)
    headers = [(0, cookie.start), archive.table_range, (cookie.position, cookie.end), *_behind(elf, cookie.end)]
    entries: Iterable[tuple[int, int]] = [archive.entry_range(entry) for entry in archive.entries]
    return byte_map(source, headers=headers, entries=entries, end=end, padding_end=end)


def _behind(elf: ElfFile, position: int) -> list[tuple[int, int]]:
    """Sections and the table of section headers that lie behind a position."""
    found = [
        (section.offset, section.offset + section.size)
        for section in elf.sections
        if section.occupies_file and section.offset >= position
    ]
    header = elf.header
    if header.shoff >= position:
        found.append((header.shoff, header.shoff + header.shnum * header.shentsize))
    return found
