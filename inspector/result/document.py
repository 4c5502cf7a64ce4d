"""The document as a whole: verdict and Result, and how they are written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from inspector.documents import decode_document, encode_document, json_schema_of, read_document
from inspector.errors import UsageError
from inspector.model import SEVERITY_ORDER, Coverage, Finding, Problem
from inspector.result.artifact import ArtifactInfo, FilesInfo, NestedArtifact, RuleInfo, ToolInfo
from inspector.result.licensing import ComponentInfo, LicensesInfo
from inspector.result.loading import Floor, HostVerdict, LibraryInfo, RootInfo, TagInfo
from inspector.result.sizes import SizesInfo
from inspector.result.slim import SlimInfo

SCHEMA = "inspector/result/1"
_ADVICE = "write one with: inspect audit ARTIFACT -o result.json"


class Verdict(Struct, frozen=True, kw_only=True):
    """What the gate says.

    :ivar notices: what fails nothing and ought to be known: accepted findings that are gone, exceptions that have expired.
    :ivar fail_on: the mildest severity that fails it.
    :ivar known: findings that are not judged, each as rule, a space, fingerprint: where only new ones are, those that the baseline has too; and those
        of rules newer than the edition.
    """

    gate: Literal["passed", "failed"]
    reasons: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    fail_on: Literal["error", "warning", "info", "never"] = "error"
    known: tuple[str, ...] = ()

    def is_failed_by(self, finding: Finding) -> bool:
        """Whether this finding alone fails the gate."""
        if finding.suppressed is not None or self.fail_on == "never" or self.knows(finding):
            return False
        return SEVERITY_ORDER[finding.severity] <= SEVERITY_ORDER[self.fail_on]

    def knows(self, finding: Finding) -> bool:
        """Whether it is not judged, because the last release had it or because its rule is newer than the edition."""
        return f"{finding.rule} {finding.fingerprint or finding.subject}" in self.known


class Result(Struct, frozen=True, kw_only=True):
    """Everything that is said of one artifact."""

    schema: Literal["inspector/result/1"] = "inspector/result/1"
    tool: ToolInfo
    rules: dict[str, RuleInfo]
    artifact: ArtifactInfo
    nested: tuple[NestedArtifact, ...] = ()
    files: FilesInfo
    floors: dict[str, Floor] = {}
    tag: TagInfo = TagInfo()
    libraries: tuple[LibraryInfo, ...] = ()
    roots: tuple[RootInfo, ...] = ()
    hosts: tuple[HostVerdict, ...] = ()
    components: tuple[ComponentInfo, ...] = ()
    licenses: LicensesInfo = LicensesInfo()
    sizes: SizesInfo = SizesInfo()
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    coverage: Coverage = Coverage()
    verdict: Verdict = Verdict(gate="passed")
    slim: SlimInfo | None = None


def to_json(results: list[Result] | Result) -> bytes:
    """The document as UTF-8 JSON; several results become an array under ``results``.  Small documents are indented."""
    document = results if isinstance(results, Result) else {"schema": SCHEMA, "results": results}
    return encode_document(document)


class _Several(Struct):
    """A document of several artifacts; each Result is decoded by itself."""

    results: list[msgspec.Raw] | None = None


def load_result(path: str | Path) -> Result:
    """Read a document of one artifact that :func:`to_json` wrote; fields that a newer program added are ignored.

    :raises UsageError: where the file cannot be read, is not a document of this schema, or has several artifacts.
    """
    results = load_results(path)
    if len(results) == 1:
        return results[0]
    names = ", ".join(result.artifact.path for result in results[:3])
    raise UsageError(
        f"{path} is a report of {len(results)} artifacts ({names}{', …' if len(results) > 3 else ''}), and one is wanted here",
        "write one for each: inspect audit ARTIFACT -o result.json",
    )


def load_results(path: str | Path) -> list[Result]:
    """Read a document that :func:`to_json` wrote, of one artifact or several; never empty.

    :raises UsageError: where the file cannot be read or is not a document of this schema.
    """
    text = read_document(path)
    several = decode_document(text, _Several, path, SCHEMA, _ADVICE).results
    parts = [text] if several is None else several
    results = [decode_document(part, Result, path, SCHEMA, _ADVICE) for part in parts]
    if not results:
        raise UsageError(f"{path} has no artifact in it", _ADVICE)
    return results


def json_schema() -> dict[str, Any]:
    """The JSON schema of the document, made from these classes."""
    return json_schema_of(Result)
