"""inspect(1) in the man macros (man(7)), which man-db, mandoc and groff read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector import __version__
from inspector.cli.command_model import Argument, Verb
from inspector.cli.parser import EXIT_MEANINGS

_ENVIRONMENT = {
    "NO_COLOR": "no colour codes, where it is set and not empty (no-color.org)",
    "FORCE_COLOR, CLICOLOR_FORCE": "colour codes although it is no terminal",
    "COLUMNS": "the width to write for",
    "CI": "a build service runs this: no progress is drawn",
    "GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_OUTPUT": "heeded by inspect audit --ci",
    "GITLAB_CI": "heeded by inspect audit --ci",
}
_FILES = {
    "inspector.toml": "what a release must hold; the nearest one from the working directory upwards, not above the repository's root. "
    "inspect config --keys explains every key",
    "pyproject.toml": "the same under [tool.inspector]",
}


def manual_page(verbs: Sequence[Verb]) -> str:
    """The page.  Its date is that of the systems' profiles, so that the same version gives the same bytes."""
    return "\n".join(_lines(verbs)) + "\n"


def _lines(verbs: Sequence[Verb]) -> Iterator[str]:
    from inspector.facts.hosts.profiles import data_date

    yield f'.TH INSPECT 1 "{data_date()}" "bundle-inspect {__version__}" "User Commands"'
    yield from (".SH NAME", r"inspect \- audit Linux application bundles before they are released, and slim them")
    yield ".SH SYNOPSIS"
    yield from (".B inspect", ".I VERB", r"[\fIoptions\fR]")
    yield ".SH DESCRIPTION"
    yield _text(
        "Audits AppImages, AppDirs, directories and ELF files: on which systems they start, what they need and lack, which licences they "
        "expose, where their bytes are.  An audit never runs, mounts or unpacks what it looks at, and nothing needs a network.  Where another "
        "program is called inspect too, this one is there as bundle-inspect."
    )
    for verb in verbs:
        yield from _entry(f"inspect {verb.name}", verb.summary)
    for verb in verbs:
        yield from _section(verb)
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_MEANINGS.items():
        yield from _entry(str(int(code)), meaning)
    yield from (".PP", _text("Where several apply, the order is 70, 2, 3, 1, 4."))
    yield ".SH ENVIRONMENT"
    for name, meaning in _ENVIRONMENT.items():
        yield from _entry(name, meaning)
    yield ".SH FILES"
    for name, meaning in _FILES.items():
        yield from _entry(name, meaning)
    yield from (".SH SEE ALSO", ".BR ld.so (8),", ".BR ldd (1),", ".BR patchelf (1),", ".BR strip (1)")


def _section(verb: Verb) -> Iterator[str]:
    yield f".SH INSPECT {verb.name.upper()}"
    yield from (r"\fB" + _text(verb.usage) + r"\fR", ".PP", _text(" ".join(verb.description.split())))
    for group in verb.groups:
        yield f'.SS "{_text(group.title)}"'
        for argument in group.arguments:
            yield from _argument(argument)
    if verb.examples:
        yield from ('.SS "examples"', ".nf")
        yield from (_text(line) for line in verb.examples)
        yield ".fi"


def _argument(argument: Argument) -> Iterator[str]:
    if argument.names:
        names = ", ".join(rf"\fB{_text(name)}\fR" for name in argument.names)
        head = names + (rf" \fI{_text(argument.metavar)}\fR" if argument.takes_value else "")
    else:
        head = rf"\fI{_text(argument.metavar)}\fR"
    yield from (".TP", head, _text(argument.help))


def _entry(head: str, meaning: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{_text(head)}\fR", _text(meaning))


def _text(text: str) -> str:
    """Characters that roff gives a meaning to, written as themselves (groff(7), "Escape sequences"); a line may not begin with a control."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    escaped = escaped.replace("^", r"\(ha").replace("~", r"\(ti").replace("\n", " ")
    return rf"\&{escaped}" if escaped.startswith(".") else escaped
