"""Two-dimensional convolution with large kernels by way of the Fourier transform, from matrix products alone.

A convolution of 9 x 9 multiplies 81 times for each output; a product of spectra multiplies about 4 times. What it costs
is the transforms. A fast Fourier transform saves operations but spends its time on moving numbers about; as these
images are small, their transforms are products with small matrices here, which a processor does at full speed and
which leave the numbers in the order that the next product needs. In float32 and on the course's network that is
faster than direct convolutions in bfloat16 (`benchmarks/course_speed.py`).

Sources: Mathieu, Henaff, LeCun, "Fast training of convolutional networks through FFTs", arXiv 1312.5851.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class FourierConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` with an odd square kernel, stride 1 and "same" padding; on a CPU it learns and answers faster.

    The memory of what it gives is ordered rows, columns, batch, channels, which is what the next one wants.
    """

    def __init__(self, n_in: int, n_out: int, width: int) -> None:
        super().__init__(n_in, n_out, width, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_in, rows, columns) to (batch, n_out, rows, columns)."""
        # an exported graph has the convolution itself, and a GPU does that faster
        if x.device.type != "cpu" or torch.onnx.is_in_onnx_export():
            return super().forward(x)
        assert self.bias is not None
        with torch.autocast("cpu", enabled=False):
            images = x.to(self.weight.dtype).permute(2, 3, 0, 1).contiguous()
            kernels = self.weight.permute(2, 3, 1, 0).contiguous()
            y: Tensor = _Convolution.apply(images, kernels) + self.bias  # type: ignore[no-untyped-call]
            return y.permute(2, 3, 0, 1)


class FourierMaxPool2d(nn.MaxPool2d):
    """`torch.nn.MaxPool2d` of 2 x 2 that keeps the order of memory which `FourierConv2d` gives and wants."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to (batch, channels, rows / 2, columns / 2)."""
        images = x.permute(2, 3, 0, 1)
        if torch.onnx.is_in_onnx_export() or not images.is_contiguous():
            return super().forward(x)
        pooled: Tensor = _MaxPool.apply(images)  # type: ignore[no-untyped-call]
        return pooled.permute(2, 3, 0, 1)


class _MaxPool(torch.autograd.Function):
    """Images (rows, columns, batch, channels) to half as many rows and columns.

    PyTorch's own pools this order as fast but goes back twenty times as slowly.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        first, *others = _quarters(images)
        pooled = first.clone()
        for other in others:
            torch.maximum(pooled, other, out=pooled)
        ctx.save_for_backward(images, pooled)
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """All of it to the first place that has the largest value."""
        images, pooled = ctx.saved_tensors
        back, left = torch.zeros_like(images), gradients[0]
        for image, place in zip(_quarters(images), _quarters(back), strict=True):
            largest = image == pooled
            torch.mul(left, largest, out=place)
            left = left.masked_fill(largest, 0.0)
        return back


def _quarters(images: Tensor) -> list[Tensor]:
    """The four places of each window of 2 x 2; an odd row or column at the end is left out."""
    rows, columns = (length // 2 * 2 for length in images.shape[:2])
    return [images[i:rows:2, j:columns:2] for i in (0, 1) for j in (0, 1)]


@dataclass(frozen=True)
class _Transforms:
    """The matrices for images of one size. Spectra are of half the frequencies of rows, all of columns."""

    rows: Tensor  # (2 * half, rows): real images to (frequency of rows, real and imaginary)
    columns: Tensor  # (2 * full, 2 * columns): those to (frequency of columns, real and imaginary)
    inverse_columns: Tensor  # (2 * columns, 2 * full)
    inverse_rows: Tensor  # (rows, 2 * half)
    kernel: Tensor  # (2 * half * full, width * width): kernels, mirrored and centred, to their spectrum


@lru_cache(maxsize=16)
def _transforms(rows: int, columns: int, width: int, dtype: torch.dtype) -> _Transforms:
    def tensor(matrix: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(matrix)).to(dtype)

    n, m = rows + width // 2, columns + width // 2  # zeros enough that what wraps around meets nothing
    half = n // 2 + 1
    by_rows, by_columns = _wave(half, rows, n), _wave(m, columns, m)
    twice = np.where((np.arange(half) == 0) | (2 * np.arange(half) == n), 1.0, 2.0)  # for the half that is not there
    back_rows = (np.conj(by_rows) * twice[:, None] / n).T  # real part of its product with a spectrum
    back_columns = np.conj(by_columns).T / m
    taps = np.arange(width) - width // 2
    along_rows = np.exp(2j * np.pi * np.outer(np.arange(half), taps) / n)
    along_columns = np.exp(2j * np.pi * np.outer(np.arange(m), taps) / m)
    kernel = np.einsum("ka,pb->kpab", along_rows, along_columns).reshape(half * m, width * width)
    # rows and columns of a real matrix: which of the two is real, which imaginary, comes inside (last) or outside
    matrix = np.stack([by_columns.real, -by_columns.imag, by_columns.imag, by_columns.real]).reshape(2, 2, m, columns)
    back = np.stack([back_columns.real, -back_columns.imag, back_columns.imag, back_columns.real])
    return _Transforms(
        rows=tensor(np.stack([by_rows.real, by_rows.imag], axis=1).reshape(2 * half, rows)),
        columns=tensor(matrix.transpose(2, 0, 1, 3).reshape(2 * m, 2 * columns)),
        inverse_columns=tensor(back.reshape(2, 2, columns, m).transpose(0, 2, 3, 1).reshape(2 * columns, 2 * m)),
        inverse_rows=tensor(np.stack([back_rows.real, -back_rows.imag], axis=2).reshape(rows, 2 * half)),
        kernel=tensor(np.concatenate([kernel.real, kernel.imag])),
    )


def _wave(frequencies: int, places: int, period: int) -> NDArray[np.complex128]:
    """exp(-2 pi i f t / period): (frequencies, places)."""
    return np.exp(-2j * np.pi * np.outer(np.arange(frequencies), np.arange(places)) / period)


class _Convolution(torch.autograd.Function):
    """Images (rows, columns, batch, n_in) and kernels (width, width, n_in, n_out) to (rows, columns, batch, n_out).

    Spectra are (frequencies, 2, batch, channels), those of kernels (2, frequencies, n_in, n_out), where 2 is real and
    imaginary.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        matrices = _transforms(x.shape[0], x.shape[1], w.shape[0], x.dtype)
        spectrum, kernel = _spectrum(x, matrices), _kernel_spectrum(w, matrices)
        ctx.save_for_backward(spectrum, kernel)
        ctx.matrices, ctx.shapes = matrices, (x.shape, w.shape)
        real, imaginary = _products(spectrum, kernel)
        product = torch.empty_like(real)
        torch.sub(real[:, 0], imaginary[:, 1], out=product[:, 0])
        torch.add(real[:, 1], imaginary[:, 0], out=product[:, 1])
        half, columns = matrices.inverse_rows.shape[1], x.shape[1]
        stage = matrices.inverse_columns @ product.view(half // 2, matrices.columns.shape[0], -1)
        return (matrices.inverse_rows @ stage.view(half, -1)).view(x.shape[0], columns, x.shape[2], w.shape[3])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        """The transposes of the forward's matrices, in the opposite order."""
        spectrum, kernel = ctx.saved_tensors
        matrices, (shape, taps) = ctx.matrices, ctx.shapes
        half = matrices.inverse_rows.shape[1]
        stage = matrices.inverse_rows.t() @ gradients[0].reshape(shape[0], -1)
        wrong = matrices.inverse_columns.t() @ stage.view(half // 2, 2 * shape[1], -1)
        wrong = wrong.view(-1, 2, shape[2], taps[3])
        of_kernel = _kernel_gradient(spectrum, wrong, kernel)
        w = (matrices.kernel.t() @ of_kernel.view(matrices.kernel.shape[0], -1)).view(taps)
        if not ctx.needs_input_grad[0]:
            return None, w
        real, imaginary = _products(wrong, kernel.transpose(2, 3))
        back = torch.empty_like(real)
        torch.add(real[:, 0], imaginary[:, 1], out=back[:, 0])
        torch.sub(real[:, 1], imaginary[:, 0], out=back[:, 1])
        stage = matrices.columns.t() @ back.view(half // 2, matrices.columns.shape[0], -1)
        return (matrices.rows.t() @ stage.view(half, -1)).view(shape), w


def _spectrum(x: Tensor, matrices: _Transforms) -> Tensor:
    """(rows, columns, batch, channels) to (frequencies, 2, batch, channels)."""
    rows, columns, batch, channels = x.shape
    stage = (matrices.rows @ x.view(rows, -1)).view(len(matrices.rows) // 2, 2 * columns, batch * channels)
    return (matrices.columns @ stage).view(-1, 2, batch, channels)


def _kernel_spectrum(w: Tensor, matrices: _Transforms) -> Tensor:
    """(width, width, n_in, n_out) to (2, frequencies, n_in, n_out)."""
    return (matrices.kernel @ w.reshape(matrices.kernel.shape[1], -1)).view(2, -1, *w.shape[2:])


def _products(spectrum: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Products (frequencies, 2, batch, n_out) with the real, and with the imaginary part of a kernel's spectrum."""
    count, _, batch, channels = spectrum.shape
    both = spectrum.reshape(count, 2 * batch, channels)
    real, imaginary = (torch.bmm(both, kernel[part]).view(count, 2, batch, -1) for part in (0, 1))
    return real, imaginary


def _kernel_gradient(spectrum: Tensor, wrong: Tensor, kernel: Tensor) -> Tensor:
    """Gradient of a kernel's spectrum from the images' and the outputs' gradient: (2, frequencies, n_in, n_out)."""
    count, _, batch, _ = spectrum.shape
    images = spectrum.view(count, 2 * batch, -1).transpose(1, 2)
    turned = torch.stack([wrong[:, 1], -wrong[:, 0]], dim=1)
    gradient = torch.empty_like(kernel)
    torch.bmm(images, wrong.reshape(count, 2 * batch, -1), out=gradient[0])
    torch.bmm(images, turned.view(count, 2 * batch, -1), out=gradient[1])
    return gradient
