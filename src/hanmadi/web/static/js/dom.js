// Small helpers for the document.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element: el("p", {class: "quiet", onclick: f}, "text", child). A key "t" is a text that follows the language. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "t") element.dataset.t = value;
  else if (name === "tLabel") element.dataset.tLabel = value;
  else if (name in element && typeof value !== "string") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

const root = document.documentElement;
const darkQuery = matchMedia("(prefers-color-scheme: dark)");

/** "light" or "dark": what was chosen, else what the system prefers. */
export const theme = () => root.dataset.theme ?? (darkQuery.matches ? "dark" : "light");

/** A colour of the style sheet, by the name of its variable. */
export const cssColour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

/** Calls back when colours changed: by the button or by the system. */
export function onTheme(callback) {
  addEventListener("hanmadi:theme", callback);
  darkQuery.addEventListener("change", callback);
}

export function toggleTheme() {
  root.dataset.theme = theme() === "dark" ? "light" : "dark";
  keep("theme", root.dataset.theme);
  dispatchEvent(new Event("hanmadi:theme"));
}

/** Remember a choice on this device; a browser that forbids it is no error. */
export function keep(name, value) {
  try { localStorage.setItem(`hanmadi.${name}`, value); } catch { /* private mode */ }
}

export function kept(name) {
  try { return localStorage.getItem(`hanmadi.${name}`); } catch { return null; }
}

/** Fit a canvas to its box at the screen's resolution; true if that changed it. */
export function fitCanvas(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  canvas.ratio = ratio;
  return true;
}
