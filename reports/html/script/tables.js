// Tables: sorted by a click on a column's head, and the first rows of long ones until somebody wants them all.

function setUpTable(table) {
  const body = table.tBodies[0];
  if (!body) return;
  const heads = [...table.tHead.rows[0].cells];
  const original = [...body.rows];
  heads.forEach((head, column) => {
    const label = head.textContent;
    const button = element("button", { type: "button", class: "sort", click: () => sortBy(column) }, label);
    head.replaceChildren(button);
  });

  function sortBy(column) {
    const head = heads[column];
    const numeric = head.classList.contains("number");
    const now = head.getAttribute("aria-sort");
    const first = numeric ? "descending" : "ascending";
    const next = now === null ? first : now === first ? (numeric ? "ascending" : "descending") : null;
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    if (next === null) {
      body.append(...original);
    } else {
      head.setAttribute("aria-sort", next);
      const order = head.dataset.order?.split(" ");
      const direction = next === "ascending" ? 1 : -1;
      const keyed = original.map((row, place) => ({ row, place, key: keyOf(row.cells[column], numeric, order) }));
      keyed.sort((one, other) => direction * compare(one.key, other.key) || one.place - other.place);
      body.append(...keyed.map((each) => each.row));
    }
    table.dispatchEvent(new CustomEvent("rows"));
  }

  const most = Number(table.dataset.rows ?? Infinity);
  let all = false;
  const more = element("button", { type: "button", class: "more", click: () => { all = !all; show(); } });

  function show() {
    const fitting = [...body.rows].filter((row) => !row.hasAttribute("data-filtered"));
    const cut = !all && fitting.length > most + 3;
    for (const row of body.rows) row.hidden = row.hasAttribute("data-filtered");
    if (cut) fitting.slice(most).forEach((row) => { row.hidden = true; });
    more.hidden = fitting.length <= most + 3;
    more.textContent = cut ? `Show all ${fitting.length.toLocaleString("en")}` : `Show the first ${most}`;
  }

  if (Number.isFinite(most)) table.after(more);
  table.addEventListener("rows", show);
  // Whoever looks for a row, by a link or on paper, gets it.
  table.addEventListener("reveal", () => { if (!all) { all = true; show(); } });
  let before = false;
  addEventListener("beforeprint", () => { before = all; all = true; show(); });
  addEventListener("afterprint", () => { all = before; show(); });
  show();
}

function keyOf(cell, numeric, order) {
  const text = cell.textContent.trim();
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  if (numeric) return Number(text.replaceAll(",", "")) || 0;
  if (order) {
    const place = order.findIndex((word) => text.startsWith(word));
    return place < 0 ? order.length : place;
  }
  return text;
}

const collator = new Intl.Collator("en", { numeric: true });

function compare(one, other) {
  return typeof one === "number" ? one - other : collator.compare(one, other);
}
