"""Chains to components as a tree: from what is started, through what loads what, to the components' files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from rich.cells import cell_len

from inspector.render.component_links import ComponentLinks
from inspector.render.component_words import STRICT, file_name, license_words
from inspector.render.escaping import escape
from inspector.render.terminal_page import Page, shorten_end, shorten_middle
from inspector.result import ComponentInfo, Result

_COPYLEFT = (*STRICT, "weak-copyleft")
_DEEPEST = 18  # levels that are drawn, which 80 columns have room for; chains of real bundles have fewer than 15


class _Node(dict[str, "_Node"]):
    """Children by step of the chain."""


def write_tree(page: Page, result: Result, links: ComponentLinks, *, every: bool) -> None:
    """The tree of the exposures' chains, or of the chains to every component; packages and files that nothing loads in lists of their own.

    :param every: whether components without copyleft are shown too.
    """
    top = _Node()
    names = _names(result)
    alone: list[str] = []
    for chain in _chains(result, every=every):
        if len(chain) == 1 and chain[0] not in links.users and not _is_root(result, chain[0]):
            alone.append(chain[0])
            continue
        place = top
        for step in chain if len(chain) <= _DEEPEST else (*chain[: _DEEPEST - 2], "…", chain[-1]):
            place = place.setdefault(step, _Node())
    page.heading("How components are reached", "" if every else "copyleft only; -v shows all")
    for step in sorted(top):
        page.line(*_cells(step, names, page, ""), indent=2, hanging=4)
        for line in _branches(top[step], names, page, ""):
            page.line(*line, indent=2, hanging=4)
    if not top:
        page.line("no chain leads to one")
    packages = [component for component in result.components if component.kind == "python" and _shown(component, every)]
    if packages:
        page.heading("Python packages")
        for component in sorted(packages, key=lambda package: package.name.casefold()):
            page.line(
                (component.name, "bold"), f" {component.version or ''}  ", (license_words(component), "dim"), hanging=4
            )
    if alone:
        page.heading("Nothing loads")
        for path in dict.fromkeys(alone):
            page.line(*_cells(path, names, page, ""), hanging=4)


def _shown(component: ComponentInfo, every: bool) -> bool:
    return every or component.license_class in _COPYLEFT


def _is_root(result: Result, path: str) -> bool:
    return any(root.path == path for root in result.roots)


def _names(result: Result) -> dict[str, ComponentInfo]:
    """Components by the steps that stand for them in chains: their files, and of static ones name and version."""
    names: dict[str, ComponentInfo] = {}
    for component in result.components:
        if component.kind == "library":
            for path in component.files:
                names[path] = component
        elif component.kind == "static":
            names[f"{component.name} {component.version or ''}".rstrip()] = component
    return names


def _chains(result: Result, *, every: bool) -> Iterator[tuple[str, ...]]:
    yield from (exposure.chain for exposure in result.licenses.exposures if exposure.linkage != "python")
    if not every:
        return
    shortest = _shortest_chains(result)
    for component in result.components:
        if component.kind == "library":
            yield from (shortest.get(path, (path,)) for path in component.files)
        elif component.kind == "static":
            step = f"{component.name} {component.version or ''}".rstrip()
            yield from ((*shortest.get(path, (path,)), step) for path in component.files)


def _shortest_chains(result: Result) -> dict[str, tuple[str, ...]]:
    """A shortest chain by path, from the roots along what each object needs, in breadth first."""
    needed = {
        library.path: [need.path for need in library.needed if need.path is not None] for library in result.libraries
    }
    chains: dict[str, tuple[str, ...]] = {root.path: (root.path,) for root in result.roots}
    waiting = deque(sorted(chains))
    while waiting:
        path = waiting.popleft()
        for target in needed.get(path, ()):
            if target not in chains:
                chains[target] = (*chains[path], target)
                waiting.append(target)
    return chains


def _branches(
    node: _Node, names: dict[str, ComponentInfo], page: Page, margin: str
) -> Iterator[list[str | tuple[str, str]]]:
    steps = sorted(node)
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        yield _cells(step, names, page, f"{margin}{'└─ ' if last else '├─ '}")
        yield from _branches(node[step], names, page, f"{margin}{'   ' if last else '│  '}")


def _cells(step: str, names: dict[str, ComponentInfo], page: Page, margin: str) -> list[str | tuple[str, str]]:
    """One line: the step's own name, and the component with its licence where the step is one."""
    component = names.get(step)
    room = page.width - 2 - cell_len(margin)
    shown = shorten_middle(file_name(step), max(20, room - 2))
    cells: list[str | tuple[str, str]] = [(margin, "dim"), shown]
    if component is not None:
        style = "red" if component.license_class in STRICT else "dim"
        label = "" if component.kind == "static" else f"{component.name} {component.version or ''}".rstrip() + ", "
        words = f"  {label}{license_words(component)}"
        cells.append((shorten_end(escape(words), max(12, room - cell_len(escape(shown)))), style))
    return cells
