"""What cx_Freeze makes: a folder with starters, ``lib/`` and the modules in ``lib/library.zip``.

A starter puts ``lib/library.zip`` and ``lib`` on the module path (cx_Freeze, "initscripts"); before release 6.0 the archive lay beside it as
``python3X.zip``.  The archive is opened as an artifact inside this one.
"""

from __future__ import annotations

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import DirectoryReader
from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf, read_elf
from inspector.limits import Limits
from inspector.patterns import lazy_pattern

FORMAT = "cx_freeze"
_ARCHIVE = lazy_pattern(r"(?:lib/library\.(?:zip|dat)|lib/python3\d*\.zip|python3\d*\.zip)")
_LICENSE = "frozen_application_license.txt"
_MOST_STARTERS = 32  # in one folder; more are not looked at


def _is_folder(tree: Tree) -> bool:
    """Whether the licence that cx_Freeze adds, or its archive, lies where it puts them, with a program beside."""
    marked = _LICENSE in tree or any(
        _ARCHIVE.fullmatch(node.path) for directory in ("", "lib") for node in tree.children(directory)
    )
    return marked and "AppRun" not in tree and any(node.is_executable for node in tree.children(""))


def _open_folder(artifact: Artifact, limits: Limits) -> Artifact:
    starters = []
    arch = None
    for node in [child for child in artifact.tree.children("") if child.is_executable][:_MOST_STARTERS]:
        try:
            if not looks_like_elf(node.read_at(0, 4)):
                continue
            elf = read_elf(node, limits, load_symbols=False)
        except FormatError:
            continue  # the sweep over all ELF files reports it
        if elf.is_program:
            starters.append(node.path)
            arch = arch or elf.arch
    if not starters:
        return artifact
    return replace(
        artifact, format=FORMAT, arch=arch, layout=RuntimeLayout(launcher=starters[0], roots=tuple(starters))
    )


READER = DirectoryReader(
    FORMAT,
    "a cx_Freeze folder",
    ("Starters are looked for in the folder itself, not below it.",),
    _is_folder,
    _open_folder,
)
