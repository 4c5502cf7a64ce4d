"""The one way from an artifact to a Result, and the public API: :func:`audit`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from inspector import __version__
from inspector.artifact import Artifact, open_artifact
from inspector.artifact.file_digest import FileDigest
from inspector.checks import run_checks
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.facts.nested_artifacts import find_nested
from inspector.limits import Limits
from inspector.model import Problem
from inspector.policy.gate import FailOn, judge
from inspector.progress import SILENT, Progress
from inspector.result import Result, Verdict
from inspector.result_making import host_verdict, listed_result, result_of
from inspector.result_nesting import NestedResult, wanted_inside, with_nested

if TYPE_CHECKING:
    from inspector.artifact.member_digests import MemberDigest
    from inspector.facts.binaries.elf_objects import ElfObject

_NOT_YET = Verdict(gate="passed")  # until everything is known that the gate judges


class Audited(Struct, frozen=True):
    """An artifact that is still open, what was found out about it, and the document that says so."""

    facts: Facts
    result: Result


def audit(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    list_files: bool = False,
    digest_files: bool = False,
    explain_licenses: bool = False,
    hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    fail_on: FailOn = "error",
    progress: Progress = SILENT,
) -> Result:
    """Audit an artifact without running, mounting or unpacking it.

    :param path: an AppImage, an AppDir, a directory, or one ELF file.
    :param limits: bounds of work and memory; the defaults suit a release pipeline.
    :param list_files: whether the Result names every member of the tree.
    :param digest_files: whether it names their digests too, for which every file is read once more.
    :param explain_licenses: whether it says of copyleft also whether the application imports it, what would take it out, and what it obliges to, for
        which the imports of a Python application are followed.
    :param hosts: the systems to judge by, identifiers ("debian-12") or files of captured profiles; none stands for every supported one.
    :param environment: variables that have these values whatever the launcher does, as ``--env`` gives them.
    :param fail_on: the lowest severity that fails the gate, or "never".
    :raises NothingInspected: where the file is unreadable, empty, of an unknown kind, or has no readable payload.
    """
    limits = limits or Limits()
    progress.stage("Opening")
    with open_artifact(path, limits) as artifact:
        return audit_opened(
            artifact, limits=limits, list_files=list_files, digest_files=digest_files, explain_licenses=explain_licenses, hosts=hosts,
            environment=environment, fail_on=fail_on, progress=progress,
        ).result  # fmt: skip


def audit_opened(
    artifact: Artifact,
    *,
    limits: Limits,
    list_files: bool = False,
    digest_files: bool = False,
    explain_licenses: bool = False,
    hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    fail_on: FailOn = "error",
    progress: Progress = SILENT,
) -> Audited:
    """Audit an artifact that is open already and stays open, so that its facts can be worked with; parameters as for :func:`audit`."""
    asked = _Asked(limits, list_files or digest_files, digest_files, explain_licenses, hosts, environment)
    nested: list[NestedResult] = []
    digest = FileDigest(artifact.source)

    def work_meanwhile(objects: Sequence[ElfObject]) -> None:
        digest.start()
        nested.extend(examine_nested(artifact, objects, asked, progress))

    try:
        facts = _facts(artifact, asked, progress, meanwhile=work_meanwhile)
        progress.stage("Judging")
        findings = tuple(run_checks(facts))
        members = _digests(artifact, progress) if digest_files else None
    finally:
        digest.end()  # the file may be closed behind us
    facts = replace(facts, wanted_inside=wanted_inside(nested))
    verdicts = tuple(host_verdict(verdict, facts) for verdict in facts.hosts)
    result = result_of(
        artifact, facts, findings, verdicts, _NOT_YET, digest.value, version=__version__, list_files=asked.all_files,
        digests=members,
    )  # fmt: skip
    result = with_nested(result, nested, all_files=asked.all_files)
    verdict = judge(result.findings, result.problems, fail_on=fail_on, hosts=result.hosts, hosts_named=bool(hosts))
    return Audited(facts, replace(result, verdict=verdict))


class _Asked(Struct, frozen=True):
    """What an audit was asked for, as far as it concerns what is inside.

    :ivar opened: unpacked bytes of each artifact inside, for the limits on their number and on all of them together.
    """

    limits: Limits
    all_files: bool
    digest_files: bool
    explain_licenses: bool
    hosts: Sequence[str]
    environment: Mapping[str, str] | None
    opened: list[int] = field(default_factory=list)


def _facts(
    artifact: Artifact,
    asked: _Asked,
    progress: Progress = SILENT,
    *,
    alone: bool = False,
    meanwhile: Callable[[Sequence[ElfObject]], None] | None = None,
) -> Facts:
    facts = collect_facts(
        artifact, asked.limits, progress, hosts=asked.hosts, environment=asked.environment, alone=alone,
        meanwhile=meanwhile,
    )  # fmt: skip
    if not asked.explain_licenses:
        return facts
    from inspector.facts.licensing.exposure_details import explain_exposures

    progress.stage("Following imports")
    return replace(facts, exposures=explain_exposures(artifact, facts, asked.limits))


def examine_nested(
    artifact: Artifact, objects: Sequence[ElfObject], asked: _Asked, progress: Progress = SILENT, depth: int = 1
) -> list[NestedResult]:
    """The artifacts inside an artifact, each examined as the artifact itself is; what passes the limits becomes a problem of the artifact."""
    found = []
    for inside in find_nested(artifact, objects, asked.limits):
        asked.opened.append(sum(node.size for node in inside.artifact.tree.files()))
        why = ""
        if depth > asked.limits.nesting_depth:
            why = f"it lies {depth} artifacts deep, more than the nesting_depth limit"
        elif len(asked.opened) > asked.limits.nested_artifacts:
            why = f"there are more than {asked.limits.nested_artifacts} artifacts inside, the nested_artifacts limit"
        elif sum(asked.opened) > asked.limits.decoded_data:
            why = f"what is inside has more than {asked.limits.decoded_data} bytes together, the decoded_data limit"
        if why:
            artifact.problems.append(
                Problem(kind="limit-exceeded", subject=inside.path, message=f"{why}; it is not opened")
            )
            continue
        progress.stage(f"Opening {inside.path.rpartition('/')[2]}")
        result = (
            listed_result(inside.artifact, __version__)
            if inside.inert
            else _inner_result(inside.artifact, asked, depth)
        )
        found.append(NestedResult(inside.path, result, inside.inert))
    return found


def _inner_result(artifact: Artifact, asked: _Asked, depth: int) -> Result:
    facts = _facts(artifact, asked, alone=True)
    nested = examine_nested(artifact, facts.objects, asked, depth=depth + 1)
    result = result_of(
        artifact, facts, tuple(run_checks(facts)), tuple(host_verdict(verdict, facts) for verdict in facts.hosts), _NOT_YET, None,
        version=__version__, list_files=asked.all_files, digests=_digests(artifact, SILENT) if asked.digest_files else None,
    )  # fmt: skip
    return with_nested(result, nested, all_files=asked.all_files)


def _digests(artifact: Artifact, progress: Progress) -> dict[str, MemberDigest]:
    from inspector.artifact.member_digests import member_digests

    progress.stage("Hashing files")
    return member_digests(artifact.tree, artifact.problems)
