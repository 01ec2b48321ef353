"""Which files below a folder are read, and that everything else is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile
from conftest import tone

from hanmadi import audio
from hanmadi.data.recordings import sound_files
from hanmadi.data.scan import ffmpeg_line, scan
from hanmadi.errors import DataError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(files: Sequence[Path], folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files]


def told(folder: Path, *, matters: bool) -> str:
    return "\n".join(note.text for note in scan(folder).notes() if note.matters is matters)


WRITTEN = {  # a suffix: how libsndfile writes such a file
    ".aif": "AIFF", ".aiff": "AIFF", ".aifc": "AIFF", ".au": "AU", ".snd": "AU", ".caf": "CAF", ".w64": "W64",
    ".bwf": "WAV", ".rf64": "RF64", ".wave": "WAV", ".oga": "OGG", ".sph": "NIST", ".voc": "VOC",
    ".avr": "AVR", ".iff": "SVX",
    ".paf": "PAF", ".pvf": "PVF", ".sf": "IRCAM", ".sds": "SDS", ".htk": "HTK", ".wve": "WVE", ".xi": "XI",
}  # fmt: skip


@pytest.mark.parametrize("suffix", [*WRITTEN, ".CAF"])
def test_every_suffix_that_libsndfile_reads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone("yes", "a", 0), 8_000, format=WRITTEN[suffix.lower()])
    assert scan(tmp_path).sounds == [path]
    assert len(audio.read(path).samples) == 16_000


def test_other_sounds_are_counted_with_the_cure(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a.m4a", "yes/b c.M4A", "no/d.amr", "no/e.wma", "no/f.wav", "no/f.m4a", "no/notes.txt", "no/g")
    found = scan(tmp_path)
    assert names(found.sounds, tmp_path) == ["no/f.wav"]
    assert names(found.unread, tmp_path) == ["no/d.amr", "no/e.wma", "yes/a.m4a", "yes/b c.M4A"], (
        "f.m4a is read as f.wav"
    )
    text = told(tmp_path, matters=True)
    assert f"{tmp_path}: 4 sound files are left out, for such a file is not read (2 .m4a, 1 .amr, 1 .wma; " in text
    assert "no/d.amr, no/e.wma, yes/a.m4a and 1 more); convert with: " in text
    assert text.endswith(ffmpeg_line(tmp_path, [".amr", ".m4a", ".wma"]))
    assert (
        told(tmp_path, matters=False) == "passed over 1 .txt, 1 without a suffix: files and folders that are no sounds"
    )


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
def test_the_line_of_ffmpeg_converts_any_name(tmp_path: Path) -> None:
    """A stand-in for ffmpeg copies its input to its output."""
    folder = touch(tmp_path / "my 'words'", "yes/a_nohash_0.m4a", "yes/b $HOME (2).M4A", "no/c.aac", "no/d.wav")
    tool = tmp_path / "bin" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nwhile [ $# -gt 1 ]; do [ "$1" = -i ] && from=$2; shift; done\ncp "$from" "$1"\n')
    tool.chmod(0o755)
    path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-c", ffmpeg_line(folder, [".m4a", ".aac"])], check=True, env=os.environ | {"PATH": path})
    assert names(scan(folder).sounds, folder) == [
        "no/c.flac", "no/d.wav", "yes/a_nohash_0.flac", "yes/b $HOME (2).flac"
    ]  # fmt: skip
    assert not scan(folder).unread


def test_what_systems_leave_is_passed_over_and_told(tmp_path: Path) -> None:
    touch(
        tmp_path, "yes/a.wav", "yes/._a.wav", "yes/._b.wav", "yes/@eaDir/a.wav", "Thumbs.db", ".DS_Store",
        "yes/.DS_Store", "#recycle/yes/c.wav", "desktop.ini", "__MACOSX/yes/d.wav",
    )  # fmt: skip
    assert names(scan(tmp_path).sounds, tmp_path) == ["yes/a.wav"]
    text = told(tmp_path, matters=False)
    for kind in ("2 ._*", "1 @eaDir", "1 Thumbs.db", "2 .DS_Store", "1 #recycle", "1 desktop.ini", "1 __MACOSX"):
        assert kind in text
    assert told(tmp_path, matters=True) == ""


class TestLinks:
    def test_folders_and_files_are_entered(self, tmp_path: Path) -> None:
        store, folder = touch(tmp_path / "store", "yes/anna/a.wav", "b.wav"), tmp_path / "words"
        (folder / "yes").mkdir(parents=True)
        (folder / "yes" / "anna").symlink_to(store / "yes" / "anna")
        (folder / "no").symlink_to(store / "yes")
        (folder / "yes" / "b.wav").symlink_to(store / "b.wav")
        assert names(scan(folder).sounds, folder) == ["no/anna/a.wav", "yes/b.wav"], "each real folder once"
        assert "yes/anna: a link to a folder that is read already" in told(folder, matters=False)

    def test_a_real_folder_keeps_its_name(self, tmp_path: Path) -> None:
        touch(tmp_path, "yes/a.wav")
        (tmp_path / "all").symlink_to(tmp_path / "yes")
        assert names(scan(tmp_path).sounds, tmp_path) == ["yes/a.wav"]

    def test_circles_end(self, tmp_path: Path) -> None:
        touch(tmp_path, "yes/a.wav", "yes/deep/b.wav")
        (tmp_path / "yes" / "deep" / "up").symlink_to(tmp_path)
        (tmp_path / "yes" / "self").symlink_to("self")
        (tmp_path / "one").symlink_to(tmp_path / "two")
        (tmp_path / "two").symlink_to(tmp_path / "one")
        assert names(scan(tmp_path).sounds, tmp_path) == ["yes/a.wav", "yes/deep/b.wav"]

    def test_a_link_that_leads_nowhere_is_told(self, tmp_path: Path) -> None:
        touch(tmp_path, "yes/a.wav")
        (tmp_path / "yes" / "anna").symlink_to(tmp_path / "gone")
        assert "yes/anna cannot be opened and is left out" in told(tmp_path, matters=True)


def test_a_folder_that_may_not_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "yes/a.wav", "no/b.wav")
    real = os.scandir

    def refusing(place: Path) -> object:
        if Path(place).name == "no":
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(os, "scandir", refusing)
    assert "no cannot be opened and is left out" in told(tmp_path, matters=True)
    with pytest.raises(DataError, match=r"not a folder that can be read \(Permission denied"):
        scan(tmp_path / "no")


def test_long_recordings_are_found_the_same_way(tmp_path: Path) -> None:
    store, folder = touch(tmp_path / "store", "a.aiff"), touch(tmp_path / "talk", "@eaDir/c.wav")
    (folder / "more").symlink_to(store)
    assert names(sound_files([folder]), folder) == ["more/a.aiff"]
    touch(folder, "d.m4a")
    with pytest.warns(UserWarning, match=r"1 sound file is left out.*1 \.m4a; d\.m4a"):
        sound_files([folder])
