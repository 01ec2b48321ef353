"""The loss on validation clips, and how many of them a training with little time can afford."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import audio
from hanmadi.data.examples import Examples
from hanmadi.models.precision import in_bfloat16
from hanmadi.models.recipe import Recipe
from hanmadi.training.budget import Budget
from hanmadi.training.state import Network, TrainingState, device_of

_SHARE: Final = 0.1  # of a time budget that one validation may take
_FEWEST: Final = 120  # clips, however slow the network


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Modules as they are used, not trained: dropout and batch norm hold still."""
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module in modules:
            module.train()


def evaluate_loss(training: TrainingState, examples: Examples, recipe: Recipe) -> tuple[float, float]:
    """Cross-entropy and accuracy of the weights that would be kept, over fixed clips without augmentation."""
    body = training.evaluated
    loss_sum = correct = count = 0.0
    with evaluating(training.network, body), torch.inference_mode():
        for samples, targets in examples.batches(recipe.batch, at_most=training.validated):
            heard = training.network.front_end(_as_float(samples, training.network))
            with in_bfloat16(heard.device, wanted=recipe.bfloat16):
                logits = body(heard).float()
            wanted = torch.from_numpy(targets).to(logits.device)
            loss_sum += float(functional.cross_entropy(logits, wanted, reduction="sum"))
            correct += int((logits.argmax(1) == wanted).sum())
            count += len(targets)
    return loss_sum / count, correct / count


def within_time(training: TrainingState, examples: Examples, budget: Budget) -> Budget:
    """The budget without the time of the last validation.

    Settles how many clips a validation has, so that a slow network still gets to train.
    """
    if budget.seconds is None:
        return budget
    per_clip = _seconds_per_clip(training.network, examples)
    if training.validated is None:
        affordable = int(_SHARE * budget.seconds / per_clip)
        fewest = min(_FEWEST, len(examples))
        training.validated = None if affordable >= len(examples) else max(affordable, fewest)
    last = per_clip * (training.validated or len(examples))
    return Budget(budget.epochs, max(budget.seconds - last, budget.seconds / 2))


def _seconds_per_clip(network: Network, examples: Examples) -> float:
    few = _as_float(next(iter(examples.batches(16)))[0], network)
    with evaluating(network), torch.inference_mode():
        network(few)  # the first call also allocates
        started = time.monotonic()
        network(few)
        return (time.monotonic() - started) / len(few)


def _as_float(samples: NDArray[np.int16], network: nn.Module) -> Tensor:
    return torch.from_numpy(audio.from_int16(samples)).to(device_of(network))
