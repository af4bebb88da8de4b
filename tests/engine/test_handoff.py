"""Things handed from thread to thread: each once, in order, and nobody sleeps over one."""

import threading

import pytest

from orchestrator.engine import handoff
from orchestrator.engine.handoff import Handoff


@pytest.mark.parametrize("looks", [0, 1, 2000])
@pytest.mark.parametrize(("putters", "takers"), [(1, 1), (3, 1), (1, 3), (3, 3)])
def test_every_thing_is_taken_once(putters: int, takers: int, looks: int, monkeypatch: pytest.MonkeyPatch):
    """However many put and take, whether they look or sleep at once, each thing comes out once, and then the end."""
    monkeypatch.setattr(handoff, "_LOOKS", looks)
    things: Handoff[tuple[int, int]] = Handoff()
    taken: list[list[tuple[int, int]]] = [[] for _ in range(takers)]

    def put(who: int) -> None:
        for number in range(2000):
            things.put((who, number))

    def take(mine: list[tuple[int, int]]) -> None:
        while (thing := things.take()) is not None:
            mine.append(thing)

    putting = [threading.Thread(target=put, args=(who,)) for who in range(putters)]
    taking = [threading.Thread(target=take, args=(mine,)) for mine in taken]
    for thread in putting + taking:
        thread.start()
    for thread in putting:
        thread.join()
    things.close()
    for thread in taking:
        thread.join()
    assert sorted(thing for mine in taken for thing in mine) == [(w, n) for w in range(putters) for n in range(2000)]
    for mine in taken:
        for who in range(putters):
            numbers = [number for putter, number in mine if putter == who]
            assert numbers == sorted(numbers)


def test_to_and_fro_never_stalls(monkeypatch: pytest.MonkeyPatch):
    """A question and its answer, thousands of times, the waiting side now looking and now asleep: none is missed."""
    for looks in (1, 50, 2000):
        monkeypatch.setattr(handoff, "_LOOKS", looks)
        asked: Handoff[int] = Handoff()
        answered: Handoff[int] = Handoff()

        def answer(asked: Handoff[int] = asked, answered: Handoff[int] = answered) -> None:
            while (number := asked.take()) is not None:
                answered.put(-number)

        thread = threading.Thread(target=answer)
        thread.start()
        for number in range(3000):
            asked.put(number)
            assert answered.take() == -number
        asked.close()
        thread.join()


def test_a_closed_one_gives_what_is_left():
    """What was put before it was closed is still taken; after that there is None, again and again."""
    things: Handoff[str] = Handoff()
    things.put("a")
    things.close()
    assert [things.take(), things.take(), things.take()] == ["a", None, None]
