"""Completion for bash 4 and newer, without the package bash-completion (Bash Reference Manual, 8.6 "Programmable Completion")."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from inspector.cli.command_model import Argument, Verb

_HEAD = """\
# bash completion for inspect; made by: inspect completion bash
_bundle_inspect() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
  # "=" is a word of its own in COMP_WORDS
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then prev=${COMP_WORDS[COMP_CWORD-1]}; fi
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    _bundle_inspect_words VERBS
    return
  fi
"""
_TAIL = """\
}
_bundle_inspect_words() { mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_bundle_inspect_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$cur")
}
complete -F _bundle_inspect inspect bundle-inspect
"""


def script(verbs: Sequence[Verb]) -> str:
    """The script, to be read by an interactive bash."""
    names = shlex.quote(" ".join([*(verb.name for verb in verbs), "--help", "--version"]))
    lines = [_HEAD.replace("VERBS", names).rstrip(), "  case $verb$prev in"]
    for verb in verbs:
        for option in verb.options:
            if option.takes_value:
                patterns = "|".join(f"{verb.name}{name}" for name in option.names)
                lines.append(f"    {patterns}) {'; '.join(_answers(option)) or ':'}; return ;;")
    lines += ["  esac", "  case $verb in"]
    for verb in verbs:
        names = " ".join(name for option in verb.options for name in option.names)
        first = verb.first_word
        answers = [answer for operand in verb.operands if operand is not first for answer in _answers(operand)]
        lines.append(f"    {verb.name})")
        lines.append(f"      if [[ $cur == -* ]]; then _bundle_inspect_words {shlex.quote(names)}")
        if first is not None:
            lines.append(f"      elif (( COMP_CWORD == 2 )); then {'; '.join(_answers(first))}")
        lines.append(f"      else {'; '.join(dict.fromkeys(answers)) or ':'}; fi ;;")
    lines.append(f"    help) _bundle_inspect_words {shlex.quote(' '.join(verb.name for verb in verbs))} ;;")
    lines.append("  esac")
    return "\n".join(lines) + "\n" + _TAIL


def _answers(argument: Argument) -> Iterator[str]:
    if argument.words:
        yield f"_bundle_inspect_words {shlex.quote(' '.join(argument.words))}"
    if argument.kind == "files":
        yield "_bundle_inspect_files -f"
    if argument.kind == "directories":
        yield "_bundle_inspect_files -d"
