"""The layers read from a model file compute what the file computes; other networks are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch.nn import functional

from hanmadi import audio, features, load
from hanmadi.card import Card
from hanmadi.data.store import ClipStore
from hanmadi.errors import ModelError
from hanmadi.export.graph import Network, features_of, read_network
from hanmadi.features import FeatureConfig
from hanmadi.inference.model_file import FORMAT, open_bundle, write_card
from hanmadi.inference.recognizer import SHIPPED_FOLDER, shipped


def scores_by(network: Network, x: np.ndarray) -> np.ndarray:
    """Features (batch, rows, columns) to scores, in double precision."""
    values = [torch.from_numpy(x).double()[:, None]]
    for layer in network.convolutions:
        weights, bias = (torch.from_numpy(np.array(a)).double() for a in (layer.weights, layer.bias))
        y = functional.conv2d(values[-1], weights, bias, layer.stride, layer.padding, groups=layer.groups)
        assert tuple(y.shape[1:]) == layer.shape_out
        y = y + values[-2] if layer.residual else y
        values.append(torch.relu(y) if layer.relu else y)
    logits = values[-1].mean(dim=(2, 3)) @ torch.from_numpy(network.weights).double().T
    return torch.softmax(logits + torch.from_numpy(network.bias), dim=-1).numpy()


@pytest.mark.parametrize("name", shipped())
def test_they_give_the_scores_of_the_model_file(name: str, store: ClipStore) -> None:
    model = load(name)
    config = features_of(model.bundle)
    rate = model.sample_rate
    sounds = audio.from_int16(store.samples(np.arange(0, len(store), 8)))
    clips = np.stack([audio.resample(sound, store.sample_rate, rate)[: model.clip_samples] for sound in sounds])
    expected = model.scores(clips)
    assert expected.std(axis=0).max() > 0.1
    found = scores_by(read_network(model.path, config.shape), features.compute(clips, config))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_residual_is_found_where_the_network_has_one() -> None:
    layers = read_network(SHIPPED_FOLDER / "small.onnx", (40, 49)).convolutions
    # two separable blocks do not keep their shape: the one that halves the mels and the one that halves time
    assert sum(layer.residual for layer in layers) == 5
    assert not any(layer.residual and layer.groups > 1 for layer in layers)


def card(**changed: object) -> dict[str, object]:
    known = {"format": FORMAT, "labels": ["yes", "no"], "sample_rate": 16_000, "clip_samples": 160}
    return known | changed


def model_file(path: Path, nodes: list[onnx.NodeProto], card: dict[str, object]) -> Path:
    make = onnx.helper
    shapes = [make.make_tensor_value_info(name, 1, ["batch", n]) for name, n in (("samples", 160), ("scores", 2))]
    graph = make.make_graph(nodes, "other", shapes[:1], shapes[1:], [])
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), str(path))
    write_card(path, card)
    return path


def test_another_network_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Softmax", ["samples"], ["scores"], name="/body/Softmax")
    path = model_file(tmp_path / "other.onnx", [node], card())
    with pytest.raises(ModelError, match="compact family"):
        read_network(path, (40, 49))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "does not tell its features"),
        ({"features": {"kind": "mfcc"}}, "got mfcc"),
        ({"features": {"n_fft": 480}}, "power of two"),
        ({"features": {"n_fft": 512, "of_tomorrow": 1}}, "does not tell its features"),
        ({"features": FeatureConfig().to_dict(), "quantised": {}}, "8 bits"),
    ],
)
def test_other_front_ends_are_refused(told: dict[str, object], words: str) -> None:
    bundle = open_bundle(SHIPPED_FOLDER / "tiny.onnx")
    changed = {name: value for name, value in bundle.card.items() if name != "features"} | told
    with pytest.raises(ModelError, match=words):
        features_of(replace(bundle, about=Card.from_dict(changed)))
