"""What a launcher script exports and starts, read without running it.

A small reading of POSIX sh, enough for AppRun files, their hooks and wrapper scripts: assignments, ``export``, quoting, parameter expansion,
the command substitutions by which such scripts find their own directory, ``exec`` and plain commands, ``source``.  Conditions are not
evaluated: every branch counts as taken.  What cannot be known becomes :data:`UNKNOWN` inside a value, and is never guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
ARGUMENTS = "\N{SYMBOL FOR GROUP SEPARATOR}"
"""Stands in a word where the script writes the user's arguments (``"$@"``)."""

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_PARAMETER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_OPERATOR = re.compile(r"(:?[-+=?]|%%?|##?)(.*)", re.DOTALL)
_KEYWORDS = frozenset(
    {
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "{",
        "}",
        "!",
        "time",
    }
)
_STARTERS = frozenset({"exec", "env", "nohup", "setsid", "command", "eval"})
_MOST_COMMANDS = 5_000
_MOST_VALUE = 65_536


@dataclass(slots=True)
class ScriptEnvironment:
    """What is known after a script, and the hooks that it sources, were read.

    :ivar variables: shell variables, exported or not; values with run-time paths.
    :ivar exported: names that child processes see.
    :ivar commands: each command's words, expanded, in order; a word that is wholly the user's arguments is :data:`ARGUMENTS`.
    :ivar sourced: run-time paths or patterns of the files that were sourced.
    """

    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    sourced: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The exported variables with their values."""
        return {name: self.variables[name] for name in sorted(self.exported) if name in self.variables}


def read_script(
    text: str,
    path: str,
    *,
    into: ScriptEnvironment | None = None,
    source: Callable[[str], list[tuple[str, str]]] | None = None,
) -> ScriptEnvironment:
    """Read a script.

    :param text: its content.
    :param path: its run-time path, the value of ``$0``.
    :param into: an environment to go on with (for sourced files), else an empty one.
    :param source: gives (path, text) of the files that a sourced path or pattern names; None reads no other file.
    """
    state = into if into is not None else ScriptEnvironment()
    _Reader(state, path, source).run(text)
    return state


class _Reader:
    def __init__(
        self, state: ScriptEnvironment, path: str, source: Callable[[str], list[tuple[str, str]]] | None
    ) -> None:
        self.state = state
        self.path = path
        self.source = source

    def run(self, text: str) -> None:
        for raw_words in split_commands(text):
            if len(self.state.commands) > _MOST_COMMANDS:
                return
            self._command(raw_words)

    def _command(self, raw_words: list[str]) -> None:
        words = list(raw_words)
        while words and words[0] in _KEYWORDS:
            if words[0] == "for" and len(words) > 3 and words[2] == "in":
                self.state.variables[words[1]] = " ".join(self.expand(word) for word in words[3:])
                return
            if words[0] == "case":
                return
            words.pop(0)
        if not words:
            return
        if words[0] in ("export", "declare", "typeset", "readonly", "local"):
            self._assign_words(words[1:], export=words[0] == "export" or "-x" in words)
            return
        while words and (match := _ASSIGNMENT.fullmatch(words[0])):
            self._assign(match[1], match[2])
            words.pop(0)
        if not words:
            return
        if words[0] in ("source", ".") and len(words) > 1:
            self._source(self.expand(words[1]))
            return
        if words[0] == "unset":
            for name in words[1:]:
                self.state.variables.pop(name, None)
                self.state.exported.discard(name)
            return
        expanded = tuple(word for raw in words for word in [self.expand(raw)] if word)
        if expanded:
            self.state.commands.append(expanded)

    def _assign_words(self, words: list[str], *, export: bool) -> None:
        for word in words:
            if word.startswith("-"):
                continue
            match = _ASSIGNMENT.fullmatch(word)
            if match:
                self._assign(match[1], match[2])
            name = match[1] if match else word
            if export:
                self.state.exported.add(name)

    def _assign(self, name: str, raw: str) -> None:
        if name.startswith("LD_") or name in _ALWAYS_EXPORTED:
            self.state.exported.add(name)
        self.state.variables[name] = self.expand(raw)[:_MOST_VALUE]

    def _source(self, target: str) -> None:
        self.state.sourced.append(target)
        if self.source is None or len(self.state.sourced) > 50:
            return
        for path, text in self.source(target):
            _Reader(self.state, path, self.source).run(text)

    # -- expansion ---------------------------------------------------------------------------------------------------------------

    def expand(self, raw: str, depth: int = 0) -> str:
        """A raw word with quotes removed and parameters and known substitutions replaced."""
        if depth > 12:
            return UNKNOWN
        parts: list[str] = []
        position, size, quoted = 0, len(raw), False
        while position < size:
            char = raw[position]
            if char == "'" and not quoted:
                end = raw.find("'", position + 1)
                end = size if end < 0 else end
                parts.append(raw[position + 1 : end])
                position = end + 1
            elif char == '"':
                quoted = not quoted
                position += 1
            elif char == "\\" and position + 1 < size:
                parts.append(raw[position + 1])
                position += 2
            elif char == "$":
                value, position = self._dollar(raw, position, depth)
                parts.append(value)
            elif char == "`":
                end = raw.find("`", position + 1)
                end = size if end < 0 else end
                parts.append(self._substitute(raw[position + 1 : end], depth))
                position = end + 1
            else:
                parts.append(char)
                position += 1
        return "".join(parts)[:_MOST_VALUE]

    def _dollar(self, raw: str, position: int, depth: int) -> tuple[str, int]:
        following = raw[position + 1 : position + 2]
        if following == "(":
            end = matching_end(raw, position + 1, "(", ")")
            return self._substitute(raw[position + 2 : end], depth), end + 1
        if following == "{":
            end = matching_end(raw, position + 1, "{", "}")
            return self._braced(raw[position + 2 : end], depth), end + 1
        match = _PARAMETER.match(raw, position + 1)
        if match is None:
            return "$", position + 1
        return self._parameter(match[1]), match.end()

    def _parameter(self, name: str) -> str:
        if name == "0":
            return self.path
        if name in "@*":
            return ARGUMENTS
        if name.isdigit() or name in "#?$!-":
            return UNKNOWN
        return self.state.variables.get(name, "")

    def _braced(self, body: str, depth: int) -> str:
        if body.startswith("BASH_SOURCE"):
            return self.path
        match = _PARAMETER.match(body)
        if match is None:
            return UNKNOWN
        name, rest = match[1], body[match.end() :]
        value = self._parameter(name)
        if not rest:
            return value
        operator = _OPERATOR.fullmatch(rest)
        if operator is None:
            return UNKNOWN
        sign, word = operator[1], operator[2]
        if sign in (":-", "-", ":=", "="):
            return value or self.expand(word, depth + 1)
        if sign in (":+", "+"):
            return self.expand(word, depth + 1) if value else ""
        if sign.startswith("%") and word == "/*":
            return value.rpartition("/")[0] if sign == "%" else value.partition("/")[0]
        if sign.startswith("#") and word == "*/":
            return value.rpartition("/")[2] if sign == "##" else value.partition("/")[2]
        if sign in ("%", "%%") and not any(char in word for char in "*?["):
            return value.removesuffix(self.expand(word, depth + 1))
        return value if sign in (":?", "?") else UNKNOWN

    def _substitute(self, command: str, depth: int) -> str:
        """The output of ``$(command)`` where it is one of the ways in which a script finds its own directory."""
        result = ""
        for words in split_commands(command):
            expanded = [self.expand(word, depth + 1) for word in words]
            arguments = [
                word
                for word in expanded[1:]
                if not word.startswith("-") and word not in ("2>/dev/null", "&>/dev/null", ">/dev/null")
            ]
            match expanded[:1]:
                case ["dirname"] if arguments:
                    result = posixpath.dirname(arguments[0]) or "."
                case ["basename"] if arguments:
                    result = posixpath.basename(arguments[0])
                case ["readlink" | "realpath"] if arguments:
                    result = posixpath.normpath(arguments[0])
                case ["cd"] if arguments:
                    result = posixpath.normpath(arguments[0])
                case ["pwd"]:
                    result = result or UNKNOWN
                case ["echo" | "printf"] if len(arguments) == 1:
                    result = arguments[0]
                case _:
                    return UNKNOWN
        return result


_ALWAYS_EXPORTED = frozenset({"PATH", "HOME", "PYTHONPATH", "PYTHONHOME", "APPDIR", "XDG_DATA_DIRS", "QT_PLUGIN_PATH"})


def matching_end(text: str, start: int, opening: str, closing: str) -> int:
    """Index of the bracket that closes the one at ``start``; the text's end where none does."""
    depth, quote = 0, ""
    for position in range(start, len(text)):
        char = text[position]
        if quote:
            quote = "" if char == quote else quote
        elif char == "'":
            quote = char
        elif char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if depth == 0:
                return position
    return len(text)


def split_commands(text: str) -> list[list[str]]:
    """Commands as lists of raw words: quotes and expansions are kept, comments dropped, ``;``, ``&&``, ``||``, ``|`` and line ends separate."""
    text = text.replace("\\\n", "")
    commands: list[list[str]] = [[]]
    word: list[str] = []

    def end_word() -> None:
        if word:
            commands[-1].append("".join(word))
            word.clear()

    position, size = 0, len(text)
    while position < size:
        char = text[position]
        if char == "\\" and position + 1 < size:
            word.append(text[position : position + 2])
            position += 2
        elif char in "'\"`":
            end = _quote_end(text, position)
            word.append(text[position : end + 1])
            position = end + 1
        elif char == "$" and text[position + 1 : position + 2] in ("(", "{"):
            opening = text[position + 1]
            end = matching_end(text, position + 1, opening, ")" if opening == "(" else "}")
            word.append(text[position : end + 1])
            position = end + 1
        elif char == "#" and not word:
            end = text.find("\n", position)
            position = size if end < 0 else end
        elif char in " \t\r":
            end_word()
            position += 1
        elif char in ";\n&|()":
            end_word()
            if commands[-1]:
                commands.append([])
            position += 1
        else:
            word.append(char)
            position += 1
    end_word()
    return [command for command in commands if command]


def _quote_end(text: str, start: int) -> int:
    quote = text[start]
    position, size = start + 1, len(text)
    while position < size:
        char = text[position]
        if char == quote:
            return position
        if char == "\\" and quote != "'":
            position += 2
        elif char == "$" and quote == '"' and text[position + 1 : position + 2] == "(":
            position = matching_end(text, position + 1, "(", ")") + 1
        else:
            position += 1
    return size - 1
