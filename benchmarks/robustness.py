"""The robustness card: what a model loses when a recording is not clean.

    python benchmarks/robustness.py                                       # the shipped small, validation clips
    python benchmarks/robustness.py --model tiny small base --split test  # final figures: choices are made before
    python benchmarks/robustness.py --limit 300                           # a quick look; writes no files
    python benchmarks/robustness.py --split test --markdown               # the last results as a table

Every spoken clip of the split is altered in each way of `conditions`, stored with 16 bits, and judged on the path of
`Recognizer.predict`. What is drawn (noise, rooms) depends on the seed alone, so all models hear the same, and so do
all levels of a noise. Writes results/robustness.csv and docs/images/robustness.png for the test split, and
robustness-<split> for another. Intervals (95 %) are over clips; the difference to clean is that of the same clips.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import soundfile
from common import REPOSITORY, RESULTS, write_rows
from numpy.typing import NDArray

import hanmadi
from hanmadi import audio
from hanmadi.audio import Samples, Sound
from hanmadi.audio.noise import Rng, from_db
from hanmadi.audio.reverb import Room, reverberate, room_response
from hanmadi.augment.augmentations import mix_at_snr
from hanmadi.data.store import ClipStore
from hanmadi.evaluation.evaluation import evaluate, store_for
from hanmadi.evaluation.metrics import confusion_matrix, per_label, wilson_interval
from hanmadi.inference.recognizer import Recognizer
from hanmadi.labels import SILENCE, UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BATCH = 64
CHECKED = 4  # clips of each condition that are also given to `predict`, one by one
NOISES = ("dog_bark", "chainsaw", "fire_crackling", "baby_cry", "rain")  # never in training, nor in its validation
AUDIBLE_DB = 20.0  # below its loudest second, a noise recording is taken to pause
CUT_HOP_S = 0.1
ROOM_SECONDS = 1.0  # of a response
Z = 1.96  # of a 95 % interval

Change = Callable[[Samples, int, Rng], Sequence[Sound]]  # clips (batch, n) at a rate in Hz to what a recorder stores
Cuts = Sequence[Samples]  # stretches of noise as long as a clip


class Condition(NamedTuple):
    """One way to alter clips."""

    name: str
    value: str
    change: Change


class Clips(NamedTuple):
    """What is judged: spoken clips of one split."""

    store: ClipStore
    rows: NDArray[np.int64]
    truth: NDArray[np.int64]


# ---- ways to alter clips ----


def recorded(batch: Samples, rate: int, _: Rng | None = None) -> list[Sound]:
    """Clips as a recorder stores them: 16 bits, clipped at full scale."""
    return [Sound(audio.from_int16(audio.to_int16(clip)), rate) for clip in batch]


def with_noise(kinds: Sequence[Cuts], snr_db: float) -> Change:
    """Each clip with a cut of one of the kinds, at equal chances; turned down where the sum would be clipped."""

    def change(batch: Samples, rate: int, rng: Rng) -> list[Sound]:
        chosen = [kinds[int(rng.integers(len(kinds)))] for _ in batch]
        noise = np.stack([cuts[int(rng.integers(len(cuts)))] for cuts in chosen])
        return recorded(_below_full_scale(mix_at_snr(batch, noise, snr_db=snr_db)), rate)

    return change


def with_white_noise(snr_db: float) -> Change:
    """Each clip with noise of equal power at all frequencies."""

    def change(batch: Samples, rate: int, rng: Rng) -> list[Sound]:
        noise = rng.standard_normal(batch.shape, np.float32)
        return recorded(_below_full_scale(mix_at_snr(batch, noise, snr_db=snr_db)), rate)

    return change


def with_gain(gain_db: float) -> Change:
    """Each clip louder or softer, with its own background; clipped at full scale."""
    return lambda batch, rate, _: recorded(batch * from_db(gain_db), rate)


def with_peaks_clipped(share: float) -> Change:
    """The loudest ``share`` of the samples of each clip cut down to one level."""

    def change(batch: Samples, rate: int, _: Rng) -> list[Sound]:
        level = np.quantile(np.abs(batch), 1 - share, axis=1, keepdims=True)
        return recorded(np.clip(batch, -level, level), rate)

    return change


def in_room(room: Room) -> Change:
    """Each clip in a room of its own with these properties."""

    def change(batch: Samples, rate: int, rng: Rng) -> list[Sound]:
        length = round(ROOM_SECONDS * rate)
        responses = np.stack([room_response(room, sample_rate=rate, length=length, rng=rng) for _ in batch])
        return recorded(_below_full_scale(reverberate(batch, responses)), rate)

    return change


def at_rate(rate: int) -> Change:
    """Each clip recorded at another rate."""

    def change(batch: Samples, clip_rate: int, _: Rng) -> list[Sound]:
        return recorded(np.stack([audio.resample(clip, clip_rate, rate) for clip in batch]), rate)

    return change


def coded(suffix: str, **options: Any) -> Change:
    """Each clip written to a file of a lossy coding and read again."""

    def change(batch: Samples, rate: int, _: Rng) -> list[Sound]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"clip{suffix}"
            return [_through_file(path, audio.to_int16(clip), rate, options) for clip in batch]

    return change


def moved(offset_ms: float) -> Change:
    """Each clip later (or earlier, below 0); zeros come in, and what leaves the clip is lost."""

    def change(batch: Samples, rate: int, _: Rng) -> list[Sound]:
        offset, n = round(offset_ms * rate / 1000), batch.shape[1]
        padded = np.pad(batch, ((0, 0), (abs(offset), abs(offset))))
        return recorded(padded[:, abs(offset) - offset :][:, :n], rate)

    return change


def conditions(noises: Mapping[str, Cuts]) -> list[Condition]:
    """The card, in its order. The first is the one that the others are compared with."""
    kinds = tuple(noises.values())
    rates = (8_000, 11_025, 22_050, 44_100, 48_000)  # Hz
    # the lowest are the least that libsndfile's encoders offer at 16 kHz; it refuses level 1 for MP3
    mp3: dict[str, Any] = {"format": "MP3", "bitrate_mode": "CONSTANT"}
    opus: dict[str, Any] = {"format": "OGG", "subtype": "OPUS"}
    return [
        Condition("clean", "", recorded),
        *(Condition("noise", f"{snr} dB SNR", with_noise(kinds, snr)) for snr in (20, 10, 5, 0)),
        *(Condition("one noise, 10 dB SNR", kind.replace("_", " "), with_noise([noises[kind]], 10)) for kind in noises),
        *(Condition("white noise", f"{snr} dB SNR", with_white_noise(snr)) for snr in (20, 10, 5, 0)),
        *(Condition("gain", f"{gain:+d} dB", with_gain(gain)) for gain in (-30, -20, -10, -6, 0, 6, 12)),
        *(Condition("clipped peaks", f"{share} %", with_peaks_clipped(share / 100)) for share in (1, 5, 10)),
        *(Condition("room at 1 m, RT60", f"{rt60_s} s", in_room(Room(rt60_s))) for rt60_s in (0.2, 0.4, 0.8)),
        *(Condition("recorded at", f"{rate / 1000:g} kHz", at_rate(rate)) for rate in rates),
        Condition("coded", "MP3", coded(".mp3", format="MP3")),
        Condition("coded", "MP3 16 kbit/s", coded(".mp3", **mp3, compression_level=0.95)),
        Condition("coded", "MP3 8 kbit/s", coded(".mp3", **mp3, compression_level=0.99)),
        Condition("coded", "Opus", coded(".opus", **opus)),
        Condition("coded", "Opus 6 kbit/s", coded(".opus", **opus, compression_level=1.0)),
        *(Condition("word moved by", f"{ms:+d} ms", moved(ms)) for ms in (-200, -100, -50, 50, 100, 200)),
    ]  # fmt: skip


def _below_full_scale(batch: Samples) -> Samples:
    """A recorder is set so that this sum fits; clipping is a condition of its own."""
    scaled: Samples = batch / np.maximum(1.0, np.abs(batch).max(axis=1, keepdims=True))
    return scaled


def _through_file(path: Path, samples: NDArray[np.int16], rate: int, options: Mapping[str, Any]) -> Sound:
    soundfile.write(path, samples, rate, **options)
    return audio.read(path)


def read_noises(folder: Path, *, rate: int, length: int) -> dict[str, Cuts]:
    """Kind of noise to cuts of its recordings where they sound: folders ``<kind>/`` of sound files."""
    found: dict[str, Cuts] = {}
    for kind in NOISES:
        sounds = [audio.read(path) for path in sorted((folder / kind).iterdir())]
        mono = [
            audio.resample(audio.to_mono(sound.samples, sound.sample_rate), sound.sample_rate, rate) for sound in sounds
        ]
        found[kind] = [cut for noise in mono for cut in audible_cuts(noise, length=length, hop=round(CUT_HOP_S * rate))]
    return found


def audible_cuts(noise: Samples, *, length: int, hop: int) -> list[Samples]:
    """Stretches of a recording whose power is within `AUDIBLE_DB` of the loudest: a bark, not the pause after it."""
    noise = noise if len(noise) >= length else np.resize(noise, length)
    cuts = [noise[start : start + length] for start in range(0, len(noise) - length + 1, hop)]
    power = np.array([np.mean(np.square(cut, dtype=np.float64)) for cut in cuts])
    loud = power >= power.max() * 10 ** (-AUDIBLE_DB / 10)
    return [cut for cut, is_loud in zip(cuts, loud, strict=True) if is_loud]


# ---- judging ----


def answers(
    recognizers: Sequence[Recognizer], clips: Clips, condition: Condition, seed: int
) -> list[NDArray[np.int64]]:
    """Index of the label that each recogniser answers for each clip, altered once for all as the condition says."""
    rng = np.random.default_rng([seed, zlib.crc32(condition.name.encode())])
    found: list[list[NDArray[np.int64]]] = [[] for _ in recognizers]
    for start in range(0, len(clips.rows), BATCH):
        batch = audio.from_int16(clips.store.samples(clips.rows[start : start + BATCH]))
        sounds = condition.change(batch, clips.store.sample_rate, rng)
        # what `Recognizer.predict` does with one sound, for many at a time
        heard = np.stack([audio.to_clip(x, sample_rate=clips.store.sample_rate, length=batch.shape[1]) for x in sounds])
        for recognizer, own in zip(recognizers, found, strict=True):
            own.append(recognizer.scores(heard).argmax(axis=1))
            if start == 0:
                _check_path(recognizer, sounds[:CHECKED], own[0])
    return [np.concatenate(own) for own in found]


def _check_path(recognizer: Recognizer, sounds: Sequence[Sound], found: NDArray[np.int64]) -> None:
    for sound, index in zip(sounds, found, strict=False):
        label = recognizer.predict(sound.samples, sample_rate=sound.sample_rate).label
        if label != recognizer.labels[index]:
            raise SystemExit(f"predict answers {label!r} where this script has {recognizer.labels[index]!r}")


def paired_interval(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % interval of how much the share of right answers changes, in [-1, 1]; (n,) of the same clips each.

    Wald's with one clip added to each kind of change, so that no change at all still has a width: Bonett and Price
    (2012), "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data".
    """
    n = len(before) + 2
    won, lost = (int(np.sum(after & ~before)) + 1) / n, (int(np.sum(before & ~after)) + 1) / n
    half = Z * math.sqrt((won + lost - (won - lost) ** 2) / n)
    return max(-1.0, won - lost - half), min(1.0, won - lost + half)


def figures(
    labels: Sequence[str], truth: NDArray[np.int64], clean: NDArray[np.int64], found: NDArray[np.int64]
) -> dict[str, Any]:
    """What the card says of one condition; rates in [0, 1], differences to clean in points."""
    before, after = clean == truth, found == truth
    interval = wilson_interval(int(after.sum()), len(after))
    low, high = paired_interval(before, after)
    scores = per_label(confusion_matrix(truth, found, len(labels)), labels)
    recall = {score.label: score.recall for score in scores if score.recall is not None}
    unknown, keywords = recall.pop(UNKNOWN, None), list(recall.values())
    return {
        "clips": len(after), "right": int(after.sum()), "accuracy": round(float(after.mean()), 5),
        "low": round(interval.low, 5), "high": round(interval.high, 5),
        "difference": round(100 * (float(after.mean()) - float(before.mean())), 2),
        "difference_low": round(100 * low, 2), "difference_high": round(100 * high, 2),
        "keyword_recall": round(float(np.mean(keywords)), 5),
        "unknown_right": None if unknown is None else round(unknown, 5),
        "called_silence": int((found == _index(labels, SILENCE)).sum()),
    }  # fmt: skip


def card(
    models: Sequence[str], data: Path, split: str, noise: Path, *, limit: int | None, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of each condition, one a model."""
    recognizers = [hanmadi.load(model) for model in models]
    first = recognizers[0]
    if len({(r.labels, r.sample_rate, r.clip_samples) for r in recognizers}) != 1:
        raise SystemExit("expected models of the same labels, rate and clip length; give the others in another run")
    clips = spoken_clips(first, data, split, limit)
    clean: list[NDArray[np.int64]] = []
    for condition in conditions(read_noises(noise, rate=first.sample_rate, length=first.clip_samples)):
        found = answers(recognizers, clips, condition, seed)
        clean = clean or found
        for model, own_clean, own in zip(models, clean, found, strict=True):
            named = {"model": _name(model), "data": data.name, "split": split, "seed": seed}
            named |= {"condition": condition.name, "value": condition.value}
            yield named | figures(first.labels, clips.truth, own_clean, own)


def spoken_clips(recognizer: Recognizer, data: Path, split: Any, limit: int | None) -> Clips:
    """Clips of the split in which somebody speaks, all or ``limit`` of them evenly spread."""
    evaluated = evaluate(recognizer, data, split=split)
    spoken = np.flatnonzero(evaluated.truth != _index(recognizer.labels, SILENCE))
    kept = spoken[np.linspace(0, len(spoken) - 1, min(limit or len(spoken), len(spoken))).round().astype(int)]
    return Clips(store_for(recognizer, data), evaluated.rows[kept], evaluated.truth[kept])


def _index(labels: Sequence[str], label: str) -> int:
    return labels.index(label) if label in labels else -1


def _name(model: str) -> str:
    """small stays small; a run or a file is called by its last part that tells something."""
    path = Path(model)
    return path.resolve().parent.name if path.name == "model.onnx" else path.stem


# ---- showing ----


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table: a row a condition, a column a model with accuracy and difference to clean."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    by_place = {(row["condition"], row["value"], row["model"]): row for row in rows}
    head = (
        f"| {rows[0]['split']} clips: {rows[0]['clips']} | | {' | '.join(models)} |\n|---|---|{'---|' * len(models)}\n"
    )
    body = []
    for name, value in dict.fromkeys((row["condition"], row["value"]) for row in rows):
        cells = [_cell(by_place[name, value, model]) for model in models]
        body.append(f"| {name} | {value} | {' | '.join(cells)} |\n")
    return head + "".join(body)


def _cell(row: Mapping[str, Any]) -> str:
    accuracy, low, high = (float(row[key]) for key in ("accuracy", "low", "high"))
    if row["condition"] == "clean":
        return f"{accuracy:.1%} ({low:.1%} to {high:.1%})"
    difference, low, high = (float(row[key]) for key in ("difference", "difference_low", "difference_high"))
    return f"{accuracy:.1%}, {difference:+.1f} ({low:+.1f} to {high:+.1f})"


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One panel a condition: accuracy with its interval, the clean accuracy as a dashed line."""
    from hanmadi.plots.style import BLUE, GREY, INK, ORANGE, add_legend, new_figure, save_figure

    panels = list(dict.fromkeys(row["condition"] for row in rows if row["condition"] != "clean"))
    models = list(dict.fromkeys(row["model"] for row in rows))
    split = rows[0]["split"]
    title = f"Robustness: accuracy on the same {rows[0]['clips']:,} {split} clips, altered"
    figure, axes = new_figure(math.ceil(len(panels) / 3), 3, width_in=10.5, height_in=9.0, title=title)
    lowest = 5 * math.floor(20 * min(row["low"] for row in rows))
    for place, panel in zip(axes, panels, strict=False):
        for number, model in enumerate(models):
            own = [row for row in rows if row["model"] == model]
            shift = 0.16 * (number - (len(models) - 1) / 2)
            _draw_panel(place, own, panel, shift, (BLUE, ORANGE, GREY, INK)[number % 4])
        place.set_ylim(lowest, 100)
    if len(models) > 1:
        add_legend(axes[0], place="lower left")
    for unused in axes[len(panels) :]:
        unused.set_visible(False)
    save_figure(figure, path)


def _draw_panel(axes: Axes, rows: Sequence[Mapping[str, Any]], panel: str, shift: float, colour: str) -> None:
    from hanmadi.plots.style import finish

    shown = [row for row in rows if row["condition"] == panel]
    middle, low, high = (100 * np.array([row[key] for row in shown]) for key in ("accuracy", "low", "high"))
    places = np.arange(len(shown)) + shift
    axes.axhline(100 * rows[0]["accuracy"], color=colour, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7)
    axes.errorbar(
        places, middle, [middle - low, high - middle], fmt="o", markersize=5, color=colour, ecolor=colour,
        elinewidth=1.3, alpha=0.9, label=rows[0]["model"],
    )  # fmt: skip
    # a unit that all share is said once, in the title
    units = {row["value"].split(" ", 1)[-1] for row in shown} if " " in shown[0]["value"] else set()
    unit = units.pop() if len(units) == 1 and len(shown) > 1 else ""
    names = [row["value"].removesuffix(unit).strip() for row in shown]
    axes.set_xticks(range(len(shown)), [name.replace(" ", "\n").replace("-", "−") for name in names])
    axes.set_xlim(-0.6, len(shown) - 0.4)
    finish(axes, y="Accuracy (%)", title=f"{panel[0].upper()}{panel[1:]}" + (f" ({unit})" if unit else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--model", nargs="+", default=["small"], help="tiny, small, base, a model file or a run")
    parser.add_argument("--data", type=Path, default=shared / "speech_commands")
    parser.add_argument("--split", choices=("validation", "test", "all"), default="validation")
    parser.add_argument("--noise", type=Path, default=shared / "environment_noise", help="folder <kind>/ of recordings")
    parser.add_argument("--limit", type=int, help="judge so many clips, evenly spread, and write no files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="print the last results of the split as a table")
    arguments = parser.parse_args()
    name = "robustness" if arguments.split == "test" else f"robustness-{arguments.split}"
    if arguments.markdown:
        with open(RESULTS / f"{name}.csv", newline="", encoding="utf-8") as file:
            print(markdown(list(csv.DictReader(file))), end="")
        return
    rows = []
    where = (arguments.data, arguments.split, arguments.noise)
    for row in card(arguments.model, *where, limit=arguments.limit, seed=arguments.seed):
        print(f"{row['model']}, {row['condition']} {row['value']}: {_cell(row)}", flush=True)
        rows.append(row)
    if arguments.limit is None:
        draw(rows, REPOSITORY / "docs" / "images" / f"{name}.png")
        print(write_rows(name, rows))


if __name__ == "__main__":
    main()
