"""`train`: recordings in, a run folder out, with the model, its card, its figures and its report."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import runs
from hanmadi.card import Card
from hanmadi.data.examples import Examples
from hanmadi.data.methods import DEFAULT_HOLDOUT, Method
from hanmadi.data.store import ClipStore
from hanmadi.errors import MissingExtraError
from hanmadi.evaluation.evaluation import (
    Evaluation,
    evaluate_clips,
    evaluate_synthetic_silence,
    scores_of_rows,
    silence_bias,
    unknown_bias,
)
from hanmadi.files import write_text
from hanmadi.inference import model_file
from hanmadi.inference.encoder import SHIPPED_ENCODER, read_weights
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.labels import SILENCE, UNKNOWN, make_labels
from hanmadi.runs import (
    CARD,
    DEFAULT_ARCH,
    HISTORY,
    METRICS,
    NOTHING,
    REPORT,
    SHIPPED,
    Settings,
    last_started,
    new_run_folder,
    settings_to_resume,
    write_history,
    write_settings,
)
from hanmadi.training.budget import NO_HOOKS, Budget, Hooks
from hanmadi.training.card import card_at_start, metrics_of, trained, with_biases
from hanmadi.training.dataset import Dataset, open_dataset
from hanmadi.training.order import recipe_weights

if TYPE_CHECKING:
    from torch import nn

    from hanmadi.models.recipe import Recipe
    from hanmadi.models.registry import Architecture
    from hanmadi.runs import Epoch

_MOST_BIAS: Final = 1.0  # of a keyword's logit, either way
_SYNTHETIC_SHARE: Final = 0.4  # of the epochs: synthetic speech is learnt sooner than people's


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, its card and its evaluation on the test clips."""

    folder: Path
    about: Card = field(repr=False)
    evaluation: Evaluation = field(repr=False)

    @property
    def card(self) -> dict[str, Any]:
        """`about` as plain values: ``card["metrics"]["test"]["accuracy"]``; a copy."""
        return self.about.to_dict()

    @property
    def model(self) -> Path:
        """The path of the model file that the training wrote."""
        return self.folder / runs.FILE_NAME

    def load(self) -> Recognizer:
        """Open the model file as a recogniser."""
        return load(self.folder)


def train(
    data: str | os.PathLike[str] | None = None,
    *,
    arch: str = DEFAULT_ARCH,
    words: Iterable[str] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    split: Method = "auto",
    holdout: float = DEFAULT_HOLDOUT,
    validation: float | None = None,
    hard_negatives: str | os.PathLike[str] | None = None,
    negatives: Iterable[str | os.PathLike[str]] = (),
    teachers: Iterable[str | os.PathLike[str]] = (),
    pretrained: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    hooks: Hooks = NO_HOOKS,
    talk: Iterable[str | os.PathLike[str]] = (),  # the former name of negatives
) -> Run:
    """Train a recogniser and write everything about it into a run folder.

    data: a folder ``<word>/*.wav``, a course ``.npz``, or None for synthetic speech. Ends after ``epochs`` or
    ``minutes``. ``holdout`` is the share of clips or speakers that test it where the data has no splits; as many choose
    its best epoch, unless ``validation`` is their share. ``hard_negatives`` is a folder that
    `hanmadi.evaluation.mining.mine` filled. ``negatives`` (formerly ``talk``) are recordings, of any length, in which
    no keyword is said: learnt as unknown, and most of all what is taken for a keyword. ``teachers`` are folders of
    finished runs, of a larger network or of several, whose answers are learnt beside the labels. ``pretrained`` is what
    the network starts from: "encoder", the shipped speech encoder, or the file of another one, or "none"; by default
    ``base`` starts from the encoder, and the others, which have other layers, from nothing. ``out`` must not hold
    another run; by default it is a new folder in ``runs/``.
    Raises DataError, LabelError, ModelError or TrainingError for what cannot be trained.
    """
    settings = Settings(
        None if data is None else str(data), arch, None if words is None else tuple(words), epochs, minutes,
        seed, split, holdout, validation, None if hard_negatives is None else str(hard_negatives),
        tuple(map(str, (*negatives, *talk))), tuple(map(str, teachers)),
        None if pretrained is None else str(pretrained),
    )  # fmt: skip
    return train_as(settings, out=out, hooks=hooks)


def train_as(settings: Settings, *, out: str | os.PathLike[str] | None = None, hooks: Hooks = NO_HOOKS) -> Run:
    """`train` with its options as one value."""
    folder = Path(out) if out is not None else new_run_folder(settings.arch)
    with runs.claimed(folder, new=True, made=out is None):
        return _run(settings, folder, hooks, resume=False)


def resume(
    out: str | os.PathLike[str] | None = None,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    hooks: Hooks = NO_HOOKS,
) -> Run:
    """Go on with a training that was stopped; without ``out``, with the one started last.

    It loses at most the epoch it was in. ``epochs`` or ``minutes`` give it a new budget.
    """
    folder = Path(out) if out is not None else last_started()
    settings = settings_to_resume(folder)
    if epochs is not None or minutes is not None:
        settings = replace(settings, epochs=epochs, minutes=minutes)
    with runs.claimed(folder, new=False):
        return _run(settings, folder, hooks, resume=True)


def _run(settings: Settings, folder: Path, hooks: Hooks, *, resume: bool) -> Run:
    try:
        from hanmadi.models import architecture
        from hanmadi.models.encoder import fine_tuned
        from hanmadi.training.distillation import load_teacher
    except ImportError as error:
        raise MissingExtraError("train", "training") from error
    started_s = time.monotonic()
    chosen, labels = architecture(settings.arch), make_labels(settings.words)
    if settings.teachers:
        chosen = replace(chosen, recipe=chosen.recipe.with_teachers())
    teachers = [load_teacher(run, labels=labels.labels, features=chosen.features) for run in settings.teachers]
    dataset = open_dataset(settings, chosen, progress=hooks.on_clips)
    if encoder_of(settings, chosen) is not None:
        clips = len(np.unique(dataset.examples["train"].rows))
        chosen = replace(chosen, recipe=fine_tuned(chosen.recipe, clips=clips))
    return train_on(
        dataset, chosen, settings=settings, folder=folder, teachers=teachers, resume=resume, hooks=hooks,
        started_s=started_s,
    )  # fmt: skip


def encoder_of(settings: Settings, architecture: Architecture) -> Path | None:
    """The file of the speech encoder that a training starts from; None where it starts from nothing."""
    named = settings.pretrained
    if named is None:
        named = SHIPPED if architecture.pretrained else NOTHING
    return None if named == NOTHING else SHIPPED_ENCODER if named == SHIPPED else Path(named)


def train_on(
    dataset: Dataset,
    architecture: Architecture,
    *,
    settings: Settings,
    folder: Path,
    budget: Budget | None = None,
    teachers: Sequence[nn.Module] = (),
    resume: bool = False,
    hooks: Hooks = NO_HOOKS,
    started_s: float | None = None,
) -> Run:
    """`train` on recordings that are open: fit the architecture's network, evaluate it, write the run folder.

    The recipe is the architecture's. ``settings`` say what a person chose: the seed, for the card the rest, and the
    budget where none is given. started_s: `time.monotonic()` when the training began, if that was before now.
    """
    from hanmadi.models.encoder import start_from
    from hanmadi.models.precision import learns_in_bfloat16
    from hanmadi.training.loop import fit
    from hanmadi.training.state import device_of, kept_epoch, new_network

    started_s = time.monotonic() if started_s is None else started_s
    store, examples, recipe = dataset.store, dataset.examples, architecture.recipe
    write_settings(folder, settings, {"": store, "hard_": dataset.hard, "talk_": dataset.negatives}, resume=resume)
    network = new_network(architecture, len(dataset.labels), seed=settings.seed)
    body, device = network.body, device_of(network)
    if (encoder := encoder_of(settings, architecture)) is not None:
        start_from(body, read_weights(encoder), origin=encoder)
    card = card_at_start(settings, architecture, dataset.labels, store, examples, body)
    hooks.on_start(card)
    weights = recipe_weights(examples["train"], recipe)
    history = fit(
        network, examples, recipe, budget or budget_of(settings, recipe, len(examples["train"])), seed=settings.seed,
        folder=folder, weights=weights, teachers=[teacher.to(device) for teacher in teachers], resume=resume,
        hooks=hooks,
    )  # fmt: skip
    kept, seconds = kept_epoch(history, recipe), time.monotonic() - started_s
    short = learns_in_bfloat16(body, device, wanted=recipe.bfloat16, taught=bool(teachers))
    card = trained(card, history, kept, device.type, seconds, bfloat16=short)
    return _finish(folder, architecture, body, card, history, store, examples, weights)


def budget_of(settings: Settings, recipe: Recipe, examples: int) -> Budget:
    """What was asked for, or the epochs of the recipe for so many training examples."""
    if settings.epochs is None and settings.minutes is None:
        share = _SYNTHETIC_SHARE if settings.data is None else 1.0
        return Budget(max(1, round(share * recipe.epochs_for(examples))))
    return Budget(settings.epochs, None if settings.minutes is None else settings.minutes * 60)


def _finish(
    folder: Path,
    chosen: Architecture,
    body: Any,
    card: Card,
    history: list[Epoch],
    store: ClipStore,
    examples: dict[str, Examples],
    weights: NDArray[np.float64] | None,
) -> Run:
    """Export, evaluate the exported file, and write card, figures and report."""
    from hanmadi.export.onnx import export_onnx
    from hanmadi.models.cost import macs
    from hanmadi.report.page import write_report

    model = folder / runs.FILE_NAME
    export_onnx(model, chosen.features, body, card)
    recognizer = load(model, threads=os.cpu_count() or 1)
    if weights is not None:
        biases = _biases(recognizer, store, examples, weights)
        card = with_biases(card, biases)
        export_onnx(model, chosen.features, body, card, bias=biases)
        recognizer = load(model, threads=os.cpu_count() or 1)
    evaluation = evaluate_clips(recognizer, store, examples["test"].rows, "test")
    made, right = evaluate_synthetic_silence(recognizer, examples["test"])
    evaluation = replace(evaluation, synthetic_silence=made, synthetic_silence_right=right)
    metrics = metrics_of(recognizer, examples, evaluation, macs=macs(body, chosen.features.shape))
    card = replace(card, metrics=metrics)
    model_file.write_card(model, card)
    write_history(folder / HISTORY, history)
    write_text(folder / METRICS, json.dumps(card.to_dict()["metrics"] | {"test": evaluation.to_dict()}, indent=1))
    write_text(folder / CARD, card.to_json(indent=1))
    write_report(folder / REPORT, card=card, history=history, evaluation=evaluation, store=store)
    return Run(folder, card, evaluation)


def _biases(
    recognizer: Recognizer, store: ClipStore, examples: dict[str, Examples], weights: NDArray[np.float64]
) -> list[float]:
    """What is added to each label's logit, as training does not draw the labels as often as they are said.

    Keywords are taken to be said equally often (Menon et al., "Long-tail learning via logit adjustment", arXiv
    2007.07314); unknown, then silence, are chosen on validation words, see `hanmadi.evaluation.evaluation`.
    """
    labels, validation = recognizer.labels, examples["validation"]
    drawn = np.bincount(examples["train"].labels, weights, minlength=len(labels))
    keywords = np.array([label not in (UNKNOWN, SILENCE) for label in labels])
    often = np.log(np.maximum(drawn, np.finfo(np.float64).tiny))
    biases = np.where(keywords, np.clip(often[keywords].mean() - often, -_MOST_BIAS, _MOST_BIAS), 0.0).round(3)
    heard = validation.labels[: len(validation.rows)]
    spoken = np.flatnonzero(heard != labels.index(SILENCE)) if SILENCE in labels else np.arange(len(heard))
    scores, targets = scores_of_rows(recognizer, store, validation.rows[spoken]), heard[spoken]
    for label, choose in ((UNKNOWN, unknown_bias), (SILENCE, silence_bias)):
        if label in labels:
            place = labels.index(label)
            biases[place] = choose(scores * np.exp(biases), targets, place)
    return [float(bias) for bias in biases]
