"""TOML documents (v1.0) that are our own data: rules, catalogues, host profiles.

rtoml reads them where it is installed, in a seventh of the time of the standard library's reader, which was a sixth of a short audit.  A project's
configuration, which people write, stays with the standard library: its messages say the line and column.
"""

from __future__ import annotations

from typing import Any

__all__ = ["parse_toml"]

_loads: Any
try:
    from rtoml import loads as _loads
except ImportError:
    from tomllib import loads as _loads


def parse_toml(content: bytes) -> dict[str, Any]:
    """The document of a file.

    :param content: its bytes, UTF-8.
    :raises ValueError: where it is no TOML, or not UTF-8.
    """
    document: dict[str, Any] = _loads(content.decode("utf-8").replace("\r\n", "\n"))
    return document
