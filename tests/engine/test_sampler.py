"""Windows of a running pool: when they begin, when they end, and what is in them."""

import pytest

from orchestrator.engine.sampler import Sampler
from orchestrator.host.cgroups import CpuLimits
from orchestrator.host.mounts import Level
from orchestrator.measure.windows import Mark
from tests.engine.simulated import NO_LIMITS


class ScriptedCrew:
    """A crew that does what a test says."""

    def __init__(self) -> None:
        self.allowed: list[int] = []
        self.idle = True
        self.left: list[Mark] | None = None

    def allow(self, threads: int) -> None:
        self.allowed.append(threads)

    def parked(self, threads: int) -> bool:  # noqa: ARG002 - all are alike
        return self.idle

    def marks(self, threads: int) -> list[Mark] | None:  # noqa: ARG002 - a test sets as many as it asks for
        return self.left


def marks(*moments: tuple[float, int]) -> list[Mark]:
    """Marks of threads at these moments, after so many chunks of ten items."""
    return [Mark(at, at, 0.02, chunks, 10 * chunks, 10 * chunks, 0) for at, chunks in moments]


@pytest.fixture
def crew() -> ScriptedCrew:
    """A crew without marks, nobody working."""
    return ScriptedCrew()


def test_a_window_waits_for_the_surplus_to_park(crew: ScriptedCrew):
    """Chunks that end while a surplus thread still works are in no window; it begins with the first ones after that."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    crew.idle, crew.left = False, marks((9.0, 1))
    sampler.begin(1, 0, 10.0)
    crew.left = marks((10.5, 5))
    assert sampler.step(11.0) is None
    crew.idle = True
    assert sampler.step(12.0) is None
    crew.left = marks((12.5, 10))
    assert sampler.step(12.6) is None
    crew.left = marks((14.5, 30))
    window = sampler.step(14.6)
    assert crew.allowed == [1]
    assert (window.threads, window.items, window.seconds) == (1, 200, 2.0)


def test_a_window_is_as_long_as_its_chunks(crew: ScriptedCrew):
    """It goes on past its time until every thread has done two chunks."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    crew.left = marks((10.0, 1), (10.0, 1))
    sampler.begin(2, 3, 10.0)
    assert sampler.step(10.0) is None
    for late in (11.5, 20.0):
        crew.left = marks((late, 9), (11.0, 2))
        assert sampler.step(late) is None
    crew.left = marks((21.0, 10), (21.0, 3))
    window = sampler.step(21.0)
    assert (window.repeat, window.chunks, window.seconds) == (3, 11, 11.0)


def test_neighbours_of_one_count_need_no_settling(crew: ScriptedCrew):
    """A window of as many threads as the last one begins where that ended, and nobody is told anything."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    crew.left = marks((10.0, 0))
    sampler.begin(1, 0, 10.0)
    sampler.step(10.0)
    crew.left = marks((11.0, 10))
    assert sampler.step(11.0) is not None
    sampler.begin(1, 1, 11.1)
    crew.left = marks((12.2, 22))
    window = sampler.step(12.2)
    assert (window.items, window.repeat, crew.allowed) == (120, 1, [1])
    sampler.begin(2, 1, 12.3)
    assert crew.allowed == [1, 2]


def test_a_process_that_was_replaced(crew: ScriptedCrew):
    """A thread whose counts begin anew in the middle of a window has it taken once more, from then on."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    crew.left = marks((10.0, 50))
    sampler.begin(1, 0, 10.0)
    sampler.step(10.0)
    crew.left = marks((11.5, 4))
    assert sampler.step(11.5) is None
    crew.left = marks((12.6, 14))
    window = sampler.step(12.6)
    assert (window.items, window.seconds) == (100, pytest.approx(1.1))


def test_when_to_look(crew: ScriptedCrew):
    """While threads settle it looks soon, then less often; within a window not before its end."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    sampler.begin(1, 0, 10.0)
    assert sampler.pause(10.0) == 0.002
    assert sampler.pause(10.2) == pytest.approx(0.025)
    assert sampler.pause(20.0) == 0.05
    crew.left = marks((20.0, 1))
    sampler.step(20.0)
    assert sampler.pause(20.25) == pytest.approx(0.75)


def test_a_thread_that_never_comes(crew: ScriptedCrew):
    """Some chunks' time and a second more is waited for a thread, in a window and before it."""
    sampler = Sampler(crew, 1.0, NO_LIMITS)
    sampler.begin(1, 0, 10.0)
    assert not sampler.stuck(11.4, chunk=0.05)
    assert sampler.stuck(11.6, chunk=0.05)
    assert not sampler.stuck(11.6, chunk=1.0)
    crew.left = marks((12.0, 1))
    sampler.step(12.0)
    assert not sampler.stuck(14.4, chunk=0.05)
    assert sampler.stuck(14.6, chunk=0.05)


def test_throttling_is_read(crew: ScriptedCrew, tmp_path):
    """A window knows for how long the quota held it up."""
    stat = tmp_path / "cpu.stat"
    stat.write_text("nr_periods 10\nnr_throttled 1\nthrottled_usec 250000\n")
    sampler = Sampler(crew, 1.0, CpuLimits((Level("/", tmp_path, 2),)))
    crew.left = marks((10.0, 1))
    sampler.begin(1, 0, 10.0)
    sampler.step(10.0)
    stat.write_text("nr_periods 20\nnr_throttled 5\nthrottled_usec 1000000\n")
    crew.left = marks((11.0, 10))
    assert sampler.step(11.0).throttled_seconds == pytest.approx(0.75)
