"""Executors: the same results in the same order, and nothing is left changed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
import torch

from hanmadi.training.executor import Executor, serial, threaded

Make = Callable[[int], AbstractContextManager[Executor]]
both = pytest.mark.parametrize("make", [serial, threaded])


@both
def test_each_learner_gets_its_shards_in_order(make: Make) -> None:
    learnt: list[list[str]] = [[], []]

    def learner(number: int) -> Callable[[str], str]:
        def learn(shard: str) -> str:
            learnt[number].append(shard)
            return f"{number}{shard}"

        return learn

    with make(2) as executor:
        steps = list(executor.batches([["a", "b"], ["c", "d"], ["e"]], str.upper, [learner(0), learner(1)]))
        assert list(executor.batches([], str.upper, [learner(0)])) == []
    assert steps == [["0A", "1B"], ["0C", "1D"], ["0E"]]
    assert learnt == [["A", "C", "E"], ["B", "D"]]


@both
def test_no_batch_is_learnt_before_the_caller_has_done_with_the_last(make: Make) -> None:
    log: list[str] = []
    with make(2) as executor:
        for number, _ in enumerate(
            executor.batches([[1, 2]] * 3, lambda shard: shard, [lambda _: log.append("learn")] * 2)
        ):
            assert log.count("learn") == 2 * (number + 1)


@both
def test_one_may_stop_early(make: Make) -> None:
    with make(2) as executor:
        assert next(executor.batches(([i, i] for i in range(1_000_000)), abs, [abs, abs])) == [0, 0]


@both
def test_mapping_keeps_the_order_and_draws_little_ahead(make: Make) -> None:
    drawn: list[int] = []

    def items():
        for i in range(9):
            drawn.append(i)
            yield i

    with make(2) as executor:
        results = executor.map(lambda i: i * i, items())
        assert next(iter(results)) == 0
        assert len(drawn) <= 2
        assert list(results) == [i * i for i in range(1, 9)]


@both
def test_an_error_comes_through(make: Make) -> None:
    def fail(_: int) -> None:
        raise ValueError("of a learner")

    with make(2) as executor, pytest.raises(ValueError, match="of a learner"):
        list(executor.batches([[1, 2]], abs, [fail, fail]))


@both
def test_a_shard_has_its_share_of_the_threads(make: Make) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with make(2) as executor:
            found = list(executor.batches([[0, 0]], lambda _: torch.get_num_threads(), [abs, abs]))
    finally:
        torch.set_num_threads(before)
    assert found == [[1, 1]]


def test_threads_leave_the_interpreter_and_torch_as_they_were() -> None:
    patience, threads = sys.getswitchinterval(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threaded(2) as executor:
            assert next(executor.map(lambda _: sys.getswitchinterval(), [0])) < patience
            assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:  # a thread begun later asks what torch's number is
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(threads)
    assert sys.getswitchinterval() == patience
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
