"""Lessons as notebooks and pages: each is executed, and its output becomes Markdown beside figures and sounds."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

Node = Any  # nbformat's dictionaries with attributes

REPOSITORY = Path(__file__).resolve().parents[1]
LESSONS = REPOSITORY / "lessons"
EXECUTED = REPOSITORY / "build" / "executed"  # kept, so that only what changed runs again
CELL_SECONDS = 1_800
_TO_LESSON = re.compile(r"\]\((?P<name>\d\d_\w+)\.(?:py|ipynb)\)")  # as lessons name each other
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_AUDIO = re.compile(r'src="data:audio/wav;base64,(?P<data>[^"]+)"')
_DOWNLOADS = {
    "en": "Run it yourself: [notebook]({name}.ipynb){{download}} · [Python file]({name}.py){{download}} · "
    "[how](index.md#run-a-lesson)",
    "ko": "직접 돌려 보세요: [노트북]({name}.ipynb){{download}} · [파이썬 파일]({name}.py){{download}} · "
    "[방법](index.md#run-a-lesson)",
}


@dataclass(frozen=True)
class Lesson:
    """A lesson in one language."""

    path: Path

    @property
    def name(self) -> str:
        """Such as ``06_fourier``."""
        return self.path.stem

    @property
    def language(self) -> str:
        """``en`` or ``ko``."""
        return self.path.parent.name

    def fingerprint(self, *, quick: bool) -> str:
        """Changes when the lesson or the package does."""
        digest = hashlib.sha256(b"quick" if quick else b"full")
        for file in (self.path, *sorted((REPOSITORY / "src" / "hanmadi").rglob("*.py"))):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:24]


def lessons(language: str) -> list[Lesson]:
    """All lessons of a language in order."""
    return [Lesson(path) for path in sorted((LESSONS / language).glob("[0-9]*.py"))]


def notebook(lesson: Lesson) -> Node:
    """The lesson as a notebook without output, for download."""
    made = jupytext.read(lesson.path)
    made.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(made.cells):
        if cell.cell_type == "markdown":
            cell.source = _TO_LESSON.sub(r"](\g<name>.ipynb)", cell.source)
        cell.id = f"cell-{number}"  # jupytext draws them at random: the same lesson would differ from build to build
    return made


def executed(lesson: Lesson, *, quick: bool = False) -> Node:
    """The lesson with its output; from `EXECUTED` if nothing has changed. Raises CellExecutionError if it fails."""
    kept = EXECUTED / lesson.language / f"{lesson.name}.ipynb"
    fingerprint = lesson.fingerprint(quick=quick)
    if kept.exists():
        found = nbformat.read(kept, as_version=4)
        if found.metadata.get("fingerprint") == fingerprint:
            return found
    made = notebook(lesson)
    environment = os.environ | {"HANMADI_QUICK": "1" if quick else "0", "MPLBACKEND": "Agg"}
    client = NotebookClient(made, timeout=CELL_SECONDS, resources={"metadata": {"path": str(lesson.path.parent)}})
    client.execute(env=environment)
    made.metadata["fingerprint"] = fingerprint
    kept.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, kept)
    return made


def write_page(lesson: Lesson, folder: Path, *, quick: bool = False) -> Path:
    """Write page, figures, sounds, notebook and source of a lesson into ``folder``; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    source = lesson.path.read_text(encoding="utf-8")
    (folder / f"{lesson.name}.py").write_text(source, encoding="utf-8")
    nbformat.write(notebook(lesson), folder / f"{lesson.name}.ipynb")
    files = Files(folder, lesson.name)
    parts = [part for cell in executed(lesson, quick=quick).cells for part in cell_parts(cell, files)]
    parts.insert(1, _DOWNLOADS[lesson.language].format(name=lesson.name))
    page = folder / f"{lesson.name}.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


class Files:
    """Writes figures and sounds of a page, numbered."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name, self._count = folder, name, 0

    def write(self, data: bytes, suffix: str) -> str:
        """Returns the name of the file."""
        self._count += 1
        name = f"{self._name}-{self._count}{suffix}"
        (self._folder / name).write_bytes(data)
        return name


def cell_parts(cell: Node, files: Files) -> list[str]:
    """A cell as Markdown: its text, or its code and what came out."""
    if cell.cell_type == "markdown":
        return [_TO_LESSON.sub(r"](\g<name>.md)", cell.source)]
    if not cell.source.strip():
        return []
    outputs = [part for output in cell.outputs if (part := output_part(output, files))]
    shown = "\n\n".join(['<div class="output" markdown>', *outputs, "</div>"]) if outputs else ""
    return [part for part in (f"```python\n{cell.source}\n```", shown) if part]


def output_part(output: Node, files: Files) -> str:
    """One output as Markdown. Raises ValueError for a figure without alt text and for what cannot be shown."""
    if output.output_type == "stream":
        if output.name == "stderr":
            raise ValueError(f"a lesson wrote to standard error: {output.text[:500]}")
        return f"```text\n{_ANSI.sub('', output.text).rstrip()}\n```"
    data, about = output.data, output.metadata
    if "image/png" in data:
        alt = about.get("image/png", {}).get("alt") or about.get("alt")
        if not alt:
            raise ValueError("a figure without alt text: use hanmadi.lessons.toolkit.show")
        name = files.write(base64.b64decode(data["image/png"]), ".png")
        return f'<img src="{name}" alt="{html.escape(alt, quote=True)}" loading="lazy">'
    if "text/html" in data:
        return _AUDIO.sub(lambda m: f'src="{files.write(base64.b64decode(m["data"]), ".wav")}"', data["text/html"])
    if "text/markdown" in data:
        return str(data["text/markdown"])
    return f"```text\n{data['text/plain']}\n```"


if __name__ == "__main__":
    sys.exit("run docs/build.py")
