"""What a training writes on the card of its model."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from hanmadi.data.examples import Examples
from hanmadi.data.splits import choose_method
from hanmadi.data.store import ClipStore
from hanmadi.evaluation.evaluation import Evaluation, scores_of_rows
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.inference import model_file
from hanmadi.inference.recognizer import Recognizer
from hanmadi.labels import LabelSet
from hanmadi.runs import Settings

if TYPE_CHECKING:
    from hanmadi.models.recipe import Recipe
    from hanmadi.models.registry import Architecture
    from hanmadi.runs import Epoch

# clips of training, and of validation, evaluated after training: enough to see the gap between the two, and
# fewer for a network so slow that this would take longer than training it
_FEWEST_JUDGED, _MOST_JUDGED = 120, 3_000


def card_at_start(
    settings: Settings,
    chosen: Architecture,
    labels: LabelSet,
    store: ClipStore,
    examples: dict[str, Examples],
    body: Any,
) -> dict[str, Any]:
    """What is known of a model before it learns anything."""
    from hanmadi.models.cost import macs, parameters

    return {
        "format": model_file.FORMAT,
        "labels": list(labels.labels),
        "sample_rate": store.sample_rate,
        "clip_samples": store.clip_samples,
        "architecture": {
            "name": chosen.name, "summary": chosen.summary, "parameters": parameters(body),
            "macs": macs(body, chosen.features.shape),
        },
        "features": chosen.features.to_dict(),
        "data": {
            "source": store.source, "licence": store.licence, "fingerprint": store.fingerprint,
            "method": choose_method(store, settings.split), "holdout": settings.holdout, "seed": settings.seed,
            "broken": len(store.broken),
            "hard_negatives": _hard_card(examples["train"].hard),
            "talk": _talk_card(settings, examples["train"]),
            "splits": {split: _counts(found, labels) for split, found in examples.items()},
        },
        "training": {
            "command": settings.command(), "seed": settings.seed, "teachers": list(settings.teachers),
            "recipe": _recipe_card(chosen.recipe, taught=bool(settings.teachers)),
        },
        "versions": {name: version(name) for name in ("hanmadi", "torch", "onnxruntime", "numpy")}
        | {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"},
    }  # fmt: skip


def _recipe_card(recipe: Recipe, *, taught: bool) -> dict[str, Any]:
    """The recipe as it was used."""
    found = asdict(recipe)
    del found["teaching"]["augmentation"]  # if it was used, it is that of the recipe
    if not taught:
        del found["teaching"]
    return found


def _counts(examples: Examples, labels: LabelSet) -> dict[str, Any]:
    speakers = examples.store.speaker[examples.rows]
    by_label = zip(labels.labels, examples.counts(len(labels)).tolist(), strict=True)
    return {
        "clips": len(examples.rows),
        "made_silence": examples.made,
        "speakers": len(np.unique(speakers[speakers >= 0])),
        "per_label": dict(by_label),
    }


def _hard_card(hard: ClipStore | None) -> dict[str, Any] | None:
    if hard is None:
        return None
    return {"source": hard.source, "clips": len(hard), "fingerprint": hard.fingerprint, "broken": len(hard.broken)}


def _talk_card(settings: Settings, examples: Examples) -> dict[str, Any] | None:
    if examples.talk is None:
        return None
    return {"sources": list(settings.talk), "seconds": round(len(examples.talk) / examples.store.sample_rate, 1)}


def trained(history: list[Epoch], kept: int, device: str, seconds: float) -> dict[str, Any]:
    """What is known of a training when it has ended; seconds: from its start, reading included."""
    return {
        "epochs": len(history),
        "kept_epoch": kept,
        "examples": history[-1].examples,
        "seconds": round(history[-1].seconds, 1),
        "seconds_in_all": round(seconds, 1),
        "device": device,
        "processors": os.cpu_count(),
        "peak_memory_mb": peak_memory_mb(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def metrics_of(
    recognizer: Recognizer, examples: dict[str, Examples], evaluation: Evaluation, *, at_most: int
) -> dict[str, Any]:
    """Accuracy on each split, recordings only, with intervals; of training and validation ``at_most`` clips."""
    metrics: dict[str, Any] = {
        "test": {
            "clips": evaluation.clips, "accuracy": evaluation.accuracy, "interval": list(evaluation.interval),
            "made_silence": {"clips": evaluation.made_silence, "right": evaluation.made_silence_right},
        }
    }  # fmt: skip
    for split in ("train", "validation"):
        found = examples[split]
        count = min(len(found.rows), max(_FEWEST_JUDGED, min(_MOST_JUDGED, at_most)))
        chosen = np.linspace(0, len(found.rows) - 1, count).round().astype(np.int64)
        scores = scores_of_rows(recognizer, found.store, found.rows[chosen])
        right = int((scores.argmax(axis=1) == found.labels[chosen]).sum())
        metrics[split] = {
            "clips": count, "accuracy": right / count, "interval": list(wilson_interval(right, count))
        }  # fmt: skip
    metrics["gap"] = metrics["train"]["accuracy"] - metrics["validation"]["accuracy"]
    return metrics


def peak_memory_mb() -> float | None:
    """Most memory that this process held at once, in MB (10**6 bytes); None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
