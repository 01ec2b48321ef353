# %% [markdown]
# # 7. The spectrogram: which note, and when?
#
# **One whistle glides up, another glides down: every child hears the difference. Yet their Fourier transforms have exactly
# the same magnitudes. What is missing, and how do we get a picture in which up looks like up?**
#
# At the end you will know every number of the picture that the networks of the next lesson look at: why one second of
# sound at 8,000 Hz becomes 130 rows and 126 columns.
#
# *About 30 minutes to read, a few seconds to run. It builds on lesson 6. No microphone needed.*

# %%
import numpy as np

from hanmadi import features, plots
from hanmadi.audio import signals
from hanmadi.features import FeatureConfig
from hanmadi.lessons.toolkit import check, lesson_data, listen, say, show
from hanmadi.plots.style import BLUE, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz, as in the course


def draw_image(axes, image, *, rows, columns, title="", low=None, high=None):
    """A matrix as a picture; ``rows`` and ``columns`` name its axes."""
    axes.imshow(
        image, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=low, vmax=high, interpolation="nearest"
    )
    finish(axes, x=columns, y=rows, title=title)
    axes.grid(visible=False)


# %% [markdown]
# ## Two whistles, one spectrum

# %%
up = signals.chirp(400, 2_400, duration_s=1.0, sample_rate=SAMPLE_RATE)
down = up[::-1]
listen(up, SAMPLE_RATE, "a whistle that glides up")
listen(down, SAMPLE_RATE, "a whistle that glides down")

frequency_hz = signals.bin_frequencies(len(up), sample_rate=SAMPLE_RATE)
figure, (axes,) = plots.new_figure(title="Both spectra in one picture")
for sound, colour, width, name in ((up, BLUE, 4, "up"), (down, ORANGE, 1, "down")):
    axes.plot(frequency_hz, np.abs(np.fft.rfft(sound)), color=colour, linewidth=width, label=name)
plots.add_legend(axes)
finish(axes, x="Frequency (Hz)", y="Magnitude")
show(
    figure,
    "The magnitude is nearly level between 400 and 2,400 Hz and zero elsewhere. The curve of the whistle down lies exactly on that of the whistle up.",
)

# %% [markdown]
# ## Ask in small pieces
#
# The transform of the whole second answers for the whole second. So ask one short piece at a time: cut the sound into
# **frames**, and transform each by itself. The magnitudes of one frame become one column of a picture.

# %%
n_fft = 256  # samples of a frame: 32 ms
figure, panels = plots.new_figure(1, 2, height_in=3.8, title="Frame by frame: up is up, down is down")
for axes, sound, name in zip(panels, (up, down), ("Up", "Down"), strict=True):
    frames = sound[: 31 * n_fft].reshape(31, n_fft)
    picture = np.abs(np.fft.rfft(frames, axis=1)).T  # (129 frequencies, 31 moments)
    draw_image(axes, picture, rows="Bin", columns="Frame", title=name)
show(
    figure,
    "Two pictures with frames to the right and frequency upwards. In the left one a bright line climbs, in the right one it falls.",
)

# %% [markdown]
# That is a **spectrogram**. Three choices make it good: a window, an overlap, and decibels.
#
# ## The window
#
# Cutting is brutal. At the cut the sound jumps, and a jump holds all frequencies: the *leakage* of lesson 6. A
# **window** fades every frame in and out, so that nothing jumps. The most common is that of Julius von Hann, one hump
# of a cosine: $w[n] = \tfrac12 - \tfrac12\cos(2\pi n/N)$.

# %%
between = signals.tone(1_015, duration_s=n_fft / SAMPLE_RATE, sample_rate=SAMPLE_RATE)  # fits no bin
hann = signals.get_window("hann", n_fft)
figure, (upper, lower) = plots.new_figure(2, height_in=5.0, title="A frame with and without a window")
plots.draw_line(upper, between, SAMPLE_RATE, colour=ORANGE, label="cut")
plots.draw_line(upper, between * hann, SAMPLE_RATE, colour=BLUE, label="cut and faded")
for window, colour in (("rectangular", ORANGE), ("hann", BLUE)):
    weights = signals.get_window(window, n_fft)
    level_db = signals.to_db(2 / weights.sum() * np.abs(np.fft.rfft(between * weights)))
    lower.plot(
        signals.bin_frequencies(n_fft, sample_rate=SAMPLE_RATE), level_db, color=colour, linewidth=1.6, label=window
    )
    say(f"{window}: {level_db[100]:.0f} dB at {100 * SAMPLE_RATE / n_fft:g} Hz, far from the tone.")
plots.add_legend(upper)
plots.add_legend(lower)
lower.set_ylim(-120, 5)
finish(lower, x="Frequency (Hz)", y="Level (dB)")
show(
    figure,
    "Above: a tone that is cut off at both ends, and the same faded in and out. Below their spectra: without a window the skirt stays high everywhere, with the Hann window it falls steeply to both sides of a slightly wider peak.",
)

# %% [markdown]
# ## The hop
#
# The window hides what lies at the edge of a frame. So the next frame begins before the last one has ended: the step
# from frame to frame is the **hop**, and what two neighbours share is the **overlap**. With a Hann window and a hop of
# a half or a quarter of it, every sample counts the same in the end: the windows add up to a constant.

# %%
figure, panels = plots.new_figure(3, height_in=5.4, share_x=True, title="Do the windows cover every sample alike?")
for axes, hop in zip(panels, (256, 128, 64), strict=True):
    total = np.zeros(5 * n_fft)
    for start in range(0, len(total) - n_fft + 1, hop):
        total[start : start + n_fft] += hann
        axes.plot(np.arange(start, start + n_fft), hann, color=BLUE, linewidth=1)
    axes.plot(total, color=ORANGE, linewidth=2)
    finish(axes, y="Weight", title=f"Hop {hop}: overlap {1 - hop / n_fft:.0%}")
finish(panels[2], x="Sample")
show(
    figure,
    "Three rows of overlapping humps and their sum in orange. Without overlap the sum falls to zero between the frames; with a hop of a half it is level at 1, with a hop of a quarter at 2.",
)

# %% [markdown]
# ## The short-time Fourier transform
#
# Frame, window, transform: that is the **STFT**. With hop $H$ and $N$ points,
#
# $$X[k, m] = \sum_{n=0}^{N-1} w[n]\; x[n + mH]\; e^{-2\pi i\,kn/N}$$
#
# Usually half a frame of zeros is put before and after the sound, so that frame $m$ is *centred* on sample $mH$ and
# the first and last samples are seen too. Four lines, and the library gives the same:


# %%
def my_stft(x, *, n_fft, hop):
    padded = np.pad(x, n_fft // 2)
    starts = range(0, len(padded) - n_fft + 1, hop)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return np.array([np.fft.rfft(padded[start : start + n_fft] * window) for start in starts]).T


mine, by_library = my_stft(up, n_fft=256, hop=64), signals.stft(up, n_fft=256, hop=64)
say(
    f"Ours has the shape {mine.shape}, the library's {by_library.shape}; the largest difference is {np.abs(mine - by_library).max():.0e} of {np.abs(mine).max():.0f}."
)

# %% [markdown]
# ## Decibels
#
# A word has parts that are a thousand times weaker than others, and the ear hears them: it judges by *ratios*. So do
# decibels, $L = 20\log_{10}|X|$: a tenth of the amplitude is always 20 dB less.

# %%
store = lesson_data(words=("yes", "stop", "left"), sample_rate=SAMPLE_RATE, most=60)
row = int(np.flatnonzero(store.word == 0)[0])
word, spoken = store.clip(row), store.words[0]
listen(word, SAMPLE_RATE, f'the word "{spoken}"')

size = np.abs(signals.stft(word, n_fft=256, hop=64)) * 2 / hann.sum()
figure, (left, right) = plots.new_figure(1, 2, height_in=3.8, title="The same spectrogram, twice")
draw_image(left, size, rows="Bin", columns="Frame", title="Magnitude")
draw_image(right, signals.to_db(size), rows="Bin", columns="Frame", title="Level in dB", low=-90, high=-20)
show(
    figure,
    "Left the magnitude: a few bright spots in the dark. Right the same in decibels: overtones of the vowel as stripes, the noise of the consonants, and the quiet room around the word.",
)

# %% [markdown]
# ## You cannot have both
#
# How long should a frame be? A frame of $T$ seconds tells two tones apart if they are $1/T$ or more from each other.
# So a **long** frame sees frequencies sharply, but all that happens within it is one moment. A **short** frame sees
# moments sharply, but frequencies melt. The product is fixed: $\Delta t \cdot \Delta f = 1$ (Gabor, 1946).
#
# A test that is mean to both: two clicks 12 ms apart, and two tones 60 Hz apart.

# %%
test = signals.tone(1_000, duration_s=0.5, sample_rate=SAMPLE_RATE) + signals.tone(
    1_060, duration_s=0.5, sample_rate=SAMPLE_RATE
)
test[[2_000, 2_096]] += 25
listen(test, SAMPLE_RATE, "two tones, and a double click in the middle")

figure, panels = plots.new_figure(1, 3, height_in=4.0, title="Short, medium, long frames")
for axes, length in zip(panels, (32, 128, 512), strict=True):
    fineness = signals.resolution(sample_rate=SAMPLE_RATE, n_fft=length, hop=8)
    picture = signals.to_db(np.abs(signals.stft(test, n_fft=length, hop=8)) / length)
    draw_image(
        axes,
        picture[: length // 4 + 1],
        rows="Bin" if length == 32 else None,
        columns="Frame",
        title=f"{fineness.time_ms:g} ms, {fineness.frequency_hz:g} Hz",
        low=-60,
        high=0,
    )
show(
    figure,
    "Three spectrograms up to 2 kHz. With frames of 4 ms the two clicks are two thin lines, and the tones one thick band. With 16 ms clicks and tones are both blurred. With 64 ms the tones are two thin lines, and the clicks one broad smear.",
)

# %% [markdown]
# ## Change and predict
#
# Look at a spoken word with frames of another length. The overtones of a voice lie 80 to 300 Hz apart; its vocal
# folds open and close as often in a second. **Before you run the cell**: with frames of 64 samples (8 ms), will you see
# lying stripes (overtones) or standing ones (single puffs of air)? And with 1,024?

# %%
my_prediction = "..."  # such as "lying stripes"
frame_samples = 64  # change me

figure, (axes,) = plots.new_figure(height_in=3.8, title=f"Frames of {frame_samples} samples")
plots.draw_spectrogram(axes, word[2_000:6_000], SAMPLE_RATE, n_fft=frame_samples, hop=8, range_db=60)
show(
    figure,
    "Half a second of the word as a spectrogram with the chosen length of frame: short frames show upright stripes, long ones level stripes.",
)
fineness = signals.resolution(sample_rate=SAMPLE_RATE, n_fft=frame_samples, hop=8)
say(
    f'You wrote: "{my_prediction}". A frame lasts {fineness.time_ms:g} ms and tells tones apart that are {fineness.frequency_hz:g} Hz from each other.'
)

# %% [markdown]
# ## (130, 126)
#
# The course takes one second at 8,000 Hz, $N$ = 258 points and a hop of 64, centred. Count with me:
#
# * **rows**: a real sound has $N/2 + 1$ different bins, from 0 Hz to half the sample rate,
# * **columns**: one frame is centred on sample 0, then one every 64 samples.

# %%
COURSE = FeatureConfig(kind="spectrogram", sample_rate=SAMPLE_RATE, n_fft=258, window=258, hop=64, centred=True)
n_rows, n_columns = 258 // 2 + 1, 1 + 8_000 // 64
say(
    f"Rows: 258 / 2 + 1 = **{n_rows}**. Columns: 1 + 8,000 / 64, rounded down, = **{n_columns}**. The library says {COURSE.shape}."
)

spectrogram = features.compute(word, COURSE)
say(
    f"The features of our word: shape {spectrogram.shape}, from {spectrogram.min():.4f} to {spectrogram.max():.2f}. {spectrogram.size:,} numbers from {len(word):,} samples."
)
say(
    f"Largest difference to the four lines above: {np.abs(spectrogram - np.abs(my_stft(word, n_fft=258, hop=64))).max():.0e}."
)

figure, panels = plots.new_figure(1, 3, height_in=3.8, title="Three words as the course's networks see them, in dB")
for i, axes in enumerate(panels):
    clip = store.clip(int(np.flatnonzero(store.word == i)[0]))
    listen(clip, SAMPLE_RATE, f'the word "{store.words[i]}"')
    draw_image(
        axes,
        signals.to_db(features.compute(clip, COURSE)),
        rows="130 bins" if i == 0 else None,
        columns="126 frames",
        title=store.words[i],
        low=-50,
        high=20,
    )
show(
    figure,
    "Three spectrograms of 130 by 126 points. Each word has a shape of its own: where the vowel lies, where noise comes before or after it.",
)

# %% [markdown]
# ## What the magnitude leaves out
#
# The network sees magnitudes only. Is a word still a word without its phases? In lesson 6 random phases destroyed it.
# Now every frame keeps its own magnitudes, and order in time is in the columns. Listen to the word made again from
# the STFT: with its phases, and with all phases set to zero.

# %%
whole = signals.stft(word, n_fft=256, hop=64)
again = signals.istft(whole, n_fft=256, hop=64, length=len(word))
robot = signals.istft(np.abs(whole).astype(complex), n_fft=256, hop=64, length=len(word))
say(f"With phases the word comes back: the largest difference is {np.abs(again - word).max():.0e}.")
listen(again, SAMPLE_RATE, f'"{spoken}" from magnitude and phase')
listen(robot, SAMPLE_RATE, f'"{spoken}" from magnitudes alone')

figure, (upper, lower) = plots.new_figure(2, height_in=4.4, share_x=True, title="Made again from the STFT")
plots.draw_waveform(upper, again, SAMPLE_RATE)
plots.draw_waveform(lower, robot, SAMPLE_RATE, colour=ORANGE)
show(
    figure,
    "Above the word as it was. Below the word without phases: the loudness rises and falls in the same places, the wave itself is a train of pulses.",
)

# %% [markdown]
# A robot, but the word can be understood. What makes a word is in the magnitudes of short frames: a network may work
# without the phases.
#
# ## Mel: the spacing of the ear
#
# A step from 300 to 400 Hz is large to the ear, one from 7,300 to 7,400 Hz is nothing. The **mel** scale (Stevens,
# Volkmann and Newman, 1937) has even steps where the ear does; a common formula is
#
# $$m = 2595\,\log_{10}\!\left(1 + \frac{f}{700}\right)$$
#
# Triangles evenly spaced in mel add up the power of the bins below them. Forty numbers a frame are left; their
# logarithm is the **log-mel**, what most networks look at today, ours as well.

# %%
LOG_MEL = FeatureConfig(sample_rate=SAMPLE_RATE, n_fft=256, window=256, hop=160, low_hz=40.0, high_hz=3_800.0)
filters = features.mel_filters(LOG_MEL)
bins_hz = signals.bin_frequencies(LOG_MEL.n_fft, sample_rate=SAMPLE_RATE)
figure, (upper, lower) = plots.new_figure(2, height_in=4.8, title="From hertz to mel")
upper.plot(bins_hz, features.hz_to_mel(bins_hz), color=BLUE, linewidth=2)
finish(upper, y="Mel")
for number, triangle in enumerate(filters):
    lower.plot(bins_hz, triangle, color=(BLUE, ORANGE)[number % 2], linewidth=1.2)
finish(lower, x="Frequency (Hz)", y="Weight")
show(
    figure,
    "Above: mel over hertz, steep at first, then flatter. Below: forty triangles, narrow and close at low frequencies, wide and far apart at high ones.",
)

power = np.abs(np.fft.rfft(word[1_600:1_856] * hann)) ** 2
ours = np.log(filters @ power + LOG_MEL.floor)
say(
    f"One frame by hand: the largest difference to `features.compute` is {np.abs(ours - features.compute(word, LOG_MEL)[:, 10]).max():.0e}."
)

# %% [markdown]
# ## MFCC: the shape of the shape
#
# Neighbouring mels say nearly the same. A cosine transform over the mels sorts that out: its first number is the
# loudness, the next the tilt, then finer and finer ripples. Thirteen of these **mel-frequency cepstral coefficients**
# (Davis and Mermelstein, 1980) were the input of speech recognisers for thirty years. A network can do that step
# itself, so log-mels have taken over.

# %%
MFCC = FeatureConfig(kind="mfcc", sample_rate=SAMPLE_RATE, n_fft=256, window=256, hop=160, low_hz=40.0, high_hz=3_800.0)
log_mel, mfcc = features.compute(word, LOG_MEL), features.compute(word, MFCC)
figure, (left, right) = plots.new_figure(1, 2, height_in=3.8, title="The same word, smaller and smaller")
draw_image(left, log_mel, rows="Mel", columns="Frame", title=f"Log-mel {log_mel.shape}")
draw_image(right, mfcc[1:], rows="Coefficient", columns="Frame", title=f"MFCC {mfcc.shape}, without the first")
show(
    figure,
    "Left the log-mel of the word, forty rows: the broad bands of the vowel and the noise of the consonants. Right twelve cosine coefficients over time, which change when the sound changes.",
)

dct = features.dct_matrix(MFCC.n_mfcc, MFCC.n_mels)
say(f"By hand, a matrix times the log-mel: the largest difference is {np.abs(dct @ log_mel - mfcc).max():.0e}.")
say(
    "\n".join(
        [
            "| features | shape | numbers |",
            "|---|---|---:|",
            *(
                f"| {name} | {values.shape} | {values.size:,} |"
                for name, values in (
                    ("waveform", word),
                    ("spectrogram", spectrogram),
                    ("log-mel", log_mel),
                    ("MFCC", mfcc),
                )
            ),
        ]
    )
)

# %% [markdown]
# ## Exercises
#
# **1.** One second at 16,000 Hz, hop 160, centred frames. How many columns does the spectrogram have?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 1 + 16_000 // 160, tolerance=0,
    wrong={
        100: "a frame is centred on sample 0 as well; count the fence posts, not the gaps",
        102: "one too many: the last frame is centred on sample 16,000, just behind the sound",
        16_000: "that is the number of samples; a frame comes only every 160 of them",
        81: "the number of rows depends on the points of the transform; here the columns are asked for, and they depend on the hop",
    },
    hint="One frame is centred on sample 0, the next on 160, and so on up to the end.",
)  # fmt: skip

# %% [markdown]
# **2.** Two tones are 50 Hz apart. How long must a frame be at least, in milliseconds, to tell them apart
# ($\Delta t \cdot \Delta f = 1$)?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 1_000 / 50, unit="ms",
    wrong={
        0.02: "right in seconds; the answer is asked for in milliseconds",
        50: "50 is the distance in Hz; a time is one divided by a frequency",
        160: "that is the number of samples at 8,000 Hz; how many milliseconds do they last?",
        6.4: "that would be 320 samples at 50,000 Hz; divide 1 s by 50",
    },
    hint="1 / 50 Hz is a time in seconds.",
)  # fmt: skip

# %% [markdown]
# **3.** The amplitude of a tone falls to a hundredth. By how many dB does its level change? (Mind the sign.)

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 20 * np.log10(1 / 100), unit="dB",
    wrong={
        -20: "10 log10 is for powers; amplitudes take 20 log10",
        -100: "a hundredth is a ratio; its logarithm to base 10 is -2",
        -2: "that is the logarithm itself; times 20 makes it decibels",
        -99: "decibels are no percentages; take 20 times the logarithm of the ratio",
    },
    hint="20 log10(0.01); 0.01 is 10 to the power of -2.",
)  # fmt: skip

# %% [markdown]
# ## Sources
#
# * D. Gabor, "Theory of communication", *Journal of the IEE* 93 (1946), doi:10.1049/ji-3-2.1946.0074
# * F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", *Proceedings of the
#   IEEE* 66 (1978), doi:10.1109/PROC.1978.10837
# * D. W. Griffin, J. S. Lim, "Signal estimation from modified short-time Fourier transform", *IEEE Transactions on
#   Acoustics, Speech, and Signal Processing* 32 (1984), doi:10.1109/TASSP.1984.1164317
# * S. S. Stevens, J. Volkmann, E. B. Newman, "A scale for the measurement of the psychological magnitude pitch",
#   *Journal of the Acoustical Society of America* 8 (1937), doi:10.1121/1.1915893
# * D. O'Shaughnessy, *Speech Communication: Human and Machine*, Addison-Wesley, 1987 (the formula of mel)
# * S. B. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
#   continuously spoken sentences", *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28 (1980),
#   doi:10.1109/TASSP.1980.1163420
