"""How a network is trained: plain values, of which an architecture has one set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from hanmadi.augment.augmentations import Augmentation


@dataclass(frozen=True)
class Sampling:
    """How often a clip is drawn, so that rare words are learnt and ``unknown`` does not drown the rest."""

    unknown: float = 0.30  # share of an epoch; more means fewer false alarms and fewer hits
    silence: float = 0.10
    exponent: float = 0.5  # a word comes as often as (its clips) ** exponent; 0: all words alike, 1: as recorded


@dataclass(frozen=True)
class Teaching:
    """How a network learns what teachers say."""

    share: float = 0.9  # of the loss; the rest is the labels
    temperature: float = 2.0  # logits are divided by it before teachers and network are compared
    mixed: float = 0.5  # share of the clips that are mixed with another and have no label then, in [0, 1)
    augmentation: Augmentation | None = None  # how training clips are augmented; None: as without teachers


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults are plain: Adam, no augmentation."""

    epochs: int = 10
    minimum_steps: int = 0  # with few clips there are more epochs, so that there are as many steps as this
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
    augment: bool = False  # whether training clips are augmented ...
    augmentation: Augmentation = field(default_factory=Augmentation)  # ... and how
    sampling: Sampling | None = None  # None: every clip once an epoch
    teaching: Teaching = field(default_factory=Teaching)  # used where there are teachers
    patience: int | None = 5  # epochs without a better validation loss before it stops; None: the last is kept

    def with_teachers(self) -> Recipe:
        """The same where there are teachers: clips may be augmented differently then."""
        return replace(self, augmentation=self.teaching.augmentation or self.augmentation)

    def epochs_for(self, examples: int) -> int:
        """Epochs for that many training examples."""
        return max(self.epochs, -(-self.minimum_steps // max(1, examples // self.batch)))
