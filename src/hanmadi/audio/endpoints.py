"""Where the word is in a recording that is longer than a clip.

Energy does not tell: a knock on the table, a click of a switch, a beep, a microphone that settles hold more of it
than a word. Speech is told by several things at once. It sounds in two bands of the first formants (about 400 to
1,200 Hz), it is voiced in them, it is not one pure tone, it rises above the noise of its own recording, and it lasts.
So what counts of a stretch of a clip's length is the *product* of four sums, what sounds and what is voiced in each
band: a sound that has only one of them wins nothing.

All of it happens in steps of a quarter of a millisecond, so it takes one pass over the samples, and models of
different sample rates choose the same stretch. `web/static/js/endpoints.js` and `export/c_template/hanmadi_speech.c`
hold the same rule.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.errors import AudioError

_STEPS_PER_SECOND: Final = 4_000
_FRAME: Final = 40  # steps: 10 ms
_BANDS: Final = (3, 2)  # steps; strongest at about 600 and 900 Hz, an octave wide
# Six differences at one distance: 36 dB an octave below the band. The hum of the mains, rumble and a knock lie
# there, and so do all of a constant and of a level that drifts.
_DIFFERENCES: Final = 6
_PITCH: Final = (10, 50)  # steps, both included: voices of 400 to 80 Hz
_PITCH_FRAMES: Final = 1  # on either side are heard for the pitch, 30 ms together: two periods of a low voice
_UNVOICED, _VOICED = 0.4, 0.8  # how alike two periods are in noise, and in a vowel
_LASTING: Final = 8  # frames, 80 ms: the vowel of a short word; clicks and pops are over by then
_QUIET_SHARE: Final = 0.9  # of the frames that cannot all belong to one word
_NOISE_MARGIN: Final = 1.5  # the level of steady noise varies by less from frame to frame
_LEAST_FLOOR: Final = 1e-3  # of the highest level: silence of zeros is no noise to compare with
_MISSING: Final = 0.3  # of what a sum gets, that a word without one of the four, as when it is whispered, can win
_TIE: Final = 1e-9  # windows as good as that are equally good, however their sums were rounded; the first is taken
_SLOPE_SHARE: Final = 0.35  # of the stretch, on either side, in which speech counts less: this centres the word


def speech_start(samples: NDArray[np.floating[Any]], sample_rate: int, length: int) -> int:
    """First sample of the stretch of ``length`` samples that holds the word, as near to its middle as it can be.

    samples: (n,) finite, any unit and any constant offset. sample_rate: Hz. Returns 0 to n - length; 0 if the
    sound is not longer than ``length``. Does not depend on the level of the recording. One pass: time grows with n.
    Raises AudioError for samples that are not mono, and for a rate or a length below 1.

    The level of a frame is the root mean square of what is no tone in a band; levels are opened (the minimum of 80 ms,
    then the maximum: Serra, "Image Analysis and Mathematical Morphology", 1982), which takes away what does not last.
    Counted is by how many times they exceed the noise floor: with m frames in a clip, at least n - m hold no word, so
    the level below which most of these lie is noise. Voiced is what resembles itself a period later, by the normalised
    square difference function of McLeod and Wyvill, "A smarter way to find pitch", ICMC 2005.
    """
    if samples.ndim != 1:
        raise AudioError(f"expected mono samples (n,), got shape {samples.shape}; call to_mono() first")
    if length < 1 or sample_rate < 1:
        raise AudioError(f"expected a length and a rate of 1 or more, got {length} samples at {sample_rate} Hz")
    spare = len(samples) - length
    step = max(1, round(sample_rate / _STEPS_PER_SECOND))
    hop = step * _FRAME
    if spare <= 0 or len(samples) < hop:
        return max(0, spare // 2)
    clip_frames = max(1, round(length / hop))
    middle = (_best_window(_evidence(_steps(samples, step), clip_frames), clip_frames) + clip_frames / 2) * hop
    return min(max(0, round(middle - length / 2)), spare)


def _steps(samples: NDArray[np.floating[Any]], step: int) -> NDArray[np.float64]:
    """Means of ``step`` samples, less the first of them, so that a constant is 0: (n,) to (n // step,)."""
    count = len(samples) // step
    means = samples[: count * step].reshape(count, step).mean(axis=1, dtype=np.float64)
    return means - means[0]


def _evidence(sound: NDArray[np.float64], clip_frames: int) -> NDArray[np.float64]:
    """How much speech there is in each frame, of four kinds: (4, frames), 0 is none."""
    rows = []
    for steps in _BANDS:
        band = _band(sound, steps)
        level = _levels(band)
        lasting = _lasting(level)
        floor = _noise_floor(lasting, clip_frames)
        rows += [_above(lasting, floor), _above(_lasting(level * _voicing(band)), floor)]
    return np.array(rows)


def _band(sound: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """The sixth difference, at a distance of ``steps``, of the running sum: a band-pass. Same shape, and in time."""
    reach = _DIFFERENCES * steps
    found = np.cumsum(np.pad(sound, (reach // 2, reach - reach // 2), mode="edge"))
    for _ in range(_DIFFERENCES):
        found = found[steps:] - found[:-steps]
    return found


def _levels(band: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square of each whole frame, without a steady tone: (n,) to (frames,).

    Whatever its frequency, the samples on either side of one of a tone's add up to a fixed multiple of it. So what the
    best multiple leaves of that sum is no tone.
    """
    here, beside = _framed(band), _framed(np.pad(band[1:], (0, 1)) + np.pad(band[:-1], (1, 0)))
    power, shared = _products(here, here), _products(here, beside)
    tone = np.divide(np.square(shared), power, out=np.zeros_like(power), where=power > 0)
    return np.sqrt(np.maximum(_products(beside, beside) - tone, 0.0) / _FRAME)


def _framed(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    frames = len(sound) // _FRAME
    return sound[: frames * _FRAME].reshape(frames, _FRAME)


def _products(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the products in each frame: (frames, _FRAME) twice to (frames,)."""
    sums: NDArray[np.float64] = np.einsum("ij,ij->i", first, second)
    return sums


def _voicing(band: NDArray[np.float64]) -> NDArray[np.float64]:
    """How periodic each frame is at the best pitch, 0 (noise) to 1 (a vowel): (n,) to (frames,)."""
    first, last = _PITCH
    now, later = _framed(band), np.pad(band, (0, last))
    energy = _products(now, now)
    alike = np.zeros(len(now))
    for lag in range(first, last + 1):
        shifted = later[lag : lag + now.size].reshape(now.shape)
        product = _around(2 * _products(now, shifted))
        power = _around(energy + _products(shifted, shifted))
        np.maximum(alike, np.divide(product, power, out=np.zeros_like(power), where=power > 0), out=alike)
    return np.clip((alike - _UNVOICED) / (_VOICED - _UNVOICED), 0.0, 1.0)


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of each frame and its neighbours."""
    return _window_sums(np.pad(values, _PITCH_FRAMES), 2 * _PITCH_FRAMES + 1)


def _window_sums(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Sums of ``width`` neighbours: (n,) to (n - width + 1,)."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    return running[width:] - running[:-width]


def _lasting(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Morphological opening: what is above its surroundings for less than `_LASTING` frames goes. Same shape."""
    width = min(_LASTING, len(levels))
    count = len(levels) - width + 1
    least = np.pad(np.minimum.reduce([levels[i : i + count] for i in range(width)]), width - 1)
    return np.maximum.reduce([least[i : i + len(levels)] for i in range(width)])


def _noise_floor(levels: NDArray[np.float64], clip_frames: int) -> float:
    """The level that speech has to exceed."""
    rank = int(_QUIET_SHARE * max(0, len(levels) - clip_frames))
    return max(_NOISE_MARGIN * float(np.sort(levels)[rank]), _LEAST_FLOOR * float(levels.max()))


def _above(levels: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """By how many times levels exceed the floor; 0 below it, and in digital silence."""
    return np.maximum(levels / floor - 1, 0.0) if floor > 0 else np.zeros_like(levels)


def _best_window(evidence: NDArray[np.float64], clip_frames: int) -> int:
    """First frame of the best window, which may begin before the recording and end after it.

    A window counts its middle in full and its ends less: two moving sums, one after the other, are a trapezoid.
    """
    slope = max(1, round(_SLOPE_SHARE * clip_frames))
    flat = clip_frames - slope + 1
    scores = np.ones(evidence.shape[1] + 2 * slope - clip_frames + 1)
    for row in evidence:
        scores = scores * (_MISSING + _window_sums(_window_sums(np.pad(row, slope), flat), slope) / slope)
    return int(np.argmax(scores >= (1 - _TIE) * scores.max())) - slope
