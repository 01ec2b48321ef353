"""The page in a real browser: Chromium with a fake microphone that plays real clips.

``HANMADI_SCREENSHOTS=1`` writes the pictures of the README to docs/images. Nothing here asserts how fast something is,
as test machines are busy; `benchmarks/page.py` measures that.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import page_tools as tools
import pytest

import hanmadi
from hanmadi import audio
from hanmadi.audio import signals
from hanmadi.errors import DownloadError
from hanmadi.inference.decisions import DecisionConfig, decide
from hanmadi.inference.recognizer import Recognizer

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install playwright")
pytest.importorskip("uvicorn", reason="the page needs hanmadi[web]")
if tools.chromium() is None:
    pytest.skip("Chromium is not here; install it with: apt-get install chromium", allow_module_level=True)

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = REPOSITORY / "docs" / "images"
MODEL = "small"
CLIPS_EACH, TRIED = 4, 20  # of each word
VIEWS = ("live", "clip", "explore", "models")
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 860}
MOST_BYTES = 150_000  # of a picture in the README
MISSES = 2  # of 40: 95 %


@pytest.fixture(scope="module")
def browsers() -> Iterator[Any]:
    """Playwright, for as long as this file's tests run: its event loop would be in others' way."""
    with playwright.sync_playwright() as started:
        yield started.chromium


@pytest.fixture(scope="module")
def browser(browsers: Any) -> Iterator[Any]:
    """Chromium whose microphone beeps."""
    opened = browsers.launch(executable_path=tools.chromium(), args=[*tools.FLAGS, *tools.MICROPHONE])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without runs and without data."""
    with tools.serving(tmp_path_factory.mktemp("page-runs"), "--model", MODEL) as found:
        yield found


@pytest.fixture(scope="module")
def static_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The exported page, at a sub-path of a plain file server."""
    from hanmadi.export.browser import export_web

    root = tmp_path_factory.mktemp("site")
    try:
        export_web(MODEL, root / "a" / "page", runtime=os.environ.get("HANMADI_ORT_WEB"))
    except DownloadError as error:
        pytest.skip(f"the files of onnxruntime-web cannot be had: {error}")
    with tools.file_server(root) as found:
        yield f"{found}a/page/"


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """The shipped model, as the page uses it."""
    return hanmadi.load(MODEL)


@pytest.fixture(scope="module")
def spoken(recognizer: Recognizer, shared_data: Path) -> tools.Spoken:
    """40 clips that the library detects in a stream."""
    paths, _ = tools.choose_clips(recognizer, shared_data / "speech_commands_test_set", each=CLIPS_EACH, tried=TRIED)
    return tools.speak(paths)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page on a desktop, in English, light. A script's error fails the test."""
    yield from _page(browser, viewport=DESKTOP)


def _page(
    browser: Any, *, locale: str = "en-US", theme: str = "light", expected: str = "", **options: Any
) -> Iterator[Any]:
    """``expected``: a part of what the browser may write to its console."""
    context = browser.new_context(locale=locale, color_scheme=theme, **options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    surprising = [error for error in errors if not (expected and expected in error)]
    assert not surprising, surprising


def open_view(page: Any, address: str, view: str) -> None:
    """The view with everything in it that comes later."""
    page.goto(f"{address}#{view}")
    page.wait_for_selector("#known span", state="attached")
    ready = {"live": "#live-start", "clip": ".chip", "explore": ".explore .picture[aria-valuetext]", "models": ".model"}
    page.wait_for_selector(f"#view-{view} {ready[view]}")


def choose_example(page: Any, name: str = "yes") -> None:
    page.click(f"#view-clip [data-example={name}]")
    page.wait_for_selector(".answer b")


# ---- what it recognises ----


def assert_says_what_was_said(page: Any, address: str, spoken: tools.Spoken, recognizer: Recognizer) -> None:
    library = tools.heard_by_library(recognizer, spoken)
    assert sum(tools.right(spoken, library)) >= len(spoken.words) - MISSES
    page.goto(address)
    page.wait_for_selector("#known span")
    found = tools.listen_live(page, spoken)
    offset_s = tools.offset_of(library, found)
    good = tools.right(spoken, found, offset_s=offset_s)
    wrong = [word for word, is_right in zip(spoken.words, good, strict=True) if not is_right]
    assert len(wrong) <= MISSES, f"{wrong}; heard {[d.label for d in found]}"
    assert len(found) <= len(spoken.words) + MISSES


@pytest.mark.parametrize("where", ["address", "static_address"])
def test_live_it_says_the_right_word_for_40_clips(
    browsers: Any, where: str, spoken: tools.Spoken, recognizer: Recognizer, tmp_path: Path, request: Any
) -> None:
    """With a server, and without one."""
    assert len(spoken.words) == CLIPS_EACH * len(tools.WORDS)
    flags = tools.microphone_flags(tools.write_microphone(tmp_path / "said.wav", spoken))
    with browsers.launch(executable_path=tools.chromium(), args=list(flags)) as opened:
        for page in _page(opened, viewport=DESKTOP):
            assert_says_what_was_said(page, request.getfixturevalue(where), spoken, recognizer)


def test_the_clip_view_says_the_right_word_for_40_clips(
    page: Any, address: str, spoken: tools.Spoken, recognizer: Recognizer
) -> None:
    open_view(page, address, "clip")
    answers = []
    for i, path in enumerate(spoken.paths):  # files of several words have one name
        file = {"name": f"{i}.flac", "mimeType": "audio/flac", "buffer": path.read_bytes()}
        page.set_input_files("#view-clip input[type=file]", file)
        page.wait_for_function("name => document.querySelector('.slot h2')?.textContent === name", arg=f"{i}.flac")
        answers.append(page.inner_text(".answer b"))
    assert answers == [recognizer.predict_file(path).label for path in spoken.paths]
    assert sum(answer != word for answer, word in zip(answers, spoken.words, strict=True)) <= MISSES


def test_the_page_without_a_server_scores_as_the_library_does(
    page: Any, static_address: str, spoken: tools.Spoken, recognizer: Recognizer
) -> None:
    """The same top word, every score within 1e-3: files as they are, and samples at other rates."""
    page.goto(static_address)
    for path in spoken.paths[::3]:
        found = analysed(page, static_address, path.read_bytes(), "application/octet-stream")
        check_scores(found["prediction"]["top"], recognizer, audio.read(path).samples, tools.RATE)
    for rate in (8_000, 22_050, 44_100, 48_000):
        samples = audio.resample(audio.read(spoken.paths[0]).samples, tools.RATE, rate)
        found = analysed(page, static_address, samples.tobytes(), f"audio/x-raw-f32le;rate={rate};channels=1")
        check_scores(found["prediction"]["top"], recognizer, samples, rate)


def check_scores(top: list[dict[str, Any]], recognizer: Recognizer, samples: Any, rate: int) -> None:
    expected = recognizer.predict(samples, sample_rate=rate, top=len(recognizer.labels))
    assert top[0]["label"] == expected.label
    scores = {entry["label"]: entry["score"] for entry in top}
    assert scores == pytest.approx({score.label: score.score for score in expected.top}, abs=1e-3)


def analysed(page: Any, address: str, content: bytes, mime: str, **options: Any) -> dict[str, Any]:
    """What the engine in the page makes of a sound."""
    return page.evaluate(
        """async ([address, content, type, options]) => {
            const { browser } = await import(address + "static/js/browser.js");
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)).buffer;
            const found = await browser.analyse({ bytes, type }, options);
            found.spectrogram.data = Array.from(found.spectrogram.data);
            return { ...found, samples: Array.from(found.samples), wav: null };
        }""",
        [address, tools.encoded(content), mime, options],
    )


# ---- the same numbers in JavaScript ----


CONFIGS = (
    DecisionConfig(),
    DecisionConfig(smoothing_s=0.25, threshold=0.5, thresholds={"yes": 0.3, "go": 0.9}, refractory_s=0.5),
    DecisionConfig(smoothing_s=0.0, threshold=0.4, refractory_s=0.0),
)


@pytest.mark.parametrize("config", CONFIGS)
def test_decisions_in_javascript_are_those_of_python(
    page: Any, address: str, recognizer: Recognizer, config: DecisionConfig
) -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(0, 1.5, (3_000, len(recognizer.labels))), axis=0)
    walk -= walk.mean(axis=1, keepdims=True)
    scores = np.exp(2 * (walk - walk.max(axis=1, keepdims=True)) / np.abs(walk).max(axis=1, keepdims=True) * 3)
    scores /= scores.sum(axis=1, keepdims=True)
    times = np.round(1 + 0.1 * np.arange(len(scores)) + 0.5 * (np.arange(len(scores)) > 1_000), 6)  # a gap
    expected = decide(times, scores, recognizer.labels, config, hop_s=0.1)
    assert len(expected) > 20, "nothing detected would pass anything"
    page.goto(address)
    found = page.evaluate(
        """async ([labels, config, times, scores]) => {
            const { Decider } = await import("/static/js/decisions.js");
            const decider = new Decider(labels, config, 0.1);
            return times.map((time, i) => decider.push(time, scores[i])).filter((detection) => detection);
        }""",
        [list(recognizer.labels), config.to_dict(), times.tolist(), scores.tolist()],
    )
    assert [(d["label"], d["time_s"]) for d in found] == [(d.label, d.time_s) for d in expected]
    assert [d["score"] for d in found] == pytest.approx([d.score for d in expected], abs=1e-12)


def test_the_javascript_resampler_is_the_librarys_and_does_not_see_blocks(page: Any, address: str) -> None:
    rng = np.random.default_rng(4)
    page.goto(address)
    for rate in (8_000, 44_100, 48_000):
        samples = audio.resample(rng.normal(0, 0.1, 16_000).astype(np.float32), 16_000, rate)
        whole, pieces = page.evaluate(
            """async ([samples, rate]) => {
                const { resample, Resampler } = await import("/static/js/resample.js");
                const sound = Float32Array.from(samples);
                const [found, resampler] = [[], new Resampler(rate, 16000)];
                for (let i = 0; i < sound.length; i += 777) found.push(...resampler.push(sound.subarray(i, i + 777)));
                return [Array.from(resample(sound, rate, 16000)), [...found, ...resampler.flush()]];
            }""",
            [samples.tolist(), rate],
        )
        expected = audio.resample(samples, rate, 16_000)
        assert whole == pieces
        assert len(whole) == len(expected)
        assert signals.snr_db(expected, np.asarray(whole, np.float32)) > 35  # they differ just below half the rate


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "linear"}, {"kind": "log_mel"}, {"kind": "linear", "windowMs": 8, "hopMs": 2},
        {"rate": 4_000, "antialias": False}, {"rate": 5_512}, {"bits": 3},
    ],
)  # fmt: skip
def test_what_the_page_computes_is_what_the_server_computes(
    page: Any, address: str, static_address: str, options: dict[str, Any]
) -> None:
    """Both engines give one picture for one sound."""
    page.goto(address)
    asked = {"windowMs": 30, "hopMs": 10} | options
    content = (REPOSITORY / "src/hanmadi/web/static/examples/yes.flac").read_bytes()
    server = page.evaluate(
        """async ([content, options]) => {
            const { server } = await import("/static/js/server.js");
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)).buffer;
            const found = await server.analyse({ bytes, type: "application/octet-stream" }, options);
            found.spectrogram.data = Array.from(found.spectrogram.data);
            return { ...found, samples: Array.from(found.samples), wav: null };
        }""",
        [tools.encoded(content), asked],
    )
    page.goto(static_address)
    alone = analysed(page, static_address, content, "application/octet-stream", **asked)
    assert alone["sampleRate"] == server["sampleRate"]
    assert alone["samples"] == pytest.approx(server["samples"], abs=5e-3)
    for key in ("rows", "columns"):
        assert alone["spectrogram"][key] == server["spectrogram"][key]
    for key in ("frequencies", "startS", "hopS"):
        assert alone["spectrogram"][key] == pytest.approx(server["spectrogram"][key], rel=1e-6)
    loud = np.array(server["spectrogram"]["data"]) > np.max(server["spectrogram"]["data"]) - 40
    difference = np.abs(np.array(alone["spectrogram"]["data"]) - server["spectrogram"]["data"])[loud]
    assert np.percentile(difference, 99) < 0.5  # dB
    assert len(set(np.round(server["spectrogram"]["data"], 1))) > 100, "a constant picture would pass anything"


# ---- how it behaves ----

COLOURS = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


def test_live_shows_picture_bars_and_frames(page: Any, address: str) -> None:
    open_view(page, address, "live")
    page.click("#live-start")
    page.wait_for_selector("#stage[data-state=live]")
    page.wait_for_function("() => [...document.querySelectorAll('#bars .num')].some((n) => n.textContent)")
    shares = [float(re.findall(r"[\d.]+", text)[0]) for text in page.locator("#bars .num").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=6)  # of twelve rounded values
    page.wait_for_timeout(500)
    frames = page.evaluate("async () => (await import('/static/js/live.js')).frames.length")
    assert frames >= 3
    assert page.locator("#scope").evaluate(COLOURS) > 50
    page.click("#live-toggle")
    page.wait_for_selector("#stage[data-state=idle]")


@pytest.mark.parametrize(
    ("error", "says"),
    [("NotAllowedError", "Allow it"), ("NotFoundError", "No microphone"), ("NotReadableError", "Another")],
)
def test_a_microphone_that_cannot_be_had_is_explained(page: Any, address: str, error: str, says: str) -> None:
    page.add_init_script(
        f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{error}'))"
    )
    open_view(page, address, "live")
    page.click("#live-start")
    page.wait_for_selector("#notice:not([hidden])")
    assert says in page.inner_text("#notice")
    assert page.get_attribute("#stage", "data-state") == "idle"
    assert page.is_enabled("#live-start")


def test_a_server_that_goes_away_is_explained(page: Any, address: str) -> None:
    page.route_web_socket("**/api/stream*", lambda socket: socket.close(code=1011, reason="going"))
    open_view(page, address, "live")
    page.click("#live-start")
    page.wait_for_selector("#notice:not([hidden])")
    assert "hanmadi serve" in page.inner_text("#notice")
    assert page.get_attribute("#stage", "data-state") == "idle"


def test_recording_a_clip_gives_a_second_and_an_answer(page: Any, address: str) -> None:
    open_view(page, address, "clip")
    page.click("#view-clip .recording")
    page.wait_for_selector(".answer b")
    assert page.inner_text(".facts").startswith("1.00 s")


def test_two_clips_side_by_side_in_one_scale_and_the_cursor_by_keyboard(page: Any, address: str) -> None:
    open_view(page, address, "clip")
    choose_example(page, "yes")
    page.click("text=Compare two")
    page.click("#view-clip [data-example=no]")
    page.wait_for_function("() => document.querySelectorAll('.answer b').length === 2")
    assert page.locator(".answer b").all_inner_texts() == ["yes", "no"]
    first, second = page.locator(".legend .num").all_inner_texts()
    assert first == second
    left, right = page.locator(".slot").all()
    assert left.bounding_box()["y"] == right.bounding_box()["y"]
    picture = page.locator(".picture").first
    picture.focus()
    page.keyboard.press("ArrowRight")
    before = picture.get_attribute("aria-valuetext")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    after = picture.get_attribute("aria-valuetext")
    assert before != after
    assert re.fullmatch(r"[\d.]+ s · [\d.]+ k?Hz · -?[\d.]+ dB", after.replace("\u00a0", " "))
    page.mouse.move(0, 0)
    box = picture.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    assert picture.get_attribute("aria-valuetext").count("·") == 2  # over the waveform: time, amplitude, level


def test_playing_moves_the_playhead_and_ends(page: Any, address: str) -> None:
    open_view(page, address, "clip")
    choose_example(page)
    page.click(".slot .primary >> text=Play")
    page.wait_for_selector(".slot .primary >> text=Stop")
    page.wait_for_selector(".slot .primary >> text=Play")


def test_a_file_that_is_no_sound_is_refused_with_a_reason(browser: Any, address: str) -> None:
    for page in _page(browser, viewport=DESKTOP, expected="422"):
        open_view(page, address, "clip")
        file = {"name": "a.wav", "mimeType": "audio/wav", "buffer": b"no sound at all"}
        page.set_input_files("#view-clip input[type=file]", file)
        page.wait_for_selector("#notice:not([hidden])")
        assert "sound" in page.inner_text("#notice")
        choose_example(page)  # the view still works, and the complaint goes
        assert not page.is_visible("#notice")


def test_exploring_changes_the_sound(page: Any, address: str) -> None:
    open_view(page, address, "explore")
    after = page.locator(".explore .facts").first
    assert "16,000" in after.inner_text()
    page.click("[data-question=alias]")
    page.wait_for_function("() => document.querySelector('.explore .facts').textContent.includes('4,000')")
    assert page.locator("[data-question=alias]").get_attribute("aria-pressed") == "true"
    assert not page.is_checked(".switch input")
    page.click("[data-question=window]")
    page.wait_for_function("() => document.querySelector('.explore .facts').textContent.includes('128')")


def test_choosing_a_model_is_remembered(page: Any, address: str) -> None:
    open_view(page, address, "models")
    page.click(".model:has(h3:text-is('tiny')) button")
    assert page.input_value("#model") == "tiny"
    page.reload()
    page.wait_for_selector("#known span", state="attached")
    assert page.input_value("#model") == "tiny"


def test_a_training_starts_shows_its_curves_and_its_model_or_is_cancelled(
    browser: Any, words_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="training needs hanmadi[train]")
    with tools.serving(tmp_path / "runs", "--data", str(words_folder)) as address:
        for page in _page(browser, viewport=DESKTOP):
            open_view(page, address, "models")
            page.wait_for_selector("#train-words", timeout=120_000)
            page.fill("#train-words", "yes, no")
            page.select_option("#train-arch", "tiny")
            page.fill("#train-minutes", "0.1")
            page.click("text=Start training")
            page.wait_for_selector(".progress", timeout=120_000)
            page.wait_for_function(
                "() => document.querySelector('.train [role=status]').textContent.startsWith('Done')", timeout=240_000
            )
            page.wait_for_selector(".tag >> text=your run")
            assert page.locator(".curves canvas").first.evaluate(COLOURS) > 5
            page.click("text=Report")
            frame = page.frame_locator(".report iframe")
            assert frame.locator("h1").first.inner_text()
            page.fill("#train-minutes", "60")
            page.click("text=Start training")
            page.click("text=Cancel")
            page.wait_for_function(
                "() => document.querySelector('.train [role=status]').textContent.startsWith('Cancelled')",
                timeout=120_000,
            )


def test_language_and_theme_follow_the_browser_then_the_person(browser: Any, address: str) -> None:
    for page in _page(browser, locale="ko-KR", theme="dark", viewport=DESKTOP):
        open_view(page, address, "live")
        assert page.inner_text(".headline") == "한마디 해 보세요"
        assert background(page) < 60
        page.click("#language")
        page.click("#theme")
        page.reload()
        page.wait_for_selector("#known span")
        assert page.inner_text(".headline") == "Say a word"
        assert page.get_attribute("html", "lang") == "en"
        assert background(page) > 200


def background(page: Any) -> int:
    """Red of the page's background, 0 to 255."""
    return int(re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[0])


def test_every_text_is_in_both_languages(page: Any, address: str) -> None:
    page.goto(address)
    texts = page.evaluate("async () => (await import('/static/js/text.js')).TEXT")
    for key, pair in texts.items():
        assert len(pair) == 2
        assert all(pair), key
        assert re.findall(r"\{\w+\}", pair[0]) == [] or sorted(re.findall(r"\{\w+\}", pair[0])) == sorted(
            re.findall(r"\{\w+\}", pair[1])
        ), key
    scripts = "".join(path.read_text() for path in (REPOSITORY / "src/hanmadi/web/static/js").glob("*.js"))
    for key in re.findall(r"""\bt(?:Label)?(?:\(|: )"([\w.]+)\"""", scripts):
        assert key in texts, key


def test_the_keyboard_reaches_everything(page: Any, address: str) -> None:
    open_view(page, address, "live")
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.dataset.view"
            )
        )
    for name in ("skip", "brand", "model", "language", "theme", "live-start"):
        assert name in seen
    page.focus("#live-start")
    page.keyboard.press("Enter")
    page.wait_for_selector("#stage[data-state=live]")
    assert page.evaluate("document.activeElement.id") == "live-toggle"
    page.keyboard.press("Enter")
    page.wait_for_selector("#stage[data-state=idle]")


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_needs_no_sideways_scrolling(browser: Any, address: str, view: str) -> None:
    for locale in ("en-US", "ko-KR"):
        for page in _page(browser, viewport=PHONE, locale=locale, has_touch=True):
            open_view(page, address, view)
            if view == "clip":
                choose_example(page)
                page.locator(".head button").click()
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], f"{view} in {locale}: {width} px"


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, a dev-only file that `.ci/run` fetches with npm."""
    path = Path(os.environ.get("HANMADI_AXE") or REPOSITORY / ".axe" / "package" / "axe.min.js")
    if not path.is_file():
        pytest.skip("axe-core is not here; fetch it as .ci/run does, or name its axe.min.js in HANMADI_AXE")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_serious_fault(browser: Any, address: str, axe: str, view: str, theme: str) -> None:
    for page in _page(browser, viewport=DESKTOP, theme=theme, bypass_csp=True):
        open_view(page, address, view)
        if view == "clip":
            choose_example(page)
        if view == "live":
            page.click("#live-start")
            page.wait_for_selector("#stage[data-state=live]")
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations")
        serious = [
            (fault["id"], [node["target"] for node in fault["nodes"]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert not serious


def test_nothing_is_asked_of_another_host(page: Any, address: str, static_address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for start in (address, static_address):
        open_view(page, start, "clip")
        choose_example(page)
        open_view(page, start, "explore")
    assert asked
    for url in asked:
        assert url.startswith(("http://127.0.0.1:", "data:", "blob:")), url


def test_the_page_without_a_server_says_that_no_sound_leaves(page: Any, static_address: str) -> None:
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method != "GET" else None)
    open_view(page, static_address, "live")
    assert "No sound leaves" in page.inner_text("#private")
    assert not page.is_visible(".tabs .server-only")
    open_view(page, static_address, "clip")
    choose_example(page)
    page.click("#view-clip .recording")
    page.wait_for_function("() => document.querySelector('.slot h2').textContent === 'Recording'")
    assert not posted


# ---- pictures for the README ----


@pytest.mark.skipif(not os.environ.get("HANMADI_SCREENSHOTS"), reason="pictures are made with HANMADI_SCREENSHOTS=1")
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_for_the_readme(
    browsers: Any, address: str, recognizer: Recognizer, spoken: tools.Spoken, tmp_path: Path, theme: str, language: str
) -> None:
    few = tools.speak(spoken.paths[:4])
    flags = tools.microphone_flags(tools.write_microphone(tmp_path / "said.wav", few))
    locale = {"en": "en-US", "ko": "ko-KR"}[language]
    with browsers.launch(executable_path=tools.chromium(), args=list(flags)) as opened:
        for page in _page(opened, viewport=DESKTOP, theme=theme, locale=locale):
            for view in VIEWS:
                page.set_viewport_size({"width": 1120, "height": HEIGHTS[view]})
                open_view(page, address, view)
                PREPARE[view](page)
                save_picture(page.screenshot(), IMAGES / f"web-{view}-{theme}-{language}.png")


def _live_picture(page: Any) -> None:
    page.click("#live-start")
    page.wait_for_function("() => document.querySelectorAll('#heard li').length === 3", timeout=120_000)
    page.wait_for_timeout(350)


def _clip_picture(page: Any) -> None:
    page.click(".head button")
    page.locator("#view-clip [data-example=yes]").first.click()
    page.wait_for_selector(".answer b")
    page.click("#view-clip [data-example=right]")
    page.wait_for_function("() => document.querySelectorAll('.answer b').length === 2")
    page.locator(".picture").first.hover(position={"x": 330, "y": 210})
    page.wait_for_timeout(300)


def _explore_picture(page: Any) -> None:
    page.click("[data-question=alias]")
    page.wait_for_function("() => /4,000/.test(document.querySelector('.explore .facts').textContent)")
    page.wait_for_timeout(500)


def _models_picture(page: Any) -> None:
    page.wait_for_selector(".train code")


PREPARE = {"live": _live_picture, "clip": _clip_picture, "explore": _explore_picture, "models": _models_picture}
HEIGHTS = {"live": 790, "clip": 1000, "explore": 1060, "models": 720}  # px


def save_picture(png: bytes, path: Path) -> None:
    """With a palette, which halves it and changes nothing that is seen."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 192, 128, 96, 64):
        coded = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(coded, "PNG", optimize=True)
        if coded.tell() < MOST_BYTES:
            break
    assert coded.tell() < MOST_BYTES
    path.write_bytes(coded.getvalue())
