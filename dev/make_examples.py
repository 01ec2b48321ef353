"""Make the example clips of the web page: synthetic speech, small FLAC files, and their list.

    python dev/make_examples.py      # writes src/hanmadi/web/static/examples/

Each word is said by some voices at some paces, and the one of which the shipped model `small` is surest is taken:
an example is to show how the page works, it is no test of the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from hanmadi import audio
from hanmadi.data.sources.espeak import synthesise
from hanmadi.inference.recognizer import Recognizer, load

FOLDER = Path(__file__).resolve().parents[1] / "src" / "hanmadi" / "web" / "static" / "examples"
RATE = 16_000  # Hz
PEAK = 0.5
QUIET_S = 0.15  # before and after the word
VOICES = tuple(
    f"gmw/{accent}+{who}" for who in ("f2", "m3", "f4", "m1", "m7", "f1") for accent in ("en-US", "en", "en-GB-x-rp")
)
RATES_WPM = (130, 150, 170)
KOREAN = ("ko+f2", "ko+f4", "ko+m3")
# id, what is said, language
WORDS = (
    ("yes", "yes", "en"), ("no", "no", "en"), ("up", "up", "en"), ("down", "down", "en"), ("left", "left", "en"),
    ("right", "right", "en"), ("on", "on", "en"), ("off", "off", "en"), ("stop", "stop", "en"), ("go", "go", "en"),
    ("seven", "seven", "en"), ("annyeong", "안녕", "ko"),
)  # fmt: skip


def say(text: str, voice: str, rate_wpm: int) -> audio.Samples:
    """A word with a little quiet around it, at RATE."""
    sound = synthesise(text, voice=voice, rate_wpm=rate_wpm)
    samples = audio.resample(sound.samples, sound.sample_rate, RATE)
    return np.pad(samples * PEAK / np.abs(samples).max(), round(QUIET_S * RATE)).astype(np.float32)


def choose(recognizer: Recognizer, text: str, language: str) -> tuple[audio.Samples, str]:
    """The voice and pace of which the model is surest."""
    voices = KOREAN if language == "ko" else VOICES
    wanted = text if text in recognizer.labels else "unknown"
    said = [(say(text, voice, pace), f"{voice}, {pace} words a minute") for voice in voices for pace in RATES_WPM]
    return max(said, key=lambda pair: score(recognizer, pair[0], wanted))


def score(recognizer: Recognizer, samples: audio.Samples, wanted: str) -> float:
    """How sure the model is of the label that it should give."""
    heard = recognizer.predict(samples, sample_rate=RATE, top=len(recognizer.labels))
    return next(found.score for found in heard.top if found.label == wanted)


def main() -> None:
    recognizer = load("small")
    FOLDER.mkdir(parents=True, exist_ok=True)
    listed: list[dict[str, Any]] = []
    for name, text, language in WORDS:
        samples, voice = choose(recognizer, text, language)
        soundfile.write(FOLDER / f"{name}.flac", audio.to_int16(samples), RATE, subtype="PCM_16")
        heard = recognizer.predict(samples, sample_rate=RATE)
        listed.append({
            "id": name, "label": text, "language": language, "seconds": round(len(samples) / RATE, 3),
            "voice": voice, "file": f"{name}.flac",
        })  # fmt: skip
        print(f"{text}: {voice}, heard as {heard.label} {heard.score:.0%}")
    (FOLDER / "examples.json").write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(path.stat().st_size for path in FOLDER.iterdir()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
