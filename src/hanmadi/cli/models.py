"""Commands that use a model: ``predict``, ``try``, ``evaluate``, ``export`` and ``serve``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanmadi.cli.options import (
    DECIBELS,
    DONE,
    SEED,
    SOME_FAILED,
    background_option,
    json_option,
    model_option,
    recordings_option,
    refuse,
)
from hanmadi.cli.output import counter, one_line, print_json, say, share, show, table
from hanmadi.errors import AudioError

if TYPE_CHECKING:
    from hanmadi.evaluation.evaluation import Evaluation, Which
    from hanmadi.evaluation.metrics import LabelScores
    from hanmadi.evaluation.trial import Trial
    from hanmadi.export.parity import Report


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@model_option
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to show.")
@json_option
def predict(files: Sequence[str], model: str | None, top: int, as_json: bool) -> int:
    """The word in each sound file."""
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    failed = 0
    for file in files:
        try:
            found = recognizer.predict_file(file, top=top)
        except AudioError as error:
            say(f"error: {one_line(error)}")
            failed += 1
            continue
        if as_json:
            ranked = [score._asdict() for score in found.top]
            print_json({"file": file, "label": found.label, "score": found.score, "top": ranked})
        else:
            show(f"{one_line(file)}: " + "  ".join(f"{s.label} {s.score:.1%}" for s in found.top))
    return SOME_FAILED if failed else DONE


@click.command("try")
@model_option
@recordings_option
@click.option("--seed", type=SEED, help="Choose the same clip again.")
@click.option(
    "--plot", type=click.Path(dir_okay=False), help="Where the picture goes; try.png in the run folder otherwise."
)
@click.option("--play/--no-play", default=True, help="Play the clip when the system can.")
def try_clip(model: str | None, data: str | None, seed: int | None, plot: str | None, play: bool) -> int:
    """Pick a random test clip, play and show it, and say whether the model is right."""
    from hanmadi.evaluation import trial
    from hanmadi.evaluation.live import picture_folder
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    found = trial.pick(recognizer, data, seed=seed)
    if play and not trial.play(found.samples, sample_rate=found.sample_rate):
        say("(no sound: no player such as aplay or afplay could play it)")
    verdict = "correct" if found.correct else "incorrect"
    said = found.word if found.word == found.truth else f"{found.word} ({found.truth})"
    title = f"said: {said}   heard: {found.prediction.label} {found.prediction.score:.0%}   {verdict}"
    folder = picture_folder(recognizer)
    file = Path(plot) if plot else folder / "try.png" if folder else None
    picture = _trial_picture(found, title, file) if file else "none (name a file with --plot)"
    show(f"clip:    {one_line(found.name)}\nsaid:    {one_line(said)}")
    show("heard:   " + "  ".join(f"{s.label} {s.score:.1%}" for s in found.prediction.top))
    show(f"picture: {picture or 'none'}\n{verdict}")
    return DONE


def _trial_picture(found: Trial, title: str, path: Path) -> Path | None:
    """Draw a clip and open the picture where there is a screen; None where nothing can be drawn."""
    from hanmadi.errors import MissingExtraError
    from hanmadi.plots import waveform_and_spectrogram
    from hanmadi.plots.style import save_figure

    try:
        save_figure(waveform_and_spectrogram(found.samples, found.sample_rate, title=title), path)
    except MissingExtraError as error:
        say(f"(no picture: {error})")
        return None
    if sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32")):
        click.launch(str(path))
    return path


@click.command()
@model_option
@recordings_option
@click.option(
    "--split", type=click.Choice(["auto", "train", "validation", "test", "all"]), default="auto", show_default=True,
    help="auto: test where there is one, all clips of other data.",
)  # fmt: skip
@click.option("--stream", is_flag=True, help="Live: words mixed into long recordings; misses and false alarms an hour.")
@background_option
@click.option("--snr", "snr_db", type=DECIBELS, multiple=True, metavar="DB", help="Of mixed-in words; 10 otherwise.")
@click.option("--clips", type=click.IntRange(1), help="How many clips to mix in; all of the split otherwise.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the places of mixed-in words.")
@click.option("--out", metavar="FOLDER", help="For the DET curve; the run folder, if there is one, otherwise.")
@json_option
@click.pass_context
def evaluate(
    context: click.Context, /, model: str | None, data: str | None, split: Which, stream: bool,
    backgrounds: Sequence[str], snr_db: Sequence[float], clips: int | None, seed: int, out: str | None, as_json: bool,
) -> int:  # fmt: skip
    """How good a model is on recordings, or, with --stream, live."""
    if stream:
        from hanmadi.cli.live import evaluate_stream

        return evaluate_stream(
            model, data, split, backgrounds=backgrounds, snr_db=snr_db, clips=clips, seed=seed, out=out, as_json=as_json
        )
    refuse(context, ["backgrounds", "snr_db", "clips", "seed", "out"], "goes with --stream")
    from hanmadi.evaluation import evaluation

    with counter("read") as count:
        found = evaluation.evaluate(model, data, split=split, progress=count)
    show_accuracy(found)
    if as_json:
        print_json(found.to_dict())
    else:
        header = ["label", "clips", "precision", "recall", "95 % interval of recall"]
        show(table(header, [_label_row(scores) for scores in found.per_label]))
        show("\n" + _confusion_table(found))
    return SOME_FAILED if found.broken else DONE


def show_accuracy(found: Evaluation) -> None:
    low, high = found.interval
    say(
        f"accuracy {found.accuracy:.1%} of {found.clips} clips (95 % interval {low:.1%} to {high:.1%}), "
        f"{found.data}, split: {found.split}"
    )
    if found.synthetic_silence:
        say(f"silence made from held-out noise: {found.synthetic_silence_right} of {found.synthetic_silence} right")
    if found.left_out:
        say(f"{found.left_out} clips left out: the model has no label for their words")
    if found.broken:
        say(f"{found.broken} recordings could not be read and are left out; see: hanmadi data check")


def _label_row(scores: LabelScores) -> list[str]:
    interval = scores.recall_interval
    return [
        scores.label, str(scores.count), share(scores.precision), share(scores.recall),
        f"{interval.low:.1%} to {interval.high:.1%}" if interval else "-",
    ]  # fmt: skip


def _confusion_table(found: Evaluation) -> str:
    rows = [
        [label, *(str(n) if n else "." for n in row)]
        for label, row in zip(found.labels, found.confusion.tolist(), strict=True)
    ]
    return table(["said \\ heard", *found.labels], rows)


@click.command("export")
@model_option
@click.option(
    "--to", required=True, metavar="onnx|int8|c|litert|web", help="Model file, 8 bits, C99, .tflite, or a page."
)
@click.option("--out", required=True, metavar="PATH", help="File, or for c folder, to write.")
@recordings_option
@json_option
def export_model(model: str | None, to: str, out: str, data: str | None, as_json: bool) -> int:
    """Write a model for another runtime, and compare the scores of both on real clips."""
    from hanmadi.export import targets

    report = targets.export(model, to=to, out=out, data=data)
    if as_json:
        print_json(report.to_dict())
    else:
        _show_report(report)
    written = targets.report_paths(Path(out), folder=targets.TARGETS[to].folder)
    say(f"{report.target}: {report.out}\nreport: {written[0]}, {written[1]}")
    return DONE


def _show_report(report: Report) -> None:
    from hanmadi.export import parity

    if report.pairs:
        show(table(list(parity.HEADER), [parity.row(pair) for pair in report.pairs]) + "\n")
    if report.accuracy:
        show(table(*parity.accuracy_rows(report)) + "\n")
    for line in parity.facts(report):
        show(one_line(line))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: all, no password.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0 takes a free one.")
@model_option
@click.option("--data", metavar="SRC", help="Recordings on which the page may start trainings.")
@click.option("--runs", default="runs", show_default=True, metavar="DIR", help="Folder of the runs to show.")
@click.option("--allow-origin", "origins", multiple=True, metavar="URL", help="Another site to let in; repeatable.")
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
def serve(
    host: str, port: int, model: str | None, data: str | None, runs: str, origins: Sequence[str], browse: bool
) -> int:
    """A page to see and speak to, and an HTTP API; on this machine only, unless --host says otherwise."""
    from hanmadi.web import server

    chosen = server.Options(host=host, model=model, data=data, runs=Path(runs), origins=tuple(origins))
    return server.serve(chosen, port=port, show=browse, say=say)
