"""Run folders: their names, what lies in them, and the settings with which a training can be repeated."""

from __future__ import annotations

import itertools
import json
import math
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hanmadi.data.methods import DEFAULT_HOLDOUT, Method
from hanmadi.errors import TrainingError
from hanmadi.files import csv_text, locked, make_folder, printable, write_text

if TYPE_CHECKING:
    from hanmadi.data.recordings import NegativeRecordings
    from hanmadi.data.store import ClipStore

DEFAULT_ARCH: Final = "base"  # it starts from the speech encoder
SETTINGS: Final = "settings.json"
_FORMERLY: Final = {"talk": "negatives"}  # settings of older runs: their name now
_MOST_EPOCHS: Final = 1_000_000
_BEGAN_IN: Final = "began_in"  # the folder from which relative paths lead
_FINGERPRINT: Final = "fingerprint"  # of recordings; before it stands what they are for
FILE_NAME: Final = "model.onnx"
WEIGHTS_NAME: Final = "weights.safetensors"  # beside it in a run folder: what it was exported from
CARD: Final = "card.json"
METRICS: Final = "metrics.json"
HISTORY: Final = "history.csv"
REPORT: Final = "report.html"
RUNS_FOLDER: Final = Path("runs")
SHIPPED, NOTHING = "encoder", "none"  # what a network starts from: the shipped speech encoder, or nothing


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
    negatives: tuple[str, ...] = ()  # recordings in which no keyword is said, in training only
    teachers: tuple[str, ...] = ()  # folders of finished runs whose answers are learnt beside the labels
    pretrained: str | None = (
        None  # "encoder" (the shipped one), "none" or a file; None: what the network has by default
    )

    def __post_init__(self) -> None:
        """Raises TrainingError for numbers that no training can have, before a folder is made for it."""
        if self.epochs is not None and not 1 <= self.epochs <= _MOST_EPOCHS:
            raise TrainingError(f"expected epochs from 1 to {_MOST_EPOCHS}, got {self.epochs}")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise TrainingError(f"expected minutes above 0, got {self.minutes}")
        if not 0 <= self.seed < 2**63:
            raise TrainingError(f"expected a seed from 0 to {2**63 - 1}, got {self.seed}")

    def command(self) -> str:
        """The command that does this again."""
        options = {
            "--data": self.data, "--arch": self.arch, "--words": ",".join(self.words) if self.words else None,
            "--epochs": self.epochs, "--minutes": self.minutes, "--seed": self.seed, "--split": self.split,
            "--holdout": self.holdout, "--validation-share": self.validation, "--hard-negatives": self.hard_negatives,
            "--from": self.pretrained,
        }  # fmt: skip
        given = [part for name, value in options.items() if value is not None for part in (name, str(value))]
        for name, values in (("--negatives", self.negatives), ("--teacher", self.teachers)):
            given += [part for value in values for part in (name, value)]
        return shlex.join(["hanmadi", "train", *given])


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings from plain values, as JSON has them. Raises TypeError for a name that is none of theirs."""
    plain: dict[str, Any] = {
        _FORMERLY.get(name, name): tuple(v) if isinstance(v, list) else v for name, v in values.items()
    }
    return Settings(**plain)


def read_settings(folder: Path) -> Settings:
    """What a training was started with. Raises TrainingError for a folder without one."""
    try:
        saved: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        del saved[_FINGERPRINT]
        saved.pop(_BEGAN_IN, None)
        return settings_of({name: value for name, value in saved.items() if not name.endswith(_FINGERPRINT)})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{folder}: holds no training to resume ({error}); start one without --resume") from error


def settings_to_resume(folder: Path) -> Settings:
    """`read_settings`, for a process in another folder than that of the start: relative paths are those of the start.

    A path that leads somewhere from here, too, is taken from here. Raises TrainingError like `read_settings`.
    """
    settings = read_settings(folder)
    began = Path(json.loads((folder / SETTINGS).read_text(encoding="utf-8")).get(_BEGAN_IN) or ".")

    def found(path: str) -> str:
        return str(began / path) if not Path(path).exists() and (began / path).exists() else path

    def found_or_none(path: str | None) -> str | None:
        return None if path is None else found(path)

    return replace(
        settings, data=found_or_none(settings.data), hard_negatives=found_or_none(settings.hard_negatives),
        pretrained=found_or_none(settings.pretrained),
        negatives=tuple(map(found, settings.negatives)), teachers=tuple(map(found, settings.teachers)),
    )  # fmt: skip


def write_settings(
    folder: Path, settings: Settings, recordings: Mapping[str, ClipStore | NegativeRecordings | None], *, resume: bool
) -> None:
    """Keep what --resume needs. Raises TrainingError if the recordings are no longer those of the start.

    recordings: by what they are for: "" for those of words, "hard_", "talk_".
    """
    began_in = str(Path.cwd())
    there = {f"{kind}{_FINGERPRINT}": found for kind, found in recordings.items() if found is not None}
    if resume:
        before = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        began_in = before.get(_BEGAN_IN, began_in)
        for name, found in there.items():
            if not found.has_fingerprint(before.get(name)):
                raise TrainingError(
                    f"{folder}: the recordings in {found.source} have changed since this training was started; "
                    "put them back, or start a new training"
                )
    now = {_BEGAN_IN: began_in} | {name: found.fingerprint for name, found in there.items()}
    write_text(folder / SETTINGS, json.dumps(asdict(settings) | now, indent=1, ensure_ascii=False))


def finished_runs(folder: Path) -> list[Path]:
    """The runs in ``folder`` that have a model, in no order."""
    return _holding(folder, FILE_NAME)


def newest_run(folder: Path) -> Path | None:
    """The run in ``folder`` whose model was written last; None if there is none."""
    return _newest(folder, FILE_NAME)


def last_started() -> Path:
    """The run in ``runs/`` whose training was started last. Raises TrainingError if there is none."""
    started = _newest(RUNS_FOLDER, SETTINGS)
    if started is None:
        raise TrainingError(f"no training in {RUNS_FOLDER}/ to resume; start one without --resume")
    return started


def run_of(model: Path) -> Path | None:
    """The run folder in which a model file lies; None for a model file that lies elsewhere."""
    return model.parent if model.with_name(CARD).exists() else None


def _newest(folder: Path, file: str) -> Path | None:
    return max(_holding(folder, file), key=lambda run: (run / file).stat().st_mtime_ns, default=None)


def _holding(folder: Path, file: str) -> list[Path]:
    return [path.parent for path in folder.glob(f"*/{file}")] if folder.is_dir() else []


def new_run_folder(arch: str, runs: Path = RUNS_FOLDER) -> Path:
    """A new, empty folder ``runs/<time>-<network>``; trainings that start in the same second get one each.

    Raises WriteError where it cannot be made.
    """
    stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{arch}"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(folder for folder in map(runs.joinpath, names) if make_folder(folder))


@contextmanager
def claimed(folder: Path, *, new: bool, made: bool = False) -> Iterator[None]:
    """Within the block nobody else trains in this folder, which is made if it is absent.

    new: the folder may not hold a run. made: the caller has made it; such a folder, and one that is made here, goes
    again if nothing was put into it. Raises TrainingError if another training is at work there, or if it holds a run
    and must not.
    """
    made = make_folder(folder) or made
    with locked(folder) as free:
        if not free:
            raise TrainingError(f"{folder}: another training writes there; wait for it, or choose another --out")
        try:
            if new and ((folder / SETTINGS).exists() or (folder / FILE_NAME).exists()):
                raise TrainingError(f"{folder}: holds a run already; go on with --resume, or choose another --out")
            if new and not made and (others := _others(folder)):
                raise TrainingError(
                    f"{folder}: holds other files ({', '.join(others[:3])}); name a new folder with --out, or none"
                )
            yield
        finally:
            if made:
                with suppress(OSError):  # it holds something
                    folder.rmdir()


def _others(folder: Path) -> list[str]:
    """What lies in a folder, hidden files aside."""
    return sorted(printable(entry.name) for entry in folder.iterdir() if not entry.name.startswith("."))


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
    write_text(path, csv_text([Epoch._fields, *history]))
