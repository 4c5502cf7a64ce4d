"""The readers of the ZIP family: wheels, eggs, PEX, shiv and zipapp files, and any other archive.

What makes a tree of them is imported when a file is one, so that whoever audits an AppImage does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate, DirectoryReader, Reader
from inspector.artifact.zip_ending import ZIP_BEGINNINGS
from inspector.errors import FormatError, NothingInspected
from inspector.patterns import lazy_pattern

if TYPE_CHECKING:
    from inspector.artifact.tree import Tree
    from inspector.formats.zip import ZipArchive
    from inspector.limits import Limits

_MAIN = b"__main__.py"
_PEX_INFO = b"PEX-INFO"
_WHEEL = lazy_pattern(rb"[^/]+\.dist-info/WHEEL")
_TOP_LEVEL_MODULE = lazy_pattern(rb"[^/]+(?:/__init__)?\.pyc?")
_TOP_LEVEL_BYTECODE = lazy_pattern(rb"[^/]+\.pyc")
_SDIST = lazy_pattern(rb"[^/]+-[^/-]+/PKG-INFO")


def _names(candidate: Candidate) -> ZipArchive | None:
    """The archive of a file whose first bytes allow one; of an ELF file never: what freezers append has readers of its own."""
    if candidate.is_elf:
        return None
    archive = candidate.zip
    return None if isinstance(archive, FormatError) else archive


def _is_windows_program(candidate: Candidate) -> bool:
    if not candidate.head.startswith(b"MZ"):
        return False
    archive = _names(candidate)
    return archive is not None and any(entry.name.endswith((b".pyc", b".py")) for entry in archive.entries)


def _refuse_windows_program(candidate: Candidate) -> Artifact:
    raise NothingInspected(
        f"{candidate.path} is a Windows program with a ZIP archive of Python modules behind it, as py2exe makes it",
        "Inspector audits Linux bundles; to see the modules alone, cut the archive out: zip -F",
    )


def _is_wheel(candidate: Candidate) -> bool:
    archive = _names(candidate)
    distributions = 0 if archive is None else sum(_WHEEL.fullmatch(entry.name) is not None for entry in archive.entries)
    if archive is None or distributions == 0 or candidate.path.endswith(".whl"):
        return distributions > 0
    # An archive to import from may hold the metadata of what it was made of
    return distributions == 1 and not any(_TOP_LEVEL_BYTECODE.fullmatch(entry.name) for entry in archive.entries)


def _is_egg(candidate: Candidate) -> bool:
    archive = _names(candidate)
    return archive is not None and b"EGG-INFO/PKG-INFO" in archive


def _is_pex(candidate: Candidate) -> bool:
    archive = _names(candidate)
    return archive is not None and _PEX_INFO in archive and _MAIN in archive


def _is_shiv(candidate: Candidate) -> bool:
    archive = _names(candidate)
    return (
        archive is not None
        and b"environment.json" in archive
        and b"_bootstrap/__init__.py" in archive
        and _MAIN in archive
    )


def _is_zipapp(candidate: Candidate) -> bool:
    archive = _names(candidate)
    return archive is not None and (_MAIN in archive or b"__main__.pyc" in archive)


def _is_sdist(candidate: Candidate) -> bool:
    archive = _names(candidate)
    return archive is not None and any(_SDIST.fullmatch(entry.name) for entry in archive.entries)


def _is_python_archive(candidate: Candidate) -> bool:
    """Whether it is there to be imported from: nearly all members are modules, and some lie where an import begins to look."""
    archive = _names(candidate)
    if archive is None:
        return False
    files = [entry.name for entry in archive.entries if not entry.is_directory]
    modules = [name for name in files if name.endswith((b".pyc", b".py"))]
    return len(modules) * 5 >= len(files) * 4 and any(_TOP_LEVEL_MODULE.fullmatch(name) for name in modules)


def _is_zip(candidate: Candidate) -> bool:
    return candidate.head.startswith(ZIP_BEGINNINGS) or _names(candidate) is not None


def _open_wheel(candidate: Candidate) -> Artifact:
    return _opened(candidate, "wheel", RuntimeLayout(members_at="site-packages"))


def _open_egg(candidate: Candidate) -> Artifact:
    return _opened(candidate, "egg", RuntimeLayout(members_at="site-packages"))


def _open_pex(candidate: Candidate) -> Artifact:
    from inspector.artifact.archives.zip_artifacts import PEX_PLACE

    return _opened(candidate, "pex", RuntimeLayout(members_at=PEX_PLACE))


def _open_shiv(candidate: Candidate) -> Artifact:
    from inspector.artifact.archives.zip_artifacts import shiv_directory

    return _opened(candidate, "shiv", RuntimeLayout(members_at=shiv_directory(candidate)))


def _open_zipapp(candidate: Candidate) -> Artifact:
    return _opened(candidate, "zipapp", RuntimeLayout())


def _open_sdist(candidate: Candidate) -> Artifact:
    return _opened(candidate, "sdist", RuntimeLayout())


def _open_python_archive(candidate: Candidate) -> Artifact:
    return _opened(candidate, "python-archive", RuntimeLayout())


def _open_zip(candidate: Candidate) -> Artifact:
    return _opened(candidate, "zip", RuntimeLayout())


def _opened(candidate: Candidate, format_name: str, layout: RuntimeLayout) -> Artifact:
    from inspector.artifact.archives.zip_artifacts import open_zip

    return open_zip(candidate, format_name, layout)


def _is_pex_directory(tree: Tree) -> bool:
    return "PEX-INFO" in tree and "__main__.py" in tree


def _open_pex_directory(listed: Artifact, limits: Limits) -> Artifact:
    from inspector.artifact.archives.zip_artifacts import open_pex_directory

    return open_pex_directory(listed, limits)


_OF_ZIP = (
    "Members that are encrypted, and those compressed by other methods than deflate, bzip2, LZMA and zstd, are named and not read.",
    "Archives of several parts are not read.",
)
_OF_PEX = (
    "Which of several wheels for one distribution an interpreter takes at its first start is not decided: all are judged.",
    "The interpreter is not in the file; extension modules are judged in the scope of a CPython that has their symbols.",
)

READERS = (
    Reader(
        "", "a py2exe program", ("py2exe programs are recognised, not read.",), _is_windows_program, _refuse_windows_program
    ),
    Reader(
        "pex", "a PEX file", (*_OF_PEX, "An archive whose wheels are kept whole (--no-pre-install-wheels) has them as nested artifacts.", *_OF_ZIP),
        _is_pex, _open_pex,
    ),
    Reader(
        "shiv", "a shiv file",
        ("The interpreter is not in the file; extension modules are judged in the scope of a CPython that has their symbols.", *_OF_ZIP),
        _is_shiv, _open_shiv,
    ),
    Reader(
        "zipapp", "a zipapp", ("Code that unpacks itself before it starts is not followed.", *_OF_ZIP), _is_zipapp, _open_zipapp
    ),
    Reader(
        "wheel", "a wheel",
        (
            "The interpreter is not in the file; extension modules are judged in the scope of a CPython that has their symbols.",
            "Libraries of the distributions that it depends on are not in it; they are asked of the system.",
            *_OF_ZIP,
        ),
        _is_wheel, _open_wheel,
    ),
    Reader("egg", "an egg", ("What an installer would unpack of it is not told apart.", *_OF_ZIP), _is_egg, _open_egg),
    Reader(
        "sdist", "a source distribution in a ZIP archive",
        ("What a build would make of it is not known: only the files that are there are judged.", *_OF_ZIP),
        _is_sdist, _open_sdist, nests=False,
    ),
    Reader(
        "python-archive", "an archive of Python modules", ("Which interpreter searches it is not known.", *_OF_ZIP),
        _is_python_archive, _open_python_archive,
    ),
    Reader(
        "zip", "a ZIP archive", ("It is taken for a directory of files: what starts it is not known.", *_OF_ZIP), _is_zip, _open_zip, nests=False,
    ),
)  # fmt: skip

DIRECTORY_READERS = (
    DirectoryReader(
        "pex-directory", "a PEX in the packed or loose layout",
        (*_OF_PEX, "The archives of a packed PEX are nested artifacts."), _is_pex_directory, _open_pex_directory,
    ),
)  # fmt: skip
