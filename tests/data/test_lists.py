"""Lists of held-out clips: however their paths are written, and what matches nothing is told."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from hanmadi.data.sources.lists import Lists, clip_key, read_lists
from hanmadi.errors import DataError

CLIPS = [("yes", "a_nohash_0.wav"), ("yes", "b_nohash_0.flac"), ("no", "a_nohash_0.wav"), ("예", "한_nohash_0.wav")]
KEYS = [clip_key(parts) for parts in CLIPS]


def read(folder: Path, text: str | bytes, name: str = "testing_list.txt") -> Lists:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_lists([folder], KEYS)


@pytest.mark.parametrize(
    "line",
    [
        "yes/b_nohash_0.wav", "yes\\b_nohash_0.wav", "./yes/b_nohash_0.wav", ".\\yes\\b_nohash_0.wav",
        "/yes/b_nohash_0.wav",        "../speech/yes/b_nohash_0.wav", "/home/anna/data/yes/b_nohash_0.wav",
        "C:\\data\\yes\\b_nohash_0.wav",
        "speech_commands/yes/b_nohash_0.wav", "yes//b_nohash_0.wav", "  yes/b_nohash_0.wav\t", '"yes/b_nohash_0.wav"',
        "Yes/B_nohash_0.WAV", "yes/b_nohash_0.m4a", "yes/b_nohash_0", "b_nohash_0.wav", "yes / b_nohash_0.wav",
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", ""])
def test_one_clip_in_every_way(tmp_path: Path, line: str, ending: str) -> None:
    found = read(tmp_path, line + ending)
    assert found == Lists({"yes/b_nohash_0": "test"}, there=True)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("folder", ["NFC", "NFD"])
def test_korean_in_either_form(tmp_path: Path, form: str, folder: str) -> None:
    """A Mac takes 예 apart where a list of Linux does not, or the other way round."""
    parts = [unicodedata.normalize(folder, part) for part in CLIPS[3]]
    (tmp_path / "testing_list.txt").write_text(unicodedata.normalize(form, "예/한_nohash_0.wav"), encoding="utf-8")
    assert list(read_lists([tmp_path], [clip_key(parts)]).splits.values()) == ["test"]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_as_editors_of_windows_save(tmp_path: Path, coding: str) -> None:
    assert len(read(tmp_path, "yes\\a_nohash_0.wav\r\n\r\n예\\한_nohash_0.wav\r\n".encode(coding)).splits) == 2


def test_a_file_name_that_several_clips_have_holds_out_all_of_them(tmp_path: Path) -> None:
    assert sorted(read(tmp_path, "a_nohash_0.wav").splits) == ["no/a_nohash_0", "yes/a_nohash_0"]


@pytest.mark.parametrize("name", ["Testing_List.txt", "test_list.txt", "TESTING_LIST.TXT"])
def test_lists_as_people_name_them(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, "yes/b_nohash_0.wav", name).splits == {"yes/b_nohash_0": "test"}
    assert read(tmp_path, "no/a_nohash_0.wav", "val_list.txt").splits["no/a_nohash_0"] == "validation"


def test_lines_that_match_nothing_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "yes/a_nohash_0.wav\nyes/gone.wav\nno/a_nohash_0.wav")
    assert found.splits == {"yes/a_nohash_0": "test", "no/a_nohash_0": "test"}
    (note,) = found.notes
    assert note.matters
    assert note.text == (
        f"{tmp_path}: 1 of 3 lines of testing_list.txt match no clip, such as yes/gone.wav; "
        "if those clips are here under another name, they are trained on"
    )


def test_most_lines_that_match_nothing_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"2 of 3 lines of testing_list.txt match no clip, .*expected lines such as no/a_n"
    ):
        read(tmp_path, "yes/a_nohash_0.wav\nyes/x.wav\nyes:a_nohash_0.wav")
    with pytest.raises(
        DataError, match=r"2 of 2 lines of validation_list.txt .* must not be trained on: mend the list"
    ):
        read(tmp_path, "bed/a_nohash_0.wav\nbird/a_nohash_0.wav", "validation_list.txt")


def test_some_words_of_a_larger_archive(tmp_path: Path) -> None:
    """Its lists name the other words too, which is no fault."""
    found = read(tmp_path, "yes/a_nohash_0.wav\n" + "".join(f"bed/{i}.wav\n" for i in range(9)))
    assert found.splits == {"yes/a_nohash_0": "test"}
    assert "9 of 10 lines of testing_list.txt match no clip, such as bed/0.wav" in found.notes[0].text


def test_a_clip_in_both_lists_in_two_ways(tmp_path: Path) -> None:
    (tmp_path / "validation_list.txt").write_text("yes/a_nohash_0.wav")
    with pytest.raises(DataError, match=r"stands in both lists; a clip is in one split only"):
        read(tmp_path, ".\\yes\\a_nohash_0.wav")


def test_no_lists_and_empty_ones(tmp_path: Path) -> None:
    assert read_lists([tmp_path], KEYS) == Lists({})
    assert read(tmp_path, "\n \n") == Lists({})
