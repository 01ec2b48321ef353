"""What a person chose for a training, kept in its run folder so that it can be repeated and gone on with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hanmadi.clips import ClipStore
from hanmadi.errors import TrainingError
from hanmadi.files import write_text
from hanmadi.splits import DEFAULT_HOLDOUT, Method
from hanmadi.talk import Talk

DEFAULT_ARCH: Final = "small"
SETTINGS: Final = "settings.json"
_FINGERPRINT: Final = "fingerprint"  # of recordings; before it stands what they are for


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
    hard_negatives: str | None = None  # folder of clips that are learnt as unknown words, in training only
    talk: tuple[str, ...] = ()  # recordings in which no keyword is said, in training only
    teachers: tuple[str, ...] = ()  # folders of finished runs whose answers are learnt beside the labels

    def command(self) -> str:
        """The command that does this again."""
        options = {
            "--data": self.data, "--arch": self.arch, "--words": ",".join(self.words) if self.words else None,
            "--epochs": self.epochs, "--minutes": self.minutes, "--seed": self.seed, "--split": self.split,
            "--holdout": self.holdout, "--hard-negatives": self.hard_negatives,
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
            if before.get(name) != found.fingerprint:
                raise TrainingError(
                    f"{folder}: the recordings in {found.source} have changed since this training was started; "
                    "put them back, or start a new training"
                )
    now = {name: found.fingerprint for name, found in there.items()}
    write_text(folder / SETTINGS, json.dumps(asdict(settings) | now, indent=1, ensure_ascii=False))
