"""`train`: recordings in, a run folder out, with the model, its card, its figures and its report."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi import runs
from hanmadi.card import Card
from hanmadi.data.examples import Examples, make_examples, sampling_weights, with_hard_negatives, with_talk
from hanmadi.data.recordings import Talk, open_talk
from hanmadi.data.sources import open_source
from hanmadi.data.splits import DEFAULT_HOLDOUT, Method
from hanmadi.data.store import ClipStore, cached_store
from hanmadi.errors import MissingExtraError, TrainingError
from hanmadi.evaluation.evaluation import (
    Evaluation,
    judge,
    judge_made_silence,
    scores_of_rows,
    silence_bias,
    unknown_bias,
)
from hanmadi.files import write_text
from hanmadi.inference import model_file
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.labels import SILENCE, UNKNOWN, make_labels
from hanmadi.runs import (
    CARD,
    DEFAULT_ARCH,
    HISTORY,
    METRICS,
    REPORT,
    Settings,
    last_started,
    new_run_folder,
    read_settings,
    write_history,
    write_settings,
)
from hanmadi.training.card import card_at_start, metrics_of, trained, with_biases

if TYPE_CHECKING:
    from hanmadi.models.recipe import Recipe
    from hanmadi.models.registry import Architecture
    from hanmadi.runs import Epoch
    from hanmadi.training.loop import Budget, Step

_JUDGING_SECONDS: Final = 30.0
_MOST_BIAS: Final = 1.0  # of a keyword's logit, either way
_SYNTHETIC_SHARE: Final = 0.4  # of the epochs: synthetic speech is learnt sooner than people's


@dataclass(frozen=True)
class Hooks:
    """How a training tells what it does; the command shows a bar, a test looks on."""

    on_clips: Callable[[int], None] = lambda _: None  # recordings read so far
    on_start: Callable[[Card], None] = lambda _: None  # the card so far
    on_step: Callable[[Step], None] = lambda _: None
    on_epoch: Callable[[Epoch], None] = lambda _: None


@dataclass(frozen=True)
class Run:
    """A finished training."""

    folder: Path
    about: Card = field(repr=False)
    evaluation: Evaluation = field(repr=False)

    @property
    def card(self) -> dict[str, Any]:
        """`about` as plain values: ``card["metrics"]["test"]["accuracy"]``; a copy."""
        return self.about.to_dict()

    @property
    def model(self) -> Path:
        """The model file."""
        return self.folder / runs.FILE_NAME

    def load(self) -> Recognizer:
        """The trained recogniser."""
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
    talk: Iterable[str | os.PathLike[str]] = (),
    teachers: Iterable[str | os.PathLike[str]] = (),
    out: str | os.PathLike[str] | None = None,
    hooks: Hooks | None = None,
) -> Run:
    """Train a recogniser and write everything about it into a run folder.

    data: a folder ``<word>/*.wav``, a course ``.npz``, or None for synthetic speech. Ends after ``epochs`` or
    ``minutes``. ``holdout`` is the share of clips or speakers that test it where the data has no splits; as many choose
    its best epoch, unless ``validation`` is their share. ``hard_negatives`` is a folder that
    `hanmadi.evaluation.mining.mine` filled. ``talk`` are recordings, of any length, in which no keyword is said: learnt
    as unknown, and most of all what is taken for a keyword. ``teachers`` are folders of finished runs, of a larger
    network or of several, whose answers are learnt beside the labels. ``out`` must not hold another run; by default it
    is a new folder in ``runs/``.
    Raises DataError, LabelError, ModelError or TrainingError for what cannot be trained.
    """
    settings = Settings(
        None if data is None else str(data), arch, None if words is None else tuple(words), epochs, minutes,
        seed, split, holdout, validation, None if hard_negatives is None else str(hard_negatives),
        tuple(map(str, talk)), tuple(map(str, teachers)),
    )  # fmt: skip
    folder = Path(out) if out is not None else new_run_folder(arch)
    with runs.claimed(folder, new=True, made=out is None):
        return _run(settings, folder, hooks or Hooks(), resume=False)


def resume(
    out: str | os.PathLike[str] | None = None,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    hooks: Hooks | None = None,
) -> Run:
    """Go on with a training that was stopped; without ``out``, with the one started last.

    It loses at most the epoch it was in. ``epochs`` or ``minutes`` give it a new budget.
    """
    folder = Path(out) if out is not None else last_started()
    settings = read_settings(folder)
    if epochs is not None or minutes is not None:
        settings = replace(settings, epochs=epochs, minutes=minutes)
    with runs.claimed(folder, new=False):
        return _run(settings, folder, hooks or Hooks(), resume=True)


def _run(settings: Settings, folder: Path, hooks: Hooks, *, resume: bool) -> Run:
    try:
        import torch

        from hanmadi.features.torch import FrontEnd
        from hanmadi.models import architecture
        from hanmadi.training.distillation import load_teacher
        from hanmadi.training.loop import fit
        from hanmadi.training.state import Network, kept_epoch
    except ImportError as error:
        raise MissingExtraError("train", "training") from error
    started = time.monotonic()
    chosen = architecture(settings.arch)
    if settings.teachers:
        chosen = replace(chosen, recipe=chosen.recipe.with_teachers())
    labels = make_labels(settings.words)
    features = chosen.features
    taught_by = [load_teacher(run, labels=labels.labels, features=features) for run in settings.teachers]
    store = cached_store(
        open_source(settings.data, words=labels.keywords), sample_rate=features.sample_rate,
        seconds=features.seconds, progress=hooks.on_clips,
    )  # fmt: skip
    examples = make_examples(
        store, labels, split_method=settings.split, holdout=settings.holdout, validation=settings.validation,
        seed=settings.seed,
    )  # fmt: skip
    hard, talk = _hard_negatives(settings, store), _talk(settings, chosen, store)
    if hard is not None:
        examples["train"] = with_hard_negatives(examples["train"], hard)
    if talk is not None:
        examples["train"] = with_talk(examples["train"], talk.samples)
    write_settings(folder, settings, {"": store, "hard_": hard, "talk_": talk}, resume=resume)
    torch.manual_seed(settings.seed)
    body = chosen.build(features.shape, len(labels))
    card = card_at_start(settings, chosen, labels, store, examples, body)
    hooks.on_start(card)
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    budget = _budget(settings, chosen.recipe, len(examples["train"]))
    sampling = chosen.recipe.sampling
    weights = sampling_weights(examples["train"], labels, **asdict(sampling)) if sampling else None
    history = fit(
        Network(FrontEnd(features), body).to(device), examples, chosen.recipe, budget, seed=settings.seed,
        folder=folder, weights=weights, teachers=[teacher.to(device) for teacher in taught_by], resume=resume,
        on_step=hooks.on_step, on_epoch=hooks.on_epoch,
    )  # fmt: skip
    card = trained(card, history, kept_epoch(history, chosen.recipe), device, time.monotonic() - started)
    return _finish(folder, chosen, body, card, history, store, examples, weights)


def _budget(settings: Settings, recipe: Recipe, examples: int) -> Budget:
    """What was asked for, or the epochs of the recipe."""
    from hanmadi.training.loop import Budget

    if settings.epochs is None and settings.minutes is None:
        share = _SYNTHETIC_SHARE if settings.data is None else 1.0
        return Budget(max(1, round(share * recipe.epochs_for(examples))))
    return Budget(settings.epochs, None if settings.minutes is None else settings.minutes * 60)


def _hard_negatives(settings: Settings, store: ClipStore) -> ClipStore | None:
    """The clips of ``--hard-negatives``, as the network hears them; the folders' names do not matter."""
    if settings.hard_negatives is None:
        return None
    if not Path(settings.hard_negatives).is_dir():
        raise TrainingError(
            f"{settings.hard_negatives}: expected a folder of clips as hanmadi mine writes it, found none; "
            f"fill it with: hanmadi mine RECORDING... --out {settings.hard_negatives}"
        )
    return cached_store(open_source(settings.hard_negatives), sample_rate=store.sample_rate, seconds=store.seconds)


def _talk(settings: Settings, chosen: Architecture, store: ClipStore) -> Talk | None:
    """The recordings of ``--talk``, at the network's rate."""
    if not settings.talk:
        return None
    if not (chosen.recipe.augment and chosen.recipe.augmentation.running_p):
        raise TrainingError(
            f"{chosen.name} is trained without running speech, so it cannot learn from --talk; choose another --arch, "
            "such as small, or use --hard-negatives"
        )
    return open_talk(settings.talk, sample_rate=store.sample_rate, least_seconds=store.seconds)


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
    """Export, judge the exported file, and write card, figures and report."""
    from hanmadi.export.onnx import export_onnx
    from hanmadi.report.page import write_report

    model = folder / runs.FILE_NAME
    export_onnx(model, chosen.features, body, card)
    recognizer = load(model, threads=os.cpu_count() or 1)
    if weights is not None:
        biases = _biases(recognizer, store, examples, weights)
        card = with_biases(card, biases)
        export_onnx(model, chosen.features, body, card, bias=biases)
        recognizer = load(model, threads=os.cpu_count() or 1)
    judging = time.monotonic()
    evaluation = judge(recognizer, store, examples["test"].rows, "test")
    per_clip = (time.monotonic() - judging) / evaluation.clips
    made, right = judge_made_silence(recognizer, examples["test"])
    evaluation = replace(evaluation, made_silence=made, made_silence_right=right)
    metrics = metrics_of(recognizer, examples, evaluation, at_most=int(_JUDGING_SECONDS / per_clip))
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
