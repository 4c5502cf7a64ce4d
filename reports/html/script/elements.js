// Making elements, and numbers as people read them.  Text goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes; functions become listeners; false and null are left out. */
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function icon(name) {
  return drawn("svg", { class: `icon icon-${name}`, "aria-hidden": "true", width: 16, height: 16 }, drawn("use", { href: `#icon-${name}` }));
}

const UNITS = ["kB", "MB", "GB", "TB"];

/** Bytes with one decimal and a decimal unit, as inspector/quantities.py writes them. */
function size(count) {
  if (Math.abs(count) < 1000) return `${count} B`;
  let value = count;
  for (const unit of UNITS) {
    value /= 1000;
    if (Math.abs(value) < 999.95 || unit === "TB") return `${value.toFixed(1)} ${unit}`;
  }
}

function counted(number, singular, plural) {
  return `${number.toLocaleString("en")} ${number === 1 ? singular : plural ?? `${singular}s`}`;
}

function share(part, whole) {
  if (whole <= 0) return "";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? "<1 %" : `${percent.toFixed(0)} %`;
}

/** A path with its directory set back. */
function pathText(path) {
  const end = path.lastIndexOf("/") + 1;
  return element("span", { class: "path" }, element("span", { class: "directory" }, path.slice(0, end)), path.slice(end));
}

/** A function that runs when its caller has been quiet for a moment. */
function whenQuiet(action, milliseconds = 120) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), milliseconds);
  };
}
