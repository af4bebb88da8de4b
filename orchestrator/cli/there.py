"""What `status`, `runs`, `report`, `collect` and the cluster's own commands do with `--on kubernetes`."""

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.collapsing import comparison_for
from orchestrator.cli.options import JOB_FILE
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.connect import Wanted, connect
from orchestrator.cluster.client.feed import Feed
from orchestrator.cluster.client.keeping import Kept
from orchestrator.cluster.client.runs import cancel as cancel_run
from orchestrator.cluster.client.runs import find_job, list_jobs, look, pods_of, troubles
from orchestrator.cluster.client.runs import suspend as suspend_run
from orchestrator.cluster.client.schedules import cancel_schedule, find_schedule, list_schedules, suspend_schedule
from orchestrator.cluster.objects import JOB_LABEL, BatchJob, CronJob
from orchestrator.cluster.outcome import Outcome, held_against, outcome, outcome_text, plain
from orchestrator.cluster.pods import seen
from orchestrator.cluster.ranges import parse_ranges
from orchestrator.cluster.watching import JobWatch, Verdict
from orchestrator.errors import FtorchError
from orchestrator.report.words import number
from orchestrator.spec.dns import label_mistake

_HEADS = ("RUN", "STATE", "STARTED", "DONE", "FAILED", "RUNNING")


def open_api(context: str | None, namespace: str | None) -> Api:
    """The cluster that is meant."""
    wanted = Wanted(context, namespace)
    return Api(lambda: connect(wanted))


def find(api: Api, run: Path) -> BatchJob:
    """The run that is meant: its name, its job's name, or the folder or file of a job, for its newest."""
    if run.is_dir() or run.suffix in {".yaml", ".yml"}:
        return find_job(api, None, _job_name(run))
    return find_job(api, str(run))


def _job_name(run: Path) -> str | None:
    """The name of the job in a folder or file, None where there is none; what else was named as it is."""
    if not run.is_dir() and run.suffix not in {".yaml", ".yml"}:
        return str(run)
    path = run / JOB_FILE if run.is_dir() else run
    if not path.exists():
        return None
    from orchestrator.cli.options import load

    return load(path)[1].name


def _schedule(api: Api, name: str | None) -> CronJob | None:
    """The schedule of that name, if it is a name."""
    return find_schedule(api, name) if name is not None and label_mistake(name) is None else None


def status(run: Path, as_json: bool, context: str | None, namespace: str | None) -> None:
    """Say how far a run on the cluster is."""
    api = open_api(context, namespace)
    found, watch = _looked_at(api, find(api, run), _base(run))
    if as_json:
        print_json({**plain(found), "shards": [_shard(each) for each in watch.shards()]})
        return
    _say(found)
    if found.verdict.state == "pending" and not watch.pods:
        for text in _troubles(api, found.run):
            say(f"  no pod yet    {text}")


def report(run: Path, *, as_json: bool, context: str | None, namespace: str | None, **asked: Any) -> int | None:
    """Show what a run on the cluster has come to, from its pods that are there and from those kept on this machine.

    `asked` holds `price`, `compare` and `html`, as `ftorch report` takes them.
    """
    api = open_api(context, namespace)
    job = find(api, run)
    found, _ = _looked_at(api, job, _base(run), asked["price"])
    compared, why = comparison_for(_base(run), job.metadata.labels.get(JOB_LABEL), asked["compare"])
    found = held_against(found, job.spec.parallelism or 1, compared, why)
    if asked["html"] is not None:
        from orchestrator.cli.pages import write_page
        from orchestrator.report.page.cluster import cluster_page

        write_page(asked["html"], cluster_page(found.report, found.verdict.state))
    else:
        print_json(plain(found)) if as_json else _say(found)
    return found.verdict.exit_code


def runs(folder: Path, as_json: bool, context: str | None, namespace: str | None) -> None:
    """List the runs on the cluster, the oldest first; those of one job where its folder or file is named."""
    api = open_api(context, namespace)
    job = None
    if folder != Path():
        from orchestrator.cli.options import load

        job = load(folder)[1].name
    rows = [*map(_schedule_row, list_schedules(api, job)), *map(_row, list_jobs(api, job))]
    if as_json:
        print_json([dict(zip((head.lower() for head in _HEADS), row, strict=True)) for row in rows])
    elif rows:
        cells = [_HEADS, *rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            say("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    else:
        say(f"no runs in namespace {api.namespace}")


def cancel(run: Path, context: str | None, namespace: str | None) -> None:
    """End a run, or a schedule and its runs: keep what pods left behind, then delete it and all that it owns."""
    api = open_api(context, namespace)
    schedule = _schedule(api, str(run))
    if schedule is not None:
        _cancel_schedule(api, schedule)
        return
    job = find_job(api, str(run))
    _looked_at(api, job, Path.cwd())
    cancel_run(api, job.metadata.name)
    name = job.metadata.name
    say(f"{name}: cancelled; what its pods committed is in its store, their last words in {_kept(job)}")


def suspend(run: Path, suspended: bool, context: str | None, namespace: str | None) -> None:
    """Have a run's pods stop, or go on; or a schedule make no runs."""
    api = open_api(context, namespace)
    word, verb = ("suspended", "resume") if suspended else ("resumed", "status")
    schedule = _schedule(api, _job_name(run))
    if schedule is not None:
        name = schedule.metadata.name
        suspend_schedule(api, name, suspended)
        say(f"{name}: schedule {word}; runs that are under way go on\n  next: ftorch runs --on kubernetes")
        return
    name = find(api, run).metadata.name
    suspend_run(api, name, suspended)
    say(f"{name}: {word}\n  next: ftorch {verb} {name} --on kubernetes")


def collect(run: Path, as_json: bool, context: str | None, namespace: str | None) -> int | None:
    """Have a pod put a run's output together, and print what it says."""
    from orchestrator.cluster.client.collecting import collect as collect_there
    from orchestrator.cluster.client.following import Follower, follow
    from orchestrator.cluster.progress import Quiet

    api = open_api(context, namespace)
    name = find(api, run).metadata.name
    said: list[str] = []

    def wait(job: str, news: Feed) -> Verdict:
        return follow(Follower(api, job, Kept(Path.cwd(), job), Quiet()), news, JobWatch())

    verdict = collect_there(api, name, wait, lambda line: said.append(line.partition("] ")[2]))
    if as_json:
        print_json({"run": name, "state": verdict.state, "reason": verdict.reason, "said": said})
    else:
        say("\n".join([f"{name}: {verdict.state}{f': {verdict.reason}' if verdict.reason else ''}", *said]))
    return verdict.exit_code


def logs(run: Path, shard: int | None, query: dict[str, str], context: str | None, namespace: str | None) -> None:
    """Print what the pods of a run print."""
    from orchestrator.cluster.client.logs import read_logs

    api = open_api(context, namespace)
    name = find(api, run).metadata.name
    pods = [seen(pod) for pod in pods_of(api, name)]
    chosen = [pod for pod in pods if shard in {None, pod.index} and pod.stage != "pending"]
    if not chosen:
        say(f"{name}: no pod that could have printed anything")
    chosen.sort(key=lambda pod: (pod.index, pod.order))
    read_logs(api, [(pod.name, pod.index) for pod in chosen], say, query)


def _base(run: Path) -> Path:
    """Where what a run's pods left behind is kept: in the folder of the job that was named, else in this one."""
    if run.is_dir():
        return run
    return run.parent if run.suffix in {".yaml", ".yml"} else Path.cwd()


def _looked_at(api: Api, job: BatchJob, base: Path, price: float | None = None) -> tuple[Outcome, JobWatch]:
    """How a run is; what its pods left behind is kept on the way."""
    watch, ends = look(api, job)
    kept = Kept(base, job.metadata.name)
    for end in ends:
        kept.add(end)
    return outcome(job.metadata.name, watch, kept.read(), price), watch


def _say(found: Outcome) -> None:
    say(outcome_text(found, width_of(sys.stdout)))


def _cancel_schedule(api: Api, schedule: CronJob) -> None:
    name = schedule.metadata.name
    for job in list_jobs(api, schedule.metadata.labels.get(JOB_LABEL, name)):
        _looked_at(api, job, Path.cwd())
    cancel_schedule(api, name)
    say(f"{name}: schedule cancelled, and its runs with it; what their pods committed is in the store")


def _schedule_row(schedule: CronJob) -> tuple[str, ...]:
    last = schedule.status.last_schedule_time
    state = "suspended" if schedule.spec.suspend else "scheduled"
    return schedule.metadata.name, state, _minute(last), "", "", number(len(schedule.status.active))


def _minute(moment: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment.timestamp())) if moment else ""


def _row(job: BatchJob) -> tuple[str, ...]:
    watch = JobWatch()
    watch.see_job(job)
    failed = len(parse_ranges(job.status.failed_indexes))
    done = f"{number(job.status.succeeded)}/{number(watch.total)}"
    return (
        job.metadata.name,
        watch.verdict().state,
        _minute(watch.started),
        done,
        number(failed),
        number(job.status.active),
    )


def _shard(shard: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(shard)


def _troubles(api: Api, run: str) -> list[str]:
    try:
        return troubles(api, run)
    except FtorchError:
        return []


def _kept(job: BatchJob) -> str:
    return click.format_filename(Kept(Path.cwd(), job.metadata.name).file)
