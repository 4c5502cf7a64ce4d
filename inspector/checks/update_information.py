"""What is wrong with an AppImage's update information.

The grammar is that of the AppImage specification (draft.md, "Update information"), as AppImageUpdate reads it: fields separated by ``|``, no escapes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

_FIELDS = {
    "zsync": ("url",),
    "gh-releases-zsync": ("owner", "repository", "tag", "file name pattern"),
    "pling-v1-zsync": ("product id", "file name pattern"),
}
_DEAD = {"bintray-zsync": "bintray closed in 2021"}
_ARCHITECTURES = {
    "x86_64": ("x86_64", "amd64", "x64"),
    "i686": ("i686", "i386", "x86"),
    "aarch64": ("aarch64", "arm64"),
    "armhf": ("armhf", "armv7l", "arm"),
}
_LONGEST = 1023  # bytes: the .upd_info section has 1024, and a NUL ends it


def mistakes(text: str, artifact_name: str, arch: str | None) -> Iterator[str]:
    """Each mistake as one sentence without a full stop.

    :param artifact_name: the AppImage's own file name.
    :param arch: its machine, as ``uname -m`` says it.
    """
    kind, *values = text.split("|")
    if kind in _DEAD:
        yield f"its update information is of kind {kind}, and {_DEAD[kind]}"
        return
    if kind not in _FIELDS:
        yield f"its update information is of the unknown kind {kind!r}"
        return
    if len(values) != len(_FIELDS[kind]):
        yield f"its update information has {len(values)} fields after {kind}, and {len(_FIELDS[kind])} are asked for: {', '.join(_FIELDS[kind])}"
        return
    if len(text.encode()) > _LONGEST:
        yield f"its update information is longer than {_LONGEST} bytes"
    if any(not value for value in values):
        yield "a field of its update information is empty"
        return
    yield from _target(kind, values[-1], artifact_name, arch)


def _target(kind: str, target: str, artifact_name: str, arch: str | None) -> Iterator[str]:
    path = target.partition("?")[0].partition("#")[0]
    name = path.rpartition("/")[2]
    if not path.endswith(".zsync"):
        yield f"its update information names {target}, which is no .zsync file"
    if kind == "zsync" and not target.startswith("https://"):
        yield f"its update information names {target}, which is not fetched over https"
    other = _named_architecture(name)
    if other is not None and arch is not None and other != _family(arch):
        yield f"its update information names {name}, a file for {other}, and this one is for {arch}: the update would not start"
    if kind != "zsync" and arch is not None and other is None and "*" in name:
        yield f"the pattern {name} matches the files of every architecture"
    if kind != "zsync" and not fnmatch.fnmatchcase(f"{artifact_name}.zsync", name) and not path.endswith(".AppImage"):
        yield f"the pattern {name} does not match this file's own {artifact_name}.zsync"


def _family(arch: str) -> str:
    return next((family for family, names in _ARCHITECTURES.items() if arch == family or arch in names), arch)


def _named_architecture(name: str) -> str | None:
    """The architecture that a file name tells, the longest word first ("x86_64" before "x86")."""
    words = sorted(
        ((word, family) for family, names in _ARCHITECTURES.items() for word in names), key=lambda pair: -len(pair[0])
    )
    lowered = name.lower()
    return next((family for word, family in words if word in lowered), None)
