// Another sample rate, by a windowed sinc: as steep and as deep as soxr's "HQ", which the library uses.

const ATTENUATION_DB = 120.4; // 20 bits
const PASS_BAND = 0.9136; // of the lower of the two Nyquist frequencies; the stop band begins at 1
const CACHED_PHASES = 4096;

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** Modified Bessel function of order 0 (its power series). */
function bessel0(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

/** Kaiser (1974): the filter between two rates, as a function of the distance in input samples. */
function design(fromRate, toRate) {
  const nyquist = Math.min(1, toRate / fromRate); // of the lower rate, relative to the input's
  const cutoff = (nyquist * (1 + PASS_BAND)) / 2; // -6 dB: the middle of the transition
  const transition = Math.PI * nyquist * (1 - PASS_BAND);
  const half = 2 * Math.ceil((ATTENUATION_DB - 7.95) / (2.285 * transition) / 4); // taps on one side, an even count
  const beta = 0.1102 * (ATTENUATION_DB - 8.7);
  const scale = 1 / bessel0(beta);
  const tap = (x) => {
    if (Math.abs(x) >= half) return 0;
    const angle = Math.PI * cutoff * x;
    const sinc = Math.abs(angle) < 1e-12 ? 1 : Math.sin(angle) / angle;
    return cutoff * sinc * bessel0(beta * Math.sqrt(1 - (x / half) ** 2)) * scale;
  };
  return { half, tap };
}

/** Blocks of any size in, samples at another rate out; what is pushed in pieces equals the whole, bit for bit. */
export class Resampler {
  constructor(fromRate, toRate) {
    const common = gcd(Math.round(fromRate), Math.round(toRate));
    this.up = Math.round(toRate) / common; // output k stands at input sample k * down / up
    this.down = Math.round(fromRate) / common;
    this.same = this.up === this.down;
    if (this.same) return;
    const { half, tap } = design(fromRate, toRate);
    Object.assign(this, { half, tap, phases: [] });
    this.held = new Float32Array(4 * half); // input samples that are still needed; before the first there are zeros
    this.count = half;
    this.first = -half; // number of the first held input sample
    this.came = 0;
    this.made = 0;
  }

  push(samples) {
    if (this.same) return samples;
    this.hold(samples);
    this.came += samples.length;
    return this.make(Math.floor(((this.came - this.half - 1) * this.up) / this.down) + 1);
  }

  /** The sound ended: the rest, as if zeros followed. */
  flush() {
    if (this.same) return new Float32Array(0);
    const total = Math.round((this.came * this.up) / this.down);
    this.hold(new Float32Array(this.half + 1));
    return this.make(total);
  }

  hold(samples) {
    const needed = this.count + samples.length;
    if (needed > this.held.length) {
      const larger = new Float32Array(2 * needed);
      larger.set(this.held.subarray(0, this.count));
      this.held = larger;
    }
    this.held.set(samples, this.count);
    this.count = needed;
  }

  make(end) {
    const out = new Float32Array(Math.max(0, end - this.made));
    for (let i = 0; i < out.length; i++) out[i] = this.value(this.made + i);
    this.made += out.length;
    this.forget(Math.floor((this.made * this.down) / this.up) - this.half);
    return out;
  }

  value(k) {
    const place = k * this.down;
    const centre = Math.floor(place / this.up);
    const taps = this.taps(place - centre * this.up);
    return dot(taps, this.held, centre - this.half + 1 - this.first);
  }

  /** Weights of the input samples around an output that lies phase / up after one of them. */
  taps(phase) {
    const known = this.phases[phase];
    if (known) return known;
    const taps = new Float64Array(2 * this.half);
    for (let i = 0; i < taps.length; i++) taps[i] = this.tap(phase / this.up + this.half - 1 - i);
    if (phase < CACHED_PHASES) this.phases[phase] = taps;
    return taps;
  }

  forget(before) {
    const drop = Math.min(before - this.first, this.count);
    if (drop <= 0) return;
    this.held.copyWithin(0, drop, this.count);
    this.count -= drop;
    this.first += drop;
  }
}

/** Four sums side by side: the processor need not wait for each to end. */
function dot(taps, held, start) {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0, j = start; i < taps.length; i += 4, j += 4) {
    a += taps[i] * held[j];
    b += taps[i + 1] * held[j + 1];
    c += taps[i + 2] * held[j + 2];
    d += taps[i + 3] * held[j + 3];
  }
  return a + b + c + d;
}

/** A whole sound at another rate. */
export function resample(samples, fromRate, toRate) {
  const resampler = new Resampler(fromRate, toRate);
  if (resampler.same) return samples;
  const [body, rest] = [resampler.push(samples), resampler.flush()];
  const out = new Float32Array(body.length + rest.length);
  out.set(body);
  out.set(rest, body.length);
  return out;
}
