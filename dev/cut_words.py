"""Cut single words out of transcribed speech, by forced alignment, into a folder that `hanmadi train --data` reads.

    pip install pocketsphinx
    python dev/cut_words.py SPEECH OUT [--words on,off,...] [--others 8] [--context]

SPEECH holds LibriSpeech's layout, any part of it: `transcripts.tsv` (utterance, text) beside
`<speaker>/<utterance>.flac`, or the official `<speaker>/<chapter>/<speaker>-<chapter>.trans.txt` beside the .flac
files. OUT gets
`<word>/<speaker>_nohash_<n>.flac`: the words named, every time they are said, and of every other word at most so many;
and `cuts.tsv`, which says where each clip was. A word is cut with 50 ms before and after it and faded, so that its
neighbours are not heard; with --context, a second around it is cut as it was said.

Words at which the acoustic model is unsure, and those shorter than 120 ms or longer than 1 s, are left out. Words that
its dictionary lacks are spelled by rule, so that the others of their utterance can be aligned.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hanmadi import audio
from hanmadi.audio import Samples
from hanmadi.files import csv_text, write_text

RATE: Final = 16_000  # Hz
FRAMES_PER_S: Final = 100  # of the aligner
SHORTEST_S, LONGEST_S = 0.12, 1.0
MARGIN_S: Final = 0.05
UNSURE: Final = 2.0  # so much below the median of its utterance, a word is left out: about one in forty
CLIP_S: Final = 1.0
KEYWORDS: Final = "yes no up down left right on off stop go".split()
# how letters sound more often than not, longest first; enough to align the words beside one
_SPELLED: Final = {
    "tion": "SH AH N", "ough": "AO", "igh": "AY", "tch": "CH", "sch": "SH", "ee": "IY", "ea": "IY", "oo": "UW",
    "ou": "AW", "ow": "OW", "ai": "EY", "ay": "EY", "oa": "OW", "au": "AO", "aw": "AO", "ie": "IY", "ei": "EY",
    "th": "TH", "sh": "SH", "ch": "CH", "ph": "F", "wh": "W", "ck": "K", "ng": "NG", "qu": "K W", "gh": "G", "kn": "N",
    "wr": "R", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH",
    "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W",
    "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_PIECES: Final = re.compile("|".join(_SPELLED))


@dataclass(frozen=True)
class Spoken:
    """A word where it was said."""

    word: str
    start_s: float
    end_s: float
    score: float  # natural logarithm of the acoustic model's likelihood, a frame


def utterances(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every recording of the speech with what is said in it, in small letters."""
    if (folder / "transcripts.tsv").exists():
        for line in (folder / "transcripts.tsv").read_text(encoding="utf-8").splitlines():
            name, text = line.split("\t")
            yield folder / name.split("-")[0] / f"{name}.flac", text.lower()
        return
    for file in sorted(folder.rglob("*.trans.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, text = line.split(" ", 1)
            yield file.with_name(f"{name}.flac"), text.lower()


def pronunciation(word: str, known: Mapping[str, str]) -> str:
    """Phones of a word that the dictionary lacks: that of its stem, or by rule."""
    for ending, phones in (("'s", " Z"), ("s'", ""), ("'", "")):
        if word.endswith(ending) and (stem := known.get(word.removesuffix(ending))):
            return stem + phones
    return " ".join(_SPELLED[piece] for piece in _PIECES.findall(word)) or "AH"


class Aligner:
    """Where the words of a text are in a recording."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(lm=None, samprate=RATE, loglevel="FATAL")

    def __call__(self, samples: Samples, text: str) -> list[Spoken]:
        """Words in order; none where the text does not fit the sound."""
        words = text.split()
        for word in set(words):
            if self._decoder.lookup_word(word) is None:
                stem = word.removesuffix("'s")
                known = {stem: found} if (found := self._decoder.lookup_word(stem)) else {}
                self._decoder.add_word(word, pronunciation(word, known), True)
        self._decoder.set_align_text(" ".join(words))
        self._hear(samples)
        return [
            Spoken(
                re.sub(r"\(\d+\)$", "", part.word), part.start_frame / FRAMES_PER_S,
                (part.end_frame + 1) / FRAMES_PER_S,
                math.log(max(part.ascore, sys.float_info.min)) / (part.end_frame + 1 - part.start_frame),
            )
            for part in self._decoder.seg() or () if part.word[0] not in "<["
        ]  # fmt: skip

    def phones(self, samples: Samples) -> list[tuple[str, int, int]]:
        """Phones of what was aligned last, heard again: name, first frame and number of frames."""
        self._decoder.set_alignment()
        self._hear(samples)
        words = self._decoder.get_alignment() or ()
        return [(phone.name, phone.start, phone.duration) for word in words for phone in word]

    def _hear(self, samples: Samples) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(audio.to_int16(samples).tobytes(), full_utt=True)
        self._decoder.end_utt()


def cut(samples: Samples, spoken: Spoken, *, context: bool) -> Samples:
    """A clip of a second with the word in its middle."""
    middle, length = round((spoken.start_s + spoken.end_s) / 2 * RATE), round(CLIP_S * RATE)
    around = np.pad(samples, length)[middle + length // 2 : middle + length // 2 + length]
    if context:
        return around
    half = round(((spoken.end_s - spoken.start_s) / 2 + MARGIN_S) * RATE)
    place = np.abs(np.arange(length) - length // 2)
    fade = np.clip((half - place) / (MARGIN_S * RATE), 0, 1)
    return (around * np.sin(fade * np.pi / 2) ** 2).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--words", default=",".join(KEYWORDS), help="every time they are said")
    parser.add_argument("--others", type=int, default=8, help="clips of every other word, at most")
    parser.add_argument("--context", action="store_true", help="a second as it was said, neighbours included")
    options = parser.parse_args()
    cut_all(options.speech, options.out, options.words.split(","), options.others, context=options.context)


def cut_all(speech: Path, out: Path, wanted: Sequence[str], others: int, *, context: bool) -> None:
    align, counts, rows, failed = Aligner(), Counter[str](), [], 0
    for file, text in utterances(speech):
        sound = audio.read(file)
        samples = audio.resample(audio.to_mono(sound.samples, sound.sample_rate), sound.sample_rate, RATE)
        try:
            found = align(samples, text)
        except RuntimeError:  # the text does not fit
            failed += 1
            continue
        failed += not found
        sure = float(np.median([spoken.score for spoken in found])) if found else 0.0
        for spoken in found:
            seconds = spoken.end_s - spoken.start_s
            most = None if spoken.word in wanted else others
            if not SHORTEST_S <= seconds <= LONGEST_S or spoken.score < sure - UNSURE:
                continue
            if most is not None and counts[spoken.word] >= most:
                continue
            name = f"{spoken.word}/{file.stem.split('-')[0]}_nohash_{counts[spoken.word]}.flac"
            counts[spoken.word] += 1
            audio.write(out / name, cut(samples, spoken, context=context), sample_rate=RATE)
            rows.append((name, file.stem, f"{spoken.start_s:.2f}", f"{spoken.end_s:.2f}", f"{spoken.score:.2f}"))
    write_text(out / "cuts.tsv", csv_text([("clip", "utterance", "start_s", "end_s", "score"), *rows]))
    kept = {word: counts[word] for word in wanted}
    print(f"{out}: {sum(counts.values())} clips of {len(counts)} words, {failed} utterances failed; {kept}")


if __name__ == "__main__":
    main()
