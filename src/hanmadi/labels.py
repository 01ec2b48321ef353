"""The ordered label set, and what ``unknown`` and ``silence`` mean.

A *word* is what a recording says. A *label* is what the recogniser answers: a keyword, ``unknown`` (every
other word) or ``silence`` (no word at all).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hanmadi.errors import LabelError

UNKNOWN: Final = "unknown"
SILENCE: Final = "silence"
COURSE_KEYWORDS: Final = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
COURSE_LABELS: Final = (*COURSE_KEYWORDS, UNKNOWN, SILENCE)  # in the course's order
MAX_CHARACTERS: Final = 64  # of a label
MAX_LABELS: Final = 1_000
# control characters, halves of surrogate pairs, and what ends a line
_UNPRINTABLE: Final = ("Cc", "Cs", "Zl", "Zp")
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # text around it right to left
_UNSEEN: Final = dict.fromkeys(
    map(ord, "\u00ad\u200b\u2060\ufeff")
)  # soft hyphen, spaces without width, byte order mark
# the official archives write the two that are not words with underscores
_ALIASES: Final = {f"{before}{word}{before}": word for word in (UNKNOWN, SILENCE) for before in ("", "_")}


@dataclass(frozen=True)
class LabelSet:
    """Ordered labels; a label's position is its index in scores and confusion matrices.

    Checked on construction, as a model file may come from anybody: labels become names of files, C, HTML and lines on
    a terminal. Raises LabelError.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.labels) <= MAX_LABELS:
            least = "at least two labels to tell apart" if len(self.labels) < 2 else f"at most {MAX_LABELS} labels"
            raise LabelError(f"expected {least}, got {len(self.labels)}")
        for label in self.labels:
            check_label(label)
        first: dict[str, int] = {}
        for index, label in enumerate(self.labels):
            same = first.setdefault(word_key(label), index)
            if same != index:
                raise LabelError(f"expected each label once, got {self.labels[same]!r} and {label!r}: more than once")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The labels that are words to be detected: all but ``unknown`` and ``silence``."""
        return tuple(label for label in self.labels if label not in (UNKNOWN, SILENCE))

    def index_of(self, word: str) -> int | None:
        """Index of the label for a recorded word; None if the set has no place for it."""
        key, keys = word_key(word), [word_key(label) for label in self.labels]
        if key in keys:
            return keys.index(key)
        if key != SILENCE and UNKNOWN in self.labels:
            return self.labels.index(UNKNOWN)
        return None


def check_label(label: object) -> str:
    """A label that can be shown, written and used in the name of a file, as it came. Raises LabelError for another."""
    if not isinstance(label, str):
        raise LabelError(f"expected labels of text, got {label!r:.80}")
    if not normal_word(label):
        raise LabelError("expected labels with a name, got an empty one")
    if len(label) > MAX_CHARACTERS:
        raise LabelError(
            f"expected labels of at most {MAX_CHARACTERS} characters, got {label[:20]!r}... of {len(label)}"
        )
    odd = [sign for sign in label if unicodedata.category(sign) in _UNPRINTABLE or sign in _TURNING]
    if odd or set(label) & set("/\\") or ".." in label or label.strip() == ".":
        raise LabelError(f"expected labels without control characters, '/', '\\' or '..', got {label!r}; rename it")
    return label


def normal_word(word: str) -> str:
    """A word as labels write it: composed, spaces single and none around it, ``_silence_`` as ``silence``.

    Signs that nobody sees are left out.
    """
    # a Mac may write 예 as ㅇ + ㅖ where a keyboard types one sign: the same word to a person
    word = " ".join(unicodedata.normalize("NFC", word).translate(_UNSEEN).split())
    return _ALIASES.get(word.casefold(), word)


def word_key(word: str) -> str:
    """What all spellings of a word have in common: capitals, Unicode form, width and spaces do not tell words apart."""
    return unicodedata.normalize("NFKC", normal_word(unicodedata.normalize("NFKC", word)).casefold())


def make_labels(words: Iterable[str] | None = None) -> LabelSet:
    """Labels for keywords: the words in their order, then ``unknown`` and ``silence``.

    Without words, the course's twelve. Raises LabelError for empty or doubled words, or none at all.
    """
    if words is None:
        return LabelSet(COURSE_LABELS)
    if isinstance(words, str):
        raise LabelError(f'expected words as a list, got the one string {words!r}; write ["{words}"]')
    named = tuple(normal_word(check_label(word)) for word in words)
    keywords = tuple(word for word in named if word not in (UNKNOWN, SILENCE))
    if not keywords:
        raise LabelError("expected at least one word to recognise, got none; try --words yes,no")
    return LabelSet((*keywords, UNKNOWN, SILENCE))
