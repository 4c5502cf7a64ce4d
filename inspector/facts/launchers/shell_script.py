"""What a launcher script exports and starts, read without running it.

A reading of POSIX sh and of what launchers use of bash: assignments, ``export``, expansion, lists, conditions, loops, functions, ``source``,
``exec``.  A condition that the bundle alone decides is decided (a file of the bundle, a variable that the script set); where the host decides,
every branch counts as taken.  Nothing is executed.  What cannot be known becomes :data:`UNKNOWN` inside a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from inspector.facts.launchers.script_environment import ScriptEnvironment
from inspector.facts.launchers.shell_conditions import evaluate, fits, is_quoted
from inspector.facts.launchers.shell_expansion import ARGUMENTS, SET_BY_HOST, UNKNOWN, Expander
from inspector.facts.launchers.shell_files import ShellFiles
from inspector.facts.launchers.shell_words import Command, block_ends, split_commands
from inspector.patterns import lazy_pattern

__all__ = ["ARGUMENTS", "UNKNOWN", "ScriptEnvironment", "read_script"]

_ASSIGNMENT = lazy_pattern(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.DOTALL)
_DECLARATIONS = frozenset({"export", "declare", "typeset", "readonly", "local"})
_BUILTINS = frozenset({"unset", "set", "exit", ":", "true", "false"})
_MOST_COMMANDS = 20_000
_MOST_TURNS = 64
_MOST_SOURCED = 50
_DEEPEST = 24


def read_script(
    text: str,
    path: str,
    *,
    into: ScriptEnvironment | None = None,
    source: Callable[[str], list[tuple[str, str]]] | None = None,
    files: ShellFiles | None = None,
    machine: str | None = None,
) -> ScriptEnvironment:
    """Read a script.

    :param text: its content.
    :param path: its run-time path, the value of ``$0``.
    :param into: an environment to go on with (for sourced files), else an empty one.
    :param source: gives (path, text) of the files that a sourced path or pattern names; None reads no other file.
    :param files: the bundle's files, which decide conditions; None where nothing can be looked up.
    :param machine: what ``uname -m`` prints, or None.
    """
    state = into if into is not None else ScriptEnvironment()
    reader = _Reader(state, Expander(state.variables, path, files, machine), source)
    reader.run_script(text)
    return state


class _Reader:
    def __init__(
        self,
        state: ScriptEnvironment,
        expander: Expander,
        source: Callable[[str], list[tuple[str, str]]] | None,
    ) -> None:
        self.state = state
        self.expander = expander
        self.source = source
        self.functions: dict[str, tuple[Sequence[Command], Mapping[int, int], int, int]] = {}
        self.export_all = False
        self.stopped = False

    def run_script(self, text: str, *, certain: bool = True, depth: int = 0) -> None:
        """Read a text in this environment."""
        commands = split_commands(text)
        self._run(commands, block_ends(commands), 0, len(commands), certain, depth)

    def _run(
        self, commands: Sequence[Command], ends: Mapping[int, int], start: int, stop: int, certain: bool, depth: int
    ) -> bool | None:
        """Go through ``commands[start:stop]``.  The status of the last one: succeeds, fails, or nobody knows.

        :param certain: whether they run for sure.
        """
        status: bool | None = True
        before, index = ";", start
        while index < stop and not self.stopped and self.state.work < _MOST_COMMANDS:
            self.state.work += 1
            command = commands[index]
            last = ends.get(index, index)
            body = index
            if command.end == "()":
                body = index + 1
                last = ends.get(body, body)
            after = commands[last].end if last < len(commands) else ";"
            skipped = (before == "&&" and status is False) or (before == "||" and status is True)
            if not skipped:
                sure = certain and not (before in ("&&", "||") and status is None)
                if command.end == "()":
                    self.functions[command.words[0]] = (commands, ends, body + 1, last)
                elif last > index and depth < _DEEPEST:
                    status = self._block(commands, ends, index, last, sure, depth + 1)
                elif command.words:
                    status = self._simple(command.words, sure and after not in ("|", "&", ")") and before != "|", depth)
            index, before = last + 1, after or before
        return status

    # -- compound commands -------------------------------------------------------------------------------------------------------------

    def _block(
        self, commands: Sequence[Command], ends: Mapping[int, int], start: int, end: int, certain: bool, depth: int
    ) -> bool | None:
        words = commands[start].words
        if words[0] == "if":
            return self._if(commands, ends, start, end, certain, depth)
        if words[0] == "case":
            return self._case(commands, ends, start, end, certain, depth)
        if words[0] == "{":
            return self._run(commands, ends, start + 1, end, certain, depth)
        inner = start + 1
        if words[0] in ("for", "select") and len(words) > 1:
            values = [value for word in words[3:] for value in self.expander.words(word)]
            if words[2:3] != ("in",):
                values = [ARGUMENTS]
            while inner < end and commands[inner].words[:1] != ("do",):
                inner += 1
            status: bool | None = True
            for value in values[:_MOST_TURNS]:
                self.state.set(words[1], value)
                status = self._run(commands, ends, inner + 1, end, certain, depth)
            return status
        self._run(commands, ends, inner, end, False, depth)
        return None

    def _if(
        self, commands: Sequence[Command], ends: Mapping[int, int], start: int, end: int, certain: bool, depth: int
    ) -> bool | None:
        marks = [(start, "if")]
        index = start + 1
        while index < end:
            word = commands[index].words[0] if commands[index].words else ""
            if word in ("then", "elif", "else"):
                marks.append((index, word))
            index = ends.get(index, index) + 1
        marks.append((end, "fi"))
        status: bool | None = True
        known = True
        for (place, word), (following, _) in pairwise(marks):
            if word in ("if", "elif"):
                status = self._run(commands, ends, place + 1, following, certain and known, depth)
                known = known and status is not None
            elif word == "else" or status is not False:
                outcome = self._run(commands, ends, place + 1, following, certain and known, depth)
                if word == "else" or status is True:
                    return outcome if known else None
        return True if known else None

    def _case(
        self, commands: Sequence[Command], ends: Mapping[int, int], start: int, end: int, certain: bool, depth: int
    ) -> bool | None:
        subject = self.expander.expand(commands[start].words[1]) if len(commands[start].words) > 1 else UNKNOWN
        known = UNKNOWN not in subject and ARGUMENTS not in subject
        index = start + 1
        while index < end:
            patterns: list[str] = []
            while index < end:
                patterns += commands[index].words
                index += 1
                if commands[index - 1].end == ")":
                    break
            body = index
            while index < end and commands[index].end != ";;":
                index = ends.get(index, index)
                index += commands[index].end != ";;"
            index = min(index + 1, end)
            if not known:
                self._run(commands, ends, body, index, False, depth)
            elif any(self._is_case(subject, pattern) for pattern in patterns):
                return self._run(commands, ends, body, index, certain, depth)
        return True if known else None

    def _is_case(self, subject: str, pattern: str) -> bool:
        value = self.expander.expand(pattern)
        return subject == value or (not is_quoted(pattern) and fits(subject, value))

    # -- simple commands -----------------------------------------------------------------------------------------------------------------

    def _simple(self, words: tuple[str, ...], certain: bool, depth: int) -> bool | None:
        negated = False
        while words and words[0] in ("!", "time", "builtin", "command") and words[1:2] != ("-v",):
            negated ^= words[0] == "!"
            words = words[1:]
        status = self._execute(words, certain, depth) if words else True
        return status if status is None or not negated else not status

    def _execute(self, words: tuple[str, ...], certain: bool, depth: int) -> bool | None:
        if words[0] in _DECLARATIONS:
            options = [word for word in words[1:] if word.startswith("-")]
            self._declare(words[1:], export=words[0] == "export" or any("x" in option for option in options))
            return True
        assignments = 0
        while assignments < len(words) and _ASSIGNMENT.fullmatch(words[assignments]):
            assignments += 1
        for word in words[:assignments]:
            self._assign(word, export=assignments < len(words))
        words = words[assignments:]
        if not words:
            return True
        name = self.expander.expand(words[0])
        if name in (".", "source") and len(words) > 1:
            self._source(self.expander.expand(words[1]), certain, depth)
            return None
        if name in ("[", "[[", "test"):
            operands = [word for word in words[1:] if word not in ("]", "]]")]
            if (
                name == "[["
                and len(operands) >= 3
                and operands[-2] in ("=", "==", "!=")
                and not is_quoted(operands[-1])
            ):
                operands[-2] += "*"  # in [[ ]] alone the right side is a pattern
            return evaluate([self.expander.expand(word) for word in operands], self.expander.files)
        if name in self.functions and depth < _DEEPEST:
            return self._call(name, words[1:], certain, depth)
        if name in _BUILTINS:
            return self._builtin(name, words[1:], certain)
        expanded = tuple(value for word in words for value in self.expander.words(word))
        if name == "env" or expanded[:2] == ("exec", "env"):
            self._environment_of(expanded)
        self.state.commands.append(expanded)
        if name == "exec" and len(expanded) > 1 and certain:
            self.stopped = True
        return None

    def _builtin(self, name: str, words: Sequence[str], certain: bool) -> bool | None:
        if name == "unset":
            for word in words:
                self.state.unset(word)
        elif name == "set":
            self.export_all |= "-a" in words or "allexport" in words
        elif name == "exit":
            self.stopped = certain
        elif name == ":":
            for word in words:  # : "${NAME:=default}"
                self.expander.expand(word)
        return name != "false"

    def _call(self, name: str, words: Sequence[str], certain: bool, depth: int) -> bool | None:
        commands, ends, start, stop = self.functions[name]
        outer = self.expander.positional
        self.expander.positional = [value for word in words for value in self.expander.words(word)]
        try:
            return self._run(commands, ends, start, stop, certain, depth + 1)
        finally:
            self.expander.positional = outer

    def _environment_of(self, words: Sequence[str]) -> None:
        """``env -u NAME NAME=VALUE program``: what the program sees.  Only with ``exec`` does it hold for all that follows."""
        replaced = words[0] == "exec"
        rest = iter(words[words.index("env") + 1 :])
        for word in rest:
            match = _ASSIGNMENT.fullmatch(word)
            if match is not None:
                self.state.set(match[1], match[3])
                self.state.exported.add(match[1])
            elif word in ("-u", "--unset"):
                name = next(rest, "")
                if replaced:
                    self.state.unset(name)
            elif word in ("-i", "-", "--ignore-environment"):
                self.state.exported.intersection_update(self.state.exported if not replaced else self.state.fixed)
            elif not word.startswith("-"):
                return

    def _declare(self, words: Sequence[str], *, export: bool) -> None:
        for word in words:
            if word.startswith("-"):
                continue
            if _ASSIGNMENT.fullmatch(word):
                self._assign(word, export=export)
            elif export:
                self.state.exported.update(
                    name for name in self.expander.words(word) if _ASSIGNMENT.fullmatch(f"{name}=")
                )

    def _assign(self, word: str, *, export: bool) -> None:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            return
        name = match[1]
        if export or self.export_all or name in SET_BY_HOST:
            self.state.exported.add(name)
        value = self.expander.expand(match[3])
        between = " " if match[3].startswith("(") else ""
        self.state.set(name, self.expander.parameter(name) + between + value if match[2] else value)

    def _source(self, target: str, certain: bool, depth: int) -> None:
        self.state.sourced.append(target)
        if self.source is None or len(self.state.sourced) > _MOST_SOURCED or depth >= _DEEPEST:
            return
        for path, text in self.source(target):
            outer, self.expander.source_path = self.expander.source_path, path  # $0 stays that of the script
            self.run_script(text, certain=certain, depth=depth + 1)
            self.expander.source_path = outer
