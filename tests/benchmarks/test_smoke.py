"""Each benchmark runs, on tiny input, as the one command that a reader of its figures would type."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.measure import Results, Spread, ratios, table
from benchmarks.startup import spied
from benchmarks.versions import NEW

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
