// What the views share: the engine that recognises, the models, and which of them is chosen.

import { keep, kept } from "./dom.js";

const state = { engine: null, models: [], chosen: null };
let modelsReady;

/** "server", or "browser" where recognition runs in the page. */
export const mode = () => document.documentElement.dataset.mode;

/** The engine; in a page without a server its code is loaded here. */
export async function startSession() {
  state.engine = mode() === "browser" ? (await import("./browser.js")).browser : (await import("./server.js")).server;
  modelsReady = reloadModels();
  return modelsReady;
}

export const engine = () => state.engine;
export const models = () => state.models;
export const model = () => state.models.find(({ id }) => id === state.chosen) ?? null;

/** Waits for the models; throws if the server gives none. */
export async function chosenModel() {
  await modelsReady;
  return model();
}

/** Ask for the models anew, for instance after a training. */
export async function reloadModels() {
  const { default: standard, models: found } = await state.engine.models();
  state.models = found;
  const wanted = state.chosen ?? kept("model");
  state.chosen = found.some(({ id }) => id === wanted) ? wanted : standard;
  dispatchEvent(new Event("hanmadi:models"));
  return found;
}

export function chooseModel(id) {
  state.chosen = id;
  keep("model", id);
  dispatchEvent(new Event("hanmadi:model"));
}

export const onModels = (callback) => addEventListener("hanmadi:models", callback);
export const onModel = (callback) => addEventListener("hanmadi:model", callback);
export const keywords = (labels) => labels.filter((label) => label !== "unknown" && label !== "silence");
