"""What runs in a process of its own, so that the server stays small and quick: a training, or a look at its data.

    python -m hanmadi.web.training_child JOB

JOB is JSON. One JSON object a line comes on standard output. It ends when standard input does: no training outlives its
server.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hanmadi.errors import HanmadiError, MissingExtraError

if TYPE_CHECKING:
    from hanmadi.runs import Epoch
    from hanmadi.training.budget import Hooks, Step

Tell = Callable[[Mapping[str, Any]], None]
_STDOUT, _STDERR = 1, 2
_NICE: Final = 10  # people who use the machine come first
_OFTEN_S: Final = 0.25  # between two reports of progress
_PATIENCE_S: Final = 5.0  # for a step to end when it is told to stop
HISTORY: Final = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def main() -> None:
    """Train with the settings that the command line holds as JSON."""
    job = json.loads(sys.argv[1])
    tell = _teller()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that half-written files are taken away
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(AttributeError, OSError):
        os.nice(_NICE)
    jobs: Mapping[str, Callable[..., None]] = {"describe": describe, "train": train}
    try:
        jobs[job.pop("do")](tell, **job)
    except HanmadiError as error:
        tell({"error": str(error)})
    except Exception as error:
        tell({"error": f"the training failed ({type(error).__name__}: {error}); the server's log says more"})
        raise


def describe(tell: Tell, *, data: str) -> None:
    """Tell how many clips of which words there are, and which networks can learn them."""
    from hanmadi.data.sources import open_source
    from hanmadi.labels import SILENCE, UNKNOWN, normal_word

    found = [normal_word(recording.word) for recording in open_source(data).recordings()]
    words = sorted(set(found) - {UNKNOWN, SILENCE})
    tell({"source": data, "clips": len(found), "words": words, "architectures": architectures()})


def architectures() -> list[dict[str, Any]]:
    """Every network with its summary and its number of weights for the course's twelve labels."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("train", "training") from error
    from hanmadi.labels import COURSE_LABELS
    from hanmadi.models import architecture, names
    from hanmadi.models.cost import parameters

    found = []
    for name in names():
        chosen = architecture(name)
        with torch.device("meta"):  # shapes alone: some have 128 million weights
            count = parameters(chosen.build(chosen.features.shape, len(COURSE_LABELS)))
        found.append({"name": name, "summary": chosen.summary, "parameters": count})
    return found


def train(tell: Tell, *, runs: str, **chosen: Any) -> None:
    """Train as `hanmadi.runs.Settings` say, and tell how it goes; the run gets a new folder in ``runs``."""
    from hanmadi.runs import new_run_folder, settings_of
    from hanmadi.training.train import train_as

    settings = settings_of(chosen)
    folder = new_run_folder(settings.arch, Path(runs))
    tell({"folder": folder.name})
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: tell({"note": str(message)})
            run = train_as(settings, out=folder, hooks=_hooks(tell))
    finally:
        with suppress(OSError):  # nothing is left of a training that ended before its first file
            folder.rmdir()
    tell({"done": run.folder.name})


def _hooks(tell: Tell) -> Hooks:
    from hanmadi.training.budget import Hooks

    told_s = 0.0

    def often(message: Mapping[str, Any]) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _OFTEN_S:
            told_s = time.monotonic()
            tell(message)

    def on_step(step: Step) -> None:
        last = step.share >= 1  # then it is evaluated, which takes a while and has no steps
        stage = "judging" if last else "training"
        (tell if last else often)({"stage": stage, "share": step.share, "seconds_left": step.seconds_left})

    def on_epoch(epoch: Epoch) -> None:
        tell({"epoch": {name: getattr(epoch, name) for name in HISTORY}})

    return Hooks(
        on_clips=lambda count: often({"stage": "reading", "clips": count}),
        on_start=lambda _: tell({"stage": "training"}),
        on_step=on_step,
        on_epoch=on_epoch,
    )


def _teller() -> Tell:
    """Lines on what was standard output; whatever else is printed, by a library in C too, goes to the server's log."""
    lines = os.fdopen(os.dup(_STDOUT), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(_STDERR, _STDOUT)

    def tell(message: Mapping[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    return tell


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not through a buffer, whose lock would be in the way at our end
        pass
    signal.raise_signal(signal.SIGTERM)
    time.sleep(_PATIENCE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
