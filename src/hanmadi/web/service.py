"""What the routes share: models, limits, threads, counters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from hanmadi.runs import RUNS_FOLDER
from hanmadi.web.examples import STATIC
from hanmadi.web.limits import LIMITS, Limits, RefusedError
from hanmadi.web.live import Streams
from hanmadi.web.metrics import Metrics
from hanmadi.web.models import Catalogue
from hanmadi.web.trainings import Trainings

_T = TypeVar("_T")
_THREADS: Final = 2  # for clips, and as many for sockets: a long clip keeps no live sound waiting


@dataclass(frozen=True)
class Options:
    """What a person chose when the server was started."""

    host: str = "127.0.0.1"
    model: str | None = None  # the default, as `hanmadi.load` takes it
    data: str | None = None  # recordings that may be trained on
    runs: Path = RUNS_FOLDER
    origins: tuple[str, ...] = ()  # other sites' pages that may use this server
    limits: Limits = LIMITS
    static: Path = field(default=STATIC, repr=False)


class Service:
    """Everything that a running server holds: models, trainings, counters, limits."""

    def __init__(self, options: Options) -> None:
        """Raises ModelError if the chosen model cannot be read."""
        self.options = options
        self.limits = options.limits
        self.metrics = Metrics()
        self.models = Catalogue(options.runs, options.model)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="clips")
        self._hearing = ThreadPoolExecutor(_THREADS, thread_name_prefix="streams")
        self.streams = Streams(self.limits, self.metrics, self._hearing)
        self.trainings = Trainings(options.data, options.runs)
        self._working = 0

    async def threaded(self, work: Callable[[], _T]) -> _T:
        """Run work that takes time beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def begin(self) -> None:
        """A sound is taken into work; `done` must follow. Raises RefusedError with 429 if too many are."""
        if self._working >= self.limits.requests:
            raise RefusedError(429, f"expected at most {self.limits.requests} sounds at once; try again in a second")
        self._working += 1

    def done(self) -> None:
        """Mark a request as answered, so that the next one may run."""
        self._working -= 1

    async def close(self) -> None:
        """End every training and release every model, when the server stops."""
        await self.streams.close()
        await self.threaded(self.trainings.close)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._hearing.shutdown(wait=False, cancel_futures=True)
