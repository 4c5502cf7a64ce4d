"""What is inside an artifact's artifacts, in the artifact's own Result: paths written ``outer!/inner``, the worst verdict counts.

Each nested artifact was examined in its own layout, because what lies where when it runs is its own matter.  Its bytes stay those of the member that
it is: the sizes of the outer artifact count each byte once.  Inert ones (wheels that an installer keeps, data of test suites) have a block under
``nested`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.nesting import nested_path
from inspector.checks import sorted_findings
from inspector.facts.binaries.floors import version_key
from inspector.fingerprint import fingerprint
from inspector.model import ByteCount, Coverage, Finding, Problem
from inspector.result import (
    ComponentInfo,
    Exposure,
    FailedObject,
    FileEntry,
    Floor,
    FloorCause,
    HostVerdict,
    LibraryInfo,
    NestedArtifact,
    Result,
    RootInfo,
    ShippedBill,
    TagInfo,
)

_MOST_CAUSES = 40  # a namespace, as result_making has it
_MOST_FILES = 20  # a component, where the Result does not name every file
_WORSE = {"fails": 3, "unknown": 2, "degraded": 1, "starts": 0}


class NestedResult(Struct, frozen=True):
    """One artifact inside another, examined.

    :ivar path: tree path of the member.
    :ivar result: what was found out about it; of an inert one only ``artifact``, ``files`` and ``coverage`` are looked at.
    :ivar inert: why it is no part of the application, or "".
    """

    path: str
    result: Result
    inert: str = ""


def with_nested(outer: Result, nested: Sequence[NestedResult], *, all_files: bool) -> Result:
    """The outer artifact's Result with what is inside; its verdict is still to be given.

    :param all_files: whether components name every file.
    """
    if not nested:
        return outer
    live = [one for one in nested if not one.inert]
    arch = outer.artifact.arch or next((one.result.artifact.arch for one in live if one.result.artifact.arch), None)
    return replace(
        outer,
        artifact=replace(outer.artifact, arch=arch),
        rules=dict(sorted({key: rule for one in (*live, NestedResult("", outer)) for key, rule in one.result.rules.items()}.items())),
        nested=tuple(block for one in nested for block in _blocks(one, outer.artifact.id)),
        floors=_floors(outer, live),
        tag=_tag(outer, live),
        files=replace(outer.files, entries=_entries(outer, live)),
        libraries=(*outer.libraries, *(_library(found, one.path) for one in live for found in one.result.libraries)),
        roots=(
            *outer.roots,
            *(RootInfo(path=nested_path(one.path, root.path), role=root.role) for one in live for root in one.result.roots),
        ),
        hosts=_hosts(outer, live),
        components=_components(outer.components, live, all_files=all_files),
        licenses=replace(
            outer.licenses,
            exposures=(*outer.licenses.exposures, *(_exposure(found, one) for one in live for found in one.result.licenses.exposures)),
            shipped_bills=(*outer.licenses.shipped_bills, *(_bill(bill, one.path) for one in live for bill in one.result.licenses.shipped_bills)),
        ),
        findings=tuple(sorted_findings([*outer.findings, *(_finding(found, one) for one in live for found in one.result.findings)])),
        problems=(*outer.problems, *(_problem(found, one.path) for one in nested for found in one.result.problems)),
    )  # fmt: skip


def _entries(outer: Result, live: Sequence[NestedResult]) -> tuple[FileEntry, ...] | None:
    """The artifact's own members, then those of what is inside; None where members are not named."""
    if outer.files.entries is None:
        return None
    inside = (
        replace(entry, path=nested_path(one.path, entry.path))
        for one in live
        for entry in one.result.files.entries or ()
    )
    return (*outer.files.entries, *inside)


def wanted_inside(nested: Sequence[NestedResult]) -> frozenset[str]:
    """The sonames that objects inside ask the system for."""
    return frozenset(
        need.name
        for one in nested
        if not one.inert
        for library in one.result.libraries
        for need in library.needed
        if need.origin != "bundle"
    )


def _blocks(one: NestedResult, parent: str) -> Iterable[NestedArtifact]:
    """Its own block, then those of what is inside it."""
    found = one.result
    identity = f"{parent}!/{one.path}"
    yield NestedArtifact(
        id=identity,
        parent=parent,
        path=one.path,
        format=found.artifact.format,
        size=found.artifact.size,
        unpacked_size=found.artifact.unpacked_size,
        files=found.files.count,
        elf_count=found.files.elf_count,
        inert=one.inert,
        coverage=found.coverage if not one.inert else Coverage(seen=found.files.count),
    )
    for inner in found.nested:
        yield replace(
            inner,
            id=f"{parent}!/{nested_path(one.path, inner.path)}",
            parent=f"{parent}!/{nested_path(one.path, inner.path.rpartition('!/')[0])}",
            path=nested_path(one.path, inner.path),
            inert=inner.inert or one.inert,
        )


# -- floors and tag


def _floors(outer: Result, live: Sequence[NestedResult]) -> dict[str, Floor]:
    found = dict(outer.floors)
    for one in live:
        for namespace, floor in one.result.floors.items():
            inner = replace(floor, causes=tuple(_cause(cause, one.path) for cause in floor.causes))
            known = found.get(namespace)
            found[namespace] = inner if known is None else _higher(known, inner)
    return dict(sorted(found.items()))


def _higher(one: Floor, other: Floor) -> Floor:
    """The floor of both: the causes of what is still the highest."""
    version = _highest(one.version, other.version)
    host_version = _highest(one.host_version, other.host_version)
    kept = [cause for cause in (*one.causes, *other.causes) if _still_counts(cause, version, host_version)]
    kept.sort(key=lambda cause: (cause.weak, not cause.from_host))
    return Floor(
        version=version,
        host_version=host_version,
        markers=tuple(sorted({*one.markers, *other.markers})),
        causes=tuple(kept[:_MOST_CAUSES]),
        remedy=one.remedy if one.host_version == host_version else other.remedy,
    )


def _highest(one: str | None, other: str | None) -> str | None:
    return max((version for version in (one, other) if version is not None), key=version_key, default=None)


def _still_counts(cause: FloorCause, version: str | None, host_version: str | None) -> bool:
    number = cause.version.rpartition("_")[2]
    return not number[:1].isdigit() or number in (version, host_version)


def _cause(cause: FloorCause, path: str) -> FloorCause:
    return replace(cause, file=nested_path(path, cause.file))


def _tag(outer: Result, live: Sequence[NestedResult]) -> TagInfo:
    """The least compatible of all, and whose it is."""
    chosen = outer.tag
    for one in live:
        inner = one.result.tag
        if inner.allowed is None or (
            chosen.allowed is not None and _tag_rank(inner.allowed) <= _tag_rank(chosen.allowed)
        ):
            continue
        said = tuple(f"in {one.path}: {reason}" for reason in inner.reasons) or (f"{one.path} allows no more",)
        chosen = TagInfo(allowed=inner.allowed, claimed=chosen.claimed, reasons=said)
    return chosen


def _tag_rank(tag: str) -> tuple[int, ...]:
    """Larger for what fewer systems take: "linux_…" after every manylinux, then by the version of the C library."""
    kind, *numbers = tag.split("_")
    if kind == "linux":
        return (1,)
    return (0, *(int(number) for number in numbers[:2] if number.isdigit()))


# -- objects and systems


def _library(found: LibraryInfo, path: str) -> LibraryInfo:
    needed = tuple(
        need if need.path is None else replace(need, path=nested_path(path, need.path)) for need in found.needed
    )
    return replace(found, path=nested_path(path, found.path), needed=needed)


def _hosts(outer: Result, live: Sequence[NestedResult]) -> tuple[HostVerdict, ...]:
    """Every system's verdict with those of what is inside; systems that only something inside was judged by come last."""
    verdicts = {(host.id, host.variant): host for host in outer.hosts}
    for one in live:
        if outer.artifact.arch not in (None, one.result.artifact.arch):
            continue  # it is not for the machines that the artifact is for
        decides = _decides(outer, one)
        for host in one.result.hosts:
            if not host.judged:  # nothing in it is for this machine
                continue
            key = (host.id, host.variant)
            inner = _inside(host, one.path, decides=decides)
            known = verdicts.get(key)
            verdicts[key] = inner if known is None or not known.judged else _worst(known, inner)
    return tuple(verdicts.values())


def _decides(outer: Result, one: NestedResult) -> bool:
    """Whether the artifact starts only where the nested one does.

    So it is where the member is what the outer artifact starts, or may be, as it is no program of its own that the outer's graph would know; and
    where it has programs itself, not extension modules alone.
    """
    roles = {root.path: root.role for root in outer.roots}
    if roles.get(one.path) == "optional":
        return False
    return any(root.role == "entry" for root in one.result.roots)


def _inside(host: HostVerdict, path: str, *, decides: bool) -> HostVerdict:
    verdict: Literal["starts", "degraded", "fails", "unknown"] = host.verdict
    if verdict == "fails" and not decides:
        verdict = "degraded"
    elif verdict == "unknown" and not decides:
        verdict = "starts"
    return replace(
        host,
        verdict=verdict,
        message=f"{path}: {host.message}" if host.message and verdict != "starts" else "",
        objects=tuple(_failed(found, path) for found in host.objects),
    )


def _failed(found: FailedObject, path: str) -> FailedObject:
    versions = tuple(
        {**row, "needed_by": nested_path(path, row["needed_by"])} if "needed_by" in row else row
        for row in found.missing_versions
    )
    return replace(found, path=nested_path(path, found.path), missing_versions=versions)


def _worst(one: HostVerdict, other: HostVerdict) -> HostVerdict:
    """Both together, with the word of the worse."""
    worse = other if _WORSE[other.verdict] > _WORSE[one.verdict] else one
    return replace(worse, judged=one.judged + other.judged, objects=(*one.objects, *other.objects))


# -- components and licences


def _components(
    outer: Sequence[ComponentInfo], live: Sequence[NestedResult], *, all_files: bool
) -> tuple[ComponentInfo, ...]:
    """Those of the artifact, then those that are only inside; what is in both is one component with the files of both."""
    found = {_identity(component): component for component in outer}
    for one in live:
        for component in one.result.components:
            inner = _component(component, one.path)
            known = found.get(_identity(component))
            found[_identity(component)] = inner if known is None else _together(known, inner, all_files=all_files)
    return tuple(found.values())


def _identity(component: ComponentInfo) -> tuple[str, str | None, str, str | None]:
    return component.name, component.version, component.kind, component.licenses


def _component(component: ComponentInfo, path: str) -> ComponentInfo:
    return replace(
        component,
        evidence=tuple(f"in {path}: {clause}" for clause in component.evidence),
        files=tuple(nested_path(path, name) for name in component.files),
        license_files=tuple(nested_path(path, name) for name in component.license_files),
    )


def _together(one: ComponentInfo, other: ComponentInfo, *, all_files: bool) -> ComponentInfo:
    files = (*one.files, *other.files)
    return replace(
        one,
        evidence=(*one.evidence, *other.evidence),
        found=tuple(dict.fromkeys((*one.found, *other.found))),
        license_files=(*one.license_files, *other.license_files),
        files=files if all_files else files[:_MOST_FILES],
        file_count=one.file_count + other.file_count,
        bytes=ByteCount(raw=one.bytes.raw + other.bytes.raw, stored=one.bytes.stored + other.bytes.stored),
    )


def _exposure(exposure: Exposure, one: NestedResult) -> Exposure:
    """Its chain begins inside; only what is a path there is one here."""
    paths = {found.path for found in one.result.libraries}
    chain = tuple(nested_path(one.path, part) if part in paths else part for part in exposure.chain)
    return replace(
        exposure, chain=chain if chain and chain[0].startswith(one.path) else (one.path, *chain), slim_options=()
    )


def _bill(bill: ShippedBill, path: str) -> ShippedBill:
    return replace(bill, path=nested_path(path, bill.path))


# -- findings and problems


def _finding(found: Finding, one: NestedResult) -> Finding:
    """It is told of the nested artifact; slim does not reach in there."""
    subject = nested_path(one.path, found.subject)
    return replace(
        found,
        subject=subject,
        message=f"in {one.path}: {found.message}",
        fix=None if found.fix is None else replace(found.fix, action=None, saves=0),
        fingerprint=fingerprint(found.rule, subject, found.fingerprint),
    )


def _problem(found: Problem, path: str) -> Problem:
    return replace(found, subject=nested_path(path, found.subject))
