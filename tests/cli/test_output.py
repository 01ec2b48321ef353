"""What the command writes: in any encoding, and nothing that steers a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from live_fakes import RATE, hiss, tone, write_fake_model, write_spoken_folder

import hanmadi
from hanmadi import audio, cli
from hanmadi.cli import output
from hanmadi.inference.model_file import FORMAT, write_card

ENCODINGS = ("ascii", "cp1252", "cp949", "utf-8")
NAMES = ("예", "아니요 ✓ 😀")  # of two words


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of Korean words, recordings of them, and a sound without any."""
    place = tmp_path_factory.mktemp("ko") / "café 한마디"
    write_spoken_folder(place / "words")
    for old, new in zip(("yes", "no"), NAMES, strict=True):
        (place / "words" / old).rename(place / "words" / new)
    card = {"format": FORMAT, "labels": [*NAMES, "unknown", "silence"], "sample_rate": RATE, "clip_samples": RATE}
    card |= {"limits": ["시끄러운 곳"], "data": {"source": "말", "licence": "공개"}}
    write_card(write_fake_model(place / "말.onnx"), card)
    audio.write(place / "소리.wav", hiss(20), sample_rate=RATE)
    said = np.concatenate([hiss(2), tone("yes"), hiss(2)])
    audio.write(place / "말.wav", said, sample_rate=RATE)
    return place


def every_command(place: Path, out: Path) -> list[list[object]]:
    """One call of each command, with its files named in Korean."""
    model, words, sound = ("--model", place / "말.onnx"), place / "words", place / "소리.wav"
    return [
        ["info", place / "말.wav", place / "말.onnx"], ["info", "--json", place / "말.wav", place / "말.onnx"],
        ["data", "get"], ["data", "check", words], ["data", "check", "--json", words], ["train", "--list"],
        ["train", "-h"],
        ["evaluate", *model, "--data", words], ["evaluate", "--json", *model, "--data", words],
        ["evaluate", "--stream", *model, "--data", words, "--clips", 4, "--out", out / "나"],
        ["calibrate", *model, "--background", sound, "--max-fa-per-hour", 10_000, "--out", out / "새.onnx"],
        ["export", *model, "--to", "onnx", "--data", words, "--out", out / "또.onnx"],
        ["mine", sound, *model, "--threshold", 0, "--out", out / "틀림"], ["predict", *model, place / "말.wav"],
        ["predict", "--json", *model, place / "말.wav", place / "없음.wav"], ["listen", *model, place / "말.wav"],
        ["listen", "--jsonl", *model, place / "말.wav"], ["try", *model, "--data", words, "--no-play", "--seed", 1],
        ["data", "check", place / "없음"], ["predict", "--없음", "✓"], ["없음"],
        ["export", *model, "--to", "✓", "--out", "x"],
        ["serve", *model, "--runs", place, "--host", "없음", "--port", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_encoding_ends_a_command(
    encoding: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for call in every_command(place, tmp_path):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            code = cli.run([str(part) for part in call])
        shown, told = (stream.buffer.getvalue().decode(encoding) for stream in streams)
        assert code in (0, 1, 2), call
        assert shown or told, call
        if {"--json", "--jsonl"} & set(call):
            found = [json.loads(line) for line in shown.splitlines()]
            assert found
            assert "예" in json.dumps(found, ensure_ascii=False), call


@pytest.mark.parametrize("encoding", ["ascii", "cp1252:strict"])
@pytest.mark.parametrize("where", ["stdout", "stderr", "both"])
def test_redirected_output_of_a_process(encoding: str, where: str, place: Path, tmp_path: Path) -> None:
    package = str(Path(hanmadi.__file__).parents[1])
    call = [
        sys.executable,
        "-m",
        "hanmadi",
        "predict",
        "--model",
        place / "말.onnx",
        place / "말.wav",
        place / "없음.wav",
    ]
    with open(tmp_path / "file", "wb") as file:
        piped = {name: file if where in (name, "both") else subprocess.PIPE for name in ("stdout", "stderr")}
        done = subprocess.run(call, env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": package}, **piped)
    assert done.returncode == 1  # one of the files is not there
    text = (tmp_path / "file").read_bytes() + (done.stdout or b"") + (done.stderr or b"")
    assert b"Traceback" not in text
    assert b"\\uc608" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"), ("\x9b2J", r"\x9b2J"), ("a\rb", r"a\rb"), ("a\tb", r"a\tb"),
        ("\x00\x7f", r"\x00\x7f"),
        ("\u202eb", r"\u202eb"), ("\u2066b", r"\u2066b"), ("a\u2028b", r"a\u2028b"), ("예 café 😀", "예 café 😀"),
        ("one\ntwo", "one\ntwo"), ("\ud800", r"\ud800"),
    ],
)  # fmt: skip
def test_what_steers_a_terminal_is_written_out(text: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.show(text)
    output.say(text)
    assert capsys.readouterr() == (expected + "\n", expected + "\n")
    output.print_json({"x": text})
    written = capsys.readouterr().out
    assert json.loads(written) == {"x": text}
    assert written.strip().isprintable()


def test_a_value_begins_no_line_of_its_own() -> None:
    assert output.one_line("a\n  accuracy 100 %") == r"a\n  accuracy 100 %"
    assert output.table(["label"], [["a\nb"]]).splitlines() == ["label", r"a\nb"]


def test_a_line_that_is_drawn_again(capsys: pytest.CaptureFixture[str]) -> None:
    output.draw("12.0 s  \x1b[2J")
    output.undraw(3)
    assert capsys.readouterr().err == "\r12.0 s  \\x1b[2J\r   \r"


def test_a_program_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.show("nobody sees it")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_in_one_line() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hanmadi", "info"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
