"""The ways to divide clips into splits, by name; apart from the dividing, so that a command knows them at once."""

from __future__ import annotations

from typing import Final, Literal

Method = Literal["auto", "official", "speaker", "random"]
METHODS: Final[tuple[Method, ...]] = ("auto", "official", "speaker", "random")
DEFAULT_HOLDOUT: Final = 0.1  # share of validation, and of test
