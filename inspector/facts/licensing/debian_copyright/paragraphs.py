"""What one paragraph of a machine-readable copyright file says of the files that it covers: by the names of licences, and by the texts below them,
which go before the names where the two differ."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright.grants import (
    TOLD_APART,
    choice_of_texts,
    granted_expression,
    quoted_license,
)
from inspector.facts.licensing.debian_copyright.license_names import (
    PUBLIC_DOMAIN,
    NamedLicense,
    read_license_name,
    without_unknown_choices,
)
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern

Scope = Literal["paragraph", "default", "header", "majority", "text", "sentence"]


_OPENSSL = " WITH cryptsetup-OpenSSL-exception"
_IN_OTHER_WORDS = lazy_pattern(r"(?!.*(?:exception|exemption|in\s+addition)).*\bopenssl\b.*", re.IGNORECASE | re.DOTALL)
"""A permission to link with OpenSSL that is not in the words of the exceptions that the SPDX list has."""
_LONGEST_DEDICATION = 2000  # characters of a text that says little more
_DEDICATED = lazy_pattern(
    r"\b(?:dedicat|donat|releas|plac|put\b|committed|contributed|waive)[^.]{0,160}\b(?:in|into|to)\s+(?:the\s+)?public\s+domain"
    r"|\bconsidered\s+public\s+domain|\A\W*public\s+domain\W*\Z",
    re.IGNORECASE,
)
"""A dedication to the public domain, whatever the short name above it: "hereby dedicated to the public domain"."""


class LibraryReading(Struct, frozen=True):
    """What a copyright file says of one library.

    :ivar expression: SPDX; None where several licences are named and nothing says which is the library's.
    :ivar scope: which rule decided: the "paragraph" of its directory, the "default" paragraph, the "header", what most source
        files have ("majority"), recognised "text", or in it a "sentence" that names the library or speaks of everything else.
    :ivar patterns: of the paragraph that decided.
    :ivar mentioned: the licences that were recognised where ``scope`` is "text" or "sentence".
    :ivar unknown: names that were not understood; they are ``LicenseRef-Debian-…`` in the expression.
    :ivar contradicted: the expression that the short names alone stand for, where the texts grant another version or less; "" where they agree.
    """

    expression: str | None
    scope: Scope
    patterns: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    contradicted: str = ""


def _of_family(text: str, name: str) -> str | None:
    """The one licence that a name without a version stands for in a text below several names: "MPL or GPL-2+" above "Mozilla Public License 1.1"."""
    if not text or not name.isalpha():
        return None
    found = [one for one in recognise_text(text) if one.startswith(f"{name.upper()}-")]
    return found[0] if len(found) == 1 else None


def joined(mentioned: tuple[str, ...]) -> str | None:
    """One licence, or several permissive ones: whoever keeps to all of them errs in nothing. None where one of several asks for more."""
    mild = all(license_class(name) in ("permissive", "public-domain") for name in mentioned)
    return " AND ".join(mentioned) if mentioned and (mild or len(mentioned) == 1) else None


def paragraph_reading(
    file: CopyrightFile, paragraph: FilesParagraph, scope: Scope = "paragraph"
) -> LibraryReading | None:
    """What one paragraph says of the files that it covers.

    :param scope: which rule chose it.
    """

    def text_of(name: str) -> str | None:
        text = file.text_of(paragraph, name)
        if not text:
            return _of_family(paragraph.license_text, name)
        told = choice_of_texts(text, name) or joined(recognise_text(text)) or quoted_license(text)
        told = granted_expression(told, text) if told in TOLD_APART else told
        return told or (PUBLIC_DOMAIN if len(text) < _LONGEST_DEDICATION and _DEDICATED.search(text) else None)

    overruled: list[str] = []

    def grant_of(name: str, named: str) -> str:
        granted = granted_expression(named, file.text_of(paragraph, name) or paragraph.license_text)
        # Nothing contradicts what is there word for word.
        is_whole_text = named in TOLD_APART and granted not in TOLD_APART
        if (
            named not in granted.split(" OR ")
            and granted.partition(" WITH ")[0] not in (named, named.replace("-only", "-or-later"))
            and not is_whole_text
        ):
            overruled.append(name)
        return granted

    named = read_license_name(paragraph.license_name, text_of, grant_of)
    if named is None:
        mentioned = recognise_text(paragraph.license_text)
        if not mentioned:
            return None
        return LibraryReading(joined(mentioned), scope, paragraph.patterns, mentioned)
    whole = paragraph.license_name.strip()
    # "BSD-or-GPL2" is the name of one text.
    told = text_of(whole) if " " not in whole and (named.unknown or "-or-" in whole.lower()) else None
    own_texts = without_unknown_choices(named, lambda name: bool(file.text_of(paragraph, name)))
    chosen = own_texts if told is None or " OR " not in told else NamedLicense(told)
    contradicted = ""
    if overruled:
        by_name = read_license_name(paragraph.license_name, text_of)
        contradicted = by_name.expression if by_name is not None else ""
    expression = chosen.expression
    if _OPENSSL in expression and _IN_OTHER_WORDS.fullmatch(file.text_of(paragraph, whole)):
        expression = expression.replace(_OPENSSL, "")
    return LibraryReading(expression, scope, paragraph.patterns, unknown=chosen.unknown, contradicted=contradicted)
