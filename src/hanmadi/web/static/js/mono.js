// Several channels to one, as audio/mono.py has it: the mean, or one channel where what is said cancels in the mean.

const CANCELLED = 0.25; // share of what comes and goes that the mean lacks
const LACKS = 0.25; // a piece cancels if the mean has less than so much of what unrelated channels would leave of it
const [FLOOR, LOWER, SPREAD, LEAST_RISE, ENOUGH] = [5, 10, 8, 0.05, 15]; // of what stands out of steady noise
const PIECES_PER_S = 50;
const BAND_HZ = 8000; // about the rate at which channels are compared
const LAG = 6; // samples at that rate
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
  let total = 0;
  for (let i = LAG; i < low.length; i++) total += (low[i] - low[i - LAG]) ** 2;
  return total / Math.max(1, low.length - LAG);
}

const sum = (values) => values.reduce((total, x) => total + x, 0);
const mean = (values) => sum(values) / values.length;
const ranked = (values, part) => Float64Array.from(values).sort()[Math.floor(values.length / part)];
/** The first of the channels with the most, however that was rounded. */
const first = (powers) => powers.findIndex((x) => x >= 0.999 * Math.max(...powers));

/** How much cancels, 0 to 1, and the channel that has most of it: lists of the powers of pieces, that of the mean last. */
function cancelledShare(lists) {
  const [channels, ofMean] = [lists.slice(0, -1), lists.at(-1)];
  const apart = ofMean.map((_, i) => sum(channels.map((list) => list[i])) / channels.length ** 2);
  let [beyond, meanBeyond, standsOut] = [apart, ofMean, apart.map((x) => x > 0)];
  if (apart.length >= ENOUGH) {
    const [floor, meanFloor] = [ranked(apart, FLOOR), ranked(ofMean, FLOOR)];
    const least = floor + Math.max(SPREAD * (floor - ranked(apart, LOWER)), LEAST_RISE * floor);
    const high = apart.map((x) => x > least);
    if (high.includes(true)) {
      [beyond, meanBeyond, standsOut] = [apart.map((x) => Math.max(x - floor, 0)), ofMean.map((x) => Math.max(x - meanFloor, 0)), high];
    }
  }
  const cancels = beyond.map((x, i) => standsOut[i] && meanBeyond[i] < LACKS * x);
  if (!cancels.includes(true)) return [0, 0];
  const kept = (values) => sum(values.filter((_, i) => cancels[i]));
  const weight = beyond.map(Math.sqrt);
  return [kept(weight) / sum(weight), first(channels.map(kept))];
}

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
  const [share, channel] = cancelledShare([...channels, mixed].map((track) => powersOf(track, rate)));
  return share > CANCELLED ? channels[channel] : mixed;
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
    const now = this.powers.slice(0, -1).map(mean);
    if (Math.max(...now) <= AUDIBLE) return;
    if (this.chosen < 0) {
      const [share, channel] = cancelledShare(this.powers);
      if (share > CANCELLED) this.chosen = channel;
    } else if (now[this.chosen] < DEAD * Math.max(...now)) {
      this.chosen = first(now);
    }
  }
}
