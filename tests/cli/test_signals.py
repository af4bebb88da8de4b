"""Ctrl-C where the command itself has to take it, not the engine: while it starts, while it ends, ignored."""

import os
import signal
import subprocess
import sys

import pytest

from tests.command import COMMAND, ROOT, Place, environment, finish

INTERRUPTS_ITSELF = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"


def test_interrupted_while_it_imports_it_ends_without_a_word(place: Place):
    """Ctrl-C before the first line of the command was run ends it as the system ends a program: no traceback."""
    place.job().write("first/click.py", INTERRUPTS_ITSELF)
    done = place.ftorch("submit", "job.yaml", env={"PYTHONPATH": f"{place / 'first'}{os.pathsep}{ROOT}"})
    assert (done.code, done.out, done.err) == (-signal.SIGINT, "", "")
    assert place.runs() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupted_while_it_tells_its_end_it_still_gives_an_exit_code(place: Place, number: signal.Signals):
    """A signal that comes while an error is being told neither shows a traceback nor is taken for a failed item."""
    script = (
        "import os, signal, sys\nfrom orchestrator.cli import main as cli\n"
        "from orchestrator.cli.standby import Standby\n"
        f"cli.complain = lambda text: os.kill(os.getpid(), {int(number)})\n"
        "sys.argv[1:] = ['submit', 'no-such-job.yaml']\nsys.exit(cli.main(Standby(None)))\n"
    )
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(
        command, env=environment({}), cwd=place.path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (75, "", "")


def test_a_background_jobs_ignored_interrupt_stays_ignored(place: Place):
    """`ftorch submit … &` in a script goes on when the terminal's Ctrl-C stops the script."""
    place.job(
        "import os, signal\ndef f(n):\n    os.kill(os.getppid(), signal.SIGINT)\n    return n\n",
        input={"range": {"stop": 3}},
    )
    ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    done = finish(place.popen("submit", "job.yaml", "-q", prefix=ignoring))
    done.expect(0)
    assert place.results() == [0, 1, 2]


def test_both_ways_to_start_it_are_one():
    """`python -m orchestrator`, which the tests use, is what the installed command runs."""
    assert COMMAND[-2:] == ["-m", "orchestrator"]
    with open(ROOT / "pyproject.toml", encoding="utf-8") as project:
        assert 'ftorch = "orchestrator.__main__:run"' in project.read()
