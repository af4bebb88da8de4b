"""How a job scales, without running it: a sweep over a sample of its input, whose results nobody keeps.

What the worker needs is kept in a temporary folder and removed; the job's output and its runs are not touched.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.engine.protocol import Load, Measured, Sweep, Work
from orchestrator.engine.session import decide_threads_for, pool_caps
from orchestrator.engine.supervisor import Worker
from orchestrator.errors import MachineError, WorkerDied
from orchestrator.host.cpus import ThreadDecision, cpu_facts
from orchestrator.host.facts import HostFacts, describe_host
from orchestrator.host.interpreter import BackendDecision
from orchestrator.inputs.open import open_source
from orchestrator.measure.ramp import shuffled, sweep_counts
from orchestrator.measure.scaling import Scaling, scaling_of
from orchestrator.run import folder
from orchestrator.run.folder import Manifest
from orchestrator.run.limit import Limited
from orchestrator.run.plan import ENTRIES_A_PART, PlanIndex, write_plan
from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec
from orchestrator.store.local import LocalStore
from orchestrator.version import __version__


@dataclass(frozen=True, slots=True)
class ScaleRequest:
    """What to measure.

    Attributes:
        spec: the job.
        job_file: its path.
        counts: numbers of threads; empty for 1, 2, 4 … to twice the job's own.
        seconds: of a window.
        repeats: windows of each count.
        seed: decides the order.
        limit: the sample: the first so many items; None for the first 4,096 files (or ranges of lines).
    """

    spec: JobSpec
    job_file: Path
    counts: tuple[int, ...]
    seconds: float
    repeats: int
    seed: int
    limit: int | None = None


class Progress(Struct, frozen=True):
    """How far a sweep is: windows done, of so many, the last one; seconds that the rest takes at least."""

    done: int
    total: int
    last: Measured | None
    seconds_left: float


class ScaleReport(Struct, frozen=True):
    """What a sweep found.

    Attributes:
        complete: whether every window was measured.
        reason: why not.
        threads: how many the job would have here, and why.
        seed, seconds, repeats, order: the windows: their order is the seed's, the counts shuffled in each repeat.
        sample_entries, sample_items, sample_bytes: what was measured on; items None where only reading can tell.
        items, failed: items done in all, the same ones again and again, and how many of them failed.
        scaling: the curve.
        notes: what a reader must know.
    """

    job: str
    task: str
    complete: bool
    reason: str
    host: HostFacts
    threads: ThreadDecision
    backend: BackendDecision
    seed: int
    seconds: float
    repeats: int
    order: tuple[int, ...]
    sample_entries: int
    sample_items: int | None
    sample_bytes: int
    items: int
    failed: int
    scaling: Scaling
    notes: list[str]


def measure_scaling(request: ScaleRequest, tell: Callable[[Progress], None]) -> ScaleReport:
    """Sweep over thread counts; Ctrl-C ends it with what was measured so far.

    Raises:
        JobError: the task or the input is wrong, or the sample is too short to measure.
        MachineError: there is but one CPU, or no room for temporary files.
        TooManyFailed: every item failed.
        WorkerDied: an item killed the process before there was a window.
        KeyboardInterrupt: it was stopped before there was a window.
    """
    threads = decide_threads_for(request.spec)
    if threads.threads == 1 and not request.counts:
        raise MachineError(
            f"one thread is all that this job has here ({threads.reason}): there is nothing to compare it with",
            hint="`--threads 1,2` measures two threads all the same.",
        )
    # Speedups are over one thread, so that is always measured.
    counts = tuple(sorted({1, *request.counts})) if request.counts else sweep_counts(threads.threads)
    order = shuffled(counts, request.repeats, request.seed)
    try:
        scratch = tempfile.TemporaryDirectory(prefix="ftorch-scale-", ignore_cleanup_errors=True)
    except OSError as error:
        raise MachineError(f"no temporary folder can be made: {error}", hint="Set TMPDIR to a folder.") from error
    with scratch as run:
        return _Sweeping(request, threads, order, tell).run(Path(run))


class _Sweeping:
    """One sweep."""

    def __init__(
        self,
        request: ScaleRequest,
        threads: ThreadDecision,
        order: tuple[int, ...],
        tell: Callable[[Progress], None],
    ) -> None:
        self._request = request
        self._threads = threads
        self._order = order
        self._tell = tell
        self._found: list[Measured] = []
        # An item that fails is not waited for: a thread that holds it could not park.
        once = msgspec.structs.replace(request.spec.retry, attempts=1)
        self._spec = msgspec.structs.replace(request.spec, retry=once)

    def run(self, run: Path) -> ScaleReport:
        request, spec, base = self._request, self._spec, self._request.job_file.parent
        most = ThreadDecision(max(self._order), f"the most of {len(self._order)} windows")
        pools = pool_caps(spec, most)
        store = LocalStore(run)
        with Worker() as worker:
            worker.load(Load(folder.raw_job(spec), os.fspath(base), pools))
            loaded = worker.loaded()
            output_format = resolve_output_format(spec.output, loaded.is_fold)
            manifest = _manifest(spec, request.job_file, "none" if output_format == "tree" else output_format)
            folder.create_run(store, manifest)
            index = _plan_sample(store, request)
            work = Work(os.fspath(run), manifest.job, 0, most, output="", replace=True, retry_failed=False)
            reason = self._measure(worker, Sweep(work, self._order, request.repeats, request.seconds))
        return self._report(loaded.backend, index, reason, self._notes(index, output_format))

    def _measure(self, worker: Worker, sweep: Sweep) -> str:
        """Take the windows as they come; why they are not all, or ""."""
        total = len(self._order)
        self._progress()
        try:
            for measured in worker.sweep(sweep):
                self._found.append(measured)
                self._progress()
        except KeyboardInterrupt:
            if not self._found:
                raise
            return f"stopped after {len(self._found)} of {total} windows"
        except WorkerDied as death:
            hint = "An item may have killed it: `ftorch submit` finds which one, and sets it aside."
            if not self._found:
                raise WorkerDied(death.signal, death.message, hint=hint) from death
            return f"after {len(self._found)} of {total} windows, {death.message}. {hint}"
        return ""

    def _progress(self) -> None:
        done, total = len(self._found), len(self._order)
        last = self._found[-1] if self._found else None
        with suppress(OSError):
            self._tell(Progress(done, total, last, (total - done) * self._request.seconds))

    def _notes(self, index: PlanIndex, output_format: str) -> list[str]:
        notes = [*index.notes]
        if self._request.limit is None and index.entries == ENTRIES_A_PART:
            notes.append(f"the sample is the input's first {ENTRIES_A_PART:,} files or ranges")
        if output_format == "tree":
            notes.append("results were not encoded: the output is a tree of files, and none was written")
        return notes

    def _report(self, backend: BackendDecision, index: PlanIndex, reason: str, notes: list[str]) -> ScaleReport:
        request, last = self._request, self._found[-1]
        return ScaleReport(
            job=request.spec.name,
            task=request.spec.task,
            complete=not reason,
            reason=reason,
            host=describe_host(),
            threads=self._threads,
            backend=backend,
            seed=request.seed,
            seconds=request.seconds,
            repeats=request.repeats,
            order=self._order,
            sample_entries=index.entries,
            sample_items=index.items if index.limit is None else None,
            sample_bytes=index.bytes,
            items=last.items,
            failed=last.failed,
            scaling=scaling_of([each.window for each in self._found], cpu_facts().available),
            notes=notes,
        )


def _plan_sample(store: LocalStore, request: ScaleRequest) -> PlanIndex:
    source = open_source(request.spec.input, request.job_file.parent, request.spec.remote)
    if request.limit is None:
        return write_plan(store, source, islice(source.entries(), ENTRIES_A_PART), 1, lambda: None)
    limited = Limited(source, request.limit)
    return write_plan(store, source, iter(limited), 1, lambda: limited.of_last)


def _manifest(spec: JobSpec, job_file: Path, output_format: str) -> Manifest:
    return Manifest(
        id="scale",
        job=folder.raw_job(spec),
        base=os.fspath(job_file.parent),
        job_file=os.fspath(job_file),
        task_fingerprint="",
        output_format=output_format,
        limit=None,
        created=time.time(),
        versions={"ftorch": __version__, "python": platform.python_version(), "build": sys.version},
    )
