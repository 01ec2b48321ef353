// Sound that never ends: blocks of any size and rate in, windows at the model's rate out (stream.py).

import { atMostFullScale } from "./dsp.js";
import { Resampler } from "./resample.js";

export class Windows {
  constructor({ fromRate, modelRate, clipSamples, hopS }) {
    this.resampler = new Resampler(fromRate, modelRate);
    this.rate = modelRate;
    this.clip = clipSamples;
    this.hop = Math.round(hopS * modelRate);
    this.buffer = new Float32Array(2 * clipSamples);
    this.end = 0; // samples in the buffer
    this.next = clipSamples; // where the next window ends in it
    this.origin = 0; // samples before the buffer's first
  }

  /** Returns the windows that a block completes: [{timeS, samples}]. */
  push(block) {
    let samples = atMostFullScale(this.resampler.push(block));
    const found = [];
    while (samples.length) {
      if (this.end === this.buffer.length) this.makeRoom();
      const count = Math.min(samples.length, this.next - this.end, this.buffer.length - this.end);
      this.buffer.set(samples.subarray(0, count), this.end);
      this.end += count;
      samples = samples.subarray(count);
      if (this.end === this.next) found.push(this.window());
    }
    return found;
  }

  window() {
    this.next += this.hop;
    const timeS = (this.origin + this.end) / this.rate;
    return { timeS, samples: this.buffer.slice(this.end - this.clip, this.end) };
  }

  makeRoom() {
    const moved = this.end - this.clip;
    this.buffer.copyWithin(0, moved);
    this.origin += moved;
    this.end -= moved;
    this.next -= moved;
  }
}
