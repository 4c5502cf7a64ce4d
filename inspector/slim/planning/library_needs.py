"""Shared libraries after removals: which ones what stays still needs, and which ones only what goes needed.

Needs are those of the load graph, every root loaded by the loader's model; a library that some kept file names in its bytes stays too, as it may be
opened by that name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.facts import Facts
from inspector.facts.python.extension_modules import is_extension_module
from inspector.patterns import lazy_pattern
from inspector.slim.planning.prune_rules import Matcher, PruneRule
from inspector.slim.planning.removals import Removals

_SUFFIX = b".so"
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")
_LONGEST_NAME = 100
_CHUNK = 8 << 20
_OPENERS = (b"ctypes", b"cffi", b"dlopen", b"find_library", b"LoadLibrary")
_CALLS = (b"find_library", b"CDLL", b"PyDLL", b"LoadLibrary", b"dlopen")
"""What takes the name that the linker has for a library."""
_MOST_SOURCE = 4 << 20
_SHORTEST_NAME = 3  # characters of a name without its version; shorter ones are words that stand anywhere
_QUOTED = lazy_pattern(rb"[\"']([^\"'\s]{1,100})[\"']")
_FILE_NAME = lazy_pattern(rb"\blib[^\s\"']{1,100}?\.so")
_VERSION = lazy_pattern(r"[-_.]?\d[\d.]*$")
_BUILD_SETTINGS = "_sysconfigdata"
"""Sources that name libraries and open none: how the interpreter was built."""


class LibraryNeeds:
    """The load graph of one bundle, asked again and again while removals change.

    :param used: objects that count as loaded for their own sake: a run has mapped them.
    """

    def __init__(self, facts: Facts, tree: Tree, used: Collection[str] = ()) -> None:
        self._tree = tree
        self._objects = {found.path: found for found in facts.objects}
        self._needs: Mapping[str, tuple[str, ...]] = {
            path: tuple(need.path for need in needs if need.path is not None)
            for path, needs in facts.graph.needs.items()
        }
        self._loaders = facts.graph.loaders
        self._roots = {
            root.path
            for root in facts.graph.roots
            if root.role != "optional" or root.reason  # the others are what nothing reaches
        }.union(used)
        self._names: dict[str, frozenset[str]] = {}

    def is_library(self, path: str) -> bool:
        """Whether it is there to be loaded by others: no program, no extension module, nothing that is loaded for its own sake."""
        found = self._objects.get(path)
        return (
            found is not None
            and found.elf.type == "DYN"
            and not found.elf.is_program
            and found.elf.has_dynamic
            and path not in self._roots
            and not is_extension_module(found)
        )

    def reached(
        self, removed: Collection[str], *, extra: Iterable[str] = (), without: Collection[str] = ()
    ) -> set[str]:
        """The objects that what stays loads.

        :param removed: tree paths that go; they load nothing.
        :param extra: objects that count as loaded.
        :param without: objects that do not count for their own sake.
        """
        todo = [
            path for path in self._objects if path not in removed and path not in without and not self.is_library(path)
        ]
        todo += [path for path in extra if path not in removed]
        seen = set(todo)
        while todo:
            for path in self._needs.get(todo.pop(), ()):
                if path not in seen and path in self._objects:
                    seen.add(path)
                    todo.append(path)
        return seen

    def restore(self, removals: Removals) -> None:
        """Give back the libraries that what stays needs, but not those whose removal the user asked for: the host is to supply them."""
        while True:
            needed = [
                path
                for path in sorted(self.reached(removals.paths, extra=self._plain_libraries(removals)))
                if (removal := removals.owner(path)) is not None and not removal.rule.asked
            ]
            if not needed:
                return
            for path in needed:
                loader = next(
                    (one for one in self._loaders.get(path, ()) if one not in removals), "an object that stays"
                )
                removals.give_back(path, f"{loader} needs it")

    def _plain_libraries(self, removals: Removals) -> list[str]:
        return [path for path in self._objects if path not in removals and self.is_library(path)]

    def claim_unneeded(self, removals: Removals, orphaned: PruneRule | None, unreached: PruneRule | None) -> None:
        """Claim libraries that nothing loads any more, until there are no further ones.

        :param orphaned: the rule for those whose loaders all go; None: they stay.
        :param unreached: the rule for those that nothing ever needed.
        """
        spared = Matcher(unreached.exceptions) if unreached is not None else None
        extra: set[str] = set()
        while True:
            reached = self.reached(removals.paths, extra=extra)
            candidates = {
                path for path in self._objects if self.is_library(path) and path not in reached and path not in removals
            }
            orphans = {path for path in candidates if self._lost_its_loaders(path, removals, candidates)}
            wanted = orphans | {path for path in candidates if spared is not None and not spared.takes(path)}
            named = self._named(wanted, removals, candidates)
            if not named or named.keys() <= extra:
                break
            extra |= named.keys()
            for path, by in named.items():
                removals.keep("unneeded-libraries", path, f"{by} names it", path)
        for path in sorted(wanted):
            rule = orphaned if path in orphans else unreached
            if rule is not None:
                removals.claim(rule, path.rpartition("/")[2], (path,), reasons=self._reasons(path, removals))

    def _lost_its_loaders(self, path: str, removals: Removals, candidates: Collection[str]) -> bool:
        """Whether something loaded it, and all of that goes."""
        seen, todo, gone = {path}, [path], False
        while todo:
            for loader in self._loaders.get(todo.pop(), ()):
                if loader in removals:
                    gone = True
                elif loader in candidates:
                    if loader not in seen:
                        seen.add(loader)
                        todo.append(loader)
                else:
                    return False
        return gone

    def _reasons(self, path: str, removals: Removals) -> list[str]:
        reasons = []
        for loader in self._loaders.get(path, ())[:3]:
            removal = removals.owner(loader)
            reasons.append(
                f"{loader} needs it, which goes" + (f" ({removal.rule.name})" if removal is not None else " too")
            )
        return reasons

    # -- names in files

    def _named(self, wanted: Collection[str], removals: Removals, candidates: Collection[str]) -> dict[str, str]:
        """Of ``wanted`` those that a file which stays names, with that file."""
        by_name: dict[str, list[str]] = {}
        for path in wanted:
            found = self._objects[path]
            for name in {_unversioned(found.name), _unversioned(found.elf.soname or found.name)}:
                by_name.setdefault(name, []).append(path)
        mentions = [*self._mentions_in_objects(by_name.keys(), removals, candidates)] if by_name else []
        mentions += self._mentions_in_sources(by_name.keys(), removals) if by_name else ()
        named: dict[str, str] = {}
        for name, by in mentions:
            for library in by_name[name]:
                named.setdefault(library, by)
        return named

    def _mentions_in_objects(
        self, names: Collection[str], removals: Removals, candidates: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        for path, found in self._objects.items():
            if path not in removals and path not in candidates:
                yield from ((name, path) for name in sorted(self._names_in(found).intersection(names)))

    def _mentions_in_sources(self, names: Collection[str], removals: Removals) -> Iterator[tuple[str, str]]:
        for path, mentions in self._opening_sources.items():
            if path not in removals:
                yield from ((name, path) for name in sorted(names) if mentions.has(name))

    @cached_property
    def _opening_sources(self) -> dict[str, _Mentions]:
        """The Python sources that open libraries, each with the names in it."""
        found = {}
        for node in self._tree.files_in_read_order():
            if not node.name.endswith(".py") or node.name.startswith(_BUILD_SETTINGS):
                continue
            try:
                content = node.read_at(0, min(node.size, _MOST_SOURCE))
            except (FormatError, OSError):
                continue
            if any(opener in content for opener in _OPENERS):
                found[node.path] = _Mentions(content)
        return found

    def _names_in(self, found: ElfObject) -> frozenset[str]:
        """Names of libraries among the bytes of an object, without versions; those of DT_NEEDED are known otherwise and left out."""
        known = self._names.get(found.path)
        if known is not None:
            return known
        node = self._tree.get(found.path)
        names: set[str] = set()
        if node is not None:
            try:
                for offset in range(0, node.size, _CHUNK):
                    names |= _library_names(node.read_at(offset, min(_CHUNK + _LONGEST_NAME, node.size - offset)))
            except (FormatError, OSError):
                names = set()
        names -= {_unversioned(name) for name in (*found.elf.needed, found.elf.soname or found.name)}
        known = self._names[found.path] = frozenset(names)
        return known


def _library_names(content: bytes) -> set[str]:
    """``libname.so`` wherever it stands."""
    names = set()
    at = content.find(_SUFFIX)
    while at >= 0:
        start = at
        while start > 0 and at - start < _LONGEST_NAME and content[start - 1] in _NAME_BYTES:
            start -= 1
        if content[start : start + 3] == b"lib":
            names.add(content[start : at + len(_SUFFIX)].decode("ascii"))
        at = content.find(_SUFFIX, at + 1)
    return names


def _unversioned(name: str) -> str:
    """``libtcl8.6.so`` of ``libtcl8.6.so.0``."""
    head, found, _ = name.partition(".so")
    return head + found


class _Mentions:
    """How a Python source that opens libraries names them: by file names, whole or put together, or by what the linker calls them, between quotes."""

    def __init__(self, content: bytes) -> None:
        takes_names = any(call in content for call in _CALLS)
        self._quoted = frozenset(_QUOTED.findall(content)) if takes_names else frozenset()
        self._files = tuple(dict.fromkeys(_FILE_NAME.findall(content)))

    def has(self, name: str) -> bool:
        """Whether it names ``libname.so``, with a version, with a part of one or without."""
        stem = name.removesuffix(".so").removeprefix("lib")
        plain = _VERSION.sub("", stem)
        texts = [text.encode() for text in {stem, plain} if text == stem or len(text) >= _SHORTEST_NAME]
        if any(text in self._quoted or b"lib" + text in self._quoted for text in texts):
            return True
        starts = [b"lib" + text for text in texts]
        return any(
            file.startswith(start) and not file[len(start) : len(start) + 1].isalpha()
            for file in self._files
            for start in starts
        )
