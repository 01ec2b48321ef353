// Several channels to one, as audio/mono.py has it: the mean, or one channel where what is said cancels in the mean.

const CANCELLED = 0.2; // what comes and goes in the mean to that in the strongest channel
const PIECES_PER_S = 50;
const BAND_HZ = 8000; // about the rate at which channels are compared
const LAG = 6; // samples at that rate
const STEADY = 0.1; // weight of what goes on all the time
const REMEMBERED_S = 2;
const AUDIBLE = 1e-8; // power: what is fainter decides nothing
const DEAD = 0.01; // power of the chosen channel to that of the strongest

/** Mean over the channels: Float32Arrays of one length. */
function meanOf(channels) {
  const out = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < out.length; i++) out[i] += channel[i];
  return out.map((x) => x / channels.length);
}

/** Power in the band of speech of a piece; 0 for a few samples. */
function bandPower(samples, rate) {
  const step = Math.max(1, Math.floor(rate / BAND_HZ));
  const low = new Float64Array(Math.floor(samples.length / step));
  for (let i = 0; i < low.length * step; i++) low[Math.floor(i / step)] += samples[i] / step;
  let sum = 0;
  for (let i = LAG; i < low.length; i++) sum += (low[i] - low[i - LAG]) ** 2;
  return sum / Math.max(1, low.length - LAG);
}

const mean = (powers) => powers.reduce((sum, x) => sum + x, 0) / powers.length;
/** Power of what comes and goes, as speech does; of what goes on all the time a tenth. */
function changingPower(powers) {
  const floor = Float64Array.from(powers).sort()[Math.floor(powers.length / 5)];
  return Math.max(mean(powers) - (1 - STEADY) * floor, STEADY * mean(powers));
}
/** The first of the channels with the most power, however that was rounded. */
const strongest = (powers) => powers.findIndex((x) => x >= 0.999 * Math.max(...powers));

/** Powers of the pieces of a sound; one shorter than a piece is one. */
function powersOf(samples, rate) {
  const piece = Math.max(1, Math.floor(rate / PIECES_PER_S));
  const pieces = Math.floor(samples.length / piece);
  if (!pieces) return [bandPower(samples, rate)];
  return Array.from({ length: pieces }, (_, i) => bandPower(samples.subarray(i * piece, (i + 1) * piece), rate));
}

/** A whole sound: Float32Arrays of one length to one. */
export function toMono(channels, rate) {
  if (channels.length < 2 || !channels[0].length) return channels[0] ?? new Float32Array(0);
  const mixed = meanOf(channels);
  const changing = channels.map((channel) => changingPower(powersOf(channel, rate)));
  return changingPower(powersOf(mixed, rate)) < CANCELLED * Math.max(...changing) ? channels[strongest(changing)] : mixed;
}

/** A stream, piece by piece: once a channel is chosen it stays, so that no word is heard half one way and half the other. */
export class Mixer {
  constructor(sampleRate) {
    this.rate = sampleRate;
    this.chosen = -1; // none: the mean
    this.powers = []; // of the last pieces, a list for each channel, that of the mean last
  }

  /** Float32Arrays of one length, a copy of each; returns one. */
  push(channels) {
    if (channels.length < 2) return channels[0];
    if (this.powers.length !== channels.length + 1) Object.assign(this, { chosen: -1, powers: [...channels, 0].map(() => []) });
    const mixed = meanOf(channels);
    this.decide([...channels, mixed]);
    return this.chosen < 0 ? mixed : channels[this.chosen];
  }

  decide(tracks) {
    const remembered = Math.ceil((REMEMBERED_S * this.rate) / tracks[0].length);
    this.powers = this.powers.map((powers, i) => [...powers, bandPower(tracks[i], this.rate)].slice(-remembered));
    const [changing, now] = [this.powers.map(changingPower), this.powers.slice(0, -1).map(mean)];
    const ofMean = changing.pop();
    const poor = this.chosen < 0 ? ofMean < CANCELLED * Math.max(...changing) : now[this.chosen] < DEAD * Math.max(...now);
    if (poor && Math.max(...now) > AUDIBLE) this.chosen = strongest(changing);
  }
}
