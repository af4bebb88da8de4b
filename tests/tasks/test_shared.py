"""An iterator that threads share."""

import threading
from collections.abc import Iterator
from itertools import count, pairwise

import pytest

import orchestrator
from orchestrator.tasks.shared import _Serialized, serialize_iterator

BEFORE = pytest.param(_Serialized, id="before 3.15")
make = pytest.mark.parametrize("make", [BEFORE, pytest.param(serialize_iterator, id="this Python")])


def numbers(stop: int) -> Iterator[int]:
    """A generator, which two threads must never be in at once."""
    inside = threading.Lock()
    for number in range(stop):
        assert inside.acquire(blocking=False)
        inside.release()
        yield number


@make
def test_each_value_goes_to_one_thread(make):
    """Four threads that loop over one generator get each value once, each thread in order."""
    shared, together = make(numbers(20_000)), threading.Barrier(4)
    got: list[list[int]] = [[] for _ in range(4)]

    def work(mine: list[int]) -> None:
        together.wait()
        mine.extend(shared)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for mine in got for number in mine) == list(range(20_000))
    assert all(one < next_ for mine in got for one, next_ in pairwise(mine))


@make
def test_a_generator_keeps_its_ways(make):
    """`send`, `throw` and `close` reach the generator; what ends it ends the iterator."""

    def echo() -> Iterator[object]:
        got: object = None
        while True:
            try:
                got = yield got
            except KeyError as error:
                got = error.args[0]

    shared = make(echo())
    assert iter(shared) is shared
    assert [next(shared), shared.send(3), shared.throw(KeyError("k"))] == [None, 3, "k"]
    shared.close()
    with pytest.raises(StopIteration):
        next(shared)


@make
def test_what_is_no_generator(make):
    """Any iterable will do; one that cannot be sent to says so."""
    shared = make(count(5))
    assert [next(shared), next(shared)] == [5, 6]
    assert list(make([1, 2])) == [1, 2]
    with pytest.raises(AttributeError):
        shared.send(1)


def test_python_s_own_is_used():
    """Where `threading` has one it is that one; tasks reach it as `orchestrator.serialize_iterator`."""
    assert orchestrator.serialize_iterator is serialize_iterator
    assert type(serialize_iterator([])) is getattr(threading, "serialize_iterator", _Serialized)
