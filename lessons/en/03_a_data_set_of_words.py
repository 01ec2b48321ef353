# %% [markdown]
# # 3. A data set of words
#
# **A recogniser gets nearly every test clip right. Then a stranger speaks, and it fails. How can both be true?**
#
# You need about 25 minutes and lessons 1 and 2. You will open a data set, listen to it, number its words, and make the mistake yourself
# that answers the question.

# %%
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from hanmadi import audio, features, plots
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_clips, split_speakers
from hanmadi.data.store import SPLITS, build_store
from hanmadi.evaluation import metrics
from hanmadi.labels import LabelSet, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz: a clip of one second is 8,000 numbers, as in the course

# %% [markdown]
# ## Listen first
#
# Before you train on data, listen to it. Many hours have been lost on recordings that were silent, cut off, or said something else. Here is a
# clip drawn at random. Change the number and draw more.

# %%
draw = 7  # change me, as often as you like

store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE)
row = int(np.random.default_rng(draw).integers(len(store)))
word, speaker = store.words[store.word[row]], store.speakers[store.speaker[row]]
listen(store.clip(row), SAMPLE_RATE, f"clip {row}: {word!r}, said by {speaker}")
show(
    plots.waveform_and_spectrogram(store.clip(row), SAMPLE_RATE),
    f"One second of sound: above the wave of the word {word!r} with silence around it, below its spectrogram up to 4 kHz.",
)
say(
    f"The store has {len(store):,} clips of {store.clip_samples:,} samples, {len(store.words)} words, {len(store.speakers)} speakers."
)

# %% [markdown]
# Unless you named recordings of your own, these voices are synthetic: many voices, speeds and pitches, made by a program. They teach the same
# lessons as real ones, and they need no download.
#
# How many clips of each word are there? A recogniser that has seen one word more often than the others leans towards it.

# %%
counts = np.bincount(store.word, minlength=len(store.words))
figure, (axes,) = plots.new_figure(height_in=2.8)
axes.bar(store.words, counts, color=BLUE, width=0.6)
finish(axes, y="Clips", title="clips of each word")
show(
    figure,
    "A bar for each of the four words: "
    + ", ".join(f"{w} {n}" for w, n in zip(store.words, counts, strict=True))
    + ".",
)

# %% [markdown]
# ## Two ways to keep a data set
#
# **As a folder.** One folder a word, one sound file a clip; the file's name begins with who said it. This is how Google's *Speech Commands* comes. You can
# look into it with any program, and add a word by adding a folder.

# %%
desk = Path(tempfile.mkdtemp())
chosen = [int(r) for w in range(len(store.words)) for r in np.flatnonzero(store.word == w)[:20]]
takes = Counter()
for r in chosen:
    said, who = store.words[store.word[r]], store.speakers[store.speaker[r]]
    path = desk / "words" / said / f"{who}_nohash_{takes[said, who]}.wav"
    takes[said, who] += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, store.clip(r), sample_rate=SAMPLE_RATE)

for path in sorted((desk / "words").rglob("*.wav"))[:5]:
    say(f"`{path.relative_to(desk).as_posix()}`: {path.stat().st_size:,} bytes")

# %% [markdown]
# **As an npz.** One file with two arrays, as the course has it: `wav_vals` with a row a clip, `label_vals` with a word a row. Quick to load, but
# it does not say who speaks. Remember that.

# %%
np.savez(
    desk / "words.npz",
    wav_vals=np.stack([store.clip(r) for r in chosen]),
    label_vals=np.array([[store.words[store.word[r]]] for r in chosen]),
)
with np.load(desk / "words.npz", allow_pickle=False) as file:  # never unpickle a file from others: it can run programs
    say(f"`wav_vals` {file['wav_vals'].shape} {file['wav_vals'].dtype}, `label_vals` {file['label_vals'].shape}")
    say(f"The first label is {str(file['label_vals'][0, 0])!r}.")

for name in ("words", "words.npz"):
    opened = build_store(open_source(desk / name), desk / f"store-{name}", sample_rate=SAMPLE_RATE)
    say(f"The library opens `{name}`: {len(opened)} clips, {len(opened.words)} words, {len(opened.speakers)} speakers.")
shutil.rmtree(desk, ignore_errors=True)  # a clean desk

# %% [markdown]
# The course held everything in memory, as 32-bit numbers, several copies at a time, and died of it. The library keeps clips as 16-bit numbers in a file and
# reads only the few it needs (*memory mapping*).
#
# ## Labels are numbers
#
# A network answers with numbers, so each word gets one: its place in a fixed list.

# %%
labels = LabelSet(store.words)
for name in (*store.words, "banana"):
    say(f"`labels.index_of({name!r})` is {labels.index_of(name)}")

course = make_labels()
say(f"The course's twelve labels: {', '.join(course.labels)}.")
say(f"There, `index_of('banana')` is {course.index_of('banana')}: **{course.labels[course.index_of('banana')]}**.")

# %% [markdown]
# The order of the list is part of the model. Swap two labels after the training and every answer is wrong, without any error. A recogniser
# for the real world needs two more labels: *unknown* for all other words, and *silence*.
#
# ## One-hot
#
# Should the network give out the number 2 for the third word? Then 1.5 would be "between *no* and *up*", which means nothing. So the answer has a place
# for each label, and the right one is 1, the others 0: **one-hot**.
#
# $$\text{word } k \;\mapsto\; (0, \ldots, 0, \underset{k}{1}, 0, \ldots, 0)$$

# %%
first_clips = store.word[:: len(store) // 8][:8]
one_hot = np.eye(len(labels), dtype=int)[first_clips]

figure, (axes,) = plots.new_figure(height_in=3.0)
axes.imshow(one_hot.T, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
for clip_number, label_number in enumerate(first_clips):
    axes.text(clip_number, label_number, "1", ha="center", va="center", color="white", weight="bold")
axes.set_yticks(range(len(labels)), labels.labels)
finish(axes, x="Clip", y="Label", title="one-hot: a 1 in each column")
axes.grid(visible=False)
show(
    figure,
    "A grid with a row for each label and a column for each of eight clips. Every column has exactly one blue cell with a 1.",
)
say(f"And back again, with argmax: {[labels.labels[i] for i in one_hot.argmax(axis=1)]}")

# %% [markdown]
# ## Three heaps: training, validation, test
#
# - **Training** clips change the network.
# - **Validation** clips choose: when to stop, which network to keep.
# - **Test** clips are looked at once, at the end. They stand for all people who will ever use it.
#
# If you choose by the test, it becomes a second validation, and its number flatters. The library deals out *speakers*, not clips: each speaker's name is
# turned into a number (a hash), and that decides the heap, today and after new recordings have come.

# %%
split = split_clips(store, method="speaker", holdout=0.2)
by_speaker = split_speakers(store.speakers, 0.2)
per_speaker = np.bincount(store.speaker[store.speaker >= 0], minlength=len(store.speakers))

figure, (axes,) = plots.new_figure(height_in=3.0)
order = np.argsort(by_speaker, kind="stable")
for index, (name, colour) in enumerate(zip(SPLITS, (BLUE, GREY, ORANGE), strict=True)):
    places = np.flatnonzero(by_speaker[order] == index)
    axes.bar(places, per_speaker[order][places], color=colour, label=name)
finish(axes, x="Speaker", y="Clips")
plots.add_legend(axes)
show(
    figure,
    "A bar for each speaker, as high as the number of clips, in three colours: most speakers are in training, some in validation, some in test. "
    "No bar has two colours.",
)
for index, name in enumerate(SPLITS):
    say(f"{name}: {int((split == index).sum()):,} clips of {int((by_speaker == index).sum())} speakers")

# %% [markdown]
# ## The simplest recogniser there is
#
# Why all this about speakers? The **nearest neighbour** will show it. It keeps all training clips. A new clip gets the word of the stored clip that looks
# most like it. That is the whole recogniser:

# %%
looks = np.stack(
    [
        # the loudest half second as log-mel (lesson 7): how much of each frequency, over time
        features.log_mel(
            audio.fit_length(store.clip(r), SAMPLE_RATE // 2, sample_rate=SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
            n_mels=20,
            hop_ms=20,
        )
        for r in range(len(store))
    ]
).reshape(len(store), -1)
looks -= looks.mean(axis=1, keepdims=True)  # loud or soft shall not matter
energy = (looks**2).sum(axis=1)
distance = energy[:, None] + energy - 2 * looks @ looks.T  # |a - b|^2 of every pair of clips


def nearest(train, test):
    """For each test clip the training clip that looks most like it, as rows of the store."""
    return train[distance[np.ix_(test, train)].argmin(axis=1)]


# %% [markdown]
# ## Change and predict
#
# With `"random"` the *clips* are dealt out, so that a test speaker is in training too. With `"speaker"` the test speakers are strangers. **How many per cent
# will each get right?** Write both down, then run with `"random"` and with `"speaker"`.

# %%
my_prediction = "..."  # such as "random 90 %, speaker 70 %"
method = "random"  # change me: "random" or "speaker"

with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    split = split_clips(store, method=method, holdout=0.2)
train, test = np.flatnonzero(split == 0), np.flatnonzero(split == 2)
right = int((store.word[nearest(train, test)] == store.word[test]).sum())
low, high = metrics.wilson_interval(right, len(test))
say(f'You wrote: "{my_prediction}".')
say(
    f"Split {method!r}: **{right / len(test):.1%}** of {len(test)} test clips are right (95 % interval: {low:.1%} to {high:.1%})."
)
for warning in warned:
    say(f"The library warns: *{str(warning.message).split(': ', 1)[-1]}*")

# %% [markdown]
# ## Once is not enough
#
# One split is one throw of dice: other speakers, other figure. So repeat it with new dice: each time some *speakers* are held out, and, beside it, as many
# *clips* without regard to who speaks. The two tests are equally large; only the voices differ.

# %%
rng = np.random.default_rng(0)
REPEATS = 20 if quick() else 40
FIFTH = max(1, len(store.speakers) // 5)  # at least one, however few there are


def accuracy_of(held_out):
    """Accuracy in % of the nearest neighbour on the clips (n,) that are held out."""
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    return 100 * metrics.accuracy(store.word[test], store.word[nearest(train, test)])


strangers, known = [], []
for _ in range(REPEATS):
    held_out = np.isin(store.speaker, rng.permutation(len(store.speakers))[:FIFTH])
    strangers.append(accuracy_of(held_out))
    known.append(accuracy_of(rng.permutation(held_out)))
leak = np.array(known) - np.array(strangers)
margin = 2.05 * leak.std(ddof=1) / np.sqrt(REPEATS)  # half of a 95 % interval of the mean

figure, (axes,) = plots.new_figure(height_in=2.8)
axes.axvline(0, color=GREY, linewidth=1)
axes.plot(leak, rng.uniform(-0.3, 0.3, REPEATS), "o", color=BLUE, alpha=0.6, label="one pair of tests")
axes.errorbar(leak.mean(), 0.55, xerr=margin, fmt="D", color=ORANGE, capsize=4, label="mean, 95 % interval")
axes.set(ylim=(-0.5, 0.8), yticks=[])
finish(axes, x="Known voices better by (points)")
plots.add_legend(axes)
show(
    figure,
    f"{REPEATS} dots, one for each pair of tests: by how many points the test with known voices is better. They scatter around a mean of "
    f"{leak.mean():.1f}, which is drawn with its interval beside a line at 0.",
)
say(
    f"Voices known: {np.mean(known):.1f} %. Strangers: {np.mean(strangers):.1f} %. The leak is worth **{leak.mean():.1f} points** "
    f"(95 % interval: {leak.mean() - margin:.1f} to {leak.mean() + margin:.1f}; a rough one, as the repeats share clips)."
)
say(
    "The interval lies above 0: the leak is real."
    if leak.mean() > margin
    else "The interval reaches 0: on these clips it could be chance."
)

# %% [markdown]
# The synthetic voices change their accent, pitch and speed from clip to clip, so one clip tells little about the next one of the same "person" and the leak is small.
# People sound like themselves: with real recordings (`--data`, see `hanmadi data get`) the same cell shows a larger leak. And a network that trains for a long
# time learns voices by heart better than a neighbour does.
#
# Where does it come from? The stored clips do not only know the *word*. They know the *voice*. Let the same neighbour guess **who** speaks.

# %%
held_out = rng.random(len(store)) < 0.2
train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
found = nearest(train, test)
same_voice = float((store.speaker[found] == store.speaker[test]).mean())
share = np.bincount(store.speaker[train], minlength=len(store.speakers)) / len(train)
by_chance = float(share[store.speaker[test]].mean())
say(
    f"In **{same_voice:.0%}** of all cases the nearest clip is by the same speaker; by chance it would be {by_chance:.0%}."
)

# %% [markdown]
# That is the answer to the question of the beginning. A test that shares speakers with the training asks: "do you know this person's voice again?" You want to know:
# "do you understand a stranger?" The npz of the course cannot tell them apart, because it does not say who speaks. So: **deal out speakers, and say
# so beside every figure.**
#
# ## What to keep
#
# - Listen to data before training on it. Count it.
# - A label is a place in a fixed list; one-hot is a 1 at that place.
# - Training changes, validation chooses, test is looked at once.
# - A speaker belongs to one heap only.
#
# ## Exercises
#
# **1.** The labels are `("yes", "no", "up", "go")`. What is *up* as one-hot? Write a tuple such as `(1, 0, 0, 0)`.

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: (0, 0, 1, 0),
    wrong={
        (
            0,
            1,
            0,
            0,
        ): "That is the second place, the word no. up is the third; its index is 2, since counting starts at 0.",
        (0, 0, 0, 1): "That is the last place, the word go.",
        (1, 1, 0, 1): "It is upside down: the right place is 1, all others 0.",
        2: "That is the index. One-hot has one place for each label.",
    },
    hint="Four places; a 1 where up stands in the list.",
)

# %% [markdown]
# **2.** 100 people say 10 words each, once. You deal out people: 80 for training, 10 for validation, 10 for test. How many *clips* has the test?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: 10 * 10,
    wrong={
        10: "That is the number of people. Each of them said 10 words.",
        1000: "That is all clips. Only those of 10 people are in the test.",
        800: "Those are the training clips.",
        200: "Validation and test together. The question asks for the test alone.",
    },
    hint="People in the test times words of each.",
    unit="clips",
)

# %% [markdown]
# **3.** How many megabytes (1 MB = 1,000,000 bytes) do 10,000 clips of 8,000 samples take as `float32`, which has 4 bytes a number?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 10_000 * 8_000 * 4 / 1e6,
    wrong={
        80: "That is millions of numbers. Each has 4 bytes.",
        160: "That would be int16, with 2 bytes a number: half as much, which is why the library stores that.",
        640: "That would be float64, with 8 bytes a number.",
        320_000_000: "Those are bytes. Divide by a million.",
    },
    hint="clips x samples x bytes, divided by 1,000,000",
    unit="MB",
)

# %% [markdown]
# ## Sources
#
# - P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", 2018, arXiv:1804.03209: the folder, the hash of the speaker, and how
#   it was recorded.
# - S. Kapoor and A. Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science", *Patterns* 4, 2023,
#   doi:10.1016/j.patter.2023.100804: the same mistake in 17 fields.
# - T. Cover and P. Hart, "Nearest neighbor pattern classification", *IEEE Transactions on Information Theory* 13, 1967,
#   doi:10.1109/TIT.1967.1053964.
#
# Next: [4. A 1-D network on the wave](04_a_network_on_the_wave.py). The neighbour needed log-mel. Can a network learn from the bare wave?
