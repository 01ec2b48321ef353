"""Checkpoints: what is written comes back, a damaged or foreign file is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn, optim

from hanmadi.errors import TrainingError
from hanmadi.models import checkpoint
from hanmadi.models.checkpoint import State


def test_tensors_and_values_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3).t(), "b": torch.tensor([1, 2])}
    checkpoint.save(tmp_path / "x", State(tensors, {"epoch": 3, "rows": [1.5, None]}))
    found = checkpoint.load(tmp_path / "x")
    assert found.values == {"epoch": 3, "rows": [1.5, None]}
    assert found.tensors.keys() == tensors.keys()
    assert all(torch.equal(found.tensors[name], tensors[name]) for name in tensors)


def test_a_file_stays_until_the_next_is_whole(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x", State({"a": torch.ones(1)}, {}))
    with pytest.raises(TypeError):
        checkpoint.save(tmp_path / "x", State({"a": torch.zeros(1)}, {"epoch": object()}))
    assert checkpoint.load(tmp_path / "x").tensors["a"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("content", [None, b"", b"\x00" * 100, b"\xff" * 8])
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read"):
        checkpoint.load(tmp_path / "x")


@pytest.mark.parametrize("metadata", [None, {"format": "another"}])
def test_another_format_is_told(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "x", metadata)
    with pytest.raises(TrainingError, match="expected a state of format hanmadi-state-1"):
        checkpoint.load(tmp_path / "x")


def test_networks_are_packed_under_a_name() -> None:
    first, second = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    packed = checkpoint.pack("body", first) | checkpoint.pack("average", second)
    with torch.no_grad():
        first[0].weight.zero_()  # a pack is a copy
    fresh = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    checkpoint.unpack("body", fresh, packed)
    assert torch.equal(fresh[0].weight, packed["body.0.weight"])
    assert fresh[0].weight.abs().max() > 0
    with pytest.raises(TrainingError, match="another network"):
        checkpoint.unpack("body", nn.Linear(2, 2), packed)


@pytest.mark.parametrize("kind", [optim.Adam, optim.SGD])
def test_moments_come_back_as_the_weights_lie_in_memory(kind: type[optim.Optimizer], tmp_path: Path) -> None:
    weights = [nn.Conv2d(2, 4, 3).to(memory_format=torch.channels_last).weight for _ in range(2)]
    how = {"lr": 0.1} | ({"momentum": 0.9} if kind is optim.SGD else {})
    own, again = (kind([weight], **how) for weight in weights)
    weights[0].grad = torch.rand_like(weights[0])
    own.step()
    checkpoint.save(tmp_path / "x", State(checkpoint.pack_optimiser(own), {}))
    checkpoint.unpack_optimiser(again, checkpoint.load(tmp_path / "x").tensors)
    for name, moment in own.state[weights[0]].items():
        assert torch.equal(again.state[weights[1]][name], moment)
        if moment.shape == weights[1].shape:
            assert again.state[weights[1]][name].stride() == weights[1].stride()
