"""JUnit XML as Jenkins, GitLab and others read it: a suite an artifact, a case a rule that ran, so that passes are seen too.

There is no standard; this keeps to what the schema of Jenkins' xunit plug-in (``junit-10.xsd``) allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from xml.sax.saxutils import escape as escape_text
from xml.sax.saxutils import quoteattr

from inspector.model import Finding
from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

_MOST_FINDINGS = 100


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The document as UTF-8.  What fails the gate is a failure, and so is its verdict; all else is output of a case that passes."""
    del options
    suites = [_Suite(result) for result in results]
    totals = [
        sum(suite.tests for suite in suites),
        sum(suite.failures for suite in suites),
        sum(suite.errors for suite in suites),
    ]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="inspect audit" tests="{totals[0]}" failures="{totals[1]}" errors="{totals[2]}">')
    for suite in suites:
        lines += suite.lines()
    lines.append("</testsuites>")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


class _Suite:
    def __init__(self, result: Result) -> None:
        self._result = result
        self._name = PurePath(result.artifact.path).name or result.artifact.path
        self._by_rule: dict[str, list[Finding]] = defaultdict(list)
        for finding in result.findings:
            self._by_rule[finding.rule].append(finding)
        self._rules = sorted({*result.coverage.rules_run, *self._by_rule})
        self._fails = result.verdict.is_failed_by
        self._failing = {rule for rule in self._rules if any(map(self._fails, self._by_rule[rule]))}
        gate_fails = result.verdict.gate == "failed"
        self.tests = len(self._rules) + 1 + bool(result.problems)
        self.failures = len(self._failing) + gate_fails
        self.errors = int(bool(result.problems))

    def lines(self) -> list[str]:
        """The suite's element."""
        result = self._result
        name = _attribute(self._name)
        lines = [
            f'  <testsuite name={name} tests="{self.tests}" failures="{self.failures}" errors="{self.errors}" skipped="0" time="0">'
        ]
        lines += self._case("gate", [], "\n".join(result.verdict.reasons) if result.verdict.gate == "failed" else None)
        for rule in self._rules:
            findings = self._by_rule[rule]
            failure = None
            if rule in self._failing:
                failure = "\n".join(_line(finding) for finding in findings if self._fails(finding))
            passing = [_line(finding) for finding in findings if not self._fails(finding)]
            lines += self._case(rule, passing, failure)
        if result.problems:
            text = "\n".join(
                f"{problem.kind} {problem.subject}: {problem.message}" for problem in result.problems[:_MOST_FINDINGS]
            )
            lines.append(f'    <testcase classname={name} name="everything could be read" time="0">')
            lines.append(
                f'      <error message="{len(result.problems)} members could not be read" type="problem">{_body(text)}</error>'
            )
            lines.append("    </testcase>")
        lines.append("  </testsuite>")
        return lines

    def _case(self, case: str, output: list[str], failure: str | None) -> list[str]:
        head = f'    <testcase classname={_attribute(self._name)} name={_attribute(case)} time="0"'
        if not output and failure is None:
            return [f"{head}/>"]
        lines = [f"{head}>"]
        if failure is not None:
            first = failure.splitlines()[0] if failure else case
            lines.append(
                f"      <failure message={_attribute(first)} type={_attribute(case)}>{_body(failure)}</failure>"
            )
        if output:
            lines.append(f"      <system-out>{_body(chr(10).join(output[:_MOST_FINDINGS]))}</system-out>")
        lines.append("    </testcase>")
        return lines


def _line(finding: Finding) -> str:
    subject = f"{finding.subject}: " if finding.subject else ""
    accepted = f" (accepted: {finding.suppressed})" if finding.suppressed is not None else ""
    return f"{finding.severity}: {subject}{finding.message}{accepted}"


def _attribute(text: str) -> str:
    return quoteattr(escape(text)[:500])


def _body(text: str) -> str:
    return "\n".join(escape_text(escape(line)) for line in text.splitlines()[:_MOST_FINDINGS])
