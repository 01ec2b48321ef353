"""What a network sees of clips in training: altered anew each time, some with running speech behind or instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hanmadi import audio, augment, running
from hanmadi.audio import Samples
from hanmadi.examples import Examples
from hanmadi.models.frontend import FrontEnd
from hanmadi.models.registry import Recipe
from hanmadi.noise import Rng, from_db

_STRIP_SECONDS_PER_CLIP, _STRIP_SECONDS = 0.06, (10.0, 600.0)  # of running speech for an epoch, and its limits
_PHRASE: Final = 3  # words of one speaker that follow each other in it
_RUNNING_GAIN_DB: Final = (-10.0, 10.0)


@dataclass(frozen=True)
class Preparation:
    """Clips of one epoch to features. What is drawn comes from ``rng``; nothing is kept between calls."""

    front_end: FrontEnd
    examples: Examples
    recipe: Recipe
    running: NDArray[np.int16] | None = field(default=None, repr=False)  # a strip of running speech

    def __call__(self, indices: NDArray[np.int64], *, device: torch.device, rng: Rng) -> Tensor:
        """Features of examples as the network sees them: (batch, *shape), altered if the recipe says so."""
        samples = audio.from_int16(self.examples.batch(indices, rng=rng))
        how = self.recipe.augmentation
        with torch.no_grad():
            real = indices < len(self.examples.rows)  # made silence varies as it is
            if self.recipe.augment and real.any():
                samples[real] = self._altered(samples[real], self.examples.labels[indices[real]], rng)
            heard = torch.from_numpy(samples).to(device)
            if not self.recipe.augment or self.front_end.config.kind != "log_mel":
                return self.front_end(heard)
            mel = self.front_end.warped_mel_of(heard, lambda: augment.draw_warp(how, rng=rng))
            log_mel = self.front_end.normalised(mel).cpu().numpy()
            altered = augment.augment_features(log_mel, config=how, rng=rng)
            return torch.from_numpy(altered).to(device).transpose(1, 2)

    def _altered(self, samples: Samples, labels: NDArray[np.int64], rng: Rng) -> Samples:
        how = self.recipe.augmentation
        if self.running is not None:
            samples = self._beside_running_speech(samples, labels, self.running, rng)
        return augment.augment(samples, self.examples.noise, config=how, rng=rng)

    def _beside_running_speech(
        self, samples: Samples, labels: NDArray[np.int64], strip: NDArray[np.int16], rng: Rng
    ) -> Samples:
        """Some unknown words replaced by running speech, some clips with it behind them: (batch, n) to the same."""
        how, drawn = self.recipe.augmentation, rng.random(len(samples))
        replaced = (labels == self.examples.unknown) & (drawn < how.running_p)
        behind = drawn > 1 - how.talk_p
        cuts = running.windows(strip, len(samples), length=samples.shape[1], rng=rng)
        gain = from_db(rng.uniform(*_RUNNING_GAIN_DB, (len(samples), 1)))
        mixed = augment.mix_at_snr(samples, cuts, snr_db=rng.uniform(*how.talk_snr_db, len(samples)))
        return np.clip(np.where(replaced[:, None], cuts * gain, np.where(behind[:, None], mixed, samples)), -1, 1)


def prepare(front_end: FrontEnd, examples: Examples, recipe: Recipe, *, rng: Rng) -> Preparation:
    """What an epoch needs: with augmentation, and where other words are known, a new strip of running speech."""
    how = recipe.augmentation
    if not recipe.augment or examples.unknown is None or not (how.running_p or how.talk_p):
        return Preparation(front_end, examples, recipe)
    seconds = float(np.clip(_STRIP_SECONDS_PER_CLIP * len(examples), *_STRIP_SECONDS))
    store = examples.store
    count = round(seconds / running.MEAN_SECONDS)
    rows = _phrases(store.speaker[examples.rows], count, rng=rng)
    clips = audio.from_int16(store.samples(examples.rows[rows]))
    strip = running.running_speech(clips, seconds=seconds, sample_rate=store.sample_rate, rng=rng)
    return Preparation(front_end, examples, recipe, audio.to_int16(np.clip(strip, -1, 1)))


def _phrases(speakers: NDArray[np.int32], count: int, *, rng: Rng) -> NDArray[np.int64]:
    """Places in ``speakers`` of about ``count`` clips: runs of a few that mostly share a speaker."""
    order = np.lexsort((rng.random(len(speakers)), speakers))
    starts = rng.integers(0, len(order), -(-count // _PHRASE))
    return order[(starts[:, None] + np.arange(_PHRASE)) % len(order)].reshape(-1)
