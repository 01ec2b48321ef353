// The moving picture of the last seconds: waveform above, spectrogram below, words where they were recognised.
// A column of the spectrogram is computed and coloured once; each frame only moves what is there.

import { colourIndex, colourTable } from "./colours.js";
import { cssColour, fitCanvas, onTheme, theme } from "./dom.js";
import { FFT, hann, melFilters, nextPower, weighted } from "./dsp.js";

const SECONDS = 6; // seen at once on a wide screen
const COLUMNS_PER_S = 100;
const POINTS_PER_COLUMN = 2; // of the waveform
const ROWS = 96;
const TOP_HZ = 8000;
const LOW_HZ = 60;
const QUIET_DB = -90;
const LOUD_DB = -24;
const WINDOW_S = 0.032;
const SPARE_S = 1; // kept beyond what is seen, as drawing lags a little
const TICKS_HZ = [250, 500, 1000, 2000, 4000];
const FONT = "12px system-ui, sans-serif";

const columnsKept = (SECONDS + SPARE_S) * COLUMNS_PER_S;

export class Scope {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: true });
    this.strip = document.createElement("canvas");
    this.strip.width = columnsKept;
    this.strip.height = ROWS;
    this.stripContext = this.strip.getContext("2d");
    this.column = this.stripContext.createImageData(1, ROWS);
    this.pixels = new Uint32Array(this.column.data.buffer);
    this.levels = new Uint8Array(columnsKept * ROWS);
    this.low = new Float32Array(columnsKept * POINTS_PER_COLUMN);
    this.high = new Float32Array(columnsKept * POINTS_PER_COLUMN);
    this.marks = [];
    this.begin(48000);
    this.recolour();
    onTheme(() => { this.recolour(); this.draw(this.shownS); });
  }

  /** A new sound at a sample rate. */
  begin(sampleRate) {
    this.rate = sampleRate;
    this.window = hann(Math.round(WINDOW_S * sampleRate));
    this.fft = new FFT(nextPower(this.window.length));
    this.power = new Float64Array(this.fft.size / 2 + 1);
    const highHz = Math.min(TOP_HZ, sampleRate / 2);
    this.mel = melFilters({ count: ROWS, sampleRate, nFft: this.fft.size, lowHz: LOW_HZ, highHz });
    this.scale = this.mel.filters.map((filter) => melScale(filter, this.window.length));
    this.tail = new Float32Array(2 * this.fft.size + sampleRate);
    this.held = 0; // samples in the tail
    this.first = 0; // number of its first sample
    this.columns = 0; // made so far
    this.points = 0;
    this.shownS = 0;
    this.marks = [];
    this.levels.fill(0);
    this.low.fill(0);
    this.high.fill(0);
    this.recolour();
  }

  get cameS() {
    return (this.first + this.held) / this.rate;
  }

  push(samples) {
    if (this.held + samples.length > this.tail.length) this.forget();
    this.tail.set(samples.subarray(0, this.tail.length - this.held), this.held);
    this.held += Math.min(samples.length, this.tail.length - this.held);
    while (this.columnEnd() <= this.first + this.held) this.makeColumn();
    while (this.pointEnd() <= this.first + this.held) this.makePoint();
  }

  mark(timeS, label) {
    this.marks.push({ timeS, label });
    if (this.marks.length > 30) this.marks.shift();
  }

  columnEnd() {
    return Math.round((this.columns * this.rate) / COLUMNS_PER_S) + (this.window.length >> 1);
  }

  pointEnd() {
    return Math.round(((this.points + 1) * this.rate) / (COLUMNS_PER_S * POINTS_PER_COLUMN));
  }

  makeColumn() {
    const start = this.columnEnd() - this.window.length - this.first;
    this.fft.power(this.tail.subarray(0, this.held), start, this.window, this.power);
    const place = this.columns % columnsKept;
    for (let row = 0; row < ROWS; row++) {
      const db = 10 * Math.log10(weighted(this.power, this.mel.filters[row]) * this.scale[row] + 1e-12);
      this.levels[place * ROWS + row] = colourIndex(db, QUIET_DB, LOUD_DB);
    }
    this.columns += 1;
    this.paint(place);
  }

  paint(place) {
    for (let row = 0; row < ROWS; row++) this.pixels[ROWS - 1 - row] = this.table[this.levels[place * ROWS + row]];
    this.stripContext.putImageData(this.column, place, 0);
  }

  makePoint() {
    const start = Math.round((this.points * this.rate) / (COLUMNS_PER_S * POINTS_PER_COLUMN)) - this.first;
    const end = this.pointEnd() - this.first;
    let [low, high] = [0, 0];
    for (let i = Math.max(0, start); i < end; i++) {
      low = Math.min(low, this.tail[i]);
      high = Math.max(high, this.tail[i]);
    }
    const place = this.points % this.low.length;
    this.low[place] = low;
    this.high[place] = high;
    this.points += 1;
  }

  forget() {
    const keep = this.fft.size + Math.ceil(this.rate / COLUMNS_PER_S);
    const drop = Math.max(0, this.held - keep);
    this.tail.copyWithin(0, drop, this.held);
    this.held -= drop;
    this.first += drop;
  }

  recolour() {
    this.table = colourTable(theme());
    this.colours = { wave: cssColour("wave"), line: cssColour("line"), quiet: cssColour("quiet"), accent: cssColour("accent"),
      onAccent: cssColour("on-accent"), ink: cssColour("ink"), card: cssColour("card") };
    for (let place = 0; place < columnsKept; place++) this.paint(place);
  }

  /** The picture whose right edge is the time nowS. */
  draw(nowS) {
    fitCanvas(this.canvas);
    this.shownS = nowS;
    const { context, canvas } = this;
    const box = { width: canvas.clientWidth || 1, height: canvas.clientHeight || 1 };
    context.setTransform(canvas.width / box.width, 0, 0, canvas.height / box.height, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    const seconds = Math.min(SECONDS, Math.max(2.5, box.width / 140));
    const waveHeight = Math.round(box.height * 0.3);
    const view = { ...box, seconds, startS: nowS - seconds, perS: box.width / seconds };
    this.drawWave(view, waveHeight);
    this.drawStrip(view, waveHeight + 6, box.height - waveHeight - 6);
    this.drawTicks(view, waveHeight + 6, box.height - waveHeight - 6);
    for (const mark of this.marks) this.drawMark(view, mark, waveHeight);
  }

  drawWave({ width, startS, perS }, height) {
    const { context, low, high, points } = this;
    const pointsPerS = COLUMNS_PER_S * POINTS_PER_COLUMN;
    const middle = height / 2;
    const from = Math.max(0, Math.floor(startS * pointsPerS), points - low.length);
    const to = Math.min(points, Math.ceil((startS + width / perS) * pointsPerS));
    context.fillStyle = this.colours.line;
    context.fillRect(0, middle - 0.5, width, 1);
    if (to <= from) return;
    const x = (i) => (i / pointsPerS - startS) * perS;
    const y = (value) => middle - Math.sign(value) * Math.sqrt(Math.abs(value)) * middle * 0.96; // quiet sounds are to be seen too
    context.beginPath();
    for (let i = from; i < to; i++) context.lineTo(x(i), y(high[i % low.length]) - 0.6);
    for (let i = to - 1; i >= from; i--) context.lineTo(x(i), y(low[i % low.length]) + 0.6);
    context.closePath();
    context.fillStyle = this.colours.wave;
    context.fill();
  }

  drawStrip({ width, seconds, startS, perS }, top, height) {
    const { context } = this;
    const end = Math.min(this.columns, Math.ceil((startS + seconds) * COLUMNS_PER_S) + 1);
    const start = Math.max(0, Math.floor(startS * COLUMNS_PER_S) - 1, end - columnsKept);
    context.save();
    context.beginPath();
    context.rect(0, top, width, height);
    context.clip();
    for (let column = start; column < end; ) {
      const place = column % columnsKept;
      const count = Math.min(end - column, columnsKept - place);
      const x = (column / COLUMNS_PER_S - startS) * perS;
      context.drawImage(this.strip, place, 0, count, ROWS, x, top, (count / COLUMNS_PER_S) * perS, height);
      column += count;
    }
    context.restore();
  }

  drawTicks({ width }, top, height) {
    const { context } = this;
    context.font = FONT;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const centres = this.mel.centres;
    for (const hz of TICKS_HZ) {
      const row = centres.findIndex((centre) => centre >= hz);
      if (row < 0) continue;
      const y = top + height * (1 - (row + 0.5) / ROWS);
      context.fillStyle = this.colours.quiet;
      context.fillRect(width - 6, y, 6, 1);
      halo(context, hz >= 1000 ? `${hz / 1000} kHz` : `${hz} Hz`, width - 10, y, this.colours);
    }
  }

  drawMark({ startS, perS, width, height }, { timeS, label }, waveHeight) {
    const { context, colours } = this;
    const x = (timeS - startS) * perS;
    if (x < -160 || x > width + 160) return;
    context.fillStyle = colours.accent;
    context.fillRect(x - 1, 0, 2, height);
    context.font = "600 15px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    const wide = context.measureText(label).width + 18;
    context.beginPath();
    context.roundRect(x - wide, waveHeight - 9, wide, 26, [13, 0, 0, 13]);
    context.fill();
    context.fillStyle = colours.onAccent;
    context.fillText(label, x - wide + 10, waveHeight + 4.5);
  }
}

/** Power to that of one bin, relative to a full-scale sine. */
function melScale({ weights }, length) {
  return (4 / length) ** 2 / Math.max(1, weights.reduce((sum, weight) => sum + weight, 0));
}

/** Text that is legible on any colour. */
export function halo(context, text, x, y, { ink, card }) {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = card;
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}
