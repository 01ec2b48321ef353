"""Examples: clips of one split with their labels, and the silence made for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.noise import NoiseBank, Rng
from hanmadi.data.methods import DEFAULT_HOLDOUT, Method
from hanmadi.data.splits import split_clips, split_noise
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.errors import DataError
from hanmadi.labels import SILENCE, UNKNOWN, LabelSet

_SYNTHETIC_SEED: Final = 20_170_803  # synthetic silence of validation and test is the same in every run


@dataclass(frozen=True)
class Examples:
    """Clips of a store with labels, then those of ``hard``, then silence made from noise."""

    store: ClipStore
    rows: NDArray[np.int64]  # (clips,) rows of the store
    labels: NDArray[np.int64]  # (clips + hard + made,) index of each example's label
    noise: NoiseBank = field(repr=False)  # of this split alone
    keywords: NDArray[np.bool_]  # (labels,) which labels are words to be detected
    unknown: int | None = None  # index of that label; None: all words are keywords
    hard: ClipStore | None = None  # hard negatives: what was falsely taken for a keyword
    negative_speech: NDArray[np.int16] | None = field(default=None, repr=False)  # (n,) without a keyword

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def made(self) -> int:
        """How many of them are synthetic silence."""
        return len(self.labels) - self.recorded

    @property
    def recorded(self) -> int:
        """How many of them are not made: clips of the store and hard negatives."""
        return len(self.rows) + (0 if self.hard is None else len(self.hard))

    def batch(self, indices: NDArray[np.int64], *, rng: Rng | None = None) -> NDArray[np.int16]:
        """int16 samples (len(indices), clip_samples). Synthetic silence is fixed, or drawn anew from ``rng``."""
        samples = np.empty((len(indices), self.store.clip_samples), np.int16)
        real = indices < len(self.rows)
        samples[real] = self.store.samples(self.rows[indices[real]])
        if self.hard is not None:
            hard = ~real & (indices < self.recorded)
            samples[hard] = self.hard.samples(indices[hard] - len(self.rows))
        for place in np.flatnonzero(indices >= self.recorded):
            own = rng or np.random.default_rng([self.noise.seed, int(indices[place])])
            samples[place] = self.noise.silence(rng=own)
        return samples

    def batches(
        self, size: int, *, at_most: int | None = None
    ) -> Iterator[tuple[NDArray[np.int16], NDArray[np.int64]]]:
        """All examples in order, or ``at_most`` of them evenly spread: (samples, labels) a batch."""
        count = len(self) if at_most is None else min(at_most, len(self))
        chosen = np.linspace(0, len(self) - 1, count).round().astype(np.int64)
        for start in range(0, count, size):
            indices = chosen[start : start + size]
            yield self.batch(indices), self.labels[indices]

    def counts(self, n_labels: int) -> NDArray[np.int64]:
        """Examples of each label: (n_labels,)."""
        return np.bincount(self.labels, minlength=n_labels).astype(np.int64)


def sampling_weights(examples: Examples, *, unknown: float, silence: float, exponent: float) -> NDArray[np.float64]:
    """How often to draw each example, (examples,), summing to 1.

    Within a group (keywords, unknown, silence) a word weighs its number of clips to the power of ``exponent``.
    """
    hard, made = len(examples.store.words), len(examples.store.words) + 1  # hard negatives count as one word
    words = np.append(examples.store.word[examples.rows], np.full(len(examples) - len(examples.rows), hard))
    words[examples.recorded :] = made
    weights = np.bincount(words)[words].astype(np.float64) ** (exponent - 1)
    shares = np.array([1 - unknown - silence, unknown, silence])
    group = np.where(examples.labels == examples.unknown, 1, np.where(examples.keywords[examples.labels], 0, 2))
    weights *= shares[group] / np.bincount(group, weights, minlength=3)[group]
    return weights / weights.sum()  # a group may be empty


def make_examples(
    store: ClipStore,
    labels: LabelSet,
    *,
    split_method: Method = "auto",
    holdout: float = DEFAULT_HOLDOUT,
    validation: float | None = None,
    seed: int = 0,
) -> dict[str, Examples]:
    """Examples of "train", "validation" and "test", divided as `hanmadi.data.splits.split_clips` says.

    Words without a label are left out. Silence is made where the source has less of it than of a keyword.
    Raises DataError when a keyword was never recorded, a split is empty, or training has fewer than two labels.
    """
    splits = split_clips(store, method=split_method, holdout=holdout, validation=validation, seed=seed)
    by_word = label_of_words(store, labels)
    noises = split_noise(store)
    examples = {}
    for index, split in enumerate(SPLITS):
        rows = np.flatnonzero((splits == index) & (by_word[store.word] >= 0))
        examples[split] = _examples(store, labels, rows, by_word[store.word[rows]], noises[split], index)
    _check(store, labels, examples)
    return examples


def with_hard_negatives(examples: Examples, hard: ClipStore) -> Examples:
    """Training examples with clips that are to be learnt as unknown words.

    Raises DataError if no label is for those, or the clips have another rate or length.
    """
    if examples.unknown is None:
        raise DataError("hard negatives are learnt as unknown words, but the model has no label for those")
    store = examples.store
    if (hard.sample_rate, hard.clip_samples) != (store.sample_rate, store.clip_samples):
        raise DataError(f"{hard.source}: expected clips of {store.clip_samples} samples, got {hard.clip_samples}")
    count = len(examples.rows)
    unknown = np.full(len(hard), examples.unknown)
    return replace(examples, hard=hard, labels=np.insert(examples.labels, count, unknown))


def with_negative_speech(examples: Examples, speech: NDArray[np.int16]) -> Examples:
    """Training examples with recordings (n,) in which no keyword is said, a part of the running speech.

    Raises DataError if no label is for unknown words.
    """
    if examples.unknown is None:
        raise DataError("negative speech is learnt as unknown words, but the model has no label for those")
    return replace(examples, negative_speech=speech)


def label_of_words(store: ClipStore, labels: LabelSet) -> NDArray[np.int64]:
    """Index of the label for each of the store's words, -1 for none: (words,)."""
    found = [labels.index_of(word) for word in store.words]
    return np.array([-1 if index is None else index for index in found], np.int64)


def _examples(
    store: ClipStore,
    labels: LabelSet,
    rows: NDArray[np.int64],
    targets: NDArray[np.int64],
    noises: list[NDArray[np.int16]],
    split: int,
) -> Examples:
    made = np.zeros(0, np.int64)
    if SILENCE in labels.labels and len(rows):
        silence = labels.labels.index(SILENCE)
        counts = np.bincount(targets, minlength=len(labels))
        keywords = [counts[labels.labels.index(word)] for word in labels.keywords]
        missing = max(0, round(float(np.mean(keywords))) - int(counts[silence]))
        made = np.full(missing, silence)
    bank = NoiseBank(noises, store.sample_rate, store.clip_samples, seed=_SYNTHETIC_SEED + split)
    unknown = labels.labels.index(UNKNOWN) if UNKNOWN in labels.labels else None
    are_keywords = np.array([label in labels.keywords for label in labels.labels])
    return Examples(store, rows, np.concatenate([targets, made]), bank, are_keywords, unknown)


def _check(store: ClipStore, labels: LabelSet, examples: dict[str, Examples]) -> None:
    counts: dict[str, Any] = {split: found.counts(len(labels)) for split, found in examples.items()}
    total = sum(counts.values())
    absent = [word for word in labels.keywords if total[labels.labels.index(word)] == 0]
    if absent:
        raise DataError(
            f"{store.source}: no recording of {', '.join(absent)}; "
            f"the words there are {', '.join(sorted(store.words)[:40])}; choose among them with --words"
        )
    for split in SPLITS:
        if not len(examples[split].rows):
            raise DataError(f"{store.source}: no clips for {split}; record more people or words, or use --split random")
        gone = [word for word in labels.keywords if counts[split][labels.labels.index(word)] == 0]
        if gone and split == "train":
            raise DataError(f"{store.source}: no training clip of {', '.join(gone)}; record more people, or drop them")
        if gone:
            warnings.warn(f"{store.source}: no {split} clip of {', '.join(gone)}", stacklevel=3)
    spoken = [label for label, n in zip(labels.labels, counts["train"], strict=True) if n and label != SILENCE]
    if len(spoken) < 2:
        raise DataError(
            f"{store.source}: the only word recorded is {spoken[0]!r}; expected other words beside it, "
            "for a network that has heard one word hears it everywhere"
        )
    if UNKNOWN in labels.labels and UNKNOWN not in spoken:
        warnings.warn(
            f"{store.source}: no recording of other words, so it will take every word for one of its own; "
            "add folders of other words",
            stacklevel=3,
        )
