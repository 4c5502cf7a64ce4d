"""One component of an artifact, whatever it is: a library, a distribution, a font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from inspector.facts.licensing.library_components import FoundLicense, LibraryComponent
from inspector.model import ByteCount

ComponentKind = Literal["python", "interpreter", "library", "static", "javascript", "font", "icons", "files"]

MOST_EVIDENCE = 12
"""Clauses that are told of one component."""


class Component(Struct, frozen=True):
    """A thing with a maker and a licence that the artifact contains.

    :ivar licenses: an SPDX expression, or None where nothing tells.
    :ivar license_class: its class ("permissive", "strong-copyleft", …, "unknown").
    :ivar stated: the maker's own words where they make no expression ("GPL v3"), else "".
    :ivar evidence: how it was recognised, one clause each.
    :ivar kind: "static": code inside the files, which belong to somebody else and are not counted in ``bytes``.
    :ivar declared: what its own metadata state, or None where they say nothing.
    :ivar concluded_from: what ``licenses`` rests on: "declared", "licence text", "catalogue", "copyright file", "package note", or "".
    :ivar license_files: tree paths of its texts, where it has some of its own.
    :ivar part_of: the component that carries it and whose bytes its bytes are too (a vendored distribution), or "".
    :ivar files: tree paths, sorted.
    :ivar bytes: of these files; stored bytes as they lie in the container, copies included.
    :ivar package_url: https://github.com/package-url/purl-spec, or "".
    :ivar found: licences that something in the artifact states for it, beside ``licenses``, which is the conclusion; of libraries.
    :ivar libraries: each of its shared libraries, with what identifies it; of libraries.
    """

    name: str
    version: str | None
    kind: ComponentKind
    licenses: str | None
    license_class: str
    evidence: tuple[str, ...]
    files: tuple[str, ...]
    bytes: ByteCount = field(default_factory=ByteCount)
    stated: str = ""
    package_url: str = ""
    found: tuple[FoundLicense, ...] = ()
    libraries: tuple[LibraryComponent, ...] = ()
    declared: FoundLicense | None = None
    concluded_from: str = ""
    license_files: tuple[str, ...] = ()
    part_of: str = ""


def total_bytes(paths: Sequence[str], sizes: Mapping[str, tuple[int, int]]) -> ByteCount:
    """Of these files; those that the tree does not have count nothing."""
    known = [sizes[path] for path in paths if path in sizes]
    return ByteCount(raw=sum(raw for raw, _ in known), stored=sum(stored for _, stored in known))
