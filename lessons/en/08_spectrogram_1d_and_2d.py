# %% [markdown]
# # 8. The spectrogram as a row and as an image
#
# **A spectrogram is a table of 130 by 126 numbers. One network reads it as a single long row of 16,380 numbers, another as an
# image. Which one understands words better, and why?**
#
# On the way we answer, by experiment, the questions that the course leaves open at its end: do skip connections help?
# Which network overfits less? What does size cost? And we learn to say "too few data to tell" when that is the answer.
#
# *About 30 minutes to read, two to three minutes to run. It builds on lessons 4, 5 and 7. No GPU needed.*

# %%
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, features, plots
from hanmadi.audio import signals
from hanmadi.data.examples import make_examples
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.labels import COURSE_KEYWORDS, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import architecture
from hanmadi.models.cost import macs, parameters
from hanmadi.models.course import SPECTROGRAM, CourseNet
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

torch.manual_seed(8)
rng = np.random.default_rng(8)

store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=8_000, most=3_000)
labels = make_labels(store.words[: len(COURSE_KEYWORDS)])  # ten words, unknown, silence
examples = make_examples(store, labels, split_method="speaker", holdout=0.3)  # many test clips make short intervals
say(f"{len(store):,} clips, {len(labels)} labels: {', '.join(labels.labels)}.")

# %% [markdown]
# ## A row or an image
#
# Here is one word both ways. To make the row, the rows of the image are laid end to end: 126 numbers of the lowest
# frequency, then 126 of the next, and so on.

# %%
clip = store.clip(0)
listen(clip, store.sample_rate, f'the word "{store.words[0]}"')
image = signals.to_db(features.compute(clip, SPECTROGRAM))

figure, (upper, lower) = plots.new_figure(2, height_in=5.6, ratios=(2, 1), title="The same 16,380 numbers")
upper.imshow(image, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-50, vmax=20)
finish(upper, x="Frame", y="Bin")
upper.grid(visible=False)
lower.plot(np.maximum(image, -50).reshape(-1), color=BLUE, linewidth=0.4)
finish(lower, x="Place in the row", y="dB")
show(
    figure,
    "Above the spectrogram as an image, bins over frames. Below the same numbers as one long jagged line, in which each bin of the image is a stretch of 126 numbers.",
)

# %% [markdown]
# ## What one number in the network sees
#
# Both networks are built of convolutions that are 9 wide. After two blocks of layers, how much of the spectrogram does
# one number depend on? We need not calculate: ask the gradient. Where the input can change the number, the gradient is
# not zero.


# %%
def seen_by_one_number(dimensions):
    network = CourseNet(SPECTROGRAM.shape, len(labels), dimensions=dimensions, skip=False, filters=4, dense=8)
    x = torch.rand(8, *SPECTROGRAM.shape, requires_grad=True)
    inside = network.blocks[:2]((x.flatten(1) if dimensions == 1 else x).unsqueeze(1))
    middle = tuple(size // 2 for size in inside.shape[2:])
    inside[(slice(None), slice(None), *middle)].sum().backward()
    return x.grad.abs().amax(dim=0).numpy() > 0


fields = [seen_by_one_number(dimensions) for dimensions in (1, 2)]
figure, panels = plots.new_figure(1, 2, height_in=3.9, title="What one number sees after two blocks")
for axes, field, name in zip(panels, fields, ("1-D", "2-D"), strict=True):
    axes.imshow(
        np.where(field, 20, image - 30), origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-80, vmax=20
    )
    finish(axes, x="Frame", y="Bin", title=f"{name}: {field.any(1).sum()} bins, {field.any(0).sum()} frames")
    axes.grid(visible=False)
show(
    figure,
    "Two dimmed spectrograms with the seen part lit up. Left, in the 1-D network, a thin horizontal line within one or two bins. Right, in the 2-D network, a square patch of many bins and frames.",
)
say(
    f"The 1-D network sees {fields[0].sum()} numbers of {fields[0].any(1).sum()} bin(s), the 2-D network {fields[1].sum():,} numbers: a patch of sound, so long and so high."
)

# %% [markdown]
# In the row, the neighbour in *time* is next door, but the neighbour in *frequency* is 126 places away. The 1-D
# network has to wait for its last, dense layer to bring frequencies together. The 2-D network sees a rising overtone or
# the edge of a hiss as a shape, wherever it is. That is our guess why it should win. Now let us test it.

# %% [markdown]
# ## What the course's networks cost
#
# Before training, count. A *multiply-accumulate* (MAC) is one product added to a sum. Nothing is computed here: the
# networks are only described (`meta`), for the largest of them would fill half a gigabyte.

# %%
NAMES = ("wave_cnn", "wave_cnn_skip", "spectrogram_cnn1d", "spectrogram_cnn1d_skip", "spectrogram_cnn2d")
rows = ["| network | parameters | of them in the dense layers | MACs a clip |", "|---|---:|---:|---:|"]
for name in NAMES:
    described = architecture(name)
    with torch.device("meta"):
        network = described.build(described.features.shape, len(labels))
    dense = sum(p.numel() for p in network.head.parameters())
    rows.append(
        f"| {name} | {parameters(network):,} | {dense / parameters(network):.0%} | {macs(network, described.features.shape) / 1e9:.1f} G |"
    )
say("\n".join(rows))

# %% [markdown]
# Read it slowly. Made flat, the 1-D networks keep so long a row that nearly all their parameters sit in the first dense
# layer. The 2-D network halves *both* axes in every block and needs far fewer parameters, but each of its filters has
# 81 weights instead of 9, so it has the most to multiply. Two processor cores need hours for one of them.
#
# ## Little sisters
#
# So we train little sisters: the same layers with an eighth of the filters, on a coarser image (means over 4 bins by 2
# frames). The comparison stays fair, as all of them are made smaller in the same way. What it says of the big ones is a
# hint, not a proof: in the coarse image the neighbour in frequency is only 62 places away, which helps the row.

# %%
FILTERS = 4  # of the first block; the course has 32
TRAINED, TESTED = (20, 20) if quick() else (65, 50)  # clips of each label, so that no label outweighs the others


def small_images(split, per_label):
    of_label = [np.flatnonzero(examples[split].labels == label) for label in range(len(labels))]
    chosen = np.concatenate([rng.permutation(rows)[:per_label] for rows in of_label])
    samples = audio.from_int16(examples[split].batch(chosen))
    level = signals.to_db(features.compute(samples, SPECTROGRAM), floor_db=-60)[:, :128, :124]
    coarse = level.reshape(len(level), 32, 4, 62, 2).mean(axis=(2, 4))
    return torch.tensor(coarse, dtype=torch.float32), torch.from_numpy(examples[split].labels[chosen])


train_x, train_y = small_images("train", TRAINED)
test_x, test_y = small_images("test", TESTED)
mean, std = train_x.mean(), train_x.std()
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std  # numbers around 0 are easier to learn from
say(f"{len(train_x)} training clips and {len(test_x)} test clips of other speakers, each {tuple(train_x.shape[1:])}.")

figure, panels = plots.new_figure(1, 4, height_in=2.9, title="What the little sisters see")
for axes, x, y in zip(panels, train_x[::TRAINED], train_y[::TRAINED], strict=False):
    axes.imshow(x.numpy(), origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-1.5, vmax=2.5)
    finish(axes, title=labels.labels[int(y)])
    axes.grid(visible=False)
show(figure, "Four training clips as coarse images of 32 by 62 points; the shape of each word can still be told.")

# %% [markdown]
# ## The experiment
#
# Four networks: 1-D and 2-D, each without and with skip connections (the course has no 2-D network with them; we can
# ask anyway). Each is trained twice from different random starts, because one run is an anecdote.
#
# How long? A network that has not yet learnt its own training clips has not lost, it has not finished. The image has 81
# weights in each filter and learns more slowly, so it gets twice as many passes. What that costs stands in the table too.
#
# And from where? The course's library was Keras, and `CourseNet` starts as Keras does it. The convolutions of the
# sisters get the start of He et al. (2015) instead, as in lesson 4: larger weights, all four networks alike. Lesson 5
# shows what a start can do.

# %%
EPOCHS, SEEDS = ({1: 1, 2: 1}, 1) if quick() else ({1: 6, 2: 12}, 2)


def train(x, y, *, seed, dimensions, skip=False, filters=FILTERS):
    torch.manual_seed(seed)
    network = CourseNet(
        tuple(x.shape[1:]), len(labels), dimensions=dimensions, skip=skip, filters=filters, dense=8 * filters
    )
    for layer in network.blocks.modules():  # so deep, a network needs a start that keeps the signal alive
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-4)
    for _ in range(EPOCHS[dimensions]):
        for part in torch.randperm(len(x)).split(16):
            optimiser.zero_grad()
            functional.cross_entropy(network(x[part]), y[part]).backward()
            optimiser.step()
    return network.eval()


def right(network, x, y):
    """1 where the network is right, 0 where it is not: (clips,)."""
    with torch.inference_mode():
        answers = torch.cat([network(part).argmax(1) for part in x.split(128)])
    return (answers == y).numpy().astype(float)


SISTERS = {
    "1-D": {"dimensions": 1}, "1-D skip": {"dimensions": 1, "skip": True},
    "2-D": {"dimensions": 2}, "2-D skip": {"dimensions": 2, "skip": True},
}  # fmt: skip
tested, trained, seconds, sizes = {}, {}, {}, {}
for name, how in SISTERS.items():
    started = time.perf_counter()
    networks = [train(train_x, train_y, seed=seed, **how) for seed in range(SEEDS)]
    seconds[name] = (time.perf_counter() - started) / SEEDS
    tested[name] = np.array([right(network, test_x, test_y) for network in networks])  # (seeds, clips)
    trained[name] = np.array([right(network, train_x, train_y) for network in networks])
    sizes[name] = parameters(networks[0])

# %%
rows = [
    "| network | parameters | training | test, each start | test, mean | 95 % | seconds |",
    "|---|---:|---:|---|---:|---|---:|",
]
intervals = {}
for name in SISTERS:
    mean = tested[name].mean()
    low, high = intervals[name] = wilson_interval(round(mean * len(test_y)), len(test_y))
    starts = ", ".join(f"{share:.1%}" for share in tested[name].mean(axis=1))
    rows.append(
        f"| {name} | {sizes[name]:,} | {trained[name].mean():.1%} | {starts} | {mean:.1%} | {low:.1%} to {high:.1%} | {seconds[name]:.0f} |"
    )
say("\n".join(rows))

figure, (axes,) = plots.new_figure(height_in=3.6, title="Accuracy on speakers never heard")
for place, name in enumerate(SISTERS):
    axes.plot(
        [place, place],
        [100 * end for end in intervals[name]],
        color=BLUE,
        linewidth=6,
        alpha=0.35,
        solid_capstyle="round",
    )
    axes.scatter([place] * SEEDS, 100 * tested[name].mean(axis=1), color=BLUE, zorder=4)
    axes.scatter([place] * SEEDS, 100 * trained[name].mean(axis=1), color=ORANGE, marker="x", zorder=4)
axes.axhline(100 / len(labels), color=GREY, linestyle="--", linewidth=1)
axes.set_xticks(range(len(SISTERS)), list(SISTERS))
axes.set_ylim(0, 100)
finish(axes, x="Dots: test, with 95 % interval. Crosses: training. Dashed: guessing", y="Accuracy (%)")
show(
    figure,
    "For each of the four networks the test accuracy of each start as dots with its interval as a bar, and the training accuracy as crosses. The numbers stand in the table above.",
)

# %% [markdown]
# ## Is that a difference, or luck?
#
# Two intervals that overlap do not settle it. Both networks answered the **same** clips, so look at each clip: where
# was one right and the other wrong? The mean of these differences has an interval of its own. If it contains 0, the
# honest answer is: *too few data to tell*.


# %%
def difference(ours, theirs):
    """Mean difference in points and the ends of its 95 % interval, over clips."""
    per_clip = 100 * (ours.mean(axis=0) - theirs.mean(axis=0))
    half = 1.96 * per_clip.std(ddof=1) / np.sqrt(len(per_clip))
    return per_clip.mean(), per_clip.mean() - half, per_clip.mean() + half


def verdict(question, found):
    points, low, high = found
    answer = "too few data to tell" if low <= 0 <= high else "yes" if points > 0 else "no, the other way round"
    say(f"**{question}** {points:+.1f} points (95 %: {low:+.1f} to {high:+.1f}): **{answer}**.")


verdict("Does the image beat the row?", difference(tested["2-D"], tested["1-D"]))
verdict("And with skip connections in both?", difference(tested["2-D skip"], tested["1-D skip"]))
verdict("Does skip help the row?", difference(tested["1-D skip"], tested["1-D"]))
verdict("Does skip help the image?", difference(tested["2-D skip"], tested["2-D"]))

# %% [markdown]
# The interval speaks of *clips*: another draw of test clips from the same speakers. It does not know that few starts
# were tried and few speakers heard, so the truth is a bit less certain than it says.
#
# **Before you crown a winner, look at the column *training*.** A network that does not even know its own training clips has
# not finished: give it more passes in `EPOCHS`, and run from there again.
#
# ## Which overfits less?
#
# Overfitting is the gap between clips that were learnt and clips of strangers.


# %%
def gap(name):
    """Training accuracy less test accuracy in points, and half its 95 % interval."""
    parts = [results[name].mean(axis=0) for results in (trained, tested)]
    half = 1.96 * np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    return 100 * (parts[0].mean() - parts[1].mean()), 100 * half


for name in SISTERS:
    say(f"{name}: **{gap(name)[0]:+.1f}** points (± {gap(name)[1]:.1f}) better on what it has learnt.")
least, most = min(SISTERS, key=lambda name: gap(name)[0]), max(SISTERS, key=lambda name: gap(name)[0])
apart = gap(most)[0] - gap(least)[0] > np.hypot(gap(most)[1], gap(least)[1])
say(
    f"Smallest gap: {least}; largest: {most}. "
    + ("The two differ by more than chance." if apart else "Too few data to tell the two apart.")
)

# %% [markdown]
# Beware of a trap: a network that has learnt nothing has no gap either. A gap is only worth something beside the
# accuracy.
#
# ## What does size cost?
#
# Twice the filters are four times the weights in nearly every layer. We give the 1-D network with skip
# connections, which trains fastest, more and more of them, each once: a single start, so mind what a start can do (table above).

# %%
points, cost = [], []
for filters in (2, 4) if quick() else (2, 4, 8):
    started = time.perf_counter()
    network = train(train_x, train_y, seed=0, dimensions=1, skip=True, filters=filters)
    cost.append((filters, parameters(network), macs(network, tuple(train_x.shape[1:])), time.perf_counter() - started))
    hits = right(network, test_x, test_y)
    points.append(
        plots.ComparisonRow(
            f"{filters} filters", parameters(network), hits.mean(), *wilson_interval(int(hits.sum()), len(hits))
        )
    )
show(
    plots.draw_comparison(points, title="1-D network with skip: accuracy against size"),
    "Test accuracy with its interval over the number of parameters, one point for each number of filters.",
)
say(
    "\n".join(
        [
            "| filters | parameters | MACs a clip | seconds of training | test |",
            "|---:|---:|---:|---:|---:|",
            *(
                f"| {f} | {n:,} | {m / 1e6:.1f} M | {s:.0f} | {point.accuracy:.1%} |"
                for (f, n, m, s), point in zip(cost, points, strict=True)
            ),
        ]
    )
)

# %% [markdown]
# ## The full networks
#
# The sisters gave hints. For proof the full networks have to be trained, and to the end. We did that once, on real
# recordings (Speech Commands at 8,000 Hz, other people in the test), as the course did it: Keras's start, batches of 32,
# ten epochs or fewer if validation stopped improving. It takes hours of two cores, so it does not happen here. The table
# is copied from the results that the project keeps (`benchmarks/results/course.csv`).
#
# <!-- course table -->
#
# | network | test accuracy (95 %) | train - validation | epochs | minutes | parameters |
# |---|---:|---:|---:|---:|---:|
# | spectrogram_cnn2d | 84.2 % (81.4 to 86.6) | +3.5 | 8 | 129 | 20,847,724 |
#
# <!-- /course table -->
#
# Until now the 2-D network alone was trained so long: its validation was best in the sixth epoch. The others follow; until
# then questions 1 to 3 are yours to answer from the sisters. On the validation clips it is right far more
# often than in the test. There `on`, `off` and `stop` are a much larger part of the clips, and of those three words it
# could hear a third as many as of the others: it misses almost every second `on`.
#
# *train - validation* is the gap in points, *minutes* is time by the clock. Put the table beside yours and answer the
# course's questions from it:
#
# 1. **Does the image beat the row?** Look at `spectrogram_cnn2d` and `spectrogram_cnn1d`. Do the intervals overlap? How many
#    points lie between the two?
# 2. **Does skip change the accuracy, or the overfitting?** There are two pairs, `wave_cnn` and `spectrogram_cnn1d`, each with its
#    `_skip`. Look at the accuracy first, then at the gap. Do both pairs say the same?
# 3. **What do size and time buy?** Go through the networks in the order of their parameters, then of their minutes. Does the
#    accuracy follow?
# 4. Did the little sisters point the right way?
#
# Each row is one training from one start. The interval again speaks of clips only; lesson 5 has shown what one pair of trainings is worth.

# %% [markdown]
# ## Change and predict
#
# We guessed that the image has an advantage because neighbouring frequencies belong together. If that is so, a network that
# gets the rows of the image **in a random order** (the same for every clip) should lose that advantage, although not a
# single number is missing.
#
# **Before you run the cell**, write down: how many points will the 2-D network (with skip) lose? And the 1-D network, when you
# set `dimensions = 1` and run again?

# %%
my_prediction = "..."  # such as "2-D loses 20 points, 1-D none"
dimensions = 2  # change me

order = torch.from_numpy(rng.permutation(32))
shuffled = train(train_x[:, order], train_y, seed=0, dimensions=dimensions, skip=True)
hits = right(shuffled, test_x[:, order], test_y)[None]
verdict(
    f"{dimensions}-D: are ordered rows better than shuffled ones?", difference(tested[f"{dimensions}-D skip"][:1], hits)
)
say(f'You wrote: "{my_prediction}".')

# %% [markdown]
# ## What to take home
#
# * A convolution assumes that neighbours belong together. The image keeps that true in both directions, the row in time only.
#   Shuffled rows show how much that is worth.
# * Parameters and multiplications are two different costs: the row has more of the first, the image of the second.
# * A difference without an interval is a rumour. A few hundred clips cannot show two points.
#
# With a GPU or a free night, train the big ones: `hanmadi compare --data DATA --minutes 60`.
#
# ## Exercises
#
# **1.** The first convolution of the 2-D network has 32 filters of 9 by 9 on one channel, each with a bias. How many
# parameters is that?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 32 * (9 * 9 + 1), tolerance=0,
    wrong={
        2_592: "the weights are right; each of the 32 filters has a bias as well",
        320: "that is the 1-D network, 9 weights a filter; here a filter is 9 by 9",
        2_593: "one bias is not enough; every filter has its own",
        81: "that is a single filter without bias; there are 32",
    },
    hint="A filter has 9 · 9 weights and one bias.",
)  # fmt: skip

# %% [markdown]
# **2.** In the row of 16,380 numbers, how many places apart are two neighbours in *frequency* of the same frame?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: SPECTROGRAM.shape[1], tolerance=0,
    wrong={
        1: "next door lies the neighbour in time; the row holds a whole bin, all its frames, before the next bin begins",
        130: "130 is the number of bins; between two bins lie all frames of one bin",
        125: "nearly: from the first number of a bin to the first of the next it is one more",
        9: "that is the width of a filter; ask how many frames a bin has",
    },
    hint="Each bin takes as many places as there are frames.",
)  # fmt: skip

# %% [markdown]
# **3.** Network A is right on 70 of 100 clips, network B on 75 of 100 *other* clips. Is B better beyond reasonable
# doubt (95 %)? Answer `True` or `False`; `wilson_interval(70, 100)` and `wilson_interval(75, 100)` help.

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: wilson_interval(75, 100).low > wilson_interval(70, 100).high,
    wrong={True: "A may well have 75 % in truth and B 70 %: with 100 clips each interval is nearly 18 points wide, and they overlap almost wholly"},
    hint="How wide is each interval, and how far apart are the two results?",
)  # fmt: skip

# %% [markdown]
# ## Sources
#
# * T. N. Sainath, C. Parada, "Convolutional neural networks for small-footprint keyword spotting", *Interspeech* 2015:
#   2-D convolutions on spectrograms of single words
# * S. Choi et al., "Temporal convolution for real-time keyword spotting on mobile devices", arXiv:1904.03814: how a
#   1-D network can see all frequencies at once (they become its channels)
# * G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely connected convolutional networks",
#   arXiv:1608.06993: skip connections that concatenate
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209
# * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", *Journal of the American
#   Statistical Association* 22 (1927), doi:10.1080/01621459.1927.10502953
# * T. G. Dietterich, "Approximate statistical tests for comparing supervised classification learning algorithms",
#   *Neural Computation* 10 (1998), doi:10.1162/089976698300017197: why pairs, and what they do not tell
