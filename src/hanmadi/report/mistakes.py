"""The worst mistakes, to be seen and heard: waveform, spectrogram and sound within the page."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import signals
from hanmadi.data.store import NO_SPEAKER
from hanmadi.report.html import NBSP, Html, count, name, section, tag

if TYPE_CHECKING:
    from hanmadi.data.store import ClipStore
    from hanmadi.evaluation.evaluation import Evaluation

MOST: Final = 24
MAX_SOUND_BYTES: Final = 1_400_000  # of all sounds together, so that the page stays small
RANGE_DB: Final = 70.0
_COLUMNS: Final = 160  # of the waveform
_FRAMES: Final = 160  # at most, of a spectrogram
_WINDOW_S: Final = 0.025
_TOP: Final = 3  # scores shown
# matplotlib's "magma" at nine places: even steps of lightness, dark ground in light and dark pages
_MAGMA: Final = (
    "000004", "1c1044", "4f127b", "812581", "b5367a", "e55064", "fb8761", "fec287", "fcfdbf",
)  # fmt: skip
_LEVELS: Final = 48  # colours of a picture: fewer pack better


def mistakes(evaluation: Evaluation, store: ClipStore) -> Html:
    """The clips that were answered wrongly with the highest scores."""
    wrong = int((evaluation.predicted != evaluation.truth).sum())
    if not wrong:
        return section("mistakes", "The worst mistakes", tag("p", "None: every clip was answered rightly."))
    chosen = worst(evaluation, most=max(1, min(MOST, MAX_SOUND_BYTES // (2 * store.clip_samples))))
    pictures = [_mistake(evaluation, store, place) for place in chosen]
    intro = (
        f"The {count(len(chosen), 'mistake')} of {wrong:,} with the highest scores: where it was sure and wrong. "
        "Listen: is the word cut off, too quiet, said unusually, or is the recording in the wrong folder? Above the "
        "waveform, scaled to its peak; below the spectrogram, time to the right, "
        f"0 to {store.sample_rate / 2_000:g}{NBSP}kHz upwards, brighter is louder."
    )
    return section("mistakes", "The worst mistakes", tag("p", intro), tag("ul", *pictures, class_="mistakes"))


def worst(evaluation: Evaluation, *, most: int = MOST) -> NDArray[np.int64]:
    """Places of the wrong answers with the highest scores, highest first: (at most ``most``,)."""
    wrong = np.flatnonzero(evaluation.predicted != evaluation.truth)
    top = evaluation.scores[wrong].max(axis=1)
    return wrong[np.argsort(-top, kind="stable")[:most]]


def _mistake(evaluation: Evaluation, store: ClipStore, place: int) -> Html:
    row = int(evaluation.rows[place])
    samples = store.samples(np.array([row]))[0]
    said, heard = (evaluation.labels[int(index[place])] for index in (evaluation.truth, evaluation.predicted))
    word, clip = store.words[store.word[row]], store.name(row)
    score = float(evaluation.scores[place].max())
    spoken = [tag("b", name(word if word.strip() else said))]
    if said != word:
        spoken.append(tag("small", " (", name(said), ")"))
    heading = tag("p", "said ", *spoken, " heard ", tag("b", name(heard), class_="heard"), class_="said")
    button = tag("button", tag("span", "Play", class_="hidden"), type="button", class_="play", hidden=True,
                 aria_label=f"Play {clip}: said {said}, heard {heard} with score {score:.2f}")  # fmt: skip
    wav = data_uri("audio/wav", audio.wav_bytes(samples, sample_rate=store.sample_rate))
    player = tag("audio", controls=True, preload="none", src=wav)
    picture = tag(
        "div", waveform(samples), _spectrogram_image(samples, store.sample_rate, f"Spectrogram of {clip}"),
        tag("i", class_="head"), button, class_="picture",
    )  # fmt: skip
    speaker = store.speaker[row]
    who = store.speakers[speaker] if speaker != NO_SPEAKER else ""
    who = f", speaker {who}" if who not in clip else ""
    peak = audio.to_db(float(np.abs(audio.from_int16(samples)).max()))
    about = tag("p", name(clip), f"{who}, peak {_level(peak)}", class_="clip-name")
    return tag("li", heading, picture, player, _scores(evaluation, place), about)


def _level(decibel: float) -> str:
    return f"{round(decibel)}{NBSP}dBFS".replace("-", "−") if np.isfinite(decibel) else "none: digital silence"


def _scores(evaluation: Evaluation, place: int) -> Html:
    scores = evaluation.scores[place]
    rows = []
    for index in np.argsort(-scores, kind="stable")[:_TOP].tolist():
        kind = "bar said" if index == evaluation.truth[place] else "bar"
        bar = tag(
            "svg", tag("rect", width=f"{100 * float(scores[index]):.2f}%", height=8, rx=2, class_=kind),
            height=8, width="100%", aria_hidden="true",
        )  # fmt: skip
        rows.append(
            tag("div", tag("dt", name(evaluation.labels[index])), tag("dd", bar, tag("span", f"{scores[index]:.2f}")))
        )
    return tag("dl", *rows, class_="scores")


# ---- pictures and sounds ----


def waveform(samples: NDArray[np.int16]) -> Html:
    """Samples (n,) as an SVG outline of the lowest and highest in each column, scaled to the peak."""
    starts = np.linspace(0, len(samples), min(_COLUMNS, len(samples)), endpoint=False).astype(int)
    values = samples.astype(np.float64)
    scaled = values / max(1.0, np.abs(values).max())
    high = 20 - 19 * np.maximum.reduceat(scaled, starts)
    low = 20 - 19 * np.minimum.reduceat(scaled, starts)
    low = np.maximum(low, high + 0.4)  # silence is a line, not nothing
    there = [f"{x} {y:.1f}" for x, y in enumerate(high)]
    back = [f"{x} {y:.1f}" for x, y in zip(range(len(low) - 1, -1, -1), low[::-1], strict=True)]
    return tag(
        "svg", tag("path", d=f"M{'L'.join(there + back)}Z"), viewBox=f"0 0 {max(len(high) - 1, 1)} 40",
        preserveAspectRatio="none", class_="wave", aria_hidden="true",
    )  # fmt: skip


def spectrogram_png(samples: NDArray[np.int16], sample_rate: int) -> tuple[bytes, int, int]:
    """A small PNG of the spectrogram of (n,) samples, its width and height: low frequencies below, loud is bright."""
    n_fft = 2 ** max(3, round(np.log2(_WINDOW_S * sample_rate)))
    hop = max(n_fft // 4, -(-len(samples) // _FRAMES))
    values = audio.from_int16(samples)
    centred = np.pad(values - values.mean(), (0, max(0, n_fft - len(values))))  # an offset would outshine the word
    level = signals.to_db(np.abs(signals.stft(centred, n_fft=n_fft, hop=hop)), floor_db=-120)
    depth = np.clip((level - level.max()) / RANGE_DB + 1, 0, 1) if level.max() > -120 else np.zeros_like(level)
    pixels = np.round(depth[::-1] * (_LEVELS - 1)).astype(np.uint8)
    return _png(pixels), pixels.shape[1], pixels.shape[0]


def data_uri(kind: str, data: bytes) -> str:
    """Bytes as an address that needs no file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _spectrogram_image(samples: NDArray[np.int16], sample_rate: int, alt: str) -> Html:
    png, width, height = spectrogram_png(samples, sample_rate)
    return tag("img", src=data_uri("image/png", png), alt=alt, width=width, height=height)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Indices (rows, columns) into the colours as a PNG file (ISO/IEC 15948)."""
    rows, columns = pixels.shape
    lines = np.pad(pixels, ((0, 0), (1, 0)))  # every line begins with its filter: none
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _palette() -> bytes:
    anchors = np.array([list(bytes.fromhex(colour)) for colour in _MAGMA], dtype=np.float64)
    places = np.linspace(0, len(anchors) - 1, _LEVELS)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8).tobytes()
