"""What commits add up to, against sets of integers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.progress import Progress
from orchestrator.run.records import Blob, Commit, FailedItem, Filled, Range

LO, HI = 5, 45


def a_range(lo: int, hi: int, *failed: int) -> Range:
    """A done stretch of items of 10 bytes; `failed` are the numbers of those that failed."""
    items = [FailedItem(lo, hi, number, 0) for number in failed]
    return Range(lo, hi, hi - lo, 10 * (hi - lo), [Blob("part", 0, 1, 0)], items)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=15))
def test_progress_is_a_set(stretches: list[tuple[int, int]]) -> None:
    """A stretch is absorbed if it is new and inside; else it is refused, and nothing of it counts."""
    progress, done = Progress(LO, HI), set[int]()
    for lo, hi in stretches:
        numbers = set(range(lo, hi))
        if numbers and lo >= LO and hi <= HI:
            assert progress.covers(lo, hi) is bool(numbers & done)
        if numbers and lo >= LO and hi <= HI and not numbers & done:
            progress.absorb(Commit(0, [a_range(lo, hi)]))
            done |= numbers
        else:
            with pytest.raises(ValueError, match=rf"\[{lo}, {hi}\)"):
                progress.absorb(Commit(0, [a_range(lo, hi)]))
    assert {number for lo, hi in progress.missing() for number in range(lo, hi)} == set(range(LO, HI)) - done
    assert {number for lo, hi in progress.done for number in range(lo, hi)} == done
    assert all(before[1] < after[0] for before, after in pairwise(progress.done))
    assert progress.complete is (len(done) == HI - LO)
    assert (progress.items, progress.nbytes) == (len(done), 10 * len(done))


def test_a_filled_item_has_no_longer_failed() -> None:
    """A failed item counts until a retry made it good; what a retry could not make good stays."""
    progress = Progress(0, 10)
    progress.absorb(Commit(0, [a_range(0, 5, 1, -1), a_range(5, 10, 1)]))
    progress.absorb(Commit(1, [], filled=[Filled(0, 5, 1, [])], refailed=[FailedItem(0, 5, -1, 0)]))
    assert list(progress.failed) == [(0, 5, -1), (5, 10, 1)]
    assert progress.complete
    assert progress.items == 10


@pytest.mark.parametrize("address", [(0, 5, 2), (0, 10, 1), (5, 10, 1)])
def test_only_what_failed_can_be_filled(address: tuple[int, int, int]) -> None:
    """A retry's result for an item that had not failed is a contradiction."""
    progress = Progress(0, 10)
    progress.absorb(Commit(0, [a_range(0, 5, 1)]))
    with pytest.raises(ValueError, match="had not failed"):
        progress.absorb(Commit(1, [], filled=[Filled(*address, [])]))


def test_an_item_is_filled_once() -> None:
    """The second result of one item is a contradiction."""
    progress = Progress(0, 5)
    progress.absorb(Commit(0, [a_range(0, 5, 1)]))
    progress.absorb(Commit(1, [], filled=[Filled(0, 5, 1, [])]))
    with pytest.raises(ValueError, match="had not failed"):
        progress.absorb(Commit(2, [], filled=[Filled(0, 5, 1, [])]))


def test_a_chunk_that_was_filled_in_has_items_of_its_own() -> None:
    """A chunk that counted as one failed item, and could be read later, has its items and those of them that failed; if
    its range is taken back, nothing of it counts.
    """
    progress = Progress(0, 10)
    unread = Range(0, 5, 1, 0, [], [FailedItem(0, 5, -9, 0)])
    progress.absorb(Commit(0, [unread, a_range(5, 10)]))
    progress.absorb(Commit(1, [], filled=[Filled(0, 5, -9, [], [FailedItem(0, 5, 3, 0)], 4)]))
    assert (list(progress.failed), progress.items) == ([(0, 5, 3)], 10)
    other = progress.copy()
    for found in (other, progress):
        found.absorb(Commit(2, [], voided=[unread]))
        assert (found.failed, found.items, found.missing()) == ({}, 5, [(0, 5)])


def test_nothing_is_complete_at_once() -> None:
    """A shard of no units has nothing missing."""
    assert Progress(7, 7).complete


@given(st.sets(st.integers(0, 19)), st.lists(st.integers(0, 19), unique=True))
def test_what_is_void_is_missing_again(done: set[int], voided: list[int]) -> None:
    """A range that was taken back no longer counts; one that is not done cannot be taken back."""
    progress = Progress(0, 20)
    for number in done:
        progress.absorb(Commit(0, [a_range(number, number + 1, 0, -1)]))
    for number in voided:
        commit = Commit(1, [], voided=[a_range(number, number + 1, 0, -1)])
        if number in done:
            progress.absorb(commit)
        else:
            with pytest.raises(ValueError, match="was not done"):
                progress.absorb(commit)
    left = done - set(voided)
    assert {number for lo, hi in progress.done for number in range(lo, hi)} == left
    assert {lo for lo, _, _ in progress.failed} == left
    assert (progress.items, progress.nbytes) == (len(left), 10 * len(left))
    for number in voided:
        progress.absorb(Commit(2, [a_range(number, number + 1)]))
    assert progress.items == len(done | set(voided))


def test_a_range_can_be_taken_back_and_done_in_one_commit() -> None:
    """What is void comes first, so that its place is free."""
    progress = Progress(0, 10)
    progress.absorb(Commit(0, [a_range(0, 10, 3)]))
    progress.absorb(Commit(1, [a_range(0, 5), a_range(5, 10, 1)], voided=[a_range(0, 10, 3)]))
    assert progress.complete
    assert list(progress.failed) == [(5, 10, 1)]


def test_a_copy_goes_on_by_itself() -> None:
    """What a copy absorbs does not count in the original."""
    progress = Progress(0, 10)
    progress.absorb(Commit(0, [a_range(0, 5, 1)]))
    progress.copy().absorb(Commit(1, [a_range(5, 10, 2)], filled=[Filled(0, 5, 1, [])]))
    assert (progress.missing(), progress.items, progress.nbytes) == ([(5, 10)], 5, 50)
    assert list(progress.failed) == [(0, 5, 1)]
