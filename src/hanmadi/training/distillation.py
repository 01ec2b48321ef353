"""Learning from larger networks: what they answer says more than a label, such as which words are alike.

Sources: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", arXiv 1503.02531; Beyer et al.,
"Knowledge distillation: a good teacher is patient and consistent", arXiv 2106.05237, for mixtures: teachers answer
more than was recorded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import runs
from hanmadi.audio.noise import Rng
from hanmadi.errors import ModelError, TrainingError
from hanmadi.export.graph import features_of, read_network
from hanmadi.export.onnx import restored
from hanmadi.export.rebuilt import Rebuilt
from hanmadi.features import FeatureConfig
from hanmadi.inference import model_file
from hanmadi.inference.model_file import Bundle
from hanmadi.inference.recognizer import find_model, shipped
from hanmadi.models.precision import multiplies_bfloat16


def load_teacher(model: str | os.PathLike[str], *, labels: Sequence[str], features: FeatureConfig) -> nn.Module:
    """A network to learn from: features (batch, *shape) to logits (batch, labels); it does not learn any more.

    ``model`` is the folder of a finished run, a model file or the name of a shipped model. Raises TrainingError if it
    is none of them, or hears or says something else than the network to be taught; ModelError for a model file whose
    layers cannot be read (`hanmadi.export.graph`).
    """
    opened = _opened(model)
    card = opened.about
    if card.labels != tuple(labels):
        raise TrainingError(
            f"{model}: expected a teacher with the labels {', '.join(labels)}, found {', '.join(card.labels)}; "
            "train it with the same --words"
        )
    if card.features != features:
        raise TrainingError(
            f"{model}: expected a teacher that hears the same features, found those of "
            f"{card.architecture.name or 'another network'}; tiny, small and base teach each other"
        )
    return _network(opened).eval().requires_grad_(False)


def _opened(model: str | os.PathLike[str]) -> Bundle:
    try:
        return model_file.open_bundle(find_model(model))
    except ModelError as error:
        raise TrainingError(
            f"{model}: expected the folder of a finished run, a model file or the name of a shipped model "
            f"({', '.join(shipped())}): {error}"
        ) from error


def _network(opened: Bundle) -> nn.Module:
    """The network of a model file, where batch norm costs nothing any more; another kind by the weights beside it."""
    try:
        return _rebuilt(opened)
    except ModelError:
        weights = opened.path.with_name(runs.WEIGHTS_NAME)
        if opened.path.name != runs.FILE_NAME or not weights.is_file():  # they are those of the run's own model alone
            raise
        return restored(weights, opened.about).body


def _rebuilt(opened: Bundle) -> nn.Module:
    """The network of a model file, without the biases that its labels have from validation."""
    network = read_network(opened.path, features_of(opened).shape)
    biases = opened.about.training.biases or {}
    given = np.array([biases.get(label, 0.0) for label in opened.labels.labels], np.float32)
    # depthwise layers are three times as fast in this layout
    return Rebuilt(replace(network, bias=network.bias - given)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def taught_answers(teachers: Sequence[nn.Module], features: Tensor, *, temperature: float) -> Tensor:
    """What teachers say of features (batch, *shape), on average: probabilities (batch, labels).

    In bfloat16 where the processor has it: twice as fast, and within a few thousandths.
    """
    fast = features.device.type == "cpu" and multiplies_bfloat16()
    with torch.no_grad(), torch.autocast(features.device.type, torch.bfloat16, enabled=fast):
        said = [torch.softmax(teacher(features).float() / temperature, dim=1) for teacher in teachers]
        return torch.stack(said).mean(dim=0)


def distance_to(answers: Tensor, logits: Tensor, *, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of logits (batch, labels) from ``answers``, a number.

    Times the square of the temperature, so that gradients are as large as those of the labels.
    """
    said = torch.log_softmax(logits / temperature, dim=1)
    return functional.kl_div(said, answers, reduction="batchmean") * temperature**2


def mix(features: Tensor, *, count: int, rng: Rng) -> Tensor:
    """Features (batch, *shape) of which the first ``count`` are mixed with another clip each, in any proportion.

    No label is right for a mixture, but teachers answer it.
    """
    proportion = torch.from_numpy(rng.random(count, np.float32)).to(features.device)
    others = features[torch.from_numpy(rng.permutation(len(features))[:count])]
    mixtures = torch.lerp(others, features[:count], proportion.reshape(-1, *[1] * (features.ndim - 1)))
    return torch.cat([mixtures, features[count:]])
