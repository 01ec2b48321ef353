"""The course's networks beside the same ones built with Keras: parameters, start, and ten steps from the same weights.

    pip install tensorflow-cpu                        # which nothing else here needs
    python benchmarks/against_keras.py                # writes results/keras.csv
    python benchmarks/against_keras.py --filters 4 --dense 16 --quick              # a look; writes nothing

The weights that Keras draws are copied into our network; then both take the same Adam steps on the same batches without
dropout, and both are evaluated on one more batch, which tells whether the moving statistics of batch norm agree.

In float64 nothing but rounding is left of the difference. In float32 these networks make much of little: after ten
steps Keras's own losses are as far from those it has in float64, which is ``rounding_of_keras``.
``--part`` divides the length of the input (of the spectrogram: the number of its rows), for the sake of time alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow
import torch
from common import write_rows
from keras import layers
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hanmadi.models import architecture
from hanmadi.models.cost import parameters
from hanmadi.models.course import COURSE_RECIPE, CourseNet
from hanmadi.training.compare import COURSE
from hanmadi.training.state import make_optimiser

BLOCKS = (2, 2, 3, 3)  # convolutions
STEPS, BATCH, LABELS = 10, 32, 12
DTYPES = ("float32", "float64")
# Keras rounds them to float32 in one half of its formula, whatever it calculates in; here both halves have these
BETAS = float(np.float32(COURSE_RECIPE.betas[0])), float(np.float32(COURSE_RECIPE.betas[1]))

Arrays = NDArray[np.float32]
Batch = tuple[Arrays, NDArray[np.int64]]  # features (batch, *shape) and labels (batch,)


@dataclass(frozen=True)
class Size:
    """One of the course's networks, in its own size or smaller."""

    name: str
    filters: int = 32
    dense: int = 256
    part: int = 1  # of the input

    @property
    def dimensions(self) -> int:
        return 2 if self.name.endswith("2d") else 1

    @property
    def skip(self) -> bool:
        return self.name.endswith("skip")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the features; as the course has them unless ``part`` is above 1."""
        first, *rest = architecture(self.name).features.shape
        return (first // self.part, *rest)


def keras_network(size: Size, *, labels: int = LABELS, dropout: float = 0.3) -> keras.Model:
    """The network layer by layer as the course builds it; nothing but the arguments it gives."""
    conv, pool = (layers.Conv1D, layers.MaxPooling1D) if size.dimensions == 1 else (layers.Conv2D, layers.MaxPooling2D)
    shape = (int(np.prod(size.shape)),) if size.dimensions == 1 else size.shape
    x = inputs = keras.Input((*shape, 1))
    for i, depth in enumerate(BLOCKS):
        before = x
        for _ in range(depth):
            x = conv(size.filters * 2**i, 9, padding="same", activation="relu")(x)
        if size.skip and i > 0:
            x = layers.concatenate([x, before])
        x = pool(2)(x)
    x = layers.Dropout(dropout)(layers.Flatten()(x))
    x = layers.BatchNormalization()(layers.Dense(size.dense)(x))
    x = layers.Activation("relu")(x)
    return keras.Model(inputs, layers.Dense(labels, activation="softmax")(x))


def our_network(size: Size, *, labels: int = LABELS, dropout: float = 0.3) -> CourseNet:
    """The network as hanmadi has it."""
    small = {"filters": size.filters, "dense": size.dense}
    return CourseNet(size.shape, labels, dimensions=size.dimensions, skip=size.skip, **small, dropout=dropout)


def keras_layers(model: keras.Model) -> list[keras.Layer]:
    """Those with weights, from the input on."""
    return [layer for layer in model.layers if layer.weights]


def our_layers(network: nn.Module) -> list[nn.Module]:
    """Those with weights, from the input on."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm1d)
    return [module for module in network.modules() if isinstance(module, kinds)]


def as_ours(model: keras.Model) -> Iterator[list[Arrays]]:
    """The weights of every layer in the order of axes that PyTorch has: kernel and bias, or those of batch norm."""
    flat = next(layer for layer in model.layers if isinstance(layer, layers.Flatten)).input.shape[1:]
    for layer in keras_layers(model):
        first, *others = layer.get_weights()
        if not isinstance(layer, layers.BatchNormalization):
            if first.shape[0] == np.prod(flat):  # channels last before it was flattened; ours have them first
                first = first.reshape(*flat, -1)
            first = np.moveaxis(first, (-1, -2), (0, 1))
            if isinstance(layer, layers.Dense):
                first = first.reshape(len(first), -1)
        yield [first, *others]


def tensors_of(layer: nn.Module) -> list[torch.Tensor]:
    """Weights and statistics of a layer, as Keras orders them."""
    names = ["weight", "bias", *(("running_mean", "running_var") if isinstance(layer, nn.BatchNorm1d) else ())]
    return [getattr(layer, name).detach() for name in names]


def copy_weights(model: keras.Model, network: nn.Module) -> None:
    """Give our network the weights of Keras's."""
    for values, layer in zip(as_ours(model), our_layers(network), strict=True):
        for value, tensor in zip(values, tensors_of(layer), strict=True):
            assert tensor.shape == value.shape
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def batches_for(size: Size, *, count: int, seed: int = 0) -> list[Batch]:
    """Every label has a pattern of its own, under noise: as loud as a recording, or magnitudes."""
    rng = np.random.default_rng(seed)
    patterns = rng.standard_normal((LABELS, *size.shape), np.float32)
    found = []
    for _ in range(count):
        y = rng.integers(0, LABELS, BATCH)
        x = 0.1 * (patterns[y] + rng.standard_normal((BATCH, *size.shape), np.float32))
        found.append((x if size.name.startswith("wave") else np.abs(10 * x), y))
    return found


def keras_losses(model: keras.Model, batches: Sequence[Batch]) -> list[float]:
    """The loss at every step, and in evaluation that of the last batch, which is not learnt from."""
    shape = (BATCH, *model.input_shape[1:])
    adam = keras.optimizers.Adam(COURSE_RECIPE.learning_rate, *BETAS)
    model.compile(adam, "sparse_categorical_crossentropy")
    losses = []
    for x, y in batches[:-1]:
        model.reset_metrics()  # else the mean over all steps so far
        losses.append(float(model.train_on_batch(x.reshape(shape), y)))
    x, y = batches[-1]
    return [*losses, float(model.evaluate(x.reshape(shape), y, batch_size=BATCH, verbose=0))]


def our_losses(network: nn.Module, batches: Sequence[Batch]) -> list[float]:
    """The same of ours."""
    optimiser = make_optimiser(network, replace(COURSE_RECIPE, betas=BETAS))
    dtype = torch.get_default_dtype()
    pairs = [(torch.from_numpy(x).to(dtype), torch.from_numpy(y)) for x, y in batches]
    losses = []
    for x, y in pairs[:-1]:
        optimiser.zero_grad()
        loss = functional.cross_entropy(network.train()(x), y)
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(loss.item())
    with torch.inference_mode():
        x, y = pairs[-1]
        return [*losses, functional.cross_entropy(network.eval()(x), y).item()]


@dataclass(frozen=True)
class Comparison:
    """Both networks after the same steps from the same weights, in both kinds of numbers."""

    size: Size
    parameters: tuple[int, int]  # Keras's and ours, statistics included
    losses: dict[str, NDArray[np.float64]]  # for each dtype (2, steps + 1): Keras's and ours, evaluation last

    def apart(self, dtype: str) -> tuple[float, float]:
        """The largest difference of the losses of the steps, and that in evaluation."""
        *steps, evaluation = np.abs(self.losses[dtype][0] - self.losses[dtype][1])
        return float(max(steps)), float(evaluation)


def compare(size: Size, *, steps: int = STEPS, seed: int = 0, dtypes: Sequence[str] = DTYPES) -> Comparison:
    """Take the steps with both."""
    keras.utils.set_random_seed(seed)
    drawn = keras_network(size).get_weights()
    batches = batches_for(size, count=steps + 1, seed=seed)
    losses = {}
    for dtype in dtypes:
        with numbers(dtype):
            model, network = keras_network(size, dropout=0.0), our_network(size, dropout=0.0)
            model.set_weights(drawn)
            copy_weights(model, network)
            counts = model.count_params(), parameters(network)
            losses[dtype] = np.array([keras_losses(model, batches), our_losses(network, batches)])
    return Comparison(size, counts, losses)


@contextmanager
def numbers(dtype: str) -> Iterator[None]:
    """What both libraries calculate in."""
    before = torch.get_default_dtype()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)  # the first layer has fixed it
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        torch.set_default_dtype(before)


def row(found: Comparison) -> dict[str, Any]:
    size = found.size
    differences = {
        f"{name}_{dtype}": f"{value:.1e}"
        for dtype in DTYPES
        for name, value in zip(("largest_loss_difference", "evaluation_difference"), found.apart(dtype), strict=True)
    }
    theirs = found.losses["float32"][0]
    rounding = np.abs(theirs - found.losses["float64"][0]).max()
    return {
        "network": size.name, "input": "x".join(map(str, size.shape)), "filters": size.filters, "dense": size.dense,
        "parameters_keras": found.parameters[0], "parameters_ours": found.parameters[1],
        "steps": len(theirs) - 1, "batch": BATCH, "first_loss": round(theirs[0], 5), "last_loss": round(theirs[-2], 5),
        "evaluation_loss": round(theirs[-1], 5), **differences, "rounding_of_keras": f"{rounding:.1e}",
        "tensorflow": tensorflow.__version__, "keras": keras.__version__,
    }  # fmt: skip


def show(r: Mapping[str, Any]) -> None:
    print(f"{r['network']} on {r['input']}: {r['parameters_keras']:,} parameters (ours {r['parameters_ours']:,})")
    for dtype in DTYPES:
        steps, evaluation = r[f"largest_loss_difference_{dtype}"], r[f"evaluation_difference_{dtype}"]
        print(f"    {dtype}: losses at most {steps} apart in {r['steps']} steps, {evaluation} in evaluation")
    print(f"    Keras from {r['first_loss']} to {r['last_loss']}, {r['rounding_of_keras']} from itself", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(COURSE), choices=COURSE)
    parser.add_argument("--filters", type=int, default=32, help="of the first block")
    parser.add_argument("--dense", type=int, default=256)
    parser.add_argument("--part", type=int, default=8, help="the input is divided by it; 1: as the course has it")
    parser.add_argument("--quick", action="store_true", help="writes nothing")
    options = parser.parse_args()
    rows = []
    for name in options.networks:
        size = Size(name, options.filters, options.dense, options.part)
        rows.append(row(compare(size)))
        show(rows[-1])
    if not options.quick:
        print(write_rows("keras", rows))


if __name__ == "__main__":
    main()
