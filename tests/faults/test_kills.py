"""kill -9 at random moments: of the worker, of the supervisor, of both."""

import signal

import pytest

from tests.faults.jobs import KINDS, Strikes

CASES = [(victim, kind) for kind in KINDS for victim in ("worker", "supervisor", "both")]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("victim", "kind"), CASES)
def test_a_run_that_is_killed_again_and_again_loses_and_repeats_nothing(victim: str, kind: str, strikes: Strikes):
    """Whoever is killed by SIGKILL at whatever moment, the run is brought to its end with the oracle's result."""
    strikes.make(kind, victim, signal.SIGKILL, 1 / len(CASES))
