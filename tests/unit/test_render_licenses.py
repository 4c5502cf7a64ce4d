"""The screen of ``inspect licenses`` and its tree, on Results made by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from inspector.model import Finding
from inspector.render.component_links import component_links, how_reached
from inspector.render.license_page import render_licenses
from inspector.render.registry import Detail, RenderOptions
from inspector.result import (
    ComponentInfo,
    Exposure,
    LibraryInfo,
    LicensesInfo,
    LicenseStatement,
    NeededInfo,
    Result,
    RootInfo,
    ShippedBill,
)
from tests import render_samples


def library(path: str, *needed: str) -> LibraryInfo:
    rows = tuple(NeededInfo(name=need.rpartition("/")[2], path=need, origin="bundle") for need in needed)
    return LibraryInfo(path=path, role="library", soname=None, rpath=None, runpath=None, needed=rows)


def component(
    name: str, *files: str, kind: str = "library", licenses: str | None = "MIT", **more: Any
) -> ComponentInfo:
    more.setdefault("license_class", "strong-copyleft" if (licenses or "").startswith("GPL") else "permissive")
    return ComponentInfo(
        name=name,
        version=more.pop("version", "1.0"),
        kind=kind,
        licenses=licenses,
        files=files,
        file_count=len(files),
        **more,
    )


def gpl(name: str, *chain: str, linkage: Any = "dynamic", **more: Any) -> Exposure:
    return Exposure(
        license="GPL-3.0-or-later",
        license_class="strong-copyleft",
        component=name,
        linkage=linkage,
        chain=chain,
        **more,
    )


def result(**changes: Any) -> Result:
    return msgspec.structs.replace(
        render_samples.tiny_elf(), findings=(), components=(), libraries=(), roots=(), **changes
    )


APPLICATION = {
    "libraries": (library("bin/app", "lib/liba.so"), library("lib/liba.so", "lib/libr.so.8"), library("lib/libr.so.8")),
    "roots": (RootInfo(path="bin/app", role="entry"), RootInfo(path="lib/plugin.so", role="plugin")),
    "components": (
        component("A", "lib/liba.so"),
        component("Readline", "lib/libr.so.8", licenses="GPL-3.0-or-later"),
        component("P", "lib/plugin.so"),
        component("zlib", "bin/app", "lib/liba.so", kind="static"),
        component("ada", "site/ada.py", kind="python"),
        component("bab", "site/ada/_vendor/bab.py", kind="python", part_of="ada"),
        component("Sans", "fonts/sans.ttf", kind="font"),
        component("CPython", "bin/python3", kind="interpreter"),
    ),
}


def application(**changes: Any) -> Result:
    return msgspec.structs.replace(result(), **{**APPLICATION, **changes})


def page(shown: Result, *, detail: Detail = "normal", tree: bool = False) -> list[str]:
    return render_licenses(shown, RenderOptions(width=80, detail=detail), tree=tree).splitlines()


class TestLinks:
    def test_who_uses_whom(self) -> None:
        shown = application()
        names = [found.name for found in shown.components]
        links = {
            (None if user is None else names[user], names[used], linkage)
            for user, used, linkage in component_links(shown).links
        }
        assert links == {
            (None, "A", "dynamic"),
            ("A", "Readline", "dynamic"),
            (None, "zlib", "static"),
            ("A", "zlib", "static"),
        }

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("A", ("by", "bin/app", 0)),
            ("Readline", ("by", "lib/liba.so", 0)),
            ("P", ("plugin", "", 0)),
            ("zlib", ("inside", "bin/app", 1)),
            ("ada", ("package", "", 0)),
            ("bab", ("part of", "ada", 0)),
            ("Sans", ("data", "", 0)),
            ("CPython", ("the interpreter", "", 0)),
        ],
    )
    def test_how_each_is_reached(self, name: str, words: tuple[str, str, int]) -> None:
        shown = application()
        (found,) = [one for one in shown.components if one.name == name]
        assert how_reached(shown, found, component_links(shown)) == words

    def test_a_library_that_a_distribution_brings_is_the_librarys(self) -> None:
        shown = result()
        shown = msgspec.structs.replace(
            shown,
            components=(
                component("x", "site/x.so", "site/x.libs/libz.so.1", kind="python"),
                component("zlib", "site/x.libs/libz.so.1"),
            ),
            libraries=(library("site/x.so", "site/x.libs/libz.so.1"),),
        )
        assert component_links(shown).links == ((0, 1, "dynamic"),)


class TestExposures:
    def test_chains_linkages_and_what_removes_it(self) -> None:
        shown = application(
            licenses=LicensesInfo(
                exposures=(
                    gpl(
                        "Readline",
                        "bin/app",
                        "lib/liba.so",
                        "lib/libr.so.8",
                        imported=False,
                        removed_by=("remove lib/libr.so.8",),
                        slim_options=("--drop", "lib/a b"),
                    ),
                    gpl("Readline", "bin/app", "lib/libr.so.8", linkage="dlopen", imported=False),
                )
            )
        )
        lines = page(shown)
        place = next(
            number for number, line in enumerate(lines) if line.startswith("  Readline 1.0  GPL-3.0-or-later  strong")
        )
        assert " ".join(" ".join(lines[place : place + 2]).split()) == (
            "Readline 1.0 GPL-3.0-or-later strong copyleft, loaded as a library, opened by name at run time"
        )
        assert [line.strip() for line in lines[place + 2 : place + 7]] == [
            "app → liba.so → libr.so.8",
            "app → libr.so.8",
            "the application does not import it",
            "fix: remove lib/libr.so.8",
            f"inspect slim {shown.artifact.path} --drop 'lib/a b'",
        ]

    def test_each_obligation_once(self) -> None:
        exposures = (
            gpl("A", "bin/app", "lib/liba.so", obligations=("give the source",)),
            gpl("Readline", "bin/app", "lib/libr.so.8", obligations=("give the source", "keep notices")),
        )
        lines = page(application(licenses=LicensesInfo(exposures=exposures)))
        place = lines.index("What these licences ask of whoever passes it on")
        assert lines[place + 1 : place + 3] == ["  A, Readline: give the source", "  Readline: keep notices"]

    def test_findings_of_other_families_are_elsewhere(self) -> None:
        def told(rule: str) -> Finding:
            return Finding(rule=rule, severity="warning", confidence="high", subject="x", message=f"about {rule}")

        shown = application(findings=(told("license-unknown"), told("glibc-floor")))
        text = "\n".join(page(shown))
        assert "about license-unknown" in text
        assert "glibc-floor" not in text
        assert "1 warning" in text

    def test_bills_that_the_artifact_carries(self) -> None:
        bill = ShippedBill(
            path="x.dist-info/sboms/a.cdx.json",
            format="CycloneDX 1.4",
            of="x",
            confirmed=("zlib 1.3",),
            absent=("lcms 2",),
            unlisted=("png",),
        )
        lines = page(application(licenses=LicensesInfo(shipped_bills=(bill,))))
        place = lines.index("Bills of materials in it  1 document")
        assert lines[place + 1 : place + 5] == [
            "  x.dist-info/sboms/a.cdx.json",
            "    CycloneDX 1.4, of x: 1 entry confirmed",
            "    listed, not in the bundle: lcms 2",
            "    in the bundle, not listed: png",
        ]


class TestComponents:
    def test_the_table_by_class(self) -> None:
        lines = page(application())
        place = lines.index("Components  8 components")
        assert lines[place + 1].split() == ["component", "version", "licence", "reached"]
        assert [line.strip() for line in lines[place + 1 :] if line.strip().endswith(")")] == [
            "strong copyleft (1)",
            "permissive (7)",
        ]
        assert ["Readline", "1.0", "GPL-3.0-or-later", "by", "liba.so"] in [line.split() for line in lines]

    def test_a_narrow_screen_keeps_names_and_licences(self) -> None:
        lines = render_licenses(application(), RenderOptions(width=60)).splitlines()
        assert ["Readline", "1.0", "GPL-3.0-or-later"] in [line.split() for line in lines]
        assert "  strong copyleft (1)" in lines
        assert max(map(len, lines[1:])) <= 60

    def test_everything_that_is_known_of_one(self) -> None:
        known = component(
            "x",
            "lib/libx.so",
            licenses=None,
            license_class="unknown",
            stated="BSD",
            declared=LicenseStatement(expression=None, source="METADATA", words="BSD"),
            found=(LicenseStatement(expression=None, source="LICENSE", mentioned=("MIT", "ISC")),),
            end_of_life="2026-01-31",
            evidence=("SONAME libx.so",),
            package_url="pkg:generic/x@1.0",
        )
        text = "\n".join(page(application(components=(known,)), detail="full"))
        for words in (
            "x 1.0  “BSD”",
            "declared   “BSD” (METADATA)",
            "found      one or more of MIT, ISC (LICENSE)",
            "supported  until 2026-01-31",
            "evidence   SONAME libx.so",
            "package    pkg:generic/x@1.0",
            "file       lib/libx.so",
        ):
            assert words in text, text


class TestTree:
    def test_chains_share_their_beginning(self) -> None:
        exposures = (
            gpl("Readline", "bin/app", "lib/liba.so", "lib/libr.so.8"),
            gpl("X", "bin/app", "lib/liba.so", "X 2"),
        )
        lines = page(application(licenses=LicensesInfo(exposures=exposures)), tree=True)
        place = lines.index("  app")
        assert lines[place + 1 : place + 4] == [
            "  └─ liba.so  A 1.0, MIT",
            "     ├─ X 2",
            "     └─ libr.so.8  Readline 1.0, GPL-3.0-or-later",
        ]

    def test_every_component_where_it_is_asked_for(self) -> None:
        lines = page(application(), tree=True, detail="full")
        place = lines.index("  app")
        assert lines[place + 1 : place + 5] == [
            "  ├─ liba.so  A 1.0, MIT",
            "  │  ├─ libr.so.8  Readline 1.0, GPL-3.0-or-later",
            "  │  └─ zlib 1.0  MIT",
            "  └─ zlib 1.0  MIT",
        ]
        assert "  plugin.so  P 1.0, MIT" in lines

    def test_a_chain_of_any_length(self) -> None:
        chain = tuple(f"lib/lib{number}.so" for number in range(3000))
        lines = page(application(licenses=LicensesInfo(exposures=(gpl("Readline", *chain),))), tree=True)
        assert max(map(len, lines)) <= 80
        assert lines[lines.index("  lib0.so") + 17].endswith("└─ lib2999.so")
