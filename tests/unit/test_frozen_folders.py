"""PyInstaller's folders inside a bundle: what lies in them is found where their programs look, and nothing else is searched there first."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.facts.facts import Facts
from tests.bundles import Content, facts_of
from tests.elf_builder import TinyElf

LOADER = "/lib64/ld-linux-x86-64.so.2"


def program() -> TinyElf:
    return TinyElf(interpreter=LOADER, program=True, needed=("libc.so.6",))


def folder(base: str, contents: str = "_internal") -> Mapping[str, Content]:
    inside = f"{base}/{contents}"
    return {
        f"{base}/app": program(),
        f"{inside}/base_library.zip": b"PK",
        f"{inside}/libpython3.11.so.1.0": TinyElf(soname="libpython3.11.so.1.0", needed=("libc.so.6",)),
        f"{inside}/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so": TinyElf(needed=("libbz2.so.1.0", "libc.so.6")),
        f"{inside}/libbz2.so.1.0": TinyElf(soname="libbz2.so.1.0"),
    }


def where(facts: Facts, path: str, name: str) -> str | None:
    return next(need.path for need in facts.graph.needs[path] if need.name == name)


def test_libraries_are_found_where_the_program_looks() -> None:
    facts = facts_of(
        {
            "AppRun": '#!/bin/sh\nexec "$APPDIR/opt/app/app"\n',
            **folder("opt/app"),
            "usr/lib/libbz2.so.1.0": TinyElf(soname="libbz2.so.1.0"),
        }
    )
    assert not facts.graph.missing
    inside = "opt/app/_internal"
    assert (
        where(facts, f"{inside}/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so", "libbz2.so.1.0")
        == f"{inside}/libbz2.so.1.0"
    )
    roots = {root.path: root for root in facts.graph.roots}
    assert (roots[f"{inside}/libpython3.11.so.1.0"].role, roots[f"{inside}/libpython3.11.so.1.0"].program) == (
        "entry",
        "opt/app/app",
    )
    assert (
        roots[f"{inside}/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so"].program == f"{inside}/libpython3.11.so.1.0"
    )


def test_a_folder_that_is_not_started_is_searched_last() -> None:
    files = {
        "AppRun": '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/main"\n',
        "usr/bin/main": TinyElf(interpreter=LOADER, program=True, needed=("libbz2.so.1.0", "libc.so.6")),
        "usr/lib/libbz2.so.1.0": TinyElf(soname="libbz2.so.1.0"),
        **folder("opt/helper"),
    }
    facts = facts_of(files)
    assert where(facts, "usr/bin/main", "libbz2.so.1.0") == "usr/lib/libbz2.so.1.0"
    assert not facts.graph.missing


def test_contents_directory_of_another_name() -> None:
    """Option --contents-directory: the program above it is the one that searches it first."""
    facts = facts_of(
        {
            "AppRun": '#!/bin/sh\nexport LD_LIBRARY_PATH="$APPDIR/usr/lib"\nexec "$APPDIR/usr/bin/app"\n',
            **folder("usr/bin", "app-libraries"),
            "usr/lib/libbz2.so.1.0": TinyElf(soname="libbz2.so.1.0"),
        }
    )
    inside = "usr/bin/app-libraries"
    module = f"{inside}/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so"
    assert where(facts, module, "libbz2.so.1.0") == f"{inside}/libbz2.so.1.0"
