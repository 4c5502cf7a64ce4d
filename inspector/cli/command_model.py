"""The command line as data, read off the verbs' own parsers: what completion scripts and the manual page are made of."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Literal

from msgspec import Struct

from inspector.cli import VERBS
from inspector.cli.parser import OneOf, VerbParser

Kind = Literal["words", "files", "directories", "text"]

_FILES = (
    "FILE",
    "PATH",
    "ARTIFACT",
    "OLD",
    "NEW",
    "RESULT.json",
    "SLIMMED",
    "UNDO_FILE",
    "OUT",
    "SUBJECT",
    "FILE|MODULE",
)
_DIRECTORIES = ("DIR", "ROOTFS")


class Argument(Struct, frozen=True):
    """An option, or an operand.

    :ivar names: ``("-o", "--output")``; of an operand none.
    :ivar metavar: what stands for its value in the help, or "" where it takes none.
    :ivar help: the help as it is printed.
    :ivar kind: what its value is.
    :ivar words: values that are known; beside files for the kind "files".
    :ivar repeated: whether it may be given again.
    """

    names: tuple[str, ...]
    metavar: str
    help: str
    kind: Kind
    words: tuple[str, ...]
    repeated: bool

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        return bool(self.metavar)


class Group(Struct, frozen=True):
    """Options under one title of the help."""

    title: str
    arguments: tuple[Argument, ...]


class Verb(Struct, frozen=True):
    """A verb with all that it takes.

    :ivar usage: one line, without ``usage:``.
    :ivar examples: the lines below ``examples:``, without indentation.
    """

    name: str
    summary: str
    usage: str
    description: str
    groups: tuple[Group, ...]
    examples: tuple[str, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        """Everything that has a name."""
        return tuple(each for group in self.groups for each in group.arguments if each.names)

    @property
    def operands(self) -> tuple[Argument, ...]:
        """Everything that has none."""
        return tuple(each for group in self.groups for each in group.arguments if not each.names)

    @property
    def first_word(self) -> Argument | None:
        """The first operand, where it is one of a few words and others follow it (``inspect host list …``)."""
        operands = self.operands
        return operands[0] if len(operands) > 1 and operands[0].kind == "words" else None


def verbs() -> tuple[Verb, ...]:
    """All of them, in the order of the overview."""
    return tuple(_verb(name, import_module(f"inspector.cli.{name}").make_parser()) for name in VERBS)


def first_sentence(text: str, most: int = 70) -> str:
    """The beginning of a help text for a list of completions: to the first ``;`` or ``:`` that ends a clause, at most so many characters."""
    for separator in ("; ", ": ", " ("):
        text = text.partition(separator)[0]
    return text if len(text) <= most else f"{text[: most - 1].rpartition(' ')[0]}…"


def _verb(name: str, parser: VerbParser) -> Verb:
    groups = [
        Group(group.title or "", tuple(_argument(action, name) for action in group._group_actions))  # noqa: SLF001 - argparse has no other way
        for group in parser._action_groups  # noqa: SLF001
        if group._group_actions  # noqa: SLF001
    ]
    examples = (parser.epilog or "").removeprefix("examples:\n").splitlines()
    return Verb(
        name=name,
        summary=VERBS[name],
        usage=parser.usage or "",
        description=parser.description or "",
        groups=tuple(groups),
        examples=tuple(line.strip() for line in examples),
    )


def _argument(action: argparse.Action, verb: str) -> Argument:
    takes_value = action.nargs != 0
    metavar = str(action.metavar or action.dest).replace("()", "") if takes_value else ""
    words = tuple(_words(action, metavar, verb))
    kind: Kind = "text"
    if metavar in _DIRECTORIES:
        kind = "directories"
    elif metavar.removeprefix("ID|") in _FILES:
        kind = "files"
    elif words:
        kind = "words"
    return Argument(
        names=tuple(action.option_strings),
        metavar=metavar,
        help=action.help or "",
        kind=kind,
        words=words,
        repeated=isinstance(action, argparse._AppendAction | argparse._CountAction) or action.nargs in ("*", "+"),  # noqa: SLF001
    )


def _words(action: argparse.Action, metavar: str, verb: str) -> Iterator[str]:
    """Values that are known before anything is read."""
    if isinstance(action.type, OneOf):
        yield from action.type.words
    elif metavar == "RULE":
        from inspector.catalogue import load_rules

        yield from load_rules()
    elif metavar == "ID|FILE" or (verb == "host" and metavar == "SUBJECT"):
        from inspector.facts.hosts.profiles import architectures, list_profiles

        yield from sorted({host.id for arch in architectures() for host in list_profiles(arch)})
    elif verb == "host" and metavar == "ACTION":
        from inspector.cli.host import ACTIONS

        yield from ACTIONS
