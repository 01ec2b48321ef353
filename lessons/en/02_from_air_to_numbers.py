# %% [markdown]
# # 2. From air to numbers
#
# **A voice is a smooth wave. A sound file is a list of whole numbers. What is lost on the way, and can you hear it?**
#
# You need about 30 minutes and lesson 1. At the end you read a sound file byte by byte, with nothing between you and it.

# %%
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np

from hanmadi import audio, plots
from hanmadi.audio import signals
from hanmadi.lessons.toolkit import check, lesson_data, listen, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

# %% [markdown]
# ## Hear the trap first
#
# A whistle climbs steadily from 100 to 7,900 Hz. A computer keeps 16,000 numbers of it a second. Then we keep only every fourth
# number, to save space. Listen to both.

# %%
whistle = signals.chirp(100, 7_900, duration_s=3, sample_rate=16_000, amplitude=0.3)
fourth = whistle[::4]
listen(whistle, 16_000, "all numbers: 16,000 a second")
listen(fourth, 4_000, "every fourth number: 4,000 a second")

figure, (left, right) = plots.new_figure(1, 2, height_in=3.4)
plots.draw_spectrogram(left, whistle, 16_000, range_db=50)
plots.draw_spectrogram(right, fourth, 4_000, range_db=50)
for panel, name in ((left, "16,000 numbers a second"), (right, "every fourth")):
    finish(panel, title=name)
    panel.grid(visible=False)
show(
    figure,
    "Two pictures of frequency over time. On the left one line climbs straight to 8 kHz. On the right the line climbs to 2 kHz, turns "
    "round, falls to 0, climbs again: a zigzag.",
)

# %% [markdown]
# The whistle that only climbs now goes up, and down, and up, and down. Nobody added anything: numbers were only *left out*. In films, wheels
# turn backwards for the same reason. To see why, look closely at how a wave becomes numbers.
#
# ## Sampling: how often
#
# **Sampling** means: measure the wave at even steps in time. Each measured number is a *sample*; how many there are in a second is the
# **sample rate** $f_s$, in Hz. Between two samples nothing is kept.

# %%
fine = signals.tone(440, duration_s=0.006, sample_rate=400_000)
samples = signals.tone(440, duration_s=0.006, sample_rate=8_000)

figure, (axes,) = plots.new_figure(height_in=3.0)
plots.draw_line(axes, fine, 400_000, colour=GREY, label="the wave")
plots.draw_stems(axes, samples, 8_000, label="samples at 8 kHz")
plots.add_legend(axes)
show(figure, "A grey sine of 440 Hz, and on it 48 dots on stems, evenly spaced in time: the samples.")
say(
    f"6 ms of the tone have become {len(samples)} numbers. The first five: {', '.join(f'{v:.3f}' for v in samples[:5])}."
)

# %% [markdown]
# Joining the dots looks like guesswork. But there is a theorem, one of the most beautiful of the last century: **if the wave has no
# frequency at or above half the sample rate, the samples hold all of it.** Not nearly all: all. (Nyquist 1928, Shannon 1949; others found it
# too.) Half the sample rate, $f_s / 2$, is called the **Nyquist frequency**. Shannon even gave the recipe that brings the wave back:
#
# $$x(t) = \sum_n x[n] \, \operatorname{sinc}(f_s t - n), \qquad \operatorname{sinc}(u) = \frac{\sin \pi u}{\pi u}$$
#
# Each sample contributes one ripple that is 1 at its own place and 0 at all others. Try it on something less tame than a sine.

# %%
RATE = 8_000
word_like = signals.harmonics(180, [1, 0.7, 0.1, 0.5, 0.3, 0.1, 0.2], duration_s=0.1, sample_rate=RATE)
moments = np.arange(3_000, 5_000) / 80_000  # ten times as fine, in the middle of the sound
ripples = np.sinc(RATE * moments[:, None] - np.arange(len(word_like)))
rebuilt = ripples @ word_like
truth = signals.harmonics(180, [1, 0.7, 0.1, 0.5, 0.3, 0.1, 0.2], duration_s=0.1, sample_rate=80_000)[3_000:5_000]

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_line(axes, rebuilt[:1_000], 80_000, label="rebuilt from the samples")
plots.draw_stems(axes, word_like[300:400], RATE, label="samples")
plots.add_legend(axes)
show(figure, "A lively curve runs exactly through all the sample dots, also where it bends between two of them.")
error = np.abs(rebuilt - truth).max() / np.abs(truth).max()
say(
    f"Between the samples the rebuilt wave is off by {error:.3%} of the peak at most. The rest comes from the ends: "
    f"the sum should run over all samples there ever were, we have {len(word_like)}."
)

# %% [markdown]
# ## Aliasing: the impostor
#
# And if there *is* a frequency above $f_s / 2$? Then two different waves go through the very same dots.

# %%
fake = signals.aliasing(3_000, sample_rate=4_000, duration_s=0.003)

figure, (axes,) = plots.new_figure(height_in=3.2)
axes.plot(fake.time_s, fake.tone, color=GREY, linewidth=1.2, label="what was there: 3,000 Hz")
axes.plot(fake.time_s, fake.alias, color=BLUE, linewidth=1.8, label=f"what you hear: {fake.alias_hz:,.0f} Hz")
plots.draw_stems(axes, fake.samples, 4_000, label="samples at 4 kHz")
plots.add_legend(axes)
show(
    figure,
    f"A fast grey sine of 3,000 Hz and a slow blue one of {fake.alias_hz:,.0f} Hz. Both go through each of the twelve sample dots.",
)
say(f"Sampled 4,000 times a second, 3,000 Hz cannot be told from **{signals.alias_frequency(3_000, 4_000):,.0f} Hz**.")

# %% [markdown]
# The dots do not know which wave they came from, and the computer takes the lower one. This is **aliasing**. Frequencies fold at $f_s/2$ as
# paper does: $|f - f_s \cdot \text{round}(f / f_s)|$ is what you hear. It cannot be undone afterwards.
#
# So it is prevented *before*: a low-pass filter removes what is above $f_s / 2$. Every sound card has one, and so has `audio.resample`.

# %%
filtered = audio.resample(whistle, 16_000, 4_000)
listen(fourth, 4_000, "every fourth number, no filter: the impostor")
listen(filtered, 4_000, "filtered, then every fourth number: it climbs and is gone")

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_spectrogram(axes, filtered, 4_000, range_db=50)
show(figure, "One line that climbs to 2 kHz within the first quarter of the time, and nothing after that.")

# %% [markdown]
# ## Change and predict
#
# A telephone samples 8,000 times a second. Someone forgot the filter. **Which frequency do you hear when a tone of 5,000 Hz comes in?** Write
# down a number, then run. Then try 4,100, 7,900, 8,000 and 12,500.

# %%
my_prediction = "..."  # such as "5,000 Hz, only softer"
frequency_hz = 5_000  # change me

heard = signals.tone(frequency_hz, duration_s=1, sample_rate=8_000, amplitude=0.3)
listen(heard, 8_000, f"{frequency_hz:,} Hz, sampled at 8 kHz without a filter")

figure, (axes,) = plots.new_figure(height_in=3.0)
inputs = np.arange(0, 16_001, 50)
axes.plot(inputs, [signals.alias_frequency(f, 8_000) for f in inputs], color=BLUE)
axes.scatter(frequency_hz, signals.alias_frequency(frequency_hz, 8_000), color=ORANGE, s=60, zorder=5)
finish(axes, x="Frequency that comes in (Hz)", y="Heard (Hz)", title="sampled at 8 kHz")
show(
    figure,
    "What is heard over what comes in: a zigzag that climbs to 4,000 Hz, falls to 0 at 8,000 Hz, and repeats. A dot marks the tone.",
)
say(f'You wrote: "{my_prediction}". You hear {signals.alias_frequency(frequency_hz, 8_000):,.0f} Hz.')

# %% [markdown]
# ## Quantisation: how exactly
#
# Sampling cut time into steps. The height of each sample must become a whole number too, and that is **quantisation**. With $b$ bits there
# are $2^b$ levels. Three bits make the steps large enough to see.

# %%
wave = signals.tone(200, duration_s=0.01, sample_rate=16_000, amplitude=0.9)
coarse = signals.quantise(wave, bits=3)

figure, axes = plots.new_figure(2, height_in=4.4, ratios=(2, 1), share_x=True)
plots.draw_line(axes[0], wave, 16_000, colour=GREY, label="wave")
plots.draw_stems(axes[0], coarse, 16_000, label="3 bits: 8 levels")
axes[0].set_yticks(np.arange(-4, 4) / 4)
axes[0].set_xlabel("")
plots.add_legend(axes[0])
plots.draw_line(axes[1], coarse - wave, 16_000, colour=ORANGE)
finish(axes[1], y="Error")
show(
    figure,
    "Above, two rounds of a sine and its samples, which stand on eight levels only. Below the error, a jagged line that "
    "mostly stays within half a step.",
)

# %% [markdown]
# The error behaves like a noise that is added. Listen to a word with fewer and fewer bits.

# %%
store = lesson_data(words=("yes", "stop"), most=100)
candidates = [store.clip(int(row)) for row in np.flatnonzero(store.word == 1)[:10]]
clip = max((0.9 * c / np.abs(c).max() for c in candidates), key=audio.rms)  # the one that fills the scale best
for bits in (16, 8, 5, 3):
    listen(
        signals.quantise(clip, bits=bits), store.sample_rate, f"{store.words[1]!r} with {bits} bits: {2**bits:,} levels"
    )

# %% [markdown]
# How large is that noise? Compare the energy of the signal with the energy of the error: the **signal-to-noise ratio**, SNR. If errors are
# spread evenly over a step, a full sine has (Bennett 1948)
#
# $$\mathrm{SNR} = 10 \log_{10}\left(\tfrac{3}{2} \cdot 4^{\,b}\right) \approx 6.02\, b + 1.76 \text{ dB}$$
#
# Each further bit halves the step, and that is 6 dB. Does it hold? Measure.

# %%
all_bits = np.arange(2, 17)
sine = signals.tone(997, duration_s=1, sample_rate=16_000, amplitude=1 - 2**-15)
of_sine = [signals.snr_db(sine, signals.quantise(sine, bits=int(b))) for b in all_bits]
of_word = [signals.snr_db(clip, signals.quantise(clip, bits=int(b))) for b in all_bits]
slope = np.polyfit(all_bits[4:], of_sine[4:], 1)[0]

figure, (axes,) = plots.new_figure(height_in=3.4)
axes.plot(all_bits, [signals.quantisation_snr_db(int(b)) for b in all_bits], color=GREY, label="6.02 b + 1.76")
axes.plot(all_bits, of_sine, "o", color=BLUE, label="a full sine")
axes.plot(all_bits, of_word, "o", color=ORANGE, label="the word")
finish(axes, x="Bits a sample", y="SNR (dB)")
plots.add_legend(axes)
show(
    figure,
    "SNR over bits. The measured sine lies on the straight line of the formula, a little below it for very few bits. The word runs parallel, lower.",
)
say(
    f"From 6 bits on the sine gains **{slope:.2f} dB a bit**. With 16 bits there are 2^16 = **{2**16:,}** levels and {of_sine[-1]:.0f} dB. "
    f"The word has {of_word[-1]:.0f} dB: it is quiet most of the time, the noise is not."
)

# %% [markdown]
# ## Coding: how it is written down
#
# A level becomes bits. The plainest code is **PCM** (pulse-code modulation): each sample as a whole number, one after the other. In 16
# bits: from -32,768 to 32,767, negative numbers in *two's complement*, the low byte first (*little-endian*).

# %%
for value in (0.5, 0.0, -0.5, -1 / 32_768, 1.0):
    number = audio.to_int16(np.array([value]))[0]
    low, high = number.astype("<i2").tobytes()
    say(f"{value:9.5f} becomes {number:6d}, as bytes {low:02x} {high:02x}, as bits {high:08b} {low:08b}")

# %% [markdown]
# Look at the last line: 1.0 does not quite fit. And who is louder than full scale is cut off, which is called *clipping*.
#
# PCM wastes space. **FLAC** predicts each sample from those before and stores what is left: smaller, and every bit comes back. **MP3** and **Opus** also
# leave out what the ear hardly notices: much smaller, but not the same numbers.

# %%
folder = Path(tempfile.mkdtemp())
for suffix in (".wav", ".flac"):
    audio.write(folder / f"word{suffix}", clip.astype(np.float32), sample_rate=store.sample_rate)
    size = (folder / f"word{suffix}").stat().st_size
    back = audio.to_int16(audio.read(folder / f"word{suffix}").samples)
    same = bool((back == audio.to_int16(clip)).all())
    say(f"word{suffix}: {size:,} bytes, the same samples come back: {same}")

# %% [markdown]
# ## A WAV file, byte by byte
#
# Now read a file with your own eyes. Here are the first 48 bytes of the WAV that was just written. A WAV begins with a *header* of (usually) 44
# bytes that says how to read the rest.

# %%
data = (folder / "word.wav").read_bytes()
# where a field begins, how many bytes it has, how to read it (struct's letters), and its name
FIELDS = (
    (0, 4, "4s", "RIFF"), (4, 4, "<I", "size"), (8, 4, "4s", "WAVE"), (12, 4, "4s", "fmt"), (16, 4, "<I", "fmt size"),
    (20, 2, "<H", "format"), (22, 2, "<H", "channels"), (24, 4, "<I", "rate"), (28, 4, "<I", "bytes/s"),
    (32, 2, "<H", "block"), (34, 2, "<H", "bits"), (36, 4, "4s", "data"), (40, 4, "<I", "data size"),
    (44, 2, "<h", "sample 0"), (46, 2, "<h", "sample 1"),
)  # fmt: skip

figure, (axes,) = plots.new_figure(height_in=3.6)
for number, (start, length, _, name) in enumerate(FIELDS):
    column, row = start % 16, -(start // 16)
    axes.barh(row, length, left=column, height=0.72, color=(BLUE, ORANGE)[number % 2], alpha=0.25, edgecolor="white")
    axes.text(column + length / 2, row - 0.2, name, ha="center", va="center", size=8, color=GREY)
    for place in range(length):
        axes.text(
            column + place + 0.5, row + 0.12, f"{data[start + place]:02x}", ha="center", va="center", family="monospace"
        )
axes.set(xlim=(0, 16), ylim=(-2.6, 0.6), xticks=np.arange(16) + 0.5, yticks=(0, -1, -2))
axes.set_xticklabels(range(16))
axes.set_yticklabels((0, 16, 32))
axes.grid(visible=False)
finish(axes, x="Byte within the row", y="Row starts at byte")
axes.grid(visible=False)
show(
    figure,
    "The first 48 bytes as hexadecimal numbers in three rows of 16, coloured by field: RIFF, size, WAVE, fmt, its size, format, channels, "
    "rate, bytes a second, block, bits, data, its size, and the first two samples.",
)

# %%
found = {name: struct.unpack_from(how, data, start)[0] for start, _, how, name in FIELDS}
for start, _, _, name in FIELDS:
    say(f"byte {start:2d}: {name:10s} {found[name]}")

facts = audio.facts(folder / "word.wav")
say(
    f"The library reads: {facts.sample_rate} Hz, {facts.bits} bits, {facts.channels} channel, {facts.frames:,} samples."
)
shutil.rmtree(folder)  # a clean desk
say(f"Bytes a second must be rate x channels x bits / 8: {found['rate'] * found['channels'] * found['bits'] // 8:,}.")

# %% [markdown]
# Take one byte away from this knowledge and the file is noise: without the header nobody can tell 8 kHz from 16 kHz. Such headerless files
# (*raw PCM*) exist, and reading them with the wrong rate makes voices of chipmunks. Try it:

# %%
listen(clip, store.sample_rate, "with the rate of the header")
listen(clip, round(1.6 * store.sample_rate), "the same numbers, read as if there were 1.6 times as many a second")

# %% [markdown]
# ## Channels
#
# A stereo file holds two waves, one for each ear, **interleaved**: left, right, left, right. In memory that is an array of shape
# `(samples, 2)`.

# %%
sweep = np.cumsum(clip**2) / np.sum(clip**2)  # from 0 to 1 while the word is said
stereo = np.stack([clip * (1 - sweep), clip * sweep], axis=1).astype(np.float32)
listen(stereo, store.sample_rate, "the word walks from the left ear to the right")
say(
    f"Shape {stereo.shape}; the first four numbers of a file would be L, R, L, R: {audio.to_int16(stereo[8_000:8_002]).ravel()}."
)

mono = audio.to_mono(stereo)
opposite = np.stack([clip, -clip], axis=1).mean(axis=1)
say(
    f"Mono is the mean of both. RMS of the mean: {audio.rms(mono):.3f}; if one side is upside down: {audio.rms(opposite):.3f}."
)

figure, axes = plots.new_figure(2, height_in=3.8, share_x=True)
for panel, channel, name in zip(axes, stereo.T, ("left", "right"), strict=True):
    plots.draw_waveform(panel, channel, store.sample_rate)
    panel.set_ylim(-1, 1)
    finish(panel, x="", title=name)
finish(axes[1], x="Time (s)")
show(figure, "The two channels of one word: the left fades out over time while the right fades in.")

# %% [markdown]
# A recogniser wants one channel. The mean is almost always right, and when a microphone delivers two channels of opposite sign it is
# silence: lesson 1's cancelling waves, in practice. `audio.to_mono` notices that and takes the stronger channel instead.
#
# ## Why 44,100? Why 16,000?
#
# - People hear up to about 20,000 Hz, the young ones. So $f_s > 40{,}000$, and a little more because no filter is perfectly steep. The exact
#   number 44,100 comes from the late 1970s: digital sound was kept on video tape, 3 samples in each line of the picture.
# - A telephone passes 300 to 3,400 Hz: $f_s = 8{,}000$. The course that this one grew from uses it too.
# - Speech has its highest sounds, *s*, *f*, *sh*, up to 8,000 Hz and beyond: $f_s = 16{,}000$ is what most speech recognisers use.

# %%
say(
    f"Video tape in America: 3 x 245 lines x 60 half pictures = {3 * 245 * 60:,}; in Europe: 3 x 294 x 50 = {3 * 294 * 50:,}."
)
for rate in (16_000, 8_000, 4_000):
    listen(audio.resample(clip.astype(np.float32), store.sample_rate, rate), rate, f"{store.words[1]!r} at {rate:,} Hz")

power = np.abs(np.fft.rfft(clip)) ** 2
frequencies = np.fft.rfftfreq(len(clip), 1 / store.sample_rate)
figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_spectrogram(axes, clip, store.sample_rate)
for limit in (2_000, 4_000):
    axes.axhline(limit, color="white", linestyle="--", linewidth=1)
show(
    figure,
    "The spectrogram of the word up to 8 kHz with dashed lines at 2 and 4 kHz. The hiss of the s reaches up to the top; the bright bands of the vowel lie below 4 kHz.",
)
s_part = power[frequencies > 4_000].sum() / power.sum()
say(f"Above 4,000 Hz there is {s_part:.1%} of the energy of this word, and most of what makes its *s* an *s*.")

# %% [markdown]
# ## What to keep
#
# | step | the number that matters | what goes wrong | the cure |
# |---|---|---|---|
# | sampling | rate $f_s$ | aliasing above $f_s/2$ | filter first |
# | quantisation | bits $b$ | noise, 6 dB less a bit | more bits; fill the scale, but do not clip |
# | coding | the header | read with the wrong rate | look at the header |
#
# ## Exercises
#
# **1.** A file has 44,100 samples a second. Which frequency, in Hz, is the limit that its waves must stay below?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 44_100 / 2,
    wrong={
        44_100: "That is the sample rate. A wave needs more than two samples in each of its rounds.",
        20_000: "That is the limit of the ear. The file's limit follows from its rate alone.",
        88_200: "You doubled. The limit is half the rate, not twice.",
    },
    hint="Nyquist: half of ...",
    unit="Hz",
)

# %% [markdown]
# **2.** A tone of 7,000 Hz is sampled 8,000 times a second without a filter. Which frequency do you hear, in Hz?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: signals.alias_frequency(7_000, 8_000),
    wrong={
        7_000: "7,000 Hz is above half the rate, so these samples cannot mean it.",
        3_000: "7,000 - 4,000: you subtracted the Nyquist frequency. It folds there: 4,000 - 3,000.",
        4_000: "That is the fold itself. The tone lies 3,000 Hz beyond it, so it lands as far below.",
        -1_000: "The size is right; as a tone that you hear, -1,000 Hz is 1,000 Hz.",
    },
    hint="Fold at 4,000 Hz, as paper: how far beyond the fold does the tone lie?",
    unit="Hz",
)

# %% [markdown]
# **3.** How many bytes of samples has one minute of CD sound: 44,100 Hz, 16 bits, stereo?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 60 * 44_100 * 2 * 2,
    wrong={
        5_292_000: "One factor of 2 is missing: two channels, and two bytes in 16 bits.",
        2_646_000: "That counts samples of one channel. Each has two bytes, and there are two channels.",
        84_672_000: "Those are bits. A byte has eight.",
        176_400: "That is one second. A minute has sixty.",
        10_584_044: "With the header, yes. The question asks for the samples alone.",
    },
    hint="seconds x rate x channels x bytes a sample",
    unit="bytes",
)

# %% [markdown]
# ## Sources
#
# - H. Nyquist, "Certain topics in telegraph transmission theory", *Transactions of the AIEE* 47, 1928,
#   doi:10.1109/T-AIEE.1928.5055024.
# - C. E. Shannon, "Communication in the presence of noise", *Proceedings of the IRE* 37, 1949, doi:10.1109/JRPROC.1949.232969: the theorem with its proof.
# - W. R. Bennett, "Spectra of quantized signals", *Bell System Technical Journal* 27, 1948, pages 446 to 472: the noise of
#   quantisation.
# - IBM and Microsoft, *Multimedia Programming Interface and Data Specifications 1.0*, 1991: the WAV format.
# - J. Watkinson, *The Art of Digital Audio*, 3rd ed., Focal Press 2001: filters, converters, and where 44,100 comes from.
#
# Next: [3. A data set of words](03_a_data_set_of_words.py): thousands of such files, and the mistake that makes a recogniser look better than it
# is.
