"""The official archives: fetched, checked, unpacked. The only network access of the package.

A download that is cut goes on where it stopped, also in the next call. The unpacked folder appears whole or
not at all::

    FOLDER/speech_commands_v0.02.tar.gz.part   while it comes
    FOLDER/speech_commands_v0.02.tar.gz        whole and checked, deleted once unpacked
    FOLDER/speech_commands_v0.02/              the result
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.client
import re
import shutil
import ssl
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple

from hanmadi.errors import DownloadError
from hanmadi.files import locked

BASE_URL: Final = "https://storage.googleapis.com/download.tensorflow.org/data/"
TIMEOUT_S: Final = 30.0  # without a byte
MAX_FAILURES: Final = 5  # in a row, without a byte between them
MAX_MEMBERS: Final = 250_000  # v0.02 has 105,868
MAX_UNPACKED: Final = 16 * 2**30  # bytes; v0.02 has 3.8e9
MAX_RATIO: Final = 20  # unpacked to packed; sound packs to two thirds, a bomb to a thousandth
_SPARE: Final = 2**20  # bytes a tiny archive may unpack to whatever its ratio
_UNPACKED_SHARE: Final = 1.7  # unpacked to packed of v0.02, to tell beforehand what disk it needs
_BLOCK: Final = 1 << 18  # bytes
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})  # HTTP answers worth another try
_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH})  # while it goes on

Progress = Callable[[str, int, int | None], None]  # what goes on ("download", "check", "unpack"), done, total


@dataclass(frozen=True)
class Archive:
    """A published archive and how to know it."""

    name: str  # also the folder it is unpacked to
    sha256: str  # of the .tar.gz
    size: int | None  # bytes of the .tar.gz; None if not known beforehand
    licence: str = "CC BY 4.0"
    citation: str = "Pete Warden, arXiv 1804.03209"

    @property
    def file_name(self) -> str:
        """The name of the packed file at the place of publication."""
        return f"{self.name}.tar.gz"

    @property
    def url(self) -> str:
        """The address at which the archive is published."""
        return BASE_URL + self.file_name


ARCHIVES: Final = {
    archive.name: archive
    for archive in (
        Archive(
            "speech_commands_v0.01",
            "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
            None,
        ),
        Archive(
            "speech_commands_v0.02",
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            2_428_923_189,
        ),
        Archive(
            "speech_commands_test_set_v0.02",
            "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
            112_563_277,
        ),
    )
}


def get(
    archive: str | Archive,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    base_url: str = BASE_URL,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch, check and unpack an archive into ``folder/<name>`` and return that path; at once if it is there.

    ``progress(stage, done, total)`` counts bytes. ``base_url`` is a mirror; ``wait`` sleeps between tries.
    Raises DownloadError; whatever has come is kept, unless it is wrong, and the next call goes on from there.
    """
    archive, folder = find(archive), Path(folder)
    target, packed = folder / archive.name, folder / archive.file_name
    if target.is_dir() and any(target.iterdir()):
        return target
    report = progress or _nobody
    with _disk_errors(folder, archive):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder) as free, _disk_errors(folder, archive):
        if not free:
            raise DownloadError(f"{folder}: another download writes there; wait for it, or name another folder")
        if not packed.exists():
            part = packed.with_name(packed.name + ".part")
            _check_space(folder, archive, part)
            _download(archive, base_url.rstrip("/") + "/" + archive.file_name, part, report, wait)
            _check_sum(part, archive, report)
            part.replace(packed)
        else:
            _check_sum(packed, archive, report)
        unpack(packed, target, progress=report)
        packed.unlink(missing_ok=True)  # where two have fetched it
    return target


def find(archive: str | Archive) -> Archive:
    """The archive of a name. Raises DownloadError that lists the names."""
    if isinstance(archive, Archive):
        return archive
    if archive not in ARCHIVES:
        raise DownloadError(f"{archive!r}: no such archive; expected one of {', '.join(ARCHIVES)}")
    return ARCHIVES[archive]


# --- download ---------------------------------------------------------------------------------------------


class _CutError(Exception):
    """The connection failed in a way that may pass; the message says how."""


def _download(archive: Archive, url: str, part: Path, report: Progress, wait: Callable[[float], None]) -> None:
    """Bring ``part`` to its full length, over as many connections as it takes."""
    failures = 0
    while True:
        before = _size(part)
        try:
            return _connect_once(archive, url, part, report)
        except _CutError as cut:
            failures = failures + 1 if _size(part) <= before else 1
            if failures >= MAX_FAILURES:
                raise DownloadError(
                    f"{url}: failed {failures} times in a row ({cut}); {_size(part)} bytes are kept "
                    f"in {part}: check the connection and run the same command again, it goes on from there"
                ) from cut
            wait(2.0 ** (failures - 1))


def _connect_once(archive: Archive, url: str, part: Path, report: Progress) -> None:
    """One connection: append what comes. Raises _CutError if more is missing."""
    have = _size(part)
    if archive.size is not None and have > archive.size:
        part.unlink()  # cannot be a beginning of it
        have = 0
    if have and have == archive.size:
        return
    headers = {"Accept-Encoding": "identity", "User-Agent": "hanmadi"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _network_errors(url, part), urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
    ) as response:  # fmt: skip
        start, total = _offered(response, part)
        _check_total(archive, url, part, total)
        _append(response, part, start, total or archive.size, report)


def _append(response: IO[bytes], part: Path, start: int, total: int | None, report: Progress) -> None:
    done = start
    # the server may have begun at 0 though asked to go on: then so does the file
    with open(part, "ab" if start else "wb") as file:
        report("download", done, total)
        while block := response.read(_BLOCK):
            file.write(block)
            done += len(block)
            if total is not None and done > total:
                raise _CutError(f"more than the {total} bytes came that the server promised")
            report("download", done, total)
    if total is not None and done < total:
        raise _CutError(f"the connection ended after {done} of {total} bytes")


def _offered(response: http.client.HTTPResponse, part: Path) -> tuple[int, int | None]:
    """First byte that the answer brings, and the size of the whole if it tells."""
    if response.status != 206:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    told = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", told)
    if match is None or int(match[1]) != _size(part):
        part.unlink(missing_ok=True)  # the next try asks for all of it
        raise _CutError(f"asked for the rest, the server answered Content-Range {told!r}")
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _check_total(archive: Archive, url: str, part: Path, total: int | None) -> None:
    if archive.size is not None and total is not None and total != archive.size:
        part.unlink(missing_ok=True)
        raise DownloadError(
            f"{url}: expected {archive.size} bytes, the server offers {total}; it is not the published "
            "archive, nothing was kept"
        )


@contextmanager
def _network_errors(url: str, part: Path) -> Iterator[None]:
    """Turns what urllib raises into _CutError (try again) or DownloadError (final)."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            _check_answer(error, url, part)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: the server's certificate is not trusted ({error.reason})") from error
        raise _CutError(str(error.reason)) from error
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise _CutError(str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno not in _UNREACHABLE:
            raise  # of the disk
        raise _CutError(str(error)) from error


def _check_answer(error: urllib.error.HTTPError, url: str, part: Path) -> None:
    """Returns if the answer says that all is here already; else raises _CutError or DownloadError."""
    if error.code == 416:  # nothing after what is here
        if error.headers.get("Content-Range") == f"bytes */{_size(part)}":
            return
        part.unlink(missing_ok=True)
        raise _CutError("the server has less than what is here; starting again") from error
    if error.code in _PASSING:
        raise _CutError(f"HTTP {error.code} {error.reason}") from error
    raise DownloadError(f"{url}: the server answers {error.code} {error.reason}; see {BASE_URL}") from error


def _check_sum(file: Path, archive: Archive, report: Progress) -> None:
    """Raises DownloadError, and deletes the file, if it is not the published archive."""
    digest, done, total = hashlib.sha256(), 0, _size(file)
    with open(file, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report("check", done, total)
    if digest.hexdigest() != archive.sha256:
        file.unlink()
        raise DownloadError(
            f"{file.name}: expected SHA-256 {archive.sha256}, got {digest.hexdigest()} ({total} bytes); "
            "the wrong file was deleted, run the same command again to start afresh"
        )


# --- disk -------------------------------------------------------------------------------------------------


def _check_space(folder: Path, archive: Archive, part: Path) -> None:
    """Raises DownloadError before the download if the disk cannot hold it packed and unpacked."""
    if archive.size is None:
        return
    needed = archive.size - min(_size(part), archive.size) + round(_UNPACKED_SHARE * archive.size)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder}: {archive.name} needs {needed / 1e9:.1f} GB free, packed and unpacked, but "
            f"{free / 1e9:.1f} GB are; make room or choose another --out"
        )


@contextmanager
def _disk_errors(folder: Path, archive: Archive) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            size = f"about {archive.size * (1 + _UNPACKED_SHARE) / 1e9:.1f} GB" if archive.size else "more"
            raise DownloadError(
                f"{folder}: the disk is full; {archive.name} needs {size} in all. What has come is "
                "kept: make room and run the same command again"
            ) from error
        raise DownloadError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


# --- unpack -----------------------------------------------------------------------------------------------


class _Limits(NamedTuple):
    members: int
    unpacked: int  # bytes


class _Unpacked:
    """The tar stream inside a .gz, read forward only; refuses to give more than ``limit`` bytes."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream, self._limit, self._given = stream, limit, 0

    def read(self, size: int = _BLOCK) -> bytes:
        block = self._stream.read(size)
        self._given += len(block)
        if self._given > self._limit:
            raise DownloadError(f"the archive unpacks to more than {self._limit} bytes; it was not unpacked")
        return block


def unpack(packed: Path, target: Path, *, progress: Progress | None = None) -> None:
    """Unpack a .tar.gz of plain files and folders to ``target``, which appears whole or not at all.

    Raises DownloadError for a member that leads outside (absolute, ``..``), is a link or a device, or comes
    twice; for too many members, too many bytes, or too high a ratio; and for a file that is cut or broken.
    """
    size = packed.stat().st_size
    limits = _Limits(MAX_MEMBERS, min(MAX_UNPACKED, MAX_RATIO * size + _SPARE))
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        temporary.chmod(0o755)  # mkdtemp makes it private
        with open(packed, "rb") as file, _broken_archive(packed):
            report = progress or _nobody
            _unpack_stream(file, temporary, limits, lambda: report("unpack", file.tell(), size))
        if target.is_dir():
            target.rmdir()  # empty, or `get` would have returned it
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _unpack_stream(file: IO[bytes], target: Path, limits: _Limits, tick: Callable[[], None]) -> None:
    with gzip.GzipFile(fileobj=file) as stream:
        unpacked = _Unpacked(stream, limits.unpacked)
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:  # type: ignore[call-overload]
            count = 0
            while (member := tar.next()) is not None:
                tar.members.clear()  # it remembers every member: 100 MB for v0.02
                count += 1
                if count > limits.members:
                    raise DownloadError(f"the archive has over {limits.members} members; it was not unpacked")
                _unpack_member(tar, member, target)
                tick()
        while unpacked.read():  # to the end, where the checksum of the .gz is
            pass


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one member with the modes of a new file: no setuid, no owner, no time."""
    path = target.joinpath(*_safe_parts(member))
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    source = tar.extractfile(member)
    if source is None or path == target:
        raise DownloadError(f"{member.name!r}: not a plain file; the archive was not unpacked")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source, open(path, "xb") as file:
            shutil.copyfileobj(source, file, _BLOCK)
    except FileExistsError as error:
        raise DownloadError(f"{member.name!r}: stands twice in the archive; it was not unpacked") from error


def _safe_parts(member: tarfile.TarInfo) -> tuple[str, ...]:
    """Parts of its path below the target. Raises DownloadError for all but plain files and folders inside."""
    # a backslash or a drive letter is a path on Windows, and no archive here has any
    parts = PurePosixPath(member.name).parts  # drops "./"
    if member.name.startswith("/") or ".." in parts or re.search(r"[\\:\x00-\x1f]", member.name):
        raise DownloadError(f"{member.name!r}: leads outside the folder; the archive was not unpacked")
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise DownloadError(f"{member.name!r}: a link or a device; the archive was not unpacked")
    return parts


@contextmanager
def _broken_archive(packed: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise DownloadError(
            f"{packed}: cut short or broken ({error}); delete it and run the same command again"
        ) from error


def _nobody(_stage: str, _done: int, _total: int | None) -> None:
    """Progress that no one watches."""
