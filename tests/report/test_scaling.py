"""What the terminal says of a curve."""

import re

import pytest

from orchestrator.engine.protocol import Measured
from orchestrator.engine.scale import Progress, ScaleReport
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.interpreter import BackendDecision
from orchestrator.measure.scaling import Scaling, scaling_of
from orchestrator.measure.windows import Window
from orchestrator.report.sweep import progress_text, scale_text
from orchestrator.report.text import report_text
from tests.measure.curves import sweep, usl, window
from tests.report.samples import HOST, node, report


def ranges(windows: list[Window]) -> list[Window]:
    """The same windows of an input without bytes."""
    return [window(each.threads, each.repeat, each.items_per_second, bytes_per_second=0.0) for each in windows]


TWO = scaling_of(ranges(sweep(lambda threads: 100.0 * threads**0.9, (1, 2), noise=0.01)), 2.0, lost_seconds=0.25)


def said(scaling: Scaling | None, why: str = "") -> list[str]:
    """The lines of a run's report from "scaling" on to the next label."""
    lines = report_text(report(node(scaling=scaling, no_scaling=why))).splitlines()
    if not any(line.startswith("  scaling") for line in lines):
        return []
    at = next(at for at, line in enumerate(lines) if line.startswith("  scaling"))
    end = next(later for later in range(at + 1, len(lines)) if not lines[later].startswith(" " * 14))
    return [line[14:] for line in lines[at:end]]


def test_a_curve_of_two_threads():
    """A table of threads, rates, speedups with their intervals and efficiencies, and then what follows from it."""
    table, one, two, *rest = said(TWO)
    assert re.split(r"\s{2,}", table) == ["threads", "items/s", "speedup", "efficiency", "CPU an item"]
    assert re.fullmatch(r"1 {8}99\.\d +1 +100 % +10 ms", one), one
    assert re.fullmatch(r"2 {8}1\d\d +1\.8\d \(1\.8\d to 1\.\d+\) +9\d % +10\.\d ms", two), two
    at = table.index("efficiency")
    assert (one[at : at + 5], two[at - 1 : at + 1]) == ("100 %", " 9")
    assert rest[0] == "compared by items: the input has no bytes to compare by"
    assert re.fullmatch(
        r"Karp-Flatt, the share that .* serial: [\d.]+ % \([\d.]+ to [\d.]+ %\) with 2 threads", rest[1]
    )
    assert rest[2:] == [
        "no fit and no prediction: they need 4 thread counts within the CPUs, 2 were measured",
        "from 12 windows of 1 s, 95 % intervals; they cost the run 250 ms",
    ]


def test_a_curve_with_a_law():
    """With four counts the law is told, and each prediction as one, with its interval or why there is none."""
    windows = sweep(lambda threads: usl(threads, 100, 0.03, 0.001), (1, 2, 4, 8), noise=0.003)
    lines = said(scaling_of(windows, 8.0))
    [law] = [line for line in lines if line.startswith("Universal")]
    assert re.search(r"contention [23]\.?\d* %, coherency 0\.\d+ %, best with [23]\d threads; it is 0\.\d+ % off", law)
    predictions = [line for line in lines if line.startswith("prediction for")]
    assert re.fullmatch(
        r"prediction for 16 cores like these: \d\.\d+ \(.* to .*\) times one thread, .*", predictions[0]
    )
    assert len(predictions) == 3
    assert predictions[2].startswith("prediction for 64 cores like these: none, between")


def test_a_curve_by_bytes():
    """Where bytes are the more even unit, CPU time is told a megabyte, and predictions in bytes a second."""
    windows = [
        window(threads, repeat, 10.0 * size, bytes_per_second=1e6 * threads, cpu_seconds=float(threads))
        for threads in (1, 2, 4, 8)
        for repeat, size in enumerate((1, 3, 2, 5))
    ]
    lines = said(scaling_of(windows, 8.0))
    assert re.split(r"\s{2,}", lines[0])[1::3] == ["MB/s", "CPU a MB"]
    assert re.split(r"\s{2,}", lines[1]) == ["1", "1", "1", "100 %", "1 s"]
    assert re.split(r"\s{2,}", lines[4])[1] == "8"
    assert lines[5].startswith("compared by bytes: CPU an item varied by")
    assert any(line.endswith("times one thread, 16 MB/s") for line in lines)


def test_a_speedup_that_is_refused():
    """No figure is shown for it, but why, and what share of a CPU its threads had."""
    windows = [window(1, repeat, 100.0) for repeat in range(3)]
    windows += [window(2, repeat, rate, cpu_seconds=1.0) for repeat, rate in enumerate((90.0, 200.0, 110.0))]
    lines = said(scaling_of(ranges(windows[:3]) + windows[3:], 2.0))
    assert re.split(r"\s{2,}", lines[2])[:4] == ["2", "133", "-", "-"]
    assert lines[3].startswith("no speedup of 2 threads: somewhere between")
    assert lines[3].endswith("; its threads had 50 % of a CPU each")


@pytest.mark.parametrize("why", ["measure.scaling is off", "too short to measure: it takes about 2 s"])
def test_no_curve(why: str):
    """A run without a curve says why in one line; a report of an older ftorch says nothing."""
    assert said(None, why) == [why]
    assert said(None) == []


def scale(scaling: Scaling, **changes: object) -> ScaleReport:
    """A report of `ftorch scale`."""
    values = {
        "job": "hash",
        "task": "./task.py:f",
        "complete": True,
        "reason": "",
        "host": HOST,
        "threads": ThreadDecision(2, "2 CPUs in the affinity mask, no CPU quota"),
        "backend": BackendDecision("threads", "the GIL is off"),
        "seed": 7,
        "seconds": 1.0,
        "repeats": 6,
        "order": (1, 2),
        "sample_entries": 1,
        "sample_items": 5000,
        "sample_bytes": 0,
        "items": 100,
        "failed": 0,
        "scaling": scaling,
        "notes": [],
    }
    return ScaleReport(**(values | changes))  # type: ignore[arg-type]


def test_a_sweep():
    """It says on what, in which order and with what result, with a bar for each count and dots up to the ideal."""
    windows = ranges(sweep(lambda threads: 100.0 * min(threads, 1.5), (1, 2, 4)))
    lines = scale_text(scale(scaling_of(windows, 2.0))).splitlines()
    assert lines[0] == "hash: how ./task.py:f scales"
    assert "  sample      5,000 items, again and again; nothing was written" in lines
    assert "  windows     18 of 1 s or more, in 6 repeats; order by --seed 7" in lines
    at = next(at for at, line in enumerate(lines) if line.startswith("  curve"))
    assert lines[at : at + 3] == [
        "  curve       1 " + "█" * 20,
        "              2 " + "█" * 30 + "·" * 10,
        "              4 " + "█" * 30 + "·" * 10,
    ]


def test_a_sweep_that_was_stopped():
    """It is marked in the title, with the reason, and shows what there is; so are failed items, and bytes of lines."""
    found = scale(scaling_of([window(2, 0, 50.0)], 2.0), complete=False, reason="stopped after 1 of 2 windows")
    lines = scale_text(found).splitlines()
    assert lines[0] == "hash: how ./task.py:f scales (so far)"
    assert "  stopped     stopped after 1 of 2 windows" in lines
    assert any(line.startswith("  curve       2 ████") for line in lines)
    text = scale_text(scale(TWO, failed=3, sample_items=None, sample_bytes=2_000_000, notes=["so"]))
    assert "items of 2 MB, again and again" in text
    assert "  failed      3 of 100 items" in text
    assert "  note        so\n" in text


def test_processes_say_why():
    """On processes the reason stands below."""
    text = scale_text(scale(TWO, backend=BackendDecision("processes", "the GIL is on")))
    assert "  processes   2 in a run: 2 CPUs" in text
    assert "\n              the GIL is on\n" in text


def test_progress():
    """While it runs: how many windows are done, what the last one showed, what is left at least."""
    assert progress_text(Progress(0, 20, None, 20.0)) == "0 of 20 windows: starting, and warming up"
    last = Measured(window(2, 0, 1234.5), 100, 0)
    assert progress_text(Progress(3, 20, last, 17.0)) == (
        "3 of 20 windows: 2 threads, 1,234 items/s; 17 s left at least"
    )
