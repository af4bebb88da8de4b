"""`ftorch init`: a job file and a task to start from."""

from pathlib import Path

import click

from orchestrator.cli.streams import say
from orchestrator.errors import JobError
from orchestrator.run.commands import quoted
from orchestrator.spec.rules_name import as_name
from orchestrator.spec.template import render_init

EPILOG = """\b
Example:
  ftorch init photos
  ftorch submit photos/job.yaml
"""


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def command(folder: Path) -> None:
    """Write a commented job.yaml and a small task.py into FOLDER (this folder, if none is named)."""
    name = as_name(folder.resolve().name) or "job"
    files = render_init(name)
    taken = [file for file in files if (folder / file).exists()]
    if taken:
        raise JobError(
            f"{' and '.join(taken)} would be overwritten",
            where=str(folder),
            hint="Name another folder, or remove them.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise JobError(f"it cannot be written: {error.strerror}", where=str(error.filename or folder)) from error
    for file in files:
        say(f"wrote {folder / file}")
    say(f"next: ftorch plan {quoted(folder / 'job.yaml')}")
