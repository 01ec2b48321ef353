"""The speech encoder: log-mels to a vector every 40 ms, pretrained on hours of speech, and the network made from it.

It is a larger one of the family of `hanmadi.models.wordnet`, whose layers over frequency and time know speech before
the first word of a person is learnt; only the layer that answers is new. It is pretrained by
`hanmadi.training.pretraining`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hanmadi.errors import TrainingError
from hanmadi.features import FeatureConfig
from hanmadi.models import checkpoint
from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture, register
from hanmadi.models.wordnet import LOG_MEL, RECIPE, Size, WordNet

ENCODER: Final = Size(stem=24, bands=((48, 0),), channels=192, blocks=8, width=7)
_LAYERS: Final = "encoder.trunk.layers"  # in the file of an encoder
SHRINKS: Final = 2  # frames of the front-end that become one of the encoder


class Trunk(nn.Module):
    """The layers of a network of the family without the one that answers: log-mels to frames."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        network = architecture.build(architecture.features.shape, 2)
        assert isinstance(network, WordNet)
        self.layers, self.channels = network.layers, network.head.in_features

    def forward(self, x: Tensor) -> Tensor:
        """(batch, mels, frames) to (batch, frames / `SHRINKS`, channels)."""
        x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        frames: Tensor = self.layers(x).squeeze(2).transpose(1, 2)
        return frames


def frame_centres(config: FeatureConfig) -> NDArray[np.int64]:
    """The sample in the middle of each frame of the encoder, from the start of a clip: (frames,)."""
    frames = -(-config.n_frames // SHRINKS)
    return np.arange(frames) * SHRINKS * config.hop + config.window // 2


def fine_tuned(recipe: Recipe) -> Recipe:
    """How a network that starts from the encoder is trained: it knows much, so smaller steps and fewer of them."""
    return replace(recipe, learning_rate=2e-3, epochs=20, minimum_steps=400)


def start_from(body: nn.Module, encoder: Path) -> None:
    """Put the pretrained layers into a network; only the layer that answers is as it was.

    encoder: a file that `hanmadi.training.pretraining.pretrain` wrote. Raises TrainingError if it is none, or the
    network has other layers.
    """
    layers = getattr(body, "layers", None)
    if not isinstance(layers, nn.Module):
        raise TrainingError(f"{encoder}: expected a network of the encoder's layers; choose --arch encoder")
    checkpoint.unpack(_LAYERS, layers, checkpoint.load(encoder).tensors)


register(
    Architecture(
        "encoder", partial(WordNet, size=ENCODER), LOG_MEL, RECIPE,
        "of the speech encoder: give it pretrained layers with --from",
    )
)  # fmt: skip
