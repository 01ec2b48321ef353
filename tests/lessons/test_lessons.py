"""Every lesson runs in both languages, has what a lesson must have, and its exercises say what is wrong.

The runs are in quick mode (fewer clips, less training), each in a process of its own.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lesson_cells import COURSE_TABLE, Cell, cells

LESSONS = Path(__file__).resolve().parents[2] / "lessons"
DRIVER = Path(__file__).parents[1] / "lesson_driver.py"
NAMES = (
    "01_sound_is_a_wave", "02_from_air_to_numbers", "03_a_data_set_of_words", "04_a_network_on_the_wave",
    "05_skip_connections", "06_fourier", "07_the_spectrogram", "08_spectrogram_1d_and_2d",
    "09_a_network_people_deploy", "10_live",
)  # fmt: skip
LANGUAGES = ("en", "ko")
HEADINGS = {
    "en": ("## Change and predict", "## Exercises", "## Sources"),
    "ko": ("## 바꾸고 예측하기", "## 연습 문제", "## 참고 자료"),
}
MINUTES = {"en": r"\d+ minutes", "ko": r"\d+분"}
HANGUL = re.compile("[\uac00-\ud7a3]")
# a result that was typed: an accuracy, or a percentage with decimals; results are printed by the run
TYPED_RESULT = {
    "en": re.compile(r"\d\.\d+\s?%|accurac\w+ (?:of|is|was|reaches) (?:about )?\d|\d+(?:\.\d+)? ?% (?:right|correct)"),
    "ko": re.compile(r"\d\.\d+\s?%|정확도[는가]? (?:약 )?\d|\d+(?:\.\d+)? ?%(?:가|를)? 맞"),
}
REAL = ("03_a_data_set_of_words", "07_the_spectrogram", "10_live")  # run on real recordings too, where those are here
RUN_SECONDS = 540  # a quick run takes 15; a busy machine is slow


def lesson(language: str, name: str) -> Path:
    return LESSONS / language / f"{name}.py"


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    printed: str
    complaints: str  # standard error
    found: dict[str, Any]  # of the driver


def run_lesson(path: Path, folder: Path, *options: str, **environment: str) -> Ran:
    result = folder / "result.json"
    quick = {"HANMADI_QUICK": "1", "MPLBACKEND": "Agg", "HANMADI_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(result), str(path), *options],
        cwd=folder, env=os.environ | quick | environment, capture_output=True, text=True, timeout=RUN_SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    return Ran(done.stdout, done.stderr, json.loads(result.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def lesson_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One cache for all runs, so that speech is made once; shared by the workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    return str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "lesson-cache")


# ---- every lesson runs ----


@pytest.mark.timeout(RUN_SECONDS + 30)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_its_exercises_answer(name: str, language: str, tmp_path: Path, lesson_cache: str) -> None:
    ran = run_lesson(lesson(language, name), tmp_path, HANMADI_CACHE=lesson_cache, HANMADI_OUT=str(tmp_path / "out"))
    assert "Warning" not in ran.complaints, ran.complaints[-2_000:]
    figures = ran.found["figures"]
    assert figures, "a lesson has a picture for every idea"
    assert len(list((tmp_path / "out").glob("*.png"))) == len(figures)
    for text in (*figures, *ran.found["sounds"]):
        assert bool(HANGUL.search(text)) == (language == "ko"), text
    assert [exercise["name"] for exercise in ran.found["exercises"]] == ["1", "2", "3"]
    for exercise in ran.found["exercises"]:
        check_exercise(exercise, language)


def check_exercise(exercise: dict[str, Any], language: str) -> None:
    """Unanswered it gives its hint; right is right; each likely mistake gets its own message; the rest a reason."""
    kind, text = exercise["open"]
    assert kind == "open"
    assert exercise["hint"] in text
    assert exercise["to_right"][0] == "right"
    assert exercise["to_wrong"], "expected a message for at least one likely mistake"
    for value, message, (kind, text) in exercise["to_wrong"]:
        assert kind == "listed", f"{value}: {text}"
        assert message in text
        assert bool(HANGUL.search(message)) == (language == "ko"), message
    for kind, text in exercise["to_others"]:
        assert kind not in ("right", "open"), text
    messages = [message for _, message, _ in exercise["to_wrong"]]
    assert len(set(messages)) == len(messages), "each mistake has its own message"


@pytest.mark.timeout(RUN_SECONDS + 30)
@pytest.mark.parametrize("name", REAL)
def test_it_runs_on_real_recordings(name: str, shared_data: Path, tmp_path: Path) -> None:
    ran = run_lesson(lesson("en", name), tmp_path, "--data", str(shared_data / "speech_commands"))
    assert ran.found["figures"]
    assert len(ran.found["exercises"]) == 3


@pytest.mark.timeout(RUN_SECONDS + 30)
def test_it_runs_on_words_of_ones_own(words_folder: Path, tmp_path: Path) -> None:
    ran = run_lesson(lesson("ko", "03_a_data_set_of_words"), tmp_path, "--data", str(words_folder))
    assert ran.found["figures"]


# ---- every lesson is whole ----


def test_there_are_ten_lessons_in_both_languages() -> None:
    for language in LANGUAGES:
        assert sorted(path.stem for path in (LESSONS / language).glob("*.py")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_code(name: str) -> None:
    english, korean = (ast.parse(lesson(language, name).read_text(encoding="utf-8")) for language in LANGUAGES)
    one, other = (ast.unparse(Blank().visit(tree)) for tree in (english, korean))
    assert one == other


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_parts_of_a_lesson(name: str, language: str) -> None:
    found = cells(lesson(language, name))
    opening, prose = found[0].source, [cell.source for cell in found if cell.markdown]
    assert found[0].markdown
    assert re.match(rf"# {int(name[:2])}\. \S", opening), "opens with its number and title"
    assert re.search(r"^\*\*[^*]+\?\*\*", opening, re.MULTILINE), "opens with a question in bold"
    assert re.search(MINUTES[language], opening), "says how long it takes"
    lines = [line for text in prose for line in text.splitlines()]
    for heading in HEADINGS[language]:
        assert lines.count(heading) == 1, heading
    places = [lines.index(heading) for heading in HEADINGS[language]]
    assert places == sorted(places)
    check_change_and_predict(found, HEADINGS[language][0])
    sources = prose[-1][prose[-1].index(HEADINGS[language][2]) :]
    assert len(re.findall(r"^[-*] .*(?:19|20)\d\d", sources, re.MULTILINE)) >= 2, "two sources with their year"
    assert re.search(r"doi|arXiv|ISBN|https?://", sources, re.IGNORECASE)


def check_change_and_predict(found: list[Cell], heading: str) -> None:
    """The cell after it is code that begins with the one value to change."""
    place = next(i for i, cell in enumerate(found) if cell.markdown and heading in cell.source.splitlines())
    code = found[place + 1]
    assert not code.markdown
    first = ast.parse(code.source).body[0]
    assert isinstance(first, ast.Assign), "begins with the value to change"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_its_prose_types_no_results_and_its_formulas_are_closed(name: str, language: str) -> None:
    for cell in cells(lesson(language, name)):
        if cell.markdown:
            typed = TYPED_RESULT[language].search(COURSE_TABLE.sub("", cell.source))
            assert typed is None, f"a result belongs to the run: {typed and typed[0]!r} in {cell.source[:60]!r}"
            without_code = re.sub(r"`[^`]*`", "", cell.source)
            assert without_code.count("$") % 2 == 0, cell.source[:80]
            assert "![" not in cell.source, "figures come from the run, with show()"


# ---- the tests can fail ----


def test_code_is_compared_without_its_words() -> None:
    def blank(source: str) -> str:
        return ast.unparse(Blank().visit(ast.parse(source)))

    assert blank("say(f'{a:.1f} of {b}')") == blank("say(f'{b} 가운데 {a:.1f}')")
    assert blank("say(f'{a:.1f} of {b}')") != blank("say(f'{b} 가운데 {a:.2f}')")
    assert blank("x = 'a' f'b'") == blank("x = 'c'")
    assert blank("x = 3") != blank("x = 4")


@pytest.mark.parametrize(
    ("language", "text", "typed"),
    [
        ("en", "the accuracy is 93 now", True),
        ("en", "It got 61.4 % of them", True),
        ("en", "with its 95 % interval", False),
        ("ko", "정확도는 93 %예요", True),
        ("ko", "95 % 신뢰구간", False),
    ],
)
def test_a_typed_result_is_seen(language: str, text: str, typed: bool) -> None:
    assert bool(TYPED_RESULT[language].search(text)) == typed


class Blank(ast.NodeTransformer):
    """Texts become empty, and of a text with values only the values stay, sorted: word order differs by language."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        kept = sorted(
            ast.unparse(Blank().visit(part.value)) + (ast.unparse(part.format_spec) if part.format_spec else "")
            for part in node.values
            if isinstance(part, ast.FormattedValue)
        )
        return ast.Tuple([ast.Constant(part) for part in kept], ast.Load()) if kept else ast.Constant("")
