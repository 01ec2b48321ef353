"""What a sound is, in numbers: tones, sampling, quantisation, windows, and the Fourier transform.

Small pure functions to learn with. Generated sounds are mono ``(n,)`` float32, 1.0 is full scale.
Spectra are complex; a bin is one frequency of a spectrum, a frame one moment of a spectrogram.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hanmadi.errors import AudioError

Floats = NDArray[np.floating[Any]]
Complexes = NDArray[np.complexfloating[Any, Any]]

FLOOR_DB: Final = -100.0  # fixed floor: a stream has no "loudest frame of the clip" to measure from
MAX_BITS: Final = 24  # more does not fit the mantissa of a float32
MAX_DFT_LENGTH: Final = 2_048  # the matrix has n * n complex numbers: 64 MiB at this length
# Coefficients a_k of w[i] = a_0 - a_1 cos(2 pi i / N) + a_2 cos(4 pi i / N) - ...
# Harris (1978), "On the use of windows for harmonic analysis with the discrete Fourier transform".
WINDOWS: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType({
    "rectangular": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
})  # fmt: skip
_BLOCK_FRAMES: Final = 1_024  # frames transformed at once: memory follows the result, not the overlap
_MAX_SAMPLES: Final = 1 << 28  # 1 GiB of float32: beyond that the duration is a mistake


class Aliasing(NamedTuple):
    """A tone, its samples, and the lowest tone that goes through the same samples."""

    time_s: NDArray[np.float64]  # (m,) fine time axis, to draw the two tones
    tone: NDArray[np.float32]  # (m,) what was there
    alias: NDArray[np.float32]  # (m,) what the samples say
    sample_time_s: NDArray[np.float64]  # (n,)
    samples: NDArray[np.float32]  # (n,)
    alias_hz: float  # from 0 to half the sample rate


class Resolution(NamedTuple):
    """How fine a spectrogram is: ``time_ms * frequency_hz`` is always 1,000."""

    time_ms: float  # length of the window: what happens within it is one moment
    frequency_hz: float  # two tones closer than this melt into one
    hop_ms: float  # from frame to frame
    bin_hz: float  # from bin to bin; zero padding makes it smaller, but nothing sharper


# ---- sounds ----


def time_axis(n_samples: int, *, sample_rate: float) -> NDArray[np.float64]:
    """Time of each sample in seconds, (n_samples,), from 0. Raises AudioError for a rate not above 0."""
    _check_positive("sample_rate", sample_rate, "Hz")
    return np.arange(n_samples) / sample_rate


def tone(
    frequency_hz: float,
    *,
    duration_s: float,
    sample_rate: float,
    amplitude: float = 1.0,
    phase_rad: float = 0.0,
) -> NDArray[np.float32]:
    """``amplitude * sin(2 pi f t + phase)``, (n,) float32.

    A frequency above half the sample rate is not refused: it sounds as `alias_frequency` says.
    Raises AudioError for values that are not finite, or a duration or rate not above 0.
    """
    _check_finite(frequency_hz=frequency_hz, amplitude=amplitude, phase_rad=phase_rad)
    time_s = _seconds(duration_s, sample_rate)
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * time_s + phase_rad), np.float32)


def harmonics(
    fundamental_hz: float,
    amplitudes: Sequence[float],
    *,
    duration_s: float,
    sample_rate: float,
    phases_rad: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """A sum of partials: the k-th amplitude (from 1) belongs to k times the fundamental. (n,) float32.

    The amplitudes are the timbre: 1, 1/2, 1/3, ... is a saw, 1, 0, 1/3, 0, 1/5, ... a square wave.
    Raises AudioError for no partials, partials above half the sample rate, or unequal lengths.
    """
    _check_positive("fundamental_hz", fundamental_hz, "Hz")
    phases = [0.0] * len(amplitudes) if phases_rad is None else phases_rad
    if not 0 < len(amplitudes) == len(phases):
        raise AudioError(
            f"expected as many phases as amplitudes and at least one, got {len(phases)} and {len(amplitudes)}"
        )
    highest_hz = fundamental_hz * len(amplitudes)
    if highest_hz > sample_rate / 2:
        raise AudioError(
            f"expected partials up to half the sample rate ({sample_rate / 2:g} Hz), the highest is at "
            f"{highest_hz:g} Hz; give at most {int(sample_rate / 2 // fundamental_hz)} amplitudes"
        )
    partials = (
        tone(k * fundamental_hz, duration_s=duration_s, sample_rate=sample_rate, amplitude=a, phase_rad=p)
        for k, (a, p) in enumerate(zip(amplitudes, phases, strict=True), start=1)
    )
    return np.asarray(sum(partials), np.float32)


def chirp(
    start_hz: float, end_hz: float, *, duration_s: float, sample_rate: float, amplitude: float = 1.0
) -> NDArray[np.float32]:
    """A tone that glides evenly from ``start_hz`` to ``end_hz``, (n,) float32.

    The phase is the integral of the frequency: 2 pi (f0 t + (f1 - f0) t^2 / (2 T)).
    Raises AudioError for values that are not finite, or a duration or rate not above 0.
    """
    _check_finite(start_hz=start_hz, end_hz=end_hz, amplitude=amplitude)
    time_s = _seconds(duration_s, sample_rate)
    cycles = start_hz * time_s + (end_hz - start_hz) * time_s**2 / (2 * duration_s)
    return np.asarray(amplitude * np.sin(2 * np.pi * cycles), np.float32)


# ---- sampling and quantisation ----


def alias_frequency(frequency_hz: float, sample_rate: float) -> float:
    """The frequency, from 0 to half the sample rate, that a sampled tone cannot be told from; Hz.

    Frequencies fold at every multiple of half the sample rate: |f - fs * round(f / fs)|.
    Raises AudioError for a frequency that is not finite or a rate not above 0.
    """
    return abs(_signed_alias(frequency_hz, sample_rate))


def aliasing(frequency_hz: float, *, sample_rate: float, duration_s: float, points_per_cycle: int = 32) -> Aliasing:
    """Sample a tone, and give beside it the lowest tone through the same samples.

    Below half the sample rate the two tones are one. Raises AudioError like `tone`.
    """
    folded_hz = _signed_alias(frequency_hz, sample_rate)
    fine_rate = points_per_cycle * max(abs(frequency_hz), sample_rate)
    time_s = _seconds(duration_s, fine_rate)
    return Aliasing(
        time_s=time_s,
        tone=tone(frequency_hz, duration_s=duration_s, sample_rate=fine_rate),
        # with its sign: a tone that folds back runs backwards, and only so meets the samples
        alias=tone(folded_hz, duration_s=duration_s, sample_rate=fine_rate),
        sample_time_s=_seconds(duration_s, sample_rate),
        samples=tone(frequency_hz, duration_s=duration_s, sample_rate=sample_rate),
        alias_hz=abs(folded_hz),
    )


def quantise(samples: ArrayLike, *, bits: int) -> NDArray[np.float32]:
    """Round to the 2^bits levels of a PCM sample: (n,) float32 in [-1, 1 - 2^(1 - bits)].

    Zero is a level, so that silence stays silent. Values outside [-1, 1] are clipped.
    Raises AudioError for bits outside 1 to 24 or samples that are not finite.
    """
    _check_bits(bits)
    half = 2 ** (bits - 1)
    steps = np.clip(np.rint(check_mono(samples) * half), -half, half - 1)
    return np.asarray(steps / half, np.float32)


def snr_db(signal: ArrayLike, noisy: ArrayLike) -> float:
    """Signal-to-noise ratio in dB: 10 log10 of the energy of ``signal`` over that of the difference.

    Both (n,). inf where the two are equal, -inf for a silent signal with noise.
    Raises AudioError for different lengths.
    """
    clean, dirty = check_mono(signal), check_mono(noisy)
    if clean.shape != dirty.shape:
        raise AudioError(f"expected two sounds of one length, got {len(clean)} and {len(dirty)} samples")
    noise_energy = float(np.sum((dirty - clean) ** 2))
    if noise_energy == 0:
        return math.inf
    signal_energy = float(np.sum(clean**2))
    return 10 * math.log10(signal_energy / noise_energy) if signal_energy > 0 else -math.inf


def quantisation_snr_db(bits: int) -> float:
    """6.02 bits + 1.76 dB: a full-scale sine against an even spread of rounding errors.

    10 log10(3/2 * 4^bits); Bennett (1948), "Spectra of quantized signals".
    Raises AudioError for bits outside 1 to 24.
    """
    _check_bits(bits)
    return 20 * bits * math.log10(2) + 10 * math.log10(1.5)


# ---- the Fourier transform ----


def dft(samples: ArrayLike) -> NDArray[np.complex128]:
    """The discrete Fourier transform by its definition: X[k] = sum_n x[n] exp(-2 pi i k n / N).

    samples: (n,) real or complex. Returns (n,). It takes n^2 steps, `fft` takes n log n for the same.
    Raises AudioError for more than 2,048 samples.
    """
    vector = _vector(samples)
    return np.asarray(_dft_matrix(len(vector)) @ vector)


def fft(samples: ArrayLike) -> NDArray[np.complex128]:
    """The same numbers as `dft`, fast, for any length: (n,) real or complex to (n,) complex."""
    return np.fft.fft(_vector(samples))


def ifft(spectrum: ArrayLike) -> NDArray[np.complex128]:
    """The inverse of `fft`: (n,) complex to (n,) complex; take ``.real`` for a sound."""
    return np.fft.ifft(_vector(spectrum))


def bin_frequencies(n_fft: int, *, sample_rate: float, one_sided: bool = True) -> NDArray[np.float64]:
    """Frequency of each bin in Hz: (n_fft // 2 + 1,) from 0 to half the rate, or all (n_fft,) of `fft`.

    The upper half of a full spectrum holds the negative frequencies, mirror images for a real sound.
    """
    _check_count("n_fft", n_fft)
    _check_positive("sample_rate", sample_rate, "Hz")
    bins = np.fft.rfftfreq if one_sided else np.fft.fftfreq
    return np.asarray(bins(n_fft, 1 / sample_rate), np.float64)


def magnitude(spectrum: ArrayLike) -> Floats:
    """How much of each frequency: |X|, any shape, not negative."""
    size: Floats = np.abs(np.asarray(spectrum))
    return size


def phase(spectrum: ArrayLike, *, floor: float = 0.0) -> Floats:
    """Where in its cycle each frequency starts: the angle of X in radians, any shape, in [-pi, pi].

    Bins whose magnitude is not above ``floor`` get 0: the angle of nothing is a rounding error.
    """
    values = np.asarray(spectrum)
    angle: Floats = np.where(np.abs(values) > floor, np.angle(values), 0.0)
    return angle


def to_db(amplitude: ArrayLike, *, floor_db: float = FLOOR_DB) -> Floats:
    """20 log10 |amplitude|, any shape: dB relative to 1.0, never below ``floor_db``."""
    size = np.abs(np.asarray(amplitude))
    level: Floats = 20 * np.log10(np.maximum(size, 10 ** (floor_db / 20)))
    return level


# ---- windows and the short-time Fourier transform ----


def get_window(name: str, length: int, *, periodic: bool = True) -> NDArray[np.float64]:
    """A window (length,) by its name in `WINDOWS`: w[i] = sum_k (-1)^k a_k cos(2 pi k i / N).

    Periodic, N = length, is for the Fourier transform; symmetric, N = length - 1, ends as it starts.
    Raises AudioError for a name that is not there or a length below 1.
    """
    if name not in WINDOWS:
        raise AudioError(f"expected a window out of {', '.join(WINDOWS)}; got {name!r}")
    _check_count("window length", length)
    period = max(length if periodic else length - 1, 1)
    angle = 2 * np.pi * np.arange(length) / period
    terms = [(-1) ** k * a * np.cos(k * angle) for k, a in enumerate(WINDOWS[name])]
    return np.ones(1) if length == 1 else np.sum(terms, axis=0)


def stft(
    samples: ArrayLike,
    *,
    n_fft: int,
    hop: int,
    window: str = "hann",
    window_length: int | None = None,
    centred: bool = True,
) -> Complexes:
    """Short-time Fourier transform: the spectrum of each windowed frame of ``n_fft`` samples.

    samples: (n,). Returns (n_fft // 2 + 1, n_frames), complex64 for float32, else complex128.
    Centred: frame i is about sample i * hop, with zeros beyond the ends, and n_frames = 1 + n // hop
    (for an even n_fft). A window shorter than ``n_fft`` is centred between zeros. The values are those
    of ``librosa.stft(..., pad_mode="constant")``.
    Raises AudioError for sizes below 1, a window longer than n_fft, or fewer samples than one frame.
    """
    given = np.asarray(samples)
    signal = check_mono(given)
    weights = _padded_window(window, window_length, n_fft)
    _check_count("hop", hop)
    if centred:
        signal = np.pad(signal, n_fft // 2)
    if len(signal) < n_fft:
        raise AudioError(f"expected at least n_fft = {n_fft} samples, got {len(signal)}; pad the sound or lower n_fft")
    frames = np.lib.stride_tricks.sliding_window_view(signal, n_fft)[::hop]
    dtype = np.complex64 if given.dtype == np.float32 else np.complex128
    spectrum = np.empty((n_fft // 2 + 1, len(frames)), dtype)
    for start in range(0, len(frames), _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        spectrum[:, block] = np.fft.rfft(frames[block] * weights, axis=1).T
    return spectrum


def istft(
    spectrum: ArrayLike,
    *,
    n_fft: int,
    hop: int,
    window: str = "hann",
    window_length: int | None = None,
    centred: bool = True,
    length: int | None = None,
) -> Floats:
    """The inverse of `stft` with the same options: (n_fft // 2 + 1, n_frames) to samples (n,).

    Windowed frames are added up and divided by the sum of squared windows: the sound whose `stft` is
    nearest in the least-squares sense; Griffin and Lim (1984), equation 6. ``length`` cuts or pads.
    Raises AudioError for a shape that does not fit n_fft, or a hop that leaves samples out.
    """
    values = np.asarray(spectrum)
    weights = _padded_window(window, window_length, n_fft)
    _check_count("hop", hop)
    _check_spectrum(values.shape, n_fft, hop=hop, covered=int(np.count_nonzero(weights)))
    total = np.zeros(n_fft + hop * (values.shape[1] - 1))
    weight = np.zeros_like(total)
    for i, frame in enumerate(np.fft.irfft(values, n_fft, axis=0).T):
        total[i * hop : i * hop + n_fft] += frame * weights
        weight[i * hop : i * hop + n_fft] += weights**2
    signal = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-10)
    if centred:
        signal = signal[n_fft // 2 : len(signal) - (n_fft // 2 if length is None else 0)]
    if length is not None:
        signal = np.pad(signal[:length], (0, max(0, length - len(signal))))
    return signal.astype(np.float32) if values.dtype == np.complex64 else signal


def resolution(*, sample_rate: float, n_fft: int, hop: int, window_length: int | None = None) -> Resolution:
    """The trade of a spectrogram: a longer window tells frequencies apart, a shorter one moments.

    Raises AudioError for sizes below 1 or a window longer than n_fft.
    """
    _check_positive("sample_rate", sample_rate, "Hz")
    _check_count("hop", hop)
    length = _window_length(window_length, n_fft)
    return Resolution(
        time_ms=1_000 * length / sample_rate,
        frequency_hz=sample_rate / length,
        hop_ms=1_000 * hop / sample_rate,
        bin_hz=sample_rate / n_fft,
    )


# ---- checks ----


def check_mono(samples: ArrayLike) -> NDArray[np.float64]:
    """Samples as (n,) float64. Raises AudioError for another shape, none, complex ones, NaN or infinity."""
    array = _vector(samples)
    if np.iscomplexobj(array):
        raise AudioError("expected real samples, got complex numbers; take .real first")
    return array.astype(np.float64)


def _vector(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise AudioError(f"expected mono samples (n,), got shape {array.shape}; call to_mono() first")
    if array.dtype.kind not in "biufc":
        raise AudioError(f"expected numbers, got {array.dtype}")
    if len(array) == 0:
        raise AudioError("expected at least one sample, got none")
    if not np.isfinite(array).all():
        raise AudioError("expected finite samples, found NaN or infinity; try numpy.nan_to_num(samples)")
    return array


def _seconds(duration_s: float, sample_rate: float) -> NDArray[np.float64]:
    _check_positive("duration_s", duration_s, "s")
    _check_positive("sample_rate", sample_rate, "Hz")
    count = round(duration_s * sample_rate)
    if not 1 <= count <= _MAX_SAMPLES:
        raise AudioError(f"expected 1 to {_MAX_SAMPLES} samples, {duration_s:g} s at {sample_rate:g} Hz gives {count}")
    return time_axis(count, sample_rate=sample_rate)


def _signed_alias(frequency_hz: float, sample_rate: float) -> float:
    _check_finite(frequency_hz=frequency_hz)
    _check_positive("sample_rate", sample_rate, "Hz")
    return frequency_hz - sample_rate * round(frequency_hz / sample_rate)


def _dft_matrix(length: int) -> NDArray[np.complex128]:
    if length > MAX_DFT_LENGTH:
        raise AudioError(f"expected at most {MAX_DFT_LENGTH} samples, got {length}; use fft()")
    index = np.arange(length)
    turns = np.outer(index, index) % length / length  # whole turns dropped: a small angle is exact
    matrix: NDArray[np.complex128] = np.exp(-2j * np.pi * turns)
    return matrix


def _padded_window(name: str, window_length: int | None, n_fft: int) -> NDArray[np.float64]:
    length = _window_length(window_length, n_fft)
    left = (n_fft - length) // 2
    return np.pad(get_window(name, length), (left, n_fft - length - left))


def _check_finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise AudioError(f"expected a finite {name}, got {value}")


def _check_positive(name: str, value: float, unit: str) -> None:
    if not 0 < value < math.inf:
        raise AudioError(f"expected {name} above 0 {unit}, got {value}")


def _check_count(name: str, value: int) -> None:
    if int(value) != value or value < 1:
        raise AudioError(f"expected {name} of at least 1, as a whole number; got {value}")


def _check_bits(bits: int) -> None:
    if bits not in range(1, MAX_BITS + 1):
        raise AudioError(f"expected 1 to {MAX_BITS} bits per sample, got {bits}")


def _window_length(window_length: int | None, n_fft: int) -> int:
    length = n_fft if window_length is None else window_length
    _check_count("n_fft", n_fft)
    _check_count("window_length", length)
    if length > n_fft:
        raise AudioError(f"expected a window of at most n_fft = {n_fft} samples, got {length}; raise n_fft")
    return length


def _check_spectrum(shape: tuple[int, ...], n_fft: int, *, hop: int, covered: int) -> None:
    if len(shape) != 2 or shape[0] != n_fft // 2 + 1 or shape[1] < 1:
        raise AudioError(f"expected a spectrum ({n_fft // 2 + 1}, n_frames) for n_fft {n_fft}, got {shape}")
    if hop > covered:
        raise AudioError(f"expected a hop of at most {covered} samples, got {hop}: it leaves samples out")
