"""What the commands tell of a run of many shards: its report, and how it goes on this machine."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.engine.boards import living_boards, read_boards
from orchestrator.engine.finishing import read_node
from orchestrator.engine.joining import find_joint
from orchestrator.engine.joint import read_shard
from orchestrator.engine.runreport import OutputReport, RunReport
from orchestrator.report.cluster import ClusterReport
from orchestrator.report.clustertext import cluster_text
from orchestrator.report.progress import Pace, Running, whole_pace
from orchestrator.report.shardrows import ShardRow, row_of
from orchestrator.report.summary import find_summary
from orchestrator.run.folder import REPORT
from orchestrator.run.status import RunStatus
from orchestrator.store.base import NotFound, Store


class Told(Struct, frozen=True):
    """What `ftorch report --json` gives for a run of many shards.

    Attributes:
        state: "done" or "failed"; "unfinished" while the run was not published.
        reason: why.
        output: what was published.
        cluster: the shards, and what they add up to.
    """

    run: str
    state: str
    reason: str
    output: OutputReport | None
    cluster: ClusterReport


def shard_rows(store: Store, shards: int) -> Iterator[ShardRow]:
    """A row for each of so many shards that has reported."""
    for shard in range(shards):
        row = row_of(shard, read_node(store, shard), find_summary(store, shard))
        if row is not None:
            yield row


def tell_shards(store: Store, cluster: ClusterReport, as_json: bool) -> None:
    """Tell of each shard that has reported, of what they add up to, and of the output if it was published."""
    run, whole = cluster.run, _whole(store)
    if as_json:
        found = ("unfinished", "not every shard is settled and published", None)
        state, reason, output = (whole.state, whole.reason, whole.output) if whole else found
        print_json(Told(run, state, reason, output, cluster))
        return
    lines = cluster_text(cluster, width_of(sys.stdout)).rstrip("\n").split("\n")
    if whole is None:
        lines.append("  not published yet: `ftorch status` says how far it is")
    else:
        lines[0] = f"{run}: {whole.state}" + ("" if whole.state == "done" else f" ({whole.reason})")
        if whole.output is not None:
            lines.append(f"  output      {whole.output.path}")
        lines += [f"  note        {note}" for note in whole.notes]
    say("\n".join(lines))


def page_of_shards(store: Store, cluster: ClusterReport) -> str:
    """The report of shards as a page."""
    from orchestrator.report.page.cluster import cluster_page

    whole = _whole(store)
    return cluster_page(cluster, "not published yet" if whole is None else whole.state)


def pace_here(store: Store, status: RunStatus) -> Pace | None:
    """How a run of many shards goes, by the boards of the processes that work on it on this machine; None for none.

    What other machines do counts as far as it is committed.
    """
    joint, now = find_joint(store), time.time()
    boards = {} if joint is None else living_boards(store.url)
    running: list[Running] = []
    committed_items = committed_bytes = 0
    for shard, paths in boards.items():
        # Of two processes of one shard the newer goes on.
        newest = max(paths, key=_born)
        for picture in read_boards([newest]):
            assert joint is not None
            progress = read_shard(joint, shard).progress
            committed_items, committed_bytes = committed_items + progress.items, committed_bytes + progress.nbytes
            running.append(Running(picture, max(now - _born(newest), 0.001)))
    if not running:
        return None
    elsewhere = (status.items - committed_items, status.nbytes - committed_bytes)
    return whole_pace(running, elsewhere, status.total_items, status.fraction)


def _born(board: Path) -> float:
    with suppress(OSError):
        return board.parent.stat().st_mtime
    return 0.0


def _whole(store: Store) -> RunReport | None:
    try:
        return msgspec.json.decode(store.get(REPORT), type=RunReport)
    except NotFound, msgspec.MsgspecError:
        return None
