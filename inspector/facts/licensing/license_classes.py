"""The class of an SPDX licence expression: how much it asks of whoever passes the code on.  Knows no library and reads no artifact.

Expressions follow SPDX 2.3, annex D, with the operators in any case; identifiers are classified by ``rules/licenses/classes.toml``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Literal

from inspector.facts.licensing.license_expressions import AnyOf, LicenseTerm, LicenseTree, parse_license_expression
from inspector.patterns import fits_glob
from inspector.resources import load_table

LicenseClass = Literal[
    "public-domain", "permissive", "weak-copyleft", "unknown", "strong-copyleft", "network-copyleft", "proprietary"
]

# From the mildest to the strictest.  "unknown" stands before the strong ones: MIT AND unknown is unknown, GPL AND unknown is strong copyleft at the
# least; and of an OR the known milder branch may be chosen, so that MIT OR unknown is permissive, but GPL OR unknown is unknown.
CLASS_ORDER: tuple[LicenseClass, ...] = (
    "public-domain",
    "permissive",
    "weak-copyleft",
    "unknown",
    "strong-copyleft",
    "network-copyleft",
    "proprietary",
)
_RANK = {name: rank for rank, name in enumerate(CLASS_ORDER)}

_TABLE = "licenses/classes.toml"


@lru_cache(maxsize=4096)
def license_class(expression: str | None) -> LicenseClass:
    """The class of an expression: of OR the mildest branch, of AND the strictest; WITH as the table of exceptions says.

    None, the empty text, "NONE", "NOASSERTION" and what is no expression are "unknown".
    """
    tree = parse_license_expression(expression)
    return "unknown" if tree is None else _class_of(tree)


def strictest(classes: list[LicenseClass]) -> LicenseClass:
    """The one that asks most; "unknown" of nothing."""
    return max(classes, key=_RANK.__getitem__, default="unknown")


def _class_of(tree: LicenseTree) -> LicenseClass:
    if isinstance(tree, LicenseTerm):
        found = _class_of_identifier(tree.identifier)
        return _class_with_exception(found, tree.exception) if tree.exception else found
    classes = [_class_of(part) for part in tree.parts]
    return (min if isinstance(tree, AnyOf) else max)(classes, key=_RANK.__getitem__)


def _class_of_identifier(identifier: str) -> LicenseClass:
    return _classifier("classes")(identifier.removesuffix("+")) or "unknown"


def _class_with_exception(base: LicenseClass, exception: str) -> LicenseClass:
    """An exception lowers copyleft at most; it never makes a permissive licence stricter, nor an unknown one known."""
    effect = _classifier("exceptions")(exception)
    if effect in ("permissive", "weak-copyleft") and base in ("weak-copyleft", "strong-copyleft", "network-copyleft"):
        return min(base, effect, key=_RANK.__getitem__)
    return base


@cache
def _classifier(section: str) -> Callable[[str], LicenseClass | None]:
    """A function from an identifier, in any case, to its class of one section of the table."""
    exact: dict[str, LicenseClass] = {}
    patterns: list[tuple[list[str], LicenseClass]] = []
    for name, identifiers in load_table(_TABLE)[section].items():
        globs = [identifier.lower() for identifier in identifiers if any(sign in identifier for sign in "*[")]
        exact.update((identifier.lower(), name) for identifier in identifiers if identifier.lower() not in globs)
        patterns.append((globs, name))

    @lru_cache(maxsize=1024)
    def classify(identifier: str) -> LicenseClass | None:
        lowered = identifier.lower()
        found = exact.get(lowered)
        if found is not None:
            return found
        return next((name for globs, name in patterns if any(fits_glob(lowered, glob) for glob in globs)), None)

    return classify
