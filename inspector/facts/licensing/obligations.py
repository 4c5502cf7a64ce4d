"""What a licence asks of whoever passes a component on, by the way the application reaches it: clauses of ``rules/licenses/obligations.toml``.

Facts about the texts of licences, and no legal advice; :func:`disclaimer` says so to users.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class
from inspector.facts.licensing.license_expressions import AnyOf, LicenseTree, license_terms, parse_license_expression
from inspector.resources import load_table

_TABLE = "licenses/obligations.toml"


def disclaimer() -> str:
    """One sentence or two for every report that tells obligations."""
    return str(load_table(_TABLE)["disclaimer"])


def obligations_of(expression: str, linkage: str) -> tuple[str, ...]:
    """What the licences of an expression ask, each clause with the place where it stands; of OR the mildest branch.

    :param expression: SPDX; nothing is known of what is none.
    :param linkage: as :attr:`inspector.facts.licensing.exposures.LicenseExposure.linkage` has it.
    """
    tree = parse_license_expression(expression)
    if tree is None:
        return ()
    names = [str(term) for term in license_terms(_chosen(tree))]
    return tuple(
        f"{row['text']} ({row['clause']})"
        for row in load_table(_TABLE)["obligations"]
        if linkage in row.get("linkage", (linkage,))
        and any(fnmatchcase(name, glob) for name in names for glob in row["licenses"] if " WITH " not in name)
    )


def _chosen(tree: LicenseTree) -> LicenseTree:
    """The mildest branch of a choice at the top; a choice within stays as it is."""
    if not isinstance(tree, AnyOf):
        return tree
    return min(tree.parts, key=lambda part: CLASS_ORDER.index(license_class(str(part))))
