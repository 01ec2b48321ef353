"""`compare`: several networks, the same data, the same budget; one table and one plot."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from hanmadi.card import read_card
from hanmadi.data.methods import Method
from hanmadi.data.sources import open_source
from hanmadi.data.store import cached_store
from hanmadi.errors import ModelError, TrainingError
from hanmadi.features import FeatureConfig
from hanmadi.files import csv_text, markdown_table, write_text
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.labels import make_labels
from hanmadi.plots import ComparisonRow, draw_comparison, save_figure
from hanmadi.runs import CARD, SETTINGS, Settings, read_settings

COURSE: Final = (
    "wave_cnn",
    "wave_cnn_skip",
    "spectrogram_cnn1d",
    "spectrogram_cnn1d_skip",
    "spectrogram_cnn2d",
)
ARCHS: Final = ("small", *COURSE)  # all of them start from nothing
TABLE_CSV, TABLE_MARKDOWN, PLOT = "comparison.csv", "comparison.md", "comparison.png"
HEADER: Final = (
    "model", "test accuracy (95 %)", "train - validation", "parameters", "MACs", "epochs", "s/epoch",
    "peak MB", "ms/clip",
)  # fmt: skip
_TIMED_CLIPS: Final = 50


@dataclass(frozen=True)
class Row:
    """One network of the comparison."""

    model: str
    accuracy: float  # on the test split
    low: float  # 95 % interval
    high: float
    clips: int  # of the test split
    gap: float  # training accuracy less validation accuracy
    parameters: int
    macs: int  # multiply-accumulates a clip, network alone
    epochs: float  # passes over the training clips that the budget allowed
    seconds_per_epoch: float
    peak_memory_mb: float | None
    ms_per_clip: float  # median, one thread, one clip at a time, from the waveform


@dataclass(frozen=True)
class Comparison:
    """Rows in the order of training, and the folder with table, plot and runs."""

    rows: tuple[Row, ...]
    folder: Path

    def markdown(self) -> str:
        """The comparison as a Markdown table, one row a network."""
        return markdown_table(HEADER, map(_cells, self.rows))


def compare(
    data: str | os.PathLike[str] | None = None,
    *,
    archs: Sequence[str] = ARCHS,
    words: Iterable[str] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    split: Method = "auto",
    out: str | os.PathLike[str] = "comparison",
    on_model: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Train every network in a process of its own and gather what came out.

    A network whose run is complete in ``out`` is not trained again, so an interrupted comparison goes on.
    Raises TrainingError if a training fails, or a run in ``out`` is of other recordings, words or settings.
    """
    from hanmadi.models import architecture

    folder = Path(out)
    chosen = Settings(
        None if data is None else str(data), words=tuple(words) if words else None, epochs=epochs, minutes=minutes,
        seed=seed, split=split,
    )  # fmt: skip
    for arch in archs:
        features = architecture(arch).features  # a wrong name is told before the first hour is spent
        _check_run(folder / arch, replace(chosen, arch=arch), features)
    rows = []
    for arch in archs:
        on_model(arch)
        run = folder / arch
        _train_apart(run, replace(chosen, arch=arch))
        rows.append(_row(arch, run))
        _save(Comparison(tuple(rows), folder))
    return Comparison(tuple(rows), folder)


def _cells(row: Row) -> list[str]:
    memory = "" if row.peak_memory_mb is None else f"{row.peak_memory_mb:,.0f}"
    return [
        row.model, f"{row.accuracy:.1%} ({row.low:.1%} to {row.high:.1%})", f"{100 * row.gap:+.1f} points",
        f"{row.parameters:,}", f"{row.macs / 1e6:,.1f} M", f"{row.epochs:.2g}", f"{row.seconds_per_epoch:,.0f}",
        memory, f"{row.ms_per_clip:.2f}",
    ]  # fmt: skip


def _check_run(run: Path, asked: Settings, features: FeatureConfig) -> None:
    """Raises TrainingError if a run is there already and is not what is asked for."""
    if not any((run / name).exists() for name in (SETTINGS, CARD)):
        return
    before, finished = read_settings(run), (run / CARD).exists()
    # one that was stopped gets the budget of now
    free = {"data"} if finished or not (asked.epochs or asked.minutes) else {"data", "epochs", "minutes"}
    differing = [
        f"{name} {_said(was)} instead of {_said(now)}"
        for name in (field.name for field in fields(Settings)) if name not in free
        if (was := getattr(before, name)) != (now := getattr(asked, name))
    ]  # fmt: skip
    if not differing and finished and not _is_of(run, asked, features):
        differing = [f"the recordings that {_data(before)} held then, which are not those of {_data(asked)} now"]
    if differing:
        raise TrainingError(
            f"{run}: holds a run of other settings: {'; '.join(differing)}; choose another --out, or remove that "
            "folder to train it anew"
        )


def _is_of(run: Path, asked: Settings, features: FeatureConfig) -> bool:
    """Whether a finished run has learnt the very recordings that are asked for, wherever they lie."""
    source = open_source(asked.data, words=make_labels(asked.words).keywords)
    store = cached_store(source, sample_rate=features.sample_rate, seconds=features.seconds)
    return store.has_fingerprint(read_card(run / CARD).data.fingerprint)


def _data(settings: Settings) -> str:
    return settings.data or "synthetic speech"


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "as by default" if value is None else str(value)


def _train_apart(run: Path, asked: Settings) -> None:
    """Train in a process of its own, so that its peak memory is its own; a run that is there goes on, or is done."""
    if (run / CARD).exists():
        return
    budget = {"--epochs": asked.epochs, "--minutes": asked.minutes}
    options: dict[str, object] = {
        "--arch": asked.arch, "--data": asked.data, "--words": ",".join(asked.words) if asked.words else None, **budget,
        "--seed": asked.seed, "--split": asked.split,
    }  # fmt: skip
    how = ["--resume"] if (run / SETTINGS).exists() else []
    given = budget if how else options
    how += [part for name, value in given.items() if value is not None for part in (name, str(value))]
    command = [sys.executable, "-m", "hanmadi", "train", "--out", str(run), *how]
    code = subprocess.run(command, check=False).returncode
    if code:
        raise TrainingError(f"training {asked.arch} failed with exit code {code}; what it printed stands above")


def _row(arch: str, run: Path) -> Row:
    card = read_card(run / CARD)
    test, training, per_epoch = card.metrics.test, card.training, card.data.splits.get("train")
    if not (test and per_epoch and training.examples and training.seconds is not None and card.metrics.gap is not None):
        raise ModelError(f"{run / CARD}: expected the card of a finished training; train it again")
    epochs = training.examples / (per_epoch.clips + per_epoch.synthetic_silence)
    return Row(
        model=arch, accuracy=test.accuracy, low=test.interval[0], high=test.interval[1], clips=test.clips,
        gap=card.metrics.gap, parameters=card.architecture.parameters, macs=card.architecture.macs, epochs=epochs,
        seconds_per_epoch=training.seconds / epochs, peak_memory_mb=training.peak_memory_mb,
        ms_per_clip=milliseconds_per_clip(load(run)),
    )  # fmt: skip


def milliseconds_per_clip(recognizer: Recognizer) -> float:
    """Median time for one clip, waveform to scores, with the threads that the recogniser was loaded with."""
    clip = np.random.default_rng(0).normal(0, 0.1, (1, recognizer.clip_samples)).astype(np.float32)
    recognizer.scores(clip)
    times = []
    for _ in range(_TIMED_CLIPS):
        started = time.perf_counter()
        recognizer.scores(clip)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def _save(comparison: Comparison) -> None:
    names = [field.name for field in fields(Row)]
    write_text(comparison.folder / TABLE_CSV, csv_text([names, *(astuple(row) for row in comparison.rows)]))
    write_text(comparison.folder / TABLE_MARKDOWN, comparison.markdown())
    points = [ComparisonRow(r.model, r.parameters, r.accuracy, r.low, r.high) for r in comparison.rows]
    save_figure(draw_comparison(points), comparison.folder / PLOT)
