"""The words and commands of a POSIX shell script, as the shell's own lexer cuts them (POSIX.1-2017, Shell Command Language, 2.2 to 2.10).

Quotes and expansions stay in the words; nothing is expanded here.  Everything is one pass without recursion, whatever the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from inspector.patterns import lazy_pattern

BLOCK_STARTS = {"if": "fi", "case": "esac", "for": "done", "select": "done", "while": "done", "until": "done", "{": "}"}
_SEPARATE = frozenset({"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "{", "}"})
_CLOSERS = {"(": ")", "{": "}"}
_PLAIN = lazy_pattern(r"[^\\'\"`$#\s;&|()<>]+")
_SPECIAL = lazy_pattern(r"[\\'\"`$(){}]")
_HERE_DOCUMENT = lazy_pattern(r"<<(-?)[ \t]*(?:'([^'\n]*)'|\"([^\"\n]*)\"|\\?([^\s;&|()<>]+))")
_REDIRECTION = lazy_pattern(r"(?:\d*|&)(?:>>|>\||>&|<&|<<<|<>|>|<)(.*)", re.DOTALL)


class Command(NamedTuple):
    """A simple command or a keyword.

    :ivar words: raw words, redirections left out; a keyword that others follow stands alone.
    :ivar end: the operator behind it: ";", "&", "&&", "||", "|", ";;", "(", ")", "()" for the name of a function, "" behind a keyword.
    """

    words: tuple[str, ...]
    end: str


def closing(text: str, start: int) -> int:
    """Index of what closes the double quote, bracket, ``$(`` or ``${`` at ``start``; the text's end where nothing does."""
    stack: list[str] = []
    position, size = start, len(text)
    while position < size:
        match = _SPECIAL.search(text, position)
        if match is None:
            return size
        position = match.start()
        char, top = text[position], stack[-1] if stack else ""
        if char == "\\":
            position += 2
            continue
        if char == top:
            stack.pop()
            if not stack:
                return position
        elif char == '"':
            stack.append('"')
        elif char == "$" and text[position + 1 : position + 2] in _CLOSERS:
            position += 1
            stack.append(_CLOSERS[text[position]])
        elif top != '"':
            if char == "'":
                position = text.find("'", position + 1)
                if position < 0:
                    return size
            elif char == "(":
                stack.append(")")
        position += 1
    return size


def backtick_end(text: str, start: int) -> int:
    """Index of the backtick that closes the one at ``start``; the text's end where none does."""
    position = start + 1
    while 0 <= position < len(text):
        if text[position] == "`":
            return position
        position += 2 if text[position] == "\\" else 1
    return len(text)


def split_commands(text: str) -> list[Command]:
    """The commands of a script in order; comments, here-documents and redirections left out."""
    lexer = _Lexer(text.replace("\\\n", ""))
    lexer.run()
    commands: list[Command] = []
    for words, end in lexer.commands:
        _separate_keywords(words, end, commands)
    return commands


def block_ends(commands: list[Command]) -> dict[int, int]:
    """For each command that begins a block the index of the one that ends it; a block without an end is none."""
    ends: dict[int, int] = {}
    stack: list[tuple[int, str]] = []
    for index, command in enumerate(commands):
        word = command.words[0] if command.words else ""
        if stack and word == stack[-1][1] and command.end != ")":
            ends[stack.pop()[0]] = index
        elif word in BLOCK_STARTS and command.end != ")":
            stack.append((index, BLOCK_STARTS[word]))
    return ends


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.commands: list[tuple[list[str], str]] = []
        self.words: list[str] = []
        self.word: list[str] = []
        self.delimiters: list[tuple[str, bool]] = []

    def run(self) -> None:
        text, position, size = self.text, 0, len(self.text)
        while position < size:
            plain = _PLAIN.match(text, position)
            if plain is not None:
                self.word.append(plain[0])
                position = plain.end()
                continue
            char = text[position]
            if char == "#" and self.word:
                self.word.append(char)
                position += 1
            elif char == "#":
                end = text.find("\n", position)
                position = size if end < 0 else end
            elif char == "\n":
                self._end_command(";")
                position = self._skip_documents(position + 1)
            elif char.isspace():
                self._end_word()
                position += 1
            elif char in ";&|()":
                position = self._operator(position)
            elif char in "<>":
                position = self._redirection(position)
            else:
                end = self._quoted(position)
                self.word.append(text[position:end])
                position = end
        self._end_command(";")

    def _quoted(self, position: int) -> int:
        """Where a quote, an escape or an expansion at ``position`` ends."""
        text, char = self.text, self.text[position]
        if char == "\\":
            return position + 2
        if char == "'":
            end = text.find("'", position + 1)
            return len(text) if end < 0 else end + 1
        if char == "`":
            return backtick_end(text, position) + 1
        if char == '"' or text[position + 1 : position + 2] in ("(", "{"):
            return closing(text, position) + 1
        return position + 1

    def _operator(self, position: int) -> int:
        text, char = self.text, self.text[position]
        if char == "&" and self.word and self.word[-1][-1:] in "<>":  # 2>&1
            self.word.append(char)
            return position + 1
        if char == "&" and text[position + 1 : position + 2] == ">":  # &>file
            self._end_word()
            self.word.append("&>")
            return position + 2
        if char == "(" and self.word and self.word[-1].endswith("="):  # an array
            end = closing(text, position) + 1
            self.word.append(text[position:end])
            return end
        if char == "(":
            behind = position + 1
            while text[behind : behind + 1] in (" ", "\t"):
                behind += 1
            self._end_word()
            if text[behind : behind + 1] == ")" and len(self.words) == 1:
                self._end_command("()")
                return behind + 1
            self._end_command("(")
            return position + 1
        operator = text[position : position + 2] if text[position : position + 2] in ("&&", "||", ";;") else char
        self._end_command(operator)
        return position + len(operator)

    def _redirection(self, position: int) -> int:
        text = self.text
        if self.word and not "".join(self.word).isdigit() and self.word[-1][-1:] not in "<>&":
            self._end_word()
        document = _HERE_DOCUMENT.match(text, position)
        if document is not None and text[position + 2 : position + 3] != "<":
            self.word.clear()
            self.delimiters.append((document[2] or document[3] or document[4] or "", document[1] == "-"))
            return document.end()
        self.word.append(text[position])
        return position + 1

    def _skip_documents(self, position: int) -> int:
        for delimiter, indented in self.delimiters:
            while position < len(self.text):
                end = self.text.find("\n", position)
                end = len(self.text) if end < 0 else end
                line = self.text[position:end]
                position = end + 1
                if (line.lstrip("\t") if indented else line) == delimiter:
                    break
        self.delimiters.clear()
        return position

    def _end_word(self) -> None:
        if self.word:
            self.words.append("".join(self.word))
            self.word.clear()

    def _end_command(self, operator: str) -> None:
        self._end_word()
        words = _without_redirections(self.words)
        if words or operator in (";;", ")"):
            self.commands.append((words, operator))
        self.words = []


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
            continue
        match = _REDIRECTION.fullmatch(word)
        if match is None:
            kept.append(word)
        else:
            skip = not match[1]
    return kept


def _separate_keywords(words: list[str], end: str, commands: list[Command]) -> None:
    at = 0
    while at < len(words):
        word = words[at]
        if word == "function" and len(words) > at + 1:
            commands.append(Command((words[at + 1],), "()"))
            at += 2
        elif word == "case" and "in" in words[at : at + 3]:
            split = words.index("in", at) + 1
            commands.append(Command(tuple(words[at:split]), ""))
            at = split
            break
        elif word in _SEPARATE:
            last = at + 1 == len(words)
            commands.append(Command((word,), end if last else ""))
            if last:
                return
            at += 1
        else:
            break
    if at < len(words) or not words or end in (";;", ")"):
        commands.append(Command(tuple(words[at:]), end))
