"""Runs the application under uvicorn, and ends it cleanly."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hanmadi.errors import MissingExtraError, ServerError

try:
    import uvicorn
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    from hanmadi.web.app import create_app
except ImportError as error:
    raise MissingExtraError("web", "the page") from error

from hanmadi.web.service import Options as Options
from hanmadi.web.service import Service

if TYPE_CHECKING:
    from types import FrameType

DEFAULT_PORT: Final = 8_000
_MESSAGE_ROOM: Final = 1 << 10  # over the largest block, so that the application says what is wrong
_STOPPING_S: Final = 5
_LEAVING_S: Final = 3.0
_CONNECTIONS: Final = 400


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's, that does not wait for ever for a client that does not read."""

    async def run_asgi(self) -> None:
        """Serve one socket; when that is done, what was not read some seconds later is given up."""
        await super().run_asgi()
        self.loop.call_later(_LEAVING_S, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn's, that tells sockets why they close, and whose end by a signal is no failure."""

    def __init__(self, config: uvicorn.Config, service: Service, on_start: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._service, self._on_start = service, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind the port, then say at which address the page is."""
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close streams with 1001 first: uvicorn itself would say 1012 to all."""
        for server in self.servers:
            server.close()
        await self._service.streams.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stop the server; they are not raised again when it has stopped."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it cleanly, a second at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


def make_server(options: Options, *, on_start: Callable[[], None] = lambda: None) -> Server:
    """A server that is not yet running; give `Server.run` the socket of `bind`. Raises ModelError as `create_app`."""
    app = create_app(options)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="on",
        ws=Socket, ws_max_size=options.limits.block_bytes + _MESSAGE_ROOM, ws_per_message_deflate=False,
        ws_ping_interval=None,  # who sends nothing is closed anyway; a pong may wait behind blocks on a busy machine
        limit_concurrency=_CONNECTIONS, timeout_graceful_shutdown=_STOPPING_S,
    )  # fmt: skip
    return Server(config, app.state.service, on_start)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises ServerError that says what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise ServerError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); "
            "choose another with --port, or 0 for any that is free"
        ) from error
    return listening


def serve(options: Options, *, port: int = DEFAULT_PORT, show: bool = False, say: Callable[[str], None] = print) -> int:
    """Serve until a signal comes. Raises ServerError if the port is taken, ModelError as `create_app`."""
    listening = bind(options.host, port)
    url = address(options.host, listening.getsockname()[1])

    def started() -> None:
        say(f"hanmadi is at {url} (Ctrl-C ends it)")
        if options.host not in ("127.0.0.1", "localhost", "::1"):
            say("warning: other machines can reach it, there is no password, and browsers give pages without "
                "https no microphone")  # fmt: skip
        if show:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with listening:
        make_server(options, on_start=started).run(sockets=[listening])
    say("stopped")
    return 0


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"
