"""What the page shows is what the library computes."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from live_fakes import RATE, FakeRecognizer, spoken
from web_fakes import floats

from hanmadi import audio, features
from hanmadi.audio import Sound, signals
from hanmadi.inference.recognizer import Prediction, Score
from hanmadi.web.analysis import View, altered, analysis, prediction, spectrogram, view_of
from hanmadi.web.limits import Limits, RefusedError

LIMITS = Limits()
CELLS = LIMITS.cells


class Hears(FakeRecognizer):
    """The fake, as `predict` is called."""

    def predict(self, samples: audio.Samples, *, sample_rate: int, top: int) -> Prediction:
        clip = audio.to_clip(Sound(samples, sample_rate), sample_rate=self.sample_rate, length=self.clip_samples)
        scores = sorted(zip(self.scores(clip[None])[0].tolist(), self.labels, strict=True), reverse=True)
        found = tuple(Score(label, score) for score, label in scores[:top])
        return Prediction(*found[0], found)


def tone(hz: float, *, sample_rate: int, seconds: float = 1.0, level: float = 1.0) -> audio.Samples:
    return signals.tone(hz, duration_s=seconds, sample_rate=sample_rate, amplitude=level)


def loudest_hz(samples: audio.Samples, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * sample_rate / len(samples)


def test_a_linear_spectrogram_is_that_of_features_with_a_full_tone_at_0_db() -> None:
    samples = tone(1_000, sample_rate=16_000, level=1.0)
    found = spectrogram(samples, 16_000, View(window_ms=32), cells=CELLS)
    config = features.FeatureConfig("spectrogram", n_fft=512, window=512, hop=160)
    want = signals.to_db(features.compute(samples, config) / 128, floor_db=-120)
    np.testing.assert_allclose(found.levels, want, atol=1e-4)
    assert found.levels.max() == pytest.approx(0, abs=0.01)
    assert found.frequencies_hz[found.levels.mean(axis=1).argmax()] == 1_000
    assert found.levels.shape == (len(found.frequencies_hz), 1 + (16_000 - 512) // 160)


def test_a_log_mel_spectrogram_is_that_of_features_in_db() -> None:
    rng = np.random.default_rng(3)
    samples = (0.1 * rng.standard_normal(16_000)).astype(np.float32)
    found = spectrogram(samples, 16_000, View("log_mel"), cells=CELLS)
    want = features.log_mel(samples, sample_rate=16_000, window_ms=30.0, hop_ms=10.0)
    np.testing.assert_allclose(found.levels, 10 / np.log(10) * want, atol=1e-4)
    assert found.levels.shape == (40, 98)
    assert (np.diff(found.frequencies_hz) > 0).all()


@pytest.mark.parametrize("kind", ["linear", "log_mel"])
def test_frequencies_are_where_a_tone_shows(kind: str) -> None:
    for hz in (500.0, 2_000.0, 5_000.0):
        found = spectrogram(tone(hz, sample_rate=16_000), 16_000, view_of({"kind": kind}, LIMITS), cells=CELLS)
        best = float(found.frequencies_hz[found.levels.mean(axis=1).argmax()])
        assert best == pytest.approx(hz, rel=0.06)


def test_columns_are_where_a_click_shows() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[8_000] = 1.0
    found = spectrogram(samples, 16_000, View(window_ms=20, hop_ms=5), cells=CELLS)
    column = int(found.levels.mean(axis=0).argmax())
    assert found.start_s + column * found.hop_s == pytest.approx(0.5, abs=0.005)
    assert found.hop_s == 0.005


def test_a_longer_window_tells_near_tones_apart_and_says_so() -> None:
    samples = tone(1_000, sample_rate=16_000, level=0.5) + tone(1_050, sample_rate=16_000, level=0.5)
    dips = {}
    for window_ms in (10.0, 100.0):
        found = spectrogram(samples, 16_000, View(window_ms=window_ms), cells=CELLS)
        level = np.interp([1_000, 1_025, 1_050], found.frequencies_hz, found.levels.mean(axis=1))
        dips[window_ms] = level[[0, 2]].mean() - level[1]
        assert found.resolution.time_ms == window_ms
        assert found.resolution.frequency_hz == pytest.approx(1_000 / window_ms)
    assert dips[100.0] > 10 > dips[10.0]


def test_without_a_filter_a_high_tone_folds_down_and_with_one_it_is_gone() -> None:
    for rate in (4_000, 6_000, 7_350):
        heard = {
            antialias: altered(
                Sound(tone(3_700, sample_rate=16_000), 16_000), View(rate=rate, antialias=antialias)
            )
            for antialias in (True, False)
        }  # fmt: skip
        assert heard[False].sample_rate == rate
        assert len(heard[False].samples) == len(heard[True].samples) == rate
        assert loudest_hz(heard[False].samples, rate) == pytest.approx(signals.alias_frequency(3_700, rate), abs=2)
        assert audio.rms(heard[False].samples) == pytest.approx(audio.rms(tone(100, sample_rate=rate)), rel=0.02)
        if rate < 7_000:
            assert audio.rms(heard[True].samples) < 0.02


def test_bits_are_those_of_quantise_and_few_are_heard() -> None:
    sound = Sound(tone(440, sample_rate=8_000, level=0.5), 8_000)
    heard = altered(sound, View(bits=3))
    np.testing.assert_array_equal(heard.samples, signals.quantise(sound.samples, bits=3))
    assert len(np.unique(heard.samples)) <= 8


def test_nothing_asked_changes_nothing_but_the_channels() -> None:
    stereo = Sound(np.stack([spoken("yes"), spoken("no")], axis=1), RATE)
    for view in (View(), View(rate=RATE), View(rate=48_000)):
        heard = altered(stereo, view)
        np.testing.assert_array_equal(heard.samples, audio.to_mono(stereo.samples))
        assert heard.sample_rate == RATE


def test_the_answer_holds_the_numbers_that_were_computed() -> None:
    sound, view = Sound(spoken("yes"), RATE), View("log_mel", window_ms=20, hop_ms=10, rate=1_200, bits=8)
    found = analysis(sound, view, Hears(), top=2, limits=LIMITS)  # type: ignore[arg-type]
    heard = altered(sound, view)
    drawn = spectrogram(heard.samples, 1_200, view, cells=CELLS)
    np.testing.assert_array_equal(floats(found["waveform"]), heard.samples)
    shown = found["spectrogram"]
    levels = floats(shown["data"]).reshape(shown["rows"], shown["columns"])
    np.testing.assert_array_equal(levels, drawn.levels)
    assert found["seconds"] == pytest.approx(1)
    assert found["prediction"]["label"] == "yes"
    assert len(found["prediction"]["top"]) == 2


@pytest.mark.parametrize("seconds", [0.001, 0.5, 1.0, 60.0])
@pytest.mark.parametrize("rate", [1_000, 48_000])
def test_any_length_makes_a_picture_within_bounds(seconds: float, rate: int) -> None:
    samples = np.zeros(max(1, round(seconds * rate)), np.float32)
    found = spectrogram(samples, rate, View(), cells=CELLS)
    assert 0 < found.levels.size <= CELLS
    assert found.levels == pytest.approx(-120)
    assert np.isfinite(found.levels).all()


def test_too_fine_a_picture_is_refused_with_the_cure() -> None:
    samples = np.zeros(16_000 * 20, np.float32)
    with pytest.raises(RefusedError, match="raise hop_ms") as caught:
        spectrogram(samples, 16_000, View(hop_ms=0.5), cells=300_000)
    assert caught.value.status == 422
    with pytest.raises(RefusedError, match="lower window_ms"):
        spectrogram(samples, 192_000, View(window_ms=500), cells=CELLS)


def test_options_become_a_view() -> None:
    asked = {"kind": "log_mel", "window_ms": "20", "hop_ms": "5", "rate": "8000", "bits": "4", "antialias": "0"}
    assert view_of(asked, LIMITS) == View("log_mel", 20.0, 5.0, 8_000, 4, antialias=False)
    assert view_of({"model": "x", "top": "3"}, LIMITS) == View()


def test_prediction_tells_peak_and_clipping() -> None:
    samples = np.clip(4 * spoken("no"), -1, 1)
    found = prediction(Sound(np.stack([samples, samples], axis=1), RATE), Hears(), top=1)  # type: ignore[arg-type]
    assert (found["label"], found["channels"], found["peak"]) == ("no", 2, 1.0)
    assert found["clipped"] == 2 * np.count_nonzero(np.abs(samples) == 1)


def test_no_answer_holds_what_json_has_not() -> None:
    import json

    silence = Sound(np.zeros(RATE, np.float32), RATE)
    found = analysis(silence, replace(View(), bits=1), Hears(), top=9, limits=LIMITS)  # type: ignore[arg-type]
    json.dumps(found, allow_nan=False)
    assert not base64.b64decode(found["waveform"]).strip(b"\0")
