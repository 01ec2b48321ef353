// The page's language: English or Korean, as the browser prefers until a person chooses.

import { keep } from "./dom.js";
import { TEXT } from "./text.js";

const root = document.documentElement;

export const language = () => root.lang;

/** A text in the page's language; {name} is replaced by values. */
export function t(key, values = {}) {
  const entry = TEXT[key];
  if (!entry) return key;
  const text = entry[language() === "ko" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Whether there is such a text. */
export const has = (key) => key in TEXT;

/** Put the texts of the language into a part of the page. */
export function translate(part = document) {
  for (const element of part.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of part.querySelectorAll("[data-t-label]")) {
    const text = t(element.dataset.tLabel);
    element.setAttribute("aria-label", text);
    if (element.matches("button")) element.title = text;
  }
}

export function switchLanguage() {
  root.lang = language() === "ko" ? "en" : "ko";
  keep("language", root.lang);
  translate();
  dispatchEvent(new Event("hanmadi:language"));
}

export const onLanguage = (callback) => addEventListener("hanmadi:language", callback);

const formats = new Map();

function format(digits) {
  const key = language() + digits;
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return formats.get(key);
}

export const fixed = (value, digits = 0) => format(digits).format(value);
export const percent = (score) => `${fixed(100 * score)}\u00a0%`;
export const hertz = (hz) => (hz >= 1000 ? `${fixed(hz / 1000, 2)} kHz` : `${fixed(hz)} Hz`);
