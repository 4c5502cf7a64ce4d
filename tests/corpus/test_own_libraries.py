"""Rows of the libraries that applications bring for themselves: a name that several have is none's."""

from __future__ import annotations

from corpus.licenses.catalogue import unshared
from corpus.licenses.copyright_rows import Row


def row(soname: str, source: str) -> Row:
    return Row(soname, source, "MIT", source, "", f"Debian 12 {source} 1.0: Files: *")


def test_a_name_that_another_source_package_has_is_left_out() -> None:
    rows = [row("libcore.so", "one"), row("libone.so.1", "one"), row("libpart.so.2", "one"), row("libpart.so.2", "two")]
    owners = {"libcore.so": {"one", "other"}, "libone.so.1": {"one"}}
    assert [left.soname for left in unshared(rows, owners)] == ["libone.so.1"]
