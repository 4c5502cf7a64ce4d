"""What it contains and under which licences: components, exposures, bills of materials that it carries."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.model import ByteCount


class LicenseStatement(Struct, frozen=True, kw_only=True):
    """A licence that something in the artifact states for a component.

    :ivar expression: SPDX, or None where several licences are named and nothing says which is the component's.
    :ivar source: what states it, with its tree path where it has one.
    :ivar mentioned: all licences that the source names, where it leaves the choice open.
    :ivar words: as it is written there, where that is no expression.
    """

    expression: str | None
    source: str
    mentioned: tuple[str, ...] = ()
    words: str = ""


class ComponentInfo(Struct, frozen=True, kw_only=True, rename={"license_class": "class"}):
    """A thing with a name, a maker and a licence that the artifact contains.

    :ivar kind: "static" is code inside the files, which belong to somebody else and are not counted in ``bytes``.
    :ivar licenses: an SPDX expression, the conclusion, or None where it is not known.
    :ivar stated: the maker's own words where they make no expression ("GPL v3"), else "".
    :ivar declared: what its own metadata state; None where it has none, or they say nothing.
    :ivar found: what texts, notes and the code itself state, beside the conclusion.
    :ivar concluded_from: what ``licenses`` rests on: "declared", "licence text", "catalogue", "copyright file", …, or "".
    :ivar license_files: tree paths of the texts that belong to it: licences, notices.
    :ivar part_of: the component that carries it inside (a vendored distribution, an icon theme of a package), or "".
    :ivar end_of_life: the day on which its makers stopped or will stop to support the version (ISO), or "" where that is not known.
    :ivar package_url: https://github.com/package-url/purl-spec, or "".
    :ivar files: all paths where the Result names every file (``--files``), else at most 20; ``file_count`` counts all.
    """

    name: str
    version: str | None
    kind: str
    licenses: str | None
    license_class: str = "unknown"
    stated: str = ""
    declared: LicenseStatement | None = None
    found: tuple[LicenseStatement, ...] = ()
    concluded_from: str = ""
    license_files: tuple[str, ...] = ()
    part_of: str = ""
    end_of_life: str = ""
    package_url: str = ""
    evidence: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    file_count: int = 0
    bytes: ByteCount = ByteCount()


class Exposure(Struct, frozen=True, kw_only=True, rename={"license_class": "class"}):
    """A copyleft component and the chain by which the application reaches it, the component last.

    :ivar linkage: "dynamic": linked by DT_NEEDED; "dlopen": opened by name at run time; "static": inside the file; "python": imported;
        "executable": run as a program of its own.
    :ivar imported: whether the application itself comes to import the Python module that the chain goes through; None where no module is in it, or
        nobody asked (``inspect licenses`` does).
    :ivar removed_by: what would take it out of the artifact, a clause each; nothing where nobody asked, or nothing is known.
    :ivar slim_options: the options of ``inspect slim`` that do the first of them.
    :ivar obligations: what the licence asks of whoever passes this on in this linkage, a clause each; facts about its text, no legal advice.
    """

    license: str
    license_class: str
    component: str
    linkage: Literal["dynamic", "dlopen", "static", "python", "executable"]
    chain: tuple[str, ...]
    imported: bool | None = None
    removed_by: tuple[str, ...] = ()
    slim_options: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()


class ShippedBill(Struct, frozen=True, kw_only=True):
    """A bill of materials that the artifact carries, checked against its files.

    :ivar format: "CycloneDX 1.4", "SPDX 2.3".
    :ivar of: the component that it speaks of, or "".
    :ivar confirmed: entries whose component is in the artifact.
    :ivar absent: entries whose component is not; ``unlisted`` components in the files that it speaks of, and no entry: names with versions.
    """

    path: str
    format: str
    of: str = ""
    confirmed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


class LicensesInfo(Struct, frozen=True, kw_only=True):
    """Licence exposure, first part: what copyleft is in the artifact and how it is reached."""

    exposures: tuple[Exposure, ...] = ()
    shipped_bills: tuple[ShippedBill, ...] = ()
