"""One spelling for each word of a source: ``Yes`` and ``yes``, 예 in one sign or in two, are one word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hanmadi.data.scan import Note
from hanmadi.labels import word_key


class Spellings:
    """The words of all clips of a source, by how often each is written how."""

    def __init__(self, words: Iterable[str]) -> None:
        self._counts: dict[str, Counter[str]] = {}
        for word, count in Counter(words).items():
            self._counts.setdefault(word_key(word), Counter())[word] += count
        # small letters where two are as frequent: they sort after capitals
        self._chosen = {key: max((n, word) for word, n in found.items())[1] for key, found in self._counts.items()}

    def of(self, word: str) -> str:
        """The most frequent spelling of a word."""
        return self._chosen[word_key(word)]

    def notes(self, source: str) -> list[Note]:
        """Which words are written in several ways."""
        found = []
        for key, counts in self._counts.items():
            if len(counts) > 1:
                ways = " and ".join(f"{word!r} ({count} clips)" for word, count in sorted(counts.items()))
                found.append(Note(f"{source}: {ways} are taken for one word, {self._chosen[key]!r}"))
        return found
