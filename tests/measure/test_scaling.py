"""From windows to the curve, and what is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.scaling import Scaling, karp_flatt, scaling_of
from tests.measure.curves import sweep, usl, window


def by_threads(scaling: Scaling) -> dict[int, object]:
    """The points, by number of threads."""
    return {point.threads: point for point in scaling.points}


def test_a_perfect_curve():
    """Twice the threads, twice the rate: speedup 2, efficiency 1, nothing serial."""
    one, two = scaling_of(sweep(lambda threads: 100.0 * threads, (1, 2)), 2.0).points
    assert (one.speedup.value, two.speedup.value) == (1.0, pytest.approx(2.0))
    assert two.efficiency.value == pytest.approx(1.0)
    assert two.karp_flatt.value == pytest.approx(0.0, abs=1e-9)
    assert one.karp_flatt is None
    assert one.cpu_per_unit.value == pytest.approx(0.01)


def test_efficiency_is_by_the_cpus_there_are():
    """Three threads on a quota of 1.5 CPUs that reach 1.5 times one thread use all there is; nothing is serial."""
    scaling = scaling_of(sweep(lambda threads: 100.0 * min(threads, 1.5), (1, 2, 3)), 1.5)
    assert [point.efficiency.value for point in scaling.points] == pytest.approx([1.0, 1.0, 1.0])
    assert [point.karp_flatt for point in scaling.points] == [None, None, None]


def test_half_a_cpu():
    """On half a CPU a second thread adds nothing, and nothing is lost: the efficiency stays 1."""
    scaling = scaling_of(sweep(lambda _: 50.0, (1, 2)), 0.5)
    assert [point.efficiency.value for point in scaling.points] == pytest.approx([1.0, 1.0])


def test_a_drift_is_taken_out():
    """A machine that gets slower all the time, from repeat to repeat, does not change the speedup."""
    windows = [window(threads, repeat, 100.0 * threads * 0.8**repeat) for repeat in range(6) for threads in (1, 2)]
    speedup = scaling_of(windows, 2.0).points[1].speedup
    assert speedup.value == pytest.approx(2.0)
    assert speedup.spread == pytest.approx(1.0)


def test_a_speedup_that_the_windows_do_not_support():
    """Windows that contradict each other give no speedup, no efficiency and no serial share, but say why."""
    windows = [window(1, repeat, 100.0) for repeat in range(3)]
    windows += [window(2, repeat, rate) for repeat, rate in enumerate((90.0, 200.0, 110.0))]
    point = scaling_of(windows, 2.0).points[1]
    assert (point.speedup, point.efficiency, point.karp_flatt) == (None, None, None)
    assert point.refused.startswith("somewhere between 0.")
    assert point.items_per_second == pytest.approx(400 / 3)


def test_one_window_is_not_enough():
    """A single pair of windows has no interval, so there is no speedup; nor is there without a window of one thread."""
    windows = [window(1, 0, 100.0), window(2, 0, 200.0), window(2, 1, 200.0)]
    assert scaling_of(windows, 2.0).points[1].refused.startswith("1 of the two windows")
    assert scaling_of(windows[1:], 2.0).points[0].refused.startswith("0 of the two windows")


def test_a_fit_needs_four_counts():
    """Three thread counts give a curve, but no law and no prediction, and say so."""
    scaling = scaling_of(sweep(lambda threads: usl(threads, 100, 0.05, 0), (1, 2, 4)), 4.0)
    assert (scaling.law, scaling.predictions) == (None, [])
    assert scaling.refused == ["no fit and no prediction: they need 4 thread counts within the CPUs, 3 were measured"]


def test_counts_beyond_the_cpus_are_not_fitted():
    """That eight threads on four CPUs are no faster than four says nothing of a node with eight."""
    scaling = scaling_of(sweep(lambda threads: 100.0 * min(threads, 4), (1, 2, 3, 4, 6, 8)), 4.0)
    assert scaling.law.contention == pytest.approx(0.0, abs=1e-9)
    assert [prediction.cores for prediction in scaling.predictions] == [8, 16, 32, 64]
    assert [prediction.speedup is None for prediction in scaling.predictions] == [False, False, False, True]


def test_what_was_measured_is_not_predicted():
    """A node with 16 CPUs gets predictions for more only."""
    scaling = scaling_of(sweep(lambda threads: usl(threads, 100, 0.01, 0), (1, 2, 4, 8, 16)), 16.0)
    assert [prediction.cores for prediction in scaling.predictions] == [32, 64]


@pytest.mark.parametrize(("seconds", "fits", "noted"), [(0.0, True, False), (0.02, True, True), (0.2, False, True)])
def test_throttling(seconds: float, fits: bool, noted: bool):
    """A throttled curve is marked as such; one that the quota held up for long is not fitted."""
    windows = [
        window(threads, repeat, 100.0 * threads, throttled_seconds=seconds * threads)
        for repeat in range(4)
        for threads in (1, 2, 4, 8)
    ]
    scaling = scaling_of(windows, 8.0, ["as it is"])
    assert (scaling.law is not None) == fits
    assert scaling.notes[0] == "as it is"
    assert any("throttled" in note for note in scaling.notes[1:]) == noted


@given(st.floats(0, 1), st.integers(2, 1000))
def test_karp_flatt_finds_amdahls_share(serial: float, threads: int):
    """For a speedup by Amdahl's law it gives the serial share back."""
    speedup = 1 / (serial + (1 - serial) / threads)
    assert karp_flatt(speedup, threads) == pytest.approx(serial, abs=1e-9)


def test_an_interval_of_a_serial_share_is_the_right_way_round():
    """The higher speedup is the lower serial share."""
    point = scaling_of(sweep(lambda threads: 100.0 * threads**0.9, (1, 2), noise=0.02), 2.0).points[1]
    assert point.karp_flatt.low < point.karp_flatt.value < point.karp_flatt.high


@given(
    st.lists(st.tuples(st.integers(1, 16), st.integers(0, 5), st.floats(1e-3, 1e6)), min_size=1, max_size=40),
    st.floats(0.1, 64),
)
def test_any_windows_give_a_report(found: list[tuple[int, int, float]], cpus: float):
    """Whatever was measured, however little and wild, there is a report, which is JSON and reads back the same."""
    windows = [window(threads, repeat, rate) for threads, repeat, rate in found]
    scaling = scaling_of(windows, cpus)
    assert [point.threads for point in scaling.points] == sorted({threads for threads, _, _ in found})
    assert msgspec.json.decode(msgspec.json.encode(scaling), type=Scaling) == scaling
