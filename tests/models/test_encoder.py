"""The speech encoder: its frames, and networks that start from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hanmadi.card import EncoderCard
from hanmadi.errors import AudioError, ModelError, TrainingError
from hanmadi.inference.encoder import SHIPPED_ENCODER, SpeechEncoder, read_weights
from hanmadi.inference.recognizer import load
from hanmadi.models import architecture
from hanmadi.models.cost import parameters
from hanmadi.models.encoder import Trunk, fine_tuned, frame_centres, start_from

ENCODER = architecture("base")


def network(labels: int = 3, arch: str = "base") -> torch.nn.Module:
    chosen = architecture(arch)
    return chosen.build(chosen.features.shape, labels).eval()


def test_its_size_is_bounded() -> None:
    assert parameters(network(12)) <= 500_000


def test_there_is_a_frame_for_each_centre() -> None:
    trunk = Trunk(ENCODER).eval()
    with torch.inference_mode():
        frames = trunk(torch.zeros(2, *ENCODER.features.shape))
    centres = frame_centres(ENCODER.features)
    assert frames.shape == (2, len(centres), trunk.channels)
    assert set((centres[1:] - centres[:-1]).tolist()) == {640}, "every 40 ms at 16 kHz"
    assert centres[0] == ENCODER.features.window // 2


def test_a_frame_hears_most_where_its_centre_is() -> None:
    """Else its targets are those of another moment."""
    trunk = Trunk(ENCODER).eval()
    with torch.inference_mode():
        features = torch.zeros(1, *ENCODER.features.shape)
        changed = features.clone()
        changed[:, :, 24] = 3.0  # a frame of the front-end
        moved = (trunk(changed) - trunk(features)).abs().sum(2)[0]
    assert abs(int(moved.argmax()) - 12) <= 1


def weights_of(trunk: Trunk) -> dict[str, NDArray[np.float32]]:
    return {f"trunk.{name}": tensor.numpy() for name, tensor in trunk.state_dict().items() if tensor.ndim}


def test_a_network_starts_from_it_but_for_its_answers() -> None:
    torch.manual_seed(0)
    trunk, body = Trunk(ENCODER), network(5)
    assert not torch.equal(trunk.layers[0].weight, body.layers[0].weight)
    before = body.head.weight.clone()
    start_from(body, weights_of(trunk), origin="it")
    for name, tensor in trunk.layers.state_dict().items():
        assert torch.equal(tensor, body.layers.state_dict()[name]), name
    assert torch.equal(before, body.head.weight)


def test_another_network_is_refused() -> None:
    for arch in ("wave_cnn", "small"):
        with pytest.raises(TrainingError, match=r"it: expected a network with the layers .*--arch base"):
            start_from(network(arch=arch), weights_of(Trunk(ENCODER)), origin="it")
    with pytest.raises(TrainingError, match="--arch base"):
        start_from(network(), {}, origin="it")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"none")
    small = SHIPPED_ENCODER.parents[1] / "small.onnx"
    for path, problem in ((tmp_path / "none", "no such file"), (tmp_path / "x", "speech encoder"), (small, "another")):
        with pytest.raises(ModelError, match=problem):
            read_weights(path)
        with pytest.raises(ModelError):
            SpeechEncoder.open(path)
    with pytest.raises(ModelError, match="without a hanmadi card"):
        load(SHIPPED_ENCODER)


def test_the_shipped_one() -> None:
    """A model file with a card that names sources and teachers, within its budget of weights."""
    encoder = SpeechEncoder.open()
    about = encoder.about
    assert about.parameters <= 500_000
    assert {heard.licence for heard in about.heard} <= {"CC BY 4.0", "Apache-2.0"}
    assert about.teachers
    assert not about.without, "that one is for measuring"
    assert "/" not in about.command.replace("dev/encoder.py", ""), "no path of the machine that made it"
    rng = np.random.default_rng(0)
    frames = encoder(rng.uniform(-0.1, 0.1, (2, about.clip_samples)).astype(np.float32))
    assert frames.vectors.shape == (2, 25, about.channels)
    assert frames.phones.shape == (2, 25, len(about.phones))
    assert np.allclose(frames.phones.sum(2), 1, atol=1e-5)
    with pytest.raises(AudioError, match="16000"):
        encoder(np.zeros(about.clip_samples, np.float32))
    start_from(network(), read_weights(encoder.path), origin=encoder.path)


def test_a_damaged_card_is_an_error() -> None:
    card = SpeechEncoder.open().about
    assert EncoderCard.from_json(card.to_json()) == card
    for text in ("[]", "{}", "{", card.to_json().replace("16000", '"x"', 1), "[" * 100_000):
        with pytest.raises(ModelError, match="its card is damaged"):
            EncoderCard.from_json(text, origin="it")


def test_what_is_pretrained_takes_smaller_and_fewer_steps_and_the_smaller_the_fewer_clips() -> None:
    few, many = (fine_tuned(ENCODER.recipe, clips=clips) for clips in (200, 20_000))
    assert few.learning_rate < many.learning_rate < ENCODER.recipe.learning_rate
    assert few.epochs_for(100) < ENCODER.recipe.epochs_for(100)
