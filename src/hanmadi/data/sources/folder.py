"""Clips in folders: ``<word>/*.wav|flac|ogg|...``, with or without folders of splits and the official lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from hanmadi import audio
from hanmadi.audio import AUDIO_KINDS
from hanmadi.data.scan import Note, Scan, scan
from hanmadi.data.sources.layout import MARKED_SPEAKER, NOISE_FOLDER, Layout, Place, lay_out, spelled, word_of_file
from hanmadi.data.sources.lists import Lists, clip_key, list_files, read_lists, unnamed_lists
from hanmadi.data.spelling import Spellings
from hanmadi.data.store import MAX_CLIP_SECONDS, MAX_NOISE_SECONDS, Recording
from hanmadi.errors import DataError, LabelError
from hanmadi.files import printable
from hanmadi.labels import check_label


@dataclass(frozen=True)
class FolderSource:
    """A folder with one folder a word.

    Folders of splits (``train/<word>/``, ``test/<word>/``, `hanmadi.data.sources.layout` has them all) are splits.
    ``validation_list.txt`` and ``testing_list.txt`` are followed when they are there; the official test
    archive (``_silence_`` and ``_unknown_`` folders, no lists) is test throughout. The speaker is read from
    names such as ``0a7c2a8d_nohash_0.wav`` and ``3_theo_12.wav``, or from a folder ``<word>/<speaker>/``. A folder
    without folders may hold files ``<word>_<speaker>_<n>.wav``, as the Free Spoken Digit Dataset does.
    """

    path: Path
    words: tuple[str, ...] = ()  # that are expected, if they are known: they tell folders of words from others

    @property
    def name(self) -> str:
        """The path of the folder as it was given."""
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
        """From names, sizes and times of all files, and what their folders mean: cheap, and it changes when they do."""
        digest = hashlib.sha256(b"folder-3")
        lists = [(file, "") for file, _ in list_files(self._list_folders)]
        clips = [(self.path.joinpath(*at.path), f"{self._word_of(at)} {at.split}") for at in self._layout.clips]
        for file, meaning in [*clips, *((file, "") for file in self._noise_files), *lists]:
            stat = file.stat() if file.exists() else None
            facts = (stat.st_size, stat.st_mtime_ns, meaning) if stat else None
            digest.update(f"{file.relative_to(self.path)}\0{facts}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:24]

    def notes(self) -> tuple[Note, ...]:
        """What was passed over, and what of names and lists is doubtful."""
        lists = [file for file, _ in list_files(self._list_folders)]
        return (
            *self._scan.notes(read=lists),
            *self._layout.notes,
            *self._listed.notes,
            *self._spellings.notes(self.name),
        )

    def recordings(self) -> Iterator[Recording]:
        """Every clip, sorted by path. Raises DataError if there is none."""
        if not self._layout.clips:
            raise DataError(self._nothing_found())
        for place in self._layout.clips:
            yield Recording(
                name=printable("/".join(place.path)),
                word=self._checked_word(place),
                load=partial(audio.read, self.path.joinpath(*place.path), max_seconds=MAX_CLIP_SECONDS),
                speaker=speaker_of(place, self.words),
                split=self._split_of(place),
            )

    def noises(self) -> Iterator[Recording]:
        """The recordings in ``_background_noise_``."""
        for file in self._noise_files:
            name = printable(file.relative_to(self.path).as_posix())
            yield Recording(name, NOISE_FOLDER, partial(audio.read, file, max_seconds=MAX_NOISE_SECONDS))

    @cached_property
    def _scan(self) -> Scan:
        return scan(self.path)

    @cached_property
    def _layout(self) -> Layout:
        paths = [file.relative_to(self.path).parts for file in self._scan.sounds]
        return lay_out(paths, words=self.words, source=str(self.path))

    @cached_property
    def _noise_files(self) -> list[Path]:
        return [self.path.joinpath(*noise) for noise in self._layout.noises]

    @property
    def _list_folders(self) -> list[Path]:
        return [self.path.joinpath(*root) for root in self._layout.roots]

    @cached_property
    def _listed(self) -> Lists:
        """Official splits; raises DataError if a clip is in both lists, most lines match nothing, or names mislead."""
        keys = [clip_key(place.parts) for place in self._layout.clips]
        if odd := unnamed_lists(self._list_folders, keys):
            names = ", ".join(file.relative_to(self.path).as_posix() for file in odd)
            raise DataError(
                f"{self.path}: {names}: looks like a list of clips that are held out; name such lists "
                "validation_list.txt and testing_list.txt beside the folders of words, or remove them to split by "
                "speaker"
            )
        return read_lists(self._list_folders, keys)

    def _split_of(self, place: Place) -> str | None:
        if self._listed.there and place.split in (None, "train"):
            return self._listed.splits.get(clip_key(place.parts), "train")
        return place.split or ("test" if self._is_official_test else None)

    @cached_property
    def _is_official_test(self) -> bool:
        tops = {place.parts[0] for place in self._layout.clips if len(place.parts) > 1}
        return {"_silence_", "_unknown_"} <= tops

    def _word_of(self, place: Place) -> str:
        first, *below = place.parts
        return printable(first if below else word_of_file(Path(first).stem, self.words) or first)

    def _checked_word(self, place: Place) -> str:
        """The word of a clip. Raises DataError for one that cannot be a label."""
        try:
            return check_label(self._spellings.of(self._word_of(place)))
        except LabelError as error:
            raise DataError(f"{self.path.joinpath(*place.path)}: names no word ({error})") from error

    @cached_property
    def _spellings(self) -> Spellings:
        return Spellings(map(self._word_of, self._layout.clips))

    def _nothing_found(self) -> str:
        text = (
            f"{self.path}: expected folders <word>/ with files of {AUDIO_KINDS}, or files <word>_<speaker>_<n>.wav, "
            "found none; make one folder for each word"
        )
        return "; ".join([text, *(note.text for note in self._scan.notes() if note.matters)])


def speaker_of(place: Place, words: Collection[str] = ()) -> str | None:
    """Who speaks in a clip, by where it lies; None if that does not tell. ``words``: those expected, if known."""
    stem = printable(Path(place.path[-1]).stem)
    if marked := MARKED_SPEAKER.fullmatch(stem):
        return marked["speaker"]
    if place.speaker is not None:
        return printable(place.speaker)
    word = printable(place.parts[0]) if len(place.parts) > 1 else word_of_file(stem, words)
    named = re.fullmatch(rf"{spelled(word)}_(?P<speaker>.+)_\d+", stem, re.IGNORECASE) if word else None
    return named["speaker"] if named else None
