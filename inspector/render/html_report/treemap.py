"""A tree of sizes as rectangles: the squarified treemap of Bruls, Huizing and van Wijk (2000), nested.

``reports/html/script/treemap.js`` does the same in the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from inspector.render.html_report.size_tree import SizeNode, walk

HEADER = 18.0
PADDING = 2.0
_LEAST_SIDE = 3.0
_LEAST_AREA = 110.0
"""What would be smaller is drawn as one tile with its neighbours."""
_LEAST_FRAME = (46.0, 40.0)
"""Width and height below which a directory is one tile."""


class Rectangle(Struct, frozen=True):
    """In units of the drawing."""

    x: float
    y: float
    width: float
    height: float


class Tile(Struct, frozen=True):
    """A node and its place.

    :ivar path: from the root, without a slash at the end.
    :ivar label: the name, or of a directory that holds nothing but one directory, the names of both.
    :ivar is_frame: whether its children are drawn inside it, below a line with its label.
    :ivar component: of a file its component, of a directory that is one tile the one that most of its bytes are of; -1 where none is known.
    """

    node: SizeNode
    path: str
    label: str
    place: Rectangle
    is_frame: bool
    component: int


def tiles(root: SizeNode, width: float, height: float) -> list[Tile]:
    """Every tile that is large enough to be seen, by raw bytes, a frame before what is in it."""
    drawn: list[Tile] = []
    waiting = [(root, "", "", Rectangle(0, 0, width, height), True)]
    while waiting:
        node, path, label, place, is_root = waiting.pop()
        while not is_root and len(node.directories) == 1 and not node.contents:
            (only,) = node.directories.values()
            node, path, label = only, f"{path}/{only.name}", f"{label}/{only.name}"
        is_directory = bool(node.directories or node.contents) and bool(node.name or is_root)
        is_frame = is_directory and place.width >= _LEAST_FRAME[0] and place.height >= _LEAST_FRAME[1]
        if not is_root:
            drawn.append(Tile(node, path, label, place, is_frame, -1 if is_frame else _main_component(node)))
        if not (is_frame or is_root):
            continue
        inner = place if is_root else _inside(place)
        children = _grouped(node, inner)
        places = squarify([child.raw for child in children], inner)
        for child, where in reversed(list(zip(children, places, strict=True))):
            if where.width >= _LEAST_SIDE and where.height >= _LEAST_SIDE:
                name = child.name or f"{child.files:,} smaller"
                waiting.append((child, f"{path}/{name}" if path else name, name, where, False))
    return drawn


def _grouped(directory: SizeNode, place: Rectangle) -> list[SizeNode]:
    """What a directory holds, the largest first, the smallest together in a node without a name."""
    children = directory.children
    least = directory.raw * _LEAST_AREA / max(place.width * place.height, 1)
    small = [child for child in children if child.raw < least]
    if len(small) < 2:
        return children
    together = SizeNode("", sum(child.raw for child in small), files=sum(child.files for child in small))
    for child in small:
        if child.directories or child.contents:
            together.directories[child.name] = child
        else:
            together.contents.append(child)
    kept = children[: len(children) - len(small)]
    return sorted([*kept, together], key=lambda node: (-node.raw, node.name))


def _main_component(node: SizeNode) -> int:
    if not node.directories and not node.contents:
        return node.component
    totals: Counter[int] = Counter()
    for directory in walk(node):
        for file in directory.contents:
            totals[file.component] += file.raw
    return max(totals, key=lambda component: (totals[component], -component), default=-1)


def _inside(place: Rectangle) -> Rectangle:
    return Rectangle(
        place.x + PADDING,
        place.y + HEADER,
        max(place.width - 2 * PADDING, 0),
        max(place.height - HEADER - PADDING, 0),
    )


def squarify(weights: Sequence[int], place: Rectangle) -> list[Rectangle]:
    """A rectangle for each weight, with an area in proportion to it; weights fall from the first to the last.

    Rows are laid along the shorter side; a row takes the next weight as long as that makes its worst rectangle squarer.
    """
    total = sum(weights)
    places: list[Rectangle] = []
    if total <= 0 or place.width <= 0 or place.height <= 0:
        return [Rectangle(place.x, place.y, 0, 0)] * len(weights)
    scale = place.width * place.height / total
    x, y, width, height = place.x, place.y, place.width, place.height
    start = 0
    while start < len(weights):
        side = min(width, height)
        if side <= 0:
            places += [Rectangle(x, y, 0, 0)] * (len(weights) - start)
            break
        end, area = start + 1, weights[start] * scale
        worst = _worst(weights[start] * scale, weights[start] * scale, area, side)
        while end < len(weights):
            wider = area + weights[end] * scale
            ratio = _worst(weights[start] * scale, weights[end] * scale, wider, side)
            if ratio > worst:
                break
            area, worst, end = wider, ratio, end + 1
        depth = area / side
        at = 0.0
        for weight in weights[start:end]:
            length = weight * scale / depth if depth else 0.0
            places.append(
                Rectangle(x, y + at, depth, length) if width >= height else Rectangle(x + at, y, length, depth)
            )
            at += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        start = end
    return places


def _worst(largest: float, smallest: float, area: float, side: float) -> float:
    """The worst ratio of sides in a row of that area along that side."""
    if smallest <= 0 or area <= 0:
        return float("inf")
    square = side * side
    return max(square * largest / (area * area), area * area / (square * smallest))
