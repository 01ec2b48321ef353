"""What the figures rest on, and all that is needed to get them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

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


def data(card: dict[str, Any], store: ClipStore) -> Html:
    """Clips of every split and label, what was heard beside them, and what was broken."""
    about = card["data"]
    rows = [
        ("Recordings", name(about["source"])),
        ("Licence", about.get("licence") or "not stated by the data"),
        ("Attribution", about.get("attribution")),
        ("Talk without a keyword", _talk(about.get("talk"))),
        ("Hard negatives", _hard_negatives(about.get("hard_negatives"))),
        ("Teachers", ", ".join(map(composed, card["training"].get("teachers", ()))) or None),
        ("Split", _held_out(about)),
        ("Fingerprint", tag("code", str(about.get("fingerprint", NONE)))),
    ]
    return section(
        "data",
        "What it learned from",
        facts(rows),
        scrolling("Clips of every split and label", _split_table(card)),
        tag("h3", "Broken recordings"),
        *_broken(store),
    )


def _held_out(about: dict[str, Any]) -> str:
    method, holdout, validation = about.get("method"), about.get("holdout"), about.get("validation")
    if method == "official":
        return "official lists"
    if validation is None:
        return f"{method}, {number(holdout)} held out for each"
    return f"{method}, {number(validation)} held out for validation, {number(holdout)} for test"


def _talk(found: dict[str, Any] | None) -> str | None:
    return f"{', '.join(map(composed, found['sources']))}, {duration(found['seconds'])}" if found else None


def _hard_negatives(found: dict[str, Any] | None) -> str | None:
    return f"{composed(found['source'])}, {count(found['clips'], 'clip')}" if found else None


def repeat(card: dict[str, Any]) -> Html:
    """The command, recipe, versions and hardware; the complete card."""
    training, versions = card["training"], card.get("versions", {})
    command = str(training.get("command", ""))
    text = json.dumps(card, indent=1, ensure_ascii=False)
    return section(
        "repeat",
        "Do it again",
        tag("p", _how_exactly(command)),
        tag("div", tag("pre", tag("code", command)), _copy_button(), class_="command"),
        facts(_hardware(training, versions)),
        tag(
            "div", _settings("Recipe", training.get("recipe", {})), _settings("Features", card.get("features", {})),
            _settings("Versions", versions), class_="columns",
        ),
        tag(
            "details", tag("summary", "The complete card, as it is stored in the model file"),
            scrolling("Card as JSON", tag("pre", tag("code", text))), class_="card-json",
        ),
    )  # fmt: skip


def _how_exactly(command: str) -> str:
    if "--minutes" in command.split():
        return "This command repeats the training; limited by time, it learns as much as the computer manages then."
    return "With the same data, the same versions and the same kind of computer this command repeats the training."


def _copy_button() -> Html:
    return tag("button", "Copy", type="button", class_="copy", hidden=True)


def _hardware(training: dict[str, Any], versions: dict[str, Any]) -> list[tuple[str, str | None]]:
    memory = training.get("peak_memory_mb")
    seconds, in_all = training.get("seconds"), training.get("seconds_in_all")
    return [
        ("Seed", str(training.get("seed", NONE))),
        ("Computed on", _computed_on(training, versions)),
        ("Most memory", None if memory is None else f"{memory:,.0f}{NBSP}MB"),
        ("Time", None if seconds is None else f"{duration(seconds)} training"
         + (f", {duration(in_all)} in all" if in_all is not None else "")),
        ("Examples seen", number(training.get("examples"))),
        ("Finished", str(training.get("finished", NONE)).replace("T", " ").replace("+00:00", " UTC")),
    ]  # fmt: skip


def _computed_on(training: dict[str, Any], versions: dict[str, Any]) -> str:
    device = str(training.get("device", NONE))
    processors = training.get("processors")
    parts = [device.upper() if device in ("cpu", "mps") else device]
    if processors:
        parts.append(count(processors, "processor"))
    return ", ".join([*parts, str(versions["system"])] if "system" in versions else parts)


def _split_table(card: dict[str, Any]) -> Html:
    splits: dict[str, Any] = card["data"].get("splits", {})
    heads = [tag("th", SPLIT_WORDS.get(split, split), scope="col", class_="n") for split in splits]
    rows = [
        tag("tr", tag("th", name(label), scope="row"),
            *[_cell(found.get("per_label", {}).get(label)) for found in splits.values()])
        for label in card["labels"]
    ]  # fmt: skip
    sums = [
        ("All", [sum(found.get("per_label", {}).values()) for found in splits.values()]),
        ("of them recordings", [found.get("clips") for found in splits.values()]),
        ("of them silence made from noise", [found.get("made_silence") for found in splits.values()]),
        ("Speakers", [found.get("speakers") or None for found in splits.values()]),
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
