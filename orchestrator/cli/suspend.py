"""`ftorch suspend`: have a run on a cluster stop for a while."""

from pathlib import Path

import click

from orchestrator.cli.clusters import on_cluster

EPILOG = """\b
Example:
  ftorch suspend hash-photos-20260101-020000-1a2b --on kubernetes
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path), default=".")
@on_cluster
def command(run: Path, context: str | None, namespace: str | None) -> None:
    """Have the pods of RUN commit what they have done and stop, until `ftorch resume`.

    RUN is a run's name, a job's, or a job's file or folder, for its newest run.
    """
    from orchestrator.cli.there import suspend

    suspend(run, True, context, namespace)
