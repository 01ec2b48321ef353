"""Convolutions by way of the Fourier transform are those of PyTorch, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hanmadi.models.fourier import FourierConv2d, FourierMaxPool2d


def worst(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, as a part of the largest number."""
    return float(((ours - theirs).abs().max() / theirs.abs().max()).detach())


@pytest.mark.parametrize(("rows", "columns"), [(33, 30), (16, 15), (9, 12), (5, 5), (4, 7)])
@pytest.mark.parametrize("width", [9, 3])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_answers_and_gradients_are_those_of_a_convolution(
    rows: int, columns: int, width: int, dtype: torch.dtype, limit: float
) -> None:
    torch.manual_seed(0)
    layer = FourierConv2d(3, 5, width).to(dtype)
    x = torch.randn(2, 3, rows, columns, dtype=dtype, requires_grad=True)
    ours, theirs = layer(x), functional.conv2d(x, layer.weight, layer.bias, padding="same")
    gradient = torch.randn_like(theirs)
    of_ours, of_theirs = (torch.autograd.grad(y, (x, layer.weight, layer.bias), gradient) for y in (ours, theirs))
    assert worst(ours, theirs) < limit
    assert max(worst(a, b) for a, b in zip(of_ours, of_theirs, strict=True)) < limit


def test_the_weights_are_those_of_a_convolution() -> None:
    ours, theirs = FourierConv2d(3, 5, 9), nn.Conv2d(3, 5, 9, padding="same")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 3, 20, 21)
    assert worst(ours(x), theirs(x)) < 1e-5


def test_in_bfloat16_it_multiplies_in_float32_all_the_same() -> None:
    layer, x = FourierConv2d(3, 5, 9), torch.randn(1, 3, 20, 21)
    with torch.autocast("cpu", torch.bfloat16):
        ours = layer(x)
    assert ours.dtype == torch.float32
    assert worst(ours, layer(x)) == 0


@pytest.mark.parametrize(("rows", "columns"), [(8, 6), (9, 7), (2, 3)])
def test_pooling_and_its_gradient_are_those_of_pytorch(rows: int, columns: int) -> None:
    torch.manual_seed(0)
    # whole numbers: many windows have their largest value twice
    x = torch.randint(0, 3, (rows, columns, 2, 3)).float().permute(2, 3, 0, 1).requires_grad_()
    ours, theirs = FourierMaxPool2d()(x), functional.max_pool2d(x.contiguous(), 2)
    assert torch.equal(ours, theirs)
    gradient = torch.randn_like(theirs)
    first, second = (torch.autograd.grad(y, x, gradient)[0] for y in (ours, theirs))
    assert torch.equal(first, second)


def test_pooling_keeps_the_order_of_memory() -> None:
    x = torch.randn(8, 6, 2, 3).permute(2, 3, 0, 1)
    assert FourierMaxPool2d()(x).permute(2, 3, 0, 1).is_contiguous()
    assert torch.equal(FourierMaxPool2d()(x.contiguous()), functional.max_pool2d(x, 2))
