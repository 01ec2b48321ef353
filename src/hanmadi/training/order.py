"""Which examples an epoch has, and in what order."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio.noise import Rng
from hanmadi.data.examples import Examples, sampling_weights

if TYPE_CHECKING:
    from hanmadi.models.recipe import Recipe


def recipe_weights(examples: Examples, recipe: Recipe) -> NDArray[np.float64] | None:
    """How often a recipe draws each example, (examples,), summing to 1; None: every one once an epoch."""
    return sampling_weights(examples, **asdict(recipe.sampling)) if recipe.sampling else None


def batches_of_epoch(
    count: int, weights: NDArray[np.float64] | None, recipe: Recipe, *, seed: int, epoch: int, rng: Rng
) -> list[NDArray[np.int64]]:
    """Indices of ``count`` examples in batches, those of epoch 0, 1, ... A batch of one is left out."""
    order = drawn_order(count, weights, rng)
    if recipe.order == "repeated":
        shuffled = np.random.default_rng(seed).permutation(count)
        order = shuffled[repeated_order(count, epoch, recipe.batch)]
    parts = [order[start : start + recipe.batch] for start in range(0, len(order), recipe.batch)]
    return [part for part in parts if len(part) > 1]  # batch norm needs two


def drawn_order(count: int, weights: NDArray[np.float64] | None, rng: Rng) -> NDArray[np.int64]:
    """Indices of one epoch: each example once, or drawn by weight."""
    order = rng.permutation(count)
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
