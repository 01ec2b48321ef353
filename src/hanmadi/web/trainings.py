"""Trainings that the page starts: one at a time, each in a child process, so that cancelling is sure."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from hanmadi.labels import COURSE_KEYWORDS
from hanmadi.runs import DEFAULT_ARCH
from hanmadi.web.limits import RefusedError
from hanmadi.web.query import shown

State = Literal["running", "done", "failed", "cancelled"]
_CHILD: Final = "hanmadi.web.training_child"
_STOPPING_S: Final = 5.0  # from asking a child to end to ending it
_LONGEST_LINE: Final = 1 << 20  # bytes
_PROGRESS: Final = frozenset({"stage", "clips", "share", "seconds_left"})  # that a line of the child may tell
_KEPT: Final = 50  # trainings that are remembered
_MOST_NOTES: Final = 20  # of a training
_MOST_WORDS: Final = 100


@dataclass(frozen=True)
class Data:
    """The recordings that ``hanmadi serve --data`` named, and the words in them."""

    source: str | None = None
    clips: int = 0
    words: tuple[str, ...] = ()
    architectures: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None  # why nothing can be trained


@dataclass(frozen=True)
class Job:
    """A training that is asked for, checked."""

    arch: str
    words: tuple[str, ...]
    epochs: int | None
    minutes: float | None
    seed: int


@dataclass(frozen=True)
class Training:
    """A training started from the page: its settings, its progress, its end."""

    id: str
    arch: str
    words: tuple[str, ...]
    state: State = "running"
    stage: str = "starting"  # then reading, training, judging
    clips: int = 0  # read so far
    share: float = 0.0  # of the budget, 0 to 1
    epoch: int = 0  # finished ones
    epochs: int | None = None  # None: by the clock, or by the network's recipe
    minutes: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    history: tuple[Mapping[str, float], ...] = ()
    notes: tuple[str, ...] = ()  # what of the recordings is doubtful, left out or broken
    run: str | None = None  # name of its folder
    model: str | None = None  # id in the listing of models when it is done
    error: str | None = None

    def heard(self, line: Mapping[str, Any]) -> Training:
        """After a line of the child. Raises TypeError or ValueError for a line that tells nothing of a training."""
        if "epoch" in line:
            return replace(self, history=(*self.history, line["epoch"]), epoch=line["epoch"]["epoch"])
        if "note" in line:
            return replace(self, notes=(*self.notes, str(line["note"]))[:_MOST_NOTES])
        if "folder" in line:
            return replace(self, run=line["folder"])
        if "done" in line:
            return replace(self, state="done", share=1.0, seconds_left=None)
        if "error" in line:
            return replace(self, state="failed", error=line["error"])
        if not set(line) <= _PROGRESS:
            raise ValueError(f"expected {', '.join(sorted(_PROGRESS))}, got {', '.join(sorted(line))}")
        return replace(self, **line)

    def to_dict(self) -> dict[str, Any]:
        """The training as plain values for the API."""
        return asdict(self)


def job_of(values: Any, data: Data) -> Job:
    """From the JSON of a request. Raises RefusedError: 400 without data to train on, 422 for odd values."""
    if data.source is None or data.error:
        raise RefusedError(400, data.error or "expected recordings to train on; start with: hanmadi serve --data SRC")
    names = [found["name"] for found in data.architectures]
    allowed = ("arch", "epochs", "minutes", "seed", "words")
    if not isinstance(values, dict) or set(values) - set(allowed):
        raise RefusedError(422, f"expected a JSON object of {', '.join(allowed)}, got {shown(json.dumps(values))}")
    arch = values.get("arch", DEFAULT_ARCH)
    if arch not in names:
        raise RefusedError(422, f"expected arch to be one of {', '.join(names)}, got {shown(str(arch))}")
    epochs = _number(values, "epochs", 1, 10_000, whole=True)
    minutes = _number(values, "minutes", 0.01, 1_440)
    seed = _number(values, "seed", 0, 2**31 - 1, whole=True)
    words = _words(values.get("words"), data)
    return Job(arch, words, None if epochs is None else int(epochs), minutes, int(seed or 0))


def _number(values: Mapping[str, Any], name: str, low: float, high: float, *, whole: bool = False) -> float | None:
    found = values.get(name)
    if found is None:
        return None
    right = isinstance(found, int) or (isinstance(found, float) and not whole)
    if isinstance(found, bool) or not right or not low <= found <= high:
        raise RefusedError(
            422, f"expected {name} to be a {'whole ' if whole else ''}number from {low:g} to {high:g}, "
            f"got {shown(json.dumps(found))}",
        )  # fmt: skip
    return float(found)


def _words(given: Any, data: Data) -> tuple[str, ...]:
    """The words to learn: those that were named, or the course's that are there, or all."""
    if given is None:
        course = tuple(word for word in COURSE_KEYWORDS if word in data.words)
        return course if len(course) > 1 else data.words[:_MOST_WORDS]
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_WORDS or not all(w in data.words for w in given):
        raise RefusedError(422, f"expected words among those of GET /api/data, got {shown(json.dumps(given))}")
    return tuple(dict.fromkeys(given))


class Trainings:
    """Starts, watches and ends child processes; any thread may ask."""

    def __init__(self, data: str | None, runs: Path) -> None:
        self._data, self._runs = data, runs
        self._lock = threading.Lock()
        self._known: dict[str, Training] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._running: str | None = None
        self._started = 0.0
        self._described: Future[Data] | None = None
        self._looking: subprocess.Popen[bytes] | None = None

    def data(self) -> Future[Data]:
        """What there is to train on; it is looked at once, in a child process."""
        with self._lock:
            if self._described is None:
                self._described = Future()
                threading.Thread(target=self._describe, args=(self._described,), daemon=True).start()
            return self._described

    def start(self, job: Job) -> Training:
        """Start a training. Raises RefusedError with 409 if one runs."""
        with self._lock:
            # one that has said that it is done is on its way out and in nobody's way
            if self._running is not None and self._known[self._running].state == "running":
                raise RefusedError(409, f"the training {self._running!r} runs; wait for it, or cancel it with DELETE")
            training = Training(secrets.token_hex(6), job.arch, job.words, epochs=job.epochs, minutes=job.minutes)
            self._child = _spawn({"do": "train", "data": self._data, "runs": str(self._runs), **asdict(job)})
            self._known[training.id] = training
            for old in list(self._known)[:-_KEPT]:
                del self._known[old]
            self._running, self._started = training.id, time.monotonic()
            watched = (training.id, self._child, self._started)
        threading.Thread(target=self._watch, args=watched, daemon=True).start()
        return training

    def get(self, name: str) -> Training:
        """By its id. Raises RefusedError with 404."""
        with self._lock:
            if name not in self._known:
                raise RefusedError(404, f"no training has the id {shown(name)}; GET /api/trainings lists them")
            found = self._known[name]
            running = name == self._running
            return replace(found, seconds=round(time.monotonic() - self._started, 1)) if running else found

    def all(self) -> list[Training]:
        """All trainings that the page has started, the newest first."""
        return [self.get(name) for name in reversed(list(self._known))]

    def cancel(self, name: str) -> Training:
        """End a training; one that has ended stays as it is. Raises RefusedError with 404."""
        self.get(name)
        with self._lock:
            child = self._child if name == self._running and self._known[name].state == "running" else None
            if child is not None:
                self._known[name] = replace(self._known[name], state="cancelled")
        if child is not None:
            _end(child)
        return self.get(name)

    def close(self) -> None:
        """End every process that still trains."""
        with self._lock:
            children = [child for child in (self._child, self._looking) if child is not None]
            name = self._running
            if name is not None and self._known[name].state == "running":
                self._known[name] = replace(self._known[name], state="cancelled")
        for child in children:
            _end(child)

    def _describe(self, future: Future[Data]) -> None:
        try:
            future.set_result(Data() if self._data is None else self._looked_at(self._data))
        except Exception as error:  # nobody may wait for ever
            future.set_result(Data(self._data, error=f"the recordings could not be looked at ({error})"))

    def _looked_at(self, data: str) -> Data:
        self._looking = _spawn({"do": "describe", "data": data})
        found = [line for line in _lines(self._looking) if {"words", "error"} & set(line)]
        code = self._looking.wait()
        _close(self._looking)
        if not found:
            return Data(data, error=f"the recordings could not be looked at (code {code}); the server's log says more")
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in found[-1].items()
        }
        return Data(**({"source": data} | known))

    def _watch(self, name: str, child: subprocess.Popen[bytes], started: float) -> None:
        reader = threading.Thread(target=self._hear, args=(name, child), daemon=True)
        reader.start()
        code = child.wait()  # whatever it said, and whoever holds its output still: when it has ended, so has this
        reader.join(_STOPPING_S)
        if not reader.is_alive():
            _close(child)
        with self._lock:
            if name in self._known:
                self._known[name] = self._ended(self._known[name], code, round(time.monotonic() - started, 1))
            if self._running == name:
                self._running = self._child = None

    def _hear(self, name: str, child: subprocess.Popen[bytes]) -> None:
        for line in _lines(child):
            with self._lock:
                known = self._known.get(name)
                if known is not None and known.state == "running":
                    with suppress(TypeError, ValueError, KeyError):  # noise that happens to be JSON
                        self._known[name] = known.heard(line)

    def _ended(self, training: Training, code: int, seconds: float) -> Training:
        training = replace(training, seconds=seconds, seconds_left=None)
        if training.state == "running":
            error = f"the training ended with code {code}, perhaps for lack of memory; the server's log says more"
            return replace(training, state="failed", error=error)
        if training.state == "cancelled" and training.epoch:
            folder = self._runs / str(training.run)
            return replace(training, error=f"go on with: hanmadi train --resume --out {folder}")
        return training


def _spawn(job: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """A child that ends with us, but not by the Ctrl-C that is meant for us: we end it then."""
    return subprocess.Popen(
        [sys.executable, "-m", _CHILD, json.dumps(job)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _lines(child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What a child tells: JSON objects, one a line. Other lines are passed over: libraries print what they like."""
    assert child.stdout is not None
    for line in iter(partial(child.stdout.readline, _LONGEST_LINE), b""):
        with suppress(ValueError, RecursionError):
            told = json.loads(line)
            if isinstance(told, dict):
                yield told


def _close(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end; end it if it does not."""
    with suppress(OSError):
        child.terminate()
    try:
        child.wait(_STOPPING_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
