"""What the browser tests and the page's benchmark share: Chromium, a server, and a stream of real clips."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.inference.decisions import Decider, Detection
from hanmadi.inference.recognizer import Recognizer
from hanmadi.inference.stream import HOP_S, windows_of

RATE = 16_000  # Hz
LEAD_S = 2.0  # before the first word, while the page starts
PAUSE_S = 1.0  # between clips
HISS = 3e-4  # RMS of the noise in the pauses: a microphone is never silent
PHASES_S = (0.0, 0.025, 0.05, 0.075)
LATE_S = 1.2  # after a clip, in which its word may still be decided
WORDS = tuple("yes no up down left right on off stop go".split())
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@dataclass(frozen=True)
class Spoken:
    """A stream of words with pauses."""

    samples: Samples  # (n,), at RATE
    words: tuple[str, ...]
    starts_s: tuple[float, ...]  # of the clips
    paths: tuple[Path, ...]


def chromium() -> str | None:
    """Path of a Chromium: $HANMADI_CHROMIUM, Debian's, or one on the path."""
    found = os.environ.get("HANMADI_CHROMIUM") or CHROMIUM
    return found if Path(found).exists() else shutil.which("chromium") or shutil.which("google-chrome")


def microphone_flags(path: Path) -> tuple[str, ...]:
    """Flags with which Chromium plays a WAV, once, as its microphone."""
    return (*FLAGS, *MICROPHONE, f"--use-file-for-fake-audio-capture={path}%noloop")


def speak(paths: Sequence[Path], *, seed: int = 0) -> Spoken:
    """Clips (``<word>/<file>``) one after the other, with pauses of faint noise."""
    rng = np.random.default_rng(seed)
    pieces, starts, at = [np.zeros(round(LEAD_S * RATE), np.float32)], [], round(LEAD_S * RATE)
    for path in paths:
        sound = audio.read(path)
        clip = audio.resample(audio.to_mono(sound.samples), sound.sample_rate, RATE)
        pieces += [clip, np.zeros(round(PAUSE_S * RATE), np.float32)]
        starts.append(at / RATE)
        at += len(clip) + round(PAUSE_S * RATE)
    samples = np.concatenate(pieces)
    samples = samples + rng.normal(0, HISS, len(samples)).astype(np.float32)
    return Spoken(samples, tuple(path.parent.name for path in paths), tuple(starts), tuple(paths))


def heard_by_library(recognizer: Recognizer, spoken: Spoken, *, later_s: float = 0.0) -> list[Detection]:
    """What `hanmadi listen` says of the stream, if it starts so much later; times are those of the file."""
    decider = Decider(recognizer.labels, recognizer.about.decision_config, hop_s=HOP_S)
    times, scores = windows_of(recognizer, spoken.samples[round(later_s * RATE) :], sample_rate=RATE)
    found = [decider.push(time_s + later_s, row) for time_s, row in zip(times.tolist(), scores, strict=True)]
    return [detection for detection in found if detection]


def right(spoken: Spoken, detections: Sequence[Detection], *, offset_s: float = 0.0) -> list[bool]:
    """For each clip whether its word, and no other, was detected from its start to shortly after its end."""
    found = []
    for word, start in zip(spoken.words, spoken.starts_s, strict=True):
        begin = start + offset_s
        said = [d.label for d in detections if begin < d.time_s <= begin + 1 + LATE_S]
        found.append(said == [word])
    return found


def choose_clips(recognizer: Recognizer, folder: Path, *, each: int, tried: int) -> tuple[list[Path], float]:
    """``each`` clips of each word that the library detects in a stream wherever its windows begin, and their share.

    The page is to say what the library says; how good the model is, other tests and the README tell. A microphone
    starts at any moment, so a clip counts if it is detected at each of PHASES_S.
    """
    files = {word: sorted((folder / word).glob("*.flac"))[:tried] for word in WORDS}
    candidates = [files[word][i] for i in range(tried) for word in WORDS if i < len(files[word])]
    spoken = speak(candidates)
    good = np.all([right(spoken, heard_by_library(recognizer, spoken, later_s=later)) for later in PHASES_S], axis=0)
    known = [path for path, is_right in zip(candidates, good, strict=True) if is_right]
    kept = {word: [path for path in known if path.parent.name == word] for word in WORDS}
    return [kept[word][i] for i in range(each) for word in WORDS if i < len(kept[word])], float(np.mean(good))


def write_microphone(path: Path, spoken: Spoken) -> Path:
    """The stream as a WAV for Chromium's fake microphone."""
    soundfile.write(path, audio.to_int16(np.clip(spoken.samples, -1, 1)), RATE, subtype="PCM_16")
    return path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """`hanmadi serve` in a process of its own; its address."""
    address = f"http://127.0.0.1:{(port := free_port())}/"
    command = [sys.executable, "-m", "hanmadi", "serve", "--port", str(port), "--runs", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(address + "api/health", process)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[str], *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.communicate()[1]}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address}: no answer in {seconds} s")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """No line for each request."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A browser that closes a connection early is no error."""


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Python's plain file server; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listen_live(page: Any, spoken: Spoken) -> list[Detection]:
    """Start listening, wait till the stream has been played, and read what the page wrote down; stop."""
    page.click("#live-start")
    page.wait_for_selector("#stage[data-state=live]", timeout=60_000)
    page.wait_for_timeout(1_000 * (len(spoken.samples) / RATE + 3))
    items = page.eval_on_selector_all("#heard li", "all => all.map((item) => ({...item.dataset}))")
    page.click("#live-toggle")
    score = 1.0  # the page shows it rounded
    return [Detection(item["label"], float(item["time"]), score) for item in reversed(items)]


def offset_of(library: Sequence[Detection], page: Sequence[Detection]) -> float:
    """How much later than the file the page's stream time began: the median over pairs of one word, in seconds."""
    apart = [p.time_s - found.time_s for p in page for found in library if p.label == found.label]
    rounded = np.round(np.array(apart) / 0.1)
    values, counts = np.unique(rounded, return_counts=True)
    near = np.abs(rounded - values[counts.argmax()]) <= 1
    return float(np.median(np.array(apart)[near]))


def encoded(content: bytes) -> str:
    """For a page's script."""
    return base64.b64encode(content).decode()
