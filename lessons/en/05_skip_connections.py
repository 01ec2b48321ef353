# %% [markdown]
# # 5. Skip connections
#
# **A friend says: "Skip connections make networks learn better and overfit less." How would you find out whether that is true for yours?**
#
# You need about 30 minutes, of which the computer trains for two or three, and lesson 4. The claim comes from the course that this one grew from. It is tested here, on the same words,
# and the answer may be: we cannot tell.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, plots
from hanmadi.data.examples import make_examples
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models.cost import parameters
from hanmadi.models.course import DEPTHS, WAVEFORM, ConvBlock, CourseNet
from hanmadi.models.recipe import Recipe
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import Network

SAMPLE_RATE = 8_000  # Hz
store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE, most=160 if quick() else 1_200)
labels = LabelSet(store.words)
examples = make_examples(store, labels, split_method="speaker", holdout=0.15)
# few training clips, so that there is time for many trainings, and something to overfit
order = np.random.default_rng(0).permutation(len(examples["train"]))[: 32 if quick() else 240]
train = replace(examples["train"], rows=examples["train"].rows[order], labels=examples["train"].labels[order])
say(f"{len(train)} training clips, {len(examples['test'])} for the test; no speaker in both.")

# %% [markdown]
# ## A wire past the layers
#
# In lesson 4 every sound went through ten convolutions, one after the other. A **skip connection** is a second way: the input of a block goes round the block and joins its output again. The course joins by
# **concatenation**: the channels are put side by side. (Another way is to *add* them; that makes a ResNet.)

# %%
plain_block, skip_block = ConvBlock(1, 8, 16, 3, skip=False), ConvBlock(1, 8, 16, 3, skip=True)
x = torch.randn(1, 8, 100)
say(
    f"In: {tuple(x.shape[1:])}. Out of the plain block: {tuple(plain_block(x).shape[1:])}; with the skip: {tuple(skip_block(x).shape[1:])}."
)

figure, (axes,) = plots.new_figure(height_in=2.4)
for place, name in enumerate(("x\n8 channels", "conv", "conv", "conv", "join\n16 + 8", "pool")):
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": BLUE if name == "conv" else GREY}
    axes.text(place, 0, name, ha="center", va="center", bbox=box, size=10)
    if place:
        axes.annotate("", (place - 0.32, 0), (place - 0.68, 0), arrowprops={"arrowstyle": "->", "color": GREY})
wire = {"arrowstyle": "->", "color": ORANGE, "linewidth": 2, "connectionstyle": "arc3,rad=-0.28"}
axes.annotate("", (3.9, 0.35), (0.1, 0.35), arrowprops=wire)
axes.text(2, 1.1, "skip: x as it was", color=ORANGE, ha="center")
axes.set(xlim=(-0.6, 5.6), ylim=(-0.7, 1.5), xticks=[], yticks=[])
axes.spines[:].set_visible(False)
show(
    figure,
    "A chain of boxes: x with 8 channels, three convolutions, join, pool. An orange wire leads from x over the convolutions straight to the join, "
    "where 16 channels and 8 channels come together.",
)

# %% [markdown]
# ## What it should do to gradients
#
# Learning sends the error backwards (lesson 4's `backward`). At each layer it is multiplied by that layer's weights. If every layer passes on a little less than it gets, after ten layers nearly nothing is left:
# the **vanishing gradient**. With $y = f(x)$ and the joined output $(y, x)$, the chain rule gives
#
# $$\frac{\partial L}{\partial x} = \underbrace{J_f^\top \, g_y}_{\text{through the layers}} + \underbrace{g_x}_{\text{along the wire}}$$
#
# where $g_y$ and $g_x$ are the gradients that arrive at the two parts. The second term goes through no layer at all. So much for theory; it does not say how *much* this matters.
#
# ## Change and predict
#
# One block of the library by itself, with `depth` convolutions, as PyTorch starts them. We send a gradient in at its end, and measure what arrives at its beginning. **With 10 convolutions instead of 1, how many times
# smaller does it get without a skip? And with one?** Write it down, run, then try 3 and 20.

# %%
my_prediction = "..."  # such as "10 times smaller; with a skip the same"
depth = 10  # change me


def arriving(depth, skip, seed):
    """RMS of the gradient at the input of one block, for a gradient of RMS 1 at its output."""
    torch.manual_seed(seed)
    x = torch.randn(8, 4, 200, requires_grad=True)
    y = ConvBlock(1, 4, 4, depth, skip=skip)(x)
    y.backward(torch.randn_like(y))
    return x.grad.square().mean().sqrt().item()


depths = sorted({1, 2, 3, 5, 7, 10, 14, 20, depth})
without = {d: np.mean([arriving(d, False, seed) for seed in range(10)]) for d in depths}
joined = {d: np.mean([arriving(d, True, seed) for seed in range(10)]) for d in depths}
say(f'You wrote: "{my_prediction}".')
say(
    f"From depth 1 to {depth}: without a skip **{without[1] / without[depth]:,.0f} times** smaller, with one {joined[1] / joined[depth]:.2f} times."
)

figure, (axes,) = plots.new_figure(height_in=3.2)
axes.semilogy(depths, list(without.values()), "o-", color=BLUE, label="plain")
axes.semilogy(depths, list(joined.values()), "o-", color=ORANGE, label="skip")
axes.axvline(depth, color=GREY, linestyle="--", linewidth=1)
finish(axes, x="Convolutions in the block", y="Gradient at the input (RMS)")
plots.add_legend(axes)
show(
    figure,
    "The gradient that arrives, on a logarithmic axis, over the number of convolutions. Plain: a straight fall over many powers of ten. With a skip: nearly level.",
)

# %% [markdown]
# A straight line on a logarithmic axis means: each layer passes on the same *fraction*. That is the vanishing gradient, seen.
#
# ## In the whole network
#
# Now the course's network itself. Two things are measured at its start, before any training:
#
# 1. **Does the sound arrive?** How much does the output of each block differ from clip to clip, compared with its size? If it is the same for all clips, the rest of the network cannot know what was said.
# 2. **Does the gradient arrive?** For each of the ten convolutions: the gradient of its weights compared with the weights.
#
# And each of them with three ways to start the weights. All three draw them at random, around 0; they differ in how large. A layer adds up $n$ products, so the sizes are said in $n$ (here for a layer with as many
# channels out as in):
#
# | start | mean square of a weight | biases |
# |---|---|---|
# | PyTorch's own | $1 / (3n)$ | random |
# | Keras's, the course's library: Glorot and Bengio (2010) | $1 / n$ | 0 |
# | He et al. (2015), who reckon with ReLU | $2 / n$ | 0 |
#
# A ReLU throws away half of the energy. So of a sound a layer passes on a sixth, a half, or all of it, and a bias adds something that is the same for every clip. **Ten layers on, from which starts can the network still
# tell the clips apart?**


# %%
STARTS = ("PyTorch", "Keras", "He")


def new_network(skip, seed, start):
    """The course's network with an eighth of the filters; `CourseNet` comes with Keras's start."""
    torch.manual_seed(seed)
    network = CourseNet((8_000,), len(labels), dimensions=1, skip=skip, filters=4, dense=64)
    for layer in network.modules():
        if start == "PyTorch" and isinstance(layer, nn.Conv1d | nn.Linear):
            layer.reset_parameters()
        if start == "He" and isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


def at_the_start(network, sound, target):
    """How much each block's output (4,) differs between clips, and the relative gradients of the convolutions (10,)."""
    x, differs = sound[:, None], []
    for block in network.blocks:
        x = block(x)
        differs.append((x.var(dim=0).mean() / x.square().mean()).sqrt().item())
    functional.cross_entropy(network.head(x.flatten(1)), target).backward()
    convolutions = [m for m in network.blocks.modules() if isinstance(m, nn.Conv1d)]
    return differs, [(m.weight.grad.norm() / m.weight.norm()).item() for m in convolutions]


some = np.arange(24)
sound = torch.from_numpy(audio.from_int16(train.batch(some)))
target = torch.from_numpy(train.labels[some])
SEEDS = 2 if quick() else 5
found = {
    (start, skip): [at_the_start(new_network(skip, seed, start), sound, target) for seed in range(SEEDS)]
    for start in STARTS
    for skip in (False, True)
}
listen(
    sound[0].numpy(), SAMPLE_RATE, f"one of the {len(some)} clips that are sent through: {labels.labels[target[0]]!r}"
)

figure, axes = plots.new_figure(2, 3, height_in=5.6)
for (start, skip), runs in found.items():
    column = STARTS.index(start)
    for row, x_axis in ((0, range(1, 5)), (1, range(1, 11))):
        values = np.exp(np.mean([np.log(np.array(run[row]) + 1e-12) for run in runs], axis=0))
        axes[3 * row + column].semilogy(
            x_axis, values, "o-", color=ORANGE if skip else BLUE, label="skip" if skip else "plain"
        )
for column, start in enumerate(STARTS):
    finish(axes[column], x="Block", y="" if column else "Difference between clips", title=f"{start}'s start")
    finish(axes[3 + column], x="Convolution", y="" if column else "Relative gradient")
    axes[column].set(ylim=(1e-5, 3), xticks=range(1, 5))
    axes[3 + column].set(ylim=(1e-6, 10), xticks=(1, 4, 7, 10))
plots.add_legend(axes[3], place="lower right")
show(
    figure,
    "Six plots, above how much blocks differ between clips, below the gradients of ten convolutions, from left to right with PyTorch's start, Keras's and He's. "
    "The plain network's and the skip network's curves are drawn in blue and orange.",
)
for (start, skip), runs in found.items():
    arrives = np.exp(np.mean([np.log(run[0][-1] + 1e-12) for run in runs]))
    say(
        f"{start}'s start, {'skip' if skip else 'plain'}: after the last block clips differ by **{arrives:.2g}** of the size of the output."
    )

# %% [markdown]
# Read the columns from left to right. With biases of 0 a sound may get quieter from layer to layer, but nothing is added to it: what arrives is still the sound. With random biases the quiet sound drowns in what is the
# same for all clips. Adam, the optimiser used here, divides each step by the size of the gradients, so small gradients alone (lower row) do not stop it. But it cannot bring back a sound that does not arrive (upper row).
#
# How much of what the wire does could a good start have done as well? This matters: networks that were compared with a poor start show what a skip does *to a poor start*.
#
# ## Does it learn better? One training is an anecdote
#
# Begin with the start alone: the plain network, once from PyTorch's start and once from Keras's, everything else equal.

# %%
recipe = Recipe(batch=16, shards=2, learning_rate=2e-3, schedule="one_cycle", patience=None)
EPOCHS = 1 if quick() else 5
spare = examples["validation"]  # a few clips: nothing is chosen here, every training runs to its end
few = replace(spare, rows=spare.rows[:8], labels=spare.labels[:8])


def accuracy_on(network, heap):
    """Accuracy in % on all clips of a heap."""
    right = 0
    with torch.inference_mode():
        for samples, wanted in heap.batches(32):
            right += int(
                (network.eval()(torch.from_numpy(audio.from_int16(samples))).argmax(1).numpy() == wanted).sum()
            )
    return 100 * right / len(heap)


def trained(skip, seed, start):
    """Accuracies in % of a trained network: on its training clips, and on the test clips."""
    network = new_network(skip, seed, start)
    heaps = {"train": train, "validation": few}
    with tempfile.TemporaryDirectory() as folder:
        fit(Network(FrontEnd(WAVEFORM), network), heaps, recipe, Budget(EPOCHS), seed=seed, folder=Path(folder))
    return accuracy_on(network, train), accuracy_on(network, examples["test"])


for start in ("PyTorch", "Keras"):
    on_train, on_test = trained(False, 0, start)
    say(
        f"{start}'s start, plain: {on_train:.0f} % of the training clips, {on_test:.0f} % of the test clips. Guessing: {100 / len(labels):.0f} %."
    )

# %% [markdown]
# With the full networks it is the same question, only dearer. We tried it with the 2-D network of lesson 8, on ten words: after 140 steps of 32 clips from Keras's start its loss was 1.08, and it knew 63 % of the training
# clips; from PyTorch's start the loss was 1.66, and it knew 43 %. Our first comparison of the course's networks had been started as PyTorch does it, and gave each of them three minutes. So short a race says more about the
# start than about the networks. Lesson 8 shows the full networks from the course's own start, and trained to the end.
#
# Tempting to stop here and write a rule. But each of these was *one* seed, *one* order of clips. For the skip, do it properly: the same good start for both, He's, and several seeds, each once without and once with the
# skip, everything else equal.

# %%
results = np.array([[trained(skip, seed, "He") for skip in (False, True)] for seed in range(SEEDS)])
# results[seed, skip, 0 train or 1 test]
for seed, ((train_plain, test_plain), (train_skip, test_skip)) in enumerate(results):
    say(
        f"seed {seed}: plain {train_plain:.0f} % / {test_plain:.0f} %, skip {train_skip:.0f} % / {test_skip:.0f} % (training / test)"
    )

figure, axes = plots.new_figure(1, 2, height_in=3.4)
gaps = results[:, :, 0] - results[:, :, 1]
for panel, values, title in (
    (axes[0], results[:, :, 1], "test accuracy (%)"),
    (axes[1], gaps, "overfitting: training - test (points)"),
):
    for pair in values:
        panel.plot([0, 1], pair, "o-", color=GREY, alpha=0.7)
    panel.plot([0, 1], values.mean(axis=0), "D-", color=ORANGE, linewidth=2.5, label="mean")
    panel.set_xticks([0, 1], ["plain", "skip"])
    panel.set_xlim(-0.4, 1.4)
    finish(panel, title=title)
plots.add_legend(axes[0], place="lower right")
show(
    figure,
    f"Two plots with a grey line for each of {SEEDS} seeds from plain to skip, and the mean in orange. Left the test accuracy, right the gap between training and test.",
)

# %% [markdown]
# ## What may we say?
#
# Each seed gives one difference, skip less plain. Their mean has an interval, by Student's $t$: $\bar d \pm t \, s / \sqrt{n}$, where $s$ is the spread of the differences and $n$ their number.

# %%
T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # 97.5 % point of Student's t for n differences


def verdict(name, differences):
    """Say the mean difference with its 95 % interval, and what that allows to say."""
    n, mean, spread = len(differences), np.mean(differences), np.std(differences, ddof=1)
    margin = T[n] * spread / np.sqrt(n)
    clear = abs(mean) > margin
    say(f"**{name}**: {mean:+.1f} points (95 % interval: {mean - margin:+.1f} to {mean + margin:+.1f}, {n} seeds).")
    say(
        "The interval leaves out 0: on these clips the skip makes this difference."
        if clear
        else "The interval includes 0: **too few trainings to tell.**"
    )
    say(
        f"To see a difference of 3 points with such a spread takes about {max(2, int(np.ceil((2.8 * spread / 3) ** 2))):,} seeds."
    )


verdict("Test accuracy, skip less plain", results[:, 1, 1] - results[:, 0, 1])
verdict("Overfitting (training less test), skip less plain", gaps[:, 1] - gaps[:, 0])

# %% [markdown]
# Three more reasons to be careful, even where an interval leaves out 0:
#
# - It covers the *seeds*, not other test speakers. All trainings were judged on the same few people.
# - The skip network is **larger**: the joined channels go on, and the dense layer reads them all. Is it the wire, or the size?
# - It holds for this small network and a short training. For deeper ones the case is clear: He et al. (2015, "Deep residual learning") found a plain network of 34 layers worse than one of 18, even on its training
#   images, and the other way round with skips.

# %%
sizes = [parameters(new_network(skip, 0, "He")) for skip in (False, True)]
say(
    f"Parameters: plain {sizes[0]:,}, skip {sizes[1]:,}, that is {sizes[1] / sizes[0]:.2f} times as many, for {sum(DEPTHS)} convolutions each."
)

# %% [markdown]
# ## What to keep
#
# - A skip joins the input of a block to its output. The gradient then has a way back that no layer weakens. That can be seen directly.
# - A good start of the weights does much of the same for a network of this depth.
# - Libraries start differently. Who compares networks has to say how they start, and give them all the same good start.
# - "It overfits less" is a claim on *trainings*. One pair is an anecdote; a mean with an interval is a result; "too few to tell" is a result too.
#
# Lesson 8 asks the same question for the spectrogram.
#
# ## Exercises
#
# **1.** A block gets 32 channels and puts out 64. With the course's skip, how many channels leave it?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: ConvBlock(1, 32, 64, 2, skip=True)(torch.zeros(1, 32, 18)).shape[1],
    wrong={
        64: "That is the block without the skip. The input is put beside it.",
        32: "That is the input alone. It is put beside the output.",
        2048: "You multiplied. Concatenation puts channels side by side.",
        128: "You doubled the output. What is put beside it is the input, with 32 channels.",
    },
    hint="Side by side: output and input.",
    unit="channels",
)

# %% [markdown]
# **2.** Each of 10 layers passes on 0.4 of the gradient that reaches it. What fraction comes through all ten?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: 0.4**10,
    tolerance=5e-6,
    wrong={
        4: "10 x 0.4: fractions of fractions multiply with each other, they do not add up.",
        0.04: "0.4 / 10: every layer takes its 0.4 of what the layer before left.",
        0.4: "That is one layer.",
        0.00605: "That is 0.6 to the power 10: what is lost is 0.6, what is passed on is 0.4.",
    },
    hint="0.4 of 0.4 of 0.4 ...",
)

# %% [markdown]
# **3.** Five seeds give a difference of +3 points with a 95 % interval from -2 to +8. Do they show that the skip helps? Write `True` or `False`.

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: -2 > 0 or 8 < 0,
    wrong={
        True: "The interval reaches from harm (-2) to help (+8) and includes 0. +3 is the best guess, but not shown: train with more seeds.",
    },
    hint="Does the interval leave out 0?",
)

# %% [markdown]
# ## Sources
#
# - K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385: skips by adding, and very deep networks that train.
# - G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional networks", 2016, arXiv:1608.06993: skips by concatenation, as in the course.
# - X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", *AISTATS* 2010; K. He et al., "Delving deep into rectifiers", 2015, arXiv:1502.01852: how a start makes or breaks a
#   deep network.
# - X. Bouthillier et al., "Accounting for variance in machine learning benchmarks", 2021, arXiv:2103.03098: why one seed is not enough.
#
# Next: [6. Fourier](06_fourier.py): the wave is taken apart into tones.
