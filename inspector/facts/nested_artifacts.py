"""The artifacts inside an artifact, and which of them are cargo that the application neither starts nor imports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from msgspec import Struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.nesting import open_nested
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.kinds import is_test
from inspector.limits import Limits
from inspector.resources import load_table


class FoundNested(Struct, frozen=True):
    """One artifact inside another.

    :ivar path: tree path of the member that it is.
    :ivar inert: why it is no part of the application, or "".
    """

    path: str
    artifact: Artifact
    inert: str


def find_nested(artifact: Artifact, objects: Sequence[ElfObject], limits: Limits) -> Iterator[FoundNested]:
    """The members that were noted in :attr:`Artifact.archives` and that a reader opens, by path."""
    headers = {found.path: found.elf for found in objects}
    for path in sorted(artifact.archives):
        opened = open_nested(artifact, path, limits, headers.get(path))
        if opened is not None:
            yield FoundNested(path, opened.artifact, why_inert(path))


def why_inert(path: str) -> str:
    """Why an artifact at a path is neither started nor imported by what it lies in; "" where it may be."""
    for pattern, reason in _patterns():
        if pattern.search(f"/{path}"):
            return reason
    return "it lies in a test suite" if is_test(path) else ""


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = load_table("nesting/inert.toml")["inert"]
    return tuple((re.compile(row["pattern"]), row["reason"]) for row in rows)
