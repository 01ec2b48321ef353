// A training on the server's clips: start it, watch its curves grow, cancel it.

import { drawCurves } from "./curves.js";
import { el, onTheme } from "./dom.js";
import { fixed, onLanguage, t } from "./i18n.js";
import { engine } from "./session.js";
import { tell } from "./sources.js";

const POLL_MS = 1000;
const KNOWN = ["tiny", "small", "base"]; // where the server names none
const MINUTES = { first: 3, least: 0.1, most: 600 };

/** {root, refresh}; `onnew()` is called when a training has made a model. */
export function trainingPanel({ onnew }) {
  const panel = new Panel(onnew);
  onLanguage(() => panel.draw());
  onTheme(() => panel.drawPictures());
  return panel;
}

class Panel {
  constructor(onnew) {
    this.onnew = onnew;
    this.root = el("section", { class: "card train", tLabel: "train.title", "aria-label": t("train.title") });
    this.data = null;
    this.training = null;
    this.draw();
  }

  async refresh() {
    try {
      this.data = await engine().data();
      [this.training = null] = await engine().trainings(); // the newest
    } catch (error) {
      tell(error);
    }
    this.draw();
    if (this.running) this.watch();
  }

  get running() {
    return this.training?.state === "running";
  }

  draw() {
    const title = el("h2", {}, t("train.title"));
    if (!this.data) return this.root.replaceChildren(title);
    if (!this.data.source) {
      return this.root.replaceChildren(title, el("p", {}, t("train.nodata")), el("p", {}, el("code", {}, "hanmadi serve --data my_words/")));
    }
    if (this.data.error) return this.root.replaceChildren(title, el("p", {}, this.data.error));
    this.status = el("p", { class: "num", role: "status" });
    this.progress = el("i");
    this.loss = el("canvas", { role: "img", "aria-label": t("train.loss") });
    this.accuracy = el("canvas", { role: "img", "aria-label": t("train.accuracy") });
    this.root.replaceChildren(title, this.about(), this.form(), this.training ? this.progressBox() : "");
    return this.drawPictures();
  }

  about() {
    const { source, clips, words } = this.data;
    return el("p", { class: "quiet" }, t("train.about", { source, clips: fixed(clips), words: words.length }));
  }

  form() {
    const names = this.data.architectures?.map(({ name }) => name) ?? KNOWN;
    const arch = el("select", { id: "train-arch" }, ...names.map((name) => el("option", { value: name, selected: name === "base" }, name)));
    const minutes = el("input", { id: "train-minutes", type: "number", min: String(MINUTES.least), max: String(MINUTES.most), step: "any", value: String(MINUTES.first) });
    const words = el("input", { id: "train-words", type: "text", placeholder: this.data.words.slice(0, 4).join(", "), autocomplete: "off", spellcheck: "false" });
    const button = this.running
      ? el("button", { type: "button", class: "second", onclick: () => this.cancel() }, t("train.cancel"))
      : el("button", { type: "submit", class: "primary" }, t("train.start"));
    const form = el("form", {},
      el("label", { class: "field wide" }, t("train.words"), words),
      el("label", { class: "field" }, t("train.arch"), arch), el("label", { class: "field" }, t("train.minutes"), minutes), button);
    for (const field of [words, arch, minutes]) field.disabled = this.running;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.begin({ arch: arch.value, minutes: Number(minutes.value), ...chosenWords(words.value) });
    });
    return form;
  }

  progressBox() {
    const key = (name, kind) => el("span", { class: "key" }, Object.assign(el("i"), { style: `background: var(--${kind})` }), t(name));
    const bar = el("div", { class: "progress", role: "progressbar", "aria-label": t("train.progress"), "aria-valuemin": "0", "aria-valuemax": "100" }, this.progress);
    this.bar = bar;
    this.notes = el("div", { class: "stack", role: "note" });
    return el("div", { class: "stack" }, this.status, bar, this.notes,
      el("p", {}, key("train.training", "quiet"), key("train.validation", "accent")),
      el("div", { class: "curves" }, el("div", {}, el("p", { class: "note" }, t("train.loss")), this.loss), el("div", {}, el("p", { class: "note" }, t("train.accuracy")), this.accuracy)));
  }

  drawPictures() {
    if (!this.training || !this.loss?.isConnected) return;
    const { history, share } = this.training;
    this.progress.style.transform = `scaleX(${share})`;
    this.bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    this.status.textContent = this.statusText();
    this.notes.replaceChildren(...(this.training.notes ?? []).map((note) => el("p", { class: "note" }, note)));
    drawCurves(this.loss, history, ["train_loss", "validation_loss"], { digits: 2 });
    drawCurves(this.accuracy, history, ["train_accuracy", "validation_accuracy"], { percent: true, top: 1 });
  }

  statusText() {
    const { state, stage, clips, epoch, seconds, seconds_left: left, error, model } = this.training;
    const values = { epoch: fixed(epoch), seconds: fixed(seconds), error: error ?? "", model: model ?? "", clips: fixed(clips) };
    if (state !== "running") return t(`train.${state}`, values);
    const rest = left === null || left === undefined ? "" : ` · ${t("train.left", { seconds: fixed(left) })}`;
    return t(`train.stage.${stage}`, values) + rest;
  }

  async begin(wish) {
    try {
      const { id } = await engine().startTraining({ ...wish, seed: 0 });
      this.training = await engine().training(id);
      this.draw();
      this.watch();
    } catch (error) {
      tell(error);
    }
  }

  async cancel() {
    try {
      await engine().cancelTraining(this.training.id);
    } catch (error) {
      tell(error);
    }
    await this.look();
  }

  watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), POLL_MS);
  }

  async look() {
    clearTimeout(this.timer);
    try {
      this.training = await engine().training(this.training.id);
    } catch (error) {
      return tell(error);
    }
    if (this.running) {
      this.drawPictures();
      return this.watch();
    }
    this.draw();
    return this.training.state === "done" ? this.onnew() : null;
  }
}

/** "yes, no" as the API takes it; nothing where the field is empty. */
function chosenWords(text) {
  const words = text.split(/[\s,]+/).filter((word) => word);
  return words.length ? { words } : {};
}
