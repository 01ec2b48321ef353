"""Test accuracy against the number of training clips of a word.

    python benchmarks/learning_curve.py
    python benchmarks/learning_curve.py --arch base --from without/encoder.onnx --clips 1 3 5 10 20 50 100 all

trains ``small`` on 5, 10, 20, 50, 100, 200 and all clips of every word, keywords and others alike, three times each.
Each time speakers are put into a random order (by the seed), one for all words, and of every word the clips of the
first speakers are taken, so that few clips are among the more and come from fewer speakers. Validation and test
stay whole. ``--from`` names a speech encoder that ``base`` starts from: for honest figures one that has not heard the
words (`python dev/encoder.py ... --without yes,no,...`). Writes results/learning_curve.csv (one row for each training),
results/learning_curve_mean.csv and
docs/images/learning_curve.png. A training that is complete in --out is not done again; ``--clips`` and ``--seeds``
do a part, and without a number after ``--clips`` nothing is trained, only tabulated.

An epoch has as many steps as a recipe wants at least (``least_steps / epochs``), so few clips come several times
in it: the recipe's epochs, and a validation after each, instead of a thousand. Intervals are of Student's t over
seeds, that is over trainings and choices of speakers, on the same test clips.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray
from trainings import finish, mean_of, options_of, outcome, outcomes

from hanmadi.data.examples import Examples
from hanmadi.labels import SILENCE, LabelSet
from hanmadi.plots.style import BLUE, GREY, finish_counts, new_figure, save_figure
from hanmadi.plots.style import finish as finish_axes

ALL: Final = "all"
CLIPS: Final = ("5", "10", "20", "50", "100", "200", ALL)
PICTURE: Final = REPOSITORY / "docs" / "images" / "learning_curve.png"


def first_clips(
    word: NDArray[np.integer[Any]], speaker: NDArray[np.integer[Any]], *, most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places (kept,) of at most so many clips of every word, those of the speakers whose turn comes first.

    word, speaker: (clips,) indices.
    """
    turn = rng.permutation(int(speaker.max()) + 1)[speaker]
    by_turn = np.argsort(turn, kind="stable")
    kept = [by_turn[word[by_turn] == w][:most] for w in np.unique(word)]
    return np.sort(np.concatenate(kept))


def cut(examples: Examples, labels: LabelSet, *, clips: str, seed: int, at_least: int) -> Examples:
    """So many clips of every word, over and over until there are ``at_least`` examples; silence is made to match."""
    store, rows = examples.store, examples.rows
    kept = np.arange(len(rows))
    if clips != ALL:
        rng = np.random.default_rng([seed, 1])
        kept = first_clips(store.word[rows], store.speaker[rows], most=int(clips), rng=rng)
    rows, found = rows[kept], examples.labels[kept]
    times = max(1, -(-at_least // len(rows)))
    rows, found = np.tile(rows, times), np.tile(found, times)
    counts = np.bincount(found, minlength=len(labels))
    of_keywords = round(float(np.mean([counts[labels.index_of(word)] for word in labels.keywords])))
    silence = np.full(of_keywords, labels.labels.index(SILENCE))
    return replace(examples, rows=rows, labels=np.concatenate([found, silence]))


def name_of(encoder: str) -> str:
    """What a table calls an encoder: none, the shipped one, or that it has not heard some words."""
    if encoder in ("none", "encoder"):
        return encoder
    from hanmadi.inference.encoder import SpeechEncoder

    return "without the words" if SpeechEncoder.open(encoder).about.without else "another"


def notes_of(train: Examples, labels: LabelSet) -> dict[str, Any]:
    """What there is to train on."""
    store, own = train.store, np.unique(train.rows)
    keywords = np.isin(store.word[own], [store.words.index(word) for word in labels.keywords])
    return {
        "training_clips": len(own), "clips_of_a_keyword": keywords.sum() / len(labels.keywords),
        "training_speakers": len(np.unique(store.speaker[own])),
    }  # fmt: skip


def work(folder: Path) -> None:
    """The child: train and write the result."""
    from hanmadi.models import architecture
    from hanmadi.models.encoder import fine_tuned
    from hanmadi.runs import Settings
    from hanmadi.training.budget import Hooks
    from hanmadi.training.dataset import open_dataset
    from hanmadi.training.train import encoder_of, train_on

    options = options_of(folder)
    settings = Settings(
        options["data"], options["arch"], epochs=options["epochs"], seed=options["seed"], pretrained=options["from"]
    )
    arch = architecture(settings.arch)
    dataset = open_dataset(settings, arch)
    part = partial(cut, dataset.examples["train"], dataset.labels, clips=options["clips"], seed=settings.seed)
    if encoder_of(settings, arch) is not None:
        arch = replace(arch, recipe=fine_tuned(arch.recipe, clips=len(np.unique(part(at_least=0).rows))))
    train = part(at_least=-(-arch.recipe.minimum_steps // arch.recipe.epochs) * arch.recipe.batch)
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)  # these are short: one that was stopped starts anew
    times: dict[str, float] = {}
    hooks = Hooks(
        on_start=lambda _: times.update(start=time.process_time()),
        on_epoch=lambda _: times.update(end=time.process_time()),
    )
    dataset = replace(dataset, examples=dataset.examples | {"train": train})
    card = train_on(dataset, arch, settings=settings, folder=run, hooks=hooks).card
    trained, test = card["training"], card["metrics"]["test"]
    result = {
        "arch": options["arch"], "encoder": name_of(options["from"]),
        "clips_per_word": options["clips"], "seed": options["seed"],
        **notes_of(train, dataset.labels),
        "epochs": trained["epochs"], "examples": trained["examples"],
        "cpu_minutes": round((times["end"] - times["start"]) / 60, 3),
        "wall_minutes": round(trained["seconds"] / 60, 3), "test_clips": test["clips"],
        "accuracy": round(test["accuracy"], 4), "low": round(test["interval"][0], 4),
        "high": round(test["interval"][1], 4),
    }  # fmt: skip
    finish(folder, result)


def mean_row(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The trainings of one network on as many clips of a word, as a row."""
    found = {name: rows[0][name] for name in ("arch", "encoder", "clips_per_word", "test_clips")}
    mean, low, high = mean_of([row["accuracy"] for row in rows])
    for name in ("clips_of_a_keyword", "training_clips", "training_speakers", "cpu_minutes"):
        found[name] = round(float(np.mean([row[name] for row in rows])), 2)
    rounded = {n: None if v is None else round(v, 4) for n, v in (("accuracy", mean), ("low", low), ("high", high))}
    return found | {"seeds": len(rows)} | rounded


def draw(rows: Sequence[dict[str, Any]], means: Sequence[dict[str, Any]], path: Path) -> None:
    """Every training a point, a line through the means with their intervals."""
    figure, (axes,) = new_figure(1, height_in=4.2, title="Test accuracy by number of recordings of a word")
    kinds = list(dict.fromkeys((mean["arch"], mean["encoder"]) for mean in means))
    for (arch, encoder), colour in zip(kinds, (BLUE, "#D55E00", "#009E73", "#56B4E9"), strict=False):
        line = [mean for mean in means if (mean["arch"], mean["encoder"]) == (arch, encoder)]
        x = [mean["clips_of_a_keyword"] for mean in line]
        y = np.array([100 * mean["accuracy"] for mean in line])
        ends = [[100 * mean[end] if mean[end] is not None else v for mean, v in zip(line, y, strict=True)]
                for end in ("low", "high")]  # fmt: skip
        label = f"{arch}, from nothing" if encoder == "none" else f"{arch}, encoder {encoder}"
        axes.errorbar(
            x, y, [y - ends[0], ends[1] - y], color=colour, linewidth=1.4, capsize=3, marker="o", markersize=5,
            label=label,
        )  # fmt: skip
    axes.legend(loc="lower right", frameon=False)
    axes.scatter(
        [row["clips_of_a_keyword"] for row in rows], [100 * row["accuracy"] for row in rows], s=10, color=GREY, zorder=3
    )
    axes.set_xscale("log")
    finish_counts(axes)
    axes.set_ylim(top=min(100, axes.get_ylim()[1]))
    finish_axes(axes, x="Training clips of a keyword", y="Test accuracy (%)")
    save_figure(figure, path)


def tabulate(folder: Path) -> None:
    """Everything complete in the folder, as tables and as a picture."""
    rows = sorted(
        outcomes(folder), key=lambda row: (row["arch"], row["encoder"], row["clips_of_a_keyword"], row["seed"])
    )
    if not rows:
        raise SystemExit(f"{folder}: holds no complete training")

    def kind_of(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["arch"], row["encoder"], row["clips_per_word"]

    kinds = dict.fromkeys(map(kind_of, rows))
    means = [mean_row([row for row in rows if kind_of(row) == kind]) for kind in kinds]
    for mean in means:
        print(json.dumps(mean))
    print(write_rows("learning_curve", rows), write_rows("learning_curve_mean", means))
    draw(rows, means, PICTURE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="small")
    parser.add_argument("--from", dest="encoder", default="none", help="none, encoder or the file of one")
    parser.add_argument("--clips", nargs="*", default=list(CLIPS), help="of a word, or all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", default="../shared/data/speech_commands")
    parser.add_argument("--out", type=Path, default=Path("runs/learning_curve"))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        work(given.child)
        return
    for clips in given.clips:
        for seed in given.seeds:
            options = {
                "arch": given.arch, "clips": clips, "seed": seed, "epochs": given.epochs, "threads": given.threads,
                "data": given.data, "from": given.encoder,
            }  # fmt: skip
            kind = f"{given.arch}-{name_of(given.encoder).replace(' ', '_')}"
            outcome(__file__, given.out / f"{kind}-{clips}-{seed}", options, threads=given.threads)
    tabulate(given.out)


if __name__ == "__main__":
    main()
