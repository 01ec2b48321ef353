"""``hanmadi serve`` as a person starts and ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets
from web_fakes import options, running

from hanmadi.cli import run
from hanmadi.errors import ServerError
from hanmadi.web.server import address, bind


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and its address."""
    model = str(options(folder).model)
    command = [sys.executable, "-m", "hanmadi", "serve", "--port", "0", "--model", model, *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)
    assert child.stderr is not None
    try:
        line = child.stderr.readline()
        assert "http://127.0.0.1:" in line, line + child.stderr.read()
        yield child, line.split("http://")[1].split("/")[0]
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_sockets_with_1001_and_the_exit_code_is_0(tmp_path: Path, ending: signal.Signals) -> None:
    async def talk(child: subprocess.Popen[str], at: str) -> tuple[int | None, str | None]:
        async with websockets.connect(f"ws://{at}/api/stream") as ws:
            assert json.loads(await ws.recv())["type"] == "ready"
            child.send_signal(ending)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 60)
            return ws.close_code, ws.close_reason

    with serving(tmp_path) as (child, at):
        assert json.load(urllib.request.urlopen(f"http://{at}/api/health"))["status"] == "ok"
        assert asyncio.run(talk(child, at)) == (1001, "the server stops")
        assert child.wait(60) == 0
        assert child.stderr is not None
        assert child.stderr.read() == "stopped\n", "nothing else is to be said"


def test_a_port_that_is_taken_is_one_line_with_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", "--port", str(port), "--runs", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert str(port) in said
        assert "--port" in said


def test_an_odd_model_is_said_before_anything_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--port", "0", "--model", "nobody"]) == 2
    assert "nobody: no model file" in capsys.readouterr().err


def test_without_the_extra_the_cure_is_named() -> None:
    code = """
import sys
sys.modules["uvicorn"] = None
from hanmadi.cli import run
sys.exit(run(["serve"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "hanmadi[web]"' in done.stderr


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    from hanmadi.web.service import Options

    assert Options().host == "127.0.0.1"
    with bind(Options().host, 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_an_address_that_is_not_of_this_machine_is_refused() -> None:
    with pytest.raises(ServerError, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)
    with pytest.raises(ServerError, match="nowhere"):
        bind("nowhere.invalid", 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80/"), ("0.0.0.0", "http://127.0.0.1:80/"), ("::", "http://[::1]:80/"),
     ("::1", "http://[::1]:80/"), ("box.local", "http://box.local:80/")],
)  # fmt: skip
def test_the_address_that_is_shown_can_be_opened(host: str, url: str) -> None:
    assert address(host, 80) == url


def raw(at: str, request: bytes) -> bytes:
    """What a server answers to these bytes."""
    host, port = at.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        found = b""
        while part := connection.recv(65_536):
            found += part
    return found


def test_raw_paths_and_odd_requests_find_nothing(tmp_path: Path) -> None:
    """What no tidy client sends: the path goes over the wire as it is."""
    (tmp_path / "secret").write_text("secret")
    with running(options(tmp_path)) as (at, _):
        for path in (
            "/static/../app.py",
            "/static/%2e%2e/%2e%2e/cli.py",
            f"/static/{tmp_path}/secret",
            "//etc/passwd",
            "/api/examples/..%2f..%2fapp.py",
            "/api/models/..%2fsecret/report",
            "/%00",
            "/static/%ff",
        ):
            head = f"GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
            found = raw(at, head.encode())
            assert found.split()[1] in (b"404", b"400"), path
            assert b"secret" not in found.split(b"\r\n\r\n", 1)[1].replace(b"/secret", b"")
        assert raw(at, b"GET /api/health HTTP/1.0\r\n\r\n").split()[1] == b"403", "no host, no answer"
        assert raw(at, b"nonsense\r\n\r\n").split()[1] == b"400"


def test_too_large_a_body_gets_its_reason_over_a_real_connection(tmp_path: Path) -> None:
    with running(options(tmp_path)) as (at, _):
        request = urllib.request.Request(f"http://{at}/api/predict", b"x" * 12_000_000, {"content-type": "audio/wav"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as answer:
            assert answer.code == 413
            assert "at most 8 MB" in json.load(answer)["error"]
