"""BC-ResNet-1, a yardstick, written anew from its paper: ``bcresnet1``.

Kim, Chang, Lee, Sung (2021), "Broadcasted residual learning for efficient keyword spotting", Interspeech,
arXiv 2106.04140; sub-spectral normalisation is of Chang et al. (2021), arXiv 2103.13620. A block looks at
frequencies, averages them away, looks at time with what is left, and adds the outcome to every frequency.

What the paper does not tell is set so: the level of the noise (as its source for augmentation has it, an amplitude
of 0 to 0.1 of the recording: on Speech Commands that is 1 to 60 dB below the word), the edges of the mel filters
and the constants of the logarithm (those of the other networks here). Two things are not the paper's but this
project's training: biases and normalisation do not decay, and gradients are clipped.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.augment.augmentations import Augmentation
from hanmadi.features import FeatureConfig
from hanmadi.models.recipe import Recipe, Sampling
from hanmadi.models.registry import Architecture, register

BANDS: Final = 5  # sub-bands that are normalised apart
DROPOUT: Final = 0.1  # of whole channels
STEM, TAIL = 16, 32  # channels of the first convolution and of the last
# Table 1 of the paper: blocks, channels, stride over frequency of the first block, dilation over time
STAGES: Final = ((2, 8, 1, 1), (2, 12, 2, 2), (4, 16, 2, 4), (4, 20, 1, 8))

LOG_MEL = FeatureConfig(n_fft=512, window=480, hop=160, n_mels=40, mean=-6.0, std=4.0)
# shift and noise alone: "the smallest model, BC-ResNet-1, does not use SpecAugment" (section 4.1)
AUGMENTATION = Augmentation(
    shift_ms=100.0, gain_db=(0.0, 0.0), noise_p=0.8, snr_db=(1.0, 60.0), warp=0.0, stretch=0.0,
    masked_mels=0, masked_frames=0, running_p=0.0, hard_p=0.0, room_p=0.0, behind_p=0.0, noises=0,
)  # fmt: skip
EPOCHS, WARM_UP_EPOCHS = 200, 5
RECIPE = Recipe(
    epochs=EPOCHS,
    batch=100,
    optimiser="sgd",
    momentum=0.9,
    learning_rate=0.1,
    schedule="one_cycle",
    warm_up=WARM_UP_EPOCHS / EPOCHS,
    weight_decay=1e-3,
    augment=True,
    augmentation=AUGMENTATION,
    sampling=Sampling(unknown=1 / 12, silence=1 / 12),  # each as much as a keyword, of which the paper has ten
    patience=None,
)


class SubSpectralNorm(nn.Module):
    """Batch norm of each band of frequencies by itself, with weights of its own."""

    def __init__(self, channels: int, bands: int = BANDS) -> None:
        super().__init__()
        self.bands = bands
        self.norm = nn.BatchNorm2d(channels * bands)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, frames) to the same; the rows have to be a multiple of the bands."""
        # frequency, time, channels is the order in channels-last memory: so moved, no number is copied twice
        rows = torch.unflatten(x.permute(0, 2, 3, 1), 1, (self.bands, -1))
        banded = rows.permute(0, 2, 3, 1, 4).flatten(3).permute(0, 3, 1, 2)  # (batch, bands * channels, ...)
        normalised: Tensor = self.norm(banded)
        rows = torch.unflatten(normalised.permute(0, 2, 3, 1), 3, (self.bands, -1)).permute(0, 3, 1, 2, 4)
        return rows.flatten(1, 2).permute(0, 3, 1, 2)


class BroadcastBlock(nn.Module):
    """y = relu(x + f2(x) + f1(mean over frequency of f2(x))).

    Where the number of channels changes, a pointwise convolution comes first and x is not added.
    """

    def __init__(self, n_in: int, n_out: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        self.same = n_in == n_out
        self.enter = nn.Identity() if self.same else _pointwise(n_in, n_out)
        self.over_frequency = nn.Sequential(
            _depthwise(n_out, (3, 1), stride=(stride, 1), padding=(1, 0)), SubSpectralNorm(n_out)
        )
        self.over_time = nn.Sequential(
            _depthwise(n_out, (1, 3), padding=(0, dilation), dilation=(1, dilation)), nn.BatchNorm2d(n_out), nn.SiLU(),
            nn.Conv2d(n_out, n_out, 1, bias=False), nn.Dropout2d(DROPOUT),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_in, rows, frames) to (batch, n_out, rows / stride, frames)."""
        y = self.over_frequency(self.enter(x))
        y = y + self.over_time(y.mean(dim=2, keepdim=True))
        return functional.relu(x + y if self.same else y)


class BCResNet(nn.Module):
    """Log-mel (batch, mels, frames) to logits (batch, labels). ``width`` multiplies every channel count."""

    def __init__(self, shape: tuple[int, ...], n_labels: int, *, width: float = 1) -> None:
        super().__init__()
        channels, tail = round(STEM * width), round(TAIL * width)
        layers: list[nn.Module] = [
            nn.Conv2d(1, channels, 5, (2, 1), padding=2, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        ]  # fmt: skip
        for blocks, base, stride, dilation in STAGES:
            wide = round(base * width)
            for i in range(blocks):
                layers += [BroadcastBlock(channels, wide, stride=stride if i == 0 else 1, dilation=dilation)]
                channels = wide
        layers += [_depthwise(channels, (5, 5), padding=(0, 2)), _pointwise(channels, tail)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(tail, n_labels)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, mels, frames) to logits (batch, labels)."""
        x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.head(self.layers(x).mean(dim=(2, 3)))
        return logits


def _pointwise(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU())


def _depthwise(
    channels: int,
    size: tuple[int, int],
    *,
    padding: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> nn.Module:
    return nn.Conv2d(channels, channels, size, stride, padding, dilation, groups=channels, bias=False)


register(Architecture("bcresnet1", BCResNet, LOG_MEL, RECIPE, "a yardstick from the literature, under 10,000 weights"))
