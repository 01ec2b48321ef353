"""`Card`: what a model knows about itself. Typed here, JSON in a model file and a run folder.

Only ``format``, ``labels``, ``sample_rate`` and ``clip_samples`` must be there, so cards of old models and of other
people's can be read; anything that has a wrong type is a ModelError. What this version does not know is kept, in
``other`` of the section where it stood, and written again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from hanmadi.errors import DataError, ModelError
from hanmadi.features.definition import FeatureConfig
from hanmadi.labels import LabelSet

FORMAT: Final = "hanmadi-model-1"
ENCODER_FORMAT: Final = "hanmadi-encoder-1"
# a field that is written even where it tells nothing, for those who read cards without this module
_ALWAYS: Final = {"always": True}
_MOST_SECONDS: Final = 3_600  # of smoothing, and of rest after a detection
_OTHER: Final = "other"  # the field with what is not known here
_SCALARS: Final[dict[type, tuple[type | tuple[type, ...], str]]] = {
    str: (str, "text"), int: (int, "a whole number"), float: ((int, float), "a number"), bool: (bool, "true or false"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the card, with what this version does not know of it."""

    other: Mapping[str, object] = field(default_factory=dict, repr=False)  # what this version does not know


@dataclass(frozen=True)
class Architecture(Section):
    """The network of a model: its name, its size, what it costs."""

    name: str = ""
    summary: str = ""
    parameters: int = 0
    macs: int = 0  # multiply-accumulates a clip, network alone


@dataclass(frozen=True)
class HardNegatives(Section):
    """Clips that were learnt as unknown words, beside those of the data."""

    source: str
    clips: int
    fingerprint: str = ""
    broken: int = field(default=0, metadata=_ALWAYS)


@dataclass(frozen=True)
class NegativeSpeech(Section):
    """Recordings without a keyword that were learnt as unknown."""

    sources: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class SplitCounts(Section):
    """How much there is in a split."""

    clips: int = field(default=0, metadata=_ALWAYS)  # recordings
    # clips of silence made from noise, beside them
    synthetic_silence: int = field(default=0, metadata={"always": True, "formerly": "made_silence"})
    speakers: int = field(default=0, metadata=_ALWAYS)
    per_label: Mapping[str, int] = field(default_factory=dict)  # recordings and synthetic silence


@dataclass(frozen=True)
class Data(Section):
    """The recordings of the training, their licence, and how they were split."""

    source: str | None = None
    licence: str | None = field(default=None, metadata=_ALWAYS)
    fingerprint: str | None = None
    method: str | None = None  # how they were split
    holdout: float | None = None  # share of test, and of validation unless that has its own
    validation: float | None = None  # share of validation
    seed: int | None = None
    broken: int = field(default=0, metadata=_ALWAYS)  # recordings that could not be read
    hard_negatives: HardNegatives | None = field(default=None, metadata=_ALWAYS)
    negatives: NegativeSpeech | None = field(default=None, metadata={"always": True, "formerly": "talk"})
    splits: Mapping[str, SplitCounts] = field(default_factory=dict)
    attribution: str | None = None


@dataclass(frozen=True)
class Training(Section):
    """How the model was trained, and what that took."""

    command: str = ""
    seed: int | None = None
    teachers: tuple[str, ...] = field(default=(), metadata=_ALWAYS)
    recipe: Mapping[str, object] = field(default_factory=dict)  # `hanmadi.models.recipe.Recipe` as plain values
    epochs: int | None = None
    kept_epoch: int | None = field(default=None, metadata={"formerly": "best_epoch"})
    examples: int | None = None  # clips seen in all epochs
    seconds: float | None = None
    seconds_in_all: float | None = None  # reading and exporting included
    device: str | None = None
    bfloat16: bool | None = None  # whether products were in bfloat16
    processors: int | None = None
    peak_memory_mb: float | None = None
    finished: str | None = None  # time in UTC, ISO 8601
    biases: Mapping[str, float] | None = None  # added to each label's logit
    teachers_by: str | None = None  # the command that trains the teachers


@dataclass(frozen=True)
class Accuracy(Section):
    """Share of clips answered rightly."""

    clips: int
    accuracy: float
    interval: tuple[float, float]  # 95 %
    # ``clips`` of synthetic silence, and how many were ``right``
    synthetic_silence: Mapping[str, int] | None = field(default=None, metadata={"formerly": "made_silence"})


@dataclass(frozen=True)
class Metrics(Section):
    """How good the model is on each split."""

    test: Accuracy | None = None
    train: Accuracy | None = None
    validation: Accuracy | None = None
    gap: float | None = None  # accuracy of training less that of validation
    official_test_layout: Accuracy | None = None

    @property
    def by_split(self) -> dict[str, Accuracy]:
        """Those that are known, by their names."""
        splits = ("train", "validation", "test", "official_test_layout")
        return {split: found for split in splits if (found := getattr(self, split)) is not None}


@dataclass(frozen=True)
class Quantised(Section):
    """The model computes in 8-bit whole numbers."""

    weights: str = ""
    activations: str = ""
    layers: int = 0  # convolutions and dense layers in 8 bits
    layers_in_float32: tuple[str, ...] = ()  # the others
    calibration_clips: int = 0  # from which the ranges of the numbers were taken
    metrics_are_of: str = ""
    metrics: Metrics = Metrics()  # its own; those of the card are of the float32 model


@dataclass(frozen=True)
class DecisionConfig:
    """When scores become a detection. Checked on construction; raises DataError."""

    smoothing_s: float = 0.6  # scores are averaged over the windows of so long; 0: not at all
    threshold: float = 0.7  # an average above it is a detection, for words without a threshold of their own
    thresholds: Mapping[str, float] = field(default_factory=dict)  # word: its own threshold
    refractory_s: float = 1.0  # after a detection no word is detected for so long
    unknown_weight: float = 5.0  # a score of unknown counts so many times: in talk doubt weighs more than in one clip

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", dict(self.thresholds))  # nobody else's to edit
        for name in ("smoothing_s", "refractory_s"):
            if not 0 <= getattr(self, name) <= _MOST_SECONDS:
                raise DataError(f"expected {name} in seconds, 0 to {_MOST_SECONDS}, got {getattr(self, name)}")
        if not 1 <= self.unknown_weight < math.inf:
            raise DataError(f"expected unknown_weight of 1 or more, got {self.unknown_weight}")
        for word, value in {"all words": self.threshold, **self.thresholds}.items():
            if not 0 <= value <= 1:
                raise DataError(f"expected a threshold from 0 to 1, got {value} for {word}")

    def threshold_of(self, word: str) -> float:
        """What the average score of a word has to exceed."""
        return self.thresholds.get(word, self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the page and ``--json``."""
        return {
            "smoothing_s": self.smoothing_s,
            "threshold": self.threshold,
            "thresholds": dict(self.thresholds),
            "refractory_s": self.refractory_s,
            "unknown_weight": self.unknown_weight,
        }


@dataclass(frozen=True)
class FalseAlarmCount(Section):
    """Detections in recordings without a keyword."""

    count: int
    hours: float


@dataclass(frozen=True)
class Calibrated(Section):
    """What `hanmadi calibrate` found with the thresholds that it chose."""

    false_alarms: FalseAlarmCount


@dataclass(frozen=True)
class Decisions(DecisionConfig, Section):
    """The settings that were chosen for a model, and how."""

    calibration: Calibrated | None = None

    @property
    def config(self) -> DecisionConfig:
        """The settings alone, without how they were chosen."""
        return DecisionConfig(**{setting.name: getattr(self, setting.name) for setting in fields(DecisionConfig)})


@dataclass(frozen=True)
class Card(Section):
    """What a model knows about itself. Raises LabelError or ModelError for what no model can be."""

    labels: tuple[str, ...]  # in the order of the scores
    sample_rate: int  # Hz
    clip_samples: int  # that the network hears at a time
    architecture: Architecture = Architecture()
    features: FeatureConfig | None = None
    data: Data = Data()
    training: Training = Training()
    versions: Mapping[str, str] = field(default_factory=dict)  # of what trained it
    metrics: Metrics = Metrics()
    name: str | None = None
    limits: tuple[str, ...] = ()  # sentences on what it is not for
    decisions: Decisions | None = None
    quantised: Quantised | None = None

    def __post_init__(self) -> None:
        LabelSet(self.labels)
        if self.features and (self.features.sample_rate, self.features.clip_samples) != (
            self.sample_rate, self.clip_samples
        ):  # fmt: skip
            raise ModelError(
                f"expected the rate and length of its features, {self.features.sample_rate} Hz and "
                f"{self.features.clip_samples} samples, got {self.sample_rate} and {self.clip_samples}"
            )
        if self.sample_rate <= 0 or self.clip_samples <= 0:
            raise ModelError(
                f"expected sample_rate and clip_samples above 0, got {self.sample_rate} and {self.clip_samples}"
            )

    @property
    def decision_config(self) -> DecisionConfig:
        """When scores become a detection; the defaults where nothing was chosen."""
        return self.decisions.config if self.decisions else DecisionConfig()

    @property
    def seconds(self) -> float:
        """The length of a clip in seconds."""
        return self.clip_samples / self.sample_rate

    @classmethod
    def from_dict(cls, values: Mapping[str, object], *, origin: str | Path = "this card") -> Card:
        """From plain values, as `to_dict` gives them. ``origin`` is what an error names.

        Raises ModelError for another format, for what must be there and is not, and for a value of a wrong type.
        """
        found = values.get("format") if isinstance(values, Mapping) else None
        if found not in (None, FORMAT):
            raise ModelError(f"{origin}: expected a model of format {FORMAT}, found {found}; update hanmadi")
        try:
            if found is None:
                raise ModelError("expected an object with a format, found none")
            return _card({name: value for name, value in values.items() if name != "format"})
        except (ValueError, ArithmeticError) as error:  # what a dataclass raises that does not like its values
            raise _damaged(origin, error) from error

    def to_dict(self) -> dict[str, Any]:
        """As plain values, nobody else's to edit."""
        return {"format": FORMAT} | _plain_section(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str | Path = "this card") -> Card:
        """From JSON. Raises ModelError like `from_dict`, and for what is not JSON."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _damaged(origin, error) from error
        return cls.from_dict(values, origin=origin)

    def to_json(self, *, indent: int | None = None) -> str:
        """The card as JSON text, which `from_json` reads."""
        return as_json(self, indent=indent)


@dataclass(frozen=True)
class Heard(Section):
    """Recordings that an encoder has heard."""

    source: str
    licence: str
    hours: float


@dataclass(frozen=True)
class EncoderCard(Section):
    """What a speech encoder knows about itself: what it has heard, who taught it, what it was not told."""

    sample_rate: int  # Hz
    clip_samples: int  # that it hears at a time
    channels: int  # of a frame's vector
    frame_s: float  # from one frame to the next
    phones: tuple[str, ...]  # in the order of their posteriors
    architecture: str = ""
    parameters: int = 0
    heard: tuple[Heard, ...] = ()
    teachers: tuple[str, ...] = ()  # models whose answers it learnt, and what they are known to have heard
    words: int = 0  # that it was told apart
    without: tuple[str, ...] = ()  # words of which no recording was heard
    command: str = ""  # that makes it
    epochs: int = 0
    validation: Mapping[str, float] = field(default_factory=dict)  # on clips of speakers that it has not heard

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str | Path = "this card") -> EncoderCard:
        """From JSON. Raises ModelError for another format and for what is missing or of a wrong type."""
        try:
            values = json.loads(text)
            if not isinstance(values, dict) or values.pop("format", None) != ENCODER_FORMAT:
                raise ModelError(f"expected an encoder of format {ENCODER_FORMAT}")
            found: EncoderCard = _section(cls, values, "")
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise _damaged(origin, error) from error
        return found

    def to_json(self) -> str:
        """The card as JSON text, which `from_json` reads."""
        return json.dumps({"format": ENCODER_FORMAT} | _plain_section(self), ensure_ascii=False)


def as_json(card: Card | Mapping[str, object], *, indent: int | None = None) -> str:
    """JSON of a card, typed or as plain values, which are not checked. Paths that are no text are escaped."""
    text = json.dumps(card.to_dict() if isinstance(card, Card) else card, indent=indent, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def read_card(path: Path) -> Card:
    """The card in a file of its own, such as ``card.json``. Raises ModelError if there is none or it is damaged."""
    try:
        return Card.from_json(path.read_bytes(), origin=path)
    except OSError as error:
        raise ModelError(f"{path}: expected the card of a model, which cannot be read ({error.strerror})") from error


# ---- from plain values ----


def _damaged(origin: str | Path, error: object) -> ModelError:
    return ModelError(f"{origin}: its card is damaged ({error}); export it again")


def _unexpected(where: str, what: str, value: object) -> ModelError:
    return ModelError(f"expected {where} to be {what}, got {str(value)[:80]!r}")


def _card(values: Mapping[str, object]) -> Card:
    """Features of which this version knows only a part are no `FeatureConfig`: they are kept as they are."""
    features = values.get("features")
    known = {setting.name for setting in fields(FeatureConfig)}
    if not isinstance(features, Mapping) or known.issuperset(features):
        return _section(Card, values, "")
    card = _section(Card, {name: value for name, value in values.items() if name != "features"}, "")
    return replace(card, other={**card.other, "features": features})


@lru_cache
def _types(section: Any) -> dict[str, Any]:
    return get_type_hints(section)


def _section(section: Any, values: object, where: str) -> Any:
    """A dataclass from plain values; null is as good as absent."""
    if not isinstance(values, Mapping):
        raise _unexpected(where, "an object", values)
    before = f"{where}." if where else ""
    rest = dict(values)
    known = {}
    for part in fields(section):
        key = part.name if part.name in values else part.metadata.get("formerly", part.name)
        value = None if part.name == _OTHER else rest.pop(key, None)
        if value is not None:
            known[part.name] = _value(_types(section)[part.name], value, before + key)
        elif _default(part) is MISSING:
            raise ModelError(f"expected {before}{key}, found none")
    return section(**known, **({_OTHER: rest} if rest else {}))


def _value(kind: Any, value: object, where: str) -> Any:
    """A value that is checked to be of a kind: any that the classes above have."""
    outer, inner = get_origin(kind), get_args(kind)
    if outer is UnionType:  # with None, which is no value
        return _value(inner[0], value, where)
    if outer is tuple:
        return _sequence(inner, value, where)
    if outer is Mapping:
        if not isinstance(value, Mapping):
            raise _unexpected(where, "an object", value)
        return {str(key): _value(inner[1], part, f"{where}.{key}") for key, part in value.items()}
    if is_dataclass(kind):
        return _section(kind, value, where)
    return value if kind is object else _scalar(str if outer is Literal else kind, value, where)


def _sequence(kinds: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    """kinds: of every part, then an ellipsis; or one a part."""
    length = None if kinds[-1] is ... else len(kinds)
    if not isinstance(value, list | tuple) or length not in (None, len(value)):
        raise _unexpected(where, "a list" if length is None else f"a list of {length}", value)
    return tuple(_value(kinds[0], part, f"{where}[{place}]") for place, part in enumerate(value))


def _scalar(kind: type, value: object, where: str) -> object:
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # other programs write whole numbers so
    types, named = _SCALARS[kind]
    if not isinstance(value, types) or (kind is not bool and isinstance(value, bool)):
        raise _unexpected(where, named, value)
    return value


# ---- to plain values ----


def _default(part: Field[Any]) -> object:
    return part.default if part.default_factory is MISSING else part.default_factory()


def _plain_section(section: Any) -> dict[str, Any]:
    """What a dataclass tells. Settings are written whole, as another version may have other defaults."""
    whole = isinstance(section, FeatureConfig | DecisionConfig)
    told = {}
    for part in fields(section):
        value = getattr(section, part.name)
        says = value != _default(part) or (whole and value is not None)
        if part.name != _OTHER and (says or part.metadata.get("always")):
            told[part.name] = _plain(value)
    return told | _plain(getattr(section, _OTHER, {}))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _plain_section(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
