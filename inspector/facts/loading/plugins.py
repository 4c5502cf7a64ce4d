"""Which libraries of a bundle are plugins: opened by name out of a folder, where no DT_NEEDED leads to them.

Folders are told by the catalogue ``rules/libraries/plugins.toml``, by the variables that the launcher sets (``QT_PLUGIN_PATH`` …) and by ``qt.conf``.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from inspector.artifact.tree import Node, Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.launchers.shell_files import read_text
from inspector.patterns import glob_pattern, lazy_pattern
from inspector.resources import load_table

_CACHES = ("loaders.cache", "immodules.cache")
_QT_SETTINGS = ("qt.conf", "qt6.conf")
_SETTINGS = (*_CACHES, *_QT_SETTINGS)
_CACHED_MODULE = lazy_pattern(r'^"([^"]+\.so)"\s*$', re.MULTILINE)
_QT_FOLDERS = {"plugins": "plugins", "qmlimports": "qml", "qml2imports": "qml", "imports": "imports"}


class Plugin(Struct, frozen=True):
    """Why a library counts as a plugin.

    :ivar loader: what opens it, for people ("Qt").
    :ivar reason: a clause: "is a plugin of Qt", "lies below QT_PLUGIN_PATH".
    :ivar role: "optional" where nobody opens it, or nobody misses it.
    """

    loader: str
    reason: str
    role: Literal["plugin", "optional"]


class PluginFolders:
    """Answers for one bundle.

    :param environment: what the launcher sets, run-time paths below ``root``.
    :param root: the run-time path of the tree's root.
    """

    def __init__(
        self, objects: Sequence[ElfObject], tree: Tree, environment: Mapping[str, str], root: str = "$APPDIR"
    ) -> None:
        self._names = {name for found in objects for name in (found.name, found.elf.soname) if name}
        settings = [node for node in tree if node.path.endswith(_SETTINGS) and node.is_file]
        self._folders = [*_named_folders(environment, root), *_qt_folders(settings)]
        self._listed = dict(_listed_modules(settings))
        self._entries = [
            (entry, compiled) for entry, compiled in _catalogue() if self._has_one_of(entry.get("libraries", ()))
        ]

    def _has_one_of(self, patterns: Sequence[str]) -> bool:
        return not patterns or any(fnmatch.filter(self._names, pattern) for pattern in patterns)

    def of(self, path: str) -> Plugin | None:
        """Why the library at a tree path is a plugin; None where it is none."""
        plugin = self._by_place(path)
        listed = self._listed.get(posixpath.dirname(path))
        if plugin is not None and listed is not None and posixpath.basename(path) not in listed[1]:
            return Plugin(plugin.loader, f"is not listed in {listed[0]}, so {plugin.loader} never opens it", "optional")
        return plugin

    def _by_place(self, path: str) -> Plugin | None:
        for entry, compiled in self._entries:
            if compiled.match(f"/{path}"):
                return Plugin(entry["loader"], f"is a plugin of {entry['loader']}", entry.get("role", "plugin"))
        for folder, loader, reason in self._folders:
            if path.startswith(folder) and ".so" in path:
                return Plugin(loader, reason, "plugin")
        return None


@cache
def _catalogue() -> list[tuple[dict[str, Any], re.Pattern[str]]]:
    compiled = []
    for entry in load_table("libraries/plugins.toml")["plugin"]:
        patterns = [entry["path"]] if "path" in entry else [f"*/{name}" for name in entry["names"]]
        compiled.append((entry, glob_pattern(patterns)))
    return compiled


def _named_folders(environment: Mapping[str, str], root: str) -> Iterator[tuple[str, str, str]]:
    for entry, _ in _catalogue():
        for name in entry.get("variables", ()):
            for value in environment.get(name, "").split(":"):
                path = posixpath.normpath(value) if value else ""
                if path.startswith(f"{root}/"):
                    yield (
                        f"{path[len(root) + 1 :]}/",
                        entry["loader"],
                        f"lies below {name}, where {entry['loader']} looks",
                    )


def _qt_folders(settings: Sequence[Node]) -> Iterator[tuple[str, str, str]]:
    """Folders that a ``qt.conf`` beside a program names (https://doc.qt.io/qt-6/qt-conf.html)."""
    for node in settings:
        if node.name not in _QT_SETTINGS:
            continue
        import configparser  # few artifacts have such a file

        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(read_text(node))
            paths = {name.lower(): value.strip('"') for name, value in parser.items("Paths")}
        except (configparser.Error, ValueError):
            continue
        prefix = posixpath.join(posixpath.dirname(node.path), paths.get("prefix", "."))
        for key, default in _QT_FOLDERS.items():
            folder = posixpath.normpath(posixpath.join(prefix, paths.get(key, default)))
            if not folder.startswith(("/", "..", ".")):
                yield f"{folder}/", "Qt", f"lies in a folder that {node.path} names"


def _listed_modules(settings: Sequence[Node]) -> Iterator[tuple[str, tuple[str, frozenset[str]]]]:
    """For each folder of GdkPixbuf or GTK modules with a cache beside it: the cache's path and the file names that it lists."""
    for node in settings:
        if node.name not in _CACHES:
            continue
        modules = frozenset(posixpath.basename(path) for path in _CACHED_MODULE.findall(read_text(node)))
        if modules:
            directory = posixpath.dirname(node.path)
            for folder in (directory, f"{directory}/loaders", f"{directory}/immodules"):
                yield folder, (node.path, modules)
