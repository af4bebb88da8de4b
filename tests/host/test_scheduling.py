"""How the kernel treats a thread of ours."""

import os
import threading

import pytest

from orchestrator.host.scheduling import let_others_finish

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has SCHED_BATCH")


def in_a_thread(*, with_a_child: bool = False) -> list[int]:
    """The policies of a thread before and after it was told, and of a thread that it starts."""
    found: list[int] = []

    def note() -> None:
        found.append(os.sched_getscheduler(0))

    def told() -> None:
        note()
        let_others_finish()
        note()
        if with_a_child:
            child = threading.Thread(target=note)
            child.start()
            child.join()

    thread = threading.Thread(target=told)
    thread.start()
    thread.join()
    return found


def test_a_thread_waits_for_its_turn() -> None:
    """The thread that asks, and those it starts, no longer interrupt others; who started it is as it was before."""
    before = os.sched_getscheduler(0)
    assert in_a_thread(with_a_child=True) == [before, os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before


def test_where_it_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that forbids the call leaves the thread as it was."""

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    before = os.sched_getscheduler(0)
    assert in_a_thread() == [before, before]
