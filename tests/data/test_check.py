"""What is in a source and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import MakeWordsFolder, tone

from hanmadi.data.check import ANY_SPLIT, SHORTEST_SECONDS, check
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.splits import split_clips
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.errors import DataError


def test_a_good_folder_has_no_problems(words_folder: Path) -> None:
    counted: list[int] = []
    found = check(FolderSource(words_folder), progress=counted.append)
    assert found.clips == 96
    assert counted[-1] == 96
    assert found.rates == {16_000: 96}
    assert found.noises == 3
    assert set(found.problems) >= {"broken", "too short", "silent", "clipped", "duplicated"}
    assert not any(found.problems.values())
    yes = found.counts["yes"]
    assert {split: count.clips for split, count in yes.items()} == {"train": 16, "validation": 4, "test": 4}
    assert yes["train"].seconds == pytest.approx(16.0)
    assert len(yes["train"].speakers) == 8


def test_the_counts_are_the_splits_that_training_uses(words_folder: Path, store: ClipStore) -> None:
    split = split_clips(store)
    found = check(FolderSource(words_folder))
    for index, word in enumerate(store.words):
        expected = np.bincount(split[store.word == index], minlength=3).tolist()
        assert [found.counts[word][name].clips for name in SPLITS] == expected


def test_every_problem_is_found(tmp_path: Path, make_words_folder: MakeWordsFolder) -> None:
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["a"], clips_each=1, noises=1)
    good = tone("yes", "z", 0)
    for name, samples, rate in [
        ("short", good[6_000 : 6_000 + int(0.9 * SHORTEST_SECONDS * 16_000)], 16_000),
        ("zeros", np.zeros(16_000, np.float32), 16_000),
        ("faint", good * 1e-3, 16_000),
        ("clipped", np.clip(good * 20, -1, 1), 16_000),
        ("copy1", good, 16_000),
        ("copy2", good, 16_000),
        ("long", np.tile(good, 61), 16_000),
        ("slow", good[:4_000] + good[4_000:8_000], 8_000),
        ("opposite", np.stack([0.9 * good, -0.9 * good], axis=1), 16_000),
        ("nearly", np.stack([0.8 * good, -0.7 * good], axis=1), 16_000),
        ("killed", 0.7 * good, 16_000),
    ]:
        soundfile.write(folder / "yes" / f"{name}_nohash_0.wav", samples, rate)
    killed = folder / "yes" / "killed_nohash_0.wav"
    killed.write_bytes(killed.read_bytes()[:-8_000])
    (folder / "yes" / "text_nohash_0.wav").write_text("no sound")
    (folder / "_background_noise_" / "bad.wav").write_text("no sound")
    found = check(FolderSource(folder))
    names = {kind: [suspect.name for suspect in suspects] for kind, suspects in found.problems.items()}
    assert names == {
        "broken": ["yes/long_nohash_0.wav", "yes/text_nohash_0.wav", "_background_noise_/bad.wav"],
        "too short": ["yes/short_nohash_0.wav"],
        "silent": ["yes/faint_nohash_0.wav", "yes/zeros_nohash_0.wav"],
        "clipped": ["yes/clipped_nohash_0.wav"],
        "channels in opposite phase": ["yes/nearly_nohash_0.wav", "yes/opposite_nohash_0.wav"],
        "not closed or cut short": ["yes/killed_nohash_0.wav"],
        "duplicated": ["yes/copy2_nohash_0.wav"],
    }
    assert found.duplicated[0].reason == "the same as yes/copy1_nohash_0.wav"
    assert found.silent[1].reason == "all samples are 0"
    assert found.cancelled[0].reason.endswith("% of what comes and goes is lost in their mean; one is taken alone")
    assert found.unfinished[0].reason == "its header promises 0.2 s more"
    assert found.rates == {16_000: 10, 8_000: 1}
    assert found.noises == 1
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["clips"] == 11
    assert plain["too short"][0]["name"] == "yes/short_nohash_0.wav"


def test_what_was_passed_over_is_told(tmp_path: Path, make_words_folder: MakeWordsFolder) -> None:
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["a", "b", "c", "d"], clips_each=3)
    soundfile.write(folder / "yes" / "New recording (2).wav", tone("yes", "e", 0), 16_000)
    (folder / "yes" / "Thumbs.db").touch()
    (folder / "yes" / "a.m4a").touch()
    found = check(FolderSource(folder))
    assert [note.rpartition("; convert with")[0] or note for note in found.notes] == [
        f"{folder}: 1 sound file is left out, for such a file is not read (1 .m4a; yes/a.m4a)",
        "passed over 1 Thumbs.db: files and folders of systems and network drives",
        "clips that do not tell their speaker: 1 of 13 (yes/New recording (2).wav); for training alone",
    ]
    assert found.to_dict()["notes"] == list(found.notes)


@pytest.mark.parametrize(("nameless", "then"), [(1, "for training alone"), (9, "so clips are split at random")])
def test_the_split_with_some_unknown_speakers(
    tmp_path: Path, make_words_folder: MakeWordsFolder, nameless: int, then: str
) -> None:
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["a", "b", "c", "d"], clips_each=6)
    for i in range(nameless):
        soundfile.write(folder / "yes" / f"take {i}.wav", tone("yes", "e", i), 16_000)
    found = check(FolderSource(folder))
    assert then in found.notes[-1]
    assert (ANY_SPLIT in found.counts["yes"]) is (nameless > 1)


def test_without_lists_and_speakers_the_split_is_open(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    soundfile.write(tmp_path / "yes" / "x.wav", tone("yes", "a", 0), 16_000)
    assert list(check(FolderSource(tmp_path)).counts["yes"]) == [ANY_SPLIT]


def test_all_broken_is_told_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "x.wav").touch()
    found = check(FolderSource(tmp_path))
    assert found.clips == 0
    assert len(found.broken) == 1
    (tmp_path / "yes" / "x.wav").unlink()
    with pytest.raises(DataError, match="one folder for each word"):
        check(FolderSource(tmp_path))
