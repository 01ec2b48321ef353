"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import csv
import errno
import io
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hanmadi.errors import HanmadiError
from hanmadi.errors import WriteError as WriteError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder that takes the place of ``path`` when the block ends well.

    Raises WriteError when the disk is full or the folder cannot be written.
    """
    temporary = _beside(path)
    try:
        with _write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)  # unlike mkstemp, with the rights that the user's files have
            rights = temporary.stat().st_mode
            yield temporary
            temporary.chmod(rights)  # some libraries make the file anew, for its owner alone
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def replacing_folder(path: Path, *, may_replace: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
    """A temporary folder that takes the place of the folder ``path``, if there is one, when the block ends well.

    may_replace: whether a folder that is there, by then, may go; it is asked when nobody else can change the folder.
    Where another process does the same, one of the two stays, whole. Raises WriteError like `replacing`.
    """
    temporary, old = _beside(path), _beside(path)
    try:
        with _write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            yield temporary
            _swap_in(temporary, path, old, may_replace)
    finally:
        _remove(temporary)


def make_folder(path: Path) -> bool:
    """Make a folder; False if there is one already. To look and to make is one step: of two who try, one gets True.

    Raises WriteError like `replacing`, also where the name is that of a file.
    """
    with _write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir()
        except FileExistsError:
            if not path.is_dir():
                raise
            return False
        return True


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """True within the block for the one who holds the folder, False for all others; it ends with the process, too.

    Where the system cannot lock folders (Windows, some network drives) it is always True.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    with _write_errors(folder):
        opened = os.open(folder, os.O_RDONLY)
    try:
        free = True
        with suppress(OSError):  # cannot be locked at all
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                free = False
        yield free
    finally:
        os.close(opened)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all; what is no text (a path of another encoding) is escaped as JSON does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def create_text(path: Path, text: str) -> bool:
    """Write a new file of UTF-8 text, whole; False where one of that name is there, which stays as it is."""
    temporary = _beside(path)
    try:
        with _write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
            with suppress(FileExistsError):
                _create(path, temporary)
                return True
            return False
    finally:
        with suppress(OSError):
            temporary.unlink()


def _create(path: Path, whole: Path) -> None:
    """Give a file a second name, which nobody may have. Raises FileExistsError."""
    try:
        os.link(whole, path)
    except FileExistsError:
        raise
    except OSError:  # file systems of memory cards know no second names
        with open(path, "xb") as file:
            file.write(whole.read_bytes())


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180, but lines end in ``\\n``); numbers that are no whole ones with six digits."""
    text = io.StringIO()
    cells = ([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, a line a row: the first column to the left, the others, of numbers, to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, rule, *rows))


def printable(text: str) -> str:
    """A file name as text that can be written and shown: broken encodings are marked, letters composed (NFC)."""
    marked = text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    return unicodedata.normalize("NFC", marked)


def _swap_in(new: Path, path: Path, old: Path, may_replace: Callable[[Path], bool]) -> None:
    """Rename ``path`` to ``old`` and ``new`` to ``path``, remove ``old``; undone if the second cannot be done."""
    if path.is_file():
        raise FileExistsError(errno.EEXIST, "a file of that name is there")
    with suppress(FileNotFoundError):  # there was none, or another process has just taken it away
        os.replace(path, old)
    if old.is_dir() and not may_replace(old):
        os.replace(old, path)
        raise FileExistsError(errno.EEXIST, "a folder with other files has appeared there")
    try:
        os.replace(new, path)
    except OSError:
        if not path.is_dir():  # otherwise another process has put its own there meanwhile
            if old.is_dir():
                os.replace(old, path)
            raise
    _remove(old)


def _remove(folder: Path) -> None:
    """Remove a folder, as far as that can be done, if it is there."""
    import shutil  # takes its time, and most commands write no folder

    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, HanmadiError):
            raise
        raise WriteError(f"{path}: could not be written ({error.strerror or error}); nothing was changed") from error


def _beside(path: Path) -> Path:
    """A path that nobody has in the same folder; hidden, and with the suffix, by which formats are chosen."""
    return path.with_name(f".hanmadi-{os.urandom(6).hex()}{path.suffix}")
