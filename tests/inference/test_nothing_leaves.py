"""Recognising leaves nothing in the home folder and asks no other machine for anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from live_fakes import RATE, hiss

import hanmadi
from hanmadi import audio

EXAMPLE = Path(hanmadi.__file__).parent / "web" / "static" / "examples" / "yes.flac"
# what ONNX Runtime takes for a machine that tests, where it sends nothing of itself
TESTING = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "HANMADI_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_HEARD_S = 14.0  # about ten after its start the runtime would send its first events
COMMANDS = (
    ("predict", "--model", "small", str(EXAMPLE)),
    ("listen", "--model", "small", "--realtime", str(EXAMPLE)),
    ("info", "small"),
    ("info", str(EXAMPLE)),
)


def environment(home: Path) -> dict[str, str]:
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in TESTING}
    package = str(Path(hanmadi.__file__).parents[1])
    return kept | {"PYTHONPATH": package, "HOME": str(home), "USERPROFILE": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_nothing_is_left_in_the_home_folder(arguments: tuple[str, ...], tmp_path: Path) -> None:
    home = tmp_path / "home"
    call = [sys.executable, "-m", "hanmadi", *arguments]
    subprocess.run(call, env=environment(home), cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert not list(home.rglob("*"))


def test_a_program_that_quantises_leaves_nothing(tmp_path: Path) -> None:
    """Any module that imports the runtime does so after the one place that makes it silent."""
    home = tmp_path / "home"
    code = "import hanmadi.export.int8; from onnxruntime import quantization, get_device; get_device()"
    subprocess.run([sys.executable, "-c", code], env=environment(home), cwd=tmp_path, check=True, timeout=120)
    assert not list(home.rglob("*"))


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace is here")
def test_no_other_machine_is_asked(tmp_path: Path) -> None:
    sound = hiss(_HEARD_S, seed=0)
    audio.write(tmp_path / "hiss.wav", sound, sample_rate=RATE)
    call = [sys.executable, "-m", "hanmadi", "listen", "--model", "small", "--realtime", str(tmp_path / "hiss.wav")]
    trace = ["strace", "-f", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(tmp_path / "calls")]
    done = subprocess.run(
        trace + call, env=environment(tmp_path / "home"), cwd=tmp_path, capture_output=True, timeout=300
    )
    if done.returncode and b"ptrace" in done.stderr:
        pytest.skip("processes may not be traced here")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text(errors="replace").splitlines()
    assert not [line for line in calls if "AF_INET" in line or "events" in line]
