"""A model of somebody who means harm: its labels and the texts of its card go through everything that shows them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_fakes import RATE, hiss, tone, write_fake_model
from web_fakes import client, options

import hanmadi
from hanmadi import audio, cli, load
from hanmadi.card import FORMAT, Card
from hanmadi.data.store import ClipStore
from hanmadi.evaluation import mining
from hanmadi.export import browser as static_export
from hanmadi.export import c as c_export
from hanmadi.inference.decisions import Detection
from hanmadi.inference.model_file import write_card
from hanmadi.labels import LabelSet
from hanmadi.report.page import report_html
from hanmadi.training.train import Run

STATIC = Path(hanmadi.__file__).parent / "web" / "static"
# what a label may be (see test_labels.py for what it may not), and what a card may say
LABELS = (
    "<img src=x onerror=alert(1)>",
    '"onload="alert(1)',
    "=cmd|calc!A0",
    "??)",
    "%n%s",
    "$(id)",
    "{{7*7}}",
    "@ARRAYS@",
)
TEXTS = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\x1b[2J\x1b]0;evil\x07", "\x9b2J",
    "\u202elive", "a\r\n  accuracy    test: 100.0 %", '*/ int stolen = system("id"); /*', "a*??/\n/ int stolen;",
    "a \\", "=cmd|calc!A0", "a\0b",
)  # fmt: skip
CASES = [(LABELS[i % len(LABELS)], text) for i, text in enumerate(TEXTS)]


def card_of(label: str, text: str) -> dict[str, Any]:
    """A card whose every text is one of theirs."""
    return {
        "format": FORMAT, "labels": [label, "no", "unknown", "silence"], "sample_rate": RATE, "clip_samples": RATE,
        "name": text, "limits": [text], "versions": {text: text},
        "architecture": {"name": text, "summary": text, "parameters": 1, "macs": 1},
        "data": {"source": text, "licence": text, "attribution": text},
        "training": {"command": text, "teachers_by": text, "teachers": [text], "finished": text, "device": text},
    }  # fmt: skip


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_model(tmp_path_factory.mktemp("plain") / "tones.onnx")


@pytest.fixture(params=CASES, ids=[f"{i}" for i in range(len(CASES))])
def theirs(request: pytest.FixtureRequest, plain_model: Path, tmp_path: Path) -> tuple[Path, str, str]:
    """Their model file, its first label, and what its card says."""
    label, text = request.param
    path = tmp_path / "theirs.onnx"
    path.write_bytes(plain_model.read_bytes())
    write_card(path, card_of(label, text))
    return path, label, text


class Markup(HTMLParser):
    """Elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def in_c(theirs: tuple[Path, str, str], _tmp_path: Path) -> None:
    path, label, _ = theirs
    tiny = load("tiny").bundle
    theirs_in_it = {name: value for name, value in load(path).card.items() if name in ("data", "architecture", "name")}
    about = Card.from_dict(tiny.card | theirs_in_it | {"labels": [label, *tiny.labels.labels[1:]]})
    sources = c_export.sources(replace(tiny, labels=LabelSet(about.labels), about=about))
    plain = c_export.sources(tiny)
    for name, source in sources.items():
        assert source.count("\n") == plain[name].count("\n")
        assert source.count("*/") == plain[name].count("*/")
        assert source.count("/*") == plain[name].count("/*")
        assert "??" not in source
        assert not re.search(r"\\\s*$", source, re.M)
    strings = re.search(r"hanmadi_labels\[HANMADI_LABELS\] = \{(.*)\};", sources["hanmadi_model.c"])
    assert strings
    assert re.fullmatch(r'("([A-Za-z0-9 _-]|\\[0-7]{3})*"(, )?)+', strings[1])
    assert not [sign for sign in sources["hanmadi_model.h"] if not (sign.isprintable() or sign == "\n")]


def in_the_api(theirs: tuple[Path, str, str], tmp_path: Path) -> None:
    path, label, text = theirs
    with client(options(tmp_path, model=str(path))) as api:
        found = api.get("/api/models")
        assert found.headers["content-type"].split(";")[0] == "application/json"
        assert found.headers["x-content-type-options"] == "nosniff"
        (model,) = (one for one in found.json()["models"] if one["kind"] == "file")
        assert (model["labels"][0], model["summary"]) == (label, text)
        assert text not in api.get("/").text
        sound = audio.to_int16(np.concatenate([tone("yes"), hiss(1)])).tobytes()
        answer = api.post("/api/predict", content=sound, headers={"content-type": f"audio/l16;rate={RATE}"})
        assert answer.status_code in (200, 415, 422)


def in_the_static_site(theirs: tuple[Path, str, str], tmp_path: Path) -> None:
    path, label, text = theirs
    model = tmp_path / "site-model"
    static_export._write_model(load(path), model)
    assert sorted(file.name for file in model.iterdir()) == ["model.json", "model.onnx"]
    assert json.loads((model / "model.json").read_text(encoding="utf-8"))["labels"][0] == label
    assert text not in static_export.browser_page(STATIC / "index.html")


def in_a_csv(theirs: tuple[Path, str, str], tmp_path: Path) -> None:
    _, label, _ = theirs
    row = mining._mined(tmp_path / "talk.wav", Detection(label, 1.0, 0.9), 0.0)
    mining._add_to_manifest(tmp_path / "out" / mining.MANIFEST, [row])
    with open(tmp_path / "out" / mining.MANIFEST, newline="", encoding="utf-8") as file:
        _, cells = csv.reader(file)
    assert cells[1].lstrip("'") == label
    assert not cells[1].startswith(("=", "+", "-", "@"))
    assert not cells[0].startswith(("=", "+", "-", "@", "/", "."))
    assert (tmp_path / "out" / cells[0]).resolve().is_relative_to((tmp_path / "out").resolve())


def on_a_terminal(theirs: tuple[Path, str, str], tmp_path: Path) -> None:
    path, _, _ = theirs
    audio.write(tmp_path / "said.wav", np.concatenate([hiss(1), tone("yes"), hiss(1)]), sample_rate=RATE)
    lines = {}
    for call in (["info", path], ["predict", "--model", path, tmp_path / "said.wav"],
                 ["listen", "--model", path, tmp_path / "said.wav"], ["info", "--json", path],
                 ["listen", "--jsonl", "--model", path, tmp_path / "said.wav"]):  # fmt: skip
        shown, told = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", shown)
            patch.setattr("sys.stderr", told)
            assert cli.run([str(part) for part in call]) == 0, told.getvalue()
        lines[str(call[:2])] = shown.getvalue().splitlines()
        for line in (shown.getvalue() + told.getvalue()).split("\n"):
            assert line.isprintable(), line
    assert not [line for found in lines.values() for line in found if line.startswith("  accuracy")]


SURFACES: tuple[Callable[[tuple[Path, str, str], Path], None], ...] = (
    in_c, in_the_api, in_the_static_site, in_a_csv, on_a_terminal
)  # fmt: skip


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_what_is_theirs_is_shown_and_does_nothing(
    surface: Callable[[tuple[Path, str, str], Path], None], theirs: tuple[Path, str, str], tmp_path: Path
) -> None:
    surface(theirs, tmp_path)


@pytest.mark.parametrize(("label", "text"), CASES)
def test_in_a_report(label: str, text: str, run: Run, store: ClipStore) -> None:
    def page(label: str, text: str) -> Markup:
        labels = [label, *run.card["labels"][1:]]
        splits = {
            name: found | {"per_label": {label if word == "yes" else word: n for word, n in found["per_label"].items()}}
            for name, found in run.card["data"]["splits"].items()
        }
        theirs = card_of(label, text)
        card = run.card | {"labels": labels} | {
            key: run.card[key] | theirs[key] for key in ("architecture", "data", "training", "versions")
        }  # fmt: skip
        card["data"]["splits"] = splits
        evaluation = replace(run.evaluation, labels=tuple(labels), data=text)
        return Markup(report_html(card=Card.from_dict(card), history=[], evaluation=evaluation, store=store))

    found, plain = page(label, text), page("yes", "plain")
    assert found.elements == plain.elements
    assert found.attributes == plain.attributes
    assert label in found.text


SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "eval(", "new Function", "setHTML",
         "createContextualFragment", "DOMParser", "javascript:", 'setAttribute("on', "setTimeout(\"")  # fmt: skip


@pytest.mark.parametrize("file", sorted(STATIC.rglob("*.js")), ids=lambda file: file.name)
def test_the_page_sets_text_as_text(file: Path) -> None:
    """What comes from a model, a file or the server reaches the page through textContent alone."""
    text = file.read_text(encoding="utf-8")
    assert not [sink for sink in SINKS if sink in text]


@pytest.mark.parametrize("card", [{"data": ["x"]}, {"data": {"source": {}}, "training": 3}, {"metrics": {"test": 1}},
                                  {"limits": 3}, {"versions": "x"}])  # fmt: skip
def test_a_card_of_another_form_is_told(card: dict[str, Any], plain_model: Path, tmp_path: Path, capsys) -> None:
    path = tmp_path / "theirs.onnx"
    path.write_bytes(plain_model.read_bytes())
    write_card(path, load(plain_model).card | card)
    assert cli.run(["info", str(path)]) == 2
    assert "card is damaged" in capsys.readouterr().err
