"""Completion for zsh, as a function of its completion system (zshcompsys(1), "_arguments")."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.cli.command_model import Argument, Verb, first_sentence

_HEAD = """\
#compdef inspect bundle-inspect
# made by: inspect completion zsh > ~/.zfunc/_inspect   (a directory of $fpath, before compinit)
_bundle_inspect_known() { _alternative "words:known:($*)" 'files:file:_files' }
_bundle_inspect() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '(- *)'{-h,--help}'[print an overview and stop]' '(- *)--version[print the version]' '1: :->verb' '*:: :->rest'
  case $state in
    verb)
      local -a verbs=(
"""
_TAIL = """\
      esac ;;
  esac
}
if [[ $funcstack[1] == _inspect ]]; then
  _bundle_inspect "$@"
else
  compdef _bundle_inspect inspect bundle-inspect
fi
"""


def script(verbs: Sequence[Verb]) -> str:
    """The script: a file of ``$fpath``, or to be sourced after compinit."""
    lines = [_HEAD.rstrip()]
    lines += [f"        {_quoted(verb.name + ':' + verb.summary)}" for verb in verbs]
    lines += ["      )", "      _describe -t verbs verb verbs ;;", "    rest)", "      case $words[1] in"]
    for verb in verbs:
        lines.append(f"        {verb.name})")
        specifications = [_option(option) for option in verb.options]
        specifications += _operands(verb.operands)
        lines.append("          _arguments -s -S " + " \\\n            ".join(specifications) + " ;;")
    return "\n".join(lines) + "\n" + _TAIL


def _option(option: Argument) -> str:
    names = option.names[0] if len(option.names) == 1 else "{" + ",".join(option.names) + "}"
    star = "*" if option.repeated else f"({' '.join(option.names)})"
    mark = "=" if option.takes_value and option.names[-1].startswith("--") and len(option.names) == 1 else ""
    value = f":{_plain(option.metavar)}:{_action(option)}" if option.takes_value else ""
    text = _quoted(f"[{_plain(first_sentence(option.help))}]{value}")
    return f"'{star}'{names}{mark}{text}"


def _operands(operands: Sequence[Argument]) -> list[str]:
    found = []
    for place, operand in enumerate(operands, 1):
        where = "*" if operand.repeated else str(place)
        found.append(_quoted(f"{where}:{_plain(operand.metavar)}:{_action(operand)}"))
    return found


def _action(argument: Argument) -> str:
    words = " ".join(word.replace(":", r"\:") for word in argument.words)
    match argument.kind:
        case "files" if words:
            return f" _bundle_inspect_known {words}"
        case "files":
            return "_files"
        case "directories":
            return "_files -/"
        case "words":
            return f"({words})"
        case _:
            return " "


def _plain(text: str) -> str:
    """Without the signs that a specification gives a meaning to."""
    return text.replace("\\", "").replace("[", "(").replace("]", ")").replace(":", " ").replace("'", "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
