"""The head of the screen: what the artifact is, what lies around its files, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from inspector.model import Finding, Severity
from inspector.quantities import format_amount, format_count, format_size
from inspector.render.package_lines import package_rows
from inspector.render.terminal_page import Cell, Column, Page, shorten_middle
from inspector.result import EnvelopeInfo, Result, RuntimeInfo

FORMAT_NAMES = {
    "appimage-1": "AppImage type 1",
    "appimage-2": "AppImage type 2",
    "appdir": "AppDir",
    "directory": "directory",
    "elf": "ELF file",
    "pyinstaller": "PyInstaller program",
    "pyinstaller-folder": "PyInstaller folder",
    "nuitka": "Nuitka program",
    "nuitka-folder": "Nuitka folder",
    "pyoxidizer": "PyOxidizer program",
    "pyoxidizer-folder": "PyOxidizer folder",
    "frozen-python": "program with frozen Python modules",
    "cx_freeze": "cx_Freeze folder",
    "scie": "scie",
    "python-build-standalone": "python-build-standalone archive",
    "deb": "Debian package",
    "rpm": "RPM package",
    "oci": "OCI image",
    "docker": "docker image",
    "snap": "snap",
    "squashfs": "squashfs image",
    "xar": "XAR file",
    "makeself": "makeself archive",
    "script-archive": "script with an archive",
    "flatpak": "Flatpak bundle",
    "flatpak-build": "Flatpak build directory",
    "ostree": "OSTree repository",
    "tar": "tar archive",
    "sdist": "source distribution",
    "conda-pack": "conda environment",
    "conda-package": "conda package",
    "wheel": "wheel",
    "egg": "egg",
    "pex": "PEX file",
    "pex-directory": "PEX directory",
    "shiv": "shiv file",
    "zipapp": "zipapp",
    "python-archive": "archive of Python modules",
    "zip": "ZIP archive",
}
_NOUNS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def write_title(page: Page, result: Result) -> None:
    """The artifact's path, and what it is in a line."""
    artifact = result.artifact
    page.line((shorten_middle(artifact.path, page.width), "bold"), indent=0)
    parts = [FORMAT_NAMES.get(artifact.format, artifact.format)]
    if artifact.arch:
        parts.append(artifact.arch)
    parts.append(format_size(artifact.size))
    what = ", ".join(parts)
    if artifact.format != "elf":
        files = f"{format_amount(result.files.count, 'file')}, {format_count(result.files.elf_count)} ELF"
        what += f"; unpacked {format_size(artifact.unpacked_size)}, {files}"
    page.line(what, hanging=2)


def write_identity(page: Page, result: Result) -> None:
    """The envelope: runtime, payload, update information, signature."""
    envelope = result.artifact.envelope
    if envelope is None:
        return
    rows: list[tuple[Cell, Cell]] = []
    if envelope.runtime is not None:
        rows.append((("runtime", "dim"), _describe_runtime(envelope.runtime)))
    payload = _describe_payload(envelope)
    if payload:
        rows.append((("payload", "dim"), payload))
    if result.artifact.format.startswith("appimage"):
        rows.append((("updates", "dim"), envelope.update_information or "no update information"))
        rows.append((("signature", "dim"), _describe_signature(envelope)))
    rows += [((label, "dim"), text) for label, text in (*_starter_rows(envelope), *package_rows(result))]
    page.table([Column(), Column(fit="wrap", minimum=30)], rows)


def write_verdict(page: Page, result: Result, most: int | None = None) -> None:
    """Passed or failed, how many findings, and why it failed.

    :param most: reasons that are written out, all by default.
    """
    page.blank()
    failed = result.verdict.gate == "failed"
    parts: list[Cell] = [
        ("FAILED" if failed else "PASSED", "bold red" if failed else "bold green"),
        f"  {count_by_severity(result.findings)}",
    ]
    suppressed = sum(finding.suppressed is not None for finding in result.findings)
    if suppressed:
        parts.append(f" ({format_count(suppressed)} suppressed)")
    page.line(*parts, indent=0)
    for reason in result.verdict.reasons[:most]:
        page.line((reason, "dim"), indent=8)
    left = len(result.verdict.reasons[most:]) if most is not None else 0
    if left:
        page.line((f"and {format_amount(left, 'more reason')}", "dim"), indent=8)
    for notice in result.verdict.notices:
        page.line((notice, "yellow"), indent=8)


def write_incomplete(page: Page, result: Result) -> None:
    """That something could not be read, below the verdict; the problems have a section of their own."""
    if result.problems:
        page.line((f"incomplete: {format_amount(len(result.problems), 'problem')} while reading", "yellow"), indent=8)


def write_nested(page: Page, result: Result) -> None:
    """Bundles inside the bundle."""
    if not result.nested:
        return
    page.heading("Bundles inside", format_amount(len(result.nested), "bundle"))
    rows = [
        (
            nested.path,
            (FORMAT_NAMES.get(nested.format, nested.format), "dim"),
            (f"{format_count(nested.coverage.seen)} members", "dim"),
            (f"counts for nothing: {nested.inert}" if nested.inert else "", "dim"),
        )
        for nested in sorted(result.nested, key=lambda nested: bool(nested.inert))
    ]
    page.table([Column(fit="middle"), Column(), Column(align="right"), Column(fit="wrap")], rows)


def count_by_severity(findings: Sequence[Finding]) -> str:
    """``"2 errors, 5 warnings, 3 notes"`` of those that are not suppressed."""
    counts = Counter(finding.severity for finding in findings if finding.suppressed is None)
    return (
        ", ".join(format_amount(counts[severity], noun) for severity, noun in _NOUNS.items() if counts[severity])
        or "no findings"
    )


def _describe_runtime(runtime: RuntimeInfo) -> str:
    parts = [runtime.kind if runtime.version is None else f"{runtime.kind} {runtime.version}"]
    if runtime.linkage:
        parts.append(f"{runtime.linkage}ally linked" if runtime.linkage == "static" else "dynamically linked")
    if runtime.compressors:
        parts.append(f"reads {', '.join(runtime.compressors)}")
    parts.append(f"needs {', '.join(runtime.needs)} of the host" if runtime.needs else "needs nothing of the host")
    return "; ".join(parts)


def _starter_rows(envelope: EnvelopeInfo) -> Iterator[tuple[str, str]]:
    """What the starter of a frozen program was told, shows and takes from elsewhere."""
    if envelope.options:
        yield "options", ", ".join(envelope.options)
    splash = envelope.splash_screen
    if splash is not None:
        shown_by = f", shown with {', '.join(splash.libraries)}" if splash.libraries else ""
        yield "splash", f"{splash.member}, {format_size(splash.size)}{shown_by}"
    if envelope.members_from:
        yield "members of", ", ".join(envelope.members_from)


def _describe_payload(envelope: EnvelopeInfo) -> str:
    parts = []
    if envelope.compression:
        parts.append(envelope.compression)
    if envelope.block_size:
        parts.append(f"blocks of {format_count(envelope.block_size)} bytes")
    if envelope.payload_size is not None:
        parts.append(format_size(envelope.payload_size))
    if envelope.offset is not None:
        parts.append(f"from byte {format_count(envelope.offset)}")
    if envelope.created is not None:
        parts.append(f"made {_format_day(envelope.created)}" if envelope.created else "no creation time")
    if envelope.trailing_bytes:
        parts.append(f"{format_amount(envelope.trailing_bytes, 'byte')} behind it")
    return ", ".join(parts)


def _format_day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return f"at second {seconds}"


def _describe_signature(envelope: EnvelopeInfo) -> str:
    signature = envelope.signature
    text = {"absent": "none", "unverifiable": "present, not verifiable"}.get(signature.status, signature.status)
    if signature.key:
        text += f", key {signature.key}"
    return f"{text} ({signature.reason})" if signature.reason else text
