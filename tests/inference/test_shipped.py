"""The models that come with the package: small, documented, and as good as their cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hanmadi import evaluate, load
from hanmadi.inference.recognizer import DEFAULT_MODEL, SHIPPED_FOLDER, find_model, shipped
from hanmadi.labels import COURSE_LABELS

# statistics of batch norm included
MOST_PARAMETERS = {"tiny": 10_000, "small": 60_000, "small_8k": 60_000, "base": 450_000}


def test_the_default_is_shipped_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DEFAULT_MODEL in shipped()
    monkeypatch.chdir(tmp_path)  # without runs
    assert find_model() == find_model(DEFAULT_MODEL) == SHIPPED_FOLDER / "small.onnx"


def test_a_path_goes_before_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small").write_text("mine")
    assert find_model("small") == Path("small")


def test_together_with_the_encoder_they_are_under_5_mb() -> None:
    assert sum(path.stat().st_size for path in SHIPPED_FOLDER.rglob("*.onnx")) < 5e6


@pytest.mark.parametrize("name", shipped())
def test_its_card_tells_what_one_has_to_know(name: str) -> None:
    model = load(name)
    card = model.card
    assert model.labels == COURSE_LABELS
    assert card["architecture"]["parameters"] <= MOST_PARAMETERS[name]
    assert card["data"]["licence"] == "CC BY 4.0"
    assert "Warden" in card["data"]["attribution"]
    assert card["limits"]
    assert card["training"]["command"].startswith("hanmadi train")
    for split in ("train", "validation", "test"):
        low, high = card["metrics"][split]["interval"]
        assert low <= card["metrics"][split]["accuracy"] <= high


@pytest.mark.parametrize("name", shipped())
def test_it_is_as_good_as_its_card_says(name: str, shared_data: Path) -> None:
    card = load(name).card
    found = evaluate(name, shared_data / "speech_commands")
    assert found.clips == card["metrics"]["test"]["clips"] == 733
    # another processor may round a score of two equal labels the other way
    assert found.accuracy == pytest.approx(card["metrics"]["test"]["accuracy"], abs=2 / 733)
