"""The clip store: what is written is read again, memory stays flat, and a failure leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MakeWordsFolder

from hanmadi import audio
from hanmadi.audio import Sound
from hanmadi.data import store as clips
from hanmadi.data.scan import Note
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.store import NO_SPEAKER, NO_SPLIT, ClipStore, Recording, build_store, cached_store, open_store
from hanmadi.errors import AudioError, DataError


@dataclass
class FakeSource:
    """Recordings from a list."""

    found: list[Recording]
    noise: list[Recording] = field(default_factory=list)
    name: str = "fake"
    licence: str | None = "CC0"
    print: str = "1"

    def fingerprint(self) -> str:
        return self.print

    def recordings(self) -> Iterator[Recording]:
        yield from self.found

    def noises(self) -> Iterator[Recording]:
        yield from self.noise

    def notes(self) -> tuple[Note, ...]:
        return ()


def constant(value: float, seconds: float = 1.0, rate: int = 16_000) -> Sound:
    return Sound(np.full(round(seconds * rate), value, np.float32), rate)


def raising() -> Sound:
    raise AudioError("it is broken")


FAKE = FakeSource(
    [
        Recording("a", "yes", lambda: constant(0.25), speaker="ann", split="train"),
        Recording("b\nline", "no", lambda: constant(0.5, rate=8_000), speaker="bob", split="test"),
        Recording("c", "yes", raising),
        Recording("d", "예", lambda: constant(0.125, 0.5)),
        Recording("e", "yes", lambda: constant(0.1, 61.0)),
    ],
    [Recording("n1", "noise", lambda: constant(0.5, 2.0, 8_000)), Recording("n2", "noise", raising)],
)


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    counted: list[int] = []
    store = build_store(FAKE, tmp_path / "s", sample_rate=16_000, progress=counted.append)
    assert counted == [1, 2, 3]
    assert len(store) == 3
    assert (store.sample_rate, store.clip_samples, store.seconds) == (16_000, 16_000, 1.0)
    assert (store.words, store.word.tolist()) == (("yes", "no", "예"), [0, 1, 2])
    assert (store.speakers, store.speaker.tolist()) == (("ann", "bob"), [0, 1, NO_SPEAKER])
    assert store.split.tolist() == [0, 2, NO_SPLIT]
    assert [store.name(row) for row in range(3)] == ["a", "b line", "d"]
    assert [broken.name for broken in store.broken] == ["c", "e", "n2"]
    assert store.broken[1].reason == "61 s long, expected one word in 60 s or less"
    assert store.licence == "CC0"
    assert store.clip(0) == pytest.approx(np.full(16_000, 0.25), abs=1e-4)
    assert store.clip(1)[4_000:12_000] == pytest.approx(np.full(8_000, 0.5), abs=1e-2)
    assert not store.clip(2)[:3_900].any()
    assert store.noise_names == ("n1",)
    assert store.noise(0).shape == (32_000,)
    assert left_behind(tmp_path) == ["s"]


def test_a_copy_of_the_recordings_is_known_again_and_others_are_not(tmp_path: Path) -> None:
    def fingerprint(name: str, found: list[Recording]) -> str:
        return build_store(FakeSource(found, name=name, print=name), tmp_path / name, sample_rate=16_000).fingerprint

    first = fingerprint("first", FAKE.found)
    assert fingerprint("copy", FAKE.found) == first
    louder = [Recording("a", "yes", lambda: constant(0.26), speaker="ann", split="train"), *FAKE.found[1:]]
    moved = [Recording("a", "yes", lambda: constant(0.25), speaker="ann", split="test"), *FAKE.found[1:]]
    renamed = [Recording("z", "yes", lambda: constant(0.25), speaker="ann", split="train"), *FAKE.found[1:]]
    other = [replace(FAKE.found[0], word="no"), replace(FAKE.found[1], word="yes"), *FAKE.found[2:]]
    swapped = [replace(FAKE.found[0], speaker="bob"), replace(FAKE.found[1], speaker="ann"), *FAKE.found[2:]]
    same = [replace(FAKE.found[0], speaker="ann"), replace(FAKE.found[1], speaker="ann"), *FAKE.found[2:]]
    found = (louder, moved, renamed, other, swapped, same)
    others = {fingerprint(f"other{i}", recordings) for i, recordings in enumerate(found)}
    assert len(others | {first}) == 7


def test_a_run_of_before_knows_its_recordings_again(tmp_path: Path) -> None:
    """Fingerprints of format 1 were without words and speakers; cards and settings remember them."""
    plain = [
        Recording("a", "yes", lambda: constant(0.25), speaker="ann", split="train"),
        Recording("b", "no", lambda: constant(0.5), speaker="ann", split="test"),
    ]
    store = build_store(FakeSource(plain), tmp_path / "s", sample_rate=16_000)
    assert store.former_fingerprint == "07b23d4718c5808f428e69a0", "as version 1 of the format wrote it"
    assert store.has_fingerprint(store.former_fingerprint)
    assert store.has_fingerprint(store.fingerprint)
    assert not store.has_fingerprint(None)


def test_samples_are_copies_of_the_rows_asked_for(store: ClipStore) -> None:
    rows = np.array([5, 0, 5])
    taken = store.samples(rows)
    assert taken.dtype == np.int16
    assert np.array_equal(taken[0], taken[2])
    taken[:] = 0
    assert store.samples(rows).any()
    assert np.array_equal(store.samples(slice(2, 4))[1], store.samples(np.array([3]))[0])


def test_pages_are_given_back(store: ClipStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a training's resident memory grows to the size of the data."""
    monkeypatch.setattr(clips, "_RELEASE_BYTES", store.clip_samples * 2 * 10)
    reopened = open_store(store.path)
    for row in range(10):
        reopened.samples(np.array([row]))
    assert reopened._samples._touched > 0
    again = reopened.samples(np.array([10]))
    assert reopened._samples._touched == 0
    assert np.array_equal(again, store.samples(np.array([10])))


def test_nothing_to_read_is_an_error_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no clip could be read .*1 broken; the first: it is broken"):
        build_store(FakeSource(FAKE.found[2:3]), tmp_path / "s", sample_rate=16_000)
    with pytest.raises(DataError, match="0 broken"):
        build_store(FakeSource([]), tmp_path / "s", sample_rate=16_000)
    with pytest.raises(DataError, match="one sample or more"):
        build_store(FAKE, tmp_path / "s", sample_rate=16_000, seconds=0.0)
    assert left_behind(tmp_path) == []


def test_a_full_disk_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_store(FAKE, tmp_path / "s", sample_rate=16_000)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match=r"No space left on device.*HANMADI_CACHE"):
        build_store(FAKE, tmp_path / "s", sample_rate=8_000)
    with pytest.raises(DataError, match="No space left"):
        build_store(FAKE, tmp_path / "new", sample_rate=8_000)
    assert left_behind(tmp_path) == ["s"]
    assert open_store(tmp_path / "s").sample_rate == 16_000


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("damaged")])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fail() -> Sound:
        raise error

    with pytest.raises(type(error)):
        build_store(FakeSource([*FAKE.found, Recording("x", "yes", fail)]), tmp_path / "s", sample_rate=16_000)
    assert left_behind(tmp_path) == []


def test_file_names_that_are_no_text_can_be_listed_as_broken(tmp_path: Path) -> None:
    (tmp_path / "words" / "yes").mkdir(parents=True)
    audio.write(tmp_path / "words" / "yes" / "good.wav", constant(0.5).samples, sample_rate=16_000)
    name = b"\xff\xfe.wav".decode("utf-8", errors="surrogateescape")
    (tmp_path / "words" / "yes" / name).write_bytes(b"no sound")
    store = build_store(FolderSource(tmp_path / "words"), tmp_path / "s", sample_rate=16_000)
    assert [broken.name for broken in store.broken] == ["yes/\ufffd\ufffd.wav"]
    assert "not a sound file" in store.broken[0].reason


@pytest.mark.parametrize("name", ["store.json", "columns.npz", "samples.i16", "noise.i16"])
@pytest.mark.parametrize("damage", ["gone", "cut", "garbage"])
def test_a_damaged_store_says_so(tmp_path: Path, store: ClipStore, name: str, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy)
    path = copy / name
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1001])
    else:
        path.write_bytes(b"garbage")
    with pytest.raises(DataError, match="build it again"):
        open_store(copy)


def test_another_format_and_no_store_at_all(tmp_path: Path, store: ClipStore) -> None:
    shutil.copytree(store.path, tmp_path / "copy")
    about = json.loads((tmp_path / "copy" / "store.json").read_text())
    (tmp_path / "copy" / "store.json").write_text(json.dumps(about | {"format": "hanmadi-clips-9"}))
    with pytest.raises(DataError, match="hanmadi-clips-9"):
        open_store(tmp_path / "copy")
    with pytest.raises(DataError, match="not a clip store"):
        open_store(tmp_path)


def test_the_cache_is_used_until_the_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_CACHE", str(tmp_path))
    built: list[int] = []
    first = cached_store(FAKE, sample_rate=16_000, progress=built.append)
    assert first.path.is_relative_to(tmp_path)
    cached_store(FAKE, sample_rate=16_000, progress=built.append)
    assert built == [1, 2, 3]
    moved = FakeSource(FAKE.found, name="moved")
    assert cached_store(moved, sample_rate=16_000).source == "moved"
    cached_store(FAKE, sample_rate=8_000, progress=built.append)
    cached_store(FakeSource(FAKE.found, print="2"), sample_rate=16_000, progress=built.append)
    assert len(built) == 9
    (first.path / "store.json").write_text("damaged")
    assert len(cached_store(FAKE, sample_rate=16_000, progress=built.append)) == 3
    assert len(built) == 12


def test_what_nobody_has_used_for_a_month_leaves_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_CACHE", str(tmp_path))
    paths = [cached_store(FAKE, sample_rate=rate).path for rate in (8_000, 11_025)]
    stranger = tmp_path / "clips" / "mine"
    stranger.mkdir()
    for path in (*paths, stranger):
        os.utime(path, (0, 0))
    assert cached_store(FAKE, sample_rate=8_000).path == paths[0]  # used again
    cached_store(FAKE, sample_rate=16_000)
    assert [path.exists() for path in (*paths, stranger)] == [True, False, True]


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, hanmadi_cache: Path) -> None:
    assert clips.cache_folder() == hanmadi_cache
    monkeypatch.delenv("HANMADI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert clips.cache_folder() == Path("/xdg/hanmadi")


def test_a_store_keeps_the_sound(tmp_path: Path, make_words_folder: MakeWordsFolder, store: ClipStore) -> None:
    row = [store.name(i) for i in range(len(store))].index("yes/ben_nohash_0.wav")
    folder = make_words_folder(tmp_path / "words", words=["yes"], speakers=["ben"], suffix=".flac")
    other = build_store(FolderSource(folder), tmp_path / "s", sample_rate=16_000)
    assert np.abs(other.clip(0) - store.clip(row)).max() <= 1 / 32_768  # libsndfile rounds FLAC in its own way
