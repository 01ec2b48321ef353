"""Sound files in and out: read whole or in blocks, write, and the facts of a file.

Samples are float32 in [-1, 1]. Mono is ``(n,)``; several channels are ``(n, channels)``.
"""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import wav
from hanmadi.audio.convert import (
    FULL_SCALE,
    Samples,
    Sound,
    as_float,
    check_shape,
    check_sound,
    resample,
    rms,
    to_db,
    to_int16,
)
from hanmadi.errors import AudioError
from hanmadi.files import printable, write_bytes

if TYPE_CHECKING:
    import soundfile

AUDIO_SUFFIXES: Final = (
    ".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".wave",
    ".bwf", ".oga", ".mp2", ".mpga", ".sph", ".nist", ".voc", ".avr", ".htk", ".iff", ".svx", ".8svx", ".16svx", ".paf",
    ".fap", ".pvf", ".sds", ".sf", ".ircam", ".sd2", ".wve", ".xi",
)  # fmt: skip  # all that libsndfile reads, but .mat: that is a table of anything
# sounds, and films with a sound track, that libsndfile does not read and ffmpeg does
UNREAD_SUFFIXES: Final = frozenset(
    ".m4a .m4b .m4r .aac .adts .alac .wma .asf .amr .awb .3gp .3gpp .3ga .3g2 .qcp .mp4 .m4v .mov .mkv .mka .webm "
    ".weba .avi .ac3 .eac3 .dts .ape .wv .tta .tak .shn .mpc .spx .gsm .ra .rm .dsf .dff .oma .at3 .f4a".split()
)
AUDIO_KINDS: Final = f"{', '.join(AUDIO_SUFFIXES[:6])} or another that libsndfile reads"  # for messages
WRITTEN_SUFFIXES: Final = (".wav", ".flac")
CLIPPED_LEVEL: Final = 32_767 / FULL_SCALE  # the largest positive 16-bit sample
MAX_SECONDS: Final = 3_600.0  # a header can promise anything; nobody reads an hour by mistake
_LOWEST_PLAYED_HZ: Final = 8_000  # browsers refuse lower rates
_BLOCK_FRAMES: Final = 1 << 16
_UNKNOWN_FRAMES: Final = 2**63 - 1  # how libsndfile says that a header does not tell
_MP3_FRAME: Final = 1_152  # samples per channel; decoders differ by less in what they cut off at the ends
_OGG_PAGE_BYTES: Final = 65_307  # at most


@dataclass(frozen=True)
class FileFacts:
    """The facts of a sound file: format, rate, channels, bits, levels, length."""

    path: str
    codec: str  # container and coding, such as "WAV PCM_16"
    sample_rate: int  # Hz
    bits: int | None  # bits per sample; None for lossy codings, which have none
    channels: int
    frames: int  # samples per channel
    seconds: float
    peak: float  # largest |sample|, 1.0 is full scale
    rms: float  # root mean square over all channels
    clipped: int  # samples at full scale

    @property
    def peak_db(self) -> float:
        """Peak in dB relative to full scale; -inf for digital silence."""
        return to_db(self.peak)

    @property
    def rms_db(self) -> float:
        """RMS in dB relative to full scale; -inf for digital silence."""
        return to_db(self.rms)


def read(path: str | os.PathLike[str], *, max_seconds: float = MAX_SECONDS) -> Sound:
    """Read a sound file whole: WAV, FLAC, Ogg (Vorbis, Opus) or MP3.

    Returns samples (n,) for mono, (n, channels) otherwise, float32 in [-1, 1]; a float file may exceed that a little.
    A WAV is read to the end of the file, whatever its header promises: recorders that are killed leave it wrong.
    Raises AudioError for a file that is absent, empty, not sound, a compressed one that was cut short, longer than
    ``max_seconds``, or that holds what `check_sound` refuses: NaN, infinity, 16-bit numbers as float.
    """
    path = Path(path)
    with _open(path) as file:
        samples = _read_blocks(file, path, max_seconds)
        rate = int(file.samplerate)
        _check_whole(path, file, len(samples))
        missing = wav.missing_frames(path) if file.format in _WAV else 0
    if len(samples) == 0:
        raise AudioError(f"{path}: expected sound, found a file without samples; record it again")
    try:
        check_sound(samples)
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error
    return Sound(samples[:, 0] if samples.shape[1] == 1 else samples, rate, missing)


def rate_and_channels(path: str | os.PathLike[str]) -> tuple[int, int]:
    """What the header of a sound file says, before anything is read: Hz and channels. Raises AudioError like `read`."""
    with _open(Path(path)) as file:
        return int(file.samplerate), int(file.channels)


def blocks(path: str | os.PathLike[str], *, frames: int = _BLOCK_FRAMES) -> tuple[int, Iterator[Samples]]:
    """A sound file piece by piece, of any length in little memory: its rate in Hz, and blocks (<= frames, channels).

    Raises AudioError at once for a file that is absent, empty or not sound; at the end of the blocks for one that is
    broken, or compressed and cut short. NaN and infinity are passed on.
    """
    path = Path(path)
    file = _open(path)
    return int(file.samplerate), _whole_blocks(file, path, frames)


def _whole_blocks(file: soundfile.SoundFile, path: Path, frames: int) -> Iterator[Samples]:
    count = 0
    with file:
        for block in _blocks(file, path, frames):
            count += len(block)
            yield block
        _check_whole(path, file, count)


def facts(path: str | os.PathLike[str]) -> FileFacts:
    """Facts of a sound file, read whole. Raises AudioError like `read`."""
    path = Path(path)
    sound = read(path)
    with _open(path) as file:
        codec = f"{file.format} {file.subtype}"
        bits = _BITS.get(file.subtype)
        channels = int(file.channels)
    magnitude = np.abs(sound.samples)
    return FileFacts(
        path=printable(str(path)),
        codec=codec,
        sample_rate=sound.sample_rate,
        bits=bits,
        channels=channels,
        frames=len(sound.samples),
        seconds=sound.seconds,
        peak=float(magnitude.max()),
        rms=rms(sound.samples),
        clipped=int(np.count_nonzero(magnitude >= CLIPPED_LEVEL)),
    )


def write(path: str | os.PathLike[str], samples: Samples, *, sample_rate: int) -> None:
    """Write samples (n,) or (n, channels) as 16-bit PCM; the suffix names the format (.wav, .flac).

    Values outside [-1, 1] are clipped. The file appears whole or not at all.
    Raises AudioError for samples that are none, not finite or not 1-D or 2-D, and for another suffix or rate;
    WriteError when the disk is full.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() not in WRITTEN_SUFFIXES:
        raise AudioError(f"{path}: expected a name that ends in {' or '.join(WRITTEN_SUFFIXES)}")
    check_shape(samples)
    if samples.size == 0 or sample_rate <= 0:
        raise AudioError(f"{path}: expected samples (n,) and a rate, got shape {samples.shape}, {sample_rate} Hz")
    try:
        coded = _coded(samples, sample_rate, path.suffix[1:])
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path}: cannot be written so ({_reason(error)})") from error
    write_bytes(path, coded)


def wav_bytes(samples: NDArray[Any], *, sample_rate: int) -> bytes:
    """A 16-bit WAV file of samples, float or int16, that every browser plays.

    A rate below 8 kHz is raised by a whole factor, which changes nothing that is heard.
    """
    rate = sample_rate * -(-_LOWEST_PLAYED_HZ // sample_rate)
    return _coded(resample(as_float(samples), sample_rate, rate), rate, "wav")


def _coded(samples: Samples, sample_rate: int, kind: str) -> bytes:
    """A sound file of 16 bits, in memory, because libsndfile does not say that a disk is full."""
    import soundfile

    coded = io.BytesIO()
    soundfile.write(coded, to_int16(samples), sample_rate, format=kind.upper(), subtype="PCM_16")
    return coded.getvalue()


_WAV: Final = ("WAV", "WAVEX", "RF64")
_BITS: Final = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32,
    "FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8,
}  # fmt: skip


def _open(path: Path) -> soundfile.SoundFile:
    import soundfile

    if not path.exists():
        raise AudioError(f"{path}: no such file")
    if not path.is_file():
        raise AudioError(f"{path}: expected a sound file, found {'a folder' if path.is_dir() else 'no plain file'}")
    try:
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: the file is empty (0 bytes)")
        with open(path, "rb"):  # libsndfile calls a file without permission one of an unknown format
            return soundfile.SoundFile(wav.with_size(path) or (path if os.name == "nt" else os.fsencode(path)))
    except PermissionError as error:
        raise AudioError(f"{path}: may not be read ({error.strerror})") from error
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise AudioError(
            f"{path}: not a sound file that can be read ({_reason(error)}); expected {AUDIO_KINDS}{_cure(path)}"
        ) from error


def _cure(path: Path) -> str:
    """How to convert a sound of a kind that libsndfile does not read; empty where it is none."""
    with suppress(OSError), open(path, "rb") as file:
        container = wav.container_of(file.read(wav.HEAD_BYTES))
        if container in ("MP4", "WebM") or path.suffix.lower() in UNREAD_SUFFIXES:
            made = path.with_suffix(".flac")
            return f"; convert it with: ffmpeg -i {shlex.quote(str(path))} -vn {shlex.quote(str(made))}"
    return ""


def _read_blocks(file: soundfile.SoundFile, path: Path, max_seconds: float) -> Samples:
    """All frames (n, channels). Block by block: memory follows what is there, not what the header says."""
    found, count, limit = [], 0, int(max_seconds * file.samplerate)
    for block in _blocks(file, path, _BLOCK_FRAMES):
        found.append(block)
        count += len(block)
        if count > limit:
            raise AudioError(f"{path}: longer than {max_seconds:g} s; cut it into shorter files")
    return np.concatenate(found) if found else np.zeros((0, file.channels), np.float32)


def _blocks(file: soundfile.SoundFile, path: Path, frames: int) -> Iterator[Samples]:
    import soundfile

    if file.format == "FLAC" and file.frames == _UNKNOWN_FRAMES:
        raise AudioError(f"{path}: the header does not tell the length, as when FLAC is piped; write it as a file")
    count = 0
    try:
        while len(block := file.read(frames, dtype="float32", always_2d=True)):
            count += len(block)
            yield block
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: broken after {count} samples ({_reason(error)})") from error


def _check_whole(path: Path, file: soundfile.SoundFile, frames: int) -> None:
    """Raises AudioError if the file holds less than it promises; libsndfile then returns what there is."""
    promised = _promised_frames(path, file)
    if promised is not None and frames < promised:
        raise AudioError(
            f"{path}: the header promises {promised} samples per channel, the file holds {frames}; "
            "it was cut short: copy or record it again"
        )
    if file.format == "OGG" and not _ends_with_whole_page(path):
        raise AudioError(f"{path}: ends in the middle of a page; it was cut short: copy or record it again")


def _promised_frames(path: Path, file: soundfile.SoundFile) -> int | None:
    """Samples per channel that the header of a compressed file promises; None where it makes no promise."""
    if file.format == "FLAC":
        return int(file.frames)
    if file.format == "MP3" and _mp3_tells_length(path):
        return max(0, int(file.frames) - _MP3_FRAME)
    return None


def _mp3_tells_length(path: Path) -> bool:
    """Whether the first frame holds a count of frames; without one libsndfile guesses from the size."""
    with open(path, "rb") as file:
        tag = file.read(10)
        size = sum((byte & 127) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=False))
        file.seek(10 + size if tag[:3] == b"ID3" else 0)
        head = file.read(64)  # the mark stands 13 to 36 bytes in
    place = max(head.find(b"Xing"), head.find(b"Info"))
    return place >= 0 and bool(head[place + 7] & 1)


def _ends_with_whole_page(path: Path) -> bool:
    """Whether the last Ogg page is all there, by its own table of sizes (RFC 3533)."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - _OGG_PAGE_BYTES))
        end = file.read()
    page = end[max(0, end.rfind(b"OggS")) :]
    segments = page[26] if len(page) > 26 else 256
    return len(page) >= 27 + segments + sum(page[27 : 27 + segments])


def _reason(error: BaseException) -> str:
    reason = str(error).removeprefix("Error opening").split(": ", 1)[-1].strip().rstrip(".")
    # libsndfile's words for an .mp3 that is none
    return "Format not recognised" if reason.startswith("File does not exist or is not a regular file") else reason
