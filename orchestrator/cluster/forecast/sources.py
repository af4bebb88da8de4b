"""Finds the run that a forecast is made from, and reads it: in a bounded number of reads, whatever shards it had."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from orchestrator.cluster.client.keeping import FOLDER, PODS, Kept
from orchestrator.cluster.forecast.measured import Measured, Pods, Stamps
from orchestrator.cluster.forecast.reports import of_node, of_nodes, of_pods
from orchestrator.engine.finishing import read_node
from orchestrator.engine.runreport import RunReport
from orchestrator.errors import RunDamaged, RunNotFound
from orchestrator.measure.node import NodeReport
from orchestrator.run.commands import quoted
from orchestrator.run.folder import MANIFEST, REPORT, Manifest, list_runs, read_manifest, runs_folder
from orchestrator.run.plan import PlanIndex, read_index
from orchestrator.run.records import Owner
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import NotFound, Store
from orchestrator.store.open import open_store

MOST_SHARDS = 256
"""Of a run of more shards, so many of them are read, spread over all."""

_SUFFIX = re.compile(r"-\d{8}-\d{6}-[0-9a-f]{4}$")


def find_measured(named: Path | str | None, base: Path, spec: JobSpec) -> tuple[Measured, Manifest | None]:
    """What the named run says, or the newest finished one of the job; with its manifest, if it has one here.

    Args:
        named: a run's folder, URL or name, or what is kept of a run on a cluster; None for the newest one.
        base: the job file's folder.
        spec: the job.

    Raises:
        RunNotFound: there is none, or it is not finished.
        RunDamaged: it cannot be read.
    """
    if named is not None:
        return _named(named, base, spec)
    for _, found in sorted(_candidates(base, spec), key=lambda pair: -pair[0]):
        read = _read_kept(found) if isinstance(found, Path) else _read_run(found)
        if read is not None:
            return read
    raise RunNotFound(
        f"no finished run of {spec.name} was found, and without one there is nothing to compute from",
        where=str(runs_folder(base)),
        hint="Measure some of it: ftorch submit JOB --limit N (or name a run elsewhere: --from RUN). "
        "`ftorch scale JOB` shows first how it scales.",
    )


def job_values(manifest: Manifest) -> dict[str, Any]:
    """The job of a run as plain values: another version may have written fields that this one does not read."""
    try:
        values = msgspec.json.decode(manifest.job)
    except msgspec.MsgspecError:
        return {}
    return values if isinstance(values, dict) else {}


def find_pods(base: Path, spec: JobSpec) -> Pods | None:
    """What pods took to start in the newest run of the job on a cluster that is kept here; None for none."""
    for _, folder in sorted(_kept(base, spec), key=lambda pair: -pair[0]):
        found = _read_kept(folder)
        if found is not None and found[0].pods is not None:
            return found[0].pods
    return None


def _named(named: Path | str, base: Path, spec: JobSpec) -> tuple[Measured, Manifest | None]:
    if isinstance(named, str):
        return _demanded(open_store(named, spec.remote))
    places = (named, base / named, runs_folder(base) / named, runs_folder(Path.cwd()) / named, base / FOLDER / named)
    for place in places:
        if (place / MANIFEST).exists():
            return _demanded(open_store(place.resolve()))
        folder = place.parent if place.name == PODS else place
        if (folder / PODS).exists():
            found = _read_kept(folder)
            if found is None:
                raise RunNotFound("no pod of that run ended well and told what it did", where=str(folder / PODS))
            return found
    raise RunNotFound(
        "there is no run of that name",
        where=str(named),
        hint="--from takes a run's folder, URL or name; `ftorch runs` lists the runs.",
    )


def _demanded(store: Store) -> tuple[Measured, Manifest]:
    found = _read_run(store)
    if found is None:
        raise RunNotFound(
            "that run has no report with figures: it was not finished, or did nothing",
            where=store.url,
            hint=f"`ftorch status {quoted(store.url)}` says how far it is.",
        )
    return found


def _candidates(base: Path, spec: JobSpec) -> Iterator[tuple[float, Store | Path]]:
    for store, manifest in list_runs(base):
        if job_values(manifest).get("name") == spec.name:
            yield manifest.created, store
    yield from _kept(base, spec)


def _kept(base: Path, spec: JobSpec) -> Iterator[tuple[float, Path]]:
    """The job's runs on clusters of which something is kept here, with the time at which that was written last."""
    folder = base / FOLDER
    for place in folder.iterdir() if folder.is_dir() else ():
        name = _SUFFIX.sub("", place.name)
        # A long job's name is cut in its runs' names.
        ours = name == spec.name or (len(name) >= 20 and spec.name.startswith(name))
        if ours and (place / PODS).exists():
            yield (place / PODS).stat().st_mtime, place


def _read_kept(folder: Path) -> tuple[Measured, None] | None:
    kept = Kept(folder.parents[2], folder.name)
    found = of_pods(folder.name, str(kept.file), kept.each())
    return None if found is None or not found.items else (found, None)


def _read_run(store: Store) -> tuple[Measured, Manifest] | None:
    """What a run says; None where it is not finished, or has nothing to say."""
    manifest = read_manifest(store)
    try:
        report = msgspec.json.decode(store.get(REPORT), type=RunReport)
    except NotFound:
        return None
    except msgspec.MsgspecError as error:
        raise RunDamaged(f"the report cannot be read: {error}", where=f"{store.url}/{REPORT}") from error
    index = read_index(store)
    found = _of_shards(store, report, index) if len(index.shards) > 2 else _of_one(report, index)
    if found is None or not found.items or not found.seconds:
        return None
    more = structs.replace(
        found,
        axis=index.unit,
        total_items=report.items,
        total_bytes=index.bytes,
        entries=index.entries,
        output=None if report.output is None else report.output.bytes,
        shards=len(index.shards) - 1,
        limited=manifest.limit is not None,
        stamps=_stamps(store, manifest, report, index),
    )
    return more, manifest


def _of_one(report: RunReport, index: PlanIndex) -> Measured | None:
    if not report.nodes:
        return None
    node = report.nodes[-1]
    part = node.items / report.items if report.items else 0.0
    found = of_node(report.run, report.folder, report.ended, node, round(index.units * part))
    # Of a run that was gone on with, the last sitting did not see all of the input.
    return found if part == 1 else structs.replace(found, density=())


def _of_shards(store: Store, report: RunReport, index: PlanIndex) -> Measured | None:
    nodes: list[tuple[NodeReport, int]] = []
    for shard in _read_shards(index):
        node = read_node(store, shard)
        if node is not None and node.items and node.wall_seconds:
            nodes.append((node, index.shards[shard + 1] - index.shards[shard]))
    return of_nodes(report.run, report.folder, report.ended, nodes) if nodes else None


def _read_shards(index: PlanIndex) -> range:
    shards = len(index.shards) - 1
    return range(0, shards, math.ceil(shards / MOST_SHARDS))


def _stamps(store: Store, manifest: Manifest, report: RunReport, index: PlanIndex) -> Stamps | None:
    """When the parts of a run began and ended, by its owners' clocks; None where it was interrupted or is too large."""
    if len(index.shards) - 1 > MOST_SHARDS or report.restarts:
        return None
    claimed, worked = math.inf, 0.0
    for shard in _read_shards(index):
        names = list(store.list(f"shards/{shard}/epochs/"))
        node = report.nodes[-1] if report.nodes else read_node(store, shard)
        if len(names) != 1 or node is None:
            return None
        since = msgspec.json.decode(store.get(names[0]), type=Owner).since
        claimed, worked = min(claimed, since), max(worked, since + node.wall_seconds)
    return Stamps(manifest.created, claimed, worked, report.ended)
