"""Dropout from a generator of one's own has torch's numbers, and torch's own generator is left alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from hanmadi.training.randomness import dropout_from, generators, seeded

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout(0.3), (5, 7)),
        (nn.Dropout(0.3, inplace=True), (5, 7)),
        (nn.Dropout(1.0), (5, 7)),
        (nn.Dropout1d(0.3), (5, 7, 3)),
        (nn.Dropout2d(0.3), (5, 7, 3, 2)),
        (nn.Dropout3d(0.3), (5, 7, 3, 2, 2)),
    ],
    ids=str,
)
def test_the_numbers_are_those_of_torch(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) + 1
    with seeded(4, CPU):
        wanted = layer(x.clone())
    before = torch.get_rng_state()
    with dropout_from(generators(1, seed=4, device=CPU)[0], layer):
        found = layer(x.clone())
    assert torch.equal(found, wanted)
    assert torch.equal(torch.get_rng_state(), before)
    if getattr(layer, "p", 1) < 1:
        assert 0 < int((found == 0).sum()) < found.numel()
    with dropout_from(torch.Generator(), layer):
        assert torch.equal(layer.eval()(x.clone()), x)
    layer.train()


def test_channels_last_and_short_numbers_are_those_of_torch_too() -> None:
    layer = nn.Dropout(0.5)
    x = torch.rand(2, 8, 4, 4).to(memory_format=torch.channels_last).bfloat16()
    with seeded(4, CPU):
        wanted = layer(x)
    with dropout_from(torch.Generator().manual_seed(4), layer):
        assert torch.equal(layer(x), wanted)


def test_gradients_pass_what_is_kept() -> None:
    x = torch.ones(1_000, requires_grad=True)
    with dropout_from(torch.Generator().manual_seed(0), nn.Dropout(0.5)):
        functional.dropout(x, 0.5).sum().backward()
    assert set(x.grad.tolist()) == {0.0, 2.0}


def test_shards_draw_differently() -> None:
    first, second = generators(2, seed=2**62 - 1, device=CPU)
    assert not torch.equal(torch.rand(8, generator=first), torch.rand(8, generator=second))
