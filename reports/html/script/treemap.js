// The squarified treemap of Bruls, Huizing and van Wijk (2000), nested; as in inspector/render/html_report/treemap.py,
// which draws fewer small tiles.
const HEADER = 18;
const PADDING = 2;
const LEAST_SIDE = 2;
const LEAST_AREA = 30;
const LEAST_FRAME = [46, 40];

/** Rectangles [x, y, width, height] with areas in proportion to weights, which fall from the first to the last. */
function squarify(weights, [x, y, width, height]) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const places = [];
  if (total <= 0 || width <= 0 || height <= 0) return weights.map(() => [x, y, 0, 0]);
  const scale = (width * height) / total;
  for (let start = 0; start < weights.length; ) {
    const side = Math.min(width, height);
    if (side <= 0) {
      while (places.length < weights.length) places.push([x, y, 0, 0]);
      break;
    }
    const largest = weights[start] * scale;
    let end = start + 1;
    let area = largest;
    let worst = worstRatio(largest, largest, area, side);
    while (end < weights.length) {
      const wider = area + weights[end] * scale;
      const ratio = worstRatio(largest, weights[end] * scale, wider, side);
      if (ratio > worst) break;
      area = wider;
      worst = ratio;
      end += 1;
    }
    const depth = area / side;
    let at = 0;
    for (let index = start; index < end; index += 1) {
      const length = depth ? (weights[index] * scale) / depth : 0;
      places.push(width >= height ? [x, y + at, depth, length] : [x + at, y, length, depth]);
      at += length;
    }
    if (width >= height) { x += depth; width -= depth; } else { y += depth; height -= depth; }
    start = end;
  }
  return places;
}

function worstRatio(largest, smallest, area, side) {
  if (smallest <= 0 || area <= 0) return Infinity;
  const square = side * side;
  return Math.max((square * largest) / (area * area), (area * area) / (square * smallest));
}

/** What a directory holds, the largest first; what would be too small to be seen is one node, with what it stands for in `group`. */
function grouped(directory, bytes, area) {
  const order = (one, other) => other[bytes] - one[bytes];
  const children = [...directory.children].sort(order);
  const least = (directory[bytes] * LEAST_AREA) / Math.max(area, 1);
  const first = children.findIndex((child) => child[bytes] < least);
  if (first < 0 || children.length - first < 2) return children;
  const group = children.splice(first);
  const sum = (key) => group.reduce((total, child) => total + child[key], 0);
  const count = sum("count");
  children.push({ name: `${count.toLocaleString("en")} smaller`, parent: directory, children: null, group, raw: sum("raw"), stored: sum("stored"), count });
  return children.sort(order);
}

/** Tiles {node, label, place, isFrame} of everything below a directory that is large enough to be seen. */
function layOut(top, bytes, width, height) {
  const tiles = [];
  const waiting = [[top, "", [0, 0, width, height]]];
  while (waiting.length) {
    let [node, label, place] = waiting.pop();
    const isTop = node === top;
    while (!isTop && node.children?.length === 1 && node.children[0].children) {
      node = node.children[0];
      label = `${label}/${node.name}`;
    }
    const isFrame = Boolean(node.children?.length) && place[2] >= LEAST_FRAME[0] && place[3] >= LEAST_FRAME[1];
    if (!isTop) tiles.push({ node, label, place, isFrame });
    if (!isFrame && !isTop) continue;
    const inner = isTop ? place : [place[0] + PADDING, place[1] + HEADER, place[2] - 2 * PADDING, place[3] - HEADER - PADDING];
    const children = grouped(node, bytes, inner[2] * inner[3]);
    const places = squarify(children.map((child) => child[bytes]), inner);
    for (let index = children.length - 1; index >= 0; index -= 1) {
      if (places[index][2] >= LEAST_SIDE && places[index][3] >= LEAST_SIDE) waiting.push([children[index], children[index].name, places[index]]);
    }
  }
  return tiles;
}
