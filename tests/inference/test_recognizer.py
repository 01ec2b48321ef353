"""The model file and what it answers: parity with torch, any sound, damaged files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hanmadi import audio, load
from hanmadi.data.store import ClipStore
from hanmadi.errors import AudioError, ModelError
from hanmadi.export.onnx import Deployed
from hanmadi.features.torch import FrontEnd
from hanmadi.inference import model_file
from hanmadi.inference.recognizer import Recognizer, find_model, in_batches
from hanmadi.models import architecture, checkpoint
from hanmadi.runs import newest_run
from hanmadi.training.state import KEPT
from hanmadi.training.train import Run


@pytest.fixture(scope="module")
def clips(store: ClipStore) -> np.ndarray:
    return audio.from_int16(store.samples(np.arange(len(store))))


@pytest.mark.parametrize("batch", [1, 3, 4, 100])
def test_any_number_of_clips_is_scored_in_batches(batch: int) -> None:
    sizes = []

    def scores(part: np.ndarray) -> np.ndarray:
        sizes.append(len(part))
        return np.stack([part.sum(axis=1), part[:, 0]], axis=1)

    clips = np.arange(14, dtype=np.float32).reshape(7, 2)
    np.testing.assert_array_equal(in_batches(scores, clips, batch=batch), scores(clips))
    assert max(sizes[:-1]) == min(batch, 7)
    assert sum(sizes[:-1]) == 7


def test_the_file_says_what_torch_says(run: Run, recognizer: Recognizer, clips: np.ndarray) -> None:
    chosen = architecture(run.card["architecture"]["name"])
    body = chosen.build(chosen.features.shape, len(recognizer.labels))
    checkpoint.unpack("body", body, checkpoint.load(run.folder / KEPT).tensors)
    biases = torch.tensor(list(run.card["training"]["biases"].values()))
    deployed = Deployed(chosen.features, body, biases).eval()
    deployed.front_end = FrontEnd(chosen.features)  # the one that training used
    with torch.inference_mode():
        expected = deployed(torch.from_numpy(clips)).numpy()
    found = recognizer.scores(clips)
    assert found.std(axis=0).max() > 0.1, "an almost constant network would pass anything"
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_batch_is_single(recognizer: Recognizer, clips: np.ndarray) -> None:
    single = np.concatenate([recognizer.scores(clip[None]) for clip in clips[:16]])
    np.testing.assert_allclose(recognizer.scores(clips[:16]), single, atol=1e-6)


def test_scores_sum_to_one(recognizer: Recognizer, clips: np.ndarray) -> None:
    np.testing.assert_allclose(recognizer.scores(clips).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_other_rates_and_channels(rate: int, recognizer: Recognizer, store: ClipStore) -> None:
    clip = store.clip(0)
    expected = recognizer.predict(clip, sample_rate=store.sample_rate)
    stereo = np.stack([audio.resample(clip, store.sample_rate, rate)] * 2, axis=1)
    found = recognizer.predict(stereo, sample_rate=rate)
    assert found.label == expected.label
    assert found.score == pytest.approx(expected.score, abs=0.15)


def test_int16_is_scaled(recognizer: Recognizer, store: ClipStore) -> None:
    clip = store.samples(np.array([5]))[0]
    found = recognizer.predict(clip, sample_rate=store.sample_rate)
    assert found == recognizer.predict(audio.from_int16(clip), sample_rate=store.sample_rate)
    with pytest.raises(AudioError, match="int32"):
        recognizer.predict(clip.astype(np.int32), sample_rate=store.sample_rate)


def test_top_is_sorted_and_complete(recognizer: Recognizer, store: ClipStore) -> None:
    found = recognizer.predict(store.clip(3), sample_rate=store.sample_rate, top=99)
    assert [s.label for s in found.top] != sorted(s.label for s in found.top) or len(found.top) == 1
    assert {s.label for s in found.top} == set(recognizer.labels)
    scores = [s.score for s in found.top]
    assert scores == sorted(scores, reverse=True)
    assert (found.label, found.score) == found.top[0]


@pytest.mark.parametrize(
    ("samples", "words"),
    [(np.zeros(0, np.float32), "got none"), (np.full(100, np.nan, np.float32), "NaN")],
)
def test_bad_samples(samples: np.ndarray, words: str, recognizer: Recognizer) -> None:
    with pytest.raises(AudioError, match=words):
        recognizer.predict(samples, sample_rate=16_000)


def test_wrong_clip_length(recognizer: Recognizer) -> None:
    with pytest.raises(AudioError, match="expected clips"):
        recognizer.scores(np.zeros((1, 5), np.float32))


def test_find_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(run.folder) == find_model(run.model) == run.model
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hanmadi.inference.recognizer.SHIPPED_FOLDER", tmp_path / "none")
    with pytest.raises(ModelError, match="hanmadi train"):
        find_model()
    with pytest.raises(ModelError, match=r"model\.onnx"):
        find_model(tmp_path)


def test_newest_run_is_the_last_written(tmp_path: Path) -> None:
    import os

    for name, age in [("b", 10), ("a", 5), ("c", 20)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").touch()
        os.utime(tmp_path / name / "model.onnx", (1000 - age, 1000 - age))
    assert newest_run(tmp_path) == tmp_path / "a"
    assert newest_run(tmp_path / "none") is None


def with_card(run: Run, path: Path, change: dict) -> Path:
    path.write_bytes(run.model.read_bytes())
    model_file.write_card(path, run.card | change)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "hanmadi-model-99"}, "update hanmadi"),
        ({"labels": ["a", "b"]}, "do not belong together"),
        ({"clip_samples": 5}, "rate and length of its features"),
        ({"sample_rate": None}, "damaged"),
    ],
)
def test_a_wrong_card(change: dict, words: str, run: Run, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        load(with_card(run, tmp_path / "model.onnx", change))


def test_files_that_are_no_models(run: Run, tmp_path: Path) -> None:
    import onnx

    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "cut.onnx").write_bytes(run.model.read_bytes()[:5_000])
    model = onnx.load(run.model)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    for name, words in [("text", "not a model"), ("cut", "not a model"), ("bare", "without a hanmadi card")]:
        with pytest.raises(ModelError, match=words):
            load(tmp_path / f"{name}.onnx")
    with pytest.raises(ModelError, match="no such model"):
        load(tmp_path / "none.onnx")


def test_the_card_survives_korean(run: Run, tmp_path: Path) -> None:
    labels = ["네", "아니오", *run.card["labels"][2:]]
    found = load(with_card(run, tmp_path / "model.onnx", {"labels": labels}))
    assert list(found.labels) == labels
    assert json.loads(json.dumps(found.card))["labels"] == labels


@pytest.mark.parametrize("threads", [0, -1, 10**6, 1.5, "1", None, True])
def test_odd_numbers_of_threads(threads: Any) -> None:
    with pytest.raises(ModelError, match="whole number of threads"):
        load("tiny", threads=threads)


def test_a_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", np.zeros(32_000, np.float32), sample_rate=16_000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:32_044])
    with pytest.warns(UserWarning, match=r"promises 1\.0 s more"):
        load("tiny").predict_file(tmp_path / "a.wav")
