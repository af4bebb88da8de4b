"""`ftorch`: finds the command, runs it, and turns an error into one message and an exit code.

A command's module is imported when it is used, so that `ftorch --help` loads none of them.
"""

import sys
from importlib import import_module
from typing import NoReturn

import click

from orchestrator import __version__
from orchestrator.errors import RESUMABLE, FtorchError

COMMANDS = {
    "init": "Write a job file and a task to start from.",
    "plan": "Say what a job would do, and why, without running it.",
    "submit": "Run a job, or go on with a run.",
    "runs": "List the runs of the jobs in a folder.",
    "status": "Say how far a run is.",
    "collect": "Put a run's output together again.",
    "report": "Show a run's report.",
    "schema": "Print the JSON Schema of job files.",
    "doctor": "Say what this machine offers, and what would hold a job back.",
}

EPILOG = """\b
Example:
  ftorch init photos && cd photos
  ftorch plan job.yaml
  ftorch submit job.yaml

\b
Exit codes: 0 done; 1 more items failed than allowed; 2 the job or its code is wrong;
3 this machine cannot run it; 75 interrupted, go on with --resume; 128+n died of signal n.

\b
Completion: eval "$(_FTORCH_COMPLETE=bash_source ftorch)"   (or zsh_source, fish_source)
"""


class Commands(click.Group):
    """The commands, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Their names, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, with its module imported."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"orchestrator.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Their one-line descriptions, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ftorch", message="%(prog)s %(version)s")
def ftorch() -> None:
    """Run a batch of CPU-bound work in one free-threaded Python process, on every CPU the container may use."""


def main() -> NoReturn:
    """Run the command line; the process ends with the exit code of DESIGN §9."""
    try:
        code = ftorch.main(standalone_mode=False)
    except FtorchError as error:
        click.echo(f"ftorch: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt, click.Abort:
        click.echo("ftorch: stopped by Ctrl-C", err=True)
        code = RESUMABLE
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
