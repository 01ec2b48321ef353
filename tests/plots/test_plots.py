"""plots.py and plotstyle.py: that pictures show the numbers given, in any language, and files are whole."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hanmadi import plots
from hanmadi.audio import signals
from hanmadi.errors import AudioError, DataError, HanmadiError, MissingExtraError
from hanmadi.evaluation import metrics
from hanmadi.labels import COURSE_LABELS
from hanmadi.plots import style as plotstyle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib")

RATE = 8_000  # Hz
TONE = signals.tone(1_000, duration_s=0.5, sample_rate=RATE, amplitude=0.5)


def texts(figure: Figure) -> str:
    """All words in a figure."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


@pytest.fixture
def only_latin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a Korean font."""
    monkeypatch.setattr(plotstyle, "FONTS", ("DejaVu Sans",))
    for cached in (plotstyle.fonts, plotstyle._letters):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (plotstyle.fonts, plotstyle._letters):
        cached.cache_clear()


# ---- one sound ----


def test_line_and_stems_show_the_same_samples() -> None:
    figure, (axes,) = plots.new_figure()
    plots.draw_line(axes, TONE[:40], RATE, start_s=0.25, label="tone")
    plots.draw_stems(axes, TONE[:40], RATE, start_s=0.25, label="samples")
    plots.add_legend(axes)
    expected = np.stack([0.25 + np.arange(40) / RATE, TONE[:40]], axis=1)
    np.testing.assert_allclose(axes.lines[0].get_xydata(), expected)
    dots = [c.get_offsets() for c in axes.collections if len(c.get_offsets()) == 40]
    np.testing.assert_allclose(dots[0], expected)
    shown = texts(figure)
    assert "Time (ms)" in shown
    assert "tone" in shown
    assert "samples" in shown


def test_too_many_stems_are_refused() -> None:
    _, (axes,) = plots.new_figure()
    with pytest.raises(AudioError, match=r"at most 1000 samples to draw one by one, got 4000; .*samples\[:200\]"):
        plots.draw_stems(axes, TONE, RATE)


def test_a_long_waveform_keeps_its_peaks() -> None:
    sound = np.zeros(500_000, np.float32)
    sound[123_457], sound[400_001] = 0.9, -0.7  # one sample each: every 250th would miss them
    _, (axes,) = plots.new_figure()
    plots.draw_waveform(axes, sound, RATE)
    outline = axes.collections[0].get_paths()[0].vertices
    assert outline[:, 1].max() == pytest.approx(0.9)
    assert outline[:, 1].min() == pytest.approx(-0.7)
    assert outline[outline[:, 1].argmax(), 0] == pytest.approx(123_457 / RATE, abs=500_000 / RATE / 1_000)
    assert axes.get_xlim() == (0, 500_000 / RATE)


def test_spectrogram_puts_a_tone_at_its_frequency_and_level() -> None:
    figure, (axes,) = plots.new_figure()
    image = plots.draw_spectrogram(axes, TONE, RATE)
    level = np.asarray(image.get_array())
    low, high = image.get_extent()[2:]
    row = level[:, level.shape[1] // 2].argmax()
    assert low + row * (high - low) / (level.shape[0] - 1) == pytest.approx(1_000, abs=RATE / 256)
    assert level[:, level.shape[1] // 2].max() == pytest.approx(-6.02, abs=0.5)  # amplitude 0.5
    assert len(figure.axes) == 2  # the second one is the colour bar
    assert "Frequency (kHz)" in texts(figure)
    assert "Level (dB)" in texts(figure)


def test_spectrogram_of_a_short_sound_is_the_stft() -> None:
    _, (axes,) = plots.new_figure()
    image = plots.draw_spectrogram(axes, TONE, RATE, n_fft=258, hop=64)
    scale = 2 / signals.get_window("hann", 258).sum()
    spectrum = signals.stft(TONE, n_fft=258, hop=64)
    np.testing.assert_allclose(image.get_array(), signals.to_db(scale * spectrum, floor_db=-120), atol=1e-3)


def test_a_long_spectrogram_has_bounded_columns_and_misses_nothing() -> None:
    sound = np.zeros(RATE * 60, np.float32)
    sound[RATE * 30 + 228 : RATE * 30 + 308] = signals.tone(2_000, duration_s=0.01, sample_rate=RATE)
    _, (axes,) = plots.new_figure()
    level = np.asarray(plots.draw_spectrogram(axes, sound, RATE, n_fft=64, hop=16).get_array())
    assert level.shape[1] <= 2_000
    assert level.max() > -10  # the mean over a column of 256 samples, not a lucky window of 64
    loudest = level.max(axis=0).argmax() / level.shape[1] * 60
    assert loudest == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("sound", [np.zeros(100, np.float32), np.zeros(16_000, np.float32), np.ones(1, np.float32)])
def test_silence_and_crumbs_are_drawn_too(sound: np.ndarray) -> None:
    figure = plots.waveform_and_spectrogram(sound, 16_000)
    assert plots.figure_png(figure, dpi=40).startswith(b"\x89PNG")


def test_waveform_and_spectrogram_share_their_time_axis() -> None:
    figure = plots.waveform_and_spectrogram(TONE, RATE, title="yes.wav")
    figure.draw_without_rendering()
    upper, lower = figure.axes[:2]
    assert upper.get_xlim() == lower.get_xlim() == (0, 0.5)
    assert upper.get_position().x0 == pytest.approx(lower.get_position().x0)
    assert upper.get_position().x1 == pytest.approx(lower.get_position().x1)
    assert "yes.wav" in texts(figure)


def test_magnitude_and_phase_read_as_amplitude_and_angle() -> None:
    figure = plots.magnitude_and_phase(TONE, RATE, title="tone")
    upper, lower = figure.axes
    frequency_hz, size = upper.lines[0].get_data()
    assert frequency_hz[np.argmax(size)] == 1_000
    assert np.max(size) == pytest.approx(0.5)
    dots = lower.collections[0].get_offsets()
    np.testing.assert_allclose(dots, [[1_000, -np.pi / 2]], atol=1e-3)  # a sine is a cosine a quarter late
    assert "Magnitude (dB)" in texts(plots.magnitude_and_phase(TONE, RATE, in_db=True))


@pytest.mark.parametrize("sound", [np.zeros((2, 100)), [], [np.nan]])
def test_what_is_no_mono_sound_is_refused(sound: np.ndarray) -> None:
    with pytest.raises(AudioError, match="expected"):
        plots.waveform_and_spectrogram(sound, RATE)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(AudioError, match="sample_rate above 0"):
        plots.waveform_and_spectrogram(TONE, 0)


# ---- training and results ----

COLUMNS = {
    "train_loss": [2.0, 1.0, 0.5],
    "validation_loss": [2.1, 1.2, 0.9],
    "train_accuracy": [0.3, 0.7, 0.95],
    "validation_accuracy": [0.3, 0.66, 0.64],
}


def test_curves_show_both_columns_and_the_best_epoch() -> None:
    figure = plots.draw_curves(**COLUMNS, title="dense")
    loss, accuracy = figure.axes
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[1, 2.0], [2, 1.0], [3, 0.5]])
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), [30, 66, 64])
    shaded = accuracy.collections[0].get_paths()[0].vertices
    assert {64.0, 95.0} <= set(np.round(shaded[:, 1], 6))
    shown = texts(figure)
    assert "best 66.0 % (epoch 2)" in shown
    assert all(word in shown for word in ("training", "validation", "gap", "dense"))


def test_curves_of_one_epoch_or_without_validation_are_drawn() -> None:
    one = {name: column[:1] for name, column in COLUMNS.items()}
    assert plots.figure_png(plots.draw_curves(**one, epochs=[7]), dpi=40)
    blind = COLUMNS | {"validation_loss": [np.nan] * 3, "validation_accuracy": [np.nan] * 3}
    assert plots.figure_png(plots.draw_curves(**blind), dpi=40)


@pytest.mark.parametrize("changed", [{"train_loss": [1.0]}, {"epochs": [1, 2]}, {name: [] for name in COLUMNS}])
def test_curves_refuse_columns_of_different_lengths(changed: dict[str, list[float]]) -> None:
    with pytest.raises(DataError, match="columns of one length"):
        plots.draw_curves(**(COLUMNS | changed))


def test_confusion_writes_counts_and_shares() -> None:
    figure = plots.draw_confusion([[9, 1, 0], [0, 20, 0], [0, 0, 0]], ["yes", "no", "go"])
    words = texts(figure).split("\n")
    assert {"9", "1", "20", "90.0 %", "100.0 %", "–", "yes", "no", "go"} <= set(words)
    assert "29 of 30 clips are right: 96.7 %" in words


def test_confusion_colours_by_the_share_of_the_row() -> None:
    # one row of 10 clips, one of 1,000: the same shares look the same
    colours = np.asarray(plots.draw_confusion([[8, 2], [200, 800]], ["a", "b"]).axes[0].images[0].get_array())
    np.testing.assert_allclose(colours[0, 0], colours[1, 1])
    np.testing.assert_allclose(colours[0, 1], colours[1, 0])
    assert colours[0, 0].argmax() == 2  # right is blue
    assert colours[0, 1].argmax() == 0  # wrong is orange


def test_confusion_lets_rare_mistakes_be_seen() -> None:
    image = plots.draw_confusion([[99, 1], [0, 100]], ["a", "b"]).axes[0].images[0]
    colours = np.asarray(image.get_array())
    assert colours[0, 1].min() < 0.92
    np.testing.assert_array_equal(colours[1, 0], 1)  # none is white


def test_confusion_of_twelve_labels_has_room_for_every_word() -> None:
    rng = np.random.default_rng(0)
    matrix = metrics.confusion_matrix(*rng.integers(0, 12, (2, 9_000)), 12)
    figure = plots.draw_confusion(matrix, COURSE_LABELS, title="test")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = axes.transData.transform([(0, 0), (1, 1)])
    width = abs(cell[1] - cell[0])[0]
    assert all(text.get_window_extent().width < width for text in axes.texts if text.get_ha() == "center")
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(COURSE_LABELS)
    assert not any(a.overlaps(b) for i, a in enumerate(names) for b in names[:i])


@pytest.mark.parametrize("labels", [["a"], ["a", "b", "c"], []])
def test_confusion_refuses_other_labels(labels: list[str]) -> None:
    with pytest.raises(DataError, match=r"got shape \(2, 2\)"):
        plots.draw_confusion([[1, 0], [0, 1]], labels)


def models(*facts: tuple[str, int, float]) -> list[plots.ComparisonRow]:
    return [
        plots.ComparisonRow(name, size, accuracy, *metrics.wilson_interval(round(accuracy * 1_000), 1_000))
        for name, size, accuracy in facts
    ]


def test_comparison_shows_points_intervals_and_names() -> None:
    rows = models(("small", 9_000, 0.9), ("large", 900_000, 0.95))
    figure = plots.draw_comparison(rows)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[9_000, 90], [900_000, 95]])
    bars = axes.collections[0].get_segments()
    np.testing.assert_allclose(bars[1][:, 1], [100 * rows[1].low, 100 * rows[1].high])
    shown = texts(figure)
    assert all(word in shown for word in ("small", "large", "10k", "1M", "95 % interval"))


def test_names_of_close_models_do_not_cover_each_other() -> None:
    rows = models(("bc-resnet", 100_000, 0.95), ("ds-cnn-large", 105_000, 0.95), ("tc-resnet", 110_000, 0.945))
    axes = plots.draw_comparison(rows).axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    "rows",
    [[], [plots.ComparisonRow("a", 0, 0.9, 0.8, 1)], [plots.ComparisonRow("a", 10, 93, 92, 94)],
     [plots.ComparisonRow("a", 10, 0.9, 0.95, 1)]],
)  # fmt: skip
def test_comparison_refuses(rows: list[plots.ComparisonRow]) -> None:
    with pytest.raises(DataError, match="expected"):
        plots.draw_comparison(rows)


# ---- letters ----


def test_hangul_is_drawn_or_romanised_without_a_warning() -> None:
    # a missing glyph would be a warning, which is an error here
    figure = plots.waveform_and_spectrogram(TONE, RATE, title='한마디 "예" 😀 漢')
    assert plots.figure_png(figure, dpi=40)
    assert plots.figure_png(plots.draw_confusion([[1, 0], [0, 1]], ["예", "아니요"], title="혼동 행렬"), dpi=40)
    assert plots.figure_png(plots.draw_comparison(models(("작은 모델", 10, 0.5))), dpi=40)


@pytest.mark.parametrize(
    ("text", "legible"),
    [("한마디", "hanmadi"), ("안녕", "annyeong"), ("왼쪽 stop", "oenjjok stop"), ("읽다", "ikda"), ("넷", "net"),
     ("한漢", "han□"), ("a\nb", "a\nb"), ("−π é", "−π é")],
)  # fmt: skip
@pytest.mark.usefixtures("only_latin")
def test_without_a_korean_font_hangul_is_romanised(text: str, legible: str) -> None:
    assert plotstyle.legible(text) == legible
    assert plotstyle.legible(unicodedata.normalize("NFD", text)) == legible


def test_with_a_korean_font_hangul_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plotstyle, "_letters", lambda: frozenset(map(ord, "한마디 ok")))
    assert plotstyle.legible("한마디 ok") == "한마디 ok"


def test_dollars_are_dollars() -> None:
    figure = plots.waveform_and_spectrogram(TONE, RATE, title=r"$\broken{ costs $5")
    assert plots.figure_png(figure, dpi=40)


# ---- files and state ----


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_save_figure_writes_each_format_and_nothing_else(tmp_path: Path, suffix: str, start: bytes) -> None:
    figure, _ = plots.new_figure(title="소리")
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    plots.save_figure(figure, path, dpi=40)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_save_figure_says_what_is_wrong_with_a_path(tmp_path: Path) -> None:
    figure, _ = plots.new_figure()
    with pytest.raises(HanmadiError, match=r"\.png, \.svg, \.pdf; try out\.png"):
        plots.save_figure(figure, tmp_path / "out.jpg")
    with pytest.raises(HanmadiError, match=r"there is no folder .*absent"):
        plots.save_figure(figure, tmp_path / "absent" / "out.png")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure, _ = plots.new_figure()
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(HanmadiError, match="No space left"):
        plots.save_figure(figure, path, dpi=40)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_dpi_is_the_size_of_the_picture() -> None:
    figure, _ = plots.new_figure(width_in=4, height_in=2)
    width, height = (int.from_bytes(plots.figure_png(figure, dpi=50)[i : i + 4], "big") for i in (16, 20))
    assert (width, height) == (200, 100)


def test_without_matplotlib_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'drawing a plot .* pip install "hanmadi\[train\]"'):
        plots.waveform_and_spectrogram(TONE, RATE)


def test_plots_load_matplotlib_late_and_pyplot_never() -> None:
    code = (
        "import sys; from hanmadi import plots; assert 'matplotlib' not in sys.modules;"
        "from matplotlib import rcParams; names = set(rcParams) - {'backend'};"  # reading it loads pyplot
        "before = {name: rcParams[name] for name in names};"
        "plots.figure_png(plots.waveform_and_spectrogram([0.0, 0.5] * 200, 8000, title='x'), 40);"
        "assert {name: rcParams[name] for name in names} == before;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
