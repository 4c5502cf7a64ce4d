"""What the public headers of a library say of its licence: the grants in the first comment of each header of the development packages.

A copyright file speaks of a source package, programs and tests included; which of its licences is the library's, it often leaves open or says only in
lists of files. The headers that a library installs are its own. They are read by machine where the copyright file is written freely, is not
understood, joins several licences or has a strong copyleft for everything, by the same recogniser that reads copyright files.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from corpus.licenses.comparing import same_license
from corpus.licenses.packages import kept_records
from corpus.licenses.population import IndexedPackage
from corpus.recipe import Unavailable
from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile
from inspector.facts.licensing.debian_copyright.library_scope import RESTRICTED
from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.license_classes import license_class

_HEADER = re.compile(r"\./usr/(?:include|lib/[^/]+)/.*\.(?:h|hh|hpp|hxx|inl|tcc)|\./usr/include/.*/[A-Z][A-Za-z0-9]*")
_IDENTIFIER = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n]*?)[ \t]*(?:\*+/|-->)?[ \t]*$", re.MULTILINE)
_CHOICE = re.compile(
    r"alternatively|dual[- ]licen|under either|either of the|your choice|one of the following|as an alternative",
    re.IGNORECASE,
)
_VAGUE_NAME = re.compile(
    r"-?(?:like|style|ish)\b|permissive|^(?:bsd|mit|gpl|lgpl|free|other|custom|special|unknown|unnamed|proprietary|commercial|none|various|mixed|"
    r"see\b.*|\d.*|.*\s.*)$",
    re.IGNORECASE,
)
_CALLED_LICENSE = re.compile(r"(?<=\S)\s+licen[cs]e$", re.IGNORECASE)
_NO_NAME = re.compile(r"unknown|unnamed|none|various|mixed|see\b.*|\d.*|.*\s.*", re.IGNORECASE)
_SEVERAL = re.compile(r"[*?]|/$|\.(?:h|hh|hpp|hxx)(?:\.in)?$")
_FIRST = 4000  # bytes of a header in which its licence stands
_MOST_HEADERS = 80  # of one package; they are much alike
_LARGEST = 40_000_000  # bytes of a .deb that is still downloaded
_MAJORITY = 0.75
"""Share of the headers with a licence that must have the same one."""


def development_packages(index: Mapping[str, IndexedPackage], sources: set[str]) -> dict[str, list[IndexedPackage]]:
    """The development packages of source packages, by source."""
    found: dict[str, list[IndexedPackage]] = {}
    for package in index.values():
        if package.source in sources and package.name.endswith("-dev") and package.size <= _LARGEST:
            found.setdefault(package.source, []).append(package)
    return found


def read_headers(packages: Sequence[IndexedPackage], release: str) -> dict[str, Counter[str]]:
    """Licences by how many headers of a package grant them (several in one header joined by " AND "), by package name.

    Packages that were never read are downloaded, read and removed again.

    :raises Unavailable: where the mirror does not give one.
    """
    records = kept_records(packages, release, f"{release}-headers", _read_package)
    lacking = [package.name for package in packages if package.name not in records]
    if lacking:
        raise Unavailable(f"{release}: the mirror does not give {', '.join(lacking)}")
    return {name: _counted(json.loads(record.read_text(encoding="utf-8"))) for name, record in records.items()}


def agreed_license(counts: Iterable[Counter[str]], fewest: int = 1) -> str:
    """The expression that at least three quarters of the headers with a licence have; "" where there is none, or less than ``fewest`` have it."""
    total: Counter[str] = Counter()
    for counted in counts:
        total += counted
    if not total:
        return ""
    expression, most = total.most_common(1)[0]
    return expression if most >= max(fewest, _MAJORITY * total.total()) else ""


def is_doubtful(file: CopyrightFile, reading: LibraryReading | None) -> bool:
    """Whether the headers have something to say beside what was read of the copyright file."""
    if reading is None or not reading.expression or not file.machine_readable or not understood(reading):
        return True
    if reading.contradicted:
        return True
    if reading.scope not in ("default", "majority"):
        return False
    strong = license_class(reading.expression) in ("strong-copyleft", "network-copyleft")
    return strong or " AND " in reading.expression or bool(_weak_licenses(file))


def understood(reading: LibraryReading) -> bool:
    """Whether all names were: an exception that nobody knows leaves the stricter licence; a licence that nobody knows leaves nothing."""
    return all(name.startswith("with ") for name in reading.unknown)


def has_names_of_its_own(file: CopyrightFile, reading: LibraryReading) -> bool:
    """Whether all names were understood or are names that a licence goes by, to be answered as ``LicenseRef-Debian-…``: "unknown" and "none" are not,
    and "other", "permissive" and "BSD-like" are where the file has a text for them."""
    return all(
        name.startswith("with ")
        or _VAGUE_NAME.search(_CALLED_LICENSE.sub("", name)) is None
        or (_NO_NAME.fullmatch(_CALLED_LICENSE.sub("", name)) is None and _has_text(file, name))
        for name in reading.unknown
    )


def has_terms_of_its_own(file: CopyrightFile, reading: LibraryReading | None) -> bool:
    """Whether what was read is a licence that nobody knows, by a name of its own and with a text in the file: a proprietary one, or one that a
    project wrote for itself. Headers and source files that say something milder are of others, or only a part; "BSD-like" is no such name."""
    if reading is not None and reading.expression == RESTRICTED:
        return True
    unknown = [name for name in reading.unknown if not name.startswith("with ")] if reading is not None else []
    return bool(unknown) and all(
        _VAGUE_NAME.search(_CALLED_LICENSE.sub("", name)) is None and _has_text(file, name) for name in unknown
    )


def _has_text(file: CopyrightFile, name: str) -> bool:
    return any(file.text_of(one, name) for one in file.paragraphs)


def headers_decide(file: CopyrightFile, reading: LibraryReading | None, headers: str) -> bool:
    """Whether the library's licence is that of its headers and not what was read of the copyright file.

    So it is where the file leaves it open and has no licence of its own that nobody knows; where its text grants another version than the short
    name says, and the headers have the latter; where it is written freely, names several, and no sentence says which is the library's; and where
    everything is of a strong copyleft, or of permissive licences, and the headers of a weak one that the file names, too. One of several licences
    that hold for the whole together does not go before all.
    """
    if not headers:
        return False
    if reading is None or not reading.expression or not understood(reading):
        return not has_terms_of_its_own(file, reading)
    class_read, class_headers = license_class(reading.expression), license_class(headers)
    if reading.contradicted and same_family(headers, reading.contradicted):
        return True
    if reading.scope == "sentence":
        return False
    if not file.machine_readable:
        if len(reading.mentioned) == 1:
            return class_read == "strong-copyleft" and class_headers == "weak-copyleft"
        return class_headers not in ("unknown", "public-domain")
    if reading.scope not in ("default", "majority"):
        return False
    if " AND " in reading.expression:
        return False
    return (
        class_read in ("strong-copyleft", "permissive")
        and class_headers == "weak-copyleft"
        and any(same_license(headers, name) for name in _weak_licenses(file))
    )


def same_family(one: str, other: str) -> bool:
    """Whether two licences are versions of one: the same up to the number."""
    return re.split(r"-\d", one, maxsplit=1)[0] == re.split(r"-\d", other, maxsplit=1)[0]


def _weak_licenses(file: CopyrightFile) -> set[str]:
    """The weak copyleft that paragraphs of single directories, of headers or of several files have; one file is borrowed code."""
    names = {
        paragraph.license_name
        for paragraph in file.paragraphs
        if "*" not in paragraph.patterns and (len(paragraph.patterns) > 1 or _SEVERAL.search(paragraph.patterns[0]))
    }
    read = [read_license_name(name) for name in names]
    return {
        named.expression for named in read if named is not None and license_class(named.expression) == "weak-copyleft"
    }


def _read_package(path: Path, _package: IndexedPackage) -> Counter[str]:
    return _read(path)


def _read(path: Path) -> Counter[str]:
    counted: Counter[str] = Counter()
    left = _MOST_HEADERS
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if not left or not member.isfile() or _HEADER.fullmatch(member.name) is None:
                continue
            left -= 1
            stream = archive.extractfile(member)
            text = b"" if stream is None else stream.read(_FIRST)
            granted = granted_license(text.decode("utf-8", "replace"))
            if granted:
                counted[granted] += 1
    return counted


def _counted(record: dict[str, int]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for expression, count in record.items():
        counted[current_identifiers(expression)] += count
    return counted


@lru_cache(maxsize=4096)
def current_identifiers(expression: str) -> str:
    """An expression with the identifiers that the SPDX list has today: "LGPL-2.1+" as LGPL-2.1-or-later."""
    named = read_license_name(expression)
    return named.expression if named is not None and not named.unknown else expression


def granted_license(text: str) -> str:
    """The SPDX identifier that a header names (https://spdx.github.io/spdx-spec/v2.3/using-SPDX-short-identifiers-in-source-files/), else what is
    recognised in it; "" for several of which at least one is a copyleft, where it does not say that one may choose."""
    named = [read_license_name(identifier.strip()) for identifier in _IDENTIFIER.findall(text)]
    said = next((one.expression for one in named if one is not None and not one.unknown), "")
    if said:
        return said
    granted = recognise_text(text)
    if len(granted) > 1 and _CHOICE.search(text):
        return " OR ".join(granted)
    mild = all(license_class(name) in ("permissive", "public-domain") for name in granted)
    return " AND ".join(granted) if mild or len(granted) == 1 else ""
