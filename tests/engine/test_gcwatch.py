"""The worker's garbage collector: what was chosen is done, and memory that grows calls a lane."""

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.engine import gcwatch
from orchestrator.engine.gcwatch import LEAST, GcWatch, grown
from orchestrator.measure.node import Pauses
from orchestrator.spec.model import JobSpec

AUTO: Any = SimpleNamespace(runtime=SimpleNamespace(gc="auto"))


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.enable()
    gc.set_threshold(*before)


class Scene:
    """A watch whose clock, memory and pauses are set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, spec: JobSpec = AUTO) -> None:
        self.now, self.resident = 0.0, 100 << 20
        monkeypatch.setattr(gcwatch, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(gcwatch, "resident_bytes", lambda: self.resident)
        self.pool: Any = SimpleNamespace(errand=None)
        self.watch = GcWatch(spec, on_threads=True)

    def second(self, paused: float, freed: int = 0, memory: float = 0.0) -> None:
        """A second with so long a pause passes."""
        self.now += 1.0
        heard = self.watch._pauses.heard
        self.watch._pauses.heard = Pauses(heard.count + 1, heard.seconds + paused, paused, heard.freed + freed)
        self.watch.look(memory, calm=True)
        self.watch.step(self.pool)

    @property
    def state(self) -> tuple[bool, int]:
        """Whether the collector is on, and its threshold."""
        return gc.isenabled(), gc.get_threshold()[0]

    def end(self) -> None:
        """Stop listening."""
        self.watch.stop()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A watch of a job with `gc: auto`."""
    made = Scene(monkeypatch)
    yield made
    made.end()


def test_what_is_chosen_is_done(scene: Scene):
    """The collector's threshold is raised, and then it is off; near the memory limit it is as it was."""
    first = scene.state[1]
    scene.second(0.5)
    assert scene.state == (True, 16 * first)
    scene.second(0.5)
    assert scene.state == (False, 16 * first)
    scene.second(0.5, memory=0.6)
    assert scene.state == (True, first)
    assert scene.watch.pause() == float("inf")


def test_memory_that_grows_calls_a_lane(scene: Scene):
    """While collections are rare, growth asks a lane to collect, once for each time that memory has grown."""
    scene.second(0.5)
    scene.second(0.0)
    assert scene.pool.errand is None
    scene.resident += 2 * LEAST
    scene.second(0.0)
    assert scene.pool.errand is gc.collect
    scene.pool.errand = None
    scene.second(0.0)
    assert scene.pool.errand is None


def test_lanes_that_do_not_come_to_collect(scene: Scene):
    """Off, and memory grows on while no lane comes between two chunks: collections are automatic again, for good."""
    first = scene.state[1]
    scene.second(0.5)
    scene.second(0.5)
    for _ in range(2):
        assert not scene.state[0]
        scene.resident *= 2
        scene.second(0.0)
    assert scene.state == (True, first)
    assert scene.watch.chosen is not None
    assert "no thread came" in scene.watch.chosen.reason
    scene.second(0.9)
    assert scene.state == (True, first)


def test_nothing_is_changed_while_windows_are_measured(scene: Scene):
    """The ramp's windows are to be alike: what they cost is judged after them."""
    scene.now += 5.0
    scene.watch._pauses.heard = Pauses(9, 4.0, 1.0)
    scene.watch.look(0.0, calm=False)
    assert scene.watch.chosen is not None
    assert scene.watch.chosen.reason == ""
    scene.watch.look(0.0, calm=True)
    assert scene.watch.chosen.mode == "threshold"


def test_a_task_that_set_the_collector_itself_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """A collector that set-up has turned off stays off."""
    gc.disable()
    scene = Scene(monkeypatch)
    scene.second(0.9)
    scene.end()
    assert scene.watch.chosen is None
    assert not gc.isenabled()


def test_growth_that_is_worth_a_collection():
    """A quarter of what there was, and no less than 32 MiB."""
    assert not grown(0, LEAST)
    assert grown(0, LEAST + 1)
    assert not grown(1 << 30, 5 << 28)
    assert grown(1 << 30, (5 << 28) + 1)
