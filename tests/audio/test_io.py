"""Sound files in and out, and everything a sound file can have wrong with it."""

from __future__ import annotations

import io
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi import audio
from hanmadi.audio import Samples, Sound, wav
from hanmadi.errors import AudioError, WriteError

RATES = (8_000, 11_025, 22_050, 44_100, 48_000)


def noisy_tone(n: int = 16_000, rate: int = 16_000) -> Samples:
    rng = np.random.default_rng(0)
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / rate) + 0.01 * rng.standard_normal(n)).astype(np.float32)


TONE = noisy_tone()


def flac_promising(frames: int) -> bytes:
    """A FLAC of one second whose STREAMINFO block promises another number of samples (36 bits)."""
    packed = io.BytesIO()
    soundfile.write(packed, TONE, 16_000, format="FLAC")
    data = bytearray(packed.getvalue())
    data[21] = (data[21] & 0xF0) | frames >> 32
    data[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "subtype", "bits"),
    [
        ("a.wav", "PCM_U8", 8), ("a.wav", "PCM_16", 16), ("a.wav", "PCM_24", 24), ("a.wav", "PCM_32", 32),
        ("a.wav", "FLOAT", 32), ("a.wav", "DOUBLE", 64), ("a.wav", "ULAW", 8), ("a.flac", "PCM_16", 16),
        ("a.flac", "PCM_24", 24),
    ],
)  # fmt: skip
def test_every_depth_reads_and_tells_its_bits(tmp_path: Path, name: str, subtype: str, bits: int) -> None:
    soundfile.write(tmp_path / name, TONE, 16_000, subtype=subtype)
    sound = audio.read(tmp_path / name)
    assert sound.samples.dtype == np.float32
    assert sound.samples == pytest.approx(TONE, abs=0.03 if bits == 8 else 1e-4)
    assert audio.facts(tmp_path / name).bits == bits


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.ogg", ("OGG", "VORBIS")), ("a.opus", ("OGG", "OPUS")), ("a.MP3", ("MP3", "MPEG_LAYER_III"))],
)
def test_lossy_codings_read(tmp_path: Path, name: str, kind: tuple[str, str]) -> None:
    soundfile.write(tmp_path / name, TONE, 16_000, format=kind[0], subtype=kind[1])
    sound = audio.read(tmp_path / name)
    assert len(sound.samples) == 16_000
    assert audio.rms(sound.samples) == pytest.approx(audio.rms(TONE), rel=0.1)
    assert audio.facts(tmp_path / name).bits is None


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channels_become_a_clip(tmp_path: Path, rate: int, channels: int) -> None:
    tone = noisy_tone(rate, rate)
    soundfile.write(tmp_path / "a.wav", np.stack([tone] * channels, axis=1), rate)
    sound = audio.read(tmp_path / "a.wav")
    assert sound.samples.shape == ((rate,) if channels == 1 else (rate, channels))
    assert sound.seconds == 1.0
    clip = audio.to_clip(sound, sample_rate=16_000, length=16_000)
    assert clip.shape == (16_000,)
    assert np.argmax(np.abs(np.fft.rfft(clip))) == 440  # Hz, one a bin: the pitch is kept


# as recorders leave them: killed, streaming, counting the header as sound, preallocating
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 32_044, 2_000_000])
@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF, None])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_wav_that_was_never_closed_is_read_to_its_end(
    tmp_path: Path, size: int, riff: int | None, endian: str
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 16_000, subtype="PCM_16", endian=endian)
    whole = audio.read(path)
    data, order = bytearray(path.read_bytes()), "big" if endian == "BIG" else "little"
    place = data.find(b"data") + 4
    data[place : place + 4] = size.to_bytes(4, order)
    data[4:8] = (size + place - 4 & 0xFFFFFFFF if riff is None else riff).to_bytes(4, order)
    path.write_bytes(data)
    found = audio.read(path)
    np.testing.assert_array_equal(found.samples, whole.samples)
    assert found.missing == {32_044: 22, 2_000_000: 984_000}.get(size, 0)
    np.testing.assert_array_equal(np.concatenate(list(audio.blocks(path, frames=999)[1]))[:, 0], whole.samples)
    assert path.read_bytes() == data, "the file stays as it is"


# a recorder that writes its sizes now and then, and is killed between
@pytest.mark.parametrize("size", [2, 101, 1_600, 16_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_wav_whose_size_is_far_too_small_is_read_to_its_end(tmp_path: Path, size: int, subtype: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 16_000, subtype=subtype)
    whole, data = audio.read(path), bytearray(path.read_bytes())
    place = data.find(b"data") + 4
    data[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    np.testing.assert_array_equal(audio.read(path).samples, whole.samples)
    found = np.concatenate(list(audio.blocks(path, frames=999)[1]))[:, 0]
    np.testing.assert_array_equal(found, whole.samples)
    with open(path, "rb") as file:
        header = wav.read_header(file.read(wav.HEAD_BYTES), file)
        assert header is not None
        piped = np.concatenate(list(wav.stream(file, header, seconds=0.1)))[:, 0]
    np.testing.assert_allclose(piped, whole.samples, atol=1e-6)


@pytest.mark.parametrize(
    "after",
    [b"LIST" + (8_000).to_bytes(4, "little") + b"INFO" + b"\xff" * 7_996, b"id3 " + (4_001).to_bytes(4, "little")
     + b"\xfe" * 4_001, bytes(10_000), b"ID3\x04" + b"\xaa" * 9_000, b"<?xml version='1.0'?>" * 500,
     b"TAG" + b"\xc3" * 125, b"\xfe\x01" * 100],
)  # fmt: skip
def test_what_follows_the_sound_is_not_heard(tmp_path: Path, after: bytes) -> None:
    """Chunks, titles, text, zeros, a few odd bytes."""
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 16_000, subtype="PCM_16")
    whole = audio.read(path)
    with open(path, "ab") as file:
        file.write(after)
    np.testing.assert_array_equal(audio.read(path).samples, whole.samples)
    with open(path, "rb") as file:
        header = wav.read_header(file.read(wav.HEAD_BYTES), file)
        assert header is not None
        assert sum(map(len, wav.stream(file, header, seconds=0.1))) == len(whole.samples)


@pytest.mark.parametrize("size", [0, 10**9])
def test_an_rf64_that_was_never_closed_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 16_000, format="RF64", subtype="PCM_24")
    whole, data = audio.read(path), bytearray(path.read_bytes())
    place = data.find(b"ds64") + 8
    data[place : place + 24] = 3 * size.to_bytes(8, "little")
    path.write_bytes(data)
    np.testing.assert_array_equal(audio.read(path).samples, whole.samples)


@pytest.mark.parametrize(("name", "head"), [("a b.m4a", b"\0\0\0\x20ftypM4A "), ("a.wav", b"\x1aE\xdf\xa3webm....")])
def test_a_sound_of_another_kind_comes_with_the_line_that_converts_it(tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head + bytes(100))
    with pytest.raises(AudioError, match=r"convert it with: ffmpeg -i .* -vn .*flac"):
        audio.read(tmp_path / name)
    (tmp_path / "a.txt").write_text("no sound")
    with pytest.raises(AudioError, match=r"libsndfile reads$"):
        audio.read(tmp_path / "a.txt")


def test_an_empty_wav_with_a_title_has_no_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE[:0], 16_000)
    with open(tmp_path / "a.wav", "ab") as file:
        file.write(b"LIST\x0c\0\0\0INFOINAM\0\0\0\0")
    with pytest.raises(AudioError, match="without samples"):
        audio.read(tmp_path / "a.wav")


def test_a_wav_of_half_the_length_is_read_and_tells_what_is_missing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([TONE, TONE], axis=1), 16_000, subtype="PCM_24")
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[: len(data) // 2])
    found = audio.read(tmp_path / "a.wav")
    assert len(found.samples) + found.missing == 16_000
    assert found.missing == pytest.approx(8_000, abs=10)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.opus", "a.mp3"])
def test_a_compressed_file_cut_short_is_refused(tmp_path: Path, name: str, share: float) -> None:
    whole = tmp_path / name
    kind = {"a.opus": ("OGG", "OPUS"), "a.ogg": ("OGG", "VORBIS")}.get(name, (None, None))
    soundfile.write(whole, TONE, 16_000, format=kind[0], subtype=kind[1])
    data = whole.read_bytes()
    whole.write_bytes(data[: int(share * len(data))])
    with pytest.raises(AudioError, match=name):
        audio.read(whole)


def test_an_mp3_without_a_count_is_not_suspected(tmp_path: Path) -> None:
    """Its length is then guessed from the size, far too long; that is no promise."""
    path = tmp_path / "a.mp3"
    swell = np.random.default_rng(0).standard_normal(48_000) * np.linspace(0, 0.6, 48_000) ** 4
    soundfile.write(path, swell, 16_000)
    data = path.read_bytes()
    path.write_bytes(data[data.find(data[:2], 4) :])  # the first frame holds the count
    assert soundfile.info(path).frames > 100_000
    assert len(audio.read(path).samples) >= 48_000


def test_an_mp3_with_a_tag_keeps_its_promise(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, TONE, 16_000)
    tag = b"ID3\x03\x00\x00" + bytes((0, 0, 2, 10)) + bytes(266)
    data = tag + path.read_bytes()
    path.write_bytes(data)
    assert len(audio.read(path).samples) == 16_000
    path.write_bytes(data[:3_000])
    with pytest.raises(AudioError, match="promises"):
        audio.read(path)


def test_a_flac_that_asks_for_256_gib_is_refused_without_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_promising(2**36 - 1))
    tracemalloc.start()
    try:
        with pytest.raises(AudioError):
            audio.read(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_a_flac_of_unknown_length_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_promising(0))
    with pytest.raises(AudioError, match="does not tell the length"):
        audio.read(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(tmp_path: Path, bad: float) -> None:
    samples = TONE.copy()
    samples[100] = bad
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN or infinity"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="NaN or infinity"):
        audio.write(tmp_path / "b.wav", samples, sample_rate=16_000)
    assert not (tmp_path / "b.wav").exists()


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.raw", "a"])
def test_text_is_not_sound(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no sound at all\n" * 200)
    with pytest.raises(AudioError, match="not a sound file") as caught:
        audio.read(tmp_path / name)
    assert "does not exist" not in str(caught.value)


def test_things_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    for name, message in [("gone.wav", "no such file"), ("empty.wav", "is empty"), ("pipe.wav", "no plain file")]:
        with pytest.raises(AudioError, match=message):
            audio.read(tmp_path / name)
    with pytest.raises(AudioError, match="found a folder"):
        audio.read(tmp_path)


def test_a_header_without_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE[:0], 16_000)
    with pytest.raises(AudioError, match="without samples"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 16_000)
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(AudioError, match="may not be read"):
        audio.read(tmp_path / "a.wav")


def test_permission_denied_has_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 16_000)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(AudioError, match="may not be read"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["예.wav", "café ☕.flac", b"\xff\xfe.wav"])
def test_any_file_name(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    soundfile.write(tmp_path / f"plain{path.suffix}", TONE, 16_000)
    (tmp_path / f"plain{path.suffix}").rename(path)
    assert len(audio.read(path).samples) == 16_000


def test_too_long_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 16_000)
    assert audio.read(tmp_path / "a.wav", max_seconds=1.0).seconds == 1.0
    with pytest.raises(AudioError, match=r"longer than 0\.5 s"):
        audio.read(tmp_path / "a.wav", max_seconds=0.5)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_mutated_files_read_or_raise_audio_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutants"
    folder.mkdir(exist_ok=True)
    name = data.draw(st.sampled_from(["m.wav", "m.flac", "m.ogg"]))
    soundfile.write(folder / name, TONE[:2_000], 16_000)
    content = bytearray((folder / name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, min(len(content), 400) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content)
    try:
        sound = audio.read(folder / name)
    except AudioError:
        return
    assert np.isfinite(sound.samples).all()
    assert sound.sample_rate > 0


def test_facts(tmp_path: Path) -> None:
    samples = np.zeros((8_000, 2), np.float32)
    samples[:10] = 1.0
    audio.write(tmp_path / "a.wav", samples, sample_rate=8_000)
    found = audio.facts(tmp_path / "a.wav")
    assert (found.codec, found.sample_rate, found.channels, found.frames) == ("WAV PCM_16", 8_000, 2, 8_000)
    assert found.seconds == 1.0
    assert found.clipped == 20
    assert found.peak_db == pytest.approx(0, abs=0.01)
    assert found.rms_db == pytest.approx(10 * np.log10(10 / 8_000), abs=0.01)
    assert audio.to_db(0.0) == -np.inf


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("shape", [(500,), (500, 2)])
def test_written_is_read_again(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    path = tmp_path / f"new{suffix}"
    audio.write(path, samples, sample_rate=11_025)
    sound = audio.read(path)
    assert sound.sample_rate == 11_025
    assert sound.samples == pytest.approx(samples, abs=1 / 32_768)
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a", "a.xyz"])
def test_only_lossless_files_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(AudioError, match=r"\.wav or \.flac"):
        audio.write(tmp_path / name, TONE, sample_rate=16_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("samples", [TONE[:0], np.zeros((2, 3, 4), np.float32), np.zeros((9, 9), np.float32)])
def test_what_cannot_be_written(tmp_path: Path, samples: Samples) -> None:
    with pytest.raises(AudioError, match=r"expected samples|cannot be written"):
        audio.write(tmp_path / "a.flac", samples, sample_rate=16_000)  # FLAC has 8 channels at most
    with pytest.raises(AudioError, match="0 Hz"):
        audio.write(tmp_path / "a.wav", TONE, sample_rate=0)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio.write(tmp_path / "a.wav", TONE, sample_rate=16_000)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteError, match="No space left"):
        audio.write(tmp_path / "a.wav", TONE[:10], sample_rate=16_000)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert len(audio.read(tmp_path / "a.wav").samples) == 16_000


def test_int16_round_trip_is_exact() -> None:
    numbers = np.arange(-32_768, 32_768, dtype=np.int16)
    assert np.array_equal(audio.to_int16(audio.from_int16(numbers)), numbers)
    assert audio.to_int16(np.array([-2.0, 2.0], np.float32)).tolist() == [-32_768, 32_767]
    with pytest.raises(AudioError, match="got int16"):
        audio.to_int16(numbers)  # type: ignore[arg-type]


def test_to_mono_and_resample_refuse_nonsense() -> None:
    assert audio.to_mono(np.array([[0.0, 1.0]], np.float32)).tolist() == [0.5]
    with pytest.raises(AudioError, match="shape"):
        audio.to_mono(np.zeros((1, 2, 3), np.float32))
    with pytest.raises(AudioError, match="from 1 to 1000000, such as 16000, got 0"):
        audio.resample(TONE, 0, 16_000)
    assert len(audio.resample(TONE[:0], 8_000, 16_000)) == 0


@given(st.integers(1, 300), st.integers(1, 300))
def test_fit_length_is_exact_and_a_part_of_the_sound(n: int, length: int) -> None:
    samples = np.arange(1, n + 1, dtype=np.float32)
    before = samples.copy()
    fitted = audio.fit_length(samples, length, sample_rate=100)
    assert len(fitted) == length
    heard = fitted[fitted > 0]
    assert len(heard) == min(n, length)
    assert (np.diff(heard) == 1).all()
    assert np.array_equal(samples, before)


def test_fit_length_centres_a_short_sound_and_refuses_nonsense() -> None:
    assert audio.fit_length(np.ones(2, np.float32), 5, sample_rate=100).tolist() == [0, 1, 1, 0, 0]
    with pytest.raises(AudioError, match="to_mono"):
        audio.fit_length(np.zeros((2, 2), np.float32), 5, sample_rate=100)
    with pytest.raises(AudioError, match="one sample or more"):
        audio.fit_length(TONE, 0, sample_rate=100)


def test_to_clip_mixes_resamples_and_fits() -> None:
    stereo = np.stack([noisy_tone(4_000, 8_000), np.zeros(4_000, np.float32)], axis=1)
    clip = audio.to_clip(Sound(stereo, 8_000), sample_rate=16_000, length=16_000)
    assert clip.shape == (16_000,)
    assert not clip[:3_900].any()
    assert not clip[-3_900:].any()
    assert np.abs(clip).max() == pytest.approx(0.16, abs=0.02)


def test_every_real_format_reads(shared_data: Path) -> None:
    for folder in sorted(path for path in shared_data.iterdir() if path.is_dir()):
        found = {suffix: next(folder.rglob(f"*{suffix}"), None) for suffix in (".flac", ".ogg")}
        for path in filter(None, found.values()):
            sound = audio.read(path)
            assert audio.to_clip(sound, sample_rate=16_000, length=16_000).std() > 0, path


@pytest.mark.parametrize("frames", [1_000, 16_000, 1 << 16])
def test_a_file_in_blocks_is_the_file(tmp_path: Path, frames: int) -> None:
    stereo = np.stack([TONE, -TONE], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, 8_000)
    rate, blocks = audio.blocks(tmp_path / "a.flac", frames=frames)
    found = list(blocks)
    assert rate == 8_000
    assert max(map(len, found)) <= frames
    np.testing.assert_array_equal(np.concatenate(found), audio.read(tmp_path / "a.flac").samples)


def test_a_long_file_in_blocks_takes_little_memory(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4_000_000, np.float32), 16_000, subtype="PCM_16")
    tracemalloc.start()
    count = sum(len(block) for block in audio.blocks(tmp_path / "a.wav")[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_000_000
    assert peak < 2e6


def test_blocks_of_what_is_no_whole_sound_are_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
        audio.blocks(tmp_path / "none.wav")
    soundfile.write(tmp_path / "a.flac", TONE, 16_000)
    (tmp_path / "a.flac").write_bytes((tmp_path / "a.flac").read_bytes()[:15_000])
    blocks = audio.blocks(tmp_path / "a.flac", frames=1_000)[1]
    assert len(next(blocks)) == 1_000
    with pytest.raises(AudioError, match=r"cut short|broken"):
        list(blocks)


@pytest.mark.parametrize(("rate", "played"), [(16_000, 16_000), (8_000, 8_000), (3_000, 9_000), (1_000, 8_000)])
@pytest.mark.parametrize("whole", [False, True])
def test_a_wav_in_memory_has_a_rate_that_browsers_play(rate: int, played: int, whole: bool) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)).astype(np.float32)
    coded = audio.wav_bytes(audio.to_int16(tone) if whole else tone, sample_rate=rate)
    samples, found = soundfile.read(io.BytesIO(coded))
    assert found == played
    assert len(samples) == played, "a second is a second"
    assert abs(np.fft.rfft(samples)).argmax() == 300
    assert audio.rms(samples) == pytest.approx(audio.rms(tone), rel=0.02)
    if rate == played:
        np.testing.assert_array_equal(audio.to_int16(samples), audio.to_int16(tone))
