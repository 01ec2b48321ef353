"""Freed memory is kept while a training goes on, and given back at its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hanmadi.training import allocator
from hanmadi.training.allocator import keeping_freed_memory

CODE = """
import numpy as np
from hanmadi.training.allocator import keeping_freed_memory

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

def use():
    block = np.ones(25_000_000, np.float64)

use()
with keeping_freed_memory():
    before = resident_mb()
    use()
    kept = resident_mb() - before
after = resident_mb() - before
use()
print(round(kept), round(after), round(resident_mb() - before))
"""


@pytest.mark.skipif(allocator._glibc() is None, reason="another C library")
def test_memory_is_kept_within_and_given_back_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=120)
    kept, after, again = map(int, done.stdout.split())
    assert kept > 180
    assert after < 20
    assert again < 20, "afterwards large blocks go back at once, as before"


def test_an_error_ends_it_too_and_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    class Library:
        def mallopt(self, option: int, value: int) -> None:
            calls.append((option, value))

        def malloc_trim(self, pad: int) -> None:
            calls.append((pad,))

    monkeypatch.setattr(allocator, "_glibc", Library)
    with pytest.raises(KeyboardInterrupt), keeping_freed_memory():
        raise KeyboardInterrupt
    assert calls == [(-3, 1 << 30), (-1, 1 << 30), (-3, 32 << 20), (-1, 64 << 20), (0,)]
    monkeypatch.setattr(allocator, "_glibc", lambda: None)
    with keeping_freed_memory():
        pass
    assert len(calls) == 5
