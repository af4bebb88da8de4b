"""A job of a thousand shards: few requests, and memory that does not grow with what is told."""

import gc
import tracemalloc

import pytest

from orchestrator.cluster.watching import JobWatch
from tests.cluster.made_objects import job, pod
from tests.cluster.test_submitting import run, well


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_shards_take_five_requests(server, api, tmp_path):
    """Submitting and following a job of a thousand shards takes five requests and two watches, whatever its length."""
    verdict, _, kept = run(server, api, tmp_path, well, shards=1000, nodes=50)
    assert verdict.exit_code == 0
    assert len(kept) == 1000
    assert len(server.plain_requests()) == 5
    assert len(server.asked) - len(server.plain_requests()) == 2


def test_memory_is_that_of_the_states():
    """Ten times as many events about the same thousand shards take no more memory."""
    watch = JobWatch()
    watch.see_job(job(1000))

    def tell(times):
        for _ in range(times):
            for index in range(1000):
                watch.see_pod(pod(index, f"uid-{index}", message="x" * 4000))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        once = tell(1)
        again = tell(3)
    finally:
        tracemalloc.stop()
    assert once < 4_000_000
    assert again - once < 200_000
