"""Sound that never ends: blocks of any size and rate in, scores every hop out.

    blocks -> mono, finite -> the model's rate -> ring buffer -> windows -> scores -> detections

Streamed equals whole, bit for bit: `hanmadi.audio.Intake` works in pieces of a fixed size whatever the blocks are, and
each window is scored by itself, as a batch may round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Intake, Samples
from hanmadi.card import Card
from hanmadi.errors import AudioError
from hanmadi.inference.decisions import Decider, DecisionConfig, Detection

HOP_S: Final = 0.1
# RMS of the quiet room that is heard around a recording, -60 dB: beside zeros, which no microphone gives, networks miss
# a quarter of the words at the end of a recording, and a tenth at its start
ROOM: Final = 1e-3


def _room(count: int) -> Samples:
    """The same faint noise each time: (count,)."""
    return (ROOM * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


class Listener(Protocol):
    """What a stream needs of a `hanmadi.inference.recognizer.Recognizer`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the scores."""

    @property
    def sample_rate(self) -> int:
        """Samples a second that the network hears, in Hz."""

    @property
    def clip_samples(self) -> int:
        """The number of samples of a window."""

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
    clip length has come, or after one hop where the sound is a recording. Memory does not grow.
    """

    def __init__(
        self,
        recognizer: Listener,
        *,
        sample_rate: int | None = None,
        hop_s: float = HOP_S,
        recording: bool = False,
    ) -> None:
        """sample_rate: of the blocks, in Hz, the model's otherwise; hop_s: from one window to the next.

        recording: a quiet room is heard before the sound, so that a word at its very start is in the middle of a
        window as any other is; `finish` does the same for its end.
        Raises AudioError for a rate that is not a whole number from 1000 Hz up, and for a hop that is not a whole
        number of samples at the model's rate, from 1 to a clip.
        """
        self._recognizer = recognizer
        self._hop = hop_samples(recognizer, hop_s)
        self._clip = recognizer.clip_samples
        self._rate = _checked_rate(sample_rate, recognizer)
        self._buffer: Samples = np.zeros(2 * self._clip, np.float32)
        self.problems = Problems()
        self._came = 0  # samples at the rate of the blocks, lost ones included
        self._begin(room=self._clip - self._hop if recording else 0)

    @property
    def recognizer(self) -> Listener:
        """The recogniser that scores the windows."""
        return self._recognizer

    @property
    def sample_rate(self) -> int:
        """Samples a second of the blocks that are pushed, in Hz."""
        return self._rate

    @property
    def time_s(self) -> float:
        """Seconds of sound that were pushed so far."""
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

        block: (n,) or (n, channels), any n, 0 as well; float in [-1, 1] or int16. Samples that are no numbers, or
        24 dB above full scale, are heard as 0 and counted in ``problems``; of several channels the mean is heard, or
        the strongest where they cancel. Raises AudioError for another shape or type, and for whole numbers as float.
        """
        block = audio.as_array(block)
        before = self._intake.bad_samples
        found = self._heard(block)
        self.problems.bad_samples += self._intake.bad_samples - before
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
        found = [window for piece in self._intake.flush() for window in self._scored(piece)]
        self._begin()
        return found

    def finish(self, config: DecisionConfig) -> list[Window]:
        """The recording ended: windows of the quiet after it in which a word at its end is decided, and `flush`."""
        return self.push(tail(self._recognizer, config, sample_rate=self._rate)) + self.flush()

    def _begin(self, *, room: int = 0) -> None:
        """Buffers with so many samples of a quiet room at the model's rate; stream time goes on."""
        model_rate = self._recognizer.sample_rate
        self._intake = Intake(self._rate, model_rate)
        self._origin = round(self._came * model_rate / self._rate) - room  # model samples up to the buffer's first
        self._buffer[:room] = _room(room)
        self._end = room  # samples in the buffer
        self._next = self._clip  # where the next window ends in the buffer

    def _heard(self, block: NDArray[Any]) -> list[Window]:
        found = [window for piece in self._intake.push(block) for window in self._scored(piece)]
        self._came += len(block)
        return found

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


def windows_of(
    recognizer: Listener, samples: NDArray[Any], *, sample_rate: int | None = None, hop_s: float = HOP_S
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Scores of all windows of a whole recording: what a `Stream` gives for it, in blocks of any size.

    samples: (n,) or (n, channels), float in [-1, 1] or int16. Returns the ends of the windows in seconds (m,)
    and their scores (m, labels); m is 0 for less than a clip. Raises AudioError as `Stream` does.
    """
    hop = hop_samples(recognizer, hop_s)
    intake = Intake(_checked_rate(sample_rate, recognizer), recognizer.sample_rate)
    sound = np.concatenate([*intake.push(np.asarray(samples)), *intake.flush()])
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
    recording: bool = False,
    on_block: Callable[[Stream, Window | None], None] | None = None,
) -> Iterator[Detection]:
    """The words in a stream of blocks, as they come: one path for files, the microphone and the evaluation.

    blocks: as `Stream.push` takes them, `Gap` where samples were lost; sample_rate: theirs, in Hz; config: that
    of the model's card otherwise. recording: the blocks are one whole recording, and a quiet room is heard before and
    after it, so that words at its very start and end are heard; times are those of the recording.
    ``on_block`` is called after each block with the stream (its level, its problems) and the newest window.
    Raises as `Stream` and `Decider` do.
    """
    stream = Stream(recognizer, sample_rate=sample_rate, hop_s=hop_s, recording=recording)
    config = recognizer.about.decision_config if config is None else config
    decider = Decider(recognizer.labels, config, hop_s=hop_s)
    newest = None
    for windows in _windows(stream, blocks, config if recording else None):
        newest = windows[-1] if windows else newest
        for window in windows:
            if detection := decider.push(window.time_s, window.scores):
                yield detection
        if on_block:
            on_block(stream, newest)


def _windows(stream: Stream, blocks: Iterable[Block], finish: DecisionConfig | None) -> Iterator[list[Window]]:
    for block in blocks:
        yield stream.gap(block.seconds) if isinstance(block, Gap) else stream.push(block)
    yield stream.finish(finish) if finish else stream.flush()


def tail(recognizer: Listener, config: DecisionConfig, *, sample_rate: int) -> Samples:
    """A quiet room to put after a sound that ends, so that a word at its end is decided as any other: (n,)."""
    seconds = recognizer.clip_samples / recognizer.sample_rate / 2 + config.smoothing_s
    return _room(round(seconds * sample_rate))


def hop_samples(recognizer: Listener, hop_s: float) -> int:
    """Samples from window to window at the model's rate. Raises AudioError if they are not whole."""
    exact = hop_s * recognizer.sample_rate
    if not (1 <= exact <= recognizer.clip_samples and abs(exact - round(exact)) < 1e-6):
        raise AudioError(
            f"expected a hop of whole samples at {recognizer.sample_rate} Hz, from 1 to {recognizer.clip_samples}, "
            f"got {hop_s} s ({exact:g} samples); try {HOP_S} s, which is {1_000 * HOP_S:g} ms"
        )
    return round(exact)


def _checked_rate(sample_rate: int | None, recognizer: Listener) -> int:
    return recognizer.sample_rate if sample_rate is None else audio.check_rate(sample_rate)
