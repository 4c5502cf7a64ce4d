"""What changed from one Result to another: findings, floors, systems, libraries, Python distributions, licences, bytes.  ``inspector/diff/1``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

import msgspec
from msgspec import Struct

from inspector.documents import json_schema_of
from inspector.fingerprint import normalise
from inspector.model import ByteCount, Finding
from inspector.patterns import lazy_pattern
from inspector.policy.baseline import finding_changes
from inspector.result import ComponentInfo, HostVerdict, LibraryInfo, Result, SizeRow

DIFF_SCHEMA = "inspector/diff/1"

_VERSION_MARK = lazy_pattern(r"[.-]?\*")
_VERDICT_ORDER = {"fails": 0, "unknown": 1, "degraded": 2, "starts": 3}


class ArtifactChange(Struct, frozen=True, kw_only=True):
    """The artifact itself; sizes in bytes."""

    old_path: str
    new_path: str
    format: tuple[str, str]
    arch: tuple[str | None, str | None]
    size: tuple[int, int]
    unpacked_size: tuple[int, int]
    files: tuple[int, int]


class FloorChange(Struct, frozen=True, kw_only=True):
    """The newest version of one namespace ("GLIBC") that is asked of the host; None: nothing is asked.

    :ivar direction: "higher" means that fewer systems have it.
    :ivar files: the files that ask for the new one, three at most.
    """

    namespace: str
    old: str | None
    new: str | None
    direction: Literal["higher", "lower"]
    files: tuple[str, ...] = ()


class HostChange(Struct, frozen=True, kw_only=True):
    """One system's verdict before and after; systems that only one of the Results asked are left out."""

    id: str
    name: str
    variant: str
    old: str
    new: str
    message: str
    direction: Literal["worse", "better"]


class ComponentChange(Struct, frozen=True, kw_only=True):
    """A library, a Python distribution or another component that came, went, or has another version or licence.

    :ivar raw: bytes before and after.
    """

    name: str
    kind: str
    change: Literal["added", "removed", "updated"]
    versions: tuple[str | None, str | None] = (None, None)
    licenses: tuple[str | None, str | None] = (None, None)
    raw: tuple[int, int] = (0, 0)


class LibraryChange(Struct, frozen=True, kw_only=True):
    """A shared library that came, went, or has another version in its file name; a vendored name's hash makes no difference.

    :ivar name: its file name without versions ("libavif.so").
    :ivar paths: before and after; None where it was or is not there.
    :ivar versions: what its file name and soname say ("16.3.0").
    """

    name: str
    change: Literal["added", "removed", "updated"]
    paths: tuple[str | None, str | None]
    versions: tuple[str | None, str | None] = (None, None)


class SizeChange(Struct, frozen=True, kw_only=True):
    """Bytes of a component before and after."""

    name: str
    old: ByteCount
    new: ByteCount


class Difference(Struct, frozen=True, kw_only=True):
    """Everything that changed.

    :ivar new_findings: of the newer Result; ``fixed_findings`` of the older; accepted ones are left out of both.
    :ivar licenses_appeared: expressions that some component of the newer Result has and none of the older.
    :ivar sizes: components whose stored bytes changed, the largest change first.
    """

    schema: Literal["inspector/diff/1"] = "inspector/diff/1"
    artifact: ArtifactChange
    verdict: tuple[str, str]
    new_findings: tuple[Finding, ...] = ()
    fixed_findings: tuple[Finding, ...] = ()
    same_findings: int = 0
    floors: tuple[FloorChange, ...] = ()
    hosts: tuple[HostChange, ...] = ()
    libraries: tuple[LibraryChange, ...] = ()
    components: tuple[ComponentChange, ...] = ()
    licenses_appeared: tuple[str, ...] = ()
    licenses_gone: tuple[str, ...] = ()
    sizes: tuple[SizeChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing but sizes and paths differs."""
        changes = (self.new_findings, self.fixed_findings, self.floors, self.hosts, self.libraries, self.components)
        return not any(changes)


def difference(old: Result, new: Result) -> Difference:
    """Compare two Results."""
    findings = finding_changes(_live(old.findings), _live(new.findings))
    appeared, gone = _license_changes(old.components, new.components)
    return Difference(
        artifact=ArtifactChange(
            old_path=old.artifact.path,
            new_path=new.artifact.path,
            format=(old.artifact.format, new.artifact.format),
            arch=(old.artifact.arch, new.artifact.arch),
            size=(old.artifact.size, new.artifact.size),
            unpacked_size=(old.artifact.unpacked_size, new.artifact.unpacked_size),
            files=(old.files.count, new.files.count),
        ),
        verdict=(old.verdict.gate, new.verdict.gate),
        new_findings=findings.new,
        fixed_findings=findings.fixed,
        same_findings=len(findings.same),
        floors=tuple(_floor_changes(old, new)),
        hosts=tuple(_host_changes(old.hosts, new.hosts)),
        libraries=tuple(_library_changes(old.libraries, new.libraries)),
        components=tuple(_component_changes(old.components, new.components)),
        licenses_appeared=appeared,
        licenses_gone=gone,
        sizes=tuple(_size_changes(old.sizes.by_component, new.sizes.by_component)),
    )


def to_json(found: Difference) -> bytes:
    """The document as indented UTF-8 JSON."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the document, made from these classes."""
    made = json_schema_of(Difference)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": DIFF_SCHEMA, **made}


def _live(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.suppressed is None]


def _floor_changes(old: Result, new: Result) -> Iterable[FloorChange]:
    for namespace in sorted({*old.floors, *new.floors}):
        before = old.floors[namespace].host_version if namespace in old.floors else None
        floor = new.floors.get(namespace)
        after = floor.host_version if floor is not None else None
        if before == after:
            continue
        causes = floor.causes if floor is not None else ()
        files = sorted({cause.file for cause in causes if after and cause.from_host and cause.version.endswith(after)})
        yield FloorChange(
            namespace=namespace, old=before, new=after, direction="higher" if _is_higher(before, after) else "lower", files=tuple(files[:3])
        )  # fmt: skip


def _is_higher(before: str | None, after: str | None) -> bool:
    if before is None or after is None:
        return before is None
    return _number(after) > _number(before)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def _host_changes(old: Sequence[HostVerdict], new: Sequence[HostVerdict]) -> Iterable[HostChange]:
    before = {(host.id, host.variant): host for host in old}
    for host in new:
        known = before.get((host.id, host.variant))
        if known is None or known.verdict == host.verdict:
            continue
        worse = _VERDICT_ORDER[host.verdict] < _VERDICT_ORDER[known.verdict]
        yield HostChange(
            id=host.id,
            name=host.name,
            variant=host.variant,
            old=known.verdict,
            new=host.verdict,
            message=host.message,
            direction="worse" if worse else "better",
        )


def _library_changes(old: Sequence[LibraryInfo], new: Sequence[LibraryInfo]) -> Iterable[LibraryChange]:
    before, after = _by_library_name(old), _by_library_name(new)
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        versions = _library_version(was), _library_version(now)
        if was is not None and now is not None and versions[0] == versions[1]:
            continue
        yield LibraryChange(
            name=key[0],
            change="added" if was is None else "removed" if now is None else "updated",
            paths=(was.path if was else None, now.path if now else None),
            versions=versions,
        )


def _by_library_name(libraries: Sequence[LibraryInfo]) -> dict[tuple[str, int], LibraryInfo]:
    """By file name without hashes and versions; several of one name, in different directories, are numbered."""
    counted: Counter[str] = Counter()
    found = {}
    for library in sorted(libraries, key=lambda each: each.path):
        if library.soname is None:  # programs, modules of an interpreter: components and sizes tell of them
            continue
        name = _VERSION_MARK.sub("", normalise(PurePosixPath(library.path).name))
        found[name, counted[name]] = library
        counted[name] += 1
    return found


def _library_version(library: LibraryInfo | None) -> str | None:
    """The longer of what the file name and the soname have behind ``.so.``."""
    if library is None:
        return None
    names = PurePosixPath(library.path).name, library.soname or ""
    return max((name.partition(".so.")[2] for name in names), key=len) or None


def _component_changes(old: Sequence[ComponentInfo], new: Sequence[ComponentInfo]) -> Iterable[ComponentChange]:
    before, after = _by_name(old), _by_name(new)
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was is not None and now is not None and (was.version, was.licenses) == (now.version, now.licenses):
            continue
        yield ComponentChange(
            name=key[1],
            kind=key[0],
            change="added" if was is None else "removed" if now is None else "updated",
            versions=(was.version if was else None, now.version if now else None),
            licenses=(was.licenses if was else None, now.licenses if now else None),
            raw=(was.bytes.raw if was else 0, now.bytes.raw if now else 0),
        )


def _by_name(components: Sequence[ComponentInfo]) -> dict[tuple[str, str, int], ComponentInfo]:
    """By kind and name; several of one name, which a bundle may have, are numbered."""
    counted: Counter[tuple[str, str]] = Counter()
    found = {}
    for component in sorted(
        components, key=lambda each: (each.kind, each.name, each.version or "", each.licenses or "")
    ):
        name = component.kind, component.name
        found[*name, counted[name]] = component
        counted[name] += 1
    return found


def _license_changes(
    old: Sequence[ComponentInfo], new: Sequence[ComponentInfo]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before = {component.licenses for component in old if component.licenses}
    after = {component.licenses for component in new if component.licenses}
    return tuple(sorted(after - before)), tuple(sorted(before - after))


def _size_changes(old: Sequence[SizeRow], new: Sequence[SizeRow]) -> Iterable[SizeChange]:
    before = {row.name: ByteCount(raw=row.raw, stored=row.stored) for row in old}
    after = {row.name: ByteCount(raw=row.raw, stored=row.stored) for row in new}
    nothing = ByteCount()
    changes = [
        SizeChange(name=name, old=before.get(name, nothing), new=after.get(name, nothing))
        for name in sorted({*before, *after})
    ]
    changed = [change for change in changes if change.old != change.new]
    return sorted(changed, key=lambda change: -abs(change.new.stored - change.old.stored))
