"""Rules at work: one family a module, facts in, findings out; no module here reads a byte of the artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from inspector.checks import (
    appimage,
    components,
    floors,
    hardening,
    libraries,
    licenses,
    python_packages,
    search_paths,
    sizes,
)
from inspector.facts.facts import Facts
from inspector.model import SEVERITY_ORDER, Finding

FAMILIES: dict[str, tuple[tuple[str, ...], Callable[[Facts], Iterator[Finding]]]] = {
    "floors": (floors.RULES, floors.check),
    "libraries": (libraries.RULES, libraries.check),
    "search-paths": (search_paths.RULES, search_paths.check),
    "hardening": (hardening.RULES, hardening.check),
    "appimage": (appimage.RULES, appimage.check),
    "python-packages": (python_packages.RULES, python_packages.check),
    "licenses": (licenses.RULES, licenses.check),
    "components": (components.RULES, components.check),
    "sizes": (sizes.RULES, sizes.check),
}
"""Family name -> (its rules' names, its check); the families are the folders of ``rules/``."""

ALL_RULES = tuple(rule for rules, _ in FAMILIES.values() for rule in rules)


def run_checks(facts: Facts) -> list[Finding]:
    """All findings, the worst first, then by rule and subject."""
    return sorted_findings(found for _, check in FAMILIES.values() for found in check(facts))


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of every report: the worst first, then by rule, subject and message."""
    order = {rule: position for position, rule in enumerate(ALL_RULES)}
    return sorted(
        findings,
        key=lambda found: (
            SEVERITY_ORDER[found.severity],
            order.get(found.rule, len(order)),
            found.subject,
            found.message,
        ),
    )
