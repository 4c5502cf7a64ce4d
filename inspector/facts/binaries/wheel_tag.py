"""The platform tags that a wheel claims, and which of them its files do not keep.

The tags stand in the file's name and in the ``Tag`` lines of ``*.dist-info/WHEEL`` (PyPA specification "Binary distribution format"); an installer
believes the name.  What each promises: PEP 600 for manylinux, PEP 656 for musllinux; the numbered tags of PEP 513, 571 and 599 are aliases.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.binaries.platform_policies import Libc
from inspector.facts.binaries.platform_tag import PlatformNeeds, platform_tag
from inspector.patterns import lazy_pattern

_NAME = lazy_pattern(r".+-[^-]+(?:-\d[^-]*)?-[^-]+-[^-]+-(?P<platform>[^-]+)\.whl")
_PLATFORM = lazy_pattern(r"(?P<kind>manylinux|musllinux)_(?P<major>\d+)_(?P<minor>\d+)_(?P<arch>\w+)")
_ALIASES = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
_LINUX = lazy_pattern(r"linux_(?P<arch>\w+)")
_LARGEST = 1 << 16  # bytes of a WHEEL file; a dozen lines is usual


class WheelTag(Struct, frozen=True):
    """What a wheel claims.

    :ivar claimed: its platform tags, joined by "." as in its name; None for what is no wheel.
    :ivar unkept: a clause for each claimed tag that the files do not keep, with what they ask for; those that say the same thing are told once.
    """

    claimed: str | None = None
    unkept: tuple[str, ...] = ()


def wheel_tag(artifact: Artifact, needs: Sequence[PlatformNeeds]) -> WheelTag:
    """The claim of a wheel against what its ELF objects need."""
    if artifact.format != "wheel":
        return WheelTag()
    claimed = _claimed(artifact)
    unkept = dict.fromkeys(clause for tag in claimed if (clause := _objection(tag, needs)))
    return WheelTag(".".join(claimed) or None, tuple(unkept))


def _claimed(artifact: Artifact) -> list[str]:
    """By its name, which an installer believes; of a renamed file by its WHEEL."""
    name = _NAME.fullmatch(posixpath.basename(artifact.path))
    if name is not None:
        return list(dict.fromkeys(name["platform"].split(".")))
    return list(dict.fromkeys(tag.rpartition("-")[2] for tag in _recorded_tags(artifact.tree)))


def _recorded_tags(tree: Tree) -> list[str]:
    for node in tree.files():
        if node.name == "WHEEL" and posixpath.dirname(node.path).endswith(".dist-info") and node.path.count("/") == 1:
            try:
                text = node.read_at(0, _LARGEST).decode("utf-8", "backslashreplace")
            except (FormatError, OSError):
                return []
            return [line.partition(":")[2].strip() for line in text.splitlines() if line.lower().startswith("tag:")]
    return []


def _objection(tag: str, needs: Sequence[PlatformNeeds]) -> str:
    """Why the files do not keep a tag; "" where they do, or it is for another system than Linux."""
    if tag == "any":
        return f"any promises every platform, and {needs[0].path} is for {needs[0].arch} Linux" if needs else ""
    alias, _, arch = tag.partition("_")
    standard = f"{_ALIASES[alias]}_{arch}" if alias in _ALIASES else tag
    plain = _LINUX.fullmatch(standard)
    match = _PLATFORM.fullmatch(standard)
    arch = match["arch"] if match else plain["arch"] if plain else ""
    if not arch or not needs:
        return ""
    foreign = [found for found in needs if found.arch != arch]
    if len(foreign) == len(needs):
        return f"{tag} promises {arch}, and {foreign[0].path} is for {foreign[0].arch}"
    if match is None:
        return ""
    libc: Libc = "glibc" if match["kind"] == "manylinux" else "musl"
    other = next((found for found in needs if found.arch == arch and found.libc not in (None, libc)), None)
    if other is not None:
        return f"{standard} promises {libc}, and {other.path} is linked with {other.libc}"
    allowed = platform_tag(needs, arch=arch, libc=libc)
    granted = _PLATFORM.fullmatch(allowed.allowed or "")
    if granted is None:
        return f"{standard}: {allowed.reasons[0] if allowed.reasons else 'no policy grants what the files ask for'}"
    if libc == "glibc" and _version(granted) > _version(match):
        why = next((reason for reason in allowed.reasons if " does not grant " in reason), "")
        return f"{standard} is claimed, and the files allow {allowed.allowed}" + (f": {why}" if why else "")
    return ""


def _version(match: re.Match[str]) -> tuple[int, int]:
    return int(match["major"]), int(match["minor"])
