"""The report of a training: one HTML page that needs no network, no other file and no server.

The page brings its style, script, pictures and sounds with it; its content security policy forbids it
everything else. What comes from the data (labels, file names, reasons) is shown as text, never as HTML.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hanmadi.card import Card
from hanmadi.files import write_text
from hanmadi.report.curves import curves
from hanmadi.report.html import Html, join, name, percent, tag
from hanmadi.report.labels import confusions, words
from hanmadi.report.mistakes import mistakes
from hanmadi.report.provenance import data, repeat
from hanmadi.report.summary import answer

if TYPE_CHECKING:
    from hanmadi.data.store import ClipStore
    from hanmadi.evaluation.evaluation import Evaluation
    from hanmadi.runs import Epoch

_ASSETS: Final = "assets"
_SECTIONS: Final = (
    ("answer", "Answer"), ("curves", "Curves"), ("confusions", "Confusions"), ("words", "Words"),
    ("mistakes", "Mistakes"), ("data", "Data"), ("repeat", "Repeat"),
)  # fmt: skip


def write_report(
    path: Path,
    *,
    card: Card,
    history: Sequence[Epoch],
    evaluation: Evaluation,
    store: ClipStore,
) -> None:
    """Write the report of a training as one HTML file, whole or not at all.

    card: as `training` writes it; evaluation: of clips of ``store``. Raises WriteError if the disk is full.
    """
    page = report_html(card=card, history=history, evaluation=evaluation, store=store)
    write_text(path, page.encode("utf-8", errors="replace").decode("utf-8"))  # half a surrogate pair is no text


def report_html(*, card: Card, history: Sequence[Epoch], evaluation: Evaluation, store: ClipStore) -> str:
    """The report of a training as one HTML page."""
    sections = {
        "answer": answer(card, evaluation),
        "curves": curves(card, history),
        "confusions": confusions(evaluation),
        "words": words(evaluation),
        "mistakes": mistakes(evaluation, store),
        "data": data(card, store),
        "repeat": repeat(card),
    }
    links = [tag("a", title, href=f"#{anchor}") for anchor, title in _SECTIONS if sections[anchor] is not None]
    made = [f"hanmadi {card.versions.get('hanmadi', '')}".strip(), card.training.finished]
    head = tag(
        "header",
        tag("p", "hanmadi training report", class_="kicker"),
        tag("h1", tag("span", card.architecture.name), " on ", name(_short(evaluation.data))),
        tag("nav", *links, aria_label="Sections"),
    )
    foot = tag("footer", tag("p", "Made by ", join(filter(None, made), " · "), "."))
    body = tag("body", head, tag("main", *sections.values()), foot)
    title = f"{card.architecture.name} on {_short(evaluation.data)}: {percent(evaluation.accuracy)}"
    return f"<!doctype html>\n{tag('html', _head(title), body, lang='en')}\n"


def _head(title: str) -> Html:
    style, script = (_asset(f"report.{kind}") for kind in ("css", "js"))
    # the browser runs exactly this style and this script, whatever else might get into the page
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
        tag("script", Html(script)),
    )


def _asset(file: str) -> str:
    return resources.files("hanmadi.report").joinpath(_ASSETS, file).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _short(source: str) -> str:
    """The last part of a path, for a title."""
    return Path(source).name or source
