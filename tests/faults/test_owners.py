"""Two processes that believe they own a run."""

import pytest

from tests.command import finish
from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.pods import SHARDS, PlayedJob
from tests.faults.sittings import RESUMABLE, Trouble


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_of_two_owners_one_is_fenced_or_both_end_well(kind: str, rounds: int, trouble: Trouble, count: Count):
    """Started at the same time on one run, at most one stops, saying that it was taken over; the result is right."""
    fenced = 0
    for number in range(max(2, rounds // 10)):
        place = Trouble(trouble.path / str(number))
        place.path.mkdir()
        KINDS[kind].write(place)
        if number % 2:
            place.sit("--set", "timeout.job=200ms", "--set", "timeout.grace=0s")
        with place.start() as one, place.start() as other:
            ended = [finish(one), finish(other)]
        for done in ended:
            assert done.code in {0, RESUMABLE}, done.err
            assert "Traceback" not in done.err
            assert done.code == 0 or "taken over" in done.err, done.err
        fenced += sum(done.code != 0 for done in ended)
        assert any(done.code == 0 for done in ended), ended
        count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)))
    count.notes.append(f"{fenced} fenced")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_of_two_processes_of_each_index_one_is_fenced_or_both_end_well(
    kind: str, rounds: int, trouble: Trouble, count: Count
):
    """Two processes of every index at once: who stops says that it was taken over, and the result is right."""
    fenced = 0
    for number in range(max(1, rounds // 20)):
        place = PlayedJob(trouble.path / str(number))
        place.path.mkdir()
        KINDS[kind].write(place, kubernetes={"nodes": 2, "shards": SHARDS})
        started = [place.pod(index) for index in (*range(SHARDS), *range(SHARDS))]
        ended = [finish(process) for process in started]
        for done in ended:
            assert done.code in {0, RESUMABLE}, done.err
            assert "Traceback" not in done.err
            assert done.code == 0 or "taken over" in done.err, done.err
        fenced += sum(done.code != 0 for done in ended)
        assert all(ended[index].code == 0 or ended[index + SHARDS].code == 0 for index in range(SHARDS)), ended
        count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)))
    count.notes.append(f"{fenced} fenced")
