"""Rule family appimage: the runtime, the payload that it must read, update information, signature."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.checks.update_information import mistakes
from inspector.facts.facts import Facts
from inspector.model import Finding, Fix

RULES = (
    "runtime-needs-libfuse2",
    "runtime-cannot-read-payload",
    "update-information-malformed",
    "signature-without-key",
    "appimage-without-magic",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    envelope = facts.envelope
    if envelope is None or not facts.format.startswith("appimage"):
        return
    if envelope.magic_bytes is False:
        yield finding(
            "appimage-without-magic", "", "has no AI magic bytes at offset 8, so tools take it for a plain program"
        )
    runtime = envelope.runtime
    if runtime is not None:
        if "libfuse.so.2" in runtime.needs:
            yield finding(
                "runtime-needs-libfuse2",
                "",
                "its runtime mounts through libfuse.so.2, which current distributions no longer install",
                fix=Fix(text="rebuild it with a current appimagetool, whose static runtime needs no libfuse2"),
            )
        compression = envelope.compression
        if compression is not None and runtime.compressors and compression not in runtime.compressors:
            readable = ", ".join(runtime.compressors)
            yield finding(
                "runtime-cannot-read-payload",
                "",
                f"its payload is compressed with {compression}, and its runtime reads only {readable}: it will not start",
                fix=Fix(text=f"pack it again with {runtime.compressors[-1]}", action="recompress"),
            )
    if envelope.update_information:
        for mistake in mistakes(envelope.update_information, facts.name, facts.arch):
            yield finding(
                "update-information-malformed", "", mistake, evidence=[envelope.update_information], key=mistake
            )
    if envelope.signature.status == "unverifiable":
        yield finding("signature-without-key", "", envelope.signature.reason or "its signature cannot be verified")
