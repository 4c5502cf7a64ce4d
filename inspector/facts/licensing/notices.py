"""What a notice file says: each component with its copyright lines and the complete texts of its licence, each distinct text once.

Texts come from what the artifact ships. Where a licence of the component's expression is not among them word for word (a Debian copyright file
refers to ``/usr/share/common-licenses``, a library in a wheel ships nothing), the standard text of the SPDX License List stands in; where that has
none, it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from inspector.artifact.nested_trees import NestedTrees
from inspector.errors import FormatError
from inspector.facts.licensing.copyright_lines import copyright_lines
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.license_expressions import (
    LicenseTerm,
    license_terms,
    parse_license_expression,
    refused_terms,
)
from inspector.facts.licensing.license_files import LicenseFiles
from inspector.facts.licensing.spdx_texts import list_version, spdx_text
from inspector.facts.licensing.standard_text_coverage import Runs, is_covered, runs_of
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.resources import load_table
from inspector.result import ComponentInfo

_LONGEST = 4 * MIB  # bytes of one licence file; Chromium's copyright file has 2.1 million
_MOST = 64 * MIB  # bytes of all licence files
_MOST_RUNS = 2_000_000  # kept at a time, some 150 MB; then they are made again
_SHORTEST_NAME = 3  # letters; shorter ones are found in any text
_BLANKS = lazy_pattern(r"\s+")
_NOT_WORDS = lazy_pattern(r"[^a-z0-9]+")


class NoticeText(Struct, frozen=True):
    """A text that one or more components are under.

    :ivar number: by which components name it, from 1.
    :ivar paths: tree paths that have it.
    :ivar standards: identifiers of the SPDX list whose standard text stands in for one that is not shipped.
    """

    number: int
    paths: tuple[str, ...]
    standards: tuple[str, ...]
    text: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Where it is from: paths, and the list's name with its release."""
        listed = f"{', '.join(self.standards)}, SPDX License List {list_version()[0]}"
        return (*self.paths, listed) if self.standards else self.paths


class NoticeComponent(Struct, frozen=True):
    """One component of the notice file.

    :ivar component: as the Result has it.
    :ivar copyright: lines that its own texts say, as written.
    :ivar texts: numbers of its texts.
    :ivar shipped: whether one of them is the artifact's own.
    """

    component: ComponentInfo
    copyright: tuple[str, ...]
    texts: tuple[int, ...]
    shipped: bool


class MissingText(Struct, frozen=True):
    """A licence without a text: neither in the artifact nor on the SPDX list.

    :ivar component: name and version.
    :ivar license: what is missing, or that the licence is not known.
    """

    component: str
    license: str


class Notices(Struct, frozen=True):
    """Everything, in a fixed order: components by name and version, texts by first use."""

    components: tuple[NoticeComponent, ...]
    texts: tuple[NoticeText, ...]
    missing: tuple[MissingText, ...]


def collect_notices(trees: NestedTrees, components: Sequence[ComponentInfo], limits: Limits | None = None) -> Notices:
    """Read the texts of all components.  What cannot be read is as good as not there.

    :param components: of a Result that names every file (``list_files``).
    """
    collector = _Collector(trees, components, limits or Limits())
    ordered = sorted(
        components, key=lambda found: (found.name.casefold(), found.version or "", found.kind, found.files)
    )
    noted = tuple(collector.note(component) for component in ordered)
    return Notices(noted, tuple(collector.texts()), tuple(collector.missing))


class _Collector:
    def __init__(self, trees: NestedTrees, components: Sequence[ComponentInfo], limits: Limits) -> None:
        self._trees = trees
        self._files = LicenseFiles(trees, components)
        self._longest = min(_LONGEST, limits.small_file)
        self._left = _MOST
        self._read: dict[str, str | None] = {}
        self._runs: dict[int, Runs] = {}
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._paths: list[dict[str, None]] = []
        self._standards: list[dict[str, None]] = []
        self.missing: list[MissingText] = []

    def note(self, component: ComponentInfo) -> NoticeComponent:
        """One component, whose missing texts are noted too."""
        numbers: dict[int, None] = {}
        lines: dict[str, None] = {}
        for path in self._files.of(component):
            text = self._text(path)
            if text:
                numbers[self._number(text, path)] = None
                lines.update(dict.fromkeys(copyright_lines(text, debian=path.endswith("/copyright"))))
        if not numbers and component.kind in ("library", "static"):
            numbers.update(dict.fromkeys(self._carriers_texts(component)))
        shipped = tuple(numbers)
        for identifier in _wanted(component):
            if not is_covered(identifier, map(self._runs_of, shipped)):
                standard = spdx_text(identifier)
                if standard is not None:
                    numbers[self._number(standard, standard_of=identifier)] = None
        lacking = self._lacking(component, shipped)
        if lacking:
            self.missing.append(MissingText(f"{component.name} {component.version or ''}".rstrip(), lacking))
        return NoticeComponent(component, tuple(lines), tuple(numbers), bool(shipped))

    def _carriers_texts(self, component: ComponentInfo) -> Iterator[int]:
        """Texts of the distribution that carries a library, where they speak of it by name."""
        name = _names_of(component)
        for path in self._files.of_carriers(component):
            text = self._text(path)
            if text and name.search(text):
                yield self._number(text, path)

    def texts(self) -> Iterator[NoticeText]:
        """All texts by number."""
        for number, (text, paths, standards) in enumerate(
            zip(self._texts, self._paths, self._standards, strict=True), 1
        ):
            yield NoticeText(number, tuple(paths), tuple(standards), text)

    def _lacking(self, component: ComponentInfo, shipped: Sequence[int]) -> str:
        """What no text is there for, "" where there is nothing; what the list does not name stands in the component's own text, if it ships one."""
        if shipped or (component.licenses is None and _wanted(component)):
            return ""
        tree = parse_license_expression(component.licenses or component.stated)
        if tree is None:
            return component.licenses or component.stated or "its licence is not known"
        return " and ".join(map(str, refused_terms(tree, _has_standard_text)))

    def _text(self, path: str) -> str | None:
        if path not in self._read:
            node = self._trees.get(path)
            content = b""
            if node is not None and 0 < node.size <= min(self._longest, self._left):
                self._left -= node.size
                try:
                    content = node.read_at(0, node.size)
                except (FormatError, OSError):
                    content = b""
            self._read[path] = _decoded(content) if content and b"\0" not in content else None
        return self._read[path]

    def _number(self, text: str, path: str | None = None, *, standard_of: str | None = None) -> int:
        key = _BLANKS.sub(" ", text).strip()
        if key not in self._numbers:
            self._texts.append(text)
            self._paths.append({})
            self._standards.append({})
            self._numbers[key] = len(self._texts)
        number = self._numbers[key]
        if path is not None:
            self._paths[number - 1][path] = None
        if standard_of is not None:
            self._standards[number - 1][standard_of] = None
        return number

    def _runs_of(self, number: int) -> Runs:
        if number not in self._runs:
            if sum(map(len, self._runs.values())) > _MOST_RUNS:
                self._runs.clear()
            self._runs[number] = runs_of(self._texts[number - 1])
        return self._runs[number]


def _names_of(component: ComponentInfo) -> re.Pattern[str]:
    """What a text would call a component: its name, and those of its libraries with and without "lib"."""
    names = {component.name}
    if component.kind == "library":
        stems = {plain_library_name(path.rpartition("/")[2]).partition(".so")[0] for path in component.files}
        names |= stems | {stem.removeprefix("lib") for stem in stems}
    words = sorted(re.escape(name) for name in names if len(name) >= _SHORTEST_NAME)
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(words)})(?![a-z])" if words else r"(?!)", re.IGNORECASE)


def _has_standard_text(term: LicenseTerm) -> bool:
    """Whether the list has its texts, or nobody asks for one: what is in the public domain has no licence."""
    return license_class(str(term)) == "public-domain" or all(spdx_text(part) is not None for part in _parts(term))


def _wanted(component: ComponentInfo) -> tuple[str, ...]:
    """Identifiers whose texts belong to a component: of the conclusion, else of all that its sources name."""
    if component.licenses is not None:
        return _identifiers(component.licenses)
    mentioned = [name for statement in component.found for name in (statement.expression, *statement.mentioned) if name]
    mentioned += [component.stated] if parse_license_expression(component.stated) is not None else []
    by_words = load_table("licenses/texts/stated_words.toml")["text"].get(_NOT_WORDS.sub("", component.stated.lower()))
    names = [*mentioned, *([by_words] if by_words else [])]
    parts = dict.fromkeys(part for name in names for part in _identifiers(name))
    return tuple(part for part in parts if spdx_text(part) is not None)


def _identifiers(expression: str) -> tuple[str, ...]:
    """Licences and exceptions, each once, in the order of the expression."""
    tree = parse_license_expression(expression)
    return (
        tuple(dict.fromkeys(part for term in license_terms(tree) for part in _parts(term))) if tree is not None else ()
    )


def _parts(term: LicenseTerm) -> tuple[str, ...]:
    return (term.identifier, term.exception) if term.exception else (term.identifier,)


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
