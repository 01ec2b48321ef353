"""The card of a model: typed, read from and written to JSON; old cards, unknown keys, damaged ones."""

from __future__ import annotations

import ast
import json
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import onnx
import pytest

import hanmadi
from hanmadi.card import FORMAT, Accuracy, Card, DecisionConfig, Decisions, Metrics, Training, read_card
from hanmadi.errors import DataError, LabelError, ModelError
from hanmadi.features import FeatureConfig
from hanmadi.inference.recognizer import SHIPPED_FOLDER, load, shipped

PACKAGE = Path(hanmadi.__file__).parent
LEAST: dict[str, Any] = {"format": FORMAT, "labels": ["yes", "no"], "sample_rate": 16_000, "clip_samples": 16_000}
ACCURACY = {"clips": 10, "accuracy": 0.5, "interval": [0.24, 0.76]}


def stored(name: str) -> dict[str, Any]:
    """The JSON in a shipped model, read without hanmadi."""
    (metadata,) = onnx.load(SHIPPED_FOLDER / f"{name}.onnx").metadata_props
    found: dict[str, Any] = renamed(json.loads(metadata.value))
    return found


def renamed(values: Any) -> Any:
    """Plain values with the names that cards have today."""
    today = {"made_silence": "synthetic_silence", "talk": "negatives"}
    if isinstance(values, list):
        return [renamed(value) for value in values]
    return {today.get(k, k): renamed(v) for k, v in values.items()} if isinstance(values, dict) else values


@pytest.mark.parametrize("name", shipped())
def test_shipped_cards_are_known_in_full_and_come_back_as_they_were(name: str) -> None:
    before = stored(name)
    card = load(name).about
    assert card.to_dict() == before
    assert list(card.to_dict()) == list(before)
    assert load(name).card == before
    sections = (card, card.architecture, card.data, card.training, card.metrics, card.decisions)
    assert not any(section.other for section in sections if section)
    assert card.features == FeatureConfig(**before["features"])
    assert card.metrics.by_split["test"].accuracy == before["metrics"]["test"]["accuracy"]
    chosen = {setting.name: before["decisions"][setting.name] for setting in fields(DecisionConfig)}
    assert card.decision_config == DecisionConfig(**chosen)


def test_a_card_that_tells_only_what_it_must() -> None:
    card = Card.from_dict(LEAST)
    assert card == Card(("yes", "no"), 16_000, 16_000)
    assert card.to_dict() == LEAST
    assert card.decision_config == DecisionConfig()
    assert card.features is None
    assert card.training == Training()


def test_what_is_not_known_here_is_kept_where_it_stood() -> None:
    told = LEAST | {
        "of_tomorrow": [1, {"a": None}],
        "data": {"source": "x", "licence": None, "broken": 0, "hard_negatives": None, "negatives": None, "rooms": 3},
        "metrics": {"test": ACCURACY | {"per_label": {"yes": {"recall": 1.0}}}, "at_night": 0.5},
        "decisions": DecisionConfig(0.3, 0.7, {"no": 0.95}, 1.5, 3.0).to_dict() | {
            "false_alarms_per_hour": 0.4, "calibration": {"false_alarms": {"count": 1, "hours": 2.5}, "seed": 3},
        },
    }  # fmt: skip
    card = Card.from_json(json.dumps(told))
    assert card.to_dict() == told
    assert card.other == {"of_tomorrow": [1, {"a": None}]}
    assert card.data.other == {"rooms": 3}
    assert card.decision_config == DecisionConfig(0.3, 0.7, {"no": 0.95}, 1.5, 3.0)
    assert card.decisions is not None
    assert card.decisions.calibration is not None
    assert card.decisions.calibration.false_alarms.hours == 2.5


def test_features_of_another_version_are_kept_but_not_believed() -> None:
    told = LEAST | {"features": {"kind": "log_mel", "emphasis": 0.97}}
    card = Card.from_dict(told)
    assert card.features is None
    assert card.to_dict() == told


def test_an_older_name_is_read() -> None:
    card = Card.from_dict(LEAST | {"training": {"best_epoch": 7}})
    assert card.training.kept_epoch == 7
    assert not card.training.other


@pytest.mark.parametrize("empty", [None, {}])
@pytest.mark.parametrize("section", ["architecture", "data", "training", "metrics", "versions"])
def test_a_section_that_says_nothing(section: str, empty: object) -> None:
    assert Card.from_dict(LEAST | {section: empty}).to_dict() == LEAST


def test_a_number_of_zero_is_told() -> None:
    card = replace(Card.from_dict(LEAST), training=Training(seed=0), metrics=Metrics(gap=0.0))
    assert card.to_dict()["training"]["seed"] == 0
    assert card.to_dict()["metrics"] == {"gap": 0.0}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": "hanmadi-model-2"}, "expected a model of format hanmadi-model-1, found hanmadi-model-2; update"),
        ({"format": None}, "damaged .*expected an object with a format"),
        ({"labels": None}, "damaged .*expected labels, found none"),
        ({"labels": "yes"}, "expected labels to be a list, got 'yes'"),
        ({"labels": ["yes", 3]}, r"expected labels\[1\] to be text, got '3'"),
        ({"labels": ["yes", "yes"]}, "damaged .*each label once"),
        ({"sample_rate": "16000"}, "expected sample_rate to be a whole number, got '16000'"),
        ({"sample_rate": True}, "expected sample_rate to be a whole number, got 'True'"),
        ({"sample_rate": 0}, "above 0"),
        ({"clip_samples": 0.5}, "expected clip_samples to be a whole number"),
        ({"architecture": "none"}, "expected architecture to be an object, got 'none'"),
        ({"architecture": {"parameters": "many"}}, "expected architecture.parameters to be a whole number"),
        ({"features": {"n_fft": "512"}}, "expected features.n_fft to be a whole number"),
        ({"features": {"centred": 1}}, "expected features.centred to be true or false"),
        ({"features": {"kind": "smell"}}, "damaged .*expected a kind of features"),
        ({"features": {"seconds": 1e400}}, "damaged"),
        ({"data": {"source": 3}}, "expected data.source to be text, got '3'"),
        ({"data": {"splits": {"train": {"per_label": {"yes": "x"}}}}}, "data.splits.train.per_label.yes"),
        ({"data": {"talk": {"seconds": 3}}}, "expected data.talk.sources, found none"),
        ({"training": {"teachers": "runs/a"}}, "expected training.teachers to be a list"),
        ({"training": {"biases": {"yes": None}}}, "expected training.biases.yes to be a number"),
        ({"training": {"best_epoch": "x"}}, "expected training.best_epoch to be a whole number"),
        ({"metrics": {"test": {"clips": 1}}}, "expected metrics.test.accuracy, found none"),
        ({"metrics": {"test": ACCURACY | {"interval": [0.1]}}}, "metrics.test.interval to be a list of 2"),
        ({"versions": {"python": 3.11}}, "expected versions.python to be text"),
        ({"limits": "none"}, "expected limits to be a list"),
        ({"decisions": 7}, "expected decisions to be an object, got '7'"),
        ({"decisions": {"threshold": "high"}}, "expected decisions.threshold to be a number"),
        ({"decisions": {"threshold": 7}}, "damaged .*expected a threshold from 0 to 1"),
        ({"decisions": {"thresholds": [1]}}, "expected decisions.thresholds to be an object"),
        ({"decisions": {"thresholds": {"no": None}}}, "expected decisions.thresholds.no to be a number"),
        ({"decisions": {"calibration": 1}}, "expected decisions.calibration to be an object"),
        ({"quantised": []}, "expected quantised to be an object"),
    ],
)
def test_a_damaged_card_is_told(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=f"mine.onnx: .*{words}"):
        Card.from_dict(LEAST | changed, origin="mine.onnx")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"x"', b"\xff", "[" * 100_000])
def test_what_is_no_card(text: str | bytes) -> None:
    with pytest.raises(ModelError, match="this card: its card is damaged"):
        Card.from_json(text)


def test_a_card_in_a_file(tmp_path: Path) -> None:
    card = Card(("예", "아니오"), 8_000, 8_000, decisions=Decisions(threshold=0.5))
    (tmp_path / "card.json").write_text(card.to_json(indent=1), encoding="utf-8")
    assert "아니오" in (tmp_path / "card.json").read_text(encoding="utf-8")
    assert read_card(tmp_path / "card.json") == card
    with pytest.raises(ModelError, match=r"none\.json: expected the card of a model"):
        read_card(tmp_path / "none.json")


def test_a_card_is_checked_where_it_is_made_and_is_nobodys_to_edit() -> None:
    with pytest.raises(LabelError):
        Card(("yes", "yes"), 16_000, 16_000)
    with pytest.raises(ModelError, match="above 0"):
        Card(("yes", "no"), 16_000, -1)
    card = Card.from_dict(LEAST | {"note": {"a": [1]}})
    with pytest.raises(FrozenInstanceError):
        card.sample_rate = 8_000  # type: ignore[misc]
    card.to_dict()["note"]["a"].append(2)
    assert card.to_dict()["note"] == {"a": [1]}


def test_a_recognizers_card_is_a_mapping_as_ever() -> None:
    recognizer = load("tiny")
    assert recognizer.card["metrics"]["test"]["accuracy"] == recognizer.about.metrics.by_split["test"].accuracy
    assert isinstance(recognizer.about.metrics.test, Accuracy)
    assert (recognizer.card | {"note": "mine"})["note"] == "mine"


def test_no_part_of_the_package_looks_into_cards_by_text() -> None:
    """``card["labels"]``, ``card.get("data")``: such keys are written in card.py alone."""
    keys = {field.name for field in fields(Card)}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _key_of_a_card(node) in keys
    ]
    assert found == []


def _key_of_a_card(node: ast.AST) -> object:
    """``card["key"]``, ``x.card["key"]`` and the same with ``get``; None for anything else."""
    if isinstance(node, ast.Subscript):
        of, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        of, key = node.func.value, node.args[0]
    else:
        return None
    named = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
    return key.value if named == "card" and isinstance(key, ast.Constant) else None


@pytest.mark.parametrize(("rate", "samples"), [(8_000, 16_000), (16_000, 8_000)])
def test_a_card_whose_features_are_those_of_another_rate_or_length(rate: int, samples: int) -> None:
    with pytest.raises(ModelError, match="rate and length of its features"):
        Card(("yes", "no"), rate, samples, features=FeatureConfig())


@pytest.mark.parametrize("name", ["smoothing_s", "refractory_s"])
def test_seconds_of_decisions_are_bounded(name: str) -> None:
    with pytest.raises(DataError, match=f"{name} in seconds, 0 to 3600"):
        DecisionConfig(**{name: 1e308})
