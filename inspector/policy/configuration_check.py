"""A parsed document against the keys that there are: every mistake at once, each with its key, its line and the mend."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from inspector.catalogue import load_rules
from inspector.policy.configuration_keys import KEYS, Key
from inspector.policy.configuration_lines import Path

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT]?)(i?)B|([0-9]+)")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)+")
_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}


@dataclass(frozen=True, slots=True)
class Mistake:
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
        case "rule":
            yield from _rule_mistakes(value, path)
        case _:
            if not _is_of(value, key.kind):
                yield _wrong(value, _DESCRIBED[key.kind], path, key.example or _EXAMPLES.get(key.kind, '"..."'))


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
