"""What ``hanmadi listen`` does: opens the source, shows a meter and the words, runs programs on them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from hanmadi import audio
from hanmadi.cli import actions
from hanmadi.cli.output import draw, one_line, print_json, say, show, undraw
from hanmadi.errors import AudioError
from hanmadi.inference import microphone
from hanmadi.inference.decisions import Detection
from hanmadi.inference.recognizer import load
from hanmadi.inference.stream import Block, Gap, Problems, Stream, Window
from hanmadi.inference.stream import listen as detections
from hanmadi.labels import LabelSet

STANDARD_INPUT: Final = "-"
_FRAMES: Final = 1 << 16  # of a file at a time
_REALTIME_FRAMES: Final = 1_024  # so few that words come when they are said
_QUIETEST_DB: Final = -60.0  # where the meter begins
_BARS: Final = 20
_REDRAWN_S: Final = 0.05  # the meter, at most so often


class Source(NamedTuple):
    """A source of live sound: its blocks, its rate, whether it ends."""

    name: str
    sample_rate: int  # Hz
    blocks: Iterable[Block]


def list_devices() -> int:
    """Print the devices that record; exit code 1 if there is none."""
    found = microphone.devices()
    for device in found:
        mark = "*" if device.default else " "
        show(
            f"{mark} {device.number:>3}  {one_line(device.name)}  ({device.channels} channels, {device.sample_rate} Hz)"
        )
    say("* is the default; choose another with: hanmadi listen --device NUMBER" if found else "no device records")
    return 0 if found else 1


def listen(
    source: str | None,
    model: str | None,
    *,
    realtime: bool = False,
    rate: int | None = None,
    device: str | None = None,
    jsonl: bool = False,
    on: Sequence[str] = (),
    threshold: float | None = None,
    hop_ms: float = 100.0,
) -> int:
    """Print the words in a source as they come. Raises as `load`, `Stream` and the source do."""
    recognizer = load(model)
    words = LabelSet(recognizer.labels).keywords
    config = recognizer.about.decision_config
    if threshold is not None:
        config = replace(config, threshold=threshold, thresholds={})
    show = Show(recognizer.labels, jsonl=jsonl)
    programs = actions.Actions(actions.parse_all(on, words), tell=show.tell)
    with _opened(source, realtime=realtime, rate=rate, device=device) as (name, sample_rate, blocks):
        say(f"listening to {one_line(name)} ({sample_rate} Hz) for {', '.join(words)}; Ctrl-C ends it")
        if source is not None:
            blocks = show.counted(blocks, sample_rate, name)
        found = detections(
            recognizer, blocks, sample_rate=sample_rate, config=config, hop_s=hop_ms / 1_000,
            recording=source is not None, on_block=show.block,
        )  # fmt: skip
        try:
            for detection in found:
                show.detection(detection)
                programs.run(detection.label)
        finally:
            show.end()
            programs.finish()
    return 0


@contextmanager
def _opened(source: str | None, *, realtime: bool, rate: int | None, device: str | None) -> Iterator[Source]:
    if source is None:
        with microphone.Microphone(device, sample_rate=rate) as opened:
            yield Source(opened.name, opened.sample_rate, opened)
    elif source == STANDARD_INPUT:
        yield Source("standard input", *microphone.piped(sys.stdin.buffer, sample_rate=rate))
    else:
        rate, sound = audio.blocks(source, frames=_REALTIME_FRAMES if realtime else _FRAMES)
        played = microphone.paced(sound, sample_rate=rate) if realtime else sound
        yield Source(Path(source).name, rate, played)


class Show:
    """What is seen: results on standard output, a meter on standard error where that is a terminal."""

    def __init__(self, labels: Sequence[str], *, jsonl: bool) -> None:
        self._labels = labels
        self._jsonl = jsonl
        self._terminal = sys.stderr.isatty()
        self._drawn_s = 0.0
        self._width = 0  # of the meter's line, as long as it stands
        self._words = 0
        self._heard_s = 0.0
        self._counts = True  # seconds as the stream has them; of a recording they would include the silence around it
        self._problems = Problems()

    def counted(self, blocks: Iterable[Block], sample_rate: int, name: str) -> Iterator[Block]:
        """The blocks of a recording, whose seconds are what was heard. Raises AudioError if there is none."""
        self._counts, samples = False, 0
        for block in blocks:
            samples += 0 if isinstance(block, Gap) else len(block)
            self._heard_s = samples / sample_rate
            yield block
        if not samples:
            raise AudioError(f"{one_line(name)}: expected sound, got none")

    def detection(self, found: Detection) -> None:
        """Print a detected word with its time and score."""
        self._words += 1
        self._clear()
        line = f"{found.time_s:8.2f} s  {found.label}  {found.score:.0%}"
        if not self._jsonl:
            show(line)
            return
        print_json({"label": found.label, "time_s": round(found.time_s, 6), "score": round(found.score, 6)})
        if self._terminal and not sys.stdout.isatty():  # who watches sees words too
            say(line)

    def block(self, stream: Stream, newest: Window | None) -> None:
        """Draw the level meter after a block of sound."""
        if stream.problems.gaps and not self._problems.gaps:
            self.tell("sound was lost; the machine may be too busy")
        self._problems = replace(stream.problems)
        if self._counts:
            self._heard_s = stream.time_s
        now = time.monotonic()
        if self._terminal and now - self._drawn_s >= _REDRAWN_S:
            self._drawn_s = now
            line = f"{stream.time_s:8.1f} s  {meter(stream.level())}  {self._guess(newest)}"
            draw(line.ljust(self._width))
            self._width = len(line)

    def tell(self, line: str) -> None:
        """Print a line for people on standard error."""
        self._clear()
        say(line)

    def end(self) -> None:
        """What came in all, and what went wrong."""
        self._clear()
        say(f"{self._words} word{'s' * (self._words != 1)} in {self._heard_s:.1f} s")
        if self._problems:
            say(
                f"lost: {self._problems.gaps} gaps, {self._problems.lost_s:.2f} s; "
                f"samples that were no numbers: {self._problems.bad_samples}"
            )

    def _guess(self, newest: Window | None) -> str:
        if newest is None:
            return ""
        best = int(newest.scores.argmax())
        return f"{self._labels[best]} {newest.scores[best]:.0%}"

    def _clear(self) -> None:
        if self._width:
            undraw(self._width)
            self._width = 0


def meter(level: float) -> str:
    """A bar and dB for an RMS level: 1.0 is full scale."""
    db = max(_QUIETEST_DB, audio.to_db(level))
    bars = min(_BARS, round(_BARS * (1 - db / _QUIETEST_DB)))
    return f"[{'#' * bars}{'.' * (_BARS - bars)}] {db:4.0f} dB"
