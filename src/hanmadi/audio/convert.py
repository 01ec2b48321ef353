"""Samples into other samples: int16, mono, another rate, another length.

Samples are float32 in [-1, 1]. Mono is ``(n,)``; several channels are ``(n, channels)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.errors import AudioError

Samples = NDArray[np.float32]
FULL_SCALE: Final = 32_768  # steps of a 16-bit sample between 0 and 1.0
LOUDEST: Final = 100.0  # a sample 40 dB above full scale is no sound but a broken number


@dataclass(frozen=True)
class Sound:
    """Samples and their rate: the two are never apart."""

    samples: Samples  # (n,) or (n, channels), float32 in [-1, 1]
    sample_rate: int  # Hz

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate


def to_db(amplitude: float) -> float:
    """20 log10(amplitude): dB relative to 1.0; -inf for 0."""
    return 20.0 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """float in [-1, 1] to int16, rounded and clipped. Raises AudioError for NaN or infinity."""
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise AudioError(f"expected float samples in [-1, 1], got {samples.dtype}; call from_int16() first")
    if not np.isfinite(samples).all():
        raise AudioError("expected finite samples, found NaN or infinity")
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(samples: NDArray[np.int16]) -> Samples:
    """int16 to float32 in [-1, 1)."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def as_float(samples: NDArray[Any]) -> Samples:
    """float32 in [-1, 1]; int16 is scaled, as that is what microphones and WAV files give.

    Raises AudioError for other whole numbers, whose full scale is unknown.
    """
    if samples.dtype == np.int16:
        return from_int16(samples)
    if samples.dtype.kind != "f":
        raise AudioError(f"expected samples of float in [-1, 1] or int16, got {samples.dtype}")
    return np.asarray(samples, dtype=np.float32)


def to_mono(samples: Samples) -> Samples:
    """Mean over the channels: (n, channels) or (n,) to (n,)."""
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim == 1:
        return samples
    if samples.ndim == 2:
        return samples.mean(axis=1, dtype=np.float32)
    raise AudioError(f"expected samples (n,) or (n, channels), got shape {samples.shape}")


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate (soxr, high quality), mono or several channels; rates in Hz."""
    if from_rate <= 0 or to_rate <= 0:
        raise AudioError(f"expected sample rates above 0 Hz, got {from_rate} and {to_rate}")
    if from_rate == to_rate or len(samples) == 0:
        return np.asarray(samples, dtype=np.float32)
    import soxr

    resampled: Samples = soxr.resample(np.ascontiguousarray(samples, dtype=np.float32), from_rate, to_rate)
    return resampled


def resample_unfiltered(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Take samples at a lower rate as they are: what a recorder without an anti-aliasing filter does.

    Frequencies above half of ``to_rate`` fold down, as `hanmadi.audio.signals.alias_frequency` says. samples: (n,) or
    (n, channels). Where the rates are no multiples, the sound is first resampled to a multiple that holds it all.
    Raises AudioError for a rate that is not above 0 or not below that of the sound.
    """
    if not 0 < to_rate <= from_rate:
        raise AudioError(f"expected a rate from 1 to {from_rate} Hz, got {to_rate}; call resample() to raise it")
    step = -(-from_rate // to_rate)
    return resample(samples, from_rate, step * to_rate)[::step]


def fit_length(samples: Samples, length: int) -> Samples:
    """Exactly ``length`` samples of a mono sound.

    A shorter one is centred between zeros. Of a longer one the loudest stretch is kept, which is where
    the word is. The same rule serves training, evaluation and prediction.
    """
    if samples.ndim != 1:
        raise AudioError(f"expected mono samples (n,), got shape {samples.shape}; call to_mono() first")
    if length < 1:
        raise AudioError(f"expected a length of one sample or more, got {length}")
    missing = length - len(samples)
    if missing >= 0:
        return np.pad(samples, (missing // 2, missing - missing // 2))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return samples[start : start + length]


def to_clip(sound: Sound, *, sample_rate: int, length: int) -> Samples:
    """Any sound to a clip: mixed down, resampled to ``sample_rate`` Hz, fitted to ``length`` samples."""
    mono = to_mono(sound.samples)
    return fit_length(resample(mono, sound.sample_rate, sample_rate), length)


def rms(samples: Samples) -> float:
    """Root mean square, 1.0 is full scale; 0 for no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0


def clean_mono(block: NDArray[Any]) -> tuple[Samples, int]:
    """Mean over the channels, and how many samples were no numbers and became 0.

    block: (n,) or (n, channels), float or int16. Returns (n,) float32.
    """
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is then found
        samples = as_float(block)
    good = np.abs(samples) <= LOUDEST  # not for NaN
    bad = good.size - int(np.count_nonzero(good))
    if bad:
        samples = np.where(good, samples, np.float32(0))
    if samples.ndim == 1:
        return samples, bad
    # channel by channel: NumPy's mean may sum in another order for another length
    mono = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        mono += samples[:, channel]
    return mono / np.float32(samples.shape[1]), bad
