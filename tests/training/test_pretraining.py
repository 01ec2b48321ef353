"""Pretraining of the encoder on a made-up corpus: crops, targets in time, that it learns, goes on and is used."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hanmadi.audio.noise import NoiseBank, NoiseSource, Rng
from hanmadi.card import EncoderCard, Heard
from hanmadi.export.encoder import export_encoder
from hanmadi.features.torch import FrontEnd
from hanmadi.inference.encoder import SpeechEncoder
from hanmadi.models import architecture
from hanmadi.models.encoder import Trunk, frame_centres
from hanmadi.training.pretraining import EMBEDDING, Corpus, Plan, Progress, pool, pretrain
from hanmadi.training.train import train

RATE = 16_000
CLIP = RATE
ENCODER = architecture("base")
CENTRES = frame_centres(ENCODER.features)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 clips of two words, which are tones of 500 and 1,500 Hz in their middle, and a minute of both in turn."""
    path, rng = tmp_path_factory.mktemp("targets"), np.random.default_rng(0)
    samples, phones, recordings, words, place = [], [], [], [], 0

    def add(name: str, split: str, spoken: list[tuple[str, float, float]], seconds: float) -> None:
        nonlocal place
        length = -(-round((seconds + 1) * RATE) // 1_280) * 1_280
        sound, phone = 0.001 * rng.standard_normal(length), np.zeros(length // 160, np.uint8)
        for word, start, end in spoken:
            first, last = round((0.5 + start) * RATE), round((0.5 + end) * RATE)
            sound[first:last] += 0.3 * np.sin(
                np.arange(last - first) * 2 * np.pi * (500 if word == "low" else 1_500) / RATE
            )
            phone[first // 160 : last // 160] = 1 if word == "low" else 2
            words.append((word, place + first, place + last, len(recordings)))
        recordings.append((name, "s", split, place + RATE // 2, round(seconds * RATE)))
        samples.append((sound * 32_767).astype(np.int16))
        phones.append(phone)
        place += length

    for number in range(60):
        word = ("low", "high")[number % 2]
        add(f"{word}/{number}.wav", "validation" if number > 50 else "train", [(word, 0.3, 0.7)], 1.0)
    add("minute", "train", [(("low", "high")[i % 2], i + 0.2, i + 0.6) for i in range(60)], 60.0)
    np.concatenate(samples).tofile(path / "samples.i16")
    every = np.concatenate(phones)
    every.tofile(path / "phones.u8")
    embedding = np.zeros((place // 1_280, EMBEDDING), np.float16)
    middles = np.minimum((np.arange(len(embedding)) * 1_280 + 6_200) // 160, len(every) - 1)
    embedding[np.arange(len(embedding)), every[middles]] = 1  # what is said in the middle of its window
    embedding.tofile(path / "embedding.f16")
    for name, header, rows in (
        ("recordings", ("name", "speaker", "split", "start", "samples"), recordings),
        ("words", ("word", "start", "end", "recording"), words),
    ):
        with open(path / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
    (path / "about.json").write_text(json.dumps({"phones": ["SIL", "LOW", "HIGH"]}))
    return path


def noise(rng: Rng) -> NoiseSource:
    return NoiseBank([], RATE, CLIP, seed=0)


def plan(epochs: int) -> Plan:
    return replace(Plan(), epochs=epochs, crops=256, recipe=replace(Plan().recipe, batch=32))


def test_targets_are_those_of_the_moment(folder: Path) -> None:
    corpus = Corpus(folder)
    starts = corpus.validation_crops(CLIP)
    found = corpus.targets(starts, CENTRES, CLIP)
    said = (CENTRES >= 0.3 * RATE + 320) & (CENTRES < 0.7 * RATE - 320)
    silent = (CENTRES < 0.3 * RATE - 320) | (CENTRES > 0.7 * RATE + 320)
    assert (found.phones[:, said] > 0).all()
    assert (found.phones[:, silent] == 0).all()
    middle = len(CENTRES) // 2
    loudest = (found.embedding[:, middle] * corpus.std + corpus.mean)[:, :3].argmax(1)
    assert torch.equal(loudest, found.phones[:, middle]), "the teacher's window is around the frame"
    assert [corpus.vocabulary[word] for word in found.words] == ["high" if i % 2 else "low" for i in range(51, 60)]
    assert (found.spans[:, said] == 1).all()
    assert (found.spans[:, [0, -1]] == 0).all()


def test_words_that_may_not_be_heard_are_left_out_wherever_they_are_said(folder: Path) -> None:
    corpus = Corpus(folder, without=["low"])
    assert corpus.vocabulary == ("high",)
    assert len(corpus.start) == 30, "and the minute in which it is said is gone"


def test_half_of_the_crops_are_running_speech_and_none_is_of_validation(folder: Path) -> None:
    corpus, rng = Corpus(folder), np.random.default_rng(0)
    starts = corpus.crops(400, CLIP, rng=rng)
    minute = (starts >= corpus.start[-1]) & (starts + CLIP <= corpus.start[-1] + corpus.length[-1] + 320)
    assert minute.sum() == 200
    held_out = corpus.start[~corpus.is_training]
    assert not (np.abs(starts[:, None] - held_out) < CLIP // 2).any()


def test_a_word_is_pooled_over_its_frames() -> None:
    frames = torch.arange(8.0).reshape(1, 4, 2)
    assert pool(frames, torch.tensor([[0.0, 1, 1, 0]])).tolist() == [[3.0, 4.0]]
    assert pool(frames, torch.zeros(1, 4)).tolist() == [[0.0, 0.0]], "no word, no error"


def test_it_learns_goes_on_and_is_started_from(folder: Path, words_folder: Path, tmp_path: Path) -> None:
    corpus, rows = Corpus(folder), list[Progress]()
    pretrain(corpus, ENCODER, noise, tmp_path / "a", plan=plan(2), on_epoch=rows.append)
    network, found = pretrain(corpus, ENCODER, noise, tmp_path / "a", plan=plan(4), on_epoch=rows.append)
    assert [row.epoch for row in rows] == [1, 2, 3, 4], "the second call goes on"
    assert rows[-1].loss < rows[0].loss
    assert found == rows[-1].validation
    path, trunk = tmp_path / "encoder.onnx", network.trunk
    assert isinstance(trunk, Trunk)
    export_encoder(path, ENCODER.features, trunk, network.phones, card(corpus, trunk))
    run = train(words_folder, arch="base", words=["yes", "no"], epochs=1, pretrained=path, out=tmp_path / "run")
    assert f"--from {path}" in run.about.training.command
    assert run.about.training.recipe["learning_rate"] < ENCODER.recipe.learning_rate


def test_its_file_answers_as_it_does(folder: Path, tmp_path: Path) -> None:
    corpus = Corpus(folder)
    network, _ = pretrain(corpus, ENCODER, noise, tmp_path / "a", plan=plan(1))
    trunk, path = network.trunk, tmp_path / "encoder.onnx"
    assert isinstance(trunk, Trunk)
    export_encoder(path, ENCODER.features, trunk, network.phones, card(corpus, trunk))
    clips = np.stack([corpus.samples[start : start + CLIP] for start in corpus.start[:4]]).astype(np.float32) / 32_768
    with torch.inference_mode():
        frames = network(FrontEnd(ENCODER.features)(torch.from_numpy(clips)))
        phones = network.phones(frames).softmax(2)
    encoder = SpeechEncoder.open(path)
    assert np.allclose(encoder(clips).vectors, frames, atol=1e-4)
    assert np.allclose(encoder(clips).phones, phones, atol=1e-4)
    assert encoder.about == card(corpus, trunk)
    assert corpus.hours == {"clips": pytest.approx(60 / 3_600), "speech": pytest.approx(60 / 3_600)}


def card(corpus: Corpus, trunk: Trunk) -> EncoderCard:
    return EncoderCard(
        RATE, CLIP, trunk.channels, 0.04, corpus.phone_names, heard=(Heard("made up", "none", 1.0),), without=("low",)
    )
