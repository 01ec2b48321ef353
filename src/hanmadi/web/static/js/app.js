// Starts the page: header, language, theme, and one view at a time.

import { $, el, toggleTheme } from "./dom.js";
import { language, switchLanguage, t, translate } from "./i18n.js";
import { startLive } from "./live.js";
import { chooseModel, mode, model, models, onModel, onModels, startSession } from "./session.js";

// views other than the first are loaded when they are opened: the first picture waits for nothing
const LATER = {
  clip: () => import("./clip.js"),
  explore: () => import("./explore.js"),
  models: () => import("./models.js"),
};
const opened = new Map();
let live;

const names = () => ["live", "clip", "explore", ...(mode() === "browser" ? [] : ["models"])];

async function show(name) {
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== `view-${name}`;
  if (name !== "live") live.stop();
  document.title = `${t(`tab.${name}`)} · hanmadi 한마디`;
  if (LATER[name]) await openLater(name);
}

async function openLater(name) {
  if (!opened.has(name)) opened.set(name, LATER[name]().then((module) => module.start($(`#view-${name}`))));
  try {
    (await opened.get(name))?.shown?.();
  } catch (error) {
    opened.delete(name);
    notice(t("error.view", { reason: error.message }));
  }
}

function follow() {
  const name = location.hash.slice(1);
  return show(names().includes(name) ? name : "live");
}

/** A line above the views that stays until it is closed; an empty text takes it away. */
export function notice(text) {
  const box = $("#notice");
  box.hidden = !text;
  box.replaceChildren(text ? el("p", {}, text) : "", el("button", { type: "button", class: "plain", onclick: () => notice("") }, t("close")));
}

function languageButton() {
  const other = language() === "ko" ? "en" : "ko";
  const button = $("#language");
  button.lang = other;
  button.textContent = other === "ko" ? "한국어" : "English";
  button.title = other === "ko" ? "한국어로 보기" : "Show in English";
}

function fillModels() {
  const select = $("#model");
  select.replaceChildren(...models().map(({ id, name }) => el("option", { value: id }, name)));
  select.value = model()?.id ?? "";
  select.disabled = models().length < 2;
}

function wire() {
  $("#theme").addEventListener("click", toggleTheme);
  $("#language").addEventListener("click", switchLanguage);
  $("#model").addEventListener("change", ({ target }) => chooseModel(target.value));
  addEventListener("hashchange", follow);
  addEventListener("hanmadi:language", () => { languageButton(); where(); follow(); });
  addEventListener("hanmadi:notice", ({ detail }) => notice(detail));
  onModels(fillModels);
  onModel(() => { $("#model").value = model().id; });
}

const LOCAL = ["localhost", "127.0.0.1", "[::1]", ""];

/** Where the sound goes: people want to know before they speak. */
function where() {
  const key = mode() === "browser" ? "private.browser" : LOCAL.includes(location.hostname) ? "private.local" : "private.server";
  for (const element of [$("#private"), $("#where")]) element.textContent = t(key, { host: location.host });
}

function start() {
  translate();
  languageButton();
  where();
  wire();
  live = startLive();
  startSession().catch((error) => notice(t("error.models", { reason: error.message })));
  follow();
}

start();
