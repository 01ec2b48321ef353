"""The comparison: trains apart, gathers the same figures, goes on where it stopped."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from hanmadi.errors import ModelError, TrainingError
from hanmadi.runs import Settings
from hanmadi.training.compare import Comparison, Row, compare


def test_it_trains_and_tabulates(words_folder: Path, tmp_path: Path) -> None:
    options = {"archs": ["small"], "words": ["yes", "no"], "epochs": 1, "out": tmp_path / "c"}
    found = compare(words_folder, **options)
    (row,) = found.rows
    card = json.loads((tmp_path / "c" / "small" / "card.json").read_text())
    assert (row.model, row.accuracy) == ("small", card["metrics"]["test"]["accuracy"])
    assert row.epochs == pytest.approx(1.0)
    assert row.parameters < 60_000
    with open(tmp_path / "c" / "comparison.csv", newline="") as file:
        (written,) = csv.DictReader(file)
    assert float(written["accuracy"]) == row.accuracy
    assert (tmp_path / "c" / "comparison.md").read_text() == found.markdown()
    assert (tmp_path / "c" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    before = (tmp_path / "c" / "small" / "model.onnx").stat().st_mtime_ns
    shutil.copytree(words_folder, tmp_path / "moved")
    compare(tmp_path / "moved", **options)  # the same recordings at another place
    assert (tmp_path / "c" / "small" / "model.onnx").stat().st_mtime_ns == before, "a finished run is kept"

    with pytest.raises(TrainingError, match=r"words yes,no instead of no,up; epochs 1 instead of 2; choose another"):
        compare(words_folder, **options | {"words": ["no", "up"], "epochs": 2})
    with pytest.raises(TrainingError, match="epochs 1 instead of as by default; minutes as by default instead of 1"):
        compare(words_folder, **options | {"epochs": None, "minutes": 1})
    next((tmp_path / "moved" / "yes").iterdir()).unlink()
    with pytest.raises(TrainingError, match=r"the recordings that .*tones held then, which are not those of .*moved"):
        compare(tmp_path / "moved", **options)


def test_a_stopped_run_of_other_settings_is_told_before_it_goes_on(words_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "small"
    run.mkdir()
    chosen = Settings(str(words_folder), "small", words=("yes", "no"), seed=3, epochs=9)
    settings = asdict(chosen) | {"fingerprint": "x"}
    (run / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(TrainingError, match=r"small: holds a run of other settings: seed 3 instead of 0; choose"):
        compare(words_folder, archs=["small"], words=["yes", "no"], epochs=1, out=tmp_path)


def test_wrong_name_is_told_at_once(words_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="wave_cnn"):
        compare(words_folder, archs=["small", "waves"], epochs=1, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_failed_training_is_told(words_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="exit code 2"):
        compare(words_folder, archs=["small"], words=["perhaps"], epochs=1, out=tmp_path / "c")


def test_table_reads_well() -> None:
    row = Row("small", 0.951, 0.93, 0.966, 733, 0.021, 51_876, 2_500_000, 40.0, 5.25, 612.0, 0.351)
    assert Comparison((row,), Path()).markdown().splitlines()[-1] == (
        "| small | 95.1% (93.0% to 96.6%) | +2.1 points | 51,876 | 2.5 M | 40 | 5 | 612 | 0.35 |"
    )
