"""Recordings of talk: joined and mapped, a part of running speech, known again when a training goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from hanmadi import audio
from hanmadi.data.examples import Examples, make_examples, with_negative_speech
from hanmadi.data.recordings import open_backgrounds, open_negative_speech, read_mono
from hanmadi.data.store import ClipStore
from hanmadi.errors import DataError, TrainingError
from hanmadi.features.torch import FrontEnd
from hanmadi.inference.stream import Stream
from hanmadi.labels import LabelSet
from hanmadi.models import architecture
from hanmadi.models.recipe import Recipe
from hanmadi.runs import Settings
from hanmadi.training import batches
from hanmadi.training import loop as fit
from hanmadi.training.batches import Preparation, prepare, with_hard_windows
from hanmadi.training.train import resume, train

RATE = 16_000
SMALL = architecture("small")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings of a hum at 2,000 Hz, which no word has: 3 s at 16 kHz and 2 s in stereo at 44.1 kHz."""
    (tmp_path / "talk").mkdir()
    for name, seconds, rate, channels in (("a", 3, RATE, 1), ("b", 2, 44_100, 2)):
        hum = 0.3 * np.sin(2 * np.pi * 2_000 * np.arange(seconds * rate) / rate)
        soundfile.write(tmp_path / "talk" / f"{name}.wav", np.repeat(hum[:, None], channels, 1), rate)
    return tmp_path / "talk"


@pytest.fixture
def examples(store: ClipStore, labels: LabelSet) -> Examples:
    return make_examples(store, labels)["train"]


def test_recordings_are_joined_at_one_rate(folder: Path) -> None:
    talk = open_negative_speech([folder], sample_rate=RATE, least_seconds=1)
    assert talk.seconds == pytest.approx(5, abs=0.01)
    assert isinstance(talk.samples, np.memmap)
    spectrum = np.abs(np.fft.rfft(talk.samples[: 5 * RATE - 200].astype(float)))
    assert spectrum.argmax() * RATE / (5 * RATE - 200) == pytest.approx(2_000, abs=1)
    again = open_negative_speech([folder / "a.wav", folder / "b.wav"], sample_rate=RATE, least_seconds=1)
    assert again.fingerprint == talk.fingerprint
    assert open_negative_speech([folder / "a.wav"], sample_rate=RATE, least_seconds=1).fingerprint != talk.fingerprint


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_background_is_heard_as_the_stream_hears_its_file(tmp_path: Path, rate: int, channels: int) -> None:
    """Bit for bit: one streaming resampler, and one choice of channel, for evaluation and for what runs."""
    noise = np.random.default_rng(0).normal(0, 0.3, (70_000, 1)) * ([1.0] if channels == 1 else [1.0, -0.8])
    soundfile.write(tmp_path / "a.wav", noise, rate, subtype="FLOAT")
    rate_, blocks = audio.blocks(tmp_path / "a.wav", frames=777)
    kept = Keeping()
    stream = Stream(kept, sample_rate=rate_, hop_s=0.1)
    for block in blocks:
        stream.push(block)
    stream.flush()
    (background,) = open_backgrounds([tmp_path / "a.wav"], sample_rate=RATE)
    heard = np.concatenate(list(background.recordings()))
    np.testing.assert_array_equal(heard, read_mono(tmp_path / "a.wav", sample_rate=RATE))
    assert len(kept.windows) == len(heard) // 1_600 > 10
    np.testing.assert_array_equal(np.concatenate(kept.windows), heard[: 1_600 * len(kept.windows)])


class Keeping:
    """A recogniser that keeps what it hears, window after window."""

    labels, sample_rate, clip_samples = ("yes", "no"), RATE, 1_600

    def __init__(self) -> None:
        self.card: dict[str, Any] = {}
        self.windows: list[np.ndarray] = []

    def scores(self, clips: np.ndarray) -> np.ndarray:
        self.windows.append(clips[0].copy())
        return np.zeros((1, 2), np.float32)


def test_too_little_talk_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected 10 s of negative speech or more, got 5\.00 s"):
        open_negative_speech([folder], sample_rate=RATE, least_seconds=10)
    with pytest.raises(DataError, match="expected a recording"):
        open_negative_speech([tmp_path / "none"], sample_rate=RATE, least_seconds=1)


def test_talk_is_most_of_the_running_speech(folder: Path, examples: Examples) -> None:
    talk = open_negative_speech([folder], sample_rate=RATE, least_seconds=1)
    front_end, rng = FrontEnd(SMALL.features), np.random.default_rng
    plain = prepare(front_end, examples, SMALL.recipe, rng=rng(0)).strip
    found = prepare(front_end, with_negative_speech(examples, talk.samples), SMALL.recipe, rng=rng(0)).strip
    assert plain is not None
    assert found is not None
    hums = [_hums(strip) for strip in (plain, found)]
    assert hums[0] == 0
    assert hums[1] > 0.4  # 5 s of 6 would be recorded, and there are 5 s
    with pytest.raises(DataError, match="no label for those"):
        with_negative_speech(replace(examples, unknown=None), talk.samples)


def _hums(strip: np.ndarray) -> float:
    """Share of the tenths of a second that sound at 2,000 Hz."""
    tenths = strip[: len(strip) // 1_600 * 1_600].reshape(-1, 1_600)
    return float((np.abs(np.fft.rfft(tenths)).argmax(axis=1) == 200).mean())


def test_a_run_with_talk_goes_on_with_the_same(words_folder: Path, folder: Path, tmp_path: Path) -> None:
    options = {"words": ["yes", "no"], "arch": "tiny", "epochs": 1, "negatives": [folder], "out": tmp_path / "run"}
    whole = train(words_folder, **options)
    assert whole.card["data"]["negatives"] == {"sources": [str(folder)], "seconds": pytest.approx(5, abs=0.1)}
    assert whole.card["training"]["command"].endswith(f"--negatives {folder}")
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["negatives"] == [str(folder)]
    assert resume(tmp_path / "run", epochs=2).card["data"]["negatives"] == whole.card["data"]["negatives"]
    (folder / "b.wav").unlink()
    with pytest.raises(TrainingError, match=r"recordings in .*talk have changed"):
        resume(tmp_path / "run", epochs=3)


def loudness(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A judge that takes loud windows for the first keyword, and is surer of unknown: (n, labels) scores."""
    for clips in batches:
        level = np.sqrt(np.mean(clips**2, axis=1))
        yield np.stack([level, *[0 * level] * 2, 2 + level, 0 * level], axis=1)


def test_hard_windows_are_those_of_talk_that_are_taken_for_keywords(examples: Examples) -> None:
    swelling = (np.linspace(0, 3_000, 20 * RATE) * np.sin(np.arange(20 * RATE))).astype(np.int16)
    taught = with_negative_speech(examples, swelling)
    plain = prepare(FrontEnd(SMALL.features), taught, SMALL.recipe, rng=np.random.default_rng(0))
    assert plain.strip is not None
    hard = with_hard_windows(plain, loudness, rng=np.random.default_rng(0))
    assert hard.strip is not None
    assert hard.hard is not None
    np.testing.assert_array_equal(hard.strip[: len(plain.strip)], plain.strip)
    assert len(hard.hard) == round(0.03 * 2 * 46), "of the windows of two pieces, each as loud as the other"
    found = [level_of(hard.strip[start : start + RATE]) for start in hard.hard]
    pieces = [swelling[: 10 * RATE], swelling[10 * RATE :]]
    loudest = [level_of(piece[-RATE:]) / level_of(piece) for piece in pieces]
    assert min(found) > 0.98 * 3_276.8 * min(loudest), "the ends of both, where they are loudest"
    last = len(hard.strip) - RATE

    starts = np.zeros(500, np.int64)
    drawn = replace(hard, recipe=_with(hard_p=1.0))._with_hard(starts, last, np.random.default_rng(0))
    assert np.abs(drawn[:, None] - hard.hard).min(axis=1).max() <= RATE // 40
    assert drawn.max() <= last
    half = hard._with_hard(starts - 10**9, last, np.random.default_rng(0))
    assert 0.4 < (half < 0).mean() < 0.6
    assert plain._with_hard(starts, last, np.random.default_rng(0)) is starts


def level_of(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def test_hours_of_negative_speech_are_heard_from_many_places(examples: Examples) -> None:
    """Each second has a level of its own, so that its place is known."""
    hours = np.repeat(np.arange(3_600), RATE // 50).astype(np.int16)  # an hour of numbers, a fiftieth as long
    taught = with_negative_speech(examples, np.tile(hours, 3))
    places = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        found = list(batches._pieces(taught.negative_speech, 60, RATE, rng))
        assert [stop - start for start, stop in found] == [10 * RATE] * 6
        assert len({start // RATE for start, _ in found}) == 6
        places.append(found)
    assert places[0] != places[1]
    short = list(batches._pieces(taught.negative_speech[: 25 * RATE], 60, RATE, np.random.default_rng(0)))
    assert short == [(0, 10 * RATE), (10 * RATE, 20 * RATE), (20 * RATE, 25 * RATE)], "all of what there is"


def test_without_talk_nothing_is_hard(folder: Path, examples: Examples) -> None:
    taught = with_negative_speech(examples, open_negative_speech([folder], sample_rate=RATE, least_seconds=1).samples)
    for given, recipe in ((examples, SMALL.recipe), (taught, _with(hard_p=0.0)), (taught, _with(running_p=0.0))):
        plain = prepare(FrontEnd(SMALL.features), given, recipe, rng=np.random.default_rng(0))
        assert with_hard_windows(plain, loudness, rng=np.random.default_rng(0)) is plain


def _with(**changes: float) -> Recipe:
    return replace(SMALL.recipe, augmentation=replace(SMALL.recipe.augmentation, **changes))


def test_hard_windows_are_looked_for_and_repeat(words_folder: Path, folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.numpy import load_file

    asked, before = [], torch.get_num_threads()
    real = fit.with_hard_windows

    def spy(preparation: Preparation, evaluate_clips: Any, *, rng: Any) -> Preparation:
        found = real(preparation, evaluate_clips, rng=rng)
        asked.append(len(found.hard))
        return found

    options: dict[str, Any] = {"words": ["yes", "no"], "arch": "tiny", "epochs": 6, "talk": [folder]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "with_hard_windows", spy)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            try:
                train(words_folder, **options, out=tmp_path / str(threads))
            finally:
                torch.set_num_threads(before)
    assert len(asked) == 4  # epochs 5 and 6, twice
    assert min(asked) > 0
    first, again = (load_file(tmp_path / n / "weights.safetensors") for n in ("1", "2"))
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_a_network_that_hears_no_running_speech_refuses_talk(words_folder: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="without running speech"):
        train(words_folder, words=["yes", "no"], arch="bcresnet1", talk=[folder], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_names_talk() -> None:
    assert "--negatives" not in Settings().command()
    assert Settings(negatives=("tv.wav", "a b")).command().endswith("--negatives tv.wav --negatives 'a b'")


def test_a_recording_counts_once(folder: Path) -> None:
    for twice in ([folder / "a.wav", folder / "a.wav"], [folder, folder / "b.wav"]):
        with pytest.raises(DataError, match="named twice"):
            open_backgrounds(twice, sample_rate=RATE)
