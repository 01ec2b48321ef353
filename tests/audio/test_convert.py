"""What samples may be: shapes, kinds of numbers, rates, levels, and channels that cancel."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hanmadi import audio, load
from hanmadi.audio import Intake, Samples, Sound
from hanmadi.errors import AudioError
from hanmadi.inference.recognizer import Recognizer
from hanmadi.inference.stream import Stream

RATE = 16_000
TONE = (0.3 * np.sin(np.arange(RATE) / 7)).astype(np.float32)


@pytest.fixture(scope="module")
def small() -> Recognizer:
    return load("small")


def heard(samples: NDArray[Any], from_rate: int = RATE) -> Samples:
    """What a stream hears."""
    intake = Intake(from_rate, RATE)
    return np.concatenate([*intake.push(samples), *intake.flush()])


def ways(recognizer: Recognizer) -> list[Callable[[NDArray[Any]], object]]:
    """Of samples into the library."""
    return [
        lambda x: recognizer.predict(x, sample_rate=RATE),
        lambda x: Stream(recognizer, sample_rate=RATE).push(x),
        lambda x: audio.to_clip(Sound(audio.as_float(x), RATE), sample_rate=RATE, length=RATE),
    ]


# ---- shapes ----


@pytest.mark.parametrize("shape", [(1, RATE), (2, RATE), (1, 40), (6, 9), (2, 160)])
def test_channels_first_are_refused_with_the_cure(small: Recognizer, shape: tuple[int, ...]) -> None:
    for way in ways(small):
        with pytest.raises(AudioError, match=r"pass samples\.T"):
            way(np.zeros(shape, np.float32))
    with pytest.raises(AudioError, match=r"pass samples\.T"):
        audio.to_mono(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(RATE, 1), (RATE, 2), (RATE, 32), (3, 8), (1, 2)])
def test_samples_first_are_heard(small: Recognizer, shape: tuple[int, ...]) -> None:
    for way in ways(small):
        way(np.zeros(shape, np.float32))


# ---- kinds of numbers ----


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">i2", "longdouble"])
def test_floats_and_int16_of_any_order_are_the_same_sound(small: Recognizer, kind: str) -> None:
    expected = small.predict(TONE, sample_rate=RATE)
    given = (audio.to_int16(TONE) if kind.endswith("i2") else TONE).astype(kind)
    found = small.predict(given, sample_rate=RATE)
    assert found.label == expected.label
    assert found.score == pytest.approx(expected.score, abs=0.01)
    np.testing.assert_allclose(heard(given), TONE, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "cure"),
    [("int8", "full scale"), ("int32", r"samples / 2\.0\*\*31"), (">i4", "full scale"), ("int64", "full scale"),
     ("uint16", "full scale"), ("uint8", r"\(samples - 128\.0\) / 128"), ("bool", "int16"), ("object", "int16"),
     ("complex64", "int16"), ("<U4", "int16")],
)  # fmt: skip
def test_other_numbers_are_refused_with_the_cure(small: Recognizer, kind: str, cure: str) -> None:
    for way in ways(small):
        with pytest.raises(AudioError, match=f"expected samples of float .*{cure}"):
            way(np.zeros(RATE).astype(kind))


# ---- rates ----


@pytest.mark.parametrize("rate", [None, "16000", b"16000", 0, -1, 8, 16, 44.1, np.nan, np.inf, True, [16_000], 10**8])
def test_odd_rates_are_refused(small: Recognizer, rate: Any) -> None:
    with pytest.raises(AudioError, match="expected a sample rate in whole Hz"):
        small.predict(TONE, sample_rate=rate)
    with pytest.raises(AudioError, match="expected a sample rate in whole Hz"):
        audio.to_clip(Sound(TONE, rate), sample_rate=RATE, length=RATE)
    if rate is not None:  # the model's
        with pytest.raises(AudioError, match="expected a sample rate in whole Hz"):
            Stream(small, sample_rate=rate)


@pytest.mark.parametrize("rate", [16_000, 16_000.0, np.int32(16_000), np.float64(16_000)])
def test_whole_rates_of_any_type_are_taken(small: Recognizer, rate: Any) -> None:
    assert small.predict(TONE, sample_rate=rate) == small.predict(TONE, sample_rate=RATE)


# ---- levels ----


@pytest.mark.parametrize("scale", [60, 32_768, 2**23, 2**31])
@pytest.mark.parametrize("channels", [1, 2])
def test_numbers_that_are_not_in_one_are_refused(small: Recognizer, scale: float, channels: int) -> None:
    loud = np.repeat(scale * TONE[:, None], channels, axis=1).astype(np.float32)
    for way in ways(small):
        with pytest.raises(AudioError, match="divide them by 32768"):
            way(loud)


def test_quiet_whole_numbers_are_refused_and_a_square_wave_is_not() -> None:
    with pytest.raises(AudioError, match="16-bit numbers as float"):
        audio.check_sound(np.rint(10 * TONE))
    audio.check_sound(np.sign(TONE))
    audio.check_sound(np.zeros(5, np.float32))


@pytest.mark.parametrize("gain", [1.0, 3.2, 12.0])
def test_what_exceeds_full_scale_is_clipped_in_clip_and_stream_alike(gain: float) -> None:
    loud = (gain * 3.3 * TONE).astype(np.float32)
    clip = audio.to_clip(Sound(loud, RATE), sample_rate=RATE, length=RATE)
    np.testing.assert_array_equal(clip, np.clip(loud, -1, 1))
    np.testing.assert_array_equal(heard(loud), clip)
    assert abs(heard(np.sign(TONE), 8_000)).max() == 1, "resampling overshoots"


def test_a_stream_survives_broken_samples_and_refuses_a_wrong_scale() -> None:
    intake = Intake(RATE, RATE)
    broken = TONE.copy()
    broken[::40] = 1e4  # 25 ms of a second
    for _ in range(30):
        np.testing.assert_array_equal(np.concatenate(list(intake.push(broken)))[1::40], TONE[1::40])
    assert intake.bad_samples == 30 * 400
    with pytest.raises(AudioError, match="divide them by 32768"):
        list(chain.from_iterable(map(intake.push, np.array_split(np.rint(TONE * 32_768), 400))))


class Elsewhere:
    """As a tensor on a GPU."""

    def __array__(self, dtype: object = None, copy: object = None) -> None:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def detach(self) -> None:
        """Only its name counts."""


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.ma.masked_array(TONE, mask=TONE > 0), r"samples\.filled\(0\)"), ([[0.0], [0.0, 1.0]], "got list"),
     (Elsewhere(), r"samples\.detach\(\)\.float\(\)\.cpu\(\)\.numpy\(\)")],
)  # fmt: skip
def test_what_is_no_array_is_told_with_the_cure(samples: Any, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        audio.as_float(samples)


# ---- channels that cancel ----


def channels(*gains: float, dc: float = 0.0, noise: float = 0.0) -> Samples:
    rng = np.random.default_rng(0)
    found = TONE[:, None] * np.array(gains) + dc + noise * rng.standard_normal((RATE, len(gains)))
    return found.astype(np.float32)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [((1, -1), 1), ((1, -0.9), 1), ((-0.5, 0.6), 0.6), ((0.7, -1), -1), ((1, -1, 0, 0), 1), ((1, 1), 1), ((1, 0), 0.5),
     ((0, 1), 0.5), ((1, 0.5), 0.75), ((1, -0.3), 0.35), ((1, -0.6), 1), ((1, 0.2), 0.6), ((0.2, 0.3, 0.4), 0.3),
     ((0, 0), 0)],
)  # fmt: skip
@pytest.mark.parametrize("dc", [0.0, 0.2])
def test_the_mean_or_the_strongest_where_it_cancels(gains: tuple[float, ...], expected: float, dc: float) -> None:
    """Whole and streamed alike, in blocks of any size."""
    given = channels(*gains, dc=dc)
    for found in (audio.to_mono(given), heard(given)):
        np.testing.assert_allclose(found, expected * TONE + dc, atol=1e-6)
    np.testing.assert_array_equal(heard(given), streamed(given, 37))


def streamed(samples: Samples, size: int) -> Samples:
    intake = Intake(RATE, RATE)
    blocks = [samples[start : start + size] for start in range(0, len(samples), size)]
    return np.concatenate([part for block in blocks for part in intake.push(block)] + list(intake.flush()))


def test_opposite_phase_in_noise_is_found() -> None:
    assert_one_channel(channels(1, -1, noise=0.02))
    np.testing.assert_array_equal(audio.to_mono(channels(0, 0, noise=0.1)), channels(0, 0, noise=0.1).mean(axis=1))


def word_between(start: float = 0.3, end: float = 0.8) -> Samples:
    """A second with a vowel in its middle: harmonics of 120 Hz, a formant at 600 Hz."""
    time = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 120 * k * time) / (1 + (k / 3 - 5 / 3) ** 2) for k in range(1, 20))
    return (0.1 * vowel * ((time >= start) & (time < end))).astype(np.float32)


@pytest.mark.parametrize("hertz", [50, 60, 150])
@pytest.mark.parametrize("level", [0.03, 0.1, 0.3])
def test_opposite_phase_with_common_hum_is_found(hertz: int, level: float) -> None:
    """The mean is hum alone, and may be louder than the word."""
    word, hum = word_between(), level * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    given = np.column_stack([hum + word, hum - word]).astype(np.float32)
    assert_one_channel(given)


def assert_one_channel(given: Samples) -> None:
    """Whole, and streamed from the first pieces of the word on."""
    late = int(0.34 * RATE)
    for found, wanted in ((audio.to_mono(given), given), (streamed(given, 160)[late:], given[late:])):
        assert any(np.array_equal(found, wanted[:, channel]) for channel in (0, 1))


@pytest.mark.parametrize("snr_db", [20, 10, 3])
def test_opposite_phase_with_common_noise_is_found(snr_db: float) -> None:
    word = word_between()
    power = float(np.square(word).mean()) * 2  # while it is said
    noise = np.random.default_rng(0).standard_normal(RATE)
    noise = np.convolve(noise, [0.6, 0.3, 0.1], "same")  # of a room, weak in the treble
    noise *= np.sqrt(power / 10 ** (snr_db / 10) / np.square(noise).mean())
    given = np.column_stack([noise + word, noise - word]).astype(np.float32)
    assert_one_channel(given)


def test_a_word_in_both_channels_stays_their_mean_with_opposite_hum() -> None:
    word, hum = word_between(), 0.3 * np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE)
    given = np.column_stack([word + hum, word - hum]).astype(np.float32)
    np.testing.assert_allclose(audio.to_mono(given), word, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_two_microphones_with_noise_of_their_own_stay_a_mean(seed: int) -> None:
    noise = 0.05 * np.random.default_rng(seed).standard_normal((4 * RATE, 2))
    for given in (noise, noise + np.tile(word_between(), 4)[:, None]):
        given = given.astype(np.float32)
        np.testing.assert_array_equal(audio.to_mono(given), given.mean(axis=1))
        np.testing.assert_array_equal(streamed(given, 160), given.mean(axis=1))


def test_a_stream_does_not_change_its_channel_within_a_word() -> None:
    """Once chosen, a channel stays: in pauses, where the other is a little louder, and where the two agree again."""
    quiet = 0.01 * channels(0.8, -1)
    given = np.concatenate(
        [np.zeros((RATE, 2), np.float32), channels(1, -0.9), quiet, channels(0.9, -1), channels(1, 1)]
    )
    for size in (100, 4_096, len(given)):
        np.testing.assert_array_equal(streamed(given, size), given[:, 0])


def test_a_stream_leaves_a_channel_that_falls_silent() -> None:
    given = np.concatenate([channels(1, -1), *[channels(0, 0.9)] * 12])
    found = streamed(given, 1_000)
    np.testing.assert_array_equal(found[:RATE], given[:RATE, 0])
    np.testing.assert_array_equal(found[-RATE:], given[-RATE:, 1])


def test_faint_dither_decides_nothing() -> None:
    given = np.concatenate([channels(1e-4, -1e-4), channels(0, 0.8)])
    np.testing.assert_array_equal(streamed(given, 500)[RATE:], given[RATE:].mean(axis=1))
