"""The report: one page that shows the right numbers, escapes what it is given and needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import struct
import time
import wave
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanmadi.audio import Sound
from hanmadi.card import FORMAT, Accuracy, Card, HardNegatives, NegativeSpeech, Training
from hanmadi.data.scan import Note
from hanmadi.data.store import Broken, ClipStore, Recording, build_store
from hanmadi.errors import AudioError
from hanmadi.evaluation.evaluation import Evaluation
from hanmadi.evaluation.metrics import LabelScores, wilson_interval
from hanmadi.report import curves, html, mistakes, provenance
from hanmadi.report import labels as words
from hanmadi.report import summary as answer
from hanmadi.report.page import report_html, write_report

torch = pytest.importorskip("torch")
from hanmadi.runs import Epoch  # noqa: E402  # needs torch

LABELS = ("yes", "한마디", "<img src=x onerror=alert(1)>", "unknown", "silence")
VOID = {"br", "col", "img", "link", "meta"}


class Sounds:
    """A source of tones, one word each clip in turn; every fifth clip of the third word is broken."""

    name, licence = "tones", "CC0"

    def __init__(self, labels: tuple[str, ...], clips: int, rate: int, broken: int = 0) -> None:
        self.labels, self.clips, self.rate, self.n_broken = labels, clips, rate, broken

    def fingerprint(self) -> str:
        return "f00d"

    def recordings(self) -> Iterator[Recording]:
        for i in range(self.clips):
            word = self.labels[i % len(self.labels)]
            yield Recording(f'{word}/"{i}"&.wav', word, partial(self._tone, i), speaker=f"s{i % 7}")
        for i in range(self.n_broken):
            yield Recording(f"<b>{i}</b>.wav", "yes", self._fail)

    def noises(self) -> Iterator[Recording]:
        return iter(())

    def notes(self) -> tuple[Note, ...]:
        return ()

    def _tone(self, i: int) -> Sound:
        t = np.arange(self.rate) / self.rate
        return Sound((0.5 * np.sin(2 * np.pi * (200 + 37 * i) * t)).astype(np.float32), self.rate)

    def _fail(self) -> Sound:
        raise AudioError("not a <sound> file")


class Page(HTMLParser):
    """What a page is made of; raises when elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts).replace("\u00a0", " "))

    def all(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag and class_ in ["", *(a.get("class") or "").split(" ")]]


def make_store(
    path: Path, *, labels: tuple[str, ...] = LABELS, clips: int = 50, rate: int = 8_000, broken: int = 0
) -> ClipStore:
    return build_store(Sounds(labels, clips, rate, broken), path / "store", sample_rate=rate)


def make_evaluation(store: ClipStore, *, wrong: int = 10, labels: tuple[str, ...] = LABELS) -> Evaluation:
    truth = store.word.astype(np.int64)
    scores = np.full((len(store), len(labels)), 0.02, np.float32)
    answers = truth.copy()
    answers[:wrong] = (truth[:wrong] + 1) % len(labels)
    scores[np.arange(len(store)), answers] = np.linspace(0.9, 0.5, len(store))
    return Evaluation("tones", "test", labels, np.arange(len(store)), truth, scores, 40, 38, 3, len(store.broken))


def make_history(epochs: int) -> list[Epoch]:
    return [
        Epoch(e, 100 * e, 2.5 * e, 1e-3, 2 / e, 1 - 0.6 / e, 2.2 / e + 0.01 * max(0, e - 5), 1 - 0.7 / e)
        for e in range(1, epochs + 1)
    ]


def make_card(evaluation: Evaluation, *, method: str = "speaker", train: float = 0.9, augment: bool = True) -> Card:
    def split(accuracy: float, clips: int) -> dict[str, Any]:
        right = round(accuracy * clips)
        return {"clips": clips, "accuracy": right / clips, "interval": list(wilson_interval(right, clips))}

    per_label = dict.fromkeys(evaluation.labels, 10)
    counts = {"clips": 48, "made_silence": 2, "speakers": 7, "per_label": per_label}
    return Card.from_dict({
        "format": FORMAT,
        "labels": list(evaluation.labels),
        "sample_rate": 8_000,
        "clip_samples": 8_000,
        "architecture": {"name": "small", "summary": "a net", "parameters": 52_430, "macs": 2_534_000},
        "features": {"kind": "log_mel", "n_mels": 40, "sample_rate": 8_000, "high_hz": 3_800.0},
        "data": {
            "source": "tones", "licence": "CC0", "fingerprint": "f00d", "method": method, "holdout": 0.1, "seed": 3,
            "broken": 0, "splits": {"train": counts, "validation": counts, "test": counts},
        },
        "training": {
            "command": "hanmadi train --data '<tones>'", "seed": 3, "epochs": 6, "kept_epoch": 5, "examples": 600,
            "recipe": {"epochs": 6, "augment": augment, "augmentation": {"snr_db": [0.0, 30.0]}, "patience": None},
            "seconds": 125.0, "seconds_in_all": 131.0, "device": "cpu", "processors": 2, "peak_memory_mb": 812.4,
            "finished": "2025-11-22T09:40:00+00:00",
        },
        "versions": {"hanmadi": "0.1.0", "python": "3.11.2", "system": "Linux x86_64"},
        "metrics": {"train": split(0.9, 2_000), "validation": split(0.85, 1_000)},
    })  # fmt: skip


def with_training(card: Card, **changed: Any) -> Card:
    return replace(card, training=replace(card.training, **changed))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    return make_store(tmp_path_factory.mktemp("report"), broken=60)


def page_of(store: ClipStore, evaluation: Evaluation | None = None, *, epochs: int = 6, **card: Any) -> str:
    evaluation = evaluation or make_evaluation(store)
    made = make_card(evaluation, **card)
    return report_html(card=made, history=make_history(epochs), evaluation=evaluation, store=store)


# ---- the page ----


def test_the_page_is_written_whole_and_well_formed(store: ClipStore, tmp_path: Path) -> None:
    evaluation = make_evaluation(store)
    path = tmp_path / "report.html"
    write_report(path, card=make_card(evaluation), history=make_history(6), evaluation=evaluation, store=store)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert [tag for tag, _ in page.elements].count("h1") == 1
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for a in page.all("a")} == {f"#{a['id']}" for a in page.all("section")}
    assert all(a.get("alt") for a in page.all("img"))


def test_the_page_needs_nothing_else_and_allows_nothing_else(store: ClipStore) -> None:
    text = page_of(store)
    page = Page(text)
    addresses = [a[k] or "" for _, a in page.elements for k in ("src", "href") if k in a]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    # style attributes and handlers in the markup would be refused by the policy
    assert not any(k == "style" or k.startswith("on") for _, a in page.elements for k in a)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (inside,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_what_comes_from_the_data_is_text(store: ClipStore) -> None:
    page = Page(page_of(store))
    assert len(page.all("script")) == 1
    assert not any(picture.get("src") == "x" for picture in page.all("img"))
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "한마디" in page.text
    assert 'yes/"0"&.wav' in page.text
    assert "<b>0</b>.wav" in page.text
    assert "not a <sound> file" in page.text
    assert "hanmadi train --data '<tones>'" in page.text


def test_half_a_letter_does_not_stop_the_report(store: ClipStore, tmp_path: Path) -> None:
    evaluation = replace(make_evaluation(store), data="tones\udcff\0")
    write_report(
        tmp_path / "r.html", card=make_card(evaluation), history=make_history(1), evaluation=evaluation, store=store
    )
    assert "\0" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_syllable_taken_apart_is_put_together() -> None:
    assert html.name("\u1112\u1161\u11ab") == "<bdi>한</bdi>"


# ---- the numbers ----


def test_the_answer_comes_first_with_its_interval(store: ClipStore) -> None:
    text = Page(page_of(store)).text
    assert "80.0 %of 50 test clips answered rightly40 of 50; 95 % interval 67.0 to 88.8 %" in text
    assert "38 of 40 called silence: 95.0 %" in text
    assert "3 clips of words without a label, 60 broken recordings" in text
    assert "52.4 k parameters, 2.53 MMAC a clip" in text
    assert "Gap between training and validation: +5.0 points. Overfitting" in text


def test_precision_and_recall_stand_as_they_are_computed(store: ClipStore) -> None:
    evaluation = make_evaluation(store)
    rows = re.findall(
        r"<tr><th data-value=.*?</tr>|<tr><th scope=\"row\" data-value=.*?</tr>", page_of(store, evaluation)
    )
    assert len(rows) == len(LABELS)
    for row, scores in zip(rows, evaluation.per_label, strict=True):
        cells = Page(row).text
        assert html.percent(scores.recall).replace("\u00a0", " ") in cells
        assert html.percent(scores.precision).replace("\u00a0", " ") in cells
        assert f'data-value="{scores.recall:.6f}"' in row


def test_the_matrix_tells_each_cell(store: ClipStore) -> None:
    evaluation = make_evaluation(store)
    titles = [a["title"] or "" for a in Page(page_of(store, evaluation)).all("td") if "title" in a]
    told = [int(title.split(" of ")[0]) for title in titles]
    assert told == evaluation.confusion.ravel().tolist()
    assert titles[1].replace("\u00a0", " ") == "2 of 10 “yes” were called “한마디” (20.0 %)"


def test_the_most_frequent_confusions_are_ordered_by_count_then_share() -> None:
    matrix = np.array([[5, 3, 0], [3, 90, 1], [0, 0, 9]])
    assert words.frequent(matrix) == [(0, 1), (1, 0), (1, 2)]
    assert words.frequent(np.eye(3, dtype=np.int64)) == []


def test_the_card_is_there_whole(store: ClipStore) -> None:
    evaluation = make_evaluation(store)
    page = Page(page_of(store, evaluation))
    whole = "".join(page.texts)
    card = json.loads(whole[whole.index('{\n "format"') : whole.rindex("}") + 1])
    assert card == make_card(evaluation).to_dict()


def test_a_training_by_time_says_that_it_repeats_only_nearly(store: ClipStore) -> None:
    card = make_card(make_evaluation(store))
    assert "this command repeats the training" in provenance.repeat(card)
    assert "limited by time" in provenance.repeat(with_training(card, command="hanmadi train --minutes 5"))


def test_what_was_heard_beside_the_clips_is_told(store: ClipStore) -> None:
    card = make_card(make_evaluation(store))
    assert not any(word in provenance.data(card, store) for word in ("Talk", "Hard negatives", "Teachers"))
    beside = replace(
        card.data, negatives=NegativeSpeech(("radio", "tv.wav"), 365.0), hard_negatives=HardNegatives("hard", 7, "x")
    )
    card = with_training(replace(card, data=beside), teachers=("runs/a", "runs/<b>"))
    told = " ".join(Page(provenance.data(card, store)).texts).replace("\u00a0", " ")
    for text in ("radio, tv.wav, 6 min 5 s", "hard, 7 clips", "runs/a, runs/<b>"):
        assert text in told


def test_broken_recordings_are_counted_and_the_first_fifty_named(store: ClipStore) -> None:
    page = Page(page_of(store)).text
    assert "60 recordings could not be used; the first 50:" in page
    assert "<b>49</b>.wav" in page
    assert "<b>50</b>.wav" not in page


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0 %"), (1.0, "100.0 %"), (0.9999, "99.990 %"), (0.0001, "0.010 %"), (0.975, "97.5 %"), (None, "–"),
     (float("nan"), "–")],
)  # fmt: skip
def test_percent(share: float | None, text: str) -> None:
    assert html.percent(share).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("seconds", "text"), [(4.26, "4.3 s"), (59, "59 s"), (365, "6 min 5 s"), (7_390, "2 h 3 min")])
def test_duration(seconds: float, text: str) -> None:
    assert html.duration(seconds).replace("\u00a0", " ") == text


def test_children_are_escaped_and_html_is_not() -> None:
    made = html.tag("p", "a < b", None, html.tag("b", "&"), class_="n", title='"', hidden=True, lang=None)
    assert made == '<p class="n" title="&quot;" hidden>a &lt; b<b>&amp;</b></p>'


# ---- what the figures say ----


@pytest.mark.parametrize(
    ("train", "validation", "clips", "begins"),
    [
        (0.95, 0.94, 500, "No sign of overfitting"),
        (0.95, 0.93, 20_000, "Slight overfitting"),
        (0.98, 0.93, 2_000, "Overfitting"),
        (1.0, 0.7, 2_000, "Strong overfitting"),
        (0.5, 0.48, 2_000, "Underfitting"),
        (0.8, 0.9, 2_000, "No overfitting"),
        (1.0, 1.0, 20, "No sign of overfitting"),
    ],
)
def test_the_gap_in_words(train: float, validation: float, clips: int, begins: str) -> None:
    said = answer.gap_in_words(*(Accuracy(clips, share, (0.0, 1.0)) for share in (train, validation)))
    assert said.startswith(begins)


@pytest.mark.parametrize(("accuracy", "says"), [(0.70, "harder"), (0.95, "easier"), (0.84, None)])
def test_a_test_unlike_the_validation_is_told(accuracy: float, says: str | None) -> None:
    said = answer._test_in_words(Accuracy(1_000, 0.85, (0.0, 1.0)), Accuracy(700, accuracy, (0.0, 1.0)))
    assert (said is None) if says is None else (said is not None and says in said)


@pytest.mark.parametrize(("method", "flatters"), [("random", True), ("speaker", False), ("official", False)])
def test_a_random_split_is_warned_of(store: ClipStore, method: str, flatters: bool) -> None:
    page = Page(page_of(store, method=method))
    assert ("This accuracy flatters." in page.text) == flatters
    assert "Few clips." in page.text
    assert len(page.all("aside", "warning")) == 1 + flatters


@pytest.mark.parametrize(
    ("augment", "note"), [(True, "measured on augmented clips while it learns"), (False, "measured while it learns")]
)
def test_the_note_on_training_figures(store: ClipStore, augment: bool, note: str) -> None:
    assert note in Page(page_of(store, augment=augment)).text


# ---- curves ----


@pytest.mark.parametrize("epochs", [1, 2, 6, 400])
def test_curves_of_any_length(store: ClipStore, epochs: int) -> None:
    page = Page(page_of(store, epochs=epochs))
    assert len(page.all("svg", "chart")) == 2
    assert len(page.all("rect", "touch")) == 2 * epochs
    for drawn in page.all("path", "line"):
        numbers = [float(n) for n in re.findall(r"[\d.]+", drawn["d"] or "")]
        assert len(numbers) == 2 * epochs
        assert min(numbers) >= 0
        assert max(numbers) <= curves.WIDTH


def test_a_loss_that_is_no_number_breaks_the_line(store: ClipStore) -> None:
    history = make_history(5)
    history[2] = history[2]._replace(validation_loss=float("nan"), train_loss=float("inf"))
    card = make_card(make_evaluation(store))
    drawn = Page(curves.curves(card, history) or "")
    assert [(a["d"] or "").count("M") for a in drawn.all("path", "line")] == [1, 1, 2, 2]
    assert curves.kept_epoch(card, history) == 5
    assert curves.kept_epoch(replace(card, training=Training()), history[:4]) == 4


def test_a_taught_network_has_a_loss_of_another_kind(store: ClipStore) -> None:
    card = make_card(make_evaluation(store))
    assert "teachers" not in Page(curves.curves(card, make_history(3)) or "").text
    card = with_training(card, teachers=("base",))
    assert "distance to what the teachers answer" in Page(curves.curves(card, make_history(3)) or "").text


def test_without_history_there_are_no_curves(store: ClipStore) -> None:
    page = Page(page_of(store, epochs=0))
    assert not page.all("svg", "chart")
    assert "#curves" not in {a["href"] for a in page.all("a")}


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 100), (0, 2.37), (40, 100), (0, 1e-4), (0, 3e5)])
def test_ticks_are_few_and_inside(low: float, high: float) -> None:
    found = curves.ticks(low, high)
    assert 2 <= len(found) <= 6
    assert low <= found[0] < found[-1] <= high * (1 + 1e-9)


# ---- mistakes ----


def test_the_worst_mistakes_come_first_and_can_be_heard(store: ClipStore) -> None:
    evaluation = make_evaluation(store, wrong=30)
    assert mistakes.worst(evaluation).tolist() == list(range(24))
    page = Page(page_of(store, evaluation))
    players = page.all("audio")
    assert len(players) == 24
    with wave.open(io.BytesIO(base64.b64decode((players[5]["src"] or "").split(",")[1]))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8_000, 2, 1)
        heard = np.frombuffer(file.readframes(8_000), "<i2")
    np.testing.assert_array_equal(heard, store.samples(np.array([5]))[0])


def test_no_mistakes(store: ClipStore) -> None:
    page = Page(page_of(store, make_evaluation(store, wrong=0)))
    assert page.text.count("None: every clip was answered rightly.") == 2
    assert not page.all("audio")


def decoded(png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = {}, 8
    while place < len(png):
        (size,), kind = struct.unpack(">I", png[place : place + 4]), png[place + 4 : place + 8]
        data = png[place + 8 : place + 8 + size]
        assert struct.unpack(">I", png[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + data)
        chunks[kind], place = data, place + 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    assert lines.max() < len(chunks[b"PLTE"]) // 3
    return lines[:, 1:]


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_the_spectrogram_shows_the_tone_where_it_is(rate: int) -> None:
    t = np.arange(rate) / rate
    tone = (8_000 * np.sin(2 * np.pi * 0.125 * rate * t)).astype(np.int16)  # a quarter of the way up
    png, width, height = mistakes.spectrogram_png(tone, rate)
    pixels = decoded(png)
    assert pixels.shape == (height, width)
    brightest = int(pixels[:, width // 2].argmax())
    assert abs((height - 1 - brightest) / (height - 1) - 0.25) < 0.02


@pytest.mark.parametrize("samples", [np.zeros(8_000), np.zeros(3), np.full(500, -32_768)])
def test_pictures_of_silence_and_of_very_short_clips(samples: np.ndarray[Any, Any]) -> None:
    pixels = decoded(mistakes.spectrogram_png(samples.astype(np.int16), 8_000)[0])
    assert pixels.max() <= 47
    assert "nan" not in mistakes.waveform(samples.astype(np.int16))


def test_the_waveform_reaches_its_peak() -> None:
    t = np.arange(8_000) / 8_000
    drawn = mistakes.waveform((30_000 * np.sin(2 * np.pi * 200 * t)).astype(np.int16))
    heights = [float(y) for y in re.findall(r"[ML]\d+ ([\d.]+)", drawn)]
    assert (min(heights), max(heights)) == (1.0, 39.0)


# ---- labels without clips, many labels, size and speed ----


def test_a_label_without_clips_is_shown_as_such() -> None:
    row = Page(words._label_row(LabelScores("left", 0, None, None, None, None, None)))
    assert row.text == "left0no clipsnever said–"
    assert words.shade_of(0.0, right=True) == "r0"
    assert words.shade_of(1e-6, right=False) == "w1"


def test_many_labels_stay_small_and_fast(tmp_path: Path) -> None:
    labels = tuple(f"w{i}" for i in range(35))
    store = make_store(tmp_path, labels=labels, clips=200, rate=16_000)
    evaluation = make_evaluation(store, wrong=60, labels=labels)
    started = time.perf_counter()
    text = page_of(store, evaluation, epochs=300)
    assert time.perf_counter() - started < 4
    assert len(text.encode()) < 3_000_000
    assert len(Page(text).all("audio")) == 24


def test_long_clips_leave_mistakes_out_rather_than_grow(store: ClipStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistakes, "MAX_SOUND_BYTES", 5 * 16_000)
    page = Page(page_of(store))
    assert len(page.all("audio")) == 5
    assert "The 5 mistakes of 10" in page.text


def test_nothing_broken(store: ClipStore) -> None:
    whole = replace(store, broken=())
    assert "None: every recording could be read." in Page(page_of(whole)).text
    one = replace(store, broken=(Broken("a", "b"),))
    assert "1 recording could not be used:" in Page(page_of(one)).text
