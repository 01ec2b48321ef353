"""A recogniser that hears how loud three tones are, without training; the same as a model file; sounds for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.card import Card, Decisions
from hanmadi.inference.model_file import write_card

RATE = 1_600  # Hz: low, so that minutes of sound are quick
HOP_S = 0.1
LABELS = ("yes", "no", "unknown", "silence")
TONES = {"yes": 200.0, "no": 400.0, "unknown": 600.0}  # Hz


_WINDOW = round(0.4 * RATE)  # samples at the end of a clip that it listens to
_FLOOR = 1e-4  # power of silence


def _weights() -> NDArray[np.float64]:
    """(RATE, 6): a cosine and a sine for each tone, over the newest samples."""
    waves = np.exp(2j * np.pi * np.outer(np.arange(_WINDOW) / RATE, list(TONES.values()))) / _WINDOW
    return np.vstack([np.zeros((RATE - _WINDOW, 6)), np.hstack([waves.real, waves.imag])])


class FakeRecognizer:
    """Scores of a clip: the power of each tone in its last 0.4 s, made to sum to 1; silence is a fixed bit."""

    labels, sample_rate, clip_samples = LABELS, RATE, RATE
    path = Path("fake.onnx")

    def __init__(self, decisions: Decisions | None = None) -> None:
        self.about = Card(LABELS, RATE, RATE, decisions=decisions)
        self._weights = _weights()

    def scores(self, clips: Samples) -> NDArray[np.float32]:
        """(batch, RATE) to (batch, 4)."""
        powers = np.square(clips @ self._weights).reshape(-1, 2, 3).sum(axis=1)
        powers = np.hstack([powers, np.full((len(clips), 1), _FLOOR)])
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def write_fake_model(path: Path) -> Path:
    """The same as a model file."""
    onnx = pytest.importorskip("onnx")
    make, array = onnx.helper, onnx.numpy_helper.from_array
    pairs = np.hstack([np.vstack([np.eye(3), np.eye(3)]), np.zeros((6, 1))])
    constants = [
        array(_weights().astype(np.float32), "weights"), array(pairs.astype(np.float32), "pairs"),
        array(np.array([0, 0, 0, _FLOOR], np.float32), "floor"), array(np.array([1]), "axis"),
    ]  # fmt: skip
    nodes = [
        make.make_node("MatMul", ["samples", "weights"], ["waves"]),
        make.make_node("Mul", ["waves", "waves"], ["squares"]),
        make.make_node("MatMul", ["squares", "pairs"], ["powers"]),
        make.make_node("Add", ["powers", "floor"], ["raised"]),
        make.make_node("ReduceSum", ["raised", "axis"], ["sum"]),
        make.make_node("Div", ["raised", "sum"], ["scores"]),
    ]
    shapes = [make.make_tensor_value_info(name, 1, ["batch", n]) for name, n in (("samples", RATE), ("scores", 4))]
    graph = make.make_graph(nodes, "tones", shapes[:1], shapes[1:], constants)
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), str(path))
    write_card(path, Card(LABELS, RATE, RATE))
    return path


def write_spoken_folder(folder: Path, *, clips_each: int = 3) -> Path:
    """``yes``, ``no`` and ``unknown`` by twelve speakers, and a noise recording."""
    for word in ("yes", "no", "unknown", "_background_noise_"):
        (folder / word).mkdir(parents=True)
    for word in TONES:
        for i in range(12 * clips_each):
            clip = spoken(word) * (0.5 + 0.04 * (i % 12)) + hiss(1, seed=i, level=1e-4)
            audio.write(folder / word / f"speaker{i % 12}_nohash_{i // 12}.wav", clip, sample_rate=RATE)
    audio.write(folder / "_background_noise_" / "hiss.wav", hiss(60), sample_rate=RATE)
    return folder


def tone(word: str, seconds: float = 1.0, *, level: float = 0.3) -> Samples:
    """So long a tone."""
    return (level * np.sin(2 * np.pi * TONES[word] * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def spoken(word: str) -> Samples:
    """A clip of a second whose word is a tone from 0.25 to 0.75 s."""
    return np.concatenate([np.zeros(RATE // 4, np.float32), tone(word, 0.5), np.zeros(RATE // 4, np.float32)])


def hiss(seconds: float, *, seed: int = 0, level: float = 0.01) -> Samples:
    """White noise."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)
