"""The second of a longer recording that is kept holds the word, whatever else is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hanmadi
from hanmadi.audio.endpoints import speech_start
from hanmadi.errors import AudioError

RATE = 16_000
PORT = Path(hanmadi.__file__).parent / "web" / "static" / "js" / "endpoints.js"
SECONDS = np.arange(3 * RATE) / RATE


def word(rate: int = RATE) -> NDArray[np.float64]:
    """Half a second like a vowel: 120 Hz with harmonics up to 3 kHz, swelling and falling."""
    t = np.arange(rate // 2) / rate
    vowel = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    return 0.1 * vowel * np.sin(np.pi * t / 0.5)


def recording(place_s: float, *, level: float = 1.0, rate: int = RATE) -> NDArray[np.float64]:
    """Three seconds of faint noise with the word at a place."""
    sound = np.random.default_rng(0).normal(0, 5e-4, 3 * rate)
    start, said = round(place_s * rate), level * word(rate)
    sound[start : start + len(said)] += said
    return sound


def tap(hz: float, decay: float, seconds: float, at_s: float) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(3 * RATE)
    sound[round(at_s * RATE) :][: len(t)] = 0.9 * np.exp(-decay * t) * np.sin(2 * np.pi * hz * t)
    return sound


SPIKE = np.where(np.arange(3 * RATE) == 40_000, 1.0, 0.0)
DISTURBANCES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "nothing": lambda x: x,
    "knock": lambda x: x + tap(60, 25, 0.12, 0.05),
    "click": lambda x: x + tap(900, 200, 0.02, 2.9),
    "one sample": lambda x: x + SPIKE,
    "thump": lambda x: x + tap(40, 12, 0.3, 0.1),
    "offset": lambda x: x + 0.2,
    "settling": lambda x: x + 0.5 * np.exp(-SECONDS / 0.15),
    "hum": lambda x: x + 0.1 * np.sin(2 * np.pi * 50 * SECONDS),
    **{f"beep of {hz} Hz": lambda x, hz=hz: x + tap(hz, 0, 0.2, 0.05) / 3 for hz in (440, 700, 1_000, 2_000)},
    "typing": lambda x: x + sum(tap(1_500, 150, 0.025, at_s) for at_s in (0.05, 0.15, 0.24, 2.75, 2.85)),
}


@pytest.mark.parametrize("place_s", [0.3, 1.1, 2.2])
@pytest.mark.parametrize("level", [1.0, 0.1])
@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_the_word_is_whole_in_the_stretch(disturbance: str, level: float, place_s: float) -> None:
    sound = np.clip(DISTURBANCES[disturbance](recording(place_s, level=level)), -1, 1)
    start = speech_start(sound, RATE, RATE) / RATE
    assert start - 0.03 <= place_s
    assert place_s + 0.5 <= start + 1.03


@pytest.mark.parametrize("place_s", [0.3, 1.1, 2.2])
def test_a_whispered_word_is_whole_in_the_stretch(place_s: float) -> None:
    rng, sound = np.random.default_rng(1), recording(0.0, level=0.0)
    breath = np.convolve(rng.normal(0, 0.02, RATE // 2), np.hanning(12), "same") * np.hanning(RATE // 2)
    sound[round(place_s * RATE) :][: len(breath)] += breath
    start = speech_start(sound, RATE, RATE) / RATE
    assert start - 0.03 <= place_s
    assert place_s + 0.5 <= start + 1.03


@settings(deadline=None)  # a busy machine takes as long as it takes
@given(st.integers(0, 2 * RATE), st.floats(-0.5, 0.5), st.integers(-8, 8))
def test_place_offset_and_level_are_any(place: int, offset: float, power_of_two: int) -> None:
    sound = recording(place / RATE)
    start = speech_start((sound + offset) * 2.0**power_of_two, RATE, RATE)
    assert start == pytest.approx(np.clip(place - RATE // 4, 0, 2 * RATE), abs=1_600)
    assert start == pytest.approx(speech_start(sound, RATE, RATE), abs=160)


def test_the_level_does_not_matter_and_the_place_moves_with_the_word() -> None:
    here, there = recording(0.9), recording(1.4)
    assert speech_start(here, RATE, RATE) == speech_start(0.01 * here, RATE, RATE)
    assert speech_start(there, RATE, RATE) - speech_start(here, RATE, RATE) == pytest.approx(8_000, abs=480)


def test_models_of_other_rates_keep_the_same_stretch() -> None:
    places = [speech_start(recording(1.3, rate=rate), rate, rate) / rate for rate in (8_000, 16_000, 48_000)]
    assert max(places) - min(places) < 0.05


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 3_000), st.sampled_from([100, 8_000, 44_100]), st.floats(-1, 1))
def test_any_length_and_digital_silence(n: int, length: int, rate: int, value: float) -> None:
    start = speech_start(np.full(n, value), rate, length)
    assert 0 <= start <= max(0, n - length)


def test_nonsense_is_refused() -> None:
    with pytest.raises(AudioError, match="to_mono"):
        speech_start(np.zeros((10, 2)), RATE, 5)
    with pytest.raises(AudioError, match="1 or more"):
        speech_start(np.zeros(10), 0, 5)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not here")
def test_the_page_chooses_the_same_stretch() -> None:
    sounds = [np.clip(change(recording(0.9)), -1, 1)[::2].round(5) for change in DISTURBANCES.values()]
    sounds += [np.random.default_rng(seed).normal(0, 0.1, 11_111).round(5) for seed in range(5)]
    code = f"""
        import {{ speechStart }} from {json.dumps(PORT.as_uri())};
        const sounds = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify(sounds.map((sound) => speechStart(sound, 8000, 8000))));
    """
    code = 'import { createRequire } from "node:module"; const require = createRequire("/");' + code
    run = subprocess.run(
        ["node", "--input-type=module", "-e", code], input=json.dumps([sound.tolist() for sound in sounds]),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [speech_start(sound, 8_000, 8_000) for sound in sounds]
