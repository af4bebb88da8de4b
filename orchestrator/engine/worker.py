"""The worker process: imports the task, then does what the supervisor says (`python -m orchestrator.engine FD`).

Guarantees: it dies with its supervisor; an error a user can act on is told as a message, never as a traceback. Assumes:
standard input is the supervisor's pipe, and FD the pipe to answer on.
"""

import faulthandler
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from orchestrator.engine.anylane import AnyLane
from orchestrator.engine.board import Board
from orchestrator.engine.build import LaneParts, make_lane
from orchestrator.engine.drive import Node
from orchestrator.engine.folding import merge_fold
from orchestrator.engine.gilwatch import GilWatch
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.engine.node import board_of, run_node
from orchestrator.engine.protocol import Channel, Ended, Load, Loaded, Merge, Sweep, Work, problem_of
from orchestrator.engine.stopping import StopSwitch, listen
from orchestrator.errors import BAD_JOB, RESUMABLE, TOO_MANY_FAILED, FtorchError
from orchestrator.host.cpus import cpu_facts, pin_plan
from orchestrator.host.interpreter import BackendDecision, decide_backend, interpreter_facts
from orchestrator.host.native import widen_shared_pools
from orchestrator.run.folder import Manifest, read_manifest
from orchestrator.run.plan import read_index
from orchestrator.run.scratch import scratch_of
from orchestrator.spec.load import parse_job
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.store.local import unavailable
from orchestrator.store.open import open_store
from orchestrator.tasks.bind import State, make_process_state
from orchestrator.tasks.load import Task, load_task

CRASH = "crash.txt"
EXIT_CODES = {"done": 0, "failed": TOO_MANY_FAILED, "interrupted": RESUMABLE, "replaced": RESUMABLE}


def main(arguments: list[str]) -> int:
    """Speak with the supervisor until the work is over; the exit code is of DESIGN §9."""
    die_with_parent()
    channel = Channel(_take_input(), os.fdopen(int(arguments[0]), "wb"))
    try:
        return _converse(channel)
    except FtorchError as error:
        channel.send(problem_of(error))
        return error.exit_code
    except Exception as error:
        import traceback

        traceback.print_exc()
        unexpected = FtorchError(
            f"ftorch itself failed: {type(error).__name__}: {error}",
            hint="The traceback above says where. Please report it.",
        )
        channel.send(problem_of(unexpected))
        return BAD_JOB


def _take_input() -> IO[bytes]:
    """The supervisor's pipe, taken off standard input: a task, or a program it starts, finds that at its end."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(own, "rb", buffering=0)


def _converse(channel: Channel) -> int:
    watch = GilWatch()
    watch.start()
    load = channel.receive()
    if not isinstance(load, Load):
        return RESUMABLE
    os.environ.update(load.pools)
    started = time.perf_counter()
    spec = parse_job(bytes(load.job))
    if spec.runtime.free_threading == "required":
        watch.refuse()
    task = load_task(spec.task, Path(load.base), spec.arguments)
    backend = decide_backend(spec.runtime.backend, spec.runtime.free_threading, interpreter_facts(), watch.culprit)
    on_threads = load.prepare and backend.backend == "threads"
    state = make_process_state(task, spec.arguments) if on_threads else State(None)
    # Making it may have imported what turned the GIL on.
    backend = decide_backend(spec.runtime.backend, spec.runtime.free_threading, interpreter_facts(), watch.culprit)
    seconds = time.perf_counter() - started
    is_fold = task.options.fold is not None
    channel.send(Loaded(is_fold, task.fingerprint, backend, watch.culprit, seconds))
    watch.remember()
    work = channel.receive()
    if isinstance(work, Merge) and task.options.fold is not None:
        merge_fold(open_store(work.run, spec.remote), task.options.fold)
        channel.send(Ended("done", "merged"))
        return 0
    if not isinstance(work, (Work, Sweep)):
        return 0
    switch = StopSwitch(spec.timeout.grace.seconds)
    listen(switch, channel)
    job = _Job(spec, task, state, load.pools, backend, watch, seconds)
    return _work(channel, job, work, switch) if isinstance(work, Work) else _sweep(channel, job, work)


class _Job(msgspec.Struct, frozen=True):
    spec: JobSpec
    task: Task
    state: State
    pools: dict[str, str]
    backend: BackendDecision
    watch: GilWatch
    seconds: float


def _work(channel: Channel, job: _Job, work: Work, switch: StopSwitch) -> int:
    store, manifest = _opened(job, work)
    _record_crashes(board_of(work).with_name(CRASH))
    node = Node(
        store=store,
        manifest=manifest,
        work=work,
        backend=job.backend,
        fold=job.task.options.fold,
        switch=switch,
        gilwatch=job.watch,
        setup_seconds=job.seconds,
    )
    report = run_node(node, _lanes(job, store, manifest, work))
    job.state.close()
    if node.fold is not None and report.complete and len(read_index(store).shards) == 2:
        # The accumulators of several shards are merged by whoever publishes them.
        merge_fold(store, node.fold)
    store.put(f"shards/{work.shard}/report.json", [msgspec.json.encode(report)])
    channel.send(Ended(report.state, report.reason, report.stack))
    return EXIT_CODES[report.state]


def _sweep(channel: Channel, job: _Job, sweep: Sweep) -> int:
    from orchestrator.engine.sweeping import run_sweep

    store, manifest = _opened(job, sweep.work)
    run_sweep(sweep, store, manifest.spec, _lanes(job, store, manifest, sweep.work), channel.send)
    job.state.close()
    channel.send(Ended("done", "every window was measured"))
    return 0


def _opened(job: _Job, work: Work) -> tuple[Store, Manifest]:
    """The run's store and manifest; pools that a process has as a whole are made as wide as it has threads."""
    store = open_store(work.run, job.spec.remote)
    if job.backend.backend == "threads":
        widen_shared_pools(job.pools, work.threads.threads)
    return store, msgspec.structs.replace(read_manifest(store), job=work.job)


def _lanes(job: _Job, store: Store, manifest: Manifest, work: Work) -> Callable[[Board], Callable[[int], AnyLane]]:
    """What gives, for a board, what makes the lane of a thread."""

    def lanes(board: Board) -> Callable[[int], AnyLane]:
        if job.backend.backend != "threads":
            from orchestrator.engine.processes import ProcessLane

            return lambda index: ProcessLane(work, board, index)
        pins = pin_plan(cpu_facts(), board.threads)
        shared = (store, manifest, job.task, job.state.value, board)
        parts = LaneParts(*shared, work.output, work.replace, pins, spools=scratch_of(work.run))
        return lambda index: make_lane(parts, index)

    return lanes


def _record_crashes(path: Path) -> None:
    """Have faulthandler write the stack of a crash where the supervisor will look for it.

    Raises:
        StoreUnavailable: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        crash = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise unavailable(path, error) from error
    faulthandler.enable(crash)
