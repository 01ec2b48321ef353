# %% [markdown]
# # 6. 푸리에: 이 소리에는 어떤 음이 들어 있을까요?
#
# **세 사람이 동시에 허밍을 해요. 마이크에 들어오는 것은 숫자 한 줄뿐인데, 컴퓨터는 세 사람이 어떤 음을 내는지 어떻게
# 알아낼까요?**
#
# 이 수업에서는 빙글빙글 도는 화살표 하나만 가지고 소리를 낱낱이 나누고, 다시 합쳐 볼 거예요. 그러다 보면 소리를
# 다루는 사람이 가장 많이 쓰는 식, 푸리에 변환(Fourier transform)을 만나게 돼요.
#
# *읽는 데 30분쯤, 실행하는 데 몇 초 걸려요. 1과와 2과를 먼저 보면 좋아요. 마이크는 없어도 돼요.*

# %%
import time

import numpy as np

from hanmadi import plots
from hanmadi.audio import signals
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, LINE, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz, 이 강의의 표본화 주파수
rng = np.random.default_rng(6)


def tone(frequency_hz, phase_rad=0.0, duration_s=1.0):
    return signals.tone(frequency_hz, duration_s=duration_s, sample_rate=SAMPLE_RATE, phase_rad=phase_rad).astype(float)


# %% [markdown]
# ## 귀로 푸는 수수께끼
#
# 아래 칸은 일곱 음 가운데 셋을 골라 함께 울리지만, 무엇을 골랐는지는 알려 주지 않아요. 들어 보세요. 한 음이라도
# 따라 부를 수 있나요? 그다음에 파형(waveform)을 보세요. 귀에는 세 음이 들리는데 눈에는 꼬불꼬불한 선 하나만 보여요.

# %%
NAMES = {262: "C", 294: "D", 330: "E", 349: "F", 392: "G", 440: "A", 494: "B"}  # Hz, 반올림한 값
secret_hz = rng.choice(list(NAMES), 3, replace=False)
chord = sum(tone(f, phase) for f, phase in zip(secret_hz, rng.uniform(0, 2 * np.pi, 3), strict=True)) / 3

listen(chord, SAMPLE_RATE, "비밀의 세 음")
figure, (axes,) = plots.new_figure(title="Three notes, one wave")
plots.draw_line(axes, chord[:400], SAMPLE_RATE)
show(figure, "화음의 0.05초: 불규칙한 물결 하나가 있을 뿐, 낱낱의 음은 보이지 않아요.")

# %% [markdown]
# ## 한 번에 주파수 하나씩 물어보기
#
# 푸리에의 생각은 사실 이것이 전부예요. 소리 속에 440 Hz가 있는지 알고 싶으면, **소리에 440 Hz 음을 곱하고 평균을
# 내요**. 이렇게 곱해 보는 음을 탐침(probe)이라고 부를게요.
#
# * 소리와 탐침이 같이 오르내리면 곱이 늘 양수라서 평균이 커요.
# * 서로 상관이 없으면 양수와 음수가 지워져서 평균이 0에 가까워요.

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
    "그림 두 칸. 440 Hz 탐침과 곱하면 음수가 한 번도 나오지 않아요. 520 Hz와 곱하면 파란 넓이와 주황 넓이가 서로 지워져요.",
)

# %% [markdown]
# ## 그런데 아직 문제가 있어요
#
# 탐침은 음이 자기와 똑같은 순간에 시작한다고 믿어요. 같은 음이 4분의 1주기만 늦게 시작해도 탐침은 그 음을 전혀
# 알아채지 못해요. 이럴 때 두 번째 탐침이 필요해요. 코사인은 사인이 가장 약한 바로 그곳에서 가장 강하거든요. 둘을
# 직각삼각형의 두 변처럼 합치면, 음이 언제 시작하든 답이 같아요.

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
    "사인 탐침의 답과 코사인 탐침의 답은 음이 시작하는 위치에 따라 오르내리지만, 두 답의 제곱을 더해 제곱근을 구하면 수평선이 돼요.",
)
say(f"음이 어디서 시작하든 두 탐침을 합친 답은 **{both.min():.3f}**에서 **{both.max():.3f}** 사이예요.")

# %% [markdown]
# ## 탐침 둘은 도는 화살표 하나예요
#
# 코사인과 사인은 길이가 1인 화살표가 돌 때 생기는 두 그림자예요. 하나는 바닥에, 하나는 벽에 비쳐요. 복소수(complex
# number)가 바로 그런 화살표예요. 바닥의 그림자가 **실수부**(real part), 벽의 그림자가 **허수부**(imaginary part)예요.
# 레온하르트 오일러는 1748년에, 각 $\theta$만큼 돈 화살표를 이렇게 쓸 수 있다는 것을 알아냈어요.
#
# $$e^{i\theta} = \cos\theta + i\,\sin\theta$$
#
# 신비한 식이 아니에요. $i$를 곱한다는 것은 "왼쪽으로 직각만큼 돈다"는 뜻이에요. 화살표가 늘 자기 방향의 왼쪽
# 직각으로만 자란다면, 길이는 그대로이고 방향만 바뀌어서 원을 따라 걷게 돼요. 원을 반 바퀴 돌면 뒤를 보게 되죠.
# 그래서 $e^{i\pi} = -1$이에요. 아래 칸은 짧고 곧은 걸음 $m$번, 곧 $(1 + i\pi/m)^m$으로 그 반 바퀴를 걸어 봐요.

# %%
theta = np.linspace(0, 2 * np.pi, 361)
arrow = np.exp(1j * theta)
for steps in (10, 1_000, 100_000):
    walked = (1 + 1j * np.pi / steps) ** steps  # 늘 조금씩 왼쪽으로 꺾는 짧은 걸음
    say(f"반 바퀴를 {steps:,}걸음에 걸으면 {walked.real:.4f} {walked.imag:+.4f}i에 닿아요.")

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
    "왼쪽: 단위원 위의 50도 화살표와 그 가로 그림자인 실수부, 세로 그림자인 허수부. 오른쪽: 한 바퀴 도는 동안 두 그림자는 코사인과 사인을 그려요.",
)

# %% [markdown]
# ## 소리를 원에 감기
#
# 이제 화살표에 소리를 실어 볼게요. 화살표는 1초에 $f$번 시계 방향으로 돌고, 길이는 그 순간의 표본(sample) 값이에요.
# 식으로는 $x(t)\,e^{-2\pi i f t}$예요. 소리가 실처럼 가운데를 돌며 감기는 셈이에요.
#
# 소리가 $f$와 상관이 없으면 실은 사방으로 고르게 감기고, **무게중심**은 가운데에 머물러요. 소리가 1초에 $f$번
# 진동하면 모든 고리가 같은 쪽으로 부풀어서 무게중심이 바깥으로 나가요.

# %%
t = np.arange(len(sound)) / SAMPLE_RATE
figure, panels = plots.new_figure(1, 3, height_in=3.3, title="A 440 Hz tone, wound up")
for axes, f in zip(panels, (300, 437, 440), strict=True):
    wound = (sound * np.exp(-2j * np.pi * f * t))[:800]  # 0.1초
    axes.plot(wound.real, wound.imag, color=BLUE, linewidth=0.8)
    axes.scatter(wound.mean().real, wound.mean().imag, color=ORANGE, s=60, zorder=4)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    finish(axes, x="Real", y="Imaginary" if f == 300 else None, title=f"{f} Hz: {abs(wound.mean()):.2f}")
show(
    figure,
    "감긴 모양 세 가지. 300 Hz에서는 실이 꽃처럼 고르게 감기고 주황색 무게중심이 가운데에 있어요. 437 Hz에서는 고리가 한쪽으로 기울어요. 440 Hz에서는 모든 고리가 한쪽의 원 하나에 겹치고 무게중심이 멀리 나가 있어요.",
)

# %% [markdown]
# ## 수수께끼 풀기
#
# 200 Hz부터 550 Hz까지 모든 주파수에 대해, 무게중심이 얼마나 멀리 나가는지 물어봐요.

# %%
asked_hz = np.arange(200, 551)
distance = np.array([abs(np.mean(chord * np.exp(-2j * np.pi * f * t))) for f in asked_hz])

figure, (axes,) = plots.new_figure(title="How far the centre of mass moves out")
axes.plot(asked_hz, distance, color=BLUE, linewidth=1.4)
finish(axes, x="Frequency of the arrow (Hz)", y="Distance")
show(figure, "거리는 세 주파수에서만 좁고 높은 봉우리가 되고, 나머지에서는 0에 가까워요.")

found_hz = sorted(int(f) for f in asked_hz[np.argsort(distance)[-3:]])
say(
    f"찾은 세 음: **{', '.join(f'{NAMES.get(f, f)} ({f} Hz)' for f in found_hz)}**. 비밀의 답: {sorted(secret_hz.tolist())}."
)
for f in found_hz:
    listen(tone(f), SAMPLE_RATE, f"{f} Hz만 따로")

# %% [markdown]
# ## 정의
#
# 표본이 $N$개면 주파수도 $N$개만 물으면 충분해요. 소리 전체 동안 $k = 0, 1, \dots, N-1$번 도는 화살표들이죠. 이것이
# **이산 푸리에 변환**(discrete Fourier transform, DFT)이에요. 앞에서는 평균을 냈지만 여기서는 그냥 더해요.
#
# $$X[k] = \sum_{n=0}^{N-1} x[n]\, e^{-2\pi i\,k n / N}$$
#
# $X[k]$는 주파수 $k\,f_s/N$에 해당해요. 이렇게 나뉜 칸을 빈(bin)이라고 하고, 이웃한 두 빈은 $f_s/N$만큼 떨어져
# 있어요. 식은 코드 한 줄이면 되고, 라이브러리가 계산하는 것도 똑같아요.


# %%
def my_dft(x):
    n = np.arange(len(x))
    return np.array([np.sum(x * np.exp(-2j * np.pi * k * n / len(x))) for k in n])


part = chord[:800]  # 0.1초라서 빈 사이가 10 Hz
mine, by_library, fast = my_dft(part), signals.dft(part), signals.fft(part)
say(
    f"직접 쓴 것과 `signals.dft`의 가장 큰 차이는 {np.abs(mine - by_library).max():.0e}, `signals.fft`와는 {np.abs(mine - fast).max():.0e}이고, 가장 큰 값은 {np.abs(mine).max():.0f}이에요."
)
say(f"빈 사이의 간격은 {signals.bin_frequencies(800, sample_rate=SAMPLE_RATE)[1]:g} Hz예요.")

# %% [markdown]
# ## 왜 모든 것이 두 번 나올까요?
#
# 음 하나를 변환했는데 봉우리가 **둘** 나와요. 도는 화살표에는 그림자가 둘 있지만 소리는 실수 한 줄, 곧 화살표 없이
# 남은 그림자 하나예요. 그런 그림자를 만들려면 화살표 둘이 서로 반대로 돌아야 해요. 허수부는 늘 서로 지워지고
# 실수부만 두 배로 남아요. $2\cos\theta = e^{i\theta} + e^{-i\theta}$. 거꾸로 도는 쪽이 *음의 주파수*(negative
# frequency)이고 $N-k$번 칸에 들어가요. 실제 소리에서는 거울에 비친 값, $X[N-k] = \overline{X[k]}$이라서 절반만 알면
# 충분해요. 그 개수가 $N/2+1$이에요.

# %%
short = signals.tone(5, duration_s=1.0, sample_rate=32, amplitude=0.8)  # 표본 32개 안에 5주기
spectrum = signals.fft(short)
figure, (axes,) = plots.new_figure(title="5 cycles in 32 samples")
axes.vlines(range(32), 0, np.abs(spectrum), color=BLUE, linewidth=1.4)
axes.scatter(range(32), np.abs(spectrum), color=[ORANGE if k > 16 else BLUE for k in range(32)], zorder=4)
finish(axes, x="k (orange: negative frequencies)", y="Magnitude")
show(figure, "5번과 27번 빈만 똑같은 높이로 서 있고 나머지는 모두 0이에요.")
say(
    f"X[5] = {spectrum[5]:.1f}, X[27] = {spectrum[27]:.1f}: 길이는 같고 방향은 거울에 비친 모양이에요. 각각의 길이는 0.8 · 32 / 2 = {0.8 * 32 / 2:g}예요."
)

# %% [markdown]
# ## 크기와 위상
#
# 화살표 $X[k]$에는 길이와 방향이 있어요. 길이, 곧 **크기**(magnitude) $|X[k]|$는 그 주파수가 얼마나 들어 있는지를
# 말해 줘요. 방향, 곧 **위상**(phase) $\arg X[k]$는 한 주기의 어디에서 시작했는지를 말해 줘요.

# %%
figure = plots.magnitude_and_phase(part, SAMPLE_RATE, title="A tenth of a second of the chord", floor=0.1)
show(
    figure,
    "위: 0에서 4 kHz까지의 크기. 200과 500 Hz 사이의 빈 몇 개만 높고 나머지는 0에 가까워요. 아래: 그 빈들의 위상이 −π와 π 사이의 점으로 찍혀 있어요.",
)

# %% [markdown]
# 위상은 귀에 들릴까요? 화음의 각 음이 시작하는 위치를 아무렇게나 바꿔 보세요. 파형은 달라지지만 귀는 거의 느끼지
# 못해요. 그다음에는 단어 하나를 통째로 그렇게 해 보세요.


# %%
def with_random_phases(x):
    spectrum = np.fft.rfft(x)
    turned = np.exp(1j * rng.uniform(0, 2 * np.pi, len(spectrum)))
    return np.fft.irfft(np.abs(spectrum) * turned, len(x))


store = lesson_data(words=("yes", "no"), sample_rate=SAMPLE_RATE, most=40)
word = store.clip(0)
spoken = store.words[store.word[0]]
scrambled_word = with_random_phases(word)
listen(chord, SAMPLE_RATE, "화음")
listen(with_random_phases(chord), SAMPLE_RATE, "화음, 위상은 아무렇게나")
listen(word, SAMPLE_RATE, f'단어 "{spoken}"')
listen(scrambled_word, SAMPLE_RATE, f'단어 "{spoken}", 위상은 아무렇게나')

figure, (upper, lower) = plots.new_figure(2, height_in=4.4, share_x=True, title="The same magnitudes, other phases")
plots.draw_waveform(upper, word, SAMPLE_RATE)
plots.draw_waveform(lower, scrambled_word, SAMPLE_RATE, colour=ORANGE)
show(
    figure,
    "위: 조용하다가 가운데에서 커지고 다시 조용해지는 단어의 파형. 아래: 크기는 같고 위상만 뒤섞은 소리. 1초 내내 고르게 쉬익거려요.",
)

# %% [markdown]
# 단어가 사라졌어요! 주파수는 하나도 빠짐없이 아까와 같은 세기로 들어 있어요. 하지만 각 주파수가 *언제* 울리는지는
# 수천 개 화살표의 위상에 적혀 있었던 거예요. 이 점을 기억해 두세요. 다음 수업이 필요한 까닭이에요.

# %% [markdown]
# ## 거꾸로: 소리는 도는 화살표들의 합
#
# 변환에서는 아무것도 잃지 않아요. 모든 화살표를 머리와 꼬리를 이어 돌리면 마지막 화살촉이 소리를 그려요. 이것을
# 역변환(inverse transform)이라고 해요.
#
# $$x[n] = \frac{1}{N}\sum_{k=0}^{N-1} X[k]\, e^{+2\pi i\,k n / N}$$
#
# 그림은 사각파(square wave)를 그리는 모습이에요. 왼쪽은 한 순간의 화살표들, 오른쪽은 화살촉이 그려 온 선이에요.

# %%
turns = np.linspace(0, 2, 801)  # 두 주기
figure, panels = plots.new_figure(3, 2, height_in=7.0, title="1, 3 and 15 arrows draw a square wave")
for row, count in enumerate((1, 3, 15)):
    k = 2 * np.arange(count) + 1  # 사각파에는 홀수 배만 있고, k배의 세기는 1 / k
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
    "그림 세 줄. 왼쪽은 화살표 1개, 3개, 15개를 이어 놓은 사슬, 오른쪽은 마지막 화살촉이 그린 곡선. 1개면 사인, 3개면 물결치는 사각, 15개면 거의 사각형이에요.",
)

back = signals.ifft(signals.fft(word)).real
say(f"단어를 변환했다가 되돌렸을 때 가장 큰 차이는 {np.abs(back - word).max():.0e}예요.")
for count in (1, 3, 15):
    square = signals.harmonics(
        110, [1 / k if k % 2 else 0.0 for k in range(1, 2 * count)], duration_s=0.8, sample_rate=SAMPLE_RATE
    )
    listen(square, SAMPLE_RATE, f"110 Hz, 화살표 {count}개")

# %% [markdown]
# ## 고속 푸리에 변환
#
# 정의대로 하면 표본 $N$개를 변환하는 데 $N^2$걸음이 들어요. 쿨리와 튜키(1965년, 가우스는 1805년에 이미 알고
# 있었어요)는 짝수 번째 표본과 홀수 번째 표본을 따로 변환해도 된다는 것을 보았어요. 결과의 앞 절반과 뒤 절반은 같은
# 수를 쓰고 부호만 달라요. 이렇게 자꾸 반으로 나누면 $N\log_2 N$걸음만 남아요. 이것이 고속 푸리에 변환(fast Fourier
# transform, FFT)이고, 다섯 줄이면 쓸 수 있어요.


# %%
def my_fft(x):
    if len(x) == 1:
        return x.astype(complex)
    even, odd = my_fft(x[::2]), my_fft(x[1::2])
    turned = np.exp(-2j * np.pi * np.arange(len(odd)) / len(x)) * odd
    return np.concatenate([even + turned, even - turned])


say(f"다섯 줄과 `signals.fft`의 가장 큰 차이는 {np.abs(my_fft(word[:1024]) - signals.fft(word[:1024])).max():.0e}예요.")


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
    "표본 수에 따른 시간, 두 축 모두 로그 눈금. 정의대로 한 쪽은 가파르게 오르고, 고속 변환은 훨씬 아래에서 거의 수평이에요.",
)
say(
    f"표본 {sizes[-1]}개를 여기서 변환하는 데 정의대로는 {1_000 * slow_s[-1]:.0f} ms, FFT로는 {1_000 * fast_s[-1]:.3f} ms 걸렸어요. 걸음 수로 세면 {sizes[-1]}²은 {sizes[-1]} · {int(np.log2(sizes[-1]))}의 {sizes[-1] / np.log2(sizes[-1]):.0f}배예요."
)

# %% [markdown]
# ## 바꾸고 예측하기
#
# 0.1초 길이면 빈 사이가 10 Hz예요. 440 Hz 음은 정확히 44주기라서 딱 들어맞아요. **칸을 실행하기 전에** 생각해
# 보세요. 44주기 반인 445 Hz의 스펙트럼(spectrum)은 어떤 모양일까요? 막대 하나? 둘? 여럿? 예측을 적고 실행한 다음,
# 441과 450도 넣어 보세요.

# %%
my_prediction = "..."  # 예: "높이가 같은 막대 둘"
frequency_hz = 445.0  # 바꿔 보세요

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
    "위: 440 Hz는 높이 1인 막대 하나예요. 아래: 들어맞지 않는 음은 양옆의 낮은 막대 둘과 멀리까지 퍼진 작은 막대들이 돼요.",
)
say(f'적어 둔 예측: "{my_prediction}"')

# %% [markdown]
# 이것을 **누설**(leakage)이라고 해요. 변환은 이 소리가 영원히 되풀이된다고 여겨요. 반 주기가 남으면 이음매에서 값이
# 뚝 뛰는데, 그렇게 뛰려면 모든 주파수가 필요해요. 이음매를 부드럽게 해 주는 것이 *창*(window)이에요. 다음 수업에서
# 만나요.

# %% [markdown]
# ## 단어에 대해서는 무엇을 알려 줄까요?
#
# 모음은 배음(overtone)이 있는 울림이라 봉우리가 울타리처럼 늘어서고, 자음은 잡음에 가까워요. 단어 전체의
# 스펙트럼에는 이 모두가 겹쳐 있어요. 단어를 거꾸로 틀어 보세요. 전혀 다른 소리인데, 크기는 **완전히** 똑같아요.

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
    "0에서 4 kHz까지 주파수에 따른 세기. 들쭉날쭉하고 1 kHz 아래에서 가장 높아요. 거꾸로 튼 단어의 곡선이 정확히 겹쳐 있어요.",
)
listen(word[::-1], SAMPLE_RATE, f'"{spoken}" 거꾸로')

# %% [markdown]
# 그러니까 변환은 *무엇이* 있는지는 알려 주지만 *언제* 있는지는 알려 주지 않아요. 언제인지 알려면 소리를 짧게 잘라
# 조각마다 물어보면 돼요. 그것이 **7과**예요.
#
# ## 연습 문제
#
# `...` 자리에 답을 적고 칸을 실행하세요.
#
# **1.** 8,000 Hz로 얻은 표본이 400개 있어요. 1,000 Hz 음은 몇 번 빈 $k$에 서 있을까요?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 1_000 * 400 // 8_000, tolerance=0,
    wrong={
        20: "20 Hz는 빈 사이의 간격이에요. 1,000 Hz까지 몇 칸인지 세어 보세요",
        1_000: "그건 주파수예요. 빈의 번호는 0.05초 길이인 표본 400개 안에서 몇 주기를 도는지를 세요",
        8: "한 주기가 표본 8개인 건 맞아요. 빈의 번호는 표본 400개 전체에 들어가는 주기의 수예요",
        350: "그건 음의 주파수, 거울에 비친 N − k예요. 음 자체는 아래쪽 절반에 있어요",
    },
    hint="8,000 Hz로 표본 400개면 0.05초예요. 1,000 Hz 음은 그동안 몇 번 진동할까요?",
)  # fmt: skip

# %% [markdown]
# **2.** 화살표가 $3 + 4i$예요. 크기는 얼마일까요?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: abs(3 + 4j),
    wrong={
        7: "두 변을 더했네요. 화살표는 직각삼각형의 빗변이에요",
        25: "그건 길이의 제곱이에요. 제곱근을 구하세요",
        1: "두 변을 뺐네요. 피타고라스를 떠올려 보세요",
        3.5: "그건 둘의 평균이에요. 피타고라스를 떠올려 보세요",
    },
    hint="실수부는 바닥을 따라가는 변, 허수부는 벽을 따라가는 변이에요. 피타고라스의 정리를 써 보세요.",
)  # fmt: skip

# %% [markdown]
# **3.** 음 $0.5\,\sin(2\pi f t)$가 표본 800개 안에서 정확히 40주기를 돌아요. $|X[40]|$은 얼마일까요?

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 0.5 * 800 / 2,
    wrong={
        400: "절반이에요. 나머지 절반은 음의 주파수인 760번 빈에 있어요",
        0.5: "DFT는 모든 표본을 더하고, 표본 수로 나누지 않아요",
        0.25: "그건 평균이에요. DFT는 더하니까 표본 수 800을 곱하세요",
        20: "40은 화살표가 어느 칸에 있는지를 말할 뿐, 길이와는 상관이 없어요",
    },
    hint="'왜 모든 것이 두 번 나올까요?'를 다시 보세요. 진폭, 표본 수, 그리고 절반이에요.",
)  # fmt: skip

# %% [markdown]
# ## 참고 자료
#
# * J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series", *Mathematics of
#   Computation* 19 (1965), doi:10.1090/S0025-5718-1965-0178586-1
# * M. T. Heideman, D. H. Johnson, C. S. Burrus, "Gauss and the history of the fast Fourier transform", *IEEE ASSP
#   Magazine* 1 (1984), doi:10.1109/MASSP.1984.1162257
# * J. O. Smith, *Mathematics of the Discrete Fourier Transform (DFT)*, 2nd edition, W3K Publishing, 2007 (온라인에서도
#   읽을 수 있어요)
# * A. V. Oppenheim, R. W. Schafer, *Discrete-Time Signal Processing*, 3rd edition, Pearson, 2010, 8장
# * L. Euler, *Introductio in analysin infinitorum*, 1748, 8장
# * G. Sanderson (3Blue1Brown), "But what is the Fourier Transform? A visual introduction", 동영상, 2018. 감긴 소리가
#   움직이는 모습을 볼 수 있어요
