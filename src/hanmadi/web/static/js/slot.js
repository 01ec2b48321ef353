// One clip: where it comes from, its picture, its sound, and the five words that fit best.

import { el } from "./dom.js";
import { fixed, onLanguage, percent, t } from "./i18n.js";
import { Picture, loudest } from "./picture.js";
import { play } from "./player.js";
import { model } from "./session.js";
import { acceptDrops, analyse, clearNotice, exampleChips, exampleSelect, sourceButtons, tell } from "./sources.js";

export class Slot {
  /** kind(): how spectrograms are shown; onchange(): called when another sound is in it. */
  constructor({ titleKey, kind, onchange }) {
    this.kind = kind;
    this.onchange = onchange;
    this.root = el("section", { class: "card slot", tLabel: titleKey, "aria-label": t(titleKey) });
    this.take = (sound) => this.load(sound);
    acceptDrops(this.root, this.take);
    this.showEmpty();
    onLanguage(() => { if (this.analysis) this.showResult(); });
  }

  showEmpty() {
    this.root.replaceChildren(el("div", { class: "drop" },
      el("p", { class: "headline", t: "clip.empty" }, t("clip.empty")),
      el("div", { class: "sources" }, ...sourceButtons(this.take, { main: true })),
      el("p", { class: "quiet", t: "clip.empty.examples" }, t("clip.empty.examples")),
      exampleChips(this.take)));
  }

  showLoaded() {
    this.picture = new Picture();
    this.title = el("h2");
    this.button = el("button", { type: "button", class: "primary", onclick: () => this.toggle() });
    this.label = el("b");
    this.score = el("span", { class: "quiet num" });
    this.list = el("ul", { class: "bars" });
    this.facts = el("p", { class: "facts quiet num" });
    this.root.replaceChildren(
      el("div", { class: "slot-head" }, this.title, this.button, el("div", { class: "sources" }, ...sourceButtons(this.take), exampleSelect(this.take))),
      el("div", { class: "body" }, this.picture.root,
        el("div", { class: "result", role: "status" },
          el("div", {}, el("p", { class: "quiet note", t: "clip.says" }, t("clip.says")), el("p", { class: "answer" }, this.label, this.score), this.facts),
          this.list)));
    this.showButton();
  }

  async load(sound) {
    this.sound = sound;
    await this.refresh();
  }

  /** Analyse the sound anew: another sound, model or kind of spectrogram. */
  async refresh() {
    if (!this.sound) return;
    const sound = this.sound;
    this.root.classList.add("busy");
    try {
      const analysis = await analyse(sound, { model: model()?.id, kind: this.kind() });
      if (sound === this.sound) this.show(analysis);
    } catch (error) {
      tell(error);
    }
    this.root.classList.remove("busy");
  }

  show(analysis) {
    clearNotice();
    this.stop?.();
    if (!this.picture) this.showLoaded();
    this.analysis = analysis;
    this.showResult();
    this.onchange();
  }

  showResult() {
    const { prediction, sampleRate, seconds } = this.analysis;
    this.title.textContent = this.sound.name;
    this.title.title = this.sound.name;
    this.label.textContent = prediction.label;
    this.score.textContent = percent(prediction.score);
    this.list.replaceChildren(...prediction.top.slice(0, 5).map(topRow));
    const clipped = prediction.clipped > 0 ? ` · ${t("clip.clipped", { count: prediction.clipped })}` : "";
    this.facts.textContent = `${fixed(seconds, 2)} s · ${fixed(sampleRate)} Hz${clipped}`;
    this.showButton();
  }

  /** topDb: level of the loudest colour, so that two clips can be compared. */
  draw(topDb) {
    if (this.analysis) this.picture.set(this.analysis, { topDb });
  }

  get topDb() {
    return this.analysis ? loudest(this.analysis.spectrogram) : -Infinity;
  }

  showButton() {
    const key = this.stop ? "clip.stop" : "clip.play";
    this.button.dataset.t = key;
    this.button.textContent = t(key);
  }

  async toggle() {
    if (this.stop) return this.stop();
    const onend = () => { this.stop = null; this.picture.setPlayhead(null); this.showButton(); };
    try {
      this.stop = await play(this.analysis.wav, { ontime: (seconds) => this.picture.setPlayhead(seconds), onend });
    } catch (error) {
      tell(error);
    }
    return this.showButton();
  }
}

export function topRow({ label, score }, i) {
  const fill = el("i");
  fill.style.transform = `scaleX(${score.toFixed(4)})`;
  const track = el("span", {
    class: "track", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(100 * score)),
  }, fill);
  return el("li", { class: i === 0 ? "best" : "" }, el("span", {}, label), track, el("span", { class: "num" }, percent(score)));
}
