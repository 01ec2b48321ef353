# %% [markdown]
# # 2. 공기에서 숫자로
#
# **목소리는 매끄러운 파동인데, 소리 파일은 정수를 늘어놓은 목록이에요. 그 사이에 무엇이 사라질까요? 귀로 알아챌 수 있을까요?**
#
# 30분쯤 걸려요. 1과를 먼저 보고 오세요. 이 수업이 끝나면 아무 도구 없이 소리 파일을 바이트 하나하나 읽을 수 있어요.

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
# ## 함정부터 들어 봐요
#
# 휘파람 소리가 100 Hz에서 7,900 Hz까지 꾸준히 올라가요. 컴퓨터는 이 소리를 1초에 숫자 16,000개로 적어 둬요. 그다음 자리를 아끼려고
# 네 개 가운데 하나만 남겨 볼게요. 둘 다 들어 보세요.

# %%
whistle = signals.chirp(100, 7_900, duration_s=3, sample_rate=16_000, amplitude=0.3)
fourth = whistle[::4]
listen(whistle, 16_000, "모든 숫자: 1초에 16,000개")
listen(fourth, 4_000, "네 개에 하나: 1초에 4,000개")

figure, (left, right) = plots.new_figure(1, 2, height_in=3.4)
plots.draw_spectrogram(left, whistle, 16_000, range_db=50)
plots.draw_spectrogram(right, fourth, 4_000, range_db=50)
for panel, name in ((left, "16,000 numbers a second"), (right, "every fourth")):
    finish(panel, title=name)
    panel.grid(visible=False)
show(
    figure,
    "시간에 따른 주파수 그림 두 개. 왼쪽은 선이 8 kHz까지 곧게 올라가요. 오른쪽은 2 kHz까지 올라갔다가 돌아서 0까지 내려오고 "
    "다시 올라가는 지그재그예요.",
)

# %% [markdown]
# 올라가기만 하던 휘파람이 이제 올라갔다 내려갔다 해요. 아무것도 더하지 않았고, 숫자를 *덜어 냈을* 뿐인데요. 영화에서 바퀴가 거꾸로
# 도는 것처럼 보이는 것도 같은 까닭이에요. 왜 이런 일이 생기는지 알아보려면 파동이 숫자가 되는 과정을 가까이에서 봐야 해요.
#
# ## 표본화: 얼마나 자주 재는가
#
# **표본화(sampling)** 는 같은 시간 간격으로 파동의 값을 재는 일이에요. 잰 숫자 하나를 *표본* 또는 *샘플(sample)* 이라고 하고, 1초에 몇 번
# 재는지를 **표본화율(sample rate)** $f_s$라고 해요. 단위는 Hz예요. 두 표본 사이의 값은 전혀 남지 않아요.

# %%
fine = signals.tone(440, duration_s=0.006, sample_rate=400_000)
samples = signals.tone(440, duration_s=0.006, sample_rate=8_000)

figure, (axes,) = plots.new_figure(height_in=3.0)
plots.draw_line(axes, fine, 400_000, colour=GREY, label="the wave")
plots.draw_stems(axes, samples, 8_000, label="samples at 8 kHz")
plots.add_legend(axes)
show(figure, "회색 440 Hz 사인 곡선 위에 같은 시간 간격으로 놓인 점 48개. 이 점들이 표본이에요.")
say(f"6 ms의 소리가 숫자 {len(samples)}개가 됐어요. 처음 다섯 개: {', '.join(f'{v:.3f}' for v in samples[:5])}")

# %% [markdown]
# 점을 잇는 것은 어림짐작처럼 보여요. 그런데 지난 세기의 가장 아름다운 정리 가운데 하나가 이렇게 말해요. **파동에 표본화율의 절반 이상인
# 주파수가 없다면 표본에는 파동의 모든 것이 들어 있다.** 거의 모두가 아니라 모두예요(나이퀴스트 1928, 섀넌 1949, 그 밖에도 여러 사람이
# 따로 발견했어요). 표본화율의 절반 $f_s / 2$를 **나이퀴스트 주파수(Nyquist frequency)** 라고 해요. 섀넌은 파동을 되살리는 식까지 적어 두었어요.
#
# $$x(t) = \sum_n x[n] \, \operatorname{sinc}(f_s t - n), \qquad \operatorname{sinc}(u) = \frac{\sin \pi u}{\pi u}$$
#
# 표본 하나하나가 물결을 하나씩 보태요. 그 물결은 자기 자리에서 1이고 다른 표본의 자리에서는 모두 0이에요. 사인보다 복잡한 소리로
# 확인해 볼게요.

# %%
RATE = 8_000
word_like = signals.harmonics(180, [1, 0.7, 0.1, 0.5, 0.3, 0.1, 0.2], duration_s=0.1, sample_rate=RATE)
moments = np.arange(3_000, 5_000) / 80_000  # 열 배 촘촘하게, 소리의 가운데에서
ripples = np.sinc(RATE * moments[:, None] - np.arange(len(word_like)))
rebuilt = ripples @ word_like
truth = signals.harmonics(180, [1, 0.7, 0.1, 0.5, 0.3, 0.1, 0.2], duration_s=0.1, sample_rate=80_000)[3_000:5_000]

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_line(axes, rebuilt[:1_000], 80_000, label="rebuilt from the samples")
plots.draw_stems(axes, word_like[300:400], RATE, label="samples")
plots.add_legend(axes)
show(figure, "굴곡이 많은 곡선이 모든 표본 점을 정확히 지나요. 두 점 사이에서 휘는 곳도 마찬가지예요.")
error = np.abs(rebuilt - truth).max() / np.abs(truth).max()
say(
    f"표본 사이에서 되살린 파동의 오차는 최댓값의 {error:.3%} 이하예요. 이 오차는 양 끝에서 와요. "
    f"식은 끝없이 이어지는 표본을 모두 더하라고 하는데, 우리에게는 {len(word_like)}개뿐이니까요."
)

# %% [markdown]
# ## 에일리어싱: 가짜 소리
#
# 그렇다면 $f_s / 2$보다 높은 주파수가 *있으면* 어떻게 될까요? 서로 다른 두 파동이 똑같은 점들을 지나게 돼요.

# %%
fake = signals.aliasing(3_000, sample_rate=4_000, duration_s=0.003)

figure, (axes,) = plots.new_figure(height_in=3.2)
axes.plot(fake.time_s, fake.tone, color=GREY, linewidth=1.2, label="what was there: 3,000 Hz")
axes.plot(fake.time_s, fake.alias, color=BLUE, linewidth=1.8, label=f"what you hear: {fake.alias_hz:,.0f} Hz")
plots.draw_stems(axes, fake.samples, 4_000, label="samples at 4 kHz")
plots.add_legend(axes)
show(
    figure,
    f"빠른 회색 3,000 Hz 사인과 느린 파란색 {fake.alias_hz:,.0f} Hz 사인. 둘 다 표본 점 열두 개를 모두 지나요.",
)
say(f"1초에 4,000번 표본화하면 3,000 Hz를 **{signals.alias_frequency(3_000, 4_000):,.0f} Hz**와 구별할 수 없어요.")

# %% [markdown]
# 점들은 자기가 어느 파동에서 왔는지 모르고, 컴퓨터는 낮은 쪽을 골라요. 이것을 **에일리어싱(aliasing)** 이라고 해요. 주파수가 $f_s/2$에서
# 종이처럼 접히는 거예요. 그래서 들리는 주파수는 $|f - f_s \cdot \text{round}(f / f_s)|$예요. 나중에는 되돌릴 수 없어요.
#
# 그러니 *미리* 막아야 해요. $f_s / 2$보다 높은 것을 저역 통과 필터(low-pass filter)로 먼저 없애는 거예요. 사운드 카드마다 이 필터가 들어 있고,
# `audio.resample`에도 들어 있어요.

# %%
filtered = audio.resample(whistle, 16_000, 4_000)
listen(fourth, 4_000, "필터 없이 네 개에 하나: 가짜 소리")
listen(filtered, 4_000, "필터를 거친 다음 네 개에 하나: 올라가다가 사라져요")

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_spectrogram(axes, filtered, 4_000, range_db=50)
show(figure, "처음 4분의 1 동안 2 kHz까지 올라가는 선 하나. 그 뒤에는 아무것도 없어요.")

# %% [markdown]
# ## 바꾸고 예측하기
#
# 전화는 1초에 8,000번 표본을 떠요. 그런데 누군가 필터를 빠뜨렸어요. **5,000 Hz 소리가 들어오면 몇 Hz로 들릴까요?** 숫자를 적은 다음
# 실행하세요. 4,100, 7,900, 8,000, 12,500도 해 보세요.

# %%
my_prediction = "..."  # 예: "5,000 Hz, 조금 작게"
frequency_hz = 5_000  # 바꿔 보세요

heard = signals.tone(frequency_hz, duration_s=1, sample_rate=8_000, amplitude=0.3)
listen(heard, 8_000, f"필터 없이 8 kHz로 표본화한 {frequency_hz:,} Hz")

figure, (axes,) = plots.new_figure(height_in=3.0)
inputs = np.arange(0, 16_001, 50)
axes.plot(inputs, [signals.alias_frequency(f, 8_000) for f in inputs], color=BLUE)
axes.scatter(frequency_hz, signals.alias_frequency(frequency_hz, 8_000), color=ORANGE, s=60, zorder=5)
finish(axes, x="Frequency that comes in (Hz)", y="Heard (Hz)", title="sampled at 8 kHz")
show(
    figure,
    "들어오는 주파수에 따라 들리는 주파수. 4,000 Hz까지 올라갔다가 8,000 Hz에서 0으로 내려오기를 되풀이하는 지그재그예요. 점이 지금 소리예요.",
)
say(f'적어 둔 예측: "{my_prediction}". 들리는 소리는 {signals.alias_frequency(frequency_hz, 8_000):,.0f} Hz예요.')

# %% [markdown]
# ## 양자화: 얼마나 정확하게 적는가
#
# 표본화는 시간을 칸으로 나눴어요. 표본의 높이도 정수로 적어야 하는데, 이것이 **양자화(quantisation)** 예요. $b$비트면 높이가 $2^b$단계예요.
# 3비트로 하면 계단이 눈에 보여요.

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
    "위는 사인 두 바퀴와 그 표본. 표본은 여덟 단계 위에만 있어요. 아래는 오차를 그린 톱니 같은 선으로, "
    "대부분 반 칸을 넘지 않아요.",
)

# %% [markdown]
# 이 오차는 소리에 섞인 잡음처럼 들려요. 비트를 줄여 가며 단어를 들어 보세요.

# %%
store = lesson_data(words=("yes", "stop"), most=100)
candidates = [store.clip(int(row)) for row in np.flatnonzero(store.word == 1)[:10]]
clip = max((0.9 * c / np.abs(c).max() for c in candidates), key=audio.rms)  # 눈금을 가장 잘 채우는 것
for bits in (16, 8, 5, 3):
    listen(signals.quantise(clip, bits=bits), store.sample_rate, f"{store.words[1]!r}, {bits}비트: {2**bits:,}단계")

# %% [markdown]
# 이 잡음은 얼마나 클까요? 신호의 에너지와 오차의 에너지를 견주면 돼요. 이것이 **신호 대 잡음비(signal-to-noise ratio, SNR)** 예요. 오차가 한
# 칸 안에 고르게 퍼져 있다면 최대 눈금을 꽉 채운 사인의 SNR은 이렇게 돼요(Bennett 1948).
#
# $$\mathrm{SNR} = 10 \log_{10}\left(\tfrac{3}{2} \cdot 4^{\,b}\right) \approx 6.02\, b + 1.76 \text{ dB}$$
#
# 비트가 하나 늘 때마다 계단이 절반이 되고, 그것이 6 dB예요. 정말 그런지 재 볼게요.

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
    "비트 수에 따른 SNR. 사인을 잰 점들은 식의 직선 위에 있고, 비트가 아주 적을 때만 조금 아래예요. 단어의 점들은 그보다 낮게 나란히 가요.",
)
say(
    f"6비트부터 사인은 **한 비트에 {slope:.2f} dB씩** 좋아져요. 16비트면 2^16 = **{2**16:,}** 단계이고 {of_sine[-1]:.0f} dB예요. "
    f"단어는 {of_word[-1]:.0f} dB예요. 단어는 거의 내내 조용한데 잡음은 그렇지 않으니까요."
)

# %% [markdown]
# ## 부호화: 어떻게 적어 두는가
#
# 높이의 단계를 비트로 적는 일이 부호화(coding)예요. 가장 단순한 부호는 **PCM(pulse-code modulation)** 이에요. 표본을 차례대로 정수로 적어요.
# 16비트면 -32,768부터 32,767까지이고, 음수는 *2의 보수(two's complement)* 로, 낮은 바이트부터(*little-endian*) 적어요.

# %%
for value in (0.5, 0.0, -0.5, -1 / 32_768, 1.0):
    number = audio.to_int16(np.array([value]))[0]
    low, high = number.astype("<i2").tobytes()
    say(f"{value:9.5f}은(는) {number:6d}, 바이트로 {low:02x} {high:02x}, 비트로 {high:08b} {low:08b}")

# %% [markdown]
# 마지막 줄을 보세요. 1.0은 살짝 넘쳐요. 최대 눈금보다 큰 소리는 잘려 나가는데, 이것을 *클리핑(clipping)* 이라고 해요.
#
# PCM은 자리를 많이 차지해요. **FLAC** 은 앞의 표본들로 다음 표본을 예측하고 어긋난 만큼만 적어요. 더 작으면서도 비트 하나까지 그대로
# 돌아와요. **MP3** 와 **Opus** 는 귀가 잘 알아채지 못하는 것까지 덜어 내요. 훨씬 작지만 숫자는 달라져요.

# %%
folder = Path(tempfile.mkdtemp())
for suffix in (".wav", ".flac"):
    audio.write(folder / f"word{suffix}", clip.astype(np.float32), sample_rate=store.sample_rate)
    size = (folder / f"word{suffix}").stat().st_size
    back = audio.to_int16(audio.read(folder / f"word{suffix}").samples)
    same = bool((back == audio.to_int16(clip)).all())
    say(f"word{suffix}: {size:,}바이트, 표본이 그대로 돌아왔나요: {same}")

# %% [markdown]
# ## WAV 파일을 바이트 하나하나
#
# 이제 파일을 직접 읽어 볼 차례예요. 방금 쓴 WAV 파일의 첫 48바이트예요. WAV 파일 맨 앞에는 나머지를 어떻게 읽을지 적은 *헤더(header)* 가
# 있어요. 보통 44바이트예요.

# %%
data = (folder / "word.wav").read_bytes()
# 항목이 시작하는 자리, 바이트 수, 읽는 방법(struct의 글자), 이름
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
    "첫 48바이트를 16개씩 세 줄로 적은 16진수. 항목마다 색이 달라요. RIFF, 크기, WAVE, fmt, fmt의 크기, 형식, 채널 수, "
    "표본화율, 초당 바이트, 블록, 비트, data, data의 크기, 그리고 처음 두 표본이에요.",
)

# %%
found = {name: struct.unpack_from(how, data, start)[0] for start, _, how, name in FIELDS}
for start, _, _, name in FIELDS:
    say(f"바이트 {start:2d}: {name:10s} {found[name]}")

facts = audio.facts(folder / "word.wav")
say(f"라이브러리가 읽은 값: {facts.sample_rate} Hz, {facts.bits}비트, 채널 {facts.channels}개, 표본 {facts.frames:,}개")
shutil.rmtree(folder)  # 뒷정리
say(f"초당 바이트는 표본화율 x 채널 x 비트 / 8이어야 해요: {found['rate'] * found['channels'] * found['bits'] // 8:,}")

# %% [markdown]
# 이 정보가 없으면 파일은 뜻 모를 숫자일 뿐이에요. 헤더가 없으면 8 kHz인지 16 kHz인지 아무도 몰라요. 헤더 없는 파일(*raw PCM*)도 실제로
# 있는데, 표본화율을 잘못 알고 읽으면 다람쥐 목소리가 나요. 들어 볼까요?

# %%
listen(clip, store.sample_rate, "헤더에 적힌 표본화율로")
listen(clip, round(1.6 * store.sample_rate), "같은 숫자를 표본화율이 1.6배인 줄 알고 읽으면")

# %% [markdown]
# ## 채널
#
# 스테레오 파일에는 파동이 둘, 귀마다 하나씩 들어 있어요. 왼쪽, 오른쪽, 왼쪽, 오른쪽으로 **번갈아(interleaved)** 적혀 있지요. 메모리에서는
# `(표본 수, 2)` 모양의 배열이에요.

# %%
sweep = np.cumsum(clip**2) / np.sum(clip**2)  # 단어를 말하는 동안 0에서 1로
stereo = np.stack([clip * (1 - sweep), clip * sweep], axis=1).astype(np.float32)
listen(stereo, store.sample_rate, "왼쪽 귀에서 오른쪽 귀로 걸어가는 단어")
say(
    f"배열의 모양은 {stereo.shape}이고, 파일에는 왼쪽, 오른쪽, 왼쪽, 오른쪽 순서로 적혀요: {audio.to_int16(stereo[8_000:8_002]).ravel()}"
)

mono = audio.to_mono(stereo)
opposite = np.stack([clip, -clip], axis=1).mean(axis=1)
say(f"모노는 둘의 평균이에요. 평균의 RMS는 {audio.rms(mono):.3f}, 한쪽이 뒤집혀 있으면 {audio.rms(opposite):.3f}")

figure, axes = plots.new_figure(2, height_in=3.8, share_x=True)
for panel, channel, name in zip(axes, stereo.T, ("left", "right"), strict=True):
    plots.draw_waveform(panel, channel, store.sample_rate)
    panel.set_ylim(-1, 1)
    finish(panel, x="", title=name)
finish(axes[1], x="Time (s)")
show(figure, "한 단어의 두 채널. 왼쪽은 시간이 갈수록 작아지고 오른쪽은 커져요.")

# %% [markdown]
# 인식기에는 채널 하나면 돼요. 거의 언제나 평균을 내면 되지만, 마이크의 두 채널이 서로 뒤집혀 있으면 평균은 고요가 돼요. 1과에서 본,
# 서로 지우는 파동이 실제로 일어나는 거예요. `audio.to_mono`는 이럴 때 둘 중 더 센 채널을 골라요.
#
# ## 왜 44,100일까요? 왜 16,000일까요?
#
# - 사람은 20,000 Hz쯤까지 들어요. 그것도 젊을 때 이야기예요. 그러니 $f_s > 40{,}000$이어야 하고, 칼같이 자르는 필터는 없으니 조금 더
#   필요해요. 44,100이라는 어중간한 숫자는 1970년대 말에서 왔어요. 그때는 디지털 소리를 비디오테이프에 담았고, 화면의 줄마다
#   표본이 3개씩 들어갔어요.
# - 전화는 300에서 3,400 Hz까지 전해요. 그래서 $f_s = 8{,}000$이에요. 이 강좌의 바탕이 된 강좌도 이 값을 써요.
# - 말소리에서 가장 높은 *ㅅ*, *f*, *sh* 소리는 8,000 Hz 너머까지 뻗어 있어요. 그래서 음성 인식기는 대부분 $f_s = 16{,}000$을 써요.

# %%
say(f"미국 비디오테이프: 3 x 245줄 x 반쪽 화면 60장 = {3 * 245 * 60:,}, 유럽: 3 x 294 x 50 = {3 * 294 * 50:,}")
for rate in (16_000, 8_000, 4_000):
    listen(
        audio.resample(clip.astype(np.float32), store.sample_rate, rate),
        rate,
        f"{rate:,} Hz로 표본화한 {store.words[1]!r}",
    )

power = np.abs(np.fft.rfft(clip)) ** 2
frequencies = np.fft.rfftfreq(len(clip), 1 / store.sample_rate)
figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_spectrogram(axes, clip, store.sample_rate)
for limit in (2_000, 4_000):
    axes.axhline(limit, color="white", linestyle="--", linewidth=1)
show(
    figure,
    "8 kHz까지 그린 단어의 스펙트로그램. 2 kHz와 4 kHz에 점선이 있고, s의 쉭 소리는 맨 위까지 뻗어 있고 모음의 밝은 띠는 4 kHz 아래에 있어요.",
)
s_part = power[frequencies > 4_000].sum() / power.sum()
say(
    f"4,000 Hz 위에는 이 단어 에너지의 {s_part:.1%}가 있을 뿐이지만, *s*를 *s*로 들리게 하는 것은 대부분 여기에 있어요."
)

# %% [markdown]
# ## 기억할 것
#
# | 단계 | 중요한 숫자 | 생길 수 있는 문제 | 해결 |
# |---|---|---|---|
# | 표본화 | 표본화율 $f_s$ | $f_s/2$ 위의 에일리어싱 | 먼저 필터로 걸러요 |
# | 양자화 | 비트 수 $b$ | 잡음, 한 비트 줄 때마다 6 dB씩 나빠져요 | 비트를 늘리고, 눈금을 채우되 넘치지 않게 해요 |
# | 부호화 | 헤더 | 엉뚱한 표본화율로 읽어요 | 헤더를 확인해요 |
#
# ## 연습 문제
#
# **1.** 어떤 파일의 표본화율이 44,100 Hz예요. 이 파일에 담는 파동의 주파수는 몇 Hz보다 낮아야 하나요?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 44_100 / 2,
    wrong={
        44_100: "그것은 표본화율이에요. 파동 한 바퀴에는 표본이 두 개보다 많아야 해요.",
        20_000: "그것은 귀의 한계예요. 파일의 한계는 표본화율만으로 정해져요.",
        88_200: "두 배를 했네요. 한계는 표본화율의 두 배가 아니라 절반이에요.",
    },
    hint="나이퀴스트 주파수는 무엇의 절반이었나요?",
    unit="Hz",
)

# %% [markdown]
# **2.** 7,000 Hz 소리를 필터 없이 1초에 8,000번 표본화했어요. 몇 Hz로 들릴까요?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: signals.alias_frequency(7_000, 8_000),
    wrong={
        7_000: "7,000 Hz는 표본화율의 절반보다 높아서 이 표본들로는 나타낼 수 없어요.",
        3_000: "7,000 - 4,000, 나이퀴스트 주파수를 뺐네요. 거기서 접히니까 4,000 - 3,000이에요.",
        4_000: "그것은 접히는 자리예요. 소리는 거기서 3,000 Hz 위에 있으니 그만큼 아래로 내려와요.",
        -1_000: "크기는 맞아요. 귀에는 -1,000 Hz가 1,000 Hz로 들려요.",
    },
    hint="4,000 Hz에서 종이처럼 접으세요. 소리는 접은 선에서 얼마나 위에 있나요?",
    unit="Hz",
)

# %% [markdown]
# **3.** CD 소리(44,100 Hz, 16비트, 스테레오) 1분의 표본은 모두 몇 바이트인가요?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 60 * 44_100 * 2 * 2,
    wrong={
        5_292_000: "2를 한 번 빠뜨렸어요. 채널이 둘이고, 16비트는 2바이트예요.",
        2_646_000: "그것은 한 채널의 표본 수예요. 표본 하나가 2바이트이고 채널은 둘이에요.",
        84_672_000: "그것은 비트 수예요. 1바이트는 8비트예요.",
        176_400: "그것은 1초 분량이에요. 1분은 60초예요.",
        10_584_044: "헤더까지 더하면 맞아요. 문제는 표본만 물었어요.",
    },
    hint="초 x 표본화율 x 채널 수 x 표본 하나의 바이트 수",
    unit="바이트",
)

# %% [markdown]
# ## 참고 자료
#
# - H. Nyquist, "Certain topics in telegraph transmission theory", *Transactions of the AIEE* 47, 1928,
#   doi:10.1109/T-AIEE.1928.5055024.
# - C. E. Shannon, "Communication in the presence of noise", *Proceedings of the IRE* 37, 1949, doi:10.1109/JRPROC.1949.232969: 정리와 증명이
#   함께 있어요.
# - W. R. Bennett, "Spectra of quantized signals", *Bell System Technical Journal* 27, 1948, 446~472쪽: 양자화 잡음을
#   다뤘어요.
# - IBM, Microsoft, *Multimedia Programming Interface and Data Specifications 1.0*, 1991: WAV 형식을 정한 문서예요.
# - J. Watkinson, *The Art of Digital Audio*, 3판, Focal Press 2001: 필터와 변환기, 그리고 44,100의 유래를 알려 줘요.
#
# 다음은 [3. 단어 데이터 모음](03_a_data_set_of_words.py)이에요. 이런 파일 수천 개와, 인식기를 실제보다 좋아 보이게 만드는 실수를 만나요.
