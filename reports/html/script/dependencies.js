// Who needs a library, and what it needs: three columns, each name a way on.
const HOST = -1;
const MISSING = -2;

function decodeLibraries({ texts, rows, start }) {
  const text = (number) => (number < 0 ? null : texts[number]);
  const libraries = rows.map(([path, role, soname, rpath, runpath, needed], number) => {
    const needs = [];
    for (let at = 0; at < needed.length; at += 3) needs.push({ name: text(needed[at]), target: needed[at + 1], via: text(needed[at + 2]) });
    return { number, path: text(path), role: text(role), soname: text(soname), rpath: text(rpath), runpath: text(runpath), needs, users: [] };
  });
  for (const library of libraries) {
    for (const { name, target } of library.needs) if (target >= 0) libraries[target]?.users.push({ user: library.number, name });
  }
  return { libraries, start: start[0] ?? 0 };
}

function setUpLibraries(section, data, prefix) {
  const holder = section.querySelector(".explorer");
  const { libraries, start } = decodeLibraries(data);
  if (!libraries.length) return;
  const names = new Map();
  for (const library of libraries) for (const need of library.needs) if (need.target < 0) addTo(names, need.name, library.number);
  const list = `${prefix}library-names`;
  const input = element("input", { type: "search", list, placeholder: "libfoo.so.1", autocomplete: "off", id: `${prefix}library-search` });
  const options = new Set([...libraries.map((library) => library.path), ...names.keys()]);
  const search = element("form", { class: "filters explorer-search", submit: (event) => { event.preventDefault(); find(); } },
    element("label", { class: "field" }, element("span", {}, "Library or program"), input),
    element("datalist", { id: list }, ...[...options].slice(0, 3000).map((value) => element("option", { value }))),
    element("button", { type: "submit", class: "tool" }, "Show"),
    element("p", { class: "shown", role: "status" }));
  const body = element("div", { class: "explorer-body" });
  holder.replaceChildren(search, body);
  input.addEventListener("change", find);

  function addTo(map, key, value) {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(value);
  }

  function find() {
    const wanted = input.value.trim().toLowerCase();
    if (!wanted) return;
    const status = search.querySelector(".shown");
    const exact = libraries.find((library) => library.path.toLowerCase() === wanted);
    const near = exact ?? libraries.find((library) => library.path.toLowerCase().endsWith(`/${wanted}`)) ?? libraries.find((library) => library.soname?.toLowerCase() === wanted)
      ?? libraries.find((library) => library.path.toLowerCase().includes(wanted));
    const outside = [...names.keys()].find((name) => name.toLowerCase() === wanted) ?? [...names.keys()].find((name) => name.toLowerCase().includes(wanted));
    status.textContent = near || outside ? "" : "nothing is called that";
    if (near) choose(near.number);
    else if (outside) chooseName(outside);
  }

  function way(number, caption) {
    const library = libraries[number];
    const end = library.path.lastIndexOf("/") + 1;
    return element("li", {},
      element("button", { type: "button", click: () => choose(number, true) }, library.path.slice(end)),
      element("small", {}, [library.path.slice(0, end - 1), caption].filter(Boolean).join(" · ")));
  }

  function column(title, items, empty, extra = "") {
    return element("div", { class: `explorer-column ${extra}`, tabindex: 0, role: "group", "aria-label": title },
      element("h3", {}, title),
      items.length ? element("ul", { class: "explorer-list" }, ...items) : element("p", { class: "quiet" }, empty));
  }

  function centre(title, about, facts) {
    const rows = facts.filter(([, value]) => value !== null && value !== "").flatMap(([word, value]) => [element("dt", {}, word), element("dd", {}, value)]);
    return element("div", { class: "explorer-column centre", tabindex: -1 }, element("p", { class: "chosen" }, title), element("p", { class: "quiet" }, about), element("dl", {}, ...rows));
  }

  function show(users, middle, needs, empty) {
    body.replaceChildren(
      column(`Needed by ${users.length}`, users, empty.users),
      middle,
      column(`Needs ${needs.length}`, needs, empty.needs));
  }

  function choose(number, focus = false) {
    const library = libraries[number];
    const users = [...new Set(library.users.map(({ user }) => user))].map((user) => way(user, ""));
    const needs = library.needs.map(({ name, target, via }) => {
      if (target >= 0) return way(target, via ?? "");
      const lost = target === MISSING;
      return element("li", {}, element("button", { type: "button", click: () => chooseName(name, true) }, name),
        lost ? element("span", { class: "state state-fails" }, icon("fails"), "found nowhere") : element("small", {}, `from the host${via ? ` · ${via}` : ""}`));
    });
    const end = library.path.lastIndexOf("/") + 1;
    show(users, centre(library.path.slice(end), library.path.slice(0, end), [
      ["role", library.role], ["soname", library.soname], ["RPATH", library.rpath], ["RUNPATH", library.runpath],
    ]), needs, { users: "Nothing in the bundle names it: it is started, or opened by name.", needs: "Nothing." });
    after(focus);
  }

  function chooseName(name, focus = false) {
    const users = names.get(name) ?? [];
    const lost = libraries[users[0]].needs.some((need) => need.name === name && need.target === MISSING);
    show([...new Set(users)].map((user) => way(user, "")), centre(name, lost ? "found neither in the bundle nor on every host" : "comes from the host", []), [],
      { users: "Nothing.", needs: "What lies outside of the bundle is not followed." });
    after(focus);
  }

  function after(focus) {
    if (focus) body.querySelector(".centre").focus({ preventScroll: true });
  }

  section.querySelectorAll(".libraries-table tbody tr").forEach((row) => {
    const number = Number(row.id.slice(row.id.lastIndexOf("-") + 1));
    if (!libraries[number]) return;
    const head = row.cells[0];
    const button = element("button", { type: "button", class: "link", click: () => { choose(number, true); holder.scrollIntoView({ block: "nearest" }); } });
    button.append(...head.childNodes);
    head.append(button);
  });
  choose(libraries[start] ? start : 0);
}
