"""What a network costs: parameters and multiply-accumulates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_COUNTED = (nn.Conv1d, nn.Conv2d, nn.Linear)


def parameters(network: nn.Module) -> int:
    """Weights and the statistics of normalisation layers: all numbers that a model file has to hold."""
    statistics = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return sum(p.numel() for p in network.parameters()) + statistics


def macs(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of convolutions and dense layers for one clip with features of that shape."""
    total = 0

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module.weight, Tensor)
        # each output number is one sum over the inputs that its filter sees
        total += output.numel() * math.prod(module.weight.shape[1:])

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, _COUNTED)]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, *shape, device=next(network.parameters()).device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
