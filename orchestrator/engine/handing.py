"""How a child process hands its answers to the worker: pickled; of results that lie in a file, it hands the file.

Guarantees: what was handed can be read as long as the worker refers to it, also when the child is gone; the file has no
name, so nothing of it outlives both. Assumes: one thread at either end, and a pipe that is a socket.
"""

import socket
from multiprocessing.connection import Connection
from typing import Any

from msgspec import structs

from orchestrator.engine.spool import Spilled, Spool

type Answer = tuple[Any, ...]
"""What it is ("done", "problem"), the outcome if any, and more."""

_IN_FILE, _IN_NEW_FILE = "done, in the last file", "done, in a new file"


class Giver:
    """The child's end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._given: Spool | None = None

    def give(self, answer: Answer) -> None:
        """Hand over an answer.

        Raises:
            OSError: the worker is gone.
        """
        kind, outcome, *more = answer
        token = getattr(outcome, "token", None)
        if not isinstance(token, Spilled):
            self._pipe.send(answer)
            return
        told = structs.replace(outcome, token=token.places)
        if token.spool is self._given:
            self._pipe.send((_IN_FILE, told, *more))
            return
        self._pipe.send((_IN_NEW_FILE, told, *more))
        with socket.fromfd(self._pipe.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            socket.send_fds(wire, [kind.encode()[:1]], [token.spool.fileno()])
        self._given = token.spool


class Taker:
    """The worker's end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._spool: Spool | None = None

    def take(self) -> Answer:
        """Wait for an answer.

        Raises:
            EOFError, OSError: the child is gone.
        """
        answer: Answer = self._pipe.recv()
        if answer[0] not in (_IN_FILE, _IN_NEW_FILE):
            return answer
        _, outcome, *more = answer
        if answer[0] == _IN_NEW_FILE:
            self._spool = self._received()
        assert self._spool is not None
        return "done", structs.replace(outcome, token=Spilled(self._spool, outcome.token)), *more

    def _received(self) -> Spool:
        with socket.fromfd(self._pipe.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            _, files, _, _ = socket.recv_fds(wire, 1, 1)
        if not files:
            raise EOFError
        return Spool.of_file(files[0])
