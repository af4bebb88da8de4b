"""Distances and courses against three-dimensional vectors and the math module, one row at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.columns.task import EARTH_KM, distances

LAT = st.floats(-89.9, 89.9)
LON = st.floats(-180, 180)
POINTS = st.lists(st.tuples(LAT, LON, LAT, LON), min_size=1, max_size=20)


def record(number: int, lat1: object, lon1: object, lat2: object, lon2: object) -> dict[str, str]:
    """A record as CSV gives it."""
    return {"id": str(number), "lat1": str(lat1), "lon1": str(lon1), "lat2": str(lat2), "lon2": str(lon2)}


def vector(lat: float, lon: float) -> list[float]:
    """The point on the unit sphere."""
    north, east = math.radians(lat), math.radians(lon)
    return [math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)]


def plain_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The angle between two vectors, times the Earth's radius; no haversine in it."""
    one, other = vector(lat1, lon1), vector(lat2, lon2)
    apart = math.dist(one, other)
    around = math.hypot(*(a + b for a, b in zip(one, other, strict=True)))
    return 2 * EARTH_KM * math.atan2(apart, around)


def plain_course(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The direction to the other point, by its parts along the local east and north."""
    other = vector(lat2, lon2)
    north, east = math.radians(lat1), math.radians(lon1)
    to_east = [-math.sin(east), math.cos(east), 0.0]
    to_north = [-math.sin(north) * math.cos(east), -math.sin(north) * math.sin(east), math.cos(north)]
    along = math.sumprod(other, to_north)
    return math.degrees(math.atan2(math.sumprod(other, to_east), along)) % 360


@given(points=POINTS)
def test_agrees_with_vectors_row_by_row(points):
    """Every row of a batch has the distance and the course that its vectors give, in the batch's order."""
    rows = distances([record(number, *point) for number, point in enumerate(points)])
    assert [row["id"] for row in rows] == [str(number) for number in range(len(points))]
    for row, point in zip(rows, points, strict=True):
        assert math.isclose(row["km"], plain_km(*point), abs_tol=2e-3)
        assert 0 <= row["bearing"] < 360
        if 1 < row["km"] < 19_000:
            turn = abs(row["bearing"] - plain_course(*point))
            assert min(turn, 360 - turn) < 2e-3


@pytest.mark.parametrize(
    ("point", "km", "bearing"),
    [
        ((0, 0, 0, 90), 10007.557, 90.0),
        ((0, 0, 90, 0), 10007.557, 0.0),
        ((10, 20, 10, 20), 0.0, 0.0),
        ((0, 179.5, 0, -179.5), 111.195, 90.0),
        ((0, 0, 0, 180), 20015.114, 90.0),
        ((0, 0, 0, -90), 10007.557, 270.0),
        ((0, 0, 1, -0.000005), 111.195, 0.0),
    ],
)
def test_known_distances(point, km: float, bearing: float):
    """A quarter and a half of the equator, both ways, a pole, no way at all, and across the date line."""
    [row] = distances([record(1, *point)])
    assert row["km"] == pytest.approx(km, abs=2e-3)
    assert row["bearing"] == pytest.approx(bearing, abs=1e-3)


@pytest.mark.parametrize(
    ("degrees", "bucket"),
    [(0.05, "local"), (0.5, "regional"), (5, "medium"), (50, "long"), (100, "antipodal")],
)
def test_every_class_of_distance(degrees: float, bucket: str):
    """A distance along the equator falls into the class of its kilometres."""
    [row] = distances([record(1, 0, 0, 0, degrees)])
    assert row["bucket"] == bucket


def test_a_row_does_not_depend_on_its_batch():
    """A record alone and the same record among others have one result."""
    rows = [record(number, number, 2 * number, -number, number) for number in range(50)]
    assert distances(rows) == [row for one in rows for row in distances([one])]


def test_the_results_are_plain_data():
    """No numpy scalar gets out, so that every format can hold the results."""
    [row] = distances([record(1, 1, 2, 3, 4)])
    assert [type(value) for value in row.values()] == [str, float, float, str]
    assert not isinstance(row["km"], np.generic)


@pytest.mark.parametrize(("name", "value"), [("lat1", "91"), ("lon2", "-180.5"), ("lat2", "nan"), ("lon1", "inf")])
def test_a_coordinate_out_of_range_is_named(name: str, value: str):
    """A number that is no coordinate raises, and the message says which field it was."""
    with pytest.raises(ValueError, match=name):
        distances([record(1, 0, 0, 0, 0), {**record(2, 0, 0, 0, 0), name: value}])


@pytest.mark.parametrize("value", ["", "north"])
def test_text_that_is_no_number_raises(value: str):
    """A field that cannot be read as a number raises."""
    with pytest.raises(ValueError, match="could not convert"):
        distances([record(1, value, 0, 0, 0)])


def test_a_missing_field_raises():
    """A record without one of the coordinates raises with the field's name."""
    with pytest.raises(KeyError, match="lon2"):
        distances([{"id": "1", "lat1": "0", "lon1": "0", "lat2": "0"}])
