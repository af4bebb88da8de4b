"""Ranges, against Python's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs.base import Piece
from orchestrator.inputs.open import open_source
from orchestrator.inputs.ranges import RangeSource
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
    """A range longer than memory is one entry, and a piece of it is a range."""
    source = RangeSource(RangeInput(stop=10**18))
    [entry] = source.entries()
    assert entry.units == 10**18
    [batch] = source.reader().read([Piece(entry, 10**17, 10**17 + 10**9)])
    assert batch.values == range(10**17, 10**17 + 10**9)


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
