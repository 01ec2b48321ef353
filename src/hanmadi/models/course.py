"""The five networks of the course, layer by layer as it has them.

Blocks of 2, 2, 3, 3 convolutions with 32, 64, 128, 256 filters, width 9, "same", ReLU, then max-pool 2;
dropout 0.3; dense 256, batch norm, ReLU; dense to the labels. The ``skip`` variants concatenate, from the
second block on, the block's output with its input before pooling. ``filters`` and ``dense`` make a small one of the
same shape, for those who have minutes.

The course built them with Keras, whose defaults are not PyTorch's, and a network this deep learns twice as fast from
Keras's: Glorot-uniform kernels, biases of zero, batch norm that averages over a hundred batches and has an epsilon of
1e-3, Adam with an epsilon of 1e-7, batches of 32 from one shuffled order that repeats. Ours are the same, which
`tests/models/test_course_against_keras.py` holds against Keras itself.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.features import FeatureConfig
from hanmadi.models.fourier import FourierConv2d, FourierMaxPool2d
from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture, register

DEPTHS = (2, 2, 3, 3)  # convolutions in each block
FILTERS = 32  # of the first block; each further one has twice as many
WIDTH = 9
DROPOUT = 0.3
DENSE = 256
KERAS_MOMENTUM = 0.01  # what Keras calls a momentum of 0.99

COURSE_RECIPE = Recipe(optimiser="keras_adam", gradient_norm=None, order="repeated", bfloat16=True)  # 1e-4, batch 32
WAVEFORM = FeatureConfig(kind="waveform", sample_rate=8_000)
SPECTROGRAM = FeatureConfig(kind="spectrogram", sample_rate=8_000, n_fft=258, window=258, hop=64, centred=True)


class KerasBatchNorm(nn.BatchNorm1d):
    """Batch norm as Keras has it: the average forgets a hundredth a batch, and variances are those of the batch.

    PyTorch forgets a tenth, and averages the unbiased estimate, which is n / (n - 1) times as large.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, eps=1e-3, momentum=KERAS_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, features) to the same."""
        if not self.training:
            return super().forward(x)
        with torch.no_grad():
            variance, mean = torch.var_mean(x.to(self.weight.dtype), dim=0, correction=0)
            for average, value in ((self.running_mean, mean), (self.running_var, variance)):
                assert average is not None
                average.lerp_(value, KERAS_MOMENTUM)
        return functional.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


class ConvBlock(nn.Module):
    """Convolutions with ReLU, then max-pool 2; with ``skip`` the input is concatenated before pooling."""

    def __init__(self, dimensions: int, n_in: int, n_out: int, depth: int, *, skip: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(depth):
            layers += [_convolution(dimensions, n_in if i == 0 else n_out, n_out), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.pool = nn.MaxPool1d(2) if dimensions == 1 else FourierMaxPool2d()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_in, ...) to (batch, n_out or n_out + n_in, ... / 2)."""
        y = self.convolutions(x)
        pooled: Tensor = self.pool(torch.cat([y, x], dim=1) if self.skip else y)
        return pooled


def _convolution(dimensions: int, n_in: int, n_out: int) -> nn.Module:
    """ "same" padding; in two dimensions by the Fourier transform, where there are channels enough to gain by it."""
    if dimensions == 1:
        return nn.Conv1d(n_in, n_out, WIDTH, padding="same")
    return FourierConv2d(n_in, n_out, WIDTH) if n_in > 1 else nn.Conv2d(n_in, n_out, WIDTH, padding="same")


class CourseNet(nn.Module):
    """The course's network on (n,) or (rows, columns); a 2-D input is flattened for ``dimensions=1``."""

    def __init__(
        self,
        shape: tuple[int, ...],
        n_labels: int,
        *,
        dimensions: int,
        skip: bool,
        filters: int = FILTERS,
        dense: int = DENSE,
        dropout: float = DROPOUT,
    ) -> None:
        super().__init__()
        self.dimensions = dimensions
        size = [torch.Size(shape).numel()] if dimensions == 1 else list(shape)
        blocks: list[nn.Module] = []
        channels = 1
        for i, depth in enumerate(DEPTHS):
            joined = skip and i > 0
            n_out = filters * 2**i
            blocks.append(ConvBlock(dimensions, channels, n_out, depth, skip=joined))
            channels = n_out + channels if joined else n_out
            size = [length // 2 for length in size]
        self.blocks = nn.Sequential(*blocks)
        flat = channels * torch.Size(size).numel()
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(flat, dense),
            KerasBatchNorm(dense),
            nn.ReLU(),
            nn.Linear(dense, n_labels),
        )
        self.apply(_start_like_keras)

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, *shape) to logits (batch, n_labels)."""
        x = x.flatten(1) if self.dimensions == 1 else x
        logits: Tensor = self.head(self.blocks(x.unsqueeze(1)).flatten(1))
        return logits


def _start_like_keras(layer: nn.Module) -> None:
    """Kernels uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), biases zero."""
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


def _register(name: str, features: FeatureConfig, summary: str, *, dimensions: int = 1, skip: bool = False) -> None:
    build = partial(CourseNet, dimensions=dimensions, skip=skip)
    register(Architecture(name, build, features, COURSE_RECIPE, summary))


_register("wave_cnn", WAVEFORM, "the course's 1-D network on the waveform")
_register("wave_cnn_skip", WAVEFORM, "the same with skip connections", skip=True)
_register("spectrogram_cnn1d", SPECTROGRAM, "the course's 1-D network on the flattened spectrogram")
_register("spectrogram_cnn1d_skip", SPECTROGRAM, "the same with skip connections", skip=True)
_register("spectrogram_cnn2d", SPECTROGRAM, "the course's 2-D network on the spectrogram", dimensions=2)
