# %% [markdown]
# # 6. Fourier: which notes are in there?
#
# **Three people hum at the same time. What reaches the microphone is one row of numbers. How can a computer tell which
# three notes they hum?**
#
# You will take a sound apart with nothing but an arrow that turns, put it together again, and meet the most used
# formula of sound: the Fourier transform.
#
# *About 30 minutes to read, a few seconds to run. It helps to have seen lessons 1 and 2. No microphone needed.*

# %%
import time

import numpy as np

from hanmadi import plots
from hanmadi.audio import signals
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, LINE, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz, as in the course
rng = np.random.default_rng(6)


def tone(frequency_hz, phase_rad=0.0, duration_s=1.0):
    return signals.tone(frequency_hz, duration_s=duration_s, sample_rate=SAMPLE_RATE, phase_rad=phase_rad).astype(float)


# %% [markdown]
# ## A riddle to hear
#
# The cell draws three notes out of seven and does not tell which. Listen: can you hum one of them? Then look at the
# wave. The ear hears three notes; the eye sees one wiggle.

# %%
NAMES = {262: "C", 294: "D", 330: "E", 349: "F", 392: "G", 440: "A", 494: "B"}  # Hz, rounded
secret_hz = rng.choice(list(NAMES), 3, replace=False)
chord = sum(tone(f, phase) for f, phase in zip(secret_hz, rng.uniform(0, 2 * np.pi, 3), strict=True)) / 3

listen(chord, SAMPLE_RATE, "three secret notes")
figure, (axes,) = plots.new_figure(title="Three notes, one wave")
plots.draw_line(axes, chord[:400], SAMPLE_RATE)
show(figure, "Fifty milliseconds of the chord: an irregular wave in which no single note can be seen.")

# %% [markdown]
# ## Ask one frequency at a time
#
# Here is the whole idea of Fourier. To find out whether 440 Hz is in a sound, **multiply the sound by a tone of
# 440 Hz and take the mean**.
#
# * Where sound and probe rise and fall together, the products are positive: the mean is large.
# * Where they have nothing to do with each other, positive and negative products cancel: the mean is about 0.

# %%
sound = tone(440)
figure, panels = plots.new_figure(2, height_in=4.6, share_x=True, title="A 440 Hz tone times a probe")
for axes, probe_hz in zip(panels, (440, 520), strict=True):
    product = (sound * tone(probe_hz))[:400]
    time_ms = 1_000 * np.arange(400) / SAMPLE_RATE
    axes.fill_between(time_ms, product, where=product >= 0, color=BLUE, linewidth=0)
    axes.fill_between(time_ms, product, where=product < 0, color=ORANGE, linewidth=0)
    finish(axes, y="Product", title=f"Probe {probe_hz} Hz: mean {abs(np.mean(sound * tone(probe_hz))):.2f}")
finish(panels[1], x="Time (ms)")
show(
    figure,
    "Two panels. With the probe of 440 Hz the product is never negative. With 520 Hz blue and orange areas cancel.",
)

# %% [markdown]
# ## It does not work yet
#
# The probe assumes that the tone begins when the probe does. Start the same tone a quarter of a cycle later, and the
# probe misses it altogether. A second probe, a cosine, is best exactly where the sine is worst. And the two together,
# as the two sides of a right-angled triangle, do not care about the start at all.

# %%
starts = np.linspace(0, 2 * np.pi, 73)
with_sine = np.array([np.mean(tone(440, start) * tone(440)) for start in starts])
with_cosine = np.array([np.mean(tone(440, start) * tone(440, np.pi / 2)) for start in starts])
both = np.sqrt(with_sine**2 + with_cosine**2)

figure, (axes,) = plots.new_figure(title="Two probes see what one misses")
for values, colour, name in (
    (with_sine, BLUE, "sine probe"),
    (with_cosine, ORANGE, "cosine probe"),
    (both, GREY, "both"),
):
    axes.plot(np.degrees(starts), values, color=colour, linewidth=2, label=name)
plots.add_legend(axes)
finish(axes, x="Where the tone starts in its cycle (degrees)", y="Mean of product")
show(
    figure,
    "The answer of the sine probe and of the cosine probe swing with the start of the tone; the root of the sum of their squares is a level line.",
)
say(f"Both probes together answer between **{both.min():.3f}** and **{both.max():.3f}**, wherever the tone starts.")

# %% [markdown]
# ## Two probes are one turning arrow
#
# Cosine and sine are the two shadows of an arrow of length 1 that turns: one on the floor, one on the wall. A complex
# number is such an arrow: its **real part** is the shadow on the floor, its **imaginary part** the one on the wall.
# Leonhard Euler found in 1748 how to write the arrow that has turned by the angle $\theta$:
#
# $$e^{i\theta} = \cos\theta + i\,\sin\theta$$
#
# Nothing mysterious happens in it. $i$ means "a quarter turn to the left". Growth that always goes a quarter turn to
# the left of where the arrow points makes it longer by nothing and turns it: it walks along the circle. After half a
# circle you look back: $e^{i\pi} = -1$. The cell walks there in small straight steps, $(1 + i\pi/m)^m$.

# %%
theta = np.linspace(0, 2 * np.pi, 361)
arrow = np.exp(1j * theta)
for steps in (10, 1_000, 100_000):
    walked = (1 + 1j * np.pi / steps) ** steps  # so many little steps, each a bit to the left of straight ahead
    say(f"Half a circle in {steps:,} steps ends at {walked.real:.4f} {walked.imag:+.4f}i.")

figure, (left, right) = plots.new_figure(1, 2, height_in=3.9, title="One arrow, two shadows")
left.plot(arrow.real, arrow.imag, color=LINE)
tip = np.exp(1j * np.radians(50))
left.annotate("", (tip.real, tip.imag), (0, 0), arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 2})
left.plot([0, tip.real], [0, 0], color=ORANGE, linewidth=4, label="real part")
left.plot([tip.real] * 2, [0, tip.imag], color=BLUE, linewidth=4, label="imaginary part")
left.set_aspect("equal")
right.plot(np.degrees(theta), arrow.real, color=ORANGE, linewidth=2, label="cosine")
right.plot(np.degrees(theta), arrow.imag, color=BLUE, linewidth=2, label="sine")
right.axvline(50, color=GREY, linewidth=1)
plots.add_legend(left)
plots.add_legend(right)
finish(left, x="Real", y="Imaginary")
finish(right, x="Angle (degrees)", y="Shadow")
show(
    figure,
    "Left: an arrow on the unit circle at 50 degrees with its horizontal shadow, the real part, and its vertical one, the imaginary part. Right: the shadows over a full turn are a cosine and a sine.",
)

# %% [markdown]
# ## Wind the sound around a circle
#
# Now let the arrow carry the sound. It turns $f$ times a second, clockwise, and at each moment is as long as the
# sample: $x(t)\,e^{-2\pi i f t}$. The sound is wound around the centre like a thread.
#
# If the sound has nothing to do with $f$, the thread goes evenly around, and its **centre of mass** stays in the
# middle. If the sound swings $f$ times a second, every loop bulges to the same side, and the centre of mass moves out.

# %%
t = np.arange(len(sound)) / SAMPLE_RATE
figure, panels = plots.new_figure(1, 3, height_in=3.3, title="A 440 Hz tone, wound up")
for axes, f in zip(panels, (300, 437, 440), strict=True):
    wound = (sound * np.exp(-2j * np.pi * f * t))[:800]  # a tenth of a second
    axes.plot(wound.real, wound.imag, color=BLUE, linewidth=0.8)
    axes.scatter(wound.mean().real, wound.mean().imag, color=ORANGE, s=60, zorder=4)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    finish(axes, x="Real", y="Imaginary" if f == 300 else None, title=f"{f} Hz: {abs(wound.mean()):.2f}")
show(
    figure,
    "Three windings. At 300 Hz the thread fills a flower evenly, the orange centre of mass is in the middle. At 437 Hz the loop leans to one side. At 440 Hz all loops lie on one circle beside the middle, and the centre of mass is far out.",
)

# %% [markdown]
# ## The riddle, solved
#
# Ask every frequency from 200 to 550 Hz how far the centre of mass moves out.

# %%
asked_hz = np.arange(200, 551)
distance = np.array([abs(np.mean(chord * np.exp(-2j * np.pi * f * t))) for f in asked_hz])

figure, (axes,) = plots.new_figure(title="How far the centre of mass moves out")
axes.plot(asked_hz, distance, color=BLUE, linewidth=1.4)
finish(axes, x="Frequency of the arrow (Hz)", y="Distance")
show(figure, "The distance is near zero for all frequencies but three, where it stands up in narrow peaks.")

found_hz = sorted(int(f) for f in asked_hz[np.argsort(distance)[-3:]])
say(
    f"The three notes are **{', '.join(f'{NAMES.get(f, f)} ({f} Hz)' for f in found_hz)}**. The secret was: {sorted(secret_hz.tolist())}."
)
for f in found_hz:
    listen(tone(f), SAMPLE_RATE, f"{f} Hz alone")

# %% [markdown]
# ## The definition
#
# For $N$ samples it is enough to ask $N$ frequencies: arrows that turn $k = 0, 1, \dots, N-1$ times over the whole
# sound. That is the **discrete Fourier transform** (DFT); it sums where we took the mean:
#
# $$X[k] = \sum_{n=0}^{N-1} x[n]\, e^{-2\pi i\,k n / N}$$
#
# Each $X[k]$ belongs to the frequency $k\,f_s/N$: neighbours, called *bins*, are $f_s/N$ apart. The formula is one
# line of code, and it is what the library computes.


# %%
def my_dft(x):
    n = np.arange(len(x))
    return np.array([np.sum(x * np.exp(-2j * np.pi * k * n / len(x))) for k in n])


part = chord[:800]  # a tenth of a second: bins are 10 Hz apart
mine, by_library, fast = my_dft(part), signals.dft(part), signals.fft(part)
say(
    f"Largest difference of ours to `signals.dft`: {np.abs(mine - by_library).max():.0e}, to `signals.fft`: {np.abs(mine - fast).max():.0e}; the largest value is {np.abs(mine).max():.0f}."
)
say(f"Bins are {signals.bin_frequencies(800, sample_rate=SAMPLE_RATE)[1]:g} Hz apart.")

# %% [markdown]
# ## Why everything appears twice
#
# The transform of a single tone has **two** peaks. An arrow that turns has two shadows, but a sound is one row of real
# numbers: a shadow without an arrow. To make it, two arrows turn against each other; their imaginary parts cancel at
# every moment, and twice the real part is left: $2\cos\theta = e^{i\theta} + e^{-i\theta}$. The one that turns the
# other way is a *negative frequency*, and is filed at $N-k$. For a real sound it is the mirror image,
# $X[N-k] = \overline{X[k]}$, so half the bins tell everything: $N/2+1$ of them.

# %%
short = signals.tone(5, duration_s=1.0, sample_rate=32, amplitude=0.8)  # 5 cycles in 32 samples
spectrum = signals.fft(short)
figure, (axes,) = plots.new_figure(title="5 cycles in 32 samples")
axes.vlines(range(32), 0, np.abs(spectrum), color=BLUE, linewidth=1.4)
axes.scatter(range(32), np.abs(spectrum), color=[ORANGE if k > 16 else BLUE for k in range(32)], zorder=4)
finish(axes, x="k (orange: negative frequencies)", y="Magnitude")
show(figure, "All bins are zero but number 5 and number 27, which are equally high.")
say(
    f"X[5] = {spectrum[5]:.1f} and X[27] = {spectrum[27]:.1f}: the same length, mirrored. Each is 0.8 · 32 / 2 = {0.8 * 32 / 2:g} long."
)

# %% [markdown]
# ## Magnitude and phase
#
# Each arrow $X[k]$ has a length and a direction. The length, the **magnitude** $|X[k]|$, says how much of a frequency
# there is. The direction, the **phase** $\arg X[k]$, says where in its cycle it started.

# %%
figure = plots.magnitude_and_phase(part, SAMPLE_RATE, title="A tenth of a second of the chord", floor=0.1)
show(
    figure,
    "Above the magnitude from 0 to 4 kHz: a few bins between 200 and 500 Hz stand up, all others are near zero. Below the phase of those bins, as dots between minus pi and pi.",
)

# %% [markdown]
# What do you hear of the phase? Give the chord new starting points at random. The wave looks different, the ear
# hardly notices. Then do the same to a whole spoken word.


# %%
def with_random_phases(x):
    spectrum = np.fft.rfft(x)
    turned = np.exp(1j * rng.uniform(0, 2 * np.pi, len(spectrum)))
    return np.fft.irfft(np.abs(spectrum) * turned, len(x))


store = lesson_data(words=("yes", "no"), sample_rate=SAMPLE_RATE, most=40)
word = store.clip(0)
spoken = store.words[store.word[0]]
scrambled_word = with_random_phases(word)
listen(chord, SAMPLE_RATE, "the chord")
listen(with_random_phases(chord), SAMPLE_RATE, "the chord, phases at random")
listen(word, SAMPLE_RATE, f'the word "{spoken}"')
listen(scrambled_word, SAMPLE_RATE, f'the word "{spoken}", phases at random')

figure, (upper, lower) = plots.new_figure(2, height_in=4.4, share_x=True, title="The same magnitudes, other phases")
plots.draw_waveform(upper, word, SAMPLE_RATE)
plots.draw_waveform(lower, scrambled_word, SAMPLE_RATE, colour=ORANGE)
show(
    figure,
    "Above the wave of the word: quiet, loud in the middle, quiet. Below, with the same magnitudes and random phases: an even hiss over the whole second.",
)

# %% [markdown]
# The word is gone! Its frequencies are all still there, each as strong as before, but *when* each of them sounds was
# written in the phases of thousands of arrows. Keep that in mind: it is why the next lesson exists.

# %% [markdown]
# ## Back again: a sound is a sum of turning arrows
#
# Nothing is lost in the transform. Let every arrow turn, head to tail, and the last tip draws the sound:
#
# $$x[n] = \frac{1}{N}\sum_{k=0}^{N-1} X[k]\, e^{+2\pi i\,k n / N}$$
#
# The picture shows it for a square wave. On the left the arrows at one moment, on the right what the tip has drawn.

# %%
turns = np.linspace(0, 2, 801)  # two cycles
figure, panels = plots.new_figure(3, 2, height_in=7.0, title="1, 3 and 15 arrows draw a square wave")
for row, count in enumerate((1, 3, 15)):
    k = 2 * np.arange(count) + 1  # a square wave has odd multiples, each 1 / k as strong
    chain = np.concatenate([[0], np.cumsum(4 / np.pi / k * np.exp(2j * np.pi * k * 0.12))])
    drawn = (4 / np.pi / k * np.exp(2j * np.pi * np.outer(turns, k))).sum(axis=1).imag
    left, right = panels[2 * row], panels[2 * row + 1]
    left.plot(chain.real, chain.imag, color=ORANGE, linewidth=1.6, marker="o", markersize=3)
    left.set(xlim=(-1.7, 1.7), ylim=(-1.5, 1.5), aspect="equal")
    right.plot(turns, np.sign(np.sin(2 * np.pi * turns)), color=LINE, linewidth=1.2)
    right.plot(turns, drawn, color=BLUE, linewidth=1.6)
    right.scatter([0.12], [chain[-1].imag], color=ORANGE, zorder=4)
    right.set_ylim(-1.5, 1.5)
finish(panels[4], x="Real", y="Imaginary")
finish(panels[5], x="Cycles")
show(
    figure,
    "Three rows. Left a chain of 1, 3 and 15 arrows, head to tail. Right the curve that the last tip draws: a sine with one arrow, a wavy square with three, nearly a square with fifteen.",
)

back = signals.ifft(signals.fft(word)).real
say(f"The word through the transform and back: the largest difference is {np.abs(back - word).max():.0e}.")
for count in (1, 3, 15):
    square = signals.harmonics(
        110, [1 / k if k % 2 else 0.0 for k in range(1, 2 * count)], duration_s=0.8, sample_rate=SAMPLE_RATE
    )
    listen(square, SAMPLE_RATE, f"110 Hz, arrows: {count}")

# %% [markdown]
# ## The fast Fourier transform
#
# By its definition the transform of $N$ samples takes $N^2$ steps. Cooley and Tukey (1965; Gauss knew it in 1805) saw
# that the even and the odd samples can be transformed by themselves, and one transform of each half gives both halves
# of the result: the second half uses the same numbers with the opposite sign. Cut again and again, and
# $N\log_2 N$ steps are left. It fits in five lines:


# %%
def my_fft(x):
    if len(x) == 1:
        return x.astype(complex)
    even, odd = my_fft(x[::2]), my_fft(x[1::2])
    turned = np.exp(-2j * np.pi * np.arange(len(odd)) / len(x)) * odd
    return np.concatenate([even + turned, even - turned])


say(
    f"Largest difference of the five lines to `signals.fft`: {np.abs(my_fft(word[:1024]) - signals.fft(word[:1024])).max():.0e}."
)


def seconds(transform, x, repeat):
    best = np.inf
    for _ in range(repeat):
        started = time.perf_counter()
        transform(x)
        best = min(best, time.perf_counter() - started)
    return best


sizes = [64, 128, 256, 512, 1024, 2048]
slow_s = [seconds(my_dft, word[:n], repeat=1 if quick() else 3) for n in sizes]
fast_s = [seconds(signals.fft, word[:n], repeat=20) for n in sizes]
figure, (axes,) = plots.new_figure(title="Time of one transform on this machine")
axes.loglog(sizes, 1_000 * np.array(slow_s), color=ORANGE, marker="o", label="by definition")
axes.loglog(sizes, 1_000 * np.array(fast_s), color=BLUE, marker="o", label="FFT")
axes.set_xticks(sizes, [str(n) for n in sizes])
axes.minorticks_off()
plots.add_legend(axes)
finish(axes, x="Samples", y="Milliseconds")
show(
    figure,
    "Time against the number of samples, both axes logarithmic. The definition climbs steeply; the fast transform stays far below and is almost level.",
)
say(
    f"For {sizes[-1]} samples the definition took {1_000 * slow_s[-1]:.0f} ms here, the FFT {1_000 * fast_s[-1]:.3f} ms. By counting, {sizes[-1]}² steps against {sizes[-1]} · {int(np.log2(sizes[-1]))} are {sizes[-1] / np.log2(sizes[-1]):.0f} times as many."
)

# %% [markdown]
# ## Change and predict
#
# A tenth of a second has bins 10 Hz apart. A tone of 440 Hz fits: it makes exactly 44 cycles. **Before you run the
# cell**: what will the spectrum of 445 Hz look like, 44 and a half cycles? One bar, two, or many? Write your guess,
# run, then try 441 and 450.

# %%
my_prediction = "..."  # such as "two bars of the same height"
frequency_hz = 445.0  # change me

figure, panels = plots.new_figure(2, height_in=4.6, share_x=True, title="Does the tone fit the window?")
shown_hz = signals.bin_frequencies(800, sample_rate=SAMPLE_RATE)[25:65]
for axes, f in zip(panels, (440.0, frequency_hz), strict=True):
    bars = 2 / 800 * np.abs(signals.fft(tone(f, duration_s=0.1)))[25:65]
    axes.vlines(shown_hz, 0, bars, color=BLUE, linewidth=3)
    finish(
        axes, y="Magnitude", title=f"{f:g} Hz: {int((bars > 0.1).sum())} bars above 0.1, the highest {bars.max():.2f}"
    )
finish(panels[1], x="Frequency (Hz)")
show(
    figure,
    "Above: 440 Hz gives a single bar of height 1. Below: a tone that does not fit gives two lower bars at its sides and a skirt of small ones far out.",
)
say(f'You wrote: "{my_prediction}".')

# %% [markdown]
# What you see is called **leakage** (a better word would be "spill"). The transform thinks that the sound repeats for
# ever. Half a cycle too much makes a jump at the seam, and a jump needs all frequencies. A *window* makes the seam
# soft: next lesson.

# %% [markdown]
# ## What it says of a word
#
# A vowel is a hum with overtones: a picket fence of peaks. The consonants are noise. In the spectrum of the whole word
# all of it lies on top of each other. Play the word backwards: another sound, with **exactly** the same magnitudes.

# %%
figure, (axes,) = plots.new_figure(title="The spectrum of a whole word")
for samples, colour, width, name in ((word, BLUE, 3.0, "forwards"), (word[::-1], ORANGE, 0.8, "backwards")):
    axes.plot(
        signals.bin_frequencies(len(word), sample_rate=SAMPLE_RATE),
        signals.to_db(2 / len(word) * np.abs(np.fft.rfft(samples))),
        color=colour,
        linewidth=width,
        label=name,
    )
plots.add_legend(axes)
finish(axes, x="Frequency (Hz)", y="Level (dB)")
show(
    figure,
    "The level over frequency from 0 to 4 kHz, ragged, highest below 1 kHz. The curve of the word played backwards lies exactly on that of the word.",
)
listen(word[::-1], SAMPLE_RATE, f'"{spoken}" backwards')

# %% [markdown]
# So the transform answers *which* and not *when*. The answer to "when" is to cut the sound into short pieces and ask
# each of them: **lesson 7**.
#
# ## Exercises
#
# Write your answer in place of `...` and run the cell.
#
# **1.** 400 samples at 8,000 Hz. In which bin $k$ does a tone of 1,000 Hz stand?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 1_000 * 400 // 8_000, tolerance=0,
    wrong={
        20: "20 Hz is how far apart the bins are; how many such steps lead to 1,000 Hz?",
        1_000: "that is the frequency; the bin counts whole cycles within the 400 samples, which last 0.05 s",
        8: "8 samples are one cycle; the bin is the number of cycles in all 400 samples",
        350: "that is its mirror image N - k, the negative frequency; the tone itself stands in the lower half",
    },
    hint="400 samples at 8,000 Hz last 0.05 s. How often does a tone of 1,000 Hz swing in that time?",
)  # fmt: skip

# %% [markdown]
# **2.** An arrow is $3 + 4i$. What is its magnitude?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: abs(3 + 4j),
    wrong={
        7: "you added the two sides; the arrow is the long side of a right-angled triangle",
        25: "that is the square of the length; take the root",
        1: "you subtracted the two sides; think of Pythagoras",
        3.5: "that is the mean of the two; think of Pythagoras",
    },
    hint="The real part is the side along the floor, the imaginary part the side along the wall. Pythagoras.",
)  # fmt: skip

# %% [markdown]
# **3.** A tone $0.5\,\sin(2\pi f t)$ makes exactly 40 cycles in 800 samples. How large is $|X[40]|$?

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 0.5 * 800 / 2,
    wrong={
        400: "half of it: the other half stands at the negative frequency, in bin 760",
        0.5: "the DFT sums over all samples and does not divide by their number",
        0.25: "that is the mean; the DFT sums, so multiply by the 800 samples",
        20: "the 40 says where the arrow stands, not how long it is",
    },
    hint="Look again at 'Why everything appears twice': amplitude, number of samples, and a half.",
)  # fmt: skip

# %% [markdown]
# ## Sources
#
# * J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series", *Mathematics of
#   Computation* 19 (1965), doi:10.1090/S0025-5718-1965-0178586-1
# * M. T. Heideman, D. H. Johnson, C. S. Burrus, "Gauss and the history of the fast Fourier transform", *IEEE ASSP
#   Magazine* 1 (1984), doi:10.1109/MASSP.1984.1162257
# * J. O. Smith, *Mathematics of the Discrete Fourier Transform (DFT)*, 2nd edition, W3K Publishing, 2007 (also online)
# * A. V. Oppenheim, R. W. Schafer, *Discrete-Time Signal Processing*, 3rd edition, Pearson, 2010, chapter 8
# * L. Euler, *Introductio in analysin infinitorum*, 1748, chapter 8
# * G. Sanderson (3Blue1Brown), "But what is the Fourier Transform? A visual introduction", video, 2018: the wound-up
#   sound in motion
