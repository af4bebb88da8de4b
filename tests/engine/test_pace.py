"""How large the next chunk should be; nothing here looks at a clock."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.pace import _MOST_RESULTS, TARGET_SECONDS, Pace


def simulate(unit: str, seconds_a_unit: float, bytes_a_unit: int, chunks: int) -> tuple[Pace, list[int]]:
    """A thread whose every unit takes the same time, taking all it wants each time."""
    pace, taken = Pace(), []
    for _ in range(chunks):
        units, nbytes = pace.appetite(unit)
        if unit == "file":
            units = max(1, min(units, -(-nbytes // max(1, bytes_a_unit))))
        taken.append(units)
        pace.note(units, units, units * bytes_a_unit, units * seconds_a_unit)
    return pace, taken


@pytest.mark.parametrize("unit", ["item", "file"])
def test_the_first_chunk_is_one_item(unit):
    """Before anything is known one item is taken: it may take an hour."""
    assert Pace().appetite(unit)[0] == 1


@given(st.floats(1e-9, 1e4), st.sampled_from(["item", "byte", "file"]), st.integers(0, 10**9))
def test_chunks_grow_slowly_and_only_so_far(seconds, unit, size):
    """A chunk is never more than eight times the one before, never empty, and never beyond the bounds."""
    _, taken = simulate(unit, seconds, size, 20)
    assert all(later <= 8 * earlier for earlier, later in pairwise(taken))
    assert all(1 <= units <= 64 << 20 for units in taken)


@given(st.floats(1e-7, 1.0))
def test_chunks_come_to_take_the_target(seconds):
    """After some chunks of even work one takes the target, or is a single item if that takes longer."""
    _, taken = simulate("item", seconds, 0, 20)
    assert taken[-1] * seconds <= max(TARGET_SECONDS * 1.01, seconds)
    assert taken[-1] * seconds > TARGET_SECONDS / 2.1 or seconds > TARGET_SECONDS / 2


@given(st.integers(1, 1 << 30))
def test_large_files_are_bounded_by_their_bytes(size):
    """Files of one size, a nanosecond a byte: a chunk's bytes come to what the target allows, or one file."""
    pace, taken = simulate("file", size * 1e-9, size, 30)
    _, nbytes = pace.appetite("file")
    assert nbytes <= TARGET_SECONDS * 1e9 * 1.01
    assert (taken[-1] - 1) * size <= nbytes


@given(st.integers(1, 1 << 24))
def test_chunks_are_bounded_by_their_results(size):
    """However quick the items are, a chunk's results come to a mebibyte, or are those of one item."""
    pace = Pace()
    for _ in range(20):
        units, _ = pace.appetite("item")
        pace.note(units, units, 0, units * 1e-9)
        pace.note_results(units, units * size)
    assert pace.appetite("item")[0] * size <= max(_MOST_RESULTS, size)
    assert pace.appetite("item")[0] * size > _MOST_RESULTS - size


def test_slow_work_makes_chunks_small_again():
    """When items begin to take a hundred times as long, chunks shrink within a few."""
    pace, _ = simulate("item", 1e-5, 0, 10)
    before = pace.appetite("item")[0]
    for _ in range(8):
        units = pace.appetite("item")[0]
        pace.note(units, units, 0, units * 1e-3)
    assert before > 1000
    assert pace.appetite("item")[0] <= TARGET_SECONDS / 1e-3 * 1.01


def uneven(often: float, times: float) -> list[float]:
    """The seconds of chunks, 20 s in all, of items of which some take so many times as long as 0.2 ms."""
    chance, pace, took = random.Random(3), Pace(), []
    while sum(took) < 20:
        units = pace.appetite("item")[0]
        took.append(sum(2e-4 * (times if chance.random() < often else 1) for _ in range(units)))
        pace.note(units, units, 0, took[-1])
    return took


@pytest.mark.parametrize(("often", "times", "least"), [(0.1, 50, 0.8), (0.01, 50, 0.85), (0.3, 10, 0.95)])
def test_chunks_of_uneven_items(often: float, times: float, least: float):
    """Where some items take far longer than most, nearly all of the time goes into chunks of 10 to 50 ms."""
    took = uneven(often, times)
    assert sum(each for each in took if 0.01 <= each <= 0.05) >= least * sum(took)


def test_a_slow_first_item_is_forgotten():
    """Ten seconds in which the first item loads something do not leave a thousand chunks of one item."""
    pace, taken = Pace(), []
    for seconds in (10.0, *[1e-4] * 80):
        units = pace.appetite("item")[0]
        taken.append(units)
        pace.note(units, units, 0, units * seconds)
    assert taken[-1] * 1e-4 > 0.9 * TARGET_SECONDS


def test_after_dear_items_cheap_ones_do_not_count():
    """One chunk that took seconds, since dear items began within it, is enough to make the next one short."""
    pace, _ = simulate("item", 1e-5, 0, 20)
    units = pace.appetite("item")[0]
    pace.note(units, units, 0, units * 3e-3)
    assert pace.appetite("item")[0] * 3e-3 <= TARGET_SECONDS * 1.01


def test_what_it_adds_up_to():
    """The report's sums: chunks, items, bytes, seconds, and the smallest and largest chunk in items."""
    pace = Pace()
    for items in (5, 2, 9):
        pace.note(100, items, 10 * items, 0.5)
    assert (pace.chunks, pace.items, pace.nbytes, pace.seconds) == (3, 16, 160, 1.5)
    assert (pace.smallest, pace.largest) == (2, 9)


def test_a_chunk_that_took_no_time():
    """A clock that did not move between two readings is no division by zero."""
    pace = Pace()
    pace.note(10, 10, 100, 0.0)
    assert all(wanted >= 1 for unit in ("item", "byte", "file") for wanted in pace.appetite(unit))


def test_a_chunk_of_files_is_bounded_by_their_number():
    """However quick the task is, a chunk has at most 4,096 files: each of them is in memory until the chunk's end."""
    pace, taken = simulate("file", 1e-9, 0, 20)
    assert pace.appetite("file")[0] == max(taken) == 4096
