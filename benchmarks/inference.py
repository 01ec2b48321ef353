"""How long the shipped models take and how good they are, in float32 and in 8 bits, from the waveform to the scores.

    python benchmarks/inference.py             # writes results/inference.csv
    python benchmarks/inference.py --quick     # a look; writes nothing

One thread. ``ms_p50`` and ``ms_p99`` are of single calls of `Recognizer.scores` with one clip, real and a new one each
call; ``clips_per_second`` is the median over rounds with the batch that does best. The models take turns, so that a
slow minute meets all. 8 bits: `hanmadi.export.int8.to_int8`, calibrated on clips of the training split. Accuracy is
that of the validation split with its 95 % interval (Wilson); ``same_label`` is the share of those clips for which the
8-bit model says what the float32 one says, which tells more: the same clips are in both intervals.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.data.splits import split_clips
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.evaluation.evaluation import Evaluation, evaluate, store_for
from hanmadi.export.int8 import to_int8
from hanmadi.inference.recognizer import Recognizer, find_model, load

DATA = REPOSITORY.parent / "shared" / "data" / "speech_commands"
MODELS = ("tiny", "small", "base")
BATCHES = (4, 8, 16, 32, 64, 128)
WARM_UP = 100  # calls
CALIBRATION = 512  # clips
AIM_MODEL, AIM_MS, AIM_CLIPS_PER_SECOND = "small", 0.5, 3_000


@dataclass(frozen=True)
class Contestant:
    """A model in one kind of numbers."""

    model: str
    numbers: str  # "float32" or "int8"
    recognizer: Recognizer


def contestants(models: Sequence[str], clips: Samples, folder: Path) -> list[Contestant]:
    """Each model in float32 and, calibrated on the clips, in 8 bits."""
    found = []
    for number, model in enumerate(models):
        path = folder / f"{number}.onnx"
        to_int8(find_model(model), path, clips)
        found += [Contestant(model, "float32", load(model)), Contestant(model, "int8", load(path))]
    return found


def clips_of(store: ClipStore, split: str, count: int) -> Samples:
    """Clips of a split, evenly spread: (count, clip_samples) float32."""
    rows = np.flatnonzero(split_clips(store) == SPLITS.index(split))
    return audio.from_int16(store.samples(rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]))


def latencies(entries: Sequence[Contestant], clips: Samples, calls: int) -> NDArray[np.float64]:
    """Milliseconds of single calls: (models, calls or a few more), a hundred of one model at a time."""
    rounds = -(-calls // WARM_UP)
    times = np.empty((len(entries), rounds * WARM_UP))
    for round_ in range(-1, rounds):  # the first is the warm-up
        for place, entry in enumerate(entries):
            for call in range(WARM_UP):
                clip = clips[call % len(clips), None]
                begin = time.perf_counter()
                entry.recognizer.scores(clip)
                if round_ >= 0:
                    times[place, round_ * WARM_UP + call] = 1e3 * (time.perf_counter() - begin)
    return times


def speeds(entries: Sequence[Contestant], clips: Samples, rounds: int) -> NDArray[np.float64]:
    """Clips a second, median over rounds: (models, batches)."""
    seconds = np.empty((rounds, len(entries), len(BATCHES)))
    for round_ in range(-1, rounds):
        for place, entry in enumerate(entries):
            for column, batch in enumerate(BATCHES):
                begin = time.perf_counter()
                for start in range(0, len(clips), batch):
                    entry.recognizer.scores(clips[start : start + batch])
                seconds[round_, place, column] = time.perf_counter() - begin
    return len(clips) / np.median(seconds, axis=0)


def row(entry: Contestant, ms: NDArray[np.float64], speed: NDArray[np.float64], found: Evaluation) -> dict[str, Any]:
    best = int(speed.argmax())
    p50, p99 = np.percentile(ms, [50, 99])
    return {
        "model": entry.model, "numbers": entry.numbers, "threads": 1, "calls": len(ms),
        "ms_p50": round(float(p50), 3), "ms_p99": round(float(p99), 3),
        "clips_per_second": round(float(speed[best])), "batch": BATCHES[best],
        "file_kb": round(entry.recognizer.path.stat().st_size / 1e3, 1), "split": found.split, "clips": found.clips,
        "right": found.right, "accuracy": round(found.accuracy, 5), "low": round(found.interval.low, 5),
        "high": round(found.interval.high, 5),
    }  # fmt: skip


def same_label(found: Sequence[Evaluation], place: int) -> float:
    """Share of clips with the same answer as the model in float32, which stands right before the one in 8 bits."""
    return round(float((found[place].predicted == found[place - place % 2].predicted).mean()), 5)


def measure(data: Path, models: Sequence[str], *, calls: int, rounds: int) -> list[dict[str, Any]]:
    """One row for each model and kind of numbers."""
    store = store_for(load(models[0]), data)
    with tempfile.TemporaryDirectory() as folder:
        entries = contestants(models, clips_of(store, "train", CALIBRATION), Path(folder))
        heard = clips_of(store, "validation", 2 * max(BATCHES))
        ms = latencies(entries, heard, calls)
        speed = speeds(entries, heard, rounds)
        found = [evaluate(entry.recognizer, data, split="validation") for entry in entries]
        rows = [row(*each) for each in zip(entries, ms, speed, found, strict=True)]
    facts = {"calibration_clips": CALIBRATION, "data": os.path.relpath(data, REPOSITORY)}
    return [full | {"same_label": same_label(found, place)} | facts for place, full in enumerate(rows)]


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    for r in rows:
        print(
            f"{r['model']:5s} {r['numbers']:7s}: {r['ms_p50']:.3f} ms (p99 {r['ms_p99']:.3f}), "
            f"{r['clips_per_second']:,} clips/s in batches of {r['batch']}, {r['file_kb']:,.0f} kB, "
            f"{100 * r['accuracy']:.1f} % of {r['clips']:,} clips ({100 * r['low']:.1f} to {100 * r['high']:.1f}), "
            f"{100 * r['same_label']:.1f} % answered as in float32"
        )
    for r in rows:
        if r["model"] == AIM_MODEL:
            reached = r["ms_p50"] <= AIM_MS and r["clips_per_second"] >= AIM_CLIPS_PER_SECOND
            print(f"{r['model']} {r['numbers']}: {AIM_MS} ms and {AIM_CLIPS_PER_SECOND:,} clips/s reached: {reached}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="recordings with official splits")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="names of shipped models, run folders, files")
    parser.add_argument("--calls", type=int, default=5_000, help="of each model with one clip")
    parser.add_argument("--rounds", type=int, default=21, help="in batches")
    parser.add_argument("--quick", action="store_true", help="500 calls, 3 rounds; writes nothing")
    options = parser.parse_args()
    size = {"calls": 500, "rounds": 3} if options.quick else {"calls": options.calls, "rounds": options.rounds}
    rows = measure(options.data, options.models, **size)
    show(rows)
    if not options.quick:
        print(write_rows("inference", rows))


if __name__ == "__main__":
    main()
