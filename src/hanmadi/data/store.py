"""Clips: what a source gives, and the store from which training and evaluation read them.

A store is a folder whose samples are one memory-mapped file of 16-bit numbers, so that memory stays flat
at any number of clips::

    STORE/
      samples.i16    (clips, clip_samples) little-endian int16
      noise.i16      all noise recordings one after the other
      columns.npz    one array a column: word, speaker, split, where the names begin, where the noises begin
      names.txt      one name a clip
      store.json     format, sample rate, clip length, vocabularies, what was broken
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples, Sound
from hanmadi.data.scan import Note
from hanmadi.errors import AudioError, DataError, WriteError
from hanmadi.files import replacing_folder

FORMAT: Final = "hanmadi-clips-3"
SPLITS: Final = ("train", "validation", "test")
NO_SPLIT: Final = -1
NO_SPEAKER: Final = -1
# mapped pages count as this process's memory until they are given back
_RELEASE_BYTES: Final = 32 << 20
MAX_CLIP_SECONDS: Final = 60.0  # a recording of one word; longer ones are listed as broken
MAX_NOISE_SECONDS: Final = 1_800.0
_KEPT_DAYS: Final = 30  # that a store in the cache is kept after its last use


@dataclass(frozen=True)
class Recording:
    """One recording of a source, not yet read."""

    name: str  # what a person calls it: the path below the source, or an id
    word: str  # what is said in it
    load: Callable[[], Sound]  # raises AudioError if it cannot be read
    speaker: str | None = None  # who says it; None if the source does not tell
    split: str | None = None  # "train", "validation" or "test" if the source says so


class Source(Protocol):
    """An origin of recordings: a folder, a file, a synthesiser."""

    @property
    def name(self) -> str:
        """What a person calls it: a path, or "synth"."""

    @property
    def licence(self) -> str | None:
        """Licence of the recordings if it is known."""

    def fingerprint(self) -> str:
        """Changes when the recordings change."""

    def recordings(self) -> Iterator[Recording]:
        """Every recording of a word, in a fixed order."""

    def noises(self) -> Iterator[Recording]:
        """Long recordings of noise without words; may be none."""

    def notes(self) -> Sequence[Note]:
        """What was passed over where recordings were looked for, and what is doubtful."""


@dataclass(frozen=True)
class Broken:
    """A recording that could not be used, and why."""

    name: str
    reason: str

    @classmethod
    def because(cls, name: str, error: AudioError) -> Broken:
        """The reason of an error, which may begin with the file's whole path, without its name."""
        before, named, reason = str(error).partition(f"{name}: ")
        return cls(name, reason if named and (not before or before.endswith("/")) else str(error))


@dataclass(frozen=True)
class ClipStore:
    """Clips of equal length and rate, with what is known of them. Open one with `open_store`."""

    path: Path
    source: str  # name of the source
    licence: str | None
    fingerprint: str  # of what is stored: the same wherever the recordings are copied to
    former_fingerprint: str  # as cards and runs before format 2 have it: without words and speakers
    sample_rate: int  # Hz
    clip_samples: int
    words: tuple[str, ...]  # vocabulary of `word`
    speakers: tuple[str, ...]  # vocabulary of `speaker`
    noise_names: tuple[str, ...]
    broken: tuple[Broken, ...]
    word: NDArray[np.int32]  # (clips,) index into words
    speaker: NDArray[np.int32]  # (clips,) index into speakers, -1 if not known
    split: NDArray[np.int8]  # (clips,) index into SPLITS as the source says, -1 if it does not
    _name_starts: NDArray[np.int64]  # (clips + 1,) byte offsets into names.txt
    _noise_starts: NDArray[np.int64]  # (noises + 1,) sample offsets into noise.i16
    _samples: _MappedSamples = field(repr=False)
    _noise: _MappedSamples = field(repr=False)

    def __len__(self) -> int:
        return len(self.word)

    def has_fingerprint(self, fingerprint: object) -> bool:
        """Whether what a card or a run remembers is these clips."""
        return fingerprint in (self.fingerprint, self.former_fingerprint)

    def samples(self, rows: NDArray[np.integer[Any]] | slice) -> NDArray[np.int16]:
        """int16 samples of clips: (len(rows), clip_samples), a copy."""
        return self._samples.take(rows)

    def clip(self, row: int) -> Samples:
        """One clip as float32 in [-1, 1): (clip_samples,)."""
        return audio.from_int16(self.samples(np.array([row]))[0])

    def name(self, row: int) -> str:
        """What the source calls a clip."""
        start, end = self._name_starts[row : row + 2]
        with open(self.path / "names.txt", "rb") as file:
            file.seek(start)
            return file.read(end - start).decode().rstrip("\n")

    def noise(self, index: int) -> NDArray[np.int16]:
        """int16 samples of a noise recording: (n,), a copy."""
        return self._noise.take(slice(*self._noise_starts[index : index + 2]))[:, 0]

    @property
    def seconds(self) -> float:
        """The length of each clip in seconds."""
        return self.clip_samples / self.sample_rate


class _MappedSamples:
    """Rows of int16 in a file. Reads copy; pages are given back so that resident memory stays flat."""

    def __init__(self, path: Path, columns: int) -> None:
        size = path.stat().st_size
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else None
        buffer: Any = self._map if self._map is not None else b""
        self.rows = np.frombuffer(buffer, dtype="<i2").reshape(-1, columns)
        self._touched = 0

    def take(self, rows: NDArray[np.integer[Any]] | slice) -> NDArray[np.int16]:
        # an array of rows copies by itself
        taken: NDArray[np.int16] = self.rows[rows].astype(np.int16, copy=isinstance(rows, slice))
        self._touched += taken.nbytes
        if self._touched > _RELEASE_BYTES and self._map is not None:
            if hasattr(mmap, "MADV_DONTNEED"):  # the pages stay in the system's cache
                self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return taken


def build_store(
    source: Source,
    path: Path,
    *,
    sample_rate: int,
    seconds: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> ClipStore:
    """Read every recording of a source into a store at ``path``, replacing an older one whole.

    Sounds are mixed down, resampled to ``sample_rate`` Hz and fitted to ``seconds``. Recordings that cannot
    be read are listed in ``broken`` and skipped. ``progress`` is called with the count so far.
    Raises DataError if nothing could be read or the disk is full; nothing is left behind then.
    """
    length = round(sample_rate * seconds)
    if length < 1:
        raise DataError(f"expected clips of one sample or more, got {seconds:g} s at {sample_rate} Hz")
    try:
        with replacing_folder(path) as building:
            _write_store(source, building, sample_rate, length, progress)
    except WriteError as error:
        raise DataError(f"{error}; free some space, or set HANMADI_CACHE to a folder on a larger disk") from error
    return open_store(path)


def open_store(path: Path) -> ClipStore:
    """Open a store. Raises DataError if it is none or is damaged."""
    try:
        about = json.loads((path / "store.json").read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"{path}: expected a store of format {FORMAT}, found {about['format']}; build it again")
        # opened here, because np.load leaves a damaged file open
        with open(path / "columns.npz", "rb") as file, np.load(file, allow_pickle=False) as columns:
            arrays = {name: columns[name] for name in ("word", "speaker", "split", "name_starts", "noise_starts")}
        store = ClipStore(
            path=path, source=about["source"], licence=about["licence"], fingerprint=about["fingerprint"],
            former_fingerprint=about["former_fingerprint"],
            sample_rate=about["sample_rate"], clip_samples=about["clip_samples"],
            words=tuple(about["words"]), speakers=tuple(about["speakers"]),
            noise_names=tuple(about["noise_names"]), broken=tuple(Broken(**b) for b in about["broken"]),
            word=arrays["word"], speaker=arrays["speaker"], split=arrays["split"],
            _name_starts=arrays["name_starts"], _noise_starts=arrays["noise_starts"],
            _samples=_MappedSamples(path / "samples.i16", about["clip_samples"]),
            _noise=_MappedSamples(path / "noise.i16", 1),
        )  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a clip store, or a damaged one ({error}); build it again") from error
    if len(store._samples.rows) != len(store):
        raise DataError(f"{path}: {len(store)} clips listed, {len(store._samples.rows)} stored; build it again")
    return store


def cached_store(
    source: Source,
    *,
    sample_rate: int,
    seconds: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> ClipStore:
    """The store of a source from the cache, built when it is absent or the recordings have changed.

    Warns of what was passed over and is doubtful. When one is built, those that nobody has used for 30 days go.
    """
    for note in source.notes():
        if note.matters:
            warnings.warn(note.text, stacklevel=2)
    key = f"{source.fingerprint()}-{sample_rate}-{round(sample_rate * seconds)}"
    path = cache_folder() / "clips" / key
    if path.exists():
        try:
            found = replace(open_store(path), source=source.name)  # the folder may have moved
        except DataError:
            pass  # a damaged cache is made anew
        else:
            with suppress(OSError):  # a cache of somebody else, that can only be read, is as good
                os.utime(path)
            return found
    found = build_store(source, path, sample_rate=sample_rate, seconds=seconds, progress=progress)
    _forget_unused(path.parent)
    return found


def _forget_unused(folder: Path) -> None:
    """Remove the stores that were last used long ago; whatever else is in the folder stays."""
    for store in folder.iterdir():
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            if (store / "store.json").is_file() and time.time() - store.stat().st_mtime > _KEPT_DAYS * 86_400:
                shutil.rmtree(store, ignore_errors=True)


def cache_folder() -> Path:
    """Where stores are kept: $HANMADI_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("HANMADI_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "hanmadi"


def _write_store(
    source: Source, folder: Path, sample_rate: int, length: int, progress: Callable[[int], None] | None
) -> None:
    words, speakers = _Vocabulary(), _Vocabulary()
    rows: list[tuple[int, int, int]] = []
    broken: list[Broken] = []
    name_starts = [0]
    with open(folder / "samples.i16", "wb") as samples, open(folder / "names.txt", "wb") as names:
        for recording in source.recordings():
            try:
                sound = recording.load()
                if sound.seconds > MAX_CLIP_SECONDS:
                    raise AudioError(f"{sound.seconds:.0f} s long, expected one word in {MAX_CLIP_SECONDS:g} s or less")
                clip = audio.to_clip(sound, sample_rate=sample_rate, length=length)
            except AudioError as error:
                broken.append(Broken.because(recording.name, error))
                continue
            samples.write(audio.to_int16(clip).astype("<i2").tobytes())
            names.write(recording.name.replace("\n", " ").encode() + b"\n")
            name_starts.append(names.tell())
            split = NO_SPLIT if recording.split is None else SPLITS.index(recording.split)
            speaker = NO_SPEAKER if recording.speaker is None else speakers.index(recording.speaker)
            rows.append((words.index(recording.word), speaker, split))
            if progress:
                progress(len(rows))
    if not rows:
        reason = f"; the first: {broken[0].reason}" if broken else ""
        raise DataError(f"{source.name}: no clip could be read ({len(broken)} broken{reason})")
    noise_names, noise_starts = _write_noises(source, folder, sample_rate, broken)
    columns = np.array(rows)
    np.savez(
        folder / "columns.npz",
        word=columns[:, 0].astype(np.int32), speaker=columns[:, 1].astype(np.int32),
        split=columns[:, 2].astype(np.int8), name_starts=np.array(name_starts, np.int64),
        noise_starts=np.array(noise_starts, np.int64),
    )  # fmt: skip
    former = _former_fingerprint(folder)
    about = {
        "format": FORMAT, "source": source.name, "licence": source.licence,
        "fingerprint": _fingerprint(former, words.values, speakers.values, columns[:, 1].astype("<i4")),
        "former_fingerprint": former, "sample_rate": sample_rate, "clip_samples": length, "words": words.values,
        "speakers": speakers.values, "noise_names": noise_names, "broken": [vars(b) for b in broken],
    }  # fmt: skip
    (folder / "store.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")


def _fingerprint(former: str, words: list[str], speakers: list[str], speaker: NDArray[np.int32]) -> str:
    """Of names, sounds and what is known of them. Unlike a source's, it does not change with the times of files."""
    digest = hashlib.sha256(json.dumps(["store-2", former, words, speakers]).encode())
    digest.update(speaker.tobytes())
    return digest.hexdigest()[:24]


def _former_fingerprint(folder: Path) -> str:
    """As formats before 2 had it: of names, sounds, splits and the numbers of words, but not of the words."""
    digest = hashlib.sha256(b"store-1")
    for name in ("names.txt", "samples.i16", "noise.i16"):
        with open(folder / name, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    with np.load(folder / "columns.npz", allow_pickle=False) as columns:
        for name in ("word", "split"):
            digest.update(columns[name].tobytes())
    return digest.hexdigest()[:24]


def _write_noises(source: Source, folder: Path, sample_rate: int, broken: list[Broken]) -> tuple[list[str], list[int]]:
    names: list[str] = []
    starts = [0]
    with open(folder / "noise.i16", "wb") as file:
        for recording in source.noises():
            try:
                sound = recording.load()
            except AudioError as error:
                broken.append(Broken.because(recording.name, error))
                continue
            mono = audio.to_mono(sound.samples[: int(MAX_NOISE_SECONDS * sound.sample_rate)], sound.sample_rate)
            noise = audio.to_int16(audio.resample(mono, sound.sample_rate, sample_rate))
            file.write(noise.astype("<i2").tobytes())
            names.append(recording.name)
            starts.append(starts[-1] + len(noise))
    return names, starts


class _Vocabulary:
    """Words in order of first use, and their indices."""

    def __init__(self) -> None:
        self._indices: dict[str, int] = {}

    def index(self, value: str) -> int:
        return self._indices.setdefault(value, len(self._indices))

    @property
    def values(self) -> list[str]:
        return list(self._indices)
