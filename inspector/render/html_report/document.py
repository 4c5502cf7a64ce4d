"""Results as one HTML page: a chapter for each artifact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from inspector.difference import Difference, difference
from inspector.model import ByteCount
from inspector.quantities import format_amount
from inspector.render.escaping import escape
from inspector.render.fix_ranking import RankedFix, rank_fixes, wasted_bytes
from inspector.render.host_summary import is_musl, starts, summarize_hosts
from inspector.render.html_report.dependencies import Dependencies, dependencies_of
from inspector.render.html_report.findings import Findings, findings_of, rule_anchor
from inspector.render.html_report.licensing import Licensing, classes_of, licensing_of
from inspector.render.html_report.page import render_page
from inspector.render.html_report.size_tree import SizeTree, columns, size_tree
from inspector.render.html_report.systems import SystemFamily, system_families
from inspector.render.html_report.treemap import Tile, tiles
from inspector.render.registry import RenderOptions
from inspector.render.terminal_identity import FORMAT_NAMES
from inspector.result import Floor, Result

MAP_WIDTH, MAP_HEIGHT = 1000, 520
"""The drawing's own units; without the script it is scaled to the page."""
TONES = 10
"""Components that have a colour of their own."""
_FIXES = 3
_FIRST_NAMESPACES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


class Chapter(Struct, frozen=True):
    """What the template shows of one artifact.

    :ivar prefix: before every id, so that several artifacts fit into one page; "" where there is one.
    :ivar fixes: the most valuable ones, each with the id of its rule's text.
    :ivar systems: how many were asked, of those with the C library that most of them have; ``started`` and ``degraded`` are of these.
    :ivar waste: names of kinds of bytes that could go, with their numbers.
    """

    result: Result
    prefix: str
    name: str
    format_name: str
    fixes: tuple[tuple[RankedFix, str], ...]
    summary: tuple[str, ...]
    started: int
    degraded: int
    systems: int
    families: tuple[SystemFamily, ...]
    findings: Findings
    sizes: SizeTree
    tiles: tuple[Tile, ...]
    component_classes: tuple[str, ...]
    licensing: Licensing
    dependencies: Dependencies
    changes: Difference | None
    data: dict[str, Any]
    waste: tuple[tuple[str, ByteCount], ...]
    floors: tuple[tuple[str, Floor], ...]


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The page as UTF-8.  It needs no network, no other file, and no script for its tables and the map of sizes."""
    baselines = [*options.baselines, *[None] * len(results)]
    chapters = [
        _chapter(result, f"a{number}-" if len(results) > 1 else "", baseline)
        for number, (result, baseline) in enumerate(zip(results, baselines, strict=False), 1)
    ]
    names = [chapter.name for chapter in chapters]
    title = names[0] if len(names) == 1 else format_amount(len(names), "artifact")
    return render_page(
        "report.html",
        chapters=chapters,
        title=title,
        map_size=(MAP_WIDTH, MAP_HEIGHT),
        tones=TONES,
        format_names=FORMAT_NAMES,
    )


def _chapter(result: Result, prefix: str, baseline: Result | None) -> Chapter:
    changes = difference(baseline, result) if baseline is not None else None
    new = frozenset((each.rule, each.fingerprint) for each in changes.new_findings) if changes is not None else None
    tree = size_tree(result)
    licensing = licensing_of(result)
    component_classes = classes_of(tree.components, result.components)
    dependencies = dependencies_of(result)
    # musl's systems are counted apart wherever others were asked, as in the sentences of host_summary.
    hosts = [host for host in result.hosts if not is_musl(host)] or list(result.hosts)
    return Chapter(
        result=result,
        prefix=prefix,
        name=PurePath(result.artifact.path).name or result.artifact.path,
        format_name=FORMAT_NAMES.get(result.artifact.format, result.artifact.format),
        fixes=tuple((fix, rule_anchor(prefix, fix.finding.rule)) for fix in rank_fixes(result)[:_FIXES]),
        summary=tuple(summarize_hosts(result)),
        started=sum(starts(host) for host in hosts),
        degraded=sum(host.verdict == "degraded" for host in hosts),
        systems=len(hosts),
        families=tuple(system_families(result, prefix)),
        findings=findings_of(result, prefix, new),
        sizes=tree,
        tiles=tuple(tiles(tree.root, MAP_WIDTH, MAP_HEIGHT)),
        component_classes=tuple(component_classes),
        licensing=licensing,
        dependencies=dependencies,
        changes=changes,
        floors=_floors(result),
        waste=tuple((name, count) for name, count in wasted_bytes(result).values() if count.raw),
        data={
            "sizes": columns(tree)
            | {
                "components": [escape(name) for name in tree.components],
                "classes": [escape(name) for name in component_classes],
                "removables": [escape(name) for name in tree.removables],
            },
            "libraries": dependencies.columns,
        },
    )


def _floors(result: Result) -> tuple[tuple[str, Floor], ...]:
    """What the host must answer first, and of that the namespaces of its C and C++ libraries."""

    def place(item: tuple[str, Floor]) -> tuple[bool, int, str]:
        name, floor = item
        known = _FIRST_NAMESPACES.index(name) if name in _FIRST_NAMESPACES else len(_FIRST_NAMESPACES)
        return not floor.host_version, known, name

    return tuple(sorted(result.floors.items(), key=place))
