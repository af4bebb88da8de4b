"""Predictions from windows of real runs, held against what those runs did with more threads."""

import msgspec
import pytest

from orchestrator.measure.scaling import Scaling, scaling_of
from orchestrator.measure.usl import Prediction
from orchestrator.measure.windows import Window
from orchestrator.report.scaling import scaling_rows
from tests.measure.record import RECORDS

CPUS = 8


def recorded(name: str) -> list[Window]:
    """The windows of a sweep; `tests.measure.record` made them."""
    return msgspec.json.decode((RECORDS / f"{name}.json").read_bytes(), type=list[Window])


def node(name: str) -> Scaling:
    """What a node with 8 CPUs would say, which never had more threads than those."""
    return scaling_of([window for window in recorded(name) if window.threads <= CPUS], float(CPUS))


def predicted(scaling: Scaling, cores: int) -> Prediction:
    """What it says of so many cores."""
    return next(prediction for prediction in scaling.predictions if prediction.cores == cores)


@pytest.mark.parametrize("name", ["free", "contended"])
def test_a_prediction_holds_what_came(name: str):
    """Twice the threads that were measured did what was predicted: the intervals of both have values in common."""
    prediction = predicted(node(name), 16).speedup
    measured = next(point for point in scaling_of(recorded(name), 32.0).points if point.threads == 16).speedup
    assert prediction is not None
    assert measured is not None
    assert prediction.low <= measured.high
    assert measured.low <= prediction.high
    assert prediction.value == pytest.approx(measured.value, rel=0.1)


def test_the_law_tells_the_two_apart():
    """Threads that hold each other up have a law that says so, and a best number; free ones have neither."""
    free, contended = node("free").law, node("contended").law
    assert free is not None
    assert contended is not None
    assert (free.contention, free.best_threads) == (pytest.approx(0.0, abs=0.005), None)
    assert 0.02 < contended.contention + contended.coherency < 0.08
    assert contended.best_threads is not None


def test_what_the_windows_leave_open_is_refused():
    """Four times the threads is more than noisy windows support, eight times is the farthest; both say so in words."""
    scaling = node("contended")
    assert predicted(scaling, 32).speedup is None
    assert "too wide to be a figure" in predicted(scaling, 32).refused
    lines = [text for _, text in scaling_rows(scaling) if text.startswith("prediction")]
    assert lines[0].startswith("prediction for 16 cores like these: 9.0")
    assert lines[1].startswith("prediction for 32 cores like these: none, between")


@pytest.mark.parametrize(("cpus", "counts"), [(2.0, 2), (3.0, 2), (4.0, 3)])
def test_a_small_node_predicts_nothing(cpus: float, counts: int):
    """With fewer than four thread counts within its CPUs a node has no law and no prediction, and says what lacks."""
    scaling = scaling_of(recorded("free"), cpus)
    assert (scaling.law, scaling.predictions) == (None, [])
    told = f"no fit and no prediction: they need 4 thread counts within the CPUs, {counts} were measured"
    assert scaling.refused == [told]
