"""What people read in copyright files after the machine had: ``reviewed.csv``, by SONAME and source package.

The machine reads all of them, and a person those where the file leaves room for a mistake: several licences, a file that is written freely, a name
that nobody knows. Who reviews sees the machine's answer and the file, and no label of a measured set.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.licenses.comparing import same_license
from corpus.licenses.copyright_rows import Row

TABLE = Path(__file__).with_name("reviewed.csv")
COLUMNS = ["soname", "source_package", "read_in", "machine", "spdx", "reason"]


@dataclass(frozen=True, slots=True)
class Review:
    """A row of ``reviewed.csv``.

    :ivar read_in: the release and version whose copyright file was read ("Debian 12 aalib 1.4p5-50").
    :ivar machine: what the machine had answered, an SPDX expression, or "".
    :ivar spdx: what is right; the same where the reader agrees.
    :ivar reason: why it is not the machine's answer, or "".
    """

    soname: str
    source_package: str
    read_in: str
    machine: str
    spdx: str
    reason: str


def reviews() -> dict[tuple[str, str], Review]:
    """The table by SONAME and source package."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = [Review(**row) for row in csv.DictReader(line for line in stream if not line.startswith("#"))]
    return {(row.soname, row.source_package): row for row in rows}


def as_reviewed(row: Row, known: Mapping[tuple[str, str], Review]) -> Row:
    """The row with what a person read; as it is where nobody has."""
    review = known.get((row.soname, row.source_package))
    if review is None:
        return row
    if row.spdx == review.spdx or (row.spdx and same_license(row.spdx, review.spdx)):
        return replace(row, checked="reviewed")
    source = f"{review.read_in}: {review.reason}" if review.reason else review.read_in
    return replace(row, spdx=review.spdx, checked="reviewed", source=source)
