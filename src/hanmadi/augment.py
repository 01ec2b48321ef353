"""What happens to training clips (shift, speed, gain, noise, reverberation, masks), and noise itself.

Pure functions over whole batches: arrays in, new arrays out, randomness from ``rng``. Samples are float32
(batch, n) in [-1, 1]; a probability ``p`` is drawn for each clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import FULL_SCALE, Samples
from hanmadi.errors import AudioError

Rng = np.random.Generator
_TINY: Final = 1e-12  # keeps a division by the power of digital silence finite


@dataclass(frozen=True)
class Augmentation:
    """How much of each; the defaults are what measurably helped (dev/LOG.md)."""

    shift_ms: float = 100.0  # at most, both ways
    gain_db: tuple[float, float] = (-20.0, 6.0)
    gain_p: float = 0.7
    noise_p: float = 0.7
    snr_db: tuple[float, float] = (0.0, 30.0)
    speed: float = 0.1  # at most this much faster or slower
    speed_p: float = 0.5
    reverberation_p: float = 0.1
    reverberation_s: tuple[float, float] = (0.1, 0.5)  # time to fall by 60 dB
    masked_mels: int = 7  # at most, twice a clip
    masked_frames: int = 15  # at most, twice a clip


def augment(
    batch: Samples, noises: Sequence[NDArray[np.int16]], *, sample_rate: int, config: Augmentation, rng: Rng
) -> Samples:
    """The chain for training: speed, shift, reverberation, noise, gain. (batch, n) to (batch, n)."""
    batch = change_speed(batch, most=config.speed, p=config.speed_p, rng=rng)
    batch = shift(batch, most=round(config.shift_ms * sample_rate / 1000), rng=rng)
    batch = reverberate(
        batch, sample_rate=sample_rate, decay_s=config.reverberation_s, p=config.reverberation_p, rng=rng
    )
    batch = add_noise(batch, noises, snr_db=config.snr_db, p=config.noise_p, rng=rng)
    return change_gain(batch, gain_db=config.gain_db, p=config.gain_p, rng=rng)


def shift(batch: Samples, *, most: int, rng: Rng) -> Samples:
    """Move each clip by up to ``most`` samples, either way; zeros come in."""
    n = batch.shape[1]
    if not 0 <= most <= n:
        raise AudioError(f"expected a shift of 0 to {n} samples (the clip), got {most}")
    padded = np.pad(batch, ((0, 0), (most, most)))
    starts = rng.integers(0, 2 * most + 1, len(batch))
    return np.stack([row[start : start + n] for row, start in zip(padded, starts, strict=True)])


def change_speed(batch: Samples, *, most: float, p: float, rng: Rng) -> Samples:
    """Play each clip up to ``most`` (a share) faster or slower about its middle; pitch moves with it."""
    n = batch.shape[1]
    middle = (n - 1) / 2
    offsets = np.arange(n) - middle
    factors = rng.uniform(1 - most, 1 + most, len(batch))
    chosen = rng.random(len(batch)) < p
    changed = batch.copy()
    for i in np.flatnonzero(chosen):
        changed[i] = np.interp(middle + offsets * factors[i], np.arange(n), batch[i], left=0.0, right=0.0)
    return changed


def change_gain(batch: Samples, *, gain_db: tuple[float, float], p: float, rng: Rng) -> Samples:
    """Scale each clip by a gain in dB and clip at full scale, as a converter does."""
    gains = rng.uniform(*gain_db, len(batch)) * (rng.random(len(batch)) < p)
    return np.clip(batch * from_db(gains)[:, None], -1.0, 1.0)


def add_noise(
    batch: Samples, noises: Sequence[NDArray[np.int16]], *, snr_db: tuple[float, float], p: float, rng: Rng
) -> Samples:
    """Add a random cut of a noise recording (int16), or coloured noise where there is none, at an SNR in dB.

    The SNR is that of mean powers over the clip.
    """
    chosen = np.flatnonzero(rng.random(len(batch)) < p)
    noise = np.stack([_some_noise(noises, batch.shape[1], rng) for _ in chosen]) if len(chosen) else batch[:0]
    noisy = batch.copy()
    noisy[chosen] = mix_at_snr(batch[chosen], noise, snr_db=rng.uniform(*snr_db, len(chosen)))
    return noisy


def mix_at_snr(batch: Samples, noise: Samples, *, snr_db: NDArray[np.floating[Any]] | float) -> Samples:
    """``batch`` plus ``noise``, both (batch, n), scaled so that their mean powers have the ratio ``snr_db``."""
    power, noise_power = (np.mean(np.square(x), axis=1) for x in (batch, noise))
    scale = np.sqrt(power / (noise_power + _TINY)) * from_db(-np.asarray(snr_db))
    mixed: Samples = batch + (scale[:, None] * noise).astype(np.float32)
    return mixed


def reverberate(batch: Samples, *, sample_rate: int, decay_s: tuple[float, float], p: float, rng: Rng) -> Samples:
    """Convolve with a synthetic room response: a direct sound, then noise that falls exponentially by 60 dB.

    The level of each clip is kept. Source: J. A. Moorer, "About this reverberation business", 1979.
    """
    chosen = np.flatnonzero(rng.random(len(batch)) < p)
    if not len(chosen):
        return batch
    n = batch.shape[1]
    length = min(n, round(decay_s[1] * sample_rate))
    times = np.arange(length) / sample_rate
    decay = np.exp(-np.log(1000.0) * times / rng.uniform(*decay_s, len(chosen))[:, None])
    response = rng.standard_normal((len(chosen), length)) * decay
    # energy of the tail relative to the direct sound: from near the speaker to across a room
    tail = from_db(rng.uniform(-12.0, 3.0, len(chosen)))
    response *= (tail / np.sqrt(np.sum(np.square(response), axis=1)))[:, None]
    response[:, 0] = 1.0
    size = 1 << (n + length - 2).bit_length()
    wet = np.fft.irfft(np.fft.rfft(batch[chosen], size) * np.fft.rfft(response, size), size)[:, :n]
    level = np.sqrt(np.mean(np.square(batch[chosen]), axis=1) / (np.mean(np.square(wet), axis=1) + _TINY))
    reverberated = batch.copy()
    reverberated[chosen] = (wet * level[:, None]).astype(np.float32)
    return reverberated


def feature_mask(shape: tuple[int, int, int], *, masked_mels: int, masked_frames: int, rng: Rng) -> NDArray[np.bool_]:
    """Two bands of mels and two of frames to be set to 0 in each clip: (batch, mels, frames), True is kept.

    Source: Park et al., "SpecAugment", arXiv 1904.08779.
    """
    batch, mels, frames = shape
    keep_mels = np.ones((batch, mels), bool)
    keep_frames = np.ones((batch, frames), bool)
    for _ in range(2):
        keep_mels &= ~_bands(batch, mels, masked_mels, rng)
        keep_frames &= ~_bands(batch, frames, masked_frames, rng)
    return keep_mels[:, :, None] & keep_frames[:, None, :]


def coloured_noise(count: int, length: int, *, rng: Rng) -> Samples:
    """Noise whose power falls as 1 / f**a, a in [0, 2] (white to brown), RMS 1: (count, length) float32."""
    frequencies = np.arange(1, length // 2 + 2)
    exponents = rng.uniform(0.0, 2.0, (count, 1))
    spectrum = rng.standard_normal((count, len(frequencies))) + 1j * rng.standard_normal((count, len(frequencies)))
    noise = np.fft.irfft(spectrum * frequencies ** (-exponents / 2), length)
    noise /= np.sqrt(np.mean(np.square(noise), axis=1, keepdims=True))
    return noise.astype(np.float32)


def make_silence(count: int, length: int, noises: Sequence[NDArray[np.int16]], *, rng: Rng) -> NDArray[np.int16]:
    """Clips without a word: (count, length) int16.

    Most are cuts of noise recordings from very quiet to a little louder than recorded, the rest coloured noise
    down to the last bits of a converter. Never zeros alone: a microphone gives none, and a network that has
    learnt that silence is zero calls a room a word.
    """
    # levels relative to full scale, in dB: from dither to a loud fan
    quiet = coloured_noise(count, length, rng=rng) * from_db(rng.uniform(-90.0, -20.0, (count, 1)))
    silence = quiet + (1.0 / FULL_SCALE) * rng.standard_normal((count, length))
    if noises:
        for i in np.flatnonzero(rng.random(count) < 0.75):
            silence[i] = _cut(noises, length, rng) * from_db(rng.uniform(-40.0, 6.0))
    return np.clip(np.rint(silence * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_db(decibels: Any) -> NDArray[np.float32]:
    """Amplitude ratio for a level in dB: 10**(dB / 20)."""
    ratio: NDArray[np.float32] = np.power(10.0, np.asarray(decibels) / 20.0).astype(np.float32)
    return ratio


def _some_noise(noises: Sequence[NDArray[np.int16]], length: int, rng: Rng) -> Samples:
    if noises and rng.random() < 0.8:
        return _cut(noises, length, rng)
    return coloured_noise(1, length, rng=rng)[0]


def _cut(noises: Sequence[NDArray[np.int16]], length: int, rng: Rng) -> Samples:
    noise = noises[int(rng.integers(len(noises)))]
    if len(noise) < length:
        noise = np.resize(noise, length)  # a short one is repeated
    start = rng.integers(len(noise) - length + 1)
    return audio.from_int16(noise[start : start + length])


def _bands(batch: int, size: int, widest: int, rng: Rng) -> NDArray[np.bool_]:
    """One band of up to ``widest`` places a row: (batch, size), True inside."""
    width = rng.integers(0, min(widest, size) + 1, batch)[:, None]
    start = (rng.random((batch, 1)) * (size - width + 1)).astype(np.int64)
    places = np.arange(size)[None]
    inside: NDArray[np.bool_] = (places >= start) & (places < start + width)
    return inside
