"""Synthetic speech as a source of clips: the corpus that training uses when a person has no recordings.

Many voices, accents, rates, pitches and melodies, a voice tract a little longer or shorter, another loudness
and another quiet noise floor in every clip. It starts a recogniser; real recordings make it good.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples, Sound
from hanmadi.data.scan import Note
from hanmadi.data.sources import espeak
from hanmadi.data.sources.espeak import synthesise, voices
from hanmadi.data.store import Recording
from hanmadi.errors import DataError, LabelError
from hanmadi.files import replacing_folder

__all__ = ["CorpusReport", "SynthSource", "language_of", "synthesise", "voices", "write_corpus"]

NOISE_WORD: Final = "_background_noise_"
SAMPLE_RATE: Final = 16_000  # Hz, of noises and written files, as in Speech Commands
NOISE_SECONDS: Final = 24.0
MAX_WORD_BYTES: Final = 60  # a folder name, with room for what tools append
_VERSION: Final = "synth-1"  # part of the fingerprint; change it when the clips change

# Voices by speaker. A speaker is a variant, not variant and accent: the variant sets resonances, pitch and
# breath, so the same one with two accents is one person imitating another. Variants with the same resonances
# are one speaker for the same reason.
#
# Left out, as a network trained on 5,100 real clips of 17 words (85 % of real test clips right) hears at most
# half of their words: whisper, whisperf, Alicia, UniRobot, kaukovalta, Demonic, norbert (24 to 50 %). Also
# caleb (no voicing), klatt and klatt2 (spectrum as flat as the whispers'), robosoft*, anikaRobot, announcer,
# RicishayMax2 and 3 (monotone, with a metallic echo), fast (no voice, a rate), and Reed (its breath comes from
# C's rand(), which cannot be seeded from here: it never says a word twice alike). The rest: 56 to 88 %.
SPEAKERS: Final[dict[str, tuple[str, ...]]] = {
    "alex": ("Alex",), "andrea": ("Andrea",), "andy": ("Andy", "AnxiousAndy"), "anika": ("anika",),
    "annie": ("Annie",), "antonio": ("antonio",), "boris": ("boris",), "david": ("david",),
    "denis": ("Denis",), "ed": ("ed",), "edward": ("edward", "edward2"), "f1": ("f1",), "f2": ("f2", "f5"),
    "f3": ("f3",), "f4": ("f4", "aunty"), "gene": ("Gene", "Gene2"), "grandma": ("grandma",),
    "gustave": ("gustave", "marcelo"), "ian": ("ian",), "iven": ("iven", "iven2", "iven3", "iven4"),
    "jacky": ("Jacky",), "john": ("john", "croak", "grandpa", "m6", "Tweaky"),
    "klatt": ("klatt3", "klatt4", "klatt5", "klatt6", "adam", "benjamin"), "lee": ("Lee",),
    "linda": ("linda", "belinda"), "m1": ("m1",), "m2": ("m2",), "m3": ("m3",), "m4": ("m4",), "m5": ("m5",),
    "m7": ("m7",), "m8": ("m8", "Nguyen"), "marco": ("Marco",), "mario": ("Mario", "Michael"),
    "max": ("max", "RicishayMax"), "michel": ("michel", "miguel", "Diogo", "Henrique", "Hugo"),
    "mike": ("Mike", "mike2"), "pablo": ("pablo",), "paul": ("paul",), "pedro": ("pedro",),
    "robert": ("robert", "rob", "quincy"), "sandro": ("sandro",), "shelby": ("shelby",),
    "steph": ("steph", "steph2", "steph3"), "storm": ("Storm",), "travis": ("travis",), "victor": ("victor",),
    "zac": ("zac",),
}  # fmt: skip

# None sounds like a common keyword (no "know", "write", "won"); the 25 words of Speech Commands v0.02 that
# are not among its ten come first, then words that are near a keyword, then common ones.
_ENGLISH: Final = """
    backward bed bird cat dog eight five follow forward four happy house learn marvin nine one seven sheila six
    three tree two visual wow zero
    yet guess yesterday note nose snow cup upper town drown lift loft light ride often song coffee top step
    stuff gold goat ghost
    apple water people music morning open close window because again never little table green
"""
_KOREAN: Final = """
    하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열 사람 나무 바다 하늘 물 밥 집 학교 친구 엄마 아빠 고양이 강아지
    사과 바나나 자동차 기차 음악 노래 아침 저녁 오늘 내일 빨강 파랑 사랑 감사 안녕 창문 책상 우유 커피 전화 시간
"""
OTHER_WORDS: Final = {"en": tuple(_ENGLISH.split()), "ko": tuple(_KOREAN.split())}


class CorpusReport(NamedTuple):
    """How many clips and words `write_corpus` wrote, and with which voices."""

    folder: Path
    words: int  # folders with speech
    clips: int
    speakers: int
    noises: int
    seconds: float  # of speech


@dataclass(frozen=True)
class Utterance:
    """Everything that decides one synthetic clip."""

    word: str
    speaker: str
    voice: str  # id of espeak.voices()
    rate_wpm: int  # words a minute
    pitch: int  # 0 to 99, 50 is the voice's own
    pitch_range: int  # 0 to 99: from monotone to lively
    ending: str  # one of espeak.ENDINGS
    tract: float  # resonances times this: 1.08 a shorter vocal tract, 0.92 a longer one
    peak_db: float  # largest |sample|, dB relative to full scale
    floor_db: float  # RMS of the noise floor, dB relative to full scale
    centre_s: float  # where the middle of the word lies in a second, if it fits
    seed: int

    def sound(self) -> Sound:
        """Synthesise it: one second, or longer if the word is. Raises AudioError like `synthesise`."""
        # played faster by ``tract``, so said slower by it: resonances move, the duration stays
        rate_wpm = int(np.clip(round(self.rate_wpm / self.tract), 80, 450))
        said = synthesise(
            self.word, voice=self.voice, rate_wpm=rate_wpm, pitch=self.pitch,
            pitch_range=self.pitch_range, ending=self.ending, seed=self.seed,
        )  # fmt: skip
        sample_rate = round(said.sample_rate * self.tract)
        level = _amplitude(self.peak_db) / float(np.abs(said.samples).max())
        placed = place(said.samples * np.float32(level), length=sample_rate, centre=self.centre_s)
        floor = _floor(len(placed), self.seed) * np.float32(_amplitude(self.floor_db))
        return Sound(np.clip(placed + floor, -1, 1), sample_rate)


@dataclass(frozen=True)
class SynthSource:
    """Synthetic speech: ``words``, and other words from which a network learns ``unknown``."""

    words: tuple[str, ...]
    clips_per_word: int = 300
    seed: int = 0
    language: str | None = None  # "en" or "ko"; None: Korean for words in Hangul, English for others
    clips_per_other: int | None = None  # None: an eighth of clips_per_word; 0: no other words

    def __post_init__(self) -> None:
        if not self.words or len(set(self.words)) < len(self.words):
            raise LabelError(f"expected one word or more, each once, got {list(self.words)}")
        if self.clips_per_word < 1 or (self.clips_per_other or 0) < 0 or self.seed < 0:
            raise DataError("expected clips_per_word of 1 or more, clips_per_other and seed of 0 or more")
        if self.language not in (None, *espeak.ACCENTS):
            raise DataError(f"expected a language among {', '.join(espeak.ACCENTS)}, got {self.language!r}")
        for word in self.words:
            espeak.clean_text(word)  # raises AudioError for a word without anything to say

    @property
    def name(self) -> str:
        """The name of this source, which is always ``synth``."""
        return "synth"

    @property
    def licence(self) -> str | None:
        """None: espeak-ng is GPL-3, which says nothing on the sound that it makes."""
        return None

    def fingerprint(self) -> str:
        """From the fields, the word lists and the installed espeak voices."""
        facts = (_VERSION, self, SPEAKERS, OTHER_WORDS, espeak.version(), espeak.variants())
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]

    def recordings(self) -> Iterator[Recording]:
        """Every clip of the words in their order, then of the other words."""
        others = self.clips_per_other
        if others is None:
            others = max(1, self.clips_per_word // 8)
        for word in self.words:
            yield from self._recordings_of(word, self.clips_per_word)
        for word in self.other_words if others else ():
            yield from self._recordings_of(word, others)

    def noises(self) -> Iterator[Recording]:
        """Twelve noises of 24 s: white, pink, brown, mains hum, wind-like, babble, two of each."""
        for kind, make in _NOISES.items():
            for number in range(2):
                load = partial(_noise, make, self, number)
                yield Recording(f"{NOISE_WORD}/{kind}_{number}.wav", NOISE_WORD, load)

    def notes(self) -> tuple[Note, ...]:
        """Nothing: what is made is as it is described."""
        return ()

    @cached_property
    def other_words(self) -> tuple[str, ...]:
        """Built-in words of the same languages that neither are nor sound like one of ``words``."""
        languages = sorted({self._language(word) for word in self.words})
        taken = {(language, _spoken(word, language)) for language in languages for word in self.words}
        return tuple(
            other for language in languages for other in OTHER_WORDS[language]
            if other not in self.words and (language, _spoken(other, language)) not in taken
        )  # fmt: skip

    def _language(self, word: str) -> str:
        return self.language or language_of(word)

    def _recordings_of(self, word: str, count: int) -> Iterator[Recording]:
        for index, said in enumerate(utterances(word, count, language=self._language(word), seed=self.seed)):
            name = f"{word}/{_short(said.voice)}_r{said.rate_wpm}_p{said.pitch}_{index}.wav"
            yield Recording(name, word, said.sound, speaker=said.speaker)


def utterances(word: str, count: int, *, language: str, seed: int) -> Iterator[Utterance]:
    """``count`` ways to say ``word``, each speaker as often as the others, drawn from ``seed`` and ``word``."""
    installed = set(espeak.variants())
    speakers = [name for name, names in SPEAKERS.items() if installed.issuperset(names)]
    rng = np.random.default_rng([seed, zlib.crc32(word.encode())])
    order = rng.permutation(len(speakers))
    for index in range(count):
        yield _draw(word, speakers[order[index % len(order)]], language, rng)


def _draw(word: str, speaker: str, language: str, rng: np.random.Generator) -> Utterance:
    # ranges of peak, floor and place as measured on Speech Commands (5th to 95th percentile)
    return Utterance(
        word=word,
        speaker=speaker,
        voice=f"{rng.choice(espeak.ACCENTS[language])}+{rng.choice(SPEAKERS[speaker])}",
        rate_wpm=int(rng.integers(95, 211)),
        pitch=int(rng.integers(25, 76)),
        pitch_range=int(rng.integers(20, 91)),
        ending=str(rng.choice(espeak.ENDINGS)),
        tract=float(rng.choice((0.92, 0.96, 1.0, 1.04, 1.08))),
        peak_db=round(float(rng.uniform(-20, -1)), 1),
        floor_db=round(float(rng.uniform(-90, -45)), 1),
        centre_s=round(float(np.clip(rng.normal(0.5, 0.1), 0.3, 0.7)), 3),
        seed=int(rng.integers(2**31)),
    )


def language_of(word: str) -> str:
    """ "ko" for a word with Hangul, "en" for any other."""
    return "ko" if any("\uac00" <= letter <= "\ud7a3" or "\u3131" <= letter <= "\u318e" for letter in word) else "en"


def place(samples: Samples, *, length: int, centre: float) -> Samples:
    """Samples (n,) between zeros: (max(n, length),), the middle at ``centre`` (0 to 1) as far as they fit."""
    room = max(0, length - len(samples))
    before = int(np.clip(centre * length - len(samples) / 2, 0, room))
    return np.pad(samples, (before, room - before))


def coloured_noise(length: int, *, rng: np.random.Generator, slope: float) -> Samples:
    """Noise (length,) float32 of RMS 1 whose amplitude spectrum goes as frequency ** slope.

    0 is white, -0.5 pink, -1 brown; flat below a thousandth of the sample rate.
    """
    size = max(2, 1 << (length - 1).bit_length())  # a power of two: quick to transform
    spectrum = np.fft.rfft(rng.standard_normal(size))
    shape = np.maximum(np.fft.rfftfreq(size), 1e-3) ** slope
    shape[0] = 0  # no offset
    noise = np.fft.irfft(spectrum * shape, size)[:length]
    return (noise / max(float(noise.std()), 1e-12)).astype(np.float32)


@cache
def _long_floor() -> Samples:
    """A few seconds of pink noise, made once: noise for each clip would take as long as its speech."""
    return coloured_noise(1 << 18, rng=np.random.default_rng(0), slope=-0.5)


def _floor(length: int, seed: int) -> Samples:
    """Pink noise (length,) of RMS 1 from a place that ``seed`` chooses."""
    floor = _long_floor()
    return floor[(seed % len(floor) + np.arange(length)) % len(floor)]


def write_corpus(
    source: SynthSource, folder: str | os.PathLike[str], *, progress: Callable[[int], None] | None = None
) -> CorpusReport:
    """Write a source as ``<word>/<speaker>_nohash_<n>.wav`` and ``_background_noise_/``, 16 kHz, 16-bit mono.

    The folder appears whole or not at all. ``progress`` gets the count of files so far.
    Raises DataError if the folder is there and not empty, LabelError for a word that cannot name a folder, WriteError
    when the disk is full or somebody else fills the folder meanwhile.
    """
    folder = Path(folder)
    check_folder_names(source.words)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: expected a new or an empty folder; choose another --out")
    with replacing_folder(folder, may_replace=lambda there: not any(there.iterdir())) as temporary:
        report = _write_all(source, temporary, progress or (lambda _: None))
    return report._replace(folder=folder)


def check_folder_names(words: tuple[str, ...]) -> None:
    """Raises LabelError for words that are unsafe or ambiguous as names of folders."""
    for word in words:
        unsafe = not word.isprintable() or any(letter in '/\\:*?"<>|' for letter in word)
        if unsafe or word != word.strip() or word[:1] in ("", ".", "_") or word.endswith("."):
            raise LabelError(f"{word!r}: cannot name a folder; use letters, digits, '-' and space")
        if len(word.encode()) > MAX_WORD_BYTES:
            raise LabelError(f"{word[:20]!r}...: expected a word of at most {MAX_WORD_BYTES} bytes")
    if len({word.casefold() for word in words}) < len(words):
        raise LabelError(f"expected words that differ by more than capitals, got {', '.join(words)}")


def _write_all(source: SynthSource, folder: Path, progress: Callable[[int], None]) -> CorpusReport:
    takes: Counter[tuple[str, str]] = Counter()
    seconds = 0.0
    for recording in source.recordings():
        take = (recording.word, recording.speaker or "anonymous")
        path = folder / take[0] / f"{take[1]}_nohash_{takes[take]}.wav"
        seconds += _write_one(recording, path)
        takes[take] += 1
        progress(takes.total())
    noises = list(source.noises())
    for done, noise in enumerate(noises, start=1):
        _write_one(noise, folder / noise.name)
        progress(takes.total() + done)
    words, speakers = ({take[i] for take in takes} for i in (0, 1))
    return CorpusReport(folder, len(words), takes.total(), len(speakers), len(noises), seconds)


def _write_one(recording: Recording, path: Path) -> float:
    """Returns its duration in seconds."""
    sound = recording.load()
    path.parent.mkdir(exist_ok=True)
    audio.write(path, audio.resample(sound.samples, sound.sample_rate, SAMPLE_RATE), sample_rate=SAMPLE_RATE)
    return sound.seconds


def _spoken(word: str, language: str) -> str:
    """Its phonemes without stress marks: espeak stresses "won" more than "one"."""
    return re.sub("[',]", "", espeak.phonemes(word, voice=espeak.ACCENTS[language][0]))


def _short(voice: str) -> str:
    """``gmw/en-US+f3`` as ``en-us+f3``."""
    return voice.rsplit("/", 1)[-1].lower()


def _amplitude(db: float) -> float:
    return float(10 ** (db / 20))


NoiseMaker = Callable[[SynthSource, np.random.Generator], NDArray[np.floating]]


def _noise(make: NoiseMaker, source: SynthSource, number: int) -> Sound:
    """A noise recording with its peak at half of full scale."""
    rng = np.random.default_rng([source.seed, number, 2])
    samples = make(source, rng)
    return Sound((0.5 * samples / np.abs(samples).max()).astype(np.float32), SAMPLE_RATE)


def _coloured(slope: float, _: SynthSource, rng: np.random.Generator) -> Samples:
    return coloured_noise(round(NOISE_SECONDS * SAMPLE_RATE), rng=rng, slope=slope)


def _wind(_: SynthSource, rng: np.random.Generator) -> NDArray[np.floating]:
    """Noise that swells and ebbs over seconds."""
    time = np.arange(round(NOISE_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    knots = np.arange(0, NOISE_SECONDS + 1, 1.5)
    loudness_db = np.interp(time, knots, rng.uniform(-25, 0, len(knots)))
    noise = coloured_noise(len(time), rng=rng, slope=float(rng.uniform(-0.8, -0.2)))
    return noise * 10 ** (loudness_db / 20)


def _hum(_: SynthSource, rng: np.random.Generator) -> NDArray[np.floating]:
    """Mains hum, 50 or 60 Hz, with harmonics that fall off, over a little pink noise."""
    time = np.arange(round(NOISE_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    mains = float(rng.choice((50.0, 60.0))) * float(rng.uniform(0.995, 1.005))
    hum = np.zeros(len(time))
    for n in range(1, 31):
        phase = rng.uniform(0, 2 * np.pi)
        hum += rng.uniform(0.3, 1) / n * np.sin(2 * np.pi * n * mains * time + phase)
    return np.asarray(hum + 0.05 * coloured_noise(len(time), rng=rng, slope=-0.5))


def _babble(source: SynthSource, rng: np.random.Generator) -> NDArray[np.floating]:
    """Many voices at once, none of which says a keyword."""
    length = round(NOISE_SECONDS * SAMPLE_RATE)
    mixed = np.zeros(length)
    for word in rng.choice(source.other_words, round(12 * NOISE_SECONDS)):
        said = _draw(str(word), str(rng.choice(list(SPEAKERS))), language_of(str(word)), rng)
        sound = said.sound()
        samples = audio.resample(sound.samples, sound.sample_rate, SAMPLE_RATE)
        start = int(rng.integers(-len(samples), length))
        inside = slice(max(0, start), min(length, start + len(samples)))
        mixed[inside] += samples[inside.start - start : inside.stop - start]
    return mixed


_NOISES: Final[dict[str, NoiseMaker]] = {
    "white": partial(_coloured, 0.0),
    "pink": partial(_coloured, -0.5),
    "brown": partial(_coloured, -1.0),
    "hum": _hum,
    "wind": _wind,
    "babble": _babble,
}
