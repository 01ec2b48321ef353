"""Examples: labels, made silence, and what cannot be trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hanmadi.data.examples import Examples, label_of_words, make_examples, sampling_weights
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.errors import DataError
from hanmadi.labels import LabelSet, make_labels


@pytest.fixture(scope="module")
def examples(store: ClipStore, labels: LabelSet) -> dict[str, Examples]:
    return make_examples(store, labels)


def test_counts(examples: dict[str, Examples], labels: LabelSet) -> None:
    assert labels.labels == ("yes", "no", "up", "unknown", "silence")
    assert examples["train"].counts(5).tolist() == [16] * 5
    assert examples["validation"].counts(5).tolist() == [4] * 5
    assert examples["test"].counts(5).tolist() == [4] * 5
    assert [found.made for found in examples.values()] == [16, 4, 4]


def test_clips_and_labels_belong_together(examples: dict[str, Examples], store: ClipStore, labels: LabelSet) -> None:
    for found in examples.values():
        for row, label in zip(found.rows, found.labels, strict=False):
            word = store.name(int(row)).split("/")[0]
            assert labels.labels[label] == ("unknown" if word == "bed" else word)
        samples = found.batch(np.arange(len(found)))
        assert np.array_equal(samples[: len(found.rows)], store.samples(found.rows))


def test_no_speaker_and_no_clip_is_in_two_splits(examples: dict[str, Examples], store: ClipStore) -> None:
    speakers = [set(store.speaker[examples[split].rows].tolist()) for split in SPLITS]
    assert not speakers[0] & speakers[1]
    assert not speakers[0] & speakers[2]
    assert not speakers[1] & speakers[2]
    assert sum(len(examples[split].rows) for split in SPLITS) == len(store)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_is_judged_is_the_same_each_time(store: ClipStore, labels: LabelSet, split: str) -> None:
    first, second = (make_examples(store, labels, seed=seed)[split] for seed in (0, 1))
    for (a, a_labels), (b, b_labels) in zip(first.batches(7), second.batches(7), strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a_labels, b_labels)
    assert np.array_equal(first.batch(np.arange(len(first))), np.concatenate([x for x, _ in first.batches(3)]))


def test_training_silence_is_drawn_anew(examples: dict[str, Examples]) -> None:
    train = examples["train"]
    indices = np.arange(len(train) - train.made - 2, len(train))
    one, two, three = (train.batch(indices, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(one[:2], three[:2])  # recorded clips stay
    assert not (one[2:] == three[2:]).all(axis=1).any()


def test_silence_differs_within_and_between_splits(examples: dict[str, Examples]) -> None:
    made = [found.batch(np.arange(len(found.rows), len(found))) for found in examples.values()]
    every = np.concatenate(made)
    assert len(np.unique(every, axis=0)) == len(every)
    assert (every.std(axis=1) > 0).all()


def test_a_few_are_evenly_spread(examples: dict[str, Examples]) -> None:
    train = examples["train"]
    labels = np.concatenate([labels for _, labels in train.batches(4, at_most=10)])
    assert len(labels) == 10
    assert set(labels.tolist()) == {0, 1, 2, 3, 4}
    assert sum(len(labels) for _, labels in train.batches(4, at_most=10**6)) == len(train)
    assert list(train.batches(4, at_most=0)) == []


def test_recorded_silence_needs_less_made(store: ClipStore) -> None:
    words = ("bed", "no", "_silence_", "yes")  # in the place of bed, no, up, yes
    found = make_examples(replace(store, words=words), make_labels(["yes", "no"]))
    assert [examples.made for examples in found.values()] == [0, 0, 0]
    assert found["train"].counts(4).tolist() == [16] * 4


def test_words_without_a_label_are_left_out(store: ClipStore) -> None:
    labels = LabelSet(("yes", "no"))
    assert label_of_words(store, labels).tolist() == [-1, 1, -1, 0]  # bed, no, up, yes
    found = make_examples(store, labels)
    assert found["train"].counts(2).tolist() == [16, 16]
    assert found["train"].made == 0


def test_a_word_that_nobody_recorded(store: ClipStore) -> None:
    with pytest.raises(DataError, match="no recording of left, right; the words there are bed, no, up, yes"):
        make_examples(store, make_labels(["yes", "left", "right"]))


def only(store: ClipStore, keep: np.ndarray) -> ClipStore:
    return replace(
        store, word=store.word[keep], speaker=store.speaker[keep], split=store.split[keep],
        _name_starts=store._name_starts[:1],
    )  # fmt: skip


def test_a_split_without_clips(store: ClipStore, labels: LabelSet) -> None:
    with pytest.raises(DataError, match="no clips for train"):
        make_examples(replace(store, split=np.full(len(store), 2, np.int8)), labels)


def test_a_word_without_training_clips_and_one_without_validation(store: ClipStore, labels: LabelSet) -> None:
    split = np.arange(len(store), dtype=np.int8) % 3
    with pytest.raises(DataError, match="no training clip of no"):
        make_examples(
            replace(store, split=np.where(store.word == store.words.index("no"), 2, split).astype(np.int8)), labels
        )
    up = store.word == store.words.index("up")
    with pytest.warns(UserWarning, match="no validation clip of up"):
        make_examples(replace(store, split=np.where(up, 2 * (split % 2), split).astype(np.int8)), labels)


def test_one_label_alone_cannot_be_told_apart(store: ClipStore) -> None:
    """A keyword with no other word and no silence."""
    with pytest.raises(DataError, match="only word recorded"):
        make_examples(only(store, store.word == store.words.index("yes")), LabelSet(("yes", "unknown")))


def test_weights_give_each_group_its_share(examples: dict[str, Examples]) -> None:
    train = examples["train"]
    for unknown, silence in [(0.25, 0.08), (1 / 3, 1 / 3), (0.46, 0.08), (0.0, 0.1)]:
        weights = sampling_weights(train, unknown=unknown, silence=silence, exponent=0.5)
        share = np.bincount(train.labels, weights, minlength=5)
        assert share[3:] == pytest.approx([unknown, silence])
        assert share[:3] == pytest.approx([(1 - unknown - silence) / 3] * 3)


def test_weights_of_groups_that_are_empty_go_to_the_others(store: ClipStore) -> None:
    labels = LabelSet(("yes", "no"))
    train = make_examples(store, labels)["train"]
    weights = sampling_weights(train, unknown=0.25, silence=0.08, exponent=0.5)
    assert weights.sum() == pytest.approx(1)
    assert np.isfinite(weights).all()


def test_rare_words_are_drawn_more_often_than_recorded(store: ClipStore) -> None:
    labels = LabelSet(("yes", "no"))
    word = np.zeros(len(store), np.int32)
    word[::4] = 1
    train = make_examples(replace(store, word=word, words=("yes", "no")), labels)["train"]
    clips = np.bincount(train.labels).astype(float)
    for exponent, expected in [(1.0, clips), (0.0, np.ones(2)), (0.5, np.sqrt(clips))]:
        weights = sampling_weights(train, unknown=0.0, silence=0.0, exponent=exponent)
        assert np.bincount(train.labels, weights) == pytest.approx(expected / expected.sum())


def test_without_other_words_there_is_a_warning(store: ClipStore) -> None:
    two = make_labels(("yes", "no"))
    keep = np.isin(store.word, [store.words.index(word) for word in ("yes", "no")])
    with pytest.warns(UserWarning, match="add folders of other words"):
        make_examples(only(store, keep), two)
