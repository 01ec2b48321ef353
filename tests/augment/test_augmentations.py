"""What happens to training clips: shapes, ranges, randomness from the argument alone, inputs left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanmadi.audio import Samples
from hanmadi.audio.noise import NoiseBank, Rng
from hanmadi.augment import augmentations
from hanmadi.augment.augmentations import Augmentation
from hanmadi.errors import AudioError

RATE = 16_000  # Hz
N = 4_000
NOISE = NoiseBank(
    [np.random.default_rng(i).integers(-3_000, 3_000, 9_000).astype(np.int16) for i in range(2)], RATE, N, 0
)
MADE = NoiseBank([], RATE, N, 0)


def clips(count: int = 6) -> Samples:
    rng = np.random.default_rng(7)
    return (0.2 * rng.standard_normal((count, N)) * np.hanning(N)).astype(np.float32)


STEPS: dict[str, Callable[[Samples, Rng], Samples]] = {
    "augment": lambda x, rng: augmentations.augment(x, NOISE, config=Augmentation(), rng=rng),
    "without noises": lambda x, rng: augmentations.augment(x, MADE, config=Augmentation(), rng=rng),
    "shift": lambda x, rng: augmentations.shift(x, most=500, rng=rng),
    "noise": lambda x, rng: augmentations.add_noise(x, NOISE, snr_db=(0.0, 20.0), p=0.5, rng=rng),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_keeps_the_contract(name: str) -> None:
    step, batch = STEPS[name], clips()
    batch[2] = 0  # digital silence divides by no power
    before = batch.copy()
    changed = step(batch, np.random.default_rng(1))
    assert changed.shape == batch.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert np.array_equal(batch, before)
    assert not np.shares_memory(changed, batch)
    assert np.array_equal(changed, step(batch, np.random.default_rng(1)))
    assert not np.array_equal(changed, step(batch, np.random.default_rng(2)))


def test_the_chain_stays_in_full_scale() -> None:
    loud = np.sign(clips())
    changed = augmentations.augment(loud, NOISE, config=Augmentation(), rng=np.random.default_rng(0))
    assert np.abs(changed).max() <= 1


def test_shift_moves_and_fills_with_zeros() -> None:
    batch = np.ones((200, 50), np.float32)
    moved = augmentations.shift(batch, most=10, rng=np.random.default_rng(0))
    kept = moved.sum(axis=1)
    assert kept.min() == 40
    assert kept.max() == 50
    assert (moved[:, 0] == 0).any()
    assert (moved[:, -1] == 0).any()
    assert np.array_equal(augmentations.shift(batch, most=0, rng=np.random.default_rng(0)), batch)
    with pytest.raises(AudioError, match="0 to 50"):
        augmentations.shift(batch, most=51, rng=np.random.default_rng(0))


@given(st.floats(-20, 40))
def test_noise_is_mixed_at_the_ratio_asked_for(snr_db: float) -> None:
    batch = clips(3)
    noise = np.random.default_rng(0).standard_normal(batch.shape).astype(np.float32)
    added = augmentations.mix_at_snr(batch, noise, snr_db=snr_db) - batch
    ratio = 10 * np.log10(np.mean(batch**2, axis=1) / np.mean(added**2, axis=1))
    assert ratio == pytest.approx(np.full(3, snr_db), abs=0.01)


def test_stretch_keeps_the_middle_and_repeats_the_ends() -> None:
    frames = np.arange(49, dtype=np.float32)[None, :, None] * np.ones((64, 1, 3), np.float32)
    stretched = augmentations.stretch(frames, most=0.3, rng=np.random.default_rng(0))
    assert stretched.shape == frames.shape
    assert stretched[:, 24:26].mean() == pytest.approx(24.5, abs=0.5)
    assert stretched.min() >= 0
    assert stretched.max() <= 48
    slopes = stretched[:, 25, 0] - stretched[:, 24, 0]
    assert slopes.min() < 0.8
    assert slopes.max() > 1.2
    assert np.array_equal(augmentations.stretch(frames, most=0.0, rng=np.random.default_rng(0)), frames)


def test_masks_hide_bands_of_at_most_the_width_asked_for() -> None:
    keep = augmentations.feature_mask((200, 49, 40), masked_mels=6, masked_frames=10, rng=np.random.default_rng(0))
    frames, mels = ~keep.any(axis=2), ~keep.any(axis=1)
    assert keep.shape == (200, 49, 40)
    assert frames.sum(axis=1).max() == 10
    assert mels.sum(axis=1).max() <= 12
    assert frames.sum(axis=1).min() == 0
    runs = np.abs(np.diff(frames.astype(int), axis=1)).sum(axis=1)
    assert runs.max() <= 2, "one band"


def test_features_are_altered_by_the_argument_alone() -> None:
    batch = np.random.default_rng(0).standard_normal((8, 49, 40)).astype(np.float32)
    before = batch.copy()
    first, again = (
        augmentations.augment_features(batch, config=Augmentation(), rng=np.random.default_rng(1)) for _ in range(2)
    )
    assert np.array_equal(first, again)
    assert np.array_equal(batch, before)
    assert first.dtype == np.float32


def test_warps_stay_within_their_share() -> None:
    rng = np.random.default_rng(0)
    warps = {augmentations.draw_warp(Augmentation(warp=0.08), rng=rng) for _ in range(200)}
    assert min(warps) == pytest.approx(0.92)
    assert max(warps) == pytest.approx(1.08)
    assert len(warps) < 10, "filters are made once for each"
