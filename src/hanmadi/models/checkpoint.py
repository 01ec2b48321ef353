"""The state of a training in one safetensors file: no pickle, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, optim

from hanmadi.errors import TrainingError
from hanmadi.files import replacing

FORMAT: Final = "hanmadi-state-1"


@dataclass(frozen=True)
class State:
    """What a training needs to go on: named tensors and plain values."""

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]  # JSON


def save(path: Path, state: State) -> None:
    """Write a state; the file before it stays until this one is whole."""
    metadata = {"format": FORMAT, "values": json.dumps(dict(state.values))}
    tensors = {name: t.detach().cpu().contiguous() for name, t in state.tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:  # among others for a full disk
            raise OSError(str(error)) from error


def load(path: Path) -> State:
    """Read a state. Raises TrainingError if it is absent or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise TrainingError(f"{path}: expected a state of format {FORMAT}; train again without --resume")
            names = file.keys()  # not a mapping: it cannot be looped over itself
            return State({name: file.get_tensor(name) for name in names}, json.loads(metadata["values"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); train again without --resume") from error


def pack(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """Weights and statistics of a network, copied, under a prefix."""
    return {f"{prefix}.{name}": tensor.detach().clone() for name, tensor in module.state_dict().items()}


def unpack(prefix: str, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put them back. Raises TrainingError if they belong to another network."""
    found = {n.removeprefix(f"{prefix}."): t for n, t in tensors.items() if n.startswith(f"{prefix}.")}
    try:
        module.load_state_dict(found)
    except RuntimeError as error:
        raise TrainingError(f"the saved state belongs to another network ({error})") from error


def pack_optimiser(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """Moments of the optimiser, one tensor a parameter and moment."""
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{i}.{name}": t.clone() for i, moments in state.items() for name, t in moments.items()}


def unpack_optimiser(optimiser: optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the moments back; learning rates are not touched."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, index, moment = name.split(".", 2)
            state.setdefault(int(index), {})[moment] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    for weight, moments in optimiser.state.items():
        for name, moment in moments.items():
            if moment.shape == weight.shape:
                # in memory as the weight is: a fused optimiser goes through both in the order of memory
                moments[name] = torch.empty_like(weight).copy_(moment)
