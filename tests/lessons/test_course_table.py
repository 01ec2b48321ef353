"""The table of the course's full networks in lesson 8: every number is one of benchmarks/results/course.csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from lesson_cells import COURSE_TABLE, cells

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "course.csv"
LANGUAGES = ("en", "ko")
COLUMNS = 6  # network, test accuracy with its interval, gap, epochs, minutes, parameters
NUMBER = re.compile(r"(?<![\d.])[+-]?\d[\d,]*(?:\.\d+)?")  # in "89.1-93.1" the sign is no minus


def table(language: str) -> list[str]:
    """The lines of the table in the lesson, head and all."""
    text = "\n".join(
        cell.source for cell in cells(ROOT / "lessons" / language / "08_spectrogram_1d_and_2d.py") if cell.markdown
    )
    found = COURSE_TABLE.findall(text)
    assert len(found) == 1, f"expected one course table, found {len(found)}"
    return [line for line in found[0].splitlines() if line.strip()]


def parts(line: str) -> list[str]:
    """The columns of a line of a Markdown table."""
    return [part.strip() for part in line.strip().strip("|").split("|")]


def numbers(text: str) -> list[str]:
    """As written, without thousands separators and plus signs."""
    return [found.replace(",", "").lstrip("+") for found in NUMBER.findall(text.replace("−", "-"))]


def network(line: str) -> str:
    """The name of the network that a line is about."""
    found = re.search(r"[a-z]\w+", parts(line)[0])
    assert found, f"expected a network in the first column of {line}"
    return found[0]


def is_of(line: str, row: dict[str, str]) -> bool:
    """Whether each number of a line, with the decimals it has there, is that of a training."""
    name, *columns = parts(line)
    low, accuracy, high, gap = (100 * float(row[key]) for key in ("low", "test_accuracy", "high", "gap"))
    wanted = [[accuracy, low, high], [gap], *([float(row[key])] for key in ("epochs", "minutes", "parameters"))]
    about = numbers(name.replace(row["network"], ""))  # such as how many clips it was trained on
    return (
        row["network"] == network(line)
        and set(about) <= {row["training_clips"]}
        and all(same(numbers(text), values) for text, values in zip(columns, wanted, strict=True))
    )


def same(written: list[str], values: list[float]) -> bool:
    """Whether numbers as written are these values, rounded as those are."""
    return len(written) == len(values) and all(
        abs(float(text) - value) <= 0.5000001 * 10.0 ** -len(text.partition(".")[2])
        for text, value in zip(written, values, strict=True)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_one_of_the_tracked_results(language: str) -> None:
    _head, _rule, *body = table(language)
    if not body or not RESULTS.exists():
        pytest.skip("the trainings of the course's networks have not been tracked yet")
    with open(RESULTS, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for line in body:
        assert any(is_of(line, row) for row in rows), f"expected the numbers of a row of {RESULTS.name}, found {line}"


def test_both_languages_show_the_same_table() -> None:
    english, korean = (table(language) for language in LANGUAGES)
    for lines in (english, korean):
        assert all(len(parts(line)) == COLUMNS for line in lines)
    assert [(network(line), numbers(line)) for line in english[2:]] == [
        (network(line), numbers(line)) for line in korean[2:]
    ]


# ---- the tests can fail ----

ROW = {
    "network": "spectrogram_cnn2d", "training_clips": "8891", "test_accuracy": "0.9127", "low": "0.8904",
    "high": "0.9311", "gap": "-0.0042", "epochs": "10", "minutes": "113.4", "parameters": "20847724",
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("| `spectrogram_cnn2d` | 91.3 % (89.0 to 93.1) | -0.4 | 10 | 113 | 20,847,724 |", True),
        ("| spectrogram_cnn2d, 8,891개 | 91.3 % (89.0~93.1) | −0.42 | 10 | 113.4 | 20847724 |", True),
        ("| spectrogram_cnn2d | 91.3 (89.0-93.1) | -0.4 | 10 | 113 | 20,847,724 |", True),
        ("| spectrogram_cnn1d | 91.3 % (89.0 to 93.1) | -0.4 | 10 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d, 16,057 clips | 91.3 % (89.0 to 93.1) | -0.4 | 10 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d | 91.4 % (89.0 to 93.1) | -0.4 | 10 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d | 91.3 % | -0.4 | 10 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d | 91.3 % (89.0 to 93.1) | +0.4 | 10 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d | 91.3 % (89.0 to 93.1) | -0.4 | 9 | 113 | 20,847,724 |", False),
        ("| spectrogram_cnn2d | 91.3 % (89.0 to 93.1) | -0.4 | 10 | 114 | 20,847,724 |", False),
    ],
)
def test_a_number_that_is_not_tracked_is_seen(line: str, right: bool) -> None:
    assert is_of(line, ROW) == right
