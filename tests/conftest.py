"""What several test files share: made-up words, the store built from them, and the real recordings if they are here.

Fixtures: ``hanmadi_cache`` (always on), ``tone_words``, ``make_words_folder``, ``words_folder``, ``store``, ``labels``,
``shared_data``, ``run``, ``recognizer``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.store import ClipStore, build_store
from hanmadi.inference.recognizer import Recognizer
from hanmadi.labels import LabelSet, make_labels
from hanmadi.training.train import Run

REPOSITORY = Path(__file__).resolve().parents[1]
RATE = 16_000  # Hz
KEYWORDS = ("yes", "no", "up")
OTHER_WORD = "bed"  # becomes "unknown"
# start and end of each word's chirp in Hz: told apart by ear and by the smallest network
CHIRPS = {"yes": (500.0, 1500.0), "no": (1500.0, 500.0), "up": (2500.0, 2500.0), "bed": (300.0, 300.0)}
# their hashes put 8 into training, 2 into validation and 2 into test (splits.split_speakers, holdout 0.1)
SPEAKERS = tuple("ben chul doro emil greta hana ivan jin kim lars max mina".split())
CLIPS_EACH = 2  # of a word by a speaker

MakeWordsFolder = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def hanmadi_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Always on: HANMADI_CACHE is a temporary folder, so that no test touches the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANMADI_CACHE", str(folder))
        yield folder


def tone(word: str, speaker: str, take: int) -> Samples:
    """A "spoken word": a chirp of half a second at a pitch and level of the speaker's own, in faint noise."""
    rng = np.random.default_rng([take, *f"{word}/{speaker}".encode()])
    voice = np.random.default_rng(list(speaker.encode()))
    low, high = np.array(CHIRPS[word]) * voice.uniform(0.9, 1.1)
    length = RATE // 2
    frequency = np.linspace(low, high, length)
    sound = np.sin(2 * np.pi * np.cumsum(frequency) / RATE) * np.hanning(length) * voice.uniform(0.2, 0.6)
    start = int(rng.integers(0, RATE - length))
    samples = 0.003 * rng.standard_normal(RATE)
    samples[start : start + length] += sound
    return samples.astype(np.float32)


def hiss(seed: int, seconds: float) -> NDArray[np.float32]:
    """A noise recording: white noise under a slow hum."""
    rng = np.random.default_rng(seed)
    n = round(RATE * seconds)
    return (0.02 * rng.standard_normal(n) + 0.02 * np.sin(np.arange(n) * (seed + 1) / 50)).astype(np.float32)


def _make_words_folder(
    folder: Path,
    *,
    words: Sequence[str] = tuple(CHIRPS),
    speakers: Sequence[str] = SPEAKERS,
    clips_each: int = CLIPS_EACH,
    noises: int = 3,
    noise_seconds: float = 3.0,
    suffix: str = ".wav",
) -> Path:
    for word in words:
        (folder / word).mkdir(parents=True)
        for speaker in speakers:
            for take in range(clips_each):
                path = folder / word / f"{speaker}_nohash_{take}{suffix}"
                soundfile.write(path, tone(word, speaker, take), RATE)
    for i in range(noises):
        (folder / "_background_noise_").mkdir(exist_ok=True)
        soundfile.write(folder / "_background_noise_" / f"hiss_{i}.wav", hiss(i, noise_seconds), RATE)
    return folder


@pytest.fixture(scope="session")
def tone_words() -> tuple[str, ...]:
    """The keywords of `words_folder`; the folder holds ``bed`` as well, which is to become ``unknown``."""
    return KEYWORDS


@pytest.fixture(scope="session")
def make_words_folder() -> MakeWordsFolder:
    """Function that writes a folder of made-up words; a test that changes files makes its own.

    ``make_words_folder(folder, words=..., speakers=..., clips_each=2, noises=3, noise_seconds=3.0, suffix=".wav")``
    returns the folder; words are among yes, no, up, bed.
    """
    return _make_words_folder


@pytest.fixture(scope="session")
def words_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: yes, no, up and bed, 12 speakers, 2 clips each (96), 16 kHz, three noises, no official lists."""
    return _make_words_folder(tmp_path_factory.mktemp("words") / "tones")


@pytest.fixture(scope="session")
def store(words_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    """The clip store of `words_folder`, 16 kHz, one second."""
    return build_store(FolderSource(words_folder), tmp_path_factory.mktemp("stores") / "tones", sample_rate=RATE)


@pytest.fixture(scope="session")
def labels(tone_words: tuple[str, ...]) -> LabelSet:
    """yes, no, up, unknown, silence."""
    return make_labels(tone_words)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings: $HANMADI_SHARED/data or ../shared/data; the test is skipped without it."""
    shared = Path(os.environ.get("HANMADI_SHARED") or REPOSITORY.parent / "shared")
    if not (shared / "data" / "speech_commands").is_dir():
        pytest.skip("real recordings (../shared/data) are not here")
    return shared / "data"


@pytest.fixture(scope="session")
def run(words_folder: Path, tone_words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished training of the default network on `words_folder`, long enough that its answers vary."""
    from hanmadi.training.train import train

    out = tmp_path_factory.mktemp("runs") / "tones"
    return train(words_folder, words=tone_words, epochs=60, seed=1, out=out)


@pytest.fixture(scope="session")
def recognizer(run: Run) -> Recognizer:
    """The recogniser of `run`."""
    return run.load()
