"""What is done to an AppImage's tree before it is rebuilt: functions from an opened artifact to the tree that is to be written.

Their time is not counted: the benchmark measures the rebuild alone.  Any other function can be named as ``module:function``.
"""

from __future__ import annotations

import atexit
import importlib
import shutil
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.errors import FormatError
from inspector.facts.collect import collect_facts
from inspector.formats.elf import read_elf
from inspector.formats.elf.strip import strip_elf
from inspector.limits import Limits
from inspector.slim.making.apply import apply_plan
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree, unchanged_tree
from inspector.slim.making.products import Products, make_elf_products
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan_maker import make_plan
from inspector.source import BytesSource

Plan = Callable[[Artifact], PlannedTree]

_GONE_DIRECTORIES = frozenset({"test", "tests", "include", "idlelib", "lib2to3", "ensurepip", "turtledemo"})
_GONE_ENDINGS = (".a", ".h", ".hpp", ".pxd", ".pyx", ".opt-1.pyc", ".opt-2.pyc")
_SMALL_SHARE = 0.05
"""Of all raw bytes, what the plans "small" and "scattered" remove or change at most."""


def moderate(artifact: Artifact) -> PlannedTree:
    """What ``inspect slim`` does by default, but for bytecode that it would compile with the bundle's interpreter."""
    limits = Limits()
    facts = collect_facts(artifact, limits)
    plan = make_plan(artifact, facts, SlimOptions(), limits)
    scratch = Path(tempfile.mkdtemp(prefix="rebuild-products-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    products = Products(scratch)
    make_elf_products(plan, artifact.tree, products, limits)
    planned = apply_plan(plan, artifact.tree, products, limits)
    products.close()
    return planned


def small(artifact: Artifact) -> PlannedTree:
    """Development files that go and ELF files that are stripped, as many as make 5 % of the bytes, half by half."""
    before = unchanged_tree(artifact.tree).entries
    for_removals = for_strips = int(_SMALL_SHARE / 2 * sum(entry.size for entry in before.values()))
    planned = {}
    for path, entry in before.items():
        if entry.kind is Kind.FILE and _is_development_file(path):
            if entry.size <= for_removals:
                for_removals -= entry.size
                continue
        elif entry.size <= for_strips:
            stripped = _stripped(entry)
            if not stripped.is_unchanged:
                for_strips -= entry.size
                planned[path] = stripped
                continue
        planned[path] = entry
    return PlannedTree(planned)


def scattered(artifact: Artifact) -> PlannedTree:
    """Files all over the tree with 5 % of the bytes get one other byte each: the worst for whoever copies, as most fragments hold one of them."""
    before = unchanged_tree(artifact.tree).entries
    budget = int(_SMALL_SHARE * sum(entry.size for entry in before.values()))
    planned = dict(before)
    for path in sorted(before, key=lambda path: blake2b(path.encode()).digest()):
        entry = before[path]
        if entry.kind is Kind.FILE and 0 < entry.size <= budget // 4 and entry.node is not None:
            budget -= entry.size
            content = entry.node.read_at(0, entry.size)
            planned[path] = _with_content(entry, content[:-1] + bytes([content[-1] ^ 1]))
    return PlannedTree(planned)


PLANS: dict[str, Plan] = {"moderate": moderate, "small": small, "scattered": scattered}


def find_plan(name: str) -> Plan:
    """A plan by its name, or by ``module:function``.

    :raises KeyError: where there is none.
    """
    module, colon, function = name.partition(":")
    if not colon:
        return PLANS[name]
    try:
        return cast("Plan", getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError) as error:
        raise KeyError(name) from error


def touched_share(before: PlannedTree, after: PlannedTree) -> float:
    """How much of the raw bytes belongs to files that are gone or have new content; 0 to 1."""
    total = touched = 0
    for path, entry in before.entries.items():
        total += entry.size
        now = after.get(path)
        if now is None or not now.is_unchanged:
            touched += entry.size
    return touched / max(total, 1)


def _is_development_file(path: str) -> bool:
    directories = path.split("/")[:-1]
    return path.endswith(_GONE_ENDINGS) or not _GONE_DIRECTORIES.isdisjoint(directories)


def _stripped(entry: PlannedEntry) -> PlannedEntry:
    node = entry.node
    if entry.kind is not Kind.FILE or node is None or node.read_at(0, 4) != b"\x7fELF":
        return entry
    try:
        content = strip_elf(node, read_elf(node)).content
    except FormatError:
        return entry
    return entry if content is None else _with_content(entry, content.read_at(0, content.size))


def _with_content(entry: PlannedEntry, content: bytes) -> PlannedEntry:
    return replace(entry, content=BytesSource(content), size=len(content))
