"""Tells what a Python process imports and opens.  Runs in every interpreter of a traced bundle, 3.6 or newer, never in ours.

A ``.pth`` file in ``site-packages`` executes it, which reaches interpreters that ignore the environment (``-E``, ``-I``) and those that a process
starts.  It imports nothing that an interpreter has not loaded by then or has built in.  Its name space holds ``REPORT``, the directory to write to.

Each process appends lines to a file of its own there: a kind, a blank, a text in hexadecimal.  Kinds: ``open`` and ``dlopen`` with a path,
``wanted`` with a module's name that an import asked for, ``module`` with a name that is in ``sys.modules``.
"""

import atexit
import os
import sys
from _thread import get_ident

TEXTS = (str, bytes)
MARK = "inspector_trace"


class Report:
    """The file of this process; each thing is told once."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.process = -1
        self.descriptor = -1
        self.told: set[str] = set()
        self.busy: set[int] = set()

    def tell(self, kind: str, text: str) -> None:
        """Write a line, unless it was written before by this process or the one that it was forked from."""
        line = kind + " " + text.encode("utf-8", "surrogateescape").hex()
        if line in self.told:
            return
        if self.process != os.getpid():
            self.process = os.getpid()
            path = self.directory + "/" + str(self.process)
            self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
        self.told.add(line)
        os.write(self.descriptor, line.encode("ascii") + b"\n")

    def tell_path(self, kind: str, path: object) -> None:
        """Write a path, absolute."""
        if hasattr(path, "__fspath__"):
            path = path.__fspath__()
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and path:
            if kind == "open" and not path.startswith("/"):
                path = os.getcwd() + "/" + path  # noqa: PTH109 - pathlib may be gone
            self.tell(kind, path)

    def hear(self, event: str, values: "tuple[object, ...]") -> None:
        """An audit hook (PEP 578); what goes wrong here must never reach the program."""
        if event not in HEARD:
            return
        thread = get_ident()
        if thread in self.busy:  # our own os.open
            return
        self.busy.add(thread)
        try:
            if event == "open":
                self.tell_path("open", values[0])
            elif event == "ctypes.dlopen":
                self.tell_path("dlopen", values[0])
            else:
                if isinstance(values[0], str):
                    self.tell("wanted", values[0])
                if len(values) > 1 and isinstance(values[1], TEXTS):
                    self.tell_path("open", values[1])
        except Exception:  # noqa: BLE001, S110
            pass
        finally:
            self.busy.discard(thread)

    def tell_modules(self) -> None:
        """Every module that is loaded, and the file that it says it came from."""
        for name, module in list(sys.modules.items()):
            try:
                spec = getattr(module, "__spec__", None)
                if isinstance(name, str) and spec is not None and spec.origin not in ("built-in", "frozen"):
                    self.tell("module", name)
                    for place in (spec.origin, spec.cached):
                        if isinstance(place, str) and place.startswith("/") and os.path.isfile(place):  # noqa: PTH113
                            self.tell("open" if place == spec.origin else "cached", place)
            except Exception:  # noqa: BLE001, S112 - a module may be anything
                continue


HEARD = ("import", "open", "ctypes.dlopen")


def install(directory: str) -> None:
    """Begin, once in a process.  Before Python 3.8 there are no audit events, and only the modules are told."""
    if MARK in sys.__dict__:
        return
    report = Report(directory)
    sys.__dict__[MARK] = report
    report.tell_modules()
    atexit.register(report.tell_modules)
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(report.hear)


if "REPORT" in globals():
    install(globals()["REPORT"])
