"""Rule family floors: what the artifact asks of the host's C library, and version requests that nobody can answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.checks.finding import finding
from inspector.facts.binaries.floor_causes import remedy_for
from inspector.facts.binaries.floors import VersionRequest
from inspector.facts.facts import Facts
from inspector.model import Finding, Fix

RULES = (
    "glibc-floor",
    "glibc-private-symbol",
    "relr-without-marker",
    "version-missing-in-bundled-library",
    "musl-and-glibc-mixed",
)

_MOST_NAMED = 5
_RELR_MARKER = "GLIBC_ABI_DT_RELR"


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    yield from _glibc_floor(facts)
    yield from _private_symbols(facts)
    yield from _relr(facts)
    yield from _unmet_versions(facts)
    yield from _mixed_libcs(facts)


def symbols_behind(facts: Facts, request: VersionRequest) -> list[str]:
    """The names of the imported symbols that carry a request's version, sorted."""
    found = facts.object(request.file)
    return sorted(found.elf.symbols.names_with_version(request.index)) if found is not None else []


def _glibc_floor(facts: Facts) -> Iterator[Finding]:
    floor = next((floor for floor in facts.floors if floor.namespace == "GLIBC"), None)
    if floor is None or floor.host_version is None:
        return
    causes = [
        cause for cause in floor.causes if cause.from_host and cause.number == floor.host_version and not cause.weak
    ]
    symbols = sorted({symbol for cause in causes for symbol in symbols_behind(facts, cause)})
    remedy = remedy_for("GLIBC", floor.host_version, symbols)
    yield finding(
        "glibc-floor",
        "",
        f"needs glibc {floor.host_version} or newer on the host, because of {_listed([cause.file for cause in causes])}",
        evidence=[
            f"{cause.file} asks {cause.library} for {cause.version}: {_listed(symbols_behind(facts, cause))}"
            for cause in causes[:_MOST_NAMED]
        ],
        fix=Fix(text=remedy) if remedy else None,
        key="glibc",
    )


def _private_symbols(facts: Facts) -> Iterator[Finding]:
    for request in facts.requests:
        if request.version == "GLIBC_PRIVATE" and request.from_host:
            names = _listed(symbols_behind(facts, request))
            yield finding(
                "glibc-private-symbol",
                request.file,
                f"asks {request.library} for GLIBC_PRIVATE ({names}), which fits exactly the glibc that it was built with",
                key=request.library,
            )


def _relr(facts: Facts) -> Iterator[Finding]:
    marked = {request.file for request in facts.requests if request.version == _RELR_MARKER}
    for found in facts.objects:
        # glibc 2.36 elf/dl-version.c: the test concerns objects that need libc.so and have version requests at all
        libc_needed = any(name.startswith("libc.so.") for name in found.elf.needed)
        if found.elf.has_relr and libc_needed and found.elf.verneed and found.path not in marked:
            yield finding(
                "relr-without-marker", found.path, f"has DT_RELR relocations and does not ask for {_RELR_MARKER}"
            )


def _unmet_versions(facts: Facts) -> Iterator[Finding]:
    for unmet in facts.unmet_versions:
        yield finding(
            "version-missing-in-bundled-library",
            unmet.file,
            f"asks for {unmet.version}, which the bundled {unmet.provider} does not define",
            evidence=[f"{' -> '.join(facts.graph.chain_to(unmet.file))} -> {unmet.provider}"],
            severity="warning" if unmet.weak else None,
            key=f"{unmet.provider} {unmet.version}",
        )


def _mixed_libcs(facts: Facts) -> Iterator[Finding]:
    musl = [
        found.path
        for found in facts.objects
        if any(_is_musl(name) for name in (*found.elf.needed, found.elf.interpreter or ""))
    ]
    glibc = [found.path for found in facts.objects if "libc.so.6" in found.elf.needed]
    if musl and glibc:
        yield finding(
            "musl-and-glibc-mixed",
            "",
            f"{len(glibc)} objects are linked with glibc and {len(musl)} with musl",
            evidence=[f"glibc: {_listed(glibc)}", f"musl: {_listed(musl)}"],
        )


def _is_musl(name: str) -> bool:
    base = name.rpartition("/")[2]
    return base.startswith(("ld-musl-", "libc.musl-"))


def _listed(names: Sequence[str]) -> str:
    """Names as one clause; the rest is counted."""
    if not names:
        return "no symbol of the dynamic table"
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
