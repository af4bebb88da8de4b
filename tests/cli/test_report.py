"""`ftorch report` of a run on one machine: its cost, and its work as a fleet where the job was compared."""

import json

import pytest

from tests.command import Place
from tests.report.test_collapse import comparison


@pytest.fixture
def ran(place: Place) -> Place:
    """A job that has run once."""
    place.job()
    place.submit()
    return place


def keep(place: Place, name: str) -> None:
    """A comparison of this job, as `ftorch compare` keeps it."""
    import msgspec

    place.write(name, msgspec.json.encode(comparison(job="place")))


def test_the_report_is_as_it_was(ran: Place) -> None:
    """Without a price or a comparison nothing is added, not even a line that says so."""
    assert "collapse" not in ran.ftorch("report", ".").expect(0).out
    assert "collapse" not in ran.ftorch("report", ".", "--json").expect(0).json()


def test_what_a_run_cost(ran: Place) -> None:
    """A price of a CPU-hour adds the cost of the CPUs that were held."""
    assert "held while its workers worked, at 0.5 an hour" in ran.ftorch("report", ".", "--price", "0.5").expect(0).out
    told = ran.ftorch("report", ".", "--price", "0.5", "--json").expect(0).json()
    node = told["nodes"][0]
    held = node["host"]["affinity"] if node["host"]["quota"] is None else node["host"]["quota"]["cpus"]
    assert told["cost"] == pytest.approx(0.5 * node["wall_seconds"] * min(held, node["host"]["affinity"]) / 3600)


@pytest.mark.parametrize(("name", "options"), [(".ftorch/compare/c.json", ()), ("c.json", ("--compare", "c.json"))])
def test_its_work_as_a_fleet(ran: Place, name: str, options: tuple[str, ...]) -> None:
    """A comparison that is kept beside the job, or named, adds what the same work would take, marked as computed."""
    keep(ran, name)
    text = ran.ftorch("report", ".", *options).expect(0).out
    assert "computed, not measured" in text
    assert "400 items of place" in text
    told = ran.ftorch("report", ".", "--json", *options).expect(0).json()
    assert told["collapse"]["computed"] is True
    assert told["collapse"]["ratio"]["median"] == 1.25
    assert json.loads((ran / name).read_text())["job"] == told["collapse"]["basis"]["job"]
