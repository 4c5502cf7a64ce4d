"""What the TOML of a host profile says, for the shipped ones of ``rules/hosts/`` and the captured ones of a user's own fleet.

One table stands for one kind of knowledge, and many names share one literal string, because a parser skips through a string at once and makes an
object of every key.

Top level: ``schema``, ``id``, ``name``, ``arch``, ``libc``, ``libc_version``, ``basis``, ``complete``, and where known ``isa_level``, ``kernel``,
``page_sizes`` (bytes), ``released``, ``supported_until``, ``as_of``.  Then:

``[programs]``
    program = presence
``[sources]``
    field or table = where it was taken from, for people
``[measured]``, ``[assumed]``
    presence = lines ``package: soname soname …``, with ``-`` where nobody knows the package
``[versions]``
    soname = names of its version definitions; a word that starts with a digit repeats the namespace before it, one behind a
    ``=`` is a name as it stands
``[needed]``, ``[requirements]``
    soname = names of the libraries that it needs; ``library:version`` of its verneed, with ``?`` behind a weak one; the C library's own left out
``[exports]``
    soname = its symbols, ``name``, ``name@version`` or ``name@@version``
``[file.'<path>']``
    a captured library: ``found`` (the paths that the default search finds it by; the last part is the name that is asked for, else ``name=path``),
    ``package``, ``soname``, ``needed``, ``rpath``, ``runpath``, ``requirements`` (``library:version``, with ``?`` behind a weak one),
    ``definitions``, ``exports``, ``imports``, ``flags`` (:data:`FLAGS`), ``largest_page_size`` (bytes), ``isa_level``

Words in a string are separated by white space; names that hold white space were written with ``\\xNN`` when they were captured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from inspector.errors import UsageError
from inspector.loader.host_profile import Basis, LibcKind, Presence
from inspector.loader.objects import ARCHITECTURES

SCHEMA = "inspector/host/1"

PRESENCES: tuple[Presence, ...] = get_args(Presence)

FLAGS = ("position_independent_program", "no_open", "nodeflib", "executable_stack", "has_relr")
"""Fields of :class:`inspector.loader.objects.LoaderObject` that are named in ``flags`` where they are true."""

LARGEST_PAGE_SIZE = 65536
"""Bytes; what a captured library has where ``largest_page_size`` is not written."""

_LONGEST_NUMBER = 1 << 32


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LONGEST_NUMBER


def _is_date(value: object) -> bool:
    return value is not None and len(str(value)) == len("2026-08-22")


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_number(size) and size for size in value)


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _are_presences(value: object) -> bool:
    return isinstance(value, dict) and all(presence in PRESENCES for presence in value.values())


def _are_lists_by_presence(value: object) -> bool:
    return isinstance(value, dict) and _are_texts(value) and all(key in PRESENCES for key in value)


def _one_of(words: tuple[str, ...]) -> Callable[[object], bool]:
    return lambda value: value in words


_FIELDS: dict[str, tuple[bool, Callable[[object], bool], str]] = {
    "schema": (True, _one_of((SCHEMA,)), f'not "{SCHEMA}"'),
    "id": (True, _is_text, "no text"),
    "name": (True, _is_text, "no text"),
    "arch": (True, _one_of(tuple(ARCHITECTURES)), f"none of {', '.join(ARCHITECTURES)}"),
    "libc": (True, _one_of(get_args(LibcKind)), "neither glibc nor musl"),
    "libc_version": (True, _is_text, "no text"),
    "basis": (True, _one_of(get_args(Basis)), f"none of {', '.join(get_args(Basis))}"),
    "complete": (False, lambda value: isinstance(value, bool), "neither true nor false"),
    "isa_level": (False, _is_number, "no number"),
    "kernel": (False, _is_text, "no text"),
    "page_sizes": (False, _are_sizes, "no list of bytes"),
    "released": (False, _is_date, "no date"),
    "supported_until": (False, _is_date, "no date"),
    "programs": (False, _are_presences, f"no table of {', '.join(PRESENCES)}"),
    "sources": (False, _are_texts, "no table of texts"),
    "measured": (False, _are_lists_by_presence, f"no table of texts by {', '.join(PRESENCES)}"),
    "assumed": (False, _are_lists_by_presence, f"no table of texts by {', '.join(PRESENCES)}"),
    "versions": (False, _are_texts, "no table of texts"),
    "exports": (False, _are_texts, "no table of texts"),
    "needed": (False, _are_texts, "no table of texts"),
    "requirements": (False, _are_texts, "no table of texts"),
    "file": (False, lambda value: isinstance(value, dict), "no table"),
}
"""By field: whether it must be there, what it must be, and the words for what is not so."""

_FILE_TEXTS = (
    "package",
    "soname",
    "needed",
    "rpath",
    "runpath",
    "requirements",
    "definitions",
    "exports",
    "imports",
    "flags",
)
_FILE_NUMBERS = ("largest_page_size", "isa_level")


def check_document(document: Mapping[str, Any], place: str) -> None:
    """Hold a parsed file against this module's docstring; fields that it does not name are left alone.

    :param place: the file's name, for the message.
    :raises UsageError: naming the first field that is wrong.
    """
    for key, (is_required, is_right, otherwise) in _FIELDS.items():
        if key not in document:
            if is_required:
                raise _not_a_profile(place, f"{key} is missing")
        elif not is_right(document[key]):
            raise _not_a_profile(place, f"{key} is {otherwise}")
    for path, facts in document.get("file", {}).items():
        wrong = _wrong_in_file(facts)
        if wrong is not None:
            raise _not_a_profile(place, f"[file.'{path}'] {wrong}")


def _wrong_in_file(facts: object) -> str | None:
    if not isinstance(facts, dict):
        return "is no table"
    found = facts.get("found")
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        return "has no list of paths in found"
    for key in _FILE_TEXTS:
        if not isinstance(facts.get(key, ""), str):
            return f"has {key} that is no text"
    for key in _FILE_NUMBERS:
        if not _is_number(facts.get(key, 0)):
            return f"has {key} that is no number"
    return None


def _not_a_profile(place: str, what: str) -> UsageError:
    return UsageError(f"{place} is not a host profile: {what}", "inspect host capture writes a valid one")
