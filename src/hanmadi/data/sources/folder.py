"""Clips in folders: ``<word>/*.wav|flac|ogg|opus|mp3``, with or without the official lists."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from hanmadi import audio
from hanmadi.audio import AUDIO_SUFFIXES
from hanmadi.data.store import MAX_CLIP_SECONDS, MAX_NOISE_SECONDS, Recording
from hanmadi.errors import DataError, LabelError
from hanmadi.files import printable
from hanmadi.labels import check_label

NOISE_FOLDER: Final = "_background_noise_"
_LISTS: Final = {"validation_list.txt": "validation", "testing_list.txt": "test"}
# file names that tell the speaker: <speaker>_nohash_<n>, <speaker>_NO_<n>, <word>_<speaker>_<n>
_FLAT_NAME: Final = re.compile(r"[^_]+_.+_\d+")  # <word>_<speaker>_<n>, for a folder without folders
_MARKED_SPEAKER: Final = re.compile(r"(?P<speaker>.+?)_(?:nohash|NO)_\d+$")


@dataclass(frozen=True)
class FolderSource:
    """A folder with one folder a word.

    ``validation_list.txt`` and ``testing_list.txt`` are followed when they are there; the official test
    archive (``_silence_`` and ``_unknown_`` folders, no lists) is test throughout. The speaker is read from
    names such as ``0a7c2a8d_nohash_0.wav`` and ``3_theo_12.wav``, or from a folder ``<word>/<speaker>/``. A folder
    without folders may hold files ``<word>_<speaker>_<n>.wav``, as the Free Spoken Digit Dataset does.
    """

    path: Path

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.path)

    @cached_property
    def licence(self) -> str | None:
        """The first line of a LICENSE file in the folder."""
        for name in ("LICENSE", "LICENCE", "LICENSE.txt"):
            if (self.path / name).is_file():
                text = (self.path / name).read_text(encoding="utf-8", errors="replace").strip()
                return text.splitlines()[0][:200] if text else None
        return None

    def fingerprint(self) -> str:
        """From names, sizes and times of all files: cheap, and it changes when they do."""
        digest = hashlib.sha256(b"folder-2")
        for file in [*self._files, *self._noise_files, *(self.path / name for name in _LISTS)]:
            stat = file.stat() if file.exists() else None
            facts = (stat.st_size, stat.st_mtime_ns) if stat else None
            digest.update(f"{file.relative_to(self.path)}\0{facts}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:24]

    def recordings(self) -> Iterator[Recording]:
        """Every clip, sorted by path. Raises DataError if there is none."""
        if not self._files:
            raise DataError(
                f"{self.path}: expected folders <word>/ with {', '.join(AUDIO_SUFFIXES)} files, or files "
                "<word>_<speaker>_<n>.wav, found none; make one folder for each word"
            )
        for file in self._files:
            relative = file.relative_to(self.path)
            yield Recording(
                name=printable(relative.as_posix()),
                word=_checked_word(file, printable(word_of(relative))),
                load=partial(audio.read, file, max_seconds=MAX_CLIP_SECONDS),
                speaker=speaker_of(relative),
                split=self._split_of(relative.as_posix()),
            )

    def noises(self) -> Iterator[Recording]:
        """The recordings in ``_background_noise_``."""
        for file in self._noise_files:
            name = printable(file.relative_to(self.path).as_posix())
            yield Recording(name, NOISE_FOLDER, partial(audio.read, file, max_seconds=MAX_NOISE_SECONDS))

    @cached_property
    def _files(self) -> list[Path]:
        try:
            folders = sorted(f for f in self.path.iterdir() if f.is_dir() and not _is_hidden(f.name))
        except OSError as error:
            raise DataError(f"{self.path}: not a folder that can be read ({error.strerror})") from error
        files = [file for folder in folders if folder.name != NOISE_FOLDER for file in _sounds_below(folder)]
        return files or [file for file in _sounds_below(self.path) if _FLAT_NAME.fullmatch(file.stem)]

    @cached_property
    def _noise_files(self) -> list[Path]:
        folder = self.path / NOISE_FOLDER
        return _sounds_below(folder) if folder.is_dir() else []

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Official split by path; raises DataError if a clip is in both lists."""
        listed: dict[str, str] = {}
        for name, split in _LISTS.items():
            if not (self.path / name).is_file():
                continue
            for line in (self.path / name).read_text(encoding="utf-8-sig", errors="replace").split("\n"):
                clip = _without_suffix(line.strip())
                if clip and listed.setdefault(clip, split) != split:
                    raise DataError(f"{self.path}: {line.strip()} stands in both lists; a clip is in one split only")
        return listed

    def _split_of(self, relative: str) -> str | None:
        if self._listed:
            return self._listed.get(_without_suffix(relative), "train")
        official_test = all((self.path / name).is_dir() for name in ("_silence_", "_unknown_"))
        return "test" if official_test else None


def word_of(relative: Path) -> str:
    """What is said, by the path below the source."""
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem.split("_")[0]


def _checked_word(file: Path, word: str) -> str:
    """The same word. Raises DataError for one that cannot be a label."""
    try:
        return check_label(word)
    except LabelError as error:
        raise DataError(f"{file}: names no word ({error})") from error


def speaker_of(relative: Path) -> str | None:
    """Who speaks, by the path below the source; None if it does not tell."""
    if marked := _MARKED_SPEAKER.fullmatch(relative.stem):
        return printable(marked["speaker"])
    if len(relative.parts) > 2:
        return printable(relative.parts[1])
    word, *others = relative.stem.split("_")
    if len(others) > 1 and word == word_of(relative) and others[-1].isdigit():
        return printable("_".join(others[:-1]))
    return None


def _without_suffix(path: str) -> str:
    # lists name .wav files; the same clips may be stored as .flac
    return os.path.splitext(path)[0]  # a path in a list has "/" on every system


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _sounds_below(folder: Path) -> list[Path]:
    found = (
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in AUDIO_SUFFIXES and not any(map(_is_hidden, file.relative_to(folder).parts))
    )
    return sorted(found)
