"""What `ftorch submit --shard` does: one process's part in a run that many work on, and the summary it leaves."""

import os
from pathlib import Path

from msgspec import structs

from orchestrator.cli.asked import Asked, Telling
from orchestrator.cli.metering import metered
from orchestrator.cli.options import load
from orchestrator.cli.show import open_watcher, print_json, print_report
from orchestrator.cli.signals import name_of
from orchestrator.cli.standby import Standby
from orchestrator.cli.streams import complain
from orchestrator.engine.finishing import read_node
from orchestrator.engine.joint import read_shard
from orchestrator.engine.pod import Pod
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Sitting
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import BAD_JOB, DONE, RESUMABLE, TOO_MANY_FAILED, FtorchError, Interrupted, JobError
from orchestrator.report.summary import PodSummary, leave, whereabouts, with_node

AUTO = "auto"
VARIABLE = "JOB_COMPLETION_INDEX"
_CODES = {"done": DONE, "failed": TOO_MANY_FAILED, "interrupted": RESUMABLE}


def sit(asked: Asked, telling: Telling, standby: Standby) -> int:
    """Work on one shard, tell of it, and leave a summary however that ends; the exit code."""
    pod: Pod | None = None
    try:
        with metered(_watcher(asked, telling), telling.metrics) as watcher:
            pod, sitting = _pod(asked, watcher)
            report = _sit(pod, sitting, standby)
        code = _CODES[report.state]
        _leave(asked, pod, code, report.reason)
    except FtorchError as error:
        _leave(asked, pod, error.exit_code, str(error))
        raise
    except KeyboardInterrupt as stop:
        _leave(asked, pod, RESUMABLE, f"stopped by {name_of(stop)}")
        raise
    except Exception as error:
        _leave(asked, pod, BAD_JOB, f"ftorch itself failed: {type(error).__name__}: {error}")
        raise
    _tell(report, telling)
    return code


def _watcher(asked: Asked, telling: Telling) -> Watcher:
    assert asked.run is not None
    return open_watcher(telling.quiet, _resolved(asked.run))


def _pod(asked: Asked, watcher: Watcher) -> tuple[Pod, Sitting]:
    assert asked.job is not None
    assert asked.run is not None
    shard = _shard(asked.shard or AUTO)
    threads = () if asked.threads is None else (f"resources.threads={asked.threads}",)
    job_file, spec = load(asked.job, (*asked.overrides, *threads))
    run = _resolved(asked.run)
    sitting = Sitting(spec, job_file, run, limit=asked.limit, accept_changes=asked.accept_changes)
    return Pod(sitting, shard, watcher), sitting


def _resolved(run: Path | str) -> Path | str:
    return run.resolve() if isinstance(run, Path) else run


def _shard(asked: str) -> int:
    """The shard's number: as it was asked for, or as Kubernetes numbers the pods of an Indexed Job.

    Raises:
        JobError: it is no number.
    """
    number = os.environ.get(VARIABLE, "") if asked == AUTO else asked
    if number.isdecimal() and number.isascii():
        return int(number)
    if asked != AUTO:
        raise JobError(f"{asked!r} is no shard", where="--shard", hint="Name its number, from 0, or auto.")
    found = f"{VARIABLE} is {number!r}" if number else f"{VARIABLE} is not set"
    raise JobError(
        f"{found}, so the shard is not known",
        where="--shard auto",
        hint="Kubernetes sets it for the pods of an Indexed Job; elsewhere name the shard's number: --shard 0.",
    )


def _sit(pod: Pod, sitting: Sitting, standby: Standby) -> RunReport:
    try:
        return pod.sit(standby.take())
    except KeyboardInterrupt as stop:
        hint = "The same command goes on."
        raise Interrupted(f"stopped by {name_of(stop)}", where=_name(sitting.run), hint=hint) from stop


def _name(run: Path | str) -> str:
    """The last part of a run's path or URL."""
    return os.fspath(run).rstrip("/").rpartition("/")[2]


def _leave(asked: Asked, pod: Pod | None, code: int, message: str) -> None:
    node, name = whereabouts(os.environ)
    run = "" if asked.run is None else _name(asked.run)
    summary = PodSummary(run, -1, code, message, node=node, pod=name)
    if pod is None:
        leave(summary, os.environ, None)
        return
    deaths, threads = pod.deaths, pod.threads
    summary = structs.replace(summary, shard=pod.shard, restarts=len(deaths.notes), quarantined=deaths.convicted)
    if threads is not None:
        summary = structs.replace(summary, threads=threads.threads, thread_reason=threads.reason)
    leave(_with_shard(summary, pod), os.environ, None if pod.joint is None else pod.store)


def _with_shard(summary: PodSummary, pod: Pod) -> PodSummary:
    """The summary with what the shard's ledger and its worker's report say, where they can be read."""
    if pod.joint is None:
        return summary
    try:
        progress, node = read_shard(pod.joint, pod.shard).progress, read_node(pod.store, pod.shard)
    except FtorchError, IndexError:
        return summary
    counted = structs.replace(summary, items=progress.items, failed=len(progress.failed), bytes=progress.nbytes)
    return with_node(counted, node) if pod.worked else counted


def _tell(report: RunReport, telling: Telling) -> None:
    if telling.as_json:
        print_json(report)
    elif not telling.quiet:
        print_report(report)
    elif report.state != "done":
        complain(f"ftorch: {report.run}: {report.state}: {report.reason}")
