"""What a training writes on the card of its model."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from hanmadi.card import Accuracy, Card, Data, HardNegatives, Metrics, NegativeSpeech, SplitCounts, Training
from hanmadi.card import Architecture as ArchitectureCard
from hanmadi.data.examples import Examples
from hanmadi.data.splits import choose_method
from hanmadi.data.store import ClipStore
from hanmadi.evaluation.evaluation import Evaluation, scores_of_rows
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.inference.recognizer import Recognizer
from hanmadi.labels import LabelSet
from hanmadi.runs import Settings

if TYPE_CHECKING:
    from hanmadi.models.recipe import Recipe
    from hanmadi.models.registry import Architecture
    from hanmadi.runs import Epoch

# clips of training, and of validation, evaluated after training: enough to see the gap between the two. A network
# with so many multiply-accumulates a clip would take longer over them than it was trained
_EVALUATED, _EVALUATED_IF_SLOW, _SLOW_MACS = 1_000, 200, 100_000_000


def card_at_start(
    settings: Settings,
    chosen: Architecture,
    labels: LabelSet,
    store: ClipStore,
    examples: dict[str, Examples],
    body: Any,
) -> Card:
    """What is known of a model before it learns anything."""
    from hanmadi.models.cost import macs, parameters

    cost = parameters(body), macs(body, chosen.features.shape)
    recipe = _recipe(chosen.recipe, taught=bool(settings.teachers))
    return Card(
        labels=labels.labels,
        sample_rate=store.sample_rate,
        clip_samples=store.clip_samples,
        architecture=ArchitectureCard(chosen.name, chosen.summary, *cost),
        features=chosen.features,
        data=_data(settings, store, labels, examples),
        training=Training(settings.command(), settings.seed, settings.teachers, recipe),
        versions={name: version(name) for name in ("hanmadi", "torch", "onnxruntime", "numpy")}
        | {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"},
    )


def _data(settings: Settings, store: ClipStore, labels: LabelSet, examples: dict[str, Examples]) -> Data:
    return Data(
        source=store.source,
        licence=store.licence,
        fingerprint=store.fingerprint,
        method=choose_method(store, settings.split),
        holdout=settings.holdout,
        validation=settings.validation,
        seed=settings.seed,
        broken=len(store.broken),
        hard_negatives=_hard_negatives(examples["train"].hard),
        negatives=_negative_speech(settings, examples["train"]),
        splits={split: _counts(found, labels) for split, found in examples.items()},
    )


def _recipe(recipe: Recipe, *, taught: bool) -> dict[str, object]:
    """The recipe of a training as plain values for the card."""
    found = asdict(recipe)
    del found["teaching"]["augmentation"]  # if it was used, it is that of the recipe
    if not taught:
        del found["teaching"]
    return found


def _counts(examples: Examples, labels: LabelSet) -> SplitCounts:
    speakers = examples.store.speaker[examples.rows]
    by_label = zip(labels.labels, examples.counts(len(labels)).tolist(), strict=True)
    return SplitCounts(len(examples.rows), examples.made, len(np.unique(speakers[speakers >= 0])), dict(by_label))


def _hard_negatives(hard: ClipStore | None) -> HardNegatives | None:
    return None if hard is None else HardNegatives(hard.source, len(hard), hard.fingerprint, len(hard.broken))


def _negative_speech(settings: Settings, examples: Examples) -> NegativeSpeech | None:
    if examples.negative_speech is None:
        return None
    return NegativeSpeech(settings.negatives, round(len(examples.negative_speech) / examples.store.sample_rate, 1))


def trained(card: Card, history: list[Epoch], kept: int, device: str, seconds: float, *, bfloat16: bool) -> Card:
    """The card with what is known of a training when it has ended.

    seconds: from its start, reading included; bfloat16: whether products were in that.
    """
    known = replace(
        card.training,
        epochs=len(history),
        kept_epoch=kept,
        examples=history[-1].examples,
        seconds=round(history[-1].seconds, 1),
        seconds_in_all=round(seconds, 1),
        device=device,
        bfloat16=bfloat16,
        processors=os.cpu_count(),
        peak_memory_mb=peak_memory_mb(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return replace(card, training=known)


def with_biases(card: Card, biases: Sequence[float]) -> Card:
    """The card with what is added to each label's logit."""
    return replace(card, training=replace(card.training, biases=dict(zip(card.labels, biases, strict=True))))


def metrics_of(recognizer: Recognizer, examples: dict[str, Examples], evaluation: Evaluation, *, macs: int) -> Metrics:
    """Accuracy on each split, recordings only, with intervals; of training and validation some clips, evenly spread.

    How many depends on ``macs``, the multiply-accumulates of a clip, and not on how fast a machine does them.
    """
    made = {"clips": evaluation.synthetic_silence, "right": evaluation.synthetic_silence_right}
    test = Accuracy(evaluation.clips, evaluation.accuracy, evaluation.interval, made)
    most = _EVALUATED if macs < _SLOW_MACS else _EVALUATED_IF_SLOW
    train, validation = (_accuracy(recognizer, examples[split], most) for split in ("train", "validation"))
    return Metrics(test, train, validation, train.accuracy - validation.accuracy)


def _accuracy(recognizer: Recognizer, examples: Examples, at_most: int) -> Accuracy:
    count = min(len(examples.rows), at_most)
    chosen = np.linspace(0, len(examples.rows) - 1, count).round().astype(np.int64)
    scores = scores_of_rows(recognizer, examples.store, examples.rows[chosen])
    right = int((scores.argmax(axis=1) == examples.labels[chosen]).sum())
    return Accuracy(count, right / count, wilson_interval(right, count))


def peak_memory_mb() -> float | None:
    """Most memory that this process held at once, in MB (10**6 bytes); None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
