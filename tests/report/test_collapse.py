"""What a run's work would take as a fleet: computed from a comparison, told with where it comes from, or not at all."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.compare.figures import Figures
from orchestrator.compare.figures import Spread as Measured
from orchestrator.compare.results import Comparison, Row
from orchestrator.errors import JobError
from orchestrator.report.cluster import cluster_report, with_collapse
from orchestrator.report.clustertext import cluster_text
from orchestrator.report.collapse import Collapse, Work, collapse, work_of
from orchestrator.report.collapsetext import NEVER, collapse_rows
from orchestrator.report.comparisons import Compared, keep_comparison, newest_comparison, read_comparison
from tests.report.samples import NODE
from tests.report.test_cluster import row

SLOWER = Measured(0.8, 0.5, 1.0)
WORK = Work(cpu_hours=6.0, held_cpu_hours=8.0, nodes=4, threads=16, peak_rss=400_000_000, price=0.05)


def figures(ratio: Measured | None, cpu_seconds: float, peak: int, worker: int = 0) -> Figures:
    """A row's figures, as `ftorch compare` has them."""
    return Figures(3, Measured(100, 90, 110), ratio, None, None, 0.5, peak, "PSS", 0, cpu_seconds, None, worker)


def comparison(ratio: Measured | None = SLOWER, worker: int = 50_000_000, **more: object) -> Comparison:
    """A comparison on two CPUs in which a fleet took a quarter longer than threads."""
    rows = [
        Row("threads", "ftorch", figures=figures(Measured(1, 1, 1), 2.0, 80_000_000)),
        Row("redis", "the fleet", figures=figures(ratio, 3.0, 160_000_000, worker)),
    ]
    found = Comparison("hash", "t:f", "done", 400, "all of the input", 0, 2, 2.0, 3, None, rows, [], 1.0, "vm, 2 CPUs")
    return msgspec.structs.replace(found, **more)


def compared(found: Comparison) -> Compared:
    """The same as it is read again."""
    return msgspec.json.decode(msgspec.json.encode(found), type=Compared)


def test_the_run_times_what_was_measured() -> None:
    """A fleet at 0.8 of the rate holds 1.25 times the CPU-hours; one more worker process costs what one had."""
    found = collapse(WORK, compared(comparison()))
    assert isinstance(found, Collapse)
    assert (found.ratio.median, found.ratio.least, found.ratio.most) == (1.25, 1.0, 2.0)
    assert (found.held_cpu_hours, found.cost) == (pytest.approx(10.0), pytest.approx(0.5))
    assert found.cpu_hours == pytest.approx(9.0)
    assert found.memory_per_node == 160_000_000 + 14 * 50_000_000
    assert found.memory == 4 * found.memory_per_node
    assert found.computed


def test_what_is_not_known_is_not_computed() -> None:
    """Without a fleet, or with one too quick to measure, there is a reason; without a worker's memory, no memory."""
    without = comparison(rows=comparison().rows[:1])
    assert "no figures of the rows threads and redis" in str(collapse(WORK, compared(without)))
    assert "too short" in str(collapse(WORK, compared(comparison(ratio=None))))
    found = collapse(WORK, compared(comparison(worker=0)))
    assert isinstance(found, Collapse)
    assert (found.memory_per_node, found.memory) == (None, None)


@given(st.floats(0.01, 100), st.floats(0.001, 1e6), st.integers(1, 64))
def test_a_fleet_that_is_as_fast_takes_as_long(rate: float, held: float, threads: int) -> None:
    """CPU-hours held are in proportion to the time; more worker processes never take less memory."""
    work = msgspec.structs.replace(WORK, held_cpu_hours=held, threads=threads)
    found = collapse(work, compared(comparison(Measured(rate, rate, rate))))
    more = collapse(
        msgspec.structs.replace(work, threads=threads + 1), compared(comparison(Measured(rate, rate, rate)))
    )
    assert isinstance(found, Collapse)
    assert isinstance(more, Collapse)
    assert found.held_cpu_hours * rate == pytest.approx(held)
    assert (more.memory_per_node or 0) >= (found.memory_per_node or 0) > 0


def test_the_work_of_one_machine() -> None:
    """Its workers' CPU time, and the CPUs that it held for them, one after the other."""
    found = work_of([NODE, NODE])
    assert found.cpu_hours == pytest.approx(2 * 3.75 / 3600)
    assert found.held_cpu_hours == pytest.approx(2 * 2 * 2.0 / 3600)
    assert (found.nodes, found.threads, found.peak_rss) == (1, 2, 50_000_000)


def test_the_newest_with_a_fleet_is_found(tmp_path: Path) -> None:
    """Other jobs' comparisons, those without a fleet and files that are none are passed over."""
    assert newest_comparison(tmp_path, "hash", "redis") is None
    wanted = keep_comparison(tmp_path, "hash", msgspec.json.encode(comparison(created=5.0)))
    for other in (
        comparison(created=4.0),
        comparison(created=9.0, job="other"),
        comparison(created=9.0, rows=comparison().rows[:1]),
    ):
        keep_comparison(tmp_path, other.job, msgspec.json.encode(other))
    (wanted.parent / "hash-broken.json").write_text("{")
    found = newest_comparison(tmp_path, "hash", "redis")
    assert found is not None
    assert found.file == str(wanted)


@pytest.mark.parametrize(("text", "told"), [("{", "no comparison"), ('{"job": 1}', "no comparison"), (None, "read")])
def test_a_file_that_is_no_comparison(tmp_path: Path, text: str | None, told: str) -> None:
    """It is named, with what it should be."""
    path = tmp_path / "c.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(JobError, match=told) as caught:
        read_comparison(path)
    assert caught.value.where == str(path)
    assert caught.value.hint is not None
    assert "ftorch compare" in caught.value.hint


def test_the_report_says_that_it_is_computed_and_from_what() -> None:
    """The ratio, CPU-hours, cost and memory beside the run's own, marked as computed, with machine and sample."""
    report = cluster_report("r", 8, [row(0, 3600.0), row(1, 1800.0)], price=0.04)
    text = cluster_text(with_collapse(report, 4, compared(comparison()), ""))
    assert "computed, not measured: as a multiprocessing + Redis fleet the same work takes 1.25 times as long" in text
    assert "(1.00 to 2.00)" in text
    assert "3.75 CPU-hours held instead of 3 CPU-hours" in text
    assert "cost 0.15 instead of 0.12" in text
    assert "160 MB of memory a node (2 worker processes) instead of 50 MB, 640 MB on 4 nodes instead of 200 MB" in text
    assert "on vm, 2 CPUs: 400 items of hash, all of the input; 2 workers, 3 rounds" in text


def test_without_a_comparison_there_is_one_line_and_no_figure() -> None:
    """It says how to make one."""
    report = cluster_report("r", 8, [row(0), row(1)])
    told = with_collapse(report, 4, None, NEVER)
    assert told.collapse is None
    assert [text for label, text in collapse_rows(told.collapse, told.no_collapse)] == [NEVER]
    assert "`ftorch compare JOB` makes one" in NEVER
    assert "collapse" not in cluster_text(report)
