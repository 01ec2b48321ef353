"""Clips: what a source gives, and the store from which training and evaluation read them.

A store is a folder whose samples are one memory-mapped file of 16-bit numbers, so that memory stays flat
at any number of clips::

    STORE/
      samples.i16    (clips, clip_samples) little-endian int16
      noise.i16      all noise recordings one after the other
      columns.npz    one array per column: word, speaker, split, name offsets
      names.txt      one name per clip
      store.json     format, sample rate, clip length, vocabularies, what was broken
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from hanmadi.audio import Sound


@dataclass(frozen=True)
class Recording:
    """One recording of a source, not yet read."""

    name: str  # what a person calls it: the path below the source, or an id
    word: str  # what is said in it
    load: Callable[[], Sound]  # raises AudioError if it cannot be read
    speaker: str | None = None  # who says it; None if the source does not tell
    split: str | None = None  # "train", "validation" or "test" if the source says so


class Source(Protocol):
    """An origin of recordings."""

    @property
    def name(self) -> str:
        """What a person calls it: a path, or "synth"."""

    @property
    def licence(self) -> str | None:
        """Licence of the recordings if it is known."""

    def fingerprint(self) -> str:
        """Changes when the recordings change."""

    def recordings(self) -> Iterator[Recording]:
        """Every recording of a word, in a fixed order."""

    def noises(self) -> Iterator[Recording]:
        """Long recordings of noise without words; may be none."""
