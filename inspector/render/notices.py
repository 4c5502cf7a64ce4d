"""The notice file: THIRD_PARTY_LICENSES as text or Markdown.  The same bytes for the same artifact; no date is in it."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.facts.licensing.notices import NoticeComponent, Notices, NoticeText
from inspector.facts.licensing.obligations import disclaimer
from inspector.patterns import lazy_pattern
from inspector.render.bill_of_materials import artifact_name
from inspector.render.escaping import escape
from inspector.result import ComponentInfo, Result

_RULE = "-" * 80
_MOST_COPYRIGHT = 40  # lines of one component; the others stand in its texts
_MOST_FILES = 10
_MOST_SOURCES = 6
_TICKS = lazy_pattern(r"`+")
_MARKDOWN = lazy_pattern(r"([\\`*_\[\]<>#|])")


def render_notices(notices: Notices, result: Result, *, markdown: bool) -> bytes:
    """The whole file, UTF-8, lines ended by ``\\n``."""
    lines = _markdown(notices, result) if markdown else _text(notices, result)
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _text(notices: Notices, result: Result) -> Iterator[str]:
    title = f"Third-party licences of {escape(artifact_name(result))}"
    yield from (title, "=" * len(title), "")
    yield from _introduction(notices, result)
    if notices.missing:
        yield from ("", "TEXTS THAT ARE MISSING", _RULE)
        yield from (f"{escape(each.component)}: {escape(each.license)}" for each in notices.missing)
    yield from ("", "COMPONENTS", _RULE)
    for noted in notices.components:
        component = noted.component
        yield from ("", f"{escape(component.name)} {escape(component.version or '')}".rstrip())
        yield from (f"  {line}" for line in _facts(noted, result))
    yield from ("", "", "TEXTS", _RULE)
    for text in notices.texts:
        yield from ("", _RULE, f"[{text.number}] {_sources(text)}", _RULE, "")
        yield from _lines(text.text)


def _markdown(notices: Notices, result: Result) -> Iterator[str]:
    yield from (f"# Third-party licences of {_quoted(artifact_name(result))}", "")
    yield from (_quoted(line) for line in _introduction(notices, result))
    if notices.missing:
        yield from ("", "## Texts that are missing", "")
        yield from (f"- {_quoted(each.component)}: {_quoted(each.license)}" for each in notices.missing)
    yield from ("", "## Components")
    for noted in notices.components:
        component = noted.component
        yield from ("", f"### {_quoted(component.name)} {_quoted(component.version or '')}".rstrip(), "")
        yield from (f"- {_quoted(line)}" for line in _facts(noted, result))
    yield from ("", "## Texts")
    for text in notices.texts:
        fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text.text)), default=0))
        yield from ("", f"### [{text.number}] {_quoted(_sources(text))}", "", f"{fence}text", *_lines(text.text), fence)


def _introduction(notices: Notices, result: Result) -> Iterator[str]:
    yield f"{len(notices.components)} components are in this artifact, under the licences named with each of them."
    if result.artifact.sha256:
        yield f"SHA-256 of the artifact: {result.artifact.sha256}"
    yield "Numbers in brackets name the complete texts, which stand at the end, each once."
    yield f"Collected by {escape(result.tool.name)} {escape(result.tool.version)} from what the artifact ships."
    yield disclaimer()


def _facts(noted: NoticeComponent, result: Result) -> Iterator[str]:
    component = noted.component
    stated = f"“{component.stated}”" if component.stated else "not known"
    yield f"Licence: {escape(component.licenses or stated)}"
    if component.declared is not None and component.declared.expression not in (None, component.licenses):
        yield f"Declared: {escape(component.declared.expression or '')} ({escape(component.declared.source)})"
    for line in noted.copyright[:_MOST_COPYRIGHT]:
        yield escape(line)
    if not noted.copyright:
        yield f"Copyright holders: {'see its texts' if noted.shipped else 'not named in the artifact'}"
    if len(noted.copyright) > _MOST_COPYRIGHT:
        yield f"and {len(noted.copyright) - _MOST_COPYRIGHT} more copyright lines in the texts"
    if component.package_url:
        yield f"Source: {escape(component.package_url)}"
    for line in _obligations(component, result):
        yield f"Asked for by the licence: {escape(line)}"
    yield from _files(component)
    yield f"Texts: {' '.join(f'[{number}]' for number in noted.texts) or 'none'}"


def _obligations(component: ComponentInfo, result: Result) -> Iterator[str]:
    found = (
        clause
        for exposure in result.licenses.exposures
        if exposure.component == component.name
        for clause in exposure.obligations
    )
    yield from dict.fromkeys(found)


def _files(component: ComponentInfo) -> Iterator[str]:
    if component.kind not in ("library", "static"):
        return
    shown = [escape(path) for path in component.files[:_MOST_FILES]]
    more = component.file_count - len(shown)
    where = "Inside" if component.kind == "static" else "Files"
    yield f"{where}: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _sources(text: NoticeText) -> str:
    shown = [escape(source) for source in text.sources[:_MOST_SOURCES]]
    more = len(text.sources) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _lines(text: str) -> Iterator[str]:
    """The text as it stands but for tabs, blanks at the end of lines, and characters that no printer shows."""
    lines = [escape(line.expandtabs(8).replace("\xa0", " ").replace("\xad", "").rstrip()) for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    yield from lines


def _quoted(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", escape(text))
