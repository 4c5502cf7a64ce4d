"""The one way from an artifact to a Result, and the public API: :func:`audit`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector import __version__
from inspector.artifact import Artifact, open_artifact
from inspector.artifact.file_digest import FileDigest
from inspector.checks import run_checks
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.policy.gate import FailOn, judge
from inspector.progress import SILENT, Progress
from inspector.result import Result
from inspector.result_making import host_verdict, result_of

if TYPE_CHECKING:
    from inspector.artifact.member_digests import MemberDigest


@dataclass(frozen=True, slots=True)
class Audited:
    """An artifact that is still open, what was found out about it, and the document that says so."""

    facts: Facts
    result: Result


def audit(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    list_files: bool = False,
    digest_files: bool = False,
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
    :param hosts: the systems to judge by, identifiers ("debian-12") or files of captured profiles; none stands for every supported one.
    :param environment: variables that have these values whatever the launcher does, as ``--env`` gives them.
    :param fail_on: the lowest severity that fails the gate, or "never".
    :raises NothingInspected: where the file is unreadable, empty, of an unknown kind, or has no readable payload.
    """
    limits = limits or Limits()
    progress.stage("Opening")
    with open_artifact(path, limits) as artifact:
        return audit_opened(
            artifact, limits=limits, list_files=list_files, digest_files=digest_files, hosts=hosts, environment=environment,
            fail_on=fail_on, progress=progress,
        ).result  # fmt: skip


def audit_opened(
    artifact: Artifact,
    *,
    limits: Limits,
    list_files: bool = False,
    digest_files: bool = False,
    hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    fail_on: FailOn = "error",
    progress: Progress = SILENT,
) -> Audited:
    """Audit an artifact that is open already and stays open, so that its facts can be worked with; parameters as for :func:`audit`."""
    digest = FileDigest(artifact.source)
    try:
        facts = collect_facts(artifact, limits, progress, hosts=hosts, environment=environment)
        progress.stage("Judging")
        findings = tuple(run_checks(facts))
        members = _digests(artifact, progress) if digest_files else None
    finally:
        digest.join()  # the file may be closed behind us
    verdicts = tuple(host_verdict(verdict, facts) for verdict in facts.hosts)
    verdict = judge(findings, artifact.problems, fail_on=fail_on, hosts=verdicts, hosts_named=bool(hosts))
    result = result_of(
        artifact, facts, findings, verdicts, verdict, digest.value, version=__version__, list_files=list_files or digest_files,
        digests=members,
    )  # fmt: skip
    return Audited(facts, result)


def _digests(artifact: Artifact, progress: Progress) -> dict[str, MemberDigest]:
    from inspector.artifact.member_digests import member_digests

    progress.stage("Hashing files")
    return member_digests(artifact.tree, artifact.problems)
