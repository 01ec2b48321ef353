// From scores to detections: the rule of decisions.py, number for number. A test feeds both the same scores.

const GAP_HOPS = 1.5;
const TOLERANCE_S = 1e-9;
const NO_WORDS = ["unknown", "silence"];

export class Decider {
  /** labels: in the order of the scores; config: the model's {smoothing_s, threshold, thresholds, refractory_s, unknown_weight}. */
  constructor(labels, config, hopS) {
    this.config = config;
    this.words = labels.filter((label) => !NO_WORDS.includes(label));
    this.unknown = labels.indexOf("unknown");
    this.columns = this.words.map((word) => labels.indexOf(word));
    this.thresholds = this.words.map((word) => config.thresholds[word] ?? config.threshold);
    this.longestS = GAP_HOPS * hopS;
    this.windows = Math.max(1, roundHalfEven(config.smoothing_s / hopS));
    this.reset();
  }

  reset() {
    this.recent = [];
    this.armed = this.words.map(() => true);
    this.lastS = -Infinity;
    this.detectedS = -Infinity;
  }

  /** The scores of the window that ends at timeS. Returns {label, time_s, score} or null. */
  push(timeS, scores) {
    this.follow(timeS);
    // as if unknown's odds were so many times as high: in talk doubt weighs more than in one clip
    const all = this.unknown < 0 ? 1 : 1 + ((this.config.unknown_weight ?? 1) - 1) * scores[this.unknown];
    this.recent.push(this.columns.map((column) => scores[column] / all));
    if (this.recent.length > this.windows) this.recent.shift();
    // by the full count from the start on, so that a beginning cannot be too sure
    const average = this.words.map((_, i) => this.recent.reduce((sum, row) => sum + row[i], 0) / this.windows);
    const above = average.map((value, i) => value > this.thresholds[i]);
    above.forEach((is, i) => { if (!is) this.armed[i] = true; });
    return this.detection(timeS, average, above);
  }

  follow(timeS) {
    if (timeS < this.lastS) this.reset();
    else if (timeS - this.lastS > this.longestS) this.recent = [];
    this.lastS = timeS;
  }

  detection(timeS, average, above) {
    const best = argmax(average);
    const resting = timeS - this.detectedS < this.config.refractory_s - TOLERANCE_S;
    if (resting || !(above[best] && this.armed[best])) return null;
    this.armed[best] = false;
    this.detectedS = timeS;
    return { label: this.words[best], time_s: timeS, score: average[best] };
  }
}

/** As NumPy: the first of the highest; a NaN is higher than any. */
function argmax(values) {
  const bad = values.findIndex(Number.isNaN);
  return bad >= 0 ? bad : values.indexOf(Math.max(...values));
}

function roundHalfEven(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2) : Math.round(x);
}
