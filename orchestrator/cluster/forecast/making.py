"""From a measured run, the input as it is now and what the user says to the terms of a forecast; pure.

What is not known is assumed in the open: each figure names its origin, and what is doubtful is a note.
"""

import math
import statistics
import time

from msgspec import Struct

from orchestrator.cluster.forecast.curve import Growth, growth
from orchestrator.cluster.forecast.measured import Measured, Pods, drift
from orchestrator.cluster.forecast.terms import Figure, Terms
from orchestrator.host.cgroups import CpuQuota
from orchestrator.host.cpus import CpuFacts, ThreadDecision, decide_threads
from orchestrator.measure.estimate import Estimate
from orchestrator.report.words import duration
from orchestrator.spec.model import JobSpec

ASSUMED_START = 20.0
PODS_A_SECOND = 10.0
READING_BUCKET, READING_VOLUME = 0.05, 0.002
_PERIOD = 100_000
_TWO_SIDED = 1.96
_DRIFTS = 1.5
_RARE = 40


class Planned(Struct, frozen=True):
    """The input that is planned for.

    Attributes:
        axis: what it is cut by: "file", "byte" or "item"; None where that is not known.
        items, nbytes: None where that is not known.
        units, entries: of the plan; None where the input was not looked at.
        origin, source: where that is from.
    """

    axis: str | None
    items: int | None
    nbytes: int | None
    units: int | None
    entries: int | None
    origin: str
    source: str


class Asked(Struct, frozen=True):
    """What the user says: seconds that a pod takes to start, and pods of an earlier run that tell it."""

    pod_start: float | None = None
    pods: Pods | None = None


class Basis(Struct, frozen=True):
    """Terms, the figures they were made from, and what a reader must know."""

    terms: Terms
    figures: list[Figure]
    notes: list[str]


def basis_of(spec: JobSpec, measured: Measured, planned: Planned, asked: Asked) -> Basis:
    """The terms of a forecast of a job on a cluster."""
    decided = threads_on(spec)
    cpus = spec.kubernetes.cpu.milli / 1000
    work = _work(measured, planned)
    grown = growth(measured, min(float(decided.threads), cpus))
    known = _same_input(measured, planned)
    start = _start(measured, asked)
    serial = _serial(spec, measured, planned, work.amount / work.measured)
    variation, unsure = _variation(measured, known)
    local, items_over_units = _local(measured), math.sqrt(measured.items / max(1, measured.units))
    each = measured.seconds * measured.working / measured.items
    longest, rarest = _longest(measured, each, 1.0 if known else work.amount / work.measured)
    piece = work.amount / work.measured * measured.units
    terms = Terms(
        amount=work.amount,
        rate=grown.ratio.map_by(work.measured / measured.seconds),
        items=work.amount / work.measured * measured.items,
        units=piece,
        variation=local if known else variation,
        most_variation=variation,
        whole=(planned.axis or measured.axis) != "byte",
        item_seconds=each,
        item_variation=local * items_over_units,
        most_item_variation=variation * items_over_units,
        longest=longest,
        rarest=rarest,
        unsure=unsure,
        density=measured.density if known and len(measured.density) > 1 else (),
        shards=spec.kubernetes.shards,
        cpus=cpus,
        threads=decided.threads,
        start=start.mean,
        start_deviation=start.deviation,
        start_unsure=start.unsure,
        setup=measured.setup if measured.pods is None else measured.pods.outside,
        planning=serial.planning,
        publishing=serial.publishing,
        reading=serial.reading,
        pods_a_second=PODS_A_SECOND,
    )
    figures = [
        Figure("work", work.amount, work.unit, planned.origin, planned.source),
        Figure("rate", terms.rate.value, f"{work.unit}/s a node", _origin(grown), f"{_of(measured)}, {grown.reason}"),
        Figure("threads", decided.threads, "", "computed", f"kubernetes.cpu {spec.kubernetes.cpu}: {decided.reason}"),
        Figure("uneven", variation, "", *_unevenness(measured, known)),
        start.figure,
        Figure("set-up", terms.setup, "s", "measured", _setup_from(measured)),
        *serial.figures,
        Figure("pods a second", PODS_A_SECOND, "", "assumed", "the Job controller's 20 requests a second, two a pod"),
    ]
    return Basis(terms, figures, _notes(spec, measured, grown, known))


def threads_on(spec: JobSpec) -> ThreadDecision:
    """How many threads a pod of the job gets, by the rules of a node whose CPUs are no scarcer than its quota."""
    milli = spec.kubernetes.cpu.milli
    quota = CpuQuota(milli / 1000, "kubernetes.cpu", milli * _PERIOD // 1000, _PERIOD, 2)
    facts = CpuFacts(tuple(range(math.ceil(milli / 1000) + 1)), quota)
    return decide_threads(spec.resources.threads, spec.resources.profile, spec.resources.rounding, {}, facts)


class _Work(Struct, frozen=True):
    amount: float
    measured: float
    unit: str


def _work(measured: Measured, planned: Planned) -> _Work:
    """What the work is counted in: bytes where they cost more evenly than items, or are all that is known."""
    by_bytes = planned.nbytes and measured.nbytes
    even = measured.scaling is not None and measured.scaling.unit == "byte"
    if by_bytes and (even or planned.items is None):
        return _Work(float(planned.nbytes or 0), float(measured.nbytes), "byte")
    return _Work(float(planned.items or 0), float(measured.items), "item")


def _same_input(measured: Measured, planned: Planned) -> bool:
    """Whether the run was of all the input that is planned for."""
    if measured.limited:
        return False
    if planned.items is not None:
        return planned.items == measured.items
    return planned.nbytes == measured.nbytes


class _Serial(Struct, frozen=True):
    planning: float
    publishing: float
    reading: float
    figures: list[Figure]


def _serial(spec: JobSpec, measured: Measured, planned: Planned, growth: float) -> _Serial:
    """Planning, by the entries that are to be planned, and publishing, by what there is to publish."""
    store = spec.kubernetes.store or ""
    bucket = "://" in store and not store.startswith("file:")
    reading = READING_BUCKET if bucket else READING_VOLUME
    kept = "a bucket" if bucket else "a volume"
    read = Figure("reading", reading, "s a shard", "assumed", f"a ledger from {kept}, by the pod that publishes")
    if measured.stamps is None:
        why = "not measured in that run" if measured.pods is None else "it is in the pods' time"
        none = [Figure(name, 0.0, "s", "assumed", f"none: {why}") for name in ("planning", "publishing")]
        return _Serial(0.0, 0.0, reading, [*none, read])
    stamps = measured.stamps
    more = growth
    if planned.entries is not None and measured.entries:
        more = planned.entries / measured.entries
    plan, publish = max(0.0, stamps.claimed - stamps.began), max(0.0, stamps.ended - stamps.worked)
    if measured.shards > 1:
        publish = max(0.0, publish - reading * measured.shards)
    times = f"{_of(measured)}, times {more:.3g} as many entries", f"{_of(measured)}, times {growth:.3g} as much"
    figures = [
        Figure("planning", plan * more, "s", "computed" if more != 1 else "measured", times[0]),
        Figure("publishing", publish * growth, "s", "computed" if growth != 1 else "measured", times[1]),
        read,
    ]
    return _Serial(plan * more, publish * growth, reading, figures)


class _Start(Struct, frozen=True):
    figure: Figure
    deviation: float = 0.0
    unsure: float = 0.0

    @property
    def mean(self) -> float:
        return self.figure.value


def _start(measured: Measured, asked: Asked) -> _Start:
    pods = measured.pods or asked.pods
    if asked.pod_start is not None:
        return _Start(Figure("pod start", asked.pod_start, "s", "given", "--pod-start"))
    if pods is not None:
        source = f"the mean of {pods.count} pods of {pods.run}, from creation to start"
        unsure = _TWO_SIDED * pods.deviation / math.sqrt(pods.count)
        return _Start(Figure("pod start", pods.start, "s", "measured", source), pods.deviation, unsure)
    told = "say --pod-start; a run on the cluster measures it"
    return _Start(Figure("pod start", ASSUMED_START, "s", "assumed", told))


def _variation(measured: Measured, known: bool) -> tuple[float, float]:
    """How much a unit's cost varies over its mean, and how far the mean may be off.

    Where the input is another than the measured one, what its stretches differed by counts as chance, too.
    """
    units = max(1, measured.units)
    within = 0.0 if measured.costs is None else measured.costs.variation
    stretches = len(measured.density)
    scatter = measured.between
    if not known and stretches > 1:
        scatter = statistics.stdev(measured.density) / statistics.fmean(measured.density)
    across = scatter * math.sqrt(units / stretches) if stretches > 1 else 0.0
    variation = max(within, across)
    return variation, 0.0 if known else _TWO_SIDED * variation / math.sqrt(units)


def _local(measured: Measured) -> float:
    """How much units vary that lie close together: without what differs from stretch to stretch."""
    if measured.costs is None:
        return 0.0
    whole, stretches = measured.costs.variation, len(measured.density)
    if stretches < 2:
        return whole
    across = statistics.stdev(measured.density) / statistics.fmean(measured.density)
    return math.sqrt(max(0.0, whole**2 * (1 + stretches / measured.units) - across**2))


def _longest(measured: Measured, each: float, growth: float) -> tuple[float, float]:
    """What the longest item of an input so many times as large is likely to take, and may take.

    Where the tail is that of a power law, the largest of m costs is about m^e times the mean; that tells the exponent e
    from the largest that was measured. Lighter tails grow by less, so half of it is likely; where costs have a variance
    e is 1/2 at most, and as one largest says little about e, twice of it may be. In one of 40 cases the largest is that
    of 40 times as many.
    """
    if measured.costs is None:
        return each, each
    longest, growth = measured.costs.longest, max(1.0, growth)
    exponent = math.log(max(1.0, longest / each)) / math.log(measured.items) if measured.items > 1 and each else 0.0
    if growth == 1:
        return longest, longest
    rare = _RARE ** min(0.5, exponent)
    return longest * growth ** min(0.25, exponent / 2), longest * growth ** min(0.5, 2 * exponent) * rare


def _notes(spec: JobSpec, measured: Measured, grown: Growth, known: bool) -> list[str]:
    notes = [grown.note] if grown.note else []
    if measured.cpu_model and measured.pods is None:
        notes.append(f"the nodes are taken to have CPUs like those measured: {measured.cpu_model}")
    dearer = drift(measured.density)
    if not known and dearer > _DRIFTS:
        notes.append(
            f"in the measured part one half of the input cost {dearer:.2g} times the other: the rest may cost otherwise"
        )
    if measured.costs is None and not measured.between:
        notes.append("how much items differ was not measured in that run; a run of this version measures it")
    if spec.kubernetes.shards is None:
        notes.append("kubernetes.shards is not given, so each node gets one shard")
    return notes


def _origin(grown: Growth) -> str:
    return grown.origin


def _of(measured: Measured) -> str:
    day = time.strftime("%Y-%m-%d", time.localtime(measured.ended))
    return f"run {measured.run} of {day}"


def _unevenness(measured: Measured, known: bool) -> tuple[str, str]:
    if measured.costs is None and not measured.between:
        return "assumed", "items cost the same"
    what = "a unit's deviation over its mean"
    return "measured", f"{what}, {_of(measured)}" + ("; its stretches as they were" if known else "")


def _setup_from(measured: Measured) -> str:
    if measured.pods is not None:
        return f"what pods took beside the work, {_of(measured)}"
    return f"importing the task and making its state, {_of(measured)} ({duration(measured.setup)})"
