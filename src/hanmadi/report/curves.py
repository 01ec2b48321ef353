"""Accuracy and loss over the epochs as inline SVG, in colours that the page chooses for light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from hanmadi.card import Card
from hanmadi.report.html import Html, count, number, percent, scrolling, section, tag

if TYPE_CHECKING:
    from hanmadi.runs import Epoch

WIDTH, HEIGHT = 460.0, 270.0  # units of the drawing
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 38.0  # margins
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS: Final = 5


class Scale(NamedTuple):
    """Values to places in the drawing."""

    low: float
    high: float
    start: float  # place of low
    end: float  # place of high

    def __call__(self, value: float) -> float:
        """The place in the drawing, in pixels, of a value of the axis."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Chart:
    """What one of the two drawings shows."""

    title: str
    unit: str
    epochs: tuple[int, ...]
    train: tuple[float, ...]
    validation: tuple[float, ...]
    kept: int  # epoch whose weights were kept


def curves(card: Card, history: Sequence[Epoch]) -> Html | None:
    """The section with both drawings and all numbers; None without a history."""
    if not history:
        return None
    epochs = tuple(row.epoch for row in history)
    kept = kept_epoch(card, history)
    accuracy = Chart(
        "Accuracy", "%", epochs, tuple(100 * row.train_accuracy for row in history),
        tuple(100 * row.validation_accuracy for row in history), kept,
    )  # fmt: skip
    loss = Chart(
        "Loss", "", epochs, tuple(row.train_loss for row in history),
        tuple(row.validation_loss for row in history), kept,
    )  # fmt: skip
    return section(
        "curves",
        "How it learned",
        tag("p", *_what_happened(history, kept)),
        tag("div", draw(accuracy), draw(loss), class_="charts"),
        _legend(),
        _note(card),
        _numbers(history, kept),
    )


def kept_epoch(card: Card, history: Sequence[Epoch]) -> int:
    """The epoch whose weights were kept; without a word of it in the card, the one with the lowest validation loss."""
    told = card.training.kept_epoch
    finite = [row for row in history if math.isfinite(row.validation_loss)]
    found = min(finite, key=lambda row: row.validation_loss).epoch if finite else history[-1].epoch
    return told if told in {row.epoch for row in history} else found


def draw(chart: Chart) -> Html:
    """One drawing: two lines, the gap between them shaded, the epoch that was kept marked."""
    across, up = _scales(chart)
    lines = [
        tag("path", d=_gap(chart, across, up), class_="gap"),
        tag("line", x1=across(chart.kept), x2=across(chart.kept), y1=TOP, y2=HEIGHT - BOTTOM, class_="best"),
    ]
    for kind, values in (("train", chart.train), ("validation", chart.validation)):
        lines.append(tag("path", d=_line(chart.epochs, values, across, up), class_=f"line {kind}"))
        place = chart.epochs.index(chart.kept)
        lines += [
            tag("circle", cx=round(across(epoch), 1), cy=round(up(value), 1), r=4, class_=f"mark {kind}")
            for i, (epoch, value) in enumerate(zip(chart.epochs, values, strict=True))
            if math.isfinite(value) and (len(values) == 1 or (i == place and kind == "validation"))
        ]
    drawing = tag(
        "svg", *_axes(chart, across, up), *lines, *_touch(chart, across),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img", aria_label=_summary(chart), class_="chart",
    )  # fmt: skip
    return tag("figure", tag("figcaption", f"{chart.title}{f' ({chart.unit})' if chart.unit else ''}"), drawing)


def ticks(low: float, high: float, *, most: int = _TICKS, whole: bool = False) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most about ``most`` of them."""
    raw = max(high - low, 1e-9) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in _STEPS if power * factor >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, round(step))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 9) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _scales(chart: Chart) -> tuple[Scale, Scale]:
    finite = [v for v in (*chart.train, *chart.validation) if math.isfinite(v)] or [0.0, 1.0]
    if chart.unit == "%":
        low, high = max(0.0, 10 * math.floor(min(finite) / 10 - 0.2)), 100.0
    else:
        low, high = 0.0, 1.05 * max(finite) or 1.0
    first, last = chart.epochs[0], chart.epochs[-1]
    if first == last:
        first, last = first - 1, last + 1  # one epoch stands in the middle
    return Scale(first, last, LEFT + 6, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP)


def _axes(chart: Chart, across: Scale, up: Scale) -> list[Html]:
    bottom = HEIGHT - BOTTOM
    drawn = []
    for value in ticks(up.low, up.high):
        y = round(up(value), 1)
        drawn.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        drawn.append(tag("text", f"{value:g}", x=LEFT - 8, y=y + 4, class_="tick end"))
    shown = [v for v in ticks(across.low, across.high, most=8, whole=True) if chart.epochs[0] <= v <= chart.epochs[-1]]
    for value in shown:
        drawn.append(tag("text", f"{value:g}", x=round(across(value), 1), y=bottom + 18, class_="tick middle"))
    drawn.append(tag("text", "epoch", x=WIDTH - RIGHT, y=bottom + 34, class_="tick end"))
    return drawn


def _line(epochs: Sequence[int], values: Sequence[float], across: Scale, up: Scale) -> str:
    """A path through the finite values, broken at the others."""
    parts, pen = [], "M"
    for epoch, value in zip(epochs, values, strict=True):
        if math.isfinite(value):
            parts.append(f"{pen}{across(epoch):.1f} {up(value):.1f}")
        pen = "L" if math.isfinite(value) else "M"
    return "".join(parts)


def _gap(chart: Chart, across: Scale, up: Scale) -> str:
    rows = [
        row for row in zip(chart.epochs, chart.train, chart.validation, strict=True) if all(map(math.isfinite, row))
    ]
    if len(rows) < 2:
        return ""
    there = [f"{across(epoch):.1f} {up(train):.1f}" for epoch, train, _ in rows]
    back = [f"{across(epoch):.1f} {up(validation):.1f}" for epoch, _, validation in reversed(rows)]
    return f"M{'L'.join(there + back)}Z"


def _touch(chart: Chart, across: Scale) -> list[Html]:
    """An unseen band for each epoch that tells its numbers under the pointer."""
    width = (WIDTH - RIGHT - LEFT) / len(chart.epochs)
    bands = []
    for epoch, train, validation in zip(chart.epochs, chart.train, chart.validation, strict=True):
        text = f"Epoch {epoch}: training {_value(train, chart)}, validation {_value(validation, chart)}"
        start = max(LEFT, across(epoch) - width / 2)
        band = min(width, WIDTH - start)
        bands.append(
            tag("rect", tag("title", text), x=round(start, 2), y=TOP, width=round(band, 2),
                height=HEIGHT - BOTTOM - TOP, class_="touch")
        )  # fmt: skip
    return bands


def _value(value: float, chart: Chart) -> str:
    return percent(value / 100) if chart.unit == "%" else number(value, 3)


def _summary(chart: Chart) -> str:
    train, validation = (
        f"{_value(values[0], chart)} to {_value(values[-1], chart)}" for values in (chart.train, chart.validation)
    )
    epochs = count(len(chart.epochs), "epoch")
    kept = f"weights of epoch {chart.kept} kept"
    return f"{chart.title} over {epochs}: training from {train}, validation from {validation}; {kept}"


def _legend() -> Html:
    entries = [
        ("train", "training"),
        ("validation", "validation"),
        ("shade", "gap"),
        ("kept", "epoch whose weights were kept"),
    ]
    return tag("p", *[tag("span", tag("i", class_=kind), text) for kind, text in entries], class_="legend")


def _what_happened(history: Sequence[Epoch], kept: int) -> list[str]:
    row = next(row for row in history if row.epoch == kept)
    last = history[-1]
    text = [
        f"The weights of epoch {kept} of {len(history)} were kept: validation loss {number(row.validation_loss, 3)}, "
        f"{percent(row.validation_accuracy)} of the validation clips right. "
    ]
    if len(history) == 1:
        return [*text, "One epoch is a beginning; more would show whether it still improves."]
    if kept < last.epoch:
        text.append(f"Later epochs were worse: {number(last.validation_loss, 3)} at the end.")
    return text


def _note(card: Card) -> Html | None:
    recipe = card.training.recipe
    changes = {"augment": "augmented clips", "label_smoothing": "smoothed labels"}
    augmented = [word for key, word in changes.items() if recipe.get(key)]
    if not augmented:
        return tag("p", "Training figures are measured while it learns.", class_="note")
    text = (
        f"Training figures are measured on {' and '.join(augmented)} while it learns, validation figures on clips as "
        "recorded. That is why training may look worse than validation here; the gap above compares like with like."
    )
    if card.training.teachers:
        text += " The training loss is mostly the distance to what the teachers answer, so it is on a scale of its own."
    return tag("p", text, class_="note")


def _numbers(history: Sequence[Epoch], best: int) -> Html:
    names = (
        "epoch", "examples", "seconds", "learning rate", "training loss", "training accuracy", "validation loss",
        "validation accuracy",
    )  # fmt: skip
    head = tag("thead", tag("tr", *[tag("th", column, scope="col", class_="n") for column in names]))
    rows = []
    for row in history:
        cells = [
            f"{row.epoch}", number(row.examples), f"{row.seconds:.1f}", number(row.learning_rate, 3),
            number(row.train_loss, 4), percent(row.train_accuracy), number(row.validation_loss, 4),
            percent(row.validation_accuracy),
        ]  # fmt: skip
        kept = "kept" if row.epoch == best else None
        rows.append(tag("tr", *[tag("td", cell, class_="n") for cell in cells], class_=kept))
    table = tag("table", head, tag("tbody", *rows), class_="plain")
    return tag("details", tag("summary", "The numbers of every epoch"), scrolling("Numbers of every epoch", table))
