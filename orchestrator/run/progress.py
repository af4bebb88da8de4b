"""What a shard's commits add up to; a pure fold over them."""

from bisect import bisect_right, insort

from orchestrator.run.intervals import Interval, missing
from orchestrator.run.records import Commit, FailedItem, Filled, Range

type Address = tuple[int, int, int]


class Progress:
    """The done stretches of [lo, hi), and the items that failed and were not made good.

    Attributes:
        items: items done, failed ones included.
        nbytes: bytes of input done.
        failed: the failed items by address (chunk and number).
    """

    def __init__(self, lo: int, hi: int) -> None:
        self.lo = lo
        self.hi = hi
        self.items = 0
        self.nbytes = 0
        self.failed: dict[Address, FailedItem] = {}
        self._more: dict[Address, int] = {}
        self._done: list[Interval] = []

    @property
    def done(self) -> list[Interval]:
        """The done stretches, sorted and disjoint."""
        return self._done

    @property
    def complete(self) -> bool:
        """Whether nothing is missing (failed items count as done)."""
        return not self.missing()

    def copy(self) -> Progress:
        """The same progress, which can go on by itself."""
        other = Progress(self.lo, self.hi)
        other.items, other.nbytes = self.items, self.nbytes
        other.failed, other._more, other._done = self.failed.copy(), self._more.copy(), self._done.copy()
        return other

    def missing(self) -> list[Interval]:
        """The stretches that are still to do."""
        return missing(self.lo, self.hi, self._done)

    def covers(self, lo: int, hi: int) -> bool:
        """Whether any of [lo, hi) is done."""
        at = bisect_right(self._done, (lo, self.hi + 1))
        before = at > 0 and self._done[at - 1][1] > lo
        return before or (at < len(self._done) and self._done[at][0] < hi)

    def absorb(self, commit: Commit) -> None:
        """Count a commit in.

        Raises:
            ValueError: it claims what is already done, or lies outside the shard, or fills what had not failed.
        """
        for item in commit.voided:
            self._absorb_voided(item)
        for item in commit.ranges:
            self._absorb_range(item)
        for filled in commit.filled:
            self._absorb_filled(filled)

    def _absorb_range(self, item: Range) -> None:
        if not self.lo <= item.lo < item.hi <= self.hi:
            raise ValueError(f"[{item.lo}, {item.hi}) is not within [{self.lo}, {self.hi})")
        if self.covers(item.lo, item.hi):
            raise ValueError(f"[{item.lo}, {item.hi}) was already done")
        self._insert(item.lo, item.hi)
        self.items += item.items
        self.nbytes += item.nbytes
        for failed in item.failed:
            self.failed[failed.lo, failed.hi, failed.index] = failed

    def _absorb_voided(self, item: Range) -> None:
        if not any(lo <= item.lo and item.hi <= hi for lo, hi in self._done):
            raise ValueError(f"[{item.lo}, {item.hi}) was not done, so it cannot be void")
        within = missing(self.lo, self.hi, [(item.lo, item.hi)])
        self._done = [piece for lo, hi in within for piece in _common(lo, hi, self._done)]
        self.items -= item.items
        self.nbytes -= item.nbytes
        for address in [address for address in self.failed if item.lo <= address[0] and address[1] <= item.hi]:
            del self.failed[address]
        for address in [address for address in self._more if item.lo <= address[0] and address[1] <= item.hi]:
            self.items -= self._more.pop(address)

    def _absorb_filled(self, filled: Filled) -> None:
        address = (filled.lo, filled.hi, filled.index)
        if self.failed.pop(address, None) is None:
            raise ValueError(f"item {filled.index} of [{filled.lo}, {filled.hi}) had not failed")
        if filled.items:
            self.items += filled.items
            self._more[address] = filled.items
        self.failed.update(((item.lo, item.hi, item.index), item) for item in filled.failed)

    def _insert(self, lo: int, hi: int) -> None:
        at = bisect_right(self._done, (lo, hi))
        if at < len(self._done) and self._done[at][0] == hi:
            hi = self._done.pop(at)[1]
        if at > 0 and self._done[at - 1][1] == lo:
            lo = self._done.pop(at - 1)[0]
        insort(self._done, (lo, hi))


def _common(lo: int, hi: int, done: list[Interval]) -> list[Interval]:
    return [(max(lo, start), min(hi, stop)) for start, stop in done if start < hi and stop > lo]
