"""The recordings that a training learns from, opened and divided as its settings say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hanmadi.data.examples import Examples, make_examples, with_hard_negatives, with_negative_speech
from hanmadi.data.recordings import NegativeRecordings, open_negative_speech
from hanmadi.data.sources import open_source
from hanmadi.data.store import ClipStore, Source, cached_store
from hanmadi.errors import TrainingError
from hanmadi.evaluation.mining import MANIFEST
from hanmadi.labels import LabelSet, make_labels
from hanmadi.runs import Settings

if TYPE_CHECKING:
    from hanmadi.models.registry import Architecture


@dataclass(frozen=True)
class Dataset:
    """Examples of "train", "validation" and "test" with their labels, and where they come from."""

    store: ClipStore
    labels: LabelSet
    examples: dict[str, Examples] = field(repr=False)
    hard: ClipStore | None = None  # hard negatives among the training examples
    negatives: NegativeRecordings | None = None  # recordings without a keyword beside them


def open_dataset(
    settings: Settings,
    architecture: Architecture,
    *,
    source: Source | None = None,
    progress: Callable[[int], None] | None = None,
) -> Dataset:
    """The recordings that the settings name, or those of ``source``, at the rate and length the architecture takes.

    Raises DataError, LabelError or TrainingError for what cannot be trained on.
    """
    labels, features = make_labels(settings.words), architecture.features
    store = cached_store(
        source or open_source(settings.data, words=labels.keywords), sample_rate=features.sample_rate,
        seconds=features.seconds, progress=progress,
    )  # fmt: skip
    examples = make_examples(
        store, labels, split_method=settings.split, holdout=settings.holdout, validation=settings.validation,
        seed=settings.seed,
    )  # fmt: skip
    hard, talk = _hard_negatives(settings, store), _talk(settings, architecture, store)
    if hard is not None:
        examples["train"] = with_hard_negatives(examples["train"], hard)
    if talk is not None:
        examples["train"] = with_negative_speech(examples["train"], talk.samples)
    return Dataset(store, labels, examples, hard, talk)


def _hard_negatives(settings: Settings, store: ClipStore) -> ClipStore | None:
    """The clips of ``--hard-negatives``, as the network hears them; the folders' names do not matter."""
    if settings.hard_negatives is None:
        return None
    if not Path(settings.hard_negatives).is_dir():
        raise TrainingError(
            f"{settings.hard_negatives}: expected a folder of clips as hanmadi mine writes it, found none; "
            f"fill it with: hanmadi mine RECORDING... --out {settings.hard_negatives}"
        )
    if not (Path(settings.hard_negatives) / MANIFEST).is_file():
        warnings.warn(
            f"{settings.hard_negatives}: holds no {MANIFEST} of hanmadi mine; every clip in it is learnt as an unknown "
            "word, whatever its folder is called", stacklevel=2,
        )  # fmt: skip
    return cached_store(open_source(settings.hard_negatives), sample_rate=store.sample_rate, seconds=store.seconds)


def _talk(settings: Settings, architecture: Architecture, store: ClipStore) -> NegativeRecordings | None:
    """The recordings of ``--negatives``, at the network's rate."""
    if not settings.negatives:
        return None
    if not (architecture.recipe.augment and architecture.recipe.augmentation.running_p):
        raise TrainingError(
            f"{architecture.name} is trained without running speech, so it cannot learn from --negatives; choose "
            "another --arch, such as small, or use --hard-negatives"
        )
    return open_negative_speech(settings.negatives, sample_rate=store.sample_rate, least_seconds=store.seconds)
