"""From a pretrained encoder to its model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hanmadi.card import EncoderCard
from hanmadi.export.onnx import OPSET, quiet
from hanmadi.features import FeatureConfig
from hanmadi.features.torch import ExportedFrontEnd
from hanmadi.files import replacing
from hanmadi.inference.encoder import CARD_KEY, PHONES, VECTORS
from hanmadi.inference.model_file import INPUT

if TYPE_CHECKING:
    from hanmadi.models.encoder import Trunk


class _Deployed(nn.Module):
    """What the file of an encoder holds: front-end, layers and phone posteriors."""

    def __init__(self, features: FeatureConfig, trunk: Trunk, phones: nn.Linear) -> None:
        super().__init__()
        self.front_end, self.trunk, self.phones = ExportedFrontEnd(features), trunk, phones

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Waveform (batch, clip_samples) to vectors (batch, frames, channels), posteriors (batch, frames, phones)."""
        frames = self.trunk(self.front_end(samples))
        return frames, torch.softmax(self.phones(frames), dim=-1)


def export_encoder(path: Path, features: FeatureConfig, trunk: Trunk, phones: nn.Linear, card: EncoderCard) -> None:
    """Write an encoder and its card as one model file.

    Layers stay as they were trained, batch norm too (ONNX Runtime folds it when it opens the file), so that a training
    can start from them.
    """
    import onnx

    deployed = _Deployed(features, trunk, phones).eval()
    axes = {name: {0: "batch"} for name in (INPUT, VECTORS, PHONES)}
    with replacing(path) as temporary, quiet(), torch.no_grad():
        torch.onnx.export(
            deployed, (torch.zeros(2, features.clip_samples),), str(temporary), input_names=[INPUT],
            output_names=[VECTORS, PHONES], opset_version=OPSET, dynamic_axes=axes, dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip
        model = onnx.load(temporary)
        model.metadata_props.add(key=CARD_KEY, value=card.to_json())
        model.producer_name = "hanmadi"
        model.doc_string = (
            "Speech encoder: waveform in, a vector and phone posteriors every 40 ms out. See the metadata."
        )
        onnx.save(model, str(temporary))
