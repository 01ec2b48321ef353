"""What a network sees in training: running speech in the place of unknown words, and behind others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from hanmadi.clips import ClipStore
from hanmadi.examples import Examples, make_examples
from hanmadi.labels import LabelSet
from hanmadi.models import architecture
from hanmadi.models.frontend import FrontEnd
from hanmadi.preparation import Preparation, _holds_keyword, _phrases, prepare, with_hard_windows

SMALL = architecture("small")
CPU = torch.device("cpu")


@pytest.fixture
def examples(store: ClipStore, labels: LabelSet) -> Examples:
    return make_examples(store, labels)["train"]


def prepared(examples: Examples, **changes: object) -> Preparation:
    """A preparation whose only alterations are those named."""
    still = {
        "shift_ms": 0.0, "gain_db": (0.0, 0.0), "noise_p": 0.0, "warp": 0.0, "stretch": 0.0, "masked_mels": 0,
        "masked_frames": 0, "running_p": 0.0, "talk_p": 0.0, "room_p": 0.0,
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
    quiet, loud = (features(prepared(examples, talk_p=1.0, talk_snr_db=(snr, snr)), spoken) for snr in (30.0, 0.0))
    assert differ(plain, loud).mean() > 0.9
    assert np.abs(plain - loud).mean() > np.abs(plain - quiet).mean()


def test_made_silence_stays_as_it_is(examples: Examples) -> None:
    made = np.arange(len(examples.rows), len(examples))
    assert len(made)
    assert not differ(*(features(prepared(examples, running_p=p, talk_p=p), made) for p in (0.0, 1.0))).any()


def test_a_strip_is_made_only_where_it_is_used(examples: Examples) -> None:
    assert prepared(examples).strip is None
    assert prepared(examples, running_p=0.1).strip is not None
    assert prepared(replace(examples, unknown=None), running_p=0.1).strip is None
    course = architecture("wave_cnn")
    assert prepare(FrontEnd(course.features), examples, course.recipe, rng=np.random.default_rng(0)).strip is None


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


def loudness(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A judge that takes loud windows for the first keyword, and is surer of unknown: (n, labels) scores."""
    for clips in batches:
        level = np.sqrt(np.mean(clips**2, axis=1))
        yield np.stack([level, *[0 * level] * 2, 2 + level, 0 * level], axis=1)


def test_hard_windows_are_those_taken_for_keywords(examples: Examples) -> None:
    plain = prepared(examples, running_p=1.0, hard_p=1.0)
    assert plain.strip is not None
    assert plain.keywords is not None
    hard = with_hard_windows(plain, loudness)
    assert hard.hard is not None
    length, rate = examples.store.clip_samples, examples.store.sample_rate
    anywhere = np.arange(0, len(plain.strip) - length + 1, rate // 10)
    allowed = anywhere[~_holds_keyword(anywhere, length, plain.keywords)]
    levels = {start: np.std(plain.strip[start : start + length]) for start in allowed}
    assert len(hard.hard) == max(1, round(0.05 * len(allowed)))
    assert set(hard.hard) <= set(allowed)
    assert min(levels[start] for start in hard.hard) >= np.quantile(list(levels.values()), 0.9)

    starts, last = np.zeros(500, np.int64), len(plain.strip) - length
    drawn = hard._with_hard(starts, last, np.random.default_rng(0))
    assert np.abs(drawn[:, None] - hard.hard).min(axis=1).max() <= rate // 40
    half = replace(hard, recipe=replace(hard.recipe, augmentation=replace(hard.recipe.augmentation, hard_p=0.5)))
    assert 0.4 < (half._with_hard(starts - 10**9, last, np.random.default_rng(0)) < 0).mean() < 0.6
    assert plain._with_hard(starts, last, np.random.default_rng(0)) is starts


def test_without_running_speech_nothing_is_hard(examples: Examples) -> None:
    for changes in ({}, {"talk_p": 0.5}, {"running_p": 1.0, "hard_p": 0.0}):
        plain = prepared(examples, **changes)
        assert with_hard_windows(plain, loudness) is plain


def test_windows_that_hold_a_keyword() -> None:
    rng, length = np.random.default_rng(0), 100
    starts = np.arange(0, 2_000, 7)
    first = np.sort(rng.integers(0, 2_000, 12))
    keywords = np.stack([first, first + rng.integers(10, 60, 12)], axis=1)
    inside = np.minimum(keywords[:, 1], starts[:, None] + length) - np.maximum(keywords[:, 0], starts[:, None])
    wanted = (inside > (0.6 * (keywords[:, 1] - keywords[:, 0])).astype(int)).any(axis=1)
    assert 0 < wanted.mean() < 1
    assert (_holds_keyword(starts, length, keywords) == wanted).all()
    assert not _holds_keyword(starts, length, np.zeros((0, 2), np.int64)).any()
