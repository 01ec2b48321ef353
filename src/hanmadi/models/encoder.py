"""The speech encoder: log-mels to a vector every 40 ms, pretrained on hours of speech, and the network made from it.

It has the layers of ``base`` (`hanmadi.models.wordnet`), which so know speech before the first word of a person is
learnt; only the layer that answers is new. It is pretrained by `hanmadi.training.pretraining` and shipped as a model
file, see `hanmadi.inference.encoder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hanmadi.errors import TrainingError
from hanmadi.features import FeatureConfig
from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture
from hanmadi.models.wordnet import WordNet

NETWORK: Final = "base"  # the architecture whose layers it has
LAYERS: Final = "trunk.layers."  # what the names of its weights begin with in its file
_FEW_CLIPS: Final = 2_000
SHRINKS: Final = 2  # frames of the front-end that become one of the encoder
_COUNTED: Final = "num_batches_tracked"  # in a state of PyTorch, and of no use to anyone


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


def fine_tuned(recipe: Recipe, *, clips: int) -> Recipe:
    """How a network that starts from the encoder is trained on so many clips: smaller steps, and fewer of them.

    With few clips it would forget what it knows, so the steps are smaller still (dev/LOG.md, 2026-11-29).
    """
    return replace(recipe, learning_rate=1e-3 if clips < _FEW_CLIPS else 2e-3, epochs=20, minimum_steps=400)


def start_from(body: nn.Module, weights: Mapping[str, NDArray[np.float32]], *, origin: str | Path) -> None:
    """Put the pretrained layers into a network; only the layer that answers is as it was.

    weights: by name, as `hanmadi.inference.encoder.read_weights` reads them; origin: what an error names. Raises
    TrainingError if the network has other layers.
    """
    layers = getattr(body, "layers", None)
    found = {name.removeprefix(LAYERS): values for name, values in weights.items() if name.startswith(LAYERS)}
    wanted = {} if not isinstance(layers, nn.Module) else layers.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in wanted.items() if not name.endswith(_COUNTED)}
    if not isinstance(layers, nn.Module) or {name: values.shape for name, values in found.items()} != expected:
        raise TrainingError(
            f"{origin}: expected a network with the layers of this encoder; choose --arch {NETWORK}, or --from none"
        )
    layers.load_state_dict({name: torch.from_numpy(values) for name, values in found.items()}, strict=False)
