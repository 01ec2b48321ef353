"""Recordings of talk in which no keyword is said, as a training hears them: joined, at its rate, in 16 bits."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.backgrounds import open_backgrounds
from hanmadi.errors import DataError


@dataclass(frozen=True)
class Talk:
    """Recordings one after the other. They are in a file that is mapped, so that hours of it fill no memory."""

    samples: NDArray[np.int16] = field(repr=False)  # (n,)
    sample_rate: int  # Hz
    source: str  # names of the files and folders
    fingerprint: str  # of the samples

    @property
    def seconds(self) -> float:
        """Of all recordings together."""
        return len(self.samples) / self.sample_rate


def open_talk(paths: Sequence[str | os.PathLike[str]], *, sample_rate: int, least_seconds: float) -> Talk:
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
            raise DataError(f"{source}: expected {least_seconds:g} s of talk or more, got {came:.2f} s; name more")
        file.flush()
        mapped = np.memmap(file, np.int16, "r", shape=(count,))  # stays when the file is closed, and goes with it
    return Talk(mapped, sample_rate, source, f"{crc:08x}-{count}")
