"""From marks to windows, and the unit that windows are compared by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.windows import Mark, choose_unit, window_of
from tests.measure.curves import window


def mark(at: float, items: int, *, cpu: float = 0.0, nbytes: int = 0) -> Mark:
    """A mark of a thread whose chunks have ten items."""
    return Mark(at, cpu, 0.02, items // 10, items, items, nbytes)


def test_rates_are_each_threads_own():
    """Threads whose first and last chunks end at different moments are each measured over their own time."""
    before = [mark(10.0, 100), mark(10.4, 50)]
    after = [mark(11.0, 200, cpu=0.9, nbytes=1000), mark(12.4, 250, cpu=1.8, nbytes=4000)]
    found = window_of(3, before, after, 0.25)
    assert found is not None
    assert (found.threads, found.repeat, found.items, found.chunks, found.nbytes) == (2, 3, 300, 30, 5000)
    assert found.seconds == pytest.approx(1.5)
    assert found.items_per_second == pytest.approx(100 / 1 + 200 / 2)
    assert found.bytes_per_second == pytest.approx(1000 / 1 + 4000 / 2)
    assert found.cpu_seconds == pytest.approx(2.7)
    assert found.throttled_seconds == 0.25


@pytest.mark.parametrize("late", [mark(11.0, 100), mark(9.0, 300), mark(11.0, 20)], ids=["idle", "past", "replaced"])
def test_a_window_without_work_is_none(late: Mark):
    """A thread that did nothing, or whose counts began anew because its process was replaced, makes no window."""
    assert window_of(0, [mark(10.0, 100), mark(10.0, 100)], [mark(11.0, 200), late]) is None


@given(st.lists(st.tuples(st.floats(0.01, 10), st.integers(10, 10_000)), min_size=1, max_size=8))
def test_a_window_counts_everything_once(threads: list[tuple[float, int]]):
    """Items add up, and the rate lies between the slowest thread's and the fastest one's times their number."""
    found = window_of(0, [mark(0.0, 0) for _ in threads], [mark(seconds, items) for seconds, items in threads])
    assert found is not None
    assert found.items == sum(items for _, items in threads)
    rates = [items / seconds for seconds, items in threads]
    assert min(rates) * len(rates) * 0.999 <= found.items_per_second <= max(rates) * len(rates) * 1.001


def test_bytes_where_they_are_more_even():
    """Items of very different size, whose CPU time goes with the size, are compared by bytes."""
    sizes = [1000, 5000, 2000, 9000]
    windows = [
        window(1, at, 10.0, bytes_per_second=10.0 * size, cpu_seconds=size / 1e4) for at, size in enumerate(sizes)
    ]
    choice = choose_unit(windows)
    assert choice.unit == "byte"
    assert "CPU a byte by" in choice.reason


def test_items_where_they_are_more_even():
    """Items that cost the same however large they are, are compared by items."""
    sizes = [1000, 5000, 2000, 9000]
    windows = [window(1, at, 10.0, bytes_per_second=10.0 * size, cpu_seconds=0.5) for at, size in enumerate(sizes)]
    assert choose_unit(windows).unit == "item"


def test_what_more_threads_cost_is_no_unevenness():
    """That a byte gets dearer with more threads does not speak against bytes: windows of one count are compared."""
    windows = [
        window(threads, at, 10.0 * size, bytes_per_second=1000.0, cpu_seconds=float(threads))
        for threads in (1, 4)
        for at, size in enumerate((1, 3, 2))
    ]
    assert choose_unit(windows).unit == "byte"


def test_an_input_without_bytes():
    """Ranges have no bytes, and neither has no window at all."""
    assert choose_unit([window(1, 0, 5.0, bytes_per_second=0.0)]).unit == "item"
    assert choose_unit([]).unit == "item"
    assert choose_unit([window(1, 0, 5.0)]).reason.startswith("too few windows")
