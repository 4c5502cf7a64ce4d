"""The lowest C library on which it can start, who causes that, and how to lower it."""

from __future__ import annotations

import re

from rich.cells import cell_len

from inspector.patterns import lazy_pattern
from inspector.render.escaping import escape
from inspector.render.fix_ranking import GLIBC_FLOOR
from inspector.render.overview.rows import Row, text_room, write_rows
from inspector.render.terminal_page import Page, list_names, shorten_end, shorten_middle
from inspector.result import Floor, FloorCause, Result

_REMEDY_LINES = 3
_FIRST_NAMESPACES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")
_SYMBOLS = r"\S+(?:, \S+)*(?: and [\d,]+ more)?"
_REASON = lazy_pattern(rf"{_SYMBOLS}: ")
"""How a sentence begins that explains symbols ("dlopen, dlsym and 12 more: …"); the others say what to do."""


def write_floors(page: Page, result: Result) -> set[str]:
    """The floor of the C library with its causes; other namespaces that the host must answer share a row."""
    wanted = {name: floor for name, floor in result.floors.items() if floor.host_version is not None}
    if not result.files.elf_count:
        return set()
    main = next((name for name in _FIRST_NAMESPACES if name in wanted), next(iter(wanted), None))
    if main is None:
        page.heading("Needs no version of the host's C library", _describe_tag(result))
        return set()
    floor = wanted.pop(main)
    title = f"Needs {_name(main)} {floor.host_version} or newer"
    page.heading(shorten_end(escape(title), page.width), _describe_tag(result))
    rows = _cause_rows(page, main, floor)
    remedy = shorten_remedy(floor.remedy or "", text_room(page), _REMEDY_LINES)
    if remedy:
        rows.append(Row("lower it", remedy, "cyan"))
    others = sorted(wanted.items(), key=lambda item: (_place(item[0]), item[0]))
    if others:
        named = [f"{name} {other.host_version}" for name, other in others]
        rows.append(Row("and also", list_names(named, len(named), text_room(page))))
    write_rows(page, rows)
    return {GLIBC_FLOOR}


def shorten_remedy(remedy: str, width: int, lines: int) -> str:
    """As much of a remedy as fits some lines: what to do before why it is so; when a version was published goes first.

    :param remedy: sentences: the origin, reasons ("symbols: why"), steps in the imperative; as the floors' data words them.
    """
    sentences = [sentence for sentence in re.split(r"(?<=[^.])\. (?=\S)", remedy.removesuffix(".")) if sentence]
    sentences = [sentence for sentence in sentences if not re.match(r"\S+ came with ", sentence)]
    reasons = [sentence for sentence in sentences if _REASON.match(sentence)]
    steps = [sentence for sentence in sentences if sentence not in reasons]
    for chosen in ([*reasons, *steps], [*reasons[:1], *steps], [*reasons[:1], *steps[:1]], steps, steps[:1]):
        text = ". ".join(chosen)
        if (
            chosen and cell_len(escape(text)) <= width * lines - width // 4
        ):  # words are not broken, which costs some room
            return text
    return shorten_end(escape(". ".join(steps[:1] or sentences[:1])), width * lines - width // 4)


def _cause_rows(page: Page, namespace: str, floor: Floor) -> list[Row]:
    """The first cause with its symbols, and the names of the other files."""
    asked = f"{namespace}_{floor.host_version}"
    causes = [cause for cause in floor.causes if cause.from_host and cause.version in (asked, floor.host_version)]
    if not causes:
        return []
    room = text_room(page)
    rows = [Row("caused by", _describe_cause(causes[0], room))]
    others = [cause.file.rpartition("/")[2] for cause in causes[1:]]
    if others:
        rows.append(Row("", list_names([f"and {others[0]}", *others[1:]], len(others), room)))
    return rows


def _describe_cause(cause: FloorCause, room: int) -> str:
    weak = " (weak)" if cause.weak else ""
    others = f" and {cause.symbol_count - 1:,} more" if cause.symbol_count > 1 else ""
    least = cell_len(escape("".join(cause.symbols[:1]))) + len(others)
    file = shorten_middle(escape(cause.file), max(room // 2, room - least - len(" wants ") - len(weak)))
    names = list_names(cause.symbols, cause.symbol_count, room - cell_len(file) - len(" wants ") - len(weak))
    return f"{file}{weak} wants {names or cause.version}"


def _name(namespace: str) -> str:
    return {"GLIBC": "glibc"}.get(namespace, namespace)


def _place(namespace: str) -> int:
    return _FIRST_NAMESPACES.index(namespace) if namespace in _FIRST_NAMESPACES else len(_FIRST_NAMESPACES)


def _describe_tag(result: Result) -> str:
    tag = result.tag
    if tag.claimed and tag.claimed != tag.allowed:
        return f"fits {tag.allowed or 'no platform tag'}, claims {tag.claimed}"
    many = tag.allowed is not None and not tag.allowed.startswith("linux_")
    return f"fits {tag.allowed}" if many else ""
