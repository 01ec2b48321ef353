/* Where the word is in a recording that is longer than a clip: a port of hanmadi.audio.endpoints, which says why. */

const STEPS_PER_SECOND = 4000;
const FRAME = 40; // steps: 10 ms
const BANDS = [3, 2]; // steps
const DIFFERENCES = 6;
const PITCH = [10, 50]; // steps, both included
const [UNVOICED, VOICED] = [0.4, 0.8];
const LASTING = 8; // frames
const QUIET_SHARE = 0.9;
const NOISE_MARGIN = 1.5;
const LEAST_FLOOR = 1e-3;
const MISSING = 0.3;
const TIE = 1e-9; // windows as good as that are equally good; the first is taken
const SLOPE_SHARE = 0.35;

/** Half to even, as Python and NumPy round. */
function round(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** First sample of the stretch of `length` samples that holds the word. */
export function speechStart(samples, sampleRate, length) {
  const spare = samples.length - length;
  const step = Math.max(1, round(sampleRate / STEPS_PER_SECOND));
  const hop = step * FRAME;
  if (spare <= 0 || samples.length < hop) return Math.max(0, spare >> 1);
  const clipFrames = Math.max(1, round(length / hop));
  const middle = (bestWindow(evidence(steps(samples, step), clipFrames), clipFrames) + clipFrames / 2) * hop;
  return Math.min(Math.max(0, round(middle - length / 2)), spare);
}

function steps(samples, step) {
  const means = new Float64Array(Math.floor(samples.length / step));
  for (let i = 0; i < means.length; i++) {
    for (let j = 0; j < step; j++) means[i] += samples[i * step + j];
    means[i] /= step;
  }
  return means.map((mean) => mean - means[0]);
}

function evidence(sound, clipFrames) {
  const rows = [];
  for (const distance of BANDS) {
    const heard = band(sound, distance);
    const level = levels(heard);
    const long = lasting(level);
    const floor = noiseFloor(long, clipFrames);
    const alike = voicing(heard);
    rows.push(above(long, floor), above(lasting(level.map((value, i) => value * alike[i])), floor));
  }
  return rows;
}

function band(sound, distance) {
  const reach = DIFFERENCES * distance;
  const before = reach >> 1;
  let found = new Float64Array(sound.length + reach);
  let sum = 0;
  for (let i = 0; i < found.length; i++) {
    sum += sound[Math.min(Math.max(0, i - before), sound.length - 1)];
    found[i] = sum;
  }
  for (let i = 0; i < DIFFERENCES; i++) {
    const last = found;
    found = last.slice(distance).map((value, place) => value - last[place]);
  }
  return found;
}

/** Root mean square of each frame, without a steady tone. */
function levels(sound) {
  const frames = Math.floor(sound.length / FRAME);
  const [power, shared, all] = [0, 1, 2].map(() => new Float64Array(frames));
  for (let i = 0; i < frames * FRAME; i++) {
    const frame = Math.floor(i / FRAME);
    const beside = (sound[i - 1] ?? 0) + (sound[i + 1] ?? 0);
    power[frame] += sound[i] ** 2;
    shared[frame] += sound[i] * beside;
    all[frame] += beside ** 2;
  }
  const tone = (i) => (power[i] > 0 ? shared[i] ** 2 / power[i] : 0);
  return all.map((value, i) => Math.sqrt(Math.max(value - tone(i), 0) / FRAME));
}

function voicing(sound) {
  const frames = Math.floor(sound.length / FRAME);
  const energy = new Float64Array(frames);
  for (let i = 0; i < frames * FRAME; i++) energy[Math.floor(i / FRAME)] += sound[i] ** 2;
  const alike = new Float64Array(frames);
  for (let lag = PITCH[0]; lag <= PITCH[1]; lag++) {
    const product = new Float64Array(frames);
    const power = energy.slice();
    for (let i = 0; i < frames * FRAME; i++) {
      const later = i + lag < sound.length ? sound[i + lag] : 0;
      product[Math.floor(i / FRAME)] += 2 * sound[i] * later;
      power[Math.floor(i / FRAME)] += later ** 2;
    }
    for (let i = 0; i < frames; i++) {
      const [shared, all] = [around(product, i), around(power, i)];
      if (all > 0) alike[i] = Math.max(alike[i], shared / all);
    }
  }
  return alike.map((value) => Math.min(1, Math.max(0, (value - UNVOICED) / (VOICED - UNVOICED))));
}

const around = (values, i) => (values[i - 1] ?? 0) + values[i] + (values[i + 1] ?? 0);

/** Morphological opening: the minimum of `LASTING` frames, then the maximum. */
function lasting(level) {
  const width = Math.min(LASTING, level.length);
  const least = Array.from({ length: level.length - width + 1 }, (_, i) => Math.min(...level.slice(i, i + width)));
  return level.map((_, i) => Math.max(...least.slice(Math.max(0, i - width + 1), i + 1)));
}

function noiseFloor(level, clipFrames) {
  const rank = Math.floor(QUIET_SHARE * Math.max(0, level.length - clipFrames));
  const sorted = level.slice().sort();
  return Math.max(NOISE_MARGIN * sorted[rank], LEAST_FLOOR * sorted[sorted.length - 1]);
}

const above = (level, floor) => level.map((value) => (floor > 0 ? Math.max(value / floor - 1, 0) : 0));

function bestWindow(rows, clipFrames) {
  const slope = Math.max(1, round(SLOPE_SHARE * clipFrames));
  const flat = clipFrames - slope + 1;
  const scores = new Float64Array(rows[0].length + 2 * slope - clipFrames + 1).fill(1);
  for (const row of rows) {
    const padded = new Float64Array(row.length + 2 * slope);
    padded.set(row, slope);
    const sums = windowSums(windowSums(padded, flat), slope);
    for (let i = 0; i < scores.length; i++) scores[i] *= MISSING + sums[i] / slope;
  }
  const most = scores.reduce((best, score) => Math.max(best, score), -Infinity);
  return scores.findIndex((score) => score >= (1 - TIE) * most) - slope;
}

function windowSums(values, width) {
  const running = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) running[i + 1] = running[i] + values[i];
  return running.slice(width).map((value, i) => value - running[i]);
}
