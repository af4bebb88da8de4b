"""The forecast against a simulation of an Indexed Job, event by event, for even and for skewed costs.

The seeds are fixed, so each test always sees the same clusters.
"""

import math
import statistics

import pytest

from tests.cluster.simulation import Cluster, Node
from tests.cluster.trials import covered, errors, trials

SEEDS = range(5000, 5060)


@pytest.mark.parametrize("kind", ["constant", "uniform", "lognormal", "pareto"])
def test_a_job_that_was_measured_whole(kind):
    """Half of the forecasts are within 5 %, nine of ten within 20 %; 93 % of simulated runs lie in the interval."""
    found = trials(kind, whole=True, seeds=SEEDS)
    off = errors(found)
    assert statistics.median(off) < 0.05
    assert off[len(off) * 9 // 10] < 0.2
    assert abs(statistics.fmean(trial.error for trial in found)) < 0.05
    assert covered(found) >= 0.93


@pytest.mark.parametrize("kind", ["worst first", "worst last"])
def test_a_job_whose_dearest_items_lie_together(kind):
    """Its measured stretches tell where it is dear: nine of ten within 30 %; 93 % of runs lie in the interval."""
    found = trials(kind, whole=True, seeds=SEEDS)
    off = errors(found)
    assert statistics.median(off) < 0.1
    assert off[len(off) * 9 // 10] < 0.3
    assert covered(found) >= 0.93


@pytest.mark.parametrize(("kind", "median"), [("constant", 0.05), ("uniform", 0.1), ("lognormal", 0.1)])
def test_a_job_of_which_a_tenth_was_measured(kind, median):
    """From a sample, half of the forecasts are within a tenth; 93 % of runs lie in the interval."""
    found = trials(kind, whole=False, seeds=SEEDS)
    assert statistics.median(errors(found)) < median
    assert covered(found) >= 0.93


def test_a_heavy_tail_of_which_a_tenth_was_measured():
    """Where single items decide and the sample may lack them, the figure can be far off; 90 % lie in the interval."""
    found = trials("pareto", whole=False, seeds=SEEDS)
    assert statistics.median(errors(found)) < 0.15
    assert covered(found) >= 0.9


@pytest.mark.parametrize("kind", ["constant", "uniform", "pareto"])
def test_a_job_whose_pods_are_evicted(kind):
    """Half are within 6 %, eight of ten within 20 %, and as many are evicted as simulated; 93 % lie in the interval."""
    found = trials(kind, whole=True, seeds=range(5000, 5040), evicted=True)
    off = errors(found)
    assert statistics.median(off) < 0.06
    assert off[len(off) * 8 // 10] < 0.2
    assert abs(statistics.fmean(trial.error for trial in found)) < 0.08
    simulated = math.fsum(trial.evictions for trial in found)
    assert math.fsum(trial.row.evictions for trial in found) == pytest.approx(simulated, rel=0.06)
    assert covered(found) >= 0.93


def test_the_simulation_is_the_arithmetic_of_small_cases():
    """What can be worked out by hand: waves of pods, one plan for all, pods that are made one after the other."""
    node = Node(2)

    def seconds(shards, nodes, gap=0.0, **more):
        return Cluster([1.0] * 40, shards, nodes, node, lambda: 10.0, gap=gap, **more).run()

    assert seconds(1, 1) == pytest.approx(10 + 20)
    assert seconds(4, 2) == pytest.approx(2 * (10 + 5))
    assert seconds(4, 3) == pytest.approx(2 * (10 + 5))
    assert seconds(4, 4, planning=7.0, publishing=3.0) == pytest.approx(10 + 7 + 5 + 3)
    assert seconds(4, 4, gap=2.0) == pytest.approx(3 * 2 + 10 + 5)
    assert seconds(4, 4, gap=2.0, planning=7.0) == pytest.approx(10 + 7 + 5)
    evicted = Cluster([1.0] * 10, 1, 1, Node(1), lambda: 10.0, lives=iter([3.0, 14.5, math.inf]).__next__)
    assert evicted.run() == pytest.approx((3 + 10) + (14.5 + 20) + (10 + 6)), "four items were committed"
    twice = Cluster([1.0], 1, 1, Node(1), lambda: 0.0, publishing=5.0, lives=iter([4.0, math.inf]).__next__)
    assert twice.run() == pytest.approx((4 + 10) + 5)
    uneven = Cluster([3.0, 1.0, 1.0, 1.0], 4, 2, Node(1), lambda: 0.0, gap=0.0)
    assert uneven.run() == pytest.approx(3.0)
