"""From an opened artifact's facts and findings to the Result: what the document says, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from inspector.artifact import Artifact
from inspector.artifact.artifact import StartRefusal
from inspector.artifact.member_digests import MemberDigest
from inspector.catalogue import load_rule
from inspector.checks import ALL_RULES
from inspector.facts.binaries.floor_causes import remedy_for
from inspector.facts.binaries.floors import NamespaceFloor, VersionRequest, highest_by_file
from inspector.facts.binaries.platform_policies import policy_source
from inspector.facts.facts import Facts
from inspector.facts.hosts.libraries import excludelist_date
from inspector.facts.hosts.outcomes import FailedRoot, LackingVersion
from inspector.facts.hosts.profiles import data_date
from inspector.facts.hosts.verdicts import SystemVerdict
from inspector.facts.launchers.launcher import Launcher
from inspector.facts.licensing.components import Component
from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.native_licenses import library_catalogue_date
from inspector.facts.sizes import removable_kind
from inspector.facts.support_periods import support_period, table_date
from inspector.model import Coverage, Finding, Skipped
from inspector.result import (
    ArtifactInfo,
    ComponentInfo,
    Exposure,
    FailedObject,
    FileEntry,
    FilesInfo,
    Floor,
    FloorCause,
    FloorRequest,
    HostVerdict,
    LibraryInfo,
    LicensesInfo,
    LicenseStatement,
    NeededInfo,
    Result,
    RootInfo,
    RuleInfo,
    ShippedBill,
    ToolInfo,
    Verdict,
)

_MOST_REQUESTS = 500
_MOST_CAUSES = 40  # a namespace; the Result of a large bundle stays readable, and symbol_count of each cause is whole
_MOST_SYMBOLS = 20
_MOST_FILES = 20


def result_of(
    artifact: Artifact,
    facts: Facts,
    findings: tuple[Finding, ...],
    hosts: tuple[HostVerdict, ...],
    verdict: Verdict,
    digest: str | None,
    *,
    version: str,
    list_files: bool,
    digests: Mapping[str, MemberDigest] | None = None,
) -> Result:
    """The document about an artifact.

    :param hosts: what :func:`host_verdict` makes of the facts' verdicts.
    :param digest: sha256 of the artifact's file, or None for a directory.
    :param version: this program's.
    :param list_files: whether every member of the tree is named.
    :param digests: of the files, by tree path, where a report asks for them.
    """
    problems = tuple(artifact.problems)
    return Result(
        tool=ToolInfo(name="bundle-inspect", version=version, data=_data_dates()),
        rules={name: _rule_info(name) for name in sorted({found.rule for found in findings})},
        artifact=ArtifactInfo(
            id=f"sha256:{digest}" if digest else f"path:{artifact.path}",
            path=artifact.path,
            format=artifact.format,
            arch=facts.arch,
            size=artifact.size,
            unpacked_size=facts.sizes.total.raw,
            sha256=digest,
            envelope=artifact.envelope,
        ),
        files=FilesInfo(
            count=len(facts.files),
            elf_count=len(facts.objects),
            entries=_entries(artifact, facts, digests or {}) if list_files else None,
        ),
        floors={floor.namespace: _floor(floor, facts) for floor in facts.floors},
        tag=facts.tag,
        libraries=_libraries(facts),
        roots=tuple(RootInfo(path=root.path, role=root.role) for root in facts.graph.roots),
        hosts=hosts,
        components=tuple(_component(component, all_files=list_files) for component in facts.components),
        licenses=LicensesInfo(
            exposures=tuple(
                Exposure(
                    license=exposure.license,
                    license_class=exposure.license_class,
                    component=exposure.component,
                    linkage=exposure.linkage,
                    chain=exposure.chain,
                    imported=exposure.imported,
                    removed_by=exposure.removed_by,
                    slim_options=exposure.slim_options,
                    obligations=exposure.obligations,
                )
                for exposure in facts.exposures
            ),
            shipped_bills=tuple(
                ShippedBill(
                    path=bill.path,
                    format=bill.format,
                    of=bill.of,
                    confirmed=bill.confirmed,
                    absent=bill.absent,
                    unlisted=bill.unlisted,
                )
                for bill in facts.shipped_bills
            ),
        ),
        sizes=facts.sizes,
        findings=findings,
        problems=problems,
        coverage=Coverage(
            seen=len(facts.files),
            analysed=len(facts.files) - len({problem.subject for problem in problems if problem.subject}),
            skipped=tuple(
                Skipped(path=problem.subject, why=problem.message) for problem in problems if problem.subject
            ),
            rules_run=ALL_RULES,
            bytes=artifact.byte_map,
        ),
        verdict=verdict,
    )


def without_file_list(result: Result) -> Result:
    """The same document as it is without ``list_files``."""
    if result.files.entries is None:
        return result
    return replace(
        result,
        files=replace(result.files, entries=None),
        components=tuple(replace(each, files=each.files[:_MOST_FILES]) for each in result.components),
    )


def listed_result(artifact: Artifact, version: str) -> Result:
    """The document about an artifact that is listed only: what it is, and how many files are in it."""
    files = list(artifact.tree.files())
    return Result(
        tool=ToolInfo(name="bundle-inspect", version=version),
        rules={},
        artifact=ArtifactInfo(
            id=f"path:{artifact.path}",
            path=artifact.path,
            format=artifact.format,
            arch=artifact.arch,
            size=artifact.size,
            unpacked_size=sum(node.size for node in files),
        ),
        files=FilesInfo(count=len(files), elf_count=0),
        problems=tuple(artifact.problems),
        coverage=Coverage(seen=len(files), bytes=artifact.byte_map),
    )


def _data_dates() -> dict[str, str]:
    return {
        "end_of_life": table_date(),
        "excludelist": excludelist_date(),
        "hosts": data_date(),
        "library_licenses": library_catalogue_date(),
        "platform_policies": policy_source(),
    }


def _rule_info(name: str) -> RuleInfo:
    rule = load_rule(name)
    return RuleInfo(code=rule.code, severity=rule.severity, summary=rule.summary)


def _entries(artifact: Artifact, facts: Facts, digests: Mapping[str, MemberDigest]) -> tuple[FileEntry, ...]:
    nodes = sorted((node for node in artifact.tree if node.path), key=lambda node: node.path)
    return tuple(
        FileEntry(
            path=node.path,
            kind=node.kind.value,
            mode=node.mode,
            size=node.size,
            stored_size=node.stored_size,
            target=node.target,
            sha1=digests[node.path].sha1 if node.path in digests else None,
            sha256=digests[node.path].sha256 if node.path in digests else None,
            shared=bool(node.stored_size) and node.path in facts.files and not facts.files[node.path].stored,
            component=facts.owners.get(node.path, ""),
            removable=removable_kind(facts.files[node.path]) if node.path in facts.files else "",
        )
        for node in nodes
    )


def _floor(floor: NamespaceFloor, facts: Facts) -> Floor:
    causes = tuple(_cause(request, facts) for request in floor.causes[:_MOST_CAUSES])
    number = floor.host_version or floor.version
    decisive = {
        symbol for cause in causes if number is not None and cause.version.endswith(number) for symbol in cause.symbols
    }
    return Floor(
        version=floor.version,
        host_version=floor.host_version,
        markers=floor.markers,
        causes=causes,
        requests=tuple(
            FloorRequest(file=file, version=version)
            for file, version in highest_by_file(floor.namespace, facts.requests)[:_MOST_REQUESTS]
        ),
        remedy=remedy_for(floor.namespace, number, sorted(decisive))
        if number is not None and floor.host_version
        else None,
    )


def _cause(request: VersionRequest, facts: Facts) -> FloorCause:
    found = facts.object(request.file)
    symbols = sorted(found.elf.symbols.names_with_version(request.index)) if found is not None else []
    return FloorCause(
        file=request.file,
        library=request.library,
        version=request.version,
        symbols=tuple(symbols[:_MOST_SYMBOLS]),
        symbol_count=len(symbols),
        from_host=request.from_host,
        weak=request.weak,
    )


def _libraries(facts: Facts) -> tuple[LibraryInfo, ...]:
    roles = {root.path: root.role for root in facts.graph.roots}
    return tuple(
        LibraryInfo(
            path=found.path,
            role=roles.get(found.path, "library" if found.elf.type == "DYN" else found.elf.type.lower()),
            soname=found.elf.soname,
            rpath=found.elf.rpath,
            runpath=found.elf.runpath,
            needed=tuple(
                NeededInfo(name=need.name, path=need.path, origin=need.origin, via=need.via)
                for need in facts.graph.needs.get(found.path, ())
            ),
        )
        for found in facts.objects
    )


def host_verdict(verdict: SystemVerdict, facts: Facts) -> HostVerdict:
    """A system's verdict, the runtime's word first: nothing behind it runs where it does not; then that of the format's own starter."""
    runtime = facts.runtime_on_hosts.get((verdict.id, verdict.variant))
    state, message = verdict.verdict, verdict.message
    if runtime is not None and runtime.outcome == "does not start":
        state, message = "fails", runtime.message
    elif runtime is not None and runtime.outcome == "extracts" and state in ("starts", "degraded"):
        state, message = "degraded", f"will not mount, can be extracted: {' '.join(runtime.message.split())}"
    elif facts.refusal is not None:
        state, message = _refused(verdict, facts.refusal, facts.launcher)
    return HostVerdict(
        id=verdict.id,
        name=verdict.name,
        variant=verdict.variant,
        basis=verdict.basis,
        verdict=state,
        message=message,
        judged=verdict.judged,
        libc=verdict.libc,
        released=facts.host_releases.get(verdict.id),
        objects=tuple(
            FailedObject(
                path=failed.path,
                missing_libraries=failed.missing_libraries,
                missing_versions=tuple(_lacking(lacking, failed) for lacking in failed.missing_versions),
                missing_symbols=failed.missing_symbols,
            )
            for failed in verdict.objects
        ),
    )


def _refused(
    verdict: SystemVerdict, refusal: StartRefusal, launcher: Launcher
) -> tuple[Literal["starts", "degraded", "fails", "unknown"], str]:
    """Word and message where the format's starter ends early: where the loader does not start even that, its word stays."""
    if not verdict.judged or any(failed.path in (launcher.path, *launcher.programs) for failed in verdict.objects):
        return verdict.verdict, verdict.message
    if refusal.certain:
        return "fails", refusal.message
    return ("fails", verdict.message) if verdict.verdict == "fails" else ("unknown", refusal.message)


def _lacking(lacking: LackingVersion, failed: FailedRoot) -> dict[str, str]:
    """A version that is not there; the symbols behind it are told for what the bundle starts, which is what people ask about."""
    row = {"library": lacking.library, "version": lacking.version, "needed_by": lacking.needed_by}
    if failed.role == "entry" and lacking.symbols:
        row["symbols"] = ", ".join(lacking.symbols[:_MOST_SYMBOLS])
    return row


def _component(component: Component, *, all_files: bool) -> ComponentInfo:
    return ComponentInfo(
        name=component.name,
        version=component.version,
        kind=component.kind,
        licenses=component.licenses,
        license_class=component.license_class,
        stated=component.stated,
        declared=_statement(component.declared) if component.declared is not None else None,
        found=tuple(_statement(each) for each in component.found),
        concluded_from=component.concluded_from,
        license_files=component.license_files,
        part_of=component.part_of,
        end_of_life=_end_of_support(component),
        package_url=component.package_url,
        evidence=component.evidence,
        files=component.files if all_files else component.files[:_MOST_FILES],
        file_count=len(component.files),
        bytes=component.bytes,
    )


def _end_of_support(component: Component) -> str:
    """ISO date, "" where none is known."""
    period = support_period(component)
    return period.ended.isoformat() if period is not None and period.ended is not None else ""


def _statement(stated: FoundLicense) -> LicenseStatement:
    """A statement; where it is no expression and names one licence in words of its own, these are its words."""
    words = stated.mentioned[0] if stated.expression is None and len(stated.mentioned) == 1 else ""
    mentioned = () if words else stated.mentioned
    return LicenseStatement(expression=stated.expression, source=stated.source, mentioned=mentioned, words=words)
