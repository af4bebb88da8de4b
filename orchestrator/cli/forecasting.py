"""`ftorch plan --on kubernetes`: what the job will take on so many nodes, from a run that was measured."""

import sys
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.cluster.forecast.choice import Forecast, Wish, choose
from orchestrator.cluster.forecast.making import Asked, basis_of
from orchestrator.cluster.forecast.measured import Measured
from orchestrator.cluster.forecast.sources import find_measured, find_pods, job_values
from orchestrator.cluster.forecast.terms import Planned
from orchestrator.cluster.forecast.text import forecast_text
from orchestrator.engine.explain import survey
from orchestrator.errors import FtorchError, InputError, JobError
from orchestrator.inputs.open import open_source
from orchestrator.run.folder import Manifest
from orchestrator.run.limit import Limited
from orchestrator.spec.load import dump_job
from orchestrator.spec.model import JobSpec

_SHORT = 10.0
"""Seconds of work below which a run says little of a rate."""


class Question(Struct, frozen=True):
    """What the command line asks.

    Attributes:
        run: the run to compute from; None for the newest.
        limit, items: so many items of the input, or so many instead of counting them.
        deadline, pod_start: seconds.
        price: of a CPU-hour.
        evictions: of a pod, in an hour of its life.
    """

    run: Path | str | None = None
    limit: int | None = None
    items: int | None = None
    deadline: float | None = None
    pod_start: float | None = None
    price: float | None = None
    evictions: float | None = None


def command(job_file: Path, spec: JobSpec, question: Question, as_json: bool) -> None:
    """Print the forecast."""
    found = forecast(spec, job_file.parent, question)
    print_json(found) if as_json else say(forecast_text(found, width_of(sys.stdout)).rstrip("\n"))


def forecast(spec: JobSpec, base: Path, question: Question) -> Forecast:
    """What the job will take on a cluster.

    Raises:
        RunNotFound: there is no run to compute from.
        JobError: the input is empty, or cannot be counted from here; pods are evicted before they have started.
    """
    measured, manifest = find_measured(question.run, base, spec)
    planned = _planned(spec, base, question, measured)
    pods = find_pods(base, spec) if measured.pods is None else None
    basis = basis_of(spec, measured, planned, Asked(question.pod_start, pods, question.evictions))
    doubtful = structs.replace(basis, notes=[*_doubts(spec, measured, manifest), *basis.notes])
    wish = Wish(question.deadline, question.price)
    return choose(spec.name, measured, doubtful, wish)


def _planned(spec: JobSpec, base: Path, question: Question, measured: Measured) -> Planned:
    """The input that is planned for: as it is now, or as the user or the run says where it cannot be seen from here."""
    if question.items is not None:
        return Planned(measured.axis, question.items, None, None, None, "given", "--items")
    try:
        source = open_source(spec.input, base, spec.remote)
        entries = source.entries() if question.limit is None else Limited(source, question.limit)
        found = survey(source, entries)
    except FtorchError as error:
        return _as_measured(measured, error)
    if not found.units:
        raise InputError("the input is empty: there is nothing to plan", where="input")
    items = None if source.unit == "byte" else found.units
    told = "the input as it is now" if question.limit is None else f"--limit {question.limit}"
    return Planned(source.unit, items, found.nbytes, found.units, found.splits, "measured", told)


def _as_measured(measured: Measured, why: FtorchError) -> Planned:
    if measured.limited:
        raise JobError(
            f"the input cannot be counted from here ({why.message}), and run {measured.run} was of its first items",
            where="input",
            hint="Say how many items there are: --items N.",
        ) from why
    items = measured.items if measured.total_items is None else measured.total_items
    told = f"as in run {measured.run}: the input cannot be counted from here ({why.message})"
    return Planned(measured.axis, items, measured.total_bytes, None, measured.entries, "measured", told)


def _doubts(spec: JobSpec, measured: Measured, manifest: Manifest | None) -> list[str]:
    doubts = []
    if measured.seconds < _SHORT:
        doubts.append(f"that run worked for {measured.seconds:.2g} s, which says little of a rate: measure more of it")
    if manifest is not None:
        then, now = job_values(manifest), msgspec.json.decode(dump_job(spec))
        changed = [name for name in ("task", "with", "input", "runtime") if then.get(name) != now.get(name)]
        if changed:
            doubts.append(f"that run's job was another in {', '.join(changed)}")
    return doubts
