"""Programs on words: no shell, no waiting, failures told."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from hanmadi.cli import actions
from hanmadi.cli.actions import Actions, parse
from hanmadi.errors import LabelError

WORDS = ("yes", "no")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_word_runs_its_program(tmp_path: Path) -> None:
    told: list[str] = []
    file = tmp_path / "$HOME; ls"  # means nothing without a shell
    programs = Actions({"yes": [*python("import sys; open(sys.argv[1], 'a').write('x')"), str(file)]}, tell=told.append)
    for word in ("yes", "no", "yes"):
        programs.run(word)
    programs.finish()
    assert file.read_text() == "xx"
    assert told == []


def test_its_failure_is_told_and_nothing_more() -> None:
    told: list[str] = []
    programs = Actions({"yes": python("raise SystemExit(3)"), "no": ["/none/program"]}, tell=told.append)
    programs.run("no")
    programs.run("yes")
    programs.finish()
    assert "cannot be run" in told[0]
    assert told[1:] == [f"on yes: {sys.executable} failed (exit code 3)"]


def test_nobody_waits_and_not_too_many_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_RUNNING", 2)
    told: list[str] = []
    programs = Actions({"yes": python("import sys; sys.stdin.read(); import time; time.sleep(60)")}, tell=told.append)
    begin = time.monotonic()
    for _ in range(3):
        programs.run("yes")
    programs.finish(wait_s=0.01)
    assert time.monotonic() - begin < 30
    assert "not started, as 2 programs are still running" in told[0]
    assert [line.endswith("is still running") for line in told[1:]] == [True, True]
    for _, program in programs._running:
        program.kill()
        program.wait()


def test_commands_are_split_as_a_shell_would() -> None:
    assert parse("yes=say 'two words' $x", WORDS) == ("yes", ["say", "two words", "$x"])
    assert parse("no=a=b", WORDS) == ("no", ["a=b"])


@pytest.mark.parametrize("text", ["yes", "yes=", "yes=  ", "=ls", "maybe=ls", "yes='ls"])
def test_wrong_commands_are_told(text: str) -> None:
    with pytest.raises(LabelError):
        parse(text, WORDS)
