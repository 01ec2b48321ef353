"""One clip, one answer: what ``hanmadi try`` does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.evaluation.evaluation import held_out_rows
from hanmadi.inference.recognizer import Prediction, Recognizer
from hanmadi.labels import LabelSet

# programs that play a file given as the last argument, and end
_PLAYERS: Final = (
    ("afplay",), ("pw-play",), ("paplay",), ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
)  # fmt: skip
_PLAY_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True)
class Trial:
    """A clip that the model has not been trained on, and what it says of it."""

    name: str  # of the clip
    samples: Samples  # (clip_samples,)
    sample_rate: int  # Hz
    word: str  # what is said
    truth: str  # the label for it
    prediction: Prediction

    @property
    def correct(self) -> bool:
        """Whether the best-scored label is that of the clip."""
        return self.prediction.label == self.truth


def pick(recognizer: Recognizer, data: str | os.PathLike[str] | None = None, *, seed: int | None = None) -> Trial:
    """Choose a test clip at random and recognise it. Raises DataError as `evaluate` does."""
    store, rows = held_out_rows(recognizer, data)
    row = int(np.random.default_rng(seed).choice(rows))
    labels = LabelSet(recognizer.labels)
    word = store.words[store.word[row]]
    index = labels.index_of(word)
    samples = store.clip(row)
    prediction = recognizer.predict(samples, sample_rate=store.sample_rate)
    truth = word if index is None else labels.labels[index]
    return Trial(store.name(row), samples, store.sample_rate, word, truth, prediction)


def play(samples: Samples, *, sample_rate: int) -> bool:
    """Play a sound if the system can; returns whether it did."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.wav"
        audio.write(file, samples, sample_rate=sample_rate)
        if sys.platform == "win32":
            import winsound

            winsound.PlaySound(str(file), winsound.SND_FILENAME)
            return True
        return any(_played([*player, str(file)]) for player in _PLAYERS if shutil.which(player[0]))


def _played(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=_PLAY_TIMEOUT_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
