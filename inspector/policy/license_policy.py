"""Which licences a project may ship, as its configuration says: allowed and denied ones, classes, exceptions for components, clarified files.

An expression passes if the licences that are allowed suffice for it: of OR one branch, of AND all.  "or later" is a choice of versions, and an
exception behind WITH only ever adds permission: whoever allows a licence allows it with one, and whoever denies it does not deny it with one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from inspector.checks.finding import finding
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.license_expressions import (
    LicenseTerm,
    may_be_used,
    parse_license_expression,
    refused_terms,
)
from inspector.model import Finding, Fix, Severity
from inspector.patterns import lazy_pattern
from inspector.policy.configuration import LicenseClarification, LicenseException, LicensePolicy
from inspector.result import ComponentInfo, Result

LICENSE_NOT_ALLOWED = "license-not-allowed"

_VERSIONS = {
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
}
"""Versions that were published of licences which are granted as "or any later version" (https://www.gnu.org/licenses/)."""

_GNU = lazy_pattern(r"(A?GPL|LGPL|GFDL)-(\d\.\d)(-only|-or-later|\+)?", re.IGNORECASE)


class _Component(Struct, frozen=True):
    """A component as the policy sees it: its own licence, or the one that the project clarified; ``unclear`` says which clarification failed."""

    info: ComponentInfo
    expression: str | None
    license_class: str
    unclear: str = ""


def license_findings(result: Result, policy: LicensePolicy, today: dt.date) -> Iterator[Finding]:
    """One for each component that may not be shipped as it is; those that an exception allows are marked as accepted, with its reason."""
    if not policy.asks_something:
        return
    digests = _digests(result)
    for info in result.components:
        component = _clarified(info, policy.clarify, digests)
        complaint = _complaint(component, policy)
        if complaint is None:
            continue
        message, severity = complaint
        found = finding(
            LICENSE_NOT_ALLOWED,
            info.files[0] if len(info.files) == 1 else info.name,
            message,
            evidence=[*info.evidence[:3], *([component.unclear] if component.unclear else [])],
            fix=_fix(result, info),
            severity=severity,
            key=info.name,
        )
        accepted = _exception(component, policy, today)
        yield found if accepted is None else replace(found, suppressed=accepted)


def _complaint(component: _Component, policy: LicensePolicy) -> tuple[str, Severity] | None:
    name = f"{component.info.name} {component.info.version or ''}".rstrip()
    tree = parse_license_expression(component.expression)
    if tree is None:
        words = component.info.stated
        if component.license_class in policy.deny_classes:
            return (
                f"{name} is {words or 'under a licence that is not told'}, which is {component.license_class}",
                "error",
            )
        if policy.unknown == "ignore":
            return None
        return (
            f"{name}: its licence is not known{f' (it says {words})' if words else ''}",
            "error" if policy.unknown == "error" else "warning",
        )
    refused = refused_terms(tree, lambda term: _is_allowed(term, policy))
    if not refused:
        return None
    reasons = ", ".join(dict.fromkeys(_reason(term, policy) for term in refused))
    return f"{name} is {component.expression}: {reasons}", "error"


def _is_allowed(term: LicenseTerm, policy: LicensePolicy) -> bool:
    readings = _readings(term)
    return any(
        (not policy.allow or any(_means(entry, reading, allowing=True) for entry in policy.allow))
        and not any(_means(entry, reading, allowing=False) for entry in policy.deny)
        and license_class(str(reading)) not in policy.deny_classes
        for reading in readings
    )


def _reason(term: LicenseTerm, policy: LicensePolicy) -> str:
    if any(_means(entry, reading, allowing=False) for entry in policy.deny for reading in _readings(term)):
        return f"{term} is denied"
    found = license_class(str(term))
    return f"{term} is {found}" if found in policy.deny_classes else f"{term} is not among the allowed"


def _readings(term: LicenseTerm) -> tuple[LicenseTerm, ...]:
    """The licences that a term lets one choose from: itself, and of "or later" each version from there on."""
    gnu = _GNU.fullmatch(term.identifier)
    if gnu is None or gnu[3] not in ("-or-later", "+"):
        return (term,)
    family = gnu[1].upper()
    later = [version for version in _VERSIONS[family] if version >= gnu[2]]
    return tuple(LicenseTerm(f"{family}-{version}-only", term.exception) for version in later)


def _means(entry: str, term: LicenseTerm, *, allowing: bool) -> bool:
    """Whether an entry of the configuration speaks of a licence.

    :param entry: an identifier, one with an exception behind WITH, or a glob; "GPL-3.0" is that version, "GPL-3.0-or-later" each from there on.
    """
    name, _, exception = re.sub(r"\s+", " ", entry.strip()).partition(" WITH ")
    if exception:
        return exception.lower() == term.exception.lower() and _names(name, term.identifier)
    return (allowing or not term.exception) and _names(name, term.identifier)


def _names(entry: str, identifier: str) -> bool:
    if fnmatchcase(identifier.lower(), entry.lower()):
        return True
    gnu, own = _GNU.fullmatch(entry), _GNU.fullmatch(identifier)
    if gnu is None or own is None or gnu[1].upper() != own[1].upper():
        return False
    return own[2] >= gnu[2] if gnu[3] in ("-or-later", "+") else own[2] == gnu[2]


def _exception(component: _Component, policy: LicensePolicy, today: dt.date) -> str | None:
    """The reason of the first exception that holds for a component today."""
    for entry in policy.exceptions:
        if not _has_expired(entry, today) and _lets_through(entry, component, policy):
            return entry.reason + (f" (until {entry.expires})" if entry.expires is not None else "")
    return None


def _has_expired(entry: LicenseException, today: dt.date) -> bool:
    return entry.expires is not None and today >= entry.expires


def _lets_through(entry: LicenseException, component: _Component, policy: LicensePolicy) -> bool:
    """Whether the component may be shipped with what the exception allows besides."""
    tree = parse_license_expression(component.expression)
    if tree is None or not fnmatchcase(component.info.name, entry.component):
        return False

    def allowed(term: LicenseTerm) -> bool:
        readings = _readings(term)
        return _is_allowed(term, policy) or any(
            _means(name, reading, allowing=True) for name in entry.allow for reading in readings
        )

    return may_be_used(tree, allowed)


def license_notices(result: Result, policy: LicensePolicy, today: dt.date) -> list[str]:
    """What is to be said of the exceptions themselves: those that let nothing through any more, and those that have expired and still would."""
    if not policy.exceptions:
        return []
    components = [_clarified(info, policy.clarify, _digests(result)) for info in result.components]
    refused = [component for component in components if _complaint(component, policy) is not None]
    notices = []
    for number, entry in enumerate(policy.exceptions, 1):
        names = sorted({each.info.name for each in refused if _lets_through(entry, each, policy)})
        where = f"licenses.exceptions[{number}] ({entry.component})"
        if not names:
            notices.append(f"{where} lets nothing through any more; remove it")
        elif _has_expired(entry, today):
            notices.append(f"{where} expired on {entry.expires}: {', '.join(names)} again; it said: {entry.reason}")
    return notices


def _digests(result: Result) -> dict[str, str]:
    return {entry.path: entry.sha256 for entry in result.files.entries or () if entry.sha256}


def _clarified(
    info: ComponentInfo, entries: Sequence[LicenseClarification], digests: Mapping[str, str | None]
) -> _Component:
    """The component with the licence that the configuration knows for all of its files, if their contents are those that were clarified."""
    unclear = ""
    found: dict[str, str] = {}
    for number, entry in enumerate(entries, 1):
        for path in info.files:
            if not fnmatchcase(path, entry.path):
                continue
            digest = digests.get(path)
            if digest is None:
                unclear = f"licenses.clarify[{number}] is not heeded: the report has no digest of {path}"
            elif digest != entry.sha256.lower():
                unclear = f"licenses.clarify[{number}] is not heeded: {path} is another file, sha256 {digest}"
            else:
                found.setdefault(path, entry.expression)
    expressions = set(found.values())
    if len(expressions) == 1 and _covers(info, found):
        expression = expressions.pop()
        return _Component(info, expression, license_class(expression))
    return _Component(info, info.licenses, info.license_class, unclear)


def _covers(info: ComponentInfo, clarified: Mapping[str, str]) -> bool:
    """Whether that is all of a component: each library of it; of a distribution its metadata or its licence file speak for the whole."""
    if info.kind in ("library", "static"):
        return len(clarified) == info.file_count
    return bool(clarified)


def _fix(result: Result, info: ComponentInfo) -> Fix | None:
    """What removes the component, where the exposures tell."""
    for exposure in result.licenses.exposures:
        if exposure.component == info.name and exposure.removed_by:
            action = "drop-license" if exposure.slim_options else None
            return Fix(text=exposure.removed_by[0], action=action)
    return None


def license_reason(findings: Sequence[Finding], most: int = 3) -> str:
    """A sentence for the gate about findings of this rule."""
    messages = [each.message for each in findings]
    more = f" and {len(messages) - most} more" if len(messages) > most else ""
    return f"licences not allowed: {'; '.join(messages[:most])}{more}"
