"""Mining: what triggered falsely is written, and training learns it as unknown words."""

from __future__ import annotations

import csv
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import numpy as np
import pytest
from live_fakes import RATE, FakeRecognizer, hiss, tone, write_fake_model

from hanmadi import audio, load
from hanmadi.cli import run as run_command
from hanmadi.data.examples import make_examples, sampling_weights, with_hard_negatives
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.store import ClipStore, build_store
from hanmadi.errors import DataError, ModelError, TrainingError
from hanmadi.evaluation import mining
from hanmadi.evaluation.mining import MANIFEST, mine, triggers
from hanmadi.inference.decisions import DecisionConfig
from hanmadi.inference.model_file import FORMAT, write_card
from hanmadi.labels import LabelSet
from hanmadi.runs import Settings
from hanmadi.training import train as training


def talk(at_s: float = 10.0) -> np.ndarray:
    """Half a minute of hiss with something that sounds like "no" at a place."""
    sound = hiss(30)
    start = round(at_s * RATE)
    sound[start : start + RATE] += tone("no", 1.0)
    return sound


def test_the_clip_that_triggered_holds_what_was_heard() -> None:
    ((detection, start),) = triggers(FakeRecognizer(), talk(), DecisionConfig())
    assert detection.label == "no"
    assert 9.0 < start / RATE < 10.5
    assert FakeRecognizer().scores(talk()[None, start : start + RATE])[0, 1] > 0.9


def test_mined_clips_and_their_manifest(tmp_path: Path) -> None:
    model, out = write_fake_model(tmp_path / "tones.onnx"), tmp_path / "hard"
    for name, at_s in (("a/talk", 10.0), ("b/talk", 20.0)):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir()
        audio.write(path, talk(at_s), sample_rate=RATE)
    audio.write(tmp_path / "a" / "short.wav", hiss(0.5), sample_rate=RATE)
    first = mine([tmp_path / "a"], out, model=model)
    assert first.seconds == 30.5
    mine([tmp_path / "b"], out, model=model, threshold=0.5)
    mine([tmp_path / "a"], out, model=model)  # again: no row twice
    with open(out / MANIFEST, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["no", "no"]
    for row, at_s in zip(rows, (10.0, 20.0), strict=True):
        sound = audio.read(out / row["file"])
        assert (sound.sample_rate, len(sound.samples)) == (RATE, RATE)
        assert float(row["start_s"]) == pytest.approx(at_s, abs=0.7)
    assert sorted(path.parent.name for path in out.rglob("*.wav")) == ["no", "no"]
    with pytest.raises(DataError, match="not there"):
        mine([tmp_path / "none"], out, model=model)


def test_recordings_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    model, out = write_fake_model(tmp_path / "tones.onnx"), tmp_path / "hard"
    names = ("monday/radio/a.wav", "tuesday/radio/a.wav", "tuesday/radio/a.flac")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        audio.write(tmp_path / name, talk(), sample_rate=RATE)
    for _ in range(2):  # the second time the same clips are found
        assert len(mine([tmp_path / "monday", tmp_path / "tuesday"], out, model=model).clips) == 3
        with open(out / MANIFEST, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert sorted(row["recording"] for row in rows) == sorted(str(tmp_path / name) for name in names)
        assert sorted(out.rglob("*.wav")) == sorted(out / row["file"] for row in rows)
        assert len({row["file"] for row in rows}) == 3


def test_two_who_fill_a_folder_at_once(tmp_path: Path) -> None:
    model, out = load(write_fake_model(tmp_path / "tones.onnx")), tmp_path / "hard"
    for i in range(6):
        audio.write(tmp_path / f"talk{i}.wav", talk(5 + i), sample_rate=RATE)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: mine([tmp_path / f"talk{i}.wav"], out, model=model), range(6)))
    with open(out / MANIFEST, newline="", encoding="utf-8") as file:
        assert sorted(Path(row["recording"]).stem for row in csv.DictReader(file)) == [f"talk{i}" for i in range(6)]


@pytest.mark.parametrize("label", ["../../x", "/tmp/x", "..", ".", "", "a\\b", "=1+1", "con.", "C:x", "\x1b[2J"])
def test_a_label_leads_nowhere_else(label: str, tmp_path: Path) -> None:
    """Even where nobody had checked it before."""
    row = mining._mined(tmp_path / "radio" / "talk.wav", mining.Detection(label, 1.0, 0.9), 0.5)
    folder, name = Path(row.file).parts
    assert PureWindowsPath(row.file).parts == (folder, name)
    assert not folder.startswith((".", "=", "+", "-", "@"))
    assert name.startswith("radio_talk-")
    assert name.endswith("_0.50.wav")


def test_a_model_with_such_a_label_is_refused(tmp_path: Path) -> None:
    path = write_fake_model(tmp_path / "tones.onnx")
    write_card(
        path, {"format": FORMAT, "labels": ["yes", "../../x", "a", "b"], "sample_rate": RATE, "clip_samples": RATE}
    )
    with pytest.raises(ModelError, match="without control characters"):
        load(path)


def test_a_foreign_manifest_is_left_alone(tmp_path: Path) -> None:
    audio.write(tmp_path / "talk.wav", talk(), sample_rate=RATE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_text("mine,all mine\n")
    with pytest.raises(DataError, match="choose another --out"):
        mine([tmp_path / "talk.wav"], tmp_path / "out", model=write_fake_model(tmp_path / "tones.onnx"))
    assert (tmp_path / "out" / MANIFEST).read_text() == "mine,all mine\n"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_fake_model(tmp_path / "tones.onnx")
    audio.write(tmp_path / "talk.wav", talk(), sample_rate=RATE)
    call = ["mine", str(tmp_path / "talk.wav"), "--model", str(model), "--out", str(tmp_path / "hard")]
    assert run_command(call) == 0
    captured = capsys.readouterr()
    assert captured.out.count(".wav") == 1
    assert f"hanmadi train --hard-negatives {tmp_path / 'hard'}" in captured.err
    assert run_command([*call, "--threshold", "1"]) == 0
    assert "0 clips" in capsys.readouterr().err


# ---- training with them ----


@pytest.fixture(scope="module")
def hard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven clips that were taken for two words."""
    folder = tmp_path_factory.mktemp("hard")
    for i in range(7):
        path = folder / ("yes" if i < 4 else "up") / f"talk_{i}.wav"
        path.parent.mkdir(exist_ok=True)
        audio.write(path, 0.1 * np.random.default_rng(i).standard_normal(16_000).astype(np.float32), sample_rate=16_000)
    (folder / MANIFEST).write_text("file\n")
    return folder


@pytest.fixture(scope="module")
def hard(hard_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    return build_store(FolderSource(hard_folder), tmp_path_factory.mktemp("stores") / "hard", sample_rate=16_000)


def test_examples_with_hard_negatives(store: ClipStore, labels: LabelSet, hard: ClipStore) -> None:
    plain = make_examples(store, labels)["train"]
    found = with_hard_negatives(plain, hard)
    assert len(found) == len(plain) + 7
    assert found.made == plain.made
    unknown = labels.labels.index("unknown")
    assert found.counts(5).tolist() == [*plain.counts(5)[:unknown], plain.counts(5)[unknown] + 7, plain.counts(5)[-1]]
    indices = np.arange(len(found))
    samples, before = found.batch(indices), plain.batch(np.arange(len(plain)))
    clips = len(plain.rows)
    assert np.array_equal(samples[:clips], before[:clips])
    assert np.array_equal(samples[clips : clips + 7], hard.samples(slice(None)))
    assert (found.labels[clips : clips + 7] == unknown).all()
    assert np.array_equal(found.labels[clips + 7 :], plain.labels[clips:])
    mixed = np.random.default_rng(1).permutation(indices)
    assert np.array_equal(found.batch(mixed), samples[mixed])


def test_they_are_drawn_as_one_unknown_word(store: ClipStore, labels: LabelSet, hard: ClipStore) -> None:
    found = with_hard_negatives(make_examples(store, labels)["train"], hard)
    weights = sampling_weights(found, unknown=0.3, silence=0.1, exponent=0.5)
    clips = len(found.rows)
    of_hard = weights[clips : clips + 7]
    assert weights.sum() == pytest.approx(1)
    assert weights[found.labels == labels.labels.index("unknown")].sum() == pytest.approx(0.3)
    assert of_hard.sum() == pytest.approx(0.3 * 7**0.5 / (7**0.5 + 16**0.5))  # beside 16 clips of "bed"


def test_what_cannot_be_learnt(store: ClipStore, labels: LabelSet, hard: ClipStore) -> None:
    train = make_examples(store, labels)["train"]
    with pytest.raises(DataError, match="no label for those"):
        with_hard_negatives(replace(train, unknown=None), hard)
    with pytest.raises(DataError, match="expected clips of 16000 samples"):
        with_hard_negatives(train, SimpleNamespace(source="x", sample_rate=8_000, clip_samples=8_000))  # type: ignore[arg-type]


def test_training_learns_them_and_resumes(make_words_folder, hard_folder: Path, tmp_path: Path) -> None:
    data = make_words_folder(tmp_path / "data", words=("yes", "bed"), clips_each=1, noises=1)
    folder = tmp_path / "hard"
    shutil.copytree(hard_folder, folder)
    how = {"words": ("yes",), "arch": "tiny"}
    whole = training.train(data, **how, hard_negatives=folder, epochs=1, out=tmp_path / "run")
    assert whole.card["data"]["hard_negatives"]["clips"] == 7
    assert whole.card["data"]["hard_negatives"]["source"] == str(folder)
    assert f"--hard-negatives {folder}" in whole.card["training"]["command"]
    unknown = [found["per_label"]["unknown"] for found in whole.card["data"]["splits"].values()]
    assert unknown == [8 + 7, 2, 2]  # training, validation, test
    resumed = training.resume(tmp_path / "run", epochs=2)
    assert resumed.card["training"]["epochs"] == 2
    assert resumed.card["data"]["hard_negatives"] == whole.card["data"]["hard_negatives"]
    (folder / "yes" / "talk_0.wav").unlink()
    with pytest.raises(TrainingError, match="have changed since"):
        training.resume(tmp_path / "run", epochs=3)
    with pytest.raises(TrainingError, match="hanmadi mine RECORDING"):
        training.train(data, **how, hard_negatives=tmp_path / "none", out=tmp_path / "other")


def test_the_command_repeats_them() -> None:
    assert "--hard-negatives" not in Settings().command()
    assert Settings(hard_negatives="my folder").command().endswith("--hard-negatives 'my folder'")


def test_a_folder_of_recordings_is_not_filled_with_false_alarms(tmp_path: Path) -> None:
    (tmp_path / "words" / "yes").mkdir(parents=True)
    audio.write(tmp_path / "bg.wav", hiss(3.0), sample_rate=RATE)
    with pytest.raises(DataError, match=r"no manifest\.csv; choose another --out"):
        mine([tmp_path / "bg.wav"], tmp_path / "words", model=write_fake_model(tmp_path / "m.onnx"))
    assert [path.name for path in (tmp_path / "words").iterdir()] == ["yes"]
