"""The frame of a page: Jinja2 with autoescape, the style and the scripts inside, and the policy that lets nothing else run or load.

Three nets keep an artifact's strings from becoming markup: :func:`inspector.render.escaping.escape` makes every character visible, Jinja2 escapes
for HTML, and the content security policy (W3C CSP level 3) runs only scripts whose SHA-256 it names, and no inline handlers.  Data for the scripts
lie in blocks that browsers do not run (:mod:`inspector.render.html_report.inert_json`); the scripts put them into the page as text, never as HTML,
which ``require-trusted-types-for`` enforces where a browser knows it.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from inspector.quantities import format_amount, format_count, format_share, format_size
from inspector.render.escaping import escape
from inspector.render.html_report.inert_json import inert_json
from inspector.render.html_report.texts import blocks_of, command_word, identifier, split_path
from inspector.resources import data_directory

_EARLY_SCRIPTS = ("theme.js",)
"""Run before anything is shown."""
_SCRIPTS = (
    "elements.js",
    "tables.js",
    "findings.js",
    "treemap.js",
    "sizes.js",
    "dependencies.js",
    "links.js",
    "start.js",
)


def render_page(template: str, **values: object) -> bytes:
    """One of the templates of ``reports/html/`` as a whole page, UTF-8.

    :param values: what the template shows.  Texts are escaped; only what this package marks as markup is not.
    """
    style, early, script = _text("report.css"), _script(_EARLY_SCRIPTS), _script(_SCRIPTS)
    page = _environment().get_template(template)
    document = page.render(
        **values,
        policy=_policy(style, (early, script)),
        style=Markup(style),  # noqa: S704 - our own file
        early_script=Markup(early),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )
    return document.encode("utf-8", "backslashreplace")


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {allowed}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _directory() -> Path:
    return data_directory("reports") / "html"


@cache
def _text(name: str) -> str:
    return (_directory() / name).read_text(encoding="utf-8")


def _script(names: tuple[str, ...]) -> str:
    """Files one after another in a function of their own, so that they share names and leave none behind."""
    return '(() => {\n"use strict";\n' + "\n".join(_text(f"script/{name}") for name in names) + "})();\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_directory()),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": format_size,
        "count": format_count,
        "json": inert_json,
        "blocks": blocks_of,
        "split_path": split_path,
        "command_word": command_word,
        "anchor": identifier,
    }
    environment.globals |= {"amount": format_amount, "share": format_share}
    return environment


def _visible(value: object) -> object:
    """Control characters and directions of writing made visible, in every text that a template puts out."""
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value
