"""The crates that a Rust program or library was built from.

``cargo auditable`` writes all of them into the section ``.dep-v0`` (zlib-compressed JSON, https://github.com/rust-secure-code/cargo-auditable, its
PARSING.md).  Without it, the places of panics name the source files of those crates that can panic (``…/registry/src/…/regex-1.10.2/src/lib.rs``): a
list of some, and of none where paths were remapped.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.read_only_data import constants
from inspector.formats.elf.sections import Section
from inspector.limits import MIB
from inspector.patterns import lazy_pattern
from inspector.source import Source

PATH_MARKER = b"/registry/src/"
"""What every such path has; files without it need no search."""

_SECTION = ".dep-v0"
_LARGEST_SECTION = 8 * MIB
_LARGEST_LIST = 8 * MIB  # cargo-auditable's own readers stop at 8 MiB
_PATH = lazy_pattern(
    rb"/registry/src/[A-Za-z0-9._-]{1,80}/([A-Za-z0-9_-]{1,64}?)-(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][A-Za-z0-9.+-]{1,64})?)/"
)
_TOOLCHAIN = lazy_pattern(rb"/rustc/([0-9a-f]{40})/library/")
_OVERLAP = 512
_MOST_CRATES = 20_000


class RustCrate(Struct, frozen=True):
    """One crate.

    :ivar source: where it came from: "crates.io", "git", "local", "registry", …; "crates.io" of paths too.
    """

    name: str
    version: str
    source: str = "crates.io"


class RustBuild(Struct, frozen=True):
    """What a file says of the crates in it.

    :ivar stated_by: "cargo auditable" for the whole list, "source paths" for those that left one.
    :ivar toolchain: commit of the compiler's library, or "".
    """

    crates: tuple[RustCrate, ...]
    stated_by: Literal["cargo auditable", "source paths"]
    toolchain: str = ""


def read_rust_build(
    source: Source, sections: Sequence[Section], ranges: Sequence[tuple[int, int]], *, paths: bool
) -> RustBuild | None:
    """The crates of a file, or None where nothing names one.

    :param sections: of the file, decoded.
    :param ranges: where the file's constants lie.
    :param paths: whether they hold :data:`PATH_MARKER` or a toolchain's path, so that searching them pays.
    :raises FormatError: where the content cannot be decoded.
    """
    toolchain = ""
    named: dict[RustCrate, None] = {}
    if paths:
        for _, content in constants(source, ranges, _OVERLAP):
            if not toolchain and (commit := _TOOLCHAIN.search(content)):
                toolchain = commit[1].decode()
            for match in _PATH.finditer(content):
                if len(named) < _MOST_CRATES:
                    named[RustCrate(match[1].decode(), match[2].decode())] = None
    listed = _audited(source, sections)
    if listed is not None:
        return RustBuild(listed, "cargo auditable", toolchain)
    if not named and not toolchain:
        return None
    return RustBuild(tuple(sorted(named, key=lambda crate: (crate.name, crate.version))), "source paths", toolchain)


def _audited(source: Source, sections: Sequence[Section]) -> tuple[RustCrate, ...] | None:
    section = next((section for section in sections if section.name == _SECTION), None)
    if section is None or not section.occupies_file or section.size > _LARGEST_SECTION:
        return None
    try:
        content = zlib.decompressobj().decompress(source.read_at(section.offset, section.size), _LARGEST_LIST)
        packages = json.loads(content)["packages"]
    except (zlib.error, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(packages, list):
        return None
    found = [crate for package in packages[:_MOST_CRATES] if (crate := _crate(package)) is not None]
    return tuple(sorted(dict.fromkeys(found), key=lambda crate: (crate.name, crate.version)))


def _crate(package: object) -> RustCrate | None:
    """A package that is part of what runs; build scripts and their dependencies are not."""
    if not isinstance(package, dict) or package.get("kind", "runtime") != "runtime":
        return None
    values = [package.get("name"), package.get("version"), package.get("source", "")]
    texts = [value[:200] if isinstance(value, str) and value.isprintable() else "" for value in values]
    return RustCrate(*texts) if texts[0] and texts[1] else None
