"""Exported C finds the word in a recording where the library finds it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from hanmadi import audio, load
from hanmadi.audio.endpoints import speech_start
from hanmadi.export import c as c_export

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("c++") is None, reason="no compilers (cc and c++) are here"
)
STRICT = ("-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
# What is in the workspace before does not matter, and nothing is written behind it.
CPP = r"""
#include "hanmadi_speech.h"
#include <cstdio>
#include <cstring>
#include <vector>
static double fixed[HANMADI_SPEECH_DOUBLES(100, 8000)];
int main()
{
    if (hanmadi_speech_start(nullptr, 0, 8000, 8000, fixed) != 0)
        return 1;
    int32_t head[3];
    while (std::fread(head, sizeof head[0], 3, stdin) == 3) {
        std::vector<int16_t> samples(static_cast<std::size_t>(head[2]));
        if (std::fread(samples.data(), sizeof samples[0], samples.size(), stdin) != samples.size())
            return 2;
        const std::size_t doubles = HANMADI_SPEECH_DOUBLES(samples.size(), head[0]);
        std::vector<unsigned char> behind(64, 255), work((doubles + 8) * sizeof(double), 255);
        double *const workspace = reinterpret_cast<double *>(work.data());
        std::printf("%zu\n", hanmadi_speech_start(samples.data(), samples.size(), static_cast<uint32_t>(head[0]),
                                                  static_cast<std::size_t>(head[1]), workspace));
        if (std::memcmp(behind.data(), workspace + doubles, behind.size()) != 0)
            return 3;
    }
    return 0;
}
"""


class Heard(NamedTuple):
    """What the rule is asked."""

    samples: NDArray[np.int16]
    rate: int
    length: int


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled as C, and called from C++."""
    folder = tmp_path_factory.mktemp("speech")
    for name in ("hanmadi_speech.h", "hanmadi_speech.c"):
        (folder / name).write_text(c_export.sources(load("tiny").bundle)[name], encoding="utf-8")
    (folder / "starts.cpp").write_text(CPP)
    for command in (
        ["cc", "-std=c99", *STRICT, "-Wconversion", "-Wshadow", "-c", "hanmadi_speech.c"],
        ["c++", *STRICT, "starts.cpp", "hanmadi_speech.o", "-lm", "-o", "starts"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "starts"


def starts(program: Path, heard: Sequence[Heard]) -> list[int]:
    """What C answers."""
    sent = b"".join(
        np.array([one.rate, one.length, len(one.samples)], np.int32).tobytes() + one.samples.tobytes() for one in heard
    )
    run = subprocess.run([program], input=sent, capture_output=True, check=False)
    assert run.returncode == 0
    return [int(line) for line in run.stdout.split()]


def expected(heard: Sequence[Heard]) -> list[int]:
    """What the library answers."""
    return [speech_start(audio.from_int16(one.samples), one.rate, one.length) for one in heard]


def burst(rate: int, hz: float, seconds: float) -> NDArray[np.float64]:
    """A word of sorts: harmonics up to 3 kHz, swelling and falling, of a pitch that falls by a third."""
    t = np.arange(round(seconds * rate)) / rate
    turns = hz * (t - t**2 / (6 * seconds))
    waves = sum(np.sin(2 * np.pi * k * turns + k) / k for k in range(1, int(3_000 / hz)))
    return 0.1 * waves * np.sin(np.pi * t / seconds)


def with_word(rng: np.random.Generator, rate: int, sound: NDArray[np.float64]) -> NDArray[np.int16]:
    """A word somewhere in a sound of more than 0.7 s."""
    word = burst(rate, rng.uniform(80, 400), rng.uniform(0.15, 0.7))
    said = sound.copy()
    said[int(rng.integers(0, len(sound) - len(word) + 1)) :][: len(word)] += word
    return audio.to_int16(np.clip(said, -1, 1))


def struck(rate: int, n: int, hz: float, decay: float, at_s: float) -> NDArray[np.float64]:
    t = np.arange(n) / rate - at_s
    return np.where((t >= 0) & (t < 0.2), 0.9 * np.exp(-decay * np.abs(t)) * np.sin(2 * np.pi * hz * t), 0.0)


def echoing(rate: int, n: int, pitch_s: float) -> NDArray[np.float64]:
    """Half a second of noise that resembles itself once, a period later, and at no other distance."""
    t = np.arange(n) / rate
    noise = np.random.default_rng(3).normal(0, 0.1, n)
    return np.where((t > 0.2) & (t < 0.7), noise + np.roll(noise, round(pitch_s * rate)), 0.0)


DISTURBANCES: dict[str, Callable[[int, int], NDArray[np.float64]]] = {
    "nothing": lambda rate, n: np.zeros(n),
    "knock": lambda rate, n: struck(rate, n, 60, 25, 0.05),
    "click": lambda rate, n: struck(rate, n, 900, 200, n / rate - 0.1),
    "offset": lambda rate, n: np.full(n, 0.2),
    "beep": lambda rate, n: struck(rate, n, 1_000, 0, 0.1) / 3,
    "hum": lambda rate, n: 0.1 * np.sin(2 * np.pi * 50 * np.arange(n) / rate),
    "highest pitch": lambda rate, n: echoing(rate, n, 1 / 400),
    "lowest pitch": lambda rate, n: echoing(rate, n, 1 / 80),
    "all too loud": lambda rate, n: 2 * struck(rate, n, 800, 5, 0.3),
}


@pytest.mark.parametrize("noise", [0.0, 5e-4, 0.02])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100])
def test_the_start_is_that_of_the_library(rate: int, noise: float, program: Path) -> None:
    rng = np.random.default_rng(0)
    heard = [
        Heard(with_word(rng, rate, rng.normal(0, noise, n) + disturb(rate, n)), rate, rate)
        for disturb in DISTURBANCES.values()
        for n in (rate, rate + rate // 100, 2 * rate - 77, 3 * rate, 5 * rate)
    ]
    wanted = expected(heard)
    assert len(set(wanted)) > len(wanted) / 3, "one answer to all would pass anything"
    assert starts(program, heard) == wanted


def test_silence_and_short_and_empty_sounds(program: Path) -> None:
    heard = [
        Heard(np.full(n, value, np.int16), rate, rate)
        for rate in (8_000, 16_000)
        for n in (0, 1, rate // 2, rate, rate + 1, 3 * rate)
        for value in (0, 6_554, -32_768)
    ]
    assert starts(program, heard) == expected(heard)


def test_halves_are_rounded_to_even(program: Path) -> None:
    """Of frames to a clip (200 samples are 2.5), to the slope of a window (0.35 of 30), and of samples to a step."""
    rng = np.random.default_rng(2)
    heard = [
        Heard(with_word(rng, rate, rng.normal(0, 1e-3, 2 * rate)), rate, length)
        for rate, length in ((8_000, 200), (8_000, 2_400), (10_000, 10_000))
        for _ in range(10)
    ]
    assert starts(program, heard) == expected(heard)


def test_any_length_and_rate_stays_in_its_workspace(program: Path) -> None:
    rng = np.random.default_rng(1)
    heard = [
        Heard(
            rng.integers(-32_768, 32_768, int(rng.integers(0, 6_000))).astype(np.int16),
            int(rng.choice([1, 100, 5_999, 6_000, 8_000, 10_000, 11_025, 16_000, 32_000, 44_100, 48_000])),
            int(rng.integers(1, 3_000)),
        )
        for _ in range(150)
    ]
    found, wanted = starts(program, heard), expected(heard)
    assert all(0 <= start <= max(0, len(one.samples) - one.length) for start, one in zip(found, heard, strict=True))
    whole = [one.rate in (1, 100, 6_000, 8_000, 16_000, 32_000) for one in heard]  # samples to a step: a power of two
    assert [start for start, same in zip(found, whole, strict=True) if same] == [
        start for start, same in zip(wanted, whole, strict=True) if same
    ]
