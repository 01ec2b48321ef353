"""metrics.py against hand counts, scipy and the definitions."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi.errors import DataError
from hanmadi.evaluation import metrics
from hanmadi.evaluation.metrics import Interval

few = settings(max_examples=30, deadline=None)


# ---- right or wrong ----


def test_confusion_has_truth_in_rows() -> None:
    matrix = metrics.confusion_matrix([0, 0, 1, 2, 2], [0, 1, 1, 0, 2], 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert matrix.dtype == np.int64


def test_confusion_of_no_clips_is_zeros() -> None:
    assert metrics.confusion_matrix([], [], 2).tolist() == [[0, 0], [0, 0]]


@few
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_confusion_counts_every_clip_once_and_agrees_with_accuracy(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    matrix = metrics.confusion_matrix(truth, predicted, 5)
    assert matrix.sum() == len(pairs)
    assert matrix.trace() / len(pairs) == pytest.approx(metrics.accuracy(truth, predicted))


@pytest.mark.parametrize(
    ("truth", "predicted", "n_labels", "said"),
    [
        ([0, 1], [0], 2, "one prediction a clip"),
        ([0, 2], [0, 1], 2, "from 0 to 1"),
        ([0, -1], [0, 1], 2, "from 0 to 1"),
        ([0.5, 1], [0, 1], 2, "whole numbers"),
        ([[0], [1]], [0, 1], 2, r"shape \(2, 1\)"),
        ([0], [0], 0, "at least one label"),
    ],
)
def test_confusion_refuses(truth: list[int], predicted: list[int], n_labels: int, said: str) -> None:
    with pytest.raises(DataError, match=said):
        metrics.confusion_matrix(truth, predicted, n_labels)


def test_accuracy() -> None:
    assert metrics.accuracy(np.array([0, 1, 2, 3], np.uint8), [0, 1, 2, 0]) == 0.75
    with pytest.raises(DataError, match="at least one clip"):
        metrics.accuracy([], [])


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "count"), [(0, 7), (1, 3), (93, 100), (500, 500), (9_301, 10_000)])
def test_wilson_is_scipys(successes: int, count: int, confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    oracle = stats.binomtest(successes, count).proportion_ci(confidence, method="wilson")
    assert metrics.wilson_interval(successes, count, confidence=confidence) == pytest.approx(tuple(oracle))


@few
@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_and_stays_within_0_and_1(hits: int, misses: int) -> None:
    low, high = metrics.wilson_interval(hits, hits + misses)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low <= hits / (hits + misses) <= high
        assert (low == 0) == (hits == 0)
        assert (high == 1) == (misses == 0)


def test_wilson_of_no_clips_knows_nothing_and_narrows_with_more() -> None:
    assert metrics.wilson_interval(0, 0) == Interval(0.0, 1.0)
    narrow, wide = metrics.wilson_interval(900, 1_000), metrics.wilson_interval(90, 100)
    assert wide.low < narrow.low < 0.9 < narrow.high < wide.high


@pytest.mark.parametrize(("successes", "count", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (0, 0, 1.0), (1, 2, 0)])
def test_wilson_refuses(successes: int, count: int, confidence: float) -> None:
    with pytest.raises(DataError):
        metrics.wilson_interval(successes, count, confidence=confidence)


def test_per_label_by_hand() -> None:
    yes, no, never = metrics.per_label([[8, 2, 0], [1, 4, 0], [0, 0, 0]], ["yes", "no", "never"])
    assert (yes.label, yes.count) == ("yes", 10)
    assert (yes.precision, yes.recall) == (8 / 9, 0.8)
    assert yes.f1 == pytest.approx(2 * (8 / 9) * 0.8 / (8 / 9 + 0.8))
    assert yes.recall_interval == metrics.wilson_interval(8, 10)
    assert no.precision_interval == metrics.wilson_interval(4, 6)
    assert (never.count, never.precision, never.recall, never.f1) == (0, None, None, None)
    assert never.precision_interval is never.recall_interval is None


def test_per_label_is_valid_json() -> None:
    scores = metrics.per_label(metrics.confusion_matrix([0, 0], [0, 0], 2), ["a", "b"])
    text = json.dumps([dataclasses.asdict(score) for score in scores], allow_nan=False)
    assert json.loads(text)[1]["recall"] is None


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1.5, 0], [0, 1]], [[-1, 0], [0, 1]], [1, 2]])
def test_per_label_refuses_what_is_no_confusion_matrix(matrix: list[list[float]]) -> None:
    with pytest.raises(DataError, match="expected counts"):
        metrics.per_label(matrix, ["a", "b"])


# ---- false alarms ----


def test_false_alarms_per_hour() -> None:
    assert metrics.false_alarms_per_hour(3, 7_200) == 1.5
    assert metrics.false_alarms_per_hour(0, 10) == 0
    for count, seconds in ((1, 0), (1, -5), (-1, 10), (1, float("nan"))):
        with pytest.raises(DataError):
            metrics.false_alarms_per_hour(count, seconds)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("count", [0, 1, 2, 10, 137, 5_000])
def test_poisson_interval_is_garwoods(count: int, confidence: float) -> None:
    chi2 = pytest.importorskip("scipy.stats").chi2
    tail = (1 - confidence) / 2
    low = chi2.ppf(tail, 2 * count) / 2 / 4 if count else 0
    high = chi2.ppf(1 - tail, 2 * count + 2) / 2 / 4
    found = metrics.poisson_interval(count, exposure=4, confidence=confidence)
    assert found == pytest.approx((low, high), rel=1e-9)


def test_poisson_interval_of_none_is_the_rule_of_three() -> None:
    assert metrics.poisson_interval(0, exposure=1.0) == pytest.approx((0, -np.log(0.025)))


@pytest.mark.parametrize(
    ("count", "exposure", "confidence"), [(-1, 1, 0.95), (1.5, 1, 0.95), (1, 0, 0.95), (1, 1, 1.5)]
)
def test_poisson_interval_refuses(count: int, exposure: float, confidence: float) -> None:
    with pytest.raises(DataError):
        metrics.poisson_interval(count, exposure=exposure, confidence=confidence)
