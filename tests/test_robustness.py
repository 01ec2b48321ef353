"""benchmarks/robustness.py: every condition keeps its contract, and figures are those of the same clips."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanmadi.audio import Samples

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
RATE = 16_000  # Hz


@pytest.fixture(scope="module")
def robustness() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import robustness as script  # type: ignore[import-not-found, unused-ignore]

        yield script
    sys.modules.pop("robustness", None)


def clips(count: int = 3) -> Samples:
    rng = np.random.default_rng(7)
    return (0.3 * rng.standard_normal((count, RATE)) * np.hanning(RATE)).clip(-1, 1).astype(np.float32)


def noises() -> dict[str, list[Samples]]:
    rng = np.random.default_rng(8)
    return {kind: [rng.standard_normal(RATE, np.float32) for _ in range(2)] for kind in ("rain", "dog_bark")}


def test_every_condition_keeps_the_contract(robustness: Any) -> None:
    batch = clips()
    before = batch.copy()
    for condition in robustness.conditions(noises()):
        sounds, again = (condition.change(batch, RATE, np.random.default_rng(1)) for _ in range(2))
        place = f"{condition.name} {condition.value}"
        assert len(sounds) == len(batch), place
        assert np.array_equal(batch, before), place
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(sounds, again, strict=True)), place
        assert all(0.95 < sound.seconds < 1.1 and np.abs(sound.samples).max() < 2 for sound in sounds), place


def test_the_first_condition_is_the_clips_as_they_are(robustness: Any) -> None:
    stored = np.rint(clips() * 16_384).astype(np.float32) / 32_768
    first = robustness.conditions(noises())[0]
    assert first.name == "clean"
    assert np.array_equal([sound.samples for sound in first.change(stored, RATE, np.random.default_rng(0))], stored)


@pytest.mark.parametrize("snr_db", [10, 0])
def test_noise_is_mixed_at_the_ratio_asked_for(robustness: Any, snr_db: float) -> None:
    batch = clips() / 8
    for change in (robustness.with_noise([noises()["rain"]], snr_db), robustness.with_white_noise(snr_db)):
        heard = np.stack([sound.samples for sound in change(batch, RATE, np.random.default_rng(0))])
        ratio = np.mean(batch**2, axis=1) / np.mean((heard - batch) ** 2, axis=1)
        assert 10 * np.log10(ratio) == pytest.approx(np.full(len(batch), snr_db), abs=0.05)


def test_words_move_both_ways(robustness: Any) -> None:
    batch = np.zeros((1, RATE), np.float32)
    batch[0, 8_000] = 0.5
    for offset_ms in (-200, -50, 0, 100):
        (heard,) = robustness.moved(offset_ms)(batch, RATE, None)
        assert heard.samples.shape == (RATE,)
        assert np.flatnonzero(heard.samples).tolist() == [8_000 + 16 * offset_ms]


def test_peaks_are_clipped_in_the_share_asked_for(robustness: Any) -> None:
    (heard, *_) = robustness.with_peaks_clipped(0.05)(clips(), RATE, None)
    assert np.mean(np.abs(heard.samples) > np.abs(heard.samples).max() - 1e-4) == pytest.approx(0.05, abs=0.002)


def test_cuts_of_noise_are_where_it_sounds(robustness: Any) -> None:
    bark = np.zeros(80_000, np.float32)
    bark[30_000:34_000] = 0.5
    cuts = robustness.audible_cuts(bark, length=RATE, hop=1_600)
    assert len(cuts) > 3
    assert all(cut.shape == (RATE,) and np.any(cut) for cut in cuts)
    assert len(robustness.audible_cuts(bark[30_000:34_000], length=RATE, hop=1_600)) == 1, "a short one is repeated"


def test_the_interval_of_a_difference_is_that_of_pairs(robustness: Any) -> None:
    before = np.ones(1_000, bool)
    before[:30] = False
    low, high = robustness.paired_interval(before, before)
    assert -0.005 < low < 0 < high < 0.005, "no change still has a width"
    after = before.copy()
    after[100:150] = False
    low, high = robustness.paired_interval(before, after)
    assert low < -0.05 < high < -0.03
    swapped = robustness.paired_interval(after, before)
    assert swapped == pytest.approx((-high, -low))


def test_figures_and_table_say_the_same(robustness: Any) -> None:
    labels = ("yes", "no", "unknown", "silence")
    truth = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    found = np.array([0, 0, 1, 3, 2, 2, 2, 0])
    row = robustness.figures(labels, truth, truth, found)
    assert (row["clips"], row["right"], row["difference"], row["called_silence"]) == (8, 6, -25.0, 1)
    assert (row["keyword_recall"], row["unknown_right"]) == (0.75, 0.75)
    named = {"model": "small", "split": "test", "condition": "gain", "value": "-20 dB"}
    clean = named | {"condition": "clean", "value": ""} | robustness.figures(labels, truth, truth, truth)
    table = robustness.markdown([clean, named | row])
    assert table.splitlines()[0] == "| test clips: 8 | | small |"
    assert "| gain | -20 dB | 75.0%, -25.0 (" in table
