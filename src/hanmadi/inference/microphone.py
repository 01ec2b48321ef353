"""Live sound: a microphone (`[mic]`) or raw PCM, as blocks for `hanmadi.inference.stream.listen`.

PortAudio is reached through ``sounddevice`` alone, and that only here.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import wav
from hanmadi.errors import AudioError, MissingExtraError
from hanmadi.inference.stream import Block, Gap

BLOCK_S: Final = 0.05  # of sound at a time
_SILENT_S: Final = 3.0  # a device that gives nothing for so long is opened anew ...
_ATTEMPTS: Final = 5  # ... so many times
_QUEUED: Final = 200  # blocks that wait (10 s); more are lost, and told
_LEAST_LOSS_S: Final = 0.001  # clocks of sound cards jitter by less
PCM_RATE: Final = 16_000  # Hz, of raw sound of which nothing is said
_INT16_BYTES: Final = 2
_DECODE: Final = "name the file, or decode it: ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | hanmadi listen -"
_NO_PORTAUDIO: Final = (
    "PortAudio, which reads the microphone, is not installed ({reason}); install it with: "
    "sudo apt install libportaudio2 (Debian, Ubuntu), sudo dnf install portaudio (Fedora), or pipe the sound: "
    "arecord -q -t raw -f S16_LE -r 16000 -c 1 | hanmadi listen - --rate 16000"
)


class Device(NamedTuple):
    """A microphone or other recording device: number, name, rate."""

    number: int  # what --device takes; a part of the name does as well
    name: str
    channels: int
    sample_rate: int  # Hz, the device's own
    default: bool


class Microphone:
    """A recording device: a context, and inside it an endless iterable of blocks (n,) float32 and `Gap`.

    A device that drops out is told as a `Gap`; one that falls silent is opened anew.
    """

    def __init__(self, device: str | int | None = None, *, sample_rate: int | None = None) -> None:
        """device: number or part of the name, the system's choice otherwise; sample_rate: the device's otherwise.

        Raises MissingExtraError without sounddevice; AudioError without PortAudio or such a device.
        """
        self._sounddevice = _sounddevice()
        self._device = int(device) if isinstance(device, str) and device.isdecimal() else device
        try:
            found = self._sounddevice.query_devices(self._device, "input")
        except (ValueError, self._sounddevice.PortAudioError) as error:
            raise _no_device(device, error) from error
        self.name = str(found["name"])
        self.sample_rate = int(sample_rate or found["default_samplerate"])  # Hz
        self._queue: queue.Queue[Block] = queue.Queue(_QUEUED)
        self._stream: Any = None
        # only PortAudio's thread touches these while it runs
        self._gap: Gap | None = None  # lost, and not told yet
        self._expected_s: float | None = None  # by the device's clock, when the next block should begin

    def __enter__(self) -> Microphone:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __iter__(self) -> Iterator[Block]:
        failures = 0
        while True:
            try:
                block = self._queue.get(timeout=_SILENT_S)
            except queue.Empty:
                failures += 1
                yield self._reopened(failures)
                continue
            failures = 0
            yield block

    def _open(self) -> None:
        self._expected_s = None
        try:
            self._stream = self._sounddevice.InputStream(
                device=self._device,
                samplerate=self.sample_rate,
                blocksize=round(BLOCK_S * self.sample_rate),
                channels=1,
                dtype="float32",
                callback=self._came,
            )
            self._stream.start()
        except (ValueError, self._sounddevice.PortAudioError) as error:
            self._stream = None
            raise _no_device(self._device, error) from error

    def _close(self) -> None:
        if self._stream is None:
            return
        try:
            self._stream.close()
        except self._sounddevice.PortAudioError:
            pass  # it is gone already
        finally:
            self._stream = None

    def _reopened(self, failures: int) -> Gap:
        """Open a silent device anew. Raises AudioError when that has failed often enough."""
        self._close()
        if failures >= _ATTEMPTS:
            raise AudioError(f"{self.name}: gave no sound for {failures * _SILENT_S:g} s; is it still plugged in?")
        try:
            self._open()
        except AudioError:
            if failures + 1 >= _ATTEMPTS:
                raise
        return Gap(_SILENT_S)

    def _came(self, block: NDArray[np.float32], frames: int, clock: Any, status: Any) -> None:
        """Called by PortAudio's own thread, so it only copies and never waits."""
        begin, expected = float(clock.inputBufferAdcTime), self._expected_s
        self._expected_s = begin + frames / self.sample_rate
        if status.input_overflow:
            late = 0.0 if expected is None else begin - expected
            self._lose(late if late > _LEAST_LOSS_S else 0.0)
        try:
            if self._gap is not None:
                self._queue.put_nowait(self._gap)
                self._gap = None
            self._queue.put_nowait(block[:, 0].copy())
        except queue.Full:  # whoever listens is too slow
            self._lose(frames / self.sample_rate)

    def _lose(self, seconds: float) -> None:
        self._gap = Gap(seconds if self._gap is None else self._gap.seconds + seconds)


def devices() -> list[Device]:
    """All devices that record. Raises as `Microphone`."""
    sounddevice = _sounddevice()
    chosen = sounddevice.default.device[0]
    return [
        Device(
            number,
            str(found["name"]),
            int(found["max_input_channels"]),
            int(found["default_samplerate"]),
            number == chosen,
        )
        for number, found in enumerate(sounddevice.query_devices())
        if found["max_input_channels"] > 0
    ]


def piped(file: BinaryIO, *, sample_rate: int | None = None) -> tuple[int, Iterator[NDArray[Any]]]:
    """Sound from a pipe as it comes: its rate in Hz, and blocks (n,) or (n, channels).

    A WAV is read by its own header. What has no header is raw mono sound, 16 bit little-endian, at ``sample_rate`` Hz
    (`PCM_RATE` otherwise); half a sample at the end is left out. Raises AudioError for a WAV of another rate than
    ``sample_rate``, one that is damaged, and other sound files, which cannot be read from a pipe.
    """
    head = file.read(wav.HEAD_BYTES)
    container = wav.container_of(head)
    if container is None:
        rate = PCM_RATE if sample_rate is None else sample_rate
        return rate, _pcm_blocks(head, file, sample_rate=rate)
    if container != "WAV":
        raise AudioError(f"expected raw sound or a WAV, got {container}; {_DECODE}")
    header = wav.read_header(head, file)
    if header is None:
        raise AudioError(f"expected raw sound or a WAV, got a WAV with a damaged header; {_DECODE}")
    if sample_rate not in (None, header.sample_rate):
        raise AudioError(f"expected sound of {sample_rate} Hz, got {header.name}; leave --rate away")
    return header.sample_rate, wav.stream(file, header, seconds=BLOCK_S)


def _pcm_blocks(head: bytes, file: BinaryIO, *, sample_rate: int) -> Iterator[NDArray[np.int16]]:
    read = getattr(file, "read1", file.read)  # what is there, without waiting for all
    data, rest = head, b""
    while data:
        data = rest + data
        whole = len(data) - len(data) % _INT16_BYTES
        rest = data[whole:]
        yield np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)
        data = read(_INT16_BYTES * round(BLOCK_S * sample_rate))


def paced(
    blocks: Iterable[NDArray[Any]],
    *,
    sample_rate: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[NDArray[Any]]:
    """The blocks no sooner than a microphone would give them."""
    begin, seconds = clock(), 0.0
    for block in blocks:
        seconds += len(block) / sample_rate
        sleep(max(0.0, begin + seconds - clock()))
        yield block


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError("mic", "listening to the microphone") from error
    except OSError as error:  # the package is there, the library that it calls is not
        raise AudioError(_NO_PORTAUDIO.format(reason=error)) from error
    return sounddevice


def _no_device(device: str | int | None, error: Exception) -> AudioError:
    name = "the microphone" if device is None else f"device {device!r}"
    return AudioError(f"{name} cannot be opened ({error}); see: hanmadi listen --list-devices")
