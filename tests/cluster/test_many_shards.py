"""Jobs of a thousand and of ten thousand shards: few requests, and memory that does not grow with what is told."""

import gc
import json
import tracemalloc
from itertools import pairwise

import pytest

from orchestrator.cluster.client.submitting import submit
from orchestrator.cluster.watching import JobWatch
from orchestrator.inputs.ranges import RangeSource
from orchestrator.run.plan import write_plan
from orchestrator.spec.model import RangeInput
from orchestrator.store.memory import MemoryStore
from tests.cluster.made_objects import job, pod
from tests.cluster.test_submitting import manifests, run, well


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


def test_ten_thousand_shards_are_asked_for_in_five_requests(server, api):
    """What is sent for a job of ten thousand shards is what is sent for four: five requests of the same objects."""
    submit(api, lambda _: manifests(shards=4, nodes=4, name="job-4"), watched=False)
    few = server.plain_requests()
    submit(api, lambda _: manifests(shards=10_000, nodes=1000), watched=False)
    assert len(server.plain_requests()) == 2 * len(few) == 10
    small, large = (len(json.dumps(job)) for job in server.find("jobs"))
    assert large - small < 20


def test_ten_thousand_shards_are_known_in_little_memory():
    """Following them takes a few hundred bytes each, whatever their pods leave behind."""
    tracemalloc.start()
    try:
        watch = JobWatch()
        watch.see_job(job(10_000))
        for index in range(10_000):
            watch.see_pod(pod(index, f"uid-{index}", phase="Succeeded", code=0, message="x" * 4000))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 20_000_000
    finally:
        tracemalloc.stop()
    assert watch.tally().states == {"done": 10_000}


def test_a_billion_items_in_ten_thousand_shards_are_planned_in_two_writes():
    """The plan of a range is one entry and an index with a number for each shard, whatever is counted."""
    store = Counting()
    source = RangeSource(RangeInput(stop=10**9))
    tracemalloc.start()
    try:
        index = write_plan(store, source, source.entries(), 10_000, lambda: None)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert store.calls == ["put", "create"]
    assert (index.units, index.entries, len(index.shards)) == (10**9, 1, 10_001)
    assert {high - low for low, high in pairwise(index.shards)} == {100_000}


class Counting(MemoryStore):
    """A store in memory that knows what was asked of it."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def put(self, name, data):
        self.calls.append("put")
        super().put(name, data)

    def create(self, name, data):
        self.calls.append("create")
        return super().create(name, data)

    def get(self, name, start=0, length=None):
        self.calls.append("get")
        return super().get(name, start, length)
