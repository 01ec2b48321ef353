# %% [markdown]
# # 10. 실시간으로
#
# **인식기가 클립은 거의 다 맞혀요. 그런데 하루 종일 켜 두면 어떨까요? 아무도 부르지 않았는데 움직이는 일이 몇 번이나
# 있을까요? 그리고 얼마나 조심스럽게 할지는 어떻게 정할까요?**
#
# 마지막 수업에서는 끝이 없는 소리를 다뤄요. 윈도와 판정, 두 가지 실수, 그리고 그 실수를 정직한 숫자로 말하는 방법을
# 배워요. 끝에서는 직접 말을 걸어 볼 수 있어요.
#
# *읽는 데 30분쯤, 실행하는 데 1~2분 걸려요. 9과에 이어지는 내용이에요. 마이크는 있으면 좋고 없어도 돼요. GPU도 필요 없어요.*

# %%
from itertools import takewhile

import numpy as np

import hanmadi
from hanmadi import audio, plots
from hanmadi.augment.connected_speech import running_speech
from hanmadi.data.recordings import from_samples
from hanmadi.evaluation import calibration
from hanmadi.evaluation.live import (
    count_false_alarms,
    detections_in,
    evaluate_words,
    hear,
    keyword_rows,
    own_noise,
    score_mixed,
    sweep,
)
from hanmadi.evaluation.metrics import poisson_interval
from hanmadi.evaluation.mixing import mix_into
from hanmadi.inference import stream
from hanmadi.inference.decisions import DecisionConfig, decide
from hanmadi.inference.microphone import Microphone
from hanmadi.labels import COURSE_KEYWORDS
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

rng = np.random.default_rng(10)
recognizer = hanmadi.load("small")  # hanmadi에 들어 있는, 실제 녹음으로 학습한 모델. 직접 학습한 폴더를 적어도 돼요
RATE, LABELS = recognizer.sample_rate, recognizer.labels
HOP_S = 0.1  # 한 윈도에서 다음 윈도까지

store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=RATE, most=1_600)
split, rows = keyword_rows(recognizer, store, at_most=24 if quick() else 160)
say(f"이 인식기가 아는 라벨: {', '.join(LABELS)}. 한 번에 {recognizer.clip_samples / RATE:g}초를 들어요.")

# %% [markdown]
# ## 시험 점수만으로는 부족한 까닭
#
# 시험용 클립은 한가운데에 단어가 있어요. 하지만 실시간에는 클립이 없어요. 신경망은 방금 지나간 1초를 1초에 열 번씩 보고
# 또 봐요. 이렇게 한 번에 보는 1초를 윈도(window)라고 불러요. 그 대부분은 단어가 *아니에요*.

# %%
windows_an_hour = 3_600 / HOP_S
say(
    "\n".join(
        [
            "| 잘못 답한 윈도의 비율 | 한 시간에 잘못 답하는 윈도 |",
            "|---:|---:|",
            *(f"| {share:.1%} | {windows_an_hour * share:,.0f} |" for share in (0.05, 0.01, 0.001)),
        ]
    )
)

# %% [markdown]
# 그래서 두 가지가 필요해요. 자신 없는 답 여럿을 판정 하나로 바꾸는 규칙, 그리고 클립이 아니라 *시간*으로 재는 방법이에요.
#
# ## 한 장면
#
# 30초 가까운 잡음 속, 우리가 아는 자리에 단어 여섯 개가 있어요.

# %%
noise = np.concatenate(list(own_noise(store, split).recordings()))
chosen = rows[:: len(rows) // 6][:6]  # 단어 순서대로 놓여 있으니, 서로 다른 단어 여섯 개
names = [store.words[word] for word in store.word[chosen]]
scene, said = mix_into(
    audio.from_int16(store.samples(chosen)), names, np.resize(noise, 28 * RATE), sample_rate=RATE, snr_db=15.0, rng=rng
)
listen(scene, RATE, "단어 여섯 개가 들어 있는 28초짜리 장면")

figure, (axes,) = plots.new_figure(height_in=2.8, title="Six words in noise")
plots.draw_waveform(axes, scene, RATE)
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=ORANGE, alpha=0.25, linewidth=0)
    axes.annotate(word.label, (word.start_s, 0.9), xycoords=("data", "axes fraction"), color=ORANGE, size=9)
show(
    figure,
    "약 30초 잡음의 파형. 주황색으로 칠한 짧은 구간 여섯 곳에 거기서 말한 단어가 적혀 있어요.",
)

# %% [markdown]
# ## 블록이 들어오고 윈도가 나가요
#
# 사운드 카드는 표본을 제 마음대로 자른 블록(block)으로 넘겨줘요. **스트림**(stream)은 가장 새로운 1초를 링
# 버퍼(ring buffer)에 담아 두고, 0.1초가 새로 찰 때마다 신경망에 물어요. 소리를 어떻게 잘랐는지가 결과를 바꾸면 안 돼요.
# 정말 그럴까요?


# %%
def in_blocks(size):
    listening = stream.Stream(recognizer, hop_s=HOP_S)
    return np.array(
        [
            window.scores
            for start in range(0, len(scene), size)
            for window in listening.push(scene[start : start + size])
        ]
    )


times, scores = stream.windows_of(recognizer, scene, hop_s=HOP_S)
for size in (160, 1_024, 5_000):
    say(
        f"블록 크기 {size}: 윈도 {len(in_blocks(size))}개, 마지막 비트까지 같은가? {bool(np.array_equal(in_blocks(size), scores))}"
    )

keywords = [LABELS.index(word) for word in dict.fromkeys(names)]
figure, (axes,) = plots.new_figure(height_in=3.4, title="What the network says, ten times a second")
for place, column in enumerate(keywords):
    axes.plot(
        times,
        scores[:, column],
        linewidth=1.4,
        color=(BLUE, ORANGE, GREY)[place % 3],
        linestyle=("-", "--")[place // 3 % 2],
        label=LABELS[column],
    )
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=GREY, alpha=0.15, linewidth=0)
plots.add_legend(axes)
finish(axes, x="Time (s)", y="Score")
show(
    figure,
    "장면에서 말한 단어들의 점수. 회색으로 표시한 자리에서 단어를 말하면 그 점수가 0.5초쯤 1 가까이 올라가요. 대개 말이 끝난 직후예요. 단어 사이에서는 가끔 튀는 것 말고는 낮아요.",
)

# %% [markdown]
# 단어 하나에 윈도 여러 개가 켜져요. 그리고 잡음 때문에 가끔 점수가 튀어요.
#
# ## 점수에서 판정으로
#
# 0.5를 넘는 윈도를 모두 명령으로 여긴다면 "on" 한 번에 전등이 다섯 번 켜졌다 꺼졌다 할 거예요. 간단한 규칙 셋이면 단어
# **하나**에 검출(detection)이 **하나**가 되고, 네 번째 규칙은 의심을 다뤄요.
#
# 1. **평활**(smoothing): 윈도 하나가 아니라 지난 0.4초의 평균이 높아야 해요.
# 2. **문턱값**(threshold): 그 평균이 우리가 정한 값을 넘어야 해요.
# 3. **휴지 시간**(refractory time): 한 번 검출하면 1초 동안 아무것도 검출하지 않아요. 그리고 같은 단어는 점수가 문턱값
#    아래로 내려갔다가 와야 다시 세요.
# 4. **의심**(doubt): "unknown" 점수를 몇 배로 쳐요. 이어지는 말소리에서는 명령처럼 들려도 대부분 명령이 아니니까요.

# %%
config = DecisionConfig(smoothing_s=0.4, threshold=0.6, refractory_s=1.0)
words = [label for label in LABELS if label not in ("unknown", "silence")]
columns = [LABELS.index(word) for word in words]
single = int((scores[:, columns] > 0.5).any(axis=1).sum())
found = decide(times, scores, LABELS, config, hop_s=HOP_S)
say(f"키워드 점수가 0.5를 넘은 윈도: **{single}**개. 검출: **{len(found)}**번. 실제로 말한 단어: **{len(said)}**개.")

n = round(config.smoothing_s / HOP_S)
doubt = 1 + (config.unknown_weight - 1) * scores[:, [LABELS.index("unknown")]]
padded = np.concatenate([np.zeros((n - 1, len(LABELS))), scores / doubt])
smooth = np.mean([padded[i : i + len(scores)] for i in range(n)], axis=0)  # 마지막 n개 윈도의 평균
for detection in found:
    by_hand = smooth[np.argmin(np.abs(times - detection.time_s)), LABELS.index(detection.label)]
    say(f"{detection.time_s:5.1f}초: {detection.label}, {detection.score:.2f} (손으로 계산하면 {by_hand:.2f})")

figure, (axes,) = plots.new_figure(height_in=3.4, title="Best keyword: single windows and their mean")
axes.plot(times, scores[:, columns].max(axis=1), color=GREY, linewidth=0.9, label="single windows")
axes.plot(times, smooth[:, columns].max(axis=1), color=BLUE, linewidth=1.8, label="mean of 0.4 s")
axes.axhline(config.threshold, color=ORANGE, linewidth=1, linestyle="--", label="threshold")
axes.scatter([d.time_s for d in found], [d.score for d in found], color=ORANGE, zorder=4, label="detection")
for word in said:
    axes.axvspan(word.start_s, word.end_s, color=GREY, alpha=0.15, linewidth=0)
plots.add_legend(axes)
finish(axes, x="Time (s)", y="Score")
show(
    figure,
    "들쭉날쭉한 회색 선은 낱낱의 윈도, 그것을 따라가는 매끄러운 파란 선은 평균, 점선은 문턱값. 파란 선이 문턱값을 처음 넘는 곳에 주황색 점이 있어요.",
)

# %% [markdown]
# ## 두 가지 실수
#
# * **미검출**(miss): 말했는데 아무 일도 없었어요. 단어 수로 세요.
# * **오경보**(false alarm): 아무도 부르지 않았는데 움직였어요. 나눌 클립이 없으니 *시간*으로 세요.
#
# 미검출은 앞에서처럼 잡음에 단어를 심어서 재요. 오경보는 키워드가 하나도 없는 말소리를 들려주고 재요. 다른 단어들을 쉬지
# 않고 이어 붙인 소리예요. 말소리는 명령과 같은 소리로 이루어져 있어서 가장 어려운 시험이에요. (기본 데이터의 목소리는 모두
# 합성한 것이고 이 인식기는 사람 목소리로 배웠어요. 그래서 `--data`로 실제 녹음을 쓸 때보다 더 많이 놓쳐요.)

# %%
is_keyword = np.isin(store.word, [store.words.index(word) for word in words if word in store.words])
others = np.flatnonzero(~is_keyword)
others = others if len(others) else np.arange(len(store))
clips = audio.from_int16(store.samples(rng.permutation(others)[:400]))
minutes = 1 if quick() else 10
talk = [running_speech(part, seconds=60 * minutes, sample_rate=RATE, rng=rng) for part in np.array_split(clips, 2)]
listen(talk[0][: 10 * RATE], RATE, "키워드가 없는 말소리 10초")

first, second = (
    hear(recognizer, from_samples(name, [part]), hop_s=HOP_S)
    for name, part in zip(("first", "second"), talk, strict=True)
)
mixed, planted_elsewhere = (
    list(score_mixed(recognizer, store, part, [own_noise(store, split)], snr_db=(10.0,), hop_s=HOP_S))
    for part in (rows[::2], rows[1::2])
)


def report(config, talk, mixed):
    """이 판정 설정에서의 미검출과 오경보."""
    alarms = count_false_alarms([talk], LABELS, config, hop_s=HOP_S)
    (heard,) = evaluate_words(mixed, LABELS, config, hop_s=HOP_S)
    return (
        f"단어 {heard.words}개 가운데 {heard.misses}개를 놓쳤고 (95 % 구간 {heard.interval.low:.0%}~{heard.interval.high:.0%}), "
        f"{alarms.seconds / 60:.0f}분 동안 오경보가 {alarms.count}번: **한 시간에 {alarms.per_hour:.0f}번**꼴 "
        f"(95 % 구간 {alarms.interval.low:.0f}~{alarms.interval.high:.0f})"
    )


say(f"문턱값 {config.threshold:g}: {report(config, first, mixed)}.")
for detection in detections_in(first, LABELS, config, hop_s=HOP_S)[:2]:
    end = round(detection.time_s * RATE)
    listen(talk[0][max(0, end - 2 * RATE) : end], RATE, f'오경보: "{detection.label}"(으)로 잘못 들은 소리')

# %% [markdown]
# ## 그 비율을 얼마나 믿을 수 있을까요?
#
# 오경보는 마당에 떨어지는 빗방울처럼 우연히 와요. 진짜 비율이 한 시간에 $\lambda$번이라면, $T$시간 동안 $k$번 셀 확률은
# 푸아송 분포(Poisson distribution)를 따라요.
#
# $$P(k) = \frac{(\lambda T)^k}{k!}\,e^{-\lambda T}$$
#
# 이것을 거꾸로 쓰면, 센 횟수에서 있을 수 있는 비율의 *구간*을 얻어요. 오경보가 한 번도 없었다고 해도 증명되는 것은 적어요.
# $k=0$이어도 한 시간에 약 $3/T$번까지는 여전히 가능하거든요(95 %, 한쪽). 이것을 **3의 법칙**(rule of three)이라고 해요.

# %%
hours = np.geomspace(0.05, 24, 60)
figure, (axes,) = plots.new_figure(height_in=3.6, title="What a count of false alarms can show")
for count, colour in ((0, BLUE), (10, ORANGE)):
    ends = np.array([poisson_interval(count, exposure=t, confidence=0.9) for t in hours])
    axes.fill_between(hours, np.maximum(ends[:, 0], 0.01), ends[:, 1], color=colour, alpha=0.2, linewidth=0)
    axes.plot(hours, ends[:, 1], color=colour, label=f"{count} false alarms")
axes.plot(hours, 3 / hours, color=GREY, linestyle="--", linewidth=1.2, label="3 / T")
axes.set(xscale="log", yscale="log", ylim=(0.05, 500))
plots.add_legend(axes)
finish(axes, x="Hours listened", y="False alarms an hour")
show(
    figure,
    "들은 시간에 따라 가능한 비율, 두 축 모두 로그 눈금. 오경보가 없으면 3 / T 선 아래가 모두 가능하고, 열 번이면 10을 시간으로 나눈 값 둘레의 띠가 가능해요.",
)
say(
    f"우리는 {first.seconds / 60:.0f}분을 들었어요. 오경보가 한 번도 없었다 해도 한 시간에 {poisson_interval(0, exposure=first.seconds / 3_600, confidence=0.9).high:.0f}번보다 적다는 것까지만 알 수 있어요."
)

# %% [markdown]
# ## 모든 문턱값을 한눈에
#
# 문턱값이 낮으면 거의 놓치지 않는 대신 자꾸 헛것을 듣고, 높으면 그 반대예요. **DET 곡선**(detection error trade-off; 마틴
# 외, 1997년)은 문턱값마다 점을 하나씩 찍어 보여 줘요. 그 위에서 어디에 설지 고르면 돼요. 오경보가 0에 가까운 쪽에서는
# 구간이 넓어져요. 말할 수 있을 만큼 오래 듣지 않았기 때문이에요.

# %%
curve = list(
    sweep(
        mixed,
        [first],
        LABELS,
        config,
        hop_s=HOP_S,
        thresholds=[round(0.04 * i, 2) for i in range(5, 25)] + [0.98, 0.99],
    )
)
alarms_here = count_false_alarms([first], LABELS, config, hop_s=HOP_S).count
(heard_here,) = evaluate_words(mixed, LABELS, config, hop_s=HOP_S)
figure = plots.draw_det(
    false_alarms=[p.false_alarms for p in curve], miss_rate=[p.miss_rate for p in curve],
    low=[p.low for p in curve], high=[p.high for p in curve], hours=first.seconds / 3_600,
    chosen=(alarms_here, heard_here.miss_rate),
)  # fmt: skip
show(
    figure,
    "로그 눈금의 시간당 오경보에 따른 미검출. 한쪽을 줄이면 다른 쪽이 늘어요. 점 하나가 문턱값 하나이고, 칠한 띠는 구간, 주황색 마름모는 우리가 쓴 문턱값이에요.",
)

# %% [markdown]
# ## 바꾸고 예측하기
#
# 문턱값으로 0.6을 썼어요. **칸을 실행하기 전에** 생각해 보세요. 0.9로 올리면 미검출은 두 배가 될까요? 오경보는 절반이
# 될까요, 더 줄어들까요? 숫자 두 개를 적으세요. 그다음에는 0.3도 해 보세요.

# %%
my_prediction = "..."  # 예: "30 %를 놓치고 오경보는 한 시간에 20번"
threshold = 0.9  # 바꿔 보세요

say(f"문턱값 {threshold:g}: {report(DecisionConfig(threshold=threshold), first, mixed)}.")
say(f'적어 둔 예측: "{my_prediction}"')

# %% [markdown]
# ## 데이터로 고르고, 다른 데서 확인하기
#
# **보정**(calibration)은 오경보를 정해진 만큼만 허락하면서 되도록 적게 놓치도록 단어마다 문턱값을 찾아요. 그런데 말소리의
# 앞쪽 절반과 단어의 절반만 보고 고른 값이라서 나머지 절반에서는 대개 더 못해요. 맞춤옷이 다른 사람에게는 덜 맞는
# 것처럼요. 남에게 말할 숫자는 그 두 번째 숫자예요.

# %%
allowed = 20.0  # 한 시간의 오경보: 시험이 어려우니 넉넉하게
calibrated = calibration.choose([first], mixed, LABELS, config, max_fa_per_hour=allowed, hop_s=HOP_S)
say(
    "문턱값: "
    + ", ".join(f"{choice.word} {choice.threshold:.2f}" for choice in calibrated.words)
    + ". (1.00은 검출하지 않는다는 뜻이에요.)"
)
say(f"고를 때 쓴 말소리: {report(calibrated.config, first, mixed)}.")
say(f"다른 말소리: {report(calibrated.config, second, planted_elsewhere)}.")
(heard,) = evaluate_words(planted_elsewhere, LABELS, calibrated.config, hop_s=HOP_S)
middle_s = heard.latency_s(0.5)
say(
    "알아들은 단어가 하나도 없어요."
    if middle_s is None
    else f"알아들은 단어의 절반은 말이 끝나고 {middle_s:.2f}초 안에 알았어요."
)

# %% [markdown]
# 직접 만든 모델이라면 명령 하나로 할 수 있어요. `hanmadi calibrate --background RECORDINGS`. 문턱값은 모델 파일 안에
# 적히고, 마이크와 파일과 평가가 모두 그 값을 따라요.
#
# ## 나의 목소리로
#
# `use_microphone = True`로 바꾸고 20초 동안 말해 보세요. yes, no, up, down, left, right, on, off, stop, go. 마이크가 없으면
# 녹음 파일의 이름을 `recording`에 적으세요. 둘 다 없으면 앞의 장면을 들려줘요. 아무것도 저장하지 않아요.

# %%
use_microphone = False  # True로 하려면 hanmadi[mic]이 필요해요
recording = None  # 예: "my_words.wav"


def words_in(blocks, sample_rate):
    for detection in stream.listen(recognizer, blocks, sample_rate=sample_rate, config=calibrated.config, hop_s=HOP_S):
        say(f"{detection.time_s:5.1f}초: **{detection.label}** ({detection.score:.0%})")


if use_microphone:
    with Microphone() as microphone:
        ends = iter(range(20 * 20))  # 50 ms 블록으로 20초
        words_in(takewhile(lambda _: next(ends, None) is not None, microphone), microphone.sample_rate)
elif recording:
    rate, blocks = audio.blocks(recording)
    words_in(blocks, rate)
else:
    words_in([scene], RATE)
    say("실제로 말한 것: " + ", ".join(f"{word.label} ({word.end_s:.1f}초)" for word in said) + ".")

# %% [markdown]
# 시험에서만큼 잘하던가요? 여러분의 방과 마이크와 목소리는 어떤 학습에도 없었어요. 틀리는 것을 녹음해서 다시 학습하세요.
# `hanmadi train --data my_words/`. 이 기술은 이것이 전부예요.
#
# ## 연습 문제
#
# **1.** 인식기가 라디오를 20분 듣는 동안, 아무도 말하지 않은 단어를 3번 검출했어요. 오경보는 한 시간에 몇 번인 셈일까요?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 3 / 20 * 60,
    wrong={
        3: "3은 20분 동안의 횟수예요. 한 시간은 더 길어요",
        0.15: "그건 1분 동안의 횟수예요",
        1: "3으로 나누었네요. 한 시간은 20분의 세 배니까 곱해야 해요",
        60: "3분이 아니라 20분 동안 3번이에요",
    },
    hint="한 시간은 20분의 몇 배일까요?",
)  # fmt: skip

# %% [markdown]
# **2.** 오경보가 한 시간에 0.5번보다 적다는 것을 95 %로 보이고 싶어요. 한 번도 틀리지 않고 몇 시간을 들어야 할까요 (3의
# 법칙)?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 3 / 0.5, unit="h",
    wrong={
        2: "그건 그 비율로 오경보 한 번을 기대하는 시간이에요. 2시간 동안 한 번도 없는 일은 운만 좋아도 세 번에 한 번쯤 일어나요",
        1.5: "3에 0.5를 곱했네요. 비율 = 3 / T니까 T = 3 / 비율이에요",
        0.5: "그건 시간이 아니라 비율이에요",
        0.1667: "분수를 뒤집었네요. T = 3 / 비율이에요",
    },
    hint="T시간 동안 오경보가 없어도 3 / T까지는 가능해요. 3 / T = 0.5가 되는 때를 구하세요.",
)  # fmt: skip

# %% [markdown]
# **3.** 문턱값을 올렸어요. 두 실수 가운데 어느 쪽이 줄어들까요? `"misses"`(미검출)나 `"false alarms"`(오경보)로 답하세요.

# %%
answer_3 = ...
check(
    "3", answer_3, "false alarms",
    wrong={"misses": "문턱값이 높으면 진짜 단어도 넘기 어려워서 더 많이 놓쳐요"},
    hint="평균 점수가 문턱값을 넘어야 검출이에요. 문턱값을 올리면 어떤 검출이든 줄어들어요.",
)  # fmt: skip

# %% [markdown]
# ## 참고 자료
#
# * A. Martin, G. Doddington, T. Kamm, M. Ordowski, M. Przybocki, "The DET curve in assessment of detection task performance",
#   *Eurospeech* 1997
# * F. Garwood, "Fiducial limits for the Poisson distribution", *Biometrika* 28 (1936), doi:10.1093/biomet/28.3-4.437
# * J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right? Interpreting zero numerators", *JAMA* 249
#   (1983), doi:10.1001/jama.1983.03330370053031: 3의 법칙
# * G. Chen, C. Parada, G. Heigold, "Small-footprint keyword spotting using deep neural networks", *ICASSP* 2014,
#   doi:10.1109/ICASSP.2014.6854370: 점수의 평활과 문턱값
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209
