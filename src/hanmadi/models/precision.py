"""Products in bfloat16: eight bits of mantissa, sums in float32, faster where the processor has them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache

import torch
from torch import nn


def in_bfloat16(device: torch.device, *, wanted: bool) -> AbstractContextManager[None]:
    """A context in which networks multiply in bfloat16, if that is wanted and this machine does it fast.

    Weights, gradients and the loss stay in float32 (PyTorch's autocast).
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and has_bfloat16(device))


def learns_in_bfloat16(body: nn.Module, device: torch.device, *, wanted: bool, taught: bool) -> bool:
    """Whether anything in a training of ``body`` is multiplied in bfloat16 on this device.

    The whole network if that is ``wanted``; on a processor also what teachers answer (``taught``), and single layers
    that say so of themselves with an attribute ``learns_in_bfloat16``.
    """
    layers = any(getattr(layer, "learns_in_bfloat16", False) for layer in body.modules())
    return has_bfloat16(device) and (wanted or (device.type == "cpu" and (taught or layers)))


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bfloat16."""
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and multiplies_bfloat16()


@lru_cache
def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for it; without them it would be slower."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
