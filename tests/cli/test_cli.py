"""The command: exit codes, what goes to standard output and what to people, real files in and out."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from hanmadi import audio, cli
from hanmadi.training.train import Run


@pytest.fixture
def hanmadi(capsys: pytest.CaptureFixture[str]):
    """Run the command: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def clip(words_folder: Path) -> Path:
    return words_folder / "yes" / "ben_nohash_0.wav"


def test_info(hanmadi, clip: Path) -> None:
    code, out, _ = hanmadi("info", clip)
    assert code == 0
    for expected in ("WAV PCM_16", "16000 Hz, 16 bits per sample, 1 channel", "1.000 s (16000 samples)", "clipped   0"):
        assert expected in out


def test_how_warnings_are_shown_is_the_callers_again(hanmadi, clip: Path) -> None:
    before = warnings.showwarning
    assert hanmadi("info", clip)[0] == 0
    assert hanmadi("info", "none.wav")[0] != 0
    assert hanmadi("nonsense")[0] == 2
    assert warnings.showwarning is before


def test_info_json_and_plot(hanmadi, clip: Path, tmp_path: Path) -> None:
    code, out, _ = hanmadi("info", clip, "--json", "--plot", tmp_path / "x.png")
    facts = json.loads(out)
    assert (code, facts["sample_rate"], facts["frames"]) == (0, 16_000, 16_000)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_info_of_a_broken_file_goes_on(hanmadi, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    code, out, err = hanmadi("info", tmp_path / "empty.wav", clip)
    assert code == 1
    assert "empty (0 bytes)" in err
    assert "16000 Hz" in out


def test_data_check(hanmadi, make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "w", words=("yes", "no"))
    code, out, _ = hanmadi("data", "check", folder)
    assert code == 0
    assert "48 clips of 2 words" in out
    (folder / "no" / "bad.wav").write_text("hello")
    code, out, _ = hanmadi("data", "check", folder, "--json")
    found = json.loads(out)
    assert code == 1
    assert [problem["name"] for problem in found["broken"]] == ["no/bad.wav"]


def test_data_get_lists_and_refuses(hanmadi) -> None:
    code, out, _ = hanmadi("data", "get")
    assert code == 0
    assert "speech_commands_v0.02" in out
    code, _, err = hanmadi("data", "get", "nothing")
    assert code == 2
    assert "speech_commands_v0.01" in err


def test_train_says_what_came_out(hanmadi, words_folder: Path, tmp_path: Path) -> None:
    out_folder = tmp_path / "run"
    code, out, err = hanmadi("train", "--data", words_folder, "--words", "yes,no", "--epochs", 1, "--out", out_folder)
    assert (code, out) == (0, "")
    for expected in ("parameters", "epoch   1", "accuracy", "report:", str(out_folder / "model.onnx")):
        assert expected in err
    code, _, err = hanmadi("train", "--data", words_folder, "--out", out_folder)
    assert code == 2
    assert "--resume" in err
    code, _, err = hanmadi("train", "--resume", "--out", out_folder, "--epochs", 2)
    assert code == 0
    assert "epoch   2" in err


def test_resume_refuses_other_settings(hanmadi, tmp_path: Path) -> None:
    code, _, err = hanmadi("train", "--resume", "--arch", "wave_cnn", "--out", tmp_path)
    assert code == 2
    assert "keeps the settings" in err


def test_train_lists_networks(hanmadi) -> None:
    code, out, _ = hanmadi("train", "--list")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {"small", "wave_cnn", "spectrogram_cnn2d"}


def test_evaluate_json(hanmadi, run: Run, words_folder: Path) -> None:
    code, out, err = hanmadi("evaluate", "--model", run.folder, "--data", words_folder, "--split", "all", "--json")
    found = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert found["clips"] == 96
    assert "accuracy" in err


def test_evaluate_for_people(hanmadi, run: Run, words_folder: Path) -> None:
    code, out, err = hanmadi("evaluate", "--model", run.model, "--data", words_folder)
    assert code == 0
    assert "said \\ heard" in out
    assert "95 % interval" in err


def test_evaluate_counts_broken_files(hanmadi, run: Run, make_words_folder, tmp_path: Path) -> None:
    folder = make_words_folder(tmp_path / "w", words=("yes",), noises=0)
    (folder / "yes" / "bad.wav").write_text("hello")
    code, out, _ = hanmadi("evaluate", "--model", run.folder, "--data", folder, "--json")
    found = json.loads(out)
    assert (code, found["broken"], found["clips"]) == (1, 1, 24)


def test_predict_json_is_a_line_a_file(hanmadi, run: Run, words_folder: Path, tmp_path: Path) -> None:
    files = sorted((words_folder / "no").iterdir())[:3]
    code, out, err = hanmadi("predict", *files, tmp_path / "none.wav", "--model", run.folder, "--json", "--top", 2)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert "no such file" in err
    assert [line["file"] for line in lines] == [str(file) for file in files]
    for line in lines:
        assert line.keys() == {"file", "label", "score", "top"}
        assert len(line["top"]) == 2
        assert line["top"][0] == {"label": line["label"], "score": line["score"]}


def test_predict_uses_the_newest_run(hanmadi, run: Run, clip: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(run.folder)
    code, out, _ = hanmadi("predict", clip)
    assert code == 0
    assert str(clip) in out


def test_try(hanmadi, run: Run, words_folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "try.png"
    arguments = ("try", "--model", run.folder, "--data", words_folder, "--seed", 1, "--no-play", "--plot", picture)
    code, out, _ = hanmadi(*arguments)
    assert code == 0
    assert out.splitlines()[-1] in ("correct", "incorrect")
    said, heard = (line.split()[1] for line in out.splitlines()[1:3])
    assert (said == heard or said == "bed") == (out.splitlines()[-1] == "correct") or heard == "unknown"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert hanmadi(*arguments)[1] == out, "a seed chooses the same clip"


@pytest.mark.parametrize("part", ["torch", "matplotlib"])
def test_absent_parts_are_told(part: str, run: Run, words_folder: Path, tmp_path: Path) -> None:
    """Without [train]: predict, evaluate and try answer, train and info --plot say what to install."""
    clip = words_folder / "yes" / "ben_nohash_0.wav"
    calls = {
        "torch": [["train", "--list"], ["train", "--data", words_folder]],
        "matplotlib": [["info", clip, "--plot", tmp_path / "x.png"]],
    }
    answering = [
        ["predict", clip, "--model", run.model],
        ["try", "--model", run.folder, "--no-play", "--plot", tmp_path / "t.png"],
    ]
    for arguments, expected in [*((call, 2) for call in calls[part]), *((call, 0) for call in answering)]:
        program = (
            f"import sys; sys.modules[{part!r}] = None; from hanmadi import cli; "
            f"sys.exit(cli.run({[str(a) for a in arguments]!r}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr
        assert ("hanmadi[train]" in done.stderr) == (expected == 2 or (part, arguments[0]) == ("matplotlib", "try"))
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["predict"],
        ["predict", "--model", "/no", "x"],
        ["train", "--epochs", "0"],
        ["train", "--data", "/none"],
        ["train", "--words", ","],
        ["evaluate", "--split", "some"],
        ["info", "--plot", "x.png", "a.wav", "b.wav"],
    ],
)
def test_wrong_calls_end_with_2(arguments: list[str], hanmadi) -> None:
    code, out, err = hanmadi(*arguments)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err


def test_module_is_the_command(clip: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hanmadi", "info", str(clip)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "16000 Hz" in done.stdout


def test_data_synth_writes_a_corpus(hanmadi, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="speech synthesis ([tts]) is not installed")
    code, _, err = hanmadi("data", "synth", "--words", "yes,no", "--clips-per-word", 2, "--out", tmp_path / "c")
    assert code == 0
    assert "12 noises" in err
    files = list((tmp_path / "c" / "yes").glob("*_nohash_*.wav"))
    assert len(files) == 2
    assert audio.read(files[0]).sample_rate == 16_000
