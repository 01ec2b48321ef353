"""`predict` and the store, from which training and evaluation hear, agree on every kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from hanmadi import audio, load
from hanmadi.audio import Samples, Sound
from hanmadi.data.store import Recording, build_store
from hanmadi.errors import AudioError, DataError
from hanmadi.inference.recognizer import Recognizer

EXAMPLES = Path(audio.__file__).parents[1] / "web" / "static" / "examples"
WORDS = ("yes", "off", "left")
ROUNDING = 0.02  # of a score, by 16-bit rounding
FORMATS = {
    "u8.wav": ("WAV", "PCM_U8"), "16.wav": ("WAV", "PCM_16"), "24.wav": ("WAV", "PCM_24"), "32.wav": ("WAV", "PCM_32"),
    "f32.wav": ("WAV", "FLOAT"), "f64.wav": ("WAV", "DOUBLE"), "ulaw.wav": ("WAV", "ULAW"),
    "rf64.wav": ("RF64", "PCM_16"),
    "16.flac": ("FLAC", "PCM_16"), "24.flac": ("FLAC", "PCM_24"), "v.ogg": ("OGG", "VORBIS"), "o.opus": ("OGG", "OPUS"),
    "l.mp3": ("MP3", "MPEG_LAYER_III"), "a.aiff": ("AIFF", "PCM_16"),
}  # fmt: skip
CHANGES = ("plain", "stereo", "opposite", "one side", "dc", "loud", "quiet", "long", "short")


class OneFile(NamedTuple):
    """A source of one recording."""

    path: Path
    name: str = "one file"
    licence: str | None = None

    def fingerprint(self) -> str:
        return "x"

    def recordings(self):
        yield Recording("clip", "yes", lambda: audio.read(self.path))

    def noises(self):
        return iter(())


@pytest.fixture(scope="module")
def small() -> Recognizer:
    return load("small")


def spoken(word: str, rate: int) -> Samples:
    sound = audio.read(EXAMPLES / f"{word}.flac")
    return audio.resample(audio.to_mono(sound.samples), sound.sample_rate, rate)


def changed(samples: Samples, how: str, rate: int) -> Samples:
    match how:
        case "stereo":
            return np.stack([samples, 0.5 * samples], axis=1)
        case "opposite":
            return np.stack([0.9 * samples, -samples], axis=1)
        case "one side":
            return np.stack([0 * samples, samples], axis=1)
        case "dc":
            return 0.5 * samples + 0.2
        case "loud":
            return 1.8 / np.abs(samples).max() * samples
        case "quiet":
            return 0.1 * samples
        case "long":
            return np.concatenate([np.zeros(rate // 3), samples, np.zeros(rate)])
        case "short":
            return samples[len(samples) // 8 : -len(samples) // 8]
    return samples


def check(recognizer: Recognizer, path: Path, folder: Path, word: str | None) -> None:
    found = recognizer.predict_file(path, top=99)
    store = build_store(OneFile(path), folder / "store", sample_rate=recognizer.sample_rate)
    scores = dict(zip(recognizer.labels, recognizer.scores(store.clip(0)[None])[0].tolist(), strict=True))
    assert dict(found.top) == pytest.approx(scores, abs=ROUNDING)
    assert found.label == max(scores, key=lambda label: scores[label])
    if word is not None:
        assert found.label == word


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_predict_and_store_agree_on_formats(small: Recognizer, tmp_path: Path, name: str, rate: int) -> None:
    if name == "o.opus" and rate == 44_100:
        pytest.skip("Opus has no such rate")
    kind, subtype = FORMATS[name]
    samples = 0.9 * spoken("yes", rate) / np.abs(spoken("yes", rate)).max()
    soundfile.write(tmp_path / name, samples, rate, format=kind, subtype=subtype)
    check(small, tmp_path / name, tmp_path, "yes" if rate > 8_000 else None)


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("name", ["16.wav", "f32.wav", "16.flac", "v.ogg", "l.mp3"])
@pytest.mark.parametrize("word", WORDS)
def test_predict_and_store_agree_on_sounds(small: Recognizer, tmp_path: Path, how: str, name: str, word: str) -> None:
    kind, subtype = FORMATS[name]
    soundfile.write(tmp_path / name, changed(spoken(word, 44_100), how, 44_100), 44_100, format=kind, subtype=subtype)
    check(small, tmp_path / name, tmp_path, word if how in ("plain", "stereo", "opposite", "one side") else None)


@pytest.mark.parametrize("scale", [20, 32_768, 2**31])
def test_predict_and_store_both_refuse_whole_numbers_as_float(small: Recognizer, tmp_path: Path, scale: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.rint(spoken("yes", 16_000) * scale), 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="divide them by 32768"):
        small.predict_file(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"1 broken; the first: .*divide them by 32768"):
        build_store(OneFile(tmp_path / "a.wav"), tmp_path / "store", sample_rate=16_000)


def test_an_array_is_heard_as_its_file(small: Recognizer, tmp_path: Path) -> None:
    for how in CHANGES:
        samples = changed(spoken("yes", 48_000), how, 48_000).astype(np.float32)
        soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
        assert small.predict(samples, sample_rate=48_000) == small.predict_file(tmp_path / "a.wav")
        clip = audio.to_clip(Sound(samples, 48_000), sample_rate=small.sample_rate, length=small.clip_samples)
        assert np.abs(clip).max() <= 1
