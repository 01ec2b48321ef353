"""Clips in an ``.npz`` as the course has it: ``wav_vals`` (n, samples) at 8 kHz, ``label_vals`` (n, 1) strings."""

from __future__ import annotations

import hashlib
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hanmadi.audio import Sound, as_float, check_sound
from hanmadi.data.scan import Note
from hanmadi.data.spelling import Spellings
from hanmadi.data.store import MAX_CLIP_SECONDS, Recording
from hanmadi.errors import AudioError, DataError, LabelError
from hanmadi.labels import check_label

SAMPLE_RATE: Final = 8_000  # Hz; the file does not say, the course's clips are one second of 8,000 samples
SAMPLES: Final = "wav_vals"
LABELS: Final = "label_vals"
_MAX_LABEL_CHARACTERS: Final = 200
_MAX_LABEL_BYTES: Final = 1 << 28  # all labels together: 3 million clips with words of 20 letters
_BLOCK_BYTES: Final = 8 << 20
# what reading a damaged, encrypted or strange zip raises
_ZIP_ERRORS: Final = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class NpzSource:
    """The course's file. Clips are read block by block: the array need not fit in memory.

    The declared shapes and types are checked against the file before anything is allocated, and pickled
    objects are never loaded.
    """

    path: Path
    sample_rate: int = SAMPLE_RATE  # Hz

    @property
    def name(self) -> str:
        """The path of the file as it was given."""
        return str(self.path)

    @property
    def licence(self) -> str | None:
        """None, as such a file does not state its licence."""
        return None

    def fingerprint(self) -> str:
        """From path-independent facts: size and the checksums that the zip holds."""
        with _open_zip(self.path) as archive:
            facts = [(m.filename, m.file_size, m.CRC) for m in archive.infolist()]
        return hashlib.sha256(f"npz-1 {self.sample_rate} {facts}".encode()).hexdigest()[:24]

    def recordings(self) -> Iterator[Recording]:
        """Every clip in the file's order; raises DataError for a file that is not as described."""
        labels = self._labels
        with _open_zip(self.path) as archive, _open_array(archive, self.path, SAMPLES) as file:
            shape, dtype = _header(file, self.path, SAMPLES)
            longest = int(MAX_CLIP_SECONDS * self.sample_rate)
            _check_samples(self.path, shape, dtype, clips=len(labels), longest=longest)
            _check_size(self.path, SAMPLES, shape, dtype, archive.getinfo(f"{SAMPLES}.npy").file_size)
            at_once = max(1, _BLOCK_BYTES // (shape[1] * dtype.itemsize))
            for start in range(0, len(labels), at_once):
                block = _read_rows(file, self.path, min(at_once, len(labels) - start), shape[1], dtype)
                for i, row in enumerate(block, start):
                    yield Recording(
                        f"#{i}", self._spellings.of(str(labels[i])), _Loader(f"#{i}", row, self.sample_rate)
                    )

    def noises(self) -> Iterator[Recording]:
        """None: the course's file has its silence as clips."""
        return iter(())

    def notes(self) -> tuple[Note, ...]:
        """Which words are written in several ways."""
        return tuple(self._spellings.notes(self.name))

    @cached_property
    def _spellings(self) -> Spellings:
        return Spellings(map(str, self._labels))

    @cached_property
    def _labels(self) -> NDArray[np.str_]:
        with _open_zip(self.path) as archive, _open_array(archive, self.path, LABELS) as file:
            shape, dtype = _header(file, self.path, LABELS)
            if dtype.kind not in "US" or not 0 < dtype.itemsize <= 4 * _MAX_LABEL_CHARACTERS:
                raise DataError(f"{self.path}: expected {LABELS} of strings, found {dtype}; save them as str")
            if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
                raise DataError(f"{self.path}: expected {LABELS} of shape (n, 1), found {shape}")
            _check_size(self.path, LABELS, shape, dtype, archive.getinfo(f"{LABELS}.npy").file_size)
            if shape[0] * dtype.itemsize > _MAX_LABEL_BYTES:
                raise DataError(f"{self.path}: {shape[0]} labels of {dtype} are too many; split the file")
            labels = _as_text(self.path, _read_rows(file, self.path, shape[0], 1, dtype)[:, 0])
        empty = np.flatnonzero(np.char.strip(labels) == "")
        if len(labels) == 0:
            raise DataError(f"{self.path}: expected clips, found none")
        if len(empty):
            raise DataError(f"{self.path}: {len(empty)} clips have an empty label, the first is clip {empty[0]}")
        try:
            for word in np.unique(labels):
                check_label(str(word))
        except LabelError as error:
            raise DataError(f"{self.path}: {error}") from error
        return labels


@dataclass(frozen=True)
class _Loader:
    """One row of the array as a sound."""

    name: str
    row: NDArray[np.generic]
    sample_rate: int

    def __call__(self) -> Sound:
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is then found
            samples = as_float(self.row)
        try:
            check_sound(samples)
        except AudioError as error:
            raise AudioError(f"{self.name}: {error}") from error
        return Sound(samples, self.sample_rate)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise DataError(f"{path}: not an .npz that can be read ({error})") from error


def _open_array(archive: zipfile.ZipFile, path: Path, name: str) -> IO[bytes]:
    try:
        return archive.open(f"{name}.npy")
    except KeyError:
        held = ", ".join(m.removesuffix(".npy") for m in archive.namelist()[:8]) or "nothing"
        raise DataError(f"{path}: expected arrays {SAMPLES} and {LABELS}, found {held}") from None
    except _ZIP_ERRORS as error:
        raise DataError(f"{path}: {name} cannot be read ({error})") from error


def _header(file: IO[bytes], path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    try:
        version = npy.read_magic(file)
        if version != (1, 0):  # the others are for long headers, up to 4 GiB
            raise ValueError(f"version {version}, expected (1, 0)")
        shape, fortran, dtype = npy.read_array_header_1_0(file)
    except (*_ZIP_ERRORS, TypeError, SyntaxError, tokenize.TokenError) as error:
        raise DataError(f"{path}: {name} has no valid header ({error})") from error
    if any(length < 0 for length in shape):
        raise DataError(f"{path}: {name} has the impossible shape {shape}; it is damaged")
    if fortran and len(shape) > 1 and min(shape) > 1:
        raise DataError(f"{path}: {name} is stored column by column; save it with np.ascontiguousarray()")
    if dtype.hasobject:
        raise DataError(f"{path}: {name} holds pickled objects, which are not loaded; save plain numbers and strings")
    return shape, dtype


def _check_samples(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic], *, clips: int, longest: int
) -> None:
    if len(shape) != 2 or shape[1] == 0:
        raise DataError(f"{path}: expected {SAMPLES} of shape (n, samples), found {shape}")
    if shape[1] > longest:
        raise DataError(f"{path}: clips of {shape[1]} samples; expected one word, {longest} samples at most")
    if shape[0] != clips:
        raise DataError(f"{path}: {shape[0]} clips but {clips} labels; expected one label for each clip")
    if not (dtype.kind == "f" or (dtype.kind == "i" and dtype.itemsize == 2)):
        raise DataError(f"{path}: expected {SAMPLES} of float or int16, found {dtype}")


def _check_size(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], size: int) -> None:
    declared = math.prod(shape) * dtype.itemsize
    if declared > size:
        raise DataError(f"{path}: {name} declares {declared} bytes, the file holds {size}; it is damaged")


def _read_rows(
    file: IO[bytes], path: Path, rows: int, columns: int, dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    wanted = rows * columns * dtype.itemsize
    try:
        data = file.read(wanted)
    except _ZIP_ERRORS as error:
        raise DataError(f"{path}: damaged ({error}); copy it again") from error
    if len(data) < wanted:
        raise DataError(f"{path}: cut short; copy it again")
    return np.frombuffer(data, dtype=dtype).reshape(rows, columns)


def _as_text(path: Path, labels: NDArray[np.generic]) -> NDArray[np.str_]:
    try:
        if labels.dtype.kind == "S":
            return np.char.decode(labels.astype(np.bytes_), "utf-8")
        text: NDArray[np.str_] = labels.astype(labels.dtype.newbyteorder("="))
        points = text.view(np.uint32)  # any four bytes can stand in the file
        if (points > 0x10FFFF).any() or (points >> 11 == 0xD800 >> 11).any():
            raise ValueError("code points out of range")
    except ValueError as error:
        raise DataError(f"{path}: {LABELS} are not text in UTF-8 ({error}); save them as str") from error
    return text
