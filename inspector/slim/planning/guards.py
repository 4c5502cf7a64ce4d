"""What no rule may take, and what a rule may not take in this bundle: licence texts, metadata, the launcher, what the user keeps, what code asks for.

The words and places stand in ``rules/prune/guards.toml``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from inspector.artifact.artifact import Artifact
from inspector.artifact.nesting import SEPARATOR
from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.facts.facts import Facts
from inspector.facts.loading.run_time_paths import mount_of
from inspector.patterns import lazy_pattern
from inspector.resources import load_table
from inspector.slim.options import SlimOptions
from inspector.slim.planning.prune_rules import GuardName, Matcher, Place, PruneRule
from inspector.slim.planning.source_words import SourceWords
from inspector.slim.planning.traced_use import TracedUse

_ANCHOR = lazy_pattern(r"\\[zZ]$")  # of what fnmatch.translate() writes
_ARCHIVES = (
    b"!<arch>\n",
    b"!<thin>\n",
    b"\x7fELF",
    b"# ",
    b"#\n",
    b"BC\xc0\xde",
)  # ar(1), ELF, libtool's text, LLVM bitcode

_INSTALLED = frozenset(("wheel", "egg", "sdist", "conda-package"))
"""Formats of what others install and build on; every other artifact is an application."""


class ImportAnswers(Protocol):
    """What the import graph says of files."""

    def why_imported(self, path: str) -> str | None:
        """A clause that says who imports the module that a file belongs to; None where nobody does."""
        ...

    def why_read(self, path: str) -> str | None:
        """A clause that says which module names a data file; None where none does."""
        ...


class Guards:
    """Answers for one bundle.

    :param imports: what the import graph says; None where there is none.
    :param traced: what runs have used.
    :param taken: other programs that take members from this artifact when they start, by the member's path.
    """

    def __init__(
        self,
        artifact: Artifact,
        facts: Facts,
        options: SlimOptions,
        imports: ImportAnswers | None = None,
        traced: TracedUse | None = None,
        taken: Mapping[str, str] | None = None,
    ) -> None:
        self._traced = traced or TracedUse()
        self._tree = artifact.tree
        self._imports = imports
        self._words = SourceWords(artifact.tree)
        self._taken = taken or {}
        self._kept = globs_pattern(options.keep)
        self._is_installed = artifact.format in _INSTALLED
        self._unchanged = frozenset([artifact.layout.launcher] if artifact.format == "pyinstaller" else [])
        self._started: dict[str, str] = {}
        for path, reason in _started(artifact, facts):
            self._started.setdefault(path, reason)
        table = load_table("prune/guards.toml")
        self._licenses = _matcher(table["licenses"])
        self._metadata = _matcher(table["metadata"])
        self._metadata_reason: str = table["metadata"]["reason"]
        self._data = [
            (_matcher(row), str(row["reason"]), bool(row.get("goes_with_reader", False)))
            for row in table["data"]["kept"]
        ]
        self._asked: Mapping[GuardName, Callable[[str], str | None]] = {
            "compiles-at-run-time": self._compiles,
            "headers-are-asked-for": self._words.who_asks_for_headers,
            "stubs-are-read": self._words.who_reads_stubs,
            "not-imported": self._imported,
            "data-not-read": self._read,
            "test-data-not-read": self._read_by_its_name,
            "is-an-archive": self._other_than_archive,
            "is-no-product": self._product,
        }

    def reason_to_keep(self, rule: PruneRule, path: str, *, by_command: bool = False) -> str | None:
        """Why a rule must leave a path where it is, a clause; None where it may go.

        :param by_command: whether the user named the path to be removed.
        """
        reason = self.never(path)
        if reason is not None or by_command:
            return reason
        reason = self._usually(rule, path)
        for guard in () if reason is not None else rule.guards:
            reason = self._asked[guard](path)
            if reason is not None:
                break
        return reason

    def is_kept(self, path: str) -> bool:
        """Whether a path is not changed either: ``--keep`` names it, it lies inside another file, or it is the starter around an archive."""
        if SEPARATOR in path or path in self._unchanged:
            return True
        return self._kept is not None and self._kept.match(path) is not None

    def never(self, path: str) -> str | None:
        """Why a path stays whatever anybody asks for."""
        if SEPARATOR in path:
            return "it lies inside another file"
        if self._kept is not None and self._kept.match(path) is not None:
            return "--keep names it"
        if self._licenses.takes(path):
            return "it is a licence text"
        if path in self._taken:
            return f"{self._taken[path]} takes it from here when it starts"
        return self._started.get(path)

    def _usually(self, rule: PruneRule, path: str) -> str | None:
        if self._metadata.takes(path):
            return self._metadata_reason
        if rule.table != "bytecode" and not rule.asked and self._traced.used(path):
            return "a traced run used it"
        reader_goes = rule.for_applications and not rule.places
        return next(
            (
                reason
                for matcher, reason, goes_with_reader in self._data
                if not (goes_with_reader and reader_goes) and matcher.takes(path)
            ),
            None,
        )

    # -- guards that a rule names

    def _compiles(self, _path: str) -> str | None:
        return self._words.compiler

    def _product(self, _path: str) -> str | None:
        return "who installs the package may check or compile against it" if self._is_installed else None

    def _imported(self, path: str) -> str | None:
        return None if self._imports is None else self._imports.why_imported(path)

    def _read(self, path: str) -> str | None:
        return None if self._imports is None else self._imports.why_read(path)

    def _read_by_its_name(self, path: str) -> str | None:
        """Of a file in a test suite: words such as "tests" and "data" are everywhere, only its own name counts."""
        clause = self._read(path)
        return clause if clause is not None and clause.endswith(f" names {path.rpartition('/')[2]}") else None

    def _other_than_archive(self, path: str) -> str | None:
        node = self._tree.get(path)
        if node is None or node.kind is not Kind.FILE:
            return None
        try:
            head = node.read_at(0, 8)
        except (FormatError, OSError):
            return "it cannot be read"
        return None if not head or head.startswith(_ARCHIVES) else "it is no archive and no object file"


def globs_pattern(globs: Iterable[str]) -> re.Pattern[str] | None:
    """Tree paths that one of the globs names, itself or a directory above it; ``*`` crosses "/".  None without globs."""
    plain = [glob.lstrip("/").removeprefix("./").rstrip("/") for glob in globs]
    wholes = [f"(?:{_ANCHOR.sub('', fnmatch.translate(glob))})" for glob in plain if glob]
    return re.compile(rf"(?:{'|'.join(wholes)})(?:/.*)?\Z", re.DOTALL) if wholes else None


@cache
def _places(
    directories: str | None, files: str | None, unwanted: str | None
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    def compiled(text: str | None) -> re.Pattern[str] | None:
        return None if text is None else re.compile(text)

    return (Place(compiled(directories), compiled(files)),), (Place(None, re.compile(unwanted)),) if unwanted else ()


def _matcher(row: Mapping[str, Any]) -> Matcher:
    """Of a table of guards: where it has both, directories and files are alternatives unless the row says that they belong together."""
    directories, files, unwanted = row.get("directories"), row.get("files"), row.get("except")
    if directories is not None and files is not None and not row.get("together", False):
        places, exceptions = _places(directories, None, unwanted)
        return Matcher(places + _places(None, files, unwanted)[0], exceptions)
    return Matcher(*_places(directories, files, unwanted))


def _started(artifact: Artifact, facts: Facts) -> Iterable[tuple[str, str]]:
    """The launcher, what it reads and what it starts, links on the way included."""
    launcher = facts.launcher
    tree: Tree = artifact.tree
    mount = mount_of(artifact)
    for path in artifact.layout.roots:
        yield path, "the starter of the format starts or loads it"
    if launcher.path is not None:
        yield launcher.path, "it is the launcher"
        yield from ((path, "the launcher is a link to it") for path in _behind_links(tree, launcher.path))
    for path in launcher.scripts:
        yield path, "the launcher runs it"
    for path in launcher.programs:
        yield path, "the launcher starts it"
    if launcher.library_path_from is not None:
        yield launcher.library_path_from, "the launcher reads it"
    if facts.own_loader is not None:
        yield facts.own_loader, "it is the dynamic loader that the launcher starts programs with"
    for start in launcher.starts:
        for word in start.arguments:
            named = mount.tree_path(word)
            if named and named in tree:
                yield named, "the launcher names it"


def _behind_links(tree: Tree, path: str) -> Iterable[str]:
    node = tree.resolve(path)
    if node is not None and node.path != path:
        yield node.path
