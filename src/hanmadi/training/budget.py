"""When a training ends, and how it tells what it does: plain values that need no torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from hanmadi.errors import TrainingError

if TYPE_CHECKING:
    from hanmadi.card import Card
    from hanmadi.runs import Epoch


@dataclass(frozen=True)
class Budget:
    """When training ends: after so many epochs, or when the time is used, whichever is first."""

    epochs: int | None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.epochs is None and self.seconds is None:
            raise TrainingError("expected a number of epochs or of minutes, got neither")
        if self.epochs is not None and self.epochs < 1:
            raise TrainingError(f"expected one epoch or more, got {self.epochs}")
        if self.seconds is not None and self.seconds <= 0:
            raise TrainingError(f"expected a time above 0, got {self.seconds:g} s")

    def share(self, epochs: float, seconds: float) -> float:
        """How much of it is used, 0 to 1."""
        of_epochs = epochs / self.epochs if self.epochs else 0.0
        of_time = seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(of_epochs, of_time))


class Step(NamedTuple):
    """What a progress bar shows after a batch."""

    epoch: int
    share: float  # of the budget, 0 to 1
    loss: float  # mean over the epoch so far
    accuracy: float
    seconds_left: float


@dataclass(frozen=True)
class Hooks:
    """Functions that a training calls as it goes on; the command shows a bar, a benchmark takes the time."""

    on_clips: Callable[[int], None] = lambda _: None  # recordings read so far
    on_start: Callable[[Card], None] = lambda _: None  # the card so far
    on_step: Callable[[Step], None] = lambda _: None
    on_epoch: Callable[[Epoch], None] = lambda _: None


NO_HOOKS: Final = Hooks()


class Clock:
    """Seconds that a training took, those before it was resumed included, and those that it will still take."""

    def __init__(self, *, earlier_s: float = 0.0) -> None:
        self._began = time.monotonic() - earlier_s
        self._first: tuple[float, float] | None = None

    def seconds(self) -> float:
        """Seconds that the training has taken so far."""
        return time.monotonic() - self._began

    def seconds_left(self, share: float) -> float:
        """Until the budget is used, of which this share is: at the pace since the first such question.

        What earlier calls took says nothing of how busy the machine is now.
        """
        now = self.seconds()
        first_share, first = self._first = self._first or (share, now)
        done = share - first_share
        return (now - first) / done * (1 - share) if done > 0 else math.inf
