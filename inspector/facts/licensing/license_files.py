"""Where an artifact keeps licence texts, and which of them belong to a component.

Looked at: the metadata of Python distributions and licence files among their modules; copyright files of Debian's packages below ``share/doc``;
what other distributions put into ``share/licenses``; the licence beside Python's standard library.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from inspector.artifact.nested_trees import NestedTrees
from inspector.facts.licensing.bundled_copyright import packages_of_soname
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.patterns import lazy_pattern
from inspector.result import ComponentInfo

_NAME = lazy_pattern(
    r"(?:un)?licen[cs]es?(?:[._-].*)?|copying(?:[._-].*)?|copyright(?:[._-].*)?|notices?(?:[._-].*)?|.*[._-](?:licen[cs]e|copying|copyright)(?:\.txt|\.md|\.rst)?"
    r"|third[._-]?party.*|authors(?:\.(?:txt|md|rst))?|patents",
    re.IGNORECASE,
)
_NOT_TEXT = lazy_pattern(
    r"\.(?:py|pyc|pyi|pyx|so|h|c|js|css|svg|png|json|ya?ml|toml|qm|mo|po|html?|ui|qml)$", re.IGNORECASE
)
_METADATA = lazy_pattern(r"(.*\.(?:dist-info|egg-info))/")
_PACKAGE_PLACE = lazy_pattern(r"(?:.*/)?share/(?:doc|licenses)/([^/]+)/")
_NOT_IN_NAMES = lazy_pattern(r"[^a-z0-9]+")
_COPYRIGHT_EVIDENCE = "copyright file "
_MOST = 200  # files of one component


def is_license_file(path: str) -> bool:
    """Whether a file is called as licence texts are: LICENSE, COPYING.LESSER, NOTICE.txt, anything in ``dist-info/licenses``."""
    directory, _, name = path.rpartition("/")
    if _NOT_TEXT.search(name):
        return False
    return _NAME.fullmatch(name) is not None or ".dist-info/licenses" in directory


class LicenseFiles:
    """The licence texts of an artifact and those inside it, by the component that they belong to.

    :param components: all of them, so that a vendored distribution's texts go to it and not to the one that carries it.
    """

    def __init__(self, trees: NestedTrees, components: Sequence[ComponentInfo]) -> None:
        self._trees = trees
        self._distributions = [component for component in components if component.kind == "python"]
        self._carriers: dict[str, list[ComponentInfo]] | None = None
        self._metadata = {_metadata_directory(component) for component in components}
        self._packages: dict[str, list[str]] = {}
        for path in trees.file_paths():
            place = _PACKAGE_PLACE.match(path)
            if place is not None and is_license_file(path):
                self._packages.setdefault(_plain(place[1]), []).append(path)

    def of(self, component: ComponentInfo) -> tuple[str, ...]:
        """Tree paths, what the facts themselves name first."""
        found = dict.fromkeys(component.license_files)
        found.update(dict.fromkeys(statement.source for statement in component.found))
        found.update(
            dict.fromkeys(
                text.removeprefix(_COPYRIGHT_EVIDENCE)
                for text in component.evidence
                if text.startswith(_COPYRIGHT_EVIDENCE)
            )
        )
        if component.kind == "python":
            found.update(dict.fromkeys(self._of_distribution(component)))
        elif component.kind == "interpreter":
            found.update(dict.fromkeys(self._of_interpreter(component)))
        elif component.kind == "library" and not found:
            found.update(dict.fromkeys(self._of_library(component)))
        return tuple(path for path in found if (node := self._trees.get(path)) is not None and node.is_file)[:_MOST]

    def of_carriers(self, component: ComponentInfo) -> tuple[str, ...]:
        """Licence files of the distributions that carry a component's files: a wheel says there what it has in ``foo.libs``, or linked statically."""
        if self._carriers is None:
            self._carriers = {}
            for distribution in self._distributions:
                for path in distribution.files:
                    self._carriers.setdefault(path, []).append(distribution)
        carriers = [distribution for path in component.files for distribution in self._carriers.get(path, ())]
        return tuple(dict.fromkeys(path for carrier in carriers for path in self.of(carrier)))[:_MOST]

    def _of_distribution(self, component: ComponentInfo) -> Iterator[str]:
        own = _metadata_directory(component)
        for path in sorted(component.files):
            if is_license_file(path):
                metadata = _METADATA.match(path)
                if metadata is None or metadata[1] == own or metadata[1] not in self._metadata:
                    yield path

    def _of_interpreter(self, component: ComponentInfo) -> Iterator[str]:
        series = ".".join((component.version or "").split(".")[:2])
        for path in component.files:
            directory = posixpath.dirname(path)
            if directory.endswith(f"python{series}") and is_license_file(path):
                yield path
        for name, paths in sorted(self._packages.items()):
            if re.fullmatch(rf"(?:lib)?python{re.escape(_plain(series))}(?:minimal|stdlib)?", name):
                yield from paths

    def _of_library(self, component: ComponentInfo) -> Iterator[str]:
        """By the names that packages of it would have: the project's, and those that Debian makes of the file names."""
        names = [component.name]
        for path in component.files:
            plain = plain_library_name(path.rpartition("/")[2])
            names += [plain.partition(".so")[0], *packages_of_soname(plain)]
        for name in dict.fromkeys(map(_plain, names)):
            yield from self._packages.get(name, ())


def _metadata_directory(component: ComponentInfo) -> str | None:
    """Where a distribution's metadata lie: its evidence begins with their path."""
    if component.kind != "python" or not component.evidence:
        return None
    match = _METADATA.match(f"{component.evidence[0].partition(': ')[0]}/")
    return match[1] if match is not None else None


def _plain(name: str) -> str:
    return _NOT_IN_NAMES.sub("", name.lower())
