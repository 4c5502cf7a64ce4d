"""SPDX expressions in the spelling of the licence list.

The library ``packaging`` has the list and the grammar (SPDX 2.3, annex D); identifiers that came to the list after its copy are in
``rules/licenses/newer_identifiers.toml``.
"""

from __future__ import annotations

from functools import cache

from inspector.facts.licensing.license_expressions import (
    LONGEST_EXPRESSION,
    AllOf,
    AnyOf,
    LicenseTerm,
    LicenseTree,
    license_terms,
    parse_license_expression,
)
from inspector.resources import load_table


def canonical_expression(text: str) -> str | None:
    """The expression in the spelling of the SPDX list, or None where it is none."""
    if len(text) > LONGEST_EXPRESSION:
        return None
    words = text.split()
    if all(word in (known_identifiers() if index % 2 == 0 else ("AND", "OR")) for index, word in enumerate(words)):
        return (
            " ".join(words) if len(words) % 2 else None
        )  # spares an import that costs as much as half an audit's start
    return _of_packaging(text) or _with_newer_identifiers(text)


@cache
def known_identifiers() -> frozenset[str]:
    """SPDX identifiers that our own tables spell rightly (a test compares them with the list)."""
    tables = load_table("licenses/classes.toml")["classes"].values()
    exact = {name for names in tables for name in names if not set("*[") & set(name) and not name.startswith("License")}
    fields = load_table("licenses/classifiers.toml")["license_field"].values()
    return frozenset(exact | {name for name in fields if " " not in name})


def _of_packaging(text: str) -> str | None:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, RecursionError, SyntaxError, ValueError, MemoryError):
        return None  # packaging checks the grammar with the compiler of Python, whose limits deep nesting passes


def _with_newer_identifiers(text: str) -> str | None:
    """The same for an expression with an identifier that ``packaging`` does not know: each of its licences on its own."""
    tree = parse_license_expression(text)
    if tree is None or not any(_is_newer(term) for term in license_terms(tree)):
        return None
    spelled = _spelled(tree)
    return None if spelled is None else str(spelled)


def _is_newer(term: LicenseTerm) -> bool:
    return term.identifier.lower() in _newer("licenses") or term.exception.lower() in _newer("exceptions")


def _spelled(tree: LicenseTree) -> LicenseTree | None:
    if isinstance(tree, LicenseTerm):
        return _spelled_term(tree)
    parts = [_spelled(part) for part in tree.parts]
    known = tuple(part for part in parts if part is not None)
    if len(known) < len(parts):
        return None
    return AnyOf(known) if isinstance(tree, AnyOf) else AllOf(known)


def _spelled_term(term: LicenseTerm) -> LicenseTerm | None:
    identifier = _newer("licenses").get(term.identifier.lower()) or _of_packaging(term.identifier)
    if identifier is None:
        return None
    if not term.exception:
        return LicenseTerm(identifier)
    exception = _newer("exceptions").get(term.exception.lower())
    if exception is None:
        # packaging knows exceptions behind a licence alone.
        exception = (_of_packaging(f"MIT WITH {term.exception}") or "").rpartition(" ")[2]
    return LicenseTerm(identifier, exception) if exception else None


@cache
def _newer(kind: str) -> dict[str, str]:
    """Identifiers of a kind ("licenses", "exceptions") by their lower case."""
    return {name.lower(): name for name in load_table("licenses/newer_identifiers.toml")[kind]}
