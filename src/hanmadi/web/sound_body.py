"""The sound in the body of a request: a file of any kind that is read elsewhere, or raw samples."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path
from typing import Final

import numpy as np

from hanmadi import audio
from hanmadi.audio import Sound
from hanmadi.errors import AudioError
from hanmadi.web.limits import Limits, RefusedError
from hanmadi.web.query import shown

# raw PCM by its type: L16 is big-endian in RFC 2586, but every sound card and every client gives little-endian
_RAW: Final = {"audio/l16": "<i2", "audio/x-raw-s16le": "<i2", "audio/x-raw-f32le": "<f4"}
_FILES: Final = ("application/octet-stream", "application/ogg", "")
_FORM, _FIELD = "multipart/form-data", "file"
_FILE_NAME: Final = "sound"
_DRAINED: Final = 8  # times the limit that are read and thrown away, so that the client gets to read the reason
TYPES: Final = ("audio/*", "application/octet-stream", _FORM, *_RAW)


async def read_body(chunks: AsyncIterator[bytes], declared: str | None, *, at_most: int, send_s: float) -> bytes:
    """A whole body. Raises RefusedError: 413 if it is longer than at_most bytes, 408 if it does not come in time."""
    found, count = [], 0
    too_long = declared is not None and declared.isdigit() and int(declared) > at_most
    if too_long and int(declared or 0) > _DRAINED * at_most:
        raise _too_long(at_most)
    try:
        async with asyncio.timeout(send_s):
            async for chunk in chunks:
                count += len(chunk)
                if count > _DRAINED * at_most:
                    break
                if count <= at_most:
                    found.append(chunk)
    except TimeoutError as error:
        raise RefusedError(
            408, f"expected the whole body within {send_s:g} s, got {count} bytes; send it again"
        ) from error
    if too_long or count > at_most:
        raise _too_long(at_most)
    return b"".join(found)


def _too_long(at_most: int) -> RefusedError:
    return RefusedError(413, f"expected at most {at_most / 1e6:g} MB; cut the sound, or send it as FLAC or Ogg")


def sound_of(body: bytes, content_type: str, limits: Limits) -> Sound:
    """The sound of a body, (n,) or (n, channels). A file that is declared as raw samples is read as a file.

    Raises RefusedError: 415 for a content type that is not of sounds; 422 for a sound that is broken, empty, too
    long or holds NaN.
    """
    kind, options = parse_type(content_type)
    if kind == _FORM:
        body, kind, options = form_file(body, options.get("boundary", ""))
    if not body:
        raise RefusedError(422, "expected a sound, got an empty body; send the bytes of a sound file")
    if kind in _RAW and audio.container_of(body[: audio.HEAD_BYTES]) is None:
        return _raw_sound(body, kind, options, limits)
    if kind.startswith("audio/") or kind in _FILES:
        return _file_sound(body, limits)
    raise RefusedError(415, f"expected a content type among {', '.join(TYPES)}, got {shown(kind)}")


def parse_type(text: str) -> tuple[str, dict[str, str]]:
    """``audio/L16; rate=16000`` as ``("audio/l16", {"rate": "16000"})``."""
    header = Message()
    header["Content-Type"] = re.sub(r"[\r\n\0]", " ", text)
    kind, *options = header.get_params(failobj=[("", "")])
    return kind[0].strip().lower(), {name.lower(): value for name, value in options if isinstance(value, str)}


def form_file(body: bytes, boundary: str) -> tuple[bytes, str, dict[str, str]]:
    """The field ``file`` of a form: its bytes, its type and the type's options. Raises RefusedError with 422."""
    if not boundary:
        raise RefusedError(422, "expected a boundary in the content type multipart/form-data")
    mark = b"\r\n--" + boundary.encode("utf-8", "replace")
    for part in (b"\r\n" + body).split(mark)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        headers = _headers(head)
        if found and _field_name(headers) == _FIELD:
            kind, options = parse_type(headers.get("content-type", ""))
            return content, kind, options
    raise RefusedError(422, "expected a field 'file' in the form; send it as: curl -F file=@clip.wav")


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _field_name(headers: dict[str, str]) -> str | None:
    _, options = parse_type(headers.get("content-disposition", ""))
    return options.get("name")


def _raw_sound(body: bytes, kind: str, options: dict[str, str], limits: Limits) -> Sound:
    rate = _option(options, "rate", None, *limits.rates_hz)
    channels = _option(options, "channels", 1, 1, limits.channels)
    dtype = np.dtype(_RAW[kind])
    if len(body) % (dtype.itemsize * channels):
        raise RefusedError(
            422, f"expected whole samples of {dtype.itemsize * channels} bytes, got {len(body)} bytes; it was cut short"
        )
    samples = np.frombuffer(body, dtype).reshape(-1, channels)
    if len(samples) > limits.sound_s * rate:
        raise RefusedError(
            422, f"expected at most {limits.sound_s:g} s, got {len(samples) / rate:.1f} s; cut the sound"
        )
    found = audio.as_float(samples)
    try:
        audio.check_sound(found)
    except AudioError as error:
        raise RefusedError(422, str(error)) from error
    return Sound(found[:, 0] if channels == 1 else found, rate)


def _option(options: dict[str, str], name: str, default: int | None, low: int, high: int) -> int:
    text = options.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        came = "none" if text is None else shown(text)
        raise RefusedError(
            422, f"expected {name} from {low} to {high} in the content type, got {came}; "
            f"write it as: audio/x-raw-s16le;rate=16000;channels=1",
        )  # fmt: skip
    return int(text)


def _file_sound(body: bytes, limits: Limits) -> Sound:
    """Through a file of a name of our own: `audio.read` looks at a file's header and its end."""
    with tempfile.TemporaryDirectory(prefix="hanmadi-") as folder:
        path = Path(folder) / _FILE_NAME
        path.write_bytes(body)
        try:
            rate, channels = audio.rate_and_channels(path)
            if channels > limits.channels or not limits.rates_hz[0] <= rate <= limits.rates_hz[1]:
                raise AudioError(
                    f"expected at most {limits.channels} channels and {limits.rates_hz[0]} to {limits.rates_hz[1]} Hz, "
                    f"got {channels} channels at {rate} Hz"
                )
            return audio.read(path, max_seconds=min(limits.sound_s, limits.sound_samples / (rate * channels)))
        except AudioError as error:
            raise RefusedError(422, str(error).replace(str(path), "the sound")) from error
