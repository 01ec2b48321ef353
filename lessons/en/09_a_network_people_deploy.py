# %% [markdown]
# # 9. A network people deploy
#
# **A network answers nearly every clip of its test rightly, in a quiet laboratory, with loud clear voices. Then somebody takes
# it into a kitchen. What does it take before people can use it?**
#
# In this lesson you train hanmadi's own small network, in about a minute, and find out what it does with noise, with
# silence, and with words that it was never told about.
#
# *About 30 minutes to read, two to three minutes to run. It builds on lessons 7 and 8. No GPU, no microphone needed.*

# %%
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import hanmadi
from hanmadi import audio, features, plots, runs
from hanmadi.audio.reverb import Room, reverberate, room_response
from hanmadi.augment import augmentations
from hanmadi.data.examples import make_examples
from hanmadi.evaluation.evaluation import evaluate_clips, evaluate_synthetic_silence, scores_of_rows
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.export.onnx import export_onnx
from hanmadi.inference import model_file
from hanmadi.labels import COURSE_KEYWORDS, UNKNOWN, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import architecture
from hanmadi.models.cost import macs, parameters
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import new_network

rng = np.random.default_rng(9)
SMALL = architecture("small")
store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=SMALL.features.sample_rate, most=2_800)
labels = make_labels(store.words[: len(COURSE_KEYWORDS)])
say(f"{len(store):,} clips of {len(store.words)} words; the labels are {', '.join(labels.labels)}.")

# %% [markdown]
# ## Small on purpose
#
# The networks of the course are far too large for a telephone or a Raspberry Pi. Lesson 8 showed why: the row hoards
# parameters, the image hoards multiplications. `small` takes the best of both:
#
# 1. it starts from 40 log-mels instead of 130 bins (lesson 7),
# 2. a few **2-D** convolutions find shapes, and shrink the frequency axis only,
# 3. then all that is left of frequency is folded into channels, and **1-D** convolutions run over time: they see all
#    frequencies at once,
# 4. each convolution is *separable*: first every channel by itself, then all channels at one point. For 64 channels and 9
#    frames that is $64\cdot 9 + 64\cdot 64 = 4{,}672$ products a point instead of $64\cdot 64\cdot 9 = 36{,}864$.


# %%
def described(name):
    chosen = architecture(name)
    with torch.device("meta"):  # described, not computed
        network = chosen.build(chosen.features.shape, len(labels))
    return parameters(network), macs(network, chosen.features.shape)


costs = {name: described(name) for name in ("tiny", "small", "wave_cnn", "spectrogram_cnn2d", "spectrogram_cnn1d")}
say(
    "\n".join(
        [
            "| network | parameters | MACs a clip |",
            "|---|---:|---:|",
            *(f"| {name} | {n:,} | {m / 1e6:,.1f} M |" for name, (n, m) in costs.items()),
        ]
    )
)
figure, panels = plots.new_figure(1, 2, height_in=3.2, title="What a network costs (each line is ten times more)")
for axes, place, name in zip(panels, (0, 1), ("Parameters", "MACs a clip"), strict=True):
    axes.barh(list(costs), [cost[place] for cost in costs.values()], color=[BLUE, BLUE, GREY, GREY, GREY])
    axes.set_xscale("log")
    finish(axes, x=name)
panels[1].set_yticks([])
show(
    figure,
    "Bars on logarithmic axes. tiny and small need hundreds of times fewer parameters and more than a thousand times fewer multiplications than the networks of the course.",
)

# %% [markdown]
# ## One recording, a thousand clips
#
# A few hundred recordings of a word are not many. But we know what may change without changing the word: *when* it is
# said, how loud, in what noise, in which room. So each time a clip is trained on, it is altered anew. That is
# **augmentation**. Listen to one clip and what may become of it.

# %%
rate = store.sample_rate
clip = store.clip(int(np.flatnonzero(store.word == 0)[0]))[None]  # a batch of one
noise = (
    audio.from_int16(store.noise(0))[None, : store.clip_samples]
    if store.noise_names
    else rng.normal(size=clip.shape).astype(np.float32)
)
room = room_response(Room(rt60_s=0.8, distance_m=2.5), sample_rate=rate, length=rate, rng=rng)

altered = {
    "as recorded": clip,
    "shifted": augmentations.shift(clip, most=2_000, rng=np.random.default_rng(1)),
    "30 dB quieter": augmentations.change_gain(clip, gain_db=(-30, -30), rng=rng),
    "noise at 5 dB": augmentations.mix_at_snr(clip, noise, snr_db=5.0),
    "in a room": reverberate(clip, room[None]),
}
pictures = {name: features.compute(samples[0], SMALL.features) for name, samples in altered.items()}
masked = augmentations.augment_features(
    pictures["as recorded"].T[None], config=SMALL.recipe.augmentation, rng=np.random.default_rng(5)
)
pictures["stretched and masked"] = masked[0].T

for name, samples in altered.items():
    listen(samples[0], rate, f"one clip: {name}", keep_level=True)
figure, panels = plots.new_figure(2, 3, height_in=5.4, title=f'"{store.words[0]}" six times, as log-mel')
for axes, (name, picture) in zip(panels, pictures.items(), strict=True):
    axes.imshow(picture, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-2, vmax=2)
    finish(axes, title=name)
    axes.grid(visible=False)
show(
    figure,
    "Six log-mels of one clip: as recorded; moved in time; dimmer as it is quieter; veiled by noise; smeared to the right by a room; stretched, with bands hidden.",
)

# %% [markdown]
# The last one does not change the sound but the picture: some bands of time and frequency are hidden (*SpecAugment*),
# so that the network cannot hang on a single spot.
#
# The strength of a noise is said by the **signal-to-noise ratio** in decibels, from the mean powers $P$ of both:
#
# $$\mathrm{SNR} = 10 \log_{10}\frac{P_\text{word}}{P_\text{noise}}$$
#
# ## Who is in, who is out
#
# Ten keywords, and two labels that make the difference between a toy and a tool:
#
# * `unknown`: any other word. Training hears many other words; but people will say others still. So we **keep six words
#   away from training**, to see later what becomes of words that nobody has ever thought of.
# * `silence`: no word at all. It is made from *noise*, never from zeros: a network that has learnt that silence is zero
#   takes your refrigerator for a word.

# %%
examples = make_examples(store, labels, split_method="speaker", holdout=0.2)
never_heard = store.words[len(labels.keywords) + 2 :: 10][:6] if len(store.words) > len(labels.keywords) + 12 else ()
is_new = np.isin(store.word, [store.words.index(word) for word in never_heard])

known = examples["train"]
kept = ~is_new[known.rows]
training = replace(
    known, rows=known.rows[kept], labels=np.concatenate([known.labels[: len(kept)][kept], known.labels[len(kept) :]])
)
say(
    f"{len(training.rows):,} clips to train on and {training.made} made silences. Never heard in training: {', '.join(never_heard) or 'none (too few other words)'}."
)

# %% [markdown]
# ## Train
#
# We train it twice, with and without augmentation, everything else alike. Each epoch is one pass; the learning rate
# rises and then falls to zero; what is kept is the running average of the weights.

# %%
EPOCHS = 2 if quick() else 24
folder = Path(tempfile.mkdtemp(prefix="lesson9-"))


def train(name, recipe):
    network = new_network(SMALL, len(labels), seed=0)
    started = time.perf_counter()
    history = fit(network, examples | {"train": training}, recipe, Budget(EPOCHS), folder=folder / name, seed=0)
    card = {
        "format": model_file.FORMAT,
        "labels": list(labels.labels),
        "sample_rate": rate,
        "clip_samples": store.clip_samples,
    }
    export_onnx(folder / name / runs.FILE_NAME, SMALL.features, network.body, card)
    say(
        f"{name}: {history[-1].examples:,} clips in {time.perf_counter() - started:.0f} s, validation {history[-1].validation_accuracy:.1%}."
    )
    return history, hanmadi.load(folder / name)


history, recognizer = train("augmented", SMALL.recipe)
_, plain = train("plain", replace(SMALL.recipe, augment=False))

figure = plots.draw_curves(
    train_loss=[e.train_loss for e in history], validation_loss=[e.validation_loss for e in history],
    train_accuracy=[e.train_accuracy for e in history], validation_accuracy=[e.validation_accuracy for e in history],
    title="The augmented training",
)  # fmt: skip
show(
    figure,
    "Loss and accuracy over the epochs. The validation curve does better than the training curve for much of the way, because training clips are altered and validation clips are not.",
)

# %% [markdown]
# Odd, is it not? Validation is *better* than training. The training clips are made hard on purpose; validation clips
# are as recorded.
#
# ## How good is it?
#
# The test clips are of speakers that training never heard. An accuracy without an interval is half a number.

# %%
rows = examples["test"].rows
rows = rows[~is_new[rows]]
result, plain_result = evaluate_clips(recognizer, store, rows, "test"), evaluate_clips(plain, store, rows, "test")
for name, found in (("augmented", result), ("plain", plain_result)):
    say(
        f"{name}: **{found.accuracy:.1%}** of {found.clips} clips (95 %: {found.interval.low:.1%} to {found.interval.high:.1%})."
    )
show(
    plots.draw_confusion(result.confusion, labels.labels),
    "Confusion matrix of the augmented network: rows are what was said, columns what was answered; most clips lie on the diagonal. The numbers of right answers stand at the right of each row.",
)

# %% [markdown]
# Does the plain network win here? With so little training that is no wonder: its lessons were easier, and so is this test.
# Wait for the noise.
#
# On synthetic speech all this is easier than life: the voices are clean and there are only a few dozen. With real
# recordings (`--data`) expect less.
#
# ## Silence and unknown words
#
# Now ask what a demonstration never shows: clips of noise, zeros, known other words, and the words that were kept away.


# %%
def share(name, hits, count):
    low, high = wilson_interval(hits, count)
    say(f"{name}: {hits} of {count} right (95 %: {low:.0%} to {high:.0%}).")
    return name, hits / count, low, high


def called(rows, label):
    """How many of these clips of the store are called ``label``."""
    return int((scores_of_rows(recognizer, store, rows).argmax(axis=1) == labels.labels.index(label)).sum())


keyword_hits = result.truth < len(labels.keywords)
bars = [share("keywords", int((result.predicted == result.truth)[keyword_hits].sum()), int(keyword_hits.sum()))]
others = rows[~np.isin(store.word[rows], range(len(labels.keywords)))]
strangers = np.flatnonzero(is_new)
for name, some in (("other words", others), ("never heard", strangers)):
    if len(some):
        bars.append(share(name, called(some, UNKNOWN), len(some)))
made, made_right = evaluate_synthetic_silence(recognizer, examples["test"])
bars.append(share("noise", made_right, made))

zeros = recognizer.predict(np.zeros(store.clip_samples, np.float32), sample_rate=rate)
say(f"A second of nothing but zeros is called {zeros.label} ({zeros.score:.0%} sure).")
figure, (axes,) = plots.new_figure(height_in=3.2, title="Called what they are")
for place, (_, middle, low, high) in enumerate(bars):
    axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=7, alpha=0.35, solid_capstyle="round")
    axes.scatter(100 * middle, place, color=BLUE, zorder=4)
axes.set_yticks(range(len(bars)), [name for name, *_ in bars])
axes.set_xlim(0, 101)
axes.invert_yaxis()
finish(axes, x="Right (%), with 95 % interval")
show(
    figure,
    "Four dots with intervals: keywords, other words, words never heard, and noise. The numbers are printed above.",
)

if len(strangers):
    wrong = strangers[scores_of_rows(recognizer, store, strangers).argmax(axis=1) < len(labels.keywords)]
    for row in wrong[:2]:
        answer = recognizer.predict(store.clip(int(row)), sample_rate=rate)
        listen(
            store.clip(int(row)),
            rate,
            f'"{store.words[store.word[row]]}", taken for "{answer.label}" ({answer.score:.0%} sure)',
        )

# %% [markdown]
# Compare *other words* with *never heard*, and look at the width of the intervals before you call it a difference. What is
# refused depends on how much a word resembles a keyword as well as on whether it was heard. *Never heard* is the figure that
# counts: in a day of talk nearly every word is a word never heard. Lesson 10 is about that day.
#
# ## Noise
#
# Test clips in noise recordings of the test split, which training never heard either. How does each network fare, from
# a clean clip down to noise as strong as the word and beyond?

# %%
LEVELS = (20.0, 10.0, 5.0, 0.0, -5.0)  # dB SNR
few = rows[keyword_hits][:: 4 if quick() else 1]
clean = audio.from_int16(store.samples(few))
truth = store.word[few]
behind = examples["test"].noise.draw(len(few), rng=rng)


def accuracy_at(model, snr_db):
    noisy = np.clip(augmentations.mix_at_snr(clean, behind, snr_db=snr_db), -1, 1)
    scores = np.concatenate([model.scores(part) for part in np.array_split(noisy, -(-len(noisy) // 16))])
    return int((scores.argmax(axis=1) == truth).sum())


figure, (axes,) = plots.new_figure(height_in=3.8, title=f"{len(few)} keywords in noise")
for name, model, colour in (("augmented", recognizer, BLUE), ("plain", plain, ORANGE)):
    hits = np.array([accuracy_at(model, snr_db) for snr_db in LEVELS])
    ends = 100 * np.array([wilson_interval(int(hit), len(few)) for hit in hits])
    axes.fill_between(LEVELS, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
    axes.plot(LEVELS, 100 * hits / len(few), color=colour, marker="o", label=name)
    say(f"{name}: " + ", ".join(f"{snr:g} dB {hit / len(few):.0%}" for snr, hit in zip(LEVELS, hits, strict=True)))
axes.invert_xaxis()
axes.set_ylim(0, 100)
plots.add_legend(axes)
finish(axes, x="Signal-to-noise ratio (dB): noisier to the right", y="Right (%)")
show(
    figure,
    "Share of right answers over the signal-to-noise ratio for both networks, with shaded intervals. Both fall towards the right, as the noise grows; the numbers are printed above.",
)

for snr_db in LEVELS:
    listen(augmentations.mix_at_snr(clean[:1], behind[:1], snr_db=snr_db)[0], rate, f"the word in noise, {snr_db:g} dB")

# %% [markdown]
# ## Change and predict
#
# At 0 dB, word and noise have the same power. **Before you run the cell**: at -10 dB the noise has ten times the power
# of the word. Listen to it first (the cell below plays it). How many of the clips will the augmented network get right?
# And how many would *you*? Guessing among twelve labels gives about 8 %.

# %%
my_prediction = "..."  # per cent
my_snr_db = -10.0  # change me

listen(
    augmentations.mix_at_snr(clean[:1], behind[:1], snr_db=my_snr_db)[0], rate, f"the word in noise, {my_snr_db:g} dB"
)
say(f'You wrote: "{my_prediction}". The network: **{accuracy_at(recognizer, my_snr_db) / len(few):.0%}**.')

# %% [markdown]
# ## A file to take away
#
# What is deployed is one file: samples in, scores out. The front-end (the log-mel) is inside it, so that a telephone and a
# laptop cannot disagree about it. It runs without torch.

# %%
path = folder / "augmented" / runs.FILE_NAME
started = time.perf_counter()
for _ in range(50):
    recognizer.scores(clip)
per_clip_ms = 1_000 * (time.perf_counter() - started) / 50
say(
    f"`{path.name}`: **{path.stat().st_size / 1_000:.0f} kB**, {per_clip_ms:.2f} ms a clip on one thread here, one second of sound each."
)
answer = recognizer.predict(clip[0], sample_rate=rate)
say(f"The clip from above: {', '.join(f'{label} {score:.0%}' for label, score in answer.top)}.")

# %% [markdown]
# The same as one command, with everything in its report: `hanmadi train`. The models that come with hanmadi were trained so,
# longer and on real recordings.
#
# ## Exercises
#
# **1.** A word is mixed with noise at an SNR of 20 dB. How many times more power has the word than the noise?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 10 ** (20 / 10), tolerance=0.5,
    wrong={
        10: "that is the ratio of the amplitudes; power is amplitude squared",
        20: "decibels are a logarithm: every 10 dB are ten times the power",
        2: "20 dB are 2 bel, and each bel is a factor of ten",
        1: "0 dB is where both are alike",
    },
    hint="SNR = 10 log10(ratio), so the ratio is 10 to the power of SNR / 10.",
)  # fmt: skip

# %% [markdown]
# **2.** `small` has 52,332 parameters, each stored in 4 bytes. How many kilobytes (1 kB = 1,000 bytes) do they fill?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 52_332 * 4 / 1_000, tolerance=0.5, unit="kB",
    wrong={
        52.332: "that would be one byte each",
        209_328: "right in bytes; divide by 1,000",
        13.083: "you divided by 4; each parameter takes 4 bytes",
        1_674.624: "those are kilobits; a byte has 8 bits",
    },
    hint="Parameters times bytes, divided by 1,000.",
)  # fmt: skip

# %% [markdown]
# **3.** Of 1,000 test clips 500 are keywords and 500 are other words. A program answers `unknown` to everything. What
# is its accuracy (a number from 0 to 1)?

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 500 / 1_000,
    wrong={
        0: "it finds no keyword, but it is right about all the other words: accuracy counts every clip",
        1: "it is right about the other words only",
        0.0833: "that is guessing among twelve labels; this program does not guess, it always says the same",
        50: "right as a percentage; a share lies between 0 and 1",
    },
    hint="On which clips is `unknown` the right answer? (And would you buy that program?)",
)  # fmt: skip

# %% [markdown]
# ## Sources
#
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209 (2018): the labels
#   silence and unknown
# * D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition",
#   arXiv:1904.08779 (2019)
# * T. Ko, V. Peddinti, D. Povey, M. L. Seltzer, S. Khudanpur, "A study on data augmentation of reverberant speech for
#   robust speech recognition", *ICASSP* 2017, doi:10.1109/ICASSP.2017.7953152
# * A. G. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
#   arXiv:1704.04861: separable convolutions
# * S. Choi et al., "Temporal convolution for real-time keyword spotting on mobile devices", arXiv:1904.03814: frequency
#   folded into channels
# * Y. Zhang, N. Suda, L. Lai, V. Chandra, "Hello Edge: keyword spotting on microcontrollers", arXiv:1711.07128 (2017)
