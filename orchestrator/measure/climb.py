"""How many threads a job that waits should have: from the CPUs on, more are tried, and kept while that pays; pure.

A number of threads is tried against the one that is held, in windows that take turns (held, more, more, held, …), so
that a drift of the items or of the machine meets both. Each pair of windows gives a ratio; what is judged is their mean
with its 95 % interval. More threads pay when they give at least a fifth of what they would give if all of them waited
for nothing but the outside: 3 threads after 2 must give 10 % more, not 50. That is far above the noise, and keeps
threads away from a job that only takes CPU time from its neighbours.
"""

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.measure.estimate import Estimate, geometric
from orchestrator.measure.scaling import THROTTLED
from orchestrator.measure.windows import Window, choose_unit

LEAST_WAITING = 0.1
"""Threads that wait for less of their time are not joined by others: these could give no more than that."""

NEAR = 0.85
"""More threads are not tried where memory would be expected to go beyond this share of its limit."""

PAYS = 0.2
_FEWEST_PAIRS, _MOST_PAIRS = 3, 6
_FINEST = 8


class Reading(Struct, frozen=True):
    """What was seen in a window.

    Attributes:
        window: its rates.
        waiting: the share of their time in which its threads neither ran nor were ready to; None where not known.
        memory: the share of the memory limit in use at its end; 0 without a limit.
    """

    window: Window
    waiting: float | None = None
    memory: float = 0.0


class Climb(Struct, frozen=True):
    """How far a climb is.

    Attributes:
        threads: the number that is held.
        most: never more than that.
        more: the number that is tried against it; the same where the climb is over.
        path: the numbers that were held, from the first on.
        windows: those of the trial that runs, in the order they were taken.
        refused: the least number that did not pay, or None.
        told: what was found, in words.
    """

    threads: int
    most: int
    more: int
    path: tuple[int, ...]
    windows: tuple[Window, ...] = ()
    refused: int | None = None
    told: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing is tried any more."""
        return self.more == self.threads

    @property
    def wants(self) -> int:
        """How many threads the next window is to have."""
        return self.more if len(self.windows) % 4 in (1, 2) else self.threads

    @property
    def reason(self) -> str:
        """What was found: "climbed 2→3→4; 6 gave 1 % less than 4"."""
        steps = [f"climbed {'→'.join(map(str, self.path))}"] if len(self.path) > 1 else []
        return "; ".join([*steps, *self.told])


def begin(threads: int, most: int) -> Climb:
    """A climb that begins with so many threads."""
    first = Climb(threads, most, threads, (threads,))
    return _next_trial(first)


def take(climb: Climb, reading: Reading) -> Climb:
    """The climb after another window, which had the threads that it wanted."""
    window, tried = reading.window, climb.wants == climb.more
    if _throttled(window):
        if tried:
            return _refuse(climb, f"the CPU quota throttled {climb.more}")
        return end(climb, f"the CPU quota throttles {climb.threads} already")
    if reading.memory * (climb.more / climb.wants) > NEAR:
        return end(
            climb, f"{climb.more} would come near the memory limit, of which {climb.wants} use {reading.memory:.0%}"
        )
    if not climb.windows and reading.waiting is not None and reading.waiting < LEAST_WAITING:
        return end(climb, f"they wait {100 * reading.waiting:.0f} % of their time, too little for more of them")
    climb = replace(climb, windows=(*climb.windows, window))
    pairs = len(climb.windows) // 2
    if len(climb.windows) % 2 or pairs < _FEWEST_PAIRS:
        return climb
    return _judge(climb, final=pairs >= _MOST_PAIRS)


def end(climb: Climb, why: str) -> Climb:
    """The climb, over for another reason than that more threads did not pay."""
    return replace(climb, more=climb.threads, windows=(), told=(*climb.told, why))


def gain(windows: tuple[Window, ...]) -> Estimate:
    """What more threads gave over fewer: the ratio of their rates within each pair of windows, in the order held, more,
    more, held, ….
    """
    unit = choose_unit(windows).unit
    rates = [window.rate(unit) for window in windows]
    held = [rate for at, rate in enumerate(rates) if at % 4 in (0, 3)]
    more = [rate for at, rate in enumerate(rates) if at % 4 in (1, 2)]
    found = geometric([high / low for low, high in zip(held, more, strict=True)])
    assert found is not None, "a gain needs two pairs"
    return found


def _judge(climb: Climb, final: bool) -> Climb:
    found = gain(climb.windows)
    wanted = 1 + PAYS * (climb.more / climb.threads - 1)
    if found.value >= wanted and found.low > 1:
        held = replace(climb, threads=climb.more, path=(*climb.path, climb.more), windows=())
        return _next_trial(held)
    if final or found.high < wanted:
        doubtful = found.value >= wanted
        noise = f", within the noise ({_percent(found.low)} to {_percent(found.high)})" if doubtful else ""
        return _refuse(climb, f"{climb.more} gave {_compared(found.value, doubtful)} {climb.threads}{noise}")
    return climb


def _refuse(climb: Climb, why: str) -> Climb:
    refused = replace(climb, refused=climb.more, windows=(), told=(*climb.told, why))
    return _next_trial(refused)


def _next_trial(climb: Climb) -> Climb:
    """Half as many threads again; once a number did not pay, the middle between it and what is held."""
    held, refused = climb.threads, climb.refused
    if refused is None:
        more = min(climb.most, held + max(1, held // 2))
        told = climb.told if more > held else (*climb.told, f"{held} is the most that is tried here")
        return replace(climb, more=more, told=told)
    # Between near numbers the difference is within the noise.
    fine = refused - held <= max(1, held // _FINEST)
    return replace(climb, more=held if fine else (held + refused) // 2)


def _throttled(window: Window) -> bool:
    return window.throttled_seconds > THROTTLED * window.seconds * window.threads


def _compared(ratio: float, doubtful: bool) -> str:
    percent = round(100 * (ratio - 1))
    if not percent:
        return "as much as"
    only = "" if doubtful else "only "
    return f"{only}{percent} % more than" if percent > 0 else f"{-percent} % less than"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"
