"""Who may ask: no other site's page, and nobody by a name that is not the server's; headers on every answer.

A page of another site can send requests to a server on this machine (cross-site request forgery), open its sockets,
and, where its own name is made to point here (DNS rebinding), even read the answers. Names and origins are checked
against that; see OWASP, "Cross-Site Request Forgery Prevention", on verifying origin with standard headers.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hanmadi.web.metrics import Metrics

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY: Final = frozenset({"0.0.0.0", "::", ""})  # hosts to listen on that stand for all addresses
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?")  # that can be named in a command
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# a run may come from elsewhere: its report shows itself, but reaches neither the network nor this server
REPORT_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)
_HEADERS: Final = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Door:
    """Which names and origins are let in."""

    host: str = "127.0.0.1"  # that is listened on
    origins: Collection[str] = field(default=())  # that are allowed besides the server's own

    def host_error(self, host: str | None) -> str | None:
        """Why a Host header is refused; None if it is not."""
        name = host_name(host or "")
        if name in self._names() or (self.host in _ANY and (_is_address(name) or name == socket.gethostname().lower())):
            return None
        option = f"http://{host}" if host and _PLAIN_HOST.fullmatch(host) else "http://NAME:PORT"
        return (
            f"expected a request for {', '.join(sorted(self._names()))}, got one for {(host or 'no host')[:100]!r}; "
            f"if that name is yours, start the server with: --allow-origin {option}"
        )

    def origin_error(self, origin: str | None, host: str | None, *, site: str | None = None) -> str | None:
        """Why an Origin (or, without one, Sec-Fetch-Site) header is refused; None if it is not."""
        if origin is None:
            return None if site in (None, "same-origin", "none") else "expected a request of this server's own page"
        address = urlsplit(origin)
        own = address.scheme in ("http", "https") and host is not None and address.netloc.lower() == host.lower()
        if own or origin in self.origins:
            return None
        option = origin if _PLAIN_HOST.fullmatch(address.netloc) else "http://NAME:PORT"
        return f"expected this server's own page, got one of {origin[:100]!r}; let it in with: --allow-origin {option}"

    def _names(self) -> frozenset[str]:
        allowed = {urlsplit(origin).hostname or "" for origin in self.origins}
        return LOOPBACK | (allowed | {self.host.strip("[]").lower()}) - _ANY


def host_name(host: str) -> str:
    """``localhost:8000`` as ``localhost``, ``[::1]:8000`` as ``::1``; "" for what is neither."""
    if set(host) & set("/\\?#@ "):
        return ""
    try:
        address = urlsplit(f"//{host}")
        return "" if address.port == 0 else address.hostname or ""
    except ValueError:  # the port is no number
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Stands before the routes: refuses with 403, adds the headers, counts."""

    def __init__(self, app: ASGIApp, door: Door, metrics: Metrics) -> None:
        self._app, self._door, self._metrics = app, door, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        guarded = self._guarded(scope, send)
        reason = self._reason(scope)
        if reason is None:
            return await self._app(scope, receive, guarded)
        return await _refuse(scope, guarded, reason)

    def _reason(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host")
        if error := self._door.host_error(host):
            return error
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return None
        return self._door.origin_error(headers.get("origin"), host, site=headers.get("sec-fetch-site"))

    def _guarded(self, scope: Scope, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                self._count(scope, message["status"])
            elif message["type"] == "websocket.accept":
                self._count(scope, 101)
            await send(message)

        return guarded

    def _count(self, scope: Scope, status: int) -> None:
        # the route, not the path: a path is anybody's to choose, and would fill the memory
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.request(route, scope.get("method", "WS") if route != "none" else "", status)


async def _refuse(scope: Scope, send: Send, reason: str) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
