"""PyInstaller's folder: a program with its own modules in it, everything else beside it or in a directory beside it (``_internal``)."""

from __future__ import annotations

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.files_beside import MembersBeside
from inspector.artifact.frozen.pyinstaller import add_members
from inspector.artifact.frozen.pyinstaller_dependencies import OtherPrograms
from inspector.artifact.frozen.pyinstaller_starter import contents_folder, envelope_of
from inspector.artifact.names import text_of
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.frozen_tree import FrozenTree
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf, read_elf
from inspector.formats.pyinstaller import archive_of, find_cookie
from inspector.limits import KIB, Limits

FORMAT = "pyinstaller-folder"
_SMALLEST_PROGRAM = 16 * KIB
_MOST_PROGRAMS = 32  # in one folder; more are not looked at


def open_folder(artifact: Artifact, limits: Limits) -> Artifact:
    """The folder with the modules of its programs; the artifact as it is where no program of it carries an archive."""
    members = FrozenTree(limits, artifact.problems)
    members.take(artifact.tree)
    programs: list[str] = []
    folders: list[str] = []
    libraries: list[str] = []
    arch = envelope = refusal = None
    for node in [child for child in artifact.tree.children("") if child.is_executable][:_MOST_PROGRAMS]:
        try:
            if node.size < _SMALLEST_PROGRAM or not looks_like_elf(node.read_at(0, 4)):
                continue
            cookie = find_cookie(node)
            if cookie is None:
                continue
            archive = archive_of(node, cookie, limits)
            others = OtherPrograms(archive, MembersBeside(artifact.tree, node.path), limits)
            add_members(members, archive, f"{node.path}!/", limits, others)
            if others.refusal is not None and (refusal is None or (others.refusal.certain and not refusal.certain)):
                refusal = others.refusal
            elf = read_elf(node, limits, load_symbols=False)
        except FormatError as error:
            artifact.problems.append(problem_of(node.path, error))
            continue
        stays = sum(found.stored for found in archive.entries if found.kind not in "dn")
        node.stored_size = max(node.stored_size - stays, 0)  # the members have the rest
        arch = arch or elf.arch
        envelope = envelope or envelope_of(archive, elf, f"{node.path}!/")
        folder = contents_folder(archive)
        programs.append(node.path)
        folders.append(folder)
        python = text_of(cookie.python_library.encode("utf-8", "surrogateescape"))
        libraries.append(f"{folder}/{python}".lstrip("/"))
    if not programs:
        return artifact
    return replace(
        artifact,
        format=FORMAT,
        arch=arch,
        tree=members.tree(),
        layout=RuntimeLayout(
            launcher=programs[0],
            search_path=tuple(dict.fromkeys(folders)),
            roots=tuple(path for path in dict.fromkeys([*programs, *libraries]) if path in members),
            refusal=refusal,
        ),
        envelope=envelope,
    )
