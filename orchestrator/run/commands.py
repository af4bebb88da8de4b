"""The commands that messages tell a user to type: such that a shell takes them as they are; pure."""

import os
from pathlib import Path


def resume_command(run: Path | str) -> str:
    """What goes on with a run."""
    return f"ftorch submit --run {quoted(run)} --resume"


def retry_command(run: Path | str) -> str:
    """What does the failed items of a run again."""
    return f"ftorch submit --retry-failed {quoted(run)}"


def quoted(name: Path | str) -> str:
    """A name as a shell takes it for one word."""
    import shlex

    return shlex.quote(os.fspath(name))
