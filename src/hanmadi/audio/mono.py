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
CANCELLED: Final = 0.2  # what comes and goes in the channels' mean to that in the strongest; below, they cancel
PIECES_PER_S: Final = 50  # so short that they do not delay, so long that they cost little
_BAND_HZ: Final = 8_000  # about the rate at which channels are compared
_LAG: Final = 6  # samples at that rate; the difference between those so far apart has the first formants, little hum
_STEADY: Final = 0.1  # weight of what goes on all the time, beside what comes and goes
_SLAB: Final = 128  # pieces of a whole sound that are compared at a time
_REMEMBERED_S: Final = 2.0  # the powers of so long decide which channel of a stream is heard
_AUDIBLE: Final = 1e-8  # power, -80 dB: what is fainter decides nothing
_DEAD: Final = 0.01  # power of the chosen channel to that of the strongest; below, its cable is out


def mix(samples: Samples, sample_rate: int) -> Samples:
    """A whole sound of several channels to one: (n, channels) to (n,)."""
    mean = mean_of_channels(samples)
    changing = changing_power(_powers(samples, sample_rate))
    if changing_power(_powers(mean[:, None], sample_rate))[0] < CANCELLED * changing.max():
        return samples[:, strongest(changing)].copy()
    return mean


def cancellation(samples: Samples, sample_rate: int) -> float:
    """What comes and goes in the channels' mean to that in the strongest channel: from 0, they cancel, to 1, the same.

    samples: (n, channels) or (n,), at ``sample_rate`` Hz. It is compared in the band of speech. 1 for silence and for
    one channel.
    """
    if samples.ndim == 1 or len(samples) == 0:
        return 1.0
    most = float(changing_power(_powers(samples, sample_rate)).max())
    of_mean = float(changing_power(_powers(mean_of_channels(samples)[:, None], sample_rate))[0])
    return min(1.0, of_mean / most) if most > 0 else 1.0


def mean_of_channels(samples: Samples) -> Samples:
    """(n, channels) to (n,), float32."""
    # channel by channel: NumPy's mean may sum in another order for another length
    mono = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        mono += samples[:, channel]
    return mono / np.float32(samples.shape[1])


def strongest(powers: Powers) -> int:
    """The first of the channels with the most power, however that was rounded."""
    return int(np.argmax(powers >= 0.999 * powers.max()))


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


def changing_power(powers: Powers) -> Powers:
    """Power of what comes and goes, as speech does: powers of pieces, (pieces, channels), to (channels,).

    Of what goes on all the time, as noise does, a tenth is counted.
    """
    mean, floor = powers.mean(axis=0), np.sort(powers, axis=0)[len(powers) // 5]
    changing: Powers = np.maximum(mean - (1 - _STEADY) * floor, _STEADY * mean)
    return changing


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
        changing, now = changing_power(powers), powers[:, :-1].mean(axis=0)
        if self._chosen is None:
            poor = changing[-1] < CANCELLED * changing[:-1].max()
        else:
            poor = now[self._chosen] < _DEAD * now.max()
        if poor and now.max() > _AUDIBLE:
            self._chosen = strongest(changing[:-1])
