# %% [markdown]
# # 4. A 1-D network on the wave
#
# **Nobody tells it what a vowel is, or a frequency. Can a network learn words from the bare wave?**
#
# You need about 35 minutes, of which the computer trains for one or two, and lessons 1 to 3. No GPU.

# %%
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, plots
from hanmadi.audio import signals
from hanmadi.data.examples import make_examples
from hanmadi.evaluation import metrics
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import checkpoint
from hanmadi.models.cost import macs, parameters
from hanmadi.models.course import WAVEFORM, ConvBlock, CourseNet
from hanmadi.models.recipe import Recipe
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import KEPT, Network, kept_epoch

SAMPLE_RATE = 8_000  # Hz
store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE, most=160 if quick() else 1_200)
labels = LabelSet(store.words)
examples = make_examples(store, labels, split_method="speaker", holdout=0.15)
for name, heap in examples.items():
    say(f"{name}: {len(heap)} clips, no speaker in two heaps")

# %% [markdown]
# ## A pattern that slides
#
# Here is a wave with a short click in it, twice. And here is a pattern of nine numbers, a **kernel**. Lay the pattern on the wave, multiply number by number, add
# up, write the sum down; move on by one sample. That is **convolution**:
#
# $$y[t] = b + \sum_{i=0}^{8} w[i] \, x[t + i - 4]$$

# %%
kernel = signals.get_window("hann", 9, periodic=False) * np.cos(np.arange(-4, 5) * np.pi / 2)
wave = np.random.default_rng(0).normal(0, 0.05, 200)
for place in (50, 140):
    wave[place - 4 : place + 5] += kernel

padded = np.pad(wave, 4)  # zeros at both ends, so that as many numbers come out as go in ("same")
by_hand = np.array([np.sum(kernel * padded[t : t + 9]) for t in range(len(wave))])
by_torch = functional.conv1d(torch.tensor(wave)[None, None], torch.tensor(kernel)[None, None], padding="same")[0, 0]
say(f"By hand and by the library, the largest difference: {np.abs(by_hand - by_torch.numpy()).max():.0e}.")

figure, axes = plots.new_figure(3, height_in=4.8)
plots.draw_line(axes[0], wave, SAMPLE_RATE)
plots.draw_stems(axes[1], kernel, SAMPLE_RATE, colour=ORANGE)
plots.draw_line(axes[2], by_hand, SAMPLE_RATE)
axes[1].set_xlim(axes[0].get_xlim())
for panel, title in zip(axes, ("wave", "kernel", "wave * kernel"), strict=True):
    finish(panel, x="", title=title)
finish(axes[2], x="Time (ms)")
show(
    figure,
    "Above a noisy wave with the same short click at two places, in the middle the kernel of nine numbers, below the result: two clear peaks, "
    "exactly where the clicks are.",
)

# %% [markdown]
# The result is large where the wave looks like the pattern, **wherever that is**. So nine numbers serve all 8,000 places. In a network nobody chooses the
# patterns: they start at random and are learnt. (Mathematicians turn the kernel round first; networks do not bother.)
#
# A layer has many kernels, called **filters**. Two small steps follow: **ReLU** replaces what is negative by 0, so that layers do not collapse into one; **max-pooling** keeps
# the larger of each two neighbours, so that the next layer sees twice as far.

# %%
relu = np.maximum(by_hand, 0)
pooled = relu.reshape(-1, 2).max(axis=1)

figure, axes = plots.new_figure(2, height_in=3.8)
plots.draw_line(axes[0], relu, SAMPLE_RATE)
plots.draw_line(axes[1], pooled, SAMPLE_RATE / 2)
finish(axes[0], x="", title=f"after ReLU: {len(relu)} numbers")
finish(axes[1], title=f"after max-pooling: {len(pooled)} numbers")
show(
    figure,
    "Above the result with everything negative set to zero. Below the same after pooling: half as many numbers, the peaks still there.",
)

# %% [markdown]
# ## The course's network
#
# Four blocks of 2, 2, 3, 3 convolutions with 32, 64, 128, 256 filters of width 9, each with ReLU; a max-pooling after each block; then everything into one
# row, *dropout*, a dense layer of 256, *batch normalisation*, and a dense layer with one output a label. These outputs are called **logits**.
#
# Before it has learnt anything, a network needs weights to start from, and each library has its own. The course used **Keras**: weights drawn evenly from $-a$ to $a$ with $a = \sqrt{6 / (n + m)}$, biases of 0 (Glorot and
# Bengio, 2010). Here $n$ is how many numbers go into one output, and $m$ how many outputs one number goes to. `CourseNet` starts like that too, though PyTorch would do it otherwise. Our small one gets the start of He et
# al. (2015), which has larger weights because it reckons with what ReLU throws away. Lesson 5 holds the starts against each other.

# %%
with torch.device("meta"):  # shapes only, no numbers: it costs nothing
    full = CourseNet((8_000,), 12, dimensions=1, skip=False)


def small_network(seed):
    """The same layers with an eighth of the filters, started as He et al. (2015) say."""
    torch.manual_seed(seed)
    network = CourseNet((8_000,), len(labels), dimensions=1, skip=False, filters=4, dense=64)
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


network = small_network(0)
table = [
    f"| {name} | {parameters(one):,} | {macs(one, (8_000,)) / 1e6:,.0f} |"
    for name, one in (("the course's", full), ("ours", network))
]
say("\n".join(["| network | parameters | million multiplications a clip |", "|---|---:|---:|", *table]))

# %% [markdown]
# The full one is for a GPU, or for a night; ours has the same layers and is done in a minute or two. Follow one clip through it: what is long and thin becomes short and
# thick.

# %%
x = torch.from_numpy(store.clip(0))[None, None]
sees, step = 1, 1
shapes = [x.shape[1:]]
for block in network.blocks:
    assert isinstance(block, ConvBlock)
    for layer in block.convolutions:
        sees += step * 8 if isinstance(layer, nn.Conv1d) else 0  # each width of 9 adds 8 neighbours ...
    sees, step = sees + step, 2 * step  # ... which pooling moves twice as far apart
    with torch.inference_mode():
        x = block(x)
    shapes.append(x.shape[1:])
    say(
        f"{tuple(x.shape[1:])}: {x.shape[1]} channels, {x.shape[2]:,} moments; one number sees {1_000 * sees / SAMPLE_RATE:.0f} ms of sound"
    )

figure, (axes,) = plots.new_figure(height_in=2.8)
axes.barh(range(5), [s[1] for s in shapes], height=[0.12 + 0.022 * s[0] for s in shapes], color=BLUE)
for row, s in enumerate(shapes):
    axes.text(s[1] + 120, row, f"{s[0]} x {s[1]:,}", va="center", color=GREY)
axes.set_yticks(range(5), ["wave", "block 1", "block 2", "block 3", "block 4"])
axes.set_xlim(0, 9_600)
axes.invert_yaxis()
finish(axes, x="Moments")
show(
    figure,
    "Five bars, each half as long as the one above and thicker: from 1 channel of 8,000 numbers to 32 channels of 500.",
)

# %% [markdown]
# ## What is "wrong"? The loss
#
# The logits $z$ may be any numbers. **Softmax** makes them shares that add up to 1, and the **cross-entropy** looks at the share $p_k$ of the *right* label alone:
#
# $$p_j = \frac{e^{z_j}}{\sum_i e^{z_i}}, \qquad \text{loss} = -\ln p_k = -z_k + \ln \sum_i e^{z_i}$$

# %%
logits, right_label = np.array([2.0, -1.0, 0.5, 0.0]), 0
shares = np.exp(logits) / np.exp(logits).sum()
by_library = functional.cross_entropy(torch.tensor(logits)[None], torch.tensor([right_label])).item()
say(
    f"Shares: {', '.join(f'{p:.3f}' for p in shares)}. Loss by hand {-np.log(shares[right_label]):.4f}, by the library {by_library:.4f}."
)
say(
    f"A network that knows nothing gives each of {len(labels)} labels the same share: its loss is ln {len(labels)} = {np.log(len(labels)):.3f}."
)

huge = torch.tensor([[1_000.0, 0.0]])
with np.errstate(over="ignore", invalid="ignore"):
    broken = np.exp(1_000.0) / (np.exp(1_000.0) + 1)
say(
    f"Why the library wants logits, not shares: for a logit of 1,000 the formula gives {broken}, `cross_entropy` {functional.cross_entropy(huge, torch.tensor([0])):.1f}."
)

figure, (axes,) = plots.new_figure(height_in=2.8)
p = np.linspace(0.01, 1, 200)
axes.plot(p, -np.log(p), color=BLUE)
axes.axvline(1 / len(labels), color=GREY, linestyle="--", linewidth=1)
finish(axes, x="Share given to the right label", y="Loss")
show(
    figure,
    "The loss over the share of the right label: 0 at a share of 1, steeply rising towards a share of 0. A dashed line marks pure guessing.",
)

# %% [markdown]
# Being sure and wrong costs most.
#
# ## Learning, one step at a time
#
# The computer works out for every weight in which direction the loss falls (its *gradient*) and moves it a tiny step that way. Five lines are all there is:

# %%
trial = small_network(1)
optimiser = torch.optim.Adam(trial.parameters(), lr=1e-3)
rows = np.arange(0, len(examples["train"]), len(examples["train"]) // 16)[:16]
sound = torch.from_numpy(audio.from_int16(examples["train"].batch(rows)))
target = torch.from_numpy(examples["train"].labels[rows])
losses = []
for _ in range(15):
    optimiser.zero_grad()  # forget the last gradient
    loss = functional.cross_entropy(trial(sound), target)  # how wrong?
    loss.backward()  # which way is better, for each weight?
    optimiser.step()  # a small step that way
    losses.append(loss.item())

figure, (axes,) = plots.new_figure(height_in=2.6)
axes.plot(range(1, len(losses) + 1), losses, "o-", color=BLUE)
axes.set_ylim(bottom=0)
finish(axes, x="Step", y="Loss", title="16 clips, learnt by heart")
show(figure, f"The loss over {len(losses)} steps on the same 16 clips falls from {losses[0]:.2f} to {losses[-1]:.2f}.")
say(f"Loss on these 16 clips: {losses[0]:.2f} at first, **{losses[-1]:.2f}** after {len(losses)} steps.")

# %% [markdown]
# It works, a little too well: these 16 clips it now knows by heart. Whether it knows *words* only other clips can say. The library's `fit` does the same five lines over all training
# clips, in batches, and after each pass (**epoch**) measures the loss on the **validation** clips, whose speakers it has never heard.

# %%
recipe = Recipe(batch=32, shards=2, learning_rate=2e-3, schedule="one_cycle", patience=9)
folder = Path(tempfile.mkdtemp())
whole = Network(FrontEnd(WAVEFORM), network)
history = fit(whole, examples, recipe, Budget(2 if quick() else 9), seed=0, folder=folder)
for epoch in history:
    say(
        f"epoch {epoch.epoch}: training loss {epoch.train_loss:.2f}, validation loss {epoch.validation_loss:.2f}, validation accuracy {epoch.validation_accuracy:.0%}"
    )

figure = plots.draw_curves(
    train_loss=[e.train_loss for e in history],
    validation_loss=[e.validation_loss for e in history],
    train_accuracy=[e.train_accuracy for e in history],
    validation_accuracy=[e.validation_accuracy for e in history],
)
last = history[-1]
show(
    figure,
    f"Left the loss, right the accuracy over the epochs, for training and validation. In the end training is at {last.train_accuracy:.0%}, validation at "
    f"{last.validation_accuracy:.0%}; the gap between them is shaded.",
)

# %% [markdown]
# ## Overfitting
#
# Read the two curves together. Where both losses fall, it learns what words have in common. Where training still falls and validation stands still or rises, it learns *these
# clips* by heart: **overfitting**. The shaded gap is its measure. What helps: more clips, clips altered a little each time (lesson 9), fewer weights, dropout, and: stopping in time.
#
# If the validation curve jumps in the middle of the training, that is something else: there the steps are largest (the learning rate rises and then falls), and the averages that batch normalisation keeps for later lag behind
# the weights. Towards the end, with small steps, the curve calms down.

# %%
best = min(history, key=lambda e: e.validation_loss)
say(f"Lowest validation loss: {best.validation_loss:.2f} after epoch {best.epoch} of {len(history)}.")
say(
    f"Gap in accuracy at the end, training less validation: **{100 * (last.train_accuracy - last.validation_accuracy):.0f} points**."
)

# %% [markdown]
# ## Checkpoints
#
# That is why `fit` writes the weights to a file whenever the validation loss is lower than ever before: a **checkpoint**. It is also what saves you when the power fails. Load it into a new network
# and you have the same one.

# %%
again = small_network(99)  # other numbers ...
checkpoint.unpack("body", again, checkpoint.load(folder / KEPT).tensors)  # ... replaced by those of the file
with torch.inference_mode():
    difference = (again.eval()(sound) - network.eval()(sound)).abs().max().item()
say(
    f"Kept: epoch {kept_epoch(history, recipe)}, {(folder / KEPT).stat().st_size / 1e6:.1f} MB. Largest difference of the logits: {difference:.0e}."
)
shutil.rmtree(folder, ignore_errors=True)  # a clean desk

# %% [markdown]
# ## How good is it? The test
#
# Now, once, the test clips.


# %%
def logits_of(samples):
    """Logits (clips, labels) of sounds (clips, 8000)."""
    with torch.inference_mode():
        return torch.cat([network.eval()(torch.from_numpy(part)) for part in np.array_split(samples, 8)])


test_sounds = audio.from_int16(examples["test"].batch(np.arange(len(examples["test"]))))
truth = examples["test"].labels
scores = logits_of(test_sounds).softmax(dim=1).numpy()
answers = scores.argmax(axis=1)
right = int((answers == truth).sum())
low, high = metrics.wilson_interval(right, len(truth))
say(
    f"**{right / len(truth):.1%}** of {len(truth)} test clips are right (95 % interval: {low:.1%} to {high:.1%}). Guessing gives {1 / len(labels):.0%}."
)
show(
    plots.draw_confusion(metrics.confusion_matrix(truth, answers, len(labels)), labels.labels),
    f"The confusion matrix: a row for each word said, a column for each answer. The diagonal, right answers, holds {right} of {len(truth)} clips.",
)

# %% [markdown]
# Look at the largest number off the diagonal. Do those two words share a vowel? Listen to a clip that it gets right, and to the one where it is most sure and wrong.

# %%
surest = scores.max(axis=1)
for wanted, name in ((answers == truth, "right"), (answers != truth, "wrong")):
    if wanted.any():
        i = int(np.argmax(np.where(wanted, surest, -1)))
        listen(
            test_sounds[i],
            SAMPLE_RATE,
            f"{name}: {labels.labels[truth[i]]!r} was said, it hears {labels.labels[answers[i]]!r} ({surest[i]:.0%})",
        )

figure, (axes,) = plots.new_figure(height_in=2.6)
axes.bar(labels.labels, scores[i], color=[BLUE if k == truth[i] else GREY for k in range(len(labels))], width=0.6)
axes.set_ylim(0, 1)
finish(axes, y="Share (softmax)", title="the last clip heard")
show(
    figure,
    "A bar for each word: the shares that the network gives it for the last clip heard. The word that was said is blue.",
)

# %% [markdown]
# ## Change and predict
#
# A convolution finds its pattern wherever it is. So does it matter *when* in the second the word is said? Behind the blocks stands a dense layer, which has a weight of its own for each moment.
# Move all test clips to the right by `shift_ms`. **Will the accuracy stay, fall a little, or fall to guessing?** Write it down, run, then try 0, 20, 300 and -200.

# %%
my_prediction = "..."  # such as "it stays, convolution does not care"
shift_ms = 200  # change me

moved = np.roll(test_sounds, round(shift_ms * SAMPLE_RATE / 1_000), axis=1)
moved_right = int((logits_of(moved).argmax(dim=1).numpy() == truth).sum())
low, high = metrics.wilson_interval(moved_right, len(truth))
say(
    f'You wrote: "{my_prediction}". Moved by {shift_ms} ms: **{moved_right / len(truth):.1%}** right ({low:.1%} to {high:.1%}); in place: {right / len(truth):.1%}.'
)

# %% [markdown]
# Whatever you see, think about what it says on the training clips: where in the second do they have their word? A network learns the place along with the word. Moving training clips about at random
# (*augmentation*, lesson 9) cures it.
#
# ## Exercises
#
# **1.** 8,000 samples go through four blocks. Each block keeps the length and then pools by 2. How many moments are left?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 8_000 // 2**4,
    wrong={
        1_000: "That is after three blocks. There are four.",
        2_000: "8,000 / 4: you divided by the number of blocks. Each block halves.",
        250: "That is after five halvings. There are four.",
        4_000: "That is after one block.",
    },
    hint="Halve it four times.",
)

# %% [markdown]
# **2.** A network for the course's 12 labels has learnt nothing and gives each label the same share. What is its cross-entropy loss?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: np.log(12),
    tolerance=0.01,
    wrong={
        0.083: "That is the share of the right label, 1/12. The loss is -ln of it.",
        1.079: "That is the logarithm to base 10. Cross-entropy takes the natural one, ln.",
        3.585: "That is the logarithm to base 2. Cross-entropy takes the natural one, ln.",
        0: "0 would mean: always right and quite sure.",
        -2.485: "-ln(1/12) is positive: the logarithm of a number below 1 is negative, and the minus turns it round.",
    },
    hint="-ln of the share of the right label",
)

# %% [markdown]
# **3.** The course's first layer has 32 filters of width 9 on one channel. How many numbers does it learn? (Each filter also has a bias $b$.)

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: sum(p.numel() for p in full.blocks[0].convolutions[0].parameters()),
    wrong={
        288: "32 x 9 are the weights. Each of the 32 filters also has a bias.",
        289: "There is not one bias for all: each filter has its own.",
        41: "32 + 9: each filter has nine weights of its own, so multiply.",
        2_560_000: "That would be a weight for every moment. A filter slides: its nine weights serve all of them.",
    },
    hint="weights of a filter, plus its bias, times the filters",
)

# %% [markdown]
# ## Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", *Proceedings of the IEEE* 86, 1998, doi:10.1109/5.726791: convolutional
#   networks.
# - W. Dai, C. Dai, S. Qu, J. Li, S. Das, "Very deep convolutional neural networks for raw waveforms", 2016, arXiv:1610.00087.
# - X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", *AISTATS* 2010; K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", 2015, arXiv:1502.01852: how to
#   start the weights; lesson 5 measures why it matters.
# - N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", *JMLR* 15, 2014; S. Ioffe and C. Szegedy, "Batch normalization", 2015, arXiv:1502.03167.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, MIT Press 2016, deeplearningbook.org: chapters 6 to 9.
#
# Next: [5. Skip connections](05_skip_connections.py): a wire past the layers, and how to find out whether it helps.
