"""Exercises of the lessons: what is said to an answer. A wrong one is told what is wrong with it."""

from __future__ import annotations

import math
import numbers
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from hanmadi.errors import HanmadiError

Wrong = Mapping[Any, str]  # a wrong answer: what to say to it
_FACTORS: Final = (1000, 100, 60, 10, 2)  # likely slips: of units, of minutes, of a place, of "half"
_RELATIVE: Final = 0.01  # answers that are not whole may be rounded

PHRASES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "exercise": "**Exercise {name}**: {text}",
        "open": "not answered yet.",
        "hint": "Hint: {hint}",
        "right": "right.",
        "number": "expected a number, got {got}.",
        "text": "expected a text in quotes, got {got}.",
        "bool": "expected True or False, got {got}.",
        "several": "expected {count} numbers such as (1, 2), got {got}.",
        "count": "expected {count} numbers, got {got}.",
        "nan": "{got} is no number that can be compared; something in the calculation went wrong.",
        "sign": "{got} has the wrong sign.",
        "factor_up": "{got} is {factor} times too large.",
        "factor_down": "{got} is {factor} times too small.",
        "large": "{got} is too large.",
        "small": "{got} is too small.",
        "one_of": "value {place} of {count}: {text}",
        "flip": "{got} is not right; try an example to see why.",
        "other": "{got} is not it.",
    },
    "ko": {
        "exercise": "**연습 {name}**: {text}",
        "open": "아직 답을 적지 않았어요.",
        "hint": "힌트: {hint}",
        "right": "맞았어요.",
        "number": "{got}라고 적었어요. 숫자를 적어야 해요.",
        "text": "{got}라고 적었어요. 따옴표로 감싼 글자를 적어야 해요.",
        "bool": "{got}라고 적었어요. True나 False를 적어야 해요.",
        "several": "{got}라고 적었어요. (1, 2)처럼 숫자 {count}개를 적어야 해요.",
        "count": "숫자를 {got}개 적었어요. {count}개가 필요해요.",
        "nan": "{got}라는 값은 비교할 수 없어요. 계산 어딘가가 잘못됐어요.",
        "sign": "{got}라고 적었는데, 부호가 반대예요.",
        "factor_up": "{got}라고 적었는데, {factor}배나 커요.",
        "factor_down": "{got}라고 적었는데, 답은 그 {factor}배예요.",
        "large": "{got}라고 적었는데, 답은 그보다 작아요.",
        "small": "{got}라고 적었는데, 답은 그보다 커요.",
        "one_of": "{count}개 가운데 {place}번째 값이 틀렸어요. {text}",
        "flip": "{got}라고 적었는데, 답이 아니에요. 예를 하나 들어 왜 그런지 살펴보세요.",
        "other": "{got}라고 적었는데, 답이 아니에요.",
    },
}


class Feedback(NamedTuple):
    """Whether a learner's answer is right, and the text that is shown for it."""

    kind: str  # the phrase: "right", "open", "listed" for a message of the exercise's own, "large", ...
    text: str  # Markdown


@dataclass(frozen=True)
class Exercise:
    """A question of a lesson with its right answer and how close one must come."""

    name: str
    right: Any  # a number, a text, a bool, or several numbers
    tolerance: float | None  # None: 0 for whole numbers, 1 % for others
    wrong: Wrong
    hint: str
    unit: str
    language: str  # "en" or "ko"

    def __post_init__(self) -> None:
        if not self.hint.strip():
            raise HanmadiError(f"exercise {self.name}: expected a hint, got none")
        for value, message in self.wrong.items():
            if self._is_right(value):
                raise HanmadiError(f"exercise {self.name}: {value!r} is listed as wrong, but counts as right")
            if not message.strip():
                raise HanmadiError(f"exercise {self.name}: no message for the wrong answer {value!r}")

    def feedback(self, answer: Any) -> Feedback:
        """What to say to ``answer``; ``...`` is an exercise that was not answered."""
        if answer is ...:
            return self._said("open", f"{self._phrase('open')} {self._phrase('hint', hint=self.hint)}")
        if self._is_right(answer):
            return self._said("right", self._phrase("right"))
        for value, message in self.wrong.items():
            if self._same(answer, value):
                return self._said("listed", message)
        return self._said(*self._what_is_wrong(answer))

    def _said(self, kind: str, text: str) -> Feedback:
        return Feedback(kind, self._phrase("exercise", name=self.name, text=text))

    def _phrase(self, kind: str, **values: Any) -> str:
        return PHRASES[self.language][kind].format(**values)

    # ---- is it right ----

    def _is_right(self, answer: Any) -> bool:
        return self._same(answer, self.right)

    def _same(self, answer: Any, value: Any) -> bool:
        """Whether ``answer`` is ``value``, within the tolerance where they are numbers."""
        if _is_bool(value) or isinstance(value, str):
            return type_of(answer) == type_of(value) and _normal(answer) == _normal(value)
        if _is_number(value):
            return _is_number(answer) and abs(answer - value) <= self._allowed(value)
        if not _is_several(answer) or not _is_several(value) or np.shape(answer) != np.shape(value):
            return False
        pairs = zip(np.ravel(answer).tolist(), np.ravel(value).tolist(), strict=True)
        return all(_is_number(one) and abs(one - other) <= self._allowed(other) for one, other in pairs)

    def _allowed(self, value: Any) -> float:
        if self.tolerance is not None:
            return self.tolerance * (1 + 1e-9)
        whole = isinstance(value, numbers.Integral)
        return 0.0 if whole else _RELATIVE * abs(value) + 1e-12

    # ---- what is wrong ----

    def _what_is_wrong(self, answer: Any) -> tuple[str, str]:
        wanted = type_of(self.right)
        if type_of(answer) != wanted:
            count = np.size(self.right)
            return wanted, self._phrase(wanted, got=_shown(answer), count=count)
        if wanted == "bool":
            return "flip", self._phrase("flip", got=_shown(answer))
        if wanted == "text":
            return "other", self._phrase("other", got=_shown(answer))
        if wanted == "number":
            return self._wrong_number(answer, self.right)
        return self._wrong_numbers(answer)

    def _wrong_number(self, answer: Any, right: Any) -> tuple[str, str]:
        got = f"{_shown(answer)} {self.unit}".strip()
        if not math.isfinite(abs(answer)):
            return "nan", self._phrase("nan", got=got)
        if isinstance(answer, complex) or isinstance(right, complex):
            return "other", self._phrase("other", got=got)
        if self._same(-answer, right):
            return "sign", self._phrase("sign", got=got)
        for factor in _FACTORS if answer and right else ():
            for kind, ratio in (("factor_up", answer / right), ("factor_down", right / answer)):
                if math.isclose(ratio, factor, rel_tol=1e-3):
                    return kind, self._phrase(kind, got=got, factor=factor)
        kind = "large" if answer > right else "small"
        return kind, self._phrase(kind, got=got)

    def _wrong_numbers(self, answer: Any) -> tuple[str, str]:
        found, right = np.ravel(answer).tolist(), np.ravel(self.right).tolist()
        if len(found) != len(right):
            return "count", self._phrase("count", got=len(found), count=len(right))
        pairs = enumerate(zip(found, right, strict=True), start=1)
        place, (one, other) = next(
            pair for pair in pairs if not abs(pair[1][0] - pair[1][1]) <= self._allowed(pair[1][1])
        )
        kind, text = self._wrong_number(one, other)
        return kind, self._phrase("one_of", place=place, count=len(right), text=text)


def type_of(value: Any) -> str:
    """``bool``, ``text``, ``number``, ``several`` or ``nothing``: the phrase that asks for it."""
    if _is_bool(value):
        return "bool"
    if isinstance(value, str):
        return "text"
    return "number" if _is_number(value) else "several" if _is_several(value) else "nothing"


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not _is_bool(value)


def _is_several(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and all(
        _is_number(v) for v in np.ravel(np.asarray(value, object))
    )


def _normal(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip().casefold() if isinstance(value, str) else bool(value)


def _shown(value: Any) -> str:
    return f"`{value:g}`" if isinstance(value, float | np.floating) else f"`{value!r}`"[:60]
