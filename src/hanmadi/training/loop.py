"""The training loop: examples in, weights out. A step, `_learn` and the loop of `_train_epoch`, fits on a screen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.audio import Samples
from hanmadi.audio.noise import Rng
from hanmadi.data.examples import Examples
from hanmadi.errors import TrainingError
from hanmadi.models import checkpoint
from hanmadi.models.precision import in_bfloat16
from hanmadi.models.recipe import Recipe
from hanmadi.runs import Epoch
from hanmadi.training.allocator import keeping_freed_memory
from hanmadi.training.batches import Preparation, prepare, with_hard_windows
from hanmadi.training.budget import NO_HOOKS, Budget, Clock, Hooks, Step
from hanmadi.training.distillation import distance_to, mix, taught_answers
from hanmadi.training.executor import Executor, executor_for
from hanmadi.training.order import batches_of_epoch, recipe_weights
from hanmadi.training.randomness import dropout_from, generators, seeded
from hanmadi.training.state import KEPT, Network, TrainingState, device_of, keep, start, sum_gradients, update_average
from hanmadi.training.validation import evaluate_loss, evaluating, within_time

_HARD_AFTER: Final = 4  # epochs: before, a network takes anything for anything
_UNLABELLED: Final = -100  # a target that the cross-entropy does not count


def fit(
    network: Network,
    examples: Mapping[str, Examples],
    recipe: Recipe,
    budget: Budget,
    *,
    folder: Path,
    seed: int = 0,
    weights: NDArray[np.float64] | None = None,
    teachers: Sequence[nn.Module] = (),
    resume: bool = False,
    hooks: Hooks = NO_HOOKS,
    executor: Callable[[int], AbstractContextManager[Executor]] = executor_for,
) -> list[Epoch]:
    """Train until the budget is used; ``folder`` then holds the weights to keep and the last state.

    ``examples`` are of "train" and "validation". ``weights`` (examples,) say how often each training example is drawn;
    without them the recipe does. ``teachers`` are networks whose answers to the same features are learnt beside the
    labels. ``executor`` makes what carries out the shards of a batch.
    ``network`` ends with the weights to keep. Everything drawn in an epoch depends on
    (seed, epoch) alone, so a resumed training repeats what an uninterrupted one does.
    """
    train, validation = examples["train"], examples["validation"]
    training = start(network, recipe, folder, resume=resume)
    clock = Clock(earlier_s=training.seconds)
    budget = within_time(training, validation, budget)
    weights = recipe_weights(train, recipe) if weights is None else weights
    with keeping_freed_memory(), executor(recipe.shards) as workers:
        plan = _Plan(train, recipe, budget, seed, weights, tuple(teachers), hooks, workers, clock)
        while not _is_over(training, recipe, budget, clock.seconds()):
            tally = _train_epoch(training, plan)
            if tally.clips == 0:
                raise TrainingError(f"expected two training clips or more, got {len(train)}; record more")
            row = _row(training, tally, evaluate_loss(training, validation, recipe), clock.seconds())
            training.seconds = row.seconds
            keep(training, row, recipe, folder)
            hooks.on_epoch(row)
    checkpoint.unpack("body", network.body, checkpoint.load(folder / KEPT).tensors)
    return training.history


# ---- an epoch and its steps ----


@dataclass(frozen=True)
class _Plan:
    """What stays the same while a training goes on."""

    examples: Examples
    recipe: Recipe
    budget: Budget
    seed: int
    weights: NDArray[np.float64] | None
    teachers: tuple[nn.Module, ...]
    hooks: Hooks
    executor: Executor
    clock: Clock


def _train_epoch(training: TrainingState, plan: _Plan) -> _Tally:
    """One pass over the training examples: what it came to. It ends early when the time is used."""
    epoch, recipe, bodies, tally = len(training.history), plan.recipe, training.bodies, _Tally()
    rng, device = np.random.default_rng([plan.seed, epoch]), device_of(training.network)
    seed = int(rng.integers(2**62))  # of what networks draw
    batches = batches_of_epoch(len(plan.examples), plan.weights, recipe, seed=plan.seed, epoch=epoch, rng=rng)
    prepared = partial(_prepare, _preparation(training, plan, rng), device=device, taught=bool(plan.teachers))
    learners = [
        partial(_learn, body, generator=generator, recipe=recipe, teachers=plan.teachers)
        for body, generator in zip(bodies, generators(len(bodies), seed=seed, device=device), strict=True)
    ]
    shards = (_shards(batch, most=len(bodies), rng=rng) for batch in batches)
    share = plan.budget.share(epoch, plan.clock.seconds())
    with seeded(seed, device):
        for done, learnt in enumerate(plan.executor.batches(shards, prepared, learners), start=1):
            apply_gradients(training, recipe, shards=len(learnt), learning_rate=learning_rate(recipe, share))
            tally.add(learnt)
            share = plan.budget.share(epoch + done / len(batches), plan.clock.seconds())
            plan.hooks.on_step(Step(epoch + 1, share, tally.loss, tally.accuracy, plan.clock.seconds_left(share)))
            if share >= 1.0:
                break
    return tally


def _learn(
    body: nn.Module, shard: _Prepared, *, generator: torch.Generator, recipe: Recipe, teachers: Sequence[nn.Module]
) -> Learnt:
    """Features, logits, loss, backward: leaves the gradients of a shard's part in the loss of its batch in ``body``."""
    features, targets = shard.features, shard.targets
    body.train().zero_grad(set_to_none=True)
    with in_bfloat16(features.device, wanted=recipe.bfloat16), dropout_from(generator, body):
        logits = body(features).float()
    loss = functional.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing, ignore_index=_UNLABELLED)
    if teachers:
        how = recipe.teaching
        answers = taught_answers(teachers, features, temperature=how.temperature)
        loss = torch.lerp(loss, distance_to(answers, logits, temperature=how.temperature), how.share)
    loss = loss * (len(targets) / shard.batch)
    loss.backward()  # type: ignore[no-untyped-call]
    right = int((logits.argmax(1) == targets).sum()) * len(targets) / int((targets != _UNLABELLED).sum())
    return Learnt(len(targets), float(loss.detach()), right)


def apply_gradients(training: TrainingState, recipe: Recipe, *, shards: int, learning_rate: float) -> None:
    """Clip, optimiser step, average: change the weights by the gradients that so many shards left in their bodies."""
    body = training.network.body
    sum_gradients(training.bodies[:shards])
    if recipe.gradient_norm is not None:
        nn.utils.clip_grad_norm_(body.parameters(), recipe.gradient_norm)
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate
    training.optimiser.step()
    training.steps += 1
    if training.average is not None:
        update_average(training.average, body, recipe.ema_decay, training.steps)


def learning_rate(recipe: Recipe, share: float) -> float:
    """Learning rate when ``share`` (0 to 1) of the budget is used."""
    peak = recipe.learning_rate
    if recipe.schedule == "constant":
        return peak
    if share < recipe.warm_up:
        return peak * share / recipe.warm_up
    fall = (share - recipe.warm_up) / (1 - recipe.warm_up)
    return peak * 0.5 * (1 + math.cos(math.pi * fall))


class Learnt(NamedTuple):
    """The loss and the right answers of a shard of a batch."""

    clips: int
    loss: float  # its part in the mean loss of the batch
    right: float  # answers; where only some clips have a label, as if the rest were as easy


@dataclass
class _Tally:
    """What an epoch came to so far."""

    clips: int = 0
    loss_sum: float = 0.0
    right: float = 0.0

    def add(self, shards: Sequence[Learnt]) -> None:
        """Add the losses and right answers of a batch."""
        clips = sum(shard.clips for shard in shards)
        self.clips += clips
        self.loss_sum += sum(shard.loss for shard in shards) * clips
        self.right += sum(shard.right for shard in shards)

    @property
    def loss(self) -> float:
        """The mean loss over the clips so far."""
        return self.loss_sum / max(self.clips, 1)

    @property
    def accuracy(self) -> float:
        """The share of right answers so far, 0 to 1."""
        return self.right / max(self.clips, 1)


# ---- what a step learns from ----


class _Shard(NamedTuple):
    """A part of a batch, with randomness of its own."""

    indices: NDArray[np.int64]  # of examples
    batch: int  # clips of the whole batch
    rng: Rng  # its own, so that the outcome does not depend on which thread is first


class _Prepared(NamedTuple):
    """The same as the network hears it."""

    features: Tensor
    targets: Tensor
    batch: int


def _shards(batch: NDArray[np.int64], *, most: int, rng: Rng) -> list[_Shard]:
    count = min(most, max(1, len(batch) // 2))  # batch norm needs two clips in each
    parts = zip(np.array_split(batch, count), rng.spawn(count), strict=True)
    return [_Shard(part, len(batch), own) for part, own in parts]


def _prepare(preparation: Preparation, shard: _Shard, *, device: torch.device, taught: bool) -> _Prepared:
    """Features and targets of a shard; some clips are mixed where there are teachers, who alone can answer those."""
    features = preparation(shard.indices, device=device, rng=shard.rng)
    targets = torch.from_numpy(preparation.examples.labels[shard.indices])
    mixed = preparation.recipe.teaching.mixed if taught else 0.0
    if count := int(mixed * len(targets)):
        features = mix(features, count=count, rng=shard.rng)
        targets[:count] = _UNLABELLED
    return _Prepared(features, targets.to(device), shard.batch)


def _preparation(training: TrainingState, plan: _Plan, rng: Rng) -> Preparation:
    """How the clips of the coming epoch are prepared; later ones know what the network still takes for keywords."""
    preparation = prepare(training.network.front_end, plan.examples, plan.recipe, rng=rng)
    if len(training.history) < _HARD_AFTER:
        return preparation
    return with_hard_windows(preparation, partial(_scores, training, plan.executor), rng=rng)


def _scores(training: TrainingState, executor: Executor, batches: Iterable[Samples]) -> Iterator[NDArray[np.float32]]:
    """What the weights that would be kept say of clips: (n, labels) for each batch."""
    with evaluating(training.network, training.evaluated):
        yield from executor.map(partial(_scores_of, training), batches)


def _scores_of(training: TrainingState, clips: Samples) -> NDArray[np.float32]:
    with torch.inference_mode():
        heard = training.network.front_end(torch.from_numpy(clips).to(device_of(training.network)))
        scores: NDArray[np.float32] = torch.softmax(training.evaluated(heard), dim=1).cpu().numpy()
        return scores


# ---- between epochs ----


def _row(training: TrainingState, tally: _Tally, validation: tuple[float, float], seconds: float) -> Epoch:
    before = training.history[-1].examples if training.history else 0
    rate = training.optimiser.param_groups[0]["lr"]
    number, examples = len(training.history) + 1, before + tally.clips
    return Epoch(number, examples, seconds, rate, tally.loss, tally.accuracy, *validation)


def _is_over(training: TrainingState, recipe: Recipe, budget: Budget, seconds: float) -> bool:
    if recipe.patience is not None and training.epochs_since_best >= recipe.patience:
        return True
    return bool(training.history) and budget.share(len(training.history), seconds) >= 1.0
