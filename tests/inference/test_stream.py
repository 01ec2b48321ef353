"""Streamed equals whole for blocks of any size and rate; gaps and bad samples; memory; what must not be heard."""

from __future__ import annotations

import gc
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hanmadi import audio, load
from hanmadi.audio import LOUDEST, Intake, Samples
from hanmadi.card import Card, Decisions
from hanmadi.errors import AudioError
from hanmadi.inference.decisions import DecisionConfig
from hanmadi.inference.recognizer import Recognizer
from hanmadi.inference.stream import Gap, Listener, Stream, Window, listen, windows_of
from hanmadi.labels import COURSE_KEYWORDS

RATE = 16_000  # Hz
RATES = (8_000, 16_000, 44_100, 48_000)
BLOCKS = (1, 37, 160, 1_600, 4_096, 160_000)


class Fake:
    """A recogniser whose scores tell one bit of difference in any sample."""

    labels = ("yes", "no", "silence")
    sample_rate = RATE
    clip_samples = 4_000

    def __init__(self) -> None:
        self.about = Card(self.labels, self.sample_rate, self.clip_samples)

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        assert clips.shape == (1, self.clip_samples)
        assert clips.dtype == np.float32
        code = zlib.crc32(np.ascontiguousarray(clips).tobytes())
        share = [(code >> bits & 0xFFFF) / 0x1FFFF for bits in (0, 16)]
        return np.array([[*share, 1 - sum(share)]], np.float32)


@pytest.fixture(scope="module")
def small() -> Recognizer:
    return load("small")


def noise(seconds: float, rate: int = RATE, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    return (0.2 * rng.standard_normal(round(seconds * rate))).astype(np.float32)


def pushed(stream: Stream, samples: NDArray[Any], sizes: Iterable[int]) -> list[Window]:
    """All windows of samples that come in blocks of these sizes."""
    found, start = [], 0
    for size in sizes:
        found += stream.push(samples[start : start + size])
        start += size
        if start >= len(samples):
            break
    return found + stream.push(samples[start:]) + stream.flush()


def forever(size: int) -> Iterator[int]:
    while True:
        yield size


def check_same(found: list[Window], times: NDArray[np.float64], scores: NDArray[np.float32]) -> None:
    """Difference 0.0."""
    assert len(scores) > 1
    assert np.ptp(scores, axis=0).max() > 0.1, "constant scores would pass anything"
    np.testing.assert_array_equal([window.time_s for window in found], times)
    np.testing.assert_array_equal([window.scores for window in found], scores)


# ---- streamed equals whole ----


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("block", BLOCKS)
def test_streamed_is_whole(block: int, rate: int) -> None:
    samples = noise(0.8 if block == 1 else 3, rate)
    times, scores = windows_of(Fake(), samples, sample_rate=rate, hop_s=0.05)
    check_same(pushed(Stream(Fake(), sample_rate=rate, hop_s=0.05), samples, forever(block)), times, scores)
    assert times[0] == 0.25
    assert abs(times[-1] - len(samples) / rate) < 0.05


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 3_000), max_size=60), st.sampled_from((*RATES, 11_025, 96_000)),
    st.sampled_from((1, 3, 160, 777, 1_600, 4_000)), st.integers(1, 3), st.booleans(),
)  # fmt: skip
def test_streamed_is_whole_for_random_blocks(
    sizes: list[int], rate: int, hop: int, channels: int, as_int16: bool
) -> None:
    frames = round((0.3 if hop < 100 else 1.2) * rate)
    samples: NDArray[Any] = noise(channels * frames / rate, rate).reshape(frames, channels)
    samples = audio.to_int16(samples) if as_int16 else samples
    times, scores = windows_of(Fake(), samples, sample_rate=rate, hop_s=hop / RATE)
    found = pushed(Stream(Fake(), sample_rate=rate, hop_s=hop / RATE), samples, sizes)
    np.testing.assert_array_equal([window.time_s for window in found], times)
    np.testing.assert_array_equal(np.array([window.scores for window in found]).reshape(scores.shape), scores)


@pytest.mark.parametrize("rate", RATES)
def test_streamed_is_whole_with_a_real_network(small: Recognizer, rate: int) -> None:
    rng = np.random.default_rng(rate)
    t = np.arange(12 * rate) / rate
    glide = np.sin(2 * np.pi * (300 * t + 900 * np.sin(t)))  # what varies enough for the scores to vary
    samples = (0.3 * glide * (np.sin(3 * t) > 0) + 0.01 * rng.standard_normal(len(t))).astype(np.float32)
    times, scores = windows_of(small, samples, sample_rate=rate)
    assert len(times) == 111
    check_same(pushed(Stream(small, sample_rate=rate), samples, iter(rng.integers(0, 9_000, 500))), times, scores)


def test_windows_are_those_that_predict_would_hear(small: Recognizer) -> None:
    samples = noise(3)
    times, scores = windows_of(small, samples, hop_s=0.5)
    np.testing.assert_array_equal(times, [1, 1.5, 2, 2.5, 3])
    clips = np.stack([samples[start : start + RATE] for start in range(0, 2 * RATE + 1, RATE // 2)])
    np.testing.assert_allclose(scores, small.scores(clips), atol=1e-6)


def test_resampled_as_a_whole_file_is() -> None:
    """The window of a stream at 44.1 kHz is what `audio.resample` makes of the recording."""
    heard = []

    class Keeping(Fake):
        def scores(self, clips: Samples) -> NDArray[np.float32]:
            heard.append(clips[0].copy())
            return super().scores(clips)

    samples = noise(1, 44_100)
    pushed(Stream(Keeping(), sample_rate=44_100, hop_s=0.25), samples, forever(1_000))
    np.testing.assert_allclose(np.concatenate(heard), audio.resample(samples, 44_100, RATE), atol=1e-6)


def test_kinds_of_blocks_are_the_same_sound() -> None:
    samples = audio.to_int16(noise(1))
    expected = windows_of(Fake(), samples)
    stereo = np.stack([samples, samples], axis=1)
    for kind in (audio.from_int16(samples), audio.from_int16(samples).astype(np.float64), samples[:, None], stereo):
        check_same(pushed(Stream(Fake()), kind, forever(333)), *expected)


def test_less_than_a_clip_has_no_window() -> None:
    times, scores = windows_of(Fake(), noise(0.2))
    assert times.shape == (0,)
    assert scores.shape == (0, 3)
    assert pushed(Stream(Fake()), noise(0.2), forever(100)) == []


def test_scores_are_not_the_streams_to_change() -> None:
    stream = Stream(Fake())
    first = stream.push(noise(0.25))[0].scores.copy()
    found = pushed(stream, noise(2, seed=1), forever(160))
    assert not any(np.shares_memory(window.scores, stream._buffer) for window in found)
    np.testing.assert_array_equal(first, Stream(Fake()).push(noise(0.25))[0].scores)


# ---- trouble ----


def test_a_short_gap_is_heard_as_zeros() -> None:
    stream = Stream(Fake(), hop_s=0.05)
    samples = noise(1)
    found = stream.push(samples[:7_000]) + stream.gap(0.02) + stream.push(samples[7_000:]) + stream.flush()
    whole = np.concatenate([samples[:7_000], np.zeros(320, np.float32), samples[7_000:]])
    check_same(found, *windows_of(Fake(), whole, hop_s=0.05))
    assert (stream.problems.gaps, stream.problems.lost_s) == (1, 0.02)


@pytest.mark.parametrize("rate", RATES)
def test_after_a_long_gap_the_stream_begins_anew_later(rate: int) -> None:
    stream = Stream(Fake(), sample_rate=rate, hop_s=0.05)
    before, after = noise(0.5, rate), noise(0.6, rate, seed=1)
    first = stream.push(before) + stream.gap(3_600)
    times, scores = windows_of(Fake(), before, sample_rate=rate, hop_s=0.05)
    check_same(first, times, scores)
    times, scores = windows_of(Fake(), after, sample_rate=rate, hop_s=0.05)
    check_same(stream.push(after) + stream.flush(), times + 3_600.5, scores)
    assert stream.time_s == 3_601.1


def test_a_gap_of_unknown_length_is_counted() -> None:
    stream = Stream(Fake())
    assert not stream.problems
    assert stream.gap(0) == []
    assert stream.problems
    assert stream.time_s == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e300])
def test_bad_samples_are_heard_as_zero_and_counted(bad: float) -> None:
    samples = noise(1).astype(np.float64)
    samples[[5, 700, 9_000]] = 0
    expected = windows_of(Fake(), samples)
    samples[[5, 700, 9_000]] = bad
    stream = Stream(Fake())
    check_same(pushed(stream, samples, forever(777)), *expected)
    assert stream.problems.bad_samples == 3


def test_a_bad_channel_leaves_the_other() -> None:
    intake = Intake(RATE, RATE)
    mono = np.concatenate([*intake.push(np.array([[0.5, np.nan], [0.25, 0.75]], np.float32)), *intake.flush()])
    np.testing.assert_array_equal(mono, np.array([0.25, 0.5], np.float32))
    assert intake.bad_samples == 1


def test_what_comes_is_not_edited() -> None:
    samples = np.array([0.5, np.nan, LOUDEST * 2, *[0.1] * 100] * 40, np.float32)
    before = samples.copy()
    Stream(Fake(), sample_rate=8_000).push(samples)
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("hop_s", [0, -0.1, 0.00001, 0.1 + 1 / 32_000, 0.3, np.nan, np.inf])
def test_a_hop_is_whole_samples_within_a_clip(hop_s: float) -> None:
    for call in (lambda: Stream(Fake(), hop_s=hop_s), lambda: windows_of(Fake(), noise(1), hop_s=hop_s)):
        with pytest.raises(AudioError, match="hop"):
            call()


@pytest.mark.parametrize("rate", [0, -1, 16, 16_000.5, np.nan, np.inf, "16000", True, 10**9])
def test_rates_are_checked(rate: Any) -> None:
    for call in (
        lambda: Stream(Fake(), sample_rate=rate),
        lambda: windows_of(Fake(), noise(1), sample_rate=rate),
    ):
        with pytest.raises(AudioError, match="rate"):
            call()


@pytest.mark.parametrize(
    "block", [np.zeros((2, 2, 2)), np.array(0.5), np.zeros((3, 0)), np.zeros(9, np.int32), np.zeros(9, complex)]
)
def test_blocks_are_checked(block: NDArray[Any]) -> None:
    with pytest.raises(AudioError, match="expected samples"):
        Stream(Fake()).push(block)
    with pytest.raises(AudioError, match="gap"):
        Stream(Fake()).gap(-1)


def test_the_level_is_that_of_the_newest_hop() -> None:
    stream = Stream(Fake(), hop_s=0.1)
    assert stream.level() == 0
    stream.push(np.full(8_000, 0.5, np.float32))
    stream.push(np.full(1_600, 0.25, np.float32))
    assert stream.level() == pytest.approx(0.25)


# ---- memory ----


class Quick(Fake):
    """Costs nothing, so that minutes pass in no time."""

    _scores = np.array([[0.1, 0.1, 0.8]], np.float32)

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        return self._scores.copy()


class Leaky(Quick):
    """Keeps what it said: 100 bytes a window."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        self.kept.append(super().scores(clips))
        return self.kept[-1].copy()


def memory_growth(recognizer: Listener, *, seconds: int) -> float:
    """MB that listening keeps, after a minute of getting started."""
    second = audio.to_int16(noise(1, 8_000))
    held: list[int] = []

    def blocks() -> Iterator[NDArray[Any]]:
        for number in range(60 + seconds + 1):
            if number in (60, 60 + seconds):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
            yield second

    tracemalloc.start()
    try:
        list(listen(recognizer, blocks(), sample_rate=8_000))
    finally:
        tracemalloc.stop()
    return (held[1] - held[0]) / 1e6


def check_memory_is_flat(recognizer: Listener) -> None:
    seconds = 400
    assert memory_growth(recognizer, seconds=seconds) < 5 * seconds / (8 * 3_600)  # 5 MB in 8 hours


def test_memory_is_flat() -> None:
    check_memory_is_flat(Quick())


def test_the_test_sees_a_leak() -> None:
    with pytest.raises(AssertionError):
        check_memory_is_flat(Leaky())


# ---- listening ----


def chord(t: NDArray[np.float64], root: float) -> NDArray[np.float64]:
    """A major chord of tones with five partials."""
    tones = [np.sin(2 * np.pi * root * ratio * k * t) / k for ratio in (1, 1.25, 1.5) for k in range(1, 6)]
    return np.sum(tones, axis=0) / 7


def no_words() -> dict[str, NDArray[np.float64]]:
    """Sounds in which nobody speaks, 8 s each."""
    t = np.arange(8 * RATE) / RATE
    rng = np.random.default_rng(0)
    plucked = np.exp(-4 * (t % 1))
    roots = np.array([220, 294, 330, 247, 196, 262, 220, 392])
    return {
        "silence": np.zeros_like(t),
        "constant": np.full_like(t, 0.7),
        "full-scale noise": rng.uniform(-1, 1, len(t)),
        "faint noise": 0.003 * rng.standard_normal(len(t)),
        "hum": 0.5 * np.sin(2 * np.pi * 50 * t),
        "tone of 440 Hz": 0.5 * np.sin(2 * np.pi * 440 * t),
        "tone of 1 kHz": 0.9 * np.sin(2 * np.pi * 1_000 * t),
        "tone of 3 kHz": 0.1 * np.sin(2 * np.pi * 3_000 * t),
        "chord": 0.8 * chord(t, 220),
        "music": plucked * chord(t, roots[t.astype(int)]),
    }


@pytest.mark.parametrize("kind", no_words())
def test_what_is_no_speech_is_not_heard(kind: str, small: Recognizer) -> None:
    samples = no_words()[kind].astype(np.float32)
    assert list(listen(small, [samples])) == []


def best_clip(small: Recognizer, folder: Path, word: str) -> Samples:
    """Of ten test clips of a word the one that the network is surest of: a miss is then the stream's fault."""
    listed = (folder / "testing_list.txt").read_text().split()
    names = [Path(name).stem for name in listed if name.startswith(f"{word}/")][:10]
    files = [next((folder / word).glob(f"{name}.*")) for name in names]
    clips = np.stack([audio.fit_length(audio.read(file).samples, RATE, sample_rate=RATE) for file in files])
    return clips[small.scores(clips)[:, small.labels.index(word)].argmax()]


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_word_in_noise_is_heard_once(small: Recognizer, shared_data: Path, rate: int) -> None:
    words = COURSE_KEYWORDS[::2]
    sound = 0.003 * noise(3 * len(words) + 3)
    for place, word in enumerate(words):
        start = (3 * place + 2) * RATE
        sound[start : start + RATE] += best_clip(small, shared_data / "speech_commands", word)
    sound = audio.resample(sound, RATE, rate)
    blocks = np.array_split(sound, 500)
    found = list(listen(small, blocks, sample_rate=rate, config=DecisionConfig(threshold=0.7)))
    assert [detection.label for detection in found] == list(words)
    for place, detection in enumerate(found):
        assert 3 * place + 2.3 < detection.time_s < 3 * place + 4


class Saying(Quick):
    """Says yes wherever the window is loud."""

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        loud = audio.rms(clips) > 0.05
        return np.array([[1, 0, 0] if loud else [0, 0, 1]], np.float32)


def test_listen_takes_blocks_and_gaps_and_shows_how_it_goes() -> None:
    seen: list[tuple[float, float]] = []

    def on_block(stream: Stream, newest: Window | None) -> None:
        seen.append((stream.time_s, newest.time_s if newest else 0.0))

    quiet, loud = np.zeros(8_000, np.int16), noise(1)
    blocks = [quiet, loud, quiet, quiet, Gap(10.0), loud]
    found = list(listen(Saying(), blocks, on_block=on_block))
    assert [round(detection.time_s, 2) for detection in found] == [0.95, 13.15]
    assert seen[0] == (0.5, 0.45)
    assert seen[-1][0] == 13.5


class Hearing(Quick):
    """Says yes where the word, a loud half second, is in the middle of the window; keeps what it hears."""

    clip_samples = RATE

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        middle, ends = audio.rms(clips[0, 3_000:-3_000]), (audio.rms(clips[0, :1_600]), audio.rms(clips[0, -1_600:]))
        return np.array([[1, 0, 0] if middle > 0.1 > max(ends) else [0, 0, 1]], np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("before_s", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("after_s", [0.0, 0.1, 2.0])
def test_a_word_at_either_end_of_a_recording_is_heard_at_its_time(rate: int, before_s: float, after_s: float) -> None:
    word = audio.resample(noise(0.5), RATE, rate)
    parts = [np.zeros(round(before_s * rate), np.float32), word, np.zeros(round(after_s * rate), np.float32)]
    blocks = np.array_split(np.concatenate(parts), 7)
    config = DecisionConfig(smoothing_s=0.3, threshold=0.9)
    (found,) = listen(Hearing(), blocks, sample_rate=rate, config=config, recording=True)
    assert found.time_s - before_s == pytest.approx(0.8, abs=0.11)
    if before_s + after_s < 0.3:
        assert list(listen(Hearing(), blocks, sample_rate=rate, config=config)) == [], "not so in a stream"


def test_a_recordings_first_windows_hear_a_quiet_room_before_it() -> None:
    stream = Stream(Fake(), hop_s=0.05, recording=True)
    samples = noise(1)
    assert stream.next_s == pytest.approx(0.05)
    found = stream.push(samples) + stream.finish(DecisionConfig(smoothing_s=0.3))
    assert found[0].time_s == pytest.approx(0.05)
    assert found[-1].time_s == pytest.approx(1 + 0.125 + 0.3, abs=0.05)
    times, scores = windows_of(Fake(), samples, hop_s=0.05)
    check_same(found[4 : 4 + len(times)], times, scores)
    again = Stream(Fake(), hop_s=0.05, recording=True).push(samples)
    np.testing.assert_array_equal([w.scores for w in again], [w.scores for w in found[: len(again)]])


def test_the_models_card_decides() -> None:
    recognizer = Saying()
    assert len(list(listen(recognizer, [noise(1)]))) == 1
    recognizer.about = replace(recognizer.about, decisions=Decisions(smoothing_s=5.0))
    assert list(listen(recognizer, [noise(1)])) == []
    assert len(list(listen(recognizer, [noise(1)], config=DecisionConfig()))) == 1
