"""How long `import hanmadi` and a cold `hanmadi predict` take, and how much memory, in an installation without torch.

    python -m venv BASE && BASE/bin/pip install -c constraints.txt .
    python benchmarks/cold_start.py --python BASE/bin/python     # writes results/cold_start.csv

Every repeat is a new process; the operating system has the files in memory after the first. ``min_s`` is what a
machine with nothing else to do takes; ``median_s`` shows how busy this one was, and ``cpu_s`` is
the least time on a processor, which others hardly change. ``peak_mb`` is the most memory that a process held (10**6
bytes), the largest of all repeats.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import write_rows

from hanmadi import audio

IMPORT = "import time; t = time.perf_counter(); import hanmadi; print(time.perf_counter() - t)"
HAS_TORCH = "import importlib.util; print(importlib.util.find_spec('torch') is not None)"
AIMS = (0.15, 0.8, 120)  # s to import, s and MB to predict
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def environment() -> dict[str, str]:
    """Without what would point at another hanmadi than the installed one."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


class Found(NamedTuple):
    """What one new process took."""

    seconds: float
    cpu_s: float
    peak_mb: float
    output: str


def run(command: Sequence[str], folder: Path) -> Found:
    """Run one new process to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Found(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT / 1e6, output)


def row(
    what: str, command: Sequence[str], folder: Path, repeats: int, seconds_of: Callable[[Found], float]
) -> dict[str, Any]:
    """One row: many new processes, of which the fastest counts."""
    found = [run(command, folder) for _ in range(repeats)]
    seconds = [seconds_of(one) for one in found]
    return {
        "what": what, "repeats": repeats, "min_s": round(min(seconds), 4),
        "median_s": round(statistics.median(seconds), 4),
        "cpu_s": round(min(one.cpu_s for one in found), 4), "peak_mb": round(max(one.peak_mb for one in found), 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="Python of the installation that is measured.")
    parser.add_argument("--clip", type=Path, help="Sound file; a tone of a second otherwise.")
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = (arguments.clip or folder / "clip.wav").absolute()
        if arguments.clip is None:
            tone = 0.3 * np.sin(np.arange(16_000) / 9)
            audio.write(clip, tone.astype(np.float32), sample_rate=16_000)
        python = arguments.python
        has_torch = run([python, "-c", HAS_TORCH], folder).output.strip()
        predict = [python, "-m", "hanmadi", "predict", str(clip)]
        rows = [
            row("import hanmadi", [python, "-c", IMPORT], folder, arguments.repeats, lambda one: float(one.output)),
            row("hanmadi predict", predict, folder, arguments.repeats, lambda one: one.seconds),
        ]
    rows = [one | {"torch_installed": has_torch} for one in rows]
    for one in rows:
        print(one)
    found = (rows[0]["min_s"], rows[1]["min_s"], rows[1]["peak_mb"])
    reached = [have <= aim for have, aim in zip(found, AIMS, strict=True)]
    print(f"aims {AIMS} (s, s, MB) reached: {reached}; {write_rows('cold_start', rows)}")


if __name__ == "__main__":
    main()
