"""How good a model is live: words mixed into long recordings, through the very stream and decisions that run.

Two things are measured, each where it can be measured honestly: how many mixed-in words are missed, and how often a
word is detected in the same recordings with nothing mixed in, where every detection is a false alarm. Scores are
computed once; decisions with other thresholds are then made from them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.data.examples import label_of_words
from hanmadi.data.recordings import Background, endless, from_samples, open_backgrounds, take
from hanmadi.data.splits import split_noise
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.errors import DataError
from hanmadi.evaluation.evaluation import Which, check_split, rows_of_split, store_for
from hanmadi.evaluation.metrics import (
    SECONDS_PER_HOUR,
    Interval,
    false_alarms_per_hour,
    poisson_interval,
    wilson_interval,
)
from hanmadi.evaluation.mixing import GRACE_S, Word, mix_into
from hanmadi.files import csv_text
from hanmadi.inference.decisions import DecisionConfig, Detection, decide
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import HOP_S, Listener, Stream, Window
from hanmadi.labels import LabelSet
from hanmadi.runs import run_of

_MOST_DB: Final = 100  # of an SNR, either way
SNR_DB: Final = 10.0
SLOT_S: Final = 4.0  # of background for each mixed-in word
_SESSION_WORDS: Final = 60  # words mixed into one stream: four minutes, so that memory stays flat
# thresholds that are tried; closer together near 1, where a network may be sure of all it says
THRESHOLDS: Final = (*(round(0.02 * i, 2) for i in range(2, 49)), 0.97, 0.98, 0.985, 0.99, 0.995, 0.999, 0.9999)


class ScoredStream(NamedTuple):
    """Scores of one stream, computed once, and what was said in it."""

    background: str
    seconds: float
    times: NDArray[np.float64]  # (windows,) ends in seconds
    scores: NDArray[np.float32]  # (windows, labels)
    words: tuple[Word, ...] = ()  # none: every detection is a false alarm
    snr_db: float | None = None  # of the mixed-in words


@dataclass(frozen=True)
class FalseAlarms:
    """Detections where no keyword was said."""

    seconds: float  # of sound
    by_word: Mapping[str, int]

    @property
    def count(self) -> int:
        """The number of false alarms of all words together."""
        return sum(self.by_word.values())

    @property
    def per_hour(self) -> float:
        """False alarms an hour, of all words together."""
        return false_alarms_per_hour(self.count, self.seconds)

    @property
    def interval(self) -> Interval:
        """95 % interval of the rate in an hour (exact, Poisson)."""
        return poisson_interval(self.count, exposure=self.seconds / SECONDS_PER_HOUR)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, which JSON can hold."""
        return {
            "count": self.count, "hours": self.seconds / SECONDS_PER_HOUR, "per_hour": self.per_hour,
            "interval": list(self.interval), "by_word": dict(self.by_word),
        }  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """How mixed-in words fared in one background at one SNR."""

    background: str
    snr_db: float | None
    words: int
    misses: int  # nothing, or first another word, was detected from a word's start to a second after its end
    substitutions: int  # of them: another word was
    strays: int  # detections at other times, and second ones of a word
    latencies_s: tuple[float, ...] = field(repr=False)  # of the others: from the word's end, by its level

    @property
    def miss_rate(self) -> float:
        """The share of the words mixed in that was not detected, 0 to 1."""
        return self.misses / self.words

    @property
    def interval(self) -> Interval:
        """95 % interval of the miss rate (Wilson)."""
        return wilson_interval(self.misses, self.words)

    def latency_s(self, share: float) -> float | None:
        """The latency that this share of the words heard stays below; None if none was heard."""
        return float(np.quantile(self.latencies_s, share)) if self.latencies_s else None

    @property
    def false_alarms(self) -> int:
        """Detections of what was not said there: substitutions and strays."""
        return self.substitutions + self.strays

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, which JSON can hold."""
        return {
            "background": self.background, "snr_db": self.snr_db, "words": self.words, "misses": self.misses,
            "miss_rate": self.miss_rate, "interval": list(self.interval), "substitutions": self.substitutions,
            "false_alarms": self.false_alarms, "latency_s": {"median": self.latency_s(0.5), "p90": self.latency_s(0.9)},
        }  # fmt: skip


class DetPoint(NamedTuple):
    """One threshold, the same for all words."""

    threshold: float
    miss_rate: float
    misses: int
    words: int
    false_alarms: int | None  # None without a background
    false_alarms_per_hour: float | None
    low: float | None  # ends of its 95 % interval
    high: float | None


@dataclass(frozen=True)
class LiveEvaluation:
    """How often a model misses words, and how often it alarms falsely, in streams."""

    model: str
    data: str
    split: str
    seed: int
    clips: int  # recordings mixed in, each once in each background at each SNR
    hop_s: float
    config: DecisionConfig
    heard: tuple[Heard, ...]
    false_alarms: FalseAlarms | None  # None: no background recordings were given
    missed_words: Mapping[str, tuple[int, int]]  # word: missed, mixed in
    det: tuple[DetPoint, ...] = field(repr=False)

    @property
    def overall(self) -> Heard:
        """All backgrounds and SNRs together. Its interval flatters where a clip stands in several of them."""
        return _together(self.heard)

    def to_dict(self) -> dict[str, Any]:
        """As plain values: what ``hanmadi evaluate --stream --json`` prints."""
        return {
            "model": self.model, "data": self.data, "split": self.split, "seed": self.seed, "clips": self.clips,
            "hop_s": self.hop_s, "decisions": self.config.to_dict(), "grace_s": GRACE_S,
            "miss_rate": self.overall.miss_rate, "planted": [heard.to_dict() for heard in self.heard],
            "missed_words": {word: list(counts) for word, counts in self.missed_words.items()},
            "false_alarms": None if self.false_alarms is None else self.false_alarms.to_dict(),
            "det": [point._asdict() for point in self.det],
        }  # fmt: skip


def evaluate_live(
    model: str | os.PathLike[str] | Recognizer | None = None,
    data: str | os.PathLike[str] | None = None,
    *,
    backgrounds: Sequence[str | os.PathLike[str]] = (),
    snr_db: Sequence[float] = (SNR_DB,),
    split: Which = "auto",
    clips: int | None = None,
    seed: int = 0,
    hop_s: float = HOP_S,
    on_stream: Callable[[str], None] = lambda _: None,
) -> LiveEvaluation:
    """Evaluate a model live: keywords of ``data`` (otherwise of its training), mixed into ``backgrounds``.

    backgrounds: recordings or folders of them in which no keyword is said; without any, words are mixed into the
    noise that the data has, and false alarms are not counted. Each of ``clips`` clips (all, otherwise) is mixed in
    once in each background at each SNR. ``on_stream`` is called with the name of each stream before it is heard.
    Raises DataError for absent recordings, or data without keywords or noise.
    """
    check_split(split)
    recognizer = model if isinstance(model, Recognizer) else load(model)
    store = store_for(recognizer, data)
    split, rows = keyword_rows(recognizer, store, split=split, at_most=clips)
    given = open_backgrounds(backgrounds, sample_rate=recognizer.sample_rate)
    behind = given or [own_noise(store, split)]
    mixed = list(
        score_mixed(recognizer, store, rows, behind, snr_db=snr_db, seed=seed, hop_s=hop_s, on_stream=on_stream)
    )
    alone = [hear(recognizer, background, hop_s=hop_s, on_stream=on_stream) for background in given]
    config = recognizer.about.decision_config
    labels = recognizer.labels
    return LiveEvaluation(
        model=str(recognizer.path), data=store.source, split=split, seed=seed, clips=len(rows), hop_s=hop_s,
        config=config, heard=tuple(evaluate_words(mixed, labels, config, hop_s=hop_s)),
        false_alarms=count_false_alarms(alone, labels, config, hop_s=hop_s) if alone else None,
        missed_words=missed_words(mixed, labels, config, hop_s=hop_s),
        det=tuple(sweep(mixed, alone, labels, config, hop_s=hop_s)),
    )  # fmt: skip


# ---- what is heard: the slow part ----


def keyword_rows(
    recognizer: Recognizer, store: ClipStore, *, split: Which = "auto", at_most: int | None = None
) -> tuple[Which, NDArray[np.int64]]:
    """The split that is meant, and its clips of keywords, or so many of them evenly spread. DataError for none."""
    split, rows = rows_of_split(recognizer, store, split)
    labels = LabelSet(recognizer.labels)
    is_keyword = np.isin(label_of_words(store, labels), [labels.labels.index(word) for word in labels.keywords])
    rows = rows[is_keyword[store.word[rows]]]
    if not len(rows):
        words = ", ".join(labels.keywords)
        raise DataError(f"{store.source}: no clip of {words} in the split {split!r}; try --split all")
    if at_most is not None and at_most < len(rows):
        rows = rows[np.linspace(0, len(rows) - 1, at_most).round().astype(np.int64)]
    return split, rows


def own_noise(store: ClipStore, split: str) -> Background:
    """The noise recordings of a split of the data. Raises DataError if there are none."""
    noises = split_noise(store)
    found = noises[split] if split in SPLITS else [noise for part in noises.values() for noise in part]
    if not found:
        raise DataError(f"{store.source}: has no noise recordings to mix words into; name some with --background")
    return from_samples(f"noise of {store.source}", [audio.from_int16(noise) for noise in found])


def hear(
    recognizer: Listener,
    background: Background,
    *,
    hop_s: float = HOP_S,
    on_stream: Callable[[str], None] = lambda _: None,
) -> ScoredStream:
    """Scores of a background with nothing mixed in: its recordings one after the other, in one stream."""
    on_stream(background.name)
    stream = Stream(recognizer, hop_s=hop_s)
    windows = [window for recording in background.recordings() for window in stream.push(recording)]
    if not windows:
        raise DataError(f"{background.name}: expected a second of sound or more, got {stream.time_s:.2f} s")
    return _scored(background.name, stream.time_s, windows)


def score_mixed(
    recognizer: Listener,
    store: ClipStore,
    rows: NDArray[np.int64],
    backgrounds: Sequence[Background],
    *,
    snr_db: Sequence[float] = (SNR_DB,),
    seed: int = 0,
    hop_s: float = HOP_S,
    on_stream: Callable[[str], None] = lambda _: None,
) -> Iterator[ScoredStream]:
    """Scores of streams into which the clips are mixed, in an order of chance: each once in each background and SNR.

    rows: of the store, of keywords.
    """
    if not all(-_MOST_DB <= ratio <= _MOST_DB for ratio in snr_db):
        raise DataError(f"expected SNRs from {-_MOST_DB} to {_MOST_DB} dB, got {', '.join(map(str, snr_db))}")
    label_of = label_of_words(store, LabelSet(recognizer.labels))[store.word]
    for index, background in enumerate(backgrounds):
        for ratio in snr_db:
            on_stream(f"{len(rows)} words in {background.name} at {ratio:g} dB")
            rng = np.random.default_rng([seed, index])  # the same places at each SNR
            order = rng.permutation(rows)
            spoken = [recognizer.labels[label] for label in label_of[order]]
            for samples, words in _sessions(store, order, spoken, background, ratio, rng):
                stream = Stream(recognizer, hop_s=hop_s)
                windows = stream.push(samples)
                yield _scored(background.name, stream.time_s, windows, tuple(words), ratio)


def _sessions(
    store: ClipStore,
    rows: NDArray[np.int64],
    labels: Sequence[str],
    background: Background,
    snr_db: float,
    rng: np.random.Generator,
) -> Iterator[tuple[Samples, list[Word]]]:
    """Streams of a few minutes: their samples and words. The background goes on from one to the next."""
    recordings, left_over = endless(background), np.zeros(0, np.float32)
    slot = round((SLOT_S + store.seconds - 1.0) * store.sample_rate)
    for start in range(0, len(rows), _SESSION_WORDS):
        part = rows[start : start + _SESSION_WORDS]
        behind, left_over = take(len(part) * slot, recordings, left_over)
        clips = audio.from_int16(store.samples(part))
        yield mix_into(
            clips, labels[start : start + len(part)], behind, sample_rate=store.sample_rate, snr_db=snr_db, rng=rng
        )


def _scored(
    name: str, seconds: float, windows: Sequence[Window], words: tuple[Word, ...] = (), snr_db: float | None = None
) -> ScoredStream:
    times = np.array([window.time_s for window in windows])
    return ScoredStream(name, seconds, times, np.stack([window.scores for window in windows]), words, snr_db)


# ---- what is decided: fast, again and again ----


def detections_in(
    stream: ScoredStream, labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> list[Detection]:
    """What `hanmadi.inference.decisions.decide` finds in a stream, without asking it about stretches where nothing can
    be.

    An average exceeds a threshold only where one of the scores does: the windows around those are kept.
    """
    words = LabelSet(tuple(labels)).keywords
    columns = [labels.index(word) for word in words]
    high = (stream.scores[:, columns] > np.array([config.threshold_of(word) for word in words])).any(axis=1)
    reach = max(1, round(config.smoothing_s / hop_s)) + 1
    counted = np.concatenate([[0], np.cumsum(np.pad(high, reach))])
    kept = counted[2 * reach + 1 :] > counted[: -2 * reach - 1]
    if not kept.any():
        return []
    return decide(stream.times[kept], stream.scores[kept], labels, config, hop_s=hop_s)


def match(detections: Sequence[Detection], words: Sequence[Word]) -> list[Detection | None]:
    """The first detection from each word's start to a second after its end: a program has acted on it by then."""
    return [
        next((found for found in detections if word.start_s <= found.time_s <= word.end_s + GRACE_S), None)
        for word in words
    ]


def evaluate_stream(
    stream: ScoredStream, labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> tuple[Heard, list[bool]]:
    """How the words of one stream fared, and which of them were missed."""
    detections = detections_in(stream, labels, config, hop_s=hop_s)
    firsts = match(detections, stream.words)
    pairs = list(zip(stream.words, firsts, strict=True))
    missed = [first is None or first.label != word.label for word, first in pairs]
    heard = Heard(
        background=stream.background, snr_db=stream.snr_db, words=len(pairs), misses=sum(missed),
        substitutions=sum(first is not None and first.label != word.label for word, first in pairs),
        strays=len(detections) - sum(first is not None for first in firsts),
        latencies_s=tuple(first.time_s - word.end_s for word, first in pairs if first and first.label == word.label),
    )  # fmt: skip
    return heard, missed


def evaluate_words(
    mixed: Sequence[ScoredStream], labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> list[Heard]:
    """How mixed-in words fared: one entry for each background and SNR."""
    groups: dict[tuple[str, float | None], list[Heard]] = {}
    for stream in mixed:
        heard, _ = evaluate_stream(stream, labels, config, hop_s=hop_s)
        groups.setdefault((stream.background, stream.snr_db), []).append(heard)
    return [_together(found) for found in groups.values()]


def missed_words(
    mixed: Sequence[ScoredStream], labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> dict[str, tuple[int, int]]:
    """Of each keyword, how many of the mixed-in ones are missed and how many there are."""
    counts = dict.fromkeys(LabelSet(tuple(labels)).keywords, (0, 0))
    for stream in mixed:
        for word, missed in zip(stream.words, evaluate_stream(stream, labels, config, hop_s=hop_s)[1], strict=True):
            before = counts[word.label]
            counts[word.label] = (before[0] + missed, before[1] + 1)
    return counts


def count_false_alarms(
    alone: Sequence[ScoredStream], labels: Sequence[str], config: DecisionConfig, *, hop_s: float
) -> FalseAlarms:
    """Every detection in streams in which no keyword is said."""
    found = [d.label for stream in alone for d in detections_in(stream, labels, config, hop_s=hop_s)]
    by_word = {word: found.count(word) for word in LabelSet(tuple(labels)).keywords}
    return FalseAlarms(sum(stream.seconds for stream in alone), by_word)


def sweep(
    mixed: Sequence[ScoredStream],
    alone: Sequence[ScoredStream],
    labels: Sequence[str],
    config: DecisionConfig,
    *,
    hop_s: float,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Iterator[DetPoint]:
    """A DET curve: misses and false alarms for thresholds that are the same for all words."""
    for threshold in thresholds:
        tried = replace(config, threshold=threshold, thresholds={})
        heard = _together(evaluate_words(mixed, labels, tried, hop_s=hop_s))
        alarms = count_false_alarms(alone, labels, tried, hop_s=hop_s) if alone else None
        rate = (None,) * 4 if alarms is None else (alarms.count, alarms.per_hour, *alarms.interval)
        yield DetPoint(threshold, heard.miss_rate, heard.misses, heard.words, *rate)
        if heard.misses == heard.words and not (alarms and alarms.count):
            return  # nothing is detected any more


def det_csv(points: Sequence[DetPoint]) -> str:
    """A DET curve as CSV, one row a threshold."""
    return csv_text([DetPoint._fields, *points])


def _together(heard: Sequence[Heard]) -> Heard:
    first = heard[0]
    return Heard(
        background=first.background if len({h.background for h in heard}) == 1 else "all",
        snr_db=first.snr_db if len({h.snr_db for h in heard}) == 1 else None,
        words=sum(h.words for h in heard), misses=sum(h.misses for h in heard),
        substitutions=sum(h.substitutions for h in heard), strays=sum(h.strays for h in heard),
        latencies_s=tuple(latency for h in heard for latency in h.latencies_s),
    )  # fmt: skip


def picture_folder(recognizer: Recognizer) -> Path | None:
    """Where results of a model go: its run folder; None for a model file without one, such as a shipped model."""
    return run_of(recognizer.path)
