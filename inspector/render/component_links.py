"""How the components of a Result hang together: whose file each file is, which component loads or contains which, and a word for how each is reached.

Made of the Result alone: of ``libraries`` (who needs whom), ``roots`` (what is started or opened by name) and the components' files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from inspector.result import ComponentInfo, Result

Linkage = Literal["dynamic", "static"]

_ROOT_WORDS = {
    "entry": "is started",
    "extension": "Python module",
    "plugin": "plugin",
    "optional": "nothing loads it",
}


class ComponentLinks(Struct, frozen=True):
    """Links between components, which are named by their place in ``Result.components``.

    :ivar owner: component by tree path; a library's own component goes before the distribution that brought it. Static ones own no file.
    :ivar links: (user, used, linkage), each once, in order; the user is None where the file that uses it is no component's.
    :ivar users: files that load a file, by the path of the latter.
    """

    owner: Mapping[str, int]
    links: tuple[tuple[int | None, int, Linkage], ...]
    users: Mapping[str, tuple[str, ...]]


def component_links(result: Result) -> ComponentLinks:
    """All links; where the Result names only some of a component's files, links of the others are not known."""
    owner: dict[str, int] = {}
    ranked = sorted(enumerate(result.components), key=lambda found: found[1].kind != "library")
    for index, component in ranked:
        if component.kind != "static":
            for path in component.files:
                owner.setdefault(path, index)
    links: dict[tuple[int | None, int, Linkage], None] = {}
    users: dict[str, list[str]] = {}
    for library in result.libraries:
        for need in library.needed:
            if need.path is None or need.path == library.path:
                continue
            users.setdefault(need.path, []).append(library.path)
            used = owner.get(need.path)
            if used is not None and used != owner.get(library.path):
                links[owner.get(library.path), used, "dynamic"] = None
    for index, component in enumerate(result.components):
        if component.kind == "static":
            for path in component.files:
                links[owner.get(path), index, "static"] = None
    ordered = sorted(links, key=lambda link: (-1 if link[0] is None else link[0], link[1], link[2]))
    return ComponentLinks(owner, tuple(ordered), {path: tuple(paths) for path, paths in users.items()})


def how_reached(result: Result, component: ComponentInfo, links: ComponentLinks) -> tuple[str, str, int]:
    """A word, the file that it is about, and how many more there are: ("by", "usr/lib/libQt5Gui.so.5", 3), ("package", "", 0)."""
    if component.part_of and component.kind != "static":
        return "part of", component.part_of, 0
    if component.kind == "python":
        return "package", "", 0
    if component.kind == "interpreter":
        return "the interpreter", "", 0
    if component.kind == "static":
        return "inside", *_first_of(component.files)
    own = set(component.files)
    users = [user for path in component.files for user in links.users.get(path, ()) if user not in own]
    if users:
        return "by", *_first_of(list(dict.fromkeys(users)))
    if component.kind != "library":
        return "data", "", 0
    roles = {root.path: root.role for root in result.roots}
    role = next((roles[path] for path in component.files if path in roles), None)
    return (_ROOT_WORDS[role] if role is not None else "nothing loads it"), "", 0


def _first_of(paths: Sequence[str]) -> tuple[str, int]:
    return (paths[0], len(paths) - 1) if paths else ("", 0)
