"""How much training a network needs: examples and processor minutes until its test accuracy first reaches a level.

    python benchmarks/time_to_accuracy.py --archs tiny small base
    python benchmarks/time_to_accuracy.py --archs small --teacher base
    python benchmarks/time_to_accuracy.py --archs bcresnet1
    python benchmarks/time_to_accuracy.py --archs wave_cnn spectrogram_cnn2d --minutes 60
    python benchmarks/time_to_accuracy.py --archs

Each command adds to what stands in --out (runs/time_to_accuracy), and the last one only tabulates it: one row for
each training in results/time_to_accuracy.csv, one for each network and number of epochs in
results/time_to_accuracy_mean.csv, and docs/images/time_to_accuracy.png. A training that is complete is not done again;
one that was stopped goes on. Rows of trainings that are not in --out stay, each with the commit that it was trained at;
the picture is drawn anew where every training of the table is there.

The test clips have no say in a training: the weights that it would keep are put aside after every epoch, and
judged when it is over. Processor time is that of all threads of the process, with features, augmentation and
validation, from the moment the clips are read; putting weights aside does not count, and of teachers only their
answers do, for they were trained before. What is judged are recordings, not made silence. The level a network "first
reaches" is helped by luck, as one of many looks at a few hundred clips, the same for all; the final accuracy is of the
weights that validation chose. A network whose learning rate falls to zero gets everywhere earlier with a shorter
schedule; these are the schedules of the recipes.

A level that was not reached is blank, unless it can be told from what there is (the column ``extrapolated`` names
such levels): at a constant learning rate, where the error of the second half of the training falls as a power of
the examples and the level is at most four times as many away.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from common import REPOSITORY, RESULTS, environment, write_rows
from trainings import Mean, finish, mean_of, options_of, outcome, outcomes

from hanmadi.plots.style import BLUE, GREY, INK, LINE, ORANGE, finish_counts, new_figure, save_figure, scaled
from hanmadi.training.compare import COURSE

if TYPE_CHECKING:
    from hanmadi.runs import Epoch

LEVELS: Final = (0.90, 0.93, 0.95, 0.96, 0.97)
PICTURE: Final = REPOSITORY / "docs" / "images" / "time_to_accuracy.png"
# Okabe and Ito (2008), as in hanmadi.plots.style; the course's networks are grey and differ in their lines
COLOURS: Final = {"tiny": "#56B4E9", "small": BLUE, "base": "#009E73", "bcresnet1": ORANGE}
COURSE_LINES: Final = dict(zip(COURSE, ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1))), strict=True))
_FURTHEST: Final = 4.0  # times the examples seen: how far an extrapolation may go
_FEWEST_POINTS: Final = 4  # epochs that an extrapolation stands on
_LEAST_FIT: Final = 0.9  # r squared of the line through them
_LEAST_ERROR: Final = 1e-3  # that can be drawn: the axis is logarithmic


class Plan(NamedTuple):
    """How a network is trained unless the command says otherwise."""

    seeds: int = 1
    minutes: float | None = None  # at most; None: all epochs of the recipe
    threads: int = 2


PLANS: Final = {
    **dict.fromkeys(("tiny", "small", "base"), Plan(seeds=5)),
    # its operations are so small that two threads, on a busy machine, mostly wait for each other: 9 clips a second
    "bcresnet1": Plan(minutes=120.0, threads=1),
    **dict.fromkeys(COURSE, Plan(minutes=30.0)),
}


class Point(NamedTuple):
    """A network after an epoch."""

    epoch: int
    examples: int  # seen so far
    cpu_seconds: float
    seconds: float
    accuracy: float  # on the test split


# ---- the child: one training, then a judgement of all that it went through ----


class Watch:
    """Puts the weights that would be kept aside after every epoch, with the processor time they took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "points.jsonl"
        self.before = max((point["cpu_seconds"] for point in self.points()), default=0.0)  # of a run that was stopped
        self.started = self.aside = 0.0

    def points(self) -> list[dict[str, Any]]:
        """What was noted so far."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def snapshot(self, epoch: int) -> Path:
        """Where the weights after an epoch are."""
        return self.folder / "snapshots" / f"{epoch:04}.safetensors"

    def on_start(self, _: dict[str, Any]) -> None:
        self.started = time.process_time()

    def on_epoch(self, row: Epoch) -> None:
        now = time.process_time()
        cpu = self.before + now - self.started - self.aside
        self._put_aside(self.snapshot(row.epoch))
        point = {"epoch": row.epoch, "examples": row.examples, "cpu_seconds": cpu, "seconds": row.seconds}
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(json.dumps(point) + "\n")
        self.aside += time.process_time() - now

    def _put_aside(self, path: Path) -> None:
        from hanmadi.models import checkpoint
        from hanmadi.training.state import LAST

        tensors = checkpoint.load(self.folder / "run" / LAST).tensors
        evaluated = "average." if any(name.startswith("average.") for name in tensors) else "body."
        ours = {name: t for name, t in tensors.items() if name.startswith(evaluated)}
        kept = {f"judged.{name.removeprefix(evaluated)}": t for name, t in ours.items()}
        path.parent.mkdir(exist_ok=True)
        checkpoint.save(path, checkpoint.State(kept, {}))


def work(folder: Path) -> None:
    """Train, judge, write the result."""
    options, watch = options_of(folder), Watch(folder)
    card = _train(folder / "run", options, watch)
    points = watch.points()
    accuracies = _judge([watch.snapshot(point["epoch"]) for point in points], options)
    result = {
        "arch": options["arch"], "seed": options["seed"], "threads": options["threads"],
        "teachers": options.get("teachers", []),
        "parameters": card["architecture"]["parameters"], "macs": card["architecture"]["macs"],
        "schedule": card["training"]["recipe"]["schedule"],
        "recipe_epochs": card["training"]["recipe"]["epochs"],
        "kept_epoch": card["training"]["kept_epoch"], "final": card["metrics"]["test"],
        "points": [point | {"accuracy": a} for point, a in zip(points, accuracies, strict=True)],
    }  # fmt: skip
    finish(folder, result)
    shutil.rmtree(folder / "snapshots")  # a gigabyte or more for the largest
    (folder / "run" / "last.safetensors").unlink()


def _train(run: Path, options: dict[str, Any], watch: Watch) -> dict[str, Any]:
    """The card of the training, which is done, or gone on with, if it is not complete."""
    from hanmadi import runs
    from hanmadi.models import architecture
    from hanmadi.runs import SETTINGS
    from hanmadi.training import train as training
    from hanmadi.training.budget import Hooks

    hooks = Hooks(on_start=watch.on_start, on_epoch=watch.on_epoch)
    if (run / runs.CARD).exists():
        return json.loads((run / runs.CARD).read_text(encoding="utf-8"))
    if (run / SETTINGS).exists():
        return training.resume(run, hooks=hooks).card
    minutes, epochs = options["minutes"], options["epochs"]
    if minutes and not epochs:  # never longer than the recipe
        epochs = architecture(options["arch"]).recipe.epochs
    return training.train(
        options["data"], arch=options["arch"], seed=options["seed"], epochs=epochs, minutes=minutes, out=run,
        teachers=options.get("teachers", ()), hooks=hooks,
    ).card  # fmt: skip


def _judge(snapshots: Iterable[Path], options: dict[str, Any]) -> list[float]:
    """Accuracy of weights on the recordings of the test split, in torch."""
    import torch

    from hanmadi import audio
    from hanmadi.features.torch import FrontEnd
    from hanmadi.models import architecture, checkpoint
    from hanmadi.runs import Settings
    from hanmadi.training.dataset import open_dataset

    chosen = architecture(options["arch"])
    config, dataset = chosen.features, open_dataset(Settings(options["data"], options["arch"]), chosen)
    store, test = dataset.store, dataset.examples["test"]
    truth = torch.from_numpy(test.labels[: len(test.rows)])
    body = chosen.build(config.shape, len(dataset.labels)).eval()
    accuracies = []
    with torch.inference_mode():
        heard = FrontEnd(config)(torch.from_numpy(audio.from_int16(store.samples(test.rows))))
        for snapshot in snapshots:
            checkpoint.unpack("judged", body, checkpoint.load(snapshot).tensors)
            predicted = torch.cat([body(batch).argmax(dim=1) for batch in torch.split(heard, 64)])
            accuracies.append(float((predicted == truth).float().mean()))
    return accuracies


# ---- what came out ----


def first_reaching(points: Sequence[Point], level: float) -> Point | None:
    """The first of the points at or above a level."""
    return next((point for point in points if point.accuracy >= level), None)


def examples_foreseen(points: Sequence[Point], level: float, *, schedule: str) -> float | None:
    """Examples at which a level should be reached that was not, or None where nobody can tell.

    The error falls as a power of the examples: a straight line in logarithms through the second half.
    """
    tail = points[len(points) // 2 :]
    if schedule != "constant" or len(tail) < _FEWEST_POINTS or max(point.accuracy for point in tail) >= 1:
        return None
    x, y = np.log([p.examples for p in tail]), np.log([1 - p.accuracy for p in tail])
    slope, offset = np.polyfit(x, y, 1)
    if slope >= 0 or np.corrcoef(x, y)[0, 1] ** 2 < _LEAST_FIT:
        return None
    reached = float(np.exp((np.log(1 - level) - offset) / slope))
    return reached if points[-1].examples < reached <= _FURTHEST * points[-1].examples else None


def row_of(result: dict[str, Any]) -> dict[str, Any]:
    """One training as a row; times in minutes."""
    points = [Point(**point) for point in result["points"]]
    last, final = points[-1], result["final"]
    row = {
        name: result[name] for name in ("arch", "seed", "threads", "parameters", "macs", "recipe_epochs", "kept_epoch")
    }
    row |= {
        "teachers": " ".join(result.get("teachers", ())), "epochs": last.epoch, "examples": last.examples,
        "cpu_minutes": _minutes(last.cpu_seconds),
        "wall_minutes": _minutes(last.seconds), "test_clips": final["clips"],
        "final_accuracy": round(final["accuracy"], 4), "low": round(final["interval"][0], 4),
        "high": round(final["interval"][1], 4),
    }  # fmt: skip
    extrapolated = []
    for level in LEVELS:
        point, name = first_reaching(points, level), f"{100 * level:.0f}"
        examples: float | None = point.examples if point else None
        seconds = point.cpu_seconds if point else None
        if point is None and (examples := examples_foreseen(points, level, schedule=result["schedule"])):
            seconds = examples * last.cpu_seconds / last.examples
            extrapolated.append(name)
        row[f"examples_to_{name}"] = None if examples is None else round(examples)
        row[f"cpu_minutes_to_{name}"] = None if seconds is None else _minutes(seconds)
    return row | {
        "extrapolated": " ".join(extrapolated), "trained_commit": result["trained_commit"],
        "trained_on": result["trained_on"],
    }  # fmt: skip


def mean_row(arch: str, teachers: str, epochs: int, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The trainings of one network as a row: means with the 95 % interval over seeds.

    A time is given where every seed reached the level, measured: a mean of the quick ones would flatter.
    """
    accuracy = mean_of([row["final_accuracy"] for row in rows])
    found: dict[str, Any] = {
        "arch": arch, "teachers": teachers, "epochs": epochs, "seeds": len(rows), "test_clips": rows[0]["test_clips"]
    }  # fmt: skip
    found |= _with_interval("final_accuracy", accuracy, 4)
    for level in LEVELS:
        name = f"{100 * level:.0f}"
        reached = [r for r in rows if r[f"examples_to_{name}"] and name not in r["extrapolated"].split()]
        found[f"reached_{name}"] = len(reached)
        for column in (f"examples_to_{name}", f"cpu_minutes_to_{name}"):
            values = [row[column] for row in reached]
            mean = mean_of(values) if len(values) == len(rows) else None
            found |= _with_interval(column, mean, 2)
    return found


def _with_interval(name: str, mean: Mean | None, digits: int) -> dict[str, float | None]:
    values = mean or (None, None, None)
    names = (name, f"{name}_low", f"{name}_high")
    return {n: None if v is None else round(v, digits) for n, v in zip(names, values, strict=True)}


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 3)


def draw(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Accuracy against examples and against processor minutes, one line a training."""
    figure, (left, right) = new_figure(1, 2, width_in=11.0, height_in=4.4, title="Test accuracy while training")
    lines = {}
    for result in results:
        points = [Point(**point) for point in result["points"]]
        errors = [max(1 - point.accuracy, _LEAST_ERROR) for point in points]
        taught = bool(result.get("teachers"))
        look, name = _look(result["arch"], len(points), taught), result["arch"] + ", taught" * taught
        left.plot([point.examples for point in points], errors, **look)
        (lines[name],) = right.plot([point.cpu_seconds / 60 for point in points], errors, **look)
    for axes, label in ((left, "Examples seen"), (right, "Processor minutes")):
        axes.set(xscale="log", yscale="log")
        finish_counts(axes)
        _finish_errors(axes, label)
    right.xaxis.set_major_formatter(scaled(1))  # a tenth of a minute is 0.1, not 100m
    shown = [arch for arch in PLANS if arch in lines] + [arch for arch in lines if arch not in PLANS]
    figure.legend(
        [lines[arch] for arch in shown], shown, loc="outside right upper", frameon=False, labelcolor=INK, fontsize=9
    )
    save_figure(figure, path)


def _look(arch: str, points: int, taught: bool) -> dict[str, Any]:
    style = "--" if taught else COURSE_LINES.get(arch, "-")
    line = {"color": COLOURS.get(arch, GREY), "linestyle": style, "linewidth": 1.1, "alpha": 0.8}
    return line | {"marker": "o" if points < 8 else "", "markersize": 4}


def _finish_errors(axes: Any, label: str) -> None:
    """A log axis of errors that says accuracy, and lines at the levels."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    from hanmadi.plots.style import finish as finish_axes

    for level in LEVELS:
        axes.axhline(1 - level, color=LINE, linewidth=0.8, zorder=0)
    axes.yaxis.set_major_locator(FixedLocator([1 - a for a in (0.0, 0.5, 0.8, *LEVELS, 0.98)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 * (1 - error):.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(1.0, 0.02)
    finish_axes(axes, x=label, y="Test accuracy (%)")
    axes.yaxis.label.set_color(INK)


def tabulate(folder: Path) -> None:
    """Everything complete in the folder, and what the table has beside it, as tables and as a picture."""
    results = outcomes(folder)
    if not results:
        raise SystemExit(f"{folder}: holds no complete training")
    here = [row_of(result) for result in results]
    others = [row for row in _table() if _identity(row) not in {_identity(found) for found in here}]
    rows = sorted(here + others, key=_identity)
    kinds = sorted({_identity(row)[:-1] for row in rows})
    means = [mean_row(*kind, [row for row in rows if _identity(row)[:-1] == kind]) for kind in kinds]
    for mean in means:
        print({name: value for name, value in mean.items() if value is not None})
    print(write_rows("time_to_accuracy", rows), write_rows("time_to_accuracy_mean", means))
    if others:
        print(f"{PICTURE}: not drawn anew, {len(others)} of {len(rows)} trainings are not in {folder}")
    else:
        draw(results, PICTURE)


def _identity(row: dict[str, Any]) -> tuple[str, str, int, int]:
    return row["arch"], row["teachers"], row["epochs"], row["seed"]


def _table() -> list[dict[str, Any]]:
    """The rows that were written last, without what `write_rows` adds."""
    path = RESULTS / "time_to_accuracy.csv"
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        added = set(environment())
        rows = [{name: _value(name, text) for name, text in row.items() if name not in added}
                for row in csv.DictReader(file)]  # fmt: skip
    return [{"teachers": ""} | row for row in rows]  # until 2026-11-26 there were none


def _value(name: str, text: str) -> Any:
    """What a cell stood for: a number, nothing, or text."""
    if "_to_" in name and not text:
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="*", default=list(PLANS), help="default: all; none: only tabulate")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: 0 to 4 for this project's, 0 for the others")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument(
        "--minutes", type=float, help="at most, by the clock; default: 120 for bcresnet1, 30 for the course's"
    )
    parser.add_argument("--teacher", dest="teachers", action="append", default=[], help="a run or model; repeatable")
    parser.add_argument("--threads", type=int, help="default: 1 for bcresnet1, 2 for the others")
    parser.add_argument("--data", default="../shared/data/speech_commands")
    parser.add_argument("--out", type=Path, default=Path("runs/time_to_accuracy"))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        work(given.child)
        return
    for arch in given.archs:
        plan = PLANS.get(arch, Plan())
        threads = given.threads or plan.threads
        for seed in given.seeds or range(plan.seeds):
            options = {
                "arch": arch, "seed": seed, "epochs": given.epochs, "minutes": given.minutes or plan.minutes,
                "threads": threads, "data": given.data,
            }  # fmt: skip
            name = arch
            if given.teachers:
                options["teachers"], name = given.teachers, f"{arch}-taught"
            outcome(__file__, given.out / f"{name}-{seed}", options, threads=threads)
    tabulate(given.out)


if __name__ == "__main__":
    main()
