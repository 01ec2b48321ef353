"""What is in a source of clips, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from hanmadi import audio
from hanmadi.audio import Sound
from hanmadi.data.splits import split_speakers, tell_speakers
from hanmadi.data.store import MAX_CLIP_SECONDS, SPLITS, Broken, Recording, Source
from hanmadi.errors import AudioError, DataError

SHORTEST_SECONDS: Final = 0.2  # no word is said in less
SILENT_DB: Final = -60.0  # a peak below this is no speech
CLIPPED_SHARE: Final = 0.01  # of samples at full scale: one hears it
_NAMED: Final = 3  # clips that a note names
_KINDS: Final = ("short", "silent", "clipped", "cancelled", "unfinished", "duplicated")
_UNFINISHED_SECONDS: Final = 0.05  # a promise of less that is not kept loses nothing
ANY_SPLIT: Final = "not split"  # neither lists nor speakers: the split is drawn when training starts


class Suspect(NamedTuple):
    """A recording that can be read but is worth a look."""

    name: str
    reason: str


class _Heard(NamedTuple):
    """What is kept of a recording; the recording itself may hold its samples."""

    name: str
    word: str
    speaker: str | None
    split: str | None
    seconds: float


@dataclass
class WordCount:
    """What there is of a word in a split."""

    clips: int = 0
    seconds: float = 0.0
    speakers: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class DataCheck:
    """Counts by word and split, and what is wrong."""

    source: str
    counts: dict[str, dict[str, WordCount]]  # word: split: count
    rates: dict[int, int]  # sample rate in Hz: recordings
    noises: int
    broken: list[Broken]
    short: list[Suspect]
    silent: list[Suspect]
    clipped: list[Suspect]
    cancelled: list[Suspect]  # channels in opposite phase
    unfinished: list[Suspect]  # the header promises more than there is
    duplicated: list[Suspect]
    notes: tuple[str, ...] = ()  # what was passed over, and what of names and lists is doubtful

    @property
    def clips(self) -> int:
        """The number of recordings that can be read."""
        return sum(count.clips for splits in self.counts.values() for count in splits.values())

    @property
    def problems(self) -> dict[str, list[Broken] | list[Suspect]]:
        """Kinds of problems and what has them."""
        return {
            "broken": self.broken, "too short": self.short, "silent": self.silent, "clipped": self.clipped,
            "channels in opposite phase": self.cancelled, "not closed or cut short": self.unfinished,
            "duplicated": self.duplicated,
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for ``--json``."""
        counts = {
            word: {s: {"clips": c.clips, "seconds": c.seconds, "speakers": len(c.speakers)} for s, c in splits.items()}
            for word, splits in self.counts.items()
        }
        problems = {
            kind: [asdict(f) if isinstance(f, Broken) else f._asdict() for f in found]
            for kind, found in self.problems.items()
        }
        return {
            "source": self.source, "clips": self.clips, "words": counts, "rates": self.rates,
            "noises": self.noises, "notes": list(self.notes), **problems,
        }  # fmt: skip


def check(source: Source, *, progress: Callable[[int], None] | None = None) -> DataCheck:
    """Read every recording of a source and count. Raises DataError if there is none at all."""
    rates: Counter[int] = Counter()
    broken: list[Broken] = []
    suspects: dict[str, list[Suspect]] = {kind: [] for kind in _KINDS}
    readable: list[_Heard] = []
    first_with: dict[bytes, str] = {}
    for number, recording in enumerate(source.recordings(), 1):
        try:
            sound = recording.load()
            if sound.seconds > MAX_CLIP_SECONDS:
                raise AudioError(f"{sound.seconds:.0f} s long, expected one word")
        except AudioError as error:
            broken.append(Broken.because(recording.name, error))
            continue
        rates[sound.sample_rate] += 1
        readable.append(_Heard(recording.name, recording.word, recording.speaker, recording.split, sound.seconds))
        for kind, reason in _suspicions(sound):
            suspects[kind].append(Suspect(recording.name, reason))
        digest = hashlib.blake2b(np.ascontiguousarray(sound.samples).tobytes(), digest_size=16).digest()
        if first_with.setdefault(digest, recording.name) != recording.name:
            suspects["duplicated"].append(Suspect(recording.name, f"the same as {first_with[digest]}"))
        if progress:
            progress(number)
    if not readable and not broken:
        raise DataError(f"{source.name}: no recordings")
    noises = _readable_noises(source.noises(), broken)
    notes = (*(note.text for note in source.notes()), *_on_speakers(readable))
    return DataCheck(source.name, _count(readable), dict(rates), noises, broken, **suspects, notes=notes)


def _suspicions(sound: Sound) -> list[tuple[str, str]]:
    found = []
    peak = audio.to_db(float(np.abs(sound.samples).max()))
    clipped = float(np.mean(np.abs(sound.samples) >= audio.CLIPPED_LEVEL))
    if sound.seconds < SHORTEST_SECONDS:
        found.append(("short", f"{sound.seconds * 1000:.0f} ms"))
    if peak < SILENT_DB:
        found.append(("silent", f"peak {peak:.0f} dB" if np.isfinite(peak) else "all samples are 0"))
    if clipped > CLIPPED_SHARE:
        found.append(("clipped", f"{clipped:.1%} of the samples at full scale"))
    if (share := audio.cancellation(sound.samples, sound.sample_rate)) > audio.CANCELLED:
        found.append(("cancelled", f"{share:.0%} of what comes and goes is lost in their mean; one is taken alone"))
    if sound.missing > _UNFINISHED_SECONDS * sound.sample_rate:
        found.append(("unfinished", f"its header promises {sound.missing / sound.sample_rate:.1f} s more"))
    return found


def _count(readable: list[_Heard]) -> dict[str, dict[str, WordCount]]:
    split_of = _splitter(readable)
    counts: dict[str, dict[str, WordCount]] = defaultdict(lambda: defaultdict(WordCount))
    for heard in readable:
        count = counts[heard.word][split_of(heard)]
        count.clips += 1
        count.seconds += heard.seconds
        if heard.speaker is not None:
            count.speakers.add(heard.speaker)
    return {word: dict(splits) for word, splits in counts.items()}


def _splitter(readable: list[_Heard]) -> Callable[[_Heard], str]:
    """The split that training would use, as far as it does not depend on chance."""
    if all(heard.split is not None for heard in readable):
        return lambda heard: heard.split or ANY_SPLIT
    speakers = tuple(dict.fromkeys(heard.speaker for heard in readable if heard.speaker is not None))
    if tell_speakers(len(_nameless(readable)), len(readable)) and len(speakers) >= 3:
        split = dict(zip(speakers, split_speakers(speakers), strict=True))
        return lambda heard: SPLITS[0 if heard.speaker is None else split[heard.speaker]]
    return lambda _: ANY_SPLIT


def _nameless(readable: list[_Heard]) -> list[str]:
    return [heard.name for heard in readable if heard.speaker is None]


def _on_speakers(readable: list[_Heard]) -> list[str]:
    """Which clips do not tell their speaker, where others do and no list says the split."""
    nameless = _nameless(readable)
    if not nameless or len(nameless) == len(readable) or all(heard.split is not None for heard in readable):
        return []
    enough = tell_speakers(len(nameless), len(readable))
    then = "for training alone" if enough else "so clips are split at random, which flatters"
    more = f" and {len(nameless) - _NAMED} more" if len(nameless) > _NAMED else ""
    named = f"{', '.join(nameless[:_NAMED])}{more}"
    return [f"clips that do not tell their speaker: {len(nameless)} of {len(readable)} ({named}); {then}"]


def _readable_noises(noises: Iterable[Recording], broken: list[Broken]) -> int:
    count = 0
    for noise in noises:
        try:
            noise.load()
            count += 1
        except AudioError as error:
            broken.append(Broken.because(noise.name, error))
    return count
