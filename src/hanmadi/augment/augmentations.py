"""What happens to training clips: shift, noise and gain of waveforms; stretch and masks of log-mels.

Pure functions over whole batches: arrays in, new arrays out, randomness from ``rng``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.audio.noise import NoiseSource, Rng, from_db
from hanmadi.errors import AudioError

MASK_VALUE: Final = -1.0  # of a normalised log-mel: about that of a quiet room
_WARPS: Final = 7
_TINY: Final = 1e-12  # keeps a division by the power of digital silence finite


@dataclass(frozen=True)
class Augmentation:
    """How much of each; the defaults are those of the best recipe as a whole, not each tried alone."""

    shift_ms: float = 100.0  # at most, both ways
    gain_db: tuple[float, float] = (-40.0, 16.0)
    noise_p: float = 0.8
    snr_db: tuple[float, float] = (-3.0, 30.0)
    noises: int = 0  # of an epoch, each a sound of the noise bank augmented anew; 0: the bank as it is
    running_p: float = 0.3  # share of unknown words in whose place running speech is heard
    hard_p: float = 0.5  # share of that which the network finds hardest, where there is recorded negative speech
    behind_p: float = 0.15  # share of clips with running speech behind the word ...
    behind_snr_db: tuple[float, float] = (4.0, 25.0)  # ... that much quieter
    room_p: float = 0.2  # share of clips that sound as in a room
    warp: float = 0.08  # mel filters move by at most this share: other vocal tracts
    stretch: float = 0.12  # frames are resampled by at most exp(this): other rates of speech
    masked_mels: int = 6  # at most, twice a clip
    masked_frames: int = 10  # at most, once a clip


def augment(batch: Samples, noise: NoiseSource, *, config: Augmentation, rng: Rng) -> Samples:
    """The chain for waveforms, (batch, n) float32 in [-1, 1] to the same: shift, noise, gain."""
    batch = shift(batch, most=round(config.shift_ms * noise.sample_rate / 1000), rng=rng)
    batch = add_noise(batch, noise, snr_db=config.snr_db, p=config.noise_p, rng=rng)
    return change_gain(batch, gain_db=config.gain_db, rng=rng)


def augment_features(batch: Samples, *, config: Augmentation, rng: Rng) -> Samples:
    """The chain for log-mels: stretch, masks. (batch, frames, mels) to the same."""
    batch = stretch(batch, most=config.stretch, rng=rng)
    if not (config.masked_mels or config.masked_frames):
        return batch
    keep = feature_mask(batch.shape, masked_mels=config.masked_mels, masked_frames=config.masked_frames, rng=rng)
    return np.where(keep, batch, np.float32(MASK_VALUE))


def draw_warp(config: Augmentation, *, rng: Rng) -> float:
    """A factor for `hanmadi.features.mel_filters`: one of a few, so that filters are made once."""
    return 1.0 + config.warp * (2 * int(rng.integers(_WARPS)) / (_WARPS - 1) - 1)


def shift(batch: Samples, *, most: int, rng: Rng) -> Samples:
    """Move each clip by up to ``most`` samples, either way; zeros come in."""
    n = batch.shape[1]
    if not 0 <= most <= n:
        raise AudioError(f"expected a shift of 0 to {n} samples (the clip), got {most}")
    moved = np.zeros_like(batch)
    for row, clip, by in zip(moved, batch, rng.integers(-most, most + 1, len(batch)).tolist(), strict=True):
        row[max(by, 0) : n + min(by, 0)] = clip[max(-by, 0) : n - max(by, 0)]
    return moved


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
    louder: Samples = batch * from_db(rng.uniform(*gain_db, (len(batch), 1)))
    return np.clip(louder, -1.0, 1.0, out=louder)


def add_noise(batch: Samples, noise: NoiseSource, *, snr_db: tuple[float, float], p: float, rng: Rng) -> Samples:
    """Add noise at an SNR in dB to each clip with probability ``p``. The SNR is that of mean powers over the clip."""
    chosen = np.flatnonzero(rng.random(len(batch)) < p)
    noisy = batch.copy()
    drawn = noise.draw(len(chosen), rng=rng)
    noisy[chosen] = mix_at_snr(batch[chosen], drawn, snr_db=rng.uniform(*snr_db, len(chosen)))
    return noisy


def mix_at_snr(batch: Samples, noise: Samples, *, snr_db: NDArray[np.floating[Any]] | float) -> Samples:
    """``batch`` plus ``noise``, both (batch, n), scaled so that their mean powers have the ratio ``snr_db``."""
    power, noise_power = (np.einsum("ij,ij->i", x, x) / x.shape[1] for x in (batch, noise))
    scale = np.sqrt(power / (noise_power + _TINY)) * from_db(-np.asarray(snr_db))
    mixed: Samples = noise * scale[:, None].astype(np.float32)
    mixed += batch
    return mixed


def feature_mask(shape: tuple[int, ...], *, masked_mels: int, masked_frames: int, rng: Rng) -> NDArray[np.bool_]:
    """One band of frames and two of mels to be hidden in each clip: (batch, frames, mels), True is kept.

    Source: Park et al., "SpecAugment", arXiv 1904.08779.
    """
    batch, frames, mels = shape
    hidden_mels = _bands(batch, mels, masked_mels, rng) | _bands(batch, mels, masked_mels, rng)
    hidden_frames = _bands(batch, frames, masked_frames, rng)
    return ~(hidden_frames[:, :, None] | hidden_mels[:, None, :])


def _bands(batch: int, size: int, widest: int, rng: Rng) -> NDArray[np.bool_]:
    """One band of up to ``widest`` places a row: (batch, size), True inside."""
    width = rng.integers(0, min(widest, size) + 1, batch)[:, None]
    start = (rng.random((batch, 1)) * (size - width + 1)).astype(np.int64)
    places = np.arange(size)[None]
    inside: NDArray[np.bool_] = (places >= start) & (places < start + width)
    return inside
