"""A hook of mkdocs: reference pages out of the program's own data, so that none of them can be out of date.

See https://www.mkdocs.org/user-guide/configuration/#hooks.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inspector.artifact.format_list import KnownFormat, known_formats
from inspector.catalogue import Rule, load_rules
from inspector.cli import VERBS
from inspector.policy.configuration_keys import KEYS, Key
from inspector.slim.planning.prune_rules import PruneRule, prune_rules
from inspector.slim.rebuilding.rebuild import rewritten_formats

_MANUAL_PAGE = re.compile(r"[\w.+-]+\(\d\w*\)")
_OUTPUT = re.compile(r"<!-- output of: (.+?) -->\n(```\w*\n)")
_PROSE_WIDTH = "80"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put them into the navigation, where it says ``reference/``."""
    names = [path for path in pages() if path.startswith("reference/") and path.count("/") == 1]
    entry: list[Any] = sorted(names)
    for title in ("Formats", "Rules"):
        folder = f"reference/{title.lower()}/"
        own = [path for path in pages() if path.startswith(folder) and not path.endswith("index.md")]
        entry.append({title: [f"{folder}index.md", *own]})
    config.nav = [{"Reference": entry} if "Reference" in item else item for item in config.nav or []]
    return config


def on_page_markdown(markdown: str, **_: object) -> str:
    """Show what was typed above what it printed."""
    return _OUTPUT.sub(lambda match: f"{match[2]}$ {match[1]}\n", markdown)


def pages() -> Mapping[str, str]:
    """Markdown by path."""
    rules = load_rules()
    found = {f"reference/rules/{rule.name}.md": rule_page(rule) for rule in rules.values()}
    found["reference/rules/index.md"] = rules_page(rules)
    found |= format_pages()
    found["reference/prune-rules.md"] = prune_page(prune_rules())
    found["reference/configuration.md"] = configuration_page()
    found["reference/commands.md"] = commands_page()
    return found


# -- rules


def rules_page(rules: Mapping[str, Rule]) -> str:
    """All rules in tables by family."""
    text = ["# Rules", "", "Every finding has the name of a rule. `inspect explain NAME` prints the same texts.", ""]
    family = ""
    for rule in rules.values():
        if rule.family != family:
            family = rule.family
            text += ["", f"## {family}", "", "| rule | code | severity | |", "| --- | --- | --- | --- |"]
        text.append(f"| [{rule.name}]({rule.name}.md) | {rule.code} | {rule.severity} | {_cell(rule.summary)} |")
    return "\n".join(text) + "\n"


def rule_page(rule: Rule) -> str:
    """One rule."""
    head = f"{rule.code} · {rule.severity} · confidence {rule.confidence} · since {rule.since}"
    text = [f"# {rule.name}", "", head, "", f"**{rule.summary}**", "", rule.explanation.strip(), "", "## What to do"]
    text += ["", rule.remediation.strip()]
    if rule.options:
        text += ["", "## Options", "", "| option | default | |", "| --- | --- | --- |"]
        text += [f"| `{option.name}` | `{option.default}` | {_cell(option.summary)} |" for option in rule.options]
    for title, items in (("Examples", rule.examples), ("What the check cannot see", rule.limitations)):
        if items:
            text += ["", f"## {title}", ""]
            text += [f"- `{item}`" if title == "Examples" else f"- {item}" for item in items]
    if rule.references:
        text += ["", "## References", ""]
        text += [f"- {item if _MANUAL_PAGE.fullmatch(item) else f'<{item}>'}" for item in rule.references]
    return "\n".join(text) + "\n"


# -- formats


def format_pages() -> dict[str, str]:
    """A page for each format that is opened, by path, and one that lists all that have a name here."""
    known = known_formats()
    found: dict[str, str] = {}
    rows = [
        "| format | name in reports | lies as | opened inside others | `inspect slim` |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in known.opened:
        title = _title(one.title)
        path = f"{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.md"
        slim = "writes it again" if one.format in rewritten_formats() else "plans"
        nested = "in place" if one.nested else ""
        rows.append(f"| [{title}]({path}) | `{one.format}` | {one.lies_as} | {nested} | {slim} |")
        found[f"reference/formats/{path}"] = format_page(title, one, slim)
    text = [
        "# Formats",
        "",
        "What is opened, recognised and known by name. `inspect formats` prints it too.",
        "",
        *rows,
    ]
    text += [
        "",
        "## Named, payload not read",
        "",
        "The program is audited as an ELF file, and a problem says what else is in it.",
        "",
    ]
    text += [f"- {_title(one.title)}: {' '.join(one.limitations)}" for one in known.recognised if one.audited_as]
    text += ["", "## Recognised, not read", "", "Refused, with a piece of advice.", ""]
    text += [f"- {_title(one.title)}: {' '.join(one.limitations)}" for one in known.recognised if not one.audited_as]
    text += [
        "",
        "## Known by name",
        "",
        "A file of these is refused with a word on what it is: " + "; ".join(known.named) + ".",
    ]
    return {"reference/formats/index.md": "\n".join(text) + "\n", **found}


def format_page(title: str, known: KnownFormat, slim: str) -> str:
    """One format."""
    text = [f"# {title}", "", f"In reports: `{known.format}`. It lies as a {known.lies_as}."]
    if known.nested:
        text.append("As a member of another artifact it is opened in place, with paths `outer!/inner`.")
    text += ["", "## What its reader cannot do", ""]
    text += [f"- {sentence}" for sentence in known.limitations] or ["- No limits are known."]
    if slim == "plans":
        text += ["", "## Slim", "", "`inspect slim --dry-run` prints a plan; the file itself cannot be written again."]
    else:
        text += ["", "## Slim", "", "`inspect slim` writes a smaller one and proves it: see [Slim](../../slim.md)."]
    return "\n".join(text) + "\n"


def _title(text: str) -> str:
    """A format's name without its article."""
    name = re.sub(r"^(?:an?|any other) ", "", text)
    return f"{name[0].upper()}{name[1:]}"


# -- prune rules


def prune_page(rules: Mapping[str, PruneRule]) -> str:
    """What slim takes, by table."""
    text = ["# Prune rules", "", "What `inspect slim` takes. `--rule -NAME` switches one off, `--rule +NAME` on.", ""]
    tables = dict.fromkeys(rule.table for rule in rules.values())
    for table in tables:
        text += [f"## {table}", "", "| rule | level | what | why it may go | what would prove it wrong |"]
        text.append("| --- | --- | --- | --- | --- |")
        for rule in rules.values():
            if rule.table == table:
                scope = " (applications only)" if rule.for_applications else ""
                level = "when asked" if rule.asked else rule.level
                cells = (f"`{rule.name}`", f"{level}{scope}", rule.title, rule.reason, rule.refuted_by)
                text.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
        text.append("")
    return "\n".join(text) + "\n"


# -- configuration


def configuration_page() -> str:
    """Every key."""
    text = [
        "# Configuration",
        "",
        "`inspector.toml`, or the table `[tool.inspector]` of a `pyproject.toml`. `inspect init` writes a commented start,",
        "`inspect config` shows every value that counts and where it comes from.",
        "",
    ]
    text += ["| key | kind | default | what it says | example |", "| --- | --- | --- | --- | --- |"]
    for name, key in _keys("", KEYS):
        choices = f" ({', '.join(key.choices)})" if key.choices else ""
        default = "" if key.default is None else f"`{key.default}`"
        example = f"`{key.example}`" if key.example else ""
        required = "; must be there" if key.required else ""
        cells = (f"`{name}`", key.kind, default, f"{key.summary}{choices}{required}", example)
        text.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(text) + "\n"


def _keys(prefix: str, keys: Mapping[str, Key]) -> Iterator[tuple[str, Key]]:
    for name, key in keys.items():
        path = f"{prefix}{name}{'[]' if key.kind == 'tables' else ''}"
        if key.members:
            yield from _keys(f"{path}.", key.members)
        elif key.element is not None and key.element.members:
            yield from _keys(f"{path}.*.", key.element.members)
        else:
            yield path, key


# -- commands


def commands_page() -> str:
    """Each verb's help."""
    text = ["# Commands", "", "`bundle-inspect` is the same program, for where another one is called `inspect`.", ""]
    for verb, summary in VERBS.items():
        text += [
            f"## inspect {verb}",
            "",
            f"{summary[0].upper()}{summary[1:]}.",
            "",
            "```text",
            _help(verb).rstrip(),
            "```",
            "",
        ]
    return "\n".join(text) + "\n"


def _help(verb: str) -> str:
    os.environ["COLUMNS"] = _PROSE_WIDTH
    parser = importlib.import_module(f"inspector.cli.{verb.replace('-', '_')}").make_parser()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        parser.print_help()
    return printed.getvalue()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
