"""Which packages of a release have libraries, where the loader looks and elsewhere: the archive's Contents index, through apt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

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
_LIBRARY = re.compile(r"((?:usr/)?(?:lib|lib64|libexec)/(?:\S+/)?[^/\s]+\.so(?:\.[^/\s]+)?)\s+(\S+)")
"""A line of the index: path, white space, ``[area/]section/package`` with commas between several (Debian wiki, RepositoryFormat)."""
_IN_LOADERS_DIRECTORY = re.compile(rf"{LOADERS_DIRECTORY}/[^/]+")
_DEBUG_INFORMATION = "/debug/"


def in_loaders_directory(path: str) -> bool:
    """Whether a file lies where the loader looks by itself.

    :param path: from the root, without a slash before it.
    """
    return _IN_LOADERS_DIRECTORY.fullmatch(path) is not None


def packages_with_libraries(release: str) -> dict[str, list[str]]:
    """Paths of the files called ``*.so`` or ``*.so.*`` in the loader's directories, by the name of the package; links among them.

    :raises Unavailable: where the mirror does not give the index.
    """
    return _chosen(release, in_loaders_directory)


def packages_with_private_libraries(release: str) -> dict[str, list[str]]:
    """The same of all other directories for libraries, without separate debug information.

    :raises Unavailable: where the mirror does not give the index.
    """
    return _chosen(release, lambda path: not in_loaders_directory(path) and _DEBUG_INFORMATION not in path)


def _chosen(release: str, is_wanted: Callable[[str], bool]) -> dict[str, list[str]]:
    chosen = {name: [path for path in paths if is_wanted(path)] for name, paths in _libraries(release).items()}
    return {name: paths for name, paths in chosen.items() if paths}


def _libraries(release: str) -> dict[str, list[str]]:
    kept = cache_directory() / "licenses" / f"{release}-libraries.json"
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
