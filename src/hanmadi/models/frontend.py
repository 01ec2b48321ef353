"""The front-end as a part of the network, so that the exported model takes a waveform."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import features
from hanmadi.features import FeatureConfig


class FrontEnd(nn.Module):
    """Waveform (batch, clip_samples) to features (batch, *config.shape), equal to `hanmadi.features.compute`.

    Training uses the FFT. ``for_export=True`` multiplies with the Fourier matrix instead, in operations
    that every ONNX runtime has and that it does fast.
    """

    window: Tensor
    fourier: Tensor
    mel: Tensor
    dct: Tensor

    def __init__(self, config: FeatureConfig, *, for_export: bool = False) -> None:
        super().__init__()
        self.config = config
        self.for_export = for_export
        if config.kind == "waveform":
            return
        window = torch.from_numpy(features.hann_window(config).copy())
        self.register_buffer("window", window, persistent=False)
        if for_export:
            self.register_buffer("fourier", _fourier_matrix(config), persistent=False)
        if config.kind in ("log_mel", "mfcc"):
            self.register_buffer("mel", torch.from_numpy(features.mel_filters(config).T.copy()), persistent=False)
        if config.kind == "mfcc":
            dct = features.dct_matrix(config.n_mfcc, config.n_mels)
            self.register_buffer("dct", torch.from_numpy(dct.copy()), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, clip_samples) float32 in [-1, 1] to (batch, *config.shape)."""
        config = self.config
        if config.kind == "waveform":
            return samples
        if config.centred:
            samples = functional.pad(samples, (config.n_fft // 2, config.n_fft // 2))
        power = self._power_of_frames(samples)  # (batch, n_frames, n_bins)
        if config.kind == "spectrogram":
            # the root has no slope at 0; the smallest normal number keeps it finite and changes nothing
            return torch.sqrt(power.clamp_min(torch.finfo(power.dtype).tiny)).transpose(1, 2)
        log_mel = self.normalised(torch.matmul(power, self.mel)).transpose(1, 2)
        return torch.matmul(self.dct, log_mel) if config.kind == "mfcc" else log_mel

    def mel_power(self, samples: Tensor, *, warps: Sequence[float]) -> Tensor:
        """Mel power (batch, n_frames, n_mels) before the logarithm, each part of the batch with its own warp.

        For training: `hanmadi.features.mel_filters` says what a warp is.
        """
        parts = self._power_of_frames(samples).chunk(len(warps))
        filters = [torch.from_numpy(features.mel_filters(self.config, warp).T.copy()) for warp in warps]
        return torch.cat([torch.matmul(part, mel.to(part)) for part, mel in zip(parts, filters, strict=False)])

    def normalised(self, mel: Tensor) -> Tensor:
        """The logarithm of mel power, with the configuration's fixed floor, mean and deviation."""
        return (torch.log(mel + self.config.floor) - self.config.mean) / self.config.std

    def _power_of_frames(self, samples: Tensor) -> Tensor:
        if self.for_export:
            frames = _frames_by_reshape(samples, len(self.window), self.config)
            real, imaginary = torch.matmul(frames, self.fourier).chunk(2, dim=-1)
            return real * real + imaginary * imaginary
        frames = samples.unfold(-1, len(self.window), self.config.hop) * self.window
        spectrum: Tensor = torch.fft.rfft(frames, n=self.config.n_fft)
        return spectrum.real.square() + spectrum.imag.square()


def _fourier_matrix(config: FeatureConfig) -> Tensor:
    """Window times cosines and sines: (frame padded to whole hops, 2 * n_bins)."""
    window = features.hann_window(config).astype("float64")
    n = torch.arange(len(window), dtype=torch.float64)[:, None]
    k = torch.arange(config.n_bins, dtype=torch.float64)[None]
    # n * k modulo n_fft keeps the angle small and the cosine exact
    angle = 2 * math.pi * torch.remainder(n * k, config.n_fft) / config.n_fft
    matrix = torch.cat([torch.cos(angle), -torch.sin(angle)], dim=1) * torch.from_numpy(window)[:, None]
    missing = _hops_per_frame(config, len(window)) * config.hop - len(window)
    return functional.pad(matrix, (0, 0, 0, missing)).float()


def _frames_by_reshape(samples: Tensor, length: int, config: FeatureConfig) -> Tensor:
    """Frames (batch, n_frames, whole hops) from slices one hop long: no gather, no loop over frames."""
    hops = _hops_per_frame(config, length)
    needed = (config.n_frames + hops - 1) * config.hop
    samples = functional.pad(samples, (0, needed - samples.shape[-1])) if needed > samples.shape[-1] else samples
    slices = samples[:, :needed].reshape(samples.shape[0], -1, config.hop)
    return torch.cat([slices[:, i : i + config.n_frames] for i in range(hops)], dim=-1)


def _hops_per_frame(config: FeatureConfig, length: int) -> int:
    return -(-length // config.hop)
