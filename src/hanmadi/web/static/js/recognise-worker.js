// Recognition in the browser: onnxruntime-web runs the model file that the library runs, on one thread.

import { Decider } from "./decisions.js";
import { atMostFullScale, fitLength } from "./dsp.js";
import { resample } from "./resample.js";
import { Windows } from "./stream.js";

const FILES = new URL("../", import.meta.url);
const file = (path) => new URL(path, FILES).href;

const ready = load();
const streams = new Map();
let queue = ready.then(() => {}); // one question after the other: a session runs one at a time

async function load() {
  const ort = await import(file("ort/ort.wasm.min.mjs"));
  ort.env.wasm.wasmPaths = file("ort/");
  ort.env.wasm.numThreads = 1; // more would need headers that a plain file server does not send
  const card = await (await fetch(file("model/model.json"))).json();
  const session = await ort.InferenceSession.create(file("model/model.onnx"), { executionProviders: ["wasm"] });
  return { ort, card, session };
}

async function scores(samples) {
  const { ort, session } = await ready;
  const input = new ort.Tensor("float32", samples, [1, samples.length]);
  const found = await session.run({ samples: input });
  return Array.from(found.scores.data);
}

const tell = (id, event, values) => postMessage({ id, event, values });

const answers = {
  async predict({ id, samples, sampleRate }) {
    const { card } = await ready;
    const clip = fitLength(atMostFullScale(resample(samples, sampleRate, card.sample_rate)), card.clip_samples, card.sample_rate);
    const found = await scores(clip);
    const ranked = card.labels.map((label, i) => ({ label, score: found[i] })).sort((a, b) => b.score - a.score);
    tell(id, "done", ranked);
  },

  async listen({ id, rate, hopS }) {
    const { card } = await ready;
    const windows = new Windows({ fromRate: rate, modelRate: card.sample_rate, clipSamples: card.clip_samples, hopS });
    streams.set(id, { windows, decider: new Decider(card.labels, card.decisions, hopS) });
    tell(id, "ready", { labels: card.labels, decisions: card.decisions, hop_s: hopS, sample_rate: rate });
  },

  async block({ id, samples }) {
    const stream = streams.get(id);
    for (const { timeS, samples: clip } of stream?.windows.push(samples) ?? []) {
      const found = await scores(clip);
      tell(id, "scores", { time_s: timeS, scores: found });
      const detection = stream.decider.push(timeS, found);
      if (detection) tell(id, "detection", detection);
    }
  },

  async stop({ id }) {
    streams.delete(id);
  },
};

onmessage = ({ data }) => {
  const answer = () => answers[data.question](data);
  queue = queue.then(answer).catch((error) => tell(data.id, "failed", error.message));
};
ready.catch(() => {}); // each question tells it
