"""Sets of indexes as Kubernetes writes them: ``0-2,5``; pure."""

from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct


class Ranges(Struct, frozen=True):
    """Indexes, kept as their ranges: ten thousand of them are one pair when all are there.

    Attributes:
        pairs: first and last of each range, in order, not overlapping.
    """

    pairs: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        """How many indexes there are."""
        return sum(last - first + 1 for first, last in self.pairs)

    def __contains__(self, index: object) -> bool:
        """Whether an index is one of them."""
        if not isinstance(index, int):
            return False
        at = bisect_right(self.pairs, (index, index)) - 1
        found = at >= 0 and self.pairs[at][0] <= index <= self.pairs[at][1]
        follows = at + 1 < len(self.pairs) and self.pairs[at + 1][0] == index
        return found or follows

    def __iter__(self) -> Iterator[int]:
        """The indexes, in order."""
        return (index for first, last in self.pairs for index in range(first, last + 1))

    def __str__(self) -> str:
        """As Kubernetes writes them."""
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.pairs)


def parse_ranges(text: str | None) -> Ranges:
    """The indexes of ``status.completedIndexes`` or ``status.failedIndexes``; nothing means none.

    Raises:
        ValueError: it is no such list.
    """
    pairs = [_pair(part) for part in (text or "").split(",") if part]
    return Ranges(tuple(sorted(pairs)))


def _pair(part: str) -> tuple[int, int]:
    first, _, last = part.partition("-")
    return int(first), int(last or first)
