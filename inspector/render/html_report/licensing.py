"""Licences: the classes by what they weigh, components, and the chains by which the application reaches copyleft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.facts.licensing.obligations import disclaimer
from inspector.result import ComponentInfo, Exposure, Result

CLASSES = (
    "network-copyleft",
    "strong-copyleft",
    "proprietary",
    "weak-copyleft",
    "unknown",
    "permissive",
    "public-domain",
)
"""The gravest first, as somebody who releases reads them."""
_MOST_COMPONENTS = 1000
_MOST_EXPOSURES = 500


class LicenseClass(Struct, frozen=True):
    """Components of one class, and their raw bytes."""

    name: str
    components: int
    raw: int


class ExposureRow(Struct, frozen=True):
    """A component under copyleft.

    :ivar exposure: how it is reached, the first chain; ``others`` the further ones.
    :ivar obligations: what the licence asks, over all chains; ``removed_by`` what would take the component out.
    :ivar slim_options: options of ``inspect slim`` that do so.
    """

    exposure: Exposure
    others: tuple[Exposure, ...]
    obligations: tuple[str, ...]
    removed_by: tuple[str, ...]
    slim_options: tuple[str, ...]


class Licensing(Struct, frozen=True):
    """All that the report says of licences.

    :ivar disclaimer: the sentence that goes with what licences ask, "" where nothing says what they ask.
    :ivar left_out: components and exposures that have no row.
    """

    classes: tuple[LicenseClass, ...]
    components: tuple[ComponentInfo, ...]
    exposures: tuple[ExposureRow, ...]
    disclaimer: str
    left_out: int


def licensing_of(result: Result) -> Licensing:
    """Components by class and name, exposures by class."""
    components = sorted(result.components, key=lambda each: (_place(each.license_class), each.name.lower(), each.kind))
    classes = []
    for name in dict.fromkeys((*CLASSES, *(each.license_class for each in components))):
        members = [each for each in components if each.license_class == name]
        if members:
            classes.append(LicenseClass(name, len(members), sum(each.bytes.raw for each in members)))
    groups: dict[tuple[str, str], list[Exposure]] = {}
    for exposure in result.licenses.exposures:
        groups.setdefault((exposure.component, exposure.license), []).append(exposure)
    rows = sorted(
        (_row(group) for group in groups.values()),
        key=lambda row: (_place(row.exposure.license_class), row.exposure.component.lower()),
    )
    left = max(len(components) - _MOST_COMPONENTS, 0) + max(len(rows) - _MOST_EXPOSURES, 0)
    told = disclaimer() if any(row.obligations for row in rows) else ""
    return Licensing(tuple(classes), tuple(components[:_MOST_COMPONENTS]), tuple(rows[:_MOST_EXPOSURES]), told, left)


def _row(group: Sequence[Exposure]) -> ExposureRow:
    def every(texts: Iterable[Sequence[str]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for some in texts for text in some))

    return ExposureRow(
        exposure=group[0],
        others=tuple(group[1:]),
        obligations=every(each.obligations for each in group),
        removed_by=every(each.removed_by for each in group),
        slim_options=next((each.slim_options for each in group if each.slim_options), ()),
    )


def classes_of(names: Sequence[str], components: Sequence[ComponentInfo]) -> list[str]:
    """The licence class behind each name of ``sizes.by_component``; "" where no component is known by it.

    An interpreter's bytes stand under its series ("CPython 3.11"), the component under its release (3.11.2).
    """
    by_name: dict[str, ComponentInfo] = {}
    for component in components:
        known = by_name.get(component.name)
        if known is None or _place(component.license_class) < _place(known.license_class):
            by_name[component.name] = component
    found = []
    for name in names:
        match = by_name.get(name)
        if match is None:
            base, _, series = name.rpartition(" ")
            candidate = by_name.get(base)
            if candidate is not None and f"{candidate.version}.".startswith(f"{series}."):
                match = candidate
        found.append(match.license_class if match is not None else "")
    return found


def _place(license_class: str) -> int:
    return CLASSES.index(license_class) if license_class in CLASSES else len(CLASSES)
