"""The desktop files at the root of a bundle: which commands a menu starts (Desktop Entry Specification, "The Exec key")."""

from __future__ import annotations

import shlex

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.facts.launchers.shell_files import read_text

_MOST_ENTRIES = 32


class DesktopCommand(Struct, frozen=True):
    """One Exec line.

    :ivar path: tree path of the desktop file, as its name at the root.
    :ivar action: the name of the additional action that it belongs to, or None for the entry itself.
    :ivar words: the words of the line, field codes such as ``%U`` left out.
    """

    path: str
    action: str | None
    words: tuple[str, ...]


def desktop_commands(tree: Tree) -> tuple[DesktopCommand, ...]:
    """The Exec lines of every desktop file at the root, in the order of their names."""
    found: list[DesktopCommand] = []
    entries = [node for node in tree.children("") if node.name.endswith(".desktop")]
    for node in sorted(entries, key=lambda node: node.name)[:_MOST_ENTRIES]:
        target = tree.resolve(node.path)
        if target is None or not target.is_file:
            continue
        section = ""
        for line in read_text(target).splitlines():
            if line.startswith("["):
                section = line.strip().strip("[]")
            name, _, value = line.partition("=")
            if name.strip() != "Exec" or not section.startswith("Desktop "):
                continue
            action = section.removeprefix("Desktop Action ") if section.startswith("Desktop Action ") else None
            words = tuple(word for word in _split(value) if not (len(word) == 2 and word[0] == "%"))
            if words:
                found.append(DesktopCommand(node.path, action, words))
    return tuple(found)


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()
