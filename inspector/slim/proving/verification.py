"""Whether what was written is what was planned, and whether a second audit finds nothing new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from inspector.artifact.nesting import SEPARATOR
from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.model import SEVERITY_ORDER, Finding, Problem
from inspector.policy.baseline import finding_changes
from inspector.result import HostVerdict, Result
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree
from inspector.source import Source

_STEP = 1 << 20
_VERDICT_ORDER = {"starts": 0, "degraded": 1, "unknown": 2, "fails": 3}


class AuditComparison(Struct, frozen=True):
    """What a second audit says that the first did not.

    :ivar new_findings: findings whose fingerprint the first audit does not have.
    :ivar graver_findings: findings that both have and that are graver now.
    :ivar worse_hosts: systems on which the verdict is worse, a sentence each.
    :ivar new_problems: what can no longer be read.
    """

    new_findings: tuple[Finding, ...] = ()
    graver_findings: tuple[Finding, ...] = ()
    worse_hosts: tuple[str, ...] = ()
    new_problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing became worse."""
        return not (self.new_findings or self.graver_findings or self.worse_hosts or self.new_problems)

    def sentences(self) -> list[str]:
        """Everything that became worse, a sentence each."""
        return [
            *(f"new finding {found.rule}: {found.message}" for found in self.new_findings),
            *(f"finding {found.rule} is graver now: {found.message}" for found in self.graver_findings),
            *self.worse_hosts,
            *(f"{problem.subject or 'the artifact'}: {problem.message}" for problem in self.new_problems),
        ]


def compare_trees(planned: PlannedTree, reopened: Tree, *, times: bool = True) -> list[str]:
    """What differs between the planned tree and what is read back from the output: a sentence for each path; [] where they are the same.

    Kind, mode, size, content (sha256), target and sharing of hard links are compared, and the times of regular files: bytecode is valid by them.

    :param times: whether times count; False for a container that keeps none.
    """
    differences = [f"{path} is missing" for path in planned.entries if path and path not in reopened]
    differences += [
        f"{node.path} is not planned"
        for node in reopened
        if node.path and SEPARATOR not in node.path and node.path not in planned
    ]
    pairs = [(entry, node) for entry in planned if (node := reopened.get(entry.path)) is not None]
    for entry, node in pairs:
        differences += _differences(entry, node, reopened, times=times)
    files = [(entry, node) for entry, node in pairs if entry.kind is node.kind is Kind.FILE and entry.size == node.size]
    with ThreadPoolExecutor(max_workers=2) as pool:  # hashing and decompression leave Python's lock
        expected = pool.submit(_digests, _planned_sources([entry for entry, _ in files]))
        wanted = {node.path for _, node in files}
        written = pool.submit(
            _digests, ((n.path, n, n.size) for n in reopened.files_in_read_order() if n.path in wanted)
        )
        before, after = expected.result(), written.result()
    for entry, _ in files:
        old, new = before[entry.path], after[entry.path]
        if new is None:
            differences.append(f"{entry.path} cannot be read")
        elif old is None:
            differences.append(f"{entry.path} cannot be compared: its planned content cannot be read")
        elif old != new:
            differences.append(f"{entry.path} has other content than planned")
    return differences


def compare_audits(before: Result, after: Result) -> AuditComparison:
    """Whether the output is at least as good as the input, by two audits with the same systems."""
    changes = finding_changes(before.findings, after.findings)
    graver = _graver(before.findings, changes.same)
    hosts = {(host.id, host.variant): host for host in before.hosts}
    roots = {root.path for root in before.roots}
    worse = tuple(
        sentence
        for host in after.hosts
        if (sentence := _worse(hosts.get((host.id, host.variant)), host, roots)) is not None
    )
    known = {(problem.kind, problem.subject) for problem in before.problems}
    problems = tuple(problem for problem in after.problems if (problem.kind, problem.subject) not in known)
    return AuditComparison(changes.new, graver, worse, problems)


def _differences(entry: PlannedEntry, node: Node, reopened: Tree, *, times: bool) -> Iterator[str]:
    path = entry.path or "the root directory"
    if entry.kind is not node.kind:
        yield f"{path} is a {node.kind.value} and not a {entry.kind.value}"
        return
    if entry.mode != node.mode and entry.kind is not Kind.SYMLINK:  # a link's own mode means nothing (symlink(7))
        yield f"{path} has mode {node.mode:04o} and not {entry.mode:04o}"
    if entry.kind is Kind.FILE and entry.size != node.size:
        yield f"{path} has {node.size} bytes and not {entry.size}"
    if entry.target != node.target:
        yield f"{path} points to {node.target!r} and not to {entry.target!r}"
    if times and entry.kind is Kind.FILE and entry.mtime is not None and node.mtime != entry.mtime:
        yield f"{path} has the time {node.mtime} and not {entry.mtime}"
    if entry.link_to is not None and node.inode is not None:
        other = reopened.get(entry.link_to)
        if other is None or other.inode != node.inode:
            yield f"{path} does not share its file with {entry.link_to}"


def _planned_sources(entries: Sequence[PlannedEntry]) -> Iterator[tuple[str, Source, int]]:
    """Planned contents, those together that lie in one compressed unit of the input."""
    ordered = sorted(
        entries, key=lambda entry: -1 if entry.node is None or entry.node.read_group is None else entry.node.read_group
    )
    for entry in ordered:
        source = entry.source()
        if source is not None:
            yield entry.path, source, entry.size


def _digests(sources: Iterable[tuple[str, Source, int]]) -> dict[str, bytes | None]:
    """sha256 by path; None for what cannot be read in full."""
    return {path: _digest(source, size) for path, source, size in sources}


def _digest(source: Source, size: int) -> bytes | None:
    digest = hashlib.sha256()
    try:
        for offset in range(0, size, _STEP):
            length = min(_STEP, size - offset)
            content = source.read_at(offset, length)
            if len(content) != length:
                return None
            digest.update(content)
    except (FormatError, OSError):
        return None
    return digest.digest()


def _graver(before: Sequence[Finding], same: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings that were there and have a graver severity now; of several equal ones the gravest before counts."""
    gravest: dict[tuple[str, str], int] = {}
    for found in before:
        key = (found.rule, found.fingerprint)
        gravest[key] = min(gravest.get(key, len(SEVERITY_ORDER)), SEVERITY_ORDER[found.severity])
    return tuple(
        found for found in same if SEVERITY_ORDER[found.severity] < gravest.get((found.rule, found.fingerprint), 0)
    )


def _worse(before: HostVerdict | None, after: HostVerdict, roots: set[str]) -> str | None:
    """A sentence where the verdict of a system is worse, or where a root fails that did not.

    A library that only something gone had loaded is a root of its own now; that it fails there is nothing new.
    """
    if before is None:
        return None
    if _VERDICT_ORDER[after.verdict] > _VERDICT_ORDER[before.verdict]:
        return f"on {after.name} ({after.variant}) it {_verb(after)} and {_verb(before, past=True)} before: {after.message}"
    failing = {found.path for found in before.objects}
    fresh = [found.path for found in after.objects if found.path in roots and found.path not in failing]
    if fresh:
        return f"on {after.name} ({after.variant}) {fresh[0]} does not load any more"
    return None


def _verb(host: HostVerdict, *, past: bool = False) -> str:
    now = {"starts": "starts", "degraded": "is degraded", "unknown": "may or may not start", "fails": "fails"}
    then = {"starts": "started", "degraded": "was degraded", "unknown": "might or might not start", "fails": "failed"}
    return (then if past else now)[host.verdict]
