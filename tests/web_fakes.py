"""A server for tests: the model that hears tones, a test client, and a real one on a free port."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from live_fakes import RATE, write_fake_model
from starlette.testclient import TestClient

from hanmadi.audio import Samples
from hanmadi.web.app import create_app
from hanmadi.web.server import bind, make_server
from hanmadi.web.service import Options

HOST = "http://127.0.0.1:8000"


def options(folder: Path, **given: Any) -> Options:
    """Of a server whose default is the fake model, and whose runs are in a folder of their own."""
    model = folder / "tones.onnx"
    if not model.exists():
        write_fake_model(model)
    return replace(Options(model=str(model), runs=folder / "runs"), **given)


@contextmanager
def client(chosen: Options) -> Iterator[TestClient]:
    """The application in this process, from its start to its end."""
    with TestClient(create_app(chosen), base_url=HOST) as found:
        yield found


@contextmanager
def running(chosen: Options, *, buffer_bytes: int | None = None) -> Iterator[tuple[str, Any]]:
    """A real server in a thread: its address without the scheme, and itself; buffer_bytes: what a client may leave."""
    listening = bind("127.0.0.1", 0)
    if buffer_bytes is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    started = threading.Event()
    server = make_server(chosen, on_start=started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()


def file_of(samples: Samples, *, sample_rate: int = RATE, **how: Any) -> bytes:
    """A sound file, WAV unless another format is named."""
    coded = io.BytesIO()
    soundfile.write(coded, samples, sample_rate, **({"format": "WAV"} | how))
    return coded.getvalue()


def floats(base64_text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What `hanmadi.web.analysis.base64_of` wrote."""
    import base64

    return np.frombuffer(base64.b64decode(base64_text), "<f4")


def refusal(answer: Any, status: int, *words: str) -> str:
    """The reason of an answer that must be a refusal, with these words in it."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert set(found) == {"error"}
    for word in words:
        assert word in found["error"], found
    return str(found["error"])


def connect(api: TestClient, query: str = "", **headers: str) -> Any:
    """A socket of the test client, which would call the server "testserver"."""
    return api.websocket_connect(f"/api/stream{query}", headers={"host": HOST.removeprefix("http://")} | headers)
