"""The project's own networks, one family with one dial: ``tiny``, ``small``, ``base``.

Log-mels go through a few 2-D convolutions that shrink only the frequency axis; then one kernel as high as what is
left folds frequency into channels, and residual blocks over time follow. One-dimensional blocks are what a CPU
does fast, and in channels-last memory depthwise convolutions are three times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.augment.augmentations import Augmentation
from hanmadi.features import FeatureConfig
from hanmadi.models.precision import multiplies_bfloat16
from hanmadi.models.recipe import Recipe, Sampling, Teaching
from hanmadi.models.registry import Architecture, register

LOG_MEL = FeatureConfig(window=512, hop=320, low_hz=40.0, mean=-6.0, std=4.0)
# for telephones and small converters: the same frames a second and as many mels, up to 3.8 kHz
LOG_MEL_8K = FeatureConfig(
    sample_rate=8_000, n_fft=256, window=256, hop=160, low_hz=40.0, high_hz=3_800.0, mean=-6.0, std=4.0
)
AUGMENTATION = Augmentation()
RECIPE = Recipe(
    epochs=60,
    minimum_steps=1_200,
    batch=128,
    shards=2,
    learning_rate=6e-3,
    schedule="one_cycle",
    betas=(0.9, 0.98),
    weight_decay=0.02,
    label_smoothing=0.1,
    ema_decay=0.999,
    augment=True,
    sampling=Sampling(unknown=0.34, silence=0.12),
    patience=None,
)


@dataclass(frozen=True)
class Size:
    """The numbers of channels and blocks of one network of the family."""

    stem: int  # channels of the first convolution
    bands: tuple[tuple[int, int], ...]  # (channels, residual blocks) of each stage; each halves the frequency axis
    channels: int  # of the part over time
    blocks: int  # residual blocks over time
    width: int = 9  # frames that a block over time sees


TINY = Size(stem=8, bands=((16, 1), (24, 1)), channels=37, blocks=3)
SMALL = Size(stem=16, bands=((32, 0),), channels=64, blocks=6)
BASE = Size(stem=24, bands=((48, 0),), channels=192, blocks=8, width=7)  # that of the speech encoder
_HALVED = 1  # the block over time that halves the time axis


class Separable(nn.Module):
    """Depthwise convolution, then pointwise, batch norm, ReLU; residual where the shape stays."""

    def __init__(
        self, n_in: int, n_out: int, size: tuple[int, int], *, stride: tuple[int, int] = (1, 1), same: bool = True
    ) -> None:
        super().__init__()
        depthwise = convolution(n_in, n_in, size, stride=stride, same=same, groups=n_in)
        self.path = nn.Sequential(depthwise, convolution(n_in, n_out, (1, 1)), nn.BatchNorm2d(n_out))
        self.residual = n_in == n_out and stride == (1, 1) and same

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_in, rows, frames) to (batch, n_out, rows, frames), each divided by its stride."""
        y = self.path(x)
        return functional.relu(x + y if self.residual else y, inplace=True)


class WordNet(nn.Module):
    """Log-mel (batch, mels, frames) to logits (batch, labels)."""

    def __init__(self, shape: tuple[int, ...], n_labels: int, *, size: Size) -> None:
        super().__init__()
        mels, _ = shape
        layers = [convolution(1, size.stem, (5, 5), stride=(2, 1)), nn.BatchNorm2d(size.stem), nn.ReLU(inplace=True)]
        channels, rows = size.stem, mels // 2
        for wider, repeats in size.bands:
            layers += [Separable(channels, wider, (3, 3), stride=(2, 1))]
            layers += [Separable(wider, wider, (3, 5)) for _ in range(repeats)]
            channels, rows = wider, rows // 2
        layers += _fold(channels, size.channels, rows, separable=len(size.bands) > 1)
        layers += [_over_time(size, i) for i in range(size.blocks)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(size.channels, n_labels)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, mels, frames) to logits (batch, labels)."""
        x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.head(self.layers(x).mean(dim=(2, 3)))
        return logits


def convolution(
    n_in: int,
    n_out: int,
    size: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    same: bool = True,
    groups: int = 1,
) -> nn.Module:
    """Convolution without bias; ``same`` pads so that an odd size keeps the shape."""
    padding = (size[0] // 2, size[1] // 2) if same else (0, 0)
    # one filter a channel (depthwise) is bound by memory and gains nothing from shorter numbers
    kind = Dense if groups == 1 and n_in > 1 else nn.Conv2d
    return kind(n_in, n_out, size, stride, padding, groups=groups, bias=False)


class Dense(nn.Conv2d):
    """A convolution that learns with products in bfloat16 where the processor has them: a sixth of a step's time.

    Weights, sums over clips and everything outside training stay in float32.
    """

    learns_in_bfloat16 = True  # for the card: `hanmadi.models.precision.learns_in_bfloat16`

    def forward(self, x: Tensor) -> Tensor:
        """Images (batch, channels, rows, columns), as `torch.nn.Conv2d` takes them."""
        if not (self.training and x.device.type == "cpu" and multiplies_bfloat16()):
            return super().forward(x)
        weight = self.weight.bfloat16()
        return functional.conv2d(x.bfloat16(), weight, None, self.stride, self.padding).float()


def _fold(n_in: int, n_out: int, rows: int, *, separable: bool) -> list[nn.Module]:
    """The whole frequency axis into channels."""
    if separable:
        return [Separable(n_in, n_out, (rows, 1), same=False)]
    return [convolution(n_in, n_out, (rows, 1), same=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]


def _over_time(size: Size, number: int) -> nn.Module:
    stride = (1, 2) if number == _HALVED else (1, 1)
    return Separable(size.channels, size.channels, (1, size.width), stride=stride)


# what trainings gained by, on validation (dev/LOG.md, 2026-11-25): the smallest has enough to learn unmasked
_UNMASKED = replace(AUGMENTATION, masked_mels=0, masked_frames=0, noises=200)
_NARROW = replace(AUGMENTATION, masked_mels=2, masked_frames=3, noises=200)
# (2026-11-26): so has who learns what teachers say of mixtures; with a third more talk it is taken in by talk less
_TAUGHT = replace(_UNMASKED, running_p=0.4, behind_p=0.2)


def _register(
    name: str,
    size: Size,
    summary: str,
    *,
    features: FeatureConfig = LOG_MEL,
    augmented: Augmentation = AUGMENTATION,
    pretrained: bool = False,
) -> None:
    recipe = replace(RECIPE, augmentation=augmented, teaching=Teaching(augmentation=_TAUGHT))
    register(Architecture(name, partial(WordNet, size=size), features, recipe, summary, pretrained))


_register("tiny", TINY, "for a microcontroller: under 10,000 parameters", augmented=_UNMASKED)
_register("small", SMALL, "for a laptop, a phone, a small computer")
_register("small_8k", SMALL, "small, for sound at 8 kHz", features=LOG_MEL_8K, augmented=_NARROW)
_register("base", BASE, "the default: starts from the speech encoder, learns from few recordings", pretrained=True)
