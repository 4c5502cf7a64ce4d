"""Settings in libconfig's format, as far as launchers write it: named groups, lists and strings (libconfig manual, chapter 2)."""

from __future__ import annotations

import re

from inspector.patterns import lazy_pattern

_TOKEN = lazy_pattern(
    r'\s+|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:[^"\\]|\\.)*+"?|[\w*.+-]+|[=:;,(){}\[\]]|.', re.DOTALL
)
_DEEPEST = 16


def read_settings(text: str) -> dict[str, list[str]]:
    """Each setting's strings, numbers and truth values by its dotted name (``runtime.environment.PATH``), those of a list in order.

    Text that is not in the format is skipped; the work is linear in its length.
    """
    found: dict[str, list[str]] = {}
    path: list[str] = []
    word, key = "", ""
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part in ("=", ":"):
            key, word = word, ""
        elif part == "{":
            path.append(key)
            word = key = ""
        elif part == "}":
            _keep(found, path, key, word)
            word = key = ""
            if path:
                path.pop()
        elif part in (";", ",", ")", "]"):
            _keep(found, path, key, word)
            word = ""
            if part == ";":
                key = ""
        elif part[0] == '"':
            _keep(found, path, key, re.sub(r"\\(.)", r"\1", part[1:].removesuffix('"')))
        elif part[0].isalnum() or part[0] in "_*.+-":
            word = part
    return found


def _keep(found: dict[str, list[str]], path: list[str], key: str, value: str) -> None:
    if key and value and len(path) <= _DEEPEST:
        found.setdefault(".".join((*path, key)), []).append(value)
