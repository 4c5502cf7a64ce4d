"""``inspect config``: what holds here, and where each value comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import add_help_option, add_verbose_option, make_group, screen_width
from inspector.errors import ExitCode, UsageError
from inspector.render.terminal_page import Cell, Column, Page

if TYPE_CHECKING:
    from pathlib import Path

    from inspector.policy.configuration_keys import Key

_EXAMPLES = """\
  inspect config                     the values that hold here
  inspect config --config other.toml another file's
  inspect config --check             nothing but its mistakes, for hooks
  inspect config --keys              every key, with what it means"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "config",
        usage="inspect config [options]",
        description="Prints each value of the configuration and where it comes from: a file with its\n"
        "line, or a default.  Exit code 2 tells every mistake of the file.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to show")
    what.add_argument(
        "--config", metavar="FILE", help="this file; the nearest inspector.toml or pyproject.toml if not given"
    )
    what.add_argument(
        "--check",
        nargs="*",
        metavar="FILE",
        help="print mistakes only, of these files or of the nearest one; a pyproject.toml without [tool.inspector] has none",
    )
    what.add_argument("--keys", action="store_true", help="every key that there is, with its default and what it means")
    what.add_argument("--schema", action="store_true", help="the JSON schema of the file, for editors")
    screen = make_group(parser, "the screen")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print."""
    from inspector.policy.configuration_file import find_configuration, load_configuration

    if options.check is not None:
        return _check([*options.check, *([options.config] if options.config else [])])
    if options.schema:
        import json

        from inspector.policy.configuration_schema import configuration_schema

        write_stdout(json.dumps(configuration_schema(), indent=2, ensure_ascii=False).encode() + b"\n")
        return ExitCode.PASSED
    page = Page(screen_width(), color=False)
    if options.keys:
        _write_keys(page)
    else:
        path = options.config or find_configuration()
        configuration = load_configuration(path)
        page.line(
            f"{path}" if path else "no inspector.toml, and no [tool.inspector] in a pyproject.toml, from here upwards",
            indent=0,
        )
        _write_values(page, path, configuration.sources)
    write_stdout(page.text().encode())
    return ExitCode.PASSED


def _check(files: list[str]) -> ExitCode:
    """Read all of them, and tell the mistakes of each."""
    from inspector.cli.failure import report_failure
    from inspector.policy.configuration_file import find_configuration, load_configuration

    code = ExitCode.PASSED
    named: list[str | Path | None] = [*files]
    for file in named or [find_configuration()]:
        try:
            load_configuration(file)
        except UsageError as error:
            code = report_failure(error)
    return code


def _write_values(page: Page, path: str | Path | None, sources: Mapping[str, str]) -> None:
    from inspector.policy.configuration_file import read_document
    from inspector.policy.configuration_keys import KEYS

    given = dict(_values(read_document(path) if path else {}, ""))
    rows: list[list[Cell]] = []
    for name, value in given.items():
        rows.append([name, _written(value), (sources.get(name, ""), "dim")])
    for name, key in _flat(KEYS, ""):
        if key.default is not None and name not in given and "[]" not in name:
            rows.append([name, key.default, ("default", "dim")])
    page.table(
        [Column(), Column(fit="wrap", minimum=20), Column(fit="middle", minimum=16)],
        sorted(rows, key=lambda row: str(row[0])),
    )


def _write_keys(page: Page) -> None:
    from inspector.policy.configuration_keys import KEYS

    rows: list[list[Cell]] = [
        [name, (key.default or key.example or "", "dim"), key.summary]
        for name, key in _flat(KEYS, "")
        if key.kind not in ("table", "tables") and name != "rules"
    ]
    page.table([Column(), Column(fit="wrap", minimum=16), Column(fit="wrap", minimum=24)], rows)


def _flat(keys: Mapping[str, Key], prefix: str) -> Iterator[tuple[str, Key]]:
    """Keys by their dotted names; a member of an array's tables is written ``ignore[].rule``, and a name that the user chooses ``*``."""
    for name, key in keys.items():
        dotted = f"{prefix}{name}"
        yield dotted, key
        if key.element is not None:
            yield from _flat(key.element.members, f"{dotted}.*.")
        yield from _flat(key.members, f"{dotted}[]." if key.kind == "tables" else f"{dotted}.")


def _values(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    from inspector.policy.configuration_check import written_key

    for name, value in table.items():
        dotted = f"{prefix}.{written_key((name,))}" if prefix else written_key((name,))
        if isinstance(value, dict):
            yield from _values(value, dotted)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value, 1):
                yield from _values(each, f"{dotted}[{number}]")
        else:
            yield dotted, value


def _written(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)
