"""Executors of a training step: the shards of a batch one after the other, or side by side in threads.

Both give the same result bit for bit: each shard has its own randomness, network twin and number of threads within
an operation, and what is done to the weights waits for all shards of the batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Final, TypeVar

import torch

# how long a thread may keep the interpreter while another waits; Python's 5 ms are a tenth of a step
_SWITCH_S: Final = 1e-3

Shard = TypeVar("Shard")
Prepared = TypeVar("Prepared")
Learnt = TypeVar("Learnt")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor:
    """Carries out what a training has to do for each shard of a batch: here one after the other."""

    def __init__(self, shards: int) -> None:
        self.shards = shards  # of a batch, at most
        self.threads = torch.get_num_threads() // min(shards, torch.get_num_threads())  # within an operation

    def batches(
        self,
        batches: Iterable[Sequence[Shard]],
        prepare: Callable[[Shard], Prepared],
        learners: Sequence[Callable[[Prepared], Learnt]],
    ) -> Iterator[list[Learnt]]:
        """For each batch what its shards came to; shard number i is prepared, then given to learner number i.

        The learners wait for the caller to ask for the next batch. Preparing may not: it has to depend on its shard
        alone.
        """
        for shards in batches:
            with _operations_with(self.threads):
                learnt = [learn(prepare(shard)) for learn, shard in zip(learners, shards, strict=False)]
            yield learnt

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in order; only a few items are drawn ahead."""
        for item in items:
            with _operations_with(self.threads):
                result = function(item)
            yield result


class Threads(Executor):
    """Shards side by side, and the next batch is prepared by whoever has learnt from this one."""

    def __init__(self, shards: int) -> None:
        super().__init__(shards)
        workers = min(shards, torch.get_num_threads())
        self.pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(self.threads,))

    def batches(
        self,
        batches: Iterable[Sequence[Shard]],
        prepare: Callable[[Shard], Prepared],
        learners: Sequence[Callable[[Prepared], Learnt]],
    ) -> Iterator[list[Learnt]]:
        rest = iter(batches)
        ready = [self.pool.submit(prepare, shard) for shard in next(rest, ())]
        while ready:
            learning = [
                self.pool.submit(lambda learn, shard: learn(shard.result()), learn, shard)
                for learn, shard in zip(learners, ready, strict=False)
            ]
            ready = [self.pool.submit(prepare, shard) for shard in next(rest, ())]
            yield [learnt.result() for learnt in learning]

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        rest = iter(items)
        while some := [self.pool.submit(function, item) for item in islice(rest, self.shards)]:
            for result in some:
                yield result.result()


def executor_for(shards: int) -> AbstractContextManager[Executor]:
    """The executor for so many shards a batch: threads where there are several.

    Two threads with a network each keep two cores busy; one network whose every operation is shared between two
    threads does not, for its operations are small.
    """
    return serial(shards) if shards == 1 else threaded(shards)


@contextmanager
def serial(shards: int) -> Iterator[Executor]:
    """An executor without threads of its own."""
    yield Executor(shards)


@contextmanager
def threaded(shards: int) -> Iterator[Executor]:
    """An executor with as many threads as there are shards, at most as many as torch has."""
    threads, patience = torch.get_num_threads(), sys.getswitchinterval()
    executor = Threads(shards)
    sys.setswitchinterval(_SWITCH_S)
    try:
        with executor.pool:
            yield executor
    finally:
        sys.setswitchinterval(patience)
        torch.set_num_threads(threads)  # the workers' own number is what threads begun later would have


@contextmanager
def _operations_with(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads == before:
        yield
        return
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
