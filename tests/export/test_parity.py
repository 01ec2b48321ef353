"""Ways to the same scores: they are compared as they are, and a model that says the same to everything is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hanmadi import audio
from hanmadi.data.store import ClipStore
from hanmadi.errors import DataError
from hanmadi.export import parity
from hanmadi.inference.recognizer import Recognizer


@pytest.fixture(scope="module")
def clips(store: ClipStore) -> np.ndarray:
    return store.samples(np.arange(0, len(store), 4))


def test_the_ways_of_a_trained_model_agree(recognizer: Recognizer, clips: np.ndarray) -> None:
    scores, pairs = parity.ways(recognizer, clips, "ONNX")
    assert parity.check_variation(scores) > 0.2
    assert [(pair.one, pair.other) for pair in pairs] == [
        ("ONNX batched", "ONNX single"),
        ("ONNX single", "ONNX streamed"),
    ]
    assert all(pair.agrees and pair.same_labels == pair.clips == len(clips) for pair in pairs)
    assert pairs[1].largest_difference == 0.0


def test_a_stream_gives_the_scores_of_its_clips(recognizer: Recognizer, clips: np.ndarray) -> None:
    expected = recognizer.scores(audio.from_int16(clips))
    np.testing.assert_allclose(parity.streamed(recognizer, clips), expected, atol=1e-5)


def test_a_stream_that_is_shifted_would_be_seen(recognizer: Recognizer, clips: np.ndarray) -> None:
    shifted = np.roll(clips.reshape(-1), 400).reshape(clips.shape)
    found = parity.compare(
        "here", "late", recognizer.scores(audio.from_int16(clips)), parity.streamed(recognizer, shifted), limit=1e-4
    )
    assert not found.agrees


def test_a_difference_is_told_with_its_labels() -> None:
    first = np.array([[0.9, 0.1], [0.4, 0.6], [0.51, 0.49]], np.float32)
    second = np.array([[0.8, 0.2], [0.4, 0.6], [0.49, 0.51]], np.float32)
    found = parity.compare("one", "other", first, second, limit=0.05)
    assert found.largest_difference == pytest.approx(0.1)
    assert (found.same_labels, found.clips, found.agrees) == (2, 3, False)
    assert parity.row(found) == ["one = other", "3", "0.1", "0.05", "2 of 3"]
    assert parity.compare("one", "other", first, second, limit=None).agrees


def test_scores_that_do_not_vary_show_nothing() -> None:
    with pytest.raises(DataError, match="almost the same"):
        parity.check_variation(np.full((20, 3), 1 / 3, np.float32))
    assert parity.check_variation(np.eye(3, dtype=np.float32)) == pytest.approx(np.sqrt(2) / 3)


def test_the_report_as_text(recognizer: Recognizer) -> None:
    pair = parity.Pair("ONNX", "C", 7, 2e-6, 7, 1e-4)
    accuracy = parity.Accuracy("test", 7, 1.0, (0.65, 1.0), 6 / 7, (0.49, 0.97))
    report = parity.Report(
        "m/model.onnx", "c", "out", "words", "test", 100, 50, 3, 0.4, (pair,), (accuracy,), ("a note",)
    )  # fmt: skip
    text = parity.markdown(report)
    assert "| ONNX = C | 7 | 2e-06 | 0.0001 | 7 of 7 |" in text
    assert "| test | 7 | 100.00% (65.0% to 100.0%) | 85.71% (49.0% to 97.0%) | -14.29 points |" in text
    assert "- size: 100 bytes before, 50 after" in text
    assert "- a note" in text
    plain = report.to_dict()
    assert plain["pairs"][0]["agrees"] is True
    assert plain["accuracy"][0]["after"] == 6 / 7
