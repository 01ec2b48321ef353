"""Who trains, who validates, who tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import MakeWordsFolder
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.splits import choose_method, split_clips, split_noise, split_speakers
from hanmadi.data.store import NO_SPEAKER, SPLITS, ClipStore, build_store
from hanmadi.errors import DataError

speaker_names = st.lists(st.text(min_size=1), min_size=3, max_size=60, unique=True)
holdouts = st.floats(0.01, 0.49)


@settings(deadline=None)
@given(speaker_names, holdouts)
def test_every_split_has_speakers_and_a_speaker_one_split(speakers: list[str], holdout: float) -> None:
    try:
        split = split_speakers(tuple(speakers), holdout)
    except UnicodeEncodeError:  # a lone surrogate; sources give none
        return
    assert set(split.tolist()) == {0, 1, 2}
    assert len(split) == len(speakers)


def test_speakers_stay_when_others_come() -> None:
    names = tuple(f"speaker{i}" for i in range(400))
    some, all_of_them = split_speakers(names[:200]), split_speakers(names)
    assert np.array_equal(some, all_of_them[:200])
    assert np.array_equal(split_speakers(names[::-1])[::-1], all_of_them)
    assert 0.05 < np.mean(all_of_them == 1) < 0.15
    assert 0.05 < np.mean(all_of_them == 2) < 0.15


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_speakers_cannot_be_kept_apart(count: int) -> None:
    with pytest.raises(DataError, match=f"three speakers or more .* got {count}"):
        split_speakers(tuple("ab"[:count]))


@pytest.mark.parametrize("count", [3, 4, 5])
def test_few_speakers_leave_someone_to_train(count: int) -> None:
    for holdout in (0.01, 0.1, 0.3, 0.49):
        assert {0, 1, 2} == set(split_speakers(tuple("abcde"[:count]), holdout).tolist())


def test_the_store_is_split_by_speaker(store: ClipStore) -> None:
    assert choose_method(store) == "speaker"
    split = split_clips(store)
    for speaker in range(len(store.speakers)):
        assert len(set(split[store.speaker == speaker].tolist())) == 1
    assert np.bincount(split).tolist() == [64, 16, 16]
    assert np.array_equal(split, split_clips(store, seed=1))


def test_random_warns_that_it_flatters(store: ClipStore) -> None:
    with pytest.warns(UserWarning, match="flatters"):
        split = split_clips(store, method="random", seed=1)
    for word in range(len(store.words)):
        assert np.bincount(split[store.word == word]).tolist() == [20, 2, 2]
    with pytest.warns(UserWarning, match="flatters"):
        assert not np.array_equal(split, split_clips(store, method="random", seed=2))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("holdout", [0.1, 0.45])
def test_random_leaves_clips_to_train(store: ClipStore, count: int, holdout: float) -> None:
    one_word = replace(store, word=np.zeros(count, np.int32), words=("yes",))
    with pytest.warns(UserWarning, match="flatters"):
        split = split_clips(one_word, method="random", holdout=holdout)
    found = np.bincount(split, minlength=3)
    assert found[0] >= 1
    assert found[1] == found[2] == (0 if count < 3 else max(1, min(round(holdout * count), (count - 1) // 2)))


def test_validation_may_have_a_share_of_its_own(store: ClipStore) -> None:
    """The course draws 0.1 for test and 0.2 for validation."""
    with pytest.warns(UserWarning, match="flatters"):
        split = split_clips(store, method="random", holdout=0.1, validation=0.2)
    for word in range(len(store.words)):
        assert np.bincount(split[store.word == word]).tolist() == [17, 5, 2]
    with pytest.warns(UserWarning, match="flatters"):
        same = split_clips(store, method="random", holdout=0.1, validation=0.1)
    with pytest.warns(UserWarning, match="flatters"):
        assert np.array_equal(split_clips(store, method="random"), same), "that of the test otherwise"
    names = tuple(f"speaker{i}" for i in range(1_000))
    shares = np.bincount(split_speakers(names, 0.1, 0.3)) / 1_000
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.05)
    assert {0, 1, 2} == set(split_clips(store, holdout=0.1, validation=0.4).tolist())
    for validation in (0.0, 0.5, float("nan")):
        with pytest.raises(DataError, match=r"expected a share of validation above 0 and below 0.5"):
            split_clips(store, validation=validation)


def test_few_clips_of_unknown_speakers_are_for_training(store: ClipStore) -> None:
    some = replace(store, speaker=store.speaker.copy())
    named = split_clips(store)
    away = np.flatnonzero(named == 2)[:1]
    some.speaker[away] = NO_SPEAKER
    assert choose_method(some) == "speaker"
    with pytest.warns(UserWarning, match="does not tell") as told:
        split = split_clips(some)
    assert [str(warning.message) for warning in told] == [
        f"{store.source}: 1 of 96 clips does not tell its speaker: {store.name(int(away[0]))}; for training alone"
    ]
    assert split[away] == 0
    assert np.array_equal(np.delete(split, away), np.delete(named, away))


def test_many_clips_of_unknown_speakers_are_named(store: ClipStore) -> None:
    many = replace(store, speaker=np.where(np.arange(96) < 10, NO_SPEAKER, store.speaker).astype(np.int32))
    named = rf"10 of 96 clips do not tell their speaker: {store.name(0)}, .* and 7 more"
    with pytest.warns(UserWarning, match=rf"split at random \({named}\)"):
        split_clips(many)
    with pytest.raises(DataError, match=rf"{named}; name the files <speaker>_nohash"):
        split_clips(many, method="speaker")


@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2)])
def test_splits_that_the_source_lacks_come_out_of_training(store: ClipStore, gone: tuple[int, ...]) -> None:
    """A folder train/ beside a folder test/ has no validation."""
    official = split_clips(store)
    some = replace(store, split=np.where(np.isin(official, gone), 0, official).astype(np.int8))
    split = split_clips(some)
    assert set(split.tolist()) == {0, 1, 2}
    assert np.array_equal(split[some.split > 0], some.split[some.split > 0])
    for speaker in range(len(store.speakers)):
        assert len(set(split[store.speaker == speaker].tolist())) == 1
    nameless = replace(some, speaker=np.full(96, NO_SPEAKER, np.int32))
    with pytest.warns(UserWarning, match="has no clips for .* drawn at random from training"):
        assert set(split_clips(nameless).tolist()) == {0, 1, 2}


def test_official_lists_come_first(store: ClipStore) -> None:
    official = replace(store, split=np.arange(len(store), dtype=np.int8) % 3)
    assert choose_method(official) == "official"
    assert np.array_equal(split_clips(official), official.split)
    assert choose_method(official, "speaker") == "speaker"
    with pytest.raises(DataError, match="--holdout has no effect"):
        split_clips(official, holdout=0.2)
    assert len(split_clips(official, method="speaker", holdout=0.2)) == len(official)


def test_what_the_clips_do_not_tell(store: ClipStore) -> None:
    nameless = replace(store, speaker=np.full(len(store), NO_SPEAKER, np.int32))
    assert choose_method(nameless) == "random"
    with pytest.raises(DataError, match="96 of 96 clips do not tell their speaker"):
        choose_method(nameless, "speaker")
    with pytest.raises(DataError, match="validation_list"):
        choose_method(store, "official")
    with pytest.raises(DataError, match="auto, official, speaker, random"):
        choose_method(store, "best")  # type: ignore[arg-type]
    for holdout in (0.0, 0.5, -1.0, float("nan")):
        with pytest.raises(DataError, match="holdout"):
            split_clips(store, holdout=holdout)


@pytest.mark.parametrize("noises", [1, 2, 3, 7])
def test_noise_is_never_shared(tmp_path: Path, make_words_folder: MakeWordsFolder, noises: int) -> None:
    folder = make_words_folder(
        tmp_path / "words", words=["yes"], speakers=["a"], clips_each=1, noises=noises, noise_seconds=8.0
    )
    one = build_store(FolderSource(folder), tmp_path / "store", sample_rate=16_000)
    # every sample becomes a number of its own, so that a shared one is seen
    total = int(one._noise_starts[-1])
    numbered = replace(one, _noise=_Numbers(total))  # type: ignore[arg-type]
    parts = {split: _numbers(found) for split, found in split_noise(numbered).items()}
    assert set(parts) == set(SPLITS)
    assert all(parts.values())
    assert not parts["train"] & parts["validation"]
    assert not parts["train"] & parts["test"]
    assert not parts["validation"] & parts["test"]
    if noises == 1:  # what is cut in time has a second between the parts
        assert min(parts["validation"]) - max(parts["train"]) > 16_000
        assert min(parts["test"]) - max(parts["validation"]) > 16_000


class _Numbers:
    """In the place of the mapped noise: sample i is i."""

    def __init__(self, total: int) -> None:
        self.rows = np.arange(total, dtype=np.int64)[:, None]

    def take(self, rows: slice) -> np.ndarray:
        return self.rows[rows].copy()


def _numbers(found: list[np.ndarray]) -> set[int]:
    return {int(n) for part in found for n in part}


def test_without_noise_there_is_none_in_any_split(store: ClipStore) -> None:
    assert split_noise(replace(store, noise_names=())) == {split: [] for split in SPLITS}
