"""Programs that run when a word is heard: no shell, and the sound does not wait for them."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hanmadi.errors import LabelError
from hanmadi.labels import word_key

MOST_RUNNING: Final = 8  # programs at a time; a word repeated does not fill the machine
_WAIT_S: Final = 10.0  # for the last programs at the end
_STDERR: Final = 2  # standard output is for the detections


class Actions:
    """Runs a word's program at each detection, and tells its failure."""

    def __init__(self, commands: Mapping[str, Sequence[str]], *, tell: Callable[[str], None]) -> None:
        """commands: word to program and arguments; tell: takes a line for people."""
        self._commands = commands
        self._tell = tell
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def run(self, word: str) -> None:
        """Start the program of a word, if it has one. Never raises for the program's sake."""
        if word not in self._commands:
            return
        self.check()
        command = self._commands[word]
        if len(self._running) >= MOST_RUNNING:
            self._tell(f"on {word}: {command[0]} not started, as {MOST_RUNNING} programs are still running")
            return
        try:
            program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=_STDERR)
        except (OSError, ValueError) as error:
            self._tell(f"on {word}: {command[0]} cannot be run ({error})")
            return
        self._running.append((word, program))

    def check(self) -> None:
        """Tell which programs have failed since."""
        ended = [entry for entry in self._running if entry[1].poll() is not None]
        self._running = [entry for entry in self._running if entry not in ended]
        for word, program in ended:
            if program.returncode:
                self._tell(f"on {word}: {_name(program)} failed (exit code {program.returncode})")

    def finish(self, *, wait_s: float = _WAIT_S) -> None:
        """Wait for the programs that still run, in all no longer than this; then they are left alone."""
        until = time.monotonic() + wait_s
        for word, program in self._running:
            try:
                program.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(f"on {word}: {_name(program)} is still running")
        self.check()


def parse(text: str, words: Sequence[str]) -> tuple[str, list[str]]:
    """``yes=program argument`` to the word and its command. Raises LabelError if it is not so, or no such word."""
    word, sign, command = text.partition("=")
    try:
        parts = shlex.split(command)
    except ValueError as error:  # a quote without its other
        raise LabelError(f"on {text!r}: the command cannot be understood ({error})") from error
    if not sign or not parts:
        raise LabelError(f"expected WORD='command', such as yes='notify-send heard', got {text!r}")
    named = {word_key(known): known for known in words}
    if word_key(word) not in named:
        raise LabelError(f"expected one of the model's words ({', '.join(words)}), got {word!r}")
    return named[word_key(word)], parts


def parse_all(texts: Sequence[str], words: Sequence[str]) -> dict[str, list[str]]:
    """The command of each word. Raises LabelError as `parse` does, and for a word with two commands."""
    found: dict[str, list[str]] = {}
    for text in texts:
        word, command = parse(text, words)
        if word in found:
            raise LabelError(f"expected one command for {word!r}, got two; put both into one program")
        found[word] = command
    return found


def _name(program: subprocess.Popen[bytes]) -> str:
    arguments = program.args
    return str(arguments[0] if isinstance(arguments, list) else arguments)
