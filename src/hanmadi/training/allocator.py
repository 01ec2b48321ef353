"""Freed memory is kept while a training needs the same blocks again and again."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# of mallopt(3): blocks above the first size are mapped from the system, and more than the second is given back to it
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT: Final = 1 << 30
# where glibc's own adjustment of the two ends; in a program that has trained it would have come so far
_MAPPED_ABOVE, _TRIMMED_ABOVE = 32 << 20, 64 << 20


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Have the C library keep large blocks that were freed, for the next step needs the same ones again.

    glibc would give them back and have each page cleared anew: 40 % of a step of `small`. At the end they are given
    back. Other C libraries are left alone.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _set_thresholds(library, mapped_above=_LARGEST_KEPT, trimmed_above=_LARGEST_KEPT)
    try:
        yield
    finally:
        _set_thresholds(library, mapped_above=_MAPPED_ABOVE, trimmed_above=_TRIMMED_ABOVE)
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _set_thresholds(library: ctypes.CDLL, *, mapped_above: int, trimmed_above: int) -> None:
    library.mallopt(_M_MMAP_THRESHOLD, mapped_above)
    library.mallopt(_M_TRIM_THRESHOLD, trimmed_above)
