# %% [markdown]
# # 9. 사람들이 쓰는 신경망
#
# **조용한 실험실에서 또렷하고 큰 목소리를 들려주면 신경망이 거의 다 맞혀요. 그런데 누군가 그것을 부엌에 가져갔어요. 정말로
# 쓸 수 있는 인식기가 되려면 무엇이 더 필요할까요?**
#
# 이 수업에서는 hanmadi의 작은 신경망을 1분쯤 직접 학습해요. 그리고 잡음 속에서, 아무 말도 없을 때, 한 번도 배운 적 없는
# 단어를 들었을 때 어떻게 하는지 알아봐요.
#
# *읽는 데 30분쯤, 실행하는 데 2~3분 걸려요. 7과와 8과에 이어지는 내용이에요. GPU도 마이크도 없어도 돼요.*

# %%
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import hanmadi
from hanmadi import audio, features, plots, runs
from hanmadi.audio.reverb import Room, reverberate, room_response
from hanmadi.augment import augmentations
from hanmadi.data.examples import make_examples
from hanmadi.evaluation.evaluation import evaluate_clips, evaluate_synthetic_silence, scores_of_rows
from hanmadi.evaluation.metrics import wilson_interval
from hanmadi.export.onnx import export_onnx
from hanmadi.inference import model_file
from hanmadi.labels import COURSE_KEYWORDS, UNKNOWN, make_labels
from hanmadi.lessons.toolkit import check, lesson_data, listen, quick, say, show
from hanmadi.models import architecture
from hanmadi.models.cost import macs, parameters
from hanmadi.plots.style import BLUE, GREY, ORANGE, finish
from hanmadi.training.budget import Budget
from hanmadi.training.loop import fit
from hanmadi.training.state import new_network

rng = np.random.default_rng(9)
SMALL = architecture("small")
store = lesson_data(words=COURSE_KEYWORDS, others=True, sample_rate=SMALL.features.sample_rate, most=2_800)
labels = make_labels(store.words[: len(COURSE_KEYWORDS)])
say(f"클립 {len(store):,}개, 단어 {len(store.words)}가지. 라벨: {', '.join(labels.labels)}.")

# %% [markdown]
# ## 일부러 작게
#
# 앞에서 본 신경망들은 휴대 전화나 라즈베리 파이에 넣기에는 너무 커요. 8과에서 까닭을 보았죠. 줄은 매개변수(parameter)를,
# 그림은 곱셈을 많이 써요. `small`은 두 쪽에서 좋은 것만 가져왔어요.
#
# 1. 빈 130개 대신 로그멜(log-mel) 40개에서 시작해요(7과).
# 2. **2차원** 합성곱(convolution) 몇 개가 모양을 찾고, 주파수 축만 줄여요.
# 3. 남은 주파수를 모두 채널(channel)로 접어 넣고 **1차원** 합성곱이 시간을 따라가요. 그래서 모든 주파수를 한꺼번에 봐요.
# 4. 합성곱은 모두 *분리형*(separable)이에요. 먼저 채널마다 따로, 그다음 한 점에서 모든 채널을 섞어요. 채널 64개, 프레임 9개라면
#    한 점의 곱셈이 $64\cdot 64\cdot 9 = 36{,}864$번에서 $64\cdot 9 + 64\cdot 64 = 4{,}672$번으로 줄어요.


# %%
def described(name):
    chosen = architecture(name)
    with torch.device("meta"):  # 생김새만 적고 계산하지는 않아요
        network = chosen.build(chosen.features.shape, len(labels))
    return parameters(network), macs(network, chosen.features.shape)


costs = {name: described(name) for name in ("tiny", "small", "wave_cnn", "spectrogram_cnn2d", "spectrogram_cnn1d")}
say(
    "\n".join(
        [
            "| 신경망 | 매개변수 | 클립당 MAC |",
            "|---|---:|---:|",
            *(f"| {name} | {n:,} | {m / 1e6:,.1f} M |" for name, (n, m) in costs.items()),
        ]
    )
)
figure, panels = plots.new_figure(1, 2, height_in=3.2, title="What a network costs (each line is ten times more)")
for axes, place, name in zip(panels, (0, 1), ("Parameters", "MACs a clip"), strict=True):
    axes.barh(list(costs), [cost[place] for cost in costs.values()], color=[BLUE, BLUE, GREY, GREY, GREY])
    axes.set_xscale("log")
    finish(axes, x=name)
panels[1].set_yticks([])
show(
    figure,
    "로그 눈금의 막대. tiny와 small은 앞의 신경망들보다 매개변수는 수백 배, 곱셈은 천 배 넘게 적어요.",
)

# %% [markdown]
# ## 녹음 하나로 클립 천 개
#
# 단어 하나에 녹음 몇백 개는 많은 것이 아니에요. 하지만 우리는 무엇이 달라져도 같은 단어인지 알아요. *언제* 말했는지, 얼마나
# 크게, 어떤 잡음 속에서, 어떤 방에서 말했는지는 달라져도 돼요. 그래서 클립을 학습에 쓸 때마다 새로 바꿔 줘요. 이것이 **데이터
# 증강**(augmentation)이에요. 클립 하나가 어떻게 달라지는지 들어 보세요.

# %%
rate = store.sample_rate
clip = store.clip(int(np.flatnonzero(store.word == 0)[0]))[None]  # 클립 하나짜리 배치
noise = (
    audio.from_int16(store.noise(0))[None, : store.clip_samples]
    if store.noise_names
    else rng.normal(size=clip.shape).astype(np.float32)
)
room = room_response(Room(rt60_s=0.8, distance_m=2.5), sample_rate=rate, length=rate, rng=rng)

altered = {
    "as recorded": clip,
    "shifted": augmentations.shift(clip, most=2_000, rng=np.random.default_rng(1)),
    "30 dB quieter": augmentations.change_gain(clip, gain_db=(-30, -30), rng=rng),
    "noise at 5 dB": augmentations.mix_at_snr(clip, noise, snr_db=5.0),
    "in a room": reverberate(clip, room[None]),
}
pictures = {name: features.compute(samples[0], SMALL.features) for name, samples in altered.items()}
masked = augmentations.augment_features(
    pictures["as recorded"].T[None], config=SMALL.recipe.augmentation, rng=np.random.default_rng(5)
)
pictures["stretched and masked"] = masked[0].T

for name, samples in altered.items():
    listen(samples[0], rate, f"같은 클립: {name}", keep_level=True)
figure, panels = plots.new_figure(2, 3, height_in=5.4, title=f'"{store.words[0]}" six times, as log-mel')
for axes, (name, picture) in zip(panels, pictures.items(), strict=True):
    axes.imshow(picture, origin="lower", aspect="auto", cmap=plots.COLOUR_MAP, vmin=-2, vmax=2)
    finish(axes, title=name)
    axes.grid(visible=False)
show(
    figure,
    "클립 하나의 로그멜 여섯 장. 녹음 그대로, 시간이 밀린 것, 작아져서 어두운 것, 잡음에 덮인 것, 방 울림으로 오른쪽이 번진 것, 늘이고 띠를 가린 것.",
)

# %% [markdown]
# 마지막 것은 소리가 아니라 그림을 바꿔요. 시간과 주파수의 띠 몇 개를 가려서(*SpecAugment*) 신경망이 한 곳에만 매달리지 못하게
# 해요.
#
# 잡음이 얼마나 센지는 **신호 대 잡음비**(signal-to-noise ratio, SNR)로 말해요. 둘의 평균 파워 $P$로 구하고 단위는 데시벨이에요.
#
# $$\mathrm{SNR} = 10 \log_{10}\frac{P_\text{word}}{P_\text{noise}}$$
#
# ## 누구는 들이고 누구는 돌려보낼까요?
#
# 키워드 열 개, 그리고 장난감과 도구를 가르는 라벨 두 개가 있어요.
#
# * `unknown`: 그 밖의 모든 단어예요. 학습할 때 다른 단어를 많이 들려주지만 사람들은 또 다른 말을 하겠죠. 그래서 **단어 여섯
#   개는 학습에 쓰지 않고 남겨 둬요**. 아무도 미리 생각하지 못한 단어가 어떻게 되는지 나중에 볼 거예요.
# * `silence`: 아무 말도 없는 소리예요. 0이 아니라 *잡음*으로 만들어요. 조용하면 0이라고 배운 신경망은 냉장고 소리를 단어로
#   알거든요.

# %%
examples = make_examples(store, labels, split_method="speaker", holdout=0.2)
never_heard = store.words[len(labels.keywords) + 2 :: 10][:6] if len(store.words) > len(labels.keywords) + 12 else ()
is_new = np.isin(store.word, [store.words.index(word) for word in never_heard])

known = examples["train"]
kept = ~is_new[known.rows]
training = replace(
    known, rows=known.rows[kept], labels=np.concatenate([known.labels[: len(kept)][kept], known.labels[len(kept) :]])
)
say(
    f"학습 클립 {len(training.rows):,}개와 만든 silence {training.made}개. 학습에 쓰지 않은 단어: {', '.join(never_heard) or '없음 (다른 단어가 너무 적어요)'}."
)

# %% [markdown]
# ## 학습
#
# 데이터 증강을 한 것과 하지 않은 것, 두 번 학습해요. 나머지는 모두 같아요. 에포크(epoch)는 데이터를 한 바퀴 도는 것이에요.
# 학습률(learning rate)은 올라갔다가 0까지 내려가고, 가중치의 이동 평균을 남겨요.

# %%
EPOCHS = 2 if quick() else 24
folder = Path(tempfile.mkdtemp(prefix="lesson9-"))


def train(name, recipe):
    network = new_network(SMALL, len(labels), seed=0)
    started = time.perf_counter()
    history = fit(network, examples | {"train": training}, recipe, Budget(EPOCHS), folder=folder / name, seed=0)
    card = {
        "format": model_file.FORMAT,
        "labels": list(labels.labels),
        "sample_rate": rate,
        "clip_samples": store.clip_samples,
    }
    export_onnx(folder / name / runs.FILE_NAME, SMALL.features, network.body, card)
    say(
        f"{name}: 클립 {history[-1].examples:,}개를 {time.perf_counter() - started:.0f}초 동안, 검증 정확도 {history[-1].validation_accuracy:.1%}."
    )
    return history, hanmadi.load(folder / name)


history, recognizer = train("augmented", SMALL.recipe)
_, plain = train("plain", replace(SMALL.recipe, augment=False))

figure = plots.draw_curves(
    train_loss=[e.train_loss for e in history], validation_loss=[e.validation_loss for e in history],
    train_accuracy=[e.train_accuracy for e in history], validation_accuracy=[e.validation_accuracy for e in history],
    title="The augmented training",
)  # fmt: skip
show(
    figure,
    "에포크에 따른 손실과 정확도. 학습 클립은 바꾸어 들려주고 검증 클립은 그대로 들려주기 때문에, 많은 구간에서 검증 곡선이 학습 곡선보다 좋아요.",
)

# %% [markdown]
# 이상하지 않나요? 검증이 학습보다 *좋아요*. 학습 클립은 일부러 어렵게 만들었고 검증 클립은 녹음 그대로라서 그래요.
#
# ## 얼마나 잘할까요?
#
# 시험 클립은 학습에서 한 번도 듣지 못한 사람들의 것이에요. 구간이 없는 정확도는 반쪽짜리 숫자예요.

# %%
rows = examples["test"].rows
rows = rows[~is_new[rows]]
result, plain_result = evaluate_clips(recognizer, store, rows, "test"), evaluate_clips(plain, store, rows, "test")
for name, found in (("augmented", result), ("plain", plain_result)):
    say(
        f"{name}: 클립 {found.clips}개 가운데 **{found.accuracy:.1%}** (95 % 구간 {found.interval.low:.1%}~{found.interval.high:.1%})."
    )
show(
    plots.draw_confusion(result.confusion, labels.labels),
    "데이터를 증강한 신경망의 혼동 행렬(confusion matrix). 행은 실제로 말한 것, 열은 답이고, 대부분이 대각선에 있어요. 행마다 맞힌 비율이 오른쪽에 적혀 있어요.",
)

# %% [markdown]
# 데이터 증강을 하지 않은 쪽(plain)이 이겼나요? 이렇게 짧게 학습했을 때는 이상한 일이 아니에요. 쉬운 것만 배웠고 이 시험도 쉬우니까요.
# 잡음이 나올 때까지 기다려 보세요.
#
# 합성 음성은 현실보다 쉬워요. 목소리가 깨끗하고 몇십 가지뿐이거든요. 실제 녹음(`--data`)에서는 이보다 낮을 거예요.
#
# ## 아무 말 없을 때와 모르는 단어
#
# 시연에서는 절대 보여 주지 않는 것을 물어볼게요. 잡음, 0으로만 된 소리, 배운 다른 단어, 그리고 남겨 둔 단어예요.


# %%
def share(name, hits, count):
    low, high = wilson_interval(hits, count)
    say(f"{name}: {count}개 가운데 {hits}개 맞음 (95 % 구간 {low:.0%}~{high:.0%}).")
    return name, hits / count, low, high


def called(rows, label):
    """저장소의 이 클립들 가운데 몇 개를 ``label``이라고 답하는지."""
    return int((scores_of_rows(recognizer, store, rows).argmax(axis=1) == labels.labels.index(label)).sum())


keyword_hits = result.truth < len(labels.keywords)
bars = [share("keywords", int((result.predicted == result.truth)[keyword_hits].sum()), int(keyword_hits.sum()))]
others = rows[~np.isin(store.word[rows], range(len(labels.keywords)))]
strangers = np.flatnonzero(is_new)
for name, some in (("other words", others), ("never heard", strangers)):
    if len(some):
        bars.append(share(name, called(some, UNKNOWN), len(some)))
made, made_right = evaluate_synthetic_silence(recognizer, examples["test"])
bars.append(share("noise", made_right, made))

zeros = recognizer.predict(np.zeros(store.clip_samples, np.float32), sample_rate=rate)
say(f"0뿐인 1초는 {zeros.label}(이)라고 답했어요 (점수 {zeros.score:.0%}).")
figure, (axes,) = plots.new_figure(height_in=3.2, title="Called what they are")
for place, (_, middle, low, high) in enumerate(bars):
    axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=7, alpha=0.35, solid_capstyle="round")
    axes.scatter(100 * middle, place, color=BLUE, zorder=4)
axes.set_yticks(range(len(bars)), [name for name, *_ in bars])
axes.set_xlim(0, 101)
axes.invert_yaxis()
finish(axes, x="Right (%), with 95 % interval")
show(
    figure,
    "점 네 개와 구간: 키워드, 다른 단어, 들어 본 적 없는 단어, 잡음. 숫자는 위에 적혀 있어요.",
)

if len(strangers):
    wrong = strangers[scores_of_rows(recognizer, store, strangers).argmax(axis=1) < len(labels.keywords)]
    for row in wrong[:2]:
        answer = recognizer.predict(store.clip(int(row)), sample_rate=rate)
        listen(
            store.clip(int(row)),
            rate,
            f'"{store.words[store.word[row]]}"을(를) "{answer.label}"(으)로 들음 (점수 {answer.score:.0%})',
        )

# %% [markdown]
# *다른 단어*(other words)와 *들어 본 적 없는 단어*(never heard)를 견주어 보세요. 차이가 있다고 말하기 전에 구간이 얼마나 넓은지도
# 보고요. 단어를 돌려보내는지는 들어 본 적이 있는지뿐 아니라 키워드와 얼마나 닮았는지에도 달려 있어요. 정말 중요한 숫자는
# *들어 본 적 없는 단어*예요. 하루 동안 오가는 말에서는 거의 모든 단어가 그렇거든요. 하루치 말소리는 10과에서 다뤄요.
#
# ## 잡음
#
# 시험용 잡음 녹음에 시험 클립을 섞어요. 이 잡음도 학습에서는 듣지 못했어요. 깨끗한 클립에서 시작해 잡음이 단어만큼, 그보다 더
# 세질 때까지 두 신경망은 어떻게 될까요?

# %%
LEVELS = (20.0, 10.0, 5.0, 0.0, -5.0)  # dB SNR
few = rows[keyword_hits][:: 4 if quick() else 1]
clean = audio.from_int16(store.samples(few))
truth = store.word[few]
behind = examples["test"].noise.draw(len(few), rng=rng)


def accuracy_at(model, snr_db):
    noisy = np.clip(augmentations.mix_at_snr(clean, behind, snr_db=snr_db), -1, 1)
    scores = np.concatenate([model.scores(part) for part in np.array_split(noisy, -(-len(noisy) // 16))])
    return int((scores.argmax(axis=1) == truth).sum())


figure, (axes,) = plots.new_figure(height_in=3.8, title=f"{len(few)} keywords in noise")
for name, model, colour in (("augmented", recognizer, BLUE), ("plain", plain, ORANGE)):
    hits = np.array([accuracy_at(model, snr_db) for snr_db in LEVELS])
    ends = 100 * np.array([wilson_interval(int(hit), len(few)) for hit in hits])
    axes.fill_between(LEVELS, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
    axes.plot(LEVELS, 100 * hits / len(few), color=colour, marker="o", label=name)
    say(f"{name}: " + ", ".join(f"{snr:g} dB {hit / len(few):.0%}" for snr, hit in zip(LEVELS, hits, strict=True)))
axes.invert_xaxis()
axes.set_ylim(0, 100)
plots.add_legend(axes)
finish(axes, x="Signal-to-noise ratio (dB): noisier to the right", y="Right (%)")
show(
    figure,
    "두 신경망이 맞힌 비율을 신호 대 잡음비에 따라 그리고 구간을 칠했어요. 잡음이 커지는 오른쪽으로 갈수록 둘 다 떨어져요. 숫자는 위에 적혀 있어요.",
)

for snr_db in LEVELS:
    listen(augmentations.mix_at_snr(clean[:1], behind[:1], snr_db=snr_db)[0], rate, f"잡음 속의 단어, {snr_db:g} dB")

# %% [markdown]
# ## 바꾸고 예측하기
#
# 0 dB에서는 단어와 잡음의 파워가 같아요. **칸을 실행하기 전에** 생각해 보세요. -10 dB에서는 잡음의 파워가 단어의 열 배예요.
# 데이터를 증강한 신경망은 몇 퍼센트나 알아들을까요? *여러분*은요? (실행하면 먼저 들려줘요.) 라벨 열둘 가운데 찍으면 8 %쯤이에요.

# %%
my_prediction = "..."  # 퍼센트
my_snr_db = -10.0  # 바꿔 보세요

listen(augmentations.mix_at_snr(clean[:1], behind[:1], snr_db=my_snr_db)[0], rate, f"잡음 속의 단어, {my_snr_db:g} dB")
say(f'적어 둔 예측: "{my_prediction}". 신경망의 결과: **{accuracy_at(recognizer, my_snr_db) / len(few):.0%}**.')

# %% [markdown]
# ## 가지고 다니는 파일
#
# 사람들에게 나눠 주는 것은 파일 하나예요. 표본이 들어가고 점수가 나와요. 로그멜을 만드는 앞단(front-end)도 그 안에 있어서
# 휴대 전화와 노트북이 서로 다르게 계산할 일이 없어요. torch 없이도 돌아가요.

# %%
path = folder / "augmented" / runs.FILE_NAME
started = time.perf_counter()
for _ in range(50):
    recognizer.scores(clip)
per_clip_ms = 1_000 * (time.perf_counter() - started) / 50
say(
    f"`{path.name}`: **{path.stat().st_size / 1_000:.0f} kB**, 여기서 스레드 하나로 클립 하나(소리 1초)에 {per_clip_ms:.2f} ms."
)
answer = recognizer.predict(clip[0], sample_rate=rate)
say(f"앞의 클립: {', '.join(f'{label} {score:.0%}' for label, score in answer.top)}.")

# %% [markdown]
# 같은 일을 하고 보고서까지 만들어 주는 명령이 `hanmadi train`이에요. hanmadi에 들어 있는 모델들은 이렇게, 더 오래, 실제
# 녹음으로 학습했어요.
#
# ## 연습 문제
#
# **1.** 단어에 잡음을 SNR 20 dB로 섞었어요. 단어의 파워는 잡음의 몇 배일까요?

# %%
answer_1 = ...
check(
    "1", answer_1, lambda: 10 ** (20 / 10), tolerance=0.5,
    wrong={
        10: "그건 진폭의 비율이에요. 파워는 진폭의 제곱이에요",
        20: "데시벨은 로그예요. 10 dB마다 파워가 열 배가 돼요",
        2: "20 dB는 2벨이고, 1벨마다 열 배예요",
        1: "둘이 같은 것은 0 dB예요",
    },
    hint="SNR = 10 log10(비율)이니까, 비율은 10의 (SNR / 10)제곱이에요.",
)  # fmt: skip

# %% [markdown]
# **2.** `small`의 매개변수는 52,332개이고 하나를 4바이트에 담아요. 모두 몇 킬로바이트(1 kB = 1,000바이트)일까요?

# %%
answer_2 = ...
check(
    "2", answer_2, lambda: 52_332 * 4 / 1_000, tolerance=0.5, unit="kB",
    wrong={
        52.332: "그건 하나에 1바이트일 때예요",
        209_328: "바이트로는 맞아요. 1,000으로 나누세요",
        13.083: "4로 나누었네요. 하나에 4바이트씩 들어요",
        1_674.624: "그건 킬로비트예요. 1바이트는 8비트예요",
    },
    hint="매개변수 수에 바이트를 곱하고 1,000으로 나누세요.",
)  # fmt: skip

# %% [markdown]
# **3.** 시험 클립 1,000개 가운데 500개는 키워드이고 500개는 다른 단어예요. 어떤 프로그램이 무엇을 듣든 `unknown`이라고 답해요.
# 정확도(accuracy)는 얼마일까요? (0에서 1 사이의 수로)

# %%
answer_3 = ...
check(
    "3", answer_3, lambda: 500 / 1_000,
    wrong={
        0: "키워드는 하나도 못 찾지만 다른 단어는 다 맞혀요. 정확도는 모든 클립을 세요",
        1: "다른 단어만 맞혀요",
        0.0833: "그건 라벨 열둘 가운데 찍을 때예요. 이 프로그램은 찍지 않고 늘 같은 답을 해요",
        50: "퍼센트로는 맞아요. 비율은 0에서 1 사이예요",
    },
    hint="`unknown`이 정답인 클립은 어느 것일까요? (그리고 그런 프로그램을 사고 싶을까요?)",
)  # fmt: skip

# %% [markdown]
# ## 참고 자료
#
# * P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209 (2018): silence와 unknown
#   라벨
# * D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", arXiv:1904.08779
# * T. Ko, V. Peddinti, D. Povey, M. L. Seltzer, S. Khudanpur, "A study on data augmentation of reverberant speech for
#   robust speech recognition", *ICASSP* 2017, doi:10.1109/ICASSP.2017.7953152
# * A. G. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
#   arXiv:1704.04861 (2017): 분리형 합성곱
# * S. Choi et al., "Temporal convolution for real-time keyword spotting on mobile devices", arXiv:1904.03814 (2019): 주파수를
#   채널로 접어 넣기
# * Y. Zhang, N. Suda, L. Lai, V. Chandra, "Hello Edge: keyword spotting on microcontrollers", arXiv:1711.07128 (2017)
