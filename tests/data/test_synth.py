"""Synthetic speech: the engine (`espeak.py`) and the corpus (`synth.py`)."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hanmadi import audio
from hanmadi.data.sources import espeak, synth
from hanmadi.data.sources.espeak import ACCENTS, phonemes, synthesise, voices
from hanmadi.data.sources.folder import FolderSource
from hanmadi.data.sources.synth import (  # fmt: skip
    OTHER_WORDS,
    SPEAKERS,
    SynthSource,
    check_folder_names,
    coloured_noise,
    language_of,
    place,
    write_corpus,
)
from hanmadi.errors import AudioError, DataError, LabelError, MissingExtraError

try:
    import espeakng_loader
except ImportError:
    espeakng_loader = None
needs_espeak = pytest.mark.skipif(espeakng_loader is None, reason="espeakng-loader is not installed")


def digest(sound: audio.Sound) -> str:
    return hashlib.sha256(sound.samples.tobytes()).hexdigest()


def clips(source: SynthSource) -> dict[str, str]:
    return {recording.name: digest(recording.load()) for recording in source.recordings()}


# --- engine -----------------------------------------------------------------------------------------------


@needs_espeak
def test_speech_is_sound() -> None:
    said = synthesise("seven")
    assert said.sample_rate == 22_050
    assert said.samples.dtype == np.float32
    assert 0.25 < said.seconds < 0.8
    assert 0.1 < np.abs(said.samples).max() <= 1
    assert np.abs(said.samples[[0, -1]]).min() > 0  # the silence around it is gone


@needs_espeak
@pytest.mark.parametrize("voice", ["gmw/en-US+f2", "gmw/en+klatt4", "gmw/en-GB-scotland+adam", "ko+croak"])
def test_the_same_call_gives_the_same_samples_whatever_came_before(voice: str) -> None:
    first = digest(synthesise("stop", voice=voice))
    for other in ("gmw/en+f5", "ko", "gmw/en-US+anika"):
        synthesise("something else", voice=other, rate_wpm=300, pitch=90)
    assert digest(synthesise("stop", voice=voice)) == first


@needs_espeak
def test_another_process_gives_the_same_samples() -> None:
    program = (
        "import hashlib; from hanmadi.data.sources.espeak import synthesise; "
        "print(hashlib.sha256(synthesise('stop', voice='gmw/en-US+f2', seed=7).samples.tobytes()).hexdigest())"
    )
    here = digest(synthesise("stop", voice="gmw/en-US+f2", seed=7))
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


@needs_espeak
def test_every_argument_is_heard() -> None:
    variations = [
        {}, {"voice": "gmw/en+m3"}, {"rate_wpm": 120}, {"pitch": 70}, {"pitch_range": 90}, {"seed": 1},
        {"ending": "?"},
    ]  # fmt: skip
    said = [digest(synthesise("stop", **{"voice": "gmw/en+f3", **change})) for change in variations]  # type: ignore
    assert len(set(said)) == len(said)


@needs_espeak
def test_slow_speech_is_longer_and_high_speech_is_higher() -> None:
    slow, fast = synthesise("seven", rate_wpm=90), synthesise("seven", rate_wpm=250)
    assert slow.seconds > 1.3 * fast.seconds

    def fundamental(pitch: int) -> float:
        said = synthesise("all", pitch=pitch, pitch_range=0)
        middle = said.samples[len(said.samples) // 3 :][:2048].astype(float)
        likeness = np.correlate(middle, middle, "full")[2047:]
        return said.sample_rate / (50 + int(np.argmax(likeness[50:400])))

    assert fundamental(90) > 1.4 * fundamental(10)


@needs_espeak
def test_every_voice_of_every_speaker_speaks_in_its_own_way() -> None:
    plain = digest(synthesise("seven"))  # what espeak says for a variant that it does not find
    said = {name: synthesise("seven", voice=f"gmw/en-US+{name}") for names in SPEAKERS.values() for name in names}
    assert len({digest(sound) for sound in said.values()} | {plain}) == len(said) + 1
    for name, sound in said.items():
        assert 0.15 < sound.seconds < 1, name
        assert np.abs(sound.samples).max() > 0.05, name


@needs_espeak
@pytest.mark.parametrize("word", ["stop", "happy", "five"])
def test_every_voice_repeats_itself(word: str) -> None:
    """A voice that takes noise from outside espeak (Reed does, from C's rand()) has no place in a corpus."""
    names = [name for names in SPEAKERS.values() for name in names]
    once = [digest(synthesise(word, voice=f"gmw/en+{name}")) for name in names]
    again = [digest(synthesise(word, voice=f"gmw/en+{name}")) for name in reversed(names)][::-1]
    assert [name for name, a, b in zip(names, once, again, strict=True) if a != b] == []


@needs_espeak
def test_accents_differ() -> None:
    assert len({digest(synthesise("dance more", voice=voice)) for voice in ACCENTS["en"]}) == len(ACCENTS["en"])


@needs_espeak
def test_voices_lists_what_can_be_used() -> None:
    assert {"gmw/en-US", "gmw/en-US+f3", "gmw/en+m1"} <= set(voices("en"))
    assert voices("ko")[0] == "ko"
    assert all(name in espeak.variants() for names in SPEAKERS.values() for name in names)
    with pytest.raises(AudioError, match="expected a language among en, ko"):
        voices("de")


@needs_espeak
@pytest.mark.parametrize(
    "text", [*'yes!?| yes |yes...|"yes"|(yes)|_yes_|yes\x00|yes\n|😀yes|#yes%|[[yes]]|<yes/>|&yes;'.split("|")]
)
def test_punctuation_and_markup_are_not_read(text: str) -> None:
    assert digest(synthesise(text)) == digest(synthesise("yes"))


@needs_espeak
@pytest.mark.parametrize("text", ["", " ", "...", "😀", "<>", "\x00", "'", "-"])
def test_nothing_to_say(text: str) -> None:
    with pytest.raises(AudioError, match="expected a word to say"):
        synthesise(text)


@needs_espeak
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"text": "a" * 101}, "at most 100 characters"),
        ({"text": "9 " * 50}, "more than 1 s to say"),
        ({"voice": "xx"}, "no such voice"),
        ({"voice": "gmw/en+nobody"}, "no such voice"),
        ({"voice": "gmw/en+../../lang/ko"}, "no such voice"),
        ({"voice": ""}, "no such voice"),
        ({"rate_wpm": 79}, "rate_wpm from 80 to 450, got 79"),
        ({"pitch": 100}, "pitch from 0 to 99"),
        ({"pitch_range": -1}, "pitch_range from 0 to 99"),
        ({"ending": "x"}, "expected an ending"),
    ],
)
def test_bad_arguments(change: dict[str, object], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "MAX_SECONDS", 1.0)
    with pytest.raises(AudioError, match=why):
        synthesise(**{"text": "yes", **change})  # type: ignore[arg-type]
    assert synthesise("yes").seconds > 0.2  # and the engine still works


@needs_espeak
def test_threads_do_not_disturb_each_other() -> None:
    jobs = [("stop", f"gmw/en+{name}") for name in ("f1", "m3", "klatt4", "anika")] * 5
    alone = [digest(synthesise(text, voice=voice)) for text, voice in jobs[:4]] * 5
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda job: digest(synthesise(job[0], voice=job[1])), jobs)) == alone


@needs_espeak
def test_phonemes_tell_words_that_sound_the_same() -> None:
    assert phonemes("no") == phonemes("know") != phonemes("now")
    assert phonemes("네", voice="ko") == phonemes("네!", voice="ko") != phonemes("나", voice="ko")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError, match=r'pip install "hanmadi\[tts\]"'):
        espeak.version()


@needs_espeak
@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_data_behind_a_long_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, links: bool) -> None:
    """espeak cuts a path at 160 bytes and then finds nothing."""
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path(), target_is_directory=True)
    expected = digest(synthesise("yes", voice="ko+f2"))
    monkeypatch.setattr(espeak, "_data_folder", lambda: deep / "espeak-ng-data")
    if not links:
        monkeypatch.setattr(Path, "symlink_to", _not_allowed)
    espeak._data_parent.cache_clear()
    try:
        assert len(espeak._data_parent()) < 60
        assert digest(synthesise("yes", voice="ko+f2")) == expected
    finally:
        espeak._data_parent.cache_clear()


def _not_allowed(*_: object, **__: object) -> None:
    raise OSError("a required privilege is not held by the client")


@needs_espeak
def test_a_long_temporary_folder_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ("t" * 100)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("t" * 100)))
    espeak._data_parent.cache_clear()
    try:
        with pytest.raises(AudioError, match="set TMPDIR"):
            synthesise("yes")
    finally:
        espeak._data_parent.cache_clear()


@needs_espeak
def test_the_library_is_unloaded() -> None:
    synthesise("yes")
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc on this system")
    assert "libespeak" not in maps.read_text()


# --- corpus -----------------------------------------------------------------------------------------------

YES_NO = SynthSource(words=("yes", "no"), clips_per_word=3, clips_per_other=0)


@needs_espeak
def test_a_corpus_is_the_same_each_time_and_depends_on_the_seed() -> None:
    assert clips(YES_NO) == clips(YES_NO)
    other = SynthSource(words=("yes", "no"), clips_per_word=3, clips_per_other=0, seed=1)
    assert set(clips(YES_NO).values()).isdisjoint(clips(other).values())
    assert YES_NO.fingerprint() == SynthSource(("yes", "no"), 3, clips_per_other=0).fingerprint()
    assert YES_NO.fingerprint() != other.fingerprint()


@needs_espeak
def test_a_word_is_said_the_same_whichever_words_are_beside_it() -> None:
    alone = clips(SynthSource(words=("no",), clips_per_word=3, clips_per_other=0))
    assert alone.items() <= clips(YES_NO).items()


@needs_espeak
def test_the_clips_of_a_word_are_varied_and_sound() -> None:
    source = SynthSource(words=("stop",), clips_per_word=2 * len(SPEAKERS), clips_per_other=0)
    recordings = list(source.recordings())
    assert len({recording.name for recording in recordings}) == 2 * len(SPEAKERS)
    assert {recording.speaker for recording in recordings} == set(SPEAKERS)
    sounds = [recording.load() for recording in recordings]
    assert len({digest(sound) for sound in sounds}) == len(sounds)
    assert len({sound.sample_rate for sound in sounds}) == 5  # five lengths of the vocal tract
    for recording, sound in zip(recordings, sounds, strict=True):
        assert 1.0 <= sound.seconds < 1.5, recording.name
        assert 0.05 < np.abs(sound.samples).max() < 0.999, recording.name  # neither faint nor clipped
        assert audio.rms(sound.samples) > 0.005, recording.name
        assert np.abs(sound.samples[:200]).max() > 0, recording.name  # a noise floor, not digital silence


@needs_espeak
def test_a_speaker_has_its_own_variants_only() -> None:
    assert len(SPEAKERS) == 48
    owner = {name: speaker for speaker, names in SPEAKERS.items() for name in names}
    assert len(owner) == sum(map(len, SPEAKERS.values()))  # no variant belongs to two speakers
    recordings = list(SynthSource(words=("yes",), clips_per_word=2 * len(SPEAKERS), clips_per_other=0).recordings())
    assert all(owner[r.load.__self__.voice.split("+")[1]] == r.speaker for r in recordings)  # type: ignore


@needs_espeak
def test_names_and_words() -> None:
    source = SynthSource(words=("yes",), clips_per_word=16)
    recordings = list(source.recordings())
    assert [recording.word for recording in recordings[:16]] == ["yes"] * 16
    assert recordings[0].name.startswith("yes/en")
    others = [recording.word for recording in recordings[16:]]
    assert set(others) == set(OTHER_WORDS["en"])
    assert len(others) == 2 * len(set(others))  # an eighth each
    assert all(recording.split is None for recording in recordings)


@needs_espeak
def test_recordings_can_go_to_another_process() -> None:
    recording = next(YES_NO.recordings())
    assert digest(pickle.loads(pickle.dumps(recording)).load()) == digest(recording.load())


@needs_espeak
def test_other_words_neither_are_nor_sound_like_a_keyword() -> None:
    others = SynthSource(words=("knows", "Tree", "won")).other_words
    assert not {"nose", "tree", "one"} & set(others)
    assert len(others) == len(OTHER_WORDS["en"]) - 3


@needs_espeak
def test_korean_and_mixed_words() -> None:
    assert [language_of(word) for word in ("네", "yes", "ㅋ", "OK네", "да")] == ["ko", "en", "ko", "ko", "en"]
    mixed = SynthSource(words=("네", "yes"), clips_per_word=2, clips_per_other=1)
    voices_used = [r.name.split("/")[1].split("+")[0] for r in mixed.recordings()]
    assert voices_used[:2] == ["ko", "ko"]
    assert voices_used[2].startswith("en")
    assert set(mixed.other_words) == {*OTHER_WORDS["ko"], *OTHER_WORDS["en"]}
    forced = SynthSource(words=("yes",), clips_per_word=1, clips_per_other=0, language="ko")
    assert next(forced.recordings()).name.startswith("yes/ko+")


def test_other_words_are_many_and_single() -> None:
    assert len(OTHER_WORDS["en"]) >= 60
    assert len(OTHER_WORDS["ko"]) >= 40
    for language, words in OTHER_WORDS.items():
        assert len(set(words)) == len(words)
        assert {language_of(word) for word in words} == {language}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"words": ()}, LabelError),
        ({"words": ("yes", "yes")}, LabelError),
        ({"words": ("yes", "!")}, AudioError),
        ({"words": ("yes",), "clips_per_word": 0}, DataError),
        ({"words": ("yes",), "clips_per_other": -1}, DataError),
        ({"words": ("yes",), "seed": -1}, DataError),
        ({"words": ("yes",), "language": "fr"}, DataError),
    ],
)
def test_a_source_is_checked_when_it_is_made(fields: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        SynthSource(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("length", "centre", "before"), [(100, 0.5, 45), (100, 0.0, 0), (100, 1.0, 90), (4, 0.5, 0)])
def test_place(length: int, centre: float, before: int) -> None:
    placed = place(np.ones(10, np.float32), length=length, centre=centre)
    assert len(placed) == max(10, length)
    assert np.flatnonzero(placed).tolist() == list(range(before, before + 10))


# --- noise ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "db_per_octave"), [(0.0, 0), (-0.5, -3), (-1.0, -6)])
def test_noise_falls_off_as_it_should(slope: float, db_per_octave: float) -> None:
    noise = coloured_noise(1 << 16, rng=np.random.default_rng(0), slope=slope)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[1_000:2_000].mean(), power[8_000:16_000].mean()  # three octaves apart
    assert 10 * np.log10(high / low) == pytest.approx(3 * db_per_octave, abs=0.5)
    assert audio.rms(noise) == pytest.approx(1, rel=1e-3)


@needs_espeak
def test_noises_are_long_distinct_and_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    noises = list(YES_NO.noises())
    assert len({noise.name for noise in noises}) == len(noises) == 12
    monkeypatch.setattr(synth, "NOISE_SECONDS", 3.0)
    sounds = [noise.load() for noise in noises]
    assert len({digest(sound) for sound in sounds}) == 12
    for noise, sound, again in zip(noises, sounds, YES_NO.noises(), strict=True):
        assert noise.word == "_background_noise_"
        assert sound.seconds == synth.NOISE_SECONDS
        assert np.abs(sound.samples).max() == pytest.approx(0.5)
        assert digest(sound) == digest(again.load()), noise.name


@needs_espeak
def test_hum_is_at_the_mains_frequency() -> None:
    hum = next(noise for noise in YES_NO.noises() if "hum" in noise.name).load()
    spectrum = np.abs(np.fft.rfft(hum.samples))
    strongest = np.argmax(spectrum) / hum.seconds
    assert min(abs(strongest / mains - round(strongest / mains)) for mains in (50, 60)) < 0.02


# --- files ------------------------------------------------------------------------------------------------


@needs_espeak
def test_a_written_corpus_reads_back_with_its_speakers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "NOISE_SECONDS", 1.0)
    monkeypatch.setitem(synth.OTHER_WORDS, "en", ("cat", "dog"))  # type: ignore[arg-type]
    source = SynthSource(words=("네", "yes"), clips_per_word=60, clips_per_other=1, language="en")
    seen: list[int] = []
    report = write_corpus(source, tmp_path / "a" / "corpus", progress=seen.append)
    assert report[:5] == (tmp_path / "a" / "corpus", 4, 122, len(SPEAKERS), 12)
    assert seen == list(range(1, 135))
    back = list(FolderSource(report.folder).recordings())
    assert [recording.speaker for recording in back if recording.word == "yes"].count("f3") in (1, 2)
    assert {recording.speaker for recording in back} == set(SPEAKERS)
    assert {recording.word for recording in back} == {"네", "yes", "cat", "dog"}
    assert len(list(FolderSource(report.folder).noises())) == 12
    assert back[0].load().sample_rate == 16_000
    assert list((tmp_path / "a").iterdir()) == [report.folder]  # no temporary folder is left


@needs_espeak
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool) -> None:
    if exists:
        (tmp_path / "corpus").mkdir()

    def interrupt(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_corpus(YES_NO, tmp_path / "corpus", progress=interrupt)
    assert [p.name for p in tmp_path.rglob("*")] == (["corpus"] if exists else [])


@pytest.mark.parametrize("kind", ["file", "full"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "corpus"
    if kind == "full":
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    else:
        target.write_text("mine")
    with pytest.raises(DataError, match="expected a new or an empty folder"):
        write_corpus(YES_NO, target)
    assert (target / "mine.txt" if kind == "full" else target).read_text() == "mine"


@pytest.mark.parametrize(
    "word",
    [
        *("", " ", "..", ".", "../up", "a/b", "a\\b", "/abs", "C:", "a\0b", "a\nb", "a ", "a.", "a*"),
        *("_background_noise_", ".hidden", "x" * 61, "가" * 21),
    ],
)
def test_words_that_cannot_name_a_folder(word: str) -> None:
    with pytest.raises(LabelError, match=r"folder|at most 60 bytes"):
        check_folder_names((word,))


def test_words_that_differ_by_capitals_only() -> None:
    with pytest.raises(LabelError, match="more than capitals"):
        check_folder_names(("Yes", "yes"))
    check_folder_names(("yes", "네", "hey computer", "don't", "x" * 60))
