"""Several channels to one: their mean, or one of them where what is said cancels in the mean.

A balanced microphone on a stereo input gives right = -left, whose mean is silence, or the hum that both channels share.
Whether that is so is decided by what comes and goes in the band of speech; hum and steady noise hardly count.
The page's ``mono.js`` does the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Powers = NDArray[np.float64]
CANCELLED: Final = 0.25  # share of what comes and goes that the mean lacks; above, the channels cancel
PIECES_PER_S: Final = 50  # so short that they do not delay, so long that they cost little
_BAND_HZ: Final = 8_000  # about the rate at which channels are compared
_LAG: Final = 6  # samples at that rate; the difference between those so far apart has the first formants, little hum
_LACKS: Final = 0.25  # a piece cancels if the mean has less than so much of what unrelated channels would leave of it
_FLOOR, _LOWER = 5, 10  # a fifth, and a tenth, of the pieces are below what is taken for steady noise
_SPREAD: Final = 8  # a piece stands out if it is so many times above the floor as that is above the lower one
_LEAST_RISE: Final = 0.05  # above the floor, to stand out of what does not vary at all
_ENOUGH: Final = 15  # pieces, 0.3 s, from which on floors tell anything
_SLAB: Final = 128  # pieces of a whole sound that are compared at a time
_REMEMBERED_S: Final = 2.0  # the powers of so long decide which channel of a stream is heard
_AUDIBLE: Final = 1e-8  # power, -80 dB: what is fainter decides nothing
_DEAD: Final = 0.01  # power of the chosen channel to that of the strongest; below, its cable is out


def mix(samples: Samples, sample_rate: int) -> Samples:
    """A whole sound of several channels to one: (n, channels) to (n,)."""
    mean = mean_of_channels(samples)
    share, channel = cancelled_share(_powers(np.column_stack([samples, mean]), sample_rate))
    return samples[:, channel].copy() if share > CANCELLED else mean


def cancellation(samples: Samples, sample_rate: int) -> float:
    """Share of what comes and goes in the channels that their mean lacks, 0 to 1.

    samples: (n, channels) or (n,), at ``sample_rate`` Hz. They are compared in the band of speech. 0 for silence and
    for one channel.
    """
    if samples.ndim == 1 or len(samples) == 0:
        return 0.0
    mean = mean_of_channels(samples)
    return cancelled_share(_powers(np.column_stack([samples, mean]), sample_rate))[0]


def mean_of_channels(samples: Samples) -> Samples:
    """(n, channels) to (n,), float32."""
    # channel by channel: NumPy's mean may sum in another order for another length
    mono = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        mono += samples[:, channel]
    return mono / np.float32(samples.shape[1])


def band_power(pieces: Samples, sample_rate: int) -> Powers:
    """Power of each channel in the band of speech: (..., n, channels) to (..., channels); 0 for a few samples."""
    step = max(1, sample_rate // _BAND_HZ)
    *before, n, channels = pieces.shape
    grouped = pieces[..., : n // step * step, :].reshape(*before, n // step, step, channels)
    low = grouped.mean(axis=-2, dtype=np.float64)
    if low.shape[-2] <= _LAG:
        return np.zeros((*before, channels))
    power: Powers = np.square(low[..., _LAG:, :] - low[..., :-_LAG, :]).mean(axis=-2)
    return power


def cancelled_share(powers: Powers) -> tuple[float, int]:
    """How much cancels, 0 to 1, and the channel that has most of it: powers of pieces, (pieces, channels and the mean).

    A piece cancels if the mean has much less than what unrelated channels would leave in it. What counts is how far a
    piece is above the floor of steady noise, as an amplitude, so that one loud bang does not outweigh a word.
    """
    channels, mean = powers[:, :-1], powers[:, -1]
    apart = channels.sum(axis=1) / channels.shape[1] ** 2
    beyond, mean_beyond, stands_out = apart, mean, apart > 0
    if len(powers) >= _ENOUGH:
        (floor, mean_floor), (lower, _) = (_rank(apart, mean, len(powers) // part) for part in (_FLOOR, _LOWER))
        high = apart > floor + max(_SPREAD * (floor - lower), _LEAST_RISE * floor)
        if high.any():
            beyond, mean_beyond, stands_out = np.maximum(apart - floor, 0.0), np.maximum(mean - mean_floor, 0.0), high
    cancels = stands_out & (mean_beyond < _LACKS * beyond)
    weight = np.sqrt(beyond)
    if not cancels.any():
        return 0.0, 0
    in_them = channels[cancels].sum(axis=0)
    return float(weight[cancels].sum() / weight.sum()), int(np.argmax(in_them >= 0.999 * in_them.max()))


def _rank(first: NDArray[np.float64], second: NDArray[np.float64], rank: int) -> tuple[float, float]:
    return float(np.sort(first)[rank]), float(np.sort(second)[rank])


def _powers(samples: Samples, sample_rate: int) -> Powers:
    """(n, channels) to (pieces, channels); a sound shorter than a piece is one."""
    piece = max(1, sample_rate // PIECES_PER_S)
    pieces = len(samples) // piece
    if not pieces:
        return band_power(samples, sample_rate)[None]
    slabs = np.array_split(samples[: pieces * piece].reshape(pieces, piece, -1), -(-pieces // _SLAB))
    return np.concatenate([band_power(slab, sample_rate) for slab in slabs])


class Mixer:
    """Several channels of a stream to one, decided piece by piece.

    What came and went in the last seconds decides, the piece that is to be mixed included. Once a channel is chosen it
    stays, unless it falls silent beside the others: a word is never heard half one way and half the other.
    """

    def __init__(self, channels: int, sample_rate: int) -> None:
        self.channels = channels
        self._rate = sample_rate
        self._held = np.zeros((max(1, sample_rate // PIECES_PER_S), channels), np.float32)
        self._filled = 0
        self._powers: deque[Powers] = deque(
            maxlen=int(_REMEMBERED_S * PIECES_PER_S)
        )  # of pieces; the mean's comes last
        self._chosen: int | None = None

    def push(self, samples: Samples) -> Iterator[Samples]:
        """(n, channels) in; whole pieces out, (piece,)."""
        while len(samples):
            count = min(len(samples), len(self._held) - self._filled)
            self._held[self._filled : self._filled + count] = samples[:count]
            self._filled += count
            samples = samples[count:]
            if self._filled == len(self._held):
                yield self.flush()

    def flush(self) -> Samples:
        """The piece that is held, whole or not."""
        piece, self._filled = self._held[: self._filled], 0
        mean = mean_of_channels(piece)
        if len(piece):
            self._powers.append(band_power(np.column_stack([piece, mean]), self._rate))
            self._decide(np.stack(self._powers))
        return mean if self._chosen is None else piece[:, self._chosen].copy()

    def _decide(self, powers: Powers) -> None:
        now = powers[:, :-1].mean(axis=0)
        if now.max() <= _AUDIBLE:
            return
        if self._chosen is None:
            share, channel = cancelled_share(powers)
            self._chosen = channel if share > CANCELLED else None
        elif now[self._chosen] < _DEAD * now.max():
            self._chosen = int(np.argmax(now >= 0.999 * now.max()))
