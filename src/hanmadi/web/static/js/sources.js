// Where a clip comes from: the microphone, a file, an example. Each gives a sound: {name, bytes, type}.

import { decode } from "./decode.js";
import { $, el } from "./dom.js";
import { t } from "./i18n.js";
import { recordClip } from "./microphone.js";
import { fitLength } from "./dsp.js";
import { engine } from "./session.js";

const CLIP_S = 1;
const MOST_BYTES = 8_000_000;
const UNREADABLE = [415, 422];

/** Buttons to record and to choose a file, as elements; `onsound(sound)` gets what was chosen. */
export function sourceButtons(onsound, { main = false } = {}) {
  const record = el("button", { type: "button", class: main ? "primary recording" : "second recording", t: "clip.record" }, t("clip.record"));
  record.addEventListener("click", () => recordInto(record, onsound));
  const input = el("input", { type: "file", accept: "audio/*,.wav,.flac,.ogg,.mp3", class: "sr", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => { if (input.files[0]) fileSound(input.files[0]).then(onsound, tell); input.value = ""; });
  const choose = el("button", { type: "button", class: "second", t: "clip.file", onclick: () => input.click() }, t("clip.file"));
  return [record, choose, input];
}

async function recordInto(button, onsound) {
  button.disabled = true;
  try {
    const recorded = await recordClip({
      onstart: () => { button.textContent = t("clip.speak"); },
      ontime: (share) => button.style.setProperty("--share", share),
    });
    const samples = fitLength(recorded.samples, Math.round(CLIP_S * recorded.sampleRate), recorded.sampleRate);
    onsound({ name: t("clip.recording"), ...rawSound(samples, recorded.sampleRate) });
  } catch (error) {
    tell(error);
  }
  button.disabled = false;
  button.style.setProperty("--share", 0);
  button.textContent = t("clip.record");
}

/** Samples as they are, in 32-bit floats. */
export function rawSound(samples, sampleRate) {
  return { bytes: samples.slice().buffer, type: `audio/x-raw-f32le;rate=${Math.round(sampleRate)};channels=1` };
}

export async function fileSound(file) {
  if (file.size > MOST_BYTES) throw new Error(t("clip.large", { name: file.name }));
  return { name: file.name, bytes: await file.arrayBuffer(), type: "application/octet-stream" };
}

/** A part of the page takes files that are dropped on it. */
export function acceptDrops(element, onsound) {
  const over = (on) => (event) => { event.preventDefault(); element.classList.toggle("over", on); };
  element.addEventListener("dragover", over(true));
  element.addEventListener("dragleave", over(false));
  element.addEventListener("drop", (event) => {
    over(false)(event);
    const [file] = event.dataTransfer.files;
    if (file) fileSound(file).then(onsound, tell);
  });
}

let examples;

/** The list of examples, asked for once. */
export function exampleList() {
  examples ??= engine().examples().catch(() => { examples = undefined; return []; });
  return examples;
}

export async function exampleSound(id) {
  const listed = (await exampleList()).find((example) => example.id === id);
  return { name: `${t("clip.example")}: ${listed?.label ?? id}`, ...(await engine().example(id)) };
}

/** A row of buttons, one for each example. */
export function exampleChips(onsound) {
  const box = el("div", { class: "examples", role: "group", tLabel: "clip.examples", "aria-label": t("clip.examples") });
  exampleList().then((list) => box.append(...list.map(({ id, label, language }) =>
    el("button", { type: "button", class: "chip", lang: language ?? "en", "data-example": id, onclick: () => exampleSound(id).then(onsound, tell) }, label))));
  return box;
}

/** A choice of examples that takes little room. */
export function exampleSelect(onsound) {
  const select = el("select", { tLabel: "clip.examples", "aria-label": t("clip.examples") }, el("option", { value: "", t: "clip.examples" }, t("clip.examples")));
  exampleList().then((list) => select.append(...list.map(({ id, label }) => el("option", { value: id }, label))));
  select.addEventListener("change", () => {
    if (select.value) exampleSound(select.value).then(onsound, tell);
    select.value = "";
  });
  return select;
}

/** Analyse a sound; what the server cannot read, the browser may. */
export async function analyse(sound, options) {
  try {
    return await engine().analyse(sound, options);
  } catch (error) {
    if (!UNREADABLE.includes(error.status) || sound.type !== "application/octet-stream" || sound.decoded) throw error;
    const decoded = await decodedSound(sound.bytes).catch(() => null);
    if (!decoded) throw error;
    return engine().analyse(Object.assign(sound, decoded, { decoded: true }), options);
  }
}

async function decodedSound(bytes) {
  const { samples, sampleRate } = await decode(bytes, "");
  return rawSound(samples, sampleRate);
}

export function tell(error) {
  const text = typeof error === "string" ? error : error.key ? t(error.key) : error.status === 0 ? t("error.server") : error.message;
  dispatchEvent(new CustomEvent("hanmadi:notice", { detail: text }));
}

export const clearNotice = () => { if (!$("#notice").hidden) dispatchEvent(new CustomEvent("hanmadi:notice", { detail: "" })); };
