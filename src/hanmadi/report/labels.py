"""Which words are taken for which: the confusion matrix, and precision and recall of every label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.report.html import Html, count, interval, join, name, percent, scrolling, section, tag

if TYPE_CHECKING:
    from hanmadi.evaluation.evaluation import Evaluation
    from hanmadi.evaluation.metrics import Interval, LabelScores

MOST_CONFUSIONS: Final = 10
SHADES: Final = 10  # steps of colour in the matrix


def confusions(evaluation: Evaluation) -> Html:
    """The matrix, and the most frequent mistakes in words."""
    matrix = evaluation.confusion
    wrong = int(matrix.sum() - matrix.trace())
    intro = tag(
        "p",
        "Rows are what was said, columns what was heard. Right answers are on the diagonal; the stronger "
        "the colour, the larger the share of the row. Point at a cell, or move with the arrow keys, to read it.",
    )
    found = frequent(matrix)
    listed = tag("ol", *[_in_words(evaluation.labels, matrix, *pair) for pair in found], class_="confusions")
    beside: list[str | None] = [tag("h3", "Most frequent confusions")]
    if found:
        shown = int(sum(matrix[pair] for pair in found))
        beside += [listed, tag("p", f"These are {shown:,} of all {count(wrong, 'mistake')}.", class_="note")]
    else:
        beside.append(tag("p", "None: every clip was answered rightly."))
    large = "large" if len(evaluation.labels) > 16 else ""
    readout = tag("p", "\u00a0", class_="readout", aria_live="polite")
    grid = tag("div", scrolling("Confusion matrix", _matrix(evaluation.labels, matrix)), readout)
    return section(
        "confusions", "What it takes for what", intro,
        tag("div", grid, tag("div", *beside), class_=f"confusion-pair {large}".strip()),
    )  # fmt: skip


def frequent(matrix: NDArray[np.int64], most: int = MOST_CONFUSIONS) -> list[tuple[int, int]]:
    """(truth, prediction) of the most frequent mistakes; of equal counts the larger share of its row first."""
    off = matrix - np.diag(matrix.diagonal())
    share = off / np.maximum(matrix.sum(axis=1), 1)[:, None]
    order = np.lexsort((-share.ravel(), -off.ravel()))[:most]
    pairs = [divmod(int(place), len(matrix)) for place in order]
    return [pair for pair in pairs if off[pair] > 0]


def _in_words(labels: tuple[str, ...], matrix: NDArray[np.int64], truth: int, heard: int) -> Html:
    n, total = int(matrix[truth, heard]), int(matrix[truth].sum())
    words = ["“", name(labels[truth]), "” called “", name(labels[heard]), "”"]
    share = f"{n:,} of {total:,} ({percent(n / total)})"
    return tag("li", tag("span", *words), tag("span", share, class_="n"))


def _matrix(labels: tuple[str, ...], matrix: NDArray[np.int64]) -> Html:
    heads = [tag("th", tag("span", name(label)), scope="col") for label in labels]
    rows = [_matrix_row(labels, matrix, truth) for truth in range(len(labels))]
    return tag(
        "table",
        tag("caption", "Confusion matrix: counts of clips", class_="hidden"),
        tag("thead", tag("tr", tag("td", class_="corner"), *heads)),
        tag("tbody", *rows),
        class_="matrix",
    )


def _matrix_row(labels: tuple[str, ...], matrix: NDArray[np.int64], truth: int) -> Html:
    total = int(matrix[truth].sum())
    cells = []
    for heard, n in enumerate(matrix[truth].tolist()):
        told = f"{n:,} of {total:,} “{labels[truth]}” were called “{labels[heard]}”"
        told = f"{told} ({percent(n / total)})" if total else f"no test clip of “{labels[truth]}”"
        shade = shade_of(n / total if total else 0.0, right=truth == heard)
        cells.append(tag("td", f"{n}" if n else "", class_=shade, title=told))
    title = tag("th", name(labels[truth]), scope="row", class_=None if total else "absent")
    return tag("tr", title, *cells)


def shade_of(share: float, *, right: bool) -> str | None:
    """Class of a cell: ``r1`` to ``r10`` on the diagonal, ``w1`` to ``w10`` beside it; None for nothing."""
    if share <= 0:
        return "r0" if right else None
    # the square root lifts mistakes of a few per cent into sight
    depth = share if right else share**0.5
    return f"{'r' if right else 'w'}{max(1, round(SHADES * min(1.0, depth)))}"


# ---- every label ----


def words(evaluation: Evaluation) -> Html:
    """Precision and recall of every label with their intervals: a table that can be sorted."""
    columns = (("Label", ""), ("Clips", "n"), ("Recall", "wide"), ("Precision", "wide"), ("F1", "n"))
    head = tag("tr", *[_column(title, kind) for title, kind in columns])
    rows = [_label_row(scores) for scores in evaluation.per_label]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="plain words", data_sortable=True)
    return section(
        "words",
        "Word by word",
        tag(
            "p",
            tag("b", "Recall"), ": of the clips of a word, how many it heard. ", tag("b", "Precision"),
            ": of the times it said that word, how often that was so. The thin line is the 95\u00a0% interval. "
            "Press a heading to sort.",
        ),
        scrolling("Precision and recall of every label", table),
    )  # fmt: skip


def _column(title: str, kind: str) -> Html:
    return tag("th", tag("button", title, type="button"), scope="col", class_=kind or None)


def _label_row(scores: LabelScores) -> Html:
    cells = [
        tag("td", f"{scores.count:,}", class_="n", data_value=scores.count),
        _share(scores.recall, scores.recall_interval, "recall", "no clips"),
        _share(scores.precision, scores.precision_interval, "precision", "never said"),
        tag("td", percent(scores.f1), class_="n", data_value=_sort_value(scores.f1)),
    ]
    return tag(
        "tr", tag("th", name(scores.label), scope="row", data_value=scores.label), *cells,
        class_=None if scores.count else "absent",
    )  # fmt: skip


def _share(value: float | None, around: Interval | None, kind: str, otherwise: str) -> Html:
    if value is None or around is None:
        return tag("td", tag("span", otherwise, class_="quiet"), data_value=_sort_value(None), class_="bar-cell")
    low, high = around
    drawing = tag(
        "svg", _rect("track", 0, 1), _rect(f"bar {kind}", 0, value), _whisker(low, high),
        height=14, width="100%", aria_hidden="true",
    )  # fmt: skip
    numbers = tag("span", tag("b", percent(value)), " ", tag("small", interval(low, high)), class_="numbers")
    return tag("td", join([drawing, numbers]), data_value=_sort_value(value), class_="bar-cell")


def _rect(class_: str, start: float, end: float) -> Html:
    return tag(
        "rect", x=f"{100 * start:.2f}%", width=f"{100 * (end - start):.2f}%", y=2, height=10, rx=2, class_=class_
    )


def _whisker(low: float, high: float) -> Html:
    place: dict[str, Any] = {"x1": f"{100 * low:.2f}%", "x2": f"{100 * high:.2f}%"}
    return tag("line", **place, y1=7, y2=7, class_="whisker")


def _sort_value(value: float | None) -> str:
    return "-1" if value is None else f"{value:.6f}"
