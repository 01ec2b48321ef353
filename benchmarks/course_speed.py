"""Seconds an epoch of the course's networks on this machine: as PyTorch has them, and as they are trained here.

    python benchmarks/course_speed.py               # quiet machine; writes results/course_speed.csv

Whole steps (forwards, backwards, optimiser) of a batch of 32 on random features, the ways in turn, all in one run;
the fastest round counts, as other work on the machine only ever takes time away. ``plain`` is float32 and PyTorch's
own convolutions, as until 2026-11-27. ``bfloat16`` multiplies in bfloat16, channels last in two dimensions.
``fourier`` is `hanmadi.models.fourier`, in float32. An epoch is 8,891 clips; ``ratio`` is against ``plain``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, Final

import torch
from common import write_rows
from torch import nn
from torch.nn import functional

from hanmadi.models import architecture
from hanmadi.models.fourier import FourierConv2d, FourierMaxPool2d
from hanmadi.models.precision import in_bfloat16
from hanmadi.training.allocator import keeping_freed_memory
from hanmadi.training.state import make_optimiser

BATCH: Final = 32
CLIPS: Final = 8_891
CPU: Final = torch.device("cpu")


def ordinary(network: nn.Module) -> nn.Module:
    """The same network with PyTorch's convolutions and pooling."""
    for name, child in network.named_children():
        if isinstance(child, FourierConv2d):
            conv = nn.Conv2d(child.in_channels, child.out_channels, child.kernel_size[0], padding="same")
            conv.load_state_dict(child.state_dict())
            setattr(network, name, conv)
        elif isinstance(child, FourierMaxPool2d):
            setattr(network, name, nn.MaxPool2d(2))
        else:
            ordinary(child)
    return network


def stepper(name: str, way: str) -> Callable[[], float]:
    """A function that does one step and tells its seconds."""
    torch.manual_seed(0)
    chosen = architecture(name)
    network = chosen.build(chosen.features.shape, 12)
    if way != "fourier":
        network = ordinary(network)
    if way == "bfloat16" and "2d" in name:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(network, chosen.recipe)
    x, y = torch.rand(BATCH, *chosen.features.shape), torch.randint(0, 12, (BATCH,))

    def step() -> float:
        started = time.perf_counter()
        with in_bfloat16(CPU, wanted=way == "bfloat16"):
            logits = network(x).float()
        network.zero_grad(set_to_none=True)
        functional.cross_entropy(logits, y).backward()
        optimiser.step()
        return time.perf_counter() - started

    return step


def rows_of(name: str, rounds: int) -> list[dict[str, Any]]:
    ways = ("plain", "bfloat16", "fourier") if "2d" in name else ("plain", "bfloat16")
    steps = {way: stepper(name, way) for way in ways}
    for step in steps.values():
        step()  # the first also allocates
    best = {way: min(step() for _ in range(rounds)) for way, step in steps.items()}
    return [
        {
            "network": name, "way": way, "threads": torch.get_num_threads(), "batch": BATCH,
            "seconds_a_step": round(seconds, 3), "clips_per_second": round(BATCH / seconds, 2),
            "seconds_an_epoch": round(seconds * CLIPS / BATCH), "ratio": round(seconds / best["plain"], 3),
        }
        for way, seconds in best.items()
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="+", default=["spectrogram_cnn2d", "spectrogram_cnn1d", "wave_cnn"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with keeping_freed_memory():
        rows = [row for name in options.archs for row in rows_of(name, options.rounds)]
    for row in rows:
        print(row)
    print(write_rows("course_speed", rows))


if __name__ == "__main__":
    main()
