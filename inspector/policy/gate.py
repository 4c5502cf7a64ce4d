"""The gate: whether findings and problems stop a release, and the exit code that says so.

It reads findings and problems only, so that a Result can be judged again by another policy without the artifact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from inspector.errors import ExitCode
from inspector.model import SEVERITY_ORDER, Finding, Problem, Severity
from inspector.result import HostVerdict, Verdict

FailOn = Literal["error", "warning", "info", "never"]

_PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.NOTHING_INSPECTED,
    ExitCode.GATE_FAILED,
    ExitCode.INCOMPLETE,
    ExitCode.PASSED,
)
_MOST_RULES_NAMED = 5
_MOST_HOSTS_NAMED = 3


def judge(
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    *,
    fail_on: FailOn = "error",
    incomplete_fails: bool = False,
    hosts: Sequence[HostVerdict] = (),
    hosts_named: bool = False,
) -> Verdict:
    """What the gate says, with every reason for a failure.

    :param fail_on: the mildest severity that fails the gate; suppressed findings never do.
    :param incomplete_fails: whether a member that could not be read fails it too.
    :param hosts: verdicts of the systems that were asked.
    :param hosts_named: whether somebody named these systems as targets: then each must start; otherwise it is enough that one does.
    """
    reasons = gate_reasons(findings, problems, fail_on, incomplete_fails, hosts, hosts_named=hosts_named)
    return verdict_of(reasons)


def exit_code(
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    *,
    fail_on: FailOn = "error",
    incomplete_fails: bool = False,
    hosts: Sequence[HostVerdict] = (),
    hosts_named: bool = False,
) -> ExitCode:
    """The exit code of :func:`judge` with the same arguments: passed, gate failed, or incomplete where nothing else fails."""
    reasons = gate_reasons(findings, problems, fail_on, incomplete_fails, hosts, hosts_named=hosts_named)
    return most_severe(code for code, _ in reasons)


def gate_reasons(
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    fail_on: FailOn,
    incomplete_fails: bool,
    hosts: Sequence[HostVerdict],
    *,
    hosts_named: bool,
) -> list[tuple[ExitCode, str]]:
    """Every reason with the exit code that it means; parameters as for :func:`judge`."""
    return _reasons(findings, problems, fail_on, incomplete_fails) + _host_reasons(hosts, hosts_named, fail_on)


def fails(finding: Finding, fail_on: FailOn) -> bool:
    """Whether a finding alone fails the gate."""
    return finding.suppressed is None and finding.severity in _failing_severities(fail_on)


def verdict_of(reasons: Sequence[tuple[ExitCode, str]], notices: Sequence[str] = ()) -> Verdict:
    """What the gate says for these reasons."""
    return Verdict(
        gate="failed" if reasons else "passed", reasons=tuple(text for _, text in reasons), notices=tuple(notices)
    )


def most_severe(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that stands for all of them, in the order 70, 2, 3, 1, 4, 0; of none it is 0."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.PASSED)


def _reasons(
    findings: Sequence[Finding], problems: Sequence[Problem], fail_on: FailOn, incomplete_fails: bool
) -> list[tuple[ExitCode, str]]:
    reasons: list[tuple[ExitCode, str]] = []
    for severity in _failing_severities(fail_on):
        rules = [finding.rule for finding in findings if finding.severity == severity and finding.suppressed is None]
        if rules:
            amount = "1 finding" if len(rules) == 1 else f"{len(rules)} findings"
            reasons.append((ExitCode.GATE_FAILED, f"{amount} of severity {severity}: {_name_rules(rules)}"))
    if incomplete_fails and problems:
        amount = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        reasons.append((ExitCode.INCOMPLETE, f"incomplete: {amount} while reading, the first is {problems[0].kind}"))
    return reasons


def _host_reasons(hosts: Sequence[HostVerdict], named: bool, fail_on: FailOn) -> list[tuple[ExitCode, str]]:
    failing = [host for host in hosts if host.verdict == "fails"]
    if not failing or fail_on == "never":
        return []
    if named:
        names = ", ".join(f"{host.name} ({host.message})" for host in failing[:_MOST_HOSTS_NAMED])
        more = f" and {len(failing) - _MOST_HOSTS_NAMED} more" if len(failing) > _MOST_HOSTS_NAMED else ""
        return [(ExitCode.GATE_FAILED, f"does not start on {names}{more}")]
    if len(failing) == len(hosts):
        return [(ExitCode.GATE_FAILED, f"starts on none of {len(hosts)} systems: {failing[0].message}")]
    return []


def _failing_severities(fail_on: FailOn) -> list[Severity]:
    if fail_on == "never":
        return []
    return [severity for severity, rank in SEVERITY_ORDER.items() if rank <= SEVERITY_ORDER[fail_on]]


def _name_rules(rules: list[str]) -> str:
    names = sorted(set(rules))
    named = ", ".join(names[:_MOST_RULES_NAMED])
    return named if len(names) <= _MOST_RULES_NAMED else f"{named} and {len(names) - _MOST_RULES_NAMED} more rules"
