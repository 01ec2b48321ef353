"""Who trains, who validates, who tests: the split of clips, and of noise recordings.

A speaker is in one split only, because a network that has heard a speaker finds that speaker's other clips
easy and its accuracy then says little about strangers.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi.data.methods import DEFAULT_HOLDOUT, METHODS, Method
from hanmadi.data.store import NO_SPEAKER, NO_SPLIT, SPLITS, ClipStore
from hanmadi.errors import DataError

_MOST_NAMELESS: Final = 0.1  # share of clips of unknown speakers with which clips are split by speaker
_NAMED: Final = 3  # clips that a message names
_NOISE_GAP_SECONDS: Final = 1.0  # left out between two splits of one noise recording


def choose_method(store: ClipStore, method: Method = "auto") -> Method:
    """What ``auto`` means for these clips: official lists and folders, else by speaker, else random.

    By speaker where nine clips in ten tell theirs. Raises DataError if the method asked for needs what the clips do
    not tell.
    """
    if method not in METHODS:
        raise DataError(f"expected a split among {', '.join(METHODS)}, got {method!r}")
    official = bool((store.split != NO_SPLIT).all())
    nameless = np.flatnonzero(store.speaker == NO_SPEAKER)
    has_speakers = tell_speakers(len(nameless), len(store))
    if method == "auto":
        return "official" if official else "speaker" if has_speakers else "random"
    if method == "official" and not official:
        raise DataError(
            f"{store.source}: has no validation_list.txt and testing_list.txt, nor folders train/ and test/; "
            "use --split speaker"
        )
    if method == "speaker" and not has_speakers:
        raise DataError(
            f"{store.source}: {_nameless(store, nameless)}; name the files <speaker>_nohash_<n>.wav, "
            "or use --split random (which flatters)"
        )
    return method


def tell_speakers(nameless: int, clips: int) -> bool:
    """Whether a split by speaker can be made of so many clips of which so many do not tell their speaker."""
    return nameless <= _MOST_NAMELESS * clips


def split_clips(
    store: ClipStore,
    *,
    method: Method = "auto",
    holdout: float = DEFAULT_HOLDOUT,
    validation: float | None = None,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Split of every clip, (clips,) index into SPLITS.

    ``holdout`` is the share of test, and of validation unless ``validation`` is that. ``official`` and ``speaker`` do
    not depend on the seed, as far as speakers are known. ``random`` warns that it flatters. Raises DataError for
    shares that leave nothing or have no effect, and like `choose_method`.
    """
    shares = _checked_shares(holdout, validation)
    method = choose_method(store, method)
    if method == "official":
        if (holdout, validation) != (DEFAULT_HOLDOUT, None) and {1, 2} <= set(store.split.tolist()):
            raise DataError(
                f"{store.source}: its lists say what is held out, so --holdout has no effect; leave it out, or use "
                "--split speaker"
            )
        return _with_missing_splits(store, shares, seed)
    if method == "speaker":
        return _split_by_speaker(store, shares)
    nameless = np.flatnonzero(store.speaker == NO_SPEAKER)
    why = f" ({_nameless(store, nameless)})" if 0 < len(nameless) < len(store) else ""
    warnings.warn(
        f"{store.source}: clips are split at random{why}, so the same speaker may be in training and in test; "
        "accuracy on such a test flatters",
        stacklevel=2,
    )
    return _split_at_random(store, np.arange(len(store)), shares, seed)


def split_speakers(
    speakers: tuple[str, ...], holdout: float = DEFAULT_HOLDOUT, validation: float | None = None
) -> NDArray[np.int8]:
    """Split of each speaker by a hash of the name, (speakers,): it stays when others come or go.

    With few speakers the hash may leave a split without any; then those with the lowest hashes fill it.
    Raises DataError for fewer than three speakers.
    """
    if len(speakers) < 3:
        raise DataError(
            f"expected three speakers or more to keep training, validation and test apart, got {len(speakers)} "
            f"({', '.join(speakers)}); record more people, or use --split random (which flatters)"
        )
    return _split_names(speakers, Shares(holdout if validation is None else validation, holdout))


class Shares(NamedTuple):
    """What is held out: shares of the clips, or of the speakers. 0 where a split is there already."""

    validation: float
    test: float


def _checked_shares(holdout: float, validation: float | None) -> Shares:
    shares = Shares(holdout if validation is None else validation, holdout)
    for what, share in (("holdout", shares.test), ("share of validation", shares.validation)):
        if not 0 < share < 0.5:
            raise DataError(f"expected a {what} above 0 and below 0.5, got {share:g}")
    return shares


def _split_names(names: tuple[str, ...], shares: Shares) -> NDArray[np.int8]:
    """Split of each name by its hash; every split that has a share gets one at least."""
    places = np.array([_hash_fraction(name) for name in names])
    split = np.select([places < shares.validation, places < sum(shares)], [1, 2], 0).astype(np.int8)
    wanted = [0, *(index for index, share in enumerate(shares, 1) if share)]
    if any(not (split == index).any() for index in wanted):
        return _fill(np.argsort(places, kind="stable"), shares)
    return split


def _fill(order: NDArray[np.int64], shares: Shares) -> NDArray[np.int8]:
    """The first ones in an order to validation, the next to test, as many as their shares: (n,)."""
    split = np.zeros(len(order), np.int8)
    first, second = (_share(len(order), share) for share in shares)
    split[order[:first]] = 1
    split[order[first : first + second]] = 2
    return split


def _split_by_speaker(store: ClipStore, shares: Shares) -> NDArray[np.int8]:
    """Clips that do not tell their speaker are for training, and a warning names them: (clips,)."""
    nameless = np.flatnonzero(store.speaker == NO_SPEAKER)
    if len(nameless):
        warnings.warn(f"{store.source}: {_nameless(store, nameless)}; for training alone", stacklevel=3)
    by_speaker = split_speakers(store.speakers, shares.test, shares.validation)
    return np.append(by_speaker, np.int8(0))[store.speaker]  # NO_SPEAKER, -1, is the last


def _nameless(store: ClipStore, rows: NDArray[np.int64]) -> str:
    """``1 of 37 clips does not tell its speaker: left/New recording (2).wav``."""
    named = ", ".join(store.name(row) for row in rows[:_NAMED].tolist())
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    does = "does not tell its speaker" if len(rows) == 1 else "do not tell their speaker"
    return f"{len(rows)} of {len(store)} clips {does}: {named}{more}"


def _split_at_random(store: ClipStore, rows: NDArray[np.int64], shares: Shares, seed: int) -> NDArray[np.int8]:
    """Of these rows: (rows,). Shuffled word by word, so that every word is in every split in the same share."""
    rng = np.random.default_rng(seed)
    split = np.zeros(len(rows), np.int8)
    for word in range(len(store.words)):
        places = rng.permutation(np.flatnonzero(store.word[rows] == word))
        split[places] = _fill(np.arange(len(places)), shares)
    return split


def _with_missing_splits(store: ClipStore, shares: Shares, seed: int) -> NDArray[np.int8]:
    """The splits that the source has; what it lacks of validation and test comes out of training: (clips,)."""
    split = store.split.copy()
    lacking = Shares(*(0.0 if (split == index).any() else share for index, share in enumerate(shares, 1)))
    rows = np.flatnonzero(split == 0)
    if not any(lacking) or not len(rows):
        return split
    there, which = np.unique(store.speaker[rows], return_inverse=True)
    if there[0] != NO_SPEAKER and len(there) > sum(map(bool, lacking)):
        split[rows] = _split_names(tuple(store.speakers[speaker] for speaker in there), lacking)[which]
        return split
    gone = " and ".join(name for name, share in zip(SPLITS[1:], lacking, strict=True) if share)
    warnings.warn(
        f"{store.source}: has no clips for {gone}, so they are drawn at random from training, where the same speaker "
        "may stay; accuracy on them flatters",
        stacklevel=3,
    )
    split[rows] = _split_at_random(store, rows, lacking, seed)
    return split


def _share(count: int, share: float) -> int:
    """How many of ``count`` to hold out for validation, or test: one at least, and one is left to train."""
    return min(max(1, round(share * count)), (count - 1) // 2) if share else 0


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
