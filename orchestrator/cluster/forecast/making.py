"""From a measured run, the input as it is now and what the user says to the terms of a forecast; pure.

What is not known is assumed in the open: each figure names its origin, and what is doubtful is a note.
"""

import math

from msgspec import Struct

from orchestrator.cluster.forecast.beside import Eviction, Serial, Start, eviction_of, serial_of, setup_of, start_of
from orchestrator.cluster.forecast.curve import Growth, growth
from orchestrator.cluster.forecast.evicted import HARDLY
from orchestrator.cluster.forecast.measured import Measured, Pods, drift
from orchestrator.cluster.forecast.terms import THERE, Figure, Planned, Terms
from orchestrator.cluster.forecast.uneven import local_variation, longest_of, unevenness_of, variation_of
from orchestrator.errors import JobError
from orchestrator.host.cgroups import CpuQuota
from orchestrator.host.cpus import CpuFacts, ThreadDecision, decide_threads
from orchestrator.report.words import duration
from orchestrator.spec.model import JobSpec

PODS_A_SECOND = 10.0
_CONTROLLER = "the Job controller's 20 requests a second, two a pod"
_PERIOD = 100_000
_DRIFTS = 1.5
_LONG_ITEM = 0.1
"""Evictions in the time of an item, from which on what was done of it and is lost grows faster than foretold."""


class Asked(Struct, frozen=True):
    """What the user says, and pods of an earlier run that tell what he does not.

    Attributes:
        pod_start: seconds that a pod takes to start.
        pods: of that run.
        evictions: of a pod, in an hour of its life.
    """

    pod_start: float | None = None
    pods: Pods | None = None
    evictions: float | None = None


class Basis(Struct, frozen=True):
    """Terms, the figures they were made from, and what a reader must know."""

    terms: Terms
    figures: list[Figure]
    notes: list[str]


class _Found(Struct, frozen=True):
    """What the terms are put together from."""

    measured: Measured
    work: _Work
    grown: Growth
    known: bool
    threads: ThreadDecision
    start: Start
    eviction: Eviction
    setup: Figure
    serial: Serial


def basis_of(spec: JobSpec, measured: Measured, planned: Planned, asked: Asked) -> Basis:
    """The terms of a forecast of a job on a cluster.

    Raises:
        JobError: pods are evicted before they have started.
    """
    decided, work = threads_on(spec), _work(measured, planned)
    found = _Found(
        measured=measured,
        work=work,
        grown=growth(measured, min(float(decided.threads), spec.kubernetes.cpu.milli / 1000)),
        known=_same_input(measured, planned),
        threads=decided,
        start=start_of(measured, asked.pod_start, asked.pods),
        eviction=eviction_of(measured, asked.evictions, asked.pods),
        setup=setup_of(measured),
        serial=serial_of(spec, measured, planned, work.amount / work.measured),
    )
    _check_evictions(found)
    whole = (planned.axis or measured.axis) != "byte"
    terms = _terms(spec, found, whole)
    return Basis(terms, _figures(spec, found, planned, terms), [*_notes(spec, found), *_long_items(terms)])


def _check_evictions(found: _Found) -> None:
    ready, rate = found.start.mean + found.setup.value, found.eviction.rate.value
    if rate * ready > HARDLY:
        raise JobError(
            f"pods take {duration(ready)} to start and are evicted after {duration(1 / rate)}: hardly any gets to work",
            where="--evictions" if found.eviction.figure.origin == "given" else found.eviction.figure.source,
            hint="--evictions is how often one pod is evicted in an hour of its life, such as 0.05/h.",
        )


def _long_items(terms: Terms) -> list[str]:
    """A warning where items are long beside a pod's life."""
    longest, rate = max(terms.item_seconds, terms.longest), terms.evictions.value
    if rate * longest <= _LONG_ITEM:
        return []
    often = f"its pod is evicted, every {duration(1 / rate)} on average"
    return [f"an item of {duration(longest)} is begun again when {often}: it may take much longer than is foretold"]


def _terms(spec: JobSpec, found: _Found, whole: bool) -> Terms:
    measured, work, known = found.measured, found.work, found.known
    cpus, times = spec.kubernetes.cpu.milli / 1000, work.amount / work.measured
    rate = found.grown.ratio.map_by(work.measured / measured.seconds)
    variation, unsure = variation_of(measured, known)
    local, items_over_units = local_variation(measured), math.sqrt(measured.items / max(1, measured.units))
    each = min(found.threads.threads, cpus) / (rate.value * measured.items / work.measured)
    longest, rarest = longest_of(measured, each, 1.0 if known else times)
    return Terms(
        amount=work.amount,
        rate=rate,
        items=times * measured.items,
        units=times * measured.units,
        variation=local if known else variation,
        most_variation=variation,
        whole=whole,
        item_seconds=each,
        item_variation=local * items_over_units,
        most_item_variation=variation * items_over_units,
        longest=longest,
        rarest=rarest,
        unsure=unsure,
        density=measured.density if known and len(measured.density) > 1 else (),
        shards=spec.kubernetes.shards,
        cpus=cpus,
        threads=found.threads.threads,
        start=found.start.mean,
        start_deviation=found.start.deviation,
        start_unsure=found.start.unsure,
        setup=found.setup.value,
        planning=found.serial.planning.value,
        publishing=found.serial.publishing.value,
        reading=found.serial.reading.value,
        pods_a_second=PODS_A_SECOND,
        evictions=found.eviction.rate,
    )


def _figures(spec: JobSpec, found: _Found, planned: Planned, terms: Terms) -> list[Figure]:
    unit, grown, serial = found.work.unit, found.grown, found.serial
    return [
        Figure("work", terms.amount, unit, planned.origin, planned.source),
        Figure("rate", terms.rate.value, f"{unit}/s a node", grown.origin, f"{THERE}, {grown.reason}"),
        Figure("threads", terms.threads, "", "computed", _threads_from(spec)),
        unevenness_of(terms.most_variation, found.measured, found.known),
        found.start.figure,
        found.setup,
        serial.planning,
        serial.publishing,
        serial.reading,
        Figure("pods a second", PODS_A_SECOND, "", "assumed", _CONTROLLER),
        found.eviction.figure,
    ]


def threads_on(spec: JobSpec) -> ThreadDecision:
    """How many threads a pod of the job gets, by the rules of a node whose CPUs are no scarcer than its quota."""
    milli = spec.kubernetes.cpu.milli
    quota = CpuQuota(milli / 1000, "kubernetes.cpu", milli * _PERIOD // 1000, _PERIOD, 2)
    facts = CpuFacts(tuple(range(math.ceil(milli / 1000) + 1)), quota)
    return decide_threads(spec.resources.threads, spec.resources.profile, spec.resources.rounding, {}, facts)


def _threads_from(spec: JobSpec) -> str:
    if spec.resources.threads != "auto":
        return "resources.threads"
    cpu = spec.kubernetes.cpu
    return f"kubernetes.cpu {cpu}" + ("" if cpu.whole else f", rounded: {spec.resources.rounding}")


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
    if planned.items is not None and planned.axis != "byte":
        return planned.items == (measured.items if measured.total_items is None else measured.total_items)
    return planned.nbytes is not None and planned.nbytes == measured.total_bytes


def _notes(spec: JobSpec, found: _Found) -> list[str]:
    measured, grown = found.measured, found.grown
    notes = [grown.note] if grown.note else []
    if measured.cpu_model and measured.pods is None:
        notes.append(f"the nodes are taken to have CPUs like those measured: {measured.cpu_model}")
    dearer = drift(measured.density)
    if not found.known and dearer > _DRIFTS:
        notes.append(
            f"in the measured part one half of the input cost {dearer:.2g} times the other: the rest may cost otherwise"
        )
    if measured.costs is None and not measured.between:
        notes.append("how much items differ was not measured in that run; a run of this version measures it")
    if spec.kubernetes.shards is None:
        notes.append("kubernetes.shards is not given, so each node gets one shard")
    return notes
