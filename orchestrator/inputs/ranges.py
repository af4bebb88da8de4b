"""The integers of a range as items: `input: {range: …}`. Nothing is stored and nothing is read."""

from collections.abc import Iterator, Sequence
from functools import partial

from orchestrator.errors import InputError
from orchestrator.inputs.base import Batch, Entry, Piece
from orchestrator.spec.model import RangeInput

_MOST = (1 << 63) - 1
BATCH = 1 << 11
"""The most numbers in a batch."""


class RangeSource:
    """The integers start, start + step, … before stop.

    Raises:
        InputError: the step is 0, or there are more than 2⁶³ - 1 numbers.
    """

    unit = "item"

    def __init__(self, spec: RangeInput) -> None:
        if spec.step == 0:
            raise InputError("the range's step is 0, so it has no end", where="input.range.step")
        self._range = range(spec.start, spec.stop, spec.step)
        sign = 1 if spec.step > 0 else -1
        self._count = max(0, (spec.stop - spec.start + spec.step - sign) // spec.step)
        if self._count > _MOST:
            raise InputError(f"the range has more than {_MOST:,} numbers", where="input.range")

    def entries(self) -> Iterator[Entry]:
        if self._count:
            yield Entry(b"", self._count)

    def notes(self) -> Sequence[str]:
        return ()

    def reader(self) -> RangeReader:
        # A range of its own, so that threads do not count references to one object.
        return RangeReader(range(self._range.start, self._range.stop, self._range.step))


class RangeReader:
    """Gives each piece as short ranges, values and keys the same object: their results are encoded batch by batch, so
    that a long chunk of short items takes little memory.
    """

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        for piece in pieces:
            whole = self._numbers[piece.lo : piece.hi]
            for start in range(0, len(whole), BATCH):
                values = whole[start : start + BATCH]
                yield Batch(values, partial(_same, values), 0)

    def close(self) -> None:
        """Nothing is kept open."""


def _same(numbers: range) -> range:
    return numbers
