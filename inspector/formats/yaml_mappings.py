"""The part of YAML that machine-written manifests are made of: nested mappings and lists in block style, plain and quoted scalars, flow lists.

``snap.yaml`` and the manifests of flatpak-builder are written by programs (YAML 1.2, chapter 8, "Block Style Productions").  Anchors, tags, several
documents and keys that are no scalars are refused by name, so that nothing is misread.  Every scalar stays text.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.patterns import lazy_pattern

Value: TypeAlias = "str | dict[str, Value] | list[Value]"

_LONGEST = 4 << 20
_DEEPEST = 40
_QUOTED = lazy_pattern(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "/": "/", "0": "\0", " ": " ", "e": "\x1b", "r": "\r"}
_ESCAPE = lazy_pattern(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_BLOCK_SCALAR = lazy_pattern(r"[|>][+-]?\d?[+-]?$")


class _Line(Struct, frozen=True):
    number: int
    indent: int
    text: str


def parse_yaml(content: bytes) -> dict[str, Value]:
    """The mapping that a file holds.

    :raises FormatError: where it is no UTF-8, or does not follow this part of YAML (``UnsupportedFormat``).
    :raises LimitExceeded: where it is too large or too deep.
    """
    if len(content) > _LONGEST:
        raise LimitExceeded(f"a YAML file of {len(content)} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("the YAML file is not UTF-8", error.start) from None
    parser = _Parser(text.splitlines())
    value = parser.block(0, 0)
    if parser.line() is not None:
        raise UnsupportedFormat(f"line {parser.position + 1} of the YAML file does not fit what stands before it")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FormatError("the YAML file holds no mapping")
    return value


class _Parser:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.position = 0
        if lines and lines[0].rstrip() == "---":
            self.position = 1

    def line(self) -> _Line | None:
        """The next line that says something."""
        while self.position < len(self._lines):
            raw = self._lines[self.position]
            text = raw.lstrip(" ")
            if text.strip() and not text.startswith("#"):
                if text.startswith("\t"):
                    raise UnsupportedFormat(f"line {self.position + 1} of the YAML file is indented with tabs")
                if raw.rstrip() in ("---", "..."):
                    raise UnsupportedFormat("the YAML file holds several documents")
                return _Line(self.position, len(raw) - len(text), text.rstrip())
            self.position += 1
        return None

    def block(self, indent: int, depth: int) -> Value | None:
        """The mapping, list or scalar that begins at the next line, if it is indented at least so far."""
        if depth > _DEEPEST:
            raise LimitExceeded(f"a YAML file deeper than {_DEEPEST} levels")
        line = self.line()
        if line is None or line.indent < indent:
            return None
        if line.text == "-" or line.text.startswith("- "):
            return self._list(line.indent, depth)
        if _key(line.text) is not None:
            return self._mapping(line.indent, depth)
        self.position += 1
        return self._scalar(line.text, line)

    def _mapping(self, indent: int, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while (line := self.line()) is not None and line.indent == indent:
            split = _key(line.text)
            if split is None:
                break
            self.position += 1
            found[_unquoted(split[0], line)] = self._value(split[1], line, indent, depth)
        return found

    def _list(self, indent: int, depth: int) -> list[Value]:
        found: list[Value] = []
        while (
            (line := self.line()) is not None
            and line.indent == indent
            and (line.text == "-" or line.text.startswith("- "))
        ):
            rest = line.text[1:]
            inner = rest.lstrip(" ")
            if inner and (_key(inner) is not None or inner.startswith("- ")):
                # "- key: value": the item is a block that begins behind the dash
                self._lines[line.number] = " " * (indent + 1 + len(rest) - len(inner)) + inner
                item = self.block(indent + 1, depth + 1)
                found.append("" if item is None else item)
                continue
            self.position += 1
            found.append(self._value(inner, line, indent, depth))
        return found

    def _value(self, text: str, line: _Line, indent: int, depth: int) -> Value:
        """What stands behind a colon or a dash."""
        if _BLOCK_SCALAR.match(text.partition(" #")[0].strip()):
            return self._literal(indent)
        if not text or text.startswith("#"):
            following = self.line()
            # A list may stand at the indentation of its key
            same = following is not None and following.indent == indent and following.text.startswith("-")
            value = self.block(indent if same else indent + 1, depth + 1)
            return "" if value is None else value
        return self._scalar(text, line)

    def _literal(self, indent: int) -> str:
        parts = []
        while self.position < len(self._lines):
            raw = self._lines[self.position]
            if raw.strip() and len(raw) - len(raw.lstrip(" ")) <= indent:
                break
            parts.append(raw.strip())
            self.position += 1
        return "\n".join(parts).strip("\n")

    def _scalar(self, text: str, line: _Line) -> Value:
        """A scalar or a flow list; a plain scalar may go on in further lines that are indented deeper."""
        if text[0] in "&*!%@`":
            raise UnsupportedFormat(f"line {line.number + 1} of the YAML file has an anchor, an alias or a tag")
        if text[0] == "[" and text.endswith("]"):
            inner = text[1:-1].strip()
            return [_unquoted(part.strip(), line) for part in inner.split(",") if part.strip()] if inner else []
        if text == "{}":
            return {}
        if text[0] in "[{":
            raise UnsupportedFormat(f"line {line.number + 1} of the YAML file has a flow mapping")
        while True:
            closed = text[0] not in "\"'" or (len(text) > 1 and text.endswith(text[0]))
            following = self.line()
            if following is None or following.indent <= line.indent or (closed and text[0] in "\"'"):
                break
            if text[0] not in "\"'" and _key(following.text) is not None:
                raise FormatError(f"line {following.number + 1} of the YAML file is a key inside a value")
            self.position += 1
            text += " " + following.text
        return _unquoted(text, line)


def _key(text: str) -> tuple[str, str] | None:
    """The key of a line and what stands behind its colon; None for a line that is no entry of a mapping."""
    quoted = _QUOTED.match(text)
    if quoted is not None:
        rest = text[quoted.end() :].lstrip()
        return (quoted[0], rest[1:].strip()) if rest == ":" or rest.startswith(": ") else None
    if text[0] in "#&*!|>%@`[]{},\"'" or text.startswith("? "):
        return None
    end = text.find(": ")
    if end < 0:
        end = len(text) - 1 if text.endswith(":") else -1
    comment = text.find(" #")
    if end <= 0 or 0 <= comment < end:
        return None
    return text[:end].rstrip(), text[end + 1 :].strip()


def _unquoted(text: str, line: _Line) -> str:
    if text.startswith('"'):
        end = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if end is None:
            raise FormatError(f"line {line.number + 1} of the YAML file has a quotation mark without its partner")
        return _ESCAPE.sub(_unescaped, end[1])
    if text.startswith("'"):
        end = re.match(r"'((?:[^']|'')*)'", text)
        if end is None:
            raise FormatError(f"line {line.number + 1} of the YAML file has a quotation mark without its partner")
        return end[1].replace("''", "'")
    return text.partition(" #")[0].rstrip()


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _ESCAPES.get(code, code)
