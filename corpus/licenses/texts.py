"""``python -m corpus.licenses.texts DIRECTORY...``: how licence texts are recognised, over installed distributions and Debian's standard texts.

Each DIRECTORY is searched for distributions (``*.dist-info``), wheels (``*.whl``) among them; each project counts once, at the newest version there
is.  The truth is what the metadata declare: the License-Expression, else a License field or classifier that means one SPDX identifier alone.
Compared are

* agreement: the texts name a licence of the expression, and the text that is taken for the component's own is one of it;
* silence: no licence is recognised in any licence file;
* difference: another licence is told.  Each is printed, and explained in ``TEXTS.md``.

Distributions of which the metadata do not decide are listed with what the text decides.  ``--csv FILE`` writes every row.
"""

from __future__ import annotations

import argparse
import csv
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.store import scratch_directory
from inspector.artifact.opening import open_artifact
from inspector.facts.licensing.license_expressions import license_terms, parse_license_expression
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.text_recognition import recognise_license_texts
from inspector.facts.python.distributions import PythonDistribution, collect_python_distributions

STANDARD = Path("/usr/share/common-licenses")
_STANDARD_NAMES = {
    "Artistic": "Artistic-1.0-Perl",
    "BSD": "BSD-3-Clause",
    "GPL": "GPL-3.0",
    "LGPL": "LGPL-3.0",
    "GFDL": "GFDL-1.3",
    "GPL-1": "GPL-1.0",
    "GPL-2": "GPL-2.0",
    "GPL-3": "GPL-3.0",
    "LGPL-2": "LGPL-2.0",
    "LGPL-3": "LGPL-3.0",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One distribution.

    :ivar declared: the expression that its metadata mean, or "".
    :ivar own: what is taken for its own text, or "".
    :ivar found: all licences of its texts.
    :ivar files: how many licence files it has.
    """

    name: str
    version: str
    declared: str
    own: str
    found: tuple[str, ...]
    files: int

    @property
    def verdict(self) -> str:
        """ "agrees", "silent", "differs", "decides" or "undecided" (without a declared expression)."""
        if not self.declared:
            return "decides" if self.own else "undecided"
        if not self.found:
            return "silent"
        expected = _plain(self.declared)
        if self.own:
            return "agrees" if _plain(self.own) & expected else "differs"
        return "agrees" if {name for each in self.found for name in _plain(each)} & expected else "differs"


def _plain(expression: str) -> set[str]:
    tree = parse_license_expression(expression)
    names = [term.identifier for term in license_terms(tree)] if tree is not None else []
    return {name.removesuffix("-only").removesuffix("-or-later") for name in names}


def rows_of(directory: Path) -> Iterator[Row]:
    """The distributions of a directory that have licence files."""
    with open_artifact(directory) as artifact:
        texts = RecognisedFiles(artifact.tree)
        for found in collect_python_distributions(artifact.tree).distributions:
            if found.license_files and "/_vendor/" not in found.metadata_path:
                yield _row(found, texts)


def _row(found: PythonDistribution, texts: RecognisedFiles) -> Row:
    files = [path for path in found.license_files if "/_vendor/" not in path]
    statements = texts.statements(files)
    own = texts.own_statement(files)
    names = dict.fromkeys(
        name for each in statements for name in ((each.expression,) if each.expression else each.mentioned)
    )
    return Row(
        found.normalized_name,
        found.version or "",
        found.licenses or "",
        own.expression or "" if own is not None else "",
        tuple(names),
        len(files),
    )


def _directories(given: Path, scratch: Path) -> Iterator[Path]:
    """The directory itself, and the metadata of each wheel in it, unpacked."""
    yield given
    for wheel in sorted(given.glob("*.whl")):
        target = scratch / wheel.stem
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if ".dist-info/" in name and not name.endswith("/"):
                    archive.extract(name, target)
        yield target


def measure_standard_texts() -> Iterator[tuple[str, bool, str]]:
    """Debian's standard texts: file name, whether it is recognised, and as what."""
    for path in sorted(STANDARD.glob("*")):
        found = recognise_license_texts(path.read_text(encoding="utf-8", errors="replace")).identifiers
        expected = _STANDARD_NAMES.get(path.name, path.name)
        names = {name for each in found for name in each}
        right = len(found) == 1 and any(name.startswith(expected) for name in names)
        yield path.name, right, ", ".join(sorted(names))


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 where a distribution differs that ``TEXTS.md`` does not explain."""
    parser = argparse.ArgumentParser(prog="python -m corpus.licenses.texts")
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args(arguments)
    for name, right, names in measure_standard_texts():
        print(f"{'right' if right else 'WRONG':6} {name:14} {names}")
    rows: dict[str, Row] = {}
    started = time.perf_counter()
    with scratch_directory() as scratch:
        for given in options.directories:
            for directory in _directories(given, scratch):
                for row in rows_of(directory):
                    known = rows.get(row.name)
                    if known is None or _newer(row.version, known.version):
                        rows[row.name] = row
    seconds = time.perf_counter() - started
    chosen = sorted(rows.values(), key=lambda row: row.name)
    verdicts = Counter(row.verdict for row in chosen)
    for verdict in ("silent", "differs", "decides", "undecided"):
        for row in chosen:
            if row.verdict == verdict:
                print(
                    f"{verdict:9} {row.name} {row.version}: {row.declared or '-'} | own {row.own or '-'} | found {', '.join(row.found) or '-'}"
                )
    declared = sum(verdicts[name] for name in ("agrees", "silent", "differs"))
    files = sum(row.files for row in chosen)
    print(
        f"{len(chosen)} distributions with licence files, {declared} with a declared expression, {files} files, {seconds:.1f} s"
    )
    for name in ("agrees", "silent", "differs", "decides", "undecided"):
        print(f"{name:10} {verdicts[name]}")
    if options.csv is not None:
        with options.csv.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["name", "version", "declared", "own", "found", "verdict"])
            writer.writerows(
                [row.name, row.version, row.declared, row.own, "; ".join(row.found), row.verdict] for row in chosen
            )
    return 0


def _newer(version: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) > Version(other)
    except InvalidVersion:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
