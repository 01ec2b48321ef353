"""Words mixed into a background, at known places: what a live recogniser is evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from hanmadi.audio import Samples
from hanmadi.audio.noise import Rng, from_db
from hanmadi.augment.connected_speech import word_extents
from hanmadi.errors import AudioError

GRACE_S: Final = 1.0  # a word may be detected this long after its end
LEAD_S: Final = 1.0  # of background before a clip, within its slot
_FADE_S: Final = 0.01  # a clip has its own room noise, which would begin and end with a click
_TRIES: Final = 8  # places looked at for one that is not in a pause of the background
_PAUSE: Final = 0.1  # of the slot's mean power: what is quieter is a pause
_DIGITAL_SILENCE: Final = 1e-9  # mean power below which there is nothing to have a ratio to


class Word(NamedTuple):
    """A word that was mixed into a stream: its label and where it begins and ends."""

    label: str
    start_s: float  # by its level, see `hanmadi.augment.connected_speech.word_extents`
    end_s: float


def shortest_slot_s(clip_s: float) -> float:
    """Seconds that a mixed-in clip needs for itself, so that no two words can be taken for each other."""
    return LEAD_S + clip_s + GRACE_S


def mix_into(
    clips: Samples,
    labels: Sequence[str],
    background: Samples,
    *,
    sample_rate: int,
    snr_db: float,
    rng: Rng,
) -> tuple[Samples, list[Word]]:
    """Mix each clip into its own slot of a background: (count, n) and (samples,) to (samples,) and the words.

    The slots are equal parts of the background. Within its slot a clip stands anywhere, but not in a pause of the
    background where another place is found, for the ratio would then make it inaudible beside the speech around.
    The clip is scaled so that its mean power over its whole length is ``snr_db`` above that of the background
    in the same place, as in `hanmadi.augment.augmentations.mix_at_snr`; the background stays as it is, unless the sum
    would exceed full scale: then all is turned down. Raises AudioError if the background is too short.
    """
    count, length = clips.shape
    slot = len(background) // count if count else 0
    room = slot - round((LEAD_S + GRACE_S) * sample_rate) - length
    if room < 0:
        raise AudioError(
            f"expected {shortest_slot_s(length / sample_rate):g} s of background or more for each mixed-in clip, "
            f"got {slot / sample_rate:.2f} s"
        )
    clips = clips * _fades(length, round(_FADE_S * sample_rate))
    extents = word_extents(clips, sample_rate=sample_rate)
    strip, words = background.copy(), []
    for i, (clip, label, extent) in enumerate(zip(clips, labels, extents, strict=True)):
        place = _place(background[i * slot : (i + 1) * slot], length, room, round(LEAD_S * sample_rate), rng) + i * slot
        strip[place : place + length] += clip * _gain(clip, background[place : place + length], snr_db)
        words.append(Word(label, *((place + extent) / sample_rate).tolist()))
    return strip / max(1.0, float(np.abs(strip).max())), words


def _place(slot: Samples, length: int, room: int, lead: int, rng: Rng) -> int:
    """Where a clip goes: the first of a few random places that is not in a pause, or the loudest of them."""
    places = lead + rng.integers(0, room + 1, _TRIES)
    powers = np.array([_power(slot[place : place + length]) for place in places])
    audible = powers >= _PAUSE * _power(slot)
    return int(places[audible.argmax() if audible.any() else powers.argmax()])


def _gain(clip: Samples, behind: Samples, snr_db: float) -> np.float32:
    clip_power, noise_power = _power(clip), _power(behind)
    if clip_power < _DIGITAL_SILENCE or noise_power < _DIGITAL_SILENCE:
        return np.float32(1.0)
    return np.float32(np.sqrt(noise_power / clip_power) * from_db(snr_db))


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _fades(length: int, fade: int) -> Samples:
    """(length,): 1, with a ramp at both ends."""
    places = np.arange(length)
    return np.minimum(1.0, (np.minimum(places, places[::-1]) + 1) / (fade + 1)).astype(np.float32)
