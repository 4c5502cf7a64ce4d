"""What the host verdicts come to: how many systems start, which is the oldest, which is the first to fail and why.  Pure; printed elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from inspector.quantities import format_count
from inspector.result import FailedObject, HostVerdict, Result

_SYMBOLS_NAMED = 1
_MUSL_NAMES = ("libc.musl-", "ld-musl-")  # the C library's names that a program built with musl needs


class HostFailure(Struct, frozen=True):
    """One thing that a root object misses on a host.

    :ivar wanted: "GLIBC_2.34", "libfoo.so.1", or a symbol's name.
    :ivar kind: what is wanted.
    :ivar provider: the library that should define the version; "" for the other kinds.
    :ivar needed_by: tree path of the object that asks for it.
    :ivar symbols: of a version, those behind it, the first 20 of :attr:`symbol_count`.
    """

    wanted: str
    kind: str
    provider: str
    needed_by: str
    symbols: tuple[str, ...] = ()
    symbol_count: int = 0


def is_musl(host: HostVerdict) -> bool:
    """Whether the system's C library is musl; such systems are counted apart."""
    return host.libc == "musl"


def starts(host: HostVerdict) -> bool:
    """Whether it starts there at all, be it with parts that do not load."""
    return host.verdict in ("starts", "degraded")


def failures(result: Result, failed: FailedObject) -> Iterator[HostFailure]:
    """What one root misses: libraries, then versions with the symbols that the floors name, then symbols."""
    for name in failed.missing_libraries:
        yield HostFailure(name, "library", "", _who_needs(result, failed.path, name))
    for missing in failed.missing_versions:
        version, library = missing.get("version", ""), missing.get("library", "")
        needed_by = missing.get("needed_by", failed.path)
        told = missing.get("symbols", "")  # a Result of a newer program names them itself
        symbols, count = _symbols_behind(result, needed_by, library, version)
        if told:
            symbols, count = tuple(told.split(", ")), told.count(", ") + 1
        yield HostFailure(version, "version", library, needed_by, symbols, count)
    for name in failed.missing_symbols:
        yield HostFailure(name, "symbol", "", failed.path)


def describe_failure(failure: HostFailure, *, symbols: int = _SYMBOLS_NAMED) -> str:
    """``"GLIBC_2.34 wanted by usr/bin/python3.11 (__libc_start_main)"``.

    :param symbols: how many of the symbols behind a version are named; the others are counted.
    """
    named = ", ".join(failure.symbols[:symbols])
    left = failure.symbol_count - min(symbols, len(failure.symbols))
    more = f" and {format_count(left)} more" if named and left > 0 else ""
    return f"{failure.wanted} wanted by {failure.needed_by}" + (f" ({named}{more})" if named else "")


def decisive_failure(result: Result, host: HostVerdict) -> HostFailure | None:
    """What stops an entry of the artifact there, its highest version; where no entry fails, what another root misses.

    None where the verdict names nothing that is missing, and only its message says what is wrong.
    """
    entries = {root.path for root in result.roots if root.role == "entry"}
    deciding = [failed for failed in host.objects if failed.path in entries] or list(host.objects)
    found = [failure for failed in deciding for failure in failures(result, failed)]
    return max(found, key=_weight, default=None)


def _weight(failure: HostFailure) -> tuple[bool, bool, list[int], bool]:
    """A library that is not there goes before versions, the C library's before others, a high one before a low one."""
    numbers = [int(part) for part in re.findall(r"[0-9]+", failure.wanted)] if failure.kind == "version" else []
    return failure.kind == "library", failure.wanted.startswith("GLIBC_"), numbers, bool(failure.symbols)


def summarize_hosts(result: Result) -> list[str]:
    """One sentence on the systems with glibc, one on those with musl; none where nothing was judged."""
    glibc = [host for host in result.hosts if not is_musl(host)]
    musl = [host for host in result.hosts if is_musl(host)]
    sentences = []
    if glibc:
        usual = all(host.variant == "desktop" for host in glibc)  # what is judged where nobody names systems
        sentences.append(_summarize(result, glibc, "supported system" if usual else "system"))
    if musl:
        text = _summarize(result, musl, "system")
        sentences.append(f"musl: {text[0].lower()}{text[1:]}")
    return sentences


def systems_lacking(result: Result) -> dict[str, tuple[int, int]]:
    """By name of a missing library, and by version that is not defined: on how many systems an entry lacks it, and on how many any root does.

    Systems of the other C library are left out: a bundle for glibc does not start with musl whatever is mended, nor the other way round.
    Variants of one system count once.
    """
    for_musl = any(need.name.startswith(_MUSL_NAMES) for library in result.libraries for need in library.needed)
    entries = {root.path for root in result.roots if root.role == "entry"}
    systems: dict[str, tuple[set[str], set[str]]] = {}
    for host in result.hosts:
        if is_musl(host) != for_musl:
            continue
        for failed in host.objects:
            wanted = [*failed.missing_libraries, *(missing.get("version", "") for missing in failed.missing_versions)]
            for name in wanted:
                stopped, any_root = systems.setdefault(name, (set(), set()))
                any_root.add(host.id)
                if failed.path in entries:
                    stopped.add(host.id)
    return {name: (len(stopped), len(any_root)) for name, (stopped, any_root) in systems.items()}


def _summarize(result: Result, hosts: Sequence[HostVerdict], noun: str) -> str:
    started = [host for host in hosts if starts(host)]
    failed = [host for host in hosts if host.verdict == "fails"]
    unknown = sum(host.verdict == "unknown" for host in hosts)
    degraded = sum(host.verdict == "degraded" for host in hosts)
    assumed = sum(host.basis == "assumed" for host in hosts)
    plural = noun if len(hosts) == 1 else f"{noun}s"
    parts = [f"Starts on {len(started) or 'none'} of {len(hosts)} {plural}"]
    asides = ((degraded, "degraded"), (unknown, "unknown"), (assumed, "assumed"))
    aside = ", ".join(f"{count} {what}" for count, what in asides if count)
    parts[0] += f" ({aside})" if aside else ""
    dated = any(host.released for host in hosts)
    if started and failed and dated:
        parts.append(f"oldest: {_name(min(started, key=_age), hosts)}")
    if failed:
        nearest = min(failed, key=lambda host: len(host.objects))  # the fewest objects that do not load
        first = max(failed, key=_age) if dated and started else nearest
        reason = decisive_failure(result, first)
        why = describe_failure(reason) if reason is not None else _without_path(first)
        if len(failed) == len(hosts) and all(decisive_failure(result, host) == reason for host in failed):
            parts.append(why)
        else:
            which = (
                "first to fail:" if dated and started else "fails on" if len(failed) == 1 else "fails for example on"
            )
            parts.append(f"{which} {_name(first, hosts)}, {why}")
    if not failed and (degraded or unknown):
        word = "degraded" if degraded >= unknown else "unknown"
        example = next((host for host in hosts if host.verdict == word and host.message), None)
        if example is not None:
            parts.append(f"{word} for example on {_name(example, hosts)}, {_without_path(example)}")
    return "; ".join(parts)


def _without_path(host: HostVerdict) -> str:
    """What the loader says, without the name of the program that it says it of."""
    paths = [failed.path for failed in host.objects]
    return next(
        (host.message.removeprefix(f"{path}: ") for path in paths if host.message.startswith(f"{path}: ")), host.message
    )


def _age(host: HostVerdict) -> str:
    """Sorts systems by the day of their release; rolling ones are always of today."""
    return host.released or "9999"


def _name(host: HostVerdict, hosts: Sequence[HostVerdict]) -> str:
    """The system's name, with the variant where both are judged."""
    mixed = len({other.variant for other in hosts}) > 1
    return f"{host.name} {host.variant}" if mixed or host.variant == "minimal" else host.name


def _who_needs(result: Result, root: str, name: str) -> str:
    """The object in the root's closure that asks for a library; the root itself where the Result does not tell."""
    rows = {row.path: row for row in result.libraries}
    waiting, seen = [root], {root}
    while waiting:
        row = rows.get(waiting.pop(0))
        if row is None:
            continue
        for needed in row.needed:
            if needed.name == name:
                return row.path
            if needed.path is not None and needed.path not in seen:
                seen.add(needed.path)
                waiting.append(needed.path)
    return root


def _symbols_behind(result: Result, file: str, library: str, version: str) -> tuple[tuple[str, ...], int]:
    for floor in result.floors.values():
        for cause in floor.causes:
            if (cause.file, cause.library, cause.version) == (file, library, version):
                return cause.symbols, cause.symbol_count
    return (), 0
