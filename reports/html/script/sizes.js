// The map of sizes: zoom into directories, find files, raw and stored bytes, colours by component, licence class or removable.
const TONES = 10;
const MOST_LABELLED = 6.6; // pixels of a character, about
// A Map: an artifact's words must not meet what every object has ("constructor").
const CLASS_TONES = new Map([
  ["network-copyleft", ["tone-4", "hatched"]], ["strong-copyleft", ["tone-1", "hatched"]], ["proprietary", ["tone-9", "hatched"]],
  ["weak-copyleft", ["tone-6", "dotted"]], ["unknown", ["tone-3", "dotted"]], ["permissive", ["tone-2", ""]], ["public-domain", ["tone-5", ""]],
]);

/** The tree of inspector/render/html_report/size_tree.py, out of its columns. */
function decodeTree({ directories, files }) {
  const names = directories.names.split("/");
  const fileNames = files.names.split("/");
  const top = { name: "", parent: null, children: [], raw: 0, stored: 0, count: 0 };
  const waiting = [];
  let file = 0;
  names.forEach((name, number) => {
    const directory = number ? { name, parent: waiting.pop(), children: [], raw: 0, stored: 0, count: 0 } : top;
    directory.parent?.children.push(directory);
    for (let left = directories.directories[number]; left > 0; left -= 1) waiting.push(directory);
    for (let left = directories.files[number]; left > 0; left -= 1, file += 1) {
      const node = {
        name: fileNames[file] || "smaller files", parent: directory, children: null, raw: files.raw[file], stored: files.stored[file],
        count: files.count[file] ?? 1, component: files.component[file], removable: files.removable[file],
      };
      directory.children.push(node);
      for (let above = directory; above; above = above.parent) {
        above.raw += node.raw;
        above.stored += node.stored;
        above.count += node.count;
      }
    }
  });
  return top;
}

function pathOf(node) {
  const names = [];
  for (let at = node; at.parent; at = at.parent) names.unshift(at.name);
  return names.join("/");
}

function setUpSizes(section, data, prefix) {
  const tree = decodeTree(data);
  const form = section.querySelector(".map-tools");
  const holder = section.querySelector(".map");
  const crumbs = section.querySelector(".crumbs");
  const legend = section.querySelector(".legend");
  const inside = section.querySelector(".inside");
  const told = section.querySelector(".told");
  const status = form.querySelector(".shown");
  let here = tree;
  let pressed = null;
  let hits = null;
  const foundIn = new Set(); // the directories of the hits
  const isHit = (node) => hits.has(node) || foundIn.has(node);

  // Read once for each drawing: asking the form for every file would take longer than drawing.
  let countedAs = "raw";
  let colouredBy = "component";
  const bytes = () => countedAs;
  const whole = () => tree[countedAs];

  /** What a file counts as under the chosen colours: [key, class of its tone, pattern over it, word]. */
  function kindOf(node) {
    if (node.children || node.group) return mainKind(node);
    if (colouredBy === "component") {
      if (node.component < 0) return ["none", "tone-none", "", "no component"];
      return node.component < TONES
        ? [`c${node.component}`, `tone-${node.component}`, "", data.components[node.component]]
        : ["rest", "tone-rest", "", data.components[node.component]];
    }
    if (colouredBy === "class") {
      const name = data.classes[node.component] || "no component known";
      const [tone, pattern] = CLASS_TONES.get(name) ?? ["tone-none", ""];
      return [name, tone, pattern, name];
    }
    if (node.removable < 0) return ["needed", "tone-none", "", "nothing says that it can go"];
    return [`r${node.removable}`, `tone-${(node.removable * 2 + 1) % TONES}`, node.removable % 2 ? "dotted" : "hatched", data.removables[node.removable]];
  }

  /** Of a directory: the kind that most of its bytes are of. */
  function mainKind(node) {
    if (kinds.has(node)) return kinds.get(node);
    const totals = new Map();
    const waiting = [node];
    while (waiting.length) {
      const directory = waiting.pop();
      for (const child of directory.children ?? directory.group) {
        if (child.children) { waiting.push(child); continue; }
        const kind = kindOf(child);
        const known = totals.get(kind[0]) ?? { kind, total: 0 };
        known.total += child[bytes()];
        totals.set(kind[0], known);
      }
    }
    const [most] = [...totals.values()].sort((one, other) => other.total - one.total);
    const kind = most ? [...most.kind.slice(0, 3), totals.size > 1 ? `mostly ${most.kind[3]}` : most.kind[3]] : ["none", "tone-none", "", ""];
    kinds.set(node, kind);
    return kind;
  }
  const kinds = new Map();

  function describe(node) {
    const parts = [`${pathOf(node)}: ${size(node[bytes()])}, ${share(node[bytes()], whole())}`];
    if (node.count > 1) parts.push(counted(node.count, "file"));
    if (kindOf(node)[3]) parts.push(kindOf(node)[3]);
    return parts.join(", ");
  }

  function draw() {
    kinds.clear();
    countedAs = form.elements[`${prefix}bytes`].value;
    colouredBy = form.elements.colour.value;
    const width = Math.max(holder.clientWidth, 280);
    const height = Math.round(Math.min(Math.max(width * 0.52, 340), 620));
    const tiles = layOut(here, bytes(), width, height);
    const map = drawn("svg", {
      class: "treemap", viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
      "aria-label": "Map of sizes: each area is as large as its files; arrow keys move, Enter goes in, Backspace goes out",
    });
    map.classList.toggle("searching", hits !== null);
    tiles.forEach(({ node, label, place: [x, y, wide, high], isFrame }, number) => {
      const [key, tone, pattern] = isFrame ? ["", "", ""] : kindOf(node);
      const goes = Boolean(node.children?.length);
      const words = describe(node);
      const tile = drawn("g", {
        class: `${isFrame ? "frame" : "tile"} ${tone}`, tabindex: number ? -1 : 0, role: goes ? "button" : "img", "aria-label": words,
      }, drawn("title", {}, words), drawn("rect", { x: x.toFixed(1), y: y.toFixed(1), width: wide.toFixed(1), height: high.toFixed(1) }));
      if (pattern) tile.append(drawn("rect", { class: pattern, x: x.toFixed(1), y: y.toFixed(1), width: wide.toFixed(1), height: high.toFixed(1) }));
      if (wide > 40 && high > 15) {
        const room = Math.floor((wide - 6) / MOST_LABELLED);
        tile.append(drawn("text", { x: (x + 4).toFixed(1), y: (y + 13).toFixed(1) }, label.length <= room ? label : `${label.slice(0, Math.max(room - 1, 1))}…`));
        if (!isFrame && high > 32 && wide > 60) tile.append(drawn("text", { x: (x + 4).toFixed(1), y: (y + 27).toFixed(1), class: "quiet" }, size(node[bytes()])));
      }
      if (!isFrame && hits !== null && (isHit(node) || node.group?.some(isHit))) tile.classList.add("hit");
      if (pressed !== null && !isFrame && key !== pressed) tile.classList.add("dimmed");
      tile.node = node;
      map.append(tile);
    });
    map.addEventListener("click", (event) => { const node = event.target.closest("g")?.node; if (node) enter(node); });
    map.addEventListener("keydown", (event) => moved(event, map));
    // What a tile is, below the map: quicker than the browser's own tip.  Screen readers have it as the tile's name.
    const tell = (event) => { told.textContent = event.target.closest("g")?.getAttribute("aria-label") ?? ""; };
    map.addEventListener("pointerover", tell);
    map.addEventListener("focusin", tell);
    map.addEventListener("pointerleave", () => { told.textContent = ""; });
    holder.replaceChildren(map);
    drawCrumbs();
    drawLegend(tiles);
    drawInside();
  }

  function enter(node) {
    const target = node.children ? node : node.parent;
    if (target === here) return;
    here = target;
    draw();
  }

  /** Arrow keys go to the nearest tile that way, Enter goes in, Backspace and Escape go out. */
  function moved(event, map) {
    const tile = event.target.closest("g");
    if (!tile) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (tile.node.children && tile.node !== here) { enter(tile.node); holder.querySelector("g")?.focus(); }
      return;
    }
    if (event.key === "Backspace" || event.key === "Escape") {
      if (here.parent) { event.preventDefault(); here = here.parent; draw(); holder.querySelector("g")?.focus(); }
      return;
    }
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const from = middle(tile);
    let best = null;
    for (const other of map.querySelectorAll("g")) {
      const to = middle(other);
      const along = (to[0] - from[0]) * way[0] + (to[1] - from[1]) * way[1];
      const aside = Math.abs((to[0] - from[0]) * way[1]) + Math.abs((to[1] - from[1]) * way[0]);
      if (along > 1 && (best === null || along + 2 * aside < best[0])) best = [along + 2 * aside, other];
    }
    if (best) {
      tile.setAttribute("tabindex", -1);
      best[1].setAttribute("tabindex", 0);
      best[1].focus();
    }
  }

  function middle(tile) {
    const box = tile.querySelector("rect");
    const isFrame = tile.classList.contains("frame");
    const [x, y, wide, high] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
    return [x + wide / 2, y + (isFrame ? HEADER / 2 : high / 2)];
  }

  function drawCrumbs() {
    const line = [];
    for (let at = here; at; at = at.parent) line.unshift(at);
    crumbs.replaceChildren();
    line.forEach((node, number) => {
      const name = number ? node.name : "everything";
      if (number) crumbs.append(element("span", { "aria-hidden": "true", class: "quiet" }, "/"));
      crumbs.append(node === here
        ? element("span", { "aria-current": "location" }, name)
        : element("button", { type: "button", click: () => { here = node; draw(); } }, name));
    });
    crumbs.append(element("span", { class: "quiet" }, ` ${size(here[bytes()])}, ${counted(here.count, "file")}`));
  }

  function drawLegend(tiles) {
    const shown = new Map();
    for (const { node, isFrame } of tiles) {
      if (isFrame) continue;
      const [key, tone, pattern, word] = kindOf(node);
      const known = shown.get(key) ?? { tone, pattern, word: key === "rest" ? "other components" : word.replace(/^mostly /, ""), total: 0 };
      known.total += node[bytes()];
      shown.set(key, known);
    }
    const order = [...shown].sort((one, other) => other[1].total - one[1].total);
    legend.replaceChildren(...order.map(([key, { tone, pattern, word }]) => {
      const swatch = drawn("svg", { class: "swatch", width: 12, height: 12, "aria-hidden": "true" }, drawn("rect", { width: 12, height: 12, rx: 3, class: tone }));
      if (pattern) swatch.append(drawn("rect", { width: 12, height: 12, rx: 3, class: pattern }));
      return element("li", {}, element("button", {
        type: "button", "aria-pressed": String(pressed === key), click: () => { pressed = pressed === key ? null : key; draw(); },
      }, swatch, word));
    }));
  }

  /** What the directory holds, or what was found, as a table: the same numbers for those who do not see the map. */
  function drawInside() {
    const found = hits === null ? here.children : [...hits].filter((node) => isBelow(node, here));
    const rows = [...found].sort((one, other) => other[bytes()] - one[bytes()]);
    const title = hits === null ? `In ${pathOf(here) || "the artifact"}` : "Found";
    const body = element("tbody", {}, ...rows.slice(0, 12).map((node) => {
      const name = hits === null ? `${node.name}${node.children ? "/" : ""}` : pathOf(node);
      return element("tr", {},
        element("th", { scope: "row" }, node.children || hits !== null
          ? element("button", { type: "button", class: "link", click: () => enter(node) }, name)
          : element("span", { class: "path" }, name)),
        element("td", { class: "number" }, node.children ? node.count.toLocaleString("en") : ""),
        element("td", { class: "number" }, size(node.raw)), element("td", { class: "number" }, size(node.stored)),
        element("td", { class: "number" }, share(node[bytes()], whole())));
    }));
    const heads = ["Name", "Files", "Raw", "Stored", "Of all"].map((word, number) => element("th", { scope: "col", class: number ? "number" : false }, word));
    inside.replaceChildren(element("table", { class: "sizes-table" }, element("caption", {}, title), element("thead", {}, element("tr", {}, ...heads)), body));
    if (rows.length > 12) inside.append(element("p", { class: "quiet" }, `and ${counted(rows.length - 12, "more", "more")}`));
  }

  function isBelow(node, above) {
    for (let at = node; at; at = at.parent) if (at === above) return true;
    return false;
  }

  function search() {
    const wanted = form.elements.search.value.trim().toLowerCase();
    foundIn.clear();
    countedAs = form.elements[`${prefix}bytes`].value;
    if (!wanted) {
      hits = null;
      status.textContent = "";
    } else {
      hits = new Set();
      let total = 0;
      const waiting = [[tree, "", false]];
      while (waiting.length) {
        const [node, path, matched] = waiting.pop();
        const own = node.parent ? `${path}${path ? "/" : ""}${node.name}` : "";
        const fits = matched || own.toLowerCase().includes(wanted);
        if (!node.children && fits) {
          hits.add(node);
          total += node[bytes()];
        }
        for (const child of node.children ?? []) waiting.push([child, own, fits]);
      }
      status.textContent = `${counted(hits.size, "file")}, ${size(total)}`;
      // A directory that is one tile is a hit when something in it is.
      for (const node of hits) for (let at = node.parent; at; at = at.parent) foundIn.add(at);
    }
    draw();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.search.addEventListener("input", whenQuiet(search));
  form.elements.colour.addEventListener("change", () => { pressed = null; draw(); });
  for (const choice of form.elements[`${prefix}bytes`]) choice.addEventListener("change", () => { search(); });
  let wide = 0;
  new ResizeObserver(whenQuiet(() => {
    if (Math.abs(holder.clientWidth - wide) > 1) { wide = holder.clientWidth; search(); }
  })).observe(holder);
  wide = holder.clientWidth;
  draw();
}
