"""What supervisor and worker say to each other, and how a worker is asked to stop."""

import os
import signal
import subprocess
import sys

import pytest

from orchestrator import errors
from orchestrator.engine.protocol import (
    Channel,
    Ended,
    Expire,
    Replace,
    Stop,
    error_of,
    problem_of,
)
from orchestrator.errors import RESUMABLE, FtorchError, WorkerDied
from tests.command import ROOT

MESSAGES = [Expire(0, 100, 3), Expire(1, 200, 4), Replace(1, "stuck"), Stop("now"), Ended("done", "é\n", "")]


class Pipe:
    """Two ends of a channel in this process."""

    def __init__(self) -> None:
        reading, self.write_end = os.pipe()
        self.writing = os.fdopen(self.write_end, "wb")
        self.reading = os.fdopen(reading, "rb")
        self.channel = Channel(self.reading, self.writing)


@pytest.fixture
def pipe():
    """A channel that reads what is written to it."""
    made = Pipe()
    yield made
    for end in (made.writing, made.reading):
        end.close()


def test_messages_arrive_as_they_were_sent(pipe):
    """Several messages in the pipe at once come out one by one, in order, and it is known that more are there."""
    for message in MESSAGES:
        pipe.channel.send(message)
    for message in MESSAGES:
        assert pipe.channel.receive() == message
        assert pipe.channel.pending == (message is not MESSAGES[-1])


def test_a_message_larger_than_the_pipe():
    """A message arrives whole, however large."""
    large = Stop("x" * 3_000_000)
    code = "import sys; sys.stdin.buffer.readline(); sys.stdout.buffer.write(sys.stdin.buffer.read())"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
        channel = Channel(echo.stdout, echo.stdin)
        channel.send(Stop("first"))
        channel.send(large)
        echo.stdin.close()
        assert channel.receive() == large


def test_the_other_side_is_gone(pipe):
    """The pipe's end is told as None, also in the middle of a message; to speak to nobody is no error."""
    pipe.writing.write(b'{"type":"stop","rea')
    pipe.writing.close()
    assert pipe.channel.receive() is None
    pipe.channel.send(Stop("nobody hears this"))


def kinds() -> list[type[FtorchError]]:
    """Every class of the tree."""
    found = [FtorchError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_crosses_the_pipe(pipe, kind):
    """An error is the same on the other side: its class, its three texts, and its exit code."""
    texts = {"where": "job.yaml:1:2", "hint": "Do something."}
    error = kind(11, "what", **texts) if kind is WorkerDied else kind("what", **texts)
    pipe.channel.send(problem_of(error))
    again = error_of(pipe.channel.receive())
    assert type(again) is kind
    assert (str(again), again.exit_code) == (str(error), error.exit_code)


LISTENER = """
import os, sys, threading
from orchestrator.engine.protocol import Channel
from orchestrator.engine.stopping import StopSwitch, listen

class Told:
    def expire(self, lane, lo, item):
        print("expire", lane, lo, item, flush=True)
    def halt(self):
        print("halt", switch.reason, switch.replacing, switch.left_behind, flush=True)

switch = StopSwitch(3600.0)
switch.attach(Told(), lambda: None)
listen(switch, Channel(sys.stdin.buffer, sys.stdout.buffer))
print("ready", flush=True)
threading.Event().wait()
"""


class Listener:
    """A process that listens as a worker does, and prints what it is told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.heard() == "ready"

    def heard(self) -> str:
        """The next thing it says."""
        return self.process.stdout.readline().decode().strip()

    def tell(self, *messages) -> None:
        """Say several things in one write."""
        sender = Pipe()
        for message in messages:
            sender.channel.send(message)
        sender.writing.close()
        self.process.stdin.write(sender.reading.read())
        sender.reading.close()
        self.process.stdin.flush()


@pytest.fixture
def listener():
    """A listening process."""
    made = Listener()
    with made.process:
        yield made
        made.process.kill()


def test_messages_that_come_together_are_all_obeyed(listener):
    """Two items whose time is over and a stop, told in one breath, are three things done."""
    listener.tell(Expire(0, 100, 3), Expire(1, 200, 4), Stop("timeout.job"))
    assert [listener.heard() for _ in range(3)] == ["expire 0 100 3", "expire 1 200 4", "halt timeout.job False -1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_a_stop(listener, number):
    """A signal to the worker itself halts the pool, by its name; a second one ends it at once, resumable."""
    listener.process.send_signal(number)
    assert listener.heard() == f"halt stopped by {number.name} False -1"
    listener.process.send_signal(number)
    assert listener.process.wait(60) == RESUMABLE


def test_a_stop_ends_a_replacement(listener):
    """While a worker ends to be replaced a stop is not the second request: it makes the end a real one."""
    listener.tell(Replace(1, "stuck"))
    assert listener.heard() == "halt stuck True 1"
    listener.tell(Stop("enough"))
    assert listener.heard() == "halt enough False 1"
    listener.tell(Stop("now"))
    assert listener.process.wait(60) == RESUMABLE


def test_without_a_supervisor_it_ends(listener):
    """When the pipe's other end is closed the worker ends, resumable."""
    listener.process.stdin.close()
    assert listener.process.wait(60) == RESUMABLE
