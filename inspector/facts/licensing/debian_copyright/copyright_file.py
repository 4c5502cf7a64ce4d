"""Debian's copyright files: the machine-readable form, paragraph by paragraph, and the words of those that are written freely.

Follows "Machine-readable debian/copyright file", version 1.0 (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). A parser of
our own, as the one that PyPI offers under a permissive licence needs an LGPL library to guess encodings and holds no bounds; the format is 100 lines.

The files lie inside artifacts, below ``usr/share/doc/<package>/copyright``: every line may be hostile. Nothing here raises for what a file says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from inspector.patterns import lazy_pattern

LONGEST = 4 * 1024 * 1024
"""Bytes that are read of one file; Chromium's, the longest of Debian 12, has 2.1 million."""
_MOST_PARAGRAPHS = 20_000
_MOST_PATTERNS = 2_000  # of one Files field that are kept

_FORMAT = lazy_pattern(r"\A(?:[ \t]*\n|#[^\n]*\n)*(?:format(?:-specification)?)[ \t]*:", re.IGNORECASE)
_FILES = lazy_pattern(r"^Files:[ \t]*\*[ \t]*\nCopyright:[^\n]*(?:\n[ \t][^\n]*)*\nLicense:", re.MULTILINE)
"""The paragraph that only the machine-readable form has; some files leave its first line out."""
_FIELD = lazy_pattern(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)")
_JOINTS = lazy_pattern(r"[\s_~-]+")
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"


class FilesParagraph(Struct, frozen=True):
    """A paragraph with a Files field: which files, and their licence.

    :ivar patterns: as written; ``*`` and ``?`` match anything, "/" included.
    :ivar license_name: the first line of its License field, with AND and OR as the format writes them; "" where it has none.
    :ivar license_text: the other lines, without their leading blank.
    :ivar copyright: its Copyright field, lines joined by newlines.
    """

    patterns: tuple[str, ...]
    license_name: str
    license_text: str = ""
    copyright: str = ""


class CopyrightFile(Struct, frozen=True):
    """One copyright file.

    :ivar machine_readable: whether it has the format's first field or its paragraph for all files; only then there are paragraphs.
    :ivar upstream_name: the project's name for itself, or "".
    :ivar upstream_source: where it comes from, as written, or "".
    :ivar license_name: the License of the header paragraph, which speaks for the whole, or "".
    :ivar paragraphs: those with a Files field, in order: the last one that matches a file decides.
    :ivar license_texts: texts of the stand-alone License paragraphs by short name in lower case.
    :ivar text: everything, as it was read.
    """

    machine_readable: bool
    text: str
    upstream_name: str = ""
    upstream_source: str = ""
    license_name: str = ""
    paragraphs: tuple[FilesParagraph, ...] = ()
    license_texts: Mapping[str, str] = field(default_factory=dict)

    def text_of(self, paragraph: FilesParagraph, name: str) -> str:
        """The licence text that a short name stands for: the paragraph's own, else the stand-alone one; "" where there is none."""
        wanted = name.strip().lower()
        own = paragraph.license_text if paragraph.license_name.strip().lower() == wanted else ""
        found = own or self.license_texts.get(wanted, "")
        if not found and "excep" in wanted:
            # "GPL-2+-with-exception" is asked for as "GPL-2+ with exception".
            plain = _JOINTS.sub(" ", wanted)
            found = next((text for other, text in self.license_texts.items() if _JOINTS.sub(" ", other) == plain), "")
        return found

    def default(self) -> FilesParagraph | None:
        """The paragraph for everything (``Files: *``), the last one if there are several."""
        found = [paragraph for paragraph in self.paragraphs if "*" in paragraph.patterns]
        return found[-1] if found else None


def parse_copyright(content: bytes | str) -> CopyrightFile:
    """Parse a copyright file.

    :param content: at most :data:`LONGEST` bytes of it are read; bytes that are not UTF-8 are replaced.
    """
    text = content[:LONGEST].decode("utf-8", "replace") if isinstance(content, bytes) else content[:LONGEST]
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(_SIGNED):
        text = text.partition("\n\n")[2]
    if _FORMAT.match(text) is None and _FILES.search(text) is None:
        return CopyrightFile(machine_readable=False, text=text)
    header: dict[str, str] = {}
    files: list[FilesParagraph] = []
    texts: dict[str, str] = {}
    headless = False  # the paragraph before was one of files without a licence
    for number, fields in enumerate(_paragraphs(text)):
        if number >= _MOST_PARAGRAPHS:
            break
        name, _, body = fields.get("license", "").partition("\n")
        if "files" in fields:
            patterns = tuple(
                _pattern(pattern) for pattern in fields["files"].replace(",", " ").split()[:_MOST_PATTERNS]
            )
            files.append(FilesParagraph(patterns, name.strip(), body, fields.get("copyright", "")))
            headless = "license" not in fields
            continue
        if headless and name.strip():
            # An empty line before the License field, which the format has no room for, does not make it another paragraph.
            files[-1] = replace(files[-1], license_name=name.strip(), license_text=body)
        headless = False
        if number == 0:
            header = fields
        elif name.strip():
            texts.setdefault(name.strip().lower(), body)
    if header and not files and "license" in header and "copyright" in header:
        # Old files say everything in the first paragraph and leave "Files: *" out.
        name, _, body = header["license"].partition("\n")
        files.append(FilesParagraph(("*",), name.strip(), body, header["copyright"]))
    return CopyrightFile(
        machine_readable=True,
        text=text,
        upstream_name=header.get("upstream-name", header.get("name", "")).partition("\n")[0].strip()[:200],
        upstream_source=header.get("source", "").strip()[:1000],
        license_name=header.get("license", "").partition("\n")[0].strip(),
        paragraphs=tuple(files),
        license_texts=texts,
    )


def _pattern(written: str) -> str:
    """A pattern as the format means it; two stars, which other formats have, are one."""
    return re.sub(r"\*{2,}", "*", written) if "**" in written else written


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Fields by lower-case name; the first of a name counts. Continuation lines lose a blank; a lone dot is an empty line (Policy 5.1, 5.6.13)."""
    fields: dict[str, list[str]] = {}
    current: list[str] | None = None
    ended = False  # an empty line stood before this one
    for line in text.split("\n"):
        if not line.strip():
            ended = True
        elif line[0] in " \t":
            if current is not None:
                # Behind an empty line, which the format has no room for, an indented one still goes on with the field.
                if ended:
                    current.append("")
                rest = line[1:].rstrip()
                current.append("" if rest.strip() == "." else rest)
                ended = False
        elif line[0] != "#":
            match = _FIELD.match(line)
            if match is None:
                if ended:
                    current = None  # words between two paragraphs
                continue  # a line that forgot its blank: the paragraph goes on
            if ended and fields:
                yield {name: "\n".join(lines) for name, lines in fields.items()}
                fields = {}
            ended = False
            current = [match[2].strip()]
            fields.setdefault(match[1].lower(), current)
    if fields:
        yield {name: "\n".join(lines) for name, lines in fields.items()}
