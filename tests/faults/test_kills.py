"""kill -9 at random moments: of the worker, of the supervisor, of both."""

import random
import signal

import pytest

from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.sittings import Aim, Trouble

CASES = [(victim, kind) for kind in KINDS for victim in ("worker", "supervisor", "both")]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("victim", "kind"), CASES)
def test_a_run_that_is_killed_again_and_again_loses_and_repeats_nothing(
    victim: str, kind: str, rounds: int, trouble: Trouble, count: Count
):
    """Whoever is killed by SIGKILL at whatever moment, the run is brought to its end with the oracle's result."""
    for number in range(-(-rounds // len(CASES))):
        place = Trouble(trouble.path / str(number))
        place.path.mkdir()
        KINDS[kind].write(place)
        chance = random.Random(f"{victim} {kind} {number}")
        landed = place.survive(Aim(victim, signal.SIGKILL, 1.5), 2, chance)
        count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)), landed)
