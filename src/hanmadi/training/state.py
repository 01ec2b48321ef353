"""What changes while a training goes on: begun or begun again, and written after every epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn, optim

from hanmadi.errors import TrainingError
from hanmadi.features.torch import FrontEnd
from hanmadi.models import checkpoint
from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture
from hanmadi.runs import WEIGHTS_NAME, Epoch
from hanmadi.training.randomness import seeded

Body = TypeVar("Body", bound=nn.Module)
LAST: Final = "last.safetensors"  # everything that --resume needs
KEPT: Final = WEIGHTS_NAME  # the weights that a recipe keeps; see `kept_epoch`


class KerasAdam(optim.Adam):
    """Adam as Keras has it: epsilon is 1e-7 and is not corrected for the start of the averages.

    lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon): the form at the end of section 2 of Kingma and Ba,
    arXiv 1412.6980. PyTorch's has epsilon / sqrt(1 - b2^t) in the same place.
    """

    EPSILON: Final = 1e-7

    def step(self, closure: Any = None) -> Any:
        """Update the weights from their gradients, as `torch.optim.Adam.step` does."""
        for group in self.param_groups:
            state = self.state.get(group["params"][0]) if group["params"] else None
            steps = 1 + (int(state["step"]) if state else 0)
            group["eps"] = self.EPSILON / math.sqrt(1 - group["betas"][1] ** steps)
        return super().step(closure)


class Network(nn.Module):
    """Front-end and network: waveform (batch, clip_samples) in [-1, 1] to logits (batch, labels)."""

    def __init__(self, front_end: FrontEnd, body: nn.Module) -> None:
        super().__init__()
        self.front_end = front_end
        self.body = body

    def forward(self, samples: Tensor) -> Tensor:
        """Waveforms (batch, clip_samples) in [-1, 1] to logits (batch, labels)."""
        logits: Tensor = self.body(self.front_end(samples))
        return logits


def new_network(architecture: Architecture, labels: int, *, seed: int) -> Network:
    """An architecture's network for so many labels as it begins, on the device that trains fastest here.

    Its weights depend on ``seed`` alone.
    """
    with seeded(seed, torch.device("cpu")):
        body = architecture.build(architecture.features.shape, labels)
    return Network(FrontEnd(architecture.features), body).to(best_device())


def best_device() -> torch.device:
    """The device to train on: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")


@dataclass
class TrainingState:
    """What changes while training goes on."""

    network: Network
    bodies: tuple[nn.Module, ...]  # the network's body and its twins, one for each shard of a batch
    average: nn.Module | None  # exponential moving average of the body's weights
    optimiser: optim.Optimizer
    history: list[Epoch] = field(default_factory=list)
    best_loss: float = math.inf
    epochs_since_best: int = 0
    validated: int | None = None  # clips of a validation; None: all
    seconds: float = 0.0  # of earlier calls, when resumed
    steps: int = 0

    @property
    def evaluated(self) -> nn.Module:
        """The body whose weights are validated and kept."""
        return self.average if self.average is not None else self.network.body


def start(network: Network, recipe: Recipe, folder: Path, *, resume: bool) -> TrainingState:
    """A training as it begins, or as ``folder`` has it when it is resumed."""
    optimiser = make_optimiser(network.body, recipe)
    average = None
    if recipe.ema_decay:
        average = copy.deepcopy(network.body).requires_grad_(False)
    twins = (twin(network.body) for _ in range(1, recipe.shards))
    training = TrainingState(network, (network.body, *twins), average, optimiser)
    if resume and (folder / LAST).exists():
        state = checkpoint.load(folder / LAST)
        checkpoint.unpack("body", network.body, state.tensors)
        if average is not None:
            checkpoint.unpack("average", average, state.tensors)
        checkpoint.unpack_optimiser(optimiser, state.tensors)
        values = dict(state.values)
        training.history = [Epoch(**row) for row in values.pop("history")]
        for name, value in values.items():
            setattr(training, name, value)
    return training


def keep(training: TrainingState, row: Epoch, recipe: Recipe, folder: Path) -> None:
    """Add the epoch; write its weights when they are the ones to keep, then the state."""
    training.history.append(row)
    if math.isnan(row.train_loss) or math.isnan(row.validation_loss):
        raise TrainingError(f"the loss is not a number after epoch {row.epoch}; try a lower learning rate")
    better = row.validation_loss < training.best_loss
    training.epochs_since_best = 0 if better else training.epochs_since_best + 1
    if better:
        training.best_loss = row.validation_loss
    if better or recipe.patience is None:
        weights = checkpoint.pack("body", training.evaluated)
        checkpoint.save(folder / KEPT, checkpoint.State(weights, {"epoch": row.epoch}))
    tensors = checkpoint.pack("body", training.network.body) | checkpoint.pack_optimiser(training.optimiser)
    if training.average is not None:
        tensors |= checkpoint.pack("average", training.average)
    values: dict[str, Any] = {
        name: getattr(training, name) for name in ("best_loss", "epochs_since_best", "validated", "seconds", "steps")
    }
    values["history"] = [row._asdict() for row in training.history]
    checkpoint.save(folder / LAST, checkpoint.State(tensors, values))


def kept_epoch(history: Sequence[Epoch], recipe: Recipe) -> int:
    """The epoch whose weights are kept: that of the lowest validation loss where training may stop early.

    A recipe without patience plans its learning rate to the end, and its last weights, an average, are the best
    ones: the loss of smoothed labels rises while the accuracy still does.
    """
    return history[-1].epoch if recipe.patience is None else min(history, key=lambda row: row.validation_loss).epoch


def sum_gradients(bodies: Sequence[nn.Module]) -> None:
    """Add the gradients of the twins to those of the first."""
    first = [p.grad for p in bodies[0].parameters() if p.grad is not None]
    for twin in bodies[1:]:
        torch._foreach_add_(first, [p.grad for p in twin.parameters() if p.grad is not None])


def update_average(average: nn.Module, body: nn.Module, decay: float, steps: int) -> None:
    """Exponential moving average of weights and statistics; it follows faster at the start."""
    decay = min(decay, (1 + steps) / (10 + steps))
    with torch.no_grad():
        old = [t for t in average.state_dict().values() if t.is_floating_point()]
        new = [t for t in body.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(old, new, 1.0 - decay)


def device_of(network: nn.Module) -> torch.device:
    """The device (processor or GPU) on which a network's weights lie."""
    return next(network.parameters()).device


def make_optimiser(body: nn.Module, recipe: Recipe) -> optim.Optimizer:
    """The optimiser of a recipe for a network's weights."""
    groups = _parameter_groups(body, recipe.weight_decay)
    if recipe.optimiser == "sgd":
        return optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)
    if recipe.optimiser == "keras_adam":
        return KerasAdam(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    optimiser = optim.AdamW if recipe.weight_decay else optim.Adam
    return optimiser(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)


def _parameter_groups(body: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and normalisation do not."""
    weights = [p for p in body.parameters() if p.ndim > 1]
    others = [p for p in body.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def twin(body: Body) -> Body:
    """The same weights, in the same memory, with gradients and batch statistics of its own."""
    found = copy.deepcopy(body)
    for own, shared in zip(found.parameters(), body.parameters(), strict=True):
        own.data = shared.data
    return found
