"""Zstandard (RFC 8878): the standard library's module from Python 3.14 on, else the package that carries it to older ones."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from inspector.errors import FormatError, UnsupportedFormat


@cache
def zstandard() -> Any:  # noqa: ANN401 -- a module, with the interface of the standard library's compression.zstd
    """The module, imported when it is first wanted.

    :raises UnsupportedFormat: where neither is there.
    """
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise UnsupportedFormat("compression with zstd needs the package backports.zstd")


def decompressed(content: bytes) -> bytes:
    """All frames of our own data: the output is as large as they say, so nothing of an artifact's comes here.

    :raises FormatError: where they are damaged, or :func:`zstandard` has no module.
    """
    zstd = zstandard()
    try:
        found: bytes = zstd.decompress(content)
    except zstd.ZstdError as error:
        raise FormatError(f"zstd: {error}") from None
    return found
