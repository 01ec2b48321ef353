"""Long recordings: backgrounds, and negative speech from which a training learns.

In backgrounds words are mixed in, or every detection is a false alarm. Negative speech is heard joined, at the
network's rate.
"""

from __future__ import annotations

import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import AUDIO_KINDS, Intake, Samples
from hanmadi.data.scan import scan
from hanmadi.errors import AudioError, DataError
from hanmadi.files import printable

MAX_SECONDS: Final = 4 * 3_600.0  # of one recording that is held in memory


@dataclass(frozen=True)
class Background:
    """One background: recordings one after the other, read piece by piece when their turn comes."""

    name: str
    recordings: Callable[[], Iterator[Samples]] = field(repr=False)  # pieces of any length, mono, at the right rate


def open_backgrounds(paths: Iterable[str | os.PathLike[str]], *, sample_rate: int) -> list[Background]:
    """One background for each path: a sound file, or a folder with all sound files below it in the order of names.

    Raises DataError for a path that is absent or a folder without sound files, and for a file that is there twice:
    its hours would count twice.
    """
    given = [(path, sound_files([path])) for path in map(Path, paths)]
    seen: dict[str, Path] = {}
    for file in (file for _, found in given for file in found):
        if (first := seen.setdefault(os.path.realpath(file), file)) is not file:
            raise DataError(f"{file}: named twice, also as {first}; its hours count once, so leave one out")
    return [Background(printable(str(path)), partial(_read_all, found, sample_rate)) for path, found in given]


def sound_files(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Files, and those below folders, in the order of names. Warns of sounds that are not read.

    Raises DataError where there is none.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"{path}: expected a recording or a folder of recordings, but it is not there")
        found += _files_below(path) if path.is_dir() else [path]
    return found


def _files_below(folder: Path) -> list[Path]:
    found = scan(folder)
    for note in found.notes():
        if note.matters:
            warnings.warn(note.text, stacklevel=3)
    if not found.sounds:
        raise DataError(f"{folder}: expected a recording or a folder of {AUDIO_KINDS}, but it holds none")
    return found.sounds


def from_samples(name: str, recordings: Sequence[Samples]) -> Background:
    """A background of recordings that are in memory already, mono, at the right rate."""
    return Background(name, lambda: iter(recordings))


def read_mono(path: Path, *, sample_rate: int) -> Samples:
    """A recording of up to four hours as a stream hears it, at ``sample_rate`` Hz: (n,). Raises AudioError."""
    found, count = [], 0
    for piece in _pieces(path, sample_rate):
        found.append(piece)
        count += len(piece)
        if count > MAX_SECONDS * sample_rate:
            raise AudioError(f"{path}: longer than {MAX_SECONDS:g} s; cut it into shorter files")
    return np.concatenate(found)


def endless(background: Background) -> Iterator[Samples]:
    """Its recordings again and again. Raises AudioError if they hold no samples."""
    while True:
        heard = 0
        for piece in background.recordings():
            heard += len(piece)
            yield piece
        if not heard:
            raise AudioError(f"{background.name}: expected sound, found no samples")


def take(count: int, recordings: Iterator[Samples], left_over: Samples) -> tuple[Samples, Samples]:
    """The next ``count`` samples of recordings one after the other, and what is left of the last one."""
    parts, have = [left_over], len(left_over)
    while have < count:
        parts.append(next(recordings))
        have += len(parts[-1])
    joined = np.concatenate(parts)
    return joined[:count], joined[count:]


def _read_all(files: Sequence[Path], sample_rate: int) -> Iterator[Samples]:
    for file in files:
        yield from _pieces(file, sample_rate)


def _pieces(file: Path, sample_rate: int) -> Iterator[Samples]:
    """A recording of any length piece by piece, by the very way that `hanmadi.inference.stream.Stream` hears it."""
    rate, blocks = audio.blocks(file)
    intake = Intake(rate, sample_rate)
    try:
        for block in blocks:
            yield from intake.push(block)
    except AudioError as error:
        raise error if str(file) in str(error) else AudioError(f"{file}: {error}") from error
    yield from intake.flush()


@dataclass(frozen=True)
class NegativeRecordings:
    """Recordings one after the other. They are in a file that is mapped, so that hours of it fill no memory."""

    samples: NDArray[np.int16] = field(repr=False)  # (n,)
    sample_rate: int  # Hz
    source: str  # names of the files and folders
    fingerprint: str  # of the samples

    def has_fingerprint(self, fingerprint: object) -> bool:
        """Whether what a run remembers is these recordings."""
        return fingerprint == self.fingerprint

    @property
    def seconds(self) -> float:
        """Seconds of all recordings together."""
        return len(self.samples) / self.sample_rate


def open_negative_speech(
    paths: Sequence[str | os.PathLike[str]], *, sample_rate: int, least_seconds: float
) -> NegativeRecordings:
    """Sound files, and those below folders, of any length. Raises DataError if there are none, or less sound."""
    source = ", ".join(map(str, paths))
    with tempfile.TemporaryFile() as file:
        crc = count = 0
        for background in open_backgrounds(paths, sample_rate=sample_rate):
            for piece in background.recordings():
                samples = audio.to_int16(np.clip(piece, -1.0, 1.0))
                crc, count = zlib.crc32(samples.data, crc), count + len(samples)
                file.write(samples.data)
        if count < least_seconds * sample_rate:
            came = count / sample_rate
            raise DataError(
                f"{source}: expected {least_seconds:g} s of negative speech or more, got {came:.2f} s; name more"
            )
        file.flush()
        mapped = np.memmap(file, np.int16, "r", shape=(count,))  # stays when the file is closed, and goes with it
    return NegativeRecordings(mapped, sample_rate, source, f"{crc:08x}-{count}")
