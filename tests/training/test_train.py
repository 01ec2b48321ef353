"""Training end to end on made-up words: what is written, what repeats, what resumes, what is refused."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hanmadi import evaluate
from hanmadi.data.sources import open_source
from hanmadi.data.store import SPLITS, ClipStore
from hanmadi.errors import DataError, LabelError, ModelError, TrainingError
from hanmadi.evaluation.evaluation import evaluate_clips
from hanmadi.models import architecture
from hanmadi.runs import Epoch, Settings, read_settings
from hanmadi.training import train as training
from hanmadi.training.budget import Budget, Hooks
from hanmadi.training.card import metrics_of
from hanmadi.training.dataset import open_dataset
from hanmadi.training.train import Run, resume, train, train_on


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "weights.safetensors")


def stop_after(epochs: int) -> Hooks:
    """Hooks that end the training as Ctrl-C does, after so many epochs."""

    def on_epoch(row: Epoch) -> None:
        if row.epoch == epochs:
            raise KeyboardInterrupt

    return Hooks(on_epoch=on_epoch)


def test_run_folder_holds_all_results(run: Run) -> None:
    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "model.onnx", "card.json", "metrics.json", "history.csv", "report.html", "settings.json",
        "weights.safetensors", "last.safetensors",
    }  # fmt: skip


def test_others_may_read_what_they_may_read_elsewhere(run: Run) -> None:
    rights = {path.stat().st_mode for path in run.folder.iterdir()}
    assert len(rights) == 1


def test_it_learns_the_words(run: Run) -> None:
    assert run.evaluation.accuracy >= 0.8, run.evaluation.confusion


def test_metrics_and_card_agree(run: Run) -> None:
    card = json.loads((run.folder / "card.json").read_text())
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert card["metrics"]["test"]["accuracy"] == metrics["test"]["accuracy"] == run.evaluation.accuracy
    assert run.load().card == card
    test = card["data"]["splits"]["test"]
    assert test["clips"] == run.evaluation.clips == sum(s.count for s in run.evaluation.per_label)
    assert test["speakers"] == 2


def test_history_has_a_row_an_epoch(run: Run) -> None:
    with open(run.folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 61))
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])


def test_a_seed_repeats_a_run(words_folder: Path, tmp_path: Path) -> None:
    options = {"words": ["yes", "no"], "epochs": 2}
    runs = [train(words_folder, **options, seed=seed, out=tmp_path / str(i)) for i, seed in enumerate([5, 5, 6])]
    first, again, other = (weights_of(run.folder) for run in runs)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_the_number_of_threads_changes_nothing(words_folder: Path, tmp_path: Path) -> None:
    import torch

    before, weights = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            train(words_folder, words=["yes", "no"], epochs=1, seed=4, out=tmp_path / str(threads))
        finally:
            torch.set_num_threads(before)
        weights.append(weights_of(tmp_path / str(threads)))
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_keywords_get_back_what_sampling_took(store: ClipStore) -> None:
    labels = ("yes", "no", "unknown", "silence")
    recognizer: Any = SimpleNamespace(labels=labels, scores=lambda clips: np.full((len(clips), 4), 0.25))
    drawn = np.repeat([0, 1, 2, 3], [80, 20, 60, 40])
    examples: Any = {
        "train": SimpleNamespace(labels=drawn),
        "validation": SimpleNamespace(rows=np.arange(4), labels=np.array([0, 1, 2, 2])),
    }
    biases = training._biases(recognizer, store, examples, np.full(200, 1 / 200))
    # "no" was drawn a quarter as often as "yes"; with so few validation clips nothing is decided about silence
    assert biases == pytest.approx([-np.log(2), np.log(2), 0, 0], abs=1e-3)


def test_resume_repeats_what_an_uninterrupted_run_does(words_folder: Path, tmp_path: Path) -> None:
    options = {"words": ["yes", "no"], "epochs": 4, "seed": 3}
    whole = train(words_folder, **options, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(words_folder, **options, out=tmp_path / "cut", hooks=stop_after(2))
    seen: list[int] = []
    cut = resume(tmp_path / "cut", hooks=Hooks(on_epoch=lambda row: seen.append(row.epoch)))
    assert seen == [3, 4]
    first, second = weights_of(whole.folder), weights_of(cut.folder)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_resume_finds_the_recordings_from_another_folder(
    make_words_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_words_folder(tmp_path / "words", words=("yes", "no", "bed"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train("words", words=["yes", "no"], epochs=2, out="run", hooks=stop_after(1))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (resume("../run").folder / "model.onnx").exists()


def test_resume_refuses_changed_recordings(make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "words", words=("yes", "no", "bed"))
    with pytest.raises(KeyboardInterrupt):
        train(folder, words=["yes", "no"], epochs=3, out=tmp_path / "run", hooks=stop_after(1))
    next((folder / "yes").iterdir()).unlink()
    with pytest.raises(TrainingError, match="have changed"):
        resume(tmp_path / "run")


def test_minutes_bound_the_training(words_folder: Path, tmp_path: Path) -> None:
    run = train(words_folder, words=["yes", "no"], minutes=0.05, out=tmp_path / "run")
    assert 0 < run.card["training"]["seconds"] < 60  # 3 s and a validation, on however busy a machine


def test_a_run_is_not_overwritten(run: Run, words_folder: Path) -> None:
    before = (run.folder / "model.onnx").read_bytes()
    with pytest.raises(TrainingError, match="--resume"):
        train(words_folder, words=["yes"], epochs=1, out=run.folder)
    assert (run.folder / "model.onnx").read_bytes() == before


def test_broken_recordings_are_counted_not_fatal(make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "words", words=("yes", "no", "bed"))
    (folder / "yes" / "zoe_nohash_0.wav").write_bytes(b"not a sound")
    run = train(folder, words=["yes", "no"], epochs=1, out=tmp_path / "run")
    assert run.card["data"]["broken"] == 1
    assert "zoe_nohash_0.wav" in (run.folder / "report.html").read_text()


def test_random_split_warns(words_folder: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="flatters"):
        train(words_folder, words=["yes", "no"], epochs=1, split="random", holdout=0.2, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"arch": "huge"}, ModelError, "small"),
        ({"words": []}, LabelError, "at least one word"),
        ({"words": ["yes", "yes"]}, LabelError, "once"),
        ({"words": ["yes", "perhaps"]}, DataError, "no recording of perhaps"),
        ({"split": "official"}, DataError, "validation_list.txt"),
        ({"epochs": 0}, TrainingError, "epochs from 1"),
        ({"minutes": -1.0}, TrainingError, "above 0"),
        ({"holdout": 0.7}, DataError, "below 0.5"),
        ({"validation": 0.7}, DataError, "share of validation"),
    ],
)
def test_wrong_calls(options: dict, error: type[Exception], words: str, words_folder: Path, tmp_path: Path) -> None:
    given = {"words": ["yes", "no"]} | options
    with pytest.raises(error, match=words):
        train(words_folder, **given, out=tmp_path / "run")


def test_nothing_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="to resume"):
        resume()
    with pytest.raises(TrainingError, match="no training to resume"):
        resume(tmp_path)


def test_a_damaged_state_is_told(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    (folder / "last.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(TrainingError, match="cannot be read"):
        resume(folder)


def test_command_repeats_the_settings() -> None:
    settings = Settings(data="my words", arch="small", words=("네", "아니오"), minutes=2.0, seed=4)
    assert settings.command() == (
        "hanmadi train --data 'my words' --arch small --words '네,아니오' "
        "--minutes 2.0 --seed 4 --split auto --holdout 0.1"
    )


def test_validation_with_a_share_of_its_own(words_folder: Path, tmp_path: Path) -> None:
    chosen = dataclasses.asdict(Settings(validation=0.3))
    (tmp_path / "settings.json").write_text(json.dumps(chosen | {"fingerprint": "x"}))
    assert read_settings(tmp_path).validation == 0.3
    del chosen["validation"]  # a run of before
    (tmp_path / "settings.json").write_text(json.dumps(chosen | {"fingerprint": "x"}))
    assert read_settings(tmp_path).validation is None
    assert Settings(validation=0.3).command().endswith("--holdout 0.1 --validation-share 0.3")

    run = train(words_folder, words=["yes", "no"], arch="tiny", epochs=1, validation=0.3, out=tmp_path / "run")
    data = run.card["data"]
    assert (data["holdout"], data["validation"]) == (0.1, 0.3)
    assert data["splits"]["validation"]["clips"] > data["splits"]["test"]["clips"]
    assert evaluate(run.folder, words_folder).clips == data["splits"]["test"]["clips"]


def test_course_network_trains_within_its_minutes(words_folder: Path, tmp_path: Path) -> None:
    run = train(words_folder, words=["yes", "no"], arch="wave_cnn", minutes=0.03, out=tmp_path / "run")
    assert run.card["sample_rate"] == 8_000
    assert run.card["training"]["recipe"]["learning_rate"] == 1e-4
    assert run.card["training"]["examples"] > 0


def test_the_number_of_evaluated_clips_depends_on_the_network_alone(store: ClipStore) -> None:
    asked: list[int] = []

    def scores(clips: np.ndarray) -> np.ndarray:
        asked.append(len(clips))
        return np.eye(3, dtype=np.float32)[np.zeros(len(clips), int)]

    rows = np.arange(3_000) % len(store)
    examples: Any = {split: SimpleNamespace(rows=rows, labels=rows % 3, store=store) for split in SPLITS}
    recognizer: Any = SimpleNamespace(labels=("yes", "no", "unknown"), scores=scores)
    evaluation = evaluate_clips(recognizer, store, rows[:4], "test")
    for macs, wanted in ((99_000_000, 1_000), (100_000_000, 200)):
        asked.clear()
        metrics = metrics_of(recognizer, examples, evaluation, macs=macs)
        assert metrics.train is not None
        assert metrics.validation is not None
        assert (metrics.train.clips, metrics.validation.clips, sum(asked)) == (wanted, wanted, 2 * wanted)


def test_the_card_tells_whether_products_were_in_bfloat16(run: Run) -> None:
    from hanmadi.models.precision import multiplies_bfloat16

    assert run.card["training"]["bfloat16"] is multiplies_bfloat16()  # `small` learns so where it can


def test_a_training_leaves_the_random_numbers_of_others_alone(words_folder: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    train(words_folder, words=["yes", "no"], arch="tiny", epochs=1, out=tmp_path / "run")
    assert torch.equal(torch.rand(3), wanted)


def test_recordings_may_come_from_any_source(words_folder: Path, tmp_path: Path) -> None:
    """What a benchmark does: examples of its own, everything else as `train` has it."""
    settings = Settings(words=("yes", "no"), arch="tiny", epochs=1, seed=3)
    tiny = architecture("tiny")
    dataset = open_dataset(settings, tiny, source=open_source(words_folder))
    assert dataset.labels.keywords == ("yes", "no")
    found = train_on(dataset, tiny, settings=settings, folder=tmp_path / "own")
    whole = train(words_folder, words=["yes", "no"], arch="tiny", epochs=1, seed=3, out=tmp_path / "whole")
    first, second = weights_of(found.folder), weights_of(whole.folder)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    fewer = replace(dataset.examples["train"], rows=dataset.examples["train"].rows[:9], labels=np.arange(9) % 3)
    cut = replace(dataset, examples=dataset.examples | {"train": fewer})
    run = train_on(cut, tiny, settings=settings, folder=tmp_path / "cut", budget=Budget(2))
    assert run.card["data"]["splits"]["train"]["clips"] == 9
    assert run.card["training"]["examples"] == 18
