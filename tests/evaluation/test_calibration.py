"""Calibration on made-up scores: the budget is kept, the best words get it, and the card holds what was chosen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from live_fakes import HOP_S, LABELS, RATE, hiss, tone, write_fake_model, write_spoken_folder

from hanmadi import audio
from hanmadi.cli import run as run_command
from hanmadi.errors import DataError, ModelError
from hanmadi.evaluation import calibration
from hanmadi.evaluation.calibration import Option, choose, options_of, spend
from hanmadi.evaluation.live import ScoredStream, count_false_alarms
from hanmadi.evaluation.mixing import Word
from hanmadi.inference.decisions import DecisionConfig
from hanmadi.inference.recognizer import SHIPPED_FOLDER, load

CONFIG = DecisionConfig(smoothing_s=0.0)
HOUR = 36_000  # windows


def stream_of(peaks: list[tuple[int, str, float]], *, hours: float = 1.0, words: tuple[Word, ...] = ()) -> ScoredStream:
    """Scores that are silence but for single windows: (window, label, score)."""
    scores = np.tile(np.array([0, 0, 0, 1], np.float32), (round(hours * HOUR), 1))
    for window, label, score in peaks:
        scores[window, LABELS.index(label)] = score
    times = 1.0 + np.arange(len(scores)) * HOP_S
    return ScoredStream("made up", hours * 3600, times, scores, words, 10.0 if words else None)


def planted_of(counts: dict[str, list[float]]) -> ScoredStream:
    """A word every 5 s that scores so."""
    said = [(label, score) for label, scores in counts.items() for score in scores]
    peaks = [(50 * (i + 1), label, score) for i, (label, score) in enumerate(said)]
    words = tuple(Word(label, 5 * (i + 1), 5 * (i + 1) + 0.9) for i, (label, _) in enumerate(said))
    return stream_of(peaks, words=words)


# one loud false alarm of "yes", five of "no"; "yes" said faintly as often as "no"
ALONE = [stream_of([(100, "yes", 0.9)] + [(500 * i, "no", 0.8 + 0.02 * i) for i in range(1, 6)])]
PLANTED = [planted_of({"yes": [0.85] * 4 + [0.95], "no": [0.7] * 3 + [0.99]})]


@pytest.mark.parametrize("allowed", [0, 1, 4, 6])
def test_equal_thresholds_keep_the_budget_and_no_more(allowed: int) -> None:
    found = choose(ALONE, [], LABELS, CONFIG, max_fa_per_hour=allowed, hop_s=HOP_S)
    assert found.config.thresholds["yes"] == found.config.thresholds["no"]
    assert found.false_alarms.count <= allowed
    lower = [t for t in calibration.GRID if t < found.config.thresholds["yes"]]
    if lower:
        tried = DecisionConfig(smoothing_s=0.0, threshold=lower[-1])
        assert count_false_alarms(ALONE, LABELS, tried, hop_s=HOP_S).count > allowed


def test_the_budget_goes_where_it_hits_most() -> None:
    none, one = (choose(ALONE, PLANTED, LABELS, CONFIG, max_fa_per_hour=n, hop_s=HOP_S) for n in (0, 2))
    by_word = {choice.word: choice for choice in one.words}
    assert [by_word["yes"].false_alarms, by_word["no"].false_alarms] == [1, 0]
    assert [by_word["yes"].missed, by_word["no"].missed] == [0, 3]
    assert sum(choice.missed or 0 for choice in none.words) == 7
    assert none.false_alarms.count == 0
    assert one.heard[0].misses == 3


@pytest.mark.parametrize("seed", range(2))
def test_thresholds_keep_the_budget_on_random_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    peaks = [(int(w), str(rng.choice(["yes", "no"])), float(rng.random())) for w in rng.integers(0, HOUR, 60)]
    mixed = [planted_of({"yes": list(rng.random(20)), "no": list(rng.random(20))})]
    for allowed in (2, 20):
        found = choose([stream_of(peaks)], mixed, LABELS, CONFIG, max_fa_per_hour=allowed, hop_s=HOP_S)
        assert found.false_alarms.count <= allowed
        assert 0 < found.heard[0].misses <= 40


def test_spend_is_the_best_of_all_choices() -> None:
    rng = np.random.default_rng(1)
    options = {
        word: [Option(t, int(rng.integers(0, 6)), int(rng.integers(0, 9))) for t in (0.3, 0.5, 0.7)]
        + [Option(1.0, 0, 0)]
        for word in ("a", "b", "c")
    }
    every = [
        (a.false_alarms + b.false_alarms + c.false_alarms, a.hits + b.hits + c.hits)
        for a in options["a"] for b in options["b"] for c in options["c"]
    ]  # fmt: skip
    for budget in range(12):
        chosen = spend(options, budget)
        taken = [next(o for o in options[word] if o.threshold == chosen[word]) for word in options]
        assert sum(o.false_alarms for o in taken) <= budget
        assert sum(o.hits for o in taken) == max(hits for alarms, hits in every if alarms <= budget)


def test_equally_good_thresholds_are_high() -> None:
    options = {"a": [Option(0.3, 0, 5), Option(0.6, 0, 5), Option(0.8, 0, 4)]}
    assert spend(options, 3) == {"a": 0.6}


def test_a_word_with_few_false_alarms_is_expected_to_have_those_of_the_others() -> None:
    counted = {
        "a": [Option(0.3, 40, 9), Option(0.5, 20, 9), Option(0.7, 4, 9), Option(1.0, 0, 0)],
        "b": [Option(0.3, 0, 9), Option(0.5, 0, 9), Option(0.7, 0, 9), Option(1.0, 0, 0)],
    }
    found = calibration.expected(counted)
    alarms = {word: [option.false_alarms for option in options] for word, options in found.items()}
    assert alarms["a"] == pytest.approx([40.5, 40.5 * 0.5, 40.5 * 0.1, 0])
    assert alarms["b"] == pytest.approx([0.5, 0.25, 0.05, 0])
    assert [option.hits for option in found["b"]] == [9, 9, 9, 0]


def test_options_count_one_word_at_a_time() -> None:
    options = options_of("no", ALONE, PLANTED, LABELS, CONFIG, hop_s=HOP_S)
    assert (options[0].false_alarms, options[0].hits) == (5, 4)
    assert options[-1] == Option(1.0, 0, 0)
    counts = [option.false_alarms for option in options]
    assert counts == sorted(counts, reverse=True)


def test_it_says_what_was_shown() -> None:
    found = choose([stream_of([], hours=2.0)], [], LABELS, CONFIG, max_fa_per_hour=0.5, hop_s=HOP_S)
    assert found.shown_per_hour == pytest.approx(3.0 / 2.0, rel=0.01)
    assert found.hours_needed == pytest.approx(6.0, rel=0.01)


def test_nothing_keeps_the_budget() -> None:
    sure = [stream_of([(1_000 * i, "yes", 1.0) for i in range(1, 9)])]
    with pytest.raises(DataError, match="hard-negatives"):
        choose(sure, [], LABELS, CONFIG, max_fa_per_hour=2, hop_s=HOP_S)
    with pytest.raises(DataError, match="expected background recordings"):
        calibration.calibrate(None, [])


def test_the_command_stores_thresholds_in_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, words = write_fake_model(tmp_path / "tones.onnx"), write_spoken_folder(tmp_path / "words")
    (tmp_path / "card.json").touch()
    sound = np.concatenate([hiss(30), tone("no", 0.8, level=0.2), hiss(40, seed=1)])
    audio.write(tmp_path / "talk.wav", sound, sample_rate=RATE)
    call = ["calibrate", "--model", str(model), "--background", str(tmp_path / "talk.wav"), "--data", str(words)]
    assert run_command([*call, "--max-fa-per-hour", "1", "--smoothing", "0.2", "--out", str(tmp_path / "b.onnx")]) == 0
    captured = capsys.readouterr()
    assert "yes" in captured.out
    assert "to show 1 takes 3.0 h" in captured.err
    config = load(tmp_path / "b.onnx").about.decision_config
    assert config.smoothing_s == 0.2
    assert set(config.thresholds) == {"yes", "no"}
    assert config.thresholds["no"] > 0.9
    assert load(model).about.decisions is None
    scores = load(tmp_path / "b.onnx").scores(np.eye(1, RATE, dtype=np.float32))
    assert np.array_equal(scores, load(model).scores(np.eye(1, RATE, dtype=np.float32)))
    assert run_command([*call, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = load(model).card["decisions"]
    assert stored["calibration"] == printed
    assert json.loads((tmp_path / "card.json").read_text())["decisions"] == stored
    assert printed["false_alarms"]["count"] == 0


def test_words_can_be_planted_elsewhere(tmp_path: Path) -> None:
    model, words = write_fake_model(tmp_path / "tones.onnx"), write_spoken_folder(tmp_path / "words")
    for name, sound in (("talk", np.concatenate([hiss(30), tone("no", 0.8, level=0.2)])), ("room", hiss(30, seed=2))):
        audio.write(tmp_path / f"{name}.wav", sound, sample_rate=RATE)
    how = {"data": words, "max_fa_per_hour": 60, "plant_in": [tmp_path / "room.wav"]}
    found = calibration.calibrate(model, [tmp_path / "talk.wav"], **how)
    assert [Path(heard.background).name for heard in found.heard] == ["room.wav"]
    assert found.false_alarms.seconds == pytest.approx(30.8)


def test_a_shipped_model_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SHIPPED_FOLDER", tmp_path)
    recognizer = load(write_fake_model(tmp_path / "small.onnx"))
    with pytest.raises(ModelError, match="name a new file with --out"):
        calibration.target_of(recognizer, None)
    with pytest.raises(ModelError, match=r"ends in \.onnx"):
        calibration.target_of(recognizer, tmp_path)
    assert calibration.target_of(recognizer, tmp_path / "own.onnx") == tmp_path / "own.onnx"
    assert SHIPPED_FOLDER.name == "shipped"
    assert run_command(["calibrate"]) == 2
