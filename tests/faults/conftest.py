"""The fault tests: how many rounds, and what they counted, printed at the end whatever `-s` says."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.counting import Count
from tests.faults.jobs import KINDS, Strikes
from tests.faults.sittings import Trouble

_COUNTS = pytest.StashKey[list[Count]]()
EVERYDAY = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often each fault is made: FTORCH_FAULT_ROUNDS, or so few that all of it takes some minutes."""
    return int(os.environ.get("FTORCH_FAULT_ROUNDS", EVERYDAY))


@pytest.fixture(scope="session")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How many seconds an undisturbed run takes here, for each kind of output: the moments for faults lie within."""
    found = {}
    for name, kind in KINDS.items():
        place = Trouble(tmp_path_factory.mktemp("length"))
        kind.write(place)
        began = time.monotonic()
        place.sit().expect(0)
        found[name] = time.monotonic() - began
    return found


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Iterator[Count]:
    """What this test counts; told at the end, if anything was counted."""
    found = Count(request.node.nodeid.rpartition("/")[2])
    yield found
    if found.rounds:
        request.config.stash.setdefault(_COUNTS, []).append(found)


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Trouble]:
    """A folder for a job; no process that was started for it outlives the test."""
    folder = tmp_path / "job"
    folder.mkdir()
    made = Trouble(folder)
    yield made
    assert made.left_behind() == [], "processes outlived their run"


@pytest.fixture
def strikes(rounds: int, lengths: dict[str, float], trouble: Trouble, count: Count) -> Strikes:
    """Runs that are hit at random moments."""
    return Strikes(rounds, lengths, trouble, count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line for each test that counted."""
    counts = config.stash.get(_COUNTS, [])
    if not counts:
        return
    terminalreporter.section("faults")
    for found in counts:
        terminalreporter.write_line(str(found))
    total = Count("in all", *(sum(getattr(one, name) for one in counts) for name in Count.NUMBERS))
    terminalreporter.write_line(str(total))
