"""What to do when the worker died: which items are suspect, which are guilty, and when to give up; pure.

A worker that dies takes down every item that was in flight. The next worker runs the chunks of those items first, alone
in one thread: what kills that one too is guilty and never run again; the others are innocent. SIGKILL may have come
from anywhere (an operator, a kernel short of memory that another process took), so it takes one more of those.
"""

import signal
from collections.abc import Sequence

from msgspec import Struct, structs

from orchestrator.engine.board import ALONE, NO_ITEM, RUNNING, Picture
from orchestrator.engine.outcome import WHOLE_CHUNK
from orchestrator.engine.poison import Poison
from orchestrator.engine.protocol import Trial
from orchestrator.host.cpus import ThreadDecision

_MOST_WITHOUT_SUSPECT = 3


class Flight(Struct, frozen=True):
    """An item that a thread was running: the thread, the chunk and the item's number (WHOLE_CHUNK while reading)."""

    lane: int
    lo: int
    hi: int
    item: int


class Death(Struct, frozen=True):
    """How a worker ended that did not say so.

    Attributes:
        code: its exit code; negative for a signal.
        stack: what faulthandler wrote, or "".
        cause: why it was killed, where the supervisor did it ("it took more memory than …"); else None.
    """

    code: int
    stack: str = ""
    cause: str | None = None

    @property
    def words(self) -> str:
        """The death in words."""
        if self.cause is not None:
            return self.cause
        if self.code == -signal.SIGKILL:
            return "SIGKILL (what the kernel's out-of-memory killer sends)"
        if self.code < 0:
            return signal.Signals(-self.code).name
        return f"exit code {self.code} (os._exit)"


class Recovery(Struct, frozen=True):
    """What is known after the deaths so far.

    Attributes:
        trials: the chunks to run alone, with the items in them that are poison.
        deaths: how many workers have died.
        unexplained: how many of them in a row died with no item in flight.
        notes: what happened, for the report.
        doubted: items that were alone when SIGKILL came; once more, and they are guilty.
        crowded: whether the last death was of memory, with several items in flight of which none is guilty so far.
        halvings: how often the threads were halved, because items that fit alone do not fit together.
        convicted: how many items were quarantined because they kill or hang their worker.
    """

    trials: tuple[Trial, ...] = ()
    deaths: int = 0
    unexplained: int = 0
    notes: tuple[str, ...] = ()
    doubted: frozenset[Flight] = frozenset()
    crowded: bool = False
    halvings: int = 0
    convicted: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether workers die again and again without running an item."""
        return self.unexplained >= _MOST_WITHOUT_SUSPECT


def flights(picture: Picture) -> list[Flight]:
    """What was in flight, by the board."""
    return [
        Flight(lane, line.lo, line.hi, WHOLE_CHUNK if line.item == NO_ITEM else line.item)
        for lane, line in enumerate(picture.lines)
        if line.state == RUNNING
    ]


def after_death(known: Recovery, picture: Picture | None, death: Death) -> Recovery:
    """What is known after one more death.

    Args:
        known: what was known before.
        picture: the board that the worker left, None if there is none.
        death: how it ended.
    """
    aloft = flights(picture) if picture is not None else []
    if picture is not None and picture.phase == ALONE and aloft:
        if death.code == -signal.SIGKILL and death.cause is None and aloft[0] not in known.doubted:
            return _doubt(known, aloft[0])
        return _convict(known, aloft[0], _crash(death, aloft[0] in known.doubted, aloft[0].item))
    trials = {(trial.lo, trial.hi): trial for trial in known.trials}
    for flight in aloft:
        trials.setdefault((flight.lo, flight.hi), Trial(flight.lo, flight.hi, flight.item, ()))
    where = _in_flight(len(aloft))
    crowded = len(aloft) > 1 and (death.cause is not None or death.code == -signal.SIGKILL)
    return structs.replace(
        known,
        trials=tuple(trials.values()),
        deaths=known.deaths + 1,
        unexplained=0 if aloft else known.unexplained + 1,
        crowded=crowded,
        halvings=known.halvings + (crowded and known.crowded),
        notes=(*known.notes, f"the worker died: {death.words}; with {where}"),
    )


def _in_flight(items: int) -> str:
    if items > 1:
        return f"{items} items in flight, which run alone now"
    return "one item in flight, which runs alone now" if items else "no item in flight"


def after_hang(known: Recovery, flight: Flight, seconds: float, stack: str) -> Recovery:
    """What is known after an item had to be left behind in its worker because nothing else would end it."""
    text = f"it took longer than timeout.item ({seconds:g} s), and only replacing the worker ended it"
    spared = structs.replace(known, deaths=known.deaths - 1)
    return _convict(spared, flight, Poison(flight.item, "Timeout", text, stack, 1))


def eased(decision: ThreadDecision, known: Recovery) -> ThreadDecision:
    """As many threads as were decided, or fewer where so many items at once took too much memory."""
    if not known.halvings:
        return decision
    threads = max(1, decision.threads >> known.halvings)
    reason = f"{decision.reason}; halved {known.halvings} times: items fit into memory alone, and not together"
    # Not to be climbed from again.
    return ThreadDecision(threads, reason, decision.warnings)


def settled(known: Recovery, done: Sequence[tuple[int, int]]) -> Recovery:
    """The same without the trials of chunks that are done."""
    return structs.replace(known, trials=tuple(trial for trial in known.trials if (trial.lo, trial.hi) not in done))


def _crash(death: Death, doubted: bool, item: int) -> Poison:
    kind = "Memory" if death.cause is not None else "Crash"
    times = "three times, twice of them alone" if doubted else "twice, the second time alone"
    return Poison(item, kind, f"it killed the worker {times}: {death.words}", death.stack, 3 if doubted else 2)


def _doubt(known: Recovery, flight: Flight) -> Recovery:
    note = f"SIGKILL came when item {flight.item} of chunk [{flight.lo}, {flight.hi}) ran alone: it runs once more"
    return structs.replace(
        known,
        deaths=known.deaths + 1,
        unexplained=0,
        notes=(*known.notes, note),
        doubted=known.doubted | {flight},
    )


def _convict(known: Recovery, flight: Flight, poison: Poison) -> Recovery:
    trials = {(trial.lo, trial.hi): trial for trial in known.trials}
    trial = trials.pop((flight.lo, flight.hi), Trial(flight.lo, flight.hi, flight.item, ()))
    if any(before.index == flight.item for before in trial.poison):
        # It kills although it was not run: reading or encoding the chunk is what kills.
        poison = Poison(WHOLE_CHUNK, poison.kind, poison.error, poison.stack, poison.attempts)
    convicted = Trial(trial.lo, trial.hi, trial.suspect, (*trial.poison, poison))
    return structs.replace(
        known,
        trials=(convicted, *trials.values()),
        deaths=known.deaths + 1,
        unexplained=0,
        crowded=False,
        convicted=known.convicted + 1,
        notes=(*known.notes, f"item {flight.item} of chunk [{flight.lo}, {flight.hi}) is quarantined: {poison.error}"),
    )
