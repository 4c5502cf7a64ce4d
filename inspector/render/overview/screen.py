"""The whole screen, section by section: what it is, the verdict, where it starts, what it needs, lacks, exposes and weighs, what to do."""

from __future__ import annotations

from inspector.render.escaping import escape
from inspector.render.host_summary import summarize_hosts
from inspector.render.overview.findings import write_fixes, write_other_findings, write_unread
from inspector.render.overview.floors import write_floors
from inspector.render.overview.libraries import write_libraries
from inspector.render.overview.licenses import write_licenses
from inspector.render.overview.sizes import write_sizes
from inspector.render.quantities import format_amount
from inspector.render.terminal_identity import write_title, write_verdict
from inspector.render.terminal_page import Page, shorten_end, shorten_middle, shorten_paths
from inspector.result import EnvelopeInfo, Result

_SIGNATURES = {
    "good": "signature intact",
    "bad": "signature bad",
    "unverifiable": "signature not verifiable",
    "absent": "not signed",
}
_HOST_SENTENCE_LINES = {True: 3, False: 2}
_COMPONENTS = {True: 5, False: 3}
_LICENSES = {True: 5, False: 2}
_OTHER_RULES = {True: 6, False: 1}


def write_overview(page: Page, result: Result, *, roomy: bool = True) -> None:
    """The report that ``inspect audit`` prints without ``-v``.

    :param roomy: False names fewer licences and findings, for an artifact of which there is so much to say that the screen would not do.
    """
    write_title(page, result)
    if result.artifact.envelope is not None and result.artifact.format.startswith("appimage"):
        page.line((_describe_envelope(result.artifact.envelope), "dim"), hanging=2)
    for nested in result.nested[:1]:
        more = f", and {len(result.nested) - 1} more bundles" if len(result.nested) > 1 else ""
        room = page.width - len(more) - 25
        page.line(
            (f"inside: {shorten_middle(nested.path, room)}{more}", "dim"),
        )
    write_verdict(page, result)
    write_unread(page, result)
    sentences = summarize_hosts(result)
    for sentence in sentences:
        sentence = shorten_paths(escape(sentence), page.width // 2)
        page.line(shorten_end(sentence, _HOST_SENTENCE_LINES[roomy] * (page.width - 4)), indent=0, hanging=2)
    told = write_floors(page, result) | write_libraries(page, result)
    told |= write_licenses(page, result, _LICENSES[roomy])
    told |= write_sizes(page, result, _COMPONENTS[roomy])
    write_other_findings(page, result, told, _OTHER_RULES[roomy])
    write_fixes(page, result)


def _describe_envelope(envelope: EnvelopeInfo) -> str:
    """Runtime, compression, signature and update information in a clause each; ``-v`` has the details."""
    parts = []
    runtime = envelope.runtime
    if runtime is not None:
        version = f" {runtime.version}" if runtime.version else ""
        mounting = [need for need in runtime.needs if "fuse" in need]
        others = len(runtime.needs) - len(mounting)
        needs = ", ".join(mounting) + (f" and {format_amount(others, 'library', 'libraries')}" if others else "")
        needs = needs.removeprefix(" and ")
        parts.append(f"{runtime.kind}{version}, needs {needs or 'nothing'}")
    if envelope.compression:
        parts.append(envelope.compression)
    parts.append(_SIGNATURES.get(envelope.signature.status, envelope.signature.status))
    information = envelope.update_information
    parts.append(f"updates by {information.partition('|')[0]}" if information else "no updates")
    return "; ".join(parts)
