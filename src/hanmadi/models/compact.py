"""The project's own networks: a small 2-D stem on the log-mel, then residual convolutions over time.

The stem sees neighbouring mels as a picture does; then the frequency axis is folded into channels and every
block is one-dimensional, which is what a CPU does fast.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.features import FeatureConfig
from hanmadi.models.registry import Architecture, Recipe, Sampling, register

LOG_MEL = FeatureConfig(window=512, hop=320, low_hz=40.0, mean=-6.0, std=4.0)
RECIPE = Recipe(
    epochs=40,
    least_steps=1_200,
    batch=128,
    learning_rate=6e-3,
    schedule="one_cycle",
    weight_decay=0.02,
    label_smoothing=0.1,
    ema_decay=0.999,
    augment=True,
    sampling=Sampling(),
    patience=None,
)


def convolution(
    n_in: int,
    n_out: int,
    size: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    groups: int = 1,
    same: bool = True,
) -> nn.Sequential:
    """Convolution and batch norm; ``same`` pads so that an odd size keeps the shape."""
    padding = (size[0] // 2, size[1] // 2) if same else (0, 0)
    layer = nn.Conv2d(n_in, n_out, size, stride, padding, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(n_out))


class TimeBlock(nn.Module):
    """Depthwise convolution over time, then pointwise; residual unless it halves the time."""

    def __init__(self, channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, (1, width), (1, stride), (0, width // 2), groups=channels, bias=False
        )
        self.pointwise = convolution(channels, channels, (1, 1))
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, 1, frames) to the same, or to half the frames."""
        y = self.pointwise(self.depthwise(x))
        return functional.relu(x + y if self.residual else y)


class CompactNet(nn.Module):
    """Log-mel (batch, mels, frames) to logits; ``width`` sets every channel count."""

    def __init__(self, shape: tuple[int, ...], n_labels: int, *, width: int, blocks: int, halved: int) -> None:
        super().__init__()
        mels, _ = shape
        channels = 4 * width
        self.stem = nn.Sequential(
            convolution(1, width, (5, 5), stride=(2, 1)), nn.ReLU(),
            convolution(width, width, (3, 3), stride=(2, 1), groups=width), nn.ReLU(),
            convolution(width, 2 * width, (1, 1)), nn.ReLU(),
            convolution(2 * width, channels, (mels // 4, 1), same=False), nn.ReLU(),
        )  # fmt: skip
        self.blocks = nn.Sequential(*[TimeBlock(channels, 9, stride=2 if i == halved else 1) for i in range(blocks)])
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(channels, n_labels))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, mels, frames) to logits (batch, labels)."""
        # channels last: depthwise convolutions are three times as fast on a CPU
        x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))
        return logits


def _register(name: str, summary: str, *, width: int, blocks: int, halved: int) -> None:
    build = partial(CompactNet, width=width, blocks=blocks, halved=halved)
    register(Architecture(name, build, LOG_MEL, RECIPE, summary))


_register("small", "the default: for a laptop, a phone, a small computer", width=16, blocks=6, halved=1)
