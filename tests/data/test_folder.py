"""Clips in folders: official lists, speakers, suffixes, and what is not a clip."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import soundfile
from conftest import MakeWordsFolder, tone

from hanmadi.data.sources import open_source
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.sources.npz import NpzSource
from hanmadi.data.store import Recording, build_store, cached_store
from hanmadi.errors import DataError
from hanmadi.files import printable
from hanmadi.labels import make_labels, word_key


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def found(folder: Path) -> list[Recording]:
    return list(FolderSource(folder).recordings())


def splits(folder: Path) -> dict[str, str | None]:
    return {recording.name: recording.split for recording in found(folder)}


@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("yes/0a7c2a8d_nohash_0.wav", "0a7c2a8d"),
        ("down/00000001_NO_04.flac", "00000001"),
        ("0/0_george_1.wav", "george"),
        ("three/three_de_la_cruz_12.wav", "de_la_cruz"),
        ("yes/anna/take 3.wav", "anna"),
        ("yes/session2/0a_nohash_3.wav", "0a"),  # the name says more than the folder
        ("yes/a_b_nohash_11.wav", "a_b"),
        ("yes/3_george_1.wav", None),  # another word's scheme
        ("yes/yes_1.wav", None),
        ("yes/recording.wav", None),
        ("yes/0a_nohash_.wav", None),
        ("yes/_nohash_1.wav", None),
        ("hey_jarvis/hey_jarvis_ann_1.wav", "ann"),
        ("hey_jarvis/hey_jarvis_de_la_cruz_12.wav", "de_la_cruz"),
        ("Hey Jarvis/hey-jarvis_ann_1.wav", "ann"),
        ("hey_jarvis/hey_jarvis_1.wav", None),
        ("hey/hey_jarvis_ann_1.wav", "jarvis_ann"),
        (unicodedata.normalize("NFD", "안녕/안녕_민아_1.wav"), "민아"),
        ("yes/yes take 3.wav", None),
    ],
)
def test_speakers(tmp_path: Path, path: str, speaker: str | None) -> None:
    (recording,) = FolderSource(touch(tmp_path, path), (path.split("/")[0],)).recordings()
    assert recording.speaker == speaker


def test_everything_about_a_recording(words_folder: Path) -> None:
    recordings = found(words_folder)
    assert len(recordings) == 96
    assert Counter(recording.word for recording in recordings) == {"yes": 24, "no": 24, "up": 24, "bed": 24}
    assert len({recording.speaker for recording in recordings}) == 12
    assert recordings[0].name == "bed/ben_nohash_0.wav"
    assert recordings[0].load().seconds == 1.0
    assert [recording.name for recording in recordings] == sorted(recording.name for recording in recordings)
    noises = list(FolderSource(words_folder).noises())
    assert [noise.name for noise in noises] == [f"_background_noise_/hiss_{i}.wav" for i in range(3)]
    assert noises[0].load().seconds == 3.0


def test_suffixes_and_what_is_no_clip(tmp_path: Path) -> None:
    touch(
        tmp_path, "yes/a.WAV", "yes/b.Flac", "yes/c.ogg", "yes/d.OPUS", "yes/e.MP3", "yes/notes.txt", "yes/f.wav.part",
        "yes/._a.wav", "yes/.hidden/deep/g.wav", "yes/__MACOSX/h.wav", ".git/i.wav", "__MACOSX/j.wav", "loose.wav",
        "LICENSE", "yes/.DS_Store",
    )  # fmt: skip
    assert [recording.name for recording in found(tmp_path)] == [
        "yes/a.WAV", "yes/b.Flac", "yes/c.ogg", "yes/d.OPUS", "yes/e.MP3"
    ]  # fmt: skip
    assert list(FolderSource(tmp_path).noises()) == []


def test_a_hidden_folder_above_hides_nothing(tmp_path: Path) -> None:
    assert len(found(touch(tmp_path / ".cache" / "words", "yes/a.wav"))) == 1


def test_official_lists_name_wav_for_any_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a_nohash_0.flac", "yes/b_nohash_0.flac", "yes/c_nohash_0.flac", "no/b_nohash_0.ogg")
    (tmp_path / "validation_list.txt").write_bytes(b"\xef\xbb\xbfyes/b_nohash_0.wav\r\nno/b_nohash_0.wav\n\n")
    (tmp_path / "testing_list.txt").write_text("yes/c_nohash_0.wav\nyes/gone_nohash_0.wav")
    assert splits(tmp_path) == {
        "yes/a_nohash_0.flac": "train", "yes/b_nohash_0.flac": "validation", "yes/c_nohash_0.flac": "test",
        "no/b_nohash_0.ogg": "validation",
    }  # fmt: skip


def test_a_clip_in_both_lists_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a_nohash_0.flac")
    for name in ("validation_list.txt", "testing_list.txt"):
        (tmp_path / name).write_text("yes/a_nohash_0.wav\n")
    with pytest.raises(DataError, match=r"yes/a_nohash_0\.wav stands in both lists"):
        found(tmp_path)


def test_without_lists_the_folder_says_no_split(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a.wav", "testing_list.txt")  # an empty list is none
    assert splits(tmp_path) == {"yes/a.wav": None}


def test_the_official_test_archive_is_test_throughout(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a_nohash_0.wav", "_silence_/s.wav", "_unknown_/u_nohash_0.wav")
    assert set(splits(tmp_path).values()) == {"test"}
    labels = make_labels()
    words = {recording.word for recording in found(tmp_path)}
    assert {labels.labels[labels.index_of(word) or 0] for word in words} == {"yes", "silence", "unknown"}


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make one folder for each word"):
        found(touch(tmp_path, "loose.wav", "_background_noise_/n.wav"))
    with pytest.raises(DataError, match="not a folder that can be read"):
        found(tmp_path / "gone")


def test_a_flat_folder_as_free_spoken_digits_has_it(shared_data: Path) -> None:
    recordings = list(FolderSource(shared_data / "free_spoken_digits").recordings())
    assert len(recordings) == 3_000
    assert {recording.word for recording in recordings} == set("0123456789")
    assert len({recording.speaker for recording in recordings}) == 6
    assert recordings[0].load().sample_rate == 8_000


def test_flat_files_count_only_where_no_folder_has_any(tmp_path: Path) -> None:
    for name in ("7_theo_12.wav", "7.wav", "notes_of_mine.wav"):
        soundfile.write(tmp_path / name, tone("yes", "theo", 0), 16_000)
    (flat,) = FolderSource(tmp_path).recordings()
    assert (flat.word, flat.speaker, flat.name) == ("7", "theo", "7_theo_12.wav")
    (tmp_path / "seven").mkdir()
    soundfile.write(tmp_path / "seven" / "a.wav", tone("yes", "theo", 0), 16_000)
    assert [recording.word for recording in FolderSource(tmp_path).recordings()] == ["seven"]


def test_any_file_name(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "예")
    touch(tmp_path, f"{apart}/한_nohash_0.wav", os.fsdecode(b"caf\xe9/a.wav"))
    recordings = found(tmp_path)
    assert {recording.word for recording in recordings} == {"예", "caf\ufffd"}
    for recording in recordings:
        recording.name.encode()
    assert len(FolderSource(tmp_path).fingerprint()) == 24


def test_the_fingerprint_changes_with_the_files(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a.wav")
    seen = [FolderSource(tmp_path).fingerprint()]
    assert FolderSource(tmp_path).fingerprint() == seen[0]
    (tmp_path / "yes" / "a.wav").write_bytes(b"x")
    seen.append(FolderSource(tmp_path).fingerprint())
    touch(tmp_path, "yes/b.wav")
    seen.append(FolderSource(tmp_path).fingerprint())
    (tmp_path / "testing_list.txt").write_text("yes/b.wav\n")
    seen.append(FolderSource(tmp_path).fingerprint())
    touch(tmp_path, "_background_noise_/n.wav")
    seen.append(FolderSource(tmp_path).fingerprint())
    assert len(set(seen)) == 5


def test_the_licence_is_its_first_line(tmp_path: Path) -> None:
    assert FolderSource(tmp_path).licence is None
    (tmp_path / "LICENSE").write_bytes(b"CC BY 4.0 \xff\nmore\n")
    assert FolderSource(tmp_path).licence == "CC BY 4.0 \ufffd"
    (tmp_path / "LICENSE").write_text(" \n")
    assert FolderSource(tmp_path).licence is None


@pytest.mark.parametrize(
    ("folders", "word"),
    [
        (("yes", "Yes", "YES "), "yes"), (("hey jarvis", "Hey  Jarvis"), "hey jarvis"),
        ((unicodedata.normalize("NFD", "예"), "예"), "예"), (("_unknown_", "Unknown"), "unknown"),
    ],
)  # fmt: skip
def test_several_spellings_are_one_word_and_told(tmp_path: Path, folders: tuple[str, ...], word: str) -> None:
    touch(tmp_path, "bed/z.wav", *(f"{folder}/{n}.wav" for n in "12" for folder in folders))
    words = {recording.word for recording in found(tmp_path)} - {"bed"}
    assert len(words) == 1
    assert word_key(words.pop()) == word
    told = [note.text for note in FolderSource(tmp_path).notes() if note.matters]
    if len(set(map(printable, folders))) == 1:
        assert not told
    else:
        assert all(f"{printable(folder)!r}" in told[0] for folder in folders)
        assert "are taken for one word" in told[0]


def test_lists_lie_where_words_do_and_folders_of_splits_come_first(tmp_path: Path) -> None:
    """train/audio/<word>/ with train/testing_list.txt, and an official folder of test clips beside it."""
    touch(tmp_path, "train/audio/yes/a.wav", "train/audio/no/b.wav", "test/yes/a.wav")
    (tmp_path / "train" / "validation_list.txt").write_text("yes/a.wav\n")
    assert splits(tmp_path) == {
        "test/yes/a.wav": "test", "train/audio/yes/a.wav": "validation", "train/audio/no/b.wav": "train"
    }  # fmt: skip


def test_only_sounds_that_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found none; make one folder .* 1 sound file is left out.*1 \.m4a.*ffmpeg"):
        found(touch(tmp_path, "yes/a.m4a"))


def test_a_cached_store_tells_what_was_left_out_every_time(tmp_path: Path, make_words_folder: MakeWordsFolder) -> None:
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["a"], clips_each=1)
    touch(folder, "yes/b.m4a", "yes/.DS_Store")
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 sound file is left out") as told:
            cached_store(FolderSource(folder), sample_rate=8_000)
        assert len(told) == 1


def test_a_broken_clip_does_not_stop_the_others(tmp_path: Path, make_words_folder: MakeWordsFolder) -> None:
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["a", "b"], clips_each=1)
    (folder / "yes" / "c_nohash_0.wav").write_text("no sound")
    (folder / "yes" / "d_nohash_0.wav").mkdir()
    (folder / "_background_noise_" / "bad.wav").touch()
    store = build_store(FolderSource(folder), tmp_path / "store", sample_rate=8_000)
    assert len(store) == 2
    assert [broken.name for broken in store.broken] == [
        "yes/c_nohash_0.wav", "yes/d_nohash_0.wav", "_background_noise_/bad.wav"
    ]  # fmt: skip
    assert store.broken[0].reason.startswith("not a sound file"), "the name is told beside it"


def test_a_noise_may_be_longer_than_a_clip(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    (tmp_path / "_background_noise_").mkdir()
    long = tone("yes", "a", 0).repeat(62)
    soundfile.write(tmp_path / "_background_noise_" / "long.wav", long, 16_000)
    soundfile.write(tmp_path / "yes" / "long.wav", long, 16_000)
    soundfile.write(tmp_path / "yes" / "short.wav", long[:9_000], 16_000)
    store = build_store(FolderSource(tmp_path), tmp_path / "store", sample_rate=8_000)
    assert [broken.name for broken in store.broken] == ["yes/long.wav"]
    assert store.noise(0).shape == (62 * 8_000,)


def test_open_source_chooses(tmp_path: Path) -> None:
    assert isinstance(open_source(tmp_path), FolderSource)
    touch(tmp_path, "a.NPZ", "a.zip")
    assert isinstance(open_source(str(tmp_path / "a.NPZ")), NpzSource)
    with pytest.raises(DataError, match="a file of another kind"):
        open_source(tmp_path / "a.zip")
    with pytest.raises(DataError, match="nothing is there"):
        open_source(tmp_path / "gone")
    assert open_source(words=["yes", "no"]).name.startswith("synth")


def test_the_real_folder(shared_data: Path) -> None:
    recordings = found(shared_data / "speech_commands")
    assert Counter(recording.split for recording in recordings) == {"train": 8_891, "validation": 2_083, "test": 733}
    speakers = {
        split: {recording.speaker for recording in recordings if recording.split == split}
        for split in ("train", "validation", "test")
    }
    assert None not in speakers["train"]
    assert not speakers["train"] & (speakers["validation"] | speakers["test"])
    assert not speakers["validation"] & speakers["test"]
    assert len({recording.word for recording in recordings}) == 35
    test_set = found(shared_data / "speech_commands_test_set")
    assert {recording.split for recording in test_set} == {"test"}
    arabic = found(shared_data / "custom_words_arabic")
    assert all(recording.speaker for recording in arabic)
    assert len({recording.speaker for recording in arabic}) >= 3


def test_lists_that_are_read_are_not_told_as_passed_over(make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "words", words=("yes", "no"))
    clip = next(iter(FolderSource(folder).recordings())).name
    (folder / "testing_list.txt").write_text(clip)
    (folder / "validation_list.txt").write_text("")
    (folder / "README.txt").write_text("")
    told = [note.text for note in FolderSource(folder).notes()]
    assert told == ["passed over 1 .txt: files and folders that are no sounds"]


@pytest.mark.parametrize(
    "name", ["testing.txt", "validation.txt", "eval_list.txt", "val_list.csv", "test", "lists/testing_list.txt"]
)
def test_lists_by_other_names_or_places_are_told(make_words_folder: MakeWordsFolder, tmp_path: Path, name: str) -> None:
    """They hold clips out, and those would be trained on."""
    folder = make_words_folder(tmp_path / "words", words=("yes", "no"))
    clips = [clip.name for clip in FolderSource(folder).recordings()]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("".join(f"{clip},1\n" for clip in clips[:5]))
    with pytest.raises(DataError, match="looks like a list of clips that are held out"):
        list(FolderSource(folder).recordings())
    (folder / name).write_text("Notes on the test.\nIt went well.\n")
    assert len(list(FolderSource(folder).recordings())) == len(clips)


def test_a_folder_with_the_name_of_a_list_is_told(make_words_folder: MakeWordsFolder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "words", words=("yes", "no"))
    (folder / "testing_list.txt").mkdir()
    with pytest.raises(DataError, match="expected a list of clips, found a folder"):
        list(FolderSource(folder).recordings())
