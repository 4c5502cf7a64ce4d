"""Small pieces of text: a rule's paragraphs and commands, a path's directory and name, an identifier that a link can name."""

from __future__ import annotations

import hashlib
import re
import shlex

from msgspec import Struct

from inspector.patterns import lazy_pattern
from inspector.render.escaping import escape

_PLAIN_IDENTIFIER = lazy_pattern(r"[A-Za-z0-9_.-]{1,64}")


class TextBlock(Struct, frozen=True):
    """A paragraph, or lines to be shown as they are (``is_code``); its lines joined accordingly."""

    text: str
    is_code: bool


def blocks_of(text: str) -> list[TextBlock]:
    """Paragraphs of a rule's text, which empty lines separate; code is indented by four spaces (:class:`inspector.catalogue.Rule`)."""
    blocks = []
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        lines = part.splitlines()
        is_code = bool(lines) and all(line.startswith("    ") for line in lines)
        if is_code:
            blocks.append(TextBlock("\n".join(line[4:].rstrip() for line in lines), is_code=True))
        elif part.strip():
            blocks.append(TextBlock(" ".join(line.strip() for line in lines), is_code=False))
    return blocks


def split_path(path: str) -> tuple[str, str]:
    """The directory with its slash, and the name: ``("usr/lib/", "libfoo.so")``."""
    directory, slash, name = path.rpartition("/")
    return directory + slash, name


def command_word(word: str) -> str:
    """One argument as a shell wants it, made visible."""
    return shlex.quote(escape(word))


def identifier(text: str) -> str:
    """An element's id made of a text of the artifact: itself where that is plain, else a digest of it."""
    if _PLAIN_IDENTIFIER.fullmatch(text):
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
