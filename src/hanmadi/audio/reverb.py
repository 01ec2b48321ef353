"""Rooms: impulse responses made from a few facts of a room, and words as they sound in it.

Pure functions: arrays in, new arrays out, randomness from ``rng``. A response begins with the direct path, so that
a word stays where it is in its clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.convert import Samples
from hanmadi.audio.noise import Rng
from hanmadi.errors import AudioError

SPEED_OF_SOUND: Final = 343.0  # m/s, air of 20 degrees
_FALL: Final = 6 * np.log(10.0)  # natural logarithm of 60 dB of power
_EVEN_HZ: Final = 1_000.0  # at and below it all frequencies fade alike
_TINY: Final = 1e-12  # keeps digital silence finite when it is scaled


@dataclass(frozen=True)
class Room:
    """What is known of a room. Checked on construction; raises AudioError."""

    rt60_s: float = 0.4  # time in which sound fades by 60 dB, up to 1 kHz
    distance_m: float = 1.0  # from mouth to microphone
    volume_m3: float = 50.0
    treble: float = 0.7  # RT60 at 4 kHz over that at 1 kHz: curtains, people and air take high frequencies first

    def __post_init__(self) -> None:
        if not 0 < self.rt60_s <= 30:
            raise AudioError(f"expected an RT60 above 0 and up to 30 s, got {self.rt60_s:g} s")
        if not (0 < self.distance_m <= 1_000 and 0 < self.volume_m3 <= 1e7):
            raise AudioError(
                f"expected a distance above 0 m and a volume above 0 m3, got {self.distance_m:g} and {self.volume_m3:g}"
            )
        if not 0 < self.treble <= 1:
            raise AudioError(f"expected treble above 0 and up to 1 (all frequencies fade alike), got {self.treble:g}")


@dataclass(frozen=True)
class RoomBank:
    """Responses of rooms drawn once, uniformly from ranges; `place_in_rooms` takes them from here."""

    sample_rate: int  # Hz
    length: int  # samples of a clip
    seed: int
    count: int = 200
    rt60_s: tuple[float, float] = (0.15, 0.8)
    distance_m: tuple[float, float] = (0.3, 2.0)
    volume_m3: tuple[float, float] = (20.0, 150.0)
    treble: tuple[float, float] = (0.5, 1.0)
    seconds: float = 0.5  # of a response; at its end a room of 0.8 s has faded by 37 dB

    def __post_init__(self) -> None:
        if self.sample_rate <= 0 or self.length < 1 or self.count < 1 or not self.seconds > 0:
            raise AudioError(
                "expected a sample rate, a clip length, a count and seconds above 0, "
                f"got {self.sample_rate} Hz, {self.length}, {self.count} and {self.seconds:g} s"
            )
        for low, high in (self.rt60_s, self.distance_m, self.volume_m3, self.treble):
            if not low <= high:
                raise AudioError(f"expected ranges from low to high, got {low:g} to {high:g}; swap the two")
        for end in (0.0, 1.0):  # ranges that no room has are told now, not in the middle of a training
            self._room(end)

    @cached_property
    def responses(self) -> Samples:
        """The impulse responses of the rooms: (count, response samples)."""
        rng = np.random.default_rng([self.seed, self.count])
        length = max(1, round(self.seconds * self.sample_rate))
        rooms = [self._room(rng.random(4)) for _ in range(self.count)]
        return np.stack([room_response(room, sample_rate=self.sample_rate, length=length, rng=rng) for room in rooms])

    @cached_property
    def spectra(self) -> NDArray[np.complex64]:
        """Their Fourier transforms, long enough for a clip: (count, bins)."""
        return _spectra(self.responses, _transform_length(self.length, self.responses.shape[1]))

    def made(self) -> RoomBank:
        """The same, its responses computed now and not when they are first needed, maybe by two threads at once."""
        _ = self.spectra
        return self

    def _room(self, places: NDArray[np.float64] | float) -> Room:
        """The room at these places in the four ranges, 0 is the low end and 1 the high one."""
        low, high = np.transpose([self.rt60_s, self.distance_m, self.volume_m3, self.treble])
        return Room(*(low + (high - low) * places).tolist())


def place_in_rooms(batch: Samples, bank: RoomBank, *, p: float, rng: Rng) -> Samples:
    """Each clip with probability ``p`` as it sounds in a room of the bank: (batch, n) to the same.

    Raises AudioError for clips of another length than the bank's.
    """
    if batch.ndim != 2 or batch.shape[1] != bank.length:
        raise AudioError(f"expected clips (batch, {bank.length}) as the bank was made for, got shape {batch.shape}")
    chosen = np.flatnonzero(rng.random(len(batch)) < p)
    placed = batch.copy()
    if len(chosen):
        rooms = rng.integers(bank.count, size=len(chosen))
        size = _transform_length(bank.length, bank.responses.shape[1])
        placed[chosen] = _convolved(batch[chosen], bank.spectra[rooms], size)
    return placed


def reverberate(batch: Samples, responses: Samples) -> Samples:
    """Clips (batch, n) as they sound through ``responses``, one for all (m,) or one each (batch, m): (batch, n).

    Level: each clip keeps its RMS. What comes after its end is cut off. Raises AudioError for shapes that do not fit.
    """
    responses = np.asarray(responses, np.float32)
    if batch.ndim != 2 or responses.ndim not in (1, 2) or 0 in (*batch.shape[1:], *responses.shape[-1:]):
        raise AudioError(f"expected clips (batch, n) and responses (m,), got {batch.shape} and {responses.shape}")
    if responses.ndim == 2 and len(responses) != len(batch):
        raise AudioError(f"expected one response, or one a clip, got {len(responses)} for {len(batch)} clips")
    size = _transform_length(batch.shape[1], responses.shape[-1])
    return _convolved(batch, _spectra(responses, size), size)


def room_response(room: Room, *, sample_rate: int, length: int, rng: Rng) -> Samples:
    """Impulse response of a room: (length,), the direct path is 1.0 at sample 0 and echoes follow.

    Echoes arrive as from mirror images of the mouth, spread evenly in space: 4 pi c^3 t^2 / V of them a second, of
    amplitude distance / (c t) and random sign. So a few single reflections come first, and soon so many that they
    are Polack's noise that fades as exp(-3 ln(10) t / RT60), band by band.
    Source: Polack (1993), "Playing billiards in the concert hall: the mathematical foundations of geometrical room
    acoustics"; the number of images: Kuttruff, "Room acoustics", chapter 4.
    """
    if sample_rate <= 0 or length < 1:
        raise AudioError(f"expected a sample rate and a length above 0, got {sample_rate} Hz and {length} samples")
    since_s = room.distance_m / SPEED_OF_SOUND + np.arange(length) / sample_rate  # since the word left the mouth
    echoes = rng.poisson(4 * np.pi * SPEED_OF_SOUND**3 * since_s**2 / (room.volume_m3 * sample_rate))
    signed = 2 * rng.binomial(echoes, 0.5) - echoes
    response = _faded(signed * room.distance_m / (SPEED_OF_SOUND * since_s), since_s, room, sample_rate)
    response[0] = 1.0
    return response.astype(np.float32)


def _faded(echoes: NDArray[np.float64], since_s: NDArray[np.float64], room: Room, rate: int) -> NDArray[np.float64]:
    """Echoes (n,) that fade with the RT60 of their band. The bands are an octave apart and add up to all there is."""
    size = 2 * len(echoes)  # the end does not ring into the beginning
    spectrum = np.fft.rfft(echoes, size)
    octave = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / rate), _EVEN_HZ) / _EVEN_HZ)
    faded = np.zeros(len(echoes))
    for band in range(int(np.ceil(octave[-1])) + 1):
        share = np.maximum(0.0, 1 - np.abs(octave - band))
        rt60_s = room.rt60_s * room.treble ** (band / 2)
        faded += np.fft.irfft(spectrum * share, size)[: len(echoes)] * np.exp(-0.5 * _FALL * since_s / rt60_s)
    return faded


def _transform_length(n: int, m: int) -> int:
    """The shortest fast Fourier transform, of 2^a 3^b 5^c points, that holds n + m - 1 samples."""
    least = n + m - 1
    odd = [3**b * 5**c for b in range(4) for c in range(4)]
    return min(factor << max(1, (-(-least // factor) - 1).bit_length()) for factor in odd)


def _spectra(responses: Samples, size: int) -> NDArray[np.complex64]:
    return np.fft.rfft(responses, size).astype(np.complex64)


def _convolved(batch: Samples, spectra: NDArray[np.complex64], size: int) -> Samples:
    """The beginning of the convolution, as long as the clips and as loud."""
    n = batch.shape[1]
    padded = np.zeros((len(batch), size), np.float32)
    padded[:, :n] = batch
    # padded here and with a factor that is not 1 ("ortho"), NumPy takes its path for float32: three times as fast
    spectrum = np.fft.rfft(padded, norm="ortho").astype(np.complex64, copy=False)
    spectrum *= spectra
    wet = np.fft.irfft(spectrum, size, norm="ortho")[:, :n].astype(np.float32, copy=False)
    gain = np.sqrt(_energy(batch) / (_energy(wet) + _TINY))
    scaled: Samples = wet * gain[:, None]
    return scaled


def _energy(batch: Samples) -> NDArray[np.float32]:
    """Sum of squares a clip: (batch,)."""
    energy: NDArray[np.float32] = np.einsum("ij,ij->i", batch, batch)
    return energy
