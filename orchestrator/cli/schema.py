"""`ftorch schema`: the JSON Schema of job files."""

import click

from orchestrator.cli.show import print_json
from orchestrator.spec.schema import job_schema

EPILOG = """\b
Example, for completion and checking in an editor:
  ftorch schema > job.schema.json
  and in job.yaml, as the first line:  # yaml-language-server: $schema=job.schema.json
"""


@click.command(epilog=EPILOG)
def command() -> None:
    """Print the JSON Schema (2020-12) of job files."""
    print_json(job_schema())
