"""A model file whose network computes in 8-bit whole numbers.

The file takes a waveform and gives scores as before, and its card goes with it. The front-end stays in float32: a
power spectrum spans more than 8 bits can hold. So do a convolution of a single channel, which is the one that reads
the features (it has next to no weights, and took 69 us in 8 bits against 17), the mean over time and softmax.

>>> to_int8(Path("model.onnx"), Path("model.int8.onnx"), clips)  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.card import Quantised
from hanmadi.errors import AudioError, MissingExtraError, ModelError
from hanmadi.files import replacing
from hanmadi.inference.model_file import INPUT, Bundle, open_bundle, write_card

KINDS: Final = ("Conv", "Gemm", "Add", "Relu")  # operations done in 8 bits; all others stay in float32
WEIGHTED: Final = ("Conv", "Gemm")
BODY: Final = "/body/"  # names in the network begin so, those of the front-end do not (`export.Deployed`)
BATCH: Final = 16  # clips at a time for calibration


def to_int8(source: Path, target: Path, clips: Samples) -> None:
    """Write the model ``source`` to ``target`` with its network in 8 bits; ``target`` appears whole or not at all.

    clips: (n, clip_samples) float32 in [-1, 1], real recordings that the network was trained on, some hundreds: the
    ranges of the numbers inside the network are taken from them. The metrics on the card stay those of the
    float32 model. Raises ModelError if the source cannot be read, is in 8 bits already or has no layer
    for it, AudioError for clips that the model cannot take, MissingExtraError without onnx.
    """
    bundle = open_bundle(source)
    if bundle.about.quantised:
        raise ModelError(f"{source}: expected a model in float32, found one in 8 bits; quantise the original")
    clips = _checked(clips, bundle)
    onnx, quantization = _libraries()
    model = onnx.load(source)
    nodes = _chosen(source, model.graph)
    # says that no pre-processing is needed, as the exporter has folded batch norm; else it warns on the root logger
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    with replacing(target) as temporary:
        quantization.quantize_static(
            model, temporary, _Batches(clips), quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(KINDS), nodes_to_quantize=nodes, per_channel=True,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
            # 7 bits of a weight: sums of 8-bit products saturate on x86 processors without VNNI
            reduce_range=True, calibrate_method=quantization.CalibrationMethod.MinMax,
        )  # fmt: skip
        _drop_shapes(onnx, temporary)
        write_card(temporary, replace(bundle.about, quantised=_facts(nodes, model.graph, clips)))


class _Batches:
    """What the quantiser reads clips from."""

    def __init__(self, clips: Samples) -> None:
        self._parts = iter(np.split(clips, range(BATCH, len(clips), BATCH)))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        part = next(self._parts, None)
        return None if part is None else {INPUT: part}


def _libraries() -> tuple[Any, Any]:
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError as error:
        raise MissingExtraError("export", "quantising a model") from error
    return onnx, quantization


def _checked(clips: Samples, bundle: Bundle) -> Samples:
    clips = np.asarray(clips)
    if clips.ndim != 2 or clips.shape[1] != bundle.clip_samples or not len(clips):
        raise AudioError(f"expected clips (n, {bundle.clip_samples}), at least one, got shape {clips.shape}")
    if clips.dtype.kind != "f":
        raise AudioError(f"expected clips as float in [-1, 1], got {clips.dtype}; call audio.from_int16() first")
    if not np.isfinite(clips).all():
        raise AudioError("expected finite samples, found NaN or infinity")
    return np.ascontiguousarray(clips, dtype=np.float32)


def _chosen(source: Path, graph: Any) -> list[str]:
    """Names of the nodes to be done in 8 bits. Raises ModelError if no layer is among them."""
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    nodes = [node for node in graph.node if node.name.startswith(BODY) and node.op_type in KINDS]
    chosen = [node for node in nodes if not _of_one_channel(node, shapes)]
    # none at all would mean "all" to the quantiser
    if not any(node.op_type in WEIGHTED for node in chosen):
        raise ModelError(f"{source}: no convolution or dense layer to quantise; expected a model that hanmadi trained")
    return [node.name for node in chosen]


def _of_one_channel(node: Any, shapes: dict[str, tuple[int, ...]]) -> bool:
    """A convolution that reads a single channel; a depthwise one has as many groups as channels."""
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    return node.op_type == "Conv" and groups == 1 and shapes.get(node.input[1], (0, 0))[1] == 1


def _drop_shapes(onnx: Any, path: Path) -> None:
    """Take away the inferred shapes, which the quantiser leaves behind and no one needs."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    onnx.save(model, str(path))


def _facts(nodes: list[str], graph: Any, clips: Samples) -> Quantised:
    layers = [node.name for node in graph.node if node.op_type in WEIGHTED and node.name.startswith(BODY)]
    return Quantised(
        weights="int8, one scale a channel, 7 bits used",
        activations="uint8",
        layers=sum(name in nodes for name in layers),
        layers_in_float32=tuple(name for name in layers if name not in nodes),
        calibration_clips=len(clips),
        metrics_are_of="the float32 model; evaluate this one to know its own",
    )
