// In the audio thread: hands the microphone's samples on in blocks of about 20 ms, mono.

import { Mixer } from "./mono.js";

const QUANTUM = 128; // samples that a worklet gets at a time

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.length = QUANTUM * Math.max(1, Math.round((0.02 * sampleRate) / QUANTUM));
    this.mixer = new Mixer(sampleRate);
    this.begin(1);
  }

  process([channels]) {
    const given = channels.length ? channels : [new Float32Array(QUANTUM)];
    if (given.length !== this.tracks.length) {
      if (this.filled) this.send();
      this.begin(given.length);
    }
    given.forEach((channel, i) => this.tracks[i].set(channel, this.filled));
    this.filled += given[0].length; // whole quanta fill a block
    if (this.filled >= this.length) this.send();
    return true;
  }

  begin(channels) {
    this.tracks = Array.from({ length: channels }, () => new Float32Array(this.length));
    this.filled = 0;
  }

  send() {
    const block = this.mixer.push(this.tracks.map((track) => track.subarray(0, this.filled))).slice();
    this.port.postMessage(block, [block.buffer]);
    this.filled = 0;
  }
}

registerProcessor("hanmadi-capture", Capture);
