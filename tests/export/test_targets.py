"""``hanmadi export``: nothing is written that does not answer as the model does, and the report says what was seen."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanmadi import cli, load
from hanmadi.errors import DataError, ModelError
from hanmadi.evaluation.evaluation import rows_of_split, store_for
from hanmadi.export import targets
from hanmadi.export.int8 import to_int8
from hanmadi.inference.model_file import open_bundle, write_card
from hanmadi.runs import WEIGHTS_NAME
from hanmadi.training.train import Run

Hanmadi = Callable[..., int]
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) is here")


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(run.folder, tmp_path / "run"))


def test_onnx_is_the_model_and_torch_agrees(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "new" / "words.onnx"
    report = targets.export(run.folder, to="onnx", out=out)
    assert out.read_bytes() == run.model.read_bytes()
    assert [(pair.one, pair.other) for pair in report.pairs] == [
        ("torch", "ONNX"), ("ONNX batched", "ONNX single"), ("ONNX single", "ONNX streamed"),
    ]  # fmt: skip
    assert all(pair.same_labels == pair.clips == run.evaluation.clips for pair in report.pairs)
    assert report.spread is not None
    assert report.spread > 0.2
    assert report.labels_answered >= 3
    written = json.loads((out.parent / "words.parity.json").read_text())
    assert written == json.loads(json.dumps(report.to_dict()))
    assert "| torch = ONNX |" in (out.parent / "words.parity.md").read_text()


def test_weights_that_are_not_those_of_the_model_stop_it(copy: Path, tmp_path: Path) -> None:
    from hanmadi.models import checkpoint

    state = checkpoint.load(copy / WEIGHTS_NAME)
    tensors = {n: t * 1.5 if n.endswith("head.weight") else t for n, t in state.tensors.items()}
    assert any(n.endswith("head.weight") for n in tensors)
    checkpoint.save(copy / WEIGHTS_NAME, replace(state, tensors=tensors))
    with pytest.raises(ModelError, match=r"torch and ONNX differ by .* nothing was written"):
        targets.export(copy, to="onnx", out=tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_weights_of_another_version_are_told(copy: Path, tmp_path: Path) -> None:
    (copy / WEIGHTS_NAME).write_bytes(b"something else")
    report = targets.export(copy, to="onnx", out=tmp_path / "out.onnx")
    assert [pair.one for pair in report.pairs] == ["ONNX batched", "ONNX single"]
    assert any("torch was not compared" in note for note in report.notes)


def test_int8_is_calibrated_on_training_clips_and_knows_its_own_figures(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[np.ndarray] = []

    def watched(source: Path, target: Path, clips: np.ndarray) -> None:
        used.append(clips)
        to_int8(source, target, clips)

    monkeypatch.setattr("hanmadi.export.int8.to_int8", watched)
    out = tmp_path / "int8.onnx"
    report = targets.export(run.folder, to="int8", out=out)
    store = store_for(run.load(), None)
    held_out = [rows_of_split(run.load(), store, split)[1] for split in ("validation", "test")]
    forbidden = {clip.tobytes() for rows in held_out for clip in store.samples(rows)}
    calibrated = (used[0] * 32768).astype(np.int16)
    assert len(calibrated) > 30
    assert not forbidden & {clip.tobytes() for clip in calibrated}
    assert [found.split for found in report.accuracy] == ["validation", "test"]
    assert report.accuracy[1].before == run.evaluation.accuracy
    made = load(out)
    assert made.card["quantised"]["metrics"]["test"]["accuracy"] == report.accuracy[1].after
    names = [f"{pair.one} {pair.other}" for pair in report.pairs]
    assert names[-3:] == ["int8 batched int8 single", "int8 single int8 streamed", "ONNX int8"]
    assert report.pairs[-1].limit is None
    assert 0 < report.pairs[-1].largest_difference < 0.5
    assert report.bytes_after == out.stat().st_size < report.bytes_before


def test_int8_needs_recordings(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name recordings with --data"):
        targets.export("tiny", to="int8", out=tmp_path / "out.onnx")
    assert not list(tmp_path.iterdir())


@needs_compiler
def test_c_is_run_and_compared(run: Run, tmp_path: Path) -> None:
    report = targets.export(run.folder, to="c", out=tmp_path / "c")
    pair = report.pairs[-1]
    assert (pair.one, pair.other, pair.same_labels) == ("ONNX", "C", run.evaluation.clips)
    assert pair.largest_difference <= targets.C_LIMIT
    assert {file.name for file in (tmp_path / "c").iterdir()} == {
        "example.c", "hanmadi_model.c", "hanmadi_model.h", "hanmadi_speech.c", "hanmadi_speech.h", "parity.json",
        "parity.md",
    }  # fmt: skip


@needs_compiler
def test_c_that_answers_otherwise_is_not_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hanmadi.export import c as c_export

    sources = c_export.sources

    def broken(bundle: object) -> dict[str, str]:
        found = sources(bundle)  # type: ignore[arg-type]
        return found | {"hanmadi_model.c": found["hanmadi_model.c"].replace("logf(sum +", "logf(2.0f * sum +")}

    monkeypatch.setattr(c_export, "sources", broken)
    with pytest.raises(ModelError, match="ONNX and C differ by"):
        targets.export(run.folder, to="c", out=tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_of_ones_own_is_not_replaced(tmp_path: Path) -> None:
    targets.export("tiny", to="c", out=tmp_path / "c")
    targets.export("small", to="c", out=tmp_path / "c")  # another export is
    assert "small" in (tmp_path / "c" / "hanmadi_model.h").read_text()
    (tmp_path / "c" / "main.c").write_text("mine")
    with pytest.raises(ModelError, match=r"holds other files \(main.c\)"):
        targets.export("tiny", to="c", out=tmp_path / "c")
    assert (tmp_path / "c" / "main.c").read_text() == "mine"


def test_without_recordings_it_says_that_nothing_was_compared(tmp_path: Path) -> None:
    report = targets.export("tiny", to="c", out=tmp_path / "c")
    assert report.pairs == ()
    assert report.data is None
    assert "nothing was compared" in (tmp_path / "c" / "parity.md").read_text()


def test_without_a_compiler_it_says_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    report = targets.export(run.folder, to="c", out=tmp_path / "c")
    assert "no C compiler is here, so the C was not run" in report.notes


def test_litert_without_its_converter_names_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(ImportError, match=r"environment of its own \(docs/litert.md\).*hanmadi\[litert\]"):
        targets.export("tiny", to="litert", out=tmp_path / "out.tflite")
    assert not list(tmp_path.iterdir())


def test_litert_answers_as_the_model(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="the converter to LiteRT has an environment of its own")
    report = targets.export(run.folder, to="litert", out=tmp_path / "out.tflite")
    assert report.pairs[-1].other == "LiteRT"
    assert json.loads((tmp_path / "out.card.json").read_text())["labels"] == list(run.load().labels)


def test_the_network_for_litert_is_that_of_the_model(run: Run) -> None:
    """What is converted, before the conversion: needs no converter."""
    from hanmadi.export.graph import features_of, read_network
    from hanmadi.export.litert import Converted
    from hanmadi.export.onnx import scores_of

    model = run.load()
    features = features_of(model.bundle)
    store = store_for(model, None)
    clips = store.samples(np.arange(0, len(store), 7)).astype(np.float32) / 32768
    rebuilt = Converted(features, read_network(model.path, features.shape)).eval()
    expected = model.scores(clips)
    assert expected.std(axis=0).max() > 0.2
    np.testing.assert_allclose(scores_of(rebuilt, clips), expected, atol=targets.LITERT_LIMIT)


@pytest.mark.parametrize(
    ("to", "out", "words"),
    [
        ("tflite", "out.tflite", "expected a target among onnx, int8, litert, c, web, got 'tflite'"),
        ("onnx", "out.bin", "ends in .onnx"),
        ("onnx", "folder.onnx", "ends in .onnx"),
        ("c", "file", "expected a folder"),
    ],
)
def test_wrong_calls(to: str, out: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelError, match=words):
        targets.export("tiny", to=to, out=tmp_path / out)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("to", ["onnx", "c"])
def test_the_model_itself_is_not_written_over(to: str, copy: Path) -> None:
    before = (copy / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match="is the model itself"):
        targets.export(copy, to=to, out=copy / "model.onnx" if to == "onnx" else copy)
    assert (copy / "model.onnx").read_bytes() == before


def test_an_8_bit_model_cannot_become_c(tmp_path: Path) -> None:
    path = Path(shutil.copyfile(load("tiny").path, tmp_path / "int8.onnx"))
    write_card(path, open_bundle(path).card | {"quantised": {}})
    with pytest.raises(ModelError, match="export the original"):
        targets.export(path, to="c", out=tmp_path / "c")


def test_the_command(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", "--model", str(run.folder), "--to", "onnx", "--out", str(tmp_path / "a.onnx")]
    assert cli.run(arguments) == 0
    printed = capsys.readouterr()
    assert "torch = ONNX" in printed.out
    assert f"report: {tmp_path / 'a.parity.json'}" in printed.err
    assert cli.run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["agrees"] is True
    assert cli.run(["export", "--model", str(run.folder), "--to", "onnx", "--out", str(run.model)]) == 2
