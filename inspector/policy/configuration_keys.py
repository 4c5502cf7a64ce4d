"""Every key that ``inspector.toml`` may have: its kind, its default and what it means.  The one place; files are checked and explained by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Kind = Literal[
    "text",
    "texts",
    "licenses",
    "expression",
    "sha256",
    "choice",
    "choices",
    "size",
    "version",
    "switch",
    "percent",
    "share",
    "date",
    "rule",
    "rules",
    "hosts",
    "table",
    "tables",
    "by name",
]
"""``size`` is a number of bytes or "60 MB"; ``share`` a number from 0 to 1; ``rule`` a rule's name, ``rules`` and ``hosts`` lists of names;
``licenses`` are SPDX identifiers, also with WITH, or globs of them; ``choices`` several of the key's choices; ``tables`` an array of tables;
``by name`` a table whose keys the user chooses and whose values are all of ``element``."""


class Key(Struct, frozen=True):
    """One key.

    :ivar summary: one sentence without a full stop, for ``inspect config`` and the documentation.
    :ivar default: as it is written in TOML; None where leaving it out means that nothing is asked.
    :ivar choices: the words of a ``choice``.
    :ivar members: the keys of a table, or of each table in an array.
    :ivar element: what the values of a ``by name`` table are.
    :ivar required: whether a table that is there must have it.
    :ivar example: a value for the commented file that ``inspect init`` writes.
    """

    kind: Kind
    summary: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    members: Mapping[str, Key] = field(default_factory=dict)
    element: Key | None = None
    required: bool = False
    example: str = ""


_LEVELS = ("error", "warning", "info")
_LICENSE_CLASSES = (
    "public-domain",
    "permissive",
    "weak-copyleft",
    "strong-copyleft",
    "network-copyleft",
    "proprietary",
    "unknown",
)

KEYS: dict[str, Key] = {
    "edition": Key("version", "rules that came with a later version of this program only warn", example='"0.1"'),
    "target": Key(
        "table",
        "where the artifact must run",
        members={
            "glibc": Key("version", "the newest glibc that it may ask for", example='"2.31"'),
            "hosts": Key("hosts", "systems on which it must start (inspect host list)", example='["debian-12", "rhel-9"]'),
            "anchor": Key("text", "a file of the repository that findings are shown at", example='"packaging/AppImageBuilder.yml"'),
        },
    ),
    "gate": Key(
        "table",
        "what stops a release",
        members={
            "fail-on": Key("choice", "the mildest severity that fails", '"error"', (*_LEVELS, "never")),
            "new-only": Key("switch", "with a baseline, judge only what this release adds", "false"),
            "incomplete": Key("choice", "whether members that could not be read fail", '"pass"', ("pass", "fail")),
            "require": Key("rules", "rules of which there must be a finding", example='["signature-without-key"]'),
            "forbid": Key("rules", "rules of which no finding is let through, whatever its severity", example='["rpath-absolute"]'),
        },
    ),
    "budget": Key(
        "table",
        "how large it may be",
        members={
            "total": Key("size", "bytes of the artifact's file", example='"180 MB"'),
            "growth": Key(
                "table",
                "how much larger than the baseline; whichever is smaller",
                members={
                    "percent": Key("percent", "of the baseline's size", example="5"),
                    "bytes": Key("size", "in bytes", example='"4 MB"'),
                },
            ),
            "components": Key(
                "by name", "raw bytes of the components whose name matches", element=Key("size", "at most this much"),
                example='{ "Qt*" = "70 MB" }',
            ),
            "duplicates": Key("size", "raw bytes that are there twice", example='"1 MB"'),
            "debug": Key("size", "raw bytes of debug information", example='"0"'),
            "tests": Key("size", "raw bytes of test suites", example='"1 MB"'),
        },
    ),
    "rules": Key(
        "by name", "a rule's severity, by the rule's name",
        element=Key(
            "table", "one rule", members={"level": Key("choice", "its severity, or off", None, (*_LEVELS, "off"), required=True)}
        ),
    ),
    "ignore": Key(
        "tables",
        "findings that are accepted, each with its reason",
        members={
            "rule": Key("rule", "the rule's name", required=True, example='"rpath-absolute"'),
            "path": Key("text", "a glob that the finding's subject must match", '"*"', example='"usr/lib/dri/*.so"'),
            "fingerprint": Key("text", "the finding with this fingerprint alone"),
            "reason": Key("text", "why, for whoever reads it in a year", required=True, example='"Mesa looks the drivers up by the host\'s path"'),
            "expires": Key("date", "the day from which it counts again", example="2027-06-30"),
        },
    ),
    "licenses": Key(
        "table",
        "which licences may be shipped",
        members={
            "allow": Key("licenses", "SPDX identifiers that may; with it, all others may not", example='["MIT", "BSD-*", "LGPL-2.1-or-later"]'),
            "deny": Key("licenses", "SPDX identifiers that may not", example='["AGPL-3.0-only"]'),
            "deny-classes": Key("choices", "classes that may not", choices=_LICENSE_CLASSES, example='["strong-copyleft"]'),
            "unknown": Key("choice", "what a component without a known licence is", '"warning"', ("error", "warning", "ignore")),
            "exceptions": Key(
                "tables",
                "components that may have a licence which others may not",
                members={
                    "component": Key("text", "a glob over component names", required=True, example='"ffmpeg"'),
                    "allow": Key("licenses", "SPDX identifiers", required=True, example='["GPL-2.0-or-later"]'),
                    "reason": Key("text", "why", required=True, example='"started as a program of its own"'),
                    "expires": Key("date", "the day from which it counts no more"),
                },
            ),
            "clarify": Key(
                "tables",
                "what a file's licence is, where nothing in the bundle tells it",
                members={
                    "path": Key("text", "a glob over tree paths", required=True, example='"usr/lib/libx.so*"'),
                    "expression": Key("expression", "an SPDX expression", required=True, example='"Zlib"'),
                    "sha256": Key("sha256", "of the file that it holds for; another file is not covered", required=True),
                    "reason": Key("text", "where you know it from", required=True),
                },
            ),
        },
    ),
    "slim": Key(
        "table",
        "what inspect slim does unasked",
        members={
            "level": Key("choice", "how far it goes", '"moderate"', ("safe", "moderate", "aggressive")),
            "keep": Key("texts", "globs over paths that stay", example='["usr/share/myapp/*"]'),
            "drop": Key("texts", "globs over paths that go"),
            "languages": Key("texts", "translations that stay", example='["de", "en"]'),
            "entry": Key("texts", "files or modules that the application starts from", example='["myapp"]'),
            "pyc": Key("choice", "Python bytecode", '"keep"', ("keep", "hot", "none")),
            "smoke": Key("texts", "shell commands that must do the same before and after; $APP is the artifact"),
        },
    ),
}  # fmt: skip
