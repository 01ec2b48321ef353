"""From a sound to what the page shows: the library's own functions, arrays in, values out."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples, Sound, signals
from hanmadi.audio.signals import Resolution
from hanmadi.features import FeatureConfig, compute, hz_to_mel, mel_to_hz
from hanmadi.inference.recognizer import Recognizer
from hanmadi.web import query
from hanmadi.web.limits import Limits, RefusedError

Kind = Literal["linear", "log_mel"]
WINDOW_MS, HOP_MS = 30.0, 10.0  # as the networks hear
N_MELS: Final = 40
_LOW_HZ: Final = 20.0  # lower edge of the first mel filter
_DB: Final = 10 / math.log(10)  # from the natural logarithm of a power
_FLOOR_DB: Final = -120.0
_LONGEST_WINDOW: Final = 16_384  # samples
OPTIONS: Final = ("model", "top", "kind", "window_ms", "hop_ms", "rate", "bits", "antialias")


@dataclass(frozen=True)
class View:
    """How a sound is altered and shown."""

    kind: Kind = "linear"
    window_ms: float = WINDOW_MS
    hop_ms: float | None = None  # None: 10, or as much more as a long sound needs
    rate: int | None = None  # Hz; None, or above the sound's: as it is
    bits: int | None = None  # a sample; None: as it is
    antialias: bool = True  # whether what is above half the new rate is filtered away first


class Spectrogram(NamedTuple):
    """Levels in dB by frequency and time, as the page draws them."""

    levels: Samples  # (rows, columns), dB
    frequencies_hz: Samples  # (rows,), rising
    start_s: float  # middle of the first column
    hop_s: float
    resolution: Resolution


def view_of(values: Mapping[str, str], limits: Limits) -> View:
    """From the options of a request. Raises RefusedError with 422."""
    query.only(values, *OPTIONS)
    low, high = limits.rates_hz
    return View(
        kind="log_mel" if query.choice(values, "kind", ("linear", "log_mel")) == "log_mel" else "linear",
        window_ms=query.number(values, "window_ms", WINDOW_MS, 1, 500),
        hop_ms=query.number(values, "hop_ms", HOP_MS, 0.5, 500) if "hop_ms" in values else None,
        rate=query.whole(values, "rate", low, low, high) if "rate" in values else None,
        bits=query.whole(values, "bits", 16, 1, 16) if "bits" in values else None,
        antialias=query.flag(values, "antialias", default=True),
    )


def altered(sound: Sound, view: View) -> Sound:
    """Mono, at the rate and with the bits of the view."""
    mono = audio.to_mono(sound.samples, sound.sample_rate)
    rate = sound.sample_rate
    if view.rate is not None and view.rate < rate:
        change = audio.resample if view.antialias else audio.resample_unfiltered
        mono, rate = change(mono, rate, view.rate), view.rate
    if view.bits is not None:
        mono = signals.quantise(mono, bits=view.bits)
    return Sound(mono, rate)


def spectrogram(samples: Samples, sample_rate: int, view: View, *, cells: int) -> Spectrogram:
    """Of a mono sound (n,), which is padded to one window if it is shorter.

    linear: 0 dB is a full-scale tone. log_mel: 10 log10 of the mel power that networks hear.
    Raises RefusedError with 422 if it would have more than so many cells.
    """
    window = max(2, round(view.window_ms * sample_rate / 1_000))
    if window > _LONGEST_WINDOW:
        raise RefusedError(
            422, f"expected a window of at most {_LONGEST_WINDOW} samples, got {window}; lower window_ms"
        )
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    n_fft = 1 << (window - 1).bit_length()
    hop = _hop(view, window, len(samples), sample_rate, most=cells // (n_fft // 2 + 1))
    linear = view.kind == "linear"
    config = FeatureConfig(
        "spectrogram" if linear else "log_mel", sample_rate, len(samples) / sample_rate, n_fft, window, hop,
        n_mels=N_MELS, low_hz=_LOW_HZ, high_hz=sample_rate / 2,
    )  # fmt: skip
    found = compute(samples, config)
    levels = signals.to_db(found * (4 / window), floor_db=_FLOOR_DB) if linear else _DB * found
    bins = signals.bin_frequencies(n_fft, sample_rate=sample_rate) if linear else mel_centres(config)
    return Spectrogram(
        levels.astype(np.float32), bins.astype(np.float32), window / 2 / sample_rate, hop / sample_rate,
        signals.resolution(sample_rate=sample_rate, n_fft=n_fft, hop=hop, window_length=window),
    )  # fmt: skip


def _hop(view: View, window: int, samples: int, sample_rate: int, *, most: int) -> int:
    """Samples from column to column, at most a window; without a wish so many that there are at most so many columns.

    Raises RefusedError with 422 if there are more.
    """
    wished = view.hop_ms is not None
    hop = max(1, round((view.hop_ms or HOP_MS) * sample_rate / 1_000), 0 if wished else -(-samples // most))
    hop = min(hop, window)
    columns = 1 + (samples - window) // hop
    if columns > most:
        raise RefusedError(
            422, f"expected at most {most} columns of a spectrogram, got {columns}; raise hop_ms and window_ms, "
            "lower rate, or cut the sound",
        )  # fmt: skip
    return hop


def mel_centres(config: FeatureConfig) -> Samples:
    """Frequencies at which the mel filters peak, (n_mels,), Hz."""
    low, high = hz_to_mel(config.low_hz), hz_to_mel(config.high_hz)
    return mel_to_hz(np.linspace(low, high, config.n_mels + 2))[1:-1].astype(np.float32)


def analysis(sound: Sound, view: View, recognizer: Recognizer, *, top: int, limits: Limits) -> dict[str, Any]:
    """What ``POST /api/analyse`` answers, but for the model's id."""
    heard = altered(sound, view)
    drawn = spectrogram(heard.samples, heard.sample_rate, view, cells=limits.cells)
    return {
        "sample_rate": heard.sample_rate,
        "seconds": heard.seconds,
        "waveform": base64_of(heard.samples),
        "spectrogram": {
            "rows": drawn.levels.shape[0],
            "columns": drawn.levels.shape[1],
            "data": base64_of(drawn.levels),
            "frequencies_hz": drawn.frequencies_hz.tolist(),
            "start_s": drawn.start_s,
            "hop_s": drawn.hop_s,
        },
        "resolution": drawn.resolution._asdict(),
        "wav": base64.b64encode(audio.wav_bytes(heard.samples, sample_rate=heard.sample_rate)).decode(),
        "prediction": prediction(heard, recognizer, top=top),
    }


def prediction(sound: Sound, recognizer: Recognizer, *, top: int) -> dict[str, Any]:
    """What ``POST /api/predict`` answers, but for the model's id."""
    found = recognizer.predict(sound.samples, sample_rate=sound.sample_rate, top=top)
    magnitude = np.abs(sound.samples)
    return {
        "label": found.label,
        "score": found.score,
        "top": [score._asdict() for score in found.top],
        "seconds": sound.seconds,
        "sample_rate": sound.sample_rate,
        "channels": 1 if sound.samples.ndim == 1 else sound.samples.shape[1],
        "peak": float(magnitude.max()),
        "clipped": int(np.count_nonzero(magnitude >= audio.CLIPPED_LEVEL)),
    }


def base64_of(values: Samples) -> str:
    """float32, little-endian, row after row."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()
