"""What networks draw at random: apart from everybody else's numbers, and dropout apart in every thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# functions that drop numbers, or whole channels with so many dimensions of their own
_DROPPING: Final = {
    functional.dropout: 0, functional.dropout1d: 1, functional.dropout2d: 2, functional.dropout3d: 3
}  # fmt: skip


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's own generators begin at ``seed`` within, and go on afterwards as if nothing had been drawn."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def generators(count: int, *, seed: int, device: torch.device) -> list[torch.Generator]:
    """One for each shard of a batch. The first one draws what torch's own does after ``torch.manual_seed(seed)``."""
    return [torch.Generator(device).manual_seed(seed + number) for number in range(count)]


def dropout_from(generator: torch.Generator, body: nn.Module) -> TorchFunctionMode | nullcontext[None]:
    """A context in which this thread's `nn.Dropout` and `nn.Dropout1d` to ``3d`` draw from ``generator``.

    torch's own dropout draws from one generator for all threads, so that two shards take from each other, each time
    differently. A network without dropout layers is called as it is.
    """
    drops = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in body.modules())
    return _DropoutFrom(generator) if drops else nullcontext()


class _DropoutFrom(TorchFunctionMode):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _DROPPING:
            return _dropped(*args, **(kwargs or {}), dimensions=_DROPPING[func], generator=self._generator)
        return func(*args, **(kwargs or {}))


def _dropped(
    x: Tensor, p: float, training: bool, inplace: bool, *, dimensions: int, generator: torch.Generator
) -> Tensor:
    """As torch computes it: x * kept / (1 - p), with what is kept drawn for each number or channel."""
    if not training or p == 0:
        return x
    of_channels = x.new_empty(*x.shape[: x.ndim - dimensions], *[1] * dimensions) if dimensions else None
    kept = (torch.empty_like(x) if of_channels is None else of_channels).bernoulli_(1 - p, generator=generator)
    kept.div_(1 - p if p < 1 else 1)
    return x.mul_(kept) if inplace else x * kept
