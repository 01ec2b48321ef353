"""Values of a query string, checked. All raise `RefusedError` with 422."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hanmadi.web.limits import RefusedError

_SHOWN = 60  # characters of what came that are repeated in an answer


def only(values: Mapping[str, str], *names: str) -> None:
    """No names but these: a misspelt option would change nothing without a word."""
    for name in values:
        if name not in names:
            raise RefusedError(422, f"expected options among {', '.join(names)}, got {shown(name)}")


def number(values: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    """A whole number of the query, checked to lie from ``low`` to ``high``."""
    text = values.get(name)
    if text is None:
        return default
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not low <= found <= high:  # not for NaN
        raise RefusedError(422, f"expected {name} to be a number from {low:g} to {high:g}, got {shown(text)}")
    return found


def whole(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number from low to high."""
    found = number(values, name, default, low, high)
    if found != int(found):
        raise RefusedError(422, f"expected {name} to be a whole number, got {shown(values[name])}")
    return int(found)


def choice(values: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """One of the choices, the first if nothing came."""
    text = values.get(name, choices[0])
    if text not in choices:
        raise RefusedError(422, f"expected {name} to be one of {', '.join(choices)}, got {shown(text)}")
    return text


def flag(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A switch of the query: ``1`` is true, ``0`` is false."""
    return choice(values, name, ("1", "0") if default else ("0", "1")) == "1"


def shown(text: str) -> str:
    """What came, short enough to repeat."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
