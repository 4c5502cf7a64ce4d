"""Private shared libraries of a release, as told from what its packages' ELF files need."""

from __future__ import annotations

import pytest

from corpus.licenses import private_libraries
from corpus.licenses.population import IndexedPackage
from corpus.licenses.private_libraries import ElfFile, fourteenth_sources, private_sonames


def package(name: str, source: str) -> IndexedPackage:
    return IndexedPackage(name, "1", source, "libs", "", "", (), "amd64", 1)


INDEX = {
    one.name: one for one in (package("office", "office"), package("office-core", "office"), package("paint", "paint"))
}


@pytest.fixture(autouse=True)
def public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader's directories of the release have a libknown.so.1 of another package's."""
    monkeypatch.setattr(
        private_libraries, "packages_with_libraries", lambda release: {"paint": ["usr/lib/libknown.so.1"]}
    )


def test_what_a_file_of_the_source_package_needs_is_a_library_and_the_rest_are_plugins() -> None:
    files = {
        "office": [ElfFile("usr/bin/office", "", ("libpart.so", "libc.so.6"))],
        "office-core": [
            ElfFile("usr/lib/office/libpart.so", "libpart.so", ("libc.so.6",)),
            ElfFile("usr/lib/office/libfilter.so", "libfilter.so", ("libpart.so",)),
            ElfFile("usr/lib/office/part.so", "part.so", ()),
        ],
        "paint": [ElfFile("usr/bin/paint", "", ("libfilter.so",))],
    }
    assert private_sonames(INDEX, files) == {"office-core": (("/usr/lib/office/libpart.so", "libpart.so"),)}


def test_what_lies_where_the_loader_looks_or_belongs_to_two_is_left_out() -> None:
    needed = ("libpublic.so.1", "libshared.so", "libknown.so.1", "libown.so.2")
    files = {
        "office": [
            ElfFile("usr/bin/office", "", needed),
            ElfFile("usr/lib/x86_64-linux-gnu/libpublic.so.1.0", "libpublic.so.1", ()),
            ElfFile("usr/lib/office/libpublic.so.1", "libpublic.so.1", ()),
            ElfFile("usr/lib/office/libshared.so", "libshared.so", ()),
            ElfFile("usr/lib/office/libknown.so.1", "libknown.so.1", ()),
            ElfFile("usr/lib/office/libown.so.2", "libown.so.2", ()),
        ],
        "paint": [ElfFile("usr/lib/paint/libshared.so", "", ())],
    }
    assert private_sonames(INDEX, files) == {"office": (("/usr/lib/office/libown.so.2", "libown.so.2"),)}


def test_the_set_is_of_the_measured_half() -> None:
    # The first bytes of the SHA-256 of their names are 0xf7 and 0x6b, odd, and 0xfe, even.
    assert fourteenth_sources(["samba", "scilab", "klayout"]) == {"scilab", "klayout"}
