"""The command and its surroundings: pipes nobody reads, full disks, closed streams, terminals, shells."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import termios

import pytest

from orchestrator.engine.board import RUNNING, Line, Picture
from orchestrator.report.progress import pace_line, pace_of
from tests.command import ROOT, Place, finish


def test_a_pipe_that_nobody_reads(place: Place):
    """With standard output closed by its reader, a command ends quietly and a job with its own exit code."""
    place.job()
    for command in (["schema"], ["submit", "job.yaml"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = finish(place.popen(*command, stdout=writing))
        os.close(writing)
        done.expect(0)
        assert "Broken" not in done.err
    assert len(place.results()) == 10


def test_streams_that_cannot_be_written(place: Place):
    """A full disk behind the log does not harm the run; behind the report it is told, with exit 3."""
    place.job(output={"path": "out.jsonl", "overwrite": True})
    with open("/dev/full", "w") as full:
        assert finish(place.popen("submit", "job.yaml", stderr=full)).code == 0
        finish(place.popen("report", stdout=full)).expect(3, "standard output cannot be written: No space left")
    closed = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    assert place.ftorch("submit", "job.yaml", prefix=closed).code == 0
    assert len(place.runs()) == 2


def test_a_run_under_nohup_outlives_its_terminal(place: Place):
    """A hang-up does not touch a run that was started under nohup."""
    gate = place / "gate"
    os.mkfifo(gate)
    source = (
        "def f(n, gate):\n    if n == 0:\n        open(gate, 'w').close()\n        open(gate).close()\n    return n\n"
    )
    place.job(source, **{"with": {"gate": str(gate)}, "resources": {"threads": 1}})
    process = place.popen("submit", "job.yaml", "-q", prefix=["nohup"])
    gate.open("r").close()
    process.send_signal(signal.SIGHUP)
    gate.open("w").close()
    finish(process).expect(0)
    assert place.results() == list(range(10))


def screen(place: Place, *arguments: str, columns: int) -> tuple[int, list[str]]:
    """Run the command on a terminal of so many columns; gives the exit code and what was written to each line."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    process = place.popen(*arguments, stdout=slave, stderr=slave, stdin=slave, env={"TERM": "xterm"})
    os.close(slave)
    seen = bytearray()
    while block := _read(master):
        seen += block
    os.close(master)
    text = seen.decode().replace("\x1b[?25l", "").replace("\x1b[?25h", "").replace("\x1b[2K", "")
    return process.wait(), [line.strip("\r") for part in text.split("\n") for line in part.split("\r") if line]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""


@pytest.mark.parametrize("columns", [100, pytest.param(40, marks=pytest.mark.slow)])
def test_a_terminal_shows_a_live_line(place: Place, columns: int):
    """On a terminal the live line has what there is room for and never wraps; the report is wrapped, the line gone."""
    source = "def f(n):\n    if n == 5:\n        raise ValueError\n    return sum(range(n, n + 500_000))\n"
    place.job(source, input={"range": {"stop": 150}}, retry={"attempts": 1}, failures={"max_failed": "10%"})
    code, lines = screen(place, "submit", "job.yaml", columns=columns)
    assert code == 0
    live = [line for line in lines if "/150 items" in line]
    assert live
    assert all(len(line) < columns for line in live)
    assert "/s" in live[-1] or columns == 40
    assert any("left" in line for line in live)
    assert any("1 failed" in line for line in live)
    assert columns == 40 or all("busy" in line and "━" in line for line in live[1:])
    words = [line for line in lines if " " in line.strip() and "/" not in line]
    assert all(len(line) <= columns for line in words)
    assert not any("{" in line for line in lines)


def picture(items: int, total: int, nbytes: int, total_bytes: int) -> Picture:
    """A board of two threads, one of which works."""
    busy = Line(0, 9, 0, items, nbytes, 1, 3, RUNNING)
    idle = Line(0, 0, 0, 0, 0, 0, 0, 0)
    return Picture(total, total_bytes, done_items=0, done_bytes=0, target=2, phase=0, lines=(busy, idle))


def test_the_pace_is_what_was_done_over_the_time_it_took():
    """Rates, share and time left come from two moments; the line leaves out what matters least first."""
    pace = pace_of(picture(250, 1000, 5_000_000, 20_000_000), (10.0, 50, 1_000_000), (14.0, 250, 5_000_000))
    assert (pace.items_per_second, pace.bytes_per_second, pace.fraction, pace.seconds_left) == (50.0, 1e6, 0.25, 15.0)
    whole = "━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   25 %  250/1,000 items  50/s  1 MB/s  15 s left  1 failed  1/2 threads busy"
    assert pace_line(pace) == whole
    assert pace_line(pace, 60) == " 25 %  250/1,000 items  50/s  1 MB/s  15 s left  1 failed"
    assert pace_line(pace, 40) == "250/1,000 items  15 s left  1 failed"
    unknown = pace_of(picture(250, -1, 5_000_000, 20_000_000), (0.0, 0, 0), (5.0, 250, 5_000_000))
    assert (unknown.fraction, unknown.seconds_left) == (0.25, 15.0)
    start = pace_of(picture(0, 0, 0, 0), (1.0, 0, 0), (1.0, 0, 0))
    assert (start.items_per_second, start.fraction, start.seconds_left) == (0.0, None, None)


def complete(place: Place, *words: str, shell: str = "bash") -> list[str]:
    """What the shell is told to offer after these words."""
    env = {"_FTORCH_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    return place.ftorch(env=env).expect(0).out.splitlines()


def test_completion(place: Place):
    """Commands, options, fields of --set with their values, and the names of runs are completed."""
    assert complete(place, "ftorch", "s") == [
        "plain,submit",
        "plain,scale",
        "plain,status",
        "plain,suspend",
        "plain,schema",
    ]
    assert "plain,--resume" in complete(place, "ftorch", "submit", "--re")
    assert complete(place, "ftorch", "submit", "--set", "resources.pro") == ["plain,resources.profile="]
    values = complete(place, "ftorch", "submit", "--set", "resources.profile=")
    assert values == ["plain,resources.profile=cpu", "plain,resources.profile=mixed"]
    place.job()
    place.submit("--quiet")
    assert complete(place, "ftorch", "status", "pl") == [f"plain,{place.runs()[0].name}"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_scripts_are_scripts(place: Place, shell: str):
    """The script for each shell is one: bash and, where they are installed, zsh and fish read it without complaint."""
    script = place.ftorch(env={"_FTORCH_COMPLETE": f"{shell}_source"}).expect(0).out
    assert f"_FTORCH_COMPLETE={shell}_complete" in script
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n", place.write("script", script)], check=True)


def test_help_loads_nothing_heavy(place: Place):
    """`ftorch --help` imports neither YAML nor msgspec nor rich; a run's commands never import the cluster client."""
    script = "import sys\nfrom orchestrator.cli.main import main\nfrom orchestrator.cli.standby import Standby\n"
    script += "sys.argv[1:] = {!r}\ntry:\n    main(Standby(None))\n"
    script += "finally:\n    print(*sorted(sys.modules), file=sys.stderr)\n"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    def loaded(*arguments: str) -> set[str]:
        command = [sys.executable, "-P", "-c", script.format(list(arguments))]
        done = subprocess.run(command, env=env, cwd=place.path, capture_output=True, text=True, check=False)
        return set(done.stderr.splitlines()[-1].split())

    assert loaded("--help").isdisjoint({"yaml", "msgspec", "rich", "psutil", "numpy", "kubernetes"})
    place.job()
    submit = loaded("submit", "job.yaml", "-q")
    assert submit.isdisjoint({"rich", "numpy", "kubernetes", "plotly", "redis"})
    # The supervisor stays small: what the worker's threads need is the worker's to import.
    workers = ("pool", "lane", "drive", "committer", "probe")
    assert submit.isdisjoint({f"orchestrator.engine.{name}" for name in workers})
