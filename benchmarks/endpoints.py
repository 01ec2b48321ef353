"""Single words in recordings of three seconds, with what a table, a switch and a microphone add: how many are heard.

    python benchmarks/endpoints.py                    # writes results/endpoints.csv
    python benchmarks/endpoints.py --split validation --clips 300

Each keyword clip of a split is put at a random place of three seconds of faint noise (-66 dB); `predict` chooses the
second that it hears (`hanmadi.audio.endpoints`). ``plain`` is the clip alone. The rule was chosen on validation clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import load
from hanmadi.data.examples import make_examples
from hanmadi.data.sources import open_source
from hanmadi.data.store import cached_store
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.labels import make_labels

DATA: Final = REPOSITORY.parent / "shared" / "data" / "speech_commands"
RATE: Final = 16_000  # Hz
LENGTH: Final = 3 * RATE
TIME_S: Final = np.arange(LENGTH) / RATE
Sound = NDArray[np.float64]


def tone(hz: float, decay: float, seconds: float, at: int) -> Sound:
    """A tone that dies away, in three seconds of silence."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(LENGTH)
    sound[at : at + len(t)] = np.exp(-decay * t) * np.sin(2 * np.pi * hz * t)
    return sound


KNOCK, CLICK, THUMP = tone(60, 25, 0.12, 800), tone(900, 200, 0.02, 47_000), tone(40, 12, 0.3, 1_000)
ADDED: Final[dict[str, Callable[[Sound], Sound]]] = {
    "faint noise": lambda x: x,
    "a knock": lambda x: x + 0.8 * KNOCK,
    "a click at the end": lambda x: x + 0.9 * CLICK,
    "one sample at full scale": lambda x: x + np.eye(1, LENGTH, 46_000)[0],
    "a thump": lambda x: x + 0.9 * THUMP,
    "an offset of 0.2": lambda x: x + 0.2,
    "a microphone that settles from 0.5": lambda x: x + 0.5 * np.exp(-TIME_S / 0.15),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="small")
    parser.add_argument("--split", default="test")
    parser.add_argument("--clips", type=int, help="all keyword clips of the split otherwise")
    options = parser.parse_args()
    labels, model, rng = make_labels(None), load(options.model), np.random.default_rng(0)
    store = cached_store(open_source(options.data, words=labels.keywords), sample_rate=RATE)
    examples = make_examples(store, labels)[options.split]
    chosen = rng.permutation(np.flatnonzero(examples.labels[: len(examples.rows)] < len(labels.keywords)))
    right = dict.fromkeys(("plain", *ADDED), 0)
    for index in chosen[: options.clips]:
        clip, said = store.clip(examples.rows[index]), labels.labels[examples.labels[index]]
        sound, place = rng.normal(0, 5e-4, LENGTH), int(rng.integers(2_000, LENGTH - RATE - 2_000))
        sound[place : place + RATE] += clip
        right["plain"] += model.predict(clip, sample_rate=RATE).label == said
        for name, change in ADDED.items():
            heard = np.clip(change(sound), -1, 1).astype(np.float32)
            right[name] += model.predict(heard, sample_rate=RATE).label == said
    count = len(chosen[: options.clips])
    rows: list[dict[str, Any]] = []
    for name, hits in right.items():
        low, high = wilson_interval(hits, count)
        rows.append(
            {
                "model": options.model, "split": options.split, "clips": count, "added": name, "seed": 0,
                "accuracy": round(hits / count, 4), "low": round(low, 4), "high": round(high, 4),
                "points": round(100 * (hits - right["plain"]) / count, 1),
            }
        )  # fmt: skip
        print(rows[-1])
    if options.clips is None:
        write_rows("endpoints", rows)


if __name__ == "__main__":
    main()
