"""What lessons are made of: data, quick mode, figures, sounds, text, exercises."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from hanmadi.errors import AudioError, HanmadiError
from hanmadi.lessons import toolkit
from hanmadi.plots import waveform_and_spectrogram

ALT = "A wave that rises and falls ten times in a hundredth of a second"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "OUT", "QUICK", "LANG"):
        monkeypatch.delenv(f"HANMADI_{name}", raising=False)
    monkeypatch.setattr(sys, "argv", ["lessons/en/01_x.py"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a notebook would display: a kernel of five lines."""
    found: list[Any] = []
    shell = types.SimpleNamespace(kernel=object())
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display = types.ModuleType("IPython.display")
    display.display = found.append  # type: ignore[attr-defined]
    display.Image = lambda data, **about: ("image", data, about["format"], about["alt"])  # type: ignore[attr-defined]
    display.HTML = lambda text: ("html", text)  # type: ignore[attr-defined]
    display.Markdown = lambda text: ("markdown", text)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return found


def tone(peak: float, *, rate: int = 8_000) -> np.ndarray[Any, Any]:
    return peak * np.sin(2 * np.pi * 440 * np.arange(rate // 4) / rate)


# ---- data ----


def test_words_of_ones_own_come_first_then_the_others(words_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--data", str(words_folder), "--something", "else"])
    assert toolkit.lesson_data(words=["up", "no"]).words == ("up", "no")
    store = toolkit.lesson_data(words=["up", "no"], others=True, sample_rate=8_000, seconds=0.5)
    assert store.words == ("up", "no", "bed", "yes")
    assert (store.sample_rate, store.clip_samples, len(store)) == (8_000, 4_000, 96)
    assert len(store.noise_names) == 3


def test_absent_words_are_replaced_by_as_many(words_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_DATA", str(words_folder))
    assert len(toolkit.lesson_data(words=["up", "stop", "go"]).words) == 3


def test_most_keeps_the_shares_of_the_words(words_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_DATA", str(words_folder))
    store = toolkit.lesson_data(most=24)
    assert np.bincount(store.word).tolist() == [6, 6, 6, 6]
    assert len(set(store.speaker)) > 6  # drawn from all of them, not the first


def test_quick_mode_takes_fewer_clips_the_same_each_time(words_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_DATA", str(words_folder))
    assert not toolkit.quick()
    monkeypatch.setenv("HANMADI_QUICK", "1")
    monkeypatch.setattr(toolkit, "QUICK_CLIPS", 40)
    assert toolkit.quick()
    first, again = (toolkit.lesson_data(), toolkit.lesson_data(most=5_000))
    assert len(first) == 40
    assert [first.name(row) for row in range(40)] == [again.name(row) for row in range(40)]


def test_without_data_speech_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setenv("HANMADI_QUICK", "1")
    store = toolkit.lesson_data(words=["yes", "no"], most=6, sample_rate=8_000)
    assert store.source == "synth"
    assert store.words == ("yes", "no")
    assert len(store) == 6


def test_data_that_is_none_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_DATA", "/no/such/place")
    with pytest.raises(HanmadiError, match="nothing is there"):
        toolkit.lesson_data()


# ---- showing ----


def test_a_plain_run_prints_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["lessons/en/01_x.py", "--out", str(tmp_path / "kept")])
    monkeypatch.setattr(toolkit, "FIGURES", [])
    monkeypatch.setattr(toolkit, "SOUNDS", [])
    toolkit.show(waveform_and_spectrogram(tone(0.2), 8_000), ALT)
    toolkit.listen(tone(0.9), 8_000, "a tone")
    toolkit.say("It is **440 Hz**, says `rate`.")
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"[figure 1] {ALT}", "[sound] a tone (0.25 s, 8000 Hz, peak 0.90)", "It is 440 Hz, says rate."]
    assert (tmp_path / "kept" / "01_x-1.png").read_bytes().startswith(b"\x89PNG")
    sound, rate = soundfile.read(tmp_path / "kept" / "01_x-sound-1.wav")
    assert rate == 8_000
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.01)
    assert toolkit.FIGURES == [ALT]


def test_a_notebook_shows_with_alt_text(shown: list[Any]) -> None:
    toolkit.show(waveform_and_spectrogram(tone(0.2), 8_000), ALT)
    toolkit.listen(tone(0.2), 8_000, 'a "tone" & more')
    toolkit.say("It is **440 Hz**.")
    (kind, data, form, alt), (_, player), said = shown
    assert (kind, form, alt) == ("image", "png", ALT)
    assert data.startswith(b"\x89PNG")
    assert 'aria-label="a &quot;tone&quot; &amp; more"' in player
    assert 'src="data:audio/wav;base64,' in player
    assert said == ("markdown", "It is **440 Hz**.")


@pytest.mark.parametrize("alt", ["", "figure", "   ", "waveform_of_yes"])
def test_a_figure_needs_alt_text(alt: str) -> None:
    with pytest.raises(HanmadiError, match="alt text"):
        toolkit.show(waveform_and_spectrogram(tone(0.2), 8_000), alt)


def test_a_figure_of_pyplot_is_closed() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    toolkit.show(pyplot.figure(), ALT)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("peak", "keep_level", "heard"), [(0.2, False, 0.2), (1.0, False, 0.5), (1.0, True, 1.0), (0.0, False, 0.0)]
)
def test_nothing_is_played_loud_by_mistake(
    peak: float, keep_level: bool, heard: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANMADI_OUT", str(tmp_path))
    toolkit.listen(tone(peak), 8_000, "a tone", keep_level=keep_level)
    (written,) = tmp_path.glob("*.wav")
    assert np.abs(soundfile.read(written)[0]).max() == pytest.approx(heard, abs=0.01)


def test_int16_stereo_and_low_rates_can_be_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_OUT", str(tmp_path))
    toolkit.listen(np.full((3_000, 2), 8_192, np.int16), 3_000, "two channels")
    (written,) = tmp_path.glob("*.wav")
    sound, rate = soundfile.read(written)
    assert (rate, sound.shape) == (9_000, (9_000, 2))
    with pytest.raises(AudioError, match="finite"):
        toolkit.listen(np.array([np.nan]), 8_000, "nothing")


# ---- exercises ----


def test_check_says_and_records(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkit, "EXERCISES", [])
    toolkit.check("1", ..., lambda: 1 / 440, hint="invert it", unit="s", wrong={440: "that is the frequency"})
    toolkit.check("2", 440, lambda: 1 / 440, hint="뒤집어 보세요", wrong={440: "그건 주파수예요"})
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1: not answered yet. Hint: invert it",
        "연습 2: 그건 주파수예요",
    ]
    assert [(e.name, e.language, e.right) for e in toolkit.EXERCISES] == [("1", "en", 1 / 440), ("2", "ko", 1 / 440)]


def test_the_language_can_be_chosen(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_LANG", "ko")
    toolkit.check("1", 3, 3, hint="invert it")
    assert "맞았어요" in capsys.readouterr().out
