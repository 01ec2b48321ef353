// Several channels to one, as audio/convert.py and audio/streaming.py have it: the mean, or the strongest where they cancel.

const CANCELLED = 0.1; // power of the mean to that of the strongest channel
const DEAD = 0.01; // of the chosen channel to that of the strongest
const AUDIBLE = 1e-8; // power: what is fainter decides nothing
const REMEMBERED_S = 2;

/** Mean over the channels: Float32Arrays of one length. */
function meanOf(channels) {
  const out = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < out.length; i++) out[i] += channel[i];
  return out.map((x) => x / channels.length);
}

const moments = (samples) => {
  let [first, second] = [0, 0];
  for (const x of samples) [first, second] = [first + x, second + x * x];
  return [samples.length, first, second];
};
const power = ([count, first, second]) => second / count - (first / count) ** 2; // without DC
/** The first of the channels with the most power, however that was rounded. */
const first = (powers) => powers.findIndex((x) => x >= 0.999 * Math.max(...powers));

/** A whole sound: Float32Arrays to one. */
export function toMono(channels) {
  if (channels.length < 2 || !channels[0].length) return channels[0] ?? new Float32Array(0);
  const mean = meanOf(channels);
  const powers = channels.map((channel) => power(moments(channel)));
  const strongest = Math.max(...powers);
  return power(moments(mean)) < CANCELLED * strongest ? channels[first(powers)] : mean;
}

/** A stream, piece by piece: once a channel is chosen it stays, so that no word is heard half one way and half the other. */
export class Mixer {
  constructor(sampleRate) {
    this.rate = sampleRate;
    this.chosen = -1; // none: the mean
    this.sums = [];
  }

  /** Float32Arrays of one length, a copy of each; returns one. */
  push(channels) {
    if (channels.length < 2) return channels[0];
    if (this.sums.length !== channels.length + 1) Object.assign(this, { chosen: -1, sums: [...channels, 0].map(() => [0, 0, 0]) });
    const mean = meanOf(channels);
    this.decide([...channels, mean]);
    return this.chosen < 0 ? mean : channels[this.chosen];
  }

  decide(tracks) {
    const kept = Math.exp(-tracks[0].length / (REMEMBERED_S * this.rate));
    this.sums = tracks.map((samples, i) => moments(samples).map((sum, k) => kept * this.sums[i][k] + sum));
    const powers = this.sums.map(power);
    const ofMean = powers.pop();
    const strongest = Math.max(...powers);
    const [now, least] = this.chosen < 0 ? [ofMean, CANCELLED] : [powers[this.chosen], DEAD];
    if (strongest > AUDIBLE && now < least * strongest) this.chosen = first(powers);
  }
}
