# %% [markdown]
# # 1. Sound is a wave
#
# **A flute and a violin play the same note, equally loud. How do you know which is which?**
#
# You need about 25 minutes, headphones or a speaker, and no knowledge beyond school. Run the cells from top to bottom.
# Everything you hear is turned down to a gentle level.

# %%
import numpy as np

from hanmadi import audio, plots
from hanmadi.audio import signals
from hanmadi.lessons.toolkit import check, lesson_data, listen, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

SAMPLE_RATE = 16_000  # numbers a second; lesson 2 says why

# %% [markdown]
# ## Two sounds that are the same, and are not
#
# Here are the two players, made by a computer. Listen to both before you read on.

# %%
FLUTE = (1.0, 0.10, 0.04, 0.01)
VIOLIN = (1.0, 0.8, 0.7, 0.45, 0.5, 0.3, 0.25, 0.2, 0.15, 0.1)


def play_note(recipe, seconds=1.2):
    """A note of 440 Hz that fades in and out, as loud (RMS 0.1) whatever the recipe."""
    note = signals.harmonics(440, recipe, duration_s=seconds, sample_rate=SAMPLE_RATE)
    fade = np.minimum(1, np.minimum(np.arange(len(note)), np.arange(len(note))[::-1]) / 1_600)
    return (0.1 * note * fade / audio.rms(note)).astype(np.float32)


flute, violin = play_note(FLUTE), play_note(VIOLIN)
listen(flute, SAMPLE_RATE, "like a flute")
listen(violin, SAMPLE_RATE, "like a violin")

# %% [markdown]
# Same pitch, same loudness, two instruments. Now look at 10 thousandths of a second of each.

# %%
figure, axes = plots.new_figure(2, height_in=4.2, share_x=True)
for panel, samples, name, colour in zip(axes, (flute, violin), ("flute", "violin"), (BLUE, ORANGE), strict=True):
    plots.draw_line(panel, samples[8_000:8_160], SAMPLE_RATE, colour=colour)
    finish(panel, title=name)
axes[0].set_xlabel("")
show(
    figure,
    "Two curves over 10 ms, the flute above the violin. Both repeat after the same time, a little over four times in "
    "the picture. The flute's curve is round like a sine; the violin's has a sharp peak and several small bumps.",
)

# %% [markdown]
# Both curves come round again after the same time. But the **shape** in between differs. By the end of this lesson you can
# take such a shape apart, and put it together again.
#
# What is drawn here? When something vibrates, it pushes the air beside it: the air pressure rises and falls a little
# around its usual value. The change travels on, from air to air, and after some metres it pushes your eardrum. The
# curve is that change of pressure over time. **Sound is a wave of pressure.** The air itself stays where it is, as water does
# under a wave in a harbour.
#
# ## The simplest sound
#
# The simplest of all curves is the sine:
#
# $$x(t) = A \sin(2 \pi f t + \varphi)$$
#
# Three numbers say everything. $A$ is the **amplitude**: how far the curve goes from zero. $f$ is the **frequency**: how often it
# comes round in a second, in hertz (Hz). $\varphi$ is the **phase**: where in its round it is at time 0. The time of one round
# is the **period**, $T = 1/f$.

# %%
amplitude, frequency, phase = 0.4, 440, 0.0
time = np.arange(SAMPLE_RATE) / SAMPLE_RATE  # one second, a number every 1/16,000 s
by_hand = amplitude * np.sin(2 * np.pi * frequency * time + phase)

tone = signals.tone(440, duration_s=1, sample_rate=SAMPLE_RATE, amplitude=0.4)
say(f"The largest difference between my three lines and the library: {np.abs(tone - by_hand).max():.0e}.")
listen(tone, SAMPLE_RATE, "a tone of 440 Hz, the A to which orchestras tune")

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_line(axes, tone[:96], SAMPLE_RATE)
axes.annotate("", (1.25 / 440, 0.47), (0.25 / 440, 0.47), arrowprops={"arrowstyle": "<->", "color": ORANGE})
axes.text(0.75 / 440, 0.49, "period T", color=ORANGE, ha="center", va="bottom")
axes.annotate("", (2.25 / 440, 0.4), (2.25 / 440, 0), arrowprops={"arrowstyle": "<->", "color": ORANGE})
axes.text(2.25 / 440, 0.49, "amplitude A", color=ORANGE, ha="center", va="bottom")
axes.axhline(0, color=GREY, linewidth=0.8)
axes.set_ylim(-0.5, 0.6)
show(
    figure,
    "A sine curve over 6 ms. An arrow from one crest to the next marks the period T; an arrow from zero up to a crest marks "
    "the amplitude A.",
)

# %% [markdown]
# ## Amplitude: how strong
#
# Change one number at a time. First the amplitude. Three tones follow, each half as high as the one before.

# %%
levels = (0.4, 0.2, 0.1)
steps = [signals.tone(440, duration_s=0.5, sample_rate=SAMPLE_RATE, amplitude=level) for level in levels]
listen(np.concatenate(steps), SAMPLE_RATE, "amplitude 0.4, then 0.2, then 0.1", keep_level=True)

figure, (axes,) = plots.new_figure(height_in=3.0)
for step, level, colour in zip(steps, levels, (BLUE, ORANGE, GREY), strict=True):
    plots.draw_line(axes, step[:110], SAMPLE_RATE, colour=colour, label=f"A = {level:g}")
plots.add_legend(axes)
show(figure, "Three sine curves over each other with the same crests in time, of height 0.4, 0.2 and 0.1.")

# %% [markdown]
# Did the second sound half as loud as the first? To most people it does not. Physics and hearing count differently:
#
# - **Intensity** is what physics measures: the power that flows through a square metre. It goes with the *square* of the
#   amplitude, $I \propto A^2$. Half the amplitude carries a quarter of the power.
# - **Loudness** is what you feel. It follows ratios, not differences. So engineers count ratios too, in **decibel**:
#
# $$L = 10 \log_{10} \frac{I}{I_0} = 20 \log_{10} \frac{A}{A_0} \text{ dB}$$
#
# In a computer, $A_0 = 1$ is the largest number a sample can have, *full scale*. Levels are then negative.

# %%
for level in levels:
    say(
        f"amplitude {level:g}: intensity {level**2 / levels[0] ** 2:.4g} of the first, level {audio.to_db(level):.1f} dB"
    )
halving = audio.to_db(0.2) - audio.to_db(0.4)
say(
    f"Halving the amplitude is always the same step: **{halving:.2f} dB**. Ten times less is {audio.to_db(0.1):.0f} dB."
)

# %% [markdown]
# For loudness, a common rule of thumb says: 10 dB less sounds about half as loud. That is why the steps above seemed
# small.
#
# ## Frequency: how high
#
# Now only the frequency changes. You hear it as **pitch**.

# %%
octaves = [signals.tone(f, duration_s=0.5, sample_rate=SAMPLE_RATE, amplitude=0.3) for f in (220, 440, 880)]
listen(np.concatenate(octaves), SAMPLE_RATE, "220, 440, 880 Hz: the same note in three octaves")

figure, axes = plots.new_figure(3, height_in=4.6, share_x=True)
for panel, octave, f in zip(axes, octaves, (220, 440, 880), strict=True):
    plots.draw_line(panel, octave[:240], SAMPLE_RATE)
    finish(panel, x="", title=f"{f} Hz")
finish(axes[-1], x="Time (ms)")
show(figure, "Three sine curves over 15 ms, of 220, 440 and 880 Hz. Each has twice as many crests as the one above it.")

# %% [markdown]
# Twice the frequency is an **octave**, and your ear calls both the same note. Pitch, too, goes by ratios. Hear it: the first
# staircase climbs by the same number of *hertz* each time, the second by the same *ratio*. Which one climbs evenly?

# %%
by_hertz = [220 + 220 * i for i in range(8)]
by_ratio = [220 * 2 ** (i / 7 * 3) for i in range(8)]
for label, ladder in (("the same hertz", by_hertz), ("the same ratio", by_ratio)):
    sounds = [signals.tone(f, duration_s=0.3, sample_rate=SAMPLE_RATE, amplitude=0.3) for f in ladder]
    listen(np.concatenate(sounds), SAMPLE_RATE, f"each step adds {label}")

figure, (left, right) = plots.new_figure(1, 2, height_in=3.2)
for ladder, colour, label in ((by_hertz, ORANGE, "same hertz"), (by_ratio, BLUE, "same ratio")):
    left.plot(range(1, 9), ladder, "o-", color=colour, label=label)
    right.plot(range(1, 9), np.log2(np.array(ladder) / 220), "o-", color=colour, label=label)
finish(left, x="Step", y="Frequency (Hz)", title="in hertz")
finish(right, x="Step", y="Octaves above 220 Hz", title="in octaves: as heard")
plots.add_legend(right, place="lower right")
show(
    figure,
    "Two plots of the two staircases. In hertz, the first is a straight line and the second bends upwards. In octaves, "
    "the second is a straight line and the first bends flat: its steps seem to shrink.",
)

# %% [markdown]
# A piano has 12 keys to an octave, each the same ratio above the last: $2^{1/12}$. Speech recognisers use the same idea: in lesson 7
# the *mel* scale spaces frequencies roughly as we hear them.
#
# ## Phase: where it starts
#
# The third number is the phase. A quarter turn ($\varphi = \pi/2$) begins at the crest. On its own you cannot hear it:

# %%
for degrees in (0, 90, 180):
    shifted = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.3, phase_rad=np.radians(degrees))
    listen(shifted, SAMPLE_RATE, f"440 Hz, phase {degrees} degrees")

# %% [markdown]
# Phase matters when two waves **meet**. Pressures simply add. Crest on crest gives more, crest on trough gives less.
#
# ## Change and predict
#
# Two tones of amplitude 0.25 are added, the second one shifted by `shift_degrees`. Write down first: **how large is the
# amplitude of the sum for 120 degrees? More than 0.25, less, or the same?** Then run the cell. Then try 0, 90, 180 and 240, each time
# with a prediction.

# %%
my_prediction = "..."  # such as "less: about 0.1"
shift_degrees = 120  # change me

one = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.25)
two = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.25, phase_rad=np.radians(shift_degrees))
listen(one, SAMPLE_RATE, "one tone alone", keep_level=True)
listen(one + two, SAMPLE_RATE, f"two tones, {shift_degrees} degrees apart", keep_level=True)
say(
    f'You wrote: "{my_prediction}". Shifted by {shift_degrees} degrees, the sum has the amplitude **{np.abs(one + two).max():.3f}**.'
)

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_line(axes, one[:110], SAMPLE_RATE, colour=GREY, label="first")
plots.draw_line(axes, two[:110], SAMPLE_RATE, colour=ORANGE, label="second")
plots.draw_line(axes, (one + two)[:110], SAMPLE_RATE, colour=BLUE, label="sum")
axes.set_ylim(-0.55, 0.55)
plots.add_legend(axes)
show(
    figure,
    f"Two sine curves of amplitude 0.25, {shift_degrees} degrees apart, and their sum, which reaches "
    f"{np.abs(one + two).max():.2f}.",
)

# %% [markdown]
# The sum of two equal tones has the amplitude $2 A \, |\cos(\Delta\varphi / 2)|$. At 180 degrees nothing is left: two loud
# waves make silence. Headphones that cancel noise do just that.
#
# ## Timbre: the recipe
#
# Now the question of the beginning. The flute and the violin have the same $f$ and the same strength. What is left? The *shape*. And
# here is the discovery: **every shape that repeats is a sum of sines**, of frequencies $f, 2f, 3f, \ldots$
#
# $$x(t) = \sum_{k=1}^{K} A_k \sin(2 \pi k f t + \varphi_k)$$
#
# They are called **harmonics**. The list of the $A_k$ is the recipe of the sound, its **timbre**. Build the violin, one harmonic at
# a time, and hear it appear.

# %%
growing = [play_note(VIOLIN[:count], seconds=0.6) for count in (1, 2, 4, 10)]
listen(np.concatenate(growing), SAMPLE_RATE, "the violin with 1, 2, 4, 10 harmonics")

figure, axes = plots.new_figure(2, 2, height_in=4.6)
for row, (recipe, note, colour) in enumerate(((FLUTE, flute, BLUE), (VIOLIN, violin, ORANGE))):
    plots.draw_line(axes[2 * row], note[8_000:8_110], SAMPLE_RATE, colour=colour)
    axes[2 * row + 1].bar(440 * np.arange(1, len(recipe) + 1), recipe, width=150, color=colour)
    axes[2 * row + 1].set_xlim(0, 4_840)
    finish(axes[2 * row + 1], x="Frequency (Hz)", y="Amplitude", title="recipe")
    finish(axes[2 * row], title=("flute", "violin")[row])
show(
    figure,
    "Left the curve, right its recipe as bars. The flute: one tall bar at 440 Hz and three tiny ones. The violin: ten bars "
    "at multiples of 440 Hz that fall off slowly.",
)

# %% [markdown]
# So this is how you know: your ear takes the wave apart and looks at the recipe. Does it care about the *phases* of the
# harmonics? Here is the violin again, with the same amplitudes and other phases.

# %%
phases = np.random.default_rng(0).uniform(0, 2 * np.pi, len(VIOLIN))
scrambled = signals.harmonics(440, VIOLIN, duration_s=1.2, sample_rate=SAMPLE_RATE, phases_rad=phases)
scrambled *= np.float32(0.1 / audio.rms(scrambled))
listen(violin, SAMPLE_RATE, "violin")
listen(scrambled, SAMPLE_RATE, "violin with other phases")

figure, axes = plots.new_figure(2, height_in=4.2, share_x=True)
plots.draw_line(axes[0], violin[8_000:8_160], SAMPLE_RATE, colour=ORANGE)
plots.draw_line(axes[1], scrambled[8_000:8_160], SAMPLE_RATE, colour=GREY)
finish(axes[0], x="", title="violin")
finish(axes[1], title="other phases")
show(figure, "Two curves with the same harmonics. Their shapes differ clearly, though they sound nearly alike.")

# %% [markdown]
# The curves differ, the sounds hardly do. That is why most speech recognisers look at *how much* of each frequency there is and
# throw the phase away (lesson 7).
#
# ## A word is both
#
# A voice is an instrument. In a vowel the vocal folds open and close many times a second: the wave repeats. In an "s" or an "f" air
# hisses through a gap: nothing repeats. Here is a word from our data.

# %%
store = lesson_data(words=("yes", "stop"), most=100)
row = int(np.flatnonzero(store.word == 0)[3])
clip, word = store.clip(row), store.words[0]
listen(clip, store.sample_rate, f"the word {word!r}")

WINDOW = 400  # 25 ms
energy = np.array([audio.rms(clip[start : start + WINDOW]) for start in range(0, len(clip) - WINDOW, 100)])
turns = np.array([np.mean(np.diff(np.sign(clip[s : s + WINDOW])) != 0) for s in range(0, len(clip) - WINDOW, 100)])
vowel = 100 * int(np.argmax(energy))
hiss = 100 * int(np.argmax(turns * (energy > 0.05 * energy.max())))

figure, axes = plots.new_figure(3, height_in=5.6)
plots.draw_waveform(axes[0], clip, store.sample_rate)
for panel, start, colour, name in ((axes[1], vowel, ORANGE, "loudest 25 ms"), (axes[2], hiss, GREY, "hissing 25 ms")):
    axes[0].axvspan(start / store.sample_rate, (start + WINDOW) / store.sample_rate, color=colour, alpha=0.4)
    plots.draw_line(panel, clip[start : start + WINDOW], store.sample_rate, colour=colour)
    finish(panel, title=name)
show(
    figure,
    f"Above, the wave of the word {word!r} with two marked stretches. In the middle, the loudest 25 ms: a shape that repeats. "
    "Below, the 25 ms that cross zero most often: no repetition.",
)

# %% [markdown]
# How high is this voice? A wave with period $T$ looks like itself when it is moved by $T$. So move it, step by step, and see where
# it fits best. This is called *autocorrelation*.

# %%
piece = clip[vowel : vowel + 2 * WINDOW]
lags = np.arange(store.sample_rate // 400, WINDOW)  # 2.5 to 25 ms: voices of 40 to 400 Hz
fit = np.array([np.corrcoef(piece[:WINDOW], piece[lag : lag + WINDOW])[0, 1] for lag in lags])
best = int(lags[np.argmax(fit)])
say(
    f"Moved by {best} samples, {1_000 * best / store.sample_rate:.1f} ms, it fits itself best: "
    f"**{store.sample_rate / best:.0f} times a second** the shape comes round, or a whole number of times that."
)

figure, (axes,) = plots.new_figure(height_in=3.0)
axes.plot(1_000 * lags / store.sample_rate, fit, color=BLUE)
axes.scatter(1_000 * best / store.sample_rate, fit.max(), color=ORANGE, zorder=4)
finish(axes, x="Moved by (ms)", y="Fit (correlation)", title="one vowel against itself")
show(
    figure,
    f"How well the vowel fits itself, over how far it is moved. Peaks come at about the same distance; the highest, at "
    f"{1_000 * best / store.sample_rate:.1f} ms, is marked.",
)

# %% [markdown]
# Peaks stand at $T, 2T, 3T, \ldots$, because a wave that fits after one period fits after two as well. Which peak is a little higher is
# chance. So read the *distance* between neighbouring peaks: that is the period, and its inverse is the pitch.
#
# ## What to keep
#
# | in the wave | what physics says | what you hear |
# |---|---|---|
# | amplitude $A$ | intensity $\propto A^2$, in dB | loudness |
# | frequency $f$ | rounds a second, in Hz | pitch, by ratios |
# | phase $\varphi$ | where it starts | nothing alone; much when waves meet |
# | the recipe $A_1, A_2, \ldots$ | strength of the harmonics | timbre |
#
# ## Exercises
#
# Put your answer in place of `...` and run the cell. It says what is wrong, not only that it is.
#
# **1.** A tone has 250 Hz. How long is one period, in seconds?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 1 / 250,
    tolerance=1e-5,
    wrong={
        250: "That is the frequency, in rounds a second. The period is the time of one round: its inverse.",
        4: "The number is right in milliseconds. The question asks for seconds.",
        0.4: "A decimal place has slipped: 250 rounds of 0.4 s would take 100 s, not one.",
    },
    hint="250 rounds fit into one second. How long does one take?",
    unit="s",
)

# %% [markdown]
# **2.** The amplitude of a sound falls from 0.8 to 0.2. By how many dB does its level change? (A fall is negative.)

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: audio.to_db(0.2) - audio.to_db(0.8),
    tolerance=0.1,
    wrong={
        -6.02: "That is one halving. From 0.8 to 0.2 it is halved twice.",
        12.04: "The size is right, but the level falls: give it a minus.",
        -4: "0.8 / 0.2 is a ratio of 4. The dB are 20 times the logarithm of a ratio.",
        -0.6: "Decibel count ratios, not differences: use 20 log10(0.2 / 0.8).",
    },
    hint="Use 20 log10(0.2 / 0.8), or count the halvings.",
    unit="dB",
)

# %% [markdown]
# **3.** A flute plays 440 Hz. You want the same note two octaves higher. Which frequency is that, in Hz?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 440 * 2**2,
    wrong={
        880: "That is one octave. Double it once more.",
        1320: "That is 3 times 440: you added 440 twice. Octaves multiply, each by 2.",
        110: "That is two octaves lower. Higher means more rounds a second.",
    },
    hint="Each octave doubles the frequency.",
    unit="Hz",
)

# %% [markdown]
# ## Sources
#
# - H. von Helmholtz, *On the Sensations of Tone*, 1863 (English by A. J. Ellis, 1885): harmonics, timbre, and why phases are hard to
#   hear.
# - H. Fastl and E. Zwicker, *Psychoacoustics: Facts and Models*, 3rd ed., Springer 2007, doi:10.1007/978-3-540-68888-4: loudness and
#   pitch as people feel them.
# - M. Müller, *Fundamentals of Music Processing*, 2nd ed., Springer 2021, doi:10.1007/978-3-030-69808-9, chapter 1: waves, pitch,
#   dynamics, timbre.
# - A. B. Downey, *Think DSP*, O'Reilly 2016, free at greenteapress.com: sounds as sums of sines, in Python.
#
# Next: [2. From air to numbers](02_from_air_to_numbers.py), where this smooth wave becomes a list of whole numbers.
