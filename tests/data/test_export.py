"""The course's file, written from recordings, read again and trained on."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hanmadi.cli.commands import cli
from hanmadi.data import export
from hanmadi.data.examples import make_examples
from hanmadi.data.export import _write_clips, export_npz
from hanmadi.data.sources import open_source
from hanmadi.data.sources.npz import NpzSource
from hanmadi.data.sources.synth import SynthSource
from hanmadi.data.store import cached_store
from hanmadi.errors import DataError
from hanmadi.labels import COURSE_LABELS, make_labels

WORDS = ("yes", "no")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("npz") / "speech_wav_8000.npz"
    export_npz(None, path, words=WORDS)
    return path


def test_it_is_what_the_notebook_expects(exported: Path) -> None:
    with np.load(exported, allow_pickle=False) as file:
        waves, labels = file["wav_vals"], file["label_vals"]
    assert waves.shape[1] == 8_000
    assert waves.dtype == np.float32
    assert 0.05 < np.abs(waves).max() <= 1
    assert labels.shape == (len(waves), 1)
    assert set(labels[:, 0]) == {"yes", "no", "unknown", "silence"}


def test_clips_come_back_as_they_were(exported: Path) -> None:
    again = cached_store(NpzSource(exported), sample_rate=8_000)
    store = cached_store(SynthSource(words=WORDS), sample_rate=8_000)
    spoken = again.samples(np.flatnonzero(np.array(again.words)[again.word] != "silence"))
    before = {clip.tobytes() for clip in store.samples(slice(0, len(store)))}
    assert len(spoken) > 100
    assert {clip.tobytes() for clip in spoken} <= before


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["data", "export", "--words", "yes,no", "--out", str(tmp_path / "a.npz")])
    assert done.exit_code == 0
    for label in ("yes", "no", "unknown", "silence"):
        assert label in done.output
    assert open_source(tmp_path / "a.npz").licence is None


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_CLIPS_AT_ONCE", 16)
    store = cached_store(SynthSource(words=WORDS), sample_rate=8_000)
    found = list(make_examples(store, make_labels(WORDS)).values())
    for _ in found[0].batches(16):
        pass  # noises are read once
    shape = (sum(map(len, found)), store.clip_samples)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        tracemalloc.start()
        _write_clips(archive, found[:1], shape)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < archive.getinfo("wav_vals.npy").file_size / 10


def test_the_name_must_end_in_npz(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.npz"):
        export_npz(None, tmp_path / "a.zip")
    assert not list(tmp_path.iterdir())


def test_without_words_there_are_the_course_labels(tmp_path: Path) -> None:
    assert tuple(export_npz(None, tmp_path / "a.npz").counts) == COURSE_LABELS
