"""HTML that cannot be broken by what it shows: text is escaped unless it is `Html` already."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Iterable
from typing import Final

Attribute = str | float | bool | None
NBSP: Final = "\u00a0"  # keeps a number and its unit on one line
NONE: Final = "–"  # stands where there is no number
_VOID: Final = frozenset({"br", "col", "img", "link", "meta"})


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def tag(element: str, *children: str | None, **attributes: Attribute) -> Html:
    """An element: ``tag("td", "a < b", class_="n")`` is ``<td class="n">a &lt; b</td>``.

    Children that are not `Html` are escaped, None is left out. In names of attributes ``_`` is written as
    ``-``, one at the end is dropped; True is an attribute without a value, None and False are left out.
    """
    opened = "".join([element, *(_attribute(name, value) for name, value in attributes.items())])
    if element in _VOID:
        return Html(f"<{opened}>")
    return Html(f"<{opened}>{join(children)}</{element}>")


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {written}"
    return f' {written}="{html.escape(f"{value:.6g}" if isinstance(value, float) else str(value))}"'


def join(children: Iterable[str | None], between: str = "") -> Html:
    """Children one after the other, escaped where they are not `Html`; None is left out."""
    return Html(escape(between).join(escape(child) for child in children if child is not None))


def escape(text: str) -> Html:
    """Text as HTML; `Html` stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(text.replace("\0", "\ufffd")))


def name(text: str) -> Html:
    """A label, word or file name: it cannot turn the text around it from right to left."""
    return tag("bdi", composed(text))


def composed(text: str) -> str:
    """Text with syllables put together: macOS writes file names with Hangul taken apart."""
    return unicodedata.normalize("NFC", text)


def section(anchor: str, title: str, *children: str | None) -> Html:
    """A section of the page with its heading and an anchor."""
    heading = tag("h2", title, id=f"{anchor}-title")
    return tag("section", heading, *children, id=anchor, aria_labelledby=f"{anchor}-title")


def facts(rows: Iterable[tuple[str, str | None]], class_: str = "facts") -> Html:
    """Names and values; those without a value are left out."""
    pairs = [tag("div", tag("dt", key), tag("dd", value)) for key, value in rows if value is not None]
    return tag("dl", *pairs, class_=class_)


def scrolling(label: str, *children: str | None, class_: str = "") -> Html:
    """A box that scrolls sideways on a narrow screen, by keyboard too."""
    return tag("div", *children, class_=f"scroll {class_}".strip(), tabindex=0, role="region", aria_label=label)


# ---- numbers ----


def percent(share: float | None) -> str:
    """``97.5 %``; what is not all never reads 100 %, what is not nothing never reads 0 %."""
    if share is None or not math.isfinite(share):
        return NONE
    text = f"{100 * share:.1f}"
    if share not in (0, 1) and text in ("0.0", "100.0"):
        text = f"{100 * share:.3f}"
    return f"{text}{NBSP}%"


def interval(low: float, high: float) -> str:
    """An interval of shares as text for people, such as ``96.1 to 98.4 %``."""
    return f"{percent(low).removesuffix(NBSP + '%')} to {percent(high)}"


def points(difference: float) -> str:
    """A difference of shares: ``+1.5 points``."""
    return f"{100 * difference:+.1f}{NBSP}points".replace("-", "−")


def number(value: float | None, digits: int = 6) -> str:
    """Any number in a table: whole ones with separators of thousands."""
    if value is None or not math.isfinite(value):
        return NONE
    return (f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}").replace("-", "−")


def count(n: int, noun: str) -> str:
    """A number with its noun, such as ``1 clip`` or ``1,200 clips``."""
    return f"{n:,}{NBSP}{noun}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """``45 s``, ``6 min 5 s``, ``2 h 3 min``"""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}{NBSP}s" if seconds < 10 else f"{whole}{NBSP}s"
    if whole < 3_600:
        return f"{whole // 60}{NBSP}min {whole % 60}{NBSP}s"
    return f"{whole // 3_600}{NBSP}h {whole % 3_600 // 60}{NBSP}min"


def si(value: float, unit: str = "") -> str:
    """``54.2 k``, ``5.3 M``: three digits and a prefix."""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{NBSP}{prefix}{unit}"
    return f"{value:.3g}{NBSP}{unit}".rstrip()
