"""The loop: the same weights however its shards are carried out, what a step does, when it ends."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hanmadi.data.examples import Examples, make_examples, sampling_weights
from hanmadi.data.store import ClipStore
from hanmadi.errors import TrainingError
from hanmadi.features import FeatureConfig
from hanmadi.labels import LabelSet
from hanmadi.models import architecture
from hanmadi.models.recipe import Recipe, Sampling
from hanmadi.models.registry import Architecture
from hanmadi.training.budget import Budget, Clock, Hooks, Step
from hanmadi.training.executor import Executor, Threads, executor_for, serial, threaded
from hanmadi.training.loop import apply_gradients, fit, learning_rate
from hanmadi.training.order import batches_of_epoch, drawn_order, repeated_order
from hanmadi.training.state import new_network, start

TINY = architecture("tiny")


class Dropping(nn.Module):
    """Convolution, dropout of channels, dropout of numbers, batch norm, dense."""

    def __init__(self, shape: tuple[int, ...], labels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(shape[0], 16, 9), nn.Dropout1d(0.2), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
            nn.BatchNorm1d(64), nn.Dropout(0.4), nn.Linear(64, labels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


PLAIN = Recipe(batch=24, shards=2, learning_rate=1e-2, patience=None)
DROPPING = Architecture("dropping", Dropping, FeatureConfig(), PLAIN, "a network with dropout")


@pytest.fixture
def examples(store: ClipStore, labels: LabelSet) -> dict[str, Examples]:
    return make_examples(store, labels)


def weights_after(
    arch: Architecture, examples: dict[str, Examples], folder: Path, *, epochs: int = 2, threads: int = 2, **how: Any
) -> dict[str, Tensor]:
    """Weights of a network trained with so many of torch's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        network = new_network(arch, len(examples["train"].keywords), seed=1)
        fit(network, examples, arch.recipe, Budget(epochs), seed=7, folder=folder, **how)
    finally:
        torch.set_num_threads(before)
    return {name: tensor.clone() for name, tensor in network.body.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


# ---- the same weights ----


@pytest.mark.parametrize("arch", [replace(TINY, recipe=replace(TINY.recipe, batch=32)), DROPPING], ids=["tiny", "drop"])
def test_one_after_the_other_is_side_by_side(arch: Architecture, examples: dict[str, Examples], tmp_path: Path) -> None:
    one = weights_after(arch, examples, tmp_path / "a", executor=serial)
    two = weights_after(arch, examples, tmp_path / "b", executor=threaded)
    assert same(one, two)


def test_shards_with_dropout_repeat_with_any_number_of_threads(examples: dict[str, Examples], tmp_path: Path) -> None:
    """torch's own dropout draws from one generator for all threads: the faster one takes the other's numbers."""
    runs = [weights_after(DROPPING, examples, tmp_path / str(i), threads=n) for i, n in enumerate((1, 2, 2, 2))]
    assert all(same(runs[0], run) for run in runs[1:])
    without = replace(DROPPING, build=lambda shape, labels: without_dropout(Dropping(shape, labels)))
    assert not same(runs[0], weights_after(without, examples, tmp_path / "none"))


def without_dropout(network: Dropping) -> nn.Module:
    for layer in network.layers:
        if isinstance(layer, nn.Dropout | nn.Dropout1d):
            layer.p = 0.0
    return network


def test_the_seed_decides(examples: dict[str, Examples], tmp_path: Path) -> None:
    how = {"epochs": 1}
    first = weights_after(DROPPING, examples, tmp_path / "a", **how)
    network = new_network(DROPPING, 5, seed=1)
    fit(network, examples, PLAIN, Budget(1), seed=8, folder=tmp_path / "b")
    assert not same(first, network.body.state_dict())


def test_resuming_repeats_with_dropout_in_a_repeated_order(examples: dict[str, Examples], tmp_path: Path) -> None:
    recipe = replace(PLAIN, order="repeated", optimiser="keras_adam", gradient_norm=None, shards=1, ema_decay=0.9)
    arch = replace(DROPPING, recipe=recipe)
    whole = weights_after(arch, examples, tmp_path / "whole", epochs=3)
    weights_after(arch, examples, tmp_path / "cut", epochs=1)
    assert same(whole, weights_after(arch, examples, tmp_path / "cut", epochs=3, resume=True))


def test_what_the_recipe_draws_is_the_default(examples: dict[str, Examples], tmp_path: Path) -> None:
    drawn = Sampling(unknown=0.5, silence=0.1)
    arch = replace(DROPPING, recipe=replace(PLAIN, sampling=drawn))
    weights = sampling_weights(examples["train"], unknown=0.5, silence=0.1, exponent=drawn.exponent)
    asked = weights_after(DROPPING, examples, tmp_path / "a", epochs=1, weights=weights)
    assert same(asked, weights_after(arch, examples, tmp_path / "b", epochs=1))
    assert not same(asked, weights_after(DROPPING, examples, tmp_path / "c", epochs=1))


# ---- a step ----


def training_of(recipe: Recipe) -> Any:
    network = new_network(DROPPING, 5, seed=0)
    return start(network, recipe, Path(), resume=False)


def test_a_step_clips_moves_and_averages() -> None:
    recipe = Recipe(optimiser="sgd", momentum=0.0, gradient_norm=1.0, shards=2, ema_decay=0.5)
    training = training_of(recipe)
    before = [p.detach().clone() for p in training.network.body.parameters()]
    for body in training.bodies:
        for parameter in body.parameters():
            parameter.grad = torch.full_like(parameter, 3.0)
    apply_gradients(training, recipe, shards=2, learning_rate=0.25)
    after = list(training.network.body.parameters())
    moved = torch.cat([(new - old).detach().flatten() for new, old in zip(after, before, strict=True)])
    assert float(moved.norm()) == pytest.approx(0.25, rel=1e-4), "the gradient of both shards, clipped to 1"
    assert training.steps == 1
    share = 1 - min(0.5, 2 / 11)
    for mean, new, old in zip(training.average.parameters(), after, before, strict=True):
        assert torch.allclose(mean, torch.lerp(old, new.detach(), share), atol=1e-6)
    twins = zip(training.bodies[1].parameters(), after, strict=True)
    assert all(twin.data_ptr() == own.data_ptr() for twin, own in twins)


def test_the_learning_rate_rises_and_falls_once() -> None:
    recipe = Recipe(schedule="one_cycle", learning_rate=0.1, warm_up=0.2)
    rates = [learning_rate(recipe, share) for share in np.linspace(0, 1, 11)]
    assert rates[0] == 0
    assert rates[2] == pytest.approx(0.1) == max(rates)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert sorted(rates[:3]) == rates[:3]
    assert sorted(rates[2:], reverse=True) == rates[2:]
    assert learning_rate(Recipe(learning_rate=0.1), 0.7) == 0.1


# ---- order, hooks, budget ----


def test_one_order_repeats_round_and_round() -> None:
    places = np.concatenate([repeated_order(10, epoch, 4) for epoch in range(5)])
    assert places.tolist() == (np.arange(40) % 10).tolist()
    recipe = Recipe(batch=4, order="repeated")
    draw = partial(batches_of_epoch, 10, None, recipe, seed=3, rng=np.random.default_rng(0))
    batches = [part for epoch in range(5) for part in draw(epoch=epoch)]
    assert [len(part) for part in batches] == [4] * 10
    assert (np.bincount(np.concatenate(batches)) == 4).all()


def test_a_batch_of_one_is_left_out() -> None:
    batches = batches_of_epoch(9, None, Recipe(batch=4), seed=0, epoch=0, rng=np.random.default_rng(0))
    assert [len(part) for part in batches] == [4, 4]


def test_weights_say_how_often() -> None:
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    order = drawn_order(len(weights), weights, np.random.default_rng(0))
    assert np.bincount(order, minlength=4)[:2].tolist() == [2, 1]


def test_hooks_are_told_every_step_and_epoch(examples: dict[str, Examples], tmp_path: Path) -> None:
    steps: list[Step] = []
    epochs: list[int] = []
    hooks = Hooks(on_step=steps.append, on_epoch=lambda row: epochs.append(row.epoch))
    weights_after(DROPPING, examples, tmp_path, hooks=hooks)
    assert epochs == [1, 2]
    count = -(-len(examples["train"]) // PLAIN.batch)
    assert [step.share for step in steps] == pytest.approx(np.arange(1, 2 * count + 1) / (2 * count))
    assert {step.epoch for step in steps} == {1, 2}
    assert all(step.loss > 0 and 0 <= step.accuracy <= 1 for step in steps)


def test_it_ends_when_the_time_is_used(examples: dict[str, Examples], tmp_path: Path) -> None:
    network = new_network(DROPPING, 5, seed=1)
    history = fit(network, examples, PLAIN, Budget(None, seconds=0.2), folder=tmp_path)
    assert history
    assert history[-1].examples > 0


def test_one_clip_is_too_few(examples: dict[str, Examples], tmp_path: Path) -> None:
    train = examples["train"]
    one = replace(train, rows=train.rows[:1], labels=train.labels[:1])
    with pytest.raises(TrainingError, match="two training clips or more, got 1"):
        fit(new_network(DROPPING, 5, seed=1), examples | {"train": one}, PLAIN, Budget(1), folder=tmp_path)


def test_a_budget_is_used_by_what_is_first() -> None:
    assert Budget(4).share(1, 1e9) == 0.25
    assert Budget(None, 10.0).share(7, 5.0) == 0.5
    assert Budget(4, 10.0).share(1, 9.0) == 0.9
    assert Budget(1).share(3, 0.0) == 1.0
    for wrong in ((None, None), (0, None), (None, 0.0)):
        with pytest.raises(TrainingError, match="expected"):
            Budget(*wrong)


def test_the_clock_foresees_at_the_pace_of_this_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("hanmadi.training.budget.time.monotonic", lambda: now[0])
    clock = Clock(earlier_s=50.0)
    assert clock.seconds() == 50.0
    assert clock.seconds_left(0.5) == float("inf")
    now[0] = 110.0
    assert clock.seconds_left(0.6) == pytest.approx(40.0)


def test_one_shard_needs_no_threads() -> None:
    with executor_for(1) as one, executor_for(2) as two:
        assert type(one) is Executor
        assert type(two) is Threads
