"""Sound that comes in blocks, to mono at another rate: the one way of microphones, files and backgrounds.

    blocks -> float, broken samples as 0 -> one channel -> the other rate -> at most full scale

Streamed equals whole, bit for bit: channels are mixed and resampled in pieces of a fixed size, whatever the blocks are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.convert import (
    LOUDEST,
    Samples,
    as_float,
    at_most_full_scale,
    check_rate,
    check_shape,
    unscaled,
)
from hanmadi.audio.mono import PIECES_PER_S, Mixer

_SLICE: Final = 1 << 16  # samples of a block that are converted at a time
_UNSCALED_S: Final = 0.05  # so much beyond LOUDEST within a second is no broken sample any more


class Intake:
    """Blocks in, mono samples at another rate out, (n,) float32 in [-1, 1]."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Rates in Hz. Raises AudioError as `check_rate` does."""
        self.bad_samples = 0  # NaN, infinite or beyond `LOUDEST`, heard as 0
        self._rate = check_rate(from_rate)
        self._resampler = Resampler(self._rate, to_rate)
        self._mixer: Mixer | None = None
        self._counted = self._unscaled = 0  # samples of the last second, and those of them beyond LOUDEST

    def push(self, block: NDArray[Any]) -> Iterator[Samples]:
        """What a block completes, in arrays of any size.

        block: (n,) or (n, channels), any n, 0 as well; float in [-1, 1] or int16. Raises AudioError for another shape
        or type, and for floats that are not in [-1, 1] for 50 ms within a second: 16-bit numbers as float.
        """
        check_shape(block)
        for start in range(0, max(1, len(block)), _SLICE):
            for mono in self._mono(self._clean(block[start : start + _SLICE])):
                yield from map(at_most_full_scale, self._resampler.push(mono))

    def flush(self) -> Iterator[Samples]:
        """What was held back. Nothing may be pushed after it."""
        if self._mixer is not None:
            yield from map(at_most_full_scale, self._resampler.push(self._mixer.flush()))
        yield at_most_full_scale(self._resampler.flush())

    def _clean(self, block: NDArray[Any]) -> Samples:
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is then found
            samples = as_float(block)
        magnitude = np.abs(samples)
        good = magnitude <= LOUDEST  # not for NaN
        if good.all():
            self._count(len(samples), 0, 0.0)
            return samples
        self.bad_samples += good.size - int(np.count_nonzero(good))
        beyond = magnitude[~good & np.isfinite(samples)]
        self._count(len(samples), len(beyond), float(beyond.max(initial=0.0)))
        return np.where(good, samples, np.float32(0))

    def _count(self, frames: int, beyond: int, peak: float) -> None:
        self._counted, self._unscaled = self._counted + frames, self._unscaled + beyond
        if self._unscaled > _UNSCALED_S * self._rate:
            raise unscaled(peak)
        if self._counted >= self._rate:
            self._counted = self._unscaled = 0

    def _mono(self, samples: Samples) -> Iterator[Samples]:
        if samples.ndim == 1 or samples.shape[1] == 1:
            if self._mixer is not None:  # a gap in a stream of several channels
                yield self._mixer.flush()
            yield samples.reshape(-1)
            return
        if self._mixer is None or self._mixer.channels != samples.shape[1]:
            if self._mixer is not None:
                yield self._mixer.flush()
            self._mixer = Mixer(samples.shape[1], self._rate)
        yield from self._mixer.push(samples)


class Resampler:
    """From one rate to another, (n,) in pieces of a fixed size: blocks do not show in the result."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._soxr: Any = None
        self._piece = np.zeros(max(1, from_rate // PIECES_PER_S), np.float32)
        self._filled = 0
        if from_rate != to_rate:
            import soxr

            self._soxr = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")

    def push(self, samples: Samples) -> Iterator[Samples]:
        """(n,) in; what is ready out, in arrays of any size."""
        if self._soxr is None:
            yield samples
            return
        while len(samples):
            count = min(len(samples), len(self._piece) - self._filled)
            self._piece[self._filled : self._filled + count] = samples[:count]
            self._filled += count
            samples = samples[count:]
            if self._filled == len(self._piece):
                self._filled = 0
                yield self._soxr.resample_chunk(self._piece)

    def flush(self) -> Samples:
        """What was held back. Nothing may be pushed after it."""
        if self._soxr is None:
            return np.zeros(0, np.float32)
        rest: Samples = self._soxr.resample_chunk(self._piece[: self._filled], last=True)
        return rest
