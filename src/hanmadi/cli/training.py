"""``hanmadi train`` and ``hanmadi compare``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from hanmadi.cli.models import show_accuracy
from hanmadi.cli.options import DONE, SEED, Number, Renamed, Words, data_option, refuse_others, words_option
from hanmadi.cli.output import say, show
from hanmadi.data.methods import DEFAULT_HOLDOUT, METHODS, Method
from hanmadi.runs import DEFAULT_ARCH, REPORT, Settings

if TYPE_CHECKING:
    from hanmadi.card import Card
    from hanmadi.runs import Epoch
    from hanmadi.training.budget import Hooks, Step
    from hanmadi.training.train import Run


@click.command()
@data_option
@click.option("--arch", default=DEFAULT_ARCH, show_default=True, help="Network; see: hanmadi train --list.")
@words_option
@click.option("--epochs", type=click.IntRange(1, 1_000_000), help="Passes over the training clips.")
@click.option("--minutes", type=Number(0, 1_000_000, min_open=True), help="Time for training.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--split", type=click.Choice(METHODS), default="auto", show_default=True, help="How clips are divided.")
@click.option(
    "--holdout", type=Number(0, 1), default=DEFAULT_HOLDOUT, show_default=True, help="Share of validation, of test."
)
@click.option(
    "--validation-share", "validation", type=Number(0, 1), help="Share of validation; that of --holdout otherwise."
)
@click.option("--hard-negatives", metavar="DIR", help="Clips to learn as unknown words, of: hanmadi mine.")
@click.option(
    "--negatives", "--talk", cls=Renamed, multiple=True, metavar="PATH",
    help="Recordings without a keyword to learn from; repeatable.",
)  # fmt: skip
@click.option(
    "--teacher", "teachers", multiple=True, metavar="MODEL", help="Learn from a run or shipped model too; repeatable."
)
@click.option(
    "--from", "pretrained", metavar="encoder|none|FILE",
    help="Start from the speech encoder, as base does by default; from nothing; from an encoder of your own.",
)  # fmt: skip
@click.option("--out", metavar="RUN", help="Run folder; a new one in runs/ otherwise.")
@click.option("--resume", "go_on", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--list", "list_archs", is_flag=True, help="List the networks and end.")
@click.pass_context
def train(
    context: click.Context, /, data: str | None, arch: str, words: tuple[str, ...] | None, epochs: int | None,
    minutes: float | None, seed: int, split: Method, holdout: float, validation: float | None,
    hard_negatives: str | None, negatives: tuple[str, ...], teachers: tuple[str, ...],
    pretrained: str | None, out: str | None, go_on: bool, list_archs: bool,
) -> int:  # fmt: skip
    """Train a recogniser; without --data, on synthetic speech."""
    if list_archs:
        refuse_others(context, "list_archs", why="has no effect with --list")
        return _list_architectures()
    if go_on:
        why = "cannot be changed: --resume keeps the settings of its run; only --out, --epochs, --minutes go with it"
        refuse_others(context, "go_on", "out", "epochs", "minutes", why=why)
    from hanmadi.training import train as training

    settings = Settings(
        data,
        arch,
        words,
        epochs,
        minutes,
        seed,
        split,
        holdout,
        validation,
        hard_negatives,
        negatives,
        teachers,
        pretrained,
    )
    with training_display() as hooks:
        if go_on:
            run = training.resume(out, epochs=epochs, minutes=minutes, hooks=hooks)
        else:
            run = training.train_as(settings, out=out, hooks=hooks)
    _show_run(run)
    return DONE


@click.command()
@data_option
@click.option(
    "--archs",
    type=Words(),
    help="Networks, separated by commas; small and the course's five otherwise.",
)
@words_option
@click.option("--epochs", type=click.IntRange(1, 1_000_000), help="The same number for each.")
@click.option("--minutes", type=Number(0, 1_000_000, min_open=True), help="The same time for each.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--split", type=click.Choice(METHODS), default="auto", show_default=True)
@click.option("--out", default="comparison", help="Folder for the runs, the table and the plot.")
def compare(
    data: str | None, archs: Sequence[str] | None, words: tuple[str, ...] | None, epochs: int | None,
    minutes: float | None, seed: int, split: Method, out: str,
) -> int:  # fmt: skip
    """Train several networks on the same data under the same budget; one table, one plot."""
    from hanmadi.training import compare as comparison

    found = comparison.compare(
        data, archs=archs or comparison.ARCHS, words=words, epochs=epochs, minutes=minutes, seed=seed, split=split,
        out=out, on_model=lambda name: say(f"\n== {name} =="),
    )  # fmt: skip
    show(found.markdown())
    say(f"table: {found.folder / comparison.TABLE_CSV}\nplot:  {found.folder / comparison.PLOT}")
    return DONE


def _list_architectures() -> int:
    """Print the names of the networks, each with a line on it."""
    from hanmadi.models import architecture, names

    for name in names():
        show(f"{name:24} {architecture(name).summary}")
    return DONE


def _show_run(run: Run) -> None:
    metrics = run.about.metrics
    show_accuracy(run.evaluation)
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
    augmented = " (training clips are augmented, so they can be harder)" if card.training.recipe.get("augment") else ""
    say(f"each epoch: training / validation{augmented}")


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
