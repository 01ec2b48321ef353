# %% [markdown]
# # 1. 소리는 파동이에요
#
# **플루트와 바이올린이 같은 음을 같은 크기로 연주해요. 그런데도 어느 쪽인지 어떻게 알까요?**
#
# 25분쯤 걸려요. 이어폰이나 스피커만 있으면 되고, 학교에서 배운 것 말고 미리 알아야 할 것은 없어요. 칸(cell)을 위에서 아래로
# 차례대로 실행하세요. 들려주는 소리는 모두 부드러운 크기로 줄여 두었어요.

# %%
import numpy as np

from hanmadi import audio, plots
from hanmadi.audio import signals
from hanmadi.lessons.toolkit import check, lesson_data, listen, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

SAMPLE_RATE = 16_000  # 1초에 담는 숫자의 개수, 이유는 2과에서

# %% [markdown]
# ## 같으면서도 다른 두 소리
#
# 컴퓨터로 만든 두 연주자를 소개할게요. 설명을 읽기 전에 먼저 들어 보세요.

# %%
FLUTE = (1.0, 0.10, 0.04, 0.01)
VIOLIN = (1.0, 0.8, 0.7, 0.45, 0.5, 0.3, 0.25, 0.2, 0.15, 0.1)


def play_note(recipe, seconds=1.2):
    """서서히 커졌다 작아지는 440 Hz 음. 조리법이 무엇이든 크기(RMS 0.1)는 같아요."""
    note = signals.harmonics(440, recipe, duration_s=seconds, sample_rate=SAMPLE_RATE)
    fade = np.minimum(1, np.minimum(np.arange(len(note)), np.arange(len(note))[::-1]) / 1_600)
    return (0.1 * note * fade / audio.rms(note)).astype(np.float32)


flute, violin = play_note(FLUTE), play_note(VIOLIN)
listen(flute, SAMPLE_RATE, "플루트 같은 소리")
listen(violin, SAMPLE_RATE, "바이올린 같은 소리")

# %% [markdown]
# 음높이도 같고 크기도 같은데 다른 악기로 들려요. 이제 두 소리를 100분의 1초씩 눈으로 볼게요.

# %%
figure, axes = plots.new_figure(2, height_in=4.2, share_x=True)
for panel, samples, name, colour in zip(axes, (flute, violin), ("flute", "violin"), (BLUE, ORANGE), strict=True):
    plots.draw_line(panel, samples[8_000:8_160], SAMPLE_RATE, colour=colour)
    finish(panel, title=name)
axes[0].set_xlabel("")
show(
    figure,
    "10 ms 동안의 두 곡선. 위는 플루트, 아래는 바이올린이에요. 둘 다 같은 시간마다 되풀이되어 그림에 네 번 조금 넘게 나와요. "
    "플루트의 곡선은 사인처럼 둥글고, 바이올린의 곡선은 뾰족한 봉우리와 작은 굴곡이 있어요.",
)

# %% [markdown]
# 두 곡선 모두 같은 시간마다 제자리로 돌아와요. 하지만 그 사이의 **모양**이 달라요. 이 수업이 끝날 즈음이면 이런 모양을 낱낱이
# 풀었다가 다시 조립할 수 있게 돼요.
#
# 그런데 이 그림은 무엇을 그린 걸까요? 무언가 떨리면 옆에 있는 공기를 밀어요. 그러면 공기의 압력이 평소 값을 중심으로 조금
# 올라갔다 내려갔다 해요. 이 변화가 공기에서 공기로 전해져서 몇 미터 떨어진 여러분의 고막을 밀지요. 곡선은 바로 이 압력 변화를
# 시간에 따라 그린 거예요. **소리는 압력의 파동(wave)이에요.** 공기 자체는 거의 제자리에 있어요. 항구에 물결이 일어도 물은
# 제자리에서 오르내릴 뿐인 것과 같아요.
#
# ## 가장 단순한 소리
#
# 모든 곡선 가운데 가장 단순한 것은 사인(sine) 곡선이에요.
#
# $$x(t) = A \sin(2 \pi f t + \varphi)$$
#
# 숫자 세 개면 전부 설명돼요. $A$는 **진폭(amplitude)**, 곡선이 0에서 얼마나 멀리 가는지예요. $f$는 **주파수(frequency)**, 1초에 몇 바퀴
# 도는지예요. 단위는 헤르츠(Hz)예요. $\varphi$는 **위상(phase)**, 시각 0에 한 바퀴 가운데 어디쯤에 있는지예요. 한 바퀴 도는 데 걸리는
# 시간은 **주기(period)** 라고 하고 $T = 1/f$예요.

# %%
amplitude, frequency, phase = 0.4, 440, 0.0
time = np.arange(SAMPLE_RATE) / SAMPLE_RATE  # 1초, 1/16,000초마다 숫자 하나
by_hand = amplitude * np.sin(2 * np.pi * frequency * time + phase)

tone = signals.tone(440, duration_s=1, sample_rate=SAMPLE_RATE, amplitude=0.4)
say(f"직접 쓴 세 줄과 라이브러리의 가장 큰 차이: {np.abs(tone - by_hand).max():.0e}")
listen(tone, SAMPLE_RATE, "440 Hz, 오케스트라가 음을 맞추는 라(A) 음")

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
    "6 ms 동안의 사인 곡선. 한 마루에서 다음 마루까지의 화살표가 주기 T, 0에서 마루까지의 화살표가 진폭 A를 나타내요.",
)

# %% [markdown]
# ## 진폭: 얼마나 센가
#
# 한 번에 하나씩 바꿔 볼게요. 먼저 진폭이에요. 뒤로 갈수록 진폭이 절반이 되는 소리 세 개를 들어 보세요.

# %%
levels = (0.4, 0.2, 0.1)
steps = [signals.tone(440, duration_s=0.5, sample_rate=SAMPLE_RATE, amplitude=level) for level in levels]
listen(np.concatenate(steps), SAMPLE_RATE, "진폭 0.4, 0.2, 0.1 차례로", keep_level=True)

figure, (axes,) = plots.new_figure(height_in=3.0)
for step, level, colour in zip(steps, levels, (BLUE, ORANGE, GREY), strict=True):
    plots.draw_line(axes, step[:110], SAMPLE_RATE, colour=colour, label=f"A = {level:g}")
plots.add_legend(axes)
show(figure, "겹쳐 그린 사인 곡선 셋. 마루의 자리는 같고 높이는 0.4, 0.2, 0.1이에요.")

# %% [markdown]
# 두 번째 소리가 첫 번째의 절반 크기로 들렸나요? 대부분은 그렇게 느끼지 않아요. 물리학과 귀가 세는 방법이 다르기 때문이에요.
#
# - **세기(intensity)** 는 물리학이 재는 값이에요. 1제곱미터를 지나가는 일률이고, 진폭의 *제곱*에 비례해요($I \propto A^2$). 진폭이 절반이면
#   실려 가는 힘은 4분의 1이에요.
# - **소리 크기(loudness)** 는 우리가 느끼는 값이에요. 차이가 아니라 비율을 따라가요. 그래서 공학에서도 비율을 세는데, 그 단위가
#   **데시벨(decibel, dB)** 이에요.
#
# $$L = 10 \log_{10} \frac{I}{I_0} = 20 \log_{10} \frac{A}{A_0} \text{ dB}$$
#
# 컴퓨터에서는 샘플이 가질 수 있는 가장 큰 값, 곧 *최대 눈금(full scale)* 을 $A_0 = 1$로 둬요. 그래서 레벨은 음수로 나와요.

# %%
for level in levels:
    say(f"진폭 {level:g}: 세기는 첫 소리의 {level**2 / levels[0] ** 2:.4g}배, 레벨은 {audio.to_db(level):.1f} dB")
halving = audio.to_db(0.2) - audio.to_db(0.4)
say(f"진폭이 절반이 되면 언제나 **{halving:.2f} dB** 변해요. 10분의 1이 되면 {audio.to_db(0.1):.0f} dB예요.")

# %% [markdown]
# 소리 크기에 대해 흔히 쓰는 어림셈이 있어요. 10 dB 줄면 절반쯤으로 들린다는 거예요. 그래서 조금 전의 계단이 작게 느껴진 거지요.
#
# ## 주파수: 얼마나 높은가
#
# 이번에는 주파수만 바꿀게요. 주파수는 **음높이(pitch)** 로 들려요.

# %%
octaves = [signals.tone(f, duration_s=0.5, sample_rate=SAMPLE_RATE, amplitude=0.3) for f in (220, 440, 880)]
listen(np.concatenate(octaves), SAMPLE_RATE, "220, 440, 880 Hz: 세 옥타브의 같은 음")

figure, axes = plots.new_figure(3, height_in=4.6, share_x=True)
for panel, octave, f in zip(axes, octaves, (220, 440, 880), strict=True):
    plots.draw_line(panel, octave[:240], SAMPLE_RATE)
    finish(panel, x="", title=f"{f} Hz")
finish(axes[-1], x="Time (ms)")
show(figure, "15 ms 동안의 사인 곡선 셋, 220, 440, 880 Hz. 아래로 갈수록 마루의 수가 두 배가 돼요.")

# %% [markdown]
# 주파수가 두 배면 한 **옥타브(octave)** 위이고, 귀는 둘을 같은 음으로 여겨요. 음높이도 비율을 따라가는 거예요. 직접 들어 볼까요? 첫 번째
# 계단은 매번 같은 *헤르츠*만큼, 두 번째 계단은 매번 같은 *비율*만큼 올라가요. 어느 쪽이 고르게 올라가나요?

# %%
by_hertz = [220 + 220 * i for i in range(8)]
by_ratio = [220 * 2 ** (i / 7 * 3) for i in range(8)]
for label, ladder in (("같은 헤르츠", by_hertz), ("같은 비율", by_ratio)):
    sounds = [signals.tone(f, duration_s=0.3, sample_rate=SAMPLE_RATE, amplitude=0.3) for f in ladder]
    listen(np.concatenate(sounds), SAMPLE_RATE, f"{label}만큼 올라가는 계단")

figure, (left, right) = plots.new_figure(1, 2, height_in=3.2)
for ladder, colour, label in ((by_hertz, ORANGE, "same hertz"), (by_ratio, BLUE, "same ratio")):
    left.plot(range(1, 9), ladder, "o-", color=colour, label=label)
    right.plot(range(1, 9), np.log2(np.array(ladder) / 220), "o-", color=colour, label=label)
finish(left, x="Step", y="Frequency (Hz)", title="in hertz")
finish(right, x="Step", y="Octaves above 220 Hz", title="in octaves: as heard")
plots.add_legend(right, place="lower right")
show(
    figure,
    "두 계단을 그린 그림 두 개. 헤르츠로 그리면 첫째는 직선이고 둘째는 위로 휘어요. 옥타브로 그리면 둘째가 직선이고 "
    "첫째는 점점 눕는데, 걸음이 줄어드는 것처럼 들려요.",
)

# %% [markdown]
# 피아노는 한 옥타브에 건반이 12개 있고, 이웃한 건반의 비율은 모두 $2^{1/12}$로 같아요. 음성 인식기도 같은 생각을 써요. 7과에 나오는
# *멜(mel)* 눈금은 주파수를 우리 귀에 들리는 간격과 비슷하게 늘어놓은 거예요.
#
# ## 위상: 어디에서 시작하는가
#
# 세 번째 숫자는 위상이에요. 4분의 1바퀴($\varphi = \pi/2$)면 꼭대기에서 시작해요. 소리 하나만 있을 때는 위상을 들을 수 없어요.

# %%
for degrees in (0, 90, 180):
    shifted = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.3, phase_rad=np.radians(degrees))
    listen(shifted, SAMPLE_RATE, f"440 Hz, 위상 {degrees}도")

# %% [markdown]
# 위상은 두 파동이 **만날 때** 중요해져요. 압력은 그냥 더해지거든요. 마루와 마루가 만나면 커지고, 마루와 골이 만나면 작아져요.
#
# ## 바꾸고 예측하기
#
# 진폭이 0.25인 소리 두 개를 더하는데, 두 번째 소리는 `shift_degrees`만큼 어긋나 있어요. 먼저 종이에 적어 보세요. **120도 어긋났을 때
# 합의 진폭은 0.25보다 클까요, 작을까요, 같을까요?** 그다음에 실행하세요. 0, 90, 180, 240도 하나씩 예측한 다음 해 보세요.

# %%
my_prediction = "..."  # 예: "더 작다, 0.1쯤"
shift_degrees = 120  # 바꿔 보세요

one = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.25)
two = signals.tone(440, duration_s=0.6, sample_rate=SAMPLE_RATE, amplitude=0.25, phase_rad=np.radians(shift_degrees))
listen(one, SAMPLE_RATE, "소리 하나만", keep_level=True)
listen(one + two, SAMPLE_RATE, f"{shift_degrees}도 어긋난 두 소리", keep_level=True)
say(
    f'적어 둔 예측: "{my_prediction}". {shift_degrees}도 어긋났을 때 합의 진폭은 **{np.abs(one + two).max():.3f}**이에요.'
)

figure, (axes,) = plots.new_figure(height_in=3.2)
plots.draw_line(axes, one[:110], SAMPLE_RATE, colour=GREY, label="first")
plots.draw_line(axes, two[:110], SAMPLE_RATE, colour=ORANGE, label="second")
plots.draw_line(axes, (one + two)[:110], SAMPLE_RATE, colour=BLUE, label="sum")
axes.set_ylim(-0.55, 0.55)
plots.add_legend(axes)
show(
    figure,
    f"진폭이 0.25이고 서로 {shift_degrees}도 어긋난 사인 곡선 둘과 그 합. 합은 "
    f"{np.abs(one + two).max():.2f}까지 올라가요.",
)

# %% [markdown]
# 크기가 같은 두 소리를 더하면 진폭은 $2 A \, |\cos(\Delta\varphi / 2)|$가 돼요. 180도에서는 아무것도 남지 않아요. 소리 둘이 만나 고요가
# 된 거예요. 소음을 없애는 헤드폰이 바로 이 일을 해요.
#
# ## 음색: 조리법
#
# 이제 처음 질문으로 돌아가요. 플루트와 바이올린은 $f$도 같고 세기도 같아요. 남은 것은 *모양*이에요. 여기에 놀라운 발견이 있어요.
# **되풀이되는 모양은 모두 사인 곡선의 합이에요.** 그 주파수는 $f, 2f, 3f, \ldots$이고요.
#
# $$x(t) = \sum_{k=1}^{K} A_k \sin(2 \pi k f t + \varphi_k)$$
#
# 이 사인 하나하나를 **배음(harmonics)** 이라고 해요. $A_k$를 늘어놓은 목록이 소리의 조리법, 곧 **음색(timbre)** 이에요. 배음을 하나씩 더해
# 가며 바이올린이 나타나는 것을 들어 보세요.

# %%
growing = [play_note(VIOLIN[:count], seconds=0.6) for count in (1, 2, 4, 10)]
listen(np.concatenate(growing), SAMPLE_RATE, "배음이 1, 2, 4, 10개인 바이올린")

figure, axes = plots.new_figure(2, 2, height_in=4.6)
for row, (recipe, note, colour) in enumerate(((FLUTE, flute, BLUE), (VIOLIN, violin, ORANGE))):
    plots.draw_line(axes[2 * row], note[8_000:8_110], SAMPLE_RATE, colour=colour)
    axes[2 * row + 1].bar(440 * np.arange(1, len(recipe) + 1), recipe, width=150, color=colour)
    axes[2 * row + 1].set_xlim(0, 4_840)
    finish(axes[2 * row + 1], x="Frequency (Hz)", y="Amplitude", title="recipe")
    finish(axes[2 * row], title=("flute", "violin")[row])
show(
    figure,
    "왼쪽은 곡선, 오른쪽은 조리법을 나타낸 막대예요. 플루트는 440 Hz에 긴 막대 하나와 아주 짧은 막대 셋, 바이올린은 "
    "440 Hz의 배수마다 천천히 낮아지는 막대 열 개예요.",
)

# %% [markdown]
# 답은 이거예요. 귀는 파동을 낱낱이 풀어서 조리법을 읽어요. 그렇다면 배음의 *위상*도 신경 쓸까요? 진폭은 그대로 두고 위상만 바꾼
# 바이올린을 들어 보세요.

# %%
phases = np.random.default_rng(0).uniform(0, 2 * np.pi, len(VIOLIN))
scrambled = signals.harmonics(440, VIOLIN, duration_s=1.2, sample_rate=SAMPLE_RATE, phases_rad=phases)
scrambled *= np.float32(0.1 / audio.rms(scrambled))
listen(violin, SAMPLE_RATE, "바이올린")
listen(scrambled, SAMPLE_RATE, "위상을 바꾼 바이올린")

figure, axes = plots.new_figure(2, height_in=4.2, share_x=True)
plots.draw_line(axes[0], violin[8_000:8_160], SAMPLE_RATE, colour=ORANGE)
plots.draw_line(axes[1], scrambled[8_000:8_160], SAMPLE_RATE, colour=GREY)
finish(axes[0], x="", title="violin")
finish(axes[1], title="other phases")
show(figure, "배음이 같은 두 곡선. 소리는 거의 같은데 모양은 뚜렷이 달라요.")

# %% [markdown]
# 곡선은 딴판인데 소리는 거의 같아요. 그래서 음성 인식기는 대부분 주파수마다 *얼마나* 들어 있는지만 보고 위상은 버려요(7과).
#
# ## 단어에는 둘 다 있어요
#
# 목소리도 악기예요. 모음을 낼 때는 성대가 1초에도 수없이 열렸다 닫혀서 파동이 되풀이돼요. "ㅅ"이나 영어 "f"를 낼 때는 좁은
# 틈으로 공기가 쉭 하고 빠져나가고, 되풀이되는 것이 없어요. 우리 데이터에서 단어 하나를 꺼내 볼게요.

# %%
store = lesson_data(words=("yes", "stop"), most=100)
row = int(np.flatnonzero(store.word == 0)[3])
clip, word = store.clip(row), store.words[0]
listen(clip, store.sample_rate, f"단어 {word!r}")

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
    f"위는 단어 {word!r}의 파형과 표시된 두 구간. 가운데는 가장 큰 25 ms로 모양이 되풀이돼요. "
    "아래는 0을 가장 자주 지나는 25 ms로 되풀이되는 것이 없어요.",
)

# %% [markdown]
# 이 목소리는 얼마나 높을까요? 주기가 $T$인 파동은 $T$만큼 밀면 자기 자신과 겹쳐요. 그러니 조금씩 밀어 보면서 언제 가장 잘 맞는지 보면
# 돼요. 이 방법을 *자기상관(autocorrelation)* 이라고 해요.

# %%
piece = clip[vowel : vowel + 2 * WINDOW]
lags = np.arange(store.sample_rate // 400, WINDOW)  # 2.5에서 25 ms: 40에서 400 Hz의 목소리
fit = np.array([np.corrcoef(piece[:WINDOW], piece[lag : lag + WINDOW])[0, 1] for lag in lags])
best = int(lags[np.argmax(fit)])
say(
    f"샘플 {best}개, 곧 {1_000 * best / store.sample_rate:.1f} ms를 밀었을 때 가장 잘 맞아요. "
    f"모양이 **1초에 {store.sample_rate / best:.0f}번**, 또는 그 몇 배만큼 되풀이된다는 뜻이에요."
)

figure, (axes,) = plots.new_figure(height_in=3.0)
axes.plot(1_000 * lags / store.sample_rate, fit, color=BLUE)
axes.scatter(1_000 * best / store.sample_rate, fit.max(), color=ORANGE, zorder=4)
finish(axes, x="Moved by (ms)", y="Fit (correlation)", title="one vowel against itself")
show(
    figure,
    f"얼마나 밀었는지에 따라 모음이 자기 자신과 얼마나 맞는지 그린 곡선. 봉우리가 비슷한 간격으로 이어지고, 가장 높은 "
    f"{1_000 * best / store.sample_rate:.1f} ms에 점이 찍혀 있어요.",
)

# %% [markdown]
# 봉우리는 $T, 2T, 3T, \ldots$에 서 있어요. 한 주기를 밀어서 맞는 파동은 두 주기를 밀어도 맞으니까요. 그중 어느 봉우리가 조금 더 높은지는
# 우연이에요. 그러니 이웃한 봉우리 사이의 *거리*를 읽으세요. 그것이 주기이고, 그 역수가 음높이예요.
#
# ## 기억할 것
#
# | 파동에서 | 물리학에서는 | 귀에는 |
# |---|---|---|
# | 진폭 $A$ | 세기 $\propto A^2$, 단위 dB | 소리 크기 |
# | 주파수 $f$ | 1초에 도는 바퀴 수, 단위 Hz | 음높이, 비율로 |
# | 위상 $\varphi$ | 시작하는 자리 | 혼자서는 들리지 않고, 파동이 만나면 중요해요 |
# | 조리법 $A_1, A_2, \ldots$ | 배음들의 세기 | 음색 |
#
# ## 연습 문제
#
# `...` 자리에 답을 적고 실행하세요. 틀리면 무엇이 틀렸는지 알려 줘요.
#
# **1.** 어떤 소리의 주파수가 250 Hz예요. 한 주기는 몇 초인가요?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 1 / 250,
    tolerance=1e-5,
    wrong={
        250: "그것은 1초에 도는 바퀴 수, 곧 주파수예요. 주기는 한 바퀴에 걸리는 시간이니 그 역수예요.",
        4: "밀리초로는 맞아요. 문제는 초로 물었어요.",
        0.4: "소수점이 밀렸어요. 0.4초씩 250바퀴면 1초가 아니라 100초가 걸려요.",
    },
    hint="1초에 250바퀴를 돌아요. 한 바퀴는 얼마나 걸릴까요?",
    unit="초",
)

# %% [markdown]
# **2.** 소리의 진폭이 0.8에서 0.2로 줄었어요. 레벨은 몇 dB 변했나요? (줄어들면 음수예요.)

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: audio.to_db(0.2) - audio.to_db(0.8),
    tolerance=0.1,
    wrong={
        -6.02: "그것은 절반으로 한 번 줄었을 때예요. 0.8에서 0.2까지는 두 번 줄어요.",
        12.04: "크기는 맞지만 레벨이 내려갔으니 음수로 적으세요.",
        -4: "0.8 / 0.2의 비율이 4예요. dB는 비율의 로그에 20을 곱한 값이에요.",
        -0.6: "데시벨은 차이가 아니라 비율을 세요. 20 log10(0.2 / 0.8)을 쓰세요.",
    },
    hint="20 log10(0.2 / 0.8)을 쓰거나, 절반으로 몇 번 줄었는지 세어 보세요.",
    unit="dB",
)

# %% [markdown]
# **3.** 플루트가 440 Hz를 불고 있어요. 두 옥타브 높은 같은 음은 몇 Hz인가요?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 440 * 2**2,
    wrong={
        880: "그것은 한 옥타브 위예요. 한 번 더 두 배로 하세요.",
        1320: "440의 3배예요. 440을 두 번 더했네요. 옥타브는 더하기가 아니라 2를 곱하는 거예요.",
        110: "그것은 두 옥타브 아래예요. 높은 음은 1초에 더 많이 돌아요.",
    },
    hint="한 옥타브 올라갈 때마다 주파수가 두 배가 돼요.",
    unit="Hz",
)

# %% [markdown]
# ## 참고 자료
#
# - H. von Helmholtz, *On the Sensations of Tone*, 1863 (A. J. Ellis의 영역본 1885): 배음과 음색, 그리고 위상이 왜 잘 들리지 않는지를
#   다룬 고전이에요.
# - H. Fastl, E. Zwicker, *Psychoacoustics: Facts and Models*, 3판, Springer 2007, doi:10.1007/978-3-540-68888-4: 사람이 느끼는 소리 크기와
#   음높이를 다뤄요.
# - M. Müller, *Fundamentals of Music Processing*, 2판, Springer 2021, doi:10.1007/978-3-030-69808-9, 1장: 파동, 음높이, 셈여림, 음색.
# - A. B. Downey, *Think DSP*, O'Reilly 2016, greenteapress.com에서 무료: 소리를 사인의 합으로 다루는 법을 파이썬으로 익혀요.
#
# 다음은 [2. 공기에서 숫자로](02_from_air_to_numbers.py)예요. 이 매끄러운 파동이 정수의 목록으로 바뀌어요.
