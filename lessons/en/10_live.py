# %% [markdown]
# # 10. Live
#
# **A recogniser answers nearly every clip rightly. You leave it on all day. How often will it act although nobody has called
# it, and how do you choose how careful it should be?**
#
# The last lesson is about sound that never ends: windows, decisions, two kinds of mistakes, and an honest number for each of
# them. At the end you may talk to it yourself.
#
# *About 30 minutes to read, a minute or two to run. It builds on lesson 9. A microphone is optional, no GPU needed.*

# %%
from itertools import takewhile

import numpy as np

import hanmadi
from hanmadi import audio, plots
from hanmadi.augment.connected_speech import running_speech
from hanmadi.data.recordings import from_samples
from hanmadi.evaluation import calibration
from hanmadi.evaluation.live import (
    count_false_alarms,
    detections_in,
    evaluate_words,
    hear,
    keyword_rows,
    own_noise,
    score_mixed,
    sweep,
)
from hanmadi.evaluation.metrics import poisson_interval
from hanmadi.evaluation.mixing import mix_into
from hanmadi.inference import stream
from hanmadi.inference.decisions import DecisionConfig, decide
from hanmadi.inference.microphone import Microphone
from hanmadi.labels import COURSE_KEYWORDS
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

rng = np.random.default_rng(10)
recognizer = hanmadi.load("small")  # comes with hanmadi, trained on real recordings; or the folder of a run of yours
RATE, LABELS = recognizer.sample_rate, recognizer.labels
HOP_S = 0.1  # from one window to the next

store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=RATE, most=1_600)
split, rows = keyword_rows(recognizer, store, at_most=24 if quick() else 160)
say(f"The recogniser knows {', '.join(LABELS)}. It hears {recognizer.clip_samples / RATE:g} s at a time.")

# %% [markdown]
# ## Why a good test result says little
#
# A test clip has a word in the middle. Live there are no clips: the network looks at the newest second again and again, ten
# times a second, and most of what it sees is *not* a word.

# %%
windows_an_hour = 3_600 / HOP_S
say(
    "\n".join(
        [
            "| share of windows answered wrongly | wrong windows an hour |",
            "|---:|---:|",
            *(f"| {share:.1%} | {windows_an_hour * share:,.0f} |" for share in (0.05, 0.01, 0.001)),
        ]
    )
)

# %% [markdown]
# So two things are needed: a rule that turns many uncertain answers into one decision, and a measurement in *hours*, not in
# clips.
#
# ## A scene
#
# Six words in half a minute of noise, at known places.

# %%
noise = np.concatenate(list(own_noise(store, split).recordings()))
chosen = rows[:: len(rows) // 6][:6]  # rows come word by word: six different ones
names = [store.words[word] for word in store.word[chosen]]
scene, said = mix_into(
    audio.from_int16(store.samples(chosen)), names, np.resize(noise, 28 * RATE), sample_rate=RATE, snr_db=15.0, rng=rng
)
listen(scene, RATE, "a scene of 28 seconds with six words")

figure, (axes,) = plots.new_figure(height_in=2.8, title="Six words in noise")
plots.draw_waveform(axes, scene, RATE)
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=ORANGE, alpha=0.25, linewidth=0)
    axes.annotate(word.label, (word.start_s, 0.9), xycoords=("data", "axes fraction"), color=ORANGE, size=9)
show(
    figure,
    "The wave of half a minute of noise, six short orange stretches in it marked with the word that is said there.",
)

# %% [markdown]
# ## Blocks in, windows out
#
# A sound card gives small blocks of samples, of whatever size it likes. A **stream** keeps the newest second in a ring
# buffer, and asks the network whenever another tenth of a second is full. How the sound was cut into blocks must not matter.
# Does it?


# %%
def in_blocks(size):
    listening = stream.Stream(recognizer, hop_s=HOP_S)
    return np.array(
        [
            window.scores
            for start in range(0, len(scene), size)
            for window in listening.push(scene[start : start + size])
        ]
    )


times, scores = stream.windows_of(recognizer, scene, hop_s=HOP_S)
for size in (160, 1_024, 5_000):
    say(
        f"Blocks of {size}: {len(in_blocks(size))} windows, equal to the last bit: {bool(np.array_equal(in_blocks(size), scores))}."
    )

keywords = [LABELS.index(word) for word in dict.fromkeys(names)]
figure, (axes,) = plots.new_figure(height_in=3.4, title="What the network says, ten times a second")
for place, column in enumerate(keywords):
    axes.plot(
        times,
        scores[:, column],
        linewidth=1.4,
        color=(BLUE, ORANGE, GREY)[place % 3],
        linestyle=("-", "--")[place // 3 % 2],
        label=LABELS[column],
    )
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=GREY, alpha=0.15, linewidth=0)
plots.add_legend(axes)
finish(axes, x="Time (s)", y="Score")
show(
    figure,
    "Scores of the words that are said, over time. Where a word was said, marked in grey, its score rises towards one for about half a second, mostly just after it; between the words the scores stay low but for a few spikes.",
)

# %% [markdown]
# A word lights up several windows, not one. And noise makes a spike now and then.
#
# ## From scores to a decision
#
# If every window above 0.5 were a command, one "on" would switch the lamp five times. Three simple rules make **one**
# detection of **one** word, and a fourth weighs doubt:
#
# 1. **smooth**: the mean of the last 0.4 s must be high, not a single window,
# 2. **threshold**: it must exceed a number that we choose,
# 3. **refractory time**: after a detection nothing is detected for a second, and the word must have been below its
#    threshold before it counts again,
# 4. **doubt**: the score of "unknown" counts several times, for in talk most of what sounds like a command is none.

# %%
config = DecisionConfig(smoothing_s=0.4, threshold=0.6, refractory_s=1.0)
words = [label for label in LABELS if label not in ("unknown", "silence")]
columns = [LABELS.index(word) for word in words]
single = int((scores[:, columns] > 0.5).any(axis=1).sum())
found = decide(times, scores, LABELS, config, hop_s=HOP_S)
say(f"Windows with a keyword above 0.5: **{single}**. Detections: **{len(found)}**. Words said: **{len(said)}**.")

n = round(config.smoothing_s / HOP_S)
doubt = 1 + (config.unknown_weight - 1) * scores[:, [LABELS.index("unknown")]]
padded = np.concatenate([np.zeros((n - 1, len(LABELS))), scores / doubt])
smooth = np.mean([padded[i : i + len(scores)] for i in range(n)], axis=0)  # the mean of the last n windows
for detection in found:
    by_hand = smooth[np.argmin(np.abs(times - detection.time_s)), LABELS.index(detection.label)]
    say(f"{detection.time_s:5.1f} s: {detection.label}, {detection.score:.2f} (by hand {by_hand:.2f})")

figure, (axes,) = plots.new_figure(height_in=3.4, title="Best keyword: single windows and their mean")
axes.plot(times, scores[:, columns].max(axis=1), color=GREY, linewidth=0.9, label="single windows")
axes.plot(times, smooth[:, columns].max(axis=1), color=BLUE, linewidth=1.8, label="mean of 0.4 s")
axes.axhline(config.threshold, color=ORANGE, linewidth=1, linestyle="--", label="threshold")
axes.scatter([d.time_s for d in found], [d.score for d in found], color=ORANGE, zorder=4, label="detection")
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=GREY, alpha=0.15, linewidth=0)
plots.add_legend(axes)
finish(axes, x="Time (s)", y="Score")
show(
    figure,
    "A ragged grey line of single windows, a smooth blue line that follows it, a dashed threshold, and orange dots where the blue line crosses it for the first time.",
)

# %% [markdown]
# ## Two ways to be wrong
#
# * A **miss**: the word was said, nothing happened. Counted in words.
# * A **false alarm**: nothing was said to it, it acted. Counted in *hours*, for there are no clips to divide by.
#
# For misses we plant words in noise, as above. For false alarms we let it listen to talk in which no keyword is said:
# other words, strung together without pause. It is the hardest test, for talk is made of the same sounds as commands. (By
# default all voices here are synthetic, and this recogniser learnt from people: expect more misses than with `--data`.)

# %%
is_keyword = np.isin(store.word, [store.words.index(word) for word in words if word in store.words])
others = np.flatnonzero(~is_keyword)
others = others if len(others) else np.arange(len(store))
clips = audio.from_int16(store.samples(rng.permutation(others)[:400]))
minutes = 1 if quick() else 10
talk = [running_speech(part, seconds=60 * minutes, sample_rate=RATE, rng=rng) for part in np.array_split(clips, 2)]
listen(talk[0][: 10 * RATE], RATE, "ten seconds of talk without a keyword")

first, second = (
    hear(recognizer, from_samples(name, [part]), hop_s=HOP_S)
    for name, part in zip(("first", "second"), talk, strict=True)
)
mixed, planted_elsewhere = (
    list(score_mixed(recognizer, store, part, [own_noise(store, split)], snr_db=(10.0,), hop_s=HOP_S))
    for part in (rows[::2], rows[1::2])
)


def report(config, talk, mixed):
    """Misses and false alarms with these decisions."""
    alarms = count_false_alarms([talk], LABELS, config, hop_s=HOP_S)
    (heard,) = evaluate_words(mixed, LABELS, config, hop_s=HOP_S)
    return (
        f"missed {heard.misses} of {heard.words} words ({heard.interval.low:.0%} to {heard.interval.high:.0%}), "
        f"{alarms.count} false alarms in {alarms.seconds / 60:.0f} minutes: **{alarms.per_hour:.0f} an hour** "
        f"({alarms.interval.low:.0f} to {alarms.interval.high:.0f})"
    )


say(f"Threshold {config.threshold:g}: {report(config, first, mixed)}.")
for detection in detections_in(first, LABELS, config, hop_s=HOP_S)[:2]:
    end = round(detection.time_s * RATE)
    listen(talk[0][max(0, end - 2 * RATE) : end], RATE, f'a false alarm: taken for "{detection.label}"')

# %% [markdown]
# ## How sure can you be of a rate?
#
# False alarms come by chance, like raindrops on a tile. If the true rate is $\lambda$ an hour, then in $T$ hours one counts
# $k$ of them with the probability (Poisson)
#
# $$P(k) = \frac{(\lambda T)^k}{k!}\,e^{-\lambda T}$$
#
# Turn that round, and a count gives an *interval* of rates. Even no alarm at all proves little: with $k=0$, rates up to
# about $3/T$ an hour are still possible (95 %, one-sided): the **rule of three**.

# %%
hours = np.geomspace(0.05, 24, 60)
figure, (axes,) = plots.new_figure(height_in=3.6, title="What a count of false alarms can show")
for count, colour in ((0, BLUE), (10, ORANGE)):
    ends = np.array([poisson_interval(count, exposure=t, confidence=0.9) for t in hours])
    axes.fill_between(hours, np.maximum(ends[:, 0], 0.01), ends[:, 1], color=colour, alpha=0.2, linewidth=0)
    axes.plot(hours, ends[:, 1], color=colour, label=f"{count} false alarms")
axes.plot(hours, 3 / hours, color=GREY, linestyle="--", linewidth=1.2, label="3 / T")
axes.set(xscale="log", yscale="log", ylim=(0.05, 500))
plots.add_legend(axes)
finish(axes, x="Hours listened", y="False alarms an hour")
show(
    figure,
    "Possible rates over the hours listened, both axes logarithmic. With no false alarm everything below the line 3 / T remains possible; with ten, a band around ten divided by the hours.",
)
say(
    f"We listened for {first.seconds / 60:.0f} minutes. Without any false alarm that would show fewer than {poisson_interval(0, exposure=first.seconds / 3_600, confidence=0.9).high:.0f} an hour, and no more."
)

# %% [markdown]
# ## All thresholds at once
#
# A low threshold misses little and cries wolf; a high one is the other way round. The **DET curve** (detection error
# trade-off; Martin and others, 1997) shows every threshold as a point: choose where you want to stand on it. Near a corner
# of zero alarms the intervals grow wide: there the recording is too short to tell.

# %%
curve = list(
    sweep(
        mixed,
        [first],
        LABELS,
        config,
        hop_s=HOP_S,
        thresholds=[round(0.04 * i, 2) for i in range(5, 25)] + [0.98, 0.99],
    )
)
alarms_here = count_false_alarms([first], LABELS, config, hop_s=HOP_S).count
(heard_here,) = evaluate_words(mixed, LABELS, config, hop_s=HOP_S)
figure = plots.draw_det(
    false_alarms=[p.false_alarms for p in curve], miss_rate=[p.miss_rate for p in curve],
    low=[p.low for p in curve], high=[p.high for p in curve], hours=first.seconds / 3_600,
    chosen=(alarms_here, heard_here.miss_rate),
)  # fmt: skip
show(
    figure,
    "Missed words over false alarms an hour on a logarithmic axis: fewer of the one cost more of the other. Each point is a threshold, the shaded band its interval, the orange diamond the threshold that we used.",
)

# %% [markdown]
# ## Change and predict
#
# We used a threshold of 0.6. **Before you run the cell**: with 0.9, will the misses double, or the false alarms halve, or
# more? Write down two numbers. Then try 0.3.

# %%
my_prediction = "..."  # such as "30 % missed, 20 false alarms an hour"
threshold = 0.9  # change me

say(f"Threshold {threshold:g}: {report(DecisionConfig(threshold=threshold), first, mixed)}.")
say(f'You wrote: "{my_prediction}".')

# %% [markdown]
# ## Let the data choose, and check elsewhere
#
# **Calibration** finds a threshold for each word that misses as few as possible while the false alarms stay within a budget.
# It has seen the first half of the talk and of the words only. On the other halves it tends to do worse, as a tailor-made suit
# fits nobody else so well. That second figure is the one to tell others.

# %%
allowed = 20.0  # false alarms an hour: a demanding test needs a generous budget
calibrated = calibration.choose([first], mixed, LABELS, config, max_fa_per_hour=allowed, hop_s=HOP_S)
say(
    "Thresholds: "
    + ", ".join(f"{choice.word} {choice.threshold:.2f}" for choice in calibrated.words)
    + ". (1.00 means never.)"
)
say(f"Where they were chosen: {report(calibrated.config, first, mixed)}.")
say(f"Elsewhere: {report(calibrated.config, second, planted_elsewhere)}.")
(heard,) = evaluate_words(planted_elsewhere, LABELS, calibrated.config, hop_s=HOP_S)
middle_s = heard.latency_s(0.5)
say(
    "No word was heard."
    if middle_s is None
    else f"Half of the words that were heard were known {middle_s:.2f} s after their end or sooner."
)

# %% [markdown]
# For a model of your own the same is one command: `hanmadi calibrate --background RECORDINGS`. It writes the thresholds
# into the model file, and the microphone, files and the evaluation all obey them.
#
# ## Your own voice
#
# Set `use_microphone = True` and speak for twenty seconds: yes, no, up, down, left, right, on, off, stop, go. Without a
# microphone name a recording of yours in `recording`; without either it hears the scene from above. Nothing is stored.

# %%
use_microphone = False  # True needs hanmadi[mic]
recording = None  # such as "my_words.wav"


def words_in(blocks, sample_rate):
    for detection in stream.listen(recognizer, blocks, sample_rate=sample_rate, config=calibrated.config, hop_s=HOP_S):
        say(f"{detection.time_s:5.1f} s: **{detection.label}** ({detection.score:.0%})")


if use_microphone:
    with Microphone() as microphone:
        ends = iter(range(20 * 20))  # twenty seconds in blocks of 50 ms
        words_in(takewhile(lambda _: next(ends, None) is not None, microphone), microphone.sample_rate)
elif recording:
    rate, blocks = audio.blocks(recording)
    words_in(blocks, rate)
else:
    words_in([scene], RATE)
    say("Said were: " + ", ".join(f"{word.label} ({word.end_s:.1f} s)" for word in said) + ".")

# %% [markdown]
# Was it as good as in the test? Your room, your microphone and your voice were in no training. Record what it gets wrong,
# and train again: `hanmadi train --data my_words/`. That is the whole craft.
#
# ## Exercises
#
# **1.** A recogniser listened to 20 minutes of radio and detected 3 words that nobody had said to it. How many false alarms an
# hour is that?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 3 / 20 * 60,
    wrong={
        3: "3 is the count in 20 minutes; an hour is longer",
        0.15: "that is per minute",
        1: "you divided by 3; an hour has three times 20 minutes, so multiply",
        60: "3 alarms in 20 minutes, not in 3 minutes",
    },
    hint="How many times 20 minutes are in an hour?",
)  # fmt: skip

# %% [markdown]
# **2.** You want to show, at 95 %, that there is less than half a false alarm an hour. For how many hours must it listen
# without a single one (rule of three)?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 3 / 0.5, unit="h",
    wrong={
        2: "that is the time in which you expect one alarm at that rate; none in 2 hours happens by luck in one of three cases",
        1.5: "3 times 0.5; the rule is rate = 3 / T, so T = 3 / rate",
        0.5: "that is the rate, not the time",
        0.1667: "you turned the fraction round: T = 3 / rate",
    },
    hint="Rates up to 3 / T remain possible after T hours without an alarm. When is 3 / T = 0.5?",
)  # fmt: skip

# %% [markdown]
# **3.** You raise the threshold. Which of the two mistakes becomes rarer? Answer `"misses"` or `"false alarms"`.

# %%
answer_3 = ...
check(
    "3", answer_3, "false alarms",
    wrong={"misses": "a higher threshold is harder to exceed, for words as well: more of them are missed"},
    hint="A detection needs an average score above the threshold. With a higher one there are fewer detections of any kind.",
)  # fmt: skip

# %% [markdown]
# ## Sources
#
# * A. Martin, G. Doddington, T. Kamm, M. Ordowski, M. Przybocki, "The DET curve in assessment of detection task performance",
#   *Eurospeech* 1997
# * F. Garwood, "Fiducial limits for the Poisson distribution", *Biometrika* 28 (1936), doi:10.1093/biomet/28.3-4.437
# * J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right? Interpreting zero numerators", *JAMA* 249
#   (1983), doi:10.1001/jama.1983.03330370053031: the rule of three
# * G. Chen, C. Parada, G. Heigold, "Small-footprint keyword spotting using deep neural networks", *ICASSP* 2014,
#   doi:10.1109/ICASSP.2014.6854370: smoothed scores and a threshold
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209
