"""``hanmadi data``: get, make, check and export recordings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hanmadi.cli.options import DONE, SEED, SOME_FAILED, json_option, refuse, words_option
from hanmadi.cli.output import counter, draw, one_line, print_json, say, show, table

if TYPE_CHECKING:
    from hanmadi.data.check import DataCheck

_LISTED: Final = 20  # problems of a kind that are listed by name


@click.group()
def data() -> None:
    """Get, make and check recordings."""


@data.command("get")
@click.argument("name", required=False)
@click.option("--out", default="data", show_default=True, help="Folder to put it in.")
@click.pass_context
def get_archive(context: click.Context, /, name: str | None, out: str) -> int:
    """Download an official archive; without NAME, list them."""
    from hanmadi.data.sources.download import ARCHIVES, get

    if name is None:
        refuse(context, ["out"], "goes with the NAME of an archive")
        for archive in ARCHIVES.values():
            size = f"{archive.size / 1e6:,.0f} MB" if archive.size else "size told by the server"
            show(f"{archive.name:32} {size:>24}  {archive.licence}, {archive.citation}")
        return DONE
    with _bytes_bar() as progress:
        path = get(name, Path(out), progress=progress)
    say(f"{path}: train on it with: hanmadi train --data {path}")
    return DONE


@data.command("synth")
@words_option
@click.option("--out", required=True, help="Folder to write.")
@click.option("--clips-per-word", type=click.IntRange(1, 100_000), help="Clips of each word.")
@click.option("--language", type=click.Choice(["en", "ko"]), help="Chosen by the writing of the words otherwise.")
@click.option("--seed", type=SEED, default=0, show_default=True)
def synthesise(
    words: tuple[str, ...] | None, out: str, clips_per_word: int | None, language: str | None, seed: int
) -> int:
    """Write a corpus of synthetic speech, in folders as Speech Commands has them."""
    from hanmadi.data.sources.synth import SynthSource, write_corpus
    from hanmadi.labels import make_labels

    source = SynthSource(make_labels(words).keywords, seed=seed, language=language)
    if clips_per_word is not None:
        source = replace(source, clips_per_word=clips_per_word)
    with counter("synthesised") as count:
        report = write_corpus(source, Path(out), progress=count)
    say(
        f"{report.folder}: {report.clips} clips of {report.words} words by {report.speakers} speakers, "
        f"{report.noises} noises"
    )
    return DONE


@data.command("check")
@click.argument("source", metavar="SRC")
@json_option
def check_data(source: str, as_json: bool) -> int:
    """Count clips, speakers and seconds by word and split; list what is broken, silent, clipped or doubled."""
    from hanmadi.data.check import check
    from hanmadi.data.sources import open_source

    with counter("read") as count:
        found = check(open_source(source), progress=count)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_check(found)
    return SOME_FAILED if found.broken else DONE


@data.command("export")
@click.argument("source", metavar="SRC", required=False)
@click.option("--to", type=click.Choice(["npz"]), default="npz", show_default=True, help="The course's file.")
@click.option("--out", required=True, metavar="FILE", help="Such as speech_wav_8000.npz.")
@words_option
@click.option("--rate", "sample_rate", type=click.IntRange(1), default=8_000, show_default=True, metavar="HZ")
def export_data(source: str | None, to: str, out: str, words: tuple[str, ...] | None, sample_rate: int) -> int:
    """Write recordings as one file, as the course's notebook reads them; without SRC, synthetic speech."""
    from hanmadi.data.export import export_npz

    found = export_npz(source, Path(out), words=words, sample_rate=sample_rate)
    show(f"{found.path}: {sum(found.counts.values())} clips")
    show(table(["label", "clips"], [[label, str(count)] for label, count in found.counts.items()]))
    return DONE


def _show_check(found: DataCheck) -> None:
    splits = list(dict.fromkeys(split for counts in found.counts.values() for split in counts))
    header = ["word", *(f"{split}: clips / speakers / s" for split in splits)]
    rows = []
    for word, counts in sorted(found.counts.items()):
        cells = [counts.get(split) for split in splits]
        rows.append([word, *(f"{c.clips} / {len(c.speakers)} / {c.seconds:.0f}" if c else "-" for c in cells)])
    show(table(header, rows))
    rates = ", ".join(f"{rate} Hz: {n}" for rate, n in sorted(found.rates.items()))
    show(
        f"\n{one_line(found.source)}: {found.clips} clips of {len(found.counts)} words ({rates}), {found.noises} noises"
    )
    for note in found.notes:
        show(f"note: {one_line(note)}")
    for kind, listed in found.problems.items():
        show(f"{kind}: {len(listed)}")
        for problem in listed[:_LISTED]:
            show(f"  {one_line(problem.name)}: {one_line(problem.reason)}")
        if len(listed) > _LISTED:
            show(f"  and {len(listed) - _LISTED} more; all with --json")


@contextmanager
def _bytes_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Megabytes so far, in place on a terminal, in tenths elsewhere."""
    shown = sys.stderr.isatty()
    last = ("", -1)

    def progress(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        tenth = (stage, 10 * done // total if total else -1)
        if not shown and tenth == last:
            return
        last = tenth
        of = f" of {total / 1e6:,.0f} MB ({done / total:.0%})" if total else " MB"
        line = f"{stage} {done / 1e6:,.0f}{of}   "
        draw(line) if shown else say(line)

    yield progress
    if shown:
        say()
