"""An Indexed Job as processes that share a folder, some of them killed, some there twice."""

import random
import shutil

import pytest

from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.pods import SHARDS, PlayedJob
from tests.faults.sittings import Trouble

CLUSTER = {"nodes": 2, "shards": SHARDS}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_of_killed_processes_gives_what_it_should(
    kind: str, rounds: int, lengths: dict[str, float], trouble: Trouble, count: Count
):
    """Killed and stopped at random, started again, an index there twice: the result is right, nothing lost or twice."""
    chance = random.Random(f"pods {kind}")
    for number in range(max(2, rounds // 10)):
        place = PlayedJob(trouble.path / str(number))
        place.path.mkdir()
        KINDS[kind].write(place, kubernetes=CLUSTER)
        landed = place.play(chance, 3, 2 * lengths[kind])
        count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)), landed, ITEMS)
        assert place.ftorch("status", place.run, "--json").expect(0).json()["state"] == "done"
        shutil.rmtree(place.path)
