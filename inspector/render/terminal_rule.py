"""Rules on a screen: the full text of one (``inspect explain``), and all of them in a line each (``inspect rules``)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from inspector.catalogue import Rule
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page

_CODE_INDENT = "    "
_SEVERITY_CELLS = len("warning") + 2
_SUMMARY_BESIDE = 50  # cells below which a rule's summary stands under its name, not beside it


def render_rule(rule: Rule, width: int, color: bool) -> str:
    """The rule's text: summary, why, what to do, examples, limits, references."""
    page = Page(min(width, 100), color=color)
    page.line((rule.name, "bold"), f"  {rule.code}", indent=0)
    page.line(
        (SEVERITY_WORD[rule.severity], SEVERITY_STYLE[rule.severity]),
        (f", confidence {rule.confidence}, family {rule.family}, since {rule.since}", "dim"),
        indent=0,
    )
    page.blank()
    page.line(rule.summary + ".", indent=0)
    for title, text in (("What it means", rule.explanation), ("What to do", rule.remediation)):
        page.heading(title)
        _write_prose(page, text)
    for title, items in (
        ("Examples", rule.examples),
        ("What the check cannot see", rule.limitations),
        ("References", rule.references),
    ):
        if items:
            page.heading(title)
            for item in items:
                page.line("- ", item, hanging=2)
    if rule.options:
        page.heading("Options")
        page.table(
            [Column(), Column(), Column(fit="wrap", minimum=30)],
            [((option.name, "bold"), option.default, (option.summary, "dim")) for option in rule.options],
        )
    if rule.renamed_from:
        page.blank()
        page.line((f"formerly {', '.join(rule.renamed_from)}", "dim"))
    return page.text()


def render_rule_list(rules: Iterable[Rule], width: int, color: bool) -> str:
    """Families as headings, a row a rule."""
    page = Page(width, color=color)
    ordered = list(rules)
    widest = max((len(rule.name) for rule in ordered), default=0)
    for family, members in groupby(ordered, key=lambda rule: rule.family):
        page.heading(family)
        for rule in members:
            head: list[Cell] = [
                (SEVERITY_WORD[rule.severity].ljust(_SEVERITY_CELLS), SEVERITY_STYLE[rule.severity]),
                f"{rule.code}  ",
                (rule.name.ljust(widest), "bold"),
            ]
            beside = _SEVERITY_CELLS + len(rule.code) + widest + 6
            if width - beside >= _SUMMARY_BESIDE:
                page.line(*head, (f"  {rule.summary}", "dim"), hanging=beside - 2)
            else:
                page.line(*head)
                page.line((rule.summary, "dim"), indent=2 + _SEVERITY_CELLS)
    return page.text()


def _write_prose(page: Page, text: str) -> None:
    """Paragraphs are refilled; lines indented by four spaces are commands and keep their form."""
    for number, paragraph in enumerate(text.strip("\n").split("\n\n")):
        if number:
            page.blank()
        flowing: list[str] = []
        for line in paragraph.split("\n"):
            if line.startswith(_CODE_INDENT):
                if flowing:
                    page.line(" ".join(flowing))
                    flowing = []
                page.command(line)  # never broken: it is to be copied
            else:
                flowing.append(line.strip())
        if flowing:
            page.line(" ".join(flowing))
