"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hanmadi.errors import HanmadiError, WriteError
from hanmadi.files import (
    create_text,
    csv_text,
    markdown_table,
    replacing,
    replacing_folder,
    write_bytes,
    write_text,
)  # fmt: skip

FULL = OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "a.txt"
    write_text(path, "안녕\n")
    assert path.read_bytes() == "안녕\n".encode()
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_rights_are_those_of_any_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "x")
        with replacing_folder(tmp_path / "b"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o777 & ~mask


def fail_in_the_middle(path: Path, error: BaseException, *, folder: bool = False) -> None:
    """Write half of a file, or half of the files of a folder, then fail."""
    with (replacing_folder if folder else replacing)(path) as temporary:
        (temporary / "half" if folder else temporary).write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(type(error)):
        fail_in_the_middle(tmp_path / "a.txt", error)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(WriteError, match=r"a\.txt: could not be written \(No space left on device\)"):
        fail_in_the_middle(tmp_path / "a.txt", FULL)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]
    assert issubclass(WriteError, HanmadiError)
    assert issubclass(WriteError, OSError)


def test_own_errors_pass_unchanged(tmp_path: Path) -> None:
    own = WriteError("own words")
    with pytest.raises(WriteError, match=r"^own words$"):
        fail_in_the_middle(tmp_path / "a.txt", own)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "full").mkdir(parents=True)
    for path in (tmp_path / "file" / "a.txt", tmp_path / "folder", Path("/proc/nobody/a.txt")):
        with pytest.raises(WriteError, match="could not be written"):
            write_text(path, "x")
    with pytest.raises(WriteError, match="a file of that name"), replacing_folder(tmp_path / "file"):
        pass
    assert names(tmp_path) == ["file", "folder"]


def test_long_names_leave_room_for_the_temporary_one(tmp_path: Path) -> None:
    write_text(tmp_path / ("n" * 250 + ".txt"), "x")
    assert len(names(tmp_path)) == 1


def test_the_temporary_file_keeps_the_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.onnx") as temporary:
        assert temporary.suffix == ".onnx"
        assert temporary.parent == tmp_path


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for content in ("first", "second"):
        with replacing_folder(tmp_path / "store") as building:
            (building / content).touch()
        assert names(tmp_path) == ["store"]
        assert names(tmp_path / "store") == [content]


def test_a_failure_in_the_middle_leaves_the_old_folder(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "store") as building:
        (building / "old").touch()
    with pytest.raises(WriteError, match="No space left"):
        fail_in_the_middle(tmp_path / "store", FULL, folder=True)
    assert names(tmp_path) == ["store"]
    assert names(tmp_path / "store") == ["old"]


def test_another_process_that_was_faster_is_as_good(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "store") as building:
        (building / "mine").touch()
        with replacing_folder(tmp_path / "store") as other:
            (other / "theirs").touch()
    assert names(tmp_path) == ["store"]
    assert names(tmp_path / "store") == ["mine"]


@pytest.mark.parametrize("theirs", [True, False])
def test_a_swap_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: bool) -> None:
    """Between the two renames another process puts its own there, or the second rename fails for good."""
    path = tmp_path / "store"
    path.mkdir()
    (path / "old").touch()
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if target == path and source.name.startswith(".") and (source / "mine").exists():
            if theirs:
                path.mkdir()
                (path / "theirs").touch()
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)

    def build() -> None:
        with replacing_folder(path) as building:
            (building / "mine").touch()

    if theirs:
        build()
    else:
        with pytest.raises(WriteError, match="Input/output"):
            build()
    assert names(tmp_path) == ["store"]
    assert names(path) == (["theirs"] if theirs else ["old"])


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """Whether a name is free is asked when it is taken, not when the work begins."""
    path = tmp_path / "export"

    def export(meanwhile: Callable[[], None]) -> None:
        with replacing_folder(path, may_replace=lambda there: not any(there.iterdir())) as building:
            (building / "ours").touch()
            meanwhile()

    def somebody() -> None:
        path.mkdir()
        (path / "theirs").touch()

    with pytest.raises(WriteError, match="other files has appeared"):
        export(somebody)
    assert [file.name for file in path.iterdir()] == ["theirs"]
    assert [file.name for file in tmp_path.iterdir()] == ["export"], "nothing else is left"
    (path / "theirs").unlink()
    export(lambda: None)
    assert [file.name for file in path.iterdir()] == ["ours"]


def test_a_new_file_is_written_by_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.txt"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: create_text(path, "abcdefghijklmnop"[i] * 10_000), range(16)))
    assert found.count(True) == 1
    assert path.read_text() == "abcdefghijklmnop"[found.index(True)] * 10_000
    assert [file.name for file in path.parent.iterdir()] == ["new.txt"]


def test_where_files_have_one_name_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(1, "no links on this memory card")

    monkeypatch.setattr(os, "link", unsupported)
    assert create_text(tmp_path / "new.txt", "한마디")
    assert not create_text(tmp_path / "new.txt", "other")
    assert (tmp_path / "new.txt").read_text(encoding="utf-8") == "한마디"


def test_a_name_that_is_no_text_can_be_written_and_read_again(tmp_path: Path) -> None:
    """Paths of other encodings come as halves of surrogate pairs, and settings hold paths."""
    name = os.fsdecode(b"caf\xe9")
    write_text(tmp_path / "settings.json", json.dumps({"data": name}, ensure_ascii=False))
    assert json.loads((tmp_path / "settings.json").read_text(encoding="utf-8")) == {"data": name}


def test_a_table_as_csv_and_as_markdown() -> None:
    assert csv_text([("word", "score"), ("yes, no", 2 / 3), ("", None), ("n", 1234567)]) == (
        'word,score\n"yes, no",0.666667\n,\nn,1234567\n'
    )
    assert markdown_table(("word", "n"), [["yes", "3"]]) == "| word | n |\n| --- | ---: |\n| yes | 3 |\n"
