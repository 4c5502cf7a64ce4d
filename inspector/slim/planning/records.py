"""``RECORD`` of an installed distribution after files of it are gone or changed (PyPA specification "Recording installed projects")."""

from __future__ import annotations

import base64
import csv
import io
import posixpath
from collections.abc import Callable, Collection, Iterator

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.limits import Limits

_MOST_ROWS = 1_000_000


def changed_records(tree: Tree, changed: Collection[str], limits: Limits) -> Iterator[str]:
    """Tree paths of the records that name one of the changed or removed paths, in order.

    A directory of changed paths is not told by its name: only files and links count.
    """
    directories = {path.rpartition("/")[0] for path in changed}
    for node in sorted(_records(tree), key=lambda node: node.path):
        if node.path in changed:
            continue
        site = posixpath.dirname(posixpath.dirname(node.path))
        prefix = f"{site}/" if site else ""
        if not any(directory.startswith(prefix) or f"{directory}/" == prefix for directory in directories):
            continue
        try:
            rows = _rows(node.read(limits=limits))
            if any(_tree_path(row[0], site) in changed for row in rows if row):
                yield node.path
        except (FormatError, OSError, csv.Error):
            continue


def rewritten_record(content: bytes, site: str, describe: Callable[[str], tuple[bytes | None, int] | None]) -> bytes:
    """A record whose rows are those of the files that are there.

    :param content: the old record.
    :param site: tree path of the directory that its paths are relative to.
    :param describe: by tree path: None for what is gone; else the sha256 digest and the size, the digest None for a file that did not change.
    :raises FormatError: where it is no CSV.
    """
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\r\n" if b"\r\n" in content[:4096] else "\n")
    try:
        for row in _rows(content):
            found = describe(_tree_path(row[0], site)) if row else None
            if found is None:
                continue
            digest, size = found
            if digest is not None and len(row) > 1 and row[1]:
                encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                row = [row[0], f"sha256={encoded}", str(size)]
            writer.writerow(row)
    except csv.Error as error:
        raise FormatError(f"the record is no CSV: {error}") from error
    return output.getvalue().encode("utf-8", "surrogateescape")


def _records(tree: Tree) -> Iterator[Node]:
    return (node for node in tree.files() if node.path.endswith(".dist-info/RECORD"))


def _rows(content: bytes) -> Iterator[list[str]]:
    text = content.decode("utf-8-sig", "surrogateescape")
    for count, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True)):
        if count > _MOST_ROWS:
            raise FormatError("the record has too many rows")
        yield row


def _tree_path(name: str, site: str) -> str:
    return posixpath.normpath(posixpath.join(site, name)) if name and not name.startswith("/") else name
