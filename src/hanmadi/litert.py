"""A model for LiteRT (TensorFlow Lite): waveform in, scores out, as in the model file.

The converter pulls packages that do not go with those of development, so it has an environment of its own:
``docs/litert.md``.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.errors import MissingExtraError
from hanmadi.features import FeatureConfig
from hanmadi.files import write_bytes
from hanmadi.models.frontend import ExportedFrontEnd
from hanmadi.network_layers import Network


class Rebuilt(nn.Module):
    """A network from the layers of its model file, with the front-end: (1, clip_samples) to scores (1, labels)."""

    def __init__(self, features: FeatureConfig, network: Network) -> None:
        super().__init__()
        self.front_end = ExportedFrontEnd(features)
        self.layers = network.convolutions
        arrays = {"weights": network.weights, "bias": network.bias}
        for number, layer in enumerate(network.convolutions):
            arrays |= {f"weights_{number}": layer.weights, f"bias_{number}": layer.bias}
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))

    def forward(self, samples: Tensor) -> Tensor:
        """Waveform to scores."""
        x: Tensor = self.front_end(samples).unsqueeze(1)
        before = x
        for number, layer in enumerate(self.layers):
            y = functional.conv2d(
                x, self.get_buffer(f"weights_{number}"), self.get_buffer(f"bias_{number}"), layer.stride,
                layer.padding, groups=layer.groups,
            )  # fmt: skip
            y = y + before if layer.residual else y  # what the layer before took
            before, x = x, functional.relu(y) if layer.relu else y
        logits = functional.linear(x.mean(dim=(2, 3)), self.get_buffer("weights"), self.get_buffer("bias"))
        return torch.softmax(logits, dim=-1)


def convert(path: Path, features: FeatureConfig, network: Network) -> None:
    """Write a ``.tflite``, whole or not at all. Raises MissingExtraError without the converter."""
    try:
        import litert_torch
    except ImportError as error:
        raise MissingExtraError(
            "litert", "converting to LiteRT, in an environment of its own (docs/litert.md),"
        ) from error
    example = (torch.zeros(1, features.clip_samples),)
    with contextlib.redirect_stdout(io.StringIO()):  # it tells its developers what it does
        converted = litert_torch.convert(Rebuilt(features, network).eval(), example)
        write_bytes(path, converted.model_content())


def scores_of(path: Path, clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of clips (n, clip_samples), one after the other, by the LiteRT interpreter: (n, labels)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(str(path))
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    scores = []
    for clip in clips:
        interpreter.set_tensor(into, clip[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(out)[0].copy())
    return np.stack(scores)
