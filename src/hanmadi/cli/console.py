"""What the commands on sounds, data and trainings show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hanmadi.cli.output import draw, one_line, print_json, say, share, show, table, undraw

if TYPE_CHECKING:
    from hanmadi.card import Card
    from hanmadi.data.check import DataCheck
    from hanmadi.evaluation.evaluation import Evaluation
    from hanmadi.evaluation.trial import Trial
    from hanmadi.runs import Epoch, Settings
    from hanmadi.training.budget import Hooks, Step
    from hanmadi.training.train import Run

_COUNT_WIDTH = 30  # of the line that counts recordings
_LISTED = 20  # problems of a kind that are listed by name


# ---- info ----


def show_facts(file: str, *, as_json: bool, plot: str | None) -> None:
    """Print what is in a sound file; draw it if asked."""
    from dataclasses import asdict

    from hanmadi import audio

    facts = audio.facts(file)
    if as_json:
        print_json(asdict(facts))
    else:
        bits = f"{facts.bits} bits per sample" if facts.bits else "no fixed bits per sample (lossy)"
        show(
            f"{one_line(facts.path)}\n"
            f"  codec     {facts.codec}\n"
            f"  rate      {facts.sample_rate} Hz, {bits}, {facts.channels} channel{'s' * (facts.channels > 1)}\n"
            f"  duration  {facts.seconds:.3f} s ({facts.frames} samples)\n"
            f"  peak      {facts.peak:.4f} ({facts.peak_db:.1f} dB)\n"
            f"  RMS       {facts.rms:.4f} ({facts.rms_db:.1f} dB)\n"
            f"  clipped   {facts.clipped} samples"
        )
    if plot:
        from hanmadi.plots import waveform_and_spectrogram
        from hanmadi.plots.style import save_figure

        sound = audio.read(file)
        figure = waveform_and_spectrogram(audio.to_mono(sound.samples), sound.sample_rate, title=Path(file).name)
        save_figure(figure, plot)
        say(f"picture: {plot}")


# ---- data ----


def get_archive(name: str | None, folder: Path) -> int:
    """Download and unpack an archive, or list the archives."""
    from hanmadi.data.sources.download import ARCHIVES, get

    if name is None:
        for archive in ARCHIVES.values():
            size = f"{archive.size / 1e6:,.0f} MB" if archive.size else "size told by the server"
            show(f"{archive.name:32} {size:>24}  {archive.licence}, {archive.citation}")
        return 0
    with _bytes_bar() as progress:
        path = get(name, folder, progress=progress)
    say(f"{path}: train on it with: hanmadi train --data {path}")
    return 0


def synthesise(words: tuple[str, ...] | None, folder: Path, **options: Any) -> int:
    """Write a corpus of synthetic speech."""
    from hanmadi.data.sources.synth import SynthSource, write_corpus
    from hanmadi.labels import make_labels

    given = {name: value for name, value in options.items() if value is not None}
    source = SynthSource(words=make_labels(words).keywords, **given)
    with _counter("synthesised") as count:
        report = write_corpus(source, folder, progress=count)
    say(
        f"{report.folder}: {report.clips} clips of {report.words} words by {report.speakers} speakers, "
        f"{report.noises} noises"
    )
    return 0


def check_data(source: str, *, as_json: bool) -> int:
    """Count clips and list problems; exit code 1 when some files could not be read."""
    from hanmadi.data.check import check
    from hanmadi.data.sources import open_source

    with _counter("read") as count:
        found = check(open_source(source), progress=count)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_check(found)
    return 1 if found.broken else 0


def export_data(source: str | None, out: Path, **options: Any) -> int:
    """Write recordings as the course's file and say what is in it."""
    from hanmadi.data.export import export_npz

    found = export_npz(source, out, **options)
    show(f"{found.path}: {sum(found.counts.values())} clips")
    show(table(["label", "clips"], [[label, str(count)] for label, count in found.counts.items()]))
    return 0


def _show_check(found: DataCheck) -> None:
    splits = list(dict.fromkeys(split for counts in found.counts.values() for split in counts))
    header = ["word", *(f"{split}: clips / speakers / s" for split in splits)]
    rows = []
    for word, counts in sorted(found.counts.items()):
        cells = [counts.get(split) for split in splits]
        rows.append([word, *(f"{c.clips} / {len(c.speakers)} / {c.seconds:.0f}" if c else "-" for c in cells)])
    show(table(header, rows))
    rates = ", ".join(f"{rate} Hz: {n}" for rate, n in sorted(found.rates.items()))
    show(
        f"\n{one_line(found.source)}: {found.clips} clips of {len(found.counts)} words ({rates}), {found.noises} noises"
    )
    for note in found.notes:
        show(f"note: {one_line(note)}")
    for kind, listed in found.problems.items():
        show(f"{kind}: {len(listed)}")
        for problem in listed[:_LISTED]:
            show(f"  {one_line(problem.name)}: {one_line(problem.reason)}")
        if len(listed) > _LISTED:
            show(f"  and {len(listed) - _LISTED} more; all with --json")


# ---- training ----


def list_architectures() -> int:
    """Names and one line for each."""
    from hanmadi.models import architecture, names

    for name in names():
        show(f"{name:24} {architecture(name).summary}")
    return 0


def train(settings: Settings, *, out: str | None) -> int:
    """Train and say what came out."""
    from hanmadi.training import train as training

    with training_display() as hooks:
        run = training.train_as(settings, out=out, hooks=hooks)
    _show_run(run)
    return 0


def resume(*, out: str | None, epochs: int | None, minutes: float | None) -> int:
    """Go on with a training and say what came out."""
    from hanmadi.training import train as training

    with training_display() as hooks:
        run = training.resume(out, epochs=epochs, minutes=minutes, hooks=hooks)
    _show_run(run)
    return 0


def _show_run(run: Run) -> None:
    from hanmadi.runs import REPORT

    metrics = run.about.metrics
    _show_accuracy(run.evaluation)
    if metrics.train and metrics.validation and metrics.gap is not None:
        say(
            f"training {metrics.train.accuracy:.1%}, validation {metrics.validation.accuracy:.1%}, "
            f"gap {100 * metrics.gap:+.1f} points"
        )
    say(f"report: {run.folder / REPORT}\nmodel:  {run.model}")
    say("next:   hanmadi try    or    hanmadi predict FILE")


@contextmanager
def training_display() -> Iterator[Hooks]:
    """Hooks that show a bar on a terminal, and a line an epoch elsewhere."""
    from hanmadi.errors import MissingExtraError
    from hanmadi.training.budget import Hooks

    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
    except ImportError as error:
        raise MissingExtraError("train", "training") from error
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.fields[facts]}"),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    task = bar.add_task("reading", total=None, facts="")

    def on_clips(count: int) -> None:
        bar.update(task, facts=f"{count} recordings")

    def on_step(step: Step) -> None:
        facts = f"loss {step.loss:.3f}  accuracy {step.accuracy:.1%}  {_clock(step.seconds_left)} left"
        bar.update(task, description=f"epoch {step.epoch}", total=1.0, completed=step.share, facts=facts)

    def on_epoch(row: Epoch) -> None:
        console.print(
            f"epoch {row.epoch:>3}  loss {row.train_loss:.3f} / {row.validation_loss:.3f}  "
            f"accuracy {row.train_accuracy:.1%} / {row.validation_accuracy:.1%}  {row.seconds:.0f} s",
            highlight=False,
        )

    with bar:
        yield Hooks(on_clips=on_clips, on_start=_show_start, on_step=on_step, on_epoch=on_epoch)


def _show_start(card: Card) -> None:
    data, network = card.data, card.architecture
    counts = ", ".join(f"{split} {found.clips}" for split, found in data.splits.items())
    say(f"{network.name}: {network.parameters:,} parameters, {network.macs / 1e6:.1f} M MACs")
    say(f"{data.source}: {counts} clips, split: {data.method}")
    if data.broken:
        say(f"{data.broken} recordings could not be read and are left out; see: hanmadi data check")
    altered = " (training clips are altered, so they can be harder)" if card.training.recipe.get("augment") else ""
    say(f"each epoch: training / validation{altered}")


# ---- judging ----


def evaluate(model: str | None, data: str | None, split: Any, *, as_json: bool) -> int:
    """Judge a model and print the figures; exit code 1 when some recordings could not be read."""
    from hanmadi.evaluation import evaluation

    with _counter("read") as count:
        found = evaluation.evaluate(model, data, split=split, progress=count)
    _show_accuracy(found)
    if as_json:
        print_json(found.to_dict())
    else:
        header = ["label", "clips", "precision", "recall", "95 % interval of recall"]
        show(table(header, [_label_row(scores) for scores in found.per_label]))
        show("\n" + _confusion_table(found))
    return 1 if found.broken else 0


def _show_accuracy(found: Evaluation) -> None:
    low, high = found.interval
    say(
        f"accuracy {found.accuracy:.1%} of {found.clips} clips (95 % interval {low:.1%} to {high:.1%}), "
        f"{found.data}, split: {found.split}"
    )
    if found.made_silence:
        say(f"silence made from held-out noise: {found.made_silence_right} of {found.made_silence} right")
    if found.left_out:
        say(f"{found.left_out} clips left out: the model has no label for their words")
    if found.broken:
        say(f"{found.broken} recordings could not be read and are left out; see: hanmadi data check")


def _label_row(scores: Any) -> list[str]:
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


def try_clip(model: str | None, data: str | None, *, seed: int | None, plot: str | None, play: bool) -> int:
    """Recognise a random test clip."""
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
    return 0


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


def compare(archs: Sequence[str] | None, data: str | None, out: str | None, **options: Any) -> int:
    """Train several networks and print the table."""
    from hanmadi.training import compare as comparison

    given = {name: value for name, value in options.items() if value is not None}
    if archs:
        given["archs"] = archs
    if out:
        given["out"] = out
    found = comparison.compare(data, **given, on_model=lambda name: say(f"\n== {name} =="))
    show(found.markdown())
    say(f"table: {found.folder / comparison.TABLE_CSV}\nplot:  {found.folder / comparison.PLOT}")
    return 0


# ---- small parts ----


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


@contextmanager
def _counter(verb: str) -> Iterator[Callable[[int], None]]:
    """A count that moves on a terminal, and nothing elsewhere."""
    shown = sys.stderr.isatty()

    def count_up(count: int) -> None:
        if shown and count % 100 == 0:
            draw(f"{verb} {count}")

    try:
        yield count_up
    finally:
        if shown:
            undraw(_COUNT_WIDTH)


@contextmanager
def _bytes_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Megabytes so far, in place on a terminal, in tenths elsewhere."""
    shown = sys.stderr.isatty()
    last = ("", -1)

    def progress(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        tenth = (stage, 10 * done // total if total else -1)
        if not shown and tenth == last:
            return
        last = tenth
        of = f" of {total / 1e6:,.0f} MB ({done / total:.0%})" if total else " MB"
        line = f"{stage} {done / 1e6:,.0f}{of}   "
        draw(line) if shown else say(line)

    yield progress
    if shown:
        say()
