"""Trainings of the page: a child process that tells how it goes, ends when it should, and leaves a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient
from web_fakes import client, options, refusal

from hanmadi.web import training_child
from hanmadi.web import trainings as trainings_module
from hanmadi.web.limits import RefusedError
from hanmadi.web.openapi import document
from hanmadi.web.trainings import Data, Training, Trainings, job_of

ARCHITECTURES = tuple({"name": name, "summary": "", "parameters": 1} for name in ("base", "small", "tiny"))
DATA = Data("words", 10, ("bed", "no", "up", "yes"), ARCHITECTURES)
JSON = {"content-type": "application/json"}


# ---- what is asked for ----


def test_a_job_has_defaults() -> None:
    job = job_of({}, DATA)
    assert (job.arch, job.words, job.epochs, job.minutes, job.seed) == ("base", ("yes", "no", "up"), None, None, 0)
    other = Data("x", 2, ("개", "고양이"), ARCHITECTURES)
    assert job_of({"arch": "tiny", "minutes": 0.5, "seed": 3}, other).words == other.words


@pytest.mark.parametrize(
    ("values", "word"),
    [([], "object"), (None, "object"), ({"out": "/etc"}, "out"), ({"data": "/etc"}, "data"), ({"arch": "../x"}, "arch"),
     ({"arch": 3}, "arch"), ({"arch": ["small"]}, "arch"), ({"epochs": 0}, "epochs"), ({"epochs": 1.5}, "epochs"),
     ({"epochs": True}, "epochs"), ({"minutes": -1}, "minutes"), ({"minutes": float("nan")}, "minutes"),
     ({"minutes": "1"}, "minutes"), ({"seed": -1}, "seed"), ({"words": "yes"}, "words"), ({"words": ["cat"]}, "words"),
     ({"words": []}, "words"), ({"words": [["yes"]]}, "words")],
)  # fmt: skip
def test_odd_jobs_are_422(values: Any, word: str) -> None:
    with pytest.raises(RefusedError, match=word) as caught:
        job_of(values, DATA)
    assert caught.value.status == 422


def test_without_data_nothing_is_trained(tmp_path: Path) -> None:
    with client(options(tmp_path)) as api:
        assert api.get("/api/data").json() == {
            "source": None, "clips": 0, "words": [], "architectures": [], "error": None
        }  # fmt: skip
        refusal(api.post("/api/trainings", json={}), 400, "--data SRC")
        refusal(api.post("/api/trainings", content="{}"), 415, "application/json")
        refusal(api.post("/api/trainings", content="{", headers=JSON), 422, "JSON")
        refusal(api.post("/api/trainings", content="[" * 50_000, headers=JSON), 422, "JSON")
        refusal(api.post("/api/trainings", content=b"\xff", headers=JSON), 422, "JSON")
        refusal(api.post("/api/trainings", content="x" * 70_000, headers=JSON), 413)
        refusal(api.get("/api/trainings/..%2fx"), 404)
        refusal(api.delete("/api/trainings/nobody"), 404, "nobody")


def test_progress_is_put_together_from_lines() -> None:
    training = Training("a", "small", ("yes",))
    row = {"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "validation_loss": 1.0, "validation_accuracy": 0.25}
    lines = [{"folder": "r"}, {"stage": "reading", "clips": 3}, {"stage": "training", "share": 0.5}, {"epoch": row}]
    for line in lines:
        training = training.heard(line)
    assert (training.run, training.clips, training.share, training.epoch) == ("r", 3, 0.5, 1)
    assert training.history == (row,)
    assert training.heard({"done": "r"}).state == "done"
    assert training.heard({"error": "why"}).error == "why"


# ---- children ----


def until(api: TestClient, name: str, right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until it is so; the test's own time limit ends it otherwise."""
    while not right(found := api.get(f"/api/trainings/{name}").json()):
        assert found["state"] in ("running", "cancelled"), found
        time.sleep(0.1)
    return dict(found)


def test_a_training_from_start_to_a_model_in_the_list(words_folder: Path, tmp_path: Path) -> None:
    schema = {"$ref": "#/components/schemas/Training", "components": document()["components"]}
    with client(options(tmp_path, data=str(words_folder), model="tiny")) as api:
        data = api.get("/api/data").json()
        assert (data["clips"], data["words"], data["error"]) == (96, ["bed", "no", "up", "yes"], None)
        parameters = {found["name"]: found["parameters"] for found in data["architectures"]}
        assert parameters["wave_cnn"] > 1e7 > 1e4 > parameters["tiny"]
        started = api.post("/api/trainings", json={"arch": "tiny", "epochs": 3, "words": ["yes", "no"]})
        assert started.status_code == 201
        jsonschema.validate(started.json(), schema)
        name = started.json()["id"]
        refusal(api.post("/api/trainings", json={"arch": "tiny"}), 409, name)
        found = until(api, name, lambda one: one["state"] == "done")
        jsonschema.validate(found, schema)
        assert [row["epoch"] for row in found["history"]] == [1, 2, 3]
        assert (found["epoch"], found["epochs"], found["share"], found["error"]) == (3, 3, 1.0, None)
        assert [one["id"] for one in api.get("/api/trainings").json()] == [name]
        (model,) = (one for one in api.get("/api/models").json()["models"] if one["id"] == found["model"])
        assert model["labels"] == ["yes", "no", "unknown", "silence"]
        assert model["report"]
        assert "<html" in api.get(f"/api/models/{found['model']}/report").text
        assert api.delete(f"/api/trainings/{name}").json()["state"] == "done", "what is done stays done"


def test_what_is_doubtful_of_the_recordings_is_told(make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "words", words=("yes", "no", "bed"))
    (folder / "yes" / "zoe_nohash_0.wav").write_bytes(b"not a sound")
    (folder / "yes" / "a.m4a").write_bytes(b"not read")
    with client(options(tmp_path, data=str(folder), model="tiny")) as api:
        started = api.post("/api/trainings", json={"arch": "tiny", "epochs": 1, "words": ["yes", "no"]}).json()
        found = until(api, started["id"], lambda one: one["state"] == "done")
    text = " ".join(found["notes"])
    assert "a.m4a" in text
    assert "ffmpeg" in text


def test_another_training_starts_as_soon_as_one_says_that_it_is_done(words_folder: Path, tmp_path: Path) -> None:
    with client(options(tmp_path, data=str(words_folder))) as api:
        name = api.post("/api/trainings", json={"arch": "tiny", "epochs": 1}).json()["id"]
        while api.get(f"/api/trainings/{name}").json()["state"] == "running":
            pass
        other = api.post("/api/trainings", json={"arch": "tiny", "epochs": 10_000})
        assert other.status_code == 201
        until(api, other.json()["id"], lambda one: one["epoch"] > 0)
        assert api.get(f"/api/trainings/{name}").json()["state"] == "done"


def test_cancelling_ends_the_child_and_another_may_start(words_folder: Path, tmp_path: Path) -> None:
    app_options = options(tmp_path, data=str(words_folder))
    with client(app_options) as api:
        name = api.post("/api/trainings", json={"arch": "tiny", "epochs": 10_000}).json()["id"]
        until(api, name, lambda one: one["epoch"] > 0)
        found = api.delete(f"/api/trainings/{name}").json()
        assert (found["state"], found["model"]) == ("cancelled", None)
        found = until(api, name, lambda one: one["error"])
        assert f"--resume --out {app_options.runs}" in found["error"]
        assert not list(app_options.runs.glob("*/.hanmadi-*")), "no half-written file is left"
        again = api.post("/api/trainings", json={"arch": "tiny", "epochs": 10_000})
        assert again.status_code == 201
        child = api.app.state.service.trainings._child  # type: ignore[attr-defined]
    assert child.poll() is not None, "no training outlives its server"


def test_a_training_that_cannot_be_is_failed_with_the_reason(tmp_path: Path, words_folder: Path) -> None:
    with client(options(tmp_path, data=str(tmp_path / "nothing"))) as api:
        assert "nothing is there" in api.get("/api/data").json()["error"]
        refusal(api.post("/api/trainings", json={}), 400, "nothing is there")
    trainings = Trainings(str(tmp_path / "nothing"), tmp_path)
    started = trainings.start(job_of({"arch": "tiny"}, DATA))
    while (found := trainings.get(started.id)).state == "running":
        time.sleep(0.05)
    assert found.state == "failed"
    assert "nothing is there" in str(found.error)


def test_a_child_that_is_killed_is_a_training_that_failed(tmp_path: Path, words_folder: Path) -> None:
    trainings = Trainings(str(words_folder), tmp_path)
    started = trainings.start(job_of({"epochs": 10_000}, DATA))
    assert trainings._child is not None
    trainings._child.kill()
    while (found := trainings.get(started.id)).state == "running":
        time.sleep(0.05)
    assert found.state == "failed"
    assert "lack of memory" in str(found.error)


def test_a_child_ends_when_its_server_is_gone(words_folder: Path, tmp_path: Path) -> None:
    job = {"do": "train", "data": str(words_folder), "runs": str(tmp_path), "arch": "tiny", "epochs": 10_000}
    child = subprocess.Popen(
        [sys.executable, "-m", "hanmadi.web.training_child", json.dumps(job)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert "folder" in json.loads(child.stdout.readline())
    child.stdin.close()  # as when the server's process ends, however it does
    assert child.wait(60) != 0
    child.stdout.close()


NOISE = r"""
import json, os, sys, subprocess, time
job = json.loads(sys.argv[1])
os.write(1, b"Warning: no JSON\n\xff\xfe\n[1]\n17\nnull\n" + b"x" * 3_000_000 + b"\n" + b"[" * 100_000 + b"\n{\"ep")
os.write(1, b"\n{\"odd\": 1}\n{\"epoch\": 3}\n{\"stage\": \"training\", \"state\": \"done\"}\n")
if job["do"] == "describe":
    print(json.dumps({"clips": 2, "words": ["yes", "no"], "architectures": []}))
    sys.exit()
print(json.dumps({"stage": "training", "share": 0.5}), flush=True)
if job["arch"] == "tiny":  # somebody else holds the output when it has ended
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
    sys.exit(3)
os.write(1, b"{\"done\": \"run\"}\nand more noise")
"""


@pytest.mark.parametrize(("arch", "state"), [("tiny", "failed"), ("small", "done")])
def test_noise_on_the_output_of_a_child(arch: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training reaches an end, whatever was printed, and the next one may start."""
    (tmp_path / "noisy_child.py").write_text(NOISE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(trainings_module, "_CHILD", "noisy_child")
    monkeypatch.setattr(trainings_module, "_STOPPING_S", 0.5)
    trainings = Trainings(str(tmp_path), tmp_path)
    assert trainings.data().result(30).words == ("yes", "no")
    for _ in range(2):
        started = trainings.start(job_of({"arch": arch}, DATA))
        while (found := trainings.get(started.id)).state == "running":
            time.sleep(0.05)
        assert found.state == state
        assert found.epoch == 0
        assert found.share == (1.0 if state == "done" else 0.5)
        if state == "failed":
            assert "code 3" in str(found.error)


def test_only_what_is_told_reaches_the_server(tmp_path: Path) -> None:
    """What a library prints, in Python or in C, goes to the log."""
    code = (
        "import os, sys; from hanmadi.web import training_child as child; tell = child._teller(); "
        "print('printed'); os.write(1, b'written\\n'); os.system('echo called'); tell({'x': 1})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == '{"x": 1}\n'
    assert {"printed", "written", "called"} <= set(done.stderr.split())


def test_a_training_that_breaks_tells_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(training_child, "_teller", lambda: told.append)
    monkeypatch.setattr(training_child, "train", lambda tell: 1 / 0)
    monkeypatch.setattr(training_child.signal, "signal", lambda *_: None)
    monkeypatch.setattr(training_child.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    monkeypatch.setattr(training_child.os, "nice", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["child", '{"do": "train"}'])
    with pytest.raises(ZeroDivisionError):
        training_child.main()
    assert "ZeroDivisionError: division by zero" in told[0]["error"]


def test_looking_at_the_data_is_done_once(words_folder: Path, tmp_path: Path) -> None:
    trainings = Trainings(str(words_folder), tmp_path)
    first, second = trainings.data(), trainings.data()
    assert first is second
    assert wait([first], 120).done
    assert first.result().clips == 96
