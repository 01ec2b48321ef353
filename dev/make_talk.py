"""Synthetic talk for the shipped models to stay out of: English prose of this repository, read by many voices.

    python dev/make_talk.py runs/talk

Sentences without a keyword, or a word that sounds like one, each read by four voices of espeak-ng at other speeds and
pitches, with pauses between them. The same text gives the same file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.errors import AudioError
from hanmadi.labels import COURSE_LABELS, LabelSet
from hanmadi.noise import from_db, unit
from hanmadi.sources import espeak, synth

REPOSITORY: Final = Path(__file__).parents[1]
PROSE: Final = ("README.md", "CONTRIBUTING.md", "LICENSE", "docs/en/*.md", "docs/en/how-to/*.md", "lessons/en/*.py")
SAMPLE_RATE: Final = 16_000  # Hz
VOICES: Final = 4  # that read each sentence
LENGTHS: Final = (25, 95)  # of a sentence, letters
PAUSE_S: Final = (0.1, 0.8)
LEVEL, LEVEL_DB, FLOOR = 0.05, (-6.0, 6.0), 1e-3  # RMS of a sentence, its variation, RMS of the hiss behind


def sentences() -> list[str]:
    """Those of the prose that hold no keyword, sorted."""
    texts = [path.read_text(encoding="utf-8") for name in PROSE for path in sorted(REPOSITORY.glob(name))]
    prose = "\n".join(line.removeprefix("# ") for text in texts for line in text.splitlines())
    parts = (" ".join(part.split()) for part in re.split(r"[.;:!?|`*]|\n\n", prose))
    fitting = {part for part in parts if LENGTHS[0] <= len(part) <= LENGTHS[1]}
    return sorted(part for part in fitting if re.fullmatch(r"[A-Za-z',\- ]+", part) and not _has_keyword(part))


def _has_keyword(sentence: str) -> bool:
    keywords = {_sound_of(word) for word in LabelSet(COURSE_LABELS).keywords}
    return any(_sound_of(word) in keywords for word in re.findall(r"[A-Za-z']+", sentence))


@cache
def _sound_of(word: str) -> str:
    """A word as it is pronounced, so that "know" is "no"."""
    try:
        return espeak.phonemes(word.lower())
    except AudioError:
        return word


def talk(rng: np.random.Generator) -> Iterator[Samples]:
    """Sentence by sentence, a pause after each, in an order of chance."""
    installed = set(espeak.variants())
    voices = [names for names in synth.SPEAKERS.values() if installed.issuperset(names)]
    for sentence in rng.permutation(np.repeat(sentences(), VOICES)):
        variants = voices[int(rng.integers(len(voices)))]
        sound = espeak.synthesise(
            str(sentence), voice=f"{rng.choice(espeak.ACCENTS['en'])}+{rng.choice(variants)}",
            rate_wpm=int(rng.integers(130, 220)), pitch=int(rng.integers(25, 76)),
            pitch_range=int(rng.integers(20, 91)), seed=int(rng.integers(2**31)),
        )  # fmt: skip
        said = unit(audio.resample(sound.samples, sound.sample_rate, SAMPLE_RATE))
        pause = np.zeros(round(rng.uniform(*PAUSE_S) * SAMPLE_RATE), np.float32)
        strip = np.concatenate([said * (LEVEL * from_db(rng.uniform(*LEVEL_DB))), pause])
        yield strip + FLOOR * rng.standard_normal(len(strip), np.float32)


def write(folder: Path) -> Path:
    """All of it as one file in a folder that may be new."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "talk.flac"
    audio.write(path, np.concatenate(list(talk(np.random.default_rng(0)))), sample_rate=SAMPLE_RATE)
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
