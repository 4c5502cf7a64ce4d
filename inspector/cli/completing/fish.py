"""Completion for fish 3 (fishshell.com, "complete")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.cli.command_model import Argument, Verb, first_sentence

_HEAD = """\
# fish completion for inspect; made by: inspect completion fish > ~/.config/fish/completions/inspect.fish
for program in inspect bundle-inspect
  complete -c $program -f
  complete -c $program -n __fish_use_subcommand -s h -l help -d 'print an overview and stop'
  complete -c $program -n __fish_use_subcommand -l version -d 'print the version'
"""


def script(verbs: Sequence[Verb]) -> str:
    """The script: ``~/.config/fish/completions/inspect.fish``, or to be sourced."""
    return "\n".join([_HEAD.rstrip(), *_lines(verbs), "end"]) + "\n"


def _lines(verbs: Sequence[Verb]) -> Iterator[str]:
    for verb in verbs:
        yield f"  complete -c $program -n __fish_use_subcommand -a {verb.name} -d {_quoted(verb.summary)}"
    for verb in verbs:
        seen = f"__fish_seen_subcommand_from {verb.name}"
        for option in verb.options:
            names = " ".join(_names(option))
            yield f"  complete -c $program -n '{seen}' {names}{_value(option)} -d {_quoted(first_sentence(option.help))}"
        first = verb.first_word
        chosen = f"__fish_seen_subcommand_from {' '.join(first.words)}" if first is not None else ""
        for operand in verb.operands:
            if operand.kind != "text":
                condition = seen + (f"; and {'not ' if operand is first else ''}{chosen}" if chosen else "")
                yield f"  complete -c $program -n '{condition}'{_answers(operand)}"


def _names(option: Argument) -> list[str]:
    return [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]


def _value(option: Argument) -> str:
    if not option.takes_value:
        return ""
    return f" -{'r' if option.kind == 'files' else 'x'}{_answers(option)}"


def _answers(argument: Argument) -> str:
    words = f" -a {_quoted(' '.join(argument.words))}" if argument.words else ""
    if argument.kind == "directories":
        return f"{words} -a '(__fish_complete_directories)'"
    return f"{words} -F" if argument.kind == "files" else words


def _quoted(text: str) -> str:
    """In single quotes only the backslash and the quote mean something."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
