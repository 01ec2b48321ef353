// What the page computes itself: Fourier transform, spectrogram, mel filters, quantisation.
// The definitions are the library's (features.py, signals.py); tests hold the two together.

import { speechStart } from "./endpoints.js";

const FLOOR_DB = -120; // fixed: a stream has no "loudest frame of the clip"
const MELS = 40;
const MEL_FLOOR = 1e-6; // added to the mel power before the logarithm, as in features.py

/** In-place complex FFT of a power-of-two length (Cooley and Tukey 1965, radix 2). */
export class FFT {
  constructor(size) {
    if (size < 2 || size & (size - 1)) throw new Error(`expected a power of two, got ${size}`);
    this.size = size;
    this.cos = new Float64Array(size / 2);
    this.sin = new Float64Array(size / 2);
    for (let i = 0; i < size / 2; i++) {
      this.cos[i] = Math.cos((2 * Math.PI * i) / size);
      this.sin[i] = Math.sin((2 * Math.PI * i) / size);
    }
    this.order = bitReversed(size);
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
  }

  /** Power |X|^2 of a real frame times a window, zero-padded: size / 2 + 1 values into `out`. */
  power(samples, start, window, out) {
    const { size, re, im, order } = this;
    const end = Math.min(window.length, samples.length - start);
    re.fill(0);
    im.fill(0);
    for (let i = Math.max(0, -start); i < end; i++) re[order[i]] = samples[start + i] * window[i];
    this.butterflies();
    for (let k = 0; k <= size / 2; k++) out[k] = re[k] * re[k] + im[k] * im[k];
    return out;
  }

  butterflies() {
    const { size, re, im, cos, sin } = this;
    for (let half = 1, step = size / 2; half < size; half *= 2, step /= 2) {
      for (let base = 0; base < size; base += 2 * half) {
        for (let i = 0, j = base; i < half; i++, j++) {
          const c = cos[i * step], s = sin[i * step];
          const x = re[j + half] * c + im[j + half] * s;
          const y = im[j + half] * c - re[j + half] * s;
          re[j + half] = re[j] - x;
          im[j + half] = im[j] - y;
          re[j] += x;
          im[j] += y;
        }
      }
    }
  }
}

function bitReversed(size) {
  const order = new Uint32Array(size);
  for (let i = 1, bits = Math.log2(size); i < size; i++) order[i] = (order[i >> 1] >> 1) | ((i & 1) << (bits - 1));
  return order;
}

/** Periodic Hann window. */
export function hann(length) {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
}

export const hzToMel = (hz) => 2595 * Math.log10(1 + hz / 700); // O'Shaughnessy 1987, as HTK has it
export const melToHz = (mel) => 700 * (10 ** (mel / 2595) - 1);
export const nextPower = (n) => 2 ** Math.ceil(Math.log2(Math.max(2, n)));

/** Triangular filters, evenly spaced in mel, peak 1: [{first, weights}], and their centres in Hz. */
export function melFilters({ count, sampleRate, nFft, lowHz = 20, highHz = sampleRate / 2 }) {
  const [low, high] = [hzToMel(lowHz), hzToMel(highHz)];
  const edges = Array.from({ length: count + 2 }, (_, i) => melToHz(low + ((high - low) * i) / (count + 1)));
  const filters = [];
  for (let m = 0; m < count; m++) {
    const [left, centre, right] = edges.slice(m, m + 3);
    const weights = [];
    let first = -1;
    for (let k = 0; k <= nFft / 2; k++) {
      const hz = (k * sampleRate) / nFft;
      const weight = Math.min((hz - left) / (centre - left), (right - hz) / (right - centre));
      if (weight <= 0) continue;
      if (first < 0) first = k;
      weights.push(weight);
    }
    filters.push({ first: Math.max(first, 0), weights: Float64Array.from(weights) });
  }
  return { filters, centres: edges.slice(1, -1) };
}

/**
 * Spectrogram of a whole sound in dB, low frequencies first, each row `columns` values: as POST /api/analyse gives it.
 * kind: "linear" (a sine of full scale is 0 dB) or "log_mel" (10 log10 of the power under 40 mel filters).
 */
export function spectrogram(sound, { sampleRate, windowMs = 30, hopMs = 10, kind = "linear" }) {
  const length = Math.max(2, Math.round((windowMs * sampleRate) / 1000));
  const hop = Math.min(length, Math.max(1, Math.round((hopMs * sampleRate) / 1000)));
  const samples = sound.length < length ? padded(sound, length) : sound;
  const columns = 1 + Math.floor((samples.length - length) / hop);
  const nFft = nextPower(length);
  const toRows = kind === "linear" ? linearRows(nFft, length, sampleRate) : melRows(nFft, sampleRate);
  const rows = toRows.frequencies.length;
  const [fft, window, data] = [new FFT(nFft), hann(length), new Float32Array(rows * columns)];
  const power = new Float64Array(nFft / 2 + 1);
  for (let column = 0; column < columns; column++) {
    fft.power(samples, column * hop, window, power);
    for (let row = 0; row < rows; row++) data[row * columns + column] = toRows.level(power, row);
  }
  return {
    rows, columns, data, frequencies: toRows.frequencies, startS: length / 2 / sampleRate, hopS: hop / sampleRate,
    resolution: { timeMs: (1000 * length) / sampleRate, frequencyHz: sampleRate / length },
  };
}

function padded(samples, length) {
  const out = new Float32Array(length);
  out.set(samples);
  return out;
}

function linearRows(nFft, length, sampleRate) {
  const frequencies = Array.from({ length: nFft / 2 + 1 }, (_, k) => (k * sampleRate) / nFft);
  const scale = (4 / length) ** 2; // the sum of a Hann window is half its length
  return { frequencies, level: (power, row) => powerToDb(power[row] * scale) };
}

function melRows(nFft, sampleRate) {
  const { filters, centres } = melFilters({ count: MELS, sampleRate, nFft });
  return { frequencies: centres, level: (power, row) => 10 * Math.log10(weighted(power, filters[row]) + MEL_FLOOR) };
}

export function weighted(power, { first, weights }) {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += power[first + i] * weights[i];
  return sum;
}

export const powerToDb = (power) => 10 * Math.log10(Math.max(power, 10 ** (FLOOR_DB / 10)));
export const amplitudeToDb = (amplitude) => 20 * Math.log10(Math.max(Math.abs(amplitude), 10 ** (FLOOR_DB / 20)));

/** Round to the 2^bits levels of a PCM sample; zero is a level (signals.quantise). */
export function quantise(samples, bits) {
  const half = 2 ** (bits - 1);
  return samples.map((x) => Math.min(half - 1, Math.max(-half, roundEven(x * half))) / half);
}

function roundEven(x) {
  const near = Math.round(x);
  return Math.abs(x % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

export function rms(samples, start = 0, end = samples.length) {
  let sum = 0;
  for (let i = start; i < end; i++) sum += samples[i] * samples[i];
  return end > start ? Math.sqrt(sum / (end - start)) : 0;
}

export function peak(samples) {
  let most = 0;
  for (const x of samples) most = Math.max(most, Math.abs(x));
  return most;
}

/** Clipped to [-1, 1]: the one rule for levels above full scale (audio.at_most_full_scale). */
export const atMostFullScale = (samples) => samples.map((x) => Math.max(-1, Math.min(1, x)));

/** Exactly `length` samples: a short sound is centred between zeros, of a long one what is most like speech is kept. */
export function fitLength(samples, length, sampleRate) {
  const missing = length - samples.length;
  const out = new Float32Array(length);
  if (missing >= 0) {
    out.set(samples, missing >> 1);
    return out;
  }
  const start = speechStart(samples, sampleRate, length);
  return samples.slice(start, start + length);
}
