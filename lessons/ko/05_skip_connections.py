# %% [markdown]
# # 5. 건너뛰기 연결
#
# **친구가 이렇게 말해요. "건너뛰기 연결을 넣으면 더 잘 배우고 과적합도 줄어." 여러분의 신경망에서도 그런지 어떻게 알아낼까요?**
#
# 30분쯤 걸려요. 그 가운데 2~3분은 컴퓨터가 학습하는 시간이에요. 4과를 먼저 보고 오세요. 친구의 말은 이 강좌의 바탕이 된 강좌에 나오는
# 주장이에요. 여기서는 같은 단어들로 직접 시험해 봐요. "알 수 없다"가 답일 수도 있어요.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, plots
from hanmadi.data.examples import make_examples
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models.cost import parameters
from hanmadi.models.course import DEPTHS, WAVEFORM, ConvBlock, CourseNet
from hanmadi.models.recipe import Recipe
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import Network

SAMPLE_RATE = 8_000  # Hz
store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE, most=160 if quick() else 1_200)
labels = LabelSet(store.words)
examples = make_examples(store, labels, split_method="speaker", holdout=0.15)
# 학습 클립은 조금만: 여러 번 학습할 시간이 있고, 과적합도 일어나게
order = np.random.default_rng(0).permutation(len(examples["train"]))[: 32 if quick() else 240]
train = replace(examples["train"], rows=examples["train"].rows[order], labels=examples["train"].labels[order])
say(f"학습 클립 {len(train)}개, 시험 클립 {len(examples['test'])}개. 양쪽에 함께 있는 사람은 없어요.")

# %% [markdown]
# ## 층을 지나쳐 가는 전선
#
# 4과에서는 모든 소리가 합성곱 열 개를 차례로 지났어요. **건너뛰기 연결(skip connection)** 은 두 번째 길이에요. 블록의 입력이 블록을 돌아가서 출력과 다시
# 만나요. 이 강좌에서는 **이어 붙이기(concatenation)** 로 만나요. 채널들을 나란히 늘어놓는 거예요. (*더하는* 방법도 있어요. 그러면 ResNet이 돼요.)

# %%
plain_block, skip_block = ConvBlock(1, 8, 16, 3, skip=False), ConvBlock(1, 8, 16, 3, skip=True)
x = torch.randn(1, 8, 100)
say(
    f"입력: {tuple(x.shape[1:])}. 보통 블록의 출력: {tuple(plain_block(x).shape[1:])}, 건너뛰기가 있으면: {tuple(skip_block(x).shape[1:])}"
)

figure, (axes,) = plots.new_figure(height_in=2.4)
for place, name in enumerate(("x\n8 channels", "conv", "conv", "conv", "join\n16 + 8", "pool")):
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": BLUE if name == "conv" else GREY}
    axes.text(place, 0, name, ha="center", va="center", bbox=box, size=10)
    if place:
        axes.annotate("", (place - 0.32, 0), (place - 0.68, 0), arrowprops={"arrowstyle": "->", "color": GREY})
wire = {"arrowstyle": "->", "color": ORANGE, "linewidth": 2, "connectionstyle": "arc3,rad=-0.28"}
axes.annotate("", (3.9, 0.35), (0.1, 0.35), arrowprops=wire)
axes.text(2, 1.1, "skip: x as it was", color=ORANGE, ha="center")
axes.set(xlim=(-0.6, 5.6), ylim=(-0.7, 1.5), xticks=[], yticks=[])
axes.spines[:].set_visible(False)
show(
    figure,
    "한 줄로 이어진 상자들: 채널 8개인 x, 합성곱 셋, 이어 붙이기, 풀링. 주황색 전선이 x에서 합성곱들을 넘어 곧장 이어 붙이는 곳으로 가고, "
    "거기서 채널 16개와 8개가 만나요.",
)

# %% [markdown]
# ## 기울기에 생겨야 할 일
#
# 배울 때는 오차가 거꾸로 흘러가요(4과의 `backward`). 층을 지날 때마다 그 층의 가중치가 곱해져요. 층마다 받은 것보다 조금씩 덜 넘겨준다면 열 층을 지난
# 뒤에는 거의 남지 않아요. 이것이 **기울기 소실(vanishing gradient)** 이에요. $y = f(x)$이고 이어 붙인 출력이 $(y, x)$일 때 연쇄 법칙(chain rule)에
# 따르면 이렇게 돼요.
#
# $$\frac{\partial L}{\partial x} = \underbrace{J_f^\top \, g_y}_{\text{through the layers}} + \underbrace{g_x}_{\text{along the wire}}$$
#
# $g_y$와 $g_x$는 두 부분에 도착한 기울기예요. 앞의 항은 층들을 지나지만, 뒤의 항은 전선을 따라와서 어떤 층도 지나지 않아요. 이론은 여기까지예요.
# 이것이 *얼마나* 중요한지는 이론이 말해 주지 않아요.
#
# ## 바꾸고 예측하기
#
# 라이브러리의 블록 하나만 따로 떼어 합성곱을 `depth`개 넣고, 시작 값은 PyTorch가 정하는 대로 둬요. 끝에 기울기를 넣고 처음에 얼마나 도착하는지 재요. **합성곱이 1개일 때보다
# 10개일 때, 건너뛰기가 없으면 몇 배나 작아질까요? 있으면요?** 적어 두고 실행한 다음 3과 20도 해 보세요.

# %%
my_prediction = "..."  # 예: "10배 작아진다, 건너뛰기가 있으면 그대로"
depth = 10  # 바꿔 보세요


def arriving(depth, skip, seed):
    """출력에 RMS 1인 기울기를 넣었을 때 블록의 입력에 도착하는 기울기의 RMS."""
    torch.manual_seed(seed)
    x = torch.randn(8, 4, 200, requires_grad=True)
    y = ConvBlock(1, 4, 4, depth, skip=skip)(x)
    y.backward(torch.randn_like(y))
    return x.grad.square().mean().sqrt().item()


depths = sorted({1, 2, 3, 5, 7, 10, 14, 20, depth})
without = {d: np.mean([arriving(d, False, seed) for seed in range(10)]) for d in depths}
joined = {d: np.mean([arriving(d, True, seed) for seed in range(10)]) for d in depths}
say(f'적어 둔 예측: "{my_prediction}"')
say(
    f"깊이 1에서 {depth}까지: 건너뛰기가 없으면 **{without[1] / without[depth]:,.0f}배**, 있으면 {joined[1] / joined[depth]:.2f}배 작아져요."
)

figure, (axes,) = plots.new_figure(height_in=3.2)
axes.semilogy(depths, list(without.values()), "o-", color=BLUE, label="plain")
axes.semilogy(depths, list(joined.values()), "o-", color=ORANGE, label="skip")
axes.axvline(depth, color=GREY, linestyle="--", linewidth=1)
finish(axes, x="Convolutions in the block", y="Gradient at the input (RMS)")
plots.add_legend(axes)
show(
    figure,
    "합성곱의 수에 따라 도착하는 기울기, 로그 눈금. 보통 블록은 자릿수가 줄줄이 바뀌며 곧게 떨어지고, 건너뛰기가 있으면 거의 평평해요.",
)

# %% [markdown]
# 로그 눈금에서 직선이라는 것은 층마다 같은 *비율*만 넘겨준다는 뜻이에요. 기울기 소실을 눈으로 본 거예요.
#
# ## 신경망 전체에서
#
# 이제 강좌의 신경망이에요. 학습하기 전, 시작할 때 두 가지를 재요.
#
# 1. **소리가 도착하나요?** 블록의 출력이 클립마다 얼마나 다른지를 출력의 크기와 견줘요. 어느 클립이든 똑같다면 그 뒤에 있는 층들은 무슨 말이었는지 알 길이
#    없어요.
# 2. **기울기가 도착하나요?** 합성곱 열 개마다 가중치의 기울기를 가중치의 크기와 견줘요.
#
# 가중치의 시작 값도 세 가지로 해 봐요. 셋 다 0을 중심으로 무작위로 뽑지만, 얼마나 크게 뽑는지가 달라요. 층은 곱 $n$개를 더하니까 크기도 $n$으로 적어요
# (들어오는 채널과 나가는 채널의 수가 같은 층일 때예요).
#
# | 시작 값 | 가중치 제곱의 평균 | 편향 |
# |---|---|---|
# | PyTorch의 기본값 | $1 / (3n)$ | 무작위 |
# | 원래 강좌가 쓴 Keras의 기본값: Glorot과 Bengio(2010) | $1 / n$ | 0 |
# | ReLU까지 셈에 넣은 He 외(2015) | $2 / n$ | 0 |
#
# ReLU는 에너지의 절반을 버려요. 그래서 층 하나가 넘겨주는 소리의 에너지는 위에서부터 6분의 1, 절반, 전부예요. 편향은 거기에 어느 클립에서나 똑같은 값을 더해요.
# **열 층을 지난 뒤에도 클립을 구별할 수 있는 시작 값은 어느 것일까요?**


# %%
STARTS = ("PyTorch", "Keras", "He")


def new_network(skip, seed, start):
    """필터가 8분의 1인 강좌의 신경망. `CourseNet`의 시작 값은 Keras의 것이에요."""
    torch.manual_seed(seed)
    network = CourseNet((8_000,), len(labels), dimensions=1, skip=skip, filters=4, dense=64)
    for layer in network.modules():
        if start == "PyTorch" and isinstance(layer, nn.Conv1d | nn.Linear):
            layer.reset_parameters()
        if start == "He" and isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


def at_the_start(network, sound, target):
    """블록의 출력이 클립마다 다른 정도 (4,)와 합성곱들의 상대 기울기 (10,)."""
    x, differs = sound[:, None], []
    for block in network.blocks:
        x = block(x)
        differs.append((x.var(dim=0).mean() / x.square().mean()).sqrt().item())
    functional.cross_entropy(network.head(x.flatten(1)), target).backward()
    convolutions = [m for m in network.blocks.modules() if isinstance(m, nn.Conv1d)]
    return differs, [(m.weight.grad.norm() / m.weight.norm()).item() for m in convolutions]


some = np.arange(24)
sound = torch.from_numpy(audio.from_int16(train.batch(some)))
target = torch.from_numpy(train.labels[some])
SEEDS = 2 if quick() else 5
found = {
    (start, skip): [at_the_start(new_network(skip, seed, start), sound, target) for seed in range(SEEDS)]
    for start in STARTS
    for skip in (False, True)
}
listen(sound[0].numpy(), SAMPLE_RATE, f"신경망에 넣을 클립 {len(some)}개 가운데 하나: {labels.labels[target[0]]!r}")

figure, axes = plots.new_figure(2, 3, height_in=5.6)
for (start, skip), runs in found.items():
    column = STARTS.index(start)
    for row, x_axis in ((0, range(1, 5)), (1, range(1, 11))):
        values = np.exp(np.mean([np.log(np.array(run[row]) + 1e-12) for run in runs], axis=0))
        axes[3 * row + column].semilogy(
            x_axis, values, "o-", color=ORANGE if skip else BLUE, label="skip" if skip else "plain"
        )
for column, start in enumerate(STARTS):
    finish(axes[column], x="Block", y="" if column else "Difference between clips", title=f"{start}'s start")
    finish(axes[3 + column], x="Convolution", y="" if column else "Relative gradient")
    axes[column].set(ylim=(1e-5, 3), xticks=range(1, 5))
    axes[3 + column].set(ylim=(1e-6, 10), xticks=(1, 4, 7, 10))
plots.add_legend(axes[3], place="lower right")
show(
    figure,
    "그림 여섯 개. 위는 블록의 출력이 클립마다 얼마나 다른지, 아래는 합성곱 열 개의 기울기예요. 왼쪽부터 PyTorch, Keras, He의 시작 값이에요. "
    "보통 신경망은 파란색, 건너뛰기 신경망은 주황색이에요.",
)
for (start, skip), runs in found.items():
    arrives = np.exp(np.mean([np.log(run[0][-1] + 1e-12) for run in runs]))
    say(
        f"{start}의 시작 값, {'건너뛰기' if skip else '보통'}: 마지막 블록 뒤에서 클립 사이의 차이는 출력 크기의 **{arrives:.2g}배**예요."
    )

# %% [markdown]
# 왼쪽에서 오른쪽으로 차례로 읽으세요. 편향이 0이면 소리가 층을 지날 때마다 작아질 수는 있어도 다른 것이 섞이지는 않아요. 도착하는 것은 여전히 그 소리예요. 편향이 무작위면
# 작아진 소리가 모든 클립에 똑같은 값에 파묻혀요. 여기서 쓰는 최적화 방법 Adam은 걸음을 기울기의 크기로 나누기 때문에, 기울기가 작다는 것(아랫줄)만으로는 멈추지 않아요.
# 하지만 도착하지 않은 소리(윗줄)는 Adam도 되살리지 못해요.
#
# 전선이 해 준 일 가운데 얼마만큼을 좋은 시작 값도 해낼 수 있었나요? 중요한 질문이에요. 나쁜 시작 값으로 견준 결과는
# 건너뛰기가 *나쁜 시작 값에* 무엇을 해 주는지만 보여 주니까요.
#
# ## 더 잘 배우나요? 한 번의 학습은 일화일 뿐이에요
#
# 먼저 시작 값만 바꿔 볼게요. 보통 신경망을 PyTorch의 시작 값에서 한 번, Keras의 시작 값에서 한 번 학습해요. 나머지는 모두 똑같이 둬요.

# %%
recipe = Recipe(batch=16, shards=2, learning_rate=2e-3, schedule="one_cycle", patience=None)
EPOCHS = 1 if quick() else 5
spare = examples["validation"]  # 몇 개만: 여기서는 아무것도 고르지 않고 모든 학습을 끝까지 해요
few = replace(spare, rows=spare.rows[:8], labels=spare.labels[:8])


def accuracy_on(network, heap):
    """한 무더기의 모든 클립에 대한 정확도, %."""
    right = 0
    with torch.inference_mode():
        for samples, wanted in heap.batches(32):
            right += int(
                (network.eval()(torch.from_numpy(audio.from_int16(samples))).argmax(1).numpy() == wanted).sum()
            )
    return 100 * right / len(heap)


def trained(skip, seed, start):
    """학습한 신경망의 정확도, %: 학습 클립과 시험 클립."""
    network = new_network(skip, seed, start)
    heaps = {"train": train, "validation": few}
    with tempfile.TemporaryDirectory() as folder:
        fit(Network(FrontEnd(WAVEFORM), network), heaps, recipe, Budget(EPOCHS), seed=seed, folder=Path(folder))
    return accuracy_on(network, train), accuracy_on(network, examples["test"])


for start in ("PyTorch", "Keras"):
    on_train, on_test = trained(False, 0, start)
    say(
        f"{start}의 시작 값, 보통: 학습 클립의 {on_train:.0f} %, 시험 클립의 {on_test:.0f} %를 맞혀요. 찍으면 {100 / len(labels):.0f} %예요."
    )

# %% [markdown]
# 원래 크기의 신경망에서도 똑같은 질문을 할 수 있어요. 값이 더 비쌀 뿐이에요. 8과의 2차원 신경망을 단어 열 개로 시험해 봤어요. 클립 32개씩 140걸음을 배우고 나니,
# Keras의 시작 값에서는 손실이 1.08이고 학습 클립의 63 %를 알아들었어요. PyTorch의 시작 값에서는 손실이 1.66, 알아들은 클립은 43 %였어요. 우리가 강좌의 신경망들을 처음
# 견줄 때는 PyTorch의 시작 값에서 3분씩만 학습했어요. 그렇게 짧은 경주는 신경망보다 시작 값에 대해 더 많은 것을 말해 줘요. 8과에서는 강좌와 같은 시작 값에서 끝까지 학습한
# 결과를 보여 드려요.
#
# 여기서 멈추고 규칙을 적고 싶어져요. 하지만 모두 시드(seed) *하나*, 클립의 순서 *하나*로 얻은 결과예요. 건너뛰기는 제대로 시험해 볼게요. 양쪽에 똑같이 좋은 시작 값(He)을
# 주고 시드를 여러 개 써서, 시드마다 건너뛰기 없이 한 번, 넣고 한 번 학습해요. 나머지는 모두 똑같이 둬요.

# %%
results = np.array([[trained(skip, seed, "He") for skip in (False, True)] for seed in range(SEEDS)])
# results[시드, 건너뛰기, 0 학습 또는 1 시험]
for seed, ((train_plain, test_plain), (train_skip, test_skip)) in enumerate(results):
    say(
        f"시드 {seed}: 보통 {train_plain:.0f} % / {test_plain:.0f} %, 건너뛰기 {train_skip:.0f} % / {test_skip:.0f} % (학습 / 시험)"
    )

figure, axes = plots.new_figure(1, 2, height_in=3.4)
gaps = results[:, :, 0] - results[:, :, 1]
for panel, values, title in (
    (axes[0], results[:, :, 1], "test accuracy (%)"),
    (axes[1], gaps, "overfitting: training - test (points)"),
):
    for pair in values:
        panel.plot([0, 1], pair, "o-", color=GREY, alpha=0.7)
    panel.plot([0, 1], values.mean(axis=0), "D-", color=ORANGE, linewidth=2.5, label="mean")
    panel.set_xticks([0, 1], ["plain", "skip"])
    panel.set_xlim(-0.4, 1.4)
    finish(panel, title=title)
plots.add_legend(axes[0], place="lower right")
show(
    figure,
    f"그림 두 개. 시드 {SEEDS}개마다 보통에서 건너뛰기로 가는 회색 선이 하나씩 있고 평균은 주황색이에요. 왼쪽은 시험 정확도, 오른쪽은 학습과 시험의 틈이에요.",
)

# %% [markdown]
# ## 무엇을 말해도 될까요?
#
# 시드 하나에서 차이가 하나씩 나와요. 건너뛰기가 있을 때에서 없을 때를 뺀 값이에요. 그 평균의 구간은 스튜던트의 $t$로 구해요. $\bar d \pm t \, s / \sqrt{n}$에서 $s$는 차이들이 흩어진 정도,
# $n$은 차이의 개수예요.

# %%
T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # 차이가 n개일 때 스튜던트 t의 97.5 % 지점


def verdict(name, differences):
    """평균 차이와 95 % 구간, 그리고 그것으로 할 수 있는 말."""
    n, mean, spread = len(differences), np.mean(differences), np.std(differences, ddof=1)
    margin = T[n] * spread / np.sqrt(n)
    clear = abs(mean) > margin
    say(f"**{name}**: {mean:+.1f}점 (95 % 구간: {mean - margin:+.1f}에서 {mean + margin:+.1f}, 시드 {n}개)")
    say(
        "구간이 0을 벗어나요. 이 클립들에서는 건너뛰기가 이만큼의 차이를 만들어요."
        if clear
        else "구간에 0이 들어 있어요. **알기에는 학습 횟수가 너무 적어요.**"
    )
    say(
        f"이만큼 흩어져 있을 때 3점의 차이를 알아보려면 시드가 {max(2, int(np.ceil((2.8 * spread / 3) ** 2))):,}개쯤 필요해요."
    )


verdict("시험 정확도, 건너뛰기 빼기 보통", results[:, 1, 1] - results[:, 0, 1])
verdict("과적합(학습 빼기 시험), 건너뛰기 빼기 보통", gaps[:, 1] - gaps[:, 0])

# %% [markdown]
# 구간이 0을 벗어났더라도 조심할 까닭이 세 가지 더 있어요.
#
# - 이 구간은 *시드*가 달라질 때의 이야기이고, 시험하는 사람이 달라질 때의 이야기가 아니에요. 모든 학습을 같은 몇 사람으로 시험했어요.
# - 건너뛰기 신경망이 **더 커요**. 이어 붙인 채널이 계속 따라가고 밀집층이 그것을 모두 읽으니까요. 전선 덕분일까요, 크기 덕분일까요?
# - 작은 신경망을 짧게 학습한 결과예요. 더 깊어지면 이야기가 분명해요. He 외(2015, "Deep residual learning")에서 보통 신경망은 34층이 18층보다 학습 그림에서조차
#   못했는데, 건너뛰기를 넣자 거꾸로 됐어요.

# %%
sizes = [parameters(new_network(skip, 0, "He")) for skip in (False, True)]
say(
    f"매개변수: 보통 {sizes[0]:,}개, 건너뛰기 {sizes[1]:,}개, 곧 {sizes[1] / sizes[0]:.2f}배예요. 합성곱은 둘 다 {sum(DEPTHS)}개예요."
)

# %% [markdown]
# ## 기억할 것
#
# - 건너뛰기는 블록의 입력을 출력에 이어 줘요. 그러면 기울기에는 어느 층도 약하게 만들지 못하는 길이 생겨요. 이것은 눈으로 바로 볼 수 있어요.
# - 이 정도 깊이라면 좋은 시작 값도 비슷한 일을 해 줘요.
# - 시작 값은 라이브러리마다 달라요. 신경망을 견주려면 어떻게 시작했는지 밝히고, 모두에게 똑같이 좋은 시작 값을 줘야 해요.
# - "과적합이 준다"는 *학습들*에 대한 주장이에요. 한 쌍이면 일화이고, 구간이 붙은 평균이면 결과예요. "알기에는 너무 적다"도 결과예요.
#
# 8과에서는 같은 질문을 스펙트로그램으로 던져요.
#
# ## 연습 문제
#
# **1.** 어떤 블록이 채널 32개를 받아 64개를 내보내요. 강좌의 건너뛰기를 넣으면 몇 개가 나오나요?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: ConvBlock(1, 32, 64, 2, skip=True)(torch.zeros(1, 32, 18)).shape[1],
    wrong={
        64: "그것은 건너뛰기가 없는 블록이에요. 입력을 옆에 이어 붙여야 해요.",
        32: "그것은 입력뿐이에요. 출력 옆에 이어 붙여야 해요.",
        2048: "곱했네요. 이어 붙이기는 채널을 나란히 놓는 거예요.",
        128: "출력을 두 배로 했네요. 옆에 붙는 것은 채널이 32개인 입력이에요.",
    },
    hint="출력과 입력을 나란히 놓아 보세요.",
    unit="개",
)

# %% [markdown]
# **2.** 층 10개가 저마다 받은 기울기의 0.4만 넘겨줘요. 열 층을 모두 지나면 얼마가 남나요?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: 0.4**10,
    tolerance=5e-6,
    wrong={
        4: "10 x 0.4를 했네요. 비율의 비율은 더하는 것이 아니라 서로 곱해요.",
        0.04: "0.4 / 10을 했네요. 층마다 앞 층이 남긴 것의 0.4를 넘겨줘요.",
        0.4: "그것은 층 하나를 지났을 때예요.",
        0.00605: "0.6을 열 번 곱했네요. 0.6은 잃는 몫이고 넘겨주는 몫은 0.4예요.",
    },
    hint="0.4의 0.4의 0.4의 ...",
)

# %% [markdown]
# **3.** 시드 다섯 개로 잰 차이가 +3점이고 95 % 구간은 -2에서 +8이에요. 건너뛰기가 도움이 된다는 것이 보였나요? `True`나 `False`로 적으세요.

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: -2 > 0 or 8 < 0,
    wrong={
        True: "구간이 해로움(-2)에서 도움(+8)까지 걸쳐 있고 0도 들어 있어요. +3이 가장 그럴듯한 값이지만 보인 것은 아니에요. 시드를 더 늘려 보세요.",
    },
    hint="구간이 0을 벗어나나요?",
)

# %% [markdown]
# ## 참고 자료
#
# - K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385: 더하는 건너뛰기로 아주 깊은 신경망을
#   학습했어요.
# - G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional networks", 2016, arXiv:1608.06993: 이 강좌처럼 이어 붙이는
#   건너뛰기예요.
# - X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", *AISTATS* 2010. K. He 외, "Delving deep into rectifiers", 2015, arXiv:1502.01852:
#   시작 값이 깊은 신경망을 어떻게 살리고 망치는지 보여 줘요.
# - X. Bouthillier 외, "Accounting for variance in machine learning benchmarks", 2021, arXiv:2103.03098: 왜 시드 하나로는 모자라는지 알려 줘요.
#
# 다음은 [6. 푸리에](06_fourier.py)예요. 파동을 음 하나하나로 풀어요.
