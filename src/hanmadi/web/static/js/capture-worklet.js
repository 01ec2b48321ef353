// In the audio thread: hands the microphone's samples on in blocks of about 20 ms, mono.

const QUANTUM = 128; // samples that a worklet gets at a time

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(QUANTUM * Math.max(1, Math.round((0.02 * sampleRate) / QUANTUM)));
    this.filled = 0;
  }

  process([channels]) {
    const count = channels.length ? channels[0].length : QUANTUM;
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.filled++] = channels.length ? sum / channels.length : 0;
      if (this.filled === this.block.length) this.send();
    }
    return true;
  }

  send() {
    const block = this.block.slice();
    this.port.postMessage(block, [block.buffer]);
    this.filled = 0;
  }
}

registerProcessor("hanmadi-capture", Capture);
