"""How hanmadi's plots look, and how they become files: colours, fonts for Hangul, axes, figures.

Nothing here touches pyplot or matplotlib's settings: a plot drawn in a server or a thread changes no
other plot. Matplotlib is loaded when the first figure is made.
"""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hanmadi.errors import HanmadiError, MissingExtraError
from hanmadi.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.ticker import FuncFormatter

# Okabe and Ito (2008), "Color universal design": told apart with any kind of colour vision
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
INK: Final = "#1f2933"
GREY: Final = "#66707c"
LINE: Final = "#cfd6dd"
GRID: Final = "#edf0f3"
# DejaVu comes with matplotlib, so that a plot looks the same on every machine; the rest is for Hangul
FONTS: Final = (
    "DejaVu Sans", "Noto Sans CJK KR", "Noto Sans KR", "Noto Sans CJK JP", "NanumGothic", "Nanum Gothic",
    "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic", "UnDotum", "Baekmuk Gulim",
)  # fmt: skip
FORMATS: Final = (".png", ".svg", ".pdf")
_WIDTH_IN: Final = 8.0
_DPI: Final = 150
# Revised Romanization of Korean (2000), letter by letter: first consonants, vowels, last consonants
_FIRST: Final = tuple(re.split(" ", "g kk n d tt r m b pp s ss  j jj ch k t p h"))
_VOWEL: Final = tuple(re.split(" ", "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"))
_LAST: Final = tuple(re.split(" ", " k k k n n n t l k m l l l p l m p p t t ng t t k t p t"))


# ---- figures and files ----


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width_in: float = _WIDTH_IN,
    height_in: float = 3.2,
    ratios: Sequence[float] | None = None,
    share_x: bool = False,
    title: str = "",
) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row, in hanmadi's style; ``ratios`` are the heights of the rows.

    Raises MissingExtraError without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("train", "drawing a plot") from error
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, layout="constrained", facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=ratios, sharex=share_x)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)  # type: ignore[union-attr,call-arg]
    if title:
        figure.suptitle(legible(title), x=0.02, ha="left", color=INK, size=13, **_bold(title))
    for axes in grid.flat:
        finish(axes)
    return figure, list(grid.flat)


def figure_png(figure: Figure, dpi: int = _DPI) -> bytes:
    """The figure as the bytes of a PNG file."""
    return _rendered(figure, "png", dpi)


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: int = _DPI) -> None:
    """Write the figure to a .png, .svg or .pdf file, whole or not at all.

    Raises HanmadiError for another suffix, a folder that does not exist or one that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise HanmadiError(f"{path}: expected a name that ends in {', '.join(FORMATS)}; try {path.stem}.png")
    if not path.parent.is_dir():
        raise HanmadiError(f"{path}: there is no folder {path.parent}; make it first")
    write_bytes(path, _rendered(figure, path.suffix.lower()[1:], dpi))


def add_legend(axes: Axes, *, place: str | None = None) -> None:
    """A quiet legend of what was drawn with a ``label``: above the axes, or at a ``place`` within them.

    The places are matplotlib's, such as "upper right".
    """
    look: dict[str, Any] = {"prop": {"family": fonts(), "size": 9.5}, "labelcolor": INK, "frameon": False}
    if place is None:
        look |= {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 9, "borderaxespad": 0.2}
    axes.legend(**({"loc": place} | look))


def _rendered(figure: Figure, kind: str, dpi: int) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=dpi)
    return file.getvalue()


# ---- style ----


def finish(axes: Axes, *, x: str | None = None, y: str | None = None, title: str | None = None) -> None:
    """hanmadi's look: two thin axes, light lines across, grey numbers; names where they are given."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(which="both", color=LINE, length=3)
    axes.tick_params(which="both", labelcolor=GREY, labelsize=9.5, labelfontfamily=FONTS[0])
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    words: dict[str, Any] = {"color": INK, "family": fonts(), "size": 10}
    if x is not None:
        axes.set_xlabel(legible(x), **words)
    if y is not None:
        axes.set_ylabel(legible(y), **words)
    if title is not None:
        axes.set_title(legible(title), loc="left", pad=10, color=INK, size=11.5, **_bold(title))


def finish_time(axes: Axes, *, label: str | None = "Amplitude") -> None:
    """Time below: numbers stay seconds, short sounds are labelled in milliseconds."""
    low, high = axes.get_xlim()
    milliseconds = high - low < 0.2
    axes.xaxis.set_major_formatter(scaled(1_000 if milliseconds else 1))
    axes.yaxis.set_major_formatter(scaled(1))
    finish(axes, x="Time (ms)" if milliseconds else "Time (s)", y=label)


def finish_frequency(axes: Axes, *, axis: str) -> None:
    kilo = (axes.get_ylim() if axis == "y" else axes.get_xlim())[1] >= 2_000
    (axes.yaxis if axis == "y" else axes.xaxis).set_major_formatter(scaled(0.001 if kilo else 1))
    finish(axes, **{axis: "Frequency (kHz)" if kilo else "Frequency (Hz)"})


def finish_counts(axes: Axes) -> None:
    """A log axis that says 10k and 2M instead of powers of ten."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(scaled(1))


def add_colour_bar(axes: Axes, image: AxesImage) -> None:
    figure = axes.get_figure(root=True)
    if figure is None:
        raise HanmadiError("expected axes that belong to a figure; make them with new_figure()")
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30, format=scaled(1))
    bar.ax.spines[:].set_visible(False)
    bar.ax.tick_params(color=LINE, labelcolor=GREY, labelsize=9, length=3)
    bar.set_label("Level (dB)", color=INK, family=fonts(), size=10)


def _bold(text: str) -> dict[str, Any]:
    """Font of a title: bold, but plain with Hangul."""
    # matplotlib complains of each family without a true bold, and common Korean ones have none
    hangul = any(ord(letter) >= 0x1100 for letter in legible(text))
    return {"family": fonts()} if hangul else {"family": FONTS[0], "weight": "bold"}


def scaled(factor: float) -> FuncFormatter:
    """Numbers of an axis times ``factor``: seconds drawn, milliseconds written."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{round(value * factor, 6):g}".replace("-", "−"))


# ---- text: the right font for every letter ----


@lru_cache(maxsize=1)
def fonts() -> list[str]:
    """Names out of `FONTS` that this machine has: matplotlib complains about the others."""
    from matplotlib.font_manager import fontManager

    installed = {entry.name for entry in fontManager.ttflist}
    return [name for name in FONTS if name in installed]


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """Code points that one of `fonts` can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    paths = [findfont(FontProperties(family=[name])) for name in fonts()]
    return frozenset(code for path in paths for code in get_font(path).get_charmap())


def legible(text: str) -> str:
    """The text in letters that can be drawn; a dollar sign is a dollar sign, not mathematics."""
    drawable = _letters()
    whole = unicodedata.normalize("NFC", text)  # macOS writes file names with syllables taken apart
    letters = (c if ord(c) in drawable or c == "\n" else _romanised(c) for c in whole)
    return "".join(letters).replace("$", r"\$")


def _romanised(letter: str) -> str:
    """A Hangul syllable in Latin letters ("한" is "han"); a box for anything else."""
    place = ord(letter) - 0xAC00  # syllables are numbered by first, vowel, last
    if not 0 <= place < 19 * 21 * 28:
        return "□"
    return _FIRST[place // 588] + _VOWEL[place % 588 // 28] + _LAST[place % 28]
