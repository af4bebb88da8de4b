"""Each benchmark runs, on tiny input, as the one command that a reader of its figures would type."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.fleettable import ratio_table
from benchmarks.fleettable import table as fleet_table
from benchmarks.measure import Results, Spread, ratios, table
from benchmarks.peerenv import peers
from benchmarks.startup import spied
from benchmarks.versions import NEW
from benchmarks.work import task

ROOT = Path(__file__).parents[2]
NEEDS_BOTH = pytest.mark.skipif(
    sys.version_info >= (3, 15) or not NEW.exists(), reason="needs 3.14t here, and make setup PYTHON=3.15t"
)


@pytest.mark.bench
@pytest.mark.parametrize("name", [*NAMES, pytest.param("versions", marks=NEEDS_BOTH)])
def test_a_benchmark_runs_and_keeps_its_figures_as_data(name: str, tmp_path: Path):
    """A smoke run prints its table, keeps every sample as JSON, names no folder, and leaves no scratch file."""
    out, scratch = tmp_path / "kept" / "results.json", tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--out", str(out), "--scratch", str(scratch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    kept = json.loads(out.read_text())
    assert kept["benchmark"] == name
    assert all(figure["found"]["least"] <= figure["found"]["most"] for figure in kept["figures"])
    assert all(figure["what"] in done.stdout for figure in kept["figures"])
    assert kept["samples"]
    assert str(ROOT) not in out.read_text()
    assert str(tmp_path) not in out.read_text()
    assert list(scratch.iterdir()) == []


def test_a_figure_is_judged_by_its_median():
    """The median of the rounds decides on a target; without one a figure is only told; a smoke run judges nothing."""
    results = Results("example")
    results.add("fast", "s", [1.0, 9.0, 2.0], "<= 2")
    results.add("slow", "x", [0.9, 0.94, 1.2], ">= 0.95")
    results.add("told", "s", [1.0])
    assert [figure.met for figure in results.figures] == [True, False, None]
    assert results.figures[0].found == Spread(2.0, 1.0, 9.0)
    assert table(results).count("<= 2: met") == 1
    assert table(results).count(">= 0.95: NOT MET") == 1
    results.judged = False
    assert "met" not in table(results).lower()


def test_ratios_are_taken_within_a_round():
    """A round in which everything was twice as slow does not change a ratio."""
    assert ratios([2.0, 4.0], [1.0, 2.0]) == [2.0, 2.0]


def test_a_heavy_import_is_noticed(tmp_path: Path):
    """A command that touches a heavy package is told, even where it goes on without it; another is not."""
    guarded = "try:\n    import kubernetes\nexcept ImportError:\n    pass"
    assert spied([sys.executable, "-c", guarded], tmp_path) == ["kubernetes"]
    assert spied([sys.executable, "-c", "import json"], tmp_path) == []


def test_a_table_of_a_fleet_has_a_row_a_contestant_and_a_column_a_grain():
    """Rates and efficiencies of several grains meet in one row; a cell without a figure is empty."""
    rows = [("0 µs: ftorch", "items/s", 1e7), ("10 µs: ftorch", "items/s", 2e5), ("10 µs: RQ", "items/s", 42.4)]
    rows += [("10 µs: ftorch: efficiency", "%", 98.2), ("10 µs: ftorch over RQ", "x", 4716.0)]
    figures = [{"what": what, "unit": unit, "found": {"median": median}} for what, unit, median in rows]
    assert fleet_table(figures).splitlines()[2:] == ["| ftorch | 10,000,000 | 200,000 (98 %) |", "| RQ |  | 42.4 |"]


def test_ratios_of_a_fleet_have_a_row_a_peer_with_defaults_and_tuned():
    """What a peer did with its defaults and tuned meets in one cell; what is no ratio of `run` is left out."""
    rows = [("0 µs: ftorch, run(), over RQ", 12_345.6), ("0 µs: ftorch over RQ", 8.0), ("0 µs: ftorch", 1e7)]
    rows += [("0 µs: ftorch, run(), over mpire", 31.5), ("0 µs: ftorch, run(), over mpire, tuned", 1.0)]
    figures = [{"what": what, "unit": "x", "found": {"median": median}} for what, median in rows]
    assert ratio_table(figures).splitlines()[2:] == ["| RQ | 12,346 |", "| mpire | 31.5 / 1 |"]


def test_what_pip_refuses_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing is installed unless it is asked for, and what is not there is refused by name, with what to do."""
    monkeypatch.setattr("benchmarks.peerenv.HOME", tmp_path / "nothing")
    found = peers(make=False)
    assert set(found.refused) == {"joblib", "mpire", "dask", "distributed", "rq", "celery", "hyperqueue"}
    assert all("python -m benchmarks.peerenv" in why for why in found.refused.values())
    assert not found.pythons
    assert not (tmp_path / "nothing").exists()


def test_an_item_costs_the_same_however_many_there_are():
    """An item in the millions does the steps of an early one: whoever does more items is not given dearer ones."""
    work = task(50)
    assert work(4_000_007) == work(7) == sum(i * i % 123 for i in range(7, 57))
    assert work(8) != work(7)
