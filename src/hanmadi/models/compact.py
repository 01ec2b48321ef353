"""The project's own networks: a 2-D stem on the log-mel, then residual convolutions over time."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from hanmadi.features import FeatureConfig
from hanmadi.models.registry import Architecture, Recipe, register

LOG_MEL = FeatureConfig(
    kind="log_mel",
    n_fft=512,
    window=512,
    hop=320,
    n_mels=40,
    low_hz=40.0,
    high_hz=7_600.0,
    mean=-5.0,
    std=4.0,
)
RECIPE = Recipe(
    epochs=60, batch=128, learning_rate=6e-3, schedule="one_cycle", weight_decay=0.02, label_smoothing=0.1,
    ema_decay=0.999, augment=True, balance=0.5, patience=None,
)  # fmt: skip


def convolution(
    n_in: int, n_out: int, size: tuple[int, int], *, stride: tuple[int, int] = (1, 1), groups: int = 1
) -> nn.Sequential:
    """Convolution and batch norm; "same" padding for odd sizes."""
    padding = (size[0] // 2, size[1] // 2)
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(n_out)
    )


class TimeBlock(nn.Module):
    """Depthwise convolution over time, then pointwise, with a residual where the shape allows it."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, (1, width), (1, stride), (0, width // 2), groups=channels, bias=False
        )
        self.pointwise = convolution(channels, channels, (1, 1))
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, 1, frames) to the same, or half the frames."""
        y = self.pointwise(self.depthwise(x))
        return functional.relu(x + y if self.residual else y)


class CompactNet(nn.Module):
    """Log-mel (batch, mels, frames) to logits; ``width`` sets every channel count."""

    def __init__(self, shape: tuple[int, ...], n_labels: int, *, width: int, blocks: int) -> None:
        super().__init__()
        mels, _ = shape
        self.stem = nn.Sequential(
            convolution(1, width, (5, 5), stride=(2, 1)), nn.ReLU(),
            convolution(width, width, (3, 3), stride=(2, 1), groups=width), nn.ReLU(),
            convolution(width, 2 * width, (1, 1)), nn.ReLU(),
        )  # fmt: skip
        channels = 4 * width
        self.collapse = nn.Sequential(
            nn.Conv2d(2 * width, channels, (mels // 4, 1), bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.body = nn.Sequential(*[TimeBlock(channels, 9, 2 if i == 1 else 1) for i in range(blocks)])
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(channels, n_labels))

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, mels, frames) to logits (batch, labels)."""
        x = self.body(self.collapse(self.stem(x.unsqueeze(1))))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _register(name: str, summary: str, *, width: int, blocks: int) -> None:
    register(Architecture(name, partial(CompactNet, width=width, blocks=blocks), LOG_MEL, RECIPE, summary))


_register("small", "the default: compact net on log-mel", width=16, blocks=6)
