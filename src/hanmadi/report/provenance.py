"""What the figures rest on, and all that is needed to get them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hanmadi.card import Card, Data, HardNegatives, NegativeSpeech, Training
from hanmadi.report.html import (  # fmt: skip
    NBSP,
    NONE,
    Html,
    composed,
    count,
    duration,
    facts,
    join,
    name,
    number,
    scrolling,
    section,
    tag,
)

if TYPE_CHECKING:
    from hanmadi.data.store import ClipStore

MOST_BROKEN: Final = 50
SPLIT_WORDS: Final = {"train": "training", "validation": "validation", "test": "test"}


def data(card: Card, store: ClipStore) -> Html:
    """Clips of every split and label, what was heard beside them, and what was broken."""
    about = card.data
    rows = [
        ("Recordings", name(about.source or NONE)),
        ("Licence", about.licence or "not stated by the data"),
        ("Attribution", about.attribution),
        ("Talk without a keyword", _talk(about.negatives)),
        ("Hard negatives", _hard_negatives(about.hard_negatives)),
        ("Teachers", ", ".join(map(composed, card.training.teachers)) or None),
        ("Split", _held_out(about)),
        ("Fingerprint", tag("code", about.fingerprint or NONE)),
    ]
    return section(
        "data",
        "What it learned from",
        facts(rows),
        scrolling("Clips of every split and label", _split_table(card)),
        tag("h3", "Broken recordings"),
        *_broken(store),
    )


def _held_out(about: Data) -> str:
    if about.method == "official":
        return "official lists"
    if about.validation is None:
        return f"{about.method}, {number(about.holdout)} held out for each"
    return f"{about.method}, {number(about.validation)} held out for validation, {number(about.holdout)} for test"


def _talk(found: NegativeSpeech | None) -> str | None:
    return f"{', '.join(map(composed, found.sources))}, {duration(found.seconds)}" if found else None


def _hard_negatives(found: HardNegatives | None) -> str | None:
    return f"{composed(found.source)}, {count(found.clips, 'clip')}" if found else None


def repeat(card: Card) -> Html:
    """The command, recipe, versions and hardware; the complete card."""
    command = card.training.command
    features = card.features.to_dict() if card.features else {}
    return section(
        "repeat",
        "Do it again",
        tag("p", _how_exactly(command)),
        tag("div", tag("pre", tag("code", command)), _copy_button(), class_="command"),
        facts(_hardware(card.training, card.versions)),
        tag(
            "div", _settings("Recipe", card.training.recipe), _settings("Features", features),
            _settings("Versions", card.versions), class_="columns",
        ),
        tag(
            "details", tag("summary", "The complete card, as it is stored in the model file"),
            scrolling("Card as JSON", tag("pre", tag("code", card.to_json(indent=1)))), class_="card-json",
        ),
    )  # fmt: skip


def _how_exactly(command: str) -> str:
    if "--minutes" in command.split():
        return "This command repeats the training; limited by time, it learns as much as the computer manages then."
    return "With the same data, the same versions and the same kind of computer this command repeats the training."


def _copy_button() -> Html:
    return tag("button", "Copy", type="button", class_="copy", hidden=True)


def _hardware(training: Training, versions: Mapping[str, str]) -> list[tuple[str, str | None]]:
    memory, seconds, in_all = training.peak_memory_mb, training.seconds, training.seconds_in_all
    return [
        ("Seed", NONE if training.seed is None else str(training.seed)),
        ("Computed on", _computed_on(training, versions)),
        ("Most memory", None if memory is None else f"{memory:,.0f}{NBSP}MB"),
        ("Time", None if seconds is None else f"{duration(seconds)} training"
         + (f", {duration(in_all)} in all" if in_all is not None else "")),
        ("Examples seen", number(training.examples)),
        ("Finished", (training.finished or NONE).replace("T", " ").replace("+00:00", " UTC")),
    ]  # fmt: skip


def _computed_on(training: Training, versions: Mapping[str, str]) -> str:
    device = training.device or NONE
    parts = [device.upper() if device in ("cpu", "mps") else device]
    if training.processors:
        parts.append(count(training.processors, "processor"))
    return ", ".join([*parts, versions["system"]] if "system" in versions else parts)


def _split_table(card: Card) -> Html:
    splits = card.data.splits
    heads = [tag("th", SPLIT_WORDS.get(split, split), scope="col", class_="n") for split in splits]
    rows = [
        tag("tr", tag("th", name(label), scope="row"),
            *[_cell(found.per_label.get(label)) for found in splits.values()])
        for label in card.labels
    ]  # fmt: skip
    sums: list[tuple[str, list[int | None]]] = [
        ("All", [sum(found.per_label.values()) for found in splits.values()]),
        ("of them recordings", [found.clips for found in splits.values()]),
        ("of them silence made from noise", [found.synthetic_silence for found in splits.values()]),
        ("Speakers", [found.speakers or None for found in splits.values()]),
    ]
    foot = [tag("tr", tag("th", title, scope="row"), *map(_cell, values)) for title, values in sums]
    return tag(
        "table", tag("caption", "Clips of every label in every split"), tag("thead", tag("tr", tag("td"), *heads)),
        tag("tbody", *rows), tag("tfoot", *foot), class_="plain counts",
    )  # fmt: skip


def _cell(value: int | None) -> Html:
    return tag("td", number(value), class_="n quiet" if not value else "n")


def _broken(store: ClipStore) -> list[Html]:
    if not store.broken:
        return [tag("p", "None: every recording could be read.")]
    said = f"{count(len(store.broken), 'recording')} could not be used"
    shown = store.broken[:MOST_BROKEN]
    more = f"; the first {MOST_BROKEN}:" if len(shown) < len(store.broken) else ":"
    head = tag("tr", tag("th", "Recording", scope="col"), tag("th", "Reason", scope="col"))
    rows = [tag("tr", tag("td", name(b.name)), tag("td", composed(b.reason))) for b in shown]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="plain broken")
    return [tag("p", said + more), scrolling("Broken recordings", table)]


def _settings(title: str, values: Mapping[str, Any]) -> Html:
    rows = [
        tag("tr", tag("th", key.replace("_", " "), scope="row"), tag("td", _plain(value)))
        for key, value in _flat(values)
    ]
    return tag("div", tag("h3", title), tag("table", tag("tbody", *rows), class_="settings"))


def _flat(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Settings within settings, one after the other."""
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        rows += _flat(value) if isinstance(value, Mapping) else [(key, value)]
    return rows


def _plain(value: Any) -> Html:
    if isinstance(value, bool):
        return join(["yes" if value else "no"])
    if isinstance(value, int | float):
        return join([number(value)])
    if isinstance(value, list | tuple):
        return join([" to ".join(_plain(part) for part in value)])
    return join([NONE if value is None else str(value)])
