"""Evaluation: the figures are those of `predict`, clip by clip, and of the right clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanmadi import evaluate
from hanmadi.errors import DataError
from hanmadi.evaluation import evaluation
from hanmadi.inference.recognizer import Recognizer
from hanmadi.training.train import Run


def test_it_is_what_predict_says(run: Run, words_folder: Path, recognizer: Recognizer) -> None:
    found = evaluate(run.folder, words_folder, split="all")
    files = sorted(path for word in ("bed", "no", "up", "yes") for path in (words_folder / word).iterdir())
    said = [recognizer.labels.index(recognizer.predict_file(path).label) for path in files]
    assert found.clips == len(files) == 96
    np.testing.assert_array_equal(found.predicted, said)


def test_auto_is_the_test_split_of_the_data_it_was_trained_on(run: Run, words_folder: Path) -> None:
    found = evaluate(run.folder, words_folder)
    assert (found.split, found.clips, found.accuracy) == ("test", run.evaluation.clips, run.evaluation.accuracy)


def test_without_data_it_judges_the_data_it_was_trained_on(run: Run, tmp_path: Path, monkeypatch) -> None:
    assert evaluate(run.folder).to_dict() == run.evaluation.to_dict() | {
        "made_silence": {"clips": 0, "right": 0}, "broken": 0
    }  # fmt: skip
    about = run.load().about
    gone = replace(about, data=replace(about.data, source=str(tmp_path / "gone")))
    with pytest.raises(DataError, match="not here"):
        evaluate(Recognizer(replace(run.load().bundle, about=gone)))


def test_auto_is_everything_of_other_data(run: Run, make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "other", words=("yes", "up"), speakers=("new", "newer"), noises=0)
    found = evaluate(run.folder, folder)
    assert (found.split, found.clips) == ("all", 8)


def test_official_test_layout(run: Run, make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "official", words=("yes", "no", "bed"), speakers=("a", "b"), noises=1)
    (folder / "bed").rename(folder / "_unknown_")
    (folder / "_background_noise_").rename(folder / "_silence_")
    found = evaluate(run.folder, folder)
    counts = {scores.label: scores.count for scores in found.per_label}
    assert found.split == "test"
    assert counts == {"yes": 4, "no": 4, "up": 0, "unknown": 4, "silence": 1}


def test_plain_values_are_complete(run: Run, words_folder: Path) -> None:
    found = evaluate(run.folder, words_folder, split="all")
    plain = json.loads(json.dumps(found.to_dict()))
    assert {"clips", "accuracy", "interval", "per_label", "confusion"} <= plain.keys()
    assert plain["clips"] == np.sum(plain["confusion"]) == sum(s["count"] for s in plain["per_label"].values())
    low, high = plain["interval"]
    assert 0 <= low <= plain["accuracy"] <= high <= 1
    right = sum(row[i] for i, row in enumerate(plain["confusion"]))
    assert plain["accuracy"] == right / plain["clips"]
    assert {"precision", "recall", "count"} <= plain["per_label"]["yes"].keys()


def test_words_without_a_label_are_left_out_and_counted(run: Run, make_words_folder, tmp_path: Path) -> None:
    from hanmadi.data.sources.folder import FolderSource
    from hanmadi.data.store import build_store
    from hanmadi.evaluation.evaluation import evaluate_clips

    store = build_store(FolderSource(make_words_folder(tmp_path / "w", noises=0)), tmp_path / "s", sample_rate=16_000)

    class TwoWords:
        """A recogniser without a label for unknown words."""

        labels = ("yes", "no")

        def scores(self, clips: np.ndarray) -> np.ndarray:
            return np.tile(np.array([[0.9, 0.1]], np.float32), (len(clips), 1))

    found = evaluate_clips(TwoWords(), store, np.arange(len(store)), "all")
    assert (found.clips, found.left_out, found.accuracy) == (48, 48, 0.5)


def test_no_clip_of_a_known_word(run: Run, make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "w", words=("yes",), speakers=("a", "b", "c"), noises=0)
    with pytest.raises(DataError, match="expected a split among"):
        evaluate(run.folder, folder, split="every")


def test_folders_that_are_no_words_of_the_model_give_no_accuracy(run: Run, make_words_folder, tmp_path: Path) -> None:
    """A folder of noises, for example, is all unknown: 100 % or 0 % would say nothing of the model."""
    folder = make_words_folder(tmp_path / "w", words=("bed", "yes"), speakers=("a",), noises=0)
    (folder / "yes").rename(folder / "rain")
    with pytest.raises(
        DataError, match=r"expected words that the model knows \(yes, no, up, unknown, silence\), found none"
    ):
        evaluate(run.folder, folder)
    (folder / "bed").rename(folder / "Unknown")
    assert evaluate(run.folder, folder).clips == 4, "a folder named unknown says what it is"


def test_words_in_folders_of_splits(run: Run, make_words_folder, tmp_path: Path) -> None:
    for split, speakers in (("training", "abc"), ("testing", "de")):
        make_words_folder(tmp_path / "w" / split, words=("yes", "no"), speakers=tuple(speakers), noises=0)
    found = evaluate(run.folder, tmp_path / "w")
    assert (found.split, found.clips) == ("test", 8)
    counts = {scores.label: scores.count for scores in found.per_label}
    assert (counts["yes"], counts["no"], counts["unknown"]) == (4, 4, 0)


class TestSilenceBias:
    """Made-up scores of yes, no, silence: 1,000 clips, some of them near silence."""

    @staticmethod
    def scores(near: int) -> tuple[np.ndarray, np.ndarray]:
        targets = np.arange(1_000) % 2
        scores = np.full((1_000, 3), 0.05)
        scores[np.arange(1_000), targets] = 0.9
        scores[:near] = (0.3, 0.3, 0.25)
        scores[np.arange(near), targets[:near]] = 0.45
        return scores, targets

    def test_all_of_it_where_nothing_is_lost(self) -> None:
        assert evaluation.silence_bias(*self.scores(0), 2) == 2.5

    def test_no_more_than_a_thousandth_is_lost(self) -> None:
        # 0.45 against 0.25: silence wins from ln(0.45 / 0.25) = 0.59 on
        assert evaluation.silence_bias(*self.scores(1), 2) == 2.5
        assert evaluation.silence_bias(*self.scores(2), 2) == 0.5

    def test_few_clips_decide_nothing(self) -> None:
        scores, targets = self.scores(0)
        assert evaluation.silence_bias(scores[:499], targets[:499], 2) == 0.0


class TestUnknownBias:
    """Made-up scores of yes, no, unknown: 1,000 clips, half of them unknown."""

    @staticmethod
    def scores(*, leaning: int, doubtful: int) -> tuple[np.ndarray, np.ndarray]:
        """``leaning`` clips of yes a little nearer to unknown, and so many unknown ones a little nearer to unknown."""
        targets = np.repeat([0, 1, 2], [250, 250, 500])
        scores = np.full((1_000, 3), 0.05)
        scores[np.arange(1_000), targets] = 0.9
        scores[:leaning] = (0.35, 0.05, 0.6)  # ln(0.6 / 0.35) = 0.54
        scores[500 : 500 + doubtful] = (0.35, 0.05, 0.6)
        return scores, targets

    def test_nothing_is_changed_where_nothing_is_gained(self) -> None:
        assert evaluation.unknown_bias(*self.scores(leaning=0, doubtful=0), 2) == 0.0

    def test_labels_count_alike_not_clips(self) -> None:
        # 20 of 250 against 30 of 500: more clips are lost than won, but the mean recall rises
        assert evaluation.unknown_bias(*self.scores(leaning=20, doubtful=30), 2) == -0.75
        assert evaluation.unknown_bias(*self.scores(leaning=20, doubtful=41), 2) == 0.0

    def test_few_clips_decide_nothing(self) -> None:
        scores, targets = self.scores(leaning=20, doubtful=0)
        assert evaluation.unknown_bias(scores[:499], targets[:499], 2) == 0.0
