"""The licence that a Python distribution's metadata state: an SPDX expression where only one can be meant, a class where only the family is told.

License-Expression (PEP 639) goes before the License field, which goes before the classifiers; where the words do not say which licence, nothing is
guessed: the expression is None and the class is what all readings share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.license_classes import LicenseClass, license_class
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_TABLE = "licenses/classifiers.toml"
_PREFIX = "License :: "
_BLANKS = lazy_pattern(r"\s+")
_LONGEST_NAME = 200  # characters of a License field that may be a name; longer ones are licence texts
_TEXT_START = 400  # characters of a pasted licence text that tell which one it is

LicenseSource = Literal["License-Expression", "License", "classifiers"]


class StatedLicense(Struct, frozen=True):
    """What metadata state.

    :ivar expression: a valid SPDX expression, or None where the words allow several readings or none.
    :ivar license_class: of the expression, else of all readings; "unknown" where they differ.
    :ivar source: the field that decided, or None where nothing is stated.
    :ivar words: what is stated, as written and shortened; "" where nothing is.
    :ivar mistake: what is wrong with a License-Expression, or None.
    """

    expression: str | None = None
    license_class: LicenseClass = "unknown"
    source: LicenseSource | None = None
    words: str = ""
    mistake: str | None = None


def stated_license(expression: str | None, license_field: str | None, classifiers: Sequence[str]) -> StatedLicense:
    """Weigh the three fields of one distribution.

    :param classifiers: all classifiers; those that are no licences are passed over.
    """
    mistake = None
    if expression:
        canonical = canonical_expression(expression)
        if canonical is not None:
            return StatedLicense(canonical, license_class(canonical), "License-Expression", _shortened(expression))
        mistake = f"License-Expression {_shortened(expression)!r} is no SPDX expression"
    readings = [_read_field(license_field), _read_classifiers(classifiers)]
    stated = next((found for found in readings if found.expression is not None), None)
    stated = stated or next((found for found in readings if found.license_class != "unknown"), None)
    stated = stated or next((found for found in readings if found.words), StatedLicense())
    if mistake is None:
        return stated
    return StatedLicense(stated.expression, stated.license_class, stated.source, stated.words, mistake)


def _read_field(text: str | None) -> StatedLicense:
    if not text:
        return StatedLicense()
    words = _shortened(text)
    plain = _plain(text[:_TEXT_START])
    table = load_table(_TABLE)
    if len(text) <= _LONGEST_NAME and "\n" not in text.strip():
        found = table["license_field"].get(plain)
        family = table["license_field_classes"].get(plain)
        if found is None and family is None and license_class(text.strip()) != "unknown":
            found = canonical_expression(text.strip())
        if found is not None:
            return StatedLicense(found, license_class(found), "License", words)
        return StatedLicense(None, family or "unknown", "License", words)
    found = next((name for start, name in table["beginnings"].items() if plain.startswith(start)), None)
    return StatedLicense(found, license_class(found), "License", words)


def _read_classifiers(classifiers: Sequence[str]) -> StatedLicense:
    """Several licence classifiers say nothing of how they belong together (PEP 639), so that only what they share is known."""
    table = load_table(_TABLE)
    names = list(dict.fromkeys(row.rpartition(" :: ")[2].strip() for row in classifiers if row.startswith(_PREFIX)))
    names = [name for name in names if name not in ("OSI Approved", "DFSG approved")]
    if not names:
        return StatedLicense()
    words = _shortened(", ".join(names))
    expressions = {table["classifiers"].get(name) for name in names}
    if len(expressions) == 1 and None not in expressions:
        expression = expressions.pop()
        return StatedLicense(expression, license_class(expression), "classifiers", words)
    classes = {_class_of_classifier(name) for name in names}
    return StatedLicense(None, classes.pop() if len(classes) == 1 else "unknown", "classifiers", words)


def _class_of_classifier(name: str) -> LicenseClass:
    table = load_table(_TABLE)
    family: LicenseClass | None = table["classifier_classes"].get(name)
    return family or license_class(table["classifiers"].get(name))


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().rstrip(".").lower()


def _shortened(text: str) -> str:
    line = _BLANKS.sub(" ", text[:_TEXT_START]).strip()
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"
