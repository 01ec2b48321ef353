"""Cells of a lesson in jupytext's percent format, for the tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

# in lesson 8: results of long trainings, which `test_course_table.py` holds against the tracked ones
COURSE_TABLE = re.compile(r"<!-- course table -->\n(.*?)<!-- /course table -->", re.DOTALL)


class Cell(NamedTuple):
    """One cell: Markdown without its comment signs, or code."""

    markdown: bool
    source: str


def cells(path: Path) -> list[Cell]:
    """The cells of a lesson in order."""
    found = []
    for part in re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        markdown = "[markdown]" in head
        source = re.sub(r"^# ?", "", body, flags=re.MULTILINE) if markdown else body
        found.append(Cell(markdown, source.strip()))
    return found
