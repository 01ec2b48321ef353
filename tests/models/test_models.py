"""Every registered network, the registry, and what networks cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from hanmadi.errors import ModelError
from hanmadi.features import FeatureConfig
from hanmadi.features.torch import FrontEnd
from hanmadi.models import Architecture, Recipe, architecture, names, register, registry, wordnet
from hanmadi.models.cost import macs, parameters
from hanmadi.models.course import SPECTROGRAM, WAVEFORM, CourseNet

COURSE_PARAMETERS = {
    "wave_cnn": 34_681_708,
    "wave_cnn_skip": 63_611_756,
    "spectrogram_cnn1d": 68_957_036,
    "spectrogram_cnn1d_skip": 127_877_996,
    "spectrogram_cnn2d": 20_847_724,
}
SMALL = [name for name in names() if name not in COURSE_PARAMETERS]  # small enough for real numbers in a test


def on_paper(name: str, n_labels: int = 12) -> nn.Module:
    """The network without numbers: shapes and gradients as they would be, at no cost."""
    entry = architecture(name)
    with torch.device("meta"):
        return entry.build(entry.features.shape, n_labels)


@pytest.mark.parametrize(("name", "count"), COURSE_PARAMETERS.items())
def test_the_course_networks_have_the_course_parameters(name: str, count: int) -> None:
    assert parameters(on_paper(name)) == count


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("n_labels", [2, 12, 35])
def test_shapes_and_gradients(name: str, n_labels: int) -> None:
    """Any number of labels, any batch; the gradient reaches every parameter."""
    network = on_paper(name, n_labels).train()
    for batch in (2, 5):
        logits = network(torch.zeros(batch, *architecture(name).features.shape, device="meta"))
        assert logits.shape == (batch, n_labels)
    torch.autograd.backward(logits.sum())
    assert [key for key, value in network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("name", names())
def test_what_is_registered_is_valid(name: str) -> None:
    entry = architecture(name)
    assert entry.name == name
    assert isinstance(entry.features, FeatureConfig)
    assert replace(entry.features) == entry.features  # checked on construction
    assert entry.summary
    assert "\n" not in entry.summary
    recipe = entry.recipe
    assert recipe.epochs > 0
    assert recipe.batch > 1
    assert 0 < recipe.learning_rate < 1
    assert recipe.schedule in ("constant", "one_cycle")
    assert recipe.epochs_for(1) >= recipe.epochs
    assert recipe.epochs_for(10**7) == recipe.epochs


@pytest.mark.parametrize("name", SMALL)
def test_numbers_are_finite_and_depend_on_the_sound(name: str) -> None:
    torch.manual_seed(0)
    entry = architecture(name)
    network = entry.build(entry.features.shape, 12)
    n = entry.features.clip_samples
    samples = torch.stack([torch.zeros(n), torch.rand(n) - 0.5, torch.sin(torch.arange(n) * 0.1), torch.ones(n)])
    features = FrontEnd(entry.features)(samples)
    loss = nn.functional.cross_entropy(network.train()(features), torch.tensor([0, 1, 2, 3]))
    torch.autograd.backward(loss)
    assert all(torch.isfinite(p.grad).all() and p.grad.any() for p in network.parameters() if p.grad is not None)
    with torch.inference_mode():
        logits = network.eval()(features)
        alone = torch.cat([network(row[None]) for row in features])
    assert torch.isfinite(logits).all()
    assert logits.std(dim=0).max() > 0
    assert torch.allclose(logits, alone, atol=1e-4)  # no clip depends on its neighbours


@pytest.mark.parametrize(("dimensions", "shape"), [(1, (96,)), (1, (16, 18)), (2, (32, 34))])
@pytest.mark.parametrize("skip", [False, True])
def test_course_networks_in_small(dimensions: int, shape: tuple[int, ...], skip: bool) -> None:
    torch.manual_seed(0)
    network = CourseNet(shape, 5, dimensions=dimensions, skip=skip)
    logits = network(torch.randn(3, *shape))
    torch.autograd.backward(logits.sum())
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_a_small_course_network_has_the_same_layers() -> None:
    with torch.device("meta"):
        small = CourseNet((8_000,), 4, dimensions=1, skip=True, filters=4, dense=64)
        full = CourseNet((8_000,), 4, dimensions=1, skip=True)
    assert [type(m) for m in small.modules()] == [type(m) for m in full.modules()]
    assert [m.out_channels for m in small.modules() if isinstance(m, nn.Conv1d)] == [
        m.out_channels // 8 for m in full.modules() if isinstance(m, nn.Conv1d)
    ]
    assert parameters(small) < parameters(full) / 30


def test_the_course_features() -> None:
    assert WAVEFORM.shape == (8_000,)
    assert SPECTROGRAM.shape == (130, 126)


def test_a_name_is_never_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    entry = Architecture("mine", lambda shape, n: nn.Linear(shape[0], n), WAVEFORM, Recipe(), "a linear network")
    assert register(entry) is entry
    assert "mine" in names()
    with pytest.raises(ModelError, match="'mine' is registered already"):
        register(replace(entry, summary="another"))
    assert architecture("mine").summary == "a linear network"


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ModelError, match=r"'smal'; choose one of .*small.*wave_cnn_skip") as caught:
        architecture("smal")
    assert all(name in str(caught.value) for name in names())
    assert names() == tuple(sorted(names()))


def test_few_clips_get_more_epochs() -> None:
    recipe = Recipe(epochs=10, minimum_steps=1_000, batch=32)
    assert recipe.epochs_for(32 * 200) == 10
    assert recipe.epochs_for(32 * 10) == 100
    assert recipe.epochs_for(0) == 1_000


def test_parameters_count_the_statistics_too() -> None:
    assert parameters(nn.BatchNorm1d(10)) == 40


def test_macs_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv1d(2, 6, 5, padding=2, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(60, 4), nn.Dropout(0.5)
    )
    assert macs(network, (2, 10)) == 6 * 10 * 1 * 5 + 60 * 4
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert macs(nn.Conv2d(3, 8, (3, 5), padding="same"), (3, 7, 9)) == 8 * 7 * 9 * 3 * 15


@pytest.mark.parametrize("name", names())
def test_macs_of_every_network(name: str) -> None:
    assert macs(on_paper(name), architecture(name).features.shape) > 10_000


def test_learning_with_short_products_is_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    entry = architecture("small")
    body = entry.build(entry.features.shape, 12)
    x = torch.randn(8, *entry.features.shape)
    learnt, used = {}, {}
    for short in (False, True):
        monkeypatch.setattr(wordnet, "multiplies_bfloat16", lambda short=short: short)
        body.train().zero_grad()
        body(x).square().mean().backward()
        learnt[short] = torch.cat([p.grad.flatten() for p in body.parameters()])
    for short in (False, True):
        monkeypatch.setattr(wordnet, "multiplies_bfloat16", lambda short=short: short)
        used[short] = body.eval()(x)
    assert torch.nn.functional.cosine_similarity(learnt[True], learnt[False], dim=0) > 0.99
    assert not torch.equal(learnt[True], learnt[False])
    assert torch.equal(used[True], used[False])  # only learning is short
