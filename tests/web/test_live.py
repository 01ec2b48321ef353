"""The socket: the path of ``hanmadi listen``, its limits, and many clients at once."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import websockets
from live_fakes import LABELS, RATE, FakeRecognizer, hiss, spoken, tone
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from web_fakes import client, connect, options, running

from hanmadi.audio import Samples, as_float, resample, to_int16
from hanmadi.inference.decisions import DecisionConfig, Detection
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import Stream, listen, tail, windows_of
from hanmadi.web.hearing import FORMATS, Hearing, Said, Scores, StreamOptions, stream_options, to_message
from hanmadi.web.limits import Limits, RefusedError

CLIENTS = 50


def speech(seed: int = 0) -> Samples:
    """Words in noise, others for each seed."""
    rng = np.random.default_rng(seed)
    words = [part for word in rng.choice(["yes", "no", "unknown"], 3) for part in (spoken(word), hiss(0.8, seed=seed))]
    return np.concatenate([hiss(1.0, seed=seed), *words])


def blocks_of(samples: Samples, rng: np.random.Generator, *, longest: int = 600) -> list[Samples]:
    found, start = [], 0
    while start < len(samples):
        found.append(samples[start : start + int(rng.integers(1, longest))])
        start += len(found[-1])
    return found


def hear(hearing: Hearing, data: bytes) -> list[Said]:
    """What the socket does with a block."""
    return [one for turn in hearing.turns() for one in hearing.hear(turn)] if hearing.add(data) else []


def offline(model: Recognizer, samples: Samples) -> list[dict[str, Any]]:
    """Scores and detections of a whole sound with the silence after it, as they are to be sent."""
    whole = np.concatenate([samples, tail(model, DecisionConfig(), sample_rate=RATE)])
    times, scores = windows_of(model, whole)
    rows = zip(times.tolist(), scores.tolist(), strict=True)
    found = [{"type": "scores", "time_s": time_s, "scores": [round(x, 6) for x in row]} for time_s, row in rows]
    assert np.ptp(scores, axis=0).max() > 0.9, "constant scores would pass anything"
    return found + as_sent(list(listen(model, [whole])))


def told(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same of what came: scores without their levels, then detections."""
    scores = [{k: v for k, v in one.items() if k != "level_db"} for one in messages if one["type"] == "scores"]
    return scores + [one for one in messages if one["type"] == "detection"]


def as_sent(detections: Sequence[Detection]) -> list[dict[str, Any]]:
    return [{"type": "detection", **found._asdict()} for found in detections]


def receive_all(session: WebSocketTestSession) -> list[dict[str, Any]]:
    """Messages up to the end, which the server then closes with 1000."""
    found = []
    while not found or found[-1]["type"] != "end":
        found.append(session.receive_json())
    with pytest.raises(WebSocketDisconnect) as caught:
        session.receive_json()
    assert caught.value.code == 1000
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def model(folder: Path) -> Recognizer:
    """What the server uses."""
    found = options(folder).model
    return load(found)


# ---- Hearing, without a server ----


@pytest.mark.parametrize("rate", [RATE, 4_410])
@pytest.mark.parametrize("form", ["f32", "s16"])
def test_blocks_give_the_scores_and_words_of_the_whole(rate: int, form: str) -> None:
    samples = resample(speech(1), RATE, rate)
    sent = to_int16(samples) if form == "s16" else samples
    hearing = Hearing(FakeRecognizer(), StreamOptions(rate, form))
    said = [one for block in blocks_of(sent, np.random.default_rng(1)) for one in hear(hearing, block.tobytes())]
    messages = [to_message(one) for one in said + hearing.end()]
    whole = np.concatenate([as_float(sent), tail(FakeRecognizer(), DecisionConfig(), sample_rate=rate)])
    times, scores = windows_of(FakeRecognizer(), whole, sample_rate=rate)
    heard = [one for one in messages if one["type"] == "scores"]
    assert [one["time_s"] for one in heard] == times.tolist()
    np.testing.assert_allclose([one["scores"] for one in heard], scores, atol=1e-6)
    assert np.ptp(scores, axis=0).max() > 0.9
    words = as_sent(list(listen(FakeRecognizer(), [whole], sample_rate=rate)))
    assert [one for one in messages if one["type"] == "detection"] == words
    assert len(words) > 1


def test_levels_are_those_of_each_hop() -> None:
    samples = np.concatenate([np.zeros(RATE, np.float32), tone("yes", level=0.1), tone("no", level=0.01)])
    said = hear(Hearing(FakeRecognizer(), StreamOptions(RATE)), samples.tobytes())
    levels = {round(one.time_s, 1): one.level_db for one in said if hasattr(one, "level_db")}
    assert (levels[1.0], levels[2.0], levels[3.0]) == (
        -100.0,
        pytest.approx(-23.0, abs=0.1),
        pytest.approx(-43, abs=0.1),
    )


def test_broken_numbers_are_told_once() -> None:
    hearing = Hearing(FakeRecognizer(), StreamOptions(RATE))
    broken = np.full(RATE // 10, np.nan, np.float32).tobytes()
    said = [to_message(one)["type"] for _ in range(12) for one in hear(hearing, broken)]
    assert said.count("problem") == 1
    assert said.count("scores") == 3


@pytest.mark.parametrize(("form", "size"), [("f32", 7), ("s16", 3)])
def test_half_samples_are_refused(form: str, size: int) -> None:
    with pytest.raises(RefusedError, match=f"got {size} bytes"):
        Hearing(FakeRecognizer(), StreamOptions(RATE, form)).add(b"x" * size)


@pytest.mark.parametrize("pieces", [(1 << 12,), (1, 2, 5, 900)])
def test_a_file_is_not_heard_as_samples(pieces: tuple[int, ...]) -> None:
    """Whatever the blocks are: a client that sends a WAV is told so before anything is heard."""
    data, hearing = b"RIFF\x24\x80\0\0WAVEfmt " + bytes(2_000), Hearing(FakeRecognizer(), StreamOptions(RATE, "s16"))
    ends = np.cumsum([0, *pieces]) * 2
    blocks = [data[start:end] for start, end in itertools.pairwise(ends.tolist())]
    with pytest.raises(RefusedError, match=r"a file \(WAV\).*/api/predict"):
        list(map(hearing.add, blocks))


def test_whole_numbers_as_float_are_refused() -> None:
    hearing = Hearing(FakeRecognizer(), StreamOptions(RATE))
    data = np.rint(speech(1) * 32_768).astype("<f4").tobytes()
    with pytest.raises(RefusedError, match="divide them by 32768"):
        hear(hearing, data)


def test_a_recording_is_heard_from_its_very_start() -> None:
    said = {}
    for recording in (False, True):
        hearing = Hearing(FakeRecognizer(), StreamOptions(RATE, recording=recording))
        said[recording] = hear(hearing, np.concatenate([tone("yes", 0.5), hiss(3)]).tobytes()) + hearing.end()
    words = {key: [one.label for one in found if isinstance(one, Detection)] for key, found in said.items()}
    assert words == {False: [], True: ["yes"]}
    assert [min(one.time_s for one in found if isinstance(one, Scores)) for found in said.values()] == [1.0, 0.1]
    assert stream_options({"recording": "1"}, Limits()).recording


@pytest.mark.parametrize("form", ["f32", "s16"])
def test_a_long_block_is_heard_by_turns(form: str) -> None:
    hearing = Hearing(FakeRecognizer(), StreamOptions(RATE, form, hop_s=0.02))
    data = (np.arange(10 * RATE) / (10 * RATE if form == "f32" else 1)).astype(FORMATS[form]).tobytes()
    assert hearing.add(data + data[:8])
    turns = hearing.turns()
    assert b"".join(turns) == data + data[:8]
    assert len(turns) == 21
    assert max(len(hearing.hear(turn)) for turn in turns) == 25
    assert hearing.turns() == []


@pytest.mark.parametrize("rate", [RATE, 4_410])
def test_short_blocks_wait_for_a_window_and_no_longer(rate: int) -> None:
    """A window comes with the block that completes it, and of the blocks in between few are worth a thread."""
    hearing, stream = Hearing(FakeRecognizer(), StreamOptions(rate)), Stream(FakeRecognizer(), sample_rate=rate)
    samples, worth = resample(speech(4), RATE, rate), 0
    for block in np.array_split(samples, len(samples) // 40):
        due = hearing.add(block.tobytes())
        said = [one for turn in hearing.turns() for one in hearing.hear(turn)] if due else []
        want = [window.time_s for window in stream.push(block)]
        assert [one.time_s for one in said if isinstance(one, Scores)] == want
        worth += due
    assert rate != RATE or worth < len(samples) / 40 / 2, "resampling gives a window some blocks later"


@pytest.mark.parametrize(
    "values", [{"rate": "0"}, {"rate": "16000.5"}, {"rate": "-1"}, {"format": "u8"}, {"hop": "0"}, {"hop": "nan"},
               {"hop": "5"}, {"speed": "2"}]
)  # fmt: skip
def test_odd_options_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        stream_options(values, Limits())
    assert caught.value.status == 422


def test_a_hop_of_half_samples_is_refused() -> None:
    with pytest.raises(RefusedError, match="whole samples"):
        Hearing(FakeRecognizer(), StreamOptions(RATE, hop_s=0.0303))


# ---- the socket ----


@pytest.fixture(scope="module")
def api(folder: Path) -> Any:
    with client(options(folder)) as found:
        yield found


def test_a_conversation(api: TestClient, model: Recognizer) -> None:
    samples = speech(2)
    with connect(api, f"?rate={RATE}&hop=0.1") as session:
        ready = session.receive_json()
        assert ready["type"] == "ready"
        assert ready["labels"] == list(LABELS)
        assert (ready["hop_s"], ready["sample_rate"], ready["window_s"], ready["model"]) == (0.1, RATE, 1.0, "tones")
        assert ready["decisions"]["threshold"] == DecisionConfig().threshold
        session.send_json({"type": "ping", "id": 7})
        assert session.receive_json() == {"type": "pong", "id": 7}
        for block in blocks_of(samples, np.random.default_rng(2)):
            session.send_bytes(block.tobytes())
        session.send_bytes(b"")
        session.send_json({"type": "end"})
        found = receive_all(session)
    assert told(found) == offline(model, samples)
    assert found[-1] == {"type": "end", "time_s": pytest.approx(len(samples) / RATE + 1.1)}


def refused(session: WebSocketTestSession) -> tuple[int, str]:
    """Code and reason of a socket that is closed after a problem."""
    message = session.receive_json()
    while message["type"] != "problem":
        message = session.receive_json()
    with pytest.raises(WebSocketDisconnect) as caught:
        session.receive_json()
    assert message["message"].startswith(caught.value.reason[:100])
    return caught.value.code, message["message"]


@pytest.mark.parametrize(
    ("query", "word"), [("?model=nobody", "nobody"), ("?model=../x", "id"), ("?rate=abc", "rate"),
                        ("?hop=0.0303", "hop"), ("?format=mp3", "format"), ("?nonsense=1", "nonsense")]
)  # fmt: skip
def test_odd_options_close_the_socket_with_1008(api: TestClient, query: str, word: str) -> None:
    with connect(api, query) as session:
        code, reason = refused(session)
    assert code == 1008
    assert word in reason


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"xyz", 1008), (b"x" * ((1 << 18) + 4), 1009), ("hello", 1003), ("[]", 1003), ('{"type":"dance"}', 1003),
     ("x" * 5_000, 1003), ("[" * 1_000, 1003), ('{"type":"ping","id":{}}', 1003)],
)  # fmt: skip
def test_odd_messages_close_the_socket_with_a_reason(api: TestClient, message: bytes | str, code: int) -> None:
    with connect(api) as session:
        (session.send_bytes if isinstance(message, bytes) else session.send_text)(message)  # type: ignore[operator]
        assert refused(session)[0] == code


def test_an_idle_socket_is_closed_and_a_long_one_too(folder: Path) -> None:
    with client(options(folder, limits=Limits(idle_s=0.2))) as api, connect(api) as session:
        assert refused(session) == (1008, "expected a block within 0.2 s, got none")
    with client(options(folder, limits=Limits(stream_s=0.2))) as api, connect(api) as session:
        session.receive_json()
        with pytest.raises(WebSocketDisconnect) as caught:
            session.receive_json()
        assert (caught.value.code, caught.value.reason[:30]) == (1000, "a stream lasts at most 0.2 s; ")


def test_sockets_over_the_limit_are_told_to_come_later(folder: Path) -> None:
    with client(options(folder, limits=Limits(streams=1))) as api:
        with connect(api) as first:
            first.receive_json()
            with connect(api) as second:
                assert refused(second)[0] == 1013
        with connect(api) as third:
            assert third.receive_json()["type"] == "ready", "a place becomes free"
        for _ in range(100):
            if "hanmadi_streams_open 0" in api.get("/api/metrics").text:
                break
            time.sleep(0.05)
        text = api.get("/api/metrics").text
    assert "hanmadi_streams_open 0" in text
    assert "hanmadi_streams_total 2" in text


def test_what_is_heard_is_counted(folder: Path) -> None:
    with client(options(folder)) as api:
        with connect(api, f"?rate={RATE}") as session:
            for _ in range(20):
                session.send_bytes(tone("yes", 0.1).tobytes())
            session.send_json({"type": "end"})
            receive_all(session)
        text = api.get("/api/metrics").text
    assert "hanmadi_stream_blocks_total 20" in text
    assert "hanmadi_stream_windows_total 22" in text  # 3.1 s with the silence at the end
    assert "hanmadi_detections_total 1" in text


# ---- a real server ----


async def listen_to(address: str, samples: Samples, seed: int) -> list[dict[str, Any]]:
    """Send a sound in random blocks while reading, as fast as it goes; all messages up to the end."""
    async with websockets.connect(f"ws://{address}/api/stream?rate={RATE}", origin=f"http://{address}") as ws:
        sending = asyncio.create_task(_send(ws, samples, seed))
        found = [json.loads(message) async for message in ws]
        await sending
        assert ws.close_code == 1000
    return found


async def _send(ws: Any, samples: Samples, seed: int) -> None:
    for number, block in enumerate(blocks_of(samples, np.random.default_rng(seed))):
        await ws.send(block.tobytes())
        if number % 5 == 0:
            await ws.send(json.dumps({"type": "ping", "id": number}))
    await ws.send('{"type":"end"}')


def test_fifty_clients_at_once_each_get_their_own_scores_and_lose_no_block(folder: Path, model: Recognizer) -> None:
    sounds = [speech(seed) for seed in range(CLIENTS)]

    async def all_of_them(address: str) -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*(listen_to(address, sound, seed) for seed, sound in enumerate(sounds)))

    with running(options(folder)) as (address, server):
        found = asyncio.run(all_of_them(address))
        text = server.config.app.state.service.metrics.text()
    for seed, messages in enumerate(found):
        assert told(messages) == offline(model, sounds[seed])
        pongs = [one["id"] for one in messages if one["type"] == "pong"]
        assert pongs == sorted(pongs)
        assert not [one for one in messages if one["type"] == "problem"]
    blocks = sum(len(blocks_of(sound, np.random.default_rng(seed))) for seed, sound in enumerate(sounds))
    assert f"hanmadi_stream_blocks_total {blocks}" in text
    assert "hanmadi_streams_open 0" in text


def test_a_client_that_reads_nothing_is_left_and_others_are_served(folder: Path, model: Recognizer) -> None:
    async def both(address: str) -> tuple[int | None, list[dict[str, Any]]]:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # so that it is full soon
        small.connect(("127.0.0.1", int(address.split(":")[1])))
        url = f"ws://{address}/api/stream?rate={RATE}&hop=0.02"
        deaf = await websockets.connect(url, max_queue=1, sock=small)
        block = np.zeros(32_000, np.float32).tobytes()

        async def shout() -> None:
            while True:
                await deaf.send(block)

        shouting = asyncio.create_task(shout())
        other = await listen_to(address, speech(3), 3)
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(shouting, 60)
        return deaf.close_code, other

    with running(options(folder, limits=Limits(write_s=0.5)), buffer_bytes=4_096) as (address, _):
        code, other = asyncio.run(both(address))
    assert code in (1006, 1008)
    assert told(other) == offline(model, speech(3))


def test_clients_that_vanish_leave_nothing_behind(folder: Path) -> None:
    async def vanish(address: str) -> None:
        for _ in range(5):
            ws = await websockets.connect(f"ws://{address}/api/stream?rate={RATE}")
            await ws.send(speech(1).tobytes()[: 1 << 15])
            ws.transport.abort()

    with running(options(folder)) as (address, server):
        asyncio.run(vanish(address))
        text = ""
        for _ in range(200):
            text = server.config.app.state.service.metrics.text()
            if "hanmadi_streams_open 0" in text:
                break
            time.sleep(0.05)
    assert "hanmadi_streams_open 0" in text


def test_the_end_of_the_server_closes_sockets_with_1001(folder: Path) -> None:
    async def wait_for_the_end(address: str, server: Any) -> tuple[int | None, str | None]:
        async with websockets.connect(f"ws://{address}/api/stream") as ws:
            assert json.loads(await ws.recv())["type"] == "ready"
            server.should_exit = True
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 20)
            return ws.close_code, ws.close_reason

    with running(options(folder)) as (address, server):
        assert asyncio.run(wait_for_the_end(address, server)) == (1001, "the server stops")


def test_a_message_over_every_limit_is_1009(folder: Path) -> None:
    async def shout(address: str) -> int | None:
        async with websockets.connect(f"ws://{address}/api/stream") as ws:
            await ws.recv()
            await ws.send(b"x" * (1 << 20))
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 20)
            return ws.close_code

    with running(options(folder)) as (address, _):
        assert asyncio.run(shout(address)) == 1009
