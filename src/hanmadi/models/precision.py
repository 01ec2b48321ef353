"""Products in bfloat16: eight bits of mantissa, sums in float32, faster where the processor has them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache

import torch


def in_bfloat16(device: torch.device, *, wanted: bool) -> AbstractContextManager[None]:
    """A context in which networks multiply in bfloat16, if that is wanted and this machine does it fast.

    Weights, gradients and the loss stay in float32 (PyTorch's autocast).
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and has_bfloat16(device))


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bfloat16."""
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and multiplies_bfloat16()


@lru_cache
def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for it; without them it would be slower."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
