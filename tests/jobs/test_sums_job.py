"""The sums job as a user runs it, checked by arithmetic."""

import json
from collections.abc import Callable

from tests.jobs.conftest import ShippedJob

PERIOD = [pow(i, 2, 123) for i in range(123)]


def below(stop: int) -> int:
    """Σ (i² mod 123) for 0 ≤ i < stop, in closed form."""
    periods, rest = divmod(stop, 123)
    return periods * sum(PERIOD) + sum(PERIOD[:rest])


def test_every_number_has_its_sum_in_order(shipped: Callable[[str], ShippedJob]):
    """Four thousand items, none lost, none twice, none wrong, in input order."""
    out = shipped("sums").submit("--set", "with.work=300")
    lines = [json.loads(line) for line in (out / "sums.jsonl").read_text().splitlines()]
    assert lines == [{"key": n, "result": below(n + 300) - below(n)} for n in range(4000)]


def test_a_misspelt_argument_is_an_error_of_the_job(shipped: Callable[[str], ShippedJob]):
    """`with: {wrok: …}` exits 2 and proposes `work`; nothing is written."""
    job = shipped("sums")
    done = job.try_submit("--set", "with.wrok=300")
    assert done.returncode == 2
    assert "'work'" in done.stderr
    assert not (job.folder / "out").exists()
