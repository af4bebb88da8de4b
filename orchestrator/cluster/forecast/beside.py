"""What comes beside the work: pods that start or are evicted, planning, publishing; pure.

Planning and publishing grow with what there is to plan and to publish. What took a fraction of a second in a small run
says little about one a thousand times as large: there a rule is used if that is less, and said to be assumed.
"""

import math

from msgspec import Struct

from orchestrator.cluster.forecast.chance import TWO_SIDED, rate_within
from orchestrator.cluster.forecast.measured import Measured, Pods
from orchestrator.cluster.forecast.terms import THERE, Figure, Origin, Planned
from orchestrator.measure.estimate import Estimate
from orchestrator.report.words import duration
from orchestrator.spec.model import JobSpec

ASSUMED_START = 20.0
READING_BUCKET, READING_VOLUME = 0.05, 0.002
ENTRIES_A_SECOND, PUBLISHED_A_SECOND = 50_000, 200_000_000
_SHORT, _FAR = 1.0, 10.0
_HOUR = 3600.0


class Serial(Struct, frozen=True):
    """What one pod does while the others wait, or have ended."""

    planning: Figure
    publishing: Figure
    reading: Figure


def serial_of(spec: JobSpec, measured: Measured, planned: Planned, growth: float) -> Serial:
    """Planning, by the entries that are to be planned, and publishing, by what there is to publish."""
    store = spec.kubernetes.store or ""
    bucket = "://" in store and not store.startswith("file:")
    reading = READING_BUCKET if bucket else READING_VOLUME
    kept = "a bucket" if bucket else "a volume"
    read = Figure("reading", reading, "s a shard", "assumed", f"a ledger from {kept}, by the pod that publishes")
    if measured.stamps is None:
        why = "not measured in that run" if measured.pods is None else "not told apart in what pods leave"
        none = [Figure(name, 0.0, "s", "assumed", f"none: {why}") for name in ("planning", "publishing")]
        return Serial(none[0], none[1], read)
    stamps, entries = measured.stamps, planned.entries
    listed = measured.shards * reading if measured.shards > 1 else 0.0
    plan, publish = stamps.claimed - stamps.began, stamps.ended - stamps.worked - listed
    more = entries / measured.entries if entries is not None and measured.entries else growth
    total = None if entries is None else entries / ENTRIES_A_SECOND
    output = None if measured.output is None else measured.output * growth / PUBLISHED_A_SECOND
    return Serial(
        _scaled("planning", plan, more, total, f"{ENTRIES_A_SECOND:,} entries a second"),
        _scaled("publishing", publish, growth, output, f"{PUBLISHED_A_SECOND / 1e6:g} MB of output a second"),
        read,
    )


def _scaled(name: str, seconds: float, growth: float, assumed: float | None, rule: str) -> Figure:
    """What took so long, for so many times as much; by a rule where it was too short for that."""
    took = max(0.0, seconds)
    if growth == 1:
        return Figure(name, took, "s", "measured", THERE)
    scaled = took * growth
    if growth > _FAR and took < _SHORT and assumed is not None and assumed < scaled:
        return Figure(name, assumed, "s", "assumed", f"{rule}: {duration(took)} in that run say too little")
    return Figure(name, scaled, "s", "computed", f"{duration(took)} in that run, times {growth:.3g}")


class Start(Struct, frozen=True):
    """A pod's start-up: the mean, how much pods differ, and how far the mean may be off by chance."""

    figure: Figure
    deviation: float = 0.0
    unsure: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds."""
        return self.figure.value


def start_of(measured: Measured, pod_start: float | None, other: Pods | None) -> Start:
    """As the user says, as pods took to start in that run or in another one, or as is assumed."""
    pods = measured.pods or other
    if pod_start is not None:
        return Start(Figure("pod start", pod_start, "s", "given", "--pod-start"))
    if pods is not None:
        source = f"the mean of {pods.count} pods of {pods.run}, from creation to start"
        unsure = TWO_SIDED * pods.deviation / math.sqrt(pods.count)
        return Start(Figure("pod start", pods.start, "s", "measured", source), pods.deviation, unsure)
    told = "say --pod-start; a run on the cluster measures it"
    return Start(Figure("pod start", ASSUMED_START, "s", "assumed", told))


class Eviction(Struct, frozen=True):
    """How often pods are evicted: as a figure an hour, and a second of a pod's life."""

    figure: Figure
    rate: Estimate


def eviction_of(measured: Measured, given: float | None, other: Pods | None) -> Eviction:
    """As the user says (an hour), as often as it happened in that run or in another one, or never."""
    pods = measured.pods or other
    if given is not None:
        return _evicted(given, (1.0, 1.0), "given", "--evictions")
    if pods is not None and pods.evicted and pods.lived:
        hours = pods.lived / _HOUR
        source = f"{pods.evicted} in {hours:.3g} hours of pods' lives in {pods.run}"
        return _evicted(pods.evicted / hours, rate_within(pods.evicted), "measured", source)
    told = "never" if pods is None else f"never, as in {pods.run}"
    return _evicted(0.0, (1.0, 1.0), "assumed", f"{told}; say --evictions for nodes that may be taken away")


def _evicted(hourly: float, within: tuple[float, float], origin: Origin, source: str) -> Eviction:
    rate = hourly / _HOUR
    figure = Figure("evictions", hourly, "/h a pod", origin, source)
    return Eviction(figure, Estimate(rate, rate * within[0], rate * within[1]))


def setup_of(measured: Measured) -> Figure:
    """What a pod does beside its work."""
    what = "importing the task and making its state" if measured.pods is None else "what pods took beside the work"
    seconds = measured.setup if measured.pods is None else measured.pods.outside
    return Figure("set-up", seconds, "s", "measured", f"{what}, {THERE}")
