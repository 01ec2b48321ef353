"""``hanmadi listen``: files, raw sound and a fake microphone in; words, JSON and programs out."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from hanmadi import cli
from hanmadi.audio import Samples
from hanmadi.card import Card, Decisions
from hanmadi.cli import listening
from hanmadi.cli.listening import meter
from hanmadi.inference import microphone
from hanmadi.inference.stream import Gap

RATE = 16_000  # Hz


class Loud:
    """A recogniser that says yes wherever the newest half of the window is loud."""

    labels = ("yes", "no", "silence")
    sample_rate = RATE
    clip_samples = RATE

    def __init__(self) -> None:
        self.about = Card(self.labels, RATE, RATE, decisions=Decisions(smoothing_s=0.4))

    def scores(self, clips: Samples) -> np.ndarray:
        loud = np.abs(clips[0, RATE // 2 :]).mean() > 0.1
        return np.array([[0.9, 0.05, 0.05] if loud else [0.0, 0.0, 1.0]], np.float32)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> Loud:
    found = Loud()
    monkeypatch.setattr(listening, "load", lambda model: found)
    return found


@pytest.fixture
def hanmadi(capfd: pytest.CaptureFixture[str]):
    """Run the command: (exit code, standard output, standard error, programs' output included)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.run(["listen", *map(str, arguments)])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def sound(seconds: float = 6.0, rate: int = RATE) -> Samples:
    """Loud from second 2 to 3."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * t) * ((t >= 2) & (t < 3))).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "sound.wav", sound(), RATE)
    return tmp_path / "sound.wav"


def test_a_file_for_people(hanmadi, file: Path) -> None:
    code, out, err = hanmadi(file)
    assert (code, out) == (0, "    2.50 s  yes  90%\n")
    assert "listening to sound.wav (16000 Hz) for yes, no" in err
    assert "1 word in" in err
    assert "\r" not in err, "no meter where nobody watches"


def test_json_lines_for_programs(hanmadi, file: Path) -> None:
    code, out, _ = hanmadi(file, "--jsonl")
    (line,) = out.splitlines()
    assert code == 0
    assert json.loads(line) == {"label": "yes", "time_s": pytest.approx(2.5, abs=0.11), "score": pytest.approx(0.9)}


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_files_of_any_kind(hanmadi, rate: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.flac", np.stack([sound(rate=rate)] * 2, axis=1), rate)
    code, out, _ = hanmadi(tmp_path / "s.flac", "--jsonl")
    assert code == 0
    assert json.loads(out)["time_s"] == pytest.approx(2.5, abs=0.11)


def test_a_word_at_the_very_end_is_heard(hanmadi, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", sound(2.4), RATE)
    assert hanmadi(tmp_path / "s.wav", "--jsonl")[1].count("yes") == 1


def test_a_word_at_the_very_start_is_heard_at_its_time(hanmadi, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", sound()[2 * RATE :], RATE)
    (line,) = hanmadi(tmp_path / "s.wav", "--jsonl")[1].splitlines()
    assert json.loads(line)["time_s"] == pytest.approx(0.5, abs=0.11)


def test_realtime_is_the_same_but_paced(hanmadi, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paces = []

    def paced(blocks: Any, *, sample_rate: int) -> Any:
        paces.append(sample_rate)
        return blocks

    monkeypatch.setattr(microphone, "paced", paced)
    expected = hanmadi(file, "--jsonl")[1]
    assert paces == []
    assert hanmadi(file, "--jsonl", "--realtime")[1] == expected
    assert paces == [RATE]


@pytest.mark.parametrize("rate", [None, 8_000])
def test_raw_sound_on_standard_input(hanmadi, rate: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = (sound(rate=rate or RATE) * 32_767).astype("<i2").tobytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    code, out, _ = hanmadi("-", "--jsonl", *(["--rate", rate] if rate else []))
    assert code == 0
    assert json.loads(out)["time_s"] == pytest.approx(2.5, abs=0.11)


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_a_wav_on_standard_input_is_read_by_its_header(
    hanmadi, rate: int, subtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "s.wav", np.stack([sound(rate=rate)] * 2, axis=1), rate, subtype=subtype)
    expected = hanmadi(tmp_path / "s.wav", "--jsonl")[1]
    pipe(monkeypatch, (tmp_path / "s.wav").read_bytes() + b"LIST\x04\0\0\0INFO")
    code, out, err = hanmadi("-", "--jsonl")
    assert (code, out) == (0, expected)
    assert out.count("yes") == 1
    assert f"{rate} Hz" in err


def test_other_files_and_another_rate_on_standard_input_are_refused(
    hanmadi, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for container in ("FLAC", "OGG", "AIFF", "MP3"):
        coded = io.BytesIO()
        soundfile.write(coded, sound(), RATE, format=container)
        data = coded.getvalue()
        pipe(monkeypatch, b"ID3\x03\0\0\0\0\0\0" + data if container == "MP3" else data)
        code, out, err = hanmadi("-")
        assert (code, out) == (2, "")
        assert container.lower() in err.lower()
        assert "ffmpeg" in err
    pipe(monkeypatch, file.read_bytes())
    code, _, err = hanmadi("-", "--rate", "8000")
    assert code == 2
    assert "WAV of 16000 Hz" in err


def test_threshold_and_card(hanmadi, file: Path, model: Loud) -> None:
    assert "yes" not in hanmadi(file, "--threshold", 0.95)[1]
    model.about = replace(model.about, decisions=Decisions(threshold=0.5, thresholds={"yes": 0.95}))
    assert "yes" not in hanmadi(file)[1]
    assert "yes" in hanmadi(file, "--threshold", 0.5)[1]


def test_the_hop_can_be_chosen(hanmadi, file: Path) -> None:
    (line,) = hanmadi(file, "--jsonl", "--hop-ms", 20)[1].splitlines()
    assert json.loads(line)["time_s"] == pytest.approx(2.5, abs=0.15)
    code, _, err = hanmadi(file, "--hop-ms", 0.01)
    assert code == 2
    assert "hop" in err


def test_programs_run_on_words(hanmadi, file: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    command = f"yes='{sys.executable}' -c \"open('{made}', 'w'); print('done'); raise SystemExit(4)\""
    code, out, err = hanmadi(file, "--jsonl", "--on", command, "--on", "no=/none/x")
    assert code == 0, "its failure is not ours"
    assert made.exists()
    assert "done" in err
    assert "failed (exit code 4)" in err
    assert out.count("\n") == 1, "standard output is for the words"


class Terminal(io.StringIO):
    """A terminal that keeps what was shown."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_meter(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, out = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(listening, "_REDRAWN_S", 0.0)
    monkeypatch.setattr(listening, "_FRAMES", 1_600)
    assert cli.run(["listen", str(file), "--jsonl"]) == 0
    assert "\r     2.5 s  [#################...]   -9 dB  " in shown.getvalue()
    assert "    2.50 s  yes  90%" in shown.getvalue(), "who watches sees words too"
    assert json.loads(out.getvalue())["label"] == "yes"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0, "[....................]  -60 dB"),
        (0.0316, "[##########..........]  -30 dB"),
        (1, "[####################]    0 dB"),
        (3, "[####################]   10 dB"),
    ],
)
def test_the_meter(level: float, expected: str) -> None:
    assert meter(level) == expected


class FakeMicrophone:
    """Gives a sound, with a gap and a broken sample in it; then somebody presses Ctrl-C."""

    name, sample_rate = "Fake", RATE

    def __init__(self, device: str | None, *, sample_rate: int | None) -> None:
        self.chosen = (device, sample_rate)

    def __enter__(self) -> FakeMicrophone:
        return self

    def __exit__(self, *_: object) -> None:
        FakeMicrophone.closed = True

    def __iter__(self):
        samples = sound()
        samples[7] = np.nan
        yield samples[:RATE]
        yield Gap(0.25)
        yield from np.array_split(samples[RATE:], 50)
        raise KeyboardInterrupt


def test_the_microphone_until_somebody_ends_it(hanmadi, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeMicrophone.closed = False
    monkeypatch.setattr(microphone, "Microphone", FakeMicrophone)
    code, out, err = hanmadi("--jsonl")
    assert code == 130
    assert FakeMicrophone.closed
    assert json.loads(out)["time_s"] == pytest.approx(2.75, abs=0.11)
    for expected in (
        "listening to Fake",
        "sound was lost",
        "1 word in 6.2 s",
        "1 gaps, 0.25 s",
        "numbers: 1",
        "stopped",
    ):
        assert expected in err


def test_devices_are_listed(hanmadi, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        microphone.Device(1, "Mic", 2, 44_100, default=True),
        microphone.Device(4, "USB", 1, 16_000, default=False),
    ]
    monkeypatch.setattr(microphone, "devices", lambda: found)
    code, out, _ = hanmadi("--list-devices")
    assert (code, out) == (0, "*   1  Mic  (2 channels, 44100 Hz)\n    4  USB  (1 channels, 16000 Hz)\n")
    found.clear()
    assert hanmadi("--list-devices")[::2] == (1, "no device records\n")


def test_a_missing_extra_is_told(hanmadi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for arguments in ([], ["--list-devices"]):
        code, out, err = hanmadi(*arguments)
        assert (code, out) == (2, "")
        assert 'pip install "hanmadi[mic]"' in err


@pytest.mark.parametrize(
    "arguments",
    [["/none.wav"], ["x.wav", "--rate", "8000"], ["x.wav", "--device", "1"], ["--realtime"], ["-", "--realtime"],
     ["x.wav", "--threshold", "2"], ["x.wav", "--hop-ms", "0"], ["x.wav", "--on", "maybe=ls"],
     ["x.wav", "--on", "yes"]],
)  # fmt: skip
def test_wrong_calls_end_with_2(arguments: list[str], hanmadi) -> None:
    code, out, err = hanmadi(*arguments)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err


def test_a_file_that_was_cut_short_is_heard_as_far_as_it_goes(hanmadi, file: Path) -> None:
    flac = file.with_suffix(".flac")
    soundfile.write(flac, sound() + 0.01 * np.random.default_rng(0).standard_normal(6 * RATE), RATE)
    flac.write_bytes(flac.read_bytes()[:-RATE])
    code, out, err = hanmadi(flac)
    assert code == 2
    assert "yes" in out
    assert "cut short" in err or "broken" in err
    file.write_bytes(file.read_bytes()[:-RATE])  # a WAV is whole up to its end
    code, out, err = hanmadi(file)
    assert code == 0
    assert "yes" in out


def test_what_is_told_to_be_heard_is_the_recording(hanmadi: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), RATE)
    assert " in 6.0 s" in hanmadi(tmp_path / "a.wav")[2]


def test_nothing_on_standard_input_is_an_error(hanmadi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    code, _, told = hanmadi("-")
    assert code == 2
    assert "standard input: expected sound, got none" in told
