"""Recordings that live figures are made from, in halves: one to choose thresholds on, one that only judges.

Half of the speakers of continuous speech, in the order of their names, and half of the kinds of noise: those that
were heard while recipes were chosen are for choosing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from hanmadi.data.recordings import sound_files

CHOOSING, JUDGING = "choosing", "judging"
_NOISES_FOR_CHOOSING: Final = ("clock_tick", "helicopter", "person_sneeze", "rooster", "sea_waves")


class Half(NamedTuple):
    """Folders of links to recordings, there while the context lasts."""

    speech: Path
    noise: Path


@contextmanager
def half(shared: Path, which: str) -> Iterator[Half]:
    """One half of ``continuous_speech`` and ``environment_noise`` below a folder."""
    with TemporaryDirectory() as temporary:
        found = Half(Path(temporary, "speech"), Path(temporary, "noise"))
        _link(_speech(shared / "continuous_speech", which), found.speech)
        _link(_noise(shared / "environment_noise", which), found.noise)
        yield found


def _speech(folder: Path, which: str) -> list[Path]:
    files = sound_files([folder])
    speakers = sorted({_speaker(file) for file in files})
    chosen = speakers[::2] if which == CHOOSING else speakers[1::2]
    return [file for file in files if _speaker(file) in chosen]


def _speaker(file: Path) -> str:
    return file.name.split("-")[0]


def _noise(folder: Path, which: str) -> list[Path]:
    return [f for f in sound_files([folder]) if (f.parent.name in _NOISES_FOR_CHOOSING) == (which == CHOOSING)]


def _link(files: list[Path], folder: Path) -> None:
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number:05}-{file.name}").symlink_to(file.resolve())
