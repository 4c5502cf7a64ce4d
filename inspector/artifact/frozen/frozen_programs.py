"""Programs made by freezers, in the order in which they are told apart: in front of plain ELF files, behind AppImages, whose images may hold them.

What reads them is imported when an ELF file is shown to a reader, so that whoever audits an AppImage does not pay for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from inspector.artifact.artifact import Artifact
from inspector.artifact.reader import Candidate, DirectoryReader, MemberReader, Reader
from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.limits import MIB, Limits

_BASE_LIBRARY = "base_library.zip"  # the start of Python's library, which every PyInstaller folder has
_SMALLEST_COMPILED = MIB  # bytes; Nuitka's own runtime alone has more
_PACKED_RESOURCES, _PACKED_MAGIC = "packed-resources", b"pyembed"


class _Later:
    """A function of a module beside this one, which is imported when it is first called."""

    def __init__(self, module: str, name: str) -> None:
        self._module = f"inspector.artifact.frozen.{module}"
        self._name = name

    def _function(self) -> Any:  # noqa: ANN401 -- what the module has under the name
        return getattr(import_module(self._module), self._name)


class _Recognises(_Later):
    def __call__(self, candidate: Candidate) -> bool:
        return candidate.is_elf and bool(self._function()(candidate))


class _RecognisesMember(_Later):
    def __call__(self, candidate: Candidate) -> bool:
        return bool(self._function()(candidate))


class _Opens(_Later):
    def __call__(self, candidate: Candidate) -> Artifact:
        opened: Artifact = self._function()(candidate)
        return opened


class _OpensFolder(_Later):
    def __call__(self, artifact: Artifact, limits: Limits) -> Artifact:
        opened: Artifact = self._function()(artifact, limits)
        return opened


def _holds_base_library(tree: Tree) -> bool:
    """Whether the start of Python's library lies where PyInstaller puts it: in the folder itself or a directory of it; AppDirs start otherwise."""
    if "AppRun" in tree:
        return False
    places = ["", *(node.path for node in tree.children("") if node.kind is Kind.DIRECTORY)]
    return any(f"{place}/{_BASE_LIBRARY}".lstrip("/") in tree for place in places)


def _may_be_compiled(tree: Tree) -> bool:
    """Whether a program as large as compiled ones are lies in the folder itself; no AppDir is such a folder."""
    if "AppRun" in tree:
        return False
    return any(node.is_executable and node.size >= _SMALLEST_COMPILED for node in tree.children(""))


def _holds_packed_resources(tree: Tree) -> bool:
    for node in tree.files():
        if node.name == _PACKED_RESOURCES:
            try:
                if node.read_at(0, len(_PACKED_MAGIC)) == _PACKED_MAGIC:
                    return True
            except (FormatError, OSError):
                continue
    return False


READERS: tuple[Reader, ...] = (
    Reader(
        format="pyinstaller",
        title="a PyInstaller program",
        limitations=(
            "Modules that were encrypted with --key (before PyInstaller 6.0) are listed by name; their content is not read.",
            "An archive beside the program (a .pkg file) is not looked for.",
            "Members that a multipackage bundle keeps in another program are read where that lies where this one looks for it, and named otherwise.",
            "Other programs of a multipackage bundle that take members from this one are known where they lie near it; slim keeps what they take.",
            "Splash screen scripts and images are members like others; what they show is not looked at.",
        ),
        recognises=_Recognises("pyinstaller", "recognises"),
        open=_Opens("pyinstaller", "open_program"),
    ),
    Reader(
        format="nuitka",
        title="a Nuitka one-file program",
        limitations=(
            "Modules that are machine code are listed by name, with their constants; what they import is not read from them.",
            "Payloads of Nuitka 1.5 and older, whose entries have their fields in another order, are not read.",
        ),
        recognises=_Recognises("nuitka", "recognises"),
        open=_Opens("nuitka", "open_program"),
    ),
    Reader(
        format="pyoxidizer",
        title="a PyOxidizer program",
        limitations=(
            "Built-in and frozen modules are listed by name: their code is machine code or data of the program.",
            "Resources that lie beside the program by their relative paths are seen only where the whole directory is audited.",
        ),
        recognises=_Recognises("pyoxidizer", "recognises"),
        open=_Opens("pyoxidizer", "open_program"),
    ),
    Reader(
        format="frozen-python",
        title="a program with frozen Python modules",
        limitations=(
            "Modules that CPython 3.11 keeps as objects instead of marshalled code (its own) are not listed.",
            "A program that was packed by UPX must be unpacked first.",
        ),
        recognises=_Recognises("frozen_python", "recognises"),
        open=_Opens("frozen_python", "open_program"),
    ),
    Reader(
        format="",
        title="a Bun program",
        limitations=("The program is audited as an ELF file; the JavaScript that it carries is not read.",),
        recognises=_Recognises("payload_programs", "is_bun"),
        open=_Opens("payload_programs", "open_bun"),
        nests=False,
        audited_as="elf",
    ),
    Reader(
        format="",
        title="a .NET single-file program",
        limitations=("The program is audited as an ELF file; the files of its bundle are counted, not read.",),
        recognises=_Recognises("payload_programs", "is_dotnet"),
        open=_Opens("payload_programs", "open_dotnet"),
        nests=False,
        audited_as="elf",
    ),
    Reader(
        format="",
        title="a PyApp program",
        limitations=(
            "The program is audited as an ELF file; the Python and the project that it installs are not read.",
        ),
        recognises=_Recognises("payload_programs", "is_pyapp"),
        open=_Opens("payload_programs", "open_pyapp"),
        nests=False,
        audited_as="elf",
    ),
)

DIRECTORY_READERS: tuple[DirectoryReader, ...] = (
    DirectoryReader(
        "pyinstaller-folder",
        "a PyInstaller folder",
        (
            "Programs are looked for in the folder itself, not below it.",
            "Modules that were encrypted with --key (before PyInstaller 6.0) are listed by name; their content is not read.",
        ),
        _holds_base_library,
        _OpensFolder("pyinstaller_folder", "open_folder"),
    ),
    DirectoryReader(
        "pyoxidizer-folder",
        "a PyOxidizer folder",
        ("Built-in and frozen modules are listed by name: their code is machine code or data of the program.",),
        _holds_packed_resources,
        _OpensFolder("pyoxidizer", "open_folder"),
        MemberReader(_RecognisesMember("pyoxidizer", "is_resources"), _Opens("pyoxidizer", "open_resources")),
    ),
)

LAST_DIRECTORY_READERS: tuple[DirectoryReader, ...] = (
    DirectoryReader(
        "nuitka-folder",
        "a Nuitka folder",
        (
            "Programs are looked for in the folder itself, not below it.",
            "Modules that are machine code are listed by name, with their constants; what they import is not read from them.",
            "A program that was stripped of its run path ($ORIGIN), or whose code is in a library beside it, is not known as Nuitka's.",
        ),
        _may_be_compiled,
        _OpensFolder("nuitka_folder", "open_folder"),
        MemberReader(_Recognises("nuitka_folder", "is_compiled"), _Opens("nuitka_folder", "open_compiled")),
    ),
)
"""What is told by the bytes of programs, behind everything that is told by names."""
