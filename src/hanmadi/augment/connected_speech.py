"""Running speech made from single words: what a recogniser hears all day and must not take for a command.

A network that has only heard words alone, with silence around them, finds its keywords everywhere in talk. So it also
learns from words, and pieces of words, that follow each other without a pause: those are unknown. A keyword
among them is unknown too, for a command stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.audio.noise import Rng, from_db, unit
from hanmadi.errors import AudioError

MEAN_SECONDS: Final = 0.3  # of strip that a word makes, about
_FRAME_SECONDS: Final = 0.01  # of a level
_BELOW_LOUDEST_DB: Final = 22.0  # a frame this much quieter than the loudest does not belong to the word ...
_ABOVE_NOISE_DB: Final = 4.0  # ... nor one that is hardly louder than the quietest tenth
_SHORTEST_SECONDS: Final = 0.05  # of a piece that is used
_FADE_SECONDS: Final = 0.015
LEVEL: Final = 0.1  # RMS of a word, before its own level
_FLOOR: Final = 1e-9  # keeps the logarithm of digital silence finite


@dataclass(frozen=True)
class RunningConfig:
    """How clips of single words are joined to connected speech: gaps, overlaps, levels."""

    piece_p: float = 0.35  # share of words of which only the beginning or the end is used
    piece: tuple[float, float] = (0.35, 0.75)  # how much of such a word
    faster_p: float = 0.5  # share of words that are spoken faster: words alone are spoken slowly
    faster: tuple[float, float] = (1.0, 1.35)
    gap_seconds: tuple[float, float] = (-0.03, 0.07)  # below 0: they overlap
    pause_p: float = 0.1  # share of words after which there is a pause
    pause_seconds: tuple[float, float] = (0.3, 0.8)
    level_db: tuple[float, float] = (-4.0, 4.0)


def word_extents(clips: Samples, *, sample_rate: int) -> NDArray[np.int64]:
    """Where the word is in each clip, by its level: (batch, n) to (batch, 2), first sample and one past the last."""
    if clips.ndim != 2 or clips.shape[1] < sample_rate * _FRAME_SECONDS:
        raise AudioError(f"expected clips (batch, n) of {_FRAME_SECONDS:g} s or more, got shape {clips.shape}")
    frame = round(sample_rate * _FRAME_SECONDS)
    frames = clips.shape[1] // frame
    power = np.mean(np.square(clips[:, : frames * frame].reshape(len(clips), frames, frame)), axis=2)
    padded = np.pad(power, ((0, 0), (1, 1)), mode="edge")
    level = 10 * np.log10((padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3 + _FLOOR)
    loudest = level.max(axis=1, keepdims=True)
    quiet = np.quantile(level, 0.1, axis=1, keepdims=True) + _ABOVE_NOISE_DB
    inside = level >= np.minimum(np.maximum(loudest - _BELOW_LOUDEST_DB, quiet), loudest)
    first = np.maximum(inside.argmax(axis=1) - 1, 0)
    last = np.minimum(frames - inside[:, ::-1].argmax(axis=1) + 1, frames)
    return np.stack([first, last], axis=1) * frame


def running_speech(
    clips: Samples, *, seconds: float, sample_rate: int, rng: Rng, config: RunningConfig | None = None
) -> Samples:
    """A strip of running speech of so many seconds, made from clips of words, (batch, n), in turn: (samples,).

    The clips are used again from the first one when they do not suffice. Raises AudioError if none holds a sound.
    """
    config = config or RunningConfig()
    shortest = round(_SHORTEST_SECONDS * sample_rate)
    words = [
        clip[first:last]
        for clip, (first, last) in zip(clips, word_extents(clips, sample_rate=sample_rate), strict=True)
    ]
    words = [word for word in words if len(word) >= shortest and word.any()]
    if not words:
        raise AudioError(f"expected clips with words to make running speech from, got {len(clips)} silent ones")
    strip = np.zeros(round(seconds * sample_rate), np.float32)
    place = number = 0
    while place < len(strip):
        piece = _spoken(words[number % len(words)], shortest, sample_rate, config, rng)
        end = min(place + len(piece), len(strip))
        strip[place:end] += piece[: end - place]
        pause = config.pause_seconds if rng.random() < config.pause_p else config.gap_seconds
        place = max(place + shortest // 2, end + round(rng.uniform(*pause) * sample_rate))
        number += 1
    return strip


def _spoken(word: Samples, shortest: int, sample_rate: int, config: RunningConfig, rng: Rng) -> Samples:
    """A word or a piece of it, at another speed and level, faded at both ends."""
    if rng.random() < config.piece_p:
        length = max(shortest, round(len(word) * rng.uniform(*config.piece)))
        word = word[:length] if rng.random() < 0.5 else word[-length:]
    if rng.random() < config.faster_p:
        places = np.arange(0, len(word) - 1, rng.uniform(*config.faster))
        word = np.interp(places, np.arange(len(word)), word).astype(np.float32)
    fade = np.linspace(0, 1, min(round(_FADE_SECONDS * sample_rate), len(word) // 2), dtype=np.float32)
    spoken = unit(word) * (LEVEL * from_db(rng.uniform(*config.level_db)))
    spoken[: len(fade)] *= fade
    spoken[len(spoken) - len(fade) :] *= fade[::-1]
    return spoken


def cuts(strip: NDArray[np.int16], starts: NDArray[np.int64], *, length: int) -> Samples:
    """Clips of a strip of int16 that begin at ``starts``, (count,): (count, length) float32."""
    return audio.from_int16(np.lib.stride_tricks.sliding_window_view(strip, length)[starts])
