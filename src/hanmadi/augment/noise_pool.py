"""Noise that a training does not hear twice: what a bank has, augmented anew for each epoch.

A few minutes of noise recordings are soon known by heart, and a network that knows them is lost among others. Played
faster or slower, backwards, through another room and device, two at a time, each becomes many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.audio.noise import NoiseBank, Rng, audible, between_knots, from_db, unit, wrapped

_CALLS_P, _CALLS, _CALLS_SEED = 0.15, 100, 1  # share of the pool that is calls, how many are made, always the same
_SPEED: Final = 0.6  # a sound is played up to exp(this) times as fast, or as slow
_REVERSED_P: Final = 0.3
_EQUALISED_P, _EQUALISED_DB, _KNOTS = 0.5, 10.0, 7
_SECOND_P, _SECOND_DB = 0.4, (-12.0, 0.0)  # share of noises with a second one behind, and its level
_SILENCE_DB: Final = (-85.0, 0.0)  # RMS of silence, of full scale
_MOST_HARMONICS: Final = 40
_TINY: Final = 1e-9  # keeps a division by silence finite


@dataclass(frozen=True)
class NoisePool:
    """The altered noise recordings that the clips of one epoch are mixed with."""

    sounds: Samples = field(repr=False)  # (count, length), RMS 1; each may be cut anywhere: it wraps around
    sample_rate: int  # Hz

    def draw(self, count: int, *, rng: Rng) -> Samples:
        """Cuts of one or two of the sounds, RMS 1: (count, length)."""
        noise = np.empty((count, self.sounds.shape[1]), np.float32)
        for row in noise:
            row[:] = wrapped(self.sounds, rng)
            if rng.random() < _SECOND_P:
                row += wrapped(self.sounds, rng) * from_db(rng.uniform(*_SECOND_DB))
        return unit(noise)

    def silence(self, count: int, *, rng: Rng) -> NDArray[np.int16]:
        """Clips without a word, from a loud fan down to the last bits of a converter: (count, length).

        What stands behind words has to be heard without them too, or it is taken for a sign of a word.
        """
        level = from_db(rng.uniform(*_SILENCE_DB, (count, 1)))
        dither = rng.standard_normal((count, self.sounds.shape[1]), np.float32) / np.float32(audio.FULL_SCALE)
        return audio.to_int16(self.draw(count, rng=rng) * level + dither)


def noise_pool(bank: NoiseBank, count: int, *, rng: Rng) -> NoisePool:
    """``count`` sounds of a bank and calls, each played at another speed, some backwards, some through a filter."""
    calls_there = _calls(bank.sample_rate, bank.length)
    longest = int(bank.length * np.exp(_SPEED)) + 2
    sounds = np.empty((count, bank.length), np.float32)
    for row in sounds:
        called = rng.random() < _CALLS_P
        sound = np.resize(wrapped(calls_there, rng), longest) if called else bank.sound(longest, rng=rng)
        row[:] = augmented(sound, bank.length, rng=rng)
    return NoisePool(unit(sounds), bank.sample_rate)


def augmented(sound: Samples, length: int, *, rng: Rng) -> Samples:
    """``length`` samples of a sound at another speed, perhaps backwards, perhaps through a filter.

    The sound has at least exp(0.6) times as many.
    """
    speed = np.exp(rng.uniform(-_SPEED, _SPEED))
    played = np.interp(np.arange(length) * speed, np.arange(len(sound)), sound)
    if rng.random() < _REVERSED_P:
        played = played[::-1]
    if rng.random() < _EQUALISED_P:
        knots = rng.uniform(-_EQUALISED_DB, _EQUALISED_DB, (1, _KNOTS))
        played = np.fft.irfft(np.fft.rfft(played) * from_db(between_knots(knots, audible(length))[0]), length)
    return played.astype(np.float32)


def calls(count: int, length: int, *, sample_rate: int, rng: Rng) -> Samples:
    """Voices without words, as of a dog, a crow, a crying child: (count, length) of RMS 1.

    A source of harmonics and breath passes through a few resonances, as in speech (Fant 1960), once or in a series.
    """
    rows = [_resonant(_series(length, sample_rate, rng), sample_rate, rng) for _ in range(count)]
    return unit(np.stack(rows).astype(np.float32))


@lru_cache
def _calls(sample_rate: int, length: int) -> Samples:
    return calls(_CALLS, length, sample_rate=sample_rate, rng=np.random.default_rng(_CALLS_SEED))


class _Voice(NamedTuple):
    """What the calls of a series have in common."""

    pitch: float  # Hz, about 90 to 1,260
    bend: float  # how much the pitch rises over a call ...
    arch: float  # ... and how much its middle is above its ends, as logarithms
    rough: float  # how much the pitch trembles ...
    rough_hz: float  # ... and how often
    fade: float  # the k-th harmonic is k ** fade times as weak as the first
    breath: float  # RMS of the noise beside harmonics of RMS 1


def _voice(rng: Rng) -> _Voice:
    pitch, bend, arch = 10 ** rng.uniform(1.95, 3.1), rng.uniform(-1, 1), rng.uniform(-1.2, 1.2)
    rough, rough_hz = rng.uniform(0, 0.06) * (rng.random() < 0.5), rng.uniform(20, 90)
    return _Voice(pitch, bend, arch, rough, rough_hz, fade=rng.uniform(0.3, 1.6), breath=10 ** rng.uniform(-1.5, 0.5))


def _series(length: int, sample_rate: int, rng: Rng) -> NDArray[np.float64]:
    """One to six calls of one voice, 0.06 to 1 s each, the first one perhaps begun before."""
    voice, times = _voice(rng), np.arange(length) / sample_rate
    lasts, pause = 10 ** rng.uniform(-1.2, 0.0), 10 ** rng.uniform(-1.2, -0.1)
    start = lasts * rng.uniform(-0.5, 0.5)
    source = np.zeros(length)
    for number in range(rng.integers(1, 7)):
        share = (times - start - number * (lasts + pause)) / lasts
        inside = np.flatnonzero((share > 0) & (share < 1))
        if len(inside):
            source[inside] = _call(voice, share[inside], times[inside], sample_rate, rng)
    return source


def _call(
    voice: _Voice, share: NDArray[np.float64], times: NDArray[np.float64], sample_rate: int, rng: Rng
) -> NDArray[np.float64]:
    """One call, no two quite alike; share: how much of it is over, 0 to 1."""
    glide = voice.bend * (share - 0.5) - voice.arch * (share - 0.5) ** 2
    tremble = voice.rough * np.sin(2 * np.pi * voice.rough_hz * times)
    pitch = voice.pitch * np.exp(glide + tremble + rng.normal(0, 0.05))
    rise_and_fall = np.minimum(1, np.minimum(share / 0.08, (1 - share) / 0.3)) * from_db(rng.normal(0, 2))
    call: NDArray[np.float64] = rise_and_fall * (
        _harmonics(pitch, voice.fade, sample_rate) + voice.breath * rng.standard_normal(len(share))
    )
    return call


def _harmonics(pitch: NDArray[np.float64], fade: float, sample_rate: int) -> NDArray[np.float64]:
    """Harmonics of a moving pitch in Hz, as many as the rate can hold, of RMS 1: (n,) to (n,)."""
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    count = max(1, min(_MOST_HARMONICS, int(0.45 * sample_rate / pitch.max())))
    # phases that differ, or all harmonics would peak together
    tones = np.sum([np.sin(phase * k + 2.4 * k * k) / k**fade for k in range(1, count + 1)], axis=0)
    harmonics: NDArray[np.float64] = tones / max(float(np.sqrt(np.mean(tones**2))), _TINY)
    return harmonics


def _resonant(source: NDArray[np.float64], sample_rate: int, rng: Rng) -> NDArray[np.float64]:
    """A source through two to four resonances of 300 to 5,600 Hz."""
    frequencies = np.fft.rfftfreq(len(source), 1 / sample_rate)
    response = np.full(len(frequencies), 0.05)
    for _ in range(rng.integers(2, 5)):
        centre = 10 ** rng.uniform(2.5, 3.75)
        width = centre * rng.uniform(0.08, 0.5)
        response += from_db(rng.uniform(-15, 0)) / (1 + ((frequencies - centre) / width) ** 2)
    return np.fft.irfft(np.fft.rfft(source) * response, len(source))
