"""The JSON schema of ``inspector.toml``, for editors that complete and check TOML; made of the keys that files are checked by.

A schema cannot say all that :mod:`inspector.policy.configuration_check` does: whether a rule, a system or a licence is known.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from inspector.policy.configuration_keys import KEYS, Key

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_SIZE = r"^[0-9]+(\.[0-9]+)? ?[kMGT]?i?B$|^[0-9]+$"
_KINDS: dict[str, dict[str, Any]] = {
    "text": _TEXT,
    "rule": _TEXT,
    "expression": _TEXT,
    "texts": _TEXTS,
    "licenses": _TEXTS,
    "rules": _TEXTS,
    "hosts": _TEXTS,
    "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
    "size": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SIZE}]},
    "version": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)+$"},
    "switch": {"type": "boolean"},
    "percent": {"type": "number", "minimum": 0},
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "date": {"type": "string", "format": "date"},
}
"""By the kind of a key; editors give dates of TOML to a schema as texts."""


def configuration_schema() -> dict[str, Any]:
    """The schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "inspector.toml",
        "description": "What a project asks of its releases; the same tables stand under tool.inspector in pyproject.toml.",
        **_table(KEYS),
    }


def _table(members: Mapping[str, Key]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: _value(key) for name, key in members.items()},
        "additionalProperties": False,
    }
    required = [name for name, key in members.items() if key.required]
    return found | ({"required": required} if required else {})


def _value(key: Key) -> dict[str, Any]:
    about: dict[str, Any] = {"description": key.summary}
    if key.default is not None:
        about["default"] = _read(key.default)
    if key.example:
        about["examples"] = [_read(key.example)]
    match key.kind:
        case "table":
            return about | _table(key.members)
        case "tables":
            return about | {"type": "array", "items": _table(key.members)}
        case "by name":
            element = _value(key.element) if key.element is not None else {}
            return about | {"type": "object", "additionalProperties": element}
        case "choice":
            return about | {"enum": list(key.choices)}
        case "choices":
            return about | {"type": "array", "items": {"enum": list(key.choices)}}
        case _:
            return about | _KINDS[key.kind]


def _read(toml: str) -> Any:  # noqa: ANN401 - a value of TOML is of any type
    """A default or an example, which are written as in a file."""
    value = tomllib.loads(f"value = {toml}")["value"]
    return json.loads(json.dumps(value, default=str))
