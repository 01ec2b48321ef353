"""One socket's sound: bytes in, messages out. The very path of ``hanmadi listen``: `Stream`, then `Decider`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.errors import AudioError
from hanmadi.inference.decisions import Decider, Detection
from hanmadi.inference.stream import HOP_S, Listener, Stream, Window, hop_samples, tail
from hanmadi.web import query
from hanmadi.web.limits import Limits, RefusedError

FORMATS: Final = {"f32": "<f4", "s16": "<i2"}
OPTIONS: Final = ("model", "rate", "format", "hop", "recording")
_TURN_S: Final = 0.5  # of sound: at most 25 windows
_TOLERANCE_S: Final = 1e-9  # what rounding adds to a time
_QUIETEST_DB: Final = -100.0  # stands for digital silence, which has no level


class Scores(NamedTuple):
    """A window and the level of its last hop."""

    time_s: float
    scores: list[float]
    level_db: float  # RMS, 0 is full scale


class Problem(NamedTuple):
    """Something is wrong with the sound, and it goes on."""

    message: str


Said = Scores | Detection | Problem
_TYPES: Final = {Scores: "scores", Detection: "detection", Problem: "problem"}


@dataclass(frozen=True)
class StreamOptions:
    """What a client says of its sound."""

    rate: int  # Hz
    format: str = "f32"
    hop_s: float = HOP_S
    recording: bool = False  # a quiet room is heard before it, so that a word at its very start is heard


def stream_options(values: Mapping[str, str], limits: Limits) -> StreamOptions:
    """From the query string. Raises RefusedError with 422."""
    query.only(values, *OPTIONS)
    return StreamOptions(
        rate=query.whole(values, "rate", 16_000, *limits.rates_hz),
        format=query.choice(values, "format", tuple(FORMATS)),
        hop_s=query.number(values, "hop", HOP_S, *limits.hops_s),
        recording=query.flag(values, "recording", default=False),
    )


def to_message(said: Said) -> dict[str, Any]:
    """The message as plain values, as the WebSocket sends it."""
    return {"type": _TYPES[type(said)], **said._asdict()}


class Hearing:
    """Blocks of one client to scores and detections, in order."""

    def __init__(self, recognizer: Listener, options: StreamOptions, *, model: str = "") -> None:
        """Raises RefusedError with 422 for a hop that is not a whole number of the model's samples."""
        try:
            hop_samples(recognizer, options.hop_s)
        except AudioError as error:
            raise RefusedError(422, str(error)) from error
        self._recognizer = recognizer
        self._model = model
        self._config = recognizer.about.decision_config
        self._dtype = np.dtype(FORMATS[options.format])
        self._stream = Stream(recognizer, sample_rate=options.rate, hop_s=options.hop_s, recording=options.recording)
        self._decider = Decider(recognizer.labels, self._config, hop_s=options.hop_s)
        self._piece = max(1, int(options.hop_s * options.rate))
        self._hop_s = options.hop_s
        self._told = False
        self._waiting = bytearray()
        self._head: bytes | None = b""  # the first bytes, till there are enough to know a file by them

    @property
    def time_s(self) -> float:
        """Seconds of sound that were heard so far."""
        return self._stream.time_s

    def ready(self) -> dict[str, Any]:
        """The message that a stream begins with: the model, its labels and its rate."""
        return {
            "type": "ready", "model": self._model, "labels": list(self._recognizer.labels),
            "decisions": self._config.to_dict(),
            "hop_s": self._hop_s, "sample_rate": self._stream.sample_rate,
            "window_s": self._recognizer.clip_samples / self._recognizer.sample_rate,
        }  # fmt: skip

    def add(self, data: bytes) -> bool:
        """The next block; whether a window may be due, and it is time for `turns`.

        It costs nearly nothing: most blocks are far shorter than a hop. Raises RefusedError with 422 for bytes that
        are no whole samples, and for a file where raw samples were meant.
        """
        size = self._dtype.itemsize
        if len(data) % size:
            raise RefusedError(422, f"expected blocks of whole samples ({size} bytes each), got {len(data)} bytes")
        self._check_head(data)
        self._waiting += data
        waiting_s = len(self._waiting) / size / self._stream.sample_rate
        return waiting_s >= min(_TURN_S, self._stream.next_s - self._stream.time_s - _TOLERANCE_S)

    def _check_head(self, data: bytes) -> None:
        if self._head is None:
            return
        self._head += data[: audio.HEAD_BYTES]
        if container := audio.container_of(self._head):
            raise RefusedError(
                422, f"expected raw samples, got a file ({container}); send its samples without the header, "
                "or the file to /api/predict",
            )  # fmt: skip
        if len(self._head) >= audio.HEAD_BYTES:
            self._head = None

    def turns(self) -> list[bytes]:
        """What was added, in pieces of half a second, so that other clients get their turn in between."""
        data, self._waiting = bytes(self._waiting), bytearray()
        step = self._dtype.itemsize * max(1, round(_TURN_S * self._stream.sample_rate))
        return [data[start : start + step] for start in range(0, len(data), step)]

    def hear(self, piece: bytes) -> list[Said]:
        """What the next piece of `turns` brings."""
        try:
            return list(self._heard(np.frombuffer(piece, self._dtype)))
        except AudioError as error:
            raise RefusedError(422, str(error)) from error

    def end(self) -> list[Said]:
        """The sound is over: what a quiet room after it brings, as with a file that ends."""
        rest = [one for piece in self.turns() for one in self.hear(piece)]
        silence = tail(self._recognizer, self._config, sample_rate=self._stream.sample_rate)
        return [*rest, *self._heard(silence), *self._decided(self._stream.flush())]

    def _heard(self, samples: NDArray[Any]) -> Iterator[Said]:
        """By the hop, so that each window has its own level."""
        for start in range(0, len(samples), self._piece):
            yield from self._decided(self._stream.push(samples[start : start + self._piece]))
        if self._stream.problems.bad_samples and not self._told:
            self._told = True
            yield Problem(
                f"samples that are no numbers, or {audio.LOUDEST:g} times full scale, came; they are heard as 0"
            )

    def _decided(self, windows: list[Window]) -> Iterator[Said]:
        for window in windows:
            level = max(_QUIETEST_DB, audio.to_db(self._stream.level()))
            yield Scores(window.time_s, [round(float(score), 6) for score in window.scores], round(level, 2))
            if detection := self._decider.push(window.time_s, window.scores):
                yield detection
