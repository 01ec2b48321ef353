"""`Recognizer`: a model file in, words out. ONNX Runtime only, no torch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples, Sound
from hanmadi.card import Card
from hanmadi.errors import AudioError, ModelError
from hanmadi.inference.model_file import INPUT, OUTPUT, Bundle, open_bundle
from hanmadi.runs import FILE_NAME, RUNS_FOLDER, newest_run

SHIPPED_FOLDER: Final = Path(__file__).parents[1] / "shipped"
DEFAULT_MODEL: Final = "small"
TOP: Final = 3
_MISSED_S: Final = 0.05  # of a file that was cut short, so much is worth telling
MOST_THREADS: Final = 1_024
BATCH: Final = 16  # spectra of so many clips stay in the processor's cache


class Score(NamedTuple):
    """A label and how sure the network is of it."""

    label: str
    score: float  # 0 to 1; over all labels they sum to 1


class Prediction(NamedTuple):
    """The answer for one clip: the best label, its score, and the next best ones."""

    label: str
    score: float
    top: tuple[Score, ...]  # the best labels, best first


class Recognizer:
    """Recognises one word in a sound.

    >>> recognizer = hanmadi.load("runs/newest")               # doctest: +SKIP
    >>> recognizer.predict(samples, sample_rate=16_000).label  # doctest: +SKIP
    'yes'
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can answer, in the order of its scores."""
        return self._bundle.labels.labels

    @property
    def sample_rate(self) -> int:
        """Hz; `predict` takes any rate, `scores` this one."""
        return self._bundle.sample_rate

    @property
    def clip_samples(self) -> int:
        """Samples that the network hears at a time."""
        return self._bundle.clip_samples

    @property
    def about(self) -> Card:
        """Data, licence, metrics and settings of the model."""
        return self._bundle.about

    @property
    def card(self) -> dict[str, Any]:
        """`about` as plain values, as they are stored: ``card["metrics"]["test"]["accuracy"]``; a copy."""
        return self._bundle.card

    @property
    def path(self) -> Path:
        """The path of the model file."""
        return self._bundle.path

    @property
    def bundle(self) -> Bundle:
        """The opened model file: session, labels, rate, card."""
        return self._bundle

    def predict(self, samples: Samples, *, sample_rate: int, top: int = TOP) -> Prediction:
        """The word in a sound of any rate (Hz), length and channels: (n,) or (n, channels), float in [-1, 1] or int16.

        It is heard as `hanmadi.audio.to_clip` makes it, as in training and evaluation. Raises AudioError for no
        samples, NaN or infinity, whole numbers other than int16 or as float, channels that come first, and for a rate
        that is not a whole number of Hz from 1000 up.
        """
        sound = Sound(audio.as_float(samples), audio.check_rate(sample_rate))
        clip = audio.to_clip(sound, sample_rate=self.sample_rate, length=self.clip_samples)
        return self._prediction(self.scores(clip[None])[0], top)

    def predict_file(self, path: str | os.PathLike[str], *, top: int = TOP) -> Prediction:
        """The word in a sound file. Raises AudioError if it cannot be read; warns of one that was cut short."""
        sound = audio.read(path)
        if sound.missing > _MISSED_S * sound.sample_rate:
            missed = sound.missing / sound.sample_rate
            warnings.warn(f"{path}: its header promises {missed:.1f} s more than the file holds", stacklevel=2)
        return self.predict(sound.samples, sample_rate=sound.sample_rate, top=top)

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        """Scores of clips at the model's rate: (batch, clip_samples) to (batch, labels), rows sum to 1."""
        if clips.ndim != 2 or clips.shape[1] != self.clip_samples:
            raise AudioError(f"expected clips (batch, {self.clip_samples}), got shape {clips.shape}")
        scores: NDArray[np.float32]
        (scores,) = self._bundle.session.run([OUTPUT], {INPUT: np.ascontiguousarray(clips, dtype=np.float32)})
        return scores

    def _prediction(self, scores: NDArray[np.float32], top: int) -> Prediction:
        best = np.argsort(-scores, kind="stable")[: max(1, top)]
        found = tuple(Score(self.labels[i], float(scores[i])) for i in best)
        return Prediction(*found[0], found)


def in_batches(
    scores: Callable[[NDArray[Any]], NDArray[np.float32]], clips: NDArray[Any], *, batch: int = BATCH
) -> NDArray[np.float32]:
    """Scores (n, labels) of any number of clips, ``batch`` at a time; clips: (n, ...), whatever ``scores`` takes."""
    return np.concatenate([scores(clips[start : start + batch]) for start in range(0, len(clips), batch)])


def load(model: str | os.PathLike[str] | None = None, *, threads: int = 1) -> Recognizer:
    """A recogniser from a run folder, a model file or the name of a shipped model.

    Without one, the newest run in ``runs/``, and the shipped ``small`` where there is no run.
    threads: for one answer, 1 to `MOST_THREADS`. Raises ModelError if there is none or it cannot be read.
    """
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST_THREADS:
        raise ModelError(f"expected a whole number of threads from 1 to {MOST_THREADS}, got {threads!r}")
    return Recognizer(open_bundle(find_model(model), threads=threads))


def find_model(model: str | os.PathLike[str] | None = None) -> Path:
    """The model file that a person means. Raises ModelError that says how to get one."""
    if model is None:
        run = newest_run(RUNS_FOLDER)
        return run / FILE_NAME if run else _shipped(DEFAULT_MODEL)
    path = Path(model)
    if path.is_dir():
        if not (path / FILE_NAME).is_file():
            raise ModelError(f"{path}: holds no {FILE_NAME}; finish its training with: hanmadi train --resume")
        return path / FILE_NAME
    return path if path.exists() or str(model) not in shipped() else _shipped(str(model))


def names_model(name: str | os.PathLike[str]) -> bool:
    """Whether a person who writes this means a model: a folder, a model file or the name of a shipped one."""
    path = Path(name)
    return path.is_dir() or path.suffix == ".onnx" or (not path.exists() and str(name) in shipped())


def shipped() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED_FOLDER.glob("*.onnx")))


def _shipped(name: str) -> Path:
    if name not in shipped():
        raise ModelError(f"no trained model in {RUNS_FOLDER}/; train one with: hanmadi train, or name one with --model")
    return SHIPPED_FOLDER / f"{name}.onnx"
