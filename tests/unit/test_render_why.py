"""``inspect why`` on Results made by hand: who loads what, and what is lost without it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from inspector.errors import UsageError
from inspector.model import ByteCount, Finding
from inspector.render.load_reasons import explain_load
from inspector.render.terminal_why import render_reasons
from inspector.result import (
    FailedObject,
    FileEntry,
    FilesInfo,
    Floor,
    FloorCause,
    HostVerdict,
    LibraryInfo,
    NeededInfo,
    Result,
    RootInfo,
)
from tests import render_samples

LIB = "usr/lib/"


def library(path: str, role: str, soname: str | None, *needed: NeededInfo) -> LibraryInfo:
    return LibraryInfo(path=path, role=role, soname=soname, rpath=None, runpath="$ORIGIN/../lib", needed=needed)


def bundled(name: str, path: str | None = None, via: str = "RUNPATH $ORIGIN/../lib") -> NeededInfo:
    return NeededInfo(name=name, path=path or LIB + name, origin="bundle", via=via)


def host(name: str) -> NeededInfo:
    return NeededInfo(name=name, path=None, origin="host", via="default path")


def missing(name: str) -> NeededInfo:
    return NeededInfo(name=name, path=None, origin="missing", via=None)


@pytest.fixture
def result() -> Result:
    """bin/app → a → b → c; module → b; plugin → d (a cycle d ↔ e); c needs a missing library; z is there twice."""
    libraries = (
        library("bin/app", "entry", None, bundled("liba.so.1"), host("libc.so.6")),
        library(f"{LIB}liba.so.1", "library", "liba.so.1", bundled("libb.so.1", via="already loaded")),
        library(f"{LIB}libb.so.1.2", "library", "libb.so.1", bundled("libc-own.so.1"), host("libc.so.6")),
        library(f"{LIB}libc-own.so.1", "library", "libc-own.so.1", missing("libgone.so.3")),
        library(
            "lib-dynload/module.so", "extension", None, bundled("libb.so.1", f"{LIB}libb.so.1.2"), host("libz.so.1")
        ),
        library("plugins/plugin.so", "plugin", None, bundled("libd.so")),
        library(f"{LIB}libd.so", "library", "libd.so", bundled("libe.so")),
        library(f"{LIB}libe.so", "library", "libe.so", bundled("libd.so")),
        library(f"{LIB}libz.so.1.3", "optional", "libz.so.1", host("libc.so.6")),
        library("opt/libz.so.1.3", "optional", "libz.so.1", host("libc.so.6")),
    )
    libraries = (
        *libraries[:1],
        replace(libraries[1], needed=(bundled("libb.so.1", f"{LIB}libb.so.1.2", "already loaded"),)),
        *libraries[2:],
    )
    roots = (
        RootInfo(path="bin/app", role="entry"),
        RootInfo(path="lib-dynload/module.so", role="extension"),
        RootInfo(path="plugins/plugin.so", role="plugin"),
        RootInfo(path=f"{LIB}libz.so.1.3", role="optional"),
    )
    cause = FloorCause(
        file="lib-dynload/module.so",
        library="libb.so.1",
        version="B_1.2",
        symbols=("b_open",),
        symbol_count=3,
        from_host=False,
    )
    return replace(
        render_samples.tiny_elf(),
        libraries=libraries,
        roots=roots,
        floors={"B": Floor(version="1.2", host_version=None, causes=(cause,))},
        files=FilesInfo(
            count=10,
            elf_count=10,
            entries=(FileEntry(path=f"{LIB}libb.so.1.2", kind="file", mode=0o644, size=5000, stored_size=2000),),
        ),
        findings=(
            Finding(
                rule="missing-library",
                severity="error",
                confidence="high",
                subject="libgone.so.3",
                message="libgone.so.3 is needed by usr/lib/libc-own.so.1",
            ),
            Finding(
                rule="executable-stack",
                severity="warning",
                confidence="high",
                subject=f"{LIB}libb.so.1.2",
                message="asks for an executable stack",
            ),
        ),
    )


@pytest.mark.parametrize(
    "name",
    [
        f"{LIB}libb.so.1.2",
        "./usr/lib/libb.so.1.2",
        "/usr/lib/libb.so.1.2",
        "libb.so.1",
        "libb.so.1.2",
        "lib/libb.so.1.2",
    ],
)
def test_path_file_name_and_soname_mean_the_same(result: Result, name: str) -> None:
    assert explain_load(result, name).name == f"{LIB}libb.so.1.2"


def test_the_chain_is_the_shortest_from_an_entry(result: Result) -> None:
    reasons = explain_load(result, "libb.so.1")
    assert [(step.loader, step.name, step.via) for step in reasons.chain] == [
        ("bin/app", "liba.so.1", "RUNPATH $ORIGIN/../lib"),
        (f"{LIB}liba.so.1", "libb.so.1", "already loaded"),
    ]
    assert [step.loader for step in reasons.loaders] == [f"{LIB}liba.so.1", "lib-dynload/module.so"]


def test_what_is_lost_is_followed_to_the_roots(result: Result) -> None:
    reasons = explain_load(result, "libb.so.1")
    assert reasons.lost_objects == (f"{LIB}liba.so.1", "lib-dynload/module.so", "bin/app")
    assert [(root.path, root.role) for root in reasons.lost_roots] == [
        ("bin/app", "entry"),
        ("lib-dynload/module.so", "extension"),
    ]
    assert not reasons.host_has_it
    assert reasons.only_for_it == (f"{LIB}libc-own.so.1",)
    assert reasons.size == ByteCount(raw=5000, stored=2000)
    assert [cause.version for cause in reasons.requests] == ["B_1.2"]
    assert [finding.rule for finding in reasons.findings] == ["executable-stack"]


def test_a_cycle_ends(result: Result) -> None:
    reasons = explain_load(result, "libd.so")
    assert reasons.lost_objects == ("plugins/plugin.so", f"{LIB}libe.so")
    assert reasons.only_for_it == (f"{LIB}libe.so",)
    assert [step.loader for step in explain_load(result, "libe.so").chain] == ["plugins/plugin.so", f"{LIB}libd.so"]


def test_a_missing_library_and_one_of_the_host(result: Result) -> None:
    verdict = HostVerdict(
        id="h",
        name="Some Linux 1",
        variant="desktop",
        basis="measured",
        verdict="fails",
        message="m",
        objects=(FailedObject(path="bin/app", missing_libraries=("libgone.so.3",)),),
    )
    gone = explain_load(replace(result, hosts=(verdict,)), "libgone.so.3")
    assert (gone.library, gone.origin, gone.lacking) == (None, "missing", ("Some Linux 1",))
    assert [step.name for step in gone.chain] == ["liba.so.1", "libb.so.1", "libc-own.so.1", "libgone.so.3"]
    assert {root.path for root in gone.lost_roots} == {"bin/app", "lib-dynload/module.so"}
    libc = explain_load(result, "libc.so.6")
    assert (libc.origin, len(libc.loaders)) == ("host", 4)


def test_a_root_that_nothing_needs(result: Result) -> None:
    reasons = explain_load(result, "plugin.so")
    assert (reasons.root, reasons.chain, reasons.loaders) == (result.roots[2], (), ())
    assert reasons.lost_roots == (result.roots[2],)


def test_a_copy_and_a_host_that_has_it(result: Result) -> None:
    with pytest.raises(UsageError, match=r"libz\.so\.1 is the name of 2 objects") as error:
        explain_load(result, "libz.so.1")
    assert error.value.hint == "name one by its path: usr/lib/libz.so.1.3, opt/libz.so.1.3"
    reasons = explain_load(result, "opt/libz.so.1.3")
    assert reasons.copies == (f"{LIB}libz.so.1.3",)
    assert reasons.host_has_it


@pytest.mark.parametrize(
    ("written", "near"), [("libB.so", "libb.so.1"), ("gone", "libgone.so.3"), ("lib/libaa.so.1", "liba.so.1")]
)
def test_an_unknown_name_gets_near_ones(result: Result, written: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"nothing in hello is or needs {written}") as error:
        explain_load(result, written)
    assert near in (error.value.hint or "")
    with pytest.raises(UsageError) as error:
        explain_load(result, "entirely-different")
    assert error.value.hint == "inspect audit -v names all libraries"


def test_the_page(result: Result) -> None:
    text = render_reasons(explain_load(result, "libb.so.1"), 80, color=False, full=False)
    wanted = [
        "usr/lib/libb.so.1.2\n  SONAME libb.so.1; 5.0 kB raw, 2.0 kB stored\n",
        "RUNPATH $ORIGIN/../lib",
        "Why it is loaded\n  bin/app  started by a user\n    → usr/lib/liba.so.1  RUNPATH $ORIGIN/../lib\n",
        "    → libb.so.1 is usr/lib/libb.so.1.2  already loaded\n",
        "Loaded by  2 objects",
        "lib-dynload/module.so  extension  RUNPATH $ORIGIN/../lib",
        "Needs itself  2 libraries",
        "libc.so.6      host",
        "Without it\n  1 entry, 1 extension module would not load: bin/app, lib-dynload/module.so\n",
        "1 library could go with it: usr/lib/libc-own.so.1",
        "B_1.2  lib-dynload/module.so  b_open and 2 more",
        "executable-stack  asks for an executable stack",
    ]
    places = [text.index(part) for part in wanted]
    assert places == sorted(places)


def test_pages_fit_and_hostile_names_stay_harmless() -> None:
    for result in (render_samples.hostile_bundle(), render_samples.pyqt5_appimage()):
        names = [row.path for row in result.libraries[:12]] + [need.name for need in result.libraries[-3].needed]
        for name in names:
            try:
                reasons = explain_load(result, name)
            except UsageError:
                continue
            for full in (False, True):
                for width in (60, 80):
                    text = render_reasons(reasons, width, color=False, full=full)
                    for line in text[:-1].split("\n"):
                        assert line.isprintable()
                        assert cell_len(line) <= width
