"""What a job would do, without doing it: the same reading, checking and deciding as a run, and nothing written."""

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from orchestrator.engine.protocol import Load
from orchestrator.engine.session import decide_threads_for, pool_caps
from orchestrator.engine.supervisor import Worker
from orchestrator.errors import OutputError
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.interpreter import BackendDecision
from orchestrator.inputs.base import Entry, Source
from orchestrator.inputs.open import open_source
from orchestrator.outputs.target import check_output, target_of
from orchestrator.run.folder import raw_job, runs_folder
from orchestrator.run.limit import Limited
from orchestrator.run.plan import entry_bytes
from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec

_EXAMPLES = 5


class Explanation(Struct, frozen=True):
    """What `ftorch plan` says.

    Attributes:
        unit: what the work is divided by: "file", "byte" or "item".
        splits: stretches of input that one thread can take by itself; a byte range can be cut further.
        cuttable: whether splits can be cut further, down to an item.
        items: how many items, None where only reading the input can tell.
        nbytes: bytes of input.
        first: the first entries' names, as an example.
        output: the path that would be written, None for a job without output.
        refusal: why the output could not be written as things are, None if it could.
        import_seconds: how long importing the task took.
        runs: where the run would be kept.
    """

    name: str
    task: str
    unit: str
    splits: int
    cuttable: bool
    items: int | None
    nbytes: int
    first: list[str]
    notes: list[str]
    threads: ThreadDecision
    backend: BackendDecision
    import_seconds: float
    output: str | None
    output_format: str
    refusal: str | None
    runs: str


def explain(spec: JobSpec, base: Path, limit: int | None = None) -> Explanation:
    """Read the job's input, import its task in a worker, and decide all that a run would decide.

    Raises:
        JobError: the task, the input or the output is wrong.
        MachineError: this machine cannot run the job.
    """
    source = open_source(spec.input, base, spec.remote)
    threads = decide_threads_for(spec)
    pools = pool_caps(spec, threads)
    with Worker() as worker:
        worker.load(Load(raw_job(spec), os.fspath(base), pools, prepare=False))
        found = survey(source, source.entries() if limit is None else Limited(source, limit))
        loaded = worker.loaded()
    output_format = resolve_output_format(spec.output, loaded.is_fold)
    refusal = None
    try:
        check_output(spec.output, output_format, base, spec.name, spec.remote)
    except OutputError as error:
        refusal = str(error)
    target = target_of(spec.output, output_format, base, spec.name)
    return Explanation(
        name=spec.name,
        task=spec.task,
        unit=source.unit,
        splits=found.splits,
        cuttable=found.cuttable and found.splits > 0,
        items=None if source.unit == "byte" else found.units,
        nbytes=found.nbytes,
        first=found.first,
        notes=list(source.notes()),
        threads=threads,
        backend=loaded.backend,
        import_seconds=loaded.seconds,
        output=None if output_format == "none" else target.shown,
        output_format=output_format,
        refusal=refusal,
        runs=os.fspath(runs_folder(base)),
    )


class Survey(Struct, frozen=True):
    """What an input's entries add up to; `first` has the names of the first few."""

    splits: int
    units: int
    nbytes: int
    cuttable: bool
    first: list[str]


def survey(source: Source, entries: Iterable[Entry]) -> Survey:
    """What the entries add up to, and the names of the first few."""
    splits = units = nbytes = 0
    cuttable = source.unit != "file"
    first: list[str] = []
    for entry in entries:
        splits += 1
        units += entry.units
        nbytes += entry_bytes(source.unit, entry)
        cuttable = cuttable and not entry.whole
        if len(first) < _EXAMPLES and entry.name:
            first.append(entry.name.decode("utf-8", "backslashreplace"))
    return Survey(splits, units, nbytes, cuttable, first)
