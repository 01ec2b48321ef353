"""From scores to detections: smoothing, thresholds, refractory time. The only place where this is decided.

The microphone, files and the evaluation all go through one `Decider`, so what was measured is what runs.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hanmadi.card import DecisionConfig as DecisionConfig
from hanmadi.errors import DataError, LabelError
from hanmadi.labels import UNKNOWN, LabelSet

_GAP_HOPS: Final = 1.5  # windows further apart than this do not follow each other
_TOLERANCE_S: Final = 1e-9  # what rounding adds to a time


class Detection(NamedTuple):
    """A detected word: its label, the time of the decision, its score."""

    label: str
    time_s: float  # end of the window at which it was decided, in stream time
    score: float  # the average that exceeded the threshold, 0 to 1


class Decider:
    """Windows' scores in, one after the other; a detection out when a word is said.

    A detection is made when the keyword of the highest average exceeds its threshold, the word has been at or
    below it since it was detected last, and no word was detected within the refractory time.
    ``unknown`` and ``silence`` are never detected.
    """

    def __init__(self, labels: Sequence[str], config: DecisionConfig, *, hop_s: float) -> None:
        """labels: in the order of the scores; hop_s: from window to window.

        Raises DataError for a hop that is not above 0, LabelError for thresholds of words that are not labels.
        """
        if not 0 < hop_s < math.inf:
            raise DataError(f"expected a hop above 0 s, got {hop_s}")
        self.config = config
        self._n_labels = len(labels)
        self._words = LabelSet(tuple(labels)).keywords
        strangers = sorted(set(config.thresholds) - set(self._words))
        if strangers:
            raise LabelError(f"expected thresholds of {', '.join(self._words)}, got one of {', '.join(strangers)}")
        self._unknown = labels.index(UNKNOWN) if UNKNOWN in labels else None
        self._columns = np.array([labels.index(word) for word in self._words], dtype=np.intp)
        self._thresholds = np.array([config.threshold_of(word) for word in self._words])
        self._longest_s = _GAP_HOPS * hop_s
        self._windows = max(1, round(config.smoothing_s / hop_s))
        self._recent: deque[NDArray[np.float64]] = deque(maxlen=self._windows)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as before the first window."""
        self._recent.clear()
        self._armed = np.ones(len(self._words), dtype=bool)
        self._last_s = -math.inf  # the newest window
        self._detected_s = -math.inf  # the newest detection

    def push(self, time_s: float, scores: ArrayLike) -> Detection | None:
        """The next window: time_s: its end; scores: (labels,). Returns a detection or None.

        A time that jumps by more than 1.5 hops starts the averages anew; one that goes back resets everything.
        Raises DataError for scores of another length.
        """
        values = np.asarray(scores, dtype=np.float64)
        if values.shape != (self._n_labels,):
            raise DataError(f"expected one score a label ({self._n_labels},), got shape {values.shape}")
        self._follow(time_s)
        self._recent.append(self._weighed(values))
        # by the full count from the start on, so that a beginning cannot be too sure
        average: NDArray[np.float64] = sum(self._recent, np.zeros(len(self._words))) / self._windows
        above = average > self._thresholds  # not for NaN
        self._armed |= ~above
        return self._detection(time_s, average, above)

    def _weighed(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of the words as if unknown's odds were ``unknown_weight`` times as high; all scores sum to 1."""
        words = scores[self._columns]
        if self._unknown is None:
            return words
        return words / (1 + (self.config.unknown_weight - 1) * scores[self._unknown])

    def _follow(self, time_s: float) -> None:
        if time_s < self._last_s:
            self.reset()
        elif time_s - self._last_s > self._longest_s:
            self._recent.clear()
        self._last_s = time_s

    def _detection(self, time_s: float, average: NDArray[np.float64], above: NDArray[np.bool_]) -> Detection | None:
        best = int(np.argmax(average))
        resting = time_s - self._detected_s < self.config.refractory_s - _TOLERANCE_S
        if resting or not (above[best] and self._armed[best]):
            return None
        self._armed[best] = False
        self._detected_s = time_s
        return Detection(self._words[best], float(time_s), float(average[best]))


def decide(
    times: ArrayLike, scores: ArrayLike, labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> list[Detection]:
    """Detections in a whole recording, by the same `Decider`.

    times: (n,) ends of the windows in seconds; scores: (n, labels). Raises DataError if they do not fit.
    """
    decider = Decider(labels, config, hop_s=hop_s)
    pairs = zip(np.asarray(times).tolist(), np.asarray(scores), strict=True)
    try:
        found = [decider.push(time_s, row) for time_s, row in pairs]
    except ValueError as error:
        raise DataError(f"expected a time for each window's scores ({error})") from error
    return [detection for detection in found if detection is not None]
