"""Pictures of sounds, trainings and results.

Functions that take ``axes`` (of `new_figure`) draw into them; the others return a new ``Figure``, for
`save_figure` or `figure_png`. Text may be Korean: without a Korean font it is written in Latin letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hanmadi.audio import signals
from hanmadi.errors import AudioError, DataError
from hanmadi.plots.style import (
    BLUE,
    GREY,
    GRID,
    INK,
    LINE,
    ORANGE,
    add_colour_bar,
    finish,
    finish_counts,
    finish_frequency,
    finish_time,
    fonts,
    legible,
    scaled,
)
from hanmadi.plots.style import add_legend as add_legend
from hanmadi.plots.style import figure_png as figure_png
from hanmadi.plots.style import new_figure as new_figure
from hanmadi.plots.style import save_figure as save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

COLOUR_MAP: Final = "magma"  # even steps of lightness: also right in grey
MAX_STEMS: Final = 1_000
_COLUMNS: Final = 2_000  # more columns than a screen has are drawn as summaries
# where a name may stand beside its point: alignment and offset in points, best first
_SIDES: Final = (
    ("left", 9, 0), ("right", -9, 0), ("left", 7, 11), ("right", -7, 11), ("left", 7, -11),
    ("right", -7, -11),
)  # fmt: skip


class ComparisonRow(NamedTuple):
    """One model in `draw_comparison`."""

    name: str
    parameters: int
    accuracy: float  # in [0, 1]
    low: float  # ends of its 95 % interval
    high: float


# ---- one sound ----


def draw_line(
    axes: Axes,
    samples: ArrayLike,
    sample_rate: float,
    *,
    start_s: float = 0.0,
    colour: str = BLUE,
    label: str | None = None,
) -> None:
    """Draw samples (n,) as a continuous line over time. Raises AudioError for samples that are not (n,)."""
    values = signals.check_mono(samples)
    time_s = start_s + signals.time_axis(len(values), sample_rate=sample_rate)
    axes.plot(time_s, values, color=colour, linewidth=1.6, label=label and legible(label))
    finish_time(axes)


def draw_stems(
    axes: Axes,
    samples: ArrayLike,
    sample_rate: float,
    *,
    start_s: float = 0.0,
    colour: str = ORANGE,
    label: str | None = None,
) -> None:
    """Draw samples (n,) one by one, each a dot on a stem: what a computer holds of a sound.

    Raises AudioError for more than 1,000 samples, which no eye tells apart.
    """
    values = signals.check_mono(samples)
    if len(values) > MAX_STEMS:
        raise AudioError(
            f"expected at most {MAX_STEMS} samples to draw one by one, got {len(values)}; "
            "draw a part, such as samples[:200], or use draw_line"
        )
    time_s = start_s + signals.time_axis(len(values), sample_rate=sample_rate)
    axes.axhline(0, color=LINE, linewidth=1, zorder=1)
    axes.vlines(time_s, 0, values, color=colour, linewidth=1.1, alpha=0.7, zorder=3)
    size = 26 if len(values) <= 100 else 10
    axes.scatter(time_s, values, s=size, color=colour, label=label and legible(label), linewidths=0, zorder=4)
    finish_time(axes)


def draw_waveform(axes: Axes, samples: ArrayLike, sample_rate: float, *, colour: str = BLUE) -> None:
    """Draw samples (n,) over time; of a long sound the lowest and highest in each column of the picture."""
    values = signals.check_mono(samples)
    duration_s = _duration_s(values, sample_rate)
    axes.axhline(0, color=LINE, linewidth=0.8, zorder=1)
    if len(values) <= 4 * _COLUMNS:
        time_s = signals.time_axis(len(values), sample_rate=sample_rate)
        axes.plot(time_s, values, color=colour, linewidth=0.8)
    else:
        starts = np.linspace(0, len(values), _COLUMNS, endpoint=False).astype(int)
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        axes.fill_between(starts / sample_rate, low, high, color=colour, linewidth=0.3)
    peak = max(float(np.abs(values).max()), 1e-4)  # silence too has a height
    axes.set(xlim=(0, duration_s), ylim=(-1.08 * peak, 1.08 * peak))
    finish_time(axes)


def draw_spectrogram(
    axes: Axes,
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int | None = None,
    hop: int | None = None,
    window: str = "hann",
    range_db: float = 80.0,
) -> AxesImage:
    """Draw the spectrogram of samples (n,) with its colour bar: frequency over time, level as brightness.

    0 dB is a full-scale tone. The colours span ``range_db`` below the loudest point. Without sizes the
    window is about 32 ms and the hop an eighth of it. Raises AudioError like `signals.stft`.
    """
    values = signals.check_mono(samples)
    duration_s = _duration_s(values, sample_rate)
    n_fft = n_fft or 2 ** max(4, round(np.log2(0.032 * sample_rate)))
    hop = hop or max(1, n_fft // 8)
    level = _level_columns(values, n_fft=n_fft, hop=hop, window=window)
    top = float(np.ceil(level.max() / 5) * 5)
    half = duration_s / level.shape[1] / 2  # a column is about its time, not after it
    image = axes.imshow(
        level,
        origin="lower",
        aspect="auto",
        extent=(-half, duration_s + half, 0, sample_rate / 2),
        cmap=COLOUR_MAP,
        vmin=top - range_db,
        vmax=top,
    )
    axes.set(xlim=(0, duration_s), ylim=(0, sample_rate / 2))
    finish_time(axes, label=None)
    finish_frequency(axes, axis="y")
    axes.grid(visible=False)
    add_colour_bar(axes, image)
    return image


def waveform_and_spectrogram(samples: ArrayLike, sample_rate: float, *, title: str = "") -> Figure:
    """A figure of a sound (n,): above its waveform, below its spectrogram, over one time axis.

    Raises AudioError for samples that are not mono, MissingExtraError without matplotlib.
    """
    figure, (upper, lower) = new_figure(2, height_in=5.4, ratios=(2, 3), share_x=True, title=title)
    draw_waveform(upper, samples, sample_rate)
    draw_spectrogram(lower, samples, sample_rate)
    upper.tick_params(labelbottom=False)
    upper.set_xlabel("")
    return figure


def magnitude_and_phase(
    samples: ArrayLike, sample_rate: float, *, title: str = "", in_db: bool = False, floor: float = 0.01
) -> Figure:
    """A figure of the spectrum of samples (n,): magnitude above, phase below, from 0 to half the rate.

    The magnitude of a tone reads as its amplitude. Phase is drawn where the magnitude is above ``floor``
    times its maximum: the phase of nothing means nothing. Raises AudioError for samples that are not mono.
    """
    values = signals.check_mono(samples)
    spectrum = np.fft.rfft(values) * 2 / len(values)
    size = signals.magnitude(spectrum)
    frequency_hz = signals.bin_frequencies(len(values), sample_rate=sample_rate)
    shown = size > floor * size.max()
    figure, (upper, lower) = new_figure(2, height_in=5.0, ratios=(3, 2), share_x=True, title=title)
    upper.plot(frequency_hz, signals.to_db(size) if in_db else size, color=BLUE, linewidth=1.2)
    upper.tick_params(labelbottom=False)
    upper.yaxis.set_major_formatter(scaled(1))
    finish(upper, y="Magnitude (dB)" if in_db else "Magnitude")
    lower.axhline(0, color=LINE, linewidth=0.8, zorder=1)
    dot = 12 if shown.sum() <= 200 else 2
    lower.scatter(frequency_hz[shown], signals.phase(spectrum[shown]), s=dot, color=ORANGE, linewidths=0)
    lower.set(xlim=(0, sample_rate / 2), ylim=(-3.5, 3.5))
    lower.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    finish(lower, y="Phase (rad)")
    finish_frequency(lower, axis="x")
    return figure


# ---- training and results ----


def draw_curves(
    *,
    train_loss: Sequence[float],
    validation_loss: Sequence[float],
    train_accuracy: Sequence[float],
    validation_accuracy: Sequence[float],
    epochs: Sequence[float] | None = None,
    title: str = "",
) -> Figure:
    """A figure of a training: loss and accuracy over the epochs, the gap to validation shaded.

    Four columns (n_epochs,), accuracy in [0, 1]; NaN is left out. ``epochs`` counts from 1 if not given.
    Raises DataError for columns of different lengths or without epochs.
    """
    columns = [np.asarray(c, float) for c in (train_loss, validation_loss, train_accuracy, validation_accuracy)]
    x = np.asarray(range(1, len(columns[0]) + 1) if epochs is None else epochs, float)
    if len({column.shape for column in (x, *columns)}) != 1 or x.ndim != 1 or len(x) == 0:
        raise DataError(f"expected columns of one length, got {[c.shape for c in (x, *columns)]}")
    figure, (left, right) = new_figure(1, 2, height_in=3.9, title=title)
    _draw_gap(left, x, columns[0], columns[1])
    left.set_ylim(bottom=0)
    add_legend(left, place="upper right")
    finish(left, x="Epoch", y="Loss", title="Loss")
    _draw_gap(right, x, 100 * columns[2], 100 * columns[3])
    finish(right, x="Epoch", y="Accuracy (%)", title=_accuracy_title(x, columns[3]))
    _mark_best(right, x, 100 * columns[3])
    return figure


def draw_confusion(matrix: ArrayLike, labels: Sequence[str], *, title: str | None = None) -> Figure:
    """A figure of a confusion matrix (n, n) of counts, rows truth: right answers blue, mistakes orange.

    Colour is the share of the row, so that rare labels show as well as frequent ones; the share that is
    right stands beside the row. Raises DataError if the matrix does not fit the labels.
    """
    counts = np.asarray(matrix)
    n = len(labels)
    if counts.shape != (n, n) or n == 0:
        raise DataError(f"expected counts ({n}, {n}) for {n} labels, got shape {counts.shape}")
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    side = float(np.clip(0.47 * n + 1.9, 4.4, 22))
    figure, (axes,) = new_figure(1, width_in=side + 0.4, height_in=side)
    axes.imshow(_confusion_colours(shares))
    _write_counts(axes, counts, shares)
    named = [legible(label) for label in labels]
    crowded = max(map(len, named)) * n > 40
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(n), named, **slant)
    axes.set_yticks(range(n), named)
    right, total = int(counts.trace()), int(counts.sum())
    fallback = f"{right:,} of {total:,} clips are right: {_percent(right, total)}"
    finish(axes, x="Prediction", y="Truth", title=fallback if title is None else title)
    _grid_of_cells(axes, n)
    _write_recall(axes, counts.diagonal(), totals)
    return figure


def draw_comparison(rows: Sequence[ComparisonRow], *, title: str = "Accuracy against size") -> Figure:
    """A figure that compares models: accuracy with its 95 % interval over the parameters (log axis).

    Raises DataError for no rows, no parameters, or an accuracy outside its interval or [0, 1].
    """
    for row in rows:
        if row.parameters < 1 or not 0 <= row.low <= row.accuracy <= row.high <= 1:
            raise DataError(f"expected parameters above 0 and 0 <= low <= accuracy <= high <= 1, got {row}")
    if not rows:
        raise DataError("expected at least one model to compare, got none")
    figure, (axes,) = new_figure(1, height_in=4.6)
    size, middle, low, high = (np.array(column, float) for column in list(zip(*rows, strict=True))[1:])
    spread = 100 * np.stack([middle - low, high - middle])
    axes.errorbar(size, 100 * middle, spread, fmt="o", markersize=7, color=BLUE, ecolor="#7fb8d8", elinewidth=1.6)
    axes.set_xscale("log")
    axes.set_xlim(size.min() / 1.8, size.max() * 2.6)
    finish(axes, x="Parameters", y="Accuracy (%), with 95 % interval", title=title)
    finish_counts(axes)
    figure.draw_without_rendering()  # places are known only now
    _write_names(axes, rows)
    return figure


def draw_det(
    *,
    false_alarms: Sequence[int],
    miss_rate: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    hours: float,
    chosen: tuple[int, float] | None = None,
    title: str = "Missed words against false alarms",
) -> Figure:
    """A figure of a DET curve: misses over false alarms an hour (log axis), one entry a threshold.

    low, high: ends of the 95 % interval of the false alarms an hour. Thresholds without a false alarm are drawn where
    half an alarm would be, hollow. ``chosen`` (false alarms, miss rate) is marked. Raises DataError for columns of
    different lengths or without entries, or no hours.
    """
    columns = [np.asarray(column, float) for column in (false_alarms, miss_rate, low, high)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1 or not len(columns[0]) or not hours > 0:
        raise DataError(f"expected columns of one length and hours, got {[c.shape for c in columns]}, {hours:g} h")
    counts, missed, lowest, highest = columns
    figure, (axes,) = new_figure(1, height_in=4.6)
    rate = np.maximum(counts, 0.5) / hours
    axes.fill_betweenx(100 * missed, np.maximum(lowest, 0.1 / hours), highest, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(rate, 100 * missed, color=BLUE, linewidth=1.6)
    some = counts > 0
    axes.scatter(rate[some], 100 * missed[some], s=22, color=BLUE, label="a threshold", zorder=4)
    axes.scatter(
        rate[~some], 100 * missed[~some], s=22, color="white", edgecolor=BLUE, label="no false alarm", zorder=4
    )
    if chosen is not None:
        place = max(chosen[0], 0.5) / hours, 100 * chosen[1]
        axes.scatter(*place, s=90, marker="D", color=ORANGE, label="the model's decisions", zorder=5)
    axes.set_xscale("log")
    axes.set_ylim(0, min(100.0, 105 * float(missed.max()) + 1))
    finish(axes, x=f"False alarms an hour, with 95 % interval ({hours:.2f} h)", y="Missed words (%)", title=title)
    axes.xaxis.set_major_formatter(scaled(1))
    add_legend(axes, place="upper right")
    return figure


# ---- the parts of the pictures ----


def _duration_s(samples: NDArray[np.float64], sample_rate: float) -> float:
    if not sample_rate > 0:
        raise AudioError(f"expected sample_rate above 0 Hz, got {sample_rate}")
    return len(samples) / sample_rate


def _level_columns(samples: NDArray[np.float64], *, n_fft: int, hop: int, window: str) -> NDArray[np.float64]:
    """Spectrogram in dB, (n_fft // 2 + 1, columns); of a long sound a column is the mean of its frames."""
    scale = 2 / signals.get_window(window, n_fft).sum()  # a tone of amplitude 1 reads 1
    n_frames = 1 + len(samples) // hop
    group = -(-n_frames // _COLUMNS)
    padded = np.pad(samples, (n_fft // 2, n_fft // 2 + group * hop))
    columns = []
    for first in range(0, n_frames, group):  # part by part: an hour needs no more memory than a second
        part = padded[first * hop : first * hop + (group - 1) * hop + n_fft]
        frames = signals.stft(part, n_fft=n_fft, hop=hop, window=window, centred=False)
        columns.append(np.sqrt(np.mean(np.abs(frames) ** 2, axis=1)))
    return np.asarray(signals.to_db(scale * np.stack(columns, axis=1), floor_db=-120))


def _draw_gap(axes: Axes, x: ArrayLike, train: NDArray[np.float64], validation: NDArray[np.float64]) -> None:
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(train) == 1 else None  # one epoch makes no line
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(scaled(1))
    axes.fill_between(x, train, validation, color=ORANGE, alpha=0.13, linewidth=0, label="gap")
    axes.plot(x, train, color=BLUE, linewidth=1.8, marker=marker, label="training")
    axes.plot(x, validation, color=ORANGE, linewidth=1.8, marker=marker, label="validation")


def _mark_best(axes: Axes, epochs: NDArray[np.float64], validation: NDArray[np.float64]) -> None:
    if not np.isnan(validation).all():
        best = int(np.nanargmax(validation))
        axes.scatter(epochs[best], validation[best], s=42, color=ORANGE, edgecolors="white", zorder=4)


def _accuracy_title(epochs: ArrayLike, validation: NDArray[np.float64]) -> str:
    if np.isnan(validation).all():
        return "Accuracy"
    best = int(np.nanargmax(validation))
    return f"Accuracy: best {100 * validation[best]:.1f} % (epoch {np.asarray(epochs)[best]:g})"


def _confusion_colours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, n, 3) from white to blue on the diagonal, to orange beside it."""
    from matplotlib.colors import to_rgb

    right = np.eye(len(shares), dtype=bool)[..., None]
    full = np.where(right, to_rgb(BLUE), to_rgb(ORANGE))
    # the square root lifts mistakes of a few per cent into sight
    depth = np.where(right[..., 0], shares, np.sqrt(shares))[..., None]
    colours: NDArray[np.float64] = 1 - depth * (1 - full)
    return colours


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _write_counts(axes: Axes, counts: NDArray[Any], shares: NDArray[np.float64]) -> None:
    size = 9.5 if counts.max() < 1_000 else 8
    for row, column in np.argwhere(counts):
        dark = shares[row, column] > (0.5 if row == column else 0.4)
        axes.text(
            column, row, f"{counts[row, column]}", ha="center", va="center", size=size, family=fonts(),
            color="white" if dark else INK,
        )  # fmt: skip


def _grid_of_cells(axes: Axes, n: int) -> None:
    axes.grid(visible=False)
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(visible=True, which="minor", color=GRID, linewidth=1)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set(family=fonts(), color=INK)


def _write_recall(axes: Axes, hits: NDArray[Any], totals: NDArray[Any]) -> None:
    for row, (hit, total) in enumerate(zip(hits, totals, strict=True)):
        axes.annotate(
            _percent(hit, total), (1.015, row), xycoords=("axes fraction", "data"), va="center",
            color=GREY, size=9, family=fonts(),
        )  # fmt: skip


def _write_names(axes: Axes, rows: Sequence[ComparisonRow]) -> None:
    """Each name beside its point, on the first side where it covers no other name, point or bar."""
    from matplotlib.transforms import Bbox

    def box(row: ComparisonRow, low: float, high: float, margin: float) -> Bbox:
        corners = axes.transData.transform([(row.parameters, 100 * low), (row.parameters, 100 * high)])
        return Bbox(corners + np.array([[-margin], [margin]]))

    taken = [box(row, row.low, row.high, 4) for row in rows]
    taken += [box(row, row.accuracy, row.accuracy, 12) for row in rows]
    for row in rows:
        taken.append(_place_name(axes, row, taken).get_window_extent())


def _place_name(axes: Axes, row: ComparisonRow, taken: list[Bbox]) -> Annotation:
    label = axes.annotate(
        legible(row.name), (row.parameters, 100 * row.accuracy), (0, 0), va="center", color=INK, size=9.5,
        family=fonts(), textcoords="offset points",
    )  # fmt: skip
    for align, right, up in _SIDES:
        label.set(ha=align, position=(right, up))
        box = label.get_window_extent()
        if not any(box.overlaps(other) for other in taken):
            break
    return label
