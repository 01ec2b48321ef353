"""What listening costs, and whether it hears what a whole recording gives: speed, memory, equality.

    python benchmarks/streaming.py             # writes results/streaming.csv
    python benchmarks/streaming.py --quick     # a look; writes nothing

One thread, real speech in blocks of one hop (int16), through `hanmadi.inference.stream.Stream` and
`hanmadi.inference.decisions.Decider`, a row for each sample rate. ``rtf`` is the time that it takes, by the time that
the sound lasts, ``rtf_cpu`` the same of the processor's time, which other programs do not change; ``ms_p50`` and
``ms_p99`` are of single hops. ``max_difference`` is the largest difference between the scores of a stream in random
blocks (1 sample to 10 s) and `windows_of` the whole recording, over ``equal_windows`` windows. ``memory_mb`` is how far
the resident memory rose above that after the first ten minutes, at most, in ``memory_hours`` of sound.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.inference.decisions import Decider
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import HOP_S, Stream, listen, windows_of

DATA = REPOSITORY.parent / "shared" / "data" / "continuous_speech"
RATES = (16_000, 8_000, 44_100, 48_000)
LONGEST_BLOCK_S = 10
SETTLED_S = 600  # of sound, after which memory counts
BLOCK_S = 1  # of sound at a time where only memory counts
AIM_RTF, AIM_MS, AIM_MB = 0.005, 5.0, 5.0


def speech(folder: Path, seconds: float, rate: int) -> NDArray[np.int16]:
    """Recordings one after the other, at a rate: (n,)."""
    found, count = [], 0
    for path in cycle(sorted(folder.rglob("*.ogg"))):
        sound = audio.read(path)
        found.append(
            audio.to_int16(audio.resample(audio.to_mono(sound.samples, sound.sample_rate), sound.sample_rate, rate))
        )
        count += len(found[-1])
        if count >= seconds * rate:
            return np.concatenate(found)[: round(seconds * rate)]
    raise SystemExit(f"{folder}: no recordings")


def speed(recognizer: Recognizer, samples: NDArray[np.int16], rate: int) -> dict[str, Any]:
    """Time of single hops, after ten seconds to warm up."""
    stream = Stream(recognizer, sample_rate=rate)
    decider = Decider(recognizer.labels, recognizer.about.decision_config, hop_s=HOP_S)
    hop = round(HOP_S * rate)
    times, used = [], time.process_time()
    for start in range(0, len(samples) - hop + 1, hop):
        begin = time.perf_counter()
        for window in stream.push(samples[start : start + hop]):
            decider.push(window.time_s, window.scores)
        times.append(time.perf_counter() - begin)
    cpu = (time.process_time() - used) / len(times)
    times = times[round(10 / HOP_S) :]
    p50, p99 = 1e3 * np.percentile(times, [50, 99])
    return {
        "hops": len(times), "rtf": round(float(np.mean(times)) / HOP_S, 5), "rtf_cpu": round(cpu / HOP_S, 5),
        "ms_p50": round(float(p50), 3), "ms_p99": round(float(p99), 3),
    }  # fmt: skip


def equality(recognizer: Recognizer, samples: NDArray[np.int16], rate: int) -> dict[str, Any]:
    """The largest difference between streamed and whole, in random blocks."""
    rng = np.random.default_rng(0)
    stream = Stream(recognizer, sample_rate=rate)
    times, scores = windows_of(recognizer, samples, sample_rate=rate)
    found, start = [], 0
    while start < len(samples):
        size = int(np.exp(rng.uniform(0, np.log(LONGEST_BLOCK_S * rate))))
        found += stream.push(samples[start : start + size])
        start += size
    found += stream.flush()
    assert [window.time_s for window in found] == times.tolist()
    assert np.ptp(scores, axis=0).max() > 0.5, "constant scores would pass anything"
    largest = np.abs(scores - np.array([window.scores for window in found])).max()
    return {"equal_windows": len(found), "max_difference": float(largest)}


def memory(recognizer: Recognizer, samples: NDArray[np.int16], rate: int, hours: float) -> dict[str, Any]:
    """How far the resident memory rises while listening for hours."""
    block, held = BLOCK_S * rate, []

    def blocks() -> Iterator[NDArray[np.int16]]:
        starts = cycle(range(0, len(samples) - block + 1, block))
        for second in range(round(hours * 3_600)):
            if second >= SETTLED_S and second % 60 == 0:
                held.append(resident_mb())
            start = next(starts)
            yield samples[start : start + block]

    detections = sum(1 for _ in listen(recognizer, blocks(), sample_rate=rate))
    return {"memory_hours": hours, "memory_mb": round(max(held) - held[0], 2), "detections": detections}


def resident_mb() -> float:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(data: Path, model: str, rate: int, *, seconds: float, hours: float) -> dict[str, Any]:
    recognizer = load(model)
    samples = speech(data, seconds, rate)
    facts = {"model": model, "sample_rate": rate, "hop_ms": 1e3 * HOP_S, "threads": 1}
    row = facts | speed(recognizer, samples, rate) | equality(recognizer, samples, rate)
    return row | memory(recognizer, samples, rate, hours) | {"data": os.path.relpath(data, REPOSITORY)}


def show(row: dict[str, Any]) -> None:
    reached = row["rtf"] <= AIM_RTF and row["ms_p99"] <= AIM_MS and row["memory_mb"] <= AIM_MB
    print(
        f"{row['model']} at {row['sample_rate']} Hz: real-time factor {row['rtf']:.4f} (CPU {row['rtf_cpu']:.4f}), "
        f"a hop {row['ms_p50']:.2f} ms (p99 {row['ms_p99']:.2f}), {row['memory_mb']:.1f} MB more in "
        f"{row['memory_hours']:g} h, difference {row['max_difference']} over {row['equal_windows']:,} windows: "
        f"reached: {reached and row['max_difference'] == 0}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="recordings of speech")
    parser.add_argument("--model", default="small", help="name of a shipped model, run folder, file")
    parser.add_argument("--rates", nargs="+", type=int, default=list(RATES))
    parser.add_argument("--seconds", type=float, default=1_010.0, help="of speech for speed and equality")
    parser.add_argument("--hours", type=float, default=8.0, help="of listening for memory")
    parser.add_argument("--quick", action="store_true", help="100 s, half an hour; writes nothing")
    options = parser.parse_args()
    size = {"seconds": 100.0, "hours": 0.5} if options.quick else {"seconds": options.seconds, "hours": options.hours}
    rows = []
    for rate in options.rates:
        rows.append(measure(options.data, options.model, rate, **size))
        show(rows[-1])
    if not options.quick:
        print(write_rows("streaming", rows))


if __name__ == "__main__":
    main()
