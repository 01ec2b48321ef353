"""Which folder names are words, which are splits and which are neither, from the paths of the sounds alone.

Known arrangements::

    yes/a.wav                    yes/anna/a.wav (a speaker's folder)     yes_anna_1.wav, yes.anna.1.wav (no folders)
    train/yes/a.wav test/yes/b.wav                                      yes/train/a.wav yes/test/b.wav
    audio/yes/a.wav (one folder too high)                               train/audio/yes/a.wav
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple

from hanmadi.data.scan import Note
from hanmadi.errors import DataError
from hanmadi.files import printable
from hanmadi.labels import word_key

NOISE_FOLDER: Final = "_background_noise_"
_SPLIT_NAMES: Final = {
    "train": "train", "training": "train", "validation": "validation", "validate": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "development": "validation", "test": "test", "testing": "test",
    "eval": "test", "evaluation": "test", "학습": "train", "훈련": "train", "검증": "validation", "시험": "test",
    "테스트": "test", "평가": "test",
}  # fmt: skip
_NOISE_NAMES: Final = frozenset({"backgroundnoise", "backgroundnoises"})  # without signs between the words
_SPLIT_ENDING: Final = re.compile(r"[\s_-]*(set|data|split|audio|clips|용)?$")
# file names that tell the speaker, not the word: <speaker>_nohash_<n>, <speaker>_NO_<n>
MARKED_SPEAKER: Final = re.compile(r"(?P<speaker>.+?)_(?:nohash|NO)_\d+")
_FLAT_NAME: Final = re.compile(r"[^_]+_.+_\d+")  # <word>_<speaker>_<n>
_SHOWN: Final = 5  # folders that a message names

Parts = tuple[str, ...]  # of a path below the folder


class Place(NamedTuple):
    """Where a clip lies: its path, the folders above the words, its split."""

    path: Parts  # below the source's folder
    below: int  # how many folders of the path stand above that of the word
    split: str | None = None  # as a folder's name says it
    speaker: str | None = None  # the name of a folder between word and file

    @property
    def parts(self) -> Parts:
        """The path from the word's folder on; the file alone where there are no folders."""
        return self.path[self.below :]


@dataclass(frozen=True)
class Layout:
    """What the paths of a folder mean."""

    clips: tuple[Place, ...]
    noises: tuple[Parts, ...]
    roots: tuple[Parts, ...]  # folders that hold words or splits, where official lists may lie
    notes: tuple[Note, ...]


def lay_out(paths: Sequence[Parts], *, words: Collection[str], source: str) -> Layout:
    """What each path of a sound means. ``words`` are those expected, if they are known.

    Raises DataError where the words expected are folders of another level, or splits hold no folders of words.
    """
    keys = frozenset(map(word_key, words))
    noises = [path for path in paths if any(map(_holds_noise, path[:-1]))]
    spoken = [path for path in paths if not any(map(_holds_noise, path[:-1]))]
    level = _descend(spoken, 0, keys)
    splits = _split_folders(spoken, level, keys, source)
    if splits:
        inside = {split: [path for path in spoken if splits.get(path[level]) == split] for split in splits.values()}
        found = [
            Place(place.path, place.below, split)
            for split, below in inside.items() for place in _places(below, _descend(below, level + 1, keys))
        ]  # fmt: skip
        found = _with_shared_words(found)
    else:
        _check_level(spoken, level, keys, source)
        found = _places(spoken, level)
    _refuse_splits_beside_clips(found, source)
    clips = tuple(sorted(_of_folders_below_words(found)))
    roots = {()} | {place.path[:depth] for place in clips for depth in range(place.below + 1)}
    return Layout(clips, tuple(noises), tuple(sorted(roots)), tuple(_notes(spoken, clips, source)))


def _holds_noise(folder: str) -> bool:
    """Whether a folder is that of noise recordings, as the archive writes it and as people do; ``noise`` is a word."""
    key = word_key(folder)
    return key == "_noise_" or re.sub(r"[\s_-]+", "", key) in _NOISE_NAMES


def split_of_name(folder: str) -> str | None:
    """``train``, ``validation`` or ``test`` for a folder that is named like one; None for any other."""
    return _SPLIT_NAMES.get(_SPLIT_ENDING.sub("", word_key(folder).strip("_"), count=1))


def word_of_file(stem: str, words: Collection[str] = ()) -> str | None:
    """The word that a file without a folder is named after: ``yes`` of ``yes_anna_1`` and ``yes.anna.1``."""
    if MARKED_SPEAKER.fullmatch(stem):
        return None
    if _FLAT_NAME.fullmatch(stem):
        known = [word for word in words if re.match(spelled(word) + "_", stem, re.IGNORECASE)]
        return max(known, key=len, default=stem.split("_")[0])
    return stem.split(".")[0] if stem.split(".")[0] and "." in stem else None


def spelled(word: str) -> str:
    """A pattern for a word in the name of a file: its parts apart by spaces, underscores or hyphens."""
    return r"[\s_-]+".join(map(re.escape, filter(None, re.split(r"[\s_-]+", word))))


# ---- levels ----


def _descend(paths: Sequence[Parts], start: int, keys: AbstractSet[str]) -> int:
    """The level at which folders stand side by side: below folders that are alone and hold nothing but folders."""
    level = start
    while len(tops := _folders(paths, level)) == 1 and not keys & tops and _holds_no_clips(paths, level, keys):
        level += 1
    for known in range(start, level + 1) if keys else ():
        if keys & _folders(paths, known):
            return known
    # one word with its speakers' folders looks the same, unless the words are known
    return start if len(tops) == 1 else level


def _folders(paths: Sequence[Parts], level: int) -> set[str]:
    """Keys of the folders of a level."""
    return {word_key(path[level]) for path in paths if len(path) > level + 1}


def _holds_no_clips(paths: Sequence[Parts], level: int, keys: AbstractSet[str]) -> bool:
    """Whether the one folder of a level is no word: it holds no files, or files that are named after other words."""
    files = [path for path in paths if len(path) == level + 2]
    words = {word_key(word_of_file(_stem(path)) or "") for path in files}
    named = len(words) > 1 and "" not in words and not words & _folders(paths, level)
    return not files or named or bool(words & set(keys))


def _split_folders(paths: Sequence[Parts], level: int, keys: AbstractSet[str], source: str) -> dict[str, str]:
    """The split of each folder of a level where they are splits; empty where they are words."""
    tops = {path[level] for path in paths if len(path) > level + 1}
    named = {top: split for top in tops if (split := split_of_name(top))}
    if {word_key(top) for top in named if named[top] == "test"} > {"eval"}:  # beside a test, it is for validation
        named = {top: "validation" if word_key(top) == "eval" else split for top, split in named.items()}
    _refuse_splits_beside_words(paths, level, named, source)
    if len(set(named.values())) < 2 or keys & _folders(paths, level):
        return {}
    inside = [path for path in paths if path[level] in named]
    if len(named) < len(tops) and not keys & _folders(inside, level + 1):
        return {}  # train, bus and plane are words
    if not _places(inside, level + 1):
        raise DataError(
            f"{source}: the folders {_listed(named)} are named like splits and hold no folders of words; expected "
            f"{printable(min(named))}/<word>/<file>, or one folder for each word"
        )
    return named


def _refuse_splits_beside_words(paths: Sequence[Parts], level: int, named: Collection[str], source: str) -> None:
    """Raises DataError for a folder that is named like a split and holds the very words that stand beside it."""
    words = {word_key(path[level]) for path in paths if len(path) > level + 1 and path[level] not in named}
    for top in sorted(named):
        below = {path[level + 1] for path in paths if path[level] == top and len(path) > level + 2}
        if again := {word for word in below if word_key(word) in words}:
            raise DataError(
                f"{source}: {printable(top)}/ holds {_listed(again)}, which are folders beside it too; put those "
                f"beside it into a folder train/, or move {printable(top)}/ elsewhere"
            )


def _places(paths: Sequence[Parts], level: int) -> list[Place]:
    """Clips in folders of words; where there is no folder, those whose names tell the word."""
    inside = [path for path in paths if len(path) > level + 1]
    flat = [path for path in paths if len(path) == level + 1 and word_of_file(_stem(path))]
    return [Place(path, level) for path in inside or flat]


def _check_level(paths: Sequence[Parts], level: int, keys: AbstractSet[str], source: str) -> None:
    """Raises DataError if no folder is a word that is expected, but folders one level lower are."""
    lower = [path for path in paths if len(path) > level + 2 and word_key(path[level + 1]) in keys]
    if lower and not keys & _folders(paths, level):
        tops, words = {path[level] for path in paths if len(path) > level + 1}, {path[level + 1] for path in lower}
        raise DataError(
            f"{source}: expected folders of words, found {_listed(tops)} with folders of words in them "
            f"({_listed(words)}); name one of those, such as {source}/{printable('/'.join(lower[0][: level + 1]))}, "
            "or put the clips of a word into one folder"
        )


# ---- splits and speakers ----


def _with_shared_words(places: Sequence[Place]) -> list[Place]:
    """Without splits whose folders are no words of the training clips: nobody has labelled those clips."""
    words: dict[str | None, set[str]] = {}
    for place in places:
        words.setdefault(place.split, set()).add(_word_key(place))
    first = words.get("train") or next(iter(words.values()))
    kept = {split for split, found in words.items() if found & first}
    return [place if len(kept) > 1 else place._replace(split=None) for place in places if place.split in kept]


def _refuse_splits_beside_clips(places: Sequence[Place], source: str) -> None:
    """Raises DataError for a word's folder that holds clips and, beside them, a folder that is named like a split."""
    beside = {place.parts[0] for place in places if len(place.parts) == 2}
    for place in places:
        if len(place.parts) > 2 and place.parts[0] in beside and split_of_name(place.parts[1]):
            word, folder = map(printable, place.parts[:2])
            raise DataError(
                f"{source}: {word}/{folder}/ is named like a split, and other clips lie beside it; put those into "
                f"{word}/train/, or give {folder}/ the name of a speaker"
            )


def _of_folders_below_words(places: Sequence[Place]) -> list[Place]:
    """With the splits of folders ``<word>/<split>/``, else with the speakers of folders ``<word>/<speaker>/``."""
    folders = [place.parts[1:-1] for place in places]
    splits = [split_of_name(found[0]) if found else None for found in folders]
    if len(set(splits)) > 1 and None not in splits:
        return [
            place._replace(split=split, speaker=found[1] if len(found) > 1 else None)
            for place, split, found in zip(places, splits, folders, strict=True)
        ]
    return [place._replace(speaker=found[0]) if found else place for place, found in zip(places, folders, strict=True)]


def _word_key(place: Place) -> str:
    return word_key(place.parts[0] if len(place.parts) > 1 else word_of_file(_stem(place.path)) or "")


# ---- telling ----


def _notes(paths: Sequence[Parts], clips: Sequence[Place], source: str) -> Iterator[Note]:
    if below := {"/".join(place.path[: place.below]) for place in clips} - {""}:
        yield Note(f"{source}: the folders in {_listed(below)} are taken for words", matters=False)
    read = {place.path for place in clips}
    if clips and (left := {"/".join(path) for path in paths if path not in read}):
        are = "sound file is" if len(left) == 1 else "sound files are"
        yield Note(f"{source}: {len(left)} {are} left out, for no folder tells the word: {_listed(left)}")


def _listed(names: Collection[str]) -> str:
    shown = sorted(map(printable, names))
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _stem(path: Parts) -> str:
    return path[-1].rpartition(".")[0]
