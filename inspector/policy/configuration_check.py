"""A parsed document against the keys that there are: every mistake at once, each with its key, its line and the mend."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from msgspec import Struct

from inspector.catalogue import load_rules
from inspector.errors import UsageError
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.spdx_texts import spdx_identifiers
from inspector.patterns import lazy_pattern
from inspector.policy.configuration_keys import KEYS, Key
from inspector.policy.configuration_lines import Path

_SIZE = lazy_pattern(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT]?)(i?)B|([0-9]+)")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_SHA256 = lazy_pattern(r"[0-9a-fA-F]{64}")
_VERSION = lazy_pattern(r"[0-9]+(\.[0-9]+)+")
_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}


class Mistake(Struct, frozen=True):
    """One thing that is wrong.

    :ivar path: the key.
    :ivar message: what is wrong, without the key.
    :ivar mend: what to write instead.
    """

    path: Path
    message: str
    mend: str

    @property
    def key(self) -> str:
        """The key as it is written: ``ignore[2].reason``."""
        return written_key(self.path)


def written_key(path: Path) -> str:
    """A key's way in one word; elements of arrays are counted from 1, as people do."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            quoted = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{quoted}" if text else quoted
    return text


def find_mistakes(document: Mapping[str, object]) -> list[Mistake]:
    """All of them, in the order of the document."""
    return list(_table_mistakes(document, KEYS, ()))


def parse_size(value: object) -> int | None:
    """Bytes of ``180_000_000``, ``"180 MB"`` or ``"4 MiB"``; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or (found[3] and not found[2]):
        return None
    if found[4]:
        return int(found[4])
    return int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2]])


def _table_mistakes(table: Mapping[str, object], keys: Mapping[str, Key], path: Path) -> Iterator[Mistake]:
    for name, value in table.items():
        key = keys.get(name)
        if key is None:
            yield _unknown(name, keys, path)
        else:
            yield from _value_mistakes(value, key, (*path, name))
    for name, key in keys.items():
        if key.required and name not in table:
            yield Mistake(
                (*path, name), "is missing", f"say {key.summary}: {name} = {key.example or '...'}"
            )  # the example is TOML, quotes and all


def _unknown(name: str, keys: Mapping[str, Key], path: Path) -> Mistake:
    nearest = get_close_matches(name, list(keys), n=1, cutoff=0.6) or [
        known for known in keys if known.replace("-", "") == name.replace("_", "").replace("-", "").lower()
    ]
    there = f"there are {', '.join(keys)}"
    return Mistake((*path, name), "is not known", f"did you mean {nearest[0]}?" if nearest else there)


def _value_mistakes(value: object, key: Key, path: Path) -> Iterator[Mistake]:  # noqa: C901 - one branch a kind
    match key.kind:
        case "table":
            if isinstance(value, dict):
                yield from _table_mistakes(value, key.members, path)
            else:
                yield _wrong(value, "a table", path, f"[{written_key(path)}] with {', '.join(key.members)}")
        case "tables":
            if isinstance(value, list) and all(isinstance(each, dict) for each in value):
                for number, each in enumerate(value):
                    yield from _table_mistakes(each, key.members, (*path, number))
            else:
                yield _wrong(value, "an array of tables", path, f"[[{written_key(path)}]] once for each")
        case "by name":
            if not isinstance(value, dict):
                yield _wrong(value, "a table", path, key.example or f"[{written_key(path)}.NAME]")
                return
            for name, each in value.items():
                if path == ("rules",):
                    yield from _rule_mistakes(name, (*path, name))
                if key.element is not None:
                    yield from _value_mistakes(each, key.element, (*path, name))
        case "choice":
            if value not in key.choices:
                nearest = get_close_matches(str(value), key.choices, n=1, cutoff=0.6)
                mend = f'did you mean "{nearest[0]}"?' if nearest else f"write one of {', '.join(key.choices)}"
                yield Mistake(path, f"{value!r} is none of {', '.join(key.choices)}", mend)
        case "texts":
            if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
                yield _wrong(value, "a list of texts", path, key.example or '["one", "two"]')
        case "choices":
            yield from _choices_mistakes(value, key, path)
        case "licenses":
            yield from _license_mistakes(value, key, path)
        case "rule":
            yield from _rule_mistakes(value, path)
        case "rules" | "hosts":
            yield from _name_mistakes(value, key, path)
        case _:
            if not _is_of(value, key.kind):
                yield _wrong(value, _DESCRIBED[key.kind], path, key.example or _EXAMPLES.get(key.kind, '"..."'))


def _choices_mistakes(value: object, key: Key, path: Path) -> Iterator[Mistake]:
    if not isinstance(value, list):
        yield _wrong(value, "a list of texts", path, key.example or '["one", "two"]')
        return
    for number, each in enumerate(value):
        yield from _value_mistakes(each, Key("choice", key.summary, choices=key.choices), (*path, number))


def _license_mistakes(value: object, key: Key, path: Path) -> Iterator[Mistake]:
    """Each entry by the SPDX list, which is read only where an entry is no expression."""
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        yield _wrong(value, "a list of texts", path, key.example or '["MIT", "BSD-3-Clause"]')
        return
    for number, each in enumerate(value):
        mistake = license_entry_mistake(each)
        if mistake is not None:
            yield Mistake((*path, number), *mistake)


def license_entry_mistake(entry: str) -> tuple[str, str] | None:
    """What is wrong with a licence that somebody allows or denies, and the mend; None where nothing is.

    :param entry: an identifier of the SPDX list, one with an exception behind WITH, ``LicenseRef-…``, or a glob that some identifier matches.
    """
    words = entry.split()
    if any(word.upper() in ("AND", "OR") for word in words):
        return f"{entry!r} is an expression", "list its licences one by one"
    if canonical_expression(entry) is not None:
        return None
    names = spdx_identifiers()
    if any(sign in entry for sign in "*?["):
        if any(fnmatchcase(name.lower(), entry.lower()) for name in names):
            return None
        return f"{entry!r} matches no identifier of the SPDX list", "https://spdx.org/licenses/ has them"
    by_lower = {name.lower(): name for name in names}
    nearest = get_close_matches(entry.lower(), list(by_lower), n=1, cutoff=0.6)
    mend = f"did you mean {by_lower[nearest[0]]}?" if nearest else "https://spdx.org/licenses/ has them"
    return f"{entry!r} is no identifier of the SPDX list", mend


def _name_mistakes(value: object, key: Key, path: Path) -> Iterator[Mistake]:
    """Each name of a list: one that is mistyped would ask for nothing, and nobody would see it."""
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        yield _wrong(value, "a list of texts", path, key.example)
        return
    for number, each in enumerate(value):
        yield from (_rule_mistakes if key.kind == "rules" else _host_mistakes)(each, (*path, number))


def _host_mistakes(value: str, path: Path) -> Iterator[Mistake]:
    """A system's id, with a variant or without; whether a profile in a file is one is seen when it is read."""
    if "/" in value or value.removesuffix(":minimal").removesuffix(":desktop").endswith(".toml"):
        return
    from inspector.facts.hosts.profiles import load_any_architecture

    try:
        load_any_architecture(value.removesuffix(":minimal").removesuffix(":desktop"))
    except UsageError as error:
        yield Mistake(path, error.message, error.hint or "inspect host list names those that there are")


def _rule_mistakes(value: object, path: Path) -> Iterator[Mistake]:
    rules = load_rules()
    known = {
        *rules,
        *(name for rule in rules.values() for name in rule.renamed_from),
        *(rule.code for rule in rules.values()),
    }
    if not isinstance(value, str):
        yield _wrong(value, "a rule's name", path, "inspect rules lists them")
    elif value not in known:
        nearest = get_close_matches(value, sorted(known), n=1, cutoff=0.6)
        yield Mistake(
            path, f"there is no rule {value}", f"did you mean {nearest[0]}?" if nearest else "inspect rules lists them"
        )


_DESCRIBED = {
    "text": "a text",
    "size": "a size",
    "version": "a version",
    "switch": "true or false",
    "percent": "a number of per cent",
    "share": "a number from 0 to 1",
    "date": "a date",
    "expression": "an SPDX expression",
    "sha256": "a SHA-256 digest of 64 hexadecimal digits",
}
_EXAMPLES = {
    "text": '"..."',
    "size": '"180 MB"',
    "version": '"2.31"',
    "switch": "true",
    "percent": "5",
    "share": "0.9",
    "date": "2027-06-30",
}


def _is_of(value: object, kind: str) -> bool:
    match kind:
        case "text":
            return isinstance(value, str) and bool(value)
        case "size":
            return parse_size(value) is not None
        case "version":
            return isinstance(value, str) and _VERSION.fullmatch(value) is not None
        case "switch":
            return isinstance(value, bool)
        case "percent":
            return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        case "share":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        case "expression":
            return isinstance(value, str) and canonical_expression(value) is not None
        case "sha256":
            return isinstance(value, str) and _SHA256.fullmatch(value) is not None
        case "date":
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    raise AssertionError(f"no kind {kind}")


def _wrong(value: object, wanted: str, path: Path, example: str) -> Mistake:
    name = path[-1] if isinstance(path[-1], str) else written_key(path)
    mend = example if example.startswith("[") and wanted.endswith("table") else f"write {name} = {example}"
    return Mistake(path, f"is {_described(value)} where {wanted} belongs", mend)


def _described(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"' if value else "an empty text"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | dt.date | dt.time):
        return str(value)
    return _WORDS.get(type(value), "something else")
