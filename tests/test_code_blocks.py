"""Every code block of README, CONTRIBUTING and the documentation runs.

The blocks of a page run in order, in one folder that has what the page supposes: recordings in ``my_words``, a few
sound files, background recordings, a trained model. What cannot run here as it stands is listed in RULES with its
reason; a line that no rule and no runner knows fails.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from hanmadi.training.train import Run

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (
        *(REPOSITORY / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")),
        *(p for p in (REPOSITORY / "docs").glob("*/**/*.md") if not re.match(r"\d\d_|commands", p.name)),
    )
)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
RUN_SECONDS = 540
SHOWN = ("text", "ini", "json", "")  # blocks that are no code: trees, output, a unit of systemd


class Step(NamedTuple):
    """What is done with a line or a block."""

    kind: str  # "python", "hanmadi" (in the same process), "shell", "parse" (options only), "skip"
    text: str
    why: str = ""  # of a "parse" or "skip"


class Rule(NamedTuple):
    """How lines are run that cannot run as they stand."""

    pattern: str  # of the whole line
    step: Callable[[str], Step]


def skip(why: str) -> Callable[[str], Step]:
    return lambda line: Step("skip", line, why)


def parse(why: str) -> Callable[[str], Step]:
    return lambda line: Step("parse", line, why)


def with_options(options: str, *, drop: str = "$^") -> Callable[[str], Step]:
    """The same command with fewer epochs and the like."""
    return lambda line: Step("hanmadi", f"{re.sub(drop, '', line)} {options}")


INSTALLS = "installs; the README's second command is what CI itself begins with"
RULES = (
    Rule(r"python3 -m venv .*|pip install .*|\S*pip install .*", skip(INSTALLS)),
    Rule(r"\S*jupyter lab", skip("opens a browser")),
    Rule(r"scp .*|sudo .*", skip("another machine")),
    Rule(r"arecord .*\| hanmadi (.*)", lambda line: parse("needs a microphone")(line.split("|")[1].strip())),
    Rule(r"hanmadi listen( --model \S+)?( --list-devices)?", parse("needs a microphone and [mic]")),
    # the model here knows yes, no and up
    Rule(
        r"hanmadi listen .*--on .*",
        lambda line: Step("hanmadi", line.replace("light=", "yes=").replace("stop=", "no=")),
    ),
    Rule(r"hanmadi data get \S+.*", parse("downloads 2.4 GB")),
    Rule(r"hanmadi export .*--to (web|litert).*", parse("needs npm or an environment of its own")),
    Rule(r"cd \S+|cc .*|ffmpeg .*", skip("the exported C is compiled and run in tests/export/test_c.py")),
    Rule(r"hanmadi serve.*", parse("serves until it is stopped")),
    Rule(r"curl .*|python -m http\.server .*", skip("needs a server; tests/web tests the routes")),
    Rule(r"ruff .*|mypy.*|\S*pytest.*|pytest.*", skip("what CI runs anyway")),
    Rule(r"hanmadi compare .*", with_options("--archs tiny,small --epochs 1", drop=r"--minutes \S+|--archs \S+")),
    Rule(r"hanmadi train --resume.*", with_options("--epochs 2")),
    Rule(r"hanmadi train.*--data.*", with_options("--epochs 1")),
    Rule(r"hanmadi train", parse("trains for minutes; with --data it is run above")),
    Rule(r"hanmadi data synth .*", with_options("--clips-per-word 16", drop=r"--clips-per-word \S+")),
    Rule(r"hanmadi try.*", with_options("--no-play")),
    Rule(r"python (lessons|benchmarks|dev)/.*", skip("has a test of its own, or takes minutes")),
    Rule(r"hanmadi [^|>&]*", lambda line: Step("hanmadi", line)),
    Rule(r"hanmadi [^|&]*> \S+", lambda line: Step("shell", line)),
)


def steps_of(page: str) -> list[Step]:
    """What a page's blocks come to, in order. Raises ValueError for a line that nothing is known of."""
    steps: list[Step] = []
    for block in FENCE.finditer((REPOSITORY / page).read_text(encoding="utf-8")):
        language, text = block["language"], block["text"]
        if "ws://localhost" in text:
            bare = re.sub(r"  # .*", "", text)  # comments are in the language of the page
            steps.append(Step("skip", bare, "needs a server; tests/web/test_live.py speaks to one as this does"))
        elif language == "python":
            steps.append(Step("python", text))
        elif language in ("sh", "bash"):
            steps += [step_of(line, page) for line in lines_of(text)]
        elif language not in SHOWN:
            raise ValueError(f"{page}: nothing is known of blocks in {language!r}")
    return steps


def lines_of(text: str) -> list[str]:
    """Command lines of a block: continued lines joined, comments and ``.venv/bin/`` taken away, ``&&`` split."""
    joined = re.sub(r"\\\n\s*", " ", text)
    bare = (re.sub(r"(^|\s)#.*", "", line).replace(".venv/bin/", "").strip() for line in joined.splitlines())
    return [part.strip() for line in bare if line for part in line.split("&&")]


def step_of(line: str, page: str) -> Step:
    for rule in RULES:
        if re.fullmatch(rule.pattern, line):
            return rule.step(line)
    raise ValueError(f"{page}: nothing is known of the line {line!r}; add a rule with its reason")


# ---- what pages suppose ----


@pytest.fixture
def reader(tmp_path: Path, words_folder: Path, run: Run) -> Path:
    """A folder as a reader of the pages has it."""
    for folder in ("my_words", "data/speech_commands_v0.02", "data/speech_commands_test_set_v0.02"):
        shutil.copytree(words_folder, tmp_path / folder)
    mine, official = tmp_path / "my_words", tmp_path / "data" / "speech_commands_v0.02"
    for new, like in {"네": "yes", "아니오": "no", "light": "yes", "music": "no", "stop": "up"}.items():
        shutil.copytree(mine / like, mine / new)
    for new in "down left right on off stop go".split():
        shutil.copytree(official / "up", official / new)
    shutil.copytree(run.folder, tmp_path / "runs" / "mine")
    shutil.copyfile(run.folder / "model.onnx", tmp_path / "mine.onnx")
    clip = sorted((words_folder / "yes").glob("*.wav"))[0]
    shutil.copyfile(clip, tmp_path / "clip.wav")
    (tmp_path / "backgrounds").mkdir()
    noise = 0.01 * np.random.default_rng(0).standard_normal(30 * 16_000)
    for path in (tmp_path / "recording.wav", tmp_path / "backgrounds" / "kitchen.wav"):
        soundfile.write(path, np.concatenate([noise, soundfile.read(clip)[0], noise]), 16_000)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "hanmadi"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hanmadi "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


@pytest.mark.timeout(RUN_SECONDS + 30)
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, reader: Path) -> None:
    steps = [step._asdict() | {"where": page} for step in steps_of(page) if step.kind != "skip"]
    if page.endswith("own-words.md"):
        shutil.rmtree(reader / "my_words")  # it begins without
        shutil.rmtree(reader / "runs")
    if not steps:
        return
    (reader / "steps.json").write_text(json.dumps(steps), encoding="utf-8")
    environment = os.environ | {"PATH": f"{reader / 'bin'}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("code_steps.py")), "steps.json"],
        cwd=reader, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-3_000:]


# ---- both languages tell the same ----

ENGLISH = [page for page in PAGES if page.startswith("docs/en/") and "reference" not in page]
PAIRS = [("README.md", "README.ko.md"), *((page, page.replace("docs/en/", "docs/ko/")) for page in ENGLISH)]


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_both_languages_have_the_same_commands(english: str, korean: str) -> None:
    def commands(page: str) -> list[str]:
        said = (re.sub(r"lessons/(en|ko)/", "lessons/", step.text) for step in steps_of(page) if step.kind != "python")
        return [re.sub(r"yes,no|네,아니오", "WORDS", text) for text in said]

    assert commands(english) == commands(korean)


# ---- the rules are sound ----


def test_every_exception_has_its_reason_and_is_needed() -> None:
    steps = [step for page in PAGES for step in steps_of(page)]
    assert all(step.why for step in steps if step.kind == "skip")
    assert any(step.kind == "hanmadi" for step in steps)
    used = {next(rule.pattern for rule in RULES if re.fullmatch(rule.pattern, line)) for line in all_lines()}
    assert {rule.pattern for rule in RULES} == used, "a rule that no line needs"


def all_lines() -> list[str]:
    blocks = (b for page in PAGES for b in FENCE.finditer((REPOSITORY / page).read_text(encoding="utf-8")))
    return [line for block in blocks if block["language"] in ("sh", "bash") for line in lines_of(block["text"])]


def test_an_unknown_line_and_an_unknown_language_fail() -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        step_of("rm -r runs", "page")
    assert lines_of("hanmadi info a.wav \\\n  --json  # facts\n\n.venv/bin/ruff check . && mypy") == [
        "hanmadi info a.wav  --json", "ruff check .", "mypy",
    ]  # fmt: skip
