"""From a trained network to a model file."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from hanmadi.bundle import INPUT, OUTPUT, write_card
from hanmadi.features import FeatureConfig
from hanmadi.files import replacing
from hanmadi.models.frontend import ExportedFrontEnd

OPSET: Final = 17


class Deployed(nn.Module):
    """What the model file holds: front-end, network and softmax."""

    bias: Tensor | None

    def __init__(self, features: FeatureConfig, body: nn.Module, bias: Tensor | None = None) -> None:
        super().__init__()
        self.front_end = ExportedFrontEnd(features)
        self.body = body
        self.register_buffer("bias", bias)

    def forward(self, samples: Tensor) -> Tensor:
        """Waveform (batch, clip_samples) to scores (batch, labels)."""
        logits = self.body(self.front_end(samples))
        return torch.softmax(logits if self.bias is None else logits + self.bias, dim=-1)


def export_onnx(
    path: Path, features: FeatureConfig, body: nn.Module, card: dict[str, Any], *, bias: Sequence[float] | None = None
) -> None:
    """Write a network and its card as one model file; ``bias``, one a label, is added to the logits."""
    deployed = Deployed(features, body.cpu(), None if bias is None else torch.tensor(bias)).eval()
    example = torch.zeros(2, features.clip_samples)
    with replacing(path) as temporary, _quiet(), torch.no_grad():
        torch.onnx.export(
            deployed, (example,), str(temporary), input_names=[INPUT], output_names=[OUTPUT], opset_version=OPSET,
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}, dynamo=False,
        )  # fmt: skip
        write_card(temporary, card)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks to its developers, not to ours."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
