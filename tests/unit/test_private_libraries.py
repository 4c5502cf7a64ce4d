"""Private libraries of applications: their rows count where the name or something beside them says which application it is."""

from __future__ import annotations

import pytest

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.library_components import named_libraries
from inspector.facts.licensing.library_licenses import LibraryLicense, identify_library
from inspector.facts.licensing.private_libraries import names_its_application, private_library, vouched_by
from inspector.formats.elf import read_elf
from inspector.source import BytesSource
from tests.elf_builder import TinyElf


def elf_object(path: str, tiny: TinyElf) -> ElfObject:
    elf = read_elf(BytesSource(tiny.build()))
    return ElfObject(path, path, elf.is_program, elf, {})


def row(project: str, source: str) -> LibraryLicense:
    return LibraryLicense(project, "GPL-3.0-or-later", "strong-copyleft", None, "reviewed", "", "name", "", source)


@pytest.mark.parametrize(
    ("soname", "project", "source", "expected"),
    [
        ("libdarktable.so", "darktable", "darktable", True),
        ("libklayout_db.so.0", "KLayout", "klayout", True),
        ("libGormCore.so.1", "Gorm", "gorm.app", True),
        ("libgui.so.1", "pgModeler", "pgmodeler", False),
        ("libqt.so.1", "QT", "qt", False),
    ],
)
def test_names_that_tell_by_themselves(soname: str, project: str, source: str, expected: bool) -> None:
    assert names_its_application(soname, row(project, source)) is expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["usr/bin/tool", "usr/bin/pgmodeler"], "usr/bin/pgmodeler"),
        (["usr/lib/pgmodeler/libgui.so.1"], "usr/lib/pgmodeler/libgui.so.1"),
        (["usr/lib/libpgmodeler.so.1"], "usr/lib/libpgmodeler.so.1"),
        (["usr/lib/libgui.so.1", "usr/bin/pgmodeler-cli-tools"], None),
        ([], None),
    ],
)
def test_company(paths: list[str], expected: str | None) -> None:
    assert vouched_by(row("pgModeler", "pgmodeler"), paths) == expected


def test_a_word_of_the_applications_name_is_no_company() -> None:
    assert vouched_by(row("GNOME Boxes", "gnome-boxes"), ["usr/lib/gnome/libgovf-0.1.so"]) is None
    assert vouched_by(row("GNOME Boxes", "gnome-boxes"), ["usr/bin/gnome-boxes"]) == "usr/bin/gnome-boxes"


def test_a_library_of_the_table_counts_in_company_alone() -> None:
    """libgui.so.1 is pgModeler's in Debian, and may be anybody's elsewhere."""
    library = elf_object("usr/lib/libgui.so.1", TinyElf(soname="libgui.so.1"))
    other = elf_object("usr/bin/pgmodeler", TinyElf(needed=("libgui.so.1",), program=True))
    assert identify_library("libgui.so.1") is None
    assert private_library("libgui.so.1") is not None
    assert named_libraries([library]) == {}
    named = named_libraries([library, other])["usr/lib/libgui.so.1"]
    assert named.project == "pgmodeler"
    assert [entry.sentence() for entry in named.evidence] == [
        "SONAME libgui.so.1, in one artifact with usr/bin/pgmodeler"
    ]


def test_other_versions_are_not_in_the_table() -> None:
    assert private_library("libgui.so.2") is None
    assert private_library("libgui.so") is None
