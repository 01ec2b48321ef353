"""The network of a model file in torch again: for the LiteRT converter, and to teach."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.export.graph import Network


class Rebuilt(nn.Module):
    """Features (batch, *shape) to logits (batch, labels) by the layers of a model file; it does not learn."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.layers = network.convolutions
        arrays = {"weights": network.weights, "bias": network.bias}
        for number, layer in enumerate(network.convolutions):
            arrays |= {f"weights_{number}": layer.weights, f"bias_{number}": layer.bias}
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))

    def forward(self, features: Tensor) -> Tensor:
        """Features to logits, the biases of the labels included."""
        x = features.unsqueeze(1)
        before = x
        for number, layer in enumerate(self.layers):
            y = functional.conv2d(
                x, self.get_buffer(f"weights_{number}"), self.get_buffer(f"bias_{number}"), layer.stride,
                layer.padding, groups=layer.groups,
            )  # fmt: skip
            y = y + before if layer.residual else y  # what the layer before took
            before, x = x, functional.relu(y) if layer.relu else y
        return functional.linear(x.mean(dim=(2, 3)), self.get_buffer("weights"), self.get_buffer("bias"))
