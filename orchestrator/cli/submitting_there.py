"""`ftorch submit --on kubernetes`: on the cluster, and followed until it is over or the user has seen enough."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, structs

from orchestrator.cli.collapsing import comparison_for
from orchestrator.cli.log import JsonLog
from orchestrator.cli.options import load
from orchestrator.cli.show import print_json
from orchestrator.cli.signals import name_of
from orchestrator.cli.standby import Standby
from orchestrator.cli.streams import complain, say, width_of
from orchestrator.cli.there import open_api
from orchestrator.cluster.bring import target_of
from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.applying import try_out, version_of
from orchestrator.cluster.client.following import Follower, Viewer, follow
from orchestrator.cluster.client.keeping import Kept
from orchestrator.cluster.client.logs import LogFollower
from orchestrator.cluster.client.submitting import Submitted, submit
from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.manifests.names import cluster_run_id
from orchestrator.cluster.manifests.target import Manifest, Version
from orchestrator.cluster.manifests.wanted import advice
from orchestrator.cluster.outcome import Outcome, held_against, outcome, outcome_text, plain
from orchestrator.cluster.progress import LiveTable, LogTable, Quiet
from orchestrator.cluster.watching import JobWatch, Verdict
from orchestrator.errors import DONE, RESUMABLE, JobError
from orchestrator.spec.model import JobSpec
from orchestrator.spec.model_cluster import HIGHEST_PORT, LOWEST_PORT

_LAST_LINES = 10.0
"""Seconds that the pods' last lines are waited for."""


class Wish(Struct, frozen=True):
    """How it is to be done."""

    wait: bool
    follow_logs: bool
    suspend: bool
    quiet: bool
    as_json: bool
    price: float | None
    compare: Path | None


def command(
    standby: Standby,  # noqa: ARG001 - no worker of ours is needed
    *,
    job: Path | None,
    run: Path | None,
    threads: int | None,
    metrics: str | None,
    dry_run: bool,
    overrides: tuple[str, ...],
    context: str | None,
    namespace: str | None,
    **asked: Any,
) -> int:
    """Submit a job to a cluster; the exit code."""
    for option in ("resume_", "retry_failed", "shard", "limit", "accept_changes"):
        if asked.pop(option):
            name = option.strip("_").replace("_", "-")
            raise click.UsageError(f"--{name} is for runs on this machine; on a cluster pods resume by themselves")
    if job is None:
        raise click.UsageError("name a job file")
    job_file, spec = load(job, overrides)
    spec = _with_metrics(_with_threads(spec, threads), metrics)
    api = open_api(context, namespace or spec.kubernetes.namespace)
    wish = Wish(**asked)
    compared = comparison_for(job_file.parent, spec.name, wish.compare)
    manifests = _Manifests(spec, job_file.parent, str(run) if run else None, api.namespace, wish.suspend)
    for line in () if wish.quiet else advice(spec):
        complain(f"ftorch: advice: {line}")
    if dry_run:
        return _dry(api, manifests)
    submitted = submit(api, manifests.build, watched=wish.wait and not wish.suspend)
    for warning in submitted.warnings:
        complain(f"ftorch: the API server warns: {warning}")
    if submitted.news is None:
        _tell_next(submitted, wish)
        return DONE
    kept = Kept(job_file.parent, submitted.name)
    watch, verdict = _follow(api, submitted, wish, kept)
    if verdict is None:
        return RESUMABLE
    found = outcome(submitted.name, watch, kept.read(), wish.price)
    return _tell(held_against(found, spec.kubernetes.nodes, *compared), wish)


class _Manifests(Struct, frozen=True):
    """The objects of a job, once the server's version is known."""

    spec: JobSpec
    base: Path
    name: str | None
    namespace: str
    suspend: bool

    def build(self, version: Version) -> tuple[Manifest, ...]:
        spec = self.spec
        name = self.name or (spec.name if spec.schedule is not None else cluster_run_id(spec))
        built = build(target_of(spec, self.base, name, version, self.namespace))
        return tuple(map(_suspended, built)) if self.suspend else built


def _suspended(manifest: Manifest) -> Manifest:
    if manifest["kind"] not in {"Job", "CronJob"}:
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "suspend": True}}


def _with_threads(spec: JobSpec, threads: int | None) -> JobSpec:
    if threads is None:
        return spec
    return structs.replace(spec, resources=structs.replace(spec.resources, threads=threads))


def _with_metrics(spec: JobSpec, metrics: str | None) -> JobSpec:
    if metrics is None:
        return spec
    port = metrics.removeprefix(":")
    if not port.isdecimal() or not port.isascii() or not LOWEST_PORT <= int(port) <= HIGHEST_PORT:
        raise JobError(
            f"found {metrics!r}, expected a port of the pods from {LOWEST_PORT} to {HIGHEST_PORT}", where="--metrics"
        )
    return structs.replace(spec, kubernetes=structs.replace(spec.kubernetes, metrics=int(port)))


def _dry(api: Api, manifests: _Manifests) -> int:
    built = manifests.build(version_of(api))
    for warning in try_out(api, built):
        complain(f"ftorch: the API server warns: {warning}")
    names = ", ".join(f"{each['kind']} {each['metadata']['name']}" for each in built)
    say(f"the API server would accept: {names}, in namespace {api.namespace}; nothing was created")
    return DONE


def _tell_next(submitted: Submitted, wish: Wish) -> None:
    if wish.as_json:
        print_json({"run": submitted.name, "kind": submitted.kind, "warnings": submitted.warnings})
    elif submitted.kind == "CronJob":
        say(f"{submitted.name}: scheduled\n  next: ftorch runs --on kubernetes")
    else:
        verb, state = ("resume", "suspended") if wish.suspend else ("status", "submitted")
        say(f"{submitted.name}: {state}\n  next: ftorch {verb} {submitted.name} --on kubernetes")


def _follow(api: Api, submitted: Submitted, wish: Wish, kept: Kept) -> tuple[JobWatch, Verdict | None]:
    """Follow a run to its end: what is known of it, and how it ended; None where the user has seen enough."""
    viewer = _viewer(submitted.name, wish.quiet)
    logs = LogFollower(api, _writer(viewer, wish)) if wish.follow_logs else None
    follower = Follower(api, submitted.name, kept, viewer, logs.begin if logs else None)
    watch = JobWatch()
    assert submitted.news is not None
    try:
        verdict = follow(follower, submitted.news, watch)
        if logs is not None:
            logs.finish(_LAST_LINES)
        return watch, verdict
    except KeyboardInterrupt as stop:
        complain(
            f"ftorch: {name_of(stop)}: detached; the run goes on\n"
            f"  ftorch status {submitted.name} --on kubernetes    how far it is\n"
            f"  ftorch cancel {submitted.name} --on kubernetes    end it"
        )
        return watch, None


def _writer(viewer: Viewer, wish: Wish) -> Callable[[str], None]:
    """What writes the pods' lines: above the table while that is shown; beside JSON they are no part of the answer."""
    if isinstance(viewer, LiveTable):
        return viewer.line
    return complain if wish.as_json else say


def _viewer(run: str, quiet: bool) -> Viewer:
    if quiet:
        return Quiet()
    return LiveTable(run) if sys.stderr.isatty() else LogTable(run, JsonLog())


def _tell(found: Outcome, wish: Wish) -> int:
    verdict = found.verdict
    if wish.as_json:
        print_json(plain(found))
    elif not wish.quiet:
        say(outcome_text(found, width_of(sys.stdout)))
    elif verdict.exit_code:
        complain(f"ftorch: {found.run}: {verdict.state}: {verdict.reason}")
    assert verdict.exit_code is not None
    return verdict.exit_code
