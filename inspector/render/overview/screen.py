"""The whole screen, section by section: what it is, the verdict, where it starts, what it needs, lacks, exposes and weighs, what to do."""

from __future__ import annotations

from msgspec import Struct

from inspector.quantities import format_amount
from inspector.render.escaping import escape
from inspector.render.host_summary import summarize_hosts
from inspector.render.overview.findings import write_fixes, write_other_findings, write_unread
from inspector.render.overview.floors import write_floors
from inspector.render.overview.libraries import write_libraries
from inspector.render.overview.licenses import write_licenses
from inspector.render.overview.sizes import write_sizes
from inspector.render.package_lines import package_sentence
from inspector.render.terminal_identity import write_title, write_verdict
from inspector.render.terminal_page import Page, shorten_end, shorten_middle, shorten_paths
from inspector.result import EnvelopeInfo, Result

_SIGNATURES = {
    "good": "signature intact",
    "bad": "signature bad",
    "unverifiable": "signature not verifiable",
    "absent": "not signed",
}


_REASONS = 3
_DEMANDS = "POL"
"""Prefix of the codes of what the configuration asks."""


class Room(Struct, frozen=True):
    """How much may be named.

    :ivar host_lines: lines of the sentence about systems with glibc.
    :ivar musl_lines: lines of the one about systems with musl.
    :ivar name_lines: lines of a list of libraries.
    :ivar licenses: strong licences with their chains.
    :ivar components: of the largest.
    :ivar rules: other rules, a line each.
    """

    host_lines: int
    musl_lines: int
    name_lines: int
    licenses: int
    components: int
    rules: int


ROOMS = (Room(3, 2, 2, 5, 5, 6), Room(3, 1, 2, 4, 5, 3), Room(3, 1, 1, 3, 5, 2), Room(3, 1, 1, 2, 3, 1))
"""The roomiest first; the next ones are for artifacts of which there is so much to say that one screen would not do."""


def write_overview(page: Page, result: Result, room: Room) -> None:
    """The report that ``inspect audit`` prints without ``-v``."""
    write_title(page, result)
    if result.artifact.envelope is not None and result.artifact.format.startswith("appimage"):
        page.line((_describe_envelope(result.artifact.envelope), "dim"), hanging=2)
    if result.artifact.envelope is not None and result.artifact.envelope.members_from:
        programs = shorten_end(escape(", ".join(result.artifact.envelope.members_from)), page.width - 20)
        page.line((f"with members of {programs}", "dim"), hanging=2)
    stated = package_sentence(result)
    if stated:
        page.line((shorten_end(escape(stated), 2 * page.width), "dim"), hanging=2)
    inside = [nested for nested in result.nested if not nested.inert]
    for nested in inside[:1]:
        more = f", and {len(inside) - 1} more" if len(inside) > 1 else ""
        path = shorten_middle(escape(nested.path), page.width - len(more) - 12)
        page.line((f"inside: {path}{more}", "dim"))
    write_verdict(page, result, _REASONS)
    write_unread(page, result)
    for sentence in summarize_hosts(result):
        lines = room.musl_lines if sentence.startswith("musl") else room.host_lines
        sentence = shorten_paths(escape(sentence), page.width * 3 // 10)
        if len(sentence) > lines * (page.width - 4) and sentence.endswith(")"):
            sentence = sentence.rpartition(" (")[0] or sentence
        page.line(shorten_end(sentence, lines * (page.width - 4)), indent=0, hanging=2)
    told = write_floors(page, result) | write_libraries(page, result, room.name_lines)
    told |= write_licenses(page, result, room.licenses)
    told |= write_sizes(page, result, room.components)
    told |= _told_by_the_verdict(result)
    write_other_findings(page, result, told, room.rules)
    write_fixes(page, result)


def _told_by_the_verdict(result: Result) -> set[str]:
    """Rules of the family "policy" whose findings are among the reasons that the verdict has shown."""
    if len(result.verdict.reasons) > _REASONS:
        return set()
    demands = {name for name, info in result.rules.items() if info.code.startswith(_DEMANDS)}
    milder = {each.rule for each in result.findings if each.severity != "error" and each.suppressed is None}
    return demands - milder


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
