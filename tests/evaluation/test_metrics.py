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


# ---- calibration ----


def test_calibration_by_hand() -> None:
    # two clips at 0.9, one right: gap 0.4; two at 0.6, both right: gap 0.4
    scores = [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]]
    assert metrics.expected_calibration_error(scores, [0, 1, 1, 1]) == pytest.approx(0.4)
    assert metrics.expected_calibration_error(scores, [0, 1, 1, 1], bins=1) == pytest.approx(0.0)
    # neighbours do not make up for each other: 0.95 wrong, 0.85 right
    near = [[0.95, 0.05], [0.85, 0.15]]
    assert metrics.expected_calibration_error(near, [1, 0], bins=10) == pytest.approx((0.95 + 0.15) / 2)


def test_calibration_of_true_probabilities_is_near_0_and_of_boasts_is_not() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.5, 1, 20_000)
    truth = (rng.uniform(size=p.size) > p).astype(int)
    assert metrics.expected_calibration_error(np.stack([p, 1 - p], 1), truth) < 0.02
    boast = np.stack([np.ones_like(p), np.zeros_like(p)], 1)
    assert metrics.expected_calibration_error(boast, truth) == pytest.approx(truth.mean())


@pytest.mark.parametrize(
    ("scores", "truth", "bins", "said"),
    [
        ([[3.0, -2.0]], [0], 15, "softmax"),
        ([[np.nan, 0.5]], [0], 15, r"in \[0, 1\]"),
        ([0.5, 0.5], [0], 15, "n_clips, n_labels"),
        ([[0.5, 0.5]], [0, 1], 15, "one prediction a clip"),
        ([[0.5, 0.5]], [2], 15, "from 0 to 1"),
        ([[0.5, 0.5]], [1], 0, "at least one bin"),
    ],
)
def test_calibration_refuses(scores: list[list[float]], truth: list[int], bins: int, said: str) -> None:
    with pytest.raises(DataError, match=said):
        metrics.expected_calibration_error(scores, truth, bins=bins)


# ---- detections ----


def test_det_is_the_definition_at_each_threshold() -> None:
    rng = np.random.default_rng(0)
    is_target = rng.random(200) < 0.3
    scores = np.round(rng.normal(is_target * 1.5, 1), 1)  # rounded: ties
    det = metrics.detection_error_tradeoff(scores, is_target)
    for threshold, miss, false_alarm in zip(*det, strict=True):
        detected = scores >= threshold
        assert miss == pytest.approx(np.mean(~detected[is_target]))
        assert false_alarm == pytest.approx(np.mean(detected[~is_target]))


@few
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.booleans()), min_size=2, max_size=30))
def test_det_runs_from_all_accepted_to_all_rejected(pairs: list[tuple[float, bool]]) -> None:
    scores, is_target = (np.array(column) for column in zip(*pairs, strict=True))
    if is_target.all() or not is_target.any():
        return
    det = metrics.detection_error_tradeoff(scores, is_target)
    assert (det.miss_rate[0], det.false_alarm_rate[0]) == (0, 1)
    assert (det.miss_rate[-1], det.false_alarm_rate[-1]) == (1, 0)
    assert (np.diff(det.miss_rate) >= 0).all()
    assert (np.diff(det.false_alarm_rate) <= 0).all()
    assert np.isfinite(det.thresholds).all()
    assert (np.diff(det.thresholds) > 0).all()
    assert 0 <= metrics.equal_error_rate(det).rate <= 1


@pytest.mark.parametrize(
    ("scores", "rate"),
    [([0.1, 0.2, 0.8, 0.9], 0.0), ([0.9, 0.8, 0.2, 0.1], 1.0), ([0.1, 0.6, 0.5, 0.9], 0.5), ([0.5] * 4, 0.5)],
)
def test_equal_error_rate_by_hand(scores: list[float], rate: float) -> None:
    det = metrics.detection_error_tradeoff(scores, np.array([False, False, True, True]))
    assert metrics.equal_error_rate(det).rate == pytest.approx(rate)


def test_equal_error_rate_of_two_normals_is_the_theory() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    is_target = np.arange(100_000) % 2 == 0
    det = metrics.detection_error_tradeoff(rng.normal(2.0 * is_target, 1), is_target)
    found = metrics.equal_error_rate(det)
    assert found.rate == pytest.approx(stats.norm.cdf(-1), abs=0.004)
    assert found.threshold == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("scores", "is_target", "said"),
    [
        ([0.1, 0.2], [True, True], "targets and others"),
        ([0.1, 0.2], [False, False], "targets and others"),
        ([0.1, np.nan], [True, False], "finite"),
        ([0.1], [True, False], "expected scores and is_target"),
        ([0.1, 0.2], [1, 0], "booleans"),
    ],
)
def test_det_refuses(scores: list[float], is_target: list[bool], said: str) -> None:
    with pytest.raises(DataError, match=said):
        metrics.detection_error_tradeoff(scores, is_target)


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
