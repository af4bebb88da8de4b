"""Every contestant keeps the promises of the contestant protocol; Redis is a real one, the other Python a bare one."""

import sys

import pytest

from orchestrator.compare.backends import Backend, find_backends
from tests.conformance.contestant_suite import ContestantSuite, SendingSuite


def backend_of(name: str, python: str | None = None) -> Backend:
    """The contestant of that name, with two workers."""
    [found] = find_backends([name], 2, python)
    return found


class TestThreads(ContestantSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        """Our engine."""
        return backend_of("threads")


class TestProcesses(SendingSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        """A pool of processes."""
        return backend_of("processes")


@pytest.mark.slow
class TestInterpreters(ContestantSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        """A pool of interpreters."""
        return backend_of("interpreters")


class TestRedis(SendingSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        """A Redis, and worker processes."""
        return backend_of("redis")


@pytest.mark.slow
class TestOtherPython(SendingSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        """The interpreter beneath this virtual environment, which has no ftorch and none of its packages."""
        return backend_of("python", getattr(sys, "_base_executable", sys.executable))
