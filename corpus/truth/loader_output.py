"""What the real loaders write, read into values: glibc's trace mode and messages, musl's ``--list``, and the lines of our probes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_RESOLVED = re.compile(r"^\t(?P<name>.+?) => (?P<path>.+) \(0x[0-9a-f]+\)$")
_NOT_FOUND = re.compile(r"^\t(?P<name>.+?) => not found$")
_PLAIN = re.compile(r"^\t(?P<name>\S.*) \(0x[0-9a-f]+\)$")
_VERSION = re.compile(
    r"^(?P<program>.*?): (?P<file>\S+): version `(?P<version>[^']*)' not found \(required by (?P<needed_by>.*)\)$"
)
_SYMBOL = re.compile(
    r"(?:undefined symbol: (?P<name>[^\s,]+)(?:, version (?P<version>\S*))?"
    r"|symbol (?P<bound>\S+)[,]? version (?P<bound_version>\S+) not defined in file (?P<file>\S+) with link time reference)"
)
_SYMBOL_LINE = re.compile(r"^(?:.*: )?" + _SYMBOL.pattern + r"\t\((?P<object>.*)\)$")
_PRELOAD = re.compile(
    r"^ERROR: ld\.so: object '(?P<object>.*)' from LD_PRELOAD cannot be preloaded \((?P<reason>.*)\): ignored\.$"
)
_FATAL = re.compile(r"error while loading shared libraries: (?P<text>.*)$")
_MUSL_MISSING = re.compile(
    r"^Error loading shared library (?P<name>.*?): (?P<reason>[^:]*) \(needed by (?P<needed_by>.*)\)$"
)
_MUSL_SYMBOL = re.compile(r"^Error relocating (?P<object>.*): (?P<name>[^\s:]+): symbol not found$")
_MUSL_FATAL = re.compile(r"^\S*ld-musl\S*: (?P<text>.*)$")
_WARNING = re.compile(r": (?:no version information available|weak version `[^']*' not found) \(required by ")
_INCONSISTENT = re.compile(r"^Inconsistency detected by ld\.so: (?P<text>.*)$")


@dataclass(frozen=True, slots=True, order=True)
class MissingVersion:
    """A version that the file found for a library does not define.

    :ivar library: file name of the library that was found.
    :ivar needed_by: path of the object that asks for it.
    """

    library: str
    version: str
    needed_by: str


@dataclass(slots=True)
class Trace:
    """What ``LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes LD_BIND_NOW=1`` said of one process.

    :ivar resolved: path by name as it was asked for; objects listed without an arrow (the preloaded ones) by their path.
    :ivar missing: names that were not found.
    :ivar symbols: undefined symbols, each with the object that wants it.
    :ivar fatal: the loader's sentence where it stopped before it listed anything, or an assertion, or a signal.
    :ivar preload: why the object was not preloaded, or None.
    :ivar silent: the program needs no library, and then the loader lists nothing at all, not even what is preloaded ("statically linked").
    :ivar unread: lines that none of the above explains.
    """

    resolved: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    versions: set[MissingVersion] = field(default_factory=set)
    symbols: set[tuple[str, str]] = field(default_factory=set)
    fatal: str | None = None
    preload: str | None = None
    silent: bool = False
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opening:
    """What ``dlopen(object, RTLD_NOW)`` said in the running program.

    :ivar message: None where it was opened, else dlerror's text or what kept the program from starting.
    :ivar started: whether the program itself started.
    :ivar objects: paths of all objects of the process afterwards, in the loader's order.
    """

    message: str | None
    started: bool
    objects: tuple[str, ...] = ()


def read_trace(out: str, err: str, status: int) -> Trace:
    """A trace from both outputs and the exit status (negative: a signal)."""
    trace = Trace()
    for line in out.splitlines():
        if match := _RESOLVED.match(line):
            trace.resolved[match["name"]] = match["path"]
        elif match := _NOT_FOUND.match(line):
            trace.missing.add(match["name"])
        elif match := _PLAIN.match(line):
            if "/" in match["name"]:
                trace.resolved[match["name"]] = match["name"]
        elif line.strip() == "statically linked":
            trace.silent = True
        elif line.strip():
            trace.unread.append(line)
    for line in err.splitlines():
        _read_error(line, trace)
    if status < 0 and not trace.missing:
        trace.fatal = trace.fatal or f"signal {-status}"
    return trace


def _read_error(line: str, trace: Trace) -> None:
    if match := _MUSL_MISSING.match(line):
        trace.missing.add(match["name"])
        trace.resolved.pop(match["name"], None)
    elif match := _MUSL_SYMBOL.match(line):
        trace.symbols.add((match["name"], match["object"]))
    elif match := _MUSL_FATAL.match(line):
        # musl 1.2.2 does not list every program that it starts ("Not a valid dynamic program").
        trace.silent = True
    elif match := _VERSION.match(line):
        trace.versions.add(MissingVersion(match["file"].rpartition("/")[2], match["version"], match["needed_by"]))
    elif match := _SYMBOL_LINE.match(line):
        trace.symbols.add((match["name"] or match["bound"], match["object"]))
    elif match := _PRELOAD.match(line):
        trace.preload = match["reason"]
    elif (match := _FATAL.search(line)) or (match := _INCONSISTENT.match(line)):
        trace.fatal = match["text"]
    elif line and not _WARNING.search(line):
        trace.unread.append(line)


def read_opening(out: str, err: str, status: int) -> Opening:
    """What the open probe said."""
    lines = [line.removeprefix("probe: ") for line in out.splitlines() if line.startswith("probe: ")]
    objects = tuple(line.removeprefix("object ") for line in lines if line.startswith("object "))
    if "opened" in lines:
        return Opening(None, True, objects)
    refusals = [line.removeprefix("refused ") for line in lines if line.startswith("refused ")]
    if refusals:
        return Opening(refusals[0], True)
    return Opening(failure_text(err, status), False)


def read_start(out: str, err: str, status: int) -> str | None:
    """None where the program started, else what the loader said.

    The start probe is not reached in a program without start files on musl, whose loader leaves constructors to them; it ends with 0 then.
    """
    return None if status == 0 or "probe: started" in out.splitlines() else failure_text(err, status)


def failure_text(err: str, status: int) -> str:
    """The loader's own words without the program's name in front, or the signal or status that ended it."""
    text = [
        line for line in err.splitlines() if line and "cannot be preloaded" not in line and not _WARNING.search(line)
    ]
    if text:
        return "\n".join(text)
    return f"signal {-status}" if status < 0 else f"ended with status {status} and said nothing"
