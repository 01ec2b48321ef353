"""Noise and silence: levels, variety, randomness from the argument alone, rarely zeros."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi import audio
from hanmadi.audio import Samples, noise
from hanmadi.audio.noise import NoiseBank, Rng

RATE = 16_000  # Hz
N = 4_000
RECORDINGS = [np.random.default_rng(i).integers(-3_000, 3_000, 9_000 + i).astype(np.int16) for i in range(2)]
KINDS: dict[str, Callable[[Rng], Samples]] = {
    "coloured": lambda rng: noise.coloured_noise(6, N, rng=rng),
    "hums": lambda rng: noise.hums(6, N, sample_rate=RATE, rng=rng),
    "events": lambda rng: noise.events(6, N, sample_rate=RATE, rng=rng),
    "drawn": lambda rng: NoiseBank(RECORDINGS, RATE, N, 0).draw(6, rng=rng),
    "drawn without recordings": lambda rng: NoiseBank([], RATE, N, 0).draw(6, rng=rng),
}


@pytest.mark.parametrize("name", KINDS)
def test_noise_has_an_rms_of_1_and_depends_on_rng_alone(name: str) -> None:
    made, again, other = (KINDS[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert made.shape == (6, N)
    assert made.dtype == np.float32
    assert np.sqrt(np.mean(made**2, axis=1)) == pytest.approx(np.ones(6), rel=1e-2)
    assert np.array_equal(made, again)
    assert not np.array_equal(made, other)


def test_coloured_noise_differs_in_colour() -> None:
    spectra = np.abs(np.fft.rfft(noise.coloured_noise(60, N, rng=np.random.default_rng(0))))
    balance = np.log(spectra[:, 1:200].mean(axis=1) / spectra[:, 1_000:].mean(axis=1))
    assert balance.min() < 1
    assert balance.max() > 4


def test_hums_have_tones() -> None:
    spectra = np.abs(np.fft.rfft(noise.hums(20, N, sample_rate=RATE, rng=np.random.default_rng(0))))
    assert np.median(spectra.max(axis=1) / np.median(spectra, axis=1)) > 50


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    recordings=st.sampled_from([0, 1, 2, 3]),
)
def test_silence_is_a_clip(seed: int, recordings: int) -> None:
    silence = BANKS[recordings].silence(rng=np.random.default_rng(seed))
    assert silence.dtype == np.int16
    assert silence.shape == (N,)


@pytest.mark.parametrize("recordings", [0, 1, 2, 3])
def test_silence_is_rarely_zeros(recordings: int) -> None:
    rng = np.random.default_rng(0)
    zeros = np.mean([not BANKS[recordings].silence(rng=rng).any() for _ in range(400)])
    assert 0 < zeros < 0.2


# shared, as made noise is made once: none, some, one that is digital silence, one shorter than a clip
BANKS = [
    NoiseBank(recordings, RATE, N, 0)
    for recordings in ([], RECORDINGS, [np.zeros(9_000, np.int16)], [np.full(300, 5_000, np.int16)])
]


def test_silence_comes_at_many_levels() -> None:
    rng = np.random.default_rng(0)
    levels = [audio.rms(audio.from_int16(BANKS[1].silence(rng=rng))) for _ in range(300)]
    assert min(levels) < 2e-4
    assert max(levels) > 0.1


def test_digital_silence_stays_silent() -> None:
    assert np.array_equal(noise.unit(np.zeros((2, 5), np.float32)), np.zeros((2, 5)))


def test_decibels() -> None:
    assert noise.from_db([0, 20, -20]) == pytest.approx([1, 10, 0.1])
