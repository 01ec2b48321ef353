"""Speech synthesis offline: the espeak-ng library through ctypes.

espeak-ng keeps hidden state between calls (noise generator, phase of the voice's flutter), so the same call
gives other samples each time. Here every call loads the library afresh, seeds it, and unloads it again: 1 ms
more a word, and the same arguments give the same samples in every process. (Where the system keeps a library
in memory, as musl does, what differs is as little as between two periods of noise.)
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import re
import shutil
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from hanmadi.audio import Samples, Sound, from_int16
from hanmadi.errors import AudioError, MissingExtraError

MAX_TEXT: Final = 100  # characters; espeak has fixed buffers, and a word is short
MAX_SECONDS: Final = 30.0  # a hundred digits read as a number would take minutes
ACCENTS: Final = {
    "en": (
        "gmw/en-US", "gmw/en", "gmw/en-US-nyc", "gmw/en-029",
        "gmw/en-GB-scotland", "gmw/en-GB-x-gbclan", "gmw/en-GB-x-gbcwmd", "gmw/en-GB-x-rp",
    ),
    "ko": ("ko",),
}  # fmt: skip
ENDINGS: Final = (".", "?", "!", ",")  # the melody: statement, question, call, going on

_SYNCHRONOUS: Final = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, no thread, no sound card
_DONT_EXIT: Final = 0x8000  # espeakINITIALIZE_DONT_EXIT: an error is a return value, not the end of Python
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_CHARACTERS, _UTF8 = 1, 1  # positions count characters; no SSML (0x10), no [[phonemes]] (0x100)
_MAX_DATA_PATH: Final = 100  # bytes; longer ones are cut inside espeak, whose buffer has 160
_SILENT: Final = 1e-3  # -60 dB: what espeak leaves before and after a word
_VOICE: Final = re.compile(r"(?P<language>[\w/-]+)(\+(?P<variant>[\w-]+))?", re.ASCII)
# a word and what holds it together; all else is punctuation, markup, or a symbol that espeak would name aloud
_INERT: Final = re.compile(r"[^\w\s'’-]|_")

_lock = threading.Lock()  # espeak is one set of global variables
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def synthesise(
    text: str,
    *,
    voice: str = "gmw/en-US",
    rate_wpm: int = 160,
    pitch: int = 50,
    pitch_range: int = 50,
    ending: str = ".",
    seed: int = 0,
) -> Sound:
    """Say ``text``: samples (n,) float32 in [-1, 1] at espeak's own rate, without the silence around them.

    ``voice`` is an id of `voices`; ``rate_wpm`` 80 to 450 words a minute; ``pitch`` and ``pitch_range`` 0 to
    99, 50 being the voice's own; ``ending`` one of ENDINGS; ``seed`` chooses the noise in consonants and
    breath. Punctuation and markup in ``text`` are not read. The same arguments give the same samples.

    Raises AudioError for a text without anything to say or over 100 characters, an unknown voice, a value out
    of range, or a voice that cannot say it; MissingExtraError if espeakng-loader is not installed.
    """
    for name, value, low, high in (("rate_wpm", rate_wpm, 80, 450), ("pitch", pitch, 0, 99),
                                   ("pitch_range", pitch_range, 0, 99)):  # fmt: skip
        if not low <= value <= high:
            raise AudioError(f"expected {name} from {low} to {high}, got {value}")
    if ending not in ENDINGS:
        raise AudioError(f"expected an ending among {' '.join(ENDINGS)}, got {ending!r}")
    spoken = clean_text(text)
    _check_voice(voice)
    with _engine(seed) as (library, samples_of):
        _choose_voice(library, voice)
        for parameter, value in ((_RATE, rate_wpm), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        sound = samples_of(spoken + ending)
    trimmed = _trim(sound.samples)
    if len(trimmed) == 0:
        raise AudioError(f"{voice}: says nothing for {text!r}; choose another voice or another spelling")
    return Sound(trimmed, sound.sample_rate)


def phonemes(text: str, *, voice: str = "gmw/en-US") -> str:
    """How espeak would say ``text``, in its own phoneme letters: equal for words that sound the same."""
    spoken = clean_text(text)
    _check_voice(voice)
    with _engine(0) as (library, _):
        _choose_voice(library, voice)
        pointer = ctypes.c_char_p(spoken.encode())
        clauses = []
        while pointer.value:
            clauses.append(library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, 0).decode())
    return " ".join(clauses).strip()


def voices(language: str = "en") -> list[str]:
    """Voice ids of a language ("en" or "ko"): every accent, plain and with each installed variant.

    Raises AudioError for another language.
    """
    if language not in ACCENTS:
        raise AudioError(f"expected a language among {', '.join(ACCENTS)}, got {language!r}")
    endings = ["", *(f"+{name}" for name in variants())]
    return [accent + ending for accent in ACCENTS[language] for ending in endings]


@cache
def variants() -> tuple[str, ...]:
    """Names of the installed voice variants, sorted; those with a space in the name are left out."""
    names = (file.name for file in (_data_folder() / "voices" / "!v").iterdir())
    return tuple(sorted(name for name in names if re.fullmatch(r"[\w-]+", name, re.ASCII)))


def version() -> str:
    """Version of the espeak-ng library, such as 1.52.0."""
    with _lock:
        library = ctypes.CDLL(_loader().get_library_path())
        try:
            library.espeak_Info.restype = ctypes.c_char_p
            return str(library.espeak_Info(None).decode())
        finally:
            _unload(library)


def clean_text(text: str) -> str:
    """What of ``text`` is spoken: words, digits, apostrophes, hyphens; one space between.

    Raises AudioError if nothing is left or it is longer than MAX_TEXT.
    """
    spoken = " ".join(_INERT.sub(" ", unicodedata.normalize("NFC", text)).split())
    if not any(character.isalnum() for character in spoken):
        raise AudioError(f"expected a word to say, got {text[:MAX_TEXT]!r}; write it in letters")
    if len(spoken) > MAX_TEXT:
        raise AudioError(f"expected at most {MAX_TEXT} characters to say, got {len(spoken)}; give one word")
    return spoken


def _check_voice(voice: str) -> None:
    """espeak takes an unknown variant in silence and speaks without it, so it is looked up here."""
    parts = _VOICE.fullmatch(voice)
    if parts is None or (parts["variant"] and parts["variant"] not in variants()):
        raise AudioError(f"{voice!r}: no such voice; hanmadi.data.sources.espeak.voices() lists them")


def _choose_voice(library: Any, voice: str) -> None:
    language, plus, variant = voice.partition("+")
    if library.espeak_SetVoiceByName((language.lower() + plus + variant).encode()) != 0:
        raise AudioError(f"{voice!r}: no such voice; hanmadi.data.sources.espeak.voices() lists them")


@contextlib.contextmanager
def _engine(seed: int) -> Iterator[tuple[Any, Any]]:
    """A freshly loaded espeak and a function text -> Sound; one at a time in a process."""
    with _lock:
        parent, path = _data_parent(), _loader().get_library_path()
        library = _declare(ctypes.CDLL(path))
        try:
            # 0: the callback gets blocks of espeak's own choice
            sample_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, parent.encode(), _DONT_EXIT)
            if sample_rate <= 0:
                raise AudioError(f"espeak-ng does not start with {parent}; reinstall espeakng-loader")
            library.espeak_ng_SetRandSeed(seed)
            yield library, lambda text: _say(library, text, sample_rate)
        finally:
            library.espeak_Terminate()
            _unload(library)


def _say(library: Any, text: str, sample_rate: int) -> Sound:
    blocks: list[bytes] = []
    limit = int(MAX_SECONDS * sample_rate)

    def keep(samples: int | None, count: int, _: int | None) -> int:
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, 2 * count))
        return int(sum(map(len, blocks)) > 2 * limit)  # 1 stops the synthesis

    callback = _Callback(keep)  # this name keeps it alive while espeak holds its address
    library.espeak_SetSynthCallback(callback)
    coded = text.encode() + b"\0"
    if library.espeak_Synth(coded, len(coded), 0, _CHARACTERS, 0, _UTF8, None, None) != 0:
        raise AudioError(f"espeak-ng cannot say {text!r}")
    library.espeak_Synchronize()
    samples = np.frombuffer(b"".join(blocks), np.int16)
    if len(samples) > limit:
        raise AudioError(f"{text[:20]!r}...: takes more than {MAX_SECONDS:g} s to say; give one word")
    return Sound(from_int16(samples), sample_rate)


def _trim(samples: Samples) -> Samples:
    """Without the silence before and after; empty if all is silent."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]


def _declare(library: Any) -> Any:
    """Argument types: without them ctypes passes 64-bit addresses and sizes as 32-bit numbers."""
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    library.espeak_TextToPhonemes.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library


def _unload(library: Any) -> None:
    import _ctypes  # ctypes itself has no way to unload

    release = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary  # type: ignore[attr-defined,unused-ignore]
    release(library._handle)


def _loader() -> Any:
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingExtraError("tts", "speech synthesis") from error
    return espeakng_loader


def _data_folder() -> Path:
    return Path(_loader().get_data_path())


@cache
def _data_parent() -> str:
    """The folder that holds ``espeak-ng-data``: a small temporary one of links to the installed files.

    Its path is short, which espeak's buffers need. And it lists the few languages used here under lower-case
    names, which espeak finds at once; else it reads all 140 voice files for ``en-US``, 8 ms each time.
    """
    short = Path(tempfile.mkdtemp(prefix="esp"))
    atexit.register(_remove, short, os.getpid())
    data = _data_folder()
    if len(str(short / data.name).encode()) > _MAX_DATA_PATH:
        raise AudioError(f"{short}: too long a path for espeak-ng; set TMPDIR to a short one such as /tmp")
    try:
        _link_data(data, short / data.name)
    except OSError:  # Windows lets only some users make links
        shutil.rmtree(short / data.name, ignore_errors=True)
        shutil.copytree(data, short / data.name)
    return str(short)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child ends earlier, and the folder is not its own
        shutil.rmtree(folder, ignore_errors=True)


def _link_data(data: Path, target: Path) -> None:
    target.mkdir()
    for entry in data.iterdir():
        if entry.name != "lang":
            (target / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    for language in (voice for accents in ACCENTS.values() for voice in accents):
        link = target / "lang" / language.lower()
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(data / "lang" / language)
