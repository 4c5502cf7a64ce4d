"""The new contents that a plan asks for: ELF files stripped, search paths repaired; one behind the other in a file of the scratch directory.

Compiled bytecode needs the bundle's interpreter (:mod:`inspector.slim.making.bytecode`), and records need all other products
(:mod:`inspector.slim.making.apply`); both are put in here too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.formats.elf import ElfFile, read_elf
from inspector.formats.elf.debug_split import split_debug
from inspector.formats.elf.runpath import SearchPathKind, remove_search_path
from inspector.formats.elf.strip import strip_elf
from inspector.limits import Limits
from inspector.progress import SILENT, Progress
from inspector.slim.making.lief_adapter import write_search_path
from inspector.slim.planning.plan import Plan
from inspector.source import BytesSource, FileSource, Source

_STEP = 1 << 20


class Products:
    """New contents by tree path, and what could not be done.

    :param scratch: directory of the file that holds them.
    :ivar left: by tree path, why a file stays as it was.
    :ivar asked: by tree path of an ELF file, what was done or tried: its new search path, and whether it was stripped.
    """

    def __init__(self, scratch: Path) -> None:
        self._path = scratch / "products"
        self._stream = self._path.open("xb")
        self._source: FileSource | None = None
        self._ranges: dict[str, tuple[int, int]] = {}
        self.left: dict[str, str] = {}
        self.asked: dict[str, tuple[str | None, bool]] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._ranges

    def put(self, path: str, content: Source | bytes) -> None:
        """Keep the new content of a path.

        :raises FormatError: where the source cannot be read.
        :raises OSError: where the scratch directory is full.
        """
        source = BytesSource(content) if isinstance(content, bytes) else content
        start = self._stream.tell()
        for offset in range(0, source.size, _STEP):
            self._stream.write(source.read_at(offset, min(_STEP, source.size - offset)))
        self._stream.flush()
        self._ranges[path] = (start, source.size)
        if self._source is not None:
            self._source.close()
            self._source = None

    def forget(self, path: str) -> None:
        """Let a path keep its own content; what was given out before stays readable."""
        self._ranges.pop(path, None)
        self.left.pop(path, None)

    def get(self, path: str) -> Source | None:
        """The new content, or None where the path keeps its own."""
        found = self._ranges.get(path)
        if found is None:
            return None
        return _Range(self, *found)

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes of the common file."""
        if self._source is None:
            self._source = FileSource(self._path)
        return self._source.read_at(offset, length)

    def close(self) -> None:
        """Give the file back: nothing can be put in any more, and what is read opens it again."""
        self._stream.close()
        if self._source is not None:
            self._source.close()
            self._source = None


class _Range:
    """One product as a Source; the common file may still grow."""

    def __init__(self, products: Products, start: int, size: int) -> None:
        self._products, self._start, self.size = products, start, size

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        return self._products.read_at(self._start + offset, length) if offset >= 0 and length > 0 else b""


def make_elf_products(
    plan: Plan,
    tree: Tree,
    products: Products,
    limits: Limits,
    *,
    debug_directory: Path | None = None,
    progress: Progress = SILENT,
) -> None:
    """Strip and repair what the plan says and what is not there yet.  A file that cannot be changed safely keeps its bytes, and ``left`` says why.

    :param debug_directory: receives what strip removes, by build ID.
    :raises OSError: where the scratch or the debug directory fails.
    """
    repairs: dict[str, str] = {}
    stripped: set[str] = set()
    for action in plan.actions:
        if action.kind == "search-path":
            repairs.update(action.details)
        elif action.kind == "strip":
            stripped.update(action.paths)
    wanted = {path: (repairs.get(path), path in stripped) for path in (*repairs, *stripped)}
    todo = {path for path, asked in wanted.items() if products.asked.get(path) != asked}
    progress.stage("Stripping", total=len(todo))
    for node in tree.files_in_read_order():
        if node.path not in todo:
            continue
        products.forget(node.path)
        products.asked[node.path] = wanted[node.path]
        try:
            content = _changed(node, *wanted[node.path], limits, debug_directory, products)
        except FormatError as error:
            products.left[node.path] = str(error)
            content = None
        if content is not None:
            products.put(node.path, content)
        progress.advance()


def _changed(
    node: Node, repair: str | None, strip: bool, limits: Limits, debug_directory: Path | None, products: Products
) -> Source | None:
    """The new content of one ELF file, None where it stays as it is."""
    source: Source = node
    elf = read_elf(source, limits)
    changed = False
    if repair is not None:
        repaired = _repaired(source, elf, repair)
        if repaired is None:
            products.left[node.path] = "its search path cannot be changed safely"
        else:
            source, changed = repaired, True
            elf = read_elf(source, limits)
    if strip:
        if debug_directory is not None:
            split = split_debug(source, elf, node.path)
            outcome = split.stripped
            if split.debug is not None and split.path is not None and outcome.content is not None:
                _keep_debug(split.debug, debug_directory, split.path)
        else:
            outcome = strip_elf(source, elf)
        if outcome.content is not None:
            return outcome.content
        if not changed:
            products.left[node.path] = outcome.reason or "it cannot be stripped"
    return source if changed else None


def _repaired(source: Source, elf: ElfFile, repair: str) -> Source | None:
    """``"runpath:$ORIGIN/../lib"`` done; nothing behind the colon takes the entry away."""
    kind, _, new = repair.partition(":")
    named = cast("SearchPathKind", kind)
    changed = write_search_path(source, elf, named, new) if new else remove_search_path(source, elf, named)
    return BytesSource(changed) if isinstance(changed, bytes) else changed


def _keep_debug(debug: Source, directory: Path, path: str) -> None:
    """A separate debug file under its final name only when it is whole."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    target = directory.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:200]}.part")
    with temporary.open("wb") as stream:
        for offset in range(0, debug.size, _STEP):
            stream.write(debug.read_at(offset, min(_STEP, debug.size - offset)))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(target)


def bytecode_wanted(plan: Plan) -> dict[str, str]:
    """Tree path of the source by tree path of the bytecode that the plan has compiled."""
    wanted: dict[str, str] = {}
    for action in plan.actions:
        if action.kind == "compile":
            wanted.update(action.details)
    return wanted
