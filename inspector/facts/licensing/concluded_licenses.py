"""The licence of a component out of three words for it: what its metadata declare, what its texts are, and what follows from both.

The metadata's expression goes before the texts: whoever wrote it knew what he meant.  Where it is missing, or names a family only ("BSD License"),
the text decides, if it is one that can be meant by the words; where neither can be told, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.license_classes import LicenseClass, license_class
from inspector.facts.licensing.recognised_files import RecognisedFiles


class ConcludedLicense(Struct, frozen=True):
    """What is known of a component's licence.

    :ivar expression: SPDX, or None where nothing tells.
    :ivar license_class: of the expression, else of all that it can be; "unknown" where these differ.
    :ivar source: what the conclusion rests on: "declared", "licence text", or "".
    :ivar declared: what its metadata say, or None where they say nothing.
    :ivar found: what its files say.
    :ivar words: what is said where that makes no expression.
    """

    expression: str | None
    license_class: LicenseClass
    source: str = ""
    declared: FoundLicense | None = None
    found: tuple[FoundLicense, ...] = ()
    words: str = ""


def conclude(
    declared: FoundLicense | None,
    family: LicenseClass,
    words: str,
    license_files: Sequence[str],
    files: RecognisedFiles,
) -> ConcludedLicense:
    """Conclude.

    :param declared: what the metadata say; its expression may be None.
    :param family: the class that its words leave, "unknown" where they leave any.
    :param words: the metadata's own words, "" where they say nothing.
    :param license_files: tree paths of its texts.
    """
    found = files.statements(license_files)
    if declared is not None and declared.expression is not None:
        return ConcludedLicense(declared.expression, license_class(declared.expression), "declared", declared, found)
    own = files.own_statement(license_files)
    if own is not None and own.expression is not None:
        of_text = license_class(own.expression)
        if family in ("unknown", of_text):
            return ConcludedLicense(own.expression, of_text, "licence text", declared, found, words)
        return ConcludedLicense(None, family, "", declared, found, words)
    readings = _readings(found)
    if words or not readings:
        return ConcludedLicense(None, family, "", declared, found, words)
    classes = {license_class(name) for name in readings}
    shared = classes.pop() if len(classes) == 1 else "unknown"
    return ConcludedLicense(None, shared, "", declared, found, " or ".join(readings))


def _readings(found: Sequence[FoundLicense]) -> tuple[str, ...]:
    """Of one file whose text several licences share, what it can be ("GPL-2.0-only", "GPL-2.0-or-later")."""
    if len(found) != 1 or found[0].expression is not None:
        return ()
    names = found[0].mentioned
    stems = {name.removesuffix("-only").removesuffix("-or-later") for name in names}
    return names if len(stems) == 1 else ()
