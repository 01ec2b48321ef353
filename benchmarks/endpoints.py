"""Single words in recordings of three seconds, with what a table, a switch, a telephone or a street adds: how many
are heard.

    python benchmarks/endpoints.py                    # writes results/endpoints.csv
    python benchmarks/endpoints.py --split validation --clips 300

Each keyword clip of a split is put at a random place of three seconds of faint noise (-66 dB), as it is and 20 dB
quieter; `predict` chooses the second that it hears (`hanmadi.audio.endpoints`). ``plain`` is the clip alone, which
``points`` compare with. ``known`` is the accuracy if the second were known: the clip's own, with all that was added
there, so what is lost to it is lost by the choice. Noise has its SNR over the clip, and goes on for three seconds;
its kinds are never in training, and others serve validation clips, on which the rule was chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import audio, load
from hanmadi.data.examples import make_examples
from hanmadi.data.sources import open_source
from hanmadi.data.store import cached_store
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.labels import make_labels

SHARED: Final = REPOSITORY.parent / "shared" / "data"
RATE: Final = 16_000  # Hz
LENGTH: Final = 3 * RATE
FLOOR: Final = 5e-4  # RMS of the faint noise
TIME_S: Final = np.arange(LENGTH) / RATE
NOISES: Final = {
    "test": ("dog_bark", "chainsaw", "fire_crackling", "baby_cry", "rain"),
    "validation": ("clock_tick", "helicopter", "person_sneeze", "rooster", "sea_waves"),
}
Sound = NDArray[np.floating[Any]]
Rng = np.random.Generator


class Condition(NamedTuple):
    """What is done to a recording of a clip."""

    name: str
    change: Callable[[Sound, Sound, Rng], Sound]  # recording (LENGTH,) and the clip in it to what is heard
    gain_db: float = 0.0  # of the clip


def tone(hz: float, decay: float, seconds: float, at: int) -> Sound:
    """A tone that dies away, in three seconds of silence."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(LENGTH)
    sound[at : at + len(t)] = np.exp(-decay * t) * np.sin(2 * np.pi * hz * t)
    return sound


def bang(rng: Rng) -> Sound:
    """Noise up to 500 Hz that dies away in 0.2 s, as of a door; peak 1."""
    burst = np.convolve(rng.normal(0, 1, 4_800), np.bartlett(48), "same") * np.exp(-20 * TIME_S[:4_800])
    return np.pad(burst / np.abs(burst).max(), (800, LENGTH - 5_600))


def noise(recordings: Sequence[Sound], snr_db: float) -> Callable[[Sound, Sound, Rng], Sound]:
    """Three seconds of one of the recordings, turned to an SNR over the clip."""

    def change(sound: Sound, clip: Sound, rng: Rng) -> Sound:
        chosen = recordings[int(rng.integers(len(recordings)))]
        added = np.roll(chosen, int(rng.integers(len(chosen))))[:LENGTH]
        power = np.mean(np.square(added)) + 1e-12  # a recording may pause
        return sound + added * np.sqrt(np.mean(np.square(clip)) / power) * 10 ** (-snr_db / 20)

    return change


KNOCK, CLICK, THUMP = tone(60, 25, 0.12, 800), tone(900, 200, 0.02, 47_000), tone(40, 12, 0.3, 1_000)
BEEP, HUM = tone(1_000, 0, 0.2, 1_000), sum(np.sin(2 * np.pi * 50 * k * TIME_S) / k for k in range(1, 9))
ADDED: Final[dict[str, Callable[[Sound, Sound, Rng], Sound]]] = {
    "faint noise": lambda x, _, rng: x,
    "a knock": lambda x, _, rng: x + 0.8 * KNOCK,
    "a click at the end": lambda x, _, rng: x + 0.9 * CLICK,
    "one sample at full scale": lambda x, _, rng: x + np.eye(1, LENGTH, 46_000)[0],
    "a thump": lambda x, _, rng: x + 0.9 * THUMP,
    "an offset of 0.2": lambda x, _, rng: x + 0.2,
    "a microphone that settles from 0.5": lambda x, _, rng: x + 0.5 * np.exp(-TIME_S / 0.15),
    "a beep": lambda x, _, rng: x + 0.3 * BEEP,
}


def conditions(recordings: Sequence[Sound]) -> Iterator[Condition]:
    """In the order of the table."""
    for name, change in ADDED.items():
        yield Condition(name, change)
    yield Condition("hum of the mains", lambda x, _, rng: x + 0.01 * HUM)
    yield Condition("a bang", lambda x, _, rng: x + 0.8 * bang(rng))
    for snr_db in (20, 10):
        yield Condition(f"noise at {snr_db} dB", noise(recordings, snr_db))
    for name, change in ADDED.items():
        yield Condition(name, change, gain_db=-20.0)


def read_noises(folder: Path, kinds: Sequence[str]) -> list[Sound]:
    """Recordings of these kinds, at least three seconds each."""
    sounds = [audio.read(path) for kind in kinds for path in sorted((folder / kind).iterdir())]
    mono = [
        audio.resample(audio.to_mono(sound.samples, sound.sample_rate), sound.sample_rate, RATE) for sound in sounds
    ]
    return [np.resize(samples, max(LENGTH, len(samples))) for samples in mono]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "speech_commands")
    parser.add_argument("--noise", type=Path, default=SHARED / "environment_noise")
    parser.add_argument("--model", default="small")
    parser.add_argument("--split", choices=NOISES, default="test")
    parser.add_argument("--clips", type=int, help="all keyword clips of the split otherwise")
    options = parser.parse_args()
    labels, model, rng = make_labels(None), load(options.model), np.random.default_rng(0)
    store = cached_store(open_source(options.data, words=labels.keywords), sample_rate=RATE)
    examples = make_examples(store, labels)[options.split]
    chosen = rng.permutation(np.flatnonzero(examples.labels[: len(examples.rows)] < len(labels.keywords)))
    todo = list(conditions(read_noises(options.noise, NOISES[options.split])))
    right, known, plain = [0] * len(todo), [0] * len(todo), 0
    for index in chosen[: options.clips]:
        clip, said = store.clip(examples.rows[index]), labels.labels[examples.labels[index]]
        faint, place = rng.normal(0, FLOOR, LENGTH), int(rng.integers(2_000, LENGTH - RATE - 2_000))
        plain += model.predict(clip, sample_rate=RATE).label == said
        for i, condition in enumerate(todo):
            said_so = clip * 10 ** (condition.gain_db / 20)
            sound = faint + np.pad(said_so, (place, LENGTH - RATE - place))
            heard = np.clip(condition.change(sound, said_so, rng), -1, 1).astype(np.float32)
            right[i] += model.predict(heard, sample_rate=RATE).label == said
            known[i] += model.predict(heard[place : place + RATE], sample_rate=RATE).label == said
    count = len(chosen[: options.clips])
    rows = [row_of("plain", 0.0, plain, plain, plain, count)]
    rows += [row_of(c.name, c.gain_db, right[i], known[i], plain, count) for i, c in enumerate(todo)]
    rows = [{"model": options.model, "split": options.split, "clips": count, "seed": 0} | row for row in rows]
    for row in rows:
        print(row)
    if options.clips is None:
        write_rows("endpoints" if options.split == "test" else f"endpoints-{options.split}", rows)


def row_of(name: str, gain_db: float, right: int, known: int, plain: int, count: int) -> dict[str, Any]:
    """Accuracy with its 95 % interval, and the points that it differs from plain clips."""
    low, high = wilson_interval(right, count)
    return {
        "added": name, "gain_db": gain_db, "accuracy": round(right / count, 4), "low": round(low, 4),
        "high": round(high, 4), "known": round(known / count, 4), "points": round(100 * (right - plain) / count, 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
