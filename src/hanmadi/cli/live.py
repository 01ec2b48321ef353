"""Commands on live sound: ``listen``, ``calibrate``, ``mine``, and what ``evaluate --stream`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hanmadi.cli.options import (
    DECIBELS,
    DONE,
    SEED,
    Number,
    Renamed,
    background_option,
    json_option,
    model_option,
    refuse,
    refuse_others,
)
from hanmadi.cli.output import one_line, print_json, say, share, show, table
from hanmadi.errors import MissingExtraError
from hanmadi.files import write_text

if TYPE_CHECKING:
    from hanmadi.evaluation.calibration import Calibration
    from hanmadi.evaluation.evaluation import Which
    from hanmadi.evaluation.live import FalseAlarms, Heard, LiveEvaluation

DET_CSV, DET_PLOT = "det.csv", "det.png"


@click.command()
@click.argument("source", required=False)
@model_option
@click.option("--realtime", is_flag=True, help="A file as fast as it was spoken; at full speed otherwise.")
@click.option("--rate", type=click.IntRange(1), metavar="HZ", help="Of raw sound (16000 otherwise) or the microphone.")
@click.option("--device", metavar="D", help="Microphone: its number or a part of its name.")
@click.option("--list-devices", is_flag=True, help="List the microphones and end.")
@click.option("--jsonl", is_flag=True, help="One JSON object a word on standard output: label, time_s, score.")
@click.option("--on", multiple=True, metavar="WORD='COMMAND'", help="Run a program on a word (no shell); repeatable.")
@click.option("--threshold", type=Number(0, 1), help="For all words; the model's own otherwise.")
@click.option("--hop-ms", type=Number(0, 60_000, min_open=True), default=100.0, show_default=True)
@click.pass_context
def listen(
    context: click.Context, /, source: str | None, model: str | None, realtime: bool, rate: int | None,
    device: str | None, list_devices: bool, jsonl: bool, on: Sequence[str], threshold: float | None, hop_ms: float,
) -> int:  # fmt: skip
    """The words in live sound: the microphone, a sound file, or - for standard input: WAV, or raw PCM, 16 bit, mono."""
    from hanmadi.cli import listening

    if list_devices:
        refuse_others(context, "list_devices", why="has no effect with --list-devices")
        return listening.list_devices()
    live, piped = source is None, source == listening.STANDARD_INPUT
    if device and not live:
        raise click.UsageError("--device is for the microphone; leave out SOURCE")
    if realtime and (live or piped):
        raise click.UsageError("--realtime is for files; live sound comes at its own pace")
    if rate and not (live or piped):
        raise click.UsageError("--rate is for the microphone and raw sound; a file tells its own")
    return listening.listen(
        source, model, realtime=realtime, rate=rate, device=device, jsonl=jsonl, on=on, threshold=threshold,
        hop_ms=hop_ms,
    )  # fmt: skip


@click.command()
@model_option
@background_option
@click.option("--max-fa-per-hour", type=Number(0, 100_000, min_open=True), default=0.5, show_default=True)
@click.option("--data", metavar="SRC", help="Recordings of the words to mix in; the same threshold for all otherwise.")
@click.option(
    "--mix-into", "--plant-in", "plant_in", cls=Renamed, multiple=True, metavar="PATH",
    help="Recordings to mix them into, noise for example; repeatable.",
)  # fmt: skip
@click.option(
    "--split", type=click.Choice(["train", "validation", "test", "all"]), default="validation", show_default=True,
    help="Of the words to mix in; all for recordings of which none was trained on.",
)  # fmt: skip
@click.option(
    "--snr", "snr_db", type=DECIBELS, default=10.0, show_default=True, metavar="DB", help="Of mixed-in words."
)
@click.option("--clips", type=click.IntRange(1), help="How many clips to mix in; all of the split otherwise.")
@click.option("--smoothing", "smoothing_s", type=Number(0, 60), help="Seconds to average scores over.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the places of mixed-in words.")
@click.option("--out", metavar="FILE", help="A new model file; the model's own is changed otherwise.")
@json_option
@click.pass_context
def calibrate(
    context: click.Context, /, model: str | None, backgrounds: Sequence[str], max_fa_per_hour: float, data: str | None,
    plant_in: Sequence[str], split: Which, snr_db: float, clips: int | None, smoothing_s: float | None, seed: int,
    out: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Choose thresholds on recordings without the words, and store them in the model file."""
    if not backgrounds:
        raise click.UsageError("name recordings in which none of the words is said with --background")
    if data is None:
        refuse(
            context,
            ["plant_in", "split", "snr_db", "clips", "seed"],
            "goes with --data, the recordings of words to mix in",
        )
    from hanmadi.evaluation import calibration
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    path = calibration.target_of(recognizer, out)
    found = calibration.calibrate(
        recognizer, backgrounds, plant_in=plant_in, max_fa_per_hour=max_fa_per_hour, data=data, split=split,
        clips=clips, snr_db=snr_db, smoothing_s=smoothing_s, seed=seed, on_stream=_say_heard,
    )  # fmt: skip
    calibration.store(found, recognizer, path)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_calibration(found)
    say(f"stored in {path}")
    return DONE


@click.command()
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...")
@model_option
@click.option("--out", required=True, metavar="DIR", help="Folder for the clips and their list.")
@click.option("--threshold", type=Number(0, 1), help="For all words; the model's own otherwise.")
def mine(recordings: Sequence[str], model: str | None, out: str, threshold: float | None) -> int:
    """Write the clips of recordings without the words that a model takes for one, to train with."""
    from hanmadi.evaluation import mining

    found = mining.mine(recordings, out, model=model, threshold=threshold)
    for clip in found.clips:
        show(f"{one_line(found.folder / clip.file)}  {clip.score:.2f}")
    say(f"{len(found.clips)} clips in {found.seconds / 3600:.2f} h of recordings")
    if found.clips:
        say(f"listen to them, then: hanmadi train --hard-negatives {found.folder}")
    return DONE


def evaluate_stream(
    model: str | None, data: str | None, split: Which, *, backgrounds: Sequence[str], snr_db: Sequence[float],
    clips: int | None, seed: int, out: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Evaluate a model live; print the figures, write the DET curve."""
    from hanmadi.evaluation import live
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    folder = Path(out) if out else live.picture_folder(recognizer)
    found = live.evaluate_live(
        recognizer, data, backgrounds=backgrounds, snr_db=snr_db or (live.SNR_DB,), split=split, clips=clips, seed=seed,
        on_stream=_say_heard,
    )  # fmt: skip
    if as_json:
        print_json(found.to_dict())
    else:
        _show_live(found)
    if found.false_alarms is None:
        say("no false alarms an hour can be measured without recordings of speech; name some with --background")
    if folder is None:
        say("no DET curve is written: the model lies in no run folder; name one with --out")
    else:
        _write_det(found, folder)
    return 0


def _say_heard(name: str) -> None:
    say(f"hearing {one_line(name)}")


def _show_live(found: LiveEvaluation) -> None:
    header = ["background", "SNR", "words", "missed", "95 % interval", "other word", "latency", "90 %"]
    rows = [_live_row(heard) for heard in found.heard]
    show(table(header, rows if len(rows) == 1 else [*rows, _live_row(found.overall)]))
    words = [[word, str(n), str(missed), share(missed / n)] for word, (missed, n) in found.missed_words.items() if n]
    show("\n" + table(["word", "planted", "missed", "share"], words))
    if found.false_alarms is not None:
        show("\n" + _alarms_text(found.false_alarms))
    say(f"{found.clips} clips of {found.data}, split: {found.split}, seed {found.seed}")


def _live_row(heard: Heard) -> list[str]:
    low, high = heard.interval
    median, late = heard.latency_s(0.5), heard.latency_s(0.9)
    return [
        heard.background, "-" if heard.snr_db is None else f"{heard.snr_db:g} dB", str(heard.words),
        share(heard.miss_rate), f"{low:.1%} to {high:.1%}", str(heard.substitutions),
        *("-" if latency is None else f"{latency:.2f} s" for latency in (median, late)),
    ]  # fmt: skip


def _alarms_text(alarms: FalseAlarms) -> str:
    low, high = alarms.interval
    by_word = ", ".join(f"{word} {n}" for word, n in alarms.by_word.items() if n)
    return (
        f"false alarms: {alarms.count} in {alarms.seconds / 3600:.2f} h without keywords, "
        f"{alarms.per_hour:.2f} an hour (95 % interval {low:.2f} to {high:.2f})" + (f": {by_word}" if by_word else "")
    )


def _show_calibration(found: Calibration) -> None:
    header = ["word", "threshold", "false alarms", "missed"]
    rows = [
        [
            choice.word,
            f"{choice.threshold:.4g}",
            str(choice.false_alarms),
            "-" if not choice.mixed else f"{choice.missed} of {choice.mixed}",
        ]
        for choice in found.words
    ]
    show(table(header, rows) + "\n\n" + _alarms_text(found.false_alarms))
    for heard in found.heard:
        show(
            f"missed of words mixed into {one_line(heard.background)} at {heard.snr_db:g} dB: {share(heard.miss_rate)}"
        )
    say(
        f"this shows, at 95 %, a rate below {found.shown_per_hour:.2f} an hour; "
        f"to show {found.max_fa_per_hour:g} takes {found.hours_needed:.1f} h of recordings without any"
    )


def _write_det(found: LiveEvaluation, folder: Path) -> None:
    from hanmadi.evaluation.live import det_csv

    write_text(folder / DET_CSV, det_csv(found.det))
    say(f"DET curve: {one_line(folder / DET_CSV)}")
    if found.false_alarms is not None:
        _draw_det(found, found.false_alarms, folder / DET_PLOT)


def _draw_det(found: LiveEvaluation, alarms: FalseAlarms, path: Path) -> None:
    from hanmadi.plots import draw_det
    from hanmadi.plots.style import save_figure

    names = ("false_alarms", "miss_rate", "low", "high")
    columns: dict[str, Any] = {name: [getattr(point, name) for point in found.det] for name in names}
    chosen = (alarms.count, found.overall.miss_rate)
    try:
        save_figure(draw_det(**columns, hours=alarms.seconds / 3600, chosen=chosen), path)
    except MissingExtraError as error:
        say(f"(no picture: {error})")
        return
    say(f"picture: {path}")
