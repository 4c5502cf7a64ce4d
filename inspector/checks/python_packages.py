"""Rule family python-packages: what a wheel's name promises, and what Python cannot do with an archive."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.loading.roots import is_extension_module
from inspector.model import Finding, Fix

RULES = ("wheel-tag-not-kept", "extension-module-in-archive")

_ARCHIVES = ("zipapp", "python-archive")  # imported from as they are; what PEX and shiv start was unpacked before
_MOST_NAMED = 5


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    yield from _tag(facts)
    yield from _extension_modules(facts)


def _tag(facts: Facts) -> Iterator[Finding]:
    if not facts.tag.unkept:
        return
    yield finding(
        "wheel-tag-not-kept",
        "",
        facts.tag.unkept[0],
        evidence=facts.tag.unkept[1:],
        fix=Fix(text=f"tag it {facts.tag.allowed}, or build it in the image of the tag that it claims")
        if facts.tag.allowed
        else None,
    )


def _extension_modules(facts: Facts) -> Iterator[Finding]:
    if facts.format not in _ARCHIVES:
        return
    modules = [found.path for found in facts.objects if is_extension_module(found)]
    if not modules:
        return
    more = f" and {len(modules) - 1} more" if len(modules) > 1 else ""
    yield finding(
        "extension-module-in-archive",
        modules[0],
        f"{modules[0]}{more} cannot be imported from the archive: ModuleNotFoundError, or a slower substitute",
        evidence=modules[1:_MOST_NAMED],
    )
