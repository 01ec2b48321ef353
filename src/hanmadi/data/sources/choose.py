"""The source that a person means by ``--data``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.sources.npz import NpzSource
from hanmadi.data.sources.synth import SynthSource
from hanmadi.data.store import Source
from hanmadi.errors import DataError
from hanmadi.labels import make_labels


def open_source(data: str | os.PathLike[str] | None = None, *, words: Iterable[str] | None = None) -> Source:
    """A folder of words, an ``.npz`` as the course has it, or, without ``data``, synthetic speech of ``words``.

    ``words`` are those that a model knows or a training asks for. Raises DataError for anything else.
    """
    words = None if words is None else tuple(words)
    if data is None:
        return SynthSource(words=make_labels(words).keywords)
    path = Path(data)
    if path.is_dir():
        return FolderSource(path, words or ())
    if path.suffix.lower() == ".npz" and path.is_file():
        return NpzSource(path)
    found = "nothing is there" if not path.exists() else "found a file of another kind"
    raise DataError(f"{path}: expected a folder <word>/*.wav or a course .npz, but {found}; see: hanmadi data --help")
