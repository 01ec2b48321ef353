"""What ``hanmadi info MODEL`` and ``hanmadi export`` show."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from hanmadi.card import FORMAT, Card
from hanmadi.cli.output import one_line, print_json, say, show, table
from hanmadi.export import parity, targets
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.labels import LabelSet

_INSTALLED: Final = ("hanmadi", "onnxruntime", "numpy", "soundfile", "soxr")
_INDENT: Final = 14


def show_model(model: str | None, *, as_json: bool) -> int:
    """Print what a model is, how good it is, and what it is not for."""
    recognizer = load(model)
    card = recognizer.about
    if as_json:
        print_json(
            {
                "path": str(recognizer.path), "bytes": recognizer.path.stat().st_size, "card": recognizer.card,
                "decisions": card.decision_config.to_dict(), "installed": installed(),
            }
        )  # fmt: skip
        return 0
    show(one_line(recognizer.path))
    lines = [*_what(recognizer), *_origin(card), *_metrics(card), *_decisions(card)]
    lines += [("limits", limit) for limit in card.limits]
    lines += [("made with", _versions(card.versions)), ("here", _versions(installed()))]
    last = None
    for name, text in lines:
        show(f"  {'' if name == last else name:{_INDENT}}{one_line(text)}")
        last = name
    return 0


def installed() -> dict[str, str]:
    """Versions of what recognises here."""
    found = {"python": platform.python_version()}
    for name in _INSTALLED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "?"
    return found


def export(model: str | None, *, to: str, out: str, data: str | None, as_json: bool) -> int:
    """Export a model and print the comparison."""
    report = targets.export(model, to=to, out=out, data=data)
    if as_json:
        print_json(report.to_dict())
    else:
        _show_report(report)
    written = targets.report_paths(Path(out), folder=targets.TARGETS[to].folder)
    say(f"{report.target}: {report.out}\nreport: {written[0]}, {written[1]}")
    return 0


def _show_report(report: parity.Report) -> None:
    if report.pairs:
        show(table(list(parity.HEADER), [parity.row(pair) for pair in report.pairs]) + "\n")
    if report.accuracy:
        show(table(*parity.accuracy_rows(report)) + "\n")
    for line in parity.facts(report):
        show(one_line(line))


_Lines = list[tuple[str, str]]


def _what(recognizer: Recognizer) -> _Lines:
    card, labels = recognizer.about, LabelSet(recognizer.labels)
    lines = [
        ("format", f"{FORMAT}, {recognizer.path.stat().st_size:,} bytes"),
        ("words", ", ".join(labels.keywords)),
        ("other labels", ", ".join(label for label in labels.labels if label not in labels.keywords) or "none"),
        ("hears", f"{card.seconds:g} s at {card.sample_rate} Hz"),
    ]
    network = card.architecture
    if network.name:
        cost = f"{network.parameters:,} parameters, {network.macs / 1e6:.1f} M MACs"
        lines.append(("network", f"{network.name}: {cost}"))
    if card.quantised:
        lines.append(("numbers", f"8 bits, calibrated on {card.quantised.calibration_clips} clips"))
    return lines


def _origin(card: Card) -> _Lines:
    data, training = card.data, card.training
    lines = [("data", f"{data.source}, licence: {data.licence or 'not told'}")] if data.source else []
    lines += [("data", data.attribution)] if data.attribution else []
    told = {"trained by": training.command, "teachers by": training.teachers_by}
    return lines + [(title, command) for title, command in told.items() if command]


def _metrics(card: Card) -> _Lines:
    """Accuracies: those of the 8-bit model where it is one and they are known."""
    own = card.quantised.metrics.by_split if card.quantised else {}
    lines = []
    for split, found in (own or card.metrics.by_split).items():
        low, high = found.interval
        text = f"{found.accuracy:.1%} of {found.clips:,} clips (95 % interval {low:.1%} to {high:.1%})"
        lines.append(("accuracy", f"{split.replace('_', ' ')}: {text}"))
    return lines


def _decisions(card: Card) -> _Lines:
    config, words = card.decision_config, LabelSet(card.labels).keywords
    thresholds = {word: config.threshold_of(word) for word in words}
    lines = [("live", f"averages {config.smoothing_s:g} s, rests {config.refractory_s:g} s after a word")]
    if len(set(thresholds.values())) == 1:
        lines.append(("live", f"threshold {thresholds[words[0]]:g}"))
    else:
        lines.append(("live", "thresholds " + ", ".join(f"{word} {value:g}" for word, value in thresholds.items())))
    if card.decisions is None or card.decisions.calibration is None:
        return [*lines, ("live", "not calibrated; see: hanmadi calibrate --help")]
    alarms = card.decisions.calibration.false_alarms
    return [*lines, ("live", f"calibrated: {alarms.count} false alarms in {alarms.hours:.2f} h of recordings")]


def _versions(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items()) or "not told"
