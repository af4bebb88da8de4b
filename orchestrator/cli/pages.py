"""`--html FILE`: a report is written as a page."""

from pathlib import Path

import click

from orchestrator.cli.streams import say
from orchestrator.errors import JobError, StoreUnavailable

html_option = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Not as text, but into FILE as a page of HTML that loads nothing; - is standard output.",
)


def write_page(path: Path, text: str) -> None:
    """Write a page, whole or not at all; what was in the file is replaced.

    Raises:
        JobError: it cannot be written there.
    """
    if str(path) == "-":
        say(text.rstrip("\n"))
        return
    from orchestrator.store.local import LocalStore

    try:
        LocalStore(path.absolute().parent).put(path.name, [text.encode()])
    except StoreUnavailable as error:
        reason = error.message.rpartition(": ")[2]
        raise JobError(f"it cannot be written: {reason}", where=str(path), hint="Name another by --html.") from error
    say(f"wrote {path}")
