"""What a project asks of its releases, as ``inspector.toml`` or ``[tool.inspector]`` in ``pyproject.toml`` says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from inspector.model import Severity
from inspector.policy.configuration_check import parse_size
from inspector.policy.gate import FailOn


class Ignore(Struct, frozen=True, kw_only=True):
    """Findings that are accepted.

    :ivar path: a glob over subjects.
    :ivar fingerprint: the one finding that is meant, or None for all that match.
    :ivar expires: the first day on which it counts again, or None for never.
    """

    rule: str
    reason: str
    path: str = "*"
    fingerprint: str | None = None
    expires: dt.date | None = None


class LicenseException(Struct, frozen=True, kw_only=True):
    """A component that may have a licence which others may not."""

    component: str
    allow: tuple[str, ...]
    reason: str
    expires: dt.date | None = None


class LicenseClarification(Struct, frozen=True, kw_only=True):
    """What the licence of a file is, bound to its content."""

    path: str
    expression: str
    sha256: str
    reason: str


class LicensePolicy(Struct, frozen=True, kw_only=True):
    """Which licences may be shipped; see ``configuration_keys``."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    deny_classes: tuple[str, ...] = ()
    unknown: Literal["error", "warning", "ignore"] = "warning"
    exceptions: tuple[LicenseException, ...] = ()
    clarify: tuple[LicenseClarification, ...] = ()

    @property
    def asks_something(self) -> bool:
        """Whether any licence could fail by it."""
        return bool(self.allow or self.deny or self.deny_classes) or self.unknown == "error"


class Budget(Struct, frozen=True, kw_only=True):
    """How large an artifact may be, in bytes; None and empty where nothing is asked."""

    total: int | None = None
    growth_percent: float | None = None
    growth_bytes: int | None = None
    components: Mapping[str, int] = field(default_factory=dict)
    duplicates: int | None = None
    debug: int | None = None
    tests: int | None = None

    @property
    def asks_something(self) -> bool:
        """Whether anything could be over it."""
        limits = (self.total, self.growth_percent, self.growth_bytes, self.duplicates, self.debug, self.tests)
        return bool(self.components) or any(limit is not None for limit in limits)


class SlimDefaults(Struct, frozen=True, kw_only=True):
    """What ``inspect slim`` takes where its options say nothing."""

    level: Literal["safe", "moderate", "aggressive"] = "moderate"
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    entry: tuple[str, ...] = ()
    pyc: Literal["keep", "hot", "none"] = "keep"
    smoke: tuple[str, ...] = ()


class Configuration(Struct, frozen=True, kw_only=True):
    """Everything that a project asks.

    :ivar glibc: the newest glibc that the artifact may ask for.
    :ivar hosts: systems on which it must start.
    :ivar anchor: file of the repository that findings are shown at.
    :ivar levels: by rule, its severity here, or "off".
    :ivar sources: by key ("gate.fail-on"), where its value comes from: a file with its line, or an option.
    """

    edition: str | None = None
    glibc: str | None = None
    hosts: tuple[str, ...] = ()
    anchor: str | None = None
    fail_on: FailOn = "error"
    new_only: bool = False
    incomplete_fails: bool = False
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    levels: Mapping[str, Severity | Literal["off"]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()
    licenses: LicensePolicy = field(default_factory=LicensePolicy)
    slim: SlimDefaults = field(default_factory=SlimDefaults)
    sources: Mapping[str, str] = field(default_factory=dict)


def configuration_of(document: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Configuration:
    """A document in which :func:`inspector.policy.configuration_check.find_mistakes` found none."""
    target, gate = document.get("target", {}), document.get("gate", {})
    return Configuration(
        edition=document.get("edition"),
        glibc=target.get("glibc"),
        hosts=tuple(target.get("hosts", ())),
        anchor=target.get("anchor"),
        fail_on=gate.get("fail-on", "error"),
        new_only=gate.get("new-only", False),
        incomplete_fails=gate.get("incomplete", "pass") == "fail",
        require=tuple(gate.get("require", ())),
        forbid=tuple(gate.get("forbid", ())),
        budget=_budget(document.get("budget", {})),
        levels={name: entry["level"] for name, entry in document.get("rules", {}).items()},
        ignores=tuple(Ignore(**entry) for entry in document.get("ignore", ())),
        licenses=_licenses(document.get("licenses", {})),
        slim=_slim(document.get("slim", {})),
        sources=dict(sources or {}),
    )


def _budget(table: Mapping[str, Any]) -> Budget:
    growth = table.get("growth", {})
    return Budget(
        total=_size(table, "total"),
        growth_percent=growth.get("percent"),
        growth_bytes=_size(growth, "bytes"),
        components={name: parse_size(value) or 0 for name, value in table.get("components", {}).items()},
        duplicates=_size(table, "duplicates"),
        debug=_size(table, "debug"),
        tests=_size(table, "tests"),
    )


def _size(table: Mapping[str, Any], name: str) -> int | None:
    return parse_size(table[name]) if name in table else None


def _licenses(table: Mapping[str, Any]) -> LicensePolicy:
    return LicensePolicy(
        allow=tuple(table.get("allow", ())),
        deny=tuple(table.get("deny", ())),
        deny_classes=tuple(table.get("deny-classes", ())),
        unknown=table.get("unknown", "warning"),
        exceptions=tuple(
            LicenseException(**{**entry, "allow": tuple(entry["allow"])}) for entry in table.get("exceptions", ())
        ),
        clarify=tuple(LicenseClarification(**entry) for entry in table.get("clarify", ())),
    )


def _slim(table: Mapping[str, Any]) -> SlimDefaults:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return SlimDefaults(**given)
