"""Ranges, against Python's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs.base import Piece
from orchestrator.inputs.open import open_source
from orchestrator.inputs.ranges import BATCH, RangeSource
from orchestrator.spec.model import Input, LinesInput, RangeInput
from tests.inputs.reading import read

INTS = st.integers(-200, 200)


@given(INTS, INTS, INTS.filter(bool), st.lists(st.integers(0, 400)))
def test_like_python(start, stop, step, cuts):
    """Any range, cut anywhere, gives Python's numbers, which are their own keys."""
    seen = read(RangeSource(RangeInput(start=start, stop=stop, step=step)), cuts)
    assert seen.values == list(range(start, stop, step))
    assert seen.keys == seen.values


def test_nothing_is_stored():
    """A range longer than memory is one entry, and a piece of it comes in short ranges."""
    source = RangeSource(RangeInput(stop=10**18))
    [entry] = source.entries()
    assert entry.units == 10**18
    first = next(iter(source.reader().read([Piece(entry, 10**17, 10**17 + 10**9)])))
    assert first.values == range(10**17, 10**17 + BATCH)


def test_a_long_piece_comes_in_order():
    """The short ranges of a long piece follow each other and are all of it."""
    source = RangeSource(RangeInput(stop=3 * BATCH + 5))
    [entry] = source.entries()
    batches = list(source.reader().read([Piece(entry, 1, 3 * BATCH + 2)]))
    assert [number for batch in batches for number in batch.values] == list(range(1, 3 * BATCH + 2))
    assert all(batch.keys() == batch.values for batch in batches)


def test_refused():
    """A step of 0 and more numbers than the axis holds are refused."""
    with pytest.raises(InputError, match="step is 0"):
        RangeSource(RangeInput(stop=1, step=0))
    with pytest.raises(InputError, match="more than"):
        RangeSource(RangeInput(stop=2**63))


def test_exactly_one_kind(tmp_path):
    """An input of no kind or of two kinds is refused."""
    for spec in (Input(), Input(range=RangeInput(stop=1), lines=LinesInput(path="a"))):
        with pytest.raises(InputError, match="exactly one"):
            open_source(spec, tmp_path)
