"""Run folders: their names, what lies in them, and the settings with which a training can be repeated."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hanmadi.data.splits import DEFAULT_HOLDOUT, Method
from hanmadi.errors import TrainingError
from hanmadi.files import write_text

if TYPE_CHECKING:
    from hanmadi.data.recordings import Talk
    from hanmadi.data.store import ClipStore

DEFAULT_ARCH: Final = "small"
SETTINGS: Final = "settings.json"
_FINGERPRINT: Final = "fingerprint"  # of recordings; before it stands what they are for
FILE_NAME: Final = "model.onnx"
WEIGHTS_NAME: Final = "weights.safetensors"  # beside it in a run folder: what it was exported from
CARD: Final = "card.json"
METRICS: Final = "metrics.json"
HISTORY: Final = "history.csv"
REPORT: Final = "report.html"
RUNS_FOLDER: Final = Path("runs")


@dataclass(frozen=True)
class Settings:
    """What a person chose: with the data and the versions, all that is needed to repeat a run."""

    data: str | None = None  # folder or .npz; None is synthetic speech
    arch: str = DEFAULT_ARCH
    words: tuple[str, ...] | None = None  # None is the course's ten
    epochs: int | None = None  # None is what the architecture's recipe says, unless minutes are given
    minutes: float | None = None
    seed: int = 0
    split: Method = "auto"
    holdout: float = DEFAULT_HOLDOUT
    validation: float | None = None  # share of validation; None is the holdout
    hard_negatives: str | None = None  # folder of clips that are learnt as unknown words, in training only
    talk: tuple[str, ...] = ()  # recordings in which no keyword is said, in training only
    teachers: tuple[str, ...] = ()  # folders of finished runs whose answers are learnt beside the labels

    def command(self) -> str:
        """The command that does this again."""
        options = {
            "--data": self.data, "--arch": self.arch, "--words": ",".join(self.words) if self.words else None,
            "--epochs": self.epochs, "--minutes": self.minutes, "--seed": self.seed, "--split": self.split,
            "--holdout": self.holdout, "--validation-share": self.validation, "--hard-negatives": self.hard_negatives,
        }  # fmt: skip
        given = [part for name, value in options.items() if value is not None for part in (name, str(value))]
        for name, values in (("--talk", self.talk), ("--teacher", self.teachers)):
            given += [part for value in values for part in (name, value)]
        return shlex.join(["hanmadi", "train", *given])


def read_settings(folder: Path) -> Settings:
    """What a training was started with. Raises TrainingError for a folder without one."""
    try:
        saved: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        del saved[_FINGERPRINT]
        chosen = {name: value for name, value in saved.items() if not name.endswith(_FINGERPRINT)}
        lists = {name: tuple(value) for name, value in chosen.items() if isinstance(value, list)}
        return Settings(**chosen | lists)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{folder}: holds no training to resume ({error}); start one without --resume") from error


def write_settings(
    folder: Path, settings: Settings, recordings: Mapping[str, ClipStore | Talk | None], *, resume: bool
) -> None:
    """Keep what --resume needs. Raises TrainingError if the recordings are no longer those of the start.

    recordings: by what they are for: "" for those of words, "hard_", "talk_".
    """
    there = {f"{kind}{_FINGERPRINT}": found for kind, found in recordings.items() if found is not None}
    if resume:
        before = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        for name, found in there.items():
            if not found.has_fingerprint(before.get(name)):
                raise TrainingError(
                    f"{folder}: the recordings in {found.source} have changed since this training was started; "
                    "put them back, or start a new training"
                )
    now = {name: found.fingerprint for name, found in there.items()}
    write_text(folder / SETTINGS, json.dumps(asdict(settings) | now, indent=1, ensure_ascii=False))


def newest_run(folder: Path) -> Path | None:
    """The run in ``folder`` whose model was written last; None if there is none."""
    models = list(folder.glob(f"*/{FILE_NAME}")) if folder.is_dir() else []
    return max(models, key=lambda path: path.stat().st_mtime_ns).parent if models else None


def new_run_folder(arch: str, runs: Path = RUNS_FOLDER) -> Path:
    """A path that nobody has: ``runs/<time>-<network>``."""
    stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{arch}"
    folder, n = runs / stem, 1
    while folder.exists():
        n += 1
        folder = runs / f"{stem}-{n}"
    return folder


def last_started() -> Path:
    """The run in ``runs/`` whose training was started last. Raises TrainingError if there is none."""
    started = list(RUNS_FOLDER.glob(f"*/{SETTINGS}")) if RUNS_FOLDER.is_dir() else []
    if not started:
        raise TrainingError(f"no training in {RUNS_FOLDER}/ to resume; start one without --resume")
    return max(started, key=lambda path: path.stat().st_mtime_ns).parent


class Epoch(NamedTuple):
    """One row of the history. Training figures are of the clips as trained on: augmented, with dropout."""

    epoch: int
    examples: int  # seen so far
    seconds: float  # spent so far
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


def write_history(path: Path, history: list[Epoch]) -> None:
    """The history as CSV, one row an epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(history[0]._fields)
    writer.writerows([f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in history)
    write_text(path, text.getvalue())
