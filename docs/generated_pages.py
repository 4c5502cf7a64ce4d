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

from inspector.artifact.opening import limitations
from inspector.catalogue import Rule, load_rules
from inspector.cli import VERBS
from inspector.policy.configuration_keys import KEYS, Key
from inspector.slim.planning.prune_rules import PruneRule, prune_rules

_MANUAL_PAGE = re.compile(r"[\w.+-]+\(\d\w*\)")
_PROSE_WIDTH = "80"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put them into the navigation, where it says ``reference/``."""
    names = [path for path in pages() if path.startswith("reference/") and path.count("/") == 1]
    rules = [path for path in pages() if path.startswith("reference/rules/") and not path.endswith("index.md")]
    entry: list[Any] = [*sorted(names), {"Rules": ["reference/rules/index.md", *rules]}]
    config.nav = [{"Reference": entry} if "Reference" in item else item for item in config.nav or []]
    return config


def pages() -> Mapping[str, str]:
    """Markdown by path."""
    rules = load_rules()
    found = {f"reference/rules/{rule.name}.md": rule_page(rule) for rule in rules.values()}
    found["reference/rules/index.md"] = rules_page(rules)
    found["reference/formats.md"] = formats_page()
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


def formats_page() -> str:
    """What each format's reader cannot do."""
    text = [
        "# Formats",
        "",
        "What is opened, and what each reader says of its own limits. `inspect formats` prints it too.",
        "",
    ]
    for title, sentences in limitations().items():
        text += [f"## {title[0].upper()}{title[1:]}", ""]
        text += [f"- {sentence}" for sentence in sentences] or ["- No limits are known."]
        text.append("")
    return "\n".join(text) + "\n"


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
