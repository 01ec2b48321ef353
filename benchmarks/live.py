"""What the shipped models do live: words missed, false alarms an hour, latency, on recordings kept for this.

    python benchmarks/live.py --models small base

Test clips of Speech Commands are planted at 10 dB in the half of ``environment_noise`` and of ``continuous_speech``
that no threshold was chosen on (dev/live_halves.py), and heard through the stream and the decisions that
`hanmadi listen` has, with the thresholds in each model's card. False alarms are counted in that half of the speech
with nothing planted. Writes results/live.csv, a row for each model and background, and results/live_det.csv, all
thresholds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import REPOSITORY, write_rows

sys.path.insert(0, str(REPOSITORY / "dev"))
from live_halves import JUDGING, half

from hanmadi.evaluation.live import LiveEvaluation, evaluate_live


def evaluate_clips(model: str, shared: Path, *, snr_db: float) -> dict[str, LiveEvaluation]:
    """Of a model, by the kind of background."""
    data = shared / "speech_commands"
    with half(shared, JUDGING) as folders:
        return {
            name: evaluate_live(model, data, backgrounds=[folder], snr_db=[snr_db], split="test")
            for name, folder in (("continuous_speech", folders.speech), ("environment_noise", folders.noise))
        }


def rows_of(model: str, found: dict[str, LiveEvaluation]) -> Iterator[dict[str, Any]]:
    """A row for each background."""
    for name, live in found.items():
        heard, alarms = live.overall, live.false_alarms
        assert alarms is not None
        yield {
            "model": model, "planted_in": name, "snr_db": heard.snr_db, "words": heard.words, "missed": heard.misses,
            "miss_rate": round(heard.miss_rate, 4), "miss_low": round(heard.interval[0], 4),
            "miss_high": round(heard.interval[1], 4), "other_word": heard.substitutions,
            "latency_s_median": heard.latency_s(0.5), "latency_s_90": heard.latency_s(0.9), "alarms": alarms.count,
            "hours": round(alarms.seconds / 3600, 3), "alarms_per_hour": round(alarms.per_hour, 2),
            "alarms_low": round(alarms.interval[0], 2), "alarms_high": round(alarms.interval[1], 2),
            "alarms_by_word": " ".join(f"{word}:{n}" for word, n in alarms.by_word.items() if n), "seed": live.seed,
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["tiny", "small", "small_8k", "base"])
    parser.add_argument("--snr", type=float, default=10.0)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared" / "data")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for model in given.models:
        found = evaluate_clips(model, given.shared, snr_db=given.snr)
        rows += rows_of(model, found)
        for name, live in found.items():
            points += [{"model": model, "background": name} | point._asdict() for point in live.det]
        for row in rows[-len(found) :]:
            print(row)
    print(write_rows("live", rows), write_rows("live_det", points))


if __name__ == "__main__":
    main()
