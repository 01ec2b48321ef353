"""The network of a model file as plain arrays: for runtimes that are not ONNX Runtime.

A chain of convolutions (dense, depthwise, pointwise; batch norm is folded already), ReLU and residuals, then the
mean over all places, one dense layer and softmax: the compact family. Another network raises ModelError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.features import FeatureConfig
from hanmadi.inference.model_file import Bundle

_WHERE: Final = "export a network of the compact family (tiny, small, small_8k, base), in float32"


@dataclass(frozen=True)
class Convolution:
    """One layer over an image (channels, rows, columns), with what is done to its result."""

    weights: Samples  # (out channels, in channels / groups, kernel rows, kernel columns)
    bias: Samples  # (out channels,)
    groups: int
    stride: tuple[int, int]
    padding: tuple[int, int]  # zeros on either side
    shape_in: tuple[int, int, int]
    residual: bool = False  # what the layer before took is added to the result ...
    relu: bool = False  # ... and what is below 0 becomes 0

    @property
    def shape_out(self) -> tuple[int, int, int]:
        """The shape of a layer's output: (channels, rows, columns)."""
        rows, columns = (
            (size + 2 * pad - kernel) // stride + 1
            for size, pad, kernel, stride in zip(
                self.shape_in[1:], self.padding, self.weights.shape[2:], self.stride, strict=True
            )
        )
        return len(self.weights), rows, columns


@dataclass(frozen=True)
class Network:
    """The layers of a model file between features and logits, as plain arrays."""

    convolutions: tuple[Convolution, ...]
    weights: Samples  # of the dense layer, (labels, channels)
    bias: Samples  # (labels,)


@dataclass(frozen=True)
class _Chain:
    """The layers read so far, and the names of the values that lead on from them."""

    layers: tuple[Convolution, ...]
    inputs: tuple[str, ...]  # of each layer
    value: str  # what comes out so far
    shape: tuple[int, int, int]


def features_of(bundle: Bundle) -> FeatureConfig:
    """The front-end of a model file. Raises ModelError if it is not a log-mel that such networks read."""
    if bundle.about.quantised:
        raise ModelError(f"{bundle.path}: expected a model in float32, found one in 8 bits; export the original")
    features = bundle.about.features
    if features is None:
        raise ModelError(f"{bundle.path}: its card does not tell its features, or not to this version of hanmadi")
    if features.kind != "log_mel" or features.centred or features.n_fft & (features.n_fft - 1):
        raise ModelError(
            f"{bundle.path}: expected log-mel, frames not centred, n_fft a power of two, "
            f"got {features.kind}, n_fft {features.n_fft}; {_WHERE}"
        )
    return features


def read_network(path: Path, shape: tuple[int, ...]) -> Network:
    """The network in a model file, for features of that shape (rows, columns).

    Raises ModelError for a network that is not such a chain, MissingExtraError without onnx.
    """
    graph = _load(path).graph
    constants = _constants(graph)
    nodes = iter([node for node in graph.node if node.op_type != "Constant" and not _in_front_end(node)])
    first = next(nodes, None)
    if first is None or first.op_type != "Unsqueeze" or len(shape) != 2:
        raise ModelError(f"{path}: its network does not read a log-mel as an image; {_WHERE}")
    chain = _Chain((), (), first.output[0], (1, *shape))
    for node in nodes:
        if node.op_type == "ReduceMean":
            return Network(chain.layers, *_head(path, node, nodes, constants))
        chain = _longer(path, chain, node, constants)
    raise ModelError(f"{path}: its network ends without a mean over time; {_WHERE}")


def _load(path: Path) -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("export", "reading the layers of a model file") from error
    return onnx.load(path)


def _constants(graph: Any) -> dict[str, NDArray[Any]]:
    from onnx import numpy_helper

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def _in_front_end(node: Any) -> bool:
    return bool(node.name.startswith("/front_end/"))


def _longer(path: Path, chain: _Chain, node: Any, constants: dict[str, NDArray[Any]]) -> _Chain:
    """The chain with one more node."""
    kind, output = node.op_type, node.output[0]
    if kind == "Conv" and node.input[0] == chain.value:
        layer = _convolution(path, node, chain.shape, constants)
        return _Chain((*chain.layers, layer), (*chain.inputs, chain.value), output, layer.shape_out)
    if kind == "Relu" and chain.layers and node.input[0] == chain.value:
        return _with_last(chain, output, relu=True)
    # a residual of two layers: what the depthwise one took is added to what the pointwise one gives
    residual = len(chain.inputs) > 2 and set(node.input) == {chain.inputs[-2], chain.value}
    if kind == "Add" and residual and chain.layers[-1].shape_out == chain.layers[-2].shape_in:
        return _with_last(chain, output, residual=True)
    raise ModelError(f"{path}: {node.name} ({kind}) does not follow the layers before it in a chain; {_WHERE}")


def _with_last(chain: _Chain, output: str, **changed: Any) -> _Chain:
    return replace(chain, layers=(*chain.layers[:-1], replace(chain.layers[-1], **changed)), value=output)


def _convolution(path: Path, node: Any, shape: tuple[int, int, int], constants: dict[str, NDArray[Any]]) -> Convolution:
    numbers: dict[str, Any] = {a.name: list(a.ints) or a.i for a in node.attribute}
    top, left, bottom, right = numbers.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right) or set(numbers.get("dilations", [1])) != {1}:
        raise ModelError(f"{path}: {node.name} pads unevenly or is dilated; {_WHERE}")
    if node.input[1] not in constants:
        raise ModelError(f"{path}: {node.name} has no weights in float32; {_WHERE}")
    weights = constants[node.input[1]].astype(np.float32)
    bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights))
    down, along = numbers.get("strides", [1, 1])
    return Convolution(
        weights, bias.astype(np.float32), int(numbers.get("group", 1)), (down, along), (top, left), shape
    )  # fmt: skip


def _head(path: Path, mean: Any, nodes: Iterator[Any], constants: dict[str, NDArray[Any]]) -> tuple[Samples, Samples]:
    """Weights and bias of the dense layer, after which nothing but a bias and softmax may come."""
    axes = next((list(a.ints) for a in mean.attribute if a.name == "axes"), None)
    dense = next(nodes, None)
    rest = list(nodes)
    after = [node.op_type for node in rest]
    if axes != [2, 3] or dense is None or dense.op_type != "Gemm" or after not in (["Softmax"], ["Add", "Softmax"]):
        raise ModelError(f"{path}: its network does not end in a mean, a dense layer and softmax; {_WHERE}")
    weights, bias = (constants[name].astype(np.float32) for name in dense.input[1:3])
    if len(after) == 2:
        bias = bias + next(constants[name] for name in rest[0].input if name in constants)
    return weights, bias
