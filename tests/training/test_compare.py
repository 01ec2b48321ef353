"""The comparison: trains apart, gathers the same figures, goes on where it stopped."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from hanmadi.errors import ModelError, TrainingError
from hanmadi.training.compare import Row, compare, markdown_table


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
    compare(words_folder, **options)
    assert (tmp_path / "c" / "small" / "model.onnx").stat().st_mtime_ns == before, "a finished run is kept"


def test_wrong_name_is_told_at_once(words_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="wave_cnn"):
        compare(words_folder, archs=["small", "waves"], epochs=1, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_failed_training_is_told(words_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="exit code 2"):
        compare(words_folder, archs=["small"], words=["perhaps"], epochs=1, out=tmp_path / "c")


def test_table_reads_well() -> None:
    row = Row("small", 0.951, 0.93, 0.966, 733, 0.021, 51_876, 2_500_000, 40.0, 5.25, 612.0, 0.351)
    assert markdown_table([row]).splitlines()[-1] == (
        "| small | 95.1% (93.0% to 96.6%) | +2.1 points | 51,876 | 2.5 M | 40 | 5 | 612 | 0.35 |"
    )
