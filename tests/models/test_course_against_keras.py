"""The course's networks start and step like those that Keras makes of the course's lines.

Skipped without TensorFlow and Keras, which nothing else here needs. `benchmarks/against_keras.py` builds and compares,
and has done so with networks of the course's size: `benchmarks/results/keras.csv`.
"""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn, optim

from hanmadi.models.cost import parameters
from hanmadi.models.course import COURSE_RECIPE, KerasBatchNorm
from hanmadi.training.compare import COURSE
from hanmadi.training.order import repeated_order
from hanmadi.training.state import KerasAdam, make_optimiser

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own use of NumPy and others
    tensorflow = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = {"filters": 4, "dense": 16, "part": 8}
WITHIN = 1e-4  # of a loss, as the tracked figures have to be
EXACT = 1e-10  # the same in float64


@pytest.fixture(scope="module")
def against() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import against_keras as script  # type: ignore[import-not-found, unused-ignore]

        yield script
    sys.modules.pop("against_keras", None)


@pytest.fixture(scope="module")
def pair(against: Any) -> Callable[[str], tuple[Any, nn.Module]]:
    """Function that builds a small network with both, each with what it draws itself."""

    @lru_cache
    def build(name: str) -> tuple[Any, nn.Module]:
        keras.utils.set_random_seed(1)
        torch.manual_seed(1)
        size = against.Size(name, **SMALL)
        return against.keras_network(size), against.our_network(size)

    return build


def kinds_of_keras(model: Any) -> list[str]:
    """Layers from the input on; a ReLU inside a convolution by itself, and without what is a function in ours."""
    found = []
    for layer in model.layers:
        found.append(type(layer).__name__)
        if "Conv" in found[-1]:
            found.append(f"Activation {layer.activation.__name__}")
        elif found[-1] == "Activation":
            found[-1] += f" {layer.activation.__name__}"
    return [kind for kind in found if kind not in ("InputLayer", "Flatten", "Concatenate")]


def kinds_of_ours(network: nn.Module) -> list[str]:
    """The same with Keras's names."""
    names = {
        nn.Conv1d: "Conv1D", nn.Conv2d: "Conv2D", nn.MaxPool1d: "MaxPooling1D", nn.MaxPool2d: "MaxPooling2D",
        nn.ReLU: "Activation relu", nn.Dropout: "Dropout", nn.Linear: "Dense", nn.BatchNorm1d: "BatchNormalization",
    }  # fmt: skip
    return [name for module in network.modules() for kind, name in names.items() if isinstance(module, kind)]


@pytest.mark.parametrize("name", COURSE)
def test_the_layers_are_the_same(pair: Any, name: str) -> None:
    model, network = pair(name)
    assert kinds_of_ours(network) == kinds_of_keras(model)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == rates


@pytest.mark.parametrize("name", COURSE)
def test_there_are_as_many_parameters_in_the_course_s_size(against: Any, name: str) -> None:
    size = against.Size(name)
    with torch.device("meta"):
        ours = parameters(against.our_network(size))
    assert ours == against.keras_network(size).count_params()


def kolmogorov_smirnov(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The largest difference of two samples' distribution functions, in units of what chance makes of it."""
    places = np.concatenate([a, b])
    functions = [np.searchsorted(np.sort(sample), places, side="right") / len(sample) for sample in (a, b)]
    return float(np.abs(functions[0] - functions[1]).max() * np.sqrt(len(a) * len(b) / len(places)))


@pytest.mark.parametrize("name", COURSE)
def test_both_start_with_the_same_distribution(against: Any, pair: Any, name: str) -> None:
    """Kernels within Glorot's limits and distributed alike; everything else begins at the same numbers."""
    model, network = pair(name)
    for theirs, layer in zip(against.as_ours(model), against.our_layers(network), strict=True):
        ours = [tensor.numpy() for tensor in against.tensors_of(layer)]
        if not isinstance(layer, nn.BatchNorm1d):
            kernel, drawn = ours.pop(0), theirs.pop(0)
            assert kernel.shape == drawn.shape
            fans = kernel[0].size + kernel[:, 0].size
            limit = np.sqrt(6 / fans)
            few = 10 / kernel.size  # the largest of so many comes that close to the limit, but for one in 20,000
            for sample in (kernel, drawn):
                assert limit * (1 - few) < np.abs(sample).max() <= limit * (1 + 1e-6)
                assert abs(sample.std() / (limit / np.sqrt(3)) - 1) < 3 / np.sqrt(sample.size)
            assert kolmogorov_smirnov(kernel.ravel(), drawn.ravel()) < 2.2  # chance gives more once in 8,000
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_options_are_keras_s_own(pair: Any) -> None:
    adam, (model, network) = keras.optimizers.Adam(), pair("wave_cnn")
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (*COURSE_RECIPE.betas, KerasAdam.EPSILON)
    assert (adam.weight_decay, adam.clipnorm, adam.clipvalue) == (None, COURSE_RECIPE.gradient_norm, None)
    assert (COURSE_RECIPE.weight_decay, COURSE_RECIPE.label_smoothing, COURSE_RECIPE.ema_decay) == (0, 0, 0)
    assert isinstance(make_optimiser(network, COURSE_RECIPE), KerasAdam)
    theirs = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    ours = next(module for module in network.modules() if isinstance(module, KerasBatchNorm))
    assert ours.eps == theirs.epsilon
    assert ours.momentum == pytest.approx(1 - theirs.momentum)


@pytest.mark.parametrize("name", COURSE)
def test_ten_steps_from_the_same_weights_give_the_same_losses(against: Any, name: str) -> None:
    """Exactly so in float64; in float32 but for rounding, which these networks enlarge from step to step."""
    found = against.compare(against.Size(name, **SMALL))
    assert found.losses["float64"].shape == (2, 11)
    assert max(found.apart("float64")) < EXACT
    assert max(found.apart("float32")) < 10 * WITHIN
    early = np.abs(found.losses["float32"][0] - found.losses["float32"][1])[:3]
    assert early.max() < WITHIN / 10


def corrected(body: nn.Module, _: Any) -> optim.Optimizer:
    return optim.Adam(body.parameters(), lr=COURSE_RECIPE.learning_rate, eps=KerasAdam.EPSILON)


@pytest.mark.parametrize("change", ["epsilon of Adam", "correction of epsilon", "variance of the batch"])
def test_the_comparison_sees_what_pytorch_does_differently(
    against: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "epsilon of Adam":
        monkeypatch.setattr(KerasAdam, "EPSILON", 1e-8)
    elif change == "correction of epsilon":
        monkeypatch.setattr(against, "make_optimiser", corrected)
    else:
        monkeypatch.setattr(KerasBatchNorm, "forward", nn.BatchNorm1d.forward)
    found = against.compare(against.Size("spectrogram_cnn1d_skip", **SMALL), steps=4, dtypes=["float64"])
    assert max(found.apart("float64")) > 100 * EXACT


class Recorder(keras.Model):  # type: ignore[misc, name-defined, unused-ignore]
    """Keras's own loop, which notes what it is given instead of learning."""

    def train_step(self, data: Any) -> dict[str, float]:
        seen.append(data.numpy())
        return {"loss": 0.0}


seen: list[NDArray[np.int64]] = []


@pytest.mark.parametrize("count", [64, 100, 333])
def test_batches_come_in_the_order_that_keras_gives_them(count: int) -> None:
    data = tensorflow.data.Dataset.from_tensor_slices(np.arange(count)).repeat().batch(32)
    seen.clear()
    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(data, epochs=3, steps_per_epoch=count // 32, shuffle=False, verbose=0)
    ours = [repeated_order(count, epoch, 32) for epoch in range(3)]
    assert np.array_equal(np.concatenate(seen), np.concatenate(ours))


@pytest.mark.parametrize("name", COURSE)
def test_the_tracked_figures_are_within_the_limit(name: str) -> None:
    with open(BENCHMARKS / "results" / "keras.csv", newline="", encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["network"] == name)
    assert row["parameters_keras"] == row["parameters_ours"]
    assert float(row["largest_loss_difference_float64"]) < WITHIN
    assert float(row["evaluation_difference_float64"]) < WITHIN
