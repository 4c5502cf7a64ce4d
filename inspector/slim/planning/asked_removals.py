"""Removals that an option asks for: ``--drop``, ``--languages``, ``--drop-license``, ``--fix portability``."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.artifact.tree import Kind, Tree
from inspector.checks import libraries as library_checks
from inspector.facts.facts import Facts
from inspector.facts.licensing.license_removal import license_drops
from inspector.slim.options import SlimOptions
from inspector.slim.planning.guards import globs_pattern
from inspector.slim.planning.prune_rules import PruneRule, prune_rules
from inspector.slim.planning.removals import Removals
from inspector.slim.planning.subjects import Subjects
from inspector.slim.planning.translations import AskedLanguages, language_of

_PORTABILITY = {"host-library-bundled": "host-libraries", "wrong-architecture-library": "foreign-objects"}
"""Prune rules by the rule of the audit that asks for them."""


def claim_named(options: SlimOptions, tree: Tree, removals: Removals, subjects: Subjects) -> None:
    """What ``--drop`` names."""
    pattern = globs_pattern(options.drop)
    if pattern is None:
        return
    rule = prune_rules()["asked-for"]
    for node in tree:
        if node.kind is not Kind.DIRECTORY and pattern.match(node.path):
            removals.claim(rule, subjects.of(node.path), (node.path,), by_command=True)


def claim_translations(options: SlimOptions, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals) -> None:
    """Translations into languages that ``--languages`` does not name; none where the option is not given."""
    rule = rules.get("translations")
    if rule is None or options.languages is None:
        return
    asked = AskedLanguages(options.languages)
    for node in tree:
        if node.kind is Kind.DIRECTORY or node.path in removals:
            continue
        language = language_of(node.path)
        if language is not None and not asked.include(language):
            removals.claim(rule, language, (node.path,))


def claim_licenses(
    options: SlimOptions, facts: Facts, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals
) -> None:
    """Code under the licences that ``--drop-license`` names, where it can go."""
    rule = rules.get("dropped-licenses")
    if rule is None or not options.drop_licenses:
        return
    for drop in license_drops(facts, tree, options.drop_licenses):
        if drop.blocked_by is None:
            removals.claim(rule, drop.component, drop.paths, reasons=drop.reasons)
        else:
            removals.keep(rule.name, drop.component, drop.blocked_by, drop.component)


def claim_unportable(options: SlimOptions, facts: Facts, rules: Mapping[str, PruneRule], removals: Removals) -> None:
    """What the audit says must not be in the bundle; the host is to supply it."""
    for found in library_checks.check(facts) if options.fix_portability else ():
        rule = rules.get(_PORTABILITY.get(found.rule, ""))
        if rule is None:
            continue
        if found.confidence == "low":
            removals.keep(rule.name, found.subject, f"whether it must go is debated: {found.message}", found.subject)
        else:
            removals.claim(rule, found.subject, (found.subject,), reasons=(found.message,), confidence=found.confidence)
