"""The official archives, against a server on this machine that can misbehave in every way."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hanmadi.data.sources import download as archives
from hanmadi.data.sources.download import ARCHIVES, Archive, find, get, unpack
from hanmadi.errors import DownloadError
from hanmadi.files import locked


def tar_gz(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def incompressible(size: int) -> bytes:
    return b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(size // 32))


# as the real ones are: every name begins with "./"
GOOD = tar_gz(
    [
        (entry("./", tarfile.DIRTYPE), b""),
        (entry("./yes", tarfile.DIRTYPE), b""),
        (entry("./yes/0a_nohash_0.wav", mode=0o4755), incompressible(300_000)),
        (entry("./._.DS_Store"), b"x"),
        (entry("./LICENSE"), b"CC BY 4.0"),
    ]
)


@dataclass
class Server:
    """What it does with each request in turn; afterwards it serves `content` as a good server does."""

    content: bytes = GOOD
    misbehave: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.ranges.append(request.headers.get("Range"))
        if self.misbehave:
            self.misbehave.pop(0)(request)
        else:
            self.serve(request)

    def serve(self, request: BaseHTTPRequestHandler, *, stop_after: int | None = None) -> None:
        asked, size = request.headers.get("Range"), len(self.content)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= size:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{size}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if asked else 200)
        if asked:
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        request.send_header("Content-Length", str(size - start))
        request.end_headers()
        request.wfile.write(self.content[start:][:stop_after])

    def cut_after(self, count: int) -> Callable[[BaseHTTPRequestHandler], None]:
        return lambda request: self.serve(request, stop_after=count)


def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda request: request.send_error(code)


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{httpd.server_port}/"
        yield state
        httpd.shutdown()
        thread.join()


def describe(content: bytes, *, size: int | None = -1) -> Archive:
    return Archive("words", hashlib.sha256(content).hexdigest(), len(content) if size == -1 else size)


def fetch(server: Server, folder: Path, archive: Archive | None = None, **options: object) -> Path:
    waits = options.pop("waits", [])
    return get(
        archive or describe(GOOD), folder, base_url=server.url, wait=waits.append, **options  # type: ignore
    )  # fmt: skip


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def is_good(result: Path, folder: Path) -> None:
    assert result == folder / "words"
    assert (result / "yes/0a_nohash_0.wav").read_bytes() == incompressible(300_000)
    assert (result / "LICENSE").read_text() == "CC BY 4.0"
    assert names_in(folder) == {"words"}  # nothing else is left


def test_it_fetches_checks_and_unpacks(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    folder = tmp_path / "a" / "b"
    result = fetch(server, folder, progress=lambda *step: seen.append(step))
    is_good(result, folder)
    assert (result / "yes/0a_nohash_0.wav").stat().st_mode & 0o7000 == 0  # no setuid
    assert ("download", len(GOOD), len(GOOD)) in seen
    assert list(dict.fromkeys(step[0] for step in seen)) == ["download", "check", "unpack"]


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    is_good(fetch(server, tmp_path), tmp_path)
    assert len(server.ranges) == 1


def test_a_cut_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.misbehave = [server.cut_after(100_000), server.cut_after(50_000)]
    is_good(fetch(server, tmp_path), tmp_path)
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_progress_forgives_earlier_failures(server: Server, tmp_path: Path) -> None:
    waits: list[float] = []
    server.misbehave = [server.cut_after(1_000) for _ in range(12)]
    is_good(fetch(server, tmp_path, waits=waits), tmp_path)
    assert set(waits) == {1.0}  # each brought something: no growing delay, no giving up


def test_the_next_call_resumes(server: Server, tmp_path: Path) -> None:
    server.misbehave = [server.cut_after(100_000), *[hang_up] * 4]
    with pytest.raises(DownloadError, match=r"100000 bytes are kept in .*\.part.*run the same command again"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == {"words.tar.gz.part"}
    is_good(fetch(server, tmp_path), tmp_path)
    assert server.ranges[-1] == "bytes=100000-"


def test_interrupting_keeps_the_part(server: Server, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int | None) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, progress=interrupt)
    assert (tmp_path / "words.tar.gz.part").stat().st_size > 0
    is_good(fetch(server, tmp_path), tmp_path)
    assert server.ranges[1] is not None


def test_a_server_that_ignores_range_starts_again(server: Server, tmp_path: Path) -> None:
    def whole(request: BaseHTTPRequestHandler) -> None:
        del request.headers["Range"]
        server.serve(request)

    server.misbehave = [server.cut_after(100_000), whole]
    is_good(fetch(server, tmp_path), tmp_path)


def test_a_wrong_content_range_starts_again(server: Server, tmp_path: Path) -> None:
    def wrong(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206)
        request.send_header("Content-Range", "bytes 7-9/10")
        request.end_headers()
        request.wfile.write(b"???")

    server.misbehave = [server.cut_after(100_000), wrong]
    is_good(fetch(server, tmp_path), tmp_path)
    assert server.ranges == [None, "bytes=100000-", None]


@pytest.mark.parametrize("size", [-1, None], ids=["size known", "size unknown"])
def test_a_part_that_is_whole_is_not_fetched_again(server: Server, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(GOOD)
    is_good(fetch(server, tmp_path, describe(GOOD, size=size)), tmp_path)
    assert server.ranges == ([] if size == -1 else [f"bytes={len(GOOD)}-"])


@pytest.mark.parametrize("size", [-1, None], ids=["size known", "size unknown"])
def test_a_part_that_is_too_long_starts_again(server: Server, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(GOOD + b"more")
    is_good(fetch(server, tmp_path, describe(GOOD, size=size)), tmp_path)
    assert server.ranges[-1] is None


@pytest.mark.parametrize("code", [500, 503, 429])
def test_passing_server_errors_are_tried_again_with_longer_waits(server: Server, tmp_path: Path, code: int) -> None:
    waits: list[float] = []
    server.misbehave = [status(code)] * 3
    is_good(fetch(server, tmp_path, waits=waits), tmp_path)
    assert waits == [1.0, 2.0, 4.0]


def test_it_gives_up_on_a_server_that_stays_broken(server: Server, tmp_path: Path) -> None:
    server.misbehave = [status(500)] * 99
    with pytest.raises(DownloadError, match=r"5 times in a row .HTTP 500"):
        fetch(server, tmp_path)
    assert len(server.ranges) == 5


@pytest.mark.parametrize("code", [403, 404])
def test_final_server_errors_are_not_tried_again(server: Server, tmp_path: Path, code: int) -> None:
    server.misbehave = [status(code)]
    with pytest.raises(DownloadError, match=f"answers {code}"):
        fetch(server, tmp_path)
    assert len(server.ranges) == 1


def test_a_silent_server_is_left(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(archives, "TIMEOUT_S", 0.2)
    server.misbehave = [lambda _: bool(go_on.wait(10)) or None]
    is_good(fetch(server, tmp_path), tmp_path)
    go_on.set()


def test_no_server_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match="refused"):
        fetch(Server(url="http://127.0.0.1:9/"), tmp_path)


def test_wrong_bytes_are_deleted_and_the_next_try_starts_afresh(server: Server, tmp_path: Path) -> None:
    server.content = GOOD[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"expected SHA-256 .* deleted"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == set()
    server.content = GOOD
    is_good(fetch(server, tmp_path), tmp_path)


def test_a_wrong_size_is_refused_before_the_download(server: Server, tmp_path: Path) -> None:
    server.content = GOOD + b"more"
    with pytest.raises(DownloadError, match=rf"expected {len(GOOD)} bytes, the server offers {len(GOOD) + 4}"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == set()


def test_a_packed_file_brought_by_hand_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz").write_bytes(GOOD)
    is_good(fetch(server, tmp_path), tmp_path)
    assert server.ranges == []


def test_too_small_a_disk_is_told_beforehand(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=3_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"needs 6\.6 GB free, .* but 3\.0 GB are"):
        get("speech_commands_v0.02", tmp_path, base_url=server.url)
    assert server.ranges == []


def test_a_disk_that_fills_up_keeps_the_part(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(stage: str, done: int, total: int | None) -> None:
        if stage == "download" and done > 0:
            full()

    with pytest.raises(DownloadError, match=r"disk is full.*kept"):
        fetch(server, tmp_path, progress=fill)
    assert (tmp_path / "words.tar.gz.part").stat().st_size > 0
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(DownloadError, match="disk is full"):
            fetch(server, tmp_path)
    assert names_in(tmp_path) == {"words.tar.gz"}  # whole and checked; nothing half unpacked
    is_good(fetch(server, tmp_path), tmp_path)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(server, tmp_path / "file")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(DownloadError, match=r"'v3'.*speech_commands_v0\.01.*speech_commands_test_set_v0\.02"):
        find("v3")


def test_the_registry_is_what_is_published() -> None:
    assert {name: (a.size, a.sha256[:8]) for name, a in ARCHIVES.items()} == {
        "speech_commands_v0.01": (None, "74393542"),
        "speech_commands_v0.02": (2_428_923_189, "af14739e"),
        "speech_commands_test_set_v0.02": (112_563_277, "cc2a00c1"),
    }
    for name, archive in ARCHIVES.items():
        assert archive.url.endswith(f"/download.tensorflow.org/data/{name}.tar.gz")
        assert len(archive.sha256) == 64
        assert archive.licence == "CC BY 4.0"


# --- unpack -----------------------------------------------------------------------------------------------


def refused(tmp_path: Path, packed: bytes, why: str) -> None:
    """Unpacking fails for that reason and leaves nothing, inside or outside the folder."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.tar.gz").write_bytes(packed)
    with pytest.raises(DownloadError, match=why):
        unpack(inner / "a.tar.gz", inner / "words")
    assert names_in(inner) == {"a.tar.gz"}
    assert names_in(tmp_path) == {"inner"}


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "yes/../../x", "./../x", "yes\\..\\..\\x", "C:x", "a\nb", "..", "//x"]
)
def test_members_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, tar_gz([(entry("ok.wav"), b"1"), (entry(name), b"2")]), "leads outside")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    refused(tmp_path, tar_gz([(entry("yes/a", kind, linkname="../../etc"), b"")]), "a link or a device")


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tar_gz([(entry("a"), b"1"), (entry("./a"), b"2")]), "twice")


def test_a_file_named_as_the_folder_itself_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tar_gz([(entry("."), b"1")]), "not a plain file")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tar_gz([(entry("a"), bytes(30_000_000))]), "unpacks to more than")


def test_a_bomb_in_a_header_is_refused(tmp_path: Path) -> None:
    huge = entry("a", pax_headers={"comment": "0" * 20_000_000})
    refused(tmp_path, tar_gz([(huge, b"1")]), "unpacks to more than")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    refused(tmp_path, tar_gz([(entry(f"{i}"), b"1") for i in range(4)]), "over 3 members")


@pytest.mark.parametrize("keep", [0, 5, 1_000, len(GOOD) // 2, len(GOOD) - 4])
def test_a_cut_archive_is_refused(tmp_path: Path, keep: int) -> None:
    refused(tmp_path, GOOD[:keep], "cut short or broken")


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    packed = bytearray(GOOD)
    packed[-5] ^= 0xFF  # in the length that gzip notes at the end
    refused(tmp_path, bytes(packed), "cut short or broken")


def test_what_is_not_a_tar_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(b"<html>sign in to the hotel network</html>"), "cut short or broken")


def test_two_downloads_into_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DownloadError, match="another download"):
        get("speech_commands_test_set_v0.02", tmp_path, base_url="http://127.0.0.1:9/")
    assert not list(tmp_path.iterdir())
