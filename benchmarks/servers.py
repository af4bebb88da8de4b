"""Servers that a benchmark starts on loopback, in a folder of their own, and ends whatever happens."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.engine.lifeline import die_with_parent

PATIENCE = 30.0
"""Seconds that a server may take until it answers."""


@contextmanager
def serving(
    command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs as long as the block does, and not longer than this process either; it is to be quiet."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of ours runs yet
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def until(answers: Callable[[], bool], what: str) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: it does not.
    """
    end = time.monotonic() + PATIENCE
    while not answers():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not answer within {PATIENCE:.0f} s")
        time.sleep(0.01)


def redis_missing() -> str | None:
    """Why no Redis can be started, in a sentence; None if one can."""
    if shutil.which("redis-server"):
        return None
    return "there is no redis-server here (Debian: apt-get install redis-server)"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing on disk; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with serving(command, folder):
        until(lambda: _listens(port), "redis-server")
        yield f"redis://127.0.0.1:{port}/0"


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def python(module: str, *words: object) -> list[str]:
    """The command that runs a module in this interpreter."""
    return [sys.executable, "-m", module, *map(str, words)]
