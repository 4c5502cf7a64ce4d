"""Which packages of a release have libraries where the loader looks: the archive's Contents index, through apt."""

from __future__ import annotations

import json
import re

from corpus.debian import apt
from corpus.programs import ProgramFailed, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked

_TARGET = "Acquire::IndexTargets::deb::Contents-deb"
_SETTINGS = {
    f"{_TARGET}::MetaKey": "$(COMPONENT)/Contents-$(ARCHITECTURE)",
    f"{_TARGET}::ShortDescription": "Contents-$(ARCHITECTURE)",
    f"{_TARGET}::Description": "$(RELEASE)/$(COMPONENT) Contents",
    f"{_TARGET}::PDiffs": "false",
    f"{_TARGET}::KeepCompressed": "true",
}
LOADERS_DIRECTORY = r"(?:usr/)?lib(?:/x86_64-linux-gnu)?"
"""Expression for the directories that the loader searches on Debian's amd64, from the root."""
_LIBRARY = re.compile(rf"({LOADERS_DIRECTORY}/[^/\s]+\.so(?:\.[^/\s]+)?)\s+(\S+)")
"""A line of the index: path, white space, ``[area/]section/package`` with commas between several (Debian wiki, RepositoryFormat)."""


def packages_with_libraries(release: str) -> dict[str, list[str]]:
    """Paths of the files called ``*.so`` or ``*.so.*`` in the loader's directories, by the name of the package; links among them.

    :raises Unavailable: where the mirror does not give the index.
    """
    kept = cache_directory() / "licenses" / f"{release}-contents.json"
    with locked(f"contents-{release}"):
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            written = kept.with_suffix(".new")
            written.write_text(json.dumps(_read(release)), encoding="utf-8")
            written.rename(kept)
    found: dict[str, list[str]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _read(release: str) -> dict[str, list[str]]:
    options = [
        *apt(release).options(),
        *(part for name, value in _SETTINGS.items() for part in ("-o", f"{name}={value}")),
    ]
    try:
        run(["apt-get", *options, "--error-on=any", "update"])
        indexes = run(["apt-get", *options, "indextargets", "--format", "$(FILENAME)", "Identifier: Contents-deb"])
        lines = "".join(run(["/usr/lib/apt/apt-helper", "cat-file", path]) for path in indexes.split())
    except ProgramFailed as failure:
        raise Unavailable(
            f"the Contents index of {release} cannot be read: {str(failure).splitlines()[-1]}"
        ) from failure
    found: dict[str, list[str]] = {}
    for line in lines.splitlines():
        match = _LIBRARY.fullmatch(line)
        for package in match[2].split(",") if match else []:
            assert match is not None
            found.setdefault(package.rpartition("/")[2], []).append(match[1])
    return found
