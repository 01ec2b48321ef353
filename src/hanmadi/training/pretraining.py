"""Pretraining of the speech encoder: what is said every 40 ms, learnt from hours of speech of which much is known.

    a second of speech, in noise and rooms -> frames of the encoder -> phones, a teacher's embedding, words

Three answers are learnt together, each where it is known: the phone of a frame (forced alignment), the embedding that a
teacher gives of the clean sound around it, and the word said between two frames. The targets are files that
``dev/speech_targets.py`` writes; ``dev/encoder.py`` makes the shipped one. What a pretrained trunk is for:
`hanmadi.models.encoder`.
"""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.audio.noise import NoiseSource, Rng
from hanmadi.audio.reverb import RoomBank, place_in_rooms
from hanmadi.augment import augmentations
from hanmadi.augment.augmentations import Augmentation
from hanmadi.features.torch import FrontEnd
from hanmadi.models import checkpoint
from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture
from hanmadi.training.executor import Executor, executor_for
from hanmadi.training.loop import apply_gradients, learning_rate
from hanmadi.training.state import LAST, Network, TrainingState, start

STATE: Final = "encoder.safetensors"  # of a pretraining, after each epoch
UNSURE: Final = 255  # a phone that nobody knows
SAMPLE_RATE: Final = 16_000  # Hz, of the targets
FRAME: Final = 160  # samples of a phone's frame
EMBEDDING_HOP: Final = 1_280  # samples from one embedding to the next
EMBEDDING_MIDDLE: Final = 6_200  # samples: the middle of what the first embedding hears
EMBEDDING: Final = 96  # numbers
_STEP: Final = 320  # samples between two places where a crop may begin
_JITTER: Final = 1_600  # samples by which a clip is early or late
_LEAST_CLIPS: Final = 12  # of a word, to be learnt as one
_LEAST_WORD: Final = 0.7  # share of a word that a crop has to hold
_NOT_A_WORD: Final = -100


@dataclass(frozen=True)
class Weighting:
    """How much each of the answers counts in the loss."""

    phones: float = 1.0
    embedding: float = 1.0
    words: float = 0.5


@dataclass(frozen=True)
class Plan:
    """How an encoder is pretrained."""

    epochs: int = 24
    crops: int = 40_000  # of an epoch
    recipe: Recipe = field(
        default_factory=lambda: Recipe(
            batch=128, shards=2, learning_rate=4e-3, schedule="one_cycle", betas=(0.9, 0.98), weight_decay=0.02,
            ema_decay=0.999, patience=None,
            augmentation=Augmentation(shift_ms=0.0, noise_p=0.7, snr_db=(-3.0, 30.0), room_p=0.3, behind_p=0.15,
                                      masked_mels=4, masked_frames=5, stretch=0.0),
        )
    )  # fmt: skip
    weighting: Weighting = Weighting()


class Corpus:
    """Hours of speech and their targets, mapped from files, so that memory stays flat."""

    def __init__(self, folder: Path, *, without: Collection[str] = ()) -> None:
        """without: words that may not be heard: recordings in which one is said are left out."""
        self.samples = np.memmap(folder / "samples.i16", np.int16, "r")
        self.phones = np.memmap(folder / "phones.u8", np.uint8, "r")
        self.embedding = np.memmap(folder / "embedding.f16", np.float16, "r").reshape(-1, EMBEDDING)
        about = json.loads((folder / "about.json").read_text())
        self.phone_names: tuple[str, ...] = tuple(about["phones"])
        recordings, words = _rows(folder / "recordings.csv"), _rows(folder / "words.csv")
        said: dict[int, list[tuple[str, int, int]]] = {}
        for row in words:
            said.setdefault(int(row["recording"]), []).append((row["word"], int(row["start"]), int(row["end"])))
        heard = {number: {row["name"].split("/")[0]} for number, row in enumerate(recordings)}
        for number, found in said.items():
            heard[number] |= {word for word, _, _ in found}
        kept = [number for number in heard if not heard[number] & set(without)]
        self.start = np.array([int(recordings[i]["start"]) for i in kept])
        self.length = np.array([int(recordings[i]["samples"]) for i in kept])
        self.is_clip = np.array(["/" in recordings[i]["name"] for i in kept])
        kinds = {row: _kind(recordings[row], about) for row in kept}
        self.hours = {
            kind: float(self.length[[k == kind for k in kinds.values()]].sum()) / SAMPLE_RATE / 3_600
            for kind in dict.fromkeys(kinds.values())
        }  # of each folder of recordings
        self.is_training = np.array([recordings[i]["split"] != "validation" for i in kept])
        counts = Counter(word for i in kept for word, _, _ in said.get(i, ()))
        self.vocabulary = tuple(sorted(word for word, count in counts.items() if count >= _LEAST_CLIPS))
        index = {word: number for number, word in enumerate(self.vocabulary)}
        places = [(index[w], start, end) for i in kept for w, start, end in said.get(i, ()) if w in index]
        table = np.array(sorted(places, key=lambda row: row[1]), np.int64).reshape(-1, 3)
        self.word, self.word_start, self.word_end = table.T
        self.mean, self.std = self._statistics()

    def _statistics(self) -> tuple[Tensor, Tensor]:
        some = np.asarray(self.embedding[:: max(1, len(self.embedding) // 20_000)], np.float32)
        return torch.from_numpy(some.mean(axis=0)), torch.from_numpy(some.std(axis=0) + 1e-3)

    def crops(self, count: int, length: int, *, rng: Rng) -> NDArray[np.int64]:
        """First samples of so many training crops: half are clips, a little early or late, half of running speech."""
        clips = np.flatnonzero(self.is_clip & self.is_training)
        runs = np.flatnonzero(~self.is_clip & self.is_training & (self.length > length))
        of_clips = rng.choice(clips, count // 2 if len(runs) else count)
        middle = self.start[of_clips] + (self.length[of_clips] - length) // 2
        starts = [middle + rng.integers(-_JITTER, _JITTER + 1, len(of_clips))]
        if len(runs):
            of_runs = rng.choice(runs, count - len(of_clips), p=self.length[runs] / self.length[runs].sum())
            after = rng.random(len(of_runs)) * (self.length[of_runs] - length)
            starts.append(self.start[of_runs] + after.astype(np.int64))
        found = rng.permutation(np.concatenate(starts))
        return np.maximum(0, found // _STEP * _STEP)

    def validation_crops(self, length: int) -> NDArray[np.int64]:
        """The clips of validation, as they are."""
        clips = np.flatnonzero(self.is_clip & ~self.is_training)
        return (self.start[clips] + (self.length[clips] - length) // 2) // _STEP * _STEP

    def targets(self, starts: NDArray[np.int64], centres: NDArray[np.int64], length: int) -> Targets:
        """What is to be answered of crops: at frames whose middles are so many samples after their starts."""
        places = starts[:, None] + centres
        phones = self.phones[np.minimum(places // FRAME, len(self.phones) - 1)].astype(np.int64)
        exact = np.clip((places - EMBEDDING_MIDDLE) / EMBEDDING_HOP, 0, len(self.embedding) - 2)
        before = exact.astype(np.int64)
        share = (exact - before)[..., None].astype(np.float32)
        embedding = self.embedding[before] * (1 - share) + self.embedding[before + 1] * share
        words = self._words(starts, centres, length)
        return Targets(torch.from_numpy(phones), (torch.from_numpy(embedding) - self.mean) / self.std, *words)

    def _words(self, starts: NDArray[np.int64], centres: NDArray[np.int64], length: int) -> tuple[Tensor, Tensor]:
        """A word of each crop, the one nearest its middle, and the frames in which it is said."""
        words = np.full(len(starts), _NOT_A_WORD)
        spans = np.zeros((len(starts), len(centres)), np.float32)
        first, last = np.searchsorted(self.word_end, starts), np.searchsorted(self.word_start, starts + length)
        for crop, (low, high) in enumerate(zip(first, last, strict=True)):
            if low >= high:
                continue
            begin, end = self.word_start[low:high] - starts[crop], self.word_end[low:high] - starts[crop]
            held = (np.minimum(end, length) - np.maximum(begin, 0)) / np.maximum(end - begin, 1)
            far = np.where(held >= _LEAST_WORD, np.abs((begin + end) / 2 - length / 2), np.inf)
            best = int(np.argmin(far))
            if np.isfinite(far[best]):
                words[crop] = self.word[low + best]
                spans[crop] = (centres >= begin[best] - _STEP) & (centres <= end[best] + _STEP)
        words[spans.sum(axis=1) == 0] = _NOT_A_WORD
        return torch.from_numpy(words), torch.from_numpy(spans)


class Targets(NamedTuple):
    """What is to be answered of crops."""

    phones: Tensor  # (batch, frames), `UNSURE` where not known
    embedding: Tensor  # (batch, frames, EMBEDDING), standardised
    words: Tensor  # (batch,), -100 where there is none
    spans: Tensor  # (batch, frames), 1 where the word is said

    def part(self, rows: slice) -> Targets:
        """Those of some of the crops."""
        return Targets(*(each[rows] for each in self))


class Pretraining(nn.Module):
    """An encoder's trunk with the answers that it learns: log-mels (batch, mels, frames) in."""

    def __init__(self, trunk: nn.Module, channels: int, *, phones: int, words: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.phones = nn.Linear(channels, phones)
        self.embedding = nn.Linear(channels, EMBEDDING)
        self.words = nn.Linear(channels, words)

    def forward(self, features: Tensor) -> Tensor:
        """Frames (batch, frames, channels)."""
        frames: Tensor = self.trunk(features)
        return frames

    def loss(self, features: Tensor, targets: Targets, weighting: Weighting) -> Tensor:
        """The weighted sum of what the three answers lack."""
        frames = self(features)
        phones = functional.cross_entropy(
            self.phones(frames).flatten(0, 1), targets.phones.flatten(), ignore_index=UNSURE, label_smoothing=0.05
        )
        answer = self.embedding(frames)
        embedding = functional.mse_loss(answer, targets.embedding)
        embedding = embedding + 1 - functional.cosine_similarity(answer, targets.embedding, dim=2).mean()
        pooled = pool(frames, targets.spans)
        words = functional.cross_entropy(
            self.words(pooled), targets.words, ignore_index=_NOT_A_WORD, label_smoothing=0.1
        )
        words = torch.nan_to_num(words)  # a batch without a word
        return weighting.phones * phones + weighting.embedding * embedding + weighting.words * words


def pool(frames: Tensor, spans: Tensor) -> Tensor:
    """Mean of the frames of a span: (batch, frames, channels), (batch, frames) to (batch, channels)."""
    return (frames * spans[..., None]).sum(1) / spans.sum(1, keepdim=True).clamp(min=1)


@dataclass(frozen=True)
class Preparation:
    """Crops to noisy features and clean targets."""

    corpus: Corpus
    front_end: FrontEnd
    augmentation: Augmentation
    noise: NoiseSource
    rooms: RoomBank
    centres: NDArray[np.int64]

    def __call__(self, shard: tuple[NDArray[np.int64], Rng]) -> tuple[Tensor, Targets]:
        starts, rng = shard
        how, length = self.augmentation, self.front_end.config.clip_samples
        with torch.no_grad():
            samples = self._heard(starts, length)
            behind = np.flatnonzero(rng.random(len(starts)) < how.behind_p)
            others = samples[rng.permutation(len(starts))[: len(behind)]]
            snr_db = rng.uniform(*how.behind_snr_db, len(behind))
            samples[behind] = augmentations.mix_at_snr(samples[behind], others, snr_db=snr_db)
            samples = place_in_rooms(samples, self.rooms, p=how.room_p, rng=rng)
            samples = augmentations.augment(samples, self.noise, config=how, rng=rng)
            mel = self.front_end.warped_mel_of(torch.from_numpy(samples), lambda: augmentations.draw_warp(how, rng=rng))
            log_mel = self.front_end.normalised(mel).numpy()
            masked = augmentations.augment_features(log_mel, config=how, rng=rng)
            targets = self.corpus.targets(starts, self.centres, length)
            return torch.from_numpy(masked).transpose(1, 2), targets

    def clean(self, starts: NDArray[np.int64]) -> tuple[Tensor, Targets]:
        """The same without noise."""
        length = self.front_end.config.clip_samples
        with torch.no_grad():
            features = self.front_end(torch.from_numpy(self._heard(starts, length)))
        return features, self.corpus.targets(starts, self.centres, length)

    def _heard(self, starts: NDArray[np.int64], length: int) -> Samples:
        places = np.minimum(starts[:, None] + np.arange(length), len(self.corpus.samples) - 1)
        return audio.from_int16(np.asarray(self.corpus.samples[places]))


class Validation(NamedTuple):
    """How an encoder answers clips of speakers that it has not heard."""

    phones: float  # share of the frames whose phone is right
    embedding: float  # cosine to the teacher's
    words: float  # share of the words that are right


class Progress(NamedTuple):
    """How far a pretraining is."""

    epoch: int
    loss: float  # of training
    validation: Validation
    seconds: float


def pretrain(
    corpus: Corpus,
    architecture: Architecture,
    noise: Callable[[Rng], NoiseSource],
    folder: Path,
    *,
    plan: Plan,
    seed: int = 0,
    on_epoch: Callable[[Progress], None] = lambda _: None,
) -> tuple[Pretraining, Validation]:
    """Pretrain the trunk of an architecture; returns the network with its three answers, and how good they are.

    noise: makes the noises of an epoch. ``folder`` holds all that a pretraining needs to go on when it was stopped.
    """
    from hanmadi.models.encoder import frame_centres

    torch.manual_seed(seed)
    config, recipe = architecture.features, plan.recipe
    network = Network(FrontEnd(config), _pretraining(corpus, architecture))
    training = start(network, recipe, folder, resume=True)
    rooms = RoomBank(config.sample_rate, config.clip_samples, 1, seconds=0.28).made()
    noises, centres = noise(np.random.default_rng(0)), frame_centres(config)
    prepared = Preparation(corpus, network.front_end, recipe.augmentation, noises, rooms, centres)
    began_s = time.monotonic() - training.seconds
    with executor_for(recipe.shards) as workers:
        for epoch in range(_epochs_done(folder), plan.epochs):
            rng = np.random.default_rng([seed, epoch])
            loss = _train_epoch(training, replace(prepared, noise=noise(rng)), plan, workers, epoch=epoch, rng=rng)
            training.seconds = time.monotonic() - began_s
            _keep(training, corpus, architecture, folder, epochs=epoch + 1)
            on_epoch(Progress(epoch + 1, loss, _validate(_encoder(training), prepared), training.seconds))
    return _encoder(training), _validate(_encoder(training), prepared)


def _pretraining(corpus: Corpus, architecture: Architecture) -> Pretraining:
    from hanmadi.models.encoder import Trunk

    trunk = Trunk(architecture)
    return Pretraining(trunk, trunk.channels, phones=len(corpus.phone_names), words=len(corpus.vocabulary))


def _epochs_done(folder: Path) -> int:
    path = folder / STATE
    return int(checkpoint.load(path).values["epochs"]) if path.exists() else 0


def _encoder(training: TrainingState) -> Pretraining:
    """The network whose weights are kept."""
    assert isinstance(training.evaluated, Pretraining)
    return training.evaluated


def _train_epoch(
    training: TrainingState, prepared: Preparation, plan: Plan, workers: Executor, *, epoch: int, rng: Rng
) -> float:
    """One epoch of new crops; returns the mean loss."""
    recipe, losses = plan.recipe, list[float]()
    starts = prepared.corpus.crops(plan.crops, prepared.front_end.config.clip_samples, rng=rng)
    batches = [starts[i : i + recipe.batch] for i in range(0, len(starts) - recipe.batch + 1, recipe.batch)]
    learners = [partial(_learn, body, weighting=plan.weighting, shards=recipe.shards) for body in training.bodies]
    for learnt in workers.batches(_shards(batches, recipe.shards, rng), prepared, learners):
        share = (epoch + len(losses) / len(batches)) / plan.epochs
        apply_gradients(training, recipe, shards=len(learnt), learning_rate=learning_rate(recipe, share))
        losses.append(sum(learnt))
    return float(np.mean(losses))


def _keep(training: TrainingState, corpus: Corpus, architecture: Architecture, folder: Path, *, epochs: int) -> None:
    """Write what a pretraining needs to go on, then the encoder, which says how many epochs are done."""
    average = _encoder(training)
    tensors = checkpoint.pack("body", training.network.body) | checkpoint.pack("average", average)
    tensors |= checkpoint.pack_optimiser(training.optimiser)
    values = {"history": [], "seconds": training.seconds, "steps": training.steps}
    checkpoint.save(folder / LAST, checkpoint.State(tensors, values))
    about = {
        "phones": corpus.phone_names, "words": corpus.vocabulary, "architecture": architecture.name, "epochs": epochs,
    }  # fmt: skip
    checkpoint.save(folder / STATE, checkpoint.State(checkpoint.pack("encoder", average), about))


def _shards(
    batches: Sequence[NDArray[np.int64]], shards: int, rng: Rng
) -> Iterator[list[tuple[NDArray[np.int64], Rng]]]:
    for batch in batches:
        yield list(zip(np.array_split(batch, shards), rng.spawn(shards), strict=True))


def _learn(body: nn.Module, shard: tuple[Tensor, Targets], *, weighting: Weighting, shards: int) -> float:
    assert isinstance(body, Pretraining)
    body.train().zero_grad(set_to_none=True)
    loss = body.loss(*shard, weighting) / shards
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _validate(network: Pretraining, prepared: Preparation) -> Validation:
    starts = prepared.corpus.validation_crops(prepared.front_end.config.clip_samples)
    sums = np.zeros(6)
    network.eval()
    with torch.inference_mode():
        for i in range(0, len(starts), 256):
            features, targets = prepared.clean(starts[i : i + 256])
            frames = network(features)
            known, spoken = targets.phones != UNSURE, targets.words != _NOT_A_WORD
            right = (network.phones(frames).argmax(2) == targets.phones)[known].sum()
            cosine = functional.cosine_similarity(network.embedding(frames), targets.embedding, dim=2)
            words = network.words(pool(frames, targets.spans)).argmax(1) == targets.words
            found = (right, known.sum(), cosine.sum(), cosine.numel(), words[spoken].sum(), spoken.sum())
            sums += [float(value) for value in found]
    return Validation(*(float(sums[i] / max(1, sums[i + 1])) for i in (0, 2, 4)))


def _kind(row: dict[str, str], about: dict[str, Any]) -> str:
    """The folder that a recording is from: of clips, of transcribed speech, of other speech."""
    if "/" in row["name"]:
        return str(about.get("clips", "clips"))
    return str(about.get("speech", "speech")) if row["speaker"] else "+".join(about.get("untranscribed", ["others"]))


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
