"""Fingerprints of components that are linked statically: what their code carries inside, and nobody who only uses them.

The catalogue is ``rules/fingerprints/*.toml``; its README says how a fingerprint is written.  One pass of an Aho-Corasick automaton over read-only
data finds every literal of every fingerprint; only what hangs on a hit is looked at with regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from inspector.errors import InstallationError
from inspector.limits import MIB
from inspector.patterns import lazy_pattern
from inspector.resources import data_directory, load_table

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

SHORTEST_LITERAL = 5
"""Bytes; shorter ones would hit by chance, and slow the automaton down."""
LONGEST_LITERAL = 256
"""Bytes; pieces of a file that are searched one after the other overlap by this."""
_WORTH_A_TABLE = 8 * MIB  # of constants


class VersionText(Struct, frozen=True):
    """Where a component's code says its version.

    :ivar literal: bytes that stand near the version, or None where all read-only data is searched once the component is proved.
    :ivar pattern: a regular expression; group 1 is the version, matched in the neighbourhood of the literal.
    :ivar release: how group 1 becomes a release where it is not one ("{1}.{2}.{3}" of the groups as whole numbers), or "".
    :ivar releases: group 1 -> release where only a table tells, or an empty mapping.
    """

    literal: bytes | None
    pattern: re.Pattern[bytes]
    release: str
    releases: dict[str, str]

    def read(self, match: re.Match[bytes]) -> str | None:
        """The release that a match says, or None where it says none."""
        groups = [group.decode("latin-1") if group is not None else "" for group in match.groups()]
        if self.releases:
            return self.releases.get(groups[0])
        if not self.release:
            return next((group for group in groups if group), None)
        try:
            return re.sub(r"\{(\d+)\}", lambda wanted: str(int(groups[int(wanted[1]) - 1])), self.release)
        except (ValueError, IndexError):
            return None


class LicenseStatement(Struct, frozen=True):
    """Words by which a build says its own licence (FFmpeg's "libavcodec license: GPL version 2 or later").

    :ivar licenses: group 1 of the pattern -> SPDX expression.
    """

    literal: bytes
    pattern: re.Pattern[bytes]
    licenses: dict[str, str]


class Fingerprint(Struct, frozen=True):
    """One component.

    :ivar name: the project, as the library catalogue calls it.
    :ivar library_names: projects of the library catalogue whose shared libraries are this component themselves.
    :ivar package_url: without version, or "".
    :ivar licenses: (first version that it no longer holds for, or None; SPDX expression), in rising order.
    :ivar anchors: groups of literals; a group all of which are in one file proves the component.
    :ivar symbols: functions of its implementation; one that is defined in a file proves the component.
    :ivar symbol_prefixes: beginnings of such names, with the version or a hash behind.
    :ivar versions: in the order in which they are believed.
    :ivar symbol_versions: regular expressions of function names whose group 1 is the version.
    :ivar statements: see :class:`LicenseStatement`.
    :ivar python_modules: names of Python modules that cannot do without it, each with how the functions begin that it calls: where the module is in
        a file and none of these is imported, the component is inside too.
    :ivar unless: components beside which this one is not reported: forks that carry its texts.
    """

    name: str
    library_names: frozenset[str]
    package_url: str
    licenses: tuple[tuple[str | None, str], ...]
    anchors: tuple[tuple[bytes, ...], ...]
    symbols: frozenset[bytes]
    symbol_prefixes: tuple[bytes, ...]
    versions: tuple[VersionText, ...]
    symbol_versions: tuple[re.Pattern[bytes], ...]
    statements: tuple[LicenseStatement, ...]
    python_modules: tuple[tuple[str, str], ...]
    unless: tuple[str, ...]

    def license_of(self, version: str | None) -> str | None:
        """The licence of a release; of an unknown one only where all releases have the same."""
        if len({expression for _, expression in self.licenses}) == 1:
            return self.licenses[0][1]
        if version is None:
            return None
        for below, expression in self.licenses:
            if below is None or release_key(version) < release_key(below):
                return expression
        return None


class Catalogue:
    """All fingerprints, and the automata that find their literals.

    :ivar fingerprints: by name.
    """

    def __init__(self, fingerprints: Sequence[Fingerprint]) -> None:
        self.fingerprints = {fingerprint.name: fingerprint for fingerprint in fingerprints}
        texts: set[bytes] = set()
        symbols: set[bytes] = set()
        for fingerprint in fingerprints:
            texts.update(literal for group in fingerprint.anchors for literal in group)
            texts.update(version.literal for version in fingerprint.versions if version.literal is not None)
            texts.update(statement.literal for statement in fingerprint.statements)
            symbols.update(b"\0" + name + b"\0" for name in fingerprint.symbols)
            symbols.update(b"\0" + name for name in fingerprint.symbol_prefixes)
        self.texts = sorted(texts)
        self.symbols = sorted(symbols)
        self._first: dict[bytes, list[Fingerprint]] = {}
        for fingerprint in fingerprints:
            for first in {group[0] for group in fingerprint.anchors}:
                self._first.setdefault(first, []).append(fingerprint)
        self._find_texts = _Finder(self.texts)

    def candidates(self, literals: Iterable[bytes]) -> list[Fingerprint]:
        """The fingerprints that one of the literals may prove, in the catalogue's order."""
        names = {fingerprint.name for literal in literals for fingerprint in self._first.get(literal, ())}
        return [fingerprint for name, fingerprint in self.fingerprints.items() if name in names] if names else []

    def of_functions(self, functions: Iterable[bytes]) -> dict[str, bytes]:
        """The components that functions prove, by name, each with the first function that does."""
        found: dict[str, bytes] = {}
        for function in functions:
            for name, fingerprint in self.fingerprints.items():
                if function in fingerprint.symbols or function.startswith(fingerprint.symbol_prefixes):
                    found.setdefault(name, function)
        return found

    def of_python_modules(self, modules: Collection[str]) -> list[tuple[str, str, str]]:
        """The components behind Python modules: name, module, beginning of the functions that it calls."""
        return [
            (name, module, calls)
            for name, fingerprint in self.fingerprints.items()
            for module, calls in fingerprint.python_modules
            if module in modules
        ]

    def of_library(self, project: str | None) -> list[Fingerprint]:
        """The components that a shared library is by the project that the library catalogue names."""
        if project is None:
            return []
        return [fingerprint for fingerprint in self.fingerprints.values() if project in fingerprint.library_names]

    def expect_texts(self, size: int) -> None:
        """Be told how many bytes :meth:`find_texts` will be asked for, as far as anybody knows: for many the search is prepared at greater length."""
        self._find_texts.expected = size

    def find_texts(self, content: bytes) -> list[tuple[int, int, int]]:
        """Every occurrence of a literal: its index in :attr:`texts`, where it starts, where it ends."""
        return self._find_texts(content)

    def find_symbols(self, names: bytes) -> list[tuple[int, int, int]]:
        """Every occurrence of a symbol's name in a string table: its index in :attr:`symbols`, where the NUL before it is, where it ends."""
        return self._symbol_automaton.find_matches_as_indexes(names, overlapping=True)

    @cached_property
    def _symbol_automaton(self) -> BytesAhoCorasick:
        # Names are in few string tables, at their beginnings: one that is made quickly does 1,300 MB a second, a table no more.
        return _automaton(self.symbols, table=False)


class _Finder:
    """Finds texts with an automaton that is quickly made, or with one that is quick.

    One is made in 2 ms and does 250 MB a second, the other is made in 13 ms and does 600.  Two processes may share what is searched.
    """

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._literals = literals
        self._automaton: BytesAhoCorasick | None = None
        self._is_table = False
        self._searched = 0
        self.expected = 0

    def __call__(self, content: bytes) -> list[tuple[int, int, int]]:
        self._searched += len(content)
        table = self._is_table or max(self.expected, self._searched) > _WORTH_A_TABLE
        if self._automaton is None or table is not self._is_table:
            self._automaton = _automaton(self._literals, table=table)
            self._is_table = table
        return self._automaton.find_matches_as_indexes(content, overlapping=True)


def _automaton(literals: Sequence[bytes], *, table: bool) -> BytesAhoCorasick:
    from ahocorasick_rs import BytesAhoCorasick, Implementation

    return BytesAhoCorasick(literals, implementation=Implementation.DFA if table else Implementation.ContiguousNFA)


def release_key(version: str) -> Version:
    """A version's place among others; letters as OpenSSL and IJG use them count as further numbers ("1.1.1w" lies behind "1.1.1a")."""
    try:
        return Version(version)
    except InvalidVersion:
        numbers = [
            str(int(part)) if part.isdigit() else str(ord(part[0])) for part in re.findall(r"\d+|[a-z]", version)
        ]
        return Version(".".join(numbers[:8]) or "0")


@cache
def load_fingerprints() -> Catalogue:
    """The catalogue of ``rules/fingerprints``.

    :raises InstallationError: where a file is missing or says what it must not.
    """
    found: list[Fingerprint] = []
    for path in sorted((data_directory("rules") / "fingerprints").glob("*.toml")):
        for row in load_table(f"fingerprints/{path.name}")["components"]:
            try:
                found.append(_fingerprint(row))
            except (KeyError, TypeError, ValueError) as error:
                raise InstallationError(
                    f"rules/fingerprints/{path.name}: {row.get('name')}: {error}", "reinstall bundle-inspect"
                ) from error
    return Catalogue(found)


def _fingerprint(row: dict[str, Any]) -> Fingerprint:
    licenses = row["licenses"]
    if isinstance(licenses, str):
        licenses = [{"spdx": licenses}]
    anchors = [_literals([text]) for text in row.get("anchors", ())]
    anchors += [_literals(texts) for texts in row.get("together", ())]
    anchors += [(_checked(bytes.fromhex(table)),) for table in row.get("tables", ())]
    names = [name.encode() for name in row.get("symbols", ())]
    return Fingerprint(
        name=row["name"],
        library_names=frozenset(row.get("library_names", [row["name"]])),
        package_url=row.get("package_url", ""),
        licenses=tuple((entry.get("below"), entry["spdx"]) for entry in licenses),
        anchors=tuple(anchors),
        symbols=frozenset(_checked(name) for name in names if not name.endswith(b"*")),
        symbol_prefixes=tuple(_checked(name[:-1]) for name in names if name.endswith(b"*")),
        versions=tuple(_version(entry) for entry in row.get("versions", ())),
        symbol_versions=tuple(lazy_pattern(pattern.encode()) for pattern in row.get("symbol_versions", ())),
        statements=tuple(
            LicenseStatement(_literal(entry["near"]), _pattern(entry["pattern"]), entry["licenses"])
            for entry in row.get("statements", ())
        ),
        python_modules=tuple((entry["module"], entry["calls"]) for entry in row.get("python_modules", ())),
        unless=tuple(row.get("unless", ())),
    )


def _version(entry: dict[str, Any]) -> VersionText:
    near = entry.get("near")
    return VersionText(
        None if near is None else _literal(near),
        _pattern(entry["pattern"]),
        entry.get("release", ""),
        entry.get("releases", {}),
    )


def _pattern(text: str) -> re.Pattern[bytes]:
    return lazy_pattern(text.encode("latin-1"), re.DOTALL)


def _literals(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(_literal(text) for text in texts)


def _literal(text: str) -> bytes:
    return _checked(text.encode("utf-8"))


def _checked(literal: bytes) -> bytes:
    if not SHORTEST_LITERAL <= len(literal) <= LONGEST_LITERAL:
        raise ValueError(f"{literal!r} is not between {SHORTEST_LITERAL} and {LONGEST_LITERAL} bytes long")
    return literal
