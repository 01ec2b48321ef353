"""What happens to training clips (shift, noise, gain, reverberation, stretch, masks), and noise itself.

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
MASK_VALUE: Final = -1.0  # of a normalised log-mel: about that of a quiet room
_WARPS: Final = 7
_TINY: Final = 1e-12  # keeps a division by the power of digital silence finite


@dataclass(frozen=True)
class Augmentation:
    """How much of each; the defaults are what measurably helped (dev/LOG.md)."""

    shift_ms: float = 100.0  # at most, both ways
    gain_db: tuple[float, float] = (-26.0, 8.0)
    noise_p: float = 0.8
    snr_db: tuple[float, float] = (-3.0, 30.0)
    warp: float = 0.08  # mel filters move by at most this share: other vocal tracts
    stretch: float = 0.12  # frames are resampled by at most exp(this): other rates of speech
    masked_mels: int = 6  # at most, twice a clip
    masked_frames: int = 10  # at most, once a clip


def augment(
    batch: Samples, noises: Sequence[NDArray[np.int16]], *, sample_rate: int, config: Augmentation, rng: Rng
) -> Samples:
    """The chain for waveforms: shift, noise, gain. (batch, n) to (batch, n)."""
    batch = shift(batch, most=round(config.shift_ms * sample_rate / 1000), rng=rng)
    batch = add_noise(batch, noises, snr_db=config.snr_db, p=config.noise_p, rng=rng)
    return change_gain(batch, gain_db=config.gain_db, rng=rng)


def augment_features(batch: Samples, *, config: Augmentation, rng: Rng) -> Samples:
    """The chain for log-mels: stretch, masks. (batch, frames, mels) to the same."""
    batch = stretch(batch, most=config.stretch, rng=rng)
    keep = feature_mask(batch.shape, masked_mels=config.masked_mels, masked_frames=config.masked_frames, rng=rng)
    return np.where(keep, batch, np.float32(MASK_VALUE))


def draw_warps(config: Augmentation, *, count: int, rng: Rng) -> list[float]:
    """Factors for `hanmadi.features.mel_filters`: from a few fixed ones, so that filters are made once."""
    return [float(w) for w in rng.choice(np.linspace(1 - config.warp, 1 + config.warp, _WARPS), count)]


def shift(batch: Samples, *, most: int, rng: Rng) -> Samples:
    """Move each clip by up to ``most`` samples, either way; zeros come in."""
    n = batch.shape[1]
    if not 0 <= most <= n:
        raise AudioError(f"expected a shift of 0 to {n} samples (the clip), got {most}")
    padded = np.pad(batch, ((0, 0), (most, most)))
    starts = rng.integers(0, 2 * most + 1, len(batch))
    return np.stack([row[start : start + n] for row, start in zip(padded, starts, strict=True)])


def stretch(batch: Samples, *, most: float, rng: Rng) -> Samples:
    """Play each clip's frames slower or faster by up to exp(``most``) about its middle; the ends repeat.

    (batch, frames, n) to the same: the rate of speech changes, the pitch does not.
    """
    frames = batch.shape[1]
    factors = np.exp(rng.uniform(-most, most, (len(batch), 1)))
    places = np.clip((np.arange(frames) - frames / 2) * factors + frames / 2, 0, frames - 1)
    before = np.minimum(places.astype(np.int64), frames - 2)
    share = (places - before).astype(np.float32)[:, :, None]
    rows = np.arange(len(batch))[:, None]
    return batch[rows, before] * (1 - share) + batch[rows, before + 1] * share


def change_gain(batch: Samples, *, gain_db: tuple[float, float], rng: Rng) -> Samples:
    """Scale each clip by a gain in dB and clip at full scale, as a converter does."""
    return np.clip(batch * from_db(rng.uniform(*gain_db, (len(batch), 1))), -1.0, 1.0)


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
        return batch.copy()
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


def feature_mask(shape: tuple[int, ...], *, masked_mels: int, masked_frames: int, rng: Rng) -> NDArray[np.bool_]:
    """One band of frames and two of mels to be hidden in each clip: (batch, frames, mels), True is kept.

    Source: Park et al., "SpecAugment", arXiv 1904.08779.
    """
    batch, frames, mels = shape
    hidden_mels = _bands(batch, mels, masked_mels, rng) | _bands(batch, mels, masked_mels, rng)
    hidden_frames = _bands(batch, frames, masked_frames, rng)
    return ~(hidden_frames[:, :, None] | hidden_mels[:, None, :])


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
    # a recording may hold digital silence, and a soft one rounds to it: every clip gets the last bit of a converter
    dither = rng.standard_normal((count, length)) / FULL_SCALE
    if noises:
        for i in np.flatnonzero(rng.random(count) < 0.75):
            quiet[i] = _cut(noises, length, rng) * from_db(rng.uniform(-40.0, 6.0))
    return audio.to_int16((quiet + dither).astype(np.float32))


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
