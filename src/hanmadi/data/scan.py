"""Which files lie below a folder: sounds that are read, and everything that is passed over, so that it can be told."""

from __future__ import annotations

import os
import shlex
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from hanmadi.audio import AUDIO_SUFFIXES, UNREAD_SUFFIXES
from hanmadi.errors import DataError
from hanmadi.files import printable

# what systems and network drives put beside a person's files, in small letters
_LEFTOVERS: Final = frozenset(
    "__macosx @eadir @tmp @recycle @recently-snapshot #recycle #snapshot $recycle.bin lost+found thumbs.db ehthumbs.db "
    "desktop.ini".split()
) | {"system volume information", "network trash folder", "temporary items", "icon\r"}
_NO_SUFFIX: Final = "without a suffix"
_NAMED: Final = 3  # files that a message names


class Note(NamedTuple):
    """One sentence on what was found where recordings were looked for."""

    text: str
    matters: bool = True  # clips or splits may not be what a person expects; otherwise only worth a line in a check


@dataclass
class Scan:
    """The files below a folder, each kind in the order of paths."""

    folder: Path
    sounds: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)  # sounds of another kind, without a copy beside them that is read
    again: list[Path] = field(default_factory=list)  # links to folders that were read under another name
    closed: list[Path] = field(default_factory=list)  # folders that may not be opened, links that lead nowhere
    leftovers: Counter[str] = field(default_factory=Counter)  # of systems and network drives, by kind
    others: Counter[str] = field(default_factory=Counter)  # no sounds, by suffix

    def notes(self, *, read: Iterable[Path] = ()) -> list[Note]:
        """Sentences on what is passed over, and why. read: files that are no sounds and were read all the same."""
        notes = [Note(text) for text in (_unread(self), _closed(self)) if text]
        others = self.others - Counter(file.suffix.lower() or _NO_SUFFIX for file in read)
        for what, counts in (("of systems and network drives", self.leftovers), ("that are no sounds", others)):
            if counts:
                notes.append(Note(f"passed over {counted(counts)}: files and folders {what}", matters=False))
        if self.again:
            names = some(self.again, below=self.folder)
            notes.append(Note(f"{names}: a link to a folder that is read already, passed over", matters=False))
        return notes


def scan(folder: Path) -> Scan:
    """Look through a folder and those below it. Links are entered, each real folder once.

    Raises DataError if the folder itself cannot be read.
    """
    found, entered = Scan(folder), set[str]()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        # links last: what is read by its own name and through a link keeps its own
        place = (folders or links).popleft()
        real = os.path.realpath(place)
        if real in entered:
            found.again.append(place)
            continue
        entered.add(real)
        for entry in _entries(place, found):
            _sort_in(entry, found, folders, links)
    read = {os.path.splitext(file)[0] for file in found.sounds}
    found.unread = sorted(file for file in found.unread if os.path.splitext(file)[0] not in read)
    found.sounds.sort()
    return found


def counted(counts: Counter[str]) -> str:
    """Counts by name as text for people, such as ``27 .m4a, 1 .aac``."""
    return ", ".join(
        f"{count} {printable(kind)}" for kind, count in sorted(counts.items(), key=lambda it: (-it[1], it[0]))
    )


def some(paths: Sequence[Path], *, below: Path) -> str:
    """The first of these paths and how many there are more."""
    named = ", ".join(printable(path.relative_to(below).as_posix()) for path in paths[:_NAMED])
    return named if len(paths) <= _NAMED else f"{named} and {len(paths) - _NAMED} more"


def ffmpeg_line(folder: Path, suffixes: Iterable[str]) -> str:
    """A command for this system's shell that writes a .flac beside every file of these suffixes below a folder."""
    chosen, place = sorted(suffixes), printable(str(folder))
    if os.name == "nt":
        masks = " ".join(f"*{suffix}" for suffix in chosen)
        return f'for /r "{place}" %f in ({masks}) do ffmpeg -n -i "%f" "%~dpnf.flac"'
    tests = " -o ".join(f"-iname '*{suffix}'" for suffix in chosen)
    convert = """sh -c 'ffmpeg -nostdin -n -v error -i "$1" -vn "${1%.*}.flac"' - {}"""
    return f"find -L {shlex.quote(place)} \\( {tests} \\) -exec {convert} \\;"


def _unread(found: Scan) -> str:
    if not found.unread:
        return ""
    kinds = Counter(file.suffix.lower() for file in found.unread)
    are = "sound file is" if len(found.unread) == 1 else "sound files are"
    return (
        f"{found.folder}: {len(found.unread)} {are} left out, for such a file is not read ({counted(kinds)}; "
        f"{some(found.unread, below=found.folder)}); convert with: {ffmpeg_line(found.folder, kinds)}"
    )


def _closed(found: Scan) -> str:
    if not found.closed:
        return ""
    names = some(found.closed, below=found.folder)
    return f"{found.folder}: {names} cannot be opened and is left out; see to its rights, or where it links to"


def _entries(place: Path, found: Scan) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if place == found.folder:
            raise DataError(f"{place}: not a folder that can be read ({error.strerror})") from error
        found.closed.append(place)
        return []


def _sort_in(entry: os.DirEntry[str], found: Scan, folders: deque[Path], links: deque[Path]) -> None:
    path, suffix = Path(entry.path), os.path.splitext(entry.name)[1].lower()
    if leftover := _leftover(entry.name):
        found.leftovers[leftover] += 1
    elif _is_folder(entry) and suffix not in AUDIO_SUFFIXES:
        (links if entry.is_symlink() else folders).append(path)
    elif suffix in AUDIO_SUFFIXES:  # a link to nothing too, and a folder of such a name: they are told as broken
        found.sounds.append(path)
    elif suffix in UNREAD_SUFFIXES:
        found.unread.append(path)
    elif entry.is_symlink() and not path.exists():
        found.closed.append(path)
    else:
        found.others[suffix or _NO_SUFFIX] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _leftover(name: str) -> str | None:
    """What is hidden, or put there by a system, by its kind."""
    if name.startswith("._"):  # a Mac's second file for each, of the same suffix
        return "._*"
    return name if name.startswith(".") or name.casefold() in _LEFTOVERS else None
