"""Which comparison a report is held against: the one that is named, else the newest that was kept of the job."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestrator.report.comparisons import Compared

compare_option = click.option(
    "--compare",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What `ftorch compare --json` printed: the report adds what the same work would take as a Redis fleet. "
    "By default the job's newest comparison in .ftorch/compare.",
)


def comparison_for(base: Path, job: str | None, named: Path | None) -> tuple[Compared | None, str]:
    """The comparison, or None and what is told in its place.

    Args:
        base: the folder of the job file, or the current one.
        job: the job's name, where that is known.
        named: the file that the user named.

    Raises:
        JobError: the named file cannot be read, or is no comparison.
    """
    # Submitting on this machine needs the option alone.
    from orchestrator.report.collapse import FLEET
    from orchestrator.report.collapsetext import NEVER
    from orchestrator.report.comparisons import newest_comparison, read_comparison

    found = read_comparison(named) if named is not None else newest_comparison(base, job or "", FLEET)
    return found, "" if found is not None else NEVER
