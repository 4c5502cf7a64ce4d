"""Words of a shell script expanded without running anything: parameters, quotes, and the substitutions that launchers really use.

POSIX.1-2017, Shell Command Language, 2.6.  What cannot be known becomes :data:`UNKNOWN` inside a value, and is never guessed.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import MutableMapping, Sequence

from inspector.facts.launchers.shell_files import ShellFiles
from inspector.facts.launchers.shell_filters import UNKNOWN, filtered, printed
from inspector.facts.launchers.shell_words import backtick_end, closing, split_commands
from inspector.patterns import lazy_pattern

__all__ = ["ARGUMENTS", "SET_BY_HOST", "UNKNOWN", "Expander"]

ARGUMENTS = "\N{SYMBOL FOR GROUP SEPARATOR}"
"""Stands in a word where the script writes the user's arguments (``"$@"``)."""

SET_BY_HOST = frozenset(
    {
        *(
            "DISPLAY",
            "HOME",
            "HOSTNAME",
            "LANG",
            "LOGNAME",
            "PATH",
            "PWD",
            "SHELL",
            "TERM",
            "TMPDIR",
            "USER",
            "UID",
            "EUID",
        ),
        *(
            "WAYLAND_DISPLAY",
            "XDG_CONFIG_HOME",
            "XDG_CURRENT_DESKTOP",
            "XDG_DATA_DIRS",
            "XDG_RUNTIME_DIR",
            "XDG_SESSION_TYPE",
        ),
    }
)
"""Names that every session, or every desktop session, has in its environment; of all others it is supposed that nobody sets them."""

_PARAMETER = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_OPERATOR = lazy_pattern(r"(:?[-+=?]|%%?|##?)(.*)", re.DOTALL)
_SLICE = lazy_pattern(r":(\d+)(?::(\d+))?")
_QUOTED_EMPTY = lazy_pattern("['\"]")
_MOST_VALUE = 65_536
_DEEPEST = 12
_MOST_PATTERN = 256
_MOST_PATTERNS = 50
_QUIET = ("2>/dev/null", ">/dev/null")


class Expander:
    """Expands words with the variables of one script.

    :param variables: shell variables by name; shared with the reader of the script, which changes them.
    :param path: run-time path of the script, the value of ``$0``; ``source_path`` is that of the file that is read, ``$BASH_SOURCE``.
    :param files: the bundle's files, or None where nothing can be looked up.
    :param machine: what ``uname -m`` prints, or None where it is not known.
    """

    def __init__(
        self,
        variables: MutableMapping[str, str],
        path: str,
        files: ShellFiles | None = None,
        machine: str | None = None,
    ) -> None:
        self.variables = variables
        self.path = path
        self.source_path = path
        self.files = files
        self.machine = machine
        self.positional: Sequence[str] | None = None
        self.patterns = 0

    def words(self, raw: str) -> list[str]:
        """The words that a raw word becomes: unquoted expansions are split at blanks, patterns of files are filled in."""
        if raw in ('"$@"', "$@", "$*", '"$*"', '"${@}"') and self.positional is not None:
            return list(self.positional)
        value = self.expand(raw)
        if not value:
            return [""] if _QUOTED_EMPTY.search(raw) and not raw.endswith('[@]}"') else []
        if raw.startswith("$") or (raw.startswith('"${') and raw.endswith('[@]}"')):
            return value.split()
        if self.files is not None and any(char in raw for char in "*?[") and "/" in value and UNKNOWN not in value:
            return self.files.matching(value) or [value]
        return [value]

    def expand(self, raw: str, depth: int = 0) -> str:
        """A raw word with quotes removed and parameters and known substitutions replaced."""
        if depth > _DEEPEST:
            return UNKNOWN
        if raw == "~" or raw.startswith("~/"):
            return UNKNOWN + self.expand(raw[1:], depth + 1)
        if raw.startswith("(") and raw.endswith(")"):  # an array, behind NAME=
            commands = split_commands(raw[1:-1].replace("\n", " "))
            return " ".join(self.expand(word, depth + 1) for command in commands for word in command.words)
        parts: list[str] = []
        position, size, quoted, length = 0, len(raw), False, 0
        while position < size and length < _MOST_VALUE:
            length += len(parts[-1]) if parts else 0
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
                kept = "\\" if quoted and raw[position + 1] not in '$`"\\' else ""
                parts.append(kept + raw[position + 1])
                position += 2
            elif char == "$":
                value, position = self._dollar(raw, position, depth)
                parts.append(value)
            elif char == "`":
                end = backtick_end(raw, position)
                parts.append(self._substitute(raw[position + 1 : end], depth))
                position = end + 1
            else:
                parts.append(char)
                position += 1
        return "".join(parts)[:_MOST_VALUE]

    def parameter(self, name: str) -> str:
        """The value of ``$name``; empty where it is not set."""
        if name == "0":
            return self.path
        if name == "BASH_SOURCE":
            return self.source_path
        if name in "@*":
            return ARGUMENTS if self.positional is None else " ".join(self.positional)
        if name.isdigit() and self.positional is not None:
            place = int(name) - 1
            return self.positional[place] if place < len(self.positional) else ""
        if name.isdigit() or name in "#?$!-":
            return UNKNOWN
        if name in self.variables:
            return self.variables[name]
        return UNKNOWN if name in SET_BY_HOST else ""

    def _dollar(self, raw: str, position: int, depth: int) -> tuple[str, int]:
        following = raw[position + 1 : position + 2]
        if following in ("(", "{"):
            end = closing(raw, position)
            body = raw[position + 2 : end]
            if following == "{":
                return self._braced(body, depth), end + 1
            return (UNKNOWN if body.startswith("(") else self._substitute(body, depth)), end + 1
        match = _PARAMETER.match(raw, position + 1)
        if match is None:
            return "$", position + 1
        return self.parameter(match[0]), match.end()

    def _braced(self, body: str, depth: int) -> str:
        if body.startswith("BASH_SOURCE"):
            value, rest = self.source_path, body.removeprefix("BASH_SOURCE").removeprefix("[0]")
        else:
            match = _PARAMETER.match(body)
            if match is None:
                return UNKNOWN
            rest = body[match.end() :]
            value = self.parameter(match[0])
        if not rest or rest in ("[@]", "[*]"):
            return value
        operator = _OPERATOR.fullmatch(rest)
        if operator is None:
            return self._sliced(value, rest)
        sign, word = operator[1], operator[2]
        if sign.lstrip(":") in ("-", "=", "+"):
            is_set = bool(value) if sign.startswith(":") else self._is_set(body[: len(body) - len(rest)], value)
            if sign.endswith("+"):
                return self.expand(word, depth + 1) if is_set else ""
            if is_set:
                return value
            value = self.expand(word, depth + 1)
            if sign.endswith("="):
                self.variables[body[: len(body) - len(rest)]] = value
            return value
        if sign in (":?", "?"):
            return value
        pattern = self.expand(word, depth + 1)
        if UNKNOWN in value or UNKNOWN in pattern:
            return UNKNOWN
        if "'" in word or '"' in word:  # its wildcards stand for themselves
            return value.removesuffix(pattern) if sign.startswith("%") else value.removeprefix(pattern)
        return self._stripped(value, sign, pattern)

    def _is_set(self, name: str, value: str) -> bool:
        return bool(value) or name in self.variables

    def _stripped(self, value: str, sign: str, pattern: str) -> str:
        """``${value%pattern}`` and its like: the shortest or, doubled, the longest fitting end or beginning taken off."""
        at_end, longest = sign.startswith("%"), len(sign) == 2
        if not any(char in pattern for char in "*?[\\"):
            return value.removesuffix(pattern) if at_end else value.removeprefix(pattern)
        fixed = pattern[:-1] if at_end else pattern[1:]
        if (pattern.endswith("*") if at_end else pattern.startswith("*")) and not any(
            char in fixed for char in "*?[\\"
        ):
            if fixed not in value:
                return value
            if at_end:
                return value[: value.find(fixed) if longest else value.rfind(fixed)]
            return value[(value.rfind(fixed) if longest else value.find(fixed)) + len(fixed) :]
        self.patterns += 1
        if self.patterns > _MOST_PATTERNS or len(value) > 512 or len(pattern) > _MOST_PATTERN:
            return UNKNOWN
        fits = re.compile(fnmatch.translate(pattern)).match
        lengths = range(len(value) + 1)
        for length in reversed(lengths) if longest else lengths:
            if at_end and fits(value[len(value) - length :]):
                return value[: len(value) - length]
            if not at_end and fits(value[:length]):
                return value[length:]
        return value

    def _sliced(self, value: str, rest: str) -> str:
        match = _SLICE.fullmatch(rest)
        if match is None or UNKNOWN in value:
            return UNKNOWN
        start = int(match[1])
        return value[start:] if match[2] is None else value[start : start + int(match[2])]

    # -- command substitution ------------------------------------------------------------------------------------------------------

    def _substitute(self, text: str, depth: int) -> str:
        """The output of ``$(text)`` where its commands are among those whose output can be told."""
        output: str | None = ""
        piped = False
        for command in split_commands(text):
            words = [self.expand(word, depth + 1) for word in command.words]
            arguments = [word for word in words[1:] if word not in _QUIET]
            result = self._filtered(words[0], arguments, output or "") if piped else self._output(words[0], arguments)
            if result is None:
                return UNKNOWN
            if result or piped:
                output = result
            piped = command.end == "|"
        return (output or "").strip("\n")

    def _output(self, name: str, words: list[str]) -> str | None:
        """What a command prints; None where that cannot be told.  ``cd`` "prints" its target, as ``pwd`` behind it does."""
        operands = [word for word in words if not word.startswith("-")]
        match name:
            case "dirname" if operands:
                return posixpath.dirname(operands[0].rstrip("/")) or ("/" if operands[0].startswith("/") else ".")
            case "basename" if operands:
                return posixpath.basename(operands[0].rstrip("/")).removesuffix(operands[1] if operands[1:] else "")
            case "readlink" | "realpath" if operands:
                return self._real_path(operands[0])
            case "cd" | "pushd" if operands:
                return posixpath.normpath(operands[0])
            case "pwd":
                return ""
            case "echo" | "printf":
                return printed(name, words)
            case "uname" if words == ["-m"]:
                return self.machine
            case "cat" if operands and self.files is not None:
                texts = [self.files.text(path) for path in operands]
                return None if None in texts else "".join(text or "" for text in texts)
            case "grep" | "sed" | "awk" | "head" | "cut":
                return filtered(name, words, None, self.files)
            case "find" if len(words) >= 3 and "-name" in words[:-1] and self.files is not None:
                return "\n".join(self.files.below(words[0], words[words.index("-name") + 1][:_MOST_PATTERN]))
            case _:
                return None

    def _real_path(self, path: str) -> str:
        if UNKNOWN in path:
            return UNKNOWN
        return posixpath.normpath(path) if self.files is None else self.files.real_path(path)

    def _filtered(self, name: str, words: list[str], piped: str) -> str | None:
        operands = [word for word in words if not word.startswith("-")]
        if name == "xargs" and operands[:1] in (["basename"], ["dirname"]):
            return None if UNKNOWN in piped else self._output(operands[0], [piped.strip(), *operands[1:]])
        return filtered(name, words, piped, self.files)
