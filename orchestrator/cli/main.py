"""`ftorch`: finds the command, runs it, and turns an error into one message and an exit code.

A command's module is imported when it is used, so that `ftorch --help` loads none of them.
"""

from difflib import get_close_matches
from importlib import import_module

import click

from orchestrator.cli.signals import handle_signals, ignore_signals, name_of
from orchestrator.cli.standby import Standby
from orchestrator.cli.streams import complain
from orchestrator.errors import BAD_JOB, DONE, RESUMABLE, FtorchError
from orchestrator.version import __version__

COMMANDS = {
    "init": "Write a job file and a task to start from.",
    "plan": "Say what a job would do, and why, without running it.",
    "audit": "Say what would turn the GIL on in a job, before it runs.",
    "render": "Print what would be put on a Kubernetes cluster.",
    "image": "Write a Dockerfile for a job and what it needs.",
    "submit": "Run a job, or go on with a run.",
    "scale": "Measure how a job scales with threads, on a sample of its input.",
    "runs": "List the runs of the jobs in a folder.",
    "prune": "Remove old runs.",
    "status": "Say how far a run is.",
    "compare": "Put a job beside the pools and the fleet that it would replace.",
    "collect": "Put a run's output together again.",
    "report": "Show a run's report.",
    "logs": "Print what the pods of a run on a cluster print.",
    "suspend": "Have a run on a cluster stop for a while.",
    "resume": "Have a suspended run on a cluster go on.",
    "cancel": "End a run on a cluster.",
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
Completion, in the shell's own start-up file:
  bash  eval "$(_FTORCH_COMPLETE=bash_source ftorch)"
  zsh   eval "$(_FTORCH_COMPLETE=zsh_source ftorch)"
  fish  _FTORCH_COMPLETE=fish_source ftorch | source
"""


class Commands(click.Group):
    """The commands, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Their names, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, with its module imported.

        Raises:
            UsageError: there is none, and it looks like a slip of one that is.
        """
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, 1)
            if near and not ctx.resilient_parsing:
                raise click.UsageError(f"No such command '{cmd_name}'. Did you mean '{near[0]}'?", ctx)
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


def main(standby: Standby) -> int:
    """Run the command line; the exit code of DESIGN §9. Signals do nothing any more when it returns."""
    handle_signals()
    try:
        code = _run(standby)
        ignore_signals()
    except KeyboardInterrupt:
        # It came while the end was being told.
        ignore_signals()
        code = RESUMABLE
    standby.release()
    return code


def _run(standby: Standby) -> int:
    try:
        code = ftorch.main(prog_name="ftorch", standalone_mode=False, obj=standby)
    except FtorchError as error:
        complain(f"ftorch: {error}")
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        complain(f"ftorch: stopped by {name_of(stop)}")
        return RESUMABLE
    except Exception as error:  # noqa: BLE001 - a defect of ours; exit code 1 would say that items failed
        import traceback

        traceback.print_exc()
        complain(
            f"ftorch: ftorch itself failed: {type(error).__name__}: {error}\n  Please report it, with the traceback."
        )
        return BAD_JOB
    return code if isinstance(code, int) else DONE
