# %% [markdown]
# # 4. 파형을 읽는 1차원 신경망
#
# **모음이 무엇인지, 주파수가 무엇인지 아무도 알려 주지 않아요. 신경망은 파형만 보고 단어를 배울 수 있을까요?**
#
# 35분쯤 걸려요. 그 가운데 1~2분은 컴퓨터가 학습하는 시간이에요. 1과부터 3과까지 먼저 보고 오세요. GPU는 없어도 돼요.

# %%
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hanmadi import audio, plots
from hanmadi.audio import signals
from hanmadi.data.examples import make_examples
from hanmadi.evaluation import metrics
from hanmadi.features.torch import FrontEnd
from hanmadi.labels import LabelSet
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import checkpoint
from hanmadi.models.cost import macs, parameters
from hanmadi.models.course import WAVEFORM, ConvBlock, CourseNet
from hanmadi.models.recipe import Recipe
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import KEPT, Network, kept_epoch

SAMPLE_RATE = 8_000  # Hz
store = lesson_data(words=("yes", "no", "up", "go"), sample_rate=SAMPLE_RATE, most=160 if quick() else 1_200)
labels = LabelSet(store.words)
examples = make_examples(store, labels, split_method="speaker", holdout=0.15)
for name, heap in examples.items():
    say(f"{name}: 클립 {len(heap)}개, 두 무더기에 함께 있는 사람은 없어요")

# %% [markdown]
# ## 미끄러지는 무늬
#
# 짧은 딱 소리가 두 번 들어 있는 파형이 있어요. 그리고 숫자 아홉 개로 된 무늬, 곧 **커널(kernel)** 이 있어요. 무늬를 파형 위에 올려놓고 숫자끼리
# 곱해서 모두 더한 값을 적어요. 그다음 한 칸 옮겨서 되풀이해요. 이것이 **합성곱(convolution)** 이에요.
#
# $$y[t] = b + \sum_{i=0}^{8} w[i] \, x[t + i - 4]$$

# %%
kernel = signals.get_window("hann", 9, periodic=False) * np.cos(np.arange(-4, 5) * np.pi / 2)
wave = np.random.default_rng(0).normal(0, 0.05, 200)
for place in (50, 140):
    wave[place - 4 : place + 5] += kernel

padded = np.pad(wave, 4)  # 양 끝에 0을 붙여서 들어간 만큼 나오게("same")
by_hand = np.array([np.sum(kernel * padded[t : t + 9]) for t in range(len(wave))])
by_torch = functional.conv1d(torch.tensor(wave)[None, None], torch.tensor(kernel)[None, None], padding="same")[0, 0]
say(f"직접 계산한 값과 라이브러리의 가장 큰 차이: {np.abs(by_hand - by_torch.numpy()).max():.0e}")

figure, axes = plots.new_figure(3, height_in=4.8)
plots.draw_line(axes[0], wave, SAMPLE_RATE)
plots.draw_stems(axes[1], kernel, SAMPLE_RATE, colour=ORANGE)
plots.draw_line(axes[2], by_hand, SAMPLE_RATE)
axes[1].set_xlim(axes[0].get_xlim())
for panel, title in zip(axes, ("wave", "kernel", "wave * kernel"), strict=True):
    finish(panel, x="", title=title)
finish(axes[2], x="Time (ms)")
show(
    figure,
    "위는 똑같은 짧은 딱 소리가 두 곳에 있는 지저분한 파형, 가운데는 숫자 아홉 개짜리 커널, 아래는 결과예요. "
    "딱 소리가 있는 바로 그 자리에 뚜렷한 봉우리가 둘 있어요.",
)

# %% [markdown]
# 파형이 무늬와 닮은 곳에서 결과가 커져요. **그곳이 어디든** 상관없어요. 그래서 숫자 아홉 개면 8,000곳에 다 쓸 수 있어요. 신경망에서는 아무도
# 무늬를 골라 주지 않아요. 아무 값에서나 시작해서 스스로 배워요. (수학에서는 커널을 먼저 뒤집지만 신경망에서는 그냥 써요.)
#
# 한 층(layer)에는 커널이 여러 개 있고, 이것을 **필터(filter)** 라고 불러요. 그 뒤에 작은 단계가 두 개 와요. **ReLU** 는 음수를 0으로 바꿔요. 이것이
# 없으면 여러 층이 한 층과 다를 바 없어져요. **최대 풀링(max-pooling)** 은 이웃한 두 값 가운데 큰 것만 남겨서 다음 층이 두 배 넓게 보게 해요.

# %%
relu = np.maximum(by_hand, 0)
pooled = relu.reshape(-1, 2).max(axis=1)

figure, axes = plots.new_figure(2, height_in=3.8)
plots.draw_line(axes[0], relu, SAMPLE_RATE)
plots.draw_line(axes[1], pooled, SAMPLE_RATE / 2)
finish(axes[0], x="", title=f"after ReLU: {len(relu)} numbers")
finish(axes[1], title=f"after max-pooling: {len(pooled)} numbers")
show(
    figure,
    "위는 음수를 모두 0으로 바꾼 결과, 아래는 풀링한 결과. 숫자는 절반이 됐지만 봉우리는 그대로 있어요.",
)

# %% [markdown]
# ## 강좌의 신경망
#
# 블록 네 개에 합성곱이 2, 2, 3, 3개씩 있고 필터는 32, 64, 128, 256개, 너비는 9예요. 합성곱마다 ReLU가, 블록마다 최대 풀링이 뒤따라요. 그다음
# 모든 값을 한 줄로 펴고 *드롭아웃(dropout)*, 256칸짜리 밀집층(dense layer), *배치 정규화(batch normalisation)* 를 거쳐 라벨마다 값 하나를
# 내요. 이 값을 **로짓(logit)** 이라고 해요.
#
# 아직 아무것도 배우지 않은 신경망에도 가중치의 시작 값은 있어야 해요. 그 값은 라이브러리마다 달라요. 원래 강좌는 **Keras**를 썼어요. 가중치는
# $-a$와 $a$ 사이에서 고르게 뽑고 편향은 0으로 둬요. $a = \sqrt{6 / (n + m)}$이에요(Glorot과 Bengio, 2010). $n$은 출력 하나에 들어가는 숫자의
# 개수, $m$은 숫자 하나가 들어가는 출력의 개수예요. PyTorch의 기본값은 다르지만 `CourseNet`은 Keras처럼 시작해요. 우리의 작은 신경망에는 He
# 외(2015)의 시작 값을 줘요. ReLU가 버리는 것까지 셈에 넣어서 가중치가 더 커요. 시작 값들은 5과에서 서로 견줘 봐요.

# %%
with torch.device("meta"):  # 숫자 없이 모양만: 비용이 들지 않아요
    full = CourseNet((8_000,), 12, dimensions=1, skip=False)


def small_network(seed):
    """층은 같고 필터는 8분의 1. 시작 값은 He 외(2015)의 방법대로."""
    torch.manual_seed(seed)
    network = CourseNet((8_000,), len(labels), dimensions=1, skip=False, filters=4, dense=64)
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


network = small_network(0)
table = [
    f"| {name} | {parameters(one):,} | {macs(one, (8_000,)) / 1e6:,.0f} |"
    for name, one in (("강좌의 것", full), ("우리 것", network))
]
say("\n".join(["| 신경망 | 매개변수(parameters) | 클립당 곱셈, 백만 번 |", "|---|---:|---:|", *table]))

# %% [markdown]
# 원래 크기의 신경망은 GPU가 있거나 하룻밤을 기다릴 수 있는 사람의 것이에요. 우리 것은 층이 똑같고 1~2분이면 끝나요. 클립 하나를 따라가 볼까요?
# 길고 가늘던 것이 짧고 굵어져요.

# %%
x = torch.from_numpy(store.clip(0))[None, None]
sees, step = 1, 1
shapes = [x.shape[1:]]
for block in network.blocks:
    assert isinstance(block, ConvBlock)
    for layer in block.convolutions:
        sees += step * 8 if isinstance(layer, nn.Conv1d) else 0  # 너비가 9면 이웃이 8개 늘고 ...
    sees, step = sees + step, 2 * step  # ... 풀링하면 이웃 사이가 두 배로 벌어져요
    with torch.inference_mode():
        x = block(x)
    shapes.append(x.shape[1:])
    say(
        f"{tuple(x.shape[1:])}: 채널 {x.shape[1]}개, 순간 {x.shape[2]:,}개. 숫자 하나가 소리를 {1_000 * sees / SAMPLE_RATE:.0f} ms만큼 봐요"
    )

figure, (axes,) = plots.new_figure(height_in=2.8)
axes.barh(range(5), [s[1] for s in shapes], height=[0.12 + 0.022 * s[0] for s in shapes], color=BLUE)
for row, s in enumerate(shapes):
    axes.text(s[1] + 120, row, f"{s[0]} x {s[1]:,}", va="center", color=GREY)
axes.set_yticks(range(5), ["wave", "block 1", "block 2", "block 3", "block 4"])
axes.set_xlim(0, 9_600)
axes.invert_yaxis()
finish(axes, x="Moments")
show(
    figure,
    "막대 다섯 개. 아래로 갈수록 길이는 절반이 되고 굵어져요. 숫자 8,000개인 채널 1개에서 500개인 채널 32개가 돼요.",
)

# %% [markdown]
# ## 얼마나 틀렸나? 손실
#
# 로짓 $z$는 아무 숫자나 될 수 있어요. **소프트맥스(softmax)** 는 로짓을 모두 더해 1이 되는 몫으로 바꿔요. **교차 엔트로피(cross-entropy)** 는 그 가운데
# *맞는* 라벨의 몫 $p_k$만 봐요.
#
# $$p_j = \frac{e^{z_j}}{\sum_i e^{z_i}}, \qquad \text{loss} = -\ln p_k = -z_k + \ln \sum_i e^{z_i}$$

# %%
logits, right_label = np.array([2.0, -1.0, 0.5, 0.0]), 0
shares = np.exp(logits) / np.exp(logits).sum()
by_library = functional.cross_entropy(torch.tensor(logits)[None], torch.tensor([right_label])).item()
say(
    f"몫: {', '.join(f'{p:.3f}' for p in shares)}. 직접 계산한 손실 {-np.log(shares[right_label]):.4f}, 라이브러리 {by_library:.4f}"
)
say(
    f"아무것도 모르는 신경망은 라벨 {len(labels)}개에 같은 몫을 줘요. 이때 손실은 ln {len(labels)} = {np.log(len(labels)):.3f}"
)

huge = torch.tensor([[1_000.0, 0.0]])
with np.errstate(over="ignore", invalid="ignore"):
    broken = np.exp(1_000.0) / (np.exp(1_000.0) + 1)
say(
    f"라이브러리가 몫이 아니라 로짓을 받는 까닭: 로짓이 1,000일 때 식을 그대로 계산하면 {broken}, `cross_entropy`는 {functional.cross_entropy(huge, torch.tensor([0])):.1f}"
)

figure, (axes,) = plots.new_figure(height_in=2.8)
p = np.linspace(0.01, 1, 200)
axes.plot(p, -np.log(p), color=BLUE)
axes.axvline(1 / len(labels), color=GREY, linestyle="--", linewidth=1)
finish(axes, x="Share given to the right label", y="Loss")
show(
    figure,
    "맞는 라벨의 몫에 따른 손실. 몫이 1이면 0이고, 몫이 0에 가까워지면 가파르게 커져요. 점선은 그냥 찍을 때예요.",
)

# %% [markdown]
# 자신 있게 틀렸을 때 가장 큰 값을 치러요.
#
# ## 한 걸음씩 배우기
#
# 컴퓨터는 가중치마다 어느 쪽으로 움직여야 손실이 줄어드는지 계산해요. 이것을 *기울기(gradient)* 라고 해요. 그리고 그쪽으로 아주 조금 움직여요.
# 다섯 줄이면 다예요.

# %%
trial = small_network(1)
optimiser = torch.optim.Adam(trial.parameters(), lr=1e-3)
rows = np.arange(0, len(examples["train"]), len(examples["train"]) // 16)[:16]
sound = torch.from_numpy(audio.from_int16(examples["train"].batch(rows)))
target = torch.from_numpy(examples["train"].labels[rows])
losses = []
for _ in range(15):
    optimiser.zero_grad()  # 지난 기울기를 지우고
    loss = functional.cross_entropy(trial(sound), target)  # 얼마나 틀렸나?
    loss.backward()  # 가중치마다 어느 쪽이 나은가?
    optimiser.step()  # 그쪽으로 작은 한 걸음
    losses.append(loss.item())

figure, (axes,) = plots.new_figure(height_in=2.6)
axes.plot(range(1, len(losses) + 1), losses, "o-", color=BLUE)
axes.set_ylim(bottom=0)
finish(axes, x="Step", y="Loss", title="16 clips, learnt by heart")
show(figure, f"같은 클립 16개로 {len(losses)}걸음 배우는 동안 손실이 {losses[0]:.2f}에서 {losses[-1]:.2f}로 내려가요.")
say(f"클립 16개의 손실: 처음에는 {losses[0]:.2f}, {len(losses)}걸음 뒤에는 **{losses[-1]:.2f}**")

# %% [markdown]
# 잘 배우네요. 조금 지나치게요. 이 클립 16개는 이제 외워 버렸어요. *단어*를 아는지는 다른 클립만이 알려 줄 수 있어요. 라이브러리의 `fit`은 똑같은 다섯
# 줄을 학습 클립 전체에 대해 한 묶음(batch)씩 되풀이해요. 한 바퀴를 **에폭(epoch)** 이라고 하는데, 에폭이 끝날 때마다 처음 듣는 사람들의 **검증**
# 클립으로 손실을 재요.

# %%
recipe = Recipe(batch=32, shards=2, learning_rate=2e-3, schedule="one_cycle", patience=9)
folder = Path(tempfile.mkdtemp())
whole = Network(FrontEnd(WAVEFORM), network)
history = fit(whole, examples, recipe, Budget(2 if quick() else 9), seed=0, folder=folder)
for epoch in history:
    say(
        f"에폭 {epoch.epoch}: 학습 손실 {epoch.train_loss:.2f}, 검증 손실 {epoch.validation_loss:.2f}, 검증 정확도 {epoch.validation_accuracy:.0%}"
    )

figure = plots.draw_curves(
    train_loss=[e.train_loss for e in history],
    validation_loss=[e.validation_loss for e in history],
    train_accuracy=[e.train_accuracy for e in history],
    validation_accuracy=[e.validation_accuracy for e in history],
)
last = history[-1]
show(
    figure,
    f"왼쪽은 에폭에 따른 손실, 오른쪽은 정확도. 학습과 검증을 함께 그렸어요. 마지막에 학습은 {last.train_accuracy:.0%}, 검증은 "
    f"{last.validation_accuracy:.0%}이고 둘 사이가 칠해져 있어요.",
)

# %% [markdown]
# ## 과적합
#
# 두 곡선을 함께 읽으세요. 두 손실이 같이 내려가면 단어들의 공통점을 배우는 중이에요. 학습 손실은 계속 내려가는데 검증 손실이 멈추거나 올라가면
# *이 클립들*을 외우는 중이에요. 이것이 **과적합(overfitting)** 이고, 칠해진 틈이 그 정도를 나타내요. 클립을 늘리거나, 매번 조금씩 바꿔
# 주거나(9과), 가중치를 줄이거나, 드롭아웃을 쓰면 나아져요. 그리고 제때 멈추는 것도 방법이에요.
#
# 학습 중간에 검증 곡선이 튄다면 그것은 다른 일이에요. 학습률(learning rate)은 올라갔다가 내려가는데, 걸음이 가장 클 때는 배치 정규화가 나중에 쓰려고 모아
# 두는 평균이 가중치를 따라가지 못해요. 걸음이 작아지는 끝 무렵에는 곡선이 잔잔해져요.

# %%
best = min(history, key=lambda e: e.validation_loss)
say(f"가장 낮은 검증 손실: 에폭 {len(history)}번 가운데 {best.epoch}번째의 {best.validation_loss:.2f}")
say(f"마지막 정확도의 틈, 학습 빼기 검증: **{100 * (last.train_accuracy - last.validation_accuracy):.0f}점**")

# %% [markdown]
# ## 체크포인트
#
# 그래서 `fit`은 검증 손실이 지금까지 가운데 가장 낮을 때마다 가중치를 파일에 적어요. 이것을 **체크포인트(checkpoint)** 라고 해요. 전기가 나갔을 때도
# 이 파일 덕분에 살아남아요. 새 신경망에 불러오면 같은 신경망이 돼요.

# %%
again = small_network(99)  # 다른 숫자들을 ...
checkpoint.unpack("body", again, checkpoint.load(folder / KEPT).tensors)  # ... 파일에 적힌 숫자로 바꿔요
with torch.inference_mode():
    difference = (again.eval()(sound) - network.eval()(sound)).abs().max().item()
say(
    f"남긴 것: 에폭 {kept_epoch(history, recipe)}, {(folder / KEPT).stat().st_size / 1e6:.1f} MB. 로짓의 가장 큰 차이: {difference:.0e}"
)
shutil.rmtree(folder, ignore_errors=True)  # 뒷정리

# %% [markdown]
# ## 얼마나 잘하나? 시험
#
# 이제 시험 클립을 볼 차례예요. 딱 한 번이에요.


# %%
def logits_of(samples):
    """소리 (클립, 8000)의 로짓 (클립, 라벨)."""
    with torch.inference_mode():
        return torch.cat([network.eval()(torch.from_numpy(part)) for part in np.array_split(samples, 8)])


test_sounds = audio.from_int16(examples["test"].batch(np.arange(len(examples["test"]))))
truth = examples["test"].labels
scores = logits_of(test_sounds).softmax(dim=1).numpy()
answers = scores.argmax(axis=1)
right = int((answers == truth).sum())
low, high = metrics.wilson_interval(right, len(truth))
say(
    f"시험 클립 {len(truth)}개 가운데 {right / len(truth):.1%}를 맞혔어요(95 % 구간: {low:.1%}에서 {high:.1%}). 찍으면 {1 / len(labels):.0%}예요."
)
show(
    plots.draw_confusion(metrics.confusion_matrix(truth, answers, len(labels)), labels.labels),
    f"혼동 행렬(confusion matrix). 가로줄은 실제로 말한 단어, 세로줄은 대답이에요. 맞힌 답인 대각선에 클립 {len(truth)}개 가운데 {right}개가 있어요.",
)

# %% [markdown]
# 대각선 밖에서 가장 큰 숫자를 찾아보세요. 그 두 단어는 모음이 닮았나요? 맞힌 클립 하나와, 가장 자신 있게 틀린 클립 하나를 들어 볼게요.

# %%
surest = scores.max(axis=1)
for wanted, name in ((answers == truth, "맞음"), (answers != truth, "틀림")):
    if wanted.any():
        i = int(np.argmax(np.where(wanted, surest, -1)))
        listen(
            test_sounds[i],
            SAMPLE_RATE,
            f"{name}: {labels.labels[truth[i]]!r}라고 말했고 {labels.labels[answers[i]]!r}로 들었어요 ({surest[i]:.0%})",
        )

figure, (axes,) = plots.new_figure(height_in=2.6)
axes.bar(labels.labels, scores[i], color=[BLUE if k == truth[i] else GREY for k in range(len(labels))], width=0.6)
axes.set_ylim(0, 1)
finish(axes, y="Share (softmax)", title="the last clip heard")
show(
    figure,
    "단어마다 막대 하나. 방금 들은 클립에 신경망이 준 몫이에요. 실제로 말한 단어가 파란색이에요.",
)

# %% [markdown]
# ## 바꾸고 예측하기
#
# 합성곱은 무늬가 어디에 있든 찾아내요. 그렇다면 1초 가운데 *언제* 말하는지는 상관없을까요? 블록 뒤에는 순간마다 따로 가중치를 둔 밀집층이 있어요. 시험
# 클립을 모두 오른쪽으로 `shift_ms`만큼 옮겨 볼게요. **정확도는 그대로일까요, 조금 떨어질까요, 찍는 수준까지 떨어질까요?** 적어 두고 실행한 다음 0, 20,
# 300, -200도 해 보세요.

# %%
my_prediction = "..."  # 예: "그대로다, 합성곱은 자리를 따지지 않으니까"
shift_ms = 200  # 바꿔 보세요

moved = np.roll(test_sounds, round(shift_ms * SAMPLE_RATE / 1_000), axis=1)
moved_right = int((logits_of(moved).argmax(dim=1).numpy() == truth).sum())
low, high = metrics.wilson_interval(moved_right, len(truth))
say(
    f'적어 둔 예측: "{my_prediction}". {shift_ms} ms 옮기면 {moved_right / len(truth):.1%}를 맞혀요({low:.1%}에서 {high:.1%}). 제자리에서는 {right / len(truth):.1%}였어요.'
)

# %% [markdown]
# 결과가 어떻든 학습 클립을 떠올려 보세요. 단어가 1초 가운데 어디쯤에 있었나요? 신경망은 단어와 함께 그 자리도 배워요. 학습 클립을 이리저리 옮겨
# 주면(*데이터 증강(augmentation)*, 9과) 나아져요.
#
# ## 연습 문제
#
# **1.** 표본 8,000개가 블록 네 개를 지나요. 블록은 길이를 그대로 두었다가 마지막에 2로 풀링해요. 몇 순간이 남나요?

# %%
answer_1 = ...

check(
    "1",
    answer_1,
    lambda: 8_000 // 2**4,
    wrong={
        1_000: "그것은 블록 세 개를 지난 뒤예요. 블록은 네 개예요.",
        2_000: "8,000 / 4, 블록의 수로 나눴네요. 블록마다 절반이 돼요.",
        250: "그것은 절반으로 다섯 번 줄였을 때예요. 네 번이에요.",
        4_000: "그것은 블록 하나를 지난 뒤예요.",
    },
    hint="절반으로 네 번 줄이세요.",
)

# %% [markdown]
# **2.** 라벨이 12개인 신경망이 아무것도 배우지 못해서 모든 라벨에 같은 몫을 줘요. 교차 엔트로피 손실은 얼마인가요?

# %%
answer_2 = ...

check(
    "2",
    answer_2,
    lambda: np.log(12),
    tolerance=0.01,
    wrong={
        0.083: "그것은 맞는 라벨의 몫 1/12이에요. 손실은 거기에 -ln을 씌운 값이에요.",
        1.079: "그것은 밑이 10인 로그예요. 교차 엔트로피는 자연로그 ln을 써요.",
        3.585: "그것은 밑이 2인 로그예요. 교차 엔트로피는 자연로그 ln을 써요.",
        0: "0이라면 언제나 맞고 완전히 확신한다는 뜻이에요.",
        -2.485: "-ln(1/12)은 양수예요. 1보다 작은 수의 로그는 음수이고, 앞의 빼기가 그것을 뒤집어요.",
    },
    hint="맞는 라벨의 몫에 -ln을 씌우세요",
)

# %% [markdown]
# **3.** 강좌의 첫 층은 채널 하나에 너비 9인 필터가 32개예요. 배우는 숫자는 몇 개인가요? (필터마다 편향(bias) $b$도 하나 있어요.)

# %%
answer_3 = ...

check(
    "3",
    answer_3,
    lambda: sum(p.numel() for p in full.blocks[0].convolutions[0].parameters()),
    wrong={
        288: "32 x 9는 가중치예요. 필터 32개에는 편향도 하나씩 있어요.",
        289: "편향은 모두 합쳐 하나가 아니라 필터마다 하나예요.",
        41: "32 + 9, 필터마다 가중치가 아홉 개씩 있으니 곱해야 해요.",
        2_560_000: "그것은 순간마다 가중치를 따로 둘 때예요. 필터는 미끄러지면서 같은 아홉 개를 어디에나 써요.",
    },
    hint="필터 하나의 가중치 수에 편향을 더하고, 필터 수를 곱하세요",
)

# %% [markdown]
# ## 참고 자료
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", *Proceedings of the IEEE* 86, 1998,
#   doi:10.1109/5.726791: 합성곱 신경망의 시작이에요.
# - W. Dai, C. Dai, S. Qu, J. Li, S. Das, "Very deep convolutional neural networks for raw waveforms", 2016, arXiv:1610.00087: 파형을 바로 읽는 깊은
#   신경망이에요.
# - X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", *AISTATS* 2010.
#   K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", 2015, arXiv:1502.01852: 가중치를 어떤 값에서 시작할지 다뤄요. 왜 중요한지는 5과에서
#   재요.
# - N. Srivastava 외, "Dropout: a simple way to prevent neural networks from overfitting", *JMLR* 15, 2014. S. Ioffe, C. Szegedy, "Batch normalization", 2015,
#   arXiv:1502.03167.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, MIT Press 2016, deeplearningbook.org: 6장에서 9장까지예요.
#
# 다음은 [5. 건너뛰기 연결](05_skip_connections.py)이에요. 층을 건너뛰는 전선 하나가 정말 도움이 되는지 알아내는 방법을 배워요.
