"""What of the SPDX License List is in the licence files of a tree.  Each content is read and recognised once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from hashlib import blake2b

from msgspec import Struct, field

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.license_files import is_license_file
from inspector.facts.licensing.text_recognition import LONGEST, RecognisedFile, Work, recognise_license_texts
from inspector.model import Problem
from inspector.patterns import lazy_pattern

_OWN_NAME = lazy_pattern(r"(?:licen[cs]e|copying)(?:[-_.](?:txt|md|rst|html?))?", re.IGNORECASE)
_ASIDE = lazy_pattern(r"notice|authors|copyright|third|patents|contributors", re.IGNORECASE)
_THIRD_PARTY = lazy_pattern(
    r"(?:^|/)(?:_?vendor(?:ed)?|third[-_]?party|externals?|extern|deps|bundled|crates)/", re.IGNORECASE
)
_MOST_FILES = 4000  # of an artifact; an AppImage of Electron has 500
_MOST_BYTES = 64 * 1024 * 1024
_MAIN_SHARE = 0.5  # of the words of a file that may be something else than licences


class KnownTexts(Struct):
    """What was read so far of a tree's licence files.

    :ivar read: what is in each file, by path; None for what is none, or cannot be read.
    :ivar by_content: the same by a digest of the content.
    :ivar left_bytes: of licence files that may still be read; -1 once it was said that there are too many.
    """

    read: dict[str, RecognisedFile | None] = field(default_factory=dict)
    by_content: dict[bytes, RecognisedFile] = field(default_factory=dict)
    left_bytes: int = _MOST_BYTES
    work: Work = field(default_factory=Work)
    problems: list[Problem] = field(default_factory=list)


class RecognisedFiles:
    """The licence texts of a tree.

    :ivar known: all that was read; another process may have read it.
    """

    def __init__(self, tree: Tree) -> None:
        self.known = KnownTexts()
        self._tree = tree

    @property
    def problems(self) -> list[Problem]:
        """Files that could not be read, and that there are too many of them."""
        return self.known.problems

    def recognised(self, path: str) -> RecognisedFile | None:
        """What is in a file; None where it is none, or cannot be read."""
        read = self.known.read
        if path not in read:
            node = self._tree.get(path)
            read[path] = self._recognise(node) if node is not None and node.kind is Kind.FILE else None
        return read[path]

    def _recognise(self, node: Node) -> RecognisedFile | None:
        texts = self.known
        length = min(node.size, 2 * LONGEST)
        if len(texts.by_content) >= _MOST_FILES or length > texts.left_bytes:
            if texts.left_bytes >= 0:
                texts.left_bytes = -1
                texts.problems.append(
                    Problem(
                        kind="limit-exceeded",
                        subject=node.path,
                        message="too many licence files; this and later ones are not read",
                    )
                )
            return None
        try:
            content = node.read_at(0, length)
        except (FormatError, OSError) as error:
            texts.problems.append(Problem(kind="unreadable-member", subject=node.path, message=str(error)))
            return None
        digest = blake2b(content, digest_size=16).digest()
        known = texts.by_content.get(digest)
        if known is None:
            texts.left_bytes -= length
            known = texts.by_content[digest] = recognise_license_texts(_decoded(content), texts.work)
        return known

    def statements(self, paths: Iterable[str]) -> tuple[FoundLicense, ...]:
        """What each of some files says, in their order; nothing of files in which no licence is known."""
        found = []
        for path in paths:
            recognised = self.recognised(path)
            statement = _statement(recognised, path) if recognised is not None else None
            if statement is not None:
                found.append(statement)
        return tuple(found)

    def own_statement(self, paths: Iterable[str]) -> FoundLicense | None:
        """The licence of the component that the files lie with: of a file called LICENSE or COPYING alone, or of all where they say the same; None
        where they leave it open, or speak of something else in more than half of their words."""
        own = [
            path
            for path in paths
            if not _ASIDE.match(posixpath.basename(path)) and not _THIRD_PARTY.search(path.rpartition("/_vendor/")[2])
        ]
        plain = [path for path in own if _OWN_NAME.fullmatch(posixpath.basename(path))]
        for chosen in (plain, own):
            spoken = [path for path in chosen if self._is_about_licences(path)]
            statements = self.statements(spoken)
            expressions = {statement.expression for statement in statements}
            if len(expressions) == 1 and None not in expressions and len(statements) == len(chosen):
                return statements[0]
            if plain and chosen is plain and statements:
                return None
        return None

    def _is_about_licences(self, path: str) -> bool:
        """Whether a file says hardly anything else, or grants a licence in its own words; a text among other things may be somebody else's."""
        recognised = self.recognised(path)
        if recognised is None or not (recognised.tags or recognised.texts):
            return False
        granted = bool(recognised.tags) or all(text.kind == "header" for text in recognised.texts)
        return granted or recognised.rest <= _MAIN_SHARE

    def beside(self, directory: str) -> tuple[str, ...]:
        """Licence files in a directory, without those below it, sorted."""
        return tuple(
            sorted(
                node.path
                for node in self._tree.children(directory)
                if node.kind is Kind.FILE and is_license_file(node.path)
            )
        )


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def _statement(recognised: RecognisedFile, path: str) -> FoundLicense | None:
    tagged = [expression for tag in recognised.tags if (expression := canonical_expression(tag)) is not None]
    if len(set(tagged)) == 1 and len(recognised.identifiers) <= 1:
        return FoundLicense(tagged[0], path)
    licenses = recognised.identifiers
    exceptions = recognised.exceptions
    if len(licenses) == 1 and len(licenses[0]) == 1:
        if not exceptions:
            return FoundLicense(licenses[0][0], path)
        if len(exceptions) == 1 and "GPL" in licenses[0][0]:
            return FoundLicense(f"{licenses[0][0]} WITH {exceptions[0]}", path)
    names = tuple(dict.fromkeys(name for names in licenses for name in names))
    # An exception in a file with several texts belongs to its GNU licences; which of them, nobody says, and none is told without it.
    mentioned = tuple(f"{name} WITH {exceptions[0]}" if exceptions and "GPL" in name else name for name in names)
    return FoundLicense(None, path, mentioned) if mentioned else None
