"""Whether the makers of a component still support its release, and whether the release has a known fault: from ``rules/end_of_life.toml``, dated.

The makers' word, and not that of a distribution: Debian mends OpenSSL 3.0 longer than OpenSSL does.  No network is asked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from inspector.facts.licensing.component import Component
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.patterns import fits_glob, lazy_pattern
from inspector.resources import load_table

_TABLE = "end_of_life.toml"
_NUMBERS = lazy_pattern(r"\d+")


class SupportPeriod(Struct, frozen=True):
    """What is known of one release.

    :ivar name: product and cycle: "OpenSSL 1.1.1".
    :ivar ended: the first day without support; None where it ended on a day that is not known.
    :ivar basis: the version, or the soname alone.
    """

    name: str
    ended: dt.date | None
    url: str
    basis: Literal["version", "soname"] = "version"

    def is_over(self, today: dt.date) -> bool:
        """Whether support has ended."""
        return self.ended is None or self.ended <= today


class KnownFault(Struct, frozen=True):
    """A fault of old releases.  :ivar mended_in: the release that mends it."""

    fault: str
    mended_in: str
    url: str


def table_date() -> str:
    """ISO date of the table."""
    return str(load_table(_TABLE)["as_of"].isoformat())


def support_period(component: Component) -> SupportPeriod | None:
    """How long a component's release is supported; None where the table does not tell."""
    if component.version is not None:
        for product in _products(component.name):
            cycle = _cycle(component.version, [*product["ended"], *product.get("supported", ())])
            if cycle in product["ended"]:
                ended = product["ended"][cycle]
                return SupportPeriod(
                    f"{product['name']} {cycle}", ended if isinstance(ended, dt.date) else None, product["url"]
                )
            if cycle is not None:
                return None
    for name in dict.fromkeys(library.soname or library.path.rpartition("/")[2] for library in component.libraries):
        for row in load_table(_TABLE)["sonames"]:
            if any(fits_glob(plain_library_name(name), glob) for glob in row["globs"]):
                ended = row["ended"]
                return SupportPeriod(row["name"], ended if isinstance(ended, dt.date) else None, row["url"], "soname")
    return None


def known_faults(component: Component) -> tuple[KnownFault, ...]:
    """Faults that the component's release has by its number; nothing without a version."""
    if component.version is None or component.kind not in ("library", "static"):
        return ()
    version = _numbers(component.version)
    return tuple(
        KnownFault(row["fault"], row["mended_in"], row["url"])
        for row in load_table(_TABLE)["known_old"]
        if component.name in row["components"]
        and (component.version in row["only"] if "only" in row else version < _numbers(row["mended_in"]))
    )


def _products(name: str) -> Iterator[dict[str, Any]]:
    for product in load_table(_TABLE)["products"]:
        if any(fits_glob(name, glob) for glob in product["components"]):
            yield product


def _cycle(version: str, cycles: Sequence[str]) -> str | None:
    """The release cycle of a version, the most particular: "1.1.1" of "1.1.1w", "3.11" of "3.11.2"."""
    fitting = [
        cycle for cycle in cycles if version.startswith(cycle) and not version[len(cycle) : len(cycle) + 1].isdecimal()
    ]
    return max(fitting, key=len, default=None)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: (1, 2, 13) of "1.2.13.1-motley" and its like."""
    start = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number[:9]) for number in _NUMBERS.findall(start[0])) if start is not None else (10**9,)
