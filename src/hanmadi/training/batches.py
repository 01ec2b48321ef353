"""What a network sees of clips in training: augmented anew each time, some with running speech behind or instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.audio.noise import Rng, from_db, unit
from hanmadi.audio.reverb import RoomBank, place_in_rooms
from hanmadi.augment import augmentations, connected_speech
from hanmadi.augment.noise_pool import NoisePool, noise_pool
from hanmadi.data.examples import Examples
from hanmadi.features.torch import FrontEnd
from hanmadi.models.recipe import Recipe

_STRIP_SECONDS_PER_CLIP, _STRIP_SECONDS = 0.06, (10.0, 600.0)  # of running speech for an epoch, and its limits
_RECORDED: Final = 0.6  # share of it that is recorded negative speech, if there is any
_PHRASE: Final = 3  # words of one speaker that follow each other in it
_RUNNING_GAIN_DB: Final = (-10.0, 10.0)
_PIECE_SECONDS: Final = 10.0  # of recorded negative speech that are taken from one place
_SEARCHED_SECONDS: Final = 1_800.0  # of it, new ones each epoch, are searched for hard windows
_SCORED_SECONDS: Final = 0.2  # from one window that is scored to the next
_HARDEST: Final = 0.03  # share of those that count as hard
_FADED: Final = 160  # samples at either end of a piece
_JITTER_SECONDS: Final = 0.025  # a hard window is drawn again that much earlier or later
_POOL_SILENCE: Final = 0.5  # share of synthetic silence that is of the noises of the epoch
_ROOMS_SEED: Final = 1  # the benchmarks' rooms have others
_ROOM_SECONDS: Final = 0.28  # of a response: what follows is faint and costs a fifth more time


@dataclass(frozen=True)
class Preparation:
    """Clips of one epoch to features. What is drawn comes from ``rng``; nothing is kept between calls."""

    front_end: FrontEnd
    examples: Examples
    recipe: Recipe
    strip: NDArray[np.int16] | None = field(default=None, repr=False)  # running speech
    hard: NDArray[np.int64] | None = field(default=None, repr=False)  # first samples of its hard windows
    rooms: RoomBank | None = None
    noises: NoisePool | None = None  # of this epoch; None: those of the examples

    def __call__(self, indices: NDArray[np.int64], *, device: torch.device, rng: Rng) -> Tensor:
        """Features of examples as the network sees them: (batch, *shape), augmented if the recipe says so."""
        samples = audio.from_int16(self.examples.batch(indices, rng=rng))
        how = self.recipe.augmentation
        with torch.no_grad():
            real = indices < self.examples.recorded
            if self.noises is not None:  # synthetic silence varies as it is, but not with the epoch
                of_pool = np.flatnonzero(~real & (rng.random(len(indices)) < _POOL_SILENCE))
                samples[of_pool] = audio.from_int16(self.noises.silence(len(of_pool), rng=rng))
            if self.recipe.augment and real.any():
                samples[real] = self._augmented(samples[real], self.examples.labels[indices[real]], rng)
            heard = torch.from_numpy(samples).to(device)
            if not self.recipe.augment or self.front_end.config.kind != "log_mel":
                return self.front_end(heard)
            mel = self.front_end.warped_mel_of(heard, lambda: augmentations.draw_warp(how, rng=rng))
            log_mel = self.front_end.normalised(mel).cpu().numpy()
            augmented = augmentations.augment_features(log_mel, config=how, rng=rng)
            return torch.from_numpy(augmented).to(device).transpose(1, 2)

    def _augmented(self, samples: Samples, labels: NDArray[np.int64], rng: Rng) -> Samples:
        how = self.recipe.augmentation
        if self.strip is not None:
            samples = self._beside_running_speech(samples, labels, self.strip, rng)
        if self.rooms is not None:
            samples = place_in_rooms(samples, self.rooms, p=how.room_p, rng=rng)
        return augmentations.augment(samples, self.noises or self.examples.noise, config=how, rng=rng)

    def _beside_running_speech(
        self, samples: Samples, labels: NDArray[np.int64], strip: NDArray[np.int16], rng: Rng
    ) -> Samples:
        """Some unknown words replaced by running speech, some clips with it behind them: (batch, n) to the same."""
        how, drawn = self.recipe.augmentation, rng.random(len(samples))
        replaced = np.flatnonzero((labels == self.examples.unknown) & (drawn < how.running_p))
        behind = np.flatnonzero(drawn > 1 - how.behind_p)
        last = len(strip) - samples.shape[1]
        starts = rng.integers(0, last + 1, len(replaced) + len(behind))
        starts[: len(replaced)] = self._with_hard(starts[: len(replaced)], last, rng)
        talk = connected_speech.cuts(strip, starts, length=samples.shape[1])
        gain = from_db(rng.uniform(*_RUNNING_GAIN_DB, (len(replaced), 1)))
        snr_db = rng.uniform(*how.behind_snr_db, len(behind))
        augmented = samples.copy()
        augmented[replaced] = talk[: len(replaced)] * gain
        augmented[behind] = augmentations.mix_at_snr(samples[behind], talk[len(replaced) :], snr_db=snr_db)
        return augmented

    def _with_hard(self, starts: NDArray[np.int64], last: int, rng: Rng) -> NDArray[np.int64]:
        """Where windows of running speech begin: some anywhere, as given, some where it is hard."""
        if self.hard is None:
            return starts
        most = round(_JITTER_SECONDS * self.examples.store.sample_rate)
        hard = rng.choice(self.hard, len(starts)) + rng.integers(-most, most + 1, len(starts))
        return np.where(rng.random(len(starts)) < self.recipe.augmentation.hard_p, hard.clip(0, last), starts)


def prepare(front_end: FrontEnd, examples: Examples, recipe: Recipe, *, rng: Rng) -> Preparation:
    """What an epoch needs: with augmentation, rooms, new noises, and running speech where unknown words are at hand."""
    how, store = recipe.augmentation, examples.store
    plain = Preparation(front_end, examples, recipe)
    if not recipe.augment:
        return plain
    rooms = _rooms(store.sample_rate, store.clip_samples) if how.room_p else None
    noises = noise_pool(examples.noise, how.noises, rng=rng) if how.noises and how.noise_p else None
    plain = replace(plain, rooms=rooms, noises=noises)
    if examples.unknown is None or not (how.running_p or how.behind_p):
        return plain
    seconds = float(np.clip(_STRIP_SECONDS_PER_CLIP * len(examples), *_STRIP_SECONDS))
    if examples.negative_speech is None:
        return replace(plain, strip=_made(examples, seconds, rng))
    made = _made(examples, (1 - _RECORDED) * seconds, rng)
    recorded = _recorded(examples, examples.negative_speech, _RECORDED * seconds, rng)
    return replace(plain, strip=np.concatenate([made, recorded]))


def with_hard_windows(
    preparation: Preparation,
    score: Callable[[Iterable[Samples]], Iterable[NDArray[np.floating[Any]]]],
    *,
    rng: Rng,
) -> Preparation:
    """The same with the windows of recorded negative speech known that the network most takes for keywords.

    score: scores (n, labels) for each of some batches of clips (n, clip_samples). False alarms are rare, so most
    windows drawn anywhere have nothing to teach any more. Half an hour of all recordings is searched, another one each
    epoch, and what is hard is put at the end of the strip. Running speech made of training clips is not searched:
    keywords are in it.
    """
    strip, how, talk = preparation.strip, preparation.recipe.augmentation, preparation.examples.negative_speech
    if strip is None or talk is None or not (how.running_p and how.hard_p):
        return preparation
    store = preparation.examples.store
    length, step = store.clip_samples, round(_SCORED_SECONDS * store.sample_rate)
    every = _pieces(talk, _SEARCHED_SECONDS, store.sample_rate, rng)
    pieces = [(start, stop) for start, stop in every if stop - start >= length]
    offsets = [np.arange(0, stop - start - length + 1, step) for start, stop in pieces]
    # piece by piece: all windows together would be as large as a data set
    batches = (
        connected_speech.cuts(_levelled(talk[start:stop]), at, length=length)
        for (start, stop), at in zip(pieces, offsets, strict=True)
    )
    taken = np.concatenate([scores[:, preparation.examples.keywords].max(axis=1) for scores in score(batches)])
    hardest = np.argsort(-taken, kind="stable")[: max(1, round(_HARDEST * len(taken)))]
    piece_of, offset_of = np.repeat(np.arange(len(pieces)), [len(at) for at in offsets]), np.concatenate(offsets)
    windows = [(*pieces[piece_of[window]], int(offset_of[window])) for window in hardest]
    return _with_segments(preparation, strip, talk, windows)


def _with_segments(
    preparation: Preparation,
    strip: NDArray[np.int16],
    talk: NDArray[np.int16],
    windows: Sequence[tuple[int, int, int]],
) -> Preparation:
    """Windows, each the piece of recorded speech it is in and where in it, at the end of the strip, and known."""
    store = preparation.examples.store
    margin = round(_JITTER_SECONDS * store.sample_rate)
    parts, starts, place = [strip], [], len(strip)
    for start, stop, offset in windows:
        first = max(0, offset - margin)
        part = _levelled(talk[start:stop])[first : offset + store.clip_samples + margin]
        parts.append(part)
        starts.append(place + offset - first)
        place += len(part)
    return replace(preparation, strip=np.concatenate(parts), hard=np.array(starts))


def _pieces(talk: NDArray[np.int16], seconds: float, sample_rate: int, rng: Rng) -> Iterator[tuple[int, int]]:
    """Places of so many seconds in all, from anywhere; the whole in one if there is not more: first and last sample."""
    length = round(_PIECE_SECONDS * sample_rate)
    if len(talk) <= max(length, seconds * sample_rate):
        yield from ((start, min(len(talk), start + length)) for start in range(0, len(talk), length))
        return
    grid = np.arange(int(rng.integers(length)), len(talk) - length + 1, length)
    for start in rng.permutation(grid)[: max(1, round(seconds / _PIECE_SECONDS))].tolist():
        yield start, start + length


def _made(examples: Examples, seconds: float, rng: Rng) -> NDArray[np.int16]:
    """Running speech made of training clips."""
    store = examples.store
    rows = _phrases(store.speaker[examples.rows], round(seconds / connected_speech.MEAN_SECONDS), rng=rng)
    clips = audio.from_int16(store.samples(examples.rows[rows]))
    strip = connected_speech.running_speech(clips, seconds=seconds, sample_rate=store.sample_rate, rng=rng)
    return audio.to_int16(np.clip(strip, -1, 1))


def _recorded(examples: Examples, talk: NDArray[np.int16], seconds: float, rng: Rng) -> NDArray[np.int16]:
    """So much recorded negative speech from many places, as loud as running speech that is made; all if not more."""
    pieces = _pieces(talk, seconds, examples.store.sample_rate, rng)
    return np.concatenate([_levelled(talk[start:stop]) for start, stop in pieces])


def _levelled(piece: NDArray[np.int16]) -> NDArray[np.int16]:
    """A piece of recorded speech as loud as running speech that is made, faded at its ends."""
    level = unit(audio.from_int16(piece)) * np.float32(connected_speech.LEVEL)
    fade = np.linspace(0, 1, min(_FADED, len(piece) // 2), dtype=np.float32)
    level[: len(fade)] *= fade
    level[len(level) - len(fade) :] *= fade[::-1]
    return audio.to_int16(np.clip(level, -1, 1))


@lru_cache
def _rooms(sample_rate: int, length: int) -> RoomBank:
    """Made once: half a second's work."""
    return RoomBank(sample_rate, length, _ROOMS_SEED, seconds=_ROOM_SECONDS).made()


def _phrases(speakers: NDArray[np.int32], count: int, *, rng: Rng) -> NDArray[np.int64]:
    """Places in ``speakers`` of about ``count`` clips: runs of a few that mostly share a speaker."""
    order = np.lexsort((rng.random(len(speakers)), speakers))
    starts = rng.integers(0, len(order), -(-count // _PHRASE))
    return order[(starts[:, None] + np.arange(_PHRASE)) % len(order)].reshape(-1)
