"""The filters that launchers put behind ``|`` and ``$(…)``: grep, head, tail, cut, tr, sed, sort, for the forms whose output can be told.

POSIX.1-2017, Utilities.  Patterns are plain text with ``^``, ``$`` and ``.*`` at their ends: no pattern of a bundle becomes a regular expression.
"""

from __future__ import annotations

import re

from inspector.facts.launchers.shell_files import ShellFiles
from inspector.patterns import lazy_pattern

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands in a value for what cannot be known."""

_LITERAL_PATTERN = lazy_pattern(r"\^?[\w =./:+-]*(?:\.\*)?\$?")
_MOST_VALUE = 65_536
_MOST_PATTERN = 256


def filtered(name: str, words: list[str], piped: str | None, files: ShellFiles | None) -> str | None:
    """What a filter makes of its input; None where that cannot be told.

    :param piped: what is piped into it; None where it reads the files that its words name.
    """
    if piped is not None and UNKNOWN in piped:
        return None
    match name:
        case "grep":
            return _grep(words, piped, files)
        case "head" | "tail" if piped is not None:
            count = "".join(char for word in words for char in word if char.isdigit())
            number = int(count[:4]) if count else 10
            lines = piped.splitlines()
            return "\n".join(lines[:number] if name == "head" else lines[-number:] if number else [])
        case "cut" if piped is not None:
            return _cut(words, piped)
        case "tr" if piped is not None and words[:1] == ["-d"] and len(words) == 2:
            dropped = words[1].replace("\\n", "\n").replace("\\r", "\r")
            return "".join(char for char in piped if char not in dropped)
        case "sed" if piped is not None and len(words) == 1:
            match = re.fullmatch(r"s(.)\^?([\w =./:+-]*)\1([\w =./:+-]*)\1g?", words[0])
            if match is None or "." in match[2]:
                return None
            return "\n".join(line.replace(match[2], match[3], 1) for line in piped.splitlines())
        case "sort" | "uniq" | "cat" if piped is not None and not words:
            return "\n".join(sorted(piped.splitlines())) if name == "sort" else piped
        case _:
            return None


def _grep(words: list[str], piped: str | None, files: ShellFiles | None) -> str | None:
    pattern: str | None = None
    paths: list[str] = []
    most = _MOST_VALUE
    options = iter(words)
    for word in options:
        if word == "-e":
            pattern = next(options, "")
        elif word == "-m":
            most = int(number) if (number := next(options, "")).isdigit() else most
        elif word.startswith("-m") and word[2:].isdigit():
            most = int(word[2:5])
        elif word.startswith("-") and set(word) <= set("-rhEsa"):
            continue
        elif word.startswith("-"):
            return None
        elif pattern is None:
            pattern = word
        else:
            paths += files.matching(word) if files is not None else []
    if pattern is None or len(pattern) > _MOST_PATTERN or not _LITERAL_PATTERN.fullmatch(pattern):
        return None
    if piped is None:
        texts = [files.text(path) for path in paths] if files is not None else []
        if len(texts) != 1 or texts[0] is None:
            return None  # with several files grep puts their names in front
        piped = texts[0]
    return "\n".join([line for line in piped.splitlines() if _fits(line, pattern)][:most])


def _fits(line: str, pattern: str) -> bool:
    """Whether a line fits a pattern of plain text, ``^`` in front and ``.*`` or ``$`` behind; a dot stands for itself too."""
    text = pattern.removeprefix("^").removesuffix("$").removesuffix(".*")
    if pattern.endswith("$") and not pattern.endswith(".*$"):
        return line == text if pattern.startswith("^") else line.endswith(text)
    return line.startswith(text) if pattern.startswith("^") else text in line


def printed(name: str, words: list[str]) -> str | None:
    """What ``echo`` or ``printf`` prints of these words; None for formats and escapes, which shells treat differently."""
    shown = [word for word in words if not (name == "echo" and word in ("-n", "-e"))]
    if name == "printf" and shown[:1] and shown[0] in ("%s", "%s\\n"):
        shown = shown[1:]
    return None if any("%" in word or "\\" in word for word in shown) else " ".join(shown)


def _cut(words: list[str], piped: str) -> str | None:
    delimiter, field = "\t", ""
    options = iter(words)
    for word in options:
        if word.startswith("-d"):
            delimiter = word[2:] or next(options, "")
        elif word.startswith("-f"):
            field = word[2:] or next(options, "")
        else:
            return None
    match = re.fullmatch(r"(\d{1,4})(-?)", field)
    if match is None or len(delimiter) != 1:
        return None
    first = int(match[1]) - 1
    lines = []
    for line in piped.splitlines():
        parts = line.split(delimiter)
        lines.append(
            line if len(parts) == 1 else delimiter.join(parts[first:] if match[2] else parts[first : first + 1])
        )
    return "\n".join(lines)
