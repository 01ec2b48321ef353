"""Sounds without a word: made noise, cuts of noise recordings, and the silence that a recogniser has to know.

Noise is float32 of RMS 1 unless said otherwise; randomness comes from ``rng``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio.convert import Samples

Rng = np.random.Generator

_KNOTS: Final = 7  # of the tilt of coloured noise
_TINY: Final = 1e-6  # keeps digital silence finite when it is scaled
_MUTED_P: Final = 0.03  # share of silence that is zeros
_TURNED_DOWN_P, _TURNED_DOWN_DB = 0.3, (-45.0, 0.0)  # share of it whose level is lowered, noise floor and all
_BANK: Final = {"coloured": 160, "hums": 40, "events": 150}  # made once, then cut anywhere: each wraps around


class NoiseSource(Protocol):
    """Anything that gives stretches of noise: recordings, or a pool of altered ones."""

    @property
    def sample_rate(self) -> int:
        """Samples a second of the noise, in Hz."""
        ...

    def draw(self, count: int, *, rng: Rng) -> Samples:
        """Noise of RMS 1: (count, samples of a clip)."""
        ...


@dataclass(frozen=True)
class NoiseBank:
    """Where noise is cut from: recordings of one split, and noise made once."""

    recordings: Sequence[NDArray[np.int16]] = field(repr=False)  # may be none
    sample_rate: int  # Hz
    length: int  # samples of a clip
    seed: int  # of the made noise
    recorded_share: float = 0.6  # of the noises that are recordings, if there are any

    def draw(self, count: int, *, rng: Rng) -> Samples:
        """Cuts of recordings and made noise, RMS 1: (count, length)."""
        noise = np.empty((count, self.length), np.float32)
        for row in noise:
            row[:] = unit(self._recorded(rng, self.length)) if self._is_recorded(rng) else wrapped(self._made, rng)
        return noise

    def sound(self, length: int, *, rng: Rng) -> Samples:
        """A stretch of a recording or of a made noise, at the level it has: (length,); it repeats if it is shorter."""
        return self._recorded(rng, length) if self._is_recorded(rng) else np.resize(wrapped(self._made, rng), length)

    def silence(self, *, rng: Rng) -> NDArray[np.int16]:
        """One clip without a word: (length,) int16.

        Recordings as they are and at other levels, made noise, and sounds that are not speech, from a loud fan down
        to the last bits of a converter and, rarely, the zeros of a muted microphone. Not often: a network that has
        learnt that silence is zero calls a room a word.
        """
        if rng.random() < _MUTED_P:
            return np.zeros(self.length, np.int16)
        kind, level = rng.random(), from_db(rng.uniform(-85.0, 0.0))
        if kind < 0.21 and self.recordings:
            sound = self._recorded(rng, self.length)
            if kind >= 0.07:
                sound *= from_db(rng.uniform(-30.0, 10.0))
        elif kind < 0.51:
            bed = self.draw(1, rng=rng)[0] * np.float32(10.0 ** -rng.uniform(0, 2) * (rng.random() < 0.7))
            sound = (wrapped(self._events, rng) + bed) * level**0.6
        else:
            sound = self.draw(1, rng=rng)[0] * level
        dither = rng.standard_normal(self.length, np.float32) / np.float32(audio.FULL_SCALE)
        turned_down = from_db(rng.uniform(*_TURNED_DOWN_DB)) if rng.random() < _TURNED_DOWN_P else 1.0
        return audio.to_int16(((sound + dither) * turned_down).astype(np.float32, copy=False))

    def _is_recorded(self, rng: Rng) -> bool:
        return bool(self.recordings) and rng.random() < self.recorded_share

    def _recorded(self, rng: Rng, length: int) -> Samples:
        noise = self.recordings[int(rng.integers(len(self.recordings)))]
        if len(noise) < length:
            noise = np.resize(noise, length)  # a short one is repeated
        start = rng.integers(len(noise) - length + 1)
        return audio.from_int16(noise[start : start + length])

    @cached_property
    def _events(self) -> Samples:
        rng = np.random.default_rng([self.seed, 1])
        return events(_BANK["events"], self.length, sample_rate=self.sample_rate, rng=rng)

    @cached_property
    def _made(self) -> Samples:
        rng = np.random.default_rng([self.seed, 2])
        return np.concatenate(
            [
                coloured_noise(_BANK["coloured"], self.length, rng=rng),
                hums(_BANK["hums"], self.length, sample_rate=self.sample_rate, rng=rng),
                self._events,
            ]
        )


def wrapped(sounds: Samples, rng: Rng) -> Samples:
    """One of some sounds (count, n) from anywhere in it on, its beginning after its end: (n,)."""
    sound, start = sounds[int(rng.integers(len(sounds)))], int(rng.integers(sounds.shape[1]))
    return np.concatenate([sound[start:], sound[:start]])


def unit(samples: NDArray[np.floating]) -> Samples:
    """Scaled to an RMS of 1 along the last axis; digital silence stays silent."""
    power = np.einsum("...i,...i->...", samples, samples) / samples.shape[-1]  # a third of the time of np.mean
    level = np.sqrt(power)[..., None]
    scaled: Samples = (samples * (1 / (level + _TINY)).astype(samples.dtype)).astype(np.float32, copy=False)
    return scaled


def from_db(decibels: Any) -> NDArray[np.float32]:
    """Amplitude ratio for a level in dB: 10**(dB / 20)."""
    return np.power(10.0, np.asarray(decibels) / 20.0).astype(np.float32)


def coloured_noise(count: int, length: int, *, rng: Rng) -> Samples:
    """White to brown noise, tilted at random by +-12 dB at seven knots, a third of it swelling: (count, length)."""
    frequencies = audible(length)
    bins = len(frequencies)
    spectrum = rng.standard_normal((count, bins)) + 1j * rng.standard_normal((count, bins))
    tilt_db = between_knots(rng.uniform(-12.0, 12.0, (count, _KNOTS)), frequencies)
    spectrum *= frequencies ** (-rng.uniform(-0.5, 2.2, (count, 1)) / 2) * 10 ** (tilt_db / 20)
    swell_db = rng.uniform(-20.0, 0.0, (count, 9)) * (rng.random((count, 1)) < 0.35)
    swell = np.stack([np.interp(np.arange(length), np.linspace(0, length, 9), row) for row in swell_db])
    return unit(np.fft.irfft(spectrum, length) * 10 ** (swell / 20))


def audible(length: int) -> NDArray[np.float64]:
    """Frequencies of the bins of ``length`` samples, in parts of the sample rate; the first is not 0 but the second."""
    return np.maximum(np.fft.rfftfreq(length), 1 / length)


def between_knots(knots: NDArray[np.float64], frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at ``frequencies`` (bins,), linear in octaves between knots (count, n) evenly over them: (count, bins)."""
    last = knots.shape[1] - 1
    octave = np.log(frequencies / frequencies[0]) / np.log(frequencies[-1] / frequencies[0]) * last
    below = np.minimum(octave.astype(np.int64), last - 1)
    values: NDArray[np.float64] = knots[:, below] * (1 - octave + below) + knots[:, below + 1] * (octave - below)
    return values


def hums(count: int, length: int, *, sample_rate: int, rng: Rng) -> Samples:
    """Mains and motors: a fundamental with harmonics over a little coloured noise, (count, length)."""
    times = np.arange(length) / sample_rate
    noise = coloured_noise(count, length, rng=rng)
    rows = []
    for i in range(count):
        pitch = rng.choice([50, 60, 100, 120, rng.uniform(80, 1000)])
        fade = rng.uniform(0, 2)
        tones = [_partial(pitch * k, times, sample_rate, rng) / k**fade for k in range(1, 6)]
        rows.append(unit(np.sum(tones, axis=0)) + noise[i] * rng.uniform(0.02, 1))
    return unit(np.stack(rows))


def events(count: int, length: int, *, sample_rate: int, rng: Rng) -> Samples:
    """Sounds that are not speech: bursts, struck things, decaying and gliding tones, (count, length)."""
    rows = np.zeros((count, length))
    for row in rows:
        for _ in range(rng.integers(1, 8)):
            since = (np.arange(length) - rng.uniform(0, length)) / sample_rate
            after = np.maximum(since, 0)
            rise, decay = 10 ** rng.uniform(-3.5, -1.3), 10 ** rng.uniform(-2.3, -0.3)
            envelope = np.exp(-after / decay) * (1 - np.exp(-after / rise))
            make = (_burst, _struck, _gliding)[int(rng.choice(3, p=(0.35, 0.3, 0.35)))]
            row += envelope * make(since, sample_rate, rng) * 10 ** rng.uniform(-0.6, 0)
    return unit(rows.astype(np.float32))


def _burst(since: NDArray[np.float64], sample_rate: int, rng: Rng) -> NDArray[Any]:
    return coloured_noise(1, len(since), rng=rng)[0]


def _struck(since: NDArray[np.float64], sample_rate: int, rng: Rng) -> NDArray[Any]:
    """Inharmonic partials, each with its own decay: pots, glass, wood."""
    after = np.maximum(since, 0)
    pitches = np.minimum(10 ** rng.uniform(2.5, 3.87, 7), 0.47 * sample_rate)
    decays = 10 ** rng.uniform(-2.3, -0.3, 7)
    partials = [
        np.sin(2 * np.pi * f * since) * np.exp(-after / decay) for f, decay in zip(pitches, decays, strict=True)
    ]
    return np.sum(partials, axis=0) / 2


def _gliding(since: NDArray[np.float64], sample_rate: int, rng: Rng) -> NDArray[Any]:
    """A harmonic tone that slides and trembles: animals, doors, sirens."""
    pitch = 10 ** rng.uniform(1.9, 3.2)
    tremble = rng.uniform(0, 0.1) * np.sin(2 * np.pi * rng.uniform(2, 30) * since)
    phase = 2 * np.pi * np.cumsum(pitch * np.exp(rng.uniform(-0.7, 0.7) * since + tremble)) / sample_rate
    fade = rng.uniform(0, 2)
    harmonics = [k for k in range(1, 9) if 2.2 * pitch * k < sample_rate / 2]
    return np.sum([np.sin(phase * k) / k**fade for k in harmonics], axis=0)


def _partial(frequency: float, times: NDArray[np.float64], sample_rate: int, rng: Rng) -> NDArray[Any]:
    """A sine of random phase; nothing above half the sample rate, where it would alias."""
    audible = frequency < sample_rate / 2
    return np.sin(2 * np.pi * frequency * times + rng.uniform(0, 2 * np.pi)) * audible
