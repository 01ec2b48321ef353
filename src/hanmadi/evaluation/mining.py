"""Hard negatives: the clips of long recordings that were falsely taken for a word, for training to learn from."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.data.recordings import from_samples, read_mono, sound_files
from hanmadi.errors import DataError, WriteError
from hanmadi.evaluation.live import ScoredStream, detections_in, hear
from hanmadi.files import create_text, csv_text, printable
from hanmadi.inference.decisions import DecisionConfig, Detection
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import HOP_S, Listener

MANIFEST: Final = "manifest.csv"
_CODE: Final = 8  # letters that tell recordings of one name apart
_MOST_NAME: Final = 60  # letters of a folder, and of a file, in the name of a clip
_FORMULA: Final = frozenset("=+-@")  # what spreadsheets take for the beginning of a formula
_NOT_FIRST: Final = _FORMULA | {"."}  # of a folder: hidden ones are not read
_NOT_IN_NAMES: Final = frozenset('/\\:*?"<>|')


class Mined(NamedTuple):
    """One clip that triggered falsely: a row of the manifest."""

    file: str  # below the folder: <label>/<recording>-<code>_<seconds>.wav
    label: str  # what it was taken for
    score: float  # the average that exceeded the threshold
    recording: str
    start_s: float  # of the clip in the recording


@dataclass(frozen=True)
class Mining:
    """The false alarms that were found in recordings, and where their clips lie."""

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
    A folder may be filled by several calls, at the same time too; `MANIFEST` lists all. Raises DataError for absent
    recordings, WriteError when the disk is full.
    """
    recognizer = model if isinstance(model, Recognizer) else load(model)
    config = recognizer.about.decision_config
    if threshold is not None:
        config = replace(config, threshold=threshold, thresholds={})
    folder, found, seconds = Path(out), list[Mined](), 0.0
    _claim(folder)  # what is not ours is found before hours are heard
    for path in sound_files(recordings):
        samples = read_mono(path, sample_rate=recognizer.sample_rate)
        seconds += len(samples) / recognizer.sample_rate
        if len(samples) < recognizer.clip_samples:
            continue  # not one window
        on_stream(printable(str(path)))
        for detection, start in triggers(recognizer, samples, config, hop_s=hop_s):
            clip = samples[start : start + recognizer.clip_samples]
            row = _mined(path, detection, start / recognizer.sample_rate)
            audio.write(folder / row.file, clip, sample_rate=recognizer.sample_rate)
            found.append(row)
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
    place = os.fsencode(path.absolute())  # tells monday/radio/a.wav from tuesday/radio/a.wav and from a.flac
    code = hashlib.sha256(place).hexdigest()[:_CODE]
    name = f"{path.parent.name[:_MOST_NAME]}_{path.stem[:_MOST_NAME]}".lstrip("_")
    file = f"{_folder_name(detection.label)}/{name}-{code}_{start_s:.2f}.wav"
    return Mined(
        printable(file), detection.label, round(detection.score, 4), printable(str(path)), round(start_s, 3)
    )  # fmt: skip


def _folder_name(label: str) -> str:
    """A label as one part of a path, on every system and in every spreadsheet: anybody may have chosen it."""
    plain = "".join(sign if sign.isprintable() and sign not in _NOT_IN_NAMES else "_" for sign in label.strip())
    return f"_{plain}_" if not plain or plain[0] in _NOT_FIRST or plain[-1] == "." else plain


def _claim(folder: Path) -> None:
    """Make the folder one of mined clips. Raises DataError if it holds other things, which would be lost among them."""
    path = folder / MANIFEST
    if _listed(path) is not None:
        return
    others = folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())
    if others and _listed(path) is None:  # not even by another who has claimed it meanwhile
        raise DataError(
            f"{folder}: expected a folder of hanmadi mine, or none, found one with other files and no {MANIFEST}; "
            "choose another --out"
        )
    create_text(path, csv_text([Mined._fields]))


def _add_to_manifest(path: Path, found: Sequence[Mined]) -> None:
    """Add the rows that are not there yet. Raises DataError if the file there is no manifest."""
    listed = _listed(path)
    new = [row for row in found if row.file not in (listed or ())]
    if not new:
        return
    if listed is None:
        create_text(path, csv_text([Mined._fields]))
    try:
        with open(path, "a", newline="", encoding="utf-8") as file:  # in one piece: others may add theirs meanwhile
            file.write(csv_text([_cells(row) for row in new]))
    except OSError as error:
        raise WriteError(f"{path}: could not be written ({error.strerror or error})") from error


def _listed(path: Path) -> set[str] | None:
    """Files that a manifest lists; None if there is none. Raises DataError for another file."""
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            header, *rows = [*csv.reader(file)] or [[]]
    except FileNotFoundError:
        return None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); choose another --out") from error
    if header != list(Mined._fields):
        raise DataError(f"{path}: expected a manifest of hanmadi mine, found another file; choose another --out")
    return {row[0] for row in rows if row}


def _cells(row: Mined) -> list[str]:
    # a spreadsheet runs a cell that begins like a formula
    label = f"'{row.label}" if row.label[:1] in _FORMULA else row.label
    return [str(value) for value in row._replace(label=label)]
