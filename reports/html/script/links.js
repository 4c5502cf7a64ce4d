// Deep links, the section that is being read, the theme, and commands to be copied.

/** Opens whatever hides the element that the address names, and goes there. */
function followAddress() {
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch { return; }
  const target = name && document.getElementById(name);
  document.querySelectorAll(".named").forEach((each) => each.classList.remove("named"));
  if (!target) return;
  const table = target.closest("table");
  if (table && target.matches("tr")) {
    table.dispatchEvent(new CustomEvent("reveal", { detail: target }));
    target.classList.add("named");
    target.querySelectorAll("details").forEach((details) => { details.open = true; });
  }
  for (let at = target; at; at = at.parentElement) if (at.matches("details")) at.open = true;
  target.scrollIntoView({ block: target.matches("section") ? "start" : "center", behavior: "instant" });
}

/** Marks the link of the section that is being read; at the end of the page that is the last one. */
function followReading(article) {
  const links = new Map([...article.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) seen.add(entry.target.id); else seen.delete(entry.target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    if (first) mark(first);
  }, { rootMargin: "-10% 0px -60% 0px" });

  const list = article.querySelector(".contents");

  function mark(chosen) {
    for (const [id, link] of links) if (id === chosen) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    if (list.scrollWidth > list.clientWidth) list.scrollLeft = links.get(chosen).offsetLeft - list.clientWidth / 3;
  }
  addEventListener("scrollend", () => {
    if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2 && article.getBoundingClientRect().bottom <= innerHeight + 100) mark([...links.keys()].pop());
  });
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) observer.observe(section);
  }
}

const THEMES = ["system", "light", "dark"];
const THEME_WORDS = { system: "System", light: "Light", dark: "Dark" };

function setUpTheme(button) {
  const word = button.querySelector(".tool-word");
  function say() {
    const now = root().dataset.theme ?? "system";
    word.textContent = THEME_WORDS[now];
    button.setAttribute("aria-label", `Colours: ${now === "system" ? "as the system has them" : now}`);
  }
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root().dataset.theme ?? "system") + 1) % THEMES.length];
    if (next === "system") delete root().dataset.theme; else root().dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("inspector-theme"); else localStorage.setItem("inspector-theme", next);
    } catch { /* then it lasts as long as the page */ }
    say();
  });
  say();
}

function root() {
  return document.documentElement;
}

function setUpCopying(command) {
  if (!navigator.clipboard) return;
  const button = element("button", { type: "button", class: "copy needs-script", "aria-label": `Copy: ${command.textContent}`, click: async () => {
    await navigator.clipboard.writeText(command.textContent);
    button.replaceChildren("copied");
    setTimeout(() => button.replaceChildren(icon("copy")), 1500);
  } }, icon("copy"));
  command.after(button);
}

function openForPrint() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".rule:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
}
