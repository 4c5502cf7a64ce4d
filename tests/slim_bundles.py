"""Python bundles in memory for tests of slim: an open interpreter or an application, with times, so that bytecode can be valid or stale."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping

from inspector.artifact import Artifact
from inspector.facts.collect import collect_facts
from inspector.limits import Limits
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan import Action, Plan
from inspector.slim.planning.plan_maker import make_plan
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

TIME = 1_700_000_000
"""Seconds since 1970, of every file that a test gives no other."""
LIB = "usr/lib/python3.11"
SITE = f"{LIB}/site-packages"
LOADER = "/lib64/ld-linux-x86-64.so.2"
MAGIC = 3495  # of CPython 3.11
SCRIPT = "usr/share/app/app.py"
OPEN = '#!/bin/sh\nexport PYTHONHOME="$APPDIR/usr"\nexec "$APPDIR/usr/bin/python3.11" "$@"\n'
CLOSED = f'#!/bin/sh\nexport PYTHONHOME="$APPDIR/usr"\nexec "$APPDIR/usr/bin/python3.11" "$APPDIR/{SCRIPT}" "$@"\n'


def program(*needed: str, padding: int = 0) -> bytes:
    """A program for x86-64."""
    return TinyElf(interpreter=LOADER, program=True, needed=(*needed, "libc.so.6"), padding=padding).build()


def library(soname: str | None, *needed: str, runpath: str | None = None, padding: int = 0) -> bytes:
    """A shared library, or an extension module where it has no soname."""
    return TinyElf(soname=soname, needed=needed, runpath=runpath, padding=padding).build()


def pyc(source: bytes, *, mtime: int = TIME, magic: int = MAGIC, flags: int = 0) -> bytes:
    """The header of a compiled module, and something behind it."""
    head = struct.pack("<H2sI", magic, b"\r\n", flags)
    return head + (struct.pack("<II", mtime, len(source)) if not flags else b"hash____") + b"\xe3code"


def cached(path: str, *, level: str = "", tag: str = "cpython-311") -> str:
    """The path of a source's compiled module."""
    directory, _, name = path.rpartition("/")
    optimised = f".opt-{level}" if level else ""
    return f"{directory}/__pycache__/{name.removesuffix('.py')}.{tag}{optimised}.pyc"


def python_bundle(
    files: Mapping[str, Content], *, apprun: str = OPEN, links: Mapping[str, str] | None = None, stdlib: bool = True
) -> Artifact:
    """An AppDir with an interpreter; every file has the time :data:`TIME`."""
    basis: dict[str, Content] = {"AppRun": apprun, "usr/bin/python3.11": program()}
    if stdlib:
        basis |= {f"{LIB}/os.py": "import abc\n", f"{LIB}/abc.py": "X = 1\n", f"{LIB}/encodings/__init__.py": "\n"}
    artifact = appdir({**basis, **files}, links=links)
    for node in artifact.tree:
        node.mtime = TIME
    return artifact


def plan_of(artifact: Artifact, *, exclude: Collection[str] = (), **options: object) -> Plan:
    """The plan for an artifact with these options."""
    facts = collect_facts(artifact, Limits())
    return make_plan(artifact, facts, SlimOptions(**options), Limits(), exclude=exclude)  # type: ignore[arg-type]


def removed(plan: Plan) -> dict[str, str]:
    """The rule by removed path; a path in two actions is a defect."""
    rules: dict[str, str] = {}
    for action in actions(plan, "remove"):
        for path in action.paths:
            assert path not in rules, f"{path} goes twice: {rules[path]} and {action.rule}"
            rules[path] = action.rule
    return rules


def actions(plan: Plan, kind: str) -> list[Action]:
    """The actions of one kind."""
    return [action for action in plan.actions if action.kind == kind]


def kept_reasons(plan: Plan) -> dict[str, str]:
    """Why a path stays although a rule would have taken it."""
    return {path: kept.reason for kept in plan.kept for path in kept.paths}
