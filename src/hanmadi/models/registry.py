"""The registry of architectures: a name, the features it sees, how it is trained."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from hanmadi.augment import Augmentation
from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.features import FeatureConfig

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Sampling:
    """How often a clip is drawn, so that rare words are learnt and ``unknown`` does not drown the rest."""

    unknown: float = 0.30  # share of an epoch; more means fewer false alarms and fewer hits
    silence: float = 0.10
    temper: float = 0.5  # a word comes as often as (its clips) ** temper; 0: all words alike, 1: as recorded


@dataclass(frozen=True)
class Teaching:
    """How a network learns what teachers say."""

    share: float = 0.9  # of the loss; the rest is the labels
    temperature: float = 2.0  # logits are divided by it before teachers and network are compared
    mixed: float = 0.5  # share of the clips that are mixed with another and have no label then, in [0, 1)
    augmentation: Augmentation | None = None  # how training clips are altered; None: as without teachers


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults are plain: Adam, no augmentation."""

    epochs: int = 10
    least_steps: int = 0  # with few clips there are more epochs, so that there are as many steps as this
    batch: int = 32
    shards: int = 1  # parts of a batch that are learnt from side by side; batch norm sees one of them at a time
    learning_rate: float = 1e-4
    schedule: Literal["constant", "one_cycle"] = "constant"
    warm_up: float = 0.08  # share of a one-cycle schedule in which the learning rate rises; then it falls as a cosine
    optimiser: Literal["adam", "keras_adam", "sgd"] = "adam"
    betas: tuple[float, float] = (0.9, 0.999)  # of adam
    momentum: float = 0.9  # of sgd
    weight_decay: float = 0.0  # with adam, above 0: AdamW
    gradient_norm: float | None = 5.0  # the largest a step may have, so that a rare bad batch does not undo the others
    order: Literal["shuffled", "repeated"] = "shuffled"  # anew each epoch, or once, whole batches, round and round
    bfloat16: bool = False  # products in bfloat16 where the processor has them
    label_smoothing: float = 0.0
    ema_decay: float = 0.0  # above 0: the average of the weights is what is kept
    augment: bool = False  # whether training clips are altered ...
    augmentation: Augmentation = field(default_factory=Augmentation)  # ... and how
    sampling: Sampling | None = None  # None: every clip once an epoch
    teaching: Teaching = field(default_factory=Teaching)  # used where there are teachers
    patience: int | None = 5  # epochs without a better validation loss before it stops; None: the last is kept

    def with_teachers(self) -> Recipe:
        """The same where there are teachers: clips may be altered differently then."""
        return replace(self, augmentation=self.teaching.augmentation or self.augmentation)

    def epochs_for(self, examples: int) -> int:
        """Epochs for that many training examples."""
        return max(self.epochs, -(-self.least_steps // max(1, examples // self.batch)))


@dataclass(frozen=True)
class Architecture:
    """A network by name."""

    name: str
    build: Callable[[tuple[int, ...], int], nn.Module]  # (shape of the features, number of labels)
    features: FeatureConfig
    recipe: Recipe
    summary: str  # one line for a person


_REGISTRY: dict[str, Architecture] = {}


def register(entry: Architecture) -> Architecture:
    """Add an architecture. Raises ModelError if the name is taken."""
    if entry.name in _REGISTRY:
        raise ModelError(f"the architecture {entry.name!r} is registered already; choose another name")
    _REGISTRY[entry.name] = entry
    return entry


def names() -> tuple[str, ...]:
    """Names of all architectures, sorted."""
    _load_all()
    return tuple(sorted(_REGISTRY))


def architecture(name: str) -> Architecture:
    """The architecture of that name. Raises ModelError that lists the choices."""
    _load_all()
    if name not in _REGISTRY:
        raise ModelError(f"no architecture is called {name!r}; choose one of {', '.join(sorted(_REGISTRY))}")
    return _REGISTRY[name]


def _load_all() -> None:
    package = importlib.import_module("hanmadi.models")
    try:
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"hanmadi.models.{module.name}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("train", "a network") from error
