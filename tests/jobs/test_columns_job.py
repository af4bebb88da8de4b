"""The columns job as a user runs it: every row, in order, checked with the math module."""

import csv
import math
from collections.abc import Callable

from tests.jobs.conftest import ShippedJob


def cosine_km(row: dict[str, str]) -> float:
    """The spherical law of cosines: another formula, good to some metres at these distances."""
    lat1, lon1, lat2, lon2 = (math.radians(float(row[name])) for name in ("lat1", "lon1", "lat2", "lon2"))
    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon2 - lon1)
    return 6371.0088 * math.acos(max(-1.0, min(1.0, cosine)))


def test_every_row_is_there_in_order_and_right(shipped: Callable[[str], ShippedJob]):
    """One row for each input row, in input order, with the distance that another formula gives."""
    job = shipped("columns")
    points = job.make_input() / "points.csv"
    out = job.submit()
    with points.open(newline="") as given, (out / "distances.csv").open(newline="") as found:
        rows, results = list(csv.DictReader(given)), list(csv.DictReader(found))
    assert list(results[0]) == ["id", "km", "bearing", "bucket"]
    assert [result["id"] for result in results] == [row["id"] for row in rows]
    assert len(rows) == 20_000
    for row, result in zip(rows, results, strict=True):
        assert math.isclose(float(result["km"]), cosine_km(row), abs_tol=0.3), row


def test_one_bad_row_is_set_aside_alone(shipped: Callable[[str], ShippedJob]):
    """A row with a latitude of 95 fails by itself; the other rows of its batch have their results; exit 1."""
    job = shipped("columns")
    (job.folder / "data").mkdir()
    rows = [f"{number},{number},0,0,{number}\n" for number in range(80)]
    rows[40] = "40,95,0,0,0\n"
    (job.folder / "data" / "points.csv").write_text("id,lat1,lon1,lat2,lon2\n" + "".join(rows))
    done = job.try_submit("--set", "retry.attempts=1")
    assert done.returncode == 1, done.stdout + done.stderr
    with (job.folder / "out" / "distances.csv").open(newline="") as found:
        ids = [row["id"] for row in csv.DictReader(found)]
    assert ids == [str(number) for number in range(80) if number != 40]
    [failures] = job.folder.rglob("failures.jsonl")
    assert len(failures.read_text().splitlines()) == 1
    assert "lat1 is 95" in failures.read_text()
