"""``hanmadi export``: a model for another runtime, and a report that shows whether it answers as the model does.

A new target is a function ``Job -> Outcome`` in `TARGETS`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi import card as card_of
from hanmadi.card import Card
from hanmadi.data.examples import label_of_words
from hanmadi.data.store import ClipStore
from hanmadi.errors import DataError, MissingExtraError, ModelError, TrainingError
from hanmadi.evaluation.evaluation import Evaluation, Which, evaluate_clips, rows_of_split, store_for, trained_on
from hanmadi.export import c as c_export
from hanmadi.export import parity
from hanmadi.export.graph import features_of, read_network
from hanmadi.export.parity import Accuracy, Clips, Pair, Report, Scores
from hanmadi.files import replacing, replacing_folder, write_text
from hanmadi.inference.model_file import open_bundle, write_card
from hanmadi.inference.recognizer import Recognizer, find_model, load
from hanmadi.labels import LabelSet
from hanmadi.runs import WEIGHTS_NAME

CALIBRATION: Final = 512  # training clips that the ranges of 8-bit numbers are taken from
TORCH_LIMIT: Final = 1e-4  # single precision in another order, from the waveform on
C_LIMIT: Final = 1e-4
LITERT_LIMIT: Final = 1e-4
REPORT_JSON, REPORT_MARKDOWN = "parity.json", "parity.md"
_WEB_FILES: Final = ("index.html", "static")
_COMPILER: Final = ("cc", "-O2", "-std=c99", "-o", "hear", "hanmadi_model.c", "hanmadi_speech.c", "example.c", "-lm")


@dataclass(frozen=True)
class Outcome:
    """What a target found out about what it wrote."""

    bytes_after: int
    pairs: tuple[Pair, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """The clips that are compared, and what the model says of them."""

    store: ClipStore = field(repr=False)
    split: str
    clips: Clips = field(repr=False)
    scores: Scores = field(repr=False)  # of ONNX Runtime, clip by clip
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """Everything that an export needs: the model, the clips to compare, where to write."""

    recognizer: Recognizer
    out: Path
    heard: Heard | None  # None: no recordings are at hand


def export(
    model: str | os.PathLike[str] | None,
    *,
    to: str,
    out: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
) -> Report:
    """Write a model for another runtime to ``out``, and beside it what the comparison found.

    data: recordings to compare on; those of the training otherwise, and nothing where they are not here. Raises
    ModelError for an unknown target, a model it cannot take, or scores that differ by more than the limit (nothing
    is written then); DataError for 8 bits without recordings.
    """
    if to not in TARGETS:
        raise ModelError(f"expected a target among {', '.join(TARGETS)}, got {to!r}")
    recognizer = load(find_model(model), threads=os.cpu_count() or 1)
    target, out = TARGETS[to], Path(out)
    _check_out(out, target, recognizer)
    heard = _heard(recognizer, data, needed=target.needs_data)
    outcome = target.write(Job(recognizer, out, heard))
    report = _report(recognizer, to, out, heard, outcome)
    as_json, as_markdown = report_paths(out, folder=target.folder)
    write_text(as_json, json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    write_text(as_markdown, parity.markdown(report))
    return report


def report_paths(out: Path, *, folder: bool) -> tuple[Path, Path]:
    """Where the report goes: into an exported folder, beside an exported file."""
    if folder:
        return out / REPORT_JSON, out / REPORT_MARKDOWN
    return out.with_suffix("." + REPORT_JSON), out.with_suffix("." + REPORT_MARKDOWN)


def _check_out(out: Path, target: Target, recognizer: Recognizer) -> None:
    """Raises ModelError before anything of a person's own would be written over."""
    if out.exists() and out.resolve() in (recognizer.path.resolve(), recognizer.path.resolve().parent):
        raise ModelError(f"{out}: is the model itself; choose another --out")
    if not target.folder and (out.is_dir() or out.suffix != target.suffix):
        raise ModelError(f"{out}: expected a file that ends in {target.suffix}; choose another --out")
    if target.folder and out.is_file():
        raise ModelError(f"{out}: expected a folder to write, found a file; choose another --out")
    if target.folder and out.is_dir() and (others := _others(out, target.files)):  # it is replaced as a whole
        raise ModelError(f"{out}: holds other files ({', '.join(sorted(others)[:3])}); name a new folder with --out")


def _others(out: Path, files: Iterable[str]) -> set[str]:
    """What is in a folder besides what is written there."""
    return {path.name for path in out.iterdir()} - {*files, REPORT_JSON, REPORT_MARKDOWN}


def _report(recognizer: Recognizer, to: str, out: Path, heard: Heard | None, outcome: Outcome) -> Report:
    before = recognizer.path.stat().st_size
    if heard is None:
        note = "no recordings were at hand, so nothing was compared; name some with --data"
        return Report(
            str(recognizer.path), to, str(out), None, None, before, outcome.bytes_after, 0, None,
            notes=(*outcome.notes, note),
        )  # fmt: skip
    return Report(
        str(recognizer.path), to, str(out), heard.store.source, heard.split, before, outcome.bytes_after,
        labels_answered=len(np.unique(heard.scores.argmax(axis=1))), spread=parity.check_variation(heard.scores),
        pairs=(*heard.pairs, *outcome.pairs), accuracy=outcome.accuracy, notes=(*outcome.notes, *heard.notes),
    )  # fmt: skip


# ---- what is compared ----


def _heard(recognizer: Recognizer, data: str | os.PathLike[str] | None, *, needed: bool) -> Heard | None:
    """The model's own scores of the test clips, checked against each other and against torch."""
    try:
        data = trained_on(recognizer) if data is None else data
    except DataError:
        if needed:
            raise
        return None
    store = store_for(recognizer, data)
    split, rows = _labelled(recognizer, store, "test" if needed else "auto")
    clips = store.samples(rows)
    scores, pairs = parity.ways(recognizer, clips, "ONNX")
    parity.check_variation(scores)
    torch_scores, notes = _torch_scores(recognizer, clips)
    if torch_scores is not None:
        pairs = [parity.compare("torch", "ONNX", torch_scores, scores, limit=TORCH_LIMIT), *pairs]
    return Heard(store, split, clips, scores, _agreeing(pairs), notes)


def _labelled(recognizer: Recognizer, store: ClipStore, split: Which) -> tuple[str, NDArray[np.int64]]:
    """Rows of a split whose words the model has a label for. Raises DataError if there is none."""
    split, rows = rows_of_split(recognizer, store, split)
    rows = rows[label_of_words(store, LabelSet(recognizer.labels))[store.word[rows]] >= 0]
    if not len(rows):
        raise DataError(f"{store.source}: no clip of the split {split!r} has a word that the model knows")
    return split, rows


def _torch_scores(recognizer: Recognizer, clips: Clips) -> tuple[Scores | None, tuple[str, ...]]:
    """Scores of the run's own weights; None, and why, where they, or torch, are not here."""
    weights = recognizer.path.with_name(WEIGHTS_NAME)
    if not weights.is_file() or recognizer.about.quantised:
        return None, ("torch was not compared: the weights of the training are not beside the model",)
    try:
        from hanmadi.export.onnx import restored, scores_of

        return scores_of(restored(weights, recognizer.about), audio.from_int16(clips)), ()
    except ImportError:
        return None, ("torch was not compared: it is not installed",)
    except TrainingError as error:  # a run of an earlier version, whose network was another
        return None, (f"torch was not compared: {str(error).splitlines()[0]}",)


def _agreeing(pairs: list[Pair]) -> tuple[Pair, ...]:
    """The same pairs. Raises ModelError if some do not agree."""
    for pair in pairs:
        if not pair.agrees:
            raise ModelError(
                f"{pair.one} and {pair.other} differ by {pair.largest_difference:.2g} (limit {pair.limit:g}) on "
                f"{pair.clips} clips, {pair.same_labels} with the same label; nothing was written"
            )
    return tuple(pairs)


# ---- targets ----


def _to_onnx(job: Job) -> Outcome:
    """The model file itself, once its ways to the scores agree."""
    with replacing(job.out) as temporary:
        shutil.copyfile(job.recognizer.path, temporary)
        open_bundle(temporary)
    return Outcome(job.out.stat().st_size)


def _to_int8(job: Job) -> Outcome:
    """The network in 8 bits, calibrated on training clips; its own figures go into its card."""
    from hanmadi.export.int8 import to_int8

    assert job.heard is not None  # the target needs data
    store, recognizer = job.heard.store, job.recognizer
    _, rows = _labelled(recognizer, store, "train")
    rows = rows[np.linspace(0, len(rows) - 1, min(CALIBRATION, len(rows))).astype(np.int64)]
    with replacing(job.out) as temporary:
        to_int8(recognizer.path, temporary, audio.from_int16(store.samples(rows)))
        made = load(temporary, threads=os.cpu_count() or 1)
        scores, pairs = parity.ways(made, job.heard.clips, "int8")
        pairs.append(parity.compare("ONNX", "int8", job.heard.scores, scores, limit=None))
        accuracy = tuple(_accuracy(recognizer, made, store, split) for split in ("validation", "test"))
        write_card(temporary, _with_accuracy(made.about, accuracy))
    return Outcome(
        job.out.stat().st_size, _agreeing(pairs), accuracy,
        (f"calibrated on {len(rows)} training clips; none of them is in the figures",),
    )  # fmt: skip


def _accuracy(before: Recognizer, after: Recognizer, store: ClipStore, split: Which) -> Accuracy:
    _, rows = rows_of_split(before, store, split)
    found: list[Evaluation] = [evaluate_clips(model, store, rows, split) for model in (before, after)]
    first, second = found
    return Accuracy(split, first.clips, first.accuracy, first.interval, second.accuracy, second.interval)


def _with_accuracy(card: Card, accuracy: tuple[Accuracy, ...]) -> Card:
    assert card.quantised is not None
    own = {found.split: card_of.Accuracy(found.clips, found.after, found.after_interval) for found in accuracy}
    metrics = card_of.Metrics(test=own.get("test"), validation=own.get("validation"))
    told = "the float32 model; those of this one are beside this line"
    return replace(card, quantised=replace(card.quantised, metrics=metrics, metrics_are_of=told))


def _to_litert(job: Job) -> Outcome:
    """A .tflite file and the card beside it, compared by the LiteRT interpreter."""
    try:
        from hanmadi.export import litert
    except ImportError as error:
        raise MissingExtraError(
            "litert", "converting to LiteRT, in an environment of its own (docs/litert.md),"
        ) from error
    bundle = job.recognizer.bundle
    features = features_of(bundle)
    network = read_network(bundle.path, features.shape)
    with replacing(job.out) as temporary:
        litert.convert(temporary, features, network)
        pairs: tuple[Pair, ...] = ()
        if job.heard is not None:
            scores = litert.scores_of(temporary, audio.from_int16(job.heard.clips))
            pairs = _agreeing([parity.compare("ONNX", "LiteRT", job.heard.scores, scores, limit=LITERT_LIMIT)])
    card = job.out.with_suffix(".card.json")
    write_text(card, bundle.about.to_json(indent=1))
    return Outcome(job.out.stat().st_size, pairs, notes=(f"labels, rate and thresholds: {card.name}",))


def _to_c(job: Job) -> Outcome:
    """Plain C99, compiled and compared where there is a compiler."""
    sources = c_export.sources(job.recognizer.bundle)
    with replacing_folder(job.out, may_replace=lambda there: not _others(there, c_export.FILES)) as folder:
        for name, text in sources.items():
            write_text(folder / name, text)
        pairs, notes = _c_pairs(folder, job.heard)
    return Outcome(sum(len(text.encode()) for text in sources.values()), pairs, notes=notes)


def _c_pairs(folder: Path, heard: Heard | None) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    if heard is None:
        return (), ()
    if shutil.which(_COMPILER[0]) is None:
        return (), ("no C compiler is here, so the C was not run",)
    scores = c_scores(folder, heard.clips)
    return _agreeing([parity.compare("ONNX", "C", heard.scores, scores, limit=C_LIMIT)]), ()


def c_scores(folder: Path, clips: Clips) -> Scores:
    """Scores of clips by exported C, compiled here: (n, labels). Raises ModelError if that fails."""
    with tempfile.TemporaryDirectory() as build:
        for path in folder.iterdir():
            shutil.copy(path, build)
        done = subprocess.run(_COMPILER, cwd=build, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ModelError(f"the C compiler refuses the exported code: {done.stderr.strip()[:500]}")
        sound = clips.astype("<i2").tobytes()
        heard = subprocess.run([f"{build}/hear", "--clips"], input=sound, capture_output=True, check=False)
    lines = heard.stdout.decode().splitlines()
    if heard.returncode or len(lines) != len(clips):
        raise ModelError(f"the exported C gave {len(lines)} answers to {len(clips)} clips; expected one each")
    return np.array([line.split() for line in lines], np.float32)


def _to_web(job: Job) -> Outcome:
    """The page with recognition in the browser, which runs the very model file."""
    from hanmadi.export.browser import VERSION, export_web

    export_web(job.recognizer.path, job.out)
    size = sum(file.stat().st_size for file in job.out.rglob("*") if file.is_file())
    note = f"runs the same model file in onnxruntime-web {VERSION}; compared by tests/web/test_browser.py, not here"
    return Outcome(size, notes=(note,))


class Target(NamedTuple):
    """A runtime to export to: its name, its function, what must be installed."""

    write: Callable[[Job], Outcome]
    summary: str
    suffix: str = ""  # of the file ...
    folder: bool = False  # ... or it is a folder ...
    files: tuple[str, ...] = ()  # ... with these, beside the report
    needs_data: bool = False


TARGETS: Final[dict[str, Target]] = {
    "onnx": Target(_to_onnx, "the model file, after its scores were compared", suffix=".onnx"),
    "int8": Target(_to_int8, "the same with its network in 8 bits", suffix=".onnx", needs_data=True),
    "litert": Target(_to_litert, "a .tflite file, by a converter in an environment of its own", suffix=".tflite"),
    "c": Target(_to_c, "a folder of plain C99 for a microcontroller", folder=True, files=c_export.FILES),
    "web": Target(_to_web, "a folder with a page that recognises in the browser", folder=True, files=_WEB_FILES),
}
