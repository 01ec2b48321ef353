"""The one place where the command writes: results on standard output, lines for people on standard error.

What is shown may be anybody's: names of files, labels and cards of other people's models. No encoding of the terminal
ends the command, and no text moves the cursor, clears the screen or turns the line around.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

_COUNT_WIDTH: Final = 30  # of the line that counts recordings
# control characters, ends of lines of other kinds, and what turns text from right to left; "\n" parts our own lines
_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def show(text: object = "") -> None:
    """A result, which may be piped: standard output."""
    _write(sys.stdout, f"{visible(text)}\n")


def say(text: object = "") -> None:
    """A line for people: standard error, so that results can be piped."""
    _write(sys.stderr, f"{visible(text)}\n")


def draw(text: str) -> None:
    """A line for people in the place of the one that was drawn before: a meter, a count. Only for a terminal."""
    _write(sys.stderr, f"\r{one_line(text)}")


def undraw(width: int) -> None:
    """Take a drawn line of that width away."""
    _write(sys.stderr, f"\r{' ' * width}\r")


def print_json(value: Any) -> None:
    """One JSON value on a line of standard output; signs that the encoding lacks are escaped as JSON has them."""
    text = json.dumps(value, ensure_ascii=not _is_unicode(sys.stdout))
    escaped = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    _write(sys.stdout, escaped + "\n")


def visible(text: object) -> str:
    """Text of one or more lines with its control characters written out: an escape is ``\\x1b``."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def one_line(text: object) -> str:
    """The same for a value inside a line, which cannot begin a line of its own either."""
    return visible(text).replace("\n", "\\n")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first to the left, numbers to the right."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def share(value: float | None) -> str:
    """A share in percent; "-" where there is none."""
    return "-" if value is None else f"{value:.1%}"


@contextmanager
def counter(verb: str) -> Iterator[Callable[[int], None]]:
    """A count that moves on a terminal, and nothing elsewhere."""
    shown = sys.stderr.isatty()

    def count_up(count: int) -> None:
        if shown and count % 100 == 0:
            draw(f"{verb} {count}")

    try:
        yield count_up
    finally:
        if shown:
            undraw(_COUNT_WIDTH)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # a program without a window has none
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _is_unicode(stream: TextIO | None) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")
