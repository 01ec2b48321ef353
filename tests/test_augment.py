"""What happens to training clips: shapes, ranges, randomness from the argument alone, inputs left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi import augment, audio
from hanmadi.audio import Samples
from hanmadi.augment import Augmentation, Rng, make_silence
from hanmadi.errors import AudioError

RATE = 16_000  # Hz
N = 4_000
NOISES = [np.random.default_rng(i).integers(-3_000, 3_000, 9_000 + i).astype(np.int16) for i in range(2)]


def clips(count: int = 6) -> Samples:
    rng = np.random.default_rng(7)
    return (0.2 * rng.standard_normal((count, N)) * np.hanning(N)).astype(np.float32)


STEPS: dict[str, Callable[[Samples, Rng], Samples]] = {
    "augment": lambda x, rng: augment.augment(x, NOISES, sample_rate=RATE, config=Augmentation(), rng=rng),
    "without noises": lambda x, rng: augment.augment(x, [], sample_rate=RATE, config=Augmentation(), rng=rng),
    "shift": lambda x, rng: augment.shift(x, most=500, rng=rng),
    "noise": lambda x, rng: augment.add_noise(x, NOISES, snr_db=(0.0, 20.0), p=0.5, rng=rng),
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
    changed = augment.augment(loud, NOISES, sample_rate=RATE, config=Augmentation(), rng=np.random.default_rng(0))
    assert np.abs(changed).max() <= 1


def test_shift_moves_and_fills_with_zeros() -> None:
    batch = np.ones((200, 50), np.float32)
    moved = augment.shift(batch, most=10, rng=np.random.default_rng(0))
    kept = moved.sum(axis=1)
    assert kept.min() == 40
    assert kept.max() == 50
    assert (moved[:, 0] == 0).any()
    assert (moved[:, -1] == 0).any()
    assert np.array_equal(augment.shift(batch, most=0, rng=np.random.default_rng(0)), batch)
    with pytest.raises(AudioError, match="0 to 50"):
        augment.shift(batch, most=51, rng=np.random.default_rng(0))


@given(st.floats(-20, 40))
def test_noise_is_mixed_at_the_ratio_asked_for(snr_db: float) -> None:
    batch = clips(3).astype(np.float64)
    noise = np.random.default_rng(0).standard_normal(batch.shape)
    added = augment.mix_at_snr(batch, noise, snr_db=snr_db) - batch
    ratio = 10 * np.log10(np.mean(batch**2, axis=1) / np.mean(added**2, axis=1))
    assert ratio == pytest.approx(np.full(3, snr_db), abs=0.01)


def test_noise_comes_only_from_the_recordings_given_or_is_made() -> None:
    """A short recording is repeated; silent ones do no harm."""
    for noises in ([NOISES[0][:100]], [np.zeros(9_000, np.int16)], []):
        noisy = augment.add_noise(clips(), noises, snr_db=(0.0, 0.0), p=1.0, rng=np.random.default_rng(0))
        assert np.isfinite(noisy).all()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    noises=st.sampled_from([[], NOISES, [np.zeros(9_000, np.int16)], [np.full(300, 5_000, np.int16)]]),
)
def test_silence_is_never_zeros_and_never_constant(seed: int, noises: list[np.ndarray]) -> None:
    silence = make_silence(8, N, noises, rng=np.random.default_rng(seed))
    assert silence.dtype == np.int16
    assert silence.shape == (8, N)
    assert (silence.std(axis=1) > 0.1).all()
    assert (np.count_nonzero(silence, axis=1) > N // 10).all()
    assert audio.rms(audio.from_int16(silence)) < 0.7


def test_silence_comes_at_many_levels() -> None:
    levels = make_silence(300, 1_000, NOISES, rng=np.random.default_rng(0)).std(axis=1)
    assert levels.min() < 3
    assert levels.max() > 1_000


def test_silence_without_any() -> None:
    assert make_silence(0, N, NOISES, rng=np.random.default_rng(0)).shape == (0, N)


@pytest.mark.parametrize("length", [2, 101, 1_000])
def test_coloured_noise_has_unit_level(length: int) -> None:
    noise = augment.coloured_noise(20, length, rng=np.random.default_rng(0))
    assert noise.shape == (20, length)
    assert np.sqrt(np.mean(noise**2, axis=1)) == pytest.approx(np.ones(20), rel=1e-3)


def test_decibels() -> None:
    assert augment.from_db([0, 20, -20]) == pytest.approx([1, 10, 0.1])
