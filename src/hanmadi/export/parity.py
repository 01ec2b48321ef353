"""Whether ways to the same scores agree: torch, ONNX Runtime in batches, clip by clip, in a stream, another runtime.

A network that answers almost the same to everything agrees with anything, so the scores have to vary.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.errors import DataError
from hanmadi.files import markdown_table
from hanmadi.inference.recognizer import Recognizer, in_batches
from hanmadi.inference.stream import Stream

Scores = NDArray[np.float32]
Clips = NDArray[np.int16]  # (n, clip_samples)
LEAST_SPREAD: Final = 0.1  # standard deviation over the clips of the score that varies most
HEADER: Final = ("scores of", "clips", "largest difference", "limit", "same label")
_LONGEST_BLOCK: Final = 10_000  # samples, of a stream's random blocks
_SEED: Final = 0


class Pair(NamedTuple):
    """Two ways, compared on the same clips."""

    one: str
    other: str
    clips: int
    largest_difference: float  # of a score, 0 to 1
    same_labels: int  # clips with the same best label
    limit: float | None  # of the difference; None: there is none, as the numbers are other ones

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the limit."""
        return self.limit is None or self.largest_difference <= self.limit


class Accuracy(NamedTuple):
    """How good a model is on a split before and after its numbers were changed."""

    split: str
    clips: int
    before: float
    before_interval: tuple[float, float]  # 95 %, Wilson
    after: float
    after_interval: tuple[float, float]


@dataclass(frozen=True)
class Report:
    """What was exported, and how it compares."""

    model: str
    target: str
    out: str
    data: str | None  # None: no recordings were at hand, so nothing is compared
    split: str | None
    bytes_before: int
    bytes_after: int
    labels_answered: int  # how many labels were the best of a clip
    spread: float | None  # largest standard deviation of a score over the clips
    pairs: tuple[Pair, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values, which JSON can hold."""
        return asdict(self) | {
            "pairs": [to_dict(pair) for pair in self.pairs],
            "accuracy": [found._asdict() for found in self.accuracy],
        }


def streamed(recognizer: Recognizer, clips: Clips) -> Scores:
    """Scores of clips that follow each other in a stream, in blocks of random sizes: a window is a clip."""
    stream = Stream(recognizer, hop_s=recognizer.clip_samples / recognizer.sample_rate)
    sound, rng = clips.reshape(-1), np.random.default_rng(_SEED)
    found, place = [], 0
    while place < len(sound):
        size = int(rng.integers(1, _LONGEST_BLOCK))
        found += stream.push(sound[place : place + size])
        place += size
    return np.stack([window.scores for window in found])


def compare(one: str, other: str, first: Scores, second: Scores, *, limit: float | None) -> Pair:
    """Two arrays (n, labels) of the same clips, with the names of the ways that they came."""
    same = int((first.argmax(axis=1) == second.argmax(axis=1)).sum())
    return Pair(one, other, len(first), float(np.abs(first - second).max()), same, limit)


def ways(recognizer: Recognizer, clips: Clips, name: str) -> tuple[Scores, list[Pair]]:
    """The scores of a model file, and whether its batches, single clips and stream agree."""
    heard = audio.from_int16(clips)
    batched, alone = in_batches(recognizer.scores, heard), in_batches(recognizer.scores, heard, batch=1)
    pairs = [
        compare(f"{name} batched", f"{name} single", batched, alone, limit=1e-5),
        # bit for bit: a stream scores its windows one by one
        compare(f"{name} single", f"{name} streamed", alone, streamed(recognizer, clips), limit=0.0),
    ]
    return alone, pairs


def check_variation(scores: Scores) -> float:
    """How much the scores vary over the clips. Raises DataError where comparing them would show nothing."""
    spread = float(scores.std(axis=0).max())
    if spread < LEAST_SPREAD:
        raise DataError(
            f"the model answers almost the same to all of {len(scores)} clips (largest standard deviation of a score "
            f"{spread:.3f}), so a comparison on them shows nothing; name other recordings with --data"
        )
    return spread


def row(pair: Pair) -> list[str]:
    """The comparison of two runtimes as the cells of a table."""
    limit = "-" if pair.limit is None else f"{pair.limit:g}"
    return [
        f"{pair.one} = {pair.other}" if pair.limit is not None else f"{pair.one} to {pair.other}",
        str(pair.clips), f"{pair.largest_difference:.2g}", limit, f"{pair.same_labels} of {pair.clips}",
    ]  # fmt: skip


def to_dict(pair: Pair) -> dict[str, Any]:
    """The comparison as plain values, which JSON can hold."""
    return pair._asdict() | {"agrees": pair.agrees}


# ---- the report as text ----


def accuracy_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of accuracies."""
    header = ["split", "clips", "before (95 %)", "after (95 %)", "difference"]
    rows = [
        [
            found.split, str(found.clips), _with_interval(found.before, found.before_interval),
            _with_interval(found.after, found.after_interval), f"{100 * (found.after - found.before):+.2f} points",
        ]
        for found in report.accuracy
    ]  # fmt: skip
    return header, rows


def _with_interval(share: float, interval: tuple[float, float]) -> str:
    return f"{share:.2%} ({interval[0]:.1%} to {interval[1]:.1%})"


def facts(report: Report) -> list[str]:
    """What the tables do not say, a sentence a line."""
    lines = [f"size: {report.bytes_before:,} bytes before, {report.bytes_after:,} after"]
    if report.data is not None:
        lines.append(
            f"compared on {report.data}, split: {report.split}; {report.labels_answered} labels were answered, "
            f"largest standard deviation of a score {report.spread:.2f}"
        )
    return lines + list(report.notes)


def markdown(report: Report) -> str:
    """The report of the comparison as Markdown, for people."""
    parts = [f"# {Path(report.model).name} to {report.target}"]
    if report.pairs:
        parts.append(markdown_table(HEADER, map(row, report.pairs)))
    if report.accuracy:
        parts.append(markdown_table(*accuracy_rows(report)))
    parts.append("\n".join(f"- {line}" for line in facts(report)))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"
