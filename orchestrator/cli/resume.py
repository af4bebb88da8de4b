"""`ftorch resume`: have a suspended run on a cluster go on."""

from pathlib import Path

import click

from orchestrator.cli.clusters import on_cluster

EPILOG = """\b
Example:
  ftorch resume hash-photos-20260101-020000-1a2b --on kubernetes

A run on this machine goes on with: ftorch submit --run DIR --resume
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path), default=".")
@on_cluster
def command(run: Path, context: str | None, namespace: str | None) -> None:
    """Have RUN go on, which was suspended on a cluster.

    RUN is a run's name, a job's, or a job's file or folder, for its newest run.
    """
    from orchestrator.cli.there import suspend

    suspend(run, False, context, namespace)
