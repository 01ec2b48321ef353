"""Clips a second of the front-end, beside librosa in the same run, and how far its log-mels are from librosa's.

    python benchmarks/front_end.py             # writes results/front_end.csv
    python benchmarks/front_end.py --quick     # a look; writes nothing

One process for one thread and one for two, so that every library keeps to it. In a round each way takes the same real
clips in turn; ``ratio`` is the median over rounds of librosa's time by the way's time in that round. librosa is used as
its documentation does, one `melspectrogram` a clip; ``librosa, prepared`` makes the filters once and takes batches. All
have the same window, hop, filters, floor and natural logarithm; `FeatureConfig.mean` is 0 and ``std`` 1 here.
Exits with an error, after writing, if a log-mel of `hanmadi.features`, the definition, is more than 1e-4 from
librosa's, or one of its copies in single precision, for training and for the model file, more than 2e-3. They lose
quiet bands beside a loud one; the scores of a network differ by a millionth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import REPOSITORY, write_rows
from numpy.typing import NDArray

from hanmadi import audio, features
from hanmadi.audio import Samples, Sound
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_clips
from hanmadi.data.store import SPLITS, cached_store
from hanmadi.features import FeatureConfig
from hanmadi.models.wordnet import LOG_MEL

DATA = REPOSITORY.parent / "shared" / "data" / "speech_commands"
CONFIGS = (
    replace(LOG_MEL, mean=0.0, std=1.0),  # of tiny, small and base
    FeatureConfig(sample_rate=8_000, n_fft=256, window=256, hop=160, low_hz=40.0, high_hz=3_800.0),
)
THREADS = (1, 2)
LIMITS = {"numpy": 1e-4, "torch": 2e-3, "onnx": 2e-3}  # of a difference in log-mel, natural logarithm
AIM = 10.0  # times librosa
TIMED = 128  # clips of a round: what training has in a batch
PAUSE_S = 0.01  # threads spin for a while after their work, which would slow the next way
REFERENCE = "librosa"

Compute = Callable[[Samples], Samples]


class Way(NamedTuple):
    """A way to log-mels."""

    name: str
    batch: int  # clips at a time
    compute: Compute  # (batch, clip_samples) to log-mel (batch, n_mels, n_frames)


# ---- the ways ----


def ways_of(config: FeatureConfig, threads: int) -> list[Way]:
    """All of them; the first is what they are compared with."""
    onnx = onnx_way(config, threads)
    return [
        Way(REFERENCE, 1, partial(librosa_log_mel, config=config)),
        Way("librosa, prepared", 16, prepared_librosa(config)),
        *(Way("numpy", batch, partial(features.compute, config=config)) for batch in (1, 4, 16)),
        Way("torch", TIMED, torch_way(config)),
        *(Way("onnx", batch, onnx) for batch in (1, 4, 16)),
    ]


def librosa_log_mel(samples: Samples, *, config: FeatureConfig) -> Samples:
    import librosa

    mel = librosa.feature.melspectrogram(
        y=samples, sr=config.sample_rate, n_fft=config.n_fft, hop_length=config.hop, win_length=config.window,
        window="hann", center=False, power=2.0, n_mels=config.n_mels, fmin=config.low_hz, fmax=config.high_hz,
        htk=True, norm=None,
    )  # fmt: skip
    log_mel: Samples = np.log(mel + np.float32(config.floor))
    return log_mel


def prepared_librosa(config: FeatureConfig) -> Compute:
    """The best that librosa's parts can do: filters made once, a product of matrices, clips in batches."""
    import librosa

    filters = librosa.filters.mel(
        sr=config.sample_rate, n_fft=config.n_fft, n_mels=config.n_mels, fmin=config.low_hz, fmax=config.high_hz,
        htk=True, norm=None,
    )  # fmt: skip

    def compute(samples: Samples) -> Samples:
        spectrum = librosa.stft(
            samples, n_fft=config.n_fft, hop_length=config.hop, win_length=config.window, window="hann", center=False
        )
        log_mel: Samples = np.log(filters @ np.square(np.abs(spectrum)) + np.float32(config.floor))
        return log_mel

    return compute


def torch_way(config: FeatureConfig) -> Compute:
    """What training uses."""
    import torch

    from hanmadi.features.torch import FrontEnd

    front_end = FrontEnd(config)

    def compute(samples: Samples) -> Samples:
        with torch.inference_mode():
            log_mel: Samples = front_end(torch.from_numpy(samples)).numpy()
        return log_mel

    return compute


def onnx_way(config: FeatureConfig, threads: int) -> Compute:
    """The front-end as it is in a model file, without the network."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with tempfile.TemporaryDirectory() as folder:
        path = export_front_end(config, Path(folder) / "front_end.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda samples: session.run(None, {"samples": samples})[0]


def export_front_end(config: FeatureConfig, path: Path) -> Path:
    import torch

    from hanmadi.export.onnx import OPSET
    from hanmadi.features.torch import ExportedFrontEnd

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ExportedFrontEnd(config).eval(), (torch.zeros(2, config.clip_samples),), str(path), opset_version=OPSET,
            input_names=["samples"], output_names=["features"], dynamic_axes={"samples": {0: "batch"}}, dynamo=False,
        )  # fmt: skip
    return path


# ---- measuring ----


def real_clips(data: Path, config: FeatureConfig, count: int) -> Samples:
    """Validation clips at the rate of the features, evenly spread: (count, clip_samples)."""
    store = cached_store(open_source(data), sample_rate=16_000)
    rows = np.flatnonzero(split_clips(store) == SPLITS.index("validation"))
    chosen = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    sounds = [Sound(clip, store.sample_rate) for clip in audio.from_int16(store.samples(chosen))]
    return np.stack(
        [audio.to_clip(sound, sample_rate=config.sample_rate, length=config.clip_samples) for sound in sounds]
    )


def in_batches(way: Way, clips: Samples) -> list[Samples]:
    return [way.compute(clips[start : start + way.batch]) for start in range(0, len(clips), way.batch)]


def times(ways: Sequence[Way], clips: Samples, rounds: int) -> NDArray[np.float64]:
    """Seconds for all clips: (rounds, ways). The ways take turns, so that a slow minute meets all."""
    seconds = np.empty((rounds, len(ways)))
    for way in ways:
        in_batches(way, clips)  # compiles, makes its tables, fills the caches
    for round_ in range(rounds):
        for place, way in enumerate(ways):
            time.sleep(PAUSE_S)
            begin = time.perf_counter()
            in_batches(way, clips)
            seconds[round_, place] = time.perf_counter() - begin
    return seconds


def differences(way: Way, clips: Samples, expected: Samples) -> NDArray[np.float64]:
    """The largest absolute difference of each clip: (clips,)."""
    found = np.concatenate(in_batches(way, clips)).astype(np.float64)
    return np.abs(found - expected).max(axis=(1, 2))


def measure(data: Path, config: FeatureConfig, threads: int, *, clips: int, rounds: int) -> list[dict[str, Any]]:
    """One row for each way."""
    sounds, ways = real_clips(data, config, clips), ways_of(config, threads)
    seconds = times(ways, sounds[:TIMED], rounds)
    ratios = seconds[:, :1] / seconds
    expected = np.stack([ways[0].compute(clip) for clip in sounds])
    rows = []
    for place, way in enumerate(ways):
        differ, limit = differences(way, sounds, expected), LIMITS.get(way.name, LIMITS["numpy"])
        low, middle, high = np.quantile(ratios[:, place], [0.1, 0.5, 0.9])
        rows.append({
            "path": way.name, "batch": way.batch, "threads": threads, "sample_rate": config.sample_rate,
            "n_fft": config.n_fft, "window": config.window, "hop": config.hop, "n_mels": config.n_mels,
            "clips_per_second": round(min(TIMED, len(sounds)) / float(np.median(seconds[:, place]))),
            "ratio": round(middle, 2), "ratio_p10": round(low, 2), "ratio_p90": round(high, 2), "rounds": rounds,
            "max_difference": float(f"{differ.max():.2e}"), "clips": len(sounds),
            "clips_within_limit": int((differ <= limit).sum()), "limit": limit, "librosa": version("librosa"),
        })  # fmt: skip
    return rows


def measure_in_a_process(data: Path, threads: int, *, clips: int, rounds: int) -> list[dict[str, Any]]:
    """Rows of all configurations; the libraries read how many threads they may have when they start."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    command = [sys.executable, __file__, "--child", str(threads), "--data", str(data)]
    done = subprocess.run(
        [*command, "--clips", str(clips), "--rounds", str(rounds)],
        env=os.environ | dict.fromkeys(names, str(threads)), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


# ---- what came out ----


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        print(
            f"{row['sample_rate']:6,} Hz, {row['threads']} thread(s), {row['path']:17s} batch {row['batch']:3d}: "
            f"{row['clips_per_second']:7,} clips/s, {row['ratio']:5.1f} times librosa "
            f"({row['ratio_p10']:.1f} to {row['ratio_p90']:.1f}), largest difference {row['max_difference']:.1e}, "
            f"{row['clips_within_limit']:,} of {row['clips']:,} clips within {row['limit']:g}"
        )


def verdict(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say which ways reach the aim; exit with an error if one does not agree with librosa."""
    own = [row for row in rows if not row["path"].startswith(REFERENCE)]
    fastest: dict[tuple[Any, ...], float] = {}
    for row in own:
        key = (row["sample_rate"], row["threads"], row["path"])
        fastest[key] = max(fastest.get(key, 0.0), row["ratio"])
    for (rate, threads, path), ratio in fastest.items():
        print(f"{rate:,} Hz, {threads} thread(s), {path}: {ratio:.1f} times librosa, aim {AIM:g}: {ratio >= AIM}")
    wrong = sorted(
        {f"{row['path']} at {row['sample_rate']:,} Hz" for row in own if row["max_difference"] > row["limit"]}
    )
    if wrong:
        sys.exit(f"further from librosa than allowed: {', '.join(wrong)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="recordings with a validation split")
    parser.add_argument("--clips", type=int, default=2_083, help="validation clips for the comparison with librosa")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--quick", action="store_true", help="200 clips, 5 rounds; writes nothing")
    parser.add_argument("--child", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = {"clips": 200, "rounds": 5} if options.quick else {"clips": options.clips, "rounds": options.rounds}
    if options.child:
        print(json.dumps([row for config in CONFIGS for row in measure(options.data, config, options.child, **size)]))
        return
    rows = [row for threads in THREADS for row in measure_in_a_process(options.data, threads, **size)]
    show(rows)
    if not options.quick:
        print(write_rows("front_end", rows))
    verdict(rows)


if __name__ == "__main__":
    main()
