"""How long pods took to start, and what they held meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.podtimes import PodTime, pod_times

moments = st.none() | st.floats(0, 1e6)
pods = st.builds(PodTime, st.just("p"), moments, moments, moments, moments, st.floats(0, 64), moments)


def test_a_pod_is_placed_starts_works_and_idles() -> None:
    """From its node to its container it is starting; what its worker did not use of the rest is idle."""
    one = PodTime("a", created=100, placed=104, started=110, finished=210, cpus=36.0, worked=90)
    other = PodTime("b", created=100, placed=100, started=102, finished=202, cpus=36.0, worked=100)
    found = pod_times([one, other])
    assert found is not None
    assert (found.pods, found.startup, found.longest, found.longest_pod) == (2, 6.0, 10.0, "a")
    assert found.placing == 2.0
    assert found.starting_cpu_hours == pytest.approx(0.08)
    assert found.working_cpu_hours == pytest.approx(1.9)
    assert found.idle_cpu_hours == pytest.approx(0.1)


def test_a_pod_that_left_no_summary_is_told_apart() -> None:
    """What a killed pod held is neither work nor idling."""
    found = pod_times([PodTime("a", 0, 0, 10, 3610, 2.0, None)])
    assert found is not None
    assert (found.silent, found.silent_cpu_hours) == (1, pytest.approx(2.0))
    assert (found.working_cpu_hours, found.idle_cpu_hours) == (0.0, 0.0)


def test_pods_that_never_ran_tell_nothing() -> None:
    """Without a container that ran there is no start-up to tell of."""
    assert pod_times([]) is None
    assert pod_times([PodTime("a", 1, None, None, None, 2.0, None)]) is None


@given(st.lists(pods, max_size=8))
def test_the_parts_are_the_whole(found: list[PodTime]) -> None:
    """Whatever the cluster tells, no part is negative, and the parts add up to what was held."""
    times = pod_times(found)
    if times is None:
        return
    parts = [times.working_cpu_hours, times.starting_cpu_hours, times.idle_cpu_hours, times.silent_cpu_hours]
    assert min(parts) >= 0
    assert times.held_cpu_hours == pytest.approx(sum(parts))
    assert times.startup is None or 0 <= times.startup <= (times.longest or 0)
