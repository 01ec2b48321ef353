"""Planted words stand where they are said to, at the SNR that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from live_fakes import RATE, hiss, spoken

from hanmadi.augment.augmentations import mix_at_snr
from hanmadi.errors import AudioError
from hanmadi.evaluation.mixing import mix_into

WORDS = ("yes", "no", "yes")
CLIPS = np.stack([spoken(word) for word in WORDS])


def test_the_background_stays_and_words_stand_where_they_are_said() -> None:
    background = hiss(12)
    strip, words = mix_into(CLIPS, WORDS, background, sample_rate=RATE, snr_db=10.0, rng=np.random.default_rng(1))
    added = strip - background
    assert [word.label for word in words] == list(WORDS)
    for i, word in enumerate(words):
        assert 4 * i + 1 <= word.start_s < word.end_s <= 4 * i + 3
        assert word.end_s - word.start_s == pytest.approx(0.5, abs=0.05)
    inside = np.zeros(len(added), bool)
    for word in words:
        inside[round(word.start_s * RATE) : round(word.end_s * RATE)] = True
    assert np.abs(added[~inside]).max() < 1e-6
    assert np.abs(added[inside]).max() > 0.01


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_the_ratio_is_that_of_mix_at_snr(snr_db: float) -> None:
    background = hiss(4)
    strip, _ = mix_into(CLIPS[:1], WORDS[:1], background, sample_rate=RATE, snr_db=snr_db, rng=np.random.default_rng(1))
    start = int(np.flatnonzero(np.abs(strip - background) > 1e-6)[0]) - RATE // 4  # the clip begins with silence
    behind = background[start - 1 : start - 1 + RATE]
    heard = strip[start - 1 : start - 1 + RATE]
    wanted = mix_at_snr(CLIPS[:1], behind[None], snr_db=snr_db)[0]
    scale = np.dot(heard, wanted) / np.dot(wanted, wanted)
    np.testing.assert_allclose(heard, scale * wanted, atol=3e-3 * np.abs(heard).max())


def test_not_in_a_pause() -> None:
    background = hiss(400)
    for slot in background.reshape(100, -1):
        slot[: round(2.5 * RATE)] *= 0.001
    _, words = mix_into(
        np.repeat(CLIPS[:1], 100, axis=0), ["yes"] * 100, background, sample_rate=RATE, snr_db=10.0,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    in_sound = [word.end_s % 4 > 2.5 for word in words]  # a clip at 1 to 1.4 s lies in the pause as a whole
    assert np.mean(in_sound) > 0.5


def test_a_loud_background_turns_all_down() -> None:
    background = hiss(4, level=0.2)
    strip, _ = mix_into(CLIPS[:1], WORDS[:1], background, sample_rate=RATE, snr_db=20.0, rng=np.random.default_rng(1))
    assert np.abs(strip).max() == pytest.approx(1.0)


def test_digital_silence_leaves_the_clip_as_it_is() -> None:
    background = np.zeros(4 * RATE, np.float32)
    strip, _ = mix_into(CLIPS[:1], WORDS[:1], background, sample_rate=RATE, snr_db=10.0, rng=np.random.default_rng(1))
    assert np.abs(strip).max() == pytest.approx(np.abs(CLIPS).max(), rel=1e-3)


def test_too_short() -> None:
    with pytest.raises(AudioError, match="3 s of background or more for each"):
        mix_into(CLIPS, WORDS, hiss(8), sample_rate=RATE, snr_db=10.0, rng=np.random.default_rng(1))
