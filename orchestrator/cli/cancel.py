"""`ftorch cancel`: end a run on a cluster."""

from pathlib import Path

import click

from orchestrator.cli.clusters import on_cluster

EPILOG = """\b
Example:
  ftorch cancel hash-photos-20260101-020000-1a2b --on kubernetes
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@on_cluster
def command(run: Path, context: str | None, namespace: str | None) -> None:
    """End RUN on a cluster: delete its Job, and with it all that it owns. What it committed stays in its store."""
    from orchestrator.cli.there import cancel

    cancel(run, context, namespace)
