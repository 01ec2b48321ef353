"""The documentation site: formulas, pages out of lessons, and that every page and link of it is there."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
LANGUAGES = ("en", "ko")
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$([^\s$](?:[^$]*?[^\s$])?)\$(?![\d$])", re.DOTALL)
# what parses and shows for the command, and what only the package itself needs
NO_REFERENCE = (
    "hanmadi.__main__", "hanmadi.files", "hanmadi.cli.commands", "hanmadi.cli.data", "hanmadi.cli.info",
    "hanmadi.cli.listening", "hanmadi.cli.live", "hanmadi.cli.models", "hanmadi.cli.options", "hanmadi.cli.output",
    "hanmadi.cli.training", "hanmadi.plots.style",
    "hanmadi.models.checkpoint",
    "hanmadi.report.html", "hanmadi.report.summary", "hanmadi.report.curves", "hanmadi.report.labels",
    "hanmadi.report.mistakes", "hanmadi.report.provenance",
)  # fmt: skip
PNG = base64.b64encode(b"\x89PNG picture").decode()
WAV = base64.b64encode(b"RIFF sound").decode()


@pytest.fixture(scope="module")
def pages() -> Any:
    """docs/lesson_pages.py, which lies beside the package."""
    return load("lesson_pages")


def load(name: str) -> ModuleType:
    pytest.importorskip("jupytext")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        return __import__(name)


# ---- formulas ----


def test_formulas_become_mathml() -> None:
    to_mathml = load("mathml").to_mathml
    made = to_mathml(r"A \sin\varphi < 1", block=True)
    assert made.startswith(r'<math alttext="A \sin\varphi &lt; 1"')
    assert 'display="block"' in made
    assert '<mi>sin</mi><mspace width="0.17em"/>' in made


def test_only_formulas_are_taken_for_formulas() -> None:
    from markdown import Markdown

    load("mathml")
    convert = Markdown(extensions=[load("mathml").makeExtension()]).convert
    assert convert("it costs $5 and $6, `$x$` and \\$y$").count("<math") == 0
    assert convert("with $x$, $$y^2$$ and $a\nb$").count("<math") == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_of_lessons_and_pages_can_be_read(language: str) -> None:
    from lesson_cells import cells

    to_mathml = load("mathml").to_mathml
    prose = [path.read_text(encoding="utf-8") for path in (DOCS / language).rglob("*.md") if not path.name[0].isdigit()]
    for path in (REPOSITORY / "lessons" / language).glob("*.py"):
        prose += [cell.source for cell in cells(path) if cell.markdown]
    found = [
        a or b for text in prose for a, b in FORMULA.findall(re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL))
    ]
    assert len(found) > 20
    for latex in found:
        made = re.sub(r'alttext="[^"]*"', "", to_mathml(latex))
        assert "\\" not in made, f"not read whole: {latex!r}"
        assert "<mi>&</mi>" not in made, f"no tables in formulas: {latex!r}"


# ---- lessons become notebooks and pages ----


def output(**data: str) -> Any:
    import nbformat

    named = {key.replace("_", "/"): value for key, value in data.items()}
    return nbformat.v4.new_output("display_data", named, metadata={"image/png": {"alt": 'a "wave"'}})


def test_outputs_become_markdown_and_files(pages: Any, tmp_path: Path) -> None:
    files = pages.Files(tmp_path, "06_fourier")
    assert pages.output_part(output(image_png=PNG), files) == (
        '<img src="06_fourier-1.png" alt="a &quot;wave&quot;" loading="lazy">'
    )
    player = pages.output_part(output(text_html=f'<audio src="data:audio/wav;base64,{WAV}">'), files)
    assert player == '<audio src="06_fourier-2.wav">'
    assert (tmp_path / "06_fourier-1.png").read_bytes() == b"\x89PNG picture"
    assert (tmp_path / "06_fourier-2.wav").read_bytes() == b"RIFF sound"
    assert pages.output_part(output(text_markdown="It is **3**."), files) == "It is **3**."


def test_a_figure_without_alt_text_and_complaints_stop_the_build(pages: Any, tmp_path: Path) -> None:
    import nbformat

    files = pages.Files(tmp_path, "x")
    bare = nbformat.v4.new_output("display_data", {"image/png": PNG})
    with pytest.raises(ValueError, match="alt text"):
        pages.output_part(bare, files)
    with pytest.raises(ValueError, match="standard error"):
        pages.output_part(nbformat.v4.new_output("stream", name="stderr", text="UserWarning"), files)


def test_a_notebook_is_the_lesson_without_output_and_always_the_same(pages: Any) -> None:
    lesson = pages.lessons("ko")[0]
    made = pages.notebook(lesson)
    assert made == pages.notebook(lesson)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert not any(cell.outputs for cell in code)
    assert made.cells[0].source.startswith("# 1. ")
    assert made.metadata.kernelspec.name == "python3"


@pytest.mark.timeout(540)
def test_a_lesson_is_executed_into_a_page(pages: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXECUTED", tmp_path / "executed")
    lesson = pages.lessons("en")[0]
    page = pages.write_page(lesson, tmp_path / "pages", quick=True).read_text(encoding="utf-8")
    images = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)
    assert len(images) == page.count("<img ") > 3
    assert all((tmp_path / "pages" / name).is_file() for name, _ in images)
    assert '<audio controls preload="none" aria-label="like a flute" src="01_sound_is_a_wave-1.wav">' in page
    assert "not answered yet" in page
    assert "data:audio" not in page
    assert "(02_from_air_to_numbers.md)" in page, "lessons lead to pages"
    again = pages.executed(lesson, quick=True)
    assert again.metadata.fingerprint == lesson.fingerprint(quick=True) != lesson.fingerprint(quick=False)


# ---- the whole site ----


@pytest.mark.timeout(540)
def test_every_page_and_link_is_there(pages: Any, tmp_path: Path) -> None:
    """Built strictly in a copy, with the lessons as they are without output."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("[0-9][0-9]_*", "images"))
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    build = load("build")
    build.write_commands(tmp_path / "docs" / "en" / "reference" / "commands.md")
    for language in LANGUAGES:
        for lesson in pages.lessons(language):
            cells = [part for cell in pages.notebook(lesson).cells for part in pages.cell_parts(cell, None)]
            folder = tmp_path / "docs" / language / "lessons"
            (folder / f"{lesson.name}.md").write_text("\n\n".join(cells), encoding="utf-8")
    for config in ("mkdocs.yml", "mkdocs.ko.yml"):
        shutil.copyfile(REPOSITORY / config, tmp_path / config)
        command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", config]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path / "docs"), *sys.path))}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
    site = tmp_path / "build" / "site"
    assert "predict_file" in (site / "reference" / "recognising.html").read_text(encoding="utf-8")
    assert '<html lang="ko"' in (site / "ko" / "lessons" / "06_fourier.html").read_text(encoding="utf-8")
    fetched = {found for page in site.rglob("*.html") for found in sources_elsewhere(page)}
    assert not fetched, "a page fetches from elsewhere"


def sources_elsewhere(page: Path) -> list[str]:
    """Scripts, styles, fonts and pictures that a page takes from other hosts."""
    text = page.read_text(encoding="utf-8")
    return re.findall(
        r'<(?:script|img|audio|iframe)[^>]*src="(https?:[^"]+)|<link[^>]*stylesheet[^>]*href="(https?:[^"]+)', text
    )


def nav_pages(config: str) -> list[str]:
    """Pages in the navigation, in order."""

    def walk(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        below = entry.values() if isinstance(entry, dict) else entry
        return [page for part in below for page in walk(part)]

    text = (REPOSITORY / config).read_text(encoding="utf-8")
    return walk(yaml.safe_load(text)["nav"])


def test_both_sites_lead_to_the_same_pages() -> None:
    english, korean = nav_pages("mkdocs.yml"), nav_pages("mkdocs.ko.yml")
    assert [page for page in english if "reference" not in page] == korean[:-1]
    for language, found in (("en", english), ("ko", korean)):
        written = {str(path.relative_to(DOCS / language)) for path in (DOCS / language).rglob("*.md")}
        made = {page for page in found if re.match(r"lessons/\d|reference/commands", page)}
        assert written | made == set(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_calls_the_lessons_by_their_titles(language: str) -> None:
    index = (DOCS / language / "lessons" / "index.md").read_text(encoding="utf-8")
    for path in (REPOSITORY / "lessons" / language).glob("*.py"):
        title = re.search(r"^# # (\d+)\. (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert title is not None
        assert f"\n{title[1]}. [{title[2]}]({path.stem}.md)\n" in index


def test_the_reference_names_every_module() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "en" / "reference").glob("*.md"))
    for path in (REPOSITORY / "src" / "hanmadi").rglob("*.py"):
        parts = path.relative_to(REPOSITORY / "src").with_suffix("").parts
        module = ".".join(parts)
        if path.name != "__init__.py" and module not in NO_REFERENCE:
            assert f"::: {module}\n" in text, f"{path.name} stands on no page of docs/en/reference"
