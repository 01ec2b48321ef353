"""The course's five networks, trained as the course trained them, and ours beside them on the same clips.

    python benchmarks/course.py                                   # all six; hours on two cores, minutes on a GPU
    python benchmarks/course.py --archs spectrogram_cnn2d         # one of them; a training that was stopped goes on
    python benchmarks/course.py --split random --archs small      # the course's split, which knows every speaker
    python benchmarks/course.py --data CLIPS --device cuda        # refuses to start where there is no GPU
    python benchmarks/course.py --archs                           # only what stands in --out: table and picture

Each network gets ten epochs, or fewer if validation stops improving for five. A row of results/course.csv is one
training, one of results/course_history.csv one of its epochs; docs/images/course.png draws them. Rows of trainings
that are not in --out stay. ``minutes`` are of the clock, of training and validation, on a machine that did other things
as well where the row says so; ``peak_memory_mb`` is of the process. The gap is accuracy of training clips less that of
validation clips, both without dropout. The test split is looked at once, when a training ends.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from common import REPOSITORY, RESULTS, environment

from hanmadi.plots.style import BLUE, GREY, ORANGE, finish, finish_counts, new_figure, save_figure
from hanmadi.runs import CARD, HISTORY
from hanmadi.training.compare import COURSE, Row, compare

DATA: Final = REPOSITORY.parent / "shared" / "data" / "speech_commands"
PICTURE: Final = REPOSITORY / "docs" / "images" / "course.png"
COLOURS: Final = dict(zip(("small", *COURSE), (GREY, "#E69F00", ORANGE, "#56B4E9", "#009E73", BLUE), strict=True))
_KEY: Final = ("network", "split", "training_clips", "device")


def rows_of(row: Row, run: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of a finished training, and those of its epochs."""
    card = json.loads((run / CARD).read_text(encoding="utf-8"))
    data, training = card["data"], card["training"]
    key = dict(
        zip(_KEY, (row.model, data["method"], data["splits"]["train"]["clips"], training["device"]), strict=True)
    )
    with open(run / HISTORY, newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    kept = epochs[training["kept_epoch"] - 1]
    found = key | {
        "test_clips": row.clips, "test_accuracy": round(row.accuracy, 4), "low": round(row.low, 4),
        "high": round(row.high, 4), "validation_clips": data["splits"]["validation"]["clips"],
        "validation_accuracy": round(float(kept["validation_accuracy"]), 4), "gap": round(row.gap, 4),
        "epochs": len(epochs), "kept_epoch": training["kept_epoch"], "minutes": round(training["seconds"] / 60, 1),
        "seconds_per_epoch": round(row.seconds_per_epoch), "peak_memory_mb": row.peak_memory_mb,
        "parameters": row.parameters, "macs": row.macs, "ms_per_clip": round(row.ms_per_clip, 2),
        "data": Path(str(data["source"])).name, "seed": training["seed"],
    }  # fmt: skip
    names = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    return found, [key | {name: round(float(epoch[name]), 4) for name in names} for epoch in epochs]


def write(name: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put rows in the place of those of the same trainings; all that the table has then."""
    path, replaced = RESULTS / f"{name}.csv", {key_of(row) for row in rows}
    earlier: list[dict[str, Any]] = []
    if path.exists():
        with open(path, newline="", encoding="utf-8") as file:
            earlier = [row for row in csv.DictReader(file) if key_of(row) not in replaced]
    every = [*earlier, *({**row, **environment()} for row in rows)]
    order = list(COLOURS)
    every.sort(key=lambda row: (str(row["split"]), order.index(row["network"]), int(float(row.get("epoch", 0)))))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(every[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)
    return every


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _KEY)


def draw(epochs: Iterable[dict[str, Any]]) -> None:
    """Accuracy by epoch: validation as a line, training dashed, one colour a network."""
    figure, panels = new_figure(1, 2, height_in=3.6)
    by_training: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in epochs:
        if row["split"] != "random" and row["network"] in COURSE:
            by_training.setdefault(key_of(row), []).append(row)
    for key, found in by_training.items():
        number = np.array([float(row["epoch"]) for row in found])
        for axes, what, factor in ((panels[0], "accuracy", 100), (panels[1], "loss", 1)):
            for part, line in (("validation", "-"), ("train", "--")):
                values = factor * np.array([float(row[f"{part}_{what}"]) for row in found])
                label = key[0] if part == "validation" and axes is panels[0] else None
                axes.plot(number, values, line, color=COLOURS[key[0]], label=label, linewidth=1.5)
    finish(panels[0], x="Epoch", y="Accuracy, %", title="Validation, and training (dashed)")
    finish(panels[1], x="Epoch", y="Cross-entropy", title="Loss")
    for axes in panels:
        finish_counts(axes)
    if by_training:
        panels[0].legend(frameon=False, fontsize=7)
    save_figure(figure, PICTURE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--archs", nargs="*", default=["spectrogram_cnn2d", *COURSE[:-1], "small"])
    parser.add_argument("--epochs", type=int, default=10, help="of the course's networks; ours has its recipe's")
    parser.add_argument("--split", choices=("auto", "random"), default="auto")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="what there is otherwise")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "runs" / "course")
    options = parser.parse_args()
    if options.device:
        choose(options.device)
    rows, epochs = [], []
    for arch in options.archs or [path.name for path in sorted(options.out.glob("*/*")) if path.name in COLOURS]:
        budget = options.epochs if arch in COURSE else None
        folder = options.out / options.split
        found = compare(options.data, archs=[arch], epochs=budget, split=options.split, out=folder)
        row, history = rows_of(found.rows[0], folder / arch)
        rows.append(row)
        epochs += history
        print(row)
        write("course", [row])
        every = write("course_history", history)
        draw(every)


def choose(device: str) -> None:
    """Have the trainings, which are processes of their own, use a device; stop where it is not there."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "expected a GPU for --device cuda, PyTorch finds none; leave --device out to use the processor"
        )
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


if __name__ == "__main__":
    main()
