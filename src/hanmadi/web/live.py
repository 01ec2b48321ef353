"""The socket: blocks of sound come, scores and detections go, in order.

A client's next block is read when the one before is done: a client that sends faster than the machine hears is slowed
down by its own connection, and nothing piles up. Windows are scored in a few threads that all clients share by turns of
half a second of sound, so that no client waits for another's long block, and the event loop for none.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from hanmadi.inference.decisions import Detection
from hanmadi.web.hearing import Hearing, Said, Scores, to_message
from hanmadi.web.limits import Limits, RefusedError
from hanmadi.web.metrics import Metrics

# RFC 6455, section 7.4.1, and the registry of IANA
NORMAL, GOING_AWAY, UNSUPPORTED, POLICY, TOO_BIG, TRY_LATER = 1000, 1001, 1003, 1008, 1009, 1013
_REASON_BYTES: Final = 120  # a close frame holds no more than 123
_CLOSING_S: Final = 2.0
_T = TypeVar("_T")


class EndedError(Exception):
    """The socket is to be closed, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class Streams:
    """The sockets that are open, and the threads that hear for them."""

    limits: Limits
    metrics: Metrics
    threads: ThreadPoolExecutor
    _open: set[asyncio.Task[Any]] = field(default_factory=set)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Count this task's socket. Raises EndedError if there are too many."""
        if len(self._open) >= self.limits.streams:
            raise EndedError(TRY_LATER, f"expected at most {self.limits.streams} streams at once; try again later")
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.metrics.opened(1)
        self.metrics.count("hanmadi_streams_total")
        try:
            yield
        finally:
            self._open.discard(task)
            self.metrics.opened(-1)

    async def close(self) -> None:
        """Close all with 1001, as the server stops."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_S)


async def converse(websocket: WebSocket, streams: Streams, hearing_of: Callable[[], Hearing]) -> None:
    """Serve one socket to its end. ``hearing_of`` opens the model and may raise RefusedError."""
    await websocket.accept()
    try:
        with streams.opened():
            try:
                await _hear(websocket, streams, hearing_of)
            except asyncio.CancelledError as error:
                raise EndedError(GOING_AWAY, "the server stops") from error
    except RefusedError as error:
        await _close(websocket, POLICY, error.message)
    except EndedError as end:
        await _close(websocket, end.code, end.reason)
    except (WebSocketDisconnect, ConnectionError):
        pass  # the client left, which is how a stream ends


async def _hear(websocket: WebSocket, streams: Streams, hearing_of: Callable[[], Hearing]) -> None:
    limits = streams.limits
    over = time.monotonic() + limits.stream_s
    hearing = await _threaded(streams, hearing_of)
    await _send(websocket, [hearing.ready()], limits)
    while True:
        message = await _next(websocket, limits, over)
        data, text = message.get("bytes"), message.get("text")
        if data is not None:
            await _block(websocket, streams, hearing, data)
        elif await _told(websocket, streams, hearing, text or ""):
            raise EndedError(NORMAL, "the sound is over")


async def _next(websocket: WebSocket, limits: Limits, over: float) -> dict[str, Any]:
    """The next message. Raises EndedError when none comes in time, WebSocketDisconnect when the client left."""
    left_s = over - time.monotonic()
    try:
        async with asyncio.timeout(max(0.0, min(limits.idle_s, left_s))):
            message = await websocket.receive()
    except TimeoutError as error:
        if left_s <= limits.idle_s:
            raise EndedError(NORMAL, f"a stream lasts at most {limits.stream_s:g} s; open a new one") from error
        raise EndedError(POLICY, f"expected a block within {limits.idle_s:g} s, got none") from error
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or NORMAL)
    return dict(message)


async def _block(websocket: WebSocket, streams: Streams, hearing: Hearing, data: bytes) -> None:
    if len(data) > streams.limits.block_bytes:
        raise EndedError(TOO_BIG, f"expected blocks of at most {streams.limits.block_bytes} bytes, got {len(data)}")
    streams.metrics.count("hanmadi_stream_blocks_total")
    if not hearing.add(data):
        return
    for piece in hearing.turns():
        said = await _threaded(streams, partial(hearing.hear, piece))
        _count(streams.metrics, said)
        await _send(websocket, [to_message(one) for one in said], streams.limits)


async def _told(websocket: WebSocket, streams: Streams, hearing: Hearing, text: str) -> bool:
    """Answer a message of text; whether it ends the stream. Raises EndedError for what is no message."""
    message = _parsed(text, streams.limits)
    if message.get("type") == "ping":
        number = message.get("id")
        if not isinstance(number, int | float | str | None):
            raise EndedError(UNSUPPORTED, "expected the id of a ping to be a number or text")
        await _send(websocket, [{"type": "pong", "id": number}], streams.limits)
        return False
    if message.get("type") != "end":
        raise EndedError(UNSUPPORTED, 'expected blocks of sound, {"type":"ping","id":1} or {"type":"end"}')
    said = await _threaded(streams, hearing.end)
    _count(streams.metrics, said)
    ended = {"type": "end", "time_s": hearing.time_s}
    await _send(websocket, [*(to_message(one) for one in said), ended], streams.limits)
    return True


def _parsed(text: str, limits: Limits) -> dict[str, Any]:
    try:
        found = json.loads(text) if len(text) <= limits.text_chars else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _count(metrics: Metrics, said: Sequence[Said]) -> None:
    metrics.count("hanmadi_stream_windows_total", sum(isinstance(one, Scores) for one in said))
    metrics.count("hanmadi_detections_total", sum(isinstance(one, Detection) for one in said))


async def _threaded(streams: Streams, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(streams.threads, work)


async def _send(websocket: WebSocket, messages: Sequence[dict[str, Any]], limits: Limits) -> None:
    try:
        async with asyncio.timeout(limits.write_s):
            for message in messages:
                await websocket.send_text(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
    except TimeoutError as error:
        raise EndedError(POLICY, f"expected the answers to be read within {limits.write_s:g} s") from error


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Tell why, then close; a client that does not read is left."""
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect, ConnectionError):
        async with asyncio.timeout(_CLOSING_S):
            if code not in (NORMAL, GOING_AWAY):
                await websocket.send_text(json.dumps({"type": "problem", "message": reason}, ensure_ascii=False))
            await websocket.close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
