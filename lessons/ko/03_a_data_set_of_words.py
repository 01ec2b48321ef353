# %% [markdown]
# # 3. 단어 데이터 모음
#
# **시험 클립을 거의 다 맞히는 인식기가 있어요. 그런데 처음 보는 사람이 말하면 자꾸 틀려요. 어떻게 둘 다 사실일 수 있을까요?**
#
# 25분쯤 걸려요. 1과와 2과를 먼저 보고 오세요. 데이터를 열어서 듣고, 단어에 번호를 매기고, 이 질문의 답이 되는 실수를 직접 저질러 볼
# 거예요.

# %%
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from hanmadi import audio, features, plots
from hanmadi.data.sources import open_source
from hanmadi.data.splits import split_clips, split_speakers
from hanmadi.data.store import SPLITS, build_store
from hanmadi.evaluation import metrics
from hanmadi.labels import LabelSet, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

SAMPLE_RATE = 8_000  # Hz, 1초짜리 클립이 숫자 8,000개예요(원래 강좌와 같아요)

# %% [markdown]
# ## 먼저 들어 보세요
#
# 데이터로 학습하기 전에 꼭 들어 보세요. 소리가 없거나, 잘렸거나, 다른 말을 하는 녹음 때문에 날린 시간이 셀 수 없이 많아요. 여기
# 아무렇게나 뽑은 클립이 하나 있어요. 숫자를 바꿔서 더 뽑아 보세요.

# %%
draw = 7  # 마음껏 바꿔 보세요

store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE)
row = int(np.random.default_rng(draw).integers(len(store)))
word, speaker = store.words[store.word[row]], store.speakers[store.speaker[row]]
listen(store.clip(row), SAMPLE_RATE, f"클립 {row}: {speaker}의 {word!r}")
show(
    plots.waveform_and_spectrogram(store.clip(row), SAMPLE_RATE),
    f"소리 1초. 위는 앞뒤가 조용한 단어 {word!r}의 파형, 아래는 4 kHz까지의 스펙트로그램이에요.",
)
say(
    f"클립 {len(store):,}개, 클립마다 표본 {store.clip_samples:,}개, 단어 {len(store.words)}개, 말한 사람 {len(store.speakers)}명이에요."
)

# %% [markdown]
# 여러분의 녹음을 지정하지 않았다면 이 목소리는 합성음이에요. 프로그램이 여러 목소리, 빠르기, 높이로 만든 거예요. 배울 점은 진짜
# 녹음과 같고, 내려받을 것도 없어요.
#
# 단어마다 클립이 몇 개씩 있을까요? 어떤 단어를 다른 단어보다 많이 본 인식기는 그쪽으로 기울어요.

# %%
counts = np.bincount(store.word, minlength=len(store.words))
figure, (axes,) = plots.new_figure(height_in=2.8)
axes.bar(store.words, counts, color=BLUE, width=0.6)
finish(axes, y="Clips", title="clips of each word")
show(
    figure,
    "네 단어의 막대: " + ", ".join(f"{w} {n}" for w, n in zip(store.words, counts, strict=True)) + "개예요.",
)

# %% [markdown]
# ## 데이터를 담는 두 가지 방법
#
# **폴더로 담기.** 단어마다 폴더 하나, 클립마다 소리 파일 하나예요. 파일 이름은 말한 사람으로 시작해요. 구글의 *Speech Commands*가 이런
# 모양이에요. 어떤 프로그램으로도 들여다볼 수 있고, 폴더를 하나 더하면 단어가 하나 늘어요.

# %%
desk = Path(tempfile.mkdtemp())
chosen = [int(r) for w in range(len(store.words)) for r in np.flatnonzero(store.word == w)[:20]]
takes = Counter()
for r in chosen:
    said, who = store.words[store.word[r]], store.speakers[store.speaker[r]]
    path = desk / "words" / said / f"{who}_nohash_{takes[said, who]}.wav"
    takes[said, who] += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, store.clip(r), sample_rate=SAMPLE_RATE)

for path in sorted((desk / "words").rglob("*.wav"))[:5]:
    say(f"`{path.relative_to(desk).as_posix()}`: {path.stat().st_size:,}바이트")

# %% [markdown]
# **npz로 담기.** 파일 하나에 배열 두 개가 들어 있어요. 원래 강좌의 방식이에요. `wav_vals`에는 한 줄에 클립 하나, `label_vals`에는 한 줄에 단어
# 하나가 있어요. 빨리 열리지만 누가 말했는지는 적혀 있지 않아요. 이 점을 기억해 두세요.

# %%
np.savez(
    desk / "words.npz",
    wav_vals=np.stack([store.clip(r) for r in chosen]),
    label_vals=np.array([[store.words[store.word[r]]] for r in chosen]),
)
with np.load(
    desk / "words.npz", allow_pickle=False
) as file:  # 남이 준 파일의 피클(pickle)은 열지 마세요, 프로그램이 실행될 수 있어요
    say(f"`wav_vals` {file['wav_vals'].shape} {file['wav_vals'].dtype}, `label_vals` {file['label_vals'].shape}")
    say(f"첫 라벨은 {str(file['label_vals'][0, 0])!r}예요.")

for name in ("words", "words.npz"):
    opened = build_store(open_source(desk / name), desk / f"store-{name}", sample_rate=SAMPLE_RATE)
    say(f"라이브러리로 `{name}` 열기: 클립 {len(opened)}개, 단어 {len(opened.words)}개, 사람 {len(opened.speakers)}명")
shutil.rmtree(desk, ignore_errors=True)  # 뒷정리

# %% [markdown]
# 원래 강좌는 모든 클립을 32비트 숫자로, 그것도 몇 벌씩 메모리에 올리다가 멈춰 버렸어요. 이 라이브러리는 클립을 16비트 숫자로 파일에 두고
# 필요한 것만 조금씩 읽어요. 이 방법을 *메모리 매핑(memory mapping)* 이라고 해요.
#
# ## 라벨은 숫자예요
#
# 신경망은 숫자로 대답해요. 그래서 단어마다 번호를 붙이는데, 정해 둔 목록에서의 자리가 그 번호예요. 이 이름표를
# **라벨(label)** 이라고 해요.

# %%
labels = LabelSet(store.words)
for name in (*store.words, "banana"):
    say(f"`labels.index_of({name!r})`의 값: {labels.index_of(name)}")

course = make_labels()
say(f"원래 강좌의 열두 라벨: {', '.join(course.labels)}")
say(
    f"여기에서 `index_of('banana')`의 값은 {course.index_of('banana')}, 곧 **{course.labels[course.index_of('banana')]}**예요."
)

# %% [markdown]
# 목록의 순서도 모델의 일부예요. 학습이 끝난 뒤에 라벨 둘을 맞바꾸면 아무 오류 없이 답만 전부 틀려요. 실제로 쓸 인식기에는 라벨이 두
# 개 더 필요해요. 그 밖의 모든 단어를 뜻하는 *unknown*과 아무 말도 없는 *silence*예요.
#
# ## 원핫
#
# 세 번째 단어라면 신경망이 숫자 2를 내면 될까요? 그러면 1.5는 "*no*와 *up*의 중간"이 되는데, 그런 말은 없어요. 그래서 답에는 라벨마다
# 자리가 하나씩 있고, 맞는 자리는 1, 나머지는 0이에요. 이것을 **원핫(one-hot)** 이라고 해요.
#
# $$\text{word } k \;\mapsto\; (0, \ldots, 0, \underset{k}{1}, 0, \ldots, 0)$$

# %%
first_clips = store.word[:: len(store) // 8][:8]
one_hot = np.eye(len(labels), dtype=int)[first_clips]

figure, (axes,) = plots.new_figure(height_in=3.0)
axes.imshow(one_hot.T, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
for clip_number, label_number in enumerate(first_clips):
    axes.text(clip_number, label_number, "1", ha="center", va="center", color="white", weight="bold")
axes.set_yticks(range(len(labels)), labels.labels)
finish(axes, x="Clip", y="Label", title="one-hot: a 1 in each column")
axes.grid(visible=False)
show(
    figure,
    "라벨마다 한 줄, 클립 여덟 개마다 한 칸씩인 격자. 세로줄마다 1이 적힌 파란 칸이 꼭 하나 있어요.",
)
say(f"argmax로 되돌리면: {[labels.labels[i] for i in one_hot.argmax(axis=1)]}")

# %% [markdown]
# ## 세 무더기: 학습, 검증, 시험
#
# - **학습(training)** 클립은 신경망을 바꿔요.
# - **검증(validation)** 클립은 고르는 데 써요. 언제 멈출지, 어떤 신경망을 남길지를요.
# - **시험(test)** 클립은 마지막에 딱 한 번 봐요. 앞으로 이 인식기를 쓸 모든 사람을 대신하는 클립이에요.
#
# 시험 결과를 보고 고르면 시험은 또 하나의 검증이 되고, 그 숫자는 실제보다 좋아 보여요. 이 라이브러리는 클립이 아니라 *사람*을 나눠요. 사람
# 이름을 숫자로 바꿔서(해시, hash) 무더기를 정하기 때문에, 나중에 녹음이 늘어나도 같은 사람은 같은 무더기에 남아요.

# %%
split = split_clips(store, method="speaker", holdout=0.2)
by_speaker = split_speakers(store.speakers, 0.2)
per_speaker = np.bincount(store.speaker[store.speaker >= 0], minlength=len(store.speakers))

figure, (axes,) = plots.new_figure(height_in=3.0)
order = np.argsort(by_speaker, kind="stable")
for index, (name, colour) in enumerate(zip(SPLITS, (BLUE, GREY, ORANGE), strict=True)):
    places = np.flatnonzero(by_speaker[order] == index)
    axes.bar(places, per_speaker[order][places], color=colour, label=name)
finish(axes, x="Speaker", y="Clips")
plots.add_legend(axes)
show(
    figure,
    "사람마다 막대 하나, 높이는 클립의 수예요. 색이 셋인데 대부분은 학습, 나머지는 검증과 시험이에요. "
    "색이 둘인 막대는 없어요.",
)
for index, name in enumerate(SPLITS):
    say(f"{name}: {int((by_speaker == index).sum())}명의 클립 {int((split == index).sum()):,}개")

# %% [markdown]
# ## 세상에서 가장 단순한 인식기
#
# 왜 사람을 따질까요? **최근접 이웃(nearest neighbour)** 으로 알아볼게요. 학습 클립을 모두 간직해 두었다가 새 클립이 오면 가장 닮은 클립의 단어를
# 답으로 내요. 인식기는 이게 전부예요.

# %%
looks = np.stack(
    [
        # 가장 큰 0.5초를 로그 멜로(7과): 시간에 따라 주파수마다 얼마나 있는지
        features.log_mel(
            audio.fit_length(store.clip(r), SAMPLE_RATE // 2, sample_rate=SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
            n_mels=20,
            hop_ms=20,
        )
        for r in range(len(store))
    ]
).reshape(len(store), -1)
looks -= looks.mean(axis=1, keepdims=True)  # 크기는 상관없게
energy = (looks**2).sum(axis=1)
distance = energy[:, None] + energy - 2 * looks @ looks.T  # 모든 클립 쌍의 |a - b|^2


def nearest(train, test):
    """시험 클립마다 가장 닮은 학습 클립, 저장소의 줄 번호로."""
    return train[distance[np.ix_(test, train)].argmin(axis=1)]


# %% [markdown]
# ## 바꾸고 예측하기
#
# `"random"`이면 *클립*을 나눠서 시험에 나온 사람이 학습에도 있어요. `"speaker"`면 시험에 나온 사람은 모두 처음 보는 사람이에요. **각각 몇 퍼센트나
# 맞힐까요?** 둘 다 적은 다음 `"random"`과 `"speaker"`로 한 번씩 실행하세요.

# %%
my_prediction = "..."  # 예: "random 90 %, speaker 70 %"
method = "random"  # 바꿔 보세요: "random" 또는 "speaker"

with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    split = split_clips(store, method=method, holdout=0.2)
train, test = np.flatnonzero(split == 0), np.flatnonzero(split == 2)
right = int((store.word[nearest(train, test)] == store.word[test]).sum())
low, high = metrics.wilson_interval(right, len(test))
say(f'적어 둔 예측: "{my_prediction}"')
say(
    f"{method!r}로 나누면 시험 클립 {len(test)}개 가운데 {right / len(test):.1%}를 맞혀요(95 % 구간: {low:.1%}에서 {high:.1%})."
)
for warning in warned:
    say(
        f"라이브러리의 경고(같은 사람이 학습과 시험에 있을 수 있다는 뜻이에요): *{str(warning.message).split(': ', 1)[-1]}*"
    )

# %% [markdown]
# ## 한 번으로는 모자라요
#
# 한 번 나누는 것은 주사위를 한 번 던지는 것과 같아요. 사람이 달라지면 숫자도 달라져요. 그래서 주사위를 새로 던지며 되풀이할게요. 매번 *사람*
# 몇 명을 따로 빼 두고, 그 옆에서는 누가 말했는지 따지지 않고 *클립*을 같은 수만큼 빼요. 두 시험의 크기는 같고 목소리만 달라요.

# %%
rng = np.random.default_rng(0)
REPEATS = 20 if quick() else 40
FIFTH = max(1, len(store.speakers) // 5)  # 사람이 적어도 한 명은 빼요


def accuracy_of(held_out):
    """따로 빼 둔 클립 (n,)에 대한 최근접 이웃의 정확도, %."""
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    return 100 * metrics.accuracy(store.word[test], store.word[nearest(train, test)])


strangers, known = [], []
for _ in range(REPEATS):
    held_out = np.isin(store.speaker, rng.permutation(len(store.speakers))[:FIFTH])
    strangers.append(accuracy_of(held_out))
    known.append(accuracy_of(rng.permutation(held_out)))
leak = np.array(known) - np.array(strangers)
margin = 2.05 * leak.std(ddof=1) / np.sqrt(REPEATS)  # 평균의 95 % 구간의 절반

figure, (axes,) = plots.new_figure(height_in=2.8)
axes.axvline(0, color=GREY, linewidth=1)
axes.plot(leak, rng.uniform(-0.3, 0.3, REPEATS), "o", color=BLUE, alpha=0.6, label="one pair of tests")
axes.errorbar(leak.mean(), 0.55, xerr=margin, fmt="D", color=ORANGE, capsize=4, label="mean, 95 % interval")
axes.set(ylim=(-0.5, 0.8), yticks=[])
finish(axes, x="Known voices better by (points)")
plots.add_legend(axes)
show(
    figure,
    f"시험 쌍마다 하나씩 점 {REPEATS}개. 아는 목소리로 시험했을 때 몇 점이나 높은지 나타내요. 평균은 "
    f"{leak.mean():.1f}이고 구간과 함께 0을 나타내는 선 옆에 그려져 있어요.",
)
say(
    f"아는 목소리: {np.mean(known):.1f} %. 처음 듣는 목소리: {np.mean(strangers):.1f} %. 새는 양은 **{leak.mean():.1f}점**이에요"
    f"(95 % 구간: {leak.mean() - margin:.1f}에서 {leak.mean() + margin:.1f}. 되풀이할 때 클립이 겹치니 어림한 구간이에요)."
)
say(
    "구간이 모두 0보다 커요. 정말로 새고 있어요."
    if leak.mean() > margin
    else "구간이 0에 걸쳐 있어요. 이 클립들로는 우연일 수도 있어요."
)

# %% [markdown]
# 합성음은 클립마다 억양, 높이, 빠르기가 바뀌어요. 그래서 같은 "사람"의 클립이라도 서로 알려 주는 것이 적고, 새는 양도 적어요. 진짜 사람은 늘
# 자기 목소리로 말해요. 진짜 녹음(`--data`, `hanmadi data get` 참고)으로 같은 칸을 실행하면 더 많이 새요. 게다가 오래 학습한 신경망은 이웃보다
# 목소리를 더 잘 외워요.
#
# 어디에서 새는 걸까요? 간직해 둔 클립은 *단어*만 아는 것이 아니라 *목소리*도 알아요. 같은 이웃에게 **누가** 말하는지 맞혀 보라고 할게요.

# %%
held_out = rng.random(len(store)) < 0.2
train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
found = nearest(train, test)
same_voice = float((store.speaker[found] == store.speaker[test]).mean())
share = np.bincount(store.speaker[train], minlength=len(store.speakers)) / len(train)
by_chance = float(share[store.speaker[test]].mean())
say(f"가장 닮은 클립이 같은 사람의 것인 경우가 {same_voice:.0%}예요. 우연이라면 {by_chance:.0%}일 거예요.")

# %% [markdown]
# 처음 질문의 답이 나왔어요. 학습과 시험에 같은 사람이 있으면 시험은 이렇게 묻는 셈이에요. "이 사람 목소리를 기억하니?" 우리가 알고 싶은 것은
# 이거예요. "처음 보는 사람의 말을 알아듣니?" 원래 강좌의 npz로는 누가 말했는지 알 수 없으니 둘을 구별할 수 없어요. 그러니 **사람을 나누고,
# 숫자 옆에 그렇게 했다고 꼭 적으세요.**
#
# ## 기억할 것
#
# - 학습하기 전에 데이터를 들어 보고 세어 보세요.
# - 라벨은 정해 둔 목록의 자리예요. 원핫은 그 자리만 1이에요.
# - 학습은 바꾸고, 검증은 고르고, 시험은 한 번만 봐요.
# - 한 사람은 한 무더기에만 있어야 해요.
#
# ## 연습 문제
#
# **1.** 라벨이 `("yes", "no", "up", "go")`예요. *up*을 원핫으로 쓰면 무엇인가요? `(1, 0, 0, 0)`처럼 적으세요.

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: (0, 0, 1, 0),
    wrong={
        (
            0,
            1,
            0,
            0,
        ): "그것은 두 번째 자리, no예요. up은 세 번째이고, 0부터 세니 번호는 2예요.",
        (0, 0, 0, 1): "그것은 마지막 자리, go예요.",
        (1, 1, 0, 1): "거꾸로예요. 맞는 자리가 1, 나머지가 0이에요.",
        2: "그것은 번호예요. 원핫에는 라벨마다 자리가 하나씩 있어요.",
    },
    hint="자리는 넷이에요. 목록에서 up이 있는 자리에 1을 적으세요.",
)

# %% [markdown]
# **2.** 100명이 단어 10개를 한 번씩 말했어요. 사람을 학습 80명, 검증 10명, 시험 10명으로 나눴어요. 시험 *클립*은 몇 개인가요?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: 10 * 10,
    wrong={
        10: "그것은 사람 수예요. 한 사람이 단어를 10개씩 말했어요.",
        1000: "그것은 전체 클립이에요. 시험에는 10명의 클립만 있어요.",
        800: "그것은 학습 클립이에요.",
        200: "검증과 시험을 더한 값이에요. 문제는 시험만 물었어요.",
    },
    hint="시험에 있는 사람 수에 한 사람이 말한 단어 수를 곱하세요.",
    unit="개",
)

# %% [markdown]
# **3.** 표본이 8,000개인 클립 10,000개를 숫자 하나가 4바이트인 `float32`로 담으면 몇 메가바이트(1 MB = 1,000,000바이트)인가요?

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: 10_000 * 8_000 * 4 / 1e6,
    wrong={
        80: "그것은 숫자의 개수(백만 개 단위)예요. 숫자 하나가 4바이트예요.",
        160: "그것은 숫자 하나가 2바이트인 int16일 때예요. 절반이면 되니 라이브러리는 이렇게 담아요.",
        640: "그것은 숫자 하나가 8바이트인 float64일 때예요.",
        320_000_000: "그것은 바이트예요. 백만으로 나누세요.",
    },
    hint="클립 수 x 표본 수 x 바이트 수를 1,000,000으로 나누세요",
    unit="MB",
)

# %% [markdown]
# ## 참고 자료
#
# - P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", 2018, arXiv:1804.03209: 폴더의 모양, 사람 이름의 해시, 녹음
#   방법을 설명해요.
# - S. Kapoor, A. Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science", *Patterns* 4, 2023,
#   doi:10.1016/j.patter.2023.100804: 같은 실수를 17개 분야에서 찾았어요.
# - T. Cover, P. Hart, "Nearest neighbor pattern classification", *IEEE Transactions on Information Theory* 13, 1967,
#   doi:10.1109/TIT.1967.1053964.
#
# 다음은 [4. 파형을 읽는 1차원 신경망](04_a_network_on_the_wave.py)이에요. 이웃에게는 로그 멜이 필요했어요. 신경망은 파형만 보고도 배울 수 있을까요?
