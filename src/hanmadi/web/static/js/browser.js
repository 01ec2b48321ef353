// The engine without a server: the model runs in this page, in a worker. No sound leaves the device.

import { decode } from "./decode.js";
import { peak, quantise, spectrogram } from "./dsp.js";
import { resample } from "./resample.js";

const FILES = new URL("../", import.meta.url);
const PLAYED_HZ = 8000; // browsers play no WAV of 2,000 Hz
const CLIPPED = 0.999;
const LOUDEST = 16; // beyond, samples are 16-bit numbers as float (audio.check_sound)
const MOST_S = 60;
const MOST_COLUMNS = 4000;
const HOP_S = 0.1;

const file = (path) => new URL(path, FILES);
const json = async (path) => (await fetch(file(path))).json();

let card; // of the one model
let worker;
let streams = 0;
const waiting = new Map(); // number of a question: what to do with its answer

async function model() {
  card ??= json("model/model.json");
  return card;
}

function started() {
  if (worker) return worker;
  worker = new Worker(new URL("recognise-worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data: { id, event, values } }) => waiting.get(id)?.[event]?.(values);
  worker.onerror = (error) => waiting.forEach((on) => on.failed?.(error.message));
  return worker;
}

function ask(message, transfer) {
  const id = ++streams;
  const answer = new Promise((resolve, reject) => {
    waiting.set(id, { done: resolve, failed: (reason) => reject(new Error(reason)) });
  });
  started().postMessage({ id, ...message }, transfer);
  return answer.finally(() => waiting.delete(id));
}

export const browser = {
  kind: "browser",
  async models() {
    const found = await model();
    started(); // what has to be loaded is loaded while the person reads
    return { default: found.id, models: [found] };
  },
  examples: () => json("examples/examples.json"),

  async example(id) {
    const found = (await this.examples()).find((example) => example.id === id);
    const response = await fetch(file(`examples/${found.file}`));
    return { bytes: await response.arrayBuffer(), type: "application/octet-stream" };
  },

  async analyse(sound, { kind = "linear", windowMs = 30, hopMs, rate, bits, antialias = true }) {
    const given = await read(sound);
    const { samples, sampleRate } = altered(given, { rate, bits, antialias });
    const seconds = samples.length / sampleRate;
    const drawn = spectrogram(samples, { sampleRate, kind, windowMs, hopMs: hopMs ?? Math.max(10, (1000 * seconds) / MOST_COLUMNS) });
    const top = await ask({ question: "predict", samples, sampleRate });
    const clipped = samples.reduce((count, x) => count + (Math.abs(x) >= CLIPPED), 0);
    return {
      sampleRate, seconds, samples, spectrogram: drawn, resolution: drawn.resolution, wav: wavOf(samples, sampleRate),
      prediction: { ...top[0], top, seconds, sample_rate: sampleRate, peak: peak(samples), clipped },
    };
  },

  openStream({ rate, on }) {
    const id = ++streams;
    waiting.set(id, { ...on, failed: (reason) => on.closed?.(1011, reason) });
    started().postMessage({ id, question: "listen", rate, hopS: HOP_S });
    return {
      send: (samples) => worker.postMessage({ id, question: "block", samples }),
      close() {
        worker.postMessage({ id, question: "stop" });
        waiting.delete(id);
      },
    };
  },
};

async function read(sound) {
  const found = await decode(sound.bytes, sound.type).catch(() => null);
  if (!found || !found.samples.length || peak(found.samples) > LOUDEST) throw Object.assign(new Error("error.decode"), { key: "error.decode" });
  return { ...found, samples: found.samples.subarray(0, MOST_S * found.sampleRate) };
}

/** At another rate and with fewer bits, as analysis.py does. */
export function altered({ samples, sampleRate }, { rate, bits, antialias }) {
  const lower = rate && rate < sampleRate;
  let changed = samples;
  if (lower) changed = antialias ? resample(samples, sampleRate, rate) : unfiltered(samples, sampleRate, rate);
  if (bits) changed = quantise(changed, bits);
  return { samples: changed, sampleRate: lower ? rate : sampleRate };
}

/** Samples at a lower rate as they are: what was above half of it folds down (audio.resample_unfiltered). */
function unfiltered(samples, fromRate, toRate) {
  const step = Math.ceil(fromRate / toRate);
  return resample(samples, fromRate, step * toRate).filter((_, i) => i % step === 0);
}

/** A 16-bit WAV; a low rate is raised by a whole factor, which changes nothing that is heard. */
function wavOf(samples, sampleRate) {
  const factor = Math.ceil(PLAYED_HZ / sampleRate);
  const raised = resample(samples, sampleRate, factor * sampleRate);
  const view = new DataView(new ArrayBuffer(44 + 2 * raised.length));
  const text = (place, letters) => [...letters].forEach((letter, i) => view.setUint8(place + i, letter.charCodeAt(0)));
  const rate = factor * sampleRate;
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * raised.length, true);
  text(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, 2 * rate, 4], [32, 2, 2], [34, 16, 2]].forEach(([place, value, bytes]) =>
    (bytes === 4 ? view.setUint32(place, value, true) : view.setUint16(place, value, true)));
  text(36, "data");
  view.setUint32(40, 2 * raised.length, true);
  raised.forEach((x, i) => view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(32768 * x))), true));
  return view.buffer;
}
