"""The commented ``inspector.toml`` that a project begins with: what holds for its artifact today, the rest as comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from glob import escape

from inspector.policy.configuration_keys import KEYS, Key
from inspector.quantities import format_size
from inspector.result import Result

_ROOM = 1.05  # above today's size, so that the next patch release passes


def starting_configuration(result: Result | None, edition: str) -> str:
    """The text of the file.

    :param result: the audit of the project's artifact: its floor, its size, and what it fails of today are written in; None for none.
    :param edition: the version of this program whose rules count.
    """
    given: dict[str, str] = {"edition": f'"{edition}"'}
    ignores: list[str] = []
    if result is not None:
        floor = result.floors.get("GLIBC")
        if floor is not None and floor.host_version is not None:
            given["target.glibc"] = f'"{floor.host_version}"'
        given["budget.total"] = f'"{_rounded(int(result.artifact.size * _ROOM))}"'
        ignores = list(_ignores(result))
    lines = [
        "# What a release must hold: inspect audit heeds it, inspect config shows it, inspect config --keys explains every key.",
        *_lines(KEYS, "", given),
    ]
    if ignores:
        lines += [
            "",
            "# Errors of today, so that the next one is seen.  Give each a true reason, or mend it and take it out.",
            *ignores,
        ]
    return "\n".join(lines) + "\n"


def _lines(keys: Mapping[str, Key], prefix: str, given: Mapping[str, str]) -> Iterator[str]:
    """Keys of one table, then the tables in it; what is not given is a comment."""
    tables = {name: key for name, key in keys.items() if key.kind == "table"}
    for name, key in keys.items():
        if name in tables or key.kind == "tables" or (key.kind == "by name" and not key.example):
            continue
        value = given.get(f"{prefix}{name}")
        shown = value or key.default or key.example or ('["..."]' if key.kind == "texts" else '"..."')
        yield f"{'' if value else '# '}{name} = {shown}  # {key.summary}"
    for name, key in tables.items():
        if prefix:
            inline = ", ".join(f"{member} = {each.example}" for member, each in key.members.items())
            yield f"# {name} = {{ {inline} }}  # {key.summary}"
            continue
        yield ""
        yield f"[{name}]  # {key.summary}"
        yield from _lines(key.members, f"{name}.", given)


def _ignores(result: Result) -> Iterator[str]:
    for finding in result.findings:
        if finding.severity == "error" and finding.suppressed is None:
            yield ""
            yield "[[ignore]]"
            yield f"rule = {_quoted(finding.rule)}"
            if finding.subject:
                yield f"path = {_quoted(escape(finding.subject))}"  # a glob that matches nothing else
            yield f"reason = {_quoted('so when this file was made: ' + finding.message)}"


def _rounded(count: int) -> str:
    return format_size(count)


def _quoted(text: str) -> str:
    """A basic string of TOML 1.0.0."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"'
        + "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in escaped if ord(sign) < 0x10000)
        + '"'
    )
