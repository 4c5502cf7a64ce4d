"""A component whose code is inside an executable or library, and what a scan for such components gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from inspector.facts.licensing.cpython_build import CPythonBuild
from inspector.facts.licensing.fingerprint_scan import StaticEvidence
from inspector.facts.licensing.license_classes import LicenseClass
from inspector.model import Problem

StaticKind = Literal["library", "interpreter", "rust-crate", "go-module"]


class StaticComponent(Struct, frozen=True, kw_only=True):
    """A component whose code is inside one file.

    :ivar name: the project, as the library catalogue calls it; of crates and modules the name in their registry.
    :ivar version: the release, or None where nothing in the file says it.
    :ivar licenses: an SPDX expression, or None where nothing tells.
    :ivar license_class: of the expression; where only the version decides between several, of them all if it is the same, else "unknown".
    :ivar possible_licenses: the expressions that it can be where ``licenses`` is None because the version is not known.
    :ivar path: tree path of the file.
    :ivar stated: whether the build itself says the licence (FFmpeg), the catalogue's word otherwise.
    :ivar whole_file: the file is the component's own shared library, not a host of it: nothing is linked statically then.
    :ivar package_url: with the version where it is known, or "".
    """

    name: str
    version: str | None
    licenses: str | None
    license_class: LicenseClass
    path: str
    kind: StaticKind = "library"
    stated: bool = False
    whole_file: bool = False
    package_url: str = ""
    evidence: tuple[StaticEvidence, ...] = ()
    possible_licenses: tuple[str, ...] = ()


class FileComponents(Struct, frozen=True):
    """What one ELF file contains.

    :ivar python: the CPython that it is, or None.
    """

    components: tuple[StaticComponent, ...] = ()
    python: CPythonBuild | None = None


class ScannedFile(Struct, frozen=True):
    """One file as it was scanned.

    :ivar unreadable: why it could not be looked at in whole, or "".
    """

    inside: FileComponents
    unreadable: str = ""


class StaticScan(Struct, frozen=True):
    """What a scan found.

    :ivar components: static ones, by path and name; CPython is in ``pythons``.
    :ivar own: of files that are a component themselves (``libz.so.1``): the same with its version, by path.
    :ivar pythons: each file that CPython's code is in, by path.
    :ivar problems: files that could not be looked at in whole.
    """

    components: tuple[StaticComponent, ...] = ()
    own: Mapping[str, StaticComponent] = field(default_factory=dict)
    pythons: tuple[CPythonBuild, ...] = ()
    problems: tuple[Problem, ...] = ()
