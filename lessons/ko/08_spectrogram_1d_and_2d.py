# %% [markdown]
# # 8. 스펙트로그램, 한 줄로 볼까요 그림으로 볼까요?
#
# **스펙트로그램(spectrogram)은 130행 126열의 표예요. 한 신경망은 이것을 숫자 16,380개가 늘어선 긴 줄로 읽고, 다른 신경망은
# 그림으로 봐요. 어느 쪽이 단어를 더 잘 알아들을까요? 그리고 왜 그럴까요?**
#
# 그러면서 이 강의가 마지막에 남겨 둔 물음들에 실험으로 답해 볼 거예요. 스킵 연결(skip connection)은 도움이 될까요? 어느
# 신경망이 덜 과적합(overfitting)될까요? 크기를 키우면 무엇을 치러야 할까요? "데이터가 적어서 알 수 없다"고 말하는 법도 배워요.
#
# *읽는 데 30분쯤, 실행하는 데 2~3분 걸려요. 4과, 5과, 7과에 이어지는 내용이에요. GPU는 없어도 돼요.*

# %%
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, features, plots
from hanmadi.audio import signals
from hanmadi.data.examples import make_examples
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.labels import COURSE_KEYWORDS, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import architecture
from hanmadi.models.cost import macs, parameters
from hanmadi.models.course import SPECTROGRAM, CourseNet
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish

torch.manual_seed(8)
rng = np.random.default_rng(8)

store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=8_000, most=3_000)
labels = make_labels(store.words[: len(COURSE_KEYWORDS)])  # 단어 열 개, unknown, silence
examples = make_examples(store, labels, split_method="speaker", holdout=0.3)  # 시험 클립이 많아야 구간이 짧아져요
say(f"클립 {len(store):,}개, 라벨 {len(labels)}개: {', '.join(labels.labels)}.")

# %% [markdown]
# ## 줄과 그림
#
# 단어 하나를 두 가지로 보여 줄게요. 줄을 만들려면 그림의 행을 차례로 이어 놓으면 돼요. 가장 낮은 주파수의 숫자 126개,
# 그다음 주파수의 126개, 이렇게요.

# %%
clip = store.clip(0)
listen(clip, store.sample_rate, f'단어 "{store.words[0]}"')
image = signals.to_db(features.compute(clip, SPECTROGRAM))

figure, (upper, lower) = plots.new_figure(2, height_in=5.6, ratios=(2, 1), title="The same 16,380 numbers")
upper.imshow(image, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-50, vmax=20)
finish(upper, x="Frame", y="Bin")
upper.grid(visible=False)
lower.plot(np.maximum(image, -50).reshape(-1), color=BLUE, linewidth=0.4)
finish(lower, x="Place in the row", y="dB")
show(
    figure,
    "위: 가로가 프레임, 세로가 빈인 그림. 아래: 같은 숫자들을 들쭉날쭉한 긴 줄 하나로. 그림의 빈 하나가 줄에서는 숫자 126개짜리 토막이에요.",
)

# %% [markdown]
# ## 신경망 속의 숫자 하나는 어디까지 볼까요?
#
# 두 신경망 모두 폭이 9인 합성곱(convolution)으로 이루어져 있어요. 층 묶음을 두 번 지난 뒤의 숫자 하나는 스펙트로그램의
# 얼마만큼에 달려 있을까요? 계산할 필요 없이 기울기(gradient)에게 물어보면 돼요. 입력이 그 숫자를 바꿀 수 있는 곳에서는
# 기울기가 0이 아니거든요. 이 범위를 수용 영역(receptive field)이라고 해요.


# %%
def seen_by_one_number(dimensions):
    network = CourseNet(SPECTROGRAM.shape, len(labels), dimensions=dimensions, skip=False, filters=4, dense=8)
    x = torch.rand(8, *SPECTROGRAM.shape, requires_grad=True)
    inside = network.blocks[:2]((x.flatten(1) if dimensions == 1 else x).unsqueeze(1))
    middle = tuple(size // 2 for size in inside.shape[2:])
    inside[(slice(None), slice(None), *middle)].sum().backward()
    return x.grad.abs().amax(dim=0).numpy() > 0


fields = [seen_by_one_number(dimensions) for dimensions in (1, 2)]
figure, panels = plots.new_figure(1, 2, height_in=3.9, title="What one number sees after two blocks")
for axes, field, name in zip(panels, fields, ("1-D", "2-D"), strict=True):
    axes.imshow(
        np.where(field, 20, image - 30), origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-80, vmax=20
    )
    finish(axes, x="Frame", y="Bin", title=f"{name}: {field.any(1).sum()} bins, {field.any(0).sum()} frames")
    axes.grid(visible=False)
show(
    figure,
    "어둡게 칠한 스펙트로그램 두 장에서 보이는 부분만 밝아요. 왼쪽 1차원 신경망은 빈 한두 개 안의 가는 가로줄, 오른쪽 2차원 신경망은 여러 빈과 프레임에 걸친 네모를 봐요.",
)
say(
    f"1차원 신경망은 빈 {fields[0].any(1).sum()}개에 걸친 숫자 {fields[0].sum()}개를, 2차원 신경망은 숫자 {fields[1].sum():,}개를 봐요. 시간과 주파수 양쪽으로 펼쳐진 소리 한 조각이에요."
)

# %% [markdown]
# 줄에서는 *시간*의 이웃이 바로 옆에 있지만 *주파수*의 이웃은 126칸이나 떨어져 있어요. 1차원 신경망은 마지막 전결합층(dense
# layer)에 가서야 주파수들을 한데 모아요. 2차원 신경망은 올라가는 배음이나 쉿소리의 가장자리를 어디에 있든 하나의 모양으로
# 봐요. 그래서 그림이 이길 것 같아요. 하지만 아직은 짐작이에요. 시험해 봐요.

# %% [markdown]
# ## 이 강의의 신경망은 얼마나 비쌀까요?
#
# 학습하기 전에 먼저 세어 볼게요. 곱 하나를 합에 더하는 일을 *곱셈 누산*(multiply-accumulate, MAC)이라고 해요. 여기서는
# 아무것도 계산하지 않고 신경망의 생김새만 적어요(`meta`). 가장 큰 것을 정말로 만들면 메모리를 0.5 GB나 쓰거든요.

# %%
NAMES = ("wave_cnn", "wave_cnn_skip", "spectrogram_cnn1d", "spectrogram_cnn1d_skip", "spectrogram_cnn2d")
rows = ["| 신경망 | 매개변수 | 그 가운데 전결합층 | 클립당 MAC |", "|---|---:|---:|---:|"]
for name in NAMES:
    described = architecture(name)
    with torch.device("meta"):
        network = described.build(described.features.shape, len(labels))
    dense = sum(p.numel() for p in network.head.parameters())
    rows.append(
        f"| {name} | {parameters(network):,} | {dense / parameters(network):.0%} | {macs(network, described.features.shape) / 1e9:.1f} G |"
    )
say("\n".join(rows))

# %% [markdown]
# 천천히 읽어 보세요. 줄로 편 1차원 신경망은 끝까지 줄이 길어서 매개변수(parameter)가 거의 다 첫 전결합층에 있어요. 2차원
# 신경망은 묶음마다 *두* 축을 모두 반으로 줄여서 매개변수가 훨씬 적어요. 하지만 필터(filter) 하나의 가중치가 9개가 아니라
# 81개라서 곱셈은 가장 많아요. 코어 두 개로는 하나를 학습하는 데 몇 시간이 걸려요.
#
# ## 동생들
#
# 그래서 동생들을 학습해요. 층은 똑같지만 필터가 8분의 1이고, 그림도 더 성기게(빈 4개, 프레임 2개의 평균) 만들었어요. 모두를
# 똑같이 줄였으니 비교는 공평해요. 하지만 큰 신경망에 대해서는 증거가 아니라 실마리일 뿐이에요. 성긴 그림에서는 주파수의 이웃이
# 62칸밖에 떨어져 있지 않아서 줄에게 유리하거든요.

# %%
FILTERS = 4  # 첫 묶음의 필터 수, 원래는 32
TRAINED, TESTED = (
    (20, 20) if quick() else (65, 50)
)  # 라벨마다 같은 수의 클립을 써서 어느 한 라벨이 무거워지지 않게 해요


def small_images(split, per_label):
    of_label = [np.flatnonzero(examples[split].labels == label) for label in range(len(labels))]
    chosen = np.concatenate([rng.permutation(rows)[:per_label] for rows in of_label])
    samples = audio.from_int16(examples[split].batch(chosen))
    level = signals.to_db(features.compute(samples, SPECTROGRAM), floor_db=-60)[:, :128, :124]
    coarse = level.reshape(len(level), 32, 4, 62, 2).mean(axis=(2, 4))
    return torch.tensor(coarse, dtype=torch.float32), torch.from_numpy(examples[split].labels[chosen])


train_x, train_y = small_images("train", TRAINED)
test_x, test_y = small_images("test", TESTED)
mean, std = train_x.mean(), train_x.std()
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std  # 0 근처의 숫자가 배우기 쉬워요
say(
    f"학습 클립 {len(train_x)}개, 다른 사람이 말한 시험 클립 {len(test_x)}개. 하나의 크기는 {tuple(train_x.shape[1:])}예요."
)

figure, panels = plots.new_figure(1, 4, height_in=2.9, title="What the little sisters see")
for axes, x, y in zip(panels, train_x[::TRAINED], train_y[::TRAINED], strict=False):
    axes.imshow(x.numpy(), origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-1.5, vmax=2.5)
    finish(axes, title=labels.labels[int(y)])
    axes.grid(visible=False)
show(figure, "성긴 그림으로 본 학습 클립 네 개. 가로 62, 세로 32개의 점만으로도 단어의 모양을 알아볼 수 있어요.")

# %% [markdown]
# ## 실험
#
# 신경망은 넷이에요. 1차원과 2차원, 각각 스킵 연결이 없는 것과 있는 것이요. (원래 강의에는 스킵이 있는 2차원 신경망이
# 없지만, 궁금하니까 물어봐요.) 모두 서로 다른 시작값에서 두 번씩 학습해요. 한 번의 결과는 일화일 뿐이니까요.
#
# 얼마나 오래 학습할까요? 자기가 배운 클립도 아직 다 알아맞히지 못하는 신경망은 진 것이 아니라 덜 끝난 거예요. 그림 쪽은 필터
# 하나의 가중치가 81개라서 더 천천히 배우니, 데이터를 두 배로 더 여러 번 돌게 해요. 그 값을 얼마나 치르는지도 표에 있어요.
#
# 그럼 어디에서 시작할까요? 원래 강의는 Keras를 썼고, `CourseNet`도 Keras처럼 시작해요. 하지만 동생들의 합성곱에는 4과에서처럼
# He 외(2015)의 시작값을 줘요. 가중치가 더 크고, 네 신경망 모두 똑같이 시작해요. 시작값에 따라 무엇이 달라지는지는 5과에서 봤어요.

# %%
EPOCHS, SEEDS = ({1: 1, 2: 1}, 1) if quick() else ({1: 6, 2: 12}, 2)


def train(x, y, *, seed, dimensions, skip=False, filters=FILTERS):
    torch.manual_seed(seed)
    network = CourseNet(
        tuple(x.shape[1:]), len(labels), dimensions=dimensions, skip=skip, filters=filters, dense=8 * filters
    )
    for layer in network.blocks.modules():  # 층이 열 개나 되면, 신호가 꺼지지 않게 하는 시작값이 필요해요
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-4)
    for _ in range(EPOCHS[dimensions]):
        for part in torch.randperm(len(x)).split(16):
            optimiser.zero_grad()
            functional.cross_entropy(network(x[part]), y[part]).backward()
            optimiser.step()
    return network.eval()


def right(network, x, y):
    """맞히면 1, 틀리면 0: (클립 수,)."""
    with torch.inference_mode():
        answers = torch.cat([network(part).argmax(1) for part in x.split(128)])
    return (answers == y).numpy().astype(float)


SISTERS = {
    "1-D": {"dimensions": 1}, "1-D skip": {"dimensions": 1, "skip": True},
    "2-D": {"dimensions": 2}, "2-D skip": {"dimensions": 2, "skip": True},
}  # fmt: skip
tested, trained, seconds, sizes = {}, {}, {}, {}
for name, how in SISTERS.items():
    started = time.perf_counter()
    networks = [train(train_x, train_y, seed=seed, **how) for seed in range(SEEDS)]
    seconds[name] = (time.perf_counter() - started) / SEEDS
    tested[name] = np.array([right(network, test_x, test_y) for network in networks])  # (시작값, 클립)
    trained[name] = np.array([right(network, train_x, train_y) for network in networks])
    sizes[name] = parameters(networks[0])

# %%
rows = [
    "| 신경망 | 매개변수 | 학습 | 시험, 시작값마다 | 시험 평균 | 95 % 구간 | 초 |",
    "|---|---:|---:|---|---:|---|---:|",
]
intervals = {}
for name in SISTERS:
    mean = tested[name].mean()
    low, high = intervals[name] = wilson_interval(round(mean * len(test_y)), len(test_y))
    starts = ", ".join(f"{share:.1%}" for share in tested[name].mean(axis=1))
    rows.append(
        f"| {name} | {sizes[name]:,} | {trained[name].mean():.1%} | {starts} | {mean:.1%} | {low:.1%}~{high:.1%} | {seconds[name]:.0f} |"
    )
say("\n".join(rows))

figure, (axes,) = plots.new_figure(height_in=3.6, title="Accuracy on speakers never heard")
for place, name in enumerate(SISTERS):
    axes.plot(
        [place, place],
        [100 * end for end in intervals[name]],
        color=BLUE,
        linewidth=6,
        alpha=0.35,
        solid_capstyle="round",
    )
    axes.scatter([place] * SEEDS, 100 * tested[name].mean(axis=1), color=BLUE, zorder=4)
    axes.scatter([place] * SEEDS, 100 * trained[name].mean(axis=1), color=ORANGE, marker="x", zorder=4)
axes.axhline(100 / len(labels), color=GREY, linestyle="--", linewidth=1)
axes.set_xticks(range(len(SISTERS)), list(SISTERS))
axes.set_ylim(0, 100)
finish(axes, x="Dots: test, with 95 % interval. Crosses: training. Dashed: guessing", y="Accuracy (%)")
show(
    figure,
    "네 신경망 각각의 시험 정확도가 시작값마다 점으로, 그 구간이 막대로, 학습 정확도가 가위표로 찍혀 있어요. 숫자는 위의 표에 있어요.",
)

# %% [markdown]
# ## 진짜 차이일까요, 운일까요?
#
# 두 구간이 겹친다고 해서 결론이 나지는 않아요. 두 신경망은 **같은** 클립에 답했으니 클립마다 비교하면 돼요. 어느 클립에서
# 한쪽은 맞고 다른 쪽은 틀렸을까요? 그 차이들의 평균에도 구간이 있어요. 구간 안에 0이 들어 있으면 정직한 대답은 *데이터가
# 적어서 알 수 없다*예요.


# %%
def difference(ours, theirs):
    """클립에 걸친 평균 차이(퍼센트포인트)와 그 95 % 구간의 양 끝."""
    per_clip = 100 * (ours.mean(axis=0) - theirs.mean(axis=0))
    half = 1.96 * per_clip.std(ddof=1) / np.sqrt(len(per_clip))
    return per_clip.mean(), per_clip.mean() - half, per_clip.mean() + half


def verdict(question, found):
    points, low, high = found
    answer = (
        "데이터가 적어서 알 수 없어요" if low <= 0 <= high else "그래요" if points > 0 else "아니요, 오히려 반대예요"
    )
    say(f"**{question}** {points:+.1f}포인트 (95 % 구간 {low:+.1f}~{high:+.1f}): **{answer}**.")


verdict("그림이 줄을 이길까요?", difference(tested["2-D"], tested["1-D"]))
verdict("둘 다 스킵 연결이 있으면 그림이 이길까요?", difference(tested["2-D skip"], tested["1-D skip"]))
verdict("스킵이 줄에 도움이 될까요?", difference(tested["1-D skip"], tested["1-D"]))
verdict("스킵이 그림에 도움이 될까요?", difference(tested["2-D skip"], tested["2-D"]))

# %% [markdown]
# 이 구간은 *클립*에 대한 것이에요. 같은 사람들에게서 시험 클립을 다시 뽑으면 얼마나 달라질지를 말해요. 시작값을 몇 번밖에
# 해 보지 않았고 사람도 몇 명뿐이라는 것은 몰라요. 그래서 진실은 구간이 말하는 것보다 조금 더 불확실해요.
#
# **이긴 쪽을 정하기 전에 *학습* 칸을 보세요.** 자기가 배운 클립조차 다 알아맞히지 못하는 신경망은 아직 배우는 중이에요.
# `EPOCHS`에서 바퀴 수를 늘리고 거기부터 다시 실행해 보세요.
#
# ## 어느 쪽이 덜 과적합될까요?
#
# 과적합은 배운 클립과 처음 듣는 사람의 클립 사이의 격차예요.


# %%
def gap(name):
    """학습 정확도에서 시험 정확도를 뺀 값(퍼센트포인트)과, 그 95 % 구간의 절반."""
    parts = [results[name].mean(axis=0) for results in (trained, tested)]
    half = 1.96 * np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    return 100 * (parts[0].mean() - parts[1].mean()), 100 * half


for name in SISTERS:
    say(f"{name}: 배운 클립에서 **{gap(name)[0]:+.1f}**포인트 (± {gap(name)[1]:.1f}) 더 잘해요.")
least, most = min(SISTERS, key=lambda name: gap(name)[0]), max(SISTERS, key=lambda name: gap(name)[0])
apart = gap(most)[0] - gap(least)[0] > np.hypot(gap(most)[1], gap(least)[1])
say(
    f"격차가 가장 작은 것: {least}, 가장 큰 것: {most}. "
    + ("둘의 차이는 우연보다 커요." if apart else "둘을 가리기에는 데이터가 적어요.")
)

# %% [markdown]
# 함정을 조심하세요. 아무것도 배우지 못한 신경망에는 격차도 없어요. 격차는 정확도와 나란히 볼 때만 뜻이 있어요.
#
# ## 크기는 무엇을 치르게 할까요?
#
# 필터가 두 배면 거의 모든 층에서 가중치가 네 배가 돼요. 가장 빨리 배우는, 스킵 연결이 있는
# 1차원 신경망에 필터를 점점 더 많이 줘 볼게요. 한 번씩만 학습하니, 시작값에 따라 결과가 얼마나 달라졌는지(위의 표) 잊지 마세요.

# %%
points, cost = [], []
for filters in (2, 4) if quick() else (2, 4, 8):
    started = time.perf_counter()
    network = train(train_x, train_y, seed=0, dimensions=1, skip=True, filters=filters)
    cost.append((filters, parameters(network), macs(network, tuple(train_x.shape[1:])), time.perf_counter() - started))
    hits = right(network, test_x, test_y)
    points.append(
        plots.ComparisonRow(
            f"{filters} filters", parameters(network), hits.mean(), *wilson_interval(int(hits.sum()), len(hits))
        )
    )
show(
    plots.draw_comparison(points, title="1-D network with skip: accuracy against size"),
    "매개변수 수에 따른 시험 정확도와 그 구간. 필터 수마다 점 하나예요.",
)
say(
    "\n".join(
        [
            "| 필터 | 매개변수 | 클립당 MAC | 학습에 든 초 | 시험 |",
            "|---:|---:|---:|---:|---:|",
            *(
                f"| {f} | {n:,} | {m / 1e6:.1f} M | {s:.0f} | {point.accuracy:.1%} |"
                for (f, n, m, s), point in zip(cost, points, strict=True)
            ),
        ]
    )
)

# %% [markdown]
# ## 원래 크기의 신경망
#
# 동생들은 실마리를 줬어요. 증거를 얻으려면 원래 크기의 신경망을 끝까지 학습해야 해요. 그래서 실제 녹음(8,000 Hz로 바꾼 Speech
# Commands, 시험은 다른 사람의 목소리로)을 가지고 원래 강의의 방식대로 한 번 학습해 봤어요. Keras의 시작값, 클립 32개씩 한
# 묶음, 10에포크예요. 검증 결과가 더 나아지지 않으면 일찍 멈췄어요. 코어 두 개로는 몇 시간이 걸리니 여기서는 하지 않아요. 표는
# 프로젝트에 보관한 결과(`benchmarks/results/course.csv`)에서 옮겨 왔어요.
#
# <!-- course table -->
#
# | 신경망 | 시험 정확도 (95 %) | 학습 - 검증 | 에포크 | 분 | 매개변수 |
# |---|---:|---:|---:|---:|---:|
# | spectrogram_cnn2d | 84.2 % (81.4~86.6) | +3.5 | 8 | 129 | 20,847,724 |
#
# <!-- /course table -->
#
# 아직은 2차원 신경망 하나만 끝까지 학습했어요. 검증 결과는 여섯째 에포크에서 가장 좋았어요. 나머지는 뒤에 채울 거예요. 그때까지
# 1~3번은 동생들의 결과로 답해 보세요. 검증 클립에서는 시험에서보다 훨씬 잘 맞혀요. 시험에는 `on`, `off`, `stop`의 비율이
# 훨씬 높은데, 학습할 때 이 세 낱말은 다른 낱말의 3분의 1밖에 듣지 못했거든요. `on`은 거의 둘에 하나를 놓쳐요.
#
# *학습 - 검증*은 격차(퍼센트포인트)이고, *분*은 시계로 잰 시간이에요. 여러분의 표와 나란히 놓고 원래 강의의 질문에 답해 보세요.
#
# 1. **그림이 줄을 이길까요?** `spectrogram_cnn2d`와 `spectrogram_cnn1d`를 보세요. 구간이 겹치나요? 둘은 몇 포인트나
#    떨어져 있나요?
# 2. **스킵은 정확도를 바꿀까요, 과적합을 바꿀까요?** `wave_cnn`과 `spectrogram_cnn1d`에는 저마다 `_skip`이 붙은 짝이 있어요. 먼저
#    정확도를, 다음에 격차를 보세요. 두 쌍이 같은 말을 하나요?
# 3. **크기와 시간을 들이면 무엇을 얻을까요?** 신경망을 매개변수가 적은 것부터, 다음에는 시간이 짧은 것부터 차례로 보세요.
#    정확도도 그 순서를 따라가나요?
# 4. 동생들이 준 실마리는 맞았나요?
#
# 표의 한 줄은 시작값 하나에서 한 번 학습한 결과예요. 여기서도 구간은 클립에 대해서만 말해요. 학습 한 쌍으로 얼마나 말할 수
# 있는지는 5과에서 봤어요.

# %% [markdown]
# ## 바꾸고 예측하기
#
# 이웃한 주파수끼리 서로 관계가 있어서 그림이 유리할 거라고 짐작했어요. 그 짐작이 맞다면, 그림의 행을 **아무렇게나
# 섞어서**(모든 클립을 똑같은 순서로) 주었을 때 2차원 신경망은 그 이점을 잃어야 해요. 숫자는 하나도 빠지지 않았는데도요.
#
# **칸을 실행하기 전에** 적어 보세요. 2차원 신경망(스킵 있음)은 몇 포인트를 잃을까요? `dimensions = 1`로 바꿔서 다시 실행하면 1차원
# 신경망은요?

# %%
my_prediction = "..."  # 예: "2차원은 20포인트를 잃고 1차원은 그대로"
dimensions = 2  # 바꿔 보세요

order = torch.from_numpy(rng.permutation(32))
shuffled = train(train_x[:, order], train_y, seed=0, dimensions=dimensions, skip=True)
hits = right(shuffled, test_x[:, order], test_y)[None]
verdict(
    f"{dimensions}차원: 차례대로인 행이 섞인 행보다 나을까요?", difference(tested[f"{dimensions}-D skip"][:1], hits)
)
say(f'적어 둔 예측: "{my_prediction}"')

# %% [markdown]
# ## 기억할 것
#
# * 합성곱은 이웃끼리 관계가 있다고 믿어요. 그림에서는 양쪽 방향으로 그렇지만, 줄에서는 시간 방향으로만 그래요. 그것이 얼마나
#   값진지는 섞인 행이 보여 줘요.
# * 매개변수와 곱셈은 서로 다른 비용이에요. 줄은 매개변수를, 그림은 곱셈을 더 많이 써요.
# * 구간이 없는 차이는 소문일 뿐이에요. 클립 몇백 개로는 2포인트 차이를 보일 수 없어요.
#
# GPU가 있거나 밤새 켜 둘 수 있으면 큰 신경망을 학습해 보세요. `hanmadi compare --data DATA --minutes 60`
#
# ## 연습 문제
#
# **1.** 2차원 신경망의 첫 합성곱에는 채널 하나에 쓰는 9×9 필터가 32개 있고, 필터마다 편향(bias)이 하나씩 있어요. 매개변수는
# 모두 몇 개일까요?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 32 * (9 * 9 + 1), tolerance=0,
    wrong={
        2_592: "가중치는 맞아요. 필터 32개에 편향이 하나씩 더 있어요",
        320: "그건 필터 하나의 가중치가 9개인 1차원 신경망이에요. 여기서는 9×9예요",
        2_593: "편향 하나로는 모자라요. 필터마다 하나씩 있어요",
        81: "그건 편향이 없는 필터 하나예요. 필터는 32개예요",
    },
    hint="필터 하나에는 가중치 9 · 9개와 편향 1개가 있어요.",
)  # fmt: skip

# %% [markdown]
# **2.** 숫자 16,380개의 줄에서, 같은 프레임의 이웃한 두 *주파수*는 몇 칸 떨어져 있을까요?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: SPECTROGRAM.shape[1], tolerance=0,
    wrong={
        1: "바로 옆은 시간의 이웃이에요. 줄에서는 한 빈의 프레임이 모두 나온 다음에 다음 빈이 시작해요",
        130: "130은 빈의 수예요. 두 빈 사이에는 빈 하나의 모든 프레임이 놓여 있어요",
        125: "거의 맞았어요. 한 빈의 첫 숫자에서 다음 빈의 첫 숫자까지는 하나 더 가야 해요",
        9: "그건 필터의 폭이에요. 빈 하나에 프레임이 몇 개인지 생각해 보세요",
    },
    hint="빈 하나는 프레임의 수만큼 자리를 차지해요.",
)  # fmt: skip

# %% [markdown]
# **3.** 신경망 A는 클립 100개 가운데 70개를, 신경망 B는 *다른* 클립 100개 가운데 75개를 맞혔어요. B가 더 낫다고 95 %로 말할 수
# 있을까요? `True`나 `False`로 답하세요. `wilson_interval(70, 100)`과 `wilson_interval(75, 100)`을 계산해 보면 좋아요.

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: wilson_interval(75, 100).low > wilson_interval(70, 100).high,
    wrong={True: "사실은 A가 75 %, B가 70 %일 수도 있어요. 클립 100개로는 구간의 폭이 18포인트 가까이 되고, 두 구간이 거의 다 겹쳐요"},
    hint="구간의 폭은 얼마이고, 두 결과는 얼마나 떨어져 있나요?",
)  # fmt: skip

# %% [markdown]
# ## 참고 자료
#
# * T. N. Sainath, C. Parada, "Convolutional neural networks for small-footprint keyword spotting", *Interspeech* 2015: 단어 하나의
#   스펙트로그램에 2차원 합성곱을 써요
# * S. Choi et al., "Temporal convolution for real-time keyword spotting on mobile devices", arXiv:1904.03814: 1차원 신경망이 모든
#   주파수를 한꺼번에 보는 방법 (주파수를 채널로 써요)
# * G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely connected convolutional networks", arXiv:1608.06993: 이어
#   붙이는 스킵 연결
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209
# * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", *Journal of the American
#   Statistical Association* 22 (1927), doi:10.1080/01621459.1927.10502953
# * T. G. Dietterich, "Approximate statistical tests for comparing supervised classification learning algorithms",
#   *Neural Computation* 10 (1998), doi:10.1162/089976698300017197: 왜 짝지어 비교하는지, 그래도 무엇은 알 수 없는지
