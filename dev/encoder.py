"""Pretrain the speech encoder.

    python dev/encoder.py TARGETS CLIPS OUT [--without yes,no,...] [--epochs 20] [--crops 40000]

TARGETS is what `dev/speech_targets.py` wrote, CLIPS the folder whose noise recordings for training are mixed in. OUT
holds ``encoder.safetensors`` after each epoch; a pretraining that was stopped goes on. --without leaves out every
recording in which one of these words is said, so that what is claimed of new words can be measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hanmadi.audio.noise import NoiseBank, NoiseSource, Rng
from hanmadi.augment.noise_pool import noise_pool
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_noise
from hanmadi.data.store import cached_store
from hanmadi.models.registry import architecture
from hanmadi.training.pretraining import Corpus, Plan, Progress, pretrain

NOISES = 200  # of an epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--without", default="", help="words that are not heard, separated by commas")
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--crops", type=int, default=Plan.crops, help="of an epoch")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = architecture("encoder")
    store = cached_store(open_source(options.clips), sample_rate=encoder.features.sample_rate, seconds=1.0)
    bank = NoiseBank(split_noise(store)["train"], store.sample_rate, store.clip_samples, seed=0)

    def noise(rng: Rng) -> NoiseSource:
        return noise_pool(bank, NOISES, rng=rng)

    corpus = Corpus(options.targets, without=[word for word in options.without.split(",") if word])
    hours = corpus.length.sum() / encoder.features.sample_rate / 3600
    print(f"{hours:.1f} h, {len(corpus.start)} recordings, {len(corpus.vocabulary)} words", flush=True)
    plan = Plan(epochs=options.epochs, crops=options.crops)
    pretrain(corpus, encoder, noise, options.out, plan=plan, seed=options.seed, on_epoch=show)


def show(row: Progress) -> None:
    print(
        f"epoch {row.epoch:3}  loss {row.loss:.3f}  phones {row.phones:.1%}  embedding {row.embedding:.3f}  "
        f"words {row.words:.1%}  {row.seconds:.0f} s", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
