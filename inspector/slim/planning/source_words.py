"""What the sources of packages say of stubs, headers and compilers: whether files that usually no program reads are read in this bundle."""

from __future__ import annotations

import posixpath
from functools import cached_property

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.kinds import is_test
from inspector.resources import load_table

_SITES = ("site-packages", "dist-packages")
_MOST_BYTES = 4 << 20  # of one source


class SourceWords:
    """Answers for one tree; the sources are read once, when the first question needs them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        table = load_table("prune/guards.toml")
        self._compilers = frozenset(table["compilers"]["packages"])
        self._stub_readers = frozenset(table["stub_readers"]["packages"])
        self._stub_words = [word.encode() for word in table["stub_readers"]["words"]]
        self._header_words = [word.encode() for word in table["headers"]["words"]]

    @cached_property
    def _packages(self) -> frozenset[str]:
        """Names of all top-level packages that pip installed."""
        return frozenset(package for node in self._tree.files() if (package := package_of(node.path)) is not None)

    @cached_property
    def compiler(self) -> str | None:
        """A clause that names a package which compiles while the program runs, or None."""
        found = sorted(self._compilers & self._packages)
        return f"{found[0]} compiles code while the program runs" if found else None

    @cached_property
    def _readers(self) -> tuple[dict[str, str], dict[str, set[str]]]:
        """For each package the source that reads its stubs; for each package the others whose sources ask for headers."""
        stubs: dict[str, str] = {}
        headers: dict[str, set[str]] = {}
        for node in self._tree.files_in_read_order():
            package = package_of(node.path)
            if package is None or not node.name.endswith(".py") or is_test(node.path):
                continue
            content = _content(node)
            if package not in stubs and any(word in content for word in self._stub_words):
                stubs[package] = node.path
            if any(word in content for word in self._header_words):
                headers.setdefault(package, set()).add(node.path)
        return stubs, headers

    def who_reads_stubs(self, path: str) -> str | None:
        """Why the stub at a tree path is read, a clause; None where it is not."""
        known = sorted(self._stub_readers & self._packages)
        if known:
            return f"{known[0]} reads stubs"
        package = package_of(path)
        reader = None if package is None else self._readers[0].get(package)
        return None if reader is None else f"{reader} reads the package's stubs"

    def who_asks_for_headers(self, path: str) -> str | None:
        """Why a header of a package is asked for, a clause; None where it is not."""
        package = package_of(path)
        for other, sources in sorted(self._readers[1].items()):
            if other != package:
                return f"{min(sources)} asks a package for its headers"
        return None


def package_of(path: str) -> str | None:
    """The top-level package that a tree path in site-packages belongs to; None for others and for metadata."""
    for site in _SITES:
        _, found, rest = path.rpartition(f"{site}/")
        if found:
            name = rest.partition("/")[0]
            if name.endswith((".dist-info", ".egg-info", ".libs", ".data")):
                return None
            return posixpath.splitext(name)[0] if "/" not in rest else name
    return None


def _content(node: Node) -> bytes:
    try:
        return node.read_at(0, min(node.size, _MOST_BYTES))
    except (FormatError, OSError):
        return b""
