"""``validation_list.txt`` and ``testing_list.txt``: which clips are held out, however a program wrote their paths."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hanmadi.audio import AUDIO_SUFFIXES, UNREAD_SUFFIXES
from hanmadi.data.scan import Note
from hanmadi.data.sources.layout import split_of_name
from hanmadi.errors import DataError
from hanmadi.files import printable
from hanmadi.labels import word_key

# as Speech Commands has them, and as people write them; capitals do not matter
_LISTS: Final = {
    "validation_list.txt": "validation", "valid_list.txt": "validation", "val_list.txt": "validation",
    "dev_list.txt": "validation", "testing_list.txt": "test", "test_list.txt": "test",
}  # fmt: skip
_LIKE_LISTS: Final = (".txt", ".lst", ".list", ".csv", ".tsv", "")  # suffixes of files that may be one, if lines match
_LIST_ENDING: Final = re.compile(r"[\s_-]*(list|files|clips|set|split)$")
_LIST_FOLDERS: Final = ("lists", "splits")  # beside the words
_MOST_BYTES: Final = 64 << 20  # of a file that may be a list
_SUFFIXES: Final = frozenset(AUDIO_SUFFIXES) | UNREAD_SUFFIXES
_SHOWN: Final = 3  # lines that a message shows


@dataclass(frozen=True)
class Lists:
    """The split of each listed clip by its key, whether there are lists at all, and lines that name no clip."""

    splits: dict[str, str]
    there: bool = False
    notes: tuple[Note, ...] = ()


def clip_key(parts: Sequence[str]) -> str:
    """A clip by the path from its word's folder on, the same for every spelling of it and every format."""
    *folders, file = parts
    stem, suffix = os.path.splitext(file)
    return "/".join(map(word_key, [*folders, stem if suffix.lower() in _SUFFIXES else file]))


def list_files(folders: Iterable[Path]) -> list[tuple[Path, str]]:
    """The lists in these folders, each with the split that it names: those of validation first, then by path.

    Raises DataError for a folder that has the name of a list.
    """
    files = (file for folder in folders if folder.is_dir() for file in folder.iterdir())
    found = [(file, split) for file in files if (split := _LISTS.get(file.name.lower()))]
    for file, _ in found:
        if not file.is_file():
            raise DataError(f"{file}: expected a list of clips, found a folder; what it holds out would be trained on")
    return sorted(found, key=lambda pair: (pair[1] != "validation", pair[0]))


def unnamed_lists(folders: Sequence[Path], clips: Iterable[str]) -> list[Path]:
    """Files that are named after a split, not as lists are, and most of whose lines name clips: lists all the same."""
    places = [place for folder in folders for place in (folder, *(folder / name for name in _LIST_FOLDERS))]
    files = sorted(file for place in places if place.is_dir() for file in place.iterdir() if file.is_file())
    named = [file for file in files if _may_be_list(file, folders)]
    index = _Index(clips if named else ())
    return [file for file in named if _matches(file, index)]


def _may_be_list(file: Path, roots: Sequence[Path]) -> bool:
    if file.name.lower() in _LISTS and file.parent in roots:
        return False  # it is read as one
    stem, suffix = os.path.splitext(file.name.lower())
    split = split_of_name(_LIST_ENDING.sub("", stem))
    return suffix in _LIKE_LISTS and split in ("validation", "test") and file.stat().st_size < _MOST_BYTES


def _matches(file: Path, index: _Index) -> bool:
    lines = [re.split(r"[,;\t]", line)[0] for line in _lines(file)]
    return bool(lines) and sum(bool(index.find(line)) for line in lines) > len(lines) / 2


def read_lists(folders: Iterable[Path], clips: Iterable[str]) -> Lists:
    """The lists in these folders, for clips by their keys.

    Raises DataError if a clip is in both lists, or most of the lines of a list that name a word which is here match
    nothing: the clips that they hold out would be trained on.
    """
    index = _Index(clips)
    splits: dict[str, str] = {}
    notes, there = [], False
    for path, split in list_files(folders):
        lines = _lines(path)
        there = there or bool(lines)
        missed = []
        for line in lines:
            found = index.find(line)
            missed += [] if found else [line]
            if any(splits.setdefault(key, split) != split for key in found):
                raise DataError(f"{path.parent}: {line} stands in both lists; a clip is in one split only")
        if missed:
            notes.append(_missed(path, lines, missed, index))
    return Lists(splits, there, tuple(notes))


class _Index:
    """Clips by their keys, and by the names of their files."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self._words = {key.split("/")[0] for key in self.keys if "/" in key}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for key in self.keys:
            self._by_name[key.rsplit("/", 1)[-1]].append(key)

    def find(self, line: str) -> list[str]:
        """The clips that a line names: one below any root, or all that have a name without folders."""
        key = _key_of(line)
        parts = key.split("/")
        for start in range(len(parts)):
            if (tail := "/".join(parts[start:])) in self.keys:
                return [tail]
        return self._by_name.get(key, [])

    def is_of_another_word(self, line: str) -> bool:
        """Whether a line names a folder, but none of a word that is here: of a part of the words, that is no wonder."""
        folders = _key_of(line).split("/")[:-1]
        return bool(folders) and not self._words.intersection(folders)


def _key_of(line: str) -> str:
    parts = [part.strip() for part in re.split(r"[\\/]+", line)]
    return clip_key([part for part in parts if part not in ("", ".", "..")] or [""])


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # Notepad writes either
    lines = data.decode(coding, errors="replace").splitlines()
    return [bare for line in lines if (bare := line.strip().strip("\"'").strip())]


def _missed(path: Path, lines: Sequence[str], missed: Sequence[str], index: _Index) -> Note:
    wrong = [line for line in missed if not index.is_of_another_word(line)]
    shown = ", ".join(printable(line) for line in (wrong or missed)[:_SHOWN])
    text = f"{path.parent}: {len(missed)} of {len(lines)} lines of {path.name} match no clip, such as {shown}"
    expected = min(index.keys, default="<word>/<file>")
    if len(missed) == len(lines) or len(wrong) > (len(lines) - len(missed) + len(wrong)) / 2:
        raise DataError(
            f"{text}; expected lines such as {expected}.wav, for what a list holds out must not be trained on: "
            "mend the list, or remove it to split by speaker"
        )
    return Note(f"{text}; if those clips are here under another name, they are trained on")
