"""Live evaluation: planted words are found, mistakes are counted for what they are, the sweep is `decide`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from live_fakes import HOP_S, LABELS, RATE, FakeRecognizer, hiss, spoken, tone, write_fake_model, write_spoken_folder

from hanmadi import audio
from hanmadi.cli import run as run_command
from hanmadi.data.recordings import endless, from_samples, open_backgrounds, sound_files, take
from hanmadi.errors import AudioError, DataError
from hanmadi.evaluation.live import (
    ScoredStream,
    count_false_alarms,
    det_csv,
    detections_in,
    evaluate_live,
    evaluate_words,
    hear,
    match,
    missed_words,
    picture_folder,
    score_mixed,
    sweep,
)
from hanmadi.evaluation.mixing import Word
from hanmadi.inference.decisions import DecisionConfig, Detection, decide
from hanmadi.inference.recognizer import load
from hanmadi.inference.stream import windows_of

CONFIG = DecisionConfig(smoothing_s=0.2, threshold=0.7)
WORDS = ("yes", "no") * 5


def made_store(words: tuple[str, ...] = WORDS) -> Any:
    """What planting needs of a clip store."""
    samples = audio.to_int16(np.stack([spoken(word) for word in words]))
    vocabulary = tuple(dict.fromkeys(words))
    return SimpleNamespace(
        words=vocabulary, word=np.array([vocabulary.index(word) for word in words]), sample_rate=RATE, seconds=1.0,
        samples=lambda rows: samples[rows],
    )  # fmt: skip


@pytest.fixture(scope="module")
def mixed() -> list[ScoredStream]:
    store, background = made_store(), from_samples("hiss", [hiss(7), hiss(13, seed=1)])
    return list(score_mixed(FakeRecognizer(), store, np.arange(10), [background], seed=3))


@pytest.fixture(scope="module")
def alone() -> list[ScoredStream]:
    # a tone of "no" without anybody saying it
    sound = np.concatenate([hiss(10), tone("no", 0.8, level=0.1), hiss(9.2, seed=2)])
    return [hear(FakeRecognizer(), from_samples("with a mistake", [sound[:777], sound[777:]]))]


def test_planted_words_are_found(mixed: list[ScoredStream]) -> None:
    (heard,) = evaluate_words(mixed, LABELS, CONFIG, hop_s=HOP_S)
    assert (heard.background, heard.snr_db, heard.words) == ("hiss", 10.0, 10)
    assert (heard.misses, heard.substitutions, heard.strays) == (0, 0, 0)
    assert len(heard.latencies_s) == 10
    assert all(-0.3 < latency < 0.5 for latency in heard.latencies_s)
    assert heard.interval.low == 0
    assert missed_words(mixed, LABELS, CONFIG, hop_s=HOP_S) == {"yes": (0, 5), "no": (0, 5)}


def test_a_planted_mistake_is_counted(mixed: list[ScoredStream]) -> None:
    """Columns swapped: every word is heard as the other one."""
    swapped = [stream._replace(scores=stream.scores[:, [1, 0, 2, 3]]) for stream in mixed]
    (heard,) = evaluate_words(swapped, LABELS, CONFIG, hop_s=HOP_S)
    assert (heard.misses, heard.substitutions, heard.false_alarms) == (10, 10, 10)
    late = [stream._replace(times=stream.times + 1.6) for stream in mixed]
    (heard,) = evaluate_words(late, LABELS, CONFIG, hop_s=HOP_S)
    assert (heard.misses, heard.substitutions, heard.strays) == (10, 0, 10)


def test_seed_and_snr(mixed: list[ScoredStream]) -> None:
    background = from_samples("hiss", [hiss(20)])
    places = {
        seed: [s.words for s in score_mixed(FakeRecognizer(), made_store(), np.arange(10), [background], seed=seed)]
        for seed in (3, 4)
    }
    assert places[3] != places[4]
    again = score_mixed(FakeRecognizer(), made_store(), np.arange(10), [background], seed=3, snr_db=(0.0, 20.0))
    assert [stream.snr_db for stream in again] == [0.0, 20.0]


def test_false_alarms_of_a_background(alone: list[ScoredStream]) -> None:
    found = count_false_alarms(alone, LABELS, CONFIG, hop_s=HOP_S)
    assert found.by_word == {"yes": 0, "no": 1}
    assert found.seconds == 20.0
    assert found.per_hour == pytest.approx(180)
    assert found.interval == pytest.approx((180 * 0.0253, 180 * 5.572), rel=1e-3)


def test_hearing_is_the_stream_whatever_the_pieces(alone: list[ScoredStream]) -> None:
    sound = np.concatenate([hiss(10), tone("no", 0.8, level=0.1), hiss(9.2, seed=2)])
    times, scores = windows_of(FakeRecognizer(), sound)
    assert np.array_equal(alone[0].times, times)
    assert np.array_equal(alone[0].scores, scores)


@pytest.mark.parametrize("smoothing_s", [0.0, 0.1, 0.4, 0.7])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_stretches_left_out_do_not_matter(smoothing_s: float, threshold: float) -> None:
    rng = np.random.default_rng(5)
    for _ in range(3):
        waves = np.cumsum(rng.standard_normal((800, 4)), axis=0) * 0.7
        waves[:, 3] += 3.0
        scores = np.exp(waves - waves.max(axis=1, keepdims=True))
        scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
        times = 1 + np.arange(len(scores)) * HOP_S
        config = DecisionConfig(smoothing_s=smoothing_s, threshold=threshold, thresholds={"no": 0.4}, refractory_s=0.5)
        whole = decide(times, scores, LABELS, config, hop_s=HOP_S)
        stream = ScoredStream("made up", 151.0, times, scores)
        assert detections_in(stream, LABELS, config, hop_s=HOP_S) == whole


def test_the_first_detection_near_a_word_counts() -> None:
    words = [Word("yes", 1.0, 1.5), Word("no", 5.0, 5.5)]
    detections = [Detection(*d, 0.9) for d in (("no", 0.9), ("no", 1.2), ("yes", 2.4), ("yes", 2.6), ("no", 6.5))]
    assert match(detections, words) == [detections[1], detections[4]]


def test_sweep(mixed: list[ScoredStream], alone: list[ScoredStream]) -> None:
    points = list(sweep(mixed, alone, LABELS, CONFIG, hop_s=HOP_S))
    misses, alarms = [p.misses for p in points], [p.false_alarms for p in points]
    assert (misses[0], misses[-1]) == (0, 10)
    assert (alarms[0], alarms[-1]) == (1, 0)
    assert alarms == sorted(alarms, reverse=True)
    text = det_csv(points).splitlines()
    assert text[0].startswith("threshold,miss_rate,misses,words,false_alarms")
    assert len(text) == len(points) + 1
    bare = next(sweep(mixed, [], LABELS, CONFIG, hop_s=HOP_S))
    assert bare.false_alarms is None


def test_backgrounds(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, rate in (("deep/b.wav", RATE), ("a.flac", 8_000)):
        audio.write(tmp_path / name, 0.1 * np.ones(rate, np.float32), sample_rate=rate)
    (background,) = open_backgrounds([tmp_path], sample_rate=RATE)
    assert [path.name for path in sound_files([tmp_path])] == ["a.flac", "b.wav"]
    assert sum(map(len, background.recordings())) == 2 * RATE
    taken, left = take(4 * RATE, endless(background), np.zeros(0, np.float32))
    assert len(taken) == 4 * RATE
    assert len(left) == 0
    with pytest.raises(DataError, match="is not there"):
        open_backgrounds([tmp_path / "none"], sample_rate=RATE)
    with pytest.raises(AudioError, match="no samples"):
        next(endless(from_samples("nothing", [])))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_model(tmp_path_factory.mktemp("model") / "tones.onnx")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spoken_folder(tmp_path_factory.mktemp("spoken") / "words")


def test_the_command(
    model: Path,
    words: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    audio.write(tmp_path / "hiss.wav", hiss(30), sample_rate=RATE)
    call = ["evaluate", "--stream", "--model", str(model), "--data", str(words), "--clips", "10"]
    call += ["--out", str(tmp_path)]
    assert run_command([*call, "--background", str(tmp_path / "hiss.wav"), "--snr", "15", "--snr", "10", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [mixed["snr_db"] for mixed in printed["planted"]] == [15.0, 10.0]
    assert printed["planted"][0]["words"] == printed["clips"] == 10
    assert (printed["split"], printed["seed"]) == ("all", 0)
    assert printed["false_alarms"]["hours"] == pytest.approx(30 / 3600)
    assert printed["miss_rate"] < 0.2
    assert (tmp_path / "det.csv").exists()
    assert (tmp_path / "det.png").exists()
    assert run_command(call) == 0
    captured = capsys.readouterr()
    assert "no false alarms an hour can be measured" in captured.err
    assert "latency" in captured.out
    monkeypatch.chdir(tmp_path / "here")
    assert run_command(call[:-2]) == 0
    assert "name one with --out" in capsys.readouterr().err
    assert run_command(["try", "--model", str(model), "--data", str(words), "--no-play"]) == 0
    assert "name a file with --plot" in capsys.readouterr().out
    assert not list(Path().iterdir()), "nothing is written unasked"
    assert run_command(["evaluate", "--model", str(model), "--clips", "6"]) == 2
    assert "--clips goes with --stream" in capsys.readouterr().err


def test_data_without_keywords(model: Path, make_words_folder: Any, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "w", words=("bed",), noises=0)
    with pytest.raises(DataError, match="found none of them; what is there: bed"):
        evaluate_live(model, folder)
    folder = make_words_folder(tmp_path / "v", words=("yes",), noises=0)
    with pytest.raises(DataError, match="no noise recordings"):
        evaluate_live(model, folder)
    with pytest.raises(DataError, match="expected a split"):
        evaluate_live(model, folder, split="some")  # type: ignore[arg-type]


def test_pictures_go_beside_the_card(model: Path, tmp_path: Path) -> None:
    assert picture_folder(load(model)) is None
    (tmp_path / "card.json").touch()
    shutil.copy(model, tmp_path / "model.onnx")
    assert picture_folder(load(tmp_path)) == tmp_path
