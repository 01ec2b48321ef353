"""What a network sees in training: running speech in the place of unknown words, and behind others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hanmadi.augment.noise_pool import NoisePool
from hanmadi.data.examples import Examples, make_examples
from hanmadi.data.store import ClipStore
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.models import architecture
from hanmadi.training.batches import Preparation, _phrases, prepare

SMALL = architecture("small")
CPU = torch.device("cpu")


@pytest.fixture
def examples(store: ClipStore, labels: LabelSet) -> Examples:
    return make_examples(store, labels)["train"]


def prepared(examples: Examples, **changes: object) -> Preparation:
    """A preparation whose only alterations are those named."""
    still = {
        "shift_ms": 0.0, "gain_db": (0.0, 0.0), "noise_p": 0.0, "warp": 0.0, "stretch": 0.0, "masked_mels": 0,
        "masked_frames": 0, "running_p": 0.0, "behind_p": 0.0, "room_p": 0.0,
    }  # fmt: skip
    how = replace(SMALL.recipe.augmentation, **still | changes)
    recipe = replace(SMALL.recipe, augmentation=how)
    return prepare(FrontEnd(SMALL.features), examples, recipe, rng=np.random.default_rng(0))


def features(preparation: Preparation, indices: np.ndarray, seed: int = 0) -> np.ndarray:
    return preparation(indices, device=CPU, rng=np.random.default_rng(seed)).numpy()


def differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b).max(axis=(1, 2)) > 1e-3


def test_running_speech_takes_the_place_of_unknown_words_alone(examples: Examples) -> None:
    spoken = np.arange(len(examples.rows))
    plain, running = (features(prepared(examples, running_p=p), spoken) for p in (0.0, 1.0))
    unknown = examples.labels[spoken] == examples.unknown
    assert unknown.any()
    assert (differ(plain, running) == unknown).all()


def test_talk_is_behind_any_word(examples: Examples) -> None:
    spoken = np.arange(len(examples.rows))
    plain = features(prepared(examples), spoken)
    quiet, loud = (features(prepared(examples, behind_p=1.0, behind_snr_db=(snr, snr)), spoken) for snr in (30.0, 0.0))
    assert differ(plain, loud).mean() > 0.9
    assert np.abs(plain - loud).mean() > np.abs(plain - quiet).mean()


def test_made_silence_stays_as_it_is(examples: Examples) -> None:
    made = np.arange(len(examples.rows), len(examples))
    assert len(made)
    assert not differ(*(features(prepared(examples, running_p=p, behind_p=p), made) for p in (0.0, 1.0))).any()


def test_a_strip_is_made_only_where_it_is_used(examples: Examples) -> None:
    assert prepared(examples).strip is None
    assert prepared(examples, running_p=0.1).strip is not None
    assert prepared(replace(examples, unknown=None), running_p=0.1).strip is None
    course = architecture("wave_cnn")
    assert prepare(FrontEnd(course.features), examples, course.recipe, rng=np.random.default_rng(0)).strip is None


def test_each_epoch_has_noises_of_its_own(examples: Examples) -> None:
    tiny = architecture("tiny")
    recipe, front_end = tiny.recipe, FrontEnd(tiny.features)
    pools = [prepare(front_end, examples, recipe, rng=np.random.default_rng([0, epoch])).noises for epoch in (0, 0, 1)]
    one, again, next_one = [pool.sounds for pool in pools if isinstance(pool, NoisePool)]
    assert len(one) == recipe.augmentation.noises
    assert np.array_equal(one, again)
    assert not np.allclose(one, next_one)
    assert prepared(examples, noise_p=1.0).noises is None, "the bank as it is"


def test_the_noise_of_the_epoch_is_what_clips_are_mixed_with(examples: Examples) -> None:
    spoken, noisy = np.arange(len(examples.rows)), prepared(examples, noise_p=1.0, noises=20, snr_db=(-20.0, -20.0))
    length = examples.store.clip_samples
    beep = np.sin(2 * np.pi * 1_000 * np.arange(length) / examples.store.sample_rate)[None].astype(np.float32)
    beeping = replace(noisy, noises=NoisePool(beep, examples.store.sample_rate))
    loudest = features(beeping, spoken).mean(axis=2).argmax(axis=1)  # (clips, mels, frames) to a mel of each clip
    assert len(set(loudest)) == 1
    assert len(set(features(noisy, spoken).mean(axis=2).argmax(axis=1))) > 1


def test_made_silence_is_partly_of_the_noises_of_the_epoch(examples: Examples) -> None:
    made = np.arange(len(examples.rows), len(examples))
    plain, pooled = (features(prepared(examples, noise_p=1.0, noises=count), made) for count in (0, 20))
    assert 0.2 < differ(plain, pooled).mean() < 0.8


def test_the_rng_alone_decides(examples: Examples) -> None:
    indices = np.arange(20)
    usual = prepare(FrontEnd(SMALL.features), examples, SMALL.recipe, rng=np.random.default_rng(0))
    assert np.array_equal(features(usual, indices), features(usual, indices))
    assert not np.array_equal(features(usual, indices), features(usual, indices, seed=1))


def test_phrases_are_mostly_of_one_speaker() -> None:
    speakers = np.repeat(np.arange(40, dtype=np.int32), 25)
    np.random.default_rng(1).shuffle(speakers)
    rows = _phrases(speakers, 300, rng=np.random.default_rng(0))
    assert len(rows) == 300
    same = (np.ptp(speakers[rows].reshape(-1, 3), axis=1) == 0).mean()
    assert same > 0.8
    assert len(set(rows.tolist())) > 200
