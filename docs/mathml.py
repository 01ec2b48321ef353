"""Formulas of Markdown pages as MathML: ``$...$`` in the text, ``$$...$$`` on a line of their own.

A Markdown extension. Browsers draw MathML and screen readers read it, without a script.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor

_BLOCK = r"(?<!\\)\$\$(?P<latex>.+?)\$\$"
# not across code, which is "\x02...\x03" by then, and not to a dollar sign that is escaped
_INLINE = r"(?<![\\$\w])\$(?P<latex>[^\s$\x02](?:[^$\x02]*?[^\s$\\\x02])?)\$(?![\d$])"
# the converter leaves no room between a function and its argument
_FUNCTION = re.compile(
    r"(<mi>(?:sin|cos|tan|log|ln|exp|max|min|arg)</mi>|</mi><mrow><mn>\d+</mn></mrow></msub>)(?=<m[inf])"
)
# names of functions that the converter does not have
_UNKNOWN_NAMES = re.compile(r"\\(?P<name>arg|softmax|atan)(?![a-zA-Z])")
_MATHEMATICS = 185  # priority: after code (190), before escapes (180)


def to_mathml(latex: str, *, block: bool = False) -> str:
    """A formula in LaTeX as a ``<math>`` element. Raises an error of latex2mathml if it cannot be read."""
    known = _UNKNOWN_NAMES.sub(r"\\operatorname{\g<name>}", " ".join(latex.split()))
    element = convert(known, display="block" if block else "inline")
    spaced = _FUNCTION.sub(r'\1<mspace width="0.17em"/>', element)
    return spaced.replace("<math ", f'<math alttext="{_quoted(latex)}" ', 1)


def _quoted(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


class _Formula(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, *, block: bool) -> None:
        super().__init__(pattern, md)
        self._block = block

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: N802
        return self.md.htmlStash.store(to_mathml(m["latex"], block=self._block)), m.start(0), m.end(0)


class MathMLExtension(Extension):
    """Registers the two patterns."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Called by Markdown."""
        md.inlinePatterns.register(_Formula(_BLOCK, md, block=True), "math-block", _MATHEMATICS + 1)
        md.inlinePatterns.register(_Formula(_INLINE, md, block=False), "math-inline", _MATHEMATICS)


def makeExtension(**options: Any) -> MathMLExtension:  # noqa: N802
    """Called by Markdown."""
    return MathMLExtension(**options)
