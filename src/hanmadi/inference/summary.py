"""What a model's card tells of it, for pages and programs."""

from __future__ import annotations

from typing import Any

from hanmadi.inference.recognizer import Recognizer


def summary(recognizer: Recognizer) -> dict[str, Any]:
    """What a card tells of a model; what it does not tell is None."""
    card = recognizer.about
    test = card.metrics.test
    accuracy = {"clips": test.clips, "accuracy": test.accuracy, "interval": list(test.interval)} if test else None
    return {
        "labels": list(card.labels),
        "sample_rate": card.sample_rate,
        "clip_samples": card.clip_samples,
        "parameters": card.architecture.parameters or None,
        "metrics": {"test": accuracy},
        "decisions": card.decision_config.to_dict(),
        "summary": card.architecture.summary,
    }
