"""How quick the page is: first picture, frames, and the time from a word's end to its display.

    python benchmarks/page.py             # writes results/page.csv
    python benchmarks/page.py --quick     # a look; writes nothing

Needs Chromium, playwright and ``../shared/data``. A row for the page with a server and one for the exported page
alone, on one stream of 40 clips that the model detects (`tests/page_tools.py` chooses them), played as the microphone
of a headless Chromium that draws without a GPU. ``first_picture_ms`` is the first contentful paint of a fresh browser
context, the median of ``openings``. ``fps`` is of the last 600 frames, ``frame_ms_p95`` their 95th
percentile, ``draw_ms`` what the page's own code takes to draw one. The time from a word's end to its display has two
parts: ``rule_ms``, from the end of the word (the last 20 ms within 25 dB of its loudest) to the end of the window at
which the decision rule is sure, which smoothing makes long; and ``display_ms``, from when that window's last sample
was recorded to when the word stood on the page: sending, scoring, drawing; ``total_ms`` is both. ``load`` is the
machine's load average over a minute, ``processors`` what it has: above that the page waits for others.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from common import REPOSITORY, write_rows

sys.path.insert(0, str(REPOSITORY / "tests"))
import page_tools as tools
from playwright.sync_api import sync_playwright

import hanmadi
from hanmadi import audio

DATA = REPOSITORY.parent / "shared" / "data" / "speech_commands_test_set"
FRAME_S = 0.02
WORD_DB = 25.0  # below the loudest frame a word has ended
AIM_PICTURE_MS, AIM_FPS, AIM_DISPLAY_MS = 1_000, 60, 300


def word_end_s(path: Path) -> float:
    """Where the word ends in a clip."""
    sound = audio.read(path)
    size = round(FRAME_S * sound.sample_rate)
    frames = audio.to_mono(sound.samples)[: len(sound.samples) // size * size].reshape(-1, size)
    levels = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)
    return float((np.flatnonzero(levels > levels.max() - WORD_DB)[-1] + 1) * FRAME_S)


def first_pictures(browser: Any, address: str, openings: int) -> list[float]:
    """First contentful paints in ms, each in a fresh context."""
    found = []
    for _ in range(openings):
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#known span")
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        page.wait_for_function(f"() => {paint} !== undefined")
        found.append(page.evaluate(paint))
        context.close()
    return found


def live(browser: Any, address: str, spoken: tools.Spoken) -> tuple[list[Any], list[float], list[float], list[float]]:
    """Detections, their display latencies, the times of the last frames, and what drawing them took, in ms."""
    page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
    page.goto(address)
    page.wait_for_selector("#known span")
    found = tools.listen_live(page, spoken)
    latencies = page.eval_on_selector_all("#heard li", "all => all.map((item) => Number(item.dataset.latency))")
    script = (
        f"async () => {{ const live = await import('{address}static/js/live.js'); return [live.frames, live.costs]; }}"
    )
    return found, latencies[::-1], *page.evaluate(script)


def measure(
    playwright: Any, where: str, address: str, spoken: tools.Spoken, folder: Path, openings: int
) -> dict[str, Any]:
    recognizer = hanmadi.load("small")
    library = tools.heard_by_library(recognizer, spoken)
    microphone = tools.write_microphone(folder / f"{where}.wav", spoken)
    with playwright.chromium.launch(
        executable_path=tools.chromium(), args=list(tools.microphone_flags(microphone))
    ) as browser:
        pictures = first_pictures(browser, address, openings)
        found, latencies, frames, costs = live(browser, address, spoken)
    offset_s = tools.offset_of(library, found)
    intervals = np.diff(frames)
    rule = rule_ms(spoken, found, offset_s)
    total = [sum(parts) for parts in zip(rule, latencies, strict=True) if parts[0] is not None]
    rule = [part for part in rule if part is not None]
    return {
        "where": where, "clips": len(spoken.words), "right": sum(tools.right(spoken, found, offset_s=offset_s)),
        "right_library": sum(tools.right(spoken, library)),
        "first_picture_ms": round(statistics.median(pictures)), "openings": openings,
        "fps": round(1e3 / float(intervals.mean()), 1), "frame_ms_p95": round(float(np.percentile(intervals, 95)), 1),
        "draw_ms_p50": round(float(np.percentile(costs, 50)), 2),
        "draw_ms_p95": round(float(np.percentile(costs, 95)), 2),
        "rule_ms_p50": round(statistics.median(rule)), "rule_ms_p95": round(float(np.percentile(rule, 95))),
        "display_ms_p50": round(statistics.median(latencies)),
        "display_ms_p95": round(float(np.percentile(latencies, 95))),
        "total_ms_p50": round(statistics.median(total)), "total_ms_p95": round(float(np.percentile(total, 95))),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def rule_ms(spoken: tools.Spoken, found: list[Any], offset_s: float) -> list[float | None]:
    """From the end of its word to the end of the window that decided it, for each detection; None for a false one."""
    ends = [start + offset_s + word_end_s(path) for path, start in zip(spoken.paths, spoken.starts_s, strict=True)]
    clips = list(zip(spoken.words, spoken.starts_s, ends, strict=True))
    times: list[float | None] = []
    for label, time_s, _ in found:
        own = [end for word, start, end in clips if word == label and 0 < time_s - start - offset_s <= 1 + tools.LATE_S]
        times.append(1e3 * (time_s - own[0]) if own else None)
    return times


def show(row: dict[str, Any]) -> None:
    reached = {
        "first picture": row["first_picture_ms"] <= AIM_PICTURE_MS, "frames": row["fps"] >= AIM_FPS - 1,
        "word's end to display": row["total_ms_p50"] <= AIM_DISPLAY_MS,
    }  # fmt: skip
    print(row)
    print(", ".join(f"{name}: {'reached' if is_there else 'NOT reached'}" for name, is_there in reached.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the official test layout")
    parser.add_argument("--openings", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="ten clips; writes nothing")
    options = parser.parse_args()
    from hanmadi.export.browser import export_web

    recognizer = hanmadi.load("small")
    paths, share = tools.choose_clips(recognizer, options.data, each=1 if options.quick else 4, tried=20)
    spoken = tools.speak(paths)
    print(f"{len(paths)} clips; of those tried, the model detects {share:.0%} in a stream")
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        export_web("small", folder / "site" / "page")
        addresses = {
            "server": stack.enter_context(tools.serving(folder / "runs", "--model", "small")),
            "browser": stack.enter_context(tools.file_server(folder / "site")) + "page/",
        }
        playwright = stack.enter_context(sync_playwright())
        for where, address in addresses.items():
            rows.append(measure(playwright, where, address, spoken, folder, options.openings))
            rows[-1]["tried_detected"] = round(share, 3)
            show(rows[-1])
    if not options.quick:
        print(write_rows("page", rows))


if __name__ == "__main__":
    main()
