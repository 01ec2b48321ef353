"""Bodies of requests: files, raw samples, forms, and everything that is none of them."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from live_fakes import RATE, spoken
from web_fakes import file_of

from hanmadi import audio
from hanmadi.audio import Sound
from hanmadi.web.limits import Limits, RefusedError
from hanmadi.web.sound_body import form_file, parse_type, read_body, sound_of

LIMITS = Limits(body_bytes=1_000, send_s=5.0, sound_s=2.0, sound_samples=20_000)
ROOMY = Limits()


async def chunks(*parts: bytes, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(pause_s)
        yield part


def body_of(*parts: bytes, declared: str | None = None, pause_s: float = 0.0, send_s: float = 5.0) -> bytes:
    reading = read_body(chunks(*parts, pause_s=pause_s), declared, at_most=1_000, send_s=send_s)
    return asyncio.run(reading)


def test_a_body_comes_whole() -> None:
    assert body_of(b"ab", b"", b"cd", declared="4") == b"abcd"
    assert body_of() == b""


@pytest.mark.parametrize("declared", [None, "1001", "99999999999999", "x"])
def test_a_body_too_long_is_413(declared: str | None) -> None:
    with pytest.raises(RefusedError, match=r"at most 0\.001 MB") as caught:
        body_of(*[b"x" * 100] * 11, declared=declared)
    assert caught.value.status == 413


def test_a_body_that_lies_about_its_length_does_not_fill_the_memory() -> None:
    endless = (b"x" * 1_000 for _ in range(10**6))

    async def stream() -> AsyncIterator[bytes]:
        for part in endless:
            yield part

    with pytest.raises(RefusedError) as caught:
        asyncio.run(read_body(stream(), "3", at_most=1_000, send_s=60.0))
    assert caught.value.status == 413
    assert sum(1 for _ in endless) > 900_000, "nearly nothing of it was read"


def test_a_body_too_slow_is_408() -> None:
    with pytest.raises(RefusedError, match=r"within 0\.05 s, got 0 bytes") as caught:
        body_of(b"a", pause_s=5.0, send_s=0.05)
    assert caught.value.status == 408


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("kind", ["audio/whatever", "application/octet-stream", ""])
def test_files_of_all_kinds(container: str, kind: str) -> None:
    rate = 16_000
    samples = np.sin(np.arange(rate) / 9).astype(np.float32) / 2
    sound = sound_of(file_of(samples, sample_rate=rate, format=container), kind, ROOMY)
    assert sound.sample_rate == rate
    assert abs(sound.seconds - 1) < 0.1
    assert audio.rms(sound.samples) == pytest.approx(audio.rms(samples), rel=0.1)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("audio/L16;rate=1600", "<i2"), ("audio/x-raw-s16le; rate=1600", "<i2"),
                        ("audio/x-raw-f32le;rate=1600;channels=2", "<f4")]
)  # fmt: skip
def test_raw_samples(kind: str, dtype: str) -> None:
    samples = spoken("yes")
    given_ = (audio.to_int16(samples) if dtype == "<i2" else np.stack([samples, samples], axis=1)).astype(dtype)
    sound = sound_of(given_.tobytes(), kind, LIMITS)
    assert sound.sample_rate == RATE
    assert sound.samples.shape == given_.shape
    np.testing.assert_allclose(audio.to_mono(sound.samples), samples, atol=1e-4)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "RF64"])
@pytest.mark.parametrize("kind", ["audio/L16;rate=1600", "audio/x-raw-f32le;rate=8000;channels=2"])
def test_a_file_that_is_declared_raw_is_read_as_a_file(container: str, kind: str) -> None:
    body = file_of(spoken("yes"), format=container)
    found = sound_of(body, kind, ROOMY)
    assert (found.sample_rate, found.samples.ndim) == (RATE, 1)
    np.testing.assert_array_equal(found.samples, sound_of(body, "", ROOMY).samples)


def test_whole_numbers_as_float_are_refused_in_any_body() -> None:
    numbers = np.rint(spoken("yes") * 32_768)
    for body, kind in ((numbers.astype("<f4").tobytes(), "audio/x-raw-f32le;rate=1600"),
                       (file_of(numbers, subtype="FLOAT"), "audio/wav")):  # fmt: skip
        with pytest.raises(RefusedError, match="divide them by 32768") as caught:
            sound_of(body, kind, ROOMY)
        assert caught.value.status == 422


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", "audio/wav", "empty body"),
        (b"\0\0\0", "audio/L16;rate=1600", "whole samples of 2 bytes, got 3"),
        (b"\0\0", "audio/L16", "rate from 1000 to 192000 in the content type, got none"),
        (b"\0\0", "audio/L16;rate=-5", "got '-5'"),
        (b"\0\0", "audio/L16;rate=16000;channels=99", "channels from 1 to 8"),
        (b"\0\0", "audio/L16;rate=²", "rate from 1000"),
        (b"\0\0" * 4_000, "audio/L16;rate=1600", "at most 2 s, got 2.5 s"),
        (struct.pack("<f", float("nan")), "audio/x-raw-f32le;rate=1600", "NaN or infinity"),
        (struct.pack("<f", float("-inf")), "audio/x-raw-f32le;rate=1600", "NaN or infinity"),
        (b"no sound at all", "audio/wav", "the sound: not a sound file"),
        (b"RIFF\xff\xff\xff\xffWAVE", "audio/wav", "the sound"),
    ],
)
def test_broken_content_is_422_with_a_reason(body: bytes, kind: str, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        sound_of(body, kind, LIMITS)
    assert caught.value.status == 422
    assert reason in caught.value.message


@pytest.mark.parametrize("kind", ["text/html", "image/png", "application/json", "audio", "multipart/mixed"])
def test_another_type_is_415(kind: str) -> None:
    with pytest.raises(RefusedError) as caught:
        sound_of(b"abc", kind, LIMITS)
    assert caught.value.status == 415
    assert "multipart/form-data" in caught.value.message


def test_half_a_flac_and_nan_in_a_wav_are_found() -> None:
    whole = file_of(spoken("no"), format="FLAC")
    for body in (whole[: len(whole) // 2], file_of(np.full(RATE, np.nan), subtype="FLOAT")):
        with pytest.raises(RefusedError) as caught:
            sound_of(body, "audio/wav", ROOMY)
        assert caught.value.status == 422
        assert "/" not in caught.value.message.split(":")[0], "no path of this machine is told"


def test_a_flac_that_promises_hours_is_refused() -> None:
    body = bytearray(file_of(np.zeros(RATE), format="FLAC"))
    body[21:26] = bytes([body[21] & 0xF0 | 0x0F, 255, 255, 255, 255])  # 36 bits of STREAMINFO: the number of samples
    with pytest.raises(RefusedError) as caught:
        sound_of(bytes(body), "audio/flac", ROOMY)
    assert caught.value.status == 422


def test_kilobytes_that_unpack_to_much_are_refused() -> None:
    """A second limit besides seconds: eight channels at 192 kHz for a minute would be 370 MB."""
    body = file_of(np.zeros((19_200, 8)), sample_rate=192_000, format="FLAC")
    assert len(body) < 20_000
    with pytest.raises(RefusedError, match="longer than"):
        sound_of(body, "audio/flac", LIMITS)
    assert sound_of(body, "audio/flac", ROOMY).samples.shape == (19_200, 8)


@pytest.mark.parametrize(("channels", "rate"), [(9, 8_000), (1, 500)])
def test_odd_channels_and_rates_are_refused(channels: int, rate: int) -> None:
    with pytest.raises(RefusedError, match=f"got {channels} channels at {rate} Hz"):
        sound_of(file_of(np.zeros((4, channels)), sample_rate=rate), "audio/wav", ROOMY)


def form(content: bytes, *, name: str = "file", boundary: str = "b!") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="../../etc/passwd"\r\nContent-Type: audio/wav'
    other = f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    return f"{other}--{boundary}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()


def outcome(body: bytes, kind: str) -> Sound | int:
    """A sound, or the status of a refusal; nothing else may come out."""
    try:
        return sound_of(body, kind, LIMITS)
    except RefusedError as error:
        return error.status if error.message else 0


def test_a_form_gives_its_file_whatever_the_bytes() -> None:
    content = b"\r\n\r\n--b\r\n\0\xff" + bytes(range(256))
    assert form_file(form(content), "b!")[:2] == (content, "audio/wav")
    whole = file_of(spoken("yes"))
    assert len(sound_of(form(whole), 'multipart/form-data; boundary="b!"', ROOMY).samples) == RATE


@pytest.mark.parametrize("body", [b"", b"--b!", form(b"x", name="sound"), form(b"x", boundary="c")])
def test_a_form_without_the_field_is_422(body: bytes) -> None:
    for boundary in ("b!", ""):
        with pytest.raises(RefusedError) as caught:
            form_file(body, boundary)
        assert caught.value.status == 422


def test_types_are_read_as_http_writes_them() -> None:
    assert parse_type('Audio/L16 ; Rate="16000";channels=1') == ("audio/l16", {"rate": "16000", "channels": "1"})
    assert parse_type("") == ("", {})


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.text(max_size=60))
def test_no_body_and_no_type_break_anything(body: bytes, kind: str) -> None:
    for one in (kind, "multipart/form-data;boundary=" + kind, "audio/L16;rate=" + kind, "audio/wav"):
        found = outcome(body, one)
        assert found in (415, 422) or isinstance(found, Sound)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["WAV", "FLAC", "OGG"]), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1)
)
def test_files_with_broken_bytes_are_refused_or_heard(container: str, changes: list[tuple[int, int]]) -> None:
    body = bytearray(_WHOLE[container])
    for place, value in changes:
        body[place % len(body)] = value
    found = outcome(bytes(body), "")
    assert found == 422 or (isinstance(found, Sound) and 0 < found.samples.size <= LIMITS.sound_samples)


def _coded(container: str) -> bytes:
    coded = io.BytesIO()
    soundfile.write(coded, np.sin(np.arange(2_000) / 5) / 3, 8_000, format=container)
    return coded.getvalue()


_WHOLE = {container: _coded(container) for container in ("WAV", "FLAC", "OGG")}
