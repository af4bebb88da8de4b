"""A Redis of our own on loopback: a free port, a password, nothing kept, and ended whatever happens.

Guarantees: it dies with the process that started it (PR_SET_PDEATHSIG), and only those who have the password can talk
to it, as what is in it is unpickled. Assumes: it is started before its starter has threads.
"""

import re
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from orchestrator.engine.lifeline import die_with_parent
from orchestrator.errors import MachineError, MissingExtra

PROGRAM = "redis-server"
_OLDEST = 7
_TRIES = 5
_PATIENCE = 10.0


def check_redis() -> None:
    """Make sure that there are a server and a client for it.

    Raises:
        MissingExtra: the package `redis` is not installed.
        MachineError: there is no redis-server, or one that is too old.
    """
    try:
        import redis  # noqa: F401 - whether it is there
    except ImportError:
        hint = "Install ftorch with its extra `compare`, or: python -m pip install redis"
        raise MissingExtra("the fleet needs the package 'redis', which is not installed", hint=hint) from None
    if shutil.which(PROGRAM) is None:
        hint = f"Install it (Debian, Ubuntu: apt-get install redis-server); {PROGRAM} must be on the PATH."
        raise MachineError(f"the fleet needs {PROGRAM}, which is not installed", hint=hint)
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.", told)
    if found is not None and int(found[1]) < _OLDEST:
        raise MachineError(f"the fleet needs {PROGRAM} {_OLDEST} or newer (BLMPOP), and this is: {told.strip()}")


class RedisServer:
    """A server that runs.

    Raises:
        MachineError: it does not start.
    """

    def __init__(self, scratch: Path) -> None:
        self.password = secrets.token_hex(16)
        for _ in range(_TRIES):
            self.port = _free_port()
            self._process = self._start(scratch)
            if self._is_up():
                return
            self.stop()
        log = (scratch / "redis.log").read_text("utf-8", "replace").strip().splitlines()
        raise MachineError(f"{PROGRAM} does not start: {log[-1] if log else 'it says nothing'}")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def client(self) -> Any:
        """A new connection to it."""
        import redis

        return redis.Redis(host="127.0.0.1", port=self.port, password=self.password)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self, scratch: Path) -> subprocess.Popen[bytes]:
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "dir": f'"{scratch}"',
            "logfile": f'"{scratch}/redis.log"',
        }
        # Through its standard input: a command line can be read by everybody.
        process = subprocess.Popen(
            [PROGRAM, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - there are no threads yet
        )
        assert process.stdin is not None
        process.stdin.write("".join(f"{name} {value}\n" for name, value in settings.items()).encode())
        process.stdin.close()
        return process

    def _is_up(self) -> bool:
        """Wait until it answers, and make sure that it is ours and no other on that port."""
        import redis

        until = time.monotonic() + _PATIENCE
        while self.alive and time.monotonic() < until:
            try:
                return bool(self.client().info("server")["process_id"] == self._process.pid)
            except redis.AuthenticationError:
                return False
            except redis.ConnectionError:
                time.sleep(0.01)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
