"""The standard texts of the SPDX License List: of licences and of exceptions.  Data: ``rules/licenses/texts/``, with the list's version and date.

The list is one compressed file, read whole when the first text is asked for (5 MB of text, some 60 ms).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from inspector.errors import InstallationError
from inspector.resources import data_directory, load_table

_FOLDER = "licenses/texts"


class _Texts(Struct, frozen=True):
    """The file as read.  :ivar by_name: identifier in lower case -> (identifier, text)."""

    by_name: dict[str, tuple[str, str]]
    licenses: tuple[str, ...]
    exceptions: tuple[str, ...]


def spdx_text(identifier: str) -> str | None:
    """The text of a licence or an exception, lines ended by ``\\n``, or None where the list has none (``LicenseRef-…``).

    The case of the identifier does not matter; "GPL-2.0+" and identifiers that the list has deprecated are known.
    """
    found = _read().by_name.get(identifier.lower()) or _read().by_name.get(identifier.lower().removesuffix("+"))
    return found[1] if found else None


def spdx_identifiers() -> tuple[str, ...]:
    """Every identifier of a licence, in the list's case and order; deprecated ones are among them."""
    return _read().licenses


def spdx_exceptions() -> tuple[str, ...]:
    """Every identifier of an exception."""
    return _read().exceptions


def distinct_texts() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text of a licence or an exception once, with the identifiers that share it ("GPL-2.0-only", "GPL-2.0-or-later", …)."""
    shared: dict[str, list[str]] = {}
    for identifier, text in _read().by_name.values():
        shared.setdefault(text, []).append(identifier)
    for text, identifiers in shared.items():
        yield tuple(identifiers), text


def list_version() -> tuple[str, str]:
    """(version, ISO date) of the list that the texts are of."""
    table = load_table(f"{_FOLDER}/spdx.toml")
    return table["list_version"], table["as_of"].isoformat()


@cache
def _read() -> _Texts:
    import json
    import lzma

    path = data_directory("rules") / _FOLDER / "spdx.json.xz"
    try:
        document = json.loads(lzma.decompress(path.read_bytes()))
    except (OSError, lzma.LZMAError, ValueError) as error:
        raise InstallationError(
            f"rules/{_FOLDER}/spdx.json.xz cannot be read: {error}", "reinstall bundle-inspect"
        ) from error
    texts = document["texts"]
    licenses, exceptions = document["licenses"], document["exceptions"]
    return _Texts(
        {identifier.lower(): (identifier, texts[index]) for identifier, index in {**licenses, **exceptions}.items()},
        tuple(licenses),
        tuple(exceptions),
    )
