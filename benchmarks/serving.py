"""Many people speak to one server at once, in real time: does it lose anything, and how soon does it answer?

    python benchmarks/serving.py             # writes results/serving.csv
    python benchmarks/serving.py --quick     # a look: 5 clients, 10 s; writes nothing

A server (`hanmadi serve`) in a process of its own on this machine; the clients in this one, each with a recording of
its own: words of the Speech Commands test list with noise between them, in blocks of 20 ms (320 samples of float32 at
16 kHz), sent when a microphone would give them. A row for each number of clients:

``errors``: clients that got a problem, a wrong close code or nothing; ``lost_blocks``: blocks sent less blocks counted
by the server; ``different``: clients whose scores, times and detections are not exactly those of the whole recording,
offline. ``answer_ms_*``: from sending the block that completes a window to the arrival of that window's scores (the
server, both ways, and the queue of the other clients). ``word_ms_*``: from the last sample of a word (its end by
energy) to the arrival of its detection; ``rule_ms_*``: what of that the decision itself waits for, in the sound's own
time (a score averaged over 0.4 s has to rise, and a window comes every 100 ms). ``late_ms_p99``: how late this process
was to send its blocks, which tells how busy the machine was. ``cpu_cores``: processor time of the server, by the
duration; ``load``: of the machine, over a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import websockets
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.stream import listen, tail, windows_of

DATA = REPOSITORY.parent / "shared" / "data" / "speech_commands"
RATE = 16_000  # Hz
BLOCK = 320  # samples
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
PAUSE_S = 1.5  # from one clip to the next, faint noise
NOISE = 1e-3  # RMS of it


@dataclass(frozen=True)
class Talk:
    """What one client says."""

    samples: NDArray[np.float32]
    ends_s: tuple[float, ...]  # of its words


@dataclass
class Heard:
    """What one client got, and when."""

    began: float = 0.0  # when its first sample was "recorded"
    sent: list[float] = field(default_factory=list)  # when each block went
    late: list[float] = field(default_factory=list)
    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    code: int | None = None


def talks(folder: Path, clients: int, seconds: float) -> list[Talk]:
    """Recordings of words from the test list, others for each client."""
    rng = np.random.default_rng(0)
    listed = [folder / name for name in (folder / "testing_list.txt").read_text().split()]
    paths = [path.with_suffix(".flac") for path in listed if path.parent.name in WORDS]
    return [_talk([paths[i] for i in rng.permutation(len(paths))], seconds, rng) for _ in range(clients)]


def _talk(paths: Sequence[Path], seconds: float, rng: np.random.Generator) -> Talk:
    parts, ends, count = [], [], 0
    for path in paths:
        pause = (NOISE * rng.standard_normal(round(PAUSE_S * RATE))).astype(np.float32)
        clip = audio.to_clip(audio.read(path), sample_rate=RATE, length=RATE)
        parts += [pause, clip]
        count += len(pause)
        ends.append((count + word_end(clip)) / RATE)
        count += len(clip)
        if count > seconds * RATE:
            break
    samples = np.concatenate(parts)[: round(seconds * RATE)]
    return Talk(samples, tuple(end for end in ends if end < seconds - 1))


def word_end(clip: NDArray[np.float32]) -> int:
    """The last sample at which 25 ms of sound are within 20 dB of the loudest."""
    width = round(0.025 * RATE)
    power = np.convolve(np.square(clip), np.ones(width) / width, mode="same")
    return int(np.flatnonzero(power > power.max() / 100)[-1])


@contextmanager
def server(model: str) -> Iterator[tuple[str, int]]:
    """`hanmadi serve` on a free port: its address and process number."""
    command = [sys.executable, "-m", "hanmadi", "serve", "--port", "0", "--model", model]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        yield child.stderr.readline().split("http://")[1].split("/")[0], child.pid
    finally:
        child.terminate()
        if child.wait(30) != 0:
            raise SystemExit("the server did not end cleanly")


async def speak(address: str, talk: Talk, start: float) -> Heard:
    """One client, in real time from ``start`` (monotonic) on."""
    heard = Heard(began=start)
    url = f"ws://{address}/api/stream?rate={RATE}&format=f32"
    async with websockets.connect(url, compression=None, ping_interval=None) as ws:  # as a browser does
        reading = asyncio.create_task(_read(ws, heard))
        for first in range(0, len(talk.samples), BLOCK):
            block = talk.samples[first : first + BLOCK]
            due = start + (first + len(block)) / RATE  # a microphone gives a block when it is full
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            heard.sent.append(time.monotonic())
            heard.late.append(heard.sent[-1] - due)
            await ws.send(block.tobytes())
        await ws.send('{"type":"end"}')
        await reading
        heard.code = ws.close_code
    return heard


async def _read(ws: Any, heard: Heard) -> None:
    try:
        async for message in ws:
            heard.messages.append((time.monotonic(), json.loads(message)))
    except websockets.ConnectionClosed:
        pass


async def speak_all(address: str, spoken: Sequence[Talk]) -> list[Heard | BaseException]:
    """All at once; each begins at another moment of a block, as people do."""
    start = time.monotonic() + 2
    shifts = np.random.default_rng(1).uniform(0, BLOCK / RATE, len(spoken))
    clients = [speak(address, talk, start + shift) for talk, shift in zip(spoken, shifts, strict=True)]
    return await asyncio.gather(*clients, return_exceptions=True)


def is_right(recognizer: Recognizer, talk: Talk, heard: Heard) -> bool:
    """Whether the messages are exactly what the whole recording gives."""

    whole = np.concatenate([talk.samples, tail(recognizer, recognizer.about.decision_config, sample_rate=RATE)])
    times, scores = windows_of(recognizer, whole)
    want = [(time_s, [round(x, 6) for x in row]) for time_s, row in zip(times.tolist(), scores.tolist(), strict=True)]
    got = [(m["time_s"], m["scores"]) for _, m in heard.messages if m["type"] == "scores"]
    words = [found._asdict() for found in listen(recognizer, [whole])]
    detected = [{k: m[k] for k in ("label", "time_s", "score")} for _, m in heard.messages if m["type"] == "detection"]
    return got == want and detected == words


def answer_times(heard: Heard) -> list[float]:
    """Seconds from the block that completes a window to its scores."""
    found = []
    for at, message in heard.messages:
        if message["type"] == "scores":
            block = -(-round(message["time_s"] * RATE) // BLOCK) - 1
            if block < len(heard.sent):  # not the silence after the end
                found.append(at - heard.sent[block])
    return found


def word_times(talk: Talk, heard: Heard) -> list[tuple[float, float]]:
    """For each word that was detected within 1 s: seconds to the message, and in the sound's own time."""
    found, ends = [], np.array(talk.ends_s)
    for at, message in heard.messages:
        if message["type"] != "detection":
            continue
        said = ends[(ends <= message["time_s"] + 0.3) & (ends > message["time_s"] - 1.0)]
        if len(said):
            found.append((at - (heard.began + said[-1]), message["time_s"] - said[-1]))
    return found


def measure(data: Path, model: str, clients: int, seconds: float) -> dict[str, Any]:
    """One row."""
    recognizer = load(model)
    spoken = talks(data, clients, seconds)
    with server(model) as (address, number):
        used, began = cpu_s(number), time.monotonic()
        found = asyncio.run(speak_all(address, spoken))
        cores = (cpu_s(number) - used) / (time.monotonic() - began)
        text = urllib.request.urlopen(f"http://{address}/api/metrics").read().decode()
    whole = [one for one in found if isinstance(one, Heard)]
    for error in [one for one in found if not isinstance(one, Heard)][:3]:
        print(f"a client failed: {error!r}", file=sys.stderr)
    if not whole:
        raise SystemExit("every client failed")
    for one in [one for one in whole if one.code != 1000][:3]:
        print(f"a stream was closed with {one.code}", file=sys.stderr)
    bad = [one for one in whole if one.code != 1000 or any(m["type"] == "problem" for _, m in one.messages)]
    right = [isinstance(h, Heard) and is_right(recognizer, t, h) for t, h in zip(spoken, found, strict=True)]
    counted = int(re.findall(r"^hanmadi_stream_blocks_total (\d+)$", text, re.MULTILINE)[0])
    blocks = sum(-(-len(talk.samples) // BLOCK) for talk in spoken)
    words = [pair for talk, one in zip(spoken, found, strict=True) if isinstance(one, Heard)
             for pair in word_times(talk, one)]  # fmt: skip
    facts = {
        "model": model, "clients": clients, "seconds": seconds, "block_ms": 1e3 * BLOCK / RATE,
        "errors": clients - len(whole) + len(bad), "blocks": blocks, "lost_blocks": blocks - counted,
        "different": right.count(False), "windows": sum(len(answer_times(one)) for one in whole),
        "words": sum(len(talk.ends_s) for talk in spoken), "detected": len(words),
    }  # fmt: skip
    late = {"late_ms_p99": round(1e3 * float(np.percentile([x for one in whole for x in one.late], 99)), 1)}
    return (
        facts
        | spread("answer_ms", [x for one in whole for x in answer_times(one)])
        | spread("word_ms", [pair[0] for pair in words])
        | spread("rule_ms", [pair[1] for pair in words])
        | late | {"cpu_cores": round(cores, 3), "load": round(os.getloadavg()[0], 1)}
    )  # fmt: skip


def spread(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile in ms."""
    p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
    return {f"{name}_p50": round(float(p50), 1), f"{name}_p99": round(float(p99), 1)}


def cpu_s(number: int) -> float:
    """Processor time of a process (Linux)."""
    fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(row: dict[str, Any]) -> None:
    reached = row["errors"] == row["lost_blocks"] == row["different"] == 0
    print(
        f"{row['clients']} clients, {row['seconds']:g} s, {row['model']}: {row['errors']} errors, "
        f"{row['lost_blocks']} of {row['blocks']} blocks lost, {row['different']} differ; "
        f"answer {row['answer_ms_p50']} ms (p99 {row['answer_ms_p99']}); "
        f"word end to message {row['word_ms_p50']} ms (p99 {row['word_ms_p99']}), "
        f"of which the rule {row['rule_ms_p50']} ms (p99 {row['rule_ms_p99']}); "
        f"{row['detected']} of {row['words']} words; {row['cpu_cores']} cores; "
        f"sent late by {row['late_ms_p99']} ms (p99); load {row['load']}; reached: {reached}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="Speech Commands, with its testing list")
    parser.add_argument("--model", default="small", help="name of a shipped model")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 50])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each client speaks")
    parser.add_argument("--quick", action="store_true", help="5 clients, 10 s; writes nothing")
    options = parser.parse_args()
    clients, seconds = ([5], 10.0) if options.quick else (options.clients, options.seconds)
    rows = []
    for count in clients:
        rows.append(measure(options.data, options.model, count, seconds))
        show(rows[-1])
    if not options.quick:
        print(write_rows("serving", rows))


if __name__ == "__main__":
    main()
