"""Which folders are words, which are splits, and which stand above them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hanmadi.data.sources.layout import Layout, lay_out, split_of_name, word_of_file
from hanmadi.errors import DataError

WORDS = ("yes", "no")


def laid_out(*paths: str, words: Sequence[str] = ()) -> Layout:
    return lay_out([tuple(path.split("/")) for path in paths], words=words, source="src")


def meant(*paths: str, words: Sequence[str] = ()) -> dict[str, tuple[str, str | None, str | None]]:
    """Path: word, split, speaker's folder."""
    return {
        "/".join(clip.path): (clip.parts[0], clip.split, clip.speaker) for clip in laid_out(*paths, words=words).clips
    }


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"), ("Training", "train"), ("training_set", "train"), ("train-data", "train"),
        ("validation", "validation"), ("valid", "validation"), ("val", "validation"), ("dev", "validation"),
        ("eval", "test"), ("test", "test"), ("testing", "test"), ("Test Set", "test"), ("훈련", "train"),
        ("검증", "validation"),        ("trains", None), ("yes", None), ("teste", None), ("set", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_splits(folder: str, split: str | None) -> None:
    assert split_of_name(folder) == split


@pytest.mark.parametrize("words", [(), WORDS])
@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("training", "validation", "testing"), ("train", "val", "test"), ("train", "valid", "test"),
     ("Train", "Dev", "Test"), ("train", "dev", "eval"), ("train", "eval", "test")],
)  # fmt: skip
def test_folders_of_splits(words: Sequence[str], train: str, validation: str, test: str) -> None:
    paths = [f"{split}/{word}/{n}.wav" for split in (train, validation, test) for word in WORDS for n in "12"]
    found = meant(*paths, words=words)
    assert found[f"{train}/yes/1.wav"] == ("yes", "train", None)
    assert found[f"{validation}/no/1.wav"] == ("no", "validation", None)
    assert found[f"{test}/no/2.wav"] == ("no", "test", None)
    assert len(found) == 12


def test_two_splits_are_enough() -> None:
    assert meant("train/yes/a.wav", "train/no/a.wav", "test/yes/b.wav") == {
        "train/no/a.wav": ("no", "train", None), "train/yes/a.wav": ("yes", "train", None),
        "test/yes/b.wav": ("yes", "test", None),
    }  # fmt: skip


def test_one_split_says_nothing() -> None:
    assert meant("train/yes/a.wav", "train/no/b.wav")["train/yes/a.wav"] == ("yes", None, None)


def test_splits_below_words() -> None:
    found = meant("yes/train/anna/a.wav", "yes/test/b.wav", "no/train/c.wav", words=WORDS)
    assert found["yes/train/anna/a.wav"] == ("yes", "train", "anna")
    assert found["yes/test/b.wav"] == ("yes", "test", None)
    assert meant("yes/Dev/a.wav", "no/anna/b.wav")["yes/Dev/a.wav"] == ("yes", None, "Dev"), "a person's name"


def test_a_folder_of_unlabelled_clips_beside_training_is_told() -> None:
    """As Kaggle has it: train/audio/<word>/, test/audio/clip_1.wav."""
    found = laid_out(
        "train/audio/yes/a.wav", "train/audio/no/b.wav", "test/audio/clip.wav", "train/audio/_background_noise_/n.wav"
    )
    assert [(clip.parts, clip.split) for clip in found.clips] == [(("no", "b.wav"), None), (("yes", "a.wav"), None)]
    assert found.noises == (("train", "audio", "_background_noise_", "n.wav"),)
    assert ("train",) in found.roots
    assert [note.text for note in found.notes if note.matters] == [
        "src: 1 sound file is left out, for no folder tells the word: test/audio/clip.wav"
    ]


@pytest.mark.parametrize("words", [(), WORDS])
def test_names_as_edge_impulse_has_them(words: Sequence[str]) -> None:
    found = laid_out("training/yes.1a2b.wav", "training/no.3c.ingest-7.wav", "testing/yes.9f.wav", words=words)
    assert [(word_of_file(clip.parts[0].removesuffix(".wav")), clip.split) for clip in found.clips] == [
        ("yes", "test"), ("no", "train"), ("yes", "train")
    ]  # fmt: skip


@pytest.mark.parametrize("words", [(), WORDS])
def test_one_folder_too_high(words: Sequence[str]) -> None:
    found = laid_out("a/my words/yes/1.wav", "a/my words/no/anna/1.wav", "a/_background_noise_/n.wav", words=words)
    assert [(clip.parts[0], clip.speaker) for clip in found.clips] == [("no", "anna"), ("yes", None)]
    assert [note.text for note in found.notes] == ["src: the folders in a/my words are taken for words"]


def test_one_folder_too_high_without_folders_of_words() -> None:
    """As the Free Spoken Digit Dataset lies in its repository."""
    found = laid_out("recordings/0_theo_1.wav", "recordings/7_jackson_2.wav")
    assert [clip.parts for clip in found.clips] == [("0_theo_1.wav",), ("7_jackson_2.wav",)]
    assert meant("jarvis/jarvis_anna_1.wav", "jarvis/jarvis_bob_1.wav")["jarvis/jarvis_anna_1.wav"][0] == "jarvis"


def test_one_word_of_several_speakers_where_the_word_is_known() -> None:
    assert meant("yes/anna/1.wav", "yes/bob/1.wav", words=["Yes"])["yes/anna/1.wav"] == ("yes", None, "anna")
    assert meant("yes/anna/1.wav")["yes/anna/1.wav"] == ("yes", None, "anna"), "one folder in one folder"


def test_words_that_are_named_like_splits() -> None:
    paths = ["train/a.wav", "bus/b.wav", "test/c.wav"]
    assert meant(*paths)["train/a.wav"] == ("train", None, None)
    assert meant("train/anna/a.wav", "test/bob/b.wav", words=["train", "test"])["test/bob/b.wav"] == (
        "test",
        None,
        "bob",
    )


def test_splits_without_words_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"folders test, train are named like splits and hold no folders of words; expected"
    ):
        laid_out("train/1.wav", "test/2.wav")


def test_folders_of_words_in_several_folders_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"found monday, tuesday with folders of words in them \(no, yes\); name one of those"
    ):
        laid_out("monday/yes/a.wav", "tuesday/no/b.wav", "monday/bed/c.wav", words=WORDS)


def test_sounds_beside_the_folders_of_words_are_told() -> None:
    (note,) = laid_out("yes/a.wav", "loose.wav", "other.wav").notes
    assert note.text == "src: 2 sound files are left out, for no folder tells the word: loose.wav, other.wav"


def test_words_of_files() -> None:
    assert word_of_file("hey_jarvis_ann_1", ["hey jarvis", "hey"]) == "hey jarvis"
    assert word_of_file("hey_jarvis_ann_1") == "hey"
    assert word_of_file("notes_of_mine") is None
    assert word_of_file(".x") is None


@pytest.mark.parametrize("words", [(), WORDS])
def test_a_split_beside_the_words_that_it_holds_is_refused(words: Sequence[str]) -> None:
    paths = ("yes/a.wav", "no/b.wav", "test/yes/c.wav", "test/no/d.wav")
    with pytest.raises(DataError, match="test/ holds no, yes, which are folders beside it too"):
        laid_out(*paths, words=words)
    assert meant("yes/a.wav", "no/b.wav", "test/anna/c.wav")["test/anna/c.wav"][0] == "test"


def test_a_split_inside_a_word_beside_its_clips_is_refused() -> None:
    paths = [("yes", "a.wav"), ("yes", "test", "b.wav"), ("no", "c.wav")]
    with pytest.raises(DataError, match=r"yes/test/ is named like a split, and other clips lie beside it"):
        lay_out(paths, words=(), source="here")
    of_speakers = [("yes", "a.wav"), ("yes", "anna", "b.wav"), ("no", "c.wav")]
    assert len(lay_out(of_speakers, words=(), source="here").clips) == 3


@pytest.mark.parametrize("name", ["_background_noise_", "background_noise", "Background Noise", "_noise_"])
def test_noise_by_the_names_that_people_give_it(name: str) -> None:
    found = lay_out([("yes", "a.wav"), ("no", "b.wav"), (name, "c.wav")], words=(), source="here")
    assert found.noises == ((name, "c.wav"),)
    assert len(found.clips) == 2


def test_noise_may_be_a_word() -> None:
    assert len(lay_out([("yes", "a.wav"), ("noise", "b.wav")], words=(), source="here").clips) == 2


def test_korean_names_of_splits() -> None:
    paths = [(split, word, f"{word}.wav") for split in ("학습", "검증", "평가") for word in ("yes", "no")]
    found = lay_out(paths, words=(), source="here")
    splits = {place.path[0]: place.split for place in found.clips}
    assert splits == {"학습": "train", "검증": "validation", "평가": "test"}
