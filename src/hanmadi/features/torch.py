"""The front-end as a part of the network, so that the exported model takes a waveform."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import features
from hanmadi.features.definition import FeatureConfig

CHUNK = 16  # clips whose spectra stay in the processor's cache: twice as fast as 128
WARPED = 8  # clips that share a warp of the filters


class FrontEnd(nn.Module):
    """Waveform (batch, clip_samples) to features (batch, *config.shape), equal to `hanmadi.features.compute`."""

    window: Tensor
    mel: Tensor
    dct: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        if config.kind == "waveform":
            return
        self.register_buffer("window", _tensor(features.hann_window(config)), persistent=False)
        if config.kind != "spectrogram":
            self.register_buffer("mel", _tensor(features.mel_filters(config).T), persistent=False)
        if config.kind == "mfcc":
            dct = features.dct_matrix(config.n_mfcc, config.n_mels)
            self.register_buffer("dct", _tensor(dct), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, clip_samples) float32 in [-1, 1] to (batch, *config.shape)."""
        config = self.config
        if config.kind == "waveform":
            return samples
        if config.centred:
            samples = functional.pad(samples, (config.n_fft // 2, config.n_fft // 2))
        if config.kind == "spectrogram":
            # the root has no slope at 0; the smallest normal number keeps it finite and changes nothing
            power = self.power(samples)
            return torch.sqrt(power.clamp_min(torch.finfo(power.dtype).tiny)).transpose(1, 2)
        log_mel = self.normalised(self.mel_of(samples)).transpose(1, 2)
        return torch.matmul(self.dct, log_mel) if config.kind == "mfcc" else log_mel

    def power(self, samples: Tensor) -> Tensor:
        """Squared magnitudes of the frames, zeros already around a centred clip: (batch, n_frames, n_bins)."""
        frames = samples.unfold(-1, len(self.window), self.config.hop) * self.window
        # real and imaginary parts lie beside each other: squared in one pass, a tenth of the front-end's time less
        squares = torch.view_as_real(torch.fft.rfft(frames, n=self.config.n_fft)).square_()
        return squares[..., 0] + squares[..., 1]

    def mel_of(self, samples: Tensor) -> Tensor:
        """Mel power of the frames: (batch, n_frames, n_mels)."""
        parts = _parts(self.mel, _heard(self.config))
        return torch.cat([_mel_power(self.power(chunk), parts) for chunk in torch.split(samples, CHUNK)])

    def warped_mel_of(self, samples: Tensor, warp: Callable[[], float]) -> Tensor:
        """The same for training on clips that are not centred, with a warp drawn for every few clips.

        `hanmadi.features.mel_filters` says what a warp is.
        """
        mels = []
        for chunk in torch.split(samples, CHUNK):
            for power in torch.split(self.power(chunk), WARPED):
                factor = warp()
                mel = _tensor(features.mel_filters(self.config, factor).T).to(samples.device)
                mels.append(_mel_power(power, _parts(mel, _heard(self.config, factor))))
        return torch.cat(mels)

    def normalised(self, mel: Tensor) -> Tensor:
        """The logarithm of mel power, with the configuration's fixed floor, mean and deviation."""
        return torch.log(mel + self.config.floor).sub_(self.config.mean).div_(self.config.std)


class ExportedFrontEnd(FrontEnd):
    """The same in operations that every ONNX runtime has and does fast: products of small matrices.

    The Fourier transform of n_fft = first * second points is done in two stages (Cooley and Tukey 1965). With
    n = second * a + b and k = c + first * d,

        X[k] = sum_b exp(-2 pi i b k / n_fft) * sum_a x[second * a + b] exp(-2 pi i a c / first)

    The inner sum is one real matrix, for c up to first / 2: the rest is its mirror image, as x is real. The
    outer sum has the twiddle factors inside: one matrix for each c. Bins come out in an order of their own,
    which `order` undoes. Where n_fft has no such factors, one stage does it all (second = 1).
    """

    inner: Tensor
    outer: Tensor
    order: Tensor
    rows: Tensor
    mel_sorted: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__(config)
        if config.kind == "waveform":
            return
        self.first, self.second = _factors(config.n_fft)
        inner, outer, order = _two_stages(self.first, self.second)
        self.register_buffer("inner", _tensor(inner), persistent=False)
        self.register_buffer("outer", _tensor(outer), persistent=False)
        self.register_buffer("order", torch.from_numpy(order), persistent=False)
        if config.kind != "spectrogram":
            self.register_buffer("mel_sorted", _tensor(_sorted_mel(config, self.first, self.second)), persistent=False)
        window = functional.pad(self.window, (0, config.n_fft - len(self.window)))
        self.register_buffer("window", window.reshape(self.first, self.second), persistent=False)
        self.row = math.gcd(config.n_fft, config.hop)
        starts = np.arange(config.n_frames)[:, None] * (config.hop // self.row)
        rows = starts + np.arange(config.n_fft // self.row)
        self.register_buffer("rows", torch.from_numpy(rows.reshape(-1)), persistent=False)
        self.needed = (int(rows.max()) + 1) * self.row  # samples, zeros at the end included

    def power(self, samples: Tensor) -> Tensor:
        """Squared magnitudes of the frames, as in `FrontEnd.power`."""
        power = self._sorted_power(samples).permute(1, 0, 2)
        power = power.reshape(-1, self.config.n_frames, len(self.outer) * self.second)
        return power.index_select(2, self.order)

    def mel_of(self, samples: Tensor) -> Tensor:
        """As in `FrontEnd`; the filters are sorted as the transform is, so that nothing is moved."""
        mel = torch.matmul(self._sorted_power(samples), self.mel_sorted).sum(dim=0)
        return mel.reshape(-1, self.config.n_frames, self.config.n_mels)

    def _sorted_power(self, samples: Tensor) -> Tensor:
        """Power in the order of the transform: (halves, batch * frames, second)."""
        needed = self.needed
        length = self.config.clip_samples + (2 * (self.config.n_fft // 2) if self.config.centred else 0)
        padded = functional.pad(samples, (0, max(0, needed - length)))[:, :needed]
        rows = padded.reshape(-1, needed // self.row, self.row).index_select(1, self.rows)
        windowed = rows.reshape(-1, self.first, self.second) * self.window
        inner = torch.matmul(self.inner, windowed).reshape(-1, len(self.outer), 2 * self.second)
        outer = torch.matmul(inner.transpose(0, 1), self.outer)  # real and imaginary parts beside each other
        real, imaginary = (outer * outer).chunk(2, dim=-1)
        return real + imaginary


def _mel_power(power: Tensor, parts: Sequence[tuple[slice, Tensor]]) -> Tensor:
    """(..., n_bins) to (..., n_mels): each part of the filters over the bins that it hears."""
    return torch.cat([torch.matmul(power[..., bins], part) for bins, part in parts], -1)


def _parts(mel: Tensor, heard: tuple[slice, ...]) -> list[tuple[slice, Tensor]]:
    """Filters (n_bins, n_mels) in parts of neighbours, each without the bins that it does not hear."""
    columns = torch.tensor_split(mel, len(heard), dim=1)
    return [(bins, part[bins].contiguous()) for bins, part in zip(heard, columns, strict=True)]


@lru_cache
def _heard(config: FeatureConfig, warp: float = 1.0) -> tuple[slice, ...]:
    """The bins that the lower and the upper half of the filters hear.

    The lower half of the filters hears a quarter of the bins: two parts make half of the products. Three or more
    make fewer still and take longer.
    """
    filters = np.array_split(features.mel_filters(config, warp), 2)
    ranges = [np.flatnonzero(part.any(axis=0)) for part in filters]
    return tuple(slice(int(bins[0]), int(bins[-1]) + 1) if len(bins) else slice(0) for bins in ranges)


def _factors(n_fft: int) -> tuple[int, int]:
    """(first, second) near the root, for powers of two; (n_fft, 1) for others."""
    exponent = n_fft.bit_length() - 1
    if n_fft != 1 << exponent:
        return n_fft, 1
    return 1 << (exponent - exponent // 2), 1 << (exponent // 2)


def _two_stages(first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """inner (2 halves, first), outer (halves, 2 second, 2 second), place of each bin in the result (n_bins,)."""
    c = np.arange(first // 2 + 1)
    angle = 2 * np.pi * np.outer(c, np.arange(first)) / first
    inner = np.stack([np.cos(angle), -np.sin(angle)], axis=1).reshape(2 * len(c), first)
    angle = 2 * np.pi * np.arange(second)[None, :, None] * _bins(first, second)[:, None, :] / (first * second)
    cos, sin = np.cos(angle), np.sin(angle)
    outer = np.concatenate([np.concatenate([cos, -sin], 2), np.concatenate([sin, cos], 2)], 1)
    mirrored = _mirrored(first, second)
    places = np.argsort(mirrored.reshape(-1), kind="stable")
    _, firsts = np.unique(mirrored.reshape(-1)[places], return_index=True)
    return inner, outer, places[firsts]


def _sorted_mel(config: FeatureConfig, first: int, second: int) -> NDArray[np.float32]:
    """Mel filters in the order of the transform: (halves, second, n_mels)."""
    mirrored = _mirrored(first, second)
    times = np.bincount(mirrored.reshape(-1))  # a bin and its mirror image may both occur
    return (features.mel_filters(config).T[mirrored] / times[mirrored][..., None]).astype(np.float32)


def _bins(first: int, second: int) -> NDArray[np.int64]:
    """k = c + first * d: (halves, second)."""
    return np.arange(first // 2 + 1)[:, None] + first * np.arange(second)


def _mirrored(first: int, second: int) -> NDArray[np.int64]:
    """The bin up to half the sample rate with the same magnitude."""
    bins = _bins(first, second)
    return np.minimum(bins, first * second - bins)


def _tensor(array: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))
