"""Scores to detections: smoothing, thresholds, one detection an utterance, gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hanmadi.errors import DataError, LabelError
from hanmadi.inference.decisions import Decider, DecisionConfig, Detection, decide
from hanmadi.labels import SILENCE, UNKNOWN

LABELS = ("yes", "no", UNKNOWN, SILENCE)
HOP = 0.1  # s
PLAIN = DecisionConfig(smoothing_s=0, refractory_s=0)  # what is above the threshold is heard
SMOOTHED = DecisionConfig(smoothing_s=0.4, threshold=0.8)


def rows(*said: str | None, score: float = 1.0) -> NDArray[np.float32]:
    """A window for each: the named label has the score; None: silence has all."""
    found = np.zeros((len(said), len(LABELS)), np.float32)
    for row, label in zip(found, said, strict=True):
        row[LABELS.index(label or SILENCE)] = score if label else 1.0
    return found


def heard(scores: NDArray[np.float32], config: DecisionConfig) -> list[tuple[str, float]]:
    """Label and time of each detection; window i ends at 1 + i hops."""
    times = 1 + HOP * np.arange(len(scores))
    return [(found.label, round(found.time_s, 6)) for found in decide(times, scores, LABELS, config, hop_s=HOP)]


def test_a_word_is_heard_once_when_its_average_is_above_the_threshold() -> None:
    scores = rows(*[None] * 5, *["yes"] * 9, *[None] * 5)
    # 3 of 4 windows are not above 0.8
    (found,) = decide(HOP * np.arange(len(scores)), scores, LABELS, SMOOTHED, hop_s=HOP)
    assert found == Detection("yes", pytest.approx(0.8), pytest.approx(1.0))


def test_a_beginning_is_not_too_sure() -> None:
    assert heard(rows("yes", "yes", "yes"), SMOOTHED) == []
    assert heard(rows("yes", "yes", "yes", "yes"), SMOOTHED) == [("yes", 1.3)]


def test_an_average_at_the_threshold_is_none() -> None:
    assert heard(rows("yes", score=0.5), DecisionConfig(0, threshold=0.5)) == []
    assert heard(rows("yes", score=0.50001), DecisionConfig(0, threshold=0.5)) == [("yes", 1.0)]


def test_a_short_spike_is_smoothed_away() -> None:
    assert heard(rows(None, "yes", "yes", None, None), SMOOTHED) == []


def test_doubt_weighs_more_than_in_one_clip() -> None:
    scores = rows("yes", score=0.6)
    scores[0, LABELS.index(UNKNOWN)] = 0.1  # 0.6 / (0.6 + 5 * 0.1 + 0.3)
    scores[0, LABELS.index(SILENCE)] = 0.3
    (found,) = decide([1.0], scores, LABELS, DecisionConfig(0, threshold=0.4), hop_s=HOP)
    assert found.score == pytest.approx(0.6 / 1.4)
    plain = DecisionConfig(0, threshold=0.4, unknown_weight=1)
    assert decide([1.0], scores, LABELS, plain, hop_s=HOP)[0].score == pytest.approx(0.6)
    without = decide([1.0], [[0.6, 0.4]], ("yes", "no"), DecisionConfig(0, threshold=0.4), hop_s=HOP)
    assert without[0].score == pytest.approx(0.6)


def test_unknown_and_silence_are_never_heard() -> None:
    assert heard(rows(*[UNKNOWN] * 10, *[SILENCE] * 10), PLAIN) == []


def test_words_have_thresholds_of_their_own() -> None:
    config = DecisionConfig(0, threshold=0.9, thresholds={"no": 0.3}, refractory_s=0)
    assert heard(rows("yes", "no", score=0.5), config) == [("no", 1.1)]
    assert config.threshold_of("yes") == 0.9


def test_no_word_within_the_refractory_time() -> None:
    scores = rows("yes", None, None, "yes", "no", None, None, None, None, None, "yes")
    assert heard(scores, DecisionConfig(0, refractory_s=0.5)) == [("yes", 1.0), ("yes", 2.0)]
    assert heard(scores, DecisionConfig(0, refractory_s=0.3)) == [("yes", 1.0), ("yes", 1.3), ("yes", 2.0)]


def test_a_word_has_to_fall_before_it_is_heard_again() -> None:
    assert heard(rows(*["yes"] * 50), DecisionConfig(0)) == [("yes", 1.0)]
    assert heard(rows("yes", "yes", None, "yes"), PLAIN) == [("yes", 1.0), ("yes", 1.3)]


def test_another_word_that_lasts_longer_than_the_refractory_time_is_heard() -> None:
    assert heard(rows("yes", *["no"] * 6), DecisionConfig(0, refractory_s=0.4)) == [("yes", 1.0), ("no", 1.4)]


@pytest.mark.parametrize(("jump", "expected"), [(1.0, 1), (1.4, 1), (1.6, 0), (30.0, 0)])
def test_a_gap_starts_the_averages_anew(jump: float, expected: int) -> None:
    decider = Decider(LABELS, SMOOTHED, hop_s=HOP)
    word = rows("yes")[0]
    assert [decider.push(HOP * i, word) for i in range(3)] == [None] * 3
    assert (decider.push(HOP * (2 + jump), word) is not None) == bool(expected)


def test_after_a_gap_the_refractory_time_goes_on() -> None:
    decider = Decider(LABELS, DecisionConfig(0, refractory_s=2), hop_s=HOP)
    found = [decider.push(time_s, rows("yes")[0]) for time_s in (1.0, 2.0, 2.1, 3.1)]
    assert [detection is not None for detection in found] == [True, False, False, False]  # it never fell
    assert decider.push(3.2, rows(None)[0]) is None
    assert decider.push(3.3, rows("yes")[0]) is not None


def test_reset_and_time_that_goes_back_forget_everything() -> None:
    decider = Decider(LABELS, DecisionConfig(0), hop_s=HOP)
    word = rows("yes")[0]
    assert decider.push(5.0, word)
    assert decider.push(1.0, word), "another recording"
    decider.reset()
    assert decider.push(1.1, word)


def test_a_broken_score_is_survived() -> None:
    scores = rows(*[None] * 3, *["yes"] * 9)
    scores[1] = np.nan
    assert heard(scores, SMOOTHED) == [("yes", 1.6)]


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), max_size=60), st.floats(0, 1))
def test_detections_keep_their_promises(values: list[list[float]], threshold: float) -> None:
    config = DecisionConfig(smoothing_s=0.2, threshold=threshold, refractory_s=0.5)
    scores = np.asarray(values, np.float32).reshape(-1, 4)
    times = HOP * np.arange(len(scores))
    found = decide(times, scores, LABELS, config, hop_s=HOP)
    assert all(detection.label in ("yes", "no") and detection.score > threshold for detection in found)
    assert all(np.diff([detection.time_s for detection in found]) > 0.5 - 1e-6)
    decider = Decider(LABELS, config, hop_s=HOP)
    pushed = [decider.push(time_s, row) for time_s, row in zip(times, scores, strict=True)]
    assert [detection for detection in pushed if detection] == found


@pytest.mark.parametrize(
    "values",
    [{"smoothing_s": -1}, {"smoothing_s": np.inf}, {"refractory_s": np.nan}, {"threshold": 1.1},
     {"threshold": np.nan}, {"thresholds": {"no": -0.1}}, {"unknown_weight": 0.9}],
)  # fmt: skip
def test_settings_are_checked(values: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"expected .* got"):
        DecisionConfig(**values)


def test_settings_are_ones_own() -> None:
    thresholds = {"no": 0.5}
    config = DecisionConfig(thresholds=thresholds)
    thresholds["no"] = 0.1
    assert config.threshold_of("no") == 0.5


def test_wrong_calls_are_told() -> None:
    with pytest.raises(LabelError, match="nein"):
        Decider(LABELS, DecisionConfig(thresholds={"nein": 0.5}), hop_s=HOP)
    with pytest.raises(DataError, match="hop"):
        Decider(LABELS, DecisionConfig(), hop_s=0)
    with pytest.raises(DataError, match="one score a label"):
        Decider(LABELS, DecisionConfig(), hop_s=HOP).push(0, [1.0, 2.0])
    with pytest.raises(DataError, match="a time for each"):
        decide([1.0], np.zeros((2, 4)), LABELS, SMOOTHED, hop_s=HOP)
