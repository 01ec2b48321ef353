"""Trainings as benchmarks need them: each in a process of its own, what came out kept as JSON, none done twice.

A script that trains is its own child: `outcome` starts it again with ``--child``, and the child calls `finish`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from common import environment

RESULT: Final = "result.json"
OPTIONS: Final = "options.json"
_FEWEST: Final = 3  # values that have an interval
# Student's t, 97.5 %, for 1, 2, ... degrees of freedom (Gosset 1908; any table of it)
T_975: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086,
)  # fmt: skip


class Mean(NamedTuple):
    """A mean with the 95 % interval of Student's t; fewer than three values have none."""

    mean: float
    low: float | None
    high: float | None


def mean_of(values: Sequence[float]) -> Mean:
    """Mean and interval of repeated trainings. It tells how seeds differ, not how test clips do."""
    mean = float(np.mean(values))
    if len(values) < _FEWEST:  # the interval of two would be twelve times as wide as they are apart
        return Mean(mean, None, None)
    half = T_975[len(values) - 2] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Mean(mean, mean - half, mean + half)


def outcome(script: str, folder: Path, options: Mapping[str, Any], *, threads: int) -> dict[str, Any] | None:
    """What the training with these options came to; it is done, or gone on with, if it is not complete.

    None if it failed. Exits if the folder holds a training with other options.
    """
    _claim(folder, options)
    if not (folder / RESULT).exists():
        command = [sys.executable, script, "--child", str(folder)]
        # on the processor, whose time is measured, and with so many threads of it
        how = {"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, env=os.environ | how, check=False)
        if done.returncode:
            print(f"{folder}: failed with exit code {done.returncode}", file=sys.stderr)
            return None
    return json.loads((folder / RESULT).read_text(encoding="utf-8"))


def outcomes(folder: Path) -> list[dict[str, Any]]:
    """Everything complete in a folder, sorted by the names of the runs."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob(f"*/{RESULT}"))]


def options_of(folder: Path) -> dict[str, Any]:
    """In the child: what to do."""
    return json.loads((folder / OPTIONS).read_text(encoding="utf-8"))


def finish(folder: Path, result: Mapping[str, Any]) -> None:
    """In the child: what came out, with the commit and the day of the training. The run is complete now."""
    found = environment()
    full = dict(result) | {"trained_commit": found["commit"], "trained_on": found["date"]}
    temporary = folder / f"{RESULT}.part"
    temporary.write_text(json.dumps(full, indent=1), encoding="utf-8")
    temporary.replace(folder / RESULT)


def _claim(folder: Path, options: Mapping[str, Any]) -> None:
    if not (folder / OPTIONS).exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / OPTIONS).write_text(json.dumps(options, indent=1), encoding="utf-8")
    if options_of(folder) != dict(options):
        sys.exit(f"{folder}: holds a training with {options_of(folder)}, not {dict(options)}; choose another --out")
