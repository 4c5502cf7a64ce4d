"""Conditions of shell scripts: ``test``, ``[`` and ``[[``, decided where the bundle alone decides them (POSIX.1-2017, "test")."""

from __future__ import annotations

import fnmatch

from inspector.facts.launchers.shell_expansion import ARGUMENTS, UNKNOWN
from inspector.facts.launchers.shell_files import ShellFiles

_DEEPEST = 24


def evaluate(words: list[str], files: ShellFiles | None, depth: int = 0) -> bool | None:
    """``test``, ``[`` and ``[[`` (POSIX.1-2017, "test"); None where the host or the user decides."""
    for operator in ("||", "-o", "&&", "-a"):
        if operator in words[1:-1] and depth < _DEEPEST:
            at = words.index(operator, 1)
            one, other = evaluate(words[:at], files, depth + 1), evaluate(words[at + 1 :], files, depth + 1)
            decisive = operator in ("||", "-o")
            if decisive in (one, other):
                return decisive
            return None if None in (one, other) else not decisive
    if words[:1] == ["!"] and len(words) > 1 and depth < _DEEPEST:
        status = evaluate(words[1:], files, depth + 1)
        return None if status is None else not status
    if len(words) == 1:
        words = ["-n", *words]
    if len(words) == 3:
        return _compare(*words)
    return _evaluate_one(words[0], words[1], files) if len(words) == 2 else None


def _evaluate_one(operator: str, value: str, files: ShellFiles | None) -> bool | None:
    if operator in ("-z", "-n"):
        if value in (UNKNOWN, ARGUMENTS):
            return None
        return bool(value) == (operator == "-n")
    kind = files.kind(value) if files is not None and UNKNOWN not in value else "unknown"
    if kind == "unknown":
        return None
    if operator == "-d":
        return kind == "directory"
    if operator in ("-f", "-s"):
        return kind == "file"
    return kind != "absent" if operator in ("-e", "-r", "-x", "-L", "-h") else None


def _compare(one: str, operator: str, other: str) -> bool | None:
    if any(mark in word for word in (one, other) for mark in (UNKNOWN, ARGUMENTS)):
        return None
    match operator:
        case "=" | "==":
            return one == other
        case "!=":
            return one != other
        case "=*" | "==*":
            return fits(one, other)
        case "!=*":
            return not fits(one, other)
        case _:
            return None


def is_quoted(raw: str) -> bool:
    """Whether a raw word has quotes, so that wildcards in it stand for themselves."""
    return "'" in raw or '"' in raw or "\\" in raw


def fits(value: str, pattern: str) -> bool:
    """Whether a value fits a pattern with wildcards; long ones fit only what equals them."""
    return value == pattern or (len(pattern) <= 256 and len(value) <= 4096 and fnmatch.fnmatchcase(value, pattern))
