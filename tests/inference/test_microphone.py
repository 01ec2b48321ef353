"""The microphone behind its seam, with a fake device; raw PCM; pacing."""

from __future__ import annotations

import builtins
import io
import queue
import sys
from itertools import islice
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hanmadi.errors import AudioError, MissingExtraError
from hanmadi.inference import microphone
from hanmadi.inference.microphone import Device, Microphone, devices, paced, piped
from hanmadi.inference.stream import Block, Gap

RATE = 16_000  # Hz
FRAMES = 800  # of a block
GOOD, OVERFLOW = SimpleNamespace(input_overflow=False), SimpleNamespace(input_overflow=True)


class FakeDevice(ModuleType):
    """What hanmadi uses of sounddevice: one microphone, one loudspeaker. ``script`` says what each opening gives."""

    PortAudioError = type("PortAudioError", (Exception,), {})
    default = SimpleNamespace(device=(1, 0))
    _devices = (
        {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
        {"name": "Mic", "max_input_channels": 2, "default_samplerate": 16_000.0},
    )

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.script: list[Any] = []
        self.opened: list[dict[str, Any]] = []
        self.closed = 0

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        if kind is None:
            return self._devices
        if device not in (None, 1, "Mic"):
            raise ValueError(f"No input device matching {device!r}")
        return self._devices[1]

    def InputStream(self, **settings: Any) -> Any:  # noqa: N802 - sounddevice's name
        self.opened.append(settings)
        play = self.script.pop(0) if self.script else None
        return SimpleNamespace(start=lambda: play and play(settings["callback"]), close=self._close)

    def _close(self) -> None:
        self.closed += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    found = FakeDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", found)
    return found


def give(callback: Any, value: float, at_s: float, status: Any = GOOD) -> None:
    """One block of equal samples, as PortAudio gives it: in a buffer that it uses again."""
    buffer = np.full((FRAMES, 1), value, np.float32)
    callback(buffer, FRAMES, SimpleNamespace(inputBufferAdcTime=at_s), status)
    buffer[:] = 99


def taken(opened: Microphone, count: int) -> list[float | Gap]:
    """Blocks by their first sample, and gaps."""
    blocks: list[Block] = list(islice(opened, count))
    return [block if isinstance(block, Gap) else float(block[0]) for block in blocks]


def test_devices_that_record(fake: FakeDevice) -> None:
    assert devices() == [Device(1, "Mic", 2, 16_000, default=True)]


def test_blocks_come_as_they_are(fake: FakeDevice) -> None:
    fake.script = [lambda callback: [give(callback, value, value) for value in (0.25, 0.5)]]
    with Microphone() as opened:
        assert (opened.name, opened.sample_rate) == ("Mic", RATE)
        assert taken(opened, 2) == [0.25, 0.5]
    assert fake.closed == 1
    settings = {name: fake.opened[0][name] for name in ("device", "samplerate", "blocksize", "channels", "dtype")}
    assert settings == {"device": None, "samplerate": RATE, "blocksize": FRAMES, "channels": 1, "dtype": "float32"}


def test_device_and_rate_can_be_chosen(fake: FakeDevice) -> None:
    with Microphone("1", sample_rate=44_100) as opened:
        assert opened.sample_rate == 44_100
    assert fake.opened[0]["device"] == 1


def test_a_drop_out_is_a_gap(fake: FakeDevice) -> None:
    def play(callback: Any) -> None:
        give(callback, 0.1, 5.0)
        give(callback, 0.2, 5.05)
        give(callback, 0.3, 5.35, OVERFLOW)  # 0.25 s late
        give(callback, 0.4, 5.40, OVERFLOW)  # by the clock nothing is missing

    fake.script = [play]
    with Microphone() as opened:
        *first, gap, third, unknown, fourth = taken(opened, 6)
    assert first == pytest.approx([0.1, 0.2])
    assert isinstance(gap, Gap)
    assert gap.seconds == pytest.approx(0.25)
    assert unknown == Gap(0.0)
    assert [third, fourth] == pytest.approx([0.3, 0.4])


def test_who_listens_too_slowly_is_told_what_was_lost(fake: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_QUEUED", 2)
    fake.script = [lambda callback: [give(callback, number, 0.05 * number) for number in range(5)]]
    with Microphone() as opened:
        assert taken(opened, 2) == [0, 1]
        give(fake.opened[0]["callback"], 5, 0.25)
        gap, block = taken(opened, 2)
    assert isinstance(gap, Gap)
    assert gap.seconds == pytest.approx(3 * 0.05)
    assert block == 5


def test_a_silent_device_is_opened_anew(fake: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_SILENT_S", 0.01)
    fake.script = [None, None, lambda callback: give(callback, 0.5, 0.0)]
    with Microphone() as opened:
        assert taken(opened, 3) == [Gap(0.01), Gap(0.01), 0.5]
    assert len(fake.opened) == fake.closed == 3


def test_a_device_that_is_gone_ends_with_an_error(fake: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_SILENT_S", 0.01)

    def gone(callback: Any) -> None:
        raise fake.PortAudioError("device unavailable")

    fake.script = [None, *[gone] * 10]
    with Microphone() as opened, pytest.raises(AudioError, match="unavailable"):
        taken(opened, 100)
    fake.script = []
    with Microphone() as opened, pytest.raises(AudioError, match="still plugged in"):
        taken(opened, 100)


def test_a_device_that_cannot_be_opened_is_told(fake: FakeDevice) -> None:
    def busy(callback: Any) -> None:
        raise fake.PortAudioError("Device busy")

    fake.script = [busy]
    with pytest.raises(AudioError, match=r"busy.*--list-devices"), Microphone():
        pass
    with pytest.raises(AudioError, match=r"device 'USB'.*--list-devices"):
        Microphone("USB")


def test_without_sounddevice_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for call in (devices, Microphone):
        with pytest.raises(MissingExtraError, match=r"hanmadi\[mic\]"):
            call()


def test_without_portaudio_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    original = builtins.__import__

    def importing(name: str, *arguments: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(AudioError, match=r"PortAudio library not found.*apt install libportaudio2.*listen -"):
        devices()


# ---- raw PCM ----


class Pipe(io.RawIOBase):
    """Gives bytes in pieces of any size, as a pipe does."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, sizes

    def read(self, size: int = -1) -> bytes:
        count = min(size, self._sizes.pop(0)) if self._sizes else size
        found, self._data = self._data[:count], self._data[count:]
        return found


@pytest.mark.parametrize("sizes", [[], [1] * 50, [3, 1, 2, 999, 7], [1601]])
def test_raw_sound_in_pieces_of_any_size(sizes: list[int]) -> None:
    samples = np.arange(-3_000, 3_000, dtype=np.int16)
    blocks = list(piped(Pipe(samples.astype("<i2").tobytes() + b"\x01", sizes), sample_rate=RATE)[1])
    assert {block.dtype for block in blocks} == {np.dtype(np.int16)}
    assert max(map(len, blocks)) <= FRAMES + 1
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_no_raw_sound() -> None:
    assert list(piped(io.BytesIO(), sample_rate=RATE)[1]) == []


def test_a_file_can_be_as_slow_as_speech() -> None:
    now, slept = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds + 0.01  # the work in between

    blocks = [np.zeros(n) for n in (8_000, 16_000, 0, 80)]
    found = list(paced(iter(blocks), sample_rate=RATE, clock=lambda: now, sleep=sleep))
    assert [len(block) for block in found] == [8_000, 16_000, 0, 80]
    assert slept == pytest.approx([0.5, 0.99, 0, 0])


def test_the_queue_is_bounded() -> None:
    assert microphone._QUEUED * microphone.BLOCK_S <= 30
    assert queue.Queue(microphone._QUEUED).maxsize
