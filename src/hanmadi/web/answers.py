"""JSON answers, and what is said when something is refused."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hanmadi.web.limits import RefusedError

_NO_STORE: Final = {"Cache-Control": "no-store"}


def answer(value: Any, status: int = 200) -> Response:
    """A value as JSON; what JSON has no number for (NaN, infinity) is null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, status, headers=_NO_STORE, media_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


async def on_refused(request: Request, error: Exception) -> Response:
    """A request that was refused on purpose."""
    assert isinstance(error, RefusedError)
    return answer({"error": error.message}, error.status)


async def on_http(request: Request, error: Exception) -> Response:
    """No such route, or no such method of it."""
    assert isinstance(error, HTTPException)
    said = {
        404: "nothing is here; GET /api/openapi.json lists what is",
        405: f"expected another method than {request.method}",
    }
    response = answer({"error": said.get(error.status_code, error.detail)}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def on_disconnect(request: Request, error: Exception) -> Response:
    """The client left before its body was whole; nobody reads this."""
    return answer({"error": "expected a whole body, the connection was closed"}, 400)


async def on_bug(request: Request, error: Exception) -> Response:
    """Something that is our fault: it says no more than that."""
    return answer({"error": "the server failed; its log says why"}, 500)


HANDLERS: Final[dict[Any, Any]] = {
    RefusedError: on_refused, HTTPException: on_http, ClientDisconnect: on_disconnect, Exception: on_bug,
}  # fmt: skip
