"""How many clips a second a training learns from, augmentation and all, and where the time goes.

    python benchmarks/training_speed.py              # writes results/training_speed.csv
    python benchmarks/training_speed.py --archs small

A whole second epoch of each network on real clips, three times, with the running speech that is made for it, but not
the validation after it. ``clips_per_second`` is of the best round, as other work on the machine only ever takes time
away, and ``median_clips_per_second`` of the middle one. The other columns are processor time of one thread,
microseconds a clip, of each part alone: reading and altering waveforms with their features (``preparation_us``), the
network forwards and backwards (``network_us``), and what follows once a batch (``step_us``: adding gradients,
clipping, the optimiser, the average of the weights).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import REPOSITORY, write_rows
from torch.nn import functional

from hanmadi.data.examples import Examples
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.models import Architecture, architecture
from hanmadi.runs import Settings
from hanmadi.training.batches import prepare
from hanmadi.training.budget import Budget, Hooks
from hanmadi.training.dataset import open_dataset
from hanmadi.training.loop import apply_gradients, fit
from hanmadi.training.state import Network, new_network, start

DATA = REPOSITORY.parent / "shared" / "data" / "speech_commands"
ROUNDS = 3
REPEATS = 20  # of a part alone


def clips_per_second(arch: Architecture, examples: dict[str, Examples], labels: LabelSet, *, seed: int) -> float:
    """Over a whole epoch, after one that makes what is made once."""
    ends: list[float] = []  # of epochs, their validation included
    steps: list[float] = []
    hooks = Hooks(
        on_step=lambda _: steps.append(time.perf_counter()), on_epoch=lambda _: ends.append(time.perf_counter())
    )
    network = new_network(arch, len(labels), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        history = fit(network, examples, arch.recipe, Budget(2), seed=seed, folder=Path(folder), hooks=hooks)
    return (history[1].examples - history[0].examples) / (steps[-1] - ends[0])


def parts(arch: Architecture, examples: Examples, labels: LabelSet) -> dict[str, int]:
    """Processor time of each part alone, one thread, microseconds a clip."""
    torch.set_num_threads(1)
    rng, recipe = np.random.default_rng(0), arch.recipe
    body = arch.build(arch.features.shape, len(labels)).train()
    network = Network(FrontEnd(arch.features), body)
    training = start(network, recipe, Path(), resume=False)
    shard = rng.choice(len(examples), recipe.batch // recipe.shards, replace=False)
    preparation = prepare(network.front_end, examples, recipe, rng=rng)
    features = preparation(shard, device=torch.device("cpu"), rng=rng)
    targets = torch.from_numpy(examples.labels[shard])

    def learn() -> None:
        for twin in training.bodies:
            twin.zero_grad(set_to_none=True)
            functional.cross_entropy(twin(features), targets).backward()  # type: ignore[no-untyped-call]

    def step() -> None:
        apply_gradients(training, recipe, shards=recipe.shards, learning_rate=recipe.learning_rate)

    learn()
    return {
        "preparation_us": _per_clip(lambda: preparation(shard, device=torch.device("cpu"), rng=rng), len(shard)),
        "network_us": _per_clip(learn, len(shard) * recipe.shards),
        "step_us": _per_clip(step, recipe.batch),
    }


def _per_clip(work: Callable[[], Any], clips: int) -> int:
    """The best of some repeats."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return round(min(times) / clips * 1e6)


def measure(name: str, data: Path) -> dict[str, Any]:
    """One row."""
    arch, threads = architecture(name), torch.get_num_threads()
    dataset = open_dataset(Settings(str(data), name), arch)
    examples, labels = dataset.examples, dataset.labels
    rates = sorted(clips_per_second(arch, examples, labels, seed=seed) for seed in range(ROUNDS))
    try:
        alone = parts(arch, examples["train"], labels)
    finally:
        torch.set_num_threads(threads)
    return {
        "arch": name, "threads": threads, "batch": arch.recipe.batch, "shards": arch.recipe.shards,
        "clips_per_second": round(rates[-1]), "median_clips_per_second": round(rates[len(rates) // 2]), **alone,
        "data": data.name, "seed": "0 to 2",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--archs", nargs="+", default=["tiny", "small", "small_8k", "base"])
    options = parser.parse_args()
    rows = [measure(name, options.data) for name in options.archs]
    for row in rows:
        print(row)
    print(write_rows("training_speed", rows))


if __name__ == "__main__":
    main()
