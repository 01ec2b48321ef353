"""Peak memory of training on few and on many clips: it has to stay flat.

    python benchmarks/memory.py

trains one epoch of the default network on 5,000 and on 200,000 made-up clips (0.2 and 6.4 GB of samples), each
in a process of its own, and writes results/memory.csv.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from common import write_rows

from hanmadi.audio import Sound
from hanmadi.data.scan import Note
from hanmadi.data.store import Recording

RATE = 16_000
WORDS = ("yes", "no", "up", "other")
SPEAKERS = 500


@dataclass(frozen=True)
class MadeUp:
    """A source of any size: noise bursts, a hundred microseconds each."""

    clips: int
    name: str = "made up"
    licence: str | None = None

    def fingerprint(self) -> str:
        return f"made-up-{self.clips}"

    def recordings(self) -> Iterator[Recording]:
        for i in range(self.clips):
            yield Recording(f"clip {i}", WORDS[i % len(WORDS)], partial(_sound, i), f"speaker {i % SPEAKERS}")

    def noises(self) -> Iterator[Recording]:
        return iter(())

    def notes(self) -> tuple[Note, ...]:
        return ()


def _sound(seed: int) -> Sound:
    samples = np.random.default_rng(seed).standard_normal(RATE, dtype=np.float32) * np.float32(0.05)
    samples[: RATE // 4] = samples[-RATE // 4 :] = 0  # a burst: what never ends is no word to make running speech of
    return Sound(samples, RATE)


def train(clips: int, folder: Path) -> None:
    """Train one epoch and print the peak memory as JSON."""
    from hanmadi.models import architecture
    from hanmadi.runs import Settings
    from hanmadi.training.dataset import open_dataset
    from hanmadi.training.train import train_on

    settings = Settings(words=WORDS[:3], epochs=1)
    arch = architecture(settings.arch)
    run = train_on(open_dataset(settings, arch, source=MadeUp(clips)), arch, settings=settings, folder=folder)
    print(json.dumps(run.card["training"]))


def measure(clips: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", str(clips), folder]
        environment = {"HANMADI_CACHE": f"{folder}/cache"}
        import os

        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "clips": clips, "seconds": found["seconds"], "peak_memory_mb": found["peak_memory_mb"],
        "clips_per_second": round(found["examples"] / found["seconds"], 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=2, metavar=("CLIPS", "FOLDER"))
    parser.add_argument("--clips", type=int, nargs="+", default=[5_000, 200_000])
    arguments = parser.parse_args()
    if arguments.child:
        train(int(arguments.child[0]), Path(arguments.child[1]) / "run")
        return
    rows = [measure(clips) for clips in arguments.clips]
    for row in rows:
        print(row)
    print(f"difference: {rows[-1]['peak_memory_mb'] - rows[0]['peak_memory_mb']:.0f} MB, {write_rows('memory', rows)}")


if __name__ == "__main__":
    main()
