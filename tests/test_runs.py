"""Run folders: claimed by one training each, found again, and their file names written in one place."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hanmadi
from hanmadi import runs
from hanmadi.errors import DataError, TrainingError, WriteError
from hanmadi.files import locked
from hanmadi.runs import Settings, claimed, finished_runs, last_started, new_run_folder, newest_run, run_of

PACKAGE = Path(hanmadi.__file__).parent
needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders on this system")
HOLD = """
import sys
from pathlib import Path
from hanmadi.runs import claimed
with claimed(Path(sys.argv[1]), new=True):
    print("claimed", flush=True)
    sys.stdin.read()
"""


def test_trainings_of_the_same_second_get_a_folder_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: new_run_folder("small", tmp_path / "runs"), range(40)))
    assert len(set(found)) == 40
    assert sorted(found) == sorted((tmp_path / "runs").iterdir())


def test_names_that_are_taken_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        @staticmethod
        def now() -> Clock:
            return Clock()

        def astimezone(self) -> Clock:
            return self

        def __format__(self, _: str) -> str:
            return "noon"

    monkeypatch.setattr(runs, "datetime", Clock)
    names = [new_run_folder("small", tmp_path).name for _ in range(3)]
    assert names == ["noon-small", "noon-small-2", "noon-small-3"]


def test_where_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(WriteError):
        new_run_folder("small", tmp_path / "runs")
    with pytest.raises(WriteError), claimed(tmp_path / "runs", new=True):
        pass


@needs_locks
def test_two_trainings_with_the_same_out(tmp_path: Path) -> None:
    told = pytest.raises(TrainingError, match=r"another training .*--out")
    with claimed(tmp_path / "a", new=True), told, claimed(tmp_path / "a", new=True):
        pass
    with claimed(tmp_path / "a", new=True):
        pass


@needs_locks
def test_a_run_that_is_being_trained_is_not_trained_or_resumed_beside(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    settings = json.dumps({"arch": "small", "fingerprint": "x"})
    with claimed(tmp_path / "a", new=True):
        with pytest.raises(TrainingError, match="another training"):
            hanmadi.train(out=tmp_path / "a")
        (tmp_path / "a" / runs.SETTINGS).write_text(settings)
        with pytest.raises(TrainingError, match="another training"):
            hanmadi.resume(tmp_path / "a")
    assert (tmp_path / "a" / runs.SETTINGS).read_text() == settings


@needs_locks
def test_the_claim_of_another_process_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "a")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        with pytest.raises(TrainingError, match="another training"), claimed(tmp_path / "a", new=False):
            pass
        other.kill()
        other.wait()
    with claimed(tmp_path / "a", new=True):
        pass


def test_a_folder_that_holds_a_run(tmp_path: Path) -> None:
    for file in (runs.SETTINGS, runs.FILE_NAME):
        folder = tmp_path / file
        folder.mkdir()
        (folder / file).touch()
        with pytest.raises(TrainingError, match="holds a run already"), claimed(folder, new=True):
            pass
        with claimed(folder, new=False):
            pass
        assert (folder / file).exists()


def test_a_training_that_never_began_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for out in (None, "new", "mine"):
        with pytest.raises(DataError):
            hanmadi.train("nothing there", out=out)
    assert list((tmp_path / "runs").iterdir()) == []
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "mine").exists(), "that one was there before"


def test_a_system_that_cannot_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with locked(tmp_path) as first, locked(tmp_path) as second:
        assert (first, second) == (True, True)


def test_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="no training in runs/"):
        last_started()
    assert newest_run(Path("runs")) is None
    assert finished_runs(Path("runs")) == []
    for name in ("b", "a", "c"):
        folder = Path("runs") / name
        folder.mkdir(parents=True)
        (folder / runs.SETTINGS).touch()
        if name != "c":
            (folder / runs.FILE_NAME).touch()
        time.sleep(0.02)
    assert last_started() == Path("runs/c")
    assert newest_run(Path("runs")) == Path("runs/a")
    assert sorted(finished_runs(Path("runs"))) == [Path("runs/a"), Path("runs/b")]


def test_the_run_of_a_model_file(tmp_path: Path) -> None:
    assert run_of(tmp_path / "model.onnx") is None
    (tmp_path / runs.CARD).touch()
    assert run_of(tmp_path / "model.onnx") == tmp_path


def test_names_of_files_in_a_run_are_written_in_one_place() -> None:
    names = {runs.SETTINGS, runs.FILE_NAME, runs.WEIGHTS_NAME, runs.CARD, runs.METRICS, runs.HISTORY, runs.REPORT}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
        and path.name != "runs.py"
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"epochs": 10**9}, {"minutes": float("nan")}, {"minutes": float("inf")}, {"minutes": -1.0},
     {"seed": -1}, {"seed": 2**63}],
)  # fmt: skip
def test_numbers_that_no_training_can_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=f"expected .*{next(iter(wrong))}"):
        Settings(**wrong)


def test_a_folder_of_other_files_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    with pytest.raises(TrainingError, match=r"other files \(yes\)"), claimed(tmp_path, new=True):
        pass
    with claimed(tmp_path / "new", new=True):
        (tmp_path / "new" / "x").touch()
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / ".directory").touch()
    with claimed(tmp_path / "hidden", new=True):
        pass
