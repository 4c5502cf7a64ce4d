"""What people read in copyright files takes the place of what the machine read, for the very library and source package."""

from __future__ import annotations

from corpus.licenses.copyright_rows import Row
from corpus.licenses.reviewed_rows import Review, as_reviewed, reviews
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.library_licenses import identify_library

KNOWN = {
    ("liba.so.1", "a"): Review("liba.so.1", "a", "Debian 12 a 1.0", "GPL-2.0-only", "LGPL-2.1-or-later", "src/a/*"),
    ("libb.so.1", "b"): Review("libb.so.1", "b", "Debian 12 b 1.0", "MIT", "MIT", ""),
}


def row(soname: str, source: str, spdx: str) -> Row:
    return Row(soname, source, spdx, source, "one source", f"Debian 12 {source} 1.0: Files: *")


def test_a_correction_and_its_reason_are_taken() -> None:
    found = as_reviewed(row("liba.so.1", "a", "GPL-2.0-only"), KNOWN)
    assert (found.spdx, found.checked, found.source) == ("LGPL-2.1-or-later", "reviewed", "Debian 12 a 1.0: src/a/*")


def test_what_a_reader_agrees_with_keeps_the_place_where_it_was_read() -> None:
    found = as_reviewed(row("libb.so.1", "b", "MIT"), KNOWN)
    assert (found.spdx, found.checked, found.source) == ("MIT", "reviewed", "Debian 12 b 1.0: Files: *")


def test_a_review_speaks_for_its_own_library_and_source_package_alone() -> None:
    for other in (row("liba.so.2", "a", "GPL-2.0-only"), row("liba.so.1", "c", "GPL-2.0-only")):
        assert as_reviewed(other, KNOWN) == other


def test_the_table_is_what_the_catalogue_says() -> None:
    table = reviews()
    assert len(table) > 1000
    for review in table.values():
        assert canonical_expression(review.spdx), review
        assert review.reason or review.spdx == review.machine, review
    shipped = {key: identify_library(key[0]) for key in list(table)[::50]}
    for (soname, source), found in shipped.items():
        if found is not None and found.source_package == source and found.checked == "reviewed":
            assert found.spdx == table[soname, source].spdx
    assert sum(found is not None and found.checked == "reviewed" for found in shipped.values()) > len(shipped) / 2
