"""From samples to features: waveform, spectrogram, log-mel, MFCC; one frozen configuration for all.

This is the one definition. The networks' front-end (`hanmadi.features.torch`) and the exported model take
their windows, filters and constants from here, and tests hold all of them together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.errors import AudioError

Kind = Literal["waveform", "spectrogram", "log_mel", "mfcc"]
_CHUNK: Final = 8  # clips whose spectra stay in the processor's cache
KINDS: Final[tuple[Kind, ...]] = ("waveform", "spectrogram", "log_mel", "mfcc")


@dataclass(frozen=True)
class FeatureConfig:
    """What a network sees of a clip. Checked on construction; raises AudioError."""

    kind: Kind = "log_mel"
    sample_rate: int = 16_000  # Hz
    seconds: float = 1.0  # length of a clip
    n_fft: int = 512  # points of the Fourier transform
    window: int = 480  # samples under the Hann window, zero-padded to n_fft
    hop: int = 160  # samples from one frame to the next
    centred: bool = False  # True: frame i is centred on sample i * hop; False: it starts there
    n_mels: int = 40
    low_hz: float = 20.0  # lower edge of the first mel filter
    high_hz: float = 7_600.0  # upper edge of the last
    # fixed, not relative to the clip: a stream has no "loudest frame of the clip"
    floor: float = 1e-6  # added to the mel power before the logarithm
    mean: float = 0.0  # subtracted from the logarithm ...
    std: float = 1.0  # ... and divided by, so that a network sees numbers around 0
    n_mfcc: int = 13

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise AudioError(f"expected a kind of features among {', '.join(KINDS)}, got {self.kind!r}")
        if self.sample_rate <= 0 or self.clip_samples <= 0:
            raise AudioError(f"expected a rate and a length above 0, got {self.sample_rate} Hz, {self.seconds} s")
        if self.kind == "waveform":
            return
        if not 0 < self.hop <= self.window <= self.n_fft:
            raise AudioError(
                f"expected 0 < hop <= window <= n_fft, got hop {self.hop}, window {self.window}, n_fft {self.n_fft}"
            )
        if self.clip_samples < self.window:
            raise AudioError(f"expected a clip of one window ({self.window} samples) or more, got {self.clip_samples}")
        if self.kind == "spectrogram":
            return
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise AudioError(
                f"expected 0 <= low_hz < high_hz <= {self.sample_rate / 2:g} Hz (half the sample rate), "
                f"got {self.low_hz:g} and {self.high_hz:g}"
            )
        if not 0 < self.n_mfcc <= self.n_mels:
            raise AudioError(f"expected 0 < n_mfcc <= n_mels, got n_mfcc {self.n_mfcc}, n_mels {self.n_mels}")
        if not (self.floor > 0 and self.std > 0):
            raise AudioError(f"expected a floor and a std above 0, got {self.floor:g} and {self.std:g}")

    @property
    def clip_samples(self) -> int:
        """The number of samples in a clip."""
        return round(self.sample_rate * self.seconds)

    @property
    def n_bins(self) -> int:
        """Frequencies from 0 Hz to half the sample rate."""
        return self.n_fft // 2 + 1

    @property
    def n_frames(self) -> int:
        """The number of frames in a clip."""
        padded = self.clip_samples + (2 * (self.n_fft // 2) if self.centred else 0)
        return 1 + (padded - (self.n_fft if self.centred else self.window)) // self.hop

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features of one clip."""
        rows = {"spectrogram": self.n_bins, "log_mel": self.n_mels, "mfcc": self.n_mfcc}
        return (self.clip_samples,) if self.kind == "waveform" else (rows[self.kind], self.n_frames)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a card; ``FeatureConfig(**d)`` brings it back."""
        return asdict(self)


def compute(samples: Samples, config: FeatureConfig) -> Samples:
    """Features of clips: (clip_samples,) or (batch, clip_samples) to ``config.shape`` with the batch in front.

    waveform: the samples. spectrogram: magnitude. log_mel: natural logarithm of mel power, normalised.
    mfcc: cosine transform of the log-mel. Raises AudioError for another length.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim not in (1, 2) or samples.shape[-1] != config.clip_samples:
        raise AudioError(
            f"expected clips of {config.clip_samples} samples, got shape {samples.shape}; call audio.to_clip() first"
        )
    if config.kind == "waveform":
        return samples
    if samples.ndim == 1:
        return _features(samples, config)
    chunks = [samples[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK)]
    return np.concatenate([_features(chunk, config) for chunk in chunks or [samples]])


def _features(samples: Samples, config: FeatureConfig) -> Samples:
    """(..., clip_samples) to (..., *config.shape), for kinds with a spectrum."""
    spectrum = _spectrum(samples, config)
    if config.kind == "spectrogram":
        return np.swapaxes(np.abs(spectrum), -1, -2).astype(np.float32)
    log_mel = np.swapaxes(_log_mel(spectrum, config), -1, -2)
    if config.kind == "log_mel":
        return log_mel
    mfcc: Samples = dct_matrix(config.n_mfcc, config.n_mels) @ log_mel
    return mfcc


def log_mel(
    samples: Samples, *, sample_rate: int, n_mels: int = 40, window_ms: float = 30.0, hop_ms: float = 10.0
) -> Samples:
    """Log-mel of a mono sound of any length: (n,) to (n_mels, n_frames), natural logarithm.

    Raises AudioError if it is shorter than one window.
    """
    window, hop = (round(ms * sample_rate / 1000) for ms in (window_ms, hop_ms))
    n_fft = 1 << (window - 1).bit_length()
    config = FeatureConfig(
        sample_rate=sample_rate, seconds=len(samples) / sample_rate, n_fft=n_fft, window=window, hop=hop,
        n_mels=n_mels, high_hz=sample_rate / 2,
    )  # fmt: skip
    return compute(samples, config)


@lru_cache
def hann_window(config: FeatureConfig) -> NDArray[np.float64]:
    """Periodic Hann window, 0.5 - 0.5 cos(2 pi n / N), in the frame: (frame_length,), in double precision.

    A centred frame is n_fft long with the window in its middle, as librosa does; another is as long as the window.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / config.window)
    if config.centred:
        before = (config.n_fft - config.window) // 2
        window = np.pad(window, (before, config.n_fft - config.window - before))
    window.setflags(write=False)
    return window


@lru_cache
def mel_filters(config: FeatureConfig, warp: float = 1.0) -> Samples:
    """Triangular filters, evenly spaced in mel: (n_mels, n_bins), peak 1.

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987, as HTK has it). ``warp`` moves every filter up by that
    factor, as far as half the sample rate: what a longer vocal tract does to a voice.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(config.low_hz), hz_to_mel(config.high_hz), config.n_mels + 2))
    # at the top edge the filters grow narrow but keep an order, so that none divides by zero
    edges = np.minimum(edges * warp, config.sample_rate / 2 - np.arange(config.n_mels + 1, -1, -1) * 1e-3)
    bins = np.arange(config.n_bins) * config.sample_rate / config.n_fft
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return _constant(np.maximum(0, np.minimum(rising, falling)))


def hz_to_mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Convert a frequency in Hz to mel: 2595 log10(1 + f / 700)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def mel_to_hz(mel: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Convert mel to a frequency in Hz, the inverse of `hz_to_mel`."""
    return 700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0)


@lru_cache
def dct_matrix(n_out: int, n_in: int) -> Samples:
    """Orthonormal cosine transform of type II: (n_out, n_in)."""
    k, n = np.arange(n_out)[:, None], np.arange(n_in)[None]
    matrix = np.sqrt(2.0 / n_in) * np.cos(np.pi * k * (2 * n + 1) / (2 * n_in))
    matrix[0] /= np.sqrt(2.0)
    return _constant(matrix)


def _constant(values: NDArray[np.float64]) -> Samples:
    """As float32 that nobody can edit: all callers share the cached array."""
    constant = values.astype(np.float32)
    constant.setflags(write=False)
    return constant


def _spectrum(samples: Samples, config: FeatureConfig) -> NDArray[np.complex128]:
    """(..., n) to complex (..., n_frames, n_bins), in double precision.

    Single precision would lose quiet bands beside a loud one: up to 3e-4 of the logarithm on real clips.
    """
    if config.centred:
        half = config.n_fft // 2
        samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(half, half)])
    window = hann_window(config)
    frames = np.lib.stride_tricks.sliding_window_view(samples, len(window), axis=-1)[..., :: config.hop, :]
    return np.fft.rfft(frames * window, n=config.n_fft)


def _log_mel(spectrum: NDArray[np.complex128], config: FeatureConfig) -> Samples:
    """(..., n_frames, n_bins) to (..., n_frames, n_mels)."""
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
    mel = power @ mel_filters(config).T
    normalised: Samples = (np.log(mel + np.float32(config.floor)) - np.float32(config.mean)) / np.float32(config.std)
    return normalised
