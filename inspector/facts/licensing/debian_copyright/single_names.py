"""What single names of licences and exceptions stand for in Debian's copyright files: ``rules/licenses/debian_names.toml``, and the SPDX list."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from inspector.patterns import lazy_pattern
from inspector.resources import load_table

GNU_NAME = lazy_pattern(
    r"(?P<family>[al]?gpl|gfdl)(?P<niv>-niv)?-?v?(?P<version>\d(?:\.\d)?)(?:\.0)?(?P<later>\+| or later|-or-later|-only)?"
)


@lru_cache(maxsize=1024)
def known_license(name: str) -> str | None:
    """The SPDX expression of a short name: by the table, a GNU licence's grammar, or as the list has it; None for others."""
    lowered = " ".join(name.lower().split())
    found = known_names().get(lowered)
    if found is not None:
        return found
    gnu = GNU_NAME.fullmatch(lowered)
    if gnu is not None:
        return _gnu_identifier(gnu)
    from inspector.facts.licensing.canonical_expressions import canonical_expression

    if lowered.startswith("licenseref-"):
        return name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else None
    bare = re.sub(r"[ -]licen[cs]e$", "", name, flags=re.IGNORECASE)
    return canonical_expression(bare) if re.fullmatch(r"[A-Za-z0-9.+-]+", bare) else None


def _gnu_identifier(match: re.Match[str]) -> str | None:
    family, version = match["family"].upper(), match["version"]
    version = version if "." in version else f"{version}.0"
    if (family, version) in (("GFDL", "1.0"), ("LGPL", "2.2")):
        return None
    if family == "LGPL" and version.startswith("1."):
        # The first version is 2.0: whoever may take any later than one that never was may take that.
        return None if match["later"] in (None, "-only") else "LGPL-2.0-or-later"
    ending = "-only" if match["later"] in (None, "-only") else "-or-later"
    middle = "-no-invariants" if match["niv"] else ""
    found = f"{family}-{version}{middle}{ending}"
    from inspector.facts.licensing.canonical_expressions import canonical_expression

    return canonical_expression(found)


def is_ambiguous(name: str) -> bool:
    """Whether a name stands for more than one licence, so that a file's text for it says which ("BSD")."""
    return " ".join(name.lower().split()) in load_table("licenses/debian_names.toml")["ambiguous"]["names"]


@cache
def known_names() -> dict[str, str]:
    """Expressions by names in lower case."""
    names: dict[str, str] = load_table("licenses/debian_names.toml")["names"]
    return names


@cache
def listed_exceptions() -> dict[str, str]:
    """Exceptions of the SPDX list by their identifiers in lower case."""
    table = load_table("licenses/classes.toml")["exceptions"]
    names = [name for group in table.values() for name in group if "*" not in name]
    return {name.lower(): name for name in names}
