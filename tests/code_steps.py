"""Runs the code blocks of a page one after another in the current folder, as a reader would.

usage: python tests/code_steps.py STEPS.json     (a list of {"kind": "python" | "hanmadi" | "shell" | "parse", ...})
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import soundfile

import hanmadi
from hanmadi import cli
from hanmadi.cli import commands

train = hanmadi.train


def quick_train(*arguments: Any, **options: Any) -> Any:
    """Training of one epoch unless the page says otherwise."""
    return train(*arguments, **({"epochs": 1} | options))


def arguments_of(command: str) -> list[str]:
    """Words of a command line without the first, file patterns filled in."""
    words = shlex.split(command)[1:]
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def parse(command: str) -> None:
    """Only parse a hanmadi command: its options exist and its values are allowed."""
    at: click.Command = commands.cli
    words = shlex.split(command)[1:]
    context = None
    while isinstance(at, click.Group):
        name, *words = words
        below = at.get_command(click.Context(at, parent=context), name)
        assert below is not None, f"no command {name!r} in {command!r}"
        at = below
    at.make_context(at.name, list(words))


def run(step: dict[str, str], names: dict[str, Any]) -> None:
    """One step; raises if it fails."""
    kind, text = step["kind"], step["text"]
    print(f"--- {kind}: {text}", flush=True)
    if kind == "python":
        exec(compile(text, step["where"], "exec"), names)
    elif kind == "hanmadi":
        code = cli.run(arguments_of(text))
        assert code == 0, f"exit code {code}: {text}"
    elif kind == "parse":
        parse(text)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)


def main() -> None:
    """Run the steps; the first that fails ends it."""
    hanmadi.train = quick_train
    sound, _ = soundfile.read("clip.wav", dtype="float32")
    names: dict[str, Any] = {"__name__": "page", "samples": sound}  # README: "samples" are the reader's
    for step in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        run(step, names)


if __name__ == "__main__":
    main()
