"""8-bit models: they answer as the float ones do, keep their card and front-end, and appear whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from hanmadi import audio, load
from hanmadi.data.store import ClipStore
from hanmadi.errors import AudioError, MissingExtraError, ModelError
from hanmadi.export.int8 import to_int8
from hanmadi.inference.model_file import FORMAT, write_card
from hanmadi.inference.recognizer import SHIPPED_FOLDER, Recognizer

SOURCE = SHIPPED_FOLDER / "tiny.onnx"


@pytest.fixture(scope="module")
def tones(store: ClipStore) -> np.ndarray:
    return audio.from_int16(store.samples(np.arange(len(store))))


@pytest.fixture(scope="module")
def int8(tones: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped tiny, quantised on the made-up words."""
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    to_int8(SOURCE, path, tones)
    return path


def real_clips(folder: Path, names: list[str]) -> np.ndarray:
    sounds = [audio.read(folder / name) for name in names]
    return np.stack([audio.to_clip(sound, sample_rate=16_000, length=16_000) for sound in sounds])


def same_labels(one: Recognizer, other: Recognizer, clips: np.ndarray) -> float:
    return float((one.scores(clips).argmax(axis=1) == other.scores(clips).argmax(axis=1)).mean())


def test_real_words_get_the_same_labels(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "speech_commands"
    held_out = {line for split in ("validation", "testing") for line in listed(folder, split)}
    everything = sorted(str(path.relative_to(folder)) for path in folder.glob("[a-z]*/*.flac"))
    training = [name for name in everything if name not in held_out]
    to_int8(SOURCE, tmp_path / "int8.onnx", real_clips(folder, training[::60]))
    clips = real_clips(folder, listed(folder, "validation")[::10])
    assert len(clips) > 200
    found = load(tmp_path / "int8.onnx")
    assert len(np.unique(found.scores(clips).argmax(axis=1))) >= len(found.labels) - 1, "all but silence are there"
    # 99.1 % of 2,083 clips when it was written
    assert same_labels(load(SOURCE), found, clips) >= 0.97


def listed(folder: Path, split: str) -> list[str]:
    names = (folder / f"{split}_list.txt").read_text().split()
    return [str(Path(name).with_suffix(".flac")) for name in names]


def test_tones_get_the_same_scores(int8: Path, tones: np.ndarray) -> None:
    expected, found = load(SOURCE).scores(tones), load(int8).scores(tones)
    assert expected.std(axis=0).max() > 0.1, "scores that are almost constant would pass anything"
    assert np.abs(found - expected).mean() < 0.01
    assert same_labels(load(SOURCE), load(int8), tones) >= 0.9
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_card_is_kept_and_says_what_was_done(int8: Path, tones: np.ndarray) -> None:
    card = dict(load(int8).card)
    done = card.pop("quantised")
    assert card == load(SOURCE).card
    assert done["calibration_clips"] == len(tones)
    assert len(done["layers_in_float32"]) == 1
    assert done["layers"] == 17


def test_the_front_end_stays_in_float(int8: Path) -> None:
    def front_end(path: Path) -> list[bytes]:
        nodes = onnx.load(path).graph.node
        return sorted(node.SerializeToString() for node in nodes if node.name.startswith("/front_end/"))

    assert front_end(int8) == front_end(SOURCE)
    weights = [weight for weight in onnx.load(int8).graph.initializer if weight.data_type == onnx.TensorProto.INT8]
    assert sum(len(weight.raw_data) for weight in weights) > 8_000, "the network's 9,874 parameters are in 8 bits"


def test_it_is_the_same_file_each_time(int8: Path, tones: np.ndarray, tmp_path: Path) -> None:
    to_int8(SOURCE, tmp_path / "again.onnx", tones)
    assert (tmp_path / "again.onnx").read_bytes() == int8.read_bytes()


def test_it_may_take_the_place_of_its_source(int8: Path, tones: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(SOURCE.read_bytes())
    to_int8(path, path, tones)
    assert path.read_bytes() == int8.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_quiet(tones: np.ndarray, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    to_int8(SOURCE, tmp_path / "int8.onnx", tones[:8])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"no model", SOURCE.read_bytes()[:100_000]])
def test_a_damaged_source(content: bytes, tones: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "damaged.onnx", tmp_path / "int8.onnx"
    source.write_bytes(content)
    target.write_bytes(b"what was there")
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        to_int8(source, target, tones)
    assert target.read_bytes() == b"what was there"
    assert len(list(tmp_path.iterdir())) == 2


def test_no_source(tones: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        to_int8(tmp_path / "gone.onnx", tmp_path / "int8.onnx", tones)


def test_twice(int8: Path, tones: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="quantise the original"):
        to_int8(int8, tmp_path / "int8.onnx", tones)


def test_a_model_without_layers(tmp_path: Path) -> None:
    make = onnx.helper
    shapes = [make.make_tensor_value_info(name, 1, ["batch", 2]) for name in ("samples", "scores")]
    graph = make.make_graph([make.make_node("Softmax", ["samples"], ["scores"])], "none", shapes[:1], shapes[1:])
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "none.onnx"))
    write_card(tmp_path / "none.onnx", {"format": FORMAT, "labels": ["yes", "no"], "sample_rate": 2, "clip_samples": 2})
    with pytest.raises(ModelError, match="no convolution"):
        to_int8(tmp_path / "none.onnx", tmp_path / "int8.onnx", np.zeros((1, 2), np.float32))
    assert not (tmp_path / "int8.onnx").exists()


@pytest.mark.parametrize(
    ("clips", "words"),
    [
        (np.zeros((0, 16_000), np.float32), "at least one"),
        (np.zeros((3, 8_000), np.float32), r"\(n, 16000\)"),
        (np.zeros(16_000, np.float32), r"\(n, 16000\)"),
        (np.zeros((3, 16_000), np.int16), "int16"),
        (np.full((3, 16_000), np.nan, np.float32), "NaN"),
    ],
)
def test_bad_clips(clips: np.ndarray, words: str, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=words):
        to_int8(SOURCE, tmp_path / "int8.onnx", clips)
    assert not list(tmp_path.iterdir())


def test_without_onnx(tones: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"hanmadi\[export\]"):
        to_int8(SOURCE, tmp_path / "int8.onnx", tones)


def test_importing_it_is_light() -> None:
    code = "import sys, hanmadi.export.int8; print({'onnx', 'onnxruntime', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
