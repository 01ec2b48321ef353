"""Names and origins: who is let in."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.testclient import WebSocketDenialResponse
from web_fakes import HOST, client, connect, options, refusal

from hanmadi.web.guard import PAGE_POLICY, Door, host_name

HERE = Door()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "[::1]"]
)
def test_names_of_this_machine_are_let_in(host: str) -> None:
    assert HERE.host_error(host) is None


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
     "localhost@evil.example", "evil.example/localhost", "localhost:8000/x", "localhost:x", "[::1", "localhost?", "::1",
     "localhost:0"],
)  # fmt: skip
def test_other_names_are_not(host: str | None) -> None:
    assert "--allow-origin" in (HERE.host_error(host) or "")


@pytest.mark.parametrize("host", ["raspberrypi.local:8000", "raspberrypi.local", "pi:80"])
def test_a_refusal_names_the_very_option_that_lets_it_in(host: str, tmp_path: Path) -> None:
    """A browser on the same network calls the machine by its name."""
    with client(options(tmp_path, host="0.0.0.0")) as api:
        reason = refusal(api.get("/", headers={"host": host}), 403, f"--allow-origin http://{host}")
    origin = reason.rsplit("--allow-origin ", 1)[1]
    with client(options(tmp_path, host="0.0.0.0", origins=(origin,))) as api:
        assert api.get("/", headers={"host": host}).status_code == 200
        asked = api.post("/api/trainings", json={}, headers={"host": host, "origin": f"http://{host}"})
        refusal(asked, 400, "--data")


@pytest.mark.parametrize("host", ["a;rm -rf ~", "$(id)", "a b", "<b>", "a'b", "x" * 300])
def test_what_no_command_should_hold_is_not_named_as_an_option(host: str) -> None:
    assert str(HERE.host_error(host)).endswith("--allow-origin http://NAME:PORT")
    assert str(HERE.origin_error(f"http://{host}", "localhost")).endswith("--allow-origin http://NAME:PORT")


def test_a_server_for_all_addresses_is_called_by_address_or_by_its_name() -> None:
    door = Door("0.0.0.0")
    assert door.host_error("192.168.1.20:8000") is None
    assert door.host_error(f"{socket.gethostname()}:8000") is None
    assert door.host_error("evil.example:8000"), "a name can be made to point anywhere (DNS rebinding)"
    assert Door("192.168.1.20").host_error("192.168.1.20:80") is None
    assert Door("192.168.1.20").host_error("192.168.1.21:80")


def test_an_allowed_origin_is_a_name_too() -> None:
    door = Door(origins=("https://words.example.org",))
    assert door.host_error("words.example.org") is None
    assert door.origin_error("https://words.example.org", "localhost:8000") is None
    assert door.origin_error("http://words.example.org", "localhost:8000"), "another scheme is another origin"


@pytest.mark.parametrize(
    ("origin", "site", "right"),
    [
        ("http://localhost:8000", None, True),
        ("http://localhost:8000", "cross-site", True),  # the more exact of the two counts
        (None, None, True),  # no browser
        (None, "same-origin", True),
        (None, "none", True),
        (None, "cross-site", False),
        (None, "same-site", False),
        ("null", None, False),
        ("http://localhost:3000", None, False),
        ("http://127.0.0.1:8000", None, False),
        ("http://evil.example", "same-origin", False),
        ("file://localhost:8000", None, False),
        ("", None, False),
    ],
)
def test_origins(origin: str | None, site: str | None, right: bool) -> None:
    assert (HERE.origin_error(origin, "localhost:8000", site=site) is None) == right


def test_what_a_host_header_names() -> None:
    assert host_name("A.example:80") == "a.example"
    assert host_name("[::1]:80") == "::1"
    assert host_name("a:b:c") == ""


def test_foreign_requests_are_refused_and_own_are_not(tmp_path: Path) -> None:
    with client(options(tmp_path)) as api:
        for method, path in (("POST", "/api/predict"), ("POST", "/api/trainings"), ("DELETE", "/api/trainings/x")):
            evil = {"origin": "http://evil.example"}
            refusal(api.request(method, path, headers=evil), 403, "evil.example")
            refusal(api.request(method, path, headers={"sec-fetch-site": "cross-site"}), 403)
            assert api.request(method, path, headers={"origin": HOST}).status_code != 403
        refusal(api.get("/api/health", headers={"host": "evil.example"}), 403, "evil.example")
        assert api.get("/api/health", headers={"origin": "http://evil.example"}).status_code == 200, "it cannot read it"


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil.example"}])
def test_foreign_sockets_are_refused_with_403(tmp_path: Path, headers: dict[str, str]) -> None:
    with client(options(tmp_path)) as api:
        with pytest.raises(WebSocketDenialResponse) as caught, connect(api, **headers):
            pass
        refusal(caught.value, 403)
        with connect(api, origin=HOST) as socket_:
            assert socket_.receive_json()["type"] == "ready"


def test_every_answer_has_the_headers(tmp_path: Path) -> None:
    with client(options(tmp_path)) as api:
        for path in ("/", "/api/health", "/api/nothing", "/static/nothing.js"):
            headers = api.get(path).headers
            assert headers["content-security-policy"] == PAGE_POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers


def test_an_allowed_origin_may_read_answers(tmp_path: Path) -> None:
    other = "https://words.example.org"
    with client(options(tmp_path, origins=(other,))) as api:
        asked = {"origin": other, "access-control-request-method": "POST"}
        assert api.options("/api/predict", headers=asked).headers["access-control-allow-origin"] == other
        assert api.get("/api/health", headers={"origin": other}).headers["access-control-allow-origin"] == other
        evil = api.get("/api/health", headers={"origin": "http://evil.example"})
        assert "access-control-allow-origin" not in evil.headers
        with connect(api, origin=other) as socket_:
            assert socket_.receive_json()["type"] == "ready"
