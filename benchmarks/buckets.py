"""The S3 servers that the benchmark `objects` asks: our own light one, moto's, and one that the command line starts.

Each serves a bucket of the name `bucket` with as many objects below `in/` as are wanted, and is named to all who ask it
by the environment.
"""

import os
import shlex
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.commands import peer
from benchmarks.servers import python, serving, until

SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Light:
    """Our own server of made-up objects (:mod:`benchmarks.bucketserver`), which waits so long before it answers."""

    name: str
    milliseconds: int = 0

    @contextmanager
    def serving(self, count: int) -> Iterator[str]:
        """The server with so many objects; its URL."""
        port = _free_port()
        url = _named({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"} | _ANY_KEYS)
        with serving(python("benchmarks.bucketserver", port, count, SIZE, self.milliseconds)):
            until(lambda: _answers(f"{url}/requests"), self.name)
            yield url


@dataclass(frozen=True, slots=True)
class Moto:
    """Moto's own server."""

    name: str

    @contextmanager
    def serving(self, count: int) -> Iterator[str]:
        """The server with so many objects; its URL."""
        port = _free_port()
        url = _named({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"} | _ANY_KEYS)
        with serving([sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]):
            until(lambda: _answers(url), self.name)
            peer("bucketpeers", "fill", count, SIZE)
            yield url


@dataclass(frozen=True, slots=True)
class Other:
    """A server that a command starts; the environment that this process was started with names it, and its keys."""

    name: str
    command: str
    environment: Mapping[str, str]

    @classmethod
    def told(cls, word: str, environment: Mapping[str, str]) -> Other:
        """From NAME=COMMAND, and what the environment has of AWS's variables."""
        name, _, command = word.partition("=")
        return cls(name, command, {name: value for name, value in environment.items() if name.startswith("AWS_")})

    @contextmanager
    def serving(self, count: int) -> Iterator[str]:
        """The server with so many objects; its URL."""
        url = _named(self.environment)
        with serving(shlex.split(self.command)):
            until(lambda: _answers(url), self.name)
            peer("bucketpeers", "fill", count, SIZE)
            yield url


type Server = Light | Moto | Other

_ANY_KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}


def others(words: Sequence[str]) -> list[Other]:
    """The servers that the command line tells."""
    environment = dict(os.environ)
    return [Other.told(word, environment) for word in words]


def requests(url: str) -> int:
    """How many requests came to our own server since the last time."""
    with urllib.request.urlopen(f"{url}/requests", timeout=10) as answer:
        return int(answer.read())


def _named(environment: Mapping[str, str]) -> str:
    """Have the environment name a server; its URL."""
    os.environ |= environment
    return environment["AWS_ENDPOINT_URL"]


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
