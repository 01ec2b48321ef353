"""The training loop: examples in, weights out. One step fits on a screen."""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim
from torch.nn import functional

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.audio.noise import Rng
from hanmadi.data.examples import Examples
from hanmadi.errors import TrainingError
from hanmadi.models import checkpoint
from hanmadi.models.precision import in_bfloat16
from hanmadi.models.recipe import Recipe
from hanmadi.runs import Epoch
from hanmadi.training.batches import Preparation, prepare, with_hard_windows
from hanmadi.training.distillation import distance_to, mix, taught_answers
from hanmadi.training.state import KEPT, Network, TrainingState, device_of, keep, start, update_average

_VALIDATION_SHARE: Final = 0.1  # of a time budget that one validation may take
_FEWEST_VALIDATED: Final = 120  # clips, however slow the network
_HARD_AFTER: Final = 4  # epochs: before, a network takes anything for anything
# how long a thread may keep the interpreter while another waits; Python's 5 ms are a tenth of a step
_SWITCH_S: Final = 1e-3
# of mallopt(3): blocks above the first size are mapped from the system, and more than the second is given back to it
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _LARGEST_KEPT = -1, -3, 1 << 30

_UNLABELLED: Final = -100  # a target that the cross-entropy does not count

_Shard = tuple[Tensor, Tensor]  # features and targets
Submit = Callable[..., "Future[Any]"]  # a function and its arguments; it runs now or soon


class Step(NamedTuple):
    """What a progress bar shows."""

    epoch: int
    share: float  # of the budget, 0 to 1
    loss: float  # mean over the epoch so far
    accuracy: float
    seconds_left: float


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


def fit(
    network: Network,
    examples: dict[str, Examples],
    recipe: Recipe,
    budget: Budget,
    *,
    seed: int,
    folder: Path,
    weights: NDArray[np.float64] | None = None,
    teachers: Sequence[nn.Module] = (),
    resume: bool = False,
    on_step: Callable[[Step], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train until the budget is used; ``folder`` then holds the weights to keep and the last state.

    ``weights`` says how often each training example is drawn; without them, once an epoch. ``teachers`` are networks
    whose answers to the same features are learnt beside the labels.
    ``network`` ends with the weights to keep. Everything drawn in an epoch depends on
    (seed, epoch) alone, so a resumed training repeats what an uninterrupted one does.
    """
    started = time.monotonic()
    _keep_freed_memory()
    training = start(network, recipe, folder, resume=resume)
    training.weights, training.teachers = weights, tuple(teachers)
    if budget.seconds:
        budget = _set_validation_aside(training, examples["validation"], budget)
    earlier = training.seconds

    def elapsed() -> float:
        return earlier + time.monotonic() - started

    left = _time_left(elapsed)
    while not _is_over(training, recipe, budget, elapsed()):
        epoch = len(training.history) + 1
        loss, accuracy, seen = _train_epoch(training, examples["train"], recipe, budget, seed, elapsed, left, on_step)
        if seen == 0:
            break  # the time was used up before the first batch of this epoch
        validation = evaluate_loss(training, examples["validation"], recipe)
        total = seen + (training.history[-1].examples if training.history else 0)
        rate = training.optimiser.param_groups[0]["lr"]
        row = Epoch(epoch, total, elapsed(), rate, loss, accuracy, *validation)
        training.seconds = row.seconds
        keep(training, row, recipe, folder)
        if on_epoch:
            on_epoch(row)
    if not training.history:
        raise TrainingError(f"expected two training clips or more, got {len(examples['train'])}; record more")
    checkpoint.unpack("body", network.body, checkpoint.load(folder / KEPT).tensors)
    return training.history


def _time_left(elapsed: Callable[[], float]) -> Callable[[float], float]:
    """Seconds until the budget is used, told its share that is used: at the pace since this call of `fit`.

    What earlier calls took says nothing of how busy the machine is now.
    """
    first: list[tuple[float, float]] = []

    def left(share: float) -> float:
        now = elapsed()
        if not first:
            first.append((share, now))
        done, began = share - first[0][0], first[0][1]
        return (now - began) / done * (1 - share) if done > 0 else math.inf

    return left


def _train_epoch(
    training: TrainingState,
    examples: Examples,
    recipe: Recipe,
    budget: Budget,
    seed: int,
    elapsed: Callable[[], float],
    left: Callable[[float], float],
    on_step: Callable[[Step], None] | None,
) -> tuple[float, float, int]:
    """One pass: mean loss, accuracy, examples seen. Stops inside the epoch when the time is used."""
    epoch = len(training.history)
    rng = np.random.default_rng([seed, epoch])
    torch.manual_seed(int(rng.integers(2**62)))  # dropout
    order = _order(examples, training.weights, rng)
    if recipe.order == "repeated":
        shuffled = np.random.default_rng(seed).permutation(len(examples))
        order = shuffled[repeated_order(len(examples), epoch, recipe.batch)]
    loss_sum = correct = seen = 0.0
    parts = [order[start : start + recipe.batch] for start in range(0, len(order), recipe.batch)]
    parts = [part for part in parts if len(part) > 1]  # batch norm needs two
    preparation = prepare(training.network.front_end, examples, recipe, rng=rng)
    with _workers(recipe.shards) as submit:
        if epoch >= _HARD_AFTER:
            preparation = with_hard_windows(preparation, partial(_scores, training, submit))
        shards = _prepared(training, preparation, parts[0], rng, submit) if parts else []
        for done, part in enumerate(parts):
            share = budget.share(epoch + done / len(parts), elapsed())
            if share >= 1.0 and (seen or training.history):
                break  # the time is used; the very first batch is trained in any case
            _set_learning_rate(training.optimiser, recipe, share)
            learnt = _learning(training, recipe, shards, len(part), submit)
            if done + 1 < len(parts):  # whoever has learnt goes on with the next batch while the others finish
                shards = _prepared(training, preparation, parts[done + 1], rng, submit)
            losses, hits = zip(*(shard.result() for shard in learnt), strict=True)
            _apply(training, recipe, len(learnt))
            seen += len(part)
            loss_sum += sum(losses) * len(part)
            correct += sum(hits)
            if on_step:
                on_step(Step(epoch + 1, share, loss_sum / seen, correct / seen, left(share)))
    return loss_sum / max(seen, 1), correct / max(seen, 1), int(seen)


def _scores(training: TrainingState, submit: Submit, batches: Iterable[Samples]) -> Iterator[NDArray[np.float32]]:
    """What the weights that would be kept say of clips: (n, labels) for each batch, a few at a time."""
    rest = iter(batches)
    with _inference(training.network, training.judged):
        while group := list(islice(rest, len(training.bodies))):
            for scores in [submit(_judge, training, clips) for clips in group]:
                yield scores.result()


def _judge(training: TrainingState, clips: Samples) -> NDArray[np.float32]:
    with torch.inference_mode():
        heard = training.network.front_end(torch.from_numpy(clips).to(device_of(training.network)))
        scores: NDArray[np.float32] = torch.softmax(training.judged(heard), dim=1).cpu().numpy()
        return scores


def _prepared(
    training: TrainingState, preparation: Preparation, part: NDArray[np.int64], rng: Rng, submit: Submit
) -> list[Future[_Shard]]:
    """The shards of a batch, soon: always the same ones with their own randomness.

    So the outcome does not depend on which thread is first, nor on whether they run one after the other.
    """
    count = min(len(training.bodies), max(1, len(part) // 2))  # batch norm needs two clips in each
    mixed = preparation.recipe.teaching.mixed if training.teachers else 0.0
    prepare_shard = partial(_prepare, preparation, device=device_of(training.network), mixed=mixed)
    pairs = zip(np.array_split(part, count), rng.spawn(count), strict=True)
    return [submit(prepare_shard, shard, rng=own) for shard, own in pairs]


def _prepare(
    preparation: Preparation, shard: NDArray[np.int64], *, device: torch.device, mixed: float, rng: Rng
) -> _Shard:
    features = preparation(shard, device=device, rng=rng)
    targets = torch.from_numpy(preparation.examples.labels[shard])
    if count := int(mixed * len(targets)):
        features = mix(features, count=count, rng=rng)
        targets[:count] = _UNLABELLED
    return features, targets.to(device)


def _learning(
    training: TrainingState, recipe: Recipe, shards: Sequence[Future[_Shard]], batch: int, submit: Submit
) -> list[Future[tuple[float, float]]]:
    """What each shard comes to, soon: its part in the loss, the number of right answers; gradients are in its body."""
    bodies = training.bodies[: len(shards)]
    learn = partial(_learn, recipe=recipe, teachers=training.teachers, batch=batch)
    return [submit(learn, body, shard) for body, shard in zip(bodies, shards, strict=True)]


def _learn(
    body: nn.Module, shard: Future[_Shard], *, recipe: Recipe, teachers: Sequence[nn.Module], batch: int
) -> tuple[float, float]:
    """Gradients of a shard's part in the loss of the batch: that part, and the number of right answers.

    Where only some clips have a label, right answers are counted as if the rest were as easy.
    """
    features, targets = shard.result()
    body.train().zero_grad(set_to_none=True)
    with in_bfloat16(features.device, wanted=recipe.bfloat16):
        logits = body(features).float()
    loss = functional.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing, ignore_index=_UNLABELLED)
    if teachers:
        how = recipe.teaching
        answers = taught_answers(teachers, features, temperature=how.temperature)
        loss = torch.lerp(loss, distance_to(answers, logits, temperature=how.temperature), how.share)
    loss = loss * (len(targets) / batch)
    loss.backward()  # type: ignore[no-untyped-call]
    labelled = targets != _UNLABELLED
    right = int((logits.argmax(1) == targets).sum())
    return float(loss.detach()), right * len(targets) / int(labelled.sum())


def _apply(training: TrainingState, recipe: Recipe, shards: int) -> None:
    """Change the weights by the gradients of all shards, and the average with them."""
    body = training.network.body
    _sum_gradients(training.bodies[:shards])
    if recipe.gradient_norm is not None:
        nn.utils.clip_grad_norm_(body.parameters(), recipe.gradient_norm)
    training.optimiser.step()
    training.steps += 1
    if training.average is not None:
        update_average(training.average, body, recipe.ema_decay, training.steps)


@contextmanager
def _workers(shards: int) -> Iterator[Submit]:
    """A function that has something done by one of as many threads as there are shards; one shard: at once.

    Two threads with a network each keep two cores busy; one network whose every operation is shared between two
    threads does not, for its operations are small.
    """
    if shards == 1:
        yield _at_once
        return
    threads = torch.get_num_threads()
    workers = min(shards, threads)
    patience = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads // workers,)) as pool:
            yield pool.submit
    finally:
        sys.setswitchinterval(patience)


def _at_once(function: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(function(*arguments, **named))
    return done


def _sum_gradients(bodies: Sequence[nn.Module]) -> None:
    """Add the gradients of the twins to those of the first."""
    first = [p.grad for p in bodies[0].parameters() if p.grad is not None]
    for twin in bodies[1:]:
        torch._foreach_add_(first, [p.grad for p in twin.parameters() if p.grad is not None])


def _order(examples: Examples, weights: NDArray[np.float64] | None, rng: Rng) -> NDArray[np.int64]:
    """Indices of one epoch: each example once, or drawn by weight."""
    order = rng.permutation(len(examples))
    if weights is None:
        return order
    # systematic sampling: as often as the weight says, give or take one
    places = (np.arange(len(order)) + rng.random()) / len(order)
    drawn = order[np.searchsorted(np.cumsum(weights[order]), places).clip(max=len(order) - 1)]
    return rng.permutation(drawn)


def repeated_order(examples: int, epoch: int, batch: int) -> NDArray[np.int64]:
    """Places in one order that repeats, of epoch 0, 1, ...: whole batches, beginning where the last epoch ended.

    As Keras has it for ``dataset.repeat().batch(batch)`` with ``examples // batch`` steps an epoch.
    """
    count = batch * max(1, examples // batch)
    return (epoch * count + np.arange(count)) % examples


def learning_rate(recipe: Recipe, share: float) -> float:
    """Learning rate when ``share`` (0 to 1) of the budget is used."""
    peak = recipe.learning_rate
    if recipe.schedule == "constant":
        return peak
    if share < recipe.warm_up:
        return peak * share / recipe.warm_up
    fall = (share - recipe.warm_up) / (1 - recipe.warm_up)
    return peak * 0.5 * (1 + math.cos(math.pi * fall))


def evaluate_loss(training: TrainingState, examples: Examples, recipe: Recipe) -> tuple[float, float]:
    """Cross-entropy and accuracy over fixed, unaltered clips."""
    body = training.judged
    loss_sum = correct = count = 0.0
    with _inference(training.network, body), torch.inference_mode():
        for samples, targets in examples.batches(recipe.batch, at_most=training.validated):
            heard = training.network.front_end(_as_float(samples, training.network))
            with in_bfloat16(heard.device, wanted=recipe.bfloat16):
                logits = body(heard).float()
            wanted = torch.from_numpy(targets).to(logits.device)
            loss_sum += float(functional.cross_entropy(logits, wanted, reduction="sum"))
            correct += int((logits.argmax(1) == wanted).sum())
            count += len(targets)
    return loss_sum / count, correct / count


def _set_validation_aside(training: TrainingState, examples: Examples, budget: Budget) -> Budget:
    """Choose how many clips a validation has, so that a slow network still gets to train, and leave time for one."""
    assert budget.seconds is not None
    few = next(iter(examples.batches(16)))[0]
    network = training.network
    with _inference(network), torch.inference_mode():
        network(_as_float(few, network))  # the first call also allocates
        started = time.monotonic()
        network(_as_float(few, network))
        per_clip = (time.monotonic() - started) / len(few)
    if training.validated is None:
        affordable = int(_VALIDATION_SHARE * budget.seconds / per_clip)
        fewest = min(_FEWEST_VALIDATED, len(examples))
        training.validated = None if affordable >= len(examples) else max(affordable, fewest)
    last = per_clip * (training.validated or len(examples))
    return Budget(budget.epochs, max(budget.seconds - last, budget.seconds / 2))


def _keep_freed_memory() -> None:
    """Have the C library keep large blocks that were freed, for the next step needs the same ones again.

    glibc would give them back and have each page cleared anew: 40 % of a step of `small`. Elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            library.mallopt(option, _LARGEST_KEPT)


@contextmanager
def _inference(*modules: nn.Module) -> Iterator[None]:
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module in modules:
            module.train()


def _is_over(training: TrainingState, recipe: Recipe, budget: Budget, seconds: float) -> bool:
    if recipe.patience is not None and training.epochs_since_best >= recipe.patience:
        return True
    return bool(training.history) and budget.share(len(training.history), seconds) >= 1.0


def _set_learning_rate(optimiser: optim.Optimizer, recipe: Recipe, share: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(recipe, share)


def _as_float(samples: NDArray[np.int16], network: nn.Module) -> Tensor:
    return torch.from_numpy(audio.from_int16(samples)).to(device_of(network))
