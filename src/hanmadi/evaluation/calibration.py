"""Thresholds by calibration: as few missed words as can be at so many false alarms an hour.

Background recordings in which no keyword is said tell the false alarms of each word at each threshold; mixed in
keywords tell the hits. With T hours without a single false alarm one has shown, at 95 %, less than about 3 / T an
hour, and no more: `Calibration.shown_per_hour` says what was shown.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from hanmadi.card import Card
from hanmadi.data.recordings import open_backgrounds
from hanmadi.errors import DataError, MissingExtraError, ModelError
from hanmadi.evaluation.evaluation import Which, store_for
from hanmadi.evaluation.live import (
    SNR_DB,
    THRESHOLDS,
    FalseAlarms,
    Heard,
    ScoredStream,
    count_false_alarms,
    evaluate_stream,
    evaluate_words,
    hear,
    keyword_rows,
    missed_words,
    score_mixed,
)
from hanmadi.evaluation.metrics import SECONDS_PER_HOUR, poisson_interval
from hanmadi.files import replacing, write_text
from hanmadi.inference.decisions import DecisionConfig
from hanmadi.inference.model_file import write_card
from hanmadi.inference.recognizer import SHIPPED_FOLDER, Recognizer, load
from hanmadi.inference.stream import HOP_S
from hanmadi.labels import LabelSet
from hanmadi.runs import CARD, run_of

MAX_FA_PER_HOUR: Final = 0.5
_PRIOR_ALARMS: Final = 10.0  # what all words together say of a word weighs as much as so many alarms of its own
_NEVER: Final = 1.0  # no average exceeds it
# thresholds that are tried; none below 0.3: a word that is never heard in these recordings may be in others
GRID: Final = tuple(threshold for threshold in THRESHOLDS if threshold >= 0.3)


class Option(NamedTuple):
    """What one threshold of one word does."""

    threshold: float
    false_alarms: float  # counted, or expected: see `expected`
    hits: int  # of the mixed-in ones


class WordChoice(NamedTuple):
    """The threshold of a word, and what it does together with the others."""

    word: str
    threshold: float
    false_alarms: int
    missed: int | None  # None: no words were mixed in
    mixed: int | None


@dataclass(frozen=True)
class Calibration:
    """Thresholds, and what they do in the recordings that they were chosen on. Others will do a little worse."""

    config: DecisionConfig
    words: tuple[WordChoice, ...]
    max_fa_per_hour: float  # what was asked for
    false_alarms: FalseAlarms
    heard: tuple[Heard, ...]  # mixed-in words; empty without data
    data: str | None  # of the mixed-in words
    seed: int

    @property
    def shown_per_hour(self) -> float:
        """False alarms an hour that the rate is below at 95 % (one-sided, Poisson): 3 / T for none in T hours."""
        hours = self.false_alarms.seconds / SECONDS_PER_HOUR
        return poisson_interval(self.false_alarms.count, exposure=hours, confidence=0.9).high

    @property
    def hours_needed(self) -> float:
        """Hours without any false alarm that would show what was asked for."""
        return poisson_interval(0, exposure=1.0, confidence=0.9).high / self.max_fa_per_hour

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for the card and ``--json``."""
        return {
            "max_fa_per_hour": self.max_fa_per_hour,
            "shown_per_hour": self.shown_per_hour,
            "false_alarms": self.false_alarms.to_dict(),
            "words": [choice._asdict() for choice in self.words],
            "planted": [heard.to_dict() for heard in self.heard],
            "data": self.data,
            "seed": self.seed,
        }


def calibrate(
    model: str | os.PathLike[str] | Recognizer | None = None,
    backgrounds: Sequence[str | os.PathLike[str]] = (),
    *,
    plant_in: Sequence[str | os.PathLike[str]] = (),
    max_fa_per_hour: float = MAX_FA_PER_HOUR,
    data: str | os.PathLike[str] | None = None,
    split: Which = "validation",
    clips: int | None = None,
    snr_db: float = SNR_DB,
    smoothing_s: float | None = None,
    seed: int = 0,
    hop_s: float = HOP_S,
    on_stream: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Choose a threshold for each word on recordings in which no keyword is said; nothing is stored.

    With ``data``, keywords of its validation split are mixed into ``plant_in``, otherwise in the same recordings, and
    the thresholds are those that miss the fewest; without, all words have the same. Raises DataError without
    backgrounds, for a rate not above 0, or if no threshold keeps the rate.
    """
    if not backgrounds or not 0 < max_fa_per_hour < math.inf:
        raise DataError(f"expected background recordings and a rate above 0, got {backgrounds!r}, {max_fa_per_hour:g}")
    if plant_in and data is None:
        raise DataError("plant_in is for words that are mixed in; name recordings of them with data")
    recognizer = model if isinstance(model, Recognizer) else load(model)
    found = open_backgrounds(backgrounds, sample_rate=recognizer.sample_rate)
    mixes: Iterable[ScoredStream] = ()
    if data is not None:  # what is wrong with it is told before an hour is heard
        store = store_for(recognizer, data)
        _, rows = keyword_rows(recognizer, store, split=split, at_most=clips)
        behind = open_backgrounds(plant_in, sample_rate=recognizer.sample_rate) or found
        mixes = score_mixed(
            recognizer, store, rows, behind, snr_db=(snr_db,), seed=seed, hop_s=hop_s, on_stream=on_stream
        )
    alone = [hear(recognizer, background, hop_s=hop_s, on_stream=on_stream) for background in found]
    mixed = list(mixes)
    config = recognizer.about.decision_config
    config = config if smoothing_s is None else replace(config, smoothing_s=smoothing_s)
    chosen = choose(alone, mixed, recognizer.labels, config, max_fa_per_hour=max_fa_per_hour, hop_s=hop_s)
    return replace(chosen, data=None if data is None else str(data), seed=seed)


def choose(
    alone: Sequence[ScoredStream],
    mixed: Sequence[ScoredStream],
    labels: Sequence[str],
    config: DecisionConfig,
    *,
    max_fa_per_hour: float,
    hop_s: float,
) -> Calibration:
    """Thresholds by scores that were computed before; see `calibrate`."""
    hours = sum(stream.seconds for stream in alone) / SECONDS_PER_HOUR
    allowed = int(max_fa_per_hour * hours + 1e-9)
    if mixed:
        config = _least_missed(alone, mixed, labels, config, allowed, hop_s)
    else:
        config = _equal(alone, labels, config, allowed, hop_s)
    alarms = count_false_alarms(alone, labels, config, hop_s=hop_s)
    missed = _missed(mixed, labels, config, hop_s)
    words = tuple(
        WordChoice(word, config.threshold_of(word), alarms.by_word[word], *missed.get(word, (None, None)))
        for word in LabelSet(tuple(labels)).keywords
    )
    heard = tuple(evaluate_words(mixed, labels, config, hop_s=hop_s))
    return Calibration(config, words, max_fa_per_hour, alarms, heard, data=None, seed=0)


def _missed(
    mixed: Sequence[ScoredStream], labels: Sequence[str], config: DecisionConfig, hop_s: float
) -> dict[str, tuple[int, int]]:
    return missed_words(mixed, labels, config, hop_s=hop_s) if mixed else {}


# ---- the choice ----


def _equal(
    alone: Sequence[ScoredStream], labels: Sequence[str], config: DecisionConfig, allowed: int, hop_s: float
) -> DecisionConfig:
    """The lowest threshold for all words that keeps the false alarms. Raises DataError if none does."""
    words = LabelSet(tuple(labels)).keywords
    for threshold in GRID:
        tried = replace(config, thresholds=dict.fromkeys(words, threshold))
        if count_false_alarms(alone, labels, tried, hop_s=hop_s).count <= allowed:
            return tried
    raise DataError(
        f"no threshold keeps the false alarms at {allowed}; make the model hear these recordings as unknown: hanmadi "
        "mine, then hanmadi train --hard-negatives"
    )


def _least_missed(
    alone: Sequence[ScoredStream],
    mixed: Sequence[ScoredStream],
    labels: Sequence[str],
    config: DecisionConfig,
    allowed: int,
    hop_s: float,
) -> DecisionConfig:
    """Thresholds with the most hits at ``allowed`` expected false alarms in all.

    Each word is counted by itself first. Together they may differ by a few, as words compete and rest after each
    other: the budget shrinks until the count of all together keeps it.
    """
    words = LabelSet(tuple(labels)).keywords
    options = expected({word: options_of(word, alone, mixed, labels, config, hop_s=hop_s) for word in words})
    for budget in range(allowed, -1, -1):
        tried = replace(config, thresholds=spend(options, budget))
        if count_false_alarms(alone, labels, tried, hop_s=hop_s).count <= allowed:
            return tried
    return _equal(alone, labels, config, allowed, hop_s)


def options_of(
    word: str,
    alone: Sequence[ScoredStream],
    mixed: Sequence[ScoredStream],
    labels: Sequence[str],
    config: DecisionConfig,
    *,
    hop_s: float,
) -> list[Option]:
    """What each threshold of one word does while no other word is detected; the last one never detects it."""
    mine = [stream._replace(words=tuple(w for w in stream.words if w.label == word)) for stream in mixed]
    options = []
    for threshold in (*GRID, _NEVER):
        tried = replace(config, threshold=_NEVER, thresholds={word: threshold})
        alarms = count_false_alarms(alone, labels, tried, hop_s=hop_s).count
        outcomes = [evaluate_stream(stream, labels, tried, hop_s=hop_s)[0] for stream in mine if stream.words]
        options.append(Option(threshold, alarms, sum(heard.words - heard.misses for heard in outcomes)))
    return options


def expected(options: Mapping[str, Sequence[Option]]) -> dict[str, list[Option]]:
    """Expected false alarms instead of those counted.

    A word has few, and the threshold just above its loudest one is luck: other speakers exceed it. So the share of its
    false alarms that is left at a threshold is taken for the mean of its own and that of all words together, which
    weighs as `_PRIOR_ALARMS` alarms.
    """
    counts = np.array([[option.false_alarms for option in found] for found in options.values()], float)
    most = counts[:, :1]  # at the lowest threshold
    left = counts.sum(axis=0) / max(1.0, float(most.sum()))
    alarms = (most + 0.5) * (counts + _PRIOR_ALARMS * left) / (most + _PRIOR_ALARMS)
    return {
        word: [option._replace(false_alarms=float(alarm)) for option, alarm in zip(found, row, strict=True)]
        for (word, found), row in zip(options.items(), alarms, strict=True)
    }


def spend(options: Mapping[str, Sequence[Option]], budget: int) -> dict[str, float]:
    """The threshold of each word with the most hits for a budget of false alarms: a knapsack, solved exactly.

    Of equally good choices it takes the one with fewer false alarms, then higher thresholds: they are the safer ones.
    False alarms are counted in tenths, rounded up, and half a one more than the budget is none.
    """
    budget = 10 * budget + 5  # half an alarm is rounded off
    # best[b]: hits, minus false alarms, thresholds: with b tenths of a false alarm or fewer
    best: list[tuple[int, int, tuple[float, ...]]] = [(0, 0, ())] * (budget + 1)
    for choices in options.values():
        costs = [(math.ceil(10 * option.false_alarms), option) for option in choices]
        best = [
            max(
                (best[b - cost][0] + option.hits, best[b - cost][1] - cost, (*best[b - cost][2], option.threshold))
                for cost, option in costs if cost <= b
            )
            for b in range(budget + 1)
        ]  # fmt: skip
    return dict(zip(options, best[budget][2], strict=True))


# ---- the card ----


def target_of(recognizer: Recognizer, out: str | os.PathLike[str] | None) -> Path:
    """Where calibrated thresholds go: the model file itself, or ``out``. Raises ModelError where that must not be.

    Raises MissingExtraError without what writes model files, before an hour is spent on scores.
    """
    if find_spec("onnx") is None:
        raise MissingExtraError("export", "writing a model file")
    if out is None and recognizer.path.resolve().parent == SHIPPED_FOLDER.resolve():
        raise ModelError(
            f"{recognizer.path.stem} comes with hanmadi and is not changed in place; name a new file with --out"
        )
    path = recognizer.path if out is None else Path(out)
    if path.suffix != ".onnx" or path.is_dir():
        raise ModelError(f"{path}: expected a file that ends in .onnx")
    return path


def store(calibration: Calibration, recognizer: Recognizer, path: Path) -> None:
    """Write a model file with the thresholds in its card: another one at ``path``, or the same, changed whole."""
    decisions = calibration.config.to_dict() | {"calibration": calibration.to_dict()}
    card = Card.from_dict(recognizer.card | {"decisions": decisions})
    with replacing(path) as temporary:
        shutil.copyfile(recognizer.path, temporary)
        write_card(temporary, card)
    run = run_of(path)  # which has its card as a file too
    if run and path == recognizer.path:
        write_text(run / CARD, card.to_json(indent=1))
