"""Sizes as people write them on a command line."""

from __future__ import annotations

import argparse
import re

from inspector.patterns import lazy_pattern

_WRITTEN = lazy_pattern(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def byte_count(text: str) -> int:
    """An argparse type: ``60MB`` is 60,000,000 bytes, ``60MiB`` 62,914,560, ``60`` just 60.

    :raises argparse.ArgumentTypeError: for anything else.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 60MB, 1.5GB or 60MiB")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2].lower()])
