"""A wrong answer is told what is wrong with it, in both languages."""

from __future__ import annotations

from string import Formatter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanmadi.errors import HanmadiError
from hanmadi.lessons.exercises import PHRASES, Exercise


def exercise(right: Any, language: str = "en", **options: Any) -> Exercise:
    settings: dict[str, Any] = {"tolerance": None, "wrong": {}, "hint": "think", "unit": ""} | options
    return Exercise("1", right, language=language, **settings)


@pytest.mark.parametrize(
    ("right", "answer", "kind"),
    [
        (1 / 440, ..., "open"),
        (1 / 440, 0.00227, "right"),
        (1 / 440, 2.2727, "factor_up"),
        (8_000, 8_000, "right"),
        (8_000, 8_000.0, "right"),
        (8_000, np.int64(8_000), "right"),
        (8_000, 8_001, "large"),
        (8_000, 7_999, "small"),
        (8_000, 4_000, "factor_down"),
        (8_000, 16_000, "factor_up"),
        (-6.0, 6, "sign"),
        (0, 3, "large"),
        (8_000, float("nan"), "nan"),
        (8_000, "8000", "number"),
        (1, True, "number"),
        (8_000, None, "number"),
        (8_000, [8_000], "number"),
        (True, True, "right"),
        (True, np.bool_(True), "right"),
        (True, False, "flip"),
        (True, 1, "bool"),
        ("Yes", " yes", "right"),
        ("네", "네", "right"),  # typed as letters: the same word
        ("yes", "no", "other"),
        ("yes", 3, "text"),
        ((130, 126), (130, 126), "right"),
        ((130, 126), [130, 126], "right"),
        (np.array([0.5, 0.25]), (0.5, 0.25), "right"),
        ((130, 126), (126, 130), "small"),
        ((130, 126), (130,), "count"),
        ((130, 126), 130, "several"),
        ((130, 126), ("a", "b"), "several"),
        (1j, 1j, "right"),
        (1j, 2j, "other"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_said(right: Any, answer: Any, kind: str, language: str) -> None:
    assert exercise(right, language).feedback(answer).kind == kind


def test_the_words_of_the_exercise_come_first() -> None:
    asked = exercise(1 / 440, wrong={440: "that is the frequency"}, unit="s")
    assert asked.feedback(440).text == "**Exercise 1**: that is the frequency"
    assert asked.feedback(441).text == "**Exercise 1**: `441` s is too large."
    assert asked.feedback(...).text == "**Exercise 1**: not answered yet. Hint: think"


def test_a_wrong_one_of_several_is_named() -> None:
    said = exercise((130, 126)).feedback((130, 63)).text
    assert said == "**Exercise 1**: value 2 of 2: `63` is 2 times too small."


def test_tolerance_replaces_the_rule() -> None:
    assert exercise(100, tolerance=2).feedback(98).kind == "right"
    assert exercise(100.0, tolerance=0.1).feedback(99.5).kind == "small"
    assert exercise(0.3, tolerance=0.1).feedback(0.4).kind == "right"  # 0.4 - 0.3 is a little above 0.1


@pytest.mark.parametrize(
    "options",
    [{"wrong": {8_000: "no"}}, {"wrong": {1: " "}}, {"hint": " "}, {"wrong": {8_050: "no"}, "tolerance": 100}],
)
def test_an_exercise_that_contradicts_itself_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(HanmadiError, match="exercise 1"):
        exercise(8_000, **options)


def test_every_phrase_is_there_in_both_languages_with_the_same_values() -> None:
    assert PHRASES["en"].keys() == PHRASES["ko"].keys()
    for kind, english in PHRASES["en"].items():
        fields = [{part[1] for part in Formatter().parse(text) if part[1]}
                  for text in (english, PHRASES["ko"][kind])]  # fmt: skip
        assert fields[0] >= fields[1], kind


@given(
    right=st.floats(-1e9, 1e9),
    answer=st.floats(allow_nan=True) | st.integers() | st.text() | st.none() | st.lists(st.floats()),
)
def test_any_answer_gets_a_reply_and_only_a_close_one_is_right(right: float, answer: Any) -> None:
    reply = exercise(right).feedback(answer)
    close = type(answer) in (int, float) and abs(answer - right) <= 0.01 * abs(right) + 1e-11
    assert reply.text
    assert close or reply.kind != "right"
