"""Which compiled modules stay, which go, and which are made anew.

One optimisation level stays, the one that the bundle is started with.  A file that is not valid for its source at the times of the image would be
compiled at every start (a read-only image cannot cache it), so it is made anew, and so is one that is missing.  Names: PEP 3147 and PEP 488;
validity: PEP 552.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.facts import Facts
from inspector.facts.launchers.launcher_facts import Start
from inspector.facts.python.extension_modules import interpreter_abi, is_python_program
from inspector.formats.pyc import LONGEST_HEADER, PycName, cached_path, is_valid_for, read_header, split_cached_path
from inspector.patterns import lazy_pattern
from inspector.slim.options import BytecodePolicy
from inspector.slim.planning.prune_rules import PruneRule
from inspector.slim.planning.removals import Removals
from inspector.slim.planning.subjects import Subjects

_STANDARD_LIBRARY = lazy_pattern(r"(?:^|/)lib(?:64)?/(?:python|pypy)(\d)\.(\d+)t?/")
_TAG = lazy_pattern(r"(cpython|pypy)-?(\d)(\d+)t?")
_OPTIMISED = lazy_pattern(r"-[bBdEiIPqsSuvVx]*(O{1,2})[bBdEiIPqsSuvVx]*$")
_STARTS_WITH_LEVEL = lazy_pattern(r"\bpython[\d.]*\b[^\n|;&]*\s-(O{1,2})\s")
_MOST_SOURCE = 64 << 20


class BytecodeFacts(Struct, frozen=True):
    """What decides about bytecode.

    :ivar tags: cache tags of the bundle's interpreters ("cpython-311"); empty where none is known, and every tag counts.
    :ivar optimization: "" for the level without -O, "1" for -O, "2" for -OO.
    :ivar reason: why it is that level, a clause.
    """

    tags: frozenset[str]
    optimization: str
    reason: str


class Compilation(Struct):
    """Bytecode that is to be written: path of the file by path of its source, in order; and why, for the first of each reason."""

    sources: dict[str, str] = field(default_factory=dict)
    stale: int = 0
    missing: int = 0


def bytecode_facts(facts: Facts, environment: Mapping[str, str]) -> BytecodeFacts:
    """The interpreters' tags and the level that they are started with."""
    prefixes = sorted({match[0].rstrip("/") for path in facts.files if (match := _STANDARD_LIBRARY.search(path))})
    tags = set()
    for found in facts.objects:
        if found.elf.is_program and is_python_program(found):
            abi = interpreter_abi(found, prefixes)
            if abi.version is not None and abi.implementation == "cpython":
                tags.add(f"cpython-{abi.version[0]}{abi.version[1]}")
            elif abi.implementation == "pypy":
                tags = set()  # its tag has the version of PyPy too; any tag may be its own
                break
    return BytecodeFacts(frozenset(tags), *_optimization(facts, environment))


def _optimization(facts: Facts, environment: Mapping[str, str]) -> tuple[str, str]:
    variables = {**facts.launcher.environment, **environment}
    value = variables.get("PYTHONOPTIMIZE", "")
    if value:
        return ("2" if value.isdigit() and int(value) >= 2 else "1"), f"PYTHONOPTIMIZE is {value}"
    for start in (*facts.launcher.starts, *facts.launcher.further):
        level = _level_of(start)
        if level:
            return level, f"{start.by or facts.launcher.path} starts {start.program} with -{'O' * int(level)}"
    return "", "nothing starts Python with -O"


def _level_of(start: Start) -> str:
    """The level that the interpreter's own options ask for: those before the first word that is none."""
    for word in start.arguments:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            return ""
        match = _OPTIMISED.match(word)
        if match is not None:
            return str(len(match[1]))
    return ""


class BytecodePlanner:
    """Decides about every compiled module of a tree, after modules have been removed.

    :param hot: tree paths of sources that a trace saw imported, for the policy "hot".
    """

    def __init__(
        self,
        tree: Tree,
        known: BytecodeFacts,
        policy: BytecodePolicy,
        rules: Mapping[str, PruneRule],
        subjects: Subjects,
        hot: Collection[str] = (),
    ) -> None:
        self._tree = tree
        self._known = known
        self._policy = policy
        self._rules = rules
        self._subjects = subjects
        self._hot = hot
        self._cached: list[tuple[Node, PycName]] = []
        for node in tree.files_in_read_order():
            if node.name.endswith(".pyc"):
                name = split_cached_path(node.path)
                if name is not None:
                    self._cached.append((node, name))

    def follow_sources(self, removals: Removals) -> None:
        """Let the bytecode of removed modules go with them."""
        for node, name in self._cached:
            if name.source in removals and node.path not in removals:
                removals.take_along(node.path, name.source)

    def claim(self, removals: Removals) -> None:
        """Claim what is never read, or not to be shipped."""
        for node, name in self._cached:
            if node.path in removals:
                continue
            found = self._verdict(name)
            if found is not None and found[0] in self._rules:
                removals.claim(self._rules[found[0]], self._subjects.of(node.path), (node.path,), reasons=found[1])
        if "spare-bytecode" in self._rules:
            for node in self._tree.files():
                if node.name.endswith(".pyc") and split_cached_path(node.path) is None:
                    self._claim_legacy(node, removals)

    def _claim_legacy(self, node: Node, removals: Removals) -> None:
        """``name.pyc`` beside ``name.py``, which importlib never takes: it asks for sources before bytecode."""
        source = f"{node.path[:-4]}.py"
        found = self._tree.get(source)
        if found is not None and found.is_file and source not in removals:
            reasons = ("importlib takes the source beside it",)
            removals.claim(self._rules["spare-bytecode"], self._subjects.of(node.path), (node.path,), reasons=reasons)

    def _verdict(self, name: PycName) -> tuple[str, tuple[str, ...]] | None:
        """The rule that takes a compiled module, with further reasons; None where it stays."""
        source = self._tree.get(name.source)
        if source is None:
            return "bytecode-without-source", ()
        if self._known.tags and name.tag.partition(".")[0] not in self._known.tags:
            return "foreign-bytecode", (f"the bundle's is {', '.join(sorted(self._known.tags))}",)
        if self._policy == "none":
            return "all-bytecode", ()
        if name.optimization != self._known.optimization:
            return "spare-bytecode", (self._known.reason,)
        if self._policy == "hot" and name.source not in self._hot:
            return "cold-bytecode", ()
        return None

    def compilation(self, removals: Removals) -> Compilation:
        """What must be compiled so that no start does; in the order of the paths."""
        found = Compilation()
        if self._policy == "none" or len(self._known.tags) != 1:
            return found
        (tag,) = self._known.tags
        valid: set[str] = set()
        stale: set[str] = set()
        for node, name in self._cached:
            if node.path in removals or name.tag != tag or name.optimization != self._known.optimization:
                continue
            source = self._tree.get(name.source)
            if source is not None and _is_valid(node, source, tag):
                valid.add(name.source)
            else:
                stale.add(name.source)
        for path in sorted(self._importable(removals)):
            if path in valid or (self._policy == "hot" and path not in self._hot):
                continue
            found.sources[cached_path(path, tag, self._known.optimization)] = path
            found.stale += path in stale
            found.missing += path not in stale
        return found

    def _importable(self, removals: Removals) -> Iterable[str]:
        """Sources that an import statement can name: in the standard library, in site-packages, or beside bytecode that is there already."""
        beside = {name.source.rpartition("/")[0] for _, name in self._cached}
        for node in self._tree.files():
            path = node.path
            if not path.endswith(".py") or path in removals:
                continue
            match = _STANDARD_LIBRARY.search(path)
            if match is None:
                if path.rpartition("/")[0] in beside:
                    yield path
                continue
            below = path[match.end() :].removeprefix("site-packages/").removeprefix("dist-packages/")
            if all(part.isidentifier() for part in below.removesuffix(".py").split("/")):
                yield path


def _is_valid(node: Node, source: Node, tag: str) -> bool:
    """Whether the interpreter of this tag takes the file for the source at the image's times."""
    if source.kind is not Kind.FILE:
        return True  # a link: its target's times count, and the installer that made it knew
    match = _TAG.fullmatch(tag)
    try:
        header = read_header(node.read_at(0, LONGEST_HEADER))
        if match is not None and header.python is not None and header.python != (int(match[2]), int(match[3])):
            return False
        content = None
        if header.invalidation == "checked-hash" and source.size <= _MOST_SOURCE:
            content = source.read_at(0, source.size)
    except (FormatError, OSError):
        return False
    return is_valid_for(header, source_mtime=source.mtime, source_size=source.size, source=content) is True
