"""What a model's card tells of it, for pages and programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanmadi.inference.decisions import config_of
from hanmadi.inference.recognizer import Recognizer


def summary(recognizer: Recognizer) -> dict[str, Any]:
    """What a card tells of a model. Cards come from other people too: what is absent or odd is None."""
    card = recognizer.card
    architecture = _mapping(card.get("architecture"))
    test = _mapping(_mapping(card.get("metrics")).get("test"))
    judged = {"clips", "accuracy", "interval"} <= set(test)
    return {
        "labels": list(recognizer.labels),
        "sample_rate": recognizer.sample_rate,
        "clip_samples": recognizer.clip_samples,
        "parameters": architecture.get("parameters"),
        "metrics": {"test": {k: test[k] for k in ("clips", "accuracy", "interval")} if judged else None},
        "decisions": config_of(card).to_dict(),
        "summary": str(architecture.get("summary") or ""),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
