"""How good a recogniser is: arrays in, numbers out.

Every rate comes with the interval that the number of clips allows: 93 % of 100 clips is not 93 % of 10,000.
Rates lie in [0, 1]. Truth and predictions are label indices (n,); a detection is a score at or above a
threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hanmadi.errors import DataError

SECONDS_PER_HOUR: Final = 3_600.0


class Interval(NamedTuple):
    """A confidence interval: its lower and its upper end."""

    low: float
    high: float


@dataclass(frozen=True)
class LabelScores:
    """How one label fares; None where there is nothing to divide by."""

    label: str
    count: int  # clips that are this label
    precision: float | None  # of the clips called so, the share that is; None if none was called so
    recall: float | None  # of the clips that are, the share called so; None if there is none
    f1: float | None  # harmonic mean of the two; None without clips and calls
    precision_interval: Interval | None
    recall_interval: Interval | None


# ---- right or wrong ----


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, n_labels: int) -> NDArray[np.int64]:
    """Counts (n_labels, n_labels): row is the truth, column the prediction.

    truth, predicted: (n,) integers from 0 to n_labels - 1.
    Raises DataError for different lengths, indices out of range or numbers that are not whole.
    """
    if n_labels < 1:
        raise DataError(f"expected at least one label, got n_labels = {n_labels}")
    rows, columns = _index_pair(truth, predicted, n_labels)
    return np.bincount(rows * n_labels + columns, minlength=n_labels**2).reshape(n_labels, n_labels)


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Share of clips whose predicted label is the true one. Raises DataError for none."""
    rows, columns = _index_pair(truth, predicted)
    if len(rows) == 0:
        raise DataError("expected at least one clip to evaluate, got none")
    return float(np.mean(rows == columns))


def wilson_interval(successes: int, count: int, *, confidence: float = 0.95) -> Interval:
    """Interval of a share ``successes / count``; (0, 1) for no clips, never outside [0, 1].

    Wilson (1927), "Probable inference, the law of succession, and statistical inference": it stays
    sound near 0 and 1 and for few clips, where the usual p +- 1.96 sqrt(p (1 - p) / n) fails.
    Raises DataError for successes outside 0 to count or a confidence outside (0, 1).
    """
    if not 0 <= successes <= count:
        raise DataError(f"expected successes from 0 to count, got {successes} of {count}")
    z = NormalDist().inv_cdf(1 - _tail(confidence))
    if count == 0:
        return Interval(0.0, 1.0)
    share, weight = successes / count, 1 + z**2 / count
    centre = (share + z**2 / (2 * count)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    # exact at the ends, where rounding would leave 1e-17 above 0
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    return Interval(low, 1.0 if successes == count else min(1.0, centre + half))


def per_label(confusion: ArrayLike, labels: Sequence[str]) -> list[LabelScores]:
    """Precision, recall, F1 and 95 % Wilson intervals of each label, in the order of ``labels``.

    confusion: (n, n) counts, rows truth. Raises DataError if it does not fit the labels.
    """
    matrix = _counts(confusion, len(labels))
    hits, called, there = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    return [
        _label_scores(label, int(hit), int(n_called), int(n_there))
        for label, hit, n_called, n_there in zip(labels, hits, called, there, strict=True)
    ]


# ---- false alarms ----


def false_alarms_per_hour(count: int, seconds: float) -> float:
    """False alarms in an hour of sound without the keyword. Raises DataError for no time."""
    _check_exposure(count, seconds)
    return count / seconds * SECONDS_PER_HOUR


def poisson_interval(count: int, *, exposure: float, confidence: float = 0.95) -> Interval:
    """Exact interval of a rate: ``count`` events within ``exposure``, in events per unit of exposure.

    For false alarms per hour give the exposure in hours. None in 1 hour still allows 3.7 an hour.
    Garwood (1936), "Fiducial limits for the Poisson distribution": the low end is the mean at which
    ``count`` or more, the high end the one at which ``count`` or fewer, has probability (1 - confidence) / 2.
    Raises DataError for a negative count, an exposure not above 0 or a confidence outside (0, 1).
    """
    _check_exposure(count, exposure)
    tail = _tail(confidence)
    low = 0.0 if count == 0 else _mean_where_at_most(count - 1, 1 - tail)
    return Interval(low / exposure, _mean_where_at_most(count, tail) / exposure)


def _mean_where_at_most(count: int, probability: float) -> float:
    """The Poisson mean at which ``count`` events or fewer have this probability (it falls with the mean)."""
    cdf = _poisson_cdf(count)
    high = 1.0
    while cdf(high) > probability:
        high *= 2
    low = 0.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if cdf(middle) > probability else (low, middle)
    return high


def _poisson_cdf(count: int) -> Callable[[float], float]:
    """P(at most ``count`` events) as a function of the mean, summed in logarithms against overflow."""
    numbers = np.arange(count + 1)
    log_factorials = np.cumsum(np.log(np.maximum(numbers, 1)))

    def cdf(mean: float) -> float:
        return float(np.exp(numbers * math.log(mean) - mean - log_factorials).sum())

    return cdf


def _label_scores(label: str, hits: int, called: int, there: int) -> LabelScores:
    return LabelScores(
        label=label,
        count=there,
        precision=hits / called if called else None,
        recall=hits / there if there else None,
        f1=2 * hits / (called + there) if called + there else None,
        precision_interval=wilson_interval(hits, called) if called else None,
        recall_interval=wilson_interval(hits, there) if there else None,
    )


# ---- checks ----


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise DataError(f"expected a confidence between 0 and 1, such as 0.95, got {confidence}")
    return (1 - confidence) / 2


def _index_pair(
    truth: ArrayLike, predicted: ArrayLike, n_labels: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, columns = _indices("truth", truth, n_labels), _indices("predicted", predicted, n_labels)
    if rows.shape != columns.shape:
        raise DataError(f"expected one prediction a clip, got {len(columns)} for {len(rows)} clips")
    return rows, columns


def _indices(name: str, values: ArrayLike, n_labels: int | None) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"expected {name} indices (n,), got shape {array.shape}; take scores.argmax(axis=1)")
    if array.size and array.dtype.kind not in "iu":
        raise DataError(f"expected {name} as whole numbers, got {array.dtype}; index the label set first")
    if array.size and (array.min() < 0 or (n_labels is not None and array.max() >= n_labels)):
        limit = "up" if n_labels is None else f"to {n_labels - 1}"
        raise DataError(f"expected {name} indices from 0 {limit}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def _counts(confusion: ArrayLike, n_labels: int) -> NDArray[Any]:
    matrix = np.asarray(confusion)
    if matrix.shape != (n_labels, n_labels):
        raise DataError(f"expected counts ({n_labels}, {n_labels}) for the labels, got shape {matrix.shape}")
    if matrix.dtype.kind not in "iu" or (matrix < 0).any():
        raise DataError("expected counts of clips, whole and not negative; give confusion_matrix's own")
    return matrix


def _check_exposure(count: int, exposure: float) -> None:
    if count < 0 or int(count) != count:
        raise DataError(f"expected a count of events, 0 or more, got {count}")
    if not 0 < exposure < math.inf:
        raise DataError(f"expected a time above 0, got {exposure}")
