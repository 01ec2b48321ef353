"""The OpenAPI 3.1 description of the HTTP API; a test holds it against the routes and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hanmadi import __version__
from hanmadi.runs import DEFAULT_ARCH
from hanmadi.web.limits import LIMITS

Schema = dict[str, Any]
_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}
_SCORE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_BASE64: Final[Schema] = {"type": "string", "contentEncoding": "base64"}
_SOUND: Final[Schema] = {"schema": {}}
_OF_SOUNDS: Final = (404, 408, 409, 413, 415, 422, 429)
_BODY_TYPES: Final = (
    "audio/*", "application/octet-stream", "audio/L16;rate=16000;channels=1", "audio/x-raw-s16le;rate=16000",
    "audio/x-raw-f32le;rate=48000",
)  # fmt: skip
STREAM: Final = f"""A WebSocket, the very path of `hanmadi listen`.

The client sends binary messages: blocks of mono samples, little-endian, of any size up to {LIMITS.block_bytes} bytes;
and text, JSON: `{{"type":"ping","id":1}}`, which is answered by `{{"type":"pong","id":1}}` when the blocks before it
are done, and `{{"type":"end"}}` when its sound is over.

The server sends text, JSON: first `ready` (`labels`, `decisions`, `hop_s`, `sample_rate`, `window_s`, `model`); then
each hop `scores` (`time_s`: end of the window in the sound, `scores`: in the order of the labels, `level_db`: RMS of
the last hop); `detection` (`label`, `time_s`, `score`); `problem` (`message`); and after `end` the rest, then `end`
(`time_s`).

It closes with 1000 (over, or after {LIMITS.stream_s:g} s), 1001 (the server stops), 1003 (no such message), 1008 (odd
options, or nothing for {LIMITS.idle_s:g} s), 1009 (too large a block) or 1013 (more than {LIMITS.streams} streams),
with a reason. A page of another site gets 403."""


def document() -> dict[str, Any]:
    """The OpenAPI description of the HTTP API as plain values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hanmadi", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Recognises single spoken words. Errors are JSON: `{\"error\": \"...\"}`.",
        },
        "servers": [{"url": "/"}],
        "paths": {path: dict(methods) for path, methods in _paths().items()},
        "components": {"schemas": SCHEMAS},
    }  # fmt: skip


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_PREDICTION: Final = {
    "label": _TEXT, "score": _SCORE, "top": _list(_ref("Score")), "seconds": _NUMBER, "sample_rate": _COUNT,
    "channels": _COUNT, "peak": _NUMBER, "clipped": _COUNT,
}  # fmt: skip
SCHEMAS: Final[dict[str, Schema]] = {
    "Error": _object({"error": _TEXT}),
    "Health": _object({"status": {"const": "ok"}, "version": _TEXT}),
    "Score": _object({"label": _TEXT, "score": _SCORE}),
    "Decisions": _object({
        "smoothing_s": _NUMBER, "threshold": _SCORE, "refractory_s": _NUMBER, "unknown_weight": _NUMBER,
        "thresholds": {"type": "object", "additionalProperties": _SCORE},
    }),
    "Model": _object({
        "id": _TEXT, "name": _TEXT, "kind": {"enum": ["shipped", "run", "file"]}, "labels": _list(_TEXT),
        "sample_rate": _COUNT, "clip_samples": _COUNT, "parameters": _or_null(_COUNT), "bytes": _COUNT,
        "metrics": _object({"test": _or_null(_object(
            {"clips": _COUNT, "accuracy": _SCORE, "interval": {**_list(_SCORE), "minItems": 2, "maxItems": 2}}
        ))}),
        "decisions": _ref("Decisions"), "report": _FLAG, "summary": _TEXT,
    }),
    "Models": _object({
        "default": _TEXT, "models": _list(_ref("Model")), "broken": _list(_object({"id": _TEXT, "error": _TEXT})),
    }),
    "Prediction": _object(_PREDICTION, {"model": _TEXT}),
    "Analysis": _object({
        "model": _TEXT, "sample_rate": _COUNT, "seconds": _NUMBER, "waveform": _BASE64, "wav": _BASE64,
        "spectrogram": _object({
            "rows": _COUNT, "columns": _COUNT, "data": _BASE64, "frequencies_hz": _list(_NUMBER),
            "start_s": _NUMBER, "hop_s": _NUMBER,
        }),
        "resolution": _object({"time_ms": _NUMBER, "frequency_hz": _NUMBER, "hop_ms": _NUMBER, "bin_hz": _NUMBER}),
        "prediction": _ref("Prediction"),
    }),
    "Example": {
        "type": "object", "required": ["id", "label", "seconds"],
        "properties": {"id": _TEXT, "label": _TEXT, "seconds": _NUMBER},
    },
    "Data": _object({
        "source": _or_null(_TEXT), "clips": _COUNT, "words": _list(_TEXT), "error": _or_null(_TEXT),
        "architectures": _list(_object({"name": _TEXT, "summary": _TEXT, "parameters": _COUNT})),
    }),
    "Job": _object({}, {
        "arch": {**_TEXT, "default": DEFAULT_ARCH}, "words": _list(_TEXT), "seed": {**_COUNT, "default": 0},
        "epochs": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "minutes": {"type": "number", "minimum": 0.01, "maximum": 1_440},
    }),
    "Training": _object({
        "id": _TEXT, "arch": _TEXT, "words": _list(_TEXT),
        "state": {"enum": ["running", "done", "failed", "cancelled"]},
        "stage": {"enum": ["starting", "reading", "training", "judging"]}, "clips": _COUNT, "share": _SCORE,
        "epoch": _COUNT, "epochs": _or_null(_COUNT), "minutes": _or_null(_NUMBER), "seconds": _NUMBER,
        "seconds_left": _or_null(_NUMBER), "run": _or_null(_TEXT), "model": _or_null(_TEXT), "error": _or_null(_TEXT),
        "notes": _list(_TEXT),
        "history": _list(_object({
            "epoch": _COUNT, "train_loss": _or_null(_NUMBER), "train_accuracy": _or_null(_NUMBER),
            "validation_loss": _or_null(_NUMBER), "validation_accuracy": _or_null(_NUMBER),
        })),
    }),
}  # fmt: skip


def _paths() -> dict[str, dict[str, Any]]:
    model = _option("model", _TEXT, "Id of a model, as GET /api/models lists them; the default without it.")
    top = _option("top", {"type": "integer", "minimum": 1, "maximum": LIMITS.top, "default": 5}, "Labels to name.")
    return {
        "/": {"get": _operation("The page.", media="text/html", refuses=(404,))},
        "/static/{path}": {"get": _operation(
            "Files of the page.", _in_path("path"), media="*/*", refuses=(404,)
        )},
        "/api/health": {"get": _operation("Whether it is up.", schema="Health")},
        "/api/metrics": {"get": _operation("Counters, for Prometheus.", media="text/plain")},
        "/api/openapi.json": {"get": _operation("This description.", media="application/json")},
        "/api/models": {"get": _operation("The models that can be chosen.", schema="Models")},
        "/api/models/{id}/report": {"get": _operation(
            "The report of a run.", _in_path("id"), media="text/html", refuses=(404,)
        )},
        "/api/predict": {"post": _operation(
            "The word in a sound.", model, top, schema="Prediction", sound=True, refuses=_OF_SOUNDS
        )},
        "/api/analyse": {"post": _operation(
            "A sound altered (rate, bits) and measured (window, hop) by the library's functions. Waveform and "
            "spectrogram (dB, row after row, low frequencies first) are float32, little-endian; wav is to be played.",
            model, top, *_view_options(), schema="Analysis", sound=True, refuses=_OF_SOUNDS
        )},
        "/api/examples": {"get": _operation("Example sounds: synthetic speech.", schema="Example", many=True)},
        "/api/examples/{id}": {"get": _operation("One of them.", _in_path("id"), media="audio/*", refuses=(404,))},
        "/api/stream": {"get": _operation(STREAM, model, *_stream_options(), status=101, refuses=(403,))},
        "/api/data": {"get": _operation("What may be trained on.", schema="Data")},
        "/api/trainings": {
            "get": _operation("Trainings since the start, newest first.", schema="Training", many=True),
            "post": _operation(
                "Start a training; one runs at a time.", schema="Training", status=201, form="Job",
                refuses=(400, 408, 409, 413, 415, 422),
            ),
        },
        "/api/trainings/{id}": {
            "get": _operation("How far it is.", _in_path("id"), schema="Training", refuses=(404,)),
            "delete": _operation("Cancel it.", _in_path("id"), schema="Training", refuses=(404,)),
        },
    }  # fmt: skip


def _view_options() -> list[Schema]:
    low, high = LIMITS.rates_hz
    return [
        _option("kind", {"enum": ["linear", "log_mel"], "default": "linear"}, "Frequencies of the spectrogram."),
        _option("window_ms", {"type": "number", "minimum": 1, "maximum": 500, "default": 30}, "Length of a window."),
        _option("hop_ms", {"type": "number", "minimum": 0.5, "maximum": 500}, "10, or what a long sound needs."),
        _option("rate", {"type": "integer", "minimum": low, "maximum": high}, "Hz to sample down to."),
        _option("bits", {"type": "integer", "minimum": 1, "maximum": 16}, "Bits of a sample."),
        _option("antialias", {"enum": ["0", "1"], "default": "1"}, "0: sample down without a filter, and hear it."),
    ]


def _stream_options() -> list[Schema]:
    (low, high), (short, long) = LIMITS.rates_hz, LIMITS.hops_s
    return [
        _option("rate", {"type": "integer", "minimum": low, "maximum": high, "default": 16_000}, "Hz of the blocks."),
        _option("format", {"enum": ["f32", "s16"], "default": "f32"}, "Of the samples."),
        _option("hop", {"type": "number", "minimum": short, "maximum": long, "default": 0.1}, "Seconds."),
        _option(
            "recording", {"enum": ["0", "1"], "default": "0"}, "1: a whole recording; a quiet room is heard before it."
        ),
    ]


def _option(name: str, schema: Schema, what: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": what}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _operation(
    what: str,
    *parameters: Schema,
    schema: str | None = None,
    many: bool = False,
    media: str = "application/json",
    status: int = 200,
    form: str | None = None,
    sound: bool = False,
    refuses: tuple[int, ...] = (),
) -> Schema:
    """The OpenAPI description of one method of one route."""
    body = _list(_ref(schema)) if schema and many else _ref(schema) if schema else {}
    answers: Schema = {str(status): {"description": "As asked."}}
    if status != 101:
        answers[str(status)]["content"] = {media: {"schema": body}}
    for code in sorted({403, *refuses}):
        answers[str(code)] = {"description": _WHY[code], "content": {"application/json": {"schema": _ref("Error")}}}
    summary, _, description = what.partition("\n\n")
    found: Schema = {"summary": summary, "responses": answers}
    if description:
        found["description"] = description
    if parameters:
        found["parameters"] = list(parameters)
    if sound:
        found["requestBody"] = _sound_body()
    if form:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(form)}}}
    return found


def _sound_body() -> Schema:
    file = _object({"file": {"type": "string", "contentMediaType": "application/octet-stream"}})
    return {
        "required": True,
        "description": f"A sound file (WAV, FLAC, Ogg, MP3) or raw little-endian PCM; at most "
        f"{LIMITS.body_bytes / 1e6:g} MB and {LIMITS.sound_s:g} s, sent within {LIMITS.send_s:g} s.",
        "content": dict.fromkeys(_BODY_TYPES, _SOUND) | {"multipart/form-data": {"schema": file}},
    }  # fmt: skip


_WHY: Final = {
    400: "Nothing to train on.",
    403: "Another site, or a name that is not this server's.",
    404: "No such id.",
    408: "The body did not come in time.",
    409: "A training runs, or the model cannot be read.",
    413: "Too large a body.",
    415: "Not a type that is understood.",
    422: "Options or content that cannot be used; the error says why.",
    429: "Too much at once.",
}
