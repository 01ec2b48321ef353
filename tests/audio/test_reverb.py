"""Rooms: sound fades as asked for, the direct path stays first, level and length are kept, inputs left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hanmadi.audio import Samples, reverb
from hanmadi.audio.reverb import SPEED_OF_SOUND, Room, RoomBank
from hanmadi.errors import AudioError

RATE = 16_000  # Hz
N = 4_000
BANK = RoomBank(RATE, N, seed=3, count=5, seconds=0.1)


def clips(count: int = 6) -> Samples:
    rng = np.random.default_rng(7)
    return (0.2 * rng.standard_normal((count, N)) * np.hanning(N)).astype(np.float32)


def response(room: Room, *, seed: int = 0, seconds: float = 1.0, rate: int = RATE) -> Samples:
    return reverb.room_response(room, sample_rate=rate, length=round(seconds * rate), rng=np.random.default_rng(seed))


def band(impulse: Samples, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    size = 2 * len(impulse)
    hz = np.fft.rfftfreq(size, 1 / RATE)
    return np.fft.irfft(np.fft.rfft(impulse, size) * ((hz >= low_hz) & (hz < high_hz)), size)[: len(impulse)]


def measured_rt60_s(echoes: NDArray[Any]) -> float:
    """From the slope between -5 and -25 dB of Schroeder's backward integral, as ISO 3382 measures T20."""
    left = np.cumsum(np.square(echoes[::-1], dtype=np.float64))[::-1]
    level_db = 10 * np.log10(left / left[0] + 1e-12)
    places = np.flatnonzero((level_db < -5) & (level_db > -25))
    return float(-60 / np.polyfit(places / RATE, level_db[places], 1)[0])


@pytest.mark.parametrize("rt60_s", [0.2, 0.4, 0.8])
def test_sound_fades_in_the_time_asked_for(rt60_s: float) -> None:
    room = Room(rt60_s, treble=0.6)
    responses = [response(room, seed=seed, seconds=1.5)[1:] for seed in range(4)]
    low, high = (
        np.mean([measured_rt60_s(band(r, *edges)) for r in responses]) for edges in ((200, 1_000), (3_500, 4_500))
    )
    assert low == pytest.approx(rt60_s, rel=0.1)
    assert 0.55 * rt60_s < high < 0.85 * low, "curtains take high frequencies first"
    even = response(Room(rt60_s, treble=1.0), seconds=1.5)[1:]
    assert measured_rt60_s(even) == pytest.approx(rt60_s, rel=0.06)


@pytest.mark.parametrize("distance_m", [0.3, 1.0, 3.0])
def test_echoes_have_the_energy_that_theory_gives_a_distance(distance_m: float) -> None:
    """Sabine's diffuse field with the loss on the way there: Barron and Lee (1988)."""
    room = Room(0.4, distance_m, 60.0, treble=1.0)
    energy = np.mean([np.sum(np.square(response(room, seed=seed)[1:], dtype=np.float64)) for seed in range(12)])
    fall = 6 * np.log(10)
    sphere = 4 * np.pi * SPEED_OF_SOUND * distance_m**2 / room.volume_m3
    theory = sphere * room.rt60_s / fall * np.exp(-fall * distance_m / SPEED_OF_SOUND / room.rt60_s)
    assert -10 * np.log10(energy) == pytest.approx(-10 * np.log10(theory), abs=0.8)


def test_the_direct_path_is_first_then_few_echoes_then_many() -> None:
    impulse = response(Room(0.5, 1.0, 60.0, treble=1.0))
    assert impulse.dtype == np.float32
    assert impulse[0] == 1
    assert np.abs(impulse[1:]).max() < 1
    echoes = [np.mean(np.abs(impulse[a:b]) > 1e-5) for a, b in ((1, 160), (3_200, 4_800))]
    assert 0 < echoes[0] < 0.1
    assert echoes[1] > 0.7


@given(st.floats(0.05, 3.0), st.floats(0.02, 20.0), st.floats(5.0, 5_000.0), st.floats(0.1, 1.0), st.integers(1, 500))
def test_every_room_has_a_finite_response(
    rt60_s: float, distance_m: float, volume_m3: float, treble: float, length: int
) -> None:
    room = Room(rt60_s, distance_m, volume_m3, treble)
    impulse = reverb.room_response(room, sample_rate=8_000, length=length, rng=np.random.default_rng(0))
    assert impulse.shape == (length,)
    assert np.isfinite(impulse).all()
    assert impulse[0] == 1


def test_a_response_of_one_sample_changes_nothing() -> None:
    batch = clips()
    delta = np.zeros(300, np.float32)
    delta[0] = 1
    assert reverb.reverberate(batch, delta) == pytest.approx(batch, abs=1e-6)
    assert reverb.reverberate(batch, delta[:1]) == pytest.approx(batch, abs=1e-6)
    assert reverb.reverberate(batch, np.tile(delta, (len(batch), 1))) == pytest.approx(batch, abs=1e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 3), (100, 1), (97, 61), (50, 200)])
def test_reverberation_is_convolution_at_the_level_of_the_clip(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    batch, responses = (rng.standard_normal((4, size)).astype(np.float32) for size in (n, m))
    wet = reverb.reverberate(batch, responses)
    for clip, impulse, heard in zip(batch, responses, wet, strict=True):
        expected = np.convolve(clip, impulse)[:n]
        expected *= np.linalg.norm(clip) / np.linalg.norm(expected)
        assert heard == pytest.approx(expected, abs=1e-5)


def test_reverberation_keeps_the_contract() -> None:
    batch = clips()
    batch[2] = 0  # digital silence has no level to keep
    impulse = response(Room(), seconds=0.2)
    before = batch.copy(), impulse.copy()
    wet = reverb.reverberate(batch, impulse)
    assert wet.shape == batch.shape
    assert wet.dtype == np.float32
    assert not wet[2].any()
    assert np.linalg.norm(wet, axis=1) == pytest.approx(np.linalg.norm(batch, axis=1), rel=1e-4)
    assert not np.shares_memory(wet, batch)
    assert np.array_equal(batch, before[0])
    assert np.array_equal(impulse, before[1])


def test_rooms_are_drawn_by_the_argument_alone() -> None:
    batch = clips()
    before = batch.copy()
    placed = reverb.place_in_rooms(batch, BANK, p=0.7, rng=np.random.default_rng(1))
    other_bank = RoomBank(RATE, N, seed=3, count=5, seconds=0.1)
    assert np.array_equal(placed, reverb.place_in_rooms(batch, other_bank, p=0.7, rng=np.random.default_rng(1)))
    assert not np.array_equal(placed, reverb.place_in_rooms(batch, BANK, p=0.7, rng=np.random.default_rng(2)))
    assert np.array_equal(batch, before)
    assert placed.dtype == np.float32
    assert np.linalg.norm(placed, axis=1) == pytest.approx(np.linalg.norm(batch, axis=1), rel=1e-4)


def test_the_probability_is_that_of_a_room() -> None:
    batch = np.tile(clips(1), (200, 1))
    for p, least, most in ((0.0, 0, 0), (0.3, 35, 85), (1.0, 200, 200)):
        placed = reverb.place_in_rooms(batch, BANK, p=p, rng=np.random.default_rng(0))
        assert least <= int((placed != batch).any(axis=1).sum()) <= most
    assert len(np.unique(placed.round(4), axis=0)) == BANK.count


def test_a_clip_in_a_room_is_what_reverberate_makes_of_it() -> None:
    batch = clips(3)
    placed = reverb.place_in_rooms(batch, BANK, p=1.0, rng=np.random.default_rng(4))
    possible = np.stack([reverb.reverberate(batch, impulse) for impulse in BANK.responses])
    assert np.abs(possible - placed).max(axis=2).min(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)


def test_banks_of_other_seeds_have_other_rooms() -> None:
    other = RoomBank(RATE, N, seed=4, count=5, seconds=0.1)
    assert BANK.responses.shape == (5, 1_600)
    assert len(np.unique(BANK.responses, axis=0)) == 5
    assert not (BANK.responses[:, None] == other.responses[None]).all(axis=2).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Room(rt60_s=0.0), "RT60 above 0"),
        (lambda: Room(rt60_s=np.nan), "RT60 above 0"),
        (lambda: Room(distance_m=-1.0), "distance above 0 m"),
        (lambda: Room(volume_m3=0.0), "volume above 0 m3"),
        (lambda: Room(treble=1.2), "treble above 0 and up to 1"),
        (lambda: RoomBank(RATE, 0, seed=0), "a clip length"),
        (lambda: RoomBank(RATE, N, seed=0, rt60_s=(0.5, 0.2)), "from low to high"),
        (lambda: RoomBank(RATE, N, seed=0, distance_m=(0.0, 2.0)), "distance above 0 m"),
        (lambda: response(Room(), seconds=0.0), "length above 0"),
        (lambda: reverb.reverberate(clips()[0], clips()[0]), "clips .batch, n. and responses"),
        (lambda: reverb.reverberate(clips(), np.zeros(0)), "clips .batch, n. and responses"),
        (lambda: reverb.reverberate(clips(3), clips(2)), "one a clip, got 2 for 3"),
        (lambda: reverb.place_in_rooms(clips()[:, 1:], BANK, p=1.0, rng=np.random.default_rng(0)), r"\(batch, 4000\)"),
    ],
)
def test_errors_say_what_was_expected(wrong: Any, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        wrong()
