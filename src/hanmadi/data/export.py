"""Recordings as one file that other programs read: the course's ``.npz``, which its notebook starts from."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy

from hanmadi import audio
from hanmadi.data.examples import Examples, make_examples
from hanmadi.data.sources import open_source
from hanmadi.data.sources.npz import LABELS, SAMPLE_RATE, SAMPLES
from hanmadi.data.store import SPLITS, cached_store
from hanmadi.errors import DataError
from hanmadi.files import replacing
from hanmadi.labels import make_labels

_CLIPS_AT_ONCE: Final = 256


@dataclass(frozen=True)
class Exported:
    """The file that was written and how many clips of each label it has."""

    path: Path
    counts: dict[str, int]  # clips of each label, in the order of the labels


def export_npz(
    data: str | os.PathLike[str] | None,
    path: Path,
    *,
    words: Iterable[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> Exported:
    """Write recordings as the course has them: ``wav_vals`` (n, samples) float32, ``label_vals`` (n, 1) text.

    data: a folder of words, or None for synthetic speech. ``words`` are the keywords, the course's ten if None; other
    words become ``unknown``, and ``silence`` is made from the noise recordings as for a training. Clips are in the
    order training, validation, test; such a file does not say which is which, nor who speaks. Memory stays flat.
    Raises DataError for what cannot be read, WriteError when the disk is full.
    """
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path}: expected a name that ends in .npz")
    labels = make_labels(words)
    store = cached_store(open_source(data, words=labels.keywords), sample_rate=sample_rate)
    by_split = make_examples(store, labels)
    examples = [by_split[split] for split in SPLITS]
    indices = np.concatenate([found.labels for found in examples])
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _write_clips(archive, examples, (len(indices), store.clip_samples))
        with archive.open(f"{LABELS}.npy", "w") as file:
            npy.write_array(file, np.array(labels.labels)[indices][:, None], allow_pickle=False)
    counts = np.bincount(indices, minlength=len(labels))
    return Exported(path, dict(zip(labels.labels, counts.tolist(), strict=True)))


def _write_clips(archive: zipfile.ZipFile, examples: list[Examples], shape: tuple[int, int]) -> None:
    with archive.open(f"{SAMPLES}.npy", "w", force_zip64=True) as file:
        npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for found in examples:
            for samples, _ in found.batches(_CLIPS_AT_ONCE):
                file.write(audio.from_int16(samples).astype("<f4").tobytes())
