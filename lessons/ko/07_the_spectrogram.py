# %% [markdown]
# # 7. 스펙트로그램: 어떤 음이, 언제 울렸을까요?
#
# **휘파람 하나는 올라가고 하나는 내려가요. 아이도 듣고 바로 구별하는데, 푸리에 변환(Fourier transform)을 하면 크기가
# 완전히 똑같아요. 무엇이 빠진 걸까요? 올라가는 소리가 올라가는 모양으로 보이는 그림은 어떻게 그릴까요?**
#
# 이 수업을 마치면 다음 수업의 신경망이 들여다볼 그림의 숫자 하나하나를 이해하게 돼요. 8,000 Hz로 표본화한 1초의
# 소리가 왜 130행 126열이 되는지도요.
#
# *읽는 데 30분쯤, 실행하는 데 몇 초 걸려요. 6과에 이어지는 내용이에요. 마이크는 없어도 돼요.*

# %%
import numpy as np

from hanmadi import features, plots
from hanmadi.audio import signals
from hanmadi.features import FeatureConfig
from hanmadi.lessons.toolkit import check, lesson_data, listen, say, show
from hanmadi.plots.style import BLUE, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz, 이 강의의 표본화 주파수


def draw_image(axes, image, *, rows, columns, title="", low=None, high=None):
    """행렬을 그림으로 그려요. ``rows``와 ``columns``는 두 축의 이름이에요."""
    axes.imshow(
        image, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=low, vmax=high, interpolation="nearest"
    )
    finish(axes, x=columns, y=rows, title=title)
    axes.grid(visible=False)


# %% [markdown]
# ## 휘파람은 둘, 스펙트럼은 하나

# %%
up = signals.chirp(400, 2_400, duration_s=1.0, sample_rate=SAMPLE_RATE)
down = up[::-1]
listen(up, SAMPLE_RATE, "올라가는 휘파람")
listen(down, SAMPLE_RATE, "내려가는 휘파람")

frequency_hz = signals.bin_frequencies(len(up), sample_rate=SAMPLE_RATE)
figure, (axes,) = plots.new_figure(title="Both spectra in one picture")
for sound, colour, width, name in ((up, BLUE, 4, "up"), (down, ORANGE, 1, "down")):
    axes.plot(frequency_hz, np.abs(np.fft.rfft(sound)), color=colour, linewidth=width, label=name)
plots.add_legend(axes)
finish(axes, x="Frequency (Hz)", y="Magnitude")
show(
    figure,
    "크기는 400 Hz와 2,400 Hz 사이에서 거의 평평하고 나머지에서는 0이에요. 내려가는 휘파람의 곡선이 올라가는 휘파람의 곡선에 정확히 겹쳐요.",
)

# %% [markdown]
# ## 짧게 잘라서 물어보기
#
# 1초를 통째로 변환하면 답도 1초 전체에 대한 것이에요. 그러니 짧은 조각으로 나누어 하나씩 물어봐요. 소리를
# **프레임**(frame)으로 잘라 따로따로 변환하고, 프레임 하나의 크기들을 그림의 한 열로 세우는 거예요.

# %%
n_fft = 256  # 프레임 하나의 표본 수: 32 ms
figure, panels = plots.new_figure(1, 2, height_in=3.8, title="Frame by frame: up is up, down is down")
for axes, sound, name in zip(panels, (up, down), ("Up", "Down"), strict=True):
    frames = sound[: 31 * n_fft].reshape(31, n_fft)
    picture = np.abs(np.fft.rfft(frames, axis=1)).T  # (주파수 129개, 순간 31개)
    draw_image(axes, picture, rows="Bin", columns="Frame", title=name)
show(
    figure,
    "가로는 프레임, 세로는 주파수인 그림 두 장. 왼쪽에서는 밝은 선이 올라가고 오른쪽에서는 내려가요.",
)

# %% [markdown]
# 이런 그림이 **스펙트로그램**(spectrogram)이에요. 좋은 그림이 되려면 세 가지가 필요해요. 창, 겹침, 그리고 데시벨이에요.
#
# ## 창
#
# 소리를 뚝 자르면 잘린 자리에서 값이 뛰고, 그 안에는 모든 주파수가 들어 있어요. 6과에서 본 *누설*(leakage)이죠.
# **창**(window)은 프레임의 처음과 끝을 서서히 작아지게 해서 튀는 곳을 없애요. 가장 많이 쓰는 것은 율리우스 폰 한의
# 이름을 딴 한 창(Hann window)이고, 코사인의 봉우리 하나예요. $w[n] = \tfrac12 - \tfrac12\cos(2\pi n/N)$

# %%
between = signals.tone(1_015, duration_s=n_fft / SAMPLE_RATE, sample_rate=SAMPLE_RATE)  # 어느 빈에도 딱 맞지 않는 음
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
    say(f"{window}: 음에서 멀리 떨어진 곳의 세기가 {level_db[100]:.0f} dB예요 ({100 * SAMPLE_RATE / n_fft:g} Hz에서).")
plots.add_legend(upper)
plots.add_legend(lower)
lower.set_ylim(-120, 5)
finish(lower, x="Frequency (Hz)", y="Level (dB)")
show(
    figure,
    "위: 양 끝이 잘린 음과, 서서히 커졌다 작아지는 같은 음. 아래: 두 소리의 스펙트럼. 창이 없으면 멀리까지 높은 자락이 남고, 한 창을 쓰면 봉우리가 조금 넓어지는 대신 양옆이 가파르게 떨어져요.",
)

# %% [markdown]
# ## 홉
#
# 창을 씌우면 프레임 가장자리의 소리가 가려져요. 그래서 앞 프레임이 끝나기 전에 다음 프레임을 시작해요. 프레임에서
# 다음 프레임까지의 걸음이 **홉**(hop), 이웃끼리 함께 쓰는 부분이 **겹침**(overlap)이에요. 한 창을 창 길이의 절반이나
# 4분의 1만큼씩 옮기면 결국 모든 표본이 똑같은 무게를 갖게 돼요. 창들을 더한 값이 일정하거든요.

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
    "겹쳐 놓은 봉우리들과 그 합(주황색)이 세 줄. 겹치지 않으면 합이 프레임 사이에서 0으로 떨어져요. 홉이 절반이면 합이 1로, 4분의 1이면 2로 평평해요.",
)

# %% [markdown]
# ## 단시간 푸리에 변환
#
# 자르고, 창을 씌우고, 변환해요. 이것이 **단시간 푸리에 변환**(short-time Fourier transform, STFT)이에요. 홉이 $H$,
# 점의 수가 $N$이면 이렇게 써요.
#
# $$X[k, m] = \sum_{n=0}^{N-1} w[n]\; x[n + mH]\; e^{-2\pi i\,kn/N}$$
#
# 보통은 소리 앞뒤에 프레임 절반만큼 0을 붙여요. 그러면 프레임 $m$의 *한가운데*가 표본 $mH$에 오고, 처음과 끝의
# 표본도 놓치지 않아요. 네 줄이면 쓸 수 있고, 라이브러리의 결과와 똑같아요.


# %%
def my_stft(x, *, n_fft, hop):
    padded = np.pad(x, n_fft // 2)
    starts = range(0, len(padded) - n_fft + 1, hop)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return np.array([np.fft.rfft(padded[start : start + n_fft] * window) for start in starts]).T


mine, by_library = my_stft(up, n_fft=256, hop=64), signals.stft(up, n_fft=256, hop=64)
say(
    f"직접 쓴 것의 모양은 {mine.shape}, 라이브러리는 {by_library.shape}이에요. 가장 큰 차이는 {np.abs(mine - by_library).max():.0e}이고, 값은 {np.abs(mine).max():.0f}까지 커요."
)

# %% [markdown]
# ## 데시벨
#
# 단어 안에는 다른 곳보다 천 배나 약한 부분이 있지만 귀는 그것도 들어요. 귀는 *비율*로 듣기 때문이에요.
# 데시벨(decibel, dB)도 그래요. $L = 20\log_{10}|X|$이라서, 진폭이 10분의 1이 되면 언제나 20 dB가 줄어요.

# %%
store = lesson_data(words=("yes", "stop", "left"), sample_rate=SAMPLE_RATE, most=60)
row = int(np.flatnonzero(store.word == 0)[0])
word, spoken = store.clip(row), store.words[0]
listen(word, SAMPLE_RATE, f'단어 "{spoken}"')

size = np.abs(signals.stft(word, n_fft=256, hop=64)) * 2 / hann.sum()
figure, (left, right) = plots.new_figure(1, 2, height_in=3.8, title="The same spectrogram, twice")
draw_image(left, size, rows="Bin", columns="Frame", title="Magnitude")
draw_image(right, signals.to_db(size), rows="Bin", columns="Frame", title="Level in dB", low=-90, high=-20)
show(
    figure,
    "왼쪽: 크기. 어둠 속에 밝은 점 몇 개뿐이에요. 오른쪽: 같은 것을 데시벨로. 모음의 배음이 줄무늬로 보이고, 자음의 잡음과 단어 둘레의 조용한 방도 보여요.",
)

# %% [markdown]
# ## 둘 다 가질 수는 없어요
#
# 프레임은 얼마나 길어야 할까요? 길이가 $T$초인 프레임은 $1/T$ 이상 떨어진 두 음을 구별해요. **긴** 프레임은 주파수를
# 또렷하게 보지만 그 안에서 일어난 일은 모두 한순간으로 뭉쳐요. **짧은** 프레임은 순간을 또렷하게 보지만 주파수가
# 뭉쳐요. 둘의 곱은 정해져 있어요. $\Delta t \cdot \Delta f = 1$ (가보르, 1946년).
#
# 양쪽 모두에게 심술궂은 시험을 해 볼게요. 12 ms 간격의 딸깍 소리 둘과, 60 Hz 간격의 음 둘이에요.

# %%
test = signals.tone(1_000, duration_s=0.5, sample_rate=SAMPLE_RATE) + signals.tone(
    1_060, duration_s=0.5, sample_rate=SAMPLE_RATE
)
test[[2_000, 2_096]] += 25
listen(test, SAMPLE_RATE, "두 음, 그리고 가운데에 딸깍 소리 둘")

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
    "2 kHz까지의 스펙트로그램 세 장. 4 ms 프레임에서는 딸깍 소리가 가는 선 둘로, 두 음은 굵은 띠 하나로 보여요. 16 ms에서는 둘 다 흐려요. 64 ms에서는 두 음이 가는 선 둘로, 딸깍 소리는 넓은 얼룩 하나로 보여요.",
)

# %% [markdown]
# ## 바꾸고 예측하기
#
# 이번에는 단어를 다른 길이의 프레임으로 봐요. 사람 목소리의 배음은 80에서 300 Hz 간격으로 늘어서고, 성대는 1초에 바로
# 그만큼 열리고 닫혀요. **칸을 실행하기 전에** 예측해 보세요. 표본 64개(8 ms)짜리 프레임에서는 누운 줄무늬(배음)가
# 보일까요, 선 줄무늬(숨이 한 번씩 터지는 모습)가 보일까요? 1,024개라면요?

# %%
my_prediction = "..."  # 예: "누운 줄무늬"
frame_samples = 64  # 바꿔 보세요

figure, (axes,) = plots.new_figure(height_in=3.8, title=f"Frames of {frame_samples} samples")
plots.draw_spectrogram(axes, word[2_000:6_000], SAMPLE_RATE, n_fft=frame_samples, hop=8, range_db=60)
show(
    figure,
    "고른 프레임 길이로 그린 단어 0.5초의 스펙트로그램. 짧은 프레임에서는 선 줄무늬, 긴 프레임에서는 누운 줄무늬가 보여요.",
)
fineness = signals.resolution(sample_rate=SAMPLE_RATE, n_fft=frame_samples, hop=8)
say(
    f'적어 둔 예측: "{my_prediction}". 프레임 하나는 {fineness.time_ms:g} ms이고, {fineness.frequency_hz:g} Hz 떨어진 음까지 구별해요.'
)

# %% [markdown]
# ## (130, 126)
#
# 이 강의에서는 8,000 Hz로 표본화한 1초를 $N$ = 258, 홉 64로, 프레임의 한가운데를 맞추어 변환해요. 같이 세어 볼까요?
#
# * **행**: 실제 소리에서 서로 다른 빈은 0 Hz부터 표본화 주파수의 절반까지 $N/2 + 1$개예요.
# * **열**: 표본 0에 프레임 하나, 그다음부터 64표본마다 하나씩이에요.

# %%
COURSE = FeatureConfig(kind="spectrogram", sample_rate=SAMPLE_RATE, n_fft=258, window=258, hop=64, centred=True)
n_rows, n_columns = 258 // 2 + 1, 1 + 8_000 // 64
say(f"행: 258 / 2 + 1 = **{n_rows}**. 열: 1 + 8,000 / 64를 내림하면 **{n_columns}**. 라이브러리의 답: {COURSE.shape}.")

spectrogram = features.compute(word, COURSE)
say(
    f"우리 단어의 특징: 모양 {spectrogram.shape}, 값은 {spectrogram.min():.4f}부터 {spectrogram.max():.2f}까지. 숫자 {spectrogram.size:,}개가 표본 {len(word):,}개에서 나왔어요."
)
say(f"앞의 네 줄과 가장 큰 차이는 {np.abs(spectrogram - np.abs(my_stft(word, n_fft=258, hop=64))).max():.0e}예요.")

figure, panels = plots.new_figure(1, 3, height_in=3.8, title="Three words as the course's networks see them, in dB")
for i, axes in enumerate(panels):
    clip = store.clip(int(np.flatnonzero(store.word == i)[0]))
    listen(clip, SAMPLE_RATE, f'단어 "{store.words[i]}"')
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
    "130행 126열의 스펙트로그램 세 장. 모음이 놓인 자리, 그 앞뒤의 잡음이 달라서 단어마다 모양이 달라요.",
)

# %% [markdown]
# ## 크기만 남기면 무엇을 잃을까요?
#
# 신경망은 크기만 봐요. 위상을 버려도 단어는 단어일까요? 6과에서는 위상을 뒤섞자 단어가 사라졌어요. 이번에는 프레임마다
# 자기 크기를 지키고, 시간의 순서는 열에 남아 있어요. STFT에서 다시 만든 단어를 들어 보세요. 한 번은 위상 그대로, 한
# 번은 위상을 모두 0으로 하고요.

# %%
whole = signals.stft(word, n_fft=256, hop=64)
again = signals.istft(whole, n_fft=256, hop=64, length=len(word))
robot = signals.istft(np.abs(whole).astype(complex), n_fft=256, hop=64, length=len(word))
say(f"위상이 있으면 단어가 그대로 돌아와요. 가장 큰 차이는 {np.abs(again - word).max():.0e}예요.")
listen(again, SAMPLE_RATE, f'"{spoken}", 크기와 위상으로')
listen(robot, SAMPLE_RATE, f'"{spoken}", 크기만으로')

figure, (upper, lower) = plots.new_figure(2, height_in=4.4, share_x=True, title="Made again from the STFT")
plots.draw_waveform(upper, again, SAMPLE_RATE)
plots.draw_waveform(lower, robot, SAMPLE_RATE, colour=ORANGE)
show(
    figure,
    "위: 원래 그대로인 단어. 아래: 위상이 없는 단어. 커지고 작아지는 자리는 같지만 파형은 펄스가 늘어선 모양이에요.",
)

# %% [markdown]
# 로봇 같기는 해도 알아들을 수 있어요. 단어를 단어이게 하는 것은 짧은 프레임의 크기에 들어 있어요. 그래서 신경망은
# 위상 없이도 일할 수 있어요.
#
# ## 멜: 귀의 눈금
#
# 300 Hz에서 400 Hz로 오르면 크게 올랐다고 느끼지만, 7,300 Hz에서 7,400 Hz로 오르면 거의 느끼지 못해요. **멜**(mel)
# 척도(스티븐스, 볼크먼, 뉴먼, 1937년)는 귀가 똑같다고 느끼는 걸음을 똑같은 눈금으로 만든 것이고, 흔히 이렇게 계산해요.
#
# $$m = 2595\,\log_{10}\!\left(1 + \frac{f}{700}\right)$$
#
# 멜 눈금에서 고르게 늘어선 삼각형마다 그 아래 빈들의 파워(power)를 더해요. 프레임 하나에 숫자 40개만 남고, 그 로그가
# **로그멜**(log-mel)이에요. 요즘 신경망 대부분이 이것을 봐요. 우리 신경망도요.

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
    "위: 헤르츠에 따른 멜. 처음에는 가파르고 점점 완만해져요. 아래: 삼각형 40개. 낮은 주파수에서는 좁고 촘촘하고, 높은 주파수에서는 넓고 듬성해요.",
)

power = np.abs(np.fft.rfft(word[1_600:1_856] * hann)) ** 2
ours = np.log(filters @ power + LOG_MEL.floor)
say(
    f"프레임 하나를 손으로 계산하면 `features.compute`와 가장 큰 차이가 {np.abs(ours - features.compute(word, LOG_MEL)[:, 10]).max():.0e}예요."
)

# %% [markdown]
# ## MFCC: 모양의 모양
#
# 이웃한 멜은 거의 같은 말을 해요. 멜 방향으로 코사인 변환을 하면 그것이 정리돼요. 첫 숫자는 소리의 크기, 다음은 기울기,
# 그다음부터는 점점 잔물결이에요. 이렇게 얻은 열세 개의 **멜 주파수 켑스트럼 계수**(mel-frequency cepstral coefficients,
# MFCC. 데이비스와 머멜스타인, 1980년)가 30년 동안 음성 인식기의 입력이었어요. 신경망은 이 단계를 스스로 배울 수 있어서
# 이제는 로그멜을 더 많이 써요.

# %%
MFCC = FeatureConfig(kind="mfcc", sample_rate=SAMPLE_RATE, n_fft=256, window=256, hop=160, low_hz=40.0, high_hz=3_800.0)
log_mel, mfcc = features.compute(word, LOG_MEL), features.compute(word, MFCC)
figure, (left, right) = plots.new_figure(1, 2, height_in=3.8, title="The same word, smaller and smaller")
draw_image(left, log_mel, rows="Mel", columns="Frame", title=f"Log-mel {log_mel.shape}")
draw_image(right, mfcc[1:], rows="Coefficient", columns="Frame", title=f"MFCC {mfcc.shape}, without the first")
show(
    figure,
    "왼쪽: 단어의 로그멜 40행. 모음의 넓은 띠와 자음의 잡음이 보여요. 오른쪽: 시간에 따른 코사인 계수 12개. 소리가 바뀔 때 함께 바뀌어요.",
)

dct = features.dct_matrix(MFCC.n_mfcc, MFCC.n_mels)
say(f"행렬과 로그멜을 손으로 곱하면 가장 큰 차이가 {np.abs(dct @ log_mel - mfcc).max():.0e}예요.")
say(
    "\n".join(
        [
            "| 특징 | 모양 | 숫자의 수 |",
            "|---|---|---:|",
            *(
                f"| {name} | {values.shape} | {values.size:,} |"
                for name, values in (
                    ("파형", word),
                    ("스펙트로그램", spectrogram),
                    ("로그멜", log_mel),
                    ("MFCC", mfcc),
                )
            ),
        ]
    )
)

# %% [markdown]
# ## 연습 문제
#
# **1.** 16,000 Hz로 1초, 홉 160, 한가운데를 맞춘 프레임이에요. 스펙트로그램은 몇 열일까요?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 1 + 16_000 // 160, tolerance=0,
    wrong={
        100: "표본 0에도 프레임이 하나 있어요. 칸이 아니라 말뚝을 세어 보세요",
        102: "하나 많아요. 마지막 프레임의 가운데는 소리 바로 뒤인 표본 16,000이에요",
        16_000: "그건 표본의 수예요. 프레임은 160표본마다 하나씩만 와요",
        81: "행의 수는 변환의 점 수로 정해져요. 여기서 묻는 것은 열이고, 열은 홉으로 정해져요",
    },
    hint="첫 프레임의 가운데는 표본 0, 다음은 160, 그렇게 끝까지 가요.",
)  # fmt: skip

# %% [markdown]
# **2.** 두 음이 50 Hz 떨어져 있어요. 구별하려면 프레임이 적어도 몇 밀리초여야 할까요 ($\Delta t \cdot \Delta f = 1$)?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 1_000 / 50, unit="ms",
    wrong={
        0.02: "초로는 맞아요. 밀리초로 적어 주세요",
        50: "50은 두 음의 간격(Hz)이에요. 1을 주파수로 나누어야 시간이 돼요",
        160: "그건 8,000 Hz일 때의 표본 수예요. 몇 밀리초일까요?",
        6.4: "그건 50,000 Hz일 때 표본 320개의 길이예요. 1초를 50으로 나누세요",
    },
    hint="1 / 50 Hz가 초 단위의 시간이에요.",
)  # fmt: skip

# %% [markdown]
# **3.** 음의 진폭이 100분의 1이 됐어요. 세기는 몇 dB 달라질까요? (부호에 주의하세요.)

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 20 * np.log10(1 / 100), unit="dB",
    wrong={
        -20: "10 log10은 파워에 써요. 진폭에는 20 log10을 써요",
        -100: "100분의 1은 비율이에요. 상용로그를 구하면 −2예요",
        -2: "그건 로그 값이에요. 20을 곱하면 데시벨이 돼요",
        -99: "데시벨은 퍼센트가 아니에요. 비율의 로그에 20을 곱하세요",
    },
    hint="20 log10(0.01)을 계산해요. 0.01은 10의 −2제곱이에요.",
)  # fmt: skip

# %% [markdown]
# ## 참고 자료
#
# * D. Gabor, "Theory of communication", *Journal of the IEE* 93 (1946), doi:10.1049/ji-3-2.1946.0074
# * F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", *Proceedings of the
#   IEEE* 66 (1978), doi:10.1109/PROC.1978.10837
# * D. W. Griffin, J. S. Lim, "Signal estimation from modified short-time Fourier transform", *IEEE Transactions on
#   Acoustics, Speech, and Signal Processing* 32 (1984), doi:10.1109/TASSP.1984.1164317
# * S. S. Stevens, J. Volkmann, E. B. Newman, "A scale for the measurement of the psychological magnitude pitch",
#   *Journal of the Acoustical Society of America* 8 (1937), doi:10.1121/1.1915893
# * D. O'Shaughnessy, *Speech Communication: Human and Machine*, Addison-Wesley, 1987 (멜을 구하는 식)
# * S. B. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
#   continuously spoken sentences", *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28 (1980),
#   doi:10.1109/TASSP.1980.1163420
