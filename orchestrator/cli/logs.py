"""`ftorch logs`: what the pods of a run on a cluster print."""

from pathlib import Path

import click

from orchestrator.cli.clusters import on_cluster

EPILOG = """\b
Examples:
  ftorch logs hash-photos-20260101-020000-1a2b --on kubernetes
  ftorch logs jobs/hashing --on kubernetes --shard 3 --follow
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path), default=".")
@click.option("--shard", type=click.IntRange(0), metavar="K", help="Only of this shard.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what they print from now on.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only each pod's last N lines.")
@on_cluster
def command(
    run: Path, shard: int | None, follow: bool, tail: int | None, context: str | None, namespace: str | None
) -> None:
    """Print what the pods of RUN have printed, each line after its shard's number.

    RUN is a run's name, a job's, or a job's file or folder, for its newest run.
    """
    from orchestrator.cli.there import logs

    query = {"follow": "true"} if follow else {}
    if tail is not None:
        query["tailLines"] = str(tail)
    logs(run, shard, query, context, namespace)
