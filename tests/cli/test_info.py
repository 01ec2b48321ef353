"""``hanmadi info MODEL``: what it is, how good it is, what it is not for; and a sound file is still a sound file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hanmadi import cli, load
from hanmadi.inference.decisions import DecisionConfig
from hanmadi.inference.model_file import open_bundle, write_card
from hanmadi.inference.recognizer import names_model

Info = Callable[..., tuple[int, str]]


@pytest.fixture
def info(capsys: pytest.CaptureFixture[str]) -> Info:
    def call(*arguments: object) -> tuple[int, str]:
        code = cli.run(["info", *map(str, arguments)])
        return code, capsys.readouterr().out

    return call


def test_a_shipped_model(info: Info) -> None:
    code, out = info("tiny")
    assert code == 0
    card = load("tiny").card
    for part in ("yes, no, up", "1 s at 16000 Hz", "9,874 parameters", "CC BY 4.0", card["limits"][0], "onnxruntime"):
        assert part in out
    assert f"test: {card['metrics']['test']['accuracy']:.1%} of 733 clips (95 % interval" in out


def test_how_to_train_it_again(info: Info, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(load("small_8k").path, tmp_path / "mine.onnx"))
    card = open_bundle(path).card
    assert card["training"]["command"] in info(path)[1]
    assert "teachers by" not in info(path)[1]
    write_card(path, card | {"training": card["training"] | {"teachers_by": "make them"}})
    assert "teachers by   make them\n" in info(path)[1]


def test_without_a_name_the_model_that_would_be_used(
    info: Info, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert info()[1].startswith(str(load().path))


def test_json(info: Info) -> None:
    found = json.loads(info("tiny", "--json")[1])
    assert found["card"] == load("tiny").card
    assert found["decisions"]["threshold"] == DecisionConfig().threshold
    assert found["bytes"] == load("tiny").path.stat().st_size
    assert {"hanmadi", "python", "onnxruntime", "numpy"} <= set(found["installed"])


def test_calibrated_thresholds_and_8_bit_figures(info: Info, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(load("tiny").path, tmp_path / "mine.onnx"))
    card = open_bundle(path).card
    decisions = {
        "threshold": 0.9, "thresholds": {"yes": 0.5},
        "calibration": {"false_alarms": {"count": 1, "hours": 2.5}},
    }  # fmt: skip
    own = {"test": {"clips": 10, "accuracy": 0.5, "interval": [0.24, 0.76]}}
    write_card(path, card | {"decisions": decisions, "quantised": {"calibration_clips": 512, "metrics": own}})
    out = info(path)[1]
    assert "thresholds yes 0.5, no 0.9" in out
    assert "calibrated: 1 false alarms in 2.50 h" in out
    assert "8 bits, calibrated on 512 clips" in out
    assert "test: 50.0% of 10 clips" in out
    assert "validation:" not in out


def test_a_card_that_tells_only_what_it_must(info: Info, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(load("tiny").path, tmp_path / "bare.onnx"))
    card = open_bundle(path).card
    write_card(path, {name: card[name] for name in ("format", "labels", "sample_rate", "clip_samples")})
    code, out = info(path)
    assert code == 0
    assert "not calibrated" in out
    assert "not told" in out


def test_sound_and_model_in_one_call(info: Info, words_folder: Path) -> None:
    sound = next(words_folder.glob("yes/*.wav"))
    code, out = info(sound, "tiny")
    assert code == 0
    assert out.index("duration") < out.index("9,874 parameters")


def test_what_a_name_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small").write_bytes(b"a sound of that name")
    assert [names_model(name) for name in ("tiny", "small", "a.onnx", ".", "a.wav", "nothing")] == [
        True, False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [["tiny", "--plot", "x.png"], ["--plot", "x.png"]])
def test_a_model_is_not_drawn(arguments: list[str], info: Info) -> None:
    assert info(*arguments)[0] == 2


def test_a_model_that_is_broken(info: Info, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    assert info(tmp_path / "broken.onnx")[0] == 2
