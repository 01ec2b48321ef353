"""Who trains, who validates, who tests: the split of clips, and of noise recordings.

A speaker is in one split only, because a network that has heard a speaker finds that speaker's other clips
easy and its accuracy then says little about strangers.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hanmadi.data.store import NO_SPEAKER, NO_SPLIT, SPLITS, ClipStore
from hanmadi.errors import DataError

Method = Literal["auto", "official", "speaker", "random"]
METHODS: Final[tuple[Method, ...]] = ("auto", "official", "speaker", "random")
DEFAULT_HOLDOUT: Final = 0.1  # share of validation, and of test
_NOISE_GAP_SECONDS: Final = 1.0  # left out between two splits of one noise recording


def choose_method(store: ClipStore, method: Method = "auto") -> Method:
    """What ``auto`` means for these clips: official lists, else by speaker, else random.

    Raises DataError if the method asked for needs what the clips do not tell.
    """
    if method not in METHODS:
        raise DataError(f"expected a split among {', '.join(METHODS)}, got {method!r}")
    official = bool((store.split != NO_SPLIT).all())
    has_speakers = bool((store.speaker != NO_SPEAKER).all())
    if method == "auto":
        return "official" if official else "speaker" if has_speakers else "random"
    if method == "official" and not official:
        raise DataError(f"{store.source}: has no validation_list.txt and testing_list.txt; use --split speaker")
    if method == "speaker" and not has_speakers:
        unknown = int((store.speaker == NO_SPEAKER).sum())
        raise DataError(
            f"{store.source}: {unknown} of {len(store)} clips do not tell their speaker; name the files "
            "<speaker>_nohash_<n>.wav, or use --split random (which flatters)"
        )
    return method


def split_clips(
    store: ClipStore, *, method: Method = "auto", holdout: float = DEFAULT_HOLDOUT, seed: int = 0
) -> NDArray[np.int8]:
    """Split of every clip, (clips,) index into SPLITS. ``holdout`` is the share of validation, and of test.

    ``official`` and ``speaker`` do not depend on the seed. ``random`` warns that it flatters. Raises DataError for a
    holdout out of range, or another than the default where the lists decide.
    """
    if not 0 < holdout < 0.5:
        raise DataError(f"expected a holdout above 0 and below 0.5, got {holdout:g}")
    method = choose_method(store, method)
    if method == "official":
        if holdout != DEFAULT_HOLDOUT:
            raise DataError(
                f"{store.source}: its lists say what is held out, so --holdout has no effect; leave it out, or use "
                "--split speaker"
            )
        return store.split
    if method == "speaker":
        by_speaker = split_speakers(store.speakers, holdout)
        return by_speaker[store.speaker]
    warnings.warn(
        f"{store.source}: clips are split at random, so the same speaker may be in training and in test; "
        "accuracy on such a test flatters",
        stacklevel=2,
    )
    return _split_at_random(store, holdout, seed)


def split_speakers(speakers: tuple[str, ...], holdout: float = DEFAULT_HOLDOUT) -> NDArray[np.int8]:
    """Split of each speaker by a hash of the name, (speakers,): it stays when others come or go.

    With few speakers the hash may leave a split without any; then those with the lowest hashes fill it.
    Raises DataError for fewer than three speakers.
    """
    if len(speakers) < 3:
        raise DataError(
            f"expected three speakers or more to keep training, validation and test apart, got {len(speakers)} "
            f"({', '.join(speakers)}); record more people, or use --split random (which flatters)"
        )
    places = np.array([_hash_fraction(speaker) for speaker in speakers])
    split = np.select([places < holdout, places < 2 * holdout], [1, 2], 0).astype(np.int8)
    order = np.argsort(places, kind="stable")
    if any(not (split == index).any() for index in range(3)):
        share = _share(len(speakers), holdout)
        split[:] = 0
        split[order[:share]] = 1
        split[order[share : 2 * share]] = 2
    return split


def _split_at_random(store: ClipStore, holdout: float, seed: int) -> NDArray[np.int8]:
    """Shuffled word by word, so that every word is in every split in the same share."""
    rng = np.random.default_rng(seed)
    split = np.zeros(len(store), np.int8)
    for word in range(len(store.words)):
        rows = rng.permutation(np.flatnonzero(store.word == word))
        share = _share(len(rows), holdout)
        split[rows[:share]] = 1
        split[rows[share : 2 * share]] = 2
    return split


def _share(count: int, holdout: float) -> int:
    """How many of ``count`` to hold out for validation, and for test: one at least, and one is left to train."""
    return min(max(1, round(holdout * count)), (count - 1) // 2)


def split_noise(store: ClipStore) -> dict[str, list[NDArray[np.int16]]]:
    """Noise recordings by split: whole recordings where there are three or more.

    One or two recordings are cut in time instead, 60 / 20 / 20 with a gap; the split is then less strict.
    """
    noises = [store.noise(index) for index in range(len(store.noise_names))]
    if len(noises) < 3:
        return _cut_in_time(noises, round(_NOISE_GAP_SECONDS * store.sample_rate))
    order = sorted(range(len(noises)), key=lambda i: _hash_fraction(_file_name(store.noise_names[i])))
    held = max(1, round(DEFAULT_HOLDOUT * len(noises)))
    groups: dict[str, Any] = {
        "train": order[: -2 * held], "validation": order[-2 * held : -held], "test": order[-held:]
    }  # fmt: skip
    return {split: [noises[i] for i in groups[split]] for split in SPLITS}


def _cut_in_time(noises: list[NDArray[np.int16]], gap: int) -> dict[str, list[NDArray[np.int16]]]:
    parts: dict[str, list[NDArray[np.int16]]] = {split: [] for split in SPLITS}
    for noise in noises:
        first, second = int(0.6 * len(noise)), int(0.8 * len(noise))
        parts["train"].append(noise[: max(0, first - gap)])
        parts["validation"].append(noise[first : max(first, second - gap)])
        parts["test"].append(noise[second:])
    return {split: [part for part in found if len(part)] for split, found in parts.items()}


def _hash_fraction(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha1(text.encode()).digest()[:8], "big") / 2**64


def _file_name(name: str) -> str:
    return name.rsplit("/", 1)[-1]
