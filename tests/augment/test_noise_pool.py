"""Noise that is altered anew: levels, speed, variety, what a voice without words sounds like."""

from __future__ import annotations

import numpy as np
import pytest

from hanmadi.audio import Samples
from hanmadi.audio.noise import NoiseBank
from hanmadi.augment.noise_pool import NoisePool, augmented, calls, noise_pool

RATE = 16_000  # Hz
N = 8_000
TONE = np.sin(2 * np.pi * 1_000 * np.arange(2 * N) / RATE).astype(np.float32)
BANK = NoiseBank([(9_000 * TONE).astype(np.int16)], RATE, N, 0, recorded_share=1.0)


def rms(sounds: Samples) -> Samples:
    level: Samples = np.sqrt(np.mean(np.square(sounds), axis=-1))
    return level


def loudest_hz(sound: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


def test_a_pool_depends_on_rng_alone() -> None:
    one, again, other = (noise_pool(BANK, 5, rng=np.random.default_rng(seed)).sounds for seed in (1, 1, 2))
    assert one.shape == (5, N)
    assert one.dtype == np.float32
    assert rms(one) == pytest.approx(np.ones(5), rel=1e-3)
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


def test_a_sound_is_played_faster_and_slower() -> None:
    tones = [loudest_hz(augmented(TONE, N, rng=np.random.default_rng(seed))) for seed in range(200)]
    assert min(tones) == pytest.approx(1_000 * np.exp(-0.6), rel=0.05)
    assert max(tones) == pytest.approx(1_000 * np.exp(0.6), rel=0.05)


def test_a_pool_has_more_of_the_recordings_than_of_calls() -> None:
    sounds = noise_pool(BANK, 60, rng=np.random.default_rng(0)).sounds
    pure = [np.sort(np.abs(np.fft.rfft(sound)) ** 2)[-40:].sum() > 0.95 * N / 2 * N for sound in sounds]
    assert 0.7 < np.mean(pure) < 1


def test_cuts_of_a_pool_are_of_one_or_two_sounds() -> None:
    low, high = (np.sin(2 * np.pi * hz * np.arange(N) / RATE) * np.sqrt(2) for hz in (500, 3_000))
    pool = NoisePool(np.stack([low, high]).astype(np.float32), RATE)
    drawn = pool.draw(200, rng=np.random.default_rng(0))
    assert rms(drawn) == pytest.approx(np.ones(200), rel=1e-2)
    spectra = np.abs(np.fft.rfft(drawn))
    both = np.minimum(spectra[:, 500 * N // RATE], spectra[:, 3_000 * N // RATE]) > 0.05 * N
    assert 0.1 < both.mean() < 0.3  # a second one to four in ten, half of them of the other kind


def test_no_cuts_of_a_pool() -> None:
    assert noise_pool(BANK, 2, rng=np.random.default_rng(0)).draw(0, rng=np.random.default_rng(0)).shape == (0, N)


def test_silence_of_a_pool_comes_at_many_levels() -> None:
    clips = noise_pool(BANK, 20, rng=np.random.default_rng(0)).silence(200, rng=np.random.default_rng(0))
    assert clips.dtype == np.int16
    assert clips.shape == (200, N)
    levels = 20 * np.log10(rms(clips / np.float32(2**15)))
    assert levels.min() < -75
    assert levels.max() > -10


def test_digital_silence_stays_silent() -> None:
    assert not augmented(np.zeros(2 * N, np.float32), N, rng=np.random.default_rng(0)).any()


def test_a_filter_changes_the_colour_and_nothing_else_does() -> None:
    white = np.random.default_rng(0).standard_normal(2 * N).astype(np.float32)
    spectra = [np.abs(np.fft.rfft(augmented(white, N, rng=np.random.default_rng(seed)))) for seed in range(40)]
    balance = [20 * np.log10(s[100:400].mean() / s[1_000:2_000].mean()) for s in spectra]
    assert max(balance) - min(balance) > 8
    assert np.median(np.abs(balance)) < 4


def test_calls_have_harmonics_and_pauses() -> None:
    made = calls(40, 2 * N, sample_rate=RATE, rng=np.random.default_rng(0))
    assert rms(made) == pytest.approx(np.ones(40), rel=1e-3)
    frames = rms(made.reshape(40, -1, 160))  # 10 ms
    assert np.mean(frames.min(axis=1) < 0.05 * frames.max(axis=1)) > 0.5
    peaks = np.abs(np.fft.rfft(made))
    assert np.median(peaks.max(axis=1) / np.median(peaks, axis=1)) > 20
