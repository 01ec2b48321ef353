"""How good a model is on a set of clips: the very path that `predict` takes, in batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.card import Data
from hanmadi.data.examples import Examples, label_of_words
from hanmadi.data.methods import DEFAULT_HOLDOUT, Method
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_clips
from hanmadi.data.store import NO_SPLIT, SPLITS, ClipStore, cached_store
from hanmadi.errors import DataError
from hanmadi.evaluation.metrics import Interval, LabelScores, confusion_matrix, per_label, wilson_interval
from hanmadi.inference.recognizer import Recognizer, in_batches, load
from hanmadi.labels import SILENCE, LabelSet, word_key

Which = Literal["auto", "train", "validation", "test", "all"]
WHICH: Final[tuple[Which, ...]] = ("auto", "train", "validation", "test", "all")
_SILENCE_BIASES: Final = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
# not lower: unknown words that were never heard are harder than those of validation
_UNKNOWN_BIASES: Final = (0.0, -0.25, -0.5, -0.75)
_MOST_LOST, _FEWEST_TO_BALANCE = 0.001, 500  # share of spoken clips; number of them
_SHOWN_WORDS: Final = 20  # that a message names
SYNTHETIC: Final = "synth"  # the name of the source that needs no files


@dataclass(frozen=True)
class Evaluation:
    """What a model answered on clips, and how often that was right."""

    data: str  # name of the source
    split: str
    labels: tuple[str, ...]
    rows: NDArray[np.int64] = field(repr=False)  # (clips,) rows of the store
    truth: NDArray[np.int64] = field(repr=False)  # (clips,) index of the label
    scores: NDArray[np.float32] = field(repr=False)  # (clips, labels)
    synthetic_silence: int = 0  # clips of silence made from held-out noise; they are not in the figures above
    synthetic_silence_right: int = 0
    left_out: int = 0  # recordings of words for which the model has no label
    broken: int = 0  # recordings that could not be read

    @property
    def clips(self) -> int:
        """The number of recordings that were evaluated."""
        return len(self.truth)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(clips,) index of the best label."""
        return self.scores.argmax(axis=1)

    @property
    def right(self) -> int:
        """The number of recordings whose best-scored label was the right one."""
        return int((self.predicted == self.truth).sum())

    @property
    def accuracy(self) -> float:
        """Share of recordings answered rightly."""
        return self.right / self.clips

    @property
    def interval(self) -> Interval:
        """95 % interval of the accuracy (Wilson)."""
        return wilson_interval(self.right, self.clips)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(labels, labels) counts, rows are the truth."""
        return confusion_matrix(self.truth, self.predicted, len(self.labels))

    @property
    def per_label(self) -> list[LabelScores]:
        """Precision, recall and count of each label."""
        return per_label(self.confusion, self.labels)

    def to_dict(self) -> dict[str, Any]:
        """As plain values: what ``hanmadi evaluate --json`` prints."""
        return {
            "clips": self.clips,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "data": self.data,
            "split": self.split,
            "labels": list(self.labels),
            "per_label": {scores.label: _plain(scores) for scores in self.per_label},
            "confusion": self.confusion.tolist(),
            "made_silence": {"clips": self.synthetic_silence, "right": self.synthetic_silence_right},
            "left_out": self.left_out,
            "broken": self.broken,
        }


def evaluate(
    model: str | os.PathLike[str] | Recognizer | None = None,
    data: str | os.PathLike[str] | None = None,
    *,
    split: Which = "auto",
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Evaluate a model on recordings; without ``data``, on those that it was trained on.

    ``auto`` takes the test split of data that has official splits or that the model was trained on, and
    every recording of other data. Raises DataError or ModelError as `open_source` and `load` do.
    """
    check_split(split)
    recognizer = model if isinstance(model, Recognizer) else load(model, threads=os.cpu_count() or 1)
    store = store_for(recognizer, data, progress=progress)
    split, rows = rows_of_split(recognizer, store, split)
    return evaluate_clips(recognizer, store, rows, split)


def check_split(split: str) -> None:
    """Raises DataError for what is no split."""
    if split not in WHICH:
        raise DataError(f"expected a split among {', '.join(WHICH)}, got {split!r}")


def rows_of_split(recognizer: Recognizer, store: ClipStore, split: Which) -> tuple[Which, NDArray[np.int64]]:
    """The split that is meant by ``auto``, and its rows of the store."""
    if split == "auto":
        split = "test" if _knows_test_split(store, recognizer) else "all"
    return split, _rows_of(store, recognizer, split)


def store_for(
    recognizer: Recognizer,
    data: str | os.PathLike[str] | None,
    *,
    progress: Callable[[int], None] | None = None,
) -> ClipStore:
    """Recordings as a recogniser hears them, at its rate and length; without ``data``, those it was trained on.

    Raises DataError if none of their words is one of its labels.
    """
    data = trained_on(recognizer) if data is None else data
    words = LabelSet(recognizer.labels).keywords
    seconds = recognizer.clip_samples / recognizer.sample_rate
    source = open_source(data, words=words)
    store = cached_store(source, sample_rate=recognizer.sample_rate, seconds=seconds, progress=progress)
    _check_words(store, recognizer.labels)
    return store


def _check_words(store: ClipStore, labels: Sequence[str]) -> None:
    """Raises DataError if no word is a label: then folders are no words, or of another model, and all is unknown."""
    if not set(map(word_key, labels)) & set(map(word_key, store.words)):
        raise DataError(
            f"{store.source}: expected words that the model knows ({', '.join(labels)}), found none of them; what is "
            f"there: {', '.join(sorted(store.words)[:_SHOWN_WORDS])}; name the folder that holds the folders of words, "
            "or name a folder of other words 'unknown'"
        )


def trained_on(recognizer: Recognizer) -> str | None:
    """What to open for the recordings of a model's training, None for synthetic speech. DataError if they are gone."""
    source = recognizer.about.data.source or SYNTHETIC
    if source != SYNTHETIC and not Path(source).exists():
        raise DataError(f"the model was trained on {source}, which is not here; name recordings with --data")
    return None if source == SYNTHETIC else source


def held_out_rows(recognizer: Recognizer, data: str | os.PathLike[str] | None) -> tuple[ClipStore, NDArray[np.int64]]:
    """The clips that `evaluate` would evaluate: their store and rows. Raises DataError if there is none."""
    store = store_for(recognizer, data)
    rows = rows_of_split(recognizer, store, "auto")[1]
    labelled = rows[label_of_words(store, LabelSet(recognizer.labels))[store.word[rows]] >= 0]
    if not len(labelled):
        raise DataError(f"{store.source}: no test clip of a word that the model knows")
    return store, labelled


def evaluate_clips(recognizer: Recognizer, store: ClipStore, rows: NDArray[np.int64], split: str) -> Evaluation:
    """Scores of the given rows of a store, those left out that the model has no label for."""
    labels = LabelSet(recognizer.labels)
    truth = label_of_words(store, labels)[store.word[rows]]
    kept = rows[truth >= 0]
    if not len(kept):
        raise DataError(
            f"{store.source}: no clip of the split {split!r} has a word that the model knows "
            f"({', '.join(labels.labels)})"
        )
    scores = scores_of_rows(recognizer, store, kept)
    return Evaluation(
        data=store.source, split=split, labels=labels.labels, rows=kept, truth=truth[truth >= 0], scores=scores,
        left_out=int((truth < 0).sum()), broken=len(store.broken),
    )  # fmt: skip


def scores_of_rows(recognizer: Recognizer, store: ClipStore, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores of clips of a store: (len(rows), labels)."""
    return in_batches(lambda part: recognizer.scores(audio.from_int16(store.samples(part))), rows)


def evaluate_synthetic_silence(recognizer: Recognizer, examples: Examples) -> tuple[int, int]:
    """How many clips of synthetic silence there are in these examples, and how many are called silence."""
    indices = np.arange(len(examples) - examples.made, len(examples))
    if not len(indices):
        return 0, 0
    scores = in_batches(lambda part: recognizer.scores(audio.from_int16(examples.batch(part))), indices)
    return len(indices), int((scores.argmax(axis=1) == recognizer.labels.index(SILENCE)).sum())


def silence_bias(scores: NDArray[np.floating[Any]], targets: NDArray[np.int64], silence: int) -> float:
    """What to add to the logit of silence, from spoken clips (n, labels) with their labels (n,): 0 to 2.5.

    The most that takes at most one right answer in a thousand from them. Training shows silence less often than a room
    does, and a network in doubt between a clatter and an unknown word says unknown. With fewer than 500 clips: 0.
    """
    if len(targets) < _FEWEST_TO_BALANCE:
        return 0.0
    logits = np.log(np.maximum(scores, np.finfo(np.float32).tiny))
    least = (logits.argmax(axis=1) == targets).mean() - _MOST_LOST
    chosen = 0.0
    for bias in _SILENCE_BIASES:
        logits_then = logits + bias * (np.arange(logits.shape[1]) == silence)
        if (logits_then.argmax(axis=1) == targets).mean() < least:
            break
        chosen = bias
    return chosen


def unknown_bias(scores: NDArray[np.floating[Any]], targets: NDArray[np.int64], unknown: int) -> float:
    """What to add to the logit of unknown, from spoken clips (n, labels) with their labels (n,): -0.75 to 0.

    The one with the highest mean recall of the labels, the nearest to 0 of equal ones. Half of the words of a data set
    may be unknown; a network that has learnt so leans to it, and in noise loses keywords. With fewer than 500 clips: 0.
    """
    if len(targets) < _FEWEST_TO_BALANCE:
        return 0.0
    logits = np.log(np.maximum(scores, np.finfo(np.float32).tiny))
    is_unknown = np.arange(logits.shape[1]) == unknown

    def mean_recall(bias: float) -> float:
        right = (logits + bias * is_unknown).argmax(axis=1) == targets
        return float(np.mean([right[targets == label].mean() for label in np.unique(targets)]))

    return max(_UNKNOWN_BIASES, key=mean_recall)


def _knows_test_split(store: ClipStore, recognizer: Recognizer) -> bool:
    trained_on = recognizer.about.data.fingerprint
    return bool((store.split != NO_SPLIT).all()) or store.has_fingerprint(trained_on)


def _rows_of(store: ClipStore, recognizer: Recognizer, split: Which) -> NDArray[np.int64]:
    if split == "all":
        return np.arange(len(store))
    return np.flatnonzero(_splits_as_trained(store, recognizer.about.data) == SPLITS.index(split))


def _splits_as_trained(store: ClipStore, trained: Data) -> NDArray[np.int8]:
    """The split that the model was trained with, so that its test is not of clips that it has seen."""
    if not store.has_fingerprint(trained.fingerprint) or trained.method == "official":
        return split_clips(store)
    return split_clips(
        store, method=cast("Method", trained.method or "auto"),
        holdout=DEFAULT_HOLDOUT if trained.holdout is None else trained.holdout,
        validation=trained.validation, seed=trained.seed or 0,
    )  # fmt: skip


def _plain(scores: LabelScores) -> dict[str, Any]:
    plain = asdict(scores)
    del plain["label"]
    for name in ("precision_interval", "recall_interval"):
        plain[name] = None if plain[name] is None else list(plain[name])
    return plain
