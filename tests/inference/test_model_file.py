"""Model files: their format is told, they are whole at any moment, and what is no model is refused with a reason."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.inference.model_file import FORMAT, open_bundle, write_card
from hanmadi.inference.recognizer import SHIPPED_FOLDER
from hanmadi.runs import newest_run

SOURCE = SHIPPED_FOLDER / "tiny.onnx"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "model.onnx"
    path.parent.mkdir()
    shutil.copyfile(SOURCE, path)
    return path


def test_a_card_comes_back_as_it_was_written(model: Path) -> None:
    card = open_bundle(model).card | {"note": '예, «quoted» "words"', "n": [1, 2.5, None, True]}
    write_card(model, card)
    found = open_bundle(model)
    assert found.card == card
    assert (found.labels.labels[0], found.sample_rate, found.clip_samples) == ("yes", 16_000, 16_000)
    assert [file.name for file in model.parent.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("other", ["hanmadi-model-2", "something", 7])
def test_another_format_is_told(other: object, model: Path) -> None:
    write_card(model, open_bundle(model).card | {"format": other})
    with pytest.raises(ModelError, match=f"expected a model of format {FORMAT}, found {other}; update hanmadi"):
        open_bundle(model)


@pytest.mark.parametrize("missing", ["format", "labels", "sample_rate", "clip_samples"])
def test_a_card_that_lacks_something(missing: str, model: Path) -> None:
    write_card(model, {name: value for name, value in open_bundle(model).card.items() if name != missing})
    with pytest.raises(ModelError, match="its card is damaged"):
        open_bundle(model)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"labels": ["yes", "no"]}, "do not belong together"), ({"clip_samples": 8_000}, "length of its features")],
)
def test_a_card_of_another_network(changed: dict[str, object], message: str, model: Path) -> None:
    write_card(model, open_bundle(model).card | changed)
    with pytest.raises(ModelError, match=message):
        open_bundle(model)


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        open_bundle(tmp_path / "none.onnx")
    (tmp_path / "half.onnx").write_bytes(SOURCE.read_bytes()[:9_000])
    with pytest.raises(ModelError, match="not a model that ONNX Runtime can read"):
        open_bundle(tmp_path / "half.onnx")


def test_a_model_of_others(tmp_path: Path) -> None:
    foreign = onnx.load(SOURCE)
    del foreign.metadata_props[:]
    onnx.save(foreign, str(tmp_path / "foreign.onnx"))
    with pytest.raises(ModelError, match="without a hanmadi card"):
        open_bundle(tmp_path / "foreign.onnx")


KILLED = """
import os, signal, sys
from pathlib import Path
import onnx
from hanmadi.inference.model_file import open_bundle, write_card

path, moment = Path(sys.argv[1]), sys.argv[2]
card = open_bundle(path).card

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def half(model, target):
    Path(target).write_bytes(model.SerializeToString()[:5_000])
    die()

if moment == "while it is written":
    onnx.save = half
else:
    os.replace = die
write_card(path, card | {"note": "new"})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("moment", ["while it is written", "before it takes its place"])
def test_who_is_killed_leaves_the_old_file_whole(moment: str, model: Path) -> None:
    before = model.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, model, moment], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert model.read_bytes() == before
    left = [file for file in model.parent.iterdir() if file != model]
    assert left, "it was killed while there was a temporary file"
    assert all(file.name.startswith(".hanmadi-") for file in left)
    assert newest_run(model.parent.parent) == model.parent
    write_card(model, open_bundle(model).card | {"note": "again"})
    assert open_bundle(model).card["note"] == "again"


def test_a_folder_that_cannot_be_written_is_told_and_the_model_stays(model: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    card = open_bundle(model).card
    model.parent.chmod(0o500)
    try:
        with pytest.raises(OSError, match="nothing was changed"):
            write_card(model, card)
    finally:
        model.parent.chmod(0o700)
    assert open_bundle(model).about.data.source == "caf\udce9"


def test_without_onnx_the_light_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = open_bundle(model).card
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"hanmadi\[export\]"):
        write_card(model, card)


def test_a_card_with_a_path_that_is_no_text(model: Path) -> None:
    card = open_bundle(model).card | {"data": {"source": "caf\udce9"}}
    write_card(model, card)
    assert open_bundle(model).about.data.source == "caf\udce9"
