"""Exported C: it compiles without a warning, and answers and decides as the model file does."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanmadi import audio, load
from hanmadi.card import Card, Decisions
from hanmadi.data.store import ClipStore
from hanmadi.export import c as c_export
from hanmadi.export.graph import features_of, read_network
from hanmadi.export.targets import C_LIMIT, c_scores
from hanmadi.features import compute, mel_filters
from hanmadi.inference.decisions import DecisionConfig, decide
from hanmadi.inference.model_file import Bundle, open_bundle
from hanmadi.inference.recognizer import SHIPPED_FOLDER, shipped
from hanmadi.inference.stream import listen, tail
from hanmadi.labels import LabelSet

STRICT = ("-O2", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) is here")


def write_sources(folder: Path, bundle: Bundle) -> Path:
    for file, text in c_export.sources(bundle).items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def compiled(folder: Path, bundle: Bundle) -> Path:
    """A folder with a model's C, compiled as ``hear`` with every warning an error."""
    write_sources(folder, bundle)
    command = ["cc", *STRICT, "-o", "hear", "hanmadi_model.c", "hanmadi_speech.c", "example.c", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("c"), load("tiny").bundle)


def hear(folder: Path, sound: np.ndarray, *options: str) -> list[list[str]]:
    done = subprocess.run([folder / "hear", *options], input=sound.tobytes(), capture_output=True, check=True)
    return [line.split() for line in done.stdout.decode().splitlines()]


@needs_compiler
@pytest.mark.parametrize("name", shipped())
def test_real_words_get_the_same_scores(name: str, shared_data: Path, tmp_path: Path) -> None:
    model = load(name)
    folder = shared_data / "speech_commands"
    names = (folder / "testing_list.txt").read_text().split()[::6]
    sounds = [audio.read((folder / name).with_suffix(".flac")) for name in names]
    clips = [audio.to_clip(sound, sample_rate=model.sample_rate, length=model.clip_samples) for sound in sounds]
    coded = audio.to_int16(np.stack(clips))
    compare(name, coded, tmp_path, least_labels=10)


@needs_compiler
@pytest.mark.parametrize("name", shipped())
def test_made_up_words_get_the_same_scores(name: str, store: ClipStore, tmp_path: Path) -> None:
    model = load(name)
    sounds = audio.from_int16(store.samples(np.arange(0, len(store), 6)))
    clips = np.stack([audio.resample(s, store.sample_rate, model.sample_rate)[: model.clip_samples] for s in sounds])
    compare(name, audio.to_int16(clips), tmp_path, least_labels=2)


def compare(name: str, clips: np.ndarray, folder: Path, *, least_labels: int) -> None:
    expected = load(name).scores(audio.from_int16(clips))
    assert len(np.unique(expected.argmax(axis=1))) >= least_labels, "one answer to all would pass anything"
    found = c_scores(write_sources(folder, load(name).bundle), clips)
    np.testing.assert_allclose(found, expected, atol=C_LIMIT)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@needs_compiler
def test_loud_and_silent_sounds(tiny: Path) -> None:
    n = 16_000
    rng = np.random.default_rng(0)
    clips = np.stack([np.zeros(n), np.full(n, -32768), rng.integers(-32768, 32768, n)]).astype(np.int16)
    found = np.array(hear(tiny, clips, "--clips"), float)
    np.testing.assert_allclose(found, load("tiny").scores(audio.from_int16(clips)), atol=C_LIMIT)


@needs_compiler
@pytest.mark.parametrize("name", ["tiny", "small_8k"])
def test_a_recording_is_heard_as_predict_hears_it(name: str, store: ClipStore, tmp_path: Path) -> None:
    """A word across a second boundary, beside a knock: one line, of the second that holds it."""
    model = load(name)
    folder, rate = compiled(tmp_path, model.bundle), model.sample_rate
    knock = np.exp(-25 * np.arange(rate // 8) / rate) * np.sin(2 * np.pi * 60 * np.arange(rate // 8) / rate)
    found, expected, others = [], [], []
    for seed, row in enumerate(range(0, 96, 12)):
        rng = np.random.default_rng(seed)
        sound = rng.normal(0, 1e-3, 3 * rate + 123)
        sound[rate // 20 :][: len(knock)] += 0.9 * knock
        word = audio.resample(audio.from_int16(store.samples(np.array([row]))[0]), store.sample_rate, rate)
        sound[int(rng.integers(rate // 2, 3 * rate // 2)) :][: len(word)] += word
        coded = audio.to_int16(np.clip(sound, -1, 1))
        (line,) = hear(folder, coded)
        found.append(np.array(line, float))
        scores = dict(model.predict(coded, sample_rate=rate, top=len(model.labels)).top)
        expected.append([scores[label] for label in model.labels])
        clips = hear(folder, coded, "--clips")
        assert len(clips) == 4
        others.append(np.array(clips[:3], float))
    np.testing.assert_allclose(found, expected, atol=C_LIMIT)
    missed = [np.abs(other - scores).max(axis=1).min() for other, scores in zip(others, expected, strict=True)]
    assert np.median(missed) > 10 * C_LIMIT, "whole seconds must not have answered the same"


@needs_compiler
def test_what_is_no_recording_of_a_word_is_refused(tiny: Path) -> None:
    longest = np.zeros(60 * 16_000, np.int16)
    assert len(hear(tiny, longest)) == 1
    for sound, options, words in (
        (np.zeros(len(longest) + 1, np.int16), (), "60 s at most"),
        (np.zeros(0, np.int16), (), "got none"),
        (longest, ("--clip",), "--clips or --live, got: --clip;"),
        (longest, ("--live", "on"), "got: --live on;"),
    ):
        run = subprocess.run([tiny / "hear", *options], input=sound.tobytes(), capture_output=True, check=False)
        assert run.returncode in (1, 2)
        assert run.stdout == b""
        assert words in run.stderr.decode()


@needs_compiler
def test_it_decides_as_listening_does(store: ClipStore, tmp_path: Path) -> None:
    model, hop = load("tiny"), 1_600
    config = DecisionConfig(threshold=0.15, thresholds={"no": 0.1, "up": 1.0}, refractory_s=0.7)
    bundle = replace(model.bundle, about=replace(model.about, decisions=Decisions(**vars(config))))
    sound = store.samples(np.arange(0, 96, 3)).reshape(-1)
    lines = hear(compiled(tmp_path, bundle), sound, "--live")
    assert len(lines) == len(sound) // hop + len(tail(model, config, sample_rate=model.sample_rate)) // hop
    scores = np.array([line[:12] for line in lines], float)
    heard = [(i, line[12]) for i, line in enumerate(lines) if len(line) > 12]
    times = hop * np.arange(1, len(lines) + 1) / model.sample_rate
    expected = decide(times, scores, model.labels, config, hop_s=0.1)
    assert len(expected) >= 3
    assert heard == [(int(np.flatnonzero(times == found.time_s)[0]), found.label) for found in expected]
    sure = {(found.label, round(found.time_s, 6)) for found in expected if 1 < found.time_s < len(sound) / 16_000}
    listened = {(d.label, round(d.time_s, 6)) for d in listen(model, [sound], config=config, recording=True)}
    assert len(sure) >= 2
    assert sure <= listened, "but for the noise before and after the sound, it is the same"


@needs_compiler
def test_a_short_clip_is_heard_between_silence_and_a_file_is_refused(tiny: Path, store: ClipStore) -> None:
    model, clip = load("tiny"), store.samples(np.array([5]))[0][2_000:13_001]
    found = np.array(hear(tiny, clip), float)
    expected = model.scores(
        audio.fit_length(audio.from_int16(clip), model.clip_samples, sample_rate=model.sample_rate)[None]
    )
    np.testing.assert_allclose(found, expected, atol=C_LIMIT)
    assert hear(tiny, clip, "--clips") == hear(tiny, clip)
    for head in (b"RIFF", b"fLaC", b"OggS"):
        for options in ((), ("--clips",), ("--live",)):
            run = subprocess.run([tiny / "hear", *options], input=head + bytes(9), capture_output=True, check=False)
            assert (run.returncode, run.stdout) == (1, b"")
            assert b"ffmpeg" in run.stderr


@needs_compiler
def test_frames_that_were_kept_give_the_same(tiny: Path, store: ClipStore, tmp_path: Path) -> None:
    """hanmadi_frame_int16 and hanmadi_network, for who keeps the frames of a stream."""
    (tmp_path / "kept.c").write_text(r"""
#include "hanmadi_model.h"
#include <stdio.h>
static int16_t samples[HANMADI_CLIP_SAMPLES];
static float workspace[HANMADI_WORKSPACE_FLOATS], features[HANMADI_MELS * HANMADI_FRAMES], mels[HANMADI_MELS];
int main(void)
{
    float scores[HANMADI_LABELS];
    if (fread(samples, sizeof samples[0], HANMADI_CLIP_SAMPLES, stdin) != HANMADI_CLIP_SAMPLES)
        return 1;
    for (int i = 0; i < HANMADI_FRAMES; i++) {
        hanmadi_frame_int16(samples + i * HANMADI_FRAME_HOP, workspace, mels);
        for (int m = 0; m < HANMADI_MELS; m++)
            features[m * HANMADI_FRAMES + i] = mels[m];
    }
    for (int i = 0; i < HANMADI_MELS * HANMADI_FRAMES; i++)
        printf("%.9g ", (double)features[i]);
    hanmadi_network(features, workspace, scores);
    for (int i = 0; i < HANMADI_LABELS; i++)
        printf("%.9g ", (double)scores[i]);
    return 0;
}
""")
    command = [
        "cc",
        *STRICT,
        f"-I{tiny}",
        "-o",
        tmp_path / "hear",
        tmp_path / "kept.c",
        tiny / "hanmadi_model.c",
        "-lm",
    ]
    subprocess.run(command, check=True)
    clip = store.samples(np.array([5]))
    model = load("tiny")
    found = np.array(hear(tmp_path, clip)[0], float)
    expected = compute(audio.from_int16(clip), features_of(model.bundle))[0].reshape(-1)
    np.testing.assert_allclose(found[:-12], expected, atol=2e-3)
    np.testing.assert_allclose(found[-12:], np.array(hear(tiny, clip)[0], float), atol=1e-7)


def test_the_header_tells_what_one_has_to_know() -> None:
    bundle = open_bundle(SHIPPED_FOLDER / "small_8k.onnx")
    header = c_export.sources(bundle)["hanmadi_model.h"]
    assert "#define HANMADI_SAMPLE_RATE 8000" in header
    assert "#define HANMADI_LABELS 12" in header
    assert "#define HANMADI_WORDS 10" in header
    assert "CC BY 4.0" in header
    features = features_of(bundle)
    floats = sum(c_export.workspace_floats(features, read_network(bundle.path, features.shape)))
    assert f"{4 * floats:,} bytes, given by the caller" in header
    assert "@" not in header


def test_mel_filters_without_their_zeros() -> None:
    filters = mel_filters(features_of(open_bundle(SHIPPED_FOLDER / "tiny.onnx")))
    firsts, counts, weights = c_export._sparse(filters)
    whole, place = np.zeros_like(filters), 0
    for row, first, count in zip(whole, firsts, counts, strict=True):
        row[first : first + count] = weights[place : place + count]
        place += count
    np.testing.assert_array_equal(whole, filters)
    assert place == len(weights) < filters.size / 10


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1e-6, 3.4e38, 1 / 3, 123456.789])
def test_numbers_are_read_as_they_were(value: float) -> None:
    text = c_export._number(value)
    assert text.endswith("f")
    assert "." in text
    assert np.float32(text[:-1]) == np.float32(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hey yes_1-a", '"hey yes_1-a"'), ('a"b', '"a\\042b"'), ("예1", '"\\354\\230\\2101"'),
        ("x??/", '"x\\077\\077\\057"'),
        ("\\", '"\\134"'), ("a\nb", '"a\\012b"'), ("%s@X@", '"\\045s\\100X\\100"'),
    ],
)  # fmt: skip
def test_words_of_any_writing_are_c_strings(text: str, expected: str) -> None:
    assert c_export._string(text) == expected


@pytest.mark.parametrize(
    "text", ["*/ int x; /*", "a*??/\n/ int x;", "a \\", "??/", "\u202e*/", "//*", "x\0y", ["a", "*/"], None]
)
def test_what_a_card_says_stays_in_its_comment(text: object) -> None:
    found = c_export._comment(text)
    assert not set(found) & set("*\\?\n\0\u202e")


def hostile(bundle: Bundle) -> Bundle:
    """A model of somebody who would like to run code."""
    code = '*/ int stolen = system("touch stolen"); /* ??/\n \\'
    labels = ["yes", "??)", 'x"', '"};int stolen;', "%n%s", "<b>", "@ARRAYS@", "예", *bundle.labels.labels[8:]]
    card = bundle.card | {
        "labels": labels, "architecture": bundle.card["architecture"] | {"name": code},
        "data": {"licence": code, "attribution": code, "source": code},
    }  # fmt: skip
    return replace(bundle, about=Card.from_dict(card), labels=LabelSet(tuple(labels)))


CPP = r"""
#include "hanmadi_model.h"
#include <cstdio>
#include <cstring>
static float clip[HANMADI_CLIP_SAMPLES], work[HANMADI_WORKSPACE_FLOATS], scores[HANMADI_LABELS];
static hanmadi_decider decider;
int main()
{
    hanmadi_begin(&decider);
    hanmadi_scores(clip, work, scores);
    for (int i = 0; i < HANMADI_LABELS; i++)
        std::printf("%s\n", hanmadi_labels[i]);
    return hanmadi_decide(&decider, scores) < -1;
}
"""


@needs_compiler
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler (c++) is here")
@pytest.mark.parametrize("changed", [lambda bundle: bundle, hostile], ids=["shipped", "hostile"])
@pytest.mark.parametrize("standard", ["c99", "c11", "gnu99"])
def test_it_is_linked_from_cpp(changed, standard: str, tmp_path: Path) -> None:
    """Compiled as C and called from C++, as a sketch for an Arduino does, whatever a label or a card says."""
    bundle = changed(load("tiny").bundle)
    write_sources(tmp_path, bundle)
    (tmp_path / "sketch.cpp").write_text(CPP)
    strict = ("-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
    for command in (
        ["cc", f"-std={standard}", *strict, "-c", "hanmadi_model.c"],
        ["cc", f"-std={standard}", *strict, "-c", "hanmadi_speech.c", "example.c"],
        ["c++", *strict, "sketch.cpp", "hanmadi_model.o", "-lm", "-o", "sketch"],
    ):  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    found = subprocess.run([tmp_path / "sketch"], capture_output=True, check=True).stdout.decode()
    assert tuple(found.splitlines()) == bundle.labels.labels
    for name in ("hanmadi_model.h", "hanmadi_model.c"):
        command = ["cc", "-fpreprocessed", "-E", "-P", name]  # without its comments
        assert b"system" not in subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
