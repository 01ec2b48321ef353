"""What the lessons need: data, quick mode, figures with alt text, sounds, text with numbers, checked exercises.

In a notebook figures, sounds and text are shown. Run as a plain program a lesson prints them, and with ``--out DIR``
writes figures and sounds there. Options of every lesson, and the same from the environment:

    --data SRC   HANMADI_DATA    recordings instead of synthetic speech: a folder or a course .npz
    --out DIR    HANMADI_OUT     where figures (.png) and sounds (.wav) go
                 HANMADI_QUICK   1: fewer clips, less training; to see that a lesson runs
                 HANMADI_LANG    en or ko: language of fixed phrases; that of the lesson otherwise
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from hanmadi import audio
from hanmadi.data.scan import Note
from hanmadi.data.sources.choose import open_source
from hanmadi.data.store import ClipStore, Recording, Source, cached_store
from hanmadi.errors import HanmadiError
from hanmadi.labels import SILENCE, UNKNOWN, normal_word, word_key
from hanmadi.lessons.exercises import Exercise as Exercise
from hanmadi.lessons.exercises import Wrong
from hanmadi.lessons.exercises import type_of as type_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXERCISES: Final[list[Exercise]] = []  # every `check` of this process, in order
FIGURES: Final[list[str]] = []  # alt text of every `show`
SOUNDS: Final[list[str]] = []  # label of every `listen`
QUICK_CLIPS: Final = 600  # of a store in quick mode
LOUDEST: Final = 0.5  # peak of what `listen` plays: headphones may be on
_FIGURE_DPI: Final = 110


# ---- how the lesson was started ----


def quick() -> bool:
    """Whether the lesson is to run fast, with less data and training: HANMADI_QUICK=1."""
    return os.environ.get("HANMADI_QUICK", "0") not in ("", "0")


def _option(name: str) -> str | None:
    """``--name VALUE`` of the command line, else HANMADI_NAME; a notebook has only the latter."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(f"--{name}")
    given = None if in_notebook() else getattr(parser.parse_known_args(sys.argv[1:])[0], name)
    return given or os.environ.get(f"HANMADI_{name.upper()}") or None


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def _language(*texts: str) -> str:
    """``ko`` or ``en``: HANMADI_LANG, else ``ko`` where one of the texts has Hangul."""
    chosen = os.environ.get("HANMADI_LANG")
    if chosen in ("en", "ko"):
        return chosen
    return "ko" if re.search("[\uac00-\ud7a3]", " ".join(texts)) else "en"


# ---- data ----


@dataclass(frozen=True)
class Portion:
    """Some words of a source, and at most so many of its clips, spread over the words as they are in it."""

    source: Source
    words: tuple[str, ...] | None  # None: all; otherwise these, in this order
    others: bool  # the other words too, after those
    most: int | None  # clips; None: all

    @property
    def name(self) -> str:
        """The name of the recordings that these clips were chosen from."""
        return self.source.name

    @property
    def licence(self) -> str | None:
        """The licence of the recordings that these clips were chosen from."""
        return self.source.licence

    def fingerprint(self) -> str:
        """From the source and what is taken of it."""
        facts = ("portion-2", self.source.fingerprint(), self.words, self.others, self.most)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]

    def recordings(self) -> Iterator[Recording]:
        """The chosen ones: first those of ``words``, then the others."""
        by_word: dict[str, list[Recording]] = {word: [] for word in self.words or ()}
        chosen = {word_key(word): word for word in self.words or ()}
        for recording in self.source.recordings():
            word = chosen.get(word_key(recording.word), normal_word(recording.word))
            if self.words is None or self.others or word in self.words:
                by_word.setdefault(word, []).append(recording)
        total = sum(map(len, by_word.values()))
        share = 1.0 if self.most is None else min(1.0, self.most / max(1, total))
        for word, found in by_word.items():
            keep = max(1, round(share * len(found))) if found else 0
            order = np.random.default_rng(list(word.encode())).permutation(len(found))
            yield from (found[i] for i in sorted(order[:keep]))

    def noises(self) -> Iterator[Recording]:
        """The noise recordings, which are not reduced as the words are."""
        return self.source.noises()

    def notes(self) -> Sequence[Note]:
        """The notes on the source of these clips."""
        return self.source.notes()


def lesson_data(
    *,
    words: Iterable[str] | None = None,
    seconds: float = 1.0,
    sample_rate: int = 16_000,
    most: int | None = None,
    others: bool = False,
) -> ClipStore:
    """The clips that a lesson works on: synthetic speech, or what ``--data`` (HANMADI_DATA) names.

    words: those to take, None for all there are (of synthetic speech: the course's ten and others). With ``others``
    the remaining words come as well, after them. Where a source of the reader's lacks one of ``words``, its most
    frequent words take their place, as many: so ``store.words[:n]`` are the words, whatever they are.
    most: clips at most, in quick mode `QUICK_CLIPS`. The store is kept in the cache.
    Raises DataError for a source that is none, MissingExtraError without ``[tts]`` where speech is to be made.
    """
    wanted = None if words is None else tuple(map(normal_word, words))
    data = _option("data")
    source = open_source(data, words=wanted)
    if wanted is not None and data is not None:
        wanted = _words_there(source, wanted)
    if quick():
        most = min(most or QUICK_CLIPS, QUICK_CLIPS)
    whole = most is None and (wanted is None or (others and data is None))
    # the whole source is what `hanmadi train` keeps in the cache as well
    chosen = source if whole else Portion(source, wanted, others, most)
    return cached_store(chosen, sample_rate=sample_rate, seconds=seconds)


def _words_there(source: Source, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """``wanted`` if the source has them all, else as many of its own, the most frequent first."""
    counts = Counter(normal_word(recording.word) for recording in source.recordings())
    if set(map(word_key, wanted)) <= set(map(word_key, counts)):
        return wanted
    for label in (UNKNOWN, SILENCE):
        del counts[label]
    return tuple(word for word, _ in counts.most_common(len(wanted)))


# ---- showing ----


def show(figure: Figure, alt: str) -> None:
    """Show a figure with its text alternative ``alt``: what a person who cannot see it has to know.

    Raises HanmadiError if ``alt`` is too short to say anything.
    """
    if len(alt.strip()) < 12 or " " not in alt.strip():
        raise HanmadiError(f"expected alt text that says what the figure shows, got {alt!r}")
    FIGURES.append(alt)
    _close(figure)
    if in_notebook():
        from IPython.display import Image, display

        from hanmadi.plots.style import figure_png

        display(Image(figure_png(figure, _FIGURE_DPI), format="png", alt=alt))
        return
    place = _keep_figure(figure)
    print(f"[{_phrase(alt, 'figure', '그림')}{place}] {alt}")


def listen(samples: ArrayLike, sample_rate: int, label: str, *, keep_level: bool = False) -> None:
    """A player for samples (n,) or (n, channels) at ``sample_rate`` Hz, with its ``label``.

    What is louder than half of full scale is turned down to it, unless ``keep_level``. Rates below 8 kHz are
    resampled without adding anything, as a sound card does. Raises AudioError for samples that are no sound.
    """
    sound = np.asarray(samples)
    sound = audio.as_float(sound if sound.dtype == np.int16 else sound.astype(np.float32))
    peak = float(np.abs(sound).max()) if sound.size else 0.0
    SOUNDS.append(label)
    gain = 1.0 if keep_level else min(1.0, LOUDEST / max(peak, 1e-9))
    coded = audio.wav_bytes(sound * np.float32(gain), sample_rate=sample_rate)
    if in_notebook():
        from IPython.display import HTML, display

        display(HTML(_player(coded, label)))
        return
    if folder := _option("out"):
        from hanmadi.files import write_bytes

        write_bytes(Path(folder) / f"{_lesson_name()}-sound-{len(SOUNDS)}.wav", coded)
    seconds = len(sound) / sample_rate
    word, unit = _phrase(label, "sound", "소리"), _phrase(label, "s", "초")
    print(f"[{word}] {label} ({seconds:.2f} {unit}, {sample_rate} Hz, peak {peak:.2f})")


def say(markdown: str) -> None:
    """Text in Markdown, so that numbers in it can come from the run: ``say(f"It is **{rate} Hz**.")``."""
    if in_notebook():
        from IPython.display import Markdown, display

        display(Markdown(markdown))
    else:
        print(re.sub(r"\*\*|`", "", markdown))


def _phrase(text: str, english: str, korean: str) -> str:
    return korean if _language(text) == "ko" else english


def _keep_figure(figure: Figure) -> str:
    """Write the figure where ``--out`` says; returns its number for the printed line."""
    folder = _option("out")
    if folder is None:
        return ""
    from hanmadi.plots.style import save_figure

    Path(folder).mkdir(parents=True, exist_ok=True)
    save_figure(figure, Path(folder) / f"{_lesson_name()}-{len(FIGURES)}.png", dpi=_FIGURE_DPI)
    return f" {len(FIGURES)}"


def _close(figure: Figure) -> None:
    """Forget a figure of pyplot, which would keep it, and show it a second time in a notebook."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)


def _lesson_name() -> str:
    return Path(sys.argv[0]).stem or "lesson"


def _player(wav: bytes, label: str) -> str:
    name, data = html.escape(label, quote=True), base64.b64encode(wav).decode()
    return (
        f'<figure class="sound"><figcaption>{name}</figcaption>'
        f'<audio controls preload="none" aria-label="{name}" src="data:audio/wav;base64,{data}"></audio></figure>'
    )


# ---- exercises ----


def check(
    name: str,
    answer: Any,
    right: Any,
    *,
    tolerance: float | None = None,
    wrong: Wrong | None = None,
    hint: str = "",
    unit: str = "",
) -> None:
    """Say whether an answer is right and, if not, what is wrong with it.

    answer: ``...`` until the reader fills it in. right: a number, text, bool, tuple or array of numbers, or a function
    without arguments that gives it. tolerance: largest difference that still counts as right; otherwise 0 for whole
    numbers, 1 % for others. wrong: messages for answers that people are likely to give. unit: of a number.
    Raises HanmadiError for an exercise that contradicts itself, such as a wrong answer that is right.
    """
    language = _language(hint, *(wrong or {}).values())
    value = right() if callable(right) else right
    exercise = Exercise(name, value, tolerance, dict(wrong or {}), hint, unit, language)
    EXERCISES.append(exercise)
    say(exercise.feedback(answer).text)
