"""``hanmadi info``: what is in a sound file, or what a model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hanmadi.cli.options import DONE, SOME_FAILED, json_option
from hanmadi.cli.output import one_line, print_json, say, show
from hanmadi.errors import AudioError

if TYPE_CHECKING:
    from hanmadi.card import Card
    from hanmadi.inference.recognizer import Recognizer

_INSTALLED: Final = ("hanmadi", "onnxruntime", "numpy", "soundfile", "soxr")
_INDENT: Final = 14


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE|MODEL]...")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw waveform and spectrogram into this picture.")
@json_option
def info(files: Sequence[str], plot: str | None, as_json: bool) -> int:
    """What is in a sound file (rate, levels, codec), or what a model is (run folder, model file, shipped name).

    Without a name: the model that is used when none is named.
    """
    from hanmadi.inference.recognizer import names_model

    models = [file for file in files if names_model(file)]
    if plot and (len(files) != 1 or models):
        raise click.UsageError("--plot draws one sound file; name one FILE")
    failed = 0
    for file in files or (None,):
        if file is None or file in models:
            _show_model(file, as_json=as_json)
            continue
        try:
            _show_facts(file, as_json=as_json, plot=plot)
        except AudioError as error:
            say(f"error: {one_line(error)}")
            failed += 1
    return SOME_FAILED if failed else DONE


def _show_facts(file: str, *, as_json: bool, plot: str | None) -> None:
    """Print what is in a sound file; draw it if asked."""
    from dataclasses import asdict

    from hanmadi import audio

    facts = audio.facts(file)
    if as_json:
        print_json(asdict(facts))
    else:
        bits = f"{facts.bits} bits per sample" if facts.bits else "no fixed bits per sample (lossy)"
        show(
            f"{one_line(facts.path)}\n"
            f"  codec     {facts.codec}\n"
            f"  rate      {facts.sample_rate} Hz, {bits}, {facts.channels} channel{'s' * (facts.channels > 1)}\n"
            f"  duration  {facts.seconds:.3f} s ({facts.frames} samples)\n"
            f"  peak      {facts.peak:.4f} ({facts.peak_db:.1f} dB)\n"
            f"  RMS       {facts.rms:.4f} ({facts.rms_db:.1f} dB)\n"
            f"  clipped   {facts.clipped} samples"
        )
    if plot:
        from hanmadi.plots import waveform_and_spectrogram
        from hanmadi.plots.style import save_figure

        sound = audio.read(file)
        mono = audio.to_mono(sound.samples, sound.sample_rate)
        figure = waveform_and_spectrogram(mono, sound.sample_rate, title=Path(file).name)
        save_figure(figure, plot)
        say(f"picture: {plot}")


def _show_model(model: str | None, *, as_json: bool) -> None:
    """Print what a model is, how good it is, and what it is not for."""
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    card = recognizer.about
    if as_json:
        print_json(
            {
                "path": str(recognizer.path), "bytes": recognizer.path.stat().st_size, "card": recognizer.card,
                "decisions": card.decision_config.to_dict(), "installed": installed(),
            }
        )  # fmt: skip
        return
    show(one_line(recognizer.path))
    lines = [*_what(recognizer), *_origin(card), *_metrics(card), *_decisions(card)]
    lines += [("limits", limit) for limit in card.limits]
    lines += [("made with", _versions(card.versions)), ("here", _versions(installed()))]
    last = None
    for name, text in lines:
        show(f"  {'' if name == last else name:{_INDENT}}{one_line(text)}")
        last = name


def installed() -> dict[str, str]:
    """Versions of what recognises here."""
    import platform
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and no other command needs it

    found = {"python": platform.python_version()}
    for name in _INSTALLED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "?"
    return found


_Lines = list[tuple[str, str]]


def _what(recognizer: Recognizer) -> _Lines:
    from hanmadi.card import FORMAT
    from hanmadi.labels import LabelSet

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
    from hanmadi.labels import LabelSet

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
