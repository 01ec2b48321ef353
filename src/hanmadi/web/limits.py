"""How much a request may ask for, and how it is told no."""

from __future__ import annotations

from dataclasses import dataclass


class RefusedError(Exception):
    """A request that gets no result. The message says what was expected, what came, and the cure."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status  # of HTTP, 4xx or 5xx
        self.message = message


@dataclass(frozen=True)
class Limits:
    """What one request, one socket and all of them together may use."""

    body_bytes: int = 8_000_000  # of a sound that is sent
    form_bytes: int = 64_000  # of a JSON body
    send_s: float = 10.0  # in which a body has to come
    requests: int = 16  # sounds in work at once
    sound_s: float = 60.0  # length of a sound
    sound_samples: int = 12_000_000  # over all channels: a file of some kB can hold gigabytes of silence
    channels: int = 8
    rates_hz: tuple[int, int] = (1_000, 192_000)
    top: int = 100  # labels in an answer
    cells: int = 4_000_000  # of a spectrogram
    streams: int = 100  # sockets at once
    stream_s: float = 3_600.0  # a socket's duration
    idle_s: float = 30.0  # without a message
    write_s: float = 10.0  # for a client to take a message
    block_bytes: int = 1 << 18  # of a message: 1.4 s of float32 at 48 kHz
    text_chars: int = 1_024
    hops_s: tuple[float, float] = (0.02, 1.0)


LIMITS = Limits()
