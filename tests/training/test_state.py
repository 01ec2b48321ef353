"""The state of a training: begun, kept, read again, also as older versions wrote it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from hanmadi.errors import TrainingError
from hanmadi.models import architecture, checkpoint
from hanmadi.models.recipe import Recipe
from hanmadi.runs import Epoch
from hanmadi.training.state import (
    KEPT,
    LAST,
    KerasAdam,
    TrainingState,
    keep,
    kept_epoch,
    make_optimiser,
    new_network,
    start,
    sum_gradients,
    update_average,
)

TINY = architecture("tiny")
RECIPE = replace(TINY.recipe, ema_decay=0.9)


def begun(folder: Path, recipe: Recipe = RECIPE, *, resume: bool = False, seed: int = 0) -> TrainingState:
    return start(new_network(TINY, 4, seed=seed), recipe, folder, resume=resume)


def row(epoch: int, loss: float = 0.5) -> Epoch:
    return Epoch(epoch, 10 * epoch, float(epoch), 1e-3, loss, 0.5, loss, 0.5)


def step(training: TrainingState) -> None:
    for parameter in training.network.body.parameters():
        parameter.grad = torch.ones_like(parameter)
    training.optimiser.step()
    training.steps += 1


def test_a_kept_state_is_read_again_whole(tmp_path: Path) -> None:
    training = begun(tmp_path)
    step(training)
    keep(training, row(1), RECIPE, tmp_path)
    again = begun(tmp_path, resume=True, seed=1)
    assert (again.history, again.steps, again.best_loss, again.validated) == ([row(1)], 1, 0.5, None)
    for own, found in ((training.network.body, again.network.body), (training.average, again.average)):
        assert own is not None
        assert found is not None
        assert all(torch.equal(t, found.state_dict()[name]) for name, t in own.state_dict().items())
    step(training)
    step(again)  # the moments of the optimiser came back too
    pairs = zip(training.network.body.parameters(), again.network.body.parameters(), strict=True)
    assert all(torch.equal(own, found) for own, found in pairs)


def test_a_state_of_the_first_versions_is_read(tmp_path: Path) -> None:
    """Their tensors, their values and nothing else: trainings that run are gone on with by newer versions."""
    network = new_network(TINY, 4, seed=5)
    values = {
        "best_loss": 0.25, "epochs_since_best": 1, "validated": 40, "seconds": 12.5, "steps": 8,
        "history": [dict(zip(Epoch._fields, (1, 64, 12.5, 1e-3, 1.0, 0.5, 0.25, 0.75), strict=True))],
    }  # fmt: skip
    optimiser = make_optimiser(network.body, RECIPE)
    tensors = checkpoint.pack("body", network.body) | checkpoint.pack("average", network.body)
    assert checkpoint.FORMAT == "hanmadi-state-1"
    checkpoint.save(tmp_path / LAST, checkpoint.State(tensors | checkpoint.pack_optimiser(optimiser), values))
    found = begun(tmp_path, resume=True)
    assert (found.best_loss, found.epochs_since_best, found.validated) == (0.25, 1, 40)
    assert (found.seconds, found.steps, found.history[0].validation_accuracy) == (12.5, 8, 0.75)
    assert torch.equal(found.network.body.head.weight, network.body.head.weight)


def test_the_best_weights_are_kept_where_training_may_stop_early(tmp_path: Path) -> None:
    recipe = replace(RECIPE, patience=3, ema_decay=0.0)
    training = begun(tmp_path, recipe)
    for epoch, loss in enumerate((0.9, 0.4, 0.6), start=1):
        step(training)
        keep(training, row(epoch, loss), recipe, tmp_path)
    assert checkpoint.load(tmp_path / KEPT).values == {"epoch": 2}
    assert (training.best_loss, training.epochs_since_best) == (0.4, 1)
    keep(training, row(4, 0.7), replace(recipe, patience=None), tmp_path)
    assert checkpoint.load(tmp_path / KEPT).values == {"epoch": 4}


def test_a_loss_that_is_no_number_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a number after epoch 1; try a lower learning rate"):
        keep(begun(tmp_path), row(1, math.nan), RECIPE, tmp_path)
    assert not (tmp_path / LAST).exists()


@pytest.mark.parametrize(("patience", "kept"), [(None, 4), (5, 2)])
def test_which_weights_are_kept(patience: int | None, kept: int) -> None:
    history = [row(i + 1, loss) for i, loss in enumerate((0.9, 0.4, 0.6, 0.5))]
    assert kept_epoch(history, Recipe(patience=patience)) == kept


def test_a_new_network_depends_on_its_seed_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again, other = (new_network(TINY, 4, seed=seed).body.head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_twins_share_weights_and_add_up_their_gradients(tmp_path: Path) -> None:
    training = begun(tmp_path)
    assert len(training.bodies) == RECIPE.shards == 2
    for number, body in enumerate(training.bodies, start=1):
        for parameter in body.parameters():
            parameter.grad = torch.full_like(parameter, number)
    sum_gradients(training.bodies)
    assert all((p.grad == 3).all() for p in training.network.body.parameters())
    first, second = (next(body.parameters()) for body in training.bodies)
    assert first.data_ptr() == second.data_ptr()


def test_the_average_follows_faster_at_the_start() -> None:
    body, average = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    for steps, decay in ((0, 0.1), (10_000, 0.99)):
        nn.init.ones_(body.weight)
        nn.init.zeros_(average.weight)
        update_average(average, body, 0.99, steps)
        assert float(average.weight.detach()) == pytest.approx(1 - decay)


def test_keras_adam_by_hand() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimiser = KerasAdam([weight], lr=0.1, betas=(0.9, 0.99))
    moment = square = 0.0
    wanted = 0.0
    for count, gradient in enumerate((1e-6, 3e-6), start=1):  # so small that the epsilon counts
        weight.grad = torch.tensor([gradient])
        optimiser.step()
        moment, square = 0.9 * moment + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        wanted -= 0.1 * math.sqrt(1 - 0.99**count) / (1 - 0.9**count) * moment / (math.sqrt(square) + 1e-7)
    assert float(weight.detach()) == pytest.approx(wanted, rel=1e-4)
