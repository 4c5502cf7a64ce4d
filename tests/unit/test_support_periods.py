"""Releases that nobody supports any more, by version and by soname; releases with a known fault; what a distribution mends."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any, cast

import pytest
from msgspec.structs import replace

from inspector.checks.components import check
from inspector.facts.facts import Facts
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.fingerprints import load_fingerprints
from inspector.facts.licensing.library_components import LibraryComponent
from inspector.facts.support_periods import known_faults, support_period
from inspector.resources import data_directory, load_table

TODAY = dt.date(2026, 11, 21)


def component(
    name: str, version: str | None, *, kind: str = "library", soname: str = "", evidence: tuple[str, ...] = ()
) -> Component:
    library = LibraryComponent(
        path="lib/x.so", soname=soname, build_id=None, project=name, version=version, at_least=None, licenses=None, license_class="unknown",
        concluded_from=None, found=(), package_url="", note=None, renamed="", evidence=(),
    )  # fmt: skip
    return Component(
        name=name, version=version, kind=cast(Any, kind), licenses=None, license_class="unknown", evidence=evidence, files=("lib/x.so",),
        libraries=(library,) if soname else (),
    )  # fmt: skip


def messages(*components: Component, today: dt.date = TODAY) -> list[tuple[str, str]]:
    facts = Facts(name="x", format="appdir", arch=None, components=components)
    return [(found.severity, found.message) for found in check(facts, today)]


@pytest.mark.parametrize(
    ("name", "version", "cycle", "ended"),
    [
        ("OpenSSL", "1.1.1w", "OpenSSL 1.1.1", "2023-09-11"),
        ("OpenSSL", "3.0.21", "OpenSSL 3.0", "2026-09-07"),
        ("CPython", "3.11.2", "Python 3.11", "2027-10-31"),
        ("CPython", "3.1", "Python 3.1", "2012-04-09"),
        ("PyQt5-Qt5", "5.15.19", "Qt 5.15", "2020-12-08"),
    ],
)
def test_a_release_belongs_to_its_cycle(name: str, version: str, cycle: str, ended: str) -> None:
    period = support_period(component(name, version))
    assert period is not None
    assert (period.name, str(period.ended), period.basis) == (cycle, ended, "version")


@pytest.mark.parametrize(
    ("name", "version"),
    [("OpenSSL", "30.1"), ("OpenSSL", None), ("CPython", "3.99.1"), ("something", "1.0"), ("OpenSSL", "x")],
)
def test_what_the_table_does_not_know_is_not_told(name: str, version: str | None) -> None:
    assert support_period(component(name, version)) is None


def test_a_soname_alone_can_tell_it() -> None:
    period = support_period(component("OpenSSL", None, soname="libssl.so.1.1"))
    assert period is not None
    assert (str(period.ended), period.basis) == ("2023-09-11", "soname")
    assert support_period(component("OpenSSL", None, soname="libssl.so.3")) is None


def test_support_that_goes_on_is_no_finding() -> None:
    assert messages(component("CPython", "3.11.2", kind="interpreter")) == []
    assert messages(component("CPython", "3.11.2", kind="interpreter"), today=dt.date(2027, 10, 31)) == [
        ("warning", "CPython 3.11.2 is no longer supported since 2027-10-31")
    ]


def test_a_distributions_own_build_is_told_more_quietly() -> None:
    assert messages(component("OpenSSL", "3.0.15", evidence=("copyright file usr/share/doc/libssl3/copyright",))) == [
        ("info", "OpenSSL 3.0.15 is no longer supported since 2026-09-07")
    ]


@pytest.mark.parametrize(
    ("name", "version", "has_fault"),
    [
        ("zlib", "1.2.11", True),
        ("zlib", "1.2.13", False),
        ("zlib", "1.3.1", False),
        ("zlib", None, False),
        ("XZ Utils liblzma", "5.6.1", True),
        ("XZ Utils liblzma", "5.4.1", False),
        ("curl", "8.10.1", False),
        ("curl", "7.88.1", True),
    ],
)
def test_a_known_fault_by_its_release(name: str, version: str | None, has_fault: bool) -> None:
    assert bool(known_faults(component(name, version))) is has_fault


def test_a_known_fault_is_told_with_what_mends_it() -> None:
    assert messages(component("zlib", "1.2.11", kind="static")) == [
        ("warning", "zlib 1.2.11 has CVE-2022-37434, a write behind a buffer in inflateGetHeader; 1.2.13 mends it")
    ]


def test_every_row_names_components_that_are_found() -> None:
    lines = (data_directory("rules") / "licenses" / "libraries.csv").read_text().splitlines()
    known = {row["project"] for row in csv.DictReader(line for line in lines if not line.startswith("#"))}
    known |= set(load_fingerprints().fingerprints)
    for row in load_table("end_of_life.toml")["known_old"]:
        assert set(row["components"]) & known, row["components"]


def test_a_finding_stays_the_same_when_one_of_the_component_s_files_goes() -> None:
    """slim takes a library of Qt away and must not be told that Qt's age is news."""

    def fingerprints(*files: str) -> list[str]:
        found = replace(component("Qt 5", "5.15.19"), files=files)
        facts = Facts(name="x", format="appdir", arch=None, components=(found,))
        return [each.fingerprint for each in check(facts, TODAY)]

    before, after = fingerprints("lib/libQt5Bluetooth.so.5", "lib/libQt5Core.so.5"), fingerprints("lib/libQt5Core.so.5")
    assert before == after
    assert len(before) == 1


def test_a_release_under_several_licences_is_told_once() -> None:
    mild, strict = component("Qt 5", "5.15.19"), replace(component("Qt 5", "5.15.19"), licenses="GPL-3.0-only")
    assert len(messages(mild, strict, component("PyQt5-Qt5", "5.15.19"))) == 2
