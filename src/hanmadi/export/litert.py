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

from hanmadi.errors import MissingExtraError
from hanmadi.export.graph import Network
from hanmadi.export.rebuilt import Rebuilt
from hanmadi.features import FeatureConfig
from hanmadi.features.torch import ExportedFrontEnd
from hanmadi.files import write_bytes
from hanmadi.inference.recognizer import in_batches


class Converted(nn.Module):
    """What is converted: front-end, network and softmax, (1, clip_samples) to scores (1, labels)."""

    def __init__(self, features: FeatureConfig, network: Network) -> None:
        super().__init__()
        self.front_end, self.network = ExportedFrontEnd(features), Rebuilt(network)

    def forward(self, samples: Tensor) -> Tensor:
        """Waveforms (batch, clip_samples) to scores (batch, labels)."""
        return torch.softmax(self.network(self.front_end(samples)), dim=-1)


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
        converted = litert_torch.convert(Converted(features, network).eval(), example)
        write_bytes(path, converted.model_content())


def scores_of(path: Path, clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of clips (n, clip_samples), one after the other, by the LiteRT interpreter: (n, labels)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(str(path))
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def scores(clip: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(into, clip)
        interpreter.invoke()
        found: NDArray[np.float32] = interpreter.get_tensor(out).copy()
        return found

    return in_batches(scores, clips, batch=1)
