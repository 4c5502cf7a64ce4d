"""Where a component's own word for its licence and what is in it do not agree: facts side by side, and no judgement which of them is right.

Three ways to see it: the metadata and the texts that are shipped with them; the metadata of a distribution and the libraries that it carries; and
what FFmpeg says of its build, which its makers can be wrong about, and the codecs that it is linked with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from inspector.facts.licensing.component import Component
from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class, strictest
from inspector.facts.licensing.license_expressions import license_terms, parse_license_expression
from inspector.facts.loading.load_graph import LoadFacts

_STRICT = ("strong-copyleft", "network-copyleft", "proprietary")


class LicenseDisagreement(Struct, frozen=True):
    """Two words for one licence.

    :ivar component: whose licence it is.
    :ivar subject: the tree path that shows it.
    :ivar stated: what the component states.
    :ivar source: where it states it.
    :ivar found: what was found instead.
    :ivar carrier_of: the other component whose licence that is, or "" where the component's own texts say it.
    :ivar stricter: whether what was found asks more of whoever passes it on.
    :ivar evidence: clauses.
    """

    component: str
    subject: str
    stated: str
    source: str
    found: str
    carrier_of: str
    stricter: bool
    evidence: tuple[str, ...]


def find_disagreements(
    components: Sequence[Component], owners: Mapping[str, str], graph: LoadFacts
) -> tuple[LicenseDisagreement, ...]:
    """All of them, by component and subject.

    :param owners: whose file each file is, a distribution's name where it is one's.
    """
    found = [*_texts(components), *_carried(components, owners), *_linked(components, graph)]
    found.sort(key=lambda entry: (entry.component.casefold(), entry.subject, entry.found))
    return tuple(found)


def _texts(components: Iterable[Component]) -> Iterator[LicenseDisagreement]:
    """Metadata against the texts beside them."""
    for component in components:
        declared = component.declared
        if declared is None or declared.expression is None:
            continue
        known = _identifiers((declared.expression,))
        for statement in component.found:
            names = (statement.expression,) if statement.expression is not None else statement.mentioned
            if not names or known & _identifiers(names):
                continue
            foreign = strictest([license_class(name) for name in names])
            stricter = foreign in _STRICT and _rank(foreign) > _rank(license_class(declared.expression))
            if not stricter and (statement.expression is None or len(component.found) > 1):
                continue  # texts of parts, which the metadata need not name
            yield LicenseDisagreement(
                component=component.name,
                subject=statement.source,
                stated=declared.expression,
                source=declared.source,
                found=statement.expression or " and ".join(_families(names)),
                carrier_of="",
                stricter=stricter,
                evidence=(f"{declared.source}: {declared.expression}", f"{statement.source}: {', '.join(names)}"),
            )


def _carried(components: Sequence[Component], owners: Mapping[str, str]) -> Iterator[LicenseDisagreement]:
    """The metadata of a distribution against libraries that lie in it, shared or static."""
    declaring = {
        component.name: component.declared
        for component in components
        if component.kind == "python" and component.declared is not None and component.declared.expression is not None
    }
    for part in components:
        if part.kind not in ("library", "static") or part.license_class not in _STRICT:
            continue
        by_carrier: dict[str, list[str]] = {}
        for path in part.files:
            by_carrier.setdefault(owners.get(path, ""), []).append(path)
        for carrier, paths in by_carrier.items():
            declared = declaring.get(carrier)
            if declared is not None and _is_milder(declared, part):
                how = "static in" if part.kind == "static" else "as"
                yield LicenseDisagreement(
                    component=carrier,
                    subject=paths[0],
                    stated=declared.expression or "",
                    source=declared.source,
                    found=part.licenses or part.stated,
                    carrier_of=part.name,
                    stricter=True,
                    evidence=(
                        f"{declared.source}: {declared.expression}",
                        f"{part.name} is {part.licenses or part.stated}, {how} {', '.join(paths[:3])}",
                    ),
                )


def _is_milder(declared: FoundLicense, part: Component) -> bool:
    if _identifiers((declared.expression or "",)) & _identifiers((part.licenses or "",)):
        return False
    return _rank(license_class(declared.expression)) < _rank(part.license_class)


def _linked(components: Sequence[Component], graph: LoadFacts) -> Iterator[LicenseDisagreement]:
    """What a build says of its own licence against the libraries that it is linked with, shared or inside the same file."""
    strict: dict[str, Component] = {}
    inside: dict[str, list[Component]] = {}
    for part in components:
        if part.license_class in _STRICT and part.kind == "library":
            strict.update(dict.fromkeys(part.files, part))
        elif part.license_class in _STRICT and part.kind == "static":
            for path in part.files:
                inside.setdefault(path, []).append(part)
    for component in components:
        if component.kind != "library" or component.license_class in _STRICT:
            continue
        for library in component.libraries:
            said = next((entry for entry in library.found if entry.source == "licence text"), None)
            if said is None or said.expression is None:
                continue
            linked = [strict[need.path] for need in graph.needs.get(library.path, ()) if need.path in strict]
            for part in {each.name: each for each in (*linked, *inside.get(library.path, ()))}.values():
                if part.name != component.name:
                    yield LicenseDisagreement(
                        component=component.name,
                        subject=library.path,
                        stated=said.expression,
                        source=f"{library.path}: its own words",
                        found=part.licenses or part.stated,
                        carrier_of=part.name,
                        stricter=True,
                        evidence=(
                            *(f"it says: {entry.text}" for entry in library.evidence if entry.kind == "licence text"),
                            f"{library.path} -> {part.name} ({part.licenses or part.stated})",
                        ),
                    )


def _identifiers(names: Iterable[str]) -> set[str]:
    """Licences without what "only" and "or later" say, and without exceptions."""
    found = set()
    for name in names:
        tree = parse_license_expression(name)
        for term in license_terms(tree) if tree is not None else ():
            found.add(_family(term.identifier).lower())
    return found


def _families(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_family(name) for name in names))


def _family(identifier: str) -> str:
    return identifier.removesuffix("+").removesuffix("-only").removesuffix("-or-later")


def _rank(name: str) -> int:
    return next(rank for rank, known in enumerate(CLASS_ORDER) if known == name)
