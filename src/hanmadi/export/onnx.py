"""From a trained network to a model file."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hanmadi.card import Card
from hanmadi.errors import TrainingError
from hanmadi.features import FeatureConfig
from hanmadi.features.torch import ExportedFrontEnd, FrontEnd
from hanmadi.files import replacing
from hanmadi.inference.model_file import INPUT, OUTPUT, write_card
from hanmadi.inference.recognizer import in_batches
from hanmadi.models import architecture, checkpoint

OPSET: Final = 17


class Deployed(nn.Module):
    """What the model file holds: front-end, network and softmax."""

    bias: Tensor | None

    def __init__(
        self, features: FeatureConfig, body: nn.Module, bias: Tensor | None = None, *, trained: bool = False
    ) -> None:
        """trained: with the front-end of the training, not the one of the model file."""
        super().__init__()
        self.front_end = FrontEnd(features) if trained else ExportedFrontEnd(features)
        self.body = body
        self.register_buffer("bias", bias)

    def forward(self, samples: Tensor) -> Tensor:
        """Waveform (batch, clip_samples) to scores (batch, labels)."""
        logits = self.body(self.front_end(samples))
        return torch.softmax(logits if self.bias is None else logits + self.bias, dim=-1)


def export_onnx(
    path: Path,
    features: FeatureConfig,
    body: nn.Module,
    card: Card | Mapping[str, Any],
    *,
    bias: Sequence[float] | None = None,
) -> None:
    """Write a network and its card as one model file; ``bias``, one a label, is added to the logits."""
    deployed = Deployed(features, body.cpu(), None if bias is None else torch.tensor(bias)).eval()
    example = torch.zeros(2, features.clip_samples)
    with replacing(path) as temporary, quiet(), torch.no_grad():
        torch.onnx.export(
            deployed, (example,), str(temporary), input_names=[INPUT], output_names=[OUTPUT], opset_version=OPSET,
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}, dynamo=False,
        )  # fmt: skip
        write_card(temporary, card)


def restored(weights: Path, card: Card) -> Deployed:
    """The network as it was trained, from the kept weights of a run and its card: waveform to scores, in torch.

    Raises TrainingError for weights that cannot be read or belong to another network, ModelError for a network
    that is not registered here.
    """
    features, labels = card.features, card.labels
    if features is None:
        raise TrainingError(f"{weights}: the card of the model does not tell its features; train it again")
    body = architecture(card.architecture.name).build(features.shape, len(labels))
    checkpoint.unpack("body", body, checkpoint.load(weights).tensors)
    biases = card.training.biases
    bias = torch.tensor([biases.get(label, 0.0) for label in labels]) if biases else None
    return Deployed(features, body, bias, trained=True).eval()


def scores_of(network: nn.Module, clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of clips (n, clip_samples) by a network in torch: (n, labels)."""
    with torch.inference_mode():
        return in_batches(lambda part: network(torch.from_numpy(part)).numpy(), clips)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporter talks to its developers, not to ours."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
