"""Parts of Qt that no loaded Qt module opens: plugins, QML modules, WebEngine's resources.

Which module opens what stands in ``rules/prune/qt.toml``.

Asked for applications only, of Python or of programs alone: an open interpreter may load every Qt module.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from inspector.artifact.tree import Kind, Tree
from inspector.facts.facts import Facts
from inspector.patterns import lazy_pattern
from inspector.resources import load_table
from inspector.slim.planning.library_needs import LibraryNeeds
from inspector.slim.planning.prune_rules import Matcher, Place, PruneRule
from inspector.slim.planning.removals import Removals

_LIBRARY = lazy_pattern(r"libQt(?:\d|\d_|\d\.)?(?P<module>[A-Z3]\w*?)(?:_conda)?\.so(?:\.\d+)*$")
_PLUGINS = lazy_pattern(r"(?:^|.*/)plugins/(?P<folder>[^/]+)/(?P<file>lib[^/]+\.so)$")


def claim_qt_parts(
    facts: Facts, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals, libraries: LibraryNeeds
) -> None:
    """Claim plugins first, since they load Qt modules themselves, then what belongs to modules that nothing loads any more."""
    modules = {found.path: module for found in facts.objects if (module := _module(found.name)) is not None}
    if not modules:
        return
    table = load_table("prune/qt.toml")
    of_qml = _places(table["qml"])
    in_qml = frozenset(found.path for found in facts.objects if of_qml.takes(found.path))
    plugins = {
        found.path: openers
        for found in facts.objects
        if found.path not in removals and (openers := _openers(found.path, table["plugins"]))
    }

    def used(without: Collection[str]) -> set[str]:
        """The Qt modules that something which stays loads, these objects left out."""
        return {modules[path] for path in libraries.reached(removals.paths, without=without) if path in modules}

    rule = rules.get("qt-plugins")
    if rule is not None:
        for path in sorted(_never_opened(plugins, in_qml, used)):
            names = " and ".join(f"Qt {opener}" for opener in plugins[path])
            folder = posixpath.basename(posixpath.dirname(path))
            removals.claim(rule, folder, (path,), reasons=(f"{names} would open it",))
    loaded = used(in_qml)
    for name, key in (("qt-qml", "qml"), ("qt-webengine", "webengine")):
        rule = rules.get(name)
        if rule is None or loaded.intersection(table[key]["libraries"]):
            continue
        matcher = _places(table[key])
        for node in tree:
            if node.kind is not Kind.DIRECTORY and node.path not in removals and matcher.takes(node.path):
                removals.claim(rule, "Qt", (node.path,))


def _never_opened(
    plugins: Mapping[str, tuple[str, ...]], in_qml: Collection[str], used: Callable[[Collection[str]], set[str]]
) -> set[str]:
    """The plugins that stay unopened when every opened one may open others: what it loads counts from then on."""
    closed = set(plugins)
    while True:
        loaded = used(closed.union(in_qml))
        if "Qml" in loaded:
            loaded |= used(closed)  # QML modules may be imported
        opened = {path for path in closed if loaded.intersection(plugins[path])}
        if not opened:
            return closed
        closed -= opened


def _module(name: str) -> str | None:
    """``Widgets`` of ``libQt5Widgets.so.5``."""
    match = _LIBRARY.match(name)
    return None if match is None else match["module"]


def _openers(path: str, table: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[str, ...]:
    """The Qt modules that open a plugin; none for what is no plugin, or one that stays in any case."""
    match = _PLUGINS.match(path)
    if match is None:
        return ()
    of_file = table["files"].get(f"{match['folder']}/{match['file']}")
    return tuple(of_file or table["folders"].get(match["folder"], ()))


def _places(row: Mapping[str, str]) -> Matcher:
    places = [Place(re.compile(row["directories"]), None)]
    if "files" in row:
        places.append(Place(None, re.compile(row["files"])))
    return Matcher(tuple(places))
