// A clip as a picture: waveform above, spectrogram below, one cursor over both for mouse, finger and keyboard.

import { colourIndex, colourTable, gradient } from "./colours.js";
import { cssColour, el, fitCanvas, onTheme, theme } from "./dom.js";
import { amplitudeToDb } from "./dsp.js";
import { fixed, hertz, onLanguage, t } from "./i18n.js";
import { halo } from "./scope.js";

export const RANGE_DB = 80; // from the loudest cell down
const LEFT = 58; // px, for the frequencies
const BOTTOM = 24; // px, for the time
const GAP = 8;
const WAVE_SHARE = 0.27;
const FONT = "12px system-ui, sans-serif";

export class Picture {
  /** labelKey: what a screen reader calls it; cells: show each cell of the spectrogram as it is. */
  constructor({ labelKey = "picture", cells = false } = {}) {
    this.cells = cells;
    this.base = el("canvas", { "aria-hidden": "true" });
    this.over = el("canvas", { class: "over", "aria-hidden": "true" });
    this.readout = el("span", { class: "readout num quiet" });
    this.scale = el("i");
    this.scaleText = el("span", { class: "num" });
    this.box = el("div", {
      class: "picture", role: "slider", tabindex: "0", tLabel: labelKey, "aria-label": t(labelKey),
      "aria-valuemin": "0", "aria-valuemax": "1", "aria-valuenow": "0",
    }, this.base, this.over);
    const legend = el("span", { class: "legend", "aria-hidden": "true" }, this.scale, this.scaleText);
    this.root = el("div", {}, this.box, el("div", { class: "below" }, this.readout, legend));
    this.wire();
  }

  wire() {
    this.box.addEventListener("pointermove", (event) => this.point(event));
    this.box.addEventListener("pointerdown", (event) => this.point(event));
    this.box.addEventListener("pointerleave", () => { if (document.activeElement !== this.box) this.moveTo(null); });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.moveTo(null));
    new ResizeObserver(() => this.draw()).observe(this.box);
    onTheme(() => { this.image = null; this.draw(); });
    onLanguage(() => { this.draw(); this.tell(); });
  }

  /** analysis: as engine.analyse gives it. topDb: the level of the loudest colour, its own loudest cell otherwise. */
  set(analysis, { topDb = loudest(analysis.spectrogram) } = {}) {
    this.analysis = analysis;
    this.topDb = Math.ceil(topDb / 5) * 5;
    this.image = null;
    this.cursor = null;
    this.box.setAttribute("aria-valuemax", analysis.seconds.toFixed(3));
    this.draw();
    this.tell();
  }

  setPlayhead(seconds) {
    this.playhead = seconds;
    this.drawOver();
  }

  // ---- geometry ----

  layout() {
    const [width, height] = [this.base.clientWidth, this.base.clientHeight];
    const wave = Math.round(height * WAVE_SHARE);
    return { width, height, wave, top: wave + GAP, bottom: height - BOTTOM, across: Math.max(1, width - LEFT), seconds: this.analysis.seconds };
  }

  x(seconds, { across, seconds: whole }) {
    return LEFT + (seconds / whole) * across;
  }

  // ---- drawing ----

  draw() {
    if (!this.analysis || !this.base.clientWidth) return;
    fitCanvas(this.base);
    const context = this.base.getContext("2d");
    const box = this.layout();
    context.setTransform(this.base.width / box.width, 0, 0, this.base.height / box.height, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    this.colours = Object.fromEntries(["wave", "line", "quiet", "ink", "card", "accent"].map((name) => [name, cssColour(name)]));
    this.drawWave(context, box);
    this.drawSpectrogram(context, box);
    this.drawAxes(context, box);
    this.scale.style.background = gradient(theme());
    this.scaleText.textContent = `${this.topDb - RANGE_DB} … ${this.topDb} dB`;
    this.drawOver();
  }

  drawWave(context, box) {
    const { samples } = this.analysis;
    const [middle, half] = [box.wave / 2, box.wave / 2 - 2];
    const most = Math.max(0.05, samples.reduce((sum, x) => Math.max(sum, Math.abs(x)), 0));
    context.fillStyle = this.colours.line;
    context.fillRect(LEFT, middle - 0.5, box.across, 1);
    const y = (value) => middle - (value / most) * half;
    const perPixel = samples.length / box.across;
    context.beginPath();
    if (perPixel < 2) samples.forEach((value, i) => context.lineTo(LEFT + i / perPixel, y(value)));
    else outline(context, samples, box.across, y);
    context.strokeStyle = context.fillStyle = this.colours.wave;
    context.lineWidth = 1.2;
    if (perPixel < 2) context.stroke();
    else context.fill();
  }

  drawSpectrogram(context, box) {
    const { columns, rows, startS, hopS } = this.analysis.spectrogram;
    this.image ??= painted(this.analysis.spectrogram, this.topDb);
    context.save();
    context.beginPath();
    context.roundRect(LEFT, box.top, box.across, box.bottom - box.top, 6);
    context.clip();
    context.fillStyle = hexColour(colourTable(theme())[0]);
    context.fillRect(LEFT, box.top, box.across, box.bottom - box.top);
    context.imageSmoothingEnabled = !this.cells || rows > box.bottom - box.top || columns > box.across;
    const [from, to] = [this.x(startS - hopS / 2, box), this.x(startS + (columns - 0.5) * hopS, box)];
    context.drawImage(this.image, from, box.top, to - from, box.bottom - box.top);
    context.restore();
  }

  drawAxes(context, box) {
    context.font = FONT;
    context.fillStyle = this.colours.quiet;
    context.textAlign = "right";
    context.textBaseline = "middle";
    let lastY = Infinity;
    for (const hz of this.frequencyTicks()) {
      const y = this.yOf(hz, box);
      if (y > lastY - 18 || y < box.top) continue;
      context.fillText(tickName(hz), LEFT - 8, Math.min(y, box.bottom - 5));
      lastY = y;
    }
    context.textBaseline = "alphabetic";
    const step = timeStep(box.seconds, box.across);
    for (let s = 0; s <= box.seconds + 1e-9; s += step) {
      context.textAlign = s === 0 ? "left" : this.x(s, box) > box.width - 20 ? "right" : "center";
      context.fillText(`${fixed(s, step < 0.1 ? 2 : 1)} s`, this.x(s, box), box.height - 6);
    }
  }

  frequencyTicks() {
    const top = this.analysis.spectrogram.frequencies.at(-1);
    if (this.analysis.spectrogram.rows <= 64 && !this.isLinear()) return [250, 500, 1000, 2000, 4000, 8000, 16000].filter((hz) => hz <= top);
    const step = [100, 250, 500, 1000, 2000, 4000].find((each) => top / each <= 6) ?? 8000;
    return Array.from({ length: Math.floor(top / step + 1e-6) + 1 }, (_, i) => i * step);
  }

  isLinear() {
    const [a, b, c] = this.analysis.spectrogram.frequencies;
    return c === undefined || Math.abs(c - b - (b - a)) < 1e-3 * (b - a);
  }

  /** Rows are equally high, so a frequency between two of them is between their middles. */
  yOf(hz, { top, bottom }) {
    const { frequencies, rows } = this.analysis.spectrogram;
    let row = frequencies.findIndex((value) => value >= hz);
    if (row < 0) row = rows - 1;
    else if (row > 0) row -= (frequencies[row] - hz) / (frequencies[row] - frequencies[row - 1]);
    return bottom - ((row + 0.5) / rows) * (bottom - top);
  }

  drawOver() {
    if (!this.analysis || !this.base.clientWidth) return;
    fitCanvas(this.over);
    const context = this.over.getContext("2d");
    const box = this.layout();
    context.setTransform(this.over.width / box.width, 0, 0, this.over.height / box.height, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    if (this.playhead !== null && this.playhead !== undefined) {
      context.fillStyle = this.colours.accent;
      context.fillRect(this.x(this.playhead, box) - 1, 0, 2.5, box.bottom);
    }
    if (this.cursor) this.drawCursor(context, box);
  }

  drawCursor(context, box) {
    const x = this.x(this.cursor.seconds, box);
    const y = this.cursor.row === null ? null : box.bottom - ((this.cursor.row + 0.5) / this.analysis.spectrogram.rows) * (box.bottom - box.top);
    context.fillStyle = this.colours.ink;
    context.globalAlpha = 0.7;
    context.fillRect(x - 0.5, 0, 1, box.bottom);
    if (y === null) return;
    context.fillRect(LEFT, y - 0.5, box.across, 1);
    context.globalAlpha = 1;
    context.font = `600 ${FONT}`;
    context.textAlign = x > box.width - 170 ? "right" : "left";
    context.textBaseline = "middle";
    halo(context, this.valueText(), x + (x > box.width - 170 ? -10 : 10), Math.max(box.top + 12, y - 14), this.colours);
  }

  // ---- the cursor ----

  point(event) {
    if (!this.analysis) return;
    const box = this.layout();
    const place = this.box.getBoundingClientRect();
    const seconds = ((event.clientX - place.left - LEFT) / box.across) * box.seconds;
    const share = (box.bottom - (event.clientY - place.top)) / (box.bottom - box.top);
    const row = share > 1 ? null : Math.floor(share * this.analysis.spectrogram.rows);
    this.moveTo({ seconds, row });
  }

  key(event) {
    if (!this.analysis) return;
    const { rows, hopS } = this.analysis.spectrogram;
    const stepS = Math.max(hopS, 0.001);
    const far = event.shiftKey ? 10 : 1;
    const now = this.cursor ?? { seconds: this.analysis.seconds / 2, row: rows >> 2 };
    const row = now.row ?? rows - 1;
    const moves = {
      ArrowLeft: { ...now, seconds: now.seconds - far * stepS }, ArrowRight: { ...now, seconds: now.seconds + far * stepS },
      ArrowUp: { ...now, row: row + far }, ArrowDown: { ...now, row: row - far },
      PageUp: { ...now, row: row + rows / 8 }, PageDown: { ...now, row: row - rows / 8 },
      Home: { ...now, seconds: 0 }, End: { ...now, seconds: this.analysis.seconds },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    this.moveTo(moves[event.key]);
  }

  moveTo(place) {
    if (!this.analysis) return;
    const { rows } = this.analysis.spectrogram;
    this.cursor = place && {
      seconds: Math.max(0, Math.min(this.analysis.seconds, place.seconds)),
      row: place.row === null ? null : Math.max(0, Math.min(rows - 1, Math.round(place.row))),
    };
    this.drawOver();
    this.tell();
  }

  tell() {
    if (!this.analysis) return;
    this.readout.textContent = this.cursor ? this.valueText() : t("picture.hint");
    this.box.setAttribute("aria-valuenow", (this.cursor?.seconds ?? 0).toFixed(3));
    this.box.setAttribute("aria-valuetext", this.cursor ? this.valueText() : t("picture.hint"));
  }

  /** Time, frequency and level under the cursor; over the waveform time and amplitude. */
  valueText() {
    const { samples, sampleRate, spectrogram } = this.analysis;
    const { seconds, row } = this.cursor;
    const time = `${fixed(seconds, 3)} s`;
    if (row === null) {
      const value = samples[Math.min(samples.length - 1, Math.round(seconds * sampleRate))] ?? 0;
      return `${time} · ${fixed(value, 3)} · ${fixed(amplitudeToDb(value), 1)} dB`;
    }
    const column = Math.max(0, Math.min(spectrogram.columns - 1, Math.round((seconds - spectrogram.startS) / spectrogram.hopS)));
    const db = spectrogram.data[row * spectrogram.columns + column];
    return `${time} · ${hertz(spectrogram.frequencies[row])} · ${fixed(db, 1)} dB`;
  }
}

/** The loudest cell in dB. */
export function loudest({ data }) {
  return data.reduce((most, db) => Math.max(most, db), -60);
}

function outline(context, samples, across, y) {
  const lows = [];
  for (let pixel = 0; pixel < across; pixel++) {
    const end = Math.floor(((pixel + 1) * samples.length) / across);
    let [low, high] = [Infinity, -Infinity];
    for (let i = Math.floor((pixel * samples.length) / across); i < end; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    context.lineTo(LEFT + pixel, y(high) - 0.6);
    lows.push(y(low) + 0.6);
  }
  for (let pixel = lows.length - 1; pixel >= 0; pixel--) context.lineTo(LEFT + pixel, lows[pixel]);
  context.closePath();
}

function painted({ rows, columns, data }, topDb) {
  const table = colourTable(theme());
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < rows; row++) {
    const place = (rows - 1 - row) * columns;
    for (let column = 0; column < columns; column++) {
      pixels[place + column] = table[colourIndex(data[row * columns + column], topDb - RANGE_DB, topDb)];
    }
  }
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const hexColour = (value) => `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
const tickName = (hz) => (hz >= 1000 ? `${hz / 1000} kHz` : `${hz} Hz`);
const timeStep = (seconds, across) => [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((step) => (across * step) / seconds >= 64) ?? 20;
