"""How copyleft is reached, if the application imports it, what takes it out, and what its licence asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.facts.collect import collect_facts
from inspector.facts.licensing.exposure_details import explain_exposures
from inspector.facts.licensing.exposures import ChainFinder, LicenseExposure
from inspector.facts.licensing.obligations import disclaimer, obligations_of
from inspector.facts.loading.load_graph import LoadFacts
from inspector.facts.loading.roots import Root
from inspector.limits import Limits
from inspector.resources import load_table
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

LIBRARY = "usr/lib/python3.11"
INTERPRETER = "/lib64/ld-linux-x86-64.so.2"


def program(*needed: str) -> TinyElf:
    return TinyElf(needed=(*needed, "libc.so.6"), runpath="$ORIGIN/../lib", interpreter=INTERPRETER, program=True)


def module(*needed: str) -> TinyElf:
    return TinyElf(needed=(*needed, "libc.so.6"), runpath="$ORIGIN/../..", exports=(("PyInit_x", None),))


def python_application(main: str) -> dict[str, Content]:
    """An application of one script, beside readline and gdbm."""
    return {
        "AppRun": '#!/bin/sh\nexec "$APPDIR/usr/bin/python3.11" "$APPDIR/usr/share/app/main.py" "$@"\n',
        "usr/bin/python3.11": program(),
        "usr/share/app/main.py": main,
        f"{LIBRARY}/os.py": "",
        f"{LIBRARY}/site.py": "",
        f"{LIBRARY}/encodings/__init__.py": "",
        f"{LIBRARY}/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so": module("libreadline.so.8"),
        f"{LIBRARY}/lib-dynload/_gdbm.cpython-311-x86_64-linux-gnu.so": module("libgdbm.so.6"),
        "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8", needed=("libc.so.6",)),
        "usr/lib/libgdbm.so.6": TinyElf(soname="libgdbm.so.6", needed=("libc.so.6",)),
    }


def explained(files: dict[str, Content]) -> dict[str, LicenseExposure]:
    artifact = appdir(files)
    facts = collect_facts(artifact, Limits())
    return {exposure.component: exposure for exposure in explain_exposures(artifact, facts)}


def test_what_the_application_imports_and_what_it_does_not() -> None:
    found = explained(python_application("import readline\n"))
    assert (found["GNU Readline"].imported, found["GNU dbm"].imported) == (True, False)


def test_the_way_to_take_it_out_is_one_that_slim_goes() -> None:
    found = explained(python_application("print()\n"))["GNU Readline"]
    assert (
        found.removed_by[0]
        == f"remove {LIBRARY}/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so, usr/lib/libreadline.so.8"
    )
    assert "libedit" in found.removed_by[1]
    assert found.slim_options == ("--drop-license", "GPL-3.0-or-later")
    assert any("section 5c" in clause for clause in found.obligations)


def test_what_a_program_is_linked_with_cannot_be_taken_out() -> None:
    found = explained(
        {
            "AppRun": '#!/bin/sh\nexec "$APPDIR/usr/bin/app"\n',
            "usr/bin/app": program("libreadline.so.8"),
            "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8", needed=("libc.so.6",)),
        }
    )["GNU Readline"]
    assert (found.linkage, found.imported, found.slim_options) == ("dynamic", None, ())
    assert not any(text.startswith("remove") for text in found.removed_by)


def test_a_program_of_its_own_is_told_from_what_the_application_loads() -> None:
    found = explained(
        {
            "AppRun": '#!/bin/sh\nexec "$APPDIR/usr/bin/app"\n',
            "usr/bin/app": program(),
            "usr/libexec/tool": replace(program("libx264.so.164"), runpath="$ORIGIN/../lib"),
            "usr/lib/libx264.so.164": TinyElf(soname="libx264.so.164", needed=("libc.so.6",)),
        }
    )["x264"]
    assert (found.linkage, found.chain) == ("executable", ("usr/libexec/tool", "usr/lib/libx264.so.164"))
    assert any("nothing of the application that runs it" in clause for clause in found.obligations)


def test_weak_copyleft_goes_file_by_file() -> None:
    files = python_application("print()\n")
    files[f"{LIBRARY}/lib-dynload/nis.cpython-311-x86_64-linux-gnu.so"] = module("libnsl.so.2")
    files["usr/lib/libnsl.so.2"] = TinyElf(soname="libnsl.so.2", needed=("libc.so.6",))
    found = explained(files)["libnsl"]
    assert found.slim_options[::2] == ("--drop", "--drop")
    assert "usr/lib/libnsl.so.2" in found.slim_options


def chains(*roots: Root, **loaders: tuple[str, ...]) -> ChainFinder:
    return ChainFinder(LoadFacts(roots=roots, loaders=loaders))


def test_the_chain_that_matters_goes_before_the_shorter_one() -> None:
    tool = Root("tool", "optional", "tool", "is a program that the launcher does not start")
    plugin = Root("plugin", "plugin", "app", "is a plugin of Qt")
    entry = Root("app", "entry", "app", "is started by AppRun")
    assert chains(tool, library=("tool",)).find("library") == ("executable", ("tool", "library"))
    assert chains(tool, plugin, library=("tool", "middle"), middle=("plugin",)).find("library") == (
        "dlopen",
        ("app", "plugin", "middle", "library"),
    )
    assert chains(tool, plugin, entry, library=("tool", "middle"), middle=("plugin", "other"), other=("app",)).find(
        "library"
    ) == (
        "dynamic",
        ("app", "other", "middle", "library"),
    )


def test_what_nothing_loads_is_told_alone_and_circles_end() -> None:
    alone = Root("library", "optional")
    assert chains(alone).find("library") == ("dynamic", ("library",))
    assert chains(alone, library=("other",), other=("library",)).find("library")[1] == ("library",)
    assert chains().find("library") == ("dynamic", ("library",))


@pytest.mark.parametrize(
    ("expression", "linkage", "said", "unsaid"),
    [
        ("LGPL-2.1-or-later", "dynamic", "section 6b", "section 6a"),
        ("LGPL-2.1-or-later", "static", "section 6a", "section 6b"),
        ("GPL-2.0-or-later", "static", "three years", "Corresponding Source"),
        ("GPL-3.0-only", "executable", "MereAggregation", "section 5c"),
        ("AGPL-3.0-only", "dynamic", "over a network", "section 6b"),
        ("MPL-2.0", "python", "sections 3.1 and 3.2", "GPL"),
        ("LGPL-3.0-only OR GPL-2.0-only", "dynamic", "LGPL-3.0 section 4d1", "section 5c"),
    ],
)
def test_obligations_follow_the_linkage(expression: str, linkage: str, said: str, unsaid: str) -> None:
    clauses = " | ".join(obligations_of(expression, linkage))
    assert said in clauses
    assert unsaid not in clauses


def test_an_exception_and_no_expression_oblige_to_nothing_that_is_known() -> None:
    assert obligations_of("GPL-3.0-or-later WITH GCC-exception-3.1", "static") == ()
    assert obligations_of("GPL v3", "static") == ()
    assert obligations_of("MIT", "static") == ()
    assert "not legal advice" in disclaimer()


def test_every_clause_says_where_it_stands() -> None:
    for row in load_table("licenses/obligations.toml")["obligations"]:
        assert row["text"]
        assert row["clause"]
        assert set(row.get("linkage", ())) <= {"dynamic", "dlopen", "static", "python", "executable"}
