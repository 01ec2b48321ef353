"""Examples in docstrings (``>>> ...``) as code: Markdown alone takes them for quotations. A Markdown extension."""

from __future__ import annotations

from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

_BEFORE_FENCES = 40  # superfences, which reads the fences that are made here, has 25
_MARK = "# doctest: +SKIP"


class _Examples(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        made: list[str] = []
        inside = False
        for line in lines:
            if inside and not line.strip():
                made.append("```")
                inside = False
            elif not inside and line.startswith(">>> "):
                made.append("```pycon")
                inside = True
            made.append(line.replace(_MARK, "").rstrip() if inside else line)
        return [*made, "```"] if inside else made


class DoctestExtension(Extension):
    """Registers the preprocessor."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Called by Markdown."""
        md.preprocessors.register(_Examples(md), "doctest-examples", _BEFORE_FENCES)


def makeExtension(**options: Any) -> DoctestExtension:  # noqa: N802
    """Called by Markdown."""
    return DoctestExtension(**options)
