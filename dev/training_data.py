"""One folder to train the shipped models on: clips of Speech Commands, and keywords cut out of running speech.

    python dev/training_data.py OUT CLIPS WORDS [--words yes,no,...]

CLIPS is a folder in the layout of Speech Commands; WORDS is what `dev/cut_words.py` wrote, of which the words named are
taken, for training alone. OUT gets links, the lists of CLIPS, and `clips.txt`: the names of all training clips, sorted,
which is what `dev/clips_of_shipped.txt` lists of what the shipped models learnt from.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from cut_words import KEYWORDS

from hanmadi.data.sources import open_source
from hanmadi.files import write_text

LISTS = ("validation_list.txt", "testing_list.txt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("words", type=Path)
    parser.add_argument("--words", dest="wanted", default=",".join(KEYWORDS))
    options = parser.parse_args()
    gather(options.out, options.clips, options.words, options.wanted.split(","))


def gather(out: Path, clips: Path, words: Path, wanted: list[str]) -> None:
    out.mkdir(parents=True)
    for file in sorted(clips.rglob("*")):
        if file.is_file() and file.name not in LISTS:
            link(file, out / file.relative_to(clips))
    for name in LISTS:
        shutil.copyfile(clips / name, out / name)
    for word in wanted:
        for file in sorted((words / word).glob("*.flac")):
            link(file, out / word / f"libri{file.name}")
    names = [clip.name for clip in open_source(out).recordings() if clip.split == "train"]
    write_text(out / "clips.txt", "".join(f"{name}\n" for name in sorted(names)))
    print(f"{out}: {len(names)} training clips")


def link(file: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    to.symlink_to(os.path.relpath(file.resolve(), to.parent.resolve()))


if __name__ == "__main__":
    main()
