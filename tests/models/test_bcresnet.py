"""BC-ResNet-1 is what its paper says, and what is exported is what was trained."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hanmadi import runs
from hanmadi.audio.noise import NoiseBank
from hanmadi.augment import augmentations
from hanmadi.export.onnx import Deployed, export_onnx
from hanmadi.features.torch import FrontEnd
from hanmadi.inference import model_file
from hanmadi.inference.recognizer import load
from hanmadi.models import architecture
from hanmadi.models.bcresnet import AUGMENTATION, BANDS, LOG_MEL, RECIPE, BCResNet, BroadcastBlock, SubSpectralNorm

# Table 3 of the paper: weights of BC-ResNet by width, twelve labels, statistics of batch norm not counted
PUBLISHED = {1: 9_200, 1.5: 17_200, 2: 27_300, 3: 54_200, 6: 188_000, 8: 321_000}
LABELS = tuple(f"word {i}" for i in range(12))


def weights(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and statistics as a trained network might have them, so that its answers vary."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.5)
            nn.init.normal_(module.running_mean, 0, 0.5)
            nn.init.uniform_(module.running_var, 0.1, 1.0)
    return network.eval()


@pytest.mark.parametrize(("width", "published"), PUBLISHED.items())
def test_as_many_weights_as_the_paper_says(width: float, published: int) -> None:
    with torch.device("meta"):
        assert weights(BCResNet(LOG_MEL.shape, 12, width=width)) == pytest.approx(published, rel=0.005)


def test_what_is_registered_has_9232_weights() -> None:
    assert weights(architecture("bcresnet1").build(LOG_MEL.shape, 12)) == 9_232


def test_the_shapes_of_the_table() -> None:
    """Channels x frequency after the first convolution, after each stage, after the last two convolutions."""
    layers = BCResNet(LOG_MEL.shape, 12).layers
    found = []
    with torch.device("meta"):
        x = torch.zeros(2, 1, 40, 98)
        for layer in layers.to("meta"):
            x = layer(x)
            found.append(tuple(x.shape))
    stages = [found[i] for i in (2, 4, 6, 10, 14, 15, 16)]
    assert [shape[1:3] for shape in stages] == [(16, 20), (8, 20), (12, 10), (16, 5), (20, 5), (20, 1), (32, 1)]
    assert {shape[3] for shape in found} == {98}, "the time axis stays"
    assert LOG_MEL.shape == (40, 98)


def test_blocks_see_as_far_in_time_as_the_table_says() -> None:
    blocks = [m for m in BCResNet(LOG_MEL.shape, 12).modules() if isinstance(m, BroadcastBlock)]
    assert [block.over_time[0].dilation[1] for block in blocks] == [1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8]
    assert [block.over_frequency[0].stride[0] for block in blocks] == [1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1]
    assert [block.same for block in blocks] == [n not in (0, 2, 4, 8) for n in range(12)]


@pytest.mark.parametrize("rows", [5, 10, 20])
@pytest.mark.parametrize("training", [True, False])
def test_sub_spectral_norm_is_batch_norm_of_each_band(rows: int, training: bool) -> None:
    torch.manual_seed(rows)
    channels, high = 6, rows // BANDS
    whole = SubSpectralNorm(channels).train(training)
    randomised(whole).train(training)
    bands = [nn.BatchNorm2d(channels).train(training) for _ in range(BANDS)]
    for b, band in enumerate(bands):
        for name, values in band.state_dict().items():
            if values.ndim:
                values.copy_(whole.norm.state_dict()[name].unflatten(0, (BANDS, channels))[b])
    x = torch.randn(4, channels, rows, 7) * torch.arange(1, rows + 1)[:, None]
    parts = [band(x[:, :, b * high : (b + 1) * high]) for b, band in enumerate(bands)]
    assert torch.allclose(whole(x), torch.cat(parts, dim=2), atol=1e-5)
    for b, band in enumerate(bands):  # and it has learnt the same statistics
        mean = whole.norm.running_mean.unflatten(0, (BANDS, channels))[b]
        assert torch.allclose(mean, band.running_mean, atol=1e-6)
    channels_last = whole.eval()(x.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(channels_last, whole(x), atol=1e-6), "memory order is no matter"


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 6), (6, 8)])
def test_a_block_is_the_equation_of_the_paper(n_in: int, n_out: int) -> None:
    """y = relu(x + f2(x) + broadcast(f1(mean of f2(x)))), and without x where the channels change."""
    block = randomised(BroadcastBlock(n_in, n_out, stride=1, dilation=2))
    x = torch.randn(3, n_in, 10, 9)
    f2 = block.over_frequency(block.enter(x))
    f1 = torch.cat([block.over_time(f2.mean(dim=2, keepdim=True))] * 10, dim=2)
    wanted = torch.relu(f2 + f1 + (x if n_in == n_out else 0))
    assert torch.allclose(block(x), wanted, atol=1e-6)


def test_a_gradient_reaches_every_weight() -> None:
    torch.manual_seed(0)
    network = architecture("bcresnet1").build(LOG_MEL.shape, 12).train()
    torch.autograd.backward(nn.functional.cross_entropy(network(torch.randn(4, *LOG_MEL.shape)), torch.arange(4)))
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def trained(clips: np.ndarray) -> nn.Module:
    """The network after it has learnt to tell the clips apart: an untrained one answers almost the same to anything."""
    torch.manual_seed(0)
    network = architecture("bcresnet1").build(LOG_MEL.shape, 12)
    features = FrontEnd(LOG_MEL)(torch.from_numpy(clips))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for _ in range(60):
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(network(features), torch.arange(len(clips))))
        optimiser.step()
    return network.eval()


def test_exported_it_answers_as_torch_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = rng.normal(0, 1, (5, 16_000)).astype(np.float32) * np.float32([[0.3], [0.1], [0.01], [0.001], [0]])
    network = trained(clips)
    with torch.inference_mode():
        wanted = Deployed(LOG_MEL, network)(torch.from_numpy(clips)).numpy()
    card = {"format": model_file.FORMAT, "labels": list(LABELS), "sample_rate": 16_000, "clip_samples": 16_000}
    export_onnx(tmp_path / runs.FILE_NAME, LOG_MEL, network, card)
    scores = load(tmp_path / runs.FILE_NAME).scores(clips)
    assert wanted.std(axis=0).max() > 0.1, "the answers vary"
    assert np.allclose(scores, wanted, atol=2e-5)


def test_clips_are_shifted_and_noisy_and_nothing_else() -> None:
    """An alteration that is added to `Augmentation` later, on by default, is not the paper's."""
    rng = np.random.default_rng(0)
    noise = NoiseBank([], 16_000, 16_000, seed=0)
    clips = rng.uniform(-1, 1, (8, 16_000)).astype(np.float32)
    still = replace(AUGMENTATION, shift_ms=0.0, noise_p=0.0)
    assert np.array_equal(augmentations.augment(clips, noise, config=still, rng=rng), clips)
    log_mel = rng.normal(0, 1, (8, 98, 40)).astype(np.float32)
    assert np.allclose(augmentations.augment_features(log_mel, config=AUGMENTATION, rng=rng), log_mel)
    assert augmentations.draw_warp(AUGMENTATION, rng=rng) == 1.0
    chances = {f.name: getattr(AUGMENTATION, f.name) for f in fields(AUGMENTATION) if f.name.endswith("_p")}
    assert {name: p for name, p in chances.items() if p} == {"noise_p": 0.8}
    assert AUGMENTATION.shift_ms == 100.0


def test_the_recipe_of_the_paper() -> None:
    assert (RECIPE.epochs, RECIPE.batch, RECIPE.optimiser, RECIPE.momentum) == (200, 100, "sgd", 0.9)
    assert (RECIPE.learning_rate, RECIPE.weight_decay, RECIPE.schedule) == (0.1, 1e-3, "one_cycle")
    assert RECIPE.warm_up * RECIPE.epochs == pytest.approx(5)
    assert (RECIPE.ema_decay, RECIPE.label_smoothing, RECIPE.patience, RECIPE.shards) == (0, 0, None, 1)
