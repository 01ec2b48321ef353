"""Samples into other samples: int16, mono, another rate, another length.

Samples are float32 in [-1, 1]. Mono is ``(n,)``; several channels are ``(n, channels)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.endpoints import speech_start
from hanmadi.audio.mono import Samples as Samples
from hanmadi.audio.mono import mix
from hanmadi.errors import AudioError

FULL_SCALE: Final = 32_768  # steps of a 16-bit sample between 0 and 1.0
LOUDEST: Final = 16.0  # 24 dB above full scale: what exceeds it was not written as float in [-1, 1]
LEAST_RATE, MOST_RATE = 1_000, 1_000_000  # Hz, of a recording; below, kHz were meant
MOST_CHANNELS: Final = 8  # more of them than samples: the axes are swapped
_LEAST_WHOLE: Final = 2.0  # peak from which float samples without a fraction are whole numbers, no full-scale square


@dataclass(frozen=True)
class Sound:
    """Samples and their rate: the two are never apart."""

    samples: Samples  # (n,) or (n, channels), float32 in [-1, 1]
    sample_rate: int  # Hz
    missing: int = 0  # samples per channel that the header of a WAV promises and the file does not hold

    @property
    def seconds(self) -> float:
        """The duration of the sound in seconds."""
        return len(self.samples) / self.sample_rate


def to_db(amplitude: float) -> float:
    """20 log10(amplitude): dB relative to 1.0; -inf for 0."""
    return 20.0 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """float in [-1, 1] to int16, rounded and clipped. Raises AudioError for NaN or infinity."""
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise AudioError(f"expected float samples in [-1, 1], got {samples.dtype}; call from_int16() first")
    if not np.isfinite(samples).all():
        raise AudioError("expected finite samples, found NaN or infinity")
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(samples: NDArray[np.int16]) -> Samples:
    """int16 of either byte order to float32 in [-1, 1)."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def as_array(samples: object) -> NDArray[Any]:
    """What somebody passes as samples, as an array. Raises AudioError for what cannot be one, and for masked arrays."""
    if isinstance(samples, np.ma.MaskedArray):
        raise AudioError("expected an array of samples, got a masked one; say what is heard there: samples.filled(0)")
    try:
        return np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of lists of other lengths, tensors elsewhere
        kind = type(samples).__name__
        cure = "; pass samples.detach().float().cpu().numpy()" if hasattr(samples, "detach") else ""
        raise AudioError(f"expected an array of samples, got {kind} ({error}){cure}") from error


def as_float(samples: NDArray[Any]) -> Samples:
    """Samples of any shape as float32: floats of any width as they are, int16 scaled to [-1, 1).

    Both byte orders are read. Raises AudioError for other kinds of numbers, whose full scale is not known.
    """
    samples = as_array(samples)
    if samples.dtype.kind == "i" and samples.dtype.itemsize == 2:
        return from_int16(samples)
    if samples.dtype.kind != "f":
        raise AudioError(f"expected samples of float in [-1, 1] or int16, got {samples.dtype}{_cure(samples.dtype)}")
    return np.asarray(samples, dtype=np.float32)


def _cure(dtype: np.dtype[Any]) -> str:
    """What to do with numbers of another kind; empty where they are no samples."""
    if dtype == np.uint8:
        return "; 8-bit samples become float as (samples - 128.0) / 128"
    if dtype.kind in "iu":
        return (
            "; divide by their full scale, for 32 bits samples / 2.0**31, or use samples.astype(np.int16) if they fit"
        )
    return ""


def check_rate(rate: object, *, least: int = LEAST_RATE) -> int:
    """A sample rate in whole Hz, from ``least`` to 1 MHz, as int. Raises AudioError for all else, None included."""
    if isinstance(rate, Real) and not isinstance(rate, bool):
        hertz = float(rate)
        if least <= hertz <= MOST_RATE and hertz.is_integer():  # not for NaN
            return int(hertz)
    raise AudioError(
        f"expected a sample rate in whole Hz from {least} to {MOST_RATE}, such as 16000, got {rate!r}; "
        "pass the rate at which the samples were recorded"
    )


def check_shape(samples: NDArray[Any]) -> None:
    """Raises AudioError unless samples are (n,) or (n, channels), with a plausible number of channels."""
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
        raise AudioError(f"expected samples (n,) or (n, channels), got shape {samples.shape}")
    if samples.ndim == 2 and samples.shape[1] > max(MOST_CHANNELS, samples.shape[0]):
        raise AudioError(
            f"expected samples (n,) or (n, channels), got shape {samples.shape}, which would be {samples.shape[1]} "
            "channels; if channels come first, pass samples.T"
        )


def check_sound(samples: Samples) -> None:
    """The rule for whole sounds, be they files, arrays or clips of a data set. Raises AudioError.

    Samples are (n,) or (n, channels), one or more, finite, and float in [-1, 1]; what exceeds that up to `LOUDEST` is
    sound, and clipped when it becomes a clip. Larger numbers, or whole ones, are 16-bit samples that were written as
    float: they are refused, as nobody can tell their full scale for sure.
    """
    check_shape(samples)
    if samples.size == 0:
        raise AudioError("expected samples, got none")
    if not np.isfinite(samples).all():
        raise AudioError("expected finite samples, found NaN or infinity; write it again as 16-bit PCM")
    peak = float(np.abs(samples).max())
    if peak > LOUDEST or (peak >= _LEAST_WHOLE and np.array_equal(samples, np.rint(samples))):
        raise unscaled(peak)


def unscaled(peak: float) -> AudioError:
    """The error for float samples that are not in [-1, 1]."""
    return AudioError(
        f"expected float samples in [-1, 1], found {peak:.0f}: 16-bit numbers as float; "
        f"divide them by {FULL_SCALE}, or save them as int16"
    )


def to_mono(samples: Samples, sample_rate: int = 16_000) -> Samples:
    """One channel of several: (n, channels) or (n,) to (n,), float32.

    It is the mean, or the strongest channel where what is said cancels in the mean: a balanced microphone on a stereo
    input gives right = -left, whose mean is silence, or the hum that both channels share (`hanmadi.audio.mono`).
    sample_rate: in Hz, to tell speech from hum; it need not be exact. Raises AudioError as `check_shape` does.
    """
    samples = np.asarray(samples, dtype=np.float32)
    check_shape(samples)
    return samples if samples.ndim == 1 else mix(samples, sample_rate)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate (soxr, high quality), mono or several channels; rates in whole Hz, else AudioError."""
    from_rate, to_rate = check_rate(from_rate, least=1), check_rate(to_rate, least=1)
    if from_rate == to_rate or len(samples) == 0:
        return np.asarray(samples, dtype=np.float32)
    import soxr

    resampled: Samples = soxr.resample(np.ascontiguousarray(samples, dtype=np.float32), from_rate, to_rate)
    return resampled


def resample_unfiltered(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Take samples at a lower rate as they are: what a recorder without an anti-aliasing filter does.

    Frequencies above half of ``to_rate`` fold down, as `hanmadi.audio.signals.alias_frequency` says. samples: (n,) or
    (n, channels). Where the rates are no multiples, the sound is first resampled to a multiple that holds it all.
    Raises AudioError for a rate that is not above 0 or not below that of the sound.
    """
    if not 0 < to_rate <= from_rate:
        raise AudioError(f"expected a rate from 1 to {from_rate} Hz, got {to_rate}; call resample() to raise it")
    step = -(-from_rate // to_rate)
    return resample(samples, from_rate, step * to_rate)[::step]


def fit_length(samples: Samples, length: int, *, sample_rate: int) -> Samples:
    """Exactly ``length`` samples of a mono sound of ``sample_rate`` Hz: (n,) to (length,).

    A shorter one is centred between zeros. Of a longer one the stretch is kept that holds most of what is like
    speech (`hanmadi.audio.endpoints.speech_start`). The same rule serves training, evaluation and prediction.
    Raises AudioError for samples that are not mono, and for a length below 1.
    """
    if samples.ndim != 1:
        raise AudioError(f"expected mono samples (n,), got shape {samples.shape}; call to_mono() first")
    if length < 1:
        raise AudioError(f"expected a length of one sample or more, got {length}")
    missing = length - len(samples)
    if missing >= 0:
        return np.pad(samples, (missing // 2, missing - missing // 2))
    start = speech_start(samples, sample_rate, length)
    return samples[start : start + length]


def to_clip(sound: Sound, *, sample_rate: int, length: int) -> Samples:
    """Any sound to a clip (length,), float32 in [-1, 1]: mixed down, resampled to ``sample_rate`` Hz, clipped, fitted.

    What training, evaluation and prediction hear of a sound. Raises AudioError as `check_sound` and `check_rate` do.
    """
    check_sound(sound.samples)
    rate = check_rate(sound.sample_rate)
    heard = resample(to_mono(sound.samples, rate), rate, sample_rate)
    return fit_length(at_most_full_scale(heard), length, sample_rate=sample_rate)


def at_most_full_scale(samples: Samples) -> Samples:
    """Clipped to [-1, 1], as 16-bit files are: the one rule for levels above full scale, of files and streams alike."""
    return np.clip(samples, np.float32(-1), np.float32(1))


def rms(samples: Samples) -> float:
    """Root mean square, 1.0 is full scale; 0 for no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
