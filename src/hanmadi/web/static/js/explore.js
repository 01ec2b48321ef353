// The course's questions with your own voice: what sampling, bits, window and hop do to a sound and its picture.

import { el } from "./dom.js";
import { fixed, hertz, onLanguage, percent, t, translate } from "./i18n.js";
import { kindChoice } from "./clip.js";
import { Picture, loudest } from "./picture.js";
import { play } from "./player.js";
import { chosenModel, model, onModel } from "./session.js";
import { analyse, clearNotice, exampleSelect, exampleSound, sourceButtons, tell } from "./sources.js";

const RATES = [null, 11025, 8000, 5512, 4000, 2000]; // Hz; null: as it was recorded
const WINDOWS_MS = [4, 8, 16, 30, 64, 128];
const HOPS_MS = [1, 2, 5, 10, 20, 40];
const MOST_BITS = 16;
const WAIT_MS = 150;
const FIRST = { rate: null, antialias: true, bits: MOST_BITS, windowMs: 30, hopMs: 10, kind: "linear" };
// each question sets the controls so that it can be heard and seen
const QUESTIONS = {
  rate: { ...FIRST, rate: 4000 },
  alias: { ...FIRST, rate: 4000, antialias: false },
  bits: { ...FIRST, bits: 3 },
  window: { ...FIRST, windowMs: 128, hopMs: 5 },
};
const FIRST_EXAMPLE = "yes";

const state = { ...FIRST, sound: null, before: null, after: null, question: null };
let parts;

export async function start(view) {
  await chosenModel();
  parts = { questions: questionRow(), controls: el("div", { class: "card controls" }), before: panel("explore.before"), after: panel("explore.after") };
  view.replaceChildren(
    el("div", { class: "head" }, el("div", {},
      el("h1", { id: "explore-title", t: "explore.title" }, t("explore.title")), el("p", { class: "quiet", t: "explore.about" }, t("explore.about")))),
    parts.questions,
    el("div", { class: "explore" }, parts.controls, el("div", { class: "stack" }, parts.after.root, parts.before.root)));
  drawControls();
  onModel(update);
  onLanguage(() => { drawControls(); showFacts(); });
  exampleSound(FIRST_EXAMPLE).then((sound) => { if (!state.sound) take(sound); }, () => {});
  return {};
}

function take(sound) {
  state.sound = sound;
  update();
}

// ---- the two sounds ----

function panel(titleKey) {
  const picture = new Picture({ cells: true });
  const facts = el("p", { class: "facts quiet num" });
  const heard = el("span", { class: "num" });
  const button = el("button", { type: "button", class: titleKey === "explore.after" ? "primary" : "second", t: "clip.play" }, t("clip.play"));
  const found = { picture, facts, heard, button, analysis: null, stop: null };
  button.addEventListener("click", () => togglePlay(found));
  found.root = el("section", { class: "card slot" },
    el("div", { class: "slot-head" }, el("h2", { t: titleKey }, t(titleKey)), heard, button), picture.root, facts);
  return found;
}

async function togglePlay(side) {
  if (side.stop) return side.stop();
  if (!side.analysis) return null;
  const label = (key) => { side.button.dataset.t = key; side.button.textContent = t(key); };
  const onend = () => { side.stop = null; side.picture.setPlayhead(null); label("clip.play"); };
  side.stop = await play(side.analysis.wav, { ontime: (seconds) => side.picture.setPlayhead(seconds), onend });
  return label("clip.stop");
}

let timer, abort;

/** Soon, so that a slider that moves asks once. */
function update() {
  clearTimeout(timer);
  timer = setTimeout(compute, WAIT_MS);
}

async function compute() {
  if (!state.sound) return;
  abort?.abort();
  abort = new AbortController();
  const shown = { model: model()?.id, kind: state.kind, windowMs: state.windowMs, hopMs: state.hopMs, signal: abort.signal };
  const changed = { rate: state.rate, bits: state.bits === MOST_BITS ? null : state.bits, antialias: state.antialias };
  parts.after.root.classList.add("busy");
  try {
    const [before, after] = await Promise.all([analyse(state.sound, shown), analyse(state.sound, { ...shown, ...changed })]);
    clearNotice();
    showBoth(before, after);
  } catch (error) {
    if (error.name !== "AbortError" && !abort.signal.aborted) tell(error);
  }
  parts.after.root.classList.remove("busy");
}

function showBoth(before, after) {
  const topDb = Math.max(loudest(before.spectrogram), loudest(after.spectrogram));
  for (const [side, analysis] of [[parts.before, before], [parts.after, after]]) {
    side.analysis = analysis;
    side.picture.set(analysis, { topDb });
  }
  showFacts();
}

function showFacts() {
  for (const side of [parts.before, parts.after]) {
    const { analysis } = side;
    if (!analysis) continue;
    const { label, score } = analysis.prediction;
    side.heard.textContent = t("explore.heard", { label, score: percent(score) });
    side.facts.textContent = t("explore.facts", {
      rate: fixed(analysis.sampleRate), half: hertz(analysis.sampleRate / 2),
      ms: fixed(analysis.resolution.timeMs, 1), hz: fixed(analysis.resolution.frequencyHz, 1),
    });
  }
}

// ---- the controls ----

function drawControls() {
  parts.controls.replaceChildren(
    el("div", { class: "control" }, el("span", { class: "title" }, t("explore.sound")),
      el("div", { class: "sources" }, ...sourceButtons(take), exampleSelect(take))),
    choice("rate", RATES, (rate) => (rate === null ? t("explore.asis") : `${fixed(rate / 1000, rate % 1000 ? 1 : 0)} kHz`)),
    toggle(),
    slider(),
    choice("windowMs", WINDOWS_MS, (ms) => `${ms} ms`),
    choice("hopMs", HOPS_MS, (ms) => `${ms} ms`),
    el("div", { class: "control" }, el("span", { class: "title" }, t("kind")), el("div", {}, kindChoice("explore-kind", state.kind, (kind) => set({ kind })))),
    el("button", { type: "button", class: "second", onclick: () => ask(null) }, t("explore.reset")));
}

function set(values) {
  Object.assign(state, values);
  state.question = null;
  pressQuestions();
  update();
}

function choice(name, values, show) {
  const option = (value) => el("label", {},
    el("input", { type: "radio", name: `explore-${name}`, checked: state[name] === value, onchange: () => set({ [name]: value }) }), el("span", {}, show(value)));
  return el("fieldset", { class: "control" },
    el("legend", { class: "title" }, t(`explore.${name}`)), el("div", { class: "segments" }, ...values.map(option)));
}

function toggle() {
  const box = el("input", { type: "checkbox", checked: state.antialias, onchange: ({ target }) => set({ antialias: target.checked }) });
  return el("label", { class: "switch" }, box, t("explore.antialias"));
}

function slider() {
  const shown = el("output", {}, bitsText());
  const input = el("input", { type: "range", id: "explore-bits", min: "1", max: String(MOST_BITS), step: "1", value: String(state.bits) });
  input.addEventListener("input", () => { set({ bits: Number(input.value) }); shown.textContent = bitsText(); });
  return el("div", { class: "control" }, el("label", { class: "title", for: "explore-bits" }, t("explore.bits"), shown), input);
}

const bitsText = () => t("explore.bits.value", { bits: state.bits, levels: fixed(2 ** state.bits) });

// ---- the questions ----

function questionRow() {
  return el("div", { class: "questions" }, ...Object.keys(QUESTIONS).map((name) =>
    el("button", { type: "button", class: "question", "aria-pressed": "false", "data-question": name, onclick: () => ask(name) },
      el("b", { t: `question.${name}` }, t(`question.${name}`)), el("span", { class: "quiet", t: `question.${name}.how` }, t(`question.${name}.how`)))));
}

function ask(name) {
  Object.assign(state, name ? QUESTIONS[name] : FIRST, { question: name });
  drawControls();
  translate(parts.controls);
  pressQuestions();
  update();
}

function pressQuestions() {
  for (const button of parts.questions.children) button.setAttribute("aria-pressed", String(button.dataset.question === state.question));
}
