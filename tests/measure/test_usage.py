"""What the process used, and the pauses of its garbage collector."""

import gc

from orchestrator.measure.node import Pauses
from orchestrator.measure.usage import PauseWatch, Usage


def test_collections_between_start_and_stop_are_counted():
    """Each collection is a pause; the longest is no longer than all of them, and what they freed is told."""
    gc.disable()
    try:
        watch = PauseWatch()
        gc.collect()
        watch.start()
        rings: list[list[object]] = [[] for _ in range(100)]
        for ring in rings:
            ring.append(ring)
        del ring, rings
        for _ in range(3):
            gc.collect()
        pauses = watch.stop()
        gc.collect()
    finally:
        gc.enable()
    assert pauses.count == 3
    assert pauses.freed == 100
    assert 0 < pauses.longest <= pauses.seconds


def test_no_collection_no_pause():
    """Where nothing was collected, nothing is told."""
    gc.disable()
    try:
        watch = PauseWatch()
        watch.start()
        assert watch.stop() == Pauses(0, 0.0, 0.0)
    finally:
        gc.enable()


def test_a_collection_that_had_begun():
    """The end of a collection whose beginning was not heard is no pause."""
    watch = PauseWatch()
    watch._on_event("stop", {})
    watch.start()
    assert watch.stop().count == 0


def test_the_watch_leaves_nothing_behind():
    """After its end the collector calls nobody."""
    before = list(gc.callbacks)
    watch = PauseWatch()
    watch.start()
    watch.stop()
    assert gc.callbacks == before


def test_usage_only_grows():
    """A later sample is never less, CPU seconds grow with work, and memory is in bytes."""
    first = Usage.now()
    burned = 0
    while Usage.now().user_seconds <= first.user_seconds:
        burned += sum(range(1000))
    again = Usage.now()
    assert again.user_seconds > first.user_seconds
    assert again.system_seconds >= first.system_seconds
    assert again.peak_rss >= first.peak_rss > 1 << 20
