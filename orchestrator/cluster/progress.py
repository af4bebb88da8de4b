"""How a run on a cluster is shown: a table on a terminal, four times a second; log lines elsewhere."""

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.cluster.watching import JobWatch, Shard, Tally
from orchestrator.report.words import count, duration, number

_BAR = 24
_EVERY_SECONDS = 10.0
_REFRESH = 0.25
_ORDER = ("failed", "evicted", "retrying", "pending", "stopping", "running", "stopped", "suspended", "waiting", "done")
_SHOWN = frozenset({"failed", "evicted", "retrying", "pending", "stopping", "running"})
_STYLES = {"failed": "red", "evicted": "yellow", "retrying": "yellow", "running": "green", "pending": "dim"}


def tally_line(run: str, tally: Tally, state: str) -> str:
    """One line: a bar, how many shards are in which state, retries and evictions."""
    done = tally.states.get("done", 0)
    full = int(_BAR * done / tally.total) if tally.total else 0
    parts = [run, "━" * full + "╌" * (_BAR - full), f"{number(done)}/{count(tally.total, 'shard')} done"]
    parts += [f"{number(tally.states[each])} {each}" for each in _ORDER if each != "done" and tally.states.get(each)]
    if tally.retries:
        parts.append(f"{count(tally.retries, 'pod')} failed")
    if tally.evicted:
        parts.append(f"{number(tally.evicted)} evicted")
    if state not in {"running", "done"}:
        parts.append(state)
    return "  ".join(parts)


def shard_note(shard: Shard, now: float) -> str:
    """What is to be said of a shard beyond its state."""
    parts = [shard.reason] if shard.reason else []
    if shard.retry_at is not None:
        parts.append(f"again in {duration(max(0, round(shard.retry_at - now)))}")
    if shard.failures and shard.state != "retrying":
        parts.append(f"failed {shard.failures} times")
    return ", ".join(parts)


def shown_shards(watch: JobWatch, room: int) -> tuple[list[Shard], int]:
    """Those shards that there is something to say of, the worst first, and how many there is no room for."""
    found = [shard for shard in watch.shards() if shard.state in _SHOWN]
    found.sort(key=lambda shard: (_ORDER.index(shard.state), shard.index))
    return found[:room], max(0, len(found) - room)


class LiveTable:
    """Shows a run on a terminal, on standard error."""

    def __init__(self, run: str, console: Console | None = None) -> None:
        self._run = run
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live("", console=self._console, auto_refresh=False, transient=True)
        self._next = 0.0
        self._live.start()

    def show(self, watch: JobWatch, index: int | None) -> None:
        """Nothing at once: it is shown with the next tick."""

    def tick(self, watch: JobWatch, now: float) -> None:
        """Draw it again, if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _REFRESH
            self._live.update(self._drawn(watch, now), refresh=True)

    def note(self, text: str) -> None:
        """Write a line above the table."""
        self._console.print(Text(text, style="yellow"))

    def line(self, text: str) -> None:
        """Write a line of a pod's output above the table."""
        self._console.print(Text(text))

    def ended(self) -> None:
        """Remove the table."""
        self._live.stop()

    def _drawn(self, watch: JobWatch, now: float) -> Group:
        head = Text(tally_line(self._run, watch.tally(), watch.verdict().state), no_wrap=True, overflow="ellipsis")
        shards, more = shown_shards(watch, max(3, self._console.height - 4))
        table = Table(box=None, pad_edge=False, show_header=bool(shards))
        for name in ("SHARD", "STATE", "NODE", "POD", ""):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for shard in shards:
            state = Text(shard.state, style=_STYLES.get(shard.state, ""))
            table.add_row(str(shard.index), state, shard.node or "", shard.pod or "", shard_note(shard, now))
        return Group(head, table, Text(f"and {number(more)} more" if more else ""))


class LogTable:
    """Logs what changes, a structured line each, and now and then how many shards are in which state."""

    def __init__(self, run: str, log: Any) -> None:
        self._log = log.bind(run=run)
        self._states: dict[int, tuple[str, str]] = {}
        self._job = ""
        self._next = time.monotonic() + _EVERY_SECONDS

    def show(self, watch: JobWatch, index: int | None) -> None:
        """Log a shard whose state is another, or the Job."""
        if index is None:
            self._show_job(watch)
            return
        shard = watch.shard(index)
        if self._states.get(index) == (shard.state, shard.reason):
            return
        self._states[index] = (shard.state, shard.reason)
        told = {"node": shard.node, "reason": shard.reason or None, "exit_code": shard.exit_code}
        told["failures"] = shard.failures or None
        self._log.info(
            "shard", shard=index, state=shard.state, pod=shard.pod, **{k: v for k, v in told.items() if v is not None}
        )

    def tick(self, watch: JobWatch, now: float) -> None:  # noqa: ARG002 - the other view's signature
        """Log how far it is, now and then."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            tally = watch.tally()
            self._log.info("progress", shards=tally.total, **tally.states)

    def note(self, text: str) -> None:
        """Log a warning."""
        self._log.warning("note", text=text)

    def ended(self) -> None:
        """Nothing is open."""

    def _show_job(self, watch: JobWatch) -> None:
        verdict = watch.verdict()
        if verdict.state != self._job:
            self._job = verdict.state
            self._log.info(
                "job", state=verdict.state, shards=watch.total, **({"reason": r} if (r := verdict.reason) else {})
            )


class Quiet:
    """Shows nothing."""

    def show(self, watch: JobWatch, index: int | None) -> None:
        """Nothing."""

    def tick(self, watch: JobWatch, now: float) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""
