"""Learning from larger networks: what they answer says more than a label, such as which words are alike.

Source: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", arXiv 1503.02531.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import bundle
from hanmadi.errors import TrainingError
from hanmadi.export import restored
from hanmadi.features import FeatureConfig

_CARD: Final = "card.json"


def load_teacher(folder: str | os.PathLike[str], *, labels: Sequence[str], features: FeatureConfig) -> nn.Module:
    """The network of a finished run: features (batch, *shape) to logits (batch, labels); it does not learn any more.

    Raises TrainingError for a folder without a run, or one that hears or says something else than the network to be
    taught.
    """
    weights, card = Path(folder) / bundle.WEIGHTS_NAME, _card_of(Path(folder))
    if tuple(card["labels"]) != tuple(labels):
        raise TrainingError(
            f"{folder}: expected a teacher with the labels {', '.join(labels)}, found {', '.join(card['labels'])}; "
            "train it with the same --words"
        )
    if FeatureConfig(**card["features"]) != features:
        raise TrainingError(
            f"{folder}: expected a teacher that hears the same features, found those of "
            f"{card['architecture']['name']}; tiny, small and base teach each other"
        )
    return restored(weights, card).body.requires_grad_(False)


def _card_of(folder: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        if not (folder / bundle.WEIGHTS_NAME).is_file():
            raise FileNotFoundError(bundle.WEIGHTS_NAME)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder}: expected the folder of a finished run, with {_CARD} and {bundle.WEIGHTS_NAME} ({error}); "
            "train the teacher first, then name its folder"
        ) from error
    return card


def taught_answers(teachers: Sequence[nn.Module], features: Tensor, *, temperature: float) -> Tensor:
    """What teachers say of features (batch, *shape), on average: probabilities (batch, labels)."""
    with torch.no_grad():
        return torch.stack([torch.softmax(teacher(features) / temperature, dim=1) for teacher in teachers]).mean(dim=0)


def distance_to(answers: Tensor, logits: Tensor, *, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of logits (batch, labels) from ``answers``, a number.

    Times the square of the temperature, so that gradients are as large as those of the labels.
    """
    said = torch.log_softmax(logits / temperature, dim=1)
    return functional.kl_div(said, answers, reduction="batchmean") * temperature**2
