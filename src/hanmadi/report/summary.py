"""The answer first: how often it is right, how sure that figure is, and what the gap says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from hanmadi.card import Accuracy, Card
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.report.html import (  # fmt: skip
    NBSP,
    Html,
    count,
    duration,
    facts,
    interval,
    join,
    name,
    percent,
    points,
    section,
    si,
    tag,
)

if TYPE_CHECKING:
    from hanmadi.evaluation.evaluation import Evaluation

FEW_CLIPS: Final = 300  # below it the 95 % interval of an accuracy of 90 % is wider than 7 points
FEW_A_LABEL: Final = 10
SURE: Final = 0.9  # a score that a person may take as a yes
_Z: Final = 1.96  # standard errors of a 95 % interval
_LOW_FIT: Final = 0.7  # training accuracy below which a network has not learned its own clips


def answer(card: Card, evaluation: Evaluation) -> Html:
    """Accuracy with its interval, the gap in a sentence, warnings, and the facts of model and training."""
    figure = tag(
        "p",
        tag("span", percent(evaluation.accuracy), class_="big"),
        tag("span", f"of {count(evaluation.clips, 'test clip')} answered rightly", class_="big-note"),
        class_="answer",
    )
    certain = tag(
        "p",
        f"{evaluation.right:,} of {evaluation.clips:,}; 95{NBSP}% interval ",
        tag("strong", interval(*evaluation.interval)),
        class_="interval",
    )
    return section(
        "answer",
        "How well it hears",
        *warnings_of(card, evaluation),
        tag("div", tag("div", figure, certain, _baseline(evaluation)), _splits(card, evaluation), class_="hero"),
        facts(_facts(card, evaluation)),
    )


def gap_in_words(train: Accuracy, validation: Accuracy) -> str:
    """What the difference between training and validation accuracy says: one plain sentence."""
    gap = train.accuracy - validation.accuracy
    noise = _Z * math.sqrt(sum(_variance(split) for split in (train, validation)))
    if train.accuracy < _LOW_FIT and gap < 0.1:
        return (
            "Underfitting: it does not answer even its own training clips well. Train longer, or choose a "
            "larger network."
        )
    if abs(gap) <= noise:
        return (
            f"No sign of overfitting: the gap is within what so few clips can tell apart (±{100 * noise:.1f} points)."
        )
    if gap < 0:
        return "No overfitting: the validation clips are even easier for it than those it was trained on."
    if gap < 0.03:
        return "Slight overfitting: it knows its training clips a little better than new ones."
    if gap < 0.1:
        return (
            "Overfitting: it knows its training clips clearly better than new ones. More recordings, "
            "augmentation or a smaller network would help."
        )
    return (
        "Strong overfitting: it has learned many training clips by heart. More recordings, augmentation or a "
        "smaller network would help."
    )


def _test_in_words(validation: Accuracy, test: Accuracy) -> str | None:
    """A sentence when test and validation differ by more than chance; None otherwise."""
    difference = test.accuracy - validation.accuracy
    if abs(difference) <= _Z * math.sqrt(_variance(validation) + _variance(test)):
        return None
    kind = "easier" if difference > 0 else "harder"
    return f" The test clips are {kind} for it than the validation clips: other speakers or another mix of words."


def warnings_of(card: Card, evaluation: Evaluation) -> list[Html]:
    """Boxes about what makes the figure worth less than it looks."""
    found: list[tuple[str, str]] = []
    if card.data.method == "random":
        found.append((
            "This accuracy flatters.",
            "The clips were split at random, so the same speaker may be in training and in test. Strangers will be "
            "understood less well. Name the files by speaker and use --split speaker for an honest figure.",
        ))  # fmt: skip
    if evaluation.data == "synth":
        found.append((
            "These are not people.",
            "Training and test clips are synthetic speech. Judge the model on recordings before you trust it: "
            "hanmadi evaluate --data FOLDER.",
        ))  # fmt: skip
    if evaluation.clips < FEW_CLIPS:
        found.append((
            "Few clips.",
            f"With {count(evaluation.clips, 'test clip')} the true accuracy may be anywhere from "
            f"{interval(*evaluation.interval)}. Compare models only by differences larger than that.",
        ))  # fmt: skip
    thin = [scores.label for scores in evaluation.per_label if 0 < scores.count < FEW_A_LABEL]
    if thin and evaluation.clips >= FEW_CLIPS:
        found.append((
            "Few clips of some labels.",
            f"Fewer than {FEW_A_LABEL} test clips: {', '.join(thin)}. Their own figures say little.",
        ))  # fmt: skip
    return [tag("aside", tag("strong", title), " ", text, class_="warning") for title, text in found]


def _baseline(evaluation: Evaluation) -> Html:
    most = np.bincount(evaluation.truth, minlength=len(evaluation.labels))
    label = evaluation.labels[int(most.argmax())]
    top = evaluation.scores.max(axis=1)
    sure = top >= SURE
    right = int((evaluation.predicted == evaluation.truth)[sure].sum())
    text: list[str] = [
        "Always answering “", name(label), f"” would be right {percent(float(most.max() / most.sum()))} of the time. ",
    ]  # fmt: skip
    if sure.any():
        text.append(
            f"When it is sure (score {SURE} or more: {percent(float(sure.mean()))} of the clips) it is right "
            f"{percent(right / int(sure.sum()))} of the time."
        )
    return tag("p", *text, class_="note")


# ---- training, validation, test on one scale ----


def _splits(card: Card, evaluation: Evaluation) -> Html | None:
    train, validation = card.metrics.train, card.metrics.validation
    if train is None or validation is None:
        return None
    test = Accuracy(evaluation.clips, evaluation.accuracy, evaluation.interval)
    shown = [("Training", train), ("Validation", validation), ("Test", test)]
    lowest = min(split.interval[0] for _, split in shown)
    floor = max(0.0, math.floor(lowest * 20 - 0.2) / 20)  # a round number a little below
    rows = [_split_row(title, split, floor) for title, split in shown]
    scale = tag(
        "tr", tag("td"), tag("td", tag("span", f"{100 * floor:.0f}"), tag("span", f"100{NBSP}%"), class_="ends"),
        tag("td"), aria_hidden="true",
    )  # fmt: skip
    caption = tag("caption", f"Accuracy with 95{NBSP}% interval, clips as recorded", class_="quiet")
    table = tag("table", caption, tag("tbody", *rows, scale), class_="strip")
    gap = train.accuracy - validation.accuracy
    sentence = tag(
        "p", "Gap between training and validation: ", tag("strong", points(gap)), ". ",
        gap_in_words(train, validation), _test_in_words(validation, test),
        class_="gap-says",
    )  # fmt: skip
    return tag("div", table, sentence, class_="splits")


def _split_row(title: str, split: Accuracy, floor: float) -> Html:
    def place(share: float) -> str:
        return f"{100 * (share - floor) / (1 - floor):.2f}%" if floor < 1 else "100%"

    low, high = split.interval
    middle = place(split.accuracy)
    drawing = tag(
        "svg",
        tag("line", x1="0", x2="100%", y1="9", y2="9", class_="track"),
        tag("line", x1=place(low), x2=place(high), y1="9", y2="9", class_="range"),
        tag("circle", cx=middle, cy="9", r="4.5", class_="dot"),
        height="18", width="100%", aria_hidden="true",
    )  # fmt: skip
    value = join([tag("b", percent(split.accuracy)), tag("small", count(split.clips, "clip"))])
    return tag(
        "tr", tag("th", title, scope="row"), tag("td", drawing), tag("td", value, class_="n"),
        title=f"{title}: 95 % interval {interval(low, high)}", class_=title.lower(),
    )  # fmt: skip


def _facts(card: Card, evaluation: Evaluation) -> list[tuple[str, str | None]]:
    architecture, training = card.architecture, card.training
    seconds, epochs = training.seconds, training.epochs
    made, method = evaluation.synthetic_silence, card.data.method or ""
    cost = f"{si(architecture.parameters)} parameters, {si(architecture.macs, 'MAC')} a clip"
    trained = f"{duration(seconds)}, {count(epochs, 'epoch')}" if seconds is not None and epochs else None
    silence = None
    if made:
        right = evaluation.synthetic_silence_right
        low_high = interval(*wilson_interval(right, made))
        silence = f"{right:,} of {made:,} called silence: {percent(right / made)} ({low_high})"
    return [
        ("Data", name(evaluation.data)),
        ("Split", _METHOD_WORDS.get(method, method)),
        ("Model", join([tag("b", architecture.name), f": {architecture.summary}"])),
        ("Cost", cost),
        ("Sound", f"{card.seconds:g}{NBSP}s at {card.sample_rate:,}{NBSP}Hz"),
        ("Training", trained),
        ("Seed", "–" if training.seed is None else str(training.seed)),
        ("Silence made from unheard noise", silence),
        (
            "Not judged",
            f"{count(evaluation.left_out, 'clip')} of words without a label, "
            f"{count(evaluation.broken, 'broken recording')}",
        ),
    ]


_METHOD_WORDS: Final = {
    "official": "the official lists of the data",
    "speaker": "by speaker: nobody is in two splits",
    "random": "at random: speakers may be in several splits",
}


def _variance(split: Accuracy) -> float:
    """Of an accuracy; as if one more clip were right and one wrong, so that 100 % too has some."""
    n = split.clips + 2
    share = (split.accuracy * split.clips + 1) / n
    return float(share * (1 - share) / n)
