"""From samples to figures, and what may be said of them: pure functions on made-up rounds."""

import msgspec
import pytest

from orchestrator.compare.figures import Figures, Sample, Spread, Terms, figures_of, latency, verdict
from orchestrator.compare.results import Comparison, Row
from orchestrator.compare.sizing import Input, calibrated, wanted_of
from orchestrator.compare.text import comparison_text


def sample(seconds: float, **more: object) -> Sample:
    """A turn in which all items took so long."""
    turn = Sample(startup=0.5, seconds=seconds, cpu_seconds=2.0, peak=10, memory="PSS", nbytes=7)
    return msgspec.structs.replace(turn, **more)


def test_figures_are_medians_and_ratios_are_taken_within_a_round():
    """A slow round meets both, and leaves the ratio alone; the cost is that of the CPUs held."""
    threads = {0: sample(1.0), 1: sample(3.0), 2: sample(1.1)}
    found = figures_of([sample(2.0), sample(6.0), sample(2.2)], threads, [0, 1, 2], Terms(1000, 4.0, 0.9))
    assert found.items_per_second == Spread(1000 / 2.2, 1000 / 6, 500.0)
    assert found.ratio == Spread(0.5, 0.5, 0.5)
    assert found.cost_per_million == pytest.approx(2.2 * 4 / 3600 * 0.9 * 1000)
    assert (found.serialised, found.rounds, found.memory, found.p50) == (7, 3, "PSS", None)


def test_a_pass_that_is_too_short_has_no_rate():
    """What was measured of start-up and memory stands; a rate, a ratio, CPU seconds and a cost would mean nothing."""
    found = figures_of([sample(0.01)], {0: sample(1.0)}, [0], Terms(10, 1.0, 1.0))
    assert (found.items_per_second, found.ratio, found.cpu_seconds, found.cost_per_million) == (None,) * 4
    assert (found.startup, found.peak) == (0.5, 10)


def test_a_round_without_threads_is_compared_with_nothing():
    """A round in which threads failed counts for the rate, not for the ratio."""
    found = figures_of([sample(2.0), sample(4.0)], {1: sample(1.0)}, [0, 1], Terms(8, 1.0))
    assert found.ratio == Spread(0.25, 0.25, 0.25)
    assert figures_of([sample(2.0)], {}, [0], Terms(8, 1.0)).ratio is None


def test_p99_needs_a_hundred():
    """With 99 latencies there is a median and no 99th percentile; with 200, it is the 198th."""
    assert latency([[1.0] * 99]) == (1.0, None)
    assert latency([[], []]) == (None, None)
    assert latency([list(map(float, range(1, 101))), list(map(float, range(101, 201)))]) == (100.5, 198.0)


@pytest.mark.parametrize(
    ("spread", "word"),
    [
        ((0.5, 0.4, 0.6), "slower"),
        ((1.2, 1.1, 1.3), "faster"),
        ((1.0, 0.95, 1.05), "as fast"),
        ((0.97, 0.96, 0.98), "as fast"),
        ((1.03, 0.7, 1.4), "unclear"),
        ((0.67, 0.62, 1.13), "unclear"),
    ],
)
def test_equal_is_called_equal(spread: tuple[float, float, float], word: str):
    """A ratio near one, or on both sides of it, is no advantage; rounds that contradict each other say nothing."""
    assert verdict(Spread(*spread)) == word


def test_as_many_items_as_can_be_measured():
    """The share grows to about a second of threads, less where a peer would take minutes, and never shrinks."""
    assert calibrated(0.01, 0.1, []) == pytest.approx(0.1)
    assert calibrated(0.01, 0.1, [3.0]) == pytest.approx(0.02)
    assert calibrated(0.01, 0.1, [60.0]) == pytest.approx(0.015)
    assert calibrated(0.5, 0.2, []) == 1.0
    assert calibrated(0.5, 100.0, [500.0]) == 0.5
    assert wanted_of(Input("item", 1000), 100, None).share == 0.1
    assert wanted_of(Input("byte", 1 << 20), 500, 100).share == pytest.approx(5 / 16)


def comparison(*rows: Row) -> Comparison:
    """A comparison of 1,000 items on two CPUs."""
    return Comparison("job", "t:f", "done", 1000, "all of the input", 2, 2, 2.0, 3, 0.04, list(rows), [])


def figures(rate: float | None, ratio: Spread | None, p99: float | None = 0.002) -> Figures:
    """Those of a row."""
    spread = None if rate is None else Spread(rate, rate, rate)
    return Figures(3, spread, ratio, 0.001, p99, 0.5, 50_000_000, "PSS", 2_000_000, 1.5, 0.01)


def test_the_text_says_where_a_peer_is_equal_or_better():
    """A peer that is as fast, or faster, is said to be, in words; one that was refused, why."""
    text = comparison_text(
        comparison(
            Row("threads", "ftorch, 2 threads", figures=figures(1000.0, Spread(1, 1, 1))),
            Row(
                "processes",
                "mp.Pool",
                figures=figures(990.0, Spread(0.99, 0.98, 1.01)),
                tuned="chunk size 8",
            ),
            Row("interpreters", "the pool", figures=figures(1500.0, Spread(1.5, 1.4, 1.6), None)),
            Row("redis", "the fleet", refused="the fleet needs redis-server, which is not installed"),
        )
    )
    assert text.startswith("job: 1,000 items, all of the input\n")
    assert (
        "  equal        processes: as fast as threads here: 0.99 (0.98 to 1.01); speed is no reason to change" in text
    )
    assert "  faster       interpreters: faster than threads here: 1.50 (1.40 to 1.60)" in text
    assert "no figures: the fleet needs redis-server, which is not installed" in text
    assert "2 items failed, and alike in every row that has figures" in text
    assert "2 CPUs held for as long as they take, at 0.04 an hour each" in text
    assert "  processes    mp.Pool; chunk size 8\n" in text
    assert [line.split()[0] for line in text.splitlines()[2:6]] == ["items/s", "threads", "processes", "interpreters"]


def test_the_text_of_what_was_too_short():
    """No rate is printed for it, and it is said in words."""
    text = comparison_text(comparison(Row("threads", "ftorch", figures=figures(None, None))))
    assert "threads: all items together take less than 50 ms" in text
    assert "items/s" in text.splitlines()[2]
    assert "too short" in text.splitlines()[3]
