"""Which of 1 to 1,000 nodes are the cheapest that keep a deadline, and from where on more of them do not help; pure.

Every count is looked at where that takes no long time; else a grid of counts, and by bisection what lies between.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from orchestrator.cluster.forecast.making import Basis
from orchestrator.cluster.forecast.measured import Measured
from orchestrator.cluster.forecast.model import Pods
from orchestrator.cluster.forecast.terms import Figure, Row, Terms

MOST_NODES = 1000
HELPS = 0.05
"""More nodes that save less of the time than that do not help."""
_GRID = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800)
_SHOWN = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_PLACEMENTS = 1_500_000
_ROUNDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_MOST_SHARDS = 20_000


class Forecast(Struct, frozen=True):
    """What a job will take on a cluster: computed, not measured.

    Attributes:
        job: its name.
        run, where, ended: the run that it is computed from, and when that ended (seconds since 1970).
        deadline: seconds, or None; price: of a CPU-hour, or None.
        rows: some counts of nodes, the fewest first, those that are named below among them.
        cheapest: of all that keep the deadline; None where none does, or none was given.
        safe: the cheapest that keeps it even at worst.
        fastest: of all.
        enough: the fewest nodes of which no more are faster by 5 %.
        most: more nodes than that have no shard to work on.
        better: with another number of shards, as many nodes as are advised; None where that gains less than 5 %.
        figures: what it was computed from, and where that is from.
        notes: what a reader must know.
    """

    job: str
    run: str
    where: str
    ended: float
    deadline: float | None
    price: float | None
    rows: list[Row]
    cheapest: Row | None
    safe: Row | None
    fastest: Row
    enough: Row
    most: int
    better: Row | None
    figures: list[Figure]
    notes: list[str]

    @property
    def advised(self) -> Row:
        """How many nodes to take: the cheapest that keep the deadline, else as many as help."""
        return self.cheapest or self.enough


class Wish(Struct, frozen=True):
    """What is wanted: seconds at most, and the price of a CPU-hour."""

    deadline: float | None = None
    price: float | None = None


def choose(job: str, measured: Measured, basis: Basis, wish: Wish) -> Forecast:
    """The forecast of a job by its terms.

    Args:
        job: its name.
        measured: the run that they are from.
        basis: the terms and where they are from.
        wish: what is wanted.
    """
    table = Table(basis.terms, wish.price)
    fastest = table.fastest()
    enough = table.fewest(lambda row: row.seconds <= fastest.seconds / (1 - HELPS))
    assert enough is not None
    cheapest = safe = None
    if (deadline := wish.deadline) is not None:
        cheapest = table.cheapest(lambda row: row.seconds <= deadline)
        safe = table.cheapest(lambda row: row.high <= deadline)
    named = {row.nodes for row in (cheapest, safe, enough) if row is not None}
    shown = sorted({*(count for count in _SHOWN if count <= table.most), table.most, *named})
    advised = cheapest or enough
    return Forecast(
        job=job,
        run=measured.run,
        where=measured.where,
        ended=measured.ended,
        deadline=wish.deadline,
        price=wish.price,
        rows=[table.at(nodes) for nodes in shown],
        cheapest=cheapest,
        safe=safe,
        fastest=fastest,
        enough=enough,
        most=table.most,
        better=better_shards(basis.terms, advised, wish.price),
        figures=basis.figures,
        notes=basis.notes,
    )


class Table:
    """What each number of nodes takes, computed when it is asked for.

    Attributes:
        most: more nodes have no shard to work on, or are not looked at.
    """

    def __init__(self, terms: Terms, price: float | None) -> None:
        self.most = min(MOST_NODES, terms.shards or MOST_NODES)
        self._terms = terms
        self._price = price
        self._pods = Pods(terms, terms.shards) if terms.shards else None
        self._rows: dict[int, Row] = {}

    def at(self, nodes: int) -> Row:
        """What so many nodes take."""
        if nodes not in self._rows:
            pods = self._pods or Pods(self._terms, nodes)
            self._rows[nodes] = priced(pods.on(nodes), self._price)
        return self._rows[nodes]

    def fastest(self) -> Row:
        """The fastest; between two counts of a grid, a valley is taken to have one bottom."""
        counts = list(self._counts())
        best = min(map(self.at, counts), key=_seconds)
        step = best.nodes if len(counts) < self.most else 0
        while step > 1:
            step //= 2
            near = [nodes for nodes in (best.nodes - step, best.nodes + step) if 1 <= nodes <= self.most]
            best = min([best, *map(self.at, near)], key=_seconds)
        return best

    def fewest(self, good: Callable[[Row], bool]) -> Row | None:
        """The fewest nodes that are good enough; more of them are taken to be no worse."""
        before = 0
        for nodes in self._counts():
            if good(self.at(nodes)):
                return self.at(self._bisected(before, nodes, good))
            before = nodes
        return None

    def cheapest(self, good: Callable[[Row], bool]) -> Row | None:
        """The cheapest of those that are good enough; of equal ones the fewest nodes."""
        if self.fewest(good) is None:
            return None
        return min(filter(good, self._rows.values()), key=lambda row: (row.cpu_hours, row.nodes))

    def _counts(self) -> Iterator[int]:
        each = self._terms.shards or self.most // 2
        if self.most * each * max(2, 1 + min(8, 2000 // each)) <= _PLACEMENTS:
            return iter(range(1, self.most + 1))
        return iter((*(count for count in _GRID if count < self.most), self.most))

    def _bisected(self, bad: int, good: int, is_good: Callable[[Row], bool]) -> int:
        while bad + 1 < good:
            middle = (bad + good) // 2
            if is_good(self.at(middle)):
                good = middle
            else:
                bad = middle
        return good


def _seconds(row: Row) -> tuple[float, int]:
    return row.seconds, row.nodes


def priced(row: Row, price: float | None) -> Row:
    """A row with its cost."""
    return row if price is None else structs.replace(row, cost=row.cpu_hours * price)


def better_shards(terms: Terms, row: Row, price: float | None) -> Row | None:
    """The same nodes with another number of shards, if that saves 5 % of the time."""
    pieces = terms.items if terms.whole else terms.units
    counts = [row.nodes * rounds for rounds in _ROUNDS if row.nodes * rounds <= min(_MOST_SHARDS, max(pieces, 1))]
    found = [priced(Pods(terms, count).on(row.nodes), price) for count in counts]
    best = min(found, key=lambda one: one.seconds, default=None)
    return best if best is not None and best.seconds < row.seconds * (1 - HELPS) else None
