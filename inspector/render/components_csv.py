"""Components as CSV (RFC 4180), a line each: licence, class, how it is reached, files; what a spreadsheet would take for a formula is quoted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from inspector.render.component_links import ComponentLinks, component_links, how_reached
from inspector.render.findings_csv import plain_cell
from inspector.render.registry import RenderOptions
from inspector.result import ComponentInfo, Result

_HEAD = (
    "artifact",
    "component",
    "version",
    "kind",
    "license",
    "class",
    "declared",
    "found",
    "reached",
    "exposure",
    "end_of_life",
    "package_url",
    "files",
    "first_file",
    "raw_bytes",
    "stored_bytes",
    "evidence",
)


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """All components of all artifacts, as UTF-8."""
    del options
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for result in results:
        links = component_links(result)
        for component in result.components:
            row = _row(result, component, links)
            writer.writerow([cell if isinstance(cell, int) else plain_cell(cell) for cell in row])
    return output.getvalue().encode("utf-8", "replace")


def _row(result: Result, component: ComponentInfo, links: ComponentLinks) -> Iterator[str | int]:
    word, path, more = how_reached(result, component, links)
    chains = [
        " -> ".join(exposure.chain) for exposure in result.licenses.exposures if exposure.component == component.name
    ]
    yield from (result.artifact.path, component.name, component.version or "", component.kind)
    yield from (component.licenses or "", component.license_class, _declared(component))
    yield "; ".join(f"{each.expression or ', '.join(each.mentioned)} ({each.source})" for each in component.found)
    yield " ".join(part for part in (word, path, f"and {more} more" if more else "") if part)
    yield "; ".join(chains[:3])
    yield component.end_of_life
    yield from (component.package_url, component.file_count, component.files[0] if component.files else "")
    yield from (component.bytes.raw, component.bytes.stored, "; ".join(component.evidence))


def _declared(component: ComponentInfo) -> str:
    """The metadata's expression, else their words."""
    if component.declared is not None:
        return component.declared.expression or component.declared.words
    return component.stated
