"""Running speech: where a word is, what is strung together, and that nothing depends on more than the rng."""

from __future__ import annotations

import numpy as np
import pytest

from hanmadi.augment import connected_speech
from hanmadi.augment.connected_speech import RunningConfig
from hanmadi.errors import AudioError

RATE = 16_000
PLAIN = RunningConfig(piece_p=0.0, faster_p=0.0, gap_seconds=(0.0, 0.0), pause_p=0.0, level_db=(0.0, 0.0))


def word(start: float, stop: float, *, hz: float = 440.0, level: float = 0.3) -> np.ndarray:
    """A second with a tone from ``start`` to ``stop`` (seconds) over a quiet hiss."""
    times = np.arange(RATE) / RATE
    tone = level * np.sin(2 * np.pi * hz * times) * ((times >= start) & (times < stop))
    return (tone + np.random.default_rng(0).normal(0, 1e-3, RATE)).astype(np.float32)


@pytest.mark.parametrize(("start", "stop"), [(0.3, 0.7), (0.0, 0.25), (0.6, 1.0), (0.1, 0.9)])
@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_extent_is_where_the_word_is(start: float, stop: float, gain: float) -> None:
    ((first, last),) = connected_speech.word_extents(word(start, stop)[None] * np.float32(gain), sample_rate=RATE)
    assert first / RATE == pytest.approx(start, abs=0.03)
    assert last / RATE == pytest.approx(stop, abs=0.03)


def test_extent_of_a_silent_clip_is_all_of_it() -> None:
    assert connected_speech.word_extents(np.zeros((1, RATE), np.float32), sample_rate=RATE).tolist() == [[0, RATE]]


def test_a_strip_has_its_length_and_no_long_silence() -> None:
    clips = np.stack([word(0.3, 0.7, hz=hz) for hz in (300, 500, 900)])
    strip = connected_speech.running_speech(clips, seconds=20, sample_rate=RATE, rng=np.random.default_rng(1))
    assert strip.shape == (20 * RATE,)
    assert strip.dtype == np.float32
    level = np.sqrt(np.mean(strip[: 19 * RATE].reshape(-1, RATE) ** 2, axis=1))
    assert level.min() > 0.01  # the longest pause is shorter than a second


def test_words_follow_in_order_without_a_pause() -> None:
    clips = np.stack([word(0.2, 0.6, hz=hz) for hz in (400, 1600)])
    strip = connected_speech.running_speech(
        clips, seconds=1.6, sample_rate=RATE, rng=np.random.default_rng(0), config=PLAIN
    )
    strongest = [
        np.fft.rfft(strip[round(at * RATE) : round((at + 0.2) * RATE)]).__abs__().argmax() / 0.2
        for at in (0.1, 0.52, 0.94, 1.36)
    ]
    assert strongest == pytest.approx([400, 1600, 400, 1600], abs=5)


def test_the_rng_alone_decides() -> None:
    clips = np.stack([word(0.3, 0.7), word(0.1, 0.5, hz=700)])
    kept = clips.copy()
    first, again, other = (
        connected_speech.running_speech(clips, seconds=3, sample_rate=RATE, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(clips, kept)


def test_cuts_of_a_strip() -> None:
    strip = np.arange(100, dtype=np.int16)
    cuts = connected_speech.cuts(strip, np.array([0, 70, 31]), length=30) * 32_768
    assert cuts[:, 0].tolist() == [0, 70, 31]
    assert (np.diff(cuts, axis=1) == 1).all()


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(AudioError, match="silent"):
        connected_speech.running_speech(
            np.zeros((3, RATE), np.float32), seconds=1, sample_rate=RATE, rng=np.random.default_rng(0)
        )
    with pytest.raises(AudioError, match="expected clips"):
        connected_speech.word_extents(np.zeros(RATE, np.float32), sample_rate=RATE)
