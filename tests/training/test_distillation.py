"""Learning from other networks: what is compared, what a run says of it, and which teachers are refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hanmadi.errors import ModelError, TrainingError
from hanmadi.features.torch import FrontEnd
from hanmadi.inference.recognizer import load
from hanmadi.models import architecture
from hanmadi.models.recipe import Recipe, Teaching
from hanmadi.runs import Settings
from hanmadi.training import distillation, loop
from hanmadi.training.distillation import distance_to, load_teacher, mix, taught_answers
from hanmadi.training.train import Run, resume, train

SMALL = architecture("small").features


def test_nothing_lies_between_a_network_and_itself() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    answers = torch.softmax(logits / 3, dim=1)
    assert float(distance_to(answers, logits, temperature=3.0)) == pytest.approx(0, abs=1e-6)
    assert float(distance_to(answers, logits + torch.tensor([1.0, 0, 0, 0]), temperature=3.0)) > 0.01


def test_the_distance_is_that_of_kullback_and_leibler() -> None:
    answers, logits = torch.tensor([[0.5, 0.5], [0.9, 0.1]]), torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    said = np.exp([0.0, 2.0]) / np.exp([0.0, 2.0]).sum()  # of the second, at a temperature of 2
    wanted = 0.9 * np.log(0.9 / said[0]) + 0.1 * np.log(0.1 / said[1])
    assert float(distance_to(answers, logits, temperature=2.0)) == pytest.approx(4 * wanted / 2, rel=1e-5)


def test_several_teachers_are_averaged() -> None:
    class Says(torch.nn.Module):
        def __init__(self, *logits: float) -> None:
            super().__init__()
            self.logits = torch.tensor([logits])

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return self.logits.expand(len(features), -1)

    found = taught_answers([Says(0.0, 0.0), Says(0.0, 2 * np.log(3))], torch.zeros(3, 1), temperature=2.0)
    assert found.numpy() == pytest.approx(np.tile([[(0.5 + 0.25) / 2, (0.5 + 0.75) / 2]], (3, 1)), abs=1e-6)


def test_a_teacher_says_what_its_model_says(run: Run) -> None:
    card = run.card
    teacher = load_teacher(run.folder, labels=card["labels"], features=SMALL)
    clips = np.random.default_rng(0).normal(0, 0.1, (4, SMALL.clip_samples)).astype(np.float32)
    biases = torch.tensor([card["training"]["biases"][label] for label in card["labels"]])
    with torch.no_grad():
        scores = torch.softmax(teacher(FrontEnd(SMALL)(torch.from_numpy(clips))) + biases, dim=1).numpy()
    assert scores == pytest.approx(run.load().scores(clips), abs=1e-4)
    assert not any(p.requires_grad for p in teacher.parameters())


def test_a_model_file_teaches_as_its_run_does(run: Run, tmp_path: Path) -> None:
    alone = tmp_path / "model.onnx"
    alone.write_bytes((run.folder / "model.onnx").read_bytes())
    features = torch.randn((4, *SMALL.shape), generator=torch.Generator().manual_seed(0))
    by_run, by_file = (
        load_teacher(m, labels=run.card["labels"], features=SMALL)(features) for m in (run.folder, alone)
    )
    assert by_run.std() > 0.1
    assert by_file.numpy() == pytest.approx(by_run.numpy(), abs=1e-4)


def test_the_model_of_a_run_teaches_by_the_weights_beside_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its layers cannot be read: RUN/model.onnx as RUN, but no other file's weights."""

    def unreadable(_: Any) -> Any:
        raise ModelError("not a chain")

    monkeypatch.setattr(distillation, "_rebuilt", unreadable)
    features = torch.randn(3, *SMALL.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        by_folder, by_file = (
            load_teacher(model, labels=run.card["labels"], features=SMALL)(features)
            for model in (run.folder, run.model)
        )
    assert torch.equal(by_folder, by_file)
    shutil.copy(run.model, tmp_path / "other.onnx")
    shutil.copy(run.folder / "weights.safetensors", tmp_path)
    with pytest.raises(ModelError, match="not a chain"):
        load_teacher(tmp_path / "other.onnx", labels=run.card["labels"], features=SMALL)


def test_a_shipped_model_teaches_without_the_biases_of_its_labels() -> None:
    model = load("base")
    teacher = load_teacher("base", labels=model.labels, features=SMALL)
    clips = np.random.default_rng(0).normal(0, 0.1, (4, SMALL.clip_samples)).astype(np.float32)
    biases = torch.tensor([model.card["training"]["biases"][label] for label in model.labels])
    assert biases.abs().max() > 0.1
    with torch.no_grad():
        scores = torch.softmax(teacher(FrontEnd(SMALL)(torch.from_numpy(clips))) + biases, dim=1).numpy()
    assert scores == pytest.approx(model.scores(clips), abs=1e-4)


def test_a_run_with_a_teacher(run: Run, words_folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    words = [label for label in run.card["labels"] if label not in ("unknown", "silence")]
    options = {"words": words, "arch": "small", "epochs": 2, "seed": 3}
    plain = train(words_folder, **options, out=tmp_path / "plain")
    taught = train(words_folder, **options, teachers=[run.folder], out=tmp_path / "taught")
    again = train(words_folder, **options, teachers=[run.folder], out=tmp_path / "again")
    first, second, third = (load_file(found.folder / "weights.safetensors") for found in (plain, taught, again))
    assert any(not np.array_equal(first[name], second[name]) for name in first)
    assert all(np.array_equal(second[name], third[name]) for name in second)
    assert taught.card["training"]["teachers"] == [str(run.folder)]
    augmented = [found.about.training.recipe["augmentation"] for found in (plain, taught)]
    recipe = architecture("small").recipe
    assert taught.card["training"]["recipe"]["teaching"] == {"share": 0.9, "temperature": 2.0, "mixed": 0.5}
    assert "teaching" not in plain.card["training"]["recipe"]
    assert augmented == [asdict(recipe.augmentation), asdict(recipe.teaching.augmentation)] != [augmented[0]] * 2
    assert taught.card["training"]["command"].endswith(f"--teacher {run.folder}")
    gone_on = resume(tmp_path / "again", epochs=3)
    assert gone_on.card["training"]["teachers"] == [str(run.folder)]
    assert json.loads((tmp_path / "again" / "settings.json").read_text())["teachers"] == [str(run.folder)]


def test_a_step_weighs_labels_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "multiplies_bfloat16", lambda: False)
    torch.manual_seed(0)
    body, teacher = torch.nn.Linear(3, 4), torch.nn.Linear(3, 4)
    features, targets = torch.randn(6, 3), torch.tensor([-100, -100, 2, 3, 0, 1])  # two have no label
    recipe = Recipe(teaching=Teaching(share=0.25, temperature=2.0), label_smoothing=0.1)
    shard = loop._Prepared(features, targets, batch=12)
    clips, loss, right = loop._learn(body, shard, generator=torch.Generator(), recipe=recipe, teachers=[teacher])
    gradient = body.weight.grad.clone()

    body.zero_grad()
    logits = body(features)
    answers = torch.softmax(teacher(features) / 2, dim=1).detach()
    by_label = torch.nn.functional.cross_entropy(logits[2:], targets[2:], label_smoothing=0.1)
    wanted = (0.75 * by_label + 0.25 * distance_to(answers, logits, temperature=2.0)) * 6 / 12
    wanted.backward()
    assert clips == 6
    assert loss == pytest.approx(float(wanted.detach()))
    assert gradient.numpy() == pytest.approx(body.weight.grad.numpy(), abs=1e-6)
    assert right == pytest.approx(float((logits[2:].argmax(1) == targets[2:]).sum()) * 6 / 4)


def test_mixtures_lie_between_two_clips() -> None:
    features = torch.rand((8, 3, 5), generator=torch.Generator().manual_seed(0))
    mixed = mix(features, count=4, rng=np.random.default_rng(1))
    assert torch.equal(mixed[4:], features[4:])
    for own, found in zip(features[:4], mixed[:4], strict=True):
        on_a_line = []  # whether one number leads from the clip to the mixture by way of another clip
        for other in features:
            share = (found - other) / (own - other)
            on_a_line.append(bool((share - share.mean()).abs().max() < 1e-3 and 0 <= share.mean() <= 1))
        assert any(on_a_line)
    assert not torch.equal(mixed[:4], features[:4])
    assert torch.equal(mixed, mix(features, count=4, rng=np.random.default_rng(1)))


def test_mixtures_have_no_label_and_the_rest_keeps_its_own() -> None:
    labels = np.arange(20, 30)

    class Clips:
        examples = SimpleNamespace(labels=labels)
        recipe = Recipe(teaching=Teaching(mixed=0.5))

        def __call__(self, indices: np.ndarray, **_: object) -> torch.Tensor:
            return torch.from_numpy(np.float32(indices)[:, None, None] * np.ones((1, 2, 2), np.float32))

    shard = loop._Shard(np.array([7, 1, 5, 2, 9, 4]), 6, np.random.default_rng(0))
    cpu = torch.device("cpu")
    features, targets, batch = loop._prepare(Clips(), shard, device=cpu, taught=True)
    assert batch == 6
    assert targets.tolist() == [-100, -100, -100, 22, 29, 24]
    assert features[3:, 0, 0].tolist() == [2, 9, 4]
    assert features[:3, 0, 0].tolist() != [7, 1, 5]
    features, targets, _ = loop._prepare(Clips(), shard, device=cpu, taught=False)
    assert targets.tolist() == labels[shard.indices].tolist()
    assert features[:, 0, 0].tolist() == shard.indices.tolist()


def test_short_numbers_change_answers_little(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = load_teacher("base", labels=load("base").labels, features=SMALL)
    features = torch.randn((32, *SMALL.shape), generator=torch.Generator().manual_seed(0))
    answers = []
    for fast in (True, False):
        monkeypatch.setattr(distillation, "multiplies_bfloat16", lambda fast=fast: fast)
        answers.append(taught_answers([teacher], features, temperature=2.0))
    assert answers[0].dtype == torch.float32
    assert answers[1].std() > 0.05
    assert 0 < float((answers[0] - answers[1]).abs().max()) < 0.02


def test_which_teachers_are_refused(run: Run, words_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="finished run"):
        train(words_folder, words=["yes", "no"], teachers=[tmp_path / "none"], out=tmp_path / "a")
    with pytest.raises(TrainingError, match="same --words"):
        load_teacher(run.folder, labels=["yes", "other"], features=SMALL)
    with pytest.raises(TrainingError, match="same features"):
        load_teacher(run.folder, labels=run.card["labels"], features=architecture("small_8k").features)
    assert not (tmp_path / "a").exists()


def test_the_command_names_every_teacher() -> None:
    assert "--teacher" not in Settings().command()
    assert Settings(teachers=("a", "b c")).command().endswith("--teacher a --teacher 'b c'")
