"""The routes: each parses, calls one function, answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from hanmadi import __version__
from hanmadi.audio import Sound
from hanmadi.web import analysis, examples, openapi, query
from hanmadi.web.answers import HANDLERS, answer
from hanmadi.web.guard import REPORT_POLICY, Door, Guard
from hanmadi.web.hearing import Hearing, stream_options
from hanmadi.web.limits import RefusedError
from hanmadi.web.live import converse
from hanmadi.web.service import Options, Service
from hanmadi.web.sound_body import parse_type, read_body, sound_of
from hanmadi.web.static_files import ListedFiles
from hanmadi.web.trainings import Data, Training, job_of

_METRICS_TYPE = "text/plain; version=0.0.4"


def create_app(options: Options | None = None) -> Starlette:
    """The server as an ASGI application. Raises ModelError if the chosen model cannot be read."""
    options = options or Options()
    service = Service(options)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if options.data is not None:
            service.trainings.data()  # it is looked at meanwhile
        yield
        await service.close()

    middleware = [Middleware(Guard, Door(options.host, options.origins), service.metrics)]
    if options.origins:
        middleware.append(
            Middleware(CORSMiddleware, allow_origins=options.origins, allow_methods=["GET", "POST", "DELETE"],
                       allow_headers=["content-type"])
        )  # fmt: skip
    app = Starlette(routes=routes(options), middleware=middleware, exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.service = service
    return app


def routes(options: Options) -> list[BaseRoute]:
    """The paths of the server and the functions that answer them."""
    return [
        Route("/", page),
        Mount("/static", ListedFiles(options.static)),
        Route("/api/health", health),
        Route("/api/metrics", metrics),
        Route("/api/models", models),
        Route("/api/models/{id}/report", report),
        Route("/api/predict", predict, methods=["POST"]),
        Route("/api/analyse", analyse, methods=["POST"]),
        Route("/api/examples", example_list),
        Route("/api/examples/{id}", example),
        Route("/api/data", data),
        Route("/api/trainings", trainings),
        Route("/api/trainings", start_training, methods=["POST"]),
        Route("/api/trainings/{id}", training),
        Route("/api/trainings/{id}", cancel_training, methods=["DELETE"]),
        Route("/api/openapi.json", openapi_document),
        WebSocketRoute("/api/stream", stream),
    ]


def _service(connection: Request | WebSocket) -> Service:
    service: Service = connection.app.state.service
    return service


async def page(request: Request) -> Response:
    """Answer with the web page."""
    path = _service(request).options.static / "index.html"
    if not path.is_file():
        raise RefusedError(404, "the page is not installed; the API is: GET /api/openapi.json")
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


async def health(request: Request) -> Response:
    """Answer that the server is up, and its version."""
    return answer({"status": "ok", "version": __version__})


async def metrics(request: Request) -> Response:
    """Answer with the counters in the text format of Prometheus."""
    return PlainTextResponse(_service(request).metrics.text(), media_type=_METRICS_TYPE)


async def models(request: Request) -> Response:
    """The models that can be chosen."""
    service = _service(request)
    return answer(await service.threaded(service.models.listing))


async def report(request: Request) -> Response:
    """Answer with the HTML report of a finished run."""
    service = _service(request)
    entry = await service.threaded(partial(service.models.entry, request.path_params["id"]))
    if entry.report is None:
        raise RefusedError(404, f"the model {query.shown(entry.id)} has no report; runs of hanmadi train have one")
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-cache"}
    return FileResponse(entry.report, media_type="text/html", headers=headers)


async def predict(request: Request) -> Response:
    """Answer with the word in the sound of the request's body, and its scores."""
    service = _service(request)
    started = time.perf_counter()
    query.only(request.query_params, "model", "top")
    top = query.whole(request.query_params, "top", 5, 1, service.limits.top)

    def work(sound: Sound) -> dict[str, Any]:
        entry, recognizer = service.models.opened(request.query_params.get("model"))
        return {"model": entry.id} | analysis.prediction(sound, recognizer, top=top)

    found = await _with_sound(request, service, work)
    service.metrics.predicted(time.perf_counter() - started)
    return found


async def analyse(request: Request) -> Response:
    """A sound altered and measured."""
    service = _service(request)
    view = analysis.view_of(request.query_params, service.limits)
    top = query.whole(request.query_params, "top", 5, 1, service.limits.top)

    def work(sound: Sound) -> dict[str, Any]:
        entry, recognizer = service.models.opened(request.query_params.get("model"))
        found = analysis.analysis(sound, view, recognizer, top=top, limits=service.limits)
        return {"model": entry.id} | found

    return await _with_sound(request, service, work)


async def _with_sound(request: Request, service: Service, work: Callable[[Sound], dict[str, Any]]) -> Response:
    """Read, decode and work on the sound of a body, and write the answer, all but the reading in a thread."""
    limits = service.limits
    service.begin()
    try:
        body = await read_body(
            request.stream(), request.headers.get("content-length"), at_most=limits.body_bytes, send_s=limits.send_s
        )
        kind = request.headers.get("content-type", "")
        return await service.threaded(lambda: answer(work(sound_of(body, kind, limits))))
    finally:
        service.done()


async def example_list(request: Request) -> Response:
    """Answer with the names of the example sounds."""
    return answer(examples.public(_service(request).options.static))


async def example(request: Request) -> Response:
    """Answer with one of the example sounds."""
    path = examples.find(request.path_params["id"], _service(request).options.static)
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


async def stream(websocket: WebSocket) -> None:
    """Recognise live sound that comes through a WebSocket."""
    service = _service(websocket)

    def hearing() -> Hearing:
        options = stream_options(websocket.query_params, service.limits)
        entry, recognizer = service.models.opened(websocket.query_params.get("model"))
        return Hearing(recognizer, options, model=entry.id)

    await converse(websocket, service.streams, hearing)


async def data(request: Request) -> Response:
    """Answer with the recordings that the page may start trainings on."""
    return answer(asdict(await _data(_service(request))))


async def _data(service: Service) -> Data:
    return await asyncio.shield(asyncio.wrap_future(service.trainings.data()))


async def trainings(request: Request) -> Response:
    """All trainings since the server was started."""
    service = _service(request)
    return answer(await service.threaded(lambda: [_told(service, one) for one in service.trainings.all()]))


async def training(request: Request) -> Response:
    """Answer with the progress of one training."""
    service = _service(request)
    return answer(await service.threaded(lambda: _told(service, service.trainings.get(request.path_params["id"]))))


def _told(service: Service, one: Training) -> dict[str, Any]:
    done = one.state == "done" and one.run is not None
    return one.to_dict() | {"model": service.models.id_of_run(one.run or "") if done else None}


async def start_training(request: Request) -> Response:
    """Start a training with the settings of the request's body."""
    service = _service(request)
    limits = service.limits
    if parse_type(request.headers.get("content-type", ""))[0] != "application/json":
        raise RefusedError(415, "expected JSON; send it with the content type application/json")
    body = await read_body(
        request.stream(), request.headers.get("content-length"), at_most=limits.form_bytes, send_s=limits.send_s
    )
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(422, f"expected JSON, got something else ({error})") from error
    job = job_of(values, await _data(service))
    started = await service.threaded(partial(service.trainings.start, job))
    return answer(_told(service, started), 201)


async def cancel_training(request: Request) -> Response:
    """End a training before it has finished."""
    service = _service(request)
    return answer(await service.threaded(lambda: _told(service, service.trainings.cancel(request.path_params["id"]))))


async def openapi_document(request: Request) -> Response:
    """Answer with the OpenAPI description of this API."""
    return answer(openapi.document())
