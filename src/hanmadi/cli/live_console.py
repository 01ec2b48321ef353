"""What ``hanmadi evaluate --stream``, ``calibrate`` and ``mine`` show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hanmadi.cli.output import one_line, print_json, say, share, show, table
from hanmadi.errors import MissingExtraError
from hanmadi.evaluation import calibration, mining
from hanmadi.evaluation import live as live_evaluation
from hanmadi.evaluation.calibration import Calibration
from hanmadi.evaluation.live import FalseAlarms, Heard, LiveEvaluation
from hanmadi.files import write_text
from hanmadi.inference.recognizer import load

DET_CSV, DET_PLOT = "det.csv", "det.png"


def evaluate_stream(
    model: str | None, data: str | None, split: Any, *, out: str | None, as_json: bool, **options: Any
) -> int:
    """Judge a model live; print the figures, write the DET curve."""
    recognizer = load(model)
    folder = Path(out) if out else live_evaluation.picture_folder(recognizer)
    found = live_evaluation.evaluate_live(recognizer, data, split=split, on_stream=_say_heard, **options)
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


def calibrate(model: str | None, backgrounds: Sequence[str], *, out: str | None, as_json: bool, **options: Any) -> int:
    """Choose thresholds, store them in the model file, print them."""
    recognizer = load(model)
    path = calibration.target_of(recognizer, out)
    found = calibration.calibrate(recognizer, backgrounds, on_stream=_say_heard, **options)
    calibration.store(found, recognizer, path)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_calibration(found)
    say(f"stored in {path}")
    return 0


def mine(recordings: Sequence[str], out: str, **options: Any) -> int:
    """Write the clips that triggered falsely."""
    found = mining.mine(recordings, out, **options)
    for clip in found.clips:
        show(f"{one_line(found.folder / clip.file)}  {clip.score:.2f}")
    say(f"{len(found.clips)} clips in {found.seconds / 3600:.2f} h of recordings")
    if found.clips:
        say(f"listen to them, then: hanmadi train --hard-negatives {found.folder}")
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
            "-" if not choice.planted else f"{choice.missed} of {choice.planted}",
        ]
        for choice in found.words
    ]
    show(table(header, rows) + "\n\n" + _alarms_text(found.false_alarms))
    for heard in found.heard:
        show(
            f"missed of words planted in {one_line(heard.background)} at {heard.snr_db:g} dB: {share(heard.miss_rate)}"
        )
    say(
        f"this shows, at 95 %, a rate below {found.shown_per_hour:.2f} an hour; "
        f"to show {found.max_fa_per_hour:g} takes {found.hours_needed:.1f} h of recordings without any"
    )


def _write_det(found: LiveEvaluation, folder: Path) -> None:
    write_text(folder / DET_CSV, live_evaluation.det_csv(found.det))
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
