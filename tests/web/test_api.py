"""The routes: what they answer, what they refuse, and that the description of them is true."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_fakes import LABELS, RATE, spoken, write_fake_model
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from web_fakes import client, file_of, options, refusal

from hanmadi import __version__
from hanmadi.inference.recognizer import load, shipped
from hanmadi.web.app import create_app, routes
from hanmadi.web.limits import Limits
from hanmadi.web.metrics import Metrics
from hanmadi.web.openapi import document
from hanmadi.web.service import Options

WAV = file_of(spoken("yes"))
FLAC = file_of(spoken("yes"), format="FLAC")
OUTSIDE = ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "/etc/passwd", "%2fetc%2fpasswd",
           "..\\app.py", "%5c..%5capp.py", "....//app.py", "%00", "app.py%00.js", "C:%5cWindows", "~root")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a run with a report, one without, one whose model is broken, and a page."""
    found = tmp_path_factory.mktemp("web")
    for name in ("20260101-tones", "small", "broken"):
        (found / "runs" / name).mkdir(parents=True)
    write_fake_model(found / "runs" / "20260101-tones" / "model.onnx")
    (found / "runs" / "20260101-tones" / "report.html").write_text("<h1>a report</h1>")
    write_fake_model(found / "runs" / "small" / "model.onnx")
    (found / "runs" / "broken" / "model.onnx").write_bytes(b"no model")
    (found / "runs" / "secret.html").write_text("secret")
    page = found / "static"
    (page / "examples").mkdir(parents=True)
    (page / "index.html").write_text("<title>page</title>")
    (page / "page.mjs").write_text("export {}")
    (page / "a.wasm").write_bytes(b"\0asm")
    (page / ".hidden").write_text("secret")
    (page / "examples" / "yes.wav").write_bytes(WAV)
    example = {"id": "yes-1", "label": "yes", "seconds": 1.0, "file": "yes.wav"}
    (page / "examples" / "examples.json").write_text(json.dumps([example]))
    return found


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[TestClient]:
    """A client of a server on that folder."""
    with client(options(folder, static=folder / "static")) as found:
        yield found


@cache
def described() -> dict[str, Any]:
    return document()


def check(path: str, method: str, answer: Any) -> Any:
    """The answer as JSON, which must be as the description says for its status."""
    found = described()["paths"][path][method]["responses"][str(answer.status_code)]
    schema = found["content"]["application/json"]["schema"] | {"components": described()["components"]}
    value = answer.json()
    jsonschema.Draft202012Validator(schema).validate(value)
    assert value, "an empty answer would fit anything"
    return value


# ---- what is there ----


def test_every_route_is_described_and_nothing_else() -> None:
    table = set()
    for route in routes(Options()):
        if isinstance(route, Route):
            table |= {(route.path, method.lower()) for method in (route.methods or set()) - {"HEAD"}}
        else:
            assert isinstance(route, Mount | WebSocketRoute)
            table.add((route.path + ("/{path}" if isinstance(route, Mount) else ""), "get"))
    assert {(path, method) for path, methods in described()["paths"].items() for method in methods} == table


def test_the_description_is_served_and_whole(api: TestClient) -> None:
    found = api.get("/api/openapi.json").json()
    assert found == described()
    assert found["openapi"] == "3.1.0"
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))
    assert names == set(found["components"]["schemas"])
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, methods in found["paths"].items():
        named = [p["name"] for m in methods.values() for p in m.get("parameters", []) if p["in"] == "path"]
        assert set(named) == set(re.findall(r"{(\w+)}", path))


def test_health_and_page(api: TestClient) -> None:
    assert check("/api/health", "get", api.get("/api/health")) == {"status": "ok", "version": __version__}
    assert api.get("/").text == "<title>page</title>"
    assert api.get("/").headers["cache-control"] == "no-cache"


def test_files_of_the_page_and_their_types(api: TestClient) -> None:
    script = api.get("/static/page.mjs")
    assert script.text == "export {}"
    assert script.headers["content-type"].startswith("text/javascript")
    assert api.get("/static/a.wasm").headers["content-type"] == "application/wasm"
    assert script.headers["cache-control"] == "no-cache"
    again = api.get("/static/page.mjs", headers={"if-none-match": script.headers["etag"]})
    assert again.status_code == 304


def test_examples(api: TestClient) -> None:
    found = check("/api/examples", "get", api.get("/api/examples"))
    assert found == [{"id": "yes-1", "label": "yes", "seconds": 1.0}]
    assert api.get("/api/examples/yes-1").content == WAV
    refusal(api.get("/api/examples/yes.wav"), 404, "GET /api/examples")


def test_models_are_the_shipped_the_runs_and_the_chosen_one(api: TestClient) -> None:
    found = check("/api/models", "get", api.get("/api/models"))
    by_id = {model["id"]: model for model in found["models"]}
    assert {name: by_id[name]["kind"] for name in by_id} == {
        **dict.fromkeys(shipped(), "shipped"), "20260101-tones": "run", "small'": "run", "tones": "file",
    }  # fmt: skip
    assert found["default"] == "tones"
    assert by_id["20260101-tones"]["report"]
    assert not by_id["small'"]["report"]
    assert by_id["tones"]["labels"] == list(LABELS)
    assert by_id["small"]["metrics"]["test"]["clips"] > 0
    assert by_id["tones"]["metrics"]["test"] is None
    assert [broken["id"] for broken in found["broken"]] == ["broken"]
    assert str(Path.cwd()) not in json.dumps(found["broken"])


def test_a_report_comes_with_a_policy_of_its_own(api: TestClient) -> None:
    found = api.get("/api/models/20260101-tones/report")
    assert found.text == "<h1>a report</h1>"
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-scripts" in policy
    refusal(api.get("/api/models/small'/report"), 404, "no report")
    refusal(api.get("/api/models/nobody/report"), 404, "GET /api/models")


def test_new_runs_appear_and_without_a_choice_the_newest_is_used(folder: Path, tmp_path: Path) -> None:
    with client(options(folder, model=None, runs=tmp_path)) as api:
        assert api.get("/api/models").json()["default"] == "small"
        (tmp_path / "new").mkdir()
        write_fake_model(tmp_path / "new" / "model.onnx")
        assert api.get("/api/models").json()["default"] == "new"
        assert api.post("/api/predict", content=WAV).json()["model"] == "new"


# ---- predict and analyse ----


def test_predict_says_what_the_library_says(api: TestClient, folder: Path) -> None:
    found = check("/api/predict", "post", api.post("/api/predict?top=2", content=WAV))
    want = load(folder / "tones.onnx").predict(spoken("yes"), sample_rate=RATE, top=2)
    assert found["label"] == want.label == "yes"
    assert found["score"] == pytest.approx(want.score, abs=1e-3)  # the file has 16 bits
    assert [one["label"] for one in found["top"]] == [one.label for one in want.top]
    assert (found["model"], found["seconds"], found["channels"], found["clipped"]) == ("tones", 1.0, 1, 0)
    assert found["peak"] == pytest.approx(0.3, abs=0.01)


def test_files_forms_and_raw_samples_are_heard_alike(api: TestClient) -> None:
    raw = (spoken("yes") * 32_768).round().astype("<i2").tobytes()
    answers = [
        api.post("/api/predict", content=WAV, headers={"content-type": "audio/wav"}),
        api.post("/api/predict", files={"file": ("../../x.wav", WAV, "audio/wav")}),
        api.post("/api/predict", content=raw, headers={"content-type": f"audio/L16;rate={RATE}"}),
    ]
    found = [check("/api/predict", "post", answer) for answer in answers]
    assert found[0] == found[1]
    assert found[2] == found[0] | {name: found[2][name] for name in ("score", "top", "peak")}
    assert found[2]["score"] == pytest.approx(found[0]["score"], abs=1e-4)  # libsndfile rounds otherwise


@pytest.mark.parametrize("model", ["tones", "20260101-tones", "small'", "tiny"])
def test_any_model_can_be_asked(api: TestClient, model: str) -> None:
    assert api.post("/api/predict", params={"model": model}, content=WAV).json()["model"] == model


@pytest.mark.parametrize(
    ("query", "word"),
    [("top=0", "top"), ("top=x", "top"), ("top=1.5", "whole"), ("top=nan", "top"), ("top=1e999", "top"),
     ("tpo=1", "tpo"), ("top=", "top")],
)  # fmt: skip
def test_odd_options_of_predict_are_422(api: TestClient, query: str, word: str) -> None:
    answer = api.post(f"/api/predict?{query}", content=WAV)
    refusal(answer, 422, word)
    check("/api/predict", "post", answer)


@pytest.mark.parametrize(
    "query",
    ["kind=mfcc", "window_ms=0", "window_ms=501", "hop_ms=nan", "rate=999", "rate=16000.5", "bits=0", "bits=17",
     "antialias=yes", "colour=red"],
)  # fmt: skip
def test_odd_options_of_analyse_are_422(api: TestClient, query: str) -> None:
    refusal(api.post(f"/api/analyse?{query}", content=WAV), 422, query.split("=")[0])


def test_odd_bodies_are_refused(api: TestClient) -> None:
    for path in ("/api/predict", "/api/analyse"):
        refusal(api.post(path), 422, "empty")
        refusal(api.post(path, content=FLAC[:-500]), 422, "the sound: ")
        refusal(api.post(path, content=WAV, headers={"content-type": "text/html"}), 415, "audio/*")
        refusal(api.post(path, params={"model": "nobody"}, content=WAV), 404, "nobody")
        refusal(api.post(path, params={"model": "broken"}, content=WAV), 409, "cannot be read")
        refusal(api.get(path), 405)


def test_a_large_body_is_413_and_nothing_is_left_over(folder: Path) -> None:
    with client(options(folder, limits=Limits(body_bytes=100))) as api:
        refusal(api.post("/api/predict", content=b"x" * 101), 413, "at most")
        refusal(api.post("/api/predict", content=b"x" * 99), 422)


def test_too_many_sounds_at_once_are_429(folder: Path) -> None:
    app = create_app(options(folder, limits=Limits(requests=1)))
    service = app.state.service
    with TestClient(app, base_url="http://localhost") as api:
        service.begin()
        refusal(api.post("/api/predict", content=WAV), 429, "at most 1")
        service.done()
        for _ in range(3):  # a refusal gives its place back
            refusal(api.post("/api/predict", content=b"x"), 422)
        assert api.post("/api/predict", content=WAV).status_code == 200


def test_requests_side_by_side_get_their_own_answers(api: TestClient) -> None:
    words = ["yes", "no"] * 4
    bodies = {word: file_of(spoken(word)) for word in set(words)}
    start = threading.Barrier(len(words))

    def ask(word: str) -> str:
        start.wait(30)
        return str(api.post("/api/predict", content=bodies[word]).json()["label"])

    with ThreadPoolExecutor(len(words)) as pool:
        assert list(pool.map(ask, words)) == words


def test_analyse_is_as_described(api: TestClient) -> None:
    for query in ("", "kind=log_mel&rate=1200&antialias=0&bits=3&window_ms=10&hop_ms=5"):
        found = check("/api/analyse", "post", api.post(f"/api/analyse?{query}", content=WAV))
        assert found["sample_rate"] == (1_200 if query else RATE)
        assert found["model"] == "tones"


# ---- paths ----


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("prefix", ["/static/", "/api/examples/", "/api/models/"])
def test_no_path_leads_out(api: TestClient, prefix: str, name: str) -> None:
    for path in (prefix + name, prefix + name + "/report"):
        found = api.get(path)
        assert found.status_code == 404, path
        assert found.json()["error"]


@pytest.mark.parametrize("name", [".hidden", "../runs/secret.html", "examples", "", "static/page.mjs"])
def test_only_listed_files_of_the_page_are_served(folder: Path, name: str) -> None:
    app = create_app(options(folder, static=folder / "static"))
    with TestClient(app, base_url="http://localhost") as api:
        raw = api.build_request("GET", "http://localhost/static/x")
        raw.url = raw.url.copy_with(raw_path=f"/static/{name}".encode())  # else the client tidies it up
        assert api.send(raw).status_code == 404


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_id_is_looked_up_and_none_is_a_path(api: TestClient, name: str) -> None:
    found = api.post("/api/predict", params={"model": name}, content=WAV)
    listed = {model["id"] for model in api.get("/api/models").json()["models"]} | {"broken"}
    assert found.status_code == (200 if name in listed else 404)


# ---- what is counted ----


def test_metrics_count_routes_not_paths(folder: Path) -> None:
    with client(options(folder)) as api:
        api.post("/api/predict", content=WAV)
        api.post("/api/predict", content=b"")
        for name in ("a", "b"):
            api.get(f"/api/models/{name}/report")
            api.get(f"/nothing/{name}")
        answer = api.get("/api/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = answer.text.splitlines()
    assert 'hanmadi_requests_total{route="/api/predict",method="POST",status="200"} 1' in lines
    assert 'hanmadi_requests_total{route="/api/predict",method="POST",status="422"} 1' in lines
    assert 'hanmadi_requests_total{route="/api/models/{id}/report",method="GET",status="404"} 2' in lines
    assert 'hanmadi_requests_total{route="none",method="",status="404"} 2' in lines
    assert "hanmadi_predict_seconds_count 1" in lines


def test_the_histogram_is_cumulative() -> None:
    metrics = Metrics()
    for seconds in (0.003, 0.2, 50.0):
        metrics.predicted(seconds)
    buckets = [int(line.split()[1]) for line in metrics.text().splitlines() if "_bucket{" in line]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-2], buckets[-1]) == (0, 2, 3)
    assert "hanmadi_predict_seconds_sum 50.203000" in metrics.text()


def test_numbers_that_json_has_not_are_null(folder: Path, tmp_path: Path) -> None:
    """A card comes from anybody."""
    from hanmadi.inference.model_file import FORMAT, write_card

    (tmp_path / "odd").mkdir()
    model = write_fake_model(tmp_path / "odd" / "model.onnx")
    test = {"clips": 3, "accuracy": float("nan"), "interval": [0, float("inf")]}
    write_card(model, {"format": FORMAT, "labels": list(LABELS), "sample_rate": RATE, "clip_samples": RATE,
                       "metrics": {"test": test}})  # fmt: skip
    with client(options(folder, runs=tmp_path)) as api:
        (found,) = (m for m in api.get("/api/models").json()["models"] if m["id"] == "odd")
        assert found["metrics"]["test"] == {"clips": 3, "accuracy": None, "interval": [0, None]}
        assert found["parameters"] is None


def test_a_damaged_card_is_told(folder: Path, tmp_path: Path) -> None:
    from hanmadi.inference.model_file import FORMAT, write_card

    (tmp_path / "odd").mkdir()
    model = write_fake_model(tmp_path / "odd" / "model.onnx")
    write_card(model, {"format": FORMAT, "labels": list(LABELS), "sample_rate": RATE, "clip_samples": RATE,
                       "architecture": "none"})  # fmt: skip
    with client(options(folder, runs=tmp_path)) as api:
        (broken,) = api.get("/api/models").json()["broken"]
        assert broken["id"] == "odd"
        assert "expected architecture to be an object, got 'none'" in broken["error"]


def test_a_fault_of_ours_is_500_and_tells_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(options(folder))
    monkeypatch.setattr(app.state.service.models, "listing", lambda: 1 / 0)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as api:
        assert refusal(api.get("/api/models"), 500) == "the server failed; its log says why"


def test_arrays_are_little_endian_float32() -> None:
    from web_fakes import floats

    from hanmadi.web.analysis import base64_of

    values = np.array([[1.5, -2.0], [0.0, 1e-3]], np.float32)
    np.testing.assert_array_equal(floats(base64_of(values.T)), values.T.ravel())
