"""Sound that never ends: blocks of any size and rate in, scores every hop out.

    blocks -> mono, finite -> the model's rate -> ring buffer -> windows -> scores -> detections

Streamed equals whole, bit for bit: resampling is fed pieces of a fixed size whatever the blocks are, and each
window is scored by itself, as a batch may round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples, clean_mono
from hanmadi.card import Card
from hanmadi.errors import AudioError
from hanmadi.inference.decisions import Decider, DecisionConfig, Detection

HOP_S: Final = 0.1
_PIECES_PER_S: Final = 50  # a resampler's: so short that they do not delay, so long that they cost little
_SLICE: Final = 1 << 16  # samples of a block that are converted at a time


class Listener(Protocol):
    """What a stream needs of a `hanmadi.inference.recognizer.Recognizer`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the scores."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def clip_samples(self) -> int:
        """Samples of a window."""

    @property
    def about(self) -> Card:
        """What the model knows about itself, its settings for live use among it."""

    def scores(self, clips: Samples, /) -> NDArray[np.float32]:
        """(batch, clip_samples) to (batch, labels)."""


class Window(NamedTuple):
    """What the network says of the newest second."""

    time_s: float  # of its end, in stream time
    scores: NDArray[np.float32]  # (labels,), they sum to 1


class Gap(NamedTuple):
    """Stands among blocks where samples were lost."""

    seconds: float  # how long; 0 if the device does not tell


Block = NDArray[Any] | Gap


@dataclass
class Problems:
    """What went wrong in a stream, and was survived."""

    gaps: int = 0  # times that samples were lost
    lost_s: float = 0.0  # how much in all
    bad_samples: int = 0  # NaN, infinite or absurdly large, heard as 0

    def __bool__(self) -> bool:
        return bool(self.gaps or self.bad_samples)


class Stream:
    """Scores of a sound that comes in blocks.

    Stream time counts the samples that came and those that were reported lost; the first window ends when one
    clip length has come. Memory does not grow.
    """

    def __init__(self, recognizer: Listener, *, sample_rate: int | None = None, hop_s: float = HOP_S) -> None:
        """sample_rate: of the blocks, in Hz, the model's otherwise; hop_s: from one window to the next.

        Raises AudioError for a rate that is not a whole number above 0, and for a hop that is not a whole number
        of samples at the model's rate, from 1 to a clip.
        """
        self._recognizer = recognizer
        self._hop = hop_samples(recognizer, hop_s)
        self._clip = recognizer.clip_samples
        self._rate = _checked_rate(sample_rate, recognizer)
        self._buffer: Samples = np.zeros(2 * self._clip, np.float32)
        self.problems = Problems()
        self._came = 0  # samples at the rate of the blocks, lost ones included
        self._begin()

    @property
    def recognizer(self) -> Listener:
        """What gives the scores."""
        return self._recognizer

    @property
    def sample_rate(self) -> int:
        """Of the blocks, in Hz."""
        return self._rate

    @property
    def time_s(self) -> float:
        """How much came so far."""
        return self._came / self._rate

    @property
    def next_s(self) -> float:
        """When the next window ends, in stream time; resampling may give it some milliseconds later."""
        return (self._origin + self._next) / self._recognizer.sample_rate

    def level(self) -> float:
        """RMS of the newest hop, 1.0 is full scale."""
        return audio.rms(self._buffer[max(0, self._end - self._hop) : self._end])

    def push(self, block: NDArray[Any]) -> list[Window]:
        """The windows that a block completes.

        block: (n,) or (n, channels), any n, 0 as well; float in [-1, 1] or int16. Samples that are no numbers are
        heard as 0 and counted in ``problems``. Raises AudioError for another shape or type.
        """
        block = np.asarray(block)
        _check_block(block)
        found: list[Window] = []
        for start in range(0, len(block), _SLICE):
            mono, bad = clean_mono(block[start : start + _SLICE])
            self.problems.bad_samples += bad
            found += self._heard(mono)
        return found

    def gap(self, seconds: float) -> list[Window]:
        """Samples were lost. Returns windows that this completes.

        A gap shorter than a clip is heard as zeros, so that a drop-out does not deafen; after a longer one the
        stream begins anew, at the later time. Raises AudioError for a time below 0 or not finite.
        """
        if not 0 <= seconds < np.inf:
            raise AudioError(f"expected a gap of 0 s or more, got {seconds}")
        lost = round(seconds * self._rate)
        self.problems.gaps += 1
        self.problems.lost_s += seconds
        if lost / self._rate < self._clip / self._recognizer.sample_rate:
            return self._heard(np.zeros(lost, np.float32))
        found = self.flush()
        self._came += lost
        self._begin()
        return found

    def flush(self) -> list[Window]:
        """The sound ended: windows that the resampler held back. What is pushed after it begins anew."""
        found = self._scored(self._resampler.flush())
        self._begin()
        return found

    def _begin(self) -> None:
        """Empty buffers; stream time goes on."""
        model_rate = self._recognizer.sample_rate
        self._resampler = _Resampler(self._rate, model_rate)
        self._origin = round(self._came * model_rate / self._rate)  # model samples before the buffer's first
        self._end = 0  # samples in the buffer
        self._next = self._clip  # where the next window ends in the buffer

    def _heard(self, mono: Samples) -> list[Window]:
        self._came += len(mono)
        return [window for piece in self._resampler.push(mono) for window in self._scored(piece)]

    def _scored(self, samples: Samples) -> list[Window]:
        """Append samples at the model's rate; score the windows that become whole."""
        found = []
        while len(samples):
            if self._end == len(self._buffer):
                self._make_room()
            count = min(len(samples), self._next - self._end, len(self._buffer) - self._end)
            self._buffer[self._end : self._end + count] = samples[:count]
            self._end += count
            samples = samples[count:]
            if self._end == self._next:
                found.append(self._window())
        return found

    def _window(self) -> Window:
        time_s = (self._origin + self._end) / self._recognizer.sample_rate
        clip = self._buffer[self._end - self._clip : self._end]
        self._next += self._hop
        return Window(time_s, self._recognizer.scores(clip[None])[0])

    def _make_room(self) -> None:
        """Move the newest clip to the front; a hop is no longer than a clip, so nothing older is needed."""
        moved = self._end - self._clip
        self._buffer[: self._clip] = self._buffer[moved:]
        self._origin += moved
        self._end -= moved
        self._next -= moved


class _Resampler:
    """From one rate to another, in pieces of a fixed size: blocks do not show in the result."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._soxr: Any = None
        self._piece = np.zeros(max(1, from_rate // _PIECES_PER_S), np.float32)
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


def windows_of(
    recognizer: Listener, samples: NDArray[Any], *, sample_rate: int | None = None, hop_s: float = HOP_S
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Scores of all windows of a whole recording: what a `Stream` gives for it, in blocks of any size.

    samples: (n,) or (n, channels), float in [-1, 1] or int16. Returns the ends of the windows in seconds (m,)
    and their scores (m, labels); m is 0 for less than a clip. Raises AudioError as `Stream` does.
    """
    hop = hop_samples(recognizer, hop_s)
    block = np.asarray(samples)
    _check_block(block)
    resampler = _Resampler(_checked_rate(sample_rate, recognizer), recognizer.sample_rate)
    sound = np.concatenate([*resampler.push(clean_mono(block)[0]), resampler.flush()])
    ends = np.arange(recognizer.clip_samples, len(sound) + 1, hop)
    scores = np.empty((len(ends), len(recognizer.labels)), np.float32)
    for row, end in enumerate(ends):
        scores[row] = recognizer.scores(sound[None, end - recognizer.clip_samples : end])[0]
    return ends / recognizer.sample_rate, scores


def listen(
    recognizer: Listener,
    blocks: Iterable[Block],
    *,
    sample_rate: int | None = None,
    config: DecisionConfig | None = None,
    hop_s: float = HOP_S,
    on_block: Callable[[Stream, Window | None], None] | None = None,
) -> Iterator[Detection]:
    """The words in a stream of blocks, as they come: one path for files, the microphone and the evaluation.

    blocks: as `Stream.push` takes them, `Gap` where samples were lost; sample_rate: theirs, in Hz; config: that
    of the model's card otherwise. ``on_block`` is called after each block with the stream (its level, its
    problems) and the newest window. Raises as `Stream` and `Decider` do.
    """
    stream = Stream(recognizer, sample_rate=sample_rate, hop_s=hop_s)
    config = recognizer.about.decision_config if config is None else config
    decider = Decider(recognizer.labels, config, hop_s=hop_s)
    newest = None
    for windows in _windows(stream, blocks):
        newest = windows[-1] if windows else newest
        for window in windows:
            if detection := decider.push(window.time_s, window.scores):
                yield detection
        if on_block:
            on_block(stream, newest)


def _windows(stream: Stream, blocks: Iterable[Block]) -> Iterator[list[Window]]:
    for block in blocks:
        yield stream.gap(block.seconds) if isinstance(block, Gap) else stream.push(block)
    yield stream.flush()


def tail(recognizer: Listener, config: DecisionConfig, *, sample_rate: int) -> Samples:
    """Silence to put after a sound that ends, so that a word at its end is decided as any other. (n,), 0."""
    seconds = recognizer.clip_samples / recognizer.sample_rate / 2 + config.smoothing_s
    return np.zeros(round(seconds * sample_rate), np.float32)


def hop_samples(recognizer: Listener, hop_s: float) -> int:
    """Samples from window to window at the model's rate. Raises AudioError if they are not whole."""
    exact = hop_s * recognizer.sample_rate
    if not (1 <= exact <= recognizer.clip_samples and abs(exact - round(exact)) < 1e-6):
        raise AudioError(
            f"expected a hop of whole samples at {recognizer.sample_rate} Hz, from 1 to {recognizer.clip_samples}, "
            f"got {hop_s} s ({exact:g} samples); try {HOP_S}"
        )
    return round(exact)


def _checked_rate(sample_rate: int | None, recognizer: Listener) -> int:
    if sample_rate is None:
        return recognizer.sample_rate
    if sample_rate <= 0 or sample_rate != int(sample_rate):
        raise AudioError(f"expected a sample rate in whole Hz above 0, got {sample_rate}")
    return int(sample_rate)


def _check_block(block: NDArray[Any]) -> None:
    if block.ndim not in (1, 2) or (block.ndim == 2 and block.shape[1] == 0):
        raise AudioError(f"expected samples (n,) or (n, channels), got shape {block.shape}")
    if block.dtype != np.int16 and block.dtype.kind != "f":
        raise AudioError(f"expected samples of float in [-1, 1] or int16, got {block.dtype}")
