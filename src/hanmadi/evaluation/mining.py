"""Hard negatives: the clips of long recordings that were falsely taken for a word, for training to learn from."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.data.recordings import from_samples, read_mono, sound_files
from hanmadi.errors import DataError
from hanmadi.evaluation.live import ScoredStream, detections_in, hear
from hanmadi.files import printable, write_text
from hanmadi.inference.decisions import DecisionConfig, Detection
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import HOP_S, Listener

MANIFEST: Final = "manifest.csv"


class Mined(NamedTuple):
    """One clip that triggered falsely: a row of the manifest."""

    file: str  # below the folder: <label>/<recording>_<seconds>.wav
    label: str  # what it was taken for
    score: float  # the average that exceeded the threshold
    recording: str
    start_s: float  # of the clip in the recording


@dataclass(frozen=True)
class Mining:
    """What was found."""

    folder: Path
    clips: tuple[Mined, ...]
    seconds: float  # of recordings


def mine(
    recordings: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | Recognizer | None = None,
    threshold: float | None = None,
    hop_s: float = HOP_S,
    on_stream: Callable[[str], None] = lambda _: None,
) -> Mining:
    """Write the clips of recordings without keywords that are detected as one into ``out/<label>/``.

    ``threshold`` is for all words, instead of those of the model: a lower one finds what almost triggered, too.
    A folder may be filled by several calls; `MANIFEST` lists all. Raises DataError for absent recordings.
    """
    recognizer = model if isinstance(model, Recognizer) else load(model)
    config = recognizer.about.decision_config
    if threshold is not None:
        config = replace(config, threshold=threshold, thresholds={})
    folder, found, seconds = Path(out), list[Mined](), 0.0
    for path in sound_files(recordings):
        samples = read_mono(path, sample_rate=recognizer.sample_rate)
        seconds += len(samples) / recognizer.sample_rate
        if len(samples) < recognizer.clip_samples:
            continue  # not one window
        on_stream(printable(str(path)))
        for detection, start in triggers(recognizer, samples, config, hop_s=hop_s):
            clip = samples[start : start + recognizer.clip_samples]
            row = _mined(path, detection, start / recognizer.sample_rate)
            (folder / row.file).parent.mkdir(parents=True, exist_ok=True)
            audio.write(folder / row.file, clip, sample_rate=recognizer.sample_rate)
            found.append(row)
    if found:
        _add_to_manifest(folder / MANIFEST, found)
    return Mining(folder, tuple(found), seconds)


def triggers(
    recognizer: Listener, samples: Samples, config: DecisionConfig, *, hop_s: float = HOP_S
) -> Iterator[tuple[Detection, int]]:
    """Each detection in a recording, (n,) at the model's rate, and where the clip begins that triggered it."""
    stream = hear(recognizer, from_samples("recording", [samples]), hop_s=hop_s)
    for detection in detections_in(stream, recognizer.labels, config, hop_s=hop_s):
        end_s = _surest_s(stream, recognizer.labels.index(detection.label), detection.time_s, config.smoothing_s)
        yield detection, round(end_s * recognizer.sample_rate) - recognizer.clip_samples


def _surest_s(stream: ScoredStream, label: int, time_s: float, smoothing_s: float) -> float:
    """End of the window with the highest score among those that were averaged."""
    averaged = np.flatnonzero((stream.times > time_s - max(smoothing_s, 1e-6)) & (stream.times <= time_s + 1e-6))
    return float(stream.times[averaged[stream.scores[averaged, label].argmax()]])


def _mined(path: Path, detection: Detection, start_s: float) -> Mined:
    # recordings of one name may lie in several folders
    name = f"{path.parent.name}_{path.stem}_{start_s:.2f}.wav".lstrip("_")
    return Mined(
        printable(f"{detection.label}/{name}"), detection.label, round(detection.score, 4), printable(str(path)),
        round(start_s, 3),
    )  # fmt: skip


def _add_to_manifest(path: Path, found: Sequence[Mined]) -> None:
    """Rows of this and earlier calls, one a file. Raises DataError if the file there is no manifest."""
    rows = {row.file: [str(value) for value in row] for row in found}
    if path.exists():
        with open(path, newline="", encoding="utf-8") as file:
            header, *earlier = [*csv.reader(file)] or [[]]
        if header != list(Mined._fields):
            raise DataError(f"{path}: expected a manifest of hanmadi mine, found another file; choose another --out")
        rows = {row[0]: row for row in earlier} | rows
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Mined._fields, *(rows[name] for name in sorted(rows))])
    write_text(path, text.getvalue())
