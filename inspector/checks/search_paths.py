"""Rule family search-paths: RPATH and RUNPATH elements, and the LD_LIBRARY_PATH that the launcher sets."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.loading.search_paths import SearchElement
from inspector.loader.search_path import split_path
from inspector.model import Finding, Fix

RULES = (
    "rpath-absolute",
    "rpath-relative",
    "rpath-empty-element",
    "rpath-leaks-build-path",
    "rpath-useless",
    "library-path-has-empty-element",
)

_RULE_BY_KIND = {
    "absolute": "rpath-absolute",
    "build": "rpath-leaks-build-path",
    "relative": "rpath-relative",
    "empty": "rpath-empty-element",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    for element in facts.search_elements:
        yield from _element(element, facts)
    yield from _library_path(facts)


def _element(element: SearchElement, facts: Facts) -> Iterator[Finding]:
    rule = _RULE_BY_KIND.get(element.kind)
    written = f"{element.label} {element.element}" if element.element else f"{element.label} with an empty element"
    if rule is not None:
        if element.kind == "absolute" and facts.is_root_file_system:
            return
        meaning = {
            "absolute": "a fixed place on the host, not in the bundle",
            "build": "a directory of the machine that built it",
            "relative": "which depends on the directory that the user is in",
            "empty": "which means the directory that the user is in",
        }[element.kind]
        yield finding(
            rule,
            element.path,
            f"has {written}, {meaning}",
            fix=Fix(text=f"patchelf --set-rpath '$ORIGIN' {element.path}", action="repair-rpath"),
            key=element.element,
        )
    elif element.directory is None or element.repeats:
        reason = "which names a directory again" if element.repeats else "which leads to no directory of the bundle"
        yield finding("rpath-useless", element.path, f"has {written}, {reason}", key=element.element)


def _library_path(facts: Facts) -> Iterator[Finding]:
    value = facts.launcher.library_path
    if value is not None and any(element == "" for element in split_path(value, ":;")):
        yield finding(
            "library-path-has-empty-element",
            facts.launcher.library_path_from or facts.launcher.path or "",
            "sets LD_LIBRARY_PATH with an empty element, so that libraries are loaded from the directory that the user is in",
            evidence=[f"LD_LIBRARY_PATH={value}"],
        )
