"""Headers of sound: which container bytes begin with, and WAV (RIFF, RIFX, RF64) read by hand.

A recorder that streams a WAV, or is killed, leaves sizes that are 0, too large, too small, or those of a file that was
to come; libsndfile trusts a 0 and one that is too small. A pipe cannot be read by libsndfile at all.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.convert import Samples
from hanmadi.errors import AudioError

HEAD_BYTES: Final = 12  # that tell the container
_BEGINNINGS: Final = {
    b"RIFF": "WAV", b"RIFX": "WAV", b"RF64": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg", b"FORM": "AIFF", b"ID3\x02": "MP3",
    b"ID3\x03": "MP3", b"ID3\x04": "MP3", b"caff": "CAF", b"\x1aE\xdf\xa3": "WebM",
    b".snd": "AU", b"0&\xb2u": "WMA", b"PK\x03\x04": "ZIP", b"\x1f\x8b\x08\x00": "gzip", b"\x1f\x8b\x08\x08": "gzip",
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"BW64": "BW64", b"riff": "W64",
}  # fmt: skip
_UNKNOWN: Final = 0xFFFF_FFFF  # a size that libsndfile takes for "to the end of the file"
_STREAMED: Final = 0x7FFF_0000  # from here on a size is what programs write that cannot go back: about 2 or 4 GiB
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # codes of the fmt chunk
_TAGS: Final = (b"ID3", b"TAG", b"APETAGEX")  # may follow the samples without being a chunk
_SOUND_S: Final = 0.05  # so much after the end that a header tells, if it is no chunk, text or tag, is sound
_LOOKED_AT: Final = 1 << 16  # bytes after the end that a header tells
_MOST_HEADER: Final = 1 << 20  # bytes before the samples


def container_of(head: bytes) -> str | None:
    """The container that a file begins with these `HEAD_BYTES` would have, such as ``"WAV"``; None for raw samples."""
    name = _BEGINNINGS.get(head[:4])
    if head[4:8] == b"ftyp":
        return "MP4"
    if name == "WAV" and head[8:12] != b"WAVE":
        return None
    return None if name == "AIFF" and head[8:11] != b"AIF" else name


@dataclass(frozen=True)
class WavHeader:
    """What a WAV says of itself before its first sample."""

    code: int  # of the samples: 1 for whole numbers, 3 for float
    sample_rate: int  # Hz
    channels: int
    bits: int  # of a sample
    frame_bytes: int  # of a sample of all channels
    order: Literal["<", ">"]
    data_start: int  # bytes before the samples
    data_bytes: int | None  # None where the header does not tell

    @property
    def data_pad(self) -> int:
        """Bytes between the samples and the next chunk."""
        return (self.data_bytes or 0) % 2

    @property
    def name(self) -> str:
        """The name of the container for people, such as WAV."""
        return f"a WAV of {self.sample_rate} Hz, {self.channels} channel{'s' * (self.channels != 1)}, {self.bits} bits"


def read_header(head: bytes, file: BinaryIO) -> WavHeader | None:
    """Read a WAV up to its first sample, without going back: a pipe will do. None if it is none, or is damaged.

    head: the first `HEAD_BYTES`, which are read already.
    """
    if container_of(head) != "WAV":
        return None
    order: Literal["<", ">"] = ">" if head[:4] == b"RIFX" else "<"
    place, form, size_64 = HEAD_BYTES, b"", 0
    while len(chunk := file.read(8)) == 8 and place < _MOST_HEADER:
        name, size = chunk[:4], int.from_bytes(chunk[4:], "big" if order == ">" else "little")
        place += 8
        if name == b"data":
            return _header(form, order, place, size_64 if size == _UNKNOWN and size_64 else size)
        body = file.read(min(size + size % 2, _MOST_HEADER))
        place += len(body)
        form = body if name == b"fmt " else form
        size_64 = int.from_bytes(body[8:16], "little") if name == b"ds64" else size_64
    return None


def _header(form: bytes, order: Literal["<", ">"], start: int, size: int) -> WavHeader | None:
    if len(form) < 16:
        return None
    code, channels, bits = (int(np.frombuffer(form, f"{order}u2", 1, place)[0]) for place in (0, 2, 14))
    rate, frame = int(np.frombuffer(form, f"{order}u4", 1, 4)[0]), int(np.frombuffer(form, f"{order}u2", 1, 12)[0])
    if code == _EXTENSIBLE and len(form) >= 26:
        code = int(np.frombuffer(form, f"{order}u2", 1, 24)[0])
    if channels < 1 or frame < 1:
        return None
    told = None if size == 0 or _STREAMED <= size <= _UNKNOWN else size
    return WavHeader(code, rate, channels, bits, frame, order, start, told)


# ---- files ----


def missing_frames(path: Path) -> int:
    """Samples per channel that the header of a WAV of plain samples promises and the file does not hold."""
    with open(path, "rb") as file:
        header = read_header(file.read(HEAD_BYTES), file)
    if header is None or header.data_bytes is None or header.code not in (_PCM, _FLOAT):
        return 0
    held = path.stat().st_size - header.data_start
    return max(0, header.data_bytes // header.frame_bytes - held // header.frame_bytes)


def with_size(path: Path) -> mmap.mmap | None:
    """A WAV whose sizes are 0, or end early, though samples follow, as a file with the true sizes; None for others."""
    with open(path, "rb") as file:
        header = read_header(file.read(HEAD_BYTES), file)
        end = file.seek(0, io.SEEK_END)
        if header is None or end <= header.data_start + (header.data_bytes or 0):
            return None
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # the file itself stays as it is
    size = mapped[header.data_start - 4 : header.data_start]
    ds64 = mapped.find(b"ds64", 0, header.data_start) if mapped[:4] == b"RF64" else -1
    unknown = header.data_bytes is None and (size == bytes(4) or ds64 >= 0) and not _only_chunks(mapped, header)
    if not unknown and not (header.data_bytes and _goes_on(mapped, header, header.data_start + header.data_bytes)):
        mapped.close()
        return None
    left = end - header.data_start
    for place, true_size in ((4, end - 8), (header.data_start - 4, left)):
        told = _UNKNOWN if ds64 >= 0 else min(true_size, _UNKNOWN)
        mapped[place : place + 4] = told.to_bytes(4, "big" if header.order == ">" else "little")
    if ds64 >= 0:
        sizes = (end - 8, left, left // header.frame_bytes)
        mapped[ds64 + 8 : ds64 + 32] = b"".join(value.to_bytes(8, "little") for value in sizes)
    return mapped


def _goes_on(mapped: mmap.mmap, header: WavHeader, place: int) -> bool:
    """Whether sound stands where the header says that it has ended, and not other chunks, tags, text or zeros."""
    if header.code not in (_PCM, _FLOAT):
        return False
    if len(mapped) - place < _SOUND_S * header.sample_rate * header.frame_bytes:
        return False
    return _like_samples(mapped[place : place + _LOOKED_AT]) and not _only_chunks(
        mapped, header, place + header.data_pad
    )


def _like_samples(data: bytes) -> bool:
    return any(data) and not data.isascii() and not data.startswith(_TAGS)


def _only_chunks(mapped: mmap.mmap, header: WavHeader, place: int | None = None) -> bool:
    """Whether other chunks, and no samples, stand from a place, where an empty data chunk ends, up to the very end."""
    place, end = header.data_start if place is None else place, len(mapped)
    while place + 8 <= end and all(map(_printable, mapped[place : place + 4])):
        size = int.from_bytes(mapped[place + 4 : place + 8], "big" if header.order == ">" else "little")
        place += 8 + size + size % 2
    return place in (end, end + 1)  # the last may lack the zero that makes its length even


# ---- pipes ----


def stream(file: BinaryIO, header: WavHeader, *, seconds: float) -> Iterator[Samples]:
    """The samples after a header, (n, channels), as they come, to where the header ends them or the pipe does.

    Raises AudioError at once for a coding that is no plain number.
    """
    kind = _kind(header)
    if kind is None:
        raise AudioError(f"expected a WAV of whole numbers or floats, got {header.name} of coding {header.code}")
    return _streamed(file, header, kind, max(1, round(seconds * header.sample_rate)) * header.frame_bytes)


def _streamed(file: BinaryIO, header: WavHeader, kind: str, at_once: int) -> Iterator[Samples]:
    rest = b""
    for data in _sound_bytes(file, header, at_once):
        data = rest + data
        whole = len(data) - len(data) % header.frame_bytes
        rest = data[whole:]
        yield _decoded(data[:whole], kind, header).reshape(-1, header.channels)


def _sound_bytes(file: BinaryIO, header: WavHeader, at_once: int) -> Iterator[bytes]:
    """The bytes of the samples; what follows them is drained: titles, and the like, unless the sound goes on there."""
    read = getattr(file, "read1", file.read)  # what is there, without waiting for all
    left, after, drained = header.data_bytes, b"", False
    while data := read(at_once):
        if left is None:
            yield data
        elif not drained:
            sound = data[:left]
            left, after = left - len(sound), after + data[len(sound) :]
            yield sound
            if len(after) >= _SOUND_S * header.sample_rate * header.frame_bytes:
                drained = not _like_samples(after) or all(map(_printable, after[header.data_pad :][:4]))
                if not drained:
                    yield after
                    left = None


def _printable(sign: int) -> bool:
    return 32 <= sign < 127


def _kind(header: WavHeader) -> str | None:
    """The NumPy type of a sample; i3 for 24 bits. None for another coding."""
    width = header.frame_bytes // header.channels
    kinds = {_PCM: {1: "u1", 2: "i2", 3: "i3", 4: "i4"}, _FLOAT: {4: "f4", 8: "f8"}}
    return kinds.get(header.code, {}).get(width) if width * header.channels == header.frame_bytes else None


def _decoded(data: bytes, kind: str, header: WavHeader) -> Samples:
    if kind == "u1":
        return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if kind == "i3":  # the three upper bytes of 32 bits
        bytes_4 = np.zeros((len(data) // 3, 4), np.uint8)
        first = 1 if header.order == "<" else 0
        bytes_4[:, first : first + 3] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, kind = bytes_4.tobytes(), "i4"
    numbers: NDArray[np.generic] = np.frombuffer(data, header.order + kind)
    scale = 1.0 if kind[0] == "f" else 2.0 ** (8 * numbers.itemsize - 1)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is found in the stream
        return numbers.astype(np.float32) / np.float32(scale)
