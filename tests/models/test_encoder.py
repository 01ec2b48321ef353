"""The speech encoder: its frames, and networks that start from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hanmadi.errors import TrainingError
from hanmadi.models import architecture, checkpoint
from hanmadi.models.cost import parameters
from hanmadi.models.encoder import Trunk, fine_tuned, frame_centres, start_from

ENCODER = architecture("encoder")


def network(labels: int = 3, arch: str = "encoder") -> torch.nn.Module:
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


def test_a_network_starts_from_it_but_for_its_answers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trunk, body = Trunk(ENCODER), network(5)
    assert not torch.equal(trunk.layers[0].weight, body.layers[0].weight)
    before = body.head.weight.clone()
    checkpoint.save(tmp_path / "e.safetensors", checkpoint.State(checkpoint.pack("encoder.trunk", trunk), {}))
    start_from(body, tmp_path / "e.safetensors")
    for name, tensor in trunk.layers.state_dict().items():
        assert torch.equal(tensor, body.layers.state_dict()[name]), name
    assert torch.equal(before, body.head.weight)


def test_another_network_or_file_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "e.safetensors", checkpoint.State(checkpoint.pack("encoder.trunk", Trunk(ENCODER)), {}))
    with pytest.raises(TrainingError, match="--arch encoder"):
        start_from(network(arch="wave_cnn"), tmp_path / "e.safetensors")
    with pytest.raises(TrainingError, match="another network"):
        start_from(network(arch="small"), tmp_path / "e.safetensors")
    (tmp_path / "x").write_bytes(b"none")
    with pytest.raises(TrainingError, match="cannot be read"):
        start_from(network(), tmp_path / "x")


def test_what_is_pretrained_takes_smaller_and_fewer_steps() -> None:
    recipe = fine_tuned(ENCODER.recipe)
    assert recipe.learning_rate < ENCODER.recipe.learning_rate
    assert recipe.epochs_for(100) < ENCODER.recipe.epochs_for(100)
