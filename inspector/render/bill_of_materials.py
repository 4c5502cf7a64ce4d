"""What CycloneDX and SPDX documents share: one artifact, a reproducible time and identity, stable names of components, digests of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from inspector.errors import UsageError
from inspector.patterns import lazy_pattern
from inspector.result import ComponentInfo, FileEntry, Result

_NOT_IN_NAMES = lazy_pattern(r"[^A-Za-z0-9.-]+")  # what an SPDX identifier may not have (SPDX 2.3, 3.2)
_LATEST = 253402300799  # 9999-12-31T23:59:59Z, the last second that RFC 3339 can write


def only_artifact(results: Sequence[Result], format_name: str) -> Result:
    """The one Result that such a document is about.

    :raises UsageError: for several.
    """
    if len(results) != 1:
        raise UsageError(
            f"a {format_name} document describes one artifact, and {len(results)} were given",
            "write one for each of them",
        )
    return results[0]


def created_at() -> datetime:
    """``SOURCE_DATE_EPOCH`` (https://reproducible-builds.org/specs/source-date-epoch/) where it is set, else now, to the second.

    :raises UsageError: where the variable is set to something else than seconds since 1970.
    """
    written = os.environ.get("SOURCE_DATE_EPOCH")
    if written is None:
        return datetime.now(UTC).replace(microsecond=0)
    if not written.isascii() or not written.isdecimal() or len(written) > 12 or int(written) > _LATEST:
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {written!r}", "it holds seconds since 1970: SOURCE_DATE_EPOCH=1700000000"
        )
    return datetime.fromtimestamp(int(written), UTC)


def document_identity(result: Result, format_name: str, created: datetime) -> UUID:
    """The same for the same artifact, program and time, and different for any other (RFC 9562, version 5)."""
    content = result.artifact.sha256 or _content_of_files(result)
    parts = (format_name, artifact_name(result), content, result.tool.version, created.isoformat())
    return uuid5(NAMESPACE_URL, "\n".join(parts))


def _content_of_files(result: Result) -> str:
    entries = result.files.entries or ()
    return " ".join(f"{entry.path}:{entry.sha256 or entry.size}" for entry in entries)


def artifact_name(result: Result) -> str:
    """Its file name; where it lay is nobody's business."""
    return result.artifact.path.rstrip("/").rpartition("/")[2] or "artifact"


def component_keys(components: Sequence[ComponentInfo]) -> list[str]:
    """A name for each component that is stable from run to run and unique in the document: ``library-zlib-1.2.13``."""
    taken: set[str] = set()
    keys = []
    for component in components:
        parts = (component.kind, component.name, component.version or "")
        key = "-".join(_NOT_IN_NAMES.sub("-", part).strip("-")[:100] for part in parts if part)
        chosen, number = key, 2
        while chosen in taken:
            chosen, number = f"{key}-{number}", number + 1
        taken.add(chosen)
        keys.append(chosen)
    return keys


def digested_files(result: Result) -> dict[str, FileEntry]:
    """The regular files whose digests the Result has, by path; empty where nobody asked for them."""
    return {entry.path: entry for entry in result.files.entries or () if entry.sha1 and entry.sha256}
