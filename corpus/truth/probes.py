"""The small C programs that are preloaded into a bundle's programs inside a tree, compiled when they are first needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.programs import require, run
from corpus.recipe import sha256_of
from corpus.store import cache_directory, locked

SOURCES = Path(__file__).with_name("probes")

_FREESTANDING = ("-shared", "-fPIC", "-nostdlib", "-nostartfiles")
_WITH_LIBDL = ("-shared", "-fPIC", "-nostartfiles", "-Wl,--no-as-needed")
_PROBES: dict[str, tuple[str, Sequence[str], Sequence[str]]] = {
    # name: source, options before it, libraries after it; libdl.so.2 holds dlopen up to glibc 2.33 and is an empty library from 2.34
    "start_probe.so": ("start_probe.c", _FREESTANDING, ()),
    "open_probe.so": ("open_probe.c", _WITH_LIBDL, ("-l:libdl.so.2",)),
    "program": ("program.c", ("-nostartfiles", "-Wl,--no-as-needed"), ()),
}

_MUSL_PROBES: dict[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "start_probe.so": _PROBES["start_probe.so"],
    "open_probe.so": ("open_probe.c", ("-shared", "-fPIC"), ()),  # dlopen is in the C library itself
    # Constructors run in __libc_start_main (musl, src/env/__libc_start_main.c), so the program is an ordinary one.
    "program": ("musl_program.c", (), ()),
}


def probes(compiler: str = "gcc") -> Path:
    """The directory with ``start_probe.so``, ``open_probe.so`` and ``program``, for the compiler's machine.

    :raises Unavailable: without the compiler.
    """
    require([compiler])
    sources = _MUSL_PROBES if compiler == "musl-gcc" else _PROBES
    digest = "".join(sha256_of(SOURCES / source)[:8] for source, _, _ in sources.values())
    directory = cache_directory() / "truth/probes" / f"{compiler}-{digest}"
    with locked(f"truth-probes-{compiler}"):
        if not (directory / "complete").exists():
            directory.mkdir(parents=True, exist_ok=True)
            for name, (source, options, libraries) in sources.items():
                run([compiler, "-O1", *options, "-o", directory / name, SOURCES / source, *libraries])
            (directory / "complete").touch()
    return directory
