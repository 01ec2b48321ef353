"""The course's .npz, and every way in which such a file can be wrong or hostile."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from hanmadi import audio
from hanmadi.data.check import check
from hanmadi.data.sources.npz import NpzSource
from hanmadi.data.store import Recording, build_store
from hanmadi.errors import AudioError, DataError

WAVES = (0.1 * np.random.default_rng(0).standard_normal((5, 8_000))).astype(np.float32)
LABELS = np.array(["yes", "no", "예", "unknown", "silence"])


def array_bytes(array: np.ndarray) -> bytes:
    packed = io.BytesIO()
    npy.write_array(packed, array)
    return packed.getvalue()


def header(shape: tuple[int, ...], descr: str) -> bytes:
    """An array's header without its numbers."""
    packed = io.BytesIO()
    npy.write_array_header_1_0(packed, {"descr": descr, "fortran_order": False, "shape": shape})
    return packed.getvalue()


def write_npz(path: Path, **arrays: np.ndarray | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else array_bytes(array))
    return path


def test_yes_and_no_swapped_are_other_recordings(tmp_path: Path) -> None:
    stores = []
    for name, labels in (("a", LABELS), ("b", LABELS[[1, 0, 2, 3, 4]])):
        write_npz(tmp_path / f"{name}.npz", wav_vals=WAVES, label_vals=labels)
        stores.append(build_store(NpzSource(tmp_path / f"{name}.npz"), tmp_path / name, sample_rate=8_000))
    assert stores[0].fingerprint != stores[1].fingerprint


def test_several_spellings_are_one_word(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", wav_vals=WAVES, label_vals=np.array(["yes", "Yes", "yes ", "no", "yes"]))
    source = NpzSource(tmp_path / "a.npz")
    assert [recording.word for recording in source.recordings()] == ["yes", "yes", "yes", "no", "yes"]
    (note,) = source.notes()
    assert "'Yes' (1 clips) and 'yes' (2 clips) and 'yes ' (1 clips) are taken for one word, 'yes'" in note.text


def found(path: Path) -> list[Recording]:
    return list(NpzSource(path).recordings())


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], np.char.encode(LABELS, "utf-8"), LABELS.astype(">U9")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_labels_in_every_shape(tmp_path: Path, labels: np.ndarray, save: Callable[..., None]) -> None:
    save(tmp_path / "a.npz", wav_vals=WAVES, label_vals=labels)
    recordings = found(tmp_path / "a.npz")
    assert [recording.word for recording in recordings] == LABELS.tolist()
    assert [recording.name for recording in recordings] == ["#0", "#1", "#2", "#3", "#4"]
    for recording, wave in zip(recordings, WAVES, strict=True):
        sound = recording.load()
        assert sound.sample_rate == 8_000
        assert np.array_equal(sound.samples, wave)


@pytest.mark.parametrize("dtype", ["<i2", ">i2", np.float16, np.float32, np.float64, ">f4"])
def test_samples_of_every_type(tmp_path: Path, dtype: Any) -> None:
    waves = (audio.to_int16(WAVES) if dtype in ("<i2", ">i2") else WAVES).astype(dtype)
    recordings = found(write_npz(tmp_path / "a.npz", wav_vals=waves, label_vals=LABELS))
    samples = np.stack([recording.load().samples for recording in recordings])
    assert samples.dtype == np.float32
    assert samples == pytest.approx(WAVES, abs=1e-3)


def test_it_becomes_a_store_and_a_check(tmp_path: Path) -> None:
    source = NpzSource(write_npz(tmp_path / "a.npz", wav_vals=WAVES, label_vals=LABELS))
    store = build_store(source, tmp_path / "store", sample_rate=8_000)
    assert store.words == tuple(LABELS)
    assert store.clip(3) == pytest.approx(WAVES[3], abs=1e-4)
    assert check(source).clips == 5
    assert source.fingerprint() == NpzSource(tmp_path / "a.npz").fingerprint()
    assert source.fingerprint() != NpzSource(tmp_path / "a.npz", sample_rate=16_000).fingerprint()


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("/tmp/hanmadi-was-here").touch, ())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"wav_vals": WAVES}, "expected arrays wav_vals and label_vals, found wav_vals"),
        ({"label_vals": LABELS}, "expected arrays wav_vals and label_vals, found label_vals"),
        ({}, "found nothing"),
        ({"wav_vals": WAVES[:4], "label_vals": LABELS}, "4 clips but 5 labels"),
        ({"wav_vals": WAVES[0], "label_vals": LABELS}, r"shape \(n, samples\), found \(8000,\)"),
        ({"wav_vals": WAVES[:, :, None], "label_vals": LABELS}, r"found \(5, 8000, 1\)"),
        ({"wav_vals": WAVES[:, :0], "label_vals": LABELS}, r"found \(5, 0\)"),
        ({"wav_vals": WAVES.astype(np.int32), "label_vals": LABELS}, "float or int16, found int32"),
        ({"wav_vals": WAVES.astype(complex), "label_vals": LABELS}, "float or int16, found complex"),
        ({"wav_vals": np.asfortranarray(WAVES), "label_vals": LABELS}, "ascontiguousarray"),
        ({"wav_vals": WAVES, "label_vals": np.arange(5)}, "of strings, found int64"),
        ({"wav_vals": WAVES, "label_vals": LABELS[None]}, r"shape \(n, 1\), found \(1, 5\)"),
        ({"wav_vals": WAVES, "label_vals": np.array("yes")}, r"found \(\)"),
        ({"wav_vals": WAVES, "label_vals": np.array(["yes", "", "no", " ", "up"])}, "2 clips have an empty label.*1"),
        ({"wav_vals": WAVES[:0], "label_vals": LABELS[:0]}, "expected clips, found none"),
        ({"wav_vals": WAVES, "label_vals": np.array(["x" * 300] * 5)}, "of strings, found <U300"),
        ({"wav_vals": WAVES, "label_vals": np.array([b"\xff"] * 5)}, "not text in UTF-8"),
        ({"wav_vals": WAVES, "label_vals": header((5,), "<U1") + b"\xff" * 20}, "not text in UTF-8"),
        ({"wav_vals": WAVES, "label_vals": header((5,), "<U0")}, "of strings, found <U0"),
        ({"wav_vals": WAVES, "label_vals": header((-1,), "<U3") + b"y\0\0\0" * 90}, "impossible shape"),
        ({"wav_vals": header((5, -1), "<f4") + bytes(99), "label_vals": LABELS}, "impossible shape"),
        ({"wav_vals": b"junk", "label_vals": LABELS}, "no valid header"),
        ({"wav_vals": b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4', ", "label_vals": LABELS}, "no valid header"),
        ({"wav_vals": b"\x93NUMPY\x02" + array_bytes(WAVES)[7:], "label_vals": LABELS}, r"version \(2, 0\)"),
        ({"wav_vals": np.zeros((1, 500_000), np.float32), "label_vals": LABELS[:1]}, "480000 samples at most"),
    ],
)  # fmt: skip
def test_files_that_are_not_as_described(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = write_npz(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        found(path)


@pytest.mark.parametrize("name", ["wav_vals", "label_vals"])
def test_pickled_objects_are_never_loaded(tmp_path: Path, name: str) -> None:
    arrays: dict[str, Any] = {"wav_vals": WAVES, "label_vals": LABELS}
    arrays[name] = header((5,), "|O") + pickle.dumps([_Bomb()])
    with pytest.raises(DataError, match="pickled objects"):
        found(write_npz(tmp_path / "a.npz", **arrays))
    assert not Path("/tmp/hanmadi-was-here").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {"wav_vals": header((5, 480_000), "<f8"), "label_vals": LABELS},
        {"wav_vals": WAVES, "label_vals": header((10**12,), "<U9")},
        {"wav_vals": WAVES, "label_vals": header((2**62, 1), "<U9")},
        # the header of version 2 may say how long it is itself: 4 GiB
        {"wav_vals": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(50 << 20), "label_vals": LABELS},
        # really there, as zeros that take no space: more than labels are allowed
        {"wav_vals": WAVES, "label_vals": header((1_000_000,), "<U100")},
    ],
    ids=["samples", "labels", "overflow", "header", "labels declared"],
)
def test_a_bomb_is_refused_without_memory(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = write_npz(tmp_path / "a.npz", **arrays)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"the file holds|no valid header"):
            found(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_too_many_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanmadi.data.sources.npz._MAX_LABEL_BYTES", 100)
    with pytest.raises(DataError, match="5 labels of <U7 are too many"):
        found(write_npz(tmp_path / "a.npz", wav_vals=WAVES, label_vals=LABELS))


@pytest.mark.parametrize("use", [lambda source: [None for _ in source.recordings()], check])
def test_memory_stays_flat(tmp_path: Path, use: Callable[[NpzSource], object]) -> None:
    clips = 1_500  # 48 MB
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("label_vals.npy", array_bytes(np.array(["yes"] * clips)))
        with archive.open("wav_vals.npy", "w") as file:
            file.write(header((clips, 8_000), "<f4"))
            for _ in range(clips):
                file.write(WAVES[0].tobytes() if _ == 0 else bytes(32_000))
    tracemalloc.start()
    try:
        use(NpzSource(tmp_path / "a.npz"))
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_truncated_zip(tmp_path: Path, share: float) -> None:
    path = write_npz(tmp_path / "a.npz", wav_vals=WAVES, label_vals=LABELS)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match=r"not an \.npz that can be read"):
        found(path)
    with pytest.raises(DataError, match=r"not an \.npz that can be read"):
        NpzSource(path).fingerprint()


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", wav_vals=WAVES, label_vals=LABELS)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[5_000] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        found(tmp_path / "a.npz")


def test_no_zip_at_all(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", WAVES)
    for path in (tmp_path / "a.npy", tmp_path / "gone.npz", tmp_path):
        with pytest.raises(DataError, match=r"not an \.npz"):
            found(path)


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "NaN"), (np.inf, "NaN or infinity"), (30_000.0, "save them as int16")]
)
def test_a_clip_that_is_no_sound_is_broken_alone(tmp_path: Path, value: float, message: str) -> None:
    waves = WAVES.copy()
    waves[2, 7] = value
    path = write_npz(tmp_path / "a.npz", wav_vals=waves, label_vals=LABELS)
    with pytest.raises(AudioError, match=message):
        found(path)[2].load()
    store = build_store(NpzSource(path), tmp_path / "store", sample_rate=8_000)
    assert [broken.name for broken in store.broken] == ["#2"]
    assert len(store) == 4


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_files_read_or_raise_data_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = write_npz(tmp_path_factory.getbasetemp() / "m.npz", wav_vals=WAVES[:, :50], label_vals=LABELS)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        NpzSource(path).fingerprint()
        found(path)
    except DataError:
        pass


def test_real_clips_come_back(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "speech_commands"
    paths = [path for word in ("yes", "no") for path in sorted((folder / word).iterdir())[:5]]
    clips = [audio.to_clip(audio.read(path), sample_rate=8_000, length=8_000) for path in paths]
    words = np.array([[path.parent.name] for path in paths])
    np.savez_compressed(tmp_path / "real.npz", wav_vals=np.stack(clips), label_vals=words)
    store = build_store(NpzSource(tmp_path / "real.npz"), tmp_path / "store", sample_rate=8_000)
    assert [store.words[word] for word in store.word] == words[:, 0].tolist()
    for row, clip in enumerate(clips):
        assert store.clip(row) == pytest.approx(np.clip(clip, -1, 1), abs=1e-4)
